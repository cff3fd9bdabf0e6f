"""Streams: data that comes batch by batch, from generators, iterables and PyDatasets."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .data import Batch, Batches
from .utils.py_dataset import PyDataset

Parts = tuple[Any, Any, Any]
"""What a batch of a stream holds: x, y or None, sample_weight or None."""


def is_stream(x: Any, y: Any = None) -> bool:
    """Return whether `x` yields batches itself, and is not the data of one input.

    A list is a stream if it holds batches, (x, y) or (x, y, sample_weight), and there is no y
    beside it.
    """
    if isinstance(x, PyDataset):
        return True
    if hasattr(x, "__array__") or isinstance(x, str | bytes | Mapping):
        return False
    if isinstance(x, tuple):
        return False
    if isinstance(x, list):
        return y is None and len(x) > 0 and all(_is_batch(item) for item in x)
    return isinstance(x, Iterable)


def _is_batch(item: Any) -> bool:
    arrays = isinstance(item, tuple) and any(hasattr(part, "__array__") for part in item)
    return arrays and len(item) > 1


def unpack(batch: Any) -> Parts:
    """Return (x, y, sample_weight) of what a stream yielded; what is not there is None.

    Raises:
        ValueError: if it is no batch.
    """
    if isinstance(batch, Batch):
        return batch.x, batch.y, batch.weight
    if isinstance(batch, Mapping) or hasattr(batch, "__array__"):
        return batch, None, None
    if not isinstance(batch, list | tuple) or not 1 <= len(batch) <= 3:
        length = f" of length {len(batch)}" if hasattr(batch, "__len__") else ""
        raise ValueError(
            "A batch must be (x,), (x, y) or (x, y, sample_weight), made of arrays. Received: "
            f"{type(batch).__name__}{length}."
        )
    x, y, weight = (*batch, None, None)[:3]
    return x, y, weight


def _known_length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # it has none, or none that it knows
        return None


class Stream(Batches):
    """The batches of a source that yields them, epoch after epoch.

    A source that can start over (a list, a DataLoader, a PyDataset) does so for each epoch. One
    that cannot, such as a generator, gives what it has once.

    Arguments:
        source: a PyDataset, or anything that can be iterated over: ArrayBatches, too, whose
            batches are then prepared one by one and not all before.
        shuffle: whether the batches of a PyDataset come in a new order each epoch; the order of
            other sources is their own.

    Raises:
        ValueError: if there is no batch in it.
    """

    def __init__(self, source: Any, shuffle: bool | str = False) -> None:
        self._source = source
        self._shuffle = bool(shuffle)
        self._prepare: Callable[[Parts], Batch] | None = None
        self._left_out = 0
        self._running_seed: Any = None  # of Python's random, before it shuffled the running epoch
        if isinstance(source, PyDataset):
            self.steps = source.num_batches
        elif isinstance(source, Batches):
            self.steps = source.steps
        else:
            self.steps = _known_length(source)
            self.once = iter(source) is source
        if self.steps == 0:
            self._refuse_empty()

    def _refuse_empty(self) -> None:
        raise ValueError(
            f"The data holds no batch: expected at least one. Received: an empty "
            f"{type(self._source).__name__}."
        )

    def first(self) -> Parts:
        """Return the first batch, which the next epoch begins with all the same."""
        if isinstance(self._source, PyDataset):
            return unpack(self._source[0])
        running = iter(self._source)
        batch = next(running, None)
        if batch is None:
            self._refuse_empty()
        if self.once:
            self._source = itertools.chain([batch], running)
        return unpack(batch)

    def prepare_with(self, prepare: Callable[[Parts], Batch]) -> None:
        """Let each batch be checked and prepared by a function of its parts."""
        self._prepare = prepare

    @property
    def seed(self) -> Any:
        if isinstance(self._source, Batches):
            return self._source.seed
        return (self._running_seed or random.getstate()) if self._is_shuffled else None

    @property
    def _is_shuffled(self) -> bool:
        return self._shuffle and isinstance(self._source, PyDataset)

    def skip(self, epochs: int, batches: int, seed: Any) -> None:
        if isinstance(self._source, Batches):
            self._source.skip(epochs, batches, seed)
            return
        if self._is_shuffled and seed is not None:
            version, state, gauss = seed
            random.setstate((version, tuple(state), gauss))
        self._left_out = batches

    def __iter__(self) -> Iterator[Batch]:
        assert self._prepare is not None
        left_out, self._left_out = self._left_out, 0
        self._running_seed = random.getstate() if self._is_shuffled else None
        try:
            for batch in itertools.islice(self._epoch(), left_out, None):
                yield self._prepare(unpack(batch))
        finally:
            self._running_seed = None

    def _epoch(self) -> Iterator[Any]:
        if isinstance(self._source, PyDataset):
            return self._source.batches(self._shuffle)
        return iter(self._source)

    def on_epoch_begin(self) -> None:
        if isinstance(self._source, PyDataset):
            self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        if isinstance(self._source, PyDataset):
            self._source.on_epoch_end()
