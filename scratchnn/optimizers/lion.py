"""Lion: steps of one size, in the direction of the sign of the momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class Lion(Optimizer):
    """Follow the sign of the momentum: every weight moves by lr, up or down.

    w <- w - lr sign(beta_1 m + (1 - beta_1) g)
    m <- beta_2 m + (1 - beta_2) g

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the momentum is in the step, in (0, 1].
        beta_2: how slowly the momentum forgets.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Raises:
        ValueError: if `beta_1` is not in (0, 1].

    Example:
        >>> Lion(0.25).learning_rate.numpy()
        array(0.25, dtype=float32)

    Reference: Chen et al., 2023, Symbolic Discovery of Optimization Algorithms.
    """

    slots = ("momentum",)
    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(
                "beta_1 must be in (0, 1]; with 0 the steps are the gradients' signs alone. "
                f"Received: {beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._keep_1, self._keep_2 = number(self.beta_1), number(self.beta_2)
        self._tiny = np.finfo(number).tiny

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        (m,) = slots
        s, t = self.temporary(0, g), self.temporary(1, g)
        np.multiply(m, self._keep_1, out=s)
        s += np.multiply(g, 1 - self._keep_1, out=t)
        # The sign, in two passes that are quicker than np.sign.
        np.clip(s, -self._tiny, self._tiny, out=s)
        s *= 1 / self._tiny
        s *= self.lr
        w -= s
        m *= self._keep_2
        m += np.multiply(g, 1 - self._keep_2, out=t)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2}
