"""Convolution: the same small kernel at each place of a signal, an image or a volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import activations, constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from .convolving import convolve, convolve_dx, convolve_gradients
from .core import positive_int, refuse
from .spatial import Spatial
from .windows import Windows, output_sizes, windows


class Convolving(Spatial):
    """What all convolutions have in common: where a kernel looks, the bias and the activation.

    Arguments:
        kernel_size: the size of the kernel: a whole number, or one for each axis.
        strides: the steps from one place of the kernel to the next.
        padding: 'valid' takes the places where the kernel fits; with 'same' there are
            ceil(n / stride), and zeros around the input.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        dilation_rate: the distance of the kernel's elements in the input.
        activation: a name, a function, a layer or the config of one; None is linear.
        use_bias: whether to add a bias, one number per filter.
        weights: for each weight, its initializer, regularizer and constraint, as they are given.
        activity_regularizer, **kwargs: as for every Layer.
    """

    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        weights: dict[str, Sequence[Any]],
        activity_regularizer: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = self.per_axis("kernel_size", kernel_size)
        self.strides = self.per_axis("strides", strides)
        self.dilation_rate = self.per_axis("dilation_rate", dilation_rate)
        self.padding = str(padding).lower()
        if self.padding not in self.paddings:
            raise ValueError(
                f"{type(self).__name__} expected padding to be one of {self.paddings}. "
                f"Received: padding={padding!r}."
            )
        self.activation = activations.get(activation)
        self.nonlinearity = activations.Nonlinearity(self.activation)
        self.use_bias = use_bias
        self._roles = list(weights)
        for role, (initializer, regularizer, constraint) in weights.items():
            setattr(self, f"{role}_initializer", initializers.get(initializer))
            setattr(self, f"{role}_regularizer", regularizers.get(regularizer))
            setattr(self, f"{role}_constraint", constraints.get(constraint))

    def refuse_dilated_strides(self) -> None:
        """Raise a ValueError for steps over a dilated kernel's elements, as Keras does."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__} supports strides > 1 only with dilation_rate=1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    def add(self, name: str, shape: Sequence[int], role: str) -> Any:
        """Make a weight with the initializer, the regularizer and the constraint of its role."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, f"{role}_initializer"),
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
        )

    # The number of channels ---------------------------------------------------------------------

    def channels_of(self, shape: Shape) -> int:
        """Return C of an input's shape; `check_input` has seen that it is known."""
        channels = shape[-1] if self.data_format == "channels_last" else shape[1]
        assert channels is not None
        return channels

    def filters_of(self, shape: Shape) -> int:
        """Return the number of channels of the output for an input's shape."""
        raise NotImplementedError(f"{type(self).__name__} must define filters_of(shape).")

    def check_input(self, shape: Shape) -> None:
        axis = -1 if self.data_format == "channels_last" else 1
        if len(shape) == self.rank + 2:
            expected = shape[axis]
            if self.built and self.input_shape is not None:
                expected = self.input_shape[axis]
            if expected is None or expected != shape[axis]:
                raise ValueError(
                    f"The layer {self.name!r} expected its input to have a fixed number of "
                    f"channels{f', {expected}' if expected else ''}, in axis {axis}. "
                    f"Received: shape {shape}."
                )
        super().check_input(shape)

    # Shapes -------------------------------------------------------------------------------------

    def windows(self, sizes: tuple[int, ...]) -> Windows:
        """Return where the kernel looks in an input of these sizes."""
        return windows(sizes, self.kernel_size, self.strides, self.dilation_rate, self.padding)

    def compute_sizes(self, sizes: Shape) -> Shape:
        return output_sizes(sizes, self.kernel_size, self.strides, self.dilation_rate, self.padding)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        n, *rest = super().compute_output_shape(input_shape)
        rest[-1 if self.data_format == "channels_last" else 0] = self.filters_of(input_shape)
        return self.nonlinearity.compute_output_shape((n, *rest))

    def build_activation(self, input_shape: Shape) -> None:
        """Build the activation, if it is a layer, for what it will be given."""
        n, *rest = super().compute_output_shape(input_shape)
        rest[-1 if self.data_format == "channels_last" else 0] = self.filters_of(input_shape)
        self.nonlinearity.build((n, *rest))

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
        for role in self._roles:
            for module, kind in (
                (initializers, "initializer"),
                (regularizers, "regularizer"),
                (constraints, "constraint"),
            ):
                key = f"{role}_{kind}"
                config[key] = module.serialize(getattr(self, key))
        return config


class Conv(Convolving):
    """A convolution whose filters see all channels of the input, or of their group."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        refuse(self, lora_rank=lora_rank, lora_alpha=lora_alpha)
        self.filters = positive_int(self, "filters", filters)
        self.groups = positive_int(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__} expected `filters` to be a multiple of `groups`. "
                f"Received: filters={filters}, groups={groups}."
            )
        self.refuse_dilated_strides()

    def build(self, input_shape: Shape) -> None:
        channels = self.channels_of(input_shape)
        self.kernel = self.add(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters), "kernel"
        )
        if self.use_bias:
            self.bias = self.add("bias", (self.filters,), "bias")
        self.build_activation(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.in_order("x", x, ctx)
        ctx.windows = self.windows(x.shape[1:-1])
        kernel, bias = self.kernel.value, self.bias.value if self.use_bias else None
        if not self.nonlinearity.in_place:
            y = convolve(x, kernel, bias, ctx.windows, ctx)
            return self.nonlinearity.forward(self.as_given(y), ctx)
        ctx.y = convolve(x, kernel, bias, ctx.windows, ctx, self.nonlinearity.overwrite)
        return self.as_given(ctx.y)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        differentiate = None
        if self.nonlinearity.in_place:

            def differentiate(dy: Array, part: slice) -> None:
                self.nonlinearity.overwrite_gradient(dy, ctx.y[part], ctx)
        else:
            dy = self.nonlinearity.backward(dy, ctx)
        dy = self.in_order("dy", dy, ctx)
        d_bias = self.bias.grad if self.use_bias else None
        convolve_gradients(dy, ctx.windows, self.kernel.grad, d_bias, ctx, differentiate)
        if not ctx.needs_dx:
            return None
        return self.as_given(convolve_dx(dy, self.kernel.value, ctx.windows, ctx))

    def filters_of(self, shape: Shape) -> int:
        return self.filters

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if self.channels_of(shape) % self.groups:
            raise ValueError(
                f"The layer {self.name!r} expected the number of its input's channels to be a "
                f"multiple of groups={self.groups}. Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


class Conv1D(Conv):
    """Convolution over time: y_t = activation(b + sum_kc x[t s + k d, c] W_kc).

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: K, how many time steps the kernel sees.
        strides, data_format, dilation_rate, groups, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs: as for Conv2D.
        padding: as for Conv2D; or 'causal', with all zeros in front, so that an output depends on
            no later input.

    Shape:
        x (N, T, C), y (N, T', F); (N, C, T) and (N, F, T') with channels first; kernel
        (K, C/groups, F), bias (F,). T' is as H' for Conv2D, and as for 'same' with 'causal'.

    Raises:
        ValueError: as for Conv2D.

    Example:
        >>> difference = Conv1D(1, 2, kernel_initializer=lambda shape, dtype: [[[-1.0]], [[1.0]]])
        >>> difference(np.array([[[1.0], [4.0], [9.0]]])).numpy().ravel()
        array([3., 5.], dtype=float32)

    Reference: as for Conv2D; Waibel et al., 1989, Phoneme Recognition Using Time-Delay Neural
    Networks; for 'causal', van den Oord et al., 2016, WaveNet.
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """Convolution over an image: y_ij = activation(b + sum_klc x[i s + k d, j s + l d, c] W_klc).

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: the size of the kernel: a whole number, or (height, width).
        strides: s, the steps from one place of the kernel to the next.
        padding: 'valid' takes the places where the kernel fits; with 'same' there are
            ceil(n / stride), and zeros around the input, of an odd number one more behind it.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        dilation_rate: d, the distance of the kernel's elements in the input.
        groups: into how many groups channels and filters are split; a filter sees its group only.
        activation: a name, a function, a layer or the config of one; None is linear.
        use_bias: whether to add b.
        kernel_initializer, bias_initializer: what W and b start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the loss.
        kernel_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', F); (N, C, H, W) and (N, F, H', W') with channels first;
        kernel (KH, KW, C/groups, F), bias (F,). H' is (H - (KH - 1) d - 1) // s + 1 for 'valid'
        and ceil(H / s) for 'same'.

    Raises:
        ValueError: for sizes, strides or groups that are not positive whole numbers or do not
            divide filters and channels; for both strides and dilation above 1; for another padding
            or data_format; for an input of another rank, with other channels than the layer was
            built for, or too small for the kernel.

    Example:
        >>> edges = Conv2D(1, (1, 2), kernel_initializer=lambda s, dtype: [[[[-1.0]], [[1.0]]]])
        >>> edges(np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]).reshape(1, 2, 3, 1))[0, :, :, 0]
        Tensor([[0., 1.],
                [1., 0.]], dtype=float32)

    Reference: LeCun et al., 1989, Backpropagation Applied to Handwritten Zip Code Recognition.
    """

    rank = 2


class Conv3D(Conv):
    """Convolution over a volume.

    Arguments:
        filters: F, the number of channels of the output.
        kernel_size: the size of the kernel: a whole number, or (depth, height, width).
        strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs: as for Conv2D.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', F); with channels first C and F are axis 1; kernel
        (KZ, KH, KW, C/groups, F), bias (F,). Z' is as H' for Conv2D.

    Raises:
        ValueError: as for Conv2D.

    Example:
        >>> Conv3D(4, 3, strides=2)(np.zeros((2, 9, 8, 7, 1))).shape
        (2, 4, 3, 3, 4)

    Reference: as for Conv2D; Ji et al., 2010, 3D Convolutional Neural Networks for Human Action
    Recognition.
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
