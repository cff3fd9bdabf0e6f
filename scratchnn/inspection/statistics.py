"""An array in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Array


class Statistics(NamedTuple):
    """What an array looks like.

    Attributes:
        shape, dtype: of the array; for strings all numbers are None.
        min, mean, max, std: of its elements, those that are not finite left out; None without any.
        zeros: the share of elements that are 0.
        norm: the root of the sum of the squares.
        bad: how many elements are NaN or infinite.
    """

    shape: tuple[int, ...]
    dtype: str
    min: float | None
    mean: float | None
    max: float | None
    std: float | None
    zeros: float | None
    norm: float | None
    bad: int

    @classmethod
    def of(cls, array: Array) -> Statistics:
        """Return the statistics of an array."""
        if not is_numeric(array):
            return cls(array.shape, "string", None, None, None, None, None, None, 0)
        values = array.astype(np.float64, copy=False)
        finite = np.isfinite(values)
        bad = values.size - int(np.count_nonzero(finite))
        if bad:
            values = values[finite]
        zeros = float(np.count_nonzero(values == 0)) / array.size if array.size else 0.0
        name = array.dtype.name
        if not values.size:
            return cls(array.shape, name, None, None, None, None, zeros, None, bad)
        return cls(
            array.shape,
            name,
            float(values.min()),
            float(values.mean()),
            float(values.max()),
            float(values.std()),
            zeros,
            float(np.sqrt(np.vdot(values, values))),
            bad,
        )


def is_numeric(array: Array) -> bool:
    """Return whether an array holds numbers, and not strings."""
    return array.dtype.kind in "biufc"


def dead_units(output: Array, axis: int = -1) -> tuple[int, int]:
    """Return how many units of a layer's output are 0 for the whole batch, and of how many.

    Arguments:
        output: (N, ..., U), or with the units along another `axis`.
        axis: of the units.
    """
    if output.ndim < 2 or not is_numeric(output):
        return 0, 0
    others = tuple(i for i in range(output.ndim) if i != axis % output.ndim)
    alive = output.astype(bool, copy=False).any(axis=others)
    return int(alive.size - np.count_nonzero(alive)), int(alive.size)


def number(value: float | None) -> str:
    """Return a number in at most nine characters."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e5 else f"{value:.1e}"


def share(value: float | None) -> str:
    """Return a share of 1 as a percentage; 0% and 100% mean exactly that."""
    if value is None:
        return "-"
    if value in (0, 1):
        return f"{value:.0%}"
    return f"{min(max(value, 0.001), 0.999):.1%}"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as Python writes it."""
    return str(tuple(int(size) for size in shape))


def table(rows: Sequence[tuple[str, ...]], left: int = 1) -> list[str]:
    """Return rows of cells as aligned lines, the first `left` columns to the left.

    A row of one cell is a heading, which may be as long as it likes.
    """
    columns = max(len(row) for row in rows)
    cells = [row for row in rows if len(row) == columns]
    widths = [max(len(row[i]) for row in cells) for i in range(columns)]
    lines = []
    for row in rows:
        pairs = zip(row, widths, strict=False)
        aligned = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(pairs)
        ]
        lines.append("  ".join(aligned).rstrip())
    return lines
