"""Names of dtypes, and the dtype of a result: Keras's rules, which are not NumPy's.

Two arrays meet at the lowest type that lies above both of theirs in `ABOVE`. A Python number has
a weak type, `int` or `float`: it takes the type of an array it meets where that has its kind, so
that an int32 array plus 1.5 is float32 and a float64 array plus 1.5 is float64.

Reference:
    JAX's type promotion, https://docs.jax.dev/en/latest/type_promotion.html.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from . import config

ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("uint16", "int16"),
    "uint16": ("uint32", "int32"),
    "uint32": ("uint64", "int64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("float16",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
}
"""The types right above each type; 'int' and 'float' are those of Python numbers."""

DTYPES = tuple(name for name in ABOVE if name not in ("int", "float"))

_PYTHON = {bool: "bool", int: "int64", float: "float32", complex: "complex128", "int": "int64"}
_NARROWED = {"uint64": "uint32", "complex128": "complex64"}  # so does Keras


def standardize_dtype(dtype: Any) -> str:
    """Return the name of a dtype, a Python type, or None (the default float dtype).

    Raises:
        ValueError: if it is no dtype that NumPy computes with.

    Example:
        >>> import numpy as np
        >>> standardize_dtype(np.int8), standardize_dtype(float), standardize_dtype(None)
        ('int8', 'float32', 'float32')
    """
    if dtype is None:
        return config.floatx()
    name = _PYTHON.get(dtype) or getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    if name not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}. Received: {dtype!r}.")
    return str(name)


def is_float_dtype(dtype: Any) -> bool:
    """Return whether a dtype is one of floats.

    Example:
        >>> is_float_dtype("float64"), is_float_dtype("int32")
        (True, False)
    """
    return standardize_dtype(dtype).startswith("float")


def is_int_dtype(dtype: Any) -> bool:
    """Return whether a dtype is one of integers, signed or not; bool is none.

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool")
        (True, False)
    """
    return standardize_dtype(dtype).startswith(("int", "uint"))


def result_type(*dtypes: Any) -> str:
    """Return the dtype of what is computed from values of the given dtypes.

    Arguments:
        dtypes: names or dtypes; `int` and `float` for Python numbers; None for the default float
            dtype, which is also the result without any argument.

    Raises:
        ValueError: for what is no dtype.

    Example:
        >>> result_type("int32", "float32"), result_type("int8", int), result_type("int64", float)
        ('float32', 'int8', 'float32')
    """
    if not dtypes:
        return config.floatx()
    # By identity: NumPy's float64 says that it equals `float`.
    kinds = (d.__name__ if d is int or d is float else standardize_dtype(d) for d in dtypes)
    least = _least_above(frozenset(kinds))
    if least in ("int", "float"):
        return least + config.floatx()[-2:]
    return _NARROWED.get(least, least)


@cache
def _least_above(kinds: frozenset[str]) -> str:
    common = set.intersection(*(_upwards(kind) for kind in kinds))
    return next(kind for kind in common if _upwards(kind) == common)


def _upwards(kind: str) -> set[str]:
    """Return a type and all types above it."""
    return {kind}.union(*(_upwards(higher) for higher in ABOVE[kind]))
