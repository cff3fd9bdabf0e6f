"""Activations against Keras: values, slopes at kinks and infinities, training steps, configs.

Values and slopes are compared element by element, to 1e-6 of each or 2e-7 at all, the rounding of
a float32 near 1; float64 to 1e-12, but where Keras has a constant in float32. Slopes that hold
x (1 - tanh^2) are compared to 4e-6: the rounding of tanh, times x.

Training is compared as in test_keras_parity.py: one step to 1e-6 of the largest number of a
tensor, three to 5e-6.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import ACTIVATIONS, PARTIALS
from twins import both, close, close_all, equal_weights, gradients, quiet, twins, watch_gradients

import scratchnn
import scratchnn.tf
from scratchnn import activations
from scratchnn.context import Context
from scratchnn.special import erf, erfc, erfinv

ROWS = ("softmax", "log_softmax", "sparsemax")
ELEMENTWISE = [name for name in ACTIVATIONS if name not in (*ROWS, "glu")]
FINITE = np.array(
    [-1e4, -100, -20, -7, -6, -3, -2, -1, -0.5, -0.1, -1e-3]
    + [0, 1e-3, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 6, 7, 20, 80, 1e4],
    "float32",
)
EDGES = np.array([-np.inf, np.inf, np.nan], "float32")
ROUNDING = {"float32": {"rtol": 1e-6, "atol": 2e-7}, "float64": {"rtol": 1e-12, "atol": 1e-14}}
OF_TANH = {"rtol": 1e-6, "atol": 4e-6}
FLOAT32_CONSTANTS = {"gelu": {"rtol": 2e-6, "atol": 1e-8}, "leaky_relu": {"rtol": 2e-8}}

Function = Callable[..., Any]


def theirs(function: Function, x: Any, dy: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return y and dx of a function of Keras's."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    dx = tape.gradient(y, x, tf.constant(dy, x.dtype))
    return np.asarray(y), np.asarray(dx)


def ours(function: Any, x: np.ndarray, dy: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return y and dx of the same as a layer's activation."""
    layer = scratchnn.layers.Activation(function, dtype=x.dtype.name)
    ctx = Context(training=True, dtype=x.dtype)
    with np.errstate(all="ignore"):
        y = layer.forward(x, ctx).copy()
        dx = layer.backward(np.array(np.broadcast_to(dy, y.shape), x.dtype), ctx)
    return y, dx


def same(found: Any, expected: Any, tolerance: Any = None) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, **(tolerance or ROUNDING[str(expected.dtype)]))


def with_options(function: Any, options: dict[str, Any]) -> tuple[Any, Any]:
    """Return a function of ours with options, and Keras's."""
    return partial(function, **options), partial(
        getattr(keras.activations, function.__name__), **options
    )


OPTIONS = [
    *((function, options) for function, options, _ in PARTIALS if "axis" not in options),
    *(
        (activations.relu, dict(zip(("negative_slope", "max_value", "threshold"), o, strict=True)))
        for o in [
            (0.0, 5.0, 0.0),
            (0.0, 6, 0.0),
            (0.1, 6, 0.0),
            (0.1, 6, 1.0),
            (0.0, 2.0, -1.0),
            (0.1, None, -1.0),
            (0.0, None, 1.0),
            (-0.1, None, 0.0),
            (0.0, -1.0, 0.0),
        ]
    ),
    (activations.leaky_relu, {"negative_slope": -0.5}),
    (activations.elu, {"alpha": 2.0}),
    (activations.hard_shrink, {"threshold": -1.0}),
    (activations.soft_shrink, {"threshold": 2.0}),
    (activations.squareplus, {"b": 0.25}),
    (activations.threshold, {"threshold": 1.0, "default_value": 3.0}),
]


# --- Values and slopes


def test_the_names_are_those_of_keras() -> None:
    public = [name for name in dir(keras.activations) if not name.startswith("_")]
    assert sorted(activations.__all__) == public
    functions = {getattr(keras.activations, n).__name__ for n in public}
    assert functions - {"get", "serialize", "deserialize"} == {
        f.__name__ for f in activations.DERIVATIVES
    }


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_slopes(name: str, dtype: str) -> None:
    x = FINITE.astype(dtype)
    expected = theirs(getattr(keras.activations, name), x, np.ones_like(x))
    tolerance = FLOAT32_CONSTANTS.get(name) if dtype == "float64" else None
    y, dx = ours(name, x, 1)
    same(y, expected[0], tolerance)
    same(dx, expected[1], OF_TANH if name == "mish" else tolerance)
    with np.errstate(over="ignore"):
        same(getattr(activations, name)(x), expected[0], tolerance)


@pytest.mark.parametrize(("function", "options"), OPTIONS, ids=lambda v: getattr(v, "__name__", v))
def test_options(function: Any, options: dict[str, Any]) -> None:
    mine, keras_function = with_options(function, options)
    x = np.append(FINITE, np.float32(0.3))
    expected = theirs(keras_function, x, np.ones_like(x))
    y, dx = ours(mine, x, 1)
    same(y, expected[0])
    same(dx, expected[1], OF_TANH if function is activations.gelu else None)
    same(mine(x), expected[0])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_infinities_and_nan(name: str) -> None:
    expected, slopes = theirs(getattr(keras.activations, name), EDGES, np.ones(3))
    y, dx = ours(name, EDGES, 1)
    same(y, expected)
    # Slopes that Keras makes NaN by 0 * infinity may be finite here; of NaN, none is asked.
    known = np.isfinite(slopes) & ~np.isnan(EDGES)
    same(dx[known], slopes[known])


SCORES = np.array(
    [[1, 0, -1], [0.3, 0.2, -0.7], [2, 2, 2], [1e4, -1e4, 0], [0, 1e-3, -1], [5, 5, 1]], "float32"
)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_an_axis(name: str, axis: int, dtype: str) -> None:
    x = SCORES.astype(dtype)
    dy = np.random.default_rng(0).normal(size=x.shape).astype(dtype)
    mine, keras_function = with_options(getattr(activations, name), {"axis": axis})
    expected = theirs(keras_function, x, dy)
    y, dx = ours(mine, x, dy)
    same(y, expected[0])
    same(dx, expected[1])
    same(mine(x), expected[0])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, (1, 2), (0, -1)])
def test_functions_of_several_axes(name: str, axis: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    dy = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    mine, keras_function = with_options(getattr(activations, name), {"axis": axis})
    if axis == (0, -1):  # which Keras takes only from 0 on
        keras_function = partial(keras_function.func, axis=(0, 2))
    expected = theirs(keras_function, x, dy)
    y, dx = ours(mine, x, dy)
    same(y, expected[0])
    same(dx, expected[1])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_functions_of_an_axis_at_infinities(name: str) -> None:
    x = np.array([[-np.inf, 0, 0], [-np.inf] * 3, [np.inf, 0, 1], [np.nan, 0, 1]], "float32")
    expected = np.asarray(getattr(keras.activations, name)(tf.constant(x)))
    with np.errstate(all="ignore"):
        found = getattr(activations, name)(x)
    same(found[:2], expected[:2])
    # What stands beside an infinity or a NaN depends on TensorFlow's kernel for the processor.
    for row in (found, expected):
        assert np.isnan(row[2:]).any(axis=1).all()


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_glu(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    x[0, 0], x[-1, -1] = -100, 100
    mine, keras_function = with_options(activations.glu, {"axis": axis})
    dy = np.random.default_rng(1).normal(size=mine(x).shape).astype("float32")
    expected = theirs(keras_function, x, dy)
    y, dx = ours(mine, x, dy)
    same(y, expected[0])
    same(dx, expected[1])


@pytest.mark.parametrize("name", ["relu", "relu6", "tanh", "exponential", "leaky_relu", "linear"])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers_where_keras_takes_them(name: str, dtype: str) -> None:
    x = np.array([0, 3, 8]).astype(dtype)
    found = getattr(activations, name)(x)
    expected = np.asarray(getattr(keras.activations, name)(x))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == expected.dtype


def test_soft_shrink_and_relu_of_integers() -> None:
    x = np.array([-3, 0, 2, 9])
    for name, options in [
        ("soft_shrink", {}),
        ("relu", {"max_value": 5}),
        ("relu", {"max_value": 1.5}),
        ("relu", {"threshold": 2.5}),
        ("relu", {"negative_slope": 0.5}),
    ]:
        found = getattr(activations, name)(x, **options)
        expected = getattr(keras.activations, name)(x, **options).numpy()
        np.testing.assert_array_equal(found, expected, strict=False)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if n != "linear"])
def test_python_numbers_and_lists_are_float32(name: str) -> None:
    for x in (2.0, [-2.0, 3.0]):
        found = getattr(activations, name)(x)
        assert found.dtype == np.float32
        expected = getattr(keras.activations, name)(tf.constant(x))
        np.testing.assert_allclose(found, expected, rtol=1e-6)


# --- The error function


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_function(dtype: str) -> None:
    x = np.linspace(-6, 6, 1001).astype(dtype)
    eps = np.finfo(dtype).eps
    same(erf(x), tf.math.erf(x).numpy())
    np.testing.assert_allclose(erfc(x), tf.math.erfc(x).numpy(), rtol=60 * eps)
    p = np.linspace(-0.99, 0.99, 100).astype(dtype)  # TensorFlow's is less exact near 0 and 1
    np.testing.assert_allclose(erfinv(p), tf.math.erfinv(p).numpy(), rtol=30 * eps)


# --- tf.nn


def test_tf_nn() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    nn = scratchnn.tf.nn
    names = [name for name in vars(nn) if not name.startswith("_")]
    assert len(names) == 14
    for name in names:
        same(getattr(nn, name)(x), getattr(tf.nn, name)(x).numpy())
    same(nn.leaky_relu(x, alpha=0.1), tf.nn.leaky_relu(x, alpha=0.1).numpy())
    same(nn.leaky_relu(features=x), tf.nn.leaky_relu(features=x).numpy())
    same(nn.gelu(x, approximate=True), tf.nn.gelu(x, approximate=True).numpy())
    same(nn.softmax(x, axis=0), tf.nn.softmax(x, axis=0).numpy())
    expected = theirs(tf.nn.leaky_relu, FINITE, np.ones_like(FINITE))
    for found, wanted in zip(ours(nn.leaky_relu, FINITE, 1), expected, strict=True):
        same(found, wanted)


# --- Training


def check_training(
    layers: Callable[[Any], list[Any]], shape: tuple[int, ...], scale: float = 1
) -> tuple[Any, Any]:
    """Compare gradients, logs and weights over three steps on one batch."""

    def build(k: Any) -> Any:
        model = k.Sequential(layers(k))
        model.compile(k.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model

    mine, keras_model = twins(build)
    x = np.random.default_rng(0).normal(scale=scale, size=(12, *shape)).astype("float32")
    with quiet():
        equal_weights(mine, keras_model)
        close(mine(x), keras_model(x).numpy(), 1e-6)
        y = np.random.default_rng(1).normal(2, 1, size=mine(x).shape).astype("float32")
        expected = watch_gradients(keras_model)
        for step in range(3):
            tolerance = 5e-6 if step else 1e-6
            logs = mine.train_on_batch(x, y, return_dict=True)
            close_all(logs, keras_model.train_on_batch(x, y, return_dict=True), tolerance)
            if not step:
                close_all(gradients(mine), expected(), 1e-6, "gradients")
            close_all(mine.get_weights(), keras_model.get_weights(), tolerance, f"step {step}")
    return mine, keras_model


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "glu"])
def test_training(name: str) -> None:
    def layers(k: Any) -> list[Any]:
        return [
            k.Input((4,)),
            k.layers.Dense(6, activation=name),
            k.layers.Dense(5),
            k.layers.Activation(name),
            k.layers.Dense(2),
        ]

    check_training(layers, (4,), scale=4 if "shrink" in name else 1)


def test_training_with_glu() -> None:
    check_training(lambda k: [k.Input((4,)), k.layers.Dense(6), k.layers.Activation("glu")], (4,))


@pytest.mark.parametrize(
    "make",
    [
        lambda k: k.layers.ReLU(max_value=0.5, name="inner"),
        lambda k: k.layers.ReLU(negative_slope=0.2, name="inner"),
        lambda k: k.layers.Softmax(axis=1, name="inner"),
        lambda k: k.layers.Activation("gelu", name="inner"),
        lambda k: k.layers.Activation(k.layers.ReLU(name="a"), name="inner"),
        lambda k: k.layers.Dropout(0.5, seed=3, name="inner"),
    ],
    ids=["ReLU", "leaky", "Softmax", "Activation", "nested", "Dropout"],
)
def test_training_with_a_layer(make: Callable[[Any], Any]) -> None:
    def layers(k: Any) -> list[Any]:
        return [
            k.Input((4,)),
            k.layers.Dense(6, activation=make(k), name="first"),
            k.layers.Dense(5),
            k.layers.Activation(make(k), name="second"),
            k.layers.Dense(2),
        ]

    mine, keras_model = check_training(layers, (4,))
    for layer, keras_layer in zip(mine.layers, keras_model.layers, strict=True):
        found = layer.get_config().get("activation")
        assert json.dumps(found) == json.dumps(keras_layer.get_config().get("activation"))


@pytest.mark.parametrize("through", ["Dense", "Activation"])
def test_the_logits_of_a_softmax_layer_reach_the_loss(through: str) -> None:
    """Logits of 200 and -200: the loss is 400, where that of clipped probabilities is 16."""

    def run(k: Any) -> Any:
        softmax, start = k.layers.Softmax(), np.array([[200, 0, -200]], "float32")
        dense = k.layers.Dense(3, softmax if through == "Dense" else None)
        layers = [k.Input((1,)), dense]
        if through == "Activation":
            layers.append(k.layers.Activation(softmax))
        model = k.Sequential(layers)
        model.compile(k.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
        model.set_weights([start, np.zeros(3, "float32")])
        loss = model.train_on_batch(np.ones((1, 1)), np.array([2]))
        return float(np.asarray(loss)), model.get_weights()[0].tolist()

    found, expected = both(run)
    assert found == expected
    assert found[0] == 400


# --- Names and configs


def plain(x: Any) -> Any:
    return x


plain.gradient = lambda dy, x, y: dy  # type: ignore[attr-defined]


class Callable1:
    """A callable with a config, as users write them."""

    def __call__(self, x: Any) -> Any:
        return x

    def gradient(self, dy: Any, x: Any, y: Any) -> Any:
        return dy

    def get_config(self) -> dict[str, Any]:
        return {"a": 1}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Callable1:
        assert config == {"a": 1}
        return cls()


CONFIGURED: dict[str, Callable[[Any], Any]] = {
    **{name: lambda k, n=name: k.activations.get(n) for name in [*ACTIVATIONS, "swish"]},
    "ReLU": lambda k: k.layers.ReLU(max_value=6, name="r"),
    "Softmax": lambda k: k.layers.Softmax(axis=1, name="s"),
    "Softmax of a list": lambda k: k.layers.Softmax(axis=[1], name="s"),
    "Activation": lambda k: k.layers.Activation("swish", name="a"),
    "Activation of a layer": lambda k: k.layers.Activation(k.layers.ReLU(name="r"), name="a"),
    "one's own function": lambda k: plain,
    "one's own object": lambda k: Callable1(),
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_serialize(name: str) -> None:
    make = CONFIGURED[name]
    found, expected = (k.activations.serialize(make(k)) for k in (scratchnn, keras))
    assert json.dumps(found) == json.dumps(expected)
    again = activations.deserialize(
        json.loads(json.dumps(found)), {"plain": plain, "Callable1": Callable1}
    )
    assert json.dumps(activations.serialize(again)) == json.dumps(found)


def test_serialize_what_is_registered() -> None:
    def mine(x: Any) -> Any:
        return x

    for k in (scratchnn.saving, keras.saving):
        k.register_keras_serializable("pack")(mine)
    try:
        found = activations.serialize(mine)
        assert found == keras.activations.serialize(mine)
        assert activations.get(found) is mine
        assert activations.deserialize("pack>mine") is mine
    finally:
        scratchnn.saving.get_custom_objects().pop("pack>mine")
        keras.saving.get_custom_objects().pop("pack>mine")


@pytest.mark.parametrize(
    "identifier",
    [
        *sorted({*ACTIVATIONS, "threshold", "swish", "hard_swish"}),
        None,
        {"module": "builtins", "class_name": "function", "config": "relu"},
        {"module": "keras.layers", "class_name": "ReLU", "config": {"max_value": 6.0}},
    ],
    ids=str,
)
def test_get(identifier: Any) -> None:
    if isinstance(identifier, dict):
        identifier = {**identifier, "registered_name": "function"}
        if identifier["module"] == "keras.layers":
            identifier["registered_name"] = None
    found, expected = activations.get(identifier), keras.activations.get(identifier)
    for attribute in ("__name__", "max_value"):
        assert getattr(found, attribute, 0) == getattr(expected, attribute, 0)


@pytest.mark.parametrize("identifier", ["foo", "ReLU", "Relu", 5, {}, ["relu"]], ids=str)
def test_get_refuses(identifier: Any) -> None:
    for k in (scratchnn, keras):
        with pytest.raises(ValueError, match="Could not interpret activation"):
            k.activations.get(identifier)
