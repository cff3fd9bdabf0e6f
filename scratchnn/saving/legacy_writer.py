"""Writing Keras's older files, .h5 and .hdf5, as Keras 3 does; legacy_h5.py has their layout.

A description of a layer is {"class_name", "config"} there, without the module that it is from.
Files are written through h5py, which hdf5.py imports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np

from ..layers.base import Layer
from ..parameters import Parameter
from . import assets, limits
from .hdf5 import import_h5py
from .legacy_h5 import MODEL, OPTIMIZER, TOP, TRAINING, WEIGHTS, old_order, top_weights
from .serialization import OPERATIONS, serialize_keras_object

_LARGEST = 64512
"""Bytes of an attribute, which an object's header of 64 KB must have room for."""

_BACKEND = "tensorflow"
"""Whose layout of weights this is; old versions of Keras turn those of others around."""


def legacy_attributes(model: Any, version: str, include_optimizer: bool = True) -> dict[str, str]:
    """Return the attributes of a model's file: who wrote it, and the configs.

    Arguments:
        model: the model.
        version: the version of Keras whose format it is.
        include_optimizer: whether to say how the model was compiled.

    Raises:
        TypeError: if a part of the model has no config.
        ValueError: for what these files have no form for.
    """
    if assets.collected(model):
        raise ValueError(
            "An .h5 file has no place for the vocabularies that layers of this model learned: save "
            "it as .keras."
        )
    config = serialize_keras_object(model)
    limits.check_extent(config)  # what would not be loaded again
    found = {
        "keras_version": version,
        "backend": _BACKEND,
        MODEL: json.dumps(_old_model(config)),
    }
    compiling = serialize_keras_object(model.get_compile_config()) if include_optimizer else {}
    if compiling:
        optimizer = compiling.pop("optimizer")
        training = {key: _old_objects(value) for key, value in compiling.items()}
        found[TRAINING] = json.dumps({**training, "optimizer_config": _old_objects(optimizer)})
    return found


def write_legacy(file: BinaryIO, model: Any, attributes: Mapping[str, str]) -> None:
    """Write a whole model: its attributes, its weights and, if it is compiled, its optimizer's.

    Arguments:
        file: where to, open.
        model: the model.
        attributes: what `legacy_attributes` returned; with a config of training, the optimizer's
            state is written.
    """
    with import_h5py().File(file, "w") as root:
        for name, text in attributes.items():
            root.attrs[name] = text
        _write_layers(root.create_group(WEIGHTS), model, attributes["keras_version"])
        if TRAINING in attributes:
            _write_arrays(root.create_group(OPTIMIZER), model.optimizer.variables)


def write_legacy_weights(file: BinaryIO, model: Any, version: str) -> None:
    """Write a model's weights alone, without the optimizer's state, for which there is no place."""
    with import_h5py().File(file, "w") as root:
        _write_layers(root, model, version)


def _write_layers(group: Any, model: Any, version: str) -> None:
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = _BACKEND
    group.attrs["keras_version"] = version
    layers: Iterable[Layer] = sorted(model.layers, key=lambda layer: layer.name)
    for layer in layers:
        _write_arrays(group.create_group(layer.name), old_order(layer))
    _write_arrays(group.create_group(TOP), top_weights(model))


def _write_arrays(group: Any, variables: list[Parameter]) -> None:
    names = [variable.path for variable in variables]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"An .h5 file knows weights by their paths, and two are named {twice!r}: save as "
            ".keras, or give the layers names of their own."
        )
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group[name] = np.asarray(variable.value)


def _write_names(group: Any, name: str, names: list[str]) -> None:
    """Write a list of names: in one attribute, or in parts, name0, name1, ..., that fit."""
    encoded = [one.encode() for one in names]
    array, count = np.asarray(encoded), 1
    parts = [array]
    while any(part.nbytes > _LARGEST for part in parts):
        count += 1
        if count > len(names):
            raise ValueError("An .h5 file has no room for names as long as those of this model.")
        parts = np.array_split(array, count)
    if count == 1:
        group.attrs[name] = encoded
    for i, part in enumerate(parts if count > 1 else ()):
        group.attrs[f"{name}{i}"] = part


# Configs ------------------------------------------------------------------------------------------


def _old_model(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the older form of the description of a model or layer; in a graph, with its calls."""
    if str(description.get("module")).startswith(OPERATIONS):
        raise ValueError(
            f"An .h5 file has no form for the operation {description['class_name']!r} of this "
            "model's graph, which Keras does not load from one: save it as .keras."
        )
    found = _old_object(description)
    if isinstance(found["config"].get("layers"), list):
        inner = [_old_model(layer) for layer in found["config"]["layers"]]
        found["config"] = {**found["config"], "layers": inner}
    beside = ("name", "inbound_nodes")
    return found | {key: description[key] for key in beside if key in description}


def _old_object(description: Mapping[str, Any]) -> dict[str, Any]:
    name = description.get("registered_name") or description["class_name"]
    return {"class_name": name, "config": description["config"]}


def _old_objects(config: Any) -> Any:
    """Return lists and dicts of descriptions with each in its older form; functions by name."""
    if isinstance(config, Mapping) and "class_name" in config:
        return config["config"] if config["class_name"] == "function" else _old_object(config)
    if isinstance(config, Mapping):
        return {key: _old_objects(value) for key, value in config.items()}
    return [_old_objects(value) for value in config] if isinstance(config, list | tuple) else config
