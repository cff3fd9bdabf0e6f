"""Activation functions, and the table of their derivatives.

A function takes `out=` to write into an array it is given; `out` may be its own input. The
derivative of each stands in `DERIVATIVES`, written in place on dy, the gradient of the output.
All of these are functions of the output y, which is why a layer need not keep its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import naming
from .arrays import Array, as_tensor
from .context import Context, Logits

Function = Callable[..., Any]


def linear(x: Any, *, out: Array | None = None) -> Array:
    """Return the input: y = x.

    Example:
        >>> linear(np.array([-1.0, 2.0])).numpy()
        array([-1.,  2.])
    """
    return _result(x, out)


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    out: Array | None = None,
) -> Array:
    """Rectified linear unit: y = x if x > threshold, else negative_slope * (x - threshold).

    Values above `max_value`, if given, become `max_value`.

    Example:
        >>> relu(np.array([-2.0, 0.0, 3.0])).numpy()
        array([0., 0., 3.])

    Reference: Nair and Hinton, 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.
    """
    x = np.asarray(x)
    if not negative_slope and not threshold:
        # NumPy's maximum of two arrays is three times as fast as that of an array and a number.
        y = np.maximum(x, np.zeros(x.shape[-1:], x.dtype), out=out)
        return _result(y if max_value is None else np.minimum(y, max_value, out=out), out)
    y = np.where(x > threshold, x, x.dtype.type(negative_slope) * (x - x.dtype.type(threshold)))
    if max_value is not None:
        np.minimum(y, max_value, out=y)
    return _result(y, out)


def sigmoid(x: Any, *, out: Array | None = None) -> Array:
    """Logistic function: y = 1 / (1 + exp(-x)).

    Example:
        >>> sigmoid(np.array([0.0, 100.0])).numpy()
        array([0.5, 1. ])
    """
    x = _float(x)
    # exp(-x) stays finite down to here, where the result is as good as 0.
    y = np.empty_like(x) if out is None else out
    np.maximum(x, -np.log(np.finfo(x.dtype).max) + 1, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    y += 1
    return _result(np.reciprocal(y, out=y), out)


def tanh(x: Any, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent: y = tanh(x).

    Example:
        >>> tanh(np.array([0.0])).numpy()
        array([0.])
    """
    return _result(np.tanh(_float(x), out=out), out)


def softmax(x: Any, axis: int = -1, *, out: Array | None = None) -> Array:
    """Turn scores into probabilities along `axis`: y_i = exp(x_i) / sum_j exp(x_j).

    Example:
        >>> softmax(np.array([0.0, 0.0])).numpy()
        array([0.5, 0.5])

    Reference: Bridle, 1990, Probabilistic Interpretation of Feedforward Classification Network
    Outputs.
    """
    y, _, _ = softmax_parts(_float(x), axis, out)
    return _result(y, out)


def softmax_parts(
    x: Array,
    axis: int = -1,
    out: Array | None = None,
    top: Array | None = None,
    total: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Return softmax(x) with its parts, top = max(x) and total = sum exp(x - top).

    Arguments:
        x: (..., C), any float dtype.
        axis: the axis of the classes.
        out, top, total: where to write; like x, and like x with `axis` of length 1.
    """
    top = np.maximum.reduce(x, axis=axis, keepdims=True, out=top)
    # Subtracting the maximum changes nothing and keeps exp from overflowing.
    y = np.subtract(x, top, out=out)
    np.exp(y, out=y)
    total = np.add.reduce(y, axis=axis, keepdims=True, out=total)
    y /= total
    return y, top, total


def _linear_backward(dy: Array, y: Array, ctx: Context) -> Array:
    return dy


def _relu_backward(dy: Array, y: Array, ctx: Context) -> Array:
    dy *= np.greater(y, 0, out=ctx.buffer("open", y.shape, np.bool_))
    return dy


def _sigmoid_backward(dy: Array, y: Array, ctx: Context) -> Array:
    # y' = y (1 - y)
    slope = np.subtract(1, y, out=ctx.buffer("slope", y.shape))
    slope *= y
    dy *= slope
    return dy


def _tanh_backward(dy: Array, y: Array, ctx: Context) -> Array:
    # y' = 1 - y^2
    slope = np.multiply(y, y, out=ctx.buffer("slope", y.shape))
    np.subtract(1, slope, out=slope)
    dy *= slope
    return dy


def _softmax_backward(dy: Array, y: Array, ctx: Context, axis: int = -1) -> Array:
    # dx_i = y_i (dy_i - sum_j dy_j y_j)
    weighted = np.multiply(dy, y, out=ctx.buffer("slope", y.shape))
    dy -= np.add.reduce(weighted, axis=axis, keepdims=True)
    dy *= y
    return dy


DERIVATIVES: dict[Function, Callable[..., Array]] = {
    linear: _linear_backward,
    relu: _relu_backward,
    sigmoid: _sigmoid_backward,
    tanh: _tanh_backward,
    softmax: _softmax_backward,
}

NAMES: dict[str, Function] = {function.__name__: function for function in DERIVATIVES}


def get(identifier: Any) -> Function:
    """Return the activation function that a name, a function or None (linear) stands for.

    Raises:
        ValueError: for a name that is not known, with the nearest one that is.

    Example:
        >>> get("relu") is relu
        True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return NAMES.get(identifier) or naming.unknown("activation", identifier, NAMES)
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    return naming.unknown("activation", identifier, NAMES)


class Nonlinearity:
    """An activation function at work inside a layer: forward and backward, both in place.

    Arguments:
        function: one of this module's functions, or a callable of your own that has an attribute
            `gradient(dy, x, y)` which returns the gradient of its input.

    Raises:
        ValueError: if nobody knows the derivative of `function`.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.gradient: Callable[..., Array] | None = getattr(function, "gradient", None)
        self._backward = DERIVATIVES.get(function)
        self.makes_logits = function in (softmax, sigmoid)
        if self._backward is None and self.gradient is None:
            name = getattr(function, "__name__", repr(function))
            raise ValueError(
                f"The derivative of the activation function {name!r} is not known. Use one of "
                f"{', '.join(sorted(NAMES))}; or give your function its derivative as an "
                f"attribute, `{name}.gradient = lambda dy, x, y: ...`, which returns the gradient "
                "of its input."
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        """Return y = f(x); x is the layer's own buffer, and may be overwritten."""
        if self.function is linear:
            return x
        if self.gradient is not None:
            ctx.z = x
            ctx.y = np.asarray(self.function(x), x.dtype)
        elif self.makes_logits:
            ctx.y = self._forward_logits(x, ctx)
        else:
            ctx.y = self.function(x, out=x)
        return ctx.y  # type: ignore[no-any-return]

    def _forward_logits(self, x: Array, ctx: Context) -> Array:
        """Softmax and sigmoid leave x as it is: the cross-entropies work from the logits."""
        out = ctx.buffer("probabilities", x.shape)
        if self.function is sigmoid:
            ctx.logits = Logits(x, is_sigmoid=True)
            return sigmoid(x, out=out)
        row = (*x.shape[:-1], 1)
        y, top, total = softmax_parts(x, -1, out, ctx.buffer("top", row), ctx.buffer("total", row))
        ctx.logits = Logits(x, top, total)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Return the gradient of the input, written over dy."""
        if ctx.fused or self.function is linear:
            return dy
        if self.gradient is not None:
            return np.asarray(self.gradient(dy, ctx.z, ctx.y))
        assert self._backward is not None
        return self._backward(dy, ctx.y, ctx)


def _float(x: Any) -> Array:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float32)  # type: ignore[no-any-return]


def _result(y: Any, out: Array | None) -> Array:
    """Return y in `out`; without one, as a Tensor, for programs that go on with `.numpy()`."""
    if out is None:
        return as_tensor(y)
    if out is not y:
        out[...] = y
    return out
