"""Layers that change the colours of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import config
from ...arrays import Array, Shape
from ...context import Context
from ...images import colors
from ...images.colors import rescaled
from ..base import Layer
from .image_brightness import RandomBrightness, RandomContrast, clip
from .random_image import ImageLayer, RandomImageLayer, checked_factor, checked_range


def check_channels(layer: ImageLayer, shape: Shape, allowed: tuple[int, ...] = (3,)) -> None:
    """Raise a ValueError if images have not the channels red, green and blue."""
    axis = -3 if layer.data_format == "channels_first" else -1
    if shape[axis] not in (*allowed, None):
        raise ValueError(
            f"The layer {layer.name!r} expected images of {' or '.join(map(str, allowed))} "
            f"channels, {layer.data_format}. Received: shape {shape}."
        )


class RandomGrayscale(RandomImageLayer):
    """In training, make some images grey: all channels 0.2989 r + 0.587 g + 0.114 b.

    Otherwise y = x.

    Arguments:
        factor: the probability of it, in [0, 1].
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, 3) or (H, W, 3), or of 1 channel; of one dtype.

    Raises:
        ValueError: for a factor out of range, or another number of channels.

    Example:
        >>> RandomGrayscale(1.0)(np.array([[[[100.0, 0.0, 0.0]]]])).numpy().round(2).ravel()
        array([29.89, 29.89, 29.89], dtype=float32)
    """

    casts_integers = False
    keeps_integers = True
    draws_in_inference = True

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not isinstance(factor, int | float | np.number) or not 0 <= factor <= 1:
            raise ValueError(
                "RandomGrayscale expected a factor in [0, 1], the probability of grey. "
                f"Received: factor={factor!r}."
            )
        self.factor = factor

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        check_channels(self, shape, (1, 3))

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        applies = self.uniform((shape[0],)) < self.factor
        return applies[:, np.newaxis, np.newaxis, np.newaxis]

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        if x.shape[-1] == 3:
            floats = x if x.dtype.kind == "f" else x.astype(self.dtype)
            np.copyto(y, colors.rgb_to_gray(floats), where=drawn, casting="unsafe")
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        if dy.shape[-1] == 3:
            gray = dy.sum(axis=-1, keepdims=True) * np.array(colors.GRAY, dy.dtype)
            np.copyto(dy, gray, where=drawn)
        return dy

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "factor": self.factor}
        del config["seed"]  # Keras leaves it out
        return config


class RandomColorDegeneration(RandomImageLayer):
    """In training, let colours fade: y = clip(x + f (g - x)), g the grey image. Otherwise y = x.

    f is uniform.

    Arguments:
        factor: the lowest and highest f, in [-1, 1]; one number f is for (-f, f).
        value_range: the lowest and highest value of a pixel.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, 3) or (H, W, 3), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range, or another number of channels.

    Example:
        >>> faded = RandomColorDegeneration((1.0, 1.0))
        >>> faded(np.array([[[[100.0, 0.0, 0.0]]]])).numpy().round(2).ravel()
        array([29.89, 29.89, 29.89], dtype=float32)

    Reference: Cubuk et al., 2020, RandAugment: Practical Automated Data Augmentation with a Reduced
    Search Space.
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
        self.factor = checked_factor(self, "factor", factor)
        self.value_range = checked_range(self, value_range)

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        check_channels(self, shape)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        return self.uniform((shape[0], 1, 1, 1), *self.factor)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        y = np.subtract(colors.rgb_to_gray(x), x, out=ctx.buffer("y", x.shape, x.dtype))
        y *= drawn
        y += x
        return clip(y, self.value_range, ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        dy *= ctx.within
        factor = drawn.astype(dy.dtype)
        gray = dy.sum(axis=-1, keepdims=True) * np.array(colors.GRAY, dy.dtype)
        gray *= factor
        dy *= 1 - factor
        dy += gray
        return dy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomSaturation(RandomImageLayer):
    """In training, multiply each image's saturation with f / (1 - f). Otherwise y = x.

    f is uniform; 0.5 leaves an image as it is, 0 makes it grey. There is no gradient, as in Keras.

    Arguments:
        factor: the lowest and highest f, in [0, 1]; one number f is for (-f, f).
        value_range: where saturations are cut off, as in Keras; (0, 1) for pixels in [0, 1].
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, 3) or (H, W, 3), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range, or another number of channels.

    Example:
        >>> gray = RandomSaturation((0.0, 0.0), value_range=(0, 1))
        >>> gray(np.array([[[[0.5, 0.2, 0.1]]]])).numpy().ravel()
        array([0.5, 0.5, 0.5], dtype=float32)
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
        self.factor = checked_factor(self, "factor", factor)
        self.value_range = checked_range(self, value_range)

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        check_channels(self, shape)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        factor = self.uniform((shape[0], 1, 1), *self.factor)
        return factor / (1 - factor + np.float32(config.epsilon()))

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        hue, saturation, value = colors.rgb_to_hsv(x)
        saturation *= drawn
        np.clip(saturation, *self.value_range, out=saturation)
        return colors.hsv_to_rgb(hue, saturation, value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomHue(RandomImageLayer):
    """In training, turn each image's hues by +f / 2 or -f / 2 of a circle. Otherwise y = x.

    f is uniform. There is no gradient, as in Keras.

    Arguments:
        factor: the lowest and highest f, in [0, 1]; one number f is for (0, f).
        value_range: the lowest and highest value of a pixel.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, 3) or (H, W, 3), float; integers stay what they are in inference.

    Raises:
        ValueError: for a factor out of range, or another number of channels.

    Example:
        >>> opposite = RandomHue((1.0, 1.0), value_range=(0, 1))
        >>> opposite(np.array([[[[1.0, 0.0, 0.0]]]])).numpy().ravel()
        array([0., 1., 1.], dtype=float32)
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
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        checked_range(self, value_range)
        self.value_range = value_range

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        check_channels(self, shape)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        each = (shape[0], 1, 1)
        sign = np.where(self.uniform(each) > 0.5, np.float32(-1), np.float32(1))
        return sign * self.uniform(each, *self.factor) * np.float32(0.5)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        hue, saturation, value = colors.rgb_to_hsv(rescaled(x, self.value_range, (0, 1)))
        hue += drawn
        hue[hue > 1] -= 1
        hue[hue < 0] += 1
        y = colors.hsv_to_rgb(hue, saturation, value)
        np.clip(y, 0, 1, out=y)
        return rescaled(y, (0, 1), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomColorJitter(RandomImageLayer):
    """In training, change brightness, contrast, saturation and hue, in this order. Otherwise y = x.

    Arguments:
        value_range: the lowest and highest value of a pixel.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: those of
            RandomBrightness, RandomContrast, RandomSaturation and RandomHue; None leaves one out.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last'; Keras gives its parts no other.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, 3) or (H, W, 3), float; integers stay what they are in inference.

    Raises:
        ValueError: for factors out of range, channels that come first, or are not three.

    Example:
        >>> brighter = RandomColorJitter((0, 1), brightness_factor=(0.5, 0.5))
        >>> brighter(np.full((1, 1, 1, 3), 0.2)).numpy().ravel()
        array([0.7, 0.7, 0.7], dtype=float32)
    """

    casts_integers = False

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if self.data_format == "channels_first":
            raise ValueError(
                "RandomColorJitter takes images with the channels last, as its parts do in Keras. "
                "Received: data_format='channels_first'."
            )
        checked_range(self, value_range)
        self.value_range = value_range
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        kinds: list[tuple[Any, Any]] = [
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        ]
        self.random_brightness, self.random_contrast, self.random_saturation, self.random_hue = (
            None
            if factor is None
            else kind(factor=factor, value_range=value_range, seed=seed, dtype=self.dtype)
            for kind, factor in kinds
        )

        for part in self.parts:  # each has drawn a seed by now, but they use one generator
            part.generator = self.generator

    @property
    def parts(self) -> list[RandomImageLayer]:
        """The layers that act, one after another."""
        parts = (
            self.random_brightness,
            self.random_contrast,
            self.random_saturation,
            self.random_hue,
        )
        return [part for part in parts if part is not None]

    @property
    def sublayers(self) -> list[Layer]:
        """Keras's names for the parts, in the order of their work."""
        return list(self.parts)

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        for part in self.parts:
            part.check_input(shape)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        inner = vars(ctx).setdefault("inner", [Context(dtype=x.dtype) for _ in self.parts])
        for part, own in zip(self.parts, inner, strict=True):
            own.needs_dx = ctx.needs_dx
            own.drawn = part.draw(x.shape)
            x = part.transform(x, own.drawn, own)
        return x

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        for part, own in zip(reversed(self.parts), reversed(ctx.inner), strict=True):
            dy = part.transform_backward(dy, own.drawn, own)
        return dy

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "brightness_factor": self.brightness_factor,
            "contrast_factor": self.contrast_factor,
            "saturation_factor": self.saturation_factor,
            "hue_factor": self.hue_factor,
        }
