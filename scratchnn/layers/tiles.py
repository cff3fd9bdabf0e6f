"""Tiles: windows that lie side by side, the largest number of each, and where it stands.

Pooling axis by axis, as in sliding.py, goes over a gradient once for each axis. In a tiling each
number of the input is seen by one window alone, so that the gradient can be written in one go, if
it is known which place of each window holds its largest number. That is found out in the forward
pass, while the numbers are in the cache, and kept as a bool for each: a quarter of their memory.

Arrays of samples are channels last, (n, *sizes, C), of a part of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from math import prod

import numpy as np

from ..arrays import Array
from ..context import Context
from .sliding import NARROW, Slide, maxima, pooled

Seen = tuple[slice, ...]
"""What one place of all tiles sees: slices of the input that give (n, *outputs, C)."""

MOST = 9
"""Windows of more places than this are pooled axis by axis, in fewer passes."""


def are_tiles(slides: Sequence[Slide], channels: int) -> bool:
    """Return whether windows are tiles for which the functions below are faster.

    A ufunc takes the channels of one place after the other: there should be enough of them.
    """
    return bool(slides) and 0 < places(slides) <= MOST and channels >= NARROW


def places(slides: Sequence[Slide]) -> int:
    """Return how many places a tile has; 0 for windows that are no tiles."""
    return prod(slide.tile for slide in slides)


def seen_by(slides: Sequence[Slide]) -> list[Seen]:
    """Return where each place of the tiles stands in the input, row by row.

    Arguments:
        slides: the tiles along each axis, the first axis first.

    Example:
        >>> from scratchnn.layers.sliding import sliding
        >>> [seen[1] for seen in seen_by([sliding(1, 5, 2, 2, same=False)])]
        [slice(0, 4, 2), slice(1, 4, 2)]
    """
    found = []
    for place in product(*(range(slide.tile) for slide in slides)):
        index = [slice(None)] * (slides[-1].axis + 1)
        for slide, k in zip(slides, place, strict=True):
            index[slide.axis] = slice(k, slide.tile * slide.outputs, slide.tile)
        found.append(tuple(index))
    return found


def tile_maxima(x: Array, y: Array, slides: Sequence[Slide], ctx: Context) -> None:
    """Assign to y the largest number of each tile of x.

    The first axis comes first: its rows are long.
    """
    stages = [x]
    for slide in slides[:-1]:
        shape = pooled(stages[-1].shape, slide)
        stages.append(ctx.buffer(f"y{slide.axis}", shape, x.dtype))
    stages.append(y)
    for (a, b), slide in zip(pairwise(stages), slides, strict=True):
        maxima(a, b, slide, ctx)


def tile_winners(
    x: Array, y: Array, won: Array, seen: Sequence[Seen], shared: bool, ctx: Context
) -> None:
    """Assign to `won` which place of each tile is the first to hold its largest number.

    Arguments:
        x, y: the input and what `tile_maxima` gave.
        won: bool, (K, *shape of y) for the K places of a tile.
        seen: what each place sees.
        shared: whether all places with the largest number win, not the first alone.
        ctx: whose buffers are used.
    """
    if shared:
        for where, here in zip(seen, won, strict=True):
            np.equal(x[where], y, out=here)
        return
    taken = ctx.buffer("taken", y.shape, bool)
    taken.fill(False)
    for where, here in zip(seen[:-1], won[:-1], strict=True):
        np.equal(x[where], y, out=here)
        np.greater(here, taken, out=here)  # and none before
        np.logical_or(here, taken, out=taken)
    np.logical_not(taken, out=won[-1])


def tile_gradient(dy: Array, won: Array, dx: Array, seen: Sequence[Seen]) -> None:
    """Assign dx: dy goes to the places that won, and nothing to others."""
    for where, here in zip(seen, won, strict=True):
        np.multiply(dy, here, out=dx[where])
    for axis, last in enumerate(seen[-1]):
        if last.stop is not None and last.stop < dx.shape[axis]:  # what no tile covers
            dx[(slice(None),) * axis + (slice(last.stop, None),)] = 0
