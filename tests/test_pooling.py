"""Pooling without TensorFlow: against windows looked at one by one, Keras's numbers, and errors."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Context, Input, Sequential, config
from scratchnn.layers import Dense, Flatten, sliding
from scratchnn.layers.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from scratchnn.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
)
from scratchnn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)


def run(layer, x, mask=None, dy=None, training=False):
    """Return (y, dx); dy is 1/n, 2/n, ... unless given."""
    layer.ensure_built(x.shape)
    ctx = Context(training, x.dtype)
    ctx.in_mask = mask
    y = layer.forward(x, ctx)
    if dy is None:
        dy = np.arange(1, y.size + 1).reshape(y.shape) / y.size
    return y.copy(), layer.backward(dy.astype(y.dtype), ctx)


def ties(*shape, seed=0):
    return np.random.default_rng(seed).integers(-1, 2, shape).astype("f")


# --- one window after the other


def windows(length, size, stride, padding):
    """Return the (start, stop) of each window, in the input, along one axis."""
    if padding == "valid":
        starts = range(0, length - size + 1, stride)
    else:
        outputs = -(-length // stride)
        before = max((outputs - 1) * stride + size - length, 0) // 2
        starts = range(-before, outputs * stride - before, stride)
    return [(max(start, 0), min(start + size, length)) for start in starts]


def one_by_one(x, axes, dy=None, shared=False):
    """Return (max, mean, dx of max, dx of mean), given the windows along each spatial axis."""
    shape = (len(x), *map(len, axes), x.shape[-1])
    largest, mean = np.empty(shape), np.empty(shape)
    d_largest, d_mean = np.zeros(x.shape), np.zeros(x.shape)
    dy = np.zeros(shape) if dy is None else dy
    for n, c in product(range(len(x)), range(x.shape[-1])):
        for where in product(*(range(len(axis)) for axis in axes)):
            spans = (axes[i][o] for i, o in enumerate(where))
            window = (n, *(slice(*span) for span in spans), c)
            seen, at = x[window], (n, *where, c)
            largest[at], mean[at] = seen.max(), seen.mean()
            if shared:
                d_largest[window] += dy[at] * (seen == seen.max())
            else:
                d_largest[window][np.unravel_index(seen.argmax(), seen.shape)] += dy[at]
            d_mean[window] += dy[at] / seen.size
    return largest, mean, d_largest, d_mean


POOLS = {
    1: (MaxPooling1D, AveragePooling1D),
    2: (MaxPooling2D, AveragePooling2D),
    3: (MaxPooling3D, AveragePooling3D),
}


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(), rank=st.sampled_from([1, 2, 2, 3]), padding=st.sampled_from(["valid", "same"])
)
def test_windows(data, rank, padding):
    draw = lambda low, high: data.draw(  # noqa: E731
        st.lists(st.integers(low, high), min_size=rank, max_size=rank)
    )
    sizes, pool, strides = draw(1, 6), draw(1, 3), draw(1, 3)
    if padding == "valid":
        pool = [min(size, n) for size, n in zip(pool, sizes, strict=True)]
    channels = data.draw(st.sampled_from([2, 20]))
    x = ties(2, *sizes, channels, seed=data.draw(st.integers(0, 99)))
    axes = [windows(*of, padding) for of in zip(sizes, pool, strides, strict=True)]
    dy = np.random.default_rng(1).normal(size=(2, *map(len, axes), channels))
    largest, mean, d_largest, d_mean = one_by_one(x, axes, dy, shared=rank == 3)
    for cls, y, dx in zip(POOLS[rank], (largest, mean), (d_largest, d_mean), strict=True):
        training = data.draw(st.booleans())
        found, gradient = run(cls(pool, strides, padding), x, dy=dy, training=training)
        np.testing.assert_allclose(found, y, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(gradient, dx, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("channels", [1, 3, 40, 300])
@pytest.mark.parametrize("sizes", [(6, 8), (7, 5), (2, 3)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_pairs_however_long_the_rows(sizes, channels, padding, training):
    x = ties(3, *sizes, channels)
    axes = [windows(n, 2, 2, padding) for n in sizes]
    dy = ties(3, *map(len, axes), channels, seed=1)
    largest, _, dx, _ = one_by_one(x, axes, dy)
    found, gradient = run(MaxPooling2D(padding=padding), x, dy=dy, training=training)
    np.testing.assert_array_equal(found, largest)
    np.testing.assert_array_equal(gradient, dx)


@pytest.mark.parametrize("channels", [3, 20])
def test_batches_in_parts(channels, monkeypatch):
    x = ties(7, 6, 6, channels)
    layers = (MaxPooling2D(), AveragePooling2D(3, 2, "same"), AdaptiveMaxPooling2D(4))
    whole = [run(layer, x) for layer in layers]
    monkeypatch.setattr(sliding, "PART", 84 * channels)
    assert len(sliding.parts(x)) == 4
    for layer, (y, dx) in zip(layers, whole, strict=True):
        for found, expected in zip(run(layer, x), (y, dx), strict=True):
            np.testing.assert_array_equal(found, expected)


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 12), outputs=st.integers(1, 15), seed=st.integers(0, 99))
def test_adaptive_windows(length, outputs, seed):
    x = ties(2, length, 3, seed=seed)
    axis = [(i * length // outputs, -(-(i + 1) * length // outputs)) for i in range(outputs)]
    dy = np.random.default_rng(1).normal(size=(2, outputs, 3))
    largest, mean, d_largest, d_mean = one_by_one(x, [axis], dy)
    layers = AdaptiveMaxPooling1D(outputs), AdaptiveAveragePooling1D(outputs)
    for layer, y, dx in zip(layers, (largest, mean), (d_largest, d_mean), strict=True):
        found, gradient = run(layer, x, dy=dy)
        np.testing.assert_allclose(found, y, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(gradient, dx, rtol=1e-5, atol=1e-5)


# --- Keras's numbers

X = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9]], "f").reshape(1, 3, 5, 1)
R = 1 / 3


@pytest.mark.parametrize(
    ("layer", "y", "dx"),
    [
        (
            MaxPooling2D(),
            [9, 6],
            [[0, 0, 0, 0, 0], [0.5, 0, 1, 0, 0], [0, 0, 0, 0, 0]],
        ),
        (
            MaxPooling2D(padding="same"),
            [9, 6, 5, 8, 9, 9],
            [[0, 0, 0, 0, 0.5], [R / 2, 0, R, 0, 0], [0, 2 * R, 2.5 * R, 0, 1]],
        ),
        (
            MaxPooling2D(3, 1, "same"),
            [9, 9, 6, 6, 5, *[9] * 10],
            [[0, 0, 0, 0, R], [2.6, 0, 7 / 15, 0, 0], [0, 0, 44 / 15, 0, 5 * R]],
        ),
        (
            AveragePooling2D(2, padding="same"),
            [3.75, 4, 4, 6.5, 8, 9],
            [[1 / 24, 1 / 24, 1 / 12, 1 / 12, 0.25]] * 2 + [[R, R, 5 / 12, 5 / 12, 1]],
        ),
        (
            AveragePooling2D(3, 2),
            [47 / 9, 49 / 9],
            [[1 / 18, 1 / 18, 1 / 6, 1 / 9, 1 / 9]] * 3,
        ),
        (
            AdaptiveAveragePooling2D((2, 3)),
            [3.75, 19 / 6, 3.5, 6, 37 / 6, 6],
            [
                [1 / 24, 7 / 72, 1 / 18, 13 / 72, 1 / 8],
                [5 / 24, 29 / 72, 7 / 36, 41 / 72, 3 / 8],
                [1 / 6, 11 / 36, 5 / 36, 7 / 18, 1 / 4],
            ],
        ),
        (
            AdaptiveMaxPooling2D((2, 3)),
            [9, 6, 5, 9, 9, 9],
            [[0, 0, 0, 0, 0], [2.5 * R, 0, R, 0.5, 0], [0, 0, 2.5 * R, 0, 1]],
        ),
        (GlobalMaxPooling2D(), [9], [[0, 0, 0, 0, 0], [R, 0, 0, 0, 0], [0, 0, R, 0, R]]),
        (GlobalAveragePooling2D(), [77 / 15], [[1 / 15] * 5] * 3),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_values(layer, y, dx):
    found, gradient = run(layer, X)
    np.testing.assert_allclose(found.ravel(), y, rtol=1e-6)
    np.testing.assert_allclose(gradient[0, ..., 0], dx, rtol=2e-6, atol=1e-7)


def test_ties_go_to_the_first_in_1d_and_2d_and_to_all_in_3d():
    flat, image, volume = (np.zeros((1, *(2,) * rank, 1), "f") for rank in (1, 2, 3))
    assert run(MaxPooling1D(), flat)[1].ravel().tolist() == [1, 0]
    assert run(MaxPooling2D(), image)[1].ravel().tolist() == [1, 0, 0, 0]
    assert run(MaxPooling3D(), volume)[1].ravel().tolist() == [1] * 8
    assert run(AdaptiveMaxPooling3D(1), volume)[1].ravel().tolist() == [1] * 8
    assert run(GlobalMaxPooling1D(), flat)[1].ravel().tolist() == [0.5, 0.5]
    # Two maxima on a diagonal: the first row wins; adaptive pooling looks at columns first.
    diagonal = np.array([[0, 1], [1, 0]], "f").reshape(1, 2, 2, 1)
    assert run(MaxPooling2D(), diagonal)[1].ravel().tolist() == [0, 1, 0, 0]
    assert run(AdaptiveMaxPooling2D(1), diagonal)[1].ravel().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_mask_leaves_steps_out_of_the_mean(data_format, keepdims):
    layer = GlobalAveragePooling1D(data_format, keepdims)
    x = np.array([[[1, 2], [3, 4], [5, 9]], [[1, 1], [2, 2], [4, 4]]], "f")
    mask = np.array([[1, 0, 1], [0, 0, 1]], bool)
    last = data_format == "channels_last"
    y, dx = run(layer, x if last else x.transpose(0, 2, 1), mask, dy=np.array([[2, 4], [6, 8]]))
    np.testing.assert_array_equal(y.reshape(2, 2), [[3, 5.5], [4, 4]])
    dx = dx if last else dx.transpose(0, 2, 1)
    np.testing.assert_array_equal(dx, [[[1, 2], [0, 0], [1, 2]], [[0, 0], [0, 0], [6, 8]]])
    assert y.shape == layer.compute_output_shape(x.shape if last else (2, 2, 3))
    assert layer.supports_masking
    assert layer.compute_mask(x, mask) is None


def test_masked_means_of_nothing_and_of_what_is_not_finite():
    x = np.array([[[1], [2]], [[np.inf], [3]], [[np.nan], [4]]], "f")
    mask = np.array([[0, 0], [0, 1], [0, 1]])  # integers will do
    y, dx = run(GlobalAveragePooling1D(), x, mask, dy=np.ones((3, 1)))
    np.testing.assert_array_equal(y, [[np.nan], [3], [4]])
    np.testing.assert_array_equal(dx, [[[0], [0]], [[0], [1]], [[0], [1]]])


def test_a_maximum_of_nan_is_nan():
    y, dx = run(GlobalMaxPooling1D(), np.array([[[np.nan], [1]]], "f"))
    assert np.isnan(y).all()
    assert np.isnan(dx).all()
    y, _ = run(MaxPooling1D(), np.array([[[np.nan], [1]]], "f"))
    assert np.isnan(y).all()


def test_integers():
    x = np.array([3, 200, 7, 1], "uint8").reshape(1, 4, 1)
    for layer in (MaxPooling1D(), MaxPooling1D(3, 1, "same"), AdaptiveMaxPooling1D(3)):
        y = layer(x)
        assert y.dtype == "uint8"
        np.testing.assert_array_equal(y, type(layer).from_config(layer.get_config())(x.astype("f")))
    assert GlobalMaxPooling1D()(x.astype("int8")).item() == 7
    assert AveragePooling1D(2)(x).numpy().ravel().tolist() == [101.5, 4]
    assert GlobalAveragePooling1D()(x).dtype == "float32"
    assert MaxPooling1D()(x.astype(bool)).dtype == bool


def test_negative_numbers_at_the_ends_of_same():
    x = -np.ones((1, 3, 3, 1), "f")
    np.testing.assert_array_equal(MaxPooling2D(3, 1, "same")(x), x)
    np.testing.assert_array_equal(AveragePooling2D(3, 1, "same")(x), x)


def test_inputs_in_any_memory_layout():
    x = ties(3, 4, 6, 2)
    strange = np.asfortranarray(x)
    for layer in (
        MaxPooling2D(),
        AveragePooling2D(2),
        GlobalMaxPooling2D(),
        AdaptiveMaxPooling2D(3),
    ):
        for found, expected in zip(run(layer, strange), run(layer, x), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_channels_first_by_default():
    config.set_image_data_format("channels_first")
    layer = MaxPooling2D()
    assert layer.data_format == "channels_first"
    assert layer.compute_output_shape((None, 3, 8, 6)) == (None, 3, 4, 3)
    assert layer(np.zeros((1, 3, 8, 6))).shape == (1, 3, 4, 3)


# --- shapes


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (MaxPooling2D(), (None, 7, 8, 3), (None, 3, 4, 3)),
        (MaxPooling2D(padding="same"), (None, 7, 8, 3), (None, 4, 4, 3)),
        (MaxPooling2D(2, 1), (None, None, 8, 3), (None, None, 7, 3)),
        (MaxPooling2D(9, padding="same"), (2, 7, 8, 3), (2, 1, 1, 3)),
        (MaxPooling1D(3, 2), (None, 8, None), (None, 3, None)),
        (AveragePooling3D((1, 2, 3)), (None, 4, 4, 7, 1), (None, 4, 2, 2, 1)),
        (AdaptiveAveragePooling2D((3, 5)), (None, None, 2, 1), (None, 3, 5, 1)),
        (GlobalMaxPooling2D(), (None, None, None, 5), (None, 5)),
        (GlobalAveragePooling3D(keepdims=True), (None, 4, None, 7, 2), (None, 1, 1, 1, 2)),
        (GlobalMaxPooling2D("channels_first"), (None, 5, None, 4), (None, 5)),
    ],
    ids=str,
)
def test_output_shapes(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected


def test_in_a_model():
    x = ties(8, 9, 9, 3)
    model = Sequential(
        [Input((9, 9, 3)), MaxPooling2D(), AveragePooling2D(3, 1, "same"), Flatten(), Dense(2)]
    )
    model.compile("sgd", "mse")
    assert model.layers[0].output_shape == (None, 4, 4, 3)
    history = model.fit(x, x[:, 0, 0, :2], epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


# --- errors


@pytest.mark.parametrize("value", [0, -1, 2.0, "2", None, (2,), (2, 2, 2), (2, 0), (2, 1.5)])
def test_windows_of_no_size(value):
    with pytest.raises(ValueError, match="positive whole number or 2 of them for `pool_size`"):
        MaxPooling2D(value)
    if value is not None:
        with pytest.raises(
            ValueError, match=r"AveragePooling2D .* for `strides`. Received: strides="
        ):
            AveragePooling2D(2, value)


def test_counts_of_numpy_and_lists_are_taken():
    assert MaxPooling2D(np.int64(2)).pool_size == (2, 2)
    assert MaxPooling2D([np.int64(2), 3], np.array([1, 2])).get_config()["strides"] == (1, 2)
    assert AdaptiveAveragePooling2D([np.int32(2), 3]).output_size == (2, 3)


def test_padding_of_another_name():
    assert MaxPooling2D(padding="SAME").get_config()["padding"] == "SAME"
    with pytest.raises(ValueError, match=r"expected padding to be 'valid' or 'same'. .*'causal'"):
        MaxPooling1D(padding="causal")


def test_data_format_of_another_name():
    for cls in (MaxPooling2D, GlobalMaxPooling2D):
        with pytest.raises(ValueError, match="data_format must be one of"):
            cls(data_format="last")


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (MaxPooling2D(), (2, 4, 4), r"rank 4, \(N, H, W, C\). Received: shape \(2, 4, 4\)"),
        (MaxPooling1D(), (2, 4, 4, 1), r"rank 3, \(N, T, C\)"),
        (AveragePooling3D(2), (2, 4), r"rank 5, \(N, Z, H, W, C\)"),
        (GlobalMaxPooling2D("channels_first"), (2, 4), r"rank 4, \(N, C, H, W\)"),
        (AdaptiveMaxPooling2D(2), (2, 4, 3), "rank 4"),
        (MaxPooling2D(3), (None, 8, 2, 1), r"as large as a window, pool_size=\(3, 3\). .*\(8, 2\)"),
        (AdaptiveMaxPooling1D(2), (None, 0, 1), "something to pool"),
        (GlobalMaxPooling1D(), (None, 0, 1), "something to pool"),
    ],
)
def test_inputs_that_do_not_fit(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.ensure_built(shape)


def test_output_sizes_of_another_form():
    with pytest.raises(TypeError, match="`output_size` to be a whole number, or a tuple of 2"):
        AdaptiveMaxPooling2D("2")
    for size in (0, (1, 2, 3), (1,)):
        with pytest.raises(
            ValueError, match="positive whole number or 2 of them for `output_size`"
        ):
            AdaptiveMaxPooling2D(size)
    with pytest.raises(
        ValueError, match="AdaptiveMaxPooling1D expected a positive whole number for"
    ):
        AdaptiveMaxPooling1D((1, 2))


def test_a_mask_of_another_shape():
    with pytest.raises(ValueError, match=r"a mask of shape \(2, 5\).*Received: a mask of shape"):
        GlobalAveragePooling1D()(np.ones((2, 5, 4)), mask=np.ones((2, 4), bool))
