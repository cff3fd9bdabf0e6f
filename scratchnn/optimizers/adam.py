"""Adam and its relatives: steps of a size that adapts to each weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array
from ..parameters import Parameter, ParameterStore
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
    fading = ("momentum",)
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
        self.squares(g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        if v_hat:
            v = np.maximum(v_hat[0], v, out=v_hat[0])
        self._move(w, m, v, s)

    def update_rest(self, w: Array, *slots: Array) -> None:
        m, v, *v_hat = slots
        m *= 1 - self._rate_1
        s = np.multiply(v, self._rate_2, out=self.temporary(0, w))
        v -= s  # 1 - rate_2, so near to 1, would be off by as much in every step
        self._move(w, m, v_hat[0] if v_hat else v, s)

    def _move(self, w: Array, m: Array, v: Array, s: Array) -> None:
        np.sqrt(v, out=s)
        s += self._epsilon
        np.divide(m, s, out=s)
        s *= self._alpha
        w -= s

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with weight decay: each step begins with w <- w - w weight_decay lr.

    The decay does not pass through Adam's averages, as the gradient of an L2 penalty would.

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: how fast the weights shrink.
        beta_1, beta_2, epsilon, amsgrad: as for Adam.
        *args, **kwargs: the arguments of every Optimizer, from clipnorm on.

    Raises:
        ValueError: if `weight_decay` is None.

    Example:
        >>> AdamW().weight_decay
        0.004

    Reference: Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError(
                "weight_decay must be a number; Adam has none. Received: weight_decay=None."
            )
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *args, **kwargs
        )


class Adamax(Optimizer):
    """Adam with the largest gradient of late in place of the root of their mean square.

    m <- m + (g - m) (1 - beta_1)
    u <- max(beta_2 u, |g|)
    w <- w - lr / (1 - beta_1^t) * m / (u + epsilon)

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how slowly m and u forget.
        epsilon: keeps the division finite.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Adamax().learning_rate.numpy()
        array(0.001, dtype=float32)

    Reference: Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization, section 7.1.
    """

    slots = ("momentum", "norm")
    fading = ("momentum",)
    scratch = 1

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
        self._alpha = self.lr / (1 - np.power(number(self.beta_1), number(t)))
        self._rate_1 = number(1 - self.beta_1)
        self._keep_2 = number(self.beta_2)
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        m, u = slots
        s = np.subtract(g, m, out=self.temporary(0, g))
        s *= self._rate_1
        m += s
        u *= self._keep_2
        np.maximum(u, self.sizes(g, out=s), out=u)
        np.add(u, self._epsilon, out=s)
        np.divide(m, s, out=s)
        s *= self._alpha
        w -= s

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


class Nadam(Optimizer):
    """Adam that looks ahead as Nesterov's momentum does.

    u_t = beta_1 (1 - 0.96^t / 2), P_t = u_1 u_2 ... u_t
    m <- m + (g - m) (1 - beta_1)
    v <- v + (g^2 - v) (1 - beta_2)
    w <- w - lr (u_{t+1} m / (1 - P_{t+1}) + (1 - u_t) g / (1 - P_t))
             / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Arguments:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how slowly m and v forget.
        epsilon: keeps the division finite.
        *args, **kwargs: the arguments of every Optimizer, from weight_decay on.

    Example:
        >>> Nadam().learning_rate.numpy()
        array(0.001, dtype=float32)

    Reference: Dozat, 2016, Incorporating Nesterov Momentum into Adam.
    """

    slots = ("momentum", "velocity")
    fading = ("momentum",)
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

    def make_state(self, store: ParameterStore) -> None:
        super().make_state(store)
        self._product = np.ones((), store.dtype)
        self._product_name = naming.auto_name("variable")

    def other_variables(self) -> list[Parameter]:
        return [self._variable(self._product_name, self._product)]

    def begin_step(self, t: int) -> None:
        number = self.lr.dtype.type
        beta_1, beta_2 = number(self.beta_1), number(self.beta_2)
        now, later = (1 - number(0.5) * np.power(number(0.96), number(i)) for i in (t, t + 1))
        self._product[...] = self._product * beta_1 * now
        product = number(self._product)
        u, u_later = beta_1 * now, beta_1 * later
        self._of_m = self.lr * u_later / (1 - product * u_later)
        self._of_g = self.lr * (1 - u) / (1 - product)
        self._of_root = 1 / np.sqrt(1 - np.power(beta_2, number(t)))
        self._rate_1, self._rate_2 = 1 - beta_1, 1 - beta_2
        self._epsilon = number(self.epsilon)

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        m, v = slots
        s = np.subtract(g, m, out=self.temporary(0, g))
        s *= self._rate_1
        m += s
        self.squares(g, out=s)
        s -= v
        s *= self._rate_2
        v += s
        np.multiply(m, self._of_m, out=s)
        s += np.multiply(g, self._of_g, out=(t := self.temporary(1, g)))
        np.sqrt(v, out=t)
        t *= self._of_root
        t += self._epsilon
        s /= t
        w -= s

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
