"""Layers that blur and sharpen images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...images.filters import correlate, gaussian_kernels
from .image_brightness import clip
from .random_image import RandomImageLayer, checked_factor, checked_range


class RandomGaussianBlur(RandomImageLayer):
    """In training, blur some images: y = clip(x * g), g a Gaussian bell. Otherwise y = x.

    Arguments:
        factor: the lowest and highest probability of it, in [0, 1]; one number f is for (0, f).
        kernel_size: the width and height of the bell in pixels, odd; or one number for both.
        sigma: the lowest and highest standard deviation, in [0, 1]; one number s is for (0, s).
            One is drawn for the width and one for the height, for all images of a batch.
        value_range: the lowest and highest value of a pixel.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for numbers out of range, or a size that is even.

    Example:
        >>> blur = RandomGaussianBlur(sigma=(1.0, 1.0))
        >>> blur(np.full((1, 5, 5, 1), 100.0)).shape
        (1, 5, 5, 1)

    Reference: Chen et al., 2020, A Simple Framework for Contrastive Learning of Visual
    Representations.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        sizes = tuple(kernel_size) if isinstance(kernel_size, tuple | list) else (kernel_size,) * 2
        if len(sizes) != 2 or not all(isinstance(k, int | np.integer) and k % 2 for k in sizes):
            raise ValueError(
                "RandomGaussianBlur expected an odd number, or two, for `kernel_size`. "
                f"Received: kernel_size={kernel_size!r}."
            )
        self.kernel_size = sizes
        self.sigma = checked_factor(self, "sigma", sigma, (0, 1))
        checked_range(self, value_range)
        self.value_range = value_range

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, list[Array]]:
        probability = self.uniform((shape[0],), *self.factor)
        applies = self.uniform((shape[0],)) < probability
        sigma = self.uniform((2,), *self.sigma) + np.float32(1e-6)
        kernels = gaussian_kernels(self.kernel_size, sigma, np.dtype(self.dtype))
        return applies[:, np.newaxis, np.newaxis, np.newaxis], kernels

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        applies, kernels = drawn
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        np.copyto(y, _blurred(x, kernels), where=applies)
        return clip(y, self.value_range, ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        applies, kernels = drawn
        dy *= ctx.within
        turned = [kernel[::-1, ::-1] for kernel in kernels]
        np.copyto(dy, _blurred(dy, turned), where=applies)
        return dy

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "kernel_size": self.kernel_size,
            "sigma": self.sigma,
            "value_range": self.value_range,
        }


def _blurred(x: Array, kernels: list[Array]) -> Array:
    for kernel in kernels:
        x = correlate(x, kernel)
    return x


class RandomSharpness(RandomImageLayer):
    """In training, blur or sharpen each image: y = clip(s + 2 f (x - s)). Otherwise y = x.

    s is x smoothed, each pixel mixed with its eight neighbours, and f uniform: 0 is smooth, 0.5
    leaves an image as it is, 1 sharpens it.

    Arguments:
        factor: the lowest and highest f, in [0, 1]; one number f is for (0, f).
        value_range: the lowest and highest value of a pixel.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for a factor out of range, or a range that is not two numbers.

    Example:
        >>> smooth = RandomSharpness((0.0, 0.0))
        >>> smooth(np.full((1, 3, 3, 1), 130.0)).numpy().round(2)[0, 1, :, 0]
        array([100., 130., 100.], dtype=float32)

    Reference: Cubuk et al., 2019, AutoAugment: Learning Augmentation Strategies from Data.
    """

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
        self.value_range = checked_range(self, value_range)
        kernel = np.full((3, 3), 1 / 13)
        kernel[1, 1] = 5 / 13
        self._kernel = kernel.astype(self.dtype)

    def draw(self, shape: tuple[int, int, int, int]) -> Array:
        return self.uniform((shape[0], 1, 1, 1), *self.factor) * 2

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        y = correlate(x, self._kernel.astype(x.dtype))
        y -= x
        y *= 1 - drawn
        y += x
        return clip(y, self.value_range, ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        dy *= ctx.within
        smooth = 1 - drawn.astype(dy.dtype)
        dx = correlate(dy * smooth, self._kernel.astype(dy.dtype))
        dy *= 1 - smooth
        dy += dx
        return dy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
