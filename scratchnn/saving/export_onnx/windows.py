"""Convolutions, pooling and recurrence, as nodes of an ONNX graph.

ONNX has the channels before the places, and time before the batch; what comes in is turned around,
and what goes out is turned back. Engines leave out pairs of these that undo each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ..exporting import NotExportableError, Value, sizes
from .graph import Graph

# Convolutions -------------------------------------------------------------------------------------


def _where(config: Any, x: Value, size: list[int]) -> dict[str, Any]:
    """Return the attributes of windows of this size: steps, and what is added at the edges."""
    rank = x.rank - 2
    strides = sizes(config["strides"], rank)
    dilation = sizes(config.get("dilation_rate", 1), rank)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    before, after = [0] * rank, [0] * rank
    if config["padding"] == "causal":
        before = [span - 1 for span in spans]
    elif config["padding"] == "same":
        for i, (n, s, span) in enumerate(zip(x.shape[1:-1], strides, spans, strict=True)):
            if n is None and s > 1:
                raise NotExportableError("padding='same' with strides over an unknown number")
            total = span - 1 if n is None else max((-(-n // s) - 1) * s + span - n, 0)
            before[i], after[i] = total // 2, total - total // 2
    found = {"kernel_shape": size, "strides": strides, "pads": [*before, *after]}
    return found if max(dilation) == 1 else {**found, "dilations": dilation}


def _convolution(
    g: Graph, config: Any, x: Value, kernel: Array, groups: int, bias: Any, activation: Any
) -> str:
    """Write one: its kernel is (*size, C / groups, F), its bias a weight or None."""
    rank = x.rank - 2
    turned = g.array(np.moveaxis(kernel, (-1, -2), (0, 1)), name="kernel")
    given = [g.channels_second(x.name, x.rank), turned]
    given += [] if bias is None else [g.weight(bias)]
    y = g.op("Conv", *given, group=groups, **_where(config, x, list(kernel.shape[:rank])))
    return g.activated(activation, g.channels_last(y, x.rank))


def _conv(g: Graph, layer: Any, config: Any, x: Value) -> str:
    bias = layer.bias if config["use_bias"] else None
    kernel, groups = layer.kernel.value, config["groups"]
    return _convolution(g, config, x, kernel, groups, bias, config["activation"])


def _by_channel(kernel: Array) -> Array:
    """Return the kernel (*size, C, M) as that of C groups of one channel, (*size, 1, C M)."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _depthwise_conv(g: Graph, layer: Any, config: Any, x: Value) -> str:
    weights = {w.name: w for w in layer.weights}
    kernel = weights["kernel"].value
    groups, bias = kernel.shape[-2], weights.get("bias")
    return _convolution(g, config, x, _by_channel(kernel), groups, bias, config["activation"])


def _separable_conv(g: Graph, layer: Any, config: Any, x: Value) -> str:
    weights = {w.name: w for w in layer.weights}
    kernel = weights["depthwise_kernel"].value
    inner = _convolution(g, config, x, _by_channel(kernel), kernel.shape[-2], None, None)
    once = {"strides": 1, "padding": "valid"}
    pointwise = weights["pointwise_kernel"].value
    y = x._replace(name=inner)
    return _convolution(g, once, y, pointwise, 1, weights.get("bias"), config["activation"])


def _conv_transpose(g: Graph, layer: Any, config: Any, x: Value) -> str:
    if config.get("output_padding") is not None:
        raise NotExportableError("output_padding")
    rank = x.rank - 2
    strides, dilation = (sizes(config[key], rank) for key in ("strides", "dilation_rate"))
    size = layer.kernel.shape[:rank]
    over = [(k - 1) * d + 1 - s for k, d, s in zip(size, dilation, strides, strict=True)]
    cut = [max(n, 0) if config["padding"] == "same" else 0 for n in over]
    pads = [*(n // 2 for n in cut), *(n - n // 2 for n in cut)]
    kernel = np.moveaxis(layer.kernel.value, (-1, -2), (0, 1))
    given = [g.channels_second(x.name, x.rank), g.array(kernel, name="kernel")]
    given += [g.weight(layer.bias)] if config["use_bias"] else []
    more = {"output_padding": [max(-n, 0) for n in over], "dilations": dilation}
    y = g.op("ConvTranspose", *given, strides=strides, pads=pads, **more)
    return g.activated(config["activation"], g.channels_last(y, x.rank))


# Pooling ------------------------------------------------------------------------------------------


def _pooling(kind: str) -> Any:
    def write(g: Graph, layer: Any, config: Any, x: Value) -> str:
        size = sizes(config["pool_size"], x.rank - 2)
        y = g.op(kind, g.channels_second(x.name, x.rank), **_where(config, x, size))
        return g.channels_last(y, x.rank)

    return write


def _global_pooling(kind: str) -> Any:
    def write(g: Graph, layer: Any, config: Any, x: Value) -> str:
        axes = g.whole(*range(1, x.rank - 1))
        return g.op(kind, x.name, axes, keepdims=int(config["keepdims"]))

    return write


# Recurrence ---------------------------------------------------------------------------------------

_FUNCTIONS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "softsign": "Softsign"}

_KINDS = {"SimpleRNN": ("RNN", [0]), "LSTM": ("LSTM", [0, 3, 1, 2]), "GRU": ("GRU", [0, 1, 2])}
"""The node of each, and the gates in ONNX's order by their numbers in Keras's."""


def _recurrent(g: Graph, layer: Any, config: Any, x: Value) -> str:
    for option in ("return_state", "stateful"):
        if config.get(option):
            raise NotExportableError(f"{option}=True")
    kind, order = _KINDS[type(layer).__name__]
    functions = [config["activation"]]
    if kind != "RNN":
        functions.insert(0, config["recurrent_activation"])
    functions += [config["activation"]] if kind == "LSTM" else []
    for name in functions:
        if name not in _FUNCTIONS:
            raise NotExportableError(f"the activation {name!r} in a recurrence")
    options: dict[str, Any] = {
        "hidden_size": config["units"],
        "activations": [_FUNCTIONS[name] for name in functions],
        "direction": "reverse" if config["go_backwards"] else "forward",
    }
    if kind == "GRU":
        options["linear_before_reset"] = int(config["reset_after"])

    def turned(weight: Array) -> Array:
        """Return (..., gates U) as ONNX has it: gates in its order, and the first axis last."""
        gates = np.split(weight, len(order), axis=-1)
        return np.concatenate([gates[i] for i in order], axis=-1).T

    weights = {w.name: w.value for w in layer.weights}
    given = [turned(weights["kernel"])[None], turned(weights["recurrent_kernel"])[None]]
    if "bias" in weights:
        bias = turned(weights["bias"]).T
        both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        given.append(both.reshape(1, -1))
    names = [g.array(array, name="weights") for array in given]
    steps = g.transposed(x.name, [1, 0, 2])
    every, last = g.ops(kind, steps, *names, outputs=2, **options)
    if not config["return_sequences"]:
        return g.op("Squeeze", last, g.whole(0))
    y = g.transposed(g.op("Squeeze", every, g.whole(1)), [1, 0, 2])
    return g.backwards(y, 1) if config["go_backwards"] else y


WRITERS: dict[str, Any] = {
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise_conv for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable_conv for n in (1, 2)},
    **{f"Conv{n}DTranspose": _conv_transpose for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": _pooling("MaxPool") for n in (1, 2, 3)},
    **{f"AveragePooling{n}D": _pooling("AveragePool") for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}D": _global_pooling("ReduceMean") for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pooling("ReduceMax") for n in (1, 2, 3)},
    **dict.fromkeys(_KINDS, _recurrent),
}
"""The writers by the names of classes of layers."""
