"""Adafactor: Adam's denominators from the means of the rows and columns of the squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..parameters import Parameter
from .base import Optimizer


class Adafactor(Optimizer):
    """Divide the gradient by the root of the product of its rows' and columns' mean squares.

    For a matrix, with b = 1 - t^beta_2_decay and q = g^2 + epsilon_1,

    r <- b r + (1 - b) mean of q over columns
    c <- b c + (1 - b) mean of q over rows
    v  = r c / mean(r), the outer product
    s  = g / sqrt(v)
    w <- w - min(lr, 1 / sqrt(t)) max(epsilon_2, rms(w)) s / max(1, rms(s) / clip_threshold)

    Arrays of higher rank are stacks of matrices of their last two axes. A vector has no r and c,
    but v <- b v + (1 - b) q.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_2_decay: how the averages' memory grows.
        epsilon_1: keeps v away from 0.
        epsilon_2: the least size that a weight counts with.
        clip_threshold: the largest root mean square of s.
        relative_step: taken for Keras's sake: whether the learning rate is at most 1 / sqrt(t),
            to which the steps are bound in any case.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> optimizer = Adafactor()
        >>> optimizer.build([Parameter(np.zeros((3, 2)), name="kernel")])
        >>> [(v.name, v.shape) for v in optimizer.variables[2:]]
        [('kernel', (3,)), ('kernel', (2,)), ('kernel_velocity', (3, 2))]

    Reference: Shazeer and Stern, 2018, Adafactor: Adaptive Learning Rates with Sublinear Memory
    Cost.
    """

    slots = ("rows", "columns", "velocity")
    elementwise = False
    scratch = 1

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def make_slot(self, slot: str, parameter: Parameter) -> Array:
        shape, dtype = parameter.shape, parameter.dtype
        if slot == "velocity":
            return np.zeros(shape, dtype)
        if len(shape) < 2:
            return np.zeros((), np.int32)  # never used; Keras's files have them
        return np.zeros(shape[:-1] if slot == "rows" else (*shape[:-2], shape[-1]), dtype)

    def slot_name(self, slot: str, number: int) -> str:
        if slot in ("rows", "columns"):
            return self._store.trainable[number].name
        return super().slot_name(slot, number)

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        self._rho = np.minimum(self.lr, 1 / np.sqrt(number(t)))
        self._keep = 1 - np.power(number(t), number(self.beta_2_decay))
        self._epsilon_1, self._epsilon_2 = number(self.epsilon_1), number(self.epsilon_2)
        self._threshold = number(self.clip_threshold)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        r, c, v = slots
        alpha = np.maximum(self._epsilon_2, _rms(w)) * self._rho
        s = self.squares(g, out=self.temporary(0, g))
        s += self._epsilon_1
        if w.ndim < 2:
            s *= 1 - self._keep
            v *= self._keep
            v += s
        else:
            for mean, axis in (r, -1), (c, -2):
                mean *= self._keep
                mean += (1 - self._keep) * np.mean(s, axis)
            v[...] = c[..., None, :]
            v *= (r / np.mean(r, -1, keepdims=True))[..., None]
        if self._repeated is None:
            np.divide(g, np.sqrt(v, out=s), out=s)
            rms = _rms(s)
        else:
            np.divide(self.squares(g, out=s), v, out=s)
            rms = np.sqrt(np.mean(s))
            np.divide(g, np.sqrt(v, out=s), out=s)
        s *= alpha / np.maximum(1, rms / self._threshold)
        w -= s

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _rms(x: Array) -> Any:
    """Return the root mean square of all elements."""
    return np.sqrt(np.vdot(x, x) / x.dtype.type(x.size))
