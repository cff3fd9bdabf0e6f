"""Accuracies: the share of samples that are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Tensor, as_tensor
from ..context import Logits
from .base import MeanMetricWrapper, squeeze_or_expand


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Return [y == (p > threshold)] for each number.

    Example:
        >>> binary_accuracy([1.0, 1.0], [0.9, 0.5]).numpy()
        array([1., 0.], dtype=float32)
    """
    y, p = squeeze_or_expand(np.asarray(y_true), np.asarray(y_pred))
    return as_tensor(((p > threshold) == y).astype(np.float32))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return [argmax y == argmax p] for each sample, the first of equal maxima.

    Example:
        >>> categorical_accuracy([[0, 1]], [[0.1, 0.9]]).numpy()
        array([1.], dtype=float32)
    """
    return sparse_categorical_accuracy(np.argmax(np.asarray(y_true), axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return [y == argmax p] for each sample with an integer label y.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.1, 0.9]]).numpy()
        array([1., 0.], dtype=float32)
    """
    y, p = _labels(np.asarray(y_true), np.asarray(y_pred)), np.asarray(y_pred)
    return as_tensor((p.argmax(axis=-1) == y).astype(np.float32))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return whether the class of the one-hot y is among the k best predictions.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.3, 0.2]], k=2).numpy()
        array([0.], dtype=float32)
    """
    return sparse_top_k_categorical_accuracy(np.argmax(np.asarray(y_true), axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Return whether the integer label y is among the k best predictions; ties count as in.

    Arguments:
        y_true: (N, ...) labels; one outside the classes is never in.
        y_pred: (N, ..., C) scores, or with `from_sorted_ids` class ids, best first.
        k: how many.
        from_sorted_ids: what `y_pred` holds.
    """
    p = np.asarray(y_pred)
    y = _labels(np.asarray(y_true), p).astype(np.intp)[..., np.newaxis]
    if from_sorted_ids:
        return as_tensor((p[..., :k] == y).any(axis=-1).astype(np.float32))
    known = (y >= 0) & (y < p.shape[-1])
    score = np.take_along_axis(p, np.where(known, y, 0), axis=-1)
    better = np.count_nonzero(p > score, axis=-1)
    right = (better < k) & known[..., 0] & np.isfinite(score[..., 0])
    return as_tensor(right.astype(np.float32))


def _labels(y: Array, p: Array) -> Array:
    return y[..., 0] if y.ndim == p.ndim and y.shape[-1] == 1 else y


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets exactly.

    Example:
        >>> float(Accuracy()([[1], [2]], [[1], [3]]))
        0.5
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(_equal, name, dtype)


def _equal(y_true: Array, y_pred: Array) -> Array:
    return np.equal(y_true, y_pred)


class BinaryAccuracy(MeanMetricWrapper):
    """How often targets of 0 or 1 equal [p > threshold].

    Example:
        >>> float(BinaryAccuracy()([[1], [0]], [[0.7], [0.6]]))
        0.5
    """

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: Any = None,
        threshold: float = 0.5,
    ) -> None:
        if threshold is not None and not 0 < threshold < 1:
            raise ValueError(f"threshold must be in the interval (0, 1). Received: {threshold}.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the largest target.

    Example:
        >>> float(CategoricalAccuracy()([[0, 1]], [[0.1, 0.9]]))
        1.0
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)

    def values(self, y: Array, p: Array, logits: Logits | None) -> Any:
        return p.argmax(axis=-1) == y.argmax(axis=-1)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the integer label.

    Example:
        >>> float(SparseCategoricalAccuracy()([1], [[0.1, 0.9]]))
        1.0
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)

    def values(self, y: Array, p: Array, logits: Logits | None) -> Any:
        return p.argmax(axis=-1) == _labels(y, p)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of a one-hot target is among the k best predictions."""

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the k best predictions."""

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
