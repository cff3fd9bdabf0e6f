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
RNG = np.random.default_rng(2015)  # for the tables below; tests make generators of their own


def uniform(*shape: int) -> np.ndarray:
    """Return weights for samples."""
    return np.random.default_rng(len(shape)).uniform(0, 2, shape).astype("float32")


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
    x = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 9, (N, 3, 4)).astype(dtype)
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
                return [
                    k.Input((units,)),
                    dense(k, units, activation, kernel_initializer="identity"),
                ]

            x = np.array([KINKS], "float32") * (1 + gap)
            # Targets far apart: what they pull at must not cancel in the gradient of a softmax,
            # which would show the rounding of the processor's exp many times enlarged.
            y = np.where(np.arange(units) % 2, 2, -2).astype("float32")[np.newaxis]
            check_training(compiled(layers, "mse"), x, y, steps=1)


# --- Losses at the end of a model

HEADS: dict[str, Callable[[Any], list[Any]]] = {
    "linear": lambda k: [dense(k, 3)],
    "softmax": lambda k: [dense(k, 3, "softmax")],
    "Activation softmax": lambda k: [dense(k, 3), k.layers.Activation("softmax")],
    "Softmax": lambda k: [dense(k, 3), k.layers.Softmax()],
    "softmax, then nothing": lambda k: [
        dense(k, 3, "softmax"),
        k.layers.Dropout(0.0),
        k.layers.Activation("linear"),
    ],
    "softmax in a model": lambda k: [k.Sequential([dense(k, 4, "relu"), dense(k, 3, "softmax")])],
    "softmax, Reshape": lambda k: [dense(k, 3, "softmax"), k.layers.Reshape((3,))],
    "softmax, Dropout": lambda k: [dense(k, 3, "softmax"), k.layers.Dropout(0.05)],
    "softmax, Rescaling": lambda k: [dense(k, 3, "softmax"), k.layers.Rescaling(0.9, 0.01)],
    "Softmax of axis 1": lambda k: [
        dense(k, 12, use_bias=False),
        k.layers.Reshape((4, 3)),
        k.layers.Softmax(axis=1),
    ],
    "softmax, activity": lambda k: [dense(k, 3, "softmax", activity_regularizer="l2")],
    "sigmoid": lambda k: [dense(k, 3, "sigmoid")],
    "Activation sigmoid": lambda k: [dense(k, 3), k.layers.Activation("sigmoid")],
    "sigmoid, Reshape": lambda k: [dense(k, 3, "sigmoid"), k.layers.Reshape((3,))],
    "one": lambda k: [dense(k, 1)],
    "one sigmoid": lambda k: [dense(k, 1, "sigmoid")],
    "sequence": lambda k: [dense(k, 12), k.layers.Reshape((4, 3)), k.layers.Softmax()],
    "unfused sequence": lambda k: [
        dense(k, 12),
        k.layers.Reshape((4, 3)),
        dense(k, 3, "softmax"),
        k.layers.Reshape((4, 3)),
    ],
    "numbers": lambda k: [dense(k, 12), k.layers.Reshape((4, 3))],
}
OUTPUTS = {
    "one": (N, 1),
    "one sigmoid": (N, 1),
    "sequence": (N, 4, 3),
    "unfused sequence": (N, 4, 3),
    "numbers": (N, 4, 3),
    "Softmax of axis 1": (N, 4, 3),
}


def sparse(**options: Any) -> Callable[[Any], Any]:
    return lambda k: k.losses.SparseCategoricalCrossentropy(**options)


def categorical(**options: Any) -> Callable[[Any], Any]:
    return lambda k: k.losses.CategoricalCrossentropy(**options)


def binary(**options: Any) -> Callable[[Any], Any]:
    return lambda k: k.losses.BinaryCrossentropy(**options)


FUSED_SOFTMAX = [
    "softmax",
    "Activation softmax",
    "Softmax",
    "softmax, then nothing",
    "softmax in a model",
    "softmax, activity",
]
UNFUSED_SOFTMAX = ["softmax, Reshape", "softmax, Dropout", "softmax, Rescaling"]
SIGMOIDS = ["sigmoid", "Activation sigmoid", "sigmoid, Reshape", "one sigmoid"]
LOSSES: list[tuple[str, Any, str]] = [
    ("linear", "mse", "numbers"),
    ("linear", "mae", "numbers"),
    ("numbers", "mse", "numbers"),
    ("numbers", "mae", "numbers"),
    ("softmax", "mse", "one-hot"),
    ("sigmoid", "mean_absolute_error", "binary"),
    *((head, "categorical_crossentropy", "one-hot") for head in FUSED_SOFTMAX + UNFUSED_SOFTMAX),
    *((head, "sparse_categorical_crossentropy", "labels") for head in FUSED_SOFTMAX),
    *((head, "sparse_categorical_crossentropy", "labels") for head in UNFUSED_SOFTMAX),
    *((head, "binary_crossentropy", "binary") for head in SIGMOIDS),
    ("one sigmoid", "bce", "binary"),
    ("one", binary(from_logits=True), "binary"),
    ("sigmoid", binary(from_logits=True), "binary"),
    ("sigmoid", binary(label_smoothing=0.2), "binary"),
    ("sigmoid, Reshape", binary(label_smoothing=0.2), "binary"),
    ("linear", binary(from_logits=True, label_smoothing=0.1), "binary"),
    ("linear", categorical(from_logits=True), "soft"),
    ("softmax", categorical(from_logits=True), "one-hot"),
    ("softmax", categorical(label_smoothing=0.1), "one-hot"),
    ("softmax, Reshape", categorical(label_smoothing=0.1), "one-hot"),
    ("softmax", "categorical_crossentropy", "soft"),
    ("linear", sparse(from_logits=True), "labels"),
    ("softmax", sparse(from_logits=True), "labels"),
    ("softmax", sparse(ignore_class=1), "labels"),
    ("softmax, Reshape", sparse(ignore_class=1), "labels"),
    ("linear", sparse(from_logits=True, ignore_class=0), "labels"),
    ("sequence", "sparse_categorical_crossentropy", "labels"),
    ("sequence", "categorical_crossentropy", "one-hot"),
    ("sequence", "binary_crossentropy", "one-hot"),
    ("sequence", sparse(ignore_class=2), "labels"),
    ("unfused sequence", "sparse_categorical_crossentropy", "labels"),
    ("unfused sequence", "categorical_crossentropy", "one-hot"),
    ("numbers", binary(from_logits=True, axis=1), "binary"),
    ("numbers", categorical(from_logits=True, axis=1), "one-hot"),
    # The logits of any softmax or sigmoid are taken, whichever of the losses it is.
    ("sigmoid", "categorical_crossentropy", "one-hot"),
    ("sigmoid", "sparse_categorical_crossentropy", "labels"),
    ("softmax", "binary_crossentropy", "one-hot"),
    ("Softmax of axis 1", "categorical_crossentropy", "one-hot"),
    ("Softmax of axis 1", "sparse_categorical_crossentropy", "labels"),
    ("Softmax of axis 1", "binary_crossentropy", "binary"),
    ("Softmax of axis 1", categorical(axis=1), "one-hot"),
    ("sequence", categorical(axis=1), "one-hot"),
    ("softmax", "crossentropy", "labels"),
    ("softmax", "crossentropy", "one-hot"),
    ("one sigmoid", "ce", "binary"),
]


def with_head(head: str) -> Callable[[Any], list[Any]]:
    return lambda k: [k.Input((4,)), dense(k, 5, "relu"), *HEADS[head](k)]


def loss_id(case: tuple[str, Any, str]) -> str:
    head, loss, kind = case
    if callable(loss):
        made = loss(scratchnn)
        default = type(made)().get_config().items()
        options = {k: v for k, v in made.get_config().items() if (k, v) not in default}
        loss = f"{made.name} {options}"
    return f"{head} - {loss} - {kind}"


@pytest.mark.parametrize("case", LOSSES, ids=loss_id)
def test_losses(case: tuple[str, Any, str]) -> None:
    head, loss, kind = case
    y = targets(kind, OUTPUTS.get(head, (N, 3)))
    check_training(compiled(with_head(head), loss, metrics=["accuracy"]), inputs(4), y)


GRAPHS = [
    ("softmax", "sparse_categorical_crossentropy", "labels"),
    ("softmax, then nothing", "categorical_crossentropy", "one-hot"),
    ("softmax, Reshape", "sparse_categorical_crossentropy", "labels"),
    ("softmax, Rescaling", "categorical_crossentropy", "one-hot"),
    ("Activation sigmoid", "binary_crossentropy", "binary"),
    ("sigmoid, Reshape", "binary_crossentropy", "binary"),
    ("sigmoid", "categorical_crossentropy", "one-hot"),
    ("softmax", sparse(ignore_class=1), "labels"),
]


@pytest.mark.parametrize("case", GRAPHS, ids=loss_id)
def test_losses_in_a_graph(case: tuple[str, Any, str]) -> None:
    head, loss, kind = case
    y = targets(kind, (N, 3))
    check_training(compiled(with_head(head), loss, graph=True), inputs(4), y)


REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"]
WEIGHTS: dict[str, Any] = {
    "per sample": {"sample_weight": uniform(N)},
    "in a column": {"sample_weight": uniform(N, 1)},
    "zeros": {"sample_weight": np.zeros(N, "float32")},
    "integers": {"sample_weight": RNG.integers(0, 4, N)},
    "by class": {"class_weight": {0: 0.5, 2: 3.0}},
}


@pytest.mark.parametrize("reduction", [*REDUCTIONS, None])
@pytest.mark.parametrize("weights", ["none", *WEIGHTS])
def test_reductions_and_weights(reduction: str | None, weights: str) -> None:
    given = WEIGHTS.get(weights, {})
    loss = sparse(reduction=reduction)
    metrics = {"metrics": ["accuracy", "sparse_categorical_crossentropy"]}
    weighted = {"weighted_metrics": ["acc"]}
    build = compiled(with_head("softmax"), loss, **metrics, **weighted)
    check_training(build, inputs(4), targets("labels", (N, 3)), steps=2, **given)


@pytest.mark.parametrize("weights", ["per sample", "in a column", "integers"])
@pytest.mark.parametrize("loss", ["mse", "mae", "bce"])
def test_weights_of_regressions(loss: str, weights: str) -> None:
    build = compiled(with_head("sigmoid"), loss, weighted_metrics=["mse", "binary_accuracy"])
    check_training(build, inputs(4), targets("binary", (N, 3)), steps=2, **WEIGHTS[weights])


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("mse", "numbers"),
        ("sparse_categorical_crossentropy", "labels"),
        ("categorical_crossentropy", "one-hot"),
        (sparse(ignore_class=1), "labels"),
        (sparse(ignore_class=1, reduction="sum"), "labels"),
        (sparse(ignore_class=1, reduction="mean_with_sample_weight"), "labels"),
    ],
)
def test_weights_of_time_steps(loss: Any, kind: str) -> None:
    build = compiled(with_head("sequence"), loss, weighted_metrics=["accuracy"])
    y = targets(kind, (N, 4, 3))
    check_training(build, inputs(4), y, steps=2, sample_weight=uniform(N, 4))


@pytest.mark.parametrize("class_weight", [{0: 2.0}, {0: 0.5, 1: 2.0, 2: 0.0}, {5: 9.0}])
@pytest.mark.parametrize("kind", ["labels", "column", "one-hot", "binary"])
def test_class_weights(kind: str, class_weight: dict[int, float]) -> None:
    head = "one sigmoid" if kind == "binary" else "softmax"
    y = targets("labels" if kind == "column" else kind, OUTPUTS.get(head, (N, 3)))
    y = y[:, np.newaxis] if kind == "column" else y
    build = compiled(with_head(head), "crossentropy", weighted_metrics=["accuracy"])
    check_training(build, inputs(4), y, steps=2, class_weight=class_weight)


@pytest.mark.parametrize("weight", [0.5, [2.0]])
def test_loss_weights(weight: Any) -> None:
    def layers(k: Any) -> list[Any]:
        hidden = dense(k, 5, "relu", kernel_regularizer="l2", activity_regularizer="l1")
        return [k.Input((4,)), hidden, dense(k, 3, "softmax")]

    build = compiled(layers, "categorical_crossentropy", loss_weights=weight)
    check_training(build, inputs(4), targets("one-hot", (N, 3)))


@pytest.mark.parametrize("y_shape", [(N,), (N, 1)])
@pytest.mark.parametrize("loss", ["mse", "mae", "bce"])
def test_targets_in_a_row_or_a_column(loss: str, y_shape: tuple[int, ...]) -> None:
    head = "one sigmoid" if loss == "bce" else "one"
    y = targets("binary", y_shape)
    build = compiled(with_head(head), loss, metrics=["accuracy", "mae"])
    check_training(build, inputs(4), y, steps=2, sample_weight=uniform(N))


SATURATED = np.array([[200.0, 0.0, -200.0], [-200.0, 50.0, 200.0], [0.0, 0.0, 0.0]], "float32")


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("loss", ["categorical", "sparse_categorical", "binary"])
def test_saturated_outputs(head: str, loss: str, fused: bool) -> None:
    """Logits of ±200: the losses grow with them if fused, and are cut at -log 1e-7 if not."""

    def layers(k: Any) -> list[Any]:
        last = dense(k, 3, head, kernel_initializer="identity")
        return [k.Input((3,)), last] + ([] if fused else [k.layers.Reshape((3,))])

    y = np.array([2, 0, 1])
    y = y if loss == "sparse_categorical" else np.eye(3, dtype="float32")[y]
    build = compiled(layers, f"{loss}_crossentropy", metrics=[f"{loss}_crossentropy"])
    check_training(build, SATURATED, y, steps=1)


# --- Losses and metrics by themselves

P = RNG.uniform(0.01, 0.99, (N, 3)).astype("float32")
EDGES = np.array([[0, 1, 0], [1e-8, 1, 1 - 1e-7], [0.2, 0.3, 0.5]] * 4, "float32")
MATRICES: dict[str, tuple[str, np.ndarray]] = {
    "numbers": ("numbers", RNG.normal(size=(N, 3)).astype("float32")),
    "probabilities": ("one-hot", P / P.sum(axis=1, keepdims=True)),
    "any positive": ("soft", P),
    "edges": ("one-hot", EDGES),
    "sequences": ("soft", RNG.uniform(0.01, 0.99, (N, 4, 3)).astype("float32")),
}
PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("MeanSquaredError", {}),
    ("MeanAbsoluteError", {}),
    ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"from_logits": True}),
    ("BinaryCrossentropy", {"label_smoothing": 0.3}),
    ("CategoricalCrossentropy", {}),
    ("CategoricalCrossentropy", {"from_logits": True}),
    ("CategoricalCrossentropy", {"label_smoothing": 0.3}),
    ("SparseCategoricalCrossentropy", {}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}),
]


def of_keras(loss: Any, y: np.ndarray, p: np.ndarray, weight: Any) -> tuple[Any, Any]:
    """Return the value of a loss and the gradient of its sum."""
    variable = tf.Variable(p)
    with tf.GradientTape() as tape:
        value = loss(y, variable, sample_weight=weight)
    return value.numpy(), tape.gradient(value, variable).numpy()


def of_ours(loss: Any, y: np.ndarray, p: np.ndarray, weight: Any) -> tuple[Any, Any]:
    ctx = Context()
    value = loss.reduce(loss.forward(loss.prepare(y, p.shape), p.copy(), ctx), weight, ctx)
    return value, loss.reduced_gradient(ctx)


@pytest.mark.parametrize("data", MATRICES)
@pytest.mark.parametrize(("name", "options"), PLAIN, ids=str)
def test_plain_losses(name: str, options: dict[str, Any], data: str) -> None:
    kind, p = MATRICES[data]
    is_sparse = name.startswith("Sparse")
    y = targets("labels" if is_sparse else kind, p.shape)
    if options.get("ignore_class") == -1:
        y = np.where(y == 2, -1, y)
    weights: list[Any] = [None, uniform(*p.shape[:-1])]
    if p.ndim == 2:
        weights.append(weights[1][:, np.newaxis])
    for reduction in (*REDUCTIONS, "none", None):
        ours = getattr(scratchnn.losses, name)(**options, reduction=reduction)
        theirs = getattr(keras.losses, name)(**options, reduction=reduction)
        assert ours.name == theirs.name
        for weight in weights if reduction in REDUCTIONS else weights[:2]:
            value, gradient = of_ours(ours, y, p, weight)
            expected, expected_gradient = of_keras(theirs, y, p, weight)
            close(value, expected, ONE_STEP, f"{reduction} value")
            close(gradient, expected_gradient, ONE_STEP, f"{reduction} gradient")
            close(ours(y, p, sample_weight=weight), expected, ONE_STEP, "called")
    function = keras.src.utils.naming.to_snake_case(name)
    options.pop("reduction", None)
    found = getattr(scratchnn.losses, function)(y, p, **options)
    expected = getattr(keras.losses, function)(y.astype("float32"), p, **options)
    close(found, expected.numpy(), ONE_STEP, "function")


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy"])
@pytest.mark.parametrize("shapes", [((4,), (4,)), ((4,), (4, 1)), ((4, 1), (4,)), ((4, 1), (4, 1))])
def test_losses_of_rank_one(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    y = np.array([0, 1, 1, 0], "float32").reshape(shapes[0])
    p = np.array([0.2, 0.4, 0.9, 0.5], "float32").reshape(shapes[1])
    for reduction in (*REDUCTIONS, None):
        found, expected = (
            getattr(k.losses, name)(reduction=reduction)(y, p) for k in (scratchnn, keras)
        )
        close(found, expected.numpy(), ONE_STEP)
    found = getattr(scratchnn.losses, name)()(y.tolist(), p.tolist())
    close(found, getattr(keras.losses, name)()(y, p).numpy(), ONE_STEP, "lists")


LABELS = targets("labels", (N, 3))
METRICS: list[tuple[str, dict[str, Any], np.ndarray, np.ndarray]] = [
    ("Accuracy", {}, LABELS, RNG.permuted(LABELS)),
    ("Accuracy", {}, targets("binary", (N, 3)), targets("binary", (N, 3))[::-1]),
    ("BinaryAccuracy", {}, targets("binary", (N, 3)), P),
    ("BinaryAccuracy", {}, targets("binary", (N, 1)), P[:, :1]),
    ("BinaryAccuracy", {}, targets("binary", (N, 1)), P[:, 0]),
    ("BinaryAccuracy", {"threshold": 0.2}, targets("binary", (N, 3)), P),
    ("BinaryAccuracy", {}, targets("binary", (N, 4, 3)), np.round(MATRICES["sequences"][1], 1)),
    ("CategoricalAccuracy", {}, targets("one-hot", (N, 3)), P),
    ("CategoricalAccuracy", {}, targets("soft", (N, 4, 3)), MATRICES["sequences"][1]),
    ("CategoricalAccuracy", {}, targets("one-hot", (N, 3)), np.round(P)),
    ("SparseCategoricalAccuracy", {}, LABELS, P),
    ("SparseCategoricalAccuracy", {}, LABELS[:, np.newaxis], P),
    ("SparseCategoricalAccuracy", {}, LABELS, np.round(P)),
    ("SparseCategoricalAccuracy", {}, targets("labels", (N, 4, 3)), MATRICES["sequences"][1]),
    *(
        ("TopKCategoricalAccuracy", {"k": k}, targets("one-hot", (N, 6)), np.round(scores, 1))
        for k in (1, 2, 5, 9)
        for scores in [np.random.default_rng(k).normal(size=(N, 6)).astype("float32")]
    ),
    *(("SparseTopKCategoricalAccuracy", {"k": k}, LABELS, np.round(P, 1)) for k in (1, 2, 3, 4)),
    ("MeanSquaredError", {}, targets("numbers", (N, 3)), P),
    ("MeanSquaredError", {}, targets("numbers", (N, 1)), P[:, 0]),
    ("MeanSquaredError", {}, targets("numbers", (N, 4, 3)), MATRICES["sequences"][1]),
    ("RootMeanSquaredError", {}, targets("numbers", (N, 3)), P),
    ("MeanAbsoluteError", {}, targets("numbers", (N, 3)), P),
    ("BinaryCrossentropy", {}, targets("binary", (N, 3)), P),
    ("BinaryCrossentropy", {"from_logits": True}, targets("binary", (N, 3)), P),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, targets("binary", (N, 3)), P),
    ("CategoricalCrossentropy", {}, targets("one-hot", (N, 3)), P),
    ("CategoricalCrossentropy", {"from_logits": True}, targets("one-hot", (N, 3)), P),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, targets("soft", (N, 3)), P),
    ("CategoricalCrossentropy", {}, targets("one-hot", (N, 4, 3)), MATRICES["sequences"][1]),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, P),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, LABELS, P),
    ("SparseCategoricalCrossentropy", {}, targets("labels", (N, 4, 3)), MATRICES["sequences"][1]),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "options", "y", "p"),
    METRICS,
    ids=[f"{name} {options}" for name, options, *_ in METRICS],
)
def test_metrics(
    name: str, options: dict[str, Any], y: np.ndarray, p: np.ndarray, weighted: bool
) -> None:
    """Batches of 7, 4 and 1 samples; after a reset, the first once more."""
    ours, theirs = (getattr(k.metrics, name)(**options) for k in (scratchnn, keras))
    assert ours.name == theirs.name
    weights = uniform(N)
    close(ours.result(), theirs.result().numpy(), 0, "before")
    for start, stop in ((0, 7), (7, 11), (11, 12), (0, 7)):
        rows = slice(start, stop)
        weight = weights[rows] if weighted else None
        ours.update_state(y[rows], p[rows], sample_weight=weight)
        theirs.update_state(y[rows], p[rows], sample_weight=weight)
        close(ours.result(), theirs.result().numpy(), ONE_STEP)
        close_all(ours.variables, [v.numpy() for v in theirs.variables], ONE_STEP, "state")
        if stop == N:
            ours.reset_state()
            theirs.reset_state()
            close(ours.result(), theirs.result().numpy(), 0, "after a reset")
    close(ours(y, p), theirs(y, p).numpy(), ONE_STEP, "called")


def test_means_and_sums() -> None:
    weights = [None, 2.0, [0.0, 1.0, 0.5], [[1.0], [0.0], [2.0]]]
    for name in ("Mean", "Sum"):
        ours, theirs = (getattr(k.metrics, name)() for k in (scratchnn, keras))
        for values in (3.0, [1.0, 2.0, 4.0], np.arange(6).reshape(3, 2)):
            for weight in weights if np.ndim(values) else weights[:2]:
                ours.update_state(values, sample_weight=weight)
                theirs.update_state(values, sample_weight=weight)
                close(ours.result(), theirs.result().numpy(), ONE_STEP, f"{name} {values} {weight}")


@pytest.mark.parametrize(
    "function",
    [
        "binary_accuracy",
        "categorical_accuracy",
        "sparse_categorical_accuracy",
        "top_k_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
    ],
)
def test_metric_functions(function: str) -> None:
    p = np.random.default_rng(0).normal(size=(N, 8)).astype("float32")
    kind = "labels" if "sparse" in function else "one-hot"
    y = targets(kind, (N, 8))
    found, expected = (getattr(k.metrics, function)(y, p) for k in (scratchnn, keras))
    close(found, expected.numpy(), ONE_STEP)


# --- Optimizers


def excluding(optimizer: Any) -> Any:
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


class Halving:
    """The same schedule for both: half the rate every two steps."""

    def __new__(cls, k: Any) -> Any:
        class Schedule(k.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
            def __call__(self, step: Any) -> Any:
                return 0.1 * 0.5 ** (int(step) // 2)

            def get_config(self) -> dict[str, Any]:
                return {}

        return Schedule()


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda o: "sgd",
    "adam": lambda o: "Adam",
    "rmsprop": lambda o: "RMSprop",
    "SGD momentum": lambda o: o.SGD(0.1, momentum=0.9),
    "SGD nesterov": lambda o: o.SGD(0.1, momentum=0.9, nesterov=True),
    "SGD nesterov without momentum": lambda o: o.SGD(0.1, nesterov=True),
    "Adam": lambda o: o.Adam(0.01),
    "Adam betas": lambda o: o.Adam(0.01, beta_1=0.5, beta_2=0.7, epsilon=1e-3),
    "Adam amsgrad": lambda o: o.Adam(0.01, amsgrad=True, beta_2=0.5),
    "RMSprop": lambda o: o.RMSprop(0.01),
    "RMSprop momentum": lambda o: o.RMSprop(0.01, momentum=0.9),
    "RMSprop centered": lambda o: o.RMSprop(0.01, centered=True),
    "RMSprop all": lambda o: o.RMSprop(0.01, rho=0.7, momentum=0.5, epsilon=1e-3, centered=True),
    "clipnorm": lambda o: o.SGD(0.5, clipnorm=0.1),
    "clipvalue": lambda o: o.Adam(0.01, clipvalue=0.01),
    "global_clipnorm": lambda o: o.SGD(0.5, momentum=0.9, global_clipnorm=0.1),
    "global_clipnorm too large to matter": lambda o: o.SGD(0.5, global_clipnorm=100.0),
    "weight_decay": lambda o: o.SGD(0.1, weight_decay=0.1),
    "weight_decay of Adam": lambda o: o.Adam(0.01, weight_decay=0.5),
    "weight_decay but biases": lambda o: excluding(o.RMSprop(0.01, weight_decay=0.5)),
    "EMA": lambda o: o.SGD(0.1, use_ema=True, ema_momentum=0.5),
    "EMA overwriting": lambda o: o.Adam(
        0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2
    ),
    "accumulation": lambda o: o.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2),
    "accumulation of Adam": lambda o: o.Adam(0.01, gradient_accumulation_steps=3),
    "accumulation and all": lambda o: o.RMSprop(
        0.01,
        momentum=0.5,
        gradient_accumulation_steps=2,
        use_ema=True,
        ema_overwrite_frequency=3,
        clipnorm=0.1,
        weight_decay=0.1,
    ),
    "a name": lambda o: o.Adam(0.01, name="mine"),
    "a function": lambda o: o.SGD(lambda: 0.05),
}


def check_optimizer(optimizer: Callable[[Any], Any], steps: int = 6, graph: bool = False) -> None:
    def layers(k: Any) -> list[Any]:
        hidden = dense(k, 5, "relu", bias_initializer="ones", kernel_constraint="max_norm")
        return [k.Input((4,)), hidden, dense(k, 3, "softmax")]

    build = compiled(layers, "sparse_categorical_crossentropy", optimizer, graph)
    ours, theirs = twins(build)
    x, y = inputs(4), targets("labels", (N, 3))
    for step in range(steps):
        tolerance = FIVE_STEPS if step else ONE_STEP
        ours.train_on_batch(x, y)
        theirs.train_on_batch(x, y)
        close_all(ours.get_weights(), theirs.get_weights(), tolerance, f"weights {step}")
        found, expected = ours.optimizer.variables, theirs.optimizer.variables
        assert [v.path for v in found] == [v.path for v in expected]
        assert [v.name for v in found] == [v.name for v in expected]
        values = [v.numpy() for v in found]
        close_all(values, [v.numpy() for v in expected], tolerance, f"variables {step}")
        close(ours.optimizer.iterations, np.asarray(theirs.optimizer.iterations), 0)
        rate = np.float32(theirs.optimizer.learning_rate)
        close(ours.optimizer.learning_rate, rate, ONE_STEP)
    for model in (ours, theirs):
        model.optimizer.finalize_variable_values(model.trainable_variables)
    close_all(ours.get_weights(), theirs.get_weights(), FIVE_STEPS, "at the end of fit")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    check_optimizer(lambda k: OPTIMIZERS[name](k.optimizers))


@pytest.mark.parametrize("name", ["SGD nesterov", "Adam amsgrad", "RMSprop all"])
def test_optimizers_in_a_graph(name: str) -> None:
    check_optimizer(lambda k: OPTIMIZERS[name](k.optimizers), graph=True)


def test_a_schedule_of_ones_own() -> None:
    check_optimizer(lambda k: k.optimizers.SGD(Halving(k)))


def test_learning_rate_can_be_set() -> None:
    x, y = inputs(4), targets("labels", (N, 3))
    ours, theirs = twins(compiled(with_head("softmax"), sparse(), lambda k: k.optimizers.SGD(0.1)))
    for rate in (0.5, 0.01):
        for model in (ours, theirs):
            model.optimizer.learning_rate = rate
            model.train_on_batch(x, y)
        close(float(ours.optimizer.learning_rate), float(theirs.optimizer.learning_rate), 0)
        close_all(ours.get_weights(), theirs.get_weights(), FIVE_STEPS)


# --- Names, orders and texts


def test_automatic_names() -> None:
    def names(k: Any) -> list[str]:
        L = k.layers
        made: list[Any] = [L.Dense(1), L.ReLU(), L.Dense(1), L.Dense(1, name="mine"), L.Dense(1)]
        made += [k.Sequential(), k.Sequential([L.Flatten(), L.Dense(2)]), L.Rescaling(1.0)]
        made += [k.Sequential([k.Input((2,)), L.Dense(2)]), L.Softmax(), L.Activation("relu")]
        made += [L.Dropout(0.1), L.Dropout(0.0), L.Identity(), L.Reshape((1,)), L.InputLayer((1,))]
        made += [k.optimizers.SGD(), k.optimizers.RMSprop(), k.optimizers.RMSprop()]
        made += [k.losses.MeanSquaredError(), k.losses.SparseCategoricalCrossentropy()]
        made += [k.metrics.Mean(), k.metrics.MeanSquaredError(), k.metrics.Accuracy()]
        made += [k.metrics.MeanSquaredError(), L.Dense(1)]
        return [thing.name for thing in made]

    ours, theirs = both(names)
    assert ours == theirs


def next_functional(k: Any) -> str:
    """Return the name of the next functional model, which tells how many there were."""
    naming = scratchnn.naming if k is scratchnn else keras.src.utils.naming
    return str(naming.auto_name("functional"))


def test_models_use_up_functional_names() -> None:
    def names(k: Any) -> list[str]:
        L = k.layers
        found = [next_functional(k)]
        k.Sequential([k.Input((2,)), L.Dense(2), L.Dense(2)])
        found.append(next_functional(k))
        unbuilt = k.Sequential([L.Dense(2), L.Dense(2)])
        found.append(next_functional(k))
        unbuilt.build((None, 3))
        found.append(next_functional(k))
        grown = k.Sequential()
        grown.add(k.Input((2,)))
        found.append(next_functional(k))
        grown.add(L.Dense(2))
        grown.add(L.Dense(2))
        found.append(next_functional(k))
        grown.pop()
        found.append(next_functional(k))
        called = k.Sequential([L.Dense(2), L.Dense(2)])
        called(np.ones((3, 2), "float32"))
        called(np.ones((4, 2), "float32"))
        found.append(next_functional(k))
        k.Sequential([k.Input((2,)), k.Sequential([L.Dense(2)]), L.Dense(1)])
        found.append(next_functional(k))
        fitted = k.Sequential([L.Dense(2)])
        fitted.compile("sgd", "mse")
        fitted.fit(np.ones((3, 2)), np.ones((3, 2)), verbose=0)
        fitted.predict(np.ones((3, 2)), verbose=0)
        found.append(next_functional(k))
        return found

    ours, theirs = both(names)
    assert ours == theirs


def test_weights_and_their_order() -> None:
    def listed(k: Any) -> Any:
        L = k.layers
        inner = k.Sequential([L.Dense(3, name="a"), L.Dense(2, use_bias=False)], name="inner")
        fixed = L.Dense(4, trainable=False)
        model = k.Sequential([k.Input((5,)), L.Dense(4), fixed, inner, L.Dense(1)], name="m")
        before = [
            [[v.path, v.name, tuple(v.shape), v.trainable] for v in found]
            for found in (model.weights, model.trainable_weights, model.non_trainable_weights)
        ]
        inner.trainable = False
        after = [[v.path for v in model.trainable_variables], model.count_params()]
        after += [[v.path for v in model.non_trainable_variables], model.trainable]
        return before, after, model.get_weights(), inner.layers[1].get_weights()

    ours, theirs = both(listed)
    assert ours[:2] == theirs[:2]
    for found, expected in zip(ours[2] + ours[3], theirs[2] + theirs[3], strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_shapes_of_models() -> None:
    def shapes(k: Any) -> list[Any]:
        L = k.layers
        model = k.Sequential([k.Input((6, 4), batch_size=3), L.Dense(2), L.Flatten(), L.Dense(1)])
        found = [model.input_shape, model.output_shape, model.built, len(model.layers)]
        model = k.Sequential([L.Reshape((2, -1), input_shape=(6,)), L.Dense(5)])
        found += [model.input_shape, model.output_shape, [layer.name for layer in model.layers]]
        model = k.Sequential([L.Dense(2)])
        found += [model.built, model.weights, model.get_weights(), len(model.layers)]
        model(np.ones((3, 4), "float32"))
        found += [model.built, model.input_shape, model.output_shape, model.count_params()]
        model.pop()
        return [*found, model.layers]

    ours, theirs = both(shapes)
    assert ours == theirs


def summary_of(model: Any, **options: Any) -> str:
    texts: list[str] = []
    model.summary(print_fn=texts.append, **options)
    assert len(texts) == 1
    return texts[0]


def test_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    x, y = np.ones((4, 6, 2), "float32"), np.ones((4, 1), "float32")

    def texts(k: Any) -> list[str]:
        L = k.layers
        found = [summary_of(k.Sequential()), summary_of(k.Sequential([L.Flatten(), L.Dense(2)]))]
        inner = k.Sequential([L.Dense(300), L.Dropout(0.5), L.Dense(1, use_bias=False)], name="i")
        frozen = L.Dense(7, trainable=False, name="a_name_that_is_much_too_long_for_its_column")
        model = k.Sequential([k.Input((6, 2)), L.Dense(4), frozen, L.Flatten(), inner])
        for optimizer in ("sgd", "adam", k.optimizers.RMSprop(momentum=0.9, use_ema=True)):
            found.append(summary_of(model, expand_nested=True, show_trainable=True))
            model.compile(optimizer, "mse")
            found.append(summary_of(model, line_length=100))
            model.train_on_batch(x, y)
            found.append(summary_of(model))
        model = k.Sequential([L.Flatten(), L.Dense(2, "relu"), inner])
        model = k.Sequential([L.Flatten(), k.Sequential([L.Dense(2, "relu")]), L.Dense(1)])
        model(x)
        found.append(summary_of(model, expand_nested=True))
        model = k.Sequential([L.Flatten(), L.Dense(2, "relu"), L.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, y, verbose=0)
        return [*found, summary_of(model, layer_range=["flatten", "dense_.*"])]

    ours, theirs = both(texts)
    for found, expected in zip(ours, theirs, strict=True):
        assert found == expected


def test_float64() -> None:
    """The same in double precision, from given weights: 1e-14 is forty times its rounding.

    With a learning rate that float32 holds exactly, for Keras takes constants through float32.
    """
    x, y = inputs(4).astype("float64"), targets("one-hot", (N, 3)).astype("float64")
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape) for shape in [(4, 9), (9,), (9, 3), (3,)]]

    def program(k: Any) -> Any:
        k.config.set_floatx("float64")
        layers = [
            k.Input((4,)),
            dense(k, 9, "tanh"),
            dense(k, 3, "softmax"),
        ]
        model = k.Sequential(layers)
        model.compile(
            k.optimizers.SGD(0.125),
            "categorical_crossentropy",
            metrics=["accuracy"],
            run_eagerly=True,
        )
        model.set_weights(start)
        logs = [model.train_on_batch(x, y, return_dict=True) for _ in range(3)]
        return logs, model.get_weights(), [model.predict(x, verbose=0)]

    try:
        ours, theirs = both(program)
    finally:
        keras.config.set_floatx("float32")
    close_all(ours, theirs, 1e-14)
