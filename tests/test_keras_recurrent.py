"""Recurrent layers against tf.keras: outputs, states, every gradient, masks, configs, training."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import same_configs
from twins import both, close, close_all, quiet, seed_both, twins

import scratchnn
from scratchnn import Context, tree

N, T, D, U = 4, 5, 3, 6
TOLERANCE = 2e-6
"""Relative to the largest element: five steps, each a sum of ten float32 products, in any order."""


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


MASK = np.array(
    [
        [True, True, True, True, True],
        [True, True, True, False, False],
        [False, False, True, True, False],
        [False, False, False, False, False],
    ]
)


def same_start(ours: Any, theirs: Any) -> None:
    """Check that both have the same weights: each bit, but for the rounding of a QR factorization.

    Then give ours theirs.
    """
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for w, expected in zip(ours.weights, theirs.get_weights(), strict=True):
        if w.name == "recurrent_kernel":
            close(w.numpy(), expected, 2e-6, w.path)
        else:
            np.testing.assert_array_equal(w.numpy(), expected, strict=True)
    ours.set_weights(theirs.get_weights())


def made(make: Any, shape: Any, seed: int = 3) -> tuple[Any, Any]:
    """Return a layer of both libraries, built, with the same weights, none of them zeros."""
    pair = []
    for k in (scratchnn, keras):
        seed_both(seed)
        with quiet():
            layer = make(k.layers)
            layer.build(shape)
        pair.append(layer)
    ours, theirs = pair
    same_start(ours, theirs)
    for i, (a, b) in enumerate(zip(ours.weights, theirs.weights, strict=True)):
        value = 0.5 * numbers(*a.shape, seed=i)
        if a.name == "moving_variance":
            value = np.abs(value)
        a.assign(value)
        b.assign(value)
    return ours, theirs


def compare(
    make: Any,
    x: np.ndarray,
    training: bool = False,
    mask: Any = None,
    states: list[np.ndarray] | None = None,
    tolerance: float = TOLERANCE,
    same: bool = True,
) -> tuple[Any, Any]:
    """Check outputs and all gradients of one call; return both layers."""
    shape = (N if "stateful" in str(make) else None, *x.shape[1:])
    ours, theirs = made(make, shape)
    variables = [tf.Variable(one) for one in [x, *(states or [])]]
    with tf.GradientTape() as tape, quiet():
        # As from a layer before: what a mask hides is on the tape all the same.
        given = [tf.identity(one) for one in variables]
        call: dict[str, Any] = {"training": training}
        if mask is not None:
            call["mask"] = tf.constant(mask)
        if states is not None:
            call["initial_state"] = given[1:]
        outputs = keras.tree.flatten(theirs(given[0], **call))
        dys = [numbers(*y.shape, seed=20 + i) for i, y in enumerate(outputs)]
        total = tf.add_n([tf.reduce_sum(y * dy) for y, dy in zip(outputs, dys, strict=True)])
    expected = tape.gradient(
        total,
        [*variables, *(w.value for w in theirs.trainable_weights)],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )

    ctx = Context(training)
    ctx.in_mask = mask  # said in the call: in a model it would be a list
    y = ours.forward(x if states is None else [x, *states], ctx)
    found = y if isinstance(y, list) else [y]
    close_all(found, [one.numpy() for one in outputs], tolerance, "outputs")
    dx = ours.backward([dy.copy() for dy in dys] if isinstance(y, list) else dys[0].copy(), ctx)
    dxs = dx if isinstance(dx, list) else [dx]
    gradients = [*dxs, *(w.grad for w in ours.trainable_weights)]
    names = ["dx", *(f"d state {i}" for i in range(len(dxs) - 1))]
    names += [w.path for w in ours.trainable_weights]
    for name, a, b in zip(names, gradients, expected, strict=True):
        close(a, b.numpy(), tolerance, name)
    if same:
        same_configs(ours, theirs)
    return ours, theirs


KINDS = {
    "simple": lambda L, **o: L.SimpleRNN(U, **o),
    "lstm": lambda L, **o: L.LSTM(U, **o),
    "gru": lambda L, **o: L.GRU(U, **o),
    "gru before": lambda L, **o: L.GRU(U, reset_after=False, **o),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


# --- outputs and gradients


@every_kind
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True},
        {"return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"go_backwards": True},
        {"use_bias": False, "unroll": True},
    ],
    ids=str,
)
def test_values_and_gradients(kind: str, options: Any) -> None:
    compare(lambda L: KINDS[kind](L, **options), numbers(N, T, D))


@every_kind
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "return_state": True},
        {"return_sequences": True, "zero_output_for_mask": True},
        {"return_state": True, "zero_output_for_mask": True},
        {"return_sequences": True, "go_backwards": True, "unroll": True},
    ],
    ids=str,
)
def test_masks(kind: str, options: Any) -> None:
    compare(lambda L: KINDS[kind](L, **options), numbers(N, T, D), mask=MASK)


@every_kind
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_initial_states(kind: str, masked: bool, sequences: bool) -> None:
    states = [numbers(N, U, seed=i) for i in range(2 if kind == "lstm" else 1)]
    compare(
        lambda L: KINDS[kind](L, return_state=True, return_sequences=sequences),
        numbers(N, T, D),
        mask=MASK if masked else None,
        states=states,
    )


@every_kind
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.4},
        {"recurrent_dropout": 0.4},
        {"dropout": 0.3, "recurrent_dropout": 0.4, "seed": 5},
        {"dropout": 1.0},
        {"recurrent_dropout": 1.0},
    ],
    ids=str,
)
def test_dropout(kind: str, training: bool, options: Any) -> None:
    """The masks are Keras's, bit for bit, in the second call, too."""
    if not (kind == "simple" and options.get("dropout") == 1.0 and training):
        compare(
            lambda L: KINDS[kind](L, return_sequences=True, **options), numbers(N, T, D), training
        )
    ours, theirs = made(lambda L: KINDS[kind](L, **options), (None, T, D))
    x = numbers(N, T, D)
    for mode in (training, False, True):
        with quiet():
            expected = theirs(x, training=mode).numpy()
        close(ours(x, training=mode), expected, TOLERANCE)
    generators = (layer.cell.seed_generator.state for layer in (ours, theirs))
    found, wanted = (np.asarray(state) for state in generators)
    np.testing.assert_array_equal(found, wanted)


def test_masks_by_gate_without_recurrent_dropout() -> None:
    """In Keras, implementation=1 works with use_cudnn=False alone."""
    for kind in ("lstm", "gru"):
        compare(
            lambda L, kind=kind: KINDS[kind](L, dropout=0.4, implementation=1, use_cudnn=False),
            numbers(N, T, D),
            True,
        )


@pytest.mark.parametrize(
    ("activation", "recurrent"),
    [
        ("relu", "sigmoid"),
        ("linear", "hard_sigmoid"),
        ("elu", "tanh"),
        ("softmax", "sigmoid"),
        ("tanh", "softmax"),
        ("silu", "log_sigmoid"),
    ],
)
def test_activations(activation: str, recurrent: str) -> None:
    x = numbers(N, T, D)
    compare(lambda L: L.SimpleRNN(U, activation), x)
    for options in ({}, {"return_sequences": True}):
        compare(lambda L, o=options: L.LSTM(U, activation, recurrent, **o), x)
        compare(lambda L, o=options: L.GRU(U, activation, recurrent, **o), x)
        compare(lambda L, o=options: L.GRU(U, activation, recurrent, reset_after=False, **o), x)


def test_initializers_regularizers_and_constraints() -> None:
    options: dict[str, Any] = {
        "kernel_initializer": "he_normal",
        "recurrent_initializer": "glorot_normal",
        "bias_initializer": "ones",
        "kernel_regularizer": "l2",
        "recurrent_regularizer": "l1",
        "bias_regularizer": "l1l2",
        "activity_regularizer": "l2",
        "kernel_constraint": "max_norm",
        "recurrent_constraint": "unit_norm",
        "bias_constraint": "non_neg",
    }
    for kind in ("lstm", "gru", "gru before"):
        compare(lambda L, kind=kind: KINDS[kind](L, **options), numbers(N, T, D))
    compare(lambda L: L.SimpleRNN(U, **options), numbers(N, T, D))
    with pytest.warns(UserWarning, match="Keras's SimpleRNN ignores its activity_regularizer"):
        scratchnn.layers.SimpleRNN(U, activity_regularizer="l2")
    compare(lambda L: L.LSTM(U, unit_forget_bias=False, seed=3), numbers(N, T, D))

    def run(k: Any) -> Any:
        model = k.Sequential([k.Input((T, D)), k.layers.LSTM(U, **options), k.layers.Dense(1)])
        model.compile(k.optimizers.SGD(0.05), "mse", run_eagerly=True)
        losses = [model.train_on_batch(numbers(N, T, D), numbers(N, 1)) for _ in range(3)]
        return losses, model.get_weights()

    ours, theirs = both(run)
    close_all(ours, theirs, 1e-5)


# --- cells


def test_cells_called_alone() -> None:
    x, h, c = numbers(N, D), numbers(N, U, seed=1), numbers(N, U, seed=2)
    for make, states in (
        (lambda L: L.SimpleRNNCell(U), [h]),
        (lambda L: L.SimpleRNNCell(U, dropout=0.5, recurrent_dropout=0.3), [h]),
        (lambda L: L.LSTMCell(U), [h, c]),
        (lambda L: L.LSTMCell(U, dropout=0.5, recurrent_dropout=0.3), [h, c]),
        (lambda L: L.GRUCell(U), [h]),
        (lambda L: L.GRUCell(U, reset_after=False, dropout=0.5), [h]),
        (lambda L: L.StackedRNNCells([L.GRUCell(U), L.LSTMCell(U)]), [[h], [h, c]]),
    ):
        ours, theirs = made(make, (None, D))
        for training in (False, True, True):
            y, after = ours(x, states, training=training)
            with quiet():
                expected, expected_after = theirs(x, states, training=training)
            close(y, expected.numpy(), TOLERANCE)
            close_all(
                tree.flatten(after),
                [one.numpy() for one in keras.tree.flatten(expected_after)],
                TOLERANCE,
            )
        same_configs(ours, theirs)
    cell = scratchnn.layers.GRUCell(U)
    y, state = cell(x, h)
    assert state.shape == y.shape  # a state alone comes back alone


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}], ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_rnn_of_cells(options: Any, training: bool) -> None:
    x = numbers(N, T, D)
    compare(lambda L: L.RNN(L.LSTMCell(U), **options), x, training)
    compare(lambda L: L.RNN(L.GRUCell(U, dropout=0.4), **options), x, training, MASK)
    compare(
        lambda L: L.RNN(
            [
                L.SimpleRNNCell(3, dropout=0.3),
                L.LSTMCell(2, dropout=0.4, recurrent_dropout=0.2),
                L.GRUCell(5, recurrent_dropout=0.2),
            ],
            **options,
        ),
        x,
        training,
        MASK,
    )


def test_states_of_stacked_cells_come_cell_by_cell() -> None:
    def make(L: Any) -> Any:
        return L.RNN([L.LSTMCell(2), L.GRUCell(U)], return_state=True)

    ours, theirs = made(make, (None, T, D))
    x = numbers(N, T, D)
    states = [[numbers(N, 2, seed=1), numbers(N, 2, seed=2)], [numbers(N, U, seed=3)]]
    found, expected = ours(x, initial_state=states), theirs(x, initial_state=states)
    tree.assert_same_structure(
        tree.map_structure(lambda y: y.shape[-1], found),
        keras.tree.map_structure(lambda y: int(y.shape[-1]), list(expected)),
    )
    close_all(
        tree.flatten(found), [y.numpy() for y in keras.tree.flatten(expected)], TOLERANCE, "states"
    )


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}], ids=str)
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_a_cell_of_ones_own(options: Any, mask: Any) -> None:
    """The same cell in both libraries; its output is not its state."""

    class OurCell(scratchnn.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.state_size = [units, units]
            self.output_size = 2 * units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

        def forward(self, inputs: Any, ctx: Context) -> Any:
            ctx.x, ctx.h, ctx.s = inputs
            ctx.y = np.tanh(ctx.x @ self.kernel.value + ctx.h)
            return [np.concatenate([ctx.y, ctx.s], 1), ctx.y, ctx.s + ctx.h]

        def backward(self, dy: Any, ctx: Context) -> Any:
            dy, dh, ds = dy
            dz = (dy[:, : self.units] + dh) * (1 - ctx.y**2)
            self.kernel.grad[...] = ctx.x.T @ dz
            return [dz @ self.kernel.value.T, dz + ds, ds + dy[:, self.units :]]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    class TheirCell(keras.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.state_size = [units, units]
            self.output_size = 2 * units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

        def call(self, x: Any, states: Any) -> Any:
            h, s = states
            y = keras.ops.tanh(keras.ops.matmul(x, self.kernel) + h)
            return keras.ops.concatenate([y, s], 1), [y, s + h]

    def make(L: Any) -> Any:
        cell = OurCell if L is scratchnn.layers else TheirCell
        return L.RNN(cell(2, name="cell"), **options)

    x, states = numbers(N, T, D), [numbers(N, 2, seed=5), numbers(N, 2, seed=6)]
    compare(make, x, mask=mask, same=False)
    compare(make, x, mask=mask, states=states, same=False)

    def stacked(L: Any) -> Any:
        cell = OurCell if L is scratchnn.layers else TheirCell
        return L.RNN([L.GRUCell(3), cell(2, name="cell")], **options)

    compare(stacked, x, mask=mask, same=False)


# --- bidirectional, time distributed


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}], ids=str)
def test_bidirectional(mode: Any, options: Any) -> None:
    def make(L: Any) -> Any:
        return L.Bidirectional(L.LSTM(U, **options), mode)

    compare(make, numbers(N, T, D))
    compare(make, numbers(N, T, D), mask=MASK)
    compare(make, numbers(N, T, D), mask=MASK, states=[numbers(N, U, seed=i) for i in range(4)])


def test_bidirectional_of_others() -> None:
    x = numbers(N, T, D)
    compare(
        lambda L: L.Bidirectional(L.GRU(U, dropout=0.3, name="forward_g"), name="both"), x, True
    )
    compare(
        lambda L: L.Bidirectional(
            L.SimpleRNN(U), backward_layer=L.GRU(2, go_backwards=True), name="both"
        ),
        x,
    )
    compare(lambda L: L.Bidirectional(L.RNN(L.LSTMCell(U), return_sequences=True)), x, mask=MASK)


def test_bidirectional_draws_what_keras_draws() -> None:
    def run(k: Any) -> Any:
        layers = [k.layers.Bidirectional(k.layers.LSTM(3)), k.layers.Dense(2)]
        return k.Sequential([k.Input((T, D)), *layers])

    same_start(*twins(run))


@pytest.mark.parametrize("training", [False, True])
def test_time_distributed(training: bool) -> None:
    x = numbers(N, T, D)
    compare(lambda L: L.TimeDistributed(L.Dense(2, "tanh")), x, training)
    compare(lambda L: L.TimeDistributed(L.Dense(2, "tanh")), x, training, MASK)
    compare(lambda L: L.TimeDistributed(L.Dropout(0.5)), x, training)
    compare(lambda L: L.TimeDistributed(L.LSTM(2)), numbers(N, 2, T, D), training)
    compare(lambda L: L.TimeDistributed(L.LSTM(2, dropout=0.4)), numbers(N, 2, T, D), training)
    ours, theirs = compare(
        lambda L: L.TimeDistributed(L.BatchNormalization(momentum=0.5)), x, training
    )
    close_all(ours.get_weights(), theirs.get_weights(), TOLERANCE, "moving statistics")


def test_activity_regularizers_of_layers_within() -> None:
    def build(k: Any) -> Any:
        inside = k.Sequential([k.Input((4,)), k.layers.Dense(2, activity_regularizer="l2")])
        ways = k.layers.GRU(2, return_sequences=True, activity_regularizer="l2")
        model = k.Sequential(
            [
                k.Input((T, D)),
                k.layers.Bidirectional(ways, activity_regularizer="l1"),
                k.layers.TimeDistributed(inside),
                k.layers.TimeDistributed(k.layers.Dense(2, activity_regularizer="l2")),
            ]
        )
        model.compile(k.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model

    pair = twins(build)
    same_start(*pair)
    x, y = numbers(N, T, D), numbers(N, T, 2)
    results = [([m.train_on_batch(x, y) for _ in range(3)], m.get_weights()) for m in pair]
    close_all(*results, 1e-5)


# --- stateful


def test_stateful_layers_go_on() -> None:
    def run(k: Any) -> Any:
        layers = [
            k.layers.LSTM(3, stateful=True, return_sequences=True),
            k.layers.Bidirectional(k.layers.GRU(2, stateful=True)),
        ]
        model = k.Sequential([k.Input(batch_shape=(N, T, D)), *layers, k.layers.Dense(1)])
        model.compile(k.optimizers.SGD(0.1), "mse", run_eagerly=True)
        x = numbers(2 * N, T, D)
        seen = [model.predict(x, batch_size=N, verbose=0) for _ in range(2)]
        layers[0].reset_states()
        seen.append(model.predict(x, batch_size=N, verbose=0))
        layers[0].reset_state()
        layers[1].reset_states()
        seen.append(model.predict(x, batch_size=N, verbose=0))
        history = model.fit(
            x, numbers(2 * N, 1), batch_size=N, epochs=2, shuffle=False, verbose=0
        ).history
        states = [np.asarray(state) for layer in layers for state in layer.states]
        return seen, history["loss"], states, model.get_weights()

    ours, theirs = both(run)
    close_all(ours, theirs, 1e-5)
    assert not np.array_equal(ours[0][0], ours[0][1])
    assert not np.array_equal(ours[0][2], ours[0][0])
    np.testing.assert_array_equal(ours[0][3], ours[0][0])


# --- models


@pytest.mark.parametrize(
    "layers",
    [
        lambda L: [L.SimpleRNN(U)],
        lambda L: [L.LSTM(U, dropout=0.2, recurrent_dropout=0.3)],
        lambda L: [L.LSTM(U, return_sequences=True, dropout=0.2), L.GRU(U)],
        lambda L: [L.Bidirectional(L.GRU(U, return_sequences=True)), L.TimeDistributed(L.Dense(2))],
    ],
    ids=["simple", "lstm", "two", "bidirectional"],
)
def test_twenty_steps(layers: Any) -> None:
    def build(k: Any) -> Any:
        model = k.Sequential(
            [k.Input((T, D)), *layers(k.layers), k.layers.Flatten(), k.layers.Dense(2)]
        )
        model.compile(k.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model

    ours, theirs = twins(build)
    same_start(ours, theirs)
    x, y = numbers(N, T, D), numbers(N, 2)
    losses, keras_losses = (
        [model.train_on_batch(x, y) for _ in range(20)] for model in (ours, theirs)
    )
    np.testing.assert_allclose(losses, keras_losses, rtol=2e-5)
    assert losses[-1] < 0.9 * losses[0]
    close_all(ours.get_weights(), theirs.get_weights(), 2e-5, "weights")


def test_a_masked_model_fits() -> None:
    """Padded words, masked from the Embedding on, through two layers, with fit and evaluate."""
    words = np.random.default_rng(0).integers(1, 9, (2 * N, T))
    words[np.concatenate([~MASK, ~MASK])] = 0

    def build(k: Any) -> Any:
        model = k.Sequential(
            [
                k.Input((T,)),
                k.layers.Embedding(9, D, mask_zero=True),
                k.layers.LSTM(U, return_sequences=True),
                k.layers.Bidirectional(k.layers.GRU(3)),
                k.layers.Dense(1, "sigmoid"),
            ]
        )
        model.compile(k.optimizers.SGD(0.1), "binary_crossentropy", run_eagerly=True)
        return model

    y = (numbers(2 * N, 1) > 0).astype("f")
    pair = twins(build)
    same_start(*pair)
    results = []
    for model in pair:
        history = model.fit(words, y, batch_size=3, epochs=2, verbose=0, shuffle=False).history
        results.append((history["loss"], model.evaluate(words, y, verbose=0), model.get_weights()))
    close_all(*results, 2e-5)


def seq2seq(k: Any) -> Any:
    """Return a model of the structure of Keras's character-level translation.

    What the encoder ends with is what the decoder begins with; it is given the right letters.
    """
    encoder_inputs = k.Input((None, D), name="source")
    encoder = k.layers.LSTM(U, return_state=True)
    _, h, c = encoder(encoder_inputs)
    decoder_inputs = k.Input((None, 4), name="target")
    decoder = k.layers.LSTM(U, return_sequences=True, return_state=True)
    outputs, _, _ = decoder(decoder_inputs, initial_state=[h, c])
    outputs = k.layers.Dense(4, activation="softmax")(outputs)
    return k.Model([encoder_inputs, decoder_inputs], outputs)


def samplers(k: Any, model: Any) -> tuple[Any, Any]:
    """Return two models that translate: one encodes, one takes a step from given states."""
    encoder = k.Model(model.inputs[0], model.layers[2].output[1:])
    decoder_inputs = model.inputs[1]
    states = [k.Input((U,)), k.Input((U,))]
    outputs, h, c = model.layers[3](decoder_inputs, initial_state=states)
    outputs = model.layers[4](outputs)
    return encoder, k.Model([decoder_inputs, *states], [outputs, h, c])


def test_seq2seq() -> None:
    source = numbers(2 * N, T, D)
    target = np.eye(4, dtype="f")[np.random.default_rng(1).integers(0, 4, (2 * N, 7))]

    def run(k: Any) -> Any:
        model = seq2seq(k)
        model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
        history = model.fit(
            [source, target[:, :-1]], target[:, 1:], batch_size=N, epochs=3, verbose=0
        ).history
        encoder, decoder = samplers(k, model)
        states = encoder.predict(source[:2], verbose=0)
        letter = np.zeros((2, 1, 4), "f")
        steps = []
        for _ in range(3):
            letter, *states = decoder.predict([letter, *states], verbose=0)
            steps.append(letter)
        return history, steps, states, model.get_weights()

    ours, theirs = both(run)
    close_all(ours, theirs, 2e-5)
    assert ours[0]["loss"][-1] < ours[0]["loss"][0]


def graph(k: Any) -> Any:
    a, b = k.Input((T, D)), k.Input((6, D))
    y, h, c = k.layers.LSTM(U, return_state=True, name="first")(a)
    z = k.layers.LSTM(U, return_sequences=True, name="second")(b, initial_state=[h, c])
    g = k.layers.GRU(U, name="one")(z, initial_state=h)
    both_ways = k.layers.Bidirectional(k.layers.GRU(U), name="ways")(z, initial_state=[h, y])
    cells = [k.layers.LSTMCell(U), k.layers.GRUCell(U)]
    stacked = k.layers.RNN(cells, name="stack")(z, initial_state=[[h, c], y])
    plain = k.layers.TimeDistributed(k.layers.Dense(2), name="dense")(z)
    mode = k.layers.SimpleRNN(2, name="trained")(z, training=True)
    return k.Model([a, b], [g, both_ways, stacked, plain, mode], name="graph")


def test_functional_configs_go_both_ways() -> None:
    ours, theirs = twins(graph)
    same_start(ours, theirs)
    found, expected = (json.loads(json.dumps(m.get_config())) for m in (ours, theirs))
    assert found == expected
    x = [numbers(N, T, D), numbers(N, 6, D)]
    with quiet():
        # Keras takes a config apart.
        again = keras.Model.from_config(json.loads(json.dumps(found)))
        back = type(ours).from_config(expected)
    again.set_weights(ours.get_weights())
    back.set_weights(ours.get_weights())
    y = theirs.predict(x, verbose=0)
    close_all(ours.predict(x, verbose=0), y, TOLERANCE)
    close_all(back.predict(x, verbose=0), y, TOLERANCE)
    close_all([one.numpy() for one in again(x)], y, TOLERANCE)
    assert json.loads(json.dumps(back.get_config())) == found


def test_files_go_both_ways(tmp_path: Any) -> None:
    def run(k: Any) -> Any:
        layers = [
            k.layers.LSTM(3, return_sequences=True),
            k.layers.Bidirectional(k.layers.GRU(2, return_sequences=True)),
            k.layers.TimeDistributed(k.layers.Dense(3)),
            k.layers.RNN([k.layers.SimpleRNNCell(3), k.layers.LSTMCell(2)]),
        ]
        return k.Sequential([k.Input((T, D)), *layers])

    ours, theirs = twins(run)
    x = numbers(N, T, D)
    expected = theirs.predict(x, verbose=0)
    ours.save(tmp_path / "ours.keras")
    with quiet():
        theirs.save(tmp_path / "theirs.keras")
        theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.save_weights(tmp_path / "ours.weights.h5")
    loaded = keras.models.load_model(tmp_path / "ours.keras")
    close(loaded.predict(x, verbose=0), expected, TOLERANCE)
    close(
        scratchnn.models.load_model(tmp_path / "theirs.keras").predict(x, verbose=0), expected, 1e-6
    )
    for name in ("ours", "theirs"):
        again = run(scratchnn)
        again.load_weights(tmp_path / f"{name}.weights.h5")
        close(again.predict(x, verbose=0), expected, TOLERANCE)
