"""Rows for the attention layers, which take several inputs, and options with each call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from case import CaseOfSeveral

from scratchnn import Context, layers

PAIR = ((3, 4, 6), (3, 5, 6))
TRIPLE = ((3, 4, 6), (3, 5, 2), (3, 5, 6))
GRID = ((2, 3, 2, 6), (2, 3, 2, 6))
ATTENTION = ((3, 4, 3), (3, 5, 3))


@dataclass(frozen=True)
class AttentionCase(CaseOfSeveral):
    """One way to use an attention layer.

    Attributes:
        options: of the call.
        masks: the axes of time with a mask: "q", "v", "qv"; none for "".
    """

    shapes: tuple[tuple[int, ...], ...] = PAIR
    options: Mapping[str, Any] = field(default_factory=dict)
    masks: str = ""

    def mask(self, samples: int | None = None) -> Any:
        """Return the masks of the inputs.

        For attention of heads, one sample has no value that is not masked. In Attention, such
        scores less 1e9 have few digits left, and differences of outputs none.
        """
        if not self.masks:
            return None
        hides_all = "heads" in self.name
        found = []
        for shape, letter in zip(self.shapes, "qvk", strict=False):
            mask = np.random.default_rng(3).random((samples or shape[0], shape[1])) < 0.7
            mask[:, 0] = True
            if letter == "v" and hides_all:
                mask[0] = False
            found.append(mask if letter in self.masks else None)
        return found

    def context(
        self, dtype: str = "float32", training: bool = False, samples: int | None = None
    ) -> Context:
        """Return the context of a call."""
        ctx = Context(training, dtype)
        ctx.options, ctx.in_mask = self.options, self.mask(samples)
        return ctx


def of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def heads(**options: Any) -> Callable[..., Any]:
    return of(layers.MultiHeadAttention, 2, 3, **options)


def groups(h: int, g: int, **options: Any) -> Callable[..., Any]:
    return of(layers.GroupQueryAttention, 3, h, g, **options)


SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}
BLOCK = {"attention_mask": np.random.default_rng(5).random((3, 4, 5)) < 0.6}

CASES = [
    AttentionCase("heads", heads()),
    AttentionCase("heads with a key", heads(value_dim=4), TRIPLE),
    AttentionCase("heads without bias", heads(use_bias=False)),
    AttentionCase("heads with a gate", heads(use_gate=True, value_dim=2)),
    AttentionCase("heads to another shape", heads(output_shape=(2, 5))),
    AttentionCase("heads with dropout", heads(dropout=0.4, seed=1)),
    AttentionCase("heads with scores", heads(), options=SCORES),
    AttentionCase("heads with dropout and scores", heads(dropout=0.4, seed=1), options=SCORES),
    AttentionCase("causal heads", heads(), options=CAUSAL),
    AttentionCase("causal heads with scores", heads(), options={**CAUSAL, **SCORES}),
    AttentionCase("heads with a window", heads(sliding_window=2)),
    AttentionCase("masked heads", heads(), masks="qv", recycles=False),
    AttentionCase("masked heads with a key", heads(), TRIPLE, masks="vk", recycles=False),
    AttentionCase("masked heads with scores", heads(), options=SCORES, masks="qv", recycles=False),
    AttentionCase("heads with an attention mask", heads(), options=BLOCK, recycles=False),
    AttentionCase(
        "masked causal heads", heads(), options={**BLOCK, **CAUSAL}, masks="qv", recycles=False
    ),
    AttentionCase("heads over a grid", heads(), GRID),
    AttentionCase("heads over rows of a grid", heads(attention_axes=2), GRID),
    AttentionCase("heads over turned axes of a grid", heads(attention_axes=(2, 1)), GRID),
    AttentionCase("grouped heads", groups(4, 2)),
    AttentionCase("heads with one key", groups(3, 1)),
    AttentionCase("groups of one head", groups(2, 2, use_gate=True)),
    AttentionCase("grouped heads with scores", groups(4, 2), options=SCORES),
    AttentionCase("grouped heads with dropout", groups(4, 2, dropout=0.4, seed=2)),
    AttentionCase("causal grouped heads", groups(4, 2), options=CAUSAL),
    AttentionCase("masked grouped heads", groups(4, 2), masks="qv", recycles=False),
    AttentionCase("attention", of(layers.Attention), ATTENTION),
    AttentionCase("attention with a key", of(layers.Attention), ((3, 4, 2), (3, 5, 4), (3, 5, 2))),
    AttentionCase("attention with a scale", of(layers.Attention, use_scale=True), ATTENTION),
    AttentionCase("attention by sums", of(layers.Attention, score_mode="concat"), ATTENTION),
    AttentionCase(
        "attention by sums with a scale", of(layers.Attention, True, "concat"), ATTENTION
    ),
    AttentionCase("attention with dropout", of(layers.Attention, dropout=0.4, seed=1), ATTENTION),
    AttentionCase("attention with scores", of(layers.Attention), ATTENTION, SCORES),
    AttentionCase(
        "attention with dropout and scores",
        of(layers.Attention, dropout=0.4, seed=1),
        ATTENTION,
        SCORES,
    ),
    AttentionCase("causal attention", of(layers.Attention), ATTENTION, CAUSAL, recycles=False),
    AttentionCase("masked attention", of(layers.Attention), ATTENTION, masks="qv", recycles=False),
    AttentionCase(
        "masked causal attention",
        of(layers.Attention, True),
        ATTENTION,
        {**CAUSAL, **SCORES},
        masks="qv",
        recycles=False,
    ),
    AttentionCase("attention on a grid", of(layers.Attention), ((2, 3, 4, 3), (2, 3, 5, 3))),
    AttentionCase("additive attention", of(layers.AdditiveAttention), ATTENTION),
    AttentionCase(
        "additive attention without a scale", of(layers.AdditiveAttention, False), ATTENTION
    ),
    AttentionCase(
        "additive attention with a key",
        of(layers.AdditiveAttention, dropout=0.3, seed=3),
        ((3, 4, 2), (3, 5, 4), (3, 5, 2)),
        SCORES,
        masks="v",
        recycles=False,
    ),
]
