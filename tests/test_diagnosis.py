"""What a failed gradient check says, and the numerical gradient it is based on."""

from __future__ import annotations

import re

import numpy as np
import pytest

from scratchnn import Context, Input, Model, Sequential, layers
from scratchnn.inspection import check_gradients, numerical_gradient
from scratchnn.layers import Add, Concatenate, Dense, Dropout, Layer, Multiply


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


class Mix(Layer):
    """y = tanh(x W) + b, with one planted mistake."""

    def __init__(self, mistake):
        super().__init__(name="mix")
        self.mistake = mistake

    def build(self, input_shape):
        D = input_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(D, D))
        self.bias = self.add_weight(name="bias", shape=(D,), initializer="zeros")

    def forward(self, x, ctx):
        ctx.x, ctx.t = x, np.tanh(x @ self.kernel.value)
        return ctx.t + self.bias.value

    def backward(self, dy, ctx):
        dz = dy * (1 - ctx.t**2)
        self.before = self.kernel.grad.copy()
        self.kernel.grad[...] = ctx.x.T @ dz
        self.bias.grad[...] = dy.sum(axis=0)
        self.mistake(self, dy, dz, ctx)
        return dz @ self.kernel.value.T


def set_kernel(value):
    def mistake(layer, dy, dz, ctx):
        layer.kernel.grad[...] = value(layer, dy, dz, ctx)

    return mistake


def set_bias(value):
    def mistake(layer, dy, dz, ctx):
        layer.bias.grad[...] = value(dy)

    return mistake


def reverse_a_row(layer, dy, dz, ctx):
    layer.kernel.grad[1] *= 3


def right(ctx, dz):
    return ctx.x.T @ dz


MISTAKES = {
    "factor 2": (set_kernel(lambda _, dy, dz, ctx: 2 * right(ctx, dz)), "twice too large"),
    "factor 1/2": (set_kernel(lambda _, dy, dz, ctx: right(ctx, dz) / 2), "half of what"),
    "factor 0.3": (set_kernel(lambda _, dy, dz, ctx: right(ctx, dz) * 0.3), "factor of 0.3 every"),
    "sign": (set_kernel(lambda _, dy, dz, ctx: -right(ctx, dz)), "sign is wrong everywhere"),
    "1/N": (set_bias(lambda dy: dy.mean(axis=0)), "5 times too small, and the batch has 5"),
    "N": (set_bias(lambda dy: 5 * dy.sum(axis=0)), "5 times too large, and the batch has 5"),
    "one sample": (set_bias(lambda dy: dy[0]), "gradient of sample 0 alone: sum over the batch"),
    "last sample": (set_bias(lambda dy: dy[-1]), "gradient of sample 4 alone"),
    "transposed": (set_kernel(lambda _, dy, dz, ctx: right(ctx, dz).T), "the transpose"),
    "backwards": (set_bias(lambda dy: dy.sum(axis=0)[::-1]), "backwards, along all axes"),
    "rolled": (set_bias(lambda dy: np.roll(dy.sum(axis=0), 1)), "in other places"),
    "nothing": (set_kernel(lambda *_: 0), "Everything is 0"),
    "some": (reverse_a_row, "6 of 9 elements are right"),
    "not assigned": (set_kernel(lambda layer, *_: layer.before), "backward never assigns it"),
    "added": (
        set_kernel(lambda layer, dy, dz, ctx: layer.before + right(ctx, dz)),
        "must assign every element",
    ),
    "not a number": (set_kernel(lambda *_: np.nan), "backward itself comes to NaN"),
    "no derivative": (
        set_kernel(lambda _, dy, dz, ctx: (1 - ctx.t[:1] ** 2 / 2) * right(ctx, dz)),
        "All signs are right and the sizes are not",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_by_its_numbers(mistake):
    plant, hint = MISTAKES[mistake]
    with pytest.raises(AssertionError) as error:
        check_gradients(Mix(plant), numbers(5, 3))
    hints = [line for line in str(error.value).splitlines() if line.startswith("Hint: ")]
    assert len(hints) == 1, error.value
    assert hint in hints[0]


def test_the_right_layer_passes():
    check_gradients(Mix(lambda *_: None), numbers(5, 3))


def test_the_worst_elements_stand_in_a_table():
    with pytest.raises(AssertionError) as error:
        check_gradients(Mix(reverse_a_row), numbers(5, 3))
    first, blank, head, *rows = str(error.value).splitlines()
    assert first.startswith("The gradient of mix/kernel is wrong, most at index (1, ")
    assert not blank
    assert head.split() == ["index", "backward", "outputs", "backward", "/", "outputs"]
    rows = [row for row in rows if row.startswith("  (1, ")]
    assert len(rows) == 3
    for row in rows:
        said, expected, ratio = map(float, re.search(r"\)\s+(\S+)\s+(\S+)\s+(\S+)$", row).groups())
        assert said / expected == pytest.approx(ratio, rel=1e-5)
        assert ratio == pytest.approx(3, rel=1e-5)
    assert len({len(line) for line in [head, *rows]}) == 1, "the columns are aligned"


def test_a_sum_that_is_missing_altogether_has_a_note():
    with pytest.raises(ValueError, match="broadcast") as error:
        check_gradients(Mix(set_bias(lambda dy: dy)), numbers(5, 3))
    assert "dy.sum(axis=0) for a bias" in error.value.__notes__[0]


def test_a_kink_is_told_from_a_mistake():
    x = numbers(4, 3)
    x[2, 1] = 0
    with pytest.raises(AssertionError, match="not smooth here"):
        check_gradients(layers.ReLU(), x)
    with pytest.raises(AssertionError) as error:
        check_gradients(Mix(set_kernel(lambda _, dy, dz, ctx: -right(ctx, dz))), x)
    assert "smooth" not in str(error.value)


def test_a_layer_that_computes_in_float32_only_is_told_so():
    class Narrow(Layer):
        def forward(self, x, ctx):
            return (2 * x).astype(np.float32)

        def backward(self, dy, ctx):
            return 2 * dy

    with pytest.raises(AssertionError, match=r"Hint: forward returned another dtype"):
        check_gradients(Narrow(), numbers(4, 3))


def test_a_large_array_is_tried_in_part():
    class Twice(Dense):
        def backward(self, dy, ctx):
            dx = super().backward(dy, ctx)
            self.kernel.grad *= 2
            return dx

    with pytest.raises(AssertionError, match=r"\(2000 of 2000 elements differ\)"):
        check_gradients(Twice(60), numbers(2, 60))


def test_layers_with_several_inputs():
    x = [numbers(4, 3), numbers(4, 3, seed=1)]
    check_gradients(Multiply(), x)
    check_gradients(Concatenate(), [numbers(4, 3), numbers(4, 2)])

    class Swapped(Multiply):
        def backward(self, dy, ctx):
            return super().backward(dy, ctx)[::-1]

    with pytest.raises(AssertionError, match="The gradient of input 0 of swapped is wrong"):
        check_gradients(Swapped(), x)

    class Single(Add):
        def backward(self, dy, ctx):
            return [dy]

    with pytest.raises(AssertionError, match=r"a list of 2 gradients.*Received: list of length 1"):
        check_gradients(Single(), x)


def test_models_with_several_inputs_and_outputs():
    a, b = Input((3,)), Input((2,))
    shared = Dense(4, "tanh")
    both = Concatenate()([shared(a), Dense(2)(b)])
    model = Model([a, b], [Dense(2)(both), shared(Dense(3)(b))])
    check_gradients(model, [numbers(4, 3), numbers(4, 2)])


def test_integers_have_no_gradient_and_floats_beside_them_do():
    class Pick(Layer):
        takes_several = True
        casts_integers = False

        def build(self, input_shape):
            self.table = self.add_weight(name="table", shape=(5, 3))

        def compute_output_shape(self, input_shape):
            return input_shape[1]

        def forward(self, x, ctx):
            ctx.x = x
            return self.table.value[x[0]] * x[1]

        def backward(self, dy, ctx):
            words, x = ctx.x
            self.table.grad[...] = 0
            np.add.at(self.table.grad, words, dy * x)
            return [None, self.factor * dy * self.table.value[words]]

    layer, x = Pick(), [np.array([0, 3, 3, 1]), numbers(4, 3)]
    layer.factor = 1
    check_gradients(layer, x)
    layer.factor = 2
    with pytest.raises(AssertionError, match="The gradient of input 1 of pick is wrong"):
        check_gradients(layer, x)


class MaskedMean(Layer):
    """The mean over the time steps that count."""

    factor = 1

    def forward(self, x, ctx):
        m = np.ones(x.shape[:2]) if ctx.in_mask is None else ctx.in_mask
        ctx.share = (m / m.sum(axis=1, keepdims=True))[..., np.newaxis]
        return (x * ctx.share).sum(axis=1)

    def backward(self, dy, ctx):
        share = ctx.share if self.factor == 1 else np.full_like(ctx.share, 1 / ctx.share.shape[1])
        return dy[:, np.newaxis] * share


def test_a_mask_comes_beside_x():
    x, mask = numbers(2, 3, 4), np.array([[True, True, False], [True, False, False]])
    layer = MaskedMean()
    check_gradients(layer, x, mask=mask)
    layer.factor = 0  # ignores the mask
    check_gradients(layer, x)
    with pytest.raises(AssertionError, match="the input of masked_mean"):
        check_gradients(layer, x, mask=mask)


def test_what_forward_remembers_does_not_disturb_the_check():
    class Running(Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(name="seen", shape=(), initializer="zeros", trainable=False)

        def forward(self, x, ctx):
            self.seen.value += 1
            ctx.factor = float(self.seen.value)
            return x * ctx.factor

        def backward(self, dy, ctx):
            return dy * ctx.factor

    layer = Running()
    layer.ensure_built((None, 3))
    check_gradients(layer, numbers(4, 3))
    assert layer.seen.value == 0


def test_a_dropout_in_a_model():
    model = Sequential([Input((3,)), Dense(4), Dropout(0.5), Dense(2)])
    check_gradients(model, numbers(5, 3), training=True)


def test_a_float32_input_of_a_functional_model_is_widened():
    x = Input((3,))
    model = Model(x, Dense(2, "tanh")(x))
    check_gradients(model, numbers(4, 3).astype("float32"))
    assert model.inputs[0].dtype == "float32"


# --- the numerical gradient


def test_numerical_gradient_of_a_formula():
    x = numbers(2, 3)
    kept = x.copy()
    gradient = numerical_gradient(lambda x: (np.sin(x) * x).sum(), x)
    np.testing.assert_allclose(gradient, np.cos(x) * x + np.sin(x), atol=1e-8)
    np.testing.assert_array_equal(x, kept)


def test_numerical_gradient_of_a_layers_loss():
    layer = Dense(2, "tanh", dtype="float64")
    x, r = numbers(4, 3), numbers(4, 2, seed=1)
    expected = numerical_gradient(lambda x: (layer(x) * r).sum(), x)
    ctx = Context(dtype="float64")
    layer.forward(x, ctx)
    np.testing.assert_allclose(layer.backward(r.copy(), ctx), expected, atol=1e-8)


def test_numerical_gradient_of_several_inputs():
    words, x, y = np.array([0, 2]), numbers(2, 3), numbers(3)
    table = numbers(4, 3, seed=5)

    def f(inputs):
        return (table[inputs[0]] * inputs[1] * inputs[2]).sum()

    none, dx, dy = numerical_gradient(f, [words, x, y])
    assert none is None
    np.testing.assert_allclose(dx, table[words] * y, atol=1e-8)
    np.testing.assert_allclose(dy, (table[words] * x).sum(axis=0), atol=1e-8)


def test_numerical_gradient_takes_float32_in_float64():
    gradient = numerical_gradient(lambda x: x.sum() ** 2, np.ones(3, np.float32))
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, 6, atol=1e-8)


def test_numerical_gradient_refuses():
    with pytest.raises(ValueError, match=r"one number.*array of shape \(3,\)"):
        numerical_gradient(lambda x: x, np.ones(3))
    with pytest.raises(ValueError, match=r"needs an x of floats.*int64"):
        numerical_gradient(lambda x: x.sum(), np.arange(3))
    with pytest.raises(ValueError, match="needs an x of floats"):
        numerical_gradient(lambda x: x[0].sum(), [np.arange(3)])
