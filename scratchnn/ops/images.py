"""Blocks of images: taken out of them, put back, exchanged for channels; and a measure of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array
from .tensors import ArrayLike, Result, floats, op, to_array

__all__ = ["depth_to_space", "fold", "polar", "psnr", "space_to_depth", "unfold"]


@op
def unfold(
    x: ArrayLike, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Result:
    """The blocks of images that a kernel sees at each of its places.

    Arguments:
        x: (N, C, H, W).
        kernel_size: the size of a block (KH, KW), or one number for both.
        dilation: the distance of its elements.
        padding: how many zeros around the image.
        stride: how far the next block is from it.

    Returns:
        (N, C KH KW, L), where L is the number of places.

    Raises:
        ValueError: for another rank.

    Example:
        >>> unfold([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], 2)[0, :, 0]
        Tensor([1, 2, 4, 5], dtype=int32)
    """
    x = to_array(x)
    if x.ndim != 4:
        raise ValueError(f"unfold expected shape (N, C, H, W). Received: {x.shape}.")
    ph, pw = _two(padding)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kernel = _two(kernel_size)
    blocks = [x[:, :, *part] for part in _parts(x.shape[2:], kernel, _two(dilation), _two(stride))]
    stacked = np.stack(blocks, axis=2)  # (N, C, KH KW, rows, columns)
    return stacked.reshape(len(x), x.shape[1] * math.prod(kernel), -1)


@op
def fold(
    x: ArrayLike,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Result:
    """The images that blocks add up to: what `unfold` took apart, with overlaps added.

    Arguments:
        x: (N, C KH KW, L).
        output_size: (H, W), or one number for both.
        kernel_size, dilation, padding, stride: as for `unfold`.

    Returns:
        (N, C, H, W).

    Raises:
        ValueError: for another rank.
    """
    x = to_array(x)
    if x.ndim != 3:
        raise ValueError(f"fold expected shape (N, C KH KW, L). Received: {x.shape}.")
    (h, w), (ph, pw), kernel = _two(output_size), _two(padding), _two(kernel_size)
    size = (h + 2 * ph, w + 2 * pw)
    parts = _parts(size, kernel, _two(dilation), _two(stride))
    images = np.zeros((len(x), x.shape[1] // len(parts), *size), x.dtype)
    blocks = x.reshape(*images.shape[:2], len(parts), -1)
    for k, part in enumerate(parts):
        target = images[:, :, *part]
        target += blocks[:, :, k].reshape(target.shape)
    return images[:, :, ph : ph + h, pw : pw + w]


def _two(value: Any) -> tuple[int, int]:
    h, w = (value, value) if isinstance(value, int) else value
    return h, w


def _parts(size: Any, kernel: Any, dilation: Any, stride: Any) -> list[tuple[slice, slice]]:
    """Return for each element of a kernel where it comes to lie in an image: rows and columns."""
    places = []
    for n, k, d, s in zip(size, kernel, dilation, stride, strict=True):
        last = n - d * (k - 1)  # the first element of the kernel stays below
        places.append([slice(i * d, i * d + last, s) for i in range(k)])
    return [(rows, columns) for rows in places[0] for columns in places[1]]


@op
def space_to_depth(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Result:
    """Images with each block of pixels as the channels of one pixel.

    Arguments:
        x: (N, H, W, C), or (N, C, H, W).
        block_size: B, which divides H and W.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        (N, H / B, W / B, B B C), or the channels first.

    Raises:
        ValueError: for B < 2, or one that does not divide H and W.

    Example:
        >>> space_to_depth(np.zeros((1, 4, 4, 3)), 2).shape
        (1, 2, 2, 12)
    """
    x, first = _channels_last(x, block_size, data_format)
    n, h, w, c = x.shape
    b = block_size
    x = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(n, h // b, w // b, b * b * c)
    return np.moveaxis(x, -1, 1) if first else x


@op
def depth_to_space(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Result:
    """Images with the channels of each pixel as a block of pixels: undoes `space_to_depth`.

    Arguments:
        x: (N, H, W, C), or (N, C, H, W).
        block_size: B, whose square divides C.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        (N, B H, B W, C / (B B)), or the channels first.

    Raises:
        ValueError: for B < 2, or one whose square does not divide C.
    """
    x, first = _channels_last(x, block_size, data_format)
    n, h, w, c = x.shape
    b = block_size
    x = x.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(n, h * b, w * b, c // (b * b))
    return np.moveaxis(x, -1, 1) if first else x


def _channels_last(x: Any, block_size: int, data_format: str) -> tuple[Array, bool]:
    first = config.standardize_data_format(data_format) == "channels_first"
    if block_size < 2:
        raise ValueError(f"block_size must be at least 2. Received: {block_size}.")
    return (np.moveaxis(to_array(x), 1, -1) if first else to_array(x)), first


@op
def psnr(x1: ArrayLike, x2: ArrayLike, max_val: float) -> Result:
    """The peak signal-to-noise ratio, 20 log10(max_val) - 10 log10(mean((x1 - x2)^2)).

    Arguments:
        x1, x2: of one shape.
        max_val: the largest value that an element can have.

    Raises:
        ValueError: for shapes that differ.
    """
    a, b = floats(x1), floats(x2)
    if a.shape != b.shape:
        raise ValueError(f"psnr expected one shape. Received: {a.shape} and {b.shape}.")
    return 20 * np.log10(b.dtype.type(max_val)) - 10 * np.log10(np.mean(np.square(a - b)))


@op
def polar(abs_: ArrayLike, angle: ArrayLike) -> Result:
    """The complex numbers of some lengths and angles: abs_ (cos(angle) + i sin(angle))."""
    length, turn = floats(abs_), floats(angle)
    return length * np.cos(turn) + 1j * (length * np.sin(turn))
