"""Gates: x times a sigmoid of x or of its other half; and the soft forms of the rectifier."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from ..special import erfc
from .arguments import Derivative, Function, as_float, place, result
from .rectifiers import strictly_between
from .sigmoids import hard_sigmoid, log_of_one_and_exp, sigmoid


def softplus(x: Any, *, out: Array | None = None) -> Array:
    """Softplus: y = log(1 + exp(x)).

    Example:
        >>> softplus(np.array([-1000.0, 0.0, 1000.0])).numpy().round(4)
        array([0.000e+00, 6.931e-01, 1.000e+03])

    Reference: Dugas, Bengio, Bélisle, Nadeau and Garcia, 2001, Incorporating Second-Order
    Functional Knowledge for Better Option Pricing.
    """
    x = as_float(x)
    y = log_of_one_and_exp(x, place(x, out))
    np.add(y, x, out=y, where=x > 0)
    return result(y, out)


def _softplus_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    dy *= sigmoid(x, out=ctx.buffer("slope", y.shape))
    return dy


def sparse_plus(x: Any, *, out: Array | None = None) -> Array:
    """Softplus that reaches 0: y = 0 if x <= -1, (x + 1)^2 / 4 if x < 1, else x.

    Example:
        >>> sparse_plus(np.array([-2.0, 0.0, 2.0])).numpy()
        array([0.  , 0.25, 2.  ])

    Reference: Blondel, Martins and Niculae, 2019, Learning Classifiers with Fenchel-Young Losses.
    """
    x = as_float(x)
    y = np.add(x, 1, out=place(x, out))
    np.clip(y, 0, 2, out=y)
    y *= y
    y *= 0.25
    np.copyto(y, x, where=x >= 1)
    return result(y, out)


def _sparse_plus_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = (x + 1) / 2, from 0 to 1
    slope = np.add(x, 1, out=ctx.buffer("slope", y.shape))
    slope *= 0.5
    dy *= np.clip(slope, 0, 1, out=slope)
    return dy


def squareplus(x: Any, b: float = 4, *, out: Array | None = None) -> Array:
    """Squareplus: y = (x + sqrt(x^2 + b)) / 2.

    Arguments:
        x: of any shape.
        b: how soft it is; y is sqrt(b) / 2 for x = 0.
        out: where to write.

    Example:
        >>> squareplus(np.array([0.0, 1.5])).numpy()
        array([1., 2.])

    Reference: Barron, 2021, Squareplus: A Softplus-Like Algebraic Rectifier.
    """
    x = as_float(x)
    y = np.square(x, out=place(x, out))
    y += b
    np.sqrt(y, out=y)
    y += x
    y /= 2
    return result(y, out)


def _squareplus_backward(dy: Array, x: Array, y: Array, ctx: Context, b: float = 4) -> Array:
    # y' = (1 + x / sqrt(x^2 + b)) / 2
    slope = np.square(x, out=ctx.buffer("slope", y.shape))
    slope += b
    np.sqrt(slope, out=slope)
    np.divide(x, slope, out=slope)
    slope += 1
    slope /= 2
    dy *= slope
    return dy


def silu(x: Any, *, out: Array | None = None) -> Array:
    """Sigmoid linear unit, also known as swish: y = x sigmoid(x).

    Example:
        >>> silu(np.array([-1000.0, 0.0, 1.0])).numpy().round(4)
        array([-0.    ,  0.    ,  0.7311])

    Reference: Elfwing, Uchibe and Doya, 2018, Sigmoid-Weighted Linear Units; Ramachandran, Zoph
    and Le, 2017, Searching for Activation Functions.
    """
    x = as_float(x)
    y = np.negative(x, out=place(x, out))
    with np.errstate(over="ignore"):  # x / infinity is the 0 that is wanted
        np.exp(y, out=y)
    y += 1
    return result(np.divide(x, y, out=y), out)


def _silu_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = s + y (1 - s), where s = sigmoid(x)
    slope = sigmoid(x, out=ctx.buffer("slope", y.shape))
    rest = np.subtract(1, slope, out=ctx.buffer("rest", y.shape))
    rest *= y
    slope += rest
    dy *= slope
    return dy


def hard_silu(x: Any, *, out: Array | None = None) -> Array:
    """Sigmoid linear unit of straight lines, also known as hard swish: y = x hard_sigmoid(x).

    Example:
        >>> hard_silu(np.array([-3.0, 0.0, 1.5, 4.0])).numpy()
        array([-0.   ,  0.   ,  1.125,  4.   ])

    Reference: Howard and others, 2019, Searching for MobileNetV3.
    """
    x = as_float(x)
    y = hard_sigmoid(x, out=place(x, out))
    y *= x
    return result(y, out)


def _hard_silu_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = h + x h', where h = hard_sigmoid(x), h' = 1/6 inside and 0 outside
    slope = hard_sigmoid(x, out=ctx.buffer("slope", y.shape))
    inside = strictly_between(slope, 0, 1, ctx)
    rest = np.multiply(x, inside, out=ctx.buffer("rest", y.shape))
    rest /= 6
    slope += rest
    dy *= slope
    return dy


_TANH_SCALE = math.sqrt(2 / math.pi)
_TANH_CUBIC = 0.044715


def gelu(x: Any, approximate: bool = False, *, out: Array | None = None) -> Array:
    """Gaussian error linear unit: y = x P(X <= x), where X is standard normal.

    y = x / 2 (1 + erf(x / sqrt(2))), or about x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))

    Arguments:
        x: of any shape.
        approximate: whether to use the second form.
        out: where to write.

    Example:
        >>> gelu(np.array([-1.0, 0.0, 1.0])).numpy().round(4)
        array([-0.1587,  0.    ,  0.8413])

    Reference: Hendrycks and Gimpel, 2016, Gaussian Error Linear Units.
    """
    x = as_float(x)
    y = place(x, out)
    if approximate:
        _tanh_of_gelu(x, y)
        y += 1
    else:
        np.multiply(x, -math.sqrt(0.5), out=y)
        erfc(y, out=y)
    y *= x
    y *= 0.5
    return result(y, out)


def _tanh_of_gelu(x: Array, y: Array) -> Array:
    np.square(x, out=y)
    y *= _TANH_CUBIC
    y += 1
    y *= x
    y *= _TANH_SCALE
    return np.tanh(y, out=y)


def _gelu_backward(dy: Array, x: Array, y: Array, ctx: Context, approximate: bool = False) -> Array:
    # y' = P + x P', where P = y / x
    slope = ctx.buffer("slope", y.shape)
    rest = ctx.buffer("rest", y.shape)
    if approximate:
        # x P' = x / 2 (1 - t^2) sqrt(2 / pi) (1 + 3 * 0.044715 x^2), P = (1 + t) / 2
        t = _tanh_of_gelu(x, slope)
        np.square(x, out=rest)
        rest *= 3 * _TANH_CUBIC
        rest += 1
        rest *= x
        rest *= 0.5 * _TANH_SCALE
        density = np.square(t, out=ctx.buffer("density", y.shape))
        rest *= np.subtract(1, density, out=density)
        slope += 1
        slope *= 0.5
    else:
        # x P' = x exp(-x^2 / 2) / sqrt(2 pi)
        np.square(x, out=rest)
        rest *= -0.5
        np.exp(rest, out=rest)
        rest *= x
        rest *= 1 / math.sqrt(2 * math.pi)
        slope.fill(0.5)
        nonzero = np.not_equal(x, 0, out=ctx.buffer("open", y.shape, np.bool_))
        np.divide(y, x, out=slope, where=nonzero)
    slope += rest
    dy *= slope
    return dy


def mish(x: Any, *, out: Array | None = None) -> Array:
    """Mish: y = x tanh(softplus(x)).

    Example:
        >>> mish(np.array([-1000.0, 0.0, 1.0])).numpy().round(4)
        array([-0.    ,  0.    ,  0.8651])

    Reference: Misra, 2019, Mish: A Self Regularized Non-Monotonic Activation Function.
    """
    x = as_float(x)
    y = softplus(x, out=place(x, out))
    np.tanh(y, out=y)
    y *= x
    return result(y, out)


def _mish_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = t + x (1 - t^2) sigmoid(x), where t = tanh(softplus(x))
    slope = softplus(x, out=ctx.buffer("slope", y.shape))
    np.tanh(slope, out=slope)
    rest = np.square(slope, out=ctx.buffer("rest", y.shape))
    np.subtract(1, rest, out=rest)
    rest *= x
    rest *= sigmoid(x, out=ctx.buffer("density", y.shape))
    slope += rest
    dy *= slope
    return dy


def glu(x: Any, axis: int = -1, *, out: Array | None = None) -> Array:
    """Gated linear unit: y = a sigmoid(b), where a and b are the halves of x along `axis`.

    Arguments:
        x: (..., 2 U), the axis of an even size.
        axis: which axis.
        out: where to write, (..., U).

    Raises:
        ValueError: if the size of the axis is odd.

    Example:
        >>> glu(np.array([1.0, 2.0, 0.0, 1000.0])).numpy()
        array([0.5, 2. ])

    Reference: Dauphin, Fan, Auli and Grangier, 2017, Language Modeling with Gated Convolutional
    Networks.
    """
    a, b = _halves(as_float(x), axis)
    y = sigmoid(b, out=np.empty_like(a) if out is None else out)
    y *= a
    return result(y, out)


def _halves(x: Array, axis: int) -> tuple[Array, Array]:
    size = x.shape[axis]
    if size % 2:
        raise ValueError(
            f"glu expected axis {axis} to be of an even size. Received: shape {x.shape}."
        )
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, slice(size // 2))], x[(*before, slice(size // 2, None))]


def _glu_backward(dy: Array, x: Array, y: Array, ctx: Context, axis: int = -1) -> Array:
    dx = ctx.buffer("dx of glu", x.shape)
    (_, b), (da, db) = _halves(x, axis), _halves(dx, axis)
    gate = sigmoid(b, out=ctx.buffer("slope", y.shape))
    np.multiply(dy, gate, out=da)
    # db = dy a s (1 - s), where s = sigmoid(b) and y = a s
    np.subtract(1, gate, out=db)
    db *= y
    db *= dy
    return dx


DERIVATIVES: dict[Function, Derivative] = {
    softplus: _softplus_backward,
    sparse_plus: _sparse_plus_backward,
    squareplus: _squareplus_backward,
    silu: _silu_backward,
    hard_silu: _hard_silu_backward,
    gelu: _gelu_backward,
    mish: _mish_backward,
    glu: _glu_backward,
}
