"""Fingerprints of strings: the two hash functions that TensorFlow puts strings into bins with.

Both are computed for many strings of one length at once: the strings are the rows of a matrix of
bytes, and each step of the algorithm is one operation on its columns of 64-bit words, modulo 2^64.

Reference: FarmHash's Fingerprint64 (Pike, 2014), and SipHash-2-4 (Aumasson and Bernstein, 2012,
SipHash: a Fast Short-Input PRF).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...arrays import Array

Words = Any
"""One 64-bit word of each string, (N,) uint64; or one for all of them."""


def _word(value: int) -> Words:
    return np.uint64(value & 0xFFFFFFFFFFFFFFFF)


_K0, _K1, _K2 = map(_word, (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
_CAT = _word(0xC6A4A7935BD1E995)


def farm_fingerprints(strings: Sequence[bytes]) -> Array:
    """Return FarmHash's 64-bit fingerprint of each string, (N,) uint64.

    Example:
        >>> farm_fingerprints([b"", b"hello"])
        array([11160318154034397263, 13009744463427800296], dtype=uint64)
    """
    return _by_length(strings, _farm)


def sip_hashes(strings: Sequence[bytes], key: Sequence[int]) -> Array:
    """Return the SipHash-2-4 of each string under a key of two numbers, (N,) uint64.

    Example:
        >>> sip_hashes([b"hello"], (1, 2)).dtype
        dtype('uint64')
    """
    return _by_length(strings, lambda rows: _sip(rows, _word(key[0]), _word(key[1])))


def concatenated(a: Array, b: Array) -> Array:
    """Return fingerprints of pairs of fingerprints, in which the order counts."""
    with np.errstate(over="ignore"):
        mixed = a ^ _CAT ^ (_shift_mix(b * _CAT) * _CAT)
        return np.asarray(_shift_mix(_shift_mix(mixed * _CAT) * _CAT))


def _by_length(strings: Sequence[bytes], function: Callable[[Array], Array]) -> Array:
    """Apply a function of rows of bytes, all of one length, to the strings of each length."""
    hashes = np.empty(len(strings), np.uint64)
    places: dict[int, list[int]] = {}
    for place, string in enumerate(strings):
        places.setdefault(len(string), []).append(place)
    with np.errstate(over="ignore"):
        for length, where in places.items():
            joined = b"".join([strings[place] for place in where])
            rows = np.frombuffer(joined, np.uint8).reshape(len(where), length)
            hashes[where] = function(rows)
    return hashes


def _fetch(rows: Array, at: int, size: int = 8) -> Words:
    """Return the word of `size` bytes, the lowest first, that begins at byte `at` of each row."""
    word = np.zeros((len(rows), 8), np.uint8)
    word[:, :size] = rows[:, at : at + size]
    return word.view("<u8")[:, 0].astype(np.uint64)


def _rotated(word: Words, by: int, left: bool = False) -> Words:
    right = np.uint64(64 - by if left else by)
    return (word >> right) | (word << (np.uint64(64) - right))


def _shift_mix(word: Words) -> Words:
    return word ^ (word >> np.uint64(47))


# FarmHash ----------------------------------------------------------------------------------------


def _farm(rows: Array) -> Array:
    length = rows.shape[1]
    if length <= 16:
        found = _farm_16(rows)
    elif length <= 32:
        found = _farm_32(rows)
    else:
        found = _farm_64(rows) if length <= 64 else _farm_long(rows)
    return np.broadcast_to(found, len(rows))


def _mixed(u: Words, v: Words, by: Words) -> Words:
    a = _shift_mix((u ^ v) * by)
    return _shift_mix((v ^ a) * by) * by


def _farm_16(rows: Array) -> Words:
    length = rows.shape[1]
    by = _K2 + _word(2 * length)
    if length >= 8:
        a, b = _fetch(rows, 0) + _K2, _fetch(rows, length - 8)
        return _mixed(_rotated(b, 37) * by + a, (_rotated(a, 25) + b) * by, by)
    if length >= 4:
        first, last = _fetch(rows, 0, 4), _fetch(rows, length - 4, 4)
        return _mixed(_word(length) + (first << np.uint64(3)), last, by)
    if length > 0:
        a, b, c = (rows[:, at].astype(np.uint64) for at in (0, length // 2, length - 1))
        y, z = a + (b << np.uint64(8)), _word(length) + (c << np.uint64(2))
        return _shift_mix(y * _K2 ^ z * _K0) * _K2
    return _K2


def _ends(rows: Array, first: Words) -> tuple[Words, Words, Words]:
    """Return what the hashes of 17 to 64 bytes begin with: their ends mixed, and the factor."""
    length = rows.shape[1]
    by = _K2 + _word(2 * length)
    a, b = _fetch(rows, 0) * first, _fetch(rows, 8)
    c, d = _fetch(rows, length - 8) * by, _fetch(rows, length - 16) * _K2
    return _rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + _K2, 18) + c, by


def _farm_32(rows: Array) -> Words:
    return _mixed(*_ends(rows, _K1))


def _farm_64(rows: Array) -> Words:
    length = rows.shape[1]
    y, rest, by = _ends(rows, _K2)
    z = _mixed(y, rest, by)
    a = _fetch(rows, 0) * _K2
    e, f = _fetch(rows, 16) * by, _fetch(rows, 24)
    g, h = (y + _fetch(rows, length - 32)) * by, (z + _fetch(rows, length - 24)) * by
    return _mixed(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, by)


Pair = tuple[Words, Words]


def _weak(rows: Array, at: int, a: Words, b: Words) -> Pair:
    """Mix 32 bytes into two words."""
    w, x, y, z = (_fetch(rows, at + 8 * i) for i in range(4))
    a = a + w
    b = _rotated(b + a + z, 21)
    total = a + x + y
    return total + z, b + _rotated(total, 44) + a


def _farm_long(rows: Array) -> Words:
    length = rows.shape[1]
    x = _word(81) * _K2 + _fetch(rows, 0)
    y = _word(81 * int(_K1) + 113)
    z = _shift_mix(_word(int(y) * int(_K2) + 113)) * _K2
    v: Pair = (_word(0), _word(0))
    w: Pair = v
    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _round(rows, at, x, y, z, v, w, _K1, 1)
    by = _K1 + ((z & _word(0xFF)) << np.uint64(1))
    w = (w[0] + _word((length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _round(rows, length - 64, x, y, z, v, w, by, 9)
    return _mixed(_mixed(v[0], w[0], by) + _shift_mix(y) * _K0 + z, _mixed(v[1], w[1], by) + x, by)


def _round(
    rows: Array, at: int, x: Words, y: Words, z: Words, v: Pair, w: Pair, by: Words, times: int
) -> tuple[Words, Words, Words, Pair, Pair]:
    """Mix 64 bytes into the state; the last round has another factor, and takes parts 9 times."""
    often = _word(times)
    x = _rotated(x + y + v[0] + _fetch(rows, at + 8), 37) * by
    y = _rotated(y + v[1] + _fetch(rows, at + 48), 42) * by
    x = x ^ (w[1] * often)
    y = y + v[0] * often + _fetch(rows, at + 40)
    z = _rotated(z + w[0], 33) * by
    v = _weak(rows, at, v[1] * by, x + w[0])
    w = _weak(rows, at + 32, z + w[1], y + _fetch(rows, at + 16))
    return z, y, x, v, w


# SipHash -----------------------------------------------------------------------------------------


def _sip(rows: Array, k0: Words, k1: Words) -> Words:
    length = rows.shape[1]
    state = [
        k0 ^ _word(0x736F6D6570736575),
        k1 ^ _word(0x646F72616E646F6D),
        k0 ^ _word(0x6C7967656E657261),
        k1 ^ _word(0x7465646279746573),
    ]
    for at in range(0, length // 8 * 8, 8):
        state = _sip_block(state, _fetch(rows, at))
    last = _fetch(rows, length // 8 * 8, length % 8) | _word((length & 0xFF) << 56)
    state = _sip_block(state, last)
    state[2] = state[2] ^ _word(0xFF)
    a, b, c, d = _sip_rounds(state, 4)
    return a ^ b ^ c ^ d


def _sip_block(state: list[Words], word: Words) -> list[Words]:
    a, b, c, d = _sip_rounds([*state[:3], state[3] ^ word], 2)
    return [a ^ word, b, c, d]


def _sip_rounds(state: list[Words], count: int) -> list[Words]:
    a, b, c, d = state
    for _ in range(count):
        a = a + b
        c = c + d
        b = _rotated(b, 13, left=True) ^ a
        d = _rotated(d, 16, left=True) ^ c
        a = _rotated(a, 32) + d
        c = c + b
        d = _rotated(d, 21, left=True) ^ a
        b = _rotated(b, 17, left=True) ^ c
        c = _rotated(c, 32)
    return [a, b, c, d]
