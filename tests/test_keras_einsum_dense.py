"""EinsumDense against tf.keras: initial weights, values, every gradient, configs, training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import ONE_PASS, TWENTY_STEPS, numbers, same_configs
from twins import both, close, close_all, equal_weights, twins

import scratchnn
from scratchnn.layers import EinsumDense

EQUATIONS: list[tuple[str, Any, str | None, tuple[int, ...]]] = [
    ("ab,bc->ac", 4, "c", (5, 3)),
    ("ab,bc->ac", (4,), None, (5, 3)),
    ("abc,cd->abd", (None, 4), "d", (2, 5, 3)),
    ("abc,cd->abd", (5, 4), "bd", (2, 5, 3)),
    ("abc,cd->abd", (5, 4), "b", (2, 5, 3)),
    ("abc,cde->abde", (None, 2, 4), "de", (2, 5, 3)),
    ("abc,cde->abde", (None, 2, 4), "d", (2, 5, 3)),
    ("abcd,cde->abe", (None, 4), "e", (2, 5, 3, 2)),
    ("abc,bcd->abd", (5, 4), "d", (2, 5, 3)),
    ("abc,bcd->adb", (4, 5), "db", (2, 5, 3)),
    ("abc,dc->adb", (4, 5), "d", (2, 5, 3)),
    ("abc,bd->acd", (3, 4), "d", (2, 5, 3)),
    ("abc,cd->ad", (4,), "d", (2, 5, 3)),
    ("abc,c->ab", (5,), None, (2, 5, 3)),
    ("abc,c->abc", (5, 3), "c", (2, 5, 3)),
    ("ab,cd->acbd", (2, 3, 4), "cd", (2, 3)),
    ("...x,xy->...y", 4, "y", (5, 3)),
    ("...x,xy->...y", 4, "y", (2, 5, 3)),
    ("...x,xy->...y", 4, None, (2, 2, 5, 3)),
    ("...bc,bcd->...d", 4, "d", (2, 6, 5, 3)),
    ("...bc,cd->...bd", (5, 4), "bd", (2, 6, 5, 3)),
    ("ab...,bc->ac...", 4, "c", (2, 3, 5)),
    ("ab...,bc->ac...", 4, "c", (2, 3, 5, 2)),
    ("abc...,cd->abd...", (3, 4), "d", (2, 3, 5, 6)),
]


@pytest.mark.parametrize(("equation", "shape", "bias", "x_shape"), EQUATIONS, ids=str)
def test_equations(equation, shape, bias, x_shape):
    x = numbers(*x_shape)

    def build(k: Any) -> Any:
        layer = k.layers.EinsumDense(
            equation, shape, bias_axes=bias, activation="tanh", bias_initializer="ones", name="twin"
        )
        layer(np.zeros(x_shape, "f"))
        return layer

    ours, theirs = twins(build)
    equal_weights(ours, theirs)
    same_configs(ours, theirs)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = theirs(tensor)
        dy = np.arange(1, y.numpy().size + 1, dtype="f").reshape(y.shape) / y.numpy().size
        target = tf.reduce_sum(y * dy)
    dx, *gradients = tape.gradient(target, [tensor, *(w.value for w in theirs.weights)])
    ctx = scratchnn.Context(True)
    close(ours.forward(x, ctx), y.numpy(), ONE_PASS, "y")
    close(ours.backward(dy, ctx), dx.numpy(), 2 * ONE_PASS, "dx")
    for w, gradient in zip(ours.weights, gradients, strict=True):
        close(w.grad, gradient.numpy(), 2 * ONE_PASS, w.name)
    assert ours.compute_output_shape(x_shape) == y.shape


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_initializer": "he_normal", "kernel_regularizer": "l2"},
        {"kernel_initializer": "orthogonal", "bias_regularizer": "l1", "bias_axes": "d"},
        {"kernel_constraint": "max_norm", "bias_constraint": "non_neg", "bias_axes": "cd"},
        {"activity_regularizer": "l2", "activation": "relu"},
        {"kernel_initializer": keras.initializers.GlorotNormal.__name__},
    ],
    ids=str,
)
def test_options_and_training(options):
    def run(k: Any) -> Any:
        model = k.Sequential(
            [
                k.Input((5, 4)),
                k.layers.EinsumDense("abc,cd->abd", (5, 3), **{"activation": "tanh"} | options)
                if options.get("bias_axes") != "cd"
                else k.layers.EinsumDense("abx,xcd->abcd", (5, 2, 3), **options),
                k.layers.Flatten(),
                k.layers.Dense(1),
            ]
        )
        model.compile(k.optimizers.SGD(0.05), "mse", run_eagerly=True)
        x, y = numbers(8, 5, 4, seed=1), numbers(8, 1, seed=2)
        before = [w.copy() for w in model.get_weights()]
        losses = [model.train_on_batch(x, y) for _ in range(20)]
        return before, losses, model.get_weights()

    ours, theirs = both(run)
    close_all(ours[0], theirs[0], 1e-6)  # an orthogonal kernel is another's to a few ulp
    np.testing.assert_allclose(ours[1], theirs[1], rtol=TWENTY_STEPS)
    close_all(ours[2], theirs[2], TWENTY_STEPS)


BAD = [
    "ab,bc",
    "ab,bc->",
    "...ab,bc->ac",
    "a...,ab->b...x",
    "ab,bc->ad",
    "ab,bcd->ac",
    "...a...,ab->...b...",
]


@pytest.mark.parametrize("equation", BAD)
def test_equations_of_another_form(equation):
    with pytest.raises(ValueError, match=r"equation|is in the"):
        EinsumDense(equation, 3)


def test_errors():
    with pytest.raises(ValueError, match=r"bias_axes='e' has the axis 'e'"):
        EinsumDense("ab,bc->ac", 3, bias_axes="e")
    with pytest.raises(ValueError, match=r"must have 2 sizes, for the axes 'bd'"):
        EinsumDense("abc,cd->abd", 3)
    with pytest.raises(ValueError, match="takes no diagonals"):
        EinsumDense("abb,bc->ac", 3)
    with pytest.raises(ValueError, match="does not support lora_rank"):
        EinsumDense("ab,bc->ac", 3, lora_rank=2)
    with pytest.raises(ValueError, match="expected the axis 'b' of its input to have size 7"):
        EinsumDense("abc,cd->abd", (7, 4))(np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match="without that of 'd'"):
        EinsumDense("abc,cd->abd", (5, None))(np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match="expected an input of rank 3"):
        EinsumDense("abc,cd->abd", (None, 4))(np.zeros((2, 5)))
    layer = EinsumDense("...c,cd->...d", 4)
    layer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"fits its kernel of shape \(3, 4\)"):
        layer(np.zeros((2, 5)))
