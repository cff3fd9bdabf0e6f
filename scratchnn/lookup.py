"""Lookup: the objects of a public module by name, behind its get, serialize and deserialize."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any, NoReturn

from . import naming


class Lookup:
    """The names that a module such as `losses` understands, and what they stand for.

    Arguments:
        kind: what these objects are, for errors: 'loss'.
        names: {name: class or function}, in every spelling that Keras takes.

    Example:
        >>> from scratchnn.regularizers import L2
        >>> regularizers = Lookup("regularizer", {"l2": L2, "L2": L2})
        >>> regularizers.get("l2").get_config()
        {'l2': 0.01}
    """

    def __init__(self, kind: str, names: Mapping[str, Any]) -> None:
        self.kind = kind
        self.names = dict(names)

    def get(self, identifier: Any) -> Any:
        """Return what a name, a config, a class, an object or None stands for.

        Classes become objects; functions and other callables are returned as they are.

        Arguments:
            identifier: any of these.

        Raises:
            ValueError: for anything else, and for a name that is not known, with the nearest.

        Example:
            >>> from scratchnn import constraints
            >>> type(constraints.get("max_norm")).__name__, constraints.get(None)
            ('MaxNorm', None)
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            identifier = self.deserialize(identifier)
        elif isinstance(identifier, str):
            identifier = self.find(identifier)
        if isinstance(identifier, type):
            identifier = identifier()
        if not callable(identifier) and not hasattr(identifier, "get_config"):
            self._unknown(identifier)
        return identifier

    def find(self, name: str) -> Any:
        """Return the class or function of that name: one of yours, or one of this module."""
        from .saving.registration import get_registered_object

        found = get_registered_object(name, module_objects=self.names)
        return found if found is not None else self._unknown(name)

    def _unknown(self, identifier: Any) -> NoReturn:
        lower = [name for name in self.names if name.islower()]  # each has such a spelling
        naming.unknown(self.kind, identifier, lower or self.names)

    def serialize(self, obj: Any) -> Any:
        """Return the config from which `deserialize` makes the object again.

        Arguments:
            obj: the object.

        Example:
            >>> from scratchnn import constraints
            >>> constraints.serialize(constraints.MaxNorm(2))["class_name"]
            'MaxNorm'
        """
        from .saving import serialize_keras_object

        return serialize_keras_object(obj)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Return the object that a config describes.

        Arguments:
            config: a dict with 'class_name' and, unless empty, 'config'; or a name.
            custom_objects: your own classes and functions by name.

        Raises:
            ValueError: for a name that is not known, and what is no config.

        Example:
            >>> from scratchnn import constraints
            >>> config = constraints.serialize(constraints.MaxNorm(3))
            >>> constraints.deserialize(config).max_value
            3
        """
        from .saving.registration import custom_object_scope, get_registered_object
        from .saving.serialization import from_description

        with custom_object_scope(custom_objects):
            if isinstance(config, str):
                found = self.find(config)
                return found if isinstance(found, FunctionType) else found()
            if not isinstance(config, Mapping) or "class_name" not in config:
                self._unknown(config)
            name = config["class_name"]
            if name == "function":
                return self.find(config["config"])
            own = config.get("registered_name")
            found = get_registered_object(own) if own else None
            return from_description(found if found is not None else self.find(name), config)
