"""Recurrence and attention, as calls of functions of plain.py."""

from __future__ import annotations

from typing import Any

from ...layers.base import Layer
from ..exporting import NotExportableError, Value
from .code import Code
from .writing import function_name, weights


def _recurrent(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    for option in ("return_state", "stateful"):
        if config.get(option):
            raise NotExportableError(f"{option}=True")
    kind = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[type(layer).__name__]
    w = weights(code, layer)
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


WRITERS: dict[str, Any] = {
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "MultiHeadAttention": _attention,
}
"""The writers by the names of classes of layers."""
