"""The code of a script while it is written: lines, weights by name, and the functions they use."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable
from typing import Any

from ...arrays import Array
from ...parameters import Parameter
from . import plain


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
        self._variables: set[str] = set()

    def line(self, text: str = "") -> None:
        """Add a line, as several if it is long."""
        self.lines += wrapped(text)

    def variable(self, name: str) -> str:
        """Return a name for an array that no other has: this one, or one like it."""
        found, number = name, 1
        while found in self._variables:
            number += 1
            found = f"{name}_{number}"
        self._variables.add(found)
        return found

    def call(self, function: str, *arguments: Any, **options: Any) -> str:
        """Return a call of a function of plain.py; options that are None are left out."""
        self.functions.add(function)
        named = [f"{key}={value}" for key, value in options.items() if value is not None]
        return f"{function}({', '.join([*map(str, arguments), *named])})"

    def weight(self, layer: Any, parameter: Parameter) -> str:
        """Return what stands for a weight of a layer."""
        if id(parameter) not in self._names:
            name = f"{layer.name}/{parameter.name}"
            self._names[id(parameter)] = self.constant(name, parameter.numpy())
        return self._names[id(parameter)]

    def constant(self, name: str, value: Array) -> str:
        """Return what stands for an array, which goes by this name or one like it."""
        name = found = harmless(name)
        number = 1
        while found in self.weights:
            number += 1
            found = f"{name}_{number}"
        self.weights[found] = value
        return f"W[{json.dumps(found)}]"


def harmless(name: str) -> str:
    """Return a name for a comment: one from a hostile file might end it, and be run."""
    return re.sub(r"[^\w ./-]", "_", name)


def wrapped(line: str, width: int = 92) -> list[str]:
    """Return a line of code as several: the arguments of calls one by one, where it is long."""
    if len(line) <= width:
        return [line]
    start = line.find("(") + 1
    if not start:
        return [line]
    parts, depth, last = [], 1, start
    end = start
    while depth and end < len(line):
        character = line[end]
        depth += (character in "([{") - (character in ")]}")
        if depth == 1 and character == ",":
            parts.append(line[last:end].strip())
            last = end + 1
        end += 1
    parts.append(line[last : end - 1].strip())
    is_call = line[start - 2 : start - 1].isidentifier()
    if is_call or len(parts) > 1:  # a comma would make a tuple of what is only grouped
        parts = [f"{part}," for part in parts]
    inside = [f"    {text}" for part in parts for text in wrapped(part, width - 4)]
    return [line[:start], *inside, *wrapped(line[end - 1 :], width)]


def sources(functions: Iterable[str]) -> str:
    """Return the source of functions of plain.py and of those that they call, in its order."""
    whole = inspect.getsource(plain)
    found = {node.name: node for node in ast.parse(whole).body if isinstance(node, ast.FunctionDef)}
    needed, waiting = set(), list(functions)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            calls = [node.func for node in ast.walk(found[name]) if isinstance(node, ast.Call)]
            waiting += [f.id for f in calls if isinstance(f, ast.Name) and f.id in found]
    texts = [ast.get_source_segment(whole, node) for name, node in found.items() if name in needed]
    return "\n\n\n".join(text for text in texts if text)
