"""The workloads: what is timed, how large it is, and which images it is done on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

SMALL = (784, 128, 10)
WIDE = (784, 1024, 1024, 10)
CHECKED = 10_000
"""The loss reached is worked out on at most so many of the training images."""


class Workload(NamedTuple):
    """One row of the table.

    Attributes:
        key: what it is chosen by.
        kind: what a worker does: 'import', 'neuron', 'train', 'evaluate', 'predict',
            'predict-one', 'call-one', 'memory' or 'verbose'.
        title: what it is called in the table.
        sizes: of the model's layers, the input first.
        batch: samples per training step.
        samples: images it is done on.
        epochs: per run.
        rounds: the most rounds that are worth their time.
    """

    key: str
    kind: str
    title: str
    sizes: tuple[int, ...] = SMALL
    batch: int = 32
    samples: int = 0
    epochs: int = 1
    rounds: int = 1000


def workloads(quick: bool = False, samples: int | None = None) -> list[Workload]:
    """Return all workloads, in the order of the table.

    Arguments:
        quick: whether to make do with fewer images and epochs.
        samples: training images; 60,000, or 10,000 if quick, unless given.
    """
    n = min(samples or (10_000 if quick else 60_000), 60_000)
    wide = min(n, 2_560) if quick else n
    tested = min(n, 10_000)
    steps = 50 if quick else 500
    few = 2 if quick else 3
    return [
        Workload("import", "import", "import", rounds=1 if quick else 5),
        Workload(
            "neuron",
            "neuron",
            f"one neuron, {steps} epochs on 6 points",
            (1, 1),
            batch=6,
            samples=6,
            epochs=steps,
            rounds=few,
        ),
        *(
            Workload(f"mnist-{b}", "train", _epoch(n, f"784-128-10, batch {b}"), SMALL, b, n)
            for b in (32, 128, 512)
        ),
        Workload(
            "wide-128",
            "train",
            _epoch(wide, "784-1024-1024-10, batch 128"),
            WIDE,
            128,
            wide,
            rounds=few,
        ),
        Workload("evaluate", "evaluate", f"evaluate {tested:,} images", samples=tested, rounds=few),
        Workload("predict", "predict", f"predict {tested:,} images", samples=tested, rounds=few),
        Workload("predict-one", "predict-one", "predict 1 image", samples=1),
        Workload("call-one", "call-one", "model(x) on 1 image", samples=1),
        Workload("memory", "memory", "peak memory of training", samples=n, rounds=1),
        Workload("verbose", "verbose", "verbose=1 against verbose=0", samples=n),
    ]


def _epoch(samples: int, what: str) -> str:
    return f"epoch of {samples:,}, {what}"


def positive(text: str) -> int:
    """Return an option's value, a whole number from 1 up."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


class Data(NamedTuple):
    """Images as vectors of 784 float32 numbers in [0, 1], with their labels."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def write_data(folder: Path, samples: int) -> None:
    """Write the first training images, and as many test images, where the workers find them."""
    from scratchnn.datasets import mnist

    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    images = [x[:samples].reshape(-1, 784) / np.float32(255) for x in (x_train, x_test)]
    labels = [y[:samples].astype(np.int64) for y in (y_train, y_test)]
    arrays = Data(images[0], labels[0], images[1], labels[1])
    for name, array in arrays._asdict().items():
        np.save(folder / f"{name}.npy", array)


def read_data(folder: Path) -> Data:
    """Return what `write_data` wrote."""
    return Data(*(np.load(folder / f"{name}.npy") for name in Data._fields))


def points() -> tuple[Array, Array]:
    """Return the six points that the one neuron learns, x (6, 1) and y = 2x - 1 (6, 1)."""
    x = np.arange(-1, 5, dtype=np.float32)[:, np.newaxis]
    return x, 2 * x - 1


def initial_kernels(sizes: tuple[int, ...]) -> list[Array]:
    """Return the weights that every contender starts from: Glorot's, from a fixed seed.

    The biases start as zeros.
    """
    rng = np.random.default_rng(0)
    kernels = []
    for d, u in pairwise(sizes):
        limit = np.sqrt(6 / (d + u))
        kernels.append(rng.uniform(-limit, limit, (d, u)).astype(np.float32))
    return kernels


def loss_of(weights: list[tuple[Array, Array]], x: Array, y: Array, regression: bool) -> float:
    """Return the mean loss of a network, the same formula for all: nobody grades himself.

    Arguments:
        weights: (kernel, bias) of each layer.
        x, y: inputs (N, D), and labels (N,) or targets (N, U).
        regression: whether it is the squared error, not the cross-entropy.
    """
    for i, (kernel, bias) in enumerate(weights):
        x = (np.maximum(x, 0) if i else x) @ kernel + bias
    z = x.astype(np.float64)
    if regression:
        return float(np.mean((z - y) ** 2))
    z -= z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]))


def loss_of_probabilities(p: Array, y: Array) -> float:
    """Return the mean cross-entropy of probabilities (N, C) for labels (N,)."""
    picked = p[np.arange(len(y)), y].astype(np.float64)
    return float(-np.mean(np.log(np.maximum(picked, 1e-12))))
