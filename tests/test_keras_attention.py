"""Attention against tf.keras: values, every gradient, masks, dropout, configs, files, training.

Outputs and gradients are within 3e-6 of the largest element: sums of tens of products, softmaxes
and projections one after the other. The gradient of a key's bias and of the number before a sum of
tanh are differences of large sums that are 0 in exact arithmetic, or nearly: they are compared by
the size of the largest gradient.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import same_configs
from twins import both, close, close_all, quiet, seed_both, twins

import scratchnn
from scratchnn import Context
from scratchnn.layers.activity import penalized

numpy_2 = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't:DeprecationWarning"  # Keras, of NumPy 2
)
TOLERANCE = 3e-6
N, T, S, D = 3, 5, 7, 8
RNG = np.random.default_rng(0)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


QUERY, VALUE, KEY = numbers(N, T, D), numbers(N, S, 6, seed=1), numbers(N, S, 4, seed=2)
ALIKE = numbers(N, S, D, seed=3)
QUERY_MASK = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 0, 0, 0, 1]], bool)
VALUE_MASK = np.array([[1, 1, 1, 0, 0, 1, 1], [0] * 7, [1, 0, 0, 0, 1, 1, 0]], bool)
MASKS: list[Any] = [None, (None, VALUE_MASK), (QUERY_MASK, VALUE_MASK), (QUERY_MASK, None)]


def layers_of(make: Any, shapes: Any) -> tuple[Any, Any]:
    """Return both layers, built alike, with larger weights than they start with."""
    made = []
    for k in (scratchnn, keras):
        seed_both(3)
        layer = make(k.layers)
        layer.build(*shapes)
        made.append(layer)
    ours, theirs = made
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert json.loads(json.dumps(ours.get_build_config())) == json.loads(
        json.dumps(theirs.get_build_config())
    )
    for i, (a, b) in enumerate(zip(ours.weights, theirs.weights, strict=True)):
        np.testing.assert_array_equal(a.value, b.numpy(), strict=True)
        value = numbers(*a.shape, seed=i) * np.float32(0.3) if a.shape else np.float32(0.7)
        a.assign(value)
        b.assign(value)
    return ours, theirs


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def masked(x: Any, mask: Any) -> Any:
    tensor = tf.identity(x)
    if mask is not None:
        keras.src.backend.set_keras_mask(tensor, tf.constant(mask))
    return tensor


def compare(
    make: Any,
    xs: Any,
    masks: Any = None,
    training: bool = False,
    in_a_list: bool = False,
    **call: Any,
) -> None:
    """Check outputs, all gradients and penalties of one call with options."""
    shapes = [x.shape for x in xs]
    ours, theirs = layers_of(make, [shapes] if in_a_list else shapes)
    same_configs(ours, theirs)
    masks = [*(masks or ()), *[None] * len(xs)][: len(xs)]
    variables = [tf.Variable(x) for x in xs]
    with tf.GradientTape() as tape, quiet():
        tensors = [masked(x, mask) for x, mask in zip(variables, masks, strict=True)]
        arguments = [tensors] if in_a_list else tensors
        y = listed(theirs(*arguments, training=training, **call))
        dy = [numbers(*one.shape, seed=9 + i) for i, one in enumerate(y)]
        total = sum(tf.reduce_sum(a * b) for a, b in zip(y, dy, strict=True)) + sum(theirs.losses)
    weights = [w.value for w in theirs.trainable_weights]
    zero = tf.UnconnectedGradients.ZERO
    expected = tape.gradient(total, variables + weights, unconnected_gradients=zero)
    expected = [gradient.numpy() for gradient in expected]

    inputs, options = ours.taken_apart([list(xs)] if in_a_list else xs, call)
    ctx = Context(training)
    ctx.options = options
    ctx.in_mask = masks if any(mask is not None for mask in masks) else None
    runner = penalized(ours)
    close_all(listed(runner.forward(inputs, ctx)), [one.numpy() for one in y], TOLERANCE, "y")
    dxs = runner.backward(dy if len(dy) > 1 else dy[0], ctx)
    largest = max(float(np.abs(gradient).max()) for gradient in expected)
    for what, found, gradient in zip(
        [f"dx{i}" for i in range(len(xs))] + [w.path for w in ours.trainable_weights],
        [*dxs, *(w.grad for w in ours.trainable_weights)],
        expected,
        strict=True,
    ):
        if gradient.ndim == 0 or what.endswith("key/bias"):
            np.testing.assert_allclose(found, gradient, rtol=0, atol=TOLERANCE * largest)
        else:
            close(found, gradient, TOLERANCE, what)
    np.testing.assert_allclose(
        runner.activity_penalty(ctx), float(sum(theirs.losses)), rtol=TOLERANCE
    )


# --- heads

HEADS: list[dict[str, Any]] = [
    {},
    {"value_dim": 4},
    {"use_bias": False},
    {"use_gate": True, "value_dim": 2},
    {"output_shape": (3, 2)},
    {"output_shape": 6, "attention_axes": 1},
    {"sliding_window": 2},
    {"flash_attention": False, "seed": 4},
    {"dropout": 0.3, "seed": 5},
    {"dropout": 0.3},
    {"activity_regularizer": "l2", "use_gate": True},
    {"kernel_initializer": "he_uniform", "bias_initializer": "random_uniform"},
]
CALLS: list[dict[str, Any]] = [
    {},
    {"return_attention_scores": True},
    {"use_causal_mask": True},
    {"use_causal_mask": True, "return_attention_scores": True},
    {"attention_mask": RNG.random((N, T, S)) < 0.6},
    {"attention_mask": RNG.integers(0, 2, (T, S)), "use_causal_mask": True},
    {"attention_mask": RNG.random((N, 2, T, S)) < 0.6},
    {"value_mask": VALUE_MASK},
]


def rows(makers: int) -> list[tuple[int, int, int, bool, bool]]:
    """Return (maker, call, masks, whether there is a key, training), each pair of them once."""
    found = []
    for maker, call in itertools.product(range(makers), range(len(CALLS))):
        turn = maker + call
        found.append((maker, call, turn % 4, turn % 3 == 0, (turn // 2) % 2 == 0))
    return found


@pytest.mark.parametrize(("options", "call", "masks", "key", "training"), rows(len(HEADS)))
def test_heads(options, call, masks, key, training):
    given = CALLS[call]
    if np.ndim(given.get("attention_mask")) == 4:
        masks = 0  # a mask with an axis for the heads goes with no other
    xs = [QUERY, VALUE, KEY] if key else [QUERY, VALUE]
    compare(
        lambda layers: layers.MultiHeadAttention(2, 3, **HEADS[options]),
        xs,
        MASKS[masks],
        training,
        **given,
    )


def test_masks_of_keys():
    make = lambda layers: layers.MultiHeadAttention(2, 3)  # noqa: E731
    mask = ~VALUE_MASK
    compare(make, [QUERY, VALUE, KEY], (QUERY_MASK, VALUE_MASK, mask))
    compare(make, [QUERY, VALUE, KEY], (None, None, mask))
    compare(make, [QUERY, VALUE, KEY], key_mask=mask, value_mask=VALUE_MASK)
    compare(make, [QUERY, VALUE], key_mask=mask)


def test_a_query_mask_that_is_given_counts_with_shared_keys_alone():
    compare(lambda layers: layers.MultiHeadAttention(2, 3), [QUERY, VALUE], query_mask=QUERY_MASK)
    make = lambda layers: layers.GroupQueryAttention(3, 4, 2)  # noqa: E731
    compare(make, [QUERY, ALIKE], query_mask=QUERY_MASK)
    compare(make, [QUERY, ALIKE], query_mask=QUERY_MASK, return_attention_scores=True)


GRID, OTHER = numbers(2, 4, 5, D), numbers(2, 4, 5, 6, seed=1)


@pytest.mark.parametrize("axes", [None, 1, (2,), (1, 2), (2, 1), -2, -1, (0,), (1, 3)], ids=str)
def test_axes(axes):
    make = lambda layers: layers.MultiHeadAttention(2, 3, attention_axes=axes)  # noqa: E731
    compare(make, [GRID, OTHER], return_attention_scores=True)
    compare(make, [GRID, OTHER])


def test_axes_of_other_lengths_and_masks():
    make = lambda layers: layers.MultiHeadAttention(2, 3, attention_axes=1)  # noqa: E731
    longer = numbers(2, 7, 5, 6)
    compare(make, [GRID, longer], return_attention_scores=True)
    compare(make, [GRID, longer], use_causal_mask=True)
    make = lambda layers: layers.MultiHeadAttention(2, 3, 4)  # noqa: E731
    mask = RNG.random((2, 4, 5, 7, 3)) < 0.6
    compare(make, [GRID, numbers(2, 7, 3, 6)], attention_mask=mask)


@pytest.mark.parametrize("axes", [-1, 0, (1, 2)], ids=str)
def test_axes_that_the_short_way_does_not_look_at(axes):
    for options in ({}, {"dropout": 0.2, "seed": 1}):
        compare(
            lambda layers: layers.MultiHeadAttention(2, 3, attention_axes=axes, **options),  # noqa: B023
            [QUERY, QUERY],
        )


GROUPS: list[dict[str, Any]] = [
    {},
    {"use_bias": False},
    {"use_gate": True},
    {"sliding_window": 3},
    {"dropout": 0.3, "seed": 5},
    {"activity_regularizer": "l2"},
]


@pytest.mark.parametrize(("options", "call", "masks", "key", "training"), rows(len(GROUPS)))
def test_heads_that_share_keys(options, call, masks, key, training):
    given = CALLS[call]
    if np.ndim(given.get("attention_mask")) == 4:
        given, masks = {"attention_mask": RNG.random((N, 1, T, S)) < 0.6}, 0
    xs = [QUERY, ALIKE, KEY] if key else [QUERY, ALIKE]
    h, g = [(4, 2), (4, 1), (3, 3), (6, 2)][call % 4]
    compare(
        lambda layers: layers.GroupQueryAttention(3, h, g, **GROUPS[options]),
        xs,
        MASKS[masks],
        training,
        **given,
    )


@pytest.mark.parametrize("scores", [False, True])
def test_masks_that_are_not_of_bools(scores):
    """Where they are alone and scores are asked for, Keras takes those up to 0.5 for 0."""
    mask = np.where(RNG.random((N, T, S)) < 0.5, RNG.random((N, T, S)), 0).astype("f")
    for make in (
        lambda layers: layers.GroupQueryAttention(3, 4, 2),
        lambda layers: layers.MultiHeadAttention(2, 3),
    ):
        for causal in (False, True):
            options = {"return_attention_scores": scores, "use_causal_mask": causal}
            compare(make, [QUERY, ALIKE], attention_mask=mask, **options)


# --- one head, no projections

SINGLE: list[tuple[str, dict[str, Any]]] = [
    ("Attention", {}),
    ("Attention", {"use_scale": True}),
    ("Attention", {"score_mode": "concat"}),
    ("Attention", {"score_mode": "concat", "use_scale": True}),
    ("Attention", {"dropout": 0.3}),
    ("Attention", {"dropout": 0.3, "seed": 2}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
    ("AdditiveAttention", {"dropout": 0.4, "seed": 1}),
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masks", range(4))
@pytest.mark.parametrize(("name", "options"), SINGLE, ids=str)
def test_attention(name, options, masks, causal):
    query, value, key = numbers(N, T, 4), numbers(N, S, 6, seed=1), numbers(N, S, 4, seed=2)
    make = lambda layers: getattr(layers, name)(**options)  # noqa: E731
    call = {"use_causal_mask": causal, "return_attention_scores": masks in (1, 2)}
    compare(make, [query, key], MASKS[masks], causal, in_a_list=True, **call)
    compare(make, [query, value, key], MASKS[masks], masks > 1, in_a_list=True, **call)


def test_attention_with_more_axes():
    for name in ("Attention", "AdditiveAttention"):
        compare(
            lambda layers: getattr(layers, name)(),  # noqa: B023
            [numbers(2, 3, 5, 4), numbers(2, 3, 6, 4, seed=1)],
            in_a_list=True,
            return_attention_scores=True,
        )


# --- configs and models


def test_initial_weights_and_names():
    def build(k: Any) -> Any:
        x = k.Input((5, 8))
        mha = k.layers.MultiHeadAttention(
            2, 3, dropout=0.1, kernel_initializer=k.initializers.GlorotUniform(seed=1)
        )
        y = k.layers.MultiHeadAttention(2, 3, use_gate=True)(mha(x, x), x)
        return k.Model(x, k.layers.GroupQueryAttention(3, 4, 2)(y, y, y))

    ours, theirs = twins(build)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def richly_called(k: Any) -> Any:
    """A model in which calls say all that they can."""
    x, y = k.Input((5, 8), name="x"), k.Input((7, 8), name="y")
    mask = k.Input((5, 7), name="mask", dtype="bool")
    mha = k.layers.MultiHeadAttention(2, 3, name="mha")
    a, scores = mha(x, y, attention_mask=mask, return_attention_scores=True)
    b = mha(query=x, value=x, key=x, use_causal_mask=True)
    c = mha(x, value=y, training=False, attention_mask=np.tri(5, 7, dtype=bool))
    d = k.layers.GroupQueryAttention(3, 4, 2, name="gqa")(a, b, c, use_causal_mask=False)
    e, weights = k.layers.Attention(name="dot")([d, y], return_attention_scores=True)
    f = k.layers.AdditiveAttention(name="sum")([e, y], use_causal_mask=True)
    return k.Model([x, y, mask], {"f": f, "scores": scores, "weights": weights})


def data() -> list[np.ndarray]:
    mask = np.random.default_rng(4).random((6, 5, 7)) < 0.7
    return [numbers(6, 5, 8), numbers(6, 7, 8, seed=1), mask]


@numpy_2
def test_files_both_ways(tmp_path):
    ours, theirs = twins(richly_called)
    mine, other = json.loads(ours.to_json())["config"], json.loads(theirs.to_json())["config"]
    for a, b in zip(mine["layers"], other["layers"], strict=True):
        if a["name"] == "mha":
            # Keras takes the number of queries for that of the keys in the shape of the scores,
            # which other layers' configs would hold.
            assert a["inbound_nodes"][0]["kwargs"]["return_attention_scores"] is True
        assert a == b
    x = data()
    expected = theirs.predict(x, verbose=0)
    close_all(ours.predict(x, verbose=0), expected, TOLERANCE)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    again = scratchnn.models.load_model(tmp_path / "theirs.keras")
    close_all(again.predict(x, verbose=0), expected, TOLERANCE)
    assert json.loads(again.to_json())["config"] == other
    again = keras.models.load_model(tmp_path / "ours.keras")
    close_all(again.predict(x, verbose=0), expected, TOLERANCE)


def test_summaries(capsys):
    ours, theirs = twins(richly_called)
    shown = []
    for model in (ours, theirs):
        model.summary()
        shown.append(capsys.readouterr().out)
    # The shape of the scores, see above.
    assert shown[0].replace("(None, 2, 5, 7)", "(None, 2, 5, 5)") == shown[1]


@numpy_2
def test_weights_files(tmp_path):
    ours, theirs = twins(richly_called)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    for w in ours.weights:
        w.assign(np.zeros(w.shape))
    ours.load_weights(tmp_path / "theirs.weights.h5")
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def train(k: Any, build: Any, x: Any, y: Any, loss: str, steps: int = 20) -> Any:
    model = build(k)
    model.compile(k.optimizers.Adam(0.01), loss)
    before = [w.copy() for w in model.get_weights()]
    losses = [float(model.train_on_batch(x, y)) for _ in range(steps)]
    return before, losses, model.get_weights()


def same_training(build: Any, x: Any, y: Any, loss: str, tolerance: float = 2e-5) -> None:
    """Check twenty steps: Adam moves weights by 0.01 whatever the gradient's size."""
    ours, theirs = both(lambda k: train(k, build, x, y, loss))
    for found, expected in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=tolerance)
    assert ours[1][-1] < 0.9 * ours[1][0]


# --- a small Transformer

WORDS, LENGTH, WIDTH = 20, 6, 8


class OurPositions(scratchnn.layers.Layer):
    """y = x + p, p (T, D) trained: a layer of the user's own."""

    supports_masking = True

    def build(self, input_shape):
        self.p = self.add_weight(name="p", shape=input_shape[1:], initializer="uniform")

    def forward(self, x, ctx):
        return x + self.p.value

    def backward(self, dy, ctx):
        self.p.grad[...] = dy.sum(axis=0)
        return dy


class TheirPositions(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        self.p = self.add_weight(name="p", shape=input_shape[1:], initializer="uniform")

    def call(self, x):
        return x + self.p


OurPositions.__name__ = TheirPositions.__name__ = "Positions"  # as configs and files call both


def block(k: Any, x: Any, dropout: float = 0.0, **call: Any) -> Any:
    """A block as in Keras's tutorials: attention and two Dense, both with a way around them."""
    layers = k.layers
    a = layers.MultiHeadAttention(2, 4, dropout=dropout)(x, x, **call)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, layers.Dropout(dropout)(a)]))
    f = layers.Dense(WIDTH)(layers.Dense(16, "relu")(x))
    return layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, layers.Dropout(dropout)(f)]))


def positions(k: Any, name: str) -> Any:
    return (OurPositions if k is scratchnn else TheirPositions)(name=name)


def classifier(dropout: float, mask_zero: bool, own: bool) -> Any:
    def build(k: Any) -> Any:
        words = k.Input((LENGTH,), dtype="int32")
        x = k.layers.Embedding(WORDS, WIDTH, mask_zero=mask_zero)(words)
        if own:
            x = positions(k, "positions")(x)
        else:
            places = k.Input((LENGTH,), dtype="int32")
            x = k.layers.Add()([x, k.layers.Embedding(LENGTH, WIDTH)(places)])
        x = k.layers.GlobalAveragePooling1D()(block(k, x, dropout))
        x = k.layers.Dense(8, "relu")(k.layers.Dropout(dropout)(x))
        y = k.layers.Dense(3, "softmax")(x)
        return k.Model(words if own else [words, places], y)

    return build


def sentences() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    words = rng.integers(1, WORDS, (16, LENGTH))
    words[rng.random(words.shape) < 0.3] = 0
    return words, np.tile(np.arange(LENGTH), (16, 1)), words.max(axis=1) % 3


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize(("mask_zero", "own"), [(False, False), (True, True), (True, False)])
def test_a_transformer_that_classifies(dropout, mask_zero, own):
    words, places, kinds = sentences()
    x = words if own else [words, places]
    build = classifier(dropout, mask_zero, own)
    same_training(build, x, kinds, "sparse_categorical_crossentropy")


def decoder(k: Any) -> Any:
    """Two causal blocks, the second with a look at other data, and a word for each place.

    In Keras attention takes the mask off its inputs, so that the sum behind it has none.
    """
    words, source = k.Input((LENGTH,), dtype="int32"), k.Input((4, 5))
    x = positions(k, "p")(k.layers.Embedding(WORDS, WIDTH, mask_zero=True)(words))
    x = block(k, x, use_causal_mask=True)
    seen = k.layers.MultiHeadAttention(2, 4)(query=x, value=source, key=source)
    x = block(k, k.layers.Add()([x, seen]), use_causal_mask=True)
    return k.Model([words, source], k.layers.Dense(WORDS, "softmax")(x))


def test_a_transformer_that_writes():
    words, _, _ = sentences()
    x = [words, numbers(16, 4, 5)]
    same_training(decoder, x, np.roll(words, -1, axis=1), "sparse_categorical_crossentropy")


@numpy_2
def test_a_transformer_in_files_of_both(tmp_path):
    words, _, _ = sentences()
    x = [words, numbers(16, 4, 5)]
    ours, theirs = twins(decoder)
    for k, model, name in ((scratchnn, ours, "ours"), (keras, theirs, "theirs")):
        model.save(tmp_path / f"{name}.keras")
        expected = model.predict(x, verbose=0)
        other = keras if k is scratchnn else scratchnn
        known = {"Positions": OurPositions if other is scratchnn else TheirPositions}
        again = other.models.load_model(tmp_path / f"{name}.keras", custom_objects=known)
        close(again.predict(x, verbose=0), expected, TOLERANCE)
        assert [w.path for w in again.weights] == [w.path for w in model.weights]
