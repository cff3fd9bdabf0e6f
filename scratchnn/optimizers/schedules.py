"""Learning rates that change with the step. As in `keras.optimizers.schedules`.

A schedule takes a step, or an array of steps, which count from 0, and returns float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np

from ..arrays import Tensor, as_tensor
from ..lookup import Lookup


class LearningRateSchedule:
    """A learning rate that is a function of the step. Your own defines `__call__(step)`.

    To be saved with its optimizer it defines `get_config`, too: its arguments by name.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** int(step)
        >>> Halving()(2)
        0.025
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of step `step`, which counts from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which `from_config` makes the schedule again."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved.")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return the schedule that a config describes."""
        return cls(**config)


class ExponentialDecay(LearningRateSchedule):
    """Fall by the same factor in the same time.

    initial_learning_rate * decay_rate^(step / decay_steps)

    Arguments:
        initial_learning_rate: the rate of step 0.
        decay_steps: the steps in which the rate falls by the factor `decay_rate`.
        decay_rate: see above.
        staircase: whether to round the exponent down, so that the rate falls in jumps.
        name: a name, which configs keep.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> schedule = ExponentialDecay(0.5, decay_steps=10, decay_rate=0.1)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10)]
        [0.5, 0.158, 0.05]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        start, steps, rate, step = _numbers(
            self.initial_learning_rate, self.decay_steps, self.decay_rate, step
        )
        decays = step / steps
        return as_tensor(start * np.power(rate, np.floor(decays) if self.staircase else decays))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """Fall as the inverse of the time.

    initial_learning_rate / (1 + decay_rate * step / decay_steps)

    Arguments:
        initial_learning_rate: the rate of step 0.
        decay_steps, decay_rate: see above.
        staircase: whether to round step / decay_steps down, so that the rate falls in jumps.
        name: a name, which configs keep.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> schedule = InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)
        >>> [float(schedule(step)) for step in (0, 10, 30)]
        [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        start, steps, rate, step = _numbers(
            self.initial_learning_rate, self.decay_steps, self.decay_rate, step
        )
        decays = step / steps
        return as_tensor(start / (1 + rate * (np.floor(decays) if self.staircase else decays)))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """Be values[i] up to and including step boundaries[i], and the last value thereafter.

    Arguments:
        boundaries: steps, each larger than the one before.
        values: learning rates, one more than boundaries.
        name: a name, which configs keep.

    Raises:
        ValueError: if there are too few or too many values, or the boundaries do not increase.

    Example:
        >>> schedule = PiecewiseConstantDecay([5, 10], [0.5, 0.25, 0.125])
        >>> [float(schedule(step)) for step in (0, 5, 6, 10, 11)]
        [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "There must be one boundary less than values. Received: "
                f"boundaries={boundaries} (of length {len(boundaries)}) and values={values} "
                f"(of length {len(values)})."
            )
        if any(high <= low for low, high in pairwise(boundaries)):
            raise ValueError(
                f"Each boundary must be larger than the one before. Received: {boundaries}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        values = np.asarray(self.values, np.float32)
        step = np.asarray(step)
        # In the type of the step, as in Keras: for a whole step 2.5 is 2.
        boundaries = np.asarray(self.boundaries).astype(step.dtype)
        return as_tensor(values[np.searchsorted(boundaries, step)])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """Fall to an end as a power of the time that is left.

    (initial_learning_rate - end_learning_rate) (1 - step / decay_steps)^power + end_learning_rate

    Arguments:
        initial_learning_rate: the rate of step 0.
        decay_steps: the steps in which the rate reaches its end.
        end_learning_rate: the rate from then on.
        power: 1 for a straight line.
        cycle: whether to begin anew from there, towards the next multiple of `decay_steps`.
        name: a name, which configs keep.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> schedule = PolynomialDecay(0.5, decay_steps=10, end_learning_rate=0.25)
        >>> [float(schedule(step)) for step in (0, 5, 10, 20)]
        [0.5, 0.375, 0.25, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        start, steps, end, power, step = _numbers(
            self.initial_learning_rate, self.decay_steps, self.end_learning_rate, self.power, step
        )
        if self.cycle:
            steps = steps * np.where(step == 0, 1, np.ceil(step / steps))
        else:
            step = np.minimum(step, steps)
        return as_tensor((start - end) * np.power(1 - step / steps, power) + end)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """Half a wave, from a down to alpha a, perhaps after a warmup.

    a ((1 - alpha) (1 + cos(pi step / decay_steps)) / 2 + alpha)

    Without warmup, a is initial_learning_rate. With it, the rate first rises from that to
    warmup_target in a straight line; then a is warmup_target, and steps count from there.

    Arguments:
        initial_learning_rate: the rate of step 0.
        decay_steps: the steps of the decay, not counting the warmup.
        alpha: the part of a that is left at the end.
        name: a name, which configs keep.
        warmup_target: the rate that the warmup ends with; None for no warmup.
        warmup_steps: the steps of the warmup.

    Raises:
        ValueError: if `decay_steps` is not positive, or `warmup_steps` negative.

    Example:
        >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=0.5, warmup_steps=4)
        >>> [round(float(schedule(step)), 3) for step in (0, 2, 4, 9, 14)]
        [0.0, 0.25, 0.5, 0.25, 0.0]

    Reference: Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts;
    Goyal et al., 2017, Accurate, Large Minibatch SGD.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        if warmup_steps < 0:
            raise ValueError(f"warmup_steps must be >= 0. Received: warmup_steps={warmup_steps}.")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Tensor:
        start, steps, warmup, step = _numbers(
            self.initial_learning_rate, self.decay_steps, self.warmup_steps, step
        )
        if self.warmup_target is None:
            return as_tensor(start * self._decay(step, steps))
        (target,) = _numbers(self.warmup_target)
        decayed = target * self._decay(step - warmup, steps)
        if not self.warmup_steps:
            return as_tensor(decayed)
        warming = (target - start) * (step / warmup) + start
        return as_tensor(np.where(step < warmup, warming, decayed))

    def _decay(self, step: Any, steps: Any) -> Any:
        """Return the part of the rate that is left after some of all steps of the decay."""
        rest, alpha = _numbers(1 - self.alpha, self.alpha)
        return rest * _half_wave(np.minimum(step, steps) / steps) + alpha

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay again and again, each t_mul times as long as the last, from m_mul times the rate.

    Arguments:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: the steps of the first decay.
        t_mul, m_mul: see above.
        alpha: the part of the initial rate that is left at the end of each.
        name: a name, which configs keep.

    Raises:
        ValueError: if `first_decay_steps` or `t_mul` is not positive.

    Example:
        >>> schedule = CosineDecayRestarts(0.5, first_decay_steps=10, m_mul=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20, 30)]
        [0.5, 0.25, 0.25, 0.125, 0.125]

    Reference: Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = _positive("t_mul", t_mul)
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        start, first, t_mul, m_mul, alpha, step = _numbers(
            self.initial_learning_rate,
            self.first_decay_steps,
            self.t_mul,
            self.m_mul,
            self.alpha,
            step,
        )
        done = step / first
        if t_mul == 1:
            restarts = np.floor(done)
            done = done - restarts
        else:
            restarts = np.floor(np.log(1 - done * (1 - t_mul)) / np.log(t_mul))
            length = np.power(t_mul, restarts)
            done = (done - (1 - length) / (1 - t_mul)) / length
        wave = np.power(m_mul, restarts) * _half_wave(done)
        return as_tensor(start * ((1 - alpha) * wave + alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


def _numbers(*values: Any) -> list[Any]:
    """Return numbers, and steps, as float32; Keras's schedules know no other type."""
    return [np.asarray(value, np.float32)[()] for value in values]


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise ValueError(f"{name} must be > 0. Received: {name}={value}.")
    return value


def _half_wave(done: Any) -> Any:
    """Return how high half a wave from 1 to 0 is after a part of its length."""
    return np.float32(0.5) * (1 + np.cos(np.float32(math.pi) * done))


_lookup = Lookup(
    "learning rate schedule",
    {
        cls.__name__: cls
        for cls in (
            CosineDecay,
            CosineDecayRestarts,
            ExponentialDecay,
            InverseTimeDecay,
            PiecewiseConstantDecay,
            PolynomialDecay,
        )
    },
)
serialize, deserialize = _lookup.serialize, _lookup.deserialize

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
