"""Metrics: what is watched while a model trains. As in `keras.metrics`."""

from __future__ import annotations

from typing import Any

from .. import naming
from ..losses import (
    MAE,
    MSE,
    Loss,
    binary_crossentropy,
    categorical_crossentropy,
    mae,
    mean_absolute_error,
    mean_squared_error,
    mse,
    sparse_categorical_crossentropy,
)
from .accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .base import LossMetric, Mean, MeanMetricWrapper, Metric, Sum
from .losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
)

_CLASSES: tuple[type[Metric], ...] = (
    Mean,
    Sum,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    TopKCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    MeanSquaredError,
    RootMeanSquaredError,
    MeanAbsoluteError,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
_ALIASES: dict[str, type[Metric]] = {
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}
NAMES: dict[str, type[Metric]] = (
    {naming.to_snake_case(cls.__name__): cls for cls in _CLASSES}
    | {cls.__name__: cls for cls in _CLASSES}
    | _ALIASES
)


__all__ = [
    "Metric",
    "Mean",
    "Sum",
    "MeanMetricWrapper",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "MeanAbsoluteError",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "mean_squared_error",
    "mean_absolute_error",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "MSE",
    "mse",
    "MAE",
    "mae",
    "get",
]


def get(identifier: Any) -> Metric | None:
    """Return the metric that a name, a function, a class, an object or None stands for.

    Raises:
        ValueError: for a name that is not known.
    """
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        found = NAMES.get(identifier)
        return found() if found else naming.unknown("metric", identifier, [*NAMES, "accuracy"])
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, Loss):
        return LossMetric(identifier)
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    return naming.unknown("metric", identifier, NAMES)
