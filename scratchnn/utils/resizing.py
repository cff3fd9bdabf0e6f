"""Resizing images: each output pixel is a weighted mean of input pixels, axis by axis.

Along an axis of n pixels the centre of output pixel i lies at (i + 1/2) n / m - 1/2 among the
inputs. The weights of a row form a matrix (m, n), so that resizing is two matrix products.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Array


def _triangle(x: Array) -> Array:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _keys_cubic(x: Array) -> Array:
    x = np.abs(x)
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _mitchell_cubic(x: Array) -> Array:
    x = np.abs(x)
    near = ((7 * x - 12) * x) * x / 6 + 8 / 9
    far = (((-7 * x + 36) * x - 60) * x + 32) / 18
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _gaussian(x: Array) -> Array:
    return np.where(np.abs(x) < 1.5, np.exp(-2 * x * x), 0)


def _lanczos(radius: int) -> Callable[[Array], Array]:
    def kernel(x: Array) -> Array:
        return np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0)

    return kernel


KERNELS: dict[str, Callable[[Array], Array]] = {
    "bilinear": _triangle,
    "bicubic": _keys_cubic,
    "gaussian": _gaussian,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "mitchellcubic": _mitchell_cubic,
}

INTERPOLATIONS = (*KERNELS, "nearest", "area")


def resize(images: Array, size: tuple[int, int], interpolation: str = "bilinear") -> Array:
    """Return images of another size, as TensorFlow resizes them (without antialiasing).

    Arguments:
        images: (..., H, W, C).
        size: the new (H, W).
        interpolation: one of INTERPOLATIONS.

    Returns:
        (..., H', W', C): float32, or for 'nearest' the dtype of the images.

    Raises:
        ValueError: for another interpolation.

    Example:
        >>> resize(np.array([[[0.0], [4.0]]]), (1, 4))[0, :, 0]
        array([0., 1., 3., 4.], dtype=float32)
    """
    height, width = images.shape[-3:-1]
    if interpolation == "nearest":
        rows, columns = _nearest(height, size[0]), _nearest(width, size[1])
        return images[..., rows[:, np.newaxis], columns, :]
    rows, columns = (
        _weights(n, m, interpolation) for n, m in zip((height, width), size, strict=True)
    )
    # rows @ images, then columns @ that, with the channels carried along
    images = images.astype(np.float32, copy=False)
    tall = np.moveaxis(np.tensordot(images, rows, axes=(-3, 1)), -1, -3)
    return np.ascontiguousarray(np.moveaxis(np.tensordot(tall, columns, axes=(-2, 1)), -1, -2))


def _nearest(n: int, m: int) -> Array:
    return np.minimum(((np.arange(m) + 0.5) * (n / m)).astype(np.intp), n - 1)


def _weights(n: int, m: int, interpolation: str) -> Array:
    """Return the weights (m, n) of n input pixels in m output pixels."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {INTERPOLATIONS}. Received: {interpolation!r}."
        )
    scale = n / m
    if interpolation == "area":  # the overlap of output pixel and input pixel
        low = np.arange(m)[:, np.newaxis] * scale
        here = np.arange(n)
        weights = np.clip(np.minimum(low + scale, here + 1) - np.maximum(low, here), 0, None)
    else:
        centres = (np.arange(m)[:, np.newaxis] + 0.5) * scale - 0.5
        if interpolation == "bicubic":  # TensorFlow looks its weights up in a table this fine
            centres = np.round(centres * 1024) / 1024
        weights = KERNELS[interpolation](np.arange(n) - centres)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def crop_box(shape: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of the largest middle part with the proportions of `size`."""
    (height, width), (target_height, target_width) = shape, size
    tall = min(height, int(width * target_height / target_width))
    wide = min(width, int(height * target_width / target_height))
    top, left = (height - tall) // 2, (width - wide) // 2
    return slice(top, top + tall), slice(left, left + wide)


def resize_with_pad(images: Array, size: tuple[int, int], interpolation: str = "bilinear") -> Array:
    """Return images resized in their own proportions, with black at the sides to fill `size`."""
    height, width = images.shape[-3:-1]
    ratio = max(height / size[0], width / size[1])
    exact = height / ratio, width / ratio
    inner = max(int(exact[0]), 1), max(int(exact[1]), 1)
    resized = resize(images, inner, interpolation)
    out = np.zeros((*images.shape[:-3], *size, images.shape[-1]), resized.dtype)
    top, left = (int((outer - own) / 2) for outer, own in zip(size, exact, strict=True))
    out[..., top : top + inner[0], left : left + inner[1], :] = resized
    return out
