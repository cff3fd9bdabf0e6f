"""What the writers of layers share: each returns the expression of what comes out of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...layers.base import Layer
from ..exporting import NotExportableError, Value
from . import plain
from .code import Code

Writer = Callable[[Code, Layer, dict[str, Any], Any], str]
"""Takes the code, the layer, its config and the Value that goes in, or a list of them; returns the
expression of what comes out."""


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


def weights(code: Code, layer: Layer) -> dict[str, str]:
    """Return what stands for each of a layer's own weights, by its name."""
    return {w.name: code.weight(layer, w) for w in layer.weights}


def unchanged(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
    """Write nothing: what comes out is what goes in."""
    return x.name


def simple(name: str, **renamed: str) -> Writer:
    """Return a writer of a call with the config's numbers as arguments."""

    def write(code: Code, layer: Layer, config: dict[str, Any], x: Value) -> str:
        return code.call(name, x.name, **{new: config[old] for new, old in renamed.items()})

    return write
