"""The graph as a file: inputs, the model's calls in order, outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...progress import write
from ..atomic import replacing
from ..exporting import (
    NotExportableError,
    Value,
    check_model,
    is_cast,
    output_dtype,
    output_shape,
    refusal,
    walk,
)
from .graph import OPSET, Graph, import_onnx
from .layers import nodes


def export_onnx(
    model: Any,
    filepath: str | os.PathLike[str],
    verbose: bool | None = None,
    opset_version: int | None = None,
) -> None:
    """Write an ONNX graph that predicts as the model does, for onnxruntime and other engines.

    Its inputs have the names of the model's Inputs, its outputs are output_0, output_1, ...; the
    size of a batch is free. Dropout and noise do nothing there.

    Arguments:
        model: a Sequential, or a functional model, built, of float32.
        filepath: where to; the name ends in .onnx by custom.
        verbose: whether to print where it was written; if not given, it is.
        opset_version: of ONNX's operators; 18 if not given, which is the least.

    Raises:
        ImportError: without the package onnx.
        ValueError: for a model or layer that cannot be exported, which the message names; nothing
            is written then.

    Example:
        >>> import os, tempfile
        >>> from scratchnn import Input, Sequential
        >>> from scratchnn.layers import Dense
        >>> path = os.path.join(tempfile.mkdtemp(), "m.onnx")
        >>> export_onnx(Sequential([Input((2,)), Dense(1, "relu")]), path, verbose=False)
        >>> os.path.exists(path)
        True
    """
    onnx = import_onnx()
    path = os.fsdecode(filepath)
    newest = onnx.defs.onnx_opset_version()
    opset = OPSET if opset_version is None else opset_version
    if not OPSET <= opset <= newest:
        raise ValueError(
            f"opset_version must be from {OPSET} to {newest}. Received: {opset_version!r}."
        )
    check_model(model, "ONNX")
    graph = Graph()
    inputs = [
        Value(graph.unique(tensor.layer.name), tuple(tensor.shape), str(tensor.dtype))
        for tensor in model.inputs
    ]
    results = [graph.unique(f"output_{i}") for i in range(len(model.outputs))]

    def call(layer: Any, x: Any, name: str, options: Mapping[str, Any]) -> Value:
        try:
            return _write_call(graph, layer, x, name, options)
        except NotExportableError as error:
            raise refusal(layer, "ONNX", error) from None

    outputs = []
    for name, value in zip(results, walk(model, inputs, call, str), strict=True):
        graph.nodes.append(onnx.helper.make_node("Identity", [value.name], [name], name=name))
        outputs.append(value._replace(name=name))
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            model.name,
            [_described(onnx, value) for value in inputs],
            [_described(onnx, value) for value in outputs],
            [onnx.numpy_helper.from_array(array, name) for name, array in graph.arrays.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        producer_name="scratchnn",
    )
    made.ir_version = onnx.helper.find_min_ir_version_for(made.opset_import)
    with replacing(path) as file:
        file.write(made.SerializeToString())
    if verbose is None or verbose:
        write(f"Saved artifact at '{path}'.\n")


def _write_call(graph: Graph, layer: Any, x: Any, name: str, options: Mapping[str, Any]) -> Value:
    """Write a layer's call; return the Value that comes out."""
    if layer.dtype != "float32":
        raise NotExportableError(f"dtype {layer.dtype}")
    graph.layer = name
    shape = output_shape(layer, x, options)
    x = [_cast(graph, layer, v) for v in x] if isinstance(x, list) else _cast(graph, layer, x)
    return Value(nodes(graph, layer, x, options), shape, output_dtype(layer, x))


def _cast(graph: Graph, layer: Any, x: Value) -> Value:
    if not is_cast(layer, x):
        return x
    floats = graph.op("Cast", x.name, to=import_onnx().TensorProto.FLOAT)
    return x._replace(name=floats, dtype=layer.dtype)


def _described(onnx: Any, value: Value) -> Any:
    """Return what says a tensor's name, dtype and shape; what is free has a name."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    free = ["N", *(f"{value.name}_{i}" for i in range(1, value.rank))]
    shape = [free[i] if n is None else n for i, n in enumerate(value.shape)]
    return onnx.helper.make_tensor_value_info(value.name, kind, shape)
