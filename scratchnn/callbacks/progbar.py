"""The callback that draws the progress bar."""

from __future__ import annotations

import sys
from typing import Any

from ..progress import Progbar, is_live, write
from .base import Callback, Logs, standardize_verbose


class ProgbarLogger(Callback):
    """The progress bar of fit, evaluate and predict; they add it themselves.

    Raises:
        ValueError: if `params['verbose']` is not 0, 1, 2 or 'auto'.

    Example:
        >>> ProgbarLogger().bar is None
        True
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar: Progbar | None = None
        self.target: int | None = None
        self.seen = 0  # batches so far, drawn or not; nobody may know how many there will be
        self._drawn = False
        self._called_in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = standardize_verbose(params.get("verbose", "auto"))
        self.target = params.get("steps")

    @property
    def next_draw(self) -> float:
        """The time.perf_counter() reading from which on a redraw is due."""
        return float("inf") if self.bar is None else self.bar.next_draw

    def _start(self) -> None:
        self.seen = 0
        self._drawn = False
        self.bar = Progbar(self.target, verbose=self.verbose, stateless_metrics=[])

    def _draw(self, batch: int, logs: Logs | None) -> None:
        self.seen = batch + 1
        if self.bar is not None and self.verbose == 1:
            self._drawn = True
            self.bar.update(self.seen, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.bar is None or not self.verbose:
            return
        if self.target is None:
            self.target = self.bar.target = self.seen  # the next epoch has as many steps
        self.bar.update(self.target, list((logs or {}).items()), finalize=True)
        self.bar = None

    def interrupt(self) -> None:
        """End the line of a bar that will not be finished."""
        if self.bar is not None and self.verbose == 1 and self._drawn and is_live(sys.stdout):
            write("\n")
        self.bar = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._called_in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start()
        if self.verbose and self.params["epochs"] > 1:
            write(f"Epoch {epoch + 1}/{self.params['epochs']}\n")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._draw(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._start()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._draw(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._draw(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)
