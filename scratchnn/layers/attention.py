"""Attention of one head and without projections: Luong's, by products, and Bahdanau's, by sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from ..random import SeedGenerator, dropout_mask_into
from .attention_scores import as_floats, beyond, lowered_softmax, softmax_rows_backward
from .dropout import checked_rate
from .merging import Several


class Attention(Several):
    """Dot-product attention: y = softmax(scores) value, and by default scores = query key^T.

    Called on [query, value] or [query, value, key]; without a key, the values are the keys, too.
    With `score_mode='concat'`, scores = w sum_d tanh(g (query + key)), of each query with each key.

    Arguments:
        use_scale: whether the scores are g query key^T, g a number that is trained; see above for
            'concat'.
        score_mode: 'dot' or 'concat'.
        dropout: the share of the attention weights to drop in training.
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Call arguments:
        inputs: [query, value] or [query, value, key].
        mask: the masks of the inputs in a list; None for one that has none. Where that of the
            query is false y is 0, where that of the value is false nothing is looked at.
        return_attention_scores: whether the output is a list of y and the weights, (N, T, S).
        use_causal_mask: whether a query sees no key after it.
        training: whether to drop weights.

    Shape:
        query (N, T, D), value (N, S, E) and key (N, S, D), with as many more axes in front as
        wanted; y (N, T, E). Weights: scale () and, for 'concat', concat_score_weight ().

    Raises:
        ValueError: for another score_mode, a dropout that is not in [0, 1], and for anything but a
            list of two or three inputs and, if given, of their masks.

    Example:
        >>> query, value = np.zeros((1, 1, 2)), np.array([[[1.0, 3.0], [3.0, 5.0]]])
        >>> Attention()([query, value]).numpy()
        array([[[2., 4.]]], dtype=float32)

    Reference: Luong, Pham and Manning, 2015, Effective Approaches to Attention-based Neural
    Machine Translation.
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"{type(self).__name__} expected `score_mode` to be 'dot' or 'concat'. "
                f"Received: score_mode={score_mode!r}."
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = checked_rate(self, dropout)
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def call_inputs(  # type: ignore[override]
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool | None = None,
        use_causal_mask: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        inputs, options = super().call_inputs(inputs, training, mask)
        if mask is not None and (
            not isinstance(mask, list | tuple) or not 2 <= len(mask) <= len(inputs)
        ):
            raise ValueError(
                f"The layer {self.name!r} expected the masks of its inputs in a list, such as "
                f"[query_mask, None]. Received: mask={mask!r}."
            )
        options["return_attention_scores"] = return_attention_scores
        options["use_causal_mask"] = use_causal_mask
        return inputs, options

    def call_output_shape(self, input_shape: Any, options: Mapping[str, Any]) -> Any:
        shape = self.compute_output_shape(input_shape)
        if not options.get("return_attention_scores"):
            return shape
        return [shape, (*shape[:-1], input_shape[-1][-2])]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def check_input(self, shape: Any) -> None:
        if not 2 <= len(shape) <= 3 or not all(isinstance(one, tuple | list) for one in shape):
            raise ValueError(
                f"The layer {self.name!r} expected two or three inputs, [query, value] or "
                f"[query, value, key]. Received: shapes {shape}."
            )
        query, value, key = shape[0], shape[1], shape[-1]
        if (
            len({len(query), len(value), len(key)}) > 1
            or len(query) < 2
            or _differ(query[-1], key[-1])
            or _differ(value[-2], key[-2])
            or any(_differ(a, b) for a, b in zip(query[:-2], value[:-2], strict=True))
        ):
            raise ValueError(
                f"The layer {self.name!r} expected a query (N, T, D), a value (N, S, E) and a key "
                f"(N, S, D); without a key, E is D. Received: shapes {list(shape)}."
            )

    def build(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.dtype

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask[0] if mask else None

    # Forward and backward -----------------------------------------------------------------------

    def forward(self, x: Any, ctx: Context) -> Any:
        ctx.kinds = [one.dtype.kind for one in x]
        names = ("query", "value", "key")
        xs = [as_floats(one, ctx, name) for one, name in zip(x, names, strict=False)]
        query, value, key = xs[0], xs[1], xs[-1]
        ctx.query, ctx.value, ctx.key = query, value, key
        scores = ctx.buffer("scores", (*query.shape[:-1], key.shape[-2]))
        self.score(query, key, scores, ctx)
        lowered_softmax(scores, ctx, self._hidden(scores.shape, ctx))
        ctx.weights = ctx.kept = scores
        ctx.mask = None
        if ctx.training and self.dropout > 0:
            ctx.mask = ctx.buffer("mask", scores.shape)
            seed = self.seed_generator.next()
            if self.dropout == 1:
                ctx.mask.fill(0)
            else:
                dropout_mask_into(ctx.mask, self.dropout, seed)
            ctx.kept = np.multiply(scores, ctx.mask, out=ctx.buffer("kept", scores.shape))
        y = ctx.buffer("y", (*query.shape[:-1], value.shape[-1]))
        np.matmul(ctx.kept, value, out=y)
        masks = ctx.in_mask or [None, None]
        ctx.silent = None  # true for queries whose output is 0
        if masks[0] is not None:
            ctx.silent = np.logical_not(masks[0])[..., np.newaxis]
            np.copyto(y, 0, where=ctx.silent)
        return [y, ctx.kept] if ctx.options.get("return_attention_scores") else y

    def backward(self, dy: Any, ctx: Context) -> Any:
        dy, dkept = dy if isinstance(dy, list) else (dy, None)
        if dy is None:  # the loss sees the weights alone
            dy = np.zeros((*ctx.query.shape[:-1], ctx.value.shape[-1]), ctx.dtype)
        if ctx.silent is not None:
            np.copyto(dy, 0, where=ctx.silent)
        dscores = ctx.buffer("dscores", ctx.kept.shape)
        np.matmul(dy, ctx.value.mT, out=dscores)
        if dkept is not None:
            dscores += dkept
        if ctx.mask is not None:
            dscores *= ctx.mask
        size = dscores.shape[-1]
        softmax_rows_backward(dscores.reshape(-1, size), ctx.weights.reshape(-1, size), ctx)
        dquery, dkey = self.score_backward(dscores, ctx)
        if not ctx.needs_dx:
            return None
        dvalue = np.matmul(ctx.kept.mT, dy, out=ctx.buffer("dvalue", ctx.value.shape))
        if len(ctx.kinds) == 2:
            dvalue += dkey
        dxs = (dquery, dvalue, dkey)
        return [dx if kind == "f" else None for dx, kind in zip(dxs, ctx.kinds, strict=False)]

    def score(self, query: Array, key: Array, scores: Array, ctx: Context) -> None:
        """Assign the scores (..., T, S) of query (..., T, D) and key (..., S, D)."""
        if self.score_mode == "dot":
            np.matmul(query, key.mT, out=scores)
            if self.use_scale:
                scores *= self.scale.value
            return
        sums = ctx.buffer("sums", scores.shape)
        tanh_sums(query, key, self.scale.value if self.use_scale else None, ctx)
        np.dot(ctx.tanh, ctx.ones(query.shape[-1]), out=sums.reshape(-1))
        np.multiply(sums, self.concat_score_weight.value, out=scores)

    def score_backward(self, dscores: Array, ctx: Context) -> tuple[Array, Array]:
        """Assign the gradients of the weights; return those of query and key."""
        if self.score_mode == "dot":
            dquery = np.matmul(dscores, ctx.key, out=ctx.buffer("dquery", ctx.query.shape))
            dkey = np.matmul(dscores.mT, ctx.query, out=ctx.buffer("dkey", ctx.key.shape))
            if self.use_scale:
                self.scale.grad[...] = np.vdot(ctx.query, dquery)
                dquery *= self.scale.value
                dkey *= self.scale.value
            return dquery, dkey
        weight = self.concat_score_weight
        weight.grad[...] = np.vdot(dscores, ctx.buffer("sums", dscores.shape))
        dquery, dkey = tanh_sums_backward(dscores, ctx)
        factor = weight.value
        if self.use_scale:
            along = np.vdot(ctx.query, dquery) + np.vdot(ctx.key, dkey)
            self.scale.grad[...] = factor * along
            factor = factor * self.scale.value
        dquery *= factor
        dkey *= factor
        return dquery, dkey

    def _hidden(self, shape: tuple[int, ...], ctx: Context) -> Array | None:
        """Return which scores do not count, broadcasting over them; None if all do."""
        band: Array | None = None
        queries, keys = shape[-2:]
        if ctx.options.get("use_causal_mask"):
            if vars(ctx).get("band_sizes") != (queries, keys):
                ctx.band, ctx.band_sizes = beyond(queries, keys, causal=True), (queries, keys)
            band = ctx.band
        mask = ctx.in_mask[1] if ctx.in_mask else None
        if mask is None:
            return band
        hidden: Array = np.logical_not(mask)
        if hidden.ndim == 2 or band is not None:
            hidden = hidden[..., np.newaxis, :]
        return hidden if band is None else hidden | band

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """Additive attention: y = softmax(scores) value, scores = sum_d g_d tanh(query_d + key_d).

    Called on [query, value] or [query, value, key]; without a key, the values are the keys, too.

    Arguments:
        use_scale: whether there is a g, which is trained; otherwise it is 1.
        dropout: the share of the attention weights to drop in training.
        **kwargs: `seed`, an int that fixes the masks, and the arguments of every Layer.

    Call arguments:
        As for Attention.

    Shape:
        query (N, T, D), value (N, S, E) and key (N, S, D), with as many more axes in front as
        wanted; y (N, T, E). Weight: scale (D,).

    Raises:
        ValueError: as for Attention.

    Example:
        >>> query, value = np.zeros((1, 1, 2)), np.array([[[1.0, 3.0], [1.0, 3.0]]])
        >>> AdditiveAttention()([query, value]).numpy()
        array([[[1., 3.]]], dtype=float32)

    Reference: Bahdanau, Cho and Bengio, 2015, Neural Machine Translation by Jointly Learning to
    Align and Translate.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=input_shape[0][-1:])

    def score(self, query: Array, key: Array, scores: Array, ctx: Context) -> None:
        tanh_sums(query, key, None, ctx)
        scale = self.scale.value if self.use_scale else ctx.ones(query.shape[-1])
        np.dot(ctx.tanh, scale, out=scores.reshape(-1))

    def score_backward(self, dscores: Array, ctx: Context) -> tuple[Array, Array]:
        if self.use_scale:
            np.dot(dscores.reshape(-1), ctx.tanh, out=self.scale.grad)
        dquery, dkey = tanh_sums_backward(dscores, ctx)
        if self.use_scale:
            dquery *= self.scale.value
            dkey *= self.scale.value
        return dquery, dkey

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config


def tanh_sums(query: Array, key: Array, scale: Array | None, ctx: Context) -> None:
    """Keep tanh(scale (query + key)), of each query with each key, as `ctx.tanh` (M, D)."""
    shape = (*query.shape[:-1], *key.shape[-2:])
    tanh = ctx.buffer("tanh", shape)
    np.add(query[..., np.newaxis, :], key[..., np.newaxis, :, :], out=tanh)
    if scale is not None:
        tanh *= scale
    np.tanh(tanh, out=tanh)
    ctx.tanh = tanh.reshape(-1, shape[-1])


def tanh_sums_backward(dscores: Array, ctx: Context) -> tuple[Array, Array]:
    """Return the gradients of query and key, without the factors that are the same for all."""
    slope = ctx.tanh  # of which nobody needs more than 1 - tanh**2
    np.multiply(slope, slope, out=slope)
    np.subtract(1, slope, out=slope)
    slope = slope.reshape(*dscores.shape, -1)
    dquery, dkey = ctx.buffer("dquery", ctx.query.shape), ctx.buffer("dkey", ctx.key.shape)
    by_query, by_key = dscores[..., np.newaxis, :], dscores.mT[..., np.newaxis, :]
    np.matmul(by_query, slope, out=dquery[..., np.newaxis, :])
    np.matmul(by_key, slope.swapaxes(-3, -2), out=dkey[..., np.newaxis, :])
    return dquery, dkey


def _differ(a: int | None, b: int | None) -> bool:
    return None not in (a, b) and a != b
