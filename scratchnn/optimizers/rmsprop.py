"""RMSprop: gradients over the root of their recent mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class RMSprop(Optimizer):
    """Divide the gradient by the root of a moving average of its square.

    v <- rho v + (1 - rho) g^2
    w <- w - lr g / sqrt(v + epsilon)

    Centered, the root is that of v - a^2 + epsilon, a the moving average of g. With momentum u,
    b <- u b + lr g / sqrt(...) and w <- w - b.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        rho: how slowly the averages forget.
        momentum: u.
        epsilon: keeps the root away from 0.
        centered: whether to subtract the squared mean.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> RMSprop().learning_rate.numpy()
        array(0.001, dtype=float32)

    Reference: Tieleman and Hinton, 2012, Lecture 6.5, Coursera: Neural Networks for Machine
    Learning.
    """

    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.slots = ("velocity",)
        if momentum > 0:
            self.slots += ("momentum",)
        if centered:
            self.slots += ("average_gradient",)
        self.listed_after = self.slots

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._keep, self._rest = number(self.rho), number(1 - self.rho)
        self._momentum = number(self.momentum)
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        state = dict(zip(self.slots, slots, strict=True))
        v = state["velocity"]
        s, t = self.temporary(0, g), self.temporary(1, g)
        self.squares(g, out=s)
        s *= self._rest
        v *= self._keep
        v += s
        np.add(v, self._epsilon, out=s)
        if self.centered:
            a = state["average_gradient"]
            a *= self._keep
            a += np.multiply(g, self._rest, out=t)
            s -= np.multiply(a, a, out=t)
        np.sqrt(s, out=s)
        np.multiply(g, self.lr, out=t)
        t /= s
        if self.momentum > 0:
            b = state["momentum"]
            b *= self._momentum
            b += t
            t = b
        w -= t

    def update_rest(self, w: Array, *slots: Array) -> None:
        state = dict(zip(self.slots, slots, strict=True))
        state["velocity"] *= self._keep
        if self.centered:
            state["average_gradient"] *= self._keep
        if self.momentum > 0:
            b = state["momentum"]
            b *= self._momentum
            w -= b

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
