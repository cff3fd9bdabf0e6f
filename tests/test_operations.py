"""Operations on KerasTensors without TensorFlow: gradients, arithmetic, models, errors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import scratchnn as keras
from scratchnn import ops
from scratchnn.inspection import check_gradients
from scratchnn.layers.operation import RULES, Operation, Slot


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2, shape)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


A, B, ROW, P = numbers(4, 3), numbers(4, 3, seed=1), numbers(3, seed=2), positive(4, 3)
ONE = [Slot(0)]
TWO = [Slot(0), Slot(1)]
CASES = [
    *(
        (name, {}, call, xs)
        for name in ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum")
        for call, xs in (
            (TWO, [A, P]),
            (TWO, [A, P[:, :1]]),
            (TWO, [ROW, P]),
            ([Slot(0), 2.0], [P]),
            ([2.0, Slot(0)], [P]),
            ([Slot(0), positive(3, seed=3)], [A]),
        )
    ),
    ("power", {}, TWO, [P, B]),
    ("power", {}, [Slot(0), 3], [A]),
    ("power", {}, [2.0, Slot(0)], [A]),
    *((name, {}, ONE, [A]) for name in ("negative", "absolute", "square", "exp", "tanh", "relu")),
    *((name, {}, ONE, [P]) for name in ("sqrt", "log")),
    *((name, {}, ONE, [A]) for name in ("relu6", "sigmoid", "silu", "softplus")),
    ("leaky_relu", {"negative_slope": 0.3}, ONE, [A]),
    ("elu", {"alpha": 0.5}, ONE, [A]),
    ("gelu", {"approximate": True}, ONE, [A]),
    ("gelu", {"approximate": False}, ONE, [A]),
    *((name, {"axis": axis}, ONE, [A]) for name in ("softmax", "log_softmax") for axis in (-1, 0)),
    *(
        (name, {"axis": axis, "keepdims": keepdims}, ONE, [numbers(4, 3, 2)])
        for name in ("sum", "mean")
        for axis in (None, 1, -1, (0, 2), [1, 2])
        for keepdims in (False, True)
    ),
    ("reshape", {"newshape": (-1, 6)}, ONE, [A]),
    ("expand_dims", {"axis": 1}, ONE, [A]),
    ("squeeze", {"axis": 1}, ONE, [numbers(4, 1, 3)]),
    ("transpose", {"axes": None}, ONE, [numbers(4, 3, 2)]),
    ("transpose", {"axes": (1, 2, 0)}, ONE, [numbers(4, 3, 2)]),
    ("concatenate", {"axis": -1}, [TWO], [A, numbers(4, 2)]),
    ("concatenate", {"axis": 0}, [[Slot(0), Slot(1), Slot(0)]], [A, B]),
    ("stack", {"axis": 1}, [TWO], [A, B]),
    ("matmul", {}, TWO, [numbers(4, 3, 2), numbers(4, 2, 5)]),
    ("get_item", {}, [Slot(0), (slice(None), slice(0, 2))], [A]),
    ("get_item", {}, [Slot(0), (Ellipsis, -1)], [A]),
]


def test_every_rule_has_a_row():
    assert {case[0] for case in CASES} == set(RULES)


@pytest.mark.parametrize(("name", "settings", "call", "xs"), CASES, ids=str)
def test_gradients(name, settings, call, xs):
    if call == [[Slot(0), Slot(1), Slot(0)]]:
        call = [[Slot(0), Slot(1)]]
    check_gradients(Operation(name, settings), xs, options={"call": call})


def one(function, *shapes):
    """Return (model, y) of a function of inputs of some shapes."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, function(*inputs))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y,
        lambda x, y: x - y * 2,
        lambda x, y: 3 - x / (y * y + 1),
        lambda x, y: -x + 1.5 * y,
        lambda x, y: 2 / (ops.exp(x) + np.float32(1)) + y,
        lambda x, y: x**2 + 2**y,
        lambda x, y: abs(x) * np.array([1.0, 2.0, 3.0], "f") - y,
        lambda x, y: np.ones(3, "f") - y / x,
        lambda x, y: x[:, :2] @ ops.ones((2, 2)) + y[:, 1:],
        lambda x, y: ops.concatenate([x, y], axis=1) * x[:, 0:1],
        lambda x, y: ops.mean(x * y, axis=-1, keepdims=True) + x,
        lambda x, y: ops.reshape(ops.stack([x, y], axis=1), (-1, 6)),
        lambda x, y: ops.relu(ops.add(x, y)) + ops.maximum(x, 0.5),
        lambda x, y: x + x + y,
    ],
)
def test_a_model_computes_what_arrays_would_give(function):
    model = one(function, (3,), (3,))
    x, y = numbers(5, 3).astype("f"), numbers(5, 3, seed=1).astype("f")
    expected = np.asarray(function(x, y))
    for _ in range(2):
        found = model.predict([x, y], batch_size=2, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32
    assert model.output_shape == (None, *expected.shape[1:])
    for again in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        type(model).from_config(model.get_config()),
    ):
        np.testing.assert_array_equal(again.predict([x, y], batch_size=2, verbose=0), found)
    check_gradients(model, [x.astype("d"), y.astype("d")])


def test_integers_and_other_floats():
    x, n = keras.Input((3,), dtype="float64"), keras.Input((3,), dtype="int32")
    assert (x + 1).dtype == (x + n).dtype == "float64"
    assert (n + 1).dtype == "int32"
    assert (n / 2).dtype == (n + 1.5).dtype == "float32"
    model = keras.Model([x, n], x * n)
    data = [numbers(2, 3), np.arange(6).reshape(2, 3)]
    np.testing.assert_allclose(model.predict(data, verbose=0), data[0] * data[1])


def test_residual_connections_train():
    x = keras.Input((3,))
    y = keras.layers.Dense(3, "tanh")(x)
    y = ops.relu(y + x) * 0.5
    model = keras.Model(x, keras.layers.Dense(1)(y))
    model.compile("sgd", "mse")
    data = numbers(16, 3).astype("f"), numbers(16, 1, seed=1).astype("f")
    losses = [model.train_on_batch(*data) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_layers_have_names_and_settings_of_their_own():
    keras.utils.clear_session()
    x = keras.Input((3,))
    first, second = x + 1, ops.mean(x + 1, axis=1)
    assert [first.layer.name, second.layer.name] == ["add", "mean"]
    assert second.layer.get_config() == {"name": "mean", "axis": 1, "keepdims": False}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: ops.sin(x), "ops.sin was called on a KerasTensor, and its gradient is not"),
        (lambda x: ops.einsum("ab->ba", x), "einsum was called on a KerasTensor"),
        (lambda x: np.asarray(x), "stands for data that is not there yet, and is no array"),
        (lambda x: np.sum(x), "KerasTensor"),
        (lambda x: bool(x), "neither true nor false"),
        (lambda x: list(x), "not iterable"),
        (lambda x: x + keras.Input((4,)), "could not be broadcast"),
        (lambda x: ops.reshape(x, (5, 7)), "reshape"),
        (lambda x: x + "a", ""),
    ],
)
def test_errors(make, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        make(keras.Input((3,)))
    assert message in str(caught.value)
