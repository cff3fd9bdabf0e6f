"""Input and Dense: where the data comes in, and the layer that most networks are made of."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .. import activations, config, constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from ..graph import KerasTensor, Node
from ..strings import STRING
from .base import Layer


class InputLayer(Layer):
    """States the shape and dtype of a model's input; the data passes through unchanged.

    Arguments:
        shape: without the batch axis; None for an axis whose length may vary.
        batch_size: the number of samples, where it is fixed.
        dtype: what the data is cast to, 'float32' if not given; 'string' for strings.
        batch_shape: `shape` with the batch axis, instead of both.
        name: the layer's name.

    Raises:
        ValueError: without a shape, or for one that is not a sequence of positive sizes.

    Example:
        >>> InputLayer(shape=(3,)).output.shape
        (None, 3)
    """

    has_build_config = False
    takes_strings = True

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        batch_shape = batch_shape or self.batch_input_shape  # older: input_shape=
        if sparse or ragged or optional or input_tensor is not None:
            raise ValueError(
                "sparse, ragged, optional and given tensors are not supported as inputs: "
                "scratchnn takes dense arrays."
            )
        if batch_shape is None:
            if shape is None:
                raise ValueError(
                    "Input needs a shape, without the batch axis, such as `Input(shape=(28, 28))`."
                )
            if isinstance(shape, int | float | str) or not isinstance(shape, Sequence):
                raise ValueError(
                    "The shape of an Input must be a sequence of sizes, such as (3,). "
                    f"Received: {shape!r}."
                )
            batch_shape = (batch_size, *shape)
        for size in batch_shape:
            if size is not None and (not isinstance(size, int | np.integer) or size < 0):
                raise ValueError(
                    "The sizes of an Input's shape must be whole numbers that are not negative, "
                    f"or None. Received: {tuple(batch_shape)}."
                )
        self.batch_shape: Shape = tuple(batch_shape)
        if dtype is not None:
            self.dtype = STRING if dtype == STRING else np.dtype(dtype).name
        self.built = True
        self.input_shape = self.output_shape = self.batch_shape
        Node(self, None, [KerasTensor(self.batch_shape, self.dtype, name)])

    def forward(self, x: Array, ctx: Context) -> Array:
        return x

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return dy if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.batch_shape

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": False,
        }


def Input(  # noqa: N802
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """Return a symbol for a model's input, to stand first in a Sequential.

    Arguments:
        shape: the shape of one sample, such as (28, 28).
        batch_size, dtype, batch_shape, name: as for InputLayer.

    Example:
        >>> Input(shape=(28, 28)).shape
        (None, 28, 28)
    """
    layer = InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    )
    return layer.nodes[0].outputs[0]


class Dense(Layer):
    """The fully connected layer: y = activation(x W + b).

    Arguments:
        units: U, the size of the output's last axis.
        activation: a name, a function, a layer or the config of one; None is linear.
        use_bias: whether to add b.
        kernel_initializer, bias_initializer: what W and b start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the loss.
        kernel_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D) or (N, ..., D), y (N, ..., U); kernel (D, U), bias (U,). All float32 or float64.

    Raises:
        ValueError: if `units` is not a positive whole number; if x has rank 1 or another D than
            the layer was built for.

    Example:
        >>> Dense(2, kernel_initializer="ones")(np.array([[1.0, 2.0]])).numpy()
        array([[3., 3.]], dtype=float32)

    Reference: Rosenblatt, 1958, The Perceptron; Rumelhart, Hinton and Williams, 1986, Learning
    Representations by Back-propagating Errors.
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        refuse(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization=quantization_config)
        self.units = positive_int(self, "units", units)
        self.activation = activations.get(activation)
        self.nonlinearity = activations.Nonlinearity(self.activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),  # type: ignore[arg-type]
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.nonlinearity.build((*input_shape[:-1], self.units))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = x.shape
        x = ctx.x = x.reshape(-1, x.shape[-1])  # every axis but the last is a batch axis
        y = ctx.buffer("y", (len(x), self.units))
        np.dot(x, self.kernel.value, out=y)
        if self.use_bias:
            y += self.bias.value
        y = y.reshape(*ctx.shape[:-1], self.units)
        return self.nonlinearity.forward(y, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.nonlinearity.backward(dy, ctx).reshape(-1, self.units)
        np.dot(ctx.x.T, dy, out=self.kernel.grad)
        if self.use_bias:
            np.dot(ctx.ones(len(dy)), dy, out=self.bias.grad)
        if not ctx.needs_dx:
            return None
        dx = np.dot(dy, self.kernel.value.T, out=ctx.buffer("dx", ctx.x.shape))
        return dx.reshape(ctx.shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.nonlinearity.compute_output_shape((*input_shape[:-1], self.units))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 2:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank 2 or more, (N, ..., D). "
                f"Received: shape {shape}."
            )
        expected = self.kernel.shape[0] if self.built else shape[-1]
        if expected is None or expected != shape[-1]:
            raise ValueError(
                f"The layer {self.name!r} expected the last axis of its input to have a fixed "
                f"size{f' of {expected}' if expected else ''}. Received: shape {shape}."
            )


class Flatten(Layer):
    """Reshape each sample to one axis: (N, A, B, ...) becomes (N, A*B*...).

    Arguments:
        data_format: 'channels_first' moves the channels, axis 1, to the end first.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, ...), y (N, D), D the product of the other axes; (N,) becomes (N, 1). Any dtype.

    Example:
        >>> Flatten()(np.zeros((5, 28, 28))).shape
        (5, 784)
    """

    casts_integers = False
    takes_strings = True

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _moves_channels(self, rank: int) -> bool:
        return self.data_format == "channels_first" and rank > 2

    def forward(self, x: Array, ctx: Context) -> Array:
        if self._moves_channels(x.ndim):
            x = np.moveaxis(x, 1, -1)
        ctx.shape = x.shape
        return x.reshape(len(x), prod(x.shape[1:]))

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        dx = dy.reshape(ctx.shape)
        return np.moveaxis(dx, -1, 1) if self._moves_channels(dx.ndim) else dx

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else prod(sizes))  # type: ignore[arg-type]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}

    def check_input(self, shape: Shape) -> None:
        if not shape:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank 1 or more, (N, ...). "
                f"Received: shape {shape}."
            )


class Identity(Layer):
    """Return the input: y = x. Any shape, any dtype.

    Example:
        >>> Identity()([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
    """

    casts_integers = False
    supports_masking = True
    takes_strings = True
    has_build_config = False

    def forward(self, x: Array, ctx: Context) -> Array:
        return x

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return dy if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def positive_int(layer: Layer, argument: str, value: Any) -> int:
    """Return `value`, a positive whole number (NumPy's count too), as an int."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number <= 0 or isinstance(value, bool):
        raise ValueError(
            f"{type(layer).__name__} expected a positive whole number for `{argument}`. "
            f"Received: {argument}={value!r}."
        )
    return number


def refuse(layer: Layer, **arguments: Any) -> None:
    """Raise a ValueError if any of these arguments, which Keras has and we do not, is given."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"{type(layer).__name__} does not support {name}. Received: {name}={value!r}."
            )
