"""Metrics for numbers: errors, directions and correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape, Tensor, as_tensor
from .base import Metric, as_floats, check_same_shape, squeeze_or_expand
from .reduction import Mean, MeanMetricWrapper
from .variable import Variable


class RootMeanSquaredError(Mean):
    """The square root of the mean of (y - p)^2 over all samples.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ...).

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]))
        5.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y, p = squeeze_or_expand(np.asarray(y_true, self.dtype), np.asarray(y_pred, self.dtype))
        self.add((p - y) ** 2, sample_weight)

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)

    def result(self) -> Tensor:
        return as_tensor(np.sqrt(super().result()))


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between y and p: sum_u y_u p_u / (|y| |p|).

    It is 1 for equal directions and -1 for opposite ones: minus the loss of this name.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        axis: the axis of the vectors.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(CosineSimilarity()([[0.0, 1.0]], [[3.0, 4.0]])), 4)
        0.8
    """

    _direction = "up"

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    y, p = _pair(y_true, y_pred)
    return np.asarray(np.sum(_unit(y, axis) * _unit(p, axis), axis=axis))


def _unit(x: Array, axis: int) -> Array:
    """Return x with length 1; vectors of hardly any length stay short."""
    with np.errstate(divide="ignore"):
        inverse = 1 / np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
    return np.asarray(x * np.minimum(inverse, x.dtype.type(1 / config.epsilon())))


def _pair(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Return targets and predictions in one dtype and of one rank."""
    p = as_floats(y_pred)
    return squeeze_or_expand(np.asarray(y_true).astype(p.dtype), p)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Return the correlation of y and p along an axis: cov(y, p) / (std(y) std(p)).

    It is NaN where either does not vary.

    Arguments:
        y_true: targets (N, ..., U).
        y_pred: predictions of the same shape.
        axis: the axis along which they are compared.

    Example:
        >>> pearson_correlation([[0, 1, 0.5]], [[0.1, 0.9, 0.2]]).numpy().round(4)
        array([0.9177], dtype=float32)
    """
    y, p = _pair(y_true, y_pred)
    with np.errstate(invalid="ignore", divide="ignore"):
        y, p = (_standardized(x, axis) for x in (y, p))
        return as_tensor(np.mean(y * p, axis=axis))


def _standardized(x: Array, axis: int) -> Array:
    x = x - x.mean(axis=axis, keepdims=True)
    return np.asarray(x / x.std(axis=axis, keepdims=True))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Return how near y and p are to equal: 2 cov(y, p) / (var y + var p + (mean y - mean p)^2).

    The denominator is plus epsilon.

    Arguments:
        y_true: targets (N, ..., U).
        y_pred: predictions of the same shape.
        axis: the axis along which they are compared.

    Example:
        >>> concordance_correlation([[0, 1, 0.5]], [[0.1, 0.9, 0.5]]).numpy().round(4)
        array([0.9756], dtype=float32)

    Reference: Lin, 1989, A Concordance Correlation Coefficient to Evaluate Reproducibility.
    """
    y, p = _pair(y_true, y_pred)
    y_mean, p_mean = (x.mean(axis=axis, keepdims=True) for x in (y, p))
    y_var, p_var = (np.var(x, axis=axis, keepdims=True) for x in (y - y_mean, p - p_mean))
    norm = y_var + p_var + (y_mean - p_mean) ** 2 + p.dtype.type(config.epsilon())
    # Whichever mean is taken from y, that of the product is the same.
    return as_tensor(np.mean(2 * (y - p_mean) * (p - p_mean) / norm, axis=axis))


class _Correlation(MeanMetricWrapper):
    _direction = "up"

    def check(self, y: Array, output_shape: Shape) -> None:
        check_same_shape(self.name, y.shape, output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "axis": self.kwargs["axis"]}


class PearsonCorrelation(_Correlation):
    """The mean over all samples of the correlation of y and p: cov(y, p) / (std(y) std(p)).

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        axis: the axis along which they are compared; that of the samples compares within a batch.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> metric = PearsonCorrelation()
        >>> round(float(metric([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9967
    """

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(_Correlation):
    """The mean over all samples of how near y and p are to equal: the concordance correlation.

    2 cov(y, p) / (var y + var p + (mean y - mean p)^2), the denominator plus epsilon.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        axis: the axis along which they are compared; that of the samples compares within a batch.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> metric = ConcordanceCorrelation()
        >>> round(float(metric([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9816
    """

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


class R2Score(Metric):
    """The share of the targets' variance that is explained: 1 - sum (y - p)^2 / sum (y - mean y)^2.

    With p = num_regressors and n numbers it becomes 1 - (1 - r2) (n - 1) / (n - p - 1), the
    adjusted score, if n is larger than p + 1.

    Arguments:
        class_aggregation: how the columns' scores are averaged: 'uniform_average',
            'variance_weighted_average', or None for one score per column.
        num_regressors: p, how many inputs the model has; 0 for the plain score.
        name: the metric's name.
        dtype: what it computes in; the default float dtype if not given.

    Shape:
        y and p (N, U), sample weights (N,) or (N, U); result () or (U,).

    Raises:
        ValueError: for another class_aggregation, or a negative num_regressors.

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ValueError(
                f"`class_aggregation` must be one of {known}. Received: {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"`num_regressors` must be >= 0. Received: {num_regressors}.")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self._sums: list[Variable] = []

    def _build(self, columns: int) -> None:
        names = ("squared_sum", "sum", "residual", "count")
        self._sums = [self.add_variable((columns,), name=name) for name in names]
        self.squared_sum, self.sum, self.total_mse, self.count = self._sums

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Arguments:
            y_true: targets (N, U).
            y_pred: predictions (N, U).
            sample_weight: None, or weights (N,) or (N, U).

        Raises:
            ValueError: if the shapes are not these.
        """
        y, p = squeeze_or_expand(np.asarray(y_true, self.dtype), np.asarray(y_pred, self.dtype))
        self._check_shapes(y.shape, p.shape)
        if not self._sums:
            self._build(p.shape[1])
        weight = np.asarray(1 if sample_weight is None else sample_weight, self.dtype)
        if weight.ndim == 1:
            weight = weight[:, np.newaxis]
        weight = np.broadcast_to(weight, y.shape)
        weighted = y * weight
        self.sum.assign_add(np.sum(weighted, axis=0))
        self.squared_sum.assign_add(np.sum(y * weighted, axis=0))
        self.total_mse.assign_add(np.sum((y - p) ** 2 * weight, axis=0))
        self.count.assign_add(np.sum(weight, axis=0))
        self.num_samples.assign_add(y.size)

    def _check_shapes(self, y: Shape, p: Shape) -> None:
        if len(y) != 2 or len(p) != 2:
            raise ValueError(
                f"The metric {self.name!r} expected targets and predictions of shape (N, U). "
                f"Received: y_true.shape={y} and y_pred.shape={p}."
            )
        check_same_shape(self.name, y, p)

    def check(self, y: Array, output_shape: Shape) -> None:
        if len(output_shape) == 2 and y.ndim == 1 and output_shape[1] == 1:
            return
        self._check_shapes(y.shape, output_shape)

    def result(self) -> Tensor:
        if not self._sums:
            raise ValueError(
                f"The metric {self.name!r} has no result before its first batch: it does not know "
                "the number of columns."
            )
        squares, sums, residual, count = (variable.value for variable in self._sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = squares - sums * (sums / count)
            scores = 1 - residual / total
            scores = np.where(np.isinf(scores), scores.dtype.type(0), scores)
            if self.class_aggregation == "uniform_average":
                scores = np.mean(scores)
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(total * scores) / np.sum(total)
        return as_tensor(self._adjusted(scores) if self.num_regressors else scores)

    def _adjusted(self, scores: Any) -> Any:
        n, p = np.float32(self.num_samples.value), np.float32(self.num_regressors)
        if p >= n - 1:
            warnings.warn(
                f"The adjusted R2 score expected more than num_regressors + 1 = {p + 1:.0f} "
                f"numbers. Received: {n:.0f}. The plain score is returned.",
                stacklevel=3,
            )
            return scores
        return 1 - (1 - scores) * (n - 1) / (n - p - 1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
