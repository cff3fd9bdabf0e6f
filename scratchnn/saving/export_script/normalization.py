"""Normalizations, as calls of functions of plain.py."""

from __future__ import annotations

from typing import Any

from ...layers.base import Layer
from ..exporting import Value
from .code import Code
from .writing import weights


def _batch_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w = weights(code, layer)
    return code.call(
        "batch_normalization",
        x.name,
        config["axis"] % x.rank,
        w["moving_mean"],
        w["moving_variance"],
        config["epsilon"],
        gamma=w.get("gamma"),
        beta=w.get("beta"),
    )


def _axes(config: dict[str, Any], x: Value) -> list[int]:
    axis = config["axis"]
    return sorted(i % x.rank for i in (axis if isinstance(axis, list | tuple) else [axis]))


def _layer_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w = weights(code, layer)
    where = (x.name, _axes(config, x), config["epsilon"])
    return code.call("layer_normalization", *where, gamma=w.get("gamma"), beta=w.get("beta"))


def _rms_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    scale = weights(code, layer)["scale"]
    return code.call("rms_normalization", x.name, _axes(config, x), config["epsilon"], scale)


def _unit_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("unit_normalization", x.name, _axes(config, x))


def _group_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    axis = config["axis"] % x.rank
    w = weights(code, layer)
    groups = config["groups"] if config["groups"] != -1 else x.shape[axis]
    last = axis == x.rank - 1
    name = x.name if last else f"np.moveaxis({x.name}, {axis}, -1)"
    call = (name, groups, config["epsilon"])
    y = code.call("group_normalization", *call, gamma=w.get("gamma"), beta=w.get("beta"))
    return y if last else f"np.moveaxis({y}, -1, {axis})"


WRITERS: dict[str, Any] = {
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "GroupNormalization": _group_normalization,
}
"""The writers by the names of classes of layers."""
