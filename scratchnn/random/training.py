"""What training draws: the order of an epoch, and dropout masks."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array
from ..philox import MANTISSA, SeedPair, Stream, scratch
from .seeds import global_seed


class EpochOrder:
    """The order in which each epoch of a `fit` visits n samples.

    With a global seed the order is Keras's, and like Keras's it is the same in every epoch and in
    every fit on as many samples. Without one every epoch gets a fresh order.

    Arguments:
        n: number of samples.
        batch_size: samples in a batch; used by shuffle="batch" alone.
        shuffle: True for a permutation of all samples, False for none, or "batch" to shuffle
            inside each batch and leave the batches in place.

    Attributes:
        seed: what the fresh orders are drawn from; None where all are the same.

    Raises:
        ValueError: if `shuffle` is none of these.

    Example:
        >>> from scratchnn.random import set_random_seed
        >>> set_random_seed(42)
        >>> EpochOrder(10, 4).next()
        array([3, 8, 7, 5, 2, 0, 1, 6, 9, 4])
    """

    def __init__(self, n: int, batch_size: int = 1, shuffle: bool | str = True) -> None:
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"shuffle must be True, False or 'batch'. Received: {shuffle!r}.")
        self._n = n
        self._batch_size = max(batch_size if shuffle == "batch" else n, 1)
        self._fixed: Array | None = None
        self.seed: int | None = None
        if not shuffle:
            self._fixed = np.arange(n)
        elif (seed := global_seed()) is not None:
            self._fixed = self._seeded(seed)
        else:
            self.restart(int(np.random.SeedSequence().entropy))  # type: ignore[arg-type]
        if self._fixed is not None:
            self._fixed.flags.writeable = False

    def restart(self, seed: int) -> None:
        """Draw the fresh orders of a `seed` from now on, from the first one."""
        if self._fixed is None:
            self.seed = seed
            self._generator = np.random.default_rng(seed)

    def next(self) -> Array:
        """Return the next epoch's order: int64 indices (n,), which may be read-only."""
        if self._fixed is not None:
            return self._fixed
        if self._batch_size >= self._n:
            return self._generator.permutation(self._n)
        order = np.arange(self._n)
        whole = self._n - self._n % self._batch_size
        batches = order[:whole].reshape(-1, self._batch_size)
        self._generator.permuted(batches, axis=1, out=batches)
        self._generator.shuffle(order[whole:])
        return order

    def _seeded(self, seed: int) -> Array:
        """Fisher-Yates from the front of each batch: swap i with i + word % (samples from i on).

        Unlike the stateless draws, TensorFlow's shuffle takes its seed as the key, unscrambled;
        and each batch starts at a new block.
        """
        seed %= 2**31 - 1
        stream = Stream((seed, 0), (0 if seed else 2**31 - 1, 0))
        words_per_batch = -(-(self._batch_size - 1) // 4) * 4
        here = np.arange(self._n)
        batch, i = np.divmod(here, self._batch_size)
        remaining = np.minimum(self._n - here, self._batch_size - i)
        # The last sample of a batch has no word of its own, and nothing to be swapped with.
        words = stream.words(-(-self._n // self._batch_size) * words_per_batch + 1)
        partners = here + words[batch * words_per_batch + i] % remaining
        order = here.tolist()
        for j, k in enumerate(partners.tolist()):
            order[j], order[k] = order[k], order[j]
        return np.array(order, np.int64)


def dropout_mask_into(out: Array, rate: float, seed: SeedPair) -> None:
    """Write into `out` what dropout multiplies by: 0 where it drops, 1 / (1 - rate) elsewhere.

    An element is kept where its uniform number in [0, 1) is at least `rate`.

    Arguments:
        out: contiguous float array of any shape; overwritten.
        rate: fraction to drop, in [0, 1).
        seed: the seed pair of this call, from `SeedGenerator.next()`.

    Raises:
        ValueError: if `out` is not contiguous or `rate` is out of range.

    Example:
        >>> out = np.empty(6, np.float32)
        >>> dropout_mask_into(out, 0.5, (1, 0))
        >>> out
        array([2., 0., 2., 0., 0., 0.], dtype=float32)

    Reference:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
        JMLR 2014.
    """
    check_rate(rate)
    if not out.flags.c_contiguous:
        raise ValueError(f"Expected a contiguous `out`. Received: strides={out.strides}.")
    flat = out.reshape(-1)
    scale = out.dtype.type(1 / (1 - rate))
    # The uniform number is mantissa / 2**23, so mantissas can be compared instead.
    threshold = np.uint32(math.ceil(float(np.float32(rate)) * 2**23))
    for start, words in Stream.from_seed(seed).chunks(flat.size):
        np.bitwise_and(words, MANTISSA, out=words)
        keep = np.greater_equal(words, threshold, out=scratch.keep[: len(words)])
        piece = flat[start : start + len(words)]
        piece[:] = keep
        piece *= scale


def check_rate(rate: float) -> None:
    """Raise the ValueError for a rate that is no fraction of elements to drop."""
    if not 0 <= rate < 1:
        raise ValueError(f"Expected a dropout `rate` in [0, 1). Received: rate={rate!r}.")
