"""A process that holds one contender, and does as it is told by lines of JSON.

versus_keras.py starts it: python worker.py CONTENDER THREADS FOLDER, with the data in FOLDER.
Each line read is answered by one line: an object with the results, or with an "error".
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CONTENDERS, Contender, KerasProgram, Task
from workloads import (
    NETWORKS,
    Workload,
    loss_of,
    loss_of_probabilities,
    points,
    read_data,
    texts,
)

SPAN = 0.3
"""Short calls are repeated for so many seconds, and the median is taken."""


class Session:
    """One contender at work.

    Arguments:
        contender: it.
        folder: where the data is.
    """

    def __init__(self, contender: Contender, folder: Path) -> None:
        self._contender = contender
        self._data = read_data(folder)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one request."""
        if request["do"] == "versions":
            return {"versions": self._contender.versions()}
        if request["do"] == "prepare":
            self._prepare(Workload(**request["workload"]))
            return {}
        if request["do"] == "run":
            return self._run()
        if request["do"] == "loss":
            return {"loss": self._loss() if self._contender.learns else None}
        if request["do"] == "memory":
            return {"bytes": peak_memory()}
        raise ValueError(f"Expected a request that is known. Received: {request}.")

    def _prepare(self, work: Workload) -> None:
        """Make the model, put its data in place, and run once without counting."""
        self._work = work
        self._kernels = work.kernels()
        tested = work.kind in ("evaluate", "predict", "predict-one", "call-one")
        if work.kind == "neuron":
            x, y = points()
        elif tested:
            x, y = self._data.x_test[: work.samples], self._data.y_test[: work.samples]
        else:
            x, y = self._data.x_train[: work.samples], self._data.y_train[: work.samples]
        if work.network == "text":
            x = texts(y)
        elif work.kind != "neuron":
            shape = NETWORKS[work.network].input_shape
            x = np.ascontiguousarray(x[:, : math.prod(shape)]).reshape(-1, *shape)
        self._task = Task(self._kernels, work.batch, work.kind == "neuron", x, y, work.network)
        self._contender.build(self._task)
        self._contender.set_kernels(self._kernels)
        if tested:
            self._placed = self._contender.place(x), self._contender.place(y)
        if work.kind == "neuron":
            self._contender.fit(min(work.epochs, 10))
        elif work.kind != "memory":
            self._run()

    def _run(self) -> dict[str, Any]:
        """Return the seconds of one run."""
        contender, work = self._contender, self._work
        if work.kind in ("train", "memory"):
            return {"seconds": contender.timed_epoch()}
        if work.kind == "step":
            return {"seconds": contender.timed_epoch() / -(-work.samples // work.batch)}
        if work.kind == "neuron":
            contender.set_kernels(self._kernels)
            return {"seconds": seconds_of(lambda: contender.fit(work.epochs))}
        if work.kind == "verbose":
            return self._run_verbose()
        x, y = self._placed
        calls: dict[str, Callable[[], Any]] = {
            "evaluate": lambda: contender.evaluate(x, y),
            "predict": lambda: contender.predict(x),
            "predict-one": lambda: contender.predict(x),
            "call-one": lambda: contender.call(x),
        }
        return {"seconds": typical_seconds(calls[work.kind])}

    def _run_verbose(self) -> dict[str, Any]:
        """Return the seconds of an epoch with the progress bar, and of one without."""
        contender = self._contender
        assert isinstance(contender, KerasProgram)
        seconds = [0.0, 0.0]
        for verbose in (0, 1, 1, 0):
            with Terminal() as terminal, contextlib.redirect_stdout(terminal):
                seconds[verbose] += seconds_of(lambda v=verbose: contender.fit(1, verbose=v))
        quiet, loud = seconds
        return {"seconds": loud / 2, "quiet": quiet / 2}

    def _loss(self) -> float | None:
        """Return the loss that was reached: on the training data, or of what was predicted."""
        contender, kind = self._contender, self._work.kind
        task = self._task
        most = NETWORKS[task.network].checked
        x, y = task.x[:most], task.y[:most]
        if kind in ("neuron", "train", "step"):
            return loss_of(contender.weights(), x, y, task.regression, task.network)
        if kind == "evaluate":
            return contender.evaluate(*self._placed)[0]
        if kind in ("predict", "predict-one"):
            return loss_of_probabilities(contender.predict(self._placed[0]), y)
        if kind == "call-one":
            return loss_of_probabilities(contender.call(self._placed[0]), y)
        return None


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal, and shows nothing."""

    def __init__(self) -> None:
        super().__init__(open(os.devnull, "wb"), encoding="utf-8")  # noqa: SIM115

    def isatty(self) -> bool:
        return True


def seconds_of(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def typical_seconds(call: Callable[[], Any], span: float = SPAN) -> float:
    """Return the median time of a call that is repeated, three times at least."""
    end = time.perf_counter() + span
    times: list[float] = []
    while len(times) < 3 or time.perf_counter() < end:
        times.append(seconds_of(call))
    return statistics.median(times)


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held.

    Linux counts into `ru_maxrss` what the process held that started this one, so its own count is
    asked there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    name, threads, folder = sys.argv[1:]
    # Answers have the pipe to themselves: what a framework prints goes where errors go.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    answer: dict[str, Any]
    session, error = None, ""
    try:
        session = Session(CONTENDERS[name](int(threads)), Path(folder))
    except Exception:
        error = traceback.format_exc()
    for line in sys.stdin:
        try:
            answer = session.answer(json.loads(line)) if session else {"error": error}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(_without_nan(answer)), file=answers, flush=True)


def _without_nan(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with None for what JSON has no number for."""
    return {
        key: None if isinstance(value, float | np.floating) and not math.isfinite(value) else value
        for key, value in answer.items()
    }


if __name__ == "__main__":
    main()
