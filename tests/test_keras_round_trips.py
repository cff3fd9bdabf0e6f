"""Every layer, schedule and metric through files, both ways with real Keras, many in one model.

The rows are those of the conformance tables, so a layer that has a row there is here, too. Files of
optimizers and losses are in test_keras_saving.py; here is what they leave out, and that nothing is
left out of both.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import cases
import keras
import numpy as np
import pytest
from test_keras_saving import LOSSES, OPTIMIZERS, TOLERANCE, check_files, classes, compiled, equal
from test_keras_saving import OF_LABELS as LOSSES_OF_LABELS
from twins import close, close_all, quiet, seed_both, twins

import scratchnn
from scratchnn import layers
from scratchnn.models import Model
from scratchnn.saving import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE = 24
"""Layers in one model."""

OUTPUT = 2e-6
"""Of a layer's output, relative to its largest element: the rounding of its float32 sums."""

HEADS = ("MultiHeadAttention", "GroupedQueryAttention")
"""Layers whose inputs are arguments of their own."""

OTHERS = {"Layer", "Wrapper", "InputSpec", "InputLayer", "Lambda", "Equalization"}
"""Classes without a row here: the bases, and what every model has; the last have tests below."""

WITHOUT_ROWS = {
    r"input": "every model has one",
    r"activation \w+ \{.*": "neither library has a config for a functools.partial",
    r"a layer of one's own": "test_keras_saving.py has one, written for both libraries",
    r"a function": "Keras's Lambda has no gradient=; that of its function is below",
    r"equalization": "Keras cannot run one in a graph, nor load its own; it is below",
}
"""Patterns of the names of rows that are not here, and why."""


@contextlib.contextmanager
def known(**functions: Any) -> Iterator[None]:
    """Let files in both libraries name some functions."""
    scopes = (k.saving.custom_object_scope(functions) for k in (keras, scratchnn))
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(scope)
        yield


ROWS = [
    row
    for row in [*cases.CASES, *cases.SEVERAL]
    if not any(re.fullmatch(pattern, row.name) for pattern in WITHOUT_ROWS)
]
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
    assert public - seen - OTHERS == set()


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_layers(number, tmp_path):
    seed_both(number)
    with known(cubic=cases.cubic):
        check_layers(number, tmp_path)


def check_layers(number: int, tmp_path: Any) -> None:
    rows = GROUPS[number]
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


def doubled(x: Any, offset: float = 0.0) -> Any:
    return x * 2.0 + offset


doubled.gradient = lambda dy, x, y: dy * 2  # type: ignore[attr-defined]


def doubled_error(y: Any, found: Any) -> Any:
    return doubled(found * y)


for k in (keras, scratchnn):
    for function in (doubled, doubled_error):
        k.saving.register_keras_serializable("round_trips")(function)


def check_models(build: Any, folder: Any, x: Any) -> None:
    """Each library's file, loaded by each, predicts as what was saved, and has its config."""
    ours, theirs = twins(build)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    for source in (ours, theirs):
        source.save(folder / "m.keras")
        for k in (keras, scratchnn):
            model = k.models.load_model(folder / "m.keras")
            close(model.predict(x, verbose=0), ours.predict(x, verbose=0), OUTPUT)


def test_functions_of_ones_own(tmp_path):
    """A Lambda and an activation of a function that is registered, and known by name alone."""

    def build(k: Any) -> Any:
        x = k.Input((4,))
        y = k.layers.Lambda(doubled, arguments={"offset": 0.5}, output_shape=(4,))(x)
        return k.Model(x, k.layers.Dense(3, activation=doubled)(y))

    check_models(build, tmp_path, np.random.default_rng(0).normal(size=(3, 4)).astype("float32"))


def test_equalization():
    """Its symbolic output is its input in Keras, so that no model with it works; layers do."""
    x = np.random.default_rng(0).uniform(0, 255, (3, 4, 4, 3)).astype("float32")
    ours, theirs = twins(lambda k: k.layers.Equalization(bins=16))
    config = plain(scratchnn.layers.serialize(ours))
    assert config == plain(keras.layers.serialize(theirs))
    found = [np.asarray(k.layers.deserialize(config)(x)) for k in (scratchnn, keras)]
    np.testing.assert_array_equal(*found, strict=True)
    with pytest.raises(ValueError, match="is part of a cycle"):
        keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Equalization()])


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


NOT_SUPPORTED = {
    "LossScaleOptimizer": lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.Adam()),
    "MultiOptimizer": lambda k: k.optimizers.MultiOptimizer([], k.optimizers.Adam()),
    "CTC": lambda k: k.losses.CTC(),
}
"""What this library names and does not have: made, or named by a file, it says so."""


def test_every_optimizer_and_loss_is_in_a_file():
    beside = {"OptimizerMap"}  # a part of a MultiOptimizer
    assert set(classes("optimizers", "Optimizer")) - set(OPTIMIZERS) <= {*NOT_SUPPORTED, *beside}
    tested = {*LOSSES, *LOSSES_OF_LABELS}
    assert set(classes("losses", "Loss")) - tested <= set(NOT_SUPPORTED)


@pytest.mark.parametrize("name", NOT_SUPPORTED)
def test_what_is_not_supported(name, tmp_path):
    make = NOT_SUPPORTED[name]
    with pytest.raises((ValueError, NotImplementedError), match=f"{name}.* is not supported: "):
        make(scratchnn)
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.Dense(3)])
    made = make(keras)
    of_labels = isinstance(made, keras.losses.Loss)
    model.compile("sgd" if of_labels else made, made if of_labels else "mse")
    with quiet():
        model.save(tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match=f"compile=False leaves it out.*{name}.* is not supp"):
        scratchnn.models.load_model(tmp_path / "m.keras")
    found = scratchnn.models.load_model(tmp_path / "m.keras", compile=False)
    equal(found.get_weights(), model.get_weights())


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
    "MeanMetricWrapper": {"fn": doubled_error},
}
OF_VALUES = ("Mean", "Sum")
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


@pytest.mark.parametrize("name", OF_VALUES)
def test_metrics_of_values(name):
    """No model can be compiled with them; their configs go from one library to the other."""

    def run(k: Any) -> Any:
        return plain(k.metrics.serialize(getattr(k.metrics, name)(name="m")))

    found, expected = run(scratchnn), run(keras)
    assert found == expected
    for k, config in ((keras, found), (scratchnn, expected)):
        metric = k.metrics.deserialize(config)
        assert (type(metric).__name__, metric.name) == (name, "m")
