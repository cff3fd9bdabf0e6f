"""Losses for segmentation: how much two sets overlap, each pixel in them to some degree.

Unlike the other losses these give one value for the whole batch, unless `axis` leaves some axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Tensor
from ..context import Context
from .base import Axis, AxisLoss, function


class _Overlap(AxisLoss):
    """What both share: the value 1 - a / b, and its gradient."""

    def __init__(self, axis: Axis, reduction: str | None, name: str | None, dtype: Any) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis
        self._axes = tuple(axis) if isinstance(axis, list) else axis

    def _sum(self, array: Array) -> Array:
        return np.asarray(np.add.reduce(array, axis=self._axes, keepdims=True))

    def _value(self, above: Array, below: Array, ctx: Context) -> Array:
        """Return 1 - above / below, with epsilon added below."""
        ctx.below = below + below.dtype.type(config.epsilon())
        ctx.quotient = above / ctx.below
        return np.asarray(1 - np.squeeze(ctx.quotient, self._axes))


class Dice(_Overlap):
    """Dice loss: 1 - 2 sum y p / (sum y + sum p), sums over the whole batch.

    Arguments:
        reduction, name, dtype: as for every Loss.
        axis: the axes of the sums; None for all, and then the loss is one value. A tuple that
            leaves out the batch's axis, such as (1, 2, 3) for images, gives a value per sample.

    Shape:
        y and p (N, ...), both in [0, 1]; the value is one number, or has the axes that are left.

    Example:
        >>> round(float(Dice()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.5

    Reference: Milletari et al., 2016, V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y = y
        return self._value(2 * self._sum(y * p), self._sum(y) + self._sum(p), ctx)

    def backward(self, ctx: Context) -> Array:
        return np.asarray((ctx.quotient - 2 * ctx.y) / ctx.below)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Tversky(_Overlap):
    """Tversky loss: 1 - sum y p / (sum y p + alpha sum y (1 - p) + beta sum (1 - y) p).

    With alpha = beta = 1/2 it is the Dice loss. A larger `alpha` makes what is missed weigh more,
    a larger `beta` what is found wrongly.

    Arguments:
        alpha: the weight of what is in y and not in p.
        beta: the weight of what is in p and not in y.
        reduction, name, dtype: as for every Loss.
        axis: the axes of the sums; None for all, and then the loss is one value.

    Shape:
        y and p (N, ...), both in [0, 1]; the value is one number, or has the axes that are left.

    Example:
        >>> round(float(Tversky()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.5

    Reference: Salehi et al., 2017, Tversky Loss Function for Image Segmentation Using 3D Fully
    Convolutional Deep Networks.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)
        self.alpha = alpha
        self.beta = beta

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y, ctx.missing = y, 1 - y
        ctx.alpha, ctx.beta = p.dtype.type(self.alpha), p.dtype.type(self.beta)
        both = self._sum(y * p)
        missed, wrong = self._sum((1 - p) * y), self._sum(p * ctx.missing)
        return self._value(both, both + missed * ctx.alpha + wrong * ctx.beta, ctx)

    def backward(self, ctx: Context) -> Array:
        slope_below = ctx.y - ctx.y * ctx.alpha + ctx.missing * ctx.beta
        return np.asarray((ctx.quotient * slope_below - ctx.y) / ctx.below)

    def get_config(self) -> dict[str, Any]:
        own = {"alpha": self.alpha, "beta": self.beta, "axis": self.axis}
        return {**super().get_config(), **own}


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """Return the Dice loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        axis: as for Dice.

    Example:
        >>> round(float(dice([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.5
    """
    return function(Dice, y_true, y_pred, axis=axis)


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Tensor:
    """Return the Tversky loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        alpha, beta, axis: as for Tversky.

    Example:
        >>> round(float(tversky([[1.0, 0.0]], [[0.5, 0.5]], alpha=3.0, beta=0.0)), 4)
        0.75
    """
    return function(Tversky, y_true, y_pred, alpha=alpha, beta=beta, axis=axis)
