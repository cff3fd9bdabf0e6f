"""Padding, cropping, upsampling, permuting, repeating against tf.keras.

What is moved is equal to the bit; sums and mixtures are within 5e-7 of the largest element, weights
and losses within 1e-5 after 20 steps.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from layer_twins import compare, numbers, same_training, ties

from scratchnn.layers import padding, reshaping, upsampling

OURS = {**vars(padding), **vars(upsampling), **vars(reshaping)}


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Return (ours, theirs)."""
    made = (cls(*args, **options, name="twin") for cls in (OURS[name], getattr(keras.layers, name)))
    return tuple(made)  # type: ignore[return-value]


def shape(rank: int, data_format: str | None = None) -> tuple[int, ...]:
    sizes = (4, 5, 6)[:rank]
    return (2, 3, *sizes) if data_format == "channels_first" else (2, *sizes, 3)


BORDERS: dict[int, list[Any]] = {
    1: [0, 1, (2, 1), [0, 3]],
    2: [0, 1, (1, 2), ((1, 2), (0, 1)), [[0, 1], 2]],
    3: [0, 1, (0, 1, 2), ((1, 0), (0, 2), (1, 1)), [1, [0, 2], 1]],
}


@pytest.mark.parametrize("data_format", [None, "channels_first"])
@pytest.mark.parametrize(("rank", "border"), [(r, b) for r in BORDERS for b in BORDERS[r]], ids=str)
def test_borders(rank, border, data_format):
    x = numbers(*shape(rank, data_format))
    for kind in ("ZeroPadding", "Cropping"):
        options = {} if (kind, rank) == ("Cropping", 1) else {"data_format": data_format}
        if not options and data_format:
            continue
        ours, theirs = pair(f"{kind}{rank}D", border, **options)
        np.testing.assert_array_equal(compare(ours, theirs, x), theirs(x))


@pytest.mark.parametrize(
    "name", [f"{kind}{rank}D" for kind in ("ZeroPadding", "Cropping") for rank in (1, 2, 3)]
)
def test_borders_by_default_and_of_integers(name):
    x = np.arange(np.prod(shape(int(name[-2])))).reshape(shape(int(name[-2]))).astype("int32")
    compare(*pair(name), x)
    compare(*pair(name), x.astype("float32"))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_upsampling_1d(size):
    compare(*pair("UpSampling1D", size), numbers(2, 4, 3))


@pytest.mark.parametrize("data_format", [None, "channels_first"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "Bilinear"])
@pytest.mark.parametrize("size", [1, 2, 3, (1, 4), [3, 2], (5, 1)], ids=str)
def test_upsampling_2d(size, interpolation, data_format):
    compare(
        *pair("UpSampling2D", size, data_format, interpolation), numbers(*shape(2, data_format))
    )


@pytest.mark.parametrize("sizes", [(1, 1), (1, 4), (3, 1)])
def test_bilinear_of_a_line_and_a_point(sizes):
    compare(*pair("UpSampling2D", 3, interpolation="bilinear"), numbers(2, *sizes, 3))


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_upsampling_of_integers(dtype, size):
    x = np.random.default_rng(0).integers(0, 200, (2, 4, 5, 3)).astype(dtype)
    compare(*pair("UpSampling2D", size), x)
    compare(*pair("UpSampling1D", size), x[0])
    ours, theirs = pair("UpSampling2D", size, interpolation="bilinear")
    difference = ours(x).astype(int) - np.asarray(theirs(x)).astype(int)
    assert np.abs(difference).max() <= 1  # halves, which either side's rounding decides
    assert np.mean(difference != 0) < 0.02


@pytest.mark.parametrize("data_format", [None, "channels_first"])
@pytest.mark.parametrize("size", [1, 2, (1, 3, 2)], ids=str)
def test_upsampling_3d(size, data_format):
    compare(*pair("UpSampling3D", size, data_format), numbers(*shape(3, data_format)))


def test_defaults():
    for rank in (1, 2, 3):
        compare(*pair(f"UpSampling{rank}D"), numbers(*shape(rank)))


@pytest.mark.parametrize(
    "dims", [(1, 2), (2, 1), (3, 1, 2), [2, 3, 1], (4, 2, 3, 1), (1,)], ids=str
)
def test_permute(dims):
    x = numbers(2, *(3, 4, 5, 6)[: len(dims)])
    compare(*pair("Permute", dims), x)
    compare(*pair("Permute", dims), x.astype("int32"))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_repeat_vector(n):
    compare(*pair("RepeatVector", n), numbers(3, 4))
    compare(*pair("RepeatVector", n), ties(3, 4).astype("int32"))


@pytest.mark.parametrize("target", [(6, 2), (-1, 3), (12,), [2, -1, 2], (1, 12)], ids=str)
def test_reshape(target):
    compare(*pair("Reshape", target), numbers(2, 3, 4))
    compare(*pair("Reshape", target), ties(2, 3, 4).astype("int32"))


TRAINED: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = [
    ("ZeroPadding2D", (((1, 0), (0, 2)),), (8, 4, 5, 3)),
    ("Cropping2D", (1,), (8, 4, 5, 3)),
    ("UpSampling2D", (2,), (8, 3, 4, 3)),
    ("UpSampling2D", ((2, 3), None, "bilinear"), (8, 3, 4, 3)),
    ("Permute", ((2, 1),), (8, 5, 3)),
    ("RepeatVector", (3,), (8, 4)),
]


@pytest.mark.parametrize(("name", "args", "of"), TRAINED, ids=str)
def test_training(name, args, of):
    def layers(k: Any) -> list[Any]:
        cls = getattr(k.layers, name) if k is keras else OURS[name]
        return [cls(*args)]

    same_training(layers, of)


def test_a_small_autoencoder_of_all_of_them():
    def layers(k: Any) -> list[Any]:
        find = keras.layers.__dict__ if k is keras else OURS
        return [
            find["ZeroPadding2D"](1),
            find["UpSampling2D"]((2, 1)),
            find["Cropping2D"](((1, 2), (0, 1))),
            find["Permute"]((3, 1, 2)),
            find["Reshape"]((-1, 3)),
        ]

    same_training(layers, (8, 4, 4, 3))
