"""Reading pickled data of which only arrays, lists, dicts, numbers and strings are wanted.

A pickle is a program: unpickled in the usual way, it may run anything. Here it finds three names,
those that rebuild an array, and no other.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any, BinaryIO

import numpy as np

from scratchnn.arrays import Array


def _dtype(code: Any, align: Any = False, copy: Any = False) -> np.dtype[Any]:
    # Old pickles say 0 and 1, which NumPy 2.4.0 to 2.4.4 warn about.
    found: np.dtype[Any] = np.dtype(code, align=bool(align), copy=bool(copy))
    return found


_reconstruct = np.empty(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"Expected a pickle of plain data and arrays. Received: one that uses "
                f"{module}.{name}, which is not run."
            )
        return _ALLOWED[module, name]


def load_pickle(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """Return the data in a pickle of numbers, strings, lists, dicts and arrays.

    Arguments:
        file: an open file, which is read up to the end of the pickle.
        encoding: of Python 2's strings; 'bytes' leaves them bytes.

    Raises:
        pickle.UnpicklingError: if the pickle uses any other class or function, or is damaged.

    Example:
        >>> load_pickle(io.BytesIO(pickle.dumps({"labels": [3, 1]})))
        {'labels': [3, 1]}
    """
    return _DataUnpickler(file, encoding=encoding).load()


def load_npz(path: str) -> dict[str, Array]:
    """Return the arrays of an .npz file by name, arrays of lists included.

    It is `numpy.load(path, allow_pickle=True)` for files that must not run anything.

    Raises:
        pickle.UnpicklingError: as load_pickle does.
    """
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _read(io.BytesIO(archive.read(name)))
            for name in archive.namelist()
        }


def _read(file: BinaryIO) -> Array:
    """Return the array in an .npy file: a header, then the bytes, or a pickle of objects."""
    version = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    if read_header(file)[2].hasobject:
        return np.asarray(load_pickle(file))
    file.seek(0)
    return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
