"""Configs: of layers and models, of your own classes, of everything that JSON has to hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

import scratchnn
from scratchnn import Input, Sequential, layers, losses, models, optimizers, regularizers, saving
from scratchnn.arrays import as_tensor
from scratchnn.layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Identity,
    InputLayer,
    Layer,
    ReLU,
    Rescaling,
    Reshape,
    Softmax,
)
from scratchnn.models import clone_model, model_from_json
from scratchnn.saving import deserialize_keras_object, serialize_keras_object


def policy(name="float32"):
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": name},
        "registered_name": None,
    }


def described(module, name, config):
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


GLOROT = described(
    "keras.initializers",
    "GlorotUniform",
    {"seed": None, "input_axes": None, "output_axes": None},
)
ZEROS = described("keras.initializers", "Zeros", {})
L2 = described("keras.regularizers", "L2", {"l2": 0.5})
MAX_NORM = described("keras.constraints", "MaxNorm", {"max_value": 2, "axis": 0})
DENSE = {
    "units": 3,
    "activation": "linear",
    "use_bias": True,
    "kernel_initializer": GLOROT,
    "bias_initializer": ZEROS,
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
    "quantization_config": None,
}

# Each layer with what Keras's get_config() says beside name, trainable and dtype, and whether its
# description has a build_config.
LAYERS = [
    (lambda **k: Dense(3, **k), DENSE, True),
    (
        lambda **k: Dense(
            3,
            "relu",
            False,
            kernel_regularizer=regularizers.L2(0.5),
            kernel_constraint="max_norm",
            activity_regularizer=regularizers.L2(0.5),
            **k,
        ),
        DENSE
        | {"activation": "relu", "use_bias": False}
        | {"kernel_regularizer": L2, "kernel_constraint": MAX_NORM, "activity_regularizer": L2},
        True,
    ),
    (Flatten, {"data_format": "channels_last"}, True),
    (Identity, {}, False),
    (lambda **k: Activation("tanh", **k), {"activation": "tanh"}, False),
    (
        lambda **k: ReLU(6, 0.1, 0.5, **k),
        {"max_value": 6, "negative_slope": 0.1, "threshold": 0.5},
        False,
    ),
    (Softmax, {"axis": -1}, False),
    (lambda **k: Softmax([1], **k), {"axis": [1]}, False),
    (lambda **k: Dropout(0.5, seed=3, **k), {"rate": 0.5, "seed": 3, "noise_shape": None}, False),
    (
        lambda **k: Dropout(0.5, (None, 1), **k),
        {"rate": 0.5, "seed": None, "noise_shape": [None, 1]},
        False,
    ),
    (lambda **k: Reshape((2, -1), **k), {"target_shape": [2, -1]}, False),
    (lambda **k: Rescaling(2.0, 1.0, **k), {"scale": 2.0, "offset": 1.0}, True),
    (
        lambda **k: Rescaling(np.float32([1, 2, 3, 4]), np.float64(0.5), **k),
        {
            "scale": {
                "class_name": "__numpy__",
                "config": {"value": [1.0, 2.0, 3.0, 4.0], "dtype": "float32"},
            },
            "offset": 0.5,
        },
        True,
    ),
]
every_layer = pytest.mark.parametrize(
    ("make", "extra", "has_build_config"),
    LAYERS,
    ids=[f"{make().name}-{i}" for i, (make, *_) in enumerate(LAYERS)],
)


def as_json(value):
    """Return what is left of a config in a file."""
    return json.loads(json.dumps(value))


@every_layer
def test_configs_of_layers_are_keras_s(make, extra, has_build_config):
    layer = make(name="it", trainable=False, dtype="float64")
    expected = {"name": "it", "trainable": False, "dtype": policy("float64"), **extra}
    assert as_json(serialize_keras_object(layer.get_config())) == expected
    assert layer.get_build_config() is None
    layer(np.ones((2, 4)))
    description = as_json(layers.serialize(layer))
    built = {"build_config": {"input_shape": [2, 4]}} if has_build_config else {}
    assert description == described("keras.layers", type(layer).__name__, expected) | built


@every_layer
def test_layers_come_back_from_their_configs(make, extra, has_build_config):
    layer = make()
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    y = layer(x)
    found = layers.deserialize(as_json(layers.serialize(layer)))
    assert type(found) is type(layer)
    assert as_json(serialize_keras_object(found.get_config())) == as_json(
        serialize_keras_object(layer.get_config())
    )
    found.ensure_built((2, 4))
    assert [w.shape for w in found.weights] == [w.shape for w in layer.weights]
    found.set_weights(layer.get_weights())
    np.testing.assert_array_equal(found(x), y)


def test_input_layer():
    layer = InputLayer((3, None), dtype="int32", name="x")
    config = {
        "batch_shape": (None, 3, None),
        "dtype": "int32",
        "sparse": False,
        "ragged": False,
        "name": "x",
        "optional": False,
    }
    assert layer.get_config() == config
    found = layers.deserialize(as_json(layers.serialize(layer)))
    assert found.get_config() == config
    assert "build_config" not in layers.serialize(layer)


def test_what_is_refused_loads_as_none():
    config = Dense(2).get_config() | {"lora_rank": None, "lora_alpha": None}
    assert Dense.from_config(config).units == 2
    with pytest.raises(
        ValueError, match=r"Dense does not support lora_rank. Received: lora_rank=4"
    ):
        Dense.from_config(config | {"lora_rank": 4})
    with pytest.raises(ValueError, match="A layer's dtype must be 'float32' or 'float64'"):
        Dense.from_config(config | {"dtype": policy("mixed_float16")})


def test_deserialize_wants_a_layer():
    with pytest.raises(ValueError, match="Expected the config of a layer"):
        layers.deserialize(regularizers.serialize(regularizers.L2(0.1)))


# Models ------------------------------------------------------------------------------------------


def small_model(**options):
    inner = Sequential([Dense(4, name="hidden"), Dropout(0.5, name="drop")], name="inner")
    return Sequential([Input((3,), name="x"), inner, Dense(3, name="out")], name="m", **options)


def test_sequential_config():
    base = {"trainable": True, "dtype": policy()}
    x = {"dtype": "float32", "sparse": False, "ragged": False, "optional": False}
    hidden = {"name": "hidden", **base, **DENSE, "units": 4}
    drop = {"name": "drop", **base, "rate": 0.5, "seed": None, "noise_shape": None}
    shape = {"input_shape": [None, 3]}
    inner = {
        "name": "inner",
        **base,
        "layers": [
            described(
                "keras.layers",
                "InputLayer",
                {"batch_shape": [None, 3], "name": "input_layer"} | x,
            ),
            described("keras.layers", "Dense", hidden) | {"build_config": shape},
            described("keras.layers", "Dropout", drop),
        ],
        "build_input_shape": [None, 3],
    }
    outer = {
        "name": "m",
        **base,
        "layers": [
            described("keras.layers", "InputLayer", {"batch_shape": [None, 3], "name": "x"} | x),
            described("keras", "Sequential", inner) | {"build_config": shape, "compile_config": {}},
            described("keras.layers", "Dense", {"name": "out", **base, **DENSE})
            | {"build_config": {"input_shape": [None, 4]}},
        ],
        "build_input_shape": [None, 3],
    }
    description = described("keras", "Sequential", outer) | {
        "build_config": shape,
        "compile_config": {},
    }
    assert json.loads(small_model().to_json()) == description


def test_a_model_that_is_not_built_has_no_shapes():
    model = Sequential([Dense(2)])
    config = model.get_config()
    assert list(config) == ["name", "trainable", "dtype", "layers"]
    assert "build_config" not in serialize_keras_object(model)
    assert not Sequential.from_config(config).built
    model.build((4, 3))
    found = Sequential.from_config(model.get_config())
    assert found.built
    assert found.input_shape == (4, 3)
    assert found.get_config()["build_input_shape"] == (4, 3)


def test_sequential_from_config_needs_a_name_and_layers():
    for config in ({"layers": []}, {"name": "m"}, {"name": 3, "layers": []}):
        with pytest.raises(ValueError, match=r"with a 'name' and a list of 'layers'. Received"):
            Sequential.from_config(config)


def test_sequential_from_config_builds_as_often_as_keras():
    config = Sequential([Input((2,)), Dense(2), Dense(2), Dense(2)]).get_config()
    scratchnn.utils.clear_session()
    Sequential.from_config(config)
    assert scratchnn.naming.auto_name("functional") == "functional_3"


def test_json_makes_the_model_again():
    model = small_model()
    model.layers[0].trainable = False
    found = model_from_json(model.to_json(indent=2))
    assert found.get_config() == model.get_config()
    assert [w.shape for w in found.weights] == [w.shape for w in model.weights]
    # As in Keras, the weights are made by the layers themselves, not by the model they are in.
    assert [w.path for w in found.weights][:1] == ["hidden/kernel"]
    assert not found.weights[0].trainable
    assert found.weights[2].trainable
    frozen = small_model(trainable=False)
    assert not model_from_json(frozen.to_json()).trainable


def test_compile_config():
    model = small_model()
    assert model.get_compile_config() == {}
    model.compile(
        optimizers.SGD(0.5, momentum=0.9),
        losses.MeanSquaredError(),
        metrics=["mae"],
        weighted_metrics=[],
        loss_weights=2.0,
    )
    config = model.get_compile_config()
    assert config["optimizer"]["class_name"] == "SGD"
    assert config["loss"]["class_name"] == "MeanSquaredError"
    del config["optimizer"], config["loss"]
    assert config == {
        "loss_weights": 2.0,
        "metrics": ["mae"],
        "weighted_metrics": [],
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }
    found = model_from_json(model.to_json())
    assert found.compiled
    assert found.get_compile_config() == model.get_compile_config()
    assert [v.name for v in found.optimizer.variables][:3] == [
        "iteration",
        "learning_rate",
        "hidden_kernel_momentum",
    ]
    x, y = np.ones((8, 3), "float32"), np.zeros((8, 3), "float32")
    found.set_weights(model.get_weights())
    assert found.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_what_is_frozen_after_loading_stays():
    model = Sequential([Input((3,)), Dense(3), Dense(1)])
    model.compile("sgd", "mse")
    found = model_from_json(model.to_json())
    found.layers[0].trainable = False
    found.compile("sgd", "mse")
    before = found.get_weights()
    found.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    np.testing.assert_array_equal(found.get_weights()[0], before[0])
    assert (found.get_weights()[2] != before[2]).any()


def test_a_compile_of_your_own():
    class Own(Sequential):
        def compile(self, *args, **kwargs):
            super().compile(*args, **kwargs)

    model = Own([Input((2,)), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="is not compiled, because Own has a compile"):
        found = model_from_json(model.to_json(), {"Own": Own})
    assert type(found) is Own
    assert not found.compiled


def test_model_from_json_wants_json():
    with pytest.raises(json.JSONDecodeError):
        model_from_json("Sequential")


# clone_model -------------------------------------------------------------------------------------


def test_clone_model():
    model = small_model()
    model.compile("adam", "mse", metrics=["mae"])
    found = clone_model(model)
    assert found.get_config() == model.get_config()
    assert found.get_compile_config() == model.get_compile_config()
    assert [w.path for w in found.weights][::2] == ["hidden/kernel", "m/out/kernel"]
    kernel, other = found.weights[0], model.weights[0]
    assert kernel is not other
    assert (kernel.value != other.value).any()
    assert clone_model(Sequential([Dense(1)])).layers[0].units == 1


def test_clone_function():
    model = small_model()
    seen = []

    def clone(layer):
        seen.append(layer.name)
        config = layer.get_config()
        return type(layer).from_config(config | {"name": f"{config['name']}_copy"})

    found = clone_model(model, clone_function=clone)
    assert seen == ["inner", "out"]
    assert [layer.name for layer in found.layers] == ["inner_copy", "out_copy"]
    seen.clear()
    found = clone_model(model, clone_function=clone, recursive=True)
    assert seen == ["hidden", "drop", "out"]
    assert found.layers[0].layers[0].name == "hidden_copy"
    assert found.layers[0].name == "inner"


def test_clone_onto_another_input():
    model = Sequential([Input((3,)), Flatten()])
    assert clone_model(model, Input((7,))).input_shape == (None, 7)
    assert clone_model(model, [Input((7,))]).input_shape == (None, 7)
    with pytest.raises(ValueError, match="`input_tensors` must be what Input"):
        clone_model(model, np.ones(3))


def test_clone_model_refuses():
    with pytest.raises(ValueError, match="`call_function` is for functional models"):
        clone_model(small_model(), call_function=print)
    for options in ({"clone_function": print}, {"call_function": print}):
        with pytest.raises(ValueError, match="are for Sequential and functional models"):
            clone_model(models.Model(name="m"), **options)


def test_clone_a_model_of_your_own():
    class Own(models.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

    assert clone_model(Own(3)).units == 3


# Classes of your own -----------------------------------------------------------------------------


class Scale(Layer):
    def __init__(self, factor, offsets=(0.0,), **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.offsets = offsets

    def forward(self, x, ctx):
        return x * self.factor


class Power(Layer):
    def __init__(self, exponent):
        super().__init__()
        self.exponent = exponent

    def forward(self, x, ctx):
        return x**self.exponent

    def get_config(self):
        return {"exponent": self.exponent}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def halve(x):
    return x / 2


def test_a_layer_without_get_config_is_made_of_its_arguments():
    layer = Scale(2.0, offsets=[1, None], name="s")
    expected = {
        "name": "s",
        "trainable": True,
        "dtype": policy(),
        "factor": 2.0,
        "offsets": [1, None],
    }
    assert layer.get_config() == expected
    assert Scale(3, dtype="float64").get_config()["dtype"] == policy("float64")
    assert Scale(3).get_config()["offsets"] == (0.0,)
    found = Scale.from_config(as_json(layer.get_config()))
    assert found.get_config() == expected


def test_only_plain_arguments_make_a_config():
    with pytest.raises(NotImplementedError, match="Scale must define get_config"):
        Scale(np.ones(3)).get_config()

    class Many(Layer):
        def __init__(self, *sizes):
            super().__init__()

    assert "sizes" not in Many().get_config()
    with pytest.raises(NotImplementedError, match="Many must define get_config"):
        Many(1, 2).get_config()

    class NoName(Layer):
        def __init__(self, size):
            super().__init__()

    assert NoName(1).get_config() == {"size": 1}

    class Plain(Layer):
        pass

    config = Plain(name="p", activity_regularizer="l2").get_config()
    assert config["activity_regularizer"]["class_name"] == "L2"
    assert set(config) == {"name", "trainable", "dtype", "activity_regularizer"}


def test_a_layer_of_your_own_is_known_by_custom_objects_only():
    model = Sequential([Input((2,)), Scale(3.0), Power(2)])
    description = json.loads(model.to_json())["config"]["layers"]
    assert description[1]["registered_name"] == "Scale"
    assert description[1]["module"] == __name__
    assert description[2]["config"] == {"exponent": 2}
    with pytest.raises(ValueError, match=r"The class 'Scale' of module .* is not known. If it is"):
        model_from_json(model.to_json())
    own = {"Scale": Scale, "Power": Power}
    found = model_from_json(model.to_json(), own)
    np.testing.assert_array_equal(found(np.full((1, 2), 2.0)), [[36.0, 36.0]])
    with saving.custom_object_scope(own):
        assert model_from_json(model.to_json()).layers[1].exponent == 2
    with pytest.raises(ValueError, match="The class 'Power'"):
        model_from_json(model.to_json(), {"Scale": Scale})


def test_registered_classes_are_known():
    known = saving.get_custom_objects()
    try:
        registered = saving.register_keras_serializable("tests", "Doubled")(Power)
        assert registered is Power
        assert saving.get_registered_name(Power) == "tests>Doubled"
        assert saving.get_registered_object("tests>Doubled") is Power
        description = layers.serialize(Power(2))
        assert description["registered_name"] == "tests>Doubled"
        assert layers.deserialize(as_json(description)).exponent == 2
    finally:
        known.pop("tests>Doubled")
        saving.registration._names.pop(Power)
    # A file of a program that registered it, in one that names it instead.
    assert layers.deserialize(as_json(description), {"Power": Power}).exponent == 2
    with pytest.raises(ValueError, match=r"A class must define get_config\(\) to be registered"):
        saving.register_keras_serializable()(int)


def test_yours_does_not_take_the_place_of_keras_s():
    class Dense(layers.Dense):
        pass

    description = layers.serialize(layers.Dense(2))
    assert type(layers.deserialize(description, {"Dense": Dense})) is layers.Dense
    description = layers.serialize(Dense(2))
    assert type(layers.deserialize(description, {"Dense": Dense})) is Dense


def test_functions():
    description = serialize_keras_object(halve)
    assert description == {
        "module": "builtins",
        "class_name": "function",
        "config": "halve",
        "registered_name": "function",
    }
    assert deserialize_keras_object(description, {"halve": halve}) is halve
    with pytest.raises(ValueError, match=r"The function 'halve' is not known. If it is your own"):
        deserialize_keras_object(description)
    mse = serialize_keras_object(losses.mean_squared_error)
    assert deserialize_keras_object(mse) is losses.mean_squared_error
    with pytest.raises(TypeError, match="A lambda has no name"):
        serialize_keras_object(lambda x: x)


@pytest.mark.parametrize("name", ["get", "deserialize", "serialize", "np", "__import__", "Loss"])
def test_only_functions_that_compute_can_be_named(name):
    for module in ("builtins", "keras.activations", "os", None):
        with pytest.raises(ValueError, match=f"The function '{name}' is not known"):
            deserialize_keras_object({"module": module, "class_name": "function", "config": name})
    with pytest.raises(TypeError, match="A function's config is its name"):
        deserialize_keras_object({"class_name": "function", "config": {}})


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2.5, "text", [1, [2, "x"]], {"a": {"b": [None]}}],
    ids=repr,
)
def test_plain_values_stay(value):
    assert serialize_keras_object(value) == value
    assert deserialize_keras_object(as_json(value)) == value


def test_arrays():
    array = np.array([[1, 2], [3, 4]], "int16")
    description = serialize_keras_object(array)
    assert description == {
        "class_name": "__numpy__",
        "config": {"value": [[1, 2], [3, 4]], "dtype": "int16"},
    }
    found = deserialize_keras_object(as_json(description))
    np.testing.assert_array_equal(found, array, strict=True)
    tensor = deserialize_keras_object(as_json(serialize_keras_object(as_tensor(array))))
    assert isinstance(tensor, type(as_tensor(array)))
    assert serialize_keras_object(np.float32(0.5)) == 0.5
    assert type(serialize_keras_object(np.int64(3))) is int
    assert serialize_keras_object(np.array(3.0)) == 3.0
    assert serialize_keras_object((1, 2)) == (1, 2)


@pytest.mark.parametrize(
    ("inner", "error", "reason"),
    [
        ({"value": [1], "dtype": "object"}, TypeError, "one of numbers"),
        ({"value": ["x"], "dtype": "U1"}, TypeError, "one of numbers"),
        ({"value": [1]}, TypeError, "a value and a dtype"),
        ([1, 2], TypeError, "a value and a dtype"),
        ({"value": [1, [2]], "dtype": "float32"}, ValueError, "inhomogeneous"),
    ],
)
def test_arrays_are_numbers(inner, error, reason):
    with pytest.raises(error, match=reason):
        deserialize_keras_object({"class_name": "__numpy__", "config": inner})


def test_what_cannot_be_serialized():
    with pytest.raises(TypeError, match=r"Only objects with a get_config\(\)"):
        serialize_keras_object(object())


@pytest.mark.parametrize(
    ("config", "error", "reason"),
    [
        (object(), TypeError, "A config is made of dicts, lists, strings and numbers"),
        ({"class_name": 3, "config": {}}, TypeError, "class_name must be a string"),
        (
            {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
            ValueError,
            "Python byte code, which is never run here",
        ),
        (
            described("keras.layers", "Densee", {}),
            ValueError,
            "The class 'Densee' of module 'keras.layers' is not known. Did you mean 'Dense'?",
        ),
        (described("keras.layers", "Lambda", {}), TypeError, "function"),
        (
            described(
                "keras.layers",
                "Lambda",
                {"function": {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}},
            ),
            ValueError,
            "Python byte code, which is never run here",
        ),
        (described("os", "system", {}), ValueError, "The class 'system' of module 'os'"),
        (described("builtins", "eval", {}), ValueError, "is not known"),
        (described("keras.layers", "Input", {}), ValueError, "is not known"),
        (described("keras.layers", "deserialize", {}), ValueError, "is not known"),
        (described("keras", "load_model", {}), ValueError, "is not known"),
        (
            described("keras.layers", "Dense", [3]),
            TypeError,
            "The config of a Dense must be a dict",
        ),
        (described("keras.layers", "Dense", {}), TypeError, "units"),
        (described("keras.layers", "Dense", {"unit": 3}), TypeError, "unit"),
    ],
)
def test_configs_that_are_wrong(config, error, reason):
    with pytest.raises(error) as raised:
        deserialize_keras_object(config)
    assert reason in str(raised.value)


def test_a_named_class_must_have_from_config():
    with pytest.raises(TypeError, match=r"has no from_config\(\)"):
        deserialize_keras_object(
            {"module": None, "class_name": "int", "config": {}, "registered_name": "int"},
            {"int": int},
        )


def test_safe_mode_has_no_other():
    with pytest.raises(ValueError, match="safe_mode=False is not supported"):
        deserialize_keras_object(None, safe_mode=False)


def test_scopes_nest_and_end():
    with saving.CustomObjectScope({"f": halve}):
        with saving.custom_object_scope({"f": print}):
            assert saving.get_registered_object("f") is print
        assert saving.get_registered_object("f") is halve
    assert saving.get_registered_object("f") is None
    assert saving.get_registered_object("f", module_objects={"f": halve}) is halve
    assert saving.get_registered_object("f", {"f": print}, {"f": halve}) is print
