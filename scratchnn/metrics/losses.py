"""Losses watched as metrics."""

from __future__ import annotations

from typing import Any

from .. import losses
from ..arrays import Tensor, as_tensor
from .base import LossMetric


class MeanSquaredError(LossMetric):
    """The mean squared error over all samples.

    Example:
        >>> float(MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]]))
        5.0
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanSquaredError(), name, dtype)


class RootMeanSquaredError(LossMetric):
    """The square root of the mean squared error over all samples.

    Example:
        >>> float(RootMeanSquaredError()([[0.0]], [[3.0]]))
        3.0
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanSquaredError(), name, dtype)

    def result(self) -> Tensor:
        return as_tensor(super().result() ** 0.5)


class MeanAbsoluteError(LossMetric):
    """The mean absolute error over all samples.

    Example:
        >>> float(MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [3.0]]))
        2.0
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanAbsoluteError(), name, dtype)


class BinaryCrossentropy(LossMetric):
    """The binary cross-entropy over all samples."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        loss = losses.BinaryCrossentropy(from_logits, label_smoothing)
        super().__init__(loss, name, dtype)


class CategoricalCrossentropy(LossMetric):
    """The categorical cross-entropy over all samples."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        loss = losses.CategoricalCrossentropy(from_logits, label_smoothing, axis)
        super().__init__(loss, name, dtype)


class SparseCategoricalCrossentropy(LossMetric):
    """The cross-entropy for integer labels over all samples."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
        super().__init__(loss, name, dtype)
