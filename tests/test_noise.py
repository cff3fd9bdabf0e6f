"""Noise, dropouts and activation layers without TensorFlow: the contract, statistics, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scratchnn import Context, Sequential, config, random, utils
from scratchnn.layers import Dense, Input, Softmax
from scratchnn.layers.activation import ELU, LeakyReLU, PReLU
from scratchnn.layers.dropout import (
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from scratchnn.layers.noise import (
    ActivityRegularization,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    normals_into,
)

ONES = np.ones((400, 500), "f")


# --- dropout of feature maps


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (SpatialDropout1D(0.5, seed=1), (20, 3, 10), (1,)),
        (SpatialDropout2D(0.5, seed=1), (20, 3, 4, 10), (1, 2)),
        (SpatialDropout2D(0.5, "channels_first", 1), (20, 10, 3, 4), (2, 3)),
        (SpatialDropout3D(0.5, seed=1), (20, 3, 4, 2, 10), (1, 2, 3)),
        (SpatialDropout3D(0.5, "channels_first", 1), (20, 10, 3, 4, 2), (2, 3, 4)),
    ],
)
def test_whole_feature_maps_are_dropped(layer, shape, axes):
    y = layer(np.ones(shape), training=True)
    assert set(np.unique(y)) == {0, 2}
    first = y[tuple(slice(0, 1) if i in axes else slice(None) for i in range(len(shape)))]
    np.testing.assert_array_equal(y, np.broadcast_to(first, shape))
    assert 0.35 < first.mean() / 2 < 0.65
    np.testing.assert_array_equal(layer(np.ones(shape)), np.ones(shape))


def test_the_layout_of_images_is_the_configured_one():
    config.set_image_data_format("channels_first")
    assert SpatialDropout2D(0.5).data_format == "channels_first"
    assert SpatialDropout3D(0.5, "channels_last").data_format == "channels_last"


# --- noise


def test_gaussian_noise():
    y = GaussianNoise(0.5, seed=1)(ONES, training=True)
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert y.std() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(y, 1 + random.normal(ONES.shape, 0, 0.5, seed=1))


def test_gaussian_dropout():
    y = GaussianDropout(0.2, seed=1)(2 * ONES, training=True)
    assert y.mean() == pytest.approx(2, abs=0.01)
    assert y.std() == pytest.approx(2 * math.sqrt(0.2 / 0.8), abs=0.01)


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=ONES.shape)
    y = AlphaDropout(0.3, seed=1)(x, training=True)
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.std() == pytest.approx(1, abs=0.01)
    values, counts = np.unique(y, return_counts=True)
    assert counts.max() / y.size == pytest.approx(0.3, abs=0.01)  # all dropped have one value
    a = (0.7 * (1 + 0.3 * 1.7580993**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(a * (1.7580993 * 0.3 - 1.7580993), rel=1e-6)


def test_golden_numbers():
    """From Keras 3.15.1, with set_random_seed(42)."""
    x = np.arange(1, 7, dtype="f").reshape(1, 2, 3)
    for make, expected in GOLDEN:
        utils.set_random_seed(42)
        np.testing.assert_allclose(make()(x, training=True).ravel(), expected, rtol=1e-6)


GOLDEN = [
    (lambda: SpatialDropout1D(0.5), [2, 4, 0, 8, 10, 0]),
    (lambda: GaussianNoise(0.5), [0.76410812, 1.8557072, 2.778707, 4.6809177, 4.0768156, 5.349721]),
    (
        lambda: GaussianDropout(0.5),
        [0.52821624, 1.4228287, 1.6722418, 9.447341, -4.2318416, -1.8033464],
    ),
    (
        lambda: AlphaDropout(0.5),
        [1.6655989, 2.5520036, -0.77919382, 4.3248134, -0.77919382, 6.0976229],
    ),
]


@pytest.mark.parametrize("make", [GaussianNoise, GaussianDropout, AlphaDropout, SpatialDropout1D])
def test_draws_follow_seed_and_count_of_calls(make):
    x = np.ones((2, 30, 4))
    layer, twin, other = make(0.5, seed=1), make(0.5, seed=1), make(0.5, seed=2)
    first = layer(x, training=True)
    np.testing.assert_array_equal(first, twin(x, training=True))
    assert not np.array_equal(first, other(x, training=True))
    second = layer(x, training=True)
    assert not np.array_equal(first, second)
    twin(x)  # inference draws nothing
    np.testing.assert_array_equal(second, twin(x, training=True))


@pytest.mark.parametrize("size", [1, 2, 4095, 4097, 40001])
def test_normals_piece_by_piece(size):
    for dtype in ("float32", "float64"):
        out = np.empty(size, dtype)
        normals_into(out, 1.0, 0.5, (3, 0))
        np.testing.assert_array_equal(out, random.normal((size,), 1.0, 0.5, dtype, 3))


def test_activity_regularization_adds_to_the_loss():
    x = np.array([[1.0, -2.0], [3.0, 0.0]])
    model = Sequential([Input((2,)), ActivityRegularization(l1=0.1, l2=0.01)])
    model.compile("sgd", "mse")
    penalty = (0.1 * (1 + 2 + 3) + 0.01 * (1 + 4 + 9)) / 2
    assert model.evaluate(x, x, verbose=0) == pytest.approx(penalty, rel=1e-6)
    trained = Sequential([Input((2,)), Dense(2, use_bias=False), ActivityRegularization(l2=0.1)])
    trained.compile("sgd", "mse")
    kernel = trained.layers[0].kernel
    before = kernel.value.copy()
    trained.train_on_batch(x, x @ before)
    gradient = 0.2 / 2 * x.T @ (x @ before)
    np.testing.assert_allclose(kernel.value, before - 0.01 * gradient, rtol=1e-4, atol=1e-6)


# --- activation layers


X = np.array([[-2.0, -0.0, 0.0, 3.0]], "f")


@pytest.mark.parametrize(
    ("layer", "y", "dx"),
    [
        (LeakyReLU(), [-0.6, 0, 0, 3], [0.3, 0.3, 0.3, 1]),
        (LeakyReLU(alpha=0.5), [-1, 0, 0, 3], [0.5, 0.5, 0.5, 1]),
        (LeakyReLU(2), [-4, 0, 0, 3], [2, 2, 2, 1]),
        (ELU(), [np.expm1(-2), 0, 0, 3], [np.exp(-2), 1, 1, 1]),
        (ELU(0.5), [0.5 * np.expm1(-2), 0, 0, 3], [0.5 * np.exp(-2), 0.5, 0.5, 1]),
        (PReLU(), [0, 0, 0, 3], [0, 0, 0, 1]),
        (PReLU("ones"), [-2, 0, 0, 3], [1, 0, 0, 1]),
    ],
)
def test_values_and_kinks(layer, y, dx):
    layer.ensure_built(X.shape)
    ctx = Context()
    np.testing.assert_allclose(layer.forward(X, ctx), [y], rtol=1e-6)
    np.testing.assert_allclose(layer.backward(np.ones_like(X), ctx), [dx], rtol=1e-6)


def test_slopes_that_are_shared():
    for axes, shape in ((None, (4, 5, 3)), (1, (1, 5, 3)), ([1, 2], (1, 1, 3))):
        layer = PReLU(shared_axes=axes)
        layer.ensure_built((None, 4, 5, 3))
        assert layer.alpha.shape == shape
    unknown = PReLU(shared_axes=[1, 2])
    unknown.ensure_built((None, None, None, 3))
    assert unknown(np.ones((1, 7, 8, 3))).shape == (1, 7, 8, 3)


def test_a_softmax_with_a_mask():
    layer, ctx = Softmax(), Context()
    ctx.in_mask = np.array([[True, True, False], [False, False, False]])
    y = layer.forward(np.array([[1, 1, 9], [1, 2, 3]], "f"), ctx)
    np.testing.assert_allclose(y, [[0.5, 0.5, 0], [0, 0, 0]], rtol=1e-6)
    assert ctx.logits is None  # a cross-entropy takes these probabilities as they are
    ctx.in_mask = np.ones((2, 4), bool)
    with pytest.raises(ValueError, match=r"broadcasts over its input of shape \(2, 3\)"):
        layer.forward(np.ones((2, 3), "f"), ctx)


# --- errors


def see(layer, *shape):
    layer.ensure_built(shape)


built = PReLU(name="built")
built.ensure_built((None, 3))


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (
            lambda: SpatialDropout1D(1.5),
            ValueError,
            r"SpatialDropout1D expected a rate in \[0, 1\]",
        ),
        (lambda: SpatialDropout2D(0.5, "last"), ValueError, "data_format must be one of"),
        (lambda: see(SpatialDropout1D(0.5), None, 3), ValueError, "input of rank 3"),
        (lambda: see(SpatialDropout2D(0.5), None, 3, 3), ValueError, "input of rank 4"),
        (lambda: see(SpatialDropout3D(0.5), None, 3, 3), ValueError, "input of rank 5"),
        (lambda: GaussianNoise(2.0), ValueError, r"stddev in \[0, 1\].*Received: 2.0"),
        (lambda: GaussianNoise(None), ValueError, r"stddev in \[0, 1\]"),
        (lambda: GaussianDropout(1.0), ValueError, r"GaussianDropout .* rate in \[0, 1\)"),
        (lambda: GaussianDropout(-0.1), ValueError, r"rate in \[0, 1\).*Received: -0.1"),
        (lambda: AlphaDropout(1), ValueError, r"AlphaDropout .* rate in \[0, 1\)"),
        (lambda: Dropout(0.5, "ab"), ValueError, "noise_shape to be a list of positive sizes"),
        (lambda: Dropout(0.5, (None, 0)), ValueError, r"Received: noise_shape=\(None, 0\)"),
        (lambda: Dropout(1.5), ValueError, r"Dropout expected a rate in \[0, 1\]"),
        (lambda: LeakyReLU(-0.1), ValueError, "must not be negative or None. Received: -0.1"),
        (lambda: LeakyReLU(None), ValueError, "must not be negative or None"),
        (lambda: LeakyReLU(negative_slop=0.1), ValueError, "Did you mean 'negative_slope'"),
        (lambda: see(PReLU(), None, None), ValueError, "inputs of fixed sizes"),
        (lambda: see(built, None, 4), ValueError, r"with slopes \(3,\).*\(None, 4\)"),
        (lambda: see(built, None, 3, 3), ValueError, r"with slopes \(3,\)"),
        (lambda: see(PReLU(shared_axes=2), None, 3), ValueError, "counted from 1"),
        (lambda: see(PReLU(shared_axes=[0]), None, 3), ValueError, "counted from 1"),
    ],
)
def test_errors(action, error, text):
    with pytest.raises(error, match=text):
        action()


def test_channels_are_dropped_whole_whatever_is_said():
    with pytest.raises(ValueError, match="takes no noise_shape"):
        SpatialDropout1D(0.5, noise_shape=(1, 2, 1))
