"""Callbacks against Keras's own: their calls in the same program, and what each of them does.

Where Keras and scratchnn compute the same fit, numbers agree to TOLERANCE; where both are given
the same logs, what they decide, write and print is the same, byte for byte.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.utils import progbar as keras_progbar
from twins import both, close, close_all, seed_both

import scratchnn
from scratchnn import progress
from scratchnn.callbacks import callback_list

TOLERANCE = 1e-5

rng = np.random.default_rng(5)
X = rng.normal(size=(20, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.3).astype("float32")


def model_of(k: Any, optimizer: Any = "sgd", **options: Any) -> Any:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, "tanh"), k.layers.Dense(1)])
    options.setdefault("metrics", ["mae"])
    model.compile(
        optimizer, "mse", run_eagerly=True, **options
    )  # tracing takes longer than a few steps
    return model


# --- the log of calls

HOOKS = sorted(name for name in dir(keras.callbacks.Callback) if name.startswith("on_"))


def recorder(k: Any) -> Any:
    """Return a callback that keeps (hook, number, logs) of every call, and what it was set to."""

    class Recorder(k.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[Any] = []

        def set_params(self, params: Any) -> None:
            super().set_params(params)
            self.calls.append(("set_params", dict(params)))

        def set_model(self, model: Any) -> None:
            super().set_model(model)
            self.calls.append(("set_model", type(model).__name__))

    def record(hook: str) -> Any:
        def numbered(self: Any, number: int, logs: Any = None) -> None:
            kept = {name: np.array(value) for name, value in logs.items()}
            self.calls.append((hook, number, kept, {type(v).__name__ for v in logs.values()}))

        def plain(self: Any, logs: Any = None) -> None:
            self.calls.append((hook, dict(logs), {type(v).__name__ for v in logs.values()}))

        return numbered if "batch" in hook or "epoch" in hook else plain

    for hook in HOOKS:
        if hook not in ("on_batch_begin", "on_batch_end"):
            setattr(Recorder, hook, record(hook))
    return Recorder()


def same_calls(ours: list[Any], theirs: list[Any]) -> None:
    def outline(call: Any) -> Any:
        return [list(part) if isinstance(part, dict) else part for part in call]

    assert [outline(call) for call in ours] == [outline(call) for call in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for a, b in zip(mine, other, strict=True):
            if isinstance(b, dict) and mine[0] != "set_params":
                close_all(
                    {k: np.asarray(v, "float32") for k, v in a.items()},
                    {k: np.asarray(v, "float32") for k, v in b.items()},
                    TOLERANCE,
                    mine[0],
                )
            else:
                assert a == b


def calls_of_everything(k: Any) -> Any:
    model, seen = model_of(k), recorder(k)
    model.fit(X, Y, 8, epochs=3, verbose=0, validation_split=0.25, callbacks=[seen])
    model.evaluate(X, Y, 8, verbose=0, callbacks=[seen])
    model.predict(X, 8, verbose=0, callbacks=[seen])
    return seen.calls


def calls_by_groups(k: Any) -> Any:
    model, seen = model_of(k, steps_per_execution=3), recorder(k)
    model.fit(X, Y, 4, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[seen])
    model.evaluate(X, Y, 4, verbose=0, callbacks=[seen])
    return seen.calls


def calls_of_some_epochs(k: Any) -> Any:
    model, seen = model_of(k), recorder(k)
    options = {"validation_data": (X, Y), "validation_freq": 2, "steps_per_epoch": 2}
    model.fit(X, Y, 4, epochs=5, initial_epoch=2, verbose=0, callbacks=seen, **options)
    model.fit(X, Y, epochs=0, verbose=0, callbacks=seen)
    return seen.calls


def calls_of_nested_callbacks(k: Any) -> Any:
    model, first, second = model_of(k), recorder(k), recorder(k)
    model.fit(X, Y, 8, verbose=0, callbacks=[[first], [[second]]])
    return first.calls + second.calls


def calls_of_ones_own_list(k: Any) -> Any:
    model, seen = model_of(k), recorder(k)
    run = k.callbacks.CallbackList([seen], add_history=True, model=model, steps=5, verbose=2)
    history = model.fit(X, Y, 8, epochs=2, verbose=0, callbacks=run)
    assert history is model.history
    assert history.epoch == [0, 1]
    model.evaluate(X, Y, verbose=0, callbacks=run)
    model.predict(X, verbose=0, callbacks=run)
    return seen.calls


def calls_when_a_batch_stops(k: Any) -> Any:
    class Stop(k.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = batch == 1

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_evaluating = batch == 2

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_predicting = batch == 0

    model, seen = model_of(k), recorder(k)
    stop = [Stop(), seen]
    model.fit(X, Y, 4, epochs=3, verbose=0, validation_data=(X, Y), callbacks=stop)
    model.evaluate(X, Y, 4, verbose=0, callbacks=stop)
    assert len(model.predict(X, 4, verbose=0, callbacks=stop)) == 4
    return seen.calls


def calls_of_a_loop_of_ones_own(k: Any) -> Any:
    model, seen = model_of(k), recorder(k)
    run = k.callbacks.CallbackList([seen], add_history=True, model=model, epochs=1)
    run.on_train_begin()
    run.on_epoch_begin(0)
    run.on_train_batch_begin(0)
    logs = model.train_on_batch(X, Y, return_dict=True)
    run.on_train_batch_end(0, {"z": np.float32(2), "a": np.array(1), **logs, "in": {"b": 3}})
    run.on_epoch_end(0, logs)
    run.on_train_end({})
    return [*seen.calls, ("history", model.history.history)]


@pytest.mark.parametrize(
    "program",
    [
        calls_of_everything,
        calls_by_groups,
        calls_of_some_epochs,
        calls_of_nested_callbacks,
        calls_of_ones_own_list,
        calls_when_a_batch_stops,
        calls_of_a_loop_of_ones_own,
    ],
)
def test_the_same_calls(program: Any) -> None:
    same_calls(*both(program))


def test_additions_to_the_logs_reach_the_callbacks_after_and_nothing_else() -> None:
    def program(k: Any) -> Any:
        class Add(k.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                logs["mine"] = float(epoch)

            def on_test_end(self, logs: Any = None) -> None:
                logs["tested"] = 1.0

        model, seen = model_of(k), recorder(k)
        callbacks = [Add(), seen]
        history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=callbacks)
        result = model.evaluate(X, Y, verbose=0, callbacks=callbacks, return_dict=True)
        return [*seen.calls, ("history", history.history), ("evaluate", result)]

    same_calls(*both(program))


# --- callbacks that decide, driven by the same logs


class Model:
    """What callbacks ask of a model, for both libraries."""

    def __init__(self, rate: float = 0.5) -> None:
        self.stop_training = False
        self.metrics: list[Any] = []
        self.optimizer = Rate(rate)
        self.weights = 0
        self.events: list[Any] = []

    def get_weights(self) -> int:
        return self.weights

    def set_weights(self, weights: int) -> None:
        self.events.append(weights)

    def save(self, path: str, overwrite: bool) -> None:
        self.events.append(("save", path, overwrite))

    def save_weights(self, path: str, overwrite: bool) -> None:
        self.events.append(("save_weights", path, overwrite))


class Rate:
    def __init__(self, rate: float) -> None:
        self.learning_rate = rate

    def __setattr__(self, name: str, value: float) -> None:
        vars(self)[name] = np.float32(value)


def drive(callback: Any, logs: list[dict[str, float]], batches: int = 0) -> dict[str, Any]:
    """Return all that a callback did in a training with these logs of epochs."""
    model = Model()
    epochs, rates = [], []
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        callback.set_params({"epochs": len(logs), "verbose": 0, "steps": batches})
        callback.set_model(model)
        callback.on_train_begin({})
        for epoch, of_epoch in enumerate(logs):
            model.weights = epoch
            callback.on_epoch_begin(epoch, {})
            for batch in range(batches):
                callback.on_train_batch_begin(batch, {})
                callback.on_train_batch_end(batch, {"loss": 0.1 * batch})
            of_epoch = dict(of_epoch)
            callback.on_epoch_end(epoch, of_epoch)
            epochs.append(of_epoch)
            rates.append(float(model.optimizer.learning_rate))
            if model.stop_training:
                break
        callback.on_train_end({})
    return {
        "epochs": epochs,
        "rates": rates,
        "events": model.events,
        "printed": printed.getvalue(),
        "warnings": [w.category for w in warned],
    }


def the_same(name: str, logs: list[dict[str, float]], batches: int = 0, **options: Any) -> Any:
    """Check that both libraries' callbacks do the same, and return it."""
    ours, theirs = (
        drive(getattr(k.callbacks, name)(**options), logs, batches) for k in (scratchnn, keras)
    )
    assert repr(ours) == repr(theirs)  # NaN, too, is to be NaN
    return ours


VALUES = st.one_of(
    st.sampled_from([0.0, 0.1, 0.1 + 1e-9, 0.2, 0.5, -1.0, float("nan"), float("inf")]),
    st.floats(-2, 2, width=32),
)
SERIES = st.lists(VALUES, min_size=1, max_size=10)
MODES = st.sampled_from(["auto", "min", "max"])
DELTAS = st.sampled_from([0, 1e-4, 0.1, -0.1, 1])


@settings(max_examples=40, deadline=None)
@given(
    series=SERIES,
    options=st.fixed_dictionaries(
        {
            "patience": st.integers(0, 3),
            "min_delta": DELTAS,
            "mode": MODES,
            "baseline": st.sampled_from([None, 0.1, 0.0]),
            "restore_best_weights": st.booleans(),
            "start_from_epoch": st.integers(0, 3),
            "verbose": st.integers(0, 1),
        }
    ),
)
def test_early_stopping(series: list[float], options: dict[str, Any]) -> None:
    the_same("EarlyStopping", [{"loss": value} for value in series], monitor="loss", **options)


@settings(max_examples=40, deadline=None)
@given(
    series=SERIES,
    options=st.fixed_dictionaries(
        {
            "factor": st.sampled_from([0.1, 0.5, 0.9]),
            "patience": st.integers(0, 3),
            "min_delta": DELTAS,
            "mode": MODES,
            "cooldown": st.integers(0, 3),
            "min_lr": st.sampled_from([0.0, 0.1, 0.01]),
            "verbose": st.integers(0, 1),
        }
    ),
)
def test_reduce_lr_on_plateau(series: list[float], options: dict[str, Any]) -> None:
    the_same("ReduceLROnPlateau", [{"loss": v} for v in series], monitor="loss", **options)


@settings(max_examples=40, deadline=None)
@given(
    series=SERIES,
    batches=st.integers(0, 5),
    options=st.fixed_dictionaries(
        {
            "save_best_only": st.booleans(),
            "mode": MODES,
            "save_freq": st.sampled_from(["epoch", 1, 2, 7]),
            "initial_value_threshold": st.sampled_from([None, 0.1, 0.0]),
            "verbose": st.integers(0, 1),
        }
    ),
    weights=st.booleans(),
)
def test_model_checkpoint(
    series: list[float], batches: int, options: dict[str, Any], weights: bool
) -> None:
    name = "{epoch:02d}-{loss:.3f}" + (".weights.h5" if weights else ".keras")
    if options["save_freq"] != "epoch":
        name = "{batch}_" + name
        if options["mode"] == "auto" or options["save_best_only"]:
            options["mode"] = "max"
            options["save_best_only"] = False  # Keras's fails there before the first epoch's end
    logs = [{"loss": value} for value in series]
    options = {**options, "monitor": "loss", "save_weights_only": weights}
    the_same("ModelCheckpoint", logs, batches, filepath=name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("EarlyStopping", {}),
        ("ReduceLROnPlateau", {}),
        ("ModelCheckpoint", {"filepath": "m.keras", "save_best_only": True}),
    ],
)
def test_a_monitor_that_is_not_there(name: str, options: dict[str, Any]) -> None:
    done = the_same(name, [{"loss": 1.0}, {"loss": 2.0}], **options)
    assert done["warnings"] == [UserWarning, UserWarning]


def test_an_unknown_mode() -> None:
    for k in (scratchnn, keras):
        with pytest.warns(UserWarning, match="EarlyStopping mode 'down' is unknown"):
            assert k.callbacks.EarlyStopping(mode="down").mode == "auto"


def test_the_monitored_value_may_have_several_elements() -> None:
    logs = [{"loss": np.array([1.0, 2.0])}]
    options = {"monitor": "loss", "filepath": "m.keras", "save_best_only": True}
    assert the_same("ModelCheckpoint", logs, **options)["events"]


@pytest.mark.parametrize("name", ["accuracy", "mae", "mse", "AUC", "Precision", "Recall"])
def test_the_direction_of_a_metric(name: str) -> None:
    ours, theirs = ((k.metrics.get(name)) for k in (scratchnn, keras))
    assert ours._direction == theirs._direction


def test_metrics_say_which_values_are_better() -> None:
    def program(k: Any) -> Any:
        model = k.Sequential([k.Input((3,)), k.layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy", "mae"])
        found = []
        for monitor in ("accuracy", "val_accuracy", "mae", "loss"):
            stop = k.callbacks.EarlyStopping(monitor, patience=9)
            data = {"validation_data": (X, Y > 0), "verbose": 0}
            model.fit(X, (Y > 0).astype("float32"), callbacks=[stop], **data)
            found.append(float(stop.best))
            better = stop.monitor_op(1.0, 0.0)
            found.append(bool(better))
        with pytest.raises(ValueError, match=r"EarlyStopping.*mode='max'"):
            model.fit(X, Y, verbose=0, callbacks=[k.callbacks.EarlyStopping("foo")])
        return found

    ours, theirs = both(program)
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch, rate: rate * 0.5,
        lambda epoch: 0.25 / (epoch + 1),
        lambda epoch, rate: np.float32(0.1) if epoch else rate,
        lambda epoch, factor=2.0: factor / 8,
    ],
)
def test_learning_rate_scheduler(schedule: Any) -> None:
    logs = [{"loss": 1.0}] * 3
    done = the_same("LearningRateScheduler", logs, schedule=schedule, verbose=1)
    assert done["printed"].count("LearningRateScheduler setting learning rate to") == 3


@pytest.mark.parametrize("schedule", [lambda epoch: None, lambda epoch, rate: "0.1"])
def test_a_schedule_that_returns_no_number(schedule: Any) -> None:
    for k in (scratchnn, keras):
        with pytest.raises(ValueError, match="schedule"):
            drive(k.callbacks.LearningRateScheduler(schedule), [{"loss": 1.0}])


@pytest.mark.parametrize(
    "logs",
    [
        [{"loss": 0.25, "acc": 1.0}, {"loss": 1e-30, "acc": 0.5}],
        [{"loss": 0.25}, {"loss": 1.5, "val_loss": 2.0}, {"val_loss": 2.0}],
        [{"loss": 0.25, "val_loss": 1.0}, {"loss": 1.5}],
        [{"loss": float("nan"), "a,b": 'with "quotes"', "c": np.array([1.5, 2.0])}],
        [{"loss": np.array(2.0), "x": [1, 2]}, {}],
    ],
)
@pytest.mark.parametrize("options", [{}, {"separator": ";"}, {"append": True}])
def test_csv_logger(logs: Any, options: Any, tmp_path: Path) -> None:
    written = []
    for k in (scratchnn, keras):
        path = tmp_path / k.__name__
        logger = k.callbacks.CSVLogger(path, **options)
        for _ in range(2):
            drive(logger, logs)
        drive(k.callbacks.CSVLogger(str(path), **options), logs)
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_csv_logger_appends_to_an_empty_file(tmp_path: Path) -> None:
    for k in (scratchnn, keras):
        path = tmp_path / k.__name__
        path.touch()
        drive(k.callbacks.CSVLogger(path, append=True), [{"loss": 1.0}])
        assert path.read_bytes() == b"epoch,loss,val_loss\r\n0,1.0,NA\r\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(as_json: bool) -> None:
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            wanted = ("Content-Type", "X-Key")
            received.append((self.path, body, [self.headers[name] for name in wanted]))
            self.send_response(500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    logs = [{"loss": 0.5, "a": np.float32(0.25), "b": np.array(2), "é": 1e-9}]
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            root = f"http://127.0.0.1:{server.server_port}"
            options = {"root": root, "send_as_json": as_json, "headers": {"X-Key": "42"}}
            the_same("RemoteMonitor", logs, **options)
        finally:
            server.shutdown()
            thread.join()
        assert len(received) == 2
        assert received[0] == received[1]
    done = the_same("RemoteMonitor", logs, root=root)  # nobody is there any more
    assert done["warnings"] == [UserWarning]


# --- on the same fit


def test_terminate_on_nan() -> None:
    x = X.copy()
    x[9] = np.nan

    def program(k: Any) -> Any:
        model, printed = model_of(k), io.StringIO()
        callbacks = [k.callbacks.TerminateOnNaN()]
        with contextlib.redirect_stdout(printed):
            options = {"shuffle": False, "verbose": 0, "callbacks": callbacks}
            history = model.fit(x, Y, 4, epochs=3, **options)
        with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0"):
            model.fit(x, Y, verbose=0, callbacks=[k.callbacks.TerminateOnNaN(raise_error=True)])
        return printed.getvalue(), repr(history.history), int(model.optimizer.iterations)

    ours, theirs = both(program)
    assert ours == theirs
    assert ours[0] == "Batch 2: Invalid loss, terminating training\n"


def test_a_fit_with_many_callbacks(tmp_path: Path) -> None:
    def program(k: Any) -> Any:
        folder = tmp_path / k.__name__
        folder.mkdir()
        model, printed = model_of(k, k.optimizers.Adam(0.05)), io.StringIO()
        c = k.callbacks
        callbacks = [
            c.LearningRateScheduler(lambda epoch, rate: rate * 0.9 if epoch else rate),
            c.ReduceLROnPlateau(patience=1, min_delta=0.05, factor=0.5, verbose=1),
            c.ModelCheckpoint(
                folder / "{epoch:02d}-{val_loss:.2f}.weights.h5",
                save_weights_only=True,
                save_best_only=True,
                verbose=1,
            ),
            c.ModelCheckpoint(str(folder / "all" / "{batch}.keras"), save_freq=7),
            c.CSVLogger(folder / "log.csv"),
            c.EarlyStopping(patience=3, min_delta=0.05, restore_best_weights=True, verbose=1),
        ]
        with contextlib.redirect_stdout(printed):
            history = model.fit(
                X, Y, 4, epochs=30, verbose=0, validation_split=0.25, callbacks=callbacks
            )
        text = re.sub(r"to /\S*/", "to ", printed.getvalue())
        table = np.loadtxt(folder / "log.csv", delimiter=",", skiprows=1)
        return {
            "text": [re.sub(r"\d+\.\d{3,}\S*", "#", line) for line in text.splitlines()],
            "numbers": np.array([float(n) for n in re.findall(r"\d+\.\d{3,}", text)]),
            "files": sorted(p.name for p in folder.rglob("*") if p.is_file()),
            "header": (folder / "log.csv").read_text().splitlines()[0],
            "table": table,
            "history": {name: np.array(values) for name, values in history.history.items()},
            "weights": model.get_weights(),
        }

    ours, theirs = both(program)
    assert len(ours["table"]) < 30  # it was stopped
    for exact in ("text", "files", "header"):
        assert ours[exact] == theirs[exact]
    for near in ("numbers", "table", "history", "weights"):
        close_all([ours[near]], [theirs[near]], 1e-4, near)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(swap_on_epoch: bool) -> None:
    def program(k: Any) -> Any:
        optimizer = k.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.8)
        model, weights = model_of(k, optimizer), []

        class Look(k.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                weights.extend(model.get_weights())

            def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
                weights.extend(model.get_weights())

            on_epoch_end = on_epoch_begin

        callbacks = [k.callbacks.SwapEMAWeights(swap_on_epoch), Look()]
        options = {"validation_data": (X, Y), "verbose": 0, "callbacks": callbacks}
        history = model.fit(X, Y, 8, epochs=3, **options)
        model.evaluate(X, Y, verbose=0, callbacks=callbacks)
        predicted = model.predict(X, verbose=0, callbacks=callbacks)
        lists = {name: np.array(values) for name, values in history.history.items()}
        return [*weights, *model.get_weights(), predicted, *lists.values()]

    close_all(*both(program), TOLERANCE)


def test_swap_ema_weights_without_an_average() -> None:
    for k in (scratchnn, keras):
        model = model_of(k)
        with pytest.raises(ValueError, match="SwapEMAWeights"):
            model.fit(X, Y, verbose=0, callbacks=[k.callbacks.SwapEMAWeights(True)])


def test_backup_and_restore(tmp_path: Path) -> None:
    def program(k: Any) -> Any:
        folder = tmp_path / k.__name__

        class Fail(k.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 3:
                    raise RuntimeError("no electricity")

        def train(*others: Any) -> Any:
            seed_both(3)
            model = model_of(k, "adam")
            backup = k.callbacks.BackupAndRestore(folder)
            history = model.fit(X, Y, 8, epochs=5, verbose=0, callbacks=[backup, *others])
            return history.epoch, history.history["loss"], model.get_weights()

        whole = train()
        with pytest.raises(RuntimeError, match="no electricity"):
            train(Fail())
        assert folder.exists()
        rest = train()
        assert not folder.exists()
        np.testing.assert_allclose(whole[1][3:], rest[1], rtol=1e-6)
        return [np.array(rest[0]), np.array(rest[1]), *rest[2]]

    ours, theirs = both(program)
    assert list(ours[0]) == [3, 4]
    close_all(ours, theirs, TOLERANCE)


# --- what is printed


class Clock:
    """The module `time` of both programs, standing still."""

    def time(self) -> float:
        return 1024.0

    perf_counter = time


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_the_console_output_of_a_program(verbose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (progress, callback_list, keras_progbar):
        monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setenv("TERM", "xterm-256color")

    def program(k: Any) -> str:
        model, printed = model_of(k), Terminal()
        say = k.callbacks.LearningRateScheduler(lambda epoch: 0.01, verbose=1)
        data = {"batch_size": 8, "verbose": verbose}
        with contextlib.redirect_stdout(printed):
            model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[say], **data)
            model.fit(X, Y, **data)
            model.evaluate(X, Y, **data)
            model.predict(X, **data)
        return printed.getvalue()

    ours, theirs = both(program)
    assert ours == theirs
    assert ("step - loss" in ours) == (verbose != 0)


# --- refusals and signatures


def test_files_of_other_names_are_refused_by_both() -> None:
    for k in (scratchnn, keras):
        for options in (
            {"filepath": "m.txt"},
            {"filepath": "m.keras", "save_weights_only": True},
            {"filepath": "m.keras", "save_freq": "batch"},
        ):
            with pytest.raises(ValueError):  # noqa: PT011
                k.callbacks.ModelCheckpoint(**options)
        for options in ({"backup_dir": ""}, {"backup_dir": "b", "save_freq": "batch"}):
            with pytest.raises(ValueError):  # noqa: PT011
                k.callbacks.BackupAndRestore(**options)
        with pytest.raises(ValueError, match="factor"):
            k.callbacks.ReduceLROnPlateau(factor=1.0)
        with pytest.raises(KeyError, match="nothing"):
            drive(k.callbacks.ModelCheckpoint("{nothing}.keras"), [{"loss": 1.0}])


def test_every_public_name_of_keras_is_there_or_refused() -> None:
    for name in keras.callbacks.__dict__:
        if name[0].isupper() and name != "OrbaxCheckpoint":
            assert name in scratchnn.callbacks.__all__
    with pytest.raises(NotImplementedError, match="OrbaxCheckpoint is not supported, because"):
        scratchnn.callbacks.OrbaxCheckpoint  # noqa: B018


@pytest.mark.parametrize("name", scratchnn.callbacks.__all__)
def test_the_arguments_are_keras_s(name: str) -> None:
    import inspect

    ours, theirs = (
        inspect.signature(getattr(k.callbacks, name)).parameters for k in (scratchnn, keras)
    )
    without = [p for p in theirs.values() if (name, p.name) != ("ReduceLROnPlateau", "kwargs")]
    assert [p.name for p in ours.values()] == [p.name for p in without]
    assert [p.default for p in ours.values()] == [p.default for p in without]


# --- TensorBoard's files, read by TensorFlow


def events(folder: Path) -> list[Any]:
    """Return (step, tag, value, plugin) of all events, as TensorFlow reads and checks them."""
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    found = []
    for path in sorted(folder.glob("events.out.tfevents.*.v2")):
        records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
        first, *rest = [event_pb2.Event.FromString(record) for record in records]
        assert first.file_version == "brain.Event:2"
        for event in rest:
            assert abs(event.wall_time - first.wall_time) < 600
            for value in event.summary.value:
                data = tf.make_ndarray(value.tensor)
                found.append((event.step, value.tag, data, value.metadata.plugin_data))
    return found


def test_tensorboard(tmp_path: Path) -> None:
    model = model_of(scratchnn, "sgd")
    board = scratchnn.callbacks.TensorBoard(tmp_path, update_freq=2, write_steps_per_second=True)
    options = {"validation_data": (X, Y), "verbose": 0, "callbacks": [board]}
    history = model.fit(X, Y, 8, epochs=2, **options).history
    last = model.evaluate(X, Y, verbose=0, callbacks=[board])

    (graph_step, tag, json, plugin), *train = events(tmp_path / "train")
    assert (graph_step, tag, plugin.plugin_name, plugin.content) == (
        0,
        "keras",
        "graph_keras_model",
        b"1",
    )
    assert json.item().decode() == model.to_json()
    of_epoch = ["epoch_loss", "epoch_mae", "epoch_learning_rate", "epoch_steps_per_second"]
    of_batch = ["batch_steps_per_second", "batch_loss", "batch_mae"]
    assert [(step, tag) for step, tag, *_ in train] == [
        *((2, tag) for tag in of_batch),
        *((0, tag) for tag in of_epoch),
        *((4, tag) for tag in of_batch),
        *((6, tag) for tag in of_batch),
        *((1, tag) for tag in of_epoch),
    ]
    validation = events(tmp_path / "validation")
    of_test = [f"evaluation_{name}_vs_iterations" for name in ("loss", "mae")]
    assert [(step, tag) for step, tag, *_ in validation] == [
        *((3, tag) for tag in of_test),
        *((0, tag) for tag in of_epoch[:2]),
        *((6, tag) for tag in of_test),
        *((1, tag) for tag in of_epoch[:2]),
        *((6, tag) for tag in of_test),
    ]
    for _, _, value, plugin in train + validation:
        assert plugin.plugin_name == "scalars"
        assert value.dtype == np.float32
        assert value.shape == ()
    values = {(step, tag): value for step, tag, value, _ in train}
    for epoch in range(2):
        assert values[epoch, "epoch_loss"] == np.float32(history["loss"][epoch])
        assert values[epoch, "epoch_learning_rate"] == np.float32(0.01)
        assert values[epoch, "epoch_steps_per_second"] > 0
    assert values[6, "batch_loss"] == np.float32(history["loss"][1])
    close(validation[-2][2], np.float32(last[0]), 0)


def test_the_size_of_an_event_file(tmp_path: Path) -> None:
    model = model_of(scratchnn)
    quiet = scratchnn.callbacks.TensorBoard(str(tmp_path), write_graph=False)
    model.fit(X, Y, epochs=300, verbose=0, callbacks=[quiet])
    found = events(tmp_path / "train")
    assert [step for step, tag, *_ in found if tag == "epoch_loss"] == list(range(300))
    assert not (tmp_path / "validation").exists()
