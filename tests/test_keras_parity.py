"""Layers, losses, metrics and optimizers give the numbers of Keras, step by step.

Each model is built by one function with both libraries from the same seed. What is compared, and
how closely, each number relative to the largest of its tensor:

- initial weights, labels counted, names, shapes, texts: equal;
- what one step computes (outputs, losses, named gradients, updated weights): 1e-6, eight times the
  rounding of a float32. Dot products are summed in another order, no more;
- weights after five steps: 5e-6, for each step starts from the last one's rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from twins import both, close, close_all, equal_weights, gradients, quiet, twins, watch_gradients

import scratchnn
from scratchnn.context import Context

ONE_STEP = 1e-6
FIVE_STEPS = 5e-6

N = 12
RNG = np.random.default_rng(2015)


def inputs(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=(N, *shape)).astype("float32")


def targets(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return targets for outputs of `shape`, of the given kind."""
    rng = np.random.default_rng(1)
    if kind == "numbers":
        # Away from the outputs, so that a bias's gradient, a sum of errors, does not cancel.
        return rng.normal(2.0, 1.0, size=shape).astype("float32")
    if kind == "binary":
        return rng.integers(0, 2, shape).astype("float32")
    labels = rng.integers(0, shape[-1], shape[:-1])
    if kind == "labels":
        return labels
    one_hot = np.eye(shape[-1], dtype="float32")[labels]
    return one_hot if kind == "one-hot" else one_hot * 0.7 + np.float32(0.3 / shape[-1])


def compiled(
    layers: Callable[[Any], list[Any]],
    loss: Any = "mse",
    optimizer: Callable[[Any], Any] = lambda k: k.optimizers.SGD(0.1),
    graph: bool = False,
    **options: Any,
) -> Callable[[Any], Any]:
    """Return a builder of a compiled Sequential.

    Keras runs it eagerly, which is four times as fast to test, unless `graph` asks for the
    tf.function that users get.
    """

    def build(k: Any) -> Any:
        model = k.Sequential(layers(k))
        made = loss(k) if callable(loss) else loss
        model.compile(optimizer(k), made, run_eagerly=not graph, **options)
        return model

    return build


def check_training(
    build: Callable[[Any], Any],
    x: np.ndarray,
    y: np.ndarray,
    steps: int = 5,
    **weights: Any,
) -> tuple[Any, Any]:
    """Compare all that happens in a few steps on one batch."""
    ours, theirs = twins(build)
    with quiet():
        if not theirs.built:
            theirs.build((None, *x.shape[1:]))
            ours.build((None, *x.shape[1:]))
        equal_weights(ours, theirs)
        close(ours(x), theirs(x).numpy(), ONE_STEP, "forward")
        close(ours(x, training=True), theirs(x, training=True).numpy(), ONE_STEP, "in training")
        expected = watch_gradients(theirs)
        for step in range(steps):
            tolerance = FIVE_STEPS if step else ONE_STEP
            found_logs = ours.train_on_batch(x, y, **weights, return_dict=True)
            logs = theirs.train_on_batch(x, y, **weights, return_dict=True)
            close_all(found_logs, logs, tolerance, f"logs of step {step}")
            if not step:
                close_all(gradients(ours), expected(), ONE_STEP, "gradients")
            close_all(ours.get_weights(), theirs.get_weights(), tolerance, f"weights {step}")
        weights.pop("class_weight", None)
        found_logs = ours.test_on_batch(x, y, **weights, return_dict=True)
        close_all(found_logs, theirs.test_on_batch(x, y, **weights, return_dict=True), FIVE_STEPS)
    return ours, theirs


# --- Layers: forward, backward, five steps


def dense(k: Any, *args: Any, **options: Any) -> Any:
    return k.layers.Dense(*args, **options)


def nested(k: Any) -> list[Any]:
    L = k.layers
    inner = k.Sequential([L.Dense(6, "tanh"), L.Dropout(0.2), L.Dense(4)], name="inner")
    outer = k.Sequential([inner, L.ReLU(), L.Dense(3)], name="outer")
    return [k.Input((5,)), L.Dense(4), outer, L.Dense(2)]


def frozen(k: Any) -> list[Any]:
    L = k.layers
    return [
        k.Input((5,)),
        L.Dense(4, "tanh", kernel_regularizer="l2", trainable=False),
        L.Dense(4, "relu"),
        L.Dense(4, trainable=False),
        L.Dense(2),
    ]


def regularized(k: Any) -> list[Any]:
    L, r = k.layers, k.regularizers
    return [
        k.Input((5,)),
        L.Dense(4, "tanh", kernel_regularizer="l2", bias_regularizer=r.L1(0.1)),
        L.Dense(4, "relu", kernel_regularizer=r.L1L2(0.02, 0.03), activity_regularizer=r.L2(0.1)),
        L.Dense(
            4,
            bias_initializer="ones",
            kernel_regularizer=r.OrthogonalRegularizer(0.1, "columns"),
            activity_regularizer=r.L1(0.05),
        ),
        L.Dropout(0.3, activity_regularizer="l1"),
        L.Dense(2),
    ]


def constrained(k: Any) -> list[Any]:
    L, c = k.layers, k.constraints
    return [
        k.Input((5,)),
        L.Dense(4, "tanh", kernel_constraint=c.MaxNorm(0.5), bias_constraint="non_neg"),
        L.Dense(4, kernel_constraint=c.UnitNorm(axis=1), bias_constraint=c.MaxNorm(0.01)),
        L.Dense(2, kernel_constraint=c.MinMaxNorm(0.2, 0.4, rate=0.5)),
    ]


LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]] = {
    **{
        f"Dense {a}": ((4,), lambda k, a=a: [k.Input((4,)), dense(k, 5, a), dense(k, 3, a)])
        for a in ("relu", "sigmoid", "tanh", "softmax", "linear", None)
    },
    **{
        f"Activation {a}": (
            (4,),
            lambda k, a=a: [k.Input((4,)), dense(k, 5), k.layers.Activation(a), dense(k, 2)],
        )
        for a in ("relu", "sigmoid", "tanh", "softmax", "linear")
    },
    "functions": (
        (4,),
        lambda k: [
            k.Input((4,)),
            dense(k, 5, k.activations.relu),
            dense(k, 5, activation=k.activations.tanh),
            k.layers.Activation(k.activations.sigmoid),
            dense(k, 3, k.activations.softmax),
        ],
    ),
    "input_shape": ((4,), lambda k: [dense(k, 5, "relu", input_shape=(4,)), dense(k, 2)]),
    "input_dim": ((4,), lambda k: [dense(k, 5, "relu", input_dim=4), dense(k, 2)]),
    "unbuilt": ((4,), lambda k: [dense(k, 5, "relu"), dense(k, 2)]),
    "no bias": ((4,), lambda k: [k.Input((4,)), dense(k, 5, use_bias=False), dense(k, 2)]),
    "rank 3": (
        (3, 4),
        lambda k: [k.Input((3, 4)), dense(k, 5, "tanh"), dense(k, 4, "softmax"), dense(k, 2)],
    ),
    "rank 4": ((2, 3, 4), lambda k: [k.Input((2, 3, 4)), dense(k, 5, "relu"), dense(k, 2)]),
    "unknown length": ((3, 4), lambda k: [k.Input((None, 4)), dense(k, 5, "relu"), dense(k, 2)]),
    "Flatten": (
        (3, 4),
        lambda k: [k.Input((3, 4)), dense(k, 2), k.layers.Flatten(), dense(k, 2)],
    ),
    "Flatten channels_first": (
        (2, 3, 4),
        lambda k: [
            k.Input((2, 3, 4)),
            dense(k, 2),
            k.layers.Flatten(data_format="channels_first"),
            dense(k, 2),
        ],
    ),
    "Flatten of rank 1": ((), lambda k: [k.layers.Flatten(), dense(k, 2)]),
    "Reshape": (
        (6,),
        lambda k: [
            k.Input((6,)),
            dense(k, 6),
            k.layers.Reshape((3, 2)),
            dense(k, 4),
            k.layers.Reshape((-1, 2)),
            dense(k, 3),
            k.layers.Reshape((-1,)),
            dense(k, 2),
        ],
    ),
    "Softmax": ((4,), lambda k: [k.Input((4,)), dense(k, 5), k.layers.Softmax(), dense(k, 2)]),
    "Softmax axis 1": (
        (3, 4),
        lambda k: [
            k.Input((3, 4)),
            dense(k, 5, use_bias=False),  # whose gradient would be 0: it shifts all alike
            k.layers.Softmax(axis=1),
            dense(k, 2),
        ],
    ),
    "Softmax two axes": (
        (3, 4),
        lambda k: [k.Input((3, 4)), dense(k, 5), k.layers.Softmax(axis=(1, 2)), dense(k, 2)],
    ),
    "Rescaling": (
        (4,),
        lambda k: [
            k.layers.Rescaling(1 / 255, 0.5, input_shape=(4,)),
            dense(k, 5),
            k.layers.Rescaling(3.0, -1),
            dense(k, 2),
        ],
    ),
    "Rescaling by axis": (
        (4,),
        lambda k: [
            k.Input((4,)),
            dense(k, 3),
            k.layers.Rescaling([1.0, 2.0, 3.0], offset=[0.5, 0.0, -0.5]),
            dense(k, 2),
        ],
    ),
    "Dropout": (
        (4,),
        lambda k: [
            k.Input((4,)),
            k.layers.Dropout(0.3),
            dense(k, 50, "relu"),
            k.layers.Dropout(0.5),
            dense(k, 2),
        ],
    ),
    "Dropout with a seed": (
        (4,),
        lambda k: [k.Input((4,)), dense(k, 9), k.layers.Dropout(0.3, seed=3), dense(k, 2)],
    ),
    "Dropout of whole columns": (
        (3, 4),
        lambda k: [
            k.Input((3, 4)),
            dense(k, 9),
            k.layers.Dropout(0.4, noise_shape=(None, 1, 9)),
            dense(k, 2),
        ],
    ),
    "Dropout 0": ((4,), lambda k: [k.Input((4,)), k.layers.Dropout(0), dense(k, 2)]),
    "Dropout 1": ((4,), lambda k: [k.Input((4,)), dense(k, 3), k.layers.Dropout(1), dense(k, 2)]),
    "Identity": ((4,), lambda k: [k.Input((4,)), dense(k, 3), k.layers.Identity(), dense(k, 2)]),
    "nested": ((5,), nested),
    "frozen": ((5,), frozen),
    "regularized": ((5,), regularized),
    "constrained": ((5,), constrained),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    shape, layers = LAYERS[name]
    x = inputs(*shape)
    ours, _ = twins(compiled(layers))
    with quiet():
        y = targets("numbers", ours(x).shape)
    check_training(compiled(layers, metrics=["mae"]), x, y)


@pytest.mark.parametrize("name", ["Dense softmax", "Dropout", "nested", "regularized"])
def test_layers_in_a_graph(name: str) -> None:
    shape, layers = LAYERS[name]
    x = inputs(*shape)
    ours, _ = twins(compiled(layers))
    check_training(compiled(layers, graph=True), x, targets("numbers", ours(x).shape))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float64"])
def test_inputs_of_any_dtype(dtype: str) -> None:
    x = RNG.integers(0, 2 if dtype == "bool" else 9, (N, 3, 4)).astype(dtype)
    layers = lambda k: [k.Input((3, 4)), k.layers.Flatten(), dense(k, 5, "relu"), dense(k, 2)]  # noqa: E731
    check_training(compiled(layers), x, targets("numbers", (N, 2)))


KINKS = [-7.0, -6.0, -4.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 6.0, 7.0, 9.0]
RELUS: list[dict[str, Any]] = [
    {"max_value": max_value, "negative_slope": slope, "threshold": threshold}
    for max_value in (None, 0.0, 2.0, 5.0, 6.0)
    for slope in (0.0, 0.1, 1.0)
    for threshold in (0.0, 1.0, 6.0)
]


@pytest.mark.parametrize("options", RELUS, ids=str)
def test_relu_and_its_kinks(options: dict[str, Any]) -> None:
    """One sample meets every kink; an identity before the ReLU shows the slope at each."""

    def layers(k: Any) -> list[Any]:
        units = len(KINKS)
        identity = dense(k, units, kernel_initializer="identity")
        return [k.Input((units,)), identity, k.layers.ReLU(**options)]

    y = np.full((1, len(KINKS)), 100.0, "float32")
    x = np.array([KINKS], "float32")
    check_training(compiled(layers, "mse"), x, y, steps=1)


def test_kinks_of_the_activation_functions() -> None:
    units = len(KINKS)
    for activation in ("relu", "sigmoid", "tanh", "softmax", "linear"):
        for gap in (0.0, 100.0):

            def layers(k: Any, activation: str = activation) -> list[Any]:
                return [k.Input((units,)), dense(k, units, activation, kernel_initializer="identity")]

            x = np.array([KINKS], "float32") * (1 + gap)
            y = np.full((1, units), 2.0, "float32")
            check_training(compiled(layers, "mse"), x, y, steps=1)
