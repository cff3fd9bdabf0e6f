"""Models. As in `keras.models`."""

from __future__ import annotations

from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential"]
