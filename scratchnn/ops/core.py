"""Tensors themselves: conversion, casts, shapes, and writing at places."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array, Tensor
from ..dtypes import standardize_dtype
from .tensors import ArrayLike, DType, Result, op, op_many, to_array

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "dtype",
    "is_tensor",
    "saturate_cast",
    "scatter",
    "scatter_update",
    "shape",
    "slice",
    "slice_update",
    "stop_gradient",
    "unstack",
]

# --- conversion


@op
def convert_to_tensor(
    x: ArrayLike, dtype: DType = None, sparse: bool | None = None, ragged: bool | None = None
) -> Result:
    """Return x as a Tensor; Python's floats become float32, its integers int32.

    Arguments:
        x: an array, a number, or nested lists of them.
        dtype: what to cast to; None keeps that of an array.
        sparse, ragged: must not be True.

    Raises:
        ValueError: for sparse or ragged tensors.
        TypeError: for what does not consist of numbers.

    Example:
        >>> convert_to_tensor([1, 2])
        Tensor([1, 2], dtype=int32)
    """
    if sparse or ragged:
        raise ValueError(
            "sparse=True and ragged=True are not supported, because NumPy's arrays are dense."
        )
    return to_array(x, dtype)


def convert_to_numpy(x: ArrayLike) -> Array:
    """Return a plain NumPy array with the elements of x.

    Example:
        >>> convert_to_numpy(convert_to_tensor([1.0]))
        array([1.], dtype=float32)
    """
    return np.array(x)


def is_tensor(x: Any) -> bool:
    """Return whether x is a Tensor, such as an op returns; a plain array is none.

    Example:
        >>> is_tensor(convert_to_tensor([1.0])), is_tensor(np.ones(1))
        (True, False)
    """
    return isinstance(x, Tensor)


def shape(x: ArrayLike) -> tuple[int, ...]:
    """Return the shape of x, a tuple of ints."""
    return to_array(x).shape


def dtype(x: ArrayLike) -> str:
    """Return the name of the dtype of x.

    Example:
        >>> dtype(np.ones(1))
        'float64'
    """
    return to_array(x).dtype.name


@op
def cast(x: ArrayLike, dtype: DType) -> Result:
    """Return x in another dtype: fractions are cut off, and whatever is not 0 is true.

    Example:
        >>> cast([-1.7, 1.7], "int32")
        Tensor([-1,  1], dtype=int32)
    """
    return to_array(x, standardize_dtype(dtype))


@op
def saturate_cast(x: ArrayLike, dtype: DType) -> Result:
    """Return x in another dtype; what is beyond its range becomes the nearest number in it.

    Example:
        >>> saturate_cast([300, -1], "uint8")
        Tensor([255,   0], dtype=uint8)
    """
    x, kind = to_array(x), np.dtype(standardize_dtype(dtype))
    if kind == np.bool_ or x.dtype == np.bool_:
        return np.clip(x, 0, 1).astype(kind)
    low, high = _range(kind)
    own_low, own_high = _range(x.dtype)
    # A float dtype may not have the last integer of a range: then the one before it.
    top = x.dtype.type(min(high, own_high))
    if int(top) > high:
        top = np.nextafter(top, x.dtype.type(0))
    return np.clip(x, x.dtype.type(max(low, own_low)), top).astype(kind)


def _range(kind: np.dtype[Any]) -> tuple[int, int]:
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    return int(limits.min), int(limits.max)


@op
def stop_gradient(variable: ArrayLike) -> Result:
    """The same elements: ops have no gradients here."""
    return to_array(variable)


# --- parts


@op_many
def unstack(x: ArrayLike, num: int | None = None, axis: int = 0) -> Result:
    """The slices of x along an axis, a list.

    Arguments:
        x: rank 1 or more.
        num: how many there must be, if given.
        axis: the axis.

    Raises:
        ValueError: if there are not `num`.

    Example:
        >>> unstack([[1, 2], [3, 4]])
        [Tensor([1, 2], dtype=int32), Tensor([3, 4], dtype=int32)]
    """
    slices = list(np.moveaxis(to_array(x), axis, 0))
    if num is not None and num != len(slices):
        raise ValueError(f"unstack expected {num} slices. Received: {len(slices)}.")
    return slices


@op
def slice(inputs: ArrayLike, start_indices: Sequence[int], shape: Sequence[int]) -> Result:
    """The part of an array that starts at a place and has a shape; -1 reaches to the end.

    Raises:
        ValueError: if it is not within the array.

    Example:
        >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, -1))
        Tensor([[2, 3],
                [5, 6]], dtype=int32)
    """
    x = to_array(inputs)
    ends = [
        whole if size == -1 else start + size
        for whole, start, size in zip(x.shape, start_indices, shape, strict=True)
    ]
    if any(
        start < 0 or end > n for start, end, n in zip(start_indices, ends, x.shape, strict=True)
    ):
        raise ValueError(
            "slice expected a part of the array. "
            f"Received: start_indices={start_indices}, shape={shape}, inputs of shape {x.shape}."
        )
    return x[_box(start_indices, ends)]


@op
def slice_update(inputs: ArrayLike, start_indices: Sequence[int], updates: ArrayLike) -> Result:
    """An array with `updates` written over the part that starts at a place.

    A place from which they would not fit is moved until they do.

    Example:
        >>> slice_update([0, 0, 0, 0], [1], [5, 6])
        Tensor([0, 5, 6, 0], dtype=int32)
    """
    result = to_array(inputs).copy()
    part = to_array(updates, result.dtype)
    starts = np.clip(to_array(start_indices), 0, np.subtract(result.shape, part.shape))
    result[_box(starts, starts + part.shape)] = part
    return result


def _box(starts: Any, ends: Any) -> tuple[Any, ...]:
    return tuple(builtins.slice(a, b) for a, b in zip(starts, ends, strict=True))


@op
def scatter(indices: ArrayLike, values: ArrayLike, shape: Sequence[int]) -> Result:
    """Zeros with values added at some places.

    Arguments:
        indices: (N, k), the first k coordinates of each place.
        values: (N, ...), what to add there.
        shape: the shape of the result.

    Raises:
        IndexError: for a place outside the shape.

    Example:
        >>> scatter([[0], [2], [2]], [1, 5, 5], (4,))
        Tensor([ 1,  0, 10,  0], dtype=int32)
    """
    added = to_array(values)
    result = np.zeros(tuple(shape), added.dtype)
    np.add.at(result, _places(indices), added)
    return result


_REDUCTIONS = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}


@op
def scatter_update(
    inputs: ArrayLike, indices: ArrayLike, updates: ArrayLike, reduction: str | None = None
) -> Result:
    """An array with updates written at some places.

    Arguments:
        inputs: any shape.
        indices: (N, k), the first k coordinates of each place.
        updates: (N, ...), what to write there.
        reduction: what becomes of the old values: None overwrites them; 'add', 'max', 'min' and
            'mul' put both together.

    Raises:
        ValueError: for another reduction.
        IndexError: for a place outside the array.

    Example:
        >>> scatter_update([1, 1, 1], [[0], [2]], [5, 7])
        Tensor([5, 1, 7], dtype=int32)
    """
    result = to_array(inputs).copy()
    new = to_array(updates, result.dtype)
    if reduction is None:
        result[_places(indices)] = new
        return result
    if reduction.lower() not in _REDUCTIONS:
        raise ValueError(
            f"reduction must be None or one of {', '.join(_REDUCTIONS)}. Received: {reduction!r}."
        )
    _REDUCTIONS[reduction.lower()].at(result, _places(indices), new)
    return result


def _places(indices: Any) -> tuple[Array, ...]:
    """Return (N, k) coordinates as NumPy indexes with them: k vectors."""
    return tuple(np.moveaxis(to_array(indices), -1, 0))
