"""Gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .base import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr g.

    With momentum u, m <- u m - lr g and w <- w + m; with Nesterov's, w <- w + u m - lr g.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        momentum: u, in [0, 1].
        nesterov: whether to look ahead.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Raises:
        ValueError: if `momentum` is not in [0, 1].

    Example:
        >>> SGD(0.1, momentum=0.9).learning_rate.numpy()
        array(0.1, dtype=float32)

    Reference: Robbins and Monro, 1951, A Stochastic Approximation Method; Sutskever et al., 2013,
    On the Importance of Initialization and Momentum in Deep Learning.
    """

    scratch = 1

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        if isinstance(momentum, bool | str) or not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be a number in [0, 1]. Received: {momentum!r}.")
        self.momentum = float(momentum)
        self.nesterov = nesterov
        if self.momentum:
            self.slots = self.fading = ("momentum",)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        lr_g = np.multiply(g, self.lr, out=self.temporary(0, g))
        if not slots:
            w -= lr_g
            return
        (m,) = slots
        u = m.dtype.type(self.momentum)
        m *= u
        m -= lr_g
        if self.nesterov:
            w -= lr_g
            w += np.multiply(m, u, out=lr_g)
        else:
            w += m

    def update_rest(self, w: Array, *slots: Array) -> None:
        for m in slots:
            u = m.dtype.type(self.momentum)
            m *= u
            w += np.multiply(m, u, out=self.temporary(0, w)) if self.nesterov else m

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
