"""Rectifiers: functions that let large inputs pass, and hold back small ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_tensor
from ..context import Context
from .arguments import Derivative, Function, as_array, as_float, place, result

# The constants of selu, for which zero mean and unit variance are a fixed point.
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    out: Array | None = None,
) -> Array:
    """Rectified linear unit: y = x if x > threshold, else negative_slope * (x - threshold).

    Arguments:
        x: of any shape; integers stay integers unless there is a slope.
        negative_slope: the slope below the threshold.
        max_value: the largest output; None for no ceiling. With a ceiling there is a floor, too:
            what passes the threshold is at least 0.
        threshold: where the unit opens.
        out: where to write.

    Example:
        >>> relu(np.array([-2.0, 0.0, 3.0])).numpy()
        array([0., 0., 3.])

    Reference: Nair and Hinton, 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.
    """
    x = as_array(x)
    if not negative_slope and not threshold:
        y = _positive_part(x, out)
        if max_value is not None:
            y = _cap(np.asarray(y), max_value)
        return as_tensor(y) if out is None else y
    if max_value is None and not threshold:
        return leaky_relu(x, negative_slope, out=out)
    x = as_float(x) if negative_slope else x
    y = np.where(x > x.dtype.type(threshold), x, x.dtype.type(0))
    if max_value is not None:
        _cap(y, max_value)
    if negative_slope:
        y -= negative_slope * np.maximum(threshold - x, 0)
    return result(y, out)


def _positive_part(x: Array, out: Array | None) -> Array:
    """Return max(x, 0)."""
    y = np.empty_like(x) if out is None else out
    rows, results = x, y
    if x.ndim > 2 and x.size and x.flags.c_contiguous and y.flags.c_contiguous:
        # A ufunc starts anew for each row: one row per sample is faster than one per pixel.
        rows, results = x.reshape(len(x), -1), y.reshape(len(x), -1)
    # NumPy's maximum of two arrays is three times as fast as that of an array and a number.
    np.maximum(rows, np.zeros(rows.shape[-1:], x.dtype), out=results)
    return y


def _cap(y: Array, max_value: float) -> Array:
    np.minimum(y, y.dtype.type(max_value), out=y)
    return np.maximum(y, 0, out=y)


def relu_backward(
    dy: Array,
    x: Array,
    y: Array,
    ctx: Context,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    opened = ctx.buffer("open", y.shape, np.bool_)
    if not negative_slope and not threshold and max_value is None:
        dy *= np.greater(y, 0, out=opened)
        return dy
    inside = ctx.buffer("inside", y.shape, np.bool_)
    np.greater(x, threshold, out=opened)
    if max_value is not None:
        # At the ceiling itself the slope is 1, but for the ceiling of 6, whose kernel in
        # TensorFlow says 0.
        below = np.less if max_value == 6 and not threshold else np.less_equal
        np.logical_and(opened, below(x, max_value, out=inside), out=opened)
        np.logical_and(opened, np.greater_equal(x, 0, out=inside), out=opened)
    slope = ctx.buffer("slope", y.shape)
    np.copyto(slope, opened)
    if negative_slope:
        # At the threshold itself the slope is 0; that of a plain leaky unit, negative_slope.
        leaky = max_value is None and not threshold
        closed = (np.less_equal if leaky else np.less)(x, threshold, out=inside)
        np.copyto(slope, negative_slope, where=closed)
    dy *= slope
    return dy


def relu6(x: Any, *, out: Array | None = None) -> Array:
    """Rectified linear unit with a ceiling: y = min(max(x, 0), 6).

    Example:
        >>> relu6(np.array([-2.0, 3.0, 8.0])).numpy()
        array([0., 3., 6.])

    Reference: Krizhevsky, 2010, Convolutional Deep Belief Networks on CIFAR-10.
    """
    x = as_array(x)
    return result(np.clip(x, 0, 6, out=out), out)


def _relu6_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    dy *= strictly_between(y, 0, 6, ctx)
    return dy


def strictly_between(x: Array, low: float, high: float, ctx: Context) -> Array:
    """Return, in buffers of `ctx`, where low < x < high."""
    inside = np.greater(x, low, out=ctx.buffer("open", x.shape, np.bool_))
    below = np.less(x, high, out=ctx.buffer("inside", x.shape, np.bool_))
    return np.logical_and(inside, below, out=inside)


def leaky_relu(x: Any, negative_slope: float = 0.2, *, out: Array | None = None) -> Array:
    """Leaky rectified linear unit: y = x if x > 0, else negative_slope * x.

    Arguments:
        x: of any shape.
        negative_slope: the slope below 0.
        out: where to write.

    Example:
        >>> leaky_relu(np.array([-2.0, 3.0])).numpy()
        array([-0.4,  3. ])

    Reference: Maas, Hannun and Ng, 2013, Rectifier Nonlinearities Improve Neural Network Acoustic
    Models.
    """
    x = as_float(x)
    y = np.multiply(x, negative_slope, out=place(x, out))
    choose = np.maximum if negative_slope <= 1 else np.minimum
    return result(choose(x, y, out=y), out)


def _leaky_relu_backward(
    dy: Array, x: Array, y: Array, ctx: Context, negative_slope: float = 0.2
) -> Array:
    return relu_backward(dy, x, y, ctx, negative_slope)


def elu(x: Any, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """Exponential linear unit: y = x if x > 0, else alpha * (exp(x) - 1).

    Arguments:
        x: of any shape.
        alpha: -y for x towards minus infinity.
        out: where to write.

    Example:
        >>> elu(np.array([-1000.0, 0.0, 3.0])).numpy()
        array([-1.,  0.,  3.])

    Reference: Clevert, Unterthiner and Hochreiter, 2016, Fast and Accurate Deep Network Learning
    by Exponential Linear Units.
    """
    x = as_float(x)
    y = np.minimum(x, 0, out=place(x, out))
    np.exp(y, out=y)
    y -= 1
    y *= alpha
    np.copyto(y, x, where=x > 0)
    return result(y, out)


def _elu_backward(dy: Array, x: Array, y: Array, ctx: Context, alpha: float = 1.0) -> Array:
    # y' = y + alpha below 0 and at it
    slope = np.add(y, alpha, out=ctx.buffer("slope", y.shape))
    np.copyto(slope, 1, where=np.greater(x, 0, out=ctx.buffer("open", y.shape, np.bool_)))
    dy *= slope
    return dy


def selu(x: Any, *, out: Array | None = None) -> Array:
    """Scaled exponential linear unit: y = s x if x > 0, else s a (exp(x) - 1).

    With s = 1.0507 and a = 1.6733, layers whose weights start from `lecun_normal` keep the mean
    and the variance of their inputs at 0 and 1.

    Example:
        >>> selu(np.array([-1000.0, 0.0, 1.0])).numpy().round(4)
        array([-1.7581,  0.    ,  1.0507])

    Reference: Klambauer, Unterthiner, Mayr and Hochreiter, 2017, Self-Normalizing Neural Networks.
    """
    x = as_float(x)
    y = elu(x, SELU_ALPHA, out=place(x, out))
    y *= SELU_SCALE
    return result(y, out)


def _selu_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    slope = np.add(y, SELU_SCALE * SELU_ALPHA, out=ctx.buffer("slope", y.shape))
    opened = np.greater_equal(x, 0, out=ctx.buffer("open", y.shape, np.bool_))
    np.copyto(slope, SELU_SCALE, where=opened)
    dy *= slope
    return dy


def celu(x: Any, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """Continuously differentiable exponential linear unit: y = x or alpha (exp(x / alpha) - 1).

    The second is for x <= 0. At 0 itself the derivative is that of both pieces, 2, as in Keras.

    Arguments:
        x: of any shape.
        alpha: -y for x towards minus infinity; not 0.
        out: where to write.

    Example:
        >>> celu(np.array([-1000.0, 0.0, 3.0]), alpha=2.0).numpy()
        array([-2.,  0.,  3.])

    Reference: Barron, 2017, Continuously Differentiable Exponential Linear Units.
    """
    x = as_float(x)
    y = np.minimum(x, 0, out=place(x, out))
    y /= alpha
    np.expm1(y, out=y)
    y *= alpha
    np.copyto(y, x, where=x > 0)
    return result(y, out)


def _celu_backward(dy: Array, x: Array, y: Array, ctx: Context, alpha: float = 1.0) -> Array:
    slope = np.divide(y, alpha, out=ctx.buffer("slope", y.shape))
    slope += 1
    where = ctx.buffer("open", y.shape, np.bool_)
    np.copyto(slope, 1, where=np.greater(x, 0, out=where))
    np.copyto(slope, 2, where=np.equal(x, 0, out=where))
    dy *= slope
    return dy


def threshold(x: Any, threshold: float, default_value: float, *, out: Array | None = None) -> Array:
    """Threshold: y = x if x > threshold, else default_value.

    Arguments:
        x: of any shape.
        threshold: what x must exceed.
        default_value: y for all other x.
        out: where to write.

    Example:
        >>> threshold(np.array([-1.0, 1.0, 2.0]), 1.0, 0.0).numpy()
        array([0., 0., 2.])
    """
    x = as_float(x)
    y = place(x, out)
    y.fill(default_value)
    np.copyto(y, x, where=x > threshold)
    return result(y, out)


def _threshold_backward(
    dy: Array, x: Array, y: Array, ctx: Context, threshold: float, default_value: float
) -> Array:
    dy *= np.greater(x, threshold, out=ctx.buffer("open", y.shape, np.bool_))
    return dy


def hard_shrink(x: Any, threshold: float = 0.5, *, out: Array | None = None) -> Array:
    """Hard shrinkage: y = x if |x| > threshold, else 0.

    Arguments:
        x: of any shape.
        threshold: what |x| must exceed.
        out: where to write.

    Example:
        >>> hard_shrink(np.array([-1.0, 0.5, 2.0])).numpy()
        array([-1.,  0.,  2.])

    Reference: Donoho and Johnstone, 1994, Ideal Spatial Adaptation by Wavelet Shrinkage.
    """
    x = as_float(x)
    y = np.abs(x, out=place(x, out))
    outside = y > threshold
    y.fill(0)
    np.copyto(y, x, where=outside)
    return result(y, out)


def _hard_shrink_backward(
    dy: Array, x: Array, y: Array, ctx: Context, threshold: float = 0.5
) -> Array:
    size = np.abs(x, out=ctx.buffer("slope", y.shape))
    dy *= np.greater(size, threshold, out=ctx.buffer("open", y.shape, np.bool_))
    return dy


def soft_shrink(x: Any, threshold: float = 0.5, *, out: Array | None = None) -> Array:
    """Soft shrinkage: y = x - threshold, x + threshold or 0, whichever is nearest to 0.

    y = x - threshold if x > threshold, x + threshold if x < -threshold, else 0

    Arguments:
        x: of any shape; integers give y cut to integers, as in Keras.
        threshold: by how much |x| shrinks.
        out: where to write.

    Example:
        >>> soft_shrink(np.array([-1.0, 0.5, 2.0])).numpy()
        array([-0.5,  0. ,  1.5])

    Reference: Donoho and Johnstone, 1994, Ideal Spatial Adaptation by Wavelet Shrinkage.
    """
    dtype = as_array(x).dtype
    x = as_float(x)
    y = place(x, out)
    y.fill(0)
    np.add(x, threshold, out=y, where=x < -threshold)
    np.subtract(x, threshold, out=y, where=x > threshold)
    return result(y.astype(dtype, copy=False), out)


def _soft_shrink_backward(
    dy: Array, x: Array, y: Array, ctx: Context, threshold: float = 0.5
) -> Array:
    opened = np.greater(x, threshold, out=ctx.buffer("open", y.shape, np.bool_))
    below = np.less(x, -threshold, out=ctx.buffer("inside", y.shape, np.bool_))
    dy *= np.logical_or(opened, below, out=opened)
    return dy


DERIVATIVES: dict[Function, Derivative] = {
    relu: relu_backward,
    relu6: _relu6_backward,
    leaky_relu: _leaky_relu_backward,
    elu: _elu_backward,
    selu: _selu_backward,
    celu: _celu_backward,
    threshold: _threshold_backward,
    hard_shrink: _hard_shrink_backward,
    soft_shrink: _soft_shrink_backward,
}
