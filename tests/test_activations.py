"""Activations and the error function: Keras's numbers, gradients, limits, names, layers as such."""

from __future__ import annotations

import json
import math
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import ACTIVATIONS, PARTIALS, cubic
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label

import scratchnn as keras
import scratchnn.tf as tf
from scratchnn import Context, Input, Sequential, activations
from scratchnn.activations.nonlinearity import IN_PLACE, Nonlinearity
from scratchnn.inspection import check_gradients
from scratchnn.layers import Activation, Dense, Dropout, Layer, ReLU, Softmax
from scratchnn.losses import SparseCategoricalCrossentropy
from scratchnn.special import erf, erfc, erfinv

GOLDEN = json.loads((Path(__file__).parent / "data" / "activations.json").read_text())
FUNCTIONS = list(activations.DERIVATIVES)
ROWS = (activations.softmax, activations.log_softmax, activations.sparsemax)
NEEDS_ARGUMENTS = {activations.threshold: {"threshold": 0.2, "default_value": -1.0}}

every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


def floats(values: Any) -> np.ndarray:
    return np.array([float(value) for value in values], np.float32)


def usable(function: Any) -> Any:
    """Return a function with the arguments that it cannot do without."""
    options = NEEDS_ARGUMENTS.get(function)
    return partial(function, **options) if options else function


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def run(function: Any, x: np.ndarray, dy: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return y and dx of a function at work in a layer."""
    nonlinearity, ctx = Nonlinearity(function), Context(training=True, dtype=x.dtype)
    with np.errstate(all="ignore"):
        y = nonlinearity.forward(x, ctx, owned=False)
        dx = nonlinearity.backward(np.array(np.broadcast_to(dy, y.shape), x.dtype), ctx)
    return y, dx


# --- Numbers made by Keras


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['name']} {c['options']}")
def test_values_and_slopes(case: dict[str, Any]) -> None:
    """The points include all kinks: -3, -1, -0.5, 0, 0.5, 1, 3, 6."""
    x, function = floats(GOLDEN["x"]), getattr(activations, case["name"])
    y, dx = run(partial(function, **case["options"]) if case["options"] else function, x)
    np.testing.assert_allclose(y, floats(case["y"]), rtol=1e-6, atol=2e-7, strict=True)
    # A slope that holds 1 - tanh^2, perhaps times x, has the rounding of tanh, perhaps times x.
    approximate = case["options"].get("approximate")
    atol = 4e-6 if case["name"] == "mish" or approximate else 5e-7
    np.testing.assert_allclose(dx, floats(case["dy"]), rtol=1e-6, atol=atol, strict=True)


@pytest.mark.parametrize("case", GOLDEN["rows"]["cases"], ids=lambda c: c["name"])
def test_functions_of_rows(case: dict[str, Any]) -> None:
    x = np.array(GOLDEN["rows"]["x"], np.float32)
    y, dx = run(getattr(activations, case["name"]), x, GOLDEN["rows"]["dy"])
    np.testing.assert_allclose(y.ravel(), floats(case["y"]), rtol=1e-6, atol=2e-7, strict=True)
    np.testing.assert_allclose(dx.ravel(), floats(case["dx"]), rtol=2e-6, atol=5e-7, strict=True)


def test_glu() -> None:
    y, dx = run(activations.glu, np.array([[1.0, 2.0, 0.0, 100.0]]))
    np.testing.assert_allclose(y, [[0.5, 2.0]])
    np.testing.assert_allclose(dx, [[0.5, 1.0, 0.25, 0.0]], atol=1e-12)
    assert activations.glu(np.ones((4, 3)), axis=0).shape == (2, 3)
    with pytest.raises(ValueError, match=r"axis -1 to be of an even size.*\(4, 3\)"):
        activations.glu(np.ones((4, 3)))


def test_sparsemax_is_that_of_keras_and_of_the_paper_for_one_winner() -> None:
    np.testing.assert_allclose(activations.sparsemax(np.array([1.0, 3.0, 1.5])), [0, 1, 0])
    # The paper's has [0.55, 0.45, 0].
    np.testing.assert_allclose(activations.sparsemax(np.array([0.3, 0.2, -0.7])), [0.4, 0.3, 0])


# --- Gradients


@every_function
def test_gradients_over_a_wide_range(function: Any) -> None:
    x = np.concatenate([np.linspace(-8, 8, 30), numbers(30)]).reshape(10, 6) + 1.2345e-3
    if function in ROWS:
        x = numbers(10, 6)
    check_gradients(Activation(usable(function)), x)


@pytest.mark.parametrize(
    ("function", "options"),
    [case[:2] for case in PARTIALS],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_gradients_with_arguments(function: Any, options: dict[str, Any]) -> None:
    check_gradients(Activation(partial(function, **options)), 3 * numbers(6, 4))


@pytest.mark.parametrize("axis", [None, 0, (0, 2), (-1, 1)], ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradients_over_several_axes(name: str, axis: Any) -> None:
    function = partial(getattr(activations, name), axis=axis)
    check_gradients(Activation(function), numbers(3, 2, 4))
    np.testing.assert_allclose(function(numbers(3, 2, 4)).sum() / 3 > 0, name == "softmax")


@every_function
def test_finite_at_huge_inputs(function: Any) -> None:
    if function is activations.exponential:
        pytest.skip("exp(1e4) is infinite")
    x = np.array([[-1e4, -100, 0, 100, 1e4, 1]], np.float32)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y = usable(function)(x)
    _, dx = run(usable(function), x)
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


@every_function
def test_nan_stays_nan(function: Any) -> None:
    """But where Keras compares and finds that NaN is not larger."""
    y, _ = run(usable(function), np.full((1, 2), np.nan, np.float32))
    expected = {"hard_shrink": 0, "soft_shrink": 0, "threshold": -1}.get(function.__name__, np.nan)
    if function is not activations.sparsemax:
        np.testing.assert_array_equal(y, np.full_like(y, expected))


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "hard_silu"])
def test_infinities_of_gates_are_those_of_keras(name: str) -> None:
    y, _ = run(activations.get(name), np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(y, [np.nan, np.inf])


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-50, 50), function=st.sampled_from([f for f in FUNCTIONS if f not in ROWS]))
def test_the_derivative_is_that_of_the_function(x: float, function: Any) -> None:
    """At any point but within 1e-5 of a kink, which have at most three digits."""
    if function is activations.glu or abs(x - round(x, 3)) < 1e-5:
        return
    f, step = usable(function), 1e-6
    (above, below), (_, slope) = f(np.array([x + step, x - step])), run(f, np.array([x]))
    expected = (above - below) / (2 * step)
    assert slope[0] == pytest.approx(expected, rel=1e-5, abs=1e-7)


# --- Arrays in, arrays out


@every_function
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_dtype_of_floats_is_kept(function: Any, dtype: str) -> None:
    x = numbers(3, 4).astype(dtype)
    before = x.copy()
    y = usable(function)(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(x, before)
    expected = usable(function)(x.astype(np.float64))
    tolerance = {"float64": 1e-15, "float32": 1e-6, "float16": 1e-2}[dtype]
    np.testing.assert_allclose(y.astype(float), expected, rtol=tolerance, atol=tolerance)


@every_function
def test_python_numbers_are_of_the_default_float(function: Any) -> None:
    x = [-1.0, 2.0]
    assert usable(function)(x).dtype == np.float32
    keras.config.set_floatx("float64")
    assert usable(function)(x).dtype == np.float64


@every_function
def test_integers(function: Any) -> None:
    kept = function in (activations.relu, activations.relu6, activations.linear)
    kept = kept or function is activations.soft_shrink
    y = usable(function)(np.array([-2, 0, 3, 8]))
    assert y.dtype == (np.int64 if kept else np.float32)
    if not kept:
        expected = usable(function)(np.array([-2.0, 0, 3, 8], np.float32))
        np.testing.assert_array_equal(y, expected)


@every_function
def test_results_are_tensors(function: Any) -> None:
    y = usable(function)(np.ones((2, 2)))
    assert type(y.numpy()) is np.ndarray


@every_function
def test_out(function: Any) -> None:
    x = numbers(3, 4)
    expected = usable(function)(x)
    out = np.empty(expected.shape)
    assert usable(function)(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    if function is not activations.glu:
        assert usable(function)(x, out=x) is x
        np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in ROWS])
def test_scalars(function: Any) -> None:
    if function is activations.glu:
        return
    y = usable(function)(np.float32(2))
    assert y.shape == ()
    assert y == usable(function)(np.array([2], np.float32))[0]
    assert activations.relu(7.0, max_value=6) == 6


# --- At work in a layer


@every_function
def test_y_takes_the_place_of_x_only_where_the_derivative_does_not_read_it(function: Any) -> None:
    nonlinearity, ctx = Nonlinearity(usable(function)), Context(dtype=np.float64)
    x = numbers(3, 4)
    before = x.copy()
    y = nonlinearity.forward(x, ctx)
    if function in IN_PLACE or function is activations.linear:
        assert y is x
    else:
        assert not np.shares_memory(x, y)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("function", sorted(IN_PLACE, key=lambda f: f.__name__))
def test_a_derivative_of_y_alone_does_not_read_x(function: Any) -> None:
    derivative, x = activations.DERIVATIVES[function], numbers(3, 4)
    y, dy = function(x), numbers(3, 4, seed=1)
    dx = derivative(dy.copy(), x, y, Context(dtype=np.float64))
    again = derivative(dy.copy(), np.full_like(x, np.nan), y, Context(dtype=np.float64))
    np.testing.assert_array_equal(dx, again)


@every_function
def test_nothing_big_is_allocated_in_a_step(function: Any) -> None:
    if function is activations.sparsemax:
        pytest.skip("it sorts")
    nonlinearity, ctx = Nonlinearity(usable(function)), Context(training=True)
    x = np.ones((1024, 64), np.float32)
    dy = np.ones_like(nonlinearity.forward(x, ctx))
    nonlinearity.backward(dy, ctx)
    pieces = np.setbufsize(16)
    tracemalloc.start()
    try:
        nonlinearity.forward(x, ctx)
        nonlinearity.backward(dy, ctx)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(pieces)
    # Where a function is put together of pieces, a mask of one byte per element says where.
    assert peak < x.nbytes / 2


def test_a_partial_keeps_its_arguments() -> None:
    layer = Dense(3, partial(activations.leaky_relu, negative_slope=0.5))
    layer.build((None, 3))
    layer.set_weights([np.eye(3), np.zeros(3)])
    np.testing.assert_array_equal(layer(np.array([[-2.0, 0, 2]])), [[-1, 0, 2]])
    with pytest.raises(ValueError, match="needs keyword arguments, such as"):
        Dense(3, partial(activations.relu, np.ones(3)))


def test_a_threshold_needs_arguments() -> None:
    for function in ("threshold", partial(activations.threshold, threshold=1.0)):
        with pytest.raises(ValueError, match=r"functools.partial\(threshold, threshold=..., def"):
            Activation(function)


# --- Functions of one's own


def test_a_function_of_ones_own() -> None:
    check_gradients(Dense(3, cubic), numbers(4, 2))
    check_gradients(Activation(cubic), numbers(4, 2))

    class Scaled:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, x: Any) -> Any:
            return self.factor * x

        def gradient(self, dy: Any, x: Any, y: Any) -> Any:
            return self.factor * dy

    check_gradients(Dense(3, Scaled(0.5)), numbers(4, 2))


@pytest.mark.parametrize(
    "function",
    [np.tanh, lambda x: x, partial(np.add, 1), ReLU],
    ids=["ufunc", "lambda", "partial", "class"],
)
def test_a_function_without_a_derivative(function: Any) -> None:
    for make in (Activation, partial(Dense, 3)):
        with pytest.raises(ValueError, match="derivative of the activation function") as error:
            make(function)
        assert "sparse_sigmoid" in str(error.value)
        assert "layers.ReLU(max_value=6)" in str(error.value)
        assert ".gradient = lambda dy, x, y: ..." in str(error.value)


# --- Layers as activations


def test_a_layer_runs_in_a_context_of_its_own() -> None:
    shared = ReLU(max_value=1.0)
    model = Sequential([Input((4,)), Dense(6, shared), Dense(5, shared), Activation(shared)])
    check_gradients(model, numbers(3, 4))


def test_a_layer_in_training() -> None:
    layer = Dense(100, Dropout(0.5, seed=1), kernel_initializer="ones")
    x = np.ones((1, 2), np.float32)
    assert set(layer(x, training=True).ravel()) == {0, 4}
    assert set(layer(x).ravel()) == {2}
    ctx = Context(training=True)
    dropped = layer.forward(x, ctx)[0] == 0
    layer.backward(np.ones((1, 100), np.float32), ctx)
    np.testing.assert_array_equal(layer.bias.grad, np.where(dropped, 0, 2))


def test_a_layer_with_weights() -> None:
    layer = Activation(Dense(3, "tanh", name="inner"), name="outer")
    layer.build((None, 4))
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert layer.compute_output_shape((None, 4)) == (None, 3)
    check_gradients(layer, numbers(5, 4))
    # Its weights have gradients also where nobody needs that of the input.
    ctx = Context()
    ctx.needs_dx = False
    layer.forward(np.ones((2, 4), np.float32), ctx)
    assert layer.backward(np.ones((2, 3), np.float32), ctx) is None
    assert layer.weights[1].grad.any()


def test_a_layer_of_another_dtype() -> None:
    layer = Dense(3, ReLU(dtype="float32"), dtype="float64")
    y, ctx = layer(numbers(4, 2)), Context(dtype="float64")
    assert y.dtype == np.float32
    layer.forward(numbers(4, 2), ctx)
    dx = layer.backward(np.ones((4, 3), np.float32), ctx)
    assert dx is not None
    assert dx.dtype == np.float64


@pytest.mark.parametrize("wrap", [lambda s: s, Activation], ids=["Softmax", "Activation"])
def test_the_loss_finds_the_logits_of_a_layer(wrap: Any) -> None:
    layer, loss, ctx = Dense(3, wrap(Softmax())), SparseCategoricalCrossentropy(), Context()
    layer.build((None, 1))
    layer.set_weights([np.array([[200.0, 0.0, -200.0]]), np.zeros(3)])
    y = layer.forward(np.ones((1, 1), np.float32), ctx)
    assert loss.forward(np.array([2]), y, ctx) == 400
    loss.reduce(np.array([400.0]), None, ctx)
    assert ctx.fused
    layer.backward(loss.reduced_gradient(ctx), ctx)
    np.testing.assert_array_equal(layer.bias.grad, [1, 0, -1])


def test_logits_of_a_softmax_over_another_axis() -> None:
    ctx = Context()
    y = Nonlinearity(partial(activations.softmax, axis=0)).forward(np.ones((2, 3), "f"), ctx)
    np.testing.assert_array_equal(y, np.full((2, 3), 0.5))
    assert ctx.logits is not None
    assert ctx.logits.top is None


def test_the_shape_of_glu() -> None:
    layer = Activation("glu")
    assert layer.compute_output_shape((None, 5, 6)) == (None, 5, 3)
    assert layer(np.ones((2, 5, 6))).shape == (2, 5, 3)
    first = Activation(partial(activations.glu, axis=1))
    assert first.compute_output_shape((None, 6, None)) == (None, 3, None)
    assert first.compute_output_shape((None, None, 4)) == (None, None, 4)


def test_softmax_takes_axes_from_the_end() -> None:
    x = numbers(2, 3, 4).astype(np.float32)
    for axis in ((1, 2), (-2, -1), [1, -1]):
        np.testing.assert_allclose(Softmax(axis=axis)(x).sum(axis=(1, 2)), 1, rtol=1e-6)
    with pytest.raises(np.exceptions.AxisError):
        Softmax(axis=3)(x)


# --- Names and configs


def test_names() -> None:
    assert len(ACTIVATIONS) == 29
    for name in [*ACTIVATIONS, "threshold"]:
        assert activations.get(name) is getattr(activations, name)
        assert activations.serialize(activations.get(name)) == name
        assert activations.deserialize(name) is getattr(activations, name)
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.get("hard_swish") is activations.hard_swish is activations.hard_silu
    assert activations.get(None) is activations.linear
    assert activations.serialize(activations.swish) == "silu"
    layer = ReLU()
    assert activations.get(layer) is layer
    assert activations.get(cubic) is cubic


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        ("rellu", "identifier: 'rellu'. Did you mean 'relu'"),
        ("ReLU", "identifier: 'ReLU'. Did you mean 'relu'"),
        (5, "identifier: 5"),
        ([], r"identifier: \[\]"),
        ({}, "identifier: {}"),
        ({"class_name": "function", "config": "cubic"}, "identifier: 'cubic'"),
        (
            {"module": "keras.layers", "class_name": "ReLLU", "config": {}},
            "class 'ReLLU' of module 'keras.layers' is not known. Did you mean 'ReLU'",
        ),
    ],
    ids=str,
)
def test_what_is_no_activation(identifier: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        activations.get(identifier)


def test_configs() -> None:
    own = {
        "module": "builtins",
        "class_name": "function",
        "config": "cubic",
        "registered_name": "function",
    }
    assert activations.serialize(cubic) == own
    assert activations.deserialize(own, {"cubic": cubic}) is cubic
    assert activations.deserialize("cubic", {"cubic": cubic}) is cubic
    with keras.saving.custom_object_scope({"cubic": cubic}):
        assert activations.get("cubic") is activations.get(own) is cubic
    config = activations.serialize(ReLU(max_value=6, name="r"))
    assert config["module"] == "keras.layers"
    assert config["config"]["max_value"] == 6
    assert activations.get(config).max_value == 6
    layer = Dense.from_config(Dense(3, ReLU(max_value=6)).get_config())
    assert isinstance(layer.activation, ReLU)


@pytest.mark.parametrize("activation", [None, "relu", 3, lambda x: x, partial(cubic)], ids=label)
def test_what_has_no_config(activation: Any) -> None:
    with pytest.raises(TypeError):
        activations.serialize(activation)


def test_tf_nn() -> None:
    for name in ("gelu", "log_softmax", "relu6", "selu", "silu", "softplus", "softsign", "elu"):
        assert getattr(tf.nn, name) is getattr(activations, name)
    assert tf.nn.swish is activations.silu
    np.testing.assert_array_equal(tf.nn.leaky_relu(np.array([-1.0, 1]), alpha=0.5), [-0.5, 1])
    check_gradients(Dense(3, tf.nn.leaky_relu), numbers(4, 2))
    assert activations.serialize(tf.nn.leaky_relu) == "leaky_relu"


# --- The error function


GRID = np.concatenate([np.linspace(-9, 9, 20001), np.geomspace(1e-30, 1, 2001)])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-7), ("float64", 4e-16)])
def test_erf(dtype: str, tolerance: float) -> None:
    x = GRID.astype(dtype)
    y = erf(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(v) for v in x], rtol=tolerance)
    np.testing.assert_array_equal(erf(-x), -y)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 2e-15)])
def test_erfc(dtype: str, tolerance: float) -> None:
    x = GRID[GRID < 3].astype(dtype)
    np.testing.assert_allclose(erfc(x), [math.erfc(v) for v in x], rtol=tolerance)
    x = np.linspace(3, 26 if dtype == "float64" else 9, 1001).astype(dtype)
    expected = np.array([math.erfc(v) for v in x])
    error = np.abs(erfc(x) / expected - 1)
    assert (error < np.finfo(dtype).eps * (4 + x * x)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erfinv(dtype: str) -> None:
    eps = np.finfo(dtype).eps
    p = np.concatenate([np.linspace(-1, 1, 2001)[1:-1], np.geomspace(1e-30, 0.1, 301)])
    p = np.append(p, 1 - np.geomspace(eps, 0.1, 301)).astype(dtype)
    y = erfinv(p)
    assert y.dtype == dtype
    # erf(y) is p to the rounding of p and of y; the latter counts y erf'(y) / erf(y), at most 1.
    np.testing.assert_allclose([math.erf(v) for v in y], p, rtol=3 * eps)
    tail = 1 - p.astype(float)
    near = (p > 0.9) & (tail > 100 * eps)
    found = np.array([math.erfc(v) for v in y[near]])
    slopes = 2 * y[near].astype(float) ** 2  # of log erfc, per relative change of y
    assert (np.abs(found / tail[near] - 1) < eps * (4 + slopes)).all()


def test_limits_of_the_error_function() -> None:
    x = np.array([-np.inf, np.inf, np.nan, 1e300, -0.0])
    np.testing.assert_array_equal(erf(x), [-1, 1, np.nan, 1, -0.0])
    np.testing.assert_array_equal(erfc(x), [2, 0, np.nan, 0, 1])
    np.testing.assert_array_equal(
        erfinv(np.array([-1, 1, np.nan, 2, 0])), [-np.inf, np.inf, np.nan, np.nan, 0]
    )


@pytest.mark.parametrize("function", [erf, erfc])
def test_arrays_of_the_error_function(function: Any) -> None:
    x = numbers(70, 130)  # more than one block
    expected = function(x)
    assert expected.shape == x.shape
    out = np.empty_like(x)
    assert function(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    turned = np.empty((130, 70)).T
    np.testing.assert_array_equal(function(x.T.copy().T, out=turned), expected)
    np.testing.assert_array_equal(function(x[::2, ::3]), expected[::2, ::3])
    assert function(x, out=x) is x
    np.testing.assert_array_equal(x, expected)
    assert function(np.float16(0.5)).dtype == np.float16
    assert function(1).dtype == function([0.5]).dtype == np.float32
    assert function(np.zeros((0, 3))).shape == (0, 3)
    assert erfinv(np.zeros((0, 3), "f")).shape == (0, 3)


def test_a_layer_of_ones_own_as_activation() -> None:
    class Square(Layer):
        def forward(self, x: Any, ctx: Context) -> Any:
            ctx.x = x
            return x * x

        def backward(self, dy: Any, ctx: Context) -> Any:
            return 2 * ctx.x * dy

    check_gradients(Dense(3, Square()), numbers(4, 2))
