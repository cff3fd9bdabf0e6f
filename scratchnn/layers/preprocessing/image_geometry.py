"""Layers that move the pixels of images: RandomFlip, RandomRotation, RandomZoom and others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...images import warping
from .random_image import RandomImageLayer, checked_factor, one_of

HORIZONTAL, VERTICAL, BOTH = "horizontal", "vertical", "horizontal_and_vertical"


class RandomFlip(RandomImageLayer):
    """In training, mirror each image with probability 1/2. Otherwise y = x.

    Arguments:
        mode: 'horizontal', left and right change places; 'vertical', top and bottom do; or
            'horizontal_and_vertical', both do (or neither).
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for another mode.

    Example:
        >>> RandomFlip("horizontal", seed=3)(np.arange(3.0).reshape(1, 1, 3, 1)).numpy().ravel()
        array([2., 1., 0.], dtype=float32)

    Reference: Krizhevsky, Sutskever and Hinton, 2012, ImageNet Classification with Deep
    Convolutional Neural Networks.
    """

    notes_casts = True

    def __init__(
        self,
        mode: str = BOTH,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = one_of(self, "mode", mode, (HORIZONTAL, VERTICAL, BOTH))

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        return self.uniform((shape[0], 1, 1, 1)) <= 0.5

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        return self._flip(x, drawn, ctx.buffer("y", x.shape, x.dtype))

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        return self._flip(dy, drawn, ctx.buffer("dx", dy.shape, dy.dtype))

    def _flip(self, x: Array, flips: Array, y: Array) -> Array:
        np.copyto(y, x)
        rows = slice(None, None, -1 if self.mode != HORIZONTAL else 1)
        columns = slice(None, None, -1 if self.mode != VERTICAL else 1)
        if x.strides[-1] == x.itemsize:  # a pixel as one element: longer loops
            pixels = np.dtype((np.void, x.itemsize * x.shape[-1]))
            np.copyto(
                y.view(pixels)[..., 0],
                x.view(pixels)[:, rows, columns, 0],
                where=flips[..., 0],
            )
        else:
            np.copyto(y, x[:, rows, columns], where=flips)
        return y

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        masks = masks.astype(self.dtype)
        return self._flip(masks, drawn, np.empty_like(masks))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}


class RandomWarp(RandomImageLayer):
    """A layer that reads each pixel at a place of its own: see images/warping.py.

    The gradient is TensorFlow's: dy warped back. That is the derivative where pixels move by whole
    numbers, and else a smoother version of it.
    """

    def __init__(
        self,
        interpolation: str,
        fill_mode: str,
        fill_value: float,
        seed: int | None,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.interpolation = one_of(self, "interpolation", interpolation, warping.INTERPOLATIONS)
        self.fill_mode = one_of(self, "fill_mode", fill_mode, warping.FILL_MODES)
        self.fill_value = fill_value

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        return warping.warp(x, drawn, self.interpolation, self.fill_mode, self.fill_value, ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        back = warping.invert(drawn)
        return warping.warp(dy, back, self.interpolation, self.fill_mode, 0.0, ctx, "dx")

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        return warping.warp(masks, drawn, "nearest", self.fill_mode, self.fill_value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
        }


def matrices(n: int, *columns: Any) -> Array:
    """Return n transformations, (n, 8) float32, of eight numbers or arrays (n,)."""
    found = np.empty((n, 8), np.float32)
    for k, column in enumerate(columns):
        found[:, k] = column
    return found


class RandomRotation(RandomWarp):
    """In training, turn each image about its middle by a random angle. Otherwise y = x.

    The angle is uniform, from factor[0] to factor[1] full turns; positive ones are anticlockwise.

    The gradient of the input is TensorFlow's: see RandomWarp.

    Arguments:
        factor: the lowest and highest share of a full turn, each in [-1, 1]; a number f stands for
            (-f, f).
        fill_mode: what lies beyond the edges: 'reflect', (c b a | a b c | c b a), 'wrap',
            (a b c | a b c | a b c), 'nearest', the edge's pixels, or 'constant', the fill_value.
        interpolation: 'bilinear' or 'nearest'.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        fill_value: for fill_mode 'constant'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for a factor out of range, or names that are none of these.

    Example:
        >>> quarter = RandomRotation((0.25, 0.25))
        >>> quarter(np.arange(4.0).reshape(1, 2, 2, 1)).numpy().round(3).reshape(2, 2)
        array([[1., 3.],
               [0., 2.]], dtype=float32)

    Reference: Simard, Steinkraus and Platt, 2003, Best Practices for Convolutional Neural Networks
    Applied to Visual Document Analysis.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor or 0.0)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        n, height, width, _ = shape
        angle = self.uniform((n,), self.factor[0] * 360.0, self.factor[1] * 360.0)
        angle *= np.float32(math.pi / 180.0)
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = np.float32(0.5 * (width - 1)), np.float32(0.5 * (height - 1))
        return matrices(n, cos, -sin, x - x * cos - y * -sin, sin, cos, y - x * sin - y * cos, 0, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomZoom(RandomWarp):
    """In training, zoom each image about its middle, out or in. Otherwise y = x.

    An output is 1 + f inputs high, and 1 + g wide, f and g uniform: positive ones zoom out.

    The gradient of the input is TensorFlow's: see RandomWarp.

    Arguments:
        height_factor: the lowest and highest f, in (-1, 1]; a number f stands for (-f, f).
        width_factor: the same for g; None keeps the proportions, g = f.
        fill_mode: what lies beyond the edges: 'reflect', (c b a | a b c | c b a), 'wrap',
            (a b c | a b c | a b c), 'nearest', the edge's pixels, or 'constant', the fill_value.
        interpolation: 'bilinear' or 'nearest'.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        fill_value: for fill_mode 'constant'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for factors out of range, or names that are none of these.

    Example:
        >>> out = RandomZoom((1.0, 1.0), fill_mode="constant")
        >>> out(np.ones((1, 1, 5, 1))).numpy().ravel()
        array([0., 1., 1., 1., 0.], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        bounds: Any = {"bounds": (-1, 1), "overlaps": False, "open_below": True}
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = checked_factor(self, "height_factor", height_factor, **bounds)
        self._width_range = (
            None
            if width_factor is None
            else checked_factor(self, "width_factor", width_factor, **bounds)
        )

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        n, height, width, _ = shape
        low, high = self._height_range
        tall = wide = self.uniform((n,), 1.0 + low, 1.0 + high)
        if self._width_range is not None:
            low, high = self._width_range
            wide = self.uniform((n,), 1.0 + low, 1.0 + high)
        left = np.float32((width - 1.0) / 2.0) * (1 - wide)
        top = np.float32((height - 1.0) / 2.0) * (1 - tall)
        return matrices(n, wide, 0, left, 0, tall, top, 0, 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomTranslation(RandomWarp):
    """In training, shift each image: y(i, j) = x(i - f H, j - g W). Otherwise y = x.

    f and g are uniform: positive ones shift down and right.

    The gradient of the input is TensorFlow's: see RandomWarp.

    Arguments:
        height_factor: the lowest and highest f, in [-1, 1]; a number f stands for (-f, f).
        width_factor: the same for g.
        fill_mode: what lies beyond the edges: 'reflect', (c b a | a b c | c b a), 'wrap',
            (a b c | a b c | a b c), 'nearest', the edge's pixels, or 'constant', the fill_value.
        interpolation: 'bilinear' or 'nearest'.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        fill_value: for fill_mode 'constant'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for factors out of range, or names that are none of these.

    Example:
        >>> right = RandomTranslation(0.0, (0.5, 0.5), fill_mode="wrap")
        >>> right(np.arange(4.0).reshape(1, 1, 4, 1)).numpy().ravel()
        array([2., 3., 0., 1.], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._ranges = [
            checked_factor(self, name, factor, overlaps=False)
            for name, factor in (("height_factor", height_factor), ("width_factor", width_factor))
        ]

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        n, height, width, _ = shape
        down = self.uniform((n,), *self._ranges[0]) * np.float32(height)
        right = self.uniform((n,), *self._ranges[1]) * np.float32(width)
        return matrices(n, 1, 0, -right, 0, 1, -down, 0, 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomShear(RandomWarp):
    """In training, slant each image: y(i, j) = x(i + g j, j + f i). Otherwise y = x.

    f and g are uniform, with one sign, + or -, for both.

    The gradient of the input is TensorFlow's: see RandomWarp.

    Arguments:
        x_factor: the lowest and highest f, in [0, 1]; a number f stands for (-f, f).
        y_factor: the same for g.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: what lies beyond the edges: 'reflect', (c b a | a b c | c b a), 'wrap',
            (a b c | a b c | a b c), 'nearest', the edge's pixels, or 'constant', the fill_value.
        fill_value: for fill_mode 'constant'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for factors out of range, or names that are none of these.

    Example:
        >>> RandomShear(0.2, 0.1)(np.ones((1, 3, 3, 1))).numpy().ravel()
        array([1., 1., 1., 1., 1., 1., 1., 1., 1.], dtype=float32)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.x_factor, self.y_factor = (
            self._range(name, factor)
            for name, factor in (("x_factor", x_factor), ("y_factor", y_factor))
        )

    def _range(self, name: str, factor: Any) -> tuple[float, float]:
        if isinstance(factor, tuple | list) and len(factor) == 2 and factor[0] == -factor[1]:
            factor = factor[1]  # from the config of one number
        low, high = checked_factor(self, name, factor, (0, 1), overlaps=False)
        return (low, high) if isinstance(factor, tuple | list) else (-high, high)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        n = shape[0]
        sign = np.where(self.uniform((n,)) > 0.5, np.float32(-1), np.float32(1))
        down = self.uniform((n,), *self.y_factor) * sign
        right = self.uniform((n,), *self.x_factor) * sign
        return matrices(n, 1, right, 0, down, 1, 0, 0, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}
