"""Losses and metrics of a model with several outputs: those of one output, for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array, Shape
from ..context import Context
from ..data import Batch
from ..metrics import Mean, Metric
from .compiled import CompiledLoss, CompiledMetrics


class CompiledLosses:
    """The losses of a model with several outputs; the model's loss is their weighted sum.

    Arguments:
        loss: a list or dict with a loss, or None, for each output; or one loss for all of them.
        loss_weights: a list or dict of numbers.
        keys: the names of the outputs, in the model's order.
    """

    def __init__(self, loss: Any, loss_weights: Any, keys: Sequence[str]) -> None:
        given = by_output("loss", loss, keys, all_alike=True)
        weights = by_output("loss_weights", loss_weights, keys)
        if all(part is None for part in given):
            raise ValueError(f"No output has a loss. Received: loss={loss!r}.")
        self.parts = [
            None if part is None else CompiledLoss(part, weight)
            for part, weight in zip(given, weights, strict=True)
        ]
        several = sum(part is not None for part in self.parts) > 1
        self.trackers = [
            Mean(name=f"{key}_loss") if several and part is not None else None
            for key, part in zip(keys, self.parts, strict=True)
        ]
        # Keras lists the losses in the order in which they were given.
        self._order = [keys.index(key) for key in loss] if isinstance(loss, Mapping) else None

    @property
    def metrics(self) -> list[Metric]:
        """The means of the outputs' own losses, in the order of compile."""
        order = self._order or range(len(self.trackers))
        return [tracker for i in order if (tracker := self.trackers[i]) is not None]

    def prepare(self, y: Sequence[Any], shapes: Sequence[Shape]) -> list[Any]:
        """Check targets against the outputs' shapes, once for all data."""
        return [
            None if part is None else part.prepare(target, shape)
            for part, target, shape in zip(self.parts, y, shapes, strict=True)
        ]

    def check_weight(self, weight: Sequence[Any], y: Sequence[Any], shapes: Any) -> None:
        """Raise a ValueError if sample weights do not fit the losses' values."""
        for part, w, target, shape in zip(self.parts, weight, y, shapes, strict=True):
            if part is not None and w is not None:
                part.check_weight(w, target, shape)

    def forward(self, y: Any, p: Sequence[Array], weight: Any, ctx: Context) -> Any:
        """Return the sum of the losses."""
        total: Any = 0
        weights = weight if weight is not None else [None] * len(p)
        for i, part in enumerate(self.parts):
            if part is not None:
                total = total + part.forward(y[i], p[i], weights[i], ctx.heads[i])
                tracker = self.trackers[i]
                if tracker is not None:
                    # As in Keras, each batch counts the same here, however many samples it has.
                    tracker.total.value += part.value
                    tracker.count.value += np.float32(1)
        return total

    def gradient(self) -> list[Any]:
        """Return the gradient of each output, None where it has no loss."""
        return [None if part is None else part.gradient() for part in self.parts]

    def reset(self) -> None:
        """Forget all batches."""
        for tracker in self.metrics:
            tracker.reset_state()


class CompiledMetricsOfOutputs:
    """The metrics of a model with several outputs, named after them: 'price_mae'."""

    def __init__(self, plain: Any, weighted: Any, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        given = by_output("metrics", plain, keys), by_output("weighted_metrics", weighted, keys)
        self.parts = [
            CompiledMetrics(*(_as_list(part) for part in pair)) for pair in zip(*given, strict=True)
        ]

    def build(self, y_shapes: Sequence[Any], shapes: Sequence[Shape]) -> None:
        """Resolve the metrics for targets and outputs of these shapes."""
        for part, y_shape, shape in zip(self.parts, y_shapes, shapes, strict=True):
            if y_shape is not None:
                part.build(y_shape, shape)

    def check(self, y: Sequence[Any], shapes: Sequence[Shape]) -> None:
        """Raise a ValueError if a metric cannot be computed from its targets."""
        for part, target, shape in zip(self.parts, y, shapes, strict=True):
            if target is not None:
                part.check(target, shape)

    @property
    def metrics(self) -> list[Metric]:
        """All metrics."""
        return [metric for part in self.parts for metric in part.metrics]

    @property
    def want_raw_targets(self) -> bool:
        """Whether a metric wants the targets as they were given."""
        return any(part.want_raw_targets for part in self.parts)

    def update(self, batch: Batch, p: Sequence[Array], ctx: Context) -> None:
        """Take in one batch and the predictions for it."""
        for i, part in enumerate(self.parts):
            if part.metrics:
                own = Batch(batch.x, *(None if b is None else b[i] for b in batch[1:]))
                part.update(own, p[i], ctx.heads[i])

    def reset(self) -> None:
        """Forget all batches."""
        for part in self.parts:
            part.reset()

    def results(self) -> dict[str, Any]:
        """Return {name: value so far}."""
        return {
            f"{key}_{name}": value
            for key, part in zip(self._keys, self.parts, strict=True)
            for name, value in part.results().items()
        }


def _as_list(metrics: Any) -> Any:
    return metrics if metrics is None or isinstance(metrics, list | tuple) else [metrics]


def by_output(argument: str, value: Any, keys: Sequence[str], all_alike: bool = False) -> list[Any]:
    """Return what a list, a dict or a single value holds for each output, None for nothing.

    Raises:
        ValueError: for a name that is no output, and a list of another length.
    """
    if isinstance(value, Mapping):
        for key in value:
            if key not in keys:
                raise ValueError(
                    f"`{argument}` names {key!r}, which is no output of the model."
                    f"{naming.nearest(key, keys)} The outputs are {list(keys)}."
                )
        return [value.get(key) for key in keys]
    if value is None:
        return [None] * len(keys)
    if isinstance(value, list | tuple) and len(value) == len(keys):
        return list(value)
    if all_alike and not isinstance(value, list | tuple):
        return [value] * len(keys)
    raise ValueError(
        f"`{argument}` must have one entry for each output of the model, in a list or a dict with "
        f"the keys {list(keys)}. Received: {value!r}."
    )
