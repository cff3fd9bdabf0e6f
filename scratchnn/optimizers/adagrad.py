"""Adagrad and Adadelta: gradients over the root of the sum, or the mean, of their squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class Adagrad(Optimizer):
    """Divide the gradient by the root of the sum of all its squares so far.

    a <- a + g^2
    w <- w - lr g / sqrt(a + epsilon)

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments; the paper's is 1.
        initial_accumulator_value: what a starts as.
        epsilon: keeps the root away from 0.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Adagrad(1.0).learning_rate.numpy()
        array(1., dtype=float32)

    Reference: Duchi et al., 2011, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization.
    """

    slots = ("accumulator",)
    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        (a,) = slots
        s, t = self.temporary(0, g), self.temporary(1, g)
        a += self.squares(g, out=s)
        np.add(a, a.dtype.type(self.epsilon), out=s)
        np.sqrt(s, out=s)
        np.multiply(g, self.lr, out=t)
        t /= s
        w -= t

    def update_rest(self, w: Array, *slots: Array) -> None:
        """Do nothing: such weights stay where they are."""

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


class Adadelta(Optimizer):
    """Make steps as large as the last ones were, by the gradient over the root of its mean square.

    a <- rho a + (1 - rho) g^2
    s  = g sqrt(d + epsilon) / sqrt(a + epsilon)
    d <- rho d + (1 - rho) s^2
    w <- w - lr s

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments; the paper's is 1.
        rho: how slowly the averages forget.
        epsilon: keeps the roots away from 0.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Adadelta(1.0).learning_rate.numpy()
        array(1., dtype=float32)

    Reference: Zeiler, 2012, ADADELTA: An Adaptive Learning Rate Method.
    """

    slots = ("accumulated_grad", "accumulated_delta_var")
    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._keep, self._rest = number(self.rho), number(1 - self.rho)
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        a, d = slots
        s, t = self.temporary(0, g), self.temporary(1, g)
        self._mean_with(a, self.squares(g, out=t))
        np.add(d, self._epsilon, out=s)
        np.sqrt(s, out=s)
        np.add(a, self._epsilon, out=t)
        np.sqrt(t, out=t)
        s /= t
        self.squares(g, out=t)  # a step's square is that of g, times that of the root
        t *= s
        t *= s
        self._mean_with(d, t)
        s *= g
        s *= self.lr
        w -= s

    def _mean_with(self, mean: Array, squares: Array) -> None:
        squares *= self._rest
        mean *= self._keep
        mean += squares

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rho": self.rho, "epsilon": self.epsilon}
