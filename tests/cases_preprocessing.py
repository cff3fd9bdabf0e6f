"""Rows of the conformance table for the layers that prepare data: see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from case import WORDS, Case
from cases_merging import SeveralCase

from scratchnn import layers
from scratchnn.strings import as_strings

VOCABULARY = ["a", "the cat", "b"]


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def hashing(*args: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes a Hashing layer, whose dtype is one of whole numbers for 'int'."""
    encodes = options.get("output_mode", "int") != "int"
    return lambda dtype: layers.Hashing(*args, **options, dtype=dtype if encodes else None)


def discretization(adapted: bool = False, **options: Any) -> Callable[..., Any]:
    def make(dtype: Any) -> layers.Discretization:
        if not adapted:
            return layers.Discretization([-1.0, 0.0, 0.5], **options, dtype=dtype)
        layer = layers.Discretization(num_bins=4, **options, dtype=dtype)
        layer.adapt(np.random.default_rng(3).normal(size=100))
        return layer

    return make


def adapted(cls: Any, data: Any, **options: Any) -> Callable[..., Any]:
    def make(dtype: Any) -> Any:
        layer = cls(**options, dtype=dtype)
        layer.adapt(data)
        return layer

    return make


def encoded(name: str, cls: Any, dtype: str, returns: str, **options: Any) -> list[Case]:
    """Return the rows of a layer that encodes categories: each form of output, of some shapes."""
    return [
        Case(
            f"{name} as {mode} of {shape}",
            of(cls, **options, output_mode=mode),
            shape,
            dtype,
            recycles=False,
            returns=returns,
            gradient=False,
        )
        for mode in ("one_hot", "multi_hot", "count")
        for shape in ((4, 3), (4, 1), (2, 3, 4))
    ]


OPTIONS: dict[str, Any] = {"recycles": False, "gradient": False}
LOOKUP: dict[str, Any] = {**OPTIONS, "returns": "int64"}
TEXTS = ["the cat", "the a b", "A!", ""]
IDF = [0.5, 2.0, 1.5]

CASES = [
    Case("rescaling", of(layers.Rescaling, 0.5, offset=-1), (4, 5)),
    Case("rescaling by channel", of(layers.Rescaling, [0.5, 2, 1], [1, 0, 3]), (4, 2, 3)),
    Case("rescaling of pixels", of(layers.Rescaling, 1 / 255), (4, 2, 3), "uint8", high=256),
    Case(
        "normalization", of(layers.Normalization, mean=[1.0, 2, 0], variance=[4.0, 9, 0.5]), (4, 3)
    ),
    Case("normalization that learned nothing", of(layers.Normalization), (4, 2, 3)),
    Case("normalization by one number", of(layers.Normalization, None, 2.0, 9.0), (4, 2, 3)),
    Case(
        "normalization over two axes",
        of(layers.Normalization, (1, 2), np.arange(6.0).reshape(2, 3), np.ones((2, 3))),
        (4, 2, 3),
    ),
    Case("normalization undone", of(layers.Normalization, -1, [1.0, 2], [4.0, 9], True), (4, 2)),
    Case("normalization of integers", of(layers.Normalization, None, 5.0, 9.0), (4, 3), "int32"),
    Case("discretization", discretization(), (4, 5), returns="int32", **OPTIONS),
    Case("discretization that learned", discretization(True), (4, 5), returns="int32", **OPTIONS),
    Case(
        "discretization of integers", discretization(), (4, 5), "int64", returns="int32", **OPTIONS
    ),
    *(
        Case(f"discretization as {mode}", discretization(output_mode=mode), shape, **OPTIONS)
        for mode, shape in (("one_hot", (4, 5)), ("multi_hot", (4, 5)), ("count", (2, 3, 4)))
    ),
    Case("hashing of strings", hashing(5), (4, 3), "string", **LOOKUP),
    Case("hashing of integers", hashing(7, salt=3), (4, 3), "int32", **LOOKUP),
    Case("hashing with a mask", hashing(5, mask_value="a"), (4, 3), "string", **LOOKUP),
    Case(
        "string lookup", of(layers.StringLookup, vocabulary=VOCABULARY), (4, 3), "string", **LOOKUP
    ),
    Case(
        "string lookup with three unknown",
        of(layers.StringLookup, num_oov_indices=3, mask_token="", vocabulary=VOCABULARY),
        (4, 3),
        "string",
        **LOOKUP,
    ),
    Case(
        "string lookup that learned",
        adapted(layers.StringLookup, [word for word in WORDS if word]),
        (4, 1),
        "string",
        **LOOKUP,
    ),
    Case(
        "string lookup as tf-idf",
        of(layers.StringLookup, vocabulary=VOCABULARY, idf_weights=IDF, output_mode="tf_idf"),
        (4, 3),
        "string",
        returns="float32",
        **OPTIONS,
    ),
    Case(
        "integer lookup", of(layers.IntegerLookup, vocabulary=[4, 7, 1]), (4, 3), "int32", **LOOKUP
    ),
    Case(
        "integer lookup with two unknown",
        of(layers.IntegerLookup, num_oov_indices=2, mask_token=0, vocabulary=[4, 7, 1]),
        (4, 3),
        "int64",
        **LOOKUP,
    ),
    Case(
        "text vectorization",
        adapted(layers.TextVectorization, TEXTS, output_sequence_length=4),
        (4, 1),
        "string",
        **LOOKUP,
    ),
    Case(
        "text vectorization of a vector",
        adapted(layers.TextVectorization, TEXTS, output_sequence_length=2, ngrams=2),
        (4,),
        "string",
        **LOOKUP,
    ),
    Case(
        "text vectorization of tokens",
        adapted(layers.TextVectorization, TEXTS, split=None),
        (4, 3),
        "string",
        **LOOKUP,
    ),
    Case(
        "text vectorization as counts",
        adapted(layers.TextVectorization, TEXTS, output_mode="count"),
        (4, 1),
        "string",
        **LOOKUP,
    ),
    *encoded("string lookup", layers.StringLookup, "string", "int64", vocabulary=VOCABULARY),
    *encoded(
        "masked string lookup",
        layers.StringLookup,
        "string",
        "int64",
        vocabulary=VOCABULARY,
        mask_token="",
    ),
    *encoded(
        "integer lookup",
        layers.IntegerLookup,
        "int32",
        "int64",
        vocabulary=[4, 7, 1],
        mask_token=2,
        max_tokens=9,
        pad_to_max_tokens=True,
    ),
    *encoded("category encoding", layers.CategoryEncoding, "int32", "layer", num_tokens=8),
    *encoded("hashing", layers.Hashing, "string", "layer", num_bins=6),
]


@dataclass(frozen=True)
class CrossingCase(SeveralCase):
    """One way to cross strings."""

    shapes: tuple[tuple[int, ...], ...] = ((4, 1), (4, 1))
    dtype: str = "string"

    def inputs(self, samples: int | None = None, seed: int = 0, dtype: str = "string") -> Any:
        """Return a batch of inputs."""
        rng = np.random.default_rng(seed)
        return [rng.choice(as_strings(WORDS), (samples or 4, 1)) for _ in self.shapes]


SEVERAL = [
    CrossingCase("hashed crossing", lambda dtype: layers.HashedCrossing(5)),
    CrossingCase("hashed crossing as one_hot", of(layers.HashedCrossing, 5, "one_hot")),
]
"""Their inputs are strings, which have no gradient: test_preprocessing.py has their tests."""
