"""Keras's older files: .h5 and .hdf5, of Keras 1 and 2, tf.keras, and Keras 3 if asked for them.

    attributes keras_version, backend, model_config, training_config: strings, the latter two JSON
    model_weights/                    attribute layer_names: the layers, in the model's order
    model_weights/dense/              attribute weight_names: ["dense/kernel:0", "dense/bias:0"]
    model_weights/dense/dense/kernel:0
    optimizer_weights/                attribute weight_names: ["Adam/m/dense/kernel:0", ...]

A file of weights has what is in model_weights at its root. A layer's weights stand in the order of
Keras 1: first those that are trained.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO

from ..arrays import Array
from ..layers.base import Layer
from ..parameters import Parameter
from . import limits
from .errors import ModelFileError, reading
from .hdf5_reader import Group, Hdf5
from .registration import custom_object_scope
from .serialization import check_is_model, deserialize_keras_object
from .state import mismatch

Values = list[tuple[str, Array]]
"""Names and arrays of weights."""

Plan = list[tuple[Parameter, Array]]
"""Parameters, and the values each will get."""

MODEL, TRAINING, WEIGHTS = "model_config", "training_config", "model_weights"
OPTIMIZER, TOP = "optimizer_weights", "top_level_model_weights"

_SLOTS = {
    "m": "momentum",
    "v": "velocity",
    "vhat": "velocity_hat",
    "u": "norm",
    "rms": "velocity",
    "mg": "average_gradient",
    "accum_grad": "accumulated_grad",
    "accum_var": "accumulated_delta_var",
}
"""What Keras 2 called the slots of optimizers, where it has another name here."""


def is_legacy(root: Group) -> bool:
    """Whether an HDF5 file is one of these."""
    return WEIGHTS in root.members or _listed(root, "layer_names") is not None


class LegacyFile:
    """One of Keras's older files, open for reading.

    Arguments:
        path: the name of the file, for errors.
        file: what is read, open.

    Raises:
        ModelFileError: if it is not HDF5, or another kind of it.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        with reading(path):
            self.root = Hdf5(file).root
            self.size = self.root.file.size
            weights = self.root.group(WEIGHTS)
            self._weights = self.root if weights is None else weights
            if _listed(self._weights, "layer_names") is None:
                raise ValueError(
                    "it has no list of layers, so it is none of Keras's older files; one of "
                    "save_weights is named .weights.h5"
                )
        self._parameters: dict[str, Parameter] = {}  # by their names in the file, once planned

    def config(self, name: str) -> Any:
        """Return the config in an attribute of the file; None if it has none."""
        with reading(self.path, name):
            text = self.root.attribute(name)
            if text is None:
                return None
            if not isinstance(text, str) or len(text) > limits.MAX_CONFIG:
                raise ValueError(f"it is no string of at most {limits.MAX_CONFIG} characters")
            config = json.loads(text)
            limits.check_extent(config)
            return config

    # Weights ------------------------------------------------------------------------------------

    def plan(
        self, model: Any, skip_mismatch: bool = False, by_name: bool = False, whole: bool = False
    ) -> Plan:
        """Read what a model's layers will load, and check that it fits; nothing is changed yet.

        Arguments:
            model: the model, built.
            skip_mismatch: whether to leave out, with a warning, what does not fit.
            by_name: whether a layer takes the weights of the one of its name in the file, and
                none if there is none; else the layers with weights take them in their order.
            whole: whether the model was made from this file, and names are to be trusted.

        Raises:
            ModelFileError: if the file is broken, or does not fit.
        """
        with reading(self.path, "layer_names"):
            names = _listed(self._weights, "layer_names") or []
            values = {name: self._values(name) for name in names}
        pairs = self._pairs(model, values, by_name, whole)
        if TOP in self._weights.members:
            pairs.append((top_weights(model), self._values(TOP), f"the model {model.name!r}"))
        plan: Plan = []
        misfits = []
        for weights, given, what in pairs:
            reason = _misfit(weights, given, what)
            if reason is None:
                plan += [(w, array) for w, (_, array) in zip(weights, given, strict=True)]
                named = zip(weights, given, strict=True)
                self._parameters |= {name.removesuffix(":0"): w for w, (name, _) in named}
            else:
                misfits.append(reason)
        if misfits and not skip_mismatch:
            raise ModelFileError(self.path, "", misfits[0])
        for reason in misfits:
            warnings.warn(f"From {self.path!r}, some is left out: {reason}", stacklevel=4)
        return plan

    def _pairs(
        self, model: Any, values: dict[str, Values], by_name: bool, whole: bool
    ) -> list[tuple[list[Parameter], Values, str]]:
        """Return which weights get which values, and what to call them."""
        holding = {layer.name: layer for layer in model.layers if layer.weights}
        filled = {name: given for name, given in values.items() if given}
        if by_name:
            named = {layer.name: layer for layer in model.layers}
            chosen = [(named[name], given) for name, given in values.items() if name in named]
        elif whole and set(holding) == set(filled):
            chosen = [(holding[name], given) for name, given in filled.items()]
        elif len(holding) == len(filled):
            chosen = list(zip(holding.values(), filled.values(), strict=True))
        else:
            raise ModelFileError(
                self.path,
                "layer_names",
                f"the model has {len(holding)} layers with weights, {list(holding)}, and the file "
                f"has {len(filled)}: {list(filled)}",
            )
        return [(old_order(layer), given, f"the layer {layer.name!r}") for layer, given in chosen]

    def _values(self, layer: str) -> Values:
        """Return the weights of a layer in the file."""
        with reading(self.path, f"{WEIGHTS}/{layer}"):
            group = self._weights.group(*_parts(layer))  # Keras 2 let names have slashes
            if group is None:
                raise ValueError("it is not in the file")
            return _arrays(group)

    # The optimizer ------------------------------------------------------------------------------

    def plan_optimizer(self, optimizer: Any) -> Plan:
        """Return an optimizer's variables with the values that the file has for them.

        The optimizer has been built for the model that `plan` was given. If the file has another
        state, none is loaded, with a warning, as in Keras.
        """
        with reading(self.path, OPTIMIZER):
            group = self.root.group(OPTIMIZER)
            given = [] if group is None else _arrays(group)
        if not given:
            return []
        variables = optimizer.variables
        plan: Plan = []
        if given[0][0].endswith(":0"):
            plan = self._by_name(variables, given)
        elif len(given) == len(variables):
            plan = [(v, array) for v, (_, array) in zip(variables, given, strict=True)]
        if not plan or any(mismatch(v, array) for v, array in plan):
            warnings.warn(
                f"The state of the optimizer {optimizer.name!r} is not loaded from {self.path!r}: "
                f"its {len(given)} variables are not the {len(variables)} of today.",
                stacklevel=4,
            )
            return []
        return plan

    def _by_name(self, variables: list[Parameter], given: Values) -> Plan:
        """Return the plan for the names of Keras 2: 'Adam/m/dense/kernel:0', and for its old
        optimizers 'Adam/dense/kernel/m:0'. It had no variable for the learning rate.
        """
        named = {v.name: v for v in variables}
        plan = [(named["iteration"], given[0][1])]
        for name, array in given[1:]:
            _, _, place = name.removesuffix(":0").partition("/")
            before, _, after = place.partition("/")
            if after not in self._parameters:
                after, _, before = place.rpartition("/")
            parameter = self._parameters.get(after)
            slot = _SLOTS.get(before, before)
            found = parameter and named.get(f"{parameter.path.replace('/', '_')}_{slot}")
            if not found:
                return []
            plan.append((found, array))
        return plan if len(plan) == len(variables) - ("learning_rate" in named) else []


def load_legacy_model(
    path: str, custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Any:
    """Return the model in one of Keras's older files; `saving.load_model` says the rest."""
    from .legacy_config import modern_compilation, modern_model

    with open(path, "rb") as opened:
        file = LegacyFile(path, opened)
        config = file.config(MODEL)
        if config is None:
            raise ModelFileError(
                path,
                MODEL,
                "the file has no config, so it is no whole model. If it holds weights, make the "
                "model and call its load_weights()",
            )
        with reading(path, MODEL), limits.weights_from_file(file.size):
            config = modern_model(config)
            limits.check_sizes(config)
            model = deserialize_keras_object(config, custom_objects)
            check_is_model(model)
        assign(file.plan(model, whole=True), model)
        compiling = file.config(TRAINING) if compile else None
        if compiling is not None:
            part = f"{TRAINING} (compile=False leaves it out)"
            with reading(path, part), custom_object_scope(custom_objects):
                compiling = modern_compilation(compiling)
                limits.check_sizes(compiling)
                model.compile_from_config(compiling)
            for variable, value in file.plan_optimizer(model.optimizer):
                variable.assign(value)
    return model


def assign(plan: Plan, model: Any) -> None:
    """Give the parameters their values, and let layers that depend on them take note."""
    for parameter, value in plan:
        parameter.assign(value)
    for layer in model.walk():
        finalize = getattr(layer, "finalize_state", None)
        if finalize is not None:
            finalize()


def old_order(layer: Layer) -> list[Parameter]:
    """Return a layer's weights in the order of Keras 1: first those that are trained."""
    return layer.trainable_weights + layer.non_trainable_weights


def top_weights(model: Any) -> list[Parameter]:
    """Return the weights of the model itself, which only a class of one's own has."""
    return sorted(model.own_weights, key=lambda weight: not weight.trainable)


def _misfit(weights: list[Parameter], given: Values, what: str) -> str | None:
    """Say why values cannot be those of some weights; None if they can."""
    if len(weights) != len(given):
        return (
            f"{what} expected {len(weights)} weights: {[w.name for w in weights]}. "
            f"Received: {len(given)}."
        )
    reasons = (mismatch(w, array) for w, (_, array) in zip(weights, given, strict=True))
    return next(filter(None, reasons), None)


def _arrays(group: Group) -> Values:
    """Return the arrays that a group lists."""
    return [(name, _array(group, name)) for name in _listed(group, "weight_names") or []]


def _array(group: Group, name: str) -> Array:
    *folders, last = _parts(name) or [""]
    found = group.group(*folders)
    if found is None:
        raise ValueError(f"{name!r} is not in the file")
    return found.dataset(last).read()


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part]


def _listed(group: Group, name: str) -> list[str] | None:
    """Return a list of names in an attribute, or in several of 64 KB, name0, name1, ..."""
    found = group.attribute(name)
    if found is None and f"{name}0" in group.attributes:
        found, number = [], 0
        while f"{name}{number}" in group.attributes:
            part = group.attribute(f"{name}{number}")
            found += part if isinstance(part, list) else [part]
            number += 1
    if found is None:
        return None
    found = found if isinstance(found, list) else [found]
    if not all(isinstance(item, str) for item in found):
        if not any(found):  # an empty list has the dtype of numbers
            return []
        raise ValueError(f"{name} is no list of names")
    return found
