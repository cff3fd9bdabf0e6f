"""Rescaling: numbers of another range, such as pixels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ...arrays import Array, Shape
from ...context import Context
from ...saving import deserialize_keras_object, serialize_keras_object
from ..base import Layer


class Rescaling(Layer):
    """Scale and shift: y = x * scale + offset, in the layer's float dtype.

    Arguments:
        scale: a number, or an array that broadcasts over x; 1 / 255 for pixels.
        offset: the same.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...); x of any number dtype.

    Example:
        >>> Rescaling(1 / 255)(np.array([[0, 255]], np.uint8)).numpy()
        array([[0., 1.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def forward(self, x: Array, ctx: Context) -> Array:
        y = ctx.buffer("y", x.shape)
        np.multiply(x, np.asarray(self.scale, y.dtype), out=y)
        y += np.asarray(self.offset, y.dtype)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        dy *= np.asarray(self.scale, dy.dtype)
        return dy

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        values = {key: deserialize_keras_object(config[key]) for key in ("scale", "offset")}
        return super().from_config({**config, **values})
