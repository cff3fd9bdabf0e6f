"""Schedule-free AdamW: averaging in place of a learning rate that falls."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..parameters import ParameterStore
from .base import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam's denominators, with gradients taken between where the steps lead and their mean.

    z starts as the weights, and w = (1 - beta_1) z + beta_1 x, where x is the mean of all z.

    v <- v + (g^2 - v) (1 - beta_2)
    z <- z - lr g / (sqrt(v / (1 - beta_2^t)) + epsilon)
    x  = (w - (1 - beta_1) z) / beta_1
    w <- (1 - beta_1) z + beta_1 ((1 - 1/t) x + z/t)

    In the paper the third line has z as it was before the second; Keras has the new one.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how near to the mean the gradients are taken; not 0.
        beta_2: how slowly v forgets.
        epsilon: keeps the division finite.
        warmup_steps: the learning rate rises from 0 in so many steps.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Raises:
        ValueError: if `beta_1` is 0, with which the mean could not be told from the weights.

    Example:
        >>> ScheduleFreeAdamW().learning_rate.numpy()
        array(0.0025, dtype=float32)

    Reference: Defazio et al., 2024, The Road Less Scheduled.
    """

    slots = ("momentum", "velocity")
    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        if beta_1 == 0:
            raise ValueError(
                "beta_1 must not be 0: the weights are (1 - beta_1) z + beta_1 x, from which x is "
                f"found again in each step. Received: {beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def make_state(self, store: ParameterStore) -> None:
        super().make_state(store)
        for z, parameter in zip(self._slots["momentum"], store.trainable, strict=True):
            assert z is not None
            z[...] = parameter.value

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._alpha = self.lr
        if self.warmup_steps > 0:
            self._alpha = self.lr * np.minimum(number(t) / number(self.warmup_steps), number(1))
        self._beta_1 = number(self.beta_1)
        beta_2 = number(self.beta_2)
        self._rate_2 = 1 - beta_2
        self._correction = 1 - np.power(beta_2, number(t))
        self._epsilon = number(self.epsilon)
        self._newest = 1 / number(t)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        z, v = slots
        s, step = self.temporary(0, g), self.temporary(1, g)
        self.squares(g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        np.divide(v, self._correction, out=s)
        np.sqrt(s, out=s)
        s += self._epsilon
        np.multiply(g, self._alpha, out=step)
        step /= s
        z -= step
        w -= np.multiply(z, 1 - self._beta_1, out=s)
        w /= self._beta_1
        w *= 1 - self._newest
        w += np.multiply(z, self._newest, out=s)
        w *= self._beta_1
        w += np.multiply(z, 1 - self._beta_1, out=s)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
