"""Warping images: each output pixel is read at a place of its own in the input.

A transformation of eight numbers (a0, a1, a2, b0, b1, b2, c0, c1) sends the output pixel (x, y) to

    ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k),    k = c0 x + c1 y + 1,

between the pixels of the input or beyond its edges, where the fill mode says what is read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from .resizing import batches

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "reflect")


def warp(
    images: Array,
    transforms: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    ctx: Context | None = None,
    name: str = "y",
) -> Array:
    """Return images with each output pixel read where its transformation says.

    Arguments:
        images: (N, H, W, C), float.
        transforms: (N, 8), or (1, 8) for all images; see the head of this file.
        interpolation: 'nearest' or 'bilinear'.
        fill_mode: what lies beyond the edges: 'constant', the `fill_value`; 'nearest', the edge's
            pixels; 'reflect', (c b a | a b c | c b a); 'wrap', (a b c | a b c | a b c).
        ctx: whose buffers to use; new arrays if it is not given.
        name: the output's buffer.

    Returns:
        (N, H, W, C), of the images' dtype.

    Example:
        >>> shifted = warp(np.arange(3.0).reshape(1, 1, 3, 1), np.eye(3).reshape(1, 9)[:, :8])
        >>> shifted[0, 0, :, 0]
        array([0., 1., 2.])
    """
    ctx = ctx or Context(dtype=images.dtype)
    transforms = np.broadcast_to(transforms.astype(np.float32, copy=False), (len(images), 8))
    out = ctx.buffer(name, images.shape, images.dtype)
    for part in batches(len(images), 3 * math.prod(images.shape[1:])):
        _warp(images[part], transforms[part], interpolation, fill_mode, fill_value, out[part], ctx)
    return out


def _warp(
    images: Array,
    transforms: Array,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    out: Array,
    ctx: Context,
) -> None:
    x, y, horizon = _places(transforms, images.shape[:3], ctx)
    _into_range(x, images.shape[2], fill_mode, ctx)
    _into_range(y, images.shape[1], fill_mode, ctx)
    border = int(fill_mode == "constant")  # what is beyond the edges is then one pixel more
    bordered = _with_border(images, border, fill_value, ctx)
    read = _nearest if interpolation == "nearest" else _bilinear
    read(bordered, x, y, border, out, ctx)
    if horizon is not None:
        out[horizon] = fill_value


def invert(transforms: Array) -> Array:
    """Return the transformations that undo these: (N, 8) float32."""
    matrices = np.ones((len(transforms), 9), np.float32)
    matrices[:, :8] = transforms
    inverse = np.linalg.inv(matrices.reshape(-1, 3, 3)).reshape(-1, 9)
    return np.asarray(inverse[:, :8] / inverse[:, 8:])


def homographies(start_points: Array, end_points: Array) -> Array:
    """Return the transformations that read, at the end points, what was at the start points.

    Arguments:
        start_points, end_points: (N, 4, 2), float32: four corners (x, y) each.

    Returns:
        (N, 8), float32.
    """
    (x, y), (u, v) = (np.moveaxis(p, -1, 0) for p in (end_points, start_points))  # (N, 4) each
    system = np.zeros((len(x), 4, 2, 8), np.float32)
    system[:, :, 0, 0] = system[:, :, 1, 3] = x
    system[:, :, 0, 1] = system[:, :, 1, 4] = y
    system[:, :, 0, 2] = system[:, :, 1, 5] = 1
    system[:, :, 0, 6], system[:, :, 0, 7] = -u * x, -u * y
    system[:, :, 1, 6], system[:, :, 1, 7] = -v * x, -v * y
    target = start_points.reshape(-1, 8, 1).astype(np.float32, copy=False)
    return np.asarray(np.linalg.solve(system.reshape(-1, 8, 8), target)[..., 0])


def _places(
    transforms: Array, shape: tuple[int, int, int], ctx: Context
) -> tuple[Array, Array, Array | None]:
    """Return where each output pixel is read: x and y, (N, H, W), float32.

    The third is true where that is infinitely far away, or None if it is so nowhere.
    """
    columns = np.arange(shape[2], dtype=np.float32)
    rows = np.arange(shape[1], dtype=np.float32)[:, np.newaxis]
    a0, a1, a2, b0, b1, b2, c0, c1 = (column[:, np.newaxis, np.newaxis] for column in transforms.T)
    part = ctx.buffer("part", shape, np.float32)

    def linear(name: str, u: Array, v: Array, w: Any) -> Array:
        out = ctx.buffer(name, shape, np.float32)
        out[...] = u * columns
        part[...] = v * rows
        np.add(out, part, out=out)
        out += w
        return out

    x, y = linear("x", a0, a1, a2), linear("y place", b0, b1, b2)
    if transforms[:, 6:].any():
        k = linear("k", c0, c1, np.float32(1))
        horizon = k == 0
        k[horizon] = 1
        x /= k
        y /= k
        return x, y, horizon
    return x, y, None


def _into_range(x: Array, size: int, fill_mode: str, ctx: Context) -> None:
    """Replace places beyond the edges by those within that the fill mode reads instead."""
    last = np.float32(size - 1)
    if fill_mode == "constant":
        np.clip(x, -1, size, out=x)  # where there is nothing but the border
        return
    if fill_mode == "reflect":  # |x| into a period of 2 sizes, of which the second half runs back
        part = ctx.buffer("part", x.shape, np.float32)
        negative = np.less(x, 0, out=ctx.buffer("negative", x.shape, bool))
        np.abs(x, out=x)
        np.divide(x, np.float32(2 * size), out=part)
        np.trunc(part, out=part)
        part *= np.float32(2 * size)
        x -= part
        np.subtract(x, 1, out=x, where=negative)
        np.subtract(np.float32(2 * size - 1), x, out=part)
        np.minimum(x, part, out=x)
    elif fill_mode == "wrap" and size > 1:
        turns = np.trunc(x / last)
        x -= np.float32(size) * np.where(x < 0, turns - 1, np.where(x > last, turns, 0))
    np.clip(x, 0, last, out=x)


def _with_border(images: Array, border: int, fill_value: float, ctx: Context) -> Array:
    """Return images with `border` pixels before and one more after them: (N, H', W', C)."""
    n, height, width, channels = images.shape
    shape = (n, height + 2 * border + 1, width + 2 * border + 1, channels)
    bordered = ctx.buffer("bordered", shape, images.dtype)
    rows, columns = slice(border, border + height), slice(border, border + width)
    bordered[:, :border] = bordered[:, border + height :] = fill_value
    bordered[:, rows, :border] = bordered[:, rows, border + width :] = fill_value
    bordered[:, rows, columns] = images
    return bordered


def _index(images: Array, x: Array, y: Array, border: int, ctx: Context) -> Array:
    """Return the indices of pixels (y, x), whole numbers, in the flat array of the first channel.

    `x` is used up.
    """
    n, height, width, channels = images.shape
    index = ctx.buffer("index", x.shape, np.intp)
    np.copyto(index, y, casting="unsafe")
    index *= width
    np.copyto(part := ctx.buffer("column", x.shape, np.intp), x, casting="unsafe")
    index += part
    index += (np.arange(n) * (height * width) + border * (width + 1))[:, np.newaxis, np.newaxis]
    index *= channels
    return index


def _nearest(images: Array, x: Array, y: Array, border: int, out: Array, ctx: Context) -> None:
    for place in (x, y):  # halves are rounded away from 0; no place is less than -1
        place += np.float32(0.5)
        whole = np.floor(place, out=ctx.buffer("part", x.shape, np.float32))
        halves = np.equal(place, whole, out=ctx.buffer("negative", x.shape, bool))
        halves &= place <= 0
        np.subtract(whole, 1, out=place, where=halves)
        np.copyto(place, whole, where=~halves)
    index = _index(images, x, y, border, ctx)
    flat, values = images.reshape(-1), ctx.buffer("values", x.shape, images.dtype)
    for channel in range(images.shape[-1]):
        np.take(flat[channel:], index, out=values, mode="clip")
        out[..., channel] = values


def _bilinear(images: Array, x: Array, y: Array, border: int, out: Array, ctx: Context) -> None:
    """Weigh the four pixels around (x, y), channel by channel: long inner loops, no (..., C)."""
    dtype = images.dtype
    left = np.floor(x, out=ctx.buffer("left", x.shape, np.float32))
    top = np.floor(y, out=ctx.buffer("top", x.shape, np.float32))
    right_share = np.subtract(x, left, out=ctx.buffer("right share", x.shape, dtype))
    lower_share = np.subtract(y, top, out=ctx.buffer("lower share", x.shape, dtype))
    index = _index(images, left, top, border, ctx)
    flat, (_, _, width, channels) = images.reshape(-1), images.shape

    def read(name: str, offset: int) -> Array:
        values = ctx.buffer(name, x.shape, dtype)
        return np.take(flat[offset:], index, out=values, mode="clip")

    def between(first: Array, second: Array, share: Array) -> Array:
        second -= first
        second *= share
        first += second
        return first

    for channel in range(channels):
        here, below = channel, channel + width * channels
        upper = between(read("values", here), read("beside", here + channels), right_share)
        lower = between(read("below", below), read("beside", below + channels), right_share)
        out[..., channel] = between(upper, lower, lower_share)
