"""Every example in every docstring of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

import scratchnn

MODULES = [
    "scratchnn",
    *(m.name for m in pkgutil.walk_packages(scratchnn.__path__, "scratchnn.")),
]


def examples(module: ModuleType) -> Iterator[doctest.DocTest]:
    """Yield a module's docstrings with examples to run, each with `np` at hand."""
    for found in doctest.DocTestFinder().find(module, extraglobs={"np": np}):
        if any(not example.options.get(doctest.SKIP) for example in found.examples):
            yield found


ALL = [found for name in MODULES for found in examples(importlib.import_module(name))]


@pytest.mark.parametrize("example", ALL, ids=lambda found: found.name.removeprefix("scratchnn."))
def test_example(example):
    report: list[str] = []
    runner = doctest.DocTestRunner()
    failed, attempted = runner.run(example, out=report.append)
    assert attempted
    assert not failed, "".join(report)


def test_there_are_examples_in_all_parts_of_the_package():
    parts = {found.name.split(".")[1] for found in ALL if "." in found.name}
    assert {"activations", "layers", "losses", "metrics", "optimizers", "inspection"} <= parts
