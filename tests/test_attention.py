"""Attention without TensorFlow: the contract for its inputs and options, values, and errors."""

from __future__ import annotations

import copy
import tracemalloc

import numpy as np
import pytest
from cases_attention import CASES
from contract_checks import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchnn as keras
from scratchnn import Context, layers
from scratchnn.inspection import check_gradients
from scratchnn.layers.attention_scores import softmax_rows, softmax_rows_backward


def cases(wanted=lambda case: True):
    found = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", found, ids=lambda case: case.name)


every_case = cases()
both_modes = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


def listed(y):
    return y if isinstance(y, list) else [y]


def random_dy(y, seed=1):
    rng = np.random.default_rng(seed)
    dys = [rng.normal(size=one.shape).astype(one.dtype) for one in listed(y)]
    return dys if isinstance(y, list) else dys[0]


def run(layer, x, ctx, seed=1):
    """Return copies of the outputs, the input gradients and the weights' of one pass."""
    y = layer.forward(x, ctx)
    kept = [one.copy() for one in listed(y)]
    dxs = layer.backward(random_dy(y, seed), ctx)
    grads = [w.grad.copy() for w in layer.trainable_weights]
    return [*kept, *(dx.copy() for dx in dxs), *grads]


# --- the contract


@every_case
@both_modes
def test_gradients(case, training):
    check_gradients(
        case.make(dtype=None),
        case.inputs(dtype="float64"),
        mask=case.mask(),
        options=case.options,
        training=training,
    )


@every_case
@both_modes
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes(case, training, dtype):
    layer, x = case.layer(dtype), case.inputs(dtype=dtype)
    found = run(layer, x, case.context(dtype, training))
    assert {array.dtype for array in found} == {np.dtype(dtype)}
    shapes = [(None, *shape[1:]) for shape in case.shapes]
    symbols = [keras.Input(shape[1:], dtype=dtype) for shape in case.shapes]
    called = [symbols] if isinstance(layer, layers.Attention) else symbols
    outputs = listed(layer(*called, **case.options))
    for array, symbol in zip(found, outputs, strict=False):
        assert symbol.shape == (None, *array.shape[1:])
        assert symbol.dtype == dtype
    assert layer.compute_output_shape(shapes) == outputs[0].shape
    assert case.make(dtype=None).compute_output_shape(shapes) == outputs[0].shape
    dxs = found[len(outputs) :][: len(x)]
    assert [dx.shape for dx in dxs] == list(case.shapes)


@every_case
@both_modes
def test_inputs_are_left_alone_and_gradients_have_memory_of_their_own(case, training):
    layer, x = case.layer(), case.inputs()
    before = [array.copy() for array in x]
    for array in x:
        array.flags.writeable = False
    ctx = case.context(training=training)
    y = layer.forward(x, ctx)
    dxs = layer.backward(random_dy(y), ctx)
    assert_same(x, before)
    for i, dx in enumerate(dxs):
        for other in (*x, *dxs[:i]):
            assert not np.may_share_memory(dx, other)


@every_case
@both_modes
def test_a_layer_can_be_used_twice(case, training):
    layer, x1, x2 = case.layer(), case.inputs(seed=1), case.inputs(seed=2)
    only_first, only_second = copy.deepcopy(layer), copy.deepcopy(layer)
    first = run(only_first, x1, case.context(training=training), seed=5)
    only_second.forward(x1, case.context(training=training))
    second = run(only_second, x2, case.context(training=training), seed=6)
    before = set(vars(layer))
    ctx1, ctx2 = case.context(training=training), case.context(training=training)
    y1, y2 = layer.forward(x1, ctx1), layer.forward(x2, ctx2)
    for y, ctx, seed, expected in ((y2, ctx2, 6, second), (y1, ctx1, 5, first)):
        kept = [one.copy() for one in listed(y)]
        dxs = layer.backward(random_dy(y, seed), ctx)
        assert_same([*kept, *dxs, *(w.grad for w in layer.trainable_weights)], expected)
    assert set(vars(layer)) == before


@cases(lambda case: not case.masks and "attention_mask" not in case.options)
@both_modes
def test_the_same_context_again_and_with_a_short_batch(case, training):
    layer, x = case.layer(), case.inputs()
    twin, ctx = copy.deepcopy(layer), case.context(training=training)
    for w in layer.trainable_weights:
        w.grad.fill(np.nan)
    for n in (2, 1, len(x[0]), 2):
        part = [array[:n] for array in x]
        expected = run(twin, part, case.context(training=training))
        assert_same(run(layer, part, ctx), expected, rtol=1e-5, atol=1e-6)


@cases(lambda case: not case.masks and "attention_mask" not in case.options)
def test_a_batch_is_its_samples(case):
    layer, x = case.layer(), case.inputs()
    found = run(layer, x, case.context())
    outputs = len(found) - len(x) - len(layer.trainable_weights)
    dys = listed(random_dy(found[:outputs] if outputs > 1 else found[0]))
    sums = [np.zeros_like(w.grad) for w in layer.trainable_weights]
    for i in range(len(x[0])):
        ctx = case.context()
        y = layer.forward([array[i : i + 1] for array in x], ctx)
        dy = [one[i : i + 1].copy() for one in dys]
        dxs = layer.backward(dy if isinstance(y, list) else dy[0], ctx)
        for one, whole in zip([*listed(y), *dxs], found, strict=False):
            np.testing.assert_allclose(one[0], whole[i], rtol=1e-5, atol=2e-6)
        for total, w in zip(sums, layer.trainable_weights, strict=True):
            total += w.grad
    assert_same(sums, found[outputs + len(x) :], rtol=1e-4, atol=1e-5)


@every_case
@both_modes
def test_nobody_needs_dx(case, training):
    layer, x = case.layer(), case.inputs()
    expected = run(copy.deepcopy(layer), x, case.context(training=training))
    ctx = case.context(training=training)
    ctx.needs_dx = False
    y = layer.forward(x, ctx)
    assert layer.backward(random_dy(y), ctx) is None
    grads = [w.grad for w in layer.trainable_weights]
    if grads:
        assert_same(grads, expected[-len(grads) :])


@every_case
def test_dy_may_have_any_memory_layout(case):
    layer, x = case.layer(), case.inputs()
    ctx, other = case.context(), case.context()
    y = layer.forward(x, ctx)
    layer.forward(x, other)
    dy = listed(random_dy(y))
    spread = []
    for one in dy:
        wide = np.zeros((*one.shape, 2), one.dtype)[..., 0]
        wide[...] = one
        spread.append(wide)
    several = isinstance(y, list)
    assert_same(
        layer.backward(spread if several else spread[0], ctx),
        layer.backward(dy if several else dy[0], other),
        rtol=1e-5,
        atol=1e-6,
    )


@cases(lambda case: "return_attention_scores" in case.options)
@pytest.mark.parametrize("which", [0, 1])
def test_an_output_that_no_loss_sees(case, which):
    layer, x = case.layer(), case.inputs()
    ctx, other = case.context(), case.context()
    dy = random_dy(layer.forward(x, ctx))
    layer.forward(x, other)
    without = [one.copy() for one in dy]
    without[which] = None
    found = [*layer.backward(without, ctx), *(w.grad.copy() for w in layer.trainable_weights)]
    dy[which][...] = 0
    assert_same(found, [*layer.backward(dy, other), *(w.grad for w in layer.trainable_weights)])


@cases(lambda case: not case.masks and "attention_mask" not in case.options)
def test_an_empty_batch(case):
    layer = case.layer()
    for y in listed(layer.forward(case.inputs(0), case.context())):
        assert y.shape[0] == 0


@cases(lambda case: case.recycles)
@both_modes
def test_a_second_step_allocates_nothing_big(case, training):
    layer, ctx = case.layer(), case.context(training=training)
    x = case.inputs(1000)
    y = layer.forward(x, ctx)
    dy = [np.ones_like(one) for one in listed(y)]
    layer.backward(dy if isinstance(y, list) else dy[0], ctx)
    pieces = np.setbufsize(16)
    tracemalloc.start()
    try:
        for n in (1000, 999, 1000):
            y = layer.forward([array[:n] for array in x], ctx)
            back = [one[:n] for one in dy]
            layer.backward(back if isinstance(y, list) else back[0], ctx)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(pieces)
    assert peak < min(array.nbytes for array in (*dy, *x)) / 2


@every_case
def test_configs(case):
    layer = case.layer()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again.build_from_config(layer.get_build_config())
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]
    assert again.get_build_config() == layer.get_build_config()


@every_case
def test_forget_build_and_build_again(case):
    layer = case.layer()
    shapes = [w.shape for w in layer.weights]
    layer.forget_build()
    assert layer.weights == []
    layer.ensure_built([(None, *shape[1:]) for shape in case.shapes])
    assert [w.shape for w in layer.weights] == shapes


@every_case
def test_results_are_arrays_of_their_own(case):
    layer, x = case.layer(), case.inputs()
    called = [x] if isinstance(layer, layers.Attention) else x
    first = listed(layer(*called, **case.options))
    kept = [one.copy() for one in first]
    layer(*called, **case.options)
    assert_same(first, kept)


# --- values


def test_causal_heads_see_nothing_later():
    layer = layers.MultiHeadAttention(2, 3)
    x = np.random.default_rng(0).normal(size=(2, 6, 4))
    before = layer(x, x, use_causal_mask=True)
    x[:, 4] += 1
    after = layer(x, x, use_causal_mask=True)
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).all()


def test_a_window_on_both_sides():
    layer = layers.MultiHeadAttention(1, 2, sliding_window=2)
    x = np.random.default_rng(0).normal(size=(1, 4, 3))
    _, scores = layer(x, x, return_attention_scores=True)
    seen = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    np.testing.assert_array_equal(scores[0, 0] > 0, np.array(seen, bool))


def test_a_query_that_sees_no_key():
    """The mean of all values, as in Keras, or 0 where scores are asked for or dropped."""
    x = np.random.default_rng(0).normal(size=(1, 3, 4)).astype("f")
    nothing = np.zeros((1, 3, 3), bool)
    layer = layers.MultiHeadAttention(1, 2, output_shape=2, bias_initializer="ones")
    y = layer(x, x, attention_mask=nothing)
    mean = layer.value_dense(x).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(y, np.repeat(layer.output_dense(mean), 3, axis=1), rtol=1e-5)
    y, scores = layer(x, x, attention_mask=nothing, return_attention_scores=True)
    assert not scores.any()
    np.testing.assert_array_equal(y, np.ones((1, 3, 2)))


def test_keys_shared_by_heads_are_those_of_heads_with_equal_weights():
    shared = layers.GroupQueryAttention(3, 4, 2)
    single = layers.MultiHeadAttention(4, 3)
    x, y = (np.random.default_rng(i).normal(size=(2, t, 5)) for i, t in ((0, 3), (1, 6)))
    for layer in (shared, single):
        layer(x, y)
    weights = shared.get_weights()
    for i in (2, 3, 4, 5):  # kernels (D, G, K) and biases (G, K) of key and value
        weights[i] = np.repeat(weights[i], 2, axis=-2)
    single.set_weights(weights)
    np.testing.assert_allclose(shared(x, y), single(x, y), rtol=1e-5, atol=1e-6)


def test_integers_are_computed_with_as_floats():
    x = np.arange(24).reshape(2, 3, 4) % 5
    layer = layers.MultiHeadAttention(2, 3)
    np.testing.assert_array_equal(layer(x, x), layer(x.astype("f"), x.astype("f")))
    ctx = Context()
    y = layer.forward([x, x.astype("f")], ctx)
    dx, dvalue = layer.backward(np.ones_like(y), ctx)
    assert dx is None
    assert dvalue.dtype == np.float32


def test_a_mask_of_the_query_is_that_of_the_output():
    mask = [np.ones((2, 3), bool), None]
    for layer in (layers.MultiHeadAttention(1, 2), layers.Attention()):
        assert layer.compute_mask(None, mask) is mask[0]
        assert layer.compute_mask(None, None) is None


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 6),
    st.floats(0.1, 500),
    st.sampled_from([0, 0.5]),
    st.booleans(),
    st.integers(0, 99),
)
def test_softmax_of_rows(rows, size, spread, share, masked, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, size)) * spread
    hidden = rng.random((rows, size)) < share if masked else None
    y, ctx = x.copy(), Context(dtype="float64")
    softmax_rows(y, y, ctx, hidden, fill=1 / size)
    for found, row, out in zip(
        y, x, np.zeros((rows, size)) if hidden is None else hidden, strict=True
    ):
        kept = row[~out.astype(bool)]
        if kept.size == 0:
            np.testing.assert_allclose(found, 1 / size)
            continue
        expected = np.exp(kept - kept.max())
        np.testing.assert_allclose(found[~out.astype(bool)], expected / expected.sum(), atol=1e-12)
        assert not found[out.astype(bool)].any()
    dy = rng.normal(size=y.shape)
    dx = dy.copy()
    softmax_rows_backward(dx, y, ctx)
    expected = y * (dy - (dy * y).sum(axis=1, keepdims=True))
    if hidden is not None:
        expected[hidden.all(axis=1)] = 0
    np.testing.assert_allclose(dx, expected, atol=1e-12)


# --- errors

X = np.ones((2, 3, 4), "f")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.MultiHeadAttention(0, 3), "positive whole number for `num_heads`"),
        (lambda: layers.MultiHeadAttention(2, 3.5), "positive whole number for `key_dim`"),
        (lambda: layers.MultiHeadAttention(2, 3, 0), "positive whole number for `value_dim`"),
        (lambda: layers.MultiHeadAttention(2, 3, dropout=2), "expected a rate in"),
        (lambda: layers.MultiHeadAttention(2, 3, output_shape="a"), "for `output_shape`"),
        (lambda: layers.MultiHeadAttention(2, 3, attention_axes="a"), "an axis or a list of axes"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=0), "for `sliding_window`"),
        (
            lambda: layers.MultiHeadAttention(2, 3, flash_attention=True),
            "Expected None or False. Received: flash_attention=True",
        ),
        (lambda: layers.GroupQueryAttention(3, 5, 2), "num_query_heads to be a multiple of"),
        (lambda: layers.GroupQueryAttention(3, 4, 0), "for `num_key_value_heads`"),
        (lambda: layers.Attention(score_mode="product"), "'dot' or 'concat'"),
        (lambda: layers.Attention(dropout=-1), "expected a rate in"),
        (lambda: layers.AdditiveAttention(score_mode="x"), "'dot' or 'concat'"),
        (lambda: layers.MultiHeadAttention(2, 3, attention_axes=3)(X, X), "that its query has"),
        (lambda: layers.MultiHeadAttention(2, 3)(X), "is called with"),
        (lambda: layers.MultiHeadAttention(2, 3)(X, X, causal=True), "is called with"),
        (lambda: layers.MultiHeadAttention(2, 3)(X, X, X[:, :2]), "key and a value of equal"),
        (
            lambda: layers.MultiHeadAttention(2, 3)(X, X, attention_mask=np.ones((2, 3, 2))),
            "masks that broadcast over its attention scores",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 3)(X, X, attention_mask=np.ones((2, 2, 2, 3, 3))),
            "masks that broadcast over its attention scores",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 3)(
                X[:, :, None], X[:, :, None], value_mask=X[..., 0]
            ),
            "attends over 2 axes",
        ),
        (lambda: layers.GroupQueryAttention(3, 4, 2)(X, X[..., :2]), "expected a query (N, T, D)"),
        (lambda: layers.Attention()(X), "expected a list of inputs"),
        (lambda: layers.Attention()([X]), "two or three inputs"),
        (lambda: layers.Attention()([X, X[..., :2]]), "without a key, E is D"),
        (lambda: layers.Attention()([X, X], mask=X[..., 0]), "masks of its inputs in a list"),
        (lambda: layers.MultiHeadAttention(2, 3)(keras.Input((3, 4)), X), "KerasTensors and data"),
    ],
)
def test_errors(make, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert message in str(caught.value)


def test_a_layer_says_what_it_was_built_for():
    layer = layers.MultiHeadAttention(2, 3)
    layer(X, X)
    with pytest.raises(ValueError, match=r"was built for a value of shape \(2, 3, 4\)"):
        layer(X, X[..., :2])


@pytest.mark.parametrize("shape", [(2, 3), (3, 3, 4)])
def test_a_value_that_does_not_fit_the_query(shape):
    for layer in (layers.MultiHeadAttention(2, 2), layers.GroupQueryAttention(2, 4, 2)):
        with pytest.raises(ValueError, match=r"a query \(N, T, D\) and a value"):
            layer(np.zeros((2, 3, 4)), np.zeros(shape))
        assert not layer.built
        assert not layer.weights
