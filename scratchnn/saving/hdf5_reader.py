"""HDF5, as much of it as Keras writes, read in Python: no C library sees bytes nobody vouches for.

The C library follows whatever addresses a file holds, and some damaged files keep it busy for
ever. Here every read lies within the file, no structure is visited twice, and what is read is
bounded by the file's size. All that Keras wrote from version 1 to 3 has this form:

    superblock, version 0           at byte 0; leads to the root group
    object header, version 1        messages: what a group or dataset is; continued elsewhere
    group                           a tree of nodes (TREE), whose leaves (SNOD) list the members;
                                    their names are in a heap (HEAP)
    dataset                         shape, dtype, and one stretch of the file that holds the data
    attribute                       a message; strings of any length are in global heaps (GCOL)

Other forms (chunks, compression, the format of `libver="latest"`) are refused.

Reference: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from struct import unpack_from
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array
from . import limits

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_NOWHERE = (1 << 64) - 1
"""The address of what is not there."""

_MAX_HEADER = 1 << 20
"""Bytes of an object's messages: a hundred times what a list of a thousand layers takes."""

_LONGEST_NAME = 1000

_SYMBOL = 40
"""Bytes of a group's entry for a member."""

_SPACE, _LINKS, _TYPE, _LINK, _EXTERNAL, _LAYOUT = 1, 2, 3, 6, 7, 8
_ATTRIBUTE, _CONTINUATION, _TABLE, _ATTRIBUTES = 12, 16, 17, 21
"""The types of messages."""

_KINDS = {2: "in chunks", 3: "virtual, in other files"}


class Hdf5:
    """An HDF5 file, for reading.

    Arguments:
        file: what is read, open; nothing in it is trusted.

    Attributes:
        size: how many bytes it has.
        root: its root group.

    Raises:
        ValueError: if it is not HDF5, or not of the form above.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._whole = memoryview(file.getvalue()) if isinstance(file, io.BytesIO) else None
        self.size = file.seek(0, 2)
        self._left = 2 * self.size  # bytes still to be read: honest files hold each of them once
        self._objects: dict[int, Group | Dataset] = {}
        self._heaps: dict[int, dict[int, bytes]] = {}
        head = self.at(0, 96) if self.size >= 96 else b""
        if head[:8] != SIGNATURE:
            raise ValueError("it is not HDF5, or cut short")
        if head[8] != 0 or head[13:15] != b"\x08\x08":
            raise ValueError("it is HDF5 of a form that Keras does not write: save it with Keras")
        base, _, end = unpack_from("<3Q", head, 24)
        if base != 0 or end > self.size:
            raise ValueError("it is cut short" if base == 0 else "it starts late in the file")
        root = self.object(unpack_from("<Q", head, 64)[0])
        if not isinstance(root, Group):
            raise ValueError("it has no root group")
        self.root = root

    def at(self, address: int, size: int) -> bytes:
        """Return some bytes of the file, which must be there."""
        if address < 0 or size < 0 or address + size > self.size:
            raise ValueError(f"it names bytes {address} to {address + size}, beyond its end")
        self._file.seek(address)
        data = self._file.read(size)
        if len(data) != size:
            raise ValueError("it became shorter while it was read")
        return data

    def data(self, address: int, size: int) -> bytes | memoryview:
        """Return the same for an array: what is in memory already is not copied."""
        if self._whole is None or address + size > self.size:
            return self.at(address, size)
        return self._whole[address : address + size]

    def spend(self, size: int) -> None:
        """Count bytes that are taken into memory."""
        self._left -= size
        if self._left < 0:
            raise ValueError(f"it names more bytes than its {self.size} can hold")

    # Objects --------------------------------------------------------------------------------

    def object(self, address: int) -> Group | Dataset:
        """Return the group or dataset whose header is at an address."""
        if address not in self._objects:
            self._objects[address] = self._read_object(address)
        return self._objects[address]

    def _read_object(self, address: int) -> Group | Dataset:
        messages: dict[int, list[bytes]] = {}
        for kind, message in self._messages(address):
            messages.setdefault(kind, []).append(message)
        if _ATTRIBUTES in messages or _LINKS in messages or _LINK in messages:
            raise ValueError("it uses links or attributes of a form that Keras does not write")
        attributes = {}
        for message in messages.get(_ATTRIBUTE, ()):
            name, *value = _attribute(message)
            attributes[name] = value
        if _TABLE in messages:
            tree, heap = unpack_from("<2Q", _padded(messages[_TABLE][0], 16))
            return Group(self, attributes, tree, heap)
        if _LAYOUT in messages and _SPACE in messages and _TYPE in messages:
            return Dataset(
                self,
                attributes,
                shape=_shape(messages[_SPACE][0]),
                dtype=_dtype(messages[_TYPE][0]),
                layout=messages[_LAYOUT][0],
                elsewhere=_EXTERNAL in messages,
            )
        raise ValueError(f"at byte {address}, there is neither a group nor a dataset")

    def _messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        """Yield the messages of an object's header, with their types."""
        version, _, count, _, size = unpack_from("<BBHII", self.at(address, 16))
        if version != 1:
            raise ValueError(f"at byte {address}, there is no object's header of version 1")
        parts, seen, total = [(address + 16, size)], {address + 16}, 0
        for start, length in parts:
            total += length
            if total > _MAX_HEADER:
                raise ValueError("an object's header is longer than a megabyte")
            self.spend(length)
            data, place = self.at(start, length), 0
            while place + 8 <= length and count > 0:
                kind, size, flags = unpack_from("<HHB", data, place)
                message = data[place + 8 : place + 8 + size]
                if len(message) != size:
                    raise ValueError("a message is cut short")
                place, count = place + 8 + size, count - 1
                if kind == _CONTINUATION:
                    start, more = unpack_from("<2Q", _padded(message, 16))
                    if start in seen:
                        raise ValueError("an object's header leads back to itself")
                    seen.add(start)
                    parts.append((start, more))
                elif kind:
                    if flags & 2:
                        raise ValueError("messages are shared, which Keras does not do")
                    yield kind, message

    # Groups ---------------------------------------------------------------------------------

    def members(self, tree: int, heap: int) -> dict[str, int | None]:
        """Return a group's members: name and address of each; None for a link."""
        signature, size, _, start = unpack_from("<4s4x3Q", self.at(heap, 32))
        if signature != b"HEAP":
            raise ValueError("a group has no names")
        self.spend(size)
        names = self.at(start, size)
        found: dict[str, int | None] = {}
        for leaf in self._leaves(tree):
            signature, count = unpack_from("<4s2xH", self.at(leaf, 8))
            if signature != b"SNOD":
                raise ValueError("a group's list of members is broken")
            self.spend(_SYMBOL * count)
            symbols = self.at(leaf + 8, _SYMBOL * count)
            for i in range(count):
                place, address, kind = unpack_from("<2QI", symbols, _SYMBOL * i)
                end = names.find(b"\0", place, place + _LONGEST_NAME)
                if place >= size or end < 0:
                    raise ValueError("a member of a group has no name")
                name = names[place:end].decode("utf-8")
                if name in found:
                    raise ValueError(f"two members of a group are named {name[:100]!r}")
                if len(found) >= limits.MAX_MEMBERS:
                    raise ValueError(f"a group has more than {limits.MAX_MEMBERS} members")
                found[name] = None if kind == 2 else address
        return found

    def _leaves(self, root: int) -> Iterator[int]:
        """Yield the addresses of a tree's leaves, in order."""
        waiting: list[tuple[int, int | None]] = [(root, None)]
        seen: set[int] = set()
        while waiting:
            address, level = waiting.pop()
            if address in seen or len(seen) > limits.MAX_MEMBERS:
                raise ValueError("a group's tree leads back to itself")
            seen.add(address)
            if level == -1:
                yield address
                continue
            signature, kind, own, count = unpack_from("<4sBBH", self.at(address, 24))
            if signature != b"TREE" or kind != 0 or level not in (None, own):
                raise ValueError("a group's tree is broken")
            self.spend(16 * count)
            pairs = self.at(address + 24, 16 * count)
            children = [unpack_from("<Q", pairs, 16 * i + 8)[0] for i in range(count)]
            waiting += [(child, own - 1) for child in reversed(children)]

    # Strings of any length --------------------------------------------------------------------

    def text(self, reference: bytes) -> str:
        """Return the string that sixteen bytes refer to: length, heap, and number in it."""
        length, heap, number = unpack_from("<IQI", reference)
        if length == 0:
            return ""
        if heap not in self._heaps:
            self._heaps[heap] = self._heap(heap)
        data = self._heaps[heap].get(number, b"")
        if length > len(data):
            raise ValueError("a string is longer than its place in the file")
        self.spend(length)
        return data[:length].decode("utf-8")

    def _heap(self, address: int) -> dict[int, bytes]:
        signature, size = unpack_from("<4s4xQ", self.at(address, 16))
        if signature != b"GCOL":
            raise ValueError("a string is not in the file")
        self.spend(size)
        data, place = self.at(address, size), 16
        found = {}
        while place + 16 <= size:
            number, length = unpack_from("<H6xQ", data, place)
            if number == 0:  # what is left is free
                break
            found[number] = data[place + 16 : place + 16 + length]
            place += 16 + _aligned(length)
        return found


@dataclass
class Object:
    """What groups and datasets have in common: attributes, as [shape, dtype, bytes] by name."""

    file: Hdf5
    attributes: dict[str, list[Any]]

    def attribute(self, name: str) -> Any:
        """Return an attribute: a string, a number, or a list of these; None if there is none."""
        if name not in self.attributes:
            return None
        shape, dtype, data = self.attributes[name]
        if shape is None:
            return None
        count = prod(shape)
        size = 16 if dtype is None else dtype.itemsize
        if count * size > len(data):
            raise ValueError(f"the attribute {name!r} is cut short")
        self.file.spend(count * size)
        items: list[Any]
        if dtype is None:
            items = [self.file.text(data[16 * i : 16 * i + 16]) for i in range(count)]
        else:
            items = np.frombuffer(data, dtype, count).tolist() if size else [b""] * count
            items = [i.decode("utf-8") if isinstance(i, bytes) else i for i in items]
        return items if shape else items[0]


@dataclass
class Group(Object):
    """A group: its members by name."""

    tree: int
    heap: int
    _members: dict[str, int | None] | None = field(default=None, init=False)

    @property
    def members(self) -> dict[str, int | None]:
        """The addresses of the members, read when first asked for."""
        if self._members is None:
            self._members = self.file.members(self.tree, self.heap)
        return self._members

    def get(self, name: str) -> Group | Dataset | None:
        """Return a member; None if there is none of that name."""
        if name not in self.members:
            return None
        address = self.members[name]
        if address is None:
            raise ValueError(f"{name!r} is a link to another place or file")
        return self.file.object(address)

    def group(self, *names: str) -> Group | None:
        """Return the group that these names lead to; None if there is none."""
        found: Group = self
        for name in names:
            member = found.get(name)
            if member is None:
                return None
            if not isinstance(member, Group):
                raise ValueError(f"{name!r} must be a Group")
            found = member
        return found

    def dataset(self, name: str) -> Dataset:
        """Return the dataset of that name."""
        member = self.get(name)
        if not isinstance(member, Dataset):
            raise ValueError("it is not there" if member is None else f"{name!r} must be a Dataset")
        return member


@dataclass
class Dataset(Object):
    """An array: its shape (None if it is empty), its dtype (None for strings), its place."""

    shape: tuple[int, ...] | None
    dtype: np.dtype[Any] | None
    layout: bytes
    elsewhere: bool

    def read(self) -> Array:
        """Return the array.

        Raises:
            ValueError: if it is none of numbers, larger than the file, or stored in another way.
        """
        if self.elsewhere:
            raise ValueError("its data is in another file")
        if self.shape is None:
            raise ValueError("it is empty")
        if self.dtype is None or self.dtype.kind not in "fiub":
            raise ValueError(f"variables are arrays of numbers. Received: dtype {self.dtype}")
        size = prod(self.shape) * self.dtype.itemsize
        if size > self.file.size:
            raise ValueError(
                f"shape {self.shape} of {self.dtype} needs {size} bytes, which a file of "
                f"{self.file.size} cannot hold"
            )
        data = self._data(size)
        array: Array = np.frombuffer(data, self.dtype).reshape(self.shape)
        if self.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
            raise ValueError("its booleans are none")
        return array

    def _data(self, size: int) -> bytes | memoryview:
        version, kind = unpack_from("<2B", _padded(self.layout, 2))
        if version != 3 or kind not in (0, 1):
            how = _KINDS.get(kind, "in an old way") if version >= 3 else "in an old way"
            raise ValueError(f"its data is stored {how}, which Keras does not do")
        if kind == 0:
            (length,) = unpack_from("<H", _padded(self.layout, 4), 2)
            data: bytes | memoryview = _padded(self.layout[4:], length)[:length]
        else:
            address, length = unpack_from("<2Q", _padded(self.layout, 18), 2)
            if address == _NOWHERE:
                length = 0  # nothing was ever written
            self.file.spend(length)
            data = self.file.data(address, length) if length else b""
        if length != size:
            raise ValueError(f"shape {self.shape} needs {size} bytes, and it has {length}")
        return data


# Messages -----------------------------------------------------------------------------------------


def _padded(message: bytes, size: int) -> bytes:
    if len(message) < size:
        raise ValueError("a message is cut short")
    return message


def _aligned(size: int) -> int:
    return -(-size // 8) * 8


def _shape(message: bytes) -> tuple[int, ...] | None:
    """Return the shape that a dataspace message describes; None for that of nothing."""
    version, rank, _, kind = unpack_from("<4B", _padded(message, 4))
    if version not in (1, 2) or rank > 32:
        raise ValueError("a shape is broken")
    if version == 2 and kind == 2:
        return None
    start = 8 if version == 1 else 4
    return unpack_from(f"<{rank}Q", _padded(message, start + 8 * rank), start)


_TEXT, _ENUM, _VARIABLE = 3, 8, 9
_FLOATS = {2: (10, 5, 15), 4: (23, 8, 127), 8: (52, 11, 1023)}
"""Sizes of a float's fraction and exponent in bits, and the exponent's bias, by bytes."""


def _dtype(message: bytes) -> np.dtype[Any] | None:
    """Return the dtype that a datatype message describes; None for strings of any length."""
    first, bits, _, _, size = unpack_from("<4BI", _padded(message, 8))
    kind = first & 15
    order = ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        if unpack_from("<2H", _padded(message, 12), 8) == (0, 8 * size):
            return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")
    elif kind == 1 and size in _FLOATS and not bits & 64:
        fraction, exponent, bias = _FLOATS[size]
        described = unpack_from("<2H4BI", _padded(message, 20), 8)
        if described == (0, 8 * size, fraction, exponent, 0, fraction, bias):
            return np.dtype(f"{order}f{size}")
    elif kind == _TEXT and size < 1 << 16:
        return np.dtype(f"S{size}")
    elif kind == _ENUM and size == 1 and b"FALSE" in message and b"TRUE" in message:
        return np.dtype(bool)
    elif kind == _VARIABLE and bits & 15 == 1 and size == 16:
        return None
    return np.dtype(f"V{min(size, 1 << 16)}")


def _attribute(message: bytes) -> tuple[str, tuple[int, ...] | None, np.dtype[Any] | None, bytes]:
    """Return name, shape, dtype and bytes of an attribute."""
    version, flags, *sizes = unpack_from("<2B3H", _padded(message, 8))
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise ValueError("an attribute is of a form that Keras does not write")
    place = 9 if version == 3 else 8
    parts = []
    for size in sizes:
        part = message[place : place + size]
        parts.append(_padded(part, size))
        place += _aligned(size) if version == 1 else size
    name = parts[0].partition(b"\0")[0].decode("utf-8")
    return name, _shape(parts[2]), _dtype(parts[1]), message[place:]
