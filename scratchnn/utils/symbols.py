"""Symbols: what stands for data while a model is put together."""

from __future__ import annotations

from typing import Any


def is_keras_tensor(x: Any) -> bool:
    """Return whether `x` is a symbol, as `Input()` returns, and no array.

    Example:
        >>> from scratchnn import Input
        >>> is_keras_tensor(Input((3,))), is_keras_tensor([1.0, 2.0, 3.0])
        (True, False)
    """
    from scratchnn.graph import KerasTensor

    return isinstance(x, KerasTensor)
