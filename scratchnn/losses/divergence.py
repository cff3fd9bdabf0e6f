"""Losses between distributions: Kullback and Leibler's divergence, and Poisson's likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Tensor
from ..context import Context
from .base import SameShapeLoss, function


class KLDivergence(SameShapeLoss):
    """Kullback-Leibler divergence: sum_c y_c log(y_c / p_c), for each sample.

    Both are cut to [epsilon, 1] first. There is no gradient where p was cut; where y is 0, epsilon
    takes its place.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., C), values (N, ...).

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438

    Reference: Kullback and Leibler, 1951, On Information and Sufficiency.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        low, one = p.dtype.type(config.epsilon()), p.dtype.type(1)
        y = np.clip(y, low, one, out=ctx.buffer("y", p.shape))
        ctx.inside = (p >= low) & (p <= one)
        q = np.clip(p, low, one, out=ctx.buffer("q", p.shape))
        ctx.ratio = np.divide(y, q, out=ctx.buffer("ratio", p.shape))
        values = np.log(ctx.ratio, out=q)
        values *= y
        return np.asarray(np.add.reduce(values, axis=-1))

    def backward(self, ctx: Context) -> Array:
        dp: Array = np.negative(ctx.ratio, out=ctx.ratio)
        dp *= ctx.inside
        return dp


class Poisson(SameShapeLoss):
    """Poisson loss: mean_u (p_u - y_u log p_u), for each sample; for counts y at the rates p.

    It is minus the log likelihood, up to a constant. Epsilon is added to p in the logarithm.

    Arguments:
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), p positive, values (N, ...).

    Example:
        >>> round(float(Poisson()([[2.0]], [[3.0]])), 4)
        0.8028
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y = y
        ctx.rate = np.add(p, p.dtype.type(config.epsilon()), out=ctx.buffer("rate", p.shape))
        values = np.log(ctx.rate, out=ctx.buffer("values", p.shape))
        values *= y
        np.subtract(p, values, out=values)
        return np.asarray(np.add.reduce(values, axis=-1) / p.dtype.type(p.shape[-1]))

    def backward(self, ctx: Context) -> Array:
        dp: Array = np.divide(ctx.y, ctx.rate, out=ctx.rate)
        np.subtract(1, dp, out=dp)
        dp /= dp.dtype.type(dp.shape[-1])
        return dp


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's Kullback-Leibler divergence.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).numpy().round(4)
        array([0.1438], dtype=float32)
    """
    return function(KLDivergence, y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """Return each sample's Poisson loss.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.

    Example:
        >>> poisson([[2.0]], [[3.0]]).numpy().round(4)
        array([0.8028], dtype=float32)
    """
    return function(Poisson, y_true, y_pred)
