"""Callbacks that end training: when it has stopped getting better, or has gone wrong."""

from __future__ import annotations

import math
from typing import Any

from ..arrays import Array
from ..progress import write
from .base import Callback, Logs
from .monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stop training when one of the logs has not become better for `patience` epochs.

    Arguments:
        monitor: the name in the logs.
        min_delta: how much better a value must be to count.
        patience: epochs without an improvement after which training stops.
        verbose: 1 to say so.
        mode: 'min', 'max', or 'auto': down for a loss, and for a metric as it says itself.
        baseline: a value to be better than; only then do improvements count against patience.
        restore_best_weights: whether training ends with the weights of the best epoch, also if
            it was not stopped. Otherwise they are those of the last one.
        start_from_epoch: epochs at the beginning that do not count at all.

    Attributes:
        best, best_epoch, best_weights: of the best epoch so far; the weights only if they are to
            be restored.
        wait: epochs since then.
        stopped_epoch: the epoch after which training was stopped, or 0.

    Raises:
        ValueError: after the first epoch, if the mode is 'auto' and nothing tells which values
            are better.

    Example:
        >>> from scratchnn import Input, Sequential, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> model.optimizer.learning_rate = 0.0
        >>> stop = EarlyStopping(monitor="loss", patience=3, verbose=1)
        >>> history = model.fit([1.0], [2.0], epochs=100, callbacks=[stop], verbose=0)
        Epoch 4: early stopping

    Reference:
        Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade, 1998.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._forget()

    def _forget(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = None
        self.best_epoch = 0
        self.best_weights: list[Array] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.choose_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        better = self.is_improvement(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """Return the value that decides; None, with a warning, if the logs have none."""
        return self.value(logs, "Early stopping conditioned on metric")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            write(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                write(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}.\n"
                )
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stop training after a batch that made the loss NaN or infinite.

    Arguments:
        raise_error: True to raise an error at once, so that nothing runs that comes at the end of
            training; False to set `model.stop_training`.

    Raises:
        RuntimeError: in training, if `raise_error` is set.

    Example:
        >>> TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": float("nan")})
        Traceback (most recent call last):
        RuntimeError: NaN or Inf loss encountered at batch 3: loss=nan. Training is terminated.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}: loss={loss}. "
                "Training is terminated."
            )
        write(f"Batch {batch}: Invalid loss, terminating training\n")
        self.model.stop_training = True
