"""What a traced step consists of: layers, their calls, their weights; and its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array
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
        if self.layer.kind == "Input" or output.dtype.kind != "f":  # such as word numbers
            return 0, 0
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

    Example:
        >>> import scratchnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> model.compile("sgd", "mse")
        >>> t = keras.inspection.trace(model, np.ones((3, 2)), np.ones((3, 1)))
        >>> t.names, t.samples, t["dense/kernel"].update.shape
        (['input', 'dense', 'dense/kernel', 'dense/bias'], 3, (2, 1))
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
            count, units = call.dead
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
        if parameter.grad is None and not parameter.update.any():
            yield "    not trained", None, ""
        else:
            yield "    update", parameter.update, ""


def _notes(t: Trace) -> Iterator[str]:
    for name in t.wrong:
        yield f"{name}: its gradient is wrong; check_gradients on the layer says more."
    for layer in t.layers:
        for call in layer.calls:
            for what, array in call.arrays():
                if array is not None and Statistics.of(array).bad:
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
