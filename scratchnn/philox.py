"""Philox, the random words behind every random number, and the distributions made from them.

A counter-based generator: the words of a block follow from the key and the block's number
alone, so blocks can be computed side by side. From the top down: `philox` is the definition, a
`Stream` computes many blocks at once, and the functions after it turn words into numbers, bit by
bit as TensorFlow does on a CPU.

Reference:
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import Array

Words: TypeAlias = npt.NDArray[np.uint32]
SeedPair: TypeAlias = tuple[int, int]

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and sqrt(3) - 1: what the key grows by
_ROUNDS = 10
_MASK = 0xFFFFFFFF

_CHUNK = 8192  # blocks computed at once: the scratch below then stays in a core's L2 cache
_LOW = 0 if sys.byteorder == "little" else 1
_M0, _M1 = (np.asarray(m, np.uint64) for m in _MULTIPLIERS)


def philox(key: SeedPair, counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return the four random 32-bit words of one counter: the definition, in Python integers.

    Ten rounds of two multiplications whose high halves are mixed with the other words and the key.

    Arguments:
        key: two 32-bit words.
        counter: four 32-bit words.

    Example:
        >>> [hex(word) for word in philox((0, 0), (0, 0, 0, 0))]
        ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    for k0, k1 in _round_keys(key):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
    return c0, c1, c2, c3


def _round_keys(key: SeedPair) -> list[SeedPair]:
    return [
        ((key[0] + r * _WEYL[0]) & _MASK, (key[1] + r * _WEYL[1]) & _MASK) for r in range(_ROUNDS)
    ]


class _Lane:
    """A row of 64-bit numbers, with views of their low and of their high 32 bits."""

    __slots__ = ("high", "low", "wide")

    def __init__(self, wide: Array) -> None:
        halves = wide.view(np.uint32)
        self.wide, self.low, self.high = wide, halves[_LOW::2], halves[1 - _LOW :: 2]


class _Scratch(threading.local):
    """The working memory of the streams; each thread has its own."""

    def __init__(self) -> None:
        self.ramp = np.arange(_CHUNK, dtype=np.uint64)
        self.indices = np.empty(_CHUNK, np.uint64)
        self.lanes = np.zeros((6, _CHUNK), np.uint64)
        self.words = np.empty((_CHUNK, 4), np.uint32)
        self.keep = np.empty(4 * _CHUNK, np.bool_)


scratch = _Scratch()


class Stream:
    """All the random words of one seed: block i is Philox of the counter (i, `high`).

    Arguments:
        key: two 32-bit words.
        high: the upper two words of the counter; the lower two count the blocks.
    """

    def __init__(self, key: SeedPair, high: SeedPair = (0, 0)) -> None:
        # 0-d arrays: NumPy would convert a scalar at each of the rounds, for half a call's time.
        self._keys = [(k[0, ...], k[1, ...]) for k in np.array(_round_keys(key), np.uint64)]
        self.key, self.high = key, high

    @classmethod
    def from_seed(cls, seed: SeedPair) -> Self:
        """Return the stream of a stateless draw; Philox itself scrambles the seed into a key."""
        # Keras brings both entries into the range of an int32 by this floor-mod.
        low, high = (entry % 2147483646 for entry in seed)
        k0, k1, h0, h1 = philox((0x3EC8F720, 0x02461E29), (low, 0, high, 0))
        return cls((k0, k1), (h0, h1))

    def words(self, count: int) -> Words:
        """Return the first `count` words."""
        out = np.empty(count, np.uint32)
        for start, words in self.chunks(count):
            out[start : start + len(words)] = words
        return out

    def chunks(self, count: int) -> Iterator[tuple[int, Words]]:
        """Yield the first `count` words piece by piece, as (position, words).

        The pieces share one piece of scratch memory: use each before asking for the next.
        """
        for start in range(0, count, 4 * _CHUNK):
            n = min(_CHUNK, (count - start + 3) // 4)
            indices = np.add(scratch.ramp[:n], start // 4, out=scratch.indices[:n])
            yield start, self._fill(indices).reshape(-1)[: count - start]

    def blocks(self, indices: Array) -> Words:
        """Return the words (N, 4) of the blocks `indices` (N,)."""
        out = np.empty((len(indices), 4), np.uint32)
        for start in range(0, len(indices), _CHUNK):
            chunk = indices[start : start + _CHUNK].astype(np.uint64)
            out[start : start + len(chunk)] = self._fill(chunk)
        return out

    def _fill(self, indices: Array) -> Words:
        """Return, in scratch memory, the words of at most `_CHUNK` blocks.

        As `philox`, on whole rows: a and c are the two words that are multiplied, p and q their
        products, r and s the products of the round before, whose low halves are the two other
        words. Reading halves through views saves every shift and mask.
        """
        n = len(indices)
        a, c, p, q, r, s = (_Lane(row[:n]) for row in scratch.lanes)
        words = scratch.words[:n]
        np.bitwise_and(indices, _MASK, out=a.wide)
        np.right_shift(indices, 32, out=s.wide)
        c.wide.fill(self.high[0])
        r.wide.fill(self.high[1])
        for k0, k1 in self._keys:
            np.multiply(a.wide, _M0, out=p.wide)
            np.multiply(c.wide, _M1, out=q.wide)
            np.bitwise_xor(q.high, s.low, out=a.low)
            np.bitwise_xor(p.high, r.low, out=c.low)
            np.bitwise_xor(a.wide, k0, out=a.wide)
            np.bitwise_xor(c.wide, k1, out=c.wide)
            p, q, r, s = r, s, p, q
        for column, half in enumerate((a.low, s.low, c.low, r.low)):
            words[:, column] = half
        return words


MANTISSA = 0x7FFFFF  # the 23 stored bits of a float32
_ONE = 0x3F800000  # the bits of float32 1.0


def unit(words: Words) -> Array:
    """Turn words, in place, into float32 numbers in [0, 1): their low 23 bits / 2**23."""
    np.bitwise_and(words, MANTISSA, out=words)
    np.bitwise_or(words, _ONE, out=words)  # as a mantissa: a number in [1, 2)
    floats = words.view(np.float32)
    return np.subtract(floats, np.float32(1), out=floats)


def unit64(words: Words) -> npt.NDArray[np.float64]:
    """Return one float64 in [0, 1) for each two words: 20 bits of the first, all of the second."""
    pairs = words.reshape(-1, 2).astype(np.uint64)
    return np.ldexp((((pairs[:, 0] & 0xFFFFF) << 32) | pairs[:, 1]).astype(np.float64), -52)


def box_muller(words: Words) -> Array:
    """Turn words (an even number, overwritten) into as many standard normal float32 numbers.

    sin(2 pi v) r and cos(2 pi v) r with r = sqrt(-2 ln u), from each pair (u, v).

    Reference:
        Box and Muller, "A note on the generation of random normal deviates", 1958.
    """
    u, v = unit(words).reshape(-1, 2).T
    # Computed in double and rounded, as every operand of TensorFlow's is a float32.
    radius = np.log(np.maximum(u, np.float32(1e-7)), dtype=np.float64).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * radius)
    angle = (2 * math.pi * v.astype(np.float64)).astype(np.float32).astype(np.float64)
    z = np.empty((len(u), 2), np.float32)
    z[:, 0] = np.sin(angle)
    z[:, 1] = np.cos(angle)
    z *= radius[:, None]
    return z.reshape(-1)


def truncated_normals(stream: Stream, count: int) -> Array:
    """Return `count` standard normal numbers with |z| < 2.

    Every group of four results has 256 blocks of its own and takes from them the first four
    normals that fit, so the groups can be drawn side by side.
    """
    groups = -(-count // 4)
    result = np.empty((groups, 4), np.float32)
    found = np.zeros(groups, np.intp)
    todo = np.arange(groups)
    block = 0
    while len(todo):
        candidates = box_muller(stream.blocks(256 * todo + block).reshape(-1)).reshape(-1, 4)
        for z in candidates.T:
            fits = (np.abs(z) < 2) & (found[todo] < 4)
            rows = todo[fits]
            result[rows, found[rows]] = z[fits]
            found[rows] += 1
        todo = todo[found[todo] < 4]
        block += 1
    return result.reshape(-1)[:count]


# The distributions below accept or reject candidates one by one; they are written for one number
# at a time, in Python floats, as their papers have them.


class Doubles:
    """The float64 numbers in [0, 1) of a stream from block `block` on."""

    def __init__(self, stream: Stream, block: int) -> None:
        self._stream, self._block = stream, block
        self._left: list[float] = []

    def pair(self) -> list[float]:
        """Return the two numbers of the next block."""
        low, high = self._block & _MASK, self._block >> 32
        w0, w1, w2, w3 = philox(self._stream.key, (low, high, *self._stream.high))
        self._block += 1
        return [math.ldexp((a & 0xFFFFF) << 32 | b, -52) for a, b in ((w0, w1), (w2, w3))]

    def next(self) -> float:
        """Return one number: the second of a block, then the first."""
        if not self._left:
            self._left = self.pair()
        return self._left.pop()


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def gamma_number(alpha: float, numbers: Doubles) -> float:
    """Return one number of the gamma distribution of shape `alpha` and scale 1.

    d v with v = (1 + c z)**3, z normal, d = alpha - 1/3 and c = 1 / sqrt(9 d); alpha < 1 is
    drawn as alpha + 1 and multiplied by u**(1 / alpha).

    Reference:
        Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 2000.
    """
    if alpha == 1:
        return -math.log1p(-numbers.next())  # the exponential distribution
    d = alpha - 1 / 3 if alpha > 1 else alpha + 2 / 3
    c = 1 / 3 / math.sqrt(d)
    normals: list[float] = []
    while True:
        if not normals:
            u, angle = numbers.pair()
            radius = math.sqrt(-2 * math.log(max(u, 1e-7)))
            normals = [
                math.sin(2 * math.pi * angle) * radius,
                math.cos(2 * math.pi * angle) * radius,
            ]
        z = normals.pop()
        if 1 + c * z <= 0:
            continue
        v = (1 + c * z) ** 3
        u = numbers.next()
        if u < 1 - 0.0331 * z**4 or _log(u) < z * z / 2 + d * (1 - v + math.log(v)):
            return d * v if alpha > 1 else d * v * numbers.next() ** (1 / alpha)


def binomial_by_waiting(count: float, p: float, numbers: Doubles) -> float:
    """Return how many of `count` trials succeed, by drawing the waits between the successes.

    A wait has a geometric distribution, ceil(ln u / ln(1 - p)): fast where few succeed.
    """
    trials, successes = 0.0, 0
    while True:
        wait = _log(numbers.next()) / math.log1p(-p)
        trials += math.ceil(wait) if wait < count else math.inf
        if trials > count:
            return successes
        successes += 1


def binomial_by_rejection(count: float, p: float, numbers: Doubles) -> float:
    """Return how many of `count` trials succeed, by transformed rejection; count p is over 10.

    Reference:
        Hörmann, "The generation of binomial random variates", J. Stat. Comput. Simul. 1993,
        algorithm BTRS; the names are the paper's.
    """
    spq = math.sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spq
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = count * p + 0.5
    alpha = (2.83 + 5.1 / b) * spq
    v_r = 0.92 - 4.2 / b

    def log_density(k: float) -> float:
        ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        return ways + k * math.log(p) + (count - k) * math.log1p(-p)

    mode = log_density(math.floor((count + 1) * p))
    while True:
        u, v = numbers.next() - 0.5, numbers.next()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + c)
        if us >= 0.07 and v <= v_r:
            return k
        if 0 <= k <= count and _log(v * alpha / (a / us**2 + b)) <= log_density(k) - mode:
            return k
