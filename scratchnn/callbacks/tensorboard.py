"""The callback that writes what TensorBoard shows."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

from .base import Callback, Logs
from .checkpoint import check_frequency
from .events import EventFile


class TensorBoard(Callback):
    """Write the logs to event files, for TensorBoard to draw. TensorFlow is not needed for it.

    In the folder `train`: `epoch_loss`, `epoch_learning_rate` and so on, over the epochs; the
    model's graph of layers; with `update_freq`, `batch_loss` and so on, over the batches. In the
    folder `validation`: `epoch_loss` and so on of validation, and, of each evaluation,
    `evaluation_loss_vs_iterations` and so on. Show them with `tensorboard --logdir logs`.

    Arguments:
        log_dir: the folder for all of it.
        write_graph: whether to write the graph of layers, of a Sequential or functional model.
        write_steps_per_second: whether to write the speed, too.
        update_freq: 'epoch', 'batch', or every so many batches.
        histogram_freq, write_images, profile_batch, embeddings_freq, embeddings_metadata: not
            supported, beyond the values that switch them off.

    Raises:
        ValueError: for an option that is not supported.

    Example:
        >>> TensorBoard("logs", histogram_freq=1)
        Traceback (most recent call last):
        ValueError: TensorBoard writes scalars and the graph only. Received: histogram_freq=1.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        refused = {
            "histogram_freq": histogram_freq,
            "write_images": write_images,
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        for name, value in refused.items():
            if value:
                raise ValueError(
                    f"TensorBoard writes scalars and the graph only. Received: {name}={value!r}."
                )
        self.log_dir = str(log_dir)
        self.write_graph = write_graph
        self.write_steps_per_second = write_steps_per_second
        frequency = check_frequency(1 if update_freq == "batch" else update_freq)
        self.update_freq = frequency
        self._every = 0 if isinstance(frequency, str) else frequency
        if not self._every:
            self.idle = (TensorBoard.on_train_batch_begin, TensorBoard.on_train_batch_end)
        self._batch = 0
        self._batch_start = self._epoch_start = 0.0
        self._iterations = 0

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._train = EventFile(os.path.join(self.log_dir, "train"))
        self._validation = EventFile(os.path.join(self.log_dir, "validation"))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batch = 0
        if self.write_graph and type(self.model).__name__ in ("Sequential", "Functional"):
            self._write_graph()

    def _write_graph(self) -> None:
        try:
            text = self.model.to_json()
        except (TypeError, ValueError, NotImplementedError) as error:
            warnings.warn(f"The model has no JSON for TensorBoard to draw: {error}", stacklevel=4)
        else:
            self._train.graph("keras", text)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_start = time.perf_counter()
        self._iterations = int(self.model.optimizer.iterations)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batch += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._every or self._batch % self._every:
            return
        values = {f"batch_{name}": value for name, value in (logs or {}).items()}
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._batch_start
            values = {"batch_steps_per_second": 1 / seconds, **values}
        self._train.scalars(self._batch, values)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        train = {f"epoch_{k}": v for k, v in logs.items() if not k.startswith("val_")}
        validation = {f"epoch_{k[4:]}": v for k, v in logs.items() if k.startswith("val_")}
        optimizer = self.model.optimizer
        train["epoch_learning_rate"] = float(optimizer.learning_rate)
        if self.write_steps_per_second:
            steps = int(optimizer.iterations) - self._iterations
            train["epoch_steps_per_second"] = steps / (time.perf_counter() - self._epoch_start)
        self._train.scalars(epoch, train)
        if validation:
            self._validation.scalars(epoch, validation)

    def on_test_end(self, logs: Logs | None = None) -> None:
        values = {f"evaluation_{name}_vs_iterations": v for name, v in (logs or {}).items()}
        self._validation.scalars(int(self.model.optimizer.iterations), values)
