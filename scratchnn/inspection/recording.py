"""Watch a model at work: what its layers return, and the gradients that come back to them."""

from __future__ import annotations

import contextlib
import random as python_random
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import naming, tree
from ..arrays import Array
from ..context import Context
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..models.model import Model
from ..parameters import Parameter
from ..random import seeds


class Call:
    """What went through a layer at one of its calls.

    Attributes:
        layer: its LayerRecord; `number` counts the layer's calls from 0.
        outputs: what it returned, in a list; `gives_list` says whether it returned a list.
        grads: the gradients of the loss with respect to them, as backward was given them; None
            where none came back.
        logits_grad: instead, that of the logits behind the output, where the loss works from them.
        mask: of the output, (N, T), or None; `in_mask` is that of the input.
        options: what the call said beside its inputs.
        x: what it was called on, an array or a list of them, if that is kept.
    """

    def __init__(self, layer: LayerRecord, x: Any, y: Any, ctx: Context, mask: Any) -> None:
        self.layer = layer
        self.x = x
        self.in_mask = ctx.in_mask
        self.options = ctx.options
        self.number = len(layer.calls)
        self.gives_list = isinstance(y, list | tuple)
        self.outputs = [np.array(part) for part in (y if self.gives_list else [y])]
        self.grads: list[Array | None] = [None] * len(self.outputs)
        self.logits_grad: Array | None = None
        self.mask = mask


class LayerRecord:
    """A layer of a model, its calls and its weights by name.

    Attributes:
        name: the names of the models that it lies in, but for the outermost, and its own:
            'dense', 'encoder/dense'.
        layer: the layer.
        calls: its calls, in order.
        weights: its weights, those of layers within it included, by name: 'dense/kernel'.
    """

    def __init__(self, name: str, layer: Layer) -> None:
        self.name = name
        self.layer = layer
        self.calls: list[Call] = []
        self.weights: dict[str, Parameter] = {}
        for weight in layer.weights:
            own = f"{name}/{_path_within(layer, weight)}"
            while own in self.weights:
                own += "'"
            self.weights[own] = weight


class Recorder:
    """Keeps what each layer of a model returns and is given, from now on until `stop`.

    The model's layers are changed for it: it is for a copy.

    Arguments:
        model: the model.
        keep_inputs: whether to keep what the layers are called on, too.

    Attributes:
        layers: the layers, those of models within the model included, as the model lists them.
        calls: all calls, in order.
        gradients: of the weights, by id, as the optimizer was given them in its last step.
        before: the values of all weights, by id, when the recording began.
    """

    def __init__(self, model: Model, keep_inputs: bool = False) -> None:
        self._keeps_inputs = keep_inputs
        self.layers = [LayerRecord(name, layer) for name, layer in layers_of(model)]
        self.calls: list[Call] = []
        self.gradients: dict[int, Array] = {}
        self.before = {id(weight): weight.numpy() for weight in model.weights}
        self._by_context: dict[int, Call] = {}
        self._contexts: list[Context] = []  # alive, so that their ids stay theirs
        for record in self.layers:
            self._watch(record)
        if model.optimizer is not None:
            self._watch_optimizer(model)

    def _watch(self, record: LayerRecord) -> None:
        forward, backward = record.layer.forward, record.layer.backward

        def watched_forward(x: Any, ctx: Context) -> Any:
            kept = tree.map_structure(np.array, x) if self._keeps_inputs else None
            y = forward(x, ctx)
            mask = None
            if ctx.in_mask is not None or record.layer.makes_mask:
                mask = record.layer.compute_mask(x, ctx.in_mask)
            call = Call(record, kept, y, ctx, mask)
            record.calls.append(call)
            self.calls.append(call)
            self._by_context[id(ctx)] = call
            self._contexts.append(ctx)
            return y

        def watched_backward(dy: Any, ctx: Context) -> Any:
            call = self._by_context.get(id(ctx))
            if call is not None and ctx.fused:
                call.logits_grad = np.array(dy)
            elif call is not None:
                parts = dy if isinstance(dy, list | tuple) else [dy]
                call.grads = [None if part is None else np.array(part) for part in parts]
            return backward(dy, ctx)

        vars(record.layer).update(forward=watched_forward, backward=watched_backward)

    def stop(self) -> None:
        """Leave the layers as they were before."""
        for record in self.layers:
            for name in ("forward", "backward"):
                vars(record.layer).pop(name, None)

    def _watch_optimizer(self, model: Model) -> None:
        step = model.optimizer._step

        def watched_step(share: Any) -> None:
            self.gradients = {id(p): p.grad.copy() for p in model.optimizer._store.trainable}
            step(share)

        model.optimizer._step = watched_step


def require_model(model: Any) -> None:
    """Raise an error for what is no compiled model."""
    if not isinstance(model, Model):
        kind = type(model).__module__.split(".")[0]
        advice = (
            "Put a layer into a Sequential, and compile that."
            if isinstance(model, Layer)
            else f"This one is from {kind!r}."
        )
        raise TypeError(
            "Expected a compiled model of scratchnn, such as a Sequential. Received: an object of "
            f"the class {type(model).__name__!r}. {advice}"
        )
    model._require_compiled()


def layers_of(model: Model, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield the layers of a model by name, in its order; those of a model within it in its place.

    A layer that lies in several models comes up once.
    """
    seen: set[int] = set()
    for name, layer in _layers_of(model, prefix):
        if id(layer) not in seen:
            seen.add(id(layer))
            yield name, layer


def _layers_of(model: Model, prefix: str) -> Iterator[tuple[str, Layer]]:
    for layer in model.sublayers:
        if isinstance(layer, Model):
            yield from _layers_of(layer, f"{prefix}{layer.name}/")
        elif not isinstance(layer, InputLayer):
            yield f"{prefix}{layer.name}", layer


def _path_within(layer: Layer, weight: Parameter) -> str:
    """Return a weight's path from a layer on: 'kernel', or 'forward_lstm/lstm_cell/kernel'."""
    parts = weight.path.split("/")
    if layer.name in parts[:-1]:
        parts = parts[parts.index(layer.name) + 1 :]
    return "/".join(parts)


def input_names(model: Model) -> list[str]:
    """Return the names that a model's inputs go by: 'input' where there is one."""
    names = list(model.input_names)
    return names if len(names) > 1 else ["input"]


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put back the states of all random numbers, and the automatic names, after the block."""
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    generator = seeds._global_generator
    state = None if generator is None else generator.state.copy()
    names = naming._used.copy()
    try:
        yield
    finally:
        python_random.setstate(python_state)
        np.random.set_state(numpy_state)
        seeds._global_generator = generator
        if generator is not None and state is not None:
            generator.state[...] = state
        naming._used.clear()
        naming._used.update(names)


def gradient_pass(model: Model, batch: Any) -> Any:
    """Run one step without its update, and return the gradient of the input.

    The loss works from the outputs here, never from the logits behind them, and every layer's
    gradient is worked out, whether or not anything before it is trained: so each layer's backward
    is given the gradient of its output.
    """
    ctx = model._new_context(training=True)
    ctx.needs_dx = True
    y = model.forward(batch.x, ctx)
    for head in [ctx, *vars(ctx).get("heads", ())]:
        head.logits = None
    model._loss.forward(batch.y, y, batch.weight, ctx)
    if model._penalized:
        model.activity_penalty(ctx)
    return model.backward(model._loss.gradient(), ctx)
