"""Activation functions as layers of their own."""

from __future__ import annotations

from typing import Any

from .. import activations
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

    has_build_config = False

    def __init__(self, axis: int | tuple[int, ...] | list[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self._axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def forward(self, x: Array, ctx: Context) -> Array:
        axes = [axis % x.ndim for axis in self._axes]
        row = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        top, total = ctx.buffer("top", row), ctx.buffer("total", row)
        ctx.y = ctx.buffer("y", x.shape)
        activations.softmax_parts(x, self._axes, ctx.y, top, total)
        if axes == [x.ndim - 1]:
            ctx.logits = Logits(x, top, total)
        elif len(axes) == 1:
            ctx.logits = Logits(x)
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
