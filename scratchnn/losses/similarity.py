"""Losses for directions: of a prediction and its target, or of all the samples in a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..activations import sigmoid
from ..arrays import Array, Shape, Tensor, as_tensor
from ..context import Context
from .base import Axis, AxisLoss, Loss, as_numbers, function
from .labels import whole_numbers


class CosineSimilarity(AxisLoss):
    """Minus the cosine of the angle between y and p: -sum_u y_u p_u / (|y| |p|), for each sample.

    It is -1 for equal directions, 0 for orthogonal ones, 1 for opposite ones.

    Arguments:
        axis: the axis of the vectors. The config leaves it out, as Keras's does.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> round(float(CosineSimilarity()([[0.0, 1.0]], [[3.0, 4.0]])), 4)
        -0.8
    """

    def __init__(
        self,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis
        self._axes = tuple(axis) if isinstance(axis, list) else axis

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y, _, _ = self._unit(y)
        ctx.p, ctx.inverse, ctx.inside = self._unit(p)
        ctx.cosine = np.sum(ctx.y * ctx.p, axis=self._axes, keepdims=True)
        return np.asarray(-np.squeeze(ctx.cosine, self._axes))

    def _unit(self, x: Array) -> tuple[Array, Array, Array]:
        """Return x / |x|, 1 / |x|, at most 1 / epsilon, and where it was less."""
        high = x.dtype.type(1 / config.epsilon())
        inverse = 1 / np.sqrt(np.sum(x * x, axis=self._axes, keepdims=True))
        inside = inverse <= high
        np.minimum(inverse, high, out=inverse)
        return x * inverse, inverse, inside

    def backward(self, ctx: Context) -> Array:
        # A longer p has the same direction: what of y lies along it is no gradient.
        along = ctx.cosine * ctx.inside
        return np.asarray((ctx.p * along - ctx.y) * ctx.inverse)


class Circle(Loss):
    """Circle loss: pulls samples of one label together and pushes the others apart.

    With d_ij = max(1 - p_i . p_j, 0), the cosine distance, m = margin and g = gamma:

        log(1 + sum_j exp(g (m + d_ij) (d_ij - m)) * sum_k exp(g (1 + m - d_ik) (1 - m - d_ik)))

    for each sample i; j are the other samples of its label, k those of other labels. Samples that
    lack one or the other count nothing.

    Arguments:
        gamma: the scale of the distances.
        margin: how near samples of one label should come, how far others should be from 1.
        remove_diagonal: whether a sample is not compared with itself.
        reduction, name, dtype: as for every Loss.

    Shape:
        y (N,) or (N, 1) whole numbers, p (N, D) of length 1 each, values (N,).

    Example:
        >>> p = np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
        >>> Circle(gamma=1.0, reduction=None)([0, 0, 1], p).numpy().round(4)
        array([0.9617, 1.1448, 0.    ], dtype=float32)

    Reference: Sun et al., 2020, Circle Loss: A Unified Perspective of Pair Similarity
    Optimization.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

    def prepare(self, y_true: Any, output_shape: Shape) -> Array:
        y = as_numbers(y_true, "labels (y)")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1 or len(output_shape) != 2:
            raise ValueError(
                f"The loss {self.name!r} expected labels of shape (N,) and embeddings of shape "
                f"(N, D). Received: labels of shape {y.shape}, embeddings of shape {output_shape}."
            )
        return whole_numbers(y, self.name)

    def accepts(self, y: Array, output_shape: Shape) -> bool:
        return y.dtype == np.intp and y.ndim == 1

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        return self.compare(y, p, y, p, ctx)

    def compare(self, y: Array, p: Array, others_y: Array, others: Array, ctx: Context) -> Array:
        """Return the value of each sample of `p`, compared with the samples of `others`."""
        same = y[:, np.newaxis] == others_y
        different = ~same
        if self.remove_diagonal:
            np.fill_diagonal(same, False)
        gamma, margin = p.dtype.type(self.gamma), p.dtype.type(self.margin)
        far = 1 - p @ others.T
        d = np.maximum(far, 0)
        near_weight = np.maximum(margin + d, 0) * same
        far_weight = np.maximum(1 + margin - d, 0) * different
        near = _LogSumExp(gamma * near_weight * (d - margin), same)
        away = _LogSumExp(gamma * far_weight * (1 - margin - d), different)
        total = near.values + away.values
        ctx.p = p
        # The slopes of both exponents for d, and that of d for the cosine.
        near_slope = gamma * (near_weight + (d - margin) * ((margin + d >= 0) & same))
        away_slope = -gamma * (far_weight + (1 - margin - d) * ((1 + margin - d >= 0) & different))
        ctx.slope = near.shares * near_slope + away.shares * away_slope
        ctx.slope *= -sigmoid(total)[:, np.newaxis] * (far >= 0)
        values: Array = np.logaddexp(total, p.dtype.type(0))
        ctx.mask = values > 0
        return values

    def reduced_gradient(self, ctx: Context) -> Array:
        if "slope" not in vars(ctx):  # a subclass with a gradient of its own
            return super().reduced_gradient(ctx)
        # A sample's value depends on the others, too: its weight goes with the value.
        return self._gradient(
            ctx, ctx.slope * np.broadcast_to(ctx.scale, len(ctx.p))[:, np.newaxis]
        )

    def backward(self, ctx: Context) -> Array:
        return self._gradient(ctx, ctx.slope)

    def _gradient(self, ctx: Context, slope: Array) -> Array:
        return np.asarray((slope + slope.T) @ ctx.p)

    def get_config(self) -> dict[str, Any]:
        own = {
            "gamma": self.gamma,
            "margin": self.margin,
            "remove_diagonal": self.remove_diagonal,
        }
        return {**super().get_config(), **own}


class _LogSumExp:
    """log sum_j exp(x_ij) over the marked x of each row, and each one's share of its sum."""

    def __init__(self, x: Array, marked: Array) -> None:
        x = np.where(marked, x, -np.inf)
        top = x.max(axis=1, keepdims=True)
        top[~np.isfinite(top)] = 0
        powers = np.exp(x - top)
        total = powers.sum(axis=1, keepdims=True)
        self.values = (np.log(total) + top)[:, 0]
        self.shares = powers / np.where(total, total, 1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: Axis = -1) -> Tensor:
    """Return minus the cosine of the angle between each target and its prediction.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        axis: as for CosineSimilarity.

    Example:
        >>> cosine_similarity([[0.0, 1.0]], [[3.0, 4.0]]).numpy().round(4)
        array([-0.8], dtype=float32)
    """
    return function(CosineSimilarity, y_true, y_pred, axis=axis)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Return each sample's circle loss.

    Arguments:
        y_true: labels (N,).
        y_pred: embeddings (N, D).
        ref_labels: labels (M,) of the samples to compare with; y_true unless given.
        ref_embeddings: their embeddings (M, D); y_pred unless given.
        remove_diagonal: whether sample i is not compared with sample i of the others.
        gamma: the scale of the distances.
        margin: as for Circle.

    Example:
        >>> circle([0, 0], [[1.0, 0.0], [0.6, 0.8]]).numpy()
        array([0., 0.], dtype=float32)
    """
    loss = Circle(gamma, margin, remove_diagonal)
    p = np.asarray(y_pred, config.floatx())
    y = loss.prepare(y_true, p.shape)
    others = p if ref_embeddings is None else np.asarray(ref_embeddings, p.dtype)
    others_y = y if ref_labels is None else loss.prepare(ref_labels, others.shape)
    with np.errstate(all="ignore"):
        return as_tensor(loss.compare(y, p, others_y, others, Context(dtype=p.dtype)))
