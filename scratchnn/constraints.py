"""Constraints: what each update of a weight ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import config
from .arrays import Array, as_tensor
from .lookup import Lookup


class Constraint:
    """A function of a weight that returns the nearest allowed weight. Your own defines `call`.

    Example:
        >>> class Rounded(Constraint):
        ...     def call(self, w):
        ...         return w.round()
        >>> Rounded()(np.array([0.4, 1.7])).numpy()
        array([0., 2.])
    """

    def __call__(self, w: Any) -> Array:
        """Return the constrained copy of the array `w`."""
        return as_tensor(self.call(np.asarray(w)))

    def call(self, w: Array) -> Array:
        """Return the constrained array; `w` itself stays as it is."""
        raise NotImplementedError(f"{type(self).__name__} must define call(w).")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """Return the constraint that `get_config` describes."""
        return cls(**config)


Axis = int | Sequence[int]


def _norm(w: Array, axis: Axis) -> Array:
    where = axis if isinstance(axis, int) else tuple(axis)
    return np.asarray(np.sqrt(np.sum(w * w, axis=where, keepdims=True)))


class MaxNorm(Constraint):
    """Scale each weight vector down to norm `max_value` if it is longer.

    w <- w * clip(|w|, 0, max_value) / (epsilon + |w|), the norm |w| taken along `axis`.

    Arguments:
        max_value: the largest norm.
        axis: along which it is taken: 0 for the units of a Dense, (0, 1, 2) for the filters of a
            Conv2D.

    Example:
        >>> MaxNorm(2.0)(np.array([[3.0, 0.0], [4.0, 1.0]])).round(3)
        array([[1.2, 0. ],
               [1.6, 1. ]])

    Reference: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting.
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def call(self, w: Array) -> Array:
        norm = _norm(w, self.axis)
        kept = np.clip(norm, 0, self.max_value)
        return np.asarray(w * (kept / (w.dtype.type(config.epsilon()) + norm)))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Set negative weights to zero: w <- max(w, 0).

    Example:
        >>> NonNeg()(np.array([-1.0, 2.0])).numpy()
        array([0., 2.])
    """

    def call(self, w: Array) -> Array:
        return np.asarray(np.maximum(w, 0))


class UnitNorm(Constraint):
    """Scale each weight vector to norm 1: w <- w / (epsilon + |w|).

    Arguments:
        axis: along which a vector's weights lie: 0 for Dense, [0, 1, 2] for Conv2D.

    Example:
        >>> UnitNorm()(np.array([[3.0], [4.0]])).round(3)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def call(self, w: Array) -> Array:
        return np.asarray(w / (w.dtype.type(config.epsilon()) + _norm(w, self.axis)))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Keep each weight vector's norm between two values.

    w <- w * (rate * clip(|w|, min_value, max_value) + (1 - rate) * |w|) / (epsilon + |w|)

    Arguments:
        min_value, max_value: the two values.
        rate: how much of the way to them each step goes, 1 for all of it.
        axis: along which a vector's weights lie: 0 for Dense, [0, 1, 2] for Conv2D.

    Example:
        >>> MinMaxNorm(min_value=0.5, max_value=1.0)(np.array([[3.0, 0.1], [4.0, 0.0]])).round(3)
        array([[0.6, 0.5],
               [0.8, 0. ]])
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def call(self, w: Array) -> Array:
        norm = _norm(w, self.axis)
        rate = w.dtype.type(self.rate)
        wanted = rate * np.clip(norm, self.min_value, self.max_value) + (1 - rate) * norm
        return np.asarray(w * (wanted / (w.dtype.type(config.epsilon()) + norm)))

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm

_lookup = Lookup(
    "constraint",
    {c.__name__: c for c in (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)}
    | {
        "max_norm": MaxNorm,
        "min_max_norm": MinMaxNorm,
        "non_neg": NonNeg,
        "unit_norm": UnitNorm,
    },
)
get, serialize, deserialize = _lookup.get, _lookup.serialize, _lookup.deserialize

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
