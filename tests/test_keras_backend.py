"""Settings, dtypes, structures and helpers: the same as Keras's, and no name is missing."""

from __future__ import annotations

import io
import itertools
from collections import OrderedDict, namedtuple
from typing import Any

import keras
import numpy as np
import pytest

import scratchnn
from scratchnn import backend, config, dtypes, preprocessing, random, tree, utils


def public(module: Any) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_")}


# What another part of this package adds to `utils`, and `preprocessing` only passes on.
DATASETS = {
    "image_dataset_from_directory",
    "split_dataset",
    "timeseries_dataset_from_array",
}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (config, keras.config),
        (backend, keras.backend),
        (tree, keras.tree),
        (utils, keras.utils),
        (preprocessing, keras.preprocessing),
        (preprocessing.image, keras.preprocessing.image),
        (preprocessing.sequence, keras.preprocessing.sequence),
        (random, keras.random),
    ],
    ids=lambda module: module.__name__,
)
def test_no_name_is_missing(ours, theirs):
    """A name of Keras is there, or it is refused with a reason."""
    missing = getattr(ours, "MISSING", {})
    assert public(theirs) - set(ours.__all__) - set(missing) == set()
    assert not set(ours.__all__) & set(missing)


# --- dtypes


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_result_type(floatx):
    config.set_floatx(floatx)
    keras.config.set_floatx(floatx)
    kinds = [*dtypes.DTYPES, int, float, bool, None]
    for n in (0, 1, 2):
        for some in itertools.product(kinds, repeat=n):
            assert backend.result_type(*some) == keras.backend.result_type(*some), some
    rng = np.random.default_rng(0)
    for _ in range(300):
        some = [kinds[i] for i in rng.integers(0, len(kinds), 3)]
        assert backend.result_type(*some) == keras.backend.result_type(*some), some


def test_dtype_names():
    for dtype in (
        *dtypes.DTYPES,
        None,
        float,
        int,
        bool,
        complex,
        "int",
        np.float32,
        np.dtype("i1"),
    ):
        name = keras.backend.standardize_dtype(dtype)
        assert backend.standardize_dtype(dtype) == utils.standardize_dtype(dtype) == name
        assert backend.is_float_dtype(dtype) == keras.backend.is_float_dtype(name)
        assert backend.is_int_dtype(dtype) == keras.backend.is_int_dtype(name)
    for dtype in ("float", "nothing"):
        for module in (backend, keras.backend):
            with pytest.raises(ValueError, match="dtype"):
                module.standardize_dtype(dtype)


# --- settings and names


def test_settings():
    for name in ("floatx", "epsilon", "image_data_format", "max_epochs", "max_steps_per_epoch"):
        assert getattr(config, name)() == getattr(keras.config, name)(), name
    for name in ("is_interactive_logging_enabled", "is_nnx_enabled"):
        assert getattr(config, name)() == getattr(keras.config, name)(), name


@pytest.mark.parametrize("policy", ["float32", "float64"])
def test_dtype_policy(policy):
    config.set_dtype_policy(policy)
    keras.config.set_dtype_policy(policy)
    found, expected = config.dtype_policy(), keras.config.dtype_policy()
    config._policy = None
    for name in ("name", "compute_dtype", "variable_dtype"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.get_config().items() <= expected.get_config().items()
    assert repr(found) == repr(expected)


def test_get_uid():
    for k in (scratchnn, keras):
        k.utils.clear_session()
    for prefix in ("dense", "dense", "a_1", "dense", ""):
        assert backend.get_uid(prefix) == keras.backend.get_uid(prefix)
    assert scratchnn.layers.Dense(1).name == keras.layers.Dense(1).name == "dense_3"


# --- structures

Point = namedtuple("Point", "x y")
STRUCTURES = [
    *(1, None, [], (), {}, [1, (2, [None])], {"b": 1, "a": [2, {"c": 3}]}, Point(1, [2])),
    *(OrderedDict(b=1, a=2), [np.ones(2), (np.zeros(1),)], {"x": (), "y": [[]]}),
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=repr)
def test_structures(structure):
    def text(x: Any) -> Any:
        return repr(x)

    for k in (tree, keras.tree):
        leaves = k.flatten(structure)
        assert text(k.pack_sequence_as(structure, leaves)) == text(structure)
    assert tree.is_nested(structure) == keras.tree.is_nested(structure)
    for name in ("flatten", "flatten_with_path", "lists_to_tuples"):
        assert text(getattr(tree, name)(structure)) == text(getattr(keras.tree, name)(structure))
    for arguments in ((structure,), (structure, structure)):
        ours, theirs = (k.map_structure(lambda *x: text(x), *arguments) for k in (tree, keras.tree))
        assert text(ours) == text(theirs)
    seen: dict[str, list[str]] = {"ours": [], "theirs": []}
    for top_down in (True, False):
        for k, log in ((tree, seen["ours"]), (keras.tree, seen["theirs"])):
            k.traverse(lambda x, log=log: log.append(text(x)), structure, top_down)
    assert seen["ours"] == seen["theirs"]


def test_structures_that_differ():
    for a, b in itertools.product([1, [1], (1,), [1, 2], {"a": 1}, {"b": 1}, [[1]]], repeat=2):
        for name in ("assert_same_structure", "assert_same_paths"):
            results = []
            for k in (tree, keras.tree):
                try:
                    getattr(k, name)(a, b)
                    results.append(True)
                except ValueError:
                    results.append(False)
            assert results[0] == results[1], (name, a, b)


def test_other_functions_of_structures():
    shapes = {"a": (None, 2), "b": [(3,), [4, 5]]}
    for k in (tree, keras.tree):
        assert k.map_shape_structure(lambda s: tuple(s), shapes) == {
            "a": (None, 2),
            "b": [(3,), (4, 5)],
        }
        assert k.map_structure_up_to([0, 0], lambda a: a, [[1], 2]) == [[1], 2]
        assert k.map_structure(lambda x: x + 1, [1, None], none_is_leaf=False) == [2, None]
        assert k.traverse(lambda x, none=k.MAP_TO_NONE: none if x == 2 else None, [1, 2]) == [
            1,
            None,
        ]


# --- utils


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"maxlen": 2},
        {"maxlen": 5, "padding": "post", "value": 9},
        {"maxlen": 2, "truncating": "post", "dtype": "float32"},
    ],
)
@pytest.mark.parametrize(
    "sequences", [[[1], [2, 3, 4], []], [np.arange(4), [7]], [[[1, 2]], [[3, 4], [5, 6], [7, 8]]]]
)
def test_pad_sequences(sequences, arguments):
    found = utils.pad_sequences(sequences, **arguments)
    expected = keras.utils.pad_sequences(sequences, **arguments)
    np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("batch", [1, (1,), [1], (1, 2), [1, 2], (1, 2, 3)])
def test_batches(batch):
    parts = utils.unpack_x_y_sample_weight(batch)
    assert parts == keras.utils.unpack_x_y_sample_weight(batch)
    packed = utils.pack_x_y_sample_weight(*parts)
    assert packed == keras.utils.pack_x_y_sample_weight(*parts)


def test_config_container():
    def program(k: Any) -> list[Any]:
        values = k.utils.Config(rate=0.5)
        values.seed = 3
        values["other"] = [1]
        values.update(other=2)
        results = [values.pop("other"), values.as_dict(), values.to_json(), len(values), [*values]]
        values.freeze()
        return [*results, values.frozen, "seed" in values, values.get("x", 1), repr(values)]

    assert program(scratchnn) == program(keras)


PIXELS = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype("uint8")


def test_images():
    results = []
    for k in (utils, keras.utils):
        found = []
        buffer = io.BytesIO()
        k.save_img(buffer, PIXELS, file_format="png")
        for mode in ("rgb", "rgba", "grayscale"):
            for interpolation in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"):
                for keep in (False, True):
                    file = io.BytesIO(buffer.getvalue())
                    image = k.load_img(file, mode, (5, 4), interpolation, keep_aspect_ratio=keep)
                    found.append(k.img_to_array(image))
        buffer.seek(0)
        found.append(k.img_to_array(k.load_img(buffer), data_format="channels_first"))
        for x, scale in ((PIXELS / 7, True), (PIXELS / 7, False), (PIXELS * 9.0, False)):
            gray = k.array_to_img(x[..., :1], scale=scale)
            found.append(k.img_to_array(gray, dtype="int32"))
        results.append(found)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_aliases():
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(preprocessing.image, name) is getattr(utils, name)
    for name in DATASETS & set(preprocessing.__all__):
        assert getattr(preprocessing, name) is getattr(utils, name)
    assert utils.Sequence is utils.PyDataset
