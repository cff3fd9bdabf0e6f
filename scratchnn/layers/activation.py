"""Activation functions as layers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context, Logits
from .base import Layer


class Activation(Layer):
    """Apply an activation function: y = f(x).

    Arguments:
        activation: a name, a function, a layer, or the config of one.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: for a name that is not known, and a function without a derivative.

    Example:
        >>> Activation("relu")(np.array([-1.0, 2.0])).numpy()
        array([0., 2.], dtype=float32)
    """

    has_build_config = False
    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.nonlinearity = activations.Nonlinearity(self.activation)

    def build(self, input_shape: Shape) -> None:
        self.nonlinearity.build(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        return self.nonlinearity.forward(x, ctx, owned=False)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx and self.nonlinearity.layer is None:
            return None
        dx = self.nonlinearity.backward(dy, ctx)
        return dx if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.nonlinearity.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(Layer):
    """Rectified linear unit with a slope, a threshold and a ceiling.

    y = min(x, max_value) if x > threshold, else negative_slope * (x - threshold)

    Arguments:
        max_value: the largest output; None for no ceiling.
        negative_slope: the slope below the threshold.
        threshold: where the unit opens.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if an argument is negative or, but for max_value, None.

    Example:
        >>> ReLU(max_value=6)(np.array([-1.0, 2.0, 9.0])).numpy()
        array([0., 2., 6.], dtype=float32)
    """

    has_build_config = False
    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float | None = 0.0,
        threshold: float | None = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(f"max_value of a ReLU must not be negative. Received: {max_value}.")
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0:
                raise ValueError(f"{name} of a ReLU must not be negative or None. Got: {value}.")
        self.max_value = max_value
        self.negative_slope = float(negative_slope or 0.0)
        self.threshold = float(threshold or 0.0)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.x, ctx.y = x, ctx.buffer("y", x.shape)
        return activations.relu(x, *self._options, out=ctx.y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        return activations.DERIVATIVES[activations.relu](dy, ctx.x, ctx.y, ctx, *self._options)

    @property
    def _options(self) -> tuple[float, float | None, float]:
        return self.negative_slope, self.max_value, self.threshold

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """Leaky rectified linear unit: y = x if x > 0, else negative_slope * x.

    Arguments:
        negative_slope: the slope below 0, and at it; its older name is `alpha`.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if `negative_slope` is negative or None.

    Example:
        >>> LeakyReLU(0.5)(np.array([-1.0, 2.0])).numpy()
        array([-0.5,  2. ], dtype=float32)

    Reference: Maas, Hannun and Ng, 2013, Rectifier Nonlinearities Improve Neural Network Acoustic
    Models.
    """

    has_build_config = False
    supports_masking = True

    def __init__(self, negative_slope: float | None = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                "negative_slope of a LeakyReLU must not be negative or None. "
                f"Received: {negative_slope}."
            )
        self.negative_slope = negative_slope

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.x, ctx.y = x, ctx.buffer("y", x.shape)
        return activations.leaky_relu(x, self.negative_slope, out=ctx.y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        derivative = activations.DERIVATIVES[activations.leaky_relu]
        return derivative(dy, ctx.x, ctx.y, ctx, negative_slope=self.negative_slope)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(Layer):
    """Leaky rectified linear unit that learns its slopes: y = max(x, 0) + alpha * min(x, 0).

    At 0 itself the derivative is 0.

    Arguments:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes along which one slope serves all elements, counted from 1, as 0 is the
            batch; [1, 2] leaves an image's channels a slope each.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float; alpha has the shape of a sample, with 1 for each shared axis.

    Raises:
        ValueError: if an axis that is not shared has no fixed size, or x has other sizes than the
            layer was built for.

    Example:
        >>> PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]])).numpy()
        array([[-1.,  2.]], dtype=float32)

    Reference: He, Zhang, Ren and Sun, 2015, Delving Deep into Rectifiers: Surpassing Human-Level
    Performance on ImageNet Classification.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if isinstance(shared_axes, int):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Shape) -> None:
        self.alpha = self.add_weight(
            name="alpha",
            shape=self._alpha_shape(input_shape),  # type: ignore[arg-type]
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.x = x
        ctx.below = np.minimum(x, 0, out=ctx.buffer("below", x.shape))
        y = np.multiply(ctx.below, self.alpha.value, out=ctx.buffer("y", x.shape))
        y += np.maximum(x, 0, out=ctx.buffer("above", x.shape))
        return y  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        slope = np.multiply(dy, ctx.below, out=ctx.buffer("y", ctx.x.shape))
        shared = tuple(i for i, n in enumerate((1, *self.alpha.shape)) if n == 1)
        np.add.reduce(slope, axis=shared, out=self.alpha.grad[np.newaxis], keepdims=True)
        if not ctx.needs_dx:
            return None
        where = ctx.buffer("where", ctx.x.shape, np.bool_)
        np.copyto(slope, np.greater(ctx.x, 0, out=where))
        np.copyto(slope, self.alpha.value, where=np.less(ctx.x, 0, out=where))
        dy *= slope
        return dy

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def check_input(self, shape: Shape) -> None:
        expected = (None, *self.alpha.shape) if self.built else shape
        fits = len(shape) == len(expected)
        if fits:
            wanted = self._alpha_shape(expected)
            fits = None not in wanted and wanted == self._alpha_shape(shape)
        if not fits:
            raise ValueError(
                f"The layer {self.name!r} expected inputs of fixed sizes"
                f"{f', (N, ...) with slopes {self.alpha.shape}' if self.built else ''}, but for "
                f"its shared_axes, {self.shared_axes}. Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }

    def _alpha_shape(self, input_shape: Shape) -> Shape:
        for axis in self.shared_axes or ():
            if not 0 < axis < len(input_shape):
                raise ValueError(
                    f"The layer {self.name!r} shares its slopes along {self.shared_axes}, which "
                    f"are not all axes of its input, counted from 1. Received: shape {input_shape}."
                )
        shared = self.shared_axes or ()
        return tuple(1 if i in shared else n for i, n in enumerate(input_shape) if i > 0)


class ELU(Layer):
    """Exponential linear unit: y = x if x > 0, else alpha * (exp(x) - 1).

    Arguments:
        alpha: the slope at 0 coming from below, and -y for x towards minus infinity.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Example:
        >>> ELU(2.0)(np.array([-1000.0, 3.0])).numpy()
        array([-2.,  3.], dtype=float32)

    Reference: Clevert, Unterthiner and Hochreiter, 2016, Fast and Accurate Deep Network Learning
    by Exponential Linear Units.
    """

    has_build_config = False
    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.x, ctx.y = x, ctx.buffer("y", x.shape)
        return activations.elu(x, self.alpha, out=ctx.y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        derivative = activations.DERIVATIVES[activations.elu]
        return derivative(dy, ctx.x, ctx.y, ctx, alpha=self.alpha)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(Layer):
    """Softmax over an axis: y_i = exp(x_i) / sum_j exp(x_j).

    A mask, which must broadcast over x, leaves elements out: they become 0.

    Arguments:
        axis: the axis (or axes) of the classes.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., C), float.

    Raises:
        ValueError: if a mask comes with x whose shape does not fit.

    Example:
        >>> Softmax()(np.array([[0.0, 0.0]])).numpy()
        array([[0.5, 0.5]], dtype=float32)
    """

    has_build_config = False
    supports_masking = True
    takes_mask = True

    def __init__(self, axis: int | tuple[int, ...] | list[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self._axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def forward(self, x: Array, ctx: Context) -> Array:
        axes = [axis % x.ndim for axis in self._axes]
        row = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        top, total = ctx.buffer("top", row), ctx.buffer("total", row)
        ctx.y = ctx.buffer("y", x.shape)
        ctx.logits = None
        if ctx.in_mask is not None:
            return self._forward_masked(x, ctx, top, total)
        activations.softmax_parts(x, self._axes, ctx.y, top, total)
        if axes == [x.ndim - 1]:
            ctx.logits = Logits(x, top, total)
        elif len(axes) == 1:
            ctx.logits = Logits(x)
        return ctx.y  # type: ignore[no-any-return]

    def _forward_masked(self, x: Array, ctx: Context, top: Array, total: Array) -> Array:
        mask = np.asarray(ctx.in_mask)
        sizes = zip(mask.shape[::-1], x.shape[::-1], strict=False)
        if mask.ndim > x.ndim or any(m not in (1, n) for m, n in sizes):
            raise ValueError(
                f"The layer {self.name!r} expected a mask that broadcasts over its input of shape "
                f"{x.shape}. Received: a mask of shape {mask.shape}."
            )
        hidden = np.logical_not(mask)
        np.copyto(ctx.y, x)
        np.copyto(ctx.y, -1e9, where=hidden)
        activations.softmax_parts(ctx.y, self._axes, ctx.y, top, total)
        # Where everything is left out, the softmax of equal scores is not 0.
        np.copyto(ctx.y, 0, where=hidden)
        return ctx.y  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if ctx.fused:
            return dy
        derivative = activations.DERIVATIVES[activations.softmax]
        return derivative(dy, ctx.y, ctx.y, ctx, axis=self._axes)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
