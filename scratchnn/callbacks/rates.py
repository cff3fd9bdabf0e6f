"""Callbacks that set the learning rate from one epoch to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..progress import write
from .base import Callback, Logs
from .monitor import MonitorCallback


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch, and log it at the end.

    Arguments:
        schedule: (epoch, learning rate so far) -> learning rate, or (epoch) -> learning rate;
            epochs count from 0.
        verbose: 1 to print it.

    Raises:
        ValueError: in training, if `schedule` does not return a number.

    Example:
        >>> from scratchnn import Input, Sequential, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else 0.5)
        >>> history = model.fit([1.0], [1.0], epochs=3, callbacks=[halve], verbose=0)
        >>> history.history["learning_rate"]
        [0.5, 0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes(schedule, 2)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        before = (float(optimizer.learning_rate),) if self._takes_rate else ()
        rate = self.schedule(epoch, *before)
        if isinstance(rate, bool) or np.ndim(rate) or np.asarray(rate).dtype.kind not in "fiu":
            raise ValueError(
                f"LearningRateScheduler expected a number from its schedule({epoch}, ...). "
                f"Received: {rate!r}."
            )
        optimizer.learning_rate = rate
        if self.verbose > 0:
            write(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(MonitorCallback):
    """Reduce the learning rate when one of the logs has not become better for `patience` epochs.

    rate <- max(rate * factor, min_lr). The rate of each epoch is logged.

    Arguments:
        monitor: the name in the logs.
        factor: what the rate is multiplied by, less than 1.
        patience: epochs without an improvement after which it is.
        verbose: 1 to print it.
        mode: 'min', 'max', or 'auto': down for a loss, and for a metric as it says itself.
        min_delta: how much better a value must be to count.
        cooldown: epochs after a reduction that do not count.
        min_lr: the least rate.

    Raises:
        ValueError: if `factor` is not less than 1; after the first epoch, if the mode is 'auto'
            and nothing tells which values are better.

    Example:
        >>> from scratchnn import Input, Sequential, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.optimizer.learning_rate = 0.5
        >>> slow = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)
        >>> history = model.fit([1.0], [1.0], epochs=4, callbacks=[slow], verbose=0)
        >>> history.history["learning_rate"]
        [0.5, 0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau expected a factor less than 1.0. Received: factor={factor}."
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._forget()

    def _forget(self) -> None:
        self.best: Any = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Return whether the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.choose_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self.value(logs, "Learning rate reduction is conditioned on metric")
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        old = float(optimizer.learning_rate)
        if old <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose > 0:
            write(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.\n")


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with so many arguments."""
    import inspect

    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # written in C, and silent about its arguments
        return True
    return True
