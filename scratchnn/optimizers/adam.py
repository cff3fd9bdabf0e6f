"""Adam: steps of a size that adapts to each weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class Adam(Optimizer):
    """Adaptive moments: the mean of the gradients over the root of the mean of their squares.

    m <- m + (g - m) (1 - beta_1)
    v <- v + (g^2 - v) (1 - beta_2)
    w <- w - lr sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how slowly m and v forget.
        epsilon: keeps the division finite; the paper's "epsilon hat".
        amsgrad: whether to divide by the largest v so far.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Adam().learning_rate.numpy()
        array(0.001, dtype=float32)

    Reference: Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization; Reddi et al., 2018,
    On the Convergence of Adam and Beyond.
    """

    slots: tuple[str, ...] = ("momentum", "velocity")
    scratch = 1

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        if amsgrad:
            self.slots = ("momentum", "velocity", "velocity_hat")
            self.listed_after = ("velocity_hat",)

    def begin_step(self, t: int) -> None:
        # The powers are taken in the weights' own precision, as Keras does: in float32 the first
        # steps differ from float64's in the sixth digit.
        number = self.lr.dtype.type
        power_1 = np.power(number(self.beta_1), number(t))
        power_2 = np.power(number(self.beta_2), number(t))
        self._alpha = self.lr * np.sqrt(1 - power_2) / (1 - power_1)
        self._rate_1 = number(1 - self.beta_1)
        self._rate_2 = number(1 - self.beta_2)
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        m, v, *v_hat = slots
        s = np.subtract(g, m, out=self.temporary(0, g))
        s *= self._rate_1
        m += s
        np.multiply(g, g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        if v_hat:
            v = np.maximum(v_hat[0], v, out=v_hat[0])
        np.sqrt(v, out=s)
        s += self._epsilon
        np.divide(m, s, out=s)
        s *= self._alpha
        w -= s
