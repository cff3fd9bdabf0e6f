"""Models made again: from JSON, or from another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..graph import KerasTensor
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..saving import deserialize_keras_object, serialize_keras_object
from .model import Model
from .sequential import Sequential


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the model that `model.to_json()` described, with new weights.

    Arguments:
        json_string: the JSON.
        custom_objects: {name: class or function}, your own in it.

    Raises:
        ValueError: if it is not JSON, or names what is not known.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> model = Sequential([Input((4,)), Dense(3)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 3)
    """
    import json

    return deserialize_keras_object(json.loads(json_string), custom_objects)


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """Return a model of new layers like those of `model`, with new weights, compiled like it.

    Arguments:
        model: a Sequential; or a model of your own class with a config.
        input_tensors: an Input to start the new model with, instead of one like the old.
        clone_function: makes a layer from one of the model's (not from its Input); from its config
            if not given.
        call_function: not supported; it is for models of the functional API.
        recursive: whether `clone_function` is given the layers of models within the model, and
            not these models.

    Raises:
        ValueError: for `call_function`, and for the other arguments if it is no Sequential.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> model = Sequential([Input((4,)), Dense(3)])
        >>> clone_model(model).get_config() == model.get_config()
        True
    """
    if call_function is not None:
        raise ValueError(
            "`call_function` is not supported: it is for models of the functional API. "
            f"Received: {call_function!r}."
        )
    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, clone_function, recursive)
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "`clone_function` and `input_tensors` are only supported for Sequential models. "
            f"Received: a {type(model).__name__}."
        )
    own = {type(model).__name__: type(model)}
    return deserialize_keras_object(serialize_keras_object(model), own)


def _clone_sequential(
    model: Sequential,
    input_tensors: Any,
    clone_function: Callable[[Layer], Layer] | None,
    recursive: bool,
) -> Sequential:
    clone = clone_function or _from_config

    def make(layer: Layer) -> Layer:
        if recursive and isinstance(layer, Sequential):
            return _clone_sequential(layer, None, clone_function, recursive)
        return clone(layer)

    layers: list[Any] = [make(layer) for layer in model.layers]
    if input_tensors is not None:
        layers.insert(0, _single_input(input_tensors))
    elif model._input is not None:
        layers.insert(0, InputLayer.from_config(model._input.get_config()))
    made = Sequential(layers, name=model.name, trainable=model.trainable)
    if model.compiled:
        made.compile_from_config(model.get_compile_config())
    return made


def _from_config(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())


def _single_input(tensors: Any) -> KerasTensor:
    found = tensors[0] if isinstance(tensors, list | tuple) and len(tensors) == 1 else tensors
    if not isinstance(found, KerasTensor):
        raise ValueError(f"`input_tensors` must be what Input() returns. Received: {tensors!r}.")
    return found
