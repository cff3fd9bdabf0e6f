"""Objects to JSON and back, in Keras's own form; nothing that a config names is ever imported.

An object is {"module": "keras.losses", "class_name": "Huber", "config": {...}, "registered_name":
None}, where `config` is what its `get_config` returns. A function is known by its name alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Tensor
from .registration import custom_object_scope, get_registered_name, get_registered_object

_PACKAGE = __name__.partition(".")[0]

MODULES = {
    "keras": "models",  # keras.Sequential, keras.Model
    "keras.activations": "activations",
    "keras.constraints": "constraints",
    "keras.initializers": "initializers",
    "keras.layers": "layers",
    "keras.losses": "losses",
    "keras.metrics": "metrics",
    "keras.models": "models",
    "keras.optimizers": "optimizers",
    "keras.optimizers.schedules": "optimizers.schedules",
    "keras.random": "random",
    "keras.regularizers": "regularizers",
    "keras.src.models.functional": "models.functional",  # public in no module of Keras
}
"""The modules whose public classes a config may name, and where they are here."""

FUNCTIONAL = "keras.src.models.functional"

OPERATIONS = "keras.src.ops."
"""How the modules of what is no layer in a graph begin."""

_FUNCTIONS = ("keras.activations", "keras.losses", "keras.metrics")
"""The modules whose functions it may name."""

_NO_FUNCTIONS = ("get", "serialize", "deserialize")
"""What is public in them and computes nothing."""


def serialize_keras_object(obj: Any) -> Any:
    """Return what JSON can hold of an object: Keras's description of it.

    Arguments:
        obj: None, a number, a string, an array, a function with a name, an object with
            `get_config`, or lists, tuples and dicts of these.

    Raises:
        TypeError: for anything else, and for a lambda, which has no name to be found by.

    Example:
        >>> from scratchnn.regularizers import L2
        >>> serialize_keras_object(L2(0.1))["config"]
        {'l2': 0.1}
    """
    if obj is None or (
        isinstance(obj, bool | int | float | str) and not isinstance(obj, np.generic)
    ):
        return obj
    if isinstance(obj, tuple):
        return tuple(serialize_keras_object(item) for item in obj)
    if isinstance(obj, list):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.generic) or (type(obj) is np.ndarray and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, np.ndarray):
        kind = "__tensor__" if isinstance(obj, Tensor) else "__numpy__"
        return {
            "class_name": kind,
            "config": {"value": obj.tolist(), "dtype": obj.dtype.name},
        }
    if isinstance(obj, FunctionType):
        return _serialize_function(obj)
    if not hasattr(obj, "get_config"):
        raise TypeError(
            "Only objects with a get_config() method can be turned into a config. "
            f"Received: {obj!r} of type {type(obj).__name__}."
        )
    return _serialize_object(obj)


def described(
    module: str | None, name: str, config: Any, registered_name: str | None = None
) -> dict[str, Any]:
    """Return the description of an object of this class and config."""
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered_name,
    }


def _serialize_function(function: FunctionType) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        raise TypeError(
            "A lambda has no name that a config could know it by. Give it one: write it as a "
            "function with `def`."
        )
    return described("builtins", "function", get_registered_name(function), "function")


def _serialize_object(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    if cls.__module__ == f"{_PACKAGE}.layers.operation":
        config = serialize_keras_object(obj.get_config())
        return described(obj.module, obj.class_name, config, obj.class_name)
    module = public_module(cls)
    own = cls.__name__ if module == FUNCTIONAL else None  # Keras does not count it as public
    if module is None:
        own = get_registered_name(cls)
        module = None if cls.__module__ == "__main__" else cls.__module__
    config = serialize_keras_object(obj.get_config())
    description = described(module, vars(cls).get("public_name", cls.__name__), config, own)
    for part in ("build_config", "compile_config"):
        get = getattr(obj, f"get_{part}", None)
        value = get() if get is not None else None
        if value is not None:
            description[part] = serialize_keras_object(value)
    return description


def public_module(cls: type) -> str | None:
    """Return the Keras module in which a class of this package is public; None for your own."""
    package, _, path = cls.__module__.partition(".")
    if package != _PACKAGE:
        return None
    if path.startswith("models.") and path != MODULES[FUNCTIONAL]:
        return "keras"
    found = [name for name, home in MODULES.items() if f"{path}.".startswith(f"{home}.")]
    return max(found, key=len) if found else None


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:
    """Return the object that a config describes.

    Only the public classes and functions of this package and those you name can be made: no module
    is imported because a config says so, and no code is run that the config brings along.

    Arguments:
        config: what `serialize_keras_object` returned, or the same read from JSON.
        custom_objects: {name: class or function}, your own.
        safe_mode: True; there is no other mode here.

    Raises:
        ValueError: for a name that is not known, for a lambda, and for safe_mode=False.
        TypeError: for a config that is malformed.

    Example:
        >>> deserialize_keras_object({
        ...     "module": "keras.regularizers", "class_name": "L2",
        ...     "config": {"l2": 0.1}, "registered_name": None,
        ... }).get_config()
        {'l2': 0.1}
    """
    if not safe_mode:
        raise ValueError(
            "safe_mode=False is not supported: a config never runs code here. Name your own "
            "classes and functions in custom_objects instead."
        )
    with custom_object_scope(custom_objects):
        return _deserialize(config)


def _deserialize(config: Any) -> Any:
    if config is None or isinstance(config, bool | int | float | str):
        return config
    if isinstance(config, list | tuple):
        return [_deserialize(item) for item in config]
    if not isinstance(config, Mapping):
        raise TypeError(
            "A config is made of dicts, lists, strings and numbers. "
            f"Received: {config!r} of type {type(config).__name__}."
        )
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if not isinstance(name, str):
        raise TypeError(f"class_name must be a string. Received: {name!r}.")
    if name in ("__numpy__", "__tensor__"):
        array = _deserialize_array(inner)
        return array.view(Tensor) if name == "__tensor__" else array
    if name == "__lambda__":
        raise ValueError(
            "The config holds a lambda, as Python byte code, which is never run here. Write it as "
            "a function with a name and give that in custom_objects."
        )
    if str(config.get("module")).startswith(OPERATIONS):
        from ..layers import operation

        return operation.from_config(name, inner)
    if name == "DTypePolicy":
        return inner.get("name") if isinstance(inner, Mapping) else inner
    if name == "function":
        return find_function(inner, config.get("module"))
    cls = find_class(name, config.get("module"), config.get("registered_name"))
    return from_description(cls, config)


def _deserialize_array(inner: Any) -> Any:
    if not isinstance(inner, Mapping) or not {"value", "dtype"} <= set(inner):
        raise TypeError(f"An array's config has a value and a dtype. Received: {inner!r}.")
    if inner["dtype"] not in np.sctypeDict or np.dtype(inner["dtype"]).kind not in "fiub":
        raise TypeError(f"An array's dtype is one of numbers. Received: {inner['dtype']!r}.")
    return np.array(inner["value"], inner["dtype"])


def from_description(cls: Any, description: Mapping[str, Any]) -> Any:
    """Return the object of class `cls` that a description holds, built and compiled if it says so.

    Raises:
        TypeError: if the class cannot be made from it.
    """
    inner = description.get("config")
    if isinstance(cls, FunctionType):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(f"The class {cls!r} has no from_config() to be made with.")
    if inner is not None and not isinstance(inner, Mapping):
        raise TypeError(
            f"The config of a {description.get('class_name')} must be a dict. Received: {inner!r}."
        )
    obj = cls.from_config(dict(inner or {}))
    if description.get("build_config") and not getattr(obj, "built", True):
        obj.build_from_config(description["build_config"])
    if description.get("compile_config") and hasattr(obj, "compile_from_config"):
        obj.compile_from_config(description["compile_config"])
    return obj


def find_class(name: str, module: Any = None, registered_name: Any = None) -> Any:
    """Return a class of yours, or one that is public in a module of Keras.

    Where a config names a module of Keras and no registered class, it means Keras's own class:
    yours of the same name does not take its place.

    Raises:
        ValueError: if there is none of that name.
    """
    own = () if module in MODULES and not registered_name else (registered_name, name)
    for key in own:
        found = get_registered_object(key) if isinstance(key, str) else None
        if found is not None:
            return found
    found = _public(module, name) if module in MODULES else None
    if isinstance(found, type) and hasattr(found, "from_config"):
        return found
    known = [n for n in _names(module) if n[0].isupper()] if module in MODULES else []
    raise ValueError(
        f"The class {name!r}{f' of module {module!r}' if module else ''} is not known."
        f"{naming.nearest(name, known)} {_how_to_name(name)}"
    )


def find_function(name: Any, module: Any = None) -> Any:
    """Return a function of yours, or a public activation, loss or metric function.

    Raises:
        ValueError: if there is none of that name.
    """
    if not isinstance(name, str):
        raise TypeError(f"A function's config is its name. Received: {name!r}.")
    found = get_registered_object(name)
    if found is not None:
        return found
    for place in (module,) if module in _FUNCTIONS else _FUNCTIONS:
        found = _public(place, name)
        if isinstance(found, FunctionType) and name not in _NO_FUNCTIONS:
            return found
    raise ValueError(f"The function {name!r} is not known. {_how_to_name(name)}")


def _how_to_name(name: str) -> str:
    return (
        f"If it is your own, give it in custom_objects={{{name!r}: ...}}, or register it with "
        "saving.register_keras_serializable()."
    )


def _public(module: str, name: str) -> Any:
    """Return what a module of Keras has under a public name; None if it has nothing."""
    home = import_module(f".{MODULES[module]}", _PACKAGE)
    return getattr(home, name) if name in home.__all__ else None


def _names(module: str) -> list[str]:
    return list(import_module(f".{MODULES[module]}", _PACKAGE).__all__)


def check_is_model(made: Any) -> None:
    """Raise a TypeError if what a config described is no model."""
    from ..models import Model

    if not isinstance(made, Model):
        raise TypeError(f"expected the config of a model. Received: that of {made!r}")
