"""Numbers made by Keras, to be met without it: activations, losses, metrics, optimizers, fits.

data/golden.json was made by Keras 3.15.1 on TensorFlow 2.21, on a CPU, in float32; it holds each
float32 in the fewest digits that tell it from its neighbours. What single operations give is
compared to 1e-6 of the largest number of its array, eight times the rounding of a float32: sums
are taken in another order. Whole fits are compared to 3e-6, but their initial weights bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratchnn as keras
from scratchnn import Context, Input, Sequential
from scratchnn.layers import Dense, Dropout
from scratchnn.losses import SparseCategoricalCrossentropy
from scratchnn.optimizers import SGD, Adam
from scratchnn.parameters import Parameter, ParameterStore

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())
ONE_STEP, MANY_STEPS = 1e-6, 3e-6


def float32(values: Any) -> np.ndarray:
    return np.asarray(values, np.float32)


def close(found: Any, expected: Any, tolerance: float = ONE_STEP) -> None:
    found, expected = np.asarray(found), float32(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# --- Activations and layers


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh"])
def test_activations_and_their_slopes(name: str) -> None:
    case, x = GOLDEN["activations"][name], float32(GOLDEN["activations"]["x"])
    close(getattr(keras.activations, name)(x), case["y"])
    layer, ctx = keras.layers.Activation(name), Context(training=True)
    close(layer.forward(x[np.newaxis], ctx)[0], case["y"])
    close(layer.backward(np.ones_like(x)[np.newaxis], ctx)[0], case["dy"])


def test_softmax() -> None:
    case = GOLDEN["activations"]["softmax"]
    close(keras.activations.softmax(float32(case["x"])), case["y"])


@pytest.mark.parametrize(
    ("name", "activation"), [("Dense(2,tanh)", "tanh"), ("Dense(2) rank3", None)]
)
def test_dense(name: str, activation: str | None) -> None:
    case = GOLDEN["layers"][name]
    x, dy = float32(case["x"]), float32(case["upstream"])
    layer = Dense(2, activation)
    layer.build(x.shape)
    layer.set_weights(case["weights"])
    ctx = Context(training=True)
    close(layer.forward(x, ctx), case["y"])
    close(layer.backward(dy, ctx), case["dx"])
    for parameter, expected in zip(layer.weights, case["dw"], strict=True):
        close(parameter.grad, expected)


# --- Losses and metrics


@pytest.mark.parametrize(
    "case", GOLDEN["losses"]["cases"], ids=lambda c: f"{c['loss']} {c['options']}"
)
def test_losses(case: dict[str, Any]) -> None:
    inputs = GOLDEN["losses"]["inputs"]
    y, p, w = (np.asarray(inputs[key]) for key in (case["y_true"], case["y_pred"], "sw"))
    make = getattr(keras.losses, case["loss"])
    loss = make(**case["options"])
    close(loss(y, p), case["value"])
    close(loss(y, p, sample_weight=w), case["weighted"])
    close(make(**case["options"], reduction="none")(y, p), case["per_sample"])
    ctx = Context()
    loss.reduce(loss.forward(loss.prepare(y, p.shape), float32(p), ctx), None, ctx)
    close(loss.reduced_gradient(ctx), case["grad"])


@pytest.mark.parametrize("name", GOLDEN["metrics"]["cases"])
def test_metrics(name: str) -> None:
    data, expected = GOLDEN["metrics"], GOLDEN["metrics"]["cases"][name]
    y, p, w = float32(data["y"])[:, np.newaxis], float32(data["p"])[:, np.newaxis], data["w"]
    make = getattr(keras.metrics, name)
    close(make()(y, p), expected["result"])
    close(make()(y, p, sample_weight=w), expected["weighted"])


@pytest.mark.parametrize("name", GOLDEN["metrics of classes"]["cases"])
def test_metrics_of_classes(name: str) -> None:
    data = GOLDEN["metrics of classes"]
    labels, p = np.asarray(data["labels"]), float32(data["p"])
    y = np.eye(3)[labels] if name == "CategoricalAccuracy" else labels
    metric = getattr(keras.metrics, name)(**({"k": 2} if "TopK" in name else {}))
    close(metric(y, p), data["cases"][name])


# --- Optimizers


@pytest.mark.parametrize(
    "case", GOLDEN["optimizers"]["cases"], ids=lambda c: f"{c['optimizer']} {c['options']}"
)
def test_optimizers(case: dict[str, Any]) -> None:
    """Six steps along given gradients."""
    parameter = Parameter(float32(GOLDEN["optimizers"]["weights"]), name="w")
    store = ParameterStore([parameter])
    optimizer = getattr(keras.optimizers, case["optimizer"])(**case["options"])
    for gradient, expected in zip(GOLDEN["optimizers"]["gradients"], case["weights"], strict=True):
        parameter.grad[...] = gradient
        optimizer.step(store)
        close(parameter.value, expected)


# --- Fits from a seed


def line() -> Sequential:
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    return model


def softmax() -> Sequential:
    model = Sequential([Input((4,)), Dense(8, "relu"), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def dropout() -> Sequential:
    model = Sequential([Input((4,)), Dense(8, "relu"), Dropout(0.5), Dense(3)])
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.01), loss, metrics=["accuracy"])
    return model


def regularized() -> Sequential:
    model = Sequential([Input((4,)), Dense(8, "tanh", kernel_regularizer="l2"), Dense(1)])
    model.compile(SGD(0.01, momentum=0.9, nesterov=True), "mse", metrics=["mae"])
    return model


def large_learning_rate() -> Sequential:
    model = Sequential([Input((4,)), Dense(8, "relu"), Dense(1)])
    model.compile(SGD(0.2), "mse")
    return model


FITS: dict[str, Callable[[], Sequential]] = {
    "line": line,
    "softmax and validation_split": softmax,
    "logits and dropout": dropout,
    "regularized regression": regularized,
    "large learning rate": large_learning_rate,
}


@pytest.mark.parametrize("name", GOLDEN["fits"])
def test_fits(name: str) -> None:
    case = GOLDEN["fits"][name]
    keras.utils.set_random_seed(case["seed"])
    model = FITS[name]()
    for found, expected in zip(model.get_weights(), case["initial"], strict=True):
        np.testing.assert_array_equal(found, float32(expected), strict=True)
    x = float32(case["x"])
    history = model.fit(x, np.asarray(case["y"]), verbose=0, **case["fit"])
    assert list(history.history) == list(case["history"])
    for key, expected in case["history"].items():
        close(history.history[key], expected, MANY_STEPS)
    for found, expected in zip(model.get_weights(), case["weights"], strict=True):
        close(found, expected, MANY_STEPS)
    assert model.optimizer.iterations == case["iterations"]
    close(model.predict(x[: len(case["predictions"])], verbose=0), case["predictions"], MANY_STEPS)
