"""Rows of the conformance table for the pooling layers: see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn.layers import adaptive_pooling, global_pooling, pooling

SHAPES = {1: (3, 7, 2), 2: (3, 6, 7, 2), 3: (2, 5, 4, 6, 2)}
SMALL = {1: (3, 4, 3), 2: (3, 3, 2, 4), 3: (2, 2, 3, 2, 6)}
SMALL_FIRST = {1: (3, 3, 4), 2: (3, 4, 3, 2), 3: (2, 6, 2, 3, 2)}
FIRST = {1: (3, 2, 7), 2: (3, 2, 6, 7), 3: (2, 2, 5, 4, 6)}


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def windowed(kind: str) -> list[Case]:
    """Return the rows of max or average pooling."""
    rows = []
    for rank in (1, 2, 3):
        cls, name = getattr(pooling, f"{kind}Pooling{rank}D"), f"{kind.lower()} pooling {rank}d"
        first = {"data_format": "channels_first"}
        rows += [
            Case(name, of(cls, 2), SHAPES[rank]),
            Case(f"{name} of 3 by 2", of(cls, 3, 2), SHAPES[rank]),
            Case(f"{name} of 2 by 3", of(cls, 2, 3), SHAPES[rank]),
            Case(f"{name} same", of(cls, 2, padding="same"), SHAPES[rank]),
            Case(f"{name} of 3 by 1 same", of(cls, 3, 1, "same"), SHAPES[rank]),
            Case(f"{name} of 4 by 3 same", of(cls, 4, 3, "same"), SHAPES[rank]),
            Case(f"{name} of nothing", of(cls, 1), SHAPES[rank]),
            Case(f"{name} channels first", of(cls, 2, **first), FIRST[rank], recycles=False),
        ]
    return rows


CASES = [
    *windowed("Max"),
    *windowed("Average"),
    Case("max pooling of uneven windows", of(pooling.MaxPooling2D, (3, 2), (1, 3)), (3, 6, 7, 2)),
    Case("max pooling of wide rows", of(pooling.MaxPooling2D, (2, 2)), (2, 4, 5, 520)),
    Case("max pooling of integers", of(pooling.MaxPooling2D, 2), (3, 5, 4, 2), "uint8"),
    Case("average pooling of integers", of(pooling.AveragePooling2D, 2), (3, 5, 4, 2), "uint8"),
    *(
        Case(
            f"global {kind.lower()} pooling {rank}d {options}",
            of(getattr(global_pooling, f"Global{kind}Pooling{rank}D"), **options),
            (SMALL_FIRST if options.get("data_format") else SMALL)[rank],
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for options in (
            {},
            {"keepdims": True},
            {"data_format": "channels_first"},
            {"data_format": "channels_first", "keepdims": True},
        )
    ),
    Case(
        "global max pooling of integers", of(global_pooling.GlobalMaxPooling1D), (3, 5, 2), "int32"
    ),
    *(
        Case(
            f"adaptive {kind.lower()} pooling {rank}d to {size}",
            of(getattr(adaptive_pooling, f"Adaptive{kind}Pooling{rank}D"), size),
            SMALL[rank],
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for size in (1, 2, 3)
    ),
    Case("adaptive max pooling to more", of(adaptive_pooling.AdaptiveMaxPooling1D, 11), (3, 7, 2)),
    Case(
        "adaptive pooling channels first",
        of(adaptive_pooling.AdaptiveAveragePooling2D, (2, 4), "channels_first"),
        (3, 2, 6, 7),
        recycles=False,
    ),
]
