"""Accuracies: the share of samples that are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape, Tensor, as_tensor
from .base import as_array, batch_shape, check_same_shape, squeeze_or_expand
from .reduction import MeanMetricWrapper


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Return [y == (p > threshold)] for each number.

    Arguments:
        y_true, y_pred: targets, 0 or 1, and predictions, of one shape.
        threshold: above which a prediction is 1.

    Example:
        >>> binary_accuracy([1.0, 1.0], [0.9, 0.5]).numpy()
        array([1., 0.], dtype=float32)
    """
    y, p = squeeze_or_expand(np.asarray(y_true), as_array(y_pred))
    return _tensor((p > np.float32(threshold)) == y)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return [argmax y == argmax p] for each sample, the first of equal maxima.

    Arguments:
        y_true, y_pred: one-hot targets and predictions, (N, C).

    Raises:
        ValueError: for integer labels, which have no argmax.

    Example:
        >>> categorical_accuracy([[0, 1]], [[0.1, 0.9]]).numpy()
        array([1.], dtype=float32)
    """
    y, p = np.asarray(y_true), as_array(y_pred)
    check_one_hot("categorical_accuracy", y.shape, p.shape)
    return _tensor(p.argmax(axis=-1) == y.argmax(axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return [y == argmax p] for each sample with an integer label y.

    Arguments:
        y_true: labels (N,); y_pred: predictions (N, C).

    Raises:
        ValueError: for targets that are not labels.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.1, 0.9]]).numpy()
        array([1., 0.], dtype=float32)
    """
    p = as_array(y_pred)
    y = labels_for("sparse_categorical_accuracy", np.asarray(y_true), p.shape)
    right = p.argmax(axis=-1) == y
    return _tensor(right[..., 0] if right.ndim > 1 and right.shape[-1] == 1 else right)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return whether the class of the one-hot y is among the k best predictions.

    Arguments:
        y_true, y_pred: one-hot targets and predictions, (N, C).
        k: how many of the best count.

    Raises:
        ValueError: for integer labels, which have no argmax.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.3, 0.2]], k=2).numpy()
        array([0.], dtype=float32)
    """
    y, p = np.asarray(y_true), as_array(y_pred)
    check_one_hot("top_k_categorical_accuracy", y.shape, p.shape)
    return sparse_top_k_categorical_accuracy(y.argmax(axis=-1), p, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Return whether the integer label y is among the k best predictions; ties count as in.

    Arguments:
        y_true: (N, ...) labels; one outside the classes is never in.
        y_pred: (N, ..., C) scores, or with `from_sorted_ids` class ids, best first.
        k: how many.
        from_sorted_ids: what `y_pred` holds.

    Raises:
        ValueError: for targets that are not labels.

    Example:
        >>> sparse_top_k_categorical_accuracy([2, 0], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], k=2)
        Tensor([0., 1.], dtype=float32)
    """
    p, shape = as_array(y_pred), np.shape(y_true)
    y = labels_for("sparse_top_k_categorical_accuracy", np.asarray(y_true), p.shape)
    if from_sorted_ids:
        return _tensor((p[..., :k] == y[..., np.newaxis]).any(axis=-1).reshape(shape))
    y = y.astype(np.intp)[..., np.newaxis]
    known = (y >= 0) & (y < p.shape[-1])
    score = np.take_along_axis(p, np.where(known, y, 0), axis=-1)
    better = np.count_nonzero(p > score, axis=-1)
    right = (better < k) & known[..., 0] & np.isfinite(score[..., 0])
    return _tensor(right.reshape(shape))


def _tensor(right: Array) -> Tensor:
    return as_tensor(np.asarray(right, config.floatx()))


def labels_for(name: str, y: Array, p: Shape) -> Array:
    """Return labels (N, ...) for predictions (N, ..., C); a last axis of size 1 is dropped.

    Raises:
        ValueError: for targets of another rank.
    """
    if y.ndim == len(p) and y.shape[-1] == 1:
        y = y[..., 0]
    if y.ndim != len(p) - 1:
        one_hot = y.shape[-1:] == p[-1:]
        raise ValueError(
            f"The metric {name!r} expected integer labels of shape {batch_shape(p[:-1])} for "
            f"predictions of shape {batch_shape(p)}. Received: targets of shape "
            f"{batch_shape(y.shape)}."
            + (f" For one-hot targets use {name.removeprefix('sparse_')!r}." if one_hot else "")
        )
    return y


def check_one_hot(name: str, y: Shape, p: Shape) -> None:
    """Raise the ValueError for targets that do not have one number per class."""
    if len(y) != len(p) or (y[-1:] == (1,) and p[-1:] != (1,)):
        raise ValueError(
            f"The metric {name!r} expected one-hot targets of the shape of the predictions, "
            f"{batch_shape(p)}. Received: targets of shape {batch_shape(y)}. For integer labels "
            f"use 'sparse_{name}', or utils.to_categorical."
        )


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets exactly: the mean of [y == p].

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ...).

    Example:
        >>> float(Accuracy()([[1], [2]], [[1], [3]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(_equal, name, dtype)

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


def _equal(y_true: Array, y_pred: Array) -> Array:
    y, p = squeeze_or_expand(np.asarray(y_true), as_array(y_pred))
    return np.asarray(y.astype(p.dtype) == p)


class BinaryAccuracy(MeanMetricWrapper):
    """How often targets of 0 or 1 are right: the mean of [y == (p > threshold)].

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        threshold: what a prediction must exceed to stand for 1.

    Shape:
        y and p (N, ...).

    Raises:
        ValueError: for a threshold outside (0, 1).

    Example:
        >>> float(BinaryAccuracy()([[1], [0]], [[0.7], [0.6]]))
        0.5
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: Any = None,
        threshold: float = 0.5,
    ) -> None:
        if threshold is not None and not 0 < threshold < 1:
            raise ValueError(f"threshold must be in the interval (0, 1). Received: {threshold}.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "threshold": self.threshold}


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the largest target.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., C).

    Example:
        >>> float(CategoricalAccuracy()([[0, 1]], [[0.1, 0.9]]))
        1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)

    def values(self, y: Array, p: Array) -> Any:
        return p.argmax(axis=-1) == y.argmax(axis=-1)

    def check(self, y: Array, output_shape: Shape) -> None:
        check_one_hot("categorical_accuracy", y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the integer label.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y (N, ...) or (N, ..., 1), p (N, ..., C).

    Example:
        >>> float(SparseCategoricalAccuracy()([1], [[0.1, 0.9]]))
        1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)

    def values(self, y: Array, p: Array) -> Any:
        return p.argmax(axis=-1) == (y[..., 0] if y.ndim == p.ndim else y)

    def check(self, y: Array, output_shape: Shape) -> None:
        labels_for("sparse_categorical_accuracy", y, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of a one-hot target is among the k best predictions; ties count as in.

    Arguments:
        k: how many.
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., C).

    Example:
        >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.5, 0.3, 0.2]]))
        0.0
    """

    _direction = "up"

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k

    def check(self, y: Array, output_shape: Shape) -> None:
        check_one_hot("top_k_categorical_accuracy", y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "k": self.k}


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the k best predictions; ties count as in.

    Arguments:
        k: how many.
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        from_sorted_ids: whether the predictions are class ids, best first, instead of scores.

    Shape:
        y (N, ...) or (N, ..., 1), p (N, ..., C).

    Example:
        >>> float(SparseTopKCategoricalAccuracy(k=2)([2], [[0.5, 0.3, 0.2]]))
        0.0
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def check(self, y: Array, output_shape: Shape) -> None:
        labels_for("sparse_top_k_categorical_accuracy", y, output_shape)

    def get_config(self) -> dict[str, Any]:
        config = {"name": self.name, "dtype": self.dtype, "k": self.k}
        return config | {"from_sorted_ids": True} if self.from_sorted_ids else config
