"""An ONNX graph while it is written: its nodes, and arrays by name.

Reference: ONNX Operators, version 18 of the default domain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Array
from ..exporting import NotExportableError

OPSET = 18
"""The oldest version of ONNX's operators that has all that is used."""

TO_THE_END = np.iinfo(np.int64).max
"""The end of a slice that goes to the last."""


def import_onnx() -> Any:
    """Return the module onnx.

    Raises:
        ImportError: if it is not installed; the message says what to do.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "Exporting to ONNX needs onnx: install it with `pip install onnx`; or write a script "
            'that needs nothing but NumPy, with model.export_script("predict.py").'
        ) from error
    return onnx


class Graph:
    """Nodes in the order of the data, and the arrays that they refer to.

    Attributes:
        nodes: the nodes.
        arrays: the weights and other constants, by name.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, Array] = {}
        self._weights: dict[int, str] = {}
        self._names: set[str] = set()
        self._make_node = import_onnx().helper.make_node
        self.layer = ""  # whose nodes are written

    def unique(self, name: str) -> str:
        """Return a name that nothing has: this one, or one like it."""
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its first output."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node; return the names of its outputs."""
        name = self.unique(f"{self.layer}/{kind}")
        names = [name, *(self.unique(f"{name}_{i}") for i in range(1, outputs))]
        self.nodes.append(self._make_node(kind, inputs, names, name=name, **attributes))
        return names

    def array(self, value: Any, dtype: Any = np.float32, name: str = "constant") -> str:
        """Return the name of an array that is in the graph."""
        found = self.unique(f"{self.layer}/{name}")
        self.arrays[found] = np.ascontiguousarray(value, dtype)
        return found

    def whole(self, *numbers: int) -> str:
        """Return the name of a vector of whole numbers: axes, or a shape."""
        return self.array(numbers, np.int64)

    def number(self, value: float) -> str:
        """Return the name of a number."""
        return self.array(np.float32(value).reshape(()))

    def weight(self, parameter: Any) -> str:
        """Return the name of a weight as it is; once in the graph, if layers share it."""
        if id(parameter) not in self._weights:
            name = self.array(parameter.value, name=parameter.name)
            self._weights[id(parameter)] = name
        return self._weights[id(parameter)]

    # Small steps ------------------------------------------------------------------------------

    def transposed(self, x: str, order: list[int]) -> str:
        """Return x with its axes in another order."""
        return x if order == sorted(order) else self.op("Transpose", x, perm=order)

    def channels_second(self, x: str, rank: int) -> str:
        """Return (N, C, *places) of (N, *places, C)."""
        return self.transposed(x, [0, rank - 1, *range(1, rank - 1)])

    def channels_last(self, x: str, rank: int) -> str:
        """Return (N, *places, C) of (N, C, *places)."""
        return self.transposed(x, [0, *range(2, rank), 1])

    def backwards(self, x: str, axis: int) -> str:
        """Return x with an axis the other way round."""
        ends = [self.whole(i) for i in (-1, -TO_THE_END, axis, -1)]
        return self.op("Slice", x, *ends)

    def activated(self, activation: Any, x: str) -> str:
        """Return an activation of x, by its name."""
        if activation in (None, "linear"):
            return x
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise NotExportableError(f"the activation {activation!r}")
        return ACTIVATIONS[activation](self, x)


# Activations --------------------------------------------------------------------------------------

Writer = Callable[[Graph, str], str]


def _op(kind: str, **attributes: Any) -> Writer:
    return lambda g, x: g.op(kind, x, **attributes)


def _clip(low: float, high: float) -> Writer:
    return lambda g, x: g.op("Clip", x, g.number(low), g.number(high))


def _gelu(g: Graph, x: str) -> str:
    erf = g.op("Erf", g.op("Mul", x, g.number(0.5**0.5)))
    return g.op("Mul", g.op("Mul", x, g.number(0.5)), g.op("Add", erf, g.number(1)))


ACTIVATIONS: dict[str, Writer] = {
    "celu": _op("Celu", alpha=1.0),
    "elu": _op("Elu", alpha=1.0),
    "exponential": _op("Exp"),
    "gelu": _gelu,
    "hard_shrink": _op("Shrink", lambd=0.5, bias=0.0),
    "hard_sigmoid": _op("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _op("HardSwish"),
    "hard_tanh": _clip(-1, 1),
    "leaky_relu": _op("LeakyRelu", alpha=0.2),
    "log_sigmoid": lambda g, x: g.op("Neg", g.op("Softplus", g.op("Neg", x))),
    "log_softmax": _op("LogSoftmax", axis=-1),
    "mish": _op("Mish"),
    "relu": _op("Relu"),
    "relu6": _clip(0, 6),
    "selu": _op("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "sigmoid": _op("Sigmoid"),
    "silu": lambda g, x: g.op("Mul", x, g.op("Sigmoid", x)),
    "soft_shrink": _op("Shrink", lambd=0.5, bias=0.5),
    "softmax": _op("Softmax", axis=-1),
    "softplus": _op("Softplus"),
    "softsign": _op("Softsign"),
    "tanh": _op("Tanh"),
    "tanh_shrink": lambda g, x: g.op("Sub", x, g.op("Tanh", x)),
}
"""What each activation becomes, by its name."""
