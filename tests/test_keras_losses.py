"""Every loss against Keras: names, configs, values, gradients at edges and within, and in training.

A number is compared relative to the largest of its tensor: to 2e-6 (sixteen roundings of a float32:
logarithms, powers and sums are not computed in the same way), after three steps to 1e-5.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src import backend as keras_backend
from labels import label
from twins import both, close, close_all, equal_weights, gradients, quiet, twins, watch_gradients

import scratchnn
from scratchnn import losses
from scratchnn.context import Context
from scratchnn.losses.base import REDUCTIONS
from scratchnn.saving import deserialize_keras_object

PRECISE = 2e-6
THREE_STEPS = 1e-5

N, C = 8, 4
RNG = np.random.default_rng(3)


def float32(values: Any) -> np.ndarray:
    return np.asarray(values, "float32")


def unit(x: np.ndarray) -> np.ndarray:
    return float32(x / np.linalg.norm(x, axis=-1, keepdims=True))


def shares(x: np.ndarray) -> np.ndarray:
    return float32(x / x.sum(axis=-1, keepdims=True))


LABELS = RNG.integers(0, C, N)
ONE_HOT = np.eye(C, dtype="float32")[LABELS]
NUMBERS = float32(RNG.normal(1, 2, (N, C)))
OTHERS = float32(RNG.normal(1, 2, (N, C)))
POSITIVE = float32(RNG.uniform(0.05, 3, (N, C)))
P = float32(RNG.uniform(0.02, 0.98, (N, C)))
YES = float32(RNG.integers(0, 2, (N, C)))
SIGNS = 2 * YES - 1
LARGE = float32(RNG.choice([-200, -30, -1, 0, 1, 30, 200], (N, C)))
# Zeros, ones, and what is just inside and outside the cuts.
EDGES = float32(RNG.choice([0, 1e-8, 1e-7, 0.25, 0.5, 1 - 1e-7, 1], (N, C)))
GRID = float32(RNG.choice([-1.5, -1, -0.5, 0, 0.5, 1, 1.5], (N, C)))
GRID_TOO = float32(RNG.choice([-1.5, -1, -0.5, 0, 0.5, 1, 1.5], (N, C)))
SEQUENCE = float32(RNG.uniform(0.02, 0.98, (N, 3, C)))
SEQUENCE_TOO = float32(RNG.uniform(0.02, 0.98, (N, 3, C)))
SOFT = shares(P + 0.1)

# (class, arguments, targets, predictions)
Case = tuple[str, dict[str, Any], np.ndarray, np.ndarray]

REGRESSION: list[Case] = [
    (name, options, y, p)
    for name, options in [
        ("MeanSquaredError", {}),
        ("MeanAbsoluteError", {}),
        ("MeanAbsolutePercentageError", {}),
        ("MeanSquaredLogarithmicError", {}),
        ("CosineSimilarity", {}),
        ("Huber", {}),
        ("Huber", {"delta": 0.5}),
        ("Huber", {"delta": 3}),
        ("LogCosh", {}),
        ("Poisson", {}),
        ("KLDivergence", {}),
        ("Hinge", {}),
        ("SquaredHinge", {}),
        ("CategoricalHinge", {}),
    ]
    for y, p in [
        (NUMBERS, OTHERS),
        (POSITIVE, P),
        (GRID, GRID_TOO),
        (EDGES, EDGES[::-1]),
        (SEQUENCE, SEQUENCE_TOO),
        (YES, LARGE),
    ]
]
PROBABILITIES: list[Case] = [
    (name, options, y, p)
    for name, options in [
        ("BinaryCrossentropy", {}),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}),
        ("BinaryFocalCrossentropy", {}),
        ("BinaryFocalCrossentropy", {"apply_class_balancing": True}),
        ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.8, "gamma": 3}),
        ("BinaryFocalCrossentropy", {"gamma": 0, "label_smoothing": 0.2}),
        ("BinaryFocalCrossentropy", {"gamma": 0.5, "label_smoothing": 0.2}),
        ("CategoricalCrossentropy", {}),
        ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
        ("CategoricalFocalCrossentropy", {}),
        ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 0.5, "label_smoothing": 0.1}),
        ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 0}),
        ("Dice", {}),
        ("Tversky", {}),
        ("Tversky", {"alpha": 0.2, "beta": 0.9}),
    ]
    for y, p in [(ONE_HOT, SOFT), (SOFT, P), (YES, EDGES), (SEQUENCE, SEQUENCE_TOO)]
]
LOGITS: list[Case] = [
    (name, {**options, "from_logits": True}, y, p)
    for name, options in [
        ("BinaryCrossentropy", {"label_smoothing": 0.2}),
        ("BinaryFocalCrossentropy", {}),
        ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}),
        ("CategoricalCrossentropy", {}),
        ("CategoricalFocalCrossentropy", {}),
        ("CategoricalFocalCrossentropy", {"label_smoothing": 0.1, "gamma": 3}),
    ]
    for y, p in [(ONE_HOT, NUMBERS), (SOFT, LARGE), (SEQUENCE, SEQUENCE_TOO)]
]
AXES: list[Case] = [
    ("CosineSimilarity", {"axis": 1}, SEQUENCE, SEQUENCE_TOO),
    ("CosineSimilarity", {"axis": (1, 2)}, SEQUENCE, SEQUENCE_TOO),
    ("BinaryCrossentropy", {"axis": 1}, SEQUENCE, SEQUENCE_TOO),
    ("BinaryFocalCrossentropy", {"axis": 1}, SEQUENCE, SEQUENCE_TOO),
    ("BinaryFocalCrossentropy", {"axis": 1, "from_logits": True}, SEQUENCE, SEQUENCE_TOO),
    ("CategoricalCrossentropy", {"axis": 1, "label_smoothing": 0.3}, SEQUENCE, SEQUENCE_TOO),
    ("CategoricalFocalCrossentropy", {"axis": 1, "label_smoothing": 0.3}, SEQUENCE, SEQUENCE_TOO),
    ("CategoricalFocalCrossentropy", {"axis": 1, "from_logits": True}, SEQUENCE, SEQUENCE_TOO),
    ("Dice", {"axis": -1}, SEQUENCE, SEQUENCE_TOO),
    ("Dice", {"axis": (1, 2)}, SEQUENCE, SEQUENCE_TOO),
    ("Dice", {"axis": 1}, SEQUENCE, SEQUENCE_TOO),
    ("Tversky", {"axis": (1, 2), "alpha": 0.3}, SEQUENCE, SEQUENCE_TOO),
    ("Tversky", {"axis": 0}, YES, P),
    ("Dice", {}, np.zeros((N, C), "float32"), np.zeros((N, C), "float32")),
]
OF_LABELS: list[Case] = [
    ("SparseCategoricalCrossentropy", {}, LABELS, EDGES),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2, "axis": 1}, LABELS, P),
    ("CategoricalGeneralizedCrossEntropy", {}, LABELS, SOFT),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.1}, LABELS, P),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.9}, LABELS, EDGES),
    ("CategoricalGeneralizedCrossEntropy", {}, LABELS[:, np.newaxis] % 3, SEQUENCE[:, :1]),
    ("Circle", {}, LABELS, unit(NUMBERS)),
    ("Circle", {"gamma": 2.0}, LABELS[:, np.newaxis], unit(NUMBERS)),
    ("Circle", {"gamma": 5.0, "margin": 0.1}, np.arange(N) // 2, unit(NUMBERS)),
    ("Circle", {"gamma": 5.0, "margin": -0.3}, np.arange(N) // 2, unit(NUMBERS)),
    ("Circle", {"gamma": 5.0, "remove_diagonal": False}, LABELS, unit(GRID + 0.1)),
    ("Circle", {"gamma": 5.0}, np.arange(N), unit(NUMBERS)),
    ("Circle", {"gamma": 5.0}, np.zeros(N), unit(NUMBERS)),
]
CASES = REGRESSION + PROBABILITIES + LOGITS + AXES + OF_LABELS
CLASSES = sorted(name for name in dir(keras.losses) if name[0].isupper())
FUNCTIONS = sorted(
    name
    for name in dir(keras.losses)
    if inspect.isfunction(getattr(keras.losses, name))
    and name not in ("get", "serialize", "deserialize")
)


def in_keras(loss: Any, y: np.ndarray, p: np.ndarray, weight: Any = None) -> tuple[Any, Any]:
    """Return a loss of Keras, and the gradient of its sum."""
    variable = tf.Variable(p)
    with quiet(), tf.GradientTape() as tape:
        value = loss(y, variable, sample_weight=weight)
    return value.numpy(), tape.gradient(value, variable).numpy()


def in_ours(
    loss: Any, y: np.ndarray, p: np.ndarray, weight: Any = None, mask: Any = None
) -> tuple[Any, Any]:
    ctx = Context()
    kept = p.copy()
    with np.errstate(all="ignore"):
        values = loss.forward(loss.prepare(y, p.shape), p, ctx)
        if mask is not None:
            ctx.mask = mask
        value = loss.reduce(values, weight, ctx)
        gradient = loss.reduced_gradient(ctx)
    np.testing.assert_array_equal(p, kept, "the predictions are left alone")
    assert gradient.flags.writeable
    return value, gradient


def made(case: Case, **more: Any) -> tuple[Any, Any]:
    name, options, _, _ = case
    return getattr(losses, name)(**options, **more), getattr(keras.losses, name)(**options, **more)


def case_id(case: Case) -> str:
    name, options, y, _ = case
    return f"{name} {options} {y.dtype} {y.ravel()[:2]}"


# --- names, arguments, configs


def test_all_names_are_there() -> None:
    public = {name for name in dir(keras.losses) if not name.startswith("_")}
    of_tf = {name for name in dir(tf.keras.losses) if not name.startswith("_")}
    assert (public | of_tf) - {"MAE"} <= set(dir(losses))
    assert public | of_tf <= set(losses.__all__) | {"get"}


@pytest.mark.parametrize("name", CLASSES + FUNCTIONS)
def test_arguments(name: str) -> None:
    found = inspect.signature(getattr(losses, name)).parameters
    expected = inspect.signature(getattr(keras.losses, name)).parameters
    assert list(found) == list(expected)
    for argument, parameter in expected.items():
        assert found[argument].default == parameter.default, argument


OPTIONS: dict[str, dict[str, Any]] = {
    "BinaryCrossentropy": {"from_logits": True, "label_smoothing": 0.1, "axis": 1},
    "BinaryFocalCrossentropy": {
        "apply_class_balancing": True,
        "alpha": 0.3,
        "gamma": 1.0,
        "from_logits": True,
        "label_smoothing": 0.1,
        "axis": 1,
    },
    "CategoricalCrossentropy": {"from_logits": True, "label_smoothing": 0.1, "axis": 1},
    "CategoricalFocalCrossentropy": {"alpha": [0.1, 0.9], "gamma": 1.0, "label_smoothing": 0.1},
    "SparseCategoricalCrossentropy": {"from_logits": True, "ignore_class": 3},
    "CategoricalGeneralizedCrossEntropy": {"q": 0.25},
    "CosineSimilarity": {"axis": 1},
    "Huber": {"delta": 2.0},
    "Dice": {"axis": [1, 2]},
    "Tversky": {"alpha": 0.1, "beta": 0.2, "axis": -1},
    "Circle": {"gamma": 2.0, "margin": 0.1, "remove_diagonal": False},
}


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "CTC"])
def test_configs(name: str) -> None:
    for k in (scratchnn, keras):
        k.backend.clear_session()  # names that are made up count from the start in both
    for options in ({}, OPTIONS.get(name, {}), {"name": "mine", "reduction": "sum"}):
        ours = getattr(losses, name)(**options)
        theirs = getattr(keras.losses, name)(**options)
        config = theirs.get_config()
        assert ours.get_config() == config
        assert ours.dtype == theirs.dtype
        assert (ours.name, ours.reduction) == (theirs.name, theirs.reduction)
        assert type(ours).from_config(config).get_config() == config
        if name == "Loss":  # which is public in `keras` itself; no model is saved with it
            continue
        description = keras.losses.serialize(theirs)
        assert losses.serialize(ours) == description
        for again in (losses.deserialize(description), deserialize_keras_object(description)):
            assert type(again) is type(ours)
            assert again.get_config() == config
        if name in keras.src.losses.ALL_OBJECTS_DICT:  # it does not know all of its own
            assert type(keras.losses.deserialize(losses.serialize(ours))) is type(theirs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_configs_of_functions(name: str) -> None:
    function = getattr(losses, name)
    description = keras.losses.serialize(getattr(keras.losses, name))
    assert losses.serialize(function) == description
    assert losses.deserialize(description) is function


@pytest.mark.parametrize("name", sorted(keras.src.losses.ALL_OBJECTS_DICT))
def test_get(name: str) -> None:
    if name == "LossFunctionWrapper":  # not public
        return
    if name == "CTC":
        with pytest.raises(NotImplementedError, match="The CTC loss is not supported"):
            losses.get(name)
        return
    found, expected = losses.get(name), keras.losses.get(name)
    if inspect.isfunction(expected):
        assert inspect.isfunction(found)
        assert found.__name__ == expected.__name__
        assert losses.get(found) is found
    else:
        assert type(found).__name__ == type(expected).__name__
        description = {"class_name": name, "config": {"reduction": "sum"}}
        assert losses.get(description).reduction == keras.losses.get(description).reduction


@pytest.mark.parametrize("name", ["huber_loss", "logcosh", "Mse", "cosine", "", "foo", "loss"])
def test_get_of_unknown_names(name: str) -> None:
    for k in (scratchnn, keras):
        with pytest.raises(ValueError, match="Could not interpret loss identifier"):
            k.losses.get(name)


# --- values and gradients


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_losses(case: Case) -> None:
    _, _, y, p = case
    ours, theirs = made(case)
    value, gradient = in_ours(ours, y, p)
    expected, expected_gradient = in_keras(theirs, y, p)
    close(value, expected, PRECISE, "value")
    close(gradient, expected_gradient, PRECISE, "gradient")
    with quiet():
        close(ours(y, p), expected, PRECISE, "called")
        close(ours(y.tolist(), p.tolist()), expected, PRECISE, "called with lists")


# How values are reduced does not depend on the loss, but for those with axes of their own.
REDUCED: list[Case] = [
    ("Huber", {}, NUMBERS, OTHERS),
    ("Huber", {}, SEQUENCE, SEQUENCE_TOO),
    ("CosineSimilarity", {"axis": 1}, SEQUENCE, SEQUENCE_TOO),
    ("Dice", {}, YES, P),
    ("Dice", {"axis": (1, 2)}, SEQUENCE, SEQUENCE_TOO),
    ("Tversky", {"axis": 0}, YES, P),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS, P),
    ("CategoricalGeneralizedCrossEntropy", {}, LABELS, SOFT),
    ("Circle", {"gamma": 5.0}, np.arange(N) // 3, unit(NUMBERS)),
]


@pytest.mark.parametrize("case", REDUCED, ids=case_id)
def test_reductions_and_weights(case: Case) -> None:
    _, _, y, p = case
    values = made(case, reduction=None)[1](y, p).numpy()
    weights: list[Any] = [None, 0.5, 0.0]
    if values.ndim:
        uniform = float32(np.random.default_rng(0).uniform(0, 2, values.shape))
        weights += [uniform, uniform * (uniform > 1), np.zeros_like(uniform), uniform[..., None]]
    else:
        weights += [float32([1, 2, 3]), float32([[1, 0], [0, 0]])]
    for reduction in REDUCTIONS:
        ours, theirs = made(case, reduction=reduction)
        for weight in weights:
            what = f"{reduction} {np.shape(weight)}"
            value, gradient = in_ours(ours, y, p, weight)
            expected, expected_gradient = in_keras(theirs, y, p, weight)
            close(value, expected, PRECISE, what)
            close(gradient, expected_gradient, PRECISE, what)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mask", ["some", "none"])
@pytest.mark.parametrize("name", ["MeanSquaredError", "Huber", "Dice"])
def test_masks(reduction: str | None, weighted: bool, mask: str, name: str) -> None:
    valid = RNG.integers(0, 2, (N, 3)).astype(bool) if mask == "some" else np.zeros((N, 3), bool)
    weight = float32(RNG.uniform(0, 2, (N, 3))) if weighted else None
    ours, theirs = (getattr(k.losses, name)(reduction=reduction) for k in (scratchnn, keras))
    value, gradient = in_ours(ours, SEQUENCE, SEQUENCE_TOO, weight, valid)
    p = tf.constant(SEQUENCE_TOO)
    with tf.GradientTape() as tape:
        tape.watch(p)
        keras_backend.set_keras_mask(p, tf.constant(valid))
        expected = theirs(SEQUENCE, p, sample_weight=weight)
    close(value, expected.numpy(), PRECISE)
    close(gradient, tape.gradient(expected, p).numpy(), PRECISE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    cases = [case for case in CASES if case[0].lower() == name.replace("_", "")]
    assert bool(cases) == (name != "ctc")
    for _, options, y, p in cases:
        arguments = inspect.signature(getattr(losses, name)).parameters
        options = {k: v for k, v in options.items() if k in arguments}
        if "q" in arguments:
            options.setdefault("q", 0.5)
        y = y if y.dtype.kind == "i" else float32(y)
        with quiet():
            expected = getattr(keras.losses, name)(y, tf.constant(p), **options).numpy()
        close(getattr(losses, name)(y, p, **options), expected, PRECISE, f"{options}")


def test_circle_with_a_reference() -> None:
    y, p, others = LABELS[:3], unit(NUMBERS[:3]), unit(NUMBERS[3:])
    for diagonal in (True, False):
        arguments = (LABELS[3:], others, diagonal, 2.0, 0.3)
        expected = keras.losses.circle(y, tf.constant(p), *arguments).numpy()
        close(losses.circle(y, p, *arguments), expected, PRECISE)


@pytest.mark.parametrize("dtype", ["float64", "int32", "uint8", "bool", "int8"])
@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge", "CategoricalHinge", "Huber", "Dice"])
def test_dtypes_of_targets(name: str, dtype: str) -> None:
    ours, theirs = (getattr(k.losses, name)() for k in (scratchnn, keras))
    for y in (YES, np.zeros_like(YES), np.ones_like(YES)):
        close(ours(y.astype(dtype), GRID), theirs(y.astype(dtype), GRID).numpy(), PRECISE)


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge"])
@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [0, 0, 0, 0], [-1, 1, 1, -1], [0, 1, -1, 0]])
def test_labels_of_hinges(name: str, labels: list[int]) -> None:
    y, p = float32(labels)[:, np.newaxis], float32([[0.5], [1], [-1], [0]])
    ours, theirs = (getattr(k.losses, name)() for k in (scratchnn, keras))
    for found, expected in zip(in_ours(ours, y, p), in_keras(theirs, y, p), strict=True):
        close(found, expected, PRECISE)


ONE_NUMBER = [
    name
    for name in CLASSES
    if not name.startswith(("Categorical", "Sparse", "C", "Loss", "Dice", "Tversky"))
]


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_ranks(name: str) -> None:
    pairs = [((4,), (4,)), ((4,), (4, 1)), ((4, 1), (4,)), ((2, 2), (2, 2, 1)), ((2, 2, 1), (2, 2))]
    for y_shape, p_shape in pairs:
        y = float32([0, 1, 1, 0]).reshape(y_shape)
        p = float32([0.2, 0.4, 0.9, 0.5]).reshape(p_shape)
        for reduction in ("sum_over_batch_size", None):
            found, expected = (
                getattr(k.losses, name)(reduction=reduction)(y, p) for k in (scratchnn, keras)
            )
            close(found, expected.numpy(), PRECISE, f"{y_shape} {p_shape}")


def test_epsilon_of_the_settings() -> None:
    try:
        for k in (scratchnn, keras):
            k.config.set_epsilon(0.1)
        for name, y, p in [
            ("KLDivergence", YES, EDGES),
            ("Poisson", YES, EDGES),
            ("MeanAbsolutePercentageError", YES, EDGES),
            ("MeanSquaredLogarithmicError", YES, EDGES),
            ("CosineSimilarity", YES, EDGES * 0.01),
            ("BinaryFocalCrossentropy", YES, EDGES),
            ("CategoricalFocalCrossentropy", ONE_HOT, P),
            ("Dice", YES, EDGES),
            ("Tversky", YES, EDGES),
        ]:
            ours, theirs = (getattr(k.losses, name)() for k in (scratchnn, keras))
            for found, expected in zip(in_ours(ours, y, p), in_keras(theirs, y, p), strict=True):
                close(found, expected, PRECISE, name)
    finally:
        keras.config.set_epsilon(1e-7)


def test_float64() -> None:
    for k in (scratchnn, keras):
        k.config.set_floatx("float64")
    chosen = ("Huber", "Hinge", "KLDivergence", "CategoricalCrossentropy", "Dice", "Tversky")
    for case in [c for c in CASES if c[0] in chosen]:
        ours, theirs = made(case, dtype="float64")
        _, _, y, p = case
        close(ours(y, p), theirs(y, p).numpy(), 1e-12)
        assert ours.dtype == theirs.dtype == "float64"


def test_a_categorical_loss_of_one_class_warns() -> None:
    for name in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy"):
        for k in (scratchnn, keras):
            with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
                getattr(k.losses, name)()(YES[:, :1], P[:, :1])


# --- in training

SEQUENTIAL: dict[str, Any] = {
    "linear": lambda k: [k.layers.Dense(C)],
    "tanh": lambda k: [k.layers.Dense(C, "tanh")],
    "one": lambda k: [k.layers.Dense(1)],
    "sigmoid": lambda k: [k.layers.Dense(C, "sigmoid")],
    "softmax": lambda k: [k.layers.Dense(C, "softmax")],
    "Activation": lambda k: [k.layers.Dense(C), k.layers.Activation("sigmoid")],
    "Softmax": lambda k: [k.layers.Dense(C), k.layers.Softmax()],
    "sigmoid, Reshape": lambda k: [k.layers.Dense(C, "sigmoid"), k.layers.Reshape((C,))],
    "softmax, Reshape": lambda k: [k.layers.Dense(C, "softmax"), k.layers.Reshape((C,))],
    "sequence": lambda k: [
        k.layers.Dense(3 * C),
        k.layers.Reshape((3, C)),
        k.layers.Dense(C, "softmax"),
    ],
}
# (the end of the model, the loss, targets)
TRAINED: list[tuple[str, Any, np.ndarray]] = [
    ("linear", "mean_absolute_percentage_error", NUMBERS),
    ("linear", "mape", NUMBERS),
    ("softmax", "mean_squared_logarithmic_error", POSITIVE),
    ("softmax", "MSLE", POSITIVE),
    ("linear", "cosine_similarity", NUMBERS),
    ("linear", "huber", NUMBERS),
    ("linear", "Huber", NUMBERS),
    ("one", "huber", NUMBERS[:, 0]),
    ("linear", "log_cosh", NUMBERS),
    ("sigmoid", "poisson", POSITIVE),
    ("softmax", "kl_divergence", SOFT),
    ("softmax", "KLD", ONE_HOT),
    ("tanh", "hinge", SIGNS),
    ("tanh", "hinge", YES),
    ("tanh", "squared_hinge", YES),
    ("linear", "categorical_hinge", ONE_HOT),
    ("sigmoid", "dice", YES),
    ("sequence", "tversky", SEQUENCE),
    ("softmax", lambda k: k.losses.CategoricalGeneralizedCrossEntropy(0.7), LABELS),
    ("linear", lambda k: k.losses.Circle(gamma=1.0), LABELS),
    ("linear", "circle", LABELS),
    ("linear", lambda k: k.losses.Huber(0.3, name="mine"), NUMBERS),
    ("linear", lambda k: functools.partial(k.losses.huber, delta=0.3), NUMBERS),
    ("linear", lambda k: k.losses.log_cosh, NUMBERS),
    ("sequence", lambda k: k.losses.Dice(axis=(1, 2)), SEQUENCE),
    ("sequence", "kl_divergence", SEQUENCE),
    *(
        (head, loss, YES)
        for head in ("sigmoid", "Activation", "softmax", "Softmax", "sigmoid, Reshape", "linear")
        for loss in (
            "binary_focal_crossentropy",
            lambda k: k.losses.BinaryFocalCrossentropy(True, gamma=3, label_smoothing=0.1),
            lambda k: k.losses.BinaryFocalCrossentropy(from_logits=True),
        )
        if head != "linear" or callable(loss)
    ),
    *(
        (head, loss, ONE_HOT)
        for head in ("softmax", "Softmax", "softmax, Reshape", "sigmoid", "linear")
        for loss in (
            "categorical_focal_crossentropy",
            lambda k: k.losses.CategoricalFocalCrossentropy(
                [0.1, 0.2, 0.3, 0.4], label_smoothing=0.1
            ),
            lambda k: k.losses.CategoricalFocalCrossentropy(from_logits=True, gamma=1),
        )
        if head != "linear" or callable(loss)
    ),
]


def trained_id(case: tuple[str, Any, np.ndarray]) -> str:
    head, loss, _ = case
    if callable(loss):
        made = loss(scratchnn)
        loss = getattr(made, "get_config", lambda: made)()
    return label(f"{head} - {loss}")


@pytest.mark.parametrize("case", TRAINED, ids=trained_id)
def test_training(case: tuple[str, Any, np.ndarray]) -> None:
    head, loss, y = case

    def build(k: Any) -> Any:
        model = k.Sequential([k.Input((5,)), *SEQUENTIAL[head](k)])
        given = loss(k) if callable(loss) else loss
        model.compile(k.optimizers.SGD(0.05), given, run_eagerly=True)
        return model

    x = float32(np.random.default_rng(4).normal(size=(N, 5)))
    ours, theirs = twins(build)
    equal_weights(ours, theirs)
    expected = watch_gradients(theirs)
    for step in range(3):
        with quiet():
            found, value = ours.train_on_batch(x, y), theirs.train_on_batch(x, y)
        tolerance = THREE_STEPS if step else PRECISE
        close(np.float32(found), np.float32(value), tolerance, f"loss {step}")
        if not step:
            close_all(gradients(ours), expected(), tolerance, "gradients")
        close_all(ours.get_weights(), theirs.get_weights(), tolerance, f"weights {step}")


SATURATED = float32([[200, 0, -200, 1], [-200, 50, 200, -1], [0, 0, 0, 0], [17, -17, 3, 100]])


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_saturated_outputs(head: str, fused: bool, name: str, from_logits: bool) -> None:
    """Logits of ±200: a loss grows with them if it takes them, and is cut at -log 1e-7 if not."""

    def build(k: Any) -> Any:
        last = k.layers.Dense(4, head, kernel_initializer="identity")
        end = [last] if fused else [last, k.layers.Reshape((4,))]
        model = k.Sequential([k.Input((4,)), *end])
        loss = getattr(k.losses, name)(from_logits=from_logits)
        model.compile(k.optimizers.SGD(1e-3), loss, run_eagerly=True)
        return model

    y = np.eye(4, dtype="float32")[[2, 0, 1, 3]]
    ours, theirs = twins(build)
    expected = watch_gradients(theirs)
    with quiet():
        found, value = ours.train_on_batch(SATURATED, y), theirs.train_on_batch(SATURATED, y)
    close(np.float32(found), np.float32(value), PRECISE, "loss")
    close_all(gradients(ours), expected(), PRECISE, "gradients")


@pytest.mark.parametrize("loss", ["dice", "circle", "categorical_focal_crossentropy", "huber"])
def test_training_with_weights(loss: str) -> None:
    """A fit of two epochs, with sample weights and a last batch that is not full."""
    y = LABELS if loss == "circle" else ONE_HOT
    x = float32(np.random.default_rng(4).normal(size=(N, 5)))
    weight = float32(np.random.default_rng(5).uniform(0, 2, N))

    def program(k: Any) -> Any:
        model = k.Sequential([k.Input((5,)), k.layers.Dense(C, "softmax")])
        model.compile(k.optimizers.SGD(0.1), loss, run_eagerly=True)
        log = model.fit(x, y, 3, 2, sample_weight=weight, verbose=0, validation_data=(x, y))
        return log.history, model.get_weights()

    (found, weights), (expected, expected_weights) = both(program)
    assert list(found) == list(expected)
    for name, values in expected.items():
        close(found[name], values, THREE_STEPS, name)
    close_all(weights, expected_weights, THREE_STEPS)


def quartic(y_true: Any, y_pred: Any) -> Any:
    """A loss of one's own, in operations that arrays and tensors share."""
    return (y_pred - y_true) ** 4 / 4


quartic.gradient = lambda y_true, y_pred: (y_pred - y_true) ** 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("y", [NUMBERS[:, 0], NUMBERS[:, :1]], ids=["row", "column"])
def test_a_function_with_its_gradient(y: np.ndarray) -> None:
    x = float32(np.random.default_rng(4).normal(size=(N, 5)))

    def program(k: Any) -> Any:
        model = k.Sequential([k.Input((5,)), k.layers.Dense(1)])
        model.compile(k.optimizers.SGD(0.001), quartic, run_eagerly=True)
        log = model.fit(x, y, 4, 3, verbose=0)
        return log.history, model.get_weights()

    (found, weights), (expected, expected_weights) = both(program)
    assert list(found) == list(expected)
    for name, values in expected.items():
        close(found[name], values, THREE_STEPS, name)
    close_all(weights, expected_weights, THREE_STEPS)


def test_keras_warns_of_nothing_that_is_silent_here() -> None:
    """Of predictions that no loss can use, both make what is not finite, and neither complains."""
    bad = float32([[np.nan, -1, 0, np.inf]] * N)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in CLASSES:
            if name in ("CTC", "Circle", "Loss") or name.startswith("Sparse"):
                continue
            y = LABELS if name == "CategoricalGeneralizedCrossEntropy" else ONE_HOT
            ours, theirs = (getattr(k.losses, name)() for k in (scratchnn, keras))
            assert not np.isfinite(ours(y, bad)), name
            assert not np.isfinite(theirs(y, bad)), name
