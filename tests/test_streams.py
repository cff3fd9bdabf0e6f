"""Data that comes batch by batch: generators, iterables, PyDatasets, files on disk, pandas."""

from __future__ import annotations

import itertools
import random
import tracemalloc

import numpy as np
import pytest

import scratchnn as keras
from scratchnn.layers import Dense, Input
from scratchnn.streams import Stream, is_stream, unpack
from scratchnn.utils import PyDataset

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4)).astype("float32")
Y = RNG.normal(size=(10, 2)).astype("float32")
WEIGHT = RNG.uniform(size=10).astype("float32")


def model(**kwargs):
    keras.utils.set_random_seed(1)
    made = keras.Sequential([Input((4,)), Dense(3, "tanh"), Dense(2)])
    made.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **kwargs})
    return made


def batches(*arrays, size=4):
    for start in range(0, len(arrays[0]), size):
        yield tuple(a[start : start + size] for a in arrays)


def forever(*arrays):
    while True:
        yield from batches(*arrays)


class Rows(PyDataset):
    """The rows of X in batches of four; it keeps a record of what happened."""

    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.arrays = arrays or (X, Y)
        self.record = []

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.record.append(index)
        return tuple(a[4 * index : 4 * index + 4] for a in self.arrays)

    def on_epoch_begin(self):
        self.record.append("begin")

    def on_epoch_end(self):
        self.record.append("end")


class Loader:
    """What a torch DataLoader looks like: a length, and lists of arrays."""

    def __len__(self):
        return 3

    def __iter__(self):
        return map(list, batches(X, Y))


def same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-6)


EXPECTED = {"batch_size": 4, "shuffle": False, "epochs": 3, "verbose": 0}


# --- fit, evaluate and predict take them


@pytest.mark.parametrize(
    ("data", "steps"),
    [
        (lambda: forever(X, Y), 3),
        (lambda: list(batches(X, Y)), None),
        (lambda: Loader(), None),
        (lambda: Loader(), 3),
        (lambda: Rows(), None),
        (lambda: Rows(workers=3, max_queue_size=2), None),
        (lambda: Rows(workers=1, use_multiprocessing=True), None),
        (lambda: itertools.chain.from_iterable(batches(X, Y) for _ in range(3)), 3),
    ],
    ids=[
        "generator",
        "list",
        "loader",
        "loader and steps",
        "dataset",
        "threads",
        "processes",
        "iterator",
    ],
)
def test_a_stream_trains_as_the_arrays_do(data, steps):
    expected, streamed = model(), model()
    arrays = expected.fit(X, Y, **EXPECTED).history
    history = streamed.fit(data(), steps_per_epoch=steps, shuffle=False, epochs=3, verbose=0)
    same(history.history, arrays)
    for a, b in zip(streamed.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("data", [lambda: batches(X, Y), lambda: list(batches(X, Y)), Loader, Rows])
def test_evaluate_and_predict_take_streams(data):
    made = model()
    same(
        made.evaluate(data(), verbose=0, return_dict=True),
        made.evaluate(X, Y, 4, 0, return_dict=True),
    )
    np.testing.assert_array_equal(made.predict(data(), verbose=0), made.predict(X, 4, verbose=0))
    some = made.predict(data(), steps=2, verbose=0)
    np.testing.assert_array_equal(some, made.predict(X[:8], 4, verbose=0))


def test_predict_takes_inputs_alone():
    made = model()
    expected = made.predict(X, 4, verbose=0)
    np.testing.assert_array_equal(made.predict(batches(X), verbose=0), expected)
    np.testing.assert_array_equal(made.predict((x for (x,) in batches(X)), verbose=0), expected)


@pytest.mark.parametrize(
    "validation",
    [lambda: forever(X, Y), lambda: list(batches(X, Y)), Loader, Rows],
)
def test_validation_data_may_be_a_stream(validation):
    expected = model().fit(X, Y, validation_data=(X, Y), **EXPECTED).history
    history = model().fit(X, Y, validation_data=validation(), validation_steps=3, **EXPECTED)
    same(history.history, expected)


def test_sample_weights_come_with_the_batches():
    expected = model(weighted_metrics=["mse"]).fit(X, Y, sample_weight=WEIGHT, **EXPECTED).history
    history = model(weighted_metrics=["mse"]).fit(list(batches(X, Y, WEIGHT)), epochs=3, verbose=0)
    same(history.history, expected)


def test_class_weights_reach_the_batches_of_a_stream():
    labels = np.arange(10) % 2
    arguments = {"loss": "sparse_categorical_crossentropy", "metrics": None}
    expected = model(**arguments).fit(X, labels, class_weight={1: 3.0}, **EXPECTED).history
    history = model(**arguments).fit(
        list(batches(X, labels)), class_weight={1: 3.0}, epochs=3, verbose=0
    )
    same(history.history, expected)
    with pytest.raises(ValueError, match="either class_weight or sample_weight"):
        model().fit(list(batches(X, labels, WEIGHT)), class_weight={1: 3.0}, verbose=0)


def test_a_stream_builds_the_model():
    made = keras.Sequential([Dense(2)])
    made.compile("sgd", "mse")
    made.fit(batches(X, Y), verbose=0)
    assert made.input_shape == (None, 4)
    fresh = keras.Sequential([Dense(2)])
    assert fresh.predict(batches(X), verbose=0).shape == (10, 2)


# --- the ends of epochs


def test_a_generator_that_ends_ends_the_training():
    made = model()
    with pytest.warns(UserWarning, match=r"The data ran out after 1 of 3 epochs, and a generator"):
        history = made.fit(batches(X, Y), epochs=3, verbose=0)
    assert history.epoch == [0]
    assert made.optimizer.iterations == 3


def test_a_generator_that_ends_within_an_epoch():
    made = model()
    with (
        pytest.warns(UserWarning, match="The data ran out at step 1 of 2"),
        pytest.warns(UserWarning, match="The data ran out after 2 of 5 epochs"),
    ):
        history = made.fit(batches(X, Y), epochs=5, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]
    assert made.optimizer.iterations == 3


def test_batches_of_unknown_number_start_over_within_steps_per_epoch():
    class Unknown:
        def __iter__(self):
            return batches(X[:8], Y[:8])

    made = model()
    made.fit(Unknown(), epochs=4, steps_per_epoch=1, verbose=0)
    assert made.optimizer.iterations == 4
    with pytest.warns(UserWarning, match="ran out at step 2 of 3"):
        made.fit(Unknown(), epochs=1, steps_per_epoch=3, verbose=0)


def test_the_bar_ends_with_the_number_of_steps_that_nobody_knew(capsys):
    model().fit(batches(X, Y), verbose=1)
    shown = capsys.readouterr().out
    assert "3/3" in shown
    assert "1/1" not in shown


# --- PyDataset


def test_a_dataset_hears_of_epochs():
    dataset = Rows()
    model().fit(dataset, epochs=2, shuffle=False, verbose=0)
    # the first item is for the checks before training
    assert dataset.record == [0, "end", *2 * ["begin", 0, 1, 2, "end"]]


def test_batches_of_a_dataset_are_shuffled_by_number():
    dataset = Rows()
    made = model()
    random.seed(3)
    made.fit(dataset, epochs=2, verbose=0)
    random.seed(3)
    orders = [[0, 1, 2], [0, 1, 2]]
    for order in orders:
        random.shuffle(order)
    assert [i for i in dataset.record[1:] if isinstance(i, int)] == [*orders[0], *orders[1]]


def test_a_dataset_without_end():
    class Endless(PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return X + index, Y

    made = model()
    made.fit(Endless(), epochs=2, steps_per_epoch=3, verbose=0)
    assert made.optimizer.iterations == 6
    made.fit(Endless(workers=2), epochs=2, steps_per_epoch=3, verbose=0)
    assert made.optimizer.iterations == 12
    ahead = Endless(workers=2, max_queue_size=3).batches()
    assert [next(ahead)[0][0, 0] - X[0, 0] for _ in range(5)] == pytest.approx([0, 1, 2, 3, 4])
    ahead.close()


@pytest.mark.parametrize("workers", [{"workers": 2}, {"workers": 2, "use_multiprocessing": True}])
def test_errors_of_workers_reach_the_caller(workers):
    class Broken(Rows):
        def __getitem__(self, index):
            if index == 2:
                raise OSError(f"no batch {index}")
            return super().__getitem__(index)

    globals()["Broken"] = Broken  # processes may want to import it
    with pytest.raises(OSError, match="no batch 2"):
        model().fit(Broken(**workers), shuffle=False, verbose=0)


def test_a_dataset_must_say_what_it_holds():
    with pytest.raises(NotImplementedError, match="PyDataset must define __getitem__"):
        PyDataset()[0]
    with pytest.raises(NotImplementedError, match=r"PyDataset must define __len__\(\), or num_"):
        list(PyDataset())
    with pytest.raises(ValueError, match=r"workers must be at least 0.*workers=-1"):
        PyDataset(workers=-1)


# --- what is a stream, and what is in it


def test_what_is_a_stream():
    assert is_stream(batches(X))
    assert is_stream(Rows())
    assert is_stream([(X, Y), (X, Y)])
    assert is_stream(map(list, batches(X, Y)))
    assert not is_stream([(X, Y)], y=Y)
    assert not is_stream([X, X])
    assert not is_stream((X, Y))
    assert not is_stream({"a": X})
    assert not is_stream([[1.0], [2.0]])
    assert not is_stream(X)


def test_what_a_batch_holds():
    assert unpack((1, 2)) == (1, 2, None)
    assert unpack([1]) == (1, None, None)
    assert unpack({"a": 1}) == ({"a": 1}, None, None)
    assert unpack(X)[0] is X
    with pytest.raises(ValueError, match=r"must be \(x,\), \(x, y\).*tuple of length 4"):
        unpack((1, 2, 3, 4))
    with pytest.raises(ValueError, match=r"made of arrays\. Received: int"):
        unpack(3)


def test_nothing_may_be_given_beside_a_stream():
    with pytest.raises(ValueError, match=r"`y` cannot be given beside a generator: let that yield"):
        model().fit(batches(X), Y, verbose=0)
    with pytest.raises(ValueError, match=r"`sample_weight` cannot be given beside a list"):
        model().fit(list(batches(X, Y)), sample_weight=WEIGHT, verbose=0)
    with pytest.raises(ValueError, match=r"validation_split takes the last samples of arrays"):
        model().fit(batches(X, Y), validation_split=0.5, verbose=0)


def test_no_batches():
    for empty in ((b for b in []), iter(())):
        with pytest.raises(ValueError, match="holds no batch: expected at least one"):
            model().fit(empty, verbose=0)

    class Nothing(Rows):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="an empty Nothing"):
        Stream(Nothing())


def test_bad_batches_are_errors_before_training():
    made = model()
    before = made.get_weights()
    with pytest.raises(ValueError, match=r"expected inputs of shape \(N, 4\)"):
        made.fit(batches(Y, Y), verbose=0)
    with pytest.raises(ValueError, match="same number of samples"):
        made.fit([(X, Y[:3])], verbose=0)
    with pytest.raises(ValueError, match="targets `y` are missing"):
        made.fit(batches(X), verbose=0)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# --- files on disk


def on_disk(path, array):
    made = np.memmap(path, array.dtype, "w+", shape=array.shape)
    made[:] = array
    made.flush()
    return np.memmap(path, array.dtype, "r", shape=array.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_arrays_on_disk(tmp_path, dtype):
    x = (X * 10).astype(dtype)
    y = Y.astype("float64")
    expected, streamed = model(), model()
    arguments = {"batch_size": 4, "epochs": 3, "verbose": 0}
    arrays = expected.fit(np.array(x), np.array(y), **arguments).history
    disk = on_disk(tmp_path / "x", x), on_disk(tmp_path / "y", y)
    same(streamed.fit(*disk, **arguments).history, arrays)
    np.testing.assert_array_equal(
        streamed.predict(disk[0], verbose=0), expected.predict(x, verbose=0)
    )
    same(
        streamed.evaluate(*disk, return_dict=True, verbose=0),
        expected.evaluate(x, y, return_dict=True, verbose=0),
    )


def test_only_a_batch_of_an_array_on_disk_is_in_memory(tmp_path):
    x = np.memmap(tmp_path / "x", "float64", "w+", shape=(200_000, 16))
    y = np.memmap(tmp_path / "y", "float64", "w+", shape=(200_000, 1))
    x[:], y[:] = 0.5, 1.0
    made = keras.Sequential([Input((16,)), Dense(1)])
    made.compile("sgd", "mse")
    made.fit(x[:64], y[:64], batch_size=1000, verbose=0)
    for use in (
        lambda: made.fit(x, y, batch_size=1000, shuffle=False, verbose=0),
        lambda: made.fit(x, y, batch_size=1000, verbose=0),
        lambda: made.evaluate(x, y, batch_size=1000, verbose=0),
    ):
        tracemalloc.start()
        use()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4e6  # x has 26 MB; the order of the samples takes 1.6


# --- pandas


def test_frames_and_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    frame["d"] = frame["d"].round().astype("Int64")  # a number type of pandas' own
    x = frame.astype("float32").to_numpy()
    made = keras.Sequential([Input((4,)), Dense(1)])
    made.compile("sgd", "mse")
    series = pandas.Series(Y[:, 0])
    expected = made.evaluate(x, Y[:, :1], sample_weight=WEIGHT, verbose=0)
    got = made.evaluate(frame, series, sample_weight=pandas.Series(WEIGHT), verbose=0)
    assert got == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(made.predict(frame, verbose=0), made.predict(x, verbose=0))
    frame["e"] = "text"
    message = r"x must hold numbers in all of its columns.*'e' of dtype"
    with pytest.raises(ValueError, match=message):
        made.predict(frame[["a", "b", "d", "e"]], verbose=0)
