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
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from model_files import (
    MODELS,
    WEIGHTS,
    Table,
    X,
    Y,
    change,
    equal,
    every_file,
    every_model,
    goes_on,
    make,
    npy,
    save,
    state,
    trained,
)

import scratchnn
from scratchnn import Input, Sequential, saving
from scratchnn.layers import Dense, Dropout, Layer
from scratchnn.models import load_model, save_model
from scratchnn.optimizers import SGD
from scratchnn.saving import ModelFileError, atomic
from scratchnn.saving.state import saved_objects

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
    reason = "needs h5py: install it with `pip install h5py`, or save as .npz"
    for ending, path in paths.items():
        before = Path(path).read_bytes()
        if ending.endswith("npz"):
            save(model, path)
        else:
            with pytest.raises(ImportError, match=reason):
                save(model, path)
            assert Path(path).read_bytes() == before
        model.load_weights(path)  # which needs NumPy alone
        if ending in MODELS:
            equal(state(load_model(path)), state(model))


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


TRAINER = """
import sys
import numpy as np
from scratchnn import Input, Sequential, callbacks
from scratchnn.layers import Dense

class Count(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.set_weights([np.full(w.shape, epoch + 1) for w in self.model.get_weights()])
    def on_epoch_end(self, epoch, logs=None):
        print("saved", flush=True)

model = Sequential([Input((300,)), Dense(600)])
model.compile("sgd", "mse")
model.optimizer.learning_rate = 0.0
checkpoint = callbacks.ModelCheckpoint(sys.argv[1])
x, y = np.zeros((1, 300)), np.zeros((1, 600))
model.fit(x, y, epochs=10**6, verbose=0, callbacks=[checkpoint, Count()])
"""


def test_a_kill_within_a_callback_leaves_a_whole_file(tmp_path):
    path = str(tmp_path / "m.keras")
    env = {**os.environ, "PYTHONPATH": str(Path(scratchnn.__file__).parents[1])}
    rng = random.Random(11)
    for _ in range(5):
        trainer = subprocess.Popen(
            [sys.executable, "-c", TRAINER, path], env=env, stdout=subprocess.PIPE, text=True
        )
        assert trainer.stdout is not None
        with trainer, trainer.stdout:
            assert trainer.stdout.readline() == "saved\n"
            time.sleep(rng.uniform(0.0, 0.1))
            trainer.kill()
        kernel, bias = load_model(path).get_weights()
        assert kernel[0, 0] >= 1
        assert (kernel == kernel[0, 0]).all()
        assert (bias == kernel[0, 0]).all()


LOCKER = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_partial_files_of_writers_that_were_killed(tmp_path):
    """They go with the next file of that name; what may still be written stays, and all else."""
    if sys.platform == "win32":
        return  # there they stay
    model = make()
    old = time.time() - 100

    def partial(name, age=True):
        path = tmp_path / name
        path.write_bytes(b"part")
        if age:
            os.utime(path, (old, old))
        return path

    partial("m.npz.0123abcd.part")
    partial("m.npz.89abcdef.part")
    locked = partial("m.npz.00000000.part")
    kept = {locked.name, partial("m.npz.11111111.part", age=False).name}
    for name in (
        "mmnpz.0123abcd.part",
        "m.npz.0123ABCD.part",
        "m.npz.0123abcd.part.bak",
        "m.npz.p",
    ):
        kept.add(partial(name).name)
    (tmp_path / "m.npz.22222222.part").symlink_to(locked)
    (tmp_path / "m.npz.33333333.part").mkdir()
    kept |= {"m.npz.22222222.part", "m.npz.33333333.part"}
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(locked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        model.save(tmp_path / "m.npz")
        assert set(os.listdir(tmp_path)) == {"m.npz", *kept}
        writer.communicate()
    model.save(tmp_path / "m.npz")
    assert set(os.listdir(tmp_path)) == {"m.npz", *kept - {locked.name}}
    assert load_model(tmp_path / "m.npz").get_config() == model.get_config()


def test_a_file_is_locked_while_it_is_written(tmp_path):
    from scratchnn.saving.atomic import replacing

    path = str(tmp_path / "m")
    with replacing(path) as file:
        file.write(b"first")
        os.utime(file.name, (0, 0))  # for a minute or longer
        with replacing(path) as other:
            other.write(b"second")
    assert Path(path).read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["m"]
