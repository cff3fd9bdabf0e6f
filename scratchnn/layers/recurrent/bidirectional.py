"""Bidirectional: a recurrent layer forward in time and another one backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ... import tree
from ...arrays import Array, Shape
from ...context import Context
from ..activity import penalized
from ..base import Layer
from .initial_states import CalledWithStates, given_mask

MODES = ("concat", "sum", "ave", "mul", None)
COMMON = ("stateful", "return_sequences", "return_state")


class Bidirectional(CalledWithStates):
    """Run a recurrent layer forward in time and another backward: y = merge(forward, backward).

    With return_sequences the backward layer's output is turned around, so that both are in the
    order of time. Where a step is masked it is 0.

    Arguments:
        layer: a recurrent layer, such as LSTM(32). Both directions are new layers, made from its
            config: forward_lstm and backward_lstm.
        merge_mode: 'concat', 'sum', 'ave' or 'mul'; None returns both in a list.
        weights: what the weights start as: those of the forward layer, then those of the other.
        backward_layer: the layer for the way back, if it is to differ: with the other
            `go_backwards`, and else as `layer`.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, D), y (N, 2U) or, with return_sequences, (N, T, 2U); U in place of 2U unless
        merge_mode is 'concat'. With return_state, the states of both follow.

    Raises:
        ValueError: if `layer` is not recurrent, the mode is not known, or the two do not fit.

    Example:
        >>> from scratchnn.layers import LSTM
        >>> Bidirectional(LSTM(3))(np.ones((2, 5, 4))).shape
        (2, 6)

    Reference: Schuster and Paliwal, 1997, Bidirectional Recurrent Neural Networks.
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        for argument, given in (("layer", layer), ("backward_layer", backward_layer)):
            if (given is not None or argument == "layer") and not _is_recurrent(given):
                raise ValueError(
                    f"Bidirectional expected as `{argument}` a recurrent layer, such as LSTM(32). "
                    f"Received: {given!r}."
                )
        if merge_mode not in MODES:
            raise ValueError(
                "Bidirectional expected merge_mode to be 'concat', 'sum', 'ave', 'mul' or None. "
                f"Received: merge_mode={merge_mode!r}."
            )
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", go_backwards=True)
        self.backward_layer = backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self._first_weights = None if weights is None else list(weights)

    def _check_pair(self) -> None:
        there, back = self.forward_layer, self.backward_layer
        if there.go_backwards == back.go_backwards:
            raise ValueError(
                "Bidirectional expected layers of opposite directions. Received: go_backwards="
                f"{there.go_backwards} for both."
            )
        for name in COMMON:
            if getattr(there, name) != getattr(back, name):
                raise ValueError(
                    f"Bidirectional expected the same {name} for both layers. Received: "
                    f"{getattr(there, name)} and {getattr(back, name)}."
                )

    def build(self, input_shape: Shape) -> None:
        self.forward_layer.ensure_built(input_shape)
        self.backward_layer.ensure_built(input_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def forget_build(self) -> None:
        super().forget_build()
        self.forward_layer.forget_build()
        self.backward_layer.forget_build()

    def said_by_default(self) -> dict[str, Any]:
        return {"mask": None}

    # The passes ---------------------------------------------------------------------------------

    def forward(self, x: Any, ctx: Context) -> Any:
        there_x, back_x = self._halves(x)
        ctx.several = isinstance(x, list)
        there, back = self._contexts(ctx)
        y, states = self._split(penalized(self.forward_layer).forward(there_x, there))
        z, more = self._split(penalized(self.backward_layer).forward(back_x, back))
        if self.return_sequences:
            z = z[:, ::-1]
        ctx.y, ctx.z = y, z
        merged = self._merge(y, z, ctx)
        if self.return_state:
            return [*(merged if self.merge_mode is None else [merged]), *states, *more]
        return merged

    def backward(self, dy: Any, ctx: Context) -> Any:
        merged = 2 if self.merge_mode is None else 1
        parts = list(dy) if isinstance(dy, list) else [dy]
        dys, dstates = parts[:merged], parts[merged:]
        d, dz = dys if self.merge_mode is None else self._unmerge(dys[0], ctx)
        if dz is not None and self.return_sequences:
            dz = dz[:, ::-1]
        half = len(dstates) // 2
        there, back = self._contexts(ctx)
        dx, *before = self._back(self.forward_layer, d, dstates[:half], there)
        more, *after = self._back(self.backward_layer, dz, dstates[half:], back)
        if not ctx.needs_dx:
            return None
        if dx is None or more is None:
            dx = more if dx is None else dx
        else:
            dx += more
        return [dx, *before, *after] if ctx.several else dx

    def _back(self, layer: Any, dy: Array | None, dstates: list[Any], ctx: Context) -> list[Any]:
        """Return the gradients of one layer's inputs, in a list."""
        unused = dy is None and all(dstate is None for dstate in dstates)
        if unused and layer.activity_regularizer is None:
            for weight in layer.trainable_weights:  # no loss depends on this direction
                weight.grad.fill(0)
            return [None] * (1 + len(dstates))
        dx = penalized(layer).backward([dy, *dstates] if self.return_state else dy, ctx)
        return dx if isinstance(dx, list) else [dx]

    def activity_penalty(self, ctx: Context) -> Any:
        pairs = zip((self.forward_layer, self.backward_layer), self._contexts(ctx), strict=True)
        return sum(penalized(layer).activity_penalty(inner) for layer, inner in pairs)

    def _merge(self, y: Array, z: Array, ctx: Context) -> Any:
        if self.merge_mode is None:
            return [y, z]
        units = y.shape[-1]
        if self.merge_mode == "concat":
            out = ctx.buffer("merged", (*y.shape[:-1], units + z.shape[-1]))
            out[..., :units] = y
            out[..., units:] = z
            return out
        out = ctx.buffer("merged", y.shape)
        (np.multiply if self.merge_mode == "mul" else np.add)(y, z, out=out)
        if self.merge_mode == "ave":
            out /= 2
        return out

    def _unmerge(self, dy: Array | None, ctx: Context) -> tuple[Array | None, Array | None]:
        """Return the gradients of the forward and of the backward output."""
        if dy is None:
            return None, None
        if self.merge_mode == "concat":
            units = ctx.y.shape[-1]
            return dy[..., :units], dy[..., units:]
        dz = ctx.buffer("dz", dy.shape)
        if self.merge_mode == "mul":
            np.multiply(dy, ctx.y, out=dz)
            dy *= ctx.z
            return dy, dz
        if self.merge_mode == "ave":
            dy /= 2
        dz[...] = dy
        return dy, dz

    def _split(self, given: Any) -> tuple[Any, list[Any]]:
        return (given[0], list(given[1:])) if self.return_state else (given, [])

    def _halves(self, x: Any) -> tuple[Any, Any]:
        """Return what each layer is called on: the forward one on the first half of the states."""
        if not isinstance(x, list):
            return x, x
        x, *states = x
        half = len(states) // 2
        return [x, *states[:half]], [x, *states[half:]]

    def _contexts(self, ctx: Context) -> tuple[Context, Context]:
        """Return the contexts of both layers within that of this one."""
        if "there" not in vars(ctx):
            ctx.there = Context(dtype=self.forward_layer.dtype)
            ctx.back = Context(dtype=self.backward_layer.dtype)
        for inner in (ctx.there, ctx.back):
            inner.training, inner.needs_dx = ctx.training, ctx.needs_dx
            inner.in_mask = given_mask(ctx)
        return ctx.there, ctx.back

    # Shapes and states --------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        there_x, back_x = self._halves(input_shape)
        y, states = self._split(self.forward_layer.compute_output_shape(there_x))
        z, more = self._split(self.backward_layer.compute_output_shape(back_x))
        if self.merge_mode is None:
            return [y, z, *states, *more]
        merged = (*y[:-1], y[-1] + z[-1] if self.merge_mode == "concat" else y[-1])
        return [merged, *states, *more] if self.return_state else merged

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if isinstance(mask, list):
            mask = mask[0]
        mask = mask if self.return_sequences else None
        masks = [mask] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            layers = (self.forward_layer, self.backward_layer)
            masks += [None for layer in layers for _ in tree.flatten(layer.state_size)]
        return masks if len(masks) > 1 else mask

    def check_input(self, shape: Any) -> None:
        for layer, part in zip(
            (self.forward_layer, self.backward_layer), self._halves(shape), strict=True
        ):
            layer.check_input(part)

    @property
    def states(self) -> list[Array] | None:
        """The states of both layers, if they are stateful."""
        there, back = self.forward_layer.states, self.backward_layer.states
        return [*there, *back] if there and back else None

    def reset_state(self) -> None:
        """Let the next batch begin with states of zeros.

        Raises:
            AttributeError: if the layers are not stateful.
        """
        if not self.stateful:
            raise AttributeError(f"The layer {self.name!r} is not stateful: it keeps no states.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from ...saving import serialize_keras_object

        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ..configs import deserialize

        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize(config[name])
        return super().from_config(config)


def _is_recurrent(layer: Any) -> bool:
    return isinstance(layer, Layer) and all(hasattr(layer, n) for n in (*COMMON, "go_backwards"))


def _copy(layer: Layer, prefix: str, **changes: Any) -> Any:
    """Return a new layer like this one, named after it, with some arguments changed."""
    from ..configs import deserialize, serialize

    config = serialize(layer)
    name = prefix + layer.name.removeprefix(prefix)
    config["config"] = {**config["config"], "name": name, **changes}
    return deserialize(config)
