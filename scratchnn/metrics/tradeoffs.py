"""Metrics that fix one ratio of true and false positives and negatives, and report another.

The lower the threshold, the more targets are found and the more predictions are wrong: each of
these metrics is the best that can be had of one where the other is good enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Tensor, as_tensor
from .base import divide_no_nan
from .confusion import ThresholdMetric
from .counting import Counts
from .variable import Variable


class _AtLeast(ThresholdMetric):
    """The largest value of one ratio, over all thresholds at which another is large enough."""

    _direction = "up"

    def __init__(
        self,
        argument: str,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(
                f"Argument `{argument}` must be in the range [0, 1]. Received: {argument}={value}."
            )
        if num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. "
                f"Received: num_thresholds={num_thresholds}."
            )
        steps = num_thresholds - 1
        inner = [i / steps for i in range(1, steps)]
        super().__init__(
            [0.0, *inner, 1.0] if steps else [0.5],
            {field: field for field in Counts._fields},
            name,
            dtype,
            even=steps > 0,
        )
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.true_positives, self.false_positives = list(self._kept.values())[:2]
        self.true_negatives, self.false_negatives = list(self._kept.values())[2:]

    def best(self, constrained: Array, wanted: Array) -> Tensor:
        """Return the largest of `wanted` where `constrained` is at least the value asked for."""
        enough = constrained >= constrained.dtype.type(self.value)
        return as_tensor(np.max(np.where(enough, wanted, 0), initial=0).astype(wanted.dtype))

    @property
    def recalls(self) -> Array:
        """TP / (TP + FN) at each threshold; also called sensitivity."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def precisions(self) -> Array:
        """TP / (TP + FP) at each threshold."""
        return _share(self.true_positives, self.false_positives)

    @property
    def specificities(self) -> Array:
        """TN / (TN + FP) at each threshold."""
        return _share(self.true_negatives, self.false_positives)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
        }


def _share(part: Variable, rest: Variable) -> Array:
    return np.asarray(divide_no_nan(part.value, part.value + rest.value))


class SensitivityAtSpecificity(_AtLeast):
    """The best sensitivity TP / (TP + FN) where the specificity TN / (TN + FP) is large enough.

    Arguments:
        specificity: the least specificity, in [0, 1].
        num_thresholds: how many evenly spaced thresholds are tried.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C).

    Raises:
        ValueError: for a specificity outside [0, 1], or no thresholds.

    Example:
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Tensor:
        return self.best(self.specificities, self.recalls)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"specificity": self.specificity}


class SpecificityAtSensitivity(_AtLeast):
    """The best specificity TN / (TN + FP) where the sensitivity TP / (TP + FN) is large enough.

    Arguments:
        sensitivity: the least sensitivity, in [0, 1].
        num_thresholds: how many evenly spaced thresholds are tried.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C).

    Raises:
        ValueError: for a sensitivity outside [0, 1], or no thresholds.

    Example:
        >>> metric = SpecificityAtSensitivity(0.5)
        >>> round(float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Tensor:
        return self.best(self.recalls, self.specificities)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"sensitivity": self.sensitivity}


class PrecisionAtRecall(_AtLeast):
    """The best precision TP / (TP + FP) where the recall TP / (TP + FN) is large enough.

    Arguments:
        recall: the least recall, in [0, 1].
        num_thresholds: how many evenly spaced thresholds are tried.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C).

    Raises:
        ValueError: for a recall outside [0, 1], or no thresholds.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Tensor:
        return self.best(self.recalls, self.precisions)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"recall": self.recall}


class RecallAtPrecision(_AtLeast):
    """The best recall TP / (TP + FN) where the precision TP / (TP + FP) is large enough.

    Arguments:
        precision: the least precision, in [0, 1].
        num_thresholds: how many evenly spaced thresholds are tried.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C).

    Raises:
        ValueError: for a precision outside [0, 1], or no thresholds.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Tensor:
        return self.best(self.precisions, self.recalls)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"precision": self.precision}
