"""The conformance table: every layer has a row here, and every row goes through the same tests.

A new layer needs one line per way to use it; tests/test_contract.py and tests/test_gradients.py do
the rest. Keep inputs small: gradients are checked against differences of the outputs.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from case import Case

from scratchnn import activations, layers
from scratchnn.layers import Layer
from scratchnn.layers import base as layers_base
from scratchnn.models import Sequential


def example(module: ModuleType) -> dict[str, Any]:
    """Return what the example at the head of a module defines: a class of the user's own."""
    _, _, code = inspect.getdoc(module).partition("\n    class ")  # type: ignore[union-attr]
    lines = []
    for line in ("    class " + code).splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    scope = {"np": np, **vars(module)}
    known = set(scope)
    exec(textwrap.dedent("\n".join(lines)), scope)
    return {name: value for name, value in scope.items() if name not in known}


Scale: type[Layer] = example(layers_base)["Scale"]


def cubic(x):
    return x**3 / 3


cubic.gradient = lambda dy, x, y: dy * x**2  # type: ignore[attr-defined]


ACTIVATIONS = sorted({f.__name__ for f in activations.DERIVATIVES} - {"threshold"})
"""The names that stand for an activation; a threshold needs arguments."""

SORTS = ("sparsemax",)  # whose memory is not recycled


def _dense(*args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: layers.Dense(*args, **options, dtype=dtype)


def _of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def _inner(outer: Any, inner: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes a layer whose activation is another layer."""
    before = (8,) if outer is layers.Dense else ()
    return lambda dtype: outer(
        *before, activation=inner(*args, **options, dtype=dtype), dtype=dtype
    )


PARTIALS: list[tuple[Any, dict[str, Any], bool]] = [
    (activations.relu, {"max_value": 0.9}, True),
    (activations.relu, {"threshold": 0.3, "negative_slope": 0.2, "max_value": 0.9}, False),
    (activations.leaky_relu, {"negative_slope": 0.1}, True),
    (activations.leaky_relu, {"negative_slope": 1.5}, True),
    (activations.elu, {"alpha": 0.5}, True),
    (activations.celu, {"alpha": 2.0}, True),
    (activations.gelu, {"approximate": True}, True),
    (activations.squareplus, {"b": 1}, True),
    (activations.hard_shrink, {"threshold": 0.2}, True),
    (activations.soft_shrink, {"threshold": 0.2}, True),
    (activations.threshold, {"threshold": 0.2, "default_value": -1.0}, True),
    (activations.glu, {"axis": 1}, True),
    (activations.softmax, {"axis": 1}, True),
    (activations.log_softmax, {"axis": 1}, True),
    (activations.sparsemax, {"axis": 1}, False),
]
"""(function, arguments, whether memory is recycled), as users give them: in a functools.partial."""


def _mlp(dtype: Any) -> Sequential:
    return Sequential(
        [
            layers.Input((4,), dtype=dtype),
            layers.Dense(6, "tanh", dtype=dtype),
            layers.Dropout(0.5, seed=3, dtype=dtype),
            layers.Dense(8, "softmax", dtype=dtype),
        ]
    )


def _nested(dtype: Any) -> Sequential:
    inner = Sequential([layers.Input((3,), dtype=dtype), layers.Dense(5, "sigmoid", dtype=dtype)])
    return Sequential(
        [
            layers.Input((2, 2), dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(3, dtype=dtype),
            inner,
            layers.Identity(dtype=dtype),
        ]
    )


def _unchanging(dtype: Any) -> Sequential:
    same = [layers.Identity(dtype=dtype), layers.Flatten(dtype=dtype)]
    return Sequential([layers.Input((5,), dtype=dtype), *same])


CASES = [
    # core
    Case("input", lambda dtype: layers.InputLayer((5,), dtype=dtype), (4, 5)),
    Case("dense", _dense(3), (4, 5)),
    Case("dense of one unit", _dense(1), (4, 5)),
    Case("dense without bias", _dense(3, use_bias=False), (4, 5)),
    Case("dense over time", _dense(3, "relu"), (4, 6, 5)),
    Case("dense over a grid", _dense(8, "softmax"), (2, 3, 2, 5)),
    *(
        Case(f"dense {name}", _dense(8, name), (4, 5), recycles=name not in SORTS)
        for name in ACTIVATIONS
    ),
    Case("dense with a function", _dense(3, cubic), (4, 5), recycles=False),
    Case("flatten", _of(layers.Flatten), (4, 2, 3, 2)),
    Case("flatten of nothing", _of(layers.Flatten), (4, 5)),
    Case("flatten of numbers", _of(layers.Flatten), (4,)),
    Case(
        "flatten channels first",
        _of(layers.Flatten, data_format="channels_first"),
        (4, 2, 3, 2),
        recycles=False,
    ),
    Case("flatten of integers", _of(layers.Flatten), (4, 2, 3), "int32"),
    Case("identity", _of(layers.Identity), (4, 5)),
    # activation
    *(
        Case(f"activation {name}", _of(layers.Activation, name), (4, 8), recycles=name not in SORTS)
        for name in ACTIVATIONS
    ),
    *(
        Case(
            f"activation {function.__name__} {options}",
            _of(layers.Activation, partial(function, **options)),
            (4, 6),
            recycles=recycles,
        )
        for function, options, recycles in PARTIALS
    ),
    Case("activation of a layer", _inner(layers.Activation, layers.ReLU, 0.5), (4, 5)),
    Case("activation of a softmax layer", _inner(layers.Activation, layers.Softmax), (4, 8)),
    Case("dense with a layer", _inner(layers.Dense, layers.ReLU, negative_slope=0.2), (4, 5)),
    Case("dense with a softmax layer", _inner(layers.Dense, layers.Softmax), (4, 5)),
    Case("dense with dropout", _inner(layers.Dense, layers.Dropout, 0.4, seed=1), (4, 5)),
    Case("activation of a function", _of(layers.Activation, cubic), (4, 5), recycles=False),
    Case("relu", _of(layers.ReLU), (4, 2, 5)),
    Case("relu with a ceiling", _of(layers.ReLU, max_value=0.5), (4, 5)),
    Case("relu 6", _of(layers.ReLU, 6), (4, 5)),
    Case("leaky relu", _of(layers.ReLU, negative_slope=0.2), (4, 5)),
    Case("relu with a threshold", _of(layers.ReLU, threshold=0.3), (4, 5), recycles=False),
    Case("relu with everything", _of(layers.ReLU, 0.9, 0.1, 0.2), (4, 5), recycles=False),
    Case("softmax", _of(layers.Softmax), (4, 2, 8)),
    Case("softmax over axis 1", _of(layers.Softmax, axis=1), (4, 8, 2)),
    Case("softmax over two axes", _of(layers.Softmax, axis=(1, 2)), (4, 3, 2)),
    # dropout
    Case("dropout", _of(layers.Dropout, 0.4), (4, 5)),
    Case("dropout of nothing", _of(layers.Dropout, 0), (4, 5)),
    Case("dropout of everything", _of(layers.Dropout, 1), (4, 5)),
    Case("dropout over time", _of(layers.Dropout, 0.4, noise_shape=(None, 1, None)), (4, 6, 5)),
    # reshaping
    Case("reshape", _of(layers.Reshape, (3, 2)), (4, 6)),
    Case("reshape with -1", _of(layers.Reshape, (-1, 2)), (4, 3, 4)),
    Case("reshape of integers", _of(layers.Reshape, (6,)), (4, 3, 2), "uint8"),
    # models are layers, too
    Case("a model", _mlp, (4, 4)),
    Case("a model in a model", _nested, (4, 2, 2)),
    Case("a model that changes nothing", _unchanging, (4, 5)),
    # the example at the head of layers/base.py
    Case("a layer of one's own", _of(Scale), (4, 5), recycles=False),
]

# Families of layers have tables of their own, which need what is above.
import cases_attention  # noqa: E402
import cases_convolution  # noqa: E402
import cases_embedding  # noqa: E402
import cases_image  # noqa: E402
import cases_merging  # noqa: E402
import cases_noise  # noqa: E402
import cases_normalization  # noqa: E402
import cases_pooling  # noqa: E402
import cases_preprocessing  # noqa: E402
import cases_recurrent  # noqa: E402
import cases_reshaping  # noqa: E402

CASES += [
    *cases_convolution.CASES,
    *cases_pooling.CASES,
    *cases_recurrent.CASES,
    *cases_reshaping.CASES,
    *cases_normalization.CASES,
    *cases_noise.CASES,
    *cases_embedding.CASES,
    *cases_image.CASES,
    *cases_preprocessing.CASES,
]
SEVERAL = [
    *cases_merging.CASES,
    *cases_attention.CASES,
    *cases_normalization.INFERENCE_CASES,
    *cases_image.FORWARD_CASES,
    *cases_preprocessing.SEVERAL,
]
"""Rows of layers of several inputs, changed by training, or without a gradient: their files have
their tests."""
