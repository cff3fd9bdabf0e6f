"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_YOUNG = 60
"""Seconds for which a partial file is left alone: its writer may not have locked it yet."""


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` when the `with` block ends.

    Until then its content is in a file beside it, which an error removes: whatever happens, even
    to the machine, `path` names the old file or the new one, whole. A process that is killed leaves
    that file, path.XXXXXXXX.part, behind; the next one that writes to `path` removes it, unless
    it is locked, as it is while somebody writes it, or a minute young. (On Windows, it stays.)

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
    _remove_stale(path)
    partial = f"{path}.{os.urandom(4).hex()}.part"
    try:
        with open(partial, "x+b") as file:
            _lock(file)
            with contextlib.suppress(FileNotFoundError):
                os.chmod(partial, stat.S_IMODE(os.stat(path).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # while it is locked; elsewhere, it must be closed first
                os.replace(partial, path)
        if fcntl is None:
            os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise
    _sync_folder(folder)


def _lock(file: Any) -> bool:
    """Lock an open file, until it is closed; return whether nobody else has."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # locked, or a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _remove_stale(path: str) -> None:
    """Remove the partial files of `path` whose writers are gone."""
    folder, name = os.path.split(path)
    named = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not named.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(OSError):  # not ours to remove, or gone meanwhile
                if time.time() - entry.stat().st_mtime < _YOUNG:
                    continue
                with open(entry.path, "r+b") as file:
                    if _lock(file):
                        os.unlink(entry.path)


def _sync_folder(folder: str) -> None:
    """Put the folder's new entry onto the disk, too, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
