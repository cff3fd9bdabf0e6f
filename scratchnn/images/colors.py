"""Colours: RGB to grey and to hue, saturation and value, and back; ranges of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Array

GRAY = (0.2989, 0.5870, 0.1140)
"""What red, green and blue add to the brightness that eyes see."""


def rgb_to_gray(images: Array) -> Array:
    """Return the brightness of images: (..., 3) -> (..., 1), float.

    Example:
        >>> rgb_to_gray(np.array([[1.0, 0.0, 0.0]])).round(4)
        array([[0.2989]])
    """
    weights = np.array(GRAY, images.dtype)
    return np.asarray(images.reshape(-1, 3) @ weights).reshape(*images.shape[:-1], 1)


def rgb_to_hsv(images: Array) -> tuple[Array, Array, Array]:
    """Return hue, saturation and value, (...) each, of images (..., 3).

    The value is the largest of the three colours, the saturation (max - min) / max, and the hue the
    place on a circle of length 1 on which red is at 0, green at 1/3 and blue at 2/3.

    Example:
        >>> [float(channel[0]) for channel in rgb_to_hsv(np.array([[0.0, 2.0, 2.0]]))]
        [0.5, 1.0, 2.0]
    """
    red, green, blue = (np.ascontiguousarray(images[..., k]) for k in range(3))
    value = np.maximum(np.maximum(red, green), blue)
    spread = value - np.minimum(np.minimum(red, green), blue)
    one = value.dtype.type(1)
    with np.errstate(all="ignore"):
        saturation = np.where(value > 0, spread / value, 0).astype(value.dtype, copy=False)
        norm = one / (6 * spread)
        hue = np.where(
            red == value,
            norm * (green - blue),
            np.where(
                green == value,
                norm * (blue - red) + one * 2 / 6,
                norm * (red - green) + one * 4 / 6,
            ),
        )
    hue[~(spread > 0)] = 0
    hue[hue < 0] += 1
    return hue, saturation, value


def hsv_to_rgb(hue: Array, saturation: Array, value: Array) -> Array:
    """Return images (..., 3) of hues, saturations and values, (...) each: undoes `rgb_to_hsv`."""
    images = np.empty((*hue.shape, 3), value.dtype)
    turn = hue * 6
    rest = 1 - saturation
    for k, (middle, sign) in enumerate(((3, 1), (2, -1), (4, -1))):
        share = np.abs(turn - middle)
        share *= sign
        share += -1 if sign > 0 else 2
        np.clip(share, 0, 1, out=share)
        share *= saturation
        share += rest
        share *= value
        images[..., k] = share
    return images


def rescaled(images: Array, source: Sequence[float], target: Sequence[float]) -> Array:
    """Return values of one range as the same share of another; the same array if they are one."""
    if source[0] == target[0] and source[1] == target[1]:
        return images
    kind = images.dtype.type
    images = images - kind(source[0])
    images /= kind(source[1]) - kind(source[0])
    images *= kind(target[1]) - kind(target[0])
    images += kind(target[0])
    return images
