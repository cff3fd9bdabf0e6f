"""The workloads: what is timed, how large it is, and which images it is done on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

SMALL = (784, 128, 10)
WIDE = (784, 1024, 1024, 10)
VOCABULARY, WORDS = 20_000, 256
"""How many words the texts are made of, and how long they are."""

CHECKED = 10_000
"""The loss reached is worked out on at most so many of the training images."""


class Workload(NamedTuple):
    """One row of the table.

    Attributes:
        key: what it is chosen by.
        kind: what a worker does: 'import', 'neuron', 'train', 'step', 'evaluate', 'predict',
            'predict-one', 'call-one', 'memory' or 'verbose'.
        title: what it is called in the table.
        network: which of `NETWORKS`.
        sizes: of the layers of a dense network, the input first.
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
    network: str = "dense"

    def kernels(self) -> list[Array]:
        """Return the weights that every contender starts from; the biases start as zeros."""
        if self.network == "dense":
            return initial_kernels(self.sizes)
        return glorot(NETWORKS[self.network].kernels)


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
    batches = 128 * (10 if quick else 40)
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
        Workload(
            "convnet-128",
            "step",
            "step of the 2-conv MNIST convnet, batch 128",
            batch=128,
            samples=min(n, batches),
            network="convnet",
        ),
        Workload(
            "convnet-one",
            "predict-one",
            "predict 1 image, 2-conv MNIST convnet",
            samples=1,
            network="convnet",
        ),
        Workload(
            "lstm-32",
            "step",
            "step of an LSTM(64), 80 steps, batch 32",
            batch=32,
            samples=min(n, batches // 4),
            network="lstm",
        ),
        Workload(
            "lstm-one",
            "predict-one",
            "predict 1 sequence, LSTM(64), 80 steps",
            samples=1,
            network="lstm",
        ),
        Workload(
            "text-32",
            "step",
            "step of a text classifier, batch 32",
            samples=min(n, 32 * (40 if quick else 160)),
            network="text",
        ),
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
    return glorot(list(pairwise(sizes)))


def glorot(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Return kernels of these shapes, (D, U) or (KH, KW, C, F)."""
    rng = np.random.default_rng(0)
    kernels = []
    for shape in shapes:
        limit = np.sqrt(6 / (prod(shape[:-2]) * sum(shape[-2:])))
        kernels.append(rng.uniform(-limit, limit, shape).astype(np.float32))
    return kernels


def dense_logits(weights: list[tuple[Array, Array]], x: Array) -> Array:
    """Return what a dense network, with relu between its layers, computes from x, (N, D)."""
    for i, (kernel, bias) in enumerate(weights):
        x = (np.maximum(x, 0) if i else x) @ kernel + bias
    return x


def convnet_logits(weights: list[tuple[Array, Array]], x: Array) -> Array:
    """Return what the convnet computes from x, (N, 28, 28, 1), a few images at a time."""
    *convolutions, (kernel, bias) = weights
    found = []
    for start in range(0, len(x), 200):
        h = x[start : start + 200]
        for w, b in convolutions:
            seen = np.lib.stride_tricks.sliding_window_view(h, w.shape[:2], axis=(1, 2))
            h = np.maximum(np.tensordot(seen, w, [(3, 4, 5), (2, 0, 1)]) + b, 0)
            rows, columns = h.shape[1] // 2, h.shape[2] // 2
            h = h[:, : 2 * rows, : 2 * columns]
            h = h.reshape(len(h), rows, 2, columns, 2, -1).max(axis=(2, 4))
        found.append(h.reshape(len(h), -1) @ kernel + bias)
    return np.concatenate(found)


def lstm_logits(weights: list[tuple[Array, Array]], x: Array) -> Array:
    """Return what the LSTM between two dense layers computes from x, (N, T, D)."""
    (first, first_bias), (kernel, bias), (last, last_bias) = weights
    x = np.maximum(x @ first + first_bias, 0)
    h = c = np.zeros((len(x), kernel.shape[1] // 4), np.float32)
    for t in range(x.shape[1]):
        z = np.concatenate([x[:, t], h], axis=1) @ kernel + bias
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h @ last + last_bias


def text_logits(weights: list[tuple[Array, Array]], x: Array) -> Array:
    """Return what the text classifier computes from x, (N, WORDS)."""
    (vectors, _), (kernel, bias) = weights
    means = [vectors[x[i : i + 200]].mean(axis=1) for i in range(0, len(x), 200)]
    return np.concatenate(means) @ kernel + bias


def texts(labels: Array) -> Array:
    """Return texts (N, WORDS), numbers of words: a tenth of them are those of a label's topic.

    Of the others, some come up often and most rarely, as in a language (Zipf's law).
    """
    rng = np.random.default_rng(0)
    shape = len(labels), WORDS
    x = (VOCABULARY ** rng.uniform(size=shape)).astype(np.int32) - 1
    topics = VOCABULARY // 2 + 100 * labels[:, np.newaxis] + rng.integers(0, 100, shape)
    return np.where(rng.uniform(size=shape) < 0.1, topics, x).astype(np.int32)


class Network(NamedTuple):
    """What a kind of network needs to be the same for all contenders.

    Attributes:
        input_shape: of one image, of what is used of it, or of one text.
        kernels: the shapes of its kernels, where they are not a workload's.
        logits: computes its output from [(kernel, bias), ...] and images.
        checked: the loss reached is worked out on at most so many images.
    """

    input_shape: tuple[int, ...]
    kernels: list[tuple[int, ...]]
    logits: Callable[[list[tuple[Array, Array]], Array], Array]
    checked: int


NETWORKS = {
    "dense": Network((784,), [], dense_logits, CHECKED),
    "convnet": Network(
        (28, 28, 1), [(3, 3, 1, 32), (3, 3, 32, 64), (1600, 10)], convnet_logits, 2_000
    ),
    "lstm": Network((80, 8), [(8, 64), (64 + 64, 4 * 64), (64, 10)], lstm_logits, 2_000),
    "text": Network((WORDS,), [(VOCABULARY, 16), (16, 10)], text_logits, 2_000),
}
"""Dense layers with relu between them; the simple convnet of Keras's tutorial; an LSTM that reads
the first 640 pixels in 80 steps, after a dense layer, its kernel that of x and h; and the text
classifier of TensorFlow's tutorial: Embedding, GlobalAveragePooling1D, Dense."""


def loss_of(
    weights: list[tuple[Array, Array]],
    x: Array,
    y: Array,
    regression: bool,
    network: str = "dense",
) -> float:
    """Return the mean loss of a network, the same formula for all: nobody grades himself.

    Arguments:
        weights: (kernel, bias) of each layer.
        x, y: inputs (N, ...), and labels (N,) or targets (N, U).
        regression: whether it is the squared error, not the cross-entropy.
        network: which of `NETWORKS`.
    """
    z = NETWORKS[network].logits(weights, x).astype(np.float64)
    if regression:
        return float(np.mean((z - y) ** 2))
    z -= z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]))


def loss_of_probabilities(p: Array, y: Array) -> float:
    """Return the mean cross-entropy of probabilities (N, C) for labels (N,)."""
    picked = p[np.arange(len(y)), y].astype(np.float64)
    return float(-np.mean(np.log(np.maximum(picked, 1e-12))))
