"""Small pictures of arrays for a page: heat maps as PNG, histograms as SVG; nothing to install."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from ..arrays import Array
from .statistics import is_numeric

_POSITIVE, _NEGATIVE = (226, 103, 17), (38, 128, 240)  # on white and on black alike
_BAD = 255  # the place of numbers that are not finite among the colours


def heat_map(array: Array, samples_first: bool, cells: int) -> str:
    """Return an <img> of an array: orange above zero, blue below, and the page itself at zero.

    Larger arrays are shown by the means of blocks.

    Arguments:
        array: of any shape; it is drawn as a matrix with the first axis down, if these are the
            samples, else with the last axis across.
        samples_first: see above.
        cells: the most pixels to use.
    """
    if not is_numeric(array):
        return ""
    matrix = as_matrix(array, samples_first)
    shown = _means(matrix, *_size(matrix.shape, cells))
    bad = ~np.isfinite(shown)
    shown[bad] = 0
    top = np.abs(shown).max()
    levels = 127 + np.rint(shown / (top or 1) * 127)
    levels[bad] = _BAD
    data = base64.b64encode(_png(levels.astype(np.uint8))).decode()
    height, width = shown.shape
    scale = max(1, min(150 // width, 96 // height, 12))
    return (
        f'<img alt="heat map, {matrix.shape[0]} by {matrix.shape[1]}, full colour is {top:.3g}" '
        f'width="{min(width * scale, 150)}" height="{max(height * scale, 8)}" '
        f'src="data:image/png;base64,{data}">'
    )


def as_matrix(array: Array, samples_first: bool) -> Array:
    """Return an array as a matrix of numbers."""
    values = array.astype(np.float64)
    if values.ndim < 2:
        return values.reshape(1, -1)
    return (
        values.reshape(len(values), -1) if samples_first else values.reshape(-1, values.shape[-1])
    )


def _size(shape: tuple[int, ...], cells: int) -> tuple[int, int]:
    """Return how many rows and columns to draw."""
    rows, columns = min(shape[0], 96), min(shape[1], 224)
    if rows * columns > cells:
        shrink = (cells / (rows * columns)) ** 0.5
        rows = max(1, min(rows, int(rows * shrink)))
        columns = max(1, min(columns, cells // rows))
    return rows, columns


def _means(matrix: Array, rows: int, columns: int) -> Array:
    """Return the means of blocks of a matrix."""
    for axis, count in ((0, rows), (1, columns)):
        size = matrix.shape[axis]
        if count < size:
            edges = np.arange(count) * size // count
            sums = np.add.reduceat(matrix, edges, axis=axis)
            lengths = np.diff(np.append(edges, size))
            matrix = sums / (lengths[:, np.newaxis] if axis == 0 else lengths)
    return matrix


def _png(levels: Array) -> bytes:
    """Return a PNG of palette numbers (H, W), uint8."""
    height, width = levels.shape
    colors = [_NEGATIVE] * 127 + [_POSITIVE] * 128 + [(200, 0, 200)]
    opacity = bytes([*(round(255 * (abs(i - 127) / 127) ** 0.5) for i in range(255)), 255])
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(value for color in colors for value in color)),
            _chunk(b"tRNS", opacity),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def histogram(array: Array, bins: int = 32) -> str:
    """Return an <svg> of how often which value occurs, with a line at zero."""
    if not is_numeric(array):
        return ""
    values = array[np.isfinite(array)].astype(np.float64).ravel()
    if not values.size:
        return ""
    low, high = float(values.min()), float(values.max())
    if low + (high - low) / bins == low:  # or too close for bins between them
        return f'<span class="same">all {low:.4g}</span>'
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    tops = np.rint(40 - 38 * np.sqrt(counts / counts.max())).astype(int)
    # One bar after the other, each as its top edge: H goes across, V up or down.
    path = "M0 40" + "".join(f"V{top}H{4 * (i + 1)}" for i, top in enumerate(tops)) + "V40Z"
    zero = ""
    if low < 0 < high:
        x = 4 * bins * -low / (high - low)
        zero = f'<path class="zero" d="M{x:.1f} 0V40"/>'
    return (
        f'<svg role="img" aria-label="histogram from {low:.3g} to {high:.3g}" '
        f'viewBox="0 0 {4 * bins} 40"><path d="{path}"/>{zero}</svg>'
    )
