"""Attention of several heads: what MultiHeadAttention and GroupQueryAttention share.

Query, key and value are projected to H heads of K features each. Every head weighs the values by
softmax(q k^T / sqrt(K)), and a last projection joins what the heads found:

    y = concat_h(softmax(q_h k_h^T / sqrt(K)) v_h) W_o + b_o
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from string import ascii_lowercase
from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from .activity import penalized
from .attention_scores import (
    Arrangement,
    arranged,
    as_floats,
    beyond,
    hidden_scores,
    product,
    softmax_rows,
    softmax_rows_backward,
)
from .base import Layer, has_symbols
from .core import positive_int
from .dropout import Dropout, checked_rate
from .einsum_dense import EinsumDense

MASKS = ("query_mask", "value_mask", "key_mask", "attention_mask")
"""What may be given to a call beside query, value and key, as arrays or, in a model, tensors."""


class HeadAttention(Layer):
    """EinsumDenses to heads, dot-product attention in each, and a projection back.

    Arguments:
        dropout: the share of the attention weights to drop in training.
        use_bias: whether the projections add one.
        use_gate: whether what the heads found is multiplied by sigmoid(query W_g + b_g).
        sliding_window: how far from it, itself included, a query sees keys on both sides.
        flash_attention: None or False; TensorFlow has none on a CPU either.
        kernel_initializer, bias_initializer: what the weights of the projections start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what they and their outputs add
            to the loss.
        kernel_constraint, bias_constraint: what each of their updates ends with.
        seed: an int fixes the masks of the dropout.
        **kwargs: the arguments of every Layer.
    """

    casts_integers = False  # a mask is none to compute with
    takes_several = True
    supports_masking = True

    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _gate_dense: EinsumDense
    _value_dense: EinsumDense
    _output_dense: EinsumDense

    def __init__(
        self,
        size: int,
        dropout: float,
        use_bias: bool,
        use_gate: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if flash_attention:
            raise ValueError(
                f"{type(self).__name__} has no flash attention: there is none on a CPU. Expected "
                f"None or False. Received: flash_attention={flash_attention!r}."
            )
        self._scale = 1 / sqrt(size)
        self.dropout = checked_rate(self, dropout)
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.sliding_window = (
            None if sliding_window is None else positive_int(self, "sliding_window", sliding_window)
        )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self._inner_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed

    # Calls --------------------------------------------------------------------------------------

    def call_inputs(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool | None = None,
        training: bool | None = None,
        use_causal_mask: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        given = {"query": query, "value": value}
        if key is not None:
            given["key"] = key
        masks = dict(
            zip(MASKS, (query_mask, value_mask, key_mask, attention_mask), strict=True),
        )
        symbols = {name: mask for name, mask in masks.items() if has_symbols(mask)}
        if not has_symbols([*given.values(), *symbols.values()]):
            given = {name: np.asarray(array) for name, array in given.items()}
        inputs = {**given, **symbols}
        return list(inputs.values()), {
            "tensors": tuple(inputs),
            **{
                name: np.asarray(mask)
                for name, mask in masks.items()
                if mask is not None and name not in symbols
            },
            "return_attention_scores": return_attention_scores,
            "training": training,
            "use_causal_mask": use_causal_mask,
        }

    def taken_apart(self, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
        inputs, options = super().taken_apart(args, kwargs)
        options["positional"] = len(args)  # as it was written, for a config
        if not self.built:
            named = dict(zip(options["tensors"], inputs, strict=True))
            names = ("query", "value", "key")
            self.ensure_built([tuple(named[name].shape) for name in names if name in named])  # type: ignore[arg-type]
        return inputs, options

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        names, count = options["tensors"], options["positional"]
        named = dict(zip(names, inputs, strict=True))
        positional = [named.pop(name) for name in ("query", "value", "key")[:count]]
        said = {k: v for k, v in options.items() if k not in ("tensors", "positional")}
        return positional, {**named, **said}

    def call_output_shape(self, input_shape: Any, options: Mapping[str, Any]) -> Any:
        named = dict(zip(options["tensors"], input_shape, strict=True))
        query, value = tuple(named["query"]), tuple(named["value"])
        shape = self.compute_output_shape([query, value])  # type: ignore[arg-type]
        if not options.get("return_attention_scores"):
            return shape
        return [shape, self.scores_shape(query, value)]

    def scores_shape(self, query: Shape, value: Shape) -> Shape:
        """Return the shape of the attention scores."""
        raise NotImplementedError(f"{type(self).__name__} must define scores_shape.")

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask[0] if mask else None

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.dtype

    def check_input(self, shape: Any) -> None:
        if not isinstance(shape, list | tuple) or len(shape) < 2:
            raise ValueError(
                f"The layer {self.name!r} expected the shapes of a query and a value. "
                f"Received: {shape}."
            )
        query, value = tuple(shape[0]), tuple(shape[1])
        sizes = {query[:1], value[:1]} - {(None,), (1,)}
        if len(query) != len(value) or len(sizes) > 1:
            raise ValueError(
                f"The layer {self.name!r} expected a query (N, T, D) and a value (N, S, D), of as "
                f"many axes and samples. Received: query of shape {query}, value of shape {value}."
            )
        if not self.built:
            return
        for name, given, known in zip(
            ("query", "value"), shape, self.input_shape or (), strict=False
        ):
            if len(given) != len(known) or given[-1] != known[-1]:  # type: ignore[arg-type, index]
                raise ValueError(
                    f"The layer {self.name!r} was built for a {name} of shape {known}. Received: "
                    f"a {name} of shape {tuple(given)}."
                )

    # Weights ------------------------------------------------------------------------------------

    def project(self, name: str, shape: Shape, bound: int, sizes: Sequence[int]) -> None:
        """Make the projection `name`, as an attribute, and build it for inputs of `shape`."""
        # Such as "abc,cde->abde", of inputs (N, T, D) and kernels (D, H, K).
        free, letters = len(shape) - bound, ascii_lowercase
        kept, summed = letters[:free], letters[free : free + bound]
        made = letters[free + bound : free + bound + len(sizes)]
        layer = EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            (*[None] * (free - 1), *sizes),
            activation="sigmoid" if name == "gate" else None,
            bias_axes=made if self.use_bias else None,
            kernel_initializer=_cloned(self.kernel_initializer),
            bias_initializer=_cloned(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._inner_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype,
            trainable=self.trainable,
            name="attention_output" if name == "output" else name,
        )
        setattr(self, f"_{name}_dense", layer)
        layer.build(shape)

    def add_dropout(self) -> None:
        """Make the dropout of the weights."""
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype)

    def checked_shapes(self, input_shape: Any) -> tuple[Shape, Shape, Shape]:
        """Return the shapes of query, value and key.

        Raises:
            ValueError: if those of value and key differ, but for the last axis.
        """
        query, value, *rest = (tuple(shape) for shape in input_shape)
        key = rest[0] if rest else value
        if value[1:-1] != key[1:-1]:
            raise ValueError(
                f"The layer {self.name!r} expected a key and a value of equal shapes, except for "
                f"the last axis. Received: value of shape {value}, key of shape {key}."
            )
        return query, value, key

    def forget_build(self) -> None:
        super().forget_build()
        for name in ("query", "key", "gate", "value", "output"):
            vars(self).pop(f"_{name}_dense", None)
        vars(self).pop("_dropout_layer", None)

    def heads_config(self) -> dict[str, Any]:
        """Return the part of the config that both classes have."""
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "dropout": self.dropout,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._inner_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "seed": self.seed,
        }

    def get_build_config(self) -> dict[str, Any] | None:
        if not self.built or self.input_shape is None:
            return None
        shapes = zip(("query_shape", "value_shape", "key_shape"), self.input_shape, strict=False)
        return {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        shapes = config.get("shapes_dict")
        if shapes is not None:
            names = ("query_shape", "value_shape", "key_shape")
            found: Any = [tuple(shapes[name]) for name in names if shapes.get(name) is not None]
            self.ensure_built(found)

    # Forward and backward -----------------------------------------------------------------------

    def forward(self, x: Any, ctx: Context) -> Any:
        names = ctx.options.get("tensors", ("query", "value", "key"))
        named = dict(zip(names, x, strict=False))
        ctx.kinds = [array.dtype.kind for array in x]
        query, value = (as_floats(named[name], ctx, name) for name in ("query", "value"))
        ctx.has_key = "key" in named
        key = as_floats(named["key"], ctx, "key") if ctx.has_key else value
        gate = self._run("gate", query, ctx) if self.use_gate else None
        q = self._run("query", query, ctx)
        k = self._run("key", key, ctx)
        v = self._run("value", value, ctx)
        found = self._attend(q, k, v, named, ctx)
        ctx.gate, ctx.found = gate, found
        if gate is not None:
            found = np.multiply(found, gate, out=ctx.buffer("gated", found.shape))
        y = self._run("output", found, ctx)
        ctx.y_shape = y.shape
        return [y, ctx.weights] if ctx.options.get("return_attention_scores") else y

    def backward(self, dy: Any, ctx: Context) -> Any:
        dy, dweights = dy if isinstance(dy, list) else (dy, None)
        if dy is None:  # the loss sees the weights alone
            dy = ctx.buffer("dy", ctx.y_shape)
            dy.fill(0)
        dfound = self._run_back("output", dy, ctx)
        if self.use_gate:
            dgate = np.multiply(dfound, ctx.found, out=ctx.buffer("gated", dfound.shape))
            dfound *= ctx.gate
        dq, dk, dv = self._attend_back(dfound, dweights, ctx)
        dquery = self._run_back("query", dq, ctx)
        dkey = self._run_back("key", dk, ctx)
        dvalue = self._run_back("value", dv, ctx)
        dquery_of_gate = self._run_back("gate", dgate, ctx) if self.use_gate else None
        if not ctx.needs_dx:
            return None
        if dquery_of_gate is not None:
            dquery += dquery_of_gate
        if not ctx.has_key:
            dvalue += dkey
        dxs = [dquery, dvalue, dkey if ctx.has_key else None, *[None] * len(MASKS)]
        return [dx if kind == "f" else None for dx, kind in zip(dxs, ctx.kinds, strict=False)]

    def activity_penalty(self, ctx: Context) -> Any:
        if self._inner_regularizer is None:
            return 0
        return sum(inner.penalty for name, inner in ctx.contexts.items() if name != "dropout")

    def _run(self, name: str, x: Array, ctx: Context) -> Any:
        """Return what the projection `name` makes of x."""
        layer = vars(self)[f"_{name}_dense"]
        return penalized(layer).forward(x, self._context(name, ctx))

    def _run_back(self, name: str, dy: Array, ctx: Context) -> Any:
        layer = vars(self)[f"_{name}_dense"]
        return penalized(layer).backward(dy, self._context(name, ctx))

    def _context(self, name: str, ctx: Context) -> Context:
        """Return the context of a layer within that of this one."""
        contexts = vars(ctx).setdefault("contexts", {})
        inner: Context | None = contexts.get(name)
        if inner is None:
            inner = contexts[name] = Context(dtype=self.dtype)
        inner.training = ctx.training
        inner.needs_dx = ctx.needs_dx or name in ("output", "dropout")
        return inner

    def arrangement(self, q: Array, k: Array, short: bool) -> Arrangement:
        """Return how the axes of query and key, with heads, are laid out for the products."""
        raise NotImplementedError(f"{type(self).__name__} must define arrangement.")

    def _attend(self, q: Array, k: Array, v: Array, named: Any, ctx: Context) -> Array:
        """Return what each head finds: q (N, T, H, K), k (N, S, H, K) and v (N, S, H, V) give
        (N, T, H, V).
        """
        # Keras has a short way. On it a query that may look at no key finds the mean of all
        # values; on the long way it finds 0.
        scores_wanted = bool(ctx.options.get("return_attention_scores"))
        short = self.dropout == 0 and not scores_wanted and q.ndim == 4
        to = ctx.to = self.arrangement(q, k, short)
        moved = q.reshape(to.split).transpose(to.query_order)
        ctx.q = ctx.buffer("q", moved.shape)
        np.multiply(moved, self._scale, out=ctx.q)
        ctx.q = ctx.q.reshape(*to.batch_sizes, to.queries, q.shape[-1])
        ctx.k = arranged(k, to.key_order, to.key_axes, ctx, "k")
        ctx.v = arranged(v, to.key_order, to.key_axes, ctx, "v")
        scores = ctx.buffer("scores", (*to.batch_sizes, to.queries, to.keys))
        np.matmul(ctx.q, ctx.k.mT, out=scores)
        hidden = self._hidden(named, to, short, ctx)
        rows = scores.reshape(-1, to.keys)
        full = scores.reshape(to.scores_shape)
        softmax_rows(full, rows, ctx, hidden, fill=1 / to.keys if short else 0)
        ctx.weights = kept = full
        if self.dropout:
            kept = self._dropout_layer.forward(full, self._context("dropout", ctx))
        ctx.kept = kept.reshape(scores.shape)
        ctx.q_shape, ctx.k_shape, ctx.v_shape = q.shape, k.shape, v.shape
        found = ctx.buffer("found", (*to.split[:-1], v.shape[-1]))
        product(ctx.kept, ctx.v, found.transpose(to.query_order), to.query_axes, ctx, "found_flat")
        return found.reshape(*q.shape[:-1], v.shape[-1])

    def _attend_back(
        self, dfound: Array, dweights: Array | None, ctx: Context
    ) -> tuple[Array, Array, Array]:
        """Return dq, dk and dv."""
        to = ctx.to
        split = (*to.split[:-1], dfound.shape[-1])
        d = arranged(dfound.reshape(split), to.query_order, to.query_axes, ctx, "dfound")
        dscores = ctx.buffer("dscores", ctx.kept.shape)
        np.matmul(d, ctx.v.mT, out=dscores)
        dv = ctx.buffer("dv", ctx.v_shape)
        product(ctx.kept.mT, d, dv.transpose(to.key_order), to.key_axes, ctx, "dv_flat")
        if self.dropout:
            inner = self._context("dropout", ctx)
            self._dropout_layer.backward(dscores.reshape(to.scores_shape), inner)
        if dweights is not None:
            dscores += dweights.reshape(dscores.shape)
        softmax_rows_backward(dscores.reshape(-1, to.keys), ctx.weights.reshape(-1, to.keys), ctx)
        dk = ctx.buffer("dk", ctx.k_shape)
        product(dscores.mT, ctx.q, dk.transpose(to.key_order), to.key_axes, ctx, "dk_flat")
        flat = np.matmul(dscores, ctx.k, out=ctx.buffer("dq_flat", ctx.q.shape))
        dq = ctx.buffer("dq", to.split)
        moved = dq.transpose(to.query_order)
        np.multiply(flat.reshape(moved.shape), self._scale, out=moved)
        return dq.reshape(ctx.q_shape), dk, dv

    def given_mask(self, name: str, named: Any, ctx: Context) -> Any:
        """Return a mask that the call gave, or else that of the input itself; None if none is."""
        given = named.get(name, ctx.options.get(name))
        if given is not None or name == "attention_mask" or not ctx.in_mask:
            return given
        names = ctx.options.get("tensors", ("query", "value", "key"))
        return dict(zip(names, ctx.in_mask, strict=False)).get(name.removesuffix("_mask"))

    def _hidden(self, named: Any, to: Arrangement, short: bool, ctx: Context) -> Array | None:
        """Return which scores do not count, broadcasting over them; None if all do."""
        sizes = (named["query"].shape[1], named["value"].shape[1])
        if vars(ctx).get("band_sizes") != sizes:
            causal = bool(ctx.options.get("use_causal_mask"))
            ctx.band, ctx.band_sizes = beyond(*sizes, causal, self.sliding_window), sizes
        parts = []
        for name, axis in (("query_mask", -1), ("value_mask", -2), ("key_mask", -2)):
            mask = self.given_mask(name, named, ctx)
            if mask is not None:
                parts.append(np.expand_dims(np.asarray(mask), axis))
        mask = self.given_mask("attention_mask", named, ctx)
        if mask is not None:
            alone = not parts and ctx.band is None
            parts.append(self.attention_mask(np.asarray(mask), short or not alone))
        return hidden_scores(self, parts, ctx.band, to, ctx)

    def attention_mask(self, mask: Array, as_bool: bool) -> Array:
        """Return an attention mask, of any dtype, as what it says."""
        return mask


def _cloned(initializer: Any) -> Any:
    """Return an initializer with a seed of its own; a function is what it is."""
    return initializer.clone() if isinstance(initializer, initializers.Initializer) else initializer
