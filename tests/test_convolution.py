"""Convolutions without TensorFlow: against sums written out, parts of batches, and errors."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Context, Input, Sequential, config, layers, ops
from scratchnn.layers import convolving, folding, windows


def run(layer, x, dy=None):
    """Return (y, dx, gradients of the weights); dy is 1/n, 2/n, ... unless given."""
    layer.ensure_built(x.shape)
    ctx = Context(dtype=x.dtype)
    y = layer.forward(x, ctx).copy()
    if dy is None:
        dy = (np.arange(1, y.size + 1).reshape(y.shape) / y.size).astype(y.dtype)
    dx = layer.backward(dy, ctx)
    return [y, dx.copy(), *(w.grad.copy() for w in layer.weights)]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- one product after the other


def zeros_around(n, k, s, d, padding):
    """Return (zeros in front, places) along one axis."""
    span = (k - 1) * d + 1
    if padding == "valid":
        return 0, (n - span) // s + 1
    if padding == "causal":
        return span - 1, (n - 1) // s + 1
    places = -(-n // s)
    return max((places - 1) * s + span - n, 0) // 2, places


def products(sizes, kernel, strides, dilation, padding):
    """Yield (place, element of the kernel, what it sees) wherever it sees some of the input."""
    axes = list(zip(sizes, kernel, strides, dilation, strict=True))
    before, places = zip(*(zeros_around(*axis, padding) for axis in axes), strict=True)
    for p in product(*map(range, places)):
        for k in product(*map(range, kernel)):
            i = tuple(
                a * s + b * d - z
                for a, b, s, d, z in zip(p, k, strides, dilation, before, strict=True)
            )
            if all(0 <= j < n for j, n in zip(i, sizes, strict=True)):
                yield p, k, i


def drawn(data, rank, padding, transposed=False):
    draw = lambda low, high: data.draw(  # noqa: E731
        st.lists(st.integers(low, high), min_size=rank, max_size=rank).map(tuple)
    )
    sizes, kernel = draw(1, 6 if rank < 3 else 4), draw(1, 3)
    strides, dilation = draw(1, 3), (1,) * rank
    if data.draw(st.booleans()):
        strides, dilation = dilation, strides
    if padding == "valid" and not transposed:
        sizes = tuple(
            max(n, (k - 1) * d + 1) for n, k, d in zip(sizes, kernel, dilation, strict=True)
        )
    return sizes, kernel, strides, dilation


RANKS = st.sampled_from([1, 2, 2, 3])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), rank=RANKS, groups=st.sampled_from([1, 1, 2]), seed=st.integers(0, 99))
def test_convolution(data, rank, groups, seed):
    padding = data.draw(st.sampled_from(["valid", "same"] + ["causal"] * (rank == 1)))
    sizes, kernel, strides, dilation = drawn(data, rank, padding)
    channels = groups * data.draw(st.sampled_from([1, 2, 8]))
    layer = getattr(layers, f"Conv{rank}D")(
        2 * groups, kernel, strides, padding, None, dilation, groups, dtype="float64"
    )
    x = numbers(2, *sizes, channels, seed=seed)
    layer.build(x.shape)
    w = layer.kernel.value
    b = numbers(2 * groups, seed=seed + 1)
    layer.bias.assign(b)
    y, dx, dw, db = run(layer, x)
    dy = np.arange(1, y.size + 1).reshape(y.shape) / y.size
    expected = np.zeros(y.shape) + b
    expected_dx, expected_dw = np.zeros(x.shape), np.zeros(w.shape)
    each = channels // groups
    for p, k, i in products(sizes, kernel, strides, dilation, padding):
        for g in range(groups):
            seen, filters = slice(g * each, g * each + each), slice(2 * g, 2 * g + 2)
            expected[:, *p, filters] += x[:, *i, seen] @ w[*k][:, filters]
            expected_dx[:, *i, seen] += dy[:, *p, filters] @ w[*k][:, filters].T
            expected_dw[*k][:, filters] += x[:, *i, seen].T @ dy[:, *p, filters]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, atol=1e-12)
    np.testing.assert_allclose(dw, expected_dw, atol=1e-12)
    np.testing.assert_allclose(db, dy.reshape(-1, 2 * groups).sum(axis=0), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rank=RANKS, padding=st.sampled_from(["valid", "same"]))
def test_transposed(data, rank, padding):
    """A transposed convolution is the transpose of the map that a convolution is."""
    sizes, kernel, strides, dilation = drawn(data, rank, padding, transposed=True)
    layer = getattr(layers, f"Conv{rank}DTranspose")(
        3, kernel, strides, padding, None, None, dilation, use_bias=False, dtype="float64"
    )
    x = numbers(2, *sizes, 2)
    y, dx, dw = run(layer, x)
    forth = getattr(layers, f"Conv{rank}D")(
        2, kernel, strides, padding, None, dilation, use_bias=False, dtype="float64"
    )
    forth.build(y.shape)
    forth.kernel.assign(layer.kernel.value)
    ctx = Context(dtype="float64")
    assert forth.forward(np.zeros(y.shape), ctx).shape == x.shape
    np.testing.assert_allclose(forth.backward(x.copy(), ctx), y, atol=1e-12)
    dy = np.arange(1, y.size + 1).reshape(y.shape) / y.size
    np.testing.assert_allclose(forth.forward(dy, ctx), dx, atol=1e-12)
    forth.backward(x.copy(), ctx)
    np.testing.assert_allclose(forth.kernel.grad, dw, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rank=st.sampled_from([1, 2]), padding=st.sampled_from(["valid", "same"]))
def test_depthwise_is_a_convolution_in_groups(data, rank, padding):
    sizes, kernel, strides, dilation = drawn(data, rank, padding)
    depthwise = getattr(layers, f"DepthwiseConv{rank}D")(
        kernel, strides, padding, 2, None, dilation, dtype="float64"
    )
    groups = getattr(layers, f"Conv{rank}D")(
        6, kernel, strides, padding, None, dilation, groups=3, dtype="float64"
    )
    x = numbers(2, *sizes, 3)
    depthwise.build(x.shape)
    groups.build(x.shape)
    groups.kernel.assign(depthwise.kernel.value.reshape(groups.kernel.shape))
    for found, expected in zip(run(depthwise, x), run(groups, x), strict=True):
        np.testing.assert_allclose(found.ravel(), expected.ravel(), atol=1e-12)


def test_separable_is_two_layers():
    x = numbers(3, 7, 6, 4)
    both = layers.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2, dtype="float64")
    two = [
        layers.DepthwiseConv2D(3, 2, "same", 2, use_bias=False, dtype="float64"),
        layers.Conv2D(5, 1, dtype="float64"),
    ]
    model = Sequential([layers.Input(x.shape[1:], dtype="float64"), *two])
    both.build(x.shape)
    model.set_weights(both.get_weights())
    for found, expected in zip(run(both, x), run(model, x), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


# --- large batches, one sample, and memory

MANY = [
    layers.Conv2D(4, 3, padding="same"),
    layers.Conv2D(6, 3, groups=2, activation="relu"),
    layers.Conv2D(4, 1),
    layers.Conv2DTranspose(4, 3, 2),
    layers.DepthwiseConv2D(3, depth_multiplier=2),
    layers.SeparableConv2D(5, 3),
]


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_rows_are_folded_as_elements_are(rank, width, padding, monkeypatch):
    sizes, kernel = (5, 4, 20)[-rank:], (2, 2, width)[-rank:]
    strides, dilation = (2, 1, 1)[-rank:], (1, 2, 1)[-rank:]
    w = windows.windows(sizes, kernel, strides, dilation, padding)
    dy, kernels = numbers(5, *w.outputs, 3), numbers(1, prod(kernel), 3, 16, seed=1)
    assert folding._glides(kernels, w)
    found, expected = np.full((2, 5, *sizes, 16), np.nan)
    ctx = Context(dtype="float64")
    ctx.buffer("rows", (400, 3)).fill(np.nan)
    monkeypatch.setattr(folding, "SPREAD", 5000)
    folding.fold_product(dy, kernels, found, w, ctx)
    monkeypatch.setattr(folding, "_glides", lambda *_: False)
    folding.fold_product(dy, kernels, expected, w, ctx)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("layer", MANY, ids=lambda layer: layer.name)
@pytest.mark.parametrize("channels", [2, 20])
def test_batches_in_parts(layer, channels, monkeypatch):
    x = numbers(7, 6, 5, channels).astype("f")
    layer.forget_build()
    whole = run(layer, x)
    for name in ("MOST", "PART", "SPREAD", "CACHED"):
        for module in (windows, folding, convolving):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, 3000)
    for found, expected in zip(run(layer, x), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", MANY, ids=lambda layer: layer.name)
def test_no_samples_have_no_gradient(layer):
    layer.forget_build()
    y, dx, *gradients = run(layer, np.zeros((0, 6, 5, 2), "f"))
    assert len(y) == len(dx) == 0
    assert y.shape[1:] == layer.compute_output_shape((None, 6, 5, 2))[1:]
    assert all((g == 0).all() for g in gradients)


def test_backward_twice():
    """The windows that forward laid out are there as long as its context."""
    layer = layers.Conv2D(4, 3)
    x = numbers(2, 6, 6, 8).astype("f")
    layer.build(x.shape)
    ctx = Context()
    dy = np.ones_like(layer.forward(x, ctx))
    first = layer.backward(dy.copy(), ctx).copy(), layer.kernel.grad.copy()
    second = layer.backward(dy.copy(), ctx), layer.kernel.grad
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_layer_has_no_dx():
    for layer in MANY:
        layer.forget_build()
        x = numbers(2, 6, 5, 2).astype("f")
        layer.ensure_built(x.shape)
        ctx = Context()
        ctx.needs_dx = False
        y = layer.forward(x, ctx)
        assert layer.backward(np.ones_like(y), ctx) is None
        assert any(w.grad.any() for w in layer.weights)


def test_a_causal_output_sees_nothing_later():
    layer = layers.Conv1D(3, 3, padding="causal", dilation_rate=2)
    x = numbers(1, 9, 2).astype("f")
    y = layer(x)
    x[:, 5:] += 1
    later = layer(x)
    np.testing.assert_array_equal(y[:, :5], later[:, :5])
    assert (y[:, 5:] != later[:, 5:]).all()


def test_the_global_data_format():
    before = config.image_data_format()
    try:
        config.set_image_data_format("channels_first")
        layer = layers.Conv2D(4, 3)
    finally:
        config.set_image_data_format(before)
    assert layer.data_format == "channels_first"
    assert layer(np.zeros((2, 3, 8, 7))).shape == (2, 4, 6, 5)


def test_shapes_that_are_not_known():
    for layer, sizes in (
        (layers.Conv2D(4, 3), (None, None)),
        (layers.Conv2DTranspose(4, 3, 2), (None, None)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (None, None)),
    ):
        x = Input((None, None, 2))
        assert layer(x).shape == (None, *sizes, 4)
        assert layer(np.zeros((1, 9, 7, 2))).shape[1:3] != layer(np.zeros((1, 8, 5, 2))).shape[1:3]


# --- errors

BAD = [
    (lambda: layers.Conv2D(0, 3), "positive whole number for `filters`.*filters=0"),
    (lambda: layers.Conv2D(4, (3, 0)), r"for `kernel_size`. Received: kernel_size=\(3, 0\)"),
    (lambda: layers.Conv2D(4, 3, padding="full"), r"\('valid', 'same'\).*padding='full'"),
    (lambda: layers.Conv1D(4, 3, padding="full"), r"'causal'\).*padding='full'"),
    (lambda: layers.Conv2D(4, 3, 2, dilation_rate=2), r"strides > 1 only with dilation_rate=1"),
    (lambda: layers.Conv2D(4, 3, groups=3), "multiple of `groups`.*filters=4, groups=3"),
    (lambda: layers.Conv2D(4, 3, lora_rank=2), "does not support lora_rank"),
    (lambda: layers.Conv2DTranspose(4, 3, output_padding=1), "less than `strides`"),
    (lambda: layers.Conv2D(4, 3, kernel=3), "Unrecognized keyword arguments passed to Conv2D"),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier=0"),
    (lambda: layers.Conv2D(4, 5)(np.zeros((1, 4, 9, 1))), r"\(5, 5\).*an input of \(4, 9\)"),
    (lambda: layers.Conv2D(4, 3)(np.zeros((4, 9, 1))), r"rank 4, \(N, H, W, C\)"),
    (lambda: layers.Conv2D(4, 3)(Input((9, 9, None))), "fixed number of channels, in axis -1"),
    (lambda: layers.Conv2D(4, 3, groups=4)(np.zeros((1, 9, 9, 6))), "multiple of groups=4"),
    (
        lambda: layers.Conv2DTranspose(4, 4, 2, "same", 0)(np.zeros((1, 5, 5, 1))),
        "leads back to its input. Received: an input of 5, kernel_size=4.*an output of 8",
    ),
    (lambda: ops.conv(np.zeros((1, 9, 2)), np.zeros((3, 3, 4))), "for the 2 channels"),
    (lambda: ops.conv(np.zeros((9, 2)), np.zeros((2, 4))), r"one of \(3, 4, 5\)"),
    (lambda: ops.conv(np.zeros((1, 9, 2)), np.zeros((3, 2, 4)), 0), "from 1 up.*strides=0"),
    (lambda: ops.conv(np.zeros((1, 9, 2)), np.zeros((3, 2, 4)), padding="causal"), "'causal'"),
    (lambda: ops.conv(np.zeros((1, 9, 2)), np.zeros((3, 2, 4)), 2, dilation_rate=2), "strides > 1"),
    (lambda: ops.depthwise_conv(np.zeros((1, 2, 3, 4, 2)), np.zeros((1, 1, 1, 2, 1))), "rank"),
    (
        lambda: ops.separable_conv(np.zeros((1, 9, 2)), np.zeros((3, 2, 1)), np.zeros((2, 4))),
        r"pointwise kernel of shape \(1, 'C D', 'F'\) with C D = 2. Received: \(2, 4\)",
    ),
    (lambda: ops.max_pool(np.zeros((3, 2)), 2), "rank 3, 4 or 5"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=range(len(BAD)))
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_other_channels_than_it_was_built_for():
    layer = layers.Conv2D(4, 3)
    layer(np.zeros((1, 5, 5, 2)))
    with pytest.raises(ValueError, match=r"channels, 2, in axis -1. Received: shape \(1, 5, 5, 3"):
        layer(np.zeros((1, 5, 5, 3)))


def test_an_input_that_is_too_small_leaves_the_layer_unbuilt():
    layer = layers.Conv2D(4, 3)
    with pytest.raises(ValueError, match="as large as its kernel"):
        layer(np.zeros((1, 2, 2, 1)))
    assert not layer.built
    assert layer.weights == []
