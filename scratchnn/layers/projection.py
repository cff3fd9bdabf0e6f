"""Projections: a kernel that takes the last axes of its input to axes of other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from .base import Layer


class Projection(Layer):
    """A Dense between several axes: y = activation(x W + b), summed over the last axes of x.

    Arguments:
        bound: how many of the last axes of x are summed over.
        sizes: the sizes of the axes that take their place.
        activation, use_bias: what follows the product.
        kernel_initializer, bias_initializer: what W and b start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the loss.
        kernel_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, ..., *D), y (N, ..., *U); kernel (*D, *U), bias (*U).
    """

    def __init__(
        self,
        bound: int,
        sizes: Sequence[int],
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bound = bound
        self.sizes = tuple(sizes)
        self.use_bias = use_bias
        self.nonlinearity = activations.Nonlinearity(activations.get(activation))
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling) and (
            initializer.input_axes is None or initializer.output_axes is None
        ):
            axes = list(range(self.bound + len(self.sizes)))
            config = {
                **initializer.get_config(),
                "seed": initializer.seed,
                "input_axes": axes[: self.bound],
                "output_axes": axes[self.bound :],
            }
            initializer = type(initializer).from_config(config)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*input_shape[-self.bound :], *self.sizes),  # type: ignore[arg-type]
            initializer=initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self.sizes,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = x.shape
        inputs, outputs = prod(x.shape[x.ndim - self.bound :]), prod(self.sizes)
        x = ctx.x = x.reshape(-1, inputs)
        y = ctx.buffer("y", (len(x), outputs))
        np.dot(x, self.kernel.value.reshape(inputs, outputs), out=y)
        if self.use_bias:
            y += self.bias.value.reshape(-1)
        y = y.reshape(*ctx.shape[: -self.bound], *self.sizes)
        return self.nonlinearity.forward(y, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.nonlinearity.backward(dy, ctx).reshape(len(ctx.x), prod(self.sizes))
        kernel = self.kernel.value.reshape(ctx.x.shape[1], -1)
        np.dot(ctx.x.T, dy, out=self.kernel.grad.reshape(kernel.shape))
        if self.use_bias:
            np.dot(ctx.ones(len(dy)), dy, out=self.bias.grad.reshape(-1))
        if not ctx.needs_dx:
            return None
        dx = np.dot(dy, kernel.T, out=ctx.buffer("dx", ctx.x.shape))
        return dx.reshape(ctx.shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[: -self.bound], *self.sizes)
