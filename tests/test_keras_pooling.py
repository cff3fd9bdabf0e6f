"""Pooling against tf.keras: values, gradients, ties, masks, configs, 20 steps of training.

Maxima are equal to the bit. What is added up, and gradients, are within 5e-7 of the largest
element; weights and losses within 1e-5 after 20 steps.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from layer_twins import ONE_PASS, compare, keras_passes, numbers, passes, same_training, ties
from twins import close

from scratchnn.layers import adaptive_pooling, global_pooling, pooling

OURS = {**vars(pooling), **vars(global_pooling), **vars(adaptive_pooling)}


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Return (ours, theirs)."""
    made = (cls(*args, **options, name="twin") for cls in (OURS[name], getattr(keras.layers, name)))
    return tuple(made)  # type: ignore[return-value]


def shape(
    rank: int, data_format: str | None = None, sizes=(7, 6, 5), channels=3
) -> tuple[int, ...]:
    sizes = sizes[:rank]
    return (2, channels, *sizes) if data_format == "channels_first" else (2, *sizes, channels)


WINDOWS: list[dict[str, Any]] = [
    {"pool_size": 2},
    {"pool_size": 2, "padding": "same"},
    {"pool_size": 3, "strides": 2},
    {"pool_size": 3, "strides": 2, "padding": "same"},
    {"pool_size": 3, "strides": 1, "padding": "same"},
    {"pool_size": 2, "strides": 3},
    {"pool_size": 4, "strides": 3, "padding": "same"},
    {"pool_size": 1, "strides": 2},
    {"pool_size": 1},
    {"pool_size": 9, "padding": "same"},
]
RANKS = (1, 2, 3)
KINDS = ("Max", "Average")
first_or_last = pytest.mark.parametrize("data_format", [None, "channels_first"])


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_windows(rank, kind, options):
    for data_format in (None, "channels_first"):
        ours, theirs = pair(f"{kind}Pooling{rank}D", **options, data_format=data_format)
        x = ties(*shape(rank, data_format))
        y = compare(ours, theirs, x)
        if kind == "Max":
            np.testing.assert_array_equal(y, theirs(x))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {"pool_size": (3, 2), "strides": (1, 2)},
        {"pool_size": [2, 3], "padding": "same"},
        {"pool_size": (1, 2)},
        {"pool_size": (2, 1), "strides": [1, 3], "padding": "same"},
    ],
    ids=str,
)
def test_uneven_windows(kind, options):
    compare(*pair(f"{kind}Pooling2D", **options), ties(2, 7, 8, 3))


@pytest.mark.parametrize("channels", [1, 16, 33, 600])
@pytest.mark.parametrize("sizes", [(8, 8), (7, 5)], ids=str)
def test_pairs_with_few_and_many_channels(channels, sizes):
    compare(*pair("MaxPooling2D"), ties(3, *sizes, channels))
    compare(*pair("AveragePooling2D", 2), numbers(3, *sizes, channels))


def test_zeros_of_a_relu_are_ties():
    x = np.maximum(numbers(4, 10, 10, 8), 0)
    compare(*pair("MaxPooling2D"), x)
    compare(*pair("MaxPooling2D", 3, 2, "same"), x)


@pytest.mark.parametrize("rank", [1, 2])  # TensorFlow has no kernel for volumes of integers
def test_max_pooling_keeps_integers(rank):
    x = np.random.default_rng(0).integers(-9, 9, shape(rank)).astype("int32")
    compare(*pair(f"MaxPooling{rank}D", 2, padding="same"), x)
    compare(*pair(f"GlobalMaxPooling{rank}D"), x)
    compare(*pair(f"AdaptiveMaxPooling{rank}D", 2), x)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keepdims", [False, True])
@first_or_last
def test_global(rank, kind, keepdims, data_format):
    options = {"keepdims": keepdims, "data_format": data_format}
    compare(*pair(f"Global{kind}Pooling{rank}D", **options), ties(*shape(rank, data_format)))


def test_global_average_of_integers():
    x = np.random.default_rng(0).integers(-9, 9, (2, 5, 3)).astype("int32")
    ours, theirs = pair("GlobalAveragePooling1D")
    close(passes(ours, x)[0], theirs(x).numpy(), 1e-6)


@pytest.mark.parametrize("keepdims", [False, True])
@first_or_last
def test_masked_average(keepdims, data_format):
    mask = np.array([[1, 1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]], bool)
    ours, theirs = pair("GlobalAveragePooling1D", data_format, keepdims)
    compare(ours, theirs, numbers(*shape(1, data_format)), mask)
    assert ours.compute_mask(None, mask) is theirs.compute_mask(None, mask) is None


def test_masked_average_of_nothing_and_of_what_is_not_finite():
    mask = np.array([[0, 0, 0], [1, 0, 1]], bool)
    x = numbers(2, 3, 2)
    x[1, 1] = np.inf, np.nan
    ours, theirs = pair("GlobalAveragePooling1D")
    y, dx = passes(ours, x, mask)
    expected, expected_dx = keras_passes(theirs, x, mask)
    np.testing.assert_allclose(y, expected, rtol=1e-6)  # NaN is equal to NaN
    assert np.isnan(y[0]).all()
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-6)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [2, 3, 4, 5, 7, 11])
def test_adaptive(rank, kind, size):
    compare(*pair(f"Adaptive{kind}Pooling{rank}D", size), ties(*shape(rank)))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kind", KINDS)
def test_adaptive_to_one(rank, kind):
    # Keras asks TensorFlow for windows larger than the input here as well; for a maximum it then
    # reads memory that nothing was written to or, on some processors, divides by zero and ends the
    # process. Pooling over everything is the same.
    same = f"Adaptive{kind}Pooling{rank}D" if kind == "Average" else f"GlobalMaxPooling{rank}D"
    options = {"output_size": 1} if kind == "Average" else {"keepdims": True}
    ours, theirs = OURS[f"Adaptive{kind}Pooling{rank}D"](1), getattr(keras.layers, same)(**options)
    x = numbers(*shape(rank))
    (y, dx), (expected, expected_dx) = passes(ours, x), keras_passes(theirs, x)
    close(y, expected.numpy(), ONE_PASS)
    close(dx, expected_dx, ONE_PASS)


@pytest.mark.parametrize("kind", KINDS)
def test_adaptive_with_options(kind):
    x = ties(2, 3, 9, 7)
    compare(*pair(f"Adaptive{kind}Pooling2D", (4, 2), "channels_first"), x)
    compare(*pair(f"Adaptive{kind}Pooling2D", [2, 5]), x)
    compare(*pair(f"Adaptive{kind}Pooling1D", (2,)), x[0])
    compare(*pair(f"Adaptive{kind}Pooling3D", (3, 2, 3)), ties(2, 4, 4, 5, 2))


ALIASES = [
    f"{alias}{rank}D"
    for alias in ("MaxPool", "AvgPool", "GlobalMaxPool", "GlobalAvgPool")
    for rank in RANKS
]


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases(alias):
    assert OURS[alias].__name__ == getattr(keras.layers, alias).__name__


TRAINED = [
    ("MaxPooling1D", (), {}),
    ("MaxPooling2D", (), {}),
    ("MaxPooling2D", (3, 2, "same", "channels_first"), {}),
    ("MaxPooling3D", (), {}),
    ("AveragePooling2D", (2,), {"padding": "same"}),
    ("GlobalMaxPooling2D", (), {}),
    ("GlobalAveragePooling1D", (), {}),
    ("AdaptiveMaxPooling2D", (2,), {}),
    ("AdaptiveAveragePooling2D", (2,), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), TRAINED, ids=str)
def test_training(name, args, options):
    def layers(k: Any) -> list[Any]:
        cls = getattr(k.layers, name) if k is keras else OURS[name]
        return [cls(*args, **options)]

    rank = int(name[-2])
    same_training(layers, (8, *(5,) * rank, 3))
