"""Random numbers: the same seed gives the numbers of Keras (as in `keras.random`).

First which seed is used: `SeedGenerator` and `set_random_seed`; then what training draws: epoch
orders and dropout masks; then the functions of `keras.random`. How a seed becomes numbers is in
philox.py.

Uniform numbers, integers, orders and masks equal those of Keras on TensorFlow exactly. Normals go
through a logarithm, a sine and a cosine, which libraries round differently, so a few of them
differ by a few units in the last place.

float64 is drawn as float32 and then widened, so a model has the same initial weights and the same
masks in both. (Keras draws other numbers for float64.)
"""

from __future__ import annotations

import math
import operator
import random as python_random
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from . import config, naming
from .arrays import Array, Tensor, as_tensor
from .philox import (
    MANTISSA,
    Doubles,
    SeedPair,
    Stream,
    binomial_by_rejection,
    binomial_by_waiting,
    box_muller,
    gamma_number,
    scratch,
    truncated_normals,
    unit,
    unit64,
)

__all__ = [
    "SeedGenerator",
    "normal",
    "uniform",
    "truncated_normal",
    "randint",
    "categorical",
    "dropout",
    "shuffle",
    "gamma",
    "beta",
    "binomial",
]

# ---------------------------------------------------------------------------------------------
# Which seed: generators and the global seed
# ---------------------------------------------------------------------------------------------

_global_seed: int | None = None
_global_generator: SeedGenerator | None = None


def make_seed() -> int:
    """Draw a seed from Python's `random`, as each unseeded initializer does when it is made."""
    return python_random.randint(1, 10**9)


def is_integer(value: object) -> bool:
    """Return whether `value` is a Python or NumPy integer."""
    return isinstance(value, (int, np.integer))


class SeedGenerator:
    """A seed that changes at every use: the pairs (seed, 0), (seed, 1), (seed, 2), ...

    Arguments:
        seed: an integer, or None for one drawn from Python's `random` module.
        name: the generator's name; automatic if None.

    Raises:
        ValueError: if `seed` is not an integer.

    Example:
        >>> generator = SeedGenerator(42)
        >>> generator.next(), generator.next()
        ((42, 0), (42, 1))
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is not None and not (is_integer(seed) and -(2**63) <= seed < 2**63):
            raise ValueError(
                f"`seed` must be an integer of at most 64 bits, or None. Received: seed={seed!r}."
            )
        self.name = naming.auto_name("seed_generator") if name is None else name
        self._initial_seed = None if seed is None else int(seed)
        self.state = np.array([make_seed() if seed is None else seed, 0], np.int64)

    def next(self, ordered: bool = True) -> SeedPair:
        """Return the state as a pair of integers, then advance it.

        Arguments:
            ordered: True counts uses in the second entry; False scrambles both entries, as the
                global generator does.
        """
        seed, uses = pair = (int(self.state[0]), int(self.state[1]))
        if ordered:
            self.state[1] = uses + 1
        else:
            self.state[:] = (seed + 1) * 5387 % 933199, (uses + 1) * 5387 % 933199
        return pair

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this generator again."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the generator of a `get_config()`."""
        return cls(**config)


Seed: TypeAlias = int | SeedGenerator | None


def draw_seed(seed: Seed) -> SeedPair:
    """Return the seed pair of one stateless draw.

    Arguments:
        seed: an integer (the same pair each time), a generator (its next pair), or None (the next
            pair of the global generator, which is made at its first use).

    Raises:
        ValueError: if `seed` is anything else.
    """
    global _global_generator
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        if _global_generator is None:
            _global_generator = SeedGenerator()
        return _global_generator.next(ordered=False)
    if not is_integer(seed):
        raise ValueError(
            "`seed` must be an integer, a SeedGenerator or None. "
            f"Received: seed={seed!r} of type {type(seed).__name__}."
        )
    return int(seed), 0


def set_random_seed(seed: int) -> None:
    """Seed everything: Python's `random`, NumPy's global generator, and this package.

    After it, layers made in the same order start from the same weights as in Keras, dropout
    draws the same masks, and `fit` uses the same orders.

    Arguments:
        seed: an integer in [0, 2**32 - 1].

    Raises:
        ValueError: if `seed` is not such an integer.

    Example:
        >>> set_random_seed(42)
        >>> make_seed(), make_seed()
        (686579304, 119540832)
    """
    if not (is_integer(seed) and 0 <= seed < 2**32):
        raise ValueError(
            "Expected `seed` argument to be an integer in [0, 2**32 - 1]. "
            f"Received: seed={seed!r} of type {type(seed).__name__}."
        )
    python_random.seed(int(seed))
    np.random.seed(seed)
    set_global_seed(seed)
    reset_global_generator()


def set_global_seed(seed: int | None) -> None:
    """Set only the seed of the epoch orders (what `tf.random.set_seed` is to Keras), or unset it.

    Arguments:
        seed: an integer; None makes every epoch's order a fresh one again.
    """
    global _global_seed
    _global_seed = None if seed is None else int(seed)


def reset_global_generator() -> None:
    """Forget the generator of unseeded draws; the next such draw makes a new one."""
    global _global_generator
    _global_generator = None


# ---------------------------------------------------------------------------------------------
# What training draws: epoch orders and dropout masks
# ---------------------------------------------------------------------------------------------


class EpochOrder:
    """The order in which each epoch of a `fit` visits n samples.

    With a global seed the order is Keras's, and like Keras's it is the same in every epoch and in
    every fit on as many samples. Without one every epoch gets a fresh order.

    Arguments:
        n: number of samples.
        batch_size: samples in a batch; used by shuffle="batch" alone.
        shuffle: True for a permutation of all samples, False for none, or "batch" to shuffle
            inside each batch and leave the batches in place.

    Raises:
        ValueError: if `shuffle` is none of these.

    Example:
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
        if not shuffle:
            self._fixed = np.arange(n)
        elif _global_seed is not None:
            self._fixed = self._seeded(_global_seed)
        else:
            self._generator = np.random.default_rng()
        if self._fixed is not None:
            self._fixed.flags.writeable = False

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
    _check_rate(rate)
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


def _check_rate(rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"Expected a dropout `rate` in [0, 1). Received: rate={rate!r}.")


# ---------------------------------------------------------------------------------------------
# keras.random: in each function `seed` is an integer (the same numbers at every call), a
# SeedGenerator, or None for the global generator
# ---------------------------------------------------------------------------------------------


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return `shape` as a tuple of integers; a size that is unknown or negative is an error."""
    try:
        dims = tuple(operator.index(size) for size in shape)
    except TypeError:
        dims = (-1,)
    if any(size < 0 for size in dims):
        raise ValueError(f"Expected `shape` to be a tuple of sizes. Received: shape={shape!r}.")
    return dims


def _float_dtype(dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    try:
        result = np.dtype(config.floatx() if dtype is None else dtype)
    except TypeError:
        result = np.dtype(object)
    if result not in (np.float32, np.float64):
        raise ValueError(
            f"Expected `dtype` 'float32' or 'float64' for random floats. Received: dtype={dtype!r}."
        )
    return result


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return uniform numbers: u (maxval - minval) + minval, u in [0, 1).

    Arguments:
        shape: shape of the result.
        minval: lower bound, included.
        maxval: upper bound, excluded.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> uniform((3,), seed=42).numpy()
        array([0.28243315, 0.4984169 , 0.7154585 ], dtype=float32)
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    stream = Stream.from_seed(draw_seed(seed))
    low, high = np.float32(minval), np.float32(maxval)
    numbers = unit(stream.words(math.prod(shape))).reshape(shape)
    numbers *= high - low
    numbers += low
    return as_tensor(numbers.astype(dtype, copy=False))


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return normal numbers: z stddev + mean, z from Box and Muller.

    Arguments:
        shape: shape of the result.
        mean: mean of the distribution.
        stddev: standard deviation.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> normal((2, 3), seed=42).shape
        (2, 3)
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    stream = Stream.from_seed(draw_seed(seed))
    count = math.prod(shape)
    z = box_muller(stream.words(count + count % 2))[:count].reshape(shape)
    return _scaled(z, mean, stddev, dtype)


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return normal numbers no further than two `stddev` from `mean`; others are drawn again.

    Arguments:
        shape: shape of the result.
        mean: mean of the distribution.
        stddev: standard deviation before the truncation.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> bool(np.abs(truncated_normal((1000,), seed=42)).max() < 2)
        True
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    stream = Stream.from_seed(draw_seed(seed))
    z = truncated_normals(stream, math.prod(shape)).reshape(shape)
    return _scaled(z, mean, stddev, dtype)


def _scaled(z: Array, mean: float, stddev: float, dtype: np.dtype[Any]) -> Tensor:
    z *= np.float32(stddev)
    z += np.float32(mean)
    return as_tensor(z.astype(dtype, copy=False))


def randint(
    shape: Sequence[int],
    minval: int,
    maxval: int,
    dtype: npt.DTypeLike = "int32",
    seed: Seed = None,
) -> Tensor:
    """Return uniform integers in [minval, maxval): minval + word % (maxval - minval).

    Arguments:
        shape: shape of the result.
        minval: lower bound, included.
        maxval: upper bound, excluded.
        dtype: an integer type. int32 draws one 32-bit word per number; every other type draws
            two, as int64, and is cast.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: if `dtype` is not an integer type, or the bounds are not integers of it with
            minval < maxval.

    Example:
        >>> randint((4,), 0, 5, seed=1).numpy()
        array([4, 4, 0, 1], dtype=int32)
    """
    kind, shape = np.dtype(dtype), checked_shape(shape)
    if kind.kind not in "iu":
        raise ValueError(f"Expected an integer `dtype`. Received: dtype={dtype!r}.")
    bits = 32 if kind == np.int32 else 64
    limit = 2 ** (bits - 1)
    bounded = is_integer(minval) and is_integer(maxval) and -limit <= minval < maxval <= limit - 1
    if not bounded:
        raise ValueError(
            f"Expected {bits}-bit integers with minval < maxval. "
            f"Received: minval={minval!r}, maxval={maxval!r}."
        )
    count = math.prod(shape)
    stream = Stream.from_seed(draw_seed(seed))
    words = stream.words(count * bits // 32).astype(np.uint64)
    if bits == 64:
        words = words[0::2] | words[1::2] << np.uint64(32)
    # Unsigned arithmetic wraps around to the right negative numbers.
    numbers = words % np.uint64(int(maxval) - int(minval)) + np.uint64(int(minval) % 2**64)
    return as_tensor(numbers.astype(np.int64).astype(kind).reshape(shape))


def categorical(
    logits: npt.ArrayLike,
    num_samples: int,
    dtype: npt.DTypeLike = "int32",
    seed: Seed = None,
) -> Tensor:
    """Return, for each row of logits, `num_samples` classes drawn with probability softmax(row).

    Where N (num_samples log2 C + C) passes some 6,000, TensorFlow deals the rows out to threads,
    and its numbers depend on the machine; these are always those of a single thread.

    Arguments:
        logits: array (N, C); entries that are not finite are never drawn.
        num_samples: how many to draw from each row.
        dtype: type of the result.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Returns:
        Class indices (N, num_samples).

    Raises:
        ValueError: if `logits` is not of rank 2.

    Example:
        >>> categorical([[0.0, 5.0]], 8, seed=1).numpy()
        array([[1, 1, 1, 1, 1, 0, 1, 1]], dtype=int32)
    """
    rows = logits if isinstance(logits, np.ndarray) else np.asarray(logits, np.float32)
    if rows.ndim != 2:
        raise ValueError(f"Expected `logits` of shape (N, C). Received: shape={rows.shape}.")
    finite = np.isfinite(rows)
    weights = np.where(finite, rows, -np.inf).astype(np.float64)
    weights -= np.max(weights, axis=1, keepdims=True, where=finite, initial=-1e300)
    sums = np.cumsum(np.exp(weights, out=weights), axis=1)
    stream = Stream.from_seed(draw_seed(seed))
    draws = unit64(stream.words(2 * len(rows) * num_samples)).reshape(len(rows), num_samples)
    result = np.empty(draws.shape, dtype)
    for row, total, u in zip(result, sums, draws, strict=True):
        row[:] = np.searchsorted(total, u * total[-1], side="right")
    return as_tensor(result)


def dropout(
    inputs: npt.ArrayLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return inputs / (1 - rate) with a random fraction `rate` of the elements set to 0.

    Arguments:
        inputs: float array of any shape.
        rate: fraction to drop, in [0, 1].
        noise_shape: shape of the mask, broadcast against `inputs`; None entries (and None) stand
            for the sizes of `inputs`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: if `rate` is out of range.

    Example:
        >>> dropout(np.ones(6, np.float32), 0.5, seed=1).numpy()
        array([2., 0., 2., 0., 0., 0.], dtype=float32)
    """
    x = np.asarray(inputs)
    if x.dtype not in (np.float32, np.float64):
        x = x.astype(config.floatx())
    if rate == 1:
        return as_tensor(np.zeros_like(x))
    _check_rate(rate)
    if rate == 0:
        return as_tensor(x)
    sizes = x.shape if noise_shape is None else noise_shape
    mask = np.empty([x.shape[i] if d is None else d for i, d in enumerate(sizes)], x.dtype)
    dropout_mask_into(mask, rate, draw_seed(seed))
    return as_tensor(np.where(mask > 0, x * x.dtype.type(1 / (1 - rate)), x.dtype.type(0)))


def shuffle(x: npt.ArrayLike, axis: int = 0, seed: Seed = None) -> Tensor:
    """Return x with its slices along `axis` in random order: that of as many uniform numbers.

    Arguments:
        x: array of rank 1 or more.
        axis: the axis to shuffle.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Example:
        >>> shuffle(np.arange(10), seed=3).numpy()
        array([7, 5, 4, 0, 6, 8, 2, 9, 3, 1])
    """
    x = np.asarray(x)
    keys = uniform((x.shape[axis],), dtype="float32", seed=seed).numpy()
    return as_tensor(np.take(x, np.argsort(keys, kind="stable"), axis=axis))


def _one_by_one(
    draw: Callable[..., float], shape: tuple[int, ...], *parameters: npt.ArrayLike
) -> Array:
    """Return the float32 numbers draw(i, *parameters), i counting them parameter by parameter."""
    arrays = np.broadcast_arrays(*(np.asarray(p, np.float32) for p in parameters))
    inner = arrays[0].shape
    split = len(shape) - len(inner)
    if split < 0 or shape[split:] != inner:
        raise ValueError(
            f"Expected `shape` to end in the shape of the parameters, {inner}. "
            f"Received: shape={shape}."
        )
    each = math.prod(shape[:split])
    result = np.empty((each, arrays[0].size), np.float32)
    for j, values in enumerate(zip(*(a.reshape(-1).tolist() for a in arrays), strict=True)):
        for i in range(each):
            result[i, j] = draw(j * each + i, *values)
    return result.reshape(shape)


def _gamma(seed: SeedPair, shape: tuple[int, ...], alpha: npt.ArrayLike) -> Array:
    stream = Stream.from_seed(seed)

    def draw(i: int, alpha: float) -> float:
        return gamma_number(alpha, Doubles(stream, 256 * i))

    return np.maximum(_one_by_one(draw, shape, alpha), np.finfo(np.float32).tiny)


def gamma(
    shape: Sequence[int],
    alpha: npt.ArrayLike,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return numbers of the gamma distribution of shape parameter `alpha` and scale 1.

    Arguments:
        shape: shape of the result; must end in the shape of `alpha`.
        alpha: positive number, or an array of them.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> gamma((3,), 2.0, seed=1).numpy()
        array([3.0492713, 1.9660243, 1.6230073], dtype=float32)
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    return as_tensor(_gamma(draw_seed(seed), shape, alpha).astype(dtype, copy=False))


def beta(
    shape: Sequence[int],
    alpha: npt.ArrayLike,
    beta: npt.ArrayLike,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return numbers of the beta distribution: a / (a + b), a of gamma(alpha), b of gamma(beta).

    Arguments:
        shape: shape of the result.
        alpha: positive number, or an array that broadcasts to `shape`.
        beta: positive number, or an array that broadcasts to `shape`.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> beta((2,), 1.0, 2.0, seed=1).numpy()
        array([0.36031184, 0.12604532], dtype=float32)
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    first, second = draw_seed(seed)
    a = _gamma((first, second), shape, np.broadcast_to(alpha, shape))
    b = _gamma((first + 12, second + 12), shape, np.broadcast_to(beta, shape))  # as Keras has it
    return as_tensor((a / (a + b)).astype(dtype, copy=False))


def binomial(
    shape: Sequence[int],
    counts: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Return numbers of the binomial distribution: the successes in `counts` trials.

    Arguments:
        shape: shape of the result; must end in that of counts and probabilities together.
        counts: number of trials, or an array of them.
        probabilities: probability of success, or an array of them.
        dtype: 'float32' or 'float64'; None for `config.floatx()`.
        seed: an integer, a SeedGenerator, or None for the global generator.

    Raises:
        ValueError: for a dtype, shape or seed that is none of these.

    Example:
        >>> binomial((4,), 40, 0.5, seed=1).numpy()
        array([23., 20., 25., 25.], dtype=float32)
    """
    dtype, shape = _float_dtype(dtype), checked_shape(shape)
    stream = Stream.from_seed(draw_seed(seed))

    def draw(i: int, count: float, p: float) -> float:
        if not 0 < p < 1 or count <= 0:
            return math.nan if math.isnan(p) else count * (p >= 1)
        rare = p if p <= 0.5 else float(np.float32(1) - np.float32(p))
        if np.float32(count) * np.float32(rare) >= 10:
            successes = binomial_by_rejection(count, rare, Doubles(stream, 256 * i))
        else:
            successes = binomial_by_waiting(count, rare, Doubles(stream, 42 * i))
        return successes if p <= 0.5 else count - successes

    return as_tensor(_one_by_one(draw, shape, counts, probabilities).astype(dtype))
