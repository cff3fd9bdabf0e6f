"""Layers that prepare data: strings through models, what is refused, files that are not honest."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchnn as keras
from scratchnn import saving, strings
from scratchnn.layers import (
    CategoryEncoding,
    Concatenate,
    Dense,
    Discretization,
    Flatten,
    HashedCrossing,
    Hashing,
    Identity,
    Input,
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)
from scratchnn.saving import ModelFileError
from scratchnn.utils.datasets import Dataset

TEXTS = ["the cat sat", "the dog", "a cat"]


# --- strings as data


FORMS = [
    ["ä", "b"],
    ("ä", "b"),
    np.array(["ä", "b"]),
    np.array(["ä", "b"], object),
    np.array(["ä".encode(), b"b"]),
    np.array(["ä".encode(), b"b"], object),
    ["ä".encode(), "b"],
    [np.str_("ä"), np.str_("b")],
    np.array(["ä", "b"], np.dtypes.StringDType()),
]


@pytest.mark.parametrize("data", FORMS, ids=lambda data: f"{type(data).__name__}")
def test_strings_of_any_kind(data):
    assert strings.are_strings(data)
    array = strings.as_strings(data)
    assert array.dtype == object
    assert array.tolist() == ["ä".encode(), b"b"]
    assert StringLookup(vocabulary=["ä"])(data).tolist() == [1, 0]
    assert Hashing(1000)(data).tolist() == Hashing(1000)(FORMS[0]).tolist()
    np.testing.assert_array_equal(strings.as_texts(array), ["ä", "b"])


def test_strings_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"fuel": ["gas", "diesel", "gas"], "age": [1, 2, 3]})
    layer = StringLookup()
    for column in (frame["fuel"], frame["fuel"].astype("category"), frame["fuel"].astype("string")):
        layer.adapt(column)
        assert layer.get_vocabulary() == ["[UNK]", "gas", "diesel"]
        assert layer(column).tolist() == [1, 2, 1]
    layer.adapt(frame[["fuel"]].to_numpy())
    assert layer(frame[["fuel"]]).tolist() == [[1], [2], [1]]


def test_what_are_no_strings():
    for data in ([1, 2], np.ones(2), [], np.array([None]), [[1], ["a"]], {}, 3):
        assert not strings.are_strings(data)
    with pytest.raises(ValueError, match=r"strings and nothing else. Received: 3 of type int"):
        strings.as_strings(["a", 3])
    with pytest.raises(ValueError, match="nested lists of equal lengths"):
        strings.as_strings([["a"], ["b", "c"]])
    with pytest.raises(ValueError, match=r"strings and nothing else. Received: None"):
        StringLookup(vocabulary=["a"])(np.array(["a", None]))


def test_long_texts_beside_short_ones_take_no_more_than_they_are():
    array = strings.to_array(["x" * 10**6] + ["y"] * 1000)
    assert array.nbytes < 10**5


# --- models of strings


def words(length=3):
    layer = TextVectorization(output_sequence_length=length, name="words")
    layer.adapt(TEXTS)
    return layer


GIVEN = [
    TEXTS,
    [[text] for text in TEXTS],
    np.array(TEXTS),
    np.array(TEXTS, object)[:, np.newaxis],
    [text.encode() for text in TEXTS],
]


@pytest.mark.parametrize("x", GIVEN, ids=str)
@pytest.mark.parametrize("how", ["declared", "inferred", "functional"])
def test_models_of_strings(x, how):
    encode = CategoryEncoding(9, "multi_hot")
    if how == "functional":
        start = Input((1,), dtype="string")
        model = keras.Model(start, Dense(1)(encode(words()(start))))
    else:
        start = [Input((1,), dtype="string")] if how == "declared" else []
        model = keras.Sequential([*start, words(), encode, Dense(1)])
        if how == "inferred":
            model(np.array(TEXTS)[:, np.newaxis])
    model.compile("sgd", "mse")
    y = np.array([1.0, 2.0, 3.0])
    history = model.fit(x, y, epochs=3, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < history[0]
    expected = model.predict(np.array(TEXTS), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    np.testing.assert_array_equal(model(x), expected)
    assert model.evaluate(x, y, verbose=0) == model.evaluate(TEXTS, y, verbose=0)
    batches = Dataset.from_arrays((np.array(TEXTS), y)).batch(2)
    model.fit(batches, epochs=2, verbose=0)
    model.fit(x, y, validation_split=0.4, verbose=0)
    model.train_on_batch(x, y)


def test_strings_are_made_numbers_in_a_dataset():
    layer = words()
    data = Dataset.from_arrays((np.array(TEXTS), np.arange(3.0))).batch(2)
    numbers = data.map(lambda texts, y: (layer(texts), y))
    model = keras.Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(numbers, verbose=0)
    assert next(iter(numbers))[0].tolist() == layer(TEXTS[:2]).tolist()


def test_several_inputs_some_of_strings():
    name, size = Input((1,), dtype="string", name="name"), Input((2,), name="size")
    lookup = StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    model = keras.Model([name, size], Dense(1)(Concatenate()([lookup(name), size])))
    model.compile("sgd", "mse")
    x = {"name": ["a", "b", "z", "a"], "size": np.ones((4, 2))}
    model.fit(x, np.ones(4), batch_size=2, verbose=0)
    found = model.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict([x["name"], x["size"]], verbose=0), found)
    with pytest.raises(ValueError, match=r"x must be an array of numbers. Received: list of str"):
        model.predict({"name": x["name"], "size": x["name"]}, verbose=0)
    with pytest.raises(ValueError, match="x must hold strings"):
        model.predict({"name": np.ones(4), "size": x["size"]}, verbose=0)


def test_models_within_models_of_strings():
    inner = keras.Sequential([Input((1,), dtype="string"), words(), CategoryEncoding(9)])
    outer = keras.Sequential([Input((1,), dtype="string"), Identity(), Flatten(), inner, Dense(1)])
    assert outer.predict(TEXTS, verbose=0).shape == (3, 1)
    start = Input((1,), dtype="string")
    for first in (inner, keras.Model(start, inner(start))):
        assert keras.Sequential([first, Dense(2)]).predict(TEXTS, verbose=0).shape == (3, 2)
    of_bytes = keras.Sequential([Input((2,), dtype="uint8"), Rescaling(1 / 255)])
    assert keras.Sequential([of_bytes]).input_dtype == "float32"  # as in Keras
    with pytest.raises(ValueError, match="expected an input of dtype 'string'"):
        keras.Sequential([Input((1,)), inner])
    with pytest.raises(ValueError, match=r"'float32'. Received: one of dtype 'string'"):
        keras.Sequential([Input((1,), dtype="string"), keras.Sequential([Input((1,)), Dense(1)])])


def test_strings_come_out_of_models():
    model = keras.Sequential(
        [Input((2,), dtype="int64"), StringLookup(vocabulary=["a", "ä"], invert=True)]
    )
    y = model.predict(np.array([[1, 2], [0, 9]]), verbose=0)
    assert y.tolist() == [[b"a", "ä".encode()], [b"[UNK]", b"[UNK]"]]


def test_summary_of_a_model_of_strings(capsys):
    keras.Sequential([Input((1,), dtype="string"), words(4), CategoryEncoding(9)]).summary()
    assert "words (TextVectorization)" in capsys.readouterr().out.replace("\n", "")


def test_layers_with_a_vocabulary_can_be_pickled():
    layer = pickle.loads(pickle.dumps(words()))
    np.testing.assert_array_equal(layer(TEXTS), words()(TEXTS))


def test_no_gradient_of_categories():
    for layer, x in (
        (words(), strings.as_strings(TEXTS)),
        (StringLookup(vocabulary=["a"]), strings.as_strings(TEXTS)),
        (Discretization([0.0]), np.ones((2, 2), np.float32)),
        (Hashing(3), np.ones((2, 2), np.int64)),
    ):
        layer.ensure_built(x.shape)
        ctx = keras.Context(training=True)
        assert layer.backward(np.ones_like(layer.forward(x, ctx)), ctx) is None


def test_gradients_reach_past_what_has_none():
    """A model learns both from what has a gradient, and beside what has none."""
    x, n = Input((2,), name="x"), Input((1,), dtype="int64", name="n")
    hidden = Dense(3, "tanh")(Normalization()(x))
    both = Concatenate()([hidden, CategoryEncoding(4, "one_hot")(n), Discretization([0.0])(hidden)])
    model = keras.Model([x, n], Dense(1)(both))
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(16, 2)), rng.integers(0, 4, (16, 1))]
    before = model.get_weights()
    model.fit(data, rng.normal(size=16), epochs=2, verbose=0)
    kernel = next(w for w in model.trainable_weights if w.name == "kernel")
    assert np.any(kernel.value != before[3])


# --- what is refused


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: TextVectorization(sparse=True), "does not support sparse=True"),
        (lambda: TextVectorization(ragged=True), "does not support ragged=True"),
        (lambda: StringLookup(sparse=True, output_mode="count"), "outputs are dense arrays"),
        (lambda: IntegerLookup(sparse=True, output_mode="count"), "does not support sparse"),
        (lambda: CategoryEncoding(3, sparse=True), "does not support sparse"),
        (lambda: Discretization([1.0], sparse=True, output_mode="count"), "not support sparse"),
        (lambda: Hashing(3, sparse=True, output_mode="count"), "does not support sparse"),
        (lambda: HashedCrossing(3, "one_hot", sparse=True), "does not support sparse"),
        (lambda: TextVectorization(output_mode="one_hot"), "needs split=None"),
        (lambda: TextVectorization(standardize="upper"), "`standardize`. Received.*'upper'"),
        (lambda: TextVectorization(split="whitespaces"), "Did you mean 'whitespace'"),
        (lambda: TextVectorization(ngrams="2"), "`ngrams` must be None, a whole number"),
        (lambda: TextVectorization(ngrams=True), "`ngrams` must be"),
        (lambda: TextVectorization(output_sequence_length=2.5), "must be a whole number or None"),
        (lambda: TextVectorization(word="a"), "Unrecognized keyword arguments"),
        (lambda: StringLookup(word="a"), "Unrecognized keyword arguments"),
        (lambda: StringLookup(max_tokens=1), "`max_tokens` greater than 1"),
        (lambda: StringLookup(pad_to_max_tokens=True), "needs `max_tokens`"),
        (lambda: StringLookup(num_oov_indices=-1), "`num_oov_indices` of at least 0"),
        (lambda: StringLookup(oov_method="md5"), "`oov_method`"),
        (lambda: StringLookup(vocabulary_size="9"), "`vocabulary_size` must be a whole number"),
        (lambda: StringLookup(salt="a"), "a whole number, or two, for `salt`"),
        (lambda: IntegerLookup(vocabulary_dtype="int32"), "`vocabulary_dtype`"),
        (lambda: IntegerLookup(vocabulary=["a"]), "expected whole numbers as its vocabulary"),
        (lambda: StringLookup(vocabulary=[1, 2]), "A vocabulary must hold strings"),
        (lambda: CategoryEncoding(), "needs `num_tokens`"),
        (lambda: CategoryEncoding(0), "a positive whole number for `num_tokens`"),
        (lambda: Discretization(), "either `num_bins` or `bin_boundaries`"),
        (lambda: Discretization(num_bins=-1), "must not be negative"),
        (lambda: Hashing(0), "a positive whole number for `num_bins`"),
        (lambda: Hashing(3, salt=(1, 2, 3)), "for `salt`"),
        (lambda: Normalization(mean=[1.0], variance=[1.0, 2]), "must have one shape"),
        (lambda: Normalization(None, [1.0], [1.0]), "of no more axes than `axis` names"),
        (lambda: Dense(1)(TEXTS), r"Received: strings.*StringLookup, Hashing and TextVector"),
        (lambda: Rescaling(1)(np.array(TEXTS)), "Received: strings"),
        (lambda: Dense(1)(Input((1,), dtype="string")), "an input of dtype 'string'. Layers such"),
        (lambda: StringLookup()(Input((1,))), "expected strings. Received: an input of dtype 'fl"),
        (lambda: IntegerLookup()(Input((1,), dtype="string")), "expected numbers. Received: strin"),
        (lambda: Hashing(3, mask_value="a")([1, 2]), "values like mask_value='a'"),
        (lambda: Discretization([0.0])(TEXTS), "expected numbers. Received: strings"),
        (lambda: Discretization(num_bins=3)(np.ones(3)), "does not know its bins yet"),
        (lambda: Discretization([0.0]).adapt(np.ones(3)), "made with `bin_boundaries`"),
        (lambda: Normalization().adapt(TEXTS), "adapt.. takes numbers"),
        (lambda: Normalization().adapt(7), "adapt.. takes an array"),
        (lambda: Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), "nothing to learn"),
        (lambda: Normalization()(Input((None,))), "a known size of the axes"),
        (lambda: StringLookup().adapt([("a", 1)]), "strings and nothing else"),
        (lambda: StringLookup().adapt(iter([(["a"], [1])])), "the inputs alone"),
        (lambda: StringLookup().adapt(7), "takes an array, a list"),
        (lambda: StringLookup().adapt(["a"], steps=2), "`steps` is for data that comes in batches"),
        (lambda: words()(Input((2,), dtype="string")), "texts of shape"),
        (lambda: CategoryEncoding(3)(np.ones(2), count_weights=np.ones(2)), "for output_mode='cou"),
        (
            lambda: CategoryEncoding(3, "count")(np.ones(2), count_weights=np.ones(3)),
            "must have the shape of the inputs",
        ),
        (lambda: HashedCrossing(3)([Input((1,)), Input((1,))]), "strings or whole numbers"),
        (
            lambda: TextVectorization(split=lambda x: [["a"]], vocabulary=["a"])(TEXTS),
            "the tokens of each of the 3 texts",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(make, text):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=text):
        make()


def test_models_refuse_strings_for_numbers():
    model = keras.Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    for x in (TEXTS, np.array(TEXTS)):
        with pytest.raises(ValueError, match=r"x must be an array of numbers.*StringLookup makes"):
            model.predict(x, verbose=0)
    with pytest.raises(ValueError, match="y must be an array of numbers"):
        model.fit(np.ones((3, 1)), TEXTS, verbose=0)
    strings_only = keras.Sequential([Input((1,), dtype="string"), words(), CategoryEncoding(9)])
    with pytest.raises(ValueError, match=r"x must hold strings.*dtype float64"):
        strings_only.predict(np.ones((3, 1)), verbose=0)
    with pytest.raises(ValueError, match=r"Received: the single string 'a'. Write \['a'\]"):
        strings_only.predict("a", verbose=0)


def test_what_is_refused_changes_nothing():
    layer = StringLookup(output_mode="count")
    layer.adapt(["a", "b"])
    for vocabulary in (["a"], ["a", "b", "c"], ["a", "a"], []):
        with pytest.raises((ValueError, RuntimeError)):
            layer.set_vocabulary(vocabulary)
        assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
        assert layer.compute_output_shape((None, 2)) == (None, 3)


def test_normalization_refuses_other_sizes():
    layer = Normalization()
    layer.adapt(np.ones((4, 3)))
    for data in (np.ones((4, 2)), [np.ones((4, 3)), np.ones((4, 2))]):
        with pytest.raises(ValueError, match="built for inputs of shape"):
            layer.adapt(data)


# --- properties


@given(st.lists(st.text(max_size=8), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_lookup_undoes_the_other(texts):
    there = StringLookup()
    there.adapt(texts)
    known = there.get_vocabulary(include_special_tokens=False)
    if known:
        back = StringLookup(vocabulary=known, invert=True)
        expected = [text.encode() if text in known else b"[UNK]" for text in texts]
        assert back(there(texts)).tolist() == expected


@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20, unique=True),
    st.lists(st.integers(-50, 50), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_an_integer_lookup_is_a_dict(vocabulary, data):
    layer = IntegerLookup(vocabulary=vocabulary, oov_token=2**63 - 1)
    data = np.array([*data, *vocabulary], np.int64)
    index = {token: i + 1 for i, token in enumerate(vocabulary)}
    assert layer(data).tolist() == [index.get(token, 0) for token in data.tolist()]


def test_encodings_add_up():
    x = np.random.default_rng(0).integers(0, 9, (20, 7))
    one_hot, counts, multi_hot = (
        CategoryEncoding(9, mode)(x) for mode in ("one_hot", "count", "multi_hot")
    )
    np.testing.assert_array_equal(one_hot.sum(axis=1), counts)
    np.testing.assert_array_equal(np.minimum(counts, 1), multi_hot)


# --- files


def vocabulary_model(vocabulary, **options):
    layer = StringLookup(name="lookup", **options)
    layer.adapt(vocabulary)
    return keras.Sequential([Input((1,), dtype="string"), layer, Dense(1)], name="m")


@pytest.mark.parametrize("ending", ["keras", "npz"])
@pytest.mark.parametrize(
    "vocabulary",
    [
        ["a", "b"],
        ["a", ""],
        ["", "b", "b"],
        ["x\u2028y", "x\x0by", "\x85", "c\r"],
        ["[UNK]", "None", " "],
        ["ä", "日本"],
    ],
    ids=str,
)
def test_vocabularies_in_files(vocabulary, ending, tmp_path):
    for options in ({}, {"output_mode": "count"}, {"mask_token": "", "num_oov_indices": 2}):
        if not set(vocabulary) - {options.get("mask_token"), "[UNK]"}:
            continue
        model = vocabulary_model(vocabulary, **options)
        path = tmp_path / f"m.{ending}"
        model.save(path)
        loaded = saving.load_model(path)
        found, expected = (m.get_layer("lookup").get_vocabulary() for m in (loaded, model))
        assert found == expected
        np.testing.assert_array_equal(
            loaded.predict(vocabulary, verbose=0), model.predict(vocabulary, verbose=0)
        )


def test_line_breaks_in_a_token(tmp_path):
    model = vocabulary_model(["a\nb"])
    with pytest.raises(ValueError, match=r"a token has a line break in it: 'a\\nb'"):
        model.save(tmp_path / "never.npz")
    assert not list(tmp_path.iterdir())
    given_in_config = StringLookup(vocabulary=["a\nb"])
    copy = StringLookup.from_config(given_in_config.get_config())
    assert copy.get_vocabulary() == ["[UNK]", "a\nb"]


def test_a_vocabulary_that_was_set_anew_is_the_one_that_is_saved(tmp_path):
    layer = StringLookup(vocabulary=["a"], name="lookup")
    layer.set_vocabulary(["b", "c"])
    model = keras.Sequential([Input((1,), dtype="string"), layer])
    model.save(tmp_path / "m.npz")
    loaded = saving.load_model(tmp_path / "m.npz").get_layer("lookup")
    assert loaded.get_vocabulary() == ["[UNK]", "b", "c"]


def test_weights_of_terms_are_in_files_of_weights(tmp_path):
    model = vocabulary_model(["a", "b", "b"], output_mode="tf_idf")
    model.save_weights(tmp_path / "m.weights.npz")
    expected = model.predict(["a", "b"], verbose=0)
    model.get_layer("lookup").set_vocabulary(["b", "a"], [1.0, 7.0])
    assert np.any(model.predict(["a", "b"], verbose=0) != expected)
    model.load_weights(tmp_path / "m.weights.npz")
    np.testing.assert_array_equal(model.predict(["a", "b"], verbose=0), expected)


def test_weights_of_other_terms_are_refused(tmp_path):
    vocabulary_model(["a", "b", "c"], output_mode="count").save_weights(tmp_path / "c.weights.npz")
    model = vocabulary_model(["a", "b", "c"], output_mode="tf_idf")
    expected = model.predict(["a"], verbose=0)
    with pytest.raises(ModelFileError, match=r"idf_weights of shape \(4,\). Received: none"):
        model.load_weights(tmp_path / "c.weights.npz")
    other = StringLookup(vocabulary=["a"], idf_weights=[1.0], output_mode="tf_idf")
    with pytest.raises(ValueError, match=r"shape \(2,\). Received: shape \(4,\)"):
        other.load_own_variables({"idf_weights": np.ones(4)})
    np.testing.assert_array_equal(model.predict(["a"], verbose=0), expected)


def rewritten(path, changes, tmp_path):
    """Return a copy of a zip with other contents under some names."""
    other = tmp_path / f"changed{path.suffix}"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    return other


ASSET = "assets/layers/string_lookup/vocabulary.txt"


@pytest.mark.parametrize(
    "name",
    [
        "assets/../../evil.txt",
        "assets/layers/string_lookup/../../../evil.txt",
        "assets//evil.txt",
        "assets/layers/string_lookup/..\\evil.txt",
        "assets/layers/string_lookup/C:evil.txt",
        "assets/./evil.txt",
    ],
)
def test_names_that_lead_elsewhere(name, tmp_path):
    path = tmp_path / "m.npz"
    vocabulary_model(["a"]).save(path)
    bad = rewritten(path, {name: "evil"}, tmp_path)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(ModelFileError, match="leads out of the folder of assets"):
        saving.load_model(bad)
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[UNK]\na\na", "more than once"),
        (b"[UNK]\n\xff\xfe", "codec can't decode"),
        ("[UNK]\na\nb\nc", "this number cannot change"),
    ],
)
def test_broken_vocabularies(content, text, tmp_path):
    path = tmp_path / "m.npz"
    vocabulary_model(["a"], output_mode="count").save(path)
    with pytest.raises(ModelFileError, match=text):
        saving.load_model(rewritten(path, {ASSET: content}, tmp_path))


def test_a_missing_vocabulary(tmp_path):
    path = tmp_path / "m.npz"
    vocabulary_model(["a"]).save(path)
    model = saving.load_model(rewritten(path, {ASSET: None}, tmp_path))
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        model.predict(["a"], verbose=0)


def test_a_config_reads_no_files(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a\nb\n")
    for cls in (StringLookup, TextVectorization):
        config = cls(vocabulary=["a"]).get_config()
        config["vocabulary"] = str(secret)
        with pytest.raises(ValueError, match="the files of others are not read"):
            cls.from_config(config)


def test_a_file_cannot_ask_for_more_than_it_holds(tmp_path):
    path = tmp_path / "m.npz"
    layer = StringLookup(vocabulary=["a"], idf_weights=[1.0], output_mode="tf_idf", name="lookup")
    keras.Sequential([Input((1,), dtype="string"), layer]).save(path)
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    inner = config["config"]["layers"][1]["config"]
    inner |= {"max_tokens": 10**13, "pad_to_max_tokens": True}
    with pytest.raises(ModelFileError, match="more than the file holds"):
        saving.load_model(rewritten(path, {"config.json": json.dumps(config)}, tmp_path))


@keras.saving.register_keras_serializable("test_preprocessing")
class Notes(keras.layers.Layer):
    """Keeps files of its own, one of them in a folder."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.notes = []

    def forward(self, x, ctx):
        return x

    def save_assets(self, dir_path):
        from pathlib import Path

        (Path(dir_path) / "more").mkdir()
        (Path(dir_path) / "more" / "notes.txt").write_text("\n".join(self.notes))

    def load_assets(self, dir_path):
        from pathlib import Path

        self.notes = (Path(dir_path) / "more" / "notes.txt").read_text().split("\n")


def test_assets_of_layers_of_ones_own(tmp_path):
    layer = Notes(name="notes")
    layer.notes = ["one", "two"]
    keras.Sequential([Input((2,)), layer]).save(tmp_path / "m.npz")
    names = zipfile.ZipFile(io.BytesIO((tmp_path / "m.npz").read_bytes())).namelist()
    assert "assets/layers/notes/more/notes.txt" in names
    assert saving.load_model(tmp_path / "m.npz").get_layer("notes").notes == ["one", "two"]
