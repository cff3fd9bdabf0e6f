"""What each layer becomes: an expression of plain NumPy, or a call of a function of plain.py.

Layers are known by what their configs say, as files know them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import layers
from ...layers.base import Layer
from ..serialization import public_module
from . import plain
from .code import Code, NotExportableError


class Value(NamedTuple):
    """An array while the script runs: its variable, shape (N first), dtype, and mask's variable."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    mask: str | None = None

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)


Writer = Callable[[Code, Layer, dict[str, Any], Any], str]
"""Takes the code, the layer, its config and the Value that goes in, or a list of them; returns the
expression of what comes out."""


def expression(code: Code, layer: Layer, x: Any, options: dict[str, Any]) -> str:
    """Return the code of a layer's call.

    Raises:
        NotExportableError: if it has none.
    """
    writer = WRITERS.get(type(layer).__name__)
    if writer is None or public_module(type(layer)) is None:
        raise NotExportableError(f"layers of the class {type(layer).__name__}")
    unseen = ("training", "mask", "positional")
    given = {k: v for k, v in options.items() if k not in unseen and v is not False}
    config = config_of(layer)
    if given and not isinstance(layer, TAKES_OPTIONS):
        raise NotExportableError(f"calls with {', '.join(given)}")
    config = {**config, **given}
    if config.get("data_format") == "channels_first":
        return _channels_first(writer, code, layer, config, x)
    return str(writer(code, layer, config, x))


def _channels_first(writer: Any, code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    """Return the code of a call on (N, C, *places), which is (N, *places, C) meanwhile."""
    batch, channels, *places = x.shape
    moved = x._replace(name=f"{x.name}_last", shape=(batch, *places, channels))
    code.line(f"{moved.name} = np.moveaxis({x.name}, 1, -1)")
    y = str(writer(code, layer, config, moved))
    same = len(layer.compute_output_shape(x.shape)) == x.rank
    return f"np.moveaxis({y}, -1, 1)" if same else y


def config_of(layer: Layer) -> dict[str, Any]:
    """Return a layer's config, without which there is no code for it."""
    try:
        return layer.get_config()
    except (TypeError, NotImplementedError) as error:
        raise NotExportableError(f"what has no config ({error})") from None


def next_mask(layer: Layer, x: Any) -> str | None:
    """Return the expression of the mask of what comes out; None if there is none."""
    config = config_of(layer)
    if type(layer).__name__ == "Embedding":
        return f"{x.name} != 0" if config["mask_zero"] else None
    if type(layer).__name__ == "Masking":
        value = config["mask_value"]
        return f"({x.name} != {value}).any(axis=-1)"
    if isinstance(x, list):
        if any(value.mask for value in x):
            raise NotExportableError("masks of several inputs")
        return None
    if x.mask is None or not layer.supports_masking:
        return None
    if "return_sequences" in config and not config["return_sequences"]:
        return None
    return str(x.mask)


def activated(code: Code, activation: Any, y: str) -> str:
    """Return the expression of an activation of `y`."""
    name = function_name(code, activation)
    return y if name is None else f"{name}({y})"


def function_name(code: Code, activation: Any) -> str | None:
    """Return the name of an activation's function; None for that which changes nothing."""
    if activation in (None, "linear"):
        return None
    if not isinstance(activation, str) or not hasattr(plain, activation):
        raise NotExportableError(f"the activation {activation!r}")
    code.functions.add(activation)
    return activation


def _weights(code: Code, layer: Layer) -> dict[str, str]:
    """Return what stands for each of a layer's own weights, by its name."""
    return {w.name: code.weight(layer, w) for w in layer.weights}


def _unchanged(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return x.name


# Core ---------------------------------------------------------------------------------------------


def _dense(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w = _weights(code, layer)
    y = code.call("dense", x.name, w["kernel"], *([w["bias"]] if "bias" in w else []))
    return activated(code, config["activation"], y)


def _embedding(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("embedding", x.name, _weights(code, layer)["embeddings"])


def _masking(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return f"np.where(({x.name} != {config['mask_value']}).any(-1, keepdims=True), {x.name}, 0)"


def _activation(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return activated(code, config["activation"], x.name)


def _simple(name: str, **renamed: str) -> Writer:
    """Return a writer of a call with the config's numbers as arguments."""

    def write(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
        return code.call(name, x.name, **{new: config[old] for new, old in renamed.items()})

    return write


def _relu(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    defaults = {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}
    given = {key: config[key] for key, value in defaults.items() if config[key] != value}
    return code.call("relu", x.name, **given)


def _prelu(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("leaky_relu", x.name, _weights(code, layer)["alpha"])


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
    return code.call("upsampling", x.name, _sizes(config["size"], x.rank - 2))


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


def _sizes(value: Any, rank: int) -> list[int]:
    return [value] * rank if isinstance(value, int) else list(value)


# Normalization ------------------------------------------------------------------------------------


def _batch_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w = _weights(code, layer)
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
    w = _weights(code, layer)
    where = (x.name, _axes(config, x), config["epsilon"])
    return code.call("layer_normalization", *where, gamma=w.get("gamma"), beta=w.get("beta"))


def _rms_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    scale = _weights(code, layer)["scale"]
    return code.call("rms_normalization", x.name, _axes(config, x), config["epsilon"], scale)


def _unit_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    return code.call("unit_normalization", x.name, _axes(config, x))


def _group_normalization(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    axis = config["axis"] % x.rank
    w = _weights(code, layer)
    groups = config["groups"] if config["groups"] != -1 else x.shape[axis]
    last = axis == x.rank - 1
    name = x.name if last else f"np.moveaxis({x.name}, {axis}, -1)"
    call = (name, groups, config["epsilon"])
    y = code.call("group_normalization", *call, gamma=w.get("gamma"), beta=w.get("beta"))
    return y if last else f"np.moveaxis({y}, -1, {axis})"


# Convolution and pooling --------------------------------------------------------------------------


def _windows(config: dict[str, Any], rank: int) -> list[Any]:
    return [_sizes(config["strides"], rank), f'"{config["padding"]}"']


def _conv(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = _weights(code, layer), x.rank - 2
    groups = config["groups"] if config["groups"] != 1 else None
    dilation = _sizes(config["dilation_rate"], rank)
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
    w, rank = _weights(code, layer), x.rank - 2
    dilation = _sizes(config["dilation_rate"], rank)
    call = (x.name, w["kernel"], w.get("bias", 0), *_windows(config, rank), dilation)
    return activated(code, config["activation"], code.call("depthwise_conv", *call))


def _separable_conv(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = _weights(code, layer), x.rank - 2
    dilation = _sizes(config["dilation_rate"], rank)
    call = (x.name, w["depthwise_kernel"], 0, *_windows(config, rank), dilation)
    inner = code.call("depthwise_conv", *call)
    once = [1] * rank
    y = code.call("conv", inner, w["pointwise_kernel"], w.get("bias", 0), once, '"valid"', once)
    return activated(code, config["activation"], y)


def _conv_transpose(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    w, rank = _weights(code, layer), x.rank - 2
    if config.get("output_padding") is not None:
        raise NotExportableError("output_padding")
    dilation = _sizes(config["dilation_rate"], rank)
    call = (x.name, w["kernel"], w.get("bias", 0), *_windows(config, rank), dilation)
    return activated(code, config["activation"], code.call("conv_transpose", *call))


def _pooling(name: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
        rank = x.rank - 2
        return code.call(name, x.name, _sizes(config["pool_size"], rank), *_windows(config, rank))

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


# Recurrence ---------------------------------------------------------------------------------------


def _recurrent(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    for option in ("return_state", "stateful"):
        if config.get(option):
            raise NotExportableError(f"{option}=True")
    kind = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[type(layer).__name__]
    w = _weights(code, layer)
    functions = [_function(code, config["activation"])]
    if kind != "simple_rnn":
        functions.append(_function(code, config["recurrent_activation"]))
    if kind == "gru":
        functions.append(str(config["reset_after"]))
    return code.call(
        kind,
        x.name,
        w["kernel"],
        w["recurrent_kernel"],
        w.get("bias", 0),
        *functions,
        mask=x.mask,
        backwards=True if config["go_backwards"] else None,
        sequences=True if config["return_sequences"] else None,
        zero_masked=True if config.get("zero_output_for_mask") and x.mask else None,
    )


def _function(code: Code, activation: Any) -> str:
    return function_name(code, activation) or "np.asarray"


def _bidirectional(code: Code, layer: Any, config: dict[str, Any], x: Value) -> str:
    both = (layer.forward_layer, layer.backward_layer)
    forth, back = (expression(code, one, x, {}) for one in both)
    if both[1].get_config()["return_sequences"]:
        back = f"{back}[:, ::-1]"
    merged = {
        "concat": f"np.concatenate([{forth}, {back}], axis=-1)",
        "sum": f"{forth} + {back}",
        "mul": f"{forth} * {back}",
        "ave": f"({forth} + {back}) / 2",
    }
    if config["merge_mode"] not in merged:
        raise NotExportableError("merge_mode=None")
    return merged[config["merge_mode"]]


def _time_distributed(code: Code, layer: Any, config: dict[str, Any], x: Value) -> str:
    inner = Value(f"{x.name}_steps", (None, *x.shape[2:]), x.dtype)
    shape = ", ".join(f"{x.name}.shape[{i}]" for i in range(2, x.rank))
    code.line(f"{inner.name} = {x.name}.reshape(-1, {shape})")
    code.line(f"{inner.name} = {expression(code, layer.layer, inner, {})}")
    return f"{inner.name}.reshape(*{x.name}.shape[:2], *{inner.name}.shape[1:])"


# Attention ----------------------------------------------------------------------------------------


def _attention(code: Code, layer: Any, config: dict[str, Any], x: Any) -> str:
    named = dict(zip(config.get("tensors", ("query", "value", "key")), x, strict=False))
    supported = {"query", "value", "key"}
    for option in ("use_gate", "sliding_window", "attention_mask", "return_attention_scores"):
        if config.get(option) is not None and config[option] is not False:
            raise NotExportableError(f"{option}={config[option]!r}")
    if not set(named) <= supported or any(value.mask for value in x):
        raise NotExportableError("attention with masks")
    names = [code.weight(layer, w) for w in layer.weights]
    if any(value.rank != 3 for value in x) or layer.weights[-1].value.ndim > 3:
        raise NotExportableError("attention over more axes than time")
    with_bias = config["use_bias"]
    biases = names[1::2] if with_bias else ["np.zeros((1, 1))"] * 4
    if with_bias and layer.weights[-1].value.ndim != 1:
        raise NotExportableError("output_shape of several axes")
    kernels = names[::2] if with_bias else names
    heads = [f"({kernel}, {bias})" for kernel, bias in zip(kernels, biases, strict=True)]
    query, value = named["query"], named["value"]
    key = named.get("key") or value
    causal = True if config.get("use_causal_mask") else None
    inputs = (query.name, key.name, value.name)
    return code.call("attention", *inputs, f"[{', '.join(heads)}]", causal=causal)


# Several inputs -----------------------------------------------------------------------------------


def _between(sign: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
        _same_ranks(x)
        return f" {sign} ".join(value.name for value in x)

    return write


def _average(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
    _same_ranks(x)
    return f"({' + '.join(value.name for value in x)}) / {len(x)}"


def _extreme(function: str) -> Writer:
    def write(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
        _same_ranks(x)
        found = x[0].name
        for value in x[1:]:
            found = f"np.{function}({found}, {value.name})"
        return found

    return write


def _same_ranks(x: list[Value]) -> None:
    if len({value.rank for value in x}) > 1:
        raise NotExportableError("inputs of different numbers of axes")


def _concatenate(code: Code, layer: Layer, config: dict[str, Any], x: list[Value]) -> str:
    names = ", ".join(value.name for value in x)
    return f"np.concatenate([{names}], axis={config['axis']})"


_NOTHING_TO_DO = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise"),
    *("GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity"),
)

WRITERS: dict[str, Any] = {
    **dict.fromkeys(_NOTHING_TO_DO, _unchanged),
    "Dense": _dense,
    "Embedding": _embedding,
    "Masking": _masking,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _simple("leaky_relu", negative_slope="negative_slope"),
    "ELU": _simple("elu", alpha="alpha"),
    "PReLU": _prelu,
    "Softmax": _simple("softmax", axis="axis"),
    "Rescaling": _rescaling,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **{f"UpSampling{n}D": _upsampling for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _zero_padding for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropping for n in (1, 2, 3)},
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "GroupNormalization": _group_normalization,
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise_conv for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable_conv for n in (1, 2)},
    **{f"Conv{n}DTranspose": _conv_transpose for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": _pooling("max_pooling") for n in (1, 2, 3)},
    **{f"AveragePooling{n}D": _pooling("average_pooling") for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}D": _global_pooling("mean") for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pooling("max") for n in (1, 2, 3)},
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
    "MultiHeadAttention": _attention,
    "Add": _between("+"),
    "Subtract": _between("-"),
    "Multiply": _between("*"),
    "Average": _average,
    "Maximum": _extreme("maximum"),
    "Minimum": _extreme("minimum"),
    "Concatenate": _concatenate,
}
"""The writers by the names of classes of layers."""

TAKES_OPTIONS: tuple[type, ...] = tuple(
    getattr(layers, name) for name in ("MultiHeadAttention",) if name in layers.__all__
)
