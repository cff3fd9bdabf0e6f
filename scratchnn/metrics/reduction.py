"""Means and sums over all samples, and the mean of a function of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .. import naming
from ..arrays import Array, Shape, Tensor, as_tensor
from ..context import Context, Logits
from ..losses import _CLASSES as LOSS_CLASSES
from ..losses import Loss
from .base import Metric, as_array, as_floats, squeeze_or_expand


class Mean(Metric):
    """The mean of all values: sum(w v) / sum(w), and 0 before there are any.

    Values of more than one axis are averaged over all but the first; each sample counts once.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Example:
        >>> m = Mean()
        >>> m.update_state([1, 3, 5, 7])
        >>> float(m.result())
        4.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), dtype=self.dtype, name="total")
        self.count = self.add_variable((), dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.add(np.asarray(values), sample_weight)

    def add(self, values: Array, weight: Any = None) -> None:
        """Take in the values of one batch."""
        number = self.total.dtype.type
        if weight is not None:
            values, weight = weighted(values, weight, self.total.dtype, np.mean)
            count = np.add.reduce(weight, axis=None)
        elif values.dtype == bool and values.ndim == 1:
            self.total.value += number(np.count_nonzero(values))
            self.count.value += number(len(values))
            return
        else:
            values = values.astype(self.dtype, copy=False)
            if values.ndim > 1:
                values = values.reshape(len(values), -1).mean(axis=1)
            count = number(values.size)
        self.total.value += np.add.reduce(values, axis=None)
        self.count.value += count

    def result(self) -> Tensor:
        count = self.count.value
        return as_tensor(self.total.value / count if count else self.total.dtype.type(0))

    def reset_state(self) -> None:
        self.total.reset()
        self.count.reset()


class Sum(Metric):
    """The sum of all values: sum(w v).

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Example:
        >>> m = Sum()
        >>> m.update_state([1, 3, 5, 7])
        >>> float(m.result())
        16.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = np.asarray(values, self.dtype)
        if sample_weight is not None:
            values, _ = weighted(values, sample_weight, self.total.dtype, np.sum)
        self.total.value += np.add.reduce(values, axis=None)

    def result(self) -> Tensor:
        return as_tensor(self.total.value)


def weighted(
    values: Array, weight: Any, dtype: np.dtype[Any], reduce: Callable[..., Any]
) -> tuple[Array, Array]:
    """Return each sample's weighted value and its weight, both reduced over all other axes.

    Values with more axes than the weights are reduced over these first.

    Raises:
        ValueError: if the weights do not fit the values.
    """
    values, weight = np.asarray(values, dtype), np.asarray(weight, dtype)
    shape = values.shape
    values, weight = squeeze_or_expand(values, weight)
    if values.ndim > weight.ndim:
        values = np.asarray(reduce(values, axis=tuple(range(weight.ndim, values.ndim))))
    try:
        weight = np.broadcast_to(weight, values.shape)
    except ValueError:
        raise ValueError(
            f"sample_weight must have the shape of the values, {shape}, or of its first axes. "
            f"Received: shape {weight.shape}."
        ) from None
    values = values * weight
    if values.ndim > 1:
        axes = tuple(range(1, values.ndim))
        values, weight = reduce(values, axis=axes), reduce(weight, axis=axes)
    return values, weight


class MeanMetricWrapper(Mean):
    """The mean over all samples of a function of targets and predictions.

    A loss, or a loss function of this package, works from the logits behind a model's softmax or
    sigmoid where there are any, as it does in training. A loss with a reduction gives one value
    per batch; the mean is then that over the batches.

    Arguments:
        fn: (y_true, y_pred, **kwargs) -> values, one or more per sample; or a Loss.
        name: the metric's name; 'mean_metric_wrapper' if not given.
        dtype: what it accumulates in; the default float dtype if not given.
        **kwargs: passed on to `fn`.

    Example:
        >>> def largest_error(y_true, y_pred):
        ...     return np.max(np.abs(y_true - y_pred), axis=-1)
        >>> metric = MeanMetricWrapper(largest_error)
        >>> float(metric(np.zeros((1, 2)), np.array([[1.0, 3.0]])))
        3.0
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name or naming.auto_name("mean_metric_wrapper"), dtype)
        self.fn = fn
        self.kwargs = kwargs
        self._loss = loss_behind(fn, kwargs)
        self._ctx = Context()
        if self._loss is not None:
            self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y, p = as_array(y_true), as_array(y_pred)
        if self._loss is not None:
            y, p = _as_loss_takes_them(self._loss, y, as_floats(p))
        else:
            self.check(y, p.shape)
        self._take(y, p, sample_weight, None)

    def update(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        self._take(y, p, weight, logits)

    def masked(self, weight: Array | None, mask: Array) -> Array | None:
        if type(self).update is not MeanMetricWrapper.update:
            return weight
        own = mask.astype(self.total.dtype)
        return own if weight is None else _masked(np.asarray(weight), own)

    def _take(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        if self._loss is None:
            self.add(np.asarray(self.values(y, p)), weight)
            return
        values = self._loss_values(self._loss, y, p, logits)
        # As in Keras, samples of an ignored class count as zeros unless there are weights.
        mask = vars(self._ctx).get("mask")
        if weight is not None and mask is not None:
            weight = _masked(np.asarray(weight), mask)
        self.add(values, weight)

    @property
    def wants_raw_targets(self) -> bool:
        return self._loss is None and type(self).values is MeanMetricWrapper.values

    def values(self, y: Array, p: Array) -> Any:
        """Return the values of one batch."""
        return self.fn(y, p, **self.kwargs)

    def _loss_values(self, loss: Loss, y: Array, p: Array, logits: Logits | None) -> Array:
        ctx = self._ctx
        if ctx.dtype != p.dtype:
            ctx = self._ctx = Context(dtype=p.dtype)
        ctx.logits = logits
        if not loss.accepts(y, p.shape):
            y = loss.prepare(y, p.shape)
        values = loss.forward(y, p, ctx)
        return values if loss.reduction is None else np.asarray(loss.reduce(values, None, ctx))

    def check(self, y: Array, output_shape: Shape) -> None:
        if self._loss is not None and not self._loss.accepts(y, output_shape):
            self._loss.prepare(y, output_shape)

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        serialized = {"fn": serialize_keras_object(self.fn), **serialize_keras_object(self.kwargs)}
        return super().get_config() | serialized

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ..saving import deserialize_keras_object

        return cls(**(deserialize_keras_object(config) if "fn" in config else config))


def _masked(weight: Array, mask: Array) -> Array:
    """Return the weights, zero where the mask is; weights of samples hold for all their steps."""
    mask, weight = squeeze_or_expand(mask, weight)
    return weight.reshape(weight.shape + (1,) * (mask.ndim - weight.ndim)) * mask


def loss_behind(fn: Any, arguments: dict[str, Any]) -> Loss | None:
    """Return the loss that `fn` is, or the one whose function it is; None for any other."""
    if isinstance(fn, Loss):
        return fn
    cls = LOSS_CLASSES.get(fn) if getattr(fn, "__hash__", None) else None
    return None if cls is None else cls(reduction=None, **arguments)


def _as_loss_takes_them(loss: Loss, y: Array, p: Array) -> tuple[Array, Array]:
    """Return targets and predictions of no model in the shapes and dtypes that the loss takes."""
    if p.ndim == 1 and y.shape[1:] == (1,):
        p = p[:, np.newaxis]
    fitting, _ = squeeze_or_expand(y, p)
    if fitting.shape == p.shape and loss.accepts(fitting.astype(p.dtype), p.shape):
        return fitting.astype(p.dtype), p  # in double precision if the predictions are
    return loss.prepare(y, p.shape), p
