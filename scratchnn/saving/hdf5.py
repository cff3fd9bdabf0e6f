"""Variables in HDF5, in Keras's layout: a group `vars` for each object, datasets '0', '1', ... in
it, and the object's name as the group's attribute `name`. Through h5py, imported here alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array
from . import limits
from .errors import reading
from .npz import check_numbers
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
            "Files in HDF5 (.keras, .weights.h5) need h5py: install it with `pip install h5py`, or "
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
    """The variables in an HDF5 file, for reading.

    Arguments:
        path: the name of the file, for errors.
        file: what is read, open.

    Raises:
        ModelFileError: if it is not HDF5.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self.size = file.seek(0, 2)
        self._left = limits.largest_content(self.size)
        h5py = import_h5py()
        with reading(path):
            self._root = h5py.File(file, "r")
        self._hard_link, self._group, self._dataset = h5py.HardLink, h5py.Group, h5py.Dataset

    def __enter__(self) -> H5Weights:
        return self

    def __exit__(self, *error: object) -> None:
        self._root.close()

    def variables(self, place: str) -> Variables:
        """Return the variables of the object at `place`; none if it is not in the file."""
        with reading(self.path, place):
            group = self._root
            for name in [*place.split("/"), "vars"] if place else ["vars"]:
                group = self._member(group, name, self._group)
                if group is None:
                    return {}
            keys = list(group)
            if len(keys) > limits.MAX_MEMBERS:
                raise ValueError(f"it has more than {limits.MAX_MEMBERS} variables")
        return {key: self._array(group, place, key) for key in keys}

    def _member(self, group: Any, name: str, kind: type) -> Any:
        """Return a member of a group; None if it has none of that name."""
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, self._hard_link):
            raise ValueError(f"{name!r} is a link to another place or file")
        found = group.get(name)
        if not isinstance(found, kind):
            raise ValueError(f"{name!r} must be a {kind.__name__}")
        return found

    def _array(self, group: Any, place: str, key: str) -> Array:
        with reading(self.path, f"{place}/vars/{key}".lstrip("/")):
            data = self._member(group, key, self._dataset)
            if data.external or data.is_virtual:
                raise ValueError("its data is in another file")
            if "dtype" in data.attrs:
                raise ValueError(f"dtype {data.attrs['dtype']!r} is not supported")
            check_numbers(data.dtype)
            if data.shape is None:
                raise ValueError("it is empty")
            self._left -= data.nbytes
            if self._left < 0:
                raise ValueError(
                    f"shape {data.shape} of {data.dtype} needs {data.nbytes} bytes, which a file "
                    f"of {self.size} cannot hold"
                )
            return np.asarray(data[()])
