"""Real Keras reads what scratchnn writes, and the other way round; configs are the same JSON.

Weights and the state of optimizers are equal to the bit on either side of a file. The next epoch's
loss, of a training that goes on from it, is that of Keras to 1e-6 of its size: the rounding of a
few float32 sums.
"""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from twins import both, close, quiet, twins

import scratchnn
from scratchnn.layers import Layer
from scratchnn.saving import ModelFileError

# Keras's own variables do, when it saves them.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOLERANCE = 1e-6
RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.uniform(0.1, 0.9, size=(24, 2)).astype("float32")


def as_json(config: Any) -> Any:
    return json.loads(json.dumps(config))


def same_json(config: Any) -> None:
    """Check that a program's config, made by both libraries, is the same JSON."""
    ours, theirs = both(lambda k: as_json(k.saving.serialize_keras_object(config(k))))
    assert ours == theirs


# Configs -----------------------------------------------------------------------------------------


def stacked(k: Any) -> Any:
    inner = k.Sequential([k.layers.Dense(4, activation="relu"), k.layers.Dropout(0.1)], name="in")
    return k.Sequential(
        [
            k.Input((3,), name="x"),
            k.layers.Dense(
                5,
                activation="tanh",
                kernel_initializer="he_normal",
                kernel_regularizer="l2",
                bias_constraint="non_neg",
            ),
            k.layers.Rescaling(np.ones(5, "float32"), 0.5),
            inner,
            k.layers.Activation("relu"),
            k.layers.ReLU(6),
            k.layers.Reshape((2, 2)),
            k.layers.Flatten(),
            k.layers.Identity(),
            k.layers.Dense(2, use_bias=False, trainable=False, activity_regularizer="l2"),
            k.layers.Softmax(),
        ]
    )


MODELS = {
    "stacked": stacked,
    "empty": lambda k: k.Sequential(),
    "not built": lambda k: k.Sequential([k.layers.Dense(2)]),
    "of input_shape": lambda k: k.Sequential([k.layers.Dense(2, input_shape=(3,))]),
    "of integers": lambda k: k.Sequential([k.Input((3,), dtype="int32"), k.layers.Flatten()]),
    "of a fixed batch": lambda k: k.Sequential([k.Input((3,), batch_size=4), k.layers.Dense(2)]),
    "float64": lambda k: k.Sequential(
        [k.Input((3,), dtype="float64"), k.layers.Dense(2, dtype="float64")]
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_configs_of_models(name):
    same_json(MODELS[name])


def test_configs_of_models_built_by_data():
    def build(k: Any) -> Any:
        model = k.Sequential([k.layers.Dense(2), k.layers.Dropout(0.5)])
        model(np.ones((4, 3), "float32"))
        return model

    same_json(build)


@pytest.mark.parametrize(
    "arguments",
    [
        lambda k: {},
        lambda k: {
            "optimizer": k.optimizers.Adam(0.01, clipnorm=1.0),
            "loss": k.losses.MeanSquaredError(reduction="sum"),
            "loss_weights": 0.5,
            "metrics": ["mae", k.metrics.MeanSquaredError(name="m")],
            "weighted_metrics": [],
            "steps_per_execution": 2,
        },
        lambda k: {"loss": k.losses.mean_squared_error, "run_eagerly": True},
        lambda k: {"loss": ["mse"], "metrics": [["mae"]], "jit_compile": True},
    ],
)
def test_compile_configs(arguments):
    def build(k: Any) -> Any:
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile(**arguments(k))
        return model

    ours, theirs = both(lambda k: as_json(build(k).get_compile_config()))
    assert ours == theirs


@pytest.mark.parametrize(
    "make",
    [
        lambda k, json: k.models.model_from_json(json),
        lambda k, json: k.models.clone_model(k.models.model_from_json(json)),
        lambda k, json: k.Sequential.from_config(k.models.model_from_json(json).get_config()),
        lambda k, json: k.layers.deserialize(k.layers.serialize(k.models.model_from_json(json))),
    ],
)
def test_models_made_of_json(make):
    text = both(lambda k: stacked(k).to_json())[1]

    def run(k: Any) -> Any:
        model = make(k, text)
        return model.to_json(), [w.path for w in model.weights], [w.shape for w in model.weights]

    ours, theirs = both(run)
    assert json.loads(ours[0]) == json.loads(theirs[0])
    assert ours[1:] == theirs[1:]


class Own:
    """The same layer of one's own for both libraries."""

    def __new__(cls, k: Any, *args: Any, **kwargs: Any) -> Any:
        base = k.layers.Layer if k is keras else Layer

        class Scaled(base):  # type: ignore[misc, valid-type]
            def __init__(self, factor: float, sizes: Any = (1, None), **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.factor = factor
                self.zulu = self.alpha = k.layers.Dense(3)
                self._private = k.layers.Dense(4)
                self.parts = [k.layers.Dense(5), [k.layers.Dense(6)], {"a": k.layers.Dense(7)}]
                self.more = {"b": self.alpha, "c": k.layers.Dense(8)}

            @property
            def shown(self) -> Any:
                return self._private

            def build(self, input_shape: Any) -> None:
                self.gain = self.add_weight(shape=(1,), name="gain")
                inner = [self.alpha, self._private, self.parts[0], self.parts[1][0]]
                for layer in [*inner, self.parts[2]["a"], self.more["c"]]:
                    layer.build(input_shape)

            def call(self, x: Any) -> Any:
                return x * self.factor

            def forward(self, x: Any, ctx: Any) -> Any:
                return x * self.factor

            def compute_output_shape(self, input_shape: Any) -> Any:
                return input_shape

        return Scaled(*args, **kwargs)


def test_a_layer_of_your_own(tmp_path):
    def build(k: Any) -> Any:
        return k.Sequential([k.Input((3,)), Own(k, 2.0, name="own"), Own(k, factor=3, sizes=[2])])

    ours, theirs = twins(build)
    found, expected = json.loads(ours.to_json()), json.loads(theirs.to_json())
    assert found == expected
    assert found["config"]["layers"][1]["config"]["sizes"] == [1, None]
    assert content(ours, tmp_path, "ours") == content(theirs, tmp_path, "theirs")
    for source, target in ((ours, theirs), (theirs, ours)):
        target.set_weights([np.zeros_like(w) for w in target.get_weights()])
        source.save_weights(tmp_path / "m.weights.h5")
        target.load_weights(tmp_path / "m.weights.h5")
        equal(target.get_weights(), source.get_weights())


# Files -------------------------------------------------------------------------------------------


def equal(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


def state(model: Any) -> list[np.ndarray]:
    return [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]


def listing(file: h5py.File) -> dict[str, Any]:
    """Return what an HDF5 file holds: groups, their attributes, and the datasets' kinds."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        data = (item.shape, str(item.dtype)) if isinstance(item, h5py.Dataset) else None
        found[name] = data, dict(item.attrs)

    file.visititems(visit)
    return found


def content(model: Any, folder: Any, name: str) -> dict[str, Any]:
    path = folder / f"{name}.weights.h5"
    model.save_weights(path)
    with h5py.File(path) as file:
        return listing(file)


def fit(model: Any) -> list[float]:
    """Return the losses of two epochs, as `fit` reports them."""
    with quiet():
        history = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"]


def steps(model: Any) -> list[float]:
    """Return the losses of two steps; the second shows what the first did. (fit takes TensorFlow
    ten times as long.)
    """
    with quiet():
        return [model.train_on_batch(X, Y) for _ in range(2)]


def compiled(optimizer: Any, loss: Any = "mse", metrics: Any = ()) -> Any:
    def build(k: Any) -> Any:
        inner = k.Sequential([k.layers.Dense(4, activation="tanh")])
        model = k.Sequential([k.Input((3,)), inner, k.layers.Dense(2, activation="sigmoid")])
        made = loss if isinstance(loss, str) else loss(k)
        model.compile(optimizer(k), made, metrics=list(metrics), run_eagerly=True)
        return model

    return build


def check_files(build: Any, folder: Any, train: Any = steps) -> None:
    """Train with both, save with both, load with both: all four go on alike."""
    ours, theirs = twins(build)
    train(ours), train(theirs)
    found, expected = folder / "ours.keras", folder / "theirs.keras"
    ours.save(found)
    theirs.save(expected)
    with zipfile.ZipFile(found) as a, zipfile.ZipFile(expected) as b:
        assert a.namelist() == b.namelist()
        with (
            h5py.File(io.BytesIO(a.read("model.weights.h5"))) as mine,
            h5py.File(io.BytesIO(b.read("model.weights.h5"))) as keras_s,
        ):
            assert listing(mine) == listing(keras_s)
    for path, source in ((found, ours), (expected, theirs)):
        losses = []
        for k in (keras, scratchnn):
            with quiet():
                model = k.models.load_model(path)
            equal(state(model), state(source))
            losses.append(train(model))
        close(losses[1], losses[0], TOLERANCE)
    for source, target in ((ours, theirs), (theirs, ours)):
        source.save_weights(folder / "m.weights.h5")
        target.load_weights(folder / "m.weights.h5")
        equal(state(target), state(source))


def classes(module: str, base: str) -> list[str]:
    """Return the classes of a kind that both libraries have."""
    ours, theirs = getattr(scratchnn, module), getattr(keras, module)
    kind = getattr(ours, base)
    found = [n for n in ours.__all__ if hasattr(theirs, n) and isinstance(getattr(ours, n), type)]
    return [n for n in found if issubclass(getattr(ours, n), kind) and n != base]


OF_OTHERS = ("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")
OPTIMIZERS = [n for n in classes("optimizers", "Optimizer") if n not in OF_OTHERS]


def test_training_goes_on_in_the_next_epoch(tmp_path):
    check_files(compiled(lambda k: k.optimizers.Adam(0.01), metrics=["mae"]), tmp_path, fit)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, tmp_path):
    check_files(compiled(lambda k: getattr(k.optimizers, name)()), tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"use_ema": True, "ema_overwrite_frequency": 2, "momentum": 0.5},
        {"gradient_accumulation_steps": 2, "clipvalue": 0.1},
    ],
)
def test_options_of_optimizers(options, tmp_path):
    check_files(compiled(lambda k: k.optimizers.SGD(0.1, **options)), tmp_path)


def test_learning_rates_that_follow_a_schedule(tmp_path):
    def optimizer(k: Any) -> Any:
        return k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))

    check_files(compiled(optimizer), tmp_path)


OF_LABELS = ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle")
LOSSES = [n for n in classes("losses", "Loss") if n not in (*OF_LABELS, "CTC")]


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, tmp_path):
    """The loss of a file, in the other library, is the one that the model was compiled with."""
    parameters = inspect.signature(getattr(scratchnn.losses, name)).parameters
    options = {"reduction": "sum"} if "reduction" in parameters else {}
    build = compiled(lambda k: "sgd", lambda k: getattr(k.losses, name)(**options))
    ours, theirs = twins(build)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    results = []
    for k in (keras, scratchnn):
        for path in ("ours.keras", "theirs.keras"):
            model = k.models.load_model(tmp_path / path)
            assert type(model.loss).__name__ == name
            with quiet():
                results.append(model.test_on_batch(X, Y))
    for result in results[1:]:
        close(result, results[0], TOLERANCE)


@pytest.mark.parametrize("name", OF_LABELS)
def test_losses_of_labels(name, tmp_path):
    labels = np.arange(24) % 2

    def build(k: Any) -> Any:
        layers = [k.Input((3,)), k.layers.Dense(2, activation="softmax")]
        model = k.Sequential(layers)
        model.compile("adam", getattr(k.losses, name)(), metrics=["accuracy"], run_eagerly=True)
        model.train_on_batch(X, labels)
        return model

    for k, model in zip((scratchnn, keras), twins(build), strict=True):
        path = tmp_path / f"{k.__name__}.keras"
        model.save(path)
        expected = model.test_on_batch(X, labels)
        for other in (scratchnn, keras):
            found = other.models.load_model(path)
            close(found.test_on_batch(X, labels), expected, TOLERANCE)


def test_metrics_of_a_file(tmp_path):
    names = ["mae", "mse"]
    ours, theirs = twins(compiled(lambda k: "sgd", metrics=names))
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    results = [
        k.models.load_model(tmp_path / path).evaluate(X, Y, verbose=0, return_dict=True)
        for k in (keras, scratchnn)
        for path in ("ours.keras", "theirs.keras")
    ]
    for result in results:
        assert sorted(result) == ["loss", *names]
        for name, value in result.items():
            close(value, results[0][name], TOLERANCE)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("empty", "not built")])
def test_models(name, tmp_path):
    ours, theirs = twins(MODELS[name])
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    for path, source in (("ours.keras", ours), ("theirs.keras", theirs)):
        for k in (keras, scratchnn):
            model = k.models.load_model(tmp_path / path)
            equal(model.get_weights(), source.get_weights())
            assert (
                json.loads(model.to_json())["config"]["layers"]
                == (json.loads(source.to_json())["config"]["layers"])
            )


def test_the_same_program_saves_and_loads(tmp_path):
    """Warnings, errors and what is left where Keras has no state to restore."""

    def run(k: Any) -> Any:
        path = str(tmp_path / f"{k.__name__}.weights.h5")
        model = compiled(lambda k: k.optimizers.Adam())(k)
        steps(model)
        model.save_weights(path)
        fresh = compiled(lambda k: k.optimizers.Adam())(k)
        fresh.load_weights(path)  # its optimizer is not built yet
        results: list[Any] = [int(fresh.optimizer.iterations), steps(fresh)]
        other = k.Sequential([k.Input((3,)), k.layers.Dense(7)])
        for use in (
            lambda: other.load_weights(path),
            lambda: k.Sequential([k.layers.Dense(1)]).load_weights(path),
            lambda: k.Sequential([k.layers.Dense(1)]).save_weights(path),
            lambda: model.load_weights(path, by_name=True),
            lambda: model.load_weights(f"{path}.missing.weights.h5"),
            lambda: model.save(f"{path}.odd"),
            lambda: model.save_weights(f"{path}.odd"),
            lambda: model.save(f"{path}.keras", surprise=1),
            lambda: k.models.load_model(f"{path}.missing.keras"),
            lambda: k.models.load_model(f"{path}.odd"),
        ):
            with pytest.raises((ValueError, OSError)) as raised:
                use()
            results.append(isinstance(raised.value, ValueError))
        return results

    ours, theirs = both(run)
    assert ours[0] == theirs[0] == 0
    close(ours[1], theirs[1], TOLERANCE)
    assert ours[2:] == theirs[2:]


@pytest.mark.parametrize(
    ("dtype", "model_error", "weights_error"),
    [
        ("float16", "Half and mixed precision are not supported", None),
        ("bfloat16", "Half and mixed precision are not supported", "dtype 'bfloat16' is not supp"),
        ("int8", "The class 'QuantizedDTypePolicy'", "expected 2 variables: .* Received: 3"),
    ],
)
def test_files_of_small_dtypes(dtype, model_error, weights_error, tmp_path):
    """Their layers are refused; their weights, if NumPy has the dtype, become float32."""
    of_float = {} if dtype == "int8" else {"dtype": dtype}
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, **of_float)])
    if dtype == "int8":
        with quiet():
            theirs.quantize("int8")
    theirs.save(tmp_path / "m.keras")
    theirs.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ModelFileError, match=model_error):
        scratchnn.models.load_model(tmp_path / "m.keras")
    ours = scratchnn.Sequential([scratchnn.Input((4,)), scratchnn.layers.Dense(3)])
    before = ours.get_weights()
    if weights_error is not None:
        with pytest.raises(ModelFileError, match=weights_error):
            ours.load_weights(tmp_path / "m.weights.h5")
        equal(ours.get_weights(), before)
        return
    ours.load_weights(tmp_path / "m.weights.h5")
    equal(ours.get_weights(), [w.astype("float32") for w in theirs.get_weights()])
