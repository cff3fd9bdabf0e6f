"""Keras's older files, .h5: what is written is what Keras 3 writes, and both libraries read it.

Keras 3 reads the state of an optimizer from none of them, its own included (it builds the optimizer
for the weights of the model itself, not those of its layers), and not every name of a loss.
"""

from __future__ import annotations

import json
import os
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from test_keras_saving import TOLERANCE, X, Y, equal, state
from twins import close, quiet, twins

import scratchnn
from scratchnn.layers import Dense, IntegerLookup
from scratchnn.saving import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LEGACY = "Keras considers a legacy format"


def row(k: Any) -> Any:
    inner = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="tanh")], name="inner")
    model = k.Sequential([k.Input((3,)), inner, k.layers.BatchNormalization(), k.layers.Dense(2)])
    losses = k.losses.Huber()
    model.compile(
        k.optimizers.Adam(0.01), losses, metrics=["accuracy", k.metrics.MeanSquaredError()]
    )
    return model


def graph(k: Any) -> Any:
    x = k.Input((3,), name="x")
    a = k.Input((3,))
    inner = k.Model(a, k.layers.Dense(3, "relu", kernel_regularizer="l2")(a), name="inner")
    z = k.layers.Add()([inner(x), x])
    model = k.Model(x, [k.layers.Dense(2, name="b")(z), k.layers.Dense(2, name="c")(z)])
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    losses = {"b": k.losses.mean_squared_error, "c": k.losses.MeanAbsoluteError()}
    weights = {"b": 1.0, "c": 0.5}
    model.compile(k.optimizers.SGD(rate, momentum=0.9), losses, loss_weights=weights)
    return model


def recurrent(k: Any) -> Any:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((3,)),
            layers.Reshape((3, 1)),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(2)),
            layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)]),
        ]
    )
    model.compile("rmsprop", k.losses.MeanSquaredError())
    return model


def alone(k: Any) -> Any:
    return k.Sequential([k.layers.Dense(2, input_shape=(3,)), k.layers.Softmax()])


def train(model: Any, y: Any) -> np.ndarray:
    with quiet():
        return np.float32([np.ravel(model.train_on_batch(X, y))[0] for _ in range(2)])


def save(model: Any, path: Any, **options: Any) -> None:
    if isinstance(model, keras.Model):
        model.save(path, **options)
    else:
        with pytest.warns(UserWarning, match=LEGACY):
            model.save(path, **options)


def content(path: Any) -> dict[str, Any]:
    """Return all groups, datasets and attributes of a file; configs as what their JSON says."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        data = (item.shape, str(item.dtype)) if isinstance(item, h5py.Dataset) else None
        attributes = {
            key: json.loads(value) if key.endswith("_config") else np.asarray(value).tolist()
            for key, value in item.attrs.items()
        }
        found[name] = data, attributes

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return found


@pytest.mark.parametrize("build", [row, graph, recurrent, alone])
def test_models(build, tmp_path):
    ours, theirs = twins(build)
    compiled = ours.compiled
    y = [Y, Y] if len(ours.outputs) > 1 else Y
    paths = {source: tmp_path / f"{source.__class__.__module__}.h5" for source in (ours, theirs)}
    for source, path in paths.items():
        if compiled:
            train(source, y)
        save(source, path)
    assert content(paths[ours]) == content(paths[theirs])
    for source, path in paths.items():
        for k in (keras, scratchnn):
            with quiet():
                model = k.models.load_model(path)
            equal(model.get_weights(), source.get_weights())
            if compiled:
                found, expected = (np.ravel(m.test_on_batch(X, y)) for m in (model, source))
                np.testing.assert_allclose(found, expected, rtol=TOLERANCE)
        if compiled:
            equal(state(model), state(source))
            close(train(model, y), train(source, y), TOLERANCE)


def test_without_the_optimizer(tmp_path):
    ours, theirs = twins(row)
    for source, name in ((ours, "ours.h5"), (theirs, "theirs.hdf5")):
        save(source, tmp_path / name, include_optimizer=False)
    found = content(tmp_path / "ours.h5")
    assert found == content(tmp_path / "theirs.hdf5")
    assert "training_config" not in found[""][1]
    assert "optimizer_weights" not in found
    for k in (keras, scratchnn):
        model = k.models.load_model(tmp_path / "ours.h5")
        assert not model.compiled
        equal(model.get_weights(), ours.get_weights())


@pytest.mark.parametrize("build", [row, recurrent])
def test_weights_alone(build, tmp_path):
    ours, theirs = twins(build)
    path = tmp_path / "w.h5"
    with pytest.warns(UserWarning, match=LEGACY):
        ours.save_weights(path)
    for target in (ours, theirs):
        for by_name in (False, True):
            target.set_weights([np.zeros_like(w) for w in target.get_weights()])
            target.load_weights(path, by_name=by_name)
            if not by_name:
                expected = target.get_weights()
            equal(target.get_weights(), expected)
    equal(ours.get_weights(), theirs.get_weights())
    assert max(np.abs(w).max() for w in ours.get_weights()) > 0


def test_names_that_no_attribute_has_room_for(tmp_path):
    names = [f"{i:03}_{'n' * 900}" for i in range(75)]

    def build(k: Any) -> Any:
        inner = [k.layers.Identity(name=name) for name in names]
        return k.Sequential([k.Input((3,)), *inner, k.layers.Dense(2)])

    ours, theirs = twins(build)
    save(ours, tmp_path / "ours.h5")
    save(theirs, tmp_path / "theirs.h5")
    found = content(tmp_path / "ours.h5")
    assert found == content(tmp_path / "theirs.h5")
    parts = [v for k, v in found["model_weights"][1].items() if k.startswith("layer_names")]
    assert len(parts) == 2
    assert [name.decode() for part in parts for name in part] == [*names, "dense"]
    for name in ("ours.h5", "theirs.h5"):
        model = scratchnn.models.load_model(tmp_path / name)
        equal(model.get_weights(), ours.get_weights())
    with quiet():
        loaded = keras.models.load_model(tmp_path / "ours.h5")
    equal(loaded.get_weights(), ours.get_weights())
    ours.layers[0].name = "n" * 70_000
    with quiet(), pytest.raises(ValueError, match="no room for names as long as"):
        ours.save(tmp_path / "long.h5")


def test_layers_whose_names_are_paths(tmp_path):
    """Those of Keras 2's applications are, such as 'conv1/conv'; in order, they are loaded."""
    model = scratchnn.Sequential([scratchnn.Input((3,)), Dense(2, name="first")])
    with pytest.warns(UserWarning, match=LEGACY):
        model.save_weights(tmp_path / "w.h5")
    expected = model.get_weights()
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        file.attrs["layer_names"] = [b"block/first"]
        file.create_group("block")
        file.move("first", "block/first")
    model.set_weights([np.zeros_like(w) for w in expected])
    model.load_weights(tmp_path / "w.h5")
    equal(model.get_weights(), expected)


def test_what_is_refused(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(b"old")
    x = scratchnn.Input((3,))
    doubled = scratchnn.Model(x, Dense(2)(x) * 2.0)
    lookup = IntegerLookup()
    lookup.adapt([3, 5])
    words = scratchnn.Sequential([scratchnn.Input((1,), dtype="int64"), lookup])
    twice = scratchnn.Sequential([scratchnn.Input((3,)), Dense(2)])
    twice.layers[0].weights[1].path = twice.layers[0].weights[0].path
    for model, reason in (
        (doubled, "no form for the operation 'Multiply'"),
        (words, "no place for the vocabularies"),
        (twice, "two are named '.*kernel'"),
    ):
        with quiet(), pytest.raises(ValueError, match=reason):
            model.save(path)
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["m.h5"]
    with pytest.raises(ValueError, match=r"must end in `\.keras`"):
        doubled.save(tmp_path / "m.weights.h5")
    with pytest.raises(ModelFileError, match="not HDF5"):
        scratchnn.models.load_model(path)


def test_checkpoints(tmp_path):
    model = scratchnn.Sequential([scratchnn.Input((3,)), Dense(2)])
    model.compile("adam", scratchnn.losses.MeanSquaredError())
    saving = scratchnn.callbacks.ModelCheckpoint(tmp_path / "best-{epoch}.h5")
    with pytest.warns(UserWarning, match=LEGACY):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[saving])
    assert sorted(os.listdir(tmp_path)) == ["best-1.h5", "best-2.h5"]
    with quiet():
        found = keras.models.load_model(tmp_path / "best-2.h5")
    equal(found.get_weights(), model.get_weights())
