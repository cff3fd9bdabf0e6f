"""Random numbers: golden vectors made by Keras, and what must hold for every seed."""

from __future__ import annotations

import json
import random as python_random
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnn import config, naming, philox, random
from scratchnn.arrays import Tensor
from scratchnn.philox import Stream
from scratchnn.random import EpochOrder, SeedGenerator, dropout_mask_into, set_random_seed

VECTORS = json.loads((Path(__file__).parent / "data" / "random_vectors.json").read_text())
SEEDS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(autouse=True)
def unseeded() -> Iterator[None]:
    """Leave every global generator as it was found."""
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    yield
    python_random.setstate(python_state)
    np.random.set_state(numpy_state)
    random.set_global_seed(None)
    random.reset_global_generator()


def float32(values: object) -> np.ndarray:
    return np.asarray(values, np.float32)


# --- Philox

# The known answers that the authors of Philox publish with their Random123 library.
KNOWN_ANSWERS = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN_ANSWERS)
def test_philox_known_answers(key, counter, words):
    assert philox.philox(key, counter) == words


@given(
    st.tuples(*[st.integers(0, 2**32 - 1)] * 2),
    st.tuples(*[st.integers(0, 2**32 - 1)] * 2),
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5),
)
def test_a_stream_is_philox_of_its_block_numbers(key, high, indices):
    words = Stream(key, high).blocks(np.array(indices, np.uint64))
    for row, i in zip(words.tolist(), indices, strict=True):
        assert tuple(row) == philox.philox(key, (i % 2**32, i >> 32, *high))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 4 * 8192, 4 * 8192 + 1, 100_000])
def test_words_do_not_depend_on_how_many_are_asked_for(count):
    stream = Stream.from_seed((7, 1))
    words = stream.words(count)
    assert words.shape == (count,)
    blocks = stream.blocks(np.arange(-(-count // 4))).reshape(-1)
    np.testing.assert_array_equal(words, blocks[:count])


def test_threads_do_not_share_scratch_memory():
    expected = random.uniform((50_000,), seed=1)
    found: list[bool] = []

    def work() -> None:
        draws = (random.uniform((50_000,), seed=1) for _ in range(5))
        found.extend(np.array_equal(draw, expected) for draw in draws)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20


# --- numbers of a seed


def test_uniform_numbers_are_those_of_keras():
    found = random.uniform((8,), seed=42)
    assert isinstance(found, Tensor)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, float32(VECTORS["uniform"]))


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_normal_numbers_are_those_of_keras(name):
    # Their logarithm, sine and cosine are rounded by another library: 3 ulp at most were seen.
    found = getattr(random, name)((8,), seed=42)
    np.testing.assert_array_max_ulp(found.numpy(), float32(VECTORS[name]), maxulp=4)


def test_the_other_distributions_are_those_of_keras():
    for dtype, values in VECTORS["randint"].items():
        found = random.randint((8,), 5, 100, dtype=dtype, seed=3)
        np.testing.assert_array_equal(found, np.array(values, dtype), strict=False)
        assert found.dtype == dtype
    logits = [[0.0, 1.0, 2.0], [2.0, -1.0, 0.5]]
    np.testing.assert_array_equal(random.categorical(logits, 8, seed=3), VECTORS["categorical"])
    np.testing.assert_array_equal(random.shuffle(np.arange(12), seed=3), VECTORS["shuffle"])
    for alpha, values in VECTORS["gamma"].items():
        found = random.gamma((6,), float(alpha), seed=3).numpy()
        np.testing.assert_array_max_ulp(found, float32(values), maxulp=1)
    np.testing.assert_array_max_ulp(
        random.beta((6,), 0.5, 2.0, seed=3).numpy(), float32(VECTORS["beta"]), maxulp=1
    )
    for count, p, values in VECTORS["binomial"]:
        np.testing.assert_array_equal(random.binomial((8,), count, p, seed=3), values)


@given(SEEDS, st.integers(0, 50))
def test_uniform_numbers_lie_in_their_range(seed, n):
    u = random.uniform((n,), -2.0, 3.0, seed=seed)
    assert u.shape == (n,)
    assert ((u >= -2) & (u < 3)).all()
    assert (np.abs(random.truncated_normal((n,), seed=seed)) < 2).all()
    k = random.randint((n,), -3, 4, seed=seed)
    assert ((k >= -3) & (k < 4)).all()


@given(SEEDS, st.integers(1, 40), st.integers(1, 40))
def test_fewer_numbers_are_the_first_of_more(seed, n, m):
    n, m = min(n, m), max(n, m)
    for draw in (random.uniform, random.normal, random.truncated_normal):
        np.testing.assert_array_equal(draw((n,), seed=seed), draw((m,), seed=seed)[:n])


@pytest.mark.parametrize("draw", [random.uniform, random.normal, random.truncated_normal])
def test_float64_numbers_are_the_float32_numbers(draw):
    wide = draw((3, 5), seed=9, dtype="float64")
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(wide, draw((3, 5), seed=9, dtype=np.float32))


def test_the_default_dtype_is_floatx():
    config.set_floatx("float64")
    try:
        for draw in (random.uniform, random.normal, random.truncated_normal):
            assert draw((2,), seed=1).dtype == np.float64
        assert random.gamma((2,), 1.0, seed=1).dtype == np.float64
        assert random.beta((2,), 1.0, 2.0, seed=1).dtype == np.float64
        assert random.binomial((2,), 3, 0.5, seed=1).dtype == np.float64
    finally:
        config.set_floatx("float32")


def test_moments():
    z = random.normal((200_000,), 3.0, 2.0, seed=5)
    assert abs(z.mean() - 3) < 0.02
    assert abs(z.std() - 2) < 0.02
    t = random.truncated_normal((200_000,), seed=5)
    assert abs(t.mean()) < 0.01
    assert abs(t.std() - 0.8796) < 0.005
    assert abs(random.gamma((2000,), 3.0, seed=5).mean() - 3) < 0.15
    assert abs(random.beta((2000,), 2.0, 3.0, seed=5).mean() - 0.4) < 0.02
    for count, p in ((20, 0.2), (200, 0.4), (200, 0.9)):
        assert abs(random.binomial((2000,), count, p, seed=5).mean() - count * p) < 0.5


def test_parameters_may_be_arrays():
    low, high = np.array([0.0, 10.0]), np.array([1.0, 20.0])
    u = random.uniform((500, 2), low, high, seed=1)
    assert ((u >= low) & (u < high)).all()
    counts = random.binomial((50, 3), [5.0, 50.0, 0.0], [1.0, 0.0, 0.5], seed=1)
    np.testing.assert_array_equal(counts, np.broadcast_to([5.0, 0.0, 0.0], (50, 3)))
    assert np.isnan(random.binomial((2,), 5.0, np.nan, seed=1)).all()


def test_categorical_never_draws_what_is_impossible():
    drawn = random.categorical([[0.0, -np.inf, 1.0], [np.nan, 0.0, 0.0]], 200, seed=2).numpy()
    assert set(drawn[0]) == {0, 2}
    assert set(drawn[1]) == {1, 2}


@given(SEEDS, st.integers(1, 60))
def test_shuffle_permutes(seed, n):
    found = random.shuffle(np.arange(2 * n).reshape(2, n), axis=1, seed=seed)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.arange(2 * n).reshape(2, n))
    np.testing.assert_array_equal(found[1] - found[0], n)


def test_an_integer_seed_repeats_and_a_generator_goes_on():
    np.testing.assert_array_equal(random.uniform((4,), seed=3), random.uniform((4,), seed=3))
    generator = SeedGenerator(3)
    first, second = (random.uniform((4,), seed=generator) for _ in range(2))
    np.testing.assert_array_equal(first, random.uniform((4,), seed=3))
    assert not np.array_equal(first, second)
    assert np.array_equal(random.uniform((4,), seed=np.int64(3)), first)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: random.uniform((2,), seed=1.0),
            "`seed` must be an integer.*seed=1.0 of type float",
        ),
        (lambda: random.uniform((2,), dtype="int32"), "'float32' or 'float64'.*dtype='int32'"),
        (lambda: random.normal((2,), dtype="float16"), "'float32' or 'float64'"),
        (lambda: random.normal((2,), dtype="foo"), "'float32' or 'float64'.*dtype='foo'"),
        (lambda: random.uniform(3), "tuple of sizes. Received: shape=3"),
        (lambda: random.uniform((None, 2)), r"tuple of sizes. Received: shape=\(None, 2\)"),
        (lambda: random.uniform((-1, 2)), r"tuple of sizes. Received: shape=\(-1, 2\)"),
        (lambda: random.randint((2,), 0, 5, dtype="float32"), "integer `dtype`"),
        (lambda: random.randint((2,), 5, 5), "minval < maxval. Received: minval=5, maxval=5"),
        (lambda: random.randint((2,), 0, 2**40), "32-bit integers"),
        (lambda: random.randint((2,), 0.0, 5.0), "integers with minval"),
        (lambda: random.categorical([1.0, 2.0], 3), r"shape \(N, C\). Received: shape=\(2,\)"),
        (lambda: random.dropout(np.ones(3), 1.5), r"`rate` in \[0, 1\). Received: rate=1.5"),
        (lambda: random.gamma((2, 3), [1.0, 2.0]), r"end in .*\(2,\)"),
        (lambda: random.gamma((), [1.0, 2.0]), r"end in .*\(2,\)"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- seed generators and the global seed


def test_seed_generator():
    naming.reset_names()
    generator = SeedGenerator(5)
    assert [generator.next() for _ in range(3)] == [(5, 0), (5, 1), (5, 2)]
    assert generator.state.tolist() == [5, 3]
    assert generator.get_config() == {"seed": 5, "name": "seed_generator"}
    again = SeedGenerator.from_config(generator.get_config())
    assert again.next() == (5, 0)
    assert SeedGenerator(1).name == "seed_generator_1"
    assert SeedGenerator(name="mine").get_config() == {"seed": None, "name": "mine"}
    generator.state[:] = 8, 2
    assert generator.next() == (8, 2)


def test_an_unseeded_generator_draws_from_python():
    python_random.seed(42)
    assert SeedGenerator().next() == (VECTORS["python_seeds"]["42"][0], 0)


@pytest.mark.parametrize("seed", [1.5, "7", 2**63, np.ones(1)])
def test_seed_generator_wants_an_integer(seed):
    with pytest.raises(ValueError, match="must be an integer"):
        SeedGenerator(seed)


@pytest.mark.parametrize("seed", [0, 42, 1337])
def test_set_random_seed_fixes_the_seeds_to_come(seed):
    set_random_seed(seed)
    assert [random.make_seed() for _ in range(8)] == VECTORS["python_seeds"][str(seed)]
    a = np.random.rand(3)
    set_random_seed(seed)
    np.testing.assert_array_equal(np.random.rand(3), a)


def test_unseeded_draws_use_the_global_generator():
    set_random_seed(42)
    found = [random.uniform((2,)) for _ in range(3)]
    np.testing.assert_array_equal(found, float32(VECTORS["unseeded"]))
    set_random_seed(42)
    np.testing.assert_array_equal(random.uniform((2,)), found[0])


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, None, "7"])
def test_set_random_seed_wants_an_integer_in_range(seed):
    state = python_random.getstate()
    with pytest.raises(ValueError, match=r"integer in \[0, 2\*\*32 - 1\]"):
        set_random_seed(seed)
    assert python_random.getstate() == state


# --- epoch orders


@pytest.mark.parametrize("case", VECTORS["orders"], ids=lambda c: f"{c['seed']}-{c['n']}")
def test_seeded_orders_are_those_of_keras(case):
    set_random_seed(case["seed"])
    order = EpochOrder(case["n"], 4)
    assert order.next().tolist() == case["order"]
    assert order.next().tolist() == case["order"]
    assert EpochOrder(case["n"], 4).next().dtype == np.int64


@pytest.mark.parametrize("case", VECTORS["batch_orders"], ids=lambda c: f"{c['seed']}-{c['n']}")
def test_seeded_orders_inside_batches_are_those_of_keras(case):
    set_random_seed(case["seed"])
    order = EpochOrder(case["n"], case["batch_size"], "batch")
    assert order.next().tolist() == case["order"]
    assert order.next().tolist() == case["order"]


@given(
    st.integers(0, 70),
    st.integers(1, 20),
    st.sampled_from([True, False, "batch"]),
    st.none() | st.integers(0, 2**32 - 1),
)
def test_every_order_is_a_permutation(n, batch_size, shuffle, seed):
    random.set_global_seed(seed)
    order = EpochOrder(n, batch_size, shuffle).next()
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))
    if shuffle is False:
        assert order.tolist() == list(range(n))
    if shuffle == "batch":
        for start in range(0, n, batch_size):
            batch = range(n)[start : start + batch_size]
            assert sorted(order[start : start + batch_size].tolist()) == list(batch)


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_without_a_seed_each_epoch_is_fresh(shuffle):
    order = EpochOrder(1000, 30, shuffle)
    first, second = order.next(), order.next()
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(1000))
    assert not np.array_equal(first[990:], np.arange(990, 1000)) or shuffle is True


def test_a_fixed_order_is_made_once_and_cannot_be_overwritten():
    set_random_seed(1)
    order = EpochOrder(50, 8)
    assert order.next() is order.next()
    with pytest.raises(ValueError, match="read-only"):
        order.next()[0] = 3


def test_unknown_shuffle():
    with pytest.raises(ValueError, match=r"True, False or 'batch'\. Received: 'batches'"):
        EpochOrder(3, 1, "batches")


# --- dropout masks


def test_masks_are_those_of_keras():
    case = VECTORS["dropout"]
    generator = SeedGenerator(case["seed"])
    for expected in case["masks"]:
        out = np.empty((2, 6), np.float32)
        dropout_mask_into(out, case["rate"], generator.next())
        np.testing.assert_array_equal(out, float32(expected))


@given(st.floats(0, 0.999), SEEDS, st.integers(0, 9), st.integers(0, 200))
def test_a_mask_keeps_where_the_uniform_number_reaches_the_rate(rate, seed, uses, n):
    generator = SeedGenerator(seed)
    generator.state[1] = uses
    keep = random.uniform((n,), seed=generator).numpy() >= np.float32(rate)
    for dtype in (np.float32, np.float64):
        out = np.full((n,), np.nan, dtype)
        dropout_mask_into(out, rate, (seed, uses))
        np.testing.assert_array_equal(out, np.where(keep, dtype(1 / (1 - rate)), dtype(0)))


@given(st.sampled_from([0.1, 0.25, 0.5, 0.9]), SEEDS)
def test_a_mask_keeps_the_right_share(rate, seed):
    out = np.empty((100, 400), np.float32)
    dropout_mask_into(out, rate, (seed, 0))
    assert abs((out > 0).mean() - (1 - rate)) < 0.02
    assert abs(out.mean() - 1) < 0.15


def test_masks_need_no_memory():
    out = np.empty((128, 512), np.float32)
    dropout_mask_into(out, 0.5, (1, 0))
    tracemalloc.start()
    dropout_mask_into(out, 0.5, (1, 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000


def test_mask_errors():
    with pytest.raises(ValueError, match="contiguous"):
        dropout_mask_into(np.empty((4, 4), np.float32)[:, :2], 0.5, (1, 0))
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"rate` in \[0, 1\)"):
            dropout_mask_into(np.empty(4, np.float32), rate, (1, 0))


def test_dropout():
    x = float32([[1, -2, 3], [4, 5, -6]])
    found = random.dropout(x, 0.5, seed=1)
    mask = np.empty_like(x)
    dropout_mask_into(mask, 0.5, (1, 0))
    np.testing.assert_array_equal(found, x * mask)
    rows = random.dropout(np.ones((50, 3)), 0.5, noise_shape=(None, 1), seed=1)
    assert rows.dtype == np.float64
    assert set(map(tuple, rows.tolist())) == {(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)}
    np.testing.assert_array_equal(random.dropout(x, 0), x)
    np.testing.assert_array_equal(random.dropout([1, 2], 1), [0, 0])
    assert random.dropout([1, 2], 0.5, seed=1).dtype == np.float32


# --- the cost of the import


def test_the_import_is_light():
    heavy = "{'numpy.random', 'scipy', 'tensorflow', 'keras', 'h5py', 'matplotlib'}"
    code = f"import sys, scratchnn.initializers; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
