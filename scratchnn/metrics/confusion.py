"""Metrics of yes or no at thresholds: true and false positives and negatives, and their ratios.

A prediction is positive if it exceeds the threshold, a target if it is not zero. The ratios are 0
where nothing is there to divide by.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, Shape, Tensor, as_tensor
from .base import Metric, check_same_shape, divide_no_nan
from .counting import (
    LOWEST,
    Thresholds,
    broadcast_weights,
    comparable,
    only_class,
    only_top,
    parse_thresholds,
)
from .variable import Variable


class ThresholdMetric(Metric):
    """What counts true and false positives and negatives at thresholds.

    Arguments:
        thresholds: the thresholds, a list of T.
        kept: {the Counts' field: its variable's name}, what the metric counts.
        name, dtype: as for every Metric.
        even: whether the thresholds are evenly spaced; found out if None.
    """

    top_k: int | None = None
    class_id: int | None = None

    def __init__(
        self,
        thresholds: list[float],
        kept: dict[str, str],
        name: str | None,
        dtype: Any,
        even: bool | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self._thresholds = Thresholds(thresholds, even)
        self._kept: dict[str, Variable] = {
            field: self.add_variable((len(thresholds),), name=variable)
            for field, variable in kept.items()
        }

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Arguments:
            y_true: targets; those that are not 0 are positive.
            y_pred: predictions of the same shape, in [0, 1].
            sample_weight: None, one weight per sample, or weights of the same shape.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y, p, weight = comparable(self.name, y_true, y_pred, sample_weight)
        if self.top_k is not None:
            p = only_top(self.top_k, p)
        if self.class_id is not None:
            y, p = only_class(self.class_id, y, p)
        if weight is not None:
            weight = broadcast_weights(weight, p.shape)
        counts = self._thresholds.count(y, p, weight)
        for field, variable in self._kept.items():
            variable.assign_add(getattr(counts, field))

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)


def _all_or_one(values: Array) -> Tensor:
    """Return the values of several thresholds, or the only one."""
    return as_tensor(values[0] if len(values) == 1 else values)


class _Count(ThresholdMetric):
    counted: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        values = parse_thresholds(thresholds, 0.5)
        super().__init__(values, {self.counted: "accumulator"}, name, dtype)
        self.init_thresholds = thresholds
        self.accumulator = self._kept[self.counted]

    def result(self) -> Tensor:
        return _all_or_one(self.accumulator.value)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"thresholds": self.init_thresholds}


class TruePositives(_Count):
    """The number, or the sum of the weights, of positive predictions for positive targets.

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a count; 0.5 if not given.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> float(TruePositives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counted = "true_positives"


class FalsePositives(_Count):
    """The number, or the sum of the weights, of positive predictions for negative targets.

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a count; 0.5 if not given.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> FalsePositives([0.0, 0.5])([1, 0, 0, 0], [0.9, 0.2, 0.8, 0.1]).numpy()
        array([3., 1.], dtype=float32)
    """

    counted = "false_positives"


class TrueNegatives(_Count):
    """The number, or the sum of the weights, of negative predictions for negative targets.

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a count; 0.5 if not given.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> float(TrueNegatives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1], sample_weight=[1, 1, 1, 3]))
        3.0
    """

    counted = "true_negatives"


class FalseNegatives(_Count):
    """The number, or the sum of the weights, of negative predictions for positive targets.

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a count; 0.5 if not given.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> float(FalseNegatives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counted = "false_negatives"


class _Ratio(ThresholdMetric):
    """true positives / (true positives + what is `missed`)."""

    _direction = "up"
    missed: str

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        values = parse_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        kept = ("true_positives", self.missed)
        super().__init__(values, dict(zip(kept, kept, strict=True)), name, dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.true_positives = self._kept["true_positives"]

    def result(self) -> Tensor:
        found = self.true_positives.value
        return _all_or_one(divide_no_nan(found, found + self._kept[self.missed].value))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Ratio):
    """The share of positive predictions that are right: TP / (TP + FP).

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a value; 0.5 if not given.
        top_k: if given, only a sample's k best predictions can be positive; without thresholds
            they all are.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C); result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> round(float(Precision()([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])), 4)
        0.6667
    """

    missed = "false_positives"

    @property
    def false_positives(self) -> Variable:
        """The sum of the weights of false positives."""
        return self._kept["false_positives"]


class Recall(_Ratio):
    """The share of positive targets that are found: TP / (TP + FN).

    Arguments:
        thresholds: a threshold in [0, 1] or a list of them, each with a value; 0.5 if not given.
        top_k: if given, only a sample's k best predictions can be positive; without thresholds
            they all are.
        class_id: if given, only this class, an index into the last axis, counts.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.

    Shape:
        y and p (N, ...), with class_id (N, ..., C); result () or one for each threshold.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> round(float(Recall(top_k=1)([[1, 0, 1]], [[0.5, 0.2, 0.3]])), 4)
        0.5
    """

    missed = "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """The sum of the weights of false negatives."""
        return self._kept["false_negatives"]
