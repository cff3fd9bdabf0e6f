"""Broken and hostile files: refused with one error, that names the file and the part, at once."""

from __future__ import annotations

import io
import json
import os
import random
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from model_files import (
    MODELS,
    WEIGHTS,
    Table,
    change,
    change_config,
    equal,
    every_file,
    make,
    npy,
    save,
    state,
    trained,
)

from scratchnn import Input, Sequential
from scratchnn.layers import BatchNormalization, Concatenate, Dense, Dropout, Reshape
from scratchnn.metrics import AUC
from scratchnn.models import Model, load_model
from scratchnn.saving import ModelFileError, limits


def npy_header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def refused(path, reason, custom_objects=None):
    """Check that the file is refused, for that reason, without taking time or memory."""
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as raised:
        load_model(path, custom_objects)
    assert reason in str(raised.value)
    assert repr(str(path)) in str(raised.value)
    assert time.perf_counter() - start < 1
    return raised.value


@every_file
def test_files_that_are_something_else(ending, tmp_path):
    model = trained()
    before = state(model)
    path = tmp_path / f"m{ending}"
    for content in (b"", b"PK", b"\x89HDF\r\n\x1a\n", b"\x00" * 5000, b"PK\x05\x06" + b"\xff" * 18):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=f"Could not load '{path}'"):
            model.load_weights(path)
        if ending in MODELS:
            refused(path, "")
    equal(state(model), before)


def test_a_file_of_weights_is_no_model(tmp_path):
    path = save(trained(), tmp_path / "m.weights.npz")
    refused(path, "config.json: the file has no config, so it is no whole model")


def test_members_that_are_missing(tmp_path):
    path = save(trained(), tmp_path / "m.keras")
    change(path, "model.weights.h5", None)
    refused(path, "model.weights.h5: the file has no such member")
    path = save(trained(), tmp_path / "m.npz")
    change(path, "layers/dense/vars/1.npy", None)
    refused(path, "expected 2 variables: ['kernel', 'bias']. Received: 1.")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"{", "config.json: Expecting property name"),
        (b"\xff\xff", "config.json: 'utf-8'"),
        (b"[]", "config.json: expected the config of a model. Received: []"),
        (b"{}", "config.json: expected the config of a model. Received: that of {}"),
        (b'{"class_name": "Dense", "config": {}}', "config.json: The class 'Dense' is not known"),
        (b"[" * 100_000, "config.json: it is too large or too deep"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "more than 200 levels"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "config.json: Exceeds the limit"),
        (b" " * (17 << 20), "config.json: it is larger than 16777216 bytes"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_configs_that_are_broken(config, reason, tmp_path):
    path = save(make(), tmp_path / "m.npz")
    change(path, "config.json", config)
    refused(path, reason)


def layer(config, number):
    return config["config"]["layers"][number]["config"]


def test_layers_larger_than_the_file(tmp_path):
    model = Sequential([Input((3,)), Dense(2), Reshape((1, 2)), Dense(2)])
    path = save(model, tmp_path / "m.npz")
    for units in (10**7, 10**12, 2**63, 10**30):
        change_config(path, lambda c, units=units: layer(c, 1).update(units=units))
        refused(path, "config.json: ")
    change_config(path, lambda c: layer(c, 1).update(units=3))
    refused(path, "config.json: The layer 'reshape' cannot reshape samples of shape (3,)")
    path = save(model, tmp_path / "n.npz")
    change_config(path, lambda c: layer(c, 0).update(batch_shape=[None, 10**10]))
    refused(path, "config.json: ")
    model = Sequential([Input((3,)), Table()])
    path = save(model, tmp_path / "o.npz")
    change_config(path, lambda c: layer(c, 0).update(batch_shape=[None, 10**10]))
    refused(path, "asks for a layer on inputs of shape (2, 10000000000)", {"Table": Table})


def test_metrics_larger_than_the_memory(tmp_path):
    model = make()
    model.compile("sgd", "mse", metrics=[AUC()])
    path = save(model, tmp_path / "m.npz")

    def enlarge(config):
        config["compile_config"]["metrics"][0]["config"]["num_thresholds"] = 10**9

    change_config(path, enlarge)
    refused(path, "compile_config (compile=False leaves it out): num_thresholds must be at most")
    assert not load_model(path, compile=False).compiled

    path = save(Sequential([Input((3,)), model]), tmp_path / "n.npz")
    change_config(path, lambda config: enlarge(config["config"]["layers"][1]))
    refused(path, "config.json: num_thresholds must be at most")


def test_nothing_is_run_that_a_file_brings(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("run"))
    path = save(make(), tmp_path / "m.npz")
    function = {"module": "os", "class_name": "function", "config": "system"}
    for activation, reason in (
        ({"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}, "__lambda__"),
        (function, "'system'"),
        ({"module": "os", "class_name": "system", "config": {"command": "x"}}, "'system'"),
        ("os.system", "'os.system'"),
        ("deserialize", "'deserialize'"),
    ):
        change_config(path, lambda c, a=activation: layer(c, 3).update(activation=a))
        refused(path, reason)
    path = save(make(), tmp_path / "n.npz")
    code = {"class_name": "__lambda__", "config": {"code": "4wAAAA==", "defaults": None}}
    for activation, reason in ((code, "a lambda, as Python byte code"), (function, "'system'")):

        def change_class(config, activation=activation):
            inner = {"name": "l", "function": activation}
            config["config"]["layers"][-1].update(class_name="Lambda", config=inner)

        change_config(path, change_class)
        refused(path, reason)
    path = save(make(), tmp_path / "n.npz")
    for module, name in (("keras.utils", "get_file"), (None, "Dense")):

        def rename(config, module=module, name=name):
            config["config"]["layers"][-1].update(module=module, class_name=name)

        change_config(path, rename)
        refused(path, f"The class '{name}'")
    path = save(make(), tmp_path / "o.npz")
    change_config(path, lambda c: {"module": "keras.layers", "class_name": "Dense"} | c)
    path = save(make(), tmp_path / "p.npz")
    change_config(path, lambda c: c["config"]["layers"][-1])
    refused(path, "expected the config of a model. Received: that of <Dense name=out")


def test_no_pickles(tmp_path):
    class Evil:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    path = save(make(), tmp_path / "m.npz")
    array = np.empty(1, object)
    array[0] = Evil()
    change(path, "layers/dense/vars/1.npy", npy(array, allow_pickle=True))
    refused(path, "layers/dense/vars/1.npy: variables are arrays of numbers. Received: dtype obj")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npy_header((10**12,)), "needs 4000000000000 bytes, and it has 0"),
        (npy_header((2, 2)) + b"\0" * 4, "needs 16 bytes, and it has 4"),
        (npy_header((-1,)), "shape (-1,)"),
        (npy_header((1,), "S4") + b"abcd", "arrays of numbers"),
        (npy_header((1,), "<M8[s]") + b"\0" * 8, "arrays of numbers"),
        (npy_header((1,), [("a", "<f4")]) + b"\0" * 4, "arrays of numbers"),
        (npy(np.zeros(1)).replace(b"NUMPY\x01", b"NUMPY\x02"), "only version 1.0"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "Header"),
        (b"not numpy", "magic"),
        (b"", ""),
    ],
    ids=range(10),
)
def test_variables_that_are_broken(content, reason, tmp_path):
    model = make()
    path = save(model, tmp_path / "m.npz")
    change(path, "layers/dense/vars/1.npy", content)
    error = refused(path, reason)
    assert error.part == "layers/dense/vars/1.npy"
    before = model.get_weights()
    with pytest.raises(ModelFileError):
        model.load_weights(path)
    equal(model.get_weights(), before)


def test_fortran_order(tmp_path):
    model = make()
    path = save(model, tmp_path / "m.npz")
    kernel = np.arange(12, dtype="float32").reshape(3, 4)
    place = "layers/sequential/layers/dense/vars/0.npy"
    change(path, place, npy(np.asfortranarray(kernel).astype(">f4")))
    np.testing.assert_array_equal(load_model(path).get_weights()[0], kernel)


def bomb(path, size, **options):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, **options) as archive:
        archive.writestr("layers/x/vars/0.npy", bytes(size))


def test_zips_that_unpack_to_more_than_they_are(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    bomb(path, 64 << 20)
    refused(path, "which a file of")
    path = save(make(), tmp_path / "n.npz")
    bomb(path, 1 << 20)
    load_model(path)


def test_zips_that_lie(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("config.json", "{}")
    refused(path, "two of its members have the same name")
    path = save(make(), tmp_path / "n.npz")
    original = Path(path).read_bytes()
    start = original.index(b"PK\x01\x02")
    for offset, value, reason in (
        (8, b"\x01", "is encrypted"),
        (10, b"\x0c", "is compressed in an unknown way"),
        (24, b"\xff\xff", "has two sizes"),
    ):
        data = bytearray(original)
        data[start + offset : start + offset + len(value)] = value
        Path(path).write_bytes(data)
        refused(path, reason)


def test_zips_of_too_many_members(tmp_path, monkeypatch):
    path = save(make(), tmp_path / "m.npz")
    monkeypatch.setattr(limits, "MAX_MEMBERS", 3)
    refused(path, "it has 6 members, more than 3")


H5_TRICKS = {
    "is a link to another place or file": [
        lambda vars, tmp: vars.__setitem__("1", h5py.SoftLink("/layers/dense/vars/0")),
    ],
    "its data is in another file": [
        lambda vars, tmp: vars.create_dataset(
            "1", (1,), "f4", external=[(str(tmp / "secret"), 0, 4)]
        ),
    ],
    "its data is stored virtual, in other files": [
        lambda vars, tmp: vars.create_virtual_dataset("1", h5py.VirtualLayout((1,), "f4")),
    ],
    "its data is stored in chunks, which Keras does not do": [
        lambda vars, tmp: vars.create_dataset("1", data=np.zeros(8), chunks=(4,)),
    ],
    "needs 4 bytes, and it has 0": [lambda vars, tmp: vars.create_dataset("1", (1,), "f4")],
    "bytes, which a file of": [
        lambda vars, tmp: vars.create_dataset("1", (1 << 40,), "f4", chunks=(1024,)),
        lambda vars, tmp: vars.create_dataset("1", (1 << 31,), "f4", chunks=True, compression=9),
    ],
    "arrays of numbers": [
        lambda vars, tmp: vars.create_dataset("1", data=["text"]),
        lambda vars, tmp: vars.create_dataset("1", data=np.zeros(1, "V4")),
        lambda vars, tmp: vars.create_dataset("1", (1,), [("a", "f4")]),
    ],
    "must be a Dataset": [lambda vars, tmp: vars.create_group("1")],
    "it is empty": [lambda vars, tmp: vars.create_dataset("1", data=h5py.Empty("f4"))],
    "dtype 'bfloat16' is not supported": [
        lambda vars, tmp: vars.create_dataset("1", (1,), "f4").attrs.update(dtype="bfloat16")
    ],
}


@pytest.mark.parametrize(
    ("reason", "trick"), [(reason, trick) for reason, all in H5_TRICKS.items() for trick in all]
)
def test_hdf5_that_plays_tricks(reason, trick, tmp_path):
    (tmp_path / "secret").write_bytes(b"1234")
    model = make()
    path = save(model, tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        own = file["layers/dense/vars"]
        del own["1"]
        trick(own, tmp_path)
    before = model.get_weights()
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as raised:
        model.load_weights(path)
    assert time.perf_counter() - start < 1
    assert reason in str(raised.value)
    assert raised.value.part == "layers/dense/vars/1"
    equal(model.get_weights(), before)


def test_hdf5_groups_that_are_none(tmp_path):
    path = save(make(), tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/dense"]
        file["layers/dense"] = np.zeros(3)
    with pytest.raises(ModelFileError, match="layers/dense: 'dense' must be a Group"):
        make().load_weights(path)
    path = save(make(), tmp_path / "n.weights.h5")
    with h5py.File(path, "a") as file:
        file["layers/dense/vars/2"] = np.zeros(3)
    with pytest.raises(ModelFileError, match=r"expected 2 variables: .* Received: 3"):
        make().load_weights(path)


def test_hdf5_with_links_to_other_files(tmp_path):
    path = save(make(), tmp_path / "m.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = h5py.ExternalLink(str(tmp_path / "o.h5"), "/x")
    with pytest.raises(ModelFileError, match="layers/dense: it uses links or attributes of a form"):
        make().load_weights(path)


def test_hdf5_in_which_much_is_the_same_bytes(tmp_path):
    """Many variables may name the same stretch of a file; it is not read for each of them."""
    path = tmp_path / "m.weights.h5"
    size = 1 << 16
    with h5py.File(save(make(), path), "a") as file:
        variables = file["layers/dense/vars"]
        variables["2"] = np.zeros(size // 4, "float32")
        start = variables["2"].id.get_offset()
        for i in range(3, 23):
            variables.create_dataset(str(i), (size // 4,), "float32")
    message = b"\x03\x01%s" + size.to_bytes(8, "little")  # contiguous data: address, length
    data = path.read_bytes()
    assert data.count(message % (b"\xff" * 8)) == 20
    path.write_bytes(data.replace(message % (b"\xff" * 8), message % start.to_bytes(8, "little")))
    with pytest.raises(ModelFileError, match=r"it names more bytes than its \d+ can hold"):
        make().load_weights(path)


def mutated(data, rng):
    """Return the bytes of a file, cut, overwritten or moved at random."""
    data = bytearray(data)
    place = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        return data[:place]
    if kind == 1:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 2:
        data[place : place + 8] = rng.choice([b"\xff" * 8, b"\0" * 8, b"\xff" * 7 + b"\x7f"])
    elif kind == 3:
        del data[place : place + rng.randint(1, 64)]
    else:
        data[place:place] = data[place : place + rng.randint(1, 64)]
    return data


def load_anything(load, path):
    """Load a file that may be broken; return whether it could be."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(path)
    except ModelFileError:
        return False
    finally:
        assert time.perf_counter() - start < 1
    return True


LEGACY = Path(__file__).parent / "data" / "keras_versions" / "keras-2.15-dense.h5"


@pytest.mark.parametrize("ending", [*MODELS, *WEIGHTS, ".h5"])
def test_mutated_files(ending, tmp_path):
    model = trained()
    path = tmp_path / f"m{ending}"
    if ending == ".h5":
        model = load_model(LEGACY)
        path.write_bytes(LEGACY.read_bytes())
    else:
        save(model, path)
    data = path.read_bytes()
    before = state(model)
    rng = random.Random(ending)
    loaded = 0
    for _ in range(150):
        path.write_bytes(mutated(data, rng))
        if ending not in WEIGHTS:
            load_anything(load_model, path)
        if load_anything(model.load_weights, path):
            loaded += 1
            path.write_bytes(data)
            model.load_weights(path)
        equal(state(model), before)
    assert loaded < 150


SIGNATURES = (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"\x01\x00")
"""How the parts of an HDF5 file begin; the last is that of an object's header."""


def mutated_structure(data, rng):
    """Return an HDF5 file with a number in its structure changed: a size, or an address."""
    data = bytearray(data)
    starts = [i for i in range(0, len(data), 8) if data.startswith(SIGNATURES, i)]
    if rng.random() < 0.5:  # an address becomes another one, so what it leads to may be a loop

        def leads(i):
            return int.from_bytes(data[i : i + 8], "little") in known

        known = set(starts)
        places = [i for i in range(0, len(data) - 8, 8) if leads(i)]
        for _ in range(rng.randint(1, 2)):
            data[(i := rng.choice(places)) : i + 8] = rng.choice(starts).to_bytes(8, "little")
    else:
        place, size = rng.choice(starts) + rng.randrange(48), rng.choice([1, 2, 4, 8])
        values = [b"\xff" * size, bytes(size), rng.randbytes(size), len(data).to_bytes(8, "little")]
        data[place : place + size] = rng.choice(values)[:size]
    return bytes(data)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".h5"])
def test_mutated_structures_of_hdf5(ending, tmp_path):
    """In .keras, the zip's checksum is right: who makes such a file makes that, too."""
    path = tmp_path / f"m{ending}"
    model = load_model(LEGACY) if ending == ".h5" else trained()
    if ending == ".h5":
        path.write_bytes(LEGACY.read_bytes())
    else:
        save(model, path)
    inside = "model.weights.h5"
    whole = path.read_bytes()
    data = zipfile.ZipFile(path).read(inside) if ending == ".keras" else whole
    before = state(model)
    rng = random.Random(f"structure of {ending}")
    loaded = 0
    for _ in range(150):
        broken = mutated_structure(data, rng)
        if ending == ".keras":
            change(path, inside, broken)
        else:
            path.write_bytes(broken)
        if load_anything(model.load_weights, path):
            loaded += 1
            path.write_bytes(whole)
            model.load_weights(path)
        equal(state(model), before)
    assert 0 < loaded < 140


def paths_in(config, path=()):
    items = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths_in(value, (*path, key))


STRANGE = [
    None,
    -1,
    0,
    2**31,
    2**64,
    10**12,
    1e308,
    float("nan"),
    "",
    "Dense",
    "x" * 10_000,
    [],
    {},
]
STRANGE += [
    [[]],
    [None] * 3,
    True,
    {"class_name": "function", "config": "get"},
    {"value": [1, [2]]},
]


def broken_config(config, places, rng):
    """Return a config with one of its places gone, or holding something strange."""
    broken = json.loads(json.dumps(config))
    *parents, last = rng.choice(places)
    inner = broken
    for key in parents:
        inner = inner[key]
    if rng.random() < 0.2:
        del inner[last]
    else:
        inner[last] = rng.choice(STRANGE)
    return broken


def branching():
    x = Input((4,), name="x")
    shared = Dense(4, name="shared")
    y = Concatenate()([shared(x), BatchNormalization()(shared(Dropout(0.1)(x)))])
    model = Model(x, [Dense(2, "softmax", name="a")(y), Dense(1, name="b")(y)])
    model.compile("adam", {"a": "categorical_crossentropy", "b": "mse"}, metrics={"b": ["mae"]})
    return model


@pytest.mark.parametrize("build", [trained, branching])
def test_mutated_configs(build, tmp_path):
    path = save(build(), tmp_path / "m.npz")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    places = list(paths_in(config))
    rng = random.Random(4)
    loaded = 0
    for _ in range(150):
        change(path, "config.json", json.dumps(broken_config(config, places, rng)))
        loaded += load_anything(load_model, path)
    assert 0 < loaded < 150


@pytest.mark.parametrize("name", ["model_config", "training_config"])
def test_mutated_configs_of_older_files(name, tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(LEGACY.read_bytes())
    with h5py.File(path) as file:
        config = json.loads(file.attrs[name])
    places = list(paths_in(config))
    rng = random.Random(name)
    loaded = 0
    for _ in range(100):
        with h5py.File(path, "a") as file:
            file.attrs[name] = json.dumps(broken_config(config, places, rng))
        loaded += load_anything(load_model, path)
    assert 0 < loaded < 100


def test_deep_reasons_are_cut(tmp_path):
    path = save(make(), tmp_path / "m.npz")
    change_config(path, lambda c: layer(c, 3).update(activation="x" * 100_000))
    assert len(str(refused(path, "activation"))) < 3000


def test_a_bare_model_says_what_it_lacks(tmp_path):
    model = Model(name="bare")
    with pytest.warns(UserWarning, match="before it is built"):
        model.save(tmp_path / "m.npz")
    assert type(load_model(tmp_path / "m.npz")) is Model


def test_configs_of_too_many_layers(tmp_path):
    """Every layer takes a moment to make; so do those of models within models, and objects."""
    path = save(Sequential([Input((3,)), Dropout(0.5)]), tmp_path / "m.npz")

    def repeat(config, times, shape=lambda layers: layers):
        first, last = config["config"]["layers"]
        new = [{**last, "config": {**last["config"], "name": f"d{i}"}} for i in range(times)]
        config["config"]["layers"] = [first, *shape(new)]

    def nested(layers):
        inner = {"class_name": "Sequential", "module": "keras"}
        return [
            {**inner, "config": {"name": f"s{i}", "layers": layers[i : i + 100]}}
            for i in range(0, len(layers), 100)
        ]

    for times, shape, reason in (
        (20_000, lambda layers: layers, "describes 20001 layers, more than 3000"),
        (5_000, nested, "layers, more than 3000"),
        (1, lambda layers: [{**layers[0], "config": layers * 30_000}], "objects, more than 20000"),
    ):
        save(Sequential([Input((3,)), Dropout(0.5)]), path)
        change_config(path, lambda c, t=times, s=shape: repeat(c, t, s))
        refused(path, reason)
    save(Sequential([Input((3,)), Dropout(0.5)]), path)
    change_config(path, lambda c: repeat(c, 1200))
    assert len(load_model(path).layers) == 1200
    many = Sequential([Input((3,)), *(Dropout(0.5) for _ in range(limits.MAX_LAYERS))])
    with pytest.raises(ValueError, match="the config describes 3001 layers, more than 3000"):
        many.save(tmp_path / "many.npz")
    assert os.listdir(tmp_path) == ["m.npz"]
