"""Focal cross-entropies: what is predicted well already counts less, by a power of its error."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import sigmoid, softmax
from ..arrays import Array, Shape, Tensor
from ..context import Context, Logits
from .base import AxisLoss, function
from .probabilities import clip, smooth, warn_of_one_class


class BinaryFocalCrossentropy(AxisLoss):
    """Focal loss for yes or no: (1 - p_t)^gamma times the cross-entropy, averaged over an axis.

    p_t = y p + (1 - y)(1 - p) is the probability given to what is true. The cross-entropy is taken
    from the logits where there are any, as in BinaryCrossentropy.

    Arguments:
        apply_class_balancing: whether to weight class 1 by `alpha`, class 0 by 1 - alpha.
        alpha: that weight.
        gamma: the power; 0 gives the cross-entropy.
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / 2.
        axis: the axis that is averaged.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> round(float(BinaryFocalCrossentropy()([[1.0]], [[0.8]])), 4)  # 0.2^2 * 0.2231
        0.0089

    Reference: Lin et al., 2017, Focal Loss for Dense Object Detection.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis: int = axis

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        y = smooth(y, self.label_smoothing, 2, p.dtype)
        # Predictions said to be logits are taken as such, whatever made them.
        ctx.fused = ctx.logits is not None and not self.from_logits
        ctx.source = Logits(p, is_sigmoid=True) if self.from_logits else ctx.logits
        ctx.y, ctx.q = y, sigmoid(p).view(np.ndarray) if self.from_logits else p
        if ctx.source is None:
            cut, ctx.inside = clip(p)
            ctx.cut = cut
            ctx.entropy = -(y * np.log(cut) + (1 - y) * np.log(1 - cut))
        else:
            z = ctx.source.z
            ctx.entropy = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        ctx.error = 1 - (y * ctx.q + (1 - y) * (1 - ctx.q))
        ctx.weight = p.dtype.type(1 / p.shape[self.axis])
        if self.apply_class_balancing:
            alpha = p.dtype.type(self.alpha)
            ctx.weight = ctx.weight * (y * alpha + (1 - y) * (1 - alpha))
        ctx.focus = np.power(ctx.error, p.dtype.type(self.gamma))
        return np.asarray(np.add.reduce(ctx.focus * ctx.entropy * ctx.weight, axis=self.axis))

    def backward(self, ctx: Context) -> Array:
        y, q, source = ctx.y, ctx.q, ctx.source
        gamma = q.dtype.type(self.gamma)
        slope = gamma * np.power(ctx.error, gamma - 1)
        slope *= ctx.entropy * ctx.weight
        # The error is 1 - p_t. This part of the gradient is that of the probabilities.
        dq: Array = (1 - y) * slope - y * slope
        if source is None:
            slope = ((1 - y) / (1 - ctx.cut) - y / ctx.cut) * ctx.inside
            return np.asarray(dq + ctx.focus * ctx.weight * slope)
        s = q if source.is_sigmoid else sigmoid(source.z).view(np.ndarray)
        dz = _to_logits(dq, q, source)
        dz += ctx.focus * ctx.weight * (s - y)
        return dz

    def get_config(self) -> dict[str, Any]:
        own = {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
            "apply_class_balancing": self.apply_class_balancing,
            "alpha": self.alpha,
            "gamma": self.gamma,
        }
        return {**super().get_config(), **own}


def _to_logits(dq: Array, q: Array, source: Logits) -> Array:
    """Return the gradient of the logits for that of the probabilities made from them."""
    if source.is_sigmoid:
        dq *= q * (1 - q)
        return dq
    if source.top is None:
        raise ValueError(
            "BinaryFocalCrossentropy expected the outputs of a sigmoid, or of a softmax over the "
            "last axis. Received: those of a softmax over another axis. Move the classes to the "
            "last axis, or use CategoricalFocalCrossentropy."
        )
    dq -= np.add.reduce(dq * q, axis=-1, keepdims=True)
    dq *= q
    return dq


class CategoricalFocalCrossentropy(AxisLoss):
    """Focal loss for one-hot targets: -sum_c alpha (1 - p_c)^gamma y_c log p_c, for each sample.

    The probabilities are divided by their sum and cut to [epsilon, 1 - epsilon] first.

    Arguments:
        alpha: a weight, or one for each class.
        gamma: the power; 0 and alpha=1 give the cross-entropy.
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / C.
        axis: the axis of the classes.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., C), values (N, ...).

    Example:
        >>> loss = CategoricalFocalCrossentropy(alpha=1.0)
        >>> round(float(loss([[0, 1, 0]], [[0.1, 0.8, 0.1]])), 4)
        0.0089

    Reference: Lin et al., 2017, Focal Loss for Dense Object Detection.
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis: int = axis

    def fit_shape(self, y: Array, output_shape: Shape) -> Array:
        warn_of_one_class(self.name, output_shape)
        return super().fit_shape(y, output_shape)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.y = y = smooth(y, self.label_smoothing, y.shape[-1], p.dtype)
        ctx.q = softmax(p, self.axis).view(np.ndarray) if self.from_logits else p
        ctx.total = np.add.reduce(ctx.q, axis=self.axis, keepdims=True)
        ctx.share = ctx.q / ctx.total
        ctx.cut, ctx.inside = clip(ctx.share)
        ctx.entropy = -y * np.log(ctx.cut)
        ctx.alpha = np.asarray(self.alpha, p.dtype)
        ctx.focus = np.power(1 - ctx.cut, p.dtype.type(self.gamma)) * ctx.alpha
        return np.asarray(np.add.reduce(ctx.focus * ctx.entropy, axis=self.axis))

    def backward(self, ctx: Context) -> Array:
        gamma = ctx.cut.dtype.type(self.gamma)
        slope = gamma * np.power(1 - ctx.cut, gamma - 1) * ctx.alpha
        d_share = -(slope * ctx.entropy + ctx.focus * ctx.y / ctx.cut) * ctx.inside
        dq = (d_share - self._inner(d_share, ctx.share)) / ctx.total
        if self.from_logits:
            dq -= self._inner(dq, ctx.q)
            dq *= ctx.q
        return np.asarray(dq)

    def _inner(self, a: Array, b: Array) -> Array:
        return np.asarray(np.add.reduce(a * b, axis=self.axis, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        own = {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
            "alpha": self.alpha,
            "gamma": self.gamma,
        }
        return {**super().get_config(), **own}


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return each sample's binary focal cross-entropy.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis: as for
            BinaryFocalCrossentropy.

    Example:
        >>> binary_focal_crossentropy([[1.0]], [[0.8]]).numpy().round(4)
        array([0.0089], dtype=float32)
    """
    return function(
        BinaryFocalCrossentropy,
        y_true,
        y_pred,
        apply_class_balancing=apply_class_balancing,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return each sample's categorical focal cross-entropy.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        alpha, gamma, from_logits, label_smoothing, axis: as for CategoricalFocalCrossentropy.

    Example:
        >>> categorical_focal_crossentropy([[0, 1, 0]], [[0.1, 0.8, 0.1]]).numpy().round(4)
        array([0.0022], dtype=float32)
    """
    return function(
        CategoricalFocalCrossentropy,
        y_true,
        y_pred,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )
