"""What the loops over layers share: casting between layers, and masks."""

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
