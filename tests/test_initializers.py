"""Initializers: golden vectors made by Keras, names, configs, and bad input."""

from __future__ import annotations

import json
import random as python_random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnn import config, initializers, random
from scratchnn.random import SeedGenerator

VECTORS = json.loads((Path(__file__).parent / "data" / "random_vectors.json").read_text())
RANDOM = [
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
    initializers.GlorotUniform,
    initializers.GlorotNormal,
    initializers.HeUniform,
    initializers.HeNormal,
    initializers.LecunUniform,
    initializers.LecunNormal,
    initializers.Orthogonal,
]
PRESETS = RANDOM[4:10]
CONSTANT = [
    initializers.Zeros,
    initializers.Ones,
    initializers.Constant,
    initializers.Identity,
]


@pytest.fixture(autouse=True)
def unseeded() -> Iterator[None]:
    state = python_random.getstate()
    yield
    python_random.setstate(state)
    random.set_global_seed(None)


# --- values


@pytest.mark.parametrize("name", VECTORS["initializers"])
def test_values_are_those_of_keras(name):
    found = getattr(initializers, name)(seed=7)((4, 3)).numpy()
    expected = np.array(VECTORS["initializers"][name], np.float32)
    assert found.dtype == np.float32
    if name == "Orthogonal":
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    elif "Uniform" in name:
        np.testing.assert_array_equal(found, expected)
    else:  # Box and Muller's functions are rounded by another library
        np.testing.assert_array_max_ulp(found, expected, maxulp=4)


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2,), "int32"), [1, 1])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((2, 2)), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(initializers.Identity(3)((2, 3)), 3 * np.eye(2, 3))
    assert initializers.Zeros()((2,), "bool").dtype == bool
    assert initializers.Identity()((2, 2), "float64").dtype == np.float64


@pytest.mark.parametrize("make", [*RANDOM, *CONSTANT], ids=lambda c: c.__name__)
def test_dtype(make):
    initializer = make()
    narrow, wide = initializer((4, 6), "float32"), initializer((4, 6), np.float64)
    assert narrow.shape == wide.shape == (4, 6)
    assert narrow.dtype == np.float32
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(narrow, wide)
    config.set_floatx("float64")
    try:
        assert initializer((2, 2)).dtype == np.float64
    finally:
        config.set_floatx("float32")


@pytest.mark.parametrize("make", RANDOM, ids=lambda c: c.__name__)
def test_one_instance_gives_the_same_numbers_at_every_call(make):
    python_random.seed(3)
    initializer, other = make(), make()
    np.testing.assert_array_equal(initializer((5, 4)), initializer((5, 4)))
    assert not np.array_equal(initializer((5, 4)), other((5, 4)))
    generator = make(seed=SeedGenerator(3))
    assert not np.array_equal(generator((5, 4)), generator((5, 4)))


def test_seeds_are_drawn_at_construction_and_in_order():
    random.set_random_seed(42)
    made = [initializers.get(name) for name in ("glorot_uniform", "zeros", "orthogonal", "normal")]
    seeds = [made[0].seed, made[2].seed, made[3].seed]
    assert seeds == VECTORS["python_seeds"]["42"][:3]


@given(
    st.lists(st.integers(1, 6), min_size=0, max_size=4),
    st.sampled_from(["fan_in", "fan_out", "fan_avg"]),
)
def test_uniform_limits(shape, mode):
    values = initializers.VarianceScaling(2.0, mode, "uniform", seed=1)(shape)
    fan_in, fan_out = initializers.compute_fans(shape)
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    assert values.shape == tuple(shape)
    assert (np.abs(values) <= np.float32(np.sqrt(6 / n))).all()


@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
def test_variance_scaling_has_the_variance_it_promises(distribution):
    values = initializers.VarianceScaling(3.0, "fan_in", distribution, seed=1)((300, 200))
    assert abs(values.var() / (3 / 300) - 1) < 0.02


def test_fans():
    assert initializers.compute_fans(()) == (1, 1)
    assert initializers.compute_fans((5,)) == (5, 5)
    assert initializers.compute_fans((4, 3)) == (4, 3)
    assert initializers.compute_fans((3, 3, 2, 8)) == (18, 72)
    assert initializers.compute_fans((2, 3, 4), [0], [1, 2]) == (2, 12)
    assert initializers.compute_fans((2, 3, 4), [0], None) == (6, 8)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (3, 3, 2, 8), (2, 3, 20)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(2.0, seed=1)(shape).reshape(-1, shape[-1])
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(min(rows, columns)), atol=1e-5)


# --- configs and names


@pytest.mark.parametrize("make", [*RANDOM, *CONSTANT], ids=lambda c: c.__name__)
def test_configs_go_round(make):
    initializer = make(seed=5) if make in RANDOM else make()
    again = make.from_config(initializer.get_config())
    np.testing.assert_array_equal(initializer((3, 4)), again((3, 4)))
    np.testing.assert_array_equal(initializer((3, 4)), initializer.clone()((3, 4)))
    saved = json.loads(json.dumps(initializers.serialize(initializer)))
    assert saved["module"] == "keras.initializers"
    assert saved["registered_name"] is None
    again = initializers.get(saved)
    assert type(again) is make
    assert again.get_config() == initializer.get_config()


def test_config_contents():
    assert initializers.Constant(2).get_config() == {"value": 2}
    assert initializers.Identity(2).get_config() == {"gain": 2}
    assert initializers.Zeros().get_config() == {}
    assert initializers.RandomNormal(seed=1).get_config() == {
        "seed": 1,
        "mean": 0.0,
        "stddev": 0.05,
    }
    assert initializers.RandomUniform().get_config() == {
        "seed": None,
        "minval": -0.05,
        "maxval": 0.05,
    }
    assert initializers.Orthogonal(2.0).get_config() == {"seed": None, "gain": 2.0}
    assert initializers.VarianceScaling(distribution="Normal").get_config() == {
        "seed": None,
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "input_axes": None,
        "output_axes": None,
    }
    for preset in PRESETS:
        axes = {"input_axes": [0], "output_axes": [1]}
        assert preset(3, [0], [1]).get_config() == {"seed": 3, **axes}


def test_a_seed_generator_in_a_config():
    initializer = initializers.GlorotUniform(seed=SeedGenerator(3, name="g"))
    saved = json.loads(json.dumps(initializers.serialize(initializer)))
    assert saved["config"]["seed"] == {
        "module": "keras.random",
        "class_name": "SeedGenerator",
        "config": {"seed": 3, "name": "g"},
        "registered_name": None,
    }
    again = initializers.get(saved)
    np.testing.assert_array_equal(again((2, 2)), initializer((2, 2)))


NAMES = {
    "zeros": "Zeros",
    "zero": "Zeros",
    "ones": "Ones",
    "one": "Ones",
    "constant": "Constant",
    "identity": "Identity",
    "IdentityInitializer": "Identity",
    "orthogonal": "Orthogonal",
    "OrthogonalInitializer": "Orthogonal",
    "normal": "RandomNormal",
    "uniform": "RandomUniform",
    "random_normal": "RandomNormal",
    "random_uniform": "RandomUniform",
    "truncated_normal": "TruncatedNormal",
    "variance_scaling": "VarianceScaling",
    "glorot_uniform": "GlorotUniform",
    "glorot_normal": "GlorotNormal",
    "he_uniform": "HeUniform",
    "he_normal": "HeNormal",
    "lecun_uniform": "LecunUniform",
    "lecun_normal": "LecunNormal",
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_names(name, expected):
    for identifier in (name, expected, {"class_name": name, "config": {}}, {"class_name": name}):
        assert type(initializers.get(identifier)).__name__ == expected
    assert type(initializers.get(getattr(initializers, expected))).__name__ == expected


def test_get_of_objects():
    def function(shape, dtype=None):
        return np.full(shape, 7, dtype)

    assert initializers.get(None) is None
    assert initializers.get(function) is function
    zeros = initializers.Zeros()
    assert initializers.get(zeros) is zeros


def test_an_array_is_its_own_initializer():
    values = np.arange(6).reshape(2, 3)
    made = initializers.get(values)((2, 3))
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, values)
    made[0, 0] = 9
    assert values[0, 0] == 0
    assert initializers.get(np.float32(3))(()) == 3
    with pytest.raises(ValueError, match=r"Expected: shape=\(3, 2\). Received: shape=\(2, 3\)"):
        initializers.get(values)((3, 2))


class Sevens(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return np.full(shape, 7, dtype)


def test_custom_classes():
    saved = initializers.serialize(Sevens())
    assert saved["registered_name"] == "Sevens"
    assert saved["module"] == __name__
    found = initializers.deserialize(saved, custom_objects={"Sevens": Sevens})
    np.testing.assert_array_equal(found((2,), "float32"), [7, 7])
    with pytest.raises(ValueError, match="Could not interpret initializer identifier: 'Sevens'"):
        initializers.get(saved)
    with pytest.raises(NotImplementedError, match="Initializer must define __call__"):
        initializers.Initializer()((2,))


# --- bad input


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("glorot_unifrm", "'glorot_unifrm'. Did you mean 'glorot_uniform'?"),
        ("HeNorml", "Did you mean 'he_normal'?"),
        ("Glorot_Uniform", "Did you mean 'glorot_uniform'?"),
        ("initializer", "Could not interpret initializer identifier: 'initializer'"),
        (3, "Could not interpret initializer identifier: 3"),
        ([1.0], r"Could not interpret initializer identifier: \[1.0\]"),
        ({"config": {}}, "identifier: {'config': {}}"),
    ],
)
def test_unknown_identifiers(identifier, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        initializers.get(identifier)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.GlorotUniform(1.0), "`seed` must be an integer.*seed=1.0"),
        (lambda: initializers.VarianceScaling(0.0), "`scale` must be positive.*scale=0.0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "`mode` must be one of .*mode='fan'"),
        (lambda: initializers.VarianceScaling(distribution="x"), "one of .*distribution='x'"),
        (lambda: initializers.Identity()((2, 3, 1)), r"rank 2. Received: shape=\(2, 3, 1\)"),
        (lambda: initializers.Orthogonal()((3,)), r"rank 2 or more. Received: shape=\(3,\)"),
        (lambda: initializers.Zeros()((None, 2)), "tuple of sizes"),
        (lambda: initializers.HeNormal()((2, None)), "tuple of sizes"),
        (lambda: initializers.Zeros()((2,), "foo"), "real or boolean dtype.*'foo'"),
        (lambda: initializers.Ones()((2,), "complex64"), "real or boolean dtype"),
        (lambda: initializers.GlorotUniform()((2, 2), "int32"), "'float32' or 'float64'"),
        (lambda: initializers.Orthogonal()((2, 2), "int32"), "'float32' or 'float64'"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
