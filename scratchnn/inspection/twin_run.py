"""Two twins take a step, and every tensor of it is compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..models.model import Model
from ..parameters import Parameter
from .checker import seed_generators
from .keras_twin import KerasTwin, Step
from .recording import Call, LayerRecord, Recorder, input_names
from .report import Difference

_FLOOR = 0.01
"""A tensor that is small beside the others of its kind, such as a gradient that is zero but for
rounding, is measured against this share of the largest of them."""


class TwinRun:
    """The two models, and the differences found so far."""

    def __init__(self, model: Model, twin: KerasTwin, tolerance: float) -> None:
        self.model = model
        self.twin = twin
        self.tolerance = tolerance
        self.differences: list[Difference] = []
        model._prepare_training()
        self.recorder = Recorder(model)
        self.ctx = model._new_context(training=True)
        self.ctx.needs_dx = True
        self.names = {
            id(weight): name
            for record in self.recorder.layers
            for name, weight in record.weights.items()
        }
        self.numbers = dict(_paired(self.recorder.layers, twin.layers))
        self.seeds = seed_generators(model)

    def step(self, step: int, batch: Any, x: Any, y: Any, sample_weight: Any) -> None:
        """Take one step with both, and compare."""
        self._copy_from_keras()
        for record in self.recorder.layers:
            record.calls.clear()
        self.recorder.calls.clear()
        model = self.model
        p = model.forward(batch.x, self.ctx)
        outputs = [np.array(part) for part in (p if isinstance(p, list) else [p])]
        loss = model._loss.forward(batch.y, p, batch.weight, self.ctx)
        if model._penalized:
            loss = loss + model.activity_penalty(self.ctx)
        dx = model.backward(model._loss.gradient(), self.ctx)
        if model._regularized:
            loss = loss + model._regularize()
        theirs = self.twin.step(x, y, sample_weight)
        found = [
            *self._outputs(theirs, outputs, float(loss)),
            *self._gradients(theirs, dx),
            *self._update(theirs),
        ]
        self.differences += self._judged(step, found)

    def _copy_from_keras(self) -> None:
        """Give our model Keras's weights, optimizer state and random numbers."""
        for ours, theirs in zip(self.model.weights, self.twin.model.weights, strict=True):
            ours.assign(theirs.numpy())
        for name, one, other in self._slots():
            # The learning rate is an argument, and stays what each was told.
            if one is not None and other is not None and name != "optimizer.learning_rate":
                one.assign(other.numpy())
        if len(self.seeds) == len(self.twin.seeds):
            for seed, their_seed in zip(self.seeds, self.twin.seeds, strict=True):
                seed.state[...] = their_seed.state.numpy()

    def _slots(self) -> list[tuple[str, Any, Any]]:
        """Name and pair what both optimizers remember; None where one has nothing like it."""
        keras_model = self.twin.model
        ours = self._by_name(self.model.optimizer.variables, self.model.weights)
        theirs = self._by_name(keras_model.optimizer.variables, keras_model.weights)
        return [(name, ours.get(name), theirs.get(name)) for name in {**ours, **theirs}]

    def _by_name(self, variables: list[Any], weights: list[Any]) -> dict[str, Any]:
        """Return an optimizer's variables by name, after the weights that they belong to.

        'adam/sequential_dense_kernel_momentum' is 'dense/kernel.momentum', whatever the layers
        are called in the model: the weights of both are in the same order.
        """
        prefixes = [(w.path.replace("/", "_") + "_", i) for i, w in enumerate(weights)]
        prefixes.sort(key=lambda pair: -len(pair[0]))
        found = {}
        for variable in variables:
            key = str(variable.path).partition("/")[2] or str(variable.name)
            name = f"optimizer.{key}"
            for prefix, i in prefixes:
                if key.startswith(prefix):
                    name = f"{self._weight(self.model.weights[i])}.{key.removeprefix(prefix)}"
                    break
            found[name] = variable
        return found

    def _outputs(self, theirs: Step, outputs: list[Array], loss: float) -> Iterator[_Found]:
        for call, i, place in self._places():
            if place in theirs.outputs:
                hint = f"Its inputs agree: look at forward of {call.layer.name!r}."
                if place[0] == 0:
                    hint = f"Look at forward of {call.layer.name!r}."
                yield _Found("output", _name(call, i), call.outputs[i], theirs.outputs[place], hint)
        keys = self.model.output_keys or ["output"]
        for key, ours, other in zip(keys, outputs, theirs.y, strict=False):
            yield _Found("output", f"the model: {key}", ours, other, "Look at how layers connect.")
        hint = "The outputs agree: look at the loss, its weights, and at regularizers."
        yield _Found("loss", "loss", np.float32(loss), np.float32(theirs.loss), hint)

    def _places(self) -> Iterator[tuple[Call, int, tuple[int, int, int]]]:
        """Yield each output of each call, with its place in Keras's record."""
        for call in self.recorder.calls:
            number = self.numbers.get(id(call.layer), -1)
            for i in range(len(call.outputs)):
                yield call, i, (number, call.number, i)

    def _gradients(self, theirs: Step, dx: Any) -> Iterator[_Found]:
        """Compare in the order in which a backward pass makes them."""
        expected = {
            id(weight): gradient
            for weight, gradient in zip(self.model.trainable_weights, theirs.gradients, strict=True)
        }
        after = "the loss"
        for call in reversed(self.recorder.calls):
            name = call.layer.name
            for i, grad in enumerate(call.grads):
                other = theirs.grads.get((self.numbers.get(id(call.layer), -1), call.number, i))
                if grad is not None and other is not None:
                    hint = f"It is what backward of {after} returned: look there."
                    yield _Found("gradient", _name(call, i), grad, other, hint)
            if call.number == 0:  # of a layer called more often the gradients are complete now
                hint = f"The gradient of its output agrees: look at backward of {name!r}."
                for weight_name, weight in call.layer.weights.items():
                    if id(weight) in expected:
                        other = expected.pop(id(weight))
                        other = np.zeros_like(weight.value) if other is None else other
                        yield _Found("gradient", weight_name, weight.grad.copy(), other, hint)
            after = repr(name)
        ours = dx if isinstance(dx, list) else [dx]
        for name, grad, other in zip(
            input_names(self.model), ours, theirs.input_grads, strict=False
        ):
            if grad is not None and other is not None:
                hint = f"It is what backward of {after} returned: look there."
                yield _Found("gradient", name, np.array(grad), other, hint)

    def _update(self, theirs: Step) -> Iterator[_Found]:
        """Let both optimizers step along Keras's gradients, and compare what they did."""
        model, twin = self.model, self.twin
        before = [w.numpy() for w in twin.model.weights]
        for weight, gradient in zip(model.trainable_weights, theirs.gradients, strict=True):
            if weight.occurrences is None:  # else it is slices, which the optimizer wants as such
                weight.grad[...] = 0 if gradient is None else gradient
        # The states, such as moving averages, have changed in the forward passes already.
        states = [
            w for w in zip(model.weights, twin.model.weights, strict=True) if not w[0].trainable
        ]
        for weight, other in states:
            hint = "It changes in forward: look at what it does in training."
            yield _Found("state", self._weight(weight), weight.numpy(), other.numpy(), hint)
        model.optimizer.step(model._store)
        twin.update(theirs)
        hint = (
            f"The gradients were the same: look at the optimizer, {type(model.optimizer).__name__}."
        )
        for name, one, other in self._slots():
            if one is None or other is None:
                whose = "Keras" if one is None else "scratchnn"
                array = (other if one is None else one).numpy().astype(float)
                missing = f"Only the optimizer of {whose} has it."
                yield _Found("slot", name, array, np.full_like(array, np.inf), missing)
            else:
                yield _Found("slot", name, one.numpy(), other.numpy(), hint)
        for weight, other, old in zip(model.weights, twin.model.weights, before, strict=True):
            if weight.trainable:
                now = other.numpy()
                yield _Found("weight", self._weight(weight), weight.numpy(), now, hint, now - old)

    def _weight(self, weight: Parameter) -> str:
        return self.names.get(id(weight), weight.path)

    def _judged(self, step: int, found: list[_Found]) -> Iterator[Difference]:
        """Yield the differences, each measured against its tensor and its kind."""
        scales: dict[str, float] = {}
        for one in found:
            scales[one.group] = max(scales.get(one.group, 0.0), one.size)
        for one in found:
            scale = max(one.size, _FLOOR * scales[one.group], 1e-30)
            if one.ours.shape != one.theirs.shape:
                shapes = f"The shapes differ: {one.ours.shape}, in Keras {one.theirs.shape}."
                yield Difference(
                    step, one.kind, one.name, one.ours.shape, np.inf, np.inf, True, shapes
                )
                continue
            largest = one.largest
            relative = max(0.0, largest - one.rounding) / scale
            too_large = not relative <= self.tolerance
            hint = one.hint if too_large else ""
            yield Difference(
                step, one.kind, one.name, one.ours.shape, largest, relative, too_large, hint
            )


class _Found:
    """Two tensors to compare."""

    def __init__(
        self,
        kind: str,
        name: str,
        ours: Any,
        theirs: Any,
        hint: str,
        update: Array | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.ours = np.asarray(ours)
        self.theirs = np.asarray(theirs)
        self.hint = hint
        self.size = _size(self.theirs if update is None else update)
        # Both began with one value: the sum of it and an update is rounded to its last place.
        self.rounding = 0.0 if update is None else 2e-7 * _size(self.theirs)
        self.group = f"slot {name.rpartition('.')[2]}" if kind == "slot" else kind

    @property
    def largest(self) -> float:
        """The largest difference of two elements; infinite where one alone is not a number."""
        a, b = self.ours.astype(np.float64), self.theirs.astype(np.float64)
        if not a.size:
            return 0.0
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        differences = np.where(same, 0.0, np.abs(a - b))
        return float(np.nan_to_num(differences, nan=np.inf, posinf=np.inf).max())


def _size(array: Array) -> float:
    """Return the size of the largest element that is finite."""
    values = np.abs(array[np.isfinite(array)]) if array.ndim else np.abs(array)
    return float(values.max()) if values.size and np.isfinite(values).all() else 0.0


def _paired(records: list[LayerRecord], layers: list[Any]) -> Iterator[tuple[int, int]]:
    """Yield (id of one of our layers' records, number of its twin): by order, else by name."""
    if len(records) == len(layers):
        yield from ((id(record), i) for i, record in enumerate(records))
        return
    by_name = {layer.name: i for i, layer in enumerate(layers)}
    for record in records:
        if record.layer.name in by_name:
            yield id(record), by_name[record.layer.name]


def _name(call: Call, output: int) -> str:
    name = call.layer.name
    if len(call.layer.calls) > 1:
        name += f"[{call.number}]"
    return f"{name} (output {output})" if len(call.outputs) > 1 else name
