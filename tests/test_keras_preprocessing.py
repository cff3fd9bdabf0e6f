"""Preprocessing layers against tf.keras: indices, encodings and hashes equal; configs; files; fits.

What is whole numbers or strings is equal. Floats are within 5e-7 of the largest; what is added up
over batches of data within 1e-6; weights and losses within 1e-5 after 20 steps.
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layer_twins import ONE_PASS, TWENTY_STEPS, compare, numbers, same_configs
from twins import both, close, close_all, quiet, seed_both

import scratchnn
from scratchnn.layers.preprocessing import fingerprints
from scratchnn.strings import are_strings, as_strings
from scratchnn.utils.datasets import Dataset


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Return (ours, theirs), both named alike."""
    seed_both(1)
    made = [getattr(k.layers, name)(*args, **options, name="twin") for k in (scratchnn, keras)]
    return made[0], made[1]


def tensor(x: Any) -> Any:
    return tf.constant(as_strings(x)) if are_strings(x) else tf.constant(x)


def same(ours: Any, theirs: Any, x: Any) -> Any:
    """Check what two layers return for x: dtype, shape, and every element."""
    several = isinstance(x, tuple)
    found = ours(x)
    expected = theirs([tensor(part) for part in x] if several else tensor(x)).numpy()
    close_or_equal(found.numpy(), expected)
    return found


def close_or_equal(found: Any, expected: Any) -> None:
    if expected.dtype.kind == "f":
        close(found, expected, ONE_PASS)
    else:
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, strict=True)


def same_errors(run: Any, match: str) -> None:
    """Check that what Keras refuses is refused here, with this text."""
    with pytest.raises(Exception, match=r".*"):
        run(keras)
    with pytest.raises((ValueError, RuntimeError), match=match):
        run(scratchnn)


# --- fingerprints


BYTES = [np.random.default_rng(n).bytes(n) for n in [*range(140), 191, 192, 193, 255, 256, 700]]


def test_fingerprints():
    expected = tf.fingerprint(tf.constant(BYTES)).numpy().copy().view("<u8")[:, 0]
    np.testing.assert_array_equal(fingerprints.farm_fingerprints(BYTES), expected)


@pytest.mark.parametrize("bins", [1, 7, 2**40])
def test_bins_of_bytes(bins):
    ours, theirs = pair("Hashing", bins)
    same(ours, theirs, BYTES)
    for salt in (3, [1, -2], (2**62, 5)):
        same(*pair("Hashing", bins, salt=salt), BYTES)


@given(st.lists(st.binary(max_size=90), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_fingerprints_of_anything(strings):
    expected = tf.fingerprint(tf.constant(strings)).numpy().copy().view("<u8")[:, 0]
    np.testing.assert_array_equal(fingerprints.farm_fingerprints(strings), expected)
    bins = tf.strings.to_hash_bucket_strong(tf.constant(strings), 2**50, key=[5, 6]).numpy()
    hashes = fingerprints.sip_hashes(strings, [5, 6])
    np.testing.assert_array_equal(hashes % np.uint64(2**50), bins.astype(np.uint64))


# --- normalization


AXES: list[tuple[Any, tuple[int, ...]]] = [
    (-1, (8, 3)),
    (1, (8, 3)),
    (None, (8, 3)),
    (-1, (4, 2, 3)),
    ((1, 2), (4, 2, 3)),
    ((2, 1), (4, 2, 3)),
    ([1], (4, 2, 3)),
    ((), (4, 2, 3)),
    (0, (5,)),
    ((0, 1), (3, 2)),
]


@pytest.mark.parametrize(("axis", "shape"), AXES, ids=str)
def test_normalization(axis, shape):
    for data in (numbers(*shape) * 5 + 3, np.arange(np.prod(shape)).reshape(shape) / 7.0):
        ours, theirs = pair("Normalization", axis)
        ours.adapt(data)
        theirs.adapt(data)
        for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected, strict=True)
        compare(ours, theirs, numbers(*shape, seed=1))
        np.testing.assert_array_equal(ours.mean, theirs.mean)
        inverse, their_inverse = pair("Normalization", axis, invert=True)
        inverse.adapt(data)
        their_inverse.adapt(data)
        compare(inverse, their_inverse, numbers(*shape, seed=2))


GIVEN: list[tuple[Any, Any, Any, tuple[int, ...]]] = [
    (-1, 2.0, 9.0, (4, 3)),
    (-1, [1, 2, 3], [4.0, 0, 1e-20], (4, 3)),
    (-1, np.float32([1, 2, 3]), np.float32([1, 2, 3]), (2, 2, 3)),
    (None, 2, 4, (4, 2, 2)),
    ((1, 2), [[1.0, 2, 3], [4, 5, 6]], [[1.0, 2, 3], [4, 5, 6]], (4, 2, 3)),
    ((1, 2), [1.0, 2, 3], [4.0, 5, 6], (4, 2, 3)),
    ((1, 2), 1.0, 4.0, (4, 2, 3)),
]


@pytest.mark.parametrize(("axis", "mean", "variance", "shape"), GIVEN, ids=str)
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_by_given_numbers(axis, mean, variance, shape, invert):
    ours, theirs = pair("Normalization", axis, mean, variance, invert)
    compare(ours, theirs, numbers(*shape))
    assert ours.weights == theirs.weights == []


def test_normalization_of_integers_and_of_nothing_learned():
    ours, theirs = pair("Normalization")
    compare(ours, theirs, numbers(4, 3))
    same(ours, theirs, np.arange(12).reshape(4, 3))


def test_normalization_of_what_never_changes():
    ours, theirs = pair("Normalization")
    data = np.ones((5, 2), np.float32)
    ours.adapt(data)
    theirs.adapt(data)
    compare(ours, theirs, numbers(5, 2))


def as_batches(x: Any, kind: str) -> tuple[Any, Any]:
    """Return data that comes in batches of three, for each library."""
    parts = [x[i : i + 3] for i in range(0, len(x), 3)]
    if kind == "dataset":
        return Dataset.from_arrays(x).batch(3), tf.data.Dataset.from_tensor_slices(x).batch(3)
    if kind == "generator":
        return iter(parts), iter(parts)
    if kind == "pairs":
        return [(p, p[:, 0]) for p in parts], [(p, p[:, 0]) for p in parts]

    class Parts(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self):
            return len(parts)

        def __getitem__(self, i):
            return parts[i], parts[i]

    class OurParts(scratchnn.utils.PyDataset):
        __len__, __getitem__ = Parts.__len__, Parts.__getitem__

    return (parts, parts) if kind == "list" else (OurParts(), Parts())


@pytest.mark.parametrize("kind", ["list", "dataset", "generator", "pairs", "PyDataset"])
@pytest.mark.parametrize("axis", [-1, None, (1, 2)])
def test_normalization_learns_from_batches(kind, axis):
    x = numbers(10, 2, 3) * 4 + 9
    ours, theirs = pair("Normalization", axis)
    a, b = as_batches(x, kind)
    ours.adapt(a)
    theirs.adapt(b)
    close_all(ours.get_weights(), theirs.get_weights(), 1e-6)
    ours.adapt(x)  # anew, forgetting the above
    theirs.adapt(x)
    close_all(ours.get_weights(), theirs.get_weights(), 1e-7)


# --- lookups


WORDS = ["a", "b", "zebra", "", "ä", "b", "[UNK]", "b", "a", "日本"]
SHAPES = [["a", "q"], [["a"], ["q"], ["b"]], [["a", "q", "a"], ["b", "b", ""]], [[["a", "b"]]]]

STRINGS: list[dict[str, Any]] = [
    {},
    {"vocabulary": ["a", "b", "ä"]},
    {"vocabulary": ["a", "b"], "mask_token": ""},
    {"vocabulary": ["[UNK]", "a", "b"]},
    {"vocabulary": ["a", "b"], "mask_token": "q", "num_oov_indices": 3},
    {"vocabulary": ["a", "b"], "num_oov_indices": 4, "salt": [3, 4]},
    {"vocabulary": ["a", "b", "q", ""], "num_oov_indices": 0},
    {"vocabulary": np.array(["b", "a"]), "oov_token": "?", "max_tokens": 5},
    {"vocabulary": ("b", "a"), "max_tokens": 7},
    {"max_tokens": 4},
    {"mask_token": "b", "oov_token": "a"},
    {"num_oov_indices": 2, "max_tokens": 5, "mask_token": ""},
    {"encoding": "utf-8", "num_oov_indices": 5},
]
FORMS = ["int", "one_hot", "multi_hot", "count", "tf_idf"]


@pytest.mark.parametrize("mode", FORMS)
@pytest.mark.parametrize("options", STRINGS, ids=str)
def test_string_lookup(options, mode):
    for extra in ({}, {"max_tokens": 9, "pad_to_max_tokens": True}):
        if mode == "tf_idf" and "vocabulary" in options:
            weights = np.linspace(0.5, 2, len(options["vocabulary"])).tolist()
            extra = {**extra, "idf_weights": weights}
        ours, theirs = pair("StringLookup", output_mode=mode, **{**options, **extra})
        if "vocabulary" not in options:
            for layer in (ours, theirs):
                layer.adapt(WORDS)
        same_vocabulary(ours, theirs)
        for x in SHAPES:
            same(ours, theirs, x)
            shape = np.shape(x)
            if len(shape) < 3:
                assert ours.compute_output_shape(shape) == theirs.compute_output_shape(shape)
        same_configs(ours, theirs)


def same_vocabulary(ours: Any, theirs: Any) -> None:
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    found = ours.get_vocabulary(include_special_tokens=False)
    assert found == theirs.get_vocabulary(include_special_tokens=False)
    assert ours.vocabulary_size() == theirs.vocabulary_size()


@pytest.mark.parametrize("mode", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"vocabulary": [12, 36, -5]},
        {"vocabulary": np.array([12, 36]), "mask_token": 0},
        {"vocabulary": [-1, 12]},
        {"vocabulary": [12, 36], "num_oov_indices": 3},
        {"vocabulary": [12, 36], "num_oov_indices": 3, "oov_method": "farmhash", "mask_token": 7},
        {"vocabulary": [12], "num_oov_indices": 4, "oov_method": "farmhash", "salt": 5},
        {"max_tokens": 4, "mask_token": 3},
        {"num_oov_indices": 2, "oov_token": 12},
    ],
    ids=str,
)
def test_integer_lookup(options, mode):
    if mode == "tf_idf" and "vocabulary" in options:
        options = {**options, "idf_weights": np.linspace(0.5, 2, len(options["vocabulary"]))}
    ours, theirs = pair("IntegerLookup", output_mode=mode, **options)
    if "vocabulary" not in options:
        for layer in (ours, theirs):
            layer.adapt(np.array([[3, 12, 12], [3, 7, -1], [-9, 7, 12]]))
    same_vocabulary(ours, theirs)
    for x in ([[12, 0, -7], [3, 36, 7]], [[12], [-1]], [5, 12], np.float32([[12.7, -5.2]])):
        same(ours, theirs, np.asarray(x))
    same_configs(ours, theirs)


@pytest.mark.parametrize("options", [{}, {"mask_token": "m"}, {"num_oov_indices": 2}], ids=str)
def test_strings_of_indices(options):
    ours, theirs = pair("StringLookup", vocabulary=["a", "ä"], invert=True, **options)
    same(ours, theirs, np.array([[0, 1, 2, 3], [4, -1, 9, 1]]))
    same_vocabulary(ours, theirs)
    same_configs(ours, theirs)


@pytest.mark.parametrize("options", [{}, {"mask_token": 0}, {"oov_token": 99}], ids=str)
def test_integers_of_indices(options):
    ours, theirs = pair("IntegerLookup", vocabulary=[7, 5], invert=True, **options)
    same(ours, theirs, np.array([[0, 1, 2, 3], [4, -1, 9, 1]]))
    same_vocabulary(ours, theirs)
    same_configs(ours, theirs)


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_lookups_learn_from_batches(mode):
    x = np.array([["a", "b"], ["b", "c"], ["c", "c"], ["z", "a"]])
    for steps in (None, 2):
        ours, theirs = pair("StringLookup", output_mode=mode, mask_token="z", max_tokens=6)
        ours.adapt(Dataset.from_arrays(x).batch(3), steps)
        theirs.adapt(tf.data.Dataset.from_tensor_slices(x).batch(3), steps)
        same_vocabulary(ours, theirs)
        same(ours, theirs, x.tolist())


def test_learning_again_and_setting():
    def run(k: Any) -> Any:
        layer = k.layers.StringLookup(max_tokens=9)
        layer.adapt(["x", "y", "y"])
        seen = [layer.get_vocabulary()]
        layer.adapt([["b", "a"], ["a", "c"]])
        seen.append(layer.get_vocabulary())
        layer.set_vocabulary(["k", "l"])
        seen.append(layer.get_vocabulary())
        layer.update_state(["p", "q", "q"])
        layer.update_state([["q", "r"]])
        layer.finalize_state()
        return [*seen, layer.get_vocabulary()]

    ours, theirs = both(run)
    assert ours == theirs


def test_a_vocabulary_from_a_file(tmp_path):
    for text in ("a\nb b\nä\n", "a\nb"):
        path = tmp_path / f"{len(text)}.txt"  # TensorFlow reads a file of a name once
        path.write_text(text, encoding="utf-8")
        for options in ({}, {"mask_token": "m", "num_oov_indices": 2}, {"output_mode": "count"}):
            ours, theirs = pair("StringLookup", vocabulary=str(path), **options)
            same(ours, theirs, [["a", "b b", "ä", "", "q", "m"]])
            same_configs(ours, theirs)
            same_vocabulary(ours, theirs)
    path = tmp_path / "numbers.txt"
    path.write_text("5\n-7\n")
    same(*pair("IntegerLookup", vocabulary=str(path)), np.array([[5, -7, 0]]))


REFUSED: dict[str, tuple[Any, str]] = {
    "a token twice": (
        lambda k: k.layers.StringLookup(vocabulary=["a", "b", "a"]),
        "more than once",
    ),
    "no token": (lambda k: k.layers.StringLookup(vocabulary=[]), "must not be empty"),
    "too many": (
        lambda k: k.layers.StringLookup(max_tokens=2, vocabulary=["a", "b"]),
        "not be larger than max_tokens=2",
    ),
    "a mask inside": (
        lambda k: k.layers.StringLookup(vocabulary=["a", "m"], mask_token="m"),
        "has the mask token, 'm', only at its start",
    ),
    "an unknown token inside": (
        lambda k: k.layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True),
        "has the OOV token",
    ),
    "unknown to the vocabulary": (
        lambda k: k.layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(np.array(["a", "b"])),
        r"no index for tokens.*\['b'\]",
    ),
    "learning what is given": (
        lambda k: k.layers.StringLookup(vocabulary=["a"]).adapt(["b"]),
        "was made with a vocabulary",
    ),
    "no vocabulary": (lambda k: k.layers.StringLookup()(np.array(["b"])), "no vocabulary yet"),
    "no vocabulary to count": (
        lambda k: k.layers.TextVectorization(output_mode="count")(np.array(["b"])),
        "no vocabulary yet",
    ),
    "weights missing": (
        lambda k: k.layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        "needs `idf_weights`",
    ),
    "weights for nothing": (
        lambda k: k.layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]),
        "are for output_mode='tf_idf'",
    ),
    "too few weights": (
        lambda k: k.layers.StringLookup(
            vocabulary=["a", "b"], idf_weights=[1.0], output_mode="tf_idf"
        ),
        "one number for each token",
    ),
    "a new size": (
        lambda k: k.layers.StringLookup(vocabulary=["a"], output_mode="count").set_vocabulary(
            ["a", "b"]
        ),
        "this number cannot change",
    ),
    "inverted encodings": (
        lambda k: k.layers.StringLookup(invert=True, output_mode="count"),
        "must be 'int'",
    ),
    "a mode": (lambda k: k.layers.StringLookup(output_mode="bag"), "`output_mode`"),
    "numbers for strings": (
        lambda k: k.layers.StringLookup(vocabulary=["1"])(np.array([1])),
        "expected strings",
    ),
    "no file": (
        lambda k: k.layers.StringLookup(vocabulary="/no/such/file"),
        "There is no vocabulary file",
    ),
    "salt without a hash": (
        lambda k: k.layers.IntegerLookup(salt=3),
        "for oov_method='farmhash'",
    ),
    "negative categories": (
        lambda k: k.layers.CategoryEncoding(3)(np.array([[-1, 1]])),
        "must not be negative",
    ),
    "bins and boundaries": (
        lambda k: k.layers.Discretization([1.0], num_bins=3),
        "either `num_bins` or `bin_boundaries`",
    ),
    "falling boundaries": (
        lambda k: k.layers.Discretization([2.0, 1.0])(np.array([1.0])),
        "numbers that rise",
    ),
    "texts of two columns": (
        lambda k: k.layers.TextVectorization(vocabulary=["a"])(np.array([["a", "b"]])),
        r"shape \(N,\) or \(N, 1\)",
    ),
    "a length of counts": (
        lambda k: k.layers.TextVectorization(output_mode="count", output_sequence_length=3),
        "is for output_mode='int'",
    ),
    "one crossing": (
        lambda k: k.layers.HashedCrossing(5)([np.array(["a"])]),
        "two inputs or more",
    ),
    "crossing floats": (
        lambda k: k.layers.HashedCrossing(5)([np.array(["a"]), np.array([1.5])]),
        "strings or whole numbers",
    ),
    "crossing other shapes": (
        lambda k: k.layers.HashedCrossing(5)([np.array(["a"]), np.array([1, 2])]),
        "inputs of one shape",
    ),
    "a float bin": (lambda k: k.layers.Hashing(5, dtype="float32"), "'int32' or"),
    "one of two": (lambda k: k.layers.Normalization(mean=1.0), "both `mean` and `variance`"),
    "other axes": (lambda k: k.layers.Normalization(axis=3).adapt(np.ones((2, 2))), "the axes"),
    "no batches": (lambda k: k.layers.Normalization().adapt(iter([])), "no batch at all"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    same_errors(*REFUSED[case])


# --- text


TEXTS = [
    "Hello, World! a b",
    "ÄÖ a-b  \u00a0c\u2003d",
    "",
    "  the cat's \t mat\r\nthe (end) ",
    "İstanbul ẞ ǅ",
    "a_b #tag @you 100% 5.5",
    "\x0b\x0c\x1c x\x85y\u2028z",
    "\u200b日本 語",
]
VECTORIZED: list[dict[str, Any]] = [
    {},
    {"output_sequence_length": 3},
    {"output_sequence_length": 12, "max_tokens": 8},
    {"standardize": None},
    {"standardize": "lower"},
    {"standardize": "strip_punctuation"},
    {"split": "character"},
    {"split": None},
    {"split": None, "output_sequence_length": 1},
    {"split": None, "output_mode": "one_hot"},
    {"ngrams": 2},
    {"ngrams": (1, 3), "max_tokens": 15},
    {"ngrams": (2,), "output_mode": "count"},
    {"output_mode": "multi_hot"},
    {"output_mode": "count", "max_tokens": 99, "pad_to_max_tokens": True},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf-idf", "max_tokens": 40, "pad_to_max_tokens": True, "ngrams": 2},
    {"output_mode": "binary", "split": "character"},
]


@pytest.mark.parametrize("options", VECTORIZED, ids=str)
def test_text_vectorization(options):
    ours, theirs = pair("TextVectorization", **options)
    for layer in (ours, theirs):
        layer.adapt(TEXTS)
    same_vocabulary(ours, theirs)
    same_configs(ours, theirs)
    for x in (TEXTS, [[text] for text in TEXTS], ["new words a", "the end"], ["", ""]):
        same(ours, theirs, x)
    if options.get("split", "") is not None or not options.get("output_sequence_length"):
        same(ours, theirs, "the cat is new")
    assert ours.output_dtype(["string"]) == theirs(keras.Input((1,), dtype="string")).dtype


def test_texts_that_are_tokens():
    x = [["a", "B!", "c"], ["c", "d", ""]]
    for options in ({}, {"ngrams": 2}, {"output_sequence_length": 2}, {"output_mode": "tf_idf"}):
        for length in ({}, {"output_sequence_length": 5}):
            if "output_mode" in options and length:
                continue
            ours, theirs = pair("TextVectorization", split=None, **{**length, **options})
            for layer in (ours, theirs):
                layer.adapt(x)
            same_vocabulary(ours, theirs)
            same(ours, theirs, x)
            same(ours, theirs, ["c", "q"])


def test_given_vocabularies_of_texts():
    for options in (
        {"vocabulary": ["the", "cat"]},
        {"vocabulary": ["", "[UNK]", "the", "cat"]},
        {"vocabulary": ["the", "cat"], "output_mode": "count", "max_tokens": 6},
        {"vocabulary": ["the", "cat"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
    ):
        ours, theirs = pair("TextVectorization", **options)
        same_vocabulary(ours, theirs)
        same(ours, theirs, ["The cat, the dog", ""])
        same_configs(ours, theirs)


def test_texts_learn_from_batches():
    for mode in ("int", "tf_idf"):
        ours, theirs = pair("TextVectorization", output_mode=mode)
        ours.adapt(Dataset.from_arrays(np.array(TEXTS)).batch(3), steps=2)
        theirs.adapt(tf.data.Dataset.from_tensor_slices(TEXTS).batch(3), steps=2)
        same_vocabulary(ours, theirs)
        same(ours, theirs, TEXTS)


any_texts = st.lists(
    st.text(
        st.one_of(
            st.characters(codec="utf-8", exclude_characters="\0"), st.sampled_from(" aAbB.,'-\t\n_")
        ),
        max_size=30,
    ),
    min_size=1,
    max_size=6,
)
HOW = [{}, {"split": "character"}, {"ngrams": 2, "output_mode": "count"}, {"output_mode": "tf_idf"}]


@pytest.mark.parametrize("options", HOW, ids=str)
@given(texts=any_texts, more=any_texts)
@settings(max_examples=25, deadline=None)
def test_any_texts(options, texts, more):
    ours, theirs = pair("TextVectorization", **options)
    ours.adapt(texts)
    assume(ours.get_vocabulary(False))
    theirs.adapt(texts)
    same_vocabulary(ours, theirs)
    same(ours, theirs, texts)
    same(ours, theirs, more)


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_texts_that_are_not_utf8(texts):
    layer = scratchnn.layers.TextVectorization(split="character")
    expected = tf.strings.unicode_split(tf.constant(texts), "UTF-8").to_list()
    assert [layer._split(as_strings([text]))[0] for text in texts] == expected
    words = tf.strings.split(tf.strings.lower(tf.constant(texts))).to_list()
    layer = scratchnn.layers.TextVectorization(standardize="lower")
    assert layer._tokens_of(as_strings(texts)) == words


# --- categories and numbers


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count", "binary"])
def test_category_encoding(mode):
    ours, theirs = pair("CategoryEncoding", 4, mode)
    for x in (
        np.array([1, 2]),
        np.array([[1], [3]]),
        np.array([[1, 1, 2], [0, 3, 3]]),
        np.array([[[1, 2, 2]], [[0, 1, 3]]]),
        np.array([[7, 1]]),
        np.array(2),
        np.float32([[1.7, 1.0]]),
    ):
        same(ours, theirs, x)
    for shape in ((None, 3), (None, 1), (5, 2)):
        assert ours.compute_output_shape(shape) == theirs.compute_output_shape(shape)
    same_configs(ours, theirs)


def test_weights_of_categories():
    ours, theirs = pair("CategoryEncoding", 4, "count")
    for x in ([1, 1, 2], [[1, 1, 2], [0, 3, 9]]):
        weights = numbers(*np.shape(x))
        expected = theirs(np.array(x), count_weights=weights).numpy()
        close(ours(np.array(x), count_weights=weights).numpy(), expected, ONE_PASS)

    def model(k: Any) -> Any:
        x, w = k.Input((3,), dtype="int32", name="x"), k.Input((3,), name="w")
        made = k.Model([x, w], k.layers.CategoryEncoding(4, "count", name="c")(x, count_weights=w))
        data = [np.array([[1, 1, 2], [0, 3, 9]], "int32"), numbers(2, 3)]
        return made.predict(data, verbose=0), json.loads(made.to_json())["config"]["layers"]

    (y, config), (their_y, their_config) = both(model)
    close(y, their_y, ONE_PASS)
    assert config == their_config


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_discretization(mode):
    ours, theirs = pair("Discretization", [0.0, 0.1, 2.0], output_mode=mode)
    for x in (
        np.array([0.0, 0.1, 0.5]),
        np.array([[0.1], [2.0]]),
        np.array([[-1.0, 2.0, 5.0], [np.nan, np.inf, -np.inf]]),
        np.array([[[1.0, 2.0], [0.1, 0.0]]]),
        np.array([[1, 2, 0]]),
        np.array(2.0),
        np.float32([[0.1, 0.099999994]]),
    ):
        same(ours, theirs, x)
    same_configs(ours, theirs)
    for shape in ((None, 3), (None, 1), (None, 2, 3)):
        assert ours.compute_output_shape(shape) == theirs.compute_output_shape(shape)
        assert ours.output_dtype(["float32"]) == theirs(keras.Input(shape[1:])).dtype


@pytest.mark.parametrize(("bins", "epsilon"), [(2, 0.01), (4, 0.01), (7, 0.1), (10, 0.001), (3, 1)])
@pytest.mark.parametrize("size", [1, 5, 40, 999])
def test_discretization_that_learns(bins, epsilon, size):
    data = np.random.default_rng(size).gamma(2.0, size=(size, 2))
    batches = [data[i : i + 100] for i in range(0, size, 100)]
    for given_data in (data, batches):
        ours, theirs = pair("Discretization", num_bins=bins, epsilon=epsilon)
        for layer in (ours, theirs):
            layer.adapt(given_data)
        assert ours.bin_boundaries == theirs.bin_boundaries
        same(ours, theirs, data)
        same_configs(ours, theirs)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize(
    "options",
    [{}, {"salt": 133}, {"salt": [1, 2]}, {"mask_value": "a"}, {"mask_value": 1}],
    ids=str,
)
def test_hashing(mode, options):
    ours, theirs = pair("Hashing", 6, output_mode=mode, **options)
    strings = [["a", "ä"], [["a"], ["b"]], [["a", "b", "b"], ["c", "", "d"]], [[["a", "b"]]]]
    whole = [[1, 2], [[-1], [2**40]], [[0, 5], [7, 7]]]
    if options.get("mask_value") != 1:
        for x in strings:
            same(ours, theirs, x)
    if options.get("mask_value") != "a":
        for x in whole:
            same(ours, theirs, np.array(x))
        if not options.get("mask_value"):
            same(ours, theirs, np.array([[1.7, -2.3]]))
            same(ours, theirs, np.array([[True, False]]))
    same_configs(ours, theirs)


def test_hashing_into_smaller_numbers():
    ours, theirs = pair("Hashing", 6, dtype="int32")
    same(ours, theirs, ["a", "b"])
    same_configs(ours, theirs)


@pytest.mark.parametrize("mode", ["int", "one_hot"])
def test_hashed_crossing(mode):
    ours, theirs = pair("HashedCrossing", 1000, mode)
    for x in (
        (["a", "b"], ["c", "d"]),
        ([["a"], ["ä"]], np.array([[5], [-6]])),
        (np.array([1, 2]), np.array([3, 2**40]), ["x", "y"]),
        ("a", "b"),
    ):
        same(ours, theirs, x)
    same_configs(ours, theirs)
    for shape in ([(None, 1), (None, 1)], [(3, 1), (3, 1)]):
        assert ours.compute_output_shape(shape) == theirs.compute_output_shape(shape)


# --- models and files


def text_model(k: Any) -> Any:
    vectorize = k.layers.TextVectorization(output_mode="tf_idf", name="vectorize")
    vectorize.adapt(TEXTS[:5])
    return k.Sequential(
        [k.Input((1,), dtype="string"), vectorize, k.layers.Dense(4, "tanh"), k.layers.Dense(1)]
    )


def table_model(k: Any) -> Any:
    fuel = k.Input((1,), dtype="string", name="fuel")
    doors = k.Input((1,), dtype="int64", name="doors")
    power = k.Input((2,), name="power")
    lookup = k.layers.StringLookup(output_mode="one_hot", name="lookup")
    lookup.adapt([["gas"], ["diesel"], ["gas"]])
    integers = k.layers.IntegerLookup(output_mode="multi_hot", num_oov_indices=2, name="integers")
    integers.adapt(np.array([[3], [5], [5]]))
    scaled = k.layers.Normalization(name="scaled")
    scaled.adapt(np.array([[1.0, 2], [3, 5], [4, 1]]))
    crossed = k.layers.HashedCrossing(6, "one_hot", name="crossed")([fuel, doors])
    bins = k.layers.Discretization([2.0, 3.0], output_mode="multi_hot", name="bins")(power)
    parts = [lookup(fuel), integers(doors), scaled(power), crossed, bins]
    hidden = k.layers.Dense(6, "tanh")(k.layers.Concatenate()(parts))
    return k.Model({"fuel": fuel, "doors": doors, "power": power}, k.layers.Dense(1)(hidden))


TABLE = {
    "fuel": np.array([["gas"], ["diesel"], ["hay"], ["gas"]]),
    "doors": np.array([[3], [5], [4], [9]]),
    "power": numbers(4, 2) * 2 + 2,
}
DATA: dict[Any, Any] = {text_model: np.array([[text] for text in TEXTS]), table_model: TABLE}


def for_keras(x: Any) -> Any:
    """Return data as Keras takes it: it fails for NumPy's strings in `fit` and `predict`."""
    return {name: tensor(part) for name, part in x.items()} if isinstance(x, dict) else tensor(x)


@pytest.mark.parametrize("build", DATA)
def test_training(build):
    x = DATA[build]
    size = len(x["fuel"]) if isinstance(x, dict) else len(x)

    def run(k: Any) -> Any:
        model = build(k)
        model.compile(k.optimizers.SGD(0.05), "mse", run_eagerly=True)
        before = [w.copy() for w in model.get_weights()]
        given = for_keras(x) if k is keras else x
        losses = [model.train_on_batch(given, numbers(size, 1, seed=3)) for _ in range(20)]
        y = model.predict_on_batch(given)
        return before, losses, model.get_weights(), y

    (start, losses, weights, y), (their_start, their_losses, their_weights, their_y) = both(run)
    for found, expected in zip(start, their_start, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(losses, their_losses, rtol=TWENTY_STEPS)
    assert losses[-1] < 0.9 * losses[0]
    close_all(weights, their_weights, TWENTY_STEPS)
    close(y, their_y, TWENTY_STEPS)


@pytest.mark.parametrize("build", DATA)
def test_files_both_ways(build, tmp_path):
    ours, theirs = both(build)
    x = DATA[build]
    expected = theirs.predict(for_keras(x), verbose=0)
    with quiet():
        theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    ours.save(tmp_path / "ours.npz")
    for name in ("theirs.keras", "ours.keras", "ours.npz"):
        loaded = scratchnn.saving.load_model(tmp_path / name)
        close(loaded.predict(x, verbose=0), expected, ONE_PASS, name)
    with quiet():
        again = keras.saving.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(again.predict(for_keras(x), verbose=0), expected)
    names = [
        sorted(n for n in zipfile.ZipFile(tmp_path / f).namelist() if n != "metadata.json")
        for f in ("ours.keras", "theirs.keras")
    ]
    assert names[0] == names[1]
    for name in names[0]:
        if name.startswith("assets"):
            contents = [
                zipfile.ZipFile(tmp_path / f).read(name) for f in ("ours.keras", "theirs.keras")
            ]
            assert contents[0] == contents[1]


def test_configs_of_models():
    def config(k: Any) -> Any:
        return json.loads(table_model(k).to_json())["config"]

    ours, theirs = both(config)
    assert ours == theirs


def test_a_model_built_by_its_first_strings():
    def run(k: Any) -> Any:
        layer = k.layers.TextVectorization(vocabulary=["the", "cat"], output_sequence_length=3)
        model = k.Sequential([layer, k.layers.Dense(2)])
        x = np.array([["the cat"], ["a"]])
        y = model(for_keras(x) if k is keras else x)
        return y.numpy(), json.loads(model.to_json())["config"]["layers"][0]

    (y, config), (their_y, their_config) = both(run)
    close(y, their_y, ONE_PASS)
    assert config == their_config


@keras.saving.register_keras_serializable("tests")
def standardized(texts):
    return tf.strings.regex_replace(tf.strings.lower(texts), "<br />", " ")


@keras.saving.register_keras_serializable("tests")
def by_commas(texts):
    return tf.strings.split(texts, ",")


@scratchnn.saving.register_keras_serializable("tests", "standardized")
def our_standardized(texts):
    return np.char.replace(np.char.lower(texts), "<br />", " ")


@scratchnn.saving.register_keras_serializable("tests", "by_commas")
def our_by_commas(texts):
    return np.char.split(texts, ",")


def test_functions_of_ones_own():
    seed_both(1)
    texts = ["A<br />b,c", "C, d", ""]
    ours = scratchnn.layers.TextVectorization(
        standardize=our_standardized, split=our_by_commas, name="twin"
    )
    theirs = keras.layers.TextVectorization(standardize=standardized, split=by_commas, name="twin")
    for layer in (ours, theirs):
        layer.adapt(texts)
    same_vocabulary(ours, theirs)
    same(ours, theirs, texts)
    found, expected = scratchnn.layers.serialize(ours), keras.layers.serialize(theirs)
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(expected))
    again = scratchnn.layers.deserialize(found)
    again.set_vocabulary(ours.get_vocabulary())
    np.testing.assert_array_equal(again(texts), ours(texts))
