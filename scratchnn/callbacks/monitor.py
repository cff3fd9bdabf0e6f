"""What the callbacks that watch one of the logs share: what is better, and by how much."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import config
from .base import Callback, Logs


class MonitorCallback(Callback):
    """The base of callbacks that watch whether one of the logs still becomes better.

    Arguments:
        monitor: the name in the logs, such as 'val_loss'.
        mode: 'min', 'max', or 'auto': down for a loss, and for a metric as it says itself.
        baseline: the best value so far; None takes the first one for an improvement.
        min_delta: how much better a value must be to count.

    Attributes:
        best: the best value so far.
        monitor_op: np.less or np.greater, when the first value has come.

    Example:
        >>> watch = MonitorCallback("loss", mode="min", min_delta=0.1)
        >>> watch.is_improvement(0.95, 1.0), watch.is_improvement(0.85, 1.0)
        (False, True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, so 'auto' is used. Expected "
                "'auto', 'min' or 'max'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: Any = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def is_improvement(self, value: Any, reference: Any) -> bool:
        """Return whether `value` is better than `reference` by more than min_delta.

        NaN is never better. None as the reference is worse than any value.

        Raises:
            ValueError: if the mode is 'auto', and nothing tells which values are better.
        """
        op = self.choose_op()
        if reference is None:
            return True
        delta = -self.min_delta if op is np.less else self.min_delta
        number = np.dtype(config.floatx()).type  # as Keras, which compares in its float type
        return bool(op(number(value - delta), number(reference)))

    def choose_op(self) -> Callable[[Any, Any], Any]:
        """Return `monitor_op`, and settle it first if it is not yet.

        Raises:
            ValueError: as `is_improvement`.
        """
        if self.monitor_op is None:
            self.monitor_op = np.greater if self._direction() == "up" else np.less
        return self.monitor_op

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        if self.mode != "auto" or name == "loss":
            return "up" if self.mode == "max" else "down"
        named = [m for m in getattr(self.model, "metrics", ()) if m.name == name]
        found = [m._direction for m in named if hasattr(m, "_direction")]
        if not found:
            raise ValueError(
                f"{type(self).__name__} received monitor={self.monitor!r}, and nothing tells "
                "whether larger or smaller values of it are better. Expected mode='max' or "
                f"mode='min'. Received: mode={self.mode!r}."
            )
        return str(found[-1])

    def value(self, logs: Logs | None, warning: str) -> Any:
        """Return the value in the logs; without one, None, after a warning."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            names = ",".join(logs or {})
            warnings.warn(
                f"{warning} `{self.monitor}` which is not available. "
                f"Available metrics are: {names}",
                stacklevel=3,
            )
        return found
