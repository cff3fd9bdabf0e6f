"""Depthwise convolution, with filters for each channel alone, and what is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .convolution import Convolving
from .convolving import bias_gradient, convolve_depthwise, depthwise_gradients
from .core import positive_int


class DepthwiseConv(Convolving):
    """A convolution of each channel with filters of its own, in 1-D and 2-D."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "depthwise": (depthwise_initializer, depthwise_regularizer, depthwise_constraint),
                "bias": (bias_initializer, bias_regularizer, bias_constraint),
            },
            activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = positive_int(self, "depth_multiplier", depth_multiplier)

    def build(self, input_shape: Shape) -> None:
        channels = self.channels_of(input_shape)
        self.kernel = self.add(
            "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        if self.use_bias:
            self.bias = self.add("bias", (channels * self.depth_multiplier,), "bias")
        self.build_activation(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.in_order("x", x, ctx)
        ctx.windows = self.windows(x.shape[1:-1])
        y = convolve_depthwise(x, self.kernel.value, ctx.windows, ctx)
        if self.use_bias:
            y += self.bias.value
        return self.nonlinearity.forward(self.as_given(y), ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.in_order("dy", self.nonlinearity.backward(dy, ctx), ctx)
        if self.use_bias:
            bias_gradient(dy, self.bias.grad, ctx)
        dx = depthwise_gradients(dy, self.kernel.value, self.kernel.grad, ctx.windows, ctx)
        return None if dx is None else self.as_given(dx)

    def filters_of(self, shape: Shape) -> int:
        return self.channels_of(shape) * self.depth_multiplier

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class SeparableConv(Convolving):
    """A depthwise convolution, and then one of size 1 over all channels, in 1-D and 2-D."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "depthwise": (depthwise_initializer, depthwise_regularizer, depthwise_constraint),
                "pointwise": (pointwise_initializer, pointwise_regularizer, pointwise_constraint),
                "bias": (bias_initializer, bias_regularizer, bias_constraint),
            },
            activity_regularizer,
            **kwargs,
        )
        self.filters = positive_int(self, "filters", filters)
        self.depth_multiplier = positive_int(self, "depth_multiplier", depth_multiplier)

    def build(self, input_shape: Shape) -> None:
        channels = self.channels_of(input_shape)
        between = channels * self.depth_multiplier
        ones = (1,) * self.rank
        self.depthwise_kernel = self.add(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        self.pointwise_kernel = self.add(
            "pointwise_kernel", (*ones, between, self.filters), "pointwise"
        )
        if self.use_bias:
            self.bias = self.add("bias", (self.filters,), "bias")
        self.build_activation(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.in_order("x", x, ctx)
        ctx.windows = self.windows(x.shape[1:-1])
        between = ctx.between = convolve_depthwise(x, self.depthwise_kernel.value, ctx.windows, ctx)
        y = ctx.buffer("mixed", (*between.shape[:-1], self.filters))
        np.matmul(_rows(between), self._matrix(self.pointwise_kernel.value), out=_rows(y))
        if self.use_bias:
            y += self.bias.value
        return self.nonlinearity.forward(self.as_given(y), ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.in_order("dy", self.nonlinearity.backward(dy, ctx), ctx)
        if self.use_bias:
            bias_gradient(dy, self.bias.grad, ctx)
        between = ctx.between
        np.matmul(_rows(between).T, _rows(dy), out=self._matrix(self.pointwise_kernel.grad))
        d_between = ctx.buffer("d_between", between.shape)
        np.matmul(_rows(dy), self._matrix(self.pointwise_kernel.value).T, out=_rows(d_between))
        dx = depthwise_gradients(
            d_between,
            self.depthwise_kernel.value,
            self.depthwise_kernel.grad,
            ctx.windows,
            ctx,
        )
        return None if dx is None else self.as_given(dx)

    def _matrix(self, pointwise: Array) -> Array:
        return pointwise.reshape(-1, self.filters)

    def filters_of(self, shape: Shape) -> int:
        return self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
        }


def _rows(x: Array) -> Array:
    """Return x, (N, *sizes, C), as a matrix (M, C)."""
    return x.reshape(-1, x.shape[-1])


class DepthwiseConv1D(DepthwiseConv):
    """Depthwise convolution over time.

    Arguments:
        kernel_size: K, how many time steps the kernel sees.
        strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, bias_constraint, **kwargs: as for
            DepthwiseConv2D.

    Shape:
        x (N, T, C), y (N, T', C D); (N, C, T) and (N, C D, T') with channels first; kernel
        (K, C, D), bias (C D,). T' is as H' for Conv2D.

    Raises:
        ValueError: as for DepthwiseConv2D.

    Example:
        >>> total = DepthwiseConv1D(2, depthwise_initializer="ones")
        >>> total([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])[0]
        Tensor([[ 3., 30.],
                [ 5., 50.]], dtype=float32)

    Reference: as for DepthwiseConv2D.
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Depthwise convolution: y_ij,cm = activation(b + sum_kl x[i s + k d, j s + l d, c] W_klcm).

    Arguments:
        kernel_size: the size of the kernel: a whole number, or (height, width).
        strides, padding, data_format, dilation_rate, activation, use_bias: as for Conv2D; but
            strides and dilation may both be above 1.
        depth_multiplier: D, how many filters each channel has.
        depthwise_initializer, bias_initializer: what W and b start as.
        depthwise_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the
            loss.
        depthwise_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', C D); (N, C, H, W) and (N, C D, H', W') with channels first;
        kernel (KH, KW, C, D), bias (C D,). H' is as for Conv2D.

    Raises:
        ValueError: for sizes, strides or a depth_multiplier that are not positive whole numbers;
            for another padding or data_format; for an input of another rank, with other channels
            than the layer was built for, or too small for the kernel.

    Example:
        >>> DepthwiseConv2D(3, depth_multiplier=2)(np.zeros((4, 8, 8, 3))).shape
        (4, 6, 6, 6)

    Reference: Sifre, 2014, Rigid-Motion Scattering for Image Classification; Howard et al., 2017,
    MobileNets.
    """

    rank = 2


class SeparableConv1D(SeparableConv):
    """Depthwise separable convolution over time.

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: K, how many time steps the kernel sees.
        strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
            pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
            pointwise_constraint, bias_constraint, **kwargs: as for SeparableConv2D.

    Shape:
        x (N, T, C), y (N, T', F); (N, C, T) and (N, F, T') with channels first; depthwise kernel
        (K, C, D), pointwise kernel (1, C D, F), bias (F,). T' is as H' for Conv2D.

    Raises:
        ValueError: as for SeparableConv2D.

    Example:
        >>> SeparableConv1D(4, 3)(np.zeros((2, 9, 5))).shape
        (2, 7, 4)

    Reference: as for SeparableConv2D.
    """

    rank = 1


class SeparableConv2D(SeparableConv):
    """Depthwise separable convolution: y = activation(b + depthwise(x, W) P).

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: the size of the depthwise kernel: a whole number, or (height, width).
        strides, padding, data_format, dilation_rate, activation, use_bias: as for Conv2D; but
            strides and dilation may both be above 1.
        depth_multiplier: D, how many filters each channel has before the channels are mixed.
        depthwise_initializer, pointwise_initializer, bias_initializer: what W, P and b start as.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: what
            W, P, b and y add to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: what each update of W, P and b
            ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', F); (N, C, H, W) and (N, F, H', W') with channels first;
        depthwise kernel (KH, KW, C, D), pointwise kernel (1, 1, C D, F), bias (F,). H' is as for
        Conv2D.

    Raises:
        ValueError: for filters, sizes, strides or a depth_multiplier that are not positive whole
            numbers; for another padding or data_format; for an input of another rank, with other
            channels than the layer was built for, or too small for the kernel.

    Example:
        >>> layer = SeparableConv2D(16, 3, padding="same")
        >>> layer(np.zeros((4, 8, 8, 3))).shape, layer.count_params()
        ((4, 8, 8, 16), 91)

    Reference: Chollet, 2017, Xception: Deep Learning with Depthwise Separable Convolutions.
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
