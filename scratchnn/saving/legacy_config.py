"""The configs of Keras 1 and 2, and of Keras 3's .h5 files, turned into those of today.

Data becomes data: nothing is made here. What changed over the years:

    {"class_name": "Dense", "config": {...}}      named no module
    "batch_input_shape" of an InputLayer          is its "batch_shape"
    "inbound_nodes": [[["dense", 0, 0, {}]]]      calls were lists; in them, a model within the
                                                  model counted its calls from 1
    "lr", "decay", "alpha"                        have other names, or became a schedule
    "axis": [1], "time_major": false              said no more than 1, or nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import layers, losses, metrics, optimizers
from .serialization import FUNCTIONAL, described

_MODELS = ("Functional", "Model", "Sequential")

_RENAMED = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("InputLayer", "batch_input_shape"): "batch_shape",
}

_LEFT_OUT = ("fused", "implementation", "input_length")
"""What changed how something was computed, not what."""

_SAID_NOTHING = {
    "renorm": False,
    "time_major": False,
    "virtual_batch_size": None,
}
"""Arguments that are gone, and the value with which they changed nothing."""

_WITHOUT_GROUPS = ("Depthwise", "Separable", "Transpose")

_LAYERS = ("layer", "forward_layer", "backward_layer", "cell")
"""The arguments that are layers."""

_OF_THE_TARGETS = ("accuracy", "acc", "crossentropy", "ce")
"""What stands for the metric that fits the targets."""


def modern_model(description: Any) -> dict[str, Any]:
    """Return today's description of a model, of an older one.

    Arguments:
        description: {"class_name": ..., "config": ...}, as in `model_config` of an .h5 file.

    Raises:
        ValueError: if it is malformed.
    """
    name, config = _parts(description)
    if name == "Sequential":
        if isinstance(config, list):  # of Keras 1
            config = {"name": "sequential", "layers": config}
        config = dict(config, layers=[modern_layer(layer) for layer in _list(config, "layers")])
        return described("keras", name, config)
    if name in ("Functional", "Model"):
        return described(FUNCTIONAL, "Functional", _modern_graph(config), "Functional")
    return modern_layer(description)


def modern_layer(description: Any) -> dict[str, Any]:
    """Return today's description of a layer, of an older one."""
    name, config = _parts(description)
    if name in _MODELS:
        return modern_model(description)
    config = dict(_mapping(config))
    module = description.get("module")
    if module is None and (name in layers.__all__ or name in layers.MISSING):
        module = "keras.layers"
    if module == "keras.layers":
        if name == "Lambda":
            _make_modern_lambda(config)
        config = _modern_arguments(name, config)
    return described(module, name, config, description.get("registered_name"))


def _modern_arguments(name: str, config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        value = _plain(value)
        if key in _LEFT_OUT or (key in _SAID_NOTHING and value == _SAID_NOTHING[key]):
            continue
        if key == "groups" and value == 1 and any(part in name for part in _WITHOUT_GROUPS):
            continue
        if key == "axis" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif key in _LAYERS and isinstance(value, Mapping):
            value = modern_layer(value)
        elif key == "cells" and isinstance(value, list):
            value = [modern_layer(cell) for cell in value]
        elif key.endswith("_initializer") and isinstance(value, Mapping):
            inner = dict(_mapping(value.get("config") or {}))
            inner.pop("dtype", None)
            value = {**value, "config": inner}
        elif key == "dtype" and isinstance(value, Mapping):
            value = _mapping(value.get("config") or {}).get("name")  # a policy
        found[_RENAMED.get((name, key), key)] = value
    return found


def _make_modern_lambda(config: dict[str, Any]) -> None:
    """Say what a Lambda's function is: code, which is refused later, or a name."""
    for key in ("module", "function_type", "output_shape_module", "output_shape_type"):
        config.pop(key, None)
    function = config.get("function")
    if isinstance(function, list):
        config["function"] = {"class_name": "__lambda__", "config": {"value": function}}
    elif isinstance(function, str):
        config["function"] = described("builtins", "function", function, "function")


def _plain(value: Any) -> Any:
    """Return a value without what stood for tuples and shapes in JSON."""
    if isinstance(value, Mapping) and value.get("class_name") in ("__tuple__", "TensorShape"):
        return _list(value, "items")
    return value


# Graphs -------------------------------------------------------------------------------------------


def _modern_graph(config: Any) -> dict[str, Any]:
    """Return the config of a functional model, with its calls as dicts."""
    found = dict(_mapping(config))
    described_layers = _list(found, "layers")
    kinds = {_mapping(layer).get("name"): layer.get("class_name") for layer in described_layers}

    def place(tensor: Any) -> list[Any]:
        """Return where a call says its tensor is; the calls of a model counted from 1."""
        if not (isinstance(tensor, list) and len(tensor) >= 3 and isinstance(tensor[0], str)):
            raise ValueError(f"The config has a call on no tensor: {tensor!r}.")
        name, node, index = tensor[:3]
        return [name, node - (kinds.get(name) in _MODELS), index]

    def tensor_of(tensor: Any) -> dict[str, Any]:
        history = {"keras_history": place(tensor)}
        return {"class_name": "__keras_tensor__", "config": history}

    def argument(value: Any) -> Any:
        """Return an argument beside the inputs: a tensor was the list of its place."""
        if isinstance(value, list) and len(value) == 3 and value[0] in kinds:
            return tensor_of(value)
        return value

    def call(node: Any) -> Mapping[str, Any]:
        if isinstance(node, Mapping):
            return node  # of Keras 3
        if isinstance(node, list) and node and isinstance(node[0], str):
            node = [node]
        if not isinstance(node, list) or not node:
            raise ValueError(f"The config has a call on no tensor: {node!r}.")
        inputs = [tensor_of(tensor) for tensor in node]
        kwargs: dict[str, Any] = {}
        for tensor in node:
            kwargs |= _mapping(tensor[3]) if len(tensor) > 3 else {}
        kwargs = {key: argument(value) for key, value in kwargs.items()}
        return {"args": [inputs if len(inputs) > 1 else inputs[0]], "kwargs": kwargs}

    def output(places: Any) -> Any:
        """Return where an output is; those of functional models are counted from 1 today, too."""
        if isinstance(places, Mapping):
            return {key: output(value) for key, value in places.items()}
        if isinstance(places, list) and len(places) == 3 and isinstance(places[0], str):
            old = old_calls and kinds.get(places[0]) == "Sequential"
            return [places[0], places[1] - old, places[2]]
        if not isinstance(places, list):
            return places
        inner = [output(place) for place in places]
        return inner[0] if len(inner) == 1 else inner

    nodes = [_list(layer, "inbound_nodes") for layer in described_layers]
    old_calls = any(isinstance(node, list) for calls in nodes for node in calls)
    found["layers"] = [
        {
            **modern_layer(layer),
            "name": layer.get("name"),
            "inbound_nodes": [call(node) for node in calls],
        }
        for layer, calls in zip(described_layers, nodes, strict=True)
    ]
    for key in ("input_layers", "output_layers"):
        found[key] = output(found.get(key))
    return found


# What it was compiled with ------------------------------------------------------------------------


def modern_compilation(config: Any) -> dict[str, Any]:
    """Return the arguments of `compile`, as configs, of `training_config` in an .h5 file.

    Raises:
        ValueError: if it is malformed.
    """
    config = _mapping(config)
    return {
        "optimizer": _modern_optimizer(config.get("optimizer_config")),
        "loss": _each(_modern_loss, config.get("loss")),
        "metrics": _each(_modern_metric, config.get("metrics")),
        "weighted_metrics": _each(_modern_metric, config.get("weighted_metrics")),
        "loss_weights": config.get("loss_weights"),
    }


def _modern_optimizer(description: Any) -> dict[str, Any]:
    name, config = _parts(description)
    name = name.removeprefix("Custom>")
    known = {known.lower(): known for known in optimizers.__all__}
    name = known.get(name.lower(), name)
    config = dict(_mapping(config))
    for key in ("is_legacy_optimizer", "jit_compile", "schedule_decay"):
        config.pop(key, None)
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    if config.get("epsilon", 0) is None:
        del config["epsilon"]
    rate = config.get("learning_rate")
    if isinstance(rate, Mapping):
        schedule, inner = _parts(rate)
        config["learning_rate"] = described("keras.optimizers.schedules", schedule, inner)
    decay = config.pop("decay", 0.0)
    if decay:
        by_time = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        config["learning_rate"] = described(
            "keras.optimizers.schedules", "InverseTimeDecay", by_time
        )
    module = "keras.optimizers" if name in optimizers.__all__ else description.get("module")
    return described(module, name, config, description.get("registered_name"))


def _modern_loss(description: Any) -> Any:
    if not isinstance(description, Mapping):
        return description
    name, config = _parts(description)
    if name == "function":
        return config
    config = dict(_mapping(config))
    function = config.pop("fn", None)
    if name == "LossFunctionWrapper":
        return function
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return described("keras.losses" if name in losses.__all__ else None, name, config)


def _modern_metric(description: Any) -> Any:
    if not isinstance(description, Mapping):
        return description
    name, config = _parts(description)
    if name == "function":
        return config
    config = dict(_mapping(config))
    function = config.get("fn")
    if name == "MeanMetricWrapper":
        title = config.get("name")
        if title in _OF_THE_TARGETS or title in metrics.__all__:
            return title  # as `compile` was given it
        if isinstance(function, str):
            config["fn"] = described("builtins", "function", function, "function")
    else:
        config.pop("fn", None)
    return described("keras.metrics" if name in metrics.__all__ else None, name, config)


def _each(modern: Any, config: Any) -> Any:
    """Return lists and dicts of descriptions with each of them made modern."""
    if isinstance(config, Mapping) and "class_name" not in config:
        return {key: _each(modern, value) for key, value in config.items()}
    if isinstance(config, list):
        return [_each(modern, value) for value in config]
    return modern(config)


# Parts --------------------------------------------------------------------------------------------


def _parts(description: Any) -> tuple[str, Any]:
    """Return the class's name and the config of a description."""
    name = _mapping(description).get("class_name")
    if not isinstance(name, str) or "config" not in description:
        raise ValueError(
            f"Expected a dict with 'class_name' and 'config'. Received: {description}."
        )
    return name, description["config"]


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"Expected a dict in a config. Received: {value!r}.")
    return value


def _list(config: Any, key: str) -> list[Any]:
    value = _mapping(config).get(key)
    if not isinstance(value, list):
        raise ValueError(f"Expected a list of {key!r} in a config. Received: {value!r}.")
    return value
