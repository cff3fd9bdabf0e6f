"""Configs of Keras 1 and 2: what they say today, and what is refused."""

from __future__ import annotations

import pytest

from scratchnn import layers
from scratchnn.saving import deserialize_keras_object
from scratchnn.saving.legacy_config import modern_compilation, modern_model


def old(kind, **config):
    return {"class_name": kind, "config": config}


def in_graph(name, calls, class_name="Dense", **config):
    own = {"units": 3, **config} if class_name == "Dense" else config
    return old(class_name, name=name, **own) | {"name": name, "inbound_nodes": calls}


INPUT = in_graph("x", [], "InputLayer", batch_input_shape=[None, 4], dtype="float32", sparse=False)


def graph(*described, outputs, inputs=(("x", 0, 0),)):
    return old(
        "Model",
        name="m",
        layers=list(described),
        input_layers=[list(place) for place in inputs],
        output_layers=[list(place) for place in outputs],
    )


def made(description, **custom_objects):
    return deserialize_keras_object(modern_model(description), custom_objects)


def test_a_sequential_of_keras_1():
    description = old("Sequential")
    description["config"] = [
        old("Dense", name="a", units=3, batch_input_shape=[None, 4], activation="relu"),
        old("Dense", name="b", units=2),
    ]
    model = made(description)
    assert model.input_shape == (None, 4)
    assert [layer.name for layer in model.layers] == ["a", "b"]


def test_arguments_that_changed():
    model = made(
        old(
            "Sequential",
            name="s",
            layers=[
                old("InputLayer", name="x", batch_input_shape=[None, 6], sparse=False),
                old("LeakyReLU", name="leaky", alpha=0.1),
                old("BatchNormalization", name="bn", axis=[1], renorm=False, fused=None),
                old("Reshape", target_shape={"class_name": "__tuple__", "items": [2, 3]}),
                old(
                    "Dense",
                    units=2,
                    kernel_initializer=old("VarianceScaling", scale=2.0, dtype="float32"),
                    dtype=old("Policy", name="float32"),
                ),
            ],
        )
    )
    leaky, bn, reshape, dense = model.layers
    assert leaky.negative_slope == 0.1
    assert bn.get_config()["axis"] == 1
    assert reshape.target_shape == (2, 3)
    assert dense.dtype == "float32"
    assert dense.get_config()["kernel_initializer"]["config"]["scale"] == 2.0


def test_calls_that_were_lists():
    inner = old(
        "Sequential",
        name="inner",
        layers=[old("Dense", name="d", units=4, batch_input_shape=[None, 4])],
    )
    model = made(
        graph(
            INPUT,
            {**inner, "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]], [["inner", 1, 0]]]},
            in_graph("add", [[["inner", 2, 0, {}], ["inner", 1, 0, {}]]], "Add"),
            outputs=[("add", 0, 0), ("inner", 1, 0)],
        )
    )
    assert model.connections(model.get_layer("add")) == ["inner[1][0]", "inner[0][0]"]
    assert model.output[1].layer.name == "inner"
    assert model.output[1].node is model.get_layer("add").nodes[0].inputs[1].node


def test_a_single_input_and_output_are_no_lists():
    model = made(graph(INPUT, in_graph("d", [[["x", 0, 0, {}]]]), outputs=[("d", 0, 0)]))
    assert model.input.shape == (None, 4)
    assert model.output.shape == (None, 3)


def test_layers_of_your_own():
    class Own(layers.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def forward(self, x, ctx):
            return x

    description = old("Sequential", name="s", layers=[old("Own", name="own", size=3)])
    with pytest.raises(ValueError, match="The class 'Own' is not known"):
        made(description)
    assert made(description, Own=Own).layers[0].size == 3


def test_functions_of_lambdas_by_name():
    def double(x):
        return 2 * x

    layer = old("Lambda", function="double", function_type="function", module="__main__")
    description = old("Sequential", name="s", layers=[layer])
    with pytest.raises(ValueError, match="The function 'double' is not known"):
        made(description)
    assert made(description, double=double).layers[0].function is double


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ([], "Expected a dict in a config"),
        ({"class_name": "Sequential"}, "Expected a dict with 'class_name' and 'config'"),
        (old("Sequential", name="s"), "Expected a list of 'layers'"),
        (old("Sequential", name="s", layers=[3]), "Expected a dict in a config"),
        (graph(INPUT, in_graph("d", [[]]), outputs=[("d", 0, 0)]), "a call on no tensor: "),
        (graph(INPUT, in_graph("d", [[[1, 0, 0]]]), outputs=[("d", 0, 0)]), "a call on no tensor"),
        (graph(INPUT, in_graph("d", [[["y", 0, 0]]]), outputs=[("d", 0, 0)]), "without inputs"),
        (
            old("Sequential", name="s", layers=[old("Lambda", function=["4wEAAAA=", None, None])]),
            "The config holds a lambda, as Python byte code, which is never run here",
        ),
        (
            old("Sequential", name="s", layers=[old("BatchNormalization", renorm=True)]),
            "BatchNormalization does not support renorm",
        ),
    ],
)
def test_what_is_refused(description, reason):
    with pytest.raises(ValueError, match=reason):
        made(description)


def compilation(**config):
    default = {"loss": "mse", "metrics": None, "loss_weights": None}
    return deserialize_keras_object(
        modern_compilation(default | {"optimizer_config": old("SGD", lr=0.5)} | config)
    )


def test_optimizers():
    sgd = compilation()["optimizer"]
    assert sgd.learning_rate == 0.5
    adam = compilation(
        optimizer_config=old(
            "Custom>Adam", name="Adam", learning_rate=0.25, epsilon=None, is_legacy_optimizer=False
        )
    )["optimizer"]
    assert (type(adam).__name__, adam.epsilon, adam.name) == ("Adam", 1e-7, "Adam")
    assert type(compilation(optimizer_config=old("rmsprop", lr=0.1))["optimizer"]).__name__ == (
        "RMSprop"
    )
    decayed = compilation(optimizer_config=old("SGD", lr=0.5, decay=0.1))["optimizer"]
    rates = [float(decayed.get_config()["learning_rate"]["config"][k]) for k in RATE]
    assert rates == [0.5, 1, 0.1]
    schedule = old("ExponentialDecay", initial_learning_rate=0.1, decay_steps=5, decay_rate=0.5)
    found = compilation(optimizer_config=old("SGD", learning_rate=schedule))["optimizer"]
    assert found.get_config()["learning_rate"]["class_name"] == "ExponentialDecay"


RATE = ("initial_learning_rate", "decay_steps", "decay_rate")


def test_losses_and_metrics():
    found = compilation(
        loss=old(
            "BinaryCrossentropy", reduction="auto", from_logits=True, fn="binary_crossentropy"
        ),
        metrics=[
            [
                old("MeanMetricWrapper", name="acc", dtype="float32", fn="binary_accuracy"),
                old("MeanMetricWrapper", name="mse", fn="mean_squared_error"),
                old("MeanMetricWrapper", name="mine", dtype="float32", fn="mean_absolute_error"),
                old("AUC", name="auc", num_thresholds=20),
            ]
        ],
    )
    assert found["loss"].get_config()["from_logits"]
    accuracy, mse, mine, auc = found["metrics"][0]
    assert (accuracy, mse, mine.name, auc.num_thresholds) == ("acc", "mse", "mine", 20)
    assert float(mine([1.0, 2.0], [2.0, 4.0])) == 1.5
    assert compilation(loss=old("LossFunctionWrapper", fn="mae", reduction="auto"))["loss"] == "mae"
    assert compilation(loss={"a": "mse", "b": old("Huber", delta=2.0)})["loss"]["b"].delta == 2.0
