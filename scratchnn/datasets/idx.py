"""The IDX format, in which MNIST and its relatives were published."""

from __future__ import annotations

import math

import numpy as np

from scratchnn.arrays import Array


def parse_idx(content: bytes, shape: tuple[int, ...]) -> Array:
    """Return the array of unsigned bytes in an IDX file.

    The file: two zero bytes, the type (8: unsigned byte), the number of axes, the length of each
    axis as a big-endian 32-bit integer, then the values in C order.

    Arguments:
        content: the bytes of the file, decompressed.
        shape: the shape the array must have.

    Returns:
        A writable uint8 array of that shape.

    Raises:
        ValueError: if the head, the shape or the number of bytes is not as expected.

    Example:
        >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), (2,))
        array([7, 9], dtype=uint8)
    """
    magic = bytes([0, 0, 8, len(shape)])
    if content[:4] != magic:
        raise ValueError(
            f"Expected an IDX file of bytes with {len(shape)} axes, which starts with "
            f"{magic.hex(' ')}. Received: {content[:4].hex(' ') or 'an empty file'}."
        )
    head = 4 + 4 * len(shape)
    if len(content) < head:
        raise ValueError(f"Expected an IDX head of {head} bytes. Received: {len(content)}.")
    found = tuple(np.frombuffer(content[4:head], dtype=">u4").tolist())
    if found != shape:
        raise ValueError(f"Expected an IDX file of shape {shape}. Received: shape {found}.")
    expected = head + math.prod(shape)
    if len(content) != expected:
        raise ValueError(f"Expected an IDX file of {expected} bytes. Received: {len(content)}.")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape).copy()
