"""What exports have in common: a walk through a model's calls, in the order of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..layers.base import Layer
from ..models.functional import Functional
from ..models.sequential import Sequential

Call = Callable[[Any, Any, str, Mapping[str, Any]], Any]
"""Takes a layer, the Value that goes in, or a list of them, a name for what comes out, and the
options of the call; returns the Value that comes out."""


class NotExportableError(ValueError):
    """A layer, or an option of one, has no form in what is exported."""


class Value(NamedTuple):
    """An array in what is exported: its name, shape (N first), dtype, and its mask's name."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    mask: str | None = None

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)


def check_model(model: Any, kind: str) -> None:
    """Raise a ValueError for what is no graph of layers that are built."""
    if not isinstance(model, Sequential | Functional) or not model.built:
        raise ValueError(
            f"Only Sequential and functional models that are built can be exported as {kind}. "
            f"Received: {model!r}."
        )


def refusal(layer: Layer, kind: str, error: NotExportableError) -> ValueError:
    """Return the error that says which layer cannot be exported, and why."""
    return ValueError(
        f"The layer {layer.name!r}, a {type(layer).__name__}, cannot be exported as {kind}, "
        f"which does not support {error}. Nothing was written."
    )


def walk(
    model: Any,
    inputs: list[Value],
    call: Call,
    variable: Callable[[str], str],
    one: str | None = None,
) -> list[Value]:
    """Go through a model's calls and those of models within it; return its outputs.

    Arguments:
        model: the model.
        inputs: its inputs.
        call: called for each layer that is no model.
        variable: returns a name for an array, for the name of a layer.
        one: the name that every array of a Sequential goes by; one of its own if not given.
    """

    def called(layer: Any, x: Any, name: str, options: Mapping[str, Any]) -> Any:
        if not isinstance(layer, Sequential | Functional):
            return call(layer, x, name, options)
        found = walk(layer, x if isinstance(x, list) else [x], call, variable, name)
        return found if len(found) > 1 else found[0]

    if isinstance(model, Sequential):
        (value,) = inputs
        name = one or variable(model.name)
        for layer in model.layers:
            value = called(layer, value, name, {})
        return [value]
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for node in model.calls:
        given = [values[id(tensor)] for tensor in node.inputs]
        x = given if node.layer.takes_several or len(given) > 1 else given[0]
        found = called(node.layer, x, variable(node.layer.name), node.options)
        results = found if isinstance(found, list) else [found]
        values |= {id(tensor): v for tensor, v in zip(node.outputs, results, strict=True)}
    return [values[id(tensor)] for tensor in model.outputs]


def output_shape(layer: Any, x: Any, options: Mapping[str, Any]) -> tuple[int | None, ...]:
    """Return the shape of the one array that comes out of a call."""
    shapes = [value.shape for value in x] if isinstance(x, list) else x.shape
    shape = layer.call_output_shape(shapes, options)
    if isinstance(shape, list):
        raise NotExportableError("several outputs")
    return tuple(shape)


def output_dtype(layer: Any, x: Any) -> str:
    """Return the dtype of what comes out of a call."""
    found = layer.output_dtype([value.dtype for value in (x if isinstance(x, list) else [x])])
    return str(found)


def is_cast(layer: Any, x: Value) -> bool:
    """Whether a layer casts what goes in to its own dtype."""
    return x.dtype != layer.dtype and bool(layer.casts(np.dtype(x.dtype)))


def call_config(layer: Layer, options: Mapping[str, Any], taken: tuple[type, ...]) -> Any:
    """Return a layer's config, and with it the options of a call that change something.

    Arguments:
        layer: the layer.
        options: the arguments of its call beside the inputs.
        taken: the classes of layers that may have any.
    """
    unseen = ("training", "mask", "positional")
    given = {k: v for k, v in options.items() if k not in unseen and v is not False}
    if given and not isinstance(layer, taken):
        raise NotExportableError(f"calls with {', '.join(given)}")
    return {**config_of(layer), **given}


def config_of(layer: Layer) -> dict[str, Any]:
    """Return a layer's config, without which there is no form for it."""
    try:
        return layer.get_config()
    except (TypeError, NotImplementedError) as error:
        raise NotExportableError(f"what has no config ({error})") from None


def sizes(value: Any, rank: int) -> list[int]:
    """Return one number for each of `rank` axes."""
    return [value] * rank if isinstance(value, int) else list(value)


def same_ranks(x: list[Value]) -> None:
    """Refuse inputs of different numbers of axes, which do not line up by themselves."""
    if len({value.rank for value in x}) > 1:
        raise NotExportableError("inputs of different numbers of axes")
