"""Every layer, schedule and metric through files, both ways with real Keras, many in one model.

The rows are those of the conformance tables, so a layer that has a row there is here, too. Files of
every optimizer and loss are in test_keras_saving.py.
"""

from __future__ import annotations

import json
from typing import Any

import cases
import keras
import numpy as np
import pytest
from test_keras_saving import TOLERANCE, check_files, classes, compiled, equal
from twins import close, close_all, quiet, seed_both, twins

import scratchnn
from scratchnn import layers
from scratchnn.models import Model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE = 24
"""Layers in one model."""

OUTPUT = 2e-6
"""Of a layer's output, relative to its largest element: the rounding of its float32 sums."""

HEADS = ("MultiHeadAttention", "GroupedQueryAttention")
"""Layers whose inputs are arguments of their own."""

OTHERS = {"Layer", "InputLayer", "Lambda"}
"""Classes without a row of their own: the base, what every model has, what is a function."""

NOT_IN_GRAPHS = {"Equalization"}
"""Layers whose symbolic output is their input in Keras, which no functional model survives."""


def serializable(row: Any) -> bool:
    """Whether Keras can make the row's layer from its config, which names only public things."""
    try:
        config = json.dumps(layers.serialize(row.make(dtype=None)))
    except TypeError:
        return False
    return not any(f'"{name}"' in config for name in ("cubic", "Scale", *NOT_IN_GRAPHS))


ROWS = [row for row in [*cases.CASES, *cases.SEVERAL] if row.name != "input" and serializable(row)]
GROUPS = [ROWS[i : i + SIZE] for i in range(0, len(ROWS), SIZE)]


def inputs_of(row: Any, i: int) -> list[Any]:
    """Return the Inputs of a row, in our library."""
    shapes = getattr(row, "shapes", None) or [row.shape]
    dtype = getattr(row, "dtype", "float32")
    return [
        scratchnn.Input(shape[1:], dtype=dtype, name=f"x{i}_{j}") for j, shape in enumerate(shapes)
    ]


def together(layer: Any, inputs: list[Any]) -> Any:
    """Return what a layer is called with: its inputs in a list, if it takes several."""
    return inputs if len(inputs) > 1 or layer.takes_several else inputs[0]


def data_of(row: Any) -> list[np.ndarray]:
    if hasattr(row, "shapes"):
        return row.inputs(4)
    return [row.x(4)]


def test_every_layer_is_in_a_table():
    seen = {type(layer).__name__ for row in ROWS for layer in row.make(dtype=None).walk()}
    public = {
        name
        for name in layers.__all__
        if isinstance(getattr(layers, name), type)
        and hasattr(keras.layers, name)
        and getattr(layers, name).__name__ == name
    }
    assert public - seen - OTHERS - NOT_IN_GRAPHS == set()


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_layers(number, tmp_path):
    rows = GROUPS[number]
    seed_both(number)
    inputs, outputs, data = [], [], {}
    for i, row in enumerate(rows):
        layer = row.make(dtype=None)
        layer.name = f"layer{i}"
        own = inputs_of(row, i)
        options = {k: v for k, v in getattr(row, "options", {}).items() if isinstance(v, bool)}
        given = own if type(layer).__name__ in HEADS else [together(layer, own)]
        outputs += scratchnn.tree.flatten(layer(*given, **options))
        inputs += own
        if layer.weights:  # the others' values are compared where they have their tests
            x = [layer.cast(one) for one in data_of(row)]
            data[layer] = x if type(layer).__name__ in HEADS else [together(layer, x)]
    ours = Model(inputs, outputs)
    rng = np.random.default_rng(number)
    for weight in ours.weights:  # positive, for variances are among them
        weight.assign(rng.uniform(0.2, 0.8, weight.shape))
    path = tmp_path / "ours.keras"
    ours.save(path)
    with quiet():
        theirs = keras.models.load_model(path)
    equal(theirs.get_weights(), ours.get_weights())
    same_configs(ours, theirs)
    for layer, x in data.items():
        with quiet():
            expected = [np.asarray(y) for y in keras.tree.flatten(theirs.get_layer(layer.name)(*x))]
        close_all(scratchnn.tree.flatten(layer(*x)), expected, OUTPUT, layer.name)
    theirs.save(tmp_path / "theirs.keras")
    back = scratchnn.models.load_model(tmp_path / "theirs.keras")
    equal(back.get_weights(), ours.get_weights())
    assert plain(back.get_config()) == plain(ours.get_config())


def plain(config: Any) -> Any:
    return json.loads(json.dumps(config))


def same_configs(ours: Any, theirs: Any) -> None:
    found = plain(scratchnn.saving.serialize_keras_object(ours))["config"]["layers"]
    expected = plain(keras.saving.serialize_keras_object(theirs))["config"]["layers"]
    for a, b in zip(found, expected, strict=True):
        assert a == b, a["class_name"]


def test_outputs_of_models_within_a_model(tmp_path):
    def build(k: Any) -> Any:
        a = k.Input((4,))
        inner = k.Model(a, k.layers.Dense(4, activation="tanh")(a), name="inner")
        row = k.Sequential([k.Input((4,)), k.layers.Dense(4)], name="row")
        x = k.Input((4,))
        y = inner(x)
        return k.Model(x, [inner(y), row(y), y])

    ours, theirs = twins(build)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    expected = ours.predict(x, verbose=0)
    for name, source in (("ours", ours), ("theirs", theirs)):
        path = tmp_path / f"{name}.keras"
        source.save(path)
        for k in (keras, scratchnn):
            close_all(k.models.load_model(path).predict(x, verbose=0), expected, OUTPUT)
    for name, source in (("h", theirs),):
        with quiet():
            source.save(tmp_path / f"{name}.h5")
        model = scratchnn.models.load_model(tmp_path / f"{name}.h5")
        close_all(model.predict(x, verbose=0), expected, OUTPUT)


# What a model is compiled with --------------------------------------------------------------------

SCHEDULES = {
    "ExponentialDecay": (0.1, 5, 0.5),
    "PiecewiseConstantDecay": ([1, 3], [0.1, 0.05, 0.01]),
    "PolynomialDecay": (0.1, 5),
    "InverseTimeDecay": (0.1, 5, 0.5),
    "CosineDecay": (0.1, 5),
    "CosineDecayRestarts": (0.1, 5),
}


def test_every_schedule_is_here():
    module = scratchnn.optimizers.schedules
    known = {n for n in module.__all__ if isinstance(getattr(module, n), type)}
    assert known - {"LearningRateSchedule"} == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name, tmp_path):
    def optimizer(k: Any) -> Any:
        schedule = getattr(k.optimizers.schedules, name)(*SCHEDULES[name])
        return k.optimizers.SGD(schedule, momentum=0.9)

    check_files(compiled(optimizer), tmp_path)


METRICS = classes("metrics", "Metric")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "MeanIoU": {"num_classes": 3, "sparse_y_pred": False},
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2], "sparse_y_pred": False},
    "BinaryIoU": {"target_class_ids": [0, 1], "threshold": 0.4},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "TopKCategoricalAccuracy": {"k": 2},
    "FBetaScore": {"average": "micro", "beta": 0.5},
}
OF_VALUES = ("Mean", "Sum", "MeanMetricWrapper")
OF_LABELS = ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "MeanIoU", "IoU")
OF_LABELS += ("SparseTopKCategoricalAccuracy",)


@pytest.mark.parametrize("labels", [False, True])
def test_metrics(labels, tmp_path):
    names = [n for n in METRICS if n not in OF_VALUES and (n in OF_LABELS) == labels]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 4)).astype("float32")
    y = rng.integers(0, 3, 30)
    targets = y[:, None] if labels else np.eye(3, dtype="float32")[y]

    def build(k: Any) -> Any:
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="softmax")])
        found = [getattr(k.metrics, n)(name=f"m{n}", **ARGUMENTS.get(n, {})) for n in names]
        loss = "sparse_categorical_crossentropy" if labels else "categorical_crossentropy"
        model.compile("sgd", loss, metrics=found, run_eagerly=True)
        return model

    ours, theirs = twins(build)
    assert plain(ours.get_compile_config()) == plain(theirs.get_compile_config())
    results = []
    for name, source in (("ours", ours), ("theirs", theirs)):
        source.save(tmp_path / f"{name}.keras")
        for k in (scratchnn, keras):
            model = k.models.load_model(tmp_path / f"{name}.keras")
            with quiet():
                results.append(model.evaluate(x, targets, verbose=0, return_dict=True))
    assert len(results[0]) == len(names) + 1
    for result in results[1:]:
        assert set(result) == set(results[0])
        for key, value in result.items():
            close(np.float32(value), np.float32(results[0][key]), 10 * TOLERANCE, key)
