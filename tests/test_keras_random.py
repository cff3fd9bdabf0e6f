"""The same seed gives the numbers of Keras: draws, weights, epoch orders and dropout masks.

Uniform numbers, integers, orders and masks are compared exactly. Normals go through a logarithm, a
sine and a cosine of another library; of a million numbers none was more than 3 ulp off before it
was scaled, and `mean` and `stddev` add a rounding each, so 4 ulp are allowed.
"""

from __future__ import annotations

import random as python_random
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from scratchnn import initializers, naming, random
from scratchnn.random import EpochOrder, SeedGenerator, dropout_mask_into

SEEDS = [0, 1, 42, 10**9, -5, 2**31, 2**40]
SHAPES = [(), (7,), (4, 3), (3, 3, 2, 8), (5, 4, 6), (64, 33)]
ULP = 4


@pytest.fixture(autouse=True)
def unseeded() -> Iterator[None]:
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    yield
    python_random.setstate(python_state)
    np.random.set_state(numpy_state)
    random.set_global_seed(None)
    random.reset_global_generator()


def seed_both(seed: int, ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return what the two calls give after set_random_seed(seed)."""
    random.set_random_seed(seed)
    found = ours()
    keras.utils.set_random_seed(seed)
    return found, theirs()


def same(found: Any, expected: Any, ulp: int = 0) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if ulp:
        np.testing.assert_array_max_ulp(found, expected, maxulp=ulp)
    else:
        np.testing.assert_array_equal(found, expected)


# --- keras.random


@pytest.mark.parametrize("seed", SEEDS)
def test_floats(seed):
    for shape in SHAPES:
        same(random.uniform(shape, seed=seed), keras.random.uniform(shape, seed=seed))
        for name in ("normal", "truncated_normal"):
            ours, theirs = getattr(random, name), getattr(keras.random, name)
            same(ours(shape, seed=seed), theirs(shape, seed=seed), ULP)
    bounds = -2.3, 3.1
    same(
        random.uniform((999,), *bounds, seed=seed), keras.random.uniform((999,), *bounds, seed=seed)
    )


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_many_normals(name):
    shape = (500, 401)
    found = getattr(random, name)(shape, seed=3).numpy()
    expected = getattr(keras.random, name)(shape, seed=3).numpy()
    same(found, expected, ULP)
    assert (found == expected).mean() > 0.97
    # A sum cancels: the error is then a few ulp of the larger term.
    scaled = getattr(random, name)(shape, 1.5, 0.7, seed=3)
    expected = getattr(keras.random, name)(shape, 1.5, 0.7, seed=3)
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int32", -7, 100),
        ("int32", -(2**31), 2**31 - 1),
        ("int64", -7, 2**40),
        ("int64", -(2**63), 2**63 - 1),
        ("uint8", 0, 300),
        ("int16", -300, 300),
    ],
)
def test_randint(dtype, low, high):
    arguments = {"shape": (11, 31), "minval": low, "maxval": high, "dtype": dtype, "seed": 5}
    same(random.randint(**arguments), keras.random.randint(**arguments))


@pytest.mark.parametrize(("n", "classes", "samples"), [(1, 2, 8), (3, 5, 17), (64, 10, 1)])
def test_categorical(n, classes, samples):
    logits = np.random.default_rng(0).normal(size=(n, classes))
    for dtype in ("float32", "float64"):
        x = logits.astype(dtype)
        same(random.categorical(x, samples, seed=3), keras.random.categorical(x, samples, seed=3))
    rows = [[0.3, -1.2, 0.9], [0.0, float("-inf"), 1.0]]
    same(random.categorical(rows, 40, seed=3), keras.random.categorical(rows, 40, seed=3))


def test_dropout_and_shuffle():
    x = np.random.default_rng(0).normal(size=(6, 7)).astype("float32")
    for rate in (0, 0.1, 0.3, 0.5, 0.9, 1):
        same(random.dropout(x, rate, seed=5), keras.random.dropout(x, rate, seed=5))
    for noise_shape in ((None, 1), (1, None), (6, 7), (1,)):
        arguments = {"noise_shape": noise_shape, "seed": 5}
        same(random.dropout(x, 0.5, **arguments), keras.random.dropout(x, 0.5, **arguments))
    for axis in (0, 1, -1):
        same(random.shuffle(x, axis, seed=5), keras.random.shuffle(x, axis, seed=5))
    many = np.arange(20_000)  # enough for equal keys, which stay in order
    same(random.shuffle(many, seed=5), keras.random.shuffle(many, seed=5))


def test_gamma_and_beta():
    # Computed in double and rounded once: equal but for a borderline case.
    for alpha in (0.1, 0.99, 1.0, 1.5, 30.0, np.array([0.5, 1.0, 4.0], "float32")):
        same(random.gamma((50, 3), alpha, seed=3), keras.random.gamma((50, 3), alpha, seed=3), 1)
    alpha = np.array([[0.5], [4.0]], "float32")
    same(
        random.beta((2, 40), alpha, 2.0, seed=3), keras.random.beta((2, 40), alpha, 2.0, seed=3), 2
    )


@pytest.mark.parametrize(
    ("count", "p"),
    [(10, 0.25), (10, 0.8), (40, 0.5), (1000, 0.9), (1e6, 0.4), (3, 0), (3, 1), (0, 0.5)],
)
def test_binomial(count, p):
    arguments = {"shape": (200,), "counts": float(count), "probabilities": float(p), "seed": 2}
    same(random.binomial(**arguments), keras.random.binomial(**arguments))


def test_binomial_of_arrays():
    counts, p = np.float32([5, 50, 500]), np.float32([0.2, 0.5, 0.9])
    same(
        random.binomial((40, 3), counts, p, seed=2),
        keras.random.binomial((40, 3), counts, p, seed=2),
    )


def test_unseeded_draws():
    def draws(module: Any) -> list[Any]:
        return [
            np.asarray(module.uniform((3,))),
            np.asarray(module.randint((5,), 0, 100)),
            np.asarray(module.uniform((2, 2))),
            np.asarray(module.shuffle(np.arange(9))),
        ]

    found, expected = seed_both(5, lambda: draws(random), lambda: draws(keras.random))
    for one, other in zip(found, expected, strict=True):
        same(one, other)


def test_seed_generators():
    ours, theirs = SeedGenerator(2**40), keras.random.SeedGenerator(2**40)
    for ordered in (True, True, False, False, True):
        assert ours.next(ordered) == tuple(theirs.next(ordered).numpy().tolist())
    for _ in range(3):
        same(random.uniform((4,), seed=ours), keras.random.uniform((4,), seed=theirs))
    assert ours.state.tolist() == theirs.state.numpy().tolist()
    ours, theirs = SeedGenerator(3, name="g"), keras.random.SeedGenerator(3, name="g")
    assert ours.get_config() == theirs.get_config()
    naming.reset_names()
    keras.backend.clear_session()
    assert SeedGenerator().get_config() == keras.random.SeedGenerator().get_config()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7"])
def test_set_random_seed_refuses_what_keras_refuses(seed):
    for set_random_seed in (random.set_random_seed, keras.utils.set_random_seed):
        with pytest.raises(ValueError, match=r"(?i)seed"):
            set_random_seed(seed)


# --- initializers

UNIFORM = ["RandomUniform", "GlorotUniform", "HeUniform", "LecunUniform"]
NORMAL = ["RandomNormal", "TruncatedNormal", "GlorotNormal", "HeNormal", "LecunNormal"]


@pytest.mark.parametrize("name", UNIFORM + NORMAL)
def test_initializers(name):
    for seed in SEEDS:
        ours = getattr(initializers, name)(seed=seed)
        theirs = getattr(keras.initializers, name)(seed=seed)
        assert ours.get_config() == theirs.get_config()
        for shape in SHAPES:
            same(ours(shape), theirs(shape), ULP if name in NORMAL else 0)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["uniform", "normal", "untruncated_normal"])
def test_variance_scaling(mode, distribution):
    for axes in ((None, None), ([0], [1, 2]), ([0], None)):
        arguments = (1.7, mode, distribution, 3, *axes)
        ours = initializers.VarianceScaling(*arguments)
        theirs = keras.initializers.VarianceScaling(*arguments)
        assert ours.get_config() == theirs.get_config()
        for shape in ((5, 3, 2), (3, 3, 2, 8)):
            same(ours(shape), theirs(shape), 0 if distribution == "uniform" else ULP)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (3, 3, 2, 8), (32, 128)])
def test_orthogonal(shape):
    # LAPACK's and Eigen's QR add in another order; entries are at most 1 (times the gain).
    ours = initializers.Orthogonal(1.5, seed=11)(shape)
    theirs = keras.initializers.Orthogonal(1.5, seed=11)(shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)


def test_constants():
    for name, arguments in (
        ("Zeros", ()),
        ("Ones", ()),
        ("Constant", (3,)),
        ("Constant", (0.1,)),
        ("Identity", ()),
        ("Identity", (0.1,)),
    ):
        ours = getattr(initializers, name)(*arguments)
        theirs = getattr(keras.initializers, name)(*arguments)
        if name == "Identity":  # Keras's config forgets the gain, but its class takes it
            theirs = keras.initializers.get(initializers.serialize(ours))
        else:
            assert ours.get_config() == theirs.get_config()
        for shape in ((4, 3), (2, 5)):
            same(ours(shape), theirs(shape))


def test_identifiers():
    public = {
        n for n in dir(keras.initializers) if not n.startswith("_") and "stft" not in n.lower()
    }
    assert public - set(dir(initializers)) == set()
    for name in sorted(public - {"get", "serialize", "deserialize", "Initializer"}) + [
        "normal",
        "uniform",
        "zero",
        "one",
    ]:
        ours = initializers.get(name)
        if name.lower() != "constant":  # Keras's own config of this name lacks its value
            theirs = keras.initializers.get(name)
            assert type(ours).__name__ == type(theirs).__name__
            if type(ours) is not initializers.Identity:  # Keras's config forgets the gain
                assert initializers.serialize(ours) == keras.initializers.serialize(theirs)
    for name in ("Glorot_Uniform", "glorotuniform", "foo"):
        for get in (initializers.get, keras.initializers.get):
            with pytest.raises(ValueError, match="Could not interpret initializer identifier"):
                get(name)


def test_configs_interchange():
    ours = initializers.HeNormal(seed=SeedGenerator(3, name="g"))
    theirs = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(3, name="g"))
    saved = keras.initializers.serialize(theirs)
    assert initializers.serialize(ours) == saved
    same(initializers.get(saved)((4, 3)), theirs((4, 3)), ULP)
    same(ours((4, 3)), keras.initializers.get(initializers.serialize(ours))((4, 3)), ULP)


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_initial_weights_of_layers_made_in_order(seed):
    def theirs() -> list[Any]:
        kernels = [
            (keras.layers.Conv2D(8, 3), (None, 9, 9, 2)),
            (keras.layers.Dense(16, kernel_initializer="he_uniform"), (None, 20)),
            (keras.layers.Dropout(0.5), (None, 16)),
            (keras.layers.Embedding(30, 4), (None, 5)),
            (keras.layers.Dense(5), (None, 16)),
        ]
        for layer, shape in kernels:
            layer.build(shape)
        return [layer.get_weights()[0] for layer, _ in kernels if layer.weights]

    def ours() -> list[Any]:
        conv, first = initializers.get("glorot_uniform"), initializers.get("he_uniform")
        SeedGenerator()
        embedding, second = initializers.get("uniform"), initializers.get("glorot_uniform")
        return [conv((3, 3, 2, 8)), first((20, 16)), embedding((30, 4)), second((16, 5))]

    for found, expected in zip(*seed_both(seed, ours, theirs), strict=True):
        same(found, expected)


# --- training


class Recorder(keras.Model):
    """A model that learns nothing and remembers the samples it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []

    def train_step(self, data: Any) -> dict[str, float]:
        (x,) = data if isinstance(data, tuple) else (data,)
        self.seen.append(x.numpy().reshape(-1))
        return {"loss": 0.0}


def keras_orders(n: int, batch_size: int, shuffle: bool | str) -> list[list[int]]:
    """Return the orders of two epochs and of a second fit with two more."""
    model = Recorder()
    model.compile(run_eagerly=True)
    for _ in range(2):
        ids = np.arange(n)
        model.fit(ids, batch_size=batch_size, epochs=2, shuffle=shuffle, verbose=0)
    return np.concatenate(model.seen).reshape(4, n).astype(int).tolist()


@pytest.mark.parametrize("shuffle", [True, "batch", False])
@pytest.mark.parametrize(
    ("seed", "n", "batch_size"),
    [(0, 10, 4), (42, 23, 5), (2**31 - 1, 17, 6), (2**32 - 1, 12, 4), (7, 5, 32), (3, 1, 1)],
)
def test_epoch_orders(seed, n, batch_size, shuffle):
    def ours() -> list[list[int]]:
        orders = (EpochOrder(n, batch_size, shuffle) for _ in range(2))
        return [order.next().tolist() for order in orders for _ in range(2)]

    found, expected = seed_both(seed, ours, lambda: keras_orders(n, batch_size, shuffle))
    assert found == expected


def test_a_long_epoch():
    found, expected = seed_both(
        1234,
        lambda: EpochOrder(5000, 1000).next().tolist(),
        lambda: keras_orders(5000, 1000, True)[0],
    )
    assert found == expected


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.75])
def test_dropout_masks_of_several_calls(rate):
    shape = (33, 57)

    def theirs() -> list[np.ndarray]:
        layer = keras.layers.Dropout(rate)
        x = np.ones(shape, "float32")
        masks = [layer(x, training=True).numpy() for _ in range(2)]
        layer(x, training=False)
        return [*masks, layer(x, training=True).numpy()]

    def ours() -> list[np.ndarray]:
        generator = SeedGenerator()
        masks = [np.empty(shape, np.float32) for _ in range(3)]
        for mask in masks:
            dropout_mask_into(mask, rate, generator.next())
        return masks

    for found, expected in zip(*seed_both(9, ours, theirs), strict=True):
        same(found, expected)
