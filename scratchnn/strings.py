"""Strings as data: arrays of bytes objects in UTF-8, as TensorFlow's strings are.

NumPy's own arrays of strings are as wide as the longest one: a few long texts among many short
ones take gigabytes. So texts are arrays of objects here, from where they come in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array

STRING = "string"
"""The name of the dtype, in `Input(dtype="string")` and in configs."""


def numpy_dtype(name: Any) -> np.dtype[Any]:
    """Return the dtype of the arrays that hold data of a dtype of this name.

    Example:
        >>> numpy_dtype("string"), numpy_dtype("float32")
        (dtype('O'), dtype('float32'))
    """
    return np.dtype(object) if name == STRING else np.dtype(name)


def are_strings(data: Any) -> bool:
    """Return whether data, an array or nested lists, holds strings; nothing is copied.

    Example:
        >>> are_strings([["a"], ["b"]]), are_strings(np.array([1, 2]))
        (True, False)
    """
    while isinstance(data, list | tuple) and len(data):
        data = data[0]
    if isinstance(data, str | bytes):
        return True
    dtype = getattr(data, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return dtype.kind in "SUT"
    if dtype is None or (data.ndim > 1 and not isinstance(data, np.ndarray)):
        return False  # pandas frames are looked at column by column, where they are read
    first = next(iter(np.asarray(data, object).flat), None)
    return isinstance(first, str | bytes)


def as_strings(data: Any, what: str = "the data") -> Array:
    r"""Return strings as an array of bytes objects; itself if it is one already.

    Arguments:
        data: a string, nested lists of strings, an array of NumPy strings or of objects, or a
            series of pandas'.
        what: its name in errors.

    Raises:
        ValueError: if there is anything but strings in it.

    Example:
        >>> as_strings(["\u00e4", b"b"])
        array([b'\xc3\xa4', b'b'], dtype=object)
    """
    if isinstance(data, list | tuple) and len(data) and all(type(item) is str for item in data):
        array = np.empty(len(data), object)
        array[:] = [item.encode() for item in data]
        return array
    if isinstance(data, list | tuple):
        parts = [as_strings(part, what) for part in data]
        shapes = {part.shape for part in parts}
        if len(shapes) > 1:
            raise ValueError(
                f"{what} must be strings in an array, or in nested lists of equal lengths. "
                f"Received: lists of shapes {sorted(shapes)}."
            )
        return np.stack(parts) if parts else np.empty(0, object)
    found = np.asarray(data, object)
    if any(type(item) is not bytes for item in found.flat):
        encoded = np.empty(found.shape, object)
        encoded.flat[:] = [_encoded(item, what) for item in found.flat]
        found = encoded
    return found


def _encoded(item: Any, what: str) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return bytes(item)
    raise ValueError(
        f"{what} must hold strings and nothing else. Received: {item!r} of type "
        f"{type(item).__name__} among them."
    )


def as_texts(array: Array) -> Array:
    """Return an array of bytes objects as one of NumPy's strings, for a function of yours.

    Example:
        >>> as_texts(as_strings(["a"]))
        array(['a'], dtype='<U1')
    """
    texts = [item.decode("utf-8", "replace") for item in array.flat]
    return np.array(texts, str).reshape(array.shape)


def to_array(data: Any) -> Array:
    """Return an array of numbers or, if there are strings in it, of bytes objects."""
    if type(data) is np.ndarray and data.dtype.kind in "fiub":
        return data
    if not are_strings(data):
        data = np.asarray(data)
    return as_strings(data) if are_strings(data) else data
