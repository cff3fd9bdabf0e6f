"""Losses for numbers that a few gross errors do not rule: far from the target they grow evenly."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Tensor
from ..context import Context
from .base import SameShapeLoss, function


class Huber(SameShapeLoss):
    """Huber's loss: with the error e = p - y, e^2 / 2 up to |e| = delta, a straight line beyond.

    For each sample it is the mean over u of c (|e| - c / 2), c = min(|e|, delta). The slope is e,
    cut to [-delta, delta].

    Arguments:
        delta: the size of error at which the parabola becomes a line. The config leaves it out, as
            Keras's does: a loss made from it has the default.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(Huber()([[0.0, 0.0]], [[1.0, 3.0]]))  # 1/2 and 5/2
        1.5

    Reference: Huber, 1964, Robust Estimation of a Location Parameter.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.error = np.subtract(p, y, out=ctx.buffer("error", p.shape))
        sizes = np.abs(ctx.error, out=ctx.buffer("sizes", p.shape))
        ctx.cut = np.minimum(sizes, p.dtype.type(self.delta), out=ctx.buffer("cut", p.shape))
        values = np.multiply(ctx.cut, p.dtype.type(-0.5), out=ctx.buffer("values", p.shape))
        values += sizes
        values *= ctx.cut
        return np.asarray(np.add.reduce(values, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        slope: Array = np.sign(ctx.error, out=ctx.error)
        slope *= ctx.cut
        slope /= slope.dtype.type(slope.shape[-1])
        return slope


class LogCosh(SameShapeLoss):
    """The mean of log cosh(p - y), for each sample: like e^2 / 2 near 0, like |e| - log 2 far away.

    Its slope is tanh(p - y).

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
        0.4338
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.error = np.subtract(p, y, out=ctx.buffer("error", p.shape))
        # log cosh(e) = e + log(1 + exp(-2 e)) - log 2, which does not overflow as cosh does.
        values = np.multiply(ctx.error, p.dtype.type(-2), out=ctx.buffer("values", p.shape))
        np.logaddexp(values, p.dtype.type(0), out=values)
        values += ctx.error
        values -= p.dtype.type(np.log(2))
        return np.asarray(np.add.reduce(values, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        slope: Array = np.tanh(ctx.error, out=ctx.error)
        slope /= slope.dtype.type(slope.shape[-1])
        return slope


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Return each sample's Huber loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        delta: as for Huber.

    Example:
        >>> huber([[0.0]], [[3.0]], delta=2.0).numpy()
        array([4.], dtype=float32)
    """
    return function(Huber, y_true, y_pred, delta=delta)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean of log cosh(p - y).

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> log_cosh([[0.0]], [[1.0]]).numpy().round(4)
        array([0.4338], dtype=float32)
    """
    return function(LogCosh, y_true, y_pred)
