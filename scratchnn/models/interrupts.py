"""Ctrl-C that waits for the end of a training step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class FinishStep:
    """Hold Ctrl-C back until `check` is called, so that no step is left half done.

    Within the `with` block the first Ctrl-C is noted and raised by the next `check()`; a second
    one is raised at once. Where Ctrl-C has another handler than Python's own, and outside the main
    thread, nothing changes.
    """

    def __init__(self) -> None:
        self._requested = False
        self._installed = False

    def __enter__(self) -> FinishStep:
        usable = threading.current_thread() is threading.main_thread()
        if usable and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True

    def check(self) -> None:
        """Raise the KeyboardInterrupt that came in the meantime, if any."""
        if self._requested:
            self._requested = False
            raise KeyboardInterrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if kind is None:
            self.check()
