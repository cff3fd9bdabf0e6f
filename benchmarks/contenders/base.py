"""What the contenders share: the task, the settings, and what a worker asks of each."""

from __future__ import annotations

import time
from typing import Any, ClassVar, NamedTuple

from workloads import Array

ADAM_RATE = 1e-3
ADAM_EPSILON = 1e-7
SGD_RATE = 1e-2


class Task(NamedTuple):
    """A network, and the data it is trained on.

    Attributes:
        kernels: the initial kernel of each layer, (D, U), or (KH, KW, C, F) of a convolution; relu
            follows all but the last.
        batch: samples per step.
        regression: False for softmax, cross-entropy and Adam; True for a linear output, the
            squared error and SGD.
        x, y: inputs (N, ...), and labels (N,) or targets (N, U).
        network: which of `workloads.NETWORKS`.
    """

    kernels: list[Array]
    batch: int
    regression: bool
    x: Array
    y: Array
    network: str = "dense"


class Contender:
    """What a worker asks of a framework."""

    name: str
    title: str
    modules: tuple[str, ...]
    """What must be installed."""

    imports: str
    """What a program starts with: the import, and what is imported late by some."""

    environment: ClassVar[dict[str, str]] = {}
    kinds: tuple[str, ...] = ("import", "neuron", "train", "evaluate", "predict", "memory")
    """The kinds of workloads it takes part in."""

    networks: tuple[str, ...] = ("dense",)
    """The networks it takes part with."""

    learns = True
    """Whether there is a loss to be checked."""

    def __init__(self, threads: int) -> None:
        """Import the framework and hold it to so many threads."""
        raise NotImplementedError

    def versions(self) -> dict[str, str]:
        """Return the versions of what it is made of."""
        raise NotImplementedError

    def place(self, x: Array) -> Any:
        """Return inputs as the users of this framework keep them."""
        return x

    def build(self, task: Task) -> None:
        """Make the network and take the data."""
        raise NotImplementedError

    def set_kernels(self, kernels: list[Array]) -> None:
        """Set the kernels, and the biases to zero."""
        raise NotImplementedError

    def weights(self) -> list[tuple[Array, Array]]:
        """Return (kernel, bias) of each layer."""
        raise NotImplementedError

    def fit(self, epochs: int) -> None:
        """Train for some epochs."""
        raise NotImplementedError

    def timed_epoch(self) -> float:
        """Train for one epoch; return its seconds, without what is done once per `fit`."""
        start = time.perf_counter()
        self.fit(1)
        return time.perf_counter() - start

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        """Return the loss and accuracy on placed inputs and labels."""
        raise NotImplementedError

    def predict(self, x: Any) -> Array:
        """Return the probabilities for placed inputs."""
        raise NotImplementedError

    def call(self, x: Any) -> Array:
        """Return the probabilities for one placed sample, by the shortest way there is."""
        raise NotImplementedError
