"""Normalization within a sample: of layers, of groups of channels, by the mean square or norm.

All have the same core. With x^ = (x - mean) / sqrt(variance + epsilon), means taken over the
elements that are normalized together, the gradient of x is

    dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / sqrt(variance + epsilon).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from .base import Layer
from .core import refuse


class Affine(Layer):
    """A normalization that ends with y = gamma x^ + beta, or less.

    Arguments:
        axis: one axis or several.
        epsilon: keeps the division finite.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: what they start as.
        beta_regularizer, gamma_regularizer: what they add to the loss.
        beta_constraint, gamma_constraint: what each of their updates ends with.
        **kwargs: the arguments of every Layer.
    """

    supports_masking = True

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def add_affine(self, shape: Shape) -> None:
        """Make the weights that are wanted: gamma, then beta."""
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,  # type: ignore[arg-type]
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,  # type: ignore[arg-type]
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def assign_affine(self, dgamma: Array, dbeta: Array) -> None:
        """Assign their gradients, given as the sums over all but the weights' axes."""
        if self.scale:
            self.gamma.grad[...] = dgamma.reshape(self.gamma.shape)
        if self.center:
            self.beta.grad[...] = dbeta.reshape(self.beta.shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class ChannelNormalization(Affine):
    """A normalization with one gamma and one beta per channel, whose axis is `axis`."""

    def __init__(self, axis: int, *arguments: Any, **kwargs: Any) -> None:
        if not isinstance(axis, int | np.integer):
            raise TypeError(
                f"{type(self).__name__} expected `axis` to be an int. Received: axis={axis!r}."
            )
        super().__init__(int(axis), *arguments, **kwargs)

    def channels(self, shape: Shape) -> int:
        """Return the number of channels of inputs of `shape`."""
        return int(shape[self.axis])

    def check_input(self, shape: Shape) -> None:
        check_axes(self, (self.axis,), shape)
        weight = next(iter(self.own_weights), None) if self.built else None
        if weight is not None and weight.shape[0] != shape[self.axis]:
            raise ValueError(
                f"The layer {self.name!r} expected {weight.shape[0]} channels on axis {self.axis} "
                f"of its input. Received: shape {shape}."
            )

    def scaled(self, inverse: Array) -> Array:
        """Return gamma times `inverse`, (C,) or (..., C)."""
        return inverse * self.gamma.value if self.scale else inverse

    def channels_last(self, x: Array, ctx: Context, name: str) -> Array:
        """Return x as (M, C); a copy in the buffer `name` if the channels are not last."""
        if self.axis % x.ndim == x.ndim - 1:
            return np.ascontiguousarray(x).reshape(-1, x.shape[-1])
        moved = np.moveaxis(x, self.axis, -1)
        copy = ctx.buffer(name, moved.shape)
        np.copyto(copy, moved)
        return copy.reshape(-1, moved.shape[-1])

    def channels_back(self, y: Array, shape: tuple[int, ...]) -> Array:
        """Return y, (M, C), in the shape and with the axes of x."""
        axis = self.axis % len(shape)
        moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        return np.moveaxis(y.reshape(moved), -1, axis)


class LayerNormalization(Affine):
    """Normalize each sample: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    Mean and variance are taken over the axes in `axis`, and so is gamma: it has one number for
    each element that is normalized together with others.

    Arguments:
        axis: the axis or axes to normalize over.
        epsilon: keeps the division finite.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: what they start as.
        beta_regularizer, gamma_regularizer: what they add to the loss.
        beta_constraint, gamma_constraint: what each of their updates ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., D), float; gamma and beta have the sizes of the axes in `axis`.

    Raises:
        TypeError: if `axis` is neither an int nor a list of them.
        ValueError: if x lacks one of the axes, or one has no fixed size, or another than the
            layer was built for; for `rms_scaling`, the wrong formula of an older Keras.

    Example:
        >>> LayerNormalization(epsilon=0)(np.array([[1.0, 3.0]])).numpy()
        array([[-1.,  1.]], dtype=float32)

    Reference: Ba, Kiros and Hinton, 2016, Layer Normalization.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(
            checked_axis(self, axis),
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        refuse(self, rms_scaling=rms_scaling or None)

    def build(self, input_shape: Shape) -> None:
        self.axis = sorted(as_list(self.axis))
        self.add_affine(tuple(input_shape[axis] for axis in self.axis))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.rows = Rows(x.shape, self.axis)
        x = ctx.rows.of(x, ctx, "x")
        normal = ctx.normal = ctx.buffer("normal", x.shape)
        np.subtract(x, row_means(x, None, ctx, "mean"), out=normal)
        ctx.inverse = row_means(normal, normal, ctx, "inverse")
        invert(ctx.inverse, self.epsilon)
        normal *= ctx.inverse
        y = ctx.buffer("y", x.shape)
        if self.scale:
            np.multiply(normal, self.gamma.value.reshape(-1), out=y)
        else:
            np.copyto(y, normal)
        if self.center:
            y += self.beta.value.reshape(-1)
        return ctx.rows.back(y)  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy, normal = ctx.rows.of(dy, ctx, "dy"), ctx.normal
        self.assign_affine(np.einsum("md,md->d", dy, normal), np.dot(ctx.ones(len(dy)), dy))
        if not ctx.needs_dx:
            return None
        if self.scale:
            dy *= self.gamma.value.reshape(-1)
        along = row_means(dy, normal, ctx, "along")
        dy -= row_means(dy, None, ctx, "mean")
        dy -= np.multiply(normal, along, out=ctx.buffer("y", dy.shape))
        dy *= ctx.inverse
        return ctx.rows.back(dy)  # type: ignore[no-any-return]

    def check_input(self, shape: Shape) -> None:
        check_axes(self, as_list(self.axis), shape)
        check_sizes(self, shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": False}


class RMSNormalization(Layer):
    """Divide each sample by its root mean square: y = scale x / sqrt(mean(x**2) + epsilon).

    Arguments:
        axis: the axis or axes to take the mean over: the last one, or the last ones in order.
        epsilon: keeps the division finite.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., D), float; scale has the sizes of the axes in `axis`.

    Raises:
        TypeError: if `axis` is neither an int nor a list of them.
        ValueError: if they are not the last axes of x, or one has no fixed size, or another than
            the layer was built for.

    Example:
        >>> RMSNormalization()(np.array([[1.0, -1.0, 7.0, 7.0]])).numpy()
        array([[ 0.2, -0.2,  1.4,  1.4]], dtype=float32)

    Reference: Zhang and Sennrich, 2019, Root Mean Square Layer Normalization.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = checked_axis(self, axis)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        self.axis = sorted(as_list(self.axis))
        shape = tuple(input_shape[axis] for axis in self.axis)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")  # type: ignore[arg-type]

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.rows = Rows(x.shape, self.axis)
        x = ctx.rows.of(x, ctx, "x")
        ctx.inverse = row_means(x, x, ctx, "inverse")
        invert(ctx.inverse, self.epsilon)
        ctx.normal = np.multiply(x, ctx.inverse, out=ctx.buffer("normal", x.shape))
        y = np.multiply(ctx.normal, self.scale.value.reshape(-1), out=ctx.buffer("y", x.shape))
        return ctx.rows.back(y)  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy, normal = ctx.rows.of(dy, ctx, "dy"), ctx.normal
        self.scale.grad[...] = np.einsum("md,md->d", dy, normal).reshape(self.scale.shape)
        if not ctx.needs_dx:
            return None
        dy *= self.scale.value.reshape(-1)
        along = row_means(dy, normal, ctx, "along")
        dy -= np.multiply(normal, along, out=ctx.buffer("y", dy.shape))
        dy *= ctx.inverse
        return ctx.rows.back(dy)  # type: ignore[no-any-return]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def check_input(self, shape: Shape) -> None:
        axes = as_list(self.axis)
        check_axes(self, axes, shape)
        last = list(range(len(shape) - len(axes), len(shape)))
        if [axis % len(shape) for axis in sorted(axes)] != last:
            raise ValueError(
                f"The layer {self.name!r} expected `axis` to be the last axes of its input, along "
                f"which its scale lies. Received: axis={self.axis} for inputs of shape {shape}."
            )
        check_sizes(self, shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Give each sample the length 1: y = x / sqrt(sum x**2). A sample of zeros stays as it is.

    Arguments:
        axis: the axis or axes to take the sum over.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., D), float.

    Raises:
        TypeError: if `axis` is neither an int nor a list of them.
        ValueError: if x lacks one of the axes.

    Example:
        >>> UnitNormalization()(np.array([[3.0, 4.0]])).numpy()
        array([[0.6, 0.8]], dtype=float32)
    """

    has_build_config = False
    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checked_axis(self, axis)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.rows = Rows(x.shape, self.axis)
        x = ctx.rows.of(x, ctx, "x")
        ctx.inverse = row_means(x, x, ctx, "inverse")
        ctx.inverse *= x.shape[1]
        with np.errstate(divide="ignore"):
            invert(ctx.inverse, 0)
        ctx.bounded = np.greater(ctx.inverse, 1e12)
        np.minimum(ctx.inverse, 1e12, out=ctx.inverse)
        ctx.y = np.multiply(x, ctx.inverse, out=ctx.buffer("y", x.shape))
        return ctx.rows.back(ctx.y)  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        dy = ctx.rows.of(dy, ctx, "dy")
        along = row_means(dy, ctx.y, ctx, "mean")
        along *= dy.shape[1]
        along[ctx.bounded] = 0  # there, y is a multiple of x
        dy -= np.multiply(ctx.y, along, out=ctx.buffer("along", dy.shape))
        dy *= ctx.inverse
        return ctx.rows.back(dy)  # type: ignore[no-any-return]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def check_input(self, shape: Shape) -> None:
        check_axes(self, as_list(self.axis), shape, fixed=False)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Rows:
    """How an array becomes rows (M, D), D the elements that are normalized together.

    Arguments:
        shape: of the array.
        axes: the axes of these elements.
    """

    def __init__(self, shape: tuple[int, ...], axes: int | Sequence[int]) -> None:
        inner = sorted(axis % len(shape) for axis in as_list(axes))
        outer = [axis for axis in range(len(shape)) if axis not in inner]
        self.order = [*outer, *inner]
        self.moved = tuple(shape[axis] for axis in self.order)
        self.rows = (prod(shape[axis] for axis in outer), prod(shape[axis] for axis in inner))
        self.in_place = self.order == sorted(self.order)

    def of(self, x: Array, ctx: Context, name: str) -> Array:
        """Return x as rows; a copy in the buffer `name` if its axes have to be moved."""
        if self.in_place:
            return x.reshape(self.rows)
        copy = ctx.buffer(name, self.moved)
        np.copyto(copy, x.transpose(self.order))
        return copy.reshape(self.rows)

    def back(self, y: Array) -> Array:
        """Return rows in the shape of the array."""
        return y.reshape(self.moved).transpose(np.argsort(self.order))


def row_means(a: Array, b: Array | None, ctx: Context, name: str) -> Array:
    """Return the mean of each row of a * b, or of a without b, as (M, 1) in the buffer `name`."""
    means = ctx.buffer(name, a.shape[:1])
    if b is None:
        np.einsum("md->m", a, out=means)
    else:
        np.vecdot(a, b, out=means)
    means /= a.shape[1]
    return means[:, np.newaxis]


def invert(variance: Array, epsilon: float) -> None:
    """Replace variances by 1 / sqrt(variance + epsilon)."""
    variance += epsilon
    np.sqrt(variance, out=variance)
    np.divide(1, variance, out=variance)


def as_list(axis: int | Sequence[int]) -> list[int]:
    """Return one axis or several as a list."""
    return [axis] if isinstance(axis, int) else list(axis)


def checked_axis(layer: Layer, axis: Any) -> int | list[int]:
    """Return `axis` as an int or a list of them; anything else is a TypeError."""
    if isinstance(axis, int | np.integer):
        return int(axis)
    if isinstance(axis, list | tuple) and all(isinstance(a, int | np.integer) for a in axis):
        return [int(a) for a in axis]
    raise TypeError(
        f"{type(layer).__name__} expected `axis` to be an int or a list of them. "
        f"Received: axis={axis!r}."
    )


def check_axes(layer: Layer, axes: Sequence[int], shape: Shape, *, fixed: bool = True) -> None:
    """Raise a ValueError unless inputs of `shape` have all these axes, once, of `fixed` sizes."""
    rank = len(shape)
    if not all(-rank <= axis < rank for axis in axes):
        raise ValueError(
            f"The layer {layer.name!r} expected inputs with the axes {list(axes)}. "
            f"Received: shape {shape}."
        )
    if len({axis % rank for axis in axes}) < len(axes):
        raise ValueError(
            f"The layer {layer.name!r} expected different axes. Received: axis={list(axes)} for "
            f"inputs of shape {shape}."
        )
    if fixed and any(shape[axis] is None for axis in axes):
        raise ValueError(
            f"The layer {layer.name!r} expected the axes {list(axes)} of its input to have fixed "
            f"sizes. Received: shape {shape}."
        )


def check_sizes(layer: Any, shape: Shape) -> None:
    """Raise a ValueError if a built layer's weights do not fit its axes in `shape`."""
    sizes = tuple(shape[axis] for axis in as_list(layer.axis))
    for weight in layer.own_weights if layer.built else ():
        if weight.shape != sizes:
            raise ValueError(
                f"The layer {layer.name!r} expected the sizes {weight.shape} on the axes "
                f"{layer.axis} of its input. Received: shape {shape}."
            )
