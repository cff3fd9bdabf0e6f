"""Case: a row of the conformance table, which cases.py puts together from those of each family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scratchnn.strings import as_strings

WORDS = ["a", "b", "the cat", "", "A!", "ä b", "z"]


@dataclass(frozen=True)
class Case:
    """One way to use a layer.

    Attributes:
        name: of the row.
        make: makes the layer; called with `dtype=None` or `dtype="float64"`.
        shape: of a batch of inputs, N first.
        dtype: of the inputs; integers are drawn from [0, high), strings from a few words.
        per_sample: whether, outside training, each output depends on its own sample alone.
        recycles: whether a second step allocates nothing of the size of a batch.
        derivative: whether, in training, backward is the derivative and not TensorFlow's stand-in.
        returns: the dtype of the outputs, where it is not what floats and integers let expect;
            'layer' for the layer's own.
        gradient: whether float inputs have a gradient.
    """

    name: str
    make: Callable[..., Any]
    shape: tuple[int, ...]
    dtype: str = "float32"
    high: int = 10
    per_sample: bool = True
    recycles: bool = True
    derivative: bool = True
    returns: str | None = None
    gradient: bool = True

    def layer(self, dtype: str | None = None) -> Any:
        """Return a new layer, built."""
        layer = self.make(dtype=dtype)
        layer.ensure_built((None, *self.shape[1:]))
        return layer

    def x(self, samples: int | None = None, seed: int = 0, dtype: str | None = None) -> Any:
        """Return a batch of inputs; those that are floats have the `dtype` of the layer."""
        rng = np.random.default_rng(seed)
        shape = (samples or self.shape[0], *self.shape[1:])
        if self.dtype == "string":
            return rng.choice(as_strings(WORDS), shape)
        if np.dtype(self.dtype).kind in "iu":
            return rng.integers(0, self.high, shape, self.dtype)
        return rng.normal(size=shape).astype(dtype or self.dtype)


@dataclass(frozen=True)
class CaseOfSeveral:
    """One way to use a layer of several inputs; families have their own, with masks and options.

    Attributes:
        name: of the row.
        make: makes the layer; called with `dtype=None` or `dtype="float64"`.
        shapes: of the inputs, N first.
        recycles: whether a second step allocates nothing of the size of a batch.
    """

    name: str
    make: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((4, 3), (4, 3))
    recycles: bool = field(default=True, kw_only=True)

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
