"""Layers that move numbers to other places."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..arrays import Array, Shape
from ..context import Context
from .base import Layer


class Reshape(Layer):
    """Give each sample another shape.

    Arguments:
        target_shape: without the batch axis; one size may be -1, which follows from the others.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, ...), y (N, *target_shape). Any dtype.

    Raises:
        ValueError: if the sizes do not multiply to the same number.

    Example:
        >>> Reshape((2, -1))(np.zeros((5, 6))).shape
        (5, 2, 3)
    """

    casts_integers = False
    has_build_config = False

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(int(size) for size in target_shape)
        if (
            sum(size == -1 for size in self.target_shape) > 1
            or min(self.target_shape, default=1) < -1
        ):
            raise ValueError(
                "Reshape expected sizes that are not negative, with -1 at most once. "
                f"Received: target_shape={self.target_shape}."
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = x.shape
        return x.reshape(len(x), *self._sizes(x.shape))

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return dy.reshape(ctx.shape) if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self._sizes(input_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}

    def check_input(self, shape: Shape) -> None:
        self._sizes(shape)

    def _sizes(self, shape: Shape) -> tuple[int | None, ...]:
        """Return the target shape for inputs of `shape`, with its -1 worked out."""
        known = prod(size for size in self.target_shape if size != -1)
        if None in shape[1:]:
            return tuple(None if size == -1 else size for size in self.target_shape)
        total = prod(shape[1:])  # type: ignore[arg-type]
        fits = total == known if -1 not in self.target_shape else known and total % known == 0
        if not fits:
            raise ValueError(
                f"The layer {self.name!r} cannot reshape samples of shape {shape[1:]}, "
                f"{total} numbers each, to {self.target_shape}."
            )
        return tuple(total // known if size == -1 else size for size in self.target_shape)
