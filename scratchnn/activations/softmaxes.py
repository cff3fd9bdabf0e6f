"""Functions of a whole axis: scores become probabilities, or their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from .arguments import Derivative, Function, as_float, place, result

Axis = int | tuple[int, ...] | None


def softmax(x: Any, axis: Axis = -1, *, out: Array | None = None) -> Array:
    """Turn scores into probabilities along `axis`: y_i = exp(x_i) / sum_j exp(x_j).

    Arguments:
        x: (..., C), of rank 1 or more.
        axis: the axis of the classes; several, or None for all axes.
        out: where to write.

    Example:
        >>> softmax(np.array([0.0, 0.0])).numpy()
        array([0.5, 0.5])

    Reference: Bridle, 1990, Probabilistic Interpretation of Feedforward Classification Network
    Outputs.
    """
    y, _, _ = softmax_parts(as_float(x), axis, out)
    return result(y, out)


def softmax_parts(
    x: Array,
    axis: Axis = -1,
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


def softmax_backward(dy: Array, x: Array, y: Array, ctx: Context, axis: Axis = -1) -> Array:
    # dx_i = y_i (dy_i - sum_j dy_j y_j)
    weighted = np.multiply(dy, y, out=ctx.buffer("slope", y.shape))
    dy -= np.add.reduce(weighted, axis=axis, keepdims=True)
    dy *= y
    return dy


def log_softmax(x: Any, axis: Axis = -1, *, out: Array | None = None) -> Array:
    """Return the logarithm of softmax(x): y_i = x_i - log sum_j exp(x_j).

    Arguments:
        x, axis, out: as for `softmax`.

    Example:
        >>> log_softmax(np.array([0.0, 0.0])).numpy().round(4)
        array([-0.6931, -0.6931])
    """
    x = as_float(x)
    y = place(x, out)
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    np.subtract(x, top, out=y)
    np.exp(y, out=y)
    total = np.add.reduce(y, axis=axis, keepdims=True)
    np.subtract(x, top, out=y)
    y -= np.log(total, out=total)
    return result(y, out)


def _log_softmax_backward(dy: Array, x: Array, y: Array, ctx: Context, axis: Axis = -1) -> Array:
    # dx_i = dy_i - exp(y_i) sum_j dy_j
    probabilities = np.exp(y, out=ctx.buffer("slope", y.shape))
    probabilities *= np.add.reduce(dy, axis=axis, keepdims=True)
    dy -= probabilities
    return dy


def sparsemax(x: Any, axis: int = -1, *, out: Array | None = None) -> Array:
    """Shift the scores along `axis` and cut them at 0: y_i = max(x_i - tau, 0).

    With z the scores in falling order, s_r = z_1 + ... + z_r, and k the number of r for which
    r z_r > s_r - 1, Keras has tau = (s_1 + ... + s_k - 1) / k, and so have we, to give the same
    numbers. In the paper, tau = (s_k - 1) / k: only that makes the outputs sum to 1 for k > 1.

    Arguments:
        x: (..., C), of rank 1 or more.
        axis: the axis of the classes.
        out: where to write.

    Example:
        >>> sparsemax(np.array([1.0, 3.0, 1.5])).numpy()
        array([0., 1., 0.])

    Reference: Martins and Astudillo, 2016, From Softmax to Sparsemax.
    """
    x = as_float(x)
    tau, _ = _sparsemax_parts(x, axis)
    y = np.subtract(x, tau, out=out)
    return result(np.maximum(y, 0, out=y), out)


def _sparsemax_parts(x: Array, axis: int) -> tuple[Array, Array]:
    """Return tau and k, like x with `axis` of length 1."""
    z = np.flip(np.sort(x, axis=axis), axis=axis)
    s = np.cumsum(z, axis=axis, dtype=x.dtype)
    shape = [1] * x.ndim
    shape[axis] = -1
    r = np.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape)
    kept = z - (s - 1) / r > 0
    k = np.add.reduce(kept, axis=axis, keepdims=True, dtype=x.dtype)
    tau = (np.add.reduce(np.where(kept, s, 0), axis=axis, keepdims=True) - 1) / k
    return tau, k


def _sparsemax_backward(dy: Array, x: Array, y: Array, ctx: Context, axis: int = -1) -> Array:
    # z_r is in the k - r + 1 last of the sums in tau; where x = tau, the slope is still 1.
    tau, k = _sparsemax_parts(x, axis)
    before = np.argsort(np.argsort(-x, axis=axis, kind="stable"), axis=axis)  # r - 1
    weight = np.maximum(k - before, 0, dtype=x.dtype) / k
    dy *= x - tau >= 0
    dy -= weight * np.add.reduce(dy, axis=axis, keepdims=True)
    return dy


DERIVATIVES: dict[Function, Derivative] = {
    softmax: softmax_backward,
    log_softmax: _log_softmax_backward,
    sparsemax: _sparsemax_backward,
}
