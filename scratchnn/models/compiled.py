"""What `compile` makes of its loss and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import config, losses, metrics
from ..arrays import Array, Shape
from ..context import Context
from ..data import Batch
from ..losses.base import SameShapeLoss, match_weights
from ..metrics import Metric


class CompiledLoss:
    """The loss of a model with one output: a value, and its gradient.

    Arguments:
        loss: a name, a Loss, a loss function of this package, or one of these in a list or dict;
            'crossentropy' stands for the cross-entropy that fits the targets.
        loss_weights: what the loss is multiplied by, a number, alone or in a list or dict.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        identifier = _single("loss", loss)
        self._chooses = isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")
        self.loss = None if self._chooses else losses.as_loss(identifier)
        weight = _single("loss_weights", loss_weights)
        if weight is not None and (isinstance(weight, bool | str) or np.ndim(weight)):
            raise ValueError(
                f"loss_weights, the third argument of compile, must be a number. Received: "
                f"{loss_weights!r}. Metrics are given as metrics=[...]."
            )
        self._weight = None if weight is None else float(weight)
        self._drops_last = False
        self._ctx = Context()

    def prepare(self, y: Any, output_shape: Shape) -> Array:
        """Check targets against the model's output shape, once for all data."""
        loss = self.loss
        if self._chooses:
            loss = losses.as_loss(f"{crossentropy_kind(np.shape(y), output_shape)}_crossentropy")
        if loss is None:
            raise ValueError("There is no loss to compute: give compile() a `loss`.")
        # As in Keras, targets (N, T) for an output (N, T, 1) are compared with it as (N, T).
        self._drops_last = (
            isinstance(loss, SameShapeLoss)
            and output_shape[-1] == 1
            and 2 <= np.ndim(y) == len(output_shape) - 1
        )
        prepared = loss.prepare(y, output_shape[:-1] if self._drops_last else output_shape)
        self.loss, self._chooses = loss, False
        return prepared

    def check_weight(self, weight: Array, y: Array, output_shape: Shape) -> None:
        """Raise a ValueError if sample weights do not fit the loss's values for targets `y`."""
        assert self.loss is not None
        sizes = [y.shape[i] if d is None else d for i, d in enumerate(output_shape)]
        p = np.zeros((1, *sizes[1:]), config.floatx())
        if self._drops_last:
            p = p[..., 0]
        with np.errstate(all="ignore"):
            values = self.loss.forward(y[:1], p, Context(dtype=p.dtype))
        shape = (len(y), *values.shape[1:]) if values.ndim else ()
        match_weights(weight, np.broadcast_to(values, shape))

    def forward(self, y: Array, p: Array, weight: Array | None, source: Context) -> Any:
        """Return the loss; `source` is the model's context, which knows the logits behind p."""
        assert self.loss is not None
        ctx = self._ctx
        ctx.dtype = p.dtype
        ctx.logits = source.logits
        ctx.fused = False
        if self._drops_last:
            p, ctx.logits = p[..., 0], None
        if source.out_mask is not None:
            vars(ctx).pop("mask", None)
        values = self.loss.forward(y, p, ctx)
        if source.out_mask is not None and source.out_mask.shape == values.shape:
            own = vars(ctx).get("mask")  # of labels that the loss ignores
            ctx.mask = source.out_mask if own is None else source.out_mask & own
        value = self.loss.reduce(values, weight, ctx)
        source.fused = ctx.fused
        if value.ndim:
            value = value.mean()
        self.value = value  # without the weight among the losses, as the logs have it
        return value if self._weight is None else value * value.dtype.type(self._weight)

    def gradient(self) -> Array:
        """Return the gradient of the predictions, or of their logits if these were used."""
        assert self.loss is not None
        dy = self.loss.reduced_gradient(self._ctx)
        if self._weight is not None:
            dy *= dy.dtype.type(self._weight)
        return dy[..., np.newaxis] if self._drops_last else dy


class CompiledMetrics:
    """The metrics of a model with one output.

    'accuracy' is resolved when the shapes are known, as in Keras: binary for an output of size 1,
    sparse for integer labels, else categorical.
    """

    def __init__(self, plain: Any = None, weighted: Any = None) -> None:
        self._plain = _identifiers("metrics", plain)
        self._weighted = _identifiers("weighted_metrics", weighted)
        for identifier in self._plain + self._weighted:
            if not _is_accuracy(identifier):
                metrics.check_identifier(identifier)  # not only at the first batch
        self.plain: list[Metric] = []
        self.weighted: list[Metric] = []
        self.built = False

    def build(self, y_shape: Shape, output_shape: Shape) -> None:
        """Resolve the metrics for targets and outputs of these shapes."""
        if self.built:
            return
        self.plain = [_resolve(m, y_shape, output_shape) for m in self._plain]
        self.weighted = [_resolve(m, y_shape, output_shape) for m in self._weighted]
        self.built = True

    def check(self, y: Array, output_shape: Shape) -> None:
        """Raise a ValueError if a metric cannot be computed from the targets `y`."""
        for metric in self.metrics:
            metric.check(y, output_shape)

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, in the order of compile."""
        return self.plain + self.weighted

    @property
    def want_raw_targets(self) -> bool:
        """Whether a metric wants the targets as they were given, before the loss prepared them."""
        return any(metric.wants_raw_targets for metric in self.metrics)

    def update(self, batch: Batch, p: Array, source: Context) -> None:
        """Take in one batch, and the predictions for it that `source` knows the logits behind."""
        mask = source.out_mask
        for metric in self.plain:
            weight = None if mask is None else metric.masked(None, mask)
            metric.update(_targets(batch, metric), p, weight, source.logits)
        for metric in self.weighted:
            weight = batch.weight if mask is None else metric.masked(batch.weight, mask)
            metric.update(_targets(batch, metric), p, weight, source.logits)

    def reset(self) -> None:
        """Forget all batches."""
        for metric in self.metrics:
            metric.reset_state()

    def results(self) -> dict[str, Any]:
        """Return {name: value so far}; equal names are told apart as Keras does."""
        found: dict[str, Any] = {}
        for metric in self.plain + self.weighted:
            result = metric.result()
            if isinstance(result, Mapping):
                found |= {name: _plain_number(value) for name, value in result.items()}
                continue
            name = metric.name
            if name in found and metric in self.weighted:
                name = f"weighted_{name}"
            found[_free(name, found)] = _plain_number(result)
        return found


def _targets(batch: Batch, metric: Metric) -> Any:
    return batch.raw if batch.raw is not None and metric.wants_raw_targets else batch.y


def crossentropy_kind(y_shape: Shape, output_shape: Shape) -> str:
    """Return 'binary', 'sparse_categorical' or 'categorical', as these shapes have it."""
    if output_shape[-1] == 1:
        return "binary"
    if len(y_shape) < len(output_shape) or y_shape[-1] == 1:
        return "sparse_categorical"
    return "categorical"


def _is_accuracy(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def _resolve(identifier: Any, y_shape: Shape, output_shape: Shape) -> Metric:
    if _is_accuracy(identifier):
        metric = metrics.as_metric(f"{crossentropy_kind(y_shape, output_shape)}_accuracy")
    else:
        metric = metrics.as_metric(identifier)
    assert metric is not None
    if isinstance(identifier, str):
        metric.name = identifier  # the key in the logs is the name as it was typed
    return metric


def _single(argument: str, value: Any) -> Any:
    """Return the one element of a list or dict, or the value itself."""
    items = (
        list(value.values())
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, list | tuple)
        else [value]
    )
    if len(items) != 1:
        raise ValueError(
            f"`{argument}` must have one entry, for the model has one output. Received: {value!r}."
        )
    return items[0]


def _identifiers(argument: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = _single(argument, value)
        value = value if isinstance(value, list | tuple) else [value]
    if not isinstance(value, list | tuple):
        raise ValueError(
            f"`{argument}` must be a list, tuple or dict, such as [{value!r}]. "
            f"Received: {argument}={value!r}."
        )
    flat: list[Any] = []
    for item in value:
        flat += item if isinstance(item, list | tuple) else [item]
    return flat


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Return the name, numbered if it is taken."""
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _plain_number(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
