"""Generalized cross-entropy: for labels of which some are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Shape, Tensor
from ..context import Context
from .base import Loss, as_numbers, function
from .labels import labels_in_range


class CategoricalGeneralizedCrossEntropy(Loss):
    """Generalized cross-entropy for integer labels: (1 - p_y^q) / q, for each sample.

    Between the cross-entropy (q near 0) and the absolute error (q near 1), which wrong labels
    disturb less.

    Arguments:
        q: the power, in (0, 1).
        reduction, name, dtype: as for every Loss.

    Shape:
        y (N, ...) whole numbers in [0, C), p (N, ..., C) probabilities, values (N, ...).

    Raises:
        ValueError: for another q, and for labels that are not whole numbers in [0, C).

    Example:
        >>> loss = CategoricalGeneralizedCrossEntropy()
        >>> round(float(loss([1], [[0.1, 0.81, 0.09]])), 4)  # 2 (1 - 0.9)
        0.2

    Reference: Zhang and Sabuncu, 2018, Generalized Cross Entropy Loss for Training Deep Neural
    Networks with Noisy Labels.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be between 0 and 1. Received: q={q}.")
        super().__init__(name, reduction, dtype)
        self.q = q

    def prepare(self, y_true: Any, output_shape: Shape) -> Array:
        y = as_numbers(y_true, "labels (y)")
        if y.ndim != len(output_shape) - 1:
            column = y.ndim == len(output_shape) and y.shape[-1] == 1
            raise ValueError(
                f"The loss {self.name!r} expected integer labels with one axis less than the "
                f"model's output of shape {output_shape}. Received: labels of shape {y.shape}."
                + (" Take the last axis away: y[..., 0]." if column else "")
            )
        return labels_in_range(y, output_shape[-1], self.name)

    def accepts(self, y: Array, output_shape: Shape) -> bool:
        return y.dtype == np.intp and y.ndim == len(output_shape) - 1

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.one_hot = y[..., np.newaxis] == np.arange(p.shape[-1])
        ctx.p = np.add.reduce(p * ctx.one_hot, axis=-1)
        q = p.dtype.type(self.q)
        return np.asarray((1 - np.power(ctx.p, q)) / q)

    def backward(self, ctx: Context) -> Array:
        slope = -np.power(ctx.p, ctx.p.dtype.type(self.q - 1))
        return np.asarray(slope[..., np.newaxis] * ctx.one_hot)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "q": self.q}


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """Return each sample's generalized cross-entropy.

    Arguments:
        y_true: labels (N,).
        y_pred: probabilities (N, C).
        q: as for CategoricalGeneralizedCrossEntropy.

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.1, 0.81, 0.09]], 0.5).numpy().round(4)
        array([0.2], dtype=float32)
    """
    return function(CategoricalGeneralizedCrossEntropy, y_true, y_pred, q=q)
