"""Models made again: from JSON, or from another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import tree
from ..graph import KerasTensor
from ..layers.base import Layer
from ..layers.core import Input, InputLayer
from ..saving import deserialize_keras_object, serialize_keras_object
from .model import Model
from .sequential import Sequential

if TYPE_CHECKING:
    from .functional import Functional


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
        model: a Sequential or functional model; or a model of your own class with a config.
        input_tensors: what the new model starts with, in place of Inputs like the old ones: from
            Input, in the structure of `model.input`.
        clone_function: makes a layer from one of the model's (not from its Inputs); from its
            config if not given.
        call_function: called as call_function(layer, *args, **kwargs) for each call of a
            functional model; it returns the outputs, of that layer or of others around it.
        recursive: whether the layers of models within the model are cloned in this way, and not
            these models as a whole.

    Raises:
        ValueError: for `call_function` with a Sequential, for any of these with a model of your
            own class, and for `input_tensors` of another structure.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> model = Sequential([Input((4,)), Dense(3)])
        >>> clone_model(model).get_config() == model.get_config()
        True
    """
    return _Cloning(clone_function, call_function, recursive).model(model, input_tensors)


class _Cloning:
    """One way to clone, and the clones that it made: layers that are shared stay so."""

    def __init__(
        self,
        clone_function: Callable[[Layer], Layer] | None,
        call_function: Callable[..., Any] | None,
        recursive: bool,
    ) -> None:
        self.clone_function = clone_function
        self.call_function = call_function
        self.recursive = recursive
        self._clones: dict[int, Any] = {}

    def model(self, model: Model, input_tensors: Any = None, inner: bool = False) -> Any:
        """Return the clone of a model; `inner` says that it is one within the model."""
        from .functional import Functional

        if isinstance(model, Sequential):
            if self.call_function is not None and not inner:
                raise ValueError(
                    "`call_function` is for functional models: the layers of a Sequential are not "
                    f"called when it is made. Received: a {type(model).__name__}."
                )
            return self._sequential(model, input_tensors)
        if isinstance(model, Functional):
            return self._functional(model, input_tensors)
        if (self.clone_function, self.call_function, input_tensors) != (None, None, None):
            raise ValueError(
                "`clone_function`, `call_function` and `input_tensors` are for Sequential and "
                f"functional models. Received: a {type(model).__name__}."
            )
        own = {type(model).__name__: type(model)}
        return deserialize_keras_object(serialize_keras_object(model), own)

    def _layer(self, layer: Layer) -> Any:
        if id(layer) not in self._clones:
            if self.recursive and isinstance(layer, Model):
                clone = self.model(layer, inner=True)
            elif self.clone_function is not None:
                clone = self.clone_function(layer)
            else:
                clone = type(layer).from_config(layer.get_config())
            self._clones[id(layer)] = clone
        return self._clones[id(layer)]

    def _sequential(self, model: Sequential, input_tensors: Any) -> Any:
        layers: list[Any] = [self._layer(layer) for layer in model.layers]
        if input_tensors is not None:
            layers.insert(0, _single_input(input_tensors))
        elif model._input is not None:
            layers.insert(0, InputLayer.from_config(model._input.get_config()))
        made = Sequential(layers, name=model.name, trainable=model.trainable)
        return _compiled_like(model, made)

    def _functional(self, model: Functional, input_tensors: Any) -> Any:
        if input_tensors is None:
            input_tensors = tree.map_structure(
                lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.layer.name), model.input
            )
        given = tree.flatten(input_tensors)
        if len(given) != len(model.inputs) or not all(isinstance(t, KerasTensor) for t in given):
            raise ValueError(
                f"`input_tensors` must be {len(model.inputs)} KerasTensors, in the structure of "
                f"model.input. Received: {input_tensors!r}."
            )
        copies = {id(old): new for old, new in zip(model.inputs, given, strict=True)}

        def copied(structure: Any) -> Any:
            return tree.map_structure(lambda tensor: copies[id(tensor)], structure)

        for node in model.calls:
            layer = self._layer(node.layer)
            arguments = copied(node.arguments)
            if self.call_function is None:
                found = layer.connect(arguments, node.options)
            else:
                args, kwargs = node.layer.call_arguments(arguments, node.options)
                kwargs = {key: value for key, value in kwargs.items() if value is not None}
                found = self.call_function(layer, *args, **kwargs)
            results = tree.flatten(found)
            copies |= {id(old): new for old, new in zip(node.outputs, results, strict=True)}
        made = type(model)(input_tensors, copied(model.output), name=model.name)
        return _compiled_like(model, made)


def _compiled_like(model: Model, made: Any) -> Any:
    if model.compiled:
        made.compile_from_config(model.get_compile_config())
    return made


def _single_input(tensors: Any) -> KerasTensor:
    found = tensors[0] if isinstance(tensors, list | tuple) and len(tensors) == 1 else tensors
    if not isinstance(found, KerasTensor):
        raise ValueError(f"`input_tensors` must be what Input() returns. Received: {tensors!r}.")
    return found
