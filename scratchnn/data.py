"""Data: arrays in, batches out."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import config
from .arrays import Array
from .random import EpochOrder
from .strings import are_strings, as_strings


class Batch(NamedTuple):
    """One batch: inputs, targets and sample weights; what is not there is None.

    `y` is what the loss prepared; `raw`, where a metric wants them, the targets as they were given.
    """

    x: Array
    y: Any = None
    weight: Array | None = None
    raw: Any = None


def as_array(data: Any, what: str, strings: bool = False) -> Array:
    """Return `data` as an array of numbers; float data in memory in the default float dtype.

    Arguments:
        data: an array, nested lists of numbers, a pandas frame or series, or anything else that
            has `__array__`.
        what: its name in errors, such as 'x'.
        strings: whether strings are wanted, and not numbers: an array of bytes objects.

    Raises:
        ValueError: if there is nothing in it, or something other than numbers.
    """
    if are_strings(data) or strings:
        return _as_batch_of_strings(data, what, strings)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{what} must be an array, or nested lists of equal lengths. Received: "
            f"{type(data).__name__} that NumPy cannot make an array of ({error})."
        ) from None
    if array.dtype == object and hasattr(data, "to_numpy"):
        array = _from_pandas(data, what)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{what} must be an array of numbers. Received: {type(data).__name__} of dtype "
            f"{array.dtype}."
        )
    _check_is_batch(array, what, "number", array)
    if array.dtype.kind == "f" and array.dtype != config.floatx() and not on_disk(data):
        array = array.astype(config.floatx())
    return array


def _as_batch_of_strings(data: Any, what: str, wanted: bool) -> Array:
    if not wanted:
        kind = getattr(data, "dtype", None)
        raise ValueError(
            f"{what} must be an array of numbers. Received: {type(data).__name__} of "
            f"{f'dtype {kind}' if kind is not None else 'strings'}. StringLookup makes numbers of "
            'strings; a model that begins with Input(shape=(1,), dtype="string") takes them as x.'
        )
    if not are_strings(data) and np.size(data):
        raise ValueError(
            f"{what} must hold strings, for the model's input has dtype 'string'. Received: "
            f"{type(data).__name__}"
            + (f" of dtype {data.dtype}." if hasattr(data, "dtype") else f": {data!r}.")
        )
    array = as_strings(data, what)
    _check_is_batch(array, what, "string", data)
    return array


def _check_is_batch(array: Array, what: str, kind: str, data: Any) -> None:
    if array.ndim == 0:
        one = repr(data) if kind == "string" else str(data)
        raise ValueError(
            f"{what} must be a batch: an array whose first axis counts the samples. "
            f"Received: the single {kind} {one}. Write [{one}]."
        )
    if len(array) == 0:
        raise ValueError(f"{what} is empty: expected at least one sample. Shape: {array.shape}.")


def on_disk(data: Any) -> bool:
    """Return whether an array is a file's, which may be larger than memory: not to be copied."""
    return isinstance(data, np.memmap)


def _from_pandas(data: Any, what: str) -> Array:
    """Return a frame or series of pandas' own number types, with NaN where a value is missing."""
    try:
        return np.asarray(data.to_numpy(dtype=config.floatx(), na_value=np.nan))
    except (TypeError, ValueError):
        columns = dict(data.dtypes) if data.ndim == 2 else {data.name: data.dtype}
        bad = [f"{name!r} of dtype {kind}" for name, kind in columns.items() if kind.kind == "O"]
        raise ValueError(
            f"{what} must hold numbers in all of its columns. Received: a {type(data).__name__} "
            f"with {', '.join(bad) or 'other data'}."
        ) from None


def check_lengths(**arrays: Array | None) -> int:
    """Return the number of samples, which all arrays must share.

    Raises:
        ValueError: if they do not.
    """
    lengths = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "All data must have the same number of samples. Received: "
            + ", ".join(f"{name} with {count}" for name, count in lengths.items())
            + "."
        )
    return next(iter(lengths.values()))


class Batches:
    """What gives the batches of an epoch, again and again.

    Attributes:
        steps: batches in an epoch; None if nobody knows.
        once: whether it cannot start over for another epoch.
    """

    steps: int | None
    once: bool = False

    @property
    def seed(self) -> Any:
        """What the orders of the epochs, or the order of the running one, are drawn from.

        It is made of numbers and lists; None if the order is the same in all.
        """
        return None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        raise NotImplementedError

    def skip(self, epochs: int, batches: int, seed: Any) -> None:
        """Go on as after so many epochs and batches of a run that had this `seed` then."""
        raise NotImplementedError

    def on_epoch_begin(self) -> None:
        """Note that an epoch begins."""

    def on_epoch_end(self) -> None:
        """Note that an epoch has ended."""


class ArrayBatches(Batches):
    """Arrays in memory, cut into batches, in a new order each epoch.

    Without shuffling a batch is a view; with it, rows gathered into a buffer that the next batch
    overwrites.

    Arguments:
        x, y, weight, raw: the parts of a Batch, for all samples; lists of arrays for a model with
            several inputs or outputs.
        batch_size: samples per batch; the last may have fewer.
        shuffle: True, False, or 'batch' to shuffle within each batch only.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        weight: Any = None,
        batch_size: int = 32,
        shuffle: bool | str = False,
        raw: Any = None,
    ) -> None:
        parts = (x, y, weight, raw)
        self._lengths = [len(part) if isinstance(part, list) else None for part in parts]
        self._arrays = [a for part in parts for a in (part if isinstance(part, list) else [part])]
        self._pack = self._regroup if any(self._lengths) else Batch._make
        self.samples = len(self._arrays[0])
        self.batch_size = batch_size
        self.steps: int = math.ceil(self.samples / batch_size)
        self._left_out = 0
        self._order = EpochOrder(self.samples, batch_size, shuffle) if shuffle else None
        size = min(batch_size, self.samples)
        self._gathered: list[Any] = [
            (a, None if a is None or not shuffle else np.empty((size, *a.shape[1:]), a.dtype))
            for a in self._arrays
        ]

    def __iter__(self) -> Iterator[Batch]:
        order = self._order.next() if self._order is not None else None
        first, self._left_out = self._left_out * self.batch_size, 0
        for start in range(first, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            if order is None:
                yield self._pack([None if a is None else a[start:stop] for a in self._arrays])
            else:
                yield self._gather(order[start:stop])

    @property
    def seed(self) -> int | None:
        return None if self._order is None else self._order.seed

    def skip(self, epochs: int, batches: int, seed: int | None) -> None:
        if self._order is not None and seed is not None:
            self._order.restart(seed)
            for _ in range(epochs):
                self._order.next()
        self._left_out = batches

    def _gather(self, rows: Array) -> Batch:
        count = len(rows)
        # mode="clip" writes straight into the buffer; the rows are known to be in range.
        parts = [
            None if array is None else array.take(rows, 0, buffer[:count], "clip")
            for array, buffer in self._gathered
        ]
        return self._pack(parts)

    def _regroup(self, arrays: Iterable[Any]) -> Batch:
        """Return a Batch of which some parts are lists."""
        rest = iter(arrays)
        return Batch._make(
            next(rest) if length is None else [next(rest) for _ in range(length)]
            for length in self._lengths
        )


class Epochs:
    """Batches, epoch after epoch.

    With `steps_per_epoch` the batches run on from one epoch into the next; an epoch that reaches
    the end of the data stops short, with a warning, and the next starts over.

    Attributes:
        first: the number of the first epoch.
        steps: steps in an epoch; None if nobody knows.
    """

    def __init__(
        self, batches: Batches, steps_per_epoch: int | None = None, first: int = 0
    ) -> None:
        self._batches = batches
        self._steps_per_epoch = steps_per_epoch
        self._passes = 0  # through the data, the running one included
        self._running: Iterator[Batch] | None = None
        self._done = 0  # batches of the running pass
        self._ahead: Batch | None = None
        self._first_step = 0
        self.first = first
        self.steps = steps_per_epoch or batches.steps
        self._pass_by_pass = steps_per_epoch is None and not batches.once

    def over(self) -> bool:
        """Return whether nothing is left for another epoch: the data cannot start over."""
        if self._batches.once:
            self._ahead = self._next()
            return self._ahead is None
        return False

    def epoch(self) -> Iterator[tuple[int, Batch]]:
        """Yield (step, batch) for one epoch."""
        first, self._first_step = self._first_step, 0
        self._batches.on_epoch_begin()
        if self._pass_by_pass:
            self._passes += 1
            yield from enumerate(self._batches, first)
        else:
            yield from self._go_on(first)
        self._batches.on_epoch_end()

    def _go_on(self, first: int) -> Iterator[tuple[int, Batch]]:
        limit = self._steps_per_epoch
        for step in itertools.count(first) if limit is None else range(first, limit):
            batch = self._ahead or self._next()
            if batch is None and step == 0:  # the epoch before ended where the data does
                batch = self._next()
            if batch is None:
                if limit is not None:
                    warnings.warn(
                        f"The data ran out at step {step} of {limit}, so the epoch ends here. "
                        "steps_per_epoch times the epochs must not exceed the batches there are; "
                        "leave it out to go through all data in each epoch.",
                        stacklevel=5,
                    )
                return
            self._ahead = None
            self._done += 1
            yield step, batch
        if self._done == self._batches.steps:
            self._end_pass()

    def _next(self) -> Batch | None:
        """Return the next batch of the running pass, which begins or ends with it."""
        if self._running is None:
            self._begin_pass(0)
        assert self._running is not None
        batch = next(self._running, None)
        if batch is None:
            self._end_pass()
        return batch

    def _begin_pass(self, done: int) -> None:
        self._passes += 1
        self._running, self._done = iter(self._batches), done

    def _end_pass(self) -> None:
        self._running, self._done = None, 0

    def place(self, step: int) -> dict[str, Any]:
        """Return where the data is after so many steps of an epoch, for `resume` in another run.

        Arguments:
            step: the steps done; 0 when the epoch before has ended.
        """
        done = step if self._pass_by_pass else self._done
        running = done > 0
        return {
            "step": step,
            "passes": self._passes - running,
            "batches": done,
            "seed": self._batches.seed,
        }

    def resume(self, epoch: int, place: Mapping[str, Any]) -> None:
        """Make `epoch` the first one, and let it begin at a place in the data."""
        self.first = epoch
        self._first_step = place["step"]
        self._passes = place["passes"]
        self._batches.skip(place["passes"], place["batches"], place["seed"])
        if place["batches"] and not self._pass_by_pass:
            self._begin_pass(place["batches"])


def split_validation(fraction: float, x: Any, *others: Any) -> tuple[list[Any], list[Any]]:
    """Return the first part of the arrays for training and the last fraction for validation.

    Raises:
        ValueError: if a part would be empty.
    """
    if not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise ValueError(f"validation_split must be between 0 and 1. Received: {fraction!r}.")
    samples = len(x[0] if isinstance(x, list) else x)
    at = math.floor(samples * (1.0 - fraction))
    if at in (0, samples):
        raise ValueError(
            f"validation_split={fraction} of {samples} samples leaves nothing for "
            f"{'validation' if at else 'training'}. Use another fraction or more data."
        )
    arrays = (x, *others)
    return [_part(a, slice(at)) for a in arrays], [_part(a, slice(at, None)) for a in arrays]


def _part(arrays: Any, rows: slice) -> Any:
    """Return some rows of an array, of each array in a list, or None."""
    if isinstance(arrays, list):
        return [_part(array, rows) for array in arrays]
    return None if arrays is None else arrays[rows]


def class_weights(y: Array, class_weight: Mapping[int, float]) -> Array:
    """Return each sample's weight, that of its class; 1 for a class without one.

    Arguments:
        y: labels (N,) or (N, 1), or one-hot targets (N, C).
        class_weight: {class: weight}.

    Raises:
        ValueError: if it is not a dict.
    """
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight must be a dict such as {{0: 1.0, 1: 5.0}}. Received: {class_weight!r}."
        )
    if y.ndim > 1:
        y = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
    labels, places = np.unique(np.rint(y).astype(np.int64), return_inverse=True)
    weights = [class_weight.get(int(label), 1.0) for label in labels]
    return np.asarray(weights, config.floatx())[places].reshape(y.shape)
