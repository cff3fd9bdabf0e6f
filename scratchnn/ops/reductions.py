"""One number from many: sums, means, extremes, quantiles, and the sums on the way.

In each function `axis` is an axis, several, or None for all of them; with `keepdims` the result
keeps them, with length 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import config
from ..arrays import Array
from ..dtypes import result_type
from .tensors import (
    ArrayLike,
    Axis,
    DType,
    Result,
    axes,
    common_floats,
    floats,
    like,
    op,
    to_array,
    without_bools,
)

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "average",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "max",
    "mean",
    "median",
    "min",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "percentile",
    "prod",
    "ptp",
    "quantile",
    "std",
    "sum",
    "trapezoid",
    "var",
]

# --- sums and means

# Small integers are summed in 32 bits.
_WIDE = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


@op
def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The sum; of small integers and booleans in 32 bits.

    Example:
        >>> sum([[1, 2], [3, 4]], axis=0)
        Tensor([4, 6], dtype=int32)
    """
    x = to_array(x)
    dtype = _WIDE.get(x.dtype.name, x.dtype.name)
    return np.sum(x, axes(axis), dtype, keepdims=keepdims)


@op
def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False, dtype: DType = None) -> Result:
    """The product; of small integers and booleans in 32 bits unless `dtype` is given."""
    x = to_array(x, dtype)
    if dtype is None:
        dtype = result_type(x.dtype)
        dtype = _WIDE.get(dtype, dtype)
    return np.prod(x, axes(axis), dtype, keepdims=keepdims)


@op
def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The mean, as floats.

    Example:
        >>> mean([[1, 2], [3, 6]], axis=1)
        Tensor([1.5, 4.5], dtype=float32)
    """
    x = to_array(x)
    dtype = result_type(x.dtype, "float32")
    return np.mean(x, axes(axis), dtype, keepdims=keepdims).astype(
        x.dtype if x.dtype.kind in "fc" else dtype
    )


@op
def var(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The variance mean((x - mean(x))^2), as floats."""
    x = to_array(x)
    wide = x.astype(result_type(x.dtype, "float32"))
    return np.var(wide, axes(axis), keepdims=keepdims).astype(result_type(x.dtype, float))


@op
def std(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The standard deviation, the root of `var`."""
    return np.std(floats(x), axes(axis), keepdims=keepdims)


@op
def average(x: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None) -> Result:
    """The weighted mean, sum w x / sum w, as floats.

    Arguments:
        x: any shape.
        axis: an axis, several, or None for all.
        weights: like x, or one for each place along `axis`; None for equal weights.

    Example:
        >>> average([1.0, 2.0, 6.0], weights=[1.0, 1.0, 2.0])
        Tensor(3.75, dtype=float32)
    """
    if weights is None:
        return np.mean(floats(x), axes(axis))
    x, w = common_floats(to_array(x), to_array(weights))
    if isinstance(axis, int) and w.ndim != x.ndim:
        w = np.moveaxis(w.reshape((-1,) + (1,) * (x.ndim - 1)), 0, axis)
        w = np.broadcast_to(w, x.shape)
    return np.sum(x * w, axes(axis)) / np.sum(w, axes(axis))


@op
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Result:
    """The integral of y along an axis by the trapezoidal rule: sum (y_i + y_i+1) / 2 dx_i.

    Arguments:
        y: the values.
        x: the points where y has these values; None for points `dx` apart.
        dx: the distance of the points.
        axis: the axis along which to integrate.
    """
    y = floats(y)
    return np.trapezoid(y, None if x is None else to_array(x, y.dtype), dx, axis)


@op
def cumsum(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Result:
    """The sums of all elements up to each; along an axis, or of the flattened array.

    Example:
        >>> cumsum([1, 2, 3])
        Tensor([1, 3, 6], dtype=int32)
    """
    x = without_bools(to_array(x, dtype))
    return np.cumsum(x, axis, x.dtype)


@op
def cumprod(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Result:
    """The products of all elements up to each; along an axis, or of the flattened array."""
    x = without_bools(to_array(x, dtype))
    return np.cumprod(x, axis, x.dtype)


# --- extremes and truth


@op
def max(
    x: ArrayLike, axis: Axis = None, keepdims: bool = False, initial: ArrayLike | None = None
) -> Result:
    """The largest element, and at least `initial` if given; NaN if there is one.

    Raises:
        ValueError: for an empty array without `initial`.
    """
    x = to_array(x)
    return np.max(x, axes(axis), keepdims=keepdims, **_initial(x, initial))


@op
def min(
    x: ArrayLike, axis: Axis = None, keepdims: bool = False, initial: ArrayLike | None = None
) -> Result:
    """The smallest element, and at most `initial` if given; NaN if there is one.

    Raises:
        ValueError: for an empty array without `initial`.
    """
    x = to_array(x)
    return np.min(x, axes(axis), keepdims=keepdims, **_initial(x, initial))


def _initial(x: Array, initial: Any) -> dict[str, Any]:
    return {} if initial is None else {"initial": like(initial, x)}


@op
def amax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The largest element; NaN if there is one."""
    return np.max(to_array(x), axes(axis), keepdims=keepdims)


@op
def amin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The smallest element; NaN if there is one."""
    return np.min(to_array(x), axes(axis), keepdims=keepdims)


@op
def ptp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The largest element minus the smallest."""
    x = to_array(x)
    return np.max(x, axes(axis), keepdims=keepdims) - np.min(x, axes(axis), keepdims=keepdims)


@op
def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """Whether no element is 0 or false."""
    return np.all(to_array(x), axes(axis), keepdims=keepdims)


@op
def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """Whether an element is not 0 or false."""
    return np.any(to_array(x), axes(axis), keepdims=keepdims)


@op
def count_nonzero(x: ArrayLike, axis: Axis = None) -> Result:
    """How many elements are not 0."""
    return np.asarray(np.count_nonzero(to_array(x), axes(axis)), np.int32)


# --- quantiles

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op
def quantile(
    x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Result:
    """The number below which a share q of the elements lies; NaN if an element is.

    Arguments:
        x: any shape.
        q: shares in [0, 1].
        axis: an axis, several, or None for all.
        method: what to take between two elements: 'linear', 'lower', 'higher', 'midpoint' or
            'nearest'.
        keepdims: whether to keep the axes, with length 1.

    Returns:
        The shape of q, then what is left of that of x.

    Raises:
        ValueError: for an unknown method.

    Example:
        >>> quantile([4.0, 1.0, 2.0, 3.0], [0.0, 0.5])
        Tensor([1. , 2.5], dtype=float32)
    """
    return _quantile(floats(x), to_array(q), axis, method, keepdims)


@op
def percentile(
    x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Result:
    """The quantile of q percent: as `quantile`, with q in [0, 100]."""
    return _quantile(floats(x), _percent(q), axis, method, keepdims)


@op
def median(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The middle element, or the mean of the two in the middle."""
    return _quantile(floats(x), np.float32(0.5), axis, "linear", keepdims)


def _percent(q: Any) -> Array:
    return to_array(q, config.floatx()) / 100


def _quantile(
    x: Array, q: npt.ArrayLike, axis: Axis, method: str, keepdims: bool, skip_nan: bool = False
) -> Array:
    if method not in _METHODS:
        raise ValueError(f"method must be one of {_METHODS}. Received: {method!r}.")
    reduced = axes(tuple(range(x.ndim)) if axis is None else axis)
    reduced = np.lib.array_utils.normalize_axis_tuple(reduced, x.ndim)
    kept = [i for i in range(x.ndim) if i not in reduced]
    rows = x.transpose(*kept, *reduced).reshape(*(x.shape[i] for i in kept), -1)
    rows = np.sort(rows, axis=-1)  # NaN comes last
    count = np.sum(~np.isnan(rows), axis=-1) if skip_nan else np.int64(rows.shape[-1])
    q = np.asarray(q, np.float64)
    place = q.reshape(q.shape + (1,) * len(kept)) * (np.broadcast_to(count, rows.shape[:-1]) - 1)
    unknown = count == 0 if skip_nan else np.isnan(rows[..., -1])
    result = np.where(unknown, np.nan, _between(rows, np.clip(place, 0, None), method))
    result = result.astype(x.dtype)
    if keepdims:
        result = np.expand_dims(result, tuple(q.ndim + i for i in reduced))
    return result


def _between(rows: Array, place: Array, method: str) -> Array:
    """Return what stands at a fractional place of each sorted row.

    Arguments:
        rows: (..., n).
        place: (Q..., ...), for each row some places in [0, n - 1].
    """

    def at(index: Array) -> Array:
        flat = index.astype(np.intp).reshape(-1, *rows.shape[:-1])
        found = np.take_along_axis(rows[np.newaxis], flat[..., np.newaxis], axis=-1)
        return found[..., 0].reshape(place.shape)

    if method == "nearest":
        return at(np.rint(place))
    low, high = np.floor(place), np.ceil(place)
    if method in ("lower", "higher"):
        return at(low if method == "lower" else high)
    share = 0.5 if method == "midpoint" else (place - low).astype(rows.dtype)
    return at(low) * (1 - share) + at(high) * share


# --- the same without NaN


@op
def nansum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The sum of all elements but NaN.

    Example:
        >>> nansum([1.0, np.nan, 2.0]), nanmean([1.0, np.nan, 2.0])
        (Tensor(3., dtype=float32), Tensor(1.5, dtype=float32))
    """
    return sum(_without_nan(x, 0), axis, keepdims)


@op
def nanprod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The product of all elements but NaN."""
    return prod(_without_nan(x, 1), axis, keepdims)


@op
def nanmean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The mean of all elements but NaN; NaN if there are no others."""
    x = floats(x)
    count = np.sum(~np.isnan(x), axes(axis), x.dtype, keepdims=keepdims)
    return sum(_without_nan(x, 0), axis, keepdims) / count


@op
def nanvar(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The variance of all elements but NaN; NaN if there are no others."""
    x = floats(x)
    return nanmean(np.square(x - nanmean(x, axis, keepdims=True)), axis, keepdims)


@op
def nanstd(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The standard deviation of all elements but NaN; NaN if there are no others."""
    return np.sqrt(nanvar(x, axis, keepdims))


@op
def nanmax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The largest element but NaN; NaN if there are no others."""
    return _reduce(np.fmax, x, axis, keepdims)


@op
def nanmin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The smallest element but NaN; NaN if there are no others."""
    return _reduce(np.fmin, x, axis, keepdims)


def _reduce(ufunc: Any, x: Any, axis: Axis, keepdims: bool) -> Result:
    x = to_array(x)
    every = tuple(range(x.ndim))  # for a ufunc None is the first axis alone
    return ufunc.reduce(x, every if axis is None else axes(axis), keepdims=keepdims)


@op
def nancumsum(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Result:
    """As `cumsum` of `nan_to_num(x)`: NaN counts as 0, and inf as the largest number."""
    return cumsum(np.nan_to_num(to_array(x)), axis, dtype)


@op
def nancumprod(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Result:
    """As `cumprod` of `nan_to_num(x, nan=1)`: NaN counts as 1, and inf as the largest number."""
    return cumprod(np.nan_to_num(to_array(x), nan=1), axis, dtype)


@op
def nanquantile(
    x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Result:
    """The quantile of all elements but NaN; NaN if there are no others. See `quantile`."""
    return _quantile(floats(x), to_array(q, config.floatx()), axis, method, keepdims, skip_nan=True)


@op
def nanpercentile(
    x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Result:
    """The quantile of q percent of all elements but NaN. See `quantile`."""
    return _quantile(floats(x), _percent(q), axis, method, keepdims, skip_nan=True)


@op
def nanmedian(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Result:
    """The median of all elements but NaN; NaN if there are no others."""
    return _quantile(floats(x), np.float32(0.5), axis, "linear", keepdims, skip_nan=True)


def _without_nan(x: Any, value: float) -> Array:
    array = to_array(x)
    return np.where(np.isnan(array), array.dtype.type(value), array)
