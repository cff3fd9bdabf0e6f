"""Means taken away, lengths made 1: what normalization layers compute, and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import activations, config
from ..arrays import Array
from ..dtypes import result_type
from .tensors import ArrayLike, Axis, Result, axes, common_floats, floats, op, op_many, to_array

__all__ = [
    "batch_normalization",
    "dot_product_attention",
    "layer_normalization",
    "moments",
    "normalize",
    "rms_normalization",
]


@op_many
def moments(
    x: ArrayLike, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> Result:
    """The mean and the variance, mean((x - mean)^2), over some axes.

    Arguments:
        x: any shape.
        axes: an axis, or several.
        keepdims: whether to keep the axes, with length 1.
        synchronized: taken as in Keras; there is one replica, whose samples are all of them.

    Example:
        >>> moments([1.0, 3.0], 0)
        (Tensor(2., dtype=float32), Tensor(1., dtype=float32))
    """
    x = floats(x)
    return _moments(x, tuple(axes) if isinstance(axes, (list, tuple)) else axes, keepdims)


def _moments(x: Array, axis: Any, keepdims: bool) -> tuple[Array, Array]:
    wide = x.astype(result_type(x.dtype, "float32"), copy=False)
    mean = np.mean(wide, axis, keepdims=True)
    variance = np.mean(np.square(wide - mean), axis, keepdims=keepdims)
    mean = mean if keepdims else np.squeeze(mean, axis)
    return np.asarray(mean).astype(x.dtype), np.asarray(variance).astype(x.dtype)


@op
def batch_normalization(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    axis: int,
    offset: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    epsilon: float = 1e-3,
) -> Result:
    """Scale (x - mean) / sqrt(variance + epsilon) + offset.

    Arguments:
        x: any shape.
        mean, variance: vectors, one number for each place along `axis`.
        axis: the axis of the channels.
        offset, scale: such vectors; None for 0 and 1.
        epsilon: what keeps the root from 0.

    Reference:
        Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
        internal covariate shift", ICML 2015.
    """
    x = floats(x)

    def along(v: Any) -> Array:
        shape = [1] * x.ndim
        shape[axis] = -1
        return to_array(v, x.dtype).reshape(shape)

    inverse = 1 / np.sqrt(along(variance) + epsilon)
    if scale is not None:
        inverse = inverse * along(scale)
    shift = -along(mean) * inverse
    return x * inverse + (shift if offset is None else shift + along(offset))


@op
def layer_normalization(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Result:
    """Gamma (x - mean) / sqrt(variance + epsilon) + beta, with the moments of each sample.

    Arguments:
        x: any shape.
        gamma, beta: of the shape of x in `axis`; None for 1 and 0.
        axis: the axis, or axes, over which the moments are taken.
        epsilon: what keeps the root from 0; None for `config.epsilon()`.
        **kwargs: none; `rms_scaling` is not supported.

    Returns:
        The shape and the dtype of x.

    Raises:
        TypeError: for other arguments.

    Example:
        >>> layer_normalization([[1.0, 3.0]])
        Tensor([[-1.,  1.]], dtype=float32)

    Reference:
        Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    if kwargs:
        raise TypeError(
            f"layer_normalization does not support {sorted(kwargs)}. "
            "Instead of rms_scaling use rms_normalization."
        )
    original = to_array(x)
    x = original.astype(result_type(original.dtype, "float32"))
    mean, variance = _moments(x, axes(axis), keepdims=True)
    inverse = 1 / np.sqrt(variance + x.dtype.type(_epsilon(epsilon)))
    if gamma is not None:
        inverse = inverse * _spread(gamma, x, axis)
    shift = -mean * inverse
    if beta is not None:
        shift = shift + _spread(beta, x, axis)
    return (x * inverse + shift).astype(original.dtype)


def _epsilon(epsilon: float | None) -> float:
    return config.epsilon() if epsilon is None else epsilon


def _spread(v: Any, x: Array, axis: Any) -> Array:
    """Return weights of the shape of x in `axis` so that they broadcast against x."""
    weights = to_array(v, x.dtype)
    if weights.ndim == x.ndim:
        return weights
    normalized = {i % x.ndim for i in (axis if isinstance(axis, (list, tuple)) else [axis])}
    return weights.reshape([n if i in normalized else 1 for i, n in enumerate(x.shape)])


@op
def rms_normalization(
    x: ArrayLike,
    scale: ArrayLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Result:
    """Scale x / sqrt(mean(x^2) + epsilon).

    Arguments:
        x: any shape.
        scale: broadcasts against x; None for 1.
        axis: the axis, or axes, over which the mean is taken.
        epsilon: what keeps the root from 0; None for `config.epsilon()`.

    Returns:
        The shape and the dtype of x; of a number, shape (1,).

    Reference:
        Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """
    original = np.atleast_1d(to_array(x))
    x = original.astype(result_type(original.dtype, "float32"))
    square = np.mean(np.square(x), axes(axis), keepdims=True)
    y = x * (1 / np.sqrt(square + x.dtype.type(_epsilon(epsilon))))
    return (y if scale is None else y * to_array(scale, x.dtype)).astype(original.dtype)


@op
def normalize(
    x: ArrayLike, axis: Axis = -1, order: int = 2, epsilon: float | None = None
) -> Result:
    """Return x / ||x|| along an axis; the norm counts as at least epsilon.

    Arguments:
        x: any shape.
        axis: the axis of the vectors; several, or None for all.
        order: p of the norm (sum |x|^p)^(1/p), an integer of at least 1.
        epsilon: None for `config.epsilon()`.

    Raises:
        ValueError: for another order.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        Tensor([[0.6, 0.8],
                [0. , 0. ]], dtype=float32)
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer of at least 1. Received: {order!r}.")
    x = np.atleast_1d(floats(x))
    if order == 2:
        norm = np.sqrt(np.sum(np.square(x), axes(axis), keepdims=True))
    else:
        norm = np.linalg.norm(x, order, axes(axis), keepdims=True)
    return x / np.maximum(norm, x.dtype.type(_epsilon(epsilon)))


@op
def dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    bias: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Result:
    """softmax(scale query key^T + bias) value, for each head.

    Arguments:
        query: (N, T, heads, D).
        key: (N, S, K, D); the K key heads divide the query's evenly.
        value: (N, S, K, D).
        bias: added to the scores, (N, heads, T, S) or what broadcasts to it.
        mask: where it is False, a score does not count; such a shape, too.
        scale: None for 1 / sqrt(D).
        is_causal: whether a query sees only the keys up to its own place.
        flash_attention: must not be True.
        attn_logits_soft_cap: must be None.

    Returns:
        (N, T, heads, D).

    Raises:
        ValueError: for other ranks, and for flash attention and soft caps, which are for GPUs
            and TPUs.

    Reference:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """
    if flash_attention or attn_logits_soft_cap is not None:
        raise ValueError(
            "flash_attention and attn_logits_soft_cap are not supported, because they are ways "
            "of computing on GPUs and TPUs."
        )
    query, key, value = common_floats(query, key, value)
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise ValueError(
            "query, key and value must be of rank 4. "
            f"Received: shapes {query.shape}, {key.shape}, {value.shape}."
        )
    groups = query.shape[2] // key.shape[2]
    key, value = np.repeat(key, groups, axis=2), np.repeat(value, groups, axis=2)
    scores = np.einsum("bthd,bshd->bhts", query, key)
    scores = scores * scores.dtype.type(1 / math.sqrt(key.shape[3]) if scale is None else scale)
    if bias is not None:
        scores = scores + to_array(bias, scores.dtype)
    seen = np.ones(scores.shape, np.bool_)
    if mask is not None:
        seen &= to_array(mask, np.bool_)
    if is_causal:
        seen &= np.tri(*scores.shape[2:], dtype=np.bool_)
    # Finite, so that a query that sees nothing has the mean of all values, and not NaN.
    scores = np.where(seen, scores, 0.7 * np.finfo(scores.dtype).min)
    return np.einsum("bhts,bshd->bthd", activations.softmax(scores), value)
