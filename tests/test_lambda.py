"""Lambda: functions as layers, with a gradient that is given, against tf.keras."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest
from layer_twins import ONE_PASS, TWENTY_STEPS, keras_passes, numbers, passes
from twins import both, close, close_all

import scratchnn
from scratchnn import Context, Input, Model, Sequential
from scratchnn.layers import Dense, Lambda
from scratchnn.saving import custom_object_scope, register_keras_serializable


def square(x):
    return x**2


square.gradient = lambda dy, x, y: 2 * x * dy  # type: ignore[attr-defined]


def scaled(x, by=1.0):
    return x * by


@register_keras_serializable("tests")
def twice(x):
    return 2 * x


@register_keras_serializable("tests")
def gradient_of_twice(dy, x, y):
    return 2 * dy


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (square, {}),
        (scaled, {"arguments": {"by": 3.0}}),
        (lambda x: x[:, -1], {}),
        (lambda x: x[..., 0] > 0, {"output_shape": (4,)}),
        (lambda x: x - 0.5, {"output_shape": lambda shape: shape}),
    ],
)
def test_values_and_shapes(function, options):
    x = numbers(3, 4, 2)
    ours, theirs = Lambda(function, **options), keras.layers.Lambda(function, **options)
    close(ours(x), theirs(x).numpy(), ONE_PASS)
    assert ours.compute_output_shape((None, 4, 2)) == theirs.compute_output_shape((None, 4, 2))


def test_a_gradient():
    x = numbers(3, 4)
    for ours in (Lambda(square), Lambda(lambda x: x**2, gradient=square.gradient)):  # type: ignore[attr-defined]
        y, dx = passes(ours, x)
        expected, expected_dx = keras_passes(keras.layers.Lambda(square), x)
        close(y, expected.numpy(), ONE_PASS)
        close(dx, expected_dx, ONE_PASS)


def test_several_inputs():
    a, b = numbers(3, 4), numbers(3, 4, seed=1)
    layer = Lambda(lambda ab: ab[0] * ab[1], gradient=lambda dy, ab, y: [dy * ab[1], dy * ab[0]])
    close(layer([a, b]), a * b, 0)
    inputs = [Input((4,)), Input((4,))]
    hidden = [Dense(4)(x) for x in inputs]
    model = Model(inputs, Dense(1)(layer(hidden)))
    model.compile("adam", "mse")
    losses = [model.train_on_batch([a, b], numbers(3, 1)) for _ in range(200)]
    assert losses[-1] < losses[0] / 2


def test_training_through_a_function_with_a_gradient():
    def run(k: Any) -> Any:
        model = k.Sequential(
            [k.Input((3,)), k.layers.Dense(4), k.layers.Lambda(square), k.layers.Dense(1)]
        )
        model.compile(k.optimizers.SGD(0.02), "mse", run_eagerly=True)
        x, y = numbers(8, 3), numbers(8, 1, seed=1)
        losses = [model.train_on_batch(x, y) for _ in range(20)]
        return losses, model.get_weights()

    ours, theirs = both(run)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=TWENTY_STEPS)
    close_all(ours[1], theirs[1], TWENTY_STEPS)


def test_a_gradient_that_is_missing():
    model = Sequential([Input((3,)), Dense(4), Lambda(scaled, name="scale"), Dense(1)])
    model.compile("sgd", "mse")
    x, y = numbers(8, 3), numbers(8, 1)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"The Lambda 'scale' has no gradient.*gradient=g"):
        model.fit(x, y, verbose=0)
    close_all(model.get_weights(), before, 0)
    assert model.predict(x, verbose=0).shape == (8, 1)
    first = Sequential([Input((3,)), Lambda(scaled), Dense(1)])
    first.compile("sgd", "mse")
    first.fit(x, y, verbose=0)  # what comes before is not trained


def test_mask_and_training():
    def f(x, mask=None, training=None):
        return x + (10 if training else 0) + (0 if mask is None else mask.sum())

    layer = Lambda(f)
    close(layer(np.zeros((1, 2), "f"), training=True), np.full((1, 2), 10, "f"), 0)
    ctx = Context()
    ctx.in_mask = np.array([[True, True]])
    close(layer.forward(np.zeros((1, 2), "f"), ctx), np.full((1, 2), 2, "f"), 0)


def test_masks_of_the_output():
    mask = np.array([[True, False]])
    assert Lambda(scaled).compute_mask(None, mask) is None
    assert Lambda(scaled, mask=mask).compute_mask(None) is mask
    passing = Lambda(scaled, mask=lambda x, m: m)
    assert passing.compute_mask(None, mask) is mask
    assert passing.supports_masking
    assert keras.layers.Lambda(scaled, mask=lambda x, m: m).supports_masking


def test_a_function_cannot_write_to_the_input():
    def wrong(x):
        x += 1
        return x

    with pytest.raises(ValueError, match="read-only"):
        Lambda(wrong)(np.zeros((2, 3), "f"))


def test_what_cannot_be_called():
    for options in ({"function": 3}, {"function": scaled, "gradient": 3}):
        with pytest.raises(TypeError, match="to be callable"):
            Lambda(**options)


def test_a_shape_that_is_not_found():
    def picky(x):
        if x.shape != (7, 3):
            raise ValueError("Only seven.")
        return x

    with pytest.raises(NotImplementedError, match=r"Only seven\. Give it as output_shape"):
        Lambda(picky).compute_output_shape((None, 3))


# --- files


def test_a_function_with_a_registered_name(tmp_path):
    model = Sequential([Input((3,)), Dense(2), Lambda(twice, gradient=gradient_of_twice), Dense(1)])
    model.save(tmp_path / "model.keras")
    again = scratchnn.models.load_model(tmp_path / "model.keras")
    x = numbers(2, 3)
    close(again.predict(x, verbose=0), model.predict(x, verbose=0), 0)
    again.compile("sgd", "mse")
    again.fit(x, numbers(2, 1), verbose=0)


def test_files_of_keras(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(scaled, arguments={"by": 2})])
    model.save(tmp_path / "model.keras")
    with custom_object_scope({"scaled": scaled}):
        again = scratchnn.models.load_model(tmp_path / "model.keras")
    x = numbers(2, 3)
    close(again.predict(x, verbose=0), model.predict(x, verbose=0), 0)


def test_byte_code_is_neither_written_nor_run(tmp_path):
    with pytest.raises(TypeError, match="A lambda has no name"):
        Sequential([Input((3,)), Lambda(lambda x: x)]).save(tmp_path / "ours.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)])
        model.save(tmp_path / "theirs.keras")
    with pytest.raises(ValueError, match="byte code, which is never run"):
        scratchnn.models.load_model(tmp_path / "theirs.keras")
