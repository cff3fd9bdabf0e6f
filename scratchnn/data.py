"""Data: arrays in, batches out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import config
from .arrays import Array
from .random import EpochOrder


class Batch(NamedTuple):
    """One batch: inputs, targets and sample weights; what is not there is None."""

    x: Array
    y: Any
    weight: Array | None


def as_array(data: Any, what: str) -> Array:
    """Return `data` as an array of numbers; float data in the default float dtype.

    Arguments:
        data: an array, nested lists of numbers, or anything that has `__array__`.
        what: its name in errors, such as 'x'.

    Raises:
        ValueError: if there is nothing in it, or something other than numbers.
    """
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{what} must be an array, or nested lists of equal lengths. Received: "
            f"{type(data).__name__} that NumPy cannot make an array of ({error})."
        ) from None
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{what} must be an array of numbers. Received: {type(data).__name__} of dtype "
            f"{array.dtype}."
        )
    if array.ndim == 0:
        raise ValueError(
            f"{what} must be a batch: an array whose first axis counts the samples. "
            f"Received: the single number {array}. Write [{array}]."
        )
    if len(array) == 0:
        raise ValueError(f"{what} is empty: expected at least one sample. Shape: {array.shape}.")
    if array.dtype.kind == "f" and array.dtype != config.floatx():
        array = array.astype(config.floatx())
    return array


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


class ArrayBatches:
    """Arrays in memory, cut into batches, in a new order each epoch.

    Without shuffling a batch is a view; with it, rows gathered into a buffer that the next batch
    overwrites.

    Arguments:
        x, y, weight: arrays with the same number of samples; y and weight may be None.
        batch_size: samples per batch; the last may have fewer.
        shuffle: True, False, or 'batch' to shuffle within each batch only.
    """

    def __init__(
        self,
        x: Array,
        y: Array | None = None,
        weight: Array | None = None,
        batch_size: int = 32,
        shuffle: bool | str = False,
    ) -> None:
        self.samples = len(x)
        self.batch_size = batch_size
        self.steps = math.ceil(self.samples / batch_size)
        self._arrays = (x, y, weight)
        self._order = EpochOrder(self.samples, batch_size, shuffle) if shuffle else None
        size = min(batch_size, self.samples)
        self._gathered: list[Any] = [
            (a, None if a is None or not shuffle else np.empty((size, *a.shape[1:]), a.dtype))
            for a in self._arrays
        ]

    def __iter__(self) -> Iterator[Batch]:
        """Yield one epoch."""
        order = self._order.next() if self._order is not None else None
        for start in range(0, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            if order is None:
                yield Batch(*(None if a is None else a[start:stop] for a in self._arrays))  # type: ignore[arg-type]
            else:
                yield self._gather(order[start:stop])

    def _gather(self, rows: Array) -> Batch:
        count = len(rows)
        # mode="clip" writes straight into the buffer; the rows are known to be in range.
        parts = [
            None if array is None else array.take(rows, 0, buffer[:count], "clip")
            for array, buffer in self._gathered
        ]
        return Batch(*parts)  # type: ignore[arg-type]


class Epochs:
    """Batches, epoch after epoch.

    With `steps_per_epoch` the batches run on from one epoch into the next; an epoch that reaches
    the end of the data stops short, with a warning, and the next starts over.
    """

    def __init__(self, batches: ArrayBatches, steps_per_epoch: int | None = None) -> None:
        self._batches = batches
        self._steps_per_epoch = steps_per_epoch
        self._left = 0
        self.steps = steps_per_epoch or batches.steps

    def epoch(self) -> Iterator[tuple[int, Batch]]:
        """Yield (step, batch) for one epoch."""
        if self._steps_per_epoch is None:
            yield from enumerate(self._batches)
            return
        if not self._left:
            self._running, self._left = iter(self._batches), self._batches.steps
        for step in range(self._steps_per_epoch):
            if not self._left:
                warnings.warn(
                    f"The data ran out at step {step} of {self._steps_per_epoch}, so the epoch "
                    "ends here. steps_per_epoch times the epochs must not exceed the batches "
                    "there are; leave it out to go through all data in each epoch.",
                    stacklevel=4,
                )
                return
            self._left -= 1
            yield step, next(self._running)


def split_validation(
    fraction: float, x: Array, *others: Array | None
) -> tuple[list[Array | None], list[Array | None]]:
    """Return the first part of the arrays for training and the last fraction for validation.

    Raises:
        ValueError: if a part would be empty.
    """
    if not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise ValueError(f"validation_split must be between 0 and 1. Received: {fraction!r}.")
    at = math.floor(len(x) * (1.0 - fraction))
    if at in (0, len(x)):
        raise ValueError(
            f"validation_split={fraction} of {len(x)} samples leaves nothing for "
            f"{'validation' if at else 'training'}. Use another fraction or more data."
        )
    arrays = (x, *others)
    return (
        [None if a is None else a[:at] for a in arrays],
        [None if a is None else a[at:] for a in arrays],
    )


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
