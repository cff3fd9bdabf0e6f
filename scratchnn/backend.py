"""What programs ask of the backend: settings, dtypes, names (as in `keras.backend`)."""

from __future__ import annotations

from . import naming
from .config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from .utils.session import clear_session
from .utils.symbols import is_keras_tensor

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


def get_uid(prefix: str = "") -> int:
    """Return how many names of `prefix` were made, this one included: 1, 2, 3, ...

    Example:
        >>> naming.reset_names()
        >>> get_uid("dense"), get_uid("dense"), naming.auto_name("dense")
        (1, 2, 'dense_2')
    """
    name = naming.auto_name(prefix)
    return 1 if name == prefix else int(name.removeprefix(f"{prefix}_")) + 1
