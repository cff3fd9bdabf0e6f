"""A layer without weights and its Keras twin, compared: values, gradients, configs, training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from twins import both, close, close_all, quiet

import scratchnn
from scratchnn import Context
from scratchnn.layers import Layer

ONE_PASS = 5e-7
"""Relative to the largest element: the rounding of a few float32 operations."""

TWENTY_STEPS = 1e-5
"""The same, of weights and losses after twenty steps, each of which starts from the last's."""


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def ties(*shape: int, seed: int = 0) -> np.ndarray:
    """Return small whole numbers, most of which are met again next to them."""
    return np.random.default_rng(seed).integers(-1, 2, shape).astype("float32")


def passes(layer: Layer, x: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
    """Return (y, dx) of a scratchnn layer, for a dy of 1, 2, 3, ..."""
    several = isinstance(x, list)
    layer.ensure_built([one.shape for one in x] if several else x.shape)  # type: ignore[arg-type]
    ctx = Context(training, layer.dtype)
    ctx.in_mask = mask
    y = layer.forward([layer.cast(one) for one in x] if several else layer.cast(x), ctx)  # type: ignore[arg-type]
    kept = y.copy()
    return kept, layer.backward(_dy(y).astype(y.dtype), ctx)


def keras_passes(layer: Any, x: Any, mask: Any = None) -> tuple[Any, Any]:
    """Return (y, dx) of a Keras layer, for the same dy."""
    several = isinstance(x, list)
    tensors = [tf.constant(one) for one in (x if several else [x])]
    with tf.GradientTape() as tape, quiet():
        tape.watch(tensors)
        given = [tf.identity(one) for one in tensors]
        for one, m in zip(given, mask if several and mask else [mask], strict=False):
            if m is not None:
                keras.src.backend.set_keras_mask(one, tf.constant(m))
        y = layer(given if several else given[0])
        target = tf.reduce_sum(y * _dy(y.numpy())) if y.dtype.is_floating else None
    dx = None if target is None else [_dense(g) for g in tape.gradient(target, tensors)]
    return y, dx if several or dx is None else dx[0]


def _dense(gradient: Any) -> Any:
    return None if gradient is None else tf.convert_to_tensor(gradient).numpy()


def _dy(y: np.ndarray) -> np.ndarray:
    return np.arange(1, y.size + 1, dtype="f").reshape(y.shape) / y.size


def compare(ours: Layer, theirs: Any, x: Any, mask: Any = None) -> Any:
    """Check values, gradients, output shapes and configs of two layers; return our output."""
    same_configs(ours, theirs)
    y, dx = passes(ours, x, mask)
    expected, expected_dx = keras_passes(theirs, x, mask)
    close(y, expected.numpy(), ONE_PASS, "y")
    if isinstance(x, list):
        close_all(dx, expected_dx, ONE_PASS, "dx")
        shape: Any = [one.shape for one in x]
    elif expected_dx is not None:
        close(dx, expected_dx, ONE_PASS, "dx")
        shape = x.shape
    else:
        assert dx is None
        shape = x.shape
    assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
    same_configs(ours, theirs)
    return y


def same_configs(ours: Layer, theirs: Any) -> None:
    """Check that both describe themselves alike, and that ours is made again from its config."""
    found, expected = (
        k.layers.serialize(layer) for k, layer in ((scratchnn, ours), (keras, theirs))
    )
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(expected))
    config = json.loads(json.dumps(ours.get_config()))
    again = type(ours).from_config(config).get_config()
    assert json.loads(json.dumps(again)) == config


def same_training(layers: Any, shape: Sequence[int], tolerance: float = TWENTY_STEPS) -> None:
    """Check twenty steps of a model: a Dense over channels, `layers(k)`, and a Dense at the end."""

    def run(k: Any) -> Any:
        model = k.Sequential(
            [
                k.Input(shape[1:]),
                k.layers.Dense(shape[-1], "tanh"),
                *layers(k),
                k.layers.Flatten(),
                k.layers.Dense(2),
            ]
        )
        model.compile(k.optimizers.SGD(0.05), "mse", run_eagerly=True)
        x, y = numbers(*shape, seed=1), numbers(shape[0], 2, seed=2)
        before = [w.copy() for w in model.get_weights()]
        losses = [model.train_on_batch(x, y) for _ in range(20)]
        return before, losses, model.get_weights()

    (start, losses, weights), (keras_start, keras_losses, keras_weights) = both(run)
    for found, expected in zip(start, keras_start, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(losses, keras_losses, rtol=tolerance)
    assert losses[-1] < 0.9 * losses[0]
    close_all(weights, keras_weights, tolerance, "weights")
