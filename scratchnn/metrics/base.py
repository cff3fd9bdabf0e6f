"""The metric contract: `update_state` per batch, `result` when asked, `reset_state` per epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import config, naming
from ..arrays import Array, Shape, Tensor, as_tensor
from ..context import Context, Logits
from ..losses import Loss
from ..losses.base import match_weights


class Metric:
    """The base of all metrics. Your own defines `update_state`, `result` and `reset_state`.

    Arguments:
        dtype: None; metrics accumulate in the default float dtype.
        name: the key in History and logs; made from the class name if not given.
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        if dtype is not None and np.dtype(dtype).name != config.floatx():
            raise ValueError(
                "A metric accumulates in the default float dtype; leave `dtype` out, or call "
                f"config.set_floatx. Received: dtype={dtype!r}."
            )
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.dtype = config.floatx()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in one batch: (y_true, y_pred, sample_weight=None), or (values, ...) for a Mean."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state.")

    def result(self) -> Any:
        """Return the value over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result.")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} must define reset_state.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def update(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        """Take in one batch of a model: `update_state` without the checks, already done.

        Arguments:
            y: targets as the loss prepared them.
            p: the model's predictions; `logits`, what they were computed from, if known.
            weight: sample weights, or None.
        """
        self.update_state(y, p, sample_weight=weight)

    def check(self, y: Array, output_shape: Shape) -> None:
        """Raise a ValueError if the metric cannot be computed from a model's targets `y`."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Mean(Metric):
    """The mean of all values: sum(w v) / sum(w), accumulated in the default float dtype.

    Values of more than one axis are averaged over all but the first.

    Example:
        >>> m = Mean()
        >>> m.update_state([1, 3, 5, 7])
        >>> float(m.result())
        4.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = self.count = np.dtype(self.dtype).type(0)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.add(np.asarray(values), sample_weight)

    def add(self, values: Array, weight: Any = None) -> None:
        """Take in the values of one batch."""
        if weight is not None:
            self._add_weighted(np.asarray(values, self.dtype), np.asarray(weight, self.dtype))
            return
        if values.dtype == bool and values.ndim == 1:
            self.total += np.float32(np.count_nonzero(values))
            self.count += np.float32(len(values))
            return
        values = values.astype(self.dtype, copy=False)
        if values.ndim > 1:
            values = values.reshape(len(values), -1).mean(axis=1)
        self.total += np.add.reduce(values, axis=None)
        self.count += np.float32(values.size)

    def _add_weighted(self, values: Array, weight: Array) -> None:
        if weight.ndim < values.ndim:
            if values.ndim == weight.ndim + 1 and values.shape[-1] == 1:
                values = values[..., 0]
            values = values.mean(axis=tuple(range(weight.ndim, values.ndim)))
        weight = np.broadcast_to(match_weights(weight, values), values.shape)
        weighted = values * weight
        if weighted.ndim > 1:
            weighted = weighted.reshape(len(weighted), -1).mean(axis=1)
            weight = weight.reshape(len(weight), -1).mean(axis=1)
        self.total += np.add.reduce(weighted, axis=None)
        self.count += np.add.reduce(weight, axis=None)

    def result(self) -> Tensor:
        return as_tensor(self.total / self.count if self.count else np.float32(0))

    @property
    def variables(self) -> list[Tensor]:
        """What the metric accumulates: total and count."""
        return [as_tensor(self.total), as_tensor(self.count)]


class Sum(Metric):
    """The sum of all values: sum(w v).

    Example:
        >>> m = Sum()
        >>> m.update_state([1, 3, 5, 7])
        >>> float(m.result())
        16.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = np.dtype(self.dtype).type(0)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = np.asarray(values, self.dtype)
        if sample_weight is not None:
            weight = np.asarray(sample_weight, self.dtype)
            if weight.ndim < values.ndim:
                values = values.sum(axis=tuple(range(weight.ndim, values.ndim)))
            values = values * match_weights(weight, values)
        self.total += np.add.reduce(values, axis=None)

    def result(self) -> Tensor:
        return as_tensor(self.total)


class MeanMetricWrapper(Mean):
    """The mean over all samples of a function of targets and predictions.

    Arguments:
        fn: (y_true, y_pred, **kwargs) -> values, one or more per sample.
        name: the metric's name; the function's own if not given.
        **kwargs: passed on to `fn`.

    Example:
        >>> def largest_error(y_true, y_pred):
        ...     return np.max(np.abs(y_true - y_pred), axis=-1)
        >>> metric = MeanMetricWrapper(largest_error)
        >>> metric.name, float(metric([[0.0, 0.0]], [[1.0, 3.0]]))
        ('largest_error', 3.0)
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        if name is None:
            name = naming.to_snake_case(getattr(fn, "__name__", type(fn).__name__))
        super().__init__(name, dtype)
        self.fn = fn
        self.kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y, p = squeeze_or_expand(np.asarray(y_true), np.asarray(y_pred))
        self.update(y, p, sample_weight, None)

    def update(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        self.add(np.asarray(self.values(y, p, logits)), weight)

    def values(self, y: Array, p: Array, logits: Logits | None) -> Any:
        """Return the values of one batch."""
        return self.fn(y, p, **self.kwargs)


class LossMetric(MeanMetricWrapper):
    """The mean over all samples of a loss's values."""

    def __init__(self, loss: Loss, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(loss, name or loss.name, dtype)
        self.loss = loss
        self._ctx = Context()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y, p = np.asarray(y_true), np.asarray(y_pred, self.dtype)
        if p.ndim == 1 and y.shape[1:] == (1,):
            p = p[:, np.newaxis]
        self.update(self.loss.prepare(y, p.shape), p, sample_weight, None)

    def check(self, y: Array, output_shape: Shape) -> None:
        if not self.loss.accepts(y, output_shape):
            self.loss.prepare(y, output_shape)

    def values(self, y: Array, p: Array, logits: Logits | None) -> Any:
        ctx = self._ctx
        ctx.logits = logits
        if not self.loss.accepts(y, p.shape):
            y = self.loss.prepare(y, p.shape)
        return self.loss.forward(y, p, ctx)

    def update(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        values = self.values(y, p, logits)
        # As in Keras, samples of an ignored class count as zeros unless there are weights.
        mask = vars(self._ctx).get("mask")
        if weight is not None and mask is not None:
            weight = match_weights(weight, values) * mask
        self.add(values, weight)


def squeeze_or_expand(y: Array, p: Array) -> tuple[Array, Array]:
    """Return both with a last axis of size 1 added or dropped where their ranks differ by one."""
    if y.ndim == p.ndim + 1 and y.shape[-1] == 1:
        return (y, p[:, np.newaxis]) if p.ndim == 1 else (y[..., 0], p)
    if p.ndim == y.ndim + 1 and p.shape[-1] == 1:
        return (y[:, np.newaxis], p) if y.ndim == 1 else (y, p[..., 0])
    return y, p
