"""Names: the automatic names of layers and models, and the errors for names nobody knows."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

_used: Counter[str] = Counter()


def to_snake_case(name: str) -> str:
    """Return a class name in Keras's snake case.

    Example:
        >>> to_snake_case("Conv2D"), to_snake_case("ReLU"), to_snake_case("LSTM")
        ('conv2d', 're_lu', 'lstm')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Return the next automatic name of `prefix`: dense, dense_1, dense_2, ...

    The counters are global and advance whenever a name is made, as in Keras.
    """
    count = _used[prefix]
    _used[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Count the names that are made inside the `with` block as not made."""
    before = _used.copy()
    try:
        yield
    finally:
        _used.clear()
        _used.update(before)


def reset_names() -> None:
    """Start the automatic names afresh."""
    _used.clear()


def nearest(name: object, known: Iterable[str]) -> str:
    """Return " Did you mean 'relu'?" for the known name most like `name`, or ''."""
    import difflib  # only errors need it

    options = {option.lower(): option for option in known}
    match = difflib.get_close_matches(str(name).lower(), options, n=1, cutoff=0.6)
    return f" Did you mean {options[match[0]]!r}?" if match else ""


def nearest_argument(name: str, cls: type) -> str:
    """Return " Did you mean 'units'?" for the argument of a class's constructors, or ''."""
    import inspect

    known = {
        parameter.name
        for base in cls.__mro__[:-1]
        for parameter in inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    return nearest(name, known - {"self"})


def unknown(kind: str, name: object, known: Iterable[str]) -> NoReturn:
    """Raise the ValueError for an identifier that names no `kind`, with the nearest match."""
    known = sorted(set(known))
    raise ValueError(
        f"Could not interpret {kind} identifier: {name!r}.{nearest(name, known)} "
        f"Expected one of: {', '.join(known)}."
    )


_scopes: list[str] = []


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Put `name` in front of the paths of the weights made inside the `with` block."""
    _scopes.append(name)
    try:
        yield
    finally:
        _scopes.pop()


def path(owner: str, name: str) -> str:
    """Return a weight's path: the open scopes, its owner and its own name."""
    scopes = _scopes if _scopes and _scopes[-1] == owner else [*_scopes, owner]
    return "/".join([*scopes, name])
