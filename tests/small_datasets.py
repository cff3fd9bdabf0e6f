"""Small files in the formats of the datasets of Keras, the pickles as Python 2 wrote them."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from typing import Any

import numpy as np


def python2_pickle(data: Any) -> bytes:
    """Return plain data and arrays as a pickle of protocol 2, as Python 2 and NumPy wrote it."""
    return b"\x80\x02" + _opcodes(data) + b"."


def _opcodes(data: Any) -> bytes:
    if isinstance(data, dict):
        return b"}(" + b"".join(_opcodes(k) + _opcodes(v) for k, v in data.items()) + b"u"
    if isinstance(data, list):
        return b"](" + b"".join(map(_opcodes, data)) + b"e"
    if isinstance(data, tuple):
        return b"(" + b"".join(map(_opcodes, data)) + b"t"
    if isinstance(data, str | bytes):
        content = data.encode() if isinstance(data, str) else data
        return b"T" + struct.pack("<i", len(content)) + content
    if isinstance(data, bool):
        return b"\x88" if data else b"\x89"
    if isinstance(data, int):
        return b"J" + struct.pack("<i", data)
    if data is None:
        return b"N"
    if isinstance(data, np.dtype):
        code, flags = ("O8", 63) if data.hasobject else (data.str[1:], 0)
        order = "|" if data.itemsize == 1 or data.hasobject else "<"
        made = b"cnumpy\ndtype\n" + _opcodes((code, 0, 1)) + b"R"
        return made + _opcodes((3, order, None, None, None, -1, -1, flags)) + b"b"
    assert isinstance(data, np.ndarray)
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _opcodes((0,))
    content = data.tolist() if data.dtype.hasobject else data.tobytes()
    state = (1, data.shape, data.dtype, False, content)
    return empty + _opcodes("b") + b"tR" + _opcodes(state) + b"b"


def npz(**arrays: np.ndarray) -> bytes:
    """Return an .npz file, with arrays of objects as Python 2 pickled them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            if array.dtype.hasobject:
                header = {"descr": "|O", "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(content, header)
                content.write(python2_pickle(array))
            else:
                np.lib.format.write_array(content, array)
            archive.writestr(f"{name}.npy", content.getvalue())
    return buffer.getvalue()


def tar_gz(files: dict[str, bytes]) -> bytes:
    """Return a compressed tar archive of files by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def texts(rng: np.random.RandomState, count: int) -> np.ndarray:
    """Return an array of `count` lists of words from 1 to 60, of 1 to 12 words."""
    array = np.empty(count, object)
    array[:] = [rng.randint(1, 61, rng.randint(1, 13)).tolist() for _ in range(count)]
    return array


def _cifar(rng: np.random.RandomState, count: int, **labels: int) -> bytes:
    batch = {
        "batch_label": "a batch",
        **{name: rng.randint(0, classes, count).tolist() for name, classes in labels.items()},
        "data": rng.randint(0, 256, (count, 3072), "uint8"),
        "filenames": ["photo.png"] * count,
    }
    return python2_pickle(batch)


def files() -> dict[str, bytes]:
    """Return small files by the names that the true ones have on the servers."""
    rng = np.random.RandomState(5)  # whose numbers never change
    reuters = texts(rng, 25)
    x = rng.uniform(0, 9, (23, 13))
    rooms = rng.uniform(0, 9, (700, 8)).astype("float32")
    # Keras's loader takes training batches of 10,000 images, or of one: that one 10,000 times.
    sizes = {f"data_batch_{i}": 1 for i in range(1, 6)} | {"test_batch": 4}
    return {
        "imdb.npz": npz(
            x_train=texts(rng, 30),
            y_train=rng.randint(0, 2, 30),
            x_test=texts(rng, 20),
            y_test=rng.randint(0, 2, 20),
        ),
        "imdb_word_index.json": json.dumps({"the": 1, "naïve": 2}).encode(),
        "reuters.npz": npz(x=reuters, y=rng.randint(0, 46, 25)),
        "reuters_word_index.json": json.dumps({"oil": 2, "mln": 1}).encode(),
        "boston_housing.npz": npz(x=x, y=x.sum(axis=1)),
        "california_housing.npz": npz(x=rooms, y=rooms.sum(axis=1)),
        "cifar-10-python.tar.gz": tar_gz(
            {
                f"cifar-10-batches-py/{name}": _cifar(rng, size, labels=10)
                for name, size in sizes.items()
            }
        ),
        "cifar-100-python.tar.gz": tar_gz(
            {
                f"cifar-100-python/{part}": _cifar(rng, size, fine_labels=100, coarse_labels=20)
                for part, size in (("train", 5), ("test", 3))
            }
        ),
    }
