"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` when the `with` block ends.

    Until then its content is in a file beside it, which an error removes: whatever happens, even
    to the machine, `path` names the old file or the new one, whole.

    Arguments:
        path: where the file goes; its folder must exist. What a link points to is replaced, and
            the permissions of an old file are kept.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder {folder!r} does not exist, so nothing is saved in it.")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder, which a file cannot replace.")
    partial = f"{path}.{os.urandom(4).hex()}.part"
    try:
        with open(partial, "x+b") as file:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(partial, stat.S_IMODE(os.stat(path).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Put the folder's new entry onto the disk, too, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
