"""Classes as rows of numbers, and the cross-entropies of such rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations, config
from ..arrays import Array
from ..dtypes import standardize_dtype
from .tensors import ArrayLike, DType, Result, floats, op, to_array

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "multi_hot",
    "one_hot",
    "sparse_categorical_crossentropy",
]


@op
def one_hot(
    x: ArrayLike, num_classes: int, axis: int = -1, dtype: DType = None, sparse: bool = False
) -> Result:
    """For each class a row with 1 at its place and 0 elsewhere; no 1 for a class out of range.

    Arguments:
        x: classes from 0 to num_classes - 1, any shape.
        num_classes: the number of classes C.
        axis: where the new axis of length C goes.
        dtype: None for `config.floatx()`.
        sparse: must be False.

    Raises:
        ValueError: for a sparse result.

    Example:
        >>> one_hot([1, -1], 3)
        Tensor([[0., 1., 0.],
                [0., 0., 0.]], dtype=float32)
    """
    return _one_hot(x, num_classes, axis, dtype, sparse)


@op
def multi_hot(
    inputs: ArrayLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DType = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Result:
    """For each row of classes one row with 1 at all their places.

    Arguments:
        inputs: classes (N, T), or (T,) for one row.
        num_classes: the number of classes C.
        axis: where the new axis of length C goes, before the axis T is taken away.
        dtype: None for `config.floatx()`.
        sparse: must be False.
        **kwargs: `num_tokens`, the older name of `num_classes`.

    Raises:
        ValueError: without `num_classes`, and for a sparse result.

    Example:
        >>> multi_hot([[0, 2], [1, 1]], 3)
        Tensor([[1., 0., 1.],
                [0., 1., 0.]], dtype=float32)
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise TypeError(f"multi_hot expected no other arguments. Received: {sorted(kwargs)}.")
    if num_classes is None:
        raise ValueError("multi_hot expected the number of classes. Received: num_classes=None.")
    rows = to_array(inputs)
    return np.max(_one_hot(rows, num_classes, axis, dtype, sparse), axis=min(rows.ndim - 1, 1))


def _one_hot(x: Any, num_classes: int, axis: int, dtype: DType, sparse: bool) -> Array:
    if sparse:
        raise ValueError("sparse=True is not supported, because NumPy has no sparse arrays.")
    classes = to_array(x, np.int64)[..., np.newaxis]
    rows = (classes == np.arange(num_classes)).astype(standardize_dtype(dtype))
    return np.moveaxis(rows, -1, axis)


@op
def binary_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False) -> Result:
    """-t log p - (1 - t) log(1 - p), for each element.

    Arguments:
        target: t, 0 or 1 or between; any shape.
        output: p, of the same shape, kept within [epsilon, 1 - epsilon]; or the logits.
        from_logits: whether p = sigmoid(output).

    Raises:
        ValueError: for shapes that differ.

    Example:
        >>> binary_crossentropy([1.0, 0.0], [0.5, 0.5])
        Tensor([0.6931472, 0.6931472], dtype=float32)
    """
    t, p = _alike(target, output)
    if from_logits:
        return np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
    p = _inside(p)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


@op
def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Result:
    """-sum_c t_c log p_c, for each sample.

    Arguments:
        target: t, probabilities (..., C).
        output: p, of the same shape; it is divided by its sum and kept within
            [epsilon, 1 - epsilon]; or the logits.
        from_logits: whether p = softmax(output).
        axis: the axis of the classes.

    Raises:
        ValueError: for shapes that differ.

    Example:
        >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        Tensor([0.6931472], dtype=float32)
    """
    t, p = _alike(target, output)
    if from_logits:
        log_p = activations.log_softmax(p, axis)
    else:
        log_p = np.log(_inside(p / np.sum(p, axis, keepdims=True)))
    return -np.sum(t * log_p, axis)


@op
def sparse_categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Result:
    """-log p_t, for each sample of class t.

    Arguments:
        target: t, classes (...) or (..., 1).
        output: p, (..., C), kept within [epsilon, 1 - epsilon] and divided by its sum; or the
            logits.
        from_logits: whether p = softmax(output).
        axis: the axis of the classes, which must be the last.

    Raises:
        ValueError: for another axis, shapes that do not fit, or a class out of range.

    Example:
        >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]])
        Tensor([0.6931472], dtype=float32)
    """
    t, p = to_array(target, np.int64), floats(output)
    if axis not in (-1, p.ndim - 1):
        raise ValueError(f"axis must be the last one. Received: axis={axis}.")
    if t.ndim == p.ndim and t.shape[-1] == 1:
        t = t[..., 0]
    if t.shape != p.shape[:-1]:
        raise ValueError(
            "target must have the shape of output without its last axis. "
            f"Received: {t.shape} and {p.shape}."
        )
    if ((t < 0) | (t >= p.shape[-1])).any():
        raise ValueError(
            f"The classes in target must be from 0 to {p.shape[-1] - 1}. "
            f"Received: {t.min()} to {t.max()}."
        )
    log_p = activations.log_softmax(p if from_logits else np.log(_inside(p)))
    return -np.take_along_axis(log_p, t[..., np.newaxis], axis=-1)[..., 0]


def _alike(target: Any, output: Any) -> tuple[Array, Array]:
    p = floats(output)
    t = to_array(target, p.dtype)
    if t.shape != p.shape:
        raise ValueError(
            f"target and output must have the same shape. Received: {t.shape} and {p.shape}."
        )
    return t, p


def _inside(p: Array) -> Array:
    epsilon = config.epsilon()
    return np.clip(p, p.dtype.type(epsilon), p.dtype.type(1 - epsilon))
