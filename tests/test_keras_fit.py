"""Whole trainings from the same seed give what Keras gives: weights, orders, logs, calls, results.

Each program runs with both libraries from the seed alone. Initial weights, the order of the
samples, dropout masks, names, keys and the calls of callbacks must be equal. Numbers are compared
relative to the largest of their tensor or list, to 3e-6: the rounding of some dozens of steps, each
of which starts from the last one's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from twins import both, close_all, equal_weights, seed_both, twins

import scratchnn
from scratchnn.random import EpochOrder

MANY_STEPS = 3e-6

RNG = np.random.default_rng(1958)
X = RNG.normal(size=(30, 4)).astype("float32")
LABELS = RNG.integers(0, 3, 30)
NUMBERS = RNG.normal(2.0, 1.0, size=(30, 1)).astype("float32")
WEIGHTS = RNG.uniform(0, 2, 30).astype("float32")
X_NEW, LABELS_NEW = RNG.normal(size=(11, 4)), RNG.integers(0, 3, 11)
WEIGHTS_NEW = RNG.uniform(0, 2, 11)


def classifier(k: Any, graph: bool = False, **options: Any) -> Any:
    """Return a small model with dropout, to be trained on LABELS."""
    L = k.layers
    model = k.Sequential(
        [k.Input((4,)), L.Dense(16, "relu"), L.Dropout(0.3), L.Dense(3, "softmax")]
    )
    options = {"optimizer": "adam", "metrics": ["accuracy"], **options}
    model.compile(loss="sparse_categorical_crossentropy", run_eagerly=not graph, **options)
    return model


def regressor(k: Any, loss: Any = "mse", **options: Any) -> Any:
    """Return a small model to be trained on NUMBERS."""
    model = k.Sequential([k.Input((4,)), k.layers.Dense(5, "tanh"), k.layers.Dense(1)])
    model.compile(options.pop("optimizer", "sgd"), loss, run_eagerly=True, **options)
    return model


HOOKS = [
    f"on_{kind}_{when}"
    for kind in ("train", "epoch", "train_batch", "test", "test_batch", "predict", "predict_batch")
    for when in ("begin", "end")
]


def recorder(k: Any, **stops: int) -> Any:
    """Return a callback that notes each call of a hook, its number, and the keys of its logs.

    `stops` says at which number of which hook the training is to stop.
    """

    class Recorder(k.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[Any] = []
            self.numbers: list[float] = []

    def hook(name: str) -> Callable[..., None]:
        def call(self: Any, *arguments: Any, **keywords: Any) -> None:
            arguments += tuple(keywords.values())
            assert set(keywords) <= {"logs"}
            number = arguments[0] if isinstance(arguments[0], int) else None
            logs = arguments[-1] or {}
            assert all(type(v) is float for k, v in logs.items() if k != "outputs")
            self.calls.append((name, number, list(logs)))
            self.numbers += [v for k, v in logs.items() if k != "outputs"]
            if name in stops and number == stops[name]:
                self.model.stop_training = True

        return call

    for name in HOOKS:
        setattr(Recorder, name, hook(name))
    return Recorder()


def results(model: Any, history: Any, watch: Any = None) -> dict[str, Any]:
    """Return what can be compared after a fit."""
    found = {
        "exact": [history.epoch, history.params, list(history.history), model.stop_training],
        "history": dict(history.history),
        "weights": model.get_weights(),
        "iterations": [int(model.optimizer.iterations)],
    }
    if watch is not None:
        found["exact"] += [watch.calls, watch.params]
        found["numbers"] = [np.array(watch.numbers)]
    assert history is model.history
    assert all(type(value) is float for values in history.history.values() for value in values)
    return found


def same_results(program: Callable[[Any], dict[str, Any]], seed: int = 7) -> dict[str, Any]:
    """Run a program with both libraries, compare what it returns; return scratchnn's."""
    ours, theirs = both(program, seed)
    assert ours.pop("exact") == theirs.pop("exact")
    close_all(ours, theirs, MANY_STEPS)
    return ours


# --- Fits

FITS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "partial last batch": {"batch_size": 8, "epochs": 3},
    "one batch": {"batch_size": 64, "epochs": 2},
    "not shuffled": {"batch_size": 8, "epochs": 2, "shuffle": False},
    "shuffled in batches": {"batch_size": 8, "epochs": 2, "shuffle": "batch"},
    "validation_split": {"batch_size": 8, "epochs": 2, "validation_split": 0.3},
    "validation_split and weights": {
        "epochs": 2,
        "validation_split": 0.25,
        "sample_weight": WEIGHTS,
    },
    "validation_data": {"epochs": 2, "validation_data": (X_NEW, LABELS_NEW)},
    "validation_data, batches": {
        "epochs": 2,
        "validation_data": (X_NEW, LABELS_NEW),
        "validation_batch_size": 4,
        "batch_size": 16,
    },
    "validation_data with weights": {
        "batch_size": 8,
        "epochs": 2,
        "validation_data": (X_NEW, LABELS_NEW, WEIGHTS_NEW),
    },
    "validation_data in a list": {"validation_data": [X_NEW, LABELS_NEW], "batch_size": 5},
    "validation_steps": {
        "epochs": 2,
        "validation_data": (X_NEW, LABELS_NEW),
        "validation_steps": 2,
        "validation_batch_size": 4,
    },
    "validation_freq": {"epochs": 5, "validation_split": 0.2, "validation_freq": 2},
    "validation_freq list": {"epochs": 4, "validation_split": 0.2, "validation_freq": [1, 4]},
    "sample_weight": {"batch_size": 8, "epochs": 2, "sample_weight": WEIGHTS},
    "class_weight": {"batch_size": 8, "epochs": 2, "class_weight": {0: 0.2, 2: 4.0}},
    "initial_epoch": {"batch_size": 8, "initial_epoch": 2, "epochs": 4},
    "no epochs left": {"initial_epoch": 4, "epochs": 4},
    "steps_per_epoch": {"batch_size": 8, "epochs": 3, "steps_per_epoch": 2},
    "steps_per_epoch, all": {"batch_size": 8, "epochs": 3, "steps_per_epoch": 4},
    "steps_per_epoch running over": {"batch_size": 8, "epochs": 4, "steps_per_epoch": 3},
    "steps_per_epoch too many": {"batch_size": 8, "epochs": 2, "steps_per_epoch": 9},
    "steps_per_epoch without batch_size": {"epochs": 2, "steps_per_epoch": 4},
}


@pytest.mark.parametrize("name", FITS)
def test_fits(name: str) -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = classifier(k, weighted_metrics=["accuracy"]), recorder(k)
        history = model.fit(X, LABELS, verbose=0, callbacks=[watch], **FITS[name])
        return results(model, history, watch)

    same_results(program)


@pytest.mark.parametrize("name", ["partial last batch", "validation_split", "class_weight"])
def test_fits_in_a_graph(name: str) -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = classifier(k, graph=True), recorder(k)
        history = model.fit(X, LABELS, verbose=0, callbacks=watch, **FITS[name])
        return results(model, history, watch)

    same_results(program)


def test_fit_after_fit() -> None:
    def program(k: Any) -> dict[str, Any]:
        model = classifier(k)
        found: dict[str, Any] = {"exact": []}
        for number, options in enumerate(
            [
                {"epochs": 2},
                {"epochs": 4, "initial_epoch": 2},
                {"epochs": 1, "batch_size": 7, "shuffle": False},
                {"epochs": 2, "validation_split": 0.5},
            ]
        ):
            history = model.fit(X, LABELS, verbose=0, **options)
            one = results(model, history)
            found["exact"].append(one.pop("exact"))
            found |= {f"{key} {number}": value for key, value in one.items()}
        return found

    same_results(program)


@pytest.mark.parametrize(
    ("hook", "number"),
    [
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_epoch_begin", 1),
        ("on_epoch_end", 0),
        ("on_test_batch_end", 0),
    ],
)
def test_stop_training(hook: str, number: int) -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = classifier(k), recorder(k, **{hook: number})
        history = model.fit(
            *(X, LABELS, 8), epochs=3, verbose=0, callbacks=[watch], validation_split=0.3
        )
        return results(model, history, watch)

    same_results(program)


def test_callbacks_change_training() -> None:
    def program(k: Any) -> dict[str, Any]:
        class Meddler(k.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.model.optimizer.learning_rate = 0.1 / (epoch + 1)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                logs["my_own"] = float(epoch)
                if epoch == 1:
                    self.model.set_weights([w * 0.5 for w in self.model.get_weights()])

        lines: list[str] = []
        watcher = k.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: lines.append(f"{epoch} {sorted(logs)}"),
            on_train_end=lambda logs: lines.append(f"end {sorted(logs)}"),
        )
        model = classifier(k, optimizer="sgd")
        history = model.fit(X, LABELS, epochs=4, verbose=0, callbacks=[Meddler(), watcher])
        found = results(model, history)
        found["exact"] += lines
        return found

    same_results(program)


@pytest.mark.parametrize(
    "options",
    [
        {"use_ema": True, "ema_momentum": 0.5},
        {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 3, "clipnorm": 0.1},
    ],
    ids=str,
)
def test_options_of_optimizers_in_fit(options: dict[str, Any]) -> None:
    """At its end, fit puts the average in the place of the weights."""

    def program(k: Any) -> dict[str, Any]:
        model = classifier(k, optimizer=k.optimizers.Adam(0.01, **options))
        history = model.fit(X, LABELS, 8, epochs=2, verbose=0, validation_split=0.3)
        found = results(model, history)
        model.fit(X, LABELS, 8, epochs=1, verbose=0)
        return found | {"again": model.get_weights()}

    same_results(program)


def test_older_names_of_hooks() -> None:
    def program(k: Any) -> dict[str, Any]:
        calls: list[Any] = []

        class Older(k.callbacks.Callback):  # type: ignore[misc]
            def on_batch_begin(self, batch: int, logs: Any = None) -> None:
                calls.append(("begin", batch, list(logs or {})))

            def on_batch_end(self, batch: int, logs: Any = None) -> None:
                calls.append(("end", batch, list(logs or {})))

        model = classifier(k)
        model.fit(X, LABELS, 8, epochs=2, verbose=0, callbacks=Older(), validation_split=0.3)
        model.evaluate(X, LABELS, verbose=0, callbacks=Older())
        return {"exact": calls}

    same_results(program)


def test_steps_per_execution() -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = classifier(k, graph=True, steps_per_execution=3), recorder(k)
        options = {"batch_size": 4, "verbose": 0, "callbacks": [watch]}
        history = model.fit(X, LABELS, epochs=2, validation_split=0.4, **options)
        sizes: list[int] = []
        sizer = k.callbacks.LambdaCallback(
            on_predict_batch_end=lambda batch, logs: sizes.append(len(logs["outputs"]))
        )
        model.evaluate(X, LABELS, **options)
        model.predict(X, **options | {"callbacks": [watch, sizer]})
        found = results(model, history, watch)
        found["exact"] += sizes
        return found

    same_results(program)


# --- Seeds: orders and masks


def spy(k: Any, n: int) -> tuple[Any, list[Any]]:
    """Return a model and the list of batches that its training steps are given."""
    seen: list[Any] = []

    class Spy(k.Sequential):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            seen.append(np.array(data[0]).ravel().astype(int).tolist())
            return super().train_step(data)

    model = Spy([k.Input((1,)), k.layers.Dense(1)])
    model.compile(k.optimizers.SGD(0.0), "mse", run_eagerly=True)
    return model, seen


@pytest.mark.parametrize(
    ("seed", "n", "batch_size"),
    [(0, 10, 3), (42, 100, 32), (2**31 - 1, 20, 7), (2**31 + 5, 1000, 100), (3, 1, 1)],
)
@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_batches_are_the_same(seed: int, n: int, batch_size: int, shuffle: bool | str) -> None:
    x = np.arange(n, dtype="float32")
    options = {"batch_size": batch_size, "shuffle": shuffle, "verbose": 0}

    def program(k: Any) -> Any:
        model, seen = spy(k, n)
        model.fit(x, x, epochs=2, **options)
        if n == 100:
            model.fit(x, x, epochs=2, **options)
            model.fit(x, x, epochs=1, validation_split=0.5, **options)
        return seen

    ours, theirs = both(program, seed)
    assert ours == theirs
    seed_both(seed)
    order = EpochOrder(n, batch_size, shuffle).next().tolist()
    steps = -(-n // batch_size)
    assert [sample for batch in theirs[:steps] for sample in batch] == order
    assert sorted(order) == list(range(n))


def test_unseeded_epochs_differ() -> None:
    """Without a seed there is nothing to compare but that each epoch has an order of its own."""
    from scratchnn.random import set_global_seed

    x = np.arange(50, dtype="float32")
    set_global_seed(None)
    model, seen = spy(scratchnn, 50)
    model.fit(x, x, batch_size=50, epochs=3, verbose=0)
    assert all(sorted(batch) == list(range(50)) for batch in seen)
    assert len({tuple(batch) for batch in seen}) == 3


def test_dropout_masks_go_on_across_fits() -> None:
    def program(k: Any) -> list[np.ndarray]:
        model = classifier(k)
        dropout, x = model.layers[1], np.ones((4, 16), "float32")
        masks = [np.asarray(dropout(x, training=True))]
        model.fit(X, LABELS, epochs=2, verbose=0)
        masks.append(np.asarray(dropout(x, training=True)))
        model.evaluate(X, LABELS, verbose=0)
        model.predict(X, verbose=0)
        masks.append(np.asarray(dropout(x, training=True)))
        model.train_on_batch(X, LABELS)
        model.test_on_batch(X, LABELS)
        masks += [np.asarray(dropout(x, training=True)), np.asarray(dropout(x))]
        return masks

    ours, theirs = both(program)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_uniform", "random_uniform", "ones"])
@pytest.mark.parametrize("seed", [0, 1337, 2**32 - 1])
def test_initial_weights(initializer: str, seed: int) -> None:
    def build(k: Any) -> Any:
        L = k.layers
        return k.Sequential(
            [
                L.Flatten(input_shape=(28, 28)),
                L.Dense(128, kernel_initializer=initializer),
                L.Dropout(0.2),
                L.Dense(64, bias_initializer="uniform"),
                L.Dense(10, kernel_initializer=k.initializers.GlorotUniform(seed=3)),
            ]
        )

    equal_weights(*twins(build, seed))


# --- evaluate, predict, and single batches

RESULTS: dict[str, dict[str, Any]] = {
    "no metrics": {},
    "one": {"metrics": ["mae"]},
    "several": {"metrics": ["mse", "accuracy", "mae"], "weighted_metrics": ["mae"]},
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_evaluate_and_single_batches(name: str) -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = regressor(k, **RESULTS[name]), recorder(k)
        y, w = NUMBERS, WEIGHTS
        values = [
            model.evaluate(X, y, verbose=0, callbacks=[watch]),
            model.evaluate(X, y, batch_size=8, verbose=0, sample_weight=w, callbacks=[watch]),
            model.evaluate(X, y, verbose=0, return_dict=True),
            model.evaluate(X, y, batch_size=8, steps=2, verbose=0),
            model.train_on_batch(X[:7], y[:7]),
            model.train_on_batch(X[:7], y[:7], sample_weight=w[:7]),
            model.train_on_batch(X[:7], y[:7], return_dict=True),
            model.test_on_batch(X, y),
            model.test_on_batch(X, y, sample_weight=w),
            model.test_on_batch(X, y, return_dict=True),
        ]
        dicts = [v for v in values if isinstance(v, dict)]
        numbers = [v if isinstance(v, list) else [v] for v in values if not isinstance(v, dict)]
        assert all(isinstance(value, float) for values in numbers for value in values)
        return {
            "exact": [[type(v).__name__ for v in values], watch.calls, watch.params],
            "lists": numbers,
            "dicts": dicts,
            "numbers": [np.array(watch.numbers)],
            "weights": model.get_weights(),
        }

    same_results(program)


def test_results_of_predict() -> None:
    def program(k: Any) -> dict[str, Any]:
        model, watch = regressor(k), recorder(k)
        before = model.predict(X, verbose=0, callbacks=[watch])
        outputs = [
            before,
            model.predict(X, batch_size=8, verbose=0, callbacks=[watch]),
            model.predict(X, batch_size=4, steps=3, verbose=0),
            model.predict(X.astype("float64"), verbose=0),
            model.predict_on_batch(X[:3]),
            np.asarray(model(X[:3])),
            np.asarray(model(X[:3], training=True)),
            model(X[:3]).numpy(),
        ]
        model.fit(X, NUMBERS, epochs=2, verbose=0)
        outputs.append(model.predict(X, verbose=0))
        return {"exact": [watch.calls, watch.params], "outputs": outputs}

    same_results(program)


def test_predict_without_compile() -> None:
    def program(k: Any) -> dict[str, Any]:
        unbuilt = k.Sequential([k.layers.Dense(3, "tanh"), k.layers.Dense(2, "softmax")])
        made = [unbuilt.predict(X, verbose=0), unbuilt.predict(X[:2], verbose=0)]
        return {"exact": unbuilt.compiled, "outputs": made}

    same_results(program)


SHAPES: dict[str, tuple[Callable[[Any], list[Any]], tuple[int, ...]]] = {
    "a row for a column": (lambda k: [k.layers.Dense(1, input_shape=[1])], (6,)),
    "images without channels": (
        lambda k: [k.Input((3, 2, 1)), k.layers.Flatten(), k.layers.Dense(1)],
        (6, 3, 2),
    ),
    "images with a channel": (
        lambda k: [k.Input((3, 2)), k.layers.Flatten(), k.layers.Dense(1)],
        (6, 3, 2, 1),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_inputs_that_lack_an_axis_or_have_one_too_many(name: str) -> None:
    layers, shape = SHAPES[name]
    x = np.linspace(-1, 1, int(np.prod(shape)), dtype="float32").reshape(shape)
    y = np.linspace(0, 2, 6, dtype="float32")

    def program(k: Any) -> dict[str, Any]:
        model = k.Sequential(layers(k))
        model.compile("sgd", "mse", run_eagerly=True)
        history = model.fit(x, y, epochs=2, verbose=0)
        found = results(model, history)
        found["outputs"] = [model.predict(x, verbose=0), np.asarray(model(x))]
        return found

    same_results(program)


# --- compile: forms, names, what is kept

LOSS_FORMS: dict[str, Callable[[Any], Any]] = {
    "mse": lambda k: "mse",
    "MSE": lambda k: "MSE",
    "snake": lambda k: "mean_squared_error",
    "camel": lambda k: "MeanSquaredError",
    "function": lambda k: k.losses.mean_squared_error,
    "object": lambda k: k.losses.MeanSquaredError(),
    "named object": lambda k: k.losses.MeanSquaredError(name="mine", reduction="sum"),
    "list": lambda k: ["mae"],
}


@pytest.mark.parametrize("form", LOSS_FORMS)
def test_forms_of_losses(form: str) -> None:
    def program(k: Any) -> dict[str, Any]:
        model = k.Sequential([k.Input((4,)), k.layers.Dense(1, name="out")])
        model.compile(loss=LOSS_FORMS[form](k), run_eagerly=True)
        values = [model.train_on_batch(X, NUMBERS), model.train_on_batch(X, NUMBERS)]
        values.append(model.test_on_batch(X, NUMBERS))
        return {"exact": [], "values": values, "weights": model.get_weights()}

    same_results(program)


def largest_error(y_true: Any, y_pred: Any) -> Any:
    """A metric of one's own, in operations that NumPy arrays and tensors share."""
    return abs(y_true - y_pred) ** 3


METRIC_FORMS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "strings": lambda k: {"metrics": ["mae", "MSE", "mean_squared_error", "RootMeanSquaredError"]},
    "tuple": lambda k: {"metrics": ("mae", "mse")},
    "nested list": lambda k: {"metrics": [["mae", "mse"]]},
    "dict": lambda k: {"metrics": {"out": ["mae", "mse"]}},
    "dict of one": lambda k: {"metrics": {"out": "mae"}},
    "empty": lambda k: {"metrics": []},
    "functions": lambda k: {
        "metrics": [k.losses.mean_absolute_error, k.metrics.mean_squared_error]
    },
    "own function": lambda k: {"metrics": [largest_error], "weighted_metrics": [largest_error]},
    "objects": lambda k: {
        "metrics": [k.metrics.MeanSquaredError(), k.metrics.MeanAbsoluteError(name="mine")]
    },
    "losses": lambda k: {"metrics": [k.losses.MeanAbsoluteError(), k.losses.MeanSquaredError()]},
    "accuracies": lambda k: {"metrics": ["accuracy", "acc", "Accuracy", "ACC"]},
    "accuracy objects": lambda k: {
        "metrics": [k.metrics.BinaryAccuracy(threshold=0.7), "binary_accuracy"]
    },
    "duplicates": lambda k: {"metrics": ["mae", "mae", "mse", "mae"]},
    "weighted": lambda k: {"weighted_metrics": ["mae", "mse"]},
    "weighted duplicates": lambda k: {"metrics": ["mae", "mse"], "weighted_metrics": ["mae"]},
    "more weighted duplicates": lambda k: {
        "metrics": ["mae", "mae"],
        "weighted_metrics": ["mae", "mae", "mse"],
    },
    "order": lambda k: {"metrics": [k.metrics.MeanSquaredError(name="zz"), "mae"]},
    "called loss": lambda k: {"metrics": [k.metrics.MeanAbsoluteError(name="a")]},
}


@pytest.mark.parametrize("form", METRIC_FORMS)
def test_forms_of_metrics(form: str) -> None:
    def program(k: Any) -> dict[str, Any]:
        model = k.Sequential([k.Input((4,)), k.layers.Dense(1, name="out")])
        model.compile(loss="mse", run_eagerly=True, **METRIC_FORMS[form](k))
        data = {"sample_weight": WEIGHTS, "verbose": 0}
        validation = (X, NUMBERS, WEIGHTS)
        found = results(model, model.fit(X, NUMBERS, validation_data=validation, **data))
        found["list"] = np.atleast_1d(model.evaluate(X, NUMBERS, **data)).tolist()
        found["dict"] = model.test_on_batch(X, NUMBERS, WEIGHTS, return_dict=True)
        found["batch"] = np.atleast_1d(model.train_on_batch(X, NUMBERS, WEIGHTS)).tolist()
        return found

    same_results(program)


@pytest.mark.parametrize("kind", ["labels", "column", "one-hot", "binary", "three binaries"])
def test_accuracy_fits_the_shapes(kind: str) -> None:
    one_hot = np.eye(3, dtype="float32")[LABELS]
    units, activation, y = {
        "labels": (3, "softmax", LABELS),
        "column": (3, "softmax", LABELS[:, np.newaxis]),
        "one-hot": (3, "softmax", one_hot),
        "binary": (1, "sigmoid", LABELS == 1),
        "three binaries": (3, "sigmoid", one_hot),
    }[kind]

    def program(k: Any) -> dict[str, Any]:
        model = k.Sequential([k.Input((4,)), k.layers.Dense(units, activation)])
        loss = "binary_crossentropy" if activation == "sigmoid" else "crossentropy"
        model.compile("adam", loss, metrics=["accuracy", "acc"], run_eagerly=True)
        logs = [model.train_on_batch(X[i : i + 8], y[i : i + 8]) for i in range(0, 30, 8)]
        return {"exact": [], "logs": logs, "dict": model.test_on_batch(X, y, return_dict=True)}

    same_results(program)


def test_compile_again_keeps_weights_loss_and_metrics() -> None:
    def program(k: Any) -> dict[str, Any]:
        model = regressor(k, "mae", metrics=["mse"])
        first = model.fit(X, NUMBERS, epochs=2, verbose=0)
        found = {"0 " + key: value for key, value in results(model, first).items()}
        for number, options in enumerate(
            [
                {"optimizer": "adam"},
                {"optimizer": "sgd", "loss": "mse"},
                {"optimizer": "sgd", "metrics": ["mae"]},
                {"optimizer": model.optimizer, "metrics": []},
            ]
        ):
            model.compile(**options, run_eagerly=True)
            found[f"{number} kept"] = model.get_weights()
            one = results(model, model.fit(X, NUMBERS, epochs=2, verbose=0))
            found |= {f"{number} {key}": value for key, value in one.items()}
        exact = [found.pop(key) for key in sorted(found) if key.endswith("exact")]
        return found | {"exact": exact}

    same_results(program)


def test_freezing_layers() -> None:
    """`trainable` is read when training first starts after compile, not again until the next."""

    def program(k: Any) -> dict[str, Any]:
        model = regressor(k)
        found: dict[str, Any] = {"exact": []}
        for number, (index, trainable, compile_it) in enumerate(
            [
                (0, False, False),
                (0, True, True),
                (1, False, True),
                (1, True, False),
                (1, True, True),
            ]
        ):
            model.layers[index].trainable = trainable
            if compile_it:
                model.compile("sgd", "mse")
            found[f"before {number}"] = model.get_weights()
            model.fit(X, NUMBERS, epochs=1, verbose=0)
            found[f"after {number}"] = model.get_weights()
            found["exact"].append([v.path for v in model.trainable_weights])
        return found

    same_results(program)


def test_models_made_step_by_step() -> None:
    def program(k: Any) -> dict[str, Any]:
        L = k.layers
        model = k.Sequential(name="grown")
        model.add(k.Input(shape=(4,)))
        model.add(L.Dense(5, "relu"))
        model.add(L.Dense(9))
        model.pop()
        model.add(L.Dense(1))
        model.compile("sgd", "mse", run_eagerly=True)
        found = results(model, model.fit(X, NUMBERS, epochs=2, verbose=0))
        inner = k.Sequential(model.layers[:1] + [L.Dense(2, name="new")])
        inner.compile("sgd", "mse", run_eagerly=True)
        inner.fit(X, NUMBERS[:, [0, 0]], verbose=0)
        found["shared"] = model.get_weights() + inner.get_weights()
        model.fit(X, NUMBERS, epochs=1, verbose=0)
        found["shared again"] = model.get_weights() + inner.get_weights()
        found["exact"] += [layer.name for layer in model.layers]
        return found

    same_results(program)


# --- The three tutorials


def test_a_line_through_six_points() -> None:
    """Six points of y = 2x - 1, and after 500 epochs y(10) is near 18.98, whatever the seed."""
    xs = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0], dtype=float)
    ys = np.array([-3.0, -1.0, 1.0, 3.0, 5.0, 7.0], dtype=float)

    def program(k: Any) -> dict[str, Any]:
        model = k.Sequential([k.layers.Dense(units=1, input_shape=[1])])
        model.compile(optimizer="sgd", loss="mean_squared_error")
        initial = model.get_weights()
        found = results(model, model.fit(xs, ys, epochs=3, verbose=0))
        # The rest of the 500 epochs of one batch each, without the 70 ms that fit takes in Keras.
        if k is keras:
            for _ in range(497):
                model.train_on_batch(xs, ys)
        else:
            model.fit(xs, ys, epochs=497, verbose=0)
        found["exact"].append([w.tolist() for w in initial])
        found["predictions"] = [model.predict(np.array([10.0]), verbose=0)]
        return found

    assert same_results(program)["predictions"][0].item() == pytest.approx(18.98, abs=0.01)
    for seed in range(5):
        seed_both(seed)
        predictions = program(scratchnn)["predictions"]
        assert predictions[0].item() == pytest.approx(18.98, abs=0.01)


RAW, SCALED = ["raw:1", "raw:2", "raw:3"], ["scaled:1"]
Results = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    """All results of the classifiers: of scratchnn, and of Keras with oneDNN on and off."""
    folder = tmp_path_factory.mktemp("tutorials")
    script = Path(__file__).with_name("tutorials.py")
    paths = os.pathsep.join([str(script.parent.parent), str(script.parent)])
    processes = {}
    for name, library, onednn in (
        ("ours", "scratchnn", "1"),
        ("with", "keras", "1"),
        ("without", "keras", "0"),
    ):
        command = [sys.executable, str(script), library, str(folder / f"{name}.npz")]
        environment = os.environ | {
            "PYTHONPATH": paths,
            "TF_ENABLE_ONEDNN_OPTS": onednn,
            "OPENBLAS_NUM_THREADS": "1",  # three processes share the machine
        }
        processes[name] = subprocess.Popen(
            command + RAW + SCALED, env=environment, stderr=subprocess.PIPE, text=True
        )
    errors = {name: process.communicate()[1] for name, process in processes.items()}
    found: dict[str, Results] = {}
    for name, process in processes.items():
        assert process.returncode == 0, errors[name]
        found[name] = {}
        with np.load(folder / f"{name}.npz") as file:
            for key, array in file.items():
                job, what, rest = key.split("/", 2)
                found[name].setdefault(f"{job}/{what}", {})[rest] = array
    return found


def difference(found: np.ndarray, expected: np.ndarray) -> Any:
    """Return the largest difference, relative to the largest number."""
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("job", RAW + SCALED)
def test_the_first_step_of_a_classifier(runs: dict[str, Results], job: str) -> None:
    """Initial weights bit for bit; loss and named gradients of one step to 1e-6.

    Raw pixels up to 255 make logits of hundreds, whose rounding the softmax turns into errors
    larger than that in Keras, too: then to three times what oneDNN changes.
    """
    ours, theirs, other = (runs[name] for name in ("ours", "with", "without"))
    initial = ours[f"{job}/initial"]
    assert list(initial) == list(theirs[f"{job}/initial"])
    for name, expected in theirs[f"{job}/initial"].items():
        np.testing.assert_array_equal(initial[name], expected, strict=True)
    loss = theirs[f"{job}/loss"]["first"]
    np.testing.assert_allclose(ours[f"{job}/loss"]["first"], loss, rtol=1e-6)
    expected = theirs[f"{job}/gradient"]
    assert list(ours[f"{job}/gradient"]) == list(expected)
    itself = max(difference(other[f"{job}/gradient"][name], expected[name]) for name in expected)
    bound = max(1e-6, 3 * itself) if job in RAW else 1e-6
    for name, gradient in ours[f"{job}/gradient"].items():
        assert difference(gradient, expected[name]) <= bound, name
        # Adam's first step is lr g / (|g| + e), so an error of g moves it lr e / (|g| + e)^2 times
        # as much: of a gradient that is nothing but rounding, any step may come.
        updated, wanted = (run[f"{job}/updated"][name] for run in (ours, theirs))
        g, e = np.abs(expected[name]), 1e-7 / np.sqrt(1 - 0.999)
        step = 1e-3 * np.minimum(2, bound * g.max() * e / (g + e) ** 2)
        assert (np.abs(updated - wanted) <= 1e-6 * np.abs(wanted).max() + step).all(), name


@pytest.mark.parametrize("job", SCALED)
def test_a_classifier_of_scaled_images(runs: dict[str, Results], job: str) -> None:
    expected = runs["with"][f"{job}/history"]
    found = runs["ours"][f"{job}/history"]
    assert list(found) == list(expected) == ["accuracy", "loss"]
    for key, values in expected.items():
        assert len(values) == 3
        np.testing.assert_allclose(found[key], values, rtol=1e-4, err_msg=key)


def test_a_classifier_of_raw_images(runs: dict[str, Results]) -> None:
    """Pixels of 0 to 255: rounding grows to percents within an epoch, in Keras itself as well.

    How far two runs drift apart is chance, so what is bounded by three times Keras's own difference
    is the median of three seeds, of the distance to the nearer of Keras's two runs.
    """
    for key in ("loss", "accuracy"):
        ours, theirs, other = (
            np.array([runs[name][f"{job}/history"][key] for job in RAW])
            for name in ("ours", "with", "without")
        )
        assert ours.shape == (3, 3)
        itself = np.median(np.abs(other / theirs - 1), axis=0)
        nearer = np.minimum(np.abs(ours / theirs - 1), np.abs(ours / other - 1))
        bound = np.maximum(1e-4, 3 * itself)
        assert (np.median(nearer, axis=0) <= bound).all(), (key, nearer, itself)
