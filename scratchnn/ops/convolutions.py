"""Convolutions as functions: what the layers compute, without bias and activation."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array
from ..context import Context
from .tensors import ArrayLike, Result, common_floats, op

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


@op
def conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Result:
    """Convolution, in 1-D to 3-D: y_pf = sum_kc x[p s + k d, c] W_kcf.

    Arguments:
        inputs: x, (N, *sizes, C), or (N, C, *sizes) with channels first.
        kernel: W, (*size, C, F); or (*size, C/G, F) for G groups of channels and of filters.
        strides: s, a whole number or one for each axis.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        dilation_rate: d; where it is above 1, no stride is.

    Returns:
        (N, *places, F), or (N, F, *places).

    Raises:
        ValueError: for shapes that do not fit, or other arguments than these.

    Example:
        >>> conv([[[1.0], [4.0], [9.0]]], [[[-1.0]], [[1.0]]])[0, :, 0]
        Tensor([3., 5.], dtype=float32)

    Reference: as for layers.Conv2D.
    """
    from ..layers import convolving, windows

    x, w, first = _arguments("conv", inputs, kernel, data_format, ranks=(1, 2, 3))
    groups, rest = divmod(x.shape[-1], max(1, w.shape[-2]))
    if rest or not groups or w.shape[-1] % groups:
        _refuse_channels("conv", x, w)
    rank = x.ndim - 2
    settings = _settings("conv", rank, w, strides, dilation_rate, padding)
    _refuse_dilated_strides("conv", *settings[1:3])
    windows.output_sizes(x.shape[1:-1], *settings)
    y = convolving.convolve(x, w, None, windows.windows(x.shape[1:-1], *settings), _context(x))
    return np.moveaxis(y, -1, 1) if first else y


@op
def depthwise_conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Result:
    """Depthwise convolution, in 1-D and 2-D: y_pcm = sum_k x[p s + k d, c] W_kcm.

    Arguments:
        inputs: x, (N, *sizes, C), or (N, C, *sizes) with channels first.
        kernel: W, (*size, C, D).
        strides, padding, data_format, dilation_rate: as for conv; but both may be above 1.

    Returns:
        (N, *places, C D), or (N, C D, *places).

    Raises:
        ValueError: for shapes that do not fit, or other arguments than these.

    Example:
        >>> depthwise_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [1.0]], [[1.0], [1.0]]])
        Tensor([[[ 3., 30.]]], dtype=float32)

    Reference: as for layers.DepthwiseConv2D.
    """
    x, w, first = _arguments("depthwise_conv", inputs, kernel, data_format, ranks=(1, 2))
    y = _depthwise("depthwise_conv", x, w, strides, padding, dilation_rate)
    return np.moveaxis(y, -1, 1) if first else y


@op
def separable_conv(
    inputs: ArrayLike,
    depthwise_kernel: ArrayLike,
    pointwise_kernel: ArrayLike,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Result:
    """Depthwise convolution, and then one of size 1 over all channels, in 1-D and 2-D.

    Arguments:
        inputs: (N, *sizes, C), or (N, C, *sizes) with channels first.
        depthwise_kernel: (*size, C, D).
        pointwise_kernel: (1, C D, F), or (1, 1, C D, F).
        strides, padding, data_format, dilation_rate: as for depthwise_conv.

    Returns:
        (N, *places, F), or (N, F, *places).

    Raises:
        ValueError: for shapes that do not fit, or other arguments than these.

    Example:
        >>> x, ones = np.ones((2, 6, 6, 3)), np.ones((3, 3, 3, 2))
        >>> separable_conv(x, ones, np.ones((1, 1, 6, 4))).shape
        (2, 4, 4, 4)

    Reference: as for layers.SeparableConv2D.
    """
    name = "separable_conv"
    x, w, first = _arguments(name, inputs, depthwise_kernel, data_format, ranks=(1, 2))
    between = _depthwise(name, x, w, strides, padding, dilation_rate)
    between, mix = common_floats(between, pointwise_kernel)
    if mix.shape[:-1] != (*(1,) * (x.ndim - 2), between.shape[-1]):
        raise ValueError(
            f"{name} expected a pointwise kernel of shape {(*(1,) * (x.ndim - 2), 'C D', 'F')} "
            f"with C D = {between.shape[-1]}. Received: {mix.shape}."
        )
    y = between @ mix.reshape(mix.shape[-2:])
    return np.moveaxis(y, -1, 1) if first else y


@op
def conv_transpose(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Result:
    """Transposed convolution, in 1-D to 3-D: the sum of x_pc W_kfc at p s + k d.

    Arguments:
        inputs: x, (N, *sizes, C), or (N, C, *sizes) with channels first.
        kernel: W, (*size, F, C).
        strides, padding, data_format, dilation_rate: as for conv.
        output_padding: how much larger the output is than the least there can be, less than
            `strides`; None for the size that layers.Conv2DTranspose says.

    Returns:
        (N, *places, F), or (N, F, *places).

    Raises:
        ValueError: for shapes that do not fit, or other arguments than these.

    Example:
        >>> conv_transpose([[[1.0], [4.0]]], [[[1.0]], [[1.0]], [[1.0]]], strides=2)[0, :, 0]
        Tensor([1., 1., 5., 4., 4.], dtype=float32)

    Reference: as for layers.Conv2DTranspose.
    """
    from ..layers import convolving, windows

    name = "conv_transpose"
    x, w, first = _arguments(name, inputs, kernel, data_format, ranks=(1, 2, 3))
    if x.shape[-1] != w.shape[-1]:
        _refuse_channels(name, x, w)
    rank = x.ndim - 2
    settings = _settings(name, rank, w, strides, dilation_rate, padding)
    _refuse_dilated_strides(name, *settings[1:3])
    extra = output_padding
    if extra is not None:
        extra = _numbers(name, "output_padding", extra, rank, lowest=0)
    places = windows.transposed_windows(x.shape[1:-1], *settings, extra)
    y = convolving.convolve_transposed(x, w, None, places, _context(x))
    return np.moveaxis(y, -1, 1) if first else y


def _depthwise(name: str, x: Array, w: Array, strides: Any, padding: str, dilation: Any) -> Array:
    from ..layers import convolving, windows

    if x.shape[-1] != w.shape[-2]:
        _refuse_channels(name, x, w)
    settings = _settings(name, x.ndim - 2, w, strides, dilation, padding)
    windows.output_sizes(x.shape[1:-1], *settings)
    places = windows.windows(x.shape[1:-1], *settings)
    return convolving.convolve_depthwise(x, w, places, _context(x))


def _context(x: Array) -> Context:
    return Context(dtype=x.dtype)


def _arguments(
    name: str, inputs: Any, kernel: Any, data_format: str | None, ranks: tuple[int, ...]
) -> tuple[Array, Array, bool]:
    """Return the input, channels last and its memory in order; the kernel; and whether it was
    channels first.
    """
    x, w = common_floats(inputs, kernel)
    first = config.standardize_data_format(data_format) == "channels_first"
    if x.ndim - 2 not in ranks or w.ndim != x.ndim:
        raise ValueError(
            f"{name} expected an input and a kernel of the same rank, one of "
            f"{tuple(rank + 2 for rank in ranks)}. Received: shapes {x.shape} and {w.shape}."
        )
    if first:
        x = np.moveaxis(x, 1, -1)
    return np.ascontiguousarray(x), np.ascontiguousarray(w), first


def _settings(
    name: str, rank: int, w: Array, strides: Any, dilation: Any, padding: str
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], str]:
    """Return the kernel's size, the strides and the dilation along each axis, and the padding."""
    if str(padding).lower() not in ("valid", "same"):
        raise ValueError(
            f"{name} expected padding to be 'valid' or 'same'. Received: padding={padding!r}."
        )
    return (
        w.shape[:-2],
        _numbers(name, "strides", strides, rank),
        _numbers(name, "dilation_rate", dilation, rank),
        padding.lower(),
    )


def _numbers(name: str, argument: str, value: Any, rank: int, lowest: int = 1) -> tuple[int, ...]:
    several = tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank
    numbers = tuple(operator.index(number) for number in several)
    if len(numbers) != rank or min(numbers) < lowest:
        raise ValueError(
            f"{name} expected a whole number from {lowest} up, or {rank} of them, for "
            f"`{argument}`. Received: {argument}={value!r}."
        )
    return numbers


def _refuse_dilated_strides(name: str, strides: Any, dilation: Any) -> None:
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            f"{name} supports strides > 1 only with dilation_rate=1. "
            f"Received: strides={strides}, dilation_rate={dilation}."
        )


def _refuse_channels(name: str, x: Array, w: Array) -> None:
    raise ValueError(
        f"{name} expected a kernel for the {x.shape[-1]} channels of its input. Received: a kernel "
        f"of shape {w.shape}."
    )
