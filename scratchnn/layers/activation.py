"""Activation functions as layers of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations
from ..arrays import Array, Shape
from ..context import Context, Logits
from .base import Layer


class Activation(Layer):
    """Apply an activation function: y = f(x).

    Arguments:
        activation: a name or a function.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Example:
        >>> Activation("relu")(np.array([-1.0, 2.0])).numpy()
        array([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.nonlinearity = activations.Nonlinearity(self.activation)

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.activation is activations.linear:
            return x
        y = ctx.buffer("y", x.shape)
        np.copyto(y, x)
        return self.nonlinearity.forward(y, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return self.nonlinearity.backward(dy, ctx) if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


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
        ctx.x = x
        return activations.relu(
            x, self.negative_slope, self.max_value, self.threshold, out=ctx.buffer("y", x.shape)
        )

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        x: Array = ctx.x
        opened = np.greater(x, self.threshold, out=ctx.buffer("open", x.shape, bool))
        if self.max_value is not None:
            # At the ceiling itself the slope is 1, but for the ceiling of 6, whose kernel in
            # TensorFlow says 0; the parity tests hold us to both.
            below = np.less if self.max_value == 6 and not self.threshold else np.less_equal
            capped = below(x, self.max_value, out=ctx.buffer("below", x.shape, bool))
            np.logical_and(opened, capped, out=opened)
        slope = ctx.buffer("slope", x.shape)
        np.copyto(slope, opened)
        if self.negative_slope:
            # At the threshold itself the slope is 0; that of a plain leaky unit, negative_slope.
            leaky = self.max_value is None and not self.threshold
            closed = x <= 0 if leaky else x < self.threshold
            np.copyto(slope, self.negative_slope, where=closed)
        dy *= slope
        return dy

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Softmax(Layer):
    """Softmax over an axis: y_i = exp(x_i) / sum_j exp(x_j).

    Arguments:
        axis: the axis (or axes) of the classes.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., C), float.

    Example:
        >>> Softmax()(np.array([[0.0, 0.0]])).numpy()
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int | tuple[int, ...] | list[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        self.axis = axes[0] if len(axes) == 1 else axes

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.y, top, total = activations.softmax_parts(
            x,
            self.axis,  # type: ignore[arg-type]
            ctx.buffer("y", x.shape),
        )
        if self.axis in (-1, x.ndim - 1):
            ctx.logits = Logits(x, top, total)
        elif isinstance(self.axis, int):
            ctx.logits = Logits(x)
        return ctx.y  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if ctx.fused:
            return dy
        derivative = activations.DERIVATIVES[activations.softmax]
        return derivative(dy, ctx.y, ctx, axis=self.axis)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
