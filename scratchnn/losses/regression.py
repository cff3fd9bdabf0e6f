"""Losses for numbers: how far the predictions are from the targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Tensor
from ..context import Context
from .base import SameShapeLoss, function


class MeanSquaredError(SameShapeLoss):
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


class MeanAbsoluteError(SameShapeLoss):
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


class MeanAbsolutePercentageError(SameShapeLoss):
    """Mean of the absolute errors in percent: 100 mean_u |y_u - p_u| / |y_u|, for each sample.

    |y| is at least epsilon. The slope is 0 where y = p.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0], [4.0]], [[3.0], [4.0]]))
        25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.size = np.abs(y, out=ctx.buffer("size", p.shape))
        np.maximum(ctx.size, p.dtype.type(config.epsilon()), out=ctx.size)
        ctx.error = np.subtract(p, y, out=ctx.buffer("error", p.shape))
        shares = np.abs(ctx.error, out=ctx.buffer("shares", p.shape))
        shares /= ctx.size
        return np.asarray(100 * (np.add.reduce(shares, axis=-1) / p.dtype.type(p.shape[-1])))

    def backward(self, ctx: Context) -> Array:
        slope: Array = np.sign(ctx.error, out=ctx.error)
        slope /= ctx.size
        slope *= slope.dtype.type(100 / slope.shape[-1])
        return slope


class MeanSquaredLogarithmicError(SameShapeLoss):
    """Mean of the squared errors of logarithms: mean_u (log(p_u + 1) - log(y_u + 1))^2.

    Both are at least epsilon. There is no gradient where p was less.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), not negative, values (N, ...).

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)  # (log 2)^2
        0.4805
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        low = p.dtype.type(config.epsilon())
        ctx.inside = p >= low
        ctx.next = np.maximum(p, low, out=ctx.buffer("next", p.shape))
        ctx.next += 1
        ctx.error = np.log(ctx.next, out=ctx.buffer("error", p.shape))
        ctx.error -= np.log(np.maximum(y, low) + 1)
        squares = np.multiply(ctx.error, ctx.error, out=ctx.buffer("squares", p.shape))
        return np.asarray(np.add.reduce(squares, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        slope: Array = ctx.error
        slope *= slope.dtype.type(2 / slope.shape[-1])
        slope /= ctx.next
        slope *= ctx.inside
        return slope


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean squared error.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
        array([5.], dtype=float32)
    """
    return function(MeanSquaredError, y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean absolute error.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> mean_absolute_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
        array([2.], dtype=float32)
    """
    return function(MeanAbsoluteError, y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean absolute error in percent.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> mean_absolute_percentage_error([[2.0, 4.0]], [[3.0, 4.0]]).numpy()
        array([25.], dtype=float32)
    """
    return function(MeanAbsolutePercentageError, y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's mean squared error of logarithms.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> mean_squared_logarithmic_error([[1.0]], [[3.0]]).numpy().round(4)
        array([0.4805], dtype=float32)
    """
    return function(MeanSquaredLogarithmicError, y_true, y_pred)
