"""Normalizations against tf.keras: outputs, gradients, moving statistics, 20 steps, configs."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from twins import both, close, close_all, quiet, seed_both

import scratchnn
from scratchnn import Context
from scratchnn.layers.normalization import (
    LayerNormalization,
)
from scratchnn.layers.spectral_normalization import SpectralNormalization

TOLERANCE = 2e-6  # of the largest element: sums of up to a hundred float32 numbers
N = 6


def layers_of(k):
    return k.layers


def numbers(*shape, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 2 + 1).astype("f")


def compare(make, x, training=False, mask=None, tolerance=2 * TOLERANCE):
    """Check output, gradients and all weights after one pass; return both layers."""
    layers = []
    for k in (scratchnn, keras):
        seed_both(3)
        layer = make(layers_of(k))
        layer.build((None, *x.shape[1:]))
        layers.append(layer)
    ours, theirs = layers
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for i, (a, b) in enumerate(zip(ours.weights, theirs.weights, strict=True)):
        value = np.abs(numbers(*a.shape, seed=i))
        a.assign(value)
        b.assign(value)
    variable = tf.Variable(x)
    with tf.GradientTape() as tape, quiet():
        extra = {} if mask is None else {"mask": tf.constant(mask)}
        options = {} if isinstance(ours, LayerNormalization) else {"training": training}
        takes = "training" in theirs.call.__code__.co_varnames
        y = theirs(variable, **(options if takes else {}), **extra)
        dy = numbers(*y.shape, seed=9)
        total = tf.reduce_sum(y * dy)
    trained = [w for w in theirs.weights if w.trainable]
    zero = tf.UnconnectedGradients.ZERO
    expected = tape.gradient(
        total, [variable, *(w.value for w in trained)], unconnected_gradients=zero
    )

    ctx = Context(training)
    ctx.in_mask = mask
    close(ours.forward(x, ctx), y.numpy(), TOLERANCE, "output")
    dx = ours.backward(dy.copy(), ctx)
    close(dx, expected[0].numpy(), tolerance, "dx")
    for a, b, weight in zip(ours.trainable_weights, expected[1:], trained, strict=True):
        close(a.grad, b.numpy(), tolerance, weight.path)
    close_all(ours.get_weights(), theirs.get_weights(), TOLERANCE, "weights")
    return ours, theirs


# --- outputs, gradients, moving statistics


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((N, 3), {}),
        ((N, 4, 3), {"momentum": 0.5, "epsilon": 0.1}),
        ((N, 4, 5, 3), {"momentum": 0.5}),
        ((N, 3, 4, 5), {"axis": 1}),
        ((N, 3, 4, 5), {"axis": 2, "momentum": 0.9}),
        ((N, 4, 3), {"center": False}),
        ((N, 4, 3), {"scale": False}),
        ((N, 4, 3), {"center": False, "scale": False}),
        ((N, 4, 3), {"trainable": False}),
        ((1, 3), {}),
    ],
    ids=str,
)
def test_batch_normalization(shape, options, training):
    compare(lambda layers: layers.BatchNormalization(**options), numbers(*shape), training)


def test_batch_normalization_of_many_places():
    """In Keras, gamma's gradient is a difference of two large sums, and so less exact."""
    x = numbers(16, 8, 8, 2)
    compare(lambda layers: layers.BatchNormalization(), x, True, tolerance=3e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((N, 4, 3), -1), ((N, 4, 5, 3), 3), ((N, 4, 3), 1)])
def test_batch_normalization_with_a_mask(shape, axis, training):
    mask = np.random.default_rng(0).random(shape[:-1]) < 0.6
    mask[:, 0] = True
    compare(lambda layers: layers.BatchNormalization(axis), numbers(*shape), training, mask)


def test_batch_normalization_where_the_mask_leaves_nothing():
    x, mask = numbers(2, 4, 3), np.zeros((2, 4), bool)
    compare(lambda layers: layers.BatchNormalization(), x, True, mask)


def test_moving_variance_is_biased_in_graphs_too():
    for shape in ((8, 3), (4, 3, 3, 2)):

        def run(k, shape=shape):
            layer = layers_of(k).BatchNormalization(momentum=0.5)
            model = k.Sequential([k.Input(shape[1:]), layer])
            model.compile("sgd", "mse")
            model.train_on_batch(numbers(*shape), numbers(*shape))
            return model.get_weights()

        ours, theirs = both(run)
        close_all(ours, theirs, TOLERANCE)
        batch = numbers(*shape).reshape(-1, shape[-1])
        close(ours[3], 0.5 + 0.5 * batch.var(axis=0), TOLERANCE)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((N, 5), {}),
        ((N, 4, 5), {"epsilon": 0.1}),
        ((N, 4, 5), {"axis": 1}),
        ((N, 4, 5), {"axis": [1, 2]}),
        ((N, 4, 5), {"axis": (-1, -2)}),
        ((N, 4, 5), {"axis": [2, 1], "center": False}),
        ((N, 4, 5), {"axis": [-1, 1], "scale": False}),
        ((N, 2, 4, 5), {"axis": [1, 3]}),
        ((N, 2, 4, 5), {"axis": [-1, 1]}),
        ((N, 2, 4, 5), {"center": False, "scale": False}),
    ],
    ids=str,
)
def test_layer_normalization(shape, options):
    compare(lambda layers: layers.LayerNormalization(**options), numbers(*shape))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((N, 12), {"groups": 2}),
        ((N, 4, 6), {"groups": 2, "epsilon": 0.1}),
        ((N, 3, 4, 6), {"groups": -1}),
        ((N, 3, 4, 6), {"groups": 1, "center": False}),
        ((N, 4, 3, 2), {"groups": 2, "axis": 1}),
        ((N, 2, 4, 3), {"groups": 2, "axis": 2, "scale": False}),
        ((N, 3, 4), {"groups": 4, "center": False, "scale": False}),
    ],
    ids=str,
)
def test_group_normalization(shape, options):
    compare(lambda layers: layers.GroupNormalization(**options), numbers(*shape))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((N, 5), {}),
        ((N, 4, 5), {"epsilon": 0.1}),
        ((N, 4, 5), {"axis": [1, 2]}),
        ((N, 4, 5), {"axis": (-1, -2)}),
    ],
    ids=str,
)
def test_rms_normalization(shape, options):
    compare(lambda layers: layers.RMSNormalization(**options), numbers(*shape))


@pytest.mark.parametrize(
    ("shape", "axis"), [((N, 5), -1), ((N, 4, 5), 1), ((N, 4, 5), [1, 2]), ((N, 2, 4), [1, -1])]
)
def test_unit_normalization(shape, axis):
    x = numbers(*shape)
    x[1] = 0
    compare(lambda layers: layers.UnitNormalization(axis), x)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalization(training, iterations):
    compare(
        lambda layers: layers.SpectralNormalization(
            layers.Dense(4, "tanh"), power_iterations=iterations
        ),
        numbers(N, 3) / 10,
        training,
    )


def test_spectral_normalization_of_zeros_and_its_seed():
    def run(k):
        layers = layers_of(k)
        found = []
        for initializer in ("zeros", "glorot_uniform"):
            dense = k.layers.Dense(4, kernel_initializer=initializer)
            layer = layers.SpectralNormalization(dense)
            layer(numbers(N, 3), training=True)
            found += [np.array(w) for w in layer.get_weights()]
        return found

    close_all(*both(run), TOLERANCE)


# --- training


def stack(k, *middle):
    layers = layers_of(k)
    return [
        k.Input((6, 4)),
        k.layers.Dense(8, activation="tanh"),
        *(make(layers) for make in middle),
        k.layers.Flatten(),
        k.layers.Dense(2),
    ]


TRAINED = [
    lambda layers: layers.BatchNormalization(gamma_regularizer="l2", beta_constraint="max_norm"),
    lambda layers: layers.BatchNormalization(axis=1, momentum=0.8),
    lambda layers: layers.BatchNormalization(trainable=False),
    lambda layers: layers.LayerNormalization(beta_regularizer="l1", gamma_constraint="non_neg"),
    lambda layers: layers.LayerNormalization(axis=[1, 2]),
    lambda layers: layers.GroupNormalization(2, gamma_initializer="he_normal"),
    lambda layers: layers.RMSNormalization(),
    lambda layers: layers.UnitNormalization(),
    lambda layers: layers.SpectralNormalization(layers.Dense(5)),
]


@pytest.mark.parametrize("make", TRAINED, ids=range(len(TRAINED)))
def test_twenty_steps(make):
    """Losses, weights, moving statistics and predictions follow Keras to 2e-5."""
    x, y = numbers(16, 6, 4), numbers(16, 2, seed=1)

    def run(k):
        model = k.Sequential(stack(k, make))
        model.compile(k.optimizers.SGD(0.02, momentum=0.9), "mse", run_eagerly=True)
        losses = [np.float32(model.train_on_batch(x, y)) for _ in range(20)]
        return np.array(losses), model.get_weights(), model.predict(x, verbose=0)

    (losses, weights, y1), (their_losses, their_weights, y2) = both(run)
    assert losses[-1] < losses[0]
    close(losses, their_losses, 2e-5, "losses")
    for a, b in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(1, np.abs(b).max()))
    close(y1, y2, 5e-5, "predictions")


def test_freezing_between_fits():
    """A frozen layer normalizes with its moving statistics, and keeps them."""
    x, y = numbers(16, 6, 4), numbers(16, 2, seed=1)

    def run(k):
        model = k.Sequential(stack(k, lambda layers: layers.BatchNormalization(momentum=0.5)))
        model.compile(k.optimizers.SGD(0.02), "mse", run_eagerly=True)
        model.train_on_batch(x, y)
        norm = model.layers[1]
        norm.trainable = False
        model.compile(k.optimizers.SGD(0.02), "mse", run_eagerly=True)
        before = norm.get_weights()
        losses = [np.float32(model.train_on_batch(x, y)) for _ in range(3)]
        for a, b in zip(before, norm.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        return [np.array(losses), *model.get_weights()]

    close_all(*both(run), 5e-6)


# --- configs


CONFIGS = [
    ("BatchNormalization", {}),
    (
        "BatchNormalization",
        {
            "axis": 1,
            "momentum": 0.9,
            "epsilon": 0.01,
            "center": False,
            "scale": False,
            "beta_initializer": "ones",
            "gamma_initializer": "zeros",
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": "zeros",
            "beta_regularizer": "l1",
            "gamma_regularizer": "l2",
            "beta_constraint": "max_norm",
            "gamma_constraint": "non_neg",
            "name": "mine",
        },
    ),
    ("LayerNormalization", {}),
    ("LayerNormalization", {"axis": (2, 1), "epsilon": 0.01, "gamma_regularizer": "l2"}),
    ("GroupNormalization", {"groups": 2}),
    ("GroupNormalization", {"groups": -1, "beta_constraint": "max_norm", "dtype": "float64"}),
    ("RMSNormalization", {}),
    ("RMSNormalization", {"axis": [2, 1], "epsilon": 0.1}),
    ("UnitNormalization", {}),
    ("UnitNormalization", {"axis": (1, 2), "trainable": False}),
]


@pytest.mark.parametrize(("name", "options"), CONFIGS, ids=str)
def test_configs(name, options):
    def run(k):
        layer = getattr(layers_of(k), name)(**options)
        before = json.loads(json.dumps(k.layers.serialize(layer)))
        model = k.Sequential([k.Input((4, 6)), layer])
        return before, json.loads(json.dumps(k.layers.serialize(layer))), layer, model

    (before, after, layer, _), (their_before, their_after, _, _) = both(run)
    assert before == their_before
    assert after == their_after
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_config_of_spectral_normalization():
    def run(k):
        layer = layers_of(k).SpectralNormalization(k.layers.Dense(3), power_iterations=2)
        before = json.loads(json.dumps(k.layers.serialize(layer)))
        model = k.Sequential([k.Input((4,)), layer])
        return before, json.loads(json.dumps(k.layers.serialize(layer))), layer, model

    (before, after, layer, _), (their_before, their_after, _, _) = both(run)
    assert before == their_before
    assert after == their_after
    assert SpectralNormalization.from_config(layer.get_config()).get_config() == layer.get_config()


def test_masks_pass_or_stop_as_in_keras():
    for name in ("Batch", "Layer", "Group", "RMS", "Unit"):
        ours, theirs = (
            getattr(layers_of(k), f"{name}Normalization")(
                **({"groups": 1} if name == "Group" else {})
            )
            for k in (scratchnn, keras)
        )
        assert ours.supports_masking == theirs.supports_masking, name
