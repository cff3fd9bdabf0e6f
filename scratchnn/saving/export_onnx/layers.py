"""What each layer becomes: nodes of an ONNX graph. Convolutions and recurrence: see windows.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...layers.base import Layer
from ..exporting import NotExportableError, Value, call_config, same_ranks, sizes
from ..serialization import public_module
from . import windows
from .graph import TO_THE_END, Graph, import_onnx


def nodes(g: Graph, layer: Layer, x: Any, options: Mapping[str, Any]) -> str:
    """Write the nodes of a layer's call; return the name of what comes out.

    Raises:
        NotExportableError: if it has none.
    """
    writer = WRITERS.get(type(layer).__name__)
    if writer is None or public_module(type(layer)) is None:
        raise NotExportableError(f"layers of the class {type(layer).__name__}")
    config = call_config(layer, options, ())
    if config.get("data_format") == "channels_first":
        return _channels_first(writer, g, layer, config, x)
    return str(writer(g, layer, config, x))


def _channels_first(writer: Any, g: Graph, layer: Layer, config: Any, x: Value) -> str:
    batch, channels, *places = x.shape
    moved = x._replace(name=g.channels_last(x.name, x.rank), shape=(batch, *places, channels))
    y = str(writer(g, layer, config, moved))
    same = len(layer.compute_output_shape(x.shape)) == x.rank
    return g.channels_second(y, x.rank) if same else y


def _unchanged(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return x.name


# Core ---------------------------------------------------------------------------------------------


def _dense(g: Graph, layer: Any, config: Any, x: Value) -> str:
    y = g.op("MatMul", x.name, g.weight(layer.kernel))
    y = g.op("Add", y, g.weight(layer.bias)) if config["use_bias"] else y
    return g.activated(config["activation"], y)


def _embedding(g: Graph, layer: Any, config: Any, x: Value) -> str:
    if config["mask_zero"]:
        raise NotExportableError("mask_zero=True")
    rows = g.op("Cast", x.name, to=import_onnx().TensorProto.INT64)
    return g.op("Gather", g.weight(layer.embeddings), rows, axis=0)


def _activation(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return g.activated(config["activation"], x.name)


def _relu(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    if config["threshold"]:
        raise NotExportableError(f"threshold={config['threshold']}")
    y = g.op("LeakyRelu", x.name, alpha=float(config["negative_slope"]))
    if config["max_value"] is not None:
        y = g.op("Min", y, g.number(config["max_value"]))
    return y


def _prelu(g: Graph, layer: Any, config: Any, x: Value) -> str:
    return g.op("PRelu", x.name, g.weight(layer.weights[0]))


def _softmax(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    if not isinstance(config["axis"], int):
        raise NotExportableError(f"axis={config['axis']}")
    return g.op("Softmax", x.name, axis=config["axis"])


def _sloped(kind: str, option: str) -> Any:
    return lambda g, layer, config, x: g.op(kind, x.name, alpha=float(config[option]))


def _rescaling(g: Graph, layer: Any, config: Any, x: Value) -> str:
    scale, offset = (g.array(value) for value in (layer.scale, layer.offset))
    return g.op("Add", g.op("Mul", x.name, scale), offset)


def _normalization(g: Graph, layer: Any, config: Any, x: Value) -> str:
    if config["invert"]:
        raise NotExportableError("invert=True")
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), np.float32(1e-7))
    centered = g.op("Sub", x.name, g.array(np.asarray(layer.mean)))
    return g.op("Div", centered, g.array(deviation))


# Shapes -------------------------------------------------------------------------------------------


def _flatten(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return g.op("Reshape", x.name, g.whole(0, -1))


def _reshape(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return g.op("Reshape", x.name, g.whole(0, *config["target_shape"]))


def _permute(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return g.transposed(x.name, [0, *config["dims"]])


def _repeat(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    return g.op("Tile", g.op("Unsqueeze", x.name, g.whole(1)), g.whole(1, config["n"], 1))


def _upsampling(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    if config.get("interpolation", "nearest") != "nearest":
        raise NotExportableError(f"interpolation={config['interpolation']!r}")
    scales = g.array([1, *sizes(config["size"], x.rank - 2), 1])
    how = {"mode": "nearest", "nearest_mode": "floor"}
    where = {"coordinate_transformation_mode": "asymmetric"}
    return g.op("Resize", x.name, "", scales, **how, **where)


def _pairs(value: Any, x: Value) -> list[tuple[int, int]]:
    return [tuple(value)] if x.rank == 3 else [tuple(pair) for pair in value]


def _zero_padding(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    before, after = zip(*_pairs(config["padding"], x), strict=True)
    return g.op("Pad", x.name, g.whole(0, *before, 0, 0, *after, 0))


def _cropping(g: Graph, layer: Layer, config: Any, x: Value) -> str:
    before, after = zip(*_pairs(config["cropping"], x), strict=True)
    ends = g.whole(*(-n if n else TO_THE_END for n in after))
    return g.op("Slice", x.name, g.whole(*before), ends, g.whole(*range(1, x.rank - 1)))


# Normalization ------------------------------------------------------------------------------------


def _batch_normalization(g: Graph, layer: Any, config: Any, x: Value) -> str:
    """Y = x scale + (beta - mean scale), with what is constant computed now."""
    weights = {w.name: w.value.astype(np.float64) for w in layer.weights}
    scale = weights.get("gamma", 1) / np.sqrt(weights["moving_variance"] + config["epsilon"])
    shift = weights.get("beta", 0) - weights["moving_mean"] * scale
    shape = [-1 if i == config["axis"] % x.rank else 1 for i in range(x.rank)]
    scaled = g.op("Mul", x.name, g.array(scale.reshape(shape)))
    return g.op("Add", scaled, g.array(shift.reshape(shape)))


def _layer_normalization(g: Graph, layer: Any, config: Any, x: Value) -> str:
    axis = config["axis"]
    axes = sorted(i % x.rank for i in (axis if isinstance(axis, list | tuple) else [axis]))
    if axes != list(range(axes[0], x.rank)):
        raise NotExportableError(f"axis={axis}")
    named = {w.name: w for w in layer.weights}
    shape = [x.shape[i] or 1 for i in axes]
    gamma = g.weight(named["gamma"]) if "gamma" in named else g.array(np.ones(shape))
    beta = [g.weight(named["beta"])] if "beta" in named else []
    options = {"axis": axes[0], "epsilon": float(config["epsilon"])}
    return g.op("LayerNormalization", x.name, gamma, *beta, **options)


# Several inputs -----------------------------------------------------------------------------------


def _between(kind: str) -> Any:
    def write(g: Graph, layer: Layer, config: Any, x: list[Value]) -> str:
        same_ranks(x)
        found = x[0].name
        for value in x[1:]:
            found = g.op(kind, found, value.name)
        return found

    return write


def _average(g: Graph, layer: Layer, config: Any, x: list[Value]) -> str:
    return g.op("Div", _between("Add")(g, layer, config, x), g.number(len(x)))


def _concatenate(g: Graph, layer: Layer, config: Any, x: list[Value]) -> str:
    return g.op("Concat", *(value.name for value in x), axis=config["axis"])


# Layers that run others ---------------------------------------------------------------------------


def _bidirectional(g: Graph, layer: Any, config: Any, x: Value) -> str:
    forth, back = (nodes(g, one, x, {}) for one in (layer.forward_layer, layer.backward_layer))
    if layer.backward_layer.get_config()["return_sequences"]:
        back = g.backwards(back, 1)
    mode = config["merge_mode"]
    if mode == "concat":
        return g.op("Concat", forth, back, axis=-1)
    if mode not in ("sum", "mul", "ave"):
        raise NotExportableError(f"merge_mode={mode!r}")
    y = g.op("Mul" if mode == "mul" else "Add", forth, back)
    return g.op("Mul", y, g.number(0.5)) if mode == "ave" else y


def _time_distributed(g: Graph, layer: Any, config: Any, x: Value) -> str:
    shape = layer.compute_output_shape(x.shape)
    if None in x.shape[2:] or None in shape[1:]:
        raise NotExportableError("TimeDistributed over a number of steps that is not known")
    steps = g.op("Reshape", x.name, g.whole(-1, *x.shape[2:]))  # type: ignore[arg-type]
    inner = nodes(g, layer.layer, Value(steps, (None, *x.shape[2:]), x.dtype), {})
    return g.op("Reshape", inner, g.whole(-1, *shape[1:]))


_NOTHING_TO_DO = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise"),
    *("GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity"),
)

WRITERS: dict[str, Any] = {
    **dict.fromkeys(_NOTHING_TO_DO, _unchanged),
    "Dense": _dense,
    "Embedding": _embedding,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _sloped("LeakyRelu", "negative_slope"),
    "ELU": _sloped("Elu", "alpha"),
    "PReLU": _prelu,
    "Softmax": _softmax,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **{f"UpSampling{n}D": _upsampling for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _zero_padding for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropping for n in (1, 2, 3)},
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Add": _between("Add"),
    "Subtract": _between("Sub"),
    "Multiply": _between("Mul"),
    "Maximum": _between("Max"),
    "Minimum": _between("Min"),
    "Average": _average,
    "Concatenate": _concatenate,
    **windows.WRITERS,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
"""The writers by the names of classes of layers."""
