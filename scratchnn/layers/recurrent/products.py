"""Products of tall matrices, T N rows, in pieces that stay in the cache.

OpenBLAS multiplies small matrices on one thread, with kernels made for them. On larger ones its
threads wait for each other: they gain little where the matrices are tall and narrow, and lose
milliseconds when something else runs on one of the cores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...arrays import Array
from ...context import Context

SMALL = 10**6
"""Up to so many multiplications, a product is small."""

LEAST = 32
"""Pieces of fewer rows than this are not worth a call each: then there is enough for threads."""


def pieces(rows: int, each: int) -> Iterator[slice]:
    """Yield rows in pieces whose products are small; all of them where that is not worth it.

    Arguments:
        rows: how many there are.
        each: how many multiplications one row takes.

    Example:
        >>> list(pieces(100, 20_000))
        [slice(0, 50, None), slice(50, 100, None)]
        >>> list(pieces(100, 200_000))
        [slice(0, 100, None)]
    """
    size = SMALL // each
    if size < LEAST or rows <= size:
        size = max(rows, 1)
    for start in range(0, max(rows, 1), size):
        yield slice(start, min(start + size, rows))


def product(a: Array, b: Array, out: Array) -> None:
    """Assign a b to `out`, (G, M, U) or (M, U).

    Arguments:
        a: (M, D).
        b: (G, D, U) or (D, U).
        out: where to write.
    """
    for part in pieces(len(a), a.shape[1] * b.shape[-1]):
        np.matmul(a[part], b, out=out[..., part, :])


def transposed_product(a: Array, b: Array, out: Array, ctx: Context) -> None:
    """Assign a^T b to `out`, (D, U), for a (M, D) and b (M, U)."""
    for part in pieces(len(a), out.size):
        if part.start == 0:
            np.matmul(a[part].T, b[part], out=out)
        else:
            out += np.matmul(a[part].T, b[part], out=ctx.buffer("product", out.shape))
