"""One training step laid open: every layer's output, gradients, and what the optimizer did."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..layers.base import Layer
from ..models.model import Model
from .checker import Checker
from .recording import (
    Call,
    LayerRecord,
    Recorder,
    gradient_pass,
    input_names,
    require_model,
    undisturbed,
)
from .traces import CallTrace, LayerTrace, ParameterTrace, Trace


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
        TypeError: if it is no model, but a single layer for example.
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
    require_model(model)
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
