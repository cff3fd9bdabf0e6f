"""get_file and download against a server on this machine; helpers for data, images, configs."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from local_server import Answer, Server, serve

from scratchnn import config, preprocessing, utils
from scratchnn.arrays import Tensor, as_tensor
from scratchnn.utils import files, get_file, normalize, to_categorical

BODY = bytes(range(256)) * 1000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's folder, not made yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    with serve() as server:
        server.files["data.bin"] = BODY
        yield server


def tree(folder: Path) -> list[str]:
    """Return all files below a folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


# --- get_file: download and cache


def test_a_file_is_downloaded_once(server: Server, home: Path) -> None:
    path = get_file("mine.bin", server.url + "data.bin")
    assert path == str(home / "datasets" / "mine.bin")
    assert Path(path).read_bytes() == BODY
    assert get_file("mine.bin", server.url + "data.bin") == path
    assert server.requests == ["/data.bin"]
    assert tree(home) == ["datasets/mine.bin"]


def test_the_name_comes_from_the_url(server: Server, home: Path) -> None:
    path = get_file(origin=server.url + "data.bin?version=2#top", cache_subdir="a/b")
    assert path == str(home / "a" / "b" / "data.bin")


def test_fname_and_cache_dir_may_be_paths(server: Server, tmp_path: Path) -> None:
    path = get_file(Path("x"), server.url + "data.bin", cache_dir=tmp_path / "other")
    assert path == str(tmp_path / "other" / "datasets" / "x")


def test_cache_subdir_may_be_absolute(server: Server, tmp_path: Path) -> None:
    path = get_file("x", server.url + "data.bin", cache_subdir=str(tmp_path / "there"))
    assert path == str(tmp_path / "there" / "x")


def test_force_download_asks_again(server: Server) -> None:
    get_file("x", server.url + "data.bin")
    server.files["data.bin"] = b"new"
    assert Path(get_file("x", server.url + "data.bin", force_download=True)).read_bytes() == b"new"


def test_a_body_of_unknown_length(server: Server) -> None:
    server.files["data.bin"] = Answer(BODY, None)
    assert Path(get_file("x", server.url + "data.bin")).read_bytes() == BODY


def test_an_empty_file(server: Server) -> None:
    server.files["empty"] = b""
    assert Path(get_file("x", server.url + "empty")).read_bytes() == b""


def test_a_local_url(tmp_path: Path, home: Path) -> None:
    (tmp_path / "here").write_bytes(BODY)
    assert Path(get_file(origin=(tmp_path / "here").as_uri())).read_bytes() == BODY


def test_progress_is_one_line_where_no_terminal_is(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    get_file("x", server.url + "data.bin")
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Downloading data from {server.url}data.bin"
    assert second.startswith(f"{len(BODY)}/{len(BODY)} ━")


def test_download_without_any_stdout(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert Path(get_file("x", server.url + "data.bin")).read_bytes() == BODY


def test_files_get_the_usual_permissions(server: Server, home: Path) -> None:
    home.mkdir()
    (home / "usual").write_bytes(b"")
    path = get_file("x", server.url + "data.bin")
    assert os.stat(path).st_mode == os.stat(home / "usual").st_mode


# --- get_file: hashes


@pytest.mark.parametrize(
    "hashes",
    [
        {"file_hash": sha256(BODY)},
        {"file_hash": sha256(BODY).upper()},
        {"file_hash": md5(BODY)},
        {"md5_hash": md5(BODY)},
        {"file_hash": sha256(BODY), "hash_algorithm": "sha256"},
        {"file_hash": md5(BODY), "hash_algorithm": "md5"},
        {"file_hash": sha256(BODY), "md5_hash": "ignored when file_hash is given"},
    ],
)
def test_good_hashes(server: Server, hashes: dict[str, str]) -> None:
    for _ in range(2):
        path = get_file("x", server.url + "data.bin", **hashes)  # type: ignore[arg-type]
        assert Path(path).read_bytes() == BODY
    assert len(server.requests) == 1


@pytest.mark.parametrize("right", [sha256(BODY), md5(BODY)])
def test_a_download_with_another_hash_is_not_kept(server: Server, home: Path, right: str) -> None:
    server.files["data.bin"] = BODY + b"!"
    with pytest.raises(ValueError, match=rf"data\.bin is incomplete or corrupted.*{right}"):
        get_file("x", server.url + "data.bin", file_hash=right)
    assert tree(home) == []


def test_a_corrupt_cached_file_is_fetched_again(
    server: Server, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "x").write_bytes(BODY[:-1])
    path = get_file("x", server.url + "data.bin", file_hash=sha256(BODY))
    assert Path(path).read_bytes() == BODY
    assert "incomplete or outdated" in capsys.readouterr().out
    assert tree(home) == ["datasets/x"]


def test_a_failed_download_leaves_the_cached_file(server: Server, home: Path) -> None:
    get_file("x", server.url + "data.bin")
    with pytest.raises(OSError, match="404"):
        get_file("x", server.url + "gone", force_download=True)
    assert (home / "datasets" / "x").read_bytes() == BODY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hash_algorithm": "sha1"}, "hash_algorithm must be .* Received: 'sha1'"),
        ({"file_hash": "abc"}, "64 hexadecimal digits for sha256, 32 for md5. Received: 'abc'"),
        ({"file_hash": "0" * 64, "hash_algorithm": "md5"}, "hash_algorithm='md5'"),
        ({"md5_hash": "0" * 64}, "hash_algorithm='md5'"),
        ({"origin": None}, "expected origin, the URL of the file. Received: None"),
        ({"fname": "a/b"}, "name without a folder.*Received: fname='a/b'"),
        ({"fname": ".."}, "name without a folder"),
        ({"fname": None, "origin": "http://127.0.0.1/"}, "origin='http://127.0.0.1/'"),
        ({"origin": "no-url"}, "unknown url type"),
        ({"extract": True, "archive_format": None}, "archive_format must be .* Received: None"),
        ({"extract": True, "archive_format": "rar"}, "Received: 'rar'"),
        ({"extract": True, "archive_format": ["tar", "7z"]}, "Received:.*7z"),
    ],
)
def test_bad_arguments(
    server: Server, home: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        get_file(**({"fname": "x", "origin": server.url + "data.bin"} | arguments))  # type: ignore[arg-type]
    assert server.requests == []
    assert tree(home) == []


# --- get_file: what can go wrong on the way


def test_404(server: Server, home: Path) -> None:
    with pytest.raises(OSError, match=r"/gone: the server answered 404 Not Found"):
        get_file("x", server.url + "gone")
    assert tree(home) == []


def test_a_truncated_body(server: Server, home: Path) -> None:
    n = len(BODY)
    server.files["data.bin"] = Answer(BODY, n + 1)
    with pytest.raises(OSError, match=rf"expected {n + 1} bytes\. Received: {n}\.|IncompleteRead"):
        get_file("x", server.url + "data.bin")
    assert tree(home) == []


def test_no_network(home: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}/data.bin"
        with pytest.raises(OSError, match=f"Could not download {origin}: .*Check the network"):
            get_file("x", origin)
    assert tree(home) == []


def test_a_server_that_falls_silent(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_TIMEOUT", 0.2)
    server.files["data.bin"] = Answer(BODY, 2 * len(BODY), hang=True)
    with pytest.raises(OSError, match="timed out"):
        get_file("x", server.url + "data.bin")
    assert tree(home) == []


def test_an_interrupted_download_leaves_nothing(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def interrupt(*_: object, **__: object) -> None:
        seen.append(tree(home))
        raise KeyboardInterrupt

    monkeypatch.setattr(files.Progbar, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get_file("x", server.url + "data.bin")
    assert len(seen[0]) == 1
    assert seen[0][0].endswith(".part")
    assert tree(home) == []


def test_a_full_disk_is_not_called_a_network_error(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        get_file("x", server.url + "data.bin")
    assert tree(home) == []


# --- the folder


def test_keras_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert files.keras_home() == str(tmp_path / ".keras")
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert files.keras_home() == str(tmp_path / "elsewhere")
    assert files.cache_folder() == str(tmp_path / "elsewhere" / "datasets")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_home_falls_back_to_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file" / "home"))
    folder = Path(files.cache_folder("sub"))
    assert folder.parts[-2:] == (".keras", "sub")
    assert folder.parent.parent.is_dir()
    assert files.cache_folder(cache_dir=tmp_path / "new") == str(tmp_path / "new" / "datasets")


# --- archives


def tar_of(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


MEMBERS = {"a.txt": b"a", "sub/b.txt": b"b"}


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        (tar_of(MEMBERS), {"extract": True}),
        (tar_of(MEMBERS), {"untar": True}),
        (tar_of(MEMBERS), {"extract": True, "archive_format": "tar"}),
        (tar_of(MEMBERS, "w"), {"extract": True}),
        (tar_of(MEMBERS, "w:bz2"), {"extract": True}),
        (zip_of(MEMBERS), {"extract": True}),
        (zip_of(MEMBERS), {"extract": True, "archive_format": ["tar", "zip"]}),
    ],
)
@pytest.mark.parametrize(
    ("fname", "archive", "folder"),
    [
        ("data.tar.gz", "data.tar.gz", "data_extracted"),
        ("data", "data_archive", "data"),
        (None, "it.tgz_archive", "it.tgz"),
    ],
)
def test_extract(
    server: Server,
    home: Path,
    content: bytes,
    arguments: dict[str, object],
    fname: str | None,
    archive: str,
    folder: str,
) -> None:
    server.files["it.tgz"] = content
    for _ in range(2):
        path = get_file(fname, server.url + "it.tgz", **arguments)  # type: ignore[arg-type]
        assert path == str(home / "datasets" / folder)
        assert tree(home / "datasets") == sorted(
            [archive, f"{folder}/a.txt", f"{folder}/sub/b.txt"]
        )
        assert Path(path, "sub", "b.txt").read_bytes() == b"b"
        Path(path, "a.txt").unlink()
    assert len(server.requests) == 1


def test_extracting_keeps_other_files(server: Server, home: Path) -> None:
    server.files["it"] = zip_of(MEMBERS)
    mine = home / "datasets" / "it" / "sub" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    (mine.parent / "b.txt").write_bytes(b"old")
    get_file(origin=server.url + "it", extract=True)
    assert mine.read_bytes() == b"mine"
    assert (mine.parent / "b.txt").read_bytes() == b"b"


def test_links_inside_a_tar_archive(server: Server) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("sub")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "sub"
        archive.addfile(link)
    server.files["it.tar"] = buffer.getvalue()
    for _ in range(2):
        path = get_file(origin=server.url + "it.tar", extract=True)
        assert os.readlink(os.path.join(path, "link")) == "sub"


def link_to(target: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, target
        archive.addfile(link)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        tar_of({"ok": b"", "../evil": b"!"}),
        tar_of({"ok": b"", "sub/../../evil": b"!"}),
        link_to("../../.."),
        link_to("/etc"),
        zip_of({"ok": b"", "../evil": b"!"}),
        zip_of({"ok": b"", "sub/../../evil": b"!"}),
        zip_of({"ok": b"", "..\\evil": b"!"}),
        zip_of({"ok": b"", "/evil": b"!"}),
        zip_of({"ok": b"", "C:\\evil": b"!"}),
    ],
)
def test_an_archive_that_would_write_outside_its_folder(
    server: Server, home: Path, content: bytes
) -> None:
    server.files["it"] = content
    with pytest.raises(ValueError, match=r"expected an intact and harmless .* archive"):
        get_file(origin=server.url + "it", extract=True)
    assert tree(home.parent) == ["home/datasets/it_archive"]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"neither", {}, "expected a tar or zip archive"),
        (zip_of(MEMBERS), {"archive_format": "tar"}, "expected a tar archive"),
        (zip_of(MEMBERS), {"untar": True}, "expected a tar archive"),
        (tar_of({"a": os.urandom(5000)})[:-100], {}, "intact and harmless tar archive"),
        (zip_of({"a": b"1" * 50}).replace(b"1" * 50, b"2" * 50), {}, "harmless zip archive.*CRC"),
    ],
)
def test_a_broken_archive(
    server: Server, home: Path, content: bytes, arguments: dict[str, object], message: str
) -> None:
    server.files["it"] = content
    with pytest.raises(ValueError, match=message):
        get_file(origin=server.url + "it", extract=True, **arguments)  # type: ignore[arg-type]
    assert tree(home) == ["datasets/it_archive"]


# --- to_categorical


@settings(deadline=None)
@given(
    st.data(),
    st.integers(1, 7),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    st.sampled_from(["uint8", "int32", "int64", "float32", "float64"]),
)
def test_one_hot_rows_give_the_labels_back(
    data: st.DataObject, classes: int, shape: tuple[int, ...], dtype: str
) -> None:
    labels = data.draw(hnp.arrays("int64", shape, elements=st.integers(0, classes - 1)))
    y = to_categorical(labels.astype(dtype), classes)
    kept = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
    assert y.shape == (*kept, classes)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.argmax(-1), labels.reshape(kept))
    np.testing.assert_array_equal(y.sum(-1), np.ones(kept))
    assert set(np.unique(y)) <= {0.0, 1.0}


@settings(deadline=None)
@given(st.integers(1, 7).flatmap(lambda c: st.tuples(st.just(c), st.integers(-c, -1))))
def test_negative_labels_count_from_the_last_class(case: tuple[int, int]) -> None:
    classes, label = case
    np.testing.assert_array_equal(
        to_categorical([label], classes), to_categorical([label + classes], classes)
    )


@settings(deadline=None)
@given(hnp.arrays("int64", st.integers(1, 9), elements=st.integers(0, 9)))
def test_num_classes_is_inferred(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(to_categorical(labels), to_categorical(labels, labels.max() + 1))


def test_a_tensor_is_an_array() -> None:
    assert type(to_categorical(as_tensor(np.array([0, 1])))) is np.ndarray


@pytest.mark.parametrize(
    ("labels", "classes", "error", "message"),
    [
        (
            [0, 3],
            3,
            IndexError,
            r"labels from 0 to 2 \(num_classes=3\). Received: 3 at position 1.*at least 4",
        ),
        ([[0], [-4]], 3, IndexError, "Received: -4 at position 1.*Missing labels"),
        ([-1, -2], None, IndexError, "cannot be inferred when every label is negative"),
        ([], None, ValueError, "at least one label.*Pass num_classes"),
        ([0], -1, ValueError, "must not be negative. Received: -1"),
        ([0], 2.0, TypeError, "must be an integer or None. Received: 2.0"),
        ([0], "2", TypeError, "must be an integer or None. Received: '2'"),
        (np.array([0, np.nan]), 3, ValueError, "expected finite labels"),
        (np.array([0, np.inf]), None, ValueError, "expected finite labels"),
        (["cat"], None, ValueError, "cat"),
    ],
)
def test_labels_that_have_no_class(
    labels: object, classes: int | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        to_categorical(labels, classes)  # type: ignore[arg-type]


# --- normalize

MATRICES = hnp.arrays(
    "float64",
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5),
    elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 3)),
)


@settings(deadline=None)
@given(MATRICES, st.sampled_from([-1, -2, 1]), st.sampled_from([1, 2, 3, np.inf]))
def test_norms_become_one_and_zeros_stay(x: np.ndarray, axis: int, order: float) -> None:
    before = x.copy()
    y = normalize(x, axis, order)
    zero = ~x.any(axis=axis)
    assert y.shape == x.shape
    np.testing.assert_allclose(
        np.linalg.norm(y, order, axis), np.where(zero, 0.0, 1.0), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(np.sign(y), np.sign(x))
    np.testing.assert_array_equal(x, before)


@settings(deadline=None)
@given(MATRICES, st.integers(1, 3))
def test_lists_and_arrays_agree_in_float32(x: np.ndarray, order: int) -> None:
    y = normalize(x.tolist(), -1, order)
    assert isinstance(y, Tensor)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, normalize(x.astype("float32"), -1, order), rtol=1e-5, atol=1e-6)


def test_normalize_dtypes_and_shapes() -> None:
    assert normalize(np.array([[3, 4]])).dtype == np.float64
    assert normalize(np.array([[3, 4]], "float32")).dtype == np.float32
    assert normalize(np.array([3.0, 4.0])).shape == (1, 2)
    assert normalize([3, 4]).dtype == np.float32
    assert normalize([3, 4]).shape == (2,)
    assert normalize(as_tensor(np.array([3, 4]))).dtype == np.float32
    assert normalize(as_tensor(np.ones((2, 2)))).dtype == np.float64
    assert normalize(2.0).shape == (1,)


def test_small_norms_of_lists_count_as_epsilon() -> None:
    np.testing.assert_allclose(normalize([[1e-9, 0.0]]), [[0.01, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(normalize([[1e-9, 0.0]], order=1), [[0.01, 0.0]], rtol=1e-6)
    epsilon = config.epsilon()
    try:
        config.set_epsilon(1e-8)
        np.testing.assert_allclose(normalize([[1e-9, 0.0]]), [[0.1, 0.0]], rtol=1e-6)
    finally:
        config.set_epsilon(epsilon)


def test_axis_0_warns_where_keras_divides_by_the_wrong_norms() -> None:
    with pytest.warns(UserWarning, match=r"with axis=0 Keras takes the 3 norms.*use axis=-2"):
        normalize(np.eye(3), axis=0)
    with pytest.raises(ValueError, match=r"use axis=-2. Received: x of shape \(2, 3\)"):
        normalize(np.ones((2, 3)), axis=0)
    np.testing.assert_array_equal(normalize(np.array([3.0, 4.0]), axis=0), [[0.6, 0.8]])
    np.testing.assert_array_equal(normalize(np.array([[3.0], [4.0]]), axis=0), [[0.6], [0.8]])


@pytest.mark.parametrize("order", [0, -1, 0.5, 2.0, None, "fro"])
def test_orders_that_lists_do_not_have(order: object) -> None:
    with pytest.raises(ValueError, match=r"order must be an integer of at least 1\. Received"):
        normalize([[3.0, 4.0]], order=order)


# --- imports


def test_importing_does_not_load_the_network_stack() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules)\n"
        "import scratchnn.utils, scratchnn.datasets\n"
        "heavy = {'urllib.request', 'http.client', 'tarfile', 'zipfile', 'gzip', 'shutil',\n"
        "         'hashlib', 'tempfile', 'ssl'}\n"
        "print(*sorted(heavy & set(sys.modules) - before))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "\n"


# --- pad_sequences

SEQUENCES = [[1], [2, 3, 4], [], [5, 6]]


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ({}, [[0, 0, 1], [2, 3, 4], [0, 0, 0], [0, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 4], [0, 0, 0], [5, 6, 0]]),
        ({"maxlen": 2}, [[0, 1], [3, 4], [0, 0], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [0, 0], [5, 6]]),
        ({"maxlen": 0}, [[], [], [], []]),
        ({"value": -1, "maxlen": 1}, [[1], [4], [-1], [6]]),
    ],
)
def test_pad_sequences(arguments: dict[str, Any], rows: list[list[int]]) -> None:
    found = utils.pad_sequences(SEQUENCES, **arguments)
    assert found.dtype == np.int32
    assert found.tolist() == rows
    assert preprocessing.sequence.pad_sequences is utils.pad_sequences


def test_pad_sequences_of_vectors_and_strings() -> None:
    found = utils.pad_sequences([[[1.5, 2]], [[3, 4], [5, 6]]], dtype="float32")
    assert found.shape == (2, 2, 2)
    assert found.dtype == np.float32
    assert found[0].tolist() == [[0, 0], [1.5, 2]]
    words = utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="-")
    assert words.tolist() == [["-", "a"], ["b", "c"]]
    assert utils.pad_sequences([]).shape == (0, 0)
    assert utils.pad_sequences(np.arange(6).reshape(2, 3), maxlen=2).tolist() == [[1, 2], [4, 5]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": [1, 2]}, "a list of sequences"),
        ({"sequences": 3}, "a list of sequences. Received: 3"),
        ({"sequences": [[1]], "padding": "left"}, "padding must be 'pre' or 'post'"),
        ({"sequences": [[1]], "truncating": "left"}, "truncating must be 'pre' or 'post'"),
        ({"sequences": [[[1, 2]], [[1]]]}, r"shape \(2,\). Received: \(1,\) in sequence 1"),
        ({"sequences": [[1]], "value": "-"}, "needs dtype=object"),
    ],
)
def test_pad_sequences_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(**arguments)


# --- batches


def test_pack_and_unpack() -> None:
    for batch in ((1, 2, 3), (1, 2), 1):
        parts = utils.unpack_x_y_sample_weight(batch)
        assert len(parts) == 3
        assert utils.pack_x_y_sample_weight(*parts) == batch
    assert utils.unpack_x_y_sample_weight([1]) == (1, None, None)
    assert utils.pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    with pytest.raises(ValueError, match=r"must be x, .*Received: 4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


# --- Config


def test_config_container() -> None:
    values = utils.Config(rate=0.5, layers=[1])
    values.seed = 3
    values["name"] = "net"
    assert (values["seed"], values.name, len(values), "rate" in values) == (3, "net", 4, True)
    assert values.get("none", 7) == 7
    assert list(values) == ["layers", "name", "rate", "seed"]
    assert values.pop("name") == "net"
    values.update(seed=4)
    del values["layers"]
    assert values.as_dict() == dict(values.items()) == {"rate": 0.5, "seed": 4}
    assert repr(values) == "<Config {'rate': 0.5, 'seed': 4}>"
    assert list(values.keys()) == ["rate", "seed"]
    assert list(values.values()) == [0.5, 4]
    assert values.to_json() == '{"rate": 0.5, "seed": 4}'
    with pytest.raises(AttributeError, match=r"'seeds'. Did you mean 'seed'"):
        values.seeds  # noqa: B018


def test_a_frozen_config() -> None:
    values = utils.Config(a=1)
    assert not values.frozen
    values.freeze()
    assert values.frozen

    def delete() -> None:
        del values["a"]

    changes = [lambda: setattr(values, "a", 2), lambda: values.update(a=2), lambda: values.pop("a")]
    for change in (*changes, delete, lambda: values.__setitem__("b", 1)):
        with pytest.raises(ValueError, match="frozen Config"):
            change()
    values.unfreeze()
    values.a = 2
    assert values.a == 2


# --- images

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype("uint8")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pytest.importorskip("PIL")
    utils.save_img(tmp_path / "picture.png", PIXELS, scale=False)
    return tmp_path / "picture.png"


def test_images_through_a_file(picture: Path) -> None:
    image = utils.load_img(picture)
    array = utils.img_to_array(image)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, PIXELS)
    with picture.open("rb") as file:
        np.testing.assert_array_equal(utils.img_to_array(utils.load_img(file)), PIXELS)
    first = utils.img_to_array(image, "channels_first", "float64")
    assert first.dtype == np.float64
    np.testing.assert_array_equal(first, PIXELS.transpose(2, 0, 1))
    np.testing.assert_array_equal(
        utils.img_to_array(utils.array_to_img(first, "channels_first", scale=False)), PIXELS
    )


def test_colour_modes_and_sizes(picture: Path) -> None:
    gray = utils.load_img(str(picture), color_mode="grayscale", target_size=(4, 5))
    assert utils.img_to_array(gray).shape == (4, 5, 1)
    assert utils.img_to_array(gray, "channels_first").shape == (1, 4, 5)
    rgba = utils.load_img(picture, color_mode="rgba", target_size=(12, 12), keep_aspect_ratio=True)
    assert utils.img_to_array(rgba).shape == (12, 12, 4)
    # Twice the middle 6 x 6 pixels, each as four.
    np.testing.assert_array_equal(utils.img_to_array(rgba)[::2, ::2, :3], PIXELS[:, 1:7])


def test_scaling_and_formats(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    image = utils.array_to_img(np.array([[[0.5], [1.0]], [[0.75], [0.5]]]))
    assert utils.img_to_array(image)[..., 0].tolist() == [[0, 255], [127, 0]]
    assert utils.array_to_img(np.full((2, 2, 1), 3.0)).getpixel((0, 0)) == 0
    assert utils.array_to_img(np.full((2, 2, 1), 999), scale=False).mode == "I"
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        utils.save_img(tmp_path / "a.jpg", np.zeros((2, 2, 4)))
    buffer = io.BytesIO()
    utils.save_img(buffer, PIXELS, file_format="PNG", scale=False)
    buffer.seek(0)
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(buffer)), PIXELS)


def test_image_errors(picture: Path) -> None:
    for arguments, message in (
        ({"color_mode": "cmyk"}, "color_mode must be one of"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            utils.load_img(picture, **arguments)
    with pytest.raises(ValueError, match=r"\(H, W\) or \(H, W, C\). Received: \(3,\)"):
        utils.img_to_array([1, 2, 3])
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        utils.array_to_img(np.zeros((2, 2, 2)))


def test_pillow_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        utils.array_to_img(PIXELS)


# --- names


@pytest.mark.parametrize(
    "module", [utils, preprocessing, preprocessing.image, preprocessing.sequence]
)
def test_names(module: Any) -> None:
    for name in module.__all__:
        assert getattr(module, name).__doc__
    for name, reason in module.MISSING.items():
        assert len(reason) > 20
        with pytest.raises(NotImplementedError, match=f"{name} is not supported, because"):
            getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        module.nothing  # noqa: B018
