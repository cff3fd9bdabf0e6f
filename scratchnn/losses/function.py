"""Functions in the place of losses: each knows its class; your own bring their gradient along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from .base import Loss


class FunctionLoss(Loss):
    """The loss of a function of your own that has its derivative as an attribute.

    Arguments:
        fn: (y_true, y_pred) -> values, with an attribute `gradient(y_true, y_pred)`, the
            derivative of each value with respect to its own predictions.
        reduction, name, dtype: as for every Loss; the name is that of the function.

    Raises:
        ValueError: for a function without `gradient`, with a class to write instead.

    Example:
        >>> def cubes(y_true, y_pred):
        ...     return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)
        >>> cubes.gradient = lambda y, p: 3 * np.abs(p - y) * (p - y) / p.shape[-1]
        >>> float(FunctionLoss(cubes)([[0.0], [0.0]], [[1.0], [2.0]]))
        4.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if not callable(getattr(fn, "gradient", None)):
            raise ValueError(_no_gradient(_name(fn)))
        super().__init__(name or _name(fn), reduction, dtype)
        self.fn = fn

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.fn(y_true, y_pred))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.fn.gradient(y_true, y_pred))  # type: ignore[attr-defined]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": self.fn}


def _name(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__name__", None) or type(fn).__name__)


def _no_gradient(name: str) -> str:
    return (
        f"The loss function {name!r} has no gradient, and scratchnn does not differentiate "
        "functions. Write it as a class with both:\n\n"
        "    class MyLoss(keras.losses.Loss):\n"
        "        def call(self, y_true, y_pred):\n"
        "            return np.mean((y_pred - y_true) ** 2, axis=-1)\n\n"
        "        def gradient(self, y_true, y_pred):\n"
        "            return 2 * (y_pred - y_true) / y_pred.shape[-1]\n\n"
        "and compile with loss=MyLoss(). Or give the function its derivative as an attribute, "
        f"`{name}.gradient = lambda y_true, y_pred: ...`."
    )
