"""Callbacks that save: files by their names, and runs that are killed and go on."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from labels import label

import scratchnn
from scratchnn import Input, Sequential
from scratchnn.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    LambdaCallback,
    ModelCheckpoint,
)
from scratchnn.layers import Dense, Dropout
from scratchnn.optimizers import Adam
from scratchnn.random import set_random_seed
from scratchnn.utils import PyDataset

PACKAGE = Path(scratchnn.__file__).parents[1]

rng = np.random.default_rng(1)
X = rng.normal(size=(20, 3))
Y = X.sum(axis=1, keepdims=True)


def compiled(optimizer="adam", units=4, **options):
    layers = [Input((3,)), Dense(units, "relu"), Dropout(0.3), Dense(1)]
    model = Sequential(layers)
    model.compile(optimizer, "mse", **options)
    return model


def equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# --- ModelCheckpoint


def test_the_weights_of_each_epoch(tmp_path, capsys):
    kept, model = [], compiled("sgd", metrics=["mae"])
    name = str(tmp_path / "new" / "{epoch:02d}-{loss:.2f}-{val_mae:.1e}.weights.npz")
    callbacks = [
        ModelCheckpoint(name, save_weights_only=True, verbose=1),
        LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights())),
    ]
    history = model.fit(
        X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=callbacks
    ).history
    paths = [
        name.format(epoch=i + 1, loss=history["loss"][i], val_mae=history["val_mae"][i])
        for i in range(2)
    ]
    assert sorted(map(str, (tmp_path / "new").iterdir())) == paths
    assert capsys.readouterr().out == "".join(
        f"\nEpoch {i + 1}: saving model to {path}\n"
        f"\nEpoch {i + 1}: finished saving model to {path}\n"
        for i, path in enumerate(paths)
    )
    for path, weights in zip(paths, kept, strict=True):
        other = compiled("sgd")
        other.load_weights(path)
        equal(other.get_weights(), weights)


def test_a_whole_model(tmp_path):
    path = tmp_path / "model.npz"
    model = compiled()
    model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path)])
    loaded = scratchnn.models.load_model(path)
    equal(loaded.get_weights(), model.get_weights())
    assert loaded.optimizer.iterations == 1


def test_the_best_only(tmp_path, capsys):
    path = tmp_path / "best.weights.npz"
    values, kept = [0.5, 0.7, 0.25, float("nan"), 0.26], []
    callbacks = [
        LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=values[epoch])),
        ModelCheckpoint(path, verbose=1, save_best_only=True, save_weights_only=True),
        LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights())),
    ]
    model = compiled()
    model.fit(X, Y, epochs=5, verbose=0, callbacks=callbacks)
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        f"Epoch 1: val_loss improved from None to 0.50000, saving model to {path}",
        f"Epoch 1: finished saving model to {path}",
        "Epoch 2: val_loss did not improve from 0.50000",
        f"Epoch 3: val_loss improved from 0.50000 to 0.25000, saving model to {path}",
        f"Epoch 3: finished saving model to {path}",
        "Epoch 4: val_loss did not improve from 0.25000",
        "Epoch 5: val_loss did not improve from 0.25000",
    ]
    model.load_weights(path)
    equal(model.get_weights(), kept[2])


def test_a_threshold_for_the_first_one(tmp_path):
    path = tmp_path / "best.weights.npz"
    options = {"save_best_only": True, "save_weights_only": True, "initial_value_threshold": 0.0}
    compiled().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path, "loss", **options)])
    assert not path.exists()


@pytest.mark.parametrize(
    ("steps_per_execution", "expected"),
    [(1, ["1-3", "2-2", "3-1", "3-4"]), (2, ["1-4", "2-4", "3-4"])],
)
def test_every_so_many_batches(steps_per_execution, expected, tmp_path):
    name = tmp_path / "{epoch}-{batch}.weights.npz"
    callback = ModelCheckpoint(name, save_weights_only=True, save_freq=3)
    model = compiled(steps_per_execution=steps_per_execution)
    model.fit(X, Y, 5, epochs=3, verbose=0, callbacks=[callback])
    assert sorted(p.name.split(".")[0] for p in tmp_path.iterdir()) == expected


def test_the_best_of_batches(tmp_path):
    path = tmp_path / "best.weights.npz"
    options = {"save_best_only": True, "save_weights_only": True, "save_freq": 1}
    callback = ModelCheckpoint(path, "loss", mode="max", **options)
    compiled().fit(X, Y, 5, verbose=0, callbacks=[callback])
    assert path.exists()


def test_what_the_best_cannot_be_chosen_by(tmp_path):
    options = {"save_best_only": True, "save_weights_only": True}
    path = tmp_path / "best.weights.npz"
    with pytest.warns(UserWarning, match="Can save best model only with val_loss available"):
        compiled().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path, **options)])
    assert path.exists()
    with pytest.raises(ValueError, match=r"ModelCheckpoint received monitor='foo'.*mode='max'"):
        compiled().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path, "foo", **options)])


@pytest.mark.parametrize(
    ("path", "weights"),
    [
        ("model", False),
        ("model.weights.h5", False),
        ("model.weights.npz", False),
        ("model.keras", True),
        ("model.npz", True),
        ("model.h5", True),
    ],
)
def test_other_endings(path, weights):
    with pytest.raises(ValueError, match=f"must end in .*. Received: {path!r}"):
        ModelCheckpoint(path, save_weights_only=weights)


@pytest.mark.parametrize("frequency", ["batch", 0, -1, True, False, 1.5, None])
def test_other_frequencies(frequency):
    for make in (
        lambda **o: ModelCheckpoint("m.keras", **o),
        lambda **o: BackupAndRestore("b", **o),
    ):
        with pytest.raises(ValueError, match="Expected save_freq='epoch' or a number of batches"):
            make(save_freq=frequency)


def test_paths_that_do_not_work_out(tmp_path):
    def fit(path):
        compiled().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path)])

    with pytest.raises(KeyError, match=r"has a field that is not available: 'acc'.*epoch, loss"):
        fit("{acc}.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OSError, match="Received: the directory"):
        fit(tmp_path / "folder.npz")


# --- BackupAndRestore


class Fail(Callback):
    """Fails as an epoch or a batch begins, or after so many batches."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.at == (epoch, None):
            raise RuntimeError("no electricity")

    def on_train_batch_begin(self, batch, logs=None):
        if self.at == (self.epoch, batch):
            raise RuntimeError("no electricity")


def train(folder, *others, seed=7, model=None, fit=None, seen=None, **options):
    """Train from a seed; return the model, its history, and the samples of each batch."""
    if seed is not None:
        set_random_seed(seed)
    model = compiled() if model is None else model()
    seen = [] if seen is None else seen

    class See(Callback):
        def on_train_begin(self, logs=None):
            step = self.model.train_step
            self.model.train_step = lambda batch: seen.append(batch.x[:, 0].copy()) or step(batch)

        def on_train_end(self, logs=None):
            del self.model.train_step

    backup = BackupAndRestore(folder, **options)
    arguments = {"epochs": 5, "batch_size": 3, "validation_split": 0.2, **(fit or {})}
    history = model.fit(X, Y, verbose=0, callbacks=[See(), backup, *others], **arguments)
    return model, history, seen


def interrupted(folder, fail, **options):
    with pytest.raises(RuntimeError, match="no electricity"):
        train(folder, fail, **options)
    assert folder.exists()
    return train(folder, **options)


def ema():
    return Adam(0.01, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=3)


@pytest.mark.parametrize("fail", [Fail(3), Fail(2, 4), Fail(4, 4)], ids=lambda fail: fail.at)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"save_freq": 1},
        {"save_freq": 4, "double_checkpoint": True},
        {"save_freq": 2, "fit": {"shuffle": "batch"}},
        {"save_freq": 2, "fit": {"shuffle": False}},
        {"save_freq": 2, "fit": {"steps_per_epoch": 5, "epochs": 6}},
        {"save_freq": 5, "fit": {"steps_per_epoch": 7, "epochs": 5}},
        {"save_freq": 6, "fit": {"steps_per_epoch": 7, "epochs": 5}},
        {"save_freq": 2, "fit": {"initial_epoch": 1}},
        {"save_freq": 2, "model": lambda: compiled(ema())},
        {"save_freq": 2, "model": lambda: compiled("sgd", metrics=["mae"])},
        {"save_freq": 2, "model": lambda: compiled(steps_per_execution=4)},
    ],
    ids=label,
)
@pytest.mark.filterwarnings("ignore:The data ran out")
def test_a_run_that_failed_ends_as_one_that_did_not(fail, options, tmp_path):
    expected, history, seen = train(tmp_path / "whole", **options)
    model, rest, seen_again = interrupted(tmp_path / "backup", fail, **options)
    equal(model.get_weights(), expected.get_weights())
    equal(
        [v.value for v in model.optimizer.variables],
        [v.value for v in expected.optimizer.variables],
    )
    equal(seen_again, seen[len(seen) - len(seen_again) :])
    assert rest.epoch == history.epoch[-len(rest.epoch) :]
    for name, values in rest.history.items():
        assert values == history.history[name][-len(values) :]
    assert list(tmp_path.iterdir()) == []  # both folders are gone


class Rows(PyDataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        return X[3 * index : 3 * index + 3], Y[3 * index : 3 * index + 3]


def rows():
    for i in range(7 * 5):
        i %= 7
        yield X[3 * i : 3 * i + 3], Y[3 * i : 3 * i + 3]


@pytest.mark.parametrize("fail", [Fail(3), Fail(1, 4), Fail(3, 0)], ids=lambda fail: fail.at)
@pytest.mark.parametrize("seed", [7, None])
@pytest.mark.parametrize(
    ("data", "fit"),
    [
        (Rows, {}),
        (Rows, {"shuffle": False}),
        (Rows, {"steps_per_epoch": 7}),
        (rows, {"steps_per_epoch": 7}),
        (rows, {"steps_per_epoch": 5}),
    ],
)
def test_batches_go_on_where_they_were(data, fit, seed, fail, tmp_path):
    def run(*others):
        if seed is not None:
            set_random_seed(seed)
        model, batches = compiled(), []
        step = model.train_step
        model.train_step = lambda batch: batches.append(batch.x[:, 0].copy()) or step(batch)
        backup = BackupAndRestore(tmp_path / "b", save_freq=2)
        with contextlib.suppress(RuntimeError):
            model.fit(data(), epochs=5, verbose=0, callbacks=[backup, *others], **fit)
        return model, batches

    _, before = run(fail)
    seen = before[: len(before) - len(before) % 2]  # until the last backup
    rest, after = run()
    batches = seen + after
    if seed is not None:
        whole, expected = run()
        equal(batches, expected)
        equal(rest.get_weights(), whole.get_weights())
    assert len(batches) == 5 * fit.get("steps_per_epoch", 7)
    passes = [batches[i : i + 7] for i in range(0, len(batches) - 6, 7)]
    for one in passes:
        np.testing.assert_array_equal(np.sort(np.concatenate(one)), np.sort(X[:, 0].astype("f4")))


def test_fresh_orders_go_on_too(tmp_path):
    """Without a seed no two runs are the same; but each epoch still sees each sample once."""
    before = []
    options = {"seed": None, "save_freq": 2, "fit": {"validation_split": 0, "epochs": 3}}
    with pytest.raises(RuntimeError, match="no electricity"):
        train(tmp_path / "b", Fail(1, 5), seen=before, **options)
    after = train(tmp_path / "b", **options)[2]
    batches = before + after
    assert (len(before), len(after)) == (7 + 5, 2 + 7)
    epochs = [np.concatenate(batches[i : i + 7]) for i in (0, 7, 14)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.sort(X[:, 0].astype("float32")))
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[1], epochs[2])


def test_nothing_is_left_to_do(tmp_path):
    """Killed between the last epoch and the end: fit ends at once, as it would have."""
    kept = tmp_path / "b"
    expected, _, _ = train(kept, model=lambda: compiled(ema()), delete_checkpoint=False)
    assert [p.name for p in kept.iterdir()] == ["latest.npz"]
    model, history, seen = train(kept, model=lambda: compiled(ema()))
    assert (history.epoch, seen) == ([], [])
    equal(model.get_weights(), expected.get_weights())
    assert not kept.exists()


def test_training_that_was_stopped_is_not_taken_up(tmp_path):
    def stop(epoch, logs):
        if epoch == 2:
            model.stop_training = True

    model = compiled()
    backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    callbacks = [LambdaCallback(on_epoch_end=stop), backup]
    model.fit(X, Y, epochs=5, verbose=0, callbacks=callbacks)
    assert train(tmp_path / "b")[1].epoch == []


def test_the_next_fit_starts_from_the_beginning(tmp_path):
    model, history, _ = interrupted(tmp_path / "b", Fail(3))
    assert history.epoch == [3, 4]
    assert model.fit(X, Y, epochs=2, verbose=0).epoch == [0, 1]


def test_only_files_of_its_own_are_deleted(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "mine.txt").touch()
    (folder / "latest.npz.0123abcd.part").touch()  # of a run that was killed while it wrote
    train(folder)
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", None], ids=["empty", "no zip", "cut"])
def test_a_spoiled_backup(content, tmp_path):
    folder = tmp_path / "b"
    expected, *_ = train(tmp_path / "whole", save_freq=2)
    options = {"save_freq": 2, "double_checkpoint": True}
    with pytest.raises(RuntimeError):
        train(folder, Fail(3, 3), **options)
    latest, previous = folder / "latest.npz", folder / "previous.npz"
    latest.write_bytes(latest.read_bytes()[:-30] if content is None else content)
    model, history, _ = train(folder, **options)
    assert history.epoch == [2, 3, 4]
    equal(model.get_weights(), expected.get_weights())

    with pytest.raises(RuntimeError):
        train(folder, Fail(3, 3), **options)
    previous.unlink()
    latest.write_bytes(b"")
    with pytest.raises(ValueError, match=r"latest\.npz") as raised:
        train(folder)
    assert "to train from the beginning" in raised.value.__notes__[0]
    assert latest.exists()


def test_a_backup_of_another_model(tmp_path):
    with pytest.raises(RuntimeError):
        train(tmp_path, Fail(3))
    text = "is of another model: expected shape .* Received: "
    with pytest.raises(ValueError, match=text):
        train(tmp_path, model=lambda: compiled(units=5))
    with pytest.raises(ValueError, match=text):
        train(tmp_path, model=lambda: compiled("sgd"))


def test_an_empty_folder_name():
    with pytest.raises(ValueError, match="Expected backup_dir to be a folder"):
        BackupAndRestore("")


def test_a_training_loop_of_ones_own():
    run = CallbackList([BackupAndRestore("backup")], model=compiled())
    with pytest.raises(RuntimeError, match="expected to be called by fit"):
        run.on_train_begin()


# --- killed for real

PROGRAM = '''
import os, signal, sys
import numpy as np
import scratchnn as keras
from scratchnn.callbacks import BackupAndRestore, LambdaCallback
from scratchnn.layers import Dense, Dropout

folder, result, save_freq, deadly = sys.argv[1:]
calls = 0


def watch(name):
    """Let os.<name> count the calls for the backups, and kill this process at the deadly one."""
    original = getattr(os, name)

    def counted(*args, **kwargs):
        global calls
        calls += 1
        if calls == int(deadly):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(os, name, counted)


for name in ("replace", "fsync", "remove", "makedirs", "rmdir"):
    watch(name)
keras.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 5))
y = x.sum(axis=1)
layers = [keras.Input((5,)), Dense(16, "relu"), Dropout(0.4), Dense(1)]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
save_freq = int(save_freq) if save_freq.isdigit() else save_freq
model.fit(
    x, y, batch_size=10, epochs=4, shuffle=True, verbose=0,
    callbacks=[BackupAndRestore(folder, save_freq=save_freq, double_checkpoint=save_freq == 5)],
)
np.savez(result + ".part.npz", *model.get_weights())
os.rename(result + ".part.npz", result)
'''


def start(folder, result, save_freq, deadly=0):
    # Compiled files go to a directory of their own, and make the second start a quick one.
    cache = {"PYTHONPYCACHEPREFIX": str(result.parent / "cache"), "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **cache, "PYTHONPATH": str(PACKAGE), "OPENBLAS_NUM_THREADS": "1"}
    arguments = [str(folder), str(result), str(save_freq), str(deadly)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env=environment)


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
@pytest.mark.parametrize("save_freq", ["epoch", 5])
def test_a_run_that_is_killed_at_any_moment(save_freq, tmp_path):
    whole, result = tmp_path / "whole.npz", tmp_path / "result.npz"
    assert start(tmp_path / "other", whole, save_freq).wait() == 0
    moments = random.Random(1)
    killed = 0
    while not result.exists():
        # Killed at one of the first calls that write, move and remove backups; in between, from
        # outside, whenever.
        process = start(tmp_path / "backup", result, save_freq, 2 + killed % 9)
        if killed % 4 == 3:
            time.sleep(moments.uniform(0.15, 0.3))
            process.kill()
        code = process.wait()
        assert code in (0, -signal.SIGKILL)
        killed += code == -signal.SIGKILL
        assert killed < 60
    assert killed >= 4
    assert not (tmp_path / "backup").exists()
    with np.load(whole) as expected, np.load(result) as found:
        equal([found[name] for name in found], [expected[name] for name in expected])
