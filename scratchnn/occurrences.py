"""Occurrences: the gradient of a table of rows, such as an Embedding's, as Keras sees it."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np

from .arrays import Array
from .context import Context

_FEW = 16
"""Counts of rows in samples pay off up to so many rows for each lookup of a sample."""


class Occurrences:
    """The gradient of a table whose rows were looked up: one slice for each time that one was.

    A row's gradient is the sum of its slices. Keras's optimizers never see that sum where they
    square gradients: they add up the squares of the slices. So they do here.

    Arguments:
        taken: (M, K), the rows that were looked up.
        slices: (M, D), the gradient of what was found, the same for each of K lookups. K is 1, or
            the number of time steps where a layer gave all of them the same gradient.
        table: V, the number of rows in the table.
        ctx: whose buffers to use.

    Attributes:
        rows: (R,), the rows that were looked up, each once, in order.
        width: D.

    Example:
        >>> slices = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> found = Occurrences(np.array([[4], [0], [4]]), slices, table=5)
        >>> found.rows, found.sums.tolist(), found.squares.tolist()
        (array([0, 4]), [[3.0, 4.0], [6.0, 8.0]], [[9.0, 16.0], [26.0, 40.0]])
    """

    def __init__(self, taken: Array, slices: Array, table: int, ctx: Context | None = None) -> None:
        self.taken = taken
        self.slices = slices
        self.width = slices.shape[1]
        self._table = table
        self._ctx = ctx
        seen = self._new("seen", (table,), bool)
        seen.fill(False)
        seen[taken] = True
        self.rows: Array = np.flatnonzero(seen)
        numbers = self._new("numbers", (table,), np.intp)
        numbers[self.rows] = np.arange(len(self.rows))
        self._numbers = np.take(
            numbers, taken, out=self._new("numbers taken", taken.shape, np.intp), mode="clip"
        )

    def _new(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Array:
        dtype = dtype or self.slices.dtype
        return np.empty(shape, dtype) if self._ctx is None else self._ctx.buffer(name, shape, dtype)

    @property
    def repeats(self) -> bool:
        """Whether any row was looked up more than once."""
        return len(self.rows) < self.taken.size

    @cached_property
    def sums(self) -> Array:
        """(R, D), the sums of each row's slices."""
        return self._total("sums", self.slices)

    @cached_property
    def squares(self) -> Array:
        """(R, D), the sums of the squares of each row's slices."""
        powers = self._new("powers", self.slices.shape)
        return self._total("squares", np.multiply(self.slices, self.slices, out=powers))

    @cached_property
    def sizes(self) -> Array:
        """(R, D), the sums of the absolute values of each row's slices."""
        powers = self._new("powers", self.slices.shape)
        return self._total("sizes", np.abs(self.slices, out=powers))

    def _total(self, name: str, slices: Array) -> Array:
        total = self._new(name, (len(self.rows), self.width))
        if self._counts is not None:
            return np.matmul(self._counts, slices, out=total)
        total.fill(0)
        if self.taken.shape[1] > 1:
            slices = np.repeat(slices, self.taken.shape[1], axis=0)
        flat, parts = total.reshape(-1), np.ascontiguousarray(slices).reshape(-1)
        if self.width % 2 == 0:
            # Two float32 are added as one complex64: half as many indices, and the same sums.
            pair = np.result_type(slices.dtype, np.complex64)
            flat, parts = flat.view(pair), parts.view(pair)
        np.add.at(flat, self._places, parts)
        return total

    @cached_property
    def _counts(self) -> Array | None:
        """(R, M), how often each row was looked up with each slice; None if that is too large."""
        samples, length = self.taken.shape
        if length == 1 or len(self.rows) > _FEW * length:
            return None
        places = self._numbers * samples
        places += np.arange(samples)[:, np.newaxis]
        counts = self._new("counts", (len(self.rows), samples))
        found = np.bincount(places.reshape(-1), minlength=counts.size)
        np.copyto(counts.reshape(-1), found, casting="unsafe")
        return counts

    @cached_property
    def _places(self) -> Array:
        """Where each (pair of) elements of all slices goes in the flat array of the totals."""
        width = self.width // 2 if self.width % 2 == 0 else self.width
        starts = self._new("starts", self._numbers.shape, np.intp)
        np.multiply(self._numbers, width, out=starts)
        places = self._new("places", (self.taken.size, width), np.intp)
        return np.add(starts.reshape(-1, 1), np.arange(width), out=places).reshape(-1)

    def replaced(self, slices: Array) -> Occurrences:
        """Return the same lookups with other slices."""
        new = copy.copy(self)
        new.slices, new._ctx = slices, None
        for name in ("sums", "squares", "sizes"):
            vars(new).pop(name, None)
        return new

    def joined(self, other: Occurrences) -> Occurrences:
        """Return these and those of another lookup in the same table."""
        taken = [of.taken.reshape(-1, 1) for of in (self, other)]
        slices = [np.repeat(of.slices, of.taken.shape[1], axis=0) for of in (self, other)]
        return Occurrences(np.concatenate(taken), np.concatenate(slices), self._table)
