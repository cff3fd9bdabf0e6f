"""Recurrent layers: gradients with masks and states, their options, and what they say of errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from case import Case
from cases import example
from contract_checks import every_check

import scratchnn
from scratchnn import Context
from scratchnn.inspection import check_gradients
from scratchnn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    GRUCell,
    Input,
    Layer,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from scratchnn.layers.recurrent import products, stepping

N, T, D, U = 3, 4, 2, 3
X = np.random.default_rng(0).normal(size=(N, T, D))
MASK = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
STATES = [np.random.default_rng(i).normal(size=(N, U)) for i in (1, 2, 3, 4)]

Leaky: Any = example(stepping)["Leaky"]


def kinds(**options: Any) -> list[tuple[Any, int]]:
    """Return layers of every kind, and how many states each has."""
    return [
        (SimpleRNN(U, **options), 1),
        (LSTM(U, **options), 2),
        (GRU(U, **options), 1),
        (GRU(U, reset_after=False, **options), 1),
        (RNN(Leaky(U), **options), 1),
        (RNN([GRUCell(U), Leaky(U)], **options), 2),
        (Bidirectional(LSTM(U, **options), name="both"), 4),
        (Bidirectional(GRU(U, **options), None, name="both"), 2),
    ]


class Repeatable(Leaky):  # type: ignore[misc]
    """The example, built alike each time."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.kernel.assign(np.random.default_rng(0).normal(size=self.kernel.shape))


def _example(dtype: Any) -> Any:
    return RNN(Repeatable(3, dtype=dtype), dtype=dtype)


@every_check([Case("a cell of one's own", _example, (3, 5, 4), recycles=False)])
def test_the_example_keeps_the_contract(check: Any) -> None:
    check()


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_gradients_of_states_and_masks(sequences: bool, mask: Any) -> None:
    for layer, count in kinds(return_sequences=sequences, return_state=True):
        given = [X, *STATES[:count]]
        masks = None if mask is None else [mask, *(None for _ in range(count))]
        check_gradients(layer, given, mask=masks, training=True)
        check_gradients(layer, X, mask=mask)


def test_gradients_where_nothing_came_back() -> None:
    """Of [y, h, c], a loss may depend on one alone."""
    for index in range(3):
        layer = LSTM(U, return_state=True)
        ctx = Context()
        layer.ensure_built(X.shape)
        outputs = layer.forward(layer.cast(X), ctx)
        dys: list[Any] = [None] * 3
        dys[index] = np.ones_like(outputs[index])
        dx = layer.backward(dys, ctx).copy()
        zeros = [np.zeros_like(y) for y in outputs]
        zeros[index] = np.ones_like(outputs[index])
        np.testing.assert_array_equal(layer.backward(zeros, ctx), dx)
        assert np.any(dx)


def test_gradients_of_a_direction_nobody_needs() -> None:
    a = Input((T, D))
    forward, _ = Bidirectional(GRU(U), merge_mode=None)(a)
    model = scratchnn.Model(a, Dense(1)(forward))
    model.compile("sgd", "mse")
    layer: Any = model.layers[1]
    for weight in layer.weights:
        weight.grad.fill(7)
    model.train_on_batch(X, np.ones((N, 1)))
    assert all(np.all(w.grad == 0) for w in layer.backward_layer.weights)
    assert all(np.any(w.grad) for w in layer.forward_layer.weights)


def test_cells_take_one_step_of_a_sequence() -> None:
    for cell, count in ((SimpleRNNCell(U), 1), (LSTMCell(U), 2), (GRUCell(U), 1)):
        states = STATES[:count]
        check_gradients(cell, [X[:, 0], *states])
        cell.ensure_built((N, D))
        layer = RNN(cell, return_state=True)
        y, after = cell(X[:, 0], states)
        expected, *expected_after = layer(X[:, :1], initial_state=states)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(after, expected_after)
        assert cell.compute_output_shape([(N, D), *((N, U) for _ in states)]) == [
            (N, U),
            *((N, U) for _ in states),
        ]


def test_stacked_cells_take_one_step() -> None:
    cells = StackedRNNCells([GRUCell(U), LSTMCell(2), Leaky(4)])
    states = [np.ones((N, size)) for size in (U, 2, 2, 4)]
    check_gradients(cells, [X[:, 0], *states])
    assert cells.state_size == [U, [2, 2], 4]
    assert cells.output_size == 4


def test_a_cell_whose_steps_are_written_anew_is_stepped() -> None:
    class Doubled(GRUCell):
        def forward(self, inputs: Any, ctx: Context) -> Any:
            y, h = super().forward(inputs, ctx)
            return [2 * y, h]

        def backward(self, dy: Any, ctx: Context) -> Any:
            return super().backward([2 * dy[0], dy[1]], ctx)

    layer, plain = RNN(Doubled(U, name="c", dropout=0.3, seed=1)), RNN(GRUCell(U, name="c"))
    check_gradients(layer, X, training=False)
    plain(X)
    layer(X)
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(layer(X), 2 * plain(X), rtol=1e-6)


def test_a_mask_that_hides_nothing_is_none() -> None:
    for layer, _ in kinds(return_sequences=True, name="x")[:6]:
        np.testing.assert_array_equal(layer(X), layer(X, mask=np.ones((N, T), bool)))


def test_unroll_gives_the_same_numbers() -> None:
    layer = LSTM(U, seed=1)
    twin = LSTM(U, unroll=True)
    y = layer(X)
    twin(X)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(X), y)


def test_long_sequences_and_large_numbers_stay_finite() -> None:
    for layer, _ in kinds(return_sequences=True)[:4]:
        with np.errstate(all="raise", under="ignore"):
            y = layer(1e4 * np.random.default_rng(0).normal(size=(2, 200, D)))
        assert np.isfinite(y).all()
        assert np.abs(y).max() <= 1


def test_the_states_of_a_call_are_arrays_of_their_own() -> None:
    for layer, count in kinds(return_state=True):
        states = [state.astype("f") for state in STATES[:count]]
        kept = [state.copy() for state in states]
        outputs = scratchnn.tree.flatten(layer(X, initial_state=states))
        for i, one in enumerate(outputs):
            assert not any(np.may_share_memory(one, other) for other in [X, *states])
            assert not any(np.may_share_memory(one, other) for other in outputs[i + 1 :])
        np.testing.assert_array_equal(states, kept)


def test_a_stateful_layer_keeps_its_states_on_an_error() -> None:
    layer = LSTM(U, stateful=True)
    layer(X)
    before = [state.copy() for state in layer.states or []]
    with pytest.raises(ValueError, match="stateful, so it expected batches of 3 samples, as it"):
        layer(X[:2])
    np.testing.assert_array_equal(layer.states, before)
    assert np.any(before)
    layer.reset_states()
    assert not np.any(layer.states)


def test_gradients_of_a_stateful_layer() -> None:
    """The states of the batch before are where it starts; nothing flows back to them."""
    for cell in (LSTMCell(U, dtype="float64"), Leaky(U, dtype="float64")):
        layer = RNN(cell, stateful=True, dtype="float64")
        layer(X)
        states = [state.copy() for state in layer.states or []]
        twin = RNN(cell, dtype="float64")
        twin.ensure_built(X.shape)
        results = []
        for one, given in ((layer, X), (twin, [X, *states])):
            ctx = Context(dtype="float64")
            y = one.forward(given, ctx).copy()
            dx = one.backward(np.ones((N, U)), ctx)
            dx = dx[0] if isinstance(dx, list) else dx
            results.append([y, dx.copy(), *(w.grad.copy() for w in cell.weights)])
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b)


def test_weights_to_begin_with() -> None:
    first = Bidirectional(GRU(U))
    y = first(X)
    again = Bidirectional(GRU(U), weights=first.get_weights())
    np.testing.assert_array_equal(again(X), y)
    assert [w.path.split("/")[1] for w in first.weights] == 3 * ["forward_gru"] + 3 * [
        "backward_gru"
    ]


def test_time_distributed_goes_step_by_step_where_it_must() -> None:
    calls = []

    class Own(Layer):
        def forward(self, x: Any, ctx: Context) -> Any:
            calls.append(x.shape)
            return 2 * x

        def backward(self, dy: Any, ctx: Context) -> Any:
            return 2 * dy

    check_gradients(TimeDistributed(Own()), X)
    assert set(calls) == {(N, D)}
    layer = TimeDistributed(Dense(U))
    y = layer(X)
    np.testing.assert_allclose(y[:, 2], layer.layer(X[:, 2]), rtol=1e-6)


# --- errors


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(0), "LSTMCell expected a positive whole number for `units`"),
        (lambda: LSTM(3, use_cudnn=True), "LSTM got use_cudnn=True, but cuDNN needs a GPU"),
        (lambda: GRU(3, use_cudnn="no"), "GRU expected use_cudnn to be 'auto' or False"),
        (lambda: GRU(3, implementation=3), "GRUCell expected implementation to be 1 or 2"),
        (lambda: LSTM(3, "glu"), "LSTMCell expected as activation a function that keeps the shape"),
        (lambda: LSTM(3, Dense(3)), "LSTMCell expected as activation a function that keeps"),
        (lambda: LSTM(3, dropuot=0.1), "Did you mean 'dropout'"),
        (lambda: RNN(Dense(3)), "RNN expected cells: layers with a `state_size`"),
        (lambda: RNN([LSTMCell(3), 3]), "StackedRNNCells expected cells: layers with a"),
        (lambda: Bidirectional(Dense(3)), "Bidirectional expected as `layer` a recurrent layer"),
        (lambda: Bidirectional(LSTM(3), "both"), "expected merge_mode to be 'concat', 'sum'"),
        (
            lambda: Bidirectional(LSTM(3), backward_layer=LSTM(3)),
            "expected layers of opposite directions",
        ),
        (
            lambda: Bidirectional(
                LSTM(3), backward_layer=LSTM(3, go_backwards=True, return_sequences=True)
            ),
            "expected the same return_sequences for both",
        ),
        (lambda: TimeDistributed(3), "TimeDistributed expected a layer to wrap"),
    ],
)
def test_errors_of_arguments(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: LSTM(3)(X[0]), r"expected an input of rank 3, \(N, T, D\)"),
        (lambda: RNN(LSTMCell(3))(X[0]), r"expected an input of rank 3 or more, \(N, T, ...\)"),
        (lambda: LSTM(3)(X[:, :0]), "expected a sequence of at least one time step"),
        (
            lambda: LSTM(3, unroll=True)(Input((None, 2))),
            "at least one time step, and with unroll=True a fixed number of them",
        ),
        (lambda: LSTM(3)(Input((5, None))), "last axis of its input to have a fixed size"),
        (lambda: LSTM(3, stateful=True)(Input((5, 2))), "is stateful, so it expected a fixed"),
        (
            lambda: LSTM(3)(X, initial_state=STATES[:1]),
            r"expected initial states of the shapes \[\(3, 3\), \(3, 3\)\]",
        ),
        (
            lambda: GRU(2)(X, initial_state=STATES[0]),
            r"expected initial states of the shapes \[\(3, 2\)\]",
        ),
        (lambda: TimeDistributed(Dense(3))(X[0]), "expected an input of rank 3 or more"),
        (lambda: TimeDistributed(Dense(3))(X, mask=MASK[:2]), "expected a mask of shape"),
    ],
)
def test_errors_of_calls(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


def test_errors_later() -> None:
    layer = LSTM(3)
    layer(X)
    with pytest.raises(ValueError, match="fixed size of 2"):
        layer(np.zeros((N, T, 5)))
    with pytest.raises(AttributeError, match="is not stateful: it keeps no states"):
        Bidirectional(layer).reset_states()
    with pytest.raises(TypeError, match=r"is called with \(sequences, initial_state, mask, train"):
        layer(X, constants=[1])
    for name in ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"):
        with pytest.raises(NotImplementedError, match="its steps are convolutions: use TimeDist"):
            getattr(scratchnn.layers, name)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("shape", [(2, 4), (5,), (2, 5, 2), (1, 5)])
def test_a_mask_of_another_shape(kind, shape):
    layer, x = getattr(scratchnn.layers, kind)(3), np.ones((2, 5, 4), "float32")
    for wrapped in (layer, Bidirectional(layer)):
        with pytest.raises(ValueError, match=r"expected a mask of shape \(2, 5\)"):
            wrapped(x, mask=np.ones(shape, bool))
    with_axis = np.tri(2, 5, dtype=bool)[..., np.newaxis]
    np.testing.assert_array_equal(layer(x, mask=with_axis), layer(x, mask=with_axis[..., 0]))


# --- products in pieces


@pytest.mark.parametrize("rows", [0, 1, 40, 130])
@pytest.mark.parametrize("small", [40 * 15, 40 * 15 - 1, 8 * 15 - 1, 10**6])
def test_products_in_pieces(rows, small, monkeypatch):
    monkeypatch.setattr(products, "SMALL", small)
    monkeypatch.setattr(products, "LEAST", 8)
    rng = np.random.default_rng(0)
    a, b, kernels = (rng.normal(size=shape) for shape in ((rows, 3), (rows, 5), (4, 3, 5)))
    out, total = np.full((4, rows, 5), np.nan), np.full((3, 5), np.nan)
    products.product(a, kernels, out)
    np.testing.assert_allclose(out, a @ kernels, atol=1e-12)
    products.product(a, kernels[0], out[1])
    np.testing.assert_allclose(out[1], a @ kernels[0], atol=1e-12)
    products.transposed_product(a, b, total, Context(dtype="float64"))
    np.testing.assert_allclose(total, a.T @ b, atol=1e-12)
