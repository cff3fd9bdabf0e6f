"""What configs of layers are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Layer


def serialize(layer: Layer) -> Any:
    """Return the config from which `deserialize` makes the layer again, as JSON can hold it.

    Example:
        >>> from scratchnn.layers import Flatten
        >>> serialize(Flatten())["class_name"]
        'Flatten'
    """
    from ..saving import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the layer, or the model, that a config describes, with new weights.

    Arguments:
        config: what `serialize` returned.
        custom_objects: {name: class}, your own in it.

    Raises:
        ValueError: if it describes something else, or a class that is not known.

    Example:
        >>> from scratchnn.layers import Flatten
        >>> deserialize(serialize(Flatten(name="row"))).name
        'row'
    """
    from ..saving import deserialize_keras_object
    from .base import Layer

    layer = deserialize_keras_object(config, custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"Expected the config of a layer. Received: {config!r}.")
    return layer


def dtype_config(dtype: str) -> dict[str, Any]:
    """Return Keras's description of a layer's dtype.

    Example:
        >>> dtype_config("float32")["config"]
        {'name': 'float32'}
    """
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": dtype},
        "registered_name": None,
    }


def plain_dtype(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer's config with the dtype's name in place of its description."""
    from ..saving import deserialize_keras_object

    config = dict(config)
    if isinstance(config.get("dtype"), Mapping):
        config["dtype"] = deserialize_keras_object(config["dtype"])
    return config


def constructor_config(layer: Layer, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a layer was made with, if they are plain, and those in `base`.

    Raises:
        NotImplementedError: if they are not plain.
    """
    given, takes = _arguments(layer)
    own = {name: value for name, value in given.items() if name not in base}
    if not all(isinstance(value, str | int | float | None) for value in _leaves(own)):
        raise NotImplementedError(
            f"The layer {layer.name!r} was made with arguments that JSON cannot hold, so its class "
            f"{type(layer).__name__} must define get_config(), such as:\n\n"
            "    def get_config(self):\n"
            "        config = super().get_config()\n"
            '        config["units"] = self.units\n'
            "        return config\n"
        )
    return {
        **own,
        **{name: value for name, value in base.items() if takes is None or name in takes},
    }


def _arguments(layer: Layer) -> tuple[dict[str, Any], set[str] | None]:
    """Return a constructor's arguments, defaults too, and the names it takes; None if it takes any.

    What was given without a name, and cannot be given by one, is not plain: `...` stands for it.
    """
    import inspect

    from .base import Layer

    cls = type(layer)
    args, kwargs = layer._arguments
    if cls.__init__ is Layer.__init__:
        return dict(kwargs), None
    signature = inspect.signature(cls.__init__)
    bound = signature.bind(layer, *args, **kwargs)
    bound.apply_defaults()
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    given: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            given |= value
        elif kinds[name] in (
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        ):
            given[name] = value
        elif value or kinds[name] is inspect.Parameter.POSITIONAL_ONLY:
            given[name] = ...
    return given, None if inspect.Parameter.VAR_KEYWORD in kinds.values() else set(kinds)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value
