"""Where the time of one training step goes: gather, forward, loss, backward, optimizer, metrics.

    python benchmarks/profile_step.py
    python benchmarks/profile_step.py --batch 128 --hidden 1024 --layers 2 --steps 100

A real model is trained by its own `fit`, on MNIST, while clocks run around its own methods; blocks
of steps with and without clocks take turns, so that the price of the clocks shows. Beside each part
stands its floor: the matrix products of forward and backward alone, Adam's passes over the weights
alone, the rows taken alone, on arrays made beforehand.

Threads are those of NumPy's BLAS: set OPENBLAS_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from contenders import Floor, Scratchnn, Task
from machine import cores, describe_machine
from workloads import Array, initial_kernels, positive

import scratchnn as keras
from scratchnn.data import ArrayBatches
from scratchnn.datasets import mnist
from scratchnn.models.compiled import CompiledLoss, CompiledMetrics

PARTS = ("gather", "forward", "loss", "backward", "optimizer", "metrics")
REST = "bookkeeping"
Seconds = dict[str, float]


def clocked(clocks: Seconds, part: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method, with its time added to that of its part."""

    def call(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = method(*args, **kwargs)
        clocks[part] += time.perf_counter() - start
        return result

    return call


@contextlib.contextmanager
def instrumented(model: Any) -> Iterator[Seconds]:
    """Run clocks around the parts of the model's training step; yield {part: seconds so far}."""
    clocks = dict.fromkeys(PARTS, 0.0)
    methods = [
        ("forward", type(model), "forward"),
        ("loss", CompiledLoss, "forward"),
        ("loss", CompiledLoss, "gradient"),
        ("backward", type(model), "backward"),
        ("optimizer", type(model.optimizer), "step"),
        ("metrics", CompiledMetrics, "update"),
    ]
    iterate = ArrayBatches.__iter__

    def clocked_batches(self: ArrayBatches) -> Iterator[Any]:
        batches = iterate(self)
        following = clocked(clocks, "gather", lambda: next(batches, None))
        while (batch := following()) is not None:
            yield batch

    with contextlib.ExitStack() as patches:
        for part, owner, name in methods:
            method = clocked(clocks, part, getattr(owner, name))
            patches.enter_context(patch.object(owner, name, method))
        patches.enter_context(patch.object(ArrayBatches, "__iter__", clocked_batches))
        yield clocks


class Profile:
    """The same steps, again and again: with clocks, without, and the floor of each part.

    Arguments:
        batch: samples per step.
        hidden, layers: the size of the hidden layers and their number.
        steps: per block, or None for one pass over the 60,000 images.
    """

    def __init__(self, batch: int, hidden: int, layers: int, steps: int | None) -> None:
        (x, y), _ = mnist.load_data()
        self.steps = steps = min(steps or len(x) // batch, len(x) // batch)
        x, y = x[: steps * batch], y[: steps * batch].astype(np.intp)
        self._x = x.reshape(len(x), -1) / np.float32(255)
        self._y = y
        self.sizes = (784, *[hidden] * layers, 10)
        kernels = initial_kernels(self.sizes)
        task = Task(kernels, batch, False, self._x, self._y)
        self._contender = Scratchnn(0)
        self._contender.build(task)
        self._contender.set_kernels(kernels)
        self._floor = Floor(0)
        self._floor.build(task)
        self._floor.set_kernels(kernels)
        self._batch = batch
        self._rng = np.random.default_rng(0)
        self._contender.fit(1)
        self.floor_block()

    def plain_block(self) -> float:
        """Return the seconds of a step without clocks."""
        return self._contender.timed_epoch() / self.steps

    def clocked_block(self) -> Seconds:
        """Return the seconds of a step, part by part."""
        with instrumented(self._contender.model) as clocks:
            total = self._contender.timed_epoch()
        parts = {part: seconds / self.steps for part, seconds in clocks.items()}
        return {**parts, REST: total / self.steps - sum(parts.values())}

    def floor_block(self) -> Seconds:
        """Return the seconds of a step's floors."""
        clocks = dict.fromkeys(PARTS, 0.0)
        n, floor = self._batch, self._floor
        x, y = np.empty((n, 784), np.float32), np.empty(n, np.intp)
        order = self._rng.permutation(len(self._x))

        def take(rows: Array) -> None:
            self._x.take(rows, axis=0, out=x, mode="clip")
            self._y.take(rows, axis=0, out=y, mode="clip")

        gather = clocked(clocks, "gather", take)
        forward = clocked(clocks, "forward", floor.forward)
        backward = clocked(clocks, "backward", floor.backward)
        update = clocked(clocks, "optimizer", floor.update)
        for step in range(self.steps):
            gather(order[step * n : step * n + n])
            forward(n)
            backward(n)
            update()
        return {part: seconds / self.steps for part, seconds in clocks.items() if seconds}


def medians(blocks: Sequence[Seconds]) -> Seconds:
    """Return the median over the blocks, part by part."""
    return {part: statistics.median(block[part] for block in blocks) for part in blocks[0]}


def table(parts: Seconds, floors: Seconds, plain: float) -> str:
    """Return the table: seconds become microseconds per step.

    Arguments:
        parts: {part: seconds of a step}, with clocks.
        floors: the same for the floors.
        plain: the seconds of a step without clocks.
    """
    total, bottom = sum(parts.values()), sum(floors.values())
    lines = [f"{'part':<14}{'µs/step':>9}{'share':>8}{'floor':>9}{'× floor':>9}"]
    for part, seconds in parts.items():
        line = f"{part:<14}{seconds * 1e6:9.1f}{seconds / total:8.1%}"
        if part in floors:
            line += f"{floors[part] * 1e6:9.1f}{seconds / floors[part]:9.2f}"
        lines.append(line)
    lines += [
        f"{'all':<14}{total * 1e6:9.1f}{1:8.1%}{bottom * 1e6:9.1f}{total / bottom:9.2f}",
        f"{'without clocks':<14}{plain * 1e6:9.1f}{'':8}{bottom * 1e6:9.1f}{plain / bottom:9.2f}",
    ]
    if "gather" in floors:
        pure = bottom - floors["gather"]
        lines.append(
            f"\nWithout its gather, as in versus_keras.py, the floor is {pure * 1e6:.1f} µs, and a "
            f"step {plain / pure:.2f} times that."
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--batch", type=positive, default=32, help="samples per step")
    add("--hidden", type=positive, default=128, help="units of each hidden layer")
    add("--layers", type=positive, default=1, help="hidden layers")
    add("--steps", type=positive, help="per block; as many as 60,000 images give")
    add("--blocks", type=positive, default=9, help="blocks of each kind")
    args = parser.parse_args(argv)
    if args.batch > 60_000:
        parser.error(f"--batch: there are 60,000 images. Received: {args.batch}.")

    profile = Profile(args.batch, args.hidden, args.layers, args.steps)
    plain: list[float] = []
    parts: list[Seconds] = []
    floors: list[Seconds] = []
    for _ in range(args.blocks):
        plain.append(profile.plain_block())
        parts.append(profile.clocked_block())
        floors.append(profile.floor_block())
    machine = describe_machine()
    threads = os.environ.get("OPENBLAS_NUM_THREADS", f"{cores()} (all cores)")
    text = (
        f"{'-'.join(map(str, profile.sizes))}, batch {args.batch}, Adam; medians of "
        f"{args.blocks} blocks of {profile.steps} steps\n"
        f"{machine['processor']}, {threads} BLAS threads; Python {machine['python']}, "
        f"NumPy {machine['numpy']}, scratchnn {keras.__version__}\n\n"
        f"{table(medians(parts), medians(floors), statistics.median(plain))}"
    )
    print(text)
    return text


if __name__ == "__main__":
    main()
