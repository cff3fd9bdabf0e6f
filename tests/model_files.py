"""Models to save, and files to break: what the tests of files share."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from scratchnn import Input, Sequential
from scratchnn.layers import Dense, Dropout, Flatten, Layer
from scratchnn.optimizers import Adam

MODELS = [".keras", ".npz"]
WEIGHTS = [".weights.h5", ".weights.npz"]
X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)

every_model = pytest.mark.parametrize("ending", MODELS)
every_file = pytest.mark.parametrize("ending", MODELS + WEIGHTS)


def make(units=4, dropout=0.0):
    inner = Sequential([Dense(units, activation="tanh", name="hidden"), Flatten()], name="inner")
    layers = [Input((3,)), inner, Dropout(dropout, seed=1), Dense(1, name="out")]
    return Sequential(layers, name="m")


def trained(units=4, epochs=2):
    model = make(units)
    model.compile(Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=epochs, verbose=0, shuffle=False)
    return model


def goes_on(model):
    """Return the losses of two more epochs."""
    return model.fit(X, Y, epochs=2, verbose=0, shuffle=False).history["loss"]


def save(model, path):
    """Save a model or its weights, as the file's name says."""
    path = str(path)
    if ".weights." in path:
        model.save_weights(path)
    else:
        model.save(path)
    return path


def equal(found, expected):
    """Check that two lists of arrays are the same, bit for bit."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def state(model):
    return model.get_weights() + [v.numpy() for v in model.optimizer.variables]


def change(path, member, content):
    """Replace a member of a zip; None takes it out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = content
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def change_config(path, edit):
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    edited = edit(config)
    change(path, "config.json", json.dumps(config if edited is None else edited))


class Table(Layer):
    """A layer that says itself what is saved of it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = []

    def build(self, input_shape):
        self.gain = self.add_weight((2,), "ones", name="gain")

    def forward(self, x, ctx):
        return x

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["words"] = np.array(self.words, "int32")

    def load_own_variables(self, store):
        self.gain.assign(store["0"])
        if len(store["words"]) > 3:
            raise ValueError("too many words")
        self.words = store["words"].tolist()


def npy(array, allow_pickle=False):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()
