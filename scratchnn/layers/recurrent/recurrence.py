"""The product of the state with the recurrent kernel, step by step, forward and back."""

from __future__ import annotations

import numpy as np

from ...arrays import Array
from ...context import Context
from .cell import RecurrentCell
from .products import transposed_product


class Recurrence:
    """h U of one step, for some of a cell's gates, and its gradients.

    Arguments:
        cell: the cell whose recurrent kernel, (U, G U), it is.
        ctx: the cell's context, with the dropout masks of the state.
        first, last: which gates: those from `first` on, before `last`. All if not given.
    """

    def __init__(
        self, cell: RecurrentCell, ctx: Context, first: int = 0, last: int | None = None
    ) -> None:
        gates = slice(first, last)
        self._units = cell.units
        self._kernel = cell.recurrent_kernel
        self._count = len(range(*gates.indices(cell.gates)))
        self._columns = slice(first * cell.units, (first + self._count) * cell.units)
        self._masks: Array | None = ctx.recurrent_masks
        if self._masks is not None:
            self._masks = self._masks[gates] if len(self._masks) > 1 else self._masks
        self._name = f"recurrent{first}"
        self._ctx = ctx

    def _matrix(self) -> Array:
        return self._kernel.value[:, self._columns]

    def _buffer(self, name: str, *shape: int) -> Array:
        return self._ctx.buffer(f"{self._name} {name}", shape)

    def begin_forward(self, n: int, scale: Array | None = None) -> None:
        """Prepare for steps of n samples, with a factor for each gate, (G, 1, 1)."""
        size = self._units
        self._weights = self._buffer("weights", self._count, size, size)
        by_gate = self._matrix().reshape(size, self._count, size).transpose(1, 0, 2)
        np.multiply(by_gate, 1 if scale is None else scale, out=self._weights)
        self._product = self._buffer("product", self._count, n, size)
        if self._masks is not None:
            self._dropped = self._buffer("dropped", self._count, n, size)

    def forward(self, h: Array) -> Array:
        """Return h U, gate by gate: (G, N, U) for (N, U)."""
        if self._masks is not None:
            h = np.multiply(h, self._masks, out=self._dropped)
        return np.matmul(h, self._weights, out=self._product)

    def begin_backward(self, n: int) -> None:
        """Prepare for the gradients of steps of n samples."""
        size = self._units
        self._transposed = self._buffer("transposed", self._count * size, size)
        self._transposed[...] = self._matrix().T
        if self._masks is not None:
            self._product = self._buffer("product", self._count, n, size)

    def backward(self, dz: Array, dh: Array) -> None:
        """Write the gradient of h, (N, U), to dh, for that of h U, (N, G U)."""
        if self._masks is None:
            np.matmul(dz, self._transposed, out=dh)  # np.dot would copy a part of a larger dz
            return
        size = self._units
        by_gate = dz.reshape(len(dz), self._count, size).transpose(1, 0, 2)
        np.matmul(by_gate, self._transposed.reshape(self._count, size, size), out=self._product)
        self._product *= self._masks
        np.add.reduce(self._product, axis=0, out=dh)

    def assign(self, h: Array, dz: Array) -> None:
        """Assign the kernel's gradient.

        Arguments:
            h: (T, N, U), the states that were multiplied.
            dz: (T N, G U), the gradients of the products.
        """
        size, grad = self._units, self._kernel.grad
        if self._masks is None:
            transposed_product(h.reshape(-1, size), dz, grad[:, self._columns], self._ctx)
        else:
            part = self._buffer("masked", *h.shape)
            for k, mask in enumerate(self._masks):
                np.multiply(h, mask, out=part)
                columns = slice(k * size, (k + 1) * size)
                mine = grad[:, self._columns][:, columns]
                mine[...] = np.matmul(part.reshape(-1, size).T, dz[:, columns])
