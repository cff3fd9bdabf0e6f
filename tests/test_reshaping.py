"""Padding, cropping, upsampling and reshaping without TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Context, Input, Sequential, config
from scratchnn.layers import Dense
from scratchnn.layers.padding import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from scratchnn.layers.reshaping import Permute, RepeatVector, Reshape
from scratchnn.layers.upsampling import UpSampling1D, UpSampling2D, UpSampling3D


def numbers(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f")


def run(layer, x):
    """Return (y, dx) for a dy of 1/n, 2/n, ..."""
    layer.ensure_built(x.shape)
    ctx = Context(dtype=x.dtype)
    y = layer.forward(x, ctx)
    dy = np.arange(1, y.size + 1).reshape(y.shape) / y.size
    return y.copy(), layer.backward(dy.astype(y.dtype), ctx)


# --- against NumPy's own functions

RANKS = {
    1: (ZeroPadding1D, Cropping1D),
    2: (ZeroPadding2D, Cropping2D),
    3: (ZeroPadding3D, Cropping3D),
}
ends = st.integers(0, 3)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rank=st.sampled_from([1, 2, 3]))
def test_padding_is_numpys_and_cropping_undoes_it(data, rank):
    pairs = data.draw(st.lists(st.tuples(ends, ends), min_size=rank, max_size=rank))
    first = data.draw(st.booleans()) and rank > 1  # Cropping1D knows one data format only
    options = {"data_format": "channels_first"} if first else {}
    around = [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)]
    x = numbers(2, *(3, 4, 2)[:rank], 3)
    argument = pairs[0] if rank == 1 else tuple(pairs)
    padding, cropping = (cls(argument, **options) for cls in RANKS[rank])
    padded, dx = run(padding, x)
    np.testing.assert_array_equal(padded, np.pad(x, around))
    assert padding.compute_output_shape(x.shape) == padded.shape
    cropped, d_padded = run(cropping, padded)
    np.testing.assert_array_equal(cropped, x)
    assert cropping.compute_output_shape(padded.shape) == x.shape
    dy = np.arange(1, padded.size + 1, dtype="f").reshape(padded.shape) / padded.size
    np.testing.assert_allclose(dx, run(type(cropping)(argument, **options), dy)[0], rtol=1e-6)
    dy = np.arange(1, x.size + 1, dtype="f").reshape(x.shape) / x.size
    np.testing.assert_allclose(d_padded, np.pad(dy, around), rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "axes"),
    [
        (UpSampling1D(3), {1: 3}),
        (UpSampling2D(), {1: 2, 2: 2}),
        (UpSampling2D((1, 4)), {2: 4}),
        (UpSampling2D((3, 2), "channels_first"), {2: 3, 3: 2}),
        (UpSampling3D(), {1: 2, 2: 2, 3: 2}),
        (UpSampling3D((3, 1, 2)), {1: 3, 3: 2}),
    ],
)
def test_upsampling_is_numpys_repeat(layer, axes):
    x = numbers(2, *(3, 4, 2)[: layer.rank], 3)
    expected = x
    for axis, factor in axes.items():
        expected = np.repeat(expected, factor, axis)
    y, dx = run(layer, x)
    np.testing.assert_array_equal(y, expected)
    assert layer.compute_output_shape(x.shape) == y.shape
    dy = np.arange(1, y.size + 1).reshape(y.shape) / y.size
    for axis, factor in axes.items():
        starts = np.arange(0, dy.shape[axis], factor)
        dy = np.add.reduceat(dy, starts, axis)
    np.testing.assert_allclose(dx, dy, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(order=st.permutations([1, 2, 3]))
def test_permute_is_numpys_transpose(order):
    x = numbers(2, 3, 4, 5)
    y, dx = run(Permute(order), x)
    np.testing.assert_array_equal(y, x.transpose(0, *order))
    dy = np.arange(1, y.size + 1, dtype="f").reshape(y.shape) / y.size
    np.testing.assert_allclose(dx.transpose(0, *order), dy, rtol=1e-6)


def test_repeat_vector():
    x = numbers(2, 3)
    y, dx = run(RepeatVector(4), x)
    np.testing.assert_array_equal(y, np.stack([x] * 4, 1))
    np.testing.assert_allclose(dx, (np.arange(1, 25).reshape(2, 4, 3) / 24).sum(1), rtol=1e-6)


# --- bilinear


def test_bilinear_values():
    """Keras's numbers."""
    x = np.array([0, 4, 8, 2], "f").reshape(1, 2, 2, 1)
    y, dx = run(UpSampling2D((2, 3), interpolation="bilinear"), x)
    rows = [
        [0, 0, 4 / 3, 8 / 3, 4, 4],
        [2, 2, 2.5, 3, 3.5, 3.5],
        [6, 6, 29 / 6, 11 / 3, 2.5, 2.5],
        [8, 8, 6, 4, 2, 2],
    ]
    np.testing.assert_allclose(y[0, :, :, 0], rows, rtol=1e-6)
    np.testing.assert_allclose(dx.ravel(), [1.465278, 2.159722, 4.090278, 4.784722], rtol=1e-6)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
def test_bilinear_is_numpys_interpolation(factor):
    x = numbers(1, 5, 1, 1)
    places = (np.arange(5 * factor) + 0.5) / factor - 0.5
    expected = np.interp(places, np.arange(5), x.ravel())  # level past its ends
    down = UpSampling2D((factor, 1), interpolation="bilinear")(x)
    across = UpSampling2D((1, factor), interpolation="bilinear")(x.transpose(0, 2, 1, 3))
    np.testing.assert_allclose(down.ravel(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(down.ravel(), across.ravel())


def test_bilinear_rounds_integers():
    x = np.array([0, 1, 2, 3], "uint8").reshape(1, 1, 4, 1)
    y = UpSampling2D((1, 2), interpolation="bilinear")(x)
    assert y.dtype == "uint8"
    assert y.ravel().tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


# --- dtypes, formats, shapes


@pytest.mark.parametrize(
    "layer",
    [
        ZeroPadding2D(1),
        Cropping2D(1),
        UpSampling2D(2),
        Permute((2, 1, 3)),
        Reshape((-1,)),
    ],
)
def test_integers_stay_integers_and_have_no_gradient(layer):
    x = np.arange(48, dtype="int32").reshape(2, 4, 3, 2)
    ctx = Context()
    y = layer.forward(x, ctx)
    assert y.dtype == "int32"
    np.testing.assert_array_equal(y, layer(x.astype("f")))
    assert layer.backward(np.ones_like(y), ctx) is None


def test_formats_follow_the_config_where_there_is_a_choice():
    config.set_image_data_format("channels_first")
    assert ZeroPadding1D(1).compute_output_shape((None, 2, 5)) == (None, 2, 7)
    assert UpSampling2D().compute_output_shape((None, 2, 5, 4)) == (None, 2, 10, 8)
    assert Cropping1D(1).compute_output_shape((None, 5, 2)) == (None, 3, 2)
    assert UpSampling1D().compute_output_shape((None, 5, 2)) == (None, 10, 2)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (ZeroPadding2D((1, 2)), (None, None, 5, 3), (None, None, 9, 3)),
        (Cropping2D(((1, 0), (2, 1))), (None, 5, None, 3), (None, 4, None, 3)),
        (Cropping3D(), (2, 4, 5, 6, None), (2, 2, 3, 4, None)),
        (UpSampling1D(), (None, None, 3), (None, None, 3)),
        (UpSampling3D(2, "channels_first"), (None, 1, 2, None, 4), (None, 1, 4, None, 8)),
        (Permute((3, 1, 2)), (None, 4, None, 3), (None, 3, 4, None)),
        (RepeatVector(4), (None, None), (None, 4, None)),
    ],
)
def test_output_shapes(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected


def test_configs():
    assert ZeroPadding1D(2).get_config()["padding"] == (2, 2)
    assert ZeroPadding2D((1, 2)).get_config()["padding"] == ((1, 1), (2, 2))
    assert Cropping1D().get_config()["cropping"] == (1, 1)
    assert "data_format" not in Cropping1D().get_config()
    assert Cropping2D().get_config()["cropping"] == ((0, 0), (0, 0))
    assert Cropping3D(2).get_config()["cropping"] == ((2, 2),) * 3
    assert UpSampling1D(3).get_config()["size"] == 3
    assert UpSampling2D(3, interpolation="Bilinear").get_config()["interpolation"] == "bilinear"
    assert Permute([2, 1]).get_config()["dims"] == (2, 1)
    assert RepeatVector(np.int64(3)).get_config()["n"] == 3
    for layer in (ZeroPadding3D((0, (1, 2), 3)), UpSampling3D((1, 2, 3)), Cropping2D([[1, 2], 3])):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_in_a_model():
    layers = [
        ZeroPadding2D(1),
        UpSampling2D((2, 1), interpolation="bilinear"),
        Cropping2D(((1, 2), (0, 1))),
        Permute((3, 1, 2)),
        Reshape((-1,)),
        Dense(4),
        RepeatVector(3),
    ]
    model = Sequential([Input((4, 4, 2)), *layers])
    assert model.output_shape == (None, 3, 4)
    model.compile("sgd", "mse")
    history = model.fit(numbers(8, 4, 4, 2), numbers(8, 3, 4), epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


# --- errors


@pytest.mark.parametrize(
    "value", [-1, 1.5, "a", (1,), (1, 2, 3), ((1, 2, 3), 1), ((1, -1), 1), None]
)
def test_borders_of_another_form(value):
    with pytest.raises(
        ValueError, match=r"ZeroPadding2D expected .*`padding`.* Received: padding="
    ):
        ZeroPadding2D(value)
    with pytest.raises(ValueError, match=r"Cropping2D expected .*`cropping`.* Received: cropping="):
        Cropping2D(value)


def test_borders_in_1d_are_two_numbers():
    for value in (-1, (1, 2, 3), "ab", ((1, 2),)):
        with pytest.raises(ValueError, match=r"none below 0. Received: cropping="):
            Cropping1D(value)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (ZeroPadding2D(), (2, 3, 4), r"rank 4, \(N, H, W, C\). Received: shape \(2, 3, 4\)"),
        (ZeroPadding1D(1, "channels_first"), (2, 3), r"rank 3, \(N, C, T\)"),
        (Cropping2D(2), (None, 4, 5, 1), r"cropping=\(\(2, 2\), \(2, 2\)\). Received: .* \(4, 5\)"),
        (Cropping1D((3, 2)), (None, 5, 1), r"larger than what it cuts off, cropping=\(3, 2\)"),
        (UpSampling3D(), (2, 3, 4), "rank 5"),
        (Permute((2, 1)), (2, 3), r"rank 3, the batch axis and those of dims=\(2, 1\)"),
        (RepeatVector(2), (2, 3, 4), r"rank 2, \(N, D\)"),
    ],
)
def test_inputs_that_do_not_fit(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.ensure_built(shape)


def test_sizes_of_another_kind():
    for cls, argument in ((UpSampling1D, "size"), (RepeatVector, "n")):
        for value in (2.0, "2", None, True):
            with pytest.raises(TypeError, match=f"a whole number for `{argument}`. Received: "):
                cls(value)
        for value in (0, -1):
            with pytest.raises(ValueError, match=f"a positive whole number for `{argument}`"):
                cls(value)
    with pytest.raises(ValueError, match="positive whole number or 2 of them for `size`"):
        UpSampling2D((2, 0))


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3", "area", "linear", None])
def test_interpolations_that_there_are_not(interpolation):
    with pytest.raises(ValueError, match=r"'nearest' or 'bilinear', .* Received: interpolation="):
        UpSampling2D(interpolation=interpolation)


@pytest.mark.parametrize("dims", [(1, 3), (0, 1), (1, 1), (2,)])
def test_dims_that_are_no_permutation(dims):
    with pytest.raises(ValueError, match=r"expected the axes 1, 2, ... of a sample in some order"):
        Permute(dims)
