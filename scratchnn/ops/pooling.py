"""Pooling as functions: what the layers of the same names compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..context import Context
from .tensors import ArrayLike, Result, floats, op, to_array

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


@op
def max_pool(
    inputs: ArrayLike,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Result:
    """The largest number of each window, in 1-D to 3-D.

    Arguments:
        inputs: (N, *sizes, C), or (N, C, *sizes) with channels first.
        pool_size: the size of a window: a whole number or one for each axis.
        strides: the steps from one window to the next; `pool_size` if not given.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.

    Raises:
        ValueError: for shapes that do not fit, or other arguments than these.

    Example:
        >>> max_pool([[[1.0], [4.0], [3.0], [2.0]]], 2)[0, :, 0]
        Tensor([4., 3.], dtype=float32)

    Reference: as for layers.MaxPooling2D.
    """
    return _run("MaxPooling", to_array(inputs), pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: ArrayLike,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Result:
    """The mean of each window, in 1-D to 3-D.

    Arguments:
        inputs, pool_size, strides, padding, data_format: as for max_pool.

    Raises:
        ValueError: as for max_pool.

    Example:
        >>> average_pool([[[1.0], [4.0], [3.0], [2.0]]], 2)[0, :, 0]
        Tensor([2.5, 2.5], dtype=float32)

    Reference: as for layers.AveragePooling2D.
    """
    return _run("AveragePooling", floats(inputs), pool_size, strides, padding, data_format)


@op
def adaptive_max_pool(
    inputs: ArrayLike, output_size: Any, data_format: str | None = None
) -> Result:
    """The largest number of each of so many windows that cover the input evenly.

    Arguments:
        inputs, data_format: as for max_pool.
        output_size: how many windows there are along each axis: a whole number or one for each.

    Raises:
        ValueError: as for max_pool.

    Example:
        >>> adaptive_max_pool([[[1.0], [4.0], [3.0]]], 2)[0, :, 0]
        Tensor([4., 4.], dtype=float32)
    """
    return _run("AdaptiveMaxPooling", to_array(inputs), output_size, data_format)


@op
def adaptive_average_pool(
    inputs: ArrayLike, output_size: Any, data_format: str | None = None
) -> Result:
    """The mean of each of so many windows that cover the input evenly.

    Arguments:
        inputs, output_size, data_format: as for adaptive_max_pool.

    Raises:
        ValueError: as for max_pool.

    Example:
        >>> adaptive_average_pool([[[1.0], [4.0], [3.0]]], 2)[0, :, 0]
        Tensor([2.5, 3.5], dtype=float32)
    """
    return _run("AdaptiveAveragePooling", floats(inputs), output_size, data_format)


def _run(kind: str, x: Any, *arguments: Any) -> Result:
    """Return the output of the layer for an input of this rank."""
    from .. import layers

    if x.ndim not in (3, 4, 5):
        raise ValueError(f"Pooling expected an input of rank 3, 4 or 5. Received: shape {x.shape}.")
    dtype = x.dtype if x.dtype in (np.float32, np.float64) else None
    layer = getattr(layers, f"{kind}{x.ndim - 2}D")(*arguments, dtype=dtype)
    layer.check_input(x.shape)
    return layer.forward(x, Context(dtype=layer.dtype))
