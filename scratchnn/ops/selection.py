"""Elements by place and by order: take, where, sort, search, count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..dtypes import result_type
from .tensors import ArrayLike, Result, common, op, op_many, strong, to_array

__all__ = [
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "bincount",
    "digitize",
    "get_item",
    "histogram",
    "nanargmax",
    "nanargmin",
    "nonzero",
    "searchsorted",
    "select",
    "sort",
    "take",
    "take_along_axis",
    "unique",
    "unravel_index",
    "where",
]

# --- by place


@op
def get_item(x: ArrayLike, key: Any) -> Result:
    """x[key]."""
    return to_array(x)[key]


@op
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Result:
    """The slices of x at `indices` along an axis; the elements of the flattened x without one.

    Arguments:
        x: any shape.
        indices: integers; those below 0 count from the end.
        axis: an axis; None flattens x.

    Raises:
        IndexError: for an index beyond the axis.

    Example:
        >>> take([10, 20, 30], [0, -1])
        Tensor([10, 30], dtype=int32)
    """
    return np.take(to_array(x), to_array(indices), axis)


@op
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Result:
    """The elements of x at `indices` along an axis, where x and `indices` are side by side.

    Arguments:
        x: any shape.
        indices: integers of the same rank; the other axes broadcast.
        axis: an axis; None flattens x and wants a vector of indices.

    Raises:
        IndexError: for an index beyond the axis.

    Example:
        >>> take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1)
        Tensor([[2],
                [3]], dtype=int32)
    """
    return np.take_along_axis(to_array(x), to_array(indices, "int64"), axis)


@op_many
def where(condition: ArrayLike, x1: ArrayLike | None = None, x2: ArrayLike | None = None) -> Result:
    """x1 where the condition holds, x2 elsewhere; without both, where it holds (see `nonzero`).

    Raises:
        ValueError: for only one of x1 and x2.

    Example:
        >>> where([True, False], 1, 2.5)
        Tensor([1. , 2.5], dtype=float32)
    """
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError(f"where expected both x1 and x2, or none. Received: x1={x1!r}, x2={x2!r}.")
    return np.where(to_array(condition, "bool"), *common(x1, x2))


@op_many
def nonzero(x: ArrayLike) -> Result:
    """The places of all elements that are not 0: for each axis a vector of their coordinates.

    Example:
        >>> nonzero([[1, 0], [0, 2]])
        (Tensor([0, 1], dtype=int32), Tensor([0, 1], dtype=int32))
    """
    return tuple(index.astype(np.int32) for index in np.nonzero(to_array(x)))


@op
def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0
) -> Result:
    """For each element, that of the first choice whose condition holds; else `default`.

    Arguments:
        condlist: arrays of booleans.
        choicelist: as many arrays.
        default: what is left where no condition holds.

    Raises:
        ValueError: for empty lists, or lists of different lengths.

    Example:
        >>> x = np.arange(6)
        >>> select([x < 2, x > 3], [-x, x], 9).numpy()
        array([ 0, -1,  9,  9,  4,  5])
    """
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            "select expected as many choices as conditions, and at least one. "
            f"Received: {len(condlist)} conditions, {len(choicelist)} choices."
        )
    # Here alone NumPy's promotion holds, in Keras too.
    conditions = [to_array(condition, "bool") for condition in condlist]
    choices: list[Any] = [to_array(choice) for choice in choicelist]
    fill: Any = default
    return np.select(conditions, choices, fill)


@op_many
def unravel_index(indices: ArrayLike, shape: Sequence[int]) -> Result:
    """The coordinates in an array of a shape of the elements with these numbers.

    Raises:
        ValueError: for a number beyond the last element.

    Example:
        >>> unravel_index([3, 5], (2, 3))
        (Tensor([1, 1], dtype=int32), Tensor([0, 2], dtype=int32))
    """
    indices = to_array(indices)
    return tuple(i.astype(indices.dtype) for i in np.unravel_index(indices, tuple(shape)))


# --- by order


@op
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Result:
    """Where the largest element is; the first of several; never at NaN.

    Arguments:
        x: any shape.
        axis: an axis; None for the flattened array.
        keepdims: whether to keep the axes, with length 1.

    Example:
        >>> argmax([[1, 5, 5], [7, 0, 2]], axis=1)
        Tensor([1, 0], dtype=int32)
    """
    return np.argmax(_ordered(to_array(x), -np.inf), axis, keepdims=keepdims).astype(np.int32)


@op
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Result:
    """Where the smallest element is; the first of several; never at NaN. See `argmax`."""
    return np.argmin(_ordered(to_array(x), np.inf), axis, keepdims=keepdims).astype(np.int32)


def _ordered(x: Array, last: float) -> Array:
    """Return x with NaN where it is found last, and with -0.0 below 0.0, as Keras has them."""
    if x.dtype.kind != "f":
        return x
    x = np.where((x == 0) & np.signbit(x), -np.finfo(x.dtype).tiny, x)
    return np.where(np.isnan(x), x.dtype.type(last), x)


@op
def nanargmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Result:
    """Where the largest element but NaN is; -1 if there is none."""
    x = to_array(x)
    only_nan = np.all(np.isnan(x), axis, keepdims=keepdims)
    return np.where(only_nan, np.int32(-1), argmax(x, axis, keepdims))


@op
def nanargmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Result:
    """Where the smallest element but NaN is; -1 if there is none."""
    x = to_array(x)
    only_nan = np.all(np.isnan(x), axis, keepdims=keepdims)
    return np.where(only_nan, np.int32(-1), argmin(x, axis, keepdims))


@op
def sort(x: ArrayLike, axis: int | None = -1) -> Result:
    """Return x in ascending order along an axis; None flattens it first."""
    return np.sort(to_array(x), axis)


@op
def argsort(x: ArrayLike, axis: int | None = -1) -> Result:
    """The places of the elements in ascending order; equal ones stay in theirs.

    Example:
        >>> argsort([30, 10, 20])
        Tensor([1, 2, 0], dtype=int32)
    """
    return np.argsort(np.atleast_1d(to_array(x)), axis, kind="stable").astype(np.int32)


@op
def argpartition(x: ArrayLike, kth: int, axis: int | None = -1) -> Result:
    """The places of the kth + 1 smallest elements, then those of the others.

    The first are in ascending order, the others in descending order, as in Keras on TensorFlow;
    which compares whole parts alone, and is right for vectors of positive numbers only.

    Arguments:
        x: any shape.
        kth: how many elements are to be smaller, counted from 0.
        axis: an axis; None flattens x first.

    Example:
        >>> argpartition([5, 3, 1, 4, 2], 2)
        Tensor([2, 4, 1, 0, 3], dtype=int32)
    """
    x = to_array(x)
    if axis is None:
        x, axis = x.reshape(-1), 0
    x = np.moveaxis(x, axis, -1)
    order = np.argsort(x, axis=-1, kind="stable")
    first = min(max(kth, 0), x.shape[-1] - 1) + 1
    order = np.concatenate([order[..., :first], order[..., first:][..., ::-1]], axis=-1)
    return np.moveaxis(order, -1, axis).astype(np.int32)


@op
def searchsorted(sorted_sequence: ArrayLike, values: ArrayLike, side: str = "left") -> Result:
    """Where in a sorted vector each value belongs.

    Arguments:
        sorted_sequence: a vector in ascending order.
        values: any shape.
        side: 'left' for the place before equal elements, 'right' for that behind them.

    Raises:
        ValueError: if the sequence is no vector, or for another side.

    Example:
        >>> searchsorted([1, 3, 5], [3, 4])
        Tensor([1, 2], dtype=int32)
    """
    sequence, values = strong(sorted_sequence, values)
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right'. Received: {side!r}.")
    if sequence.ndim != 1:
        raise ValueError(f"searchsorted expected a vector. Received: shape={sequence.shape}.")
    return np.asarray(np.searchsorted(sequence, values, side), np.int32)  # type: ignore[call-overload]


@op
def digitize(x: ArrayLike, bins: ArrayLike) -> Result:
    """The number of the bin of each element: i where bins[i-1] <= x < bins[i].

    Example:
        >>> digitize([0.0, 1.0, 2.5], [1.0, 2.0])
        Tensor([0, 1, 2], dtype=int32)
    """
    return np.asarray(np.digitize(to_array(x), to_array(bins, np.float32)), np.int32)


# --- counting


@op
def bincount(
    x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False
) -> Result:
    """How often each of the integers 0, 1, 2, ... occurs; of a matrix, in each of its rows.

    Arguments:
        x: integers of at least 0, a vector (n,) or a matrix (N, n).
        weights: what each counts, like x; None for 1.
        minlength: the least length of the result.
        sparse: must be False.

    Raises:
        ValueError: for negative integers, and for a sparse result.

    Example:
        >>> bincount([1, 2, 2])
        Tensor([0, 1, 2], dtype=int32)
    """
    if sparse:
        raise ValueError("sparse=True is not supported, because NumPy has no sparse arrays.")
    x = to_array(x)
    dtype: Any = np.int32
    if weights is not None:
        weights = to_array(weights)
        dtype = result_type(x.dtype, weights.dtype)
    x = x.astype(np.int64)
    length = max(int(x.max(initial=-1)) + 1, minlength)
    if x.ndim == 1:
        return np.bincount(x, weights, length).astype(dtype)
    row_weights: Any = [None] * len(x) if weights is None else weights
    counts = [np.bincount(r, w, length) for r, w in zip(x, row_weights, strict=True)]
    return np.stack(counts).astype(dtype)


@op_many
def histogram(x: ArrayLike, bins: int = 10, range: tuple[float, float] | None = None) -> Result:
    """How many elements fall into each of some equal bins, and the edges of the bins.

    Arguments:
        x: a vector.
        bins: how many.
        range: the first and the last edge; None for the smallest and the largest element.

    Returns:
        The counts (bins,) and the edges (bins + 1,), both in the dtype of x.

    Raises:
        ValueError: for another rank, a negative number of bins, or a range from high to low.

    Example:
        >>> histogram([1.0, 2.0, 2.0, 5.0], bins=2)
        (Tensor([3., 1.], dtype=float32), Tensor([1., 3., 5.], dtype=float32))
    """
    x = to_array(x)
    if x.ndim > 1:
        raise ValueError(f"histogram expected a vector. Received: shape={x.shape}.")
    low, high = (x.min(), x.max()) if range is None else range
    if bins < 0 or low > high:
        raise ValueError(
            "histogram expected bins >= 0 and a range from low to high. "
            f"Received: bins={bins}, range={range}."
        )
    x = x[(x >= low) & (x <= high)]
    edges = np.linspace(low, high, bins + 1).astype(x.dtype)
    counts = np.bincount(np.searchsorted(edges[1:-1], x, "right"), minlength=bins)
    return counts.astype(x.dtype), edges


@op_many
def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Result:
    """The different elements, each once; or the different slices along an axis.

    Arguments:
        x: any shape.
        sorted: True for ascending order, False for that of their first occurrence.
        return_index: whether to return where each occurs first.
        return_inverse: whether to return which of them each element is.
        return_counts: whether to return how often each occurs.
        axis: an axis; None for the elements of the flattened array.
        size: to how many the result is cut, or filled up.
        fill_value: what fills it up, 0 if None.

    Returns:
        The elements or slices; or a tuple of them and of what was asked for.

    Example:
        >>> unique([3, 1, 1], return_counts=True)
        (Tensor([1, 3], dtype=int32), Tensor([2, 1], dtype=int32))
    """
    x = to_array(x)
    shape = x.shape if axis is None else (-1,)
    if axis is None:
        x, axis = x.reshape(-1), 0
    values, index, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(index)
        values, index, counts = np.take(values, order, axis), index[order], counts[order]
        inverse = np.argsort(order)[inverse]
    if size is not None:
        values = _resized(values, size, fill_value or 0, axis)
        index, counts = _resized(index, size, 1), _resized(counts, size, 0)
    extras = [(return_index, index), (return_inverse, inverse.reshape(shape))]
    extras.append((return_counts, counts))
    wanted = [extra.astype(np.int32) for asked, extra in extras if asked]
    return (values, *wanted) if wanted else values


def _resized(x: Array, size: int, value: float, axis: int = 0) -> Array:
    """Return x cut along an axis, or filled up with a value, to a length."""
    x = np.moveaxis(x, axis, 0)[:size]
    rest = np.full((size - len(x), *x.shape[1:]), value, x.dtype)
    return np.moveaxis(np.concatenate([x, rest]), 0, axis)
