"""Clones of models: the same program, in both libraries."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from twins import both, quiet

from scratchnn import Input, Model, layers
from scratchnn.models import clone_model


def branching(k: Any) -> Any:
    inner_x = k.Input((4,), name="inner_x")
    inner = k.Model(inner_x, k.layers.Dense(4, name="within")(inner_x), name="inner")
    row = k.Sequential([k.Input((4,)), k.layers.Dense(4, name="in_row")], name="row")
    x, z = k.Input((4,), name="x"), k.Input((4,), name="z")
    first, second = k.layers.Dense(4, name="first"), k.layers.Dense(4, name="second")
    y = k.layers.Add(name="add")([inner(first(x)), row(second(z))])
    model = k.Model([x, z], [y, k.layers.Dropout(0.5, name="drop")(y)], name="outer")
    model.compile(k.optimizers.SGD(0.5), ["mse", "mae"])
    return model


def wider(k: Any) -> Any:
    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, k.layers.Dense):
            config["name"] = f"{config['name']}_again"
        return type(layer).from_config(config)

    return clone


def dropped(k: Any) -> Any:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        y = layer(*args, **kwargs)
        return k.layers.ReLU(name=f"{layer.name}_relu")(y) if "add" in layer.name else y

    return call


OPTIONS = {
    "alone": lambda k: {},
    "recursive": lambda k: {"recursive": True},
    "clone_function": lambda k: {"clone_function": wider(k)},
    "clone_function, recursive": lambda k: {"clone_function": wider(k), "recursive": True},
    "call_function": lambda k: {"call_function": dropped(k)},
    "the same layers": lambda k: {"clone_function": lambda layer: layer},
    "input_tensors": lambda k: {
        "input_tensors": [k.Input((4,), name="other"), k.Input((4,), name="z")]
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_clones_of_functional_models(name):
    def run(k: Any) -> Any:
        model = branching(k)
        with quiet():
            clone = k.models.clone_model(model, **OPTIONS[name](k))
        config = json.loads(json.dumps(clone.get_config()))
        config["layers"] = [
            {"name": layer["name"], "nodes": histories(layer["inbound_nodes"])}
            for layer in config["layers"]
        ]
        compiled = json.loads(json.dumps(clone.get_compile_config()))
        own = [layer.name for layer in clone.layers]
        inner = [w.name for w in clone.weights], clone.count_params()
        return config, compiled, own, inner

    ours, theirs = both(run)
    assert ours == theirs


def histories(nodes: Any) -> list[Any]:
    """Return the places of the tensors in calls."""
    if isinstance(nodes, dict):
        return (
            [nodes["keras_history"]] if "keras_history" in nodes else histories([*nodes.values()])
        )
    return [place for node in nodes for place in histories(node)] if isinstance(nodes, list) else []


def test_shared_layers_stay_shared():
    x = Input((4,))
    shared = layers.Dense(4)
    clone = clone_model(Model(x, shared(shared(x))))
    assert len(clone.weights) == 2
    assert clone.layers[1] is not shared


def test_inputs_that_do_not_fit():
    import scratchnn

    model = branching(scratchnn)
    for inputs in (Input((4,)), [Input((4,)), np.ones((1, 4))]):
        with pytest.raises(ValueError, match="`input_tensors` must be 2 KerasTensors"):
            clone_model(model, inputs)
