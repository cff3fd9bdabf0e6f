"""Segments, the largest elements, distances, the error function."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import special
from ..arrays import Array
from .tensors import ArrayLike, Axis, Result, axes, common_floats, floats, op, op_many, to_array

__all__ = [
    "cdist",
    "erf",
    "erfc",
    "erfinv",
    "in_top_k",
    "logsumexp",
    "rsqrt",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "top_k",
    "view_as_complex",
    "view_as_real",
]

# --- segments: rows of data that have the same number belong together


@op
def segment_sum(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Result:
    """The sum of the rows of each segment.

    Arguments:
        data: (N, ...).
        segment_ids: (N,), the number of the segment of each row; rows with one below 0 are left
            out.
        num_segments: how many segments there are; None for how many different numbers.
        sorted: whether the numbers are in ascending order.

    Raises:
        ValueError: for a number that is not below `num_segments`, or as many as rows.

    Example:
        >>> segment_sum([1, 2, 3], [0, 1, 1])
        Tensor([1, 5], dtype=int32)
    """
    if num_segments is None and not sorted:
        num_segments = len(np.unique(to_array(segment_ids)))
    return _segments(np.add, 0, data, segment_ids, num_segments)


@op
def segment_prod(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Result:
    """The product of the rows of each segment. See `segment_max`."""
    return _segments(np.multiply, 1, data, segment_ids, num_segments)


@op
def segment_max(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Result:
    """The largest elements among the rows of each segment.

    Arguments:
        data: (N, ...).
        segment_ids: (N,), the number of the segment of each row; rows with one below 0 are left
            out.
        num_segments: how many segments there are; None for the largest number plus 1.
        sorted: whether the numbers are in ascending order. A segment without rows then has 0;
            else it has the smallest number of the dtype.

    Raises:
        ValueError: for a number that is not below `num_segments`, or as many as rows.
    """
    empty = 0 if sorted else _limits(data).min
    return _segments(np.maximum, empty, data, segment_ids, num_segments)


@op
def segment_min(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Result:
    """The smallest elements among the rows of each segment. See `segment_max`."""
    empty = 0 if sorted else _limits(data).max
    return _segments(np.minimum, empty, data, segment_ids, num_segments)


def _limits(data: Any) -> Any:
    dtype = to_array(data).dtype
    return np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)


def _segments(ufunc: Any, empty: float, data: Any, ids: Any, count: int | None) -> Array:
    """Return the results of the segments; those without rows have `empty`."""
    data, ids = to_array(data), to_array(ids)
    if ids.shape != data.shape[:1]:
        raise ValueError(
            "A segment number was expected for each row of data. "
            f"Received: segment_ids of shape {ids.shape}, data of shape {data.shape}."
        )
    if count is None:
        count = int(ids.max(initial=-1)) + 1
    if (ids >= count).any():
        raise ValueError(f"segment_ids must be below {count}. Received: {int(ids.max())}.")
    data, ids = data[ids >= 0], ids[ids >= 0]
    result = np.full((count, *data.shape[1:]), ufunc.identity or 0, data.dtype)
    if ufunc.identity is None:  # max and min: start with a row of the segment
        result[ids] = data
    ufunc.at(result, ids, data)
    result[np.bincount(ids, minlength=count) == 0] = empty
    return result


# --- the largest elements


@op_many
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> Result:
    """The k largest elements along the last axis, and their places; of equal ones the first.

    Arguments:
        x: (..., C).
        k: how many.
        sorted: taken as in Keras; they always come in descending order.

    Example:
        >>> top_k([1, 3, 2], 2)
        (Tensor([3, 2], dtype=int32), Tensor([1, 2], dtype=int32))
    """
    x = to_array(x)
    falling = -x if x.dtype.kind == "f" else ~x  # ~x is -1 - x, without overflow
    places = np.argsort(falling, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, places, axis=-1), places.astype(np.int32)


@op
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Result:
    """Whether the prediction of each target is among the k largest; of equal ones all are.

    Arguments:
        targets: (N,), classes.
        predictions: (N, C).
        k: how many.

    Example:
        >>> in_top_k([1, 0], [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], 2)
        Tensor([ True, False])
    """
    targets, predictions = to_array(targets), to_array(predictions)
    known = (targets >= 0) & (targets < predictions.shape[1])
    own = predictions[np.arange(len(targets)), np.where(known, targets, 0)]
    larger = np.sum(predictions > own[:, np.newaxis], axis=1)
    return known & np.isfinite(predictions).all(axis=1) & (larger < k)


# --- functions of elements, rows and pairs


@op
def rsqrt(x: ArrayLike) -> Result:
    """1 / sqrt(x)."""
    return 1 / np.sqrt(floats(x))


@op
def erf(x: ArrayLike) -> Result:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return special.erf(floats(x))


@op
def erfc(x: ArrayLike) -> Result:
    """1 - erf(x), exact for large x too."""
    return special.erfc(floats(x))


@op
def erfinv(x: ArrayLike) -> Result:
    """The number whose `erf` is x.

    Example:
        >>> erfinv([0.0, 1.0])
        Tensor([ 0., inf], dtype=float32)
    """
    return special.erfinv(floats(x))


@op
def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """log(sum e^x) along an axis, several, or all; without overflow.

    Example:
        >>> logsumexp([1000.0, 1000.0])
        Tensor(1000.6932, dtype=float32)
    """
    x = floats(x)
    top = np.max(x, axes(axis), keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - shift), axes(axis), keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axes(axis))


@op
def cdist(x: ArrayLike, y: ArrayLike) -> Result:
    """The distances of the points x from the points y: sqrt(sum (x - y)^2).

    Arguments:
        x: (..., N, D).
        y: (..., M, D).

    Returns:
        (..., N, M).

    Raises:
        ValueError: for vectors, or different D.
    """
    x, y = common_floats(x, y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            "cdist expected points of the same length, in arrays of rank 2 or more. "
            f"Received: shapes {x.shape} and {y.shape}."
        )
    difference = x[..., :, np.newaxis, :] - y[..., np.newaxis, :, :]
    return np.sqrt(np.sum(np.square(difference), axis=-1))


@op
def view_as_complex(x: ArrayLike) -> Result:
    """The complex numbers whose parts are the last axis of x, of length 2; complex64.

    Raises:
        ValueError: if its length is another.
    """
    x = to_array(x)
    if x.shape[-1:] != (2,):
        raise ValueError(f"The last axis must have length 2. Received: shape={x.shape}.")
    return (x[..., 0] + 1j * x[..., 1]).astype(np.complex64)


@op
def view_as_real(x: ArrayLike) -> Result:
    """The real and the imaginary part of complex numbers, as a last axis of length 2."""
    x = to_array(x)
    return np.stack([np.real(x), np.imag(x)], axis=-1)
