"""Names that Keras has and this package has not: each is refused with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from . import naming


def refuse(module: str, reasons: Mapping[str, str], known: Iterable[str]) -> Callable[[str], None]:
    """Return the `__getattr__` of a module that lacks some of Keras's names.

    Arguments:
        module: the module's `__name__`.
        reasons: {name: why it is not supported, as the end of a sentence}.
        known: the names that the module has, for the hint at a misspelt one.

    Returns:
        A function that raises NotImplementedError with the reason for a name in `reasons`, and
        AttributeError for any other. (`from module import name` turns an AttributeError into an
        ImportError and loses its message; the reason must not be lost.)

    Example:
        >>> lookup = refuse("scratchnn.zoo", {"Unicorn": "it has not been found"}, ["Horse"])
        >>> lookup("Unicorn")
        Traceback (most recent call last):
        NotImplementedError: scratchnn.zoo.Unicorn is not supported, because it has not been found.
        >>> lookup("House")
        Traceback (most recent call last):
        AttributeError: module 'scratchnn.zoo' has no attribute 'House'. Did you mean 'Horse'?
    """

    def lookup(name: str) -> NoReturn:
        if name in reasons:
            raise NotImplementedError(f"{module}.{name} is not supported, because {reasons[name]}.")
        hint = "" if name.startswith("__") else naming.nearest(name, known)
        raise AttributeError(f"module {module!r} has no attribute {name!r}." + hint)

    return lookup
