"""The callback that lets a killed run go on where it was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..random import SeedGenerator
from .base import Callback, Logs
from .checkpoint import BatchCount, check_frequency

_LATEST, _PREVIOUS = "latest.npz", "previous.npz"


class BackupAndRestore(Callback):
    """Back the training up as it goes on, so that a run that was killed goes on where it was.

    Start the program again as it was: `fit` takes up the last backup and ends with the same
    weights, bit for bit, as if nothing had happened. A backup holds the weights, the optimizer's
    state, where the layers' random numbers and the order of the data are, and the metrics of the
    running epoch. It is written whole or not at all. Other callbacks start afresh.

    Arguments:
        backup_dir: a folder for the backups, and nothing else; made if it is missing.
        save_freq: 'epoch', or a number of batches.
        double_checkpoint: whether to keep the last backup but one, which is taken where the disk
            has spoiled the last.
        delete_checkpoint: whether to delete the backups when `fit` has ended.

    Raises:
        ValueError: for an empty `backup_dir`, another `save_freq`; in training, for a backup that
            is spoiled, or of another model.
        RuntimeError: in a training loop of your own.

    Example:
        >>> import tempfile
        >>> from scratchnn import Input, Sequential, callbacks, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> def fail(epoch, logs):
        ...     if epoch == 4:
        ...         raise RuntimeError("no electricity")
        >>> backup = BackupAndRestore(tempfile.mkdtemp())
        >>> fails = callbacks.LambdaCallback(on_epoch_begin=fail)
        >>> model.fit([1.0], [1.0], epochs=6, callbacks=[backup, fails], verbose=0)
        Traceback (most recent call last):
        RuntimeError: no electricity
        >>> model.fit([1.0], [1.0], epochs=6, callbacks=[backup], verbose=0).epoch
        [4, 5]
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.backup_dir = os.fspath(backup_dir)
        if not self.backup_dir:
            raise ValueError("Expected backup_dir to be a folder. Received: an empty string.")
        self.save_freq = check_frequency(save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        if save_freq == "epoch":
            self.idle = (BackupAndRestore.on_train_batch_end,)
        self._count = BatchCount(save_freq)
        self._epoch = 0
        self._metrics: Mapping[str, Array] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        import json

        if self.model._epochs is None:
            raise RuntimeError(
                "BackupAndRestore expected to be called by fit, which tells it where the data is. "
                "In a training loop of your own, save the weights yourself."
            )
        self._count = BatchCount(self.save_freq)
        self._metrics = {}
        self._remove(unfinished_only=True)
        backup = self._read()
        if backup is not None:
            place = json.loads(str(backup.pop("place")))
            self._metrics = _take(backup, "metrics")
            _restore(self.model, backup, self.backup_dir)
            self.model._epochs.resume(place.pop("epoch"), place)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        for variable, value in zip(_metrics(self.model), self._metrics.values(), strict=False):
            variable.assign(value)
        self._metrics = {}

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._count.is_due(batch):
            steps = self.model._epochs.steps
            self._save(self._epoch, batch + 1 if steps is None else min(batch + 1, steps))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(self.params["epochs"] if self.model.stop_training else epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            self._remove()

    def _path(self, name: str) -> str:
        return os.path.join(self.backup_dir, name)

    def _save(self, epoch: int, step: int) -> None:
        import json

        from ..saving.atomic import replacing

        place = {"epoch": epoch, **self.model._epochs.place(step)}
        arrays = {
            "place": np.array(json.dumps(place)),
            **_numbered("weights", (w.value for w in self.model.weights)),
            **_numbered("optimizer", (v.value for v in self.model.optimizer.variables)),
            **_numbered("seeds", (generator.state for generator in _seeds(self.model))),
            **_numbered("metrics", (v.value for v in _metrics(self.model)) if step else ()),
        }
        os.makedirs(self.backup_dir, exist_ok=True)
        latest = self._path(_LATEST)
        if self.double_checkpoint and os.path.exists(latest):
            os.replace(latest, self._path(_PREVIOUS))
        with replacing(latest) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def _read(self) -> dict[str, Array] | None:
        """Return what is in the last backup that can be read; None if there is none."""
        from ..saving.errors import ModelFileError, reading

        error: ModelFileError | None = None
        for name in (_LATEST, _PREVIOUS):
            path = self._path(name)
            if os.path.exists(path):
                try:
                    with reading(path), open(path, "rb") as raw, np.load(raw) as file:
                        return dict(file)
                except ModelFileError as broken:
                    error = error or broken
        if error is not None:
            error.add_note(f"Empty the folder {self.backup_dir!r} to train from the beginning.")
            raise error
        return None

    def _remove(self, unfinished_only: bool = False) -> None:
        if not os.path.isdir(self.backup_dir):
            return
        for name in os.listdir(self.backup_dir):
            unfinished = name.startswith(_LATEST) and name.endswith(".part")
            if unfinished or (name in (_LATEST, _PREVIOUS) and not unfinished_only):
                os.remove(self._path(name))
        if not unfinished_only and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)


def _seeds(model: Any) -> Iterator[SeedGenerator]:
    """Yield the generators that the model's layers draw from."""
    for layer in model.walk():
        for value in vars(layer).values():
            if isinstance(value, SeedGenerator):
                yield value


def _metrics(model: Any) -> list[Any]:
    return [variable for metric in model.metrics for variable in metric.variables]


def _numbered(kind: str, arrays: Any) -> dict[str, Array]:
    return {f"{kind}/{i}": np.asarray(array) for i, array in enumerate(arrays)}


def _take(backup: Mapping[str, Array], kind: str) -> dict[str, Array]:
    return {name: array for name, array in backup.items() if name.startswith(f"{kind}/")}


def _restore(model: Any, backup: Mapping[str, Array], folder: str) -> None:
    """Give the model what is in the backup, all of it or, if anything does not fit, nothing."""
    places = {
        **_numbered("weights", (w.value for w in model.weights)),
        **_numbered("optimizer", (v.value for v in model.optimizer.variables)),
        **_numbered("seeds", (generator.state for generator in _seeds(model))),
    }
    kept = {name: array for name, array in backup.items() if not name.startswith("metrics/")}
    expected = {name: array.shape for name, array in places.items()}
    found = {name: array.shape for name, array in kept.items()}
    if expected != found:
        different = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise ValueError(
            f"The backup in {folder!r} is of another model: expected shape "
            f"{expected.get(different)} for {different!r}. Received: {found.get(different)}. "
            "Empty the folder to train from the beginning."
        )
    for name, array in kept.items():
        places[name][...] = array
