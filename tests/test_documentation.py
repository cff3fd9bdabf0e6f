"""Every public name says what it does: a sentence, its arguments, an example that runs.

The examples themselves are run by test_doctests.py.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import scratchnn

REFUSED = {
    # Of Keras's constructors: any value but the default is an error that says why.
    *("lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size"),
    *("sparse", "ragged", "tensor", "input_tensor", "optional"),
    # Of activations: where to write y, for the buffers of layers.
    "out",
}
"""Arguments that no docstring has to list."""

RESULTS = {"Trace", "Report", "Difference", "Scores"}
"""Classes of what a function returns; that function's example shows them."""

AS_ANOTHER = re.compile(r"Arguments: as |as for every |as every ")
"""What sends the reader on to a list of arguments that stands elsewhere."""

NOTHING_TO_SHOW = re.compile(r"Not supported|Do nothing|Refuse")
"""How the docstring begins of what there is for Keras's sake alone."""


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield the public modules, and the public modules in them."""
    found = [(name, getattr(scratchnn, name)) for name in scratchnn.__all__]
    stack = [(name, value) for name, value in found if inspect.ismodule(value)]
    while stack:
        name, module = stack.pop(0)
        yield name, module
        for inner in getattr(module, "__all__", ()):
            value = getattr(module, inner)
            if inspect.ismodule(value):
                stack.append((f"{name}.{inner}", value))


def public_names() -> Iterator[tuple[str, Any]]:
    """Yield every public class and function, the first time it comes up."""
    places = [("", scratchnn, scratchnn.__all__)]
    places += [(f"{name}.", module, _names(module)) for name, module in modules()]
    seen: set[int] = set()
    for prefix, module, names in places:
        for name in names:
            value = getattr(module, name)
            if callable(value) and id(value) not in seen:
                seen.add(id(value))
                yield prefix + name, value


def _names(module: ModuleType) -> list[str]:
    """Return what is public in a module: its __all__; without one, what it defines itself."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    own = [(n, v) for n, v in vars(module).items() if not n.startswith("_")]
    return [n for n, v in own if getattr(v, "__module__", None) == module.__name__]


NAMES = dict(public_names())
MODULES = dict(modules())
every_name = pytest.mark.parametrize("name", NAMES)


def docstring(name: str) -> str:
    value = NAMES[name]
    written = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(written or "")


def parameters(name: str) -> list[str]:
    """Return the arguments of a function, or of a class's constructor."""
    try:
        signature = inspect.signature(NAMES[name])
    except ValueError:  # of a class that is made by what it extends
        return []
    kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return [p.name for p in signature.parameters.values() if p.kind not in kinds]


def lacks(name: str) -> list[str]:
    """Return what the docstring of a public name does not have, and should."""
    text, found = docstring(name), []
    first = text.split("\n\n")[0]
    if not re.search(r"[.:?]$", first):
        found.append("a sentence at its head")
    ops = name.startswith("ops.")  # NumPy's and Keras's arguments: its modules have the examples
    if not ops and not AS_ANOTHER.search(text):
        unknown = [p for p in parameters(name) if not re.search(rf"\b{re.escape(p)}\b", text)]
        found += [f"the argument {p}" for p in unknown if p not in REFUSED]
    if (
        ">>>" not in text
        and not ops
        and name.split(".")[-1] not in RESULTS
        and not NOTHING_TO_SHOW.match(text)
    ):
        found.append("an example")
    return found


@every_name
def test_a_public_name_is_documented(name: str) -> None:
    assert lacks(name) == []


@every_name
def test_sections_stand_in_the_order_of_the_house(name: str) -> None:
    order = ["Arguments:", "Shape:", "Attributes:", "Returns:", "Raises:", "Example:", "Reference:"]
    lines = docstring(name).splitlines()
    heads = [line for line in lines if line in ("Arguments:", "Raises:", "Example:", "Reference:")]
    assert heads == sorted(heads, key=order.index)


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_says_what_it_holds(name: str) -> None:
    assert re.search(r"[.:]$", (MODULES[name].__doc__ or "").strip().split("\n\n")[0])


def test_modules_of_operations_have_examples() -> None:
    parts = [v for v in vars(scratchnn.ops).values() if inspect.ismodule(v)]
    for module in parts:
        members = [v for v in vars(module).values() if callable(v)]
        texts = [module.__doc__ or "", *(v.__doc__ or "" for v in members)]
        assert any(">>>" in text for text in texts), module.__name__


def test_the_test_itself_finds_what_is_missing() -> None:
    def bare(x: int) -> int:
        return x

    def half(x: int, y: int) -> int:
        """Return x"""
        return x + y

    def whole(x: int) -> int:
        """Return x.

        Example:
            >>> whole(1)
            1
        """
        return x

    examples = {"bare": bare, "half": half, "whole": whole}
    NAMES.update(examples)
    try:
        assert lacks("bare") == ["a sentence at its head", "the argument x", "an example"]
        assert lacks("half") == ["a sentence at its head", "the argument y", "an example"]
        assert lacks("whole") == []
    finally:
        for name in examples:
            del NAMES[name]
    assert len(NAMES) > 700
