"""Functional models as configs, in Keras's form: layers, and what each was called on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import tree
from ..graph import KerasTensor, Node
from ..layers.core import InputLayer
from ..saving import deserialize_keras_object, serialize_keras_object
from .graph_masks import described, places, without_masks

if TYPE_CHECKING:
    from .functional import Functional

Numbers = dict[Node, int]
"""Which of the calls of its layer a node is, counting those of one model alone."""


def graph_config(model: Functional, nodes: list[Node]) -> dict[str, Any]:
    """Return the config of a functional model that consists of these calls."""
    numbers: Numbers = {}
    nodes = sorted(nodes, key=lambda node: node.number)  # the calls of a layer in their order
    for node in nodes:
        numbers[node] = sum(other.layer is node.layer for other in numbers)
    layers = []
    for layer in model.operations:
        calls = [node for node in nodes if node.layer is layer and node.inputs]
        layers.append(
            {
                **serialize_keras_object(layer),
                "name": layer.name,
                "inbound_nodes": [_call(node, numbers) for node in calls],
            }
        )

    def output(tensor: KerasTensor) -> list[Any]:
        name, number, index = _place(tensor, numbers)
        return [name, number + _counts_from_one(tensor.layer), index]

    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": tree.map_structure(output, model.input),
        "output_layers": tree.map_structure(output, model.output),
    }


def _counts_from_one(layer: Any) -> bool:
    """Whether Keras counts a layer's calls from 1 where it says what a model's outputs are.

    It does for functional models within the model, and there alone: as if they had been called on
    their own inputs first.
    """
    from .functional import Functional

    return isinstance(layer, Functional)


def _place(tensor: KerasTensor, numbers: Numbers) -> list[Any]:
    return [tensor.layer.name, numbers[tensor.node], tensor.index]


def _call(node: Node, numbers: Numbers) -> dict[str, Any]:
    def described(tensor: KerasTensor) -> dict[str, Any]:
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": tensor.shape,
                "dtype": tensor.dtype,
                "keras_history": _place(tensor, numbers),
            },
        }

    inputs = tree.map_structure(described, node.arguments)
    args, kwargs = node.layer.call_arguments(inputs, node.options)
    return {"args": serialize_keras_object(args), "kwargs": serialize_keras_object(kwargs)}


def connected(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Make the layers of a config, call them as it says, and return the inputs and outputs.

    Raises:
        ValueError: if it is no such config, or describes a graph that does not hang together.
    """
    if not isinstance(config.get("layers"), list):
        raise ValueError(f"The config of a model has a list of layers. Received: {config!r}.")
    tensors: dict[tuple[str, int, int], KerasTensor] = {}
    outputs: dict[tuple[str, int, int], KerasTensor] = {}
    waiting: list[tuple[Any, int, Any]] = []
    for description in without_masks(config["layers"], config.get("output_layers")):
        layer = deserialize_keras_object(
            {k: v for k, v in description.items() if k not in ("name", "inbound_nodes")}
        )
        layer.name = description.get("name", layer.name)
        if isinstance(layer, InputLayer):
            place = layer.name, 0, 0
            tensors[place] = outputs[place] = layer.nodes[0].outputs[0]
        calls = description.get("inbound_nodes") or []
        waiting += [(layer, number, call) for number, call in enumerate(calls)]
    while waiting:
        later = []
        for layer, number, call in waiting:
            if all(place in tensors for place in places(call)):
                for i, tensor in enumerate(tree.flatten(_called(layer, call, tensors))):
                    tensors[layer.name, number, i] = tensor
                    outputs[layer.name, number + _counts_from_one(layer), i] = tensor
            else:
                later.append((layer, number, call))
        if len(later) == len(waiting):
            names = sorted({layer.name for layer, _, _ in later})
            raise ValueError(f"The config leaves the layers {names} without inputs.")
        waiting = later
    return (
        _tensors_at(config.get("input_layers"), tensors),
        _tensors_at(config.get("output_layers"), outputs),
    )


def _called(layer: Any, call: Any, tensors: Mapping[Any, KerasTensor]) -> Any:
    def resolved(value: Any) -> Any:
        place = described(value)
        if place is not None:
            return tensors[place]
        if isinstance(value, list | tuple):
            return [resolved(item) for item in value]
        if isinstance(value, Mapping) and value.get("class_name") in ("__numpy__", "__tensor__"):
            return deserialize_keras_object(value)
        if isinstance(value, Mapping):
            return {key: resolved(item) for key, item in value.items()}
        return value

    kwargs = {key: resolved(value) for key, value in call.get("kwargs", {}).items()}
    # Keras notes mask=None and training=None, which are what is not given.
    return layer(
        *(resolved(value) for value in call["args"]),
        **{key: value for key, value in kwargs.items() if value is not None},
    )


def _tensors_at(places: Any, tensors: Mapping[Any, KerasTensor]) -> Any:
    """Return the tensors at places in lists and dicts: a place is [name, node, index]."""
    if isinstance(places, Mapping):
        return {key: _tensors_at(value, tensors) for key, value in places.items()}
    if not isinstance(places, list | tuple):
        raise ValueError(
            f"The config names no inputs or outputs: expected a place. Received: {places!r}."
        )
    if len(places) == 3 and isinstance(places[0], str):
        found = tensors.get(tuple(places))
        if found is None:
            raise ValueError(f"The config names an output that no layer has: {places!r}.")
        return found
    return [_tensors_at(place, tensors) for place in places]
