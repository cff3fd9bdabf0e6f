"""Losses watched as metrics: the mean of each sample's value, over all samples.

In a model that ends in a softmax or a sigmoid the cross-entropies work from the logits behind it.
"""

from __future__ import annotations

from typing import Any

from .. import losses
from .reduction import MeanMetricWrapper


class _LossMean(MeanMetricWrapper):
    """The mean of a loss function, which the class names instead of its config."""

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class MeanSquaredError(_LossMean):
    """The mean squared error: the mean of (y - p)^2.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> float(MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]]))
        5.0
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(_LossMean):
    """The mean absolute error: the mean of |y - p|.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> float(MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [3.0]]))
        2.0
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(_LossMean):
    """The mean error in percent: the mean of 100 |y - p| / max(|y|, epsilon).

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]]))
        25.0
    """

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(_LossMean):
    """The mean of (log(1 + y) - log(1 + p))^2; y and p are at least epsilon here.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(_LossMean):
    """The mean of log(cosh(p - y)): (p - y)^2 / 2 if small, |p - y| - log 2 if large.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
        0.4338
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class Hinge(_LossMean):
    """The mean of max(1 - y p, 0), with labels -1 and 1; labels 0 and 1 are converted.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(Hinge()([[0.0], [1.0]], [[0.6], [0.6]])), 4)
        1.0
    """

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(_LossMean):
    """The mean of max(1 - y p, 0)^2, with labels -1 and 1; labels 0 and 1 are converted.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(SquaredHinge()([[0.0], [1.0]], [[0.6], [0.6]])), 4)
        1.36
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(_LossMean):
    """The mean of max(n - q + 1, 0): q is the prediction for the true class, n the best other.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y one-hot and p (N, ..., C).

    Example:
        >>> round(float(CategoricalHinge()([[0, 1]], [[0.6, 0.4]])), 4)
        1.2
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


class Poisson(_LossMean):
    """The mean of p - y log p.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., U).

    Example:
        >>> round(float(Poisson()([[0.0], [1.0]], [[1.0], [2.0]])), 4)
        1.1534
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class KLDivergence(_LossMean):
    """The mean of sum_c y_c log(y_c / p_c), the Kullback-Leibler divergence of p from y.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.

    Shape:
        y and p (N, ..., C).

    Example:
        >>> round(float(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class BinaryCrossentropy(_LossMean):
    """The mean of -(y log p + (1 - y) log(1 - p)).

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / 2.

    Shape:
        y and p (N, ..., U).

    Raises:
        ValueError: for a label_smoothing outside [0, 1].

    Example:
        >>> round(float(BinaryCrossentropy()([[1.0], [0.0]], [[0.8], [0.2]])), 4)
        0.2231
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        own: dict[str, Any] = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **own)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self.kwargs


class CategoricalCrossentropy(_LossMean):
    """The mean of -sum_c y_c log p_c.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        from_logits: whether the predictions are logits.
        label_smoothing: a; targets become y (1 - a) + a / C.
        axis: the axis of the classes.

    Shape:
        y and p (N, ..., C).

    Raises:
        ValueError: for a label_smoothing outside [0, 1].

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1, 0]], [[0.1, 0.8, 0.1]])), 4)
        0.2231
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        own: dict[str, Any] = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.categorical_crossentropy, name, dtype, **own, axis=axis)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self.kwargs


class SparseCategoricalCrossentropy(_LossMean):
    """The mean of -log p_y, for integer labels y.

    Samples of an ignored class count as zeros in the mean, unless there are sample weights: then
    they do not count.

    Arguments:
        name: the metric's name.
        dtype: what it accumulates in; the default float dtype if not given.
        from_logits: whether the predictions are logits.
        ignore_class: a label whose samples have the value 0.
        axis: the axis of the classes, the last.

    Shape:
        y (N, ...), p (N, ..., C).

    Raises:
        ValueError: for another axis.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.1, 0.8, 0.1]])), 4)
        0.2231
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        own: dict[str, Any] = {"from_logits": from_logits, "ignore_class": ignore_class}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **own, axis=axis)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self.kwargs
