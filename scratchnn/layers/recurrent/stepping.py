"""A cell over a sequence: in one go where it can, step by step where the user wrote it.

A cell of your own is a layer that takes a step: it has a `state_size`, the size of its state or a
list of several, and its passes take and give lists, first x or y, then the states. A RNN calls
them once per time step, each with a context of its own, and adds up the gradients, which are
assigned as in any other layer:

    class Leaky(Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

        def forward(self, inputs, ctx):
            ctx.x, h = inputs
            y = 0.9 * h + ctx.x @ self.kernel.value
            return [y, y]

        def backward(self, dys, ctx):
            dy, dh = dys
            dh = dy + dh
            self.kernel.grad[...] = ctx.x.T @ dh
            return [dh @ self.kernel.value.T, 0.9 * dh]

It may say more: the `output_size`, where that is not the first state's, and what it begins with,
`get_initial_state(batch_size)`, where that is not zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ..base import Layer
from .cell import Mask, RecurrentCell


def runs_sequences(cell: Layer) -> bool:
    """Return whether a cell has passes over whole sequences, and they are those of its steps."""
    if isinstance(cell, RecurrentCell):
        step = type(cell).forward, type(cell).backward
        return step == (RecurrentCell.forward, RecurrentCell.backward)
    return hasattr(cell, "forward_sequence")


def forward(
    cell: Any, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
) -> tuple[Array, list[Array]]:
    """Return a cell's outputs for a sequence, (T, N, U), and its states after the last step.

    Arguments:
        cell: the cell.
        x: (T, N, D), contiguous.
        states: those before the first step, flat.
        mask: (T, N, 1); a masked step repeats the output before it, 0 at first, and keeps the
            states.
        ctx: a context for the cell.
    """
    if x.dtype != cell.dtype and x.dtype.kind == "f":
        x = x.astype(cell.dtype)
    if isinstance(cell, RecurrentCell) and runs_sequences(cell):
        cell.take_masks(x, ctx)
    if runs_sequences(cell):
        outputs, after = cell.forward_sequence(x, states, mask, ctx)
        return outputs, after
    calls = vars(ctx).setdefault("calls", [])
    calls += [Context(ctx.training, cell.dtype) for _ in range(len(x) - len(calls))]
    before: Array | None = None
    outputs = None
    for t, xt in enumerate(x):
        y, *new = cell.forward([xt, *states], calls[t])
        if mask is not None:
            y = np.where(mask[t], y, 0 if before is None else before)
            new = [np.where(mask[t], *pair) for pair in zip(new, states, strict=True)]
        if outputs is None:
            outputs = ctx.buffer("y", (len(x), *y.shape))
        outputs[t] = before = y
        states = new
    if isinstance(cell, RecurrentCell):  # one whose steps the user wrote anew
        cell.reset_dropout_mask()
    assert outputs is not None
    ctx.shapes = x.shape, outputs.shape
    return outputs, list(states)


def backward(
    cell: Any, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
) -> tuple[Array | None, list[Array]]:
    """Assign the gradients of a cell's weights; return those of x and of the first states.

    Arguments:
        cell, mask, ctx: as in the forward pass.
        dy: the gradient of the last len(dy) outputs; None if nothing came back from them.
        dstates: those of the last states, which are overwritten.
    """
    if runs_sequences(cell):
        found: tuple[Array | None, list[Array]] = cell.backward_sequence(dy, dstates, mask, ctx)
        return found
    x_shape, (steps, *output) = ctx.shapes
    weights = cell.trainable_weights
    totals = [np.zeros_like(weight.grad) for weight in weights]
    dx = ctx.buffer("dx", x_shape)
    repeated: Any = 0  # what comes back to an output from the masked steps that repeat it
    first_dy = steps - (0 if dy is None else len(dy))
    for t in range(steps - 1, -1, -1):
        back = np.zeros(output, ctx.dtype) + repeated
        if dy is not None and t >= first_dy:
            back += dy[t - first_dy]
        kept: list[Any] = [0] * len(dstates)
        if mask is not None:
            repeated = np.where(mask[t], 0, back)
            back = np.where(mask[t], back, 0)
            kept = [np.where(mask[t], 0, d) for d in dstates]
            dstates = [np.where(mask[t], d, 0) for d in dstates]
        dx[t], *given = cell.backward([back, *dstates], ctx.calls[t])
        dstates = [d + k for d, k in zip(given, kept, strict=True)]
        for total, weight in zip(totals, weights, strict=True):
            total += weight.grad
    for total, weight in zip(totals, weights, strict=True):
        weight.grad[...] = total
    return dx if ctx.needs_dx else None, list(dstates)
