"""Model files in NumPy's own format: a zip of arrays, readable wherever NumPy is.

    config.json                  what `model.to_json()` says (only in whole models)
    metadata.json                {"keras_version", "scratchnn_version", "date_saved"} (the same)
    layers/dense/vars/0.npy      the variables, where state.py has their places: each an .npy file,
    optimizer/vars/0.npy         format version 1.0, C order
    assets/layers/.../...        files of layers' own, such as vocabularies (in whole models)

It is not compressed, and never holds Python objects: `np.load(path)["layers/dense/vars/0"]` is the
first weight of the first Dense layer.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import IO, Any, BinaryIO

import numpy as np

from ..arrays import Array
from . import limits
from .errors import ModelFileError, reading
from .state import Variables

_ENCRYPTED = 1
_LARGE = 1 << 31
"""Bytes from which a member of a zip needs the larger format."""


def write_zip(
    file: BinaryIO,
    members: Mapping[str, str | bytes | memoryview],
    state: Iterable[tuple[str, str, Variables]] = (),
) -> None:
    """Write a zip of texts and other files, and of variables as .npy files."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
        for place, _, variables in state:
            for key, value in variables.items():
                name = f"{place}/vars/{key}.npy".lstrip("/")
                array = np.asarray(value, order="C")
                large = array.nbytes >= _LARGE
                with archive.open(zipfile.ZipInfo(name), "w", force_zip64=large) as member:
                    np.lib.format.write_array(member, array, (1, 0), allow_pickle=False)


class ZipReader:
    """A zip that is not trusted: nothing is unpacked before its size is known to be honest.

    Arguments:
        path: the name of the file, for errors.
        file: what is read, open.

    Raises:
        ModelFileError: if it is no zip, or one that asks for more than it holds.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self.size = file.seek(0, 2)
        with reading(path):
            self._zip = zipfile.ZipFile(file)
            self._members = self._checked_members()

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        members = self._zip.infolist()
        names = {member.filename: member for member in members}
        if len(members) > limits.MAX_MEMBERS:
            raise ValueError(f"it has {len(members)} members, more than {limits.MAX_MEMBERS}")
        if len(names) < len(members):
            raise ValueError("two of its members have the same name")
        for member in members:
            if member.flag_bits & _ENCRYPTED:
                raise ValueError(f"its member {member.filename!r} is encrypted")
            stored = member.compress_type == zipfile.ZIP_STORED
            if stored and member.file_size != member.compress_size:
                raise ValueError(f"its member {member.filename!r} has two sizes")
            if not stored and member.compress_type != zipfile.ZIP_DEFLATED:
                raise ValueError(f"its member {member.filename!r} is compressed in an unknown way")
        total = sum(member.file_size for member in members)
        if total > limits.largest_content(self.size):
            raise ValueError(
                f"its members declare {total} bytes, which a file of {self.size} cannot hold"
            )
        return names

    def __enter__(self) -> ZipReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """Return the names of the members."""
        return list(self._members)

    def size_of(self, name: str) -> int:
        """Return how many bytes a member holds."""
        return self._members[name].file_size

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member for reading."""
        if name not in self._members:
            raise ModelFileError(self.path, name, "the file has no such member")
        with reading(self.path, name), self._zip.open(self._members[name]) as member:
            yield member

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return a member's content.

        Raises:
            ModelFileError: if it is not there, broken, or longer than `limit`.
        """
        with self.open(name) as member:
            if limit is not None and self.size_of(name) > limit:
                raise ValueError(f"it is larger than {limit} bytes")
            return member.read()


class NpzWeights:
    """The variables in an .npz file, for reading."""

    def __init__(self, archive: ZipReader) -> None:
        self.path = archive.path
        self._archive = archive
        self._places: dict[str, list[str]] = {}
        self.size = 0
        for name in archive.names():
            folder, _, key = name.rpartition("/")
            place, _, last = folder.rpartition("/")
            if last == "vars" and key.endswith(".npy"):
                self._places.setdefault(place, []).append(key.removesuffix(".npy"))
                self.size += archive.size_of(name)

    def variables(self, place: str) -> Variables:
        """Return the variables of the object at `place`; none if it is not in the file."""
        keys = self._places.get(place, ())
        return {key: self._array(f"{place}/vars/{key}.npy".lstrip("/")) for key in keys}

    def _array(self, name: str) -> Array:
        with self._archive.open(name) as member:
            return read_npy(member, self._archive.size_of(name))


def read_npy(file: IO[bytes], size: int) -> Array:
    """Return the array in an .npy file of `size` bytes, which it must fill exactly.

    Raises:
        ValueError: for anything but numbers in format version 1.0.
    """
    head = io.BytesIO(file.read(10))
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("only version 1.0 of the .npy format is read")
    length = int.from_bytes(head.read(2), "little")
    text = io.BytesIO(length.to_bytes(2, "little") + file.read(length))
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(text, max_header_size=1000)
    check_numbers(dtype)
    expected = prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or expected != size - 10 - length:
        raise ValueError(
            f"shape {shape} of {dtype} needs {expected} bytes, and it has {size - 10 - length}"
        )
    array: Array = np.frombuffer(file.read(), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def check_numbers(dtype: np.dtype[Any]) -> None:
    """Raise a ValueError unless `dtype` is one of numbers."""
    if dtype.kind not in "fiub" or dtype.fields or dtype.subdtype:
        raise ValueError(f"variables are arrays of numbers. Received: dtype {dtype}")
