"""Merging: one output of several inputs, element by element.

Inputs broadcast against each other, sample by sample: one with fewer axes than the others gets axes
of size 1 right behind the batch axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from .. import dtypes
from ..arrays import Array, Shape
from ..context import Context
from .base import Layer
from .spatial import wants_dx


class Several(Layer):
    """A layer of several inputs: their shapes, masks and dtypes."""

    casts_integers = False
    takes_several = True
    supports_masking = True

    number: ClassVar[int | None] = None
    """How many inputs there must be; None for one or more."""

    def call_inputs(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        if not isinstance(inputs, list | tuple):
            raise ValueError(
                f"The layer {self.name!r} expected a list of inputs, such as [x1, x2]. "
                f"Received: {type(inputs).__name__}."
            )
        return super().call_inputs(inputs, training, mask)

    def check_input(self, shape: Any) -> None:
        if not shape or not all(isinstance(one, tuple | list) for one in shape):
            raise ValueError(
                f"The layer {self.name!r} expected the shapes of a list of inputs. "
                f"Received: {shape}."
            )
        if self.number is not None and len(shape) != self.number:
            raise ValueError(
                f"The layer {self.name!r} expected exactly {self.number} inputs. "
                f"Received: {len(shape)}, of shapes {list(shape)}."
            )
        self.compute_output_shape(shape)

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.merged_dtype(
            self.dtype if self.casts(np.dtype(dtype)) else dtype for dtype in dtypes
        )

    def merged_dtype(self, names: Any) -> str:
        """Return the dtype of what is computed from arrays of the given dtypes."""
        return dtypes.result_type(*names)

    def get_build_config(self) -> dict[str, Any] | None:
        config = super().get_build_config()
        return config and {"input_shape": [tuple(shape) for shape in config["input_shape"]]}

    def build_from_config(self, config: dict[str, Any]) -> None:
        if config.get("input_shape") is not None:
            shapes: Any = [tuple(shape) for shape in config["input_shape"]]
            self.ensure_built(shapes)

    def own_gradient(self, i: int, x: Array, ctx: Context) -> Array | None:
        """Return the array for the gradient of the i-th input, x; None if that holds integers."""
        return ctx.buffer(f"dx{i}", x.shape) if x.dtype.kind == "f" else None


class Merge(Several):
    """What the element-wise merges share: broadcasting, there and back."""

    def forward(self, x: Any, ctx: Context) -> Array:
        ctx.shapes = [one.shape for one in x]
        ctx.xs = xs = aligned(x)
        shape = np.broadcast_shapes(*(one.shape for one in xs))
        y = ctx.buffer("y", shape, self.merged_dtype(one.dtype for one in xs))
        masks = ctx.in_mask or [None] * len(xs)
        ctx.masks = [mask if mask is None else _wide(mask, xs[0].ndim) for mask in masks]
        self.merge(xs, y, ctx)
        return y

    def backward(self, dy: Array, ctx: Context) -> Any:
        if not wants_dx(dy, ctx):
            return None
        dxs: list[Array | None] = []
        order = reversed(range(len(ctx.xs)))
        for i, gradient in zip(order, self.gradients(dy, ctx), strict=True):
            dx = self.own_gradient(i, ctx.xs[i], ctx)
            if dx is not None:
                # The last one may live in dy, which nobody needs any more.
                dx = gradient if i == 0 and gradient.shape == dx.shape else _add_up(gradient, dx)
                dx = dx.reshape(ctx.shapes[i])
            dxs.append(dx)
        return dxs[::-1]

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        """Assign y, given inputs of one rank."""
        raise NotImplementedError(f"{type(self).__name__} must define merge(xs, y, ctx).")

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        """Yield the gradient of each input, the last one's first, in the shape of y.

        Each may stand in the same memory as the one before, and the last in dy's.
        """
        raise NotImplementedError(f"{type(self).__name__} must define gradients(dy, ctx).")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        batches = {shape[0] for shape in input_shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"The layer {self.name!r} expected inputs of one batch size. "
                f"Received: shapes {list(input_shape)}."
            )
        rest = reduce(self._broadcast, (tuple(shape[1:]) for shape in input_shape))
        return (batches.pop() if batches else None, *rest)

    def _broadcast(self, a: Shape, b: Shape) -> Shape:
        rank = max(len(a), len(b))
        pairs = list(zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True))
        if any(m != n and None not in (m, n) and 1 not in (m, n) for m, n in pairs):
            raise ValueError(
                f"The layer {self.name!r} expected inputs whose sizes are equal, or 1, on every "
                f"axis. Received: samples of shapes {a} and {b}."
            )
        return tuple(None if None in (m, n) else n if m == 1 else m for m, n in pairs)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None or any(one is None for one in mask):
            return None
        return reduce(np.logical_or, mask)


def aligned(xs: Sequence[Array]) -> list[Array]:
    """Return views of one rank, with axes of size 1 right behind the batch axis.

    Example:
        >>> [x.shape for x in aligned([np.ones((4, 5)), np.ones((4, 3, 5))])]
        [(4, 1, 5), (4, 3, 5)]
    """
    rank = max(x.ndim for x in xs)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in xs]


def _wide(mask: Array, rank: int) -> Array:
    """Return a mask, (N, T), with axes to broadcast over inputs of a rank."""
    return mask.astype(bool, copy=False).reshape(*mask.shape, *(1,) * (rank - mask.ndim))


def _add_up(gradient: Array, dx: Array) -> Array:
    """Return dx, assigned a gradient, summed over the axes on which x was broadcast."""
    axes = tuple(i for i, (m, n) in enumerate(zip(gradient.shape, dx.shape, strict=True)) if m != n)
    if axes:
        np.add.reduce(gradient, axis=axes, keepdims=True, out=dx)
    else:
        np.copyto(dx, gradient)
    return dx


# --- sums


class Add(Merge):
    """The sum of the inputs.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        A list of arrays (N, ...) whose sizes are equal, or 1, on each axis; y has the larger one's.
        An array with fewer axes than the others is (N, 1, ..., its own). Any dtype.

    Raises:
        ValueError: for shapes that do not fit, and for anything but a list of inputs.

    Example:
        >>> Add()([np.ones((1, 3)), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[1., 2., 3.]], dtype=float32)
    """

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        if len(xs) == 1:
            np.copyto(y, xs[0])
        else:
            np.add(xs[0], xs[1], out=y)
        for x in xs[2:]:
            np.add(y, x, out=y)

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        for _ in ctx.xs:
            yield dy


class Average(Add):
    """The mean of the inputs. Integers give floats.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        As for Add.

    Raises:
        ValueError: as for Add.

    Example:
        >>> Average()([np.ones((1, 3)), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[0.5, 1. , 1.5]], dtype=float32)
    """

    def merged_dtype(self, names: Any) -> str:
        return dtypes.result_type(*names, float)

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        super().merge(xs, y, ctx)
        np.divide(y, len(xs), out=y)

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        return super().gradients(np.divide(dy, len(ctx.xs), out=dy), ctx)


class Subtract(Merge):
    """The first input minus the second.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        As for Add, with exactly two inputs.

    Raises:
        ValueError: as for Add, and for another number of inputs.

    Example:
        >>> Subtract()([np.ones((1, 3)), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[ 1.,  0., -1.]], dtype=float32)
    """

    number = 2

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        np.subtract(xs[0], xs[1], out=y)

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        yield np.negative(dy, out=dy)
        yield np.negative(dy, out=dy)


# --- products


class Multiply(Merge):
    """The product of the inputs.

    Where an input is masked it counts as 1, and where all are, y is 0.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        As for Add.

    Raises:
        ValueError: as for Add.

    Example:
        >>> Multiply()([np.full((1, 3), 2.0), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[0., 2., 4.]], dtype=float32)
    """

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        for i, mask in enumerate(ctx.masks):
            if mask is not None:
                xs[i] = np.where(mask, xs[i], xs[i].dtype.type(1))
        ctx.products = [xs[0]]
        for i, x in enumerate(xs[1:-1], 1):
            product = ctx.buffer(f"product{i}", y.shape, y.dtype)
            ctx.products.append(np.multiply(ctx.products[-1], x, out=product))
        if len(xs) > 1:
            np.multiply(ctx.products[-1], xs[-1], out=y)
        else:
            np.copyto(y, xs[0])
        self._drop_masked(y, ctx)

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        self._drop_masked(dy, ctx)
        part = ctx.buffer("part", dy.shape)
        for i in reversed(range(1, len(ctx.xs))):
            np.multiply(dy, ctx.products[i - 1], out=part)
            yield _kept(part, ctx.masks[i])
            np.multiply(dy, ctx.xs[i], out=dy)
        yield _kept(dy, ctx.masks[0])

    def _drop_masked(self, y: Array, ctx: Context) -> None:
        if all(mask is not None for mask in ctx.masks):
            _kept(y, reduce(np.logical_or, ctx.masks))


def _kept(x: Array, mask: Array | None) -> Array:
    """Return x, with 0 where a mask is false."""
    if mask is not None:
        np.copyto(x, 0, where=~mask)
    return x


# --- extremes


class Extreme(Merge):
    """The largest or the smallest of the inputs; of equal ones, the first gets the gradient.

    A masked input counts only where all before it are masked, too: Keras's rule.
    """

    extreme: ClassVar[np.ufunc]
    wins: ClassVar[np.ufunc]
    """Whether what there is so far loses against the next input."""

    def merge(self, xs: list[Array], y: Array, ctx: Context) -> None:
        np.copyto(y, xs[0])
        ctx.won = []
        so_far = ctx.masks[0]
        for i, (x, mask) in enumerate(zip(xs[1:], ctx.masks[1:], strict=True), 1):
            won = self.wins(y, x, out=ctx.buffer(f"won{i}", y.shape, bool))
            ctx.won.append(won)
            if mask is None and so_far is None:
                self.extreme(y, x, out=y)
                continue
            if so_far is not None:
                won |= ~so_far
            if mask is not None:
                won &= mask
            np.copyto(y, x, where=won)
            so_far = None if mask is None or so_far is None else so_far | mask

    def gradients(self, dy: Array, ctx: Context) -> Iterator[Array]:
        part = ctx.buffer("part", dy.shape)
        for won in reversed(ctx.won):
            yield np.multiply(dy, won, out=part)
            np.subtract(dy, part, out=dy)
        yield dy


class Maximum(Extreme):
    """The largest of the inputs, element by element.

    Of equal ones, the first gets the gradient.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        As for Add.

    Raises:
        ValueError: as for Add.

    Example:
        >>> Maximum()([np.ones((1, 3)), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[1., 1., 2.]], dtype=float32)
    """

    extreme = np.maximum
    wins = np.less


class Minimum(Extreme):
    """The smallest of the inputs, element by element.

    Of equal ones, the first gets the gradient.

    Arguments:
        **kwargs: the arguments of every Layer.

    Shape:
        As for Add.

    Raises:
        ValueError: as for Add.

    Example:
        >>> Minimum()([np.ones((1, 3)), np.arange(3.0).reshape(1, 3)]).numpy()
        array([[0., 1., 1.]], dtype=float32)
    """

    extreme = np.minimum
    wins = np.greater


# --- as functions


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return the sum of some inputs: `Add(**kwargs)(inputs)`.

    Example:
        >>> add([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[4., 6.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return the mean of some inputs: `Average(**kwargs)(inputs)`.

    Example:
        >>> average([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[2., 3.]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return the difference of two inputs: `Subtract(**kwargs)(inputs)`.

    Example:
        >>> subtract([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[-2., -2.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return the product of some inputs: `Multiply(**kwargs)(inputs)`.

    Example:
        >>> multiply([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[3., 8.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return the largest of some inputs: `Maximum(**kwargs)(inputs)`.

    Example:
        >>> maximum([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[3., 4.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return the smallest of some inputs: `Minimum(**kwargs)(inputs)`.

    Example:
        >>> minimum([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
        array([[1., 2.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)
