"""Data: what is taken for an array, batches and their order, splits, class weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Input, Sequential, config
from scratchnn.data import (
    ArrayBatches,
    Batch,
    Epochs,
    as_array,
    check_lengths,
    class_weights,
    split_validation,
)
from scratchnn.layers import Dense
from scratchnn.random import set_global_seed

# --- arrays


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0, 2.0]], dtype)


@pytest.mark.parametrize(
    "data",
    [
        [[1.0, 2.0]],
        ((1.0, 2.0),),
        [np.array([1.0, 2.0])],
        [[np.float32(1), np.float64(2)]],
        np.array([[1.0, 2.0]]),
        np.array([[1.0, 2.0]], np.float16),
        np.array([[1.0, 2.0]], np.longdouble),
        HasArray(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_floats_become_the_default_float(data):
    array = as_array(data, "x")
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [[1, 2]])
    config.set_floatx("float64")
    assert as_array(data, "x").dtype == np.float64


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "bool"])
def test_integers_stay_as_they_are(kind):
    data = np.array([[0, 1]], kind)
    assert as_array(data, "x") is data
    assert as_array([[0, 1]], "x").dtype == np.int64


def test_float32_is_not_copied():
    data = np.ones((3, 2), np.float32)
    assert as_array(data, "x") is data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([["a"]], r"the_x must be an array of numbers. Received: list of strings"),
        (np.array([object()]), "the_x must be an array of numbers. Received: ndarray .* object"),
        (None, "the_x must be an array of numbers. Received: NoneType of dtype object"),
        ({"a": 1}, "the_x must be an array of numbers. Received: dict"),
        (np.array([1j]), "the_x must be an array of numbers. .* complex128"),
        ([[1, 2], [3]], "the_x must be an array, or nested lists of equal lengths"),
        (3.5, r"the_x must be a batch.*single number 3.5. Write \[3.5\]"),
        ([], r"the_x is empty.*\(0,\)"),
        (np.zeros((0, 3)), r"the_x is empty.*\(0, 3\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_data(data, text):
    with pytest.raises(ValueError, match=text):
        as_array(data, "the_x")


def test_lengths():
    assert check_lengths(x=np.ones((3, 2)), y=np.ones(3), w=None) == 3
    with pytest.raises(ValueError, match=r"same number of samples. Received: x with 3, w with 2"):
        check_lengths(x=np.ones((3, 2)), y=None, w=np.ones(2))


# --- batches


def collected(batches):
    """Return copies of one epoch's batches: the next may overwrite the last."""
    return [Batch(*(None if a is None else a.copy() for a in batch)) for batch in batches]


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(1, 40),
    batch_size=st.integers(1, 45),
    shuffle=st.sampled_from([True, False, "batch"]),
    seed=st.none() | st.integers(0, 9),
    with_y=st.booleans(),
    with_weight=st.booleans(),
)
def test_each_sample_comes_exactly_once(samples, batch_size, shuffle, seed, with_y, with_weight):
    set_global_seed(seed)
    x = np.arange(samples * 2.0).reshape(samples, 2)
    y = -np.arange(samples) if with_y else None
    weight = np.arange(samples, dtype="f") * 10 if with_weight else None
    batches = ArrayBatches(x, y, weight, batch_size, shuffle)
    for _ in range(2):
        epoch = collected(batches)
        assert len(epoch) == batches.steps == -(-samples // batch_size)
        sizes = [len(batch.x) for batch in epoch]
        assert sizes[:-1] == [batch_size] * (batches.steps - 1)
        order = np.concatenate([batch.x[:, 0] for batch in epoch]) / 2
        assert sorted(order) == list(range(samples))
        for bx, by, bw, _ in epoch:  # what belongs together stays together
            rows = bx[:, 0] / 2
            np.testing.assert_array_equal(bx, np.stack([2 * rows, 2 * rows + 1], axis=1))
            assert (by is None) == (y is None)
            assert (bw is None) == (weight is None)
            if with_y:
                np.testing.assert_array_equal(by, -rows)
            if with_weight:
                np.testing.assert_array_equal(bw, 10 * rows)
        if not shuffle:
            np.testing.assert_array_equal(order, np.arange(samples))
        if shuffle == "batch":
            for i, batch in enumerate(epoch):
                assert set(batch.x[:, 0] // 2 // batch_size) == {i}
    set_global_seed(None)


def test_batches_in_order_are_views():
    x = np.arange(10.0)
    assert all(np.shares_memory(batch.x, x) for batch in ArrayBatches(x, batch_size=4))


def test_shuffled_batches_recycle_their_memory():
    x = np.arange(10.0).reshape(10, 1)
    seen = [batch.x for batch in ArrayBatches(x, batch_size=4, shuffle=True)]
    assert [len(b) for b in seen] == [4, 4, 2]
    assert not any(np.shares_memory(b, x) for b in seen)
    assert all(np.shares_memory(b, seen[0]) for b in seen)


def test_dtypes_survive_shuffling():
    x, y = np.arange(10, dtype="uint8"), np.arange(10, dtype="int64")
    for batch in ArrayBatches(x, y, batch_size=4, shuffle=True):
        assert batch.x.dtype == np.uint8
        assert batch.y.dtype == np.int64


def test_data_of_any_memory_layout():
    x = np.asfortranarray(np.arange(24.0).reshape(8, 3))[::-1]
    rows = np.concatenate([b.x.copy() for b in ArrayBatches(x, batch_size=3, shuffle=True)])
    np.testing.assert_array_equal(rows[rows[:, 0].argsort()], np.arange(24.0).reshape(8, 3))


def test_a_seed_fixes_the_order_and_none_does_not():
    def order():
        return [collected(ArrayBatches(np.arange(50), batch_size=50, shuffle=True))[0][0].tolist()]

    assert order() != order()
    set_global_seed(3)
    assert order() == order()


def test_unknown_shuffle():
    with pytest.raises(ValueError, match=r"shuffle must be True, False or 'batch'.*'bach'"):
        ArrayBatches(np.arange(3), shuffle="bach")


# --- epochs


def test_epochs_without_steps_go_through_all_data():
    epochs = Epochs(ArrayBatches(np.arange(5), batch_size=2))
    assert epochs.steps == 3
    for _ in range(2):
        assert [(i, b.x.tolist()) for i, b in epochs.epoch()] == [
            (0, [0, 1]),
            (1, [2, 3]),
            (2, [4]),
        ]


def test_epochs_with_steps_run_on():
    epochs = Epochs(ArrayBatches(np.arange(6), batch_size=2), steps_per_epoch=2)
    assert [b.x.tolist() for _, b in epochs.epoch()] == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="ran out at step 1 of 2"):
        assert [b.x.tolist() for _, b in epochs.epoch()] == [[4, 5]]
    assert [b.x.tolist() for _, b in epochs.epoch()] == [[0, 1], [2, 3]]


def test_fit_with_steps_per_epoch():
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((6, 1))
    with pytest.warns(UserWarning, match="steps_per_epoch times the epochs"):
        model.fit(x, x, batch_size=2, epochs=3, steps_per_epoch=2, verbose=0)
    assert model.optimizer.iterations == 5
    # Without a batch size the samples are dealt out to the steps.
    seen = Sequential([Input((1,)), Dense(1)])
    seen.compile("sgd", "mse")
    seen.fit(x, x, steps_per_epoch=3, verbose=0)
    assert seen.optimizer.iterations == 3  # of 2 samples each


# --- validation split


@pytest.mark.parametrize(
    ("samples", "fraction", "first"),
    [(10, 0.2, 8), (10, 0.33, 6), (10, 0.25, 7), (10, 0.05, 9), (7, 0.1, 6), (2, 0.5, 1)],
)
def test_split(samples, fraction, first):
    x, w = np.arange(samples), np.arange(samples) * 2
    (a, _, wa), (b, none, wb) = split_validation(fraction, x, None, w)
    assert (len(a), len(b)) == (first, samples - first)
    np.testing.assert_array_equal(np.concatenate([a, b]), x)
    np.testing.assert_array_equal(np.concatenate([wa, wb]), w)
    assert none is None


@pytest.mark.parametrize("fraction", [1, 1.0, 1.5, -0.1, 0, "0.2", None])
def test_split_by_something_else(fraction):
    with pytest.raises(ValueError, match=r"validation_split must be between 0 and 1. Received"):
        split_validation(fraction, np.arange(10))


def test_split_that_leaves_nothing():
    with pytest.raises(ValueError, match="of 3 samples leaves nothing for training"):
        split_validation(0.9, np.arange(3))
    with pytest.raises(ValueError, match="of 1 samples leaves nothing for training"):
        split_validation(0.01, np.arange(1))


# --- class weights


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 2, 1, 2]),
        np.array([[0], [2], [1], [2]]),
        np.array([0.0, 2.0, 1.0, 2.0], np.float32),
        np.eye(3)[[0, 2, 1, 2]],
    ],
    ids=["labels", "column", "floats", "one-hot"],
)
def test_class_weights(y):
    weights = class_weights(y, {0: 0.5, 2: 3})
    np.testing.assert_array_equal(weights, [0.5, 3, 1, 3])
    assert weights.dtype == np.float32


def test_class_weights_that_are_no_dict():
    with pytest.raises(ValueError, match=r"class_weight must be a dict such as .*\[1, 2\]"):
        class_weights(np.array([0, 1]), [1, 2])


def test_data_is_not_made_text_unless_there_is_an_error():
    """The text of an error that is never raised would cost more than a small prediction."""

    def never(number):
        raise AssertionError(f"{number} was formatted")

    with np.printoptions(formatter={"float_kind": never}):
        assert as_array(np.ones((2, 3), "f"), "x").shape == (2, 3)
        with pytest.raises(AssertionError, match=r"1.5 was formatted"):
            str(np.array([1.5]))
