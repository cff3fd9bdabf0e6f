"""Files that Keras 2.15, 3.3, 3.9 and 3.15 wrote: loaded, they predict and go on learning alike.

tests/data/keras_versions/make_files.py made them, and noted what each Keras did next.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from twins import close

import scratchnn
from scratchnn.models import load_model
from scratchnn.saving import ModelFileError

FOLDER = Path(__file__).parent / "data" / "keras_versions"
FILES = sorted(f.name for f in FOLDER.iterdir() if f.suffix in (".keras", ".h5"))
TOLERANCE = 5e-7
"""Of a prediction; it is the rounding of a few float32 sums. A loss has three steps of it."""


def expected(name):
    """Return the inputs, labels, predictions and losses that were noted for a file."""
    with np.load(FOLDER / f"{name}.npz") as noted:
        x = [noted[key] for key in sorted(noted.files) if key.startswith("x")]
        return x if len(x) > 1 else x[0], noted["labels"], noted["y"], noted["losses"]


def test_every_version_is_there():
    assert {tuple(name.split("-")[1:3]) for name in FILES} >= {
        (version, f"{kind}.{ending}")
        for version, ending in (("2.15", "h5"), ("3.3", "keras"), ("3.9", "keras"))
        for kind in ("dense", "images", "words")
    }
    assert all((FOLDER / name).stat().st_size < 200_000 for name in FILES)


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_versions(name):
    x, labels, y, losses = expected(name)
    model = load_model(FOLDER / name)
    close(model.predict(x, verbose=0), y, TOLERANCE)
    found = [model.train_on_batch(x, labels)[0] for _ in losses]
    np.testing.assert_allclose(found, losses, rtol=3 * TOLERANCE)
    assert model.metrics_names[1:] == ["accuracy"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".h5")])
def test_weights_of_older_files(name, tmp_path):
    """The order of a file's layers, and their names, say which layer gets what."""
    x, _, y, _ = expected(name)
    model = load_model(FOLDER / name, compile=False)
    assert model.optimizer is None
    zeros = [np.zeros_like(w) for w in model.get_weights()]
    weights = tmp_path / "alone.hdf5"
    with h5py.File(FOLDER / name) as whole, h5py.File(weights, "w") as alone:
        whole.copy(whole["model_weights"], alone, "w")
        for key, value in alone["w"].attrs.items():
            alone.attrs[key] = value
        for key in list(alone["w"]):
            alone.move(f"w/{key}", key)
    for path in (FOLDER / name, weights):
        for by_name in (False, True):
            model.set_weights(zeros)
            model.load_weights(path, by_name=by_name)
            close(model.predict(x, verbose=0), y, TOLERANCE)
    with pytest.raises(ModelFileError, match="model_config: the file has no config, so it is no"):
        load_model(weights)


def test_older_weights_under_a_newer_name(tmp_path):
    path = tmp_path / "old.weights.h5"
    path.write_bytes((FOLDER / "keras-2.15-dense.h5").read_bytes())
    model = load_model(FOLDER / "keras-2.15-dense.h5")
    expected = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in expected])
    model.load_weights(path)
    for found, weight in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, weight)


def dense(units=5, names=("dense", "dense_1")):
    k = scratchnn
    layers = [k.layers.Dense(8, name=names[0]), k.layers.BatchNormalization(name="bn")]
    layers += [k.layers.Dense(units, name=names[1]), k.layers.Dense(3, name="other")]
    return k.Sequential([k.Input((6,)), *layers])


OLD = FOLDER / "keras-2.15-dense.h5"


def test_layers_of_the_same_names():
    source = load_model(OLD)
    model = dense()
    before = model.get_weights()
    model.load_weights(OLD, by_name=True)
    kernels = {layer.name: layer.get_weights() for layer in source.layers}
    found = {layer.name: layer.get_weights() for layer in model.layers}
    for name in ("dense", "dense_1"):
        np.testing.assert_array_equal(found[name][0], kernels[name][0])
    np.testing.assert_array_equal(found["other"][0], before[-2])


def test_what_does_not_fit_in_older_files():
    model = dense(units=4)
    before = model.get_weights()
    for by_name in (False, True):
        with pytest.raises(ModelFileError, match=r"'.*dense_1/kernel' expected shape"):
            model.load_weights(OLD, by_name=by_name)
    for found, weight in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, weight)
    with pytest.warns(UserWarning, match="some is left out: '.*dense_1/kernel' expected shape"):
        model.load_weights(OLD, by_name=True, skip_mismatch=True)
    small = scratchnn.Sequential([scratchnn.Input((6,)), scratchnn.layers.Dense(8)])
    with pytest.raises(ModelFileError, match=r"the model has 1 layers with weights, \['dense"):
        small.load_weights(OLD)
    with pytest.raises(ValueError, match="`objects_to_skip` is not for Keras's older files"):
        small.load_weights(OLD, objects_to_skip=[small.layers[0]])
