"""Dropout: noise in training, nothing otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

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
        ValueError: if `rate` is not in [0, 1].

    Example:
        >>> Dropout(0.5)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)

    Reference: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting.
    """

    has_build_config = False

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, int | float | np.number) or not 0 <= rate <= 1:
            raise ValueError(
                f"Dropout expected a rate in [0, 1], the share of inputs to drop. Received: {rate}."
            )
        self.rate = float(rate)
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        if self.rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.mask = None
        if not ctx.training or self.rate == 0:
            return x
        ctx.mask = ctx.buffer("mask", self._mask_shape(x.shape))
        seed = self.seed_generator.next()
        if self.rate == 1:
            ctx.mask.fill(0)
        else:
            dropout_mask_into(ctx.mask, self.rate, seed)
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
