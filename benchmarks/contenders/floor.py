"""The floor that no contender of this kind gets below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, Contender, Task


class Floor(Contender):
    """The floor: what no NumPy program can do without.

    A training step's matrix products, two forward and three backward (more with more layers), and
    Adam's passes over one vector of all weights, on arrays made beforehand. No gathering of
    samples, no bias, no relu, no loss; nothing is learned. Adam is written out here with the
    passes and the blocks of scratchnn/optimizers/adam.py and base.py, from which nothing is
    imported: a change there belongs here as well.
    """

    name = "floor"
    title = "floor"
    modules = ("numpy",)
    imports = "import numpy"
    kinds = ("import", "train", "evaluate", "predict", "predict-one", "call-one")
    learns = False
    block = 65536

    def __init__(self, threads: int) -> None:
        pass

    def versions(self) -> dict[str, str]:
        return {}

    def build(self, task: Task) -> None:
        self._x = task.x
        self._batch = task.batch
        sizes = [kernel.shape for kernel in task.kernels]
        count = sum(d * u + u for d, u in sizes)
        w, g, m, v = (np.zeros(count, np.float32) for _ in range(4))
        s = np.empty(min(count, self.block), np.float32)
        self._blocks = [
            (w[i:j], g[i:j], m[i:j], v[i:j], s[: j - i]) for i, j in _spans(count, self.block)
        ]
        self._kernels, self._gradients = (list(_kernel_views(a, sizes)) for a in (w, g))
        rng = np.random.default_rng(0)
        whole, rest = divmod(len(task.x), task.batch)
        lengths = {n: None for n in (task.batch, rest, 1) if n}
        self._activations = {n: self._outputs(task.x[:n], sizes) for n in lengths}
        self._deltas = {
            n: [rng.normal(0, 1e-3, (n, u)).astype(np.float32) for _, u in sizes] for n in lengths
        }
        self.steps = [task.batch] * whole + [rest] * (rest > 0)

    def _outputs(self, x: Array, sizes: list[tuple[int, int]]) -> list[Array]:
        return [x, *(np.empty((len(x), u), np.float32) for _, u in sizes)]

    def set_kernels(self, kernels: list[Array]) -> None:
        for view, kernel in zip(self._kernels, kernels, strict=True):
            view[...] = kernel

    def forward(self, n: int) -> None:
        """Multiply n samples through the layers."""
        arrays = self._activations[n]
        for kernel, x, y in zip(self._kernels, arrays, arrays[1:], strict=False):
            np.matmul(x, kernel, out=y)

    def backward(self, n: int) -> None:
        """Multiply their gradients back."""
        arrays, deltas = self._activations[n], self._deltas[n]
        for i in reversed(range(len(deltas))):
            np.matmul(arrays[i].T, deltas[i], out=self._gradients[i])
            if i:
                np.matmul(deltas[i], self._kernels[i].T, out=deltas[i - 1])

    def update(self) -> None:
        """Take Adam's passes."""
        rate_1, rate_2, alpha = np.float32(0.1), np.float32(0.001), np.float32(ADAM_RATE)
        epsilon = np.float32(ADAM_EPSILON)
        for w, g, m, v, s in self._blocks:
            np.subtract(g, m, out=s)
            s *= rate_1
            m += s
            np.multiply(g, g, out=s)
            s -= v
            s *= rate_2
            v += s
            np.sqrt(v, out=s)
            s += epsilon
            np.divide(m, s, out=s)
            s *= alpha
            w -= s

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            for n in self.steps:
                self.forward(n)
                self.backward(n)
                self.update()

    def weights(self) -> list[tuple[Array, Array]]:
        return []

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        self.predict(x)
        return float("nan"), float("nan")

    def predict(self, x: Array) -> Array:
        for n in [1] if len(x) == 1 else self.steps:
            self.forward(n)
        return np.empty((0, 0))

    call = predict


def _spans(count: int, length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, length):
        yield start, min(start + length, count)


def _kernel_views(vector: Array, sizes: list[tuple[int, int]]) -> Iterator[Array]:
    """Yield each kernel's part of a vector in which a bias follows each kernel."""
    start = 0
    for d, u in sizes:
        yield vector[start : start + d * u].reshape(d, u)
        start += d * u + u
