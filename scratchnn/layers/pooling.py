"""Pooling: one number for each window of an image, its largest or its mean."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .sliding import (
    Slide,
    count,
    maxima,
    maxima_gradient,
    parts,
    pooled,
    sliding,
    sums,
    sums_gradient,
)
from .spatial import Spatial, wants_dx
from .tiles import are_tiles, seen_by, tile_gradient, tile_maxima, tile_winners


class Windowed(Spatial):
    """A layer that pools windows, one axis after the other, a part of the batch at a time."""

    def slides(self, sizes: tuple[int, ...]) -> list[Slide]:
        """Return the windows along each spatial axis, in the order in which they are pooled."""
        raise NotImplementedError(f"{type(self).__name__} must define slides(sizes).")

    def stages(self, x: Array, ctx: Context) -> list[Array]:
        """Return x and, for each axis, an array for what there is after it was pooled."""
        ctx.slides = self.slides(x.shape[1:-1])
        stages = [x]
        for slide in ctx.slides:
            shape = pooled(stages[-1].shape, slide)
            stages.append(ctx.buffer(f"y{slide.axis}", shape, x.dtype))
        return stages

    def gradients(self, dy: Array, ctx: Context) -> Iterator[tuple[slice, list[Array]]]:
        """Yield the parts of a batch, each with arrays for the gradients of its stages.

        The last is dy's; those in between are needed for a part only, and share their memory.
        """
        dx = ctx.buffer("dx", ctx.stages[0].shape) if ctx.slides else dy
        ctx.dx = dx
        for part in parts(dx):
            between = [
                ctx.buffer(f"dy{slide.axis}", stage[part].shape)
                for slide, stage in zip(ctx.slides[:-1], ctx.stages[1:-1], strict=True)
            ]
            yield part, [dx[part], *between, dy[part]]


class Largest(Windowed):
    """The forward and backward passes of max pooling."""

    casts_integers = False

    shares_ties: ClassVar[bool] = False
    """Whether dy goes to each of a window's equal maxima, and not to the first alone."""

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.in_order("x", x, ctx)
        ctx.tiles = self.slides(x.shape[1:-1])[::-1]  # the first axis first
        if are_tiles(ctx.tiles, x.shape[-1]):
            return self.as_given(self._forward_tiles(x, ctx))
        ctx.tiles = None
        ctx.stages = self.stages(x, ctx)
        for part in parts(x):
            for (a, b), slide in zip(pairwise(ctx.stages), ctx.slides, strict=True):
                maxima(a[part], b[part], slide, ctx)
        return self.as_given(ctx.stages[-1])

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy = self.in_order("dy", dy, ctx)
        if ctx.tiles is not None:
            return self.as_given(self._backward_tiles(dy, ctx))
        for part, dys in self.gradients(dy, ctx):
            for i, slide in reversed(list(enumerate(ctx.slides))):
                x, y = ctx.stages[i][part], ctx.stages[i + 1][part]
                maxima_gradient(x, y, dys[i + 1], dys[i], slide, ctx, self.shares_ties)
        return self.as_given(ctx.dx)

    def _forward_tiles(self, x: Array, ctx: Context) -> Array:
        shape = reduce(pooled, ctx.tiles, x.shape)
        ctx.x, ctx.y = x, ctx.buffer("y", shape, x.dtype)
        ctx.seen = seen_by(ctx.tiles)
        ctx.won = self._won(ctx) if ctx.training else None
        for part in parts(x):
            tile_maxima(x[part], ctx.y[part], ctx.tiles, ctx)
            if ctx.won is not None:
                self._find_winners(part, ctx)
        return ctx.y  # type: ignore[no-any-return]

    def _backward_tiles(self, dy: Array, ctx: Context) -> Array:
        dx = ctx.buffer("dx", ctx.x.shape)
        known = ctx.won is not None
        if not known:
            ctx.won = self._won(ctx)
        for part in parts(dx):
            if not known:
                self._find_winners(part, ctx)
            tile_gradient(dy[part], ctx.won[:, part], dx[part], ctx.seen)
        return dx

    def _won(self, ctx: Context) -> Array:
        return ctx.buffer("won", (len(ctx.seen), *ctx.y.shape), bool)

    def _find_winners(self, part: slice, ctx: Context) -> None:
        x, y, won = ctx.x[part], ctx.y[part], ctx.won[:, part]
        tile_winners(x, y, won, ctx.seen, self.shares_ties, ctx)


class Mean(Windowed):
    """The forward and backward passes of average pooling."""

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.in_order("x", x, ctx)
        ctx.stages = self.stages(x, ctx)
        ctx.sizes = reduce(np.multiply, (_along(slide, x) for slide in ctx.slides), 1)
        for part in parts(x):
            for (a, b), slide in zip(pairwise(ctx.stages), ctx.slides, strict=True):
                sums(a[part], b[part], slide, ctx)
            if ctx.slides:
                y = ctx.stages[-1][part]
                np.divide(y, ctx.sizes, out=y)
        return self.as_given(ctx.stages[-1])

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not wants_dx(dy, ctx):
            return None
        dy = self.in_order("dy", dy, ctx)
        for _, dys in self.gradients(dy, ctx):
            np.divide(dys[-1], ctx.sizes, out=dys[-1])
            for i, slide in reversed(list(enumerate(ctx.slides))):
                sums_gradient(dys[i + 1], dys[i], slide)
        return self.as_given(ctx.dx)


def _along(slide: Slide, x: Array) -> Any:
    """Return the sizes of windows as a number, or as what broadcasts along their axis of x."""
    if len(set(slide.sizes)) == 1:
        return x.dtype.type(slide.sizes[0])
    return np.array(slide.sizes, x.dtype).reshape(-1, *(1 for _ in x.shape[slide.axis + 1 :]))


class Pooling(Windowed):
    """Windows of one size, a stride apart.

    Arguments:
        pool_size: the size of a window: a whole number, or one for each axis.
        strides: the step from one window to the next, `pool_size` if not given.
        padding: 'valid' takes the windows that are whole; with 'same' there are ceil(n / stride),
            and those at the ends may reach over them. What lies there is not counted.
        data_format, name, **kwargs: as for every layer over images.
    """

    has_build_config = False

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = self.per_axis("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self.per_axis("strides", strides)
        self.padding = padding
        if str(padding).lower() not in ("valid", "same"):
            raise ValueError(
                f"{type(self).__name__} expected padding to be 'valid' or 'same'. "
                f"Received: padding={padding!r}."
            )
        self._same = padding.lower() == "same"

    def slides(self, sizes: tuple[int, ...]) -> list[Slide]:
        # The last axis first: of equal maxima, the first in the window's rows wins.
        axes = zip(range(1, self.rank + 1), sizes, self.pool_size, self.strides, strict=True)
        return [
            sliding(axis, length, size, stride, self._same)
            for axis, length, size, stride in reversed(list(axes))
            if size > 1 or stride > 1
        ]

    def compute_sizes(self, sizes: Shape) -> Shape:
        axes = zip(sizes, self.pool_size, self.strides, strict=True)
        counts = tuple(None if n is None else count(n, k, s, self._same) for n, k, s in axes)
        if any(n is not None and n <= 0 for n in counts):
            raise ValueError(
                f"The layer {self.name!r} expected its input to be as large as a window, "
                f"pool_size={self.pool_size}. Received: an input of {sizes}, without channels. "
                "With padding='same' it may be smaller."
            )
        return counts

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling(Pooling, Largest):
    """The largest number of each window, in 1-D to 3-D."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(MaxPooling):
    """The largest number of each window of time: y_i = max_k x[i s + k], k < pool_size.

    The gradient goes to the first of equal maxima.

    Arguments:
        pool_size: how many time steps a window has.
        strides, padding, data_format, name, **kwargs: as for MaxPooling2D.

    Shape:
        x (N, T, C), y (N, T', C); (N, C, T) and (N, C, T') with channels first. T' is as for
        MaxPooling2D. Any dtype.

    Raises:
        ValueError: as for MaxPooling2D.

    Example:
        >>> MaxPooling1D(2)(np.array([[[1.0], [4.0], [3.0], [2.0]]])).numpy().ravel()
        array([4., 3.], dtype=float32)

    Reference: as for MaxPooling2D.
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number of each window of an image: y_ij = max_kl x[i s + k, j s + l].

    The gradient goes to that number; of equal ones, to the first in the window's rows.

    Arguments:
        pool_size: the size of a window: a whole number, or (height, width).
        strides: the steps from one window to the next; `pool_size` if not given.
        padding: 'valid' takes the windows that are whole; with 'same' they cover the whole input,
            and may reach over both of its ends, where nothing is seen.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        name: the layer's name.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', C); (N, C, H, W) and (N, C, H', W') with channels first.
        H' is (H - pool_size) // stride + 1 for 'valid' and ceil(H / stride) for 'same'. Any dtype.

    Raises:
        ValueError: for sizes or strides that are not positive whole numbers, for another padding
            or data_format, and for an input of another rank or too small for one window.

    Example:
        >>> x = np.array([[1.0, 2.0, 3.0, 4.0], [8.0, 7.0, 6.0, 5.0]]).reshape(1, 2, 4, 1)
        >>> MaxPooling2D()(x).numpy().ravel()
        array([8., 6.], dtype=float32)

    Reference: Ranzato et al., 2007, Unsupervised Learning of Invariant Feature Hierarchies.
    """

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number of each window of a volume.

    The gradient goes to each of a window's equal maxima, and to each in full: so does TensorFlow's,
    unlike its own in 1-D and 2-D.

    Arguments:
        pool_size: the size of a window: a whole number, or (depth, height, width).
        strides, padding, data_format, name, **kwargs: as for MaxPooling2D.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', C); with channels first C is axis 1. Z' is as H' for
        MaxPooling2D. Any dtype.

    Raises:
        ValueError: as for MaxPooling2D.

    Example:
        >>> MaxPooling3D(2)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).numpy().ravel()
        array([7.], dtype=float32)

    Reference: as for MaxPooling2D.
    """

    rank = 3
    shares_ties = True


class AveragePooling1D(Pooling, Mean):
    """The mean of each window of time.

    Arguments:
        pool_size: how many time steps a window has.
        strides, padding, data_format, name, **kwargs: as for AveragePooling2D.

    Shape:
        x (N, T, C), y (N, T', C); (N, C, T) and (N, C, T') with channels first. T' is as for
        MaxPooling2D. Integers are cast to floats.

    Raises:
        ValueError: as for MaxPooling2D.

    Example:
        >>> AveragePooling1D(2)(np.array([[[1.0], [4.0], [3.0], [2.0]]])).numpy().ravel()
        array([2.5, 2.5], dtype=float32)

    Reference: as for AveragePooling2D.
    """

    rank = 1


class AveragePooling2D(Pooling, Mean):
    """The mean of each window of an image: y_ij = 1/n sum_kl x[i s + k, j s + l].

    n is the number of x's elements in the window: where 'same' lets it reach over an end, fewer.

    Arguments:
        pool_size: the size of a window: a whole number, or (height, width).
        strides, padding, data_format, name, **kwargs: as for MaxPooling2D.

    Shape:
        x (N, H, W, C), y (N, H', W', C); (N, C, H, W) and (N, C, H', W') with channels first.
        H' is as for MaxPooling2D. Integers are cast to floats.

    Raises:
        ValueError: as for MaxPooling2D.

    Example:
        >>> x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 2, 3, 1)
        >>> AveragePooling2D(2, padding="same")(x).numpy().ravel()
        array([3. , 4.5], dtype=float32)

    Reference: LeCun et al., 1998, Gradient-Based Learning Applied to Document Recognition.
    """

    rank = 2


class AveragePooling3D(Pooling, Mean):
    """The mean of each window of a volume.

    Arguments:
        pool_size: the size of a window: a whole number, or (depth, height, width).
        strides, padding, data_format, name, **kwargs: as for AveragePooling2D.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', C); with channels first C is axis 1. Z' is as H' for
        MaxPooling2D. Integers are cast to floats.

    Raises:
        ValueError: as for MaxPooling2D.

    Example:
        >>> AveragePooling3D(2)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).numpy().ravel()
        array([3.5], dtype=float32)

    Reference: as for AveragePooling2D.
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
