"""Files: whole models and weights, what is in them, what is refused, what a crash leaves."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import scratchnn
from scratchnn import Input, Sequential, saving
from scratchnn.layers import Dense, Dropout, Flatten, Layer, Reshape
from scratchnn.metrics import AUC
from scratchnn.models import Model, load_model, save_model
from scratchnn.optimizers import SGD, Adam
from scratchnn.saving import ModelFileError, atomic, limits
from scratchnn.saving.state import saved_objects

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


# There and back ----------------------------------------------------------------------------------


@every_model
def test_a_model_goes_on_as_if_it_had_not_been_saved(ending, tmp_path):
    model = trained()
    path = save(model, tmp_path / f"m{ending}")
    found = load_model(path)
    assert found.get_config() == model.get_config()
    assert found.get_compile_config() == model.get_compile_config()
    equal(state(found), state(model))
    np.testing.assert_array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    assert goes_on(found) == goes_on(model)
    equal(state(found), state(model))


@every_model
def test_a_model_without_its_compilation(ending, tmp_path):
    path = save(trained(), tmp_path / f"m{ending}")
    assert load_model(Path(path), compile=False).optimizer is None
    model = make()
    path = save(model, tmp_path / f"n{ending}")
    found = load_model(path)
    assert not found.compiled
    equal(found.get_weights(), model.get_weights())


@every_model
def test_a_model_that_was_not_trained_yet(ending, tmp_path):
    model = make()
    model.compile(SGD(0.25, momentum=0.5), "mse")
    model.optimizer.learning_rate = 0.125
    found = load_model(save(model, tmp_path / f"m{ending}"))
    assert found.optimizer.learning_rate == 0.125
    assert goes_on(found) == goes_on(model)


@every_model
def test_a_model_that_is_not_built(ending, tmp_path):
    model = Sequential([Dense(2)])
    with pytest.warns(UserWarning, match="is saved before it is built: the file has no weights"):
        model.save(tmp_path / f"m{ending}")
    found = load_model(tmp_path / f"m{ending}")
    assert not found.built
    assert found.get_config() == model.get_config()


@every_model
def test_a_float64_model(ending, tmp_path):
    model = Sequential([Input((3,), dtype="float64"), Dense(2, dtype="float64")])
    found = load_model(save(model, tmp_path / f"m{ending}"))
    equal(found.get_weights(), model.get_weights())
    assert found.weights[0].dtype == np.float64


@every_file
def test_weights_and_the_state_of_the_optimizer(ending, tmp_path):
    model = trained()
    path = save(model, tmp_path / f"m{ending}")
    expected = state(model)
    losses = goes_on(model)
    model.load_weights(path)
    equal(state(model), expected)
    assert goes_on(model) == losses


@every_file
def test_weights_into_another_model(ending, tmp_path):
    model = trained()
    path = save(model, tmp_path / f"m{ending}")
    found = make()
    found.load_weights(Path(path))
    equal(found.get_weights(), model.get_weights())
    # As in Keras, an optimizer that has no slots yet is left as it is.
    found.compile("adam", "mse")
    with pytest.warns(UserWarning, match=r"is not loaded .* not built before training begins"):
        found.load_weights(path)
    assert found.optimizer.iterations == 0
    found.compile("sgd", "mse")
    found.fit(X, Y, verbose=0)
    with pytest.warns(UserWarning, match="it has 2 variables, and the file 10"):
        found.load_weights(path)
    equal(found.get_weights(), model.get_weights())


def test_all_formats_hold_the_same(tmp_path):
    model = trained()
    for ending in MODELS + WEIGHTS:
        path = save(model, tmp_path / f"m{ending}")
        found = trained()
        found.load_weights(path)
        equal(state(found), state(model))


def test_public_names(tmp_path):
    model = trained()
    path = str(tmp_path / "m.npz")
    save_model(model, path)
    equal(saving.load_model(path).get_weights(), model.get_weights())
    saving.save_weights(model, tmp_path / "m.weights.npz")
    found = make()
    saving.load_weights(found, tmp_path / "m.weights.npz")
    equal(found.get_weights(), model.get_weights())
    for module in (saving, scratchnn.models):
        with pytest.raises(AttributeError, match="has no attribute 'load_modle'"):
            module.load_modle  # noqa: B018


# What is in a file -------------------------------------------------------------------------------

PLACES = [
    "layers/dense/vars/0",
    "layers/dense/vars/1",
    "layers/sequential/layers/dense/vars/0",
    "layers/sequential/layers/dense/vars/1",
    *(f"optimizer/vars/{i}" for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
]


def test_layout_of_keras(tmp_path):
    path = save(trained(), tmp_path / "m.keras")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json"))["keras_version"] == "3.15.1"
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


@pytest.mark.parametrize("ending", [".npz", ".weights.npz"])
def test_layout_of_npz(ending, tmp_path):
    model = trained()
    path = save(model, tmp_path / f"m{ending}")
    texts = ["config.json", "metadata.json"] if ending == ".npz" else []
    with np.load(path, allow_pickle=False) as file:
        assert sorted(file.files) == sorted(PLACES + texts)
        np.testing.assert_array_equal(file["layers/dense/vars/0"], model.layers[-1].kernel.value)
        assert file["optimizer/vars/0"] == 4
        assert file["optimizer/vars/0"].dtype == np.int64
        assert file["optimizer/vars/1"] == np.float32(0.01)
        if texts:
            assert file["config.json"].decode() == model.to_json()


def test_layout_of_h5(tmp_path):
    model = trained()
    path = save(model, tmp_path / "m.weights.h5")
    datasets, names = [], {}

    def visit(place, found):
        if isinstance(found, h5py.Dataset):
            datasets.append(place)
        elif "name" in found.attrs:
            names[place] = found.attrs["name"]

    with h5py.File(path) as file:
        file.visititems(visit)
        np.testing.assert_array_equal(file["layers/dense/vars/0"], model.layers[-1].kernel.value)
        assert file["optimizer/vars/0"][()] == 4
    assert sorted(datasets) == sorted(PLACES)
    assert names == {
        "vars": "m",
        "layers/sequential/vars": "inner",
        "layers/sequential/layers/dense/vars": "hidden",
        "layers/sequential/layers/flatten/vars": "flatten",
        "layers/dropout/vars": "dropout",
        "layers/dense/vars": "out",
        "optimizer/vars": "adam",
    }


class Nest(Layer):
    """Layers as attributes, in containers, and under two names."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._private = Dense(2)
        self.zulu = self.alpha = Dense(3)
        self.parts = [Dense(4), Dropout(0.5), [Dense(5)], {"a": Dense(6), "b": self.alpha}, "text"]
        self.parts.append(self.parts)
        self.gain_name = "gain"

    @property
    def broken(self):
        raise RuntimeError("not yet")

    @property
    def shown(self):
        return self._private

    def build(self, input_shape):
        self.gain = self.add_weight((2,), "ones", name=self.gain_name)
        for layer in self.sublayers:
            layer.ensure_built(input_shape)

    def forward(self, x, ctx):
        return x


def test_places_are_keras_s():
    # What Keras 3.15 writes for the same class: public attributes first, by name; properties are
    # attributes; containers are numbered by class.
    layer = Nest()
    found = dict(saved_objects(layer))
    assert list(found) == [
        "",
        "alpha",
        "parts/dense",
        "parts/dropout",
        "parts/container/dense",
        "parts/container_1/dense",
        "shown",
    ]
    assert found["shown"] is layer._private
    assert [found[p].units for p in ("alpha", "parts/dense", "parts/container/dense")] == [3, 4, 5]


@every_model
def test_layers_within_a_layer_of_your_own(ending, tmp_path):
    model = Sequential([Input((3,)), Nest(), Dense(1)])
    assert [w.shape for w in model.layers[0].weights[1::2]] == [(3, n) for n in (2, 3, 4, 5, 6)]
    path = save(model, tmp_path / f"m{ending}")
    with pytest.raises(ModelFileError, match="The class 'Nest' of module"):
        load_model(path)
    found = load_model(path, {"Nest": Nest})
    equal(found.get_weights(), model.get_weights())


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


@every_model
def test_a_layer_that_saves_itself(ending, tmp_path):
    model = Sequential([Input((3,)), Table(), Dense(1)])
    model.layers[0].words = [3, 1]
    model.layers[0].gain.assign([5.0, 6.0])
    found = load_model(save(model, tmp_path / f"m{ending}"), {"Table": Table})
    assert found.layers[0].words == [3, 1]
    equal(found.get_weights(), model.get_weights())

    model.layers[0].words = [1, 2, 3, 4]
    path = save(model, tmp_path / f"n{ending}")
    found.set_weights([np.zeros_like(w) for w in found.get_weights()])
    with pytest.raises(ModelFileError, match="the variables of 'table': too many words"):
        found.load_weights(path)
    assert not any(w.any() for w in found.get_weights())  # though the gain had been set


# What does not fit -------------------------------------------------------------------------------


@every_file
def test_weights_of_another_shape(ending, tmp_path):
    path = save(trained(units=5), tmp_path / f"m{ending}")
    model = trained()
    before = state(model)
    reason = (
        r"2 object\(s\) could not be loaded: \['hidden', 'out'\]. 'm/inner/hidden/kernel' expected "
        r"shape \(3, 4\), dtype float32. Received: shape \(3, 5\), dtype float32."
    )
    with pytest.raises(ModelFileError, match=reason) as raised:
        model.load_weights(path)
    assert raised.value.path == path
    assert repr(path) in str(raised.value)
    equal(state(model), before)


@every_file
def test_skip_mismatch(ending, tmp_path):
    other = Sequential([Input((3,)), Dense(4), Dense(2), Dense(1)])
    path = save(other, tmp_path / f"m{ending}")
    model = Sequential([Input((3,)), Dense(4), Dense(3), Dense(1), Dense(7)])
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=r"3 object\(s\) could not be loaded"):
        model.load_weights(path)
    equal(model.get_weights(), before)
    with pytest.warns(UserWarning, match=r"3 object\(s\) could not be loaded"):
        model.load_weights(path, skip_mismatch=True)
    equal(model.get_weights(), other.get_weights()[:2] + before[2:])


def test_objects_to_skip(tmp_path):
    model, other = trained(), trained()
    path = save(other, tmp_path / "m.weights.npz")
    before = state(model)
    out = model.layers[-1]
    model.load_weights(path, objects_to_skip=[out, model.optimizer])
    equal(model.get_weights(), other.get_weights()[:2] + before[2:4])
    equal(state(model)[4:], before[4:])


def test_layers_that_the_model_has_not_are_left_in_the_file(tmp_path):
    path = save(Sequential([Input((3,)), Dense(2), Dense(2)]), tmp_path / "m.weights.npz")
    Sequential([Input((3,)), Dense(2)]).load_weights(path)
    with pytest.raises(ModelFileError, match=r"expected 2 variables: \['kernel', 'bias'\]. Rec"):
        Sequential([Input((3,)), Dense(2), Dense(2), Dense(2)]).load_weights(path)


def test_variables_of_another_kind(tmp_path):
    model = trained()
    path = save(model, tmp_path / "m.npz")
    change(path, "layers/dense/vars/1.npy", npy(np.zeros(1, "float64")))
    model.load_weights(path)
    change(path, "layers/dense/vars/1.npy", npy(np.zeros(1, "int8")))
    model.load_weights(path)
    before = state(model)
    change(path, "optimizer/vars/0.npy", npy(np.array(np.nan)))
    with pytest.raises(ModelFileError, match="optimizer/vars/0: 'adam/iteration' expected shape"):
        model.load_weights(path)
    equal(state(model), before)


# Arguments ---------------------------------------------------------------------------------------


def test_names_of_files(tmp_path):
    model = trained()
    for name in ("m", "m.hdf", "m.weights.npz", "m.weights.h5"):
        with pytest.raises(ValueError, match=r"must end in `\.keras` or.* in `\.npz`\. Received"):
            model.save(tmp_path / name)
        if not name.startswith("m.w"):
            with pytest.raises(ValueError, match=r"must end in `\.weights\.h5` or"):
                model.save_weights(tmp_path / name)
            with pytest.raises(ValueError, match=r"must end in \.weights\.h5, \.weights\.npz, "):
                model.load_weights(tmp_path / name)
    assert os.listdir(tmp_path) == []
    for use in (model.save, model.load_weights):
        with pytest.raises(ValueError, match=r"\.h5 or \.hdf5, Keras's older format, are not supp"):
            use(tmp_path / "m.h5")
    (tmp_path / "m.h5").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"\.h5 or \.hdf5, Keras's older format, are not supported"
    ):
        load_model(tmp_path / "m.h5")


def test_options_that_are_not_supported(tmp_path):
    model = trained()
    path = tmp_path / "m.npz"
    for options, reason in (
        ({"zipped": False}, "zipped=False is not supported"),
        ({"save_format": "tf"}, "save_format is not supported"),
        ({"include_optimizer": False}, "include_optimizer=False is not supported"),
        ({"signatures": None}, r"Unrecognized keyword arguments passed to save: {'signatures'"),
    ):
        with pytest.raises(ValueError, match=reason):
            model.save(path, **options)
    model.save(path, zipped=True, save_format="npz", include_optimizer=True)
    with pytest.raises(ValueError, match="max_shard_size is not supported"):
        model.save_weights(tmp_path / "m.weights.npz", max_shard_size=1)
    with pytest.raises(ValueError, match="`by_name` only supports Keras's older files"):
        model.load_weights(path, by_name=True)
    model.load_weights(path, by_name=False)
    with pytest.raises(ValueError, match="Unrecognized keyword arguments passed to load_weights"):
        model.load_weights(path, options=None)
    with pytest.raises(ValueError, match="safe_mode=False is not supported"):
        load_model(path, safe_mode=False)


def test_models_that_are_not_built_have_no_weights(tmp_path):
    model = Sequential([Dense(2)])
    with pytest.raises(ValueError, match="has no weights to save, for it is not built"):
        model.save_weights(tmp_path / "m.weights.npz")
    with pytest.raises(ValueError, match="has no weights to load, for it is not built"):
        model.load_weights(tmp_path / "m.weights.npz")


def test_files_that_are_not_there(tmp_path):
    model = trained()
    for ending in MODELS:
        with pytest.raises(ModelFileError, match="there is no such file"):
            load_model(tmp_path / f"m{ending}")
    for ending in MODELS + WEIGHTS:
        with pytest.raises(FileNotFoundError):
            model.load_weights(tmp_path / f"m{ending}")
        with pytest.raises(FileNotFoundError, match=r"The folder .*none' does not exist"):
            save(model, tmp_path / "none" / f"m{ending}")
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(IsADirectoryError, match=r"d\.npz' is a folder, which a file cannot repl"):
        model.save(tmp_path / "d.npz")
    assert os.listdir(tmp_path) == ["d.npz"]


@pytest.mark.parametrize("ending", [".npz", ".weights.npz"])
def test_overwrite(ending, tmp_path, monkeypatch):
    model = trained()
    path = tmp_path / f"m{ending}"
    write = model.save if ending == ".npz" else model.save_weights
    write(path, overwrite=False)
    path.write_bytes(b"old")
    stdin = io.StringIO()
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(FileExistsError, match="exists, overwrite=False, and there is no terminal"):
        write(path, overwrite=False)
    assert path.read_bytes() == b"old"

    monkeypatch.setattr(stdin, "isatty", lambda: True)
    answers = iter(["what?", "n", "Y"])
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: (asked.append(text), next(answers))[1])
    write(path, overwrite=False)
    assert path.read_bytes() == b"old"
    assert asked == [f"[WARNING] {path} already exists - overwrite? [y/n] "] * 2
    write(path, overwrite=False)
    assert path.read_bytes() != b"old"
    write(path)


def test_without_h5py(tmp_path, monkeypatch):
    model = trained()
    paths = {ending: save(model, tmp_path / f"m{ending}") for ending in MODELS + WEIGHTS}
    monkeypatch.setitem(sys.modules, "h5py", None)
    reason = "need h5py: install it with `pip install h5py`, or save as .npz"
    for ending, path in paths.items():
        if ending.endswith("npz"):
            save(model, path)
            model.load_weights(path)
            continue
        before = Path(path).read_bytes()
        for use in (
            lambda path=path: save(model, path),
            lambda path=path: model.load_weights(path),
        ):
            with pytest.raises(ImportError, match=reason):
                use()
        assert Path(path).read_bytes() == before
    with pytest.raises(ImportError, match=reason):
        load_model(paths[".keras"])
    load_model(paths[".npz"])


def test_a_model_without_a_config_leaves_no_file(tmp_path):
    class Odd(Layer):
        def __init__(self, array):
            super().__init__()

        def forward(self, x, ctx):
            return x

    path = tmp_path / "m.npz"
    path.write_bytes(b"old")
    with pytest.raises(NotImplementedError, match="Odd must define get_config"):
        Sequential([Input((2,)), Odd(np.ones(2))]).save(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m.npz"]


# Atomic writing ----------------------------------------------------------------------------------


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail():
        with atomic.replacing(str(path)) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are POSIX's")
def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "f", tmp_path / "link"
    link.symlink_to(path)
    before = os.umask(0o027)
    try:
        with atomic.replacing(str(link)) as file:
            file.write(b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    with atomic.replacing(str(link)) as file:
        file.write(b"22")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert link.is_symlink()
    assert path.read_bytes() == b"22"


WRITER = """
import sys
import numpy as np
from scratchnn import Input, Sequential
from scratchnn.layers import Dense

model = Sequential([Input((300,)), Dense(600)])
number = 0
while True:
    number += 1
    model.set_weights([np.full(w.shape, number) for w in model.get_weights()])
    for path in sys.argv[1:]:
        (model.save_weights if ".weights." in path else model.save)(path)
    print("saved", flush=True)
"""


def test_a_kill_leaves_whole_files(tmp_path):
    paths = [str(tmp_path / f"m{ending}") for ending in (".keras", ".npz", ".weights.h5")]
    model = Sequential([Input((300,)), Dense(600)])
    env = {**os.environ, "PYTHONPATH": str(Path(scratchnn.__file__).parents[1])}
    rng = random.Random(9)
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, *paths], env=env, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        with writer, writer.stdout:
            assert writer.stdout.readline() == "saved\n"
            time.sleep(rng.uniform(0.0, 0.1))
            writer.kill()
        for path in paths:
            model.load_weights(path)
            kernel, bias = model.get_weights()
            assert kernel[0, 0] >= 1
            assert (kernel == kernel[0, 0]).all()
            assert (bias == kernel[0, 0]).all()


# Broken and hostile files ------------------------------------------------------------------------


def npy(array, allow_pickle=False):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def npy_header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def refused(path, reason, custom_objects=None):
    """Check that the file is refused, for that reason, without taking time or memory."""
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as raised:
        load_model(path, custom_objects)
    assert reason in str(raised.value)
    assert repr(str(path)) in str(raised.value)
    assert time.perf_counter() - start < 1
    return raised.value


@every_file
def test_files_that_are_something_else(ending, tmp_path):
    model = trained()
    before = state(model)
    path = tmp_path / f"m{ending}"
    for content in (b"", b"PK", b"\x89HDF\r\n\x1a\n", b"\x00" * 5000, b"PK\x05\x06" + b"\xff" * 18):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=f"Could not load '{path}'"):
            model.load_weights(path)
        if ending in MODELS:
            refused(path, "")
    equal(state(model), before)


def test_a_file_of_weights_is_no_model(tmp_path):
    path = save(trained(), tmp_path / "m.weights.npz")
    refused(path, "config.json: the file has no config, so it is no whole model")


def test_members_that_are_missing(tmp_path):
    path = save(trained(), tmp_path / "m.keras")
    change(path, "model.weights.h5", None)
    refused(path, "model.weights.h5: the file has no such member")
    path = save(trained(), tmp_path / "m.npz")
    change(path, "layers/dense/vars/1.npy", None)
    refused(path, "expected 2 variables: ['kernel', 'bias']. Received: 1.")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"{", "config.json: Expecting property name"),
        (b"\xff\xff", "config.json: 'utf-8'"),
        (b"[]", "config.json: expected the config of a model. Received: []"),
        (b"{}", "config.json: expected the config of a model. Received: that of {}"),
        (b'{"class_name": "Dense", "config": {}}', "config.json: The class 'Dense' is not known"),
        (b"[" * 100_000, "config.json: it is too large or too deep"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "more than 200 levels"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "config.json: Exceeds the limit"),
        (b" " * (17 << 20), "config.json: it is larger than 16777216 bytes"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_configs_that_are_broken(config, reason, tmp_path):
    path = save(make(), tmp_path / "m.npz")
    change(path, "config.json", config)
    refused(path, reason)


def layer(config, number):
    return config["config"]["layers"][number]["config"]


def test_layers_larger_than_the_file(tmp_path):
    model = Sequential([Input((3,)), Dense(2), Reshape((1, 2)), Dense(2)])
    path = save(model, tmp_path / "m.npz")
    for units in (10**7, 10**12, 2**63, 10**30):
        change_config(path, lambda c, units=units: layer(c, 1).update(units=units))
        refused(path, "config.json: ")
    change_config(path, lambda c: layer(c, 1).update(units=3))
    refused(path, "config.json: The layer 'reshape' cannot reshape samples of shape (3,)")
    path = save(model, tmp_path / "n.npz")
    change_config(path, lambda c: layer(c, 0).update(batch_shape=[None, 10**10]))
    refused(path, "config.json: ")
    model = Sequential([Input((3,)), Table()])
    path = save(model, tmp_path / "o.npz")
    change_config(path, lambda c: layer(c, 0).update(batch_shape=[None, 10**10]))
    refused(path, "asks for a layer on inputs of shape (2, 10000000000)", {"Table": Table})


def test_metrics_larger_than_the_memory(tmp_path):
    model = make()
    model.compile("sgd", "mse", metrics=[AUC()])
    path = save(model, tmp_path / "m.npz")

    def enlarge(config):
        config["compile_config"]["metrics"][0]["config"]["num_thresholds"] = 10**9

    change_config(path, enlarge)
    refused(path, "compile_config (compile=False leaves it out): num_thresholds must be at most")
    assert not load_model(path, compile=False).compiled

    path = save(Sequential([Input((3,)), model]), tmp_path / "n.npz")
    change_config(path, lambda config: enlarge(config["config"]["layers"][1]))
    refused(path, "config.json: num_thresholds must be at most")


def test_nothing_is_run_that_a_file_brings(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("run"))
    path = save(make(), tmp_path / "m.npz")
    function = {"module": "os", "class_name": "function", "config": "system"}
    for activation, reason in (
        ({"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}, "__lambda__"),
        (function, "'system'"),
        ({"module": "os", "class_name": "system", "config": {"command": "x"}}, "'system'"),
        ("os.system", "'os.system'"),
        ("deserialize", "'deserialize'"),
    ):
        change_config(path, lambda c, a=activation: layer(c, 3).update(activation=a))
        refused(path, reason)
    path = save(make(), tmp_path / "n.npz")
    for module, name in (("keras.layers", "Lambda"), ("keras.utils", "get_file"), (None, "Dense")):

        def rename(config, module=module, name=name):
            config["config"]["layers"][-1].update(module=module, class_name=name)

        change_config(path, rename)
        refused(path, f"The class '{name}'")
    path = save(make(), tmp_path / "o.npz")
    change_config(path, lambda c: {"module": "keras.layers", "class_name": "Dense"} | c)
    path = save(make(), tmp_path / "p.npz")
    change_config(path, lambda c: c["config"]["layers"][-1])
    refused(path, "expected the config of a model. Received: that of <Dense name=out")


def test_no_pickles(tmp_path):
    class Evil:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    path = save(make(), tmp_path / "m.npz")
    array = np.empty(1, object)
    array[0] = Evil()
    change(path, "layers/dense/vars/1.npy", npy(array, allow_pickle=True))
    refused(path, "layers/dense/vars/1.npy: variables are arrays of numbers. Received: dtype obj")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npy_header((10**12,)), "needs 4000000000000 bytes, and it has 0"),
        (npy_header((2, 2)) + b"\0" * 4, "needs 16 bytes, and it has 4"),
        (npy_header((-1,)), "shape (-1,)"),
        (npy_header((1,), "S4") + b"abcd", "arrays of numbers"),
        (npy_header((1,), "<M8[s]") + b"\0" * 8, "arrays of numbers"),
        (npy_header((1,), [("a", "<f4")]) + b"\0" * 4, "arrays of numbers"),
        (npy(np.zeros(1)).replace(b"NUMPY\x01", b"NUMPY\x02"), "only version 1.0"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "Header"),
        (b"not numpy", "magic"),
        (b"", ""),
    ],
    ids=range(10),
)
def test_variables_that_are_broken(content, reason, tmp_path):
    model = make()
    path = save(model, tmp_path / "m.npz")
    change(path, "layers/dense/vars/1.npy", content)
    error = refused(path, reason)
    assert error.part == "layers/dense/vars/1.npy"
    before = model.get_weights()
    with pytest.raises(ModelFileError):
        model.load_weights(path)
    equal(model.get_weights(), before)


def test_fortran_order(tmp_path):
    model = make()
    path = save(model, tmp_path / "m.npz")
    kernel = np.arange(12, dtype="float32").reshape(3, 4)
    place = "layers/sequential/layers/dense/vars/0.npy"
    change(path, place, npy(np.asfortranarray(kernel).astype(">f4")))
    np.testing.assert_array_equal(load_model(path).get_weights()[0], kernel)


def bomb(path, size, **options):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, **options) as archive:
        archive.writestr("layers/x/vars/0.npy", bytes(size))


def test_zips_that_unpack_to_more_than_they_are(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    bomb(path, 64 << 20)
    refused(path, "which a file of")
    path = save(make(), tmp_path / "n.npz")
    bomb(path, 1 << 20)
    load_model(path)


def test_zips_that_lie(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("config.json", "{}")
    refused(path, "two of its members have the same name")
    path = save(make(), tmp_path / "n.npz")
    original = Path(path).read_bytes()
    start = original.index(b"PK\x01\x02")
    for offset, value, reason in (
        (8, b"\x01", "is encrypted"),
        (10, b"\x0c", "is compressed in an unknown way"),
        (24, b"\xff\xff", "has two sizes"),
    ):
        data = bytearray(original)
        data[start + offset : start + offset + len(value)] = value
        Path(path).write_bytes(data)
        refused(path, reason)


def test_zips_of_too_many_members(tmp_path, monkeypatch):
    path = save(make(), tmp_path / "m.npz")
    monkeypatch.setattr(limits, "MAX_MEMBERS", 3)
    refused(path, "it has 6 members, more than 3")


H5_TRICKS = {
    "is a link to another place or file": [
        lambda vars, tmp: vars.__setitem__("1", h5py.SoftLink("/layers/dense/vars/0")),
        lambda vars, tmp: vars.__setitem__("1", h5py.ExternalLink(str(tmp / "o.h5"), "/x")),
    ],
    "its data is in another file": [
        lambda vars, tmp: vars.create_dataset(
            "1", (1,), "f4", external=[(str(tmp / "secret"), 0, 4)]
        ),
        lambda vars, tmp: vars.create_virtual_dataset("1", h5py.VirtualLayout((1,), "f4")),
    ],
    "bytes, which a file of": [
        lambda vars, tmp: vars.create_dataset("1", (1 << 40,), "f4", chunks=(1024,)),
        lambda vars, tmp: vars.create_dataset("1", (1 << 31,), "f4", chunks=True, compression=9),
    ],
    "arrays of numbers": [
        lambda vars, tmp: vars.create_dataset("1", data=["text"]),
        lambda vars, tmp: vars.create_dataset("1", data=np.zeros(1, "V4")),
        lambda vars, tmp: vars.create_dataset("1", (1,), [("a", "f4")]),
    ],
    "must be a Dataset": [lambda vars, tmp: vars.create_group("1")],
    "it is empty": [lambda vars, tmp: vars.create_dataset("1", data=h5py.Empty("f4"))],
    "dtype 'bfloat16' is not supported": [
        lambda vars, tmp: vars.create_dataset("1", (1,), "f4").attrs.update(dtype="bfloat16")
    ],
}


@pytest.mark.parametrize(
    ("reason", "trick"), [(reason, trick) for reason, all in H5_TRICKS.items() for trick in all]
)
def test_hdf5_that_plays_tricks(reason, trick, tmp_path):
    (tmp_path / "secret").write_bytes(b"1234")
    model = make()
    path = save(model, tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        own = file["layers/dense/vars"]
        del own["1"]
        trick(own, tmp_path)
    before = model.get_weights()
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as raised:
        model.load_weights(path)
    assert time.perf_counter() - start < 1
    assert reason in str(raised.value)
    assert raised.value.part == "layers/dense/vars/1"
    equal(model.get_weights(), before)


def test_hdf5_groups_that_are_none(tmp_path):
    path = save(make(), tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/dense"]
        file["layers/dense"] = np.zeros(3)
    with pytest.raises(ModelFileError, match="layers/dense: 'dense' must be a Group"):
        make().load_weights(path)
    path = save(make(), tmp_path / "n.weights.h5")
    with h5py.File(path, "a") as file:
        file["layers/dense/vars/2"] = np.zeros(3)
    with pytest.raises(ModelFileError, match=r"expected 2 variables: .* Received: 3"):
        make().load_weights(path)


def test_hdf5_of_many_datasets_is_bounded_as_a_whole(tmp_path):
    path = save(make(), tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        for i in range(20):
            file["layers/dense/vars"].create_dataset(str(i + 2), (1 << 20,), "f4", chunks=(1024,))
    with pytest.raises(ModelFileError, match="which a file of"):
        make().load_weights(path)


def mutated(data, rng):
    """Return the bytes of a file, cut, overwritten or moved at random."""
    data = bytearray(data)
    place = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        return data[:place]
    if kind == 1:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 2:
        data[place : place + 8] = rng.choice([b"\xff" * 8, b"\0" * 8, b"\xff" * 7 + b"\x7f"])
    elif kind == 3:
        del data[place : place + rng.randint(1, 64)]
    else:
        data[place:place] = data[place : place + rng.randint(1, 64)]
    return data


def load_anything(load, path):
    """Load a file that may be broken; return whether it could be."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(path)
    except ModelFileError:
        return False
    finally:
        assert time.perf_counter() - start < 1
    return True


@every_file
def test_mutated_files(ending, tmp_path):
    model = trained()
    path = tmp_path / f"m{ending}"
    data = Path(save(model, path)).read_bytes()
    before = state(model)
    rng = random.Random(ending)
    loaded = 0
    for _ in range(150):
        path.write_bytes(mutated(data, rng))
        if ending in MODELS:
            load_anything(load_model, path)
        if load_anything(model.load_weights, path):
            loaded += 1
            path.write_bytes(data)
            model.load_weights(path)
        equal(state(model), before)
    assert loaded < 150


def paths_in(config, path=()):
    items = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths_in(value, (*path, key))


STRANGE = [
    None,
    -1,
    0,
    2**31,
    2**64,
    10**12,
    1e308,
    float("nan"),
    "",
    "Dense",
    "x" * 10_000,
    [],
    {},
]
STRANGE += [
    [[]],
    [None] * 3,
    True,
    {"class_name": "function", "config": "get"},
    {"value": [1, [2]]},
]


def test_mutated_configs(tmp_path):
    model = trained()
    path = save(model, tmp_path / "m.npz")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    places = list(paths_in(config))
    rng = random.Random(4)
    loaded = 0
    for _ in range(150):
        broken = json.loads(json.dumps(config))
        *parents, last = rng.choice(places)
        inner = broken
        for key in parents:
            inner = inner[key]
        if rng.random() < 0.2:
            del inner[last]
        else:
            inner[last] = rng.choice(STRANGE)
        change(path, "config.json", json.dumps(broken))
        loaded += load_anything(load_model, path)
    assert 0 < loaded < 150


def test_deep_reasons_are_cut(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    change_config(path, lambda c: layer(c, 3).update(activation="x" * 100_000))
    assert len(str(refused(path, "activation"))) < 3000


def test_a_bare_model_says_what_it_lacks(tmp_path):
    model = Model(name="bare")
    with pytest.warns(UserWarning, match="before it is built"):
        model.save(tmp_path / "m.npz")
    assert type(load_model(tmp_path / "m.npz")) is Model
