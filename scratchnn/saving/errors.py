"""What goes wrong with files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_LONGEST = 2000
"""Characters of a reason to show: a hostile file may make it as long as itself."""


class ModelFileError(ValueError):
    """A file is no model, or not a whole one, or does not fit the model it is loaded into.

    Attributes:
        path: the file.
        part: what in it is wrong, such as 'config.json' or 'layers/dense/vars/0'; may be ''.
        reason: what is wrong with it.

    Example:
        >>> print(ModelFileError("m.keras", "config.json", "it is not JSON"))
        Could not load 'm.keras': config.json: it is not JSON
    """

    def __init__(self, path: str, part: str, reason: str) -> None:
        self.path = path
        self.part = part
        self.reason = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}..."
        super().__init__(f"Could not load {path!r}: {f'{part}: ' if part else ''}{self.reason}")


@contextlib.contextmanager
def reading(path: str, part: str = "") -> Iterator[None]:
    """Turn any error within the `with` block into a ModelFileError about that part of the file."""
    try:
        yield
    except ModelFileError:
        raise
    except (MemoryError, RecursionError) as error:
        raise ModelFileError(path, part, f"it is too large or too deep ({error!r})") from error
    except Exception as error:
        raise ModelFileError(path, part, str(error) or repr(error)) from error
