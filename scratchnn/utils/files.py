"""Files from the network: downloaded whole or not at all, checked, and kept in Keras's folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scratchnn.progress import Progbar, write

_BLOCK = 1 << 16
_TIMEOUT = 60.0
"""Seconds that a server may be silent before a download is given up."""


def keras_home() -> str:
    """Return the folder in which Keras keeps its files: `$KERAS_HOME`, or ~/.keras."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))


def cache_folder(
    cache_subdir: str = "datasets", cache_dir: str | os.PathLike[str] | None = None
) -> str:
    """Return the folder for downloads; nothing is made yet.

    Arguments:
        cache_subdir: folder below `cache_dir`, or an absolute path.
        cache_dir: None means `keras_home()`. Where it cannot be written, a folder .keras among
            the temporary files takes its place.
    """
    base = keras_home() if cache_dir is None else os.path.expanduser(cache_dir)
    if not _can_write(base):
        import tempfile

        temporary = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()
        base = os.path.join(temporary, ".keras")
    return os.path.join(base, cache_subdir)


def _can_write(folder: str) -> bool:
    """Tell whether files can be put into `folder`, which may still have to be made."""
    folder = os.path.abspath(folder)
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK)


def partial_name(path: str) -> str:
    """Return a name next to `path` that nothing has, for what is not complete yet."""
    return f"{path}.{os.urandom(4).hex()}.part"


def download(origin: str, target: str, check: Callable[[str], object] | None = None) -> None:
    """Download a URL to the file `target`, whole or not at all, with a progress bar.

    The bytes go to a file next to `target`, which takes the name `target` when it is complete,
    on the disk and checked. Whatever happens before leaves `target` as it was.

    Arguments:
        origin: the URL.
        target: the path of the file; its folder is made when missing.
        check: called with the path of the complete file; raises if the content is wrong.

    Raises:
        OSError: if the server cannot be reached, answers with an error, or stops too early.
    """
    write(f"Downloading data from {origin}\n")
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    partial = partial_name(target)
    try:
        with open(partial, "xb") as file:
            for block in _blocks(origin):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(partial)
        os.replace(partial, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)


def _blocks(origin: str) -> Iterator[bytes]:
    """Yield what a URL holds, block by block, and show the progress."""
    import http.client
    import urllib.error
    import urllib.request

    received = 0
    try:
        with urllib.request.urlopen(origin, timeout=_TIMEOUT) as response:
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
            bar = Progbar(total or None, unit_name="byte")
            while block := response.read(_BLOCK):
                received += len(block)
                if received != total:
                    bar.update(received)
                yield block
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(
            f"Could not download {origin}: the server answered {error.code} {error.reason}."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"Could not download {origin}: {reason!s}. Check the network connection and the URL."
        ) from error
    if total is not None and received != total:
        raise OSError(
            f"Could not download {origin}: expected {total} bytes. Received: {received}. "
            "The connection was closed too early; try again."
        )
    bar.update(received, finalize=True)


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file from the network, downloaded unless the cache has it already.

    The file is kept as `cache_dir/cache_subdir/fname`. Archives are unpacked next to it, anew on
    each call: `data.zip` into `data_extracted`; a name without a dot is the folder's name, and the
    archive is then kept as `fname_archive`. Without `fname`, the last part of the URL's path is
    the name (of the folder, if there is one to unpack).

    Arguments:
        fname: the name in the cache, without a folder.
        origin: the URL.
        untar: older name for `extract=True, archive_format="tar"`.
        md5_hash: older name for `file_hash` with `hash_algorithm="md5"`.
        file_hash: the file's sha256 or md5 in hexadecimal digits. A cached file that differs is
            downloaded again; a downloaded file that differs is an error and is not kept.
        cache_subdir: the folder below `cache_dir`, or an absolute path.
        hash_algorithm: 'sha256', 'md5', or 'auto', which tells them apart by their length.
        extract: unpack the file, a tar or zip archive.
        archive_format: 'tar' (compressed or not), 'zip', a list of them, or 'auto' for both.
        cache_dir: by default `$KERAS_HOME`, or ~/.keras; the temporary folder's .keras where that
            cannot be written.
        force_download: download even if the cache has the file.

    Returns:
        The path of the file, or of the folder into which the archive was unpacked.

    Raises:
        OSError: if the download fails.
        ValueError: for arguments that make no sense, a hash that does not match, or an archive
            that is damaged, of no known format, or would write outside its folder.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     cached = pathlib.Path(home, "datasets", "iris.csv")
        ...     cached.parent.mkdir()
        ...     _ = cached.write_text("5.1,3.5,1.4,0.2,0")
        ...     path = get_file("iris.csv", "https://example.org/iris.csv", cache_dir=home)
        ...     pathlib.Path(path).read_text()  # in the cache: no download
        '5.1,3.5,1.4,0.2,0'
    """
    if not origin:
        raise ValueError(f"get_file expected origin, the URL of the file. Received: {origin!r}.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    check = _hash_check(origin, file_hash, hash_algorithm)
    name = _file_name(fname, origin)
    target = os.path.join(cache_folder(cache_subdir, cache_dir), name)
    if not (extract or untar):
        _ensure(origin, target, check, force_download)
        return target

    from scratchnn.utils import archives

    formats = archives.check_formats("tar" if untar else archive_format)
    folder = target
    if fname and "." in name:
        folder = os.path.join(os.path.dirname(target), f"{name[: name.find('.')]}_extracted")
    else:
        target = f"{target}_archive"
    _ensure(origin, target, check, force_download)
    archives.extract(target, folder, formats)
    return folder


def _ensure(
    origin: str, target: str, check: Callable[[str], object] | None, force_download: bool
) -> None:
    """Download `origin` unless the cache has it, intact."""
    if os.path.exists(target) and not force_download:
        if check is None:
            return
        try:
            check(target)
            return
        except ValueError:
            write(f"{target} is incomplete or outdated: its hash differs. Downloading it again.\n")
    download(origin, target, check)


def _file_name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    import posixpath
    from urllib.parse import urlsplit

    name = os.fspath(fname) if fname else posixpath.basename(urlsplit(origin).path)
    if name in ("", ".", "..") or "/" in name or os.sep in name:
        raise ValueError(
            "get_file expected fname to be a name without a folder, or origin to end in one. "
            f"Received: fname={fname!r}, origin={origin!r}. "
            "The folder is chosen by cache_dir and cache_subdir."
        )
    return name


_HASH_LENGTHS = {64: "sha256", 32: "md5"}


def _hash_check(
    origin: str, file_hash: str | None, algorithm: str
) -> Callable[[str], object] | None:
    """Return the function that raises ValueError for a file of another hash."""
    if algorithm not in ("auto", *_HASH_LENGTHS.values()):
        raise ValueError(
            f"hash_algorithm must be 'auto', 'sha256' or 'md5'. Received: {algorithm!r}."
        )
    if file_hash is None:
        return None
    expected = file_hash.lower()
    implied = _HASH_LENGTHS.get(len(expected))
    if implied is None or algorithm not in ("auto", implied):
        raise ValueError(
            "file_hash must have 64 hexadecimal digits for sha256, 32 for md5. "
            f"Received: {file_hash!r} with hash_algorithm={algorithm!r}."
        )

    def check(path: str) -> None:
        received = file_digest(path, implied)
        if received != expected:
            raise ValueError(
                f"The file at {origin} is incomplete or corrupted: expected {implied} {expected}. "
                f"Received: {received}. It was not kept."
            )

    return check


def file_digest(path: str, algorithm: str) -> str:
    """Return the hash of a file in hexadecimal digits."""
    import hashlib

    def new() -> Any:
        return hashlib.new(algorithm, usedforsecurity=False)

    with open(path, "rb") as file:
        return hashlib.file_digest(file, new).hexdigest()
