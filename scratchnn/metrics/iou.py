"""Intersection over union: how well predicted regions of each class cover the true ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape, Tensor, as_tensor
from .base import Metric, batch_shape


class IoU(Metric):
    """Intersection over union: the mean of TP / (TP + FP + FN) of some classes.

    It comes from a confusion matrix of all samples so far. Classes that are in neither targets
    nor predictions do not count; the denominators are plus epsilon. Labels outside the classes
    are left out.

    Arguments:
        num_classes: C, how many classes there are.
        target_class_ids: the classes to average over.
        name: the metric's name; numbered if not given.
        dtype: of the confusion matrix; 'int64' if not given, and then weights lose their fractions.
        ignore_class: a label whose samples are left out.
        sparse_y_true: whether targets are labels (N, ...); if not, one-hot (N, ..., C).
        sparse_y_pred: whether predictions are labels (N, ...); if not, scores (N, ..., C).
        axis: the axis of the classes where there is one.

    Shape:
        y and p with the same number of labels.

    Raises:
        ValueError: for a target class outside the classes.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__("int64" if dtype is None else dtype, name)
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        if max(self.target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class id {max(self.target_class_ids)} is out of range, which is "
                f"[0, {num_classes})."
            )
        self.total_cm = self.add_variable(
            (num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Arguments:
            y_true: targets, labels or one-hot.
            y_pred: predictions, labels or scores.
            sample_weight: None, a number, or one weight per label.

        Raises:
            ValueError: if there are not as many labels in both.
        """
        y, p = np.asarray(y_true), np.asarray(y_pred)
        if not self.sparse_y_true:
            y = y.argmax(axis=self.axis)
        if not self.sparse_y_pred:
            p = p.argmax(axis=self.axis)
        self._add(y.astype(self.dtype).ravel(), p.astype(self.dtype).ravel(), sample_weight)

    def _add(self, y: Array, p: Array, sample_weight: Any) -> None:
        if y.shape != p.shape:
            raise ValueError(
                f"The metric {self.name!r} expected as many labels in targets and predictions. "
                f"Received: {y.size} and {p.size}." + self._hint()
            )
        inside = (y >= 0) & (y < self.num_classes) & (p >= 0) & (p < self.num_classes)
        if self.ignore_class is not None:
            inside &= y != self.ignore_class
        places = y[inside].astype(np.intp) * self.num_classes + p[inside].astype(np.intp)
        weights = None
        if sample_weight is not None:
            weights = self._weights(sample_weight, y.shape)[inside]
        counts = np.bincount(places, weights, self.num_classes**2)
        self.total_cm.assign_add(counts.reshape(self.total_cm.shape).astype(self.dtype))

    def _weights(self, sample_weight: Any, shape: tuple[int, ...]) -> Array:
        given = np.asarray(sample_weight)
        kind = np.dtype(self.dtype).kind
        if isinstance(sample_weight, np.ndarray) and given.dtype.kind == "f" and kind in "iu":
            warnings.warn(
                f"The metric {self.name!r} counts in {self.dtype}, so weights lose their "
                "fractions. Make it with dtype='float32' to keep them.",
                stacklevel=4,
            )
        weights = given.astype(self.dtype).ravel() if given.ndim else given.astype(self.dtype)
        if weights.size not in (1, *shape):
            raise ValueError(
                f"sample_weight must hold one weight per label, {shape[0]}. "
                f"Received: {weights.size}."
            )
        return np.broadcast_to(weights, shape)

    def _hint(self) -> str:
        if self.sparse_y_pred and self.sparse_y_true:
            return (
                " Scores (N, ..., C) need sparse_y_pred=False, one-hot targets sparse_y_true=False."
            )
        return ""

    def check(self, y: Array, output_shape: Shape) -> None:
        targets, outputs = list(y.shape), list(output_shape)
        if not self.sparse_y_true and targets:
            del targets[self.axis]
        if not self.sparse_y_pred:
            del outputs[self.axis]
        sizes = [[n for n in shape[1:] if n != 1] for shape in (targets, outputs)]
        if None not in sizes[1] and sizes[0] != sizes[1]:
            raise ValueError(
                f"The metric {self.name!r} expected as many labels in targets and predictions. "
                f"Received: targets of shape {batch_shape(y.shape)} for an output of shape "
                f"{batch_shape(output_shape)}." + self._hint()
            )

    def result(self) -> Tensor:
        matrix = self.total_cm.value
        true = np.diag(matrix)
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - true
        targets = self.target_class_ids
        true, union = true[targets].astype(np.float32), union[targets].astype(np.float32)
        epsilon = np.float32(config.epsilon())
        there = union > 1e-9
        shares = np.where(there, true / (union + epsilon), np.float32(0))
        return as_tensor(np.sum(shares) / (np.float32(np.count_nonzero(there)) + epsilon))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


class BinaryIoU(IoU):
    """Intersection over union of two classes, told apart by a threshold.

    Arguments:
        target_class_ids: the classes to average over, of 0 and 1.
        threshold: predictions of at least this are class 1, others class 0.
        name: the metric's name; numbered if not given.
        dtype: of the confusion matrix; 'int64' if not given, and then weights lose their fractions.

    Shape:
        y and p (N, ...).

    Raises:
        ValueError: for a target class other than 0 and 1.

    Example:
        >>> round(float(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7], [2, 3, 4, 1])), 4)
        0.4583
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        p = np.asarray(y_pred, np.float32) >= np.float32(self.threshold)
        super().update_state(y_true, p, sample_weight)

    def _hint(self) -> str:
        return ""

    def get_config(self) -> dict[str, Any]:
        return {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


class MeanIoU(IoU):
    """Intersection over union, the mean over all classes: TP / (TP + FP + FN).

    Arguments:
        num_classes: C, how many classes there are.
        name: the metric's name; numbered if not given.
        dtype: of the confusion matrix; 'int64' if not given, and then weights lose their fractions.
        ignore_class: a label whose samples are left out.
        sparse_y_true: whether targets are labels (N, ...); if not, one-hot (N, ..., C).
        sparse_y_pred: whether predictions are labels (N, ...); if not, scores (N, ..., C).
        axis: the axis of the classes where there is one.

    Shape:
        y and p with the same number of labels.

    Example:
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config


class OneHotIoU(IoU):
    """Intersection over union of some classes, for one-hot targets.

    Arguments:
        num_classes: C, how many classes there are.
        target_class_ids: the classes to average over.
        name: the metric's name; numbered if not given.
        dtype: of the confusion matrix; 'int64' if not given, and then weights lose their fractions.
        ignore_class: a label whose samples are left out.
        sparse_y_pred: whether predictions are labels (N, ...); if not, scores (N, ..., C).
        axis: the axis of the classes.

    Shape:
        y (N, ..., C), p (N, ..., C) or labels (N, ...).

    Raises:
        ValueError: for a target class outside the classes.

    Example:
        >>> metric = OneHotIoU(num_classes=3, target_class_ids=[0, 2])
        >>> p = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
        >>> round(float(metric([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]], p)), 4)
        0.1667
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """Intersection over union, the mean over all classes, for one-hot targets.

    Arguments:
        num_classes: C, how many classes there are.
        name: the metric's name; numbered if not given.
        dtype: of the confusion matrix; 'int64' if not given, and then weights lose their fractions.
        ignore_class: a label whose samples are left out.
        sparse_y_pred: whether predictions are labels (N, ...); if not, scores (N, ..., C).
        axis: the axis of the classes.

    Shape:
        y (N, ..., C), p (N, ..., C) or labels (N, ...).

    Example:
        >>> metric = OneHotMeanIoU(num_classes=3)
        >>> p = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
        >>> round(float(metric([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]], p)), 4)
        0.1111
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config
