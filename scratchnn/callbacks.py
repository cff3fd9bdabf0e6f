"""Callbacks: your own code at the turns of training. As in `keras.callbacks`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from .progress import Progbar, is_live

Logs = dict[str, float]


class Callback:
    """The base of all callbacks: override the hooks you need; `self.model` is the model.

    Hooks of `fit`: on_train_begin, on_epoch_begin, on_train_batch_begin, on_train_batch_end,
    on_epoch_end, on_train_end; of `evaluate` and validation: on_test_begin, on_test_batch_begin,
    on_test_batch_end, on_test_end; of `predict`: on_predict_begin, on_predict_batch_begin,
    on_predict_batch_end, on_predict_end. Epochs and batches count from 0; logs are dicts of the
    loss and metrics so far.

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {logs['loss']:.1f}!")
        >>> Shout().on_epoch_end(0, {"loss": 0.25})
        epoch 0: 0.2!
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained, evaluated or asked."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the run's parameters: verbose, epochs, steps."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self._model = model

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """An epoch begins."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """An epoch has ended; logs include validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A training step begins."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A training step has ended; logs are the epoch's means so far."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An evaluation step begins."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An evaluation step has ended."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A prediction step begins."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """A prediction step has ended; logs hold its 'outputs'."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """`fit` begins."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """`fit` ends; logs are the last epoch's."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """An evaluation begins."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """An evaluation ends."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """`predict` begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """`predict` ends."""


class History(Callback):
    """What `fit` returns: the log of every epoch.

    Attributes:
        epoch: the epochs' numbers, from 0.
        history: {name: [value of each epoch]}.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class LambdaCallback(Callback):
    """A callback made of functions.

    Arguments:
        on_epoch_begin, on_epoch_end: (epoch, logs).
        on_train_begin, on_train_end: (logs).
        on_train_batch_begin, on_train_batch_end: (batch, logs).
        **kwargs: any other hook by its name.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
        >>> callback.on_epoch_end(0, {"loss": 1.0})
        0 {'loss': 1.0}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, hook in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise ValueError(f"LambdaCallback has no hook {name!r}; see Callback for them.")
            if hook is not None:
                setattr(self, name, hook)


class ProgbarLogger(Callback):
    """The progress bar of fit, evaluate and predict; they add it themselves.

    Raises:
        ValueError: if `params['verbose']` is not 0, 1, 2 or 'auto'.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar: Progbar | None = None
        self._seen = 0
        self._called_in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = standardize_verbose(params.get("verbose", "auto"))

    @property
    def next_draw(self) -> float:
        """The time.perf_counter() reading from which on a redraw is due."""
        return float("inf") if self.bar is None else self.bar.next_draw

    def _start(self) -> None:
        self._seen = 0
        self.bar = Progbar(self.params.get("steps"), verbose=self.verbose, stateless_metrics=[])

    def _draw(self, batch: int, logs: Logs | None) -> None:
        self._seen = batch + 1
        if self.bar is not None and self.verbose == 1:
            self.bar.update(self._seen, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.bar is None or not self.verbose:
            return
        if self.bar.target is None:
            self.bar.target = self._seen
        self.bar.update(self.bar.target, list((logs or {}).items()), finalize=True)
        self.bar = None

    def interrupt(self) -> None:
        """End the line of a bar that will not be finished."""
        if self.bar is not None and self.verbose == 1 and self._seen and is_live(sys.stdout):
            print()
        self.bar = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._called_in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start()
        if self.verbose and self.params["epochs"] > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")

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


_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """All callbacks of a run, as one: every hook is passed on, in order.

    A training step takes a few hundred microseconds, so the hooks of a batch reach only those
    callbacks that override one, and the progress bar when a redraw is due.

    Arguments:
        callbacks: the user's.
        add_history, add_progbar: whether History and ProgbarLogger follow them.
        model: what they get as `self.model`.
        **params: what they get as `self.params`.
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        given = standardize_callbacks(callbacks)
        self.history = next((c for c in given if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            given.append(self.history)
        self._progbar = next((c for c in given if isinstance(c, ProgbarLogger)), None)
        if add_progbar and self._progbar is None:
            self._progbar = ProgbarLogger()
            given.append(self._progbar)
        self.callbacks = given
        self._watchers = {
            kind: [
                c
                for c in given
                if c is not self._progbar and any(_overrides(c, hook) for hook in hooks)
            ]
            for kind, hooks in _BATCH_HOOKS.items()
        }
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def before_batch(self, kind: str, batch: int) -> None:
        """Pass on that a batch of `kind` ('train', 'test', 'predict') begins."""
        for callback in self._watchers[kind]:
            getattr(callback, f"on_{kind}_batch_begin")(batch, {})

    def after_batch(self, kind: str, batch: int, get_logs: Callable[[], Any]) -> None:
        """Pass on that a batch has ended; the logs are worked out only if somebody looks."""
        watchers = self._watchers[kind]
        due = self._progbar is not None and time.perf_counter() >= self._progbar.next_draw
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

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_end(logs)


def standardize_callbacks(callbacks: Any) -> list[Callback]:
    """Return a callback, or any number of them, as a list; anything else is an error."""
    if isinstance(callbacks, Callback):
        return [callbacks]
    given = list(callbacks or ()) if isinstance(callbacks, Iterable | None) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback):
            raise ValueError(
                "callbacks must be objects of classes derived from Callback"
                + (", and not the class itself" if isinstance(callback, type) else "")
                + f". Received: {callback!r}."
            )
    return given


def standardize_verbose(verbose: Any) -> int:
    """Return 0, 1 or 2; 'auto' is 1."""
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose must be 0, 1, 2 or 'auto'. Received: {verbose!r}.")
    return int(verbose)


def _overrides(callback: Callback, hook: str) -> bool:
    own = getattr(callback, hook)
    return getattr(own, "__func__", own) is not getattr(Callback, hook)
