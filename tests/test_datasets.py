"""MNIST, which is in the package, and the other datasets, from small files made here."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import posixpath
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from local_server import Answer, Server, serve

import scratchnn
from scratchnn import datasets
from scratchnn.datasets import cifar10, fashion_mnist, imdb, mnist, reuters
from scratchnn.datasets.idx import parse_idx
from scratchnn.datasets.pickles import load_npz, load_pickle


def idx_of(array: np.ndarray) -> bytes:
    """Return a uint8 array as an IDX file."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


# --- MNIST


@pytest.fixture(scope="module")
def digits() -> list[np.ndarray]:
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    return [x_train, y_train, x_test, y_test]


def test_mnist_is_the_original_byte_for_byte(digits: list[np.ndarray]) -> None:
    # The sha256 of the four original files, uncompressed, as many projects list them.
    assert [hashlib.sha256(idx_of(a)).hexdigest() for a in digits] == [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ]


def test_mnist_arrays(digits: list[np.ndarray]) -> None:
    assert [a.shape for a in digits] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert all(a.dtype == np.uint8 and a.flags.writeable for a in digits)
    # The mean and deviation that everybody standardizes MNIST with.
    mean = digits[0].mean() / 255
    variance = np.square(digits[0], dtype="uint16").mean() / 255**2 - mean**2
    assert round(mean, 4) == 0.1307
    assert round(variance**0.5, 4) == 0.3081
    assert np.bincount(digits[3]).tolist() == [
        *(980, 1135, 1032, 1010, 982),
        *(892, 958, 1028, 974, 1009),
    ]


def test_the_licence_travels_with_the_data() -> None:
    notice = Path(mnist.__file__).with_name("README.md").read_text(encoding="utf-8")
    for text in (notice, mnist.load_data.__doc__ or ""):
        assert "https://creativecommons.org/licenses/by-sa/3.0/" in text
        assert "LeCun" in text
        assert "NIST special databases" in " ".join(text.split())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "home"


def save_small(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, x_train=np.zeros((2, 3)), y_train=[0, 1], x_test=np.ones((1, 3)), y_test=[1])


def test_mnist_from_another_file(home: Path, tmp_path: Path) -> None:
    save_small(home / "datasets" / "small.npz")
    save_small(tmp_path / "there.npz")
    for path in ("small.npz", tmp_path / "there.npz", str(tmp_path / "there.npz")):
        (x_train, y_train), (x_test, y_test) = mnist.load_data(path)
        assert (x_train.shape, x_test.shape) == ((2, 3), (1, 3))
        assert (y_train.tolist(), y_test.tolist()) == ([0, 1], [1])


def test_the_default_is_the_packaged_file_even_if_the_cache_has_one(home: Path) -> None:
    save_small(home / "datasets" / "mnist.npz")
    assert mnist.load_data(path="mnist.npz")[0][0].shape == (60000, 28, 28)


def test_mnist_errors(home: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"none\.npz', which does not exist.*path='none\.npz'"
    ):
        mnist.load_data("none.npz")
    folder = home / "datasets"
    folder.mkdir(parents=True)
    (folder / "text.npz").write_text("not a zip file")
    with pytest.raises(ValueError, match=r"expected an \.npz file. Received: '.*text\.npz'"):
        mnist.load_data("text.npz")
    np.savez(folder / "half.npz", x_train=[0], y_train=[0])
    with pytest.raises(ValueError, match=r"half\.npz' without x_test, y_test"):
        mnist.load_data("half.npz")


# --- IDX


@settings(deadline=None)
@given(hnp.arrays("uint8", hnp.array_shapes(max_dims=4, max_side=4)))
def test_idx_round_trip(array: np.ndarray) -> None:
    found = parse_idx(idx_of(array), array.shape)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.uint8
    assert found.flags.writeable


@settings(deadline=None)
@given(st.data(), hnp.arrays("uint8", hnp.array_shapes(max_dims=3, max_side=3)))
def test_idx_files_cut_short_or_too_long(data: st.DataObject, array: np.ndarray) -> None:
    content = idx_of(array)
    for bad in (content[: data.draw(st.integers(0, len(content) - 1))], content + b"\0"):
        with pytest.raises(ValueError, match="Expected an IDX"):
            parse_idx(bad, array.shape)


def test_idx_errors() -> None:
    content = idx_of(np.zeros((2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"starts with 00 00 08 02\. Received: 00 00 0d 02"):
        parse_idx(content[:2] + b"\x0d" + content[3:], (2, 3))
    with pytest.raises(ValueError, match=r"with 1 axes.*Received: 00 00 08 02"):
        parse_idx(content, (6,))
    with pytest.raises(ValueError, match=r"shape \(3, 2\). Received: shape \(2, 3\)"):
        parse_idx(content, (3, 2))
    with pytest.raises(ValueError, match=r"18 bytes\. Received: 17"):
        parse_idx(content[:-1], (2, 3))
    with pytest.raises(ValueError, match=r"head of 12 bytes\. Received: 7"):
        parse_idx(content[:7], (2, 3))
    with pytest.raises(ValueError, match="Received: an empty file"):
        parse_idx(b"", (2, 3))


# --- Fashion-MNIST

TRUE_FILES = dict(fashion_mnist._FILES)
TRUE_DEBIAN_FOLDER = fashion_mnist._DEBIAN_FOLDER
ARRAYS = {
    name: np.random.default_rng(len(name)).integers(0, 10, (shape[0] // 10000, *shape[1:]), "uint8")
    for name, (shape, _) in TRUE_FILES.items()
}
CONTENTS = {name: idx_of(array) for name, array in ARRAYS.items()}
GZ = {name: gzip.compress(content) for name, content in CONTENTS.items()}


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    return tmp_path / "debian"


@pytest.fixture
def server(home: Path, debian: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with small files, which are now the true ones; no cache, no Debian package."""
    small = {n: (a.shape, hashlib.sha256(CONTENTS[n]).hexdigest()) for n, a in ARRAYS.items()}
    with serve() as server:
        server.files.update(GZ)
        monkeypatch.setattr(fashion_mnist, "_FILES", small)
        monkeypatch.setattr(fashion_mnist, "_BASE_URL", server.url)
        monkeypatch.setattr(fashion_mnist, "_DEBIAN_FOLDER", str(debian))
        yield server


def put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def check_loaded() -> None:
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for found, true in zip((x_train, y_train, x_test, y_test), ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(found, true)
        assert found.dtype == np.uint8
        assert found.flags.writeable
    assert (x_train.shape, y_test.shape) == ((6, 28, 28), (1,))


def cache(home: Path) -> Path:
    return home / "datasets" / "fashion-mnist"


def test_fashion_is_downloaded_once_where_keras_looks(
    server: Server, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_loaded()
    assert server.requests == [f"/{name}" for name in ARRAYS]
    assert sorted(p.name for p in cache(home).iterdir()) == sorted(ARRAYS)
    assert capsys.readouterr().out.count("Downloading data from") == 4
    check_loaded()
    assert len(server.requests) == 4
    assert capsys.readouterr().out == ""


def test_fashion_packed_in_another_way_is_as_good(server: Server, home: Path) -> None:
    put(cache(home), {n: gzip.compress(c, compresslevel=0) for n, c in CONTENTS.items()})
    check_loaded()
    assert server.requests == []


def test_fashion_from_debian_then_from_the_network(
    server: Server, home: Path, debian: Path
) -> None:
    put(debian, {name: GZ[name] for name in list(GZ)[:2]})
    check_loaded()
    assert server.requests == [f"/{name}" for name in list(GZ)[2:]]
    assert sorted(p.name for p in cache(home).iterdir()) == sorted(list(GZ)[2:])


BROKEN = {
    "cut short": GZ["train-labels-idx1-ubyte.gz"][:-9],
    "not gzip": b"<html>Sign in to the network</html>",
    "bad deflate": GZ["train-labels-idx1-ubyte.gz"][:10] + b"\xff" * 20,
    "empty": b"",
    "another array": gzip.compress(idx_of(ARRAYS["train-labels-idx1-ubyte.gz"] ^ 1)),
    "another shape": gzip.compress(idx_of(np.zeros(9, np.uint8))),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_cached_file_is_fetched_again(
    server: Server, home: Path, capsys: pytest.CaptureFixture[str], broken: bytes
) -> None:
    name = "train-labels-idx1-ubyte.gz"
    put(cache(home), GZ | {name: broken})
    check_loaded()
    assert server.requests == [f"/{name}"]
    assert (cache(home) / name).read_bytes() == GZ[name]
    assert f"Not using {cache(home) / name}: Expected" in capsys.readouterr().out


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_debian_file_is_skipped(server: Server, debian: Path, broken: bytes) -> None:
    name = "train-labels-idx1-ubyte.gz"
    put(debian, GZ | {name: broken})
    check_loaded()
    assert server.requests == [f"/{name}"]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_download_is_not_kept(server: Server, home: Path, broken: bytes) -> None:
    name = "train-labels-idx1-ubyte.gz"
    server.files[name] = broken
    message = f"{server.url}{name} is not Fashion-MNIST's file; it was not kept. Expected"
    with pytest.raises(ValueError, match=message):
        fashion_mnist.load_data()
    assert [p.name for p in cache(home).iterdir()] == ["train-images-idx3-ubyte.gz"]


def test_offline_the_error_says_what_to_do(server: Server, home: Path) -> None:
    server.files.clear()
    with pytest.raises(OSError, match="fetching it failed") as caught:
        fashion_mnist.load_data()
    message = str(caught.value)
    for part in (*ARRAYS, server.url, str(cache(home)), "apt install dataset-fashion-mnist", "404"):
        assert part in message
    assert list(cache(home).iterdir()) == []


def test_a_cache_that_cannot_be_written_is_still_read_and_so_is_its_replacement(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = list(GZ)
    put(cache(home), {names[0]: GZ[names[0]]})
    fallback = tmp_path / "fallback"
    monkeypatch.setattr(fashion_mnist, "cache_folder", lambda _: str(fallback))
    for _ in range(2):
        check_loaded()
        assert server.requests == [f"/{name}" for name in names[1:]]
        assert sorted(p.name for p in fallback.iterdir()) == sorted(names[1:])


@pytest.mark.skipif(
    not Path(TRUE_DEBIAN_FOLDER).is_dir(), reason="needs Debian's package dataset-fashion-mnist"
)
def test_the_true_fashion_mnist(home: Path) -> None:
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    assert round(x_train.mean() / 255, 4) == 0.286
    assert not home.exists()


# --- The datasets that are fetched from where Keras fetches them: small files for the true ones

FILES = small_datasets.files()
FETCHED = datasets.__all__[2:]


@pytest.fixture
def fetched(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with small files, which are now the true ones."""
    with serve() as server:
        server.files.update(FILES)
        for module in (getattr(datasets, name) for name in FETCHED):
            for constant in ("_DATA", "_WORDS"):
                if hasattr(module, constant):
                    name = posixpath.basename(getattr(module, constant)[0])
                    algorithm = "md5" if constant == "_WORDS" else "sha256"
                    digest = hashlib.new(algorithm, FILES[name]).hexdigest()
                    monkeypatch.setattr(module, constant, (server.url + name, digest))
        yield server


# Each loader, with the name of its file on the server and in the cache.
LOADERS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "imdb": (imdb.load_data, "imdb.npz", "imdb.npz"),
    "imdb words": (imdb.get_word_index, "imdb_word_index.json", "imdb_word_index.json"),
    "reuters": (reuters.load_data, "reuters.npz", "reuters.npz"),
    "reuters words": (reuters.get_word_index, "reuters_word_index.json", "reuters_word_index.json"),
    "boston": (datasets.boston_housing.load_data, "boston_housing.npz", "boston_housing.npz"),
    "california": (
        *(datasets.california_housing.load_data, "california_housing.npz"),
        "california_housing.npz",
    ),
    "cifar10": (
        *(cifar10.load_data, "cifar-10-python.tar.gz"),
        "cifar-10-batches-py-target_archive",
    ),
    "cifar100": (
        *(datasets.cifar100.load_data, "cifar-100-python.tar.gz"),
        "cifar-100-python-target_archive",
    ),
}
all_loaders = pytest.mark.parametrize(("load", "name", "kept"), LOADERS.values(), ids=LOADERS)


def names_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@all_loaders
def test_each_is_downloaded_once_and_checked_at_each_use(
    fetched: Server, home: Path, load: Callable[[], Any], name: str, kept: str
) -> None:
    first = load()
    file = home / "datasets" / kept
    assert file.read_bytes() == FILES[name]
    again = load()
    np.testing.assert_equal(again, first)
    assert fetched.requests == [f"/{name}"]
    file.write_bytes(FILES[name][:-1])
    np.testing.assert_equal(load(), first)
    assert fetched.requests == [f"/{name}"] * 2
    assert file.read_bytes() == FILES[name]


@all_loaders
def test_offline_the_error_says_where_to_put_the_file(
    fetched: Server, home: Path, load: Callable[[], Any], name: str, kept: str
) -> None:
    fetched.files.clear()
    with pytest.raises(OSError, match="The file is not on this machine") as caught:
        load()
    for part in ("404", f"{fetched.url}{name}", str(home / "datasets"), f"the name {kept}."):
        assert part in str(caught.value)
    assert list((home / "datasets").iterdir()) == []


def test_without_a_server(fetched: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 9 is where nobody listens.
    monkeypatch.setattr(imdb, "_DATA", ("http://127.0.0.1:9/imdb.npz", "0" * 64))
    with pytest.raises(OSError, match=r"Check the network connection.*Without a network: put"):
        imdb.load_data()
    assert list((home / "datasets").iterdir()) == []


@all_loaders
def test_another_file_is_not_kept(
    fetched: Server, home: Path, load: Callable[[], Any], name: str, kept: str
) -> None:
    fetched.files[name] = b"<html>Sign in to the network</html>"
    with pytest.raises(ValueError, match=f"{name} is incomplete or corrupted.*not kept"):
        load()
    assert list((home / "datasets").iterdir()) == []


@all_loaders
@pytest.mark.parametrize("announced", [True, False])
def test_a_file_cut_short_is_not_kept(
    fetched: Server,
    home: Path,
    load: Callable[[], Any],
    name: str,
    kept: str,
    announced: bool,
) -> None:
    content = FILES[name]
    fetched.files[name] = Answer(content[:-9], len(content) if announced else None)
    with pytest.raises(OSError if announced else ValueError):
        load()
    assert list((home / "datasets").iterdir()) == []


def test_an_archive_that_is_damaged_leaves_no_images(
    fetched: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the damaged archive were the published one.
    content = FILES["cifar-10-python.tar.gz"][:-2000]
    fetched.files["cifar-10-python.tar.gz"] = content
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(cifar10, "_DATA", (cifar10._DATA[0], digest))
    with pytest.raises(ValueError, match="expected an intact and harmless tar archive"):
        cifar10.load_data()
    assert names_in(home / "datasets") == ["cifar-10-batches-py-target_archive"]


def test_imdb_as_keras_loads_it(fetched: Server) -> None:
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=30, skip_top=5, maxlen=6)
    assert x_train[:3].tolist() == [[2, 15, 9], [2, 12, 2, 2, 2], [2, 11, 23, 22]]
    assert x_test[:2].tolist() == [[2, 2, 2, 2], [2, 28]]
    assert y_train.tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert y_test.tolist() == [0, 0, 1, 1, 1, 0]
    assert (x_train.shape, x_train.dtype, y_train.dtype) == ((9,), object, np.int64)
    assert imdb.get_word_index() == {"the": 1, "naïve": 2}


def test_reuters_as_keras_loads_it(fetched: Server) -> None:
    (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=40)
    assert x_train[0] == [1, 9, 2, 26, 2, 9, 22, 31, 33, 28, 2, 37, 32]
    assert x_test[0] == [1, 10, 13, 34, 18, 6, 2, 2]
    assert y_train[:6].tolist() == [29, 20, 18, 0, 19, 43]
    assert y_test.tolist() == [16, 4, 35, 20, 33]
    assert (len(x_train), len(x_test)) == (20, 5)
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46
    assert reuters.get_word_index() == {"oil": 2, "mln": 1}


def test_the_first_rows_of_the_tables_as_keras_loads_them(fetched: Server) -> None:
    (x, y), (rest, last) = datasets.boston_housing.load_data()
    assert (x.shape, rest.shape, x.dtype) == ((18, 13), (5, 13), np.float64)
    assert y[:3].round(4).tolist() == [53.718, 37.7942, 66.0498]
    assert last.round(4).tolist() == [58.887, 54.9154, 53.3615, 55.4187, 53.283]
    np.testing.assert_array_equal(x.sum(axis=1), y)
    (x, y), (rest, last) = datasets.california_housing.load_data("small")
    assert (x.shape, rest.shape, x.dtype) == ((480, 8), (120, 8), np.float32)
    assert y[:2].tolist() == [33.819908142089844, 36.47854232788086]
    assert last[0] == 38.48550796508789
    (x, _), (rest, _) = datasets.california_housing.load_data(test_split=0)
    assert (len(x), len(rest)) == (700, 0)


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar_images(fetched: Server, layout: str) -> None:
    scratchnn.config.set_image_data_format(layout)
    (x, y), (x_test, y_test) = cifar10.load_data()
    image = (32, 32, 3) if layout == "channels_last" else (3, 32, 32)
    assert (x.shape, y.shape) == ((5, *image), (5, 1))
    assert (x_test.shape, y_test.shape) == ((4, *image), (4, 1))
    assert {a.dtype.name for a in (x, y, x_test, y_test)} == {"uint8"}
    assert x.flags.c_contiguous
    (x, fine), _ = datasets.cifar100.load_data()
    (_, coarse), (_, y_test) = datasets.cifar100.load_data(label_mode="coarse")
    assert (x.shape, fine.shape, coarse.shape, y_test.shape) == ((5, *image), *[(5, 1)] * 2, (3, 1))
    assert (x.dtype, fine.dtype, coarse.dtype) == (np.uint8, np.int64, np.int64)
    assert fine.max() > coarse.max()


def test_a_cifar_image_has_its_pixels_where_they_belong(fetched: Server, home: Path) -> None:
    (x, y), _ = cifar10.load_data()
    folder = home / "datasets" / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    with open(folder / "data_batch_3", "rb") as file:
        batch = load_pickle(file, encoding="bytes")
    # Red, then green, then blue; each row by row.
    row = batch[b"data"][0]
    assert x[2, 4, 7].tolist() == [row[4 * 32 + 7 + 1024 * channel] for channel in range(3)]
    assert y[2].tolist() == batch[b"labels"]


def test_errors_in_the_arguments(fetched: Server) -> None:
    with pytest.raises(ValueError, match=r"label_mode must be 'fine' or 'coarse'.*'both'"):
        datasets.cifar100.load_data("both")
    with pytest.raises(ValueError, match=r"version must be 'small' or 'large'.*'medium'"):
        datasets.california_housing.load_data("medium")
    for load in (datasets.boston_housing.load_data, datasets.california_housing.load_data):
        for split in (1, -0.1, np.nan):
            with pytest.raises(ValueError, match=f"1 excluded.*test_split={split}"):
                load(test_split=split)
    with pytest.raises(ValueError, match=r"from 0 to 1\. Received: test_split=1\.5"):
        reuters.load_data(test_split=1.5)
    assert fetched.requests == []
    for module in (imdb, reuters):
        with pytest.raises(ValueError, match=r"more than 2, the length.*maxlen=2\."):
            module.load_data(maxlen=2)
        with pytest.raises(ValueError, match="a name without a folder"):
            module.load_data(path="folder/file.npz")


# --- Pickles


def test_old_and_new_pickles_of_arrays() -> None:
    array = np.arange(6, dtype="int16").reshape(2, 3)
    data = {"data": array, "labels": [1, 2], "name": "a"}
    found = load_pickle(io.BytesIO(small_datasets.python2_pickle(data)), encoding="bytes")
    assert list(found) == [b"data", b"labels", b"name"]
    np.testing.assert_array_equal(found[b"data"], array, strict=True)
    assert (found[b"labels"], found[b"name"]) == ([1, 2], b"a")
    for protocol in (3, 4):
        new = load_pickle(io.BytesIO(pickle.dumps([array.copy("F"), "é"], protocol)))
        np.testing.assert_array_equal(new[0], array, strict=True)
        assert new[1] == "é"


class Malicious:
    """What makes a pickle run a function of your choice."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_pickle_is_run(tmp_path: Path, protocol: int) -> None:
    file = tmp_path / "made"
    for function, arguments in (
        (open, (str(file), "w")),
        (eval, (f"open({str(file)!r}, 'w')",)),
        (getattr, ("", "join")),
        (np.save, (str(file), 1)),
        (Path, (str(file),)),
    ):
        content = pickle.dumps([Malicious(function, *arguments)], protocol)
        with pytest.raises(pickle.UnpicklingError, match="which is not run"):
            load_pickle(io.BytesIO(content))
    assert not file.exists()


def test_nothing_in_an_npz_file_is_run(tmp_path: Path) -> None:
    made, file = tmp_path / "made", tmp_path / "file.npz"
    objects = np.empty(2, object)
    objects[:] = [[1, 2], Malicious(open, str(made), "w")]
    np.savez(file, x=objects, y=[0, 1])
    with pytest.raises(pickle.UnpicklingError, match=r"uses \w+\.open, which is not"):
        load_npz(str(file))
    assert not made.exists()


def test_npz_files_that_numpy_writes(tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    objects = np.empty(2, object)
    objects[:] = [[1, 2], [3]]
    unicode = np.zeros(2, [("☃", "i4")])  # which makes it version 3.0
    arrays = {"x": objects, "y": np.array([1.5, 2]), "unicode": unicode}
    with pytest.warns(UserWarning, match="Stored array in format 3.0"):
        np.savez(file, **arrays)
    found = load_npz(str(file))
    assert list(found) == list(arrays)
    assert found["x"].tolist() == [[1, 2], [3]]
    np.testing.assert_array_equal(found["y"], arrays["y"], strict=True)
    assert found["unicode"].dtype == unicode.dtype
