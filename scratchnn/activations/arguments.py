"""What an activation function does first and last: take an array in, hand an array out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .. import config
from ..arrays import Array, as_tensor
from ..special import as_float

Function: TypeAlias = Callable[..., Any]
Derivative: TypeAlias = Callable[..., Array]
"""derivative(dy, x, y, ctx, **arguments) returns dx, written over dy where it has that shape."""


def as_array(x: Any) -> Array:
    """Return an array; integers stay what they are, Python's floats become floatx."""
    if type(x) is np.ndarray:
        return x
    array: Array = np.asarray(x)
    return (
        array if hasattr(x, "dtype") or array.dtype.kind != "f" else array.astype(config.floatx())
    )


def place(x: Array, out: Array | None) -> Array:
    """Return where to write y while x is still read: `out`, or a new array if that is x."""
    return np.empty_like(x) if out is None or np.may_share_memory(x, out) else out


def result(y: Any, out: Array | None) -> Array:
    """Return y in `out`; without one, as a Tensor, for programs that go on with `.numpy()`."""
    if out is None:
        return as_tensor(y)
    if out is not y:
        out[...] = y
    return out


__all__ = ["Derivative", "Function", "as_array", "as_float", "place", "result"]
