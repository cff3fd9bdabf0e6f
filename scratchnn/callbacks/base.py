"""The callback contract: the hooks, and when they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

Logs = dict[str, float]

BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
"""The hooks of a batch, by what is done with it."""


class Callback:
    """The base of all callbacks: override the hooks you need; `self.model` is the model.

    Hooks of `fit`: on_train_begin, on_epoch_begin, on_train_batch_begin, on_train_batch_end,
    on_epoch_end, on_train_end; of `evaluate` and validation: on_test_begin, on_test_batch_begin,
    on_test_batch_end, on_test_end; of `predict`: on_predict_begin, on_predict_batch_begin,
    on_predict_batch_end, on_predict_end. Epochs and batches count from 0; logs are dicts of the
    loss and metrics so far. What a callback adds to the logs of an epoch, those after it see.

    A hook may set `self.model.stop_training` (`stop_evaluating`, `stop_predicting`) to end the
    loop after this batch or epoch, and `self.model.optimizer.learning_rate`.

    Attributes:
        params: {"verbose", "epochs", "steps"} of the run.
        model: the model that is trained, evaluated or asked.

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {logs['loss']:.1f}!")
        >>> Shout().on_epoch_end(0, {"loss": 0.25})
        epoch 0: 0.2!
    """

    idle: tuple[Callable[..., Any], ...] = ()
    """Functions of batch hooks that have nothing to do in this object, and need no call."""

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


class LambdaCallback(Callback):
    """A callback made of functions.

    Arguments:
        on_epoch_begin, on_epoch_end: (epoch, logs).
        on_train_begin, on_train_end: (logs).
        on_train_batch_begin, on_train_batch_end: (batch, logs).
        **kwargs: any other hook by its name.

    Raises:
        ValueError: for a name that is no hook.

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


def watches(callback: Callback, kind: str) -> bool:
    """Return whether the hooks of a batch of `kind` ('train', 'test', 'predict') do anything."""
    for hook in BATCH_HOOKS[kind]:
        own = getattr(callback, hook)
        if getattr(own, "__func__", own) not in (getattr(Callback, hook), *callback.idle):
            return True
    return False


def standardize_callbacks(callbacks: Any) -> list[Callback]:
    """Return a callback, or any number of them, nested or not, as a list.

    Raises:
        ValueError: for anything that is no callback.
    """
    return list(_flatten(callbacks or ()))


def _flatten(callbacks: Any) -> Iterator[Callback]:
    if isinstance(callbacks, Callback):
        yield callbacks
    elif isinstance(callbacks, Iterable) and not isinstance(callbacks, str | type):
        for item in callbacks.values() if isinstance(callbacks, Mapping) else callbacks:
            yield from _flatten(item)
    else:
        raise ValueError(
            "callbacks must be objects of classes derived from Callback"
            + (", and not the class itself" if isinstance(callbacks, type) else "")
            + f". Received: {callbacks!r}."
        )


def standardize_verbose(verbose: Any) -> int:
    """Return 0, 1 or 2; 'auto' is 1.

    Raises:
        ValueError: for anything else.
    """
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose must be 0, 1, 2 or 'auto'. Received: {verbose!r}.")
    return int(verbose)


def standardize_logs(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a new dict, sorted by name, of Python floats; what is no number stays as it is."""
    found: dict[str, Any] = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, Mapping):
            found.update(standardize_logs(value))
        elif isinstance(value, float | int | np.generic) or getattr(value, "ndim", 1) == 0:
            found[name] = float(value)
        else:
            found[name] = value
    return found
