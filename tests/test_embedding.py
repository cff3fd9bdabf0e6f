"""Embedding without TensorFlow: lookups, gradients, errors, and what optimizers make of them."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Context, Input, Model, Sequential, optimizers
from scratchnn.layers import (
    Add,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
)
from scratchnn.occurrences import Occurrences
from scratchnn.parameters import Parameter, ParameterStore

TABLE = np.arange(12, dtype="f").reshape(4, 3)


def words(**options):
    return Embedding(4, 3, weights=TABLE, **options)


# --- lookups


def test_lookups():
    x = np.array([[0, 3, 3], [1, 2, 0]])
    np.testing.assert_array_equal(words()(x), TABLE[x])
    np.testing.assert_array_equal(words()([1, 2]), TABLE[[1, 2]])


def test_negative_numbers_count_from_the_end_once():
    np.testing.assert_array_equal(words()(np.array([-1, -4])), TABLE[[3, 0]])
    with pytest.raises(ValueError, match=r"\[0, 4\), or from -4 to -1.*Received: -5 at \(1,\)"):
        words()(np.array([-1, -5]))


def test_other_numbers_are_cut_off_at_the_point():
    np.testing.assert_array_equal(words()(np.array([0.9, -0.9, 2.5, -1.5])), TABLE[[0, 0, 2, 3]])
    np.testing.assert_array_equal(words()(np.array([True, False])), TABLE[[1, 0]])
    np.testing.assert_array_equal(words()(np.array([3, 1], np.uint8)), TABLE[[3, 1]])


@pytest.mark.parametrize("outside", [4, 10**12, np.nan, np.inf])
def test_errors_name_the_index_and_the_range(outside):
    layer = words(name="words")
    with pytest.raises(
        ValueError, match=r"'words' has 4 rows: .*\[0, 4\).*Received: .* at \(0, 1\)"
    ):
        layer(np.array([[1, outside]]))


def test_an_index_outside_leaves_a_model_as_it_was():
    model = Sequential([Input((2,), dtype="int32"), Embedding(4, 3), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.array([[0, 1]]), np.ones((1, 1)), verbose=0)
    before = model.get_weights()
    with pytest.raises(ValueError, match="Make input_dim the largest index plus 1"):
        model.fit(np.array([[0, 4]]), np.ones((1, 1)), verbose=0)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


# --- arguments


@pytest.mark.parametrize("sizes", [(0, 3), (4, -1), (2.5, 3), (4, None), (True, 3)])
def test_sizes(sizes):
    with pytest.raises(ValueError, match="Embedding expected a positive whole number"):
        Embedding(*sizes)


def test_weights_alone_and_in_a_list():
    for given_weights in (TABLE, [TABLE], TABLE.tolist()):
        np.testing.assert_array_equal(Embedding(4, 3, weights=given_weights)([1]), TABLE[[1]])
    with pytest.raises(ValueError, match=r"expected shape \(4, 3\)"):
        Embedding(4, 3, weights=TABLE.T)


def test_arguments_that_are_not_supported():
    for name in ("lora_rank", "lora_alpha", "quantization_config"):
        with pytest.raises(ValueError, match="Embedding does not support"):
            Embedding(4, 3, **{name: 2})


def test_input_length_is_taken():
    with pytest.warns(UserWarning, match="input_length of Embedding is not needed"):
        Embedding(4, 3, input_length=7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Embedding(4, 3, input_length=None)


def test_masks():
    x = np.array([[0, 1, 0.5]])
    assert words().compute_mask(x) is None
    np.testing.assert_array_equal(words(mask_zero=True).compute_mask(x), [[False, True, True]])


# --- gradients


def one_by_one(rows, slices, table, power=lambda s: s):
    total = np.zeros((table, slices.shape[1]))
    for row, s in zip(rows, slices, strict=True):
        total[row] += power(s)
    return total


@settings(max_examples=60, deadline=None)
@given(
    table=st.integers(1, 60),
    samples=st.integers(1, 5),
    length=st.integers(1, 9),
    width=st.integers(1, 5),
    alike=st.booleans(),
    seed=st.integers(0, 99),
)
def test_occurrences(table, samples, length, width, alike, seed):
    rng = np.random.default_rng(seed)
    taken = rng.integers(0, table, (samples, length))
    slices = rng.normal(size=(samples, width) if alike else (samples * length, width))
    every = np.repeat(slices, length, axis=0) if alike else slices
    found = Occurrences(taken if alike else taken.reshape(-1, 1), slices, table)
    for name, power in (("sums", lambda s: s), ("squares", np.square), ("sizes", np.abs)):
        expected = one_by_one(taken.reshape(-1), every, table, power)
        np.testing.assert_allclose(getattr(found, name), expected[found.rows], atol=1e-12)
        both = getattr(found.joined(found), name)
        np.testing.assert_allclose(both, 2 * expected[found.rows], atol=1e-12)
        half = getattr(found.replaced(slices / 2), name)
        np.testing.assert_allclose(half, expected[found.rows] * power(np.array(0.5)), atol=1e-12)
    assert found.rows.tolist() == sorted(set(taken.reshape(-1).tolist()))
    assert found.repeats == (len(found.rows) < taken.size)


def backward(layer, x, dy):
    ctx = Context(True, layer.dtype)
    layer.forward(x, ctx)
    assert layer.backward(dy, ctx) is None
    return layer.embeddings.grad.copy()


def test_every_row_of_the_gradient_is_assigned():
    layer = words()
    for x in ([[0, 1]], [[2, 2]], [[3, 0]]):
        x, dy = np.array(x), np.ones((1, 2, 3), "f")
        np.testing.assert_array_equal(backward(layer, x, dy), one_by_one(x[0], dy[0], 4))


def test_rows_that_others_wrote_to_are_assigned_too():
    layer, x, dy = words(), np.array([[0, 1]]), np.ones((1, 2, 3), "f")
    expected = backward(layer, x, dy)
    layer.embeddings.grad[...] = np.nan
    np.testing.assert_array_equal(backward(layer, x, dy), expected)
    ParameterStore([layer.embeddings])
    np.testing.assert_array_equal(backward(layer, x, dy), expected)


def test_one_gradient_for_all_time_steps():
    """What a global average sends back is not spread out, where the layer before takes it so."""
    x = np.random.default_rng(0).integers(0, 4, (5, 7))
    dy = np.random.default_rng(1).normal(size=(5, 1, 3)).astype("f")
    layer = words()
    spread = backward(layer, x, np.repeat(dy, 7, axis=1))
    found = backward(layer, x, np.broadcast_to(dy, (5, 7, 3)))
    np.testing.assert_allclose(found, spread, rtol=1e-5)


@pytest.mark.parametrize("functional", [False, True])
def test_only_a_layer_that_takes_it_is_given_one_gradient_for_all(functional, monkeypatch):
    seen = []

    def watch(cls):
        whole = cls.backward

        def watched(self, dy, ctx):
            seen.append((cls.__name__, 0 in dy.strides))
            return whole(self, dy, ctx)

        monkeypatch.setattr(cls, "backward", watched)

    class Copied(Embedding):
        takes_broadcast = False

    watch(Embedding)
    x, y = np.array([[0, 1, 1], [2, 3, 0]]), np.ones((2, 1))
    for first, expected in ((Embedding(4, 3), True), (Copied(4, 3), False)):
        layers = [Input((3,), dtype="int32"), first, GlobalAveragePooling1D(), Dense(1)]
        if functional:
            tensor = layers[0]
            for layer in layers[1:]:
                tensor = layer(tensor)
            model = Model(layers[0], tensor)
        else:
            model = Sequential(layers)
        model.compile("sgd", "mse")
        model.train_on_batch(x, y)
        assert seen == [("Embedding", expected)]
        seen.clear()


def test_an_embedding_that_two_layers_read():
    """Gradients that meet, one of them the same for all time steps, add up."""
    inputs = Input((3,), dtype="int32")
    vectors = Embedding(4, 3)(inputs)
    both = Add()([GlobalAveragePooling1D()(vectors), GlobalMaxPooling1D()(vectors)])
    model = Model(inputs, Dense(1)(both))
    model.compile("sgd", "mse")
    x, y = np.array([[0, 1, 1], [2, 3, 0]]), np.ones((2, 1))
    losses = [model.train_on_batch(x, y) for _ in range(20)]
    assert losses[-1] < losses[0] / 2


# --- optimizers


def steps(optimizer, lookups, dense=False):
    """Return a table after some lookups of ones; `dense`: as if each gradient were a plain one."""
    table = Parameter(np.ones((5, 2), "f"), name="table")
    table.by_rows = not dense
    store = ParameterStore([table, Parameter(np.ones(3, "f"), name="other")])
    for rows in lookups:
        taken = np.array(rows)[:, np.newaxis]
        found = Occurrences(taken, np.full((len(rows), 2), 0.1, "f"), 5)
        if dense:
            table.grad[...] = 0
            table.grad[found.rows] = found.sums
        else:
            table.assign_rows(found)
        optimizer.step(store)
    return table.numpy()


ALL = [
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9),
    optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    optimizers.RMSprop(0.1),
    optimizers.RMSprop(0.1, momentum=0.9, centered=True),
    optimizers.Adam(0.1),
    optimizers.Adam(0.1, amsgrad=True),
    optimizers.AdamW(0.1),
    optimizers.Adagrad(0.1),
    optimizers.Adadelta(1.0),
    optimizers.Adamax(0.1),
    optimizers.Nadam(0.1),
    optimizers.Lion(0.1),
    optimizers.Ftrl(0.1),
    optimizers.Lamb(0.1),
    optimizers.Adafactor(0.1),
    optimizers.Muon(0.1),
    optimizers.ScheduleFreeAdamW(0.1),
]


@pytest.mark.parametrize("optimizer", ALL, ids=lambda o: f"{o.name}")
def test_rows_looked_up_once_move_as_if_nothing_were_special(optimizer):
    lookups = [[0, 1], [1, 2], [3], [0], [4, 2], [1]]
    twin = type(optimizer).from_config(optimizer.get_config())
    np.testing.assert_allclose(
        steps(optimizer, lookups), steps(twin, lookups, dense=True), rtol=2e-6
    )


def test_a_row_looked_up_twice_has_the_squares_of_both():
    """The accumulator is 0.01 + 0.01, and not the square of 0.2."""
    moved = steps(optimizers.Adagrad(1.0, initial_accumulator_value=0.0), [[0, 0]])
    np.testing.assert_allclose(moved[0], 1 - 0.2 / np.sqrt(0.02), rtol=1e-5)
    np.testing.assert_array_equal(moved[1:], 1)


class Roots(optimizers.Optimizer):
    """One that overwrites its gradients, and knows nothing of lookups."""

    def update(self, w, g):
        np.sign(g, out=g)
        g *= self.lr
        w -= g
        g.fill(7)


class HalfAdam(optimizers.Adam):
    """One with an update of its own, to which Adam's update_rest does not belong."""

    def update(self, w, g, *slots):
        w -= 0.5 * self.lr * g


@pytest.mark.parametrize("make", [Roots, HalfAdam])
def test_an_optimizer_of_ones_own(make):
    lookups = [[0, 1, 1], [2, 2], [3], [0]]
    np.testing.assert_allclose(
        steps(make(0.1), lookups), steps(make(0.1), lookups, dense=True), rtol=1e-6
    )


def test_what_is_added_to_a_gradient_counts():
    layer, x = words(), np.array([[0, 1]])
    store = ParameterStore([layer.embeddings])
    backward(layer, x, np.zeros((1, 2, 3), "f"))
    layer.embeddings.grad[...] += 1
    optimizers.SGD(1.0).step(store)
    np.testing.assert_array_equal(layer.embeddings.value, TABLE - 1)


def test_apply_takes_what_a_layer_assigned():
    """Given as it is, a gradient is still that of single lookups, in the first step, too."""
    found = []
    for give in (lambda p: p.grad, lambda p: p.grad.copy()):
        layer, optimizer = words(), optimizers.Adagrad(1.0)
        x, dy = np.array([[0, 0, 1]]), np.ones((1, 3, 3), "f")
        for _ in range(2):
            backward(layer, x, dy)
            optimizer.apply([give(layer.embeddings)], [layer.embeddings])
        found.append(TABLE - layer.embeddings.numpy())
    n = 0.1 + 2 * np.arange(1, 3)
    np.testing.assert_allclose(found[0][0, 0], np.sum(2 / np.sqrt(n)), rtol=1e-5)
    n = 0.1 + 4 * np.arange(1, 3)
    np.testing.assert_allclose(found[1][0, 0], np.sum(2 / np.sqrt(n)), rtol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6)


def test_a_trained_model_is_copied_without_what_training_left():
    model = Sequential([Input((3,), dtype="int32"), Embedding(4, 3), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    x, y = np.array([[0, 1, 1], [2, 3, 0]]), np.ones((2, 1))
    model.fit(x, y, verbose=0)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again.layers[0].embeddings.occurrences is None
        np.testing.assert_array_equal(
            again.layers[0].embeddings.grad, model.layers[0].embeddings.grad
        )
        again.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    for found, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_gradient_can_be_asked_for_late():
    layer, x = words(), np.array([[0, 1]])
    ctx = Context(True)
    layer.forward(x, ctx)
    dy = np.ones((1, 2, 3), "f")
    layer.backward(dy, ctx)
    dy.fill(7)
    layer.forward(np.array([[2, 2]]), ctx)
    np.testing.assert_array_equal(layer.embeddings.grad, [[1] * 3, [1] * 3, [0] * 3, [0] * 3])
