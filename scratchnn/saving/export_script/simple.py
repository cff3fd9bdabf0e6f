"""Layers of one expression, as expressions: dense layers, activations, shapes and sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.base import Layer
from ..exporting import NotExportableError, Value, same_ranks, sizes
from .code import Code
from .writing import Writer, activated, simple, unchanged, weights


def _dense(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w = weights(code, layer)
    y = code.call("dense", x.name, w["kernel"], *([w["bias"]] if "bias" in w else []))
    return activated(code, config["activation"], y)


def _embedding(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("embedding", x.name, weights(code, layer)["embeddings"])


def _masking(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"np.where(({x.name} != {config['mask_value']}).any(-1, keepdims=True), {x.name}, 0)"


def _activation(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return activated(code, config["activation"], x.name)


def _relu(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    defaults = {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}
    given = {key: config[key] for key, value in defaults.items() if config[key] != value}
    return code.call("relu", x.name, **given)


def _prelu(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("leaky_relu", x.name, weights(code, layer)["alpha"])


def _rescaling(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    numbers = []
    for key in ("scale", "offset"):
        value = config[key]
        value = value["config"]["value"] if isinstance(value, dict) else value
        array = np.asarray(value, layer.dtype)
        numbers.append(
            repr(value) if array.ndim == 0 else code.constant(f"{layer.name}/{key}", array)
        )
    return f"{x.name} * {numbers[0]} + {numbers[1]}"


# Shapes -------------------------------------------------------------------------------------------


def _flatten(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"{x.name}.reshape(len({x.name}), -1)"


def _reshape(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    sizes = ", ".join(map(str, config["target_shape"]))
    return f"{x.name}.reshape(len({x.name}), {sizes})"


def _permute(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"{x.name}.transpose(0, {', '.join(map(str, config['dims']))})"


def _repeat(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"np.repeat({x.name}[:, None], {config['n']}, axis=1)"


def _upsampling(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    if config.get("interpolation", "nearest") != "nearest":
        raise NotExportableError(f"interpolation={config['interpolation']!r}")
    return code.call("upsampling", x.name, sizes(config["size"], x.rank - 2))


def _zero_padding(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"np.pad({x.name}, [(0, 0), {_pairs(config['padding'], x)}, (0, 0)])"


def _cropping(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    cut = config["cropping"]
    pairs = [cut] if x.rank == 3 else cut
    slices = ", ".join(f"{a}:{-b if b else ''}" for a, b in pairs)
    return f"{x.name}[:, {slices}]"


def _pairs(padding: Any, x: Value) -> str:
    pairs = [padding] if x.rank == 3 else padding
    return ", ".join(f"({a}, {b})" for a, b in pairs)


# Several inputs -----------------------------------------------------------------------------------


def _between(sign: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
        same_ranks(x)
        return f" {sign} ".join(value.name for value in x)

    return write


def _average(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
    same_ranks(x)
    return f"({' + '.join(value.name for value in x)}) / {len(x)}"


def _extreme(function: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
        same_ranks(x)
        found = x[0].name
        for value in x[1:]:
            found = f"np.{function}({found}, {value.name})"
        return found

    return write


def _concatenate(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
    names = ", ".join(value.name for value in x)
    return f"np.concatenate([{names}], axis={config['axis']})"


_NOTHING_TO_DO = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise"),
    *("GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity"),
)

WRITERS: dict[str, Any] = {
    **dict.fromkeys(_NOTHING_TO_DO, unchanged),
    "Dense": _dense,
    "Embedding": _embedding,
    "Masking": _masking,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": simple("leaky_relu", negative_slope="negative_slope"),
    "ELU": simple("elu", alpha="alpha"),
    "PReLU": _prelu,
    "Softmax": simple("softmax", axis="axis"),
    "Rescaling": _rescaling,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **{f"UpSampling{n}D": _upsampling for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _zero_padding for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropping for n in (1, 2, 3)},
    "Add": _between("+"),
    "Subtract": _between("-"),
    "Multiply": _between("*"),
    "Average": _average,
    "Maximum": _extreme("maximum"),
    "Minimum": _extreme("minimum"),
    "Concatenate": _concatenate,
}
"""The writers by the names of classes of layers."""
