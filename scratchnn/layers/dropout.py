"""Dropout, of elements or of whole feature maps: in training only, nothing otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape
from ..context import Context
from ..random import SeedGenerator, dropout_mask_into
from .base import Layer


class Dropout(Layer):
    """In training, set a share of the inputs to 0 and scale the others up: y = x * m / (1 - rate).

    m is 0 with probability `rate` and else 1, so that the mean stays. Otherwise y = x.

    Arguments:
        rate: the share to drop, in [0, 1].
        noise_shape: the shape of m, which broadcasts over x; None for an axis takes x's size.
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if `rate` is not in [0, 1], or `noise_shape` no list of sizes and None.

    Example:
        >>> Dropout(0.5)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)

    Reference: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting.
    """

    notes_training = True
    has_build_config = False
    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = checked_rate(self, rate)
        self.seed = seed
        self.noise_shape = _checked_shape(self, noise_shape)
        if self.rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.mask = None
        if not ctx.training or self.rate == 0:
            return x
        ctx.mask = ctx.buffer("mask", self._mask_shape(x.shape))
        if self.rate == 1:  # as in Keras, nothing is drawn
            ctx.mask.fill(0)
        else:
            dropout_mask_into(ctx.mask, self.rate, self.seed_generator.next())
        return np.multiply(x, ctx.mask, out=ctx.buffer("y", x.shape))  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if ctx.mask is not None:
            dy *= ctx.mask
        return dy

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }

    def _mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.noise_shape is None:
            return shape
        if len(self.noise_shape) != len(shape):
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank {len(self.noise_shape)}, that "
                f"of its noise_shape {self.noise_shape}. Received: shape {shape}."
            )
        return tuple(
            size if wanted is None else wanted
            for wanted, size in zip(self.noise_shape, shape, strict=True)
        )


class SpatialDropout(Dropout):
    """Dropout of whole feature maps: all places of one channel share one element of the mask."""

    rank: int

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if "noise_shape" in kwargs:
            raise ValueError(
                f"{type(self).__name__} drops whole channels, and takes no noise_shape: that is an "
                f"argument of Dropout. Received: noise_shape={kwargs['noise_shape']!r}."
            )
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def check_input(self, shape: Shape) -> None:
        if len(shape) != self.rank:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank {self.rank}. "
                f"Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "seed": self.seed,
            "name": self.name,
            "dtype": self.dtype,
            "data_format": self.data_format,
        }

    def _mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        ones = (1,) * (len(shape) - 2)
        if self.data_format == "channels_first":
            return (*shape[:2], *ones)
        return (shape[0], *ones, shape[-1])


class SpatialDropout1D(SpatialDropout):
    """Dropout of whole channels of a sequence: y = x * m / (1 - rate), m the same at all times.

    Neighbours in time are much alike; dropping single elements would take little away.

    Arguments:
        rate: the share of channels to drop, in [0, 1].
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        name, dtype, **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, T, C), float.

    Raises:
        ValueError: if `rate` is not in [0, 1], or x has another rank than 3.

    Example:
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 2, 4)), training=True)
        >>> bool((y[0, 0] == y[0, 1]).all())
        True

    Reference: Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks.
    """

    rank = 3

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class SpatialDropout2D(SpatialDropout):
    """Dropout of whole feature maps of an image: y = x * m / (1 - rate).

    m is the same for all pixels of a sample's channel.

    Arguments:
        rate: the share of feature maps to drop, in [0, 1].
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        name, dtype, **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C), or (N, C, H, W) with the channels first; float.

    Raises:
        ValueError: if `rate` is not in [0, 1], `data_format` is none of the two, or x has another
            rank than 4.

    Example:
        >>> SpatialDropout2D(0.5)(np.ones((1, 1, 1, 2))).numpy()
        array([[[[1., 1.]]]], dtype=float32)

    Reference: Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks.
    """

    rank = 4


class SpatialDropout3D(SpatialDropout):
    """Dropout of whole feature maps of a volume: y = x * m / (1 - rate).

    m is the same for all voxels of a sample's channel.

    Arguments:
        rate: the share of feature maps to drop, in [0, 1].
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        name, dtype, **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, A, B, C', C), or (N, C, A, B, C') with the channels first; float.

    Raises:
        ValueError: if `rate` is not in [0, 1], `data_format` is none of the two, or x has another
            rank than 5.

    Example:
        >>> SpatialDropout3D(0.5)(np.ones((1, 1, 1, 1, 2))).numpy()
        array([[[[[1., 1.]]]]], dtype=float32)

    Reference: Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks.
    """

    rank = 5


def checked_rate(layer: Layer, rate: Any, *, below_one: bool = False) -> float:
    """Return a share of elements to drop, as a float.

    Raises:
        ValueError: if it is not in [0, 1], or not in [0, 1) where that is asked for.
    """
    number = isinstance(rate, int | float | np.number)
    if not number or not 0 <= rate <= 1 or (below_one and rate == 1):
        raise ValueError(
            f"{type(layer).__name__} expected a rate in [0, 1{')' if below_one else ']'}, the "
            f"share of inputs to drop. Received: {rate}."
        )
    return float(rate)


def _checked_shape(layer: Layer, noise_shape: Any) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape) if isinstance(noise_shape, list | tuple) else (0,)
    if not all(size is None or (isinstance(size, int | np.integer) and size > 0) for size in sizes):
        raise ValueError(
            f"{type(layer).__name__} expected noise_shape to be a list of positive sizes and "
            f"None. Received: noise_shape={noise_shape!r}."
        )
    return sizes
