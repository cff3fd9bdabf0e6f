"""The code of a script while it is written: lines, weights by name, and the functions they use."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from typing import Any

from ...arrays import Array
from ...parameters import Parameter
from . import plain


class CannotExport(ValueError):
    """A layer, or an option of one, has no plain code here."""


class Code:
    """Lines of `predict`, and what they refer to.

    Attributes:
        lines: the lines, without indentation.
        weights: the arrays by the names in the script's W.
        functions: the names of the functions of plain.py that are called.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.weights: dict[str, Array] = {}
        self.functions: set[str] = set()
        self._names: dict[int, str] = {}

    def line(self, text: str = "") -> None:
        """Add a line."""
        self.lines.append(text)

    def call(self, function: str, *arguments: Any, **options: Any) -> str:
        """Return a call of a function of plain.py; options that are None are left out."""
        self.functions.add(function)
        named = [f"{key}={value}" for key, value in options.items() if value is not None]
        return f"{function}({', '.join([*map(str, arguments), *named])})"

    def weight(self, parameter: Parameter | None) -> str | None:
        """Return what stands for a weight; None for None."""
        if parameter is None:
            return None
        if id(parameter) not in self._names:
            path = parameter.path.partition("/")[2] or parameter.path
            name, number = path, 1
            while name in self.weights:
                number += 1
                name = f"{path}_{number}"
            self._names[id(parameter)] = name
            self.weights[name] = parameter.numpy()
        return f"W[{self._names[id(parameter)]!r}]"

    def constant(self, name: str, value: Array) -> str:
        """Return what stands for an array that is no weight."""
        path, number = name, 1
        while name in self.weights:
            number += 1
            name = f"{path}_{number}"
        self.weights[name] = value
        return f"W[{name!r}]"


def sources(functions: Iterable[str]) -> str:
    """Return the source of functions of plain.py and of those that they call, in its order."""
    whole = inspect.getsource(plain)
    found = {node.name: node for node in ast.parse(whole).body if isinstance(node, ast.FunctionDef)}
    needed, waiting = set(), list(functions)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            called = {node.id for node in ast.walk(found[name]) if isinstance(node, ast.Name)}
            waiting += [other for other in called if other in found]
    texts = [ast.get_source_segment(whole, node) for name, node in found.items() if name in needed]
    return "\n\n\n".join(text for text in texts if text)
