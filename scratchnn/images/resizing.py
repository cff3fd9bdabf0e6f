"""Resizing images: each output pixel is a weighted mean of input pixels, axis by axis.

Along an axis of n pixels the centre of output pixel i lies at (i + 1/2) n / m - 1/2 among the
inputs. The weights of a row form a matrix (m, n) with few entries in a row: two for 'bilinear'.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..context import Context


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

CACHED = 2**17
"""How many elements of images are worked on at once."""

INTERPOLATIONS = (*KERNELS, "nearest", "area")


class Taps(NamedTuple):
    """The entries of a matrix of weights that are not 0: `places` (K, m) and `weights` (K, m).

    Row i of the matrix has weights[k, i] in the column places[k, i], for all k.
    """

    places: Array
    weights: Array

    @property
    def is_selection(self) -> bool:
        """Whether each output pixel is one of the inputs."""
        return len(self.weights) == 1 and bool((self.weights == 1).all())

    @property
    def is_between(self) -> bool:
        """Whether each output pixel lies between two of the inputs."""
        return len(self.weights) == 2 and bool((self.weights.sum(axis=0) == 1).all())

    def matrix(self, n: int) -> Array:
        """Return the matrix (m, n)."""
        matrix = np.zeros((self.places.shape[1], n), self.weights.dtype)
        np.add.at(matrix, (np.arange(len(matrix)), self.places), self.weights)
        return matrix


def weights(n: int, m: int, interpolation: str, antialias: bool = False) -> Array:
    """Return the weights (m, n) of n input pixels in m output pixels.

    Arguments:
        n, m: the sizes.
        interpolation: one of INTERPOLATIONS.
        antialias: whether an output pixel of a smaller image takes in all the input pixels that it
            covers; no difference to 'nearest' and 'area'.

    Raises:
        ValueError: for another interpolation.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {INTERPOLATIONS}. Received: {interpolation!r}."
        )
    here, there = np.arange(n), np.arange(m, dtype=np.float32)[:, np.newaxis]
    half = np.float32(0.5)
    scale = np.float32(n) / np.float32(m)  # in float32, as TensorFlow has it
    if interpolation == "nearest":
        nearest = np.minimum(((there + half) * scale).astype(np.intp), n - 1)
        return np.asarray(here == nearest, np.float64)
    if interpolation == "area":  # the share of the output pixel that an input pixel covers
        low, high = there * scale, (there + 1) * scale
        left, right = here.astype(np.float32), here.astype(np.float32) + 1
        overlap = np.maximum(np.minimum(high, right) - np.maximum(low, left), 0)
        within = (left < low) & (right > high)
        return np.where(within, 1.0, overlap / np.float64(scale))
    if interpolation not in ("bilinear", "bicubic") or antialias:
        scale = 1 / (np.float32(m) / np.float32(n))  # another op of TensorFlow's
    centres = (there + half) * scale - half
    if interpolation == "bicubic" and not antialias:  # looked up in a table this fine
        centres = np.round(centres * 1024) / 1024
    width = max(float(scale), 1.0) if antialias else 1.0
    matrix = KERNELS[interpolation]((here - centres.astype(np.float64)) / width)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


@functools.lru_cache(maxsize=32)
def taps(n: int, m: int, interpolation: str, antialias: bool = False) -> Taps:
    """Return the entries of `weights` that are not 0."""
    matrix = weights(n, m, interpolation, antialias)
    matrix[np.abs(matrix) < 1e-10] = 0  # the sine of a multiple of pi, rounded
    most = max(np.count_nonzero(matrix, axis=1), default=0)
    places = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]
    return Taps(places.T.copy(), np.take_along_axis(matrix, places, axis=1).T.copy())


def resize(
    images: Array,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    ctx: Context | None = None,
) -> Array:
    """Return images of another size, as TensorFlow resizes them.

    Arguments:
        images: (..., H, W, C).
        size: the new (H, W).
        interpolation: one of INTERPOLATIONS.
        antialias: whether an output pixel of a smaller image takes in all pixels it covers.
        ctx: whose buffers to use; new arrays if it is not given.

    Returns:
        (..., H', W', C): float32 or float64, or for 'nearest' the dtype of the images.

    Raises:
        ValueError: for another interpolation.

    Example:
        >>> resize(np.array([[[0.0], [4.0]]]), (1, 4))[0, :, 0]
        array([0., 1., 3., 4.])
    """
    *batch, height, width, channels = images.shape
    rows = taps(height, size[0], interpolation, antialias)
    columns = taps(width, size[1], interpolation, antialias)
    if images.dtype.kind != "f" and interpolation != "nearest":
        images = images.astype(np.float32)
    ctx = ctx or Context(dtype=images.dtype)
    samples = math.prod(batch)
    images = images.reshape(samples, height, width, channels)
    y = ctx.buffer("y", (samples, *size, channels), images.dtype)
    # Rows first, for they lie side by side; for 'bilinear' columns, as TensorFlow has it.
    steps = [(_mix_columns, columns), (_mix_rows, rows)]
    steps = steps if interpolation == "bilinear" else steps[::-1]
    for part in batches(samples, height * width * channels):
        inner = steps[0][0](images[part], steps[0][1], None, ctx)
        steps[1][0](inner, steps[1][1], y[part], ctx)
    return y.reshape(*batch, *size, channels)


def batches(samples: int, size: int) -> Iterator[slice]:
    """Yield slices of as many samples of `size` elements as stay in the processor's cache."""
    step = max(CACHED // max(size, 1), 1)
    for start in range(0, samples, step):
        yield slice(start, start + step)


def _mix_columns(x: Array, taps: Taps, out: Array | None, ctx: Context) -> Array:
    n, h, w, c = x.shape
    shape = (n * h, taps.places.shape[1], c)
    y = ctx.buffer("inner", shape, x.dtype) if out is None else out.reshape(shape)
    return _mix(x.reshape(n * h, w, c), taps, y, ctx).reshape(n, h, -1, c)


def _mix_rows(x: Array, taps: Taps, out: Array | None, ctx: Context) -> Array:
    n, h, w, c = x.shape
    shape = (n, taps.places.shape[1], w * c)
    y = ctx.buffer("inner", shape, x.dtype) if out is None else out.reshape(shape)
    return _mix(x.reshape(n, h, w * c), taps, y, ctx).reshape(n, -1, w, c)


def _mix(x: Array, taps: Taps, y: Array, ctx: Context) -> Array:
    """Return the sums of x[:, places] * weights over the taps, (A, n, R) -> (A, m, R)."""
    np.take(x, taps.places[0], axis=1, out=y, mode="clip")
    if taps.is_selection:
        return y
    part = ctx.buffer("part", y.shape, y.dtype)
    flat = (len(y), y.shape[1] * y.shape[2]) if y.shape[2] < 16 else y.shape
    total, addend = y.reshape(flat), part.reshape(flat)
    if len(flat) == 2:  # the weights once for each channel: one long inner loop
        factors = np.repeat(taps.weights, y.shape[2], axis=1).astype(y.dtype)
    else:
        factors = taps.weights[:, :, np.newaxis].astype(y.dtype)
    if not taps.is_between:
        total *= factors[0]
    for places, factor in zip(taps.places[1:], factors[1:], strict=True):
        np.take(x, places, axis=1, out=part, mode="clip")
        if taps.is_between:  # a + (b - a) w rounds as TensorFlow's does
            addend -= total
        addend *= factor
        total += addend
    return y


def resize_backward(
    dy: Array,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    ctx: Context | None = None,
) -> Array:
    """Return the gradient of images of `size`, (..., H, W, C), given that of what they became.

    Resizing is y = R x C' along the rows and columns, and dx = R' dy C.
    """
    *batch, height, width, channels = dy.shape
    ctx = ctx or Context(dtype=dy.dtype)
    samples = math.prod(batch)
    rows = taps(size[0], height, interpolation, antialias).matrix(size[0]).astype(dy.dtype)
    columns = taps(size[1], width, interpolation, antialias).matrix(size[1]).astype(dy.dtype)
    wide = ctx.buffer("wide", (samples * height, size[1], channels), dy.dtype)
    np.matmul(columns.T, dy.reshape(samples * height, width, channels), out=wide)
    dx = ctx.buffer("dx", (samples, size[0], size[1] * channels), dy.dtype)
    np.matmul(rows.T, wide.reshape(samples, height, size[1] * channels), out=dx)
    return dx.reshape(*batch, *size, channels)


def crop_box(shape: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of the largest middle part with the proportions of `size`."""
    (height, width), (target_height, target_width) = shape, size
    tall = max(min(height, int(width * target_height / target_width)), 1)
    wide = max(min(width, int(height * target_width / target_height)), 1)
    top, left = (height - tall) // 2, (width - wide) // 2
    return slice(top, top + tall), slice(left, left + wide)


def borders(shape: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return how many pixels above and below, left and right give images the shape of `size`."""
    (height, width), (target_height, target_width) = shape, size
    tall = max(height, int(width * target_height / target_width))
    wide = max(width, int(height * target_width / target_height))
    return (tall - height) // 2, (wide - width) // 2


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
