"""The settings that hold everywhere: float dtype, epsilon, image layout (as in `keras.config`)."""

from __future__ import annotations

_FLOAT_TYPES = ("float32", "float64")
_DATA_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"


def floatx() -> str:
    """Return the default float dtype of layers and data, 'float32' unless set."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype: 'float32' or 'float64'.

    Raises:
        ValueError: for any other name; NumPy has no fast half-precision arithmetic.
    """
    global _floatx
    if value not in _FLOAT_TYPES:
        raise ValueError(
            f"floatx must be one of {_FLOAT_TYPES}. Received: {value!r}. "
            "Half precision is not supported: NumPy computes it in software."
        )
    _floatx = value


def epsilon() -> float:
    """Return the small constant that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the small constant that losses and metrics use."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Return 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W)."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the layout that image layers assume when none is given.

    Raises:
        ValueError: if `data_format` is neither 'channels_last' nor 'channels_first'.
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
