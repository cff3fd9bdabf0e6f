"""ONNX graphs: one for each row of the conformance tables, run by onnxruntime; what is refused."""

from __future__ import annotations

import os
import re
import sys

import cases
import numpy as np
import onnx
import onnxruntime
import pytest
from test_export_script import images, model_of, numbers, pixels, twice

from scratchnn import Input, Model, Sequential, layers
from scratchnn.layers import Dense
from scratchnn.saving.export_onnx import layers as writers

TOLERANCE = 2e-6
"""Of an output's largest element: the rounding of its float32 sums, done in another order."""

ROWS = {
    row.name: row
    for row in [*cases.CASES, *cases.SEVERAL]
    if type(row.make(dtype=None)).__name__ in [*writers.WRITERS, "Sequential"]
}

REFUSED = {
    r"activation \w+ {": "what has no config",
    r"(dense|activation) (with|of) a (function|.*layer)|dense with dropout": "the activation",
    r"(dense|activation) (glu|sparse\w+|squareplus)$": "the activation",
    "relu with (a threshold|everything)": "threshold",
    "softmax over two axes": "axis",
    "output_padding": "output_padding",
    "(lstm|gru) of (softmax|relu|elu|gelu)|rnn of softmax": "the activation",
    "gru, reset before, with dropout": "the activation",
    "bilinear": "interpolation='bilinear'",
    "layer normalization of axis 1": "axis",
    "embedding over a grid": "mask_zero=True",
    "normalization undone": "invert=True",
    "(add|average|multiply|maximum|minimum) of three$": "inputs of different numbers of axes",
}
"""Patterns of names of rows that are not supported, and what the error says."""


def check(model, x, path, tolerance=TOLERANCE):
    """Export a model, and compare what onnxruntime computes, for one sample and for all."""
    model.export(path, format="onnx", verbose=False)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    arrays = x if isinstance(x, list) else [x]
    names = [one.name for one in session.get_inputs()]
    assert names == [tensor.layer.name for tensor in model.inputs]
    for count in (len(arrays[0]), 1):
        own = [a[:count].astype(t.dtype) for a, t in zip(arrays, model.inputs, strict=True)]
        found = session.run(None, dict(zip(names, own, strict=True)))
        expected = model.predict(own if len(own) > 1 else own[0], verbose=0)
        expected = expected if isinstance(expected, list) else [expected]
        for a, b in zip(found, expected, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("name", ROWS)
def test_rows(name, tmp_path):
    model, x = model_of(ROWS[name])
    reason = next((reason for part, reason in REFUSED.items() if re.search(part, name)), None)
    if reason is None:
        check(model, x, tmp_path / "m.onnx")
        return
    with pytest.raises(ValueError, match=f"which does not support {reason}"):
        model.export(tmp_path / "m.onnx", format="onnx")
    assert os.listdir(tmp_path) == []


def test_the_classes_of_layers_are_in_a_table():
    """What is supported is shown to be: exported and run at least once."""
    seen = {
        type(layer).__name__
        for name, row in ROWS.items()
        if not any(re.search(part, name) for part in REFUSED)
        for layer in row.make(dtype=None).walk()
    }
    assert set(writers.WRITERS) <= seen


def words():
    return Sequential(
        [
            Input((None,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Conv1D(4, 3, padding="causal"),
            layers.Conv1D(4, 3, padding="same", activation="relu"),
            layers.GRU(5),
            Dense(3, "softmax"),
        ]
    )


@pytest.mark.parametrize("build", [images, twice, words, pixels])
def test_models(build, tmp_path):
    model = build()
    rng = np.random.default_rng(0)
    shapes = [(4, *(5 if n is None else n for n in t.shape[1:])) for t in model.inputs]
    x = [rng.integers(0, 20, shape) for shape in shapes]
    check(model, x if len(x) > 1 else x[0], tmp_path / "m.onnx", 5e-6)


def test_what_is_written(tmp_path, capsys):
    x = Input((None, 3), name="output_0")
    model = Model(x, Dense(2, name="d")(layers.Dropout(0.5)(x)), name="small")
    model.export(tmp_path / "m.onnx", "onnx", opset_version=20)
    assert capsys.readouterr().out == f"Saved artifact at '{tmp_path / 'm.onnx'}'.\n"
    made = onnx.load(tmp_path / "m.onnx")
    assert [made.opset_import[0].version, made.graph.name] == [20, "small"]
    assert [n.op_type for n in made.graph.node] == ["MatMul", "Add", "Identity"]
    assert [i.name for i in made.graph.initializer] == ["d/kernel", "d/bias"]
    shapes = [
        [d.dim_param or d.dim_value for d in one.type.tensor_type.shape.dim]
        for one in (*made.graph.input, *made.graph.output)
    ]
    assert shapes == [["N", "output_0_1", 3], ["N", "output_0_2_1", 2]]


def test_what_is_refused(tmp_path, monkeypatch):
    class Own(layers.Layer):
        def forward(self, x, ctx):
            return x

    path = tmp_path / "m.onnx"
    path.write_text("old")
    x = Input((3, 4))
    model = Sequential([Input((2,)), Dense(1)])
    for build, options, reason in (
        (lambda: Sequential([Input((2,)), Own(name="own")]), {}, "'own', a Own, cannot be exp"),
        (lambda: Model(x, layers.MultiHeadAttention(2, 2)(x, x)), {}, "a MultiHeadAttention, can"),
        (lambda: Sequential([Input((2, 2)), layers.Masking()]), {}, "of the class Masking"),
        (numbers, {}, "a Dense, .* as ONNX, which does not support dtype float64"),
        (lambda: Sequential([Dense(2)]), {}, "Only Sequential and functional models that are bui"),
        (lambda: model, {"opset_version": 17}, "opset_version must be from 18 to .*eceived: 17"),
        (lambda: model, {"input_signature": [1]}, "input_signature is not supported"),
        (lambda: model, {"surprise": 1}, "Unrecognized keyword arguments passed to export"),
    ):
        with pytest.raises(ValueError, match=reason):
            build().export(path, format="onnx", **options)
    for format in ("tf_saved_model", "openvino", "litert", "torch"):
        with pytest.raises(NotImplementedError, match=f"to '{format}' is not supported; format="):
            model.export(path, format=format)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"`pip install onnx`; or write a script"):
        model.export(path, format="onnx")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.onnx"]
