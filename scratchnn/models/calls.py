"""What the loops over layers share: casting between layers, masks, and activity regularizers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from ..layers.base import Layer


def cast(x: Array, dtype: np.dtype[Any], ctx: Context, name: str = "input") -> Array:
    """Return x in another dtype, in a buffer of `ctx`; x itself if it has that dtype."""
    if x.dtype == dtype:
        return x
    out = ctx.buffer(name, x.shape, dtype)
    np.copyto(out, x, casting="unsafe")
    return out


def makes_masks(layers: list[Layer]) -> bool:
    """Return whether any of the layers, or of those in them, may put a mask on its output."""
    return any(inner.makes_mask for layer in layers for inner in layer.walk())


def next_mask(layer: Any, x: Any, mask: Any, ctx: Context) -> Any:
    """Return the mask of a layer's output, and warn of one that ends at the layer."""
    if "out_mask" in vars(ctx):  # a model in the model has it already
        return ctx.out_mask
    found = layer.compute_mask(x, mask)
    if found is None and mask is not None and not layer.supports_masking:
        given = any(m is not None for m in mask) if isinstance(mask, list) else True
        if given and not vars(ctx).get("warned"):
            ctx.warned = True
            warnings.warn(
                f"The layer {layer.name!r} (of type {type(layer).__name__}) was given an input "
                "with a mask, but it does not support masking, so the mask ends there.",
                stacklevel=2,
            )
    return found


class Penalized:
    """A layer with an activity regularizer: its output's penalty, per sample, and its gradient."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.casts = layer.casts
        self.compute_mask = layer.compute_mask
        self.supports_masking = layer.supports_masking
        self.name = layer.name
        self._regularizer = layer.activity_regularizer

    def forward(self, x: Any, ctx: Context) -> Array:
        assert self._regularizer is not None
        y: Array = self._layer.forward(x, ctx)
        ctx.penalized = y
        ctx.penalty = self._regularizer.penalty(y) / y.dtype.type(len(y))
        return y

    def backward(self, dy: Array, ctx: Context) -> Any:
        assert self._regularizer is not None
        y: Array = ctx.penalized
        extra = self._regularizer.gradient(y) / y.dtype.type(len(y))
        if ctx.fused:
            # dy is that of the logits already: take the penalty's own gradient there first.
            extra = to_logits(self._layer, extra, ctx)
        return self._layer.backward(dy + extra, ctx)


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
