"""Joining: inputs side by side along an axis, and products over one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape
from ..context import Context
from .merging import Several
from .spatial import wants_dx


class Concatenate(Several):
    """The inputs side by side along an axis.

    Arguments:
        axis: which one; the last if not given.
        **kwargs: the arguments of every Layer.

    Shape:
        A list of arrays (N, ...) of the same rank and, except on `axis`, the same sizes; y (N, ...)
        with the sum of their sizes on `axis`. Any dtype.

    Raises:
        ValueError: for shapes that do not fit, an axis they do not have, and for anything but a
            list of inputs.

    Example:
        >>> Concatenate()([np.ones((1, 2)), np.zeros((1, 1))]).numpy()
        array([[1., 1., 0.]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def forward(self, x: Any, ctx: Context) -> Array:
        ctx.xs = x
        axis = self.axis % x[0].ndim
        total = sum(one.shape[axis] for one in x)
        shape = (*x[0].shape[:axis], total, *x[0].shape[axis + 1 :])
        dtype = self.merged_dtype(one.dtype for one in x)
        y = ctx.buffer("y", shape, dtype)
        return np.concatenate(x, axis=axis, out=y)

    def backward(self, dy: Array, ctx: Context) -> Any:
        if not wants_dx(dy, ctx):
            return None
        axis = self.axis % dy.ndim
        ends = np.cumsum([x.shape[axis] for x in ctx.xs])[:-1]
        dxs = []
        for i, (x, part) in enumerate(zip(ctx.xs, np.split(dy, ends, axis), strict=True)):
            dx = self.own_gradient(i, x, ctx)
            if dx is not None:
                np.copyto(dx, part)
            dxs.append(dx)
        return dxs

    def compute_output_shape(self, input_shape: Any) -> Shape:
        ranks = {len(shape) for shape in input_shape}
        rank = len(input_shape[0])
        if len(ranks) > 1 or not -rank <= self.axis < rank:
            self._refuse(input_shape)
        axis = self.axis % rank
        sizes = []
        for i, along in enumerate(zip(*input_shape, strict=True)):
            known = {size for size in along if size is not None}
            if i == axis:
                sizes.append(None if None in along else sum(along))
            elif len(known) > 1:
                self._refuse(input_shape)
            else:
                sizes.append(None if None in along else along[0])
        return tuple(sizes)

    def _refuse(self, shapes: Any) -> None:
        raise ValueError(
            f"The layer {self.name!r} expected inputs of equal shapes except along its "
            f"axis={self.axis}. Received: shapes {list(shapes)}."
        )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None or all(one is None for one in mask):
            return None
        # A mask says the same of all features, and where there is none, nothing is masked.
        wide = [
            np.ones(one.shape, bool)
            if m is None
            else np.broadcast_to(m[..., None] if m.ndim < one.ndim else m, one.shape)
            for one, m in zip(x, mask, strict=True)
        ]
        return np.logical_or.reduce(np.concatenate(wide, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(Several):
    """The dot products of two inputs over an axis of each, sample by sample: y = sum_k a_k b_k.

    Arguments:
        axes: the axis summed over: one for both, or one for each; not 0, the batch axis.
        normalize: whether to scale along it to length 1 first, which gives the cosine.
        **kwargs: the arguments of every Layer.

    Shape:
        a (N, ..., K, ...) and b (N, ..., K, ...); y (N, the other axes of a, those of b), or (N, 1)
        if there are none.

    Raises:
        TypeError: if `axes` is neither a whole number nor two of them.
        ValueError: for two axes of other sizes than each other, axis 0, and anything but a list of
            two inputs.

    Example:
        >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[11.]], dtype=float32)
    """

    number = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int | tuple | list):
            raise TypeError(
                f"Dot expected `axes` to be a whole number or two of them. Received: axes={axes!r}."
            )
        if not isinstance(axes, int) and (
            len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)
        ):
            raise ValueError(
                f"Dot expected `axes` to be a whole number or two of them. Received: axes={axes!r}."
            )
        self.axes = axes
        self.normalize = normalize

    def forward(self, x: Any, ctx: Context) -> Array:
        ctx.xs = x
        axes = self._axes([one.shape for one in x])
        if self.normalize:
            pairs = zip(x, axes, strict=True)
            ctx.scales = [_inverse_length(one, axis) for one, axis in pairs]
            x = [one * scale for one, scale in zip(x, ctx.scales, strict=True)]
        ctx.scaled = x
        # As matrices: a (N, A, K), its axis last, and b (N, K, B), its axis first.
        a, b = np.moveaxis(x[0], axes[0], -1), np.moveaxis(x[1], axes[1], 1)
        rest = (*a.shape[1:-1], *b.shape[2:])
        ctx.a = a.reshape(len(a), prod(a.shape[1:-1]), a.shape[-1])
        ctx.b = b.reshape(len(b), b.shape[1], prod(b.shape[2:]))
        dtype = self.merged_dtype(one.dtype for one in x)
        y = ctx.buffer("y", (len(a), ctx.a.shape[1], ctx.b.shape[2]), dtype)
        np.matmul(ctx.a, ctx.b, out=y)
        return y.reshape(len(a), *(rest or (1,)))

    def backward(self, dy: Array, ctx: Context) -> Any:
        if not wants_dx(dy, ctx):
            return None
        axes = self._axes([x.shape for x in ctx.xs])
        dy = dy.reshape(len(dy), ctx.a.shape[1], ctx.b.shape[2])
        da = np.matmul(dy, ctx.b.mT, out=ctx.buffer("da", ctx.a.shape))
        db = np.matmul(ctx.a.mT, dy, out=ctx.buffer("db", ctx.b.shape))
        dxs: list[Array | None] = []
        for i, (x, dx, end) in enumerate(zip(ctx.xs, (da, db), (-1, 1), strict=True)):
            dx = np.moveaxis(dx.reshape(np.moveaxis(x, axes[i], end).shape), end, axes[i])
            if self.normalize:
                dx = _through_scale(dx, ctx.scaled[i], ctx.scales[i], axes[i])
            dxs.append(dx if x.dtype.kind == "f" else None)
        return dxs

    def _axes(self, shapes: Any) -> tuple[int, int]:
        """Return the axis of each input, counted from 0."""
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return first % len(shapes[0]), second % len(shapes[1])

    def compute_output_shape(self, input_shape: Any) -> Shape:
        a, b = (list(shape) for shape in input_shape)
        given = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for shape, axis in zip((a, b), given, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(
                    f"The layer {self.name!r} expected inputs with the axes={self.axes}, other "
                    f"than the batch axis. Received: shapes {list(input_shape)}."
                )
        first, second = self._axes(input_shape)
        sizes = {a.pop(first), b.pop(second)} - {None}
        batches = {a.pop(0), b.pop(0)} - {None}
        if len(sizes) > 1 or len(batches) > 1:
            raise ValueError(
                f"The layer {self.name!r} expected inputs of one batch size, and of one size on "
                f"their axes={self.axes}. Received: shapes {list(input_shape)}."
            )
        return (batches.pop() if batches else None, *(a + b or [1]))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _inverse_length(x: Array, axis: int) -> Array:
    """Return 1 / |x| along an axis, and no more than 1 / epsilon."""
    with np.errstate(divide="ignore"):
        inverse: Array = 1 / np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    np.minimum(inverse, 1 / config.epsilon(), out=inverse)
    return inverse


def _through_scale(dy: Array, y: Array, scale: Array, axis: int) -> Array:
    """Return dx for y = x / |x|: of dy, what is at right angles to x. Below epsilon, all of it."""
    along = np.sum(dy * y, axis=axis, keepdims=True)
    along *= scale < 1 / config.epsilon()
    dx: Array = (dy - along * y) * scale
    return dx


# --- as functions


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return some inputs side by side: `Concatenate(axis, **kwargs)(inputs)`.

    Example:
        >>> concatenate([np.array([[1.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[1., 3., 4.]], dtype=float32)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Return the dot products of two inputs: `Dot(axes, **kwargs)(inputs)`.

    Example:
        >>> dot([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])], axes=1).numpy()
        array([[11.]], dtype=float32)
    """
    return Dot(axes=axes, **kwargs)(inputs)
