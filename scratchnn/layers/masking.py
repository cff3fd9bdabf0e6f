"""Masking: time steps that hold nothing, which later layers are told to skip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .base import Layer
from .spatial import wants_dx


class Masking(Layer):
    """Mask the time steps all of whose features equal a value: y is x, and 0 where it is masked.

    Layers that support masking, such as recurrent ones, skip these steps; the loss and the metrics
    leave them out if the mask reaches the model's output.

    Arguments:
        mask_value: the value.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, D), y (N, T, D), mask (N, T); or any other number of axes before the last. Any
        dtype.

    Raises:
        ValueError: for a mask_value that is not a number, and an input of rank 0.

    Example:
        >>> Masking(9)(np.array([[[9.0, 9.0], [9.0, 1.0]]])).numpy()
        array([[[0., 0.],
                [9., 1.]]], dtype=float32)
    """

    casts_integers = False
    supports_masking = True
    makes_mask = True
    has_build_config = False

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, Mapping):
            from ..saving import deserialize_keras_object

            mask_value = deserialize_keras_object(mask_value)
        if isinstance(mask_value, str) or np.ndim(mask_value):
            raise ValueError(f"mask_value must be a number. Received: {mask_value!r}.")
        self.mask_value = mask_value.item() if isinstance(mask_value, np.generic) else mask_value

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.out_mask = np.any(
            np.not_equal(x, self.mask_value, out=ctx.buffer("other", x.shape, bool)),
            axis=-1,
            out=ctx.buffer("mask", x.shape[:-1], bool),
        )
        y = ctx.buffer("y", x.shape, x.dtype)
        # Not a product with the mask: what is masked may be NaN or infinite.
        y.fill(0)
        np.copyto(y, x, where=ctx.out_mask[..., np.newaxis])
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dx = ctx.buffer("dx", dy.shape, dy.dtype)
        dx.fill(0)
        np.copyto(dx, dy, where=ctx.out_mask[..., np.newaxis])
        return dx

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return np.any(np.not_equal(x, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def check_input(self, shape: Shape) -> None:
        if not shape:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank 1 or more, such as (N, T, D). "
                f"Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
