"""What each layer becomes: an expression of plain NumPy, or a call of a function of plain.py.

Layers are known by what their configs say, as files know them. Those that run other layers are
here, the rest in a file for each family.
"""

from __future__ import annotations

from typing import Any

from ... import layers
from ...layers.base import Layer
from ..exporting import NotExportableError, Value, call_config, config_of
from ..serialization import public_module
from . import normalization, sequences, simple, windows
from .code import Code


def expression(code: Code, layer: Layer, x: Any, options: dict[str, Any]) -> str:
    """Return the code of a layer's call.

    Raises:
        NotExportableError: if it has none.
    """
    writer = WRITERS.get(type(layer).__name__)
    if writer is None or public_module(type(layer)) is None:
        raise NotExportableError(f"layers of the class {type(layer).__name__}")
    config = call_config(layer, options, (layers.MultiHeadAttention,))
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


WRITERS: dict[str, Any] = {
    **simple.WRITERS,
    **normalization.WRITERS,
    **windows.WRITERS,
    **sequences.WRITERS,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
"""The writers by the names of classes of layers."""
