"""Labels to one-hot rows, and rows to unit length."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from scratchnn import config
from scratchnn.arrays import Array, Tensor, as_tensor


def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> Array:
    """Return the one-hot rows of integer labels: `y[..., c] = 1 where x[...] == c, else 0`.

    As in Keras, fractions are cut off (0.9 is class 0), a negative label counts from the last
    class (-1 is class C - 1), and the rows are float64.

    Arguments:
        x: labels, any shape (...); a last axis of length 1 is dropped, as in (N, 1).
        num_classes: the number of classes C; None or 0 means the largest label plus 1.

    Returns:
        An array (..., C), float64.

    Raises:
        IndexError: if a label is not below `num_classes`, or is below `-num_classes`.
        TypeError: if `num_classes` is not an integer.
        ValueError: if `num_classes` is negative, or not given when there is no label at all, or
            if a label is not a number.

    Example:
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
    """
    try:
        with np.errstate(invalid="raise"):
            labels = np.array(x, dtype="int64")
    except FloatingPointError:
        raise ValueError("to_categorical expected finite labels. Received: NaN or inf.") from None
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    classes = _number_of_classes(labels, num_classes)
    _check_labels(labels, classes)
    y = np.zeros((labels.size, classes))
    y[np.arange(labels.size), labels] = 1
    return y.reshape((*shape, classes))


def _number_of_classes(labels: Array, num_classes: int | None) -> int:
    if num_classes:
        try:
            classes = operator.index(num_classes)
        except TypeError:
            raise TypeError(
                f"num_classes must be an integer or None. Received: {num_classes!r}."
            ) from None
        if classes < 0:
            raise ValueError(f"num_classes must not be negative. Received: {classes}.")
        return classes
    if not labels.size:
        raise ValueError(
            "to_categorical expected at least one label to infer num_classes from. "
            "Received: an empty array. Pass num_classes."
        )
    return int(labels.max()) + 1


def _check_labels(labels: Array, classes: int) -> None:
    wrong = (labels >= classes) | (labels < -classes)
    if not wrong.any():
        return
    position = int(wrong.argmax())
    received = labels[position]
    if classes <= 0:
        hint = "Pass num_classes: it cannot be inferred when every label is negative."
    elif received >= classes:
        hint = f"Labels count from 0; for this one num_classes must be at least {received + 1}."
    else:
        hint = "Missing labels cannot be encoded: drop them, or give them a class of their own."
    raise IndexError(
        f"to_categorical expected labels from 0 to {classes - 1} (num_classes={classes}). "
        f"Received: {received} at position {position}. {hint}"
    )


def normalize(x: Any, axis: Any = -1, order: Any = 2) -> Array:
    """Return `x` divided by its norms along `axis`: `y = x / ||x||`, zero where `x` is zero.

    Keras has two rules, and so has this function. A NumPy array keeps its float dtype (integers
    become float64), and a vector (D,) comes back as (1, D). A list, or what a layer returned,
    keeps its shape, lists become float32, and norms count as at least `config.epsilon()`.

    Arguments:
        x: an array or list, any shape.
        axis: the axis along which each norm is taken. For NumPy arrays, count from the end:
            Keras puts the norms of axis 0 on the last axis, so that each row of a square matrix
            is divided by the norm of a column. Same numbers here, and a warning.
        order: the order of the norm as in `np.linalg.norm`; for lists an integer of at least 1.

    Returns:
        The normalized array; `x` is left as it was.

    Raises:
        ValueError: for an order that does not exist, or norms of axis 0 that do not fit `x`.

    Example:
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    if isinstance(x, Tensor) or not isinstance(x, np.ndarray):
        return _normalize_tensor(x, axis, order)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    if axis == 0 and norm.size > 1:
        return _divide_along_axis_0(x, norm)
    result: Array = x / np.expand_dims(norm, axis or -1)
    return result


def _divide_along_axis_0(x: Array, norm: Array) -> Array:
    """Divide as Keras does for axis 0, which is hardly ever what was meant."""
    norm = norm[..., np.newaxis]
    advice = (
        f"with axis=0 Keras takes the {norm.size} norms along axis 0 but puts them on the last "
        f"axis; to normalize along the first axis, use axis={-x.ndim}."
    )
    try:
        result: Array = x / norm
    except ValueError:
        raise ValueError(
            f"normalize expected norms that fit x: {advice} "
            f"Received: x of shape {x.shape}, norms of shape {norm.shape}."
        ) from None
    warnings.warn(f"normalize divides by the wrong norms: {advice}", stacklevel=3)
    return result


def _normalize_tensor(x: Any, axis: Any, order: Any) -> Tensor:
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer of at least 1. Received: {order!r}.")
    x = np.atleast_1d(x if isinstance(x, Tensor) else np.asarray(x, dtype=config.floatx()))
    if not np.issubdtype(x.dtype, np.inexact):
        x = x.astype(config.floatx())
    if order == 2:
        # Over all axes at once too, where np.linalg.norm would take a matrix norm.
        norm = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    else:
        norm = np.linalg.norm(x, order, axis, keepdims=True)
    return as_tensor(x / np.maximum(norm, x.dtype.type(config.epsilon())))
