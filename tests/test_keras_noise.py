"""Noise, dropouts and activation layers against tf.keras: the same draws, gradients and configs."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from twins import both, close, close_all, quiet, seed_both

import scratchnn
from scratchnn import Context

EXACT = 0.0
NORMAL = 1e-6  # normal numbers are drawn through logarithms and sines that libraries round


def layers_of(k):
    return k.layers


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("f")


def passes(k, make, x, calls=2):
    """Return outputs and gradients of some training passes, and the output of inference."""
    layer, found = make(layers_of(k)), []
    dy = numbers(*x.shape, seed=1)
    layer.build(x.shape)
    for _ in range(calls):
        if k is keras:
            variable = tf.Variable(x)
            with tf.GradientTape() as tape:
                y = layer(tf.identity(variable), training=True)
            weights = [w.value for w in layer.trainable_weights]
            gradients = tape.gradient(
                y,
                [variable, *weights],
                dy,
                tf.UnconnectedGradients.ZERO,  # all may be dropped
            )
            found += [y.numpy(), *(g.numpy() for g in gradients)]
        else:
            ctx = Context(training=True)
            y = layer.forward(x, ctx).copy()
            dx = layer.backward(dy.copy(), ctx)
            found += [y, dx, *(w.grad.copy() for w in layer.trainable_weights)]
    return [*found, np.asarray(layer(x))]


DRAWS = [
    (lambda layers: layers.SpatialDropout1D(0.4), (3, 4, 5), EXACT),
    (lambda layers: layers.SpatialDropout1D(0.4, seed=3), (3, 4, 5), EXACT),
    (lambda layers: layers.SpatialDropout2D(0.4), (3, 4, 2, 5), EXACT),
    (lambda layers: layers.SpatialDropout2D(0.4, "channels_first"), (3, 5, 4, 2), EXACT),
    (lambda layers: layers.SpatialDropout3D(0.4), (3, 2, 3, 2, 5), EXACT),
    (lambda layers: layers.SpatialDropout3D(0.4, "channels_first", 3), (3, 5, 3, 2, 2), EXACT),
    (lambda layers: layers.SpatialDropout1D(1.0), (3, 4, 5), EXACT),
    (lambda layers: layers.SpatialDropout1D(0.0), (3, 4, 5), EXACT),
    (lambda layers: layers.GaussianNoise(0.3), (3, 5), NORMAL),
    (lambda layers: layers.GaussianNoise(1.0, seed=3), (3, 5, 3), NORMAL),
    (lambda layers: layers.GaussianNoise(0), (3, 5), EXACT),
    (lambda layers: layers.GaussianNoise(0.3), (200, 101), NORMAL),
    (lambda layers: layers.GaussianDropout(0.3), (3, 5), NORMAL),
    (lambda layers: layers.GaussianDropout(0.9, seed=3), (3, 5, 3), NORMAL),
    (lambda layers: layers.GaussianDropout(0.0), (3, 5), EXACT),
    (lambda layers: layers.AlphaDropout(0.3), (30, 50), EXACT),
    (lambda layers: layers.AlphaDropout(0.6, seed=3), (3, 5, 3), EXACT),
    (lambda layers: layers.AlphaDropout(0.6, (None, 1, None)), (3, 5, 3), EXACT),
    (lambda layers: layers.AlphaDropout(0.0), (3, 5), EXACT),
    (lambda layers: layers.ActivityRegularization(0.1, 0.2), (3, 5), EXACT),
]


@pytest.mark.parametrize(("make", "shape", "tolerance"), DRAWS, ids=range(len(DRAWS)))
def test_draws(make, shape, tolerance):
    ours, theirs = both(lambda k: passes(k, make, numbers(*shape)))
    close_all(ours, theirs, tolerance)


def test_seeds_around_noise():
    """Each layer that draws takes one seed when it is made, and none if it has nothing to draw."""

    def run(k):
        layers = layers_of(k)
        for make in (
            lambda rate: layers.SpatialDropout1D(rate),
            lambda rate: layers.GaussianNoise(rate),
            lambda rate: layers.GaussianDropout(rate),
            lambda rate: layers.AlphaDropout(rate),
        ):
            make(0.0)
            make(0.5)
        dense = k.layers.Dense(3)
        dense(numbers(2, 4))
        return np.array(dense.kernel)

    ours, theirs = both(run)
    np.testing.assert_array_equal(ours, theirs)


# --- activation layers


KINKS = np.array([[-30, -2, -0.5, -0.0, 0, 0.5, 2, 30]], "f")
ACTIVATIONS = [
    lambda layers: layers.LeakyReLU(),
    lambda layers: layers.LeakyReLU(0.1),
    lambda layers: layers.LeakyReLU(negative_slope=0),
    lambda layers: layers.LeakyReLU(1.5),
    lambda layers: layers.LeakyReLU(alpha=0.2),
    lambda layers: layers.ELU(),
    lambda layers: layers.ELU(0.5),
    lambda layers: layers.ELU(alpha=3.0),
    lambda layers: layers.PReLU(),
    lambda layers: layers.PReLU("ones"),
    lambda layers: layers.PReLU(keras.initializers.Constant(0.3)),
]


@pytest.mark.parametrize("make", ACTIVATIONS, ids=range(len(ACTIVATIONS)))
def test_activations_and_their_kinks(make):
    def run(k):
        with quiet():
            return passes(k, make, KINKS, calls=1)

    ours, theirs = both(run)
    close_all(ours, theirs, 1e-6)


@pytest.mark.parametrize("axes", [None, 1, [1], [1, 2], (2, 3), [1, 2, 3]])
def test_prelu_of_images(axes):
    def make(layers):
        return layers.PReLU("he_uniform", shared_axes=axes)

    ours, theirs = both(lambda k: passes(k, make, numbers(3, 4, 5, 2), calls=1))
    close_all(ours, theirs, 1e-6)


def test_softmax_with_a_mask():
    x, mask = numbers(3, 4, 5), np.random.default_rng(0).random((3, 4, 5)) < 0.6
    mask[0, 1] = False
    for axis in (-1, 1, (1, 2)):
        for m in (mask, mask[0], mask[:, :1]):
            theirs, ours = keras.layers.Softmax(axis), scratchnn.layers.Softmax(axis)
            variable, dy = tf.Variable(x), numbers(3, 4, 5, seed=1)
            with tf.GradientTape() as tape:
                y = theirs(variable, mask=tf.constant(m))
            dx = tape.gradient(y, variable, output_gradients=dy)
            ctx = Context()
            ctx.in_mask = m
            close(ours.forward(x, ctx), y.numpy(), 1e-6)
            close(ours.backward(dy, ctx), dx.numpy(), 1e-6)


# --- training


TRAINED = [
    lambda layers: layers.SpatialDropout1D(0.3),
    lambda layers: layers.GaussianNoise(0.2),
    lambda layers: layers.GaussianDropout(0.2),
    lambda layers: layers.AlphaDropout(0.2),
    lambda layers: layers.ActivityRegularization(0.01, 0.02),
    lambda layers: layers.LeakyReLU(0.2),
    lambda layers: layers.ELU(0.5),
    lambda layers: layers.PReLU(
        "he_uniform", alpha_regularizer="l2", alpha_constraint="non_neg", shared_axes=1
    ),
]


@pytest.mark.parametrize("make", TRAINED, ids=range(len(TRAINED)))
def test_twenty_steps(make):
    """Losses, weights and predictions follow Keras to 1e-5."""
    x, y = numbers(8, 6, 4), numbers(8, 2, seed=1)

    def run(k):
        model = k.Sequential(
            [
                k.Input((6, 4)),
                k.layers.Dense(5),
                make(layers_of(k)),
                k.layers.Flatten(),
                k.layers.Dense(2),
            ]
        )
        model.compile(k.optimizers.SGD(0.02, momentum=0.9), "mse", run_eagerly=True)
        losses = [np.float32(model.train_on_batch(x, y)) for _ in range(20)]
        return np.array(losses), model.get_weights(), model.predict(x, verbose=0)

    (losses, weights, y1), (their_losses, their_weights, y2) = both(run)
    close(losses, their_losses, 1e-5, "losses")
    close_all(weights, their_weights, 1e-5, "weights")
    close(y1, y2, 1e-5, "predictions")


# --- configs


CONFIGS = [
    ("SpatialDropout1D", {"rate": 0.5}, (4, 3)),
    ("SpatialDropout1D", {"rate": 0.5, "seed": 3, "name": "mine", "dtype": "float64"}, (4, 3)),
    ("SpatialDropout2D", {"rate": 0.5}, (4, 3, 2)),
    ("SpatialDropout3D", {"rate": 0.5, "data_format": "channels_first"}, (4, 3, 2, 2)),
    ("GaussianNoise", {"stddev": 0.5}, (4,)),
    ("GaussianDropout", {"rate": 0.5, "seed": 1}, (4,)),
    ("AlphaDropout", {"rate": 0.5}, (4,)),
    ("AlphaDropout", {"rate": 0.5, "noise_shape": (None, 1), "seed": 1}, (4,)),
    ("ActivityRegularization", {}, (4,)),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2, "name": "mine"}, (4,)),
    ("LeakyReLU", {}, (4,)),
    ("LeakyReLU", {"negative_slope": 0.1, "trainable": False}, (4,)),
    ("LeakyReLU", {"alpha": 0.1}, (4,)),
    ("ELU", {}, (4,)),
    ("ELU", {"alpha": 0.5, "dtype": "float64"}, (4,)),
    ("PReLU", {}, (4,)),
    ("PReLU", {"shared_axes": 1, "alpha_regularizer": "l2", "alpha_constraint": "non_neg"}, (4, 3)),
    ("PReLU", {"shared_axes": (1, 2), "alpha_initializer": "ones"}, (4, 3, 2)),
]


@pytest.mark.parametrize(("name", "options", "shape"), CONFIGS, ids=str)
def test_configs(name, options, shape):
    def run(k):
        with quiet():
            layer = getattr(layers_of(k), name)(**options)
        before = json.loads(json.dumps(k.layers.serialize(layer)))
        model = k.Sequential([k.Input(shape), layer])
        return before, json.loads(json.dumps(k.layers.serialize(layer))), layer, model

    (before, after, layer, _), (their_before, their_after, _, _) = both(run)
    assert before == their_before
    assert after == their_after
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_masks_pass_as_in_keras():
    arguments = {"SpatialDropout1D": (0.5,), "GaussianNoise": (0.5,), "GaussianDropout": (0.5,)}
    arguments |= {"AlphaDropout": (0.5,), "Dropout": (0.5,), "Activation": ("relu",)}
    names = ("ActivityRegularization", "LeakyReLU", "ELU", "PReLU", "ReLU", "Softmax")
    seed_both(1)
    for name in (*arguments, *names):
        ours, theirs = (
            getattr(layers_of(k), name)(*arguments.get(name, ())) for k in (scratchnn, keras)
        )
        assert ours.supports_masking, name
        assert theirs.supports_masking, name
