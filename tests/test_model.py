"""Models: building, weights, fit in all its forms, Ctrl-C, sharing layers, threads, memory."""

from __future__ import annotations

import copy
import gc
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
from cases import Scale
from labels import label

import scratchnn as keras
from scratchnn import Input, Model, Sequential, config
from scratchnn.arrays import Tensor
from scratchnn.callbacks import Callback, LambdaCallback
from scratchnn.data import Batch
from scratchnn.layers import Dense, Dropout, Flatten, Identity, InputLayer, Rescaling, Reshape
from scratchnn.optimizers import SGD, Adam
from scratchnn.parameters import Parameter, ParameterStore

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4)).astype("f")
Y = RNG.normal(size=(10, 2)).astype("f")
LABELS = RNG.integers(0, 3, 10)


def mlp(units=2, activation=None):
    return Sequential([Input((4,)), Dense(5, "tanh"), Dense(units, activation)])


def compiled(units=2, **options):
    model = mlp(units)
    model.compile(**{"optimizer": SGD(0.1), "loss": "mse", **options})
    return model


def assert_same_weights(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


# --- building


def test_weights_given_to_a_layer_when_it_is_made():
    kernel, bias = np.arange(6.0).reshape(2, 3), np.ones(3)
    model = Sequential([Input((2,)), Dense(3, weights=[kernel, bias])])
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), [[4, 6, 8]])
    layer = Dense(3, weights=[kernel, bias])
    layer.build((None, 2))
    np.testing.assert_array_equal(layer.get_weights()[1], bias)
    layer = Dense(3, weights=[kernel, bias], name="d")
    for _ in range(2):  # it is not built with other weights the second time
        with pytest.raises(ValueError, match=r"expected shape \(5, 3\) for 'd/kernel'"):
            layer(np.ones((4, 5)))
        assert not layer.built
    with pytest.raises(ValueError, match="expected 0 arrays"):
        Flatten(weights=[kernel])(np.ones((4, 5)))


def test_a_model_is_built_as_soon_as_its_input_is_known():
    for first in (
        [Input((4,)), Dense(3)],
        [Input(shape=(4,)), Dense(3)],
        [InputLayer((4,)), Dense(3)],
        [InputLayer(batch_shape=(None, 4)), Dense(3)],
        [Dense(3, input_shape=(4,))],
        [Dense(3, input_dim=4)],
        [Dense(3, batch_input_shape=(None, 4))],
    ):
        model = Sequential(first)
        assert model.built
        assert (model.input_shape, model.output_shape) == ((None, 4), (None, 3))
        assert model.count_params() == 15
        assert [type(layer) for layer in model.layers] == [Dense]


def test_a_model_without_input_is_built_by_the_first_data_it_sees():
    for use in (
        lambda m: m.fit(X, Y, verbose=0),
        lambda m: m.evaluate(X, Y, verbose=0),
        lambda m: m.predict(X, verbose=0),
        lambda m: m.train_on_batch(X, Y),
        lambda m: m.test_on_batch(X, Y),
        lambda m: m.build((None, 4)),
        lambda m: m.build([None, 4]),
    ):
        model = Sequential([Dense(5), Dense(2)])
        model.compile("sgd", "mse")
        assert not model.built
        assert model.weights == []
        assert (model.input_shape, model.output_shape) == (None, None)
        use(model)
        assert model.built
        assert model.layers[0].kernel.shape == (4, 5)
        assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    model = Sequential([Dense(2)])
    model(X)
    assert (model.input_shape, model.output_shape) == ((10, 4), (10, 2))
    assert model(X[:3]).shape == (3, 2)  # any number of samples will do


def test_build_without_a_shape_takes_the_input():
    model = Sequential([Input((4,)), Dense(2)])
    weights = model.get_weights()
    model.build()
    assert model.input_shape == (None, 4)
    assert_same_weights(model.get_weights(), weights)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="needs to know its input: start with an Input"):
        Sequential([Dense(2)]).build()
    with pytest.raises(ValueError, match="has no layers"):
        Sequential().build((None, 4))


def test_layers_are_added_and_taken_off():
    model = Sequential(name="stack")
    assert model.name == "stack"
    assert model.pop() is None
    model.add(Input((4,)))
    assert not model.built
    model.add(Dense(3))
    assert model.output_shape == (None, 3)
    kernel = model.layers[0].kernel
    model.add(Dense(2))
    assert model.output_shape == (None, 2)
    assert len(model.weights) == 4
    assert model.layers[0].kernel is kernel
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 3)
    assert len(model.weights) == 2
    model.pop()
    assert not model.built
    assert model.layers == []
    model.add(Dense(7))
    assert model.output_shape == (None, 7)


def test_layers_can_be_added_without_building():
    model = Sequential([Input((4,))])
    model.add(Dense(3), rebuild=False)
    assert not model.built
    model.add(Dense(2))
    assert model.built
    model.pop(rebuild=False)
    assert not model.built


def test_layers_are_a_list_of_its_own():
    model = mlp()
    model.layers.clear()
    assert len(model.layers) == 2


def test_a_layer_added_after_training_is_trained_after_compiling_anew():
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.add(Dense(2))
    with pytest.raises(ValueError, match="Compile the model with a new one"):
        model.fit(X, Y, verbose=0)
    model.compile(SGD(0.1), "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert all((a != b).any() for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize(
    ("layer", "error", "text"),
    [
        (3, TypeError, r"made of layers, such as Dense\(10\). Received: 3 of type int"),
        (Dense, TypeError, "made of layers"),
        ("dense", TypeError, "made of layers"),
        (lambda x: x, TypeError, "made of layers"),
        (Input((3,)), ValueError, "An Input must stand first"),
        (Dense(3, name="first"), ValueError, "unique names. Received a second layer named 'first'"),
        (Reshape((7,)), ValueError, "cannot reshape"),
    ],
    ids=label,
)
def test_what_cannot_be_added(layer, error, text):
    model = Sequential([Input((4,)), Dense(3, name="first")])
    weights = model.get_weights()
    with pytest.raises(error, match=text):
        model.add(layer)
    assert [inner.name for inner in model.layers] == ["first"]
    assert model.built
    assert model.output_shape == (None, 3)
    assert_same_weights(model.get_weights(), weights)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :3], verbose=0)


def test_a_model_cannot_hold_itself():
    model = Sequential()
    with pytest.raises(ValueError, match="unique names"):
        model.add(model)


def test_a_build_that_fails_leaves_nothing_half_built():
    layers = [Dense(3), Reshape((4,)), Dense(2)]
    model = Sequential(layers)
    model.compile("sgd", "mse")
    for use in (
        lambda: model.build((None, 5)),
        lambda: model(np.ones((2, 5))),
        lambda: model.predict(np.ones((2, 5)), verbose=0),
        lambda: model.fit(np.ones((2, 5)), np.ones((2, 2)), verbose=0),
    ):
        with pytest.raises(ValueError, match=r"cannot reshape samples of shape \(3,\)"):
            use()
        assert not model.built
        assert not any(layer.built for layer in layers)
        assert model.weights == []
    model.pop()
    model.pop()
    assert not model.built  # still nobody knows the input
    assert model(X).shape == (10, 3)


def test_a_layer_that_fails_to_build_takes_its_sublayers_along():
    class Pair(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = Dense(3)
            self.second = Reshape((4,))

        def build(self, input_shape):
            self.first.ensure_built(input_shape)
            self.second.ensure_built(self.first.compute_output_shape(input_shape))

    pair = Pair()
    with pytest.raises(ValueError, match="cannot reshape"):
        pair.ensure_built((None, 5))
    assert not pair.first.built
    assert not pair.built


def test_building_for_another_shape_is_refused():
    model = mlp()
    with pytest.raises(ValueError, match=r"fixed size of 4.*\(None, 7\)"):
        model.build((None, 7))
    assert model.input_shape == (None, 4)
    assert model(X).shape == (10, 2)


def test_get_layer():
    model = Sequential([Input((4,)), Dense(3, name="first"), Dense(2, name="second")])
    first, second = model.layers
    assert model.get_layer("first") is model.get_layer(index=0) is first
    assert model.get_layer(index=-1) is second
    for arguments, text in (
        ({"name": "frist"}, r"No layer is named 'frist'. Did you mean 'first'\?.*'second'"),
        ({"index": 2}, "The model has 2 layers. Received: index=2"),
        ({"index": -3}, "Received: index=-3"),
        ({}, "needs the name or the index"),
        ({"name": "first", "index": 0}, "not both"),
    ):
        with pytest.raises(ValueError, match=text):
            model.get_layer(**arguments)


def test_automatic_names_and_paths():
    model = mlp()
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert [w.path for w in model.weights] == [
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential/dense_1/kernel",
        "sequential/dense_1/bias",
    ]
    assert mlp().name == "sequential_1"


# --- weights


def test_weights():
    model = mlp()
    assert [w.shape for w in model.weights] == [(4, 5), (5,), (5, 2), (2,)]
    assert model.variables == model.weights == model.trainable_variables
    assert model.non_trainable_variables == model.non_trainable_weights == []
    assert model.count_params() == 37
    with pytest.raises(ValueError, match="is not built, so its weights cannot be counted"):
        Sequential([Dense(3)]).count_params()


def test_set_weights():
    model, other = mlp(), mlp()
    before = other.get_weights()
    other.set_weights(model.get_weights())
    assert_same_weights(other.get_weights(), model.get_weights())
    np.testing.assert_array_equal(model(X), other(X))
    other.set_weights([w.tolist() for w in before])
    assert_same_weights(other.get_weights(), before)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda w: w[:-1], r"expected 4 arrays: \['sequential/dense/kernel'.*Received: 3"),
        (lambda w: [*w, w[0]], "Received: 5"),
        (lambda w: [*w[:3], w[3][:1]], r"expected shape \(2,\) for '.*dense_1/bias'.*\(1,\)"),
        (lambda w: [w[0].T, *w[1:]], r"expected shape \(4, 5\) for '.*dense/kernel'.*\(5, 4\)"),
    ],
)
def test_set_weights_all_or_none(change, text):
    model = mlp()
    before = model.get_weights()
    with pytest.raises(ValueError, match=text):
        model.set_weights(change([w + 1 for w in before]))
    assert_same_weights(model.get_weights(), before)


def test_get_weights_returns_copies():
    model = mlp()
    before = model.get_weights()
    model.get_weights()[0].fill(9)
    model.weights[1].numpy().fill(9)
    assert_same_weights(model.get_weights(), before)


def test_a_parameter_can_be_assigned():
    model = mlp()
    kernel = model.layers[0].kernel
    kernel.assign(np.ones((4, 5)))
    assert (model.get_weights()[0] == 1).all()
    assert np.asarray(kernel).sum() == 20
    assert repr(kernel) == "<Parameter path=sequential/dense/kernel, shape=(4, 5), dtype=float32>"
    with pytest.raises(ValueError, match=r"'sequential/dense/kernel': expected \(4, 5\)"):
        kernel.assign(np.ones((5, 4)))


def test_weights_set_after_compiling_are_the_ones_that_are_trained():
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.fit(X, 0 * Y, verbose=0)
    assert not any(w.any() for w in model.get_weights())


# --- frozen layers


def test_frozen_layers_are_not_trained():
    model = mlp()
    model.layers[0].trainable = False
    assert [w.path for w in model.trainable_weights] == [w.path for w in model.weights[2:]]
    assert model.non_trainable_weights == model.weights[:2]
    model.compile(SGD(0.1), "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    assert_same_weights(after[:2], before[:2])
    assert (after[2] != before[2]).any()


def test_what_is_trained_is_settled_by_compile():
    model = compiled()
    model.train_on_batch(X, Y)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert (model.get_weights()[0] != before[0]).any()
    model.compile(SGD(0.1), "mse")
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert_same_weights(model.get_weights()[:2], before[:2])


def test_a_frozen_model():
    model = mlp()
    model.trainable = False
    assert not any(layer.trainable for layer in model.layers)
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        model.fit(X, Y, verbose=0)
    assert_same_weights(model.get_weights(), before)
    model.trainable = True
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert (model.get_weights()[0] != before[0]).any()


def test_backward_goes_no_further_than_it_has_to():
    class Watched(Dense):
        def backward(self, dy, ctx):
            dx = super().backward(dy, ctx)
            seen.append((self.name, dx is not None))
            return dx

    seen = []
    first, second, third = (Watched(4, name=name) for name in ("first", "second", "third"))
    model = Sequential([Input((4,)), first, Identity(), second, third])
    first.trainable = False
    model.compile(SGD(0.1), "mse")
    model.train_on_batch(X, X)
    assert seen == [("third", True), ("second", False)]
    first.trainable = True
    third.trainable = False
    model.compile(SGD(0.1), "mse")
    seen.clear()
    model.train_on_batch(X, X)
    assert seen == [("third", True), ("second", True), ("first", False)]


# --- the vectors that the weights are packed into


def test_weights_live_in_one_vector():
    parameters = [
        Parameter(np.full(shape, i + 1, np.float32), name=f"w{i}")
        for i, shape in enumerate([(3, 5), (), (20,), (2, 2, 2)])
    ]
    store = ParameterStore(parameters)
    for i, (p, where) in enumerate(zip(parameters, store.slices, strict=True)):
        assert p.value.base is store.values
        assert p.grad.base is store.grads
        assert (p.value == i + 1).all()
        assert where.start * 4 % 64 == 0  # each starts on a cache line
        p.grad[...] = i
        assert (store.grads[where] == i).all()
    assert [view.shape for view in store.view(store.grads)] == [p.shape for p in parameters]
    assert store.values.sum() == sum((p.value.sum() for p in parameters), start=0)
    assert store.holds_its_parameters()
    again = ParameterStore(parameters[:2])
    assert again.holds_its_parameters()
    assert not store.holds_its_parameters()


def test_other_weights_get_a_vector_of_their_own():
    trained, fixed = (Parameter(np.ones(3, np.float32), name=name) for name in "ab")
    counter = Parameter(np.zeros((), np.int64), name="n")
    store = ParameterStore([trained], [fixed, counter])
    assert fixed.value.base is store.state
    assert counter.value.dtype == np.int64
    assert ParameterStore([]).values.size == 0


# --- calling


def test_a_call_returns_a_tensor():
    model = mlp()
    y = model(X)
    assert isinstance(y, Tensor)
    assert type(y.numpy()) is np.ndarray
    assert y.shape == (10, 2)
    np.testing.assert_array_equal(y, model.predict(X, verbose=0))
    np.testing.assert_array_equal(y, model.predict_on_batch(X))
    np.testing.assert_array_equal(y, model(X.tolist()))
    w1, b1, w2, b2 = model.get_weights()
    np.testing.assert_allclose(y, np.tanh(X @ w1 + b1) @ w2 + b2, rtol=1e-5, atol=1e-6)


def test_training_is_passed_on():
    model = Sequential([Input((100,)), Dropout(0.5)])
    x = np.ones((1, 100), "f")
    np.testing.assert_array_equal(model(x), x)
    np.testing.assert_array_equal(model(x, training=False), x)
    assert 10 < np.count_nonzero(model(x, training=True)) < 90


def test_models_are_layers():
    inner = mlp(3)
    model = Sequential([inner, Dense(2)])
    assert model.built
    assert model.input_shape == (None, 4)
    assert model.layers[0] is inner
    assert len(model.weights) == 6
    model.compile(SGD(0.1), "mse")
    before = inner.get_weights()
    model.fit(X, Y, verbose=0)
    assert all((a != b).any() for a, b in zip(inner.get_weights(), before, strict=True))
    np.testing.assert_array_equal(model(X), model.layers[1](inner(X)))
    classifier = Sequential([model, keras.layers.Softmax()])
    np.testing.assert_allclose(classifier.predict(X, verbose=0).sum(axis=1), 1, rtol=1e-5)


def test_a_layer_of_ones_own_in_a_model():
    model = Sequential([Input((4,)), Scale(), Dense(2), Scale()])
    assert model.output_shape == (None, 2)
    assert [w.name for w in model.weights] == ["gain", "kernel", "bias", "gain"]
    model.compile(SGD(0.1), "mse")
    losses = model.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert losses == sorted(losses, reverse=True)
    assert all((w != 1).all() for w in (model.layers[0].gain.value, model.layers[2].gain.value))


def test_a_model_base_says_what_it_lacks():
    with pytest.raises(NotImplementedError):
        Model().forward(X, keras.Context())
    with pytest.raises(NotImplementedError, match=r"must define fit_input\(x\)"):
        Model().fit_input(X)


def test_a_layer_with_call_is_told_what_to_define():
    with pytest.raises(TypeError, match=r"defines call\(\).*forward\(x, ctx\) and backward"):

        class Old(keras.layers.Layer):
            def call(self, x):
                return x


# --- data


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X.astype("float64"), Y.astype("float64")),
        (X.tolist(), Y.tolist()),
        (list(X), list(Y)),
        (tuple(map(tuple, X.tolist())), Y),
        ([X], [Y]),
        ((X,), (Y,)),
    ],
    ids=["float64", "lists", "lists of arrays", "tuples", "[x]", "(x,)"],
)
def test_data_of_any_kind(x, y):
    expected = compiled()
    weights = expected.get_weights()
    losses = expected.fit(X, Y, 3, 2, verbose=0, shuffle=False, validation_data=(X, Y)).history
    for use in (
        lambda m: m.fit(x, y, 3, 2, verbose=0, shuffle=False, validation_data=(x, y)).history,
        lambda m: m.fit(x, y, 3, 2, verbose=0, shuffle=False, validation_data=[x, y]).history,
    ):
        model = compiled()
        model.set_weights(weights)
        assert use(model) == losses
        assert_same_weights(model.get_weights(), expected.get_weights())
    assert model.evaluate(x, y, verbose=0) == expected.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected.predict(X, verbose=0))
    assert model.train_on_batch(x, y) == expected.train_on_batch(X, Y)
    assert model.test_on_batch(x, y) == expected.test_on_batch(X, Y)


def test_one_sample():
    model = compiled()
    for x, y in ((X[:1], Y[:1]), (X[:1].tolist(), Y[:1].tolist()), ([X[0]], [Y[0]])):
        assert model.predict(x, verbose=0).shape == (1, 2)
        model.fit(x, y, verbose=0)
        assert model.evaluate(x, y, verbose=0) >= 0


def test_images_of_bytes():
    images = RNG.integers(0, 256, (6, 28, 28), "uint8")
    before = images.copy()
    model = Sequential([Input((28, 28)), Flatten(), Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    expected = model.predict(images.astype("f"), verbose=0)
    found = model.predict(images, verbose=0)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(model(images), expected)
    model.fit(images / 255.0, LABELS[:6].astype("uint8"), verbose=0)
    np.testing.assert_array_equal(images, before)


def test_images_get_the_axis_of_their_one_channel():
    model = Sequential([Input((28, 28, 1)), Flatten(), Dense(3)])
    x = RNG.normal(size=(2, 28, 28))
    assert model.predict(x, verbose=0).shape == (2, 3)
    np.testing.assert_array_equal(model(x), model(x[..., np.newaxis]))
    flat = Sequential([Input((28, 28)), Flatten(), Dense(3)])
    np.testing.assert_array_equal(flat(x), flat(x[..., np.newaxis]))


def test_numbers_become_a_column():
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    x = [0.0, 1.0, 2.0]
    assert model.predict(x, verbose=0).shape == (3, 1)
    a = model.evaluate(x, [1.0, 2.0, 3.0], verbose=0)
    b = model.evaluate([[v] for v in x], [[1.0], [2.0], [3.0]], verbose=0)
    assert a == b
    model.fit(x, [1, 2, 3], verbose=0, validation_split=0.4)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64", "float32", "float64"])
def test_labels_of_any_dtype(kind):
    model = mlp(3, "softmax")
    model.compile(SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = model.fit(X, LABELS, shuffle=False, verbose=0).history
    for y in (LABELS.astype(kind), LABELS[:, np.newaxis].astype(kind)):
        assert model.fit(X, y, shuffle=False, verbose=0).history == expected


def test_truth_values_as_labels():
    model = mlp(1, "sigmoid")
    model.compile(SGD(0.0), "binary_crossentropy", metrics=["accuracy"])
    labels = LABELS > 0
    expected = model.evaluate(X, labels.astype("f"), verbose=0)
    assert model.evaluate(X, labels, verbose=0) == expected
    assert model.evaluate(X, labels.tolist(), verbose=0) == expected


def test_data_is_left_alone():
    x, y, w = X.copy(), Y.copy(), np.ones(10, "f")
    for array in (x, y, w):
        array.flags.writeable = False
    model = Sequential([Input((4,)), Identity(), Dense(3, "relu"), Dropout(0.5), Dense(2, "tanh")])
    model.compile("adam", "mse", metrics=["mae"])
    for shuffle in (True, False):
        model.fit(x, y, 3, 2, verbose=0, sample_weight=w, shuffle=shuffle, validation_split=0.2)
    model.predict(x, verbose=0)
    model.evaluate(x, y, verbose=0)


# --- fit, evaluate, predict


def test_fit_is_gradient_descent():
    model = compiled()
    w1, b1, w2, b2 = (w.astype(float) for w in model.get_weights())
    history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    for epoch in range(2):
        total = 0.0
        for start in (0, 4, 8):
            x, y = X[start : start + 4].astype(float), Y[start : start + 4]
            h = np.tanh(x @ w1 + b1)
            error = h @ w2 + b2 - y
            total += (error**2).mean() * len(x)
            dy = 2 * error / error.size
            dz = dy @ w2.T * (1 - h**2)
            w2, b2 = w2 - 0.1 * h.T @ dy, b2 - 0.1 * dy.sum(axis=0)
            w1, b1 = w1 - 0.1 * x.T @ dz, b1 - 0.1 * dz.sum(axis=0)
        assert history["loss"][epoch] == pytest.approx(total / 10, rel=1e-5)
    for found, expected in zip(model.get_weights(), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_fit_is_train_on_batch_in_a_loop():
    a, b = compiled(optimizer=Adam()), compiled(optimizer=Adam())
    b.set_weights(a.get_weights())
    a.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for start in (0, 4, 8):
            b.train_on_batch(X[start : start + 4], Y[start : start + 4])
    assert_same_weights(a.get_weights(), b.get_weights())


def test_fit_twice_goes_on():
    once, twice = compiled(optimizer=Adam()), compiled(optimizer=Adam())
    twice.set_weights(once.get_weights())
    whole = once.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    first = twice.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    second = twice.fit(X, Y, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    assert first.history["loss"] + second.history["loss"] == whole.history["loss"]
    assert second.epoch == [2, 3]
    assert_same_weights(once.get_weights(), twice.get_weights())


def test_a_seed_fixes_everything():
    def run():
        keras.utils.set_random_seed(5)
        model = Sequential([Input((4,)), Dense(8, "relu"), Dropout(0.3), Dense(2)])
        model.compile("adam", "mse")
        return model.fit(X, Y, batch_size=3, epochs=3, verbose=0).history, model.get_weights()

    (history, weights), (again, same) = run(), run()
    assert history == again
    assert_same_weights(weights, same)


def test_evaluate_and_predict_do_not_train():
    model = compiled(metrics=["mae"])
    before = model.get_weights()
    loss, mae = model.evaluate(X, Y, batch_size=3, verbose=0)
    p = model.predict(X, batch_size=3, verbose=0)
    assert p.shape == (10, 2)
    assert loss == pytest.approx(np.mean((p - Y) ** 2), rel=1e-5)
    assert mae == pytest.approx(np.mean(np.abs(p - Y)), rel=1e-5)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {
        "loss": pytest.approx(loss, rel=1e-5),
        "mae": pytest.approx(mae, rel=1e-5),
    }
    assert_same_weights(model.get_weights(), before)


def test_batch_sizes_do_not_change_what_is_predicted():
    model = mlp()
    expected = model.predict(X, batch_size=10, verbose=0)
    for size in (1, 3, 9, 11, None, 0, np.int64(4)):
        found = model.predict(X, batch_size=size, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_steps_limit_evaluate_and_predict():
    model = compiled()
    np.testing.assert_array_equal(
        model.predict(X, batch_size=3, steps=2, verbose=0), model.predict(X[:6], 3, verbose=0)
    )
    assert model.predict(X, batch_size=3, steps=9, verbose=0).shape == (10, 2)
    assert model.evaluate(X, Y, batch_size=3, steps=2, verbose=0) == model.evaluate(
        X[:6], Y[:6], batch_size=3, verbose=0
    )
    history = model.fit(
        X, Y, 3, verbose=0, validation_data=(X, Y), validation_steps=1, validation_batch_size=5
    )
    expected = model.evaluate(X[:5], Y[:5], verbose=0)
    assert history.history["val_loss"] == [pytest.approx(expected, rel=1e-6)]


def test_predict_without_compiling():
    assert mlp().predict(X, verbose=0).shape == (10, 2)


def test_validation_split():
    split, apart = compiled(metrics=["mae"]), compiled(metrics=["mae"])
    apart.set_weights(split.get_weights())
    weight = np.arange(10.0)
    a = split.fit(X, Y, validation_split=0.3, sample_weight=weight, shuffle=False, verbose=0)
    b = apart.fit(
        X[:7],
        Y[:7],
        sample_weight=weight[:7],
        validation_data=(X[7:], Y[7:], weight[7:]),
        shuffle=False,
        verbose=0,
    )
    assert a.history == b.history
    assert list(a.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert_same_weights(split.get_weights(), apart.get_weights())


def test_validation_data_beats_validation_split():
    history = compiled().fit(X, Y, verbose=0, validation_data=(X, Y), validation_split=0.9)
    assert history.params["steps"] == 1


def test_sample_and_class_weights():
    def run(**weights):
        model = mlp(3, "softmax")
        model.set_weights(start)
        model.compile(SGD(0.1), "sparse_categorical_crossentropy")
        model.fit(X, LABELS, shuffle=False, verbose=0, **weights)
        return model.get_weights()

    start = mlp(3).get_weights()
    by_class = run(class_weight={0: 2.0, 2: 0.5})
    by_sample = run(sample_weight=np.choose(LABELS, [2.0, 1.0, 0.5]))
    assert_same_weights(by_class, by_sample)
    assert_same_weights(run(sample_weight=np.ones((10, 1))), run())
    assert (by_class[0] != run()[0]).any()


def test_weighted_samples_are_as_good_as_repeated_ones():
    weighted, repeated = compiled(loss="mae"), compiled(loss="mae")
    repeated.set_weights(weighted.get_weights())
    weighted.train_on_batch(X[:2], Y[:2], sample_weight=[1, 3])
    rows = [0, 1, 1, 1]
    repeated.optimizer.learning_rate = 0.2  # the divisor is the count: 4, not 2
    repeated.train_on_batch(X[rows], Y[rows])
    for a, b in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_train_on_batch():
    model = compiled(metrics=["mae"])
    loss, mae = model.test_on_batch(X, Y)
    assert model.train_on_batch(X, Y) == [loss, mae]
    found = model.train_on_batch(X, Y, return_dict=True)
    assert found["loss"] < loss
    assert set(found) == {"loss", "mae"}
    assert model.test_on_batch(X, Y, return_dict=True)["loss"] < found["loss"]
    assert type(compiled().train_on_batch(X, Y)) is float
    assert model.metrics_names == ["loss", "mae"]


def test_compiling_again_keeps_the_weights_and_forgets_the_optimizer():
    model = compiled(optimizer=Adam())
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    model.compile(Adam(), "mae")
    assert_same_weights(model.get_weights(), before)
    assert model.optimizer.iterations == 0
    model.compile("sgd")  # the loss stays
    assert model.loss == "mae"
    model.fit(X, Y, verbose=0)


def test_an_optimizer_can_be_kept_when_compiling_again():
    optimizer = Adam()
    model = compiled(optimizer=optimizer)
    model.fit(X, Y, verbose=0)
    model.compile(optimizer, "mse")
    model.fit(X, Y, verbose=0)
    assert optimizer.iterations == 2


def test_float64_throughout():
    config.set_floatx("float64")
    model = compiled()
    model.fit(X, Y, verbose=0)
    assert {w.dtype for w in model.weights} == {np.dtype("float64")}
    assert model.predict(X, verbose=0).dtype == np.float64
    assert model(X).dtype == np.float64


def test_weights_of_two_dtypes_are_refused():
    model = Sequential([Input((4,)), Dense(3), Dense(2, dtype="float64")])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"must have one dtype.*dense/kernel float32.*float64"):
        model.fit(X, Y, verbose=0)


def test_a_loss_that_is_not_finite_is_warned_of_once():
    model = compiled(optimizer=SGD(1e30))
    with pytest.warns(
        RuntimeWarning, match="The loss became (inf|nan) in epoch 1, step 2"
    ) as found:
        history = model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert len(found) == 1
    assert len(history.history["loss"]) == 3  # training went on
    assert model.optimizer.iterations == 15


def test_numpy_warnings_are_back_after_training():
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(1) / np.zeros(1)


# --- Ctrl-C


class PressCtrlC(Callback):
    """Presses Ctrl-C once (or more often) in some hook of some epoch and batch."""

    def __init__(self, hook, epoch=1, batch=2, times=1):
        super().__init__()
        self.epoch = None
        self.where, self.times = (epoch, batch), times
        setattr(self, hook, self.press)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def press(self, batch, logs=None):
        if (self.epoch, batch) == self.where:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_ctrl_c_waits_for_the_end_of_the_step(hook):
    model = compiled(optimizer=Adam())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[PressCtrlC(hook)])
    assert model.optimizer.iterations == 5 + 3  # the step was finished
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.history.epoch == [0]
    assert len(model.history.history["loss"]) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    model.fit(X, Y, verbose=0)  # and all goes on from there
    assert model.optimizer.iterations == 9


def test_interrupted_training_is_the_training_so_far():
    interrupted, short = compiled(optimizer=Adam()), compiled(optimizer=Adam())
    short.set_weights(interrupted.get_weights())
    callback = PressCtrlC("on_train_batch_begin", epoch=0, batch=2)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, Y, 2, 9, verbose=0, shuffle=False, callbacks=[callback])
    short.fit(X[:6], Y[:6], 2, verbose=0, shuffle=False)
    assert_same_weights(interrupted.get_weights(), short.get_weights())


def test_a_second_ctrl_c_does_not_wait():
    model = compiled()
    callback = PressCtrlC("on_train_batch_begin", times=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[callback])
    assert model.optimizer.iterations == 5 + 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_last_validation_is_not_lost():
    model = compiled()
    callback = PressCtrlC("on_test_batch_begin", epoch=1, batch=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[callback])
    assert model.history.epoch == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_ends_the_line_of_the_progress_bar(capsys, monkeypatch):
    for module in ("callbacks.progbar", "progress"):
        monkeypatch.setattr(f"scratchnn.{module}.is_live", lambda stream: True)
    callback = PressCtrlC("on_train_batch_end", epoch=0, batch=2)
    with pytest.raises(KeyboardInterrupt):
        compiled().fit(X, Y, batch_size=2, epochs=2, callbacks=[callback])
    _, line = capsys.readouterr().out.split("Epoch 1/2\n")
    assert "1/5" in line
    assert line.endswith("\n")


def test_a_handler_of_ones_own_is_left_alone():
    seen = []

    def handler(number, frame):
        seen.append(number)

    signal.signal(signal.SIGINT, handler)
    try:
        model = compiled()
        model.fit(X, Y, 2, 2, verbose=0, callbacks=[PressCtrlC("on_train_batch_begin")])
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert seen == [signal.SIGINT]
    assert model.optimizer.iterations == 10


def test_the_handler_is_restored_after_an_error():
    def fail(batch, logs):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        compiled().fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=fail)])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- models that share layers


def test_two_models_that_share_a_layer_trained_in_turn():
    def pair(shared_a, shared_b):
        a = Sequential([Input((4,)), shared_a, Dense(2)])
        b = Sequential([Input((4,)), shared_b, Dense(2)])
        for model in (a, b):
            model.compile(Adam(0.05), "mse")
        return a, b

    shared = Dense(5, "tanh", name="shared")
    a, b = pair(shared, shared)
    # The same with two layers, whose weights are carried over by hand.
    c, d = pair(Dense(5, "tanh"), Dense(5, "tanh"))
    c.set_weights(a.get_weights())
    d.set_weights(b.get_weights())
    for _ in range(3):
        for model, twin, other in ((a, c, d), (b, d, c)):
            assert model.train_on_batch(X, Y) == twin.train_on_batch(X, Y)
            other.layers[0].set_weights(twin.layers[0].get_weights())
    assert a.layers[0] is b.layers[0]
    assert_same_weights(a.get_weights(), c.get_weights())
    assert_same_weights(b.get_weights(), d.get_weights())
    np.testing.assert_array_equal(a(X), c(X))


def test_a_part_of_a_model_is_a_model():
    whole = compiled()
    part = Sequential([Input((4,)), whole.layers[0]])
    whole.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(part(X), whole.layers[0](X))
    part.compile(SGD(0.1), "mse")
    before = whole.get_weights()
    part.fit(X, np.zeros((10, 5)), verbose=0)
    after = whole.get_weights()
    assert (before[0] != after[0]).any()
    assert_same_weights(before[2:], after[2:])
    whole.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(part(X), whole.layers[0](X))
    assert (whole.get_weights()[0] != after[0]).any()


def test_a_layer_frozen_for_one_of_two_models():
    shared = Dense(5)
    a = Sequential([Input((4,)), shared, Dense(2)])
    b = Sequential([Input((4,)), shared, Dense(2)])
    a.compile(SGD(0.1), "mse")
    a.train_on_batch(X, Y)
    shared.trainable = False
    b.compile(SGD(0.1), "mse")
    for _ in range(2):
        before = shared.get_weights()
        b.train_on_batch(X, Y)
        assert_same_weights(shared.get_weights(), before)
        a.train_on_batch(X, Y)
        assert (shared.get_weights()[0] != before[0]).any()


# --- threads


def test_threads_may_call_a_model_at_once():
    model = Sequential([Input((50,)), Dense(64, "relu"), Dense(64, "tanh"), Dense(10, "softmax")])
    inputs = [RNG.normal(size=(20 + i, 50)).astype("f") for i in range(8)]
    expected = [model(x).numpy() for x in inputs]
    wrong, start = [], threading.Barrier(len(inputs))

    def work(i):
        start.wait()
        for _ in range(30):
            found = model(inputs[i]), model.predict(inputs[i], 64, verbose=0)
            if not all(np.array_equal(y, expected[i]) for y in found):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fit_runs_outside_the_main_thread():
    model = compiled()
    thread = threading.Thread(target=lambda: model.fit(X, Y, verbose=0))
    thread.start()
    thread.join()
    assert model.optimizer.iterations == 1


# --- memory


def trained_mlp():
    """Return the network of the tutorials, trained for a step, and its batch as fit prepares it."""
    model = Sequential([Input((784,)), Dense(128, "relu"), Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = RNG.normal(size=(32, 784)).astype("f")
    labels = RNG.integers(0, 10, 32)
    model.fit(x, labels, verbose=0)
    return model, Batch(x, labels.astype(np.intp), None)


@pytest.fixture
def small_buffers():
    """Let NumPy cast and broadcast in small pieces, so that what is left to see are arrays."""
    before = np.setbufsize(16)
    yield
    np.setbufsize(before)


def test_a_training_step_allocates_next_to_nothing(small_buffers):
    model, batch = trained_mlp()
    model.train_step(batch)
    tracemalloc.start()
    try:
        model.train_step(batch)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        model.train_step(batch)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two arrays like the labels, and small Python objects. The outputs of a batch are 1,280 bytes,
    # its hidden activations 16 KB and the weights 400 KB.
    assert peak - before < 2 * batch.y.nbytes + 2000


def test_memory_does_not_grow():
    # In a process of its own, where BLAS has one thread: many of them wait for one another on a
    # busy machine.
    code = """if True:
        import gc, tracemalloc
        from test_model import trained_mlp

        model, batch = trained_mlp()
        tracemalloc.start()
        sizes = []
        for steps in (50, 10_000):
            for _ in range(steps):
                model.train_step(batch)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        print(sizes[1] - sizes[0])
    """
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(keras.__file__).parents[1])])
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **one_thread},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 1000


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["", "pickle"],
)
def test_a_copy_is_trained_on_its_own(duplicate):
    optimizer = Adam(weight_decay=0.01)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = compiled(optimizer=optimizer, metrics=["mae"])
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    twin = duplicate(model)
    after = twin.train_on_batch(X, Y)
    assert_same_weights(model.get_weights(), before)
    assert model.train_on_batch(X, Y) == after  # the optimizer's state was copied, too
    assert_same_weights(model.get_weights(), twin.get_weights())
    assert (model.get_weights()[0] != before[0]).any()
    slots = [[v.numpy() for v in m.optimizer.variables] for m in (model, twin)]
    assert_same_weights(*slots)
    assert any(slot.any() for slot in slots[0][2:])


def test_a_model_is_freed():
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_rescaling_in_a_model_of_bytes():
    model = Sequential([Input((2,), dtype="uint8"), Rescaling(1 / 255), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.array([[0, 255]], "uint8"), [[1.0]], verbose=0)
    assert model.predict(np.array([[0, 255]], "uint8"), verbose=0).dtype == np.float32


def test_the_quickstart_of_tensorflow(capsys):
    """Its calls of `.numpy()`, and InputLayer(input_shape=), as the tutorial has them."""
    tf = importlib.import_module("scratchnn.tf")
    (x, y), _ = tf.keras.datasets.mnist.load_data()
    x, y = x[:200] / 255.0, y[:200]
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.InputLayer(input_shape=(28, 28)),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(16, activation=tf.nn.relu),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.Dense(10),
        ]
    )
    predictions = model(x[:1]).numpy()
    assert tf.nn.softmax(predictions).numpy().sum() == pytest.approx(1, abs=1e-6)
    assert tf.nn.sigmoid(0.0).numpy() == 0.5
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss(y[:1], predictions).numpy() == pytest.approx(2.3, abs=1.5)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(x, y, epochs=2)
    model.evaluate(x, y, verbose=2)
    with_softmax = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
    assert with_softmax(x[:5]).numpy().sum(axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert "Epoch 2/2" in capsys.readouterr().out
    assert tf.__version__ == keras.__version__


def test_a_layer_that_computes_in_another_dtype_fits_into_a_model():
    class Noisy(keras.Layer):
        """Returns float64 from both passes, as a first attempt at a layer often does."""

        def forward(self, x, ctx):
            return x + np.zeros(x.shape)

        def backward(self, dy, ctx):
            return dy + np.zeros(dy.shape)

    plain = Sequential([Input((3,)), Dense(4, "relu"), Dense(2)])
    noisy = Sequential([Input((3,)), Dense(4, "relu"), Noisy(), Dense(2), Noisy()])
    noisy.set_weights(plain.get_weights())
    x, y = np.ones((8, 3), np.float32), np.ones((8, 2), np.float32)
    for model in (plain, noisy):
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=3, verbose=0)
    for ours, theirs in zip(noisy.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_integers_reach_a_dense_layer_as_floats():
    model = Sequential([Input((3,), dtype="int32"), Flatten(), Dense(2)])
    x = np.arange(6).reshape(2, 3)
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(model.predict(x, verbose=0), x @ kernel, rtol=1e-6)


def test_targets_without_the_last_axis_of_the_output_are_compared_as_in_keras():
    x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 4, 3)
    y = np.array([[1, 0, 2, 1], [0, 1, 1, 3]], np.float32)
    model = Sequential([Input((4, 3)), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "cosine_similarity")
    p = x.sum(axis=-1)
    expected = -np.sum(p * y, axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(y, axis=1)
    weight = np.array([1, 3], np.float32)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected.mean(), rel=1e-5)
    weighted = model.evaluate(x, y, sample_weight=weight, verbose=0)
    assert weighted == pytest.approx((expected * weight).mean(), rel=1e-5)
    model.fit(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0) < expected.mean()


def test_config_may_limit_every_run():
    model = compiled()
    try:
        config.set_max_epochs(2)
        config.set_max_steps_per_epoch(1)
        with pytest.warns(UserWarning, match="Limiting") as caught:
            history = model.fit(X, Y, batch_size=2, epochs=5, verbose=0)
        assert [str(w.message).split(",")[0] for w in caught] == [
            "Limiting steps_per_epoch to 1",
            "Limiting epochs to 2",
        ]
        assert history.epoch == [0, 1]
        assert model.optimizer.iterations == 2
        with pytest.warns(UserWarning, match="Limiting steps to 1"):
            assert len(model.predict(X, batch_size=2, verbose=0)) == 2
        config.set_max_epochs(9)
        config.set_max_steps_per_epoch(9)
        assert model.fit(X, Y, batch_size=2, epochs=1, steps_per_epoch=2, verbose=0).epoch == [0]
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)


def test_layers_take_the_dtype_of_the_policy(monkeypatch):
    monkeypatch.setattr(config, "_policy", None)  # to be as it was when this is over
    config.set_dtype_policy("float64")
    assert Dense(1).dtype == "float64"
