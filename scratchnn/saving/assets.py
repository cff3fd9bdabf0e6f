"""Assets: what layers keep in files of their own, such as vocabularies, within a model's file.

A layer that defines `save_assets(dir_path)` writes files into a folder, which are put into the
zip under `assets/` and the layer's place in it; `load_assets(dir_path)` reads them again. Both are
Keras's. The names in a zip are data: none leads out of the folder that is made for it.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from .errors import reading
from .npz import ZipReader
from .state import saved_objects

_FOLDER = "assets"


def collected(model: Any) -> dict[str, bytes]:
    """Return the assets of a model's layers: names in the zip, and contents."""
    found: dict[str, bytes] = {}
    for place, layer in saved_objects(model):
        if hasattr(layer, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                layer.save_assets(folder)
                for name, content in _files_in(folder):
                    found["/".join(part for part in (_FOLDER, place, name) if part)] = content
    return found


def _files_in(folder: str) -> list[tuple[str, bytes]]:
    files = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                files.append((os.path.relpath(path, folder).replace(os.sep, "/"), file.read()))
    return sorted(files)


def load(model: Any, archive: ZipReader) -> None:
    """Let a model's layers read their assets.

    Raises:
        ModelFileError: for a name that leads elsewhere, and for what a layer cannot read.
    """
    names = [name for name in archive.names() if name.startswith(f"{_FOLDER}/")]
    for name in names:
        with reading(archive.path, name):
            _check_name(name)
    for place, layer in saved_objects(model) if names else ():
        start = f"{_FOLDER}/{place}/" if place else f"{_FOLDER}/"
        own = [name for name in names if name.startswith(start) and not name.endswith("/")]
        if own and hasattr(layer, "load_assets"):
            with tempfile.TemporaryDirectory() as folder:
                for name in own:
                    path = os.path.join(folder, *name.removeprefix(start).split("/"))
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "wb") as file:
                        file.write(archive.read(name))
                with reading(archive.path, start):
                    layer.load_assets(folder)


def _check_name(name: str) -> None:
    """Raise a ValueError for a name in a zip that could mean a place outside a folder."""
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or any(c in name for c in "\\:\0"):
        raise ValueError("the name leads out of the folder of assets")
