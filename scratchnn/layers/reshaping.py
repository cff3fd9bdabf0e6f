"""Layers that move numbers to other places."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .base import Layer
from .spatial import an_integer, wants_dx


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
        return dy.reshape(ctx.shape) if wants_dx(dy, ctx) else None

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


class Permute(Layer):
    """Put the axes of each sample in another order.

    Arguments:
        dims: the input's axes in the order of the output's, counted from 1: (2, 1) swaps two.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, ...), y (N, ...) with x's axis dims[i - 1] as axis i. Any dtype.

    Raises:
        ValueError: if `dims` are not 1, 2, ... in some order, and for an input of another rank.

    Example:
        >>> Permute((2, 1))(np.zeros((5, 3, 4))).shape
        (5, 4, 3)
    """

    casts_integers = False

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Permute expected the axes 1, 2, ... of a sample in some order as `dims`. "
                f"Received: dims={self.dims}."
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        x = x.transpose(0, *self.dims)
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy = dy.transpose(np.argsort((0, *self.dims)))
        dx = ctx.buffer("dx", dy.shape)
        np.copyto(dx, dy)
        return dx

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[axis] for axis in (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}

    def check_input(self, shape: Shape) -> None:
        if len(shape) != len(self.dims) + 1:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank {len(self.dims) + 1}, the "
                f"batch axis and those of dims={self.dims}. Received: shape {shape}."
            )


class RepeatVector(Layer):
    """Repeat each sample, a vector, over time: y_nt = x_n.

    Arguments:
        n: T, how often.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D), y (N, T, D). Any dtype.

    Raises:
        TypeError: if `n` is not a whole number.
        ValueError: if it is not positive, and for an input of another rank.

    Example:
        >>> RepeatVector(3)(np.zeros((5, 2))).shape
        (5, 3, 2)
    """

    casts_integers = False

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = an_integer(self, "n", n)

    def forward(self, x: Array, ctx: Context) -> Array:
        y = ctx.buffer("y", (len(x), self.n, x.shape[1]), x.dtype)
        np.copyto(y, x[:, None])
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dx = ctx.buffer("dx", (len(dy), dy.shape[2]))
        return np.add.reduce(dy, axis=1, out=dx)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 2:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank 2, (N, D). "
                f"Received: shape {shape}."
            )
