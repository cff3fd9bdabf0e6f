"""One training step laid open: every layer's output, gradients, and what the optimizer did."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array
from ..layers.base import Layer
from ..models.model import Model
from .gradients import Checker
from .recording import Call, LayerRecord, Recorder, gradient_pass, input_names, undisturbed
from .statistics import Statistics, dead_units, number, shape_text, share, table


class ParameterTrace:
    """A weight before and after a step.

    Attributes:
        name: such as 'dense/kernel'; `path` is its full path.
        value: before the step; `new_value` after it; `update` is the difference.
        grad: the gradient of the loss, penalties included, as the optimizer was given it; None for
            a weight that is not trained.
    """

    def __init__(
        self, name: str, path: str, value: Array, new_value: Array, grad: Array | None
    ) -> None:
        self.name = name
        self.path = path
        self.value = value
        self.new_value = new_value
        self.grad = grad

    @property
    def trainable(self) -> bool:
        """Whether the optimizer updates it."""
        return self.grad is not None

    @property
    def update(self) -> Array:
        """What the step added to it."""
        return self.new_value - self.value

    def __repr__(self) -> str:
        return f"<ParameterTrace {self.name}, shape={self.value.shape}>"


class CallTrace:
    """What a layer did at one of its calls.

    Attributes:
        name: the layer's name; with a number, 'dense[1]', where it is called several times.
        layer: the LayerTrace.
        output: what it returned: an array, or a list of arrays.
        grad: the gradient of the loss with respect to the output, alike; None where the loss does
            not depend on it, and for integers.
        logits_grad: the gradient of what a softmax or sigmoid was computed from, where the loss is
            computed from that, too; else None.
        mask: of the output, (N, T), or None.
    """

    def __init__(self, name: str, layer: LayerTrace, output: Any, grad: Any, call: Any) -> None:
        self.name = name
        self.layer = layer
        self.output = output
        self.grad = grad
        self.logits_grad: Array | None = None if call is None else call.logits_grad
        self.mask: Any = None if call is None else call.mask

    def arrays(self) -> Iterator[tuple[str, Array | None]]:
        """Yield ('output', array), ('d output', array), and the like."""
        several = isinstance(self.output, list)
        outputs = self.output if several else [self.output]
        grads = self.grad if isinstance(self.grad, list) else [self.grad] * len(outputs)
        for i, (y, dy) in enumerate(zip(outputs, grads, strict=True)):
            which = f" {i}" if several else ""
            yield f"output{which}", y
            yield f"d output{which}", dy
        if self.logits_grad is not None:
            yield "d logits", self.logits_grad

    @property
    def dead(self) -> tuple[int, int]:
        """How many units of the output are 0 for the whole batch, and how many there are."""
        output = self.output[0] if isinstance(self.output, list) else self.output
        return dead_units(output, self.layer.units_axis)

    def __repr__(self) -> str:
        return f"<CallTrace {self.name}>"


class LayerTrace:
    """A layer: its calls and its weights. One that is called once has that call's arrays, too.

    Attributes:
        name: such as 'dense'; `kind` is its class.
        calls: list of CallTrace.
        parameters: list of ParameterTrace.
    """

    def __init__(self, name: str, kind: str, units_axis: int = -1) -> None:
        self.name = name
        self.kind = kind
        self.units_axis = units_axis
        self.calls: list[CallTrace] = []
        self.parameters: list[ParameterTrace] = []

    @property
    def call(self) -> CallTrace:
        """Its one call.

        Raises:
            ValueError: if it was called more often.
        """
        if len(self.calls) != 1:
            raise ValueError(
                f"The layer {self.name!r} was called {len(self.calls)} times in the step. Take "
                f"one of its calls: {', '.join(repr(call.name) for call in self.calls)}."
            )
        return self.calls[0]

    @property
    def output(self) -> Any:
        """What it returned."""
        return self.call.output

    @property
    def grad(self) -> Any:
        """The gradient of the loss with respect to the output."""
        return self.call.grad

    @property
    def logits_grad(self) -> Array | None:
        """The gradient of the logits, where the loss works from them."""
        return self.call.logits_grad

    @property
    def mask(self) -> Any:
        """The mask of the output."""
        return self.call.mask

    @property
    def dead(self) -> tuple[int, int]:
        """How many units are 0 for the whole batch, and how many there are."""
        return self.call.dead

    def __repr__(self) -> str:
        return f"<LayerTrace {self.name} ({self.kind}), {len(self.calls)} calls>"


class Trace:
    """A training step, layer by layer; `print` shows it as a table.

    `t["dense"]` is a layer, with `output` and `grad`; `t["dense/kernel"]` one of its weights, with
    `value`, `grad` and `update`; `t["input"]` what came in.

    Attributes:
        model: the model's name.
        layers: the inputs and layers, in the order in which they were first called.
        loss: the loss, penalties included.
        samples: N.
        optimizer: its class; `learning_rate` is that of the step, and `step` its number from 1.
        wrong: the weights and inputs, by name, for which a layer's backward is not the derivative
            of its forward; found only with `check=True`.
    """

    def __init__(
        self,
        model: str,
        layers: list[LayerTrace],
        loss: float,
        samples: int,
        optimizer: str,
        learning_rate: float,
        step: int,
        wrong: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.layers = layers
        self.loss = loss
        self.samples = samples
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.step = step
        self.wrong = list(wrong)
        self._items: dict[str, LayerTrace | CallTrace | ParameterTrace] = {}
        for layer in layers:
            self._items[layer.name] = layer
            if len(layer.calls) > 1:
                self._items |= {call.name: call for call in layer.calls}
            self._items |= {parameter.name: parameter for parameter in layer.parameters}
        self._paths = {p.path: p for layer in layers for p in layer.parameters}

    @property
    def names(self) -> list[str]:
        """What `t[name]` knows."""
        return list(self._items)

    @property
    def parameters(self) -> list[ParameterTrace]:
        """All weights."""
        return [parameter for layer in self.layers for parameter in layer.parameters]

    def __getitem__(self, name: str) -> Any:
        found = self._items.get(name) or self._paths.get(name)
        if found is None:
            raise KeyError(
                f"The trace has no {name!r}.{naming.nearest(name, self._items)} "
                f"It has: {', '.join(self._items)}."
            )
        return found

    @property
    def title(self) -> str:
        """What was traced, in a line."""
        return (
            f"Step {self.step} of {self.model!r}: {self.samples} samples, loss {self.loss:.6g}, "
            f"{self.optimizer} with learning rate {self.learning_rate:.4g}"
        )

    @property
    def notes(self) -> list[str]:
        """What is worth a look: numbers that are not finite, dead units, updates that are large."""
        return list(_notes(self))

    def __str__(self) -> str:
        head = ("", "shape", "dtype", "min", "mean", "max", "std", "zeros", "norm", "dead")
        rows: list[tuple[str, ...]] = [head]
        for layer in self.layers:
            for what, array, dead in table_of(layer):
                rows.append((what,) if array is None else _row(what, array, dead))
        notes = ["", *(f"Note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join([self.title, "", *table(rows), *notes])

    def __repr__(self) -> str:
        return f"<Trace of {self.model!r}, {len(self.layers)} layers, loss {self.loss:.6g}>"

    def to_html(self) -> str:
        """Return the trace as one page: tables, heat maps and histograms, and nothing to load.

        Its size is limited: arrays are shown by what they amount to, the more layers the coarser.
        """
        from .page import page

        return page(self)

    def save_html(self, path: Any) -> None:
        """Write the page to a file.

        Arguments:
            path: the file, such as 'trace.html'.
        """
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.to_html())

    def _repr_html_(self) -> str:
        from html import escape

        # A notebook's own page must not take the styles of this one: a frame keeps them apart.
        return (
            f'<iframe title="trace" srcdoc="{escape(self.to_html())}" '
            'style="width:100%;height:40em;border:0"></iframe>'
        )


def table_of(layer: LayerTrace) -> Iterator[tuple[str, Array | None, str]]:
    """Yield the rows of a layer: a name, an array and its dead units; headings have no array."""
    for call in layer.calls:
        yield f"{call.name} ({layer.kind})", None, ""
        for what, array in call.arrays():
            count, units = (0, 0) if layer.kind == "Input" else call.dead
            dead = f"{count}/{units}" if what == "output" and count else ""
            if array is None:
                yield f"  {what}: none", None, ""
            else:
                yield f"  {what}", array, dead
        if call.mask is not None:
            for mask in call.mask if isinstance(call.mask, list) else [call.mask]:
                if mask is not None:
                    yield "  mask", np.asarray(mask), ""
    for parameter in layer.parameters:
        what = parameter.name.removeprefix(f"{layer.name}/")
        yield f"  {what}", parameter.value, ""
        if parameter.grad is not None:
            yield f"    d {what}", parameter.grad, ""
        yield "    update", parameter.update, ""


def _notes(t: Trace) -> Iterator[str]:
    for name in t.wrong:
        yield f"{name}: its gradient is wrong; check_gradients on the layer says more."
    for layer in t.layers:
        for call in layer.calls:
            for what, array in call.arrays():
                if array is not None and not np.isfinite(array).all():
                    yield f"{call.name}: its {what} has numbers that are not finite."
            count, units = call.dead
            if count and (layer.parameters or "Activation" in layer.kind or "ReLU" in layer.kind):
                yield f"{call.name}: {count} of {units} units are 0 for the whole batch."
        for parameter in layer.parameters:
            if not np.isfinite(parameter.new_value).all():
                yield f"{parameter.name}: it has numbers that are not finite after the step."
            elif parameter.grad is not None and not parameter.grad.any():
                yield f"{parameter.name}: its gradient is 0 everywhere."
            elif parameter.grad is not None and parameter.value.any():
                ratio = np.linalg.norm(parameter.update) / np.linalg.norm(parameter.value)
                if ratio > 0.1:
                    yield f"{parameter.name}: the update is {ratio:.0%} of the weight's size."


def _row(what: str, array: Array, dead: str = "") -> tuple[str, ...]:
    s = Statistics.of(array)
    bad = f" ({s.bad} not finite)" if s.bad else ""
    numbers = [number(value) for value in (s.min, s.mean, s.max, s.std)]
    name = what + bad
    return (name, shape_text(s.shape), s.dtype, *numbers, share(s.zeros), number(s.norm), dead)


def trace(
    model: Model,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    check: bool = False,
) -> Trace:
    """Take one training step on a copy of a model, and return all that happened in it.

    The model itself, its optimizer and the random numbers are left as they are: the step is the
    one that `train_on_batch` would take now.

    Arguments:
        model: a compiled model; it is built for `x` if it is not.
        x, y: a batch, as for `train_on_batch`.
        sample_weight, class_weight: as there.
        check: whether to check each layer's backward against its forward as well, as
            `check_gradients` does, on the layer's input in this step; what is wrong is in
            `t.wrong`, and in the notes under the table.

    Returns:
        A Trace: print it for a table, `t["dense/kernel"].grad` for the arrays,
        `t.save_html("trace.html")` for a page.

    Raises:
        ValueError: if the model is not compiled, or the data does not fit.

    Example:
        >>> import scratchnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> model.compile(keras.optimizers.SGD(0.5), "mse")
        >>> model.set_weights([[[1.0], [1.0]], [0.0]])
        >>> t = trace(model, [[1.0, 2.0]], [[1.0]])
        >>> t.loss, t["dense"].output, t["dense"].grad
        (4.0, array([[3.]], dtype=float32), array([[4.]], dtype=float32))
        >>> t["dense/kernel"].grad.ravel(), t["dense/kernel"].update.ravel()
        (array([4., 8.], dtype=float32), array([-2., -4.], dtype=float32))
    """
    model._require_compiled()
    with undisturbed(), np.errstate(all="ignore"):
        model = copy.deepcopy(model)
        batch = model._one_batch(x, y, sample_weight, class_weight)
        model._prepare_training()
        probe = copy.deepcopy(model)
        recorder = Recorder(model)
        rate = float(model.optimizer.learning_rate)
        loss = float(model.train_step(batch))
        probed = Recorder(probe, keep_inputs=check)
        probe._prepare_training()
        input_grad = gradient_pass(probe, batch)
        probed.stop()
        wrong = list(_wrong(probed)) if check else []
    inputs = _inputs(model, batch.x, input_grad)
    order = {id(call.layer): i for i, call in reversed(list(enumerate(recorder.calls)))}
    pairs = zip(recorder.layers, probed.layers, strict=True)
    called = sorted((p for p in pairs if p[0].calls), key=lambda pair: order[id(pair[0])])
    return Trace(
        model=model.name,
        layers=[*inputs, *(_layer(recorder, *pair) for pair in called)],
        loss=loss,
        samples=len(inputs[0].output),
        optimizer=type(model.optimizer).__name__,
        learning_rate=rate,
        step=int(model.optimizer.iterations),
        wrong=wrong,
    )


def _wrong(recorder: Recorder) -> Iterator[str]:
    """Yield the names of weights and inputs for which a layer's backward is wrong."""
    seen: dict[str, None] = {}
    for call in recorder.calls:
        several = isinstance(call.x, list | tuple)
        inputs = list(call.x) if several else [call.x]
        layer = call.layer
        names = [name for name, weight in layer.weights.items() if weight.trainable]
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        names += [
            f"input {i} of {layer.name}" if several else f"input of {layer.name}" for i in floats
        ]
        checker = Checker(
            layer.layer, inputs, several, call.in_mask, call.options, training=True, seed=0
        )
        seen |= {
            name: None
            for name, right in zip(names, checker.verdicts(), strict=True)
            if right is False
        }
    yield from seen


def _inputs(model: Model, x: Any, grads: Any) -> list[LayerTrace]:
    arrays = x if isinstance(x, list) else [x]
    gradients = grads if isinstance(grads, list) else [grads] * len(arrays)
    layers = []
    for name, array, grad in zip(input_names(model), arrays, gradients, strict=True):
        layer = LayerTrace(name, "Input")
        kept = None if grad is None else np.array(grad)
        layer.calls.append(CallTrace(name, layer, np.array(array), kept, None))
        layers.append(layer)
    return layers


def _layer(recorder: Recorder, record: LayerRecord, probed: LayerRecord) -> LayerTrace:
    layer = LayerTrace(record.name, type(record.layer).__name__, _units_axis(record.layer))
    # A train_step of the user's own may call the model more often than the probe did.
    alike = len(record.calls) == len(probed.calls)
    probes = probed.calls if alike else [None] * len(record.calls)
    for call, probe in zip(record.calls, probes, strict=True):
        name = record.name if len(record.calls) == 1 else f"{record.name}[{call.number}]"
        whole = call.gives_list
        grads: Any = _gradients(call, probe)
        output = call.outputs if whole else call.outputs[0]
        layer.calls.append(CallTrace(name, layer, output, grads if whole else grads[0], call))
    for name, weight in record.weights.items():
        grad = recorder.gradients.get(id(weight))
        before = recorder.before[id(weight)]
        layer.parameters.append(ParameterTrace(name, weight.path, before, weight.numpy(), grad))
    return layer


def _gradients(call: Call, probe: Call | None) -> list[Array | None]:
    """Return the gradients of a call's outputs: what the step itself worked out, where it did."""
    if probe is None:
        return call.grads
    if call.logits_grad is not None:
        return probe.grads
    return [
        ours if ours is not None else theirs
        for ours, theirs in zip(call.grads, probe.grads, strict=True)
    ]


def _units_axis(layer: Layer) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1
