"""Rows of the conformance table for the convolutions: see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn import layers

SHAPES = {1: (3, 8, 2), 2: (3, 6, 5, 2), 3: (2, 4, 5, 3, 2)}
FIRST = {1: (3, 2, 8), 2: (3, 2, 6, 5), 3: (2, 2, 4, 5, 3)}


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def rows(name: str, ranks: tuple[int, ...], *args: Any, every: Any = ()) -> list[Case]:
    """Return what every kind of convolution goes through, and `every` options of its own."""
    found = []
    options: list[dict[str, Any]] = [
        {},
        {"padding": "same"},
        {"strides": 2},
        {"strides": 2, "padding": "same"},
        {"dilation_rate": 2, "padding": "same"},
        {"activation": "relu"},
        {"activation": "tanh", "use_bias": False},
        *every,
    ]
    for rank in ranks:
        cls = getattr(layers, name.format(rank))
        for one in options:
            text = " ".join(f"{key}={value}" for key, value in one.items())
            found.append(Case(f"{cls.__name__} {text}", of(cls, *args, **one), SHAPES[rank]))
        first = of(cls, *args, data_format="channels_first", activation="tanh", padding="same")
        found.append(Case(f"{cls.__name__} channels first", first, FIRST[rank], recycles=False))
    return found


CASES = [
    *rows("Conv{}D", (1, 2, 3), 4, 3, every=[{"groups": 2}, {"groups": 2, "strides": 2}]),
    *rows("Conv{}DTranspose", (1, 2, 3), 4, 3, every=[{"strides": 2, "output_padding": 1}]),
    *rows("DepthwiseConv{}D", (1, 2), 3, every=[{"depth_multiplier": 2}]),
    *rows("SeparableConv{}D", (1, 2), 4, 3, every=[{"depth_multiplier": 2}]),
    Case("convolution softmax", of(layers.Conv2D, 8, 3, activation="softmax"), SHAPES[2]),
    Case("causal", of(layers.Conv1D, 4, 3, padding="causal"), SHAPES[1]),
    Case("causal dilated", of(layers.Conv1D, 4, 3, padding="causal", dilation_rate=2), SHAPES[1]),
    Case("pointwise", of(layers.Conv2D, 4, 1), SHAPES[2]),
    Case("pointwise in groups", of(layers.Conv2D, 4, 1, groups=2), SHAPES[2]),
    Case("pointwise strided", of(layers.Conv2D, 4, 1, 2), SHAPES[2]),
    Case("pointwise transposed", of(layers.Conv2DTranspose, 4, 1), SHAPES[2]),
    Case("uneven kernel", of(layers.Conv2D, 3, (2, 3), (2, 1), "same"), SHAPES[2]),
    Case("many channels", of(layers.Conv2D, 3, 2), (2, 3, 4, 17)),
    Case("many channels in groups", of(layers.Conv2D, 4, 2, groups=2), (2, 3, 4, 34)),
    Case("wide rows", of(layers.Conv2D, 3, (2, 3), (2, 1)), (2, 5, 11, 16)),
    Case("wide rows same", of(layers.Conv2D, 3, 4, padding="same"), (2, 3, 13, 16)),
    Case("wide rows transposed", of(layers.Conv2DTranspose, 16, 3), (2, 3, 9, 2)),
    Case("long causal", of(layers.Conv1D, 3, 3, padding="causal"), (2, 9, 16)),
    Case("steps over windows", of(layers.Conv2D, 3, 2, 3), SHAPES[2]),
    Case("steps over transposed windows", of(layers.Conv2DTranspose, 3, 2, 3), SHAPES[2]),
    Case("convolution of integers", of(layers.Conv2D, 3, 2), SHAPES[2], "uint8"),
    Case(
        "depthwise with strides and dilation",
        of(layers.DepthwiseConv2D, 2, 2, "same", dilation_rate=(2, 1)),
        SHAPES[2],
    ),
]
