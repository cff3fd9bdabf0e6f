"""Callbacks: which hooks are called, when, with what; History; and what hooks may do."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from scratchnn import Input, Sequential
from scratchnn.callbacks import (
    Callback,
    CallbackList,
    History,
    LambdaCallback,
    ProgbarLogger,
    standardize_verbose,
)
from scratchnn.layers import Dense

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


def test_logs_are_not_worked_out_when_nobody_looks():
    def expensive():
        raise AssertionError("nobody asked")

    run = CallbackList([History()], add_progbar=False)
    run.after_batch("train", 0, expensive)
    run = CallbackList([LambdaCallback(on_train_batch_end=lambda batch, logs: None)])
    with pytest.raises(AssertionError, match="nobody asked"):
        run.after_batch("train", 0, expensive)


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
