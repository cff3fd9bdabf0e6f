"""The activation of a gate: applied step by step, its slope taken for all steps at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import activations
from ...activations import Nonlinearity
from ...activations.nonlinearity import IN_PLACE
from ...arrays import Array
from ...context import Context

MIXING = (activations.softmax, activations.log_softmax, activations.sparsemax)
"""Functions of a whole vector of units: they have no slope of each number by itself."""


class Gate:
    """An activation of a recurrent cell: y = f(z).

    Arguments:
        layer: the name of the class that it works for.
        function: what `activations.get` returns.

    Attributes:
        in_place: whether the derivative reads y alone, so that y may take the place of z.
        elementwise: whether dz = dy f'(z) for each number; then `slopes` does the work of all time
            steps, else `back` that of each.

    Raises:
        ValueError: for a function whose derivative nobody knows, a layer, or glu.
    """

    def __init__(self, layer: str, function: Any) -> None:
        nonlinearity = Nonlinearity(function)
        if nonlinearity.layer is not None or nonlinearity.function is activations.glu:
            raise ValueError(
                f"{layer} expected as activation a function that keeps the shape, such as 'tanh' "
                f"or functools.partial(activations.relu, max_value=6). Received: {function!r}."
            )
        self._call = nonlinearity.call
        self._derivative = nonlinearity.derivative
        self._gradient = nonlinearity.gradient
        plain = nonlinearity.function is self._call
        self.in_place = plain and self._call in IN_PLACE | {activations.sigmoid, activations.linear}
        self.elementwise = self._derivative is not None and nonlinearity.function not in MIXING
        self.is_sigmoid = self._call is activations.sigmoid
        self.is_tanh = self._call is activations.tanh

    def forward(self, z: Array, y: Array) -> None:
        """Write f(z) to y."""
        if self.elementwise:
            self._call(z, out=y)
            return
        for one, out in zip(_gates(z), _gates(y), strict=True):
            out[...] = self._call(one)

    def slopes(self, dy: Array, z: Array, y: Array, ctx: Context) -> None:
        """Multiply dy by f'(z), where f is elementwise; else leave it to `back`."""
        if self.elementwise:
            self._differentiate(dy, z, y, ctx)

    def back(self, dy: Array, z: Array, y: Array, ctx: Context) -> None:
        """Write the gradient of z over dy, where f is not elementwise."""
        if not self.elementwise:
            for parts in zip(_gates(dy), _gates(z), _gates(y), strict=True):
                self._differentiate(*parts, ctx)

    def _differentiate(self, dy: Array, z: Array, y: Array, ctx: Context) -> None:
        if self._derivative is not None:
            dz = self._derivative(dy, z, y, ctx)
        else:
            assert self._gradient is not None
            dz = np.asarray(self._gradient(dy, z, y))
        if dz is not dy:
            dy[...] = dz


def _gates(z: Array) -> Array:
    """Return z, (N, U) of one gate or (G, N, U) of several, as (G, N, U)."""
    return z if z.ndim == 3 else z[np.newaxis]
