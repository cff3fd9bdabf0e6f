"""Your own classes and functions, by the names that configs know them under."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

_T = TypeVar("_T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scopes: ContextVar[tuple[Mapping[str, Any], ...]] = ContextVar("custom_objects", default=())


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[_T], _T]:
    """Return a class decorator that lets configs name the class, as 'package>name'.

    Arguments:
        package: the first part of the name; something of your own.
        name: the second part; the class's or function's own name if not given.

    Raises:
        ValueError: for a class without `get_config`.

    Example:
        >>> from scratchnn.regularizers import L2
        >>> @register_keras_serializable("mine")
        ... class Soft(L2):
        ...     pass
        >>> get_registered_name(Soft), get_registered_object("mine>Soft") is Soft
        ('mine>Soft', True)
    """

    def register(thing: _T) -> _T:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"A class must define get_config() to be registered. Received: {thing.__name__}."
            )
        key = f"{package}>{name or thing.__name__}"  # type: ignore[attr-defined]
        _registered[key] = thing
        _names[thing] = key
        return thing

    return register


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Let configs name the given classes and functions within the `with` block.

    Arguments:
        custom_objects: {name: class or function}.

    Example:
        >>> from scratchnn import regularizers
        >>> class Soft(regularizers.L2):
        ...     pass
        >>> with custom_object_scope({"Soft": Soft}):
        ...     regularizers.get("Soft").get_config()
        {'l2': 0.01}
    """
    token = _scopes.set((dict(custom_objects or {}), *_scopes.get()))
    try:
        yield
    finally:
        _scopes.reset(token)


CustomObjectScope = custom_object_scope


def get_custom_objects() -> dict[str, Any]:
    """Return the dictionary of registered objects itself: what is put into it is known, too.

    Example:
        >>> isinstance(get_custom_objects(), dict)
        True
    """
    return _registered


def get_registered_name(thing: Any) -> str:
    """Return the name a class or function was registered under, or its own.

    Arguments:
        thing: the class or function.

    Example:
        >>> class Mine:
        ...     pass
        >>> get_registered_name(Mine)
        'Mine'
    """
    with contextlib.suppress(TypeError):  # what has no hash was not registered
        if thing in _names:
            return _names[thing]
    return str(thing.__name__)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return the class or function of that name, or None if there is none.

    It is looked for in the open `custom_object_scope`s, the innermost first, among the registered
    objects, and in the two mappings, in this order.

    Arguments:
        name: such as 'my_package>MyLayer'.
        custom_objects, module_objects: dicts to look in as well, before and after the registry.

    Example:
        >>> get_registered_object("nobody>Nothing") is None
        True
    """
    for known in (*_scopes.get(), _registered, custom_objects or {}, module_objects or {}):
        if name in known:
            return known[name]
    return None
