"""Tables whose rows are looked up, such as embeddings: how a step moves them.

Keras gives optimizers the gradient of each lookup, not their sum for each row: where an optimizer
squares gradients, the squares of the lookups add up. And a batch looks up few rows of a large
table: an optimizer that knows what `update` does where the gradient is 0, often much less, writes
it down as `update_rest`, and `update` is called for the other rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from ..occurrences import Occurrences
from ..parameters import Parameter

Repeated = tuple[Any, Occurrences, slice]
"""Which rows of an array were looked up, all lookups, and where those rows are among theirs."""


class Table:
    """A table (V, D) in an optimizer: its weights, gradients and slots.

    Arguments:
        parameter: the table.
        arrays: its weights, gradients and slots.
        block: how many elements `update` is given at once; None for all, in their shape.
    """

    def __init__(self, parameter: Parameter, arrays: Sequence[Array], block: int | None) -> None:
        self.parameter = parameter
        self._small = Context(dtype=parameter.dtype)
        if block is None:
            self._blocks = [(slice(0, len(parameter.value)), list(arrays))]
        else:
            self._whole = [array.reshape(-1, parameter.shape[1]) for array in arrays]
            self._length = max(1, block // parameter.shape[1])
            self._blocks = self._cut(self._whole)

    def _cut(self, arrays: Sequence[Array]) -> list[tuple[slice, list[Array]]]:
        """Return arrays of rows as flat blocks, and which rows are in each."""
        ends = range(0, len(arrays[0]), self._length)
        rows = [slice(i, min(i + self._length, len(arrays[0]))) for i in ends]
        return [(some, [array[some].reshape(-1) for array in arrays]) for some in rows]

    def step(
        self,
        update: Callable[..., None],
        update_rest: Callable[..., None] | None,
        note: Callable[[Repeated | None], None],
    ) -> None:
        """Move the table.

        Arguments:
            update, update_rest: the optimizer's.
            note: told, before each `update`, which of its rows were looked up more than once.
        """
        found = self.parameter.occurrences
        if found is not None and update_rest is not None and self.parameter.has_only_rows:
            self._step_rows(found, update, update_rest, note)
            return
        self.parameter.write_rows()
        for rows, block in self._blocks:
            if found is not None and found.repeats:
                first, last = np.searchsorted(found.rows, (rows.start, rows.stop))
                note((found.rows[first:last] - rows.start, found, slice(first, last)))
            update(*block)
        note(None)

    def _step_rows(
        self,
        found: Occurrences,
        update: Callable[..., None],
        update_rest: Callable[..., None],
        note: Callable[[Repeated | None], None],
    ) -> None:
        """Move the rows that were looked up, and those that were not, each by its own formula."""
        moved = [array for i, array in enumerate(self._whole) if i != 1]
        copies = [
            np.take(
                array,
                found.rows,
                axis=0,
                out=self._small.buffer(str(i), (len(found.rows), found.width)),
                mode="clip",
            )
            for i, array in enumerate(moved)
        ]
        for _, (w, _, *slots) in self._blocks:
            update_rest(w, *slots)
        for rows, block in self._cut([copies[0], found.sums, *copies[1:]]):
            if found.repeats:
                note((slice(None), found, rows))
            update(*block)
        note(None)
        for array, copy in zip(moved, copies, strict=True):
            array[found.rows] = copy
