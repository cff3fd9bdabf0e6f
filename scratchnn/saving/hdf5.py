"""Variables in HDF5, in Keras's layout: a group `vars` for each object, datasets '0', '1', ... in
it, and the object's name as the group's attribute `name`. The layout of Keras's older files is in
legacy_h5.py.

Files are written through h5py, which is imported here alone, and read without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from ..arrays import Array
from .errors import reading
from .hdf5_reader import Group, Hdf5
from .state import Variables


def import_h5py() -> Any:
    """Return the module h5py.

    Raises:
        ImportError: if it is not installed; the message says what to do.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "Writing HDF5 (.keras, .weights.h5) needs h5py: install it with `pip install h5py`, or "
            "save as .npz, which needs nothing but NumPy."
        ) from error
    return h5py


def write_h5(file: BinaryIO, state: Iterable[tuple[str, str, Variables]]) -> None:
    """Write variables into an HDF5 file."""
    with import_h5py().File(file, "w") as root:
        for place, name, variables in state:
            group = root.create_group(f"{place}/vars".lstrip("/"))
            group.attrs["name"] = name
            for key, array in variables.items():
                group[key] = array


class H5Weights:
    """The variables in an HDF5 file of Keras's layout, for reading.

    Arguments:
        path: the name of the file, for errors.
        file: what is read, open.

    Raises:
        ModelFileError: if it is not HDF5.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        with reading(path):
            self.file = Hdf5(file)
        self.root = self.file.root
        self.size = self.file.size

    def variables(self, place: str) -> Variables:
        """Return the variables of the object at `place`; none if it is not in the file."""
        with reading(self.path, place):
            group = self.root.group(*(place.split("/") if place else ()), "vars")
            keys = [] if group is None else list(group.members)
        return {} if group is None else {key: self._array(group, place, key) for key in keys}

    def _array(self, group: Group, place: str, key: str) -> Array:
        with reading(self.path, f"{place}/vars/{key}".lstrip("/")):
            data = group.dataset(key)
            if data.attribute("dtype") is not None:
                raise ValueError(
                    f"dtype {data.attribute('dtype')!r} is not supported: NumPy has none. Save "
                    "the model with float32 weights"
                )
            return data.read()
