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
        **kwargs: the arguments of every Optimizer.

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
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        if isinstance(momentum, bool | str) or not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be a number in [0, 1]. Received: {momentum!r}.")
        self.momentum = float(momentum)
        self.nesterov = nesterov
        if self.momentum:
            self.slots = ("momentum",)

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
