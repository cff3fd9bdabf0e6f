"""Convolutions and pooling, as calls of functions of plain.py."""

from __future__ import annotations

from typing import Any

from ...layers.base import Layer
from ..exporting import NotExportableError, Value, sizes
from .code import Code
from .writing import Writer, activated, weights


def _windows(config: dict[str, Any], rank: int) -> list[Any]:
    return [sizes(config["strides"], rank), f'"{config["padding"]}"']


def _conv(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = weights(code, layer), x.rank - 2
    groups = config["groups"] if config["groups"] != 1 else None
    dilation = sizes(config["dilation_rate"], rank)
    y = code.call(
        "conv",
        x.name,
        w["kernel"],
        w.get("bias", 0),
        *_windows(config, rank),
        dilation,
        groups=groups,
    )
    return activated(code, config["activation"], y)


def _depthwise_conv(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = weights(code, layer), x.rank - 2
    dilation = sizes(config["dilation_rate"], rank)
    call = (x.name, w["kernel"], w.get("bias", 0), *_windows(config, rank), dilation)
    return activated(code, config["activation"], code.call("depthwise_conv", *call))


def _separable_conv(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = weights(code, layer), x.rank - 2
    dilation = sizes(config["dilation_rate"], rank)
    call = (x.name, w["depthwise_kernel"], 0, *_windows(config, rank), dilation)
    inner = code.call("depthwise_conv", *call)
    once = [1] * rank
    y = code.call("conv", inner, w["pointwise_kernel"], w.get("bias", 0), once, '"valid"', once)
    return activated(code, config["activation"], y)


def _conv_transpose(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = weights(code, layer), x.rank - 2
    if config.get("output_padding") is not None:
        raise NotExportableError("output_padding")
    dilation = sizes(config["dilation_rate"], rank)
    call = (x.name, w["kernel"], w.get("bias", 0), *_windows(config, rank), dilation)
    return activated(code, config["activation"], code.call("conv_transpose", *call))


def _pooling(name: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
        rank = x.rank - 2
        return code.call(name, x.name, sizes(config["pool_size"], rank), *_windows(config, rank))

    return write


def _global_pooling(method: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
        axes = tuple(range(1, x.rank - 1))
        keep = ", keepdims=True" if config["keepdims"] else ""
        if x.mask is not None and method == "mean":
            if keep:
                raise NotExportableError("keepdims=True with a mask")
            total = f"({x.name} * {x.mask}[..., None]).sum(axis=1)"
            return f"{total} / {x.mask}.sum(axis=1, keepdims=True).astype({x.name}.dtype)"
        return f"{x.name}.{method}(axis={axes if len(axes) > 1 else axes[0]}{keep})"

    return write


WRITERS: dict[str, Any] = {
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise_conv for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable_conv for n in (1, 2)},
    **{f"Conv{n}DTranspose": _conv_transpose for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": _pooling("max_pooling") for n in (1, 2, 3)},
    **{f"AveragePooling{n}D": _pooling("average_pooling") for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}D": _global_pooling("mean") for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pooling("max") for n in (1, 2, 3)},
}
"""The writers by the names of classes of layers."""
