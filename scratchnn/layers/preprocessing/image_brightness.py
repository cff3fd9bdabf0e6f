"""Layers that make images brighter, darker or negative, each channel by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...images.colors import rescaled
from ...random import randint
from .random_image import RandomImageLayer, checked_factor, checked_range


def clip(y: Array, value_range: Any, ctx: Context) -> Array:
    """Cut off values out of range, in place; note where there are none, for backward."""
    low, high = value_range
    if ctx.needs_dx:
        within = np.greater_equal(y, low, out=ctx.buffer("within", y.shape, bool))
        within &= y <= high
        ctx.within = within
    return np.clip(y, low, high, out=y)


class RandomContrast(RandomImageLayer):
    """In training, widen each image's contrast: y = clip((x - m) f + m). Otherwise y = x.

    m is the mean of a channel, and f uniform from 1 - factor[0] to 1 + factor[1].

    Arguments:
        factor: two numbers in [0, 1], or one, f, for (0, f).
        value_range: the lowest and highest value of a pixel.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer, and `data_format`.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> wider = RandomContrast((0.0, 1.0), seed=3)
        >>> wider(np.array([[[[100.0], [120.0]]]])).numpy().round(1).ravel()
        array([ 98., 122.], dtype=float32)

    Reference: Howard, 2013, Some Improvements on Deep Convolutional Neural Network Based Image
    Classification.
    """

    casts_integers = False

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        checked_range(self, value_range)
        self.value_range = value_range

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        return self.uniform((shape[0], 1, 1, 1), 1.0 - self.factor[0], 1.0 + self.factor[1])

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        n, height, width, channels = x.shape
        # A row of pixels as one axis: the loops over it are long ones.
        mean = np.tile(x.mean(axis=1).mean(axis=1, keepdims=True), (1, 1, width))
        lines = x.reshape(n, height, width * channels)
        y = np.subtract(lines, mean, out=ctx.buffer("y", lines.shape, x.dtype))
        y *= drawn[..., 0]
        y += mean
        return clip(y, self.value_range, ctx).reshape(x.shape)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        n, height, width, channels = dy.shape
        dy = dy.reshape(n, height, width * channels)
        dz = np.multiply(dy, ctx.within, out=ctx.buffer("dx", dy.shape, dy.dtype))
        factor = drawn[..., 0].astype(dy.dtype)
        sums = dz.sum(axis=1).reshape(n, width, channels).sum(axis=1)
        to_mean = (1 - factor[:, 0]) * sums / (height * width)
        dz *= factor
        dz += np.tile(to_mean, (1, width))[:, np.newaxis]
        return np.asarray(dz).reshape(n, height, width, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomBrightness(RandomImageLayer):
    """In training, make each image brighter or darker: y = clip(x + d). Otherwise y = x.

    d is uniform from factor[0] to factor[1], times the width of the value range.

    Arguments:
        factor: two numbers in [-1, 1], or one, f, for (-f, f).
        value_range: the lowest and highest value of a pixel.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer, and `data_format`.

    Shape:
        x and y (N, H, W, C) or (H, W, C), of one dtype. Integers are added up as such, as in
        Keras: bytes begin again at 0 after 255. Give it floats.

    Raises:
        ValueError: for a factor out of range, or a range that is not two numbers.

    Example:
        >>> brighter = RandomBrightness((0.5, 0.5), value_range=(0, 1))
        >>> brighter(np.array([[[[0.2], [0.7]]]])).numpy().ravel()
        array([0.7, 1. ], dtype=float32)
    """

    casts_integers = False
    keeps_integers = True

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = checked_factor(self, "factor", factor or 0.0)
        self.value_range = checked_range(self, value_range)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        delta = self.uniform((shape[0], 1, 1, 1), *self.factor)
        return delta * np.float32(self.value_range[1] - self.value_range[0])

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        if x.dtype.kind != "f":
            wrapped = x + drawn.astype(np.int64).astype(x.dtype)
            return np.clip(wrapped, *(np.array(v).astype(x.dtype) for v in self.value_range))
        y = np.add(x, drawn, out=ctx.buffer("y", x.shape, x.dtype))
        return clip(y, self.value_range, ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        return np.multiply(dy, ctx.within, out=ctx.buffer("dx", dy.shape, dy.dtype))  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomInvert(RandomImageLayer):
    """In training, make some images negatives: y = value_range[1] - x. Otherwise y = x.

    Arguments:
        factor: the lowest and highest probability of it, in [0, 1]; one number f is for (0, f).
        value_range: the lowest and highest value of a pixel.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> RandomInvert((1, 1))(np.array([[[[0.0], [55.0]]]])).numpy().ravel()
        array([255., 200.], dtype=float32)
    """

    casts_integers = False

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        checked_range(self, value_range)
        self.value_range = value_range

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        probability = self.uniform((shape[0],), *self.factor)
        inverts = self.uniform((shape[0],)) < probability
        return inverts[:, np.newaxis, np.newaxis, np.newaxis]

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        np.subtract(self.value_range[1], y, out=y, where=drawn)
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        return np.negative(dy, out=dy, where=drawn)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class Solarization(RandomImageLayer):
    """In training, make the bright pixels negative: y = z if z < t, else 255 - z. Otherwise y = x.

    z = clip(x + a); the addition a and the threshold t are uniform, for pixels from 0 to 255.

    Arguments:
        addition_factor: the lowest and highest share of 255 for a, in [0, 1]; f is for (0, f).
        threshold_factor: the same for t.
        value_range: the lowest and highest value of a pixel.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer, and `data_format`.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for factors out of range, or a range that is not two numbers.

    Example:
        >>> Solarization()(np.array([[[[0.0], [55.0]]]])).numpy().ravel()
        array([255., 200.], dtype=float32)

    Reference: Cubuk et al., 2019, AutoAugment: Learning Augmentation Strategies from Data.
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        factors = (("addition_factor", addition_factor), ("threshold_factor", threshold_factor))
        self.addition_factor, self.threshold_factor = (
            checked_factor(self, name, factor, (0, 1), overlaps=False, from_zero=True)
            for name, factor in factors
        )
        self.value_range = checked_range(self, value_range)

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
        each = (shape[0], 1, 1, 1)
        # The lower bounds are no shares of 255; so it is in Keras.
        additions = self.uniform(each, self.addition_factor[0], self.addition_factor[1] * 255)
        low, high = self.threshold_factor
        return additions, self.uniform(each, low, high * 255)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        additions, thresholds = drawn
        x = rescaled(x, self.value_range, (0, 255))
        z = np.add(x, additions, out=ctx.buffer("y", x.shape, x.dtype))
        clip(z, (0, 255), ctx)
        ctx.bright = np.less(z, thresholds, out=ctx.buffer("bright", x.shape, bool))
        np.logical_not(ctx.bright, out=ctx.bright)
        np.subtract(255, z, out=z, where=ctx.bright)
        return rescaled(z, (0, 255), self.value_range)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        dy *= ctx.within
        return np.negative(dy, out=dy, where=ctx.bright)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "addition_factor": self.addition_factor,
            "threshold_factor": self.threshold_factor,
            "value_range": self.value_range,
        }


class RandomPosterization(RandomImageLayer):
    """In training, keep only the first bits of each pixel's byte. Otherwise y = x.

    The number of bits is random for each image, from factor[0] up to, not including, factor[1].
    There is no gradient: the derivative is 0 wherever there is one.

    Arguments:
        factor: two whole numbers in [1, 8], or one, b, for (1, b).
        value_range: the lowest and highest value of a pixel.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range, or a range that is not two numbers.

    Example:
        >>> RandomPosterization((2, 2))(np.array([[[[70.0], [200.0]]]])).numpy().ravel()
        array([ 64., 192.], dtype=float32)

    Reference: Cubuk et al., 2019, AutoAugment: Learning Augmentation Strategies from Data.
    """

    casts_integers = False
    draws_in_inference = True

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (1, 8))
        self.value_range = checked_range(self, value_range)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        low, high = (int(bits) for bits in self.factor)
        if low == high:
            bits = np.full(shape[0], low, np.uint8)
        else:
            bits = randint((shape[0],), low, high, "uint8", self.generator).numpy()
        return (8 - bits)[:, np.newaxis, np.newaxis, np.newaxis].astype(np.uint8)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        pixels = rescaled(x, self.value_range, (0, 255)).astype(np.int64).astype(np.uint8)
        y = ctx.buffer("y", x.shape, x.dtype)
        y[...] = pixels >> drawn << drawn
        return rescaled(y, (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
