"""Global pooling: one number for each channel, over all places."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .base import check_mask
from .spatial import Spatial, wants_dx


class GlobalPooling(Spatial):
    """What global poolings share: they see x as (N, P, C), with P places.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        keepdims: whether the spatial axes stay, with size 1.
        **kwargs: the arguments of every Layer.
    """

    has_build_config = False

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    def places(self, x: Array) -> Array:
        """Return x as (N, P, C)."""
        x = self.channels_last(x)
        return x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])

    def shaped(self, y: Array) -> Array:
        """Return y, (N, 1, C), as the layer's output."""
        if not self.keepdims:
            return y[:, 0]
        return self.as_given(y.reshape(len(y), *(1,) * self.rank, y.shape[-1]))

    def compute_sizes(self, sizes: Shape) -> Shape:
        if 0 in sizes:
            raise ValueError(
                f"The layer {self.name!r} expected an input with something to pool. "
                f"Received: an input of {sizes}, without channels."
            )
        return (1,) * self.rank if self.keepdims else ()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class GlobalMaxPooling(GlobalPooling):
    """The largest number of each channel, in 1-D to 3-D."""

    casts_integers = False

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.x = x
        places = self.places(x)
        ctx.y = ctx.buffer("y", (len(x), 1, places.shape[-1]), x.dtype)
        np.maximum.reduce(places, axis=1, keepdims=True, out=ctx.y)
        return self.shaped(ctx.y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy, x = dy.reshape(ctx.y.shape), self.channels_last(ctx.x)
        places = self.places(ctx.x)
        dx = ctx.buffer("dx", places.shape)
        # Whatever is largest gets a share, and the shares add up to dy.
        np.copyto(dx, np.equal(places, ctx.y, out=ctx.buffer("won", places.shape, bool)))
        ones = ctx.ones(places.shape[1])[np.newaxis]
        winners = np.matmul(ones, dx, out=ctx.buffer("winners", dy.shape))
        with np.errstate(divide="ignore", invalid="ignore"):  # of a NaN, which equals nothing
            dx *= np.divide(dy, winners, out=dy)
        return self.as_given(dx.reshape(x.shape))


class GlobalAveragePooling(GlobalPooling):
    """The mean of each channel, in 1-D to 3-D."""

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = self.channels_last(x).shape
        places = self.places(x)
        ctx.counted, ctx.counts = self.counted(places, ctx)
        y = ctx.buffer("y", (len(x), 1, places.shape[-1]))
        with np.errstate(invalid="ignore"):
            np.matmul(ctx.counted, places, out=y)  # sums are BLAS's, as products with ones
            if ctx.in_mask is not None and not np.isfinite(y).all():
                np.matmul(ctx.counted, np.where(ctx.counted.mT, places, 0), out=y)
            y /= ctx.counts  # of a sample without any step, NaN
        return self.shaped(y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        n, channels = ctx.shape[0], ctx.shape[-1]
        dy = dy.reshape(n, 1, channels)
        np.divide(dy, np.maximum(ctx.counts, 1), out=dy)
        if ctx.may_broadcast and ctx.in_mask is None and self.rank == 1:
            return self.as_given(np.broadcast_to(dy, ctx.shape))
        dx = ctx.buffer("dx", (n, prod(ctx.shape[1:-1]), channels))
        if ctx.in_mask is None:
            np.copyto(dx, dy)
        else:
            np.multiply(ctx.counted.mT, dy, out=dx)
        return self.as_given(dx.reshape(ctx.shape))

    def counted(self, places: Array, ctx: Context) -> tuple[Array, Any]:
        """Return what counts, as ones in (N or 1, 1, P), and how many places it is."""
        counted = ctx.buffer("counted", (1, 1, places.shape[1]))
        counted.fill(1)
        return counted, places.dtype.type(places.shape[1])


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest number of each channel over time. Equal maxima share the gradient evenly.

    Arguments:
        data_format, keepdims, **kwargs: as for GlobalAveragePooling2D.

    Shape:
        x (N, T, C), or (N, C, T) with channels first; y (N, C). With keepdims, T stays as 1. Any
        dtype.

    Raises:
        ValueError: as for GlobalAveragePooling2D.

    Example:
        >>> GlobalMaxPooling1D()(np.array([[[1.0, 2.0], [3.0, 0.0]]])).numpy()
        array([[3., 2.]], dtype=float32)
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest number of each channel of an image. Equal maxima share the gradient evenly.

    Arguments:
        data_format, keepdims, **kwargs: as for GlobalAveragePooling2D.

    Shape:
        x (N, H, W, C), or (N, C, H, W) with channels first; y (N, C). With keepdims, H and W stay
        as 1. Any dtype.

    Raises:
        ValueError: as for GlobalAveragePooling2D.

    Example:
        >>> GlobalMaxPooling2D()(np.arange(8.0).reshape(1, 2, 2, 2)).numpy()
        array([[6., 7.]], dtype=float32)
    """

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest number of each channel of a volume. Equal maxima share the gradient evenly.

    Arguments:
        data_format, keepdims, **kwargs: as for GlobalAveragePooling2D.

    Shape:
        x (N, Z, H, W, C), or (N, C, Z, H, W) with channels first; y (N, C). With keepdims, the
        spatial axes stay as 1. Any dtype.

    Raises:
        ValueError: as for GlobalAveragePooling2D.

    Example:
        >>> GlobalMaxPooling3D(keepdims=True)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).shape
        (1, 1, 1, 1, 1)
    """

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each channel over time, or over the time steps that a mask leaves.

    Arguments:
        data_format, keepdims, **kwargs: as for GlobalAveragePooling2D.

    Shape:
        x (N, T, C), or (N, C, T) with channels first; mask (N, T); y (N, C). With keepdims, T
        stays as 1. Integers are cast to floats. A sample whose steps are all masked gives NaN.

    Raises:
        ValueError: as for GlobalAveragePooling2D.

    Example:
        >>> GlobalAveragePooling1D()(np.array([[[1.0, 2.0], [3.0, 0.0]]])).numpy()
        array([[2., 1.]], dtype=float32)
    """

    rank = 1
    supports_masking = True
    takes_mask = True

    def counted(self, places: Array, ctx: Context) -> tuple[Array, Any]:
        if ctx.in_mask is None:
            return super().counted(places, ctx)
        mask = np.asarray(ctx.in_mask, bool)
        check_mask(self, mask.shape, places.shape[:2])
        counted = ctx.buffer("counted", (len(places), 1, places.shape[1]))
        np.copyto(counted[:, 0], mask)
        return counted, np.add.reduce(counted, axis=2, keepdims=True)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel of an image.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        keepdims: whether the spatial axes stay, with size 1.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), or (N, C, H, W) with channels first; y (N, C). With keepdims, H and W stay
        as 1. Integers are cast to floats.

    Raises:
        ValueError: for another data_format; for an input of another rank or without elements.

    Example:
        >>> GlobalAveragePooling2D()(np.arange(8.0).reshape(1, 2, 2, 2)).numpy()
        array([[3., 4.]], dtype=float32)

    Reference: Lin, Chen and Yan, 2014, Network in Network.
    """

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel of a volume.

    Arguments:
        data_format, keepdims, **kwargs: as for GlobalAveragePooling2D.

    Shape:
        x (N, Z, H, W, C), or (N, C, Z, H, W) with channels first; y (N, C). With keepdims, the
        spatial axes stay as 1. Integers are cast to floats.

    Raises:
        ValueError: as for GlobalAveragePooling2D.

    Example:
        >>> GlobalAveragePooling3D()(np.arange(8.0).reshape(1, 2, 2, 2, 1)).numpy()
        array([[3.5]], dtype=float32)
    """

    rank = 3


GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = (
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
