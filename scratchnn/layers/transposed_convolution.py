"""Transposed convolution: a small kernel is laid down at each place, to make images larger."""

from __future__ import annotations

from typing import Any

from ..arrays import Array, Shape
from ..context import Context
from .convolution import Convolving
from .convolving import bias_gradient, convolve_transposed, transposed_gradients
from .core import positive_int
from .windows import Windows, transposed_sizes, transposed_windows


class ConvTranspose(Convolving):
    """The transpose of the linear map that a convolution is, in 1-D to 3-D."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
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
                "kernel": (kernel_initializer, kernel_regularizer, kernel_constraint),
                "bias": (bias_initializer, bias_regularizer, bias_constraint),
            },
            activity_regularizer,
            **kwargs,
        )
        self.filters = positive_int(self, "filters", filters)
        self.refuse_dilated_strides()
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = self.per_axis("output_padding", output_padding, lowest=0)
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{type(self).__name__} expected `output_padding` to be less than `strides`. "
                    f"Received: output_padding={output_padding!r}, strides={strides!r}."
                )

    def build(self, input_shape: Shape) -> None:
        channels = self.channels_of(input_shape)
        self.kernel = self.add("kernel", (*self.kernel_size, self.filters, channels), "kernel")
        if self.use_bias:
            self.bias = self.add("bias", (self.filters,), "bias")
        self.build_activation(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = ctx.x = self.in_order("x", x, ctx)
        ctx.windows = self.windows(x.shape[1:-1])
        bias = self.bias.value if self.use_bias else None
        y = convolve_transposed(x, self.kernel.value, bias, ctx.windows, ctx)
        return self.nonlinearity.forward(self.as_given(y), ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.in_order("dy", self.nonlinearity.backward(dy, ctx), ctx)
        if self.use_bias:
            bias_gradient(dy, self.bias.grad, ctx)
        dx = transposed_gradients(ctx.x, dy, self.kernel.value, self.kernel.grad, ctx.windows, ctx)
        return None if dx is None else self.as_given(dx)

    def windows(self, sizes: tuple[int, ...]) -> Windows:
        """Return where the convolution that this is the transpose of looks in the output."""
        return transposed_windows(
            sizes,
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            self.padding,
            self.output_padding,
        )

    def compute_sizes(self, sizes: Shape) -> Shape:
        return transposed_sizes(
            sizes,
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            self.padding,
            self.output_padding,
        )

    def filters_of(self, shape: Shape) -> int:
        return self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
        }


class Conv1DTranspose(ConvTranspose):
    """Transposed convolution over time.

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: K, how many time steps the kernel covers.
        strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs: as for
            Conv2DTranspose.

    Shape:
        x (N, T, C), y (N, T', F); (N, C, T) and (N, F, T') with channels first; kernel (K, F, C),
        bias (F,). T' is as H' for Conv2DTranspose.

    Raises:
        ValueError: as for Conv2DTranspose.

    Example:
        >>> Conv1DTranspose(1, 3, strides=2, kernel_initializer="ones")([[[1.0], [4.0]]])[0, :, 0]
        Tensor([1., 1., 5., 4., 4.], dtype=float32)

    Reference: as for Conv2DTranspose.
    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Transposed convolution: y = activation(b + sum of x_ijc W_klfc at i s + k d, j s + l d).

    It sends back values as the gradient of a convolution of y sends back gradients.

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: the size of the kernel: a whole number, or (height, width).
        strides: s, how far apart the kernel is laid down for neighbours in the input.
        padding: 'valid' keeps all that the kernels reach; 'same' cuts it to H s.
        output_padding: how much larger the output is than the least that there can be, less than
            `strides`; None for H' as below.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        dilation_rate: d, the distance of the kernel's elements in the output.
        activation: a name, a function, a layer or the config of one; None is linear.
        use_bias: whether to add b.
        kernel_initializer, bias_initializer: what W and b start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the loss.
        kernel_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', F); (N, C, H, W) and (N, F, H', W') with channels first;
        kernel (KH, KW, F, C), bias (F,). With S = (KH - 1) d + 1, H' is (H - 1) s + max(S, s) for
        'valid' and H s for 'same'; with an output_padding p, (H - 1) s + S + p and
        (H - 1) s + S % 2 + p.

    Raises:
        ValueError: for sizes or strides that are not positive whole numbers; for both strides and
            dilation above 1; for an output_padding that is not less than the strides, or with
            which no convolution leads back to the input's size; for another padding or
            data_format; for an input of another rank, or with other channels than the layer was
            built for.

    Example:
        >>> double = Conv2DTranspose(1, 2, strides=2, kernel_initializer="ones")
        >>> double(np.array([[1.0, 2.0]]).reshape(1, 1, 2, 1))[0, :, :, 0]
        Tensor([[1., 1., 2., 2.],
                [1., 1., 2., 2.]], dtype=float32)

    Reference: Zeiler et al., 2010, Deconvolutional Networks; Dumoulin and Visin, 2016, A Guide to
    Convolution Arithmetic for Deep Learning.
    """

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """Transposed convolution over a volume.

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: the size of the kernel: a whole number, or (depth, height, width).
        strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs: as for
            Conv2DTranspose.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', F); with channels first C and F are axis 1; kernel
        (KZ, KH, KW, F, C), bias (F,). Z' is as H' for Conv2DTranspose.

    Raises:
        ValueError: as for Conv2DTranspose.

    Example:
        >>> Conv3DTranspose(2, 3, strides=2)(np.zeros((1, 2, 3, 4, 1))).shape
        (1, 5, 7, 9, 2)

    Reference: as for Conv2DTranspose.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,  # here, and here alone, Keras has it before the next one
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs
        )


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
