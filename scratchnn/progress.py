"""The progress bar of `fit`, `evaluate` and `predict`, and of anything else that takes a while."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import config

_BOLD, _GREEN, _GREY, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
_STYLE = re.compile(r"\x1b\[\d+m")


def is_live(stream: Any) -> bool:
    """Return whether `stream` shows colours and lets a line be redrawn: a terminal or a notebook.

    Arguments:
        stream: a text stream such as `sys.stdout`; None counts as not live.
    """
    if type(stream).__module__.startswith("ipykernel"):
        return True
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def write(text: str) -> None:
    """Write `text` to the `sys.stdout` of this moment and flush it.

    Where the stream's encoding has no '━' it is written as '=', other characters as '?'. A
    program without a console (`sys.stdout` is None) writes nothing, as with `print`. After
    `config.disable_interactive_logging()` the text goes to the logger 'scratchnn' instead.
    """
    if not config.is_interactive_logging_enabled():
        import logging  # few programs need it

        logging.getLogger("scratchnn").info(_STYLE.sub("", text).strip("\b\r\n "))
        return
    stream = sys.stdout
    if stream is None:
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "utf-8"
        stream.write(text.replace("━", "=").encode(encoding, "replace").decode(encoding))
    stream.flush()


class Progbar:
    """Show how far a loop has come, how long it still takes, and its metrics.

    On a terminal or in a notebook the line is redrawn in place at most every `interval` seconds.
    Anywhere else (a pipe, a file) one line without control codes is written at the end.

    A fast loop asks `next_draw`, a `time.perf_counter()` reading, whether a redraw is due before
    it gathers the values; until then `update` need not be called at all:

        if time.perf_counter() >= bar.next_draw:
            bar.update(step, logs.items())

    It is minus infinity at first, so that the end of the first step is noted (the time per step
    leaves that step out: it pays for all preparations); then the time of the next redraw; and
    infinity when only the call that finalizes draws. That call always draws.

    Arguments:
        target: number of steps in all, None if unknown.
        width: length of the bar in characters.
        verbose: 1 for the bar, 2 for one line at the end, 0 for silence.
        interval: least time between two redraws, in seconds.
        stateful_metrics: names of the values shown as given; all others are averaged over the
            steps. If neither this nor `stateless_metrics` is given, all are averaged.
        stateless_metrics: names of the values averaged over the steps; all others are shown as
            given. An empty list shows all of them as given, which is what `fit` does.
        unit_name: what one step is called, as in `3ms/step`.

    Raises:
        ValueError: if both `stateful_metrics` and `stateless_metrics` are given.

    Example:
        >>> bar = Progbar(target=2)
        >>> bar.update(1, [("loss", 0.5)])
        >>> bar.update(2, [("loss", 0.25)])  # doctest: +ELLIPSIS
        2/2 ━━━━━━━━━━━━━━━━━━━━ 0s ...s/step - loss: 0.2500
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Expected `stateful_metrics` or `stateless_metrics`, not both: each says what "
                f"becomes of all other values. Received: stateful_metrics={stateful_metrics}, "
                f"stateless_metrics={stateless_metrics}."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.next_draw = -math.inf if verbose == 1 else math.inf
        self._averaged = None if stateless_metrics is None else frozenset(stateless_metrics)
        self._as_given = frozenset(stateful_metrics or ())
        self._values: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._shown = 0
        self._start = time.perf_counter()
        self._first_step_end: float | None = None

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Note that `current` steps are done, and draw if a redraw is due.

        Arguments:
            current: number of steps done.
            values: pairs (name, value). A value that is averaged counts once for each step since
                the last update; the call that finalizes shows it as given, as Keras does.
            finalize: whether this is the last call. None: if `current` has reached the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose:
            for name, value in values or ():
                self._record(name, value, 0 if finalize else max(current - self._seen, 1))
        self._seen = current
        now = time.perf_counter()
        step_time = self._step_time(current, now)
        if finalize or now >= self.next_draw:
            if self.verbose == 1:
                self._draw(current, now, step_time, finalize)
            elif self.verbose == 2 and finalize and self.target:
                write(self._summary(current, now, step_time))

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Note that `n` more steps are done: `update` of those seen so far plus `n`."""
        self.update(self._seen + n, values)

    def _record(self, name: str, value: Any, steps: int) -> None:
        value = value if isinstance(value, float) else np.asarray(value)
        averaged = name not in self._as_given if self._averaged is None else name in self._averaged
        if not averaged or steps == 0:
            self._values[name] = value, 1
        else:
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = total + value * steps, count + steps

    def _step_time(self, current: int, now: float) -> float:
        if not current:
            return 0.0
        if self._first_step_end is not None and current > 1:
            return (now - self._first_step_end) / (current - 1)
        if current == 1:
            self._first_step_end = now
        return (now - self._start) / current

    def _draw(self, current: int, now: float, step_time: float, finalize: bool) -> None:
        live = is_live(sys.stdout)
        self.next_draw = now + self.interval if live else math.inf
        if not live and not finalize:
            return
        line = self._bar(current)
        if finalize or not self.target:
            line += f" {_BOLD}{now - self._start:.0f}s{_PLAIN}"
        else:
            line += f" {_BOLD}{_clock(step_time * (self.target - current))}{_PLAIN}"
        line += f" {_duration(step_time)}/{self.unit_name}"
        for name, mean in self._means():
            line += f" - {name}: {_number(mean, abs(mean))}"

        visible = _STYLE.sub("", line)
        if live:
            # Backspaces and not only a carriage return: notebooks and IDE consoles may lack one.
            line = "\b" * self._shown + "\r" + line + " " * (self._shown - len(visible))
            self._shown = len(visible)
        else:
            line = visible
        write(line + "\n" if finalize else line)

    def _bar(self, current: int) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        done = int(self.width * (current / self.target))
        bar = f"{_BOLD}{current:{len(str(self.target))}d}/{self.target}{_PLAIN} "
        if done > 0:
            bar += f"{_GREEN}{'━' * done}{_PLAIN}"
        return f"{bar}{_GREY}{'━' * (self.width - done)}{_PLAIN}"

    def _summary(self, current: int, now: float, step_time: float) -> str:
        line = f"{current:{len(str(self.target))}d}/{self.target} - {now - self._start:.0f}s"
        line += f" - {_duration(step_time)}/{self.unit_name}"
        for name, mean in self._means():
            # The sign counts here, and not in the bar: so it is in Keras.
            line += f" - {name}: {_number(mean, mean)}"
        return line + "\n"

    def _means(self) -> list[tuple[str, Any]]:
        return [(name, np.mean(total) / count) for name, (total, count) in self._values.items()]


def _number(value: float, size: float) -> str:
    return f"{value:.4f}" if size > 1e-3 else f"{value:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if seconds > 60 else f"{whole}s"
