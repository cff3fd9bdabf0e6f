"""Models. As in `keras.models`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .cloning import clone_model, model_from_json
from .model import Model
from .sequential import Sequential

if TYPE_CHECKING:
    from ..saving import load_model, save_model

__all__ = ["Model", "Sequential", "clone_model", "model_from_json", "save_model", "load_model"]


def __getattr__(name: str) -> Any:
    """Load what reads and writes files when it is first named."""
    if name not in ("load_model", "save_model"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("..saving", __name__), name)
