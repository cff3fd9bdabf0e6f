"""Sequences of different lengths, made one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from scratchnn.arrays import Array


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Return sequences as the rows of one array: short ones filled up, long ones cut.

    Arguments:
        sequences: N sequences, each of numbers or of arrays of one shape (...).
        maxlen: the length T of all rows; None for that of the longest sequence.
        dtype: the dtype of the array; `object` for strings.
        padding: 'pre' fills up a short sequence before its start, 'post' behind its end.
        truncating: 'pre' cuts a long sequence at its start, 'post' at its end.
        value: what fills up.

    Returns:
        An array (N, T, ...).

    Raises:
        ValueError: for what is no list of sequences, entries of different shapes, an unknown
            `padding` or `truncating`, or a string as `value` for a dtype of numbers.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    _check_place("padding", padding)
    _check_place("truncating", truncating)
    try:
        lengths = [len(sequence) for sequence in sequences]
    except TypeError:
        raise ValueError(
            f"pad_sequences expected a list of sequences. Received: {sequences!r}."
        ) from None
    if maxlen is None:
        maxlen = max(lengths, default=0)
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"A string as value needs dtype=object. Received: value={value!r}, dtype={dtype!r}."
        )
    shape = next((np.shape(sequence)[1:] for sequence in sequences if len(sequence)), ())
    rows = np.full((len(lengths), maxlen, *shape), value, kind)
    for i, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        kept = min(length, maxlen)
        if not kept:
            continue
        entries = np.asarray(sequence[-kept:] if truncating == "pre" else sequence[:kept], kind)
        if entries.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences expected entries of shape {shape}. "
                f"Received: {entries.shape[1:]} in sequence {i}."
            )
        rows[i, slice(-kept, None) if padding == "pre" else slice(kept)] = entries
    return rows


def _check_place(name: str, value: str) -> None:
    if value not in ("pre", "post"):
        raise ValueError(f"{name} must be 'pre' or 'post'. Received: {value!r}.")
