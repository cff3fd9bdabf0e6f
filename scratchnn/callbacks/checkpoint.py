"""The callback that saves the model, or its weights, in training."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from ..progress import write
from .base import Logs
from .monitor import MonitorCallback

_MODEL_ENDINGS = (".keras", ".npz", ".h5")
_WEIGHTS_ENDINGS = (".weights.h5", ".weights.npz")


class ModelCheckpoint(MonitorCallback):
    """Save the model after each epoch, after each best one, or every so many batches.

    Arguments:
        filepath: path of the file, which may hold fields such as
            "{epoch:02d}-{val_loss:.2f}.keras": `epoch` counts from 1, the others are the logs'
            names, and `batch`, from 1, where saving goes by batches. Folders are made. The name
            ends in .keras, and with `save_weights_only` in .weights.h5; or in .npz and
            .weights.npz, which need NumPy only; or in .h5, which is Keras's older format.
        monitor: the name in the logs that tells the best.
        verbose: 1 to print what is saved, and why.
        save_best_only: whether to save only what is better than all before.
        save_weights_only: whether to call `model.save_weights` and not `model.save`.
        mode: 'min', 'max', or 'auto': down for a loss, and for a metric as it says itself.
        save_freq: 'epoch', or a number of batches; the logs are then those of the epoch so far.
        initial_value_threshold: with `save_best_only`, what the first one must be better than.

    Raises:
        ValueError: for another ending of `filepath` or another `save_freq`.
        KeyError: in training, if the logs lack a field of `filepath`.

    Example:
        >>> ModelCheckpoint("best.weights.npz", save_weights_only=True).filepath
        'best.weights.npz'
        >>> ModelCheckpoint("best", save_weights_only=True)
        Traceback (most recent call last):
        ValueError: A filepath of weights must end in .weights.h5 or .weights.npz. Received: 'best'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = check_frequency(save_freq)
        endings = _WEIGHTS_ENDINGS if save_weights_only else _MODEL_ENDINGS
        named_weights = self.filepath.endswith(_WEIGHTS_ENDINGS)
        if not self.filepath.endswith(endings) or named_weights != save_weights_only:
            raise ValueError(
                f"A filepath of {'weights' if save_weights_only else 'a model'} must end in "
                f"{' or '.join(endings)}. Received: {self.filepath!r}"
            )
        self._count = BatchCount(save_freq)
        self._epoch = 0
        if save_freq == "epoch":
            self.idle = (ModelCheckpoint.on_train_batch_end,)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._count.is_due(batch):
            self._consider(self._epoch, logs, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only:
            self.choose_op()
        if self.save_freq == "epoch":
            self._consider(epoch, logs)

    def _consider(self, epoch: int, logs: Logs | None, **batch: int) -> None:
        path = self._path(epoch, {**batch, **(logs or {})})
        if not self._is_wanted(epoch, logs or {}, path):
            return
        if os.path.isdir(path):
            raise OSError(
                f"ModelCheckpoint expected the path of a file. Received: the directory {path!r}."
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(epoch, f"finished saving model to {path}")

    def _path(self, epoch: int, fields: dict[str, Any]) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **fields)
        except KeyError as missing:
            raise KeyError(
                f"The filepath {self.filepath!r} has a field that is not available: {missing}. "
                f"Available are: {', '.join(['epoch', *fields])}."
            ) from None

    def _is_wanted(self, epoch: int, logs: Logs, path: str) -> bool:
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            return True
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=4)
            return True
        if np.ndim(current):
            warnings.warn(
                "Can save best model only when `monitor` is a scalar value. Received: "
                f"{current}. It is saved anyhow.",
                stacklevel=4,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._say(
            epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}"
        )
        self.best = current
        return True

    def _say(self, epoch: int, message: str) -> None:
        if self.verbose > 0:
            write(f"\nEpoch {epoch + 1}: {message}\n")


class BatchCount:
    """Counts training batches, and tells when `every` more of them are done.

    Example:
        >>> count = BatchCount(every=3)
        >>> [count.is_due(batch) for batch in (0, 1, 2, 3, 0, 1)]
        [False, False, True, False, False, True]
    """

    def __init__(self, every: str | int) -> None:
        self._every = every
        self._waiting = 0
        self._last: int | None = None

    def is_due(self, batch: int) -> bool:
        """Note that the batches of an epoch up to `batch` are done; return whether it is time."""
        if isinstance(self._every, str):
            return False
        new_epoch = self._last is None or batch <= self._last
        self._waiting += batch + 1 if new_epoch else batch - self._last  # type: ignore[operator]
        self._last = batch
        if self._waiting < self._every:
            return False
        self._waiting = 0
        return True


def check_frequency(save_freq: Any) -> str | int:
    """Return a save_freq, which must be 'epoch' or a number of batches."""
    number = isinstance(save_freq, int | np.integer) and not isinstance(save_freq, bool)
    if save_freq == "epoch" or (number and save_freq >= 1):
        return save_freq if save_freq == "epoch" else int(save_freq)
    raise ValueError(
        f"Expected save_freq='epoch' or a number of batches, at least 1. Received: {save_freq!r}."
    )
