"""Layers that spread out the values of images: AutoContrast and Equalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...images.colors import rescaled
from .random_image import ImageLayer, checked_range


class AutoContrast(ImageLayer):
    """Stretch each image's channels over the whole range: y = (x - min) / (max - min) * 255.

    A channel of one value stays as it is. It acts in inference, too. There is no gradient here.

    Arguments:
        value_range: the lowest and highest value of a pixel.
        **kwargs: the arguments of every Layer, and `data_format`: with the channels first, Keras
            takes minimum and maximum over the channels and rows, and so do we.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for a range that is not two numbers.

    Example:
        >>> AutoContrast()(np.array([[[[100.0], [110.0], [120.0]]]])).numpy().ravel()
        array([  0. , 127.5, 255. ], dtype=float32)

    Reference: Cubuk et al., 2019, AutoAugment: Learning Augmentation Strategies from Data.
    """

    always_acts = True

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range(self, value_range)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        n, height, width, channels = x.shape
        original, x = x, rescaled(x, self.value_range, (0, 255))
        y = ctx.buffer("y", x.shape, x.dtype)
        if self.data_format == "channels_first":
            low, high = (f(axis=(3, 1), keepdims=True) for f in (x.min, x.max))  # (N, 1, W, 1)
        else:
            # Rows first, and rows of pixels as one axis: NumPy's loops are long ones then.
            lines = x.reshape(n, height, width * channels)
            low, high = (
                f(f(lines, axis=1).reshape(n, 1, width, channels), axis=2, keepdims=True)
                for f in (np.min, np.max)
            )
            low, high = (np.tile(part, (1, 1, width, 1)) for part in (low, high))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = x.dtype.type(255) / (high - low)
            np.multiply(x, scale, out=y)
            y += -low * scale
            np.clip(y, 0, 255, out=y)
            y = rescaled(y, (0, 255), self.value_range)
        np.copyto(y, original, where=np.isnan(y))
        return y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}


class Equalization(ImageLayer):
    """In training, make all values of a channel equally frequent in the batch. Otherwise y = x.

    A value becomes the share of the pixels that are not larger, times 255: steps, whose derivative
    is 0. A channel of one value stays as it is.

    Arguments:
        value_range: the lowest and highest value of a pixel.
        bins: how many values are told apart.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float; integers stay what they are in inference.

    Raises:
        ValueError: for a range that is not two numbers, or `bins` no positive whole number.

    Example:
        >>> Equalization()(np.array([[[[7.0], [8.0], [9.0], [9.0]]]])).numpy().ravel()
        array([  0.,  85., 255., 255.], dtype=float32)

    Reference: Gonzalez and Woods, Digital Image Processing, section 3.3.
    """

    casts_integers = False

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not isinstance(bins, int | np.integer) or bins < 1:
            raise ValueError(
                "Equalization expected a positive whole number for `bins`. "
                f"Received: bins={bins!r}."
            )
        self.bins = bins
        self.value_range = checked_range(self, value_range)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        low, high = self.value_range
        y = ctx.buffer("y", x.shape, x.dtype)
        ctx.unchanged = []  # the channels of one value
        for c in range(x.shape[-1]):
            scale = 255 / (high - low)
            channel = x[..., c] * x.dtype.type(scale) + x.dtype.type(-low * scale)
            equalized = self._equalized(channel)
            if equalized is channel:
                ctx.unchanged.append(c)
            scale = (high - low) / 255
            y[..., c] = equalized * scale + low
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        dx = ctx.buffer("dx", dy.shape, dy.dtype)
        dx.fill(0)
        dx[..., ctx.unchanged] = dy[..., ctx.unchanged]
        return dx

    def _equalized(self, channel: Array) -> Array:
        """Return a channel with values from 0 to 255 equalized, (N, H, W)."""
        last = self.bins - 1
        places = np.clip((channel.astype(np.float32) * np.float32(last) / 255).astype(int), 0, last)
        counts = np.bincount(places.reshape(-1), minlength=self.bins)
        if np.count_nonzero(counts) <= 1:
            return channel
        up_to = np.cumsum(counts)
        first = up_to[np.flatnonzero(up_to)[0]]
        table = np.clip(np.rint((up_to - first) * 255 / max(up_to[-1] - first, 1)), 0, 255)
        where = np.clip(channel / channel.dtype.type(255) * channel.dtype.type(last), 0, last)
        return np.asarray(table[where.astype(int)])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bins": self.bins, "value_range": self.value_range}
