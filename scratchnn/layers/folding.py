"""Folding: what each place of a kernel sends back to where it looked, added up.

It is the other way round of `unfold` in windows.py, where the shape letters stand.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..arrays import Array
from ..context import Context
from .windows import FEW, Windows, by_group, parts_of

SPREAD = 2**19
"""The most numbers that are added up at a time: 2 MB of float32, for a processor's cache."""


def fold_product(dy: Array, kernel: Array, dx: Array, w: Windows, ctx: Context) -> None:
    """Assign to dx what comes back to the input: fold(dy kernel^T).

    Arguments:
        dy: (N, *outputs, F), its memory in order.
        kernel: (G, KH KW, F/G, C/G).
        dx: (N, *sizes, C), its memory in order.
        w: the windows.
        ctx: whose buffers are used.
    """
    if w.is_pointwise:
        groups = len(kernel)
        np.matmul(by_group(dy, groups), kernel[:, 0], out=by_group(dx, groups))
        return
    dx.fill(0)
    if _glides(kernel, w):
        _fold_rows(dy, kernel[0], dx, w, ctx)
    else:
        _fold_taps(dy, kernel, dx, w, ctx)


def _fold_taps(dy: Array, kernel: Array, dx: Array, w: Windows, ctx: Context) -> None:
    """Add to dx what each element of the kernel sends back, one after the other."""
    groups, taps, _, channels = kernel.shape
    dx = dx.reshape(len(dx), *w.sizes, groups, channels)
    places = prod(w.outputs)
    for part in parts_of(len(dy), taps * places * groups * channels, SPREAD):
        rows = by_group(dy[part], groups)  # (G, M, F/G)
        sent = ctx.buffer("sent", (taps, groups, len(rows[0]), channels))
        np.matmul(rows, kernel.transpose(1, 0, 2, 3), out=sent)
        for one, (where, seen) in zip(sent, w.taps, strict=True):
            one = np.moveaxis(one.reshape(groups, -1, *w.outputs, channels), 0, -2)
            into = dx[part][:, *seen]
            np.add(into, one[:, *where], out=into)


# --- along rows, where the kernel glides


def _glides(kernel: Array, w: Windows) -> bool:
    """Return whether `_fold_rows` can do the work, and is faster.

    It multiplies zeros at the ends of rows, too: there should not be too many of them.
    """
    groups, _, _, channels = kernel.shape
    steps = w.strides[-1], w.dilation[-1]
    return (
        groups == 1
        and channels >= FEW
        and w.kernel[-1] > 1
        and steps == (1, 1)
        and 4 * _row(w)[1] <= 5 * w.outputs[-1]
    )


def _row(w: Windows) -> tuple[int, int]:
    """Return how many zeros stand before a row of dy, and the length of the row with zeros.

    The zeros behind a row are those before the next one.
    """
    size, outputs, before = w.sizes[-1], w.outputs[-1], w.before[-1]
    left, right = w.kernel[-1] - 1 - before, size + before - outputs
    return left, max(size, outputs + max(left, right))


def _fold_rows(dy: Array, kernel: Array, dx: Array, w: Windows, ctx: Context) -> None:
    """Add to dx what comes back along whole rows, one row of the kernel after the other.

    A place of the input gets back what the KW outputs around it send: their numbers lie side by
    side in a row of dy, (R, F), so that the sum over them is a part of the matrix product. Windows
    that overlap are no matrix for BLAS; but each KW-th of them are, without a copy, so there are KW
    products. Only the rows of the kernel, KH, are left to be added up: three of 3 x 3.

    Arguments:
        dy, dx, w, ctx: as for `fold_product`.
        kernel: (KH KW, F, C).
    """
    (_, filters, channels), width = kernel.shape, w.kernel[-1]
    left, length = _row(w)
    lines = len(kernel) // width
    by_line = kernel.reshape(lines, width, filters, channels)[:, ::-1].transpose(1, 2, 0, 3)
    matrix = ctx.buffer("flipped", (width * filters, lines * channels))
    np.copyto(matrix.reshape(by_line.shape), by_line)
    rows = prod(w.outputs[:-1])
    for part in parts_of(len(dy), rows * length * lines * channels, SPREAD):
        n = len(dy[part])
        total = n * rows * length
        padded = ctx.buffer("rows", (total + width - 1, filters))
        inside = padded[left : left + total].reshape(n, *w.outputs[:-1], length, filters)
        padded[:left] = padded[left + total :] = 0
        inside[..., w.outputs[-1] :, :] = 0
        np.copyto(inside[..., : w.outputs[-1], :], dy[part])
        sent = ctx.buffer("sent", (total, lines * channels))
        for first in range(width):
            out = sent[first::width]
            seen = padded[first : first + width * len(out)]
            np.matmul(seen.reshape(len(out), -1), matrix, out=out)
        by_place = sent.reshape(n, *w.outputs[:-1], length, lines, channels)
        for line, (where, reached) in enumerate(w.leading.taps):
            into = dx[part][:, *reached]
            np.add(into, by_place[..., line, :][:, *where, : w.sizes[-1]], out=into)
