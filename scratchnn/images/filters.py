"""Filters: each pixel from those around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array


def correlate(images: Array, kernel: Array) -> Array:
    """Return the sums of the pixels around each, weighted; beyond the edges are zeros.

    Arguments:
        images: (N, H, W, C).
        kernel: (KH, KW), odd sizes; one for all channels.

    Returns:
        (N, H, W, C).

    Example:
        >>> correlate(np.ones((1, 1, 4, 1)), np.ones((1, 3)))[0, 0, :, 0]
        array([2., 3., 3., 2.])
    """
    n, height, width, channels = images.shape
    tall, wide = kernel.shape
    pads = ((0, 0), (tall // 2, tall // 2), (wide // 2, wide // 2), (0, 0))
    padded = np.pad(images, pads).reshape(n, height + tall - 1, -1)
    out = np.zeros((n, height, width * channels), images.dtype)
    part = np.empty_like(out)
    for i in range(tall):
        for j in range(wide):
            left = j * channels
            np.multiply(
                padded[:, i : i + height, left : left + width * channels], kernel[i, j], out=part
            )
            out += part
    return out.reshape(images.shape)


def gaussian_kernels(size: Sequence[int], sigma: Any, dtype: np.dtype[np.floating]) -> list[Array]:
    """Return the kernels whose correlations, one after another, are Keras's Gaussian blur.

    For a square of pixels these are one along the columns, of sigma[1], and one along the rows, of
    sigma[0]. For another size Keras reads the product of the two, (size[1], size[0]), as if it
    were (size[0], size[1]), and so do we.
    """
    along_x, along_y = (
        _bell(int(length), dtype.type(spread), dtype)
        for length, spread in zip(size, sigma, strict=True)
    )
    if size[0] == size[1]:
        return [along_y[:, np.newaxis], along_x[np.newaxis]]
    return [np.outer(along_y, along_x).reshape(int(size[0]), int(size[1]))]


def _bell(size: int, sigma: Any, dtype: np.dtype[np.floating]) -> Array:
    x = np.arange(size, dtype=dtype) - dtype.type((size - 1) / 2)
    bell = np.exp(dtype.type(-0.5) * np.square(x / sigma))
    return np.asarray(bell / bell.sum())
