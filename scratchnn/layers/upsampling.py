"""Upsampling: signals, images and volumes made larger by a whole factor."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .sliding import pooled, sliding, sums
from .spatial import Spatial, an_integer, wants_dx


class UpSampling(Spatial):
    """Each element repeated along each spatial axis, in 1-D to 3-D."""

    casts_integers = False
    factors: tuple[int, ...]

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        y = ctx.buffer("y", self._larger(x.shape), x.dtype)
        sizes = x.shape[1:-1]
        grid = (n for pair in zip(sizes, self.factors, strict=True) for n in pair)
        ones = (n for size in sizes for n in (size, 1))
        blocks = y.reshape(len(x), *grid, x.shape[-1])
        np.copyto(blocks, x.reshape(len(x), *ones, x.shape[-1]))
        return self.as_given(y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy = self.in_order("dy", dy, ctx)
        for axis in reversed(range(self.rank)):
            factor = self.factors[axis]
            if factor > 1:
                slide = sliding(axis + 1, dy.shape[axis + 1], factor, factor, False)
                dx = ctx.buffer(f"dx{axis}", pooled(dy.shape, slide))
                sums(dy, dx, slide, ctx)
                dy = dx
        return self.as_given(dy)

    def compute_sizes(self, sizes: Shape) -> Shape:
        pairs = zip(sizes, self.factors, strict=True)
        return tuple(None if n is None else n * factor for n, factor in pairs)

    def _larger(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        factors = (1, *self.factors, 1)
        return tuple(n * factor for n, factor in zip(shape, factors, strict=True))


class UpSampling1D(UpSampling):
    """Repeat each time step.

    Arguments:
        size: how often each comes.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, C), y (N, size * T, C). Any dtype.

    Raises:
        TypeError: if `size` is not a whole number.
        ValueError: if it is not positive; for an input of another rank.

    Example:
        >>> UpSampling1D(3)(np.array([[[1.0], [2.0]]])).numpy().ravel()
        array([1., 1., 1., 2., 2., 2.], dtype=float32)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__("channels_last", **kwargs)
        self.size = an_integer(self, "size", size)
        self.factors = (self.size,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling2D(UpSampling):
    """Make images larger by whole factors.

    Arguments:
        size: the factor: a whole number, or (of height, of width).
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        interpolation: 'nearest' repeats rows and columns; 'bilinear' goes from one pixel's middle
            to the next one's in a straight line, and past the outermost stays level.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, size * H, size * W, C); (N, C, ...) with channels first. Any dtype;
        bilinear rounds integers.

    Raises:
        ValueError: for a size that is not positive whole numbers, another data_format or
            interpolation, and an input of another rank.

    Example:
        >>> UpSampling2D((1, 2), interpolation="bilinear")(
        ...     np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
        ... ).numpy().ravel()
        array([0., 1., 3., 4.], dtype=float32)
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self.factors = self.per_axis("size", size)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                "UpSampling2D expected interpolation to be 'nearest' or 'bilinear', the two that "
                f"are supported. Received: interpolation={interpolation!r}."
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.interpolation == "nearest":
            return super().forward(x, ctx)
        y = self.in_order("x", x if x.dtype.kind == "f" else x.astype(self.dtype), ctx)
        for axis in (2, 1):
            matrix = mixtures(y.shape[axis], self.factors[axis - 1], self.dtype)
            y = stretch(y, axis, matrix, f"y{axis}", ctx)
        if x.dtype.kind != "f":
            y = np.rint(y).astype(x.dtype)
        return self.as_given(y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if self.interpolation == "nearest":
            return super().backward(dy, ctx)
        if not wants_dx(dy, ctx):
            return None
        dy = self.in_order("dy", dy, ctx)
        for axis in (1, 2):
            factor = self.factors[axis - 1]
            matrix = mixtures(dy.shape[axis] // factor, factor, self.dtype)
            dy = stretch(dy, axis, matrix.T, f"dx{axis}", ctx)
        return self.as_given(dy)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class UpSampling3D(UpSampling):
    """Repeat each element of a volume along each axis.

    Arguments:
        size: how often: a whole number, or one for each axis.
        data_format, **kwargs: as for UpSampling2D.

    Shape:
        x (N, Z, H, W, C), y (N, size * Z, size * H, size * W, C); (N, C, ...) with channels first.
        Any dtype.

    Raises:
        ValueError: as for UpSampling2D.

    Example:
        >>> UpSampling3D((1, 2, 3))(np.ones((1, 1, 1, 1, 1))).shape
        (1, 1, 2, 3, 1)
    """

    rank = 3

    def __init__(
        self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self.factors = self.per_axis("size", size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


# --- straight lines between neighbours


@lru_cache(maxsize=64)
def mixtures(size: int, factor: int, dtype: str) -> Array:
    """Return how much of each coarse pixel each fine one takes, (factor * size, size).

    Example:
        >>> mixtures(2, 2, "float64")
        array([[1.  , 0.  ],
               [0.75, 0.25],
               [0.25, 0.75],
               [0.  , 1.  ]])
    """
    fine = np.arange(factor * size)
    place = np.clip((fine + 0.5) / factor - 0.5, 0, size - 1)  # where its middle lies
    left = np.floor(place).astype(int)
    mixture = np.zeros((factor * size, size), dtype)
    mixture[fine, left] = 1 - (place - left)
    mixture[fine, np.minimum(left + 1, size - 1)] += place - left
    return mixture


def stretch(x: Array, axis: int, matrix: Array, name: str, ctx: Context) -> Array:
    """Return the product of a matrix and x along an axis; x's memory is in order."""
    y = ctx.buffer(name, (*x.shape[:axis], len(matrix), *x.shape[axis + 1 :]))
    before, after = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    out = y.reshape(before, len(matrix), after)
    np.matmul(matrix, x.reshape(before, x.shape[axis], after), out=out)
    return y
