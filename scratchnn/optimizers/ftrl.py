"""FTRL: weights that minimize the sum of all past gradients and a penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader: the weights follow from all gradients so far.

    With q(n) = n^-learning_rate_power / lr,

    z <- z + g + 2 l2_shrinkage w - (q(n + g^2) - q(n)) w
    n <- n + g^2
    w <- (clip(z, -l1, l1) - z) / (q(n) + 2 l2 + beta / lr)

    The weights that training starts from fade with the first step. For linear models with many
    features that are rarely there; l1 makes most of their weights exactly 0.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        learning_rate_power: how the steps shrink; 0 for not at all.
        initial_accumulator_value: what n starts as.
        l1_regularization_strength, l2_regularization_strength: l1 and l2.
        l2_shrinkage_regularization_strength: an L2 penalty in the gradient.
        beta: the paper's beta.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Raises:
        ValueError: if `learning_rate_power` is positive, or another of these negative.

    Example:
        >>> Ftrl(0.1, l1_regularization_strength=0.01).learning_rate.numpy()
        array(0.1, dtype=float32)

    Reference: McMahan et al., 2013, Ad Click Prediction: a View from the Trenches.
    """

    slots = ("accumulator", "linear")
    scratch = 3

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        if learning_rate_power > 0:
            raise ValueError(
                f"learning_rate_power must be negative or 0. Received: {learning_rate_power}."
            )
        for name, value in {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }.items():
            if value < 0:
                raise ValueError(f"{name} must be positive or 0. Received: {value}.")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._l1 = number(self.l1_regularization_strength)
        self._shrinkage = number(2 * self.l2_shrinkage_regularization_strength)
        beta = number(self.beta) / (2 * self.lr)
        self._l2 = 2 * (number(self.l2_regularization_strength) + beta)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        n, z = slots
        s, q, before = (self.temporary(i, g) for i in range(3))
        self._power(n, out=before)
        n += self.squares(g, out=s)
        self._power(n, out=q)
        np.subtract(q, before, out=s)
        s /= self.lr
        s *= w
        np.subtract(g, s, out=s)
        if self._shrinkage:
            s += np.multiply(w, self._shrinkage, out=before)
        z += s
        q /= self.lr
        q += self._l2
        np.clip(z, -self._l1, self._l1, out=w)
        w -= z
        w /= q

    def _power(self, n: Array, out: Array) -> None:
        if self.learning_rate_power == -0.5:
            np.sqrt(n, out=out)  # many times faster than a power
        else:
            np.power(n, n.dtype.type(-self.learning_rate_power), out=out)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
