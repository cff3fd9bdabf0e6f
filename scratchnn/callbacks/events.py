"""Event files, which TensorBoard shows: written here byte by byte, without TensorFlow.

A file is a sequence of records; a record is one Event, a protocol buffer, between its length and
its checksum. A field of a protocol buffer is its number and kind, then its value.

Reference:
    TensorFlow's tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto
    and lib/io/record_writer.h; the protocol buffers' encoding at protobuf.dev.
"""

from __future__ import annotations

import functools
import os
import struct
import time
from collections.abc import Mapping

import numpy as np

_FLOAT, _STRING = 1, 7  # TensorFlow's numbers for these dtypes
_VARINT, _DOUBLE, _BYTES = 0, 1, 2  # the kinds of fields

_files = 0


class EventFile:
    """A new file of events in a folder, opened for each write alone.

    Arguments:
        folder: made if it is missing, as is the file, at the first write.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = ""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers of a step, {tag: value}, as float32."""
        plugin = _field(1, b"scalars")
        with np.errstate(over="ignore"):
            numbers = {tag: np.float32(float(value)) for tag, value in values.items()}
        self._write(
            [
                _event(step, tag, _tensor(_FLOAT, _field(4, struct.pack("<f", number))), plugin)
                for tag, number in numbers.items()
            ]
        )

    def graph(self, tag: str, model_json: str) -> None:
        """Write a model's JSON, from which TensorBoard draws its graph of layers."""
        plugin = _field(1, b"graph_keras_model") + _field(2, b"1")
        self._write([_event(0, tag, _tensor(_STRING, _field(8, model_json.encode())), plugin)])

    def _write(self, events: list[bytes]) -> None:
        if not self.path:
            self.path = _new_path(self.folder)
            os.makedirs(self.folder, exist_ok=True)
            events = [_field(1, time.time()) + _field(3, b"brain.Event:2"), *events]
        with open(self.path, "ab") as file:
            file.write(b"".join(_record(event) for event in events))


def _new_path(folder: str) -> str:
    import socket

    global _files
    number, _files = _files, _files + 1
    name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}.{number}.v2"
    return os.path.join(folder, name)


def _event(step: int, tag: str, tensor: bytes, plugin: bytes) -> bytes:
    value = _field(1, tag.encode()) + _field(8, tensor) + _field(9, _field(1, plugin))
    return _field(1, time.time()) + _field(2, step) + _field(5, _field(1, value))


def _tensor(dtype: int, content: bytes) -> bytes:
    """Return a tensor of rank 0."""
    return _field(1, dtype) + _field(2, b"") + content


def _field(number: int, value: int | float | bytes) -> bytes:
    """Return a field of a protocol buffer: a whole number, a double, or bytes with their length.

    The whole number 0 is what a missing field means, so nothing is written for it.
    """
    if isinstance(value, float):
        return _varint(number << 3 | _DOUBLE) + struct.pack("<d", value)
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value) if value else b""
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Return a whole number, seven bits a byte, the lowest first; the top bit says: more follows.

    Example:
        >>> _varint(300).hex()
        'ac02'
    """
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _checksum(data: bytes) -> bytes:
    """Return the CRC-32C, rotated by 15 bits and moved on, as the format wants it."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """Return the cyclic redundancy check with Castagnoli's polynomial.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    table = _table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@functools.cache
def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table
