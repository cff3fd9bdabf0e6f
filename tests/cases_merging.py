"""Rows of the conformance table for the layers of several inputs that merge or join them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from case import CaseOfSeveral

from scratchnn import Context
from scratchnn.layers import joining, merging

SAME = ((4, 3), (4, 3))
WIDE = ((4, 5, 3), (4, 1, 3), (4, 3))


@dataclass(frozen=True)
class SeveralCase(CaseOfSeveral):
    """One way to merge inputs.

    Attributes:
        masks: whether the inputs have masks.
    """

    shapes: tuple[tuple[int, ...], ...] = SAME
    masks: bool = False

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
