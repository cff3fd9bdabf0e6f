"""CallbackList: all callbacks of a run, as one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .base import BATCH_HOOKS, Callback, Logs, standardize_callbacks, standardize_logs, watches
from .progbar import ProgbarLogger
from .records import History


class CallbackList(Callback):
    """All callbacks of a run, as one: every hook is passed on, in order.

    `fit`, `evaluate` and `predict` make one of their `callbacks`, or take one as it is. In a
    training loop of your own, call its hooks yourself. Logs reach the callbacks as a new dict of
    Python floats.

    A training step takes a few hundred microseconds, so within `fit` the hooks of a batch reach
    only those callbacks that override one, and the progress bar when a redraw is due.

    Arguments:
        callbacks: the user's, nested or not.
        add_history, add_progbar: whether History and ProgbarLogger follow them, unless they are
            among them.
        model: what they get as `self.model`.
        **params: what they get as `self.params`.

    Example:
        >>> from scratchnn.callbacks import LambdaCallback
        >>> run = CallbackList([LambdaCallback(on_train_end=print)], add_history=True)
        >>> run.on_train_end({"loss": 1})
        {'loss': 1.0}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = standardize_callbacks(callbacks)
        self.history: History | None = self._find(History, add_history)
        self._progbar: ProgbarLogger | None = self._find(ProgbarLogger, add_progbar)
        self._find_watchers()
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _find(self, kind: Callable[[], Any], add: bool) -> Any:
        """Return the last callback of this class, or one that is added, or None."""
        found = [c for c in self.callbacks if isinstance(c, kind)]  # type: ignore[arg-type]
        if add and not found:
            found = [kind()]
            self.callbacks += found
        return found[-1] if found else None

    def _find_watchers(self) -> None:
        others = [c for c in self.callbacks if c is not self._progbar]
        self._watchers = {kind: [c for c in others if watches(c, kind)] for kind in BATCH_HOOKS}

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def require_history(self) -> History:
        """Return the History among the callbacks, or, where there is none, one that is added."""
        if self.history is None:
            self.history = self._find(History, add=True)
            self.history.set_model(self.model)
        return self.history

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def before_batch(self, kind: str, batch: int) -> None:
        """Pass on that a batch of `kind` ('train', 'test', 'predict') begins."""
        for callback in self._watchers[kind]:
            getattr(callback, f"on_{kind}_batch_begin")(batch, {})

    def after_batch(self, kind: str, batch: int, get_logs: Callable[[], Any]) -> None:
        """Pass on that a batch has ended; the logs are worked out only if somebody looks."""
        watchers = self._watchers[kind]
        due = False
        if self._progbar is not None:
            self._progbar.seen = batch + 1
            due = time.perf_counter() >= self._progbar.next_draw
        if not watchers and not due:
            return
        logs = get_logs()
        hook = f"on_{kind}_batch_end"
        for callback in watchers:
            getattr(callback, hook)(batch, logs)
        if due:
            getattr(self._progbar, hook)(batch, logs)

    def interrupt(self) -> None:
        """Tell the progress bar that its line will not be finished."""
        if self._progbar is not None:
            self._progbar.interrupt()

    def _pass_on(self, hook: str, logs: Any, *number: int) -> None:
        logs = standardize_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*number, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_batch_begin", logs, batch)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_batch_end", logs, batch)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_epoch_end", logs, epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_train_batch_begin", logs, batch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_train_batch_end", logs, batch)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_test_batch_begin", logs, batch)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_test_batch_end", logs, batch)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._pass_on("on_predict_batch_begin", logs, batch)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._pass_on("on_predict_batch_end", logs, batch)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._pass_on("on_train_begin", logs)
        self._find_watchers()  # a callback may have set a hook of its own in the meantime

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._pass_on("on_train_end", logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._pass_on("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._pass_on("on_test_end", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._pass_on("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._pass_on("on_predict_end", logs)


def as_callbacks(callbacks: Any) -> CallbackList | list[Callback]:
    """Return a CallbackList as it is, and anything else as a list of callbacks.

    Raises:
        ValueError: for anything that is no callback.
    """
    if isinstance(callbacks, CallbackList):
        return callbacks
    return standardize_callbacks(callbacks)
