"""Rows of the conformance table for padding, cropping, upsampling and reshaping: see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn.layers import padding, reshaping, upsampling

SHAPES = {1: (3, 5, 2), 2: (3, 4, 5, 2), 3: (2, 4, 5, 3, 2)}
FIRST = {1: (3, 2, 5), 2: (3, 2, 4, 5), 3: (2, 2, 4, 5, 3)}
UNEVEN = {1: (0, 2), 2: ((1, 0), (2, 1)), 3: ((1, 0), (0, 2), (1, 1))}


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def bordered(kind: str, rank: int) -> list[Case]:
    """Return the rows of a layer with a border."""
    cls, name = getattr(padding, f"{kind}{rank}D"), f"{kind.lower()} {rank}d"
    rows = [
        Case(name, of(cls, 1), SHAPES[rank]),
        Case(f"{name} uneven", of(cls, UNEVEN[rank]), SHAPES[rank]),
        Case(f"{name} of nothing", of(cls, 0), SHAPES[rank]),
        Case(f"{name} of integers", of(cls, 1), SHAPES[rank], "uint8"),
    ]
    if cls is not padding.Cropping1D:
        make = of(cls, UNEVEN[rank], data_format="channels_first")
        rows.append(Case(f"{name} channels first", make, FIRST[rank]))
    return rows


CASES = [
    *(
        row
        for kind in ("ZeroPadding", "Cropping")
        for rank in (1, 2, 3)
        for row in bordered(kind, rank)
    ),
    Case("upsampling 1d", of(upsampling.UpSampling1D), (3, 5, 2)),
    Case("upsampling 1d by 3", of(upsampling.UpSampling1D, 3), (3, 5, 2)),
    Case("upsampling 2d", of(upsampling.UpSampling2D), (3, 4, 5, 2)),
    Case("upsampling 2d by 1 and 3", of(upsampling.UpSampling2D, (1, 3)), (3, 4, 5, 2)),
    Case("upsampling 2d of integers", of(upsampling.UpSampling2D), (3, 4, 5, 2), "uint8"),
    Case(
        "upsampling 2d channels first",
        of(upsampling.UpSampling2D, (3, 2), "channels_first"),
        (3, 2, 4, 5),
        recycles=False,
    ),
    *(
        Case(
            f"upsampling 2d bilinear by {size}",
            of(upsampling.UpSampling2D, size, interpolation="bilinear"),
            (3, 4, 5, 2),
        )
        for size in (1, 2, (3, 1), (1, 4), (2, 5))
    ),
    Case(
        "upsampling 2d bilinear of one pixel",
        of(upsampling.UpSampling2D, 3, interpolation="bilinear"),
        (3, 1, 1, 2),
    ),
    Case(
        "upsampling 2d bilinear channels first",
        of(upsampling.UpSampling2D, (2, 3), "channels_first", "bilinear"),
        (3, 2, 4, 5),
        recycles=False,
    ),
    Case(
        "upsampling 2d bilinear of integers",
        of(upsampling.UpSampling2D, 2, interpolation="bilinear"),
        (3, 4, 5, 2),
        "uint8",
        recycles=False,
    ),
    Case("upsampling 3d", of(upsampling.UpSampling3D), (2, 3, 4, 2, 2)),
    Case("upsampling 3d by each", of(upsampling.UpSampling3D, (3, 1, 2)), (2, 3, 4, 2, 2)),
    Case("permute", of(reshaping.Permute, (2, 1)), (4, 3, 5)),
    Case("permute three axes", of(reshaping.Permute, (3, 1, 2)), (4, 3, 5, 2)),
    Case("permute nothing", of(reshaping.Permute, (1, 2)), (4, 3, 5)),
    Case("permute integers", of(reshaping.Permute, (2, 1)), (4, 3, 5), "int32"),
    Case("repeat vector", of(reshaping.RepeatVector, 4), (3, 5)),
    Case("repeat vector of integers", of(reshaping.RepeatVector, 2), (3, 5), "int32"),
]
