"""Rows of the conformance table for the normalizations; see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn.layers.batch_normalization import BatchNormalization
from scratchnn.layers.core import Dense
from scratchnn.layers.group_normalization import GroupNormalization
from scratchnn.layers.normalization import (
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from scratchnn.layers.spectral_normalization import SpectralNormalization


def _of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def _random(cls: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes a layer whose gamma and beta are not ones and zeros."""
    weights = {"gamma_initializer": "he_normal", "beta_initializer": "he_normal"}
    return lambda dtype: cls(**weights, **options, dtype=dtype)


CASES = [
    Case("batch normalization", _random(BatchNormalization), (6, 5)),
    Case("batch normalization of images", _random(BatchNormalization), (4, 3, 2, 5)),
    Case(
        "batch normalization with the channels first",
        _random(BatchNormalization, axis=1),
        (4, 3, 5),
    ),
    Case(
        "batch normalization without weights",
        _of(BatchNormalization, center=False, scale=False),
        (6, 5),
    ),
    Case("layer normalization", _random(LayerNormalization), (4, 9)),
    Case("layer normalization over time", _random(LayerNormalization), (4, 3, 9)),
    Case("layer normalization of two axes", _random(LayerNormalization, axis=[1, 2]), (4, 3, 4)),
    Case("layer normalization of axis 1", _random(LayerNormalization, axis=1), (4, 6, 3)),
    Case(
        "layer normalization without weights",
        _of(LayerNormalization, center=False, scale=False),
        (4, 9),
    ),
    Case("group normalization", _random(GroupNormalization, groups=2), (2, 6, 5, 4)),
    Case(
        "group normalization of features",
        _random(GroupNormalization, groups=3),
        (4, 6),
        recycles=False,
    ),
    Case("instance normalization", _random(GroupNormalization, groups=-1), (2, 30, 3)),
    Case(
        "group normalization with the channels first",
        _random(GroupNormalization, groups=2, axis=1),
        (2, 4, 6, 5),
    ),
    Case(
        "group normalization without weights",
        _of(GroupNormalization, 2, center=False, scale=False),
        (2, 30, 4),
    ),
    Case("rms normalization", _of(RMSNormalization), (4, 3, 9)),
    Case("rms normalization of two axes", _of(RMSNormalization, [1, 2]), (4, 3, 4)),
    Case("unit normalization", _of(UnitNormalization), (4, 9)),
    Case("unit normalization of axis 1", _of(UnitNormalization, 1), (4, 6, 3)),
    Case("unit normalization of two axes", _of(UnitNormalization, [1, -1]), (4, 2, 4)),
]

# In training, a spectral normalization changes its own kernel: a second use finds another one, and
# no difference of outputs is the derivative by the kernel as it was.
INFERENCE_CASES = [
    Case(
        "spectral normalization",
        lambda dtype: SpectralNormalization(Dense(3, dtype=dtype), dtype=dtype),
        (4, 5),
    ),
]
