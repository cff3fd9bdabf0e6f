"""Rows of the conformance table for noise, dropouts and activation layers; see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn.layers.activation import ELU, LeakyReLU, PReLU
from scratchnn.layers.dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from scratchnn.layers.noise import (
    ActivityRegularization,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
)


def _of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


CASES = [
    Case("dropout of sequences", _of(SpatialDropout1D, 0.4), (4, 6, 5)),
    Case("dropout of feature maps", _of(SpatialDropout2D, 0.4), (4, 3, 2, 5)),
    Case(
        "dropout of feature maps, channels first",
        _of(SpatialDropout2D, 0.4, "channels_first"),
        (4, 5, 3, 2),
    ),
    Case("dropout of volumes", _of(SpatialDropout3D, 0.4), (2, 2, 3, 2, 5)),
    Case("gaussian noise", _of(GaussianNoise, 0.4), (4, 5)),
    Case("gaussian noise over time", _of(GaussianNoise, 1.0), (3, 5, 3)),
    Case("gaussian noise of nothing", _of(GaussianNoise, 0), (4, 5)),
    Case("gaussian dropout", _of(GaussianDropout, 0.4), (4, 5)),
    Case("gaussian dropout of nothing", _of(GaussianDropout, 0), (4, 5)),
    Case("alpha dropout", _of(AlphaDropout, 0.4), (4, 5)),
    Case("alpha dropout of nothing", _of(AlphaDropout, 0), (4, 5)),
    Case("alpha dropout over time", _of(AlphaDropout, 0.4, (None, 1, None)), (4, 6, 5)),
    Case("activity regularization", _of(ActivityRegularization, 0.1, 0.2), (4, 5)),
    Case("leaky relu layer", _of(LeakyReLU), (4, 5)),
    Case("leaky relu layer with a steep slope", _of(LeakyReLU, 1.5), (4, 5)),
    Case("leaky relu layer by its older argument", _of(LeakyReLU, alpha=0.1), (4, 2, 5)),
    Case("prelu", _of(PReLU, "he_normal"), (4, 5)),
    Case("prelu of images", _of(PReLU, "he_normal", shared_axes=[1, 2]), (4, 3, 2, 5)),
    Case("prelu of images, a slope each", _of(PReLU, "he_normal"), (4, 3, 2, 2)),
    Case("prelu with one slope", _of(PReLU, "ones", shared_axes=1), (4, 5)),
    Case("elu layer", _of(ELU), (4, 5)),
    Case("elu layer with alpha", _of(ELU, 0.5), (4, 2, 5)),
]
