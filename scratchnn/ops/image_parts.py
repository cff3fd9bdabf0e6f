"""Parts of images (of `keras.ops.image`): cut out, widened, or taken apart into patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array
from .tensors import ArrayLike, Result, op, to_array

__all__ = ["crop_images", "extract_patches", "extract_patches_3d", "pad_images"]


def taken(images: Any, data_format: str | None) -> tuple[Array, bool]:
    """Return images as (..., H, W, C), and whether their channels come first."""
    x = to_array(images)
    first = config.standardize_data_format(data_format) == "channels_first"
    if x.ndim not in (3, 4):
        raise ValueError(
            f"Expected an image of rank 3, or a batch of rank 4. Received: shape {x.shape}."
        )
    return (np.moveaxis(x, -3, -1) if first else x), first


def given_back(y: Array, first: bool) -> Array:
    """Return images (..., H, W, C) with the channels first, if that is how they were given."""
    return np.moveaxis(y, -1, -3) if first else y


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise a ValueError if an argument is none of some names."""
    if value not in choices:
        raise ValueError(
            f"Expected `{name}` to be one of {tuple(choices)}. Received: {name}={value!r}."
        )


@op
def pad_images(
    images: ArrayLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Result:
    """Images with zeros around them: two of top, bottom and height, and of left, right and width.

    Raises:
        ValueError: unless exactly two are given of each, and all are 0 or more.

    Example:
        >>> pad_images(np.ones((2, 2, 3)), 1, 1, target_height=4, target_width=5).shape
        (4, 5, 3)
    """
    x, first = taken(images, data_format)
    height, width = x.shape[-3:-1]
    rows = _two_of_three("padding", top_padding, bottom_padding, target_height, height, 1)
    columns = _two_of_three("padding", left_padding, right_padding, target_width, width, 1)
    pads = [(0, 0)] * (x.ndim - 3) + [rows, columns, (0, 0)]
    return given_back(np.pad(x, pads), first)


@op
def crop_images(
    images: ArrayLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Result:
    """A part of images: two of top, bottom and height, and of left, right and width.

    Raises:
        ValueError: unless exactly two are given of each, and all are 0 or more.

    Example:
        >>> crop_images(np.ones((5, 5, 3)), 1, 1, target_height=2, target_width=3).shape
        (2, 3, 3)
    """
    x, first = taken(images, data_format)
    height, width = x.shape[-3:-1]
    top, bottom = _two_of_three(
        "cropping", top_cropping, bottom_cropping, target_height, height, -1
    )
    left, right = _two_of_three("cropping", left_cropping, right_cropping, target_width, width, -1)
    return given_back(x[..., top : height - bottom, left : width - right, :].copy(), first)


def _two_of_three(
    what: str, before: int | None, after: int | None, target: int | None, size: int, sign: int
) -> tuple[int, int]:
    """Return how much before and after changes a size, given two of these and the new size."""
    if [before, after, target].count(None) != 1:
        raise ValueError(
            f"Expected two of the {what} before, the {what} after, and the target size. "
            f"Received: {before}, {after} and {target}."
        )
    first, second = before, after
    if target is not None:
        both = sign * (target - size)
        first = both - (after or 0) if first is None else first
        second = both - first if second is None else second
    assert first is not None
    assert second is not None
    if min(first, second) < 0 or (sign < 0 and first + second > size):
        raise ValueError(
            f"Expected a {what} of 0 or more, and a size that allows it. Received: {before} before,"
            f" {after} after, target {target}, for a size of {size}."
        )
    return first, second


@op
def extract_patches(
    images: ArrayLike,
    size: int | tuple[int, ...],
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Result:
    """The patches of images, each as the channels of one pixel: (..., H', W', PH PW C).

    Arguments:
        images: see the head of this file; or volumes, if `size` has three numbers.
        size: of a patch, (PH, PW), or one number for both.
        strides: how far the next patch is; `size` if not given.
        dilation_rate: the distance of the pixels of a patch.
        padding: 'valid' for whole patches, 'same' for zeros at the edges.

    Raises:
        ValueError: for another rank or padding.

    Example:
        >>> extract_patches(np.ones((1, 4, 6, 3)), 2).shape
        (1, 2, 3, 12)
    """
    rank = 2 if isinstance(size, int) else len(size)
    return _patches(images, size, strides, dilation_rate, padding, data_format, rank)


@op
def extract_patches_3d(
    volumes: ArrayLike,
    size: int | tuple[int, ...],
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Result:
    """The patches of volumes (A, B, C', C) or (N, A, B, C', C): see `extract_patches`."""
    return _patches(volumes, size, strides, dilation_rate, padding, data_format, 3)


def _patches(
    images: Any,
    size: Any,
    strides: Any,
    dilation_rate: Any,
    padding: str,
    data_format: str | None,
    rank: int,
) -> Array:
    x = to_array(images)
    one_of("padding", padding, ("valid", "same"))
    if rank not in (2, 3) or x.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"Expected images of rank {rank + 1} or {rank + 2} for patches of size {size}. "
            f"Received: shape {x.shape}."
        )
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np.moveaxis(x, -1 - rank, -1) if first else x
    sizes, steps, gaps = (
        (value,) * rank if isinstance(value, int) else tuple(value)
        for value in (size, strides or size, dilation_rate)
    )
    axes = range(x.ndim - 1 - rank, x.ndim - 1)
    spans = [g * (k - 1) + 1 for k, g in zip(sizes, gaps, strict=True)]
    if padding == "same":
        pads = [(0, 0)] * x.ndim
        for axis, span, step in zip(axes, spans, steps, strict=True):
            n = x.shape[axis]
            missing = max((-(-n // step) - 1) * step + span - n, 0)
            pads[axis] = (missing // 2, missing - missing // 2)
        x = np.pad(x, pads)
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(axes))
    every = (slice(None),) * (axes[0])
    windows = windows[
        (*every, *(slice(None, None, step) for step in steps), slice(None))
        + tuple(slice(None, None, gap) for gap in gaps)
    ]
    y = np.moveaxis(windows, x.ndim - 1, -1)  # the channels of a pixel come last in a patch
    y = y.reshape(*y.shape[: x.ndim - 1], -1)
    return np.moveaxis(y, -1, -1 - rank) if first else y
