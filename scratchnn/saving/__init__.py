"""Saving: models in files, objects as configs, your own classes by name. As in `keras.saving`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .serialization import deserialize_keras_object, serialize_keras_object

if TYPE_CHECKING:
    from .api import load_model, load_weights, save_model, save_weights
    from .errors import ModelFileError
    from .export_script import export_script

__all__ = [
    "save_model",
    "load_model",
    "save_weights",
    "load_weights",
    "export_script",
    "ModelFileError",
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]

_HOMES = {
    "save_model": "api",
    "load_model": "api",
    "save_weights": "api",
    "load_weights": "api",
    "ModelFileError": "errors",
    "export_script": "export_script",
}


def __getattr__(name: str) -> Any:
    """Load what reads and writes files when it is first named: imports without files are quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
