"""An activation at work inside a layer; and the table of all functions and their derivatives."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import Array, Shape
from ..context import Context, Logits
from . import gates, rectifiers, sigmoids, softmaxes
from .arguments import Derivative, Function
from .gates import glu
from .rectifiers import relu, relu6
from .sigmoids import exponential, hard_sigmoid, linear, sigmoid, sparse_sigmoid, tanh
from .softmaxes import softmax, softmax_parts

if TYPE_CHECKING:
    from ..layers.base import Layer

DERIVATIVES: dict[Function, Derivative] = {
    **sigmoids.DERIVATIVES,
    **rectifiers.DERIVATIVES,
    **gates.DERIVATIVES,
    **softmaxes.DERIVATIVES,
}
"""The derivative of each function: derivative(dy, x, y, ctx) returns dx, written over dy."""

IN_PLACE = frozenset({relu, relu6, tanh, hard_sigmoid, sparse_sigmoid, exponential})
"""The functions whose derivative reads y alone, so that a layer need not keep x: y takes its place.

With arguments, such as the ceiling of a relu, the derivative may read x. That of sigmoid does not,
but the cross-entropies do.
"""


class Nonlinearity:
    """An activation at work inside a layer: forward and backward, in recycled memory.

    Arguments:
        function: what `activations.get` returns: one of its functions, a `functools.partial` of
            one with keyword arguments, a layer, or a callable of your own that has an attribute
            `gradient(dy, x, y)` which returns the gradient of its input.

    Attributes:
        in_place: whether y may take the place of x, number by number: `overwrite` does that, and
            `overwrite_gradient` the way back, for whatever part of an array.

    Raises:
        ValueError: if nobody knows the derivative of `function`.

    Example:
        >>> half = Nonlinearity(functools.partial(rectifiers.leaky_relu, negative_slope=0.5))
        >>> half.forward(np.array([-2.0, 2.0]), Context(dtype="float64"))
        array([-1.,  2.])
    """

    def __init__(self, function: Any) -> None:
        self.layer: Layer | None = function if _is_layer(function) else None
        self.call: Function = function  # with its arguments, if it has any
        self.function, self.arguments = _without_arguments(function)
        self.derivative = DERIVATIVES.get(self.function)
        self.gradient = getattr(function, "gradient", None)
        if self.layer is None and self.derivative is None and self.gradient is None:
            _refuse(function)
        if self.derivative is not None and self.arguments:
            self.derivative = functools.partial(self.derivative, **self.arguments)
        self.in_place = self.function in IN_PLACE and not self.arguments
        self._makes_logits = self.function in (softmax, sigmoid)

    def build(self, shape: Shape) -> None:
        """Build the layer, if the activation is one, for inputs of `shape`."""
        if self.layer is not None:
            self.layer.ensure_built(shape)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape of y for x of `shape`: the same, but for a layer and for glu."""
        if self.layer is not None:
            return self.layer.compute_output_shape(shape)
        if self.function is not glu:
            return shape
        axis = self.arguments.get("axis", -1) % len(shape)
        size = shape[axis]
        return (*shape[:axis], None if size is None else size // 2, *shape[axis + 1 :])

    def forward(self, x: Array, ctx: Context, *, owned: bool = True) -> Array:
        """Return y = f(x).

        Arguments:
            x: the input; neither it nor y is to be written to before `backward`.
            ctx: the layer's context.
            owned: whether x is a buffer of the layer's own, which y may overwrite.
        """
        if self.in_place and owned:
            ctx.y = ctx.z = self.call(x, out=x)
            return x
        if self.function is linear:
            return x
        if self.layer is not None:
            return self._forward_layer(x, ctx)
        ctx.z = x
        if self.gradient is not None:
            ctx.y = np.asarray(self.call(x), x.dtype)
        elif self._makes_logits:
            ctx.y = self._forward_logits(x, ctx)
        else:
            shape: Any = x.shape if self.function is not glu else self.compute_output_shape(x.shape)
            ctx.y = self.call(x, out=ctx.buffer("activated", shape))
        return ctx.y  # type: ignore[no-any-return]

    def overwrite(self, x: Array) -> None:
        """Write f(x) over x."""
        self.call(x, out=x)

    def overwrite_gradient(self, dy: Array, y: Array, ctx: Context) -> None:
        """Write over dy the gradient of x, where y took its place."""
        assert self.derivative is not None
        self.derivative(dy, y, y, ctx)

    def _forward_logits(self, x: Array, ctx: Context) -> Array:
        """Softmax and sigmoid leave x as it is: the cross-entropies work from the logits."""
        out = ctx.buffer("probabilities", x.shape)
        if self.function is sigmoid:
            ctx.logits = Logits(x, is_sigmoid=True)
            return sigmoid(x, out=out)
        if self.arguments:
            ctx.logits = Logits(x)
            return self.call(x, out=out)  # type: ignore[no-any-return]
        row = (*x.shape[:-1], 1)
        y, top, total = softmax_parts(x, -1, out, ctx.buffer("top", row), ctx.buffer("total", row))
        ctx.logits = Logits(x, top, total)
        return y

    def _forward_layer(self, x: Array, ctx: Context) -> Array:
        """Run the layer in a context of its own, which lives in that of the layer around it."""
        assert self.layer is not None
        inner = vars(ctx).get("inner")
        if inner is None:
            inner = ctx.inner = Context(dtype=self.layer.dtype)
        inner.training = ctx.training
        y = self.layer.forward(self.layer.cast(x), inner)
        ctx.logits = inner.logits
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Return the gradient of the input, written over dy."""
        if self.layer is not None:
            return self._backward_layer(dy, ctx)
        if ctx.fused or self.function is linear:
            return dy
        if self.derivative is not None:
            return self.derivative(dy, ctx.z, ctx.y, ctx)
        assert self.gradient is not None
        return np.asarray(self.gradient(dy, ctx.z, ctx.y))

    def _backward_layer(self, dy: Array, ctx: Context) -> Array:
        assert self.layer is not None
        ctx.inner.fused = ctx.fused
        dx = self.layer.backward(dy, ctx.inner)
        assert dx is not None
        return dx.astype(ctx.dtype, copy=False)


def _is_layer(function: Any) -> bool:
    from ..layers.base import Layer  # layers are made of activations

    return isinstance(function, Layer)


def _without_arguments(function: Any) -> tuple[Function, dict[str, Any]]:
    """Return a function of this package and the arguments that a partial of it brings along."""
    arguments: dict[str, Any] = {}
    if isinstance(function, functools.partial) and function.func in DERIVATIVES:
        if function.args:
            raise ValueError(
                "A functools.partial of an activation needs keyword arguments, such as "
                f"negative_slope=0.1. Received: {function!r}."
            )
        function, arguments = function.func, function.keywords
    if function is rectifiers.threshold and len(arguments) < 2:
        raise ValueError(
            "The activation 'threshold' needs its arguments. Give it as "
            "functools.partial(threshold, threshold=..., default_value=...)."
        )
    return function, arguments


def _refuse(function: Any) -> NoReturn:
    name = getattr(function, "__name__", repr(function))
    known = ", ".join(sorted(f.__name__ for f in DERIVATIVES))
    raise ValueError(
        f"The derivative of the activation function {name!r} is not known. Use one of {known}; or "
        "a layer, such as layers.ReLU(max_value=6); or give your function its derivative as an "
        f"attribute, `{name}.gradient = lambda dy, x, y: ...`, which returns the gradient of its "
        "input."
    )
