"""Several cells, one on top of the other, as one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from ... import tree
from ...arrays import Array, Shape
from ...context import Context
from ..base import Layer
from . import stepping
from .cell import Cell, Mask, sizes_of


class StackedRNNCells(Cell):
    """Cells one on top of the other: the output of each is the input of the next.

    Arguments:
        cells: the cells, first to last.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D), y (N, U), U the output size of the last cell; the states of all cells, first to
        last.

    Raises:
        ValueError: if one of them is not a cell.

    Example:
        >>> from scratchnn.layers import RNN, GRUCell
        >>> RNN(StackedRNNCells([GRUCell(8), GRUCell(3)]))(np.ones((2, 5, 4))).shape
        (2, 3)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(type(self).__name__, cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the output, that of the last cell's."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            cell.ensure_built(tuple(input_shape))
            input_shape = (input_shape[0], output_size(cell))

    def forget_build(self) -> None:
        super().forget_build()
        for cell in self.cells:
            cell.forget_build()

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch = input_shape[0][0]
        return [(batch, self.output_size), *((batch, size) for size in sizes_of(self))]

    def get_initial_state(self, batch_size: int | None = None) -> list[list[Array]]:
        """Return what each cell begins with."""
        return [initial_state(cell, batch_size or 0) for cell in self.cells]

    def forward(self, inputs: Any, ctx: Context) -> Any:
        y, *states = inputs
        after: list[Array] = []
        for cell, inner, own in self._parts(states, ctx):
            y, *new = cell.forward([y, *own], inner)
            after += new
        return [y, *after]

    def backward(self, dy: Any, ctx: Context) -> Any:
        back, *dstates = dy
        before: list[Array] = []
        for cell, inner, own in reversed(list(self._parts(dstates, ctx))):
            back, *given = cell.backward([back, *own], inner)
            before = [*given, *before]
        return [back, *before]

    def forward_sequence(
        self, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array, list[Array]]:
        """Run one cell after the other, each over the whole sequence."""
        after: list[Array] = []
        for cell, inner, own in self._parts(states, ctx):
            x, new = stepping.forward(cell, x, own, mask, inner)
            after += new
        return x, after

    def backward_sequence(
        self, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array | None, list[Array]]:
        """Run their backward passes, last to first."""
        before: list[Array] = []
        for cell, inner, own in reversed(list(self._parts(dstates, ctx))):
            dy, given = stepping.backward(cell, dy, own, mask, inner)
            before = [*given, *before]
        return dy, before

    def _parts(
        self, states: Sequence[Array], ctx: Context
    ) -> Iterator[tuple[Any, Context, list[Array]]]:
        """Yield each cell with its context and its own of the states."""
        contexts = vars(ctx).get("cells")
        if contexts is None:
            contexts = ctx.cells = [Context(ctx.training, cell.dtype) for cell in self.cells]
        left = list(states)
        for i, (cell, inner) in enumerate(zip(self.cells, contexts, strict=True)):
            inner.training, inner.needs_dx = ctx.training, ctx.needs_dx or i > 0
            count = len(sizes_of(cell))
            yield cell, inner, left[:count]
            left = left[count:]

    def get_config(self) -> dict[str, Any]:
        from ...saving import serialize_keras_object

        cells = [serialize_keras_object(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ..configs import deserialize

        return super().from_config(
            {**config, "cells": [deserialize(cell) for cell in config["cells"]]}
        )


def check_cell(owner: str, cell: Any) -> None:
    """Raise the ValueError for what is no cell."""
    if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
        raise ValueError(
            f"{owner} expected cells: layers with a `state_size`, such as LSTMCell(32), or of your "
            "own (see the head of scratchnn/layers/recurrent/stepping.py). "
            f"Received: {cell!r} of type {type(cell).__name__}."
        )
    if not all(isinstance(size, int | np.integer) for size in sizes_of(cell)):
        raise ValueError(
            f"The state_size of a cell must be a whole number, or a list of them. "
            f"Received: {cell.state_size!r}."
        )


def output_size(cell: Any) -> int:
    """Return the size of a cell's output."""
    size = getattr(cell, "output_size", None)
    return int(sizes_of(cell)[0] if size is None else size)


def initial_state(cell: Any, batch_size: int) -> list[Array]:
    """Return the states a cell begins with, flat: what it says, or zeros."""
    begin = getattr(cell, "get_initial_state", None)
    if begin is None:
        return [np.zeros((batch_size, size), cell.dtype) for size in sizes_of(cell)]
    return [np.asarray(state, cell.dtype) for state in tree.flatten(begin(batch_size=batch_size))]
