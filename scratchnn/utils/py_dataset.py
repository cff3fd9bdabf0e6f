"""PyDataset: batches by their number, made one by one, or ahead of time by workers."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future


class PyDataset:
    """The base of datasets that give a whole batch by its number.

    Your own defines `__len__`, the number of batches, and `__getitem__(index)`, which returns
    (x, y), (x, y, sample_weight) or (x,); `num_batches` instead of `__len__` may say None, for a
    dataset without end. `fit` visits the batches in a new order each epoch unless shuffle=False.

    Arguments:
        workers: how many batches are made at the same time, while the model trains; 1 (and 0) is
            none: each batch is made when it is needed.
        use_multiprocessing: whether the workers are processes, which the dataset is copied to, and
            not threads; then one worker counts, too.
        max_queue_size: how many batches may be ready and waiting.

    Raises:
        ValueError: for numbers that make no sense.

    Example:
        >>> import numpy as np
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         x = np.arange(3.0) + 3 * index
        ...         return x, x**2
        >>> [y.tolist() for x, y in Squares()]
        [[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]
    """

    # Class attributes, so that a subclass that forgets super().__init__() works all the same.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        if workers < 0 or max_queue_size < 1:
            raise ValueError(
                "workers must be at least 0, and max_queue_size at least 1. Received: "
                f"workers={workers}, max_queue_size={max_queue_size}."
            )
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    @property
    def num_batches(self) -> int | None:
        """The number of batches in an epoch; None for a dataset without end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must define __len__(), or num_batches as a property."
        )

    def on_epoch_begin(self) -> None:
        """Called when an epoch begins."""

    def on_epoch_end(self) -> None:
        """Called when an epoch has ended, and once before the first."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order, one epoch, without workers."""
        for index in self._indices(shuffle=False):
            yield self[index]

    def batches(self, shuffle: bool = False) -> Iterator[Any]:
        """Yield the batches of one epoch, made by the workers, if there are any.

        Arguments:
            shuffle: whether in a new order, from Python's `random`; not without an end.
        """
        indices = self._indices(shuffle)
        if self.workers > 1 or (self.workers and self.use_multiprocessing):
            return self._made_ahead(indices)
        return (self[index] for index in indices)

    def _indices(self, shuffle: bool) -> Iterable[int]:
        if self.num_batches is None:
            return itertools.count()
        indices = list(range(self.num_batches))
        if shuffle:
            random.shuffle(indices)
        return indices

    def _made_ahead(self, indices: Iterable[int]) -> Iterator[Any]:
        """Yield batches in the order of their indices while the workers make the next ones."""
        coming = iter(indices)
        waiting: deque[Future[Any]] = deque()
        pool = self._pool()
        try:
            while True:
                for index in itertools.islice(coming, self.max_queue_size - len(waiting)):
                    waiting.append(
                        pool.submit(_item, index)
                        if self.use_multiprocessing
                        else pool.submit(self.__getitem__, index)
                    )
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _pool(self) -> Executor:
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor  # they are heavy

        if self.use_multiprocessing:
            return ProcessPoolExecutor(self.workers, initializer=_adopt, initargs=(self,))
        return ThreadPoolExecutor(self.workers)


_dataset: Any = None


def _adopt(dataset: PyDataset) -> None:
    """Keep, in a worker process, the dataset that it makes batches of."""
    global _dataset
    _dataset = dataset


def _item(index: int) -> Any:
    return _dataset[index]
