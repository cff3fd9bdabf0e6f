"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape, Tensor, as_tensor
from .base import Metric, check_same_shape
from .variable import Variable

_AVERAGES = (None, "micro", "macro", "weighted")
_COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall of each class.

    (1 + beta^2) precision recall / (beta^2 precision + recall), each denominator plus epsilon. A
    large beta gives weight to the recall.

    Arguments:
        average: None for one value per class; 'macro' for their mean; 'weighted' for their mean
            weighted by the classes' shares of the targets; 'micro' to count all classes together.
        beta: the weight of the recall, a float above 0.
        threshold: what a prediction must exceed to be positive; None for the largest of each
            sample, unless it is 0.
        name: the metric's name.
        dtype: what it computes in; the default float dtype if not given.

    Shape:
        y and p (N, C), y one-hot or of several ones; result (C,) or ().

    Raises:
        ValueError: for another average, beta or threshold.

    Example:
        >>> y = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> p = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> FBetaScore(beta=2.0, threshold=0.5)(y, p).numpy().round(4)
        array([0.3846, 0.9091, 0.8333], dtype=float32)
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in _AVERAGES:
            raise ValueError(f"`average` must be one of {_AVERAGES}. Received: average={average}.")
        if isinstance(beta, bool) or not isinstance(beta, int | float) or beta <= 0:
            raise ValueError(f"`beta` must be a float > 0. Received: beta={beta!r}.")
        if threshold is not None and (
            not isinstance(threshold, int | float) or not 0 < threshold <= 1
        ):
            raise ValueError(
                f"`threshold` must be a float with 0 < threshold <= 1. Received: {threshold!r}."
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._counts: list[Variable] = []

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self._counts = [self.add_variable(shape, dtype=self.dtype, name=name) for name in _COUNTS]
        self.true_positives, self.false_positives = self._counts[:2]
        self.false_negatives, self.intermediate_weights = self._counts[2:]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Arguments:
            y_true: targets (N, C).
            y_pred: predictions (N, C).
            sample_weight: None or weights (N,).

        Raises:
            ValueError: if the shapes are not these.
        """
        y, p = np.asarray(y_true, self.dtype), np.asarray(y_pred, self.dtype)
        self._check_shapes(y.shape, p.shape)
        if not self._counts:
            self._build(p.shape[1])
        if self.threshold is None:
            positive = (p >= p.max(axis=1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            positive = p > p.dtype.type(self.threshold)
        p = positive.astype(self.dtype)
        for variable, values in zip(
            self._counts, (p * y, p * (1 - y), (1 - p) * y, y), strict=True
        ):
            if sample_weight is not None:
                values = values * np.asarray(sample_weight, self.dtype).reshape(-1, 1)
            variable.assign_add(np.sum(values, axis=0 if variable.shape else None))

    def _check_shapes(self, y: Shape, p: Shape) -> None:
        if len(y) != 2 or len(p) != 2:
            raise ValueError(
                f"The metric {self.name!r} expected targets and predictions of shape (N, C). "
                f"Received: y_true.shape={y} and y_pred.shape={p}."
            )
        check_same_shape(self.name, y, p)

    def check(self, y: Array, output_shape: Shape) -> None:
        self._check_shapes(y.shape, output_shape)

    def result(self) -> Tensor:
        if not self._counts:
            raise ValueError(
                f"The metric {self.name!r} has no result before its first batch: it does not know "
                "the number of classes."
            )
        number = np.dtype(self.dtype).type
        tp, fp, fn, share = (variable.value for variable in self._counts)
        epsilon = number(config.epsilon())
        precision = tp / (tp + fp + epsilon)
        recall = tp / (tp + fn + epsilon)
        squared = number(self.beta**2)
        score = precision * recall / (squared * precision + recall + epsilon)
        score = score * number(1 + self.beta**2)
        if self.average == "weighted":
            return as_tensor(np.sum(score * (share / (np.sum(share) + epsilon))))
        return as_tensor(score if self.average is None else np.mean(score))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall of each class.

    2 precision recall / (precision + recall), each denominator plus epsilon.

    Arguments:
        average: None for one value per class; 'macro' for their mean; 'weighted' for their mean
            weighted by the classes' shares of the targets; 'micro' to count all classes together.
        threshold: what a prediction must exceed to be positive; None for the largest of each
            sample, unless it is 0.
        name: the metric's name.
        dtype: what it computes in; the default float dtype if not given.

    Shape:
        y and p (N, C), y one-hot or of several ones; result (C,) or ().

    Raises:
        ValueError: for another average or threshold.

    Example:
        >>> y = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> p = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> F1Score(threshold=0.5)(y, p).numpy().round(4)
        array([0.5   , 0.8   , 0.6667], dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
