"""What an optimizer is told: the arguments that all share, the learning rate, the config."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from .. import config, naming
from ..arrays import Array, Tensor, as_tensor
from .schedules import LearningRateSchedule


class Setting(Tensor):
    """A number of an optimizer, such as its learning rate: a Tensor that can be assigned to.

    Example:
        >>> from scratchnn.optimizers import SGD
        >>> optimizer = SGD(0.1)
        >>> optimizer.learning_rate.assign(0.5)
        >>> optimizer.learning_rate.numpy()
        array(0.5, dtype=float32)
    """

    def assign(self, value: Any) -> None:
        """Write `value` into the optimizer."""
        self[...] = value

    def numpy(self) -> Array:
        """Return the present value, which later steps leave as it is."""
        return np.array(self)


class Settings:
    """The arguments that every Optimizer takes; they are described there."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
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
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "The argument decay is ignored, as in Keras 3. Give a schedule as learning_rate, "
                "such as schedules.InverseTimeDecay, instead.",
                stacklevel=3,
            )
        if kwargs:
            raise ValueError(
                f"Argument(s) not recognized by {type(self).__name__}: {kwargs}."
                + naming.nearest_argument(
                    "learning_rate" if "lr" in kwargs else next(iter(kwargs)), type(self)
                )
            )
        if loss_scale_factor is not None:
            raise ValueError(
                "loss_scale_factor is not supported: it is for half precision, and scratchnn "
                f"computes in float32 or float64. Received: {loss_scale_factor}."
            )
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(c is not None for c in clips.values()) > 1:
            raise ValueError(
                "Only one of clipnorm, clipvalue and global_clipnorm can be set. "
                f"Received: {clips}."
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"ema_momentum must be in [0, 1]. Received: {ema_momentum}.")
        if use_ema:
            _check_count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        _check_count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._learning_rate: Any = _standardize_rate(learning_rate)
        self._steps = np.zeros((), np.int64)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step, a float32 that can be set unless it is scheduled."""
        if isinstance(self._learning_rate, np.ndarray):
            return self._learning_rate.view(Setting)
        return as_tensor(np.float32(self._rate()))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        new = _standardize_rate(value)
        if not isinstance(new, np.ndarray):
            self._learning_rate = new
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"The learning rate of {self.name!r} follows a schedule, so it cannot be set to "
                f"{value!r}. Make the optimizer with a number as learning_rate."
            )
        elif isinstance(self._learning_rate, np.ndarray):
            self._learning_rate[...] = new  # in place, for those who hold it
        else:
            self._learning_rate = new

    def _rate(self) -> Any:
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(int(self._steps))
        return self._learning_rate() if callable(self._learning_rate) else self._learning_rate

    @property
    def iterations(self) -> Any:
        """The number of updates so far."""
        if self.gradient_accumulation_steps:
            return as_tensor(np.asarray(self._steps // self.gradient_accumulation_steps))
        return self._steps.view(Setting)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which `from_config` makes the optimizer again."""
        from ..saving import serialize_keras_object

        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": (
                float(rate) if isinstance(rate, np.ndarray) else serialize_keras_object(rate)
            ),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the optimizer that a config describes, with no steps taken.

        Arguments:
            config: what `get_config` returned.
            custom_objects: your own schedules and functions by name.
        """
        from ..saving import deserialize_keras_object

        arguments = dict(config)
        if isinstance(arguments.get("learning_rate"), Mapping):
            arguments["learning_rate"] = deserialize_keras_object(
                arguments["learning_rate"], custom_objects
            )
        return cls(**arguments)


def _check_count(name: str, value: Any, least: int) -> None:
    """Check a number of steps; None and 0 switch off what it counts, as in Keras."""
    if value and (not isinstance(value, int | np.integer) or value < least):
        raise ValueError(
            f"{name} must be a whole number of steps, at least {least}, or None. "
            f"Received: {value!r}."
        )


def _standardize_rate(value: Any) -> Any:
    """Return a number as an array of rank 0, so that its holders see it change."""
    if isinstance(value, LearningRateSchedule) or callable(value):
        return value
    number = np.asarray(value)
    if isinstance(value, bool) or number.ndim or number.dtype.kind not in "fiu":
        raise ValueError(
            "learning_rate must be a number, a LearningRateSchedule or a function without "
            f"arguments. Received: {value!r}."
        )
    return np.array(value, config.floatx())
