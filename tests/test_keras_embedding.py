"""Embedding against tf.keras: values, gradients, configs, and training by every optimizer.

Keras's optimizers square the gradient of each lookup, not that of each row: the batches here look
up every row several times, so that the two differ in the first digits.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import ONE_PASS, TWENTY_STEPS, same_configs
from twins import both, close, close_all, equal_weights, quiet, seed_both

import scratchnn
from scratchnn.layers import Embedding

WORDS, LENGTH = 11, 6
rng = np.random.default_rng(0)
X = rng.integers(0, WORDS - 2, (16, LENGTH)).astype("int32")  # two rows are never looked up
X[:, 0] = 3
Y = rng.normal(size=(16, 2)).astype("f")


def train(k: Any, optimizer: Any, layers: Any, steps: int = 20, x: Any = X, y: Any = Y) -> Any:
    """Return (weights before, losses, weights after, the optimizer's state)."""
    model = layers(k) if callable(layers) else layers
    model.compile(optimizer(k), "mse", run_eagerly=True)
    before = [w.copy() for w in model.get_weights()]
    losses = [model.train_on_batch(x, y) for _ in range(steps)]
    state = [np.asarray(v) for v in model.optimizer.variables]
    return before, losses, model.get_weights(), state


def same_steps(optimizer: Any, layers: Any, tolerance: float = TWENTY_STEPS, **options: Any) -> Any:
    ours, theirs = both(lambda k: train(k, optimizer, layers, **options))
    for found, expected in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=tolerance)
    close_all(ours[2], theirs[2], tolerance, "weights")
    close_all(ours[3], theirs[3], 10 * tolerance, "state of the optimizer")
    return ours


def averaged(width: int = 4, **options: Any) -> Any:
    return lambda k: k.Sequential(
        [
            k.Input((LENGTH,), dtype="int32"),
            k.layers.Embedding(WORDS, width, **options),
            k.layers.GlobalAveragePooling1D(),
            k.layers.Dense(2),
        ]
    )


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"learning_rate": 0.5},
    "SGD with momentum": {"learning_rate": 0.1, "momentum": 0.9},
    "SGD of Nesterov": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    "RMSprop": {"learning_rate": 0.01},
    "RMSprop with momentum": {"learning_rate": 0.01, "momentum": 0.9},
    "RMSprop, centered": {"learning_rate": 0.01, "rho": 0.98, "centered": True},
    "Adam": {"learning_rate": 0.01},
    "Adam, amsgrad": {"learning_rate": 0.01, "amsgrad": True},
    "AdamW": {"learning_rate": 0.01, "weight_decay": 0.1},
    "Adagrad": {"learning_rate": 0.1},
    "Adadelta": {"learning_rate": 1.0},
    "Adamax": {"learning_rate": 0.01},
    "Nadam": {"learning_rate": 0.01},
    "Lion": {"learning_rate": 0.01},
    "Ftrl": {"learning_rate": 0.1},
    "Ftrl with shrinkage": {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.01},
    "Lamb": {"learning_rate": 0.01},
    "Adafactor": {"learning_rate": 0.05},
    "Muon": {"learning_rate": 0.01},
    "Muon of all": {"learning_rate": 0.01, "exclude_embeddings": False},
    "ScheduleFreeAdamW": {"learning_rate": 0.01},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    def optimizer(k: Any) -> Any:
        cls = getattr(k.optimizers, name.split(" ")[0].strip(","))
        return cls(**OPTIMIZERS[name])

    same_steps(optimizer, averaged())


SETTINGS: dict[str, dict[str, Any]] = {
    "clipnorm": {"clipnorm": 0.05},
    "global_clipnorm": {"global_clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.002},
    "weight_decay": {"weight_decay": 0.1},
    "use_ema": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7},
    "accumulation": {"gradient_accumulation_steps": 3},
    "accumulation and clipping": {"gradient_accumulation_steps": 3, "clipvalue": 0.002},
}


@pytest.mark.parametrize("name", ["Adam", "Adamax", "Adagrad", "Adadelta"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_optimizers(name, setting):
    def optimizer(k: Any) -> Any:
        return getattr(k.optimizers, name)(0.05, **SETTINGS[setting])

    same_steps(optimizer, averaged())


@pytest.mark.parametrize(
    "options",
    [
        {"embeddings_regularizer": "l2"},
        {"embeddings_constraint": "max_norm"},
        {"embeddings_initializer": "normal"},
        {"activity_regularizer": "l1"},
        {"mask_zero": True},
        {"width": 3},
        {"width": 1},
    ],
    ids=str,
)
def test_options(options):
    same_steps(lambda k: k.optimizers.Adam(0.02), averaged(**options))


def test_a_shared_embedding():
    """Its occurrences in all calls count, each alone."""

    def layers(k: Any) -> Any:
        a, b = (k.Input((LENGTH,), dtype="int32", name=n) for n in "ab")
        words = k.layers.Embedding(WORDS, 4)
        pooled = [k.layers.GlobalAveragePooling1D()(words(x)) for x in (a, b)]
        difference = k.layers.Subtract()([k.layers.Dense(2)(p) for p in pooled])
        return k.Model([a, b], difference)

    x = [X, X[::-1, :].copy() + 1]
    for name in ("Adam", "Adamax"):
        same_steps(lambda k, n=name: getattr(k.optimizers, n)(0.02), layers, x=x)


def test_an_embedding_in_a_model_in_a_model():
    def layers(k: Any) -> Any:
        tower = k.Sequential(
            [
                k.Input((LENGTH,), dtype="int32"),
                k.layers.Embedding(WORDS, 4),
                k.layers.Flatten(),
                k.layers.Dense(3, "tanh"),
            ]
        )
        a, b = (k.Input((LENGTH,), dtype="int32", name=n) for n in "ab")
        return k.Model([a, b], k.layers.Dense(2)(k.layers.Multiply()([tower(a), tower(b)])))

    same_steps(lambda k: k.optimizers.Adam(0.02), layers, x=[X, X[::-1].copy()])


def test_batches_without_repetition():
    x = np.array([[0, 1, 2], [3, 4, 5]], "int32")

    def layers(k: Any) -> Any:
        inputs = k.Input((3,), dtype="int32")
        return k.Model(
            inputs, k.layers.Dense(2)(k.layers.Flatten()(k.layers.Embedding(9, 4)(inputs)))
        )

    same_steps(lambda k: k.optimizers.Adam(0.02), layers, x=x, y=Y[:2])


def test_tables_longer_than_a_block():
    x = np.random.default_rng(1).zipf(1.2, (16, LENGTH)).clip(max=2999).astype("int32")

    def layers(k: Any) -> Any:
        return k.Sequential(
            [
                k.Input((LENGTH,), dtype="int32"),
                k.layers.Embedding(3000, 50),
                k.layers.Dense(50, "tanh"),
                k.layers.GlobalAveragePooling1D(),
                k.layers.Dense(2),
            ]
        )

    same_steps(lambda k: k.optimizers.Adam(0.01), layers, x=x)
    same_steps(lambda k: k.optimizers.Adafactor(0.01), layers, x=x)


def test_whole_fits():
    """Compiled, with batches of several lengths, and the data shuffled."""

    def run(k: Any) -> Any:
        model = averaged()(k)
        model.compile(k.optimizers.Adam(0.02), "mse")
        history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0)
        return history.history["loss"], model.get_weights()

    ours, theirs = both(run)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=TWENTY_STEPS)
    close_all(ours[1], theirs[1], TWENTY_STEPS)


# --- the layer alone


def pair(*args: Any, **options: Any) -> tuple[Any, Any]:
    """Return (ours, theirs), built, with the same weights."""
    made = []
    for k in (keras, scratchnn):
        seed_both(3)
        with quiet():
            layer = k.layers.Embedding(*args, **options, name="twin")
            layer(np.zeros((1, 2), "int32"))
        made.append(layer)
    theirs, ours = made
    equal_weights(ours, theirs)
    return ours, theirs


@pytest.mark.parametrize(
    "x",
    [
        np.array([[0, 4, 2], [1, 1, 3]], "int32"),
        np.array([[0, 4, 2], [1, 1, 3]], "int64"),
        np.array([2, 3], "uint8"),
        np.array([[[0], [4]]], "int16"),
        np.array([[-1, -5, 0]], "int32"),
        np.array([[0.9, -0.9, 3.999, -1.5]], "float32"),
        np.array([[2.5, 1.0]], "float64"),
    ],
    ids=lambda x: f"{x.dtype} {x.shape}",
)
@pytest.mark.parametrize("mask_zero", [False, True])
def test_values_gradients_and_masks(x, mask_zero):
    ours, theirs = pair(5, 3, mask_zero=mask_zero)
    same_configs(ours, theirs)
    with tf.GradientTape() as tape:
        expected = theirs(tf.constant(x))
        dy = np.arange(1, expected.numpy().size + 1, dtype="f").reshape(expected.shape)
        target = tf.reduce_sum(expected * dy)
    gradient = tf.convert_to_tensor(tape.gradient(target, theirs.trainable_variables)[0])
    ctx = scratchnn.Context(True)
    y = ours.forward(ours.cast(x), ctx)
    close(y, expected.numpy(), 0)
    assert ours.backward(dy, ctx) is None
    close(ours.embeddings.grad, gradient.numpy(), ONE_PASS)
    assert ours.compute_output_shape(x.shape) == tuple(theirs.compute_output_shape(x.shape))
    mask, expected_mask = ours.compute_mask(x), theirs.compute_mask(tf.constant(x))
    if mask_zero:
        np.testing.assert_array_equal(mask, expected_mask)
    else:
        assert mask is expected_mask is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"embeddings_initializer": "glorot_normal", "embeddings_regularizer": "l1"},
        {"embeddings_constraint": "non_neg", "mask_zero": True},
        {"input_length": 7},
        {"input_shape": (7,)},
        {"activity_regularizer": "l2", "trainable": False},
    ],
    ids=lambda options: ", ".join(options),
)
def test_configs(options):
    same_configs(*pair(5, 3, **options))


@pytest.mark.parametrize("weights", [[np.ones((5, 3), "f")], np.ones((5, 3), "f")])
def test_weights(weights):
    ours, theirs = pair(5, 3, weights=weights)
    np.testing.assert_array_equal(
        ours.get_weights()[0], weights if len(weights) > 1 else weights[0]
    )
    assert ours.get_config() == theirs.get_config()
    again = Embedding(5, 3)
    again.build_from_config(keras.layers.serialize(theirs)["build_config"])
    assert again.built


def test_indices_outside_are_errors_in_both():
    for x in ([[5]], [[-6]]):
        for layer in pair(5, 3):
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
                layer(np.array(x, "int32"))


def test_the_first_layer_of_an_older_program():
    def layers(k: Any) -> Any:
        return k.Sequential(
            [
                k.layers.Embedding(WORDS, 4, input_length=LENGTH),
                k.layers.Flatten(),
                k.layers.Dense(2),
            ]
        )

    def run(k: Any) -> Any:
        model = layers(k)
        model.compile("adam", "mse", run_eagerly=True)
        losses = [model.train_on_batch(X.astype("f"), Y) for _ in range(20)]
        return losses, model.get_weights()

    ours, theirs = both(run)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=TWENTY_STEPS)
    close_all(ours[1], theirs[1], TWENTY_STEPS)
