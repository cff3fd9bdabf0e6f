"""Regularizers, constraints and initializers: the same names, configs and JSON as Keras."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import scratchnn

MODULES = ("regularizers", "constraints", "initializers")
REFUSED = {"STFT", "STFTInitializer", "stft"}

OBJECTS = [
    ("regularizers", "L1", {}),
    ("regularizers", "L1", {"l1": 0.3}),
    ("regularizers", "L2", {}),
    ("regularizers", "L2", {"l2": 0.3}),
    ("regularizers", "L1L2", {}),
    ("regularizers", "L1L2", {"l1": 0.3, "l2": 0.1}),
    ("regularizers", "OrthogonalRegularizer", {}),
    ("regularizers", "OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
    ("constraints", "MaxNorm", {}),
    ("constraints", "MaxNorm", {"max_value": 3, "axis": [0, 1]}),
    ("constraints", "MinMaxNorm", {}),
    ("constraints", "MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.5, "axis": 1}),
    ("constraints", "NonNeg", {}),
    ("constraints", "UnitNorm", {"axis": 1}),
    ("initializers", "Constant", {"value": 2.5}),
    ("initializers", "Identity", {}),
    ("initializers", "Ones", {}),
    ("initializers", "Zeros", {}),
    ("initializers", "RandomNormal", {"mean": 1.0, "stddev": 0.2, "seed": 3}),
    ("initializers", "TruncatedNormal", {"seed": 3}),
    ("initializers", "RandomUniform", {"minval": -1.0, "maxval": 2.0, "seed": 3}),
    ("initializers", "VarianceScaling", {"scale": 2.0, "mode": "fan_out", "seed": 3}),
    ("initializers", "GlorotNormal", {"seed": 3}),
    ("initializers", "GlorotUniform", {}),
    ("initializers", "HeNormal", {"seed": 3}),
    ("initializers", "HeUniform", {"seed": 3}),
    ("initializers", "LecunNormal", {"seed": 3}),
    ("initializers", "LecunUniform", {"seed": 3}),
    ("initializers", "Orthogonal", {"gain": 2.0, "seed": 3}),
]


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_keras_is_there_or_refused(module: str) -> None:
    theirs = {name for name in dir(getattr(keras, module)) if not name.startswith("_")}
    ours = getattr(scratchnn, module)
    for name in theirs:
        if name in REFUSED:
            with pytest.raises(NotImplementedError, match=r"is not supported, because"):
                getattr(ours, name)
        else:
            assert getattr(ours, name, None) is not None, name
            assert name in ours.__all__


@pytest.mark.parametrize(
    ("module", "name", "arguments"), OBJECTS, ids=[f"{n} {a}" for _, n, a in OBJECTS]
)
def test_configs(module: str, name: str, arguments: dict[str, object]) -> None:
    ours, theirs = getattr(scratchnn, module), getattr(keras, module)
    mine, other = getattr(ours, name)(**arguments), getattr(theirs, name)(**arguments)
    assert mine.get_config() == other.get_config()
    saved = theirs.serialize(other)
    assert ours.serialize(mine) == saved
    read = json.loads(json.dumps(saved))
    assert ours.deserialize(read).get_config() == mine.get_config()
    assert ours.get(read).get_config() == mine.get_config()
    assert (
        theirs.deserialize(json.loads(json.dumps(ours.serialize(mine)))).get_config()
        == saved["config"]
    )
    assert type(mine).from_config(mine.get_config()).get_config() == mine.get_config()


@pytest.mark.parametrize("module", MODULES)
def test_names_that_get_takes(module: str) -> None:
    ours, theirs = getattr(scratchnn, module), getattr(keras, module)
    for _, name, _ in [o for o in OBJECTS if o[0] == module]:
        for spelled in (name, keras.src.utils.naming.to_snake_case(name)):
            if name == "Constant":  # Keras makes none without a value
                continue
            assert type(ours.get(spelled)).__name__ == type(theirs.get(spelled)).__name__


def test_constraints_at_work() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 5)).astype("float32") * 3
    for _, name, arguments in [o for o in OBJECTS if o[0] == "constraints"]:
        mine = getattr(scratchnn.constraints, name)(**arguments)
        other = getattr(keras.constraints, name)(**arguments)
        np.testing.assert_allclose(mine(weights), np.asarray(other(weights)), rtol=1e-6, atol=1e-7)


def test_regularizers_at_work() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    for _, name, arguments in [o for o in OBJECTS if o[0] == "regularizers"]:
        mine = getattr(scratchnn.regularizers, name)(**arguments)
        other = getattr(keras.regularizers, name)(**arguments)
        np.testing.assert_allclose(
            mine(weights), np.asarray(other(keras.ops.convert_to_tensor(weights))), rtol=2e-6
        )


def test_every_layer_of_keras_is_there_or_refused() -> None:
    names = {name for name in dir(keras.layers) if not name.startswith("_")}
    assert names <= set(scratchnn.layers.__all__) | set(scratchnn.layers.MISSING)
    assert not set(scratchnn.layers.__all__) & set(scratchnn.layers.MISSING)
    for name in scratchnn.layers.MISSING:
        with pytest.raises(NotImplementedError, match=r"is not supported, because"):
            getattr(scratchnn.layers, name)
