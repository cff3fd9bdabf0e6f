"""Sigmoids: smooth or broken steps from one level to another, and what is made of them alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from .arguments import Derivative, Function, as_array, as_float, place, result
from .rectifiers import strictly_between


def linear(x: Any, *, out: Array | None = None) -> Array:
    """Return the input: y = x.

    Example:
        >>> linear(np.array([-1.0, 2.0])).numpy()
        array([-1.,  2.])
    """
    return result(as_array(x), out)


def _linear_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    return dy


def sigmoid(x: Any, *, out: Array | None = None) -> Array:
    """Logistic function: y = 1 / (1 + exp(-x)).

    Example:
        >>> sigmoid(np.array([0.0, 100.0])).numpy()
        array([0.5, 1. ])
    """
    x = as_float(x)
    # exp(-x) stays finite down to here, where the result is as good as 0.
    y = np.empty_like(x) if out is None else out
    np.maximum(x, -np.log(np.finfo(x.dtype).max) + 1, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    y += 1
    return result(np.reciprocal(y, out=y), out)


def _sigmoid_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = y (1 - y)
    slope = np.subtract(1, y, out=ctx.buffer("slope", y.shape))
    slope *= y
    dy *= slope
    return dy


def log_sigmoid(x: Any, *, out: Array | None = None) -> Array:
    """Logarithm of the logistic function: y = -log(1 + exp(-x)).

    Example:
        >>> log_sigmoid(np.array([-100.0, 0.0])).numpy().round(4)
        array([-100.    ,   -0.6931])
    """
    x = as_float(x)
    y = log_of_one_and_exp(x, place(x, out))
    np.negative(y, out=y)
    np.add(y, x, out=y, where=x < 0)
    return result(y, out)


def log_of_one_and_exp(x: Array, y: Array) -> Array:
    """Write log(1 + exp(-|x|)), which overflows nowhere, to y."""
    np.abs(x, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    return np.log1p(y, out=y)


def _log_sigmoid_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = sigmoid(-x)
    slope = np.negative(x, out=ctx.buffer("slope", y.shape))
    dy *= sigmoid(slope, out=slope)
    return dy


def hard_sigmoid(x: Any, *, out: Array | None = None) -> Array:
    """Logistic function of straight lines: y = min(max(x + 3, 0), 6) / 6.

    Example:
        >>> hard_sigmoid(np.array([-3.0, 0.0, 3.0])).numpy()
        array([0. , 0.5, 1. ])

    Reference: Courbariaux, Bengio and David, 2015, BinaryConnect.
    """
    x = as_float(x)
    y = np.add(x, 3, out=out)
    y = np.clip(y, 0, 6, out=out)
    y /= 6
    return result(y, out)


def _hard_sigmoid_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    dy *= strictly_between(y, 0, 1, ctx)
    dy /= 6
    return dy


def sparse_sigmoid(x: Any, *, out: Array | None = None) -> Array:
    """Logistic function that reaches 0 and 1: y = min(max((x + 1) / 2, 0), 1).

    Example:
        >>> sparse_sigmoid(np.array([-2.0, 0.0, 0.5])).numpy()
        array([0.  , 0.5 , 0.75])

    Reference: Blondel, Martins and Niculae, 2019, Learning Classifiers with Fenchel-Young Losses.
    """
    x = as_float(x)
    y = np.add(x, 1, out=out)
    y *= 0.5
    return result(np.clip(y, 0, 1, out=out), out)


def _sparse_sigmoid_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    dy *= strictly_between(y, 0, 1, ctx)
    dy *= 0.5
    return dy


def tanh(x: Any, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent: y = tanh(x).

    Example:
        >>> tanh(np.array([0.0])).numpy()
        array([0.])
    """
    return result(np.tanh(as_float(x), out=out), out)


def _tanh_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = 1 - y^2
    slope = np.multiply(y, y, out=ctx.buffer("slope", y.shape))
    np.subtract(1, slope, out=slope)
    dy *= slope
    return dy


def hard_tanh(x: Any, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent of straight lines: y = min(max(x, -1), 1).

    Example:
        >>> hard_tanh(np.array([-2.0, 0.5])).numpy()
        array([-1. ,  0.5])

    Reference: Collobert, 2004, Large Scale Machine Learning.
    """
    return result(np.clip(as_float(x), -1, 1, out=out), out)


def _hard_tanh_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # At -1 and 1 themselves the slope is 1.
    size = np.abs(x, out=ctx.buffer("slope", y.shape))
    dy *= np.less_equal(size, 1, out=ctx.buffer("open", y.shape, np.bool_))
    return dy


def tanh_shrink(x: Any, *, out: Array | None = None) -> Array:
    """What the hyperbolic tangent leaves of x: y = x - tanh(x).

    Example:
        >>> tanh_shrink(np.array([0.0, 20.0])).numpy()
        array([ 0., 19.])
    """
    x = as_float(x)
    y = np.tanh(x, out=place(x, out))
    return result(np.subtract(x, y, out=y), out)


def _tanh_shrink_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = tanh(x)^2
    slope = np.tanh(x, out=ctx.buffer("slope", y.shape))
    slope *= slope
    dy *= slope
    return dy


def softsign(x: Any, *, out: Array | None = None) -> Array:
    """Softsign: y = x / (1 + |x|).

    Example:
        >>> softsign(np.array([-1.0, 0.0, 3.0])).numpy()
        array([-0.5 ,  0.  ,  0.75])

    Reference: Turian, Bergstra and Bengio, 2009, Quadratic Features and Deep Architectures for
    Chunking.
    """
    x = as_float(x)
    y = np.abs(x, out=place(x, out))
    y += 1
    return result(np.divide(x, y, out=y), out)


def _softsign_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    # y' = 1 / (1 + |x|)^2
    slope = np.abs(x, out=ctx.buffer("slope", y.shape))
    slope += 1
    slope *= slope
    dy /= slope
    return dy


def exponential(x: Any, *, out: Array | None = None) -> Array:
    """Exponential function: y = exp(x).

    Example:
        >>> exponential(np.array([0.0])).numpy()
        array([1.])
    """
    return result(np.exp(as_float(x), out=out), out)


def _exponential_backward(dy: Array, x: Array, y: Array, ctx: Context) -> Array:
    dy *= y
    return dy


DERIVATIVES: dict[Function, Derivative] = {
    linear: _linear_backward,
    sigmoid: _sigmoid_backward,
    log_sigmoid: _log_sigmoid_backward,
    hard_sigmoid: _hard_sigmoid_backward,
    sparse_sigmoid: _sparse_sigmoid_backward,
    tanh: _tanh_backward,
    hard_tanh: _hard_tanh_backward,
    tanh_shrink: _tanh_shrink_backward,
    softsign: _softsign_backward,
    exponential: _exponential_backward,
}
