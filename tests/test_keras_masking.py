"""Masks against tf.keras: where they come from, how far they go, and what losses make of them.

Losses and weights are within 1e-5 after 20 steps, single values within 5e-7 of the largest.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras
import numpy as np
import pytest
from layer_twins import TWENTY_STEPS, compare, same_configs
from twins import both, close, close_all, quiet

import scratchnn
from scratchnn import layers
from scratchnn.layers import Layer

RNG = np.random.default_rng(0)
WORDS, N, T = 7, 12, 5
X = RNG.integers(0, WORDS, (N, T)).astype("int32")
X[0] = [3, 2, 0, 0, 0]
X[1] = 1
STEPS = RNG.normal(size=(N, T, 3)).astype("f")
STEPS[RNG.random((N, T)) < 0.4] = 0
LABELS = RNG.integers(0, 4, (N, T))
VALUES = RNG.normal(size=(N, T, 1)).astype("f")
WEIGHT = RNG.uniform(size=N).astype("f")


# --- Masking


def pair(**options: Any) -> tuple[Any, Any]:
    return layers.Masking(**options, name="twin"), keras.layers.Masking(**options, name="twin")


@pytest.mark.parametrize("value", [0.0, 0, 1, -1.5, np.float32(2), float("nan")], ids=str)
@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 3, 2, 2), (4, 2)], ids=str)
def test_masking(value, shape):
    x = np.random.default_rng(1).integers(-1, 3, shape).astype("f")
    x[0] = value
    x[1].flat[0] = np.inf
    ours, theirs = pair(mask_value=value)
    if value == value:  # a config with NaN equals no other
        compare(ours, theirs, x)
    np.testing.assert_array_equal(ours.compute_mask(x), theirs.compute_mask(x))


def test_masking_of_integers():
    ours, theirs = pair(mask_value=2)
    x = np.array([[[2, 2], [0, 2]]], "int32")
    close(ours(x), theirs(x).numpy(), 0)
    same_configs(ours, theirs)


# --- layers pass masks on, or do not


SAMPLES: dict[str, tuple[Any, ...]] = {
    "Activation": ("relu",),
    "Dense": (3,),
    "Dot": (1,),
    "Embedding": (3, 2),
    "Permute": ((2, 1),),
    "RepeatVector": (2,),
    "Reshape": ((2,),),
    "Rescaling": (2,),
    "Dropout": (0.5,),
}
WITHOUT = {"InputLayer"}  # has no call


def instances(name: str) -> Any:
    """Return (ours, theirs), made with the fewest arguments that do; None where none here do."""
    for arguments in (SAMPLES.get(name, ()), (2,), (2, 2), (0.2,)):
        try:
            return [getattr(k.layers, name)(*arguments) for k in (scratchnn, keras)]
        except (TypeError, ValueError):
            continue
    return None


NAMES = [
    name
    for name in layers.__all__
    if inspect.isclass(getattr(layers, name)) and issubclass(getattr(layers, name), Layer)
]


def test_layers_support_masks_as_in_keras():
    seen = 0
    for name in sorted({*NAMES} - WITHOUT):
        with quiet():
            made = instances(name)
        if made is not None:
            ours, theirs = made
            assert ours.supports_masking == theirs.supports_masking, name
            seen += 1
    assert seen > 60


def test_a_mask_ends_at_a_layer_that_knows_none():
    def run(k: Any) -> list[str]:
        with quiet():  # Keras warns when the model is built
            model = k.Sequential(
                [
                    k.Input((T,), dtype="int32"),
                    k.layers.Embedding(WORDS, 3, mask_zero=True),
                    k.layers.Dense(2),
                    k.layers.Flatten(name="flat"),
                    k.layers.Dense(1),
                ]
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model(X)
        return [str(w.message) for w in caught if "mask" in str(w.message)]

    ours, theirs = run(scratchnn), run(keras)
    assert len(ours) == 1
    assert "'flat'" in ours[0]
    assert any("'flat'" in message for message in theirs)


# --- what a mask at the output changes


def tagger(k: Any, *between: Any) -> Any:
    return k.Sequential(
        [
            k.Input((T,), dtype="int32"),
            k.layers.Embedding(WORDS, 3, mask_zero=True),
            *between,
            k.layers.Dense(4, "softmax"),
        ]
    )


def regression(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((T, 3)),
            k.layers.Masking(),
            k.layers.Dense(4, "tanh"),
            k.layers.Dropout(0.3, seed=1),
            k.layers.Dense(1),
        ]
    )


def branches(k: Any) -> Any:
    words = k.Input((T,), dtype="int32", name="words")
    vectors = k.layers.Embedding(WORDS, 3, mask_zero=True, name="embedding")(words)
    left, right = (k.layers.Dense(3, "tanh", name=n)(vectors) for n in ("left", "right"))
    both_sides = k.layers.Add(name="add")([left, right])
    tags = k.layers.Dense(4, "softmax", name="tags")(both_sides)
    whole = k.layers.GlobalAveragePooling1D(name="pool")(both_sides)
    return k.Model(words, [tags, k.layers.Dense(1, name="score")(whole)])


def run_model(build: Any, loss: Any, metrics: Any, x: Any, y: Any, weight: Any = None) -> Any:
    def run(k: Any) -> Any:
        model = build(k)
        model.compile(
            k.optimizers.Adam(0.02), loss, metrics=metrics, weighted_metrics=metrics,
            run_eagerly=True,
        )  # fmt: skip
        logs = [model.train_on_batch(x, y, weight, return_dict=True) for _ in range(20)]
        tested = model.evaluate(x, y, sample_weight=weight, batch_size=6, verbose=0)
        return logs, tested, model.predict(x, verbose=0), model.get_weights()

    ours, theirs = both(run)
    for found, expected in zip(ours[0], theirs[0], strict=True):
        assert sorted(found) == sorted(expected)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=TWENTY_STEPS, atol=1e-6)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=TWENTY_STEPS, atol=1e-6)
    close_all(
        ours[2] if isinstance(ours[2], list) else [ours[2]],
        theirs[2] if isinstance(theirs[2], list) else [theirs[2]],
        TWENTY_STEPS,
    )
    close_all(ours[3], theirs[3], TWENTY_STEPS)
    return ours


@pytest.mark.parametrize("weight", [None, WEIGHT[:, np.newaxis] * np.linspace(0, 1, T, dtype="f")])
def test_labels_of_time_steps(weight):
    run_model(tagger, "sparse_categorical_crossentropy", ["accuracy"], X, LABELS, weight)


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_values_of_time_steps(loss):
    run_model(regression, loss, ["mae"], STEPS, VALUES)


def test_what_stands_where_the_mask_is_counts_nothing():
    """The losses, and what is learned, are the same whatever is there."""
    found = []
    for wrong in (0, 3):
        labels = np.where(X == 0, wrong, LABELS)
        found.append(run_model(tagger, "sparse_categorical_crossentropy", ["accuracy"], X, labels))
    assert found[0][0] == found[1][0]


def test_several_outputs():
    y = [LABELS, VALUES[:, 0]]
    run_model(branches, ["sparse_categorical_crossentropy", "mse"], [["accuracy"], ["mae"]], X, y)


def test_layers_between():
    def build(k: Any) -> Any:
        return tagger(
            k,
            k.layers.LayerNormalization(),
            k.layers.Activation("tanh"),
            k.layers.SpatialDropout1D(0.2, seed=2),
            k.layers.GaussianNoise(0.0),
            k.layers.Identity(),
        )

    run_model(build, "sparse_categorical_crossentropy", ["accuracy"], X, LABELS)


def test_a_mask_that_ends_before_the_output():
    def build(k: Any) -> Any:
        return k.Sequential(
            [
                k.Input((T,), dtype="int32"),
                k.layers.Embedding(WORDS, 3, mask_zero=True),
                k.layers.GlobalAveragePooling1D(),
                k.layers.Dense(1),
            ]
        )

    run_model(build, "mse", ["mae"], X, VALUES[:, 0], WEIGHT)


def test_a_masked_model_in_a_model():
    def build(k: Any) -> Any:
        inner = tagger(k)
        return k.Sequential([k.Input((T,), dtype="int32"), inner, k.layers.Dense(4, "softmax")])

    run_model(build, "sparse_categorical_crossentropy", ["accuracy"], X, LABELS)


@pytest.mark.parametrize("ways", [1, 2])
def test_a_call_with_initial_states_computes_without_a_mask(ways):
    """As a decoder is called: its output has the mask nevertheless."""

    def build(k: Any) -> Any:
        ids = k.Input((T,), dtype="int32")
        x = k.layers.Embedding(WORDS, 3, mask_zero=True)(ids)
        _, h, c = k.layers.LSTM(4, return_state=True)(x)
        decoder = k.layers.LSTM(4, return_sequences=True)
        if ways == 2:
            decoder = k.layers.Bidirectional(decoder)
        z = decoder(x, initial_state=[h, c] * ways)
        return k.Model(ids, k.layers.Dense(4, "softmax")(z))

    run_model(build, "sparse_categorical_crossentropy", ["accuracy"], X, LABELS)
