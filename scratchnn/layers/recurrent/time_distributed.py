"""TimeDistributed: a layer on each time step of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array, Shape
from ...context import Context
from ..base import Layer, check_mask
from ..wrapper import Wrapper
from .cell import RecurrentCell


class TimeDistributed(Wrapper):
    """Apply a layer to each time step: y_t = layer(x_t), with the same weights at all of them.

    Where each output depends on its own sample alone, the time steps go through the layer at once,
    as samples of one large batch. Others, such as Dropout and BatchNormalization in training, and
    those of your own, go step by step, as they do in Keras.

    Arguments:
        layer: the layer.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, ...), y (N, T, ...), without T those of `layer`.

    Raises:
        ValueError: if `layer` is none, or x has less than three axes.

    Example:
        >>> from scratchnn.layers import Dense
        >>> TimeDistributed(Dense(3))(np.ones((2, 5, 4))).shape
        (2, 5, 3)
    """

    supports_masking = True
    takes_mask = True

    def build(self, input_shape: Shape) -> None:
        self.layer.ensure_built(_one_step(input_shape))

    # The passes ---------------------------------------------------------------------------------

    def forward(self, x: Array, ctx: Context) -> Array:
        mask = None if ctx.in_mask is None else np.asarray(ctx.in_mask)
        if mask is not None:
            check_mask(self, mask.shape[:2], x.shape[:2])
        n, steps = x.shape[:2]
        ctx.at_once = self._runs_at_once(ctx.training)
        if ctx.at_once:
            (inner,) = self._contexts(1, ctx)
            inner.in_mask = None if mask is None else mask.reshape(n * steps, *mask.shape[2:])
            y = self.layer.forward(x.reshape(n * steps, *x.shape[2:]), inner)
            ctx.folded = y.shape
            return y.reshape(n, steps, *y.shape[1:])
        out: Array | None = None
        for t, inner in enumerate(self._contexts(steps, ctx)):
            inner.in_mask = None if mask is None else mask[:, t]
            y = self.layer.forward(x[:, t], inner)
            if out is None:
                out = ctx.buffer("y", (n, steps, *y.shape[1:]), y.dtype)
            out[:, t] = y
        if out is None:
            raise ValueError(
                f"The layer {self.name!r} expected at least one time step. "
                f"Received: shape {x.shape}."
            )
        return out

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        n, steps = dy.shape[:2]
        if ctx.at_once:
            (inner,) = self._contexts(1, ctx)
            dx = self.layer.backward(dy.reshape(ctx.folded), inner)
            return None if dx is None else dx.reshape(n, steps, *dx.shape[1:])
        weights = self.layer.trainable_weights
        totals = [np.zeros_like(weight.grad) for weight in weights]
        out: Array | None = None
        for t, inner in enumerate(self._contexts(steps, ctx)):
            dx = self.layer.backward(dy[:, t], inner)
            for total, weight in zip(totals, weights, strict=True):
                total += weight.grad
            if dx is not None:
                if out is None:
                    out = ctx.buffer("dx", (n, steps, *dx.shape[1:]), dx.dtype)
                out[:, t] = dx
        for total, weight in zip(totals, weights, strict=True):
            weight.grad[...] = total
        return out

    def activity_penalty(self, ctx: Context) -> Any:
        # Keras does not count what the layer itself would add, but what those in a model do.
        return sum(self.layer.activity_penalty(inner) for inner in vars(ctx).get("inner", ()))

    def _contexts(self, count: int, ctx: Context) -> list[Context]:
        """Return contexts for so many calls of the layer, within that of this one."""
        inner: list[Context] = vars(ctx).setdefault("inner", [])
        inner += [Context(ctx.mode, self.layer.dtype) for _ in range(count - len(inner))]
        for one in inner[:count]:
            one.needs_dx = ctx.needs_dx
        return inner[:count]

    def _runs_at_once(self, training: bool) -> bool:
        layers = list(self.layer.walk())
        pays = any(layer.activity_regularizer for layer in layers[1:])  # a mean over samples
        return not pays and all(_is_per_sample(layer, training) for layer in layers)

    # Shapes -------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *rest = self.layer.compute_output_shape(_one_step(input_shape))
        return (batch, input_shape[1], *rest)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 3:
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank 3 or more, (N, T, ...). "
                f"Received: shape {shape}."
            )
        self.layer.check_input(_one_step(shape))


def _one_step(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])


def _is_per_sample(layer: Layer, training: bool) -> bool:
    """Return whether each output depends on its own sample alone, and nothing is drawn.

    Of a layer that is not this package's, or calls a function of the user's, nobody knows.
    """
    if type(layer).__module__.partition(".")[0] != __name__.partition(".")[0]:
        return False
    if hasattr(layer, "function") or getattr(layer, "stateful", False):
        return False
    if isinstance(layer, RecurrentCell):  # it draws outside training, too
        return not (layer.dropout or layer.recurrent_dropout)
    has_state = any(not weight.trainable for weight in layer.own_weights)
    return not training or not (has_state or hasattr(layer, "seed_generator"))
