"""Callbacks: which hooks are called, when, with what; History; and what hooks may do."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest

from scratchnn import Input, Sequential
from scratchnn.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    RemoteMonitor,
    SwapEMAWeights,
    TensorBoard,
    TerminateOnNaN,
    events,
    records,
    standardize_verbose,
)
from scratchnn.layers import Dense
from scratchnn.metrics import Metric
from scratchnn.optimizers import SGD, schedules

X, Y = np.ones((5, 1)), np.zeros((5, 1))
HOOKS = sorted(name for name in vars(Callback) if name.startswith("on_"))


def compiled(**options):
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse", **options)
    return model


class Recorder(Callback):
    """Writes down every hook, with its number, if it has one, and the names in its logs."""

    def __init__(self):
        super().__init__()
        self.calls = []


def _recording(hook):
    numbered = len(inspect.signature(getattr(Callback, hook)).parameters) == 3

    def numbered_hook(self, number, logs=None):
        self.calls.append((hook, number, sorted(logs or {})))

    def plain_hook(self, logs=None):
        self.calls.append((hook, sorted(logs or {})))

    return numbered_hook if numbered else plain_hook


for _hook in HOOKS:
    if _hook not in ("on_batch_begin", "on_batch_end"):
        setattr(Recorder, _hook, _recording(_hook))


# --- the order of hooks


def test_hooks_of_fit():
    recorder = Recorder()
    compiled().fit(X, Y, batch_size=3, epochs=2, verbose=0, callbacks=[recorder])
    epoch = [
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, ["loss"]),
        ("on_train_batch_begin", 1, []),
        ("on_train_batch_end", 1, ["loss"]),
    ]
    assert recorder.calls == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        *epoch,
        ("on_epoch_end", 0, ["loss"]),
        ("on_epoch_begin", 1, []),
        *epoch,
        ("on_epoch_end", 1, ["loss"]),
        ("on_train_end", ["loss"]),
    ]


def test_hooks_of_fit_with_validation():
    recorder = Recorder()
    model = compiled(metrics=["mae"])
    model.fit(X, Y, validation_data=(X[:1], Y[:1]), verbose=0, callbacks=[recorder])
    names = ["loss", "mae"]
    assert recorder.calls == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, names),
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, names),
        ("on_test_end", names),
        ("on_epoch_end", 0, ["loss", "mae", "val_loss", "val_mae"]),
        ("on_train_end", ["loss", "mae", "val_loss", "val_mae"]),
    ]


def test_hooks_of_evaluate_and_predict():
    recorder = Recorder()
    model = compiled()
    model.evaluate(X, Y, batch_size=3, verbose=0, callbacks=recorder)
    assert [call[:-1] for call in recorder.calls] == [
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_batch_begin", 1),
        ("on_test_batch_end", 1),
        ("on_test_end",),
    ]
    recorder.calls.clear()
    model.predict(X, batch_size=3, verbose=0, callbacks=[recorder])
    assert recorder.calls == [
        ("on_predict_begin", []),
        ("on_predict_batch_begin", 0, []),
        ("on_predict_batch_end", 0, ["outputs"]),
        ("on_predict_batch_begin", 1, []),
        ("on_predict_batch_end", 1, ["outputs"]),
        ("on_predict_end", []),
    ]


def test_older_names_of_the_batch_hooks():
    class Older(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch))

    seen = []
    compiled().fit(X, Y, batch_size=3, verbose=0, callbacks=[Older()])
    assert seen == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]


def test_steps_per_execution_groups_the_batch_hooks():
    recorder = Recorder()
    model = compiled(steps_per_execution=2)
    model.fit(X, Y, batch_size=1, verbose=0, callbacks=[recorder])
    begins = [call[1] for call in recorder.calls if call[0] == "on_train_batch_begin"]
    ends = [call[1] for call in recorder.calls if call[0] == "on_train_batch_end"]
    assert (begins, ends) == ([0, 2, 4], [1, 3, 5])  # the last group counts as whole
    assert model.optimizer.iterations == 5


def test_callbacks_are_called_in_order_and_history_after_them():
    order = []

    class Named(Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_epoch_end(self, epoch, logs=None):
            order.append(self.name)
            logs[self.name] = epoch

    history = compiled().fit(X, Y, epochs=2, verbose=0, callbacks=[Named("a"), Named("b")])
    assert order == ["a", "b", "a", "b"]
    assert history.history["a"] == history.history["b"] == [0, 1]


# --- what hooks see


def test_model_and_params():
    class Look(Callback):
        def on_train_begin(self, logs=None):
            seen.append((self.model, self.params))

    seen = []
    model = compiled()
    history = model.fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[Look()])
    assert seen == [(model, {"verbose": 0, "epochs": 3, "steps": 3})]
    assert history.params == seen[0][1]
    assert history.model is model


def test_batch_logs_are_running_means_and_floats():
    class Logs(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    seen = []
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    x = np.array([[1.0], [2.0], [3.0]])
    history = model.fit(x, 0 * x, 1, shuffle=False, verbose=0, callbacks=[Logs()])
    assert seen == [1, 2.5, pytest.approx(14 / 3)]
    assert all(type(value) is float for value in seen)
    assert type(history.history["loss"][0]) is float


def test_outputs_of_predict_are_kept_apart():
    class Keep(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            kept.append(logs["outputs"])

    kept = []
    x = np.arange(5.0)[:, np.newaxis]
    result = compiled().predict(x, batch_size=2, verbose=0, callbacks=[Keep()])
    assert [len(part) for part in kept] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(kept), result)


# --- what hooks may do


def test_stopping_in_a_batch_still_ends_the_epoch():
    class Stop(Recorder):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = batch == 1

    recorder = Stop()
    model = compiled()
    history = model.fit(
        X, Y, 1, epochs=9, verbose=0, callbacks=[recorder], validation_data=(X[:1], Y[:1])
    )
    assert model.optimizer.iterations == 2
    assert history.epoch == [0]
    assert "val_loss" in history.history
    assert [call[0] for call in recorder.calls[-3:]] == [
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]
    model.fit(X, Y, 5, epochs=2, verbose=0)  # the next fit is not stopped
    assert model.optimizer.iterations == 4


def test_stopping_at_the_end_of_an_epoch():
    def stop(epoch, logs):
        model.stop_training = epoch == 1

    model = compiled()
    callback = LambdaCallback(on_epoch_end=stop)
    assert model.fit(X, Y, epochs=9, verbose=0, callbacks=callback).epoch == [0, 1]


def test_the_learning_rate_can_be_set_between_epochs():
    def slower(epoch, logs):
        rates.append(float(model.optimizer.learning_rate))
        model.optimizer.learning_rate = rates[-1] / 2

    rates, model = [], compiled()
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=slower)])
    np.testing.assert_allclose(rates, [0.01, 0.005, 0.0025], rtol=1e-6)


def test_an_error_in_a_hook_ends_training_and_leaves_the_history():
    def fail(epoch, logs):
        if epoch == 1:
            raise RuntimeError("enough")

    model = compiled()
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, Y, epochs=9, verbose=0, callbacks=[LambdaCallback(on_epoch_begin=fail)])
    assert model.history.epoch == [0]
    assert len(model.history.history["loss"]) == 1
    model.fit(X, Y, verbose=0)


def test_weights_can_be_set_in_a_hook():
    def reset(epoch, logs):
        model.set_weights([[[0.5]], [0.0]])

    model = compiled()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[LambdaCallback(on_epoch_end=reset)])
    assert [w.item() for w in model.get_weights()] == [0.5, 0]


def test_evaluating_and_predicting_in_a_hook_does_not_disturb_training():
    def look(epoch, logs):
        model.predict(X, verbose=0)
        losses.append(model.evaluate(X, Y, verbose=0))

    losses, model = [], compiled()
    plain = compiled()
    plain.set_weights(model.get_weights())
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=look)])
    assert history.history == plain.fit(X, Y, epochs=3, verbose=0).history
    assert losses == sorted(losses, reverse=True)


# --- History


def test_history():
    model = compiled(metrics=["mae"])
    first = model.fit(X, Y, epochs=2, verbose=0)
    assert model.history is first
    assert first.epoch == [0, 1]
    assert list(first.history) == ["loss", "mae"]
    second = model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0, validation_data=(X, Y))
    assert model.history is second is not first
    assert second.epoch == [3, 4]
    assert list(second.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert first.epoch == [0, 1]


def test_ones_own_history_is_used():
    mine = History()
    model = compiled()
    assert model.fit(X, Y, verbose=0, callbacks=[mine]) is mine is model.history
    assert mine.epoch == [0]


def test_no_epochs_no_history():
    for epochs in (0, -1):
        assert compiled().fit(X, Y, epochs=epochs, verbose=0).history == {}
    assert compiled().fit(X, Y, epochs=2, initial_epoch=2, verbose=0).epoch == []


@pytest.mark.parametrize(("frequency", "expected"), [(1, 4), (2, 2), ([1, 4], 2), (9, 0)])
def test_validation_frequency(frequency, expected):
    history = compiled().fit(
        X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=frequency
    )
    assert len(history.history.get("val_loss", [])) == expected


# --- LambdaCallback, CallbackList, ProgbarLogger


def test_lambda_callback_takes_every_hook():
    for hook in HOOKS:
        seen = []
        callback = LambdaCallback(**{hook: lambda *args, seen=seen: seen.append(args)})
        getattr(callback, hook)("x")
        assert seen == [("x",)]
    for name in ("on_lunch", "set_model", "model"):
        with pytest.raises(ValueError, match=f"has no hook {name!r}"):
            LambdaCallback(**{name: print})


def test_a_callback_may_stand_alone_or_in_any_iterable():
    for callbacks in (Recorder(), [Recorder()], (Recorder(),), iter([Recorder()]), {Recorder()}):
        kept = list(callbacks) if not isinstance(callbacks, Callback) else [callbacks]
        compiled().fit(X, Y, verbose=0, callbacks=kept)
        assert kept[0].calls
    recorder = Recorder()
    compiled().fit(X, Y, verbose=0, callbacks=(c for c in [recorder]))
    assert recorder.calls


@pytest.mark.parametrize("callbacks", [5, [5], "early", [Recorder], Recorder, [None]], ids=repr)
def test_what_is_no_callback(callbacks):
    model = compiled()
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="callbacks must be objects of classes derived from"):
            run(X, Y, verbose=0, callbacks=callbacks)
    with pytest.raises(ValueError, match="callbacks must be objects of classes derived from"):
        model.predict(X, verbose=0, callbacks=callbacks)


def test_callback_list_passes_every_hook_on():
    recorder = Recorder()
    run = CallbackList([recorder], model="the model", epochs=1)
    assert recorder.model == "the model"
    assert recorder.params == {"epochs": 1}
    for hook in HOOKS:
        if hook in ("on_batch_begin", "on_batch_end"):
            continue
        numbered = len(inspect.signature(getattr(Callback, hook)).parameters) == 3
        getattr(run, hook)(*([7] if numbered else []), {"loss": 1.0})
        assert recorder.calls[-1] == (hook, *([7] if numbered else []), ["loss"])


def expensive():
    raise AssertionError("nobody asked")


def test_logs_are_not_worked_out_when_nobody_looks():
    run = CallbackList([History()], add_progbar=False)
    run.after_batch("train", 0, expensive)
    run = CallbackList([LambdaCallback(on_train_batch_end=lambda batch, logs: None)])
    with pytest.raises(AssertionError, match="nobody asked"):
        run.after_batch("train", 0, expensive)


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        ReduceLROnPlateau(),
        LearningRateScheduler(lambda epoch: 0.1),
        ModelCheckpoint("m.keras"),
        BackupAndRestore("backup"),
        CSVLogger("log.csv"),
        RemoteMonitor(),
        SwapEMAWeights(),
        TensorBoard(),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_callbacks_of_epochs_cost_a_batch_nothing(callback):
    run = CallbackList([callback])
    for kind in ("train", "test", "predict"):
        run.before_batch(kind, 0)
        run.after_batch(kind, 0, expensive)


def test_a_hook_that_a_subclass_overrides_is_called():
    class Mine(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            seen.append(batch)

    seen = []
    CallbackList([Mine("m.keras")]).after_batch("train", 7, dict)
    assert seen == [7]


def test_a_hook_may_be_set_when_training_begins():
    class Late(Callback):
        def on_train_begin(self, logs=None):
            self.on_train_batch_end = lambda batch, logs: seen.append(batch)

    seen = []
    compiled().fit(X, Y, batch_size=3, verbose=0, callbacks=Late())
    assert seen == [0, 1]


def test_a_callback_list_is_taken_as_it_is(capsys):
    recorder, model = Recorder(), compiled()
    run = CallbackList([[recorder], {"bar": ProgbarLogger()}], verbose=2, epochs=1, steps=1)
    history = model.fit(X, Y, verbose=0, callbacks=run)
    assert recorder.params == {"verbose": 2, "epochs": 1, "steps": 1}
    assert recorder.model is model
    assert capsys.readouterr().out.startswith("1/1 - ")
    assert history is run.history is model.history
    assert history.epoch == [0]
    assert [type(c) for c in run.callbacks] == [Recorder, ProgbarLogger, History]
    assert model.fit(X, Y, verbose=0, callbacks=[run]) is not history  # one of several callbacks


def test_callbacks_without_the_base_constructor():
    class Bare(Callback):
        def __init__(self):
            pass

        def on_train_end(self, logs=None):
            seen.append((self.model, self.params["epochs"]))

    seen, model = [], compiled()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Bare()])
    assert seen == [(model, 2)]


def test_evaluation_and_prediction_can_be_stopped():
    def stop(batch, logs):
        model.stop_evaluating = model.stop_predicting = batch == 1

    model = compiled()
    model.set_weights([[[1.0]], [0.0]])
    x = np.arange(5.0)[:, np.newaxis]
    callback = LambdaCallback(on_test_batch_end=stop, on_predict_batch_end=stop)
    assert model.evaluate(x, 0 * x, 1, verbose=0, callbacks=callback) == 0.5
    assert model.predict(x, 2, verbose=0, callbacks=callback).tolist() == [[0], [1], [2], [3]]
    assert model.evaluate(x, 0 * x, 1, verbose=0) == 6


@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2, True, False])
def test_verbose(verbose):
    assert standardize_verbose(verbose) in (0, 1, 2)


@pytest.mark.parametrize("verbose", ["loud", 3, -1, None, [1]], ids=str)
def test_verbose_of_something_else(verbose):
    with pytest.raises(ValueError, match="verbose must be 0, 1, 2 or 'auto'"):
        standardize_verbose(verbose)


def test_the_progress_bar_can_be_given(capsys):
    compiled().fit(X, Y, verbose=2, callbacks=[ProgbarLogger()])
    out = capsys.readouterr().out
    assert out.count("1/1") == 1
    assert "loss: " in out
    compiled().fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_the_bar_knows_the_steps_after_the_first_epoch(capsys):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 2, "epochs": 2, "steps": None})
    for epoch in range(2):
        logger.on_epoch_begin(epoch)
        assert logger.bar.target == (3 if epoch else None)
        for batch in range(3):
            logger.on_train_batch_end(batch, {"loss": 1.0})
        logger.on_epoch_end(epoch, {"loss": 1.0})
    assert capsys.readouterr().out.count("3/3 - ") == 2


# --- what the callbacks do


def logged(values, name="val_loss"):
    """Return a callback that puts a value into the logs of each epoch."""
    return LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({name: values[epoch]}))


def run(callback, values, **options):
    """Return the model and history of a fit in which the validation loss has these values."""
    model = compiled(**options)
    callbacks = [logged(values), callback]
    return model, model.fit(X, Y, epochs=len(values), verbose=0, callbacks=callbacks)


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({}, 3),  # the third value is the first that is not better
        ({"patience": 1}, 3),
        ({"patience": 2}, 6),
        ({"patience": 3}, 8),
        ({"mode": "max"}, 2),
        ({"mode": "max", "patience": 4}, 5),
        ({"min_delta": 0.15, "patience": 2}, 6),
        ({"min_delta": 0.25, "patience": 2}, 3),
        ({"start_from_epoch": 3}, 5),
        ({"baseline": 0.5, "patience": 2}, 3),
        ({"baseline": 1.0, "patience": 2}, 6),
    ],
)
def test_early_stopping(options, epochs):
    values = [0.9, 0.7, 0.8, 0.5, 0.6, 0.6, 0.4, 0.4]
    stop = EarlyStopping(**options)
    model, history = run(stop, values)
    assert len(history.epoch) == epochs
    assert stop.stopped_epoch == (epochs - 1 if epochs < len(values) else 0)
    assert model.stop_training == (epochs < len(values))


def test_early_stopping_restores_the_best_weights(capsys):
    stop = EarlyStopping(patience=9, restore_best_weights=True, verbose=1)
    kept = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    model = compiled()
    values = [0.5, 0.3, 0.4, float("nan")]
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[logged(values), keep, stop])
    assert (stop.best, stop.best_epoch, stop.wait, stop.stopped_epoch) == (0.3, 1, 2, 0)
    for found, expected in zip(model.get_weights(), kept[1], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert capsys.readouterr().out == (
        "Restoring model weights from the end of the best epoch: 2.\n"
    )
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[logged([0.9]), stop])
    assert stop.best == 0.9  # a new fit knows nothing of the last


def test_the_direction_comes_from_the_metric():
    class Score(Metric):
        _direction = "up"

        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return 0.0

        def reset_state(self):
            pass

    for monitor, better in (("score", np.greater), ("val_score", np.greater), ("mae", np.less)):
        stop = EarlyStopping(monitor, patience=9)
        model = compiled(metrics=[Score(name="score"), "mae"])
        model.fit(X, Y, verbose=0, callbacks=[stop], validation_data=(X, Y))
        assert stop.monitor_op is better
    for cls in (EarlyStopping, ReduceLROnPlateau):
        with pytest.raises(
            ValueError, match=rf"{cls.__name__} received monitor='other'.*mode='max'"
        ):
            compiled().fit(X, Y, verbose=0, callbacks=[cls("other")])


def test_a_monitor_that_the_logs_lack():
    with pytest.warns(UserWarning, match="conditioned on metric `val_loss` .*: loss$"):
        compiled().fit(X, Y, verbose=0, callbacks=[EarlyStopping()])
    with pytest.warns(UserWarning, match="on metric `val_loss` .*: loss,learning_rate$"):
        compiled().fit(X, Y, verbose=0, callbacks=[ReduceLROnPlateau()])
    with pytest.warns(UserWarning, match="mode 'upwards' is unknown, so 'auto' is used"):
        EarlyStopping(mode="upwards")


def test_reduce_lr_on_plateau(capsys):
    slow = ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.003, verbose=1)
    values = [0.5, 0.5, 0.5, 0.5, 0.5, 0.49995, 0.4, 0.4, 0.4, 0.4]
    model, history = run(slow, values)
    rates = [0.01] * 3 + [0.005] * 2 + [0.003] * 5
    # A rate is logged before it is reduced; an improvement of less than min_delta is none.
    np.testing.assert_allclose(history.history["learning_rate"], rates, rtol=1e-6)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "",
        "Epoch 3: ReduceLROnPlateau reducing learning rate to 0.004999999888241291.",
    ]
    assert model.optimizer.learning_rate == np.float32(0.003)
    with pytest.raises(ValueError, match=r"a factor less than 1\.0\. Received: factor=1\.5"):
        ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match="epsilon"):
        ReduceLROnPlateau(epsilon=1e-3)


def test_learning_rate_scheduler(capsys):
    schedule = LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
    model = compiled()
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[schedule])
    np.testing.assert_allclose(history.history["learning_rate"], [0.005, 0.0025], rtol=1e-6)
    assert capsys.readouterr().out == (
        "\nEpoch 1: LearningRateScheduler setting learning rate to 0.004999999888241291.\n"
        "\nEpoch 2: LearningRateScheduler setting learning rate to 0.0024999999441206455.\n"
    )


@pytest.mark.parametrize("value", [None, True, "0.1", [0.1]], ids=repr)
def test_a_schedule_must_return_a_number(value):
    callback = LearningRateScheduler(lambda epoch: value)
    with pytest.raises(ValueError, match="expected a number from its schedule"):
        compiled().fit(X, Y, verbose=0, callbacks=[callback])


def test_an_error_in_a_schedule_is_not_taken_for_one_of_its_arguments():
    def schedule(epoch, rate):
        return rate + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        compiled().fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(schedule)])


def test_a_rate_that_follows_a_schedule_cannot_be_set():
    model = compiled()
    model.optimizer.learning_rate = schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(TypeError, match="follows a schedule"):
        model.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.1)])


def test_terminate_on_nan(capsys):
    x = X.copy()
    x[3] = np.inf
    model = compiled()  # its warning that training goes on would be an error here
    history = model.fit(x, Y, 1, shuffle=False, epochs=9, verbose=0, callbacks=[TerminateOnNaN()])
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"
    assert history.epoch == [0]
    assert model.optimizer.iterations == 4
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0: loss=inf"):
        model.fit(x, Y, 1, verbose=0, callbacks=[TerminateOnNaN(raise_error=True)])


def test_swap_ema_weights():
    def look(*args):
        seen.append(float(model.get_weights()[0][0, 0]))

    seen, model = (
        [],
        Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")]),
    )
    model.compile(SGD(0.5, use_ema=True, ema_momentum=0.5), "mse")
    # The kernel is 0, then 1, 1, 1, ... but its average 1, (1 + 1) / 2, ...
    x = np.ones((1, 1))
    kwargs = {"verbose": 0, "callbacks": [SwapEMAWeights()]}
    for target in (1, 3, 5):
        model.train_on_batch(x, target * x)
    average = ((1 + 3) / 2 + 5) / 2
    assert model.get_weights()[0].item() == 5
    assert model.evaluate(x, 5 * x, **kwargs) == (5 - average) ** 2
    assert model.predict(x, **kwargs).item() == average
    assert model.get_weights()[0].item() == 5
    callbacks = [SwapEMAWeights(swap_on_epoch=True), LambdaCallback(on_epoch_end=look)]
    model.fit(x, 7 * x, verbose=0, epochs=2, callbacks=callbacks)
    assert seen == [(average + 7) / 2, ((average + 7) / 2 + 7) / 2]
    assert model.get_weights()[0].item() == seen[1]


@pytest.mark.parametrize("optimizer", ["sgd", SGD(use_ema=True)], ids=["none", "not yet"])
def test_swap_ema_weights_without_an_average(optimizer):
    model = Sequential([Input((1,)), Dense(1)])
    model.compile(optimizer, "mse")
    with pytest.raises(ValueError, match="SwapEMAWeights expected an optimizer with use_ema=True"):
        model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


# --- files and servers


@contextlib.contextmanager
def posts():
    """Run a server that keeps the POST requests it gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            request = {"path": self.path, "headers": dict(self.headers), "body": body}
            server.requests.append(request)
            self.send_response(404)
            self.end_headers()

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        server = SimpleNamespace(url=f"http://127.0.0.1:{httpd.server_port}/", requests=[])
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            httpd.shutdown()
            thread.join()


def test_csv_logger(tmp_path):
    def read(epoch, logs):
        seen.append(path.read_bytes())

    seen, path = [], tmp_path / "log.csv"
    callbacks = [CSVLogger(path), LambdaCallback(on_epoch_end=read)]
    model = compiled()
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks).history["loss"]
    lines = ["epoch,loss,val_loss\r\n", *(f"{i},{v!r},NA\r\n" for i, v in enumerate(history))]
    assert seen == ["".join(lines[:2]).encode(), "".join(lines).encode()]
    model.fit(X, Y, verbose=0, callbacks=[CSVLogger(path, append=True)])
    assert len(path.read_bytes().splitlines()) == 4
    model.fit(X, Y, verbose=0, callbacks=[CSVLogger(path, separator="\t")])
    assert path.read_bytes().startswith(b"epoch\tloss\tval_loss\r\n0\t")
    with pytest.raises(FileNotFoundError):
        model.fit(X, Y, verbose=0, callbacks=[CSVLogger(tmp_path / "no" / "log.csv")])


def test_remote_monitor_sends_each_epoch():
    with posts() as server:
        callback = RemoteMonitor(server.url, "publish/", field="log", headers={"X-Key": "42"})
        compiled().fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
        first, second = server.requests
        assert first["path"] == "/publish/"
        assert first["headers"]["X-Key"] == "42"
        assert first["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
        assert list(json.loads(parse_qs(first["body"])["log"][0])) == ["epoch", "loss"]
        assert json.loads(parse_qs(second["body"])["log"][0])["epoch"] == 1
        callback = RemoteMonitor(server.url, send_as_json=True)
        callback.on_epoch_end(3, {"loss": np.float32(0.5), "parts": np.array([1.0, 2.0])})
        assert json.loads(server.requests[-1]["body"]) == {
            "epoch": 3,
            "loss": 0.5,
            "parts": [1.0, 2.0],
        }


def test_remote_monitor_of_a_server_that_is_not_there(monkeypatch):
    with posts() as server:
        pass
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at"):
        RemoteMonitor(server.url).on_epoch_end(0, {"loss": 1.0})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(records, "_TIMEOUT", 0.05)
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.warns(UserWarning, match="Could not reach RemoteMonitor.*timed out"):
            RemoteMonitor(root).on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ValueError, match="Expected a root such as"):
        RemoteMonitor("file:///etc")


def test_event_files_are_tensorflow_s_byte_for_byte(tmp_path, monkeypatch):
    # A record that TensorFlow 2.21 wrote for Keras's callback.
    record = bytes.fromhex(
        "34000000000000005e33175c09d61c2ba8ebc0da4110022a270a250a0a62617463685f6c6f7373420a0801120022"
        "04d7608a414a0b0a090a077363616c6172736508a869"
    )
    (now,) = struct.unpack("<d", bytes.fromhex("d61c2ba8ebc0da41"))
    monkeypatch.setattr(events.time, "time", lambda: now)
    (value,) = struct.unpack("<f", bytes.fromhex("d7608a41"))
    file = events.EventFile(str(tmp_path / "train"))
    file.scalars(2, {"batch_loss": value})
    assert Path(file.path).read_bytes().endswith(record)
    name = rf"events\.out\.tfevents\.{now:.0f}\.{socket.gethostname()}\.{os.getpid()}\.\d+\.v2"
    assert re.fullmatch(name, os.path.basename(file.path))
    file.scalars(3, {"huge": 1e300, "nan": float("nan")})  # what float32 cannot hold is infinite


def test_tensorboard_takes_up_no_space_for_what_it_does_not_write(tmp_path):
    model = compiled()
    board = TensorBoard(tmp_path, write_graph=False)
    model.fit(X, Y, 1, epochs=2, verbose=0, callbacks=[board])
    assert [p.name for p in tmp_path.iterdir()] == ["train"]
    (file,) = (tmp_path / "train").iterdir()
    assert file.read_bytes().count(b"epoch_loss") == 2
    assert b"batch_loss" not in file.read_bytes()
    board = TensorBoard(str(tmp_path / "other"), update_freq="batch", write_graph=False)
    model.fit(X, Y, 1, verbose=0, callbacks=[board])
    (file,) = (tmp_path / "other" / "train").iterdir()
    assert file.read_bytes().count(b"batch_loss") == 5


def test_tensorboard_writes_the_graph_of_models_that_have_a_config(tmp_path):
    class Named(Dense):
        def __init__(self, units, extra):
            super().__init__(units)

        def get_config(self):
            raise NotImplementedError("no config")

    model = compiled()
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "a")])
    (file,) = (tmp_path / "a" / "train").iterdir()
    assert model.to_json().encode() in file.read_bytes()
    model = Sequential([Input((1,)), Named(1, 2)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="no JSON for TensorBoard to draw: no config"):
        model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "b")])
    (file,) = (tmp_path / "b" / "train").iterdir()
    assert b"epoch_loss" in file.read_bytes()


@pytest.mark.parametrize(
    "option",
    [
        {"histogram_freq": 1},
        {"write_images": True},
        {"profile_batch": (2, 3)},
        {"embeddings_freq": 1},
        {"embeddings_metadata": "m.tsv"},
    ],
    ids=lambda option: next(iter(option)),
)
def test_options_of_tensorboard_that_are_not_supported(option):
    (name, value), *_ = option.items()
    text = f"scalars and the graph only. Received: {name}={value!r}"
    with pytest.raises(ValueError, match=re.escape(text)):
        TensorBoard("logs", **option)


def test_a_callback_that_is_not_supported():
    with pytest.raises(NotImplementedError, match="OrbaxCheckpoint is not supported, because"):
        from scratchnn.callbacks import OrbaxCheckpoint  # noqa: F401
