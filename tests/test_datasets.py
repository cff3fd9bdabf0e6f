"""MNIST, which is in the package, and Fashion-MNIST, from small files made here."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from local_server import Server, serve

from scratchnn.datasets import fashion_mnist, mnist
from scratchnn.datasets.idx import parse_idx


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
