"""Padding and cropping: zeros around the input, or its border off."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .spatial import Spatial, wants_dx, whole_numbers

Border = tuple[tuple[int, int], ...]


class Bordered(Spatial):
    """A layer with a border: what it adds or cuts at the start and the end of each spatial axis."""

    casts_integers = False
    border: Border

    def pairs(self, argument: str, value: Any) -> Border:
        """Return an argument as pairs (start, end): a number or a pair for all axes or for each."""
        if self.rank == 1:
            return (self._pair(argument, value),)
        if not hasattr(value, "__len__"):
            return (self._pair(argument, value),) * self.rank
        if len(value) != self.rank or isinstance(value, str):
            raise ValueError(
                f"{type(self).__name__} expected `{argument}` to be a whole number, {self.rank} "
                f"of them, or {self.rank} pairs of them. Received: {argument}={value!r}."
            )
        return tuple(self._pair(argument, item) for item in value)

    def _pair(self, argument: str, value: Any) -> tuple[int, int]:
        start, end = whole_numbers(self, argument, value, 2, lowest=0)
        return start, end

    def inside(self, x: Array) -> Array:
        """Return the part of x, (N, *sizes, C), that is within the border."""
        ends = zip(self.border, x.shape[1:-1], strict=True)
        return x[:, *(slice(start, size - end) for (start, end), size in ends)]

    def clear_border(self, x: Array) -> None:
        """Set what is not inside to 0."""
        for axis, (start, end) in enumerate(self.border, 1):
            planes = np.moveaxis(x, axis, 0)
            planes[:start] = 0
            planes[len(planes) - end :] = 0


class ZeroPadding(Bordered):
    """Zeros around the input, in 1-D to 3-D."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.border = self.pairs("padding", padding)
        self.padding = self.border[0] if self.rank == 1 else self.border

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        ends = ((0, 0), *self.border, (0, 0))
        shape = tuple(n + sum(pair) for n, pair in zip(x.shape, ends, strict=True))
        y = ctx.buffer("y", shape, x.dtype)
        self.clear_border(y)
        np.copyto(self.inside(y), x)
        return self.as_given(y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy = self.inside(self.channels_last(dy))
        dx = ctx.buffer("dx", dy.shape)
        np.copyto(dx, dy)
        return self.as_given(dx)

    def compute_sizes(self, sizes: Shape) -> Shape:
        ends = zip(self.border, sizes, strict=True)
        return tuple(None if n is None else start + n + end for (start, end), n in ends)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "padding": self.padding,
            "data_format": self.data_format,
        }


class Cropping(Bordered):
    """The input without its border, in 1-D to 3-D."""

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.border = self.pairs("cropping", cropping)
        self.cropping = self.border[0] if self.rank == 1 else self.border

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        ctx.shape = x.shape
        inside = self.inside(x)
        y = ctx.buffer("y", inside.shape, x.dtype)
        np.copyto(y, inside)
        return self.as_given(y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dx = ctx.buffer("dx", ctx.shape)
        self.clear_border(dx)
        np.copyto(self.inside(dx), self.channels_last(dy))
        return self.as_given(dx)

    def compute_sizes(self, sizes: Shape) -> Shape:
        ends = zip(self.border, sizes, strict=True)
        left = tuple(None if n is None else n - start - end for (start, end), n in ends)
        if any(n is not None and n <= 0 for n in left):
            raise ValueError(
                f"The layer {self.name!r} expected its input to be larger than what it cuts off, "
                f"cropping={self.cropping}. Received: an input of {sizes}, without channels."
            )
        return left

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cropping": self.cropping,
            "data_format": self.data_format,
        }


class ZeroPadding1D(ZeroPadding):
    """Zeros before the first and after the last time step.

    Arguments:
        padding: how many: a whole number for both ends, or (before, after).
        data_format, **kwargs: as for ZeroPadding2D.

    Shape:
        x (N, T, C), y (N, before + T + after, C); (N, C, ...) with channels first. Any dtype.

    Raises:
        ValueError: as for ZeroPadding2D.

    Example:
        >>> ZeroPadding1D((0, 2))(np.ones((1, 2, 1))).numpy().ravel()
        array([1., 1., 0., 0.], dtype=float32)
    """

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image.

    Arguments:
        padding: how many: a whole number for all ends, (of height, of width), or
            ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, top + H + bottom, left + W + right, C); (N, C, ...) with channels
        first. Any dtype.

    Raises:
        ValueError: for a padding of another form or below 0, another data_format, and an input of
            another rank.

    Example:
        >>> ZeroPadding2D(((0, 1), (2, 0)))(np.ones((1, 1, 1, 1))).numpy()[0, :, :, 0]
        array([[0., 0., 1.],
               [0., 0., 0.]], dtype=float32)
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume.

    Arguments:
        padding: how many: a whole number for all ends, three for the axes, or three pairs
            (start, end).
        data_format, **kwargs: as for ZeroPadding2D.

    Shape:
        x (N, Z, H, W, C), y the same with larger Z, H and W; (N, C, ...) with channels first. Any
        dtype.

    Raises:
        ValueError: as for ZeroPadding2D.

    Example:
        >>> ZeroPadding3D((0, 1, 2))(np.ones((1, 2, 2, 2, 1))).shape
        (1, 2, 4, 6, 1)
    """

    rank = 3


class Cropping1D(Cropping):
    """Cut time steps off at both ends.

    Arguments:
        cropping: how many: a whole number for both ends, or (at the start, at the end).
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, C), y (N, T - start - end, C). Any dtype.

    Raises:
        ValueError: as for Cropping2D.

    Example:
        >>> Cropping1D((0, 2))(np.arange(4.0).reshape(1, 4, 1)).numpy().ravel()
        array([0., 1.], dtype=float32)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(Cropping):
    """Cut an image's border off.

    Arguments:
        cropping: how much: a whole number for all ends, (of height, of width), or
            ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H - top - bottom, W - left - right, C); (N, C, ...) with channels
        first. Any dtype.

    Raises:
        ValueError: for a cropping of another form or below 0, another data_format, and an input of
            another rank or of which nothing would be left.

    Example:
        >>> Cropping2D(((0, 1), (1, 0)))(np.arange(4.0).reshape(1, 2, 2, 1)).numpy().ravel()
        array([1.], dtype=float32)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Cut a volume's border off.

    Arguments:
        cropping: how much: a whole number for all ends, three for the axes, or three pairs
            (start, end).
        data_format, **kwargs: as for Cropping2D.

    Shape:
        x (N, Z, H, W, C), y the same with smaller Z, H and W; (N, C, ...) with channels first. Any
        dtype.

    Raises:
        ValueError: as for Cropping2D.

    Example:
        >>> Cropping3D()(np.ones((1, 3, 4, 5, 1))).shape
        (1, 1, 2, 3, 1)
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)
