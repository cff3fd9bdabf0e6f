"""The loaders give what Keras's loaders give for the same file.

The files are small ones, served from this machine, in the formats of the true ones; both loaders
take their hashes for the right ones.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import small_datasets
from local_server import serve

import scratchnn
from scratchnn.datasets import fetching

FILES = small_datasets.files()


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both loaders fetch from a server here, each into a cache of its own."""
    monkeypatch.setenv("no_proxy", "*")
    get_file = fetching.get_file
    with serve() as server:
        server.files.update(FILES)

        def fake(function: Any, home: str) -> Any:
            def call(fname: str, origin: str, file_hash: str, **how: Any) -> Any:
                name = posixpath.basename(origin)
                found = hashlib.new("md5" if len(file_hash) == 32 else "sha256", FILES[name])
                folder = tmp_path / home
                folder.mkdir(exist_ok=True)
                return function(
                    fname,
                    origin=server.url + name,
                    file_hash=found.hexdigest(),
                    cache_dir=str(folder),
                    **how,
                )

            return call

        monkeypatch.setattr(fetching, "get_file", fake(get_file, "ours"))
        for name in scratchnn.datasets.__all__[2:]:
            module = import_module(f"keras.src.datasets.{name}")
            monkeypatch.setattr(module, "get_file", fake(keras.utils.get_file, "keras"))
        yield


def both(name: str, **arguments: Any) -> tuple[Any, Any]:
    """Return what our loader and Keras's return for the same arguments."""
    ours, theirs = getattr(scratchnn.datasets, name), getattr(keras.datasets, name)
    return ours.load_data(**arguments), theirs.load_data(**arguments)


def check_same(name: str, **arguments: Any) -> None:
    for mine, keras_part in zip(*both(name, **arguments), strict=True):
        for found, expected in zip(mine, keras_part, strict=True):
            assert type(found) is type(expected) is np.ndarray
            np.testing.assert_array_equal(found, expected, strict=True)
            assert [type(x) for x in found] == [type(x) for x in expected]


def cached(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


TEXTS: list[dict[str, Any]] = [
    {},
    {"num_words": 20},
    {"num_words": 0},
    {"num_words": 20, "skip_top": 5},
    {"skip_top": 1000},
    {"maxlen": 7},
    {"maxlen": 3, "start_char": None},
    {"num_words": 30, "oov_char": None},
    {"skip_top": 5, "oov_char": None, "maxlen": 6},
    {"start_char": None},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": None},
    {"start_char": 7, "oov_char": 8, "index_from": 10},
    {"index_from": 0},
    {"seed": 1, "num_words": 40, "maxlen": 9},
    {"path": "another.npz"},
]


@pytest.mark.parametrize("arguments", TEXTS, ids=str)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts(name: str, arguments: dict[str, Any]) -> None:
    check_same(name, **arguments)


# At 0.9 or 0.999 the test set is one text or none.
@pytest.mark.parametrize("test_split", [0.0, 0.2, 0.5, 0.9, 0.999, 1.0])
def test_reuters_splits(test_split: float) -> None:
    check_same("reuters", test_split=test_split)
    if 0 < test_split < 0.9:  # where it leaves no labels, Keras's empty array is of floats
        check_same("reuters", test_split=test_split, maxlen=5, seed=3)


def test_texts_of_one_length_are_an_array_of_two_axes_in_keras_too() -> None:
    (found, _), _ = both("reuters", maxlen=2, start_char=None)[0]
    assert found.shape[1:] == (1,)
    check_same("reuters", maxlen=2, start_char=None)


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_index(name: str) -> None:
    ours, theirs = getattr(scratchnn.datasets, name), getattr(keras.datasets, name)
    assert ours.get_word_index() == theirs.get_word_index()
    assert ours.get_word_index("words.json") == theirs.get_word_index("words.json")


def test_label_names() -> None:
    ours = scratchnn.datasets.reuters.get_label_names()
    assert ours == keras.datasets.reuters.get_label_names()


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar10(layout: str) -> None:
    keras.config.set_image_data_format(layout)
    scratchnn.config.set_image_data_format(layout)
    try:
        ours, theirs = both("cifar10")
    finally:
        keras.config.set_image_data_format("channels_last")
    for i, mine in enumerate(ours[0]):
        # Keras has room for 10,000 images per file, and fills it with the one there is.
        expected = theirs[0][i]
        assert mine.dtype == expected.dtype
        assert (len(mine), len(expected)) == (5, 50000)
        np.testing.assert_array_equal(mine, expected[::10000], strict=True)
    for found, expected in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
def test_cifar100(label_mode: str, layout: str) -> None:
    keras.config.set_image_data_format(layout)
    scratchnn.config.set_image_data_format(layout)
    try:
        check_same("cifar100", label_mode=label_mode)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    "arguments",
    [{}, {"test_split": 0}, {"test_split": 0.37}, {"seed": 4, "path": "b.npz"}, {"seed": None}],
    ids=str,
)
@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
def test_tables(name: str, arguments: dict[str, Any]) -> None:
    if arguments.get("seed", 1) is None:  # an order that nobody knows
        (x, _), (rest, _) = both(name, **arguments)[0]
        (x_keras, _), (rest_keras, _) = both(name, **arguments)[1]
        assert (x.shape, rest.shape) == (x_keras.shape, rest_keras.shape)
        assert np.sort(np.concatenate([x, rest]), axis=None).tolist() == (
            np.sort(np.concatenate([x_keras, rest_keras]), axis=None).tolist()
        )
        return
    check_same(name, **arguments)


@pytest.mark.parametrize("version", ["small", "large"])
def test_california_versions(version: str) -> None:
    check_same("california_housing", version=version)
    check_same("california_housing", version=version, test_split=0.5, seed=9)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("imdb", {"maxlen": 1}),
        ("imdb", {"path": "folder/imdb.npz"}),
        ("reuters", {"maxlen": 1}),
        ("cifar100", {"label_mode": "both"}),
        ("boston_housing", {"test_split": 1}),
        ("boston_housing", {"test_split": -0.1}),
        ("california_housing", {"test_split": 1.0}),
        ("california_housing", {"version": "medium"}),
    ],
)
def test_errors(name: str, arguments: dict[str, Any]) -> None:
    for datasets in (scratchnn.datasets, keras.datasets):
        with pytest.raises(ValueError):  # noqa: PT011 (the texts differ)
            getattr(datasets, name).load_data(**arguments)


def test_the_caches_are_the_same(tmp_path: Path) -> None:
    for name in scratchnn.datasets.__all__[2:]:
        both(name)
    for library in (scratchnn, keras):
        library.datasets.imdb.get_word_index()
        library.datasets.reuters.get_word_index()
    ours, theirs = cached(tmp_path / "ours"), cached(tmp_path / "keras")
    assert ours == theirs
    assert "datasets/cifar-10-batches-py-target_archive" in ours
    assert "datasets/cifar-100-python-target/cifar-100-python/train" in ours


def test_the_addresses_and_hashes_are_those_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class AskedError(Exception):
        pass

    def ask(fname: str, origin: str, file_hash: str, extract: bool = False) -> None:
        asked.append((fname, origin, file_hash, extract))
        raise AskedError

    monkeypatch.setattr(fetching, "get_file", ask)
    for name in scratchnn.datasets.__all__[2:]:
        monkeypatch.setattr(import_module(f"keras.src.datasets.{name}"), "get_file", ask)
        for function in ("load_data", "get_word_index"):
            asked.clear()
            for datasets in (scratchnn.datasets, keras.datasets):
                call = getattr(getattr(datasets, name), function, None)
                if call is not None:
                    with pytest.raises(AskedError):
                        call()
            assert len(asked) == (
                2 if function == "load_data" or name in ("imdb", "reuters") else 0
            )
            assert asked[:1] == asked[1:]
