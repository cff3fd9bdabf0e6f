"""The state of a model: which object's variables stand where in a file, and how they get there.

Keras's order of things, so that its files and these are the same: the variables of the model's
layers, by class and number of occurrence, and of layers within layers, by attribute:

    layers/dense/vars/0             the kernel of the first Dense, whatever its name
    layers/dense/vars/1             its bias
    layers/dense_1/vars/0           the kernel of the second
    layers/my_layer/inner/vars/0    the first weight of my_layer.inner
    layers/sequential/layers/...    those of a model within the model
    optimizer/vars/0                iteration, then the learning rate, then the slots
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Protocol

import numpy as np

from .. import naming
from ..arrays import Array
from ..layers.base import Layer
from ..parameters import Parameter
from .errors import ModelFileError, reading

Variables = dict[str, Array]
"""The variables of one object: '0', '1', ..."""


class Reader(Protocol):
    """A file of weights, open for reading."""

    path: str

    def variables(self, place: str) -> Variables:
        """Return the variables of the object at `place`; none if it is not in the file."""


def saved_objects(model: Layer) -> Iterator[tuple[str, Layer]]:
    """Yield the model and the layers in it, each once, with its place in a file."""
    yield from _visit(model, "", set(), ())


def _visit(
    found: Any, place: str, seen: set[int], within: tuple[int, ...]
) -> Iterator[tuple[str, Layer]]:
    """Yield the layers in a layer, or in a container that is not `within` itself."""
    if isinstance(found, Layer):
        if id(found) not in seen:
            seen.add(id(found))
            yield place, found
            for name, value in _children(found):
                yield from _visit(value, f"{place}/{name}" if place else name, seen, ())
    elif isinstance(found, list | tuple | dict) and id(found) not in within:
        within = (*within, id(found))
        used: dict[str, int] = {}
        for item in found.values() if isinstance(found, dict) else found:
            if isinstance(item, Layer | list | tuple | dict):
                kind = type(item).__name__ if isinstance(item, Layer) else "container"
                name = _numbered(naming.to_snake_case(kind), used)
                yield from _visit(item, f"{place}/{name}", seen, within)


def _numbered(name: str, used: dict[str, int]) -> str:
    count = used[name] = used.get(name, -1) + 1
    return f"{name}_{count}" if count else name


def _children(layer: Layer) -> Iterator[tuple[str, Any]]:
    """Yield what may be or hold layers, in Keras's order: private attributes last."""
    if _is_graph(layer):
        yield "layers", layer.layers  # type: ignore[attr-defined]
    for name in sorted(dir(layer), key=lambda name: f"~{name}" if name[0] == "_" else name):
        if name.startswith("__") or name in _attributes_of_every_layer():
            continue
        with contextlib.suppress(Exception):  # a property that cannot be had yet is no state
            value = getattr(layer, name)
            if not _is_input(value):
                yield name, value


def _is_graph(layer: Layer) -> bool:
    from ..models import Sequential
    from ..models.functional import Functional

    return isinstance(layer, Sequential | Functional)


def _is_input(value: Any) -> bool:
    from ..layers import InputLayer

    return isinstance(value, InputLayer)


@cache
def _attributes_of_every_layer() -> frozenset[str]:
    return frozenset(dir(Layer(name="any")))


# Writing -----------------------------------------------------------------------------------------


def model_state(model: Any) -> Iterator[tuple[str, str, Variables]]:
    """Yield (place, name, variables) of the model's objects, its optimizer last."""
    for place, layer in saved_objects(model):
        own: dict[str, Any] = {}
        layer.save_own_variables(own)
        yield place, layer.name, {key: np.asarray(value) for key, value in own.items()}
    if getattr(model, "optimizer", None) is not None:
        numbered = enumerate(model.optimizer.variables)
        yield "optimizer", model.optimizer.name, {str(i): v.numpy() for i, v in numbered}


# Reading -----------------------------------------------------------------------------------------


Plan = list[tuple[Layer, Variables]]
"""Layers, and the variables each will load."""


def plan_layers(
    model: Any, file: Reader, skip_mismatch: bool = False, objects_to_skip: Iterable[Any] = ()
) -> Plan:
    """Read what a model's layers will load, and check that it fits; nothing is changed yet.

    Raises:
        ModelFileError: if the file is broken, or does not fit. With `skip_mismatch`, what does not
            fit is left out with a warning.
    """
    skipped = {id(layer) for layer in objects_to_skip}
    plan: Plan = []
    misfits: list[tuple[Layer, str]] = []
    for place, layer in saved_objects(model):
        if id(layer) in skipped:
            continue
        own = file.variables(place)
        reason = None if _loads_itself(layer) else misfit(layer, own)
        if reason is None:
            plan.append((layer, own))
        else:
            misfits.append((layer, reason))
    if misfits:
        text = (
            f"{len(misfits)} object(s) could not be loaded: "
            f"{[layer.name for layer, _ in misfits]}. {misfits[0][1]}"
        )
        if not skip_mismatch:
            raise ModelFileError(file.path, "", text)
        warnings.warn(f"From {file.path!r}, {text}", stacklevel=4)
    return plan


def load_layers(model: Any, plan: Plan, file: Reader, fresh: bool = False) -> None:
    """Give the variables of a model's layers their new values: all of them or, on error, none.

    Arguments:
        model: the model.
        plan: what `plan_layers` returned.
        file: where it is from.
        fresh: whether nobody has the model yet, so that no copy of its weights needs to be kept.
    """
    before = [] if fresh else [(weight, weight.numpy()) for weight in model.weights]
    try:
        for layer, own in plan:
            with reading(file.path, f"the variables of {layer.name!r}"):
                layer.load_own_variables(own)
    except BaseException:
        for weight, value in before:
            weight.assign(value)
        raise


def misfit(layer: Layer, own: Variables) -> str | None:
    """Say why these variables cannot be those of a layer; None if they can."""
    weights = layer.own_weights
    if set(own) != {str(i) for i in range(len(weights))}:
        built = "" if layer.built else " It has not been built."
        return (
            f"The layer {layer.name!r} expected {len(weights)} variables: "
            f"{[w.name for w in weights]}. Received: {len(own)}.{built}"
        )
    reasons = (mismatch(weight, own[str(i)]) for i, weight in enumerate(weights))
    return next(filter(None, reasons), None)


def mismatch(variable: Parameter, value: Array) -> str | None:
    """Say why a value cannot be a variable's; None if it can."""
    if value.shape == variable.shape and np.can_cast(value.dtype, variable.dtype, "same_kind"):
        return None
    return (
        f"{variable.path!r} expected shape {variable.shape}, dtype {variable.dtype}. "
        f"Received: shape {value.shape}, dtype {value.dtype}."
    )


def _loads_itself(layer: Layer) -> bool:
    return type(layer).load_own_variables is not Layer.load_own_variables


def plan_optimizer(optimizer: Any, file: Reader) -> list[tuple[Parameter, Array]]:
    """Return an optimizer's variables with the values that a file has for them.

    If the file has others, none are loaded; as in Keras, this is a warning, not an error.

    Raises:
        ModelFileError: if the file is broken, or a variable's shape or kind differs.
    """
    own = file.variables("optimizer")
    variables = optimizer.variables
    if set(own) != {str(i) for i in range(len(variables))}:
        if len(own) > 2:  # more than the iteration and the learning rate
            warnings.warn(
                f"The state of the optimizer {optimizer.name!r} is not loaded from {file.path!r}: "
                f"it has {len(variables)} variables, and the file {len(own)}."
                + ("" if optimizer.built else " It is not built before training begins."),
                stacklevel=4,
            )
        return []
    plan = [(variable, own[str(i)]) for i, variable in enumerate(variables)]
    for i, (variable, value) in enumerate(plan):
        reason = mismatch(variable, value)
        if reason is not None:
            raise ModelFileError(file.path, f"optimizer/vars/{i}", reason)
    return plan
