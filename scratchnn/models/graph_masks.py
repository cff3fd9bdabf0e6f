"""Masks in the configs of functional models, where Keras writes down how it works them out.

Keras notes the mask of a call as a tensor, which operations such as NotEqual lead to from the input
of an Embedding or a Masking. Here masks come beside the data (the layer contract, rule 8), and the
layers make them again when the model is put together: the operations are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Description = Mapping[str, Any]
"""What a config says of a layer, or of an operation, and of its calls."""

Place = tuple[str, int, int]
"""A tensor: the name of its layer, the number of the call, and which of its outputs it is."""


def without_masks(layers: Sequence[Description], outputs: Any) -> list[Description]:
    """Return the layers of a config without the operations that lead to masks alone.

    Arguments:
        layers: of the config of a functional model.
        outputs: the places of the model's outputs.

    Raises:
        ValueError: if a mask does not come from a layer that makes one, but from a tensor of the
            user's own.
    """
    operations = {layer.get("name", ""): layer for layer in layers if _is_operation(layer)}
    if not operations:
        return list(layers)
    used = _used(layers, outputs, operations)
    masks = operations.keys() - used
    made = list(_made_masks(layers))
    for name in masks:
        for call in operations[name]["inbound_nodes"]:
            if operations[name]["class_name"] == "NotEqual" and _compared(call) not in made:
                raise ValueError(
                    f"The config gives a mask of its own, {name!r}, to a layer. Masks come from "
                    "the layers Masking and Embedding(mask_zero=True) here."
                )
    return [_unmasked(layer, masks) for layer in layers if layer.get("name") not in masks]


def _is_operation(layer: Description) -> bool:
    return str(layer.get("module")).startswith("keras.src.ops")


def _used(
    layers: Sequence[Description], outputs: Any, operations: Mapping[str, Description]
) -> set[str]:
    """Return the names of the operations whose results are data for somebody."""
    waiting = [place[0] for place in _output_places(outputs)]
    for layer in layers:
        if layer.get("name") not in operations:
            for call in layer.get("inbound_nodes") or []:
                data = {k: v for k, v in call.get("kwargs", {}).items() if not _names_mask(k)}
                waiting += [place[0] for place in places((call["args"], data))]
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in operations and name not in used:
            used.add(name)
            waiting += [place[0] for place in places(operations[name]["inbound_nodes"])]
    return used


def _names_mask(argument: str) -> bool:
    return argument in ("mask", "query_mask", "value_mask", "key_mask")


def _made_masks(layers: Sequence[Description]) -> Iterator[tuple[Place, Any]]:
    """Yield what layers make masks of, and the value that they hide."""
    for layer in layers:
        config = layer.get("config", {})
        hides = layer.get("class_name") == "Masking" or config.get("mask_zero")
        for call in (layer.get("inbound_nodes") or []) if hides else []:
            for place in places(call["args"]):
                yield place, config.get("mask_value", 0)


def _compared(call: Mapping[str, Any]) -> tuple[Place, Any]:
    """Return what a NotEqual compares: a tensor and a number."""
    given: list[Any] = [*call["args"], *call.get("kwargs", {}).values()]
    return next(places(given)), given[1]


def _unmasked(layer: Description, masks: set[str]) -> Description:
    """Return a layer whose calls are not given masks from these operations."""
    calls = []
    for call in layer.get("inbound_nodes") or []:
        kwargs = {
            key: value
            for key, value in call.get("kwargs", {}).items()
            if not (_names_mask(key) and any(place[0] in masks for place in places(value)))
        }
        calls.append({**call, "kwargs": kwargs})
    return {**layer, "inbound_nodes": calls}


def _output_places(outputs: Any) -> Iterator[Place]:
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if isinstance(outputs, list | tuple):
        if len(outputs) == 3 and isinstance(outputs[0], str):
            yield (outputs[0], outputs[1], outputs[2])
        else:
            for part in outputs:
                yield from _output_places(part)


def places(value: Any) -> Iterator[Place]:
    """Yield the places of all tensors that are described somewhere in a value."""
    found = described(value)
    if found is not None:
        yield found
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from places(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from places(part)


def described(value: Any) -> Place | None:
    """Return the place of the tensor that a config describes, if it describes one."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        name, node, index = value["config"]["keras_history"]
        return name, node, index
    return None
