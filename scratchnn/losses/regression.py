"""Losses for numbers: how far the predictions are from the targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Tensor
from ..context import Context
from .base import Loss, function


class MeanSquaredError(Loss):
    """Mean of the squared errors: mean_u (y_u - p_u)^2, for each sample.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.error = np.subtract(p, y, out=ctx.buffer("error", p.shape))
        squares = np.multiply(ctx.error, ctx.error, out=ctx.buffer("squares", p.shape))
        return np.asarray(np.add.reduce(squares, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        error: Array = ctx.error
        error *= error.dtype.type(2 / error.shape[-1])
        return error


class MeanAbsoluteError(Loss):
    """Mean of the absolute errors: mean_u |y_u - p_u|, for each sample. Its slope at 0 is 0.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]]))
        1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.error = np.subtract(p, y, out=ctx.buffer("error", p.shape))
        sizes = np.abs(ctx.error, out=ctx.buffer("sizes", p.shape))
        return np.asarray(np.add.reduce(sizes, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        signs: Array = np.sign(ctx.error, out=ctx.error)
        signs /= signs.dtype.type(signs.shape[-1])
        return signs


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean squared error.

    Example:
        >>> mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
        array([5.], dtype=float32)
    """
    return function(MeanSquaredError, y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean absolute error.

    Example:
        >>> mean_absolute_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
        array([2.], dtype=float32)
    """
    return function(MeanAbsoluteError, y_true, y_pred)
