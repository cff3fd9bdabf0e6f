"""What the cells share: weights, dropout masks, and the matrix products of all gates at once.

A recurrent layer spends its time in three matrix products per pass, and in the calls of small
ones. So the part of all time steps that does not depend on the state, x W, is one product before
the loop, and those of the gradients of the kernels and of x come after it. The loops run over
time-major buffers, (T, N, ...), of which each step is a contiguous piece, and of which the gates
are one, (G, T, N, U): gate by gate for the forward pass, since then each is contiguous, and
(T, N, G, U) for the gradients, since then all gates of a step are one matrix (N, G U).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ... import activations, constraints, initializers, regularizers, tree
from ...arrays import Array, Shape
from ...context import Context
from ...random import SeedGenerator, dropout_mask_into
from ..base import Layer
from ..core import positive_int
from .gate import Gate
from .products import product, transposed_product

Mask: TypeAlias = Array | None
"""(T, N, 1), false where a sample has no such time step; None if all have all."""


class Cell(Layer):
    """A layer that takes a step: from [x, *states] to [y, *new states]. Called as in Keras."""

    takes_several = True

    def call_inputs(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool | None = None
    ) -> tuple[Any, dict[str, Any]]:
        one = None if tree.is_nested(states) else True
        return [inputs, *tree.flatten(states)], {"training": training, "one_state": one}

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        x, *states = inputs
        given = states[0] if "one_state" in options else states
        return [x], {"states": given, "training": options.get("training", False)}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return (y, new states) of one step, as arrays of their own.

        Arguments:
            inputs: (N, D).
            states: a list of the states, each (N, U), or the only one itself.
            training: whether to run as in training.
        """
        y, *after = super().__call__(*args, **kwargs)
        states = kwargs["states"] if "states" in kwargs else args[1]
        return y, tree.pack_sequence_as(states, after)

    def ensure_built(self, input_shape: Any) -> None:
        # A call of the cell gives the shapes of its states, too; they say nothing new.
        super().ensure_built(input_shape[0] if isinstance(input_shape, list) else input_shape)


class RecurrentCell(Cell):
    """The base of SimpleRNNCell, LSTMCell and GRUCell.

    A cell takes [x, *states] and returns [y, *new states]. Its passes over a whole sequence,
    `forward_sequence` and `backward_sequence`, are what the recurrent layers run; those of one
    step are the passes over a sequence of one.

    Attributes:
        gates: G, how many matrices of size (D, U) the kernel (D, G U) consists of.
        state_size: the size of each state.
    """

    gates: int
    masks_per_gate = False
    """Whether each gate has dropout masks of its own, Keras's `implementation=1`."""

    draws_always = False
    """Whether calls of the cell itself draw masks outside training, too; Keras's SimpleRNNCell."""

    drops_all = False
    """Whether a rate of 1 drops everything; in Keras's LSTM and GRU it drops nothing."""

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.draws_always:
            self.seed_generator = SeedGenerator(seed)  # Keras's order, which the weights depend on
        self.units = positive_int(self, "units", units)
        self.activation = activations.get(activation)
        self.gate = Gate(type(self).__name__, self.activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.state_size: int | list[int] = self.units
        self.output_size = self.units
        self._masks: tuple[Mask, Mask] | None = None  # of calls of the cell itself
        if not self.draws_always:
            self.seed_generator = SeedGenerator(seed)

    # Weights ------------------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.gates * self.units),  # type: ignore[arg-type]
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.gates * self.units),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self.bias_shape(),
                initializer=self.make_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def bias_shape(self) -> tuple[int, ...]:
        """Return the shape of the bias."""
        return (self.gates * self.units,)

    def make_bias(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return what the bias starts as."""
        return np.asarray((self.bias_initializer or initializers.GlorotUniform())(shape, dtype))

    # One step -----------------------------------------------------------------------------------

    def forward(self, inputs: Any, ctx: Context) -> Any:
        x, *states = inputs
        self._take_own_masks(x, states[0], ctx)
        y, states = self.forward_sequence(x[np.newaxis], states, None, ctx)
        return [y[0], *states]

    def backward(self, dy: Any, ctx: Context) -> Any:
        back, *given = dy
        dx, dstates = self.backward_sequence(
            None if back is None else back[np.newaxis],
            [np.zeros_like(ctx.h[0]) if d is None else d for d in given],
            None,
            ctx,
        )
        return [None if dx is None else dx[0], *dstates]

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Return zeros for each state, (N, U)."""
        return [np.zeros((batch_size or 0, size), self.dtype) for size in sizes_of(self)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch = input_shape[0][0]
        return [(batch, self.units), *((batch, size) for size in sizes_of(self))]

    # Dropout masks ------------------------------------------------------------------------------

    def take_masks(self, x: Array, ctx: Context) -> None:
        """Draw the masks of a layer's call on (T, N, D): the same for all of its time steps.

        As in Keras they are drawn outside training, too, but not used.
        """
        n, features = x.shape[1:]
        ctx.dropout_masks = self._draw("dropout_masks", self.dropout, (n, features), ctx)
        recurrent = self._draw("recurrent_masks", self.recurrent_dropout, (n, self.units), ctx)
        ctx.recurrent_masks = recurrent

    def _draw(self, name: str, rate: float, shape: tuple[int, int], ctx: Context) -> Mask:
        if not rate:
            return None
        count = self.gates if self.masks_per_gate else 1
        if rate == 1:  # nothing is left to draw
            seeds: list[Any] = [None] * count
        else:
            seeds = [self.seed_generator.next() for _ in range(count)]
        if not ctx.training or (rate == 1 and not self.drops_all):
            return None
        masks = ctx.buffer(name, (count, *shape))
        for mask, seed in zip(masks, seeds, strict=True):
            if rate == 1:
                mask.fill(0)
            else:
                dropout_mask_into(mask, rate, seed)
        return masks

    def _take_own_masks(self, x: Array, h: Array, ctx: Context) -> None:
        """Draw the masks of the cell's own calls, which share them until they are reset."""
        ctx.dropout_masks = ctx.recurrent_masks = None
        if not ctx.training and not self.draws_always:
            return
        if self._masks is None:
            fresh = Context(True, self.dtype)
            self.take_masks(x[np.newaxis], fresh)
            self._masks = fresh.dropout_masks, fresh.recurrent_masks
        if ctx.training:
            ctx.dropout_masks, ctx.recurrent_masks = self._masks

    def reset_dropout_mask(self) -> None:
        """Let the next call of the cell itself draw new masks."""
        self._masks = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Let the next call of the cell itself draw new masks."""
        self._masks = None

    # A sequence ---------------------------------------------------------------------------------

    def forward_sequence(
        self, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array, list[Array]]:
        """Return the outputs, (T, N, U), and the states after the last step.

        Arguments:
            x: (T, N, D), contiguous.
            states: those before the first step.
            mask: of the steps; where it is false, the states stay as they are.
            ctx: has `dropout_masks` and `recurrent_masks`, (1, N, D) and (1, N, U) or (G, ...),
                or None.
        """
        raise NotImplementedError

    def backward_sequence(
        self, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array | None, list[Array]]:
        """Assign the weights' gradients; return that of x and those of the first states.

        Arguments:
            dy: the gradient of the last len(dy) outputs; None if nothing came back from them.
            dstates: those of the last states, which are overwritten.
            mask, ctx: as in the forward pass.
        """
        raise NotImplementedError

    # The products of all gates ------------------------------------------------------------------

    def by_gate(self, name: str, matrix: Array, scale: Array | None, ctx: Context) -> Array:
        """Return a kernel (D, G U) as (G, D, U), each gate's times its number in `scale`."""
        parts = matrix.reshape(len(matrix), self.gates, self.units).transpose(1, 0, 2)
        out = ctx.buffer(name, parts.shape)
        if scale is None:
            out[...] = parts
        else:
            np.multiply(parts, scale, out=out)
        return out

    def project(self, x: Array, bias: Array | None, scale: Array | None, ctx: Context) -> Array:
        """Return z = x W + b of all time steps, (G, T, N, U), times `scale`.

        Arguments:
            x: (T, N, D).
            bias: (G U,), if there is one.
            scale: (G, 1, 1), a factor for each gate.
        """
        steps, n, features = x.shape
        weights = self.by_gate("kernel", self.kernel.value, scale, ctx)
        z = ctx.buffer("z", (self.gates, steps, n, self.units))
        flat = z.reshape(self.gates, steps * n, self.units)
        masks, ctx.x = ctx.dropout_masks, x
        if masks is not None and len(masks) == 1:
            x = ctx.x = np.multiply(x, masks[0], out=ctx.buffer("dropped", x.shape))
        if masks is None or len(masks) == 1:
            product(x.reshape(-1, features), weights, flat)
        else:
            for mask, weight, out in zip(masks, weights, flat, strict=True):
                dropped = np.multiply(x, mask, out=ctx.buffer("dropped", x.shape))
                product(dropped.reshape(-1, features), weight, out)
        if bias is not None:
            by_gate = bias.reshape(self.gates, 1, self.units)
            flat += by_gate if scale is None else by_gate * scale
        return z

    def backward_project(self, dz: Array, ctx: Context) -> Array | None:
        """Assign the kernel's gradient and return that of x, (T, N, D), if it is wanted.

        Arguments:
            dz: (T N, G U), the gradient of x W.
        """
        x, masks = ctx.x, ctx.dropout_masks
        features = x.shape[-1]
        rows = x.reshape(-1, features)
        if masks is None or len(masks) == 1:
            transposed_product(rows, dz, self.kernel.grad, ctx)
            if not ctx.needs_dx:
                return None
            dx = ctx.buffer("dx", x.shape)
            product(dz, self.kernel.value.T, dx.reshape(-1, features))
            if masks is not None:
                dx *= masks[0]
            return dx
        dx, part = ctx.buffer("dx", x.shape), ctx.buffer("dropped", x.shape)
        dx.fill(0)
        for k, mask in enumerate(masks):
            gate = slice(k * self.units, (k + 1) * self.units)
            np.multiply(x, mask, out=part)
            self.kernel.grad[:, gate] = np.dot(part.reshape(-1, features).T, dz[:, gate])
            np.dot(dz[:, gate], self.kernel.value[:, gate].T, out=part.reshape(-1, features))
            part *= mask
            dx += part
        return dx if ctx.needs_dx else None

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def sizes_of(cell: Any) -> list[int]:
    """Return the sizes of a cell's states, flat."""
    return tree.flatten(cell.state_size)


def keep(new: Array, old: Array, mask: Array) -> None:
    """Write the old state over the new one, (N, U), where a step is masked, (N, 1)."""
    np.copyto(new, old, where=~mask)


def checked_implementation(cell: RecurrentCell, implementation: int) -> bool:
    """Return whether each gate has dropout masks of its own.

    Raises:
        ValueError: if `implementation` is neither 1 nor 2.
    """
    if implementation not in (1, 2):
        raise ValueError(
            f"{type(cell).__name__} expected implementation to be 1 or 2. "
            f"Received: implementation={implementation!r}."
        )
    return implementation == 1 or cell.recurrent_dropout != 0
