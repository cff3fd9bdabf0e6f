"""The hinges: losses for margins, nothing once a prediction is right by 1 or more."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Tensor
from ..context import Context
from .base import SameShapeLoss, function


class Hinge(SameShapeLoss):
    """Hinge loss: mean_u max(1 - y_u p_u, 0), for each sample; y is -1 or 1.

    Labels of 0 and 1 become -1 and 1, if a batch holds no other. At the hinge itself, y p = 1, the
    slope is still -y.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(Hinge()([[1.0, -1.0]], [[0.5, -3.0]]))
        0.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        values = _shortfall(y, p, ctx)
        return np.asarray(np.add.reduce(values, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        return np.multiply(ctx.y, ctx.open / ctx.y.dtype.type(-ctx.y.shape[-1]))  # type: ignore[no-any-return]


class SquaredHinge(SameShapeLoss):
    """Squared hinge loss: mean_u max(1 - y_u p_u, 0)^2, for each sample; y is -1 or 1.

    Labels of 0 and 1 become -1 and 1, if a batch holds no other.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> float(SquaredHinge()([[1.0, -1.0]], [[0.5, -3.0]]))
        0.125
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.values = _shortfall(y, p, ctx)
        squares = np.multiply(ctx.values, ctx.values, out=ctx.buffer("squares", p.shape))
        return np.asarray(np.add.reduce(squares, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        dp: Array = ctx.values
        dp *= dp.dtype.type(-2 / dp.shape[-1])
        dp *= ctx.y
        return dp


class CategoricalHinge(SameShapeLoss):
    """Categorical hinge loss: max(1 + max_c (1 - y_c) p_c - sum_c y_c p_c, 0), y one-hot.

    The score of the true class is to be above the largest other one by 1. Others that are equally
    large share the slope.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., C), values (N, ...).

    Example:
        >>> float(CategoricalHinge()([[0, 1, 0]], [[0.5, 1.0, -2.0]]))
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y, ctx.others = y, 1 - y
        scores = ctx.others * p
        largest = scores.max(axis=-1, keepdims=True)
        ctx.ties = scores == largest
        values = largest[..., 0] - np.sum(y * p, axis=-1) + 1
        ctx.open = values >= 0
        return np.asarray(np.maximum(values, 0))

    def backward(self, ctx: Context) -> Array:
        ties: Array = ctx.ties.astype(ctx.y.dtype)
        ties /= np.add.reduce(ties, axis=-1, keepdims=True)
        ties *= ctx.others
        ties -= ctx.y
        ties *= ctx.open[..., np.newaxis]
        return ties


def _shortfall(y: Array, p: Array, ctx: Context) -> Array:
    """Return max(1 - y p, 0), in a buffer; keep y as signs, and where the hinge is open."""
    if np.all((y == 0) | (y == 1)):
        y = 2 * y - 1
    ctx.y = y
    values = np.multiply(y, p, out=ctx.buffer("values", p.shape))
    np.subtract(1, values, out=values)
    ctx.open = np.greater_equal(values, 0, out=ctx.buffer("open", p.shape, np.bool_))
    return np.maximum(values, 0, out=values)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's hinge loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> hinge([[1.0, -1.0]], [[0.5, -3.0]]).numpy()
        array([0.25], dtype=float32)
    """
    return function(Hinge, y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's squared hinge loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> squared_hinge([[1.0, -1.0]], [[0.5, -3.0]]).numpy()
        array([0.125], dtype=float32)
    """
    return function(SquaredHinge, y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's categorical hinge loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> categorical_hinge([[0, 1, 0]], [[0.5, 1.0, -2.0]]).numpy()
        array([0.5], dtype=float32)
    """
    return function(CategoricalHinge, y_true, y_pred)
