"""The distributions of `keras.random`.

In each function `seed` is an integer (the same numbers at every call), a SeedGenerator, or None
for the global generator.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import config
from ..arrays import Array, Tensor, as_tensor
from ..philox import (
    Doubles,
    SeedPair,
    Stream,
    binomial_by_rejection,
    binomial_by_waiting,
    box_muller,
    gamma_number,
    truncated_normals,
    unit,
    unit64,
)
from .seeds import Seed, draw_seed, is_integer
from .training import check_rate, dropout_mask_into


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return `shape` as a tuple of integers; a size that is unknown or negative is an error.

    Example:
        >>> checked_shape([2, np.int64(3)])
        (2, 3)
    """
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
    check_rate(rate)
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
