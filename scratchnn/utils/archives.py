"""Unpacking archives from the network, which are not to be trusted."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PureWindowsPath

from scratchnn.utils.files import partial_name

_FORMATS = ("tar", "zip")


def check_formats(archive_format: str | Sequence[str] | None) -> list[str]:
    """Return the formats that `archive_format` names: 'auto', 'tar', 'zip' or a list.

    Raises:
        ValueError: if one is unknown, or there is none.
    """
    if archive_format == "auto":
        return list(_FORMATS)
    named = [archive_format] if isinstance(archive_format, str) else list(archive_format or ())
    if not named or not set(named) <= set(_FORMATS):
        raise ValueError(
            "To extract an archive, archive_format must be 'auto', 'tar', 'zip' or a list of "
            f"these. Received: {archive_format!r}."
        )
    return named


def extract(path: str, folder: str, formats: Sequence[str]) -> None:
    """Unpack an archive into `folder`, over what is there.

    A failure leaves `folder` as it was: the archive is unpacked next to it first.

    Arguments:
        path: the archive.
        folder: where its members go; made when missing.
        formats: what to try, in this order: 'tar', 'zip'.

    Raises:
        ValueError: if the archive is of no such format, is damaged, or has a member that
            would be written outside `folder`.
    """
    kind = _kind(path, formats)
    partial = partial_name(folder)
    os.mkdir(partial)
    try:
        if kind == "tar":
            _extract_tar(path, partial)
        else:
            _extract_zip(path, partial)
        _move(partial, folder)
    # RuntimeError is how zipfile asks for a password.
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"Could not extract {path}: expected an intact and harmless {kind} archive. "
            f"Received: {error}."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _kind(path: str, formats: Sequence[str]) -> str:
    for kind in formats:
        if tarfile.is_tarfile(path) if kind == "tar" else zipfile.is_zipfile(path):
            return kind
    raise ValueError(f"Could not extract {path}: expected a {' or '.join(formats)} archive.")


def _extract_tar(path: str, folder: str) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise ValueError(
            "Extracting a tar archive safely needs Python 3.11.4 or newer. "
            f"Extract {path} by hand, or update Python."
        )
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")


def _extract_zip(path: str, folder: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            # Windows' rules know both kinds of slashes, and drives.
            parts = PureWindowsPath(name)
            if parts.anchor or ".." in parts.parts:
                raise zipfile.BadZipFile(f"the member {name!r} is outside the archive's folder")
        archive.extractall(folder)


def _move(source: str, target: str) -> None:
    """Move a folder to `target`; into it, file by file, if it is there already."""
    if not os.path.isdir(target):
        os.replace(source, target)
        return
    for name in os.listdir(source):
        path = os.path.join(source, name)
        there = os.path.join(target, name)
        if os.path.isdir(path) and not os.path.islink(path):
            _move(path, there)
        else:
            os.replace(path, there)
