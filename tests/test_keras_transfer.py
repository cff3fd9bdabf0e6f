"""Transfer learning against tf.keras: a trained model cut, frozen, built upon, and tuned.

Weights and losses are within 2e-5 after 20 steps: batch normalization and Adam, one after the
other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from twins import both, close_all

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't:DeprecationWarning"  # Keras, of NumPy 2
)
TOLERANCE = 2e-5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 6)).astype("float32")
OLD = RNG.integers(0, 4, 16)
NEW = RNG.integers(0, 3, 16)
KINDS = "sparse_categorical_crossentropy"


def base_of(k: Any) -> Any:
    """A small trained model: two Dense, both normalized."""
    x = a = k.Input((6,), name="a")
    for i in (1, 2):
        x = k.layers.Dense(5, use_bias=False, name=f"dense{i}")(x)
        x = k.layers.BatchNormalization(momentum=0.8, name=f"norm{i}")(x)
        x = k.layers.Activation("relu", name=f"relu{i}")(x)
    model = k.Model(a, k.layers.Dense(4, "softmax", name="head")(x), name="base")
    model.compile(k.optimizers.SGD(0.1), KINDS)
    for _ in range(5):
        model.train_on_batch(X, OLD)
    return model


def steps(model: Any, count: int = 20) -> list[float]:
    return [float(model.train_on_batch(X, NEW)) for _ in range(count)]


def compare(run: Any, falls: bool = True) -> Any:
    """Check what a program returns, losses first; return ours."""
    ours, theirs = both(run)
    close_all(ours, theirs, TOLERANCE)
    if falls:
        assert ours[0][-1] < ours[0][0]
    return ours


@pytest.mark.parametrize("training", [None, False])
def test_a_frozen_model_under_a_new_head_is_then_tuned(training):
    """The recipe of Keras's guide: freeze, train the head, melt, train all at a low rate."""

    def run(k: Any) -> Any:
        base = base_of(k)
        base = k.Model(base.input, base.get_layer("relu2").output, name="cut")
        base.trainable = False
        a = k.Input((6,))
        x = base(a) if training is None else base(a, training=training)
        model = k.Model(a, k.layers.Dense(3, "softmax", name="new")(x))
        before = [w.copy() for w in base.get_weights()]
        model.compile(k.optimizers.Adam(0.02), KINDS)
        counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
        head = steps(model)
        frozen = base.get_weights()
        base.trainable = True
        model.compile(k.optimizers.Adam(1e-3), KINDS)
        counts += [len(model.trainable_weights), len(model.non_trainable_weights)]
        tuned = steps(model)
        return head, tuned, before, frozen, model.get_weights(), counts

    _, _, before, frozen, weights, counts = compare(run)
    assert counts == [2, 10, 8, 4]
    for a, b in zip(before, frozen, strict=True):  # the moving statistics, too
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(frozen, weights, strict=False))


def test_flags_are_read_when_a_model_is_compiled():
    """Until it is compiled again a model trains what it trained."""

    def run(k: Any) -> Any:
        model = base_of(k)
        layer = model.get_layer("dense1")
        layer.trainable = False
        before = layer.get_weights()[0].copy()
        first = [float(model.train_on_batch(X, OLD)) for _ in range(3)]
        between = layer.get_weights()[0].copy()
        model.compile(k.optimizers.SGD(0.1), KINDS)
        second = [float(model.train_on_batch(X, OLD)) for _ in range(20)]
        return first + second, before, between, layer.get_weights()[0], model.get_weights()

    compare(run)


def test_some_layers_frozen_and_a_batch_norm_that_infers():
    def run(k: Any) -> Any:
        base = base_of(k)
        for layer in base.layers[:4]:
            layer.trainable = False
        features = k.Model(base.input, base.get_layer("relu2").output)
        model = k.Sequential([features, k.layers.Dropout(0.2), k.layers.Dense(3, "softmax")])
        model.compile(k.optimizers.Adam(0.02), KINDS)
        losses = steps(model)
        return losses, base.get_weights(), model.get_weights(), model.predict(X, verbose=0)

    compare(run)


def test_a_model_cut_in_the_middle():
    """Its second half, begun at the output of a layer, and both halves together."""

    def run(k: Any) -> Any:
        base = base_of(k)
        first = k.Model(base.input, base.get_layer("relu1").output)
        second = k.Model(base.get_layer("relu1").output, base.output)
        hidden = first.predict(X, verbose=0)
        whole = second.predict(hidden, verbose=0)
        features = k.Model(base.input, [layer.output for layer in base.layers[1:4]])
        second.compile(k.optimizers.SGD(0.1), KINDS)
        losses = [float(second.train_on_batch(hidden, OLD)) for _ in range(20)]
        parts = features.predict(X, verbose=0)
        return losses, hidden, whole, parts, base.get_weights()

    compare(run)


def test_weights_set_into_another_model():
    def run(k: Any) -> Any:
        base = base_of(k)
        twin = k.models.clone_model(base)
        twin.set_weights(base.get_weights())
        same = twin.predict(X, verbose=0)
        body = k.Sequential([k.Input((6,)), k.layers.Dense(5, use_bias=False, name="copy")])
        body.layers[0].set_weights(base.get_layer("dense1").get_weights())
        body.layers[0].trainable = False
        model = k.Sequential([body, k.layers.Dense(3, "softmax")])
        model.compile("adam", KINDS)
        losses = steps(model)
        return losses, same, model.get_weights(), base.get_weights()

    compare(run)


def test_a_frozen_model_in_a_model_in_a_model():
    def run(k: Any) -> Any:
        base = base_of(k)
        inner = k.Sequential([k.Model(base.input, base.get_layer("norm2").output)], name="inner")
        a = k.Input((6,))
        outer = k.Model(a, inner(a), name="outer")
        outer.trainable = False
        b = k.Input((6,))
        x = k.layers.Concatenate()([outer(b), k.layers.Dense(2, "tanh")(b)])
        model = k.Model(b, k.layers.Dense(3, "softmax")(x))
        model.compile(k.optimizers.SGD(0.1, momentum=0.9), KINDS)
        trained = [w.name for w in model.trainable_weights]
        return steps(model), outer.get_weights(), model.get_weights(), len(trained)

    compare(run)


def test_a_saved_model_is_built_upon(tmp_path):
    def run(k: Any) -> Any:
        path = tmp_path / f"{k.__name__}.keras"
        base_of(k).save(path)
        loaded = k.models.load_model(path)
        loaded.trainable = False
        x = loaded.get_layer("relu2").output
        model = k.Model(loaded.input, k.layers.Dense(3, "softmax", name="new")(x))
        model.compile(k.optimizers.Adam(0.02), KINDS)
        return steps(model), model.get_weights(), len(model.trainable_weights)

    assert compare(run)[2] == 2
