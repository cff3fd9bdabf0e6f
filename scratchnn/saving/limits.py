"""How much a file may ask for: memory is given for what it holds, not for what it says it holds.

A few bytes can declare an array of terabytes. So what a file declares is compared with its size,
before any memory is taken; and while a model is made from a file, its layers can make weights only
as large as those in the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from math import prod
from typing import Any

import numpy as np

from ..arrays import Array

MEGABYTE = 1 << 20

MAX_RATIO = 100
"""How many times larger than the file its content may be; weights compress by a few percent."""

MAX_MEMBERS = 100_000
MAX_CONFIG = 16 * MEGABYTE
MAX_DEPTH = 200
"""Levels of a config's dicts and lists."""

MAX_OBJECTS = 20_000
MAX_LAYERS = 3_000
"""Of a config: objects that are described, and layers of all its models. The largest of Keras's
applications has about a thousand layers, of five objects each."""

MAX_TRIAL = 1 << 28
"""Elements of the array on which a layer of your own is tried out for its output's shape."""

MAX_SIZES = {"num_thresholds": 1_000_000, "num_classes": 10_000}
"""The sizes that a metric makes arrays of, and the largest that a file may name."""


def largest_content(file_size: int) -> int:
    """Return how many bytes a file of `file_size` bytes may hold once it is unpacked."""
    return MAX_RATIO * file_size + 16 * MEGABYTE


class _Budget:
    def __init__(self, size: int) -> None:
        self.left = size


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextlib.contextmanager
def weights_from_file(size: int) -> Iterator[None]:
    """Within the `with` block, make weights as zeros, for a file will fill them.

    Arguments:
        size: how many bytes of weights the file holds; layers may ask for this much, ten times
            over (it may hold a smaller dtype), and a few megabytes.
    """
    token = _budget.set(_Budget(10 * size + 16 * MEGABYTE))
    try:
        yield
    finally:
        _budget.reset(token)


def placeholder(shape: Sequence[int], dtype: Any) -> Array | None:
    """Return zeros for a weight that a file will fill; None if no file is being loaded.

    Raises:
        ValueError: if the file has not as much as that.
    """
    budget = _budget.get()
    if budget is None:
        return None
    budget.left -= prod(shape) * np.dtype(dtype).itemsize
    if budget.left < 0:
        raise ValueError(
            f"The config asks for a weight of shape {tuple(shape)}, more than the file holds."
        )
    return np.zeros(tuple(shape), dtype)


def check_trial(shape: Sequence[int]) -> None:
    """Raise a ValueError if a file makes a layer be tried out on an array that is too large."""
    if _budget.get() is not None and prod(shape) > MAX_TRIAL:
        raise ValueError(f"The config asks for a layer on inputs of shape {tuple(shape)}.")


def check_extent(config: Any) -> None:
    """Raise a ValueError for a config of too many levels, objects or layers."""
    level, depth, objects, layers = [config], 0, 0, 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"the config has more than {MAX_DEPTH} levels of dicts and lists")
        for item in level:
            if isinstance(item, dict):
                objects += "class_name" in item
                inner = item.get("layers")
                layers += len(inner) if isinstance(inner, list | dict) else 0
        for count, most, what in (
            (objects, MAX_OBJECTS, "objects"),
            (layers, MAX_LAYERS, "layers"),
        ):
            if count > most:
                raise ValueError(f"the config describes {count} {what}, more than {most}")
        level = [inner for item in level for inner in _items(item)]


def check_sizes(config: Any) -> None:
    """Raise a ValueError for the config of a metric that would fill the memory."""
    for name, largest in MAX_SIZES.items():
        size = config.get(name) if isinstance(config, dict) else None
        if isinstance(size, int | float) and size > largest:
            raise ValueError(f"{name} must be at most {largest} in a file. Received: {size}")
    for item in _items(config):
        check_sizes(item)


def _items(config: Any) -> list[Any]:
    if isinstance(config, dict):
        return list(config.values())
    return list(config) if isinstance(config, list | tuple) else []
