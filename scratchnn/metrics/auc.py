"""AUC: the area under a curve of two ratios, one point for each threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from .. import config
from ..activations import sigmoid
from ..arrays import Array, Shape, Tensor, as_tensor
from .base import Metric, batch_shape, check_same_shape, divide_no_nan
from .counting import Counts, Thresholds, broadcast_weights, comparable, is_even
from .variable import Variable

_CURVES = {"roc": "ROC", "pr": "PR", "prgain": "PRGAIN"}
_METHODS = ("interpolation", "majoring", "minoring")


class AUC(Metric):
    """The area under the ROC or the precision-recall curve, from counts at T thresholds.

    The ROC curve is the recall TP / (TP + FN) over the false positive rate FP / (FP + TN), the PR
    curve the precision TP / (TP + FP) over the recall. Between two thresholds 'interpolation'
    takes the ROC curve for straight; on the PR curve it is TP that is linear in TP + FP, for the
    precision is not (Davis & Goadrich, "The relationship between precision-recall and ROC
    curves", 2006). 'PRGAIN' is the curve of Flach & Kull, "Precision-recall-gain curves", 2015.

    Arguments:
        num_thresholds: T, how many thresholds, evenly spaced over [0, 1]; more are more exact.
        curve: 'ROC', 'PR' or 'PRGAIN'.
        summation_method: 'interpolation'; or 'majoring' or 'minoring', the larger or the smaller
            of two neighbours' heights, which bound the area from above and below.
        name: the metric's name; numbered if not given.
        dtype: as for every Metric.
        thresholds: thresholds of your own; one below 0 and one above 1 are added to them.
        multi_label: whether each column of predictions (N, L) has a curve of its own; the areas
            are then averaged. If not, all predictions are taken together.
        num_labels: L with multi_label, if it is to be known before the first batch.
        label_weights: one weight per label: with multi_label for the areas, else for the counts.
        from_logits: whether the predictions are logits, to which a sigmoid is applied.

    Shape:
        y and p (N, ...), with multi_label (N, L).

    Raises:
        ValueError: for less than two thresholds, another curve or method, and num_labels without
            multi_label.

    Example:
        >>> y, p = [0, 0, 1, 1, 1], [0.1, 0.6, 0.5, 0.8, 0.3]
        >>> round(float(AUC()(y, p)), 4), round(float(AUC(curve="PR")(y, p)), 4)
        (0.6667, 0.769)
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        super().__init__(dtype, name)
        self.curve = _one_of("curve", curve, _CURVES)
        self.summation_method = _one_of(
            "summation_method", summation_method, {method: method for method in _METHODS}
        )
        self._set_thresholds(num_thresholds, thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else as_tensor(np.asarray(label_weights, self.dtype))
        )
        self.from_logits = from_logits
        self._counts: dict[str, Variable] = {}
        if not multi_label:
            self._build((self.num_thresholds,))
        elif num_labels:
            self._build((self.num_thresholds, num_labels))

    def _set_thresholds(self, number: int, thresholds: Sequence[float] | None) -> None:
        self._own_thresholds = thresholds is not None
        if thresholds is None:
            if number <= 1:
                raise ValueError(
                    "Argument `num_thresholds` must be an integer > 1. "
                    f"Received: num_thresholds={number}."
                )
            inner = [i / (number - 1) for i in range(1, number - 1)]
        else:
            inner = sorted(float(t) for t in thresholds)
        even = thresholds is None or is_even([0.0, *inner, 1.0])
        values = [-config.epsilon(), *inner, 1 + config.epsilon()]
        self.num_thresholds = len(values)
        self._thresholds = Thresholds(values, even, widened=True)
        self.thresholds = values

    def _build(self, shape: tuple[int, ...]) -> None:
        self._counts = {field: self.add_variable(shape, name=field) for field in Counts._fields}

    @property
    def true_positives(self) -> Variable:
        """The weights of positive predictions for positive targets, (T,) or (T, L)."""
        return self._counts["true_positives"]

    @property
    def false_positives(self) -> Variable:
        """The weights of positive predictions for negative targets, (T,) or (T, L)."""
        return self._counts["false_positives"]

    @property
    def true_negatives(self) -> Variable:
        """The weights of negative predictions for negative targets, (T,) or (T, L)."""
        return self._counts["true_negatives"]

    @property
    def false_negatives(self) -> Variable:
        """The weights of negative predictions for positive targets, (T,) or (T, L)."""
        return self._counts["false_negatives"]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Arguments:
            y_true: targets; those that are not 0 are positive.
            y_pred: predictions of the same shape, in [0, 1] or logits.
            sample_weight: None, one weight per sample, or weights of the same shape.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y, p, weight = comparable(self.name, y_true, y_pred, sample_weight)
        if self.from_logits:
            p = np.asarray(sigmoid(p))
        if weight is not None:
            weight = broadcast_weights(weight, p.shape)
        if self.multi_label:
            self._check_labels(p.shape)
        elif self.label_weights is not None:
            by_label = broadcast_weights(np.asarray(self.label_weights)[np.newaxis], p.shape)
            weight = by_label if weight is None else weight * by_label
        counts = self._thresholds.count(y, p, weight, by_label=self.multi_label)
        for field, variable in self._counts.items():
            variable.assign_add(getattr(counts, field))

    def _check_labels(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2:
            raise ValueError(
                "`y_pred` must have rank 2 when `multi_label=True`. "
                f"Received: y_pred of shape {shape}."
            )
        if not self._counts:
            self._build((self.num_thresholds, shape[1]))
        labels = self.true_positives.shape[1]
        if labels != shape[1]:
            raise ValueError(
                f"The metric {self.name!r} expected predictions for {labels} labels. "
                f"Received: y_pred of shape {shape}."
            )

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)
        if self.multi_label and len(output_shape) != 2:
            raise ValueError(
                f"The metric {self.name!r} expected predictions (N, L), for multi_label=True. "
                f"Received: an output of shape {batch_shape(output_shape)}."
            )

    def result(self) -> Tensor:
        if not self._counts:
            raise ValueError(
                f"The metric {self.name!r} has no result before its first batch: it does not know "
                "the number of labels. Give it as num_labels."
            )
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._average(self._interpolated_areas())
        x, y = self._points()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / x.dtype.type(2)
        elif self.summation_method == "minoring":
            heights = np.minimum(y[:-1], y[1:])
        else:
            heights = np.maximum(y[:-1], y[1:])
        return self._average((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Array, Array]:
        """Return the curve's x and y at each threshold."""
        tp, fp, tn, fn = (self._counts[field].value for field in Counts._fields)
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, divide_no_nan(tp, tp + fp)
        ratio = divide_no_nan(tp + fn, tn + fp)
        recall_gain = np.where(tp == 0, 0, 1 - ratio * divide_no_nan(fn, tp))
        precision_gain = np.where(tp == 0, 1, 1 - ratio * divide_no_nan(fp, tp))
        return np.maximum(recall_gain, 0).astype(tp.dtype), precision_gain.astype(tp.dtype)

    def _interpolated_areas(self) -> Array:
        """Return the area under the PR curve between each threshold and the next.

        With P = TP + FP, TP = a + s P between two thresholds. The precision a / P + s, integrated
        over the recall, of which dP is s / (TP + FN), gives s (dTP + a ln(P_0 / P_1)) / (TP + FN).
        """
        tp, fp, _, fn = (self._counts[field].value for field in Counts._fields)
        p = tp + fp
        dtp = tp[:-1] - tp[1:]
        slope = divide_no_nan(dtp, np.maximum(p[:-1] - p[1:], 0))
        intercept = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        ratio = np.where(both, divide_no_nan(p[:-1], np.maximum(p[1:], 0)), 1).astype(p.dtype)
        increase = slope * (dtp + intercept * np.log(ratio))
        return np.asarray(divide_no_nan(increase, np.maximum(tp[1:] + fn[1:], 0)))

    def _average(self, areas: Array) -> Tensor:
        """Return the sum of the areas, averaged over the labels if these are told apart."""
        total = np.add.reduce(areas, axis=0)
        if not self.multi_label:
            return as_tensor(total)
        if self.label_weights is None:
            return as_tensor(np.mean(total))
        weights = np.asarray(self.label_weights)
        return as_tensor(divide_no_nan(np.sum(total * weights), np.sum(weights)))

    def get_config(self) -> dict[str, Any]:
        found = super().get_config() | {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return found | {"thresholds": self.thresholds[1:-1]} if self._own_thresholds else found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ..saving import deserialize_keras_object

        return cls(**deserialize_keras_object(config))


def _one_of(argument: str, value: Any, known: dict[str, str]) -> str:
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError(
            f"`{argument}` must be one of {list(known.values())}. Received: {value!r}."
        )
    return found
