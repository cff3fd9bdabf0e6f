"""What all attention layers share: scores become weights, and a mask says which do not count.

A score (B, T, S) says how much the query at T looks for the key at S; its softmax over S is the
weight of the value at S in the output at T.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import activations
from ..arrays import Array
from ..context import Context

if TYPE_CHECKING:
    from .base import Layer

_SAFE = 60.0
"""The exponential of a number up to here, and sums of many, are finite; so are their inverses."""

_LOWEST = -0.7 * 3.38953e38
"""What Keras puts for a score that does not count."""


def as_floats(x: Array, ctx: Context, name: str) -> Array:
    """Return x in the dtype of the layer: x itself, or what the buffer `name` holds of it."""
    if x.dtype == ctx.dtype:
        return x
    out = ctx.buffer(name, x.shape)
    np.copyto(out, x, casting="unsafe")
    return out


def softmax_rows(
    scores: Array, rows: Array, ctx: Context, hidden: Array | None = None, *, fill: float = 0
) -> None:
    """Turn scores into weights, in place: the softmax of each row, 0 for what is hidden.

    Arguments:
        scores, rows: the same memory, as the mask broadcasts over it, and as rows of S.
        ctx: the context; notes the rows of which everything is hidden as `ctx.empty`.
        hidden: true for the scores that do not count; None hides nothing.
        fill: what the weights become in a row of which everything is hidden.
    """
    ctx.empty = None
    if rows.size == 0:
        return
    # NumPy finds the maximum of each row slowly, that of all at once fast. Where all numbers are
    # moderate, there is no need to subtract it: their exponentials neither overflow nor vanish.
    if not (rows.min() > -_SAFE and rows.max() < _SAFE):
        if hidden is not None:
            np.copyto(scores, _LOWEST, where=hidden)
        rows -= np.maximum.reduce(rows, axis=-1, keepdims=True)
    np.exp(rows, out=rows)
    if hidden is not None:
        np.copyto(scores, 0, where=hidden)
    total = np.dot(rows, ctx.ones(rows.shape[-1]), out=ctx.buffer("total", (len(rows),)))
    if hidden is not None and not total.all():
        ctx.empty = total == 0
        rows[ctx.empty], total[ctx.empty] = fill, 1
    rows /= total[:, np.newaxis]


def softmax_rows_backward(dy: Array, y: Array, ctx: Context) -> None:
    """Turn the gradients of weights y, (M, S), into those of their scores, in place."""
    along = np.einsum("ms,ms->m", dy, y, out=ctx.buffer("along", (len(y),)))
    dy -= along[:, np.newaxis]
    dy *= y
    if ctx.empty is not None:  # these weights do not depend on the scores
        dy[ctx.empty] = 0


def lowered_softmax(scores: Array, ctx: Context, hidden: Array | None) -> None:
    """Turn scores (..., S) into weights, in place; those hidden are 1e9 less than they are.

    Unlike with `softmax_rows`, a row of which everything is hidden becomes the softmax of what is
    left of its scores, and has a gradient.
    """
    if hidden is None:
        softmax_rows(scores, scores.reshape(-1, scores.shape[-1]), ctx)
        return
    np.subtract(scores, scores.dtype.type(1e9), out=scores, where=hidden)
    ctx.empty = None
    if scores.size:
        activations.softmax_parts(scores, -1, scores)


def beyond(queries: int, keys: int, causal: bool, window: int | None = None) -> Array | None:
    """Return where a key is later than its query, or too far from it: (T, S); None if nowhere.

    Arguments:
        queries, keys: T and S.
        causal: whether a query sees no key after it.
        window: how far from it, itself included, a query sees keys on both sides.

    Example:
        >>> beyond(2, 3, causal=True).astype(int)
        array([[0, 1, 1],
               [0, 0, 1]])
    """
    if not causal and window is None:
        return None
    ahead = np.arange(keys) - np.arange(queries)[:, np.newaxis]
    hidden = np.zeros(ahead.shape, bool)
    if causal:
        hidden |= ahead > 0
    if window is not None:
        hidden |= np.abs(ahead) >= window
    return hidden


class Arrangement(NamedTuple):
    """How queries (N, ..., H, K) and keys are laid out as batches of matrices (..., T, K).

    Attributes:
        split: the shape of the queries, their heads in groups where several share a key.
        query_order, key_order: their axes: those of the batch, those attended over, the features.
        query_axes, key_axes: how many axes are attended over.
        batch_sizes: the sizes of the batch axes.
        queries, keys: T and S, the numbers of queries and keys.
        scores_shape: the shape of the scores, as masks broadcast over it and users see it.
        axes: how many axes of the scores stand for the queries, and as many for the keys.
    """

    split: tuple[int, ...]
    query_order: tuple[int, ...]
    key_order: tuple[int, ...]
    query_axes: int
    key_axes: int
    batch_sizes: tuple[int, ...]
    queries: int
    keys: int
    scores_shape: tuple[int, ...]
    axes: int


def arranged(x: Array, order: tuple[int, ...], axes: int, ctx: Context, name: str) -> Array:
    """Return x with its axes in an order, and the last but one, so many of them, as one."""
    moved = x.transpose(order)
    if axes == 1:
        return moved  # BLAS takes matrices whose rows lie apart
    copy = ctx.buffer(name, moved.shape)
    np.copyto(copy, moved)
    batch = moved.shape[: moved.ndim - axes - 1]
    return copy.reshape(*batch, prod(moved.shape[len(batch) : -1]), moved.shape[-1])


def product(a: Array, b: Array, out: Array, axes: int, ctx: Context, name: str) -> None:
    """Write the matrices a b to `out`, whose rows lie along its last axes but one."""
    if axes == 1:
        np.matmul(a, b, out=out)
        return
    flat = ctx.buffer(name, (*a.shape[:-1], b.shape[-1]))
    np.copyto(out, np.matmul(a, b, out=flat).reshape(out.shape))


def hidden_scores(
    layer: Layer, parts: Sequence[Array], band: Array | None, to: Arrangement, ctx: Context
) -> Array | None:
    """Return where scores do not count: (..., T, S), broadcasting over them; None if all do.

    Arguments:
        layer: whose scores they are, for errors.
        parts: masks, false for what does not count: (N, T, S), or 1 in place of a size, and so on.
        band: true for what does not count in any sample, (T, S); None if there is nothing.
        to: the arrangement of the scores.
        ctx: the context.
    """
    if not parts and band is None:
        return None
    if not parts:
        hidden: Array = band[np.newaxis]  # type: ignore[index]
    else:
        shapes = [part.shape for part in parts] + ([band.shape] if band is not None else [])
        hidden = ctx.buffer("hidden", _common_shape(layer, shapes, to), bool)
        if band is None:
            hidden.fill(True)
        else:
            np.copyto(hidden, ~band)
        for part in parts:
            np.logical_and(hidden, part, out=hidden)
        np.logical_not(hidden, out=hidden)
    # The axes that the mask lacks are those of the heads and others in front.
    lacking = len(to.scores_shape) - hidden.ndim
    at = hidden.ndim - 2 * to.axes
    if at < 0:
        raise ValueError(
            f"The layer {layer.name!r} attends over {to.axes} axes, so that it can only be masked "
            f"by an attention_mask of {2 * to.axes} axes and that of the batch. Received: a mask "
            f"of shape {hidden.shape}."
        )
    hidden = hidden.reshape(*hidden.shape[:at], *(1,) * lacking, *hidden.shape[at:])
    _common_shape(layer, [hidden.shape], to, to.scores_shape)
    return hidden


def _common_shape(
    layer: Layer, shapes: Sequence[Any], to: Arrangement, wanted: Any = None
) -> tuple[int, ...]:
    """Return the shape that masks broadcast to, which must be able to become the scores'."""
    try:
        found = np.broadcast_shapes(*shapes, *([] if wanted is None else [wanted]))
    except ValueError:
        found = None
    if found is None or len(found) > len(to.scores_shape) or (wanted and found != wanted):
        raise ValueError(
            f"The layer {layer.name!r} expected masks that broadcast over its attention scores, of "
            f"shape {to.scores_shape}. Received: masks of shapes {list(shapes)}."
        )
    return found
