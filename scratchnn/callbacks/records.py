"""Callbacks that keep, write down or send away the logs of each epoch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .base import Callback, Logs

_TIMEOUT = 10.0
"""Seconds that RemoteMonitor's server may be silent."""


class History(Callback):
    """What `fit` returns: the logs of every epoch.

    Attributes:
        epoch: the epochs' numbers, from 0.
        history: {name: [value of each epoch]}.

    Example:
        >>> from scratchnn import Input, Sequential, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit([1.0], [1.0], epochs=3, verbose=0)
        >>> history.epoch, list(history.history)
        ([0, 1, 2], ['loss'])
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


class CSVLogger(Callback):
    r"""Write a line of comma-separated values per epoch, which is in the file when the epoch ends.

    The first line names the columns: `epoch`, then the logs of the first epoch in alphabetical
    order. If none of these is of a validation, there is a `val_` column for each, filled with
    `NA` until there is one; logs that come up later have no column.

    Arguments:
        filename: path of the file.
        separator: what stands between two values.
        append: True to go on writing to a file that exists; otherwise it is overwritten.

    Example:
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
        >>> with open(path, newline="") as file:
        ...     file.read()
        'epoch,loss,val_loss\r\n0,0.5,0.25\r\n'
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.append_header = True
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.keys = None
        with open(self.filename, "a" if self.append else "w") as file:
            self.append_header = file.tell() == 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        rows: list[list[Any]] = []
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if self.append_header:
                rows.append(["epoch", *self.keys])
        rows.append([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._write(rows)

    def _write(self, rows: list[list[Any]]) -> None:
        import csv

        # The lines end in \r\n on every system, so the file must not translate them.
        with open(self.filename, "a", newline="") as file:
            csv.writer(file, delimiter=self.sep).writerows(rows)


def _cell(value: Any) -> Any:
    """Return several values as one cell: "[1, 2]", quoted."""
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):  # type: ignore[arg-type]
        return f'"[{", ".join(map(str, value))}]"'
    return value


class RemoteMonitor(Callback):
    """Send the logs of each epoch to a web server, as JSON: {"epoch": 0, "loss": 0.5, ...}.

    A server that cannot be reached, or that is silent for ten seconds, is worth a warning; what
    it answers does not matter.

    Arguments:
        root: the server, such as "http://localhost:9000".
        path: the path below it that the POST requests go to.
        field: the name of the form's field that holds the JSON.
        headers: {name: value} of further HTTP headers.
        send_as_json: True for a body of JSON, and not a form.

    Raises:
        ValueError: if `root` is no http:// or https:// address.

    Example:
        >>> RemoteMonitor("localhost:9000")
        Traceback (most recent call last):
        ValueError: Expected a root such as 'http://localhost:9000'. Received: 'localhost:9000'.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(
                f"Expected a root such as 'http://localhost:9000'. Received: {root!r}."
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        import json
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        values = {name: np.asarray(value).tolist() for name, value in (logs or {}).items()}
        text = json.dumps({"epoch": epoch, **values})
        body = text if self.send_as_json else urlencode({self.field: text})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        headers = {"Content-Type": f"application/{kind}", **(self.headers or {})}
        request = Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=_TIMEOUT):
                pass
        except HTTPError as answer:
            answer.close()
        except (OSError, HTTPException) as error:
            warnings.warn(
                f"Could not reach RemoteMonitor root server at {self.root}: {error}", stacklevel=2
            )
