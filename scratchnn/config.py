"""The settings that hold everywhere: dtypes, epsilon, image layout, output (as `keras.config`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dtype_policies import DTypePolicy

__all__ = [
    "backend",
    "set_backend",
    "floatx",
    "set_floatx",
    "dtype_policy",
    "set_dtype_policy",
    "epsilon",
    "set_epsilon",
    "image_data_format",
    "set_image_data_format",
    "max_epochs",
    "set_max_epochs",
    "max_steps_per_epoch",
    "set_max_steps_per_epoch",
    "enable_interactive_logging",
    "disable_interactive_logging",
    "is_interactive_logging_enabled",
    "enable_traceback_filtering",
    "disable_traceback_filtering",
    "is_traceback_filtering_enabled",
    "enable_flash_attention",
    "disable_flash_attention",
    "is_flash_attention_enabled",
    "enable_unsafe_deserialization",
    "is_nnx_enabled",
]

_FLOAT_TYPES = ("float32", "float64")
_DATA_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_policy: str | None = None
_epsilon = 1e-7
_image_data_format = "channels_last"
_interactive_logging = True


def backend() -> str:
    """Return 'numpy', the one of Keras's backend names that says what computes here.

    Example:
        >>> backend()
        'numpy'
    """
    return "numpy"


def set_backend(backend: str) -> None:
    """Choose the backend: there is one, 'numpy'.

    Raises:
        ValueError: for any other.

    Example:
        >>> set_backend("numpy")
    """
    if backend != "numpy":
        raise ValueError(f"backend must be 'numpy', the only one. Received: {backend!r}.")


# --- numbers


def floatx() -> str:
    """Return the default float dtype of layers and data, 'float32' unless set.

    Example:
        >>> floatx()
        'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype: 'float32' or 'float64'.

    Arguments:
        value: the name.

    Raises:
        ValueError: for any other name; NumPy has no fast half-precision arithmetic.

    Example:
        >>> set_floatx("float64")
        >>> floatx()
        'float64'
        >>> set_floatx("float32")
    """
    global _floatx
    _floatx = checked_float(value, "floatx")


def dtype_policy() -> DTypePolicy:
    """Return the dtype policy of new layers: that of `set_dtype_policy`, or `floatx`.

    Example:
        >>> dtype_policy().name
        'float32'
    """
    from .dtype_policies import DTypePolicy

    return DTypePolicy(_policy)


def set_dtype_policy(policy: Any) -> None:
    """Set the dtype of the layers made from now on; data and losses keep that of `floatx`.

    Arguments:
        policy: 'float32', 'float64', or a DTypePolicy.

    Raises:
        ValueError: for any other; mixed precision needs half-precision arithmetic.

    Example:
        >>> set_dtype_policy("float64")
        >>> dtype_policy().name
        'float64'
        >>> set_dtype_policy("float32")
    """
    global _policy
    _policy = checked_float(getattr(policy, "name", policy), "dtype policy")


def checked_float(name: Any, what: str) -> str:
    """Return the name of a float dtype that this package computes with; else it is an error."""
    if name not in _FLOAT_TYPES:
        raise ValueError(
            f"{what} must be one of {_FLOAT_TYPES}. Received: {name!r}. "
            "Half and mixed precision are not supported: NumPy computes them in software."
        )
    return str(name)


def epsilon() -> float:
    """Return the small constant that keeps divisions and logarithms finite, 1e-7 unless set.

    Example:
        >>> epsilon()
        1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the small constant that losses and metrics use.

    Arguments:
        value: a number above 0.

    Example:
        >>> set_epsilon(1e-6)
        >>> epsilon()
        1e-06
        >>> set_epsilon(1e-7)
    """
    global _epsilon
    _epsilon = float(value)


# --- images


def image_data_format() -> str:
    """Return 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W).

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the layout that image layers assume when none is given.

    Raises:
        ValueError: if `data_format` is neither 'channels_last' nor 'channels_first'.

    Example:
        >>> set_image_data_format("channels_last")
    """
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return `data_format` in lower case, or the default for None; anything else is an error."""
    if data_format is None:
        return _image_data_format
    name = str(data_format).lower()
    if name not in _DATA_FORMATS:
        raise ValueError(f"data_format must be one of {_DATA_FORMATS}. Received: {data_format!r}.")
    return name


# --- short runs, to try a program out


def _limit(name: str) -> int | None:
    value = os.environ.get(name)
    return int(value) if value else None


_max_epochs = _limit("KERAS_MAX_EPOCHS")
_max_steps_per_epoch = _limit("KERAS_MAX_STEPS_PER_EPOCH")


def max_epochs() -> int | None:
    """Return how many epochs a `fit` may have at most; None for no limit.

    Unless set, it is what the environment variable KERAS_MAX_EPOCHS says.

    Example:
        >>> max_epochs() is None
        True
    """
    return _max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of every `fit` from now on; None lifts the limit.

    Arguments:
        max_epochs: a whole number, or None.

    Example:
        >>> set_max_epochs(3)
        >>> max_epochs()
        3
        >>> set_max_epochs(None)
    """
    global _max_epochs
    _max_epochs = max_epochs


def max_steps_per_epoch() -> int | None:
    """Return how many batches an epoch of fit, evaluate or predict may have; None for no limit.

    Unless set, it is what the environment variable KERAS_MAX_STEPS_PER_EPOCH says.

    Example:
        >>> max_steps_per_epoch() is None
        True
    """
    return _max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the batches of every epoch from now on; None lifts the limit.

    Arguments:
        max_steps_per_epoch: a whole number, or None.

    Example:
        >>> set_max_steps_per_epoch(10)
        >>> max_steps_per_epoch()
        10
        >>> set_max_steps_per_epoch(None)
    """
    global _max_steps_per_epoch
    _max_steps_per_epoch = max_steps_per_epoch


# --- output


def enable_interactive_logging() -> None:
    """Print progress to standard output, as is the default.

    Example:
        >>> enable_interactive_logging()
        >>> is_interactive_logging_enabled()
        True
    """
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Send progress to the logger 'scratchnn' of Python's `logging`, at level INFO.

    Example:
        >>> disable_interactive_logging()
        >>> is_interactive_logging_enabled()
        False
        >>> enable_interactive_logging()
    """
    global _interactive_logging
    _interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Return whether progress is printed; if not, it is logged.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return _interactive_logging


# --- what has no meaning here, for programs that call it


def enable_traceback_filtering() -> None:
    """Do nothing: tracebacks are shown whole, and the calls in them are few."""


def disable_traceback_filtering() -> None:
    """Do nothing: tracebacks are shown whole already."""


def is_traceback_filtering_enabled() -> bool:
    """Return False: tracebacks are always shown whole.

    Example:
        >>> is_traceback_filtering_enabled()
        False
    """
    return False


def enable_flash_attention() -> None:
    """Do nothing: flash attention is a way of computing on GPUs, used where there is one."""


def disable_flash_attention() -> None:
    """Do nothing: flash attention is never used."""


def is_flash_attention_enabled() -> bool:
    """Return False: flash attention is a way of computing on GPUs.

    Example:
        >>> is_flash_attention_enabled()
        False
    """
    return False


def is_nnx_enabled() -> bool:
    """Return False: NNX belongs to Keras's JAX backend.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


def enable_unsafe_deserialization() -> None:
    """Refuse: loading a file never runs code that is in it.

    Raises:
        NotImplementedError: always. Pass your own classes and functions as `custom_objects`.
    """
    raise NotImplementedError(
        "enable_unsafe_deserialization is not supported, because loading a file never runs code "
        "that is in it. Pass your own classes and functions as custom_objects instead."
    )
