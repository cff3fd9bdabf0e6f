"""Activity regularizers: what the outputs of layers add to the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from .base import Layer


class Penalized:
    """A layer with an activity regularizer: its output's penalty, per sample, and its gradient.

    A layer of several outputs pays for each of them.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.casts = layer.casts
        self.compute_mask = layer.compute_mask
        self.supports_masking = layer.supports_masking
        self.takes_mask = layer.takes_mask
        self.ends_masks = layer.ends_masks
        self.name = layer.name
        self._regularizer = layer.activity_regularizer

    def forward(self, x: Any, ctx: Context) -> Any:
        assert self._regularizer is not None
        y = self._layer.forward(x, ctx)
        ctx.penalized = y
        outputs = y if isinstance(y, list) else [y]
        ctx.penalty = self._layer.activity_penalty(ctx)
        for one in outputs:
            ctx.penalty = ctx.penalty + self._regularizer.penalty(one) / one.dtype.type(len(one))
        return y

    def backward(self, dy: Any, ctx: Context) -> Any:
        if isinstance(dy, list):
            pairs = zip(dy, ctx.penalized, strict=True)
            return self._layer.backward([self._with_own(*pair) for pair in pairs], ctx)  # type: ignore[arg-type]
        if ctx.fused:
            # dy is that of the logits already: take the penalty's own gradient there first.
            extra = to_logits(self._layer, self._with_own(None, ctx.penalized), ctx)
            return self._layer.backward(dy + extra, ctx)
        return self._layer.backward(self._with_own(dy, ctx.penalized), ctx)

    def activity_penalty(self, ctx: Context) -> Any:
        """Return what the last forward pass adds to the loss."""
        return ctx.penalty

    def _with_own(self, dy: Array | None, y: Array) -> Array:
        """Return the gradient of an output with that of its penalty; dy may be None."""
        assert self._regularizer is not None
        extra: Array = self._regularizer.gradient(y) / y.dtype.type(len(y))
        return extra if dy is None else dy + extra


def penalized(layer: Layer) -> Any:
    """Return what to run for a layer: itself, or with its activity regularizer."""
    return layer if layer.activity_regularizer is None else Penalized(layer)


def to_logits(layer: Layer, dy: Array, ctx: Context) -> Array:
    """Return the gradient of the logits for that of the output of a layer that the loss fused."""
    ctx.fused = False
    nonlinearity = getattr(layer, "nonlinearity", None)
    dz = layer.backward(dy, ctx) if nonlinearity is None else nonlinearity.backward(dy, ctx)
    ctx.fused = True
    assert dz is not None
    return np.asarray(dz)
