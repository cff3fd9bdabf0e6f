"""Sliding: windows along one axis, from which pooling over several axes is made.

The largest number of a window of rows is the largest of what is largest in each row, and its sum is
the sum of theirs. So pooling takes the axes one at a time. Arrays are seen as (A, n, L) here: what
comes before the axis, the axis itself, and what comes after it.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..context import Context

SHORT = 512
"""Rows of fewer numbers than this are not worth a ufunc's inner loop each."""

NARROW = 16
"""The same for results as large as what they are made from, of which there should be few."""

PART = 2**18
"""How many numbers to work on at a time, so that they stay in a processor's cache."""


class Slide(NamedTuple):
    """The windows along one axis.

    Attributes:
        axis: which one.
        outputs: how many windows there are.
        taps: for each place in a window, in order, the windows that have something there, and where
            in the input it stands: two slices of the same length.
        sizes: how many numbers each window has.
        tile: the size of windows that lie side by side, as (0, 1), (2, 3), ... do; 0 for others.
    """

    axis: int
    outputs: int
    taps: tuple[tuple[slice, slice], ...]
    sizes: tuple[int, ...]
    tile: int = 0


def count(length: int, size: int, stride: int, same: bool) -> int:
    """Return how many windows of `size` there are along `length` numbers.

    Example:
        >>> count(5, size=2, stride=2, same=False), count(5, size=2, stride=2, same=True)
        (2, 3)
    """
    return -(-length // stride) if same else (length - size) // stride + 1


@lru_cache(maxsize=256)
def sliding(axis: int, length: int, size: int, stride: int, same: bool) -> Slide:
    """Return windows of one size, a stride apart.

    With `same`, they cover the whole input, and may reach over both of its ends, evenly.

    Example:
        >>> [f"{o.start}:{o.stop} from {i.start}" for o, i in sliding(1, 5, 3, 2, True).taps]
        ['1:3 from 1', '0:3 from 0', '0:2 from 1']
    """
    outputs = count(length, size, stride, same)
    over = max((outputs - 1) * stride + size - length, 0) if same else 0
    taps = []
    for place in range(size):
        offset = place - over // 2
        first = max(0, -(offset // stride))
        last = min(outputs, (length - 1 - offset) // stride + 1)
        if last > first:
            start = first * stride + offset
            reads = slice(start, start + (last - first - 1) * stride + 1, stride)
            taps.append((slice(first, last), reads))
    tile = size if size == stride and size * outputs <= length else 0
    return Slide(axis, outputs, tuple(taps), _sizes(taps, outputs), tile)


@lru_cache(maxsize=256)
def adaptive(axis: int, length: int, outputs: int) -> Slide:
    """Return so many windows that cover the input evenly: the i-th from i n/o to (i + 1) n/o.

    Example:
        >>> [f"{o.start} from {i.start}" for o, i in adaptive(1, 5, 2).taps]
        ['0 from 0', '0 from 1', '0 from 2', '1 from 2', '1 from 3', '1 from 4']
    """
    taps = [
        (slice(i, i + 1), slice(place, place + 1))
        for i in range(outputs)
        for place in range(i * length // outputs, -(-(i + 1) * length // outputs))
    ]
    return Slide(axis, outputs, tuple(taps), _sizes(taps, outputs))


def _sizes(taps: list[tuple[slice, slice]], outputs: int) -> tuple[int, ...]:
    sizes = np.zeros(outputs, int)
    for windows, _ in taps:
        sizes[windows] += 1
    return tuple(sizes.tolist())


def parts(x: Array) -> list[slice]:
    """Return the samples of x in parts that a processor's cache can hold.

    Example:
        >>> [part.stop for part in parts(np.zeros((5, 2**17)))]
        [2, 4, 6]
    """
    step = max(1, PART * len(x) // max(1, x.size))
    return [slice(start, start + step) for start in range(0, len(x), step)]


# --- forward


def maxima(x: Array, y: Array, slide: Slide, ctx: Context) -> None:
    """Assign to y the largest number of each window of x."""
    _reduce(np.maximum, x, y, slide, ctx, lowest(x.dtype))


def sums(x: Array, y: Array, slide: Slide, ctx: Context) -> None:
    """Assign to y the sum of each window of x."""
    _reduce(np.add, x, y, slide, ctx, 0)


def lowest(dtype: np.dtype[Any]) -> Any:
    """Return what is not larger than any number of a dtype.

    Example:
        >>> lowest(np.dtype("float32")), lowest(np.dtype("int8")), lowest(np.dtype("bool"))
        (-inf, -128, False)
    """
    if dtype.kind == "f":
        return -np.inf
    return np.iinfo(dtype).min if dtype.kind in "iu" else False


def _reduce(ufunc: np.ufunc, x: Array, y: Array, slide: Slide, ctx: Context, start: Any) -> None:
    x, y = _rows(x, slide.axis), _rows(y, slide.axis)
    if slide.tile == 2:
        _combine_pairs(ufunc, x, y, ctx)
        return
    y.fill(start)
    for windows, reads in slide.taps:
        seen = y[:, windows]
        ufunc(seen, x[:, reads], out=seen)


def _combine_pairs(ufunc: np.ufunc, x: Array, out: Array, ctx: Context) -> None:
    """Assign `ufunc` of the first and the second of each pair."""
    row, used = x.shape[2], 2 * out.shape[1]
    if row >= (SHORT if out.dtype == bool else NARROW):
        ufunc(x[:, 0:used:2], x[:, 1:used:2], out=out)
        return
    # In one long row, twice as many neighbours as are needed take less time than short rows do.
    line, results = x.reshape(-1), ctx.buffer(f"neighbours {out.dtype}", (x.size,), out.dtype)
    ufunc(line[:-row], line[row:], out=results[:-row])
    np.copyto(out, results.reshape(x.shape)[:, 0:used:2])


# --- backward: dy is overwritten


def maxima_gradient(
    x: Array, y: Array, dy: Array, dx: Array, slide: Slide, ctx: Context, shared: bool
) -> None:
    """Assign dx: each window's dy goes to the first of its largest numbers, or `shared` to each."""
    x, y, dy, dx = (_rows(a, slide.axis) for a in (x, y, dy, dx))
    won = ctx.buffer("won", dy.shape, bool)
    share = ctx.buffer("share", dy.shape)
    if slide.tile == 2 and not shared:
        used = 2 * slide.outputs
        _combine_pairs(np.greater_equal, x, won, ctx)
        np.multiply(dy, won, out=share)
        np.subtract(dy, share, out=dy)
        np.copyto(dx[:, 0:used:2], share)
        np.copyto(dx[:, 1:used:2], dy)
        dx[:, used:] = 0
        return
    dx.fill(0)
    for windows, reads in slide.taps:
        np.equal(x[:, reads], y[:, windows], out=won[:, windows])
        np.multiply(dy[:, windows], won[:, windows], out=share[:, windows])
        dx[:, reads] += share[:, windows]
        if not shared:
            dy[:, windows] -= share[:, windows]  # what is given away once is gone


def sums_gradient(dy: Array, dx: Array, slide: Slide) -> None:
    """Assign dx: each window's dy goes to all of its numbers."""
    dy, dx = _rows(dy, slide.axis), _rows(dx, slide.axis)
    if slide.tile:
        used = slide.tile * slide.outputs
        tiles = dx[:, :used].reshape(len(dx), slide.outputs, slide.tile, dx.shape[2])
        np.copyto(tiles, dy[:, :, None])
        dx[:, used:] = 0
        return
    dx.fill(0)
    for windows, reads in slide.taps:
        dx[:, reads] += dy[:, windows]


# --- shapes


def pooled(shape: tuple[int, ...], slide: Slide) -> tuple[int, ...]:
    """Return the shape of what there is after an axis was pooled."""
    return (*shape[: slide.axis], slide.outputs, *shape[slide.axis + 1 :])


def _rows(x: Array, axis: int) -> Array:
    """Return x, whose memory is in order, as (A, n, L)."""
    return x.reshape(prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :]))
