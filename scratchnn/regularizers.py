"""Regularizers: what a weight, or a layer's output, adds to the loss, and the gradient of that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import Array, as_tensor
from .lookup import Lookup


class Regularizer:
    """What an array adds to the loss. Your own defines `penalty(x)` and `gradient(x)`.

    Example:
        >>> float(L2(0.5)(np.array([1.0, 2.0])))
        2.5
    """

    def __call__(self, x: Any) -> Array:
        """Return the penalty of the array `x`, as Keras's regularizers do."""
        return as_tensor(self.penalty(np.asarray(x)))

    def penalty(self, x: Array) -> Any:
        """Return what `x` adds to the loss, a number."""
        raise NotImplementedError(f"{type(self).__name__} must define penalty(x).")

    def gradient(self, x: Array) -> Array:
        """Return the derivative of `penalty` with respect to `x`, an array like it."""
        raise NotImplementedError(f"{type(self).__name__} must define gradient(x).")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Return the regularizer that `get_config` describes."""
        return cls(**config)


class L1L2(Regularizer):
    """Both penalties at once: l1 * sum |x| + l2 * sum x^2 (without the half some books write).

    The gradient at x = 0 of the first term is 0.

    Arguments:
        l1, l2: the two factors, 0 or more.

    Raises:
        ValueError: if a factor is negative or not finite.

    Example:
        >>> float(L1L2(l1=1.0, l2=1.0)(np.array([1.0, -2.0])))
        8.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor("l1", l1)
        self.l2 = _factor("l2", l2)

    def penalty(self, x: Array) -> Any:
        total = x.dtype.type(0)
        if self.l1:
            total += x.dtype.type(self.l1) * np.abs(x).sum()
        if self.l2:
            total += x.dtype.type(self.l2) * np.vdot(x, x)
        return total

    def gradient(self, x: Array) -> Array:
        slope = np.multiply(x, 2 * self.l2)
        if self.l1:
            slope += np.sign(x) * x.dtype.type(self.l1)
        return slope

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """The lasso penalty: l1 * sum |x|.

    Arguments:
        l1: the factor, 0 or more.

    Raises:
        ValueError: if it is negative or not finite.

    Example:
        >>> float(L1(0.5)(np.array([1.0, -2.0])))
        1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": float(np.float32(self.l1))}  # Keras keeps it as a float32


class L2(L1L2):
    """The ridge penalty: l2 * sum x^2.

    Arguments:
        l2: the factor, 0 or more.

    Raises:
        ValueError: if it is negative or not finite.

    Example:
        >>> float(L2(0.5)(np.array([1.0, -2.0])))
        2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Push the rows (or columns) of a matrix towards being orthogonal to one another.

    With unit rows R = x / |x|, the penalty is factor * sum_{i != j} |R R^T|_ij / (n (n - 1)).

    Arguments:
        factor: the strength.
        mode: 'rows' or 'columns'.

    Example:
        >>> float(OrthogonalRegularizer(1.0)(np.eye(2)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns'. Received: {mode!r}.")
        self.mode = mode

    def _unit_rows(self, x: Array) -> tuple[Array, Array]:
        if x.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer expects a matrix (rank 2). Received shape: {x.shape}."
            )
        rows = x if self.mode == "rows" else x.T
        norms = np.maximum(np.sqrt(np.sum(rows * rows, axis=1, keepdims=True)), 1e-12)
        return rows / norms, norms

    def penalty(self, x: Array) -> Any:
        unit, _ = self._unit_rows(x)
        n = len(unit)
        if n < 2:
            return x.dtype.type(0)
        overlaps = np.abs(unit @ unit.T)
        np.fill_diagonal(overlaps, 0)
        return x.dtype.type(self.factor) * (overlaps.sum() / x.dtype.type(n * (n - 1)))

    def gradient(self, x: Array) -> Array:
        unit, norms = self._unit_rows(x)
        n = len(unit)
        if n < 2:
            return np.zeros_like(x)
        signs = np.sign(unit @ unit.T)
        np.fill_diagonal(signs, 0)
        # each pair (i, j) counts twice, as ij and as ji
        d_unit = (signs @ unit) * x.dtype.type(2 * self.factor / (n * (n - 1)))
        d_rows = (d_unit - unit * np.sum(d_unit * unit, axis=1, keepdims=True)) / norms
        return d_rows if self.mode == "rows" else d_rows.T  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        return {"factor": float(np.float32(self.factor)), "mode": self.mode}


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Return L1L2(l1, l2).

    Arguments:
        l1, l2: the two factors, 0 or more.

    Example:
        >>> float(l1_l2(l1=1.0, l2=1.0)(np.array([1.0, -2.0])))
        8.0
    """
    return L1L2(l1, l2)


l1 = L1
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer

_lookup = Lookup(
    "regularizer",
    {c.__name__: c for c in (L1, L2, L1L2, OrthogonalRegularizer, Regularizer)}
    | {"l1": L1, "l2": L2, "l1l2": L1L2, "orthogonal_regularizer": OrthogonalRegularizer},
)
serialize, deserialize = _lookup.serialize, _lookup.deserialize

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


def get(identifier: Any) -> Regularizer | None:
    """Return the regularizer that a name, a config, a class, an object or None stands for.

    Arguments:
        identifier: any of these.

    Raises:
        ValueError: for a name that is not known, and for a function, whose gradient nobody knows.

    Example:
        >>> type(get("l2")).__name__, get(None)
        ('L2', None)
    """
    found = _lookup.get(identifier)
    if found is not None and not isinstance(found, Regularizer):
        raise ValueError(
            f"A regularizer needs its gradient, which the function {found!r} does not have. "
            "Subclass scratchnn.regularizers.Regularizer and define penalty(x) and gradient(x)."
        )
    return found


def _factor(name: str, value: float | None) -> float:
    value = 0.0 if value is None else float(value)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number that is not negative. Received: {value}.")
    return value
