"""Reading HDF5: what h5py wrote is read, bit for bit; what is broken ends in an error, at once."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import time

import h5py
import numpy as np
import pytest

from scratchnn.saving import limits
from scratchnn.saving.hdf5_reader import Group, Hdf5


def written(fill, **options):
    """Return the bytes of an HDF5 file."""
    file = io.BytesIO()
    with h5py.File(file, "w", **options) as root:
        fill(root)
    return file.getvalue()


def read(data):
    return Hdf5(io.BytesIO(data)).root


DTYPES = ["f2", "f4", "f8", ">f4", ">f8", "i1", "i2", "i4", "i8", ">i8", "u1", "u2", "u4", "u8"]
DTYPES += [">u4", "?"]
SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 4), (0,), (2, 0, 3)]


def test_arrays():
    rng = np.random.default_rng(0)
    arrays = {
        f"{dtype} {shape}": (rng.normal(size=shape) * 20).astype(dtype)
        for dtype in DTYPES
        for shape in SHAPES
    }
    root = read(written(lambda file: [file.create_dataset(k, data=v) for k, v in arrays.items()]))
    assert sorted(root.members) == sorted(arrays)
    for name, expected in arrays.items():
        np.testing.assert_array_equal(root.dataset(name).read(), expected, strict=True)


@pytest.mark.parametrize("count", [1, 8, 9, 33, 2000])
def test_groups_of_many_members(count):
    """Their trees have one level or several."""

    def fill(file):
        for i in range(count):
            file[f"a/group/{i}"] = i

    group = read(written(fill)).group("a", "group")
    assert sorted(group.members, key=int) == [str(i) for i in range(count)]
    assert [int(group.dataset(str(i)).read()) for i in range(count)] == list(range(count))


def test_attributes():
    values = {
        "text": "words, länger",
        "bytes": np.bytes_(b"fixed"),
        "long": "x" * 200_000,
        "number": 3,
        "real": 0.5,
        "none": "",
        "ä": "ö",
        "list": ["one", "two", "drei ä"],
        "fixed": np.array([b"one", b"three"]),
        "numbers": np.arange(3),
        "empty": np.array([], "S1"),
        "nothing": h5py.Empty("f4"),
    }

    def fill(file):
        group = file.create_group("g")
        for name, value in values.items():
            group.attrs[name] = value

    group = read(written(fill)).group("g")
    for name, value in values.items():
        if isinstance(value, np.ndarray | list):
            value = [v.decode() if isinstance(v, bytes) else v for v in np.array(value).tolist()]
        expected = None if name == "nothing" else value
        expected = expected.decode() if isinstance(expected, bytes) else expected
        assert group.attribute(name) == expected, name
    assert group.attribute("missing") is None


def test_what_is_there_and_what_is_not():
    def fill(file):
        file["a/b/x"] = np.ones(2)
        file["a/soft"] = h5py.SoftLink("/a/b")

    root = read(written(fill))
    assert isinstance(root.group("a", "b"), Group)
    assert root.group() is root
    assert root.group("a", "c") is None
    assert root.group("c", "d") is None
    with pytest.raises(ValueError, match="'x' must be a Group"):
        root.group("a", "b", "x")
    with pytest.raises(ValueError, match="it is not there"):
        root.group("a", "b").dataset("y")
    with pytest.raises(ValueError, match="'b' must be a Dataset"):
        root.group("a").dataset("b")
    with pytest.raises(ValueError, match="'soft' is a link to another place or file"):
        root.group("a", "soft")


@pytest.mark.parametrize(
    ("fill", "options", "reason"),
    [
        (lambda file: file.create_group("g"), {"libver": "latest"}, "a form that Keras does not"),
        (lambda file: file.create_group("g"), {"userblock_size": 512}, "not HDF5, or cut short"),
        (lambda file: file.create_group("g", track_order=True), {}, "(version 1|form that Keras)"),
    ],
)
def test_forms_that_keras_does_not_write(fill, options, reason):
    data = written(fill, **options)
    with pytest.raises(ValueError, match=reason):
        read(data).group("g")


def test_data_in_another_form():
    def fill(file):
        file.create_dataset("chunks", data=np.zeros(8), chunks=(4,))
        file.create_dataset("packed", data=np.zeros(8), compression="gzip")
        file.create_dataset("record", data=np.zeros(1, [("a", "f4")]))
        file.create_dataset("complex", data=np.zeros(1, "c8"))
        file["text"] = "text"

    root = read(written(fill))
    for name in ("chunks", "packed"):
        with pytest.raises(ValueError, match="its data is stored in chunks, which Keras does not"):
            root.dataset(name).read()
    for name in ("record", "complex", "text"):
        with pytest.raises(ValueError, match="variables are arrays of numbers"):
            root.dataset(name).read()


def place_of(data, signature, number=0):
    found = -1
    for _ in range(number + 1):
        found = data.index(signature, found + 1)
    return found


def replaced(data, place, value):
    return data[:place] + value + data[place + len(value) :]


def test_structures_that_lead_back_to_themselves():
    """What keeps the C library busy for ever, or is much from little."""
    data = written(lambda file: file.create_dataset("a/b", data=np.ones(3)))
    tree = place_of(data, b"TREE")
    loops = {
        "a group's tree": replaced(data, tree + 32, tree.to_bytes(8, "little")),
        "beyond its end": replaced(data, tree + 32, (1 << 40).to_bytes(8, "little")),
        "list of members is broken": replaced(data, place_of(data, b"SNOD"), b"SNOX"),
        "has no names": replaced(data, place_of(data, b"HEAP"), b"HEAX"),
    }
    for reason, broken in loops.items():
        with pytest.raises(ValueError, match=reason):
            read(broken).group("a")
    # Level 3 with itself as a child: levels must go down by one.
    deep = replaced(replaced(data, tree + 5, b"\3"), tree + 32, tree.to_bytes(8, "little"))
    with pytest.raises(ValueError, match="a group's tree"):
        read(deep).group("a")


def test_sizes_that_are_not_there(monkeypatch):
    data = written(lambda file: file.create_dataset("x", data=np.ones((3, 5))))
    shape = (3).to_bytes(8, "little") + (5).to_bytes(8, "little")
    place = place_of(data, shape)
    for size in (1 << 62, 1 << 40, 10_000):
        broken = replaced(data, place, size.to_bytes(8, "little"))
        with pytest.raises(ValueError, match=r"which a file of .* cannot hold"):
            read(broken).dataset("x").read()
    with pytest.raises(ValueError, match=r"shape \(2, 5\) needs 80 bytes, and it has 120"):
        read(replaced(data, place, b"\2")).dataset("x").read()
    many = written(lambda file: [file.create_group(str(i)) for i in range(10)])
    monkeypatch.setattr(limits, "MAX_MEMBERS", 9)
    with pytest.raises(ValueError, match="more than 9 members"):
        read(many).group("0")


def walk(thing, depth=0):
    for name in thing.attributes:
        thing.attribute(name)
    if isinstance(thing, Group) and depth < 20:
        for name in thing.members:
            walk(thing.get(name), depth + 1)
    elif not isinstance(thing, Group):
        thing.read()


def test_random_damage():
    """Nothing but errors of Python's own kinds, and never for long."""

    def fill(file):
        for i in range(12):
            file[f"a/b{i}/c"] = np.arange(i)
            file[f"a/b{i}"].attrs["name"] = f"name {i}"
        file.attrs["list"] = [f"name {i}" for i in range(5)]

    data = written(fill)
    walk(read(data))
    rng = random.Random(2)
    start = time.perf_counter()
    for _ in range(1000):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            broken[rng.randrange(96 if rng.random() < 0.1 else len(data))] = rng.randrange(256)
        with contextlib.suppress(ValueError, struct.error):
            walk(read(bytes(broken)))
    assert time.perf_counter() - start < 20
