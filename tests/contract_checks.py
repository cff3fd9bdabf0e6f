"""The contract's checks, to run on a table of one's own before it is part of cases.py's."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import test_contract
from case import Case

from scratchnn.inspection import check_gradients

VALUES = {"training": (False, True), "dtype": ("float32", "float64")}


def gradients_are_right(case: Case, training: bool) -> None:
    check_gradients(case.make(dtype=None), case.x(dtype="float64"), training=training)


def _wanted(check: Any, case: Case) -> bool:
    if "allocate" in check.__name__:
        return case.recycles
    return case.per_sample or check is not test_contract.test_a_batch_is_its_samples


def every_check(cases: Iterable[Case], inference_only: bool = False) -> pytest.MarkDecorator:
    """Return a mark that calls a test with `check`, for each rule of the contract and each case."""
    takes = {
        f: list(inspect.signature(f).parameters)
        for f in vars(test_contract).values()
        if inspect.isfunction(f) and f.__name__.startswith("test_")
    }
    rules = {f: names for f, names in takes.items() if "case" in names}
    rules[gradients_are_right] = ["case", "training"]
    found = []
    for case, (rule, names) in itertools.product(cases, rules.items()):
        options = [n for n in names if n != "case"]
        for values in itertools.product(*(VALUES[n] for n in options)):
            arguments = dict(zip(options, values, strict=True))
            if rule is gradients_are_right and arguments["training"] and not case.derivative:
                continue
            if _wanted(rule, case) and not (inference_only and arguments.get("training")):
                call = functools.partial(rule, case=case, **arguments)
                label = " ".join([case.name, rule.__name__, *map(str, values)])
                found.append(pytest.param(call, id=label))
    return pytest.mark.parametrize("check", found)


def assert_same(found: Any, expected: Any, **tolerance: float) -> None:
    """Check that two lists of arrays are equal: to the bit, or within a tolerance."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0, **tolerance})
