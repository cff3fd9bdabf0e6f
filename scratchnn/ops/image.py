"""Operations on images (as `keras.ops.image`): resized, warped, cut, and in other colours.

Images are (H, W, C) or (N, H, W, C), or with the channels first; `data_format` says which, and
None stands for `config.image_data_format()`. Results have the dtype of the images.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..images import colors, filters, warping
from ..refusals import refuse
from .image_parts import (
    crop_images,
    extract_patches,
    extract_patches_3d,
    given_back,
    one_of,
    pad_images,
    taken,
)
from .tensors import ArrayLike, Result, op, to_array

__all__ = [
    "affine_transform",
    "crop_images",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "sobel_edges",
]

MISSING = {
    "elastic_transform": "affine_transform and map_coordinates are what moves pixels here",
    "scale_and_translate": "resize, or affine_transform, does one or the other",
    "ssim": "psnr, of ops, is the measure of images that there is",
}
"""The names of keras.ops.image that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)

# --- size and place


@op
def resize(
    images: ArrayLike,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Result:
    """Images of another size.

    Arguments:
        images: see the head of this file.
        size: the new (H, W).
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3' or 'lanczos5'.
        antialias: whether a pixel of a smaller image takes in all the pixels that it covers.
        crop_to_aspect_ratio: whether to cut off what does not fit rather than to distort.
        pad_to_aspect_ratio: whether to fill up what is missing, with `fill_value`, instead.
        fill_mode: 'constant'.

    Raises:
        ValueError: for other names, ranks or sizes, or both ways to keep the proportions.

    Example:
        >>> resize(np.float32([[[0], [4]]]), (1, 4))[0, :, 0]
        Tensor([0., 1., 3., 4.], dtype=float32)
    """
    from ..layers.preprocessing.image_sizes import Resizing

    if len(size) != 2:
        raise ValueError(f"Expected `size` to be (H, W). Received: size={size}.")
    layer = Resizing(
        *size,
        interpolation=interpolation,
        crop_to_aspect_ratio=crop_to_aspect_ratio,
        pad_to_aspect_ratio=pad_to_aspect_ratio,
        fill_mode=fill_mode,
        fill_value=fill_value,
        antialias=antialias,
        data_format=data_format,
        name="resize",
    )
    x = to_array(images)
    return layer(x).astype(x.dtype, copy=False)


@op
def affine_transform(
    images: ArrayLike,
    transform: ArrayLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Result:
    """Images whose pixel (x, y) is read at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k).

    k = c0 x + c1 y + 1.

    Arguments:
        images: see the head of this file.
        transform: (8,) or (N, 8): a0, a1, a2, b0, b1, b2, c0, c1.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: what is beyond the edges: 'constant', 'nearest', 'wrap' or 'reflect'.
        fill_value: for fill_mode 'constant'.

    Raises:
        ValueError: for other names, ranks or shapes.

    Example:
        >>> affine_transform(np.float32([[[1], [2], [3]]]), [1, 0, 1, 0, 1, 0, 0, 0])[0, :, 0]
        Tensor([2., 3., 0.], dtype=float32)
    """
    one_of("interpolation", interpolation, warping.INTERPOLATIONS)
    one_of("fill_mode", fill_mode, warping.FILL_MODES)
    transforms = to_array(transform).astype(np.float32)
    if transforms.ndim not in (1, 2) or transforms.shape[-1] != 8:
        raise ValueError(
            f"Expected `transform` of shape (8,) or (N, 8). Received: shape {transforms.shape}."
        )
    return _warped(images, transforms, interpolation, fill_mode, fill_value, data_format)


def _warped(
    images: Any,
    transforms: Array,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str | None,
) -> Array:
    x, first = taken(images, data_format)
    floats = x if x.dtype == np.float32 or interpolation == "nearest" else x.astype(np.float32)
    batch = floats if x.ndim == 4 else floats[np.newaxis]
    y = warping.warp(batch, transforms.reshape(-1, 8), interpolation, fill_mode, fill_value)
    return given_back(y.astype(x.dtype, copy=False).reshape(x.shape), first)


@op
def perspective_transform(
    images: ArrayLike,
    start_points: ArrayLike,
    end_points: ArrayLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Result:
    """Images as seen from another point of view: four points (x, y) move to four others.

    Arguments:
        images: see the head of this file.
        start_points, end_points: (4, 2) or (N, 4, 2): from where, and to where.
        interpolation: 'bilinear' or 'nearest'.
        fill_value: of what is beyond the edges.

    Raises:
        ValueError: for other names, ranks or shapes.
    """
    one_of("interpolation", interpolation, warping.INTERPOLATIONS)
    start, end = (to_array(p).astype(np.float32) for p in (start_points, end_points))
    if start.shape != end.shape or start.ndim not in (2, 3) or start.shape[-2:] != (4, 2):
        raise ValueError(
            "Expected start_points and end_points of one shape, (4, 2) or (N, 4, 2). "
            f"Received: {start.shape} and {end.shape}."
        )
    transforms = warping.homographies(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2))
    return _warped(images, transforms, interpolation, "constant", fill_value, data_format)


@op
def map_coordinates(
    inputs: ArrayLike,
    coordinates: ArrayLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
) -> Result:
    """The values of an array of rank R at places between its elements.

    Arguments:
        inputs: of rank R.
        coordinates: (R, ...), the places; float.
        order: 0 for the nearest element, 1 for a weighted mean of those around.
        fill_mode: what is beyond the edges: 'constant', 'nearest', 'wrap', 'mirror' or 'reflect'.
            As in Keras, 'reflect' and 'mirror' take a place -x for x.
        fill_value: for fill_mode 'constant'.

    Returns:
        coordinates.shape[1:], of the dtype of the inputs.

    Raises:
        ValueError: for other names or ranks.
        NotImplementedError: for another order.

    Example:
        >>> map_coordinates(np.float32([0, 10, 20]), [[0.5, 2.0]], order=1)
        Tensor([ 5., 20.], dtype=float32)
    """
    x, places = to_array(inputs), to_array(coordinates)
    one_of("fill_mode", fill_mode, ("constant", "nearest", "wrap", "mirror", "reflect"))
    if places.ndim < 2 or len(places) != x.ndim:
        raise ValueError(
            f"Expected `coordinates` of shape ({x.ndim}, ...), with one entry for each axis of the "
            f"inputs. Received: shape {places.shape}."
        )
    if order not in (0, 1):
        raise NotImplementedError(f"Expected order 0 or 1. Received: order={order!r}.")
    if places.dtype.kind != "f":
        places = places.astype(np.float32)
    corners: list[list[tuple[Array, Array, Any]]] = []
    for place, size in zip(places, x.shape, strict=True):
        lower = np.rint(place) if order == 0 else np.floor(place)
        share = place - lower
        nodes = [(lower, 1 if order == 0 else 1 - share), (lower + 1, share)][: order + 1]
        corners.append(
            [(*_within(at.astype(np.int64), size, fill_mode), weight) for at, weight in nodes]
        )
    total = np.zeros(places.shape[1:], places.dtype)
    for corner in np.ndindex(*(len(axis) for axis in corners)):
        index, valid, weight = zip(
            *(axis[k] for axis, k in zip(corners, corner, strict=True)), strict=True
        )
        values = x[index].astype(places.dtype)
        if fill_mode == "constant":
            values[~np.logical_and.reduce(valid)] = fill_value
        total += math.prod(weight[1:], start=weight[0]) * values
    return (np.rint(total) if x.dtype.kind in "iu" else total).astype(x.dtype)


def _within(index: Array, size: int, fill_mode: str) -> tuple[Array, Array]:
    """Return indices along an axis that exist, and which existed before."""
    valid = (index >= 0) & (index < size)
    if fill_mode in ("constant", "nearest"):
        return np.clip(index, 0, size - 1), valid
    if fill_mode == "wrap":
        return index % size, valid
    index = np.abs(index) % (2 * size)
    back = 2 * size - index - (fill_mode == "reflect")
    index = np.where(index < size, index, back)
    if (index >= size).any():
        raise ValueError(
            f"A place beyond the edge of an axis of size {size} has no mirror image in Keras. "
            "Use fill_mode='reflect'."
        )
    return index, valid


# --- colours and filters


@op
def rgb_to_grayscale(images: ArrayLike, data_format: str | None = None) -> Result:
    """Grey images, of one channel: 0.2989 r + 0.587 g + 0.114 b.

    Raises:
        ValueError: for another rank, or a number of channels that is not 1 or 3.

    Example:
        >>> rgb_to_grayscale(np.float32([[[100, 0, 0]]])).shape
        (1, 1, 1)
    """
    x, first = taken(images, data_format)
    if x.shape[-1] not in (1, 3):
        raise ValueError(f"Expected 1 or 3 channels. Received: {x.shape[-1]}.")
    if x.shape[-1] == 1:
        return given_back(x.copy(), first)
    floats = x if x.dtype.kind == "f" else x.astype(np.float32)
    return given_back(colors.rgb_to_gray(floats).astype(x.dtype), first)


def _floats(images: Any, data_format: str | None) -> tuple[Array, bool]:
    x, first = taken(images, data_format)
    if x.dtype.kind != "f" or x.shape[-1] != 3:
        raise ValueError(
            "Expected images of three channels and a float dtype. "
            f"Received: {x.shape[-1]} channels, {x.dtype}."
        )
    return x, first


@op
def rgb_to_hsv(images: ArrayLike, data_format: str | None = None) -> Result:
    """Images as hue, saturation and value; for red, green and blue in [0, 1].

    Raises:
        ValueError: for another rank or number of channels, or integers.
    """
    x, first = _floats(images, data_format)
    return given_back(np.stack(colors.rgb_to_hsv(x), axis=-1), first)


@op
def hsv_to_rgb(images: ArrayLike, data_format: str | None = None) -> Result:
    """Images as red, green and blue, from hue, saturation and value in [0, 1].

    Raises:
        ValueError: for another rank or number of channels, or integers.
    """
    x, first = _floats(images, data_format)
    return given_back(colors.hsv_to_rgb(*(x[..., k] for k in range(3))), first)


@op
def gaussian_blur(
    images: ArrayLike,
    kernel_size: tuple[int, int] = (3, 3),
    sigma: tuple[float, float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Result:
    """Images with each pixel mixed with those around it, weighted by a Gaussian bell.

    Arguments:
        images: see the head of this file; float.
        kernel_size: the width and height of the bell, odd.
        sigma: its standard deviations.
        data_format: None stands for 'channels_last' here, as in Keras.

    Raises:
        ValueError: for another rank, or an even size.
    """
    x, first = taken(images, data_format or "channels_last")
    if any(k % 2 == 0 for k in kernel_size):
        raise ValueError(f"Expected odd kernel sizes. Received: kernel_size={kernel_size}.")
    batch = x if x.ndim == 4 else x[np.newaxis]
    for kernel in filters.gaussian_kernels(kernel_size, sigma, x.dtype):
        batch = filters.correlate(batch, kernel)
    return given_back(batch.reshape(x.shape), first)


@op
def sobel_edges(images: ArrayLike, data_format: str | None = None) -> Result:
    """How steeply images rise down and to the right: (N, H, W, C, 2), by Sobel's filters.

    Arguments:
        images: (N, H, W, C), float, or with the channels first.
        data_format: None stands for 'channels_last' here, as in Keras.

    Raises:
        ValueError: for another rank.
    """
    x, first = taken(images, data_format or "channels_last")
    if x.ndim != 4:
        raise ValueError(f"Expected a batch of images, of rank 4. Received: shape {x.shape}.")
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], x.dtype)
    edges = [filters.correlate(padded, kernel)[:, 1:-1, 1:-1] for kernel in (down, down.T)]
    y = np.stack(edges, axis=-1)
    return np.moveaxis(y, -2, 1) if first else y
