"""Rows of the conformance table for Embedding and the layers beside it: see cases.py."""

from __future__ import annotations

from typing import Any

from case import Case

from scratchnn import layers


def embedding(*args: Any, **options: Any) -> Any:
    return lambda dtype: layers.Embedding(*args, **options, dtype=dtype)


def of(cls: Any, *args: Any, **options: Any) -> Any:
    return lambda dtype: cls(*args, **options, dtype=dtype)


CASES = [
    Case("embedding", embedding(10, 4), (4, 6), "int32"),
    Case("embedding of an odd width", embedding(10, 3), (4, 6), "int64"),
    Case("embedding of one number", embedding(10, 4), (5,), "uint8"),
    Case("embedding over a grid", embedding(10, 2, mask_zero=True), (2, 3, 2, 2), "int32"),
    Case("embedding of a large table", embedding(4000, 20), (2, 3), "int32"),
    Case("einsum dense", of(layers.EinsumDense, "abc,cd->abd", (None, 4), "tanh", "d"), (4, 6, 3)),
    Case(
        "einsum dense out of order",
        of(layers.EinsumDense, "abc,bcd->adb", (4, 6), bias_axes="d"),
        (4, 6, 3),
    ),
    Case(
        "einsum dense that adds up",
        of(layers.EinsumDense, "...xc,cd->...d", 4),
        (4, 2, 6, 3),
        recycles=False,
    ),
    Case(
        "a function",
        of(layers.Lambda, lambda x: 3 * x, gradient=lambda dy, x, y: 3 * dy),
        (4, 3),
        recycles=False,
    ),
    Case("masking", of(layers.Masking), (4, 6, 3)),
    Case("masking of integers", of(layers.Masking, 1), (4, 6, 1), "int32", high=3),
]
