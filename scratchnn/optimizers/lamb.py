"""LAMB: Adam's direction, and steps in proportion to each weight's size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class Lamb(Optimizer):
    """Adam whose step is, for each kernel or bias, a fixed part of its norm.

    m <- m + (g - m) (1 - beta_1)
    v <- v + (g^2 - v) (1 - beta_2)
    s  = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
    w <- w - lr s |w| / |s|

    where |w| / |s| is 1 if either norm is 0. For large batches.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how slowly m and v forget.
        epsilon: keeps the division finite.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Lamb().learning_rate.numpy()
        array(0.001, dtype=float32)

    Reference: You et al., 2020, Large Batch Optimization for Deep Learning: Training BERT in 76
    Minutes.
    """

    slots = ("momentum", "velocity")
    elementwise = False
    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._of_m = 1 / (1 - np.power(number(self.beta_1), number(t)))
        self._of_root = 1 / np.sqrt(1 - np.power(number(self.beta_2), number(t)))
        self._rate_1, self._rate_2 = number(1 - self.beta_1), number(1 - self.beta_2)
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        m, v = slots
        s, root = self.temporary(0, g), self.temporary(1, g)
        np.subtract(g, m, out=s)
        s *= self._rate_1
        m += s
        self.squares(g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        np.sqrt(v, out=root)
        root *= self._of_root
        root += self._epsilon
        np.multiply(m, self._of_m, out=s)
        s /= root
        w_norm, s_norm = (np.sqrt(np.vdot(a, a)) for a in (w, s))
        s *= self.lr * (w_norm / s_norm) if w_norm > 0 and s_norm > 0 else self.lr
        w -= s

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
