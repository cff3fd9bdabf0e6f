"""The cross-entropies: minus the log of the probability given to what is true.

Each works in one of two ways. From logits z, the stable and fused way: the softmax or sigmoid and
the logarithm become one formula whose gradient is simply p - y. From probabilities p, cut to
[epsilon, 1 - epsilon] first, with no gradient where they were cut. In a model whose last operation
is a softmax or a sigmoid, Keras and scratchnn take the logits behind it, whatever `from_logits`
says: that is where `ctx.logits` comes from.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..activations import sigmoid, softmax_parts
from ..arrays import Array, Shape, Tensor
from ..context import Context, Logits
from .base import AxisLoss, as_numbers, function
from .labels import labels_in_range
from .probabilities import clip, smooth, warn_of_one_class


class _Crossentropy(AxisLoss):
    """What the three cross-entropies share: where their logits come from."""

    def __init__(
        self,
        from_logits: bool,
        label_smoothing: float,
        axis: int,
        reduction: str | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        super().__init__(name, reduction, dtype)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be in [0, 1]. Received: {label_smoothing}.")
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis: int = axis

    def _logits(self, p: Array, ctx: Context) -> Logits | None:
        """Return the logits to work from, if any; note in ctx.fused if they are not p itself."""
        behind = ctx.logits
        ctx.fused = behind is not None
        if behind is None:
            return Logits(p) if self.from_logits else None
        if self.from_logits and not vars(ctx).get("warned"):
            ctx.warned = True
            warnings.warn(
                f"{self.name} has from_logits=True, but the model ends in a softmax or sigmoid. "
                "The loss is computed from the logits before it. Take the activation away, or "
                "from_logits.",
                stacklevel=2,
            )
        return behind

    def _softmax(self, p: Array, logits: Logits, ctx: Context) -> tuple[Array, Array, Array]:
        """Return softmax(z) with its parts: the model's own, where it ends in a softmax."""
        if logits.top is not None and logits.total is not None:
            return p, logits.top, logits.total
        row = (*p.shape[:-1], 1)
        return softmax_parts(
            logits.z,
            -1,
            ctx.buffer("softmax", p.shape),
            ctx.buffer("top", row),
            ctx.buffer("total", row),
        )

    def _to_last(self, array: Array) -> Array:
        return array if self.axis in (-1, array.ndim - 1) else np.moveaxis(array, self.axis, -1)

    def _from_last(self, array: Array) -> Array:
        return array if self.axis in (-1, array.ndim - 1) else np.moveaxis(array, -1, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "reduction": self.reduction,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


class SparseCategoricalCrossentropy(_Crossentropy):
    """Cross-entropy for integer labels: -log p_y, p the probabilities of C classes.

    From logits z: log sum_c exp(z_c) - z_y, gradient softmax(z) - onehot(y). From probabilities
    q = clip(p, epsilon, 1 - epsilon): log sum_c q_c - log q_y, so q is normalized on the way.

    Arguments:
        from_logits: whether the predictions are logits.
        ignore_class: a label whose samples count nothing, such as -1 or 255.
        reduction, name, dtype: as for every Loss.
        axis: the axis of the classes; only the last is supported.

    Shape:
        y (N, ...) or (N, ..., 1) whole numbers in [0, C), p (N, ..., C), values (N, ...).

    Raises:
        ValueError: for labels that are not whole numbers in [0, C), or of another shape.

    Example:
        >>> loss = SparseCategoricalCrossentropy()
        >>> round(float(loss([1], [[0.1, 0.8, 0.1]])), 4)
        0.2231
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, 0.0, axis, reduction, name, dtype)
        self.ignore_class = ignore_class

    def prepare(self, y_true: Any, output_shape: Shape) -> Array:
        if self.axis not in (-1, len(output_shape) - 1):
            raise ValueError(
                f"The loss {self.name!r} expected the classes on the last axis of the model's "
                f"output of shape {output_shape}. Received: axis={self.axis}."
            )
        y = as_numbers(y_true, "labels (y)")
        if y.ndim == len(output_shape) and y.shape[-1] == 1:
            y = y[..., 0]
        if y.ndim != len(output_shape) - 1:
            one_hot = y.ndim == len(output_shape) and y.shape[-1] == output_shape[-1]
            raise ValueError(
                f"The loss {self.name!r} expected integer labels of shape "
                f"({', '.join(['N', *map(str, output_shape[1:-1])])},) for a model's output of "
                f"shape {output_shape}. Received: labels of shape {y.shape}."
                + (" For one-hot labels use 'categorical_crossentropy'." if one_hot else "")
            )
        return labels_in_range(y, output_shape[-1], self.name, self.ignore_class)

    def accepts(self, y: Array, output_shape: Shape) -> bool:
        return y.dtype == np.intp and y.ndim == len(output_shape) - 1

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        if self.ignore_class is not None:
            return self._forward_ignoring(y, p, ctx)
        logits = self._logits(p, ctx)
        ctx.places = _places(y, p.shape[-1])
        if logits is None:
            return self._forward_probabilities(p, ctx).reshape(y.shape)
        ctx.softmax, top, total = self._softmax(p, logits, ctx)
        values = np.log(total.ravel())
        values += top.ravel()
        values -= logits.z.ravel().take(ctx.places, mode="clip")
        return values.reshape(y.shape)

    def backward(self, ctx: Context) -> Array:
        if ctx.softmax is None:
            return self._backward_probabilities(ctx)
        dz = ctx.buffer("dz", ctx.softmax.shape)
        np.copyto(dz, ctx.softmax)
        dz.ravel()[ctx.places] -= 1
        return dz

    def _forward_probabilities(self, p: Array, ctx: Context) -> Array:
        ctx.softmax = None
        ctx.q, ctx.inside = clip(p)
        ctx.total = ctx.q.sum(axis=-1, keepdims=True)
        # The log of the quotient: the difference of two logs cancels where all q are small.
        return np.asarray(np.log(ctx.total.ravel() / ctx.q.ravel()[ctx.places]))

    def _backward_probabilities(self, ctx: Context) -> Array:
        dp = np.broadcast_to(1 / ctx.total, ctx.q.shape).copy()
        dp.ravel()[ctx.places] -= 1 / ctx.q.ravel()[ctx.places]
        dp *= ctx.inside
        return dp

    def _forward_ignoring(self, y: Array, p: Array, ctx: Context) -> Array:
        """Masking the predictions hides the logits behind them, in Keras and so here."""
        ctx.mask = y != self.ignore_class
        ctx.fused = False
        kept = ctx.mask[..., np.newaxis]
        ctx.places = _places(np.where(ctx.mask, y, 0), p.shape[-1])
        if self.from_logits:
            ctx.softmax, top, total = softmax_parts(p * kept)
            picked = (p * kept).ravel()[ctx.places]
            values = np.log(total.ravel()) + top.ravel() - picked
        else:
            values = self._forward_probabilities(p * kept, ctx)
        return np.asarray(np.where(ctx.mask, values.reshape(y.shape), 0), p.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "reduction": self.reduction,
            "from_logits": self.from_logits,
            "ignore_class": self.ignore_class,
        }


class CategoricalCrossentropy(_Crossentropy):
    """Cross-entropy for probability targets: -sum_c y_c log p_c, y one-hot as a rule.

    From logits z: -sum_c y_c log softmax(z)_c, gradient softmax(z) - y. From probabilities: they
    are divided by their sum first, then cut to [epsilon, 1 - epsilon].

    Arguments:
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / C.
        axis: the axis of the classes.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., C), values (N, ...).

    Example:
        >>> loss = CategoricalCrossentropy()
        >>> round(float(loss([[0, 1, 0]], [[0.1, 0.8, 0.1]])), 4)
        0.2231
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)

    def fit_shape(self, y: Array, output_shape: Shape) -> Array:
        warn_of_one_class(self.name, output_shape)
        labels = y.ndim == len(output_shape) - 1 or y.shape[-1:] == (1,)
        if labels and output_shape[-1] != 1:
            raise ValueError(
                f"The loss {self.name!r} expected one-hot targets of the model's output shape "
                f"{output_shape}. Received: shape {y.shape}. For integer labels use "
                "'sparse_categorical_crossentropy', or utils.to_categorical."
            )
        return super().fit_shape(y, output_shape)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        logits = self._logits(p, ctx)
        if self.label_smoothing:  # the last axis is taken for the classes, as in Keras
            y = smooth(y, self.label_smoothing, y.shape[-1], p.dtype)
        ctx.y = y = self._to_last(y)
        p = self._to_last(p)
        if logits is None:
            return self._forward_probabilities(y, p, ctx)
        z = self._to_last(logits.z)
        if z is not logits.z:  # the parts are those of the last axis
            logits = Logits(z)
        ctx.softmax, top, total = self._softmax(p, logits, ctx)
        # log softmax(z) = z - top - log(total)
        logs = np.subtract(z, top, out=ctx.buffer("logs", p.shape))
        logs -= np.log(total)
        logs *= y
        return np.asarray(-np.add.reduce(logs, axis=-1))

    def backward(self, ctx: Context) -> Array:
        if ctx.softmax is None:
            return self._from_last(self._backward_probabilities(ctx))
        return self._from_last(
            np.subtract(ctx.softmax, ctx.y, out=ctx.buffer("dz", ctx.softmax.shape))
        )

    def _forward_probabilities(self, y: Array, p: Array, ctx: Context) -> Array:
        ctx.softmax = None
        ctx.total = p.sum(axis=-1, keepdims=True)
        ctx.share = p / ctx.total
        ctx.q, ctx.inside = clip(ctx.share)
        return np.asarray(-np.sum(y * np.log(ctx.q), axis=-1))

    def _backward_probabilities(self, ctx: Context) -> Array:
        d_share = -ctx.y / ctx.q * ctx.inside
        inner = np.sum(d_share * ctx.share, axis=-1, keepdims=True)
        return np.asarray((d_share - inner) / ctx.total)


class BinaryCrossentropy(_Crossentropy):
    """Cross-entropy for yes or no: -(y log p + (1 - y) log(1 - p)), averaged over the last axis.

    From logits z: max(z, 0) - z y + log(1 + exp(-|z|)), gradient sigmoid(z) - y.

    Arguments:
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / 2.
        axis: the axis that is averaged.
        reduction, name, dtype: as for every Loss.

    Shape:
        y and p (N, ..., U), values (N, ...).

    Example:
        >>> round(float(BinaryCrossentropy()([[1.0]], [[0.8]])), 4)
        0.2231
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        logits = self._logits(p, ctx)
        if self.label_smoothing:
            y = smooth(y, self.label_smoothing, 2, p.dtype)
        ctx.y = y
        values = ctx.buffer("values", p.shape)
        if logits is None:
            ctx.sigmoid = None
            ctx.q, ctx.inside = clip(p)
            np.copyto(values, -(y * np.log(ctx.q) + (1 - y) * np.log(1 - ctx.q)))
        else:
            z = logits.z
            ctx.sigmoid = p if logits.is_sigmoid else sigmoid(z, out=ctx.buffer("sigmoid", p.shape))
            # max(z, 0) - z y + log(1 + exp(-|z|))
            np.abs(z, out=values)
            np.negative(values, out=values)
            np.exp(values, out=values)
            np.log1p(values, out=values)
            values += np.maximum(z, 0)
            values -= z * y
        ctx.count = p.dtype.type(p.shape[self.axis])
        return np.asarray(np.add.reduce(values, axis=self.axis) / ctx.count)

    def backward(self, ctx: Context) -> Array:
        if ctx.sigmoid is not None:
            dz = np.subtract(ctx.sigmoid, ctx.y, out=ctx.buffer("dz", ctx.sigmoid.shape))
        else:
            dz = ((1 - ctx.y) / (1 - ctx.q) - ctx.y / ctx.q) * ctx.inside
        dz /= ctx.count
        return dz  # type: ignore[no-any-return]


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return each sample's binary cross-entropy.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        from_logits, label_smoothing, axis: as for BinaryCrossentropy.

    Example:
        >>> binary_crossentropy([[1.0]], [[0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    return function(
        BinaryCrossentropy,
        y_true,
        y_pred,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return each sample's categorical cross-entropy.

    Arguments:
        y_true, y_pred: targets and predictions, of one shape.
        from_logits, label_smoothing, axis: as for CategoricalCrossentropy.

    Example:
        >>> categorical_crossentropy([[0, 1]], [[0.5, 0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    return function(
        CategoricalCrossentropy,
        y_true,
        y_pred,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """Return each sample's cross-entropy for integer labels.

    Arguments:
        y_true: labels (N,) or (N, T).
        y_pred: predictions (N, C) or (N, T, C).
        from_logits, ignore_class, axis: as for SparseCategoricalCrossentropy.

    Example:
        >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    return function(
        SparseCategoricalCrossentropy,
        y_true,
        y_pred,
        from_logits=from_logits,
        ignore_class=ignore_class,
        axis=axis,
    )


def _places(y: Array, classes: int) -> Array:
    """Return where the true classes' numbers lie in the flattened (N, ..., C) predictions."""
    places = np.arange(0, y.size * classes, classes)
    places += y.ravel()
    return places
