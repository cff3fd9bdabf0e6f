"""Large files: models of hundreds of layers, and arrays of hundreds of megabytes."""

from __future__ import annotations

import io
import tracemalloc
import warnings

import h5py
import numpy as np
import pytest

from scratchnn import Input, Sequential
from scratchnn.layers import Dense
from scratchnn.models import load_model
from scratchnn.saving.hdf5_reader import Hdf5

LAYERS = 400


@pytest.mark.parametrize("ending", [".keras", ".h5", ".npz"])
def test_hundreds_of_layers(ending, tmp_path):
    """Their groups are trees of several levels, with names in a heap that grew."""
    rows = [Dense(1, name=f"a_layer_with_a_name_that_is_rather_long_{i}") for i in range(LAYERS)]
    model = Sequential([Input((1,)), *rows])
    model.set_weights([np.full_like(w, i) for i, w in enumerate(model.get_weights())])
    path = tmp_path / f"m{ending}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The file is written as HDF5")
        model.save(path)
    found = load_model(path)
    assert [layer.name for layer in found.layers] == [layer.name for layer in rows]
    for i, weight in enumerate(found.get_weights()):
        assert (weight == i).all()


def test_every_group_and_array_is_that_of_h5py(tmp_path):
    path = tmp_path / "m.weights.h5"
    Sequential([Input((1,)), *(Dense(1) for _ in range(LAYERS))]).save_weights(path)
    count = 0
    with open(path, "rb") as opened, h5py.File(path) as file:
        root = Hdf5(opened).root

        def visit(name, item):
            nonlocal count
            *folders, last = name.split("/")
            if isinstance(item, h5py.Group):
                found = root.group(*folders, last)
                assert set(found.members) == set(item)
            else:
                found = root.group(*folders).dataset(last)
                np.testing.assert_array_equal(found.read(), item[()], strict=True)
                count += 1
            assert {key: found.attribute(key) for key in item.attrs} == dict(item.attrs)

        file.visititems(visit)
    assert count == 2 * LAYERS


SIZE = 40 << 20
"""Bytes of what is large here."""


def peak(use):
    """Return the most memory that a call took, in bytes beyond those of before."""
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_array_is_in_memory_once(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["large"] = np.full(SIZE // 4, 3, "float32")

    def read(opened):
        with opened:
            array = Hdf5(opened).root.dataset("large").read()
            assert array[0] == array[-1] == 3

    content = path.read_bytes()
    assert peak(lambda: read(path.open("rb"))) < 1.1 * SIZE
    assert peak(lambda: read(io.BytesIO(content))) < 0.1 * SIZE  # where it is already


TIMES = [(".keras", 2.2, 3.1), (".npz", 1.5, 4.1), (".weights.h5", 1.1, 2.1)]
"""How often the weights may be in memory at once beside the model's: to save, and to load them."""


@pytest.mark.parametrize(("ending", "save", "load"), TIMES)
def test_models_are_in_memory_as_often_as_is_needed(ending, save, load, tmp_path):
    """A model that is loaded is two of these, weights and their gradients, and the file's content
    is one, or two where zipfile joins it; a model that takes weights keeps its own until the end.
    """
    model = Sequential([Input((1024,)), Dense(SIZE // 4096, use_bias=False)])
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, 3.0))
    path = tmp_path / f"m{ending}"
    weights = ".weights." in ending
    model.save_weights(path) if weights else model.save(path)
    assert peak(lambda: model.save_weights(path) if weights else model.save(path)) < save * SIZE
    assert peak(lambda: model.load_weights(path) if weights else load_model(path)) < load * SIZE
