"""Bad input: a clear error, of what was expected and received, and a model left as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from labels import label

from scratchnn import Input, Sequential, config, layers, losses
from scratchnn.layers import Activation, Dense, Dropout, Flatten, InputLayer, ReLU, Reshape
from scratchnn.optimizers import Adam

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4)).astype("f")
LABELS = np.arange(10) % 3
ONE_HOT = np.eye(3, dtype="f")[LABELS]
NAN = np.array([0, 1, np.nan, 2, 0, np.nan, 1, 2, 0, 1])


def state(model):
    """Return all that a failed call must not change."""
    optimizer = model.optimizer
    return {
        "weights": [w.tobytes() for w in model.get_weights()],
        "built": [layer.built for layer in model.walk()],
        "shapes": [(layer.input_shape, layer.output_shape) for layer in model.walk()],
        "compiled": (model.compiled, model.loss, id(optimizer)),
        "optimizer": optimizer
        and (optimizer.built, [v.numpy().tobytes() for v in optimizer.variables]),
        "history": (id(model.history), copy.deepcopy(vars(model.history or model).get("history"))),
        "stop": model.stop_training,
    }


def make(loss="sparse_categorical_crossentropy", units=3, **options):
    model = Sequential([Dense(5, "tanh"), Dense(units, "softmax" if units > 1 else None)])
    model.compile(Adam(), loss, **{"metrics": ["accuracy"], **options})
    return model


def unbuilt(**options):
    return make(**options)


def built(**options):
    model = make(**options)
    model.build((None, 4))
    return model


def trained(**options):
    model = make(**options)
    y = {"categorical_crossentropy": ONE_HOT, "mse": X[:, :1], "mae": X[:, :1]}.get(
        options.get("loss"), LABELS
    )
    model.fit(X, y, epochs=2, verbose=0)
    return model


def fails(model, call, *texts):
    """Check that a call fails with a ValueError that holds these texts, and changes nothing."""
    before = state(model)
    with pytest.raises(ValueError, match=texts[0]) as error:
        call(model)
    for text in texts[1:]:
        assert text in str(error.value)
    assert state(model) == before


every_stage = pytest.mark.parametrize("stage", [unbuilt, built, trained])


def fit(x=X, y=LABELS, **options):
    return lambda model: model.fit(x, y, verbose=0, **options)


# --- data that cannot be trained on

BAD_DATA = {
    "lengths differ": (fit(X[:9]), "same number of samples", "x with 9", "y with 10"),
    "weights' length differs": (
        fit(sample_weight=np.ones(9)),
        "same number of samples",
        "sample_weight with 9",
    ),
    "no x": (fit(None), "x must be an array of numbers", "NoneType"),
    "no y": (fit(y=None), "targets `y` are missing"),
    "no samples": (fit(X[:0], LABELS[:0]), "x is empty", "(0, 4)"),
    "empty lists": (fit([], []), "x is empty"),
    "empty y": (fit(X, []), "y is empty"),
    "strings": (fit([["a", "b"]] * 10), "x must be an array of numbers", "list of strings"),
    "labels that are strings": (
        fit(y=["cat"] * 10),
        "y must be an array of numbers",
        "list of strings",
    ),
    "objects": (fit(np.array([{}] * 10)), "x must be an array of numbers", "object"),
    "complex numbers": (fit(X * 1j), "x must be an array of numbers", "complex"),
    "ragged lists": (fit([[1, 2], [3]]), "nested lists of equal lengths"),
    "a number": (fit(3.0), "x must be a batch", "Write [3.0]"),
    "one label": (fit(X[:1], 1), "y must be a batch", "Write [1]"),
    "a label too high": (
        fit(y=LABELS + 1),
        r"expected labels in \[0, 3\)",
        "the model has 3 outputs",
        "Received: 3 at index 2, one of 3 such labels",
    ),
    "a negative label": (fit(y=LABELS - 1), r"labels in \[0, 3\)", "Received: -1 at index 0"),
    "labels with fractions": (
        fit(y=LABELS + 0.5),
        "expected labels that are whole numbers",
        "Received: 0.5 at index 0",
    ),
    "labels that are NaN": (fit(y=NAN), "labels that are whole numbers", "nan at index 2"),
    "labels that are infinite": (
        fit(y=np.where(LABELS, np.inf, 0)),
        "whole numbers",
        "inf at index 1",
    ),
    "one-hot labels": (
        fit(y=ONE_HOT),
        "expected integer labels of shape",
        "Received: labels of shape (10, 3)",
        "For one-hot labels use 'categorical_crossentropy'",
    ),
    "labels of another shape": (fit(y=np.zeros((10, 2))), "expected integer labels", "(10, 2)"),
    "weights of another shape": (
        fit(sample_weight=np.ones((10, 3))),
        "sample_weight must have the shape of the loss's values",
        "(10,)",
        "Received: shape (10, 3)",
    ),
    "weights that are strings": (fit(sample_weight=["1"] * 10), "sample_weight must be an array"),
    "both kinds of weights": (
        fit(class_weight={0: 1.0}, sample_weight=np.ones(10)),
        "either class_weight or sample_weight, not both",
    ),
    "class weights in a list": (fit(class_weight=[1, 2, 3]), "class_weight must be a dict"),
    "all for validation": (fit(validation_split=1.0), "validation_split must be between 0 and 1"),
    "more than all": (fit(validation_split=1.5), "must be between 0 and 1", "Received: 1.5"),
    "less than nothing": (fit(validation_split=-0.1), "must be between 0 and 1"),
    "nearly all": (fit(validation_split=0.99), "of 10 samples leaves nothing for training"),
    "validation without targets": (
        fit(validation_data=(X,)),
        r"validation_data must be \(x, y\), \(x, y, sample_weight\) or batches",
        "tuple of length 1",
    ),
    "validation on an array": (fit(validation_data=X), "validation_data must be", "ndarray"),
    "validation of other features": (
        fit(validation_data=(X[:, :3], LABELS)),
        r"expected inputs of shape \(N, 4\). Received: \(10, 3\)",
    ),
    "validation labels too high": (fit(validation_data=(X, LABELS + 5)), r"labels in \[0, 3\)"),
    "validation of other lengths": (fit(validation_data=(X, LABELS[:3])), "same number of samples"),
}


@every_stage
@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data(stage, case):
    call, *texts = BAD_DATA[case]
    fails(stage(), call, *texts)


BAD_ARGUMENTS = {
    "verbose": ({"verbose": 3}, "verbose must be 0, 1, 2 or 'auto'", "3"),
    "verbose as a word": ({"verbose": "loud"}, "verbose must be", "'loud'"),
    "callbacks": ({"callbacks": [5]}, "callbacks must be objects of classes", "5"),
    "one number as callback": ({"callbacks": 5}, "callbacks must be", "5"),
    "a class as callback": ({"callbacks": [Dense]}, "not the class itself"),
    "batch_size": ({"batch_size": -1}, "batch_size must be at least 1", "-1"),
    "half a batch": ({"batch_size": 0.5}, "batch_size must be a whole number", "0.5"),
    "epochs": ({"epochs": 1.5}, "epochs must be a whole number", "1.5"),
    "epochs as a word": ({"epochs": "3"}, "epochs must be a whole number", "'3'"),
    "initial_epoch": ({"initial_epoch": 0.5}, "initial_epoch must be a whole number"),
    "steps": ({"steps_per_epoch": 0}, "steps_per_epoch must be at least 1"),
    "validation_steps": ({"validation_steps": -1}, "validation_steps must be at least 1"),
    "validation_batch_size": ({"validation_batch_size": -1}, "validation_batch_size must"),
    "validation_freq": ({"validation_freq": 0}, "validation_freq must be at least 1"),
    "validation_freq as words": ({"validation_freq": ["1"]}, "validation_freq must be"),
    "shuffle": ({"shuffle": "bach"}, "shuffle must be True, False or 'batch'", "'bach'"),
}


@every_stage
@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_of_fit(stage, case):
    options, *texts = BAD_ARGUMENTS[case]
    model = stage()
    fails(model, lambda m: m.fit(X, LABELS, **{"verbose": 0, **options}), *texts)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"verbose": 3}, "verbose must be"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"batch_size": "2"}, "batch_size must be a whole number"),
        ({"steps": -1}, "steps must be at least 1"),
        ({"callbacks": [5]}, "callbacks must be"),
    ],
)
@every_stage
def test_bad_arguments_of_evaluate_and_predict(stage, method, options, text):
    data = (X, LABELS) if method == "evaluate" else (X,)
    options = {"verbose": 0, **options}
    fails(stage(), lambda m: getattr(m, method)(*data, **options), text)


# --- inputs that do not fit the model


@pytest.mark.parametrize("stage", [built, trained])
@pytest.mark.parametrize("shape", [(10, 5), (10,), (10, 4, 2), (10, 2, 4), (4, 10)], ids=str)
def test_inputs_of_another_shape(stage, shape):
    text = rf"expected inputs of shape \(N, 4\). Received: \({', '.join(map(str, shape))}"
    x = np.ones(shape)
    model = stage()
    fails(model, lambda m: m.predict(x, verbose=0), text)
    fails(model, lambda m: m(x), text)
    fails(model, lambda m: m.fit(x, np.zeros(len(x)), verbose=0), text)
    fails(model, lambda m: m.evaluate(x, np.zeros(len(x)), verbose=0), text)
    fails(model, lambda m: m.train_on_batch(x, np.zeros(len(x))), text)


def test_inputs_that_no_model_can_be_built_for():
    fails(unbuilt(), fit(X[:, 0]), "expected an input of rank 2 or more", "(N, ..., D)")
    fails(unbuilt(), lambda m: m.predict(X[:, 0], verbose=0), "rank 2 or more")
    fails(unbuilt(), lambda m: m.build((None, None)), "fixed size")
    model = Sequential([Flatten(), Dense(3), Reshape((2, 2))])
    model.compile("sgd", "mse")
    fails(model, fit(), r"cannot reshape samples of shape \(3,\), 3 numbers each, to \(2, 2\)")


@every_stage
def test_one_batch(stage):
    for method in ("train_on_batch", "test_on_batch"):
        model = stage()
        fails(model, lambda m, f=method: getattr(m, f)(X, LABELS + 5), r"labels in \[0, 3\)")
        fails(model, lambda m, f=method: getattr(m, f)(X, LABELS[:3]), "same number of samples")
        fails(model, lambda m, f=method: getattr(m, f)(X), "targets `y` are missing")


# --- targets that do not fit the loss


@every_stage
@pytest.mark.parametrize("y", [LABELS, LABELS[:, np.newaxis]], ids=["(N,)", "(N, 1)"])
def test_integer_labels_for_the_categorical_crossentropy(stage, y):
    model = stage(loss="categorical_crossentropy")
    text = "expected one-hot targets of the model's output shape"
    fails(model, fit(y=y), text, "'sparse_categorical_crossentropy'", "to_categorical")


@every_stage
def test_targets_of_another_shape(stage):
    model = stage(loss="mse", units=1)
    text = r"'mean_squared_error' expected targets of the model's output shape, \(N, 1\)"
    fails(model, fit(y=ONE_HOT), text, "(N, 3)")
    fails(model, fit(y=np.zeros((10, 1, 2))), text, "(N, 1, 2)")


@every_stage
@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_targets_that_are_nan(stage, loss):
    model = stage(loss=loss, units=1) if loss == "mse" else unbuilt(loss=loss, units=1)
    text = "targets .* must be numbers. Received: NaN in 2 of 10 samples, the first at index 2"
    fails(model, fit(y=NAN), text)


def test_inputs_that_are_nan_are_warned_of_and_trained_on():
    model = built()
    with pytest.warns(RuntimeWarning, match="The loss became nan in epoch 1, step 1") as found:
        history = model.fit(X * np.nan, LABELS, epochs=3, verbose=0)
    assert len(found) == 1
    assert np.isnan(history.history["loss"]).all()


# --- models that are not ready


def test_fit_before_compile():
    model = Sequential([Input((4,)), Dense(3)])
    text = "must be compiled before it is trained or evaluated: call model.compile"
    for call in (
        fit(),
        lambda m: m.evaluate(X, LABELS),
        lambda m: m.train_on_batch(X, LABELS),
        lambda m: m.test_on_batch(X, LABELS),
    ):
        fails(model, call, text)


def test_fit_without_a_loss():
    model = Sequential([Input((4,)), Dense(3)])
    model.compile("sgd")
    for call in (fit(), lambda m: m.evaluate(X, LABELS), lambda m: m.train_on_batch(X, LABELS)):
        fails(model, call, "no loss to train or evaluate with")


def test_a_model_without_layers():
    model = Sequential()
    model.compile("sgd", "mse")
    for call in (fit(), lambda m: m(X), lambda m: m.predict(X, verbose=0)):
        fails(model, call, "has no layers")


# --- names nobody knows


@every_stage
@pytest.mark.parametrize(
    ("options", "text", "nearest"),
    [
        ({"optimizer": "adamm"}, "optimizer identifier: 'adamm'", "adam"),
        ({"optimizer": "sdg"}, "optimizer identifier: 'sdg'", "sgd"),
        ({"loss": "mean_square_error"}, "loss identifier", "mean_squared_error"),
        (
            {"loss": "sparse_categorical_cross_entropy"},
            "loss identifier",
            "sparse_categorical_crossentropy",
        ),
        ({"metrics": ["acuracy"]}, "metric identifier: 'acuracy'", "accuracy"),
        ({"weighted_metrics": ["mean_squared_eror"]}, "metric identifier", "mean_squared_error"),
    ],
)
def test_unknown_names_in_compile(stage, options, text, nearest):
    def compile_again(model):
        model.compile(**{"optimizer": "sgd", "loss": "mse", **options})

    fails(stage(), compile_again, f"Could not interpret {text}", f"Did you mean {nearest!r}?")


@every_stage
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"optimizer": 3}, "optimizer identifier: 3"),
        ({"loss": 3}, "loss identifier: 3"),
        ({"loss": lambda y, p: 0}, "'<lambda>' has no gradient"),
        ({"loss": ["mse", "mae"]}, "`loss` must have one entry"),
        ({"metrics": "mae"}, r"`metrics` must be a list, tuple or dict, such as \['mae'\]"),
        ({"metrics": [3]}, "metric identifier: 3"),
        ({"loss_weights": ["a"]}, "loss_weights.* must be a number"),
        ({"steps_per_execution": 0}, "steps_per_execution must be at least 1"),
        ({"steps_per_execution": "a"}, "steps_per_execution must be a whole number"),
    ],
    ids=label,
)
def test_bad_arguments_of_compile(stage, options, text):
    def compile_again(model):
        model.compile(**{"optimizer": "sgd", "loss": "mse", **options})

    fails(stage(), compile_again, text)


@pytest.mark.parametrize(
    ("make_layer", "text", "nearest"),
    [
        (lambda: Dense(3, "rellu"), "activation identifier: 'rellu'", "relu"),
        (lambda: Activation("sofmax"), "activation identifier: 'sofmax'", "softmax"),
        (
            lambda: Dense(3, kernel_initializer="glorot_unifrm"),
            "initializer identifier: 'glorot_unifrm'",
            "glorot_uniform",
        ),
        (
            lambda: Dense(3, kernel_regularizer="l1_l2"),
            "regularizer identifier: 'l1_l2'",
            "l1l2",
        ),
        (
            lambda: Dense(3, kernel_constraint="maxnorm"),
            "constraint identifier: 'maxnorm'",
            "max_norm",
        ),
    ],
    ids=label,
)
def test_unknown_names_in_layers(make_layer, text, nearest):
    with pytest.raises(ValueError, match=f"Could not interpret {text}") as error:
        make_layer()
    assert f"Did you mean {nearest!r}?" in str(error.value)


def test_a_function_without_a_derivative():
    def swish(x):
        return x / (1 + np.exp(-x))

    for make_layer in (lambda: Dense(3, swish), lambda: Activation(swish)):
        with pytest.raises(ValueError, match="derivative of the activation function 'swish'") as e:
            make_layer()
        assert "swish.gradient = lambda dy, x, y: ..." in str(e.value)
    with pytest.raises(ValueError, match="needs its gradient, which the function"):
        Dense(3, kernel_regularizer=lambda w: 0)


# --- arguments of layers


@pytest.mark.parametrize("units", [0, -1, 2.5, 2.0, "3", None, True, [3], np.float32(2)], ids=repr)
def test_units(units):
    with pytest.raises(ValueError, match=r"expected a positive whole number for `units`.*units="):
        Dense(units)


@pytest.mark.parametrize("units", [3, np.int64(3), np.uint8(3)], ids=repr)
def test_units_of_any_whole_type(units):
    assert Dense(units)(X).shape == (10, 3)
    assert type(Dense(units).units) is int


@pytest.mark.parametrize(
    ("make_layer", "error", "text"),
    [
        (lambda: Dense(3, activations="relu"), ValueError, "Did you mean 'activation'"),
        (lambda: Dense(3, unit=4), ValueError, "passed to Dense: {'unit': 4}. .* 'units'"),
        (lambda: Dense(3, use_bais=False), ValueError, "Did you mean 'use_bias'"),
        (lambda: Dense(3, nmae="a"), ValueError, "Did you mean 'name'"),
        (lambda: Dropout(0.5, rat=1), ValueError, "Did you mean 'rate'"),
        (lambda: Dense(3, name=3), ValueError, "name must be a string. Received: 3"),
        (lambda: Dense(3, dtype="float16"), ValueError, "must be 'float32' or 'float64'"),
        (lambda: Dense(3, dtype="int32"), ValueError, "must be 'float32' or 'float64'"),
        (lambda: Dense(3, lora_rank=2), ValueError, "Dense does not support lora_rank"),
        (lambda: Dropout(1.5), ValueError, r"rate in \[0, 1\].*Received: 1.5"),
        (lambda: Dropout("a"), ValueError, r"rate in \[0, 1\].*Received: a"),
        (lambda: Dropout(None), ValueError, r"rate in \[0, 1\]"),
        (lambda: ReLU(max_value=-1), ValueError, "max_value of a ReLU must not be negative"),
        (lambda: ReLU(negative_slope=None), ValueError, "negative_slope of a ReLU must not be"),
        (lambda: Reshape((-1, -1)), ValueError, "-1 at most once"),
        (lambda: Reshape((-2,)), ValueError, "not negative, with -1 at most once"),
        (lambda: Flatten("channels"), ValueError, "data_format must be one of"),
        (lambda: Input(), ValueError, r"Input needs a shape.*Input\(shape=\(28, 28\)\)"),
        (lambda: Input(5), ValueError, "must be a sequence of sizes"),
        (lambda: Input("abc"), ValueError, "must be a sequence of sizes"),
        (lambda: Input((2.5,)), ValueError, "must be whole numbers that are not negative"),
        (lambda: Input((-1,)), ValueError, "must be whole numbers that are not negative"),
        (lambda: Input((3,), sparse=True), ValueError, "are not supported as inputs"),
        (lambda: InputLayer(), ValueError, "Input needs a shape"),
        (lambda: config.set_floatx("float16"), ValueError, "floatx must be one of.*'float16'"),
        (lambda: config.set_image_data_format("x"), ValueError, "data_format must be one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_arguments_of_layers(make_layer, error, text):
    with pytest.raises(error, match=text):
        make_layer()


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (Dense(3), (5,), r"rank 2 or more, \(N, ..., D\). Received: shape \(5,\)"),
        (Dense(3), (), r"rank 2 or more"),
        (Reshape((4,)), (2, 3), r"cannot reshape samples of shape \(3,\), 3 numbers each"),
        (Flatten(), (), r"rank 1 or more"),
        (Dropout(0.5, noise_shape=(None, 1)), (2, 3, 4), r"rank 2, that of its noise_shape"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_inputs_that_a_layer_cannot_take(layer, shape, text):
    with pytest.raises(ValueError, match=text):
        layer(np.ones(shape, "f"), training=True)


def test_a_built_layer_wants_the_features_it_was_built_for():
    layer = Dense(3)
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"fixed size of 4. Received: shape \(10, 3\)"):
        layer(X[:, :3])
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_data_that_a_layer_cannot_take():
    with pytest.raises(ValueError, match=r"expected an array of numbers. Received: strings, shape"):
        Dense(3)([["a"]])
    with pytest.raises(ValueError, match=r"expected an array of numbers. Received: dtype object"):
        Dense(3)(np.array([[None]]))


def test_an_unfinished_layer_says_what_it_needs():
    class Half(layers.Layer):
        def forward(self, x, ctx):
            return x * 2

    with pytest.raises(NotImplementedError, match=r"'Layer' must define forward\(x, ctx\)"):
        layers.Layer()(X)
    assert Half()(X).shape == (10, 4)
    model = Sequential([Input((4,)), Dense(4), Half()])
    model.compile("sgd", "mse")
    assert model.predict(X, verbose=0).shape == (10, 4)
    with pytest.raises(NotImplementedError, match=r"'Half' must define backward\(dy, ctx\)"):
        model.fit(X, X, verbose=0)


def test_a_backward_that_reads_what_forward_did_not_keep():
    class Forgetful(layers.Layer):
        def forward(self, x, ctx):
            return x * 2

        def backward(self, dy, ctx):
            return dy * ctx.x

    model = Sequential([Input((4,)), Dense(4), Forgetful()])
    model.compile("sgd", "mse")
    with pytest.raises(AttributeError, match=r"keeps no 'x': .*forward\(x, ctx\) must store"):
        model.fit(X, X, verbose=0)


def test_losses_on_their_own():
    with pytest.raises(ValueError, match=r"must be numbers. Received: dtype <U1, such as 'a'"):
        losses.MeanSquaredError()([["a"]], [[1.0]])
    with pytest.raises(ValueError, match=r"Received: NaN in 1 of 2 samples, the first at index 1"):
        losses.MeanSquaredError()([[1.0], [np.nan]], [[1.0], [1.0]])
    with pytest.raises(ValueError, match=r"labels in \[0, 2\)"):
        losses.SparseCategoricalCrossentropy()([2], [[0.5, 0.5]])


@pytest.mark.parametrize("name", ["input_shape", "batch_input_shape"])
def test_a_size_in_place_of_a_shape(name):
    with pytest.raises(ValueError, match=rf"{name} must be a sequence of sizes.*Received: 4"):
        Dense(3, **{name: 4})
