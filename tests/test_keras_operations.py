"""Arithmetic on KerasTensors against tf.keras: values, training, configs and files.

Weights and losses are within 1e-5 after 20 steps, predictions within 2e-6 of the largest.
"""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
from twins import both, close, close_all, twins

import scratchnn

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't:DeprecationWarning"  # Keras, of NumPy 2
)
X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")


def numeric(k: Any, x: Any, y: Any) -> Any:
    z = (x + y) * 2 - y / 3.0
    z = z / (k.ops.exp(-x) + 1) + abs(y) - 2 * (1 - z)
    return k.ops.maximum(z, y) + k.ops.minimum(x, 0.1) ** 2


def functions(k: Any, x: Any, y: Any) -> Any:
    ops = k.ops
    z = ops.relu(ops.add(x, y)) + ops.gelu(x) + ops.silu(y) + ops.tanh(ops.subtract(x, y))
    z = ops.multiply(z, ops.softmax(y)) + ops.sigmoid(x) + ops.leaky_relu(y) + ops.elu(x)
    return z + ops.sqrt(ops.square(x) + 1.0) + ops.log(ops.softplus(y)) + ops.divide(x, 3)


def shapes(k: Any, x: Any, y: Any) -> Any:
    ops = k.ops
    z = ops.concatenate([x, y], axis=-1)[:, 1:7] * ops.mean(x, axis=1, keepdims=True)
    z = ops.reshape(z, (-1, 2, 3)) + ops.expand_dims(ops.sum(y, axis=-1, keepdims=True), 1)
    z = ops.matmul(ops.transpose(z, (0, 2, 1)), ops.stack([x, y], axis=1))
    return ops.mean(z, axis=1) + ops.squeeze(ops.expand_dims(x, axis=1), axis=1)


def constants(k: Any, x: Any, y: Any) -> Any:
    row = np.array([1.0, -2.0, 0.5, 3.0], "float32")
    return (x * row + np.float32(2)) - (y**2 + 1) / row


def build(k: Any, function: Any) -> Any:
    a = k.Input((4,), name="a")
    x = k.layers.Dense(4, "tanh", name="x")(a)
    y = k.layers.Dense(4, name="y")(x)
    z = k.layers.LayerNormalization(name="norm")(x + y)
    z = function(k, z, y)
    return k.Model(a, k.layers.Dense(2, name="out")(z + a))


every = pytest.mark.parametrize("function", [numeric, functions, shapes, constants])


@every
def test_twenty_steps(function):
    def run(k: Any) -> Any:
        model = build(k, function)
        model.compile(k.optimizers.SGD(0.02), "mse")
        losses = [float(model.train_on_batch(X, Y)) for _ in range(20)]
        return losses, model.get_weights()

    (losses, weights), (expected, theirs) = both(run)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    close_all(weights, theirs, 1e-5)
    assert losses[-1] < 0.95 * losses[0]


@every
def test_configs_and_files_both_ways(function, tmp_path):
    ours, theirs = twins(lambda k: build(k, function))
    mine, other = (json.loads(model.to_json())["config"] for model in (ours, theirs))
    assert mine == other
    expected = theirs.predict(X, verbose=0)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    for k, name in ((keras, "ours"), (scratchnn, "theirs")):
        again = k.models.load_model(tmp_path / f"{name}.keras")
        close(again.predict(X, verbose=0), expected, 2e-6)
    assert json.loads(again.to_json())["config"] == other


def test_summaries(capsys):
    shown = []
    for model in twins(lambda k: build(k, shapes)):
        model.summary()
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
