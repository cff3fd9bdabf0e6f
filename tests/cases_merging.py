"""Rows of the conformance table for the layers of several inputs that merge or join them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchnn import Context
from scratchnn.layers import joining, merging

SAME = ((4, 3), (4, 3))
WIDE = ((4, 5, 3), (4, 1, 3), (4, 3))


@dataclass(frozen=True)
class SeveralCase:
    """One way to use a layer of several inputs.

    Attributes:
        name: of the row.
        make: makes the layer; called with `dtype=None` or `dtype="float64"`.
        shapes: of the inputs, N first.
        masks: whether the inputs have masks.
        recycles: whether a second step allocates nothing of the size of a batch.
    """

    name: str
    make: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = SAME
    masks: bool = False
    recycles: bool = True

    def layer(self, dtype: str | None = None) -> Any:
        """Return a new layer, built."""
        layer = self.make(dtype=dtype)
        layer.ensure_built([(None, *shape[1:]) for shape in self.shapes])
        return layer

    def inputs(self, samples: int | None = None, seed: int = 0, dtype: str = "float32") -> Any:
        """Return a batch of inputs."""
        rng = np.random.default_rng(seed)
        return [
            rng.normal(size=(shape[0] if samples is None else samples, *shape[1:])).astype(dtype)
            for shape in self.shapes
        ]

    def context(self, dtype: str = "float32", samples: int | None = None) -> Context:
        """Return the context of a call."""
        ctx = Context(dtype=dtype)
        if self.masks:
            rng = np.random.default_rng(3)
            sizes = [(samples or n, t) for n, t, *_ in self.shapes]
            ctx.in_mask = [rng.integers(0, 2, size).astype(bool) for size in sizes]
        return ctx


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


ELEMENTWISE = {
    "add": merging.Add,
    "average": merging.Average,
    "multiply": merging.Multiply,
    "maximum": merging.Maximum,
    "minimum": merging.Minimum,
}

CASES = [
    *(SeveralCase(name, of(cls)) for name, cls in ELEMENTWISE.items()),
    *(SeveralCase(f"{name} of one", of(cls), ((4, 3),)) for name, cls in ELEMENTWISE.items()),
    *(SeveralCase(f"{name} of three", of(cls), WIDE) for name, cls in ELEMENTWISE.items()),
    *(
        SeveralCase(f"{name} with masks", of(cls), ((4, 5, 3),) * 3, masks=True, recycles=False)
        for name, cls in ELEMENTWISE.items()
    ),
    SeveralCase("subtract", of(merging.Subtract)),
    SeveralCase("subtract and broadcast", of(merging.Subtract), ((4, 1, 3), (4, 5, 3))),
    SeveralCase("concatenate", of(joining.Concatenate), ((4, 3), (4, 2), (4, 3))),
    SeveralCase("concatenate time", of(joining.Concatenate, 1), ((4, 3, 2), (4, 5, 2))),
    SeveralCase("concatenate one", of(joining.Concatenate), ((4, 3),)),
    SeveralCase("dot", of(joining.Dot, 1)),
    SeveralCase("dot of matrices", of(joining.Dot, (2, 1)), ((4, 5, 3), (4, 3, 2))),
    SeveralCase("dot over time", of(joining.Dot, 1), ((4, 5, 3), (4, 5, 2)), recycles=False),
    SeveralCase(
        "dot of grids", of(joining.Dot, (1, 3)), ((4, 3, 2, 2), (4, 2, 2, 3)), recycles=False
    ),
    SeveralCase("cosine", of(joining.Dot, 1, True), recycles=False),
    SeveralCase("cosines", of(joining.Dot, (2, 1), True), ((4, 5, 3), (4, 3, 2)), recycles=False),
]
