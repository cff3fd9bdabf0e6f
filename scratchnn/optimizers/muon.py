"""Muon: steps along the orthogonal matrix that is nearest to the momentum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..parameters import Parameter
from .base import Optimizer


class Muon(Optimizer):
    """Move matrices along their momentum with all singular values made equal.

    For a matrix (D, U), with u = momentum,

    m <- u m + g
    x  = g + u m with Nesterov's momentum, else m; divided by its norm
    x <- muon_a x + (muon_b x x' + muon_c (x x')^2) x, ns_steps times (Newton-Schulz)
    w <- w - lr rms_rate sqrt(max(D, U)) x

    AdamW moves all that is no matrix, and the embeddings and layers that are excluded.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        adam_beta_1, adam_beta_2, epsilon: Adam's beta_1, beta_2 and epsilon.
        adam_weight_decay: the weight decay of what Adam moves.
        weight_decay: that of the other matrices.
        clipnorm ... name: as for every Optimizer.
        exclude_layers: patterns that a weight's path is searched for; Adam moves what matches.
        exclude_embeddings: whether Adam moves what has 'embedding' in its path.
        muon_a, muon_b, muon_c: the coefficients of the iteration.
        adam_lr_ratio: Adam's learning rate over that of Muon.
        momentum: u.
        ns_steps: how often to iterate.
        nesterov: whether to look ahead.
        rms_rate: a factor that makes steps as long as Adam's; None for steps of lr x.

    Example:
        >>> optimizer = Muon()
        >>> kernel = Parameter(np.zeros((3, 2)), name="kernel")
        >>> optimizer.build([kernel, Parameter(np.zeros(2), name="bias")])
        >>> [v.name for v in optimizer.variables[2:]]
        ['kernel_momentum', 'bias_momentum', 'bias_velocity']

    Reference: Jordan et al., 2024, Muon: An Optimizer for Hidden Layers in Neural Networks; Liu et
    al., 2025, Muon is Scalable for LLM Training.
    """

    slots = ("momentum", "velocity")
    elementwise = False
    scratch = 4

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
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
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def is_for_adam(self, parameter: Parameter) -> bool:
        """Return whether Adam moves a parameter."""
        return (
            len(parameter.shape) != 2
            or (self.exclude_embeddings and "embedding" in parameter.path.lower())
            or any(re.search(pattern, parameter.path) for pattern in self.exclude_layers)
        )

    def make_slot(self, slot: str, parameter: Parameter) -> Array | None:
        wanted = slot == "momentum" or self.is_for_adam(parameter)
        return super().make_slot(slot, parameter) if wanted else None

    def decay_of(self, parameter: Parameter) -> str | None:
        name = super().decay_of(parameter)
        return "adam_weight_decay" if name and self.is_for_adam(parameter) else name

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        power_1 = np.power(number(self.adam_beta_1), number(t))
        power_2 = np.power(number(self.adam_beta_2), number(t))
        adam_lr = self.lr * number(self.adam_lr_ratio)
        self._alpha = adam_lr * np.sqrt(1 - power_2) / (1 - power_1)
        self._rate_1, self._rate_2 = number(1 - self.adam_beta_1), number(1 - self.adam_beta_2)
        self._epsilon = number(self.epsilon)
        self._momentum, self._loss = number(self.momentum), number(self.momentum - 1)
        self._coefficients = number(self.muon_a), number(self.muon_b), number(self.muon_c)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        m, *v = slots
        if v:
            self._update_by_adam(w, g, m, *v)
            return
        s = np.multiply(m, self._loss, out=self.temporary(0, g))
        s += g
        m += s
        if self.nesterov:
            np.multiply(m, self._momentum, out=s)
            s += g
        else:
            s[...] = m
        t = self.temporary(1, g)
        if len(s) <= s.shape[1]:
            self._orthogonalize(s, t)
        else:
            self._orthogonalize(s.T, t.T)
        s *= self.lr
        if self.rms_rate is not None:
            number = self.lr.dtype.type
            s *= np.sqrt(number(max(s.shape))) * number(self.rms_rate)
        w -= s

    def _orthogonalize(self, x: Array, product: Array) -> None:
        """Make the singular values of a matrix about 1, in place; it has no more rows than columns.

        A polynomial of x that is odd leaves its singular vectors as they are, and this one draws
        all values in (0, 1] towards 1. `product` is scratch, laid out like x.
        """
        a, b, c = self._coefficients
        rows = np.broadcast_to(x[:, :1], (len(x), len(x)))
        xx, polynomial = self.temporary(2, rows), self.temporary(3, rows)
        x /= np.sqrt(np.sum(np.multiply(x, x, out=product))) + x.dtype.type(1e-7)
        for _ in range(self.ns_steps):
            np.matmul(x, x.T, out=xx)
            np.matmul(xx, xx, out=polynomial)
            polynomial *= c
            xx *= b
            polynomial += xx
            np.matmul(polynomial, x, out=product)
            x *= a
            x += product

    def _update_by_adam(self, w: Array, g: Array, m: Array, v: Array) -> None:
        s = np.subtract(g, m, out=self.temporary(0, g))
        s *= self._rate_1
        m += s
        self.squares(g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        np.sqrt(v, out=s)
        s += self._epsilon
        np.divide(m, s, out=s)
        s *= self._alpha
        w -= s

    def get_config(self) -> dict[str, Any]:
        own = (
            "adam_beta_1",
            "adam_beta_2",
            "epsilon",
            "exclude_layers",
            "muon_a",
            "muon_b",
            "muon_c",
            "adam_lr_ratio",
            "momentum",
            "ns_steps",
            "nesterov",
            "exclude_embeddings",
            "adam_weight_decay",
            "rms_rate",
        )
        return super().get_config() | {name: getattr(self, name) for name in own}
