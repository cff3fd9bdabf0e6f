"""Group normalization: a sample's channels are normalized in groups, over all places."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .normalization import ChannelNormalization


class GroupNormalization(ChannelNormalization):
    """Normalize groups of a sample's channels, over the channels of a group and all places.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Arguments:
        groups: how many groups, which divide the channels; -1 for as many as channels, which is
            instance normalization.
        axis: the axis of the channels.
        epsilon: keeps the division finite.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: what they start as.
        beta_regularizer, gamma_regularizer: what they add to the loss.
        beta_constraint, gamma_constraint: what each of their updates ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., C), float; gamma and beta (C,).

    Raises:
        ValueError: if `groups` is neither positive nor -1, or does not divide the channels; if
            x has another number of channels than the layer was built for.

    Example:
        >>> GroupNormalization(2, epsilon=0)(np.array([[1.0, 3.0, 10.0, 30.0]])).numpy()
        array([[-1.,  1., -1.,  1.]], dtype=float32)

    Reference: Wu and He, 2018, Group Normalization.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        whole = isinstance(groups, int | np.integer) and not isinstance(groups, bool)
        if not whole or (groups <= 0 and groups != -1):
            raise ValueError(
                "GroupNormalization expected a positive whole number of groups, or -1 for one per "
                f"channel. Received: groups={groups!r}."
            )
        self.groups = int(groups)

    def build(self, input_shape: Shape) -> None:
        if self.groups == -1:
            self.groups = self.channels(input_shape)
        self.add_affine((self.channels(input_shape),))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape, channels = x.shape, x.shape[self.axis]
        places = prod(x.shape[1:]) // channels
        x = self.channels_last(x, ctx, "x").reshape(len(x), places, channels)
        mean = self._group_mean(_place_sum(x, ctx), ctx)
        ctx.centered = np.subtract(x, mean, out=ctx.buffer("centered", x.shape))
        y = np.multiply(ctx.centered, ctx.centered, out=ctx.buffer("y", x.shape))
        variance = self._group_mean(_place_sum(y, ctx), ctx)
        ctx.inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        np.multiply(ctx.centered, self.scaled(ctx.inverse), out=y)
        if self.center:
            y += self.beta.value
        return self.channels_back(y, ctx.shape)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.channels_last(dy, ctx, "dy").reshape(ctx.centered.shape)
        product = np.multiply(dy, ctx.centered, out=ctx.buffer("y", dy.shape))
        sums = _place_sum(dy, ctx)
        products = _place_sum(product, ctx) * ctx.inverse
        self.assign_affine(products.sum(axis=(0, 1)), sums.sum(axis=(0, 1)))
        if not ctx.needs_dx:
            return None
        if self.scale:
            sums *= self.gamma.value
            products *= self.gamma.value
        np.multiply(ctx.centered, self._group_mean(products, ctx) * ctx.inverse**2, out=product)
        product += self._group_mean(sums, ctx) * ctx.inverse
        dy *= self.scaled(ctx.inverse)
        dy -= product
        return self.channels_back(dy, ctx.shape)

    def _group_mean(self, sums: Array, ctx: Context) -> Array:
        """Return, for sums over the places (N, 1, C), each group's mean, for each channel."""
        groups = self.channels(ctx.shape) if self.groups == -1 else self.groups
        each = sums.shape[-1] // groups
        places = prod(ctx.shape[1:]) // sums.shape[-1]
        mean = sums.reshape(-1, groups, each).sum(axis=-1) / sums.dtype.type(each * places)
        return np.repeat(mean, each, axis=-1)[:, np.newaxis]

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        channels = self.channels(shape)
        if channels % self.groups:
            raise ValueError(
                f"The layer {self.name!r} expected its {self.groups} groups to divide the number "
                f"of channels. Received: {channels} channels, on axis {self.axis} of {shape}."
            )
        if self.axis % len(shape) == 0:
            raise ValueError(
                f"The layer {self.name!r} expected the axis of the channels not to be that of the "
                f"batch. Received: axis={self.axis} for inputs of shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


def _place_sum(x: Array, ctx: Context) -> Array:
    """Return the sum (N, 1, C) of x (N, P, C) over its places."""
    sums: Array = np.matmul(ctx.ones(x.shape[1])[np.newaxis], x)
    return sums
