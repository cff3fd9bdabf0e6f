"""to_categorical, normalize and get_file give what Keras's give."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from scratchnn import utils
from scratchnn.arrays import as_tensor

RNG = np.random.default_rng(7)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected, strict=True)


# --- to_categorical


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 2, 1], None),
        ([0, 2, 1], 5),
        ([0, 2, 1], 0),
        ([0, 1], np.int32(3)),
        ([0.9, 1.7], None),
        ([0, -1], 3),
        (2, None),
        ([2], None),
        ([[2]], None),
        ([[0], [1], [2]], None),
        ([[0, 1, 2], [2, 1, 0]], 4),
        (np.zeros((2, 3, 1)), 2),
        ([], 3),
        (np.zeros((0, 1)), 3),
        ([True, False], None),
        (["1", "0"], None),
        (RNG.integers(0, 10, 50).astype("uint8"), 10),
        (RNG.integers(0, 10, (4, 5)).astype("int16"), None),
        (RNG.uniform(0, 9, (4, 5, 1)).astype("float32"), 10),
    ],
)
def test_to_categorical(labels: object, classes: int | None) -> None:
    same(utils.to_categorical(labels, classes), keras.utils.to_categorical(labels, classes))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 3], 3),
        ([0, -4], 3),
        ([-1], None),
        ([], None),
        ([0], 2.0),
        ([0], "2"),
        ([0], -1),
        (["a"], None),
        ([np.nan], 2),
        (None, None),
        ([[1], [1, 2]], None),
    ],
)
def test_to_categorical_errors(labels: object, classes: object) -> None:
    with pytest.raises((IndexError, ValueError, TypeError)) as theirs:
        keras.utils.to_categorical(labels, classes)
    with pytest.raises(theirs.type):
        utils.to_categorical(labels, classes)


# --- normalize

X = RNG.normal(size=(3, 4, 5)) * (RNG.random((3, 4, 5)) > 0.3)
X[1] = 0
VECTORS = [X, X[0], X[0, 0], X.astype("float32"), X.astype("float16"), (9 * X).astype("int32")]


@pytest.mark.parametrize("x", VECTORS, ids=lambda x: f"{x.dtype}{x.shape}")
@pytest.mark.parametrize("order", [1, 2, 3, 2.0, np.inf, -np.inf, 0])
def test_normalize(x: np.ndarray, order: float) -> None:
    for axis in (-1, *range(1, x.ndim), *range(-x.ndim, -1)):
        same(utils.normalize(x, axis, order), keras.utils.normalize(x, axis=axis, order=order))


@pytest.mark.parametrize(
    ("x", "axis"),
    [
        (X[0], None),
        (X[0, 0], None),
        (X[0, 0], 0),
        (X[:, :1, 0], 0),
        (X, (0, 1)),
        (X, (1, 2)),
        (X[0], (0, 1)),
        (X[0] > 0, -1),
        (X[0] + 1j, -1),
        (np.zeros((0, 3)), -1),
    ],
)
def test_normalize_rare_arguments(x: np.ndarray, axis: object) -> None:
    same(utils.normalize(x, axis), keras.utils.normalize(x, axis=axis))


@pytest.mark.parametrize("x", [X[0, :, :4], X[:1, 0], X[:, :3, :3]])
def test_normalize_along_axis_0_has_the_numbers_of_keras(x: np.ndarray) -> None:
    with pytest.warns(UserWarning, match="wrong norms"):
        found = utils.normalize(x, axis=0)
    same(found, keras.utils.normalize(x, axis=0))


@pytest.mark.parametrize(
    ("x", "axis", "order"),
    [(X[0], 0, 2), (X, 0, 2), (X, None, 2), (X[0], -1, "l2"), (X[0], 5, 2), (np.array(3.0), -1, 2)],
)
def test_normalize_errors(x: np.ndarray, axis: object, order: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (NumPy's text, not ours)
        keras.utils.normalize(x, axis=axis, order=order)
    with pytest.raises(ValueError, match=r"norm|axis"):
        utils.normalize(x, axis, order)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_normalize_of_lists_and_tensors(axis: int, order: int) -> None:
    expected = np.asarray(keras.utils.normalize(X.tolist(), axis=axis, order=order))
    for x in (X.tolist(), as_tensor(X.astype("float32"))):
        found = utils.normalize(x, axis, order)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, strict=False)
        assert found.shape == expected.shape


def test_normalize_of_lists_rare_arguments() -> None:
    for x, axis in (([3.0, 4.0], -1), ([[1e-9, 0.0]], -1), ([[3.0, 4.0]], None), (3.0, -1)):
        expected = np.asarray(keras.utils.normalize(x, axis=axis))
        found = utils.normalize(x, axis)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    for order in (0, 0.5, None, np.inf):
        with pytest.raises(ValueError, match="order"):
            keras.utils.normalize([[3.0, 4.0]], order=order)
        with pytest.raises(ValueError, match="order"):
            utils.normalize([[3.0, 4.0]], order=order)


# --- get_file


def tar_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("sub/a.txt")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"a"))
    return buffer.getvalue()


def zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("sub/a.txt", "a")
    return buffer.getvalue()


CONTENTS = {"tar": tar_bytes(), "zip": zip_bytes(), "plain": b"plain"}


def results(tmp_path: Path, content: bytes, before: bytes | None, **arguments: object) -> list:
    """Return what Keras and we return and leave in the cache, each with a folder of its own."""
    (tmp_path / "file.v1.ext").write_bytes(content)
    found = []
    for name, get_file in (("keras", keras.utils.get_file), ("ours", utils.get_file)):
        home = tmp_path / name
        (home / "datasets").mkdir(parents=True)
        if before is not None:
            (home / "datasets" / str(arguments["fname"])).write_bytes(before)
        uri = (tmp_path / "file.v1.ext").as_uri()
        try:
            result = Path(get_file(origin=uri, cache_dir=str(home), **arguments)).relative_to(home)
        except ValueError:
            result = ValueError
        files = {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()}
        found.append((result, files))
    return found


@pytest.mark.parametrize("fname", [None, "name", "name.tar.gz", "a.b"])
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("plain", {}),
        ("tar", {"extract": True}),
        ("zip", {"extract": True}),
        ("tar", {"untar": True}),
        ("tar", {"extract": True, "archive_format": "tar"}),
        ("zip", {"extract": True, "archive_format": ["zip"]}),
        ("zip", {"extract": True, "cache_subdir": "datasets/deep"}),
    ],
)
def test_get_file_paths(
    tmp_path: Path, fname: str | None, kind: str, arguments: dict[str, object]
) -> None:
    theirs, ours = results(tmp_path, CONTENTS[kind], None, fname=fname, **arguments)
    assert ours == theirs


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
@pytest.mark.parametrize("before", [None, b"right", b"wrong"])
def test_get_file_hashes(tmp_path: Path, algorithm: str, before: bytes | None) -> None:
    digest = hashlib.new(algorithm, b"right").hexdigest()
    theirs, ours = results(tmp_path, b"right", before, fname="x", file_hash=digest)
    assert ours == theirs
    assert ours[1] == {"datasets/x": b"right"}


def test_get_file_wrong_content(tmp_path: Path) -> None:
    theirs, ours = results(tmp_path, b"wrong", None, fname="x", file_hash="0" * 64)
    assert theirs[0] is ours[0] is ValueError
    # Keras leaves the wrong file in the cache; nothing is what we promise.
    assert ours[1] == {}


@pytest.mark.parametrize("force", [False, True])
def test_get_file_force_download(tmp_path: Path, force: bool) -> None:
    theirs, ours = results(tmp_path, b"new", b"old", fname="x", force_download=force)
    assert ours == theirs
    assert ours[1] == {"datasets/x": b"new" if force else b"old"}
