"""Exported scripts: one for each row of the conformance tables, run, and what is refused."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

import cases
import numpy as np
import pytest

import scratchnn
from scratchnn import Input, Model, Sequential, layers
from scratchnn.layers import Dense, Layer
from scratchnn.saving.export_script import layers as writers
from scratchnn.saving.export_script import plain

ROWS = {
    row.name: row
    for row in [*cases.CASES, *cases.SEVERAL]
    if type(row.make(dtype=None)).__name__ in [*writers.WRITERS, "Sequential"]
}

REFUSED = {
    r"activation \w+ {": "what has no config",
    r"(dense|activation) (with|of) a (function|.*layer)|dense with dropout": "the activation",
    "sparsemax": "the activation",
    "output_padding": "output_padding",
    "bilinear": "interpolation='bilinear'",
    "(add|average|multiply|maximum|minimum) of three$": "inputs of different numbers of axes",
    "heads with a gate": "use_gate",
    "heads to another shape": "output_shape|attention over more",
    "heads .*scores": "several outputs",
    "heads with a window": "sliding_window",
    "attention mask|masked causal heads": "attention_mask",
    "heads over": "attention over more axes",
}
"""Patterns of names of rows that a script does not support, and what the error says."""


def run(path):
    """Run a script where there is no scratchnn, nor anything else but NumPy."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    code = (
        "import sys, runpy\n"
        "class Only:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        top = name.partition('.')[0]\n"
        "        if top not in sys.stdlib_module_names and top != 'numpy':\n"
        "            raise ImportError(f'{name} is not here')\n"
        "sys.meta_path.insert(0, Only())\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=env, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def scope_of(path):
    """Return what a script defines; it must import nothing but NumPy and the standard library."""
    text = path.read_text()
    tree = ast.parse(text)
    imported = {
        n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names
    }
    assert imported <= {"base64", "io", "math", "os", "zlib", "numpy"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    scope = {"__name__": "script", "__file__": str(path)}
    exec(compile(tree, str(path), "exec"), scope)
    return scope


def model_of(row):
    layer = row.make(dtype=None)
    shapes = getattr(row, "shapes", None) or [row.shape]
    dtype = getattr(row, "dtype", "float32")
    inputs = [Input(shape[1:], dtype=dtype) for shape in shapes]
    given = inputs if len(inputs) > 1 or layer.takes_several else inputs[0]
    options = dict(getattr(row, "options", {}))
    if type(layer).__name__ == "MultiHeadAttention":
        outputs = layer(*inputs, **options)
        outputs = list(outputs) if isinstance(outputs, tuple) else outputs
    else:
        outputs = layer.connect(given, options)
    model = Model(inputs if len(inputs) > 1 else inputs[0], outputs)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.uniform(0.2, 0.8, weight.shape))
    x = row.inputs(4) if hasattr(row, "shapes") else [row.x(4)]
    return model, x if len(x) > 1 else x[0]


@pytest.mark.parametrize("name", ROWS)
def test_rows(name, tmp_path, capsys):
    model, x = model_of(ROWS[name])
    path = tmp_path / "predict.py"
    reason = next((reason for part, reason in REFUSED.items() if re.search(part, name)), None)
    if reason is not None:
        with pytest.raises(ValueError, match=f"which does not support {reason}"):
            model.export_script(path, x)
        assert os.listdir(tmp_path) == []
        return
    model.export_script(path, x)
    scope_of(path)["check"]()
    assert capsys.readouterr().out.endswith("The outputs are those of the model.\n")


def test_the_classes_of_layers_are_in_a_table():
    """What a script supports, it is shown to support."""
    seen = {type(layer).__name__ for row in ROWS.values() for layer in row.make(dtype=None).walk()}
    known = {name for name in writers.WRITERS if name not in layers.MISSING}
    assert known <= seen


def images():
    k = layers
    inner = Sequential([Input((8, 8, 4)), k.Conv2D(4, 3, padding="same"), k.ReLU()], name="block")
    x = Input((8, 8, 2), name="image")
    y = k.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = k.Add()([inner(inner(y)), y])
    y = k.MaxPooling2D(2)(k.BatchNormalization()(y))
    y = k.GlobalAveragePooling2D()(k.Dropout(0.5)(y))
    return Model(x, [Dense(3, "softmax", name="a")(y), Dense(1, name="b")(y)], name="images")


def twice():
    """A functional model that is called twice, whose first result is needed after the second."""
    a = Input((4,))
    inner = Model(a, Dense(4, "tanh", name="d")(Dense(4, name="x")(a)), name="inner")
    x, y = Input((4,), name="x"), Input((4,), name="y")
    first, second = inner(x), inner(y)
    return Model([x, y], layers.Concatenate()([layers.Subtract()([second, first]), first]))


def words():
    return Sequential(
        [
            Input((7,), dtype="int32"),
            layers.Embedding(20, 6, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(5, reset_after=False),
            Dense(3, "softmax"),
        ]
    )


def numbers():
    return Sequential([Input((3,), dtype="float64"), Dense(4, "gelu", dtype="float64")])


def pixels():
    return Sequential([Input((4, 4), dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten()])


MODELS = [images, twice, words, numbers, pixels]


@pytest.mark.parametrize("embed", [None, False])
@pytest.mark.parametrize("build", MODELS)
def test_scripts_run_where_there_is_only_numpy(build, embed, tmp_path):
    if build is words and "GRU" in layers.MISSING:
        return
    path = tmp_path / "my model.py"
    model = build()
    model.export_script(path, embed=embed)
    code, text = run(path)
    assert (code, text.splitlines()[-1]) == (0, "The outputs are those of the model.")
    expected = ["my model.py"] if embed is None else ["my model.npz", "my model.py"]
    assert sorted(os.listdir(tmp_path)) == expected


def test_predict(tmp_path):
    model = images()
    model.export_script(tmp_path / "p.py")
    x = np.random.default_rng(1).normal(size=(5, 8, 8, 2))
    predict = scope_of(tmp_path / "p.py")["predict"]
    for found, expected in zip(predict(x.tolist()), model.predict(x, verbose=0), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_large_weights_are_beside_the_script(tmp_path):
    Sequential([Input((600,)), Dense(600)]).export_script(tmp_path / "p.py")
    assert sorted(os.listdir(tmp_path)) == ["p.npz", "p.py"]
    assert (tmp_path / "p.py").stat().st_size < 3000


def test_a_script_notices_other_weights(tmp_path):
    path = tmp_path / "p.py"
    Sequential([Input((2,)), Dense(1, name="d")]).export_script(path, embed=False)
    with np.load(tmp_path / "p.npz") as file:
        arrays = dict(file)
    arrays["d/kernel"] += 0.01
    np.savez(tmp_path / "p.npz", **arrays)
    code, text = run(path)
    assert code == 1
    assert text.splitlines()[-1] == "The outputs are not those of the model."


def test_only_what_is_needed_is_in_a_script(tmp_path):
    path = tmp_path / "p.py"
    Sequential([Input((2,)), Dense(3, "silu"), Dense(1)]).export_script(path)
    functions = {n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}
    assert functions == {"dense", "silu", "sigmoid", "predict", "check"}


def test_names_that_would_be_code(tmp_path):
    """A model's file may bring any names; none of them leaves its comment or string."""
    evil = 'x\nraise SystemExit("run")\n"""\nraise SystemExit("run") #'
    model = Sequential([Input((2,)), Dense(1, name=evil)], name=evil)
    model.export_script(tmp_path / "p.py")
    assert run(tmp_path / "p.py")[0] == 0


def test_what_is_refused(tmp_path):
    class Own(Layer):
        def forward(self, x, ctx):
            return x

    path = tmp_path / "p.py"
    path.write_text("old")
    for build, reason in (
        (lambda: Sequential([Input((2,)), Own(name="own")]), "The layer 'own', a Own, cannot be"),
        (lambda: Sequential([Dense(2)]), "Only Sequential and functional models that are built"),
        (
            lambda: Sequential([Input((2,)), Dense(2), Dense(2, dtype="float64")]),
            "The layers of a script have one dtype",
        ),
        (
            lambda: Sequential([Input((2,)), Dense(2, cases.cubic, name="d")]),
            "'d', a Dense, .* which does not support the activation",
        ),
    ):
        with pytest.raises((ValueError, TypeError), match=reason):
            build().export_script(path)
        assert path.read_text() == "old"
    with pytest.raises(ValueError, match=r"The script's name must end in \.py"):
        numbers().export_script(tmp_path / "p")
    with pytest.raises(
        NotImplementedError, match=r"model\.export_script\(\"predict\.py\"\) writes"
    ):
        numbers().export(tmp_path / "m")
    assert os.listdir(tmp_path) == ["p.py"]


def test_every_activation_is_as_in_the_package():
    names = set(cases.ACTIVATIONS) & set(dir(plain))
    x = np.linspace(-30, 30, 400).astype("float32").reshape(1, -1)
    for name in names:
        expected = np.asarray(getattr(scratchnn.activations, name)(x))
        with np.errstate(over="ignore"):
            found = getattr(plain, name)(x)
        assert found.dtype == np.float32, name
        scale = np.abs(expected[np.isfinite(expected)]).max()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * min(scale, 1.0))
    assert len(names) > 22
