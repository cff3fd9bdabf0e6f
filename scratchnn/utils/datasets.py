"""Dataset: samples or batches, one after the other, again and again, and what is made of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import tree

Make = Callable[[], Iterable[Any]]


class Dataset:
    """Elements that come one after the other, anew whenever they are iterated over.

    `fit`, `evaluate` and `predict` take one whose elements are batches. The methods are those of
    TensorFlow's datasets that tutorials use; each returns a new dataset and leaves this one as it
    is. An element is an array or a tuple of arrays, or nested ones.

    Arguments:
        make: returns the elements, from the first, as something to iterate over.
        length: their number; None if nobody knows, or if there is no end.

    Example:
        >>> numbers = Dataset.from_arrays(np.arange(5)).map(lambda x: x * 10).batch(2)
        >>> [batch.tolist() for batch in numbers], len(numbers)
        ([[0, 10], [20, 30], [40]], 3)
    """

    def __init__(self, make: Make, length: int | None = None) -> None:
        self._make = make
        self._length = length
        self.class_names: list[str] | None = None
        self.file_paths: list[str] | None = None

    @classmethod
    def from_arrays(cls, arrays: Any) -> Dataset:
        """Return the samples of an array, or of arrays of one length in tuples, lists or dicts."""
        leaves = tree.flatten(arrays)
        arrays = tuple(arrays) if isinstance(arrays, list) else arrays

        def samples() -> Iterator[Any]:
            for i in range(len(leaves[0])):
                yield tree.map_structure(lambda array, i=i: array[i], arrays)

        return cls(samples, len(leaves[0]))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())

    def __len__(self) -> int:
        if self._length is None:
            raise TypeError("The number of elements in this dataset is not known.")
        return self._length

    def cardinality(self) -> int:
        """Return the number of elements; -2 if it is not known, as in TensorFlow."""
        return -2 if self._length is None else self._length

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over the elements, which are NumPy's already."""
        return iter(self)

    def _like(self, make: Make, length: int | None) -> Dataset:
        made = Dataset(make, length)
        made.class_names, made.file_paths = self.class_names, self.file_paths
        return made

    def map(self, function: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """Return what `function` returns for each element; a tuple is given to it in parts.

        Arguments:
            function: takes NumPy arrays.
            num_parallel_calls: taken and not needed; a PyDataset has workers.
        """

        def mapped() -> Iterator[Any]:
            for element in self:
                yield function(*element) if isinstance(element, tuple) else function(element)

        return self._like(mapped, self._length)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """Return the elements for which `predicate` returns something true."""

        def kept() -> Iterator[Any]:
            for element in self:
                parts = element if isinstance(element, tuple) else (element,)
                if predicate(*parts):
                    yield element

        return self._like(kept, None)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Return batches of so many elements, stacked along a new first axis."""

        def batches() -> Iterator[Any]:
            elements = iter(self)
            while group := list(itertools.islice(elements, batch_size)):
                if len(group) == batch_size or not drop_remainder:
                    yield tree.map_structure(lambda *parts: np.stack(parts), *group)

        length = self._length
        if length is not None:
            length = length // batch_size if drop_remainder else -(-length // batch_size)
        return self._like(batches, length)

    def unbatch(self) -> Dataset:
        """Return the single elements of batches."""

        def singles() -> Iterator[Any]:
            for batch in self:
                yield from Dataset.from_arrays(batch)

        return self._like(singles, None)

    def take(self, count: int) -> Dataset:
        """Return the first elements."""
        length = count if self._length is None else min(count, self._length)
        return self._like(lambda: itertools.islice(self, count), length)

    def skip(self, count: int) -> Dataset:
        """Return the elements after the first ones."""
        length = None if self._length is None else max(self._length - count, 0)
        return self._like(lambda: itertools.islice(self, count, None), length)

    def repeat(self, count: int | None = None) -> Dataset:
        """Return the elements so many times over; without end if `count` is None."""

        def repeated() -> Iterator[Any]:
            for _ in itertools.count() if count is None else range(count):
                yield from self

        known = None if self._length is None or count is None else self._length * count
        return self._like(repeated, known)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
    ) -> Dataset:
        """Return the elements in a random order, a new one each time.

        The next element is drawn from a buffer that the following ones fill up again. The numbers
        are not TensorFlow's.
        """
        rng = np.random.default_rng(seed)

        def shuffled() -> Iterator[Any]:
            draw = rng if reshuffle_each_iteration else np.random.default_rng(seed)
            elements = iter(self)
            waiting = list(itertools.islice(elements, buffer_size))
            while waiting:
                i = draw.integers(len(waiting))
                yield waiting[i]
                try:
                    waiting[i] = next(elements)
                except StopIteration:
                    waiting.pop(i)

        return self._like(shuffled, self._length)

    def cache(self, filename: str = "") -> Dataset:
        """Return the elements, kept in memory from the first time on.

        Raises:
            ValueError: for a file to keep them in, which is not supported.
        """
        if filename:
            raise ValueError("cache(filename) is not supported: elements are kept in memory.")
        kept: list[Any] = []

        def cached() -> Iterable[Any]:
            if not kept:
                kept.extend(self)
            return kept

        return self._like(cached, self._length)

    def prefetch(self, buffer_size: Any = None) -> Dataset:
        """Return the dataset as it is: nothing is made ahead of time here."""
        return self


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Return windows that slide over a series: window i is data[i], data[i + r], data[i + 2 r], ...

    Arguments:
        data: (T, ...), an array or nested lists; the first axis is time.
        targets: (T, ...), target i belongs to the window that begins at i; or None.
        sequence_length: time steps in a window.
        sequence_stride: steps between the beginnings of two windows.
        sampling_rate: r, steps between two elements of a window.
        batch_size: windows in a batch; None for single windows.
        shuffle: whether the windows come in a random order; the first order is Keras's, the
            shuffling within each epoch has other numbers.
        seed: for the order.
        start_index, end_index: use data[start_index:end_index] alone.

    Returns:
        A Dataset of (windows (N, sequence_length, ...), targets (N, ...)), or of windows alone.

    Raises:
        ValueError: for numbers that do not fit the length of the data.

    Example:
        >>> windows = timeseries_dataset_from_array(np.arange(6), np.arange(6)[3:], 3)
        >>> next(iter(windows))[0].tolist(), next(iter(windows))[1].tolist()
        ([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])
    """
    data = np.asarray(data)
    total = len(data)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < total:
            raise ValueError(
                f"{name} must be higher than 0 and lower than the length of the data, {total}. "
                f"Received: {name}={value}."
            )
    start, end = start_index or 0, end_index or total
    if not 0 <= start < total or not start < end <= total or (end_index and end_index >= total):
        raise ValueError(
            f"start_index and end_index must lie within the data of length {total}, the start "
            f"before the end. Received: start_index={start_index}, end_index={end_index}."
        )
    count = end - start - (sequence_length - 1) * sampling_rate
    data = data[start:end]
    if targets is not None:
        targets = np.asarray(targets)
        count = min(count, len(targets))
        targets = targets[start:end]
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        seed = int(np.random.randint(10**6)) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    steps = np.arange(sequence_length) * sampling_rate

    def windows(at: Any) -> Any:
        found = data[at[..., np.newaxis] + steps]
        return found if targets is None else (found, targets[at])

    if batch_size is None:
        single = Dataset(lambda: map(windows, starts), len(starts))
        return single.shuffle(1024, seed) if shuffle else single
    rng = np.random.default_rng(seed)

    def batches() -> Iterator[Any]:
        order = rng.permutation(starts) if shuffle else starts
        for first in range(0, len(order), batch_size):
            yield windows(order[first : first + batch_size])

    return Dataset(batches, -(-len(starts) // batch_size))


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Return two datasets: the first samples and the last ones.

    Arguments:
        dataset: an array; a list or a tuple of arrays of one length; a Dataset, of batches too; or
            anything that yields samples.
        left_size, right_size: a fraction or a number of samples; one of them may be left out.
        shuffle: whether the samples are shuffled before.
        seed: for that, with Python's `random`.
        preferred_backend: of no meaning here.

    Returns:
        Two Datasets; of batches where a Dataset of batches was given.

    Raises:
        TypeError: if the dataset is none of these.
        ValueError: for sizes that do not fit.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), list(right)
        (8, [np.int64(8), np.int64(9)])
    """
    import random

    if left_size is None and right_size is None:
        raise ValueError("At least one of left_size and right_size must be given. Received: none.")
    batch_size = None
    if hasattr(dataset, "__array__") or isinstance(dataset, tuple | list):
        if not len(dataset):
            raise ValueError(f"The dataset is empty. Received: {dataset!r}.")
        arrays = dataset if hasattr(dataset, "__array__") else tuple(map(np.asarray, dataset))
        samples = list(Dataset.from_arrays(arrays))
    elif isinstance(dataset, Iterable):
        samples, batch_size = _samples(dataset)
    else:
        raise TypeError(
            "The dataset must be an array, a list or tuple of arrays, or a Dataset. "
            f"Received: {dataset!r} of type {type(dataset).__name__}."
        )
    left, right = _sizes(left_size, right_size, len(samples))
    if shuffle:
        random.seed(random.randint(0, 10**6) if seed is None else seed)
        random.shuffle(samples)
    parts = samples[:left], samples[-right:]
    made = [Dataset(lambda part=part: part, len(part)) for part in parts]  # type: ignore[misc]
    if batch_size is not None:
        made = [part.batch(batch_size) for part in made]
    return made[0], made[1]


def _samples(dataset: Iterable[Any]) -> tuple[list[Any], int | None]:
    """Return the samples of a dataset, and the size of its batches if it has batches."""
    elements = list(dataset)
    leaves = tree.flatten(elements[0]) if elements else []
    sizes = {len(leaf) if np.ndim(leaf) else None for leaf in leaves}
    if len(sizes) == 1 and None not in sizes and (len(leaves) > 1 or np.ndim(leaves[0]) > 1):
        batches = Dataset(lambda: elements)
        return list(batches.unbatch()), sizes.pop()
    return elements, None


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    """Return the numbers of samples on both sides."""
    for name, size in (("left_size", left), ("right_size", right)):
        if isinstance(size, bool) or not isinstance(size, int | float | None):
            raise TypeError(
                f"{name} must be a number. Received: {name}={size!r} of type {type(size).__name__}."
            )
        limit = 1 if isinstance(size, float) else total
        if size is not None and not 0 < size < limit:
            raise ValueError(
                f"{name} must be a fraction in (0, 1), or a number of the {total} samples that "
                f"leaves some. Received: {name}={size}."
            )
    if isinstance(left, float):
        left = round(left * total)
    if isinstance(right, float):
        right = round(right * total)
    left = total - right if left is None and right is not None else left
    right = total - left if right is None and left is not None else right
    assert left is not None
    assert right is not None
    if left + right > total:
        raise ValueError(
            f"left_size and right_size must not exceed the {total} samples together. Received: "
            f"{left} and {right}."
        )
    for side, size in (("left", left), ("right", right)):
        if not size:
            raise ValueError(
                f"With {total} samples the {side} part would be empty. Change left_size or "
                "right_size."
            )
    return int(left), int(right)
