"""GRU: a state that one gate updates and another resets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import activations
from ...arrays import Array
from ...context import Context
from .cell import Mask, RecurrentCell, checked_implementation, keep
from .gate import Gate
from .recurrence import Recurrence
from .rnn import CellLayer, check_cudnn


class GRUCell(RecurrentCell):
    """One time step of a GRU: y = h' = z h + (1 - z) g.

    z and r are the first two parts of x W + h U + b, after a sigmoid. With `reset_after`,
    g = tanh(x W_3 + b_3 + r (h U_3 + b'_3)); else g = tanh(x W_3 + (r h) U_3 + b_3).

    Arguments:
        units: U, the size of the state.
        activation: of g.
        recurrent_activation: of the gates z and r.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what they add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training.
        reset_after: whether r works on h U_3 or on h; as in cuDNN it does the first.
        seed: an int fixes the dropout masks.
        implementation: 1 gives each gate dropout masks of its own; so does a `recurrent_dropout`.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D), state h and y (N, U); kernel (D, 3U), recurrent_kernel (U, 3U), bias (2, 3U):
        those of x and of h. Without `reset_after` the bias is (3U,).

    Raises:
        ValueError: if `units` is not a positive whole number, or the derivative of an activation
            is not known.

    Example:
        >>> y, h = GRUCell(3)(np.ones((2, 4)), np.zeros((2, 3)))
        >>> y.shape, h.shape
        ((2, 3), (2, 3))

    Reference: Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.recurrent_gate = Gate(type(self).__name__, self.recurrent_activation)
        self.reset_after = reset_after
        self.masks_per_gate = checked_implementation(self, implementation)
        self._in_place = self.gate.in_place and self.recurrent_gate.in_place
        # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: a tanh is faster, and the halves are in the weights.
        halves = np.array([0.5, 0.5, 1], self.dtype).reshape(3, 1, 1)
        self._scale = halves if self.recurrent_gate.is_sigmoid and self._in_place else None

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def forward_sequence(
        self, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array, list[Array]]:
        steps, n, _ = x.shape
        z = ctx.z = self.project(x, self._bias_of_x(), self._scale, ctx)
        gates = ctx.gates = z if self._in_place else ctx.buffer("gates", z.shape)
        h = ctx.h = ctx.buffer("h", (steps + 1, n, self.units))
        h[0] = states[0]
        # What r is multiplied by, or gives: h U_3 + b'_3, or r h.
        inner = ctx.inner = ctx.buffer("inner", (steps, n, self.units))
        change = ctx.change = ctx.buffer("change", inner.shape)  # h - g
        self._begin(n, ctx)
        by_step = zip(z.swapaxes(0, 1), gates.swapaxes(0, 1), inner, change, h, h[1:], strict=False)
        for t, (zt, yt, inner_t, change_t, h0, h1) in enumerate(by_step):
            self._step(zt, yt, inner_t, h0, ctx)
            update, _, g = yt
            np.subtract(h0, g, out=change_t)
            np.multiply(update, change_t, out=h1)
            h1 += g
            if mask is not None:
                keep(h1, h0, mask[t])
        return h[1:], [h[-1]]

    def _bias_of_x(self) -> Array | None:
        """Return what of the bias can be added to x W: all but r's own part."""
        if not self.use_bias or not self.reset_after:
            return self.bias.value if self.use_bias else None
        bias: Array = self.bias.value[0].copy()
        bias[: 2 * self.units] += self.bias.value[1, : 2 * self.units]
        return bias

    def _begin(self, n: int, ctx: Context) -> None:
        """Prepare the products with the state: of all gates, or of two and of the third."""
        scale = self._scale
        ctx.recurrence = Recurrence(self, ctx, 0, 3 if self.reset_after else 2)
        ctx.recurrence.begin_forward(n, scale if scale is None or self.reset_after else scale[:2])
        if not self.reset_after:
            ctx.third = Recurrence(self, ctx, 2)
            ctx.third.begin_forward(n)

    def _step(self, z: Array, y: Array, inner: Array, h: Array, ctx: Context) -> None:
        """Write the gates z and r, and g, to y (3, N, U)."""
        product = ctx.recurrence.forward(h)
        z[:2] += product[:2]
        if self._scale is None:
            self.recurrent_gate.forward(z[:2], y[:2])
        else:
            np.tanh(z[:2], out=y[:2])
            y[:2] *= 0.5
            y[:2] += 0.5
        reset = y[1]
        if self.reset_after:
            if self.use_bias:
                np.add(product[2], self.bias.value[1, 2 * self.units :], out=inner)
            else:
                inner[...] = product[2]
            z[2] += np.multiply(reset, inner, out=product[2])
        else:
            np.multiply(reset, h, out=inner)
            z[2] += ctx.third.forward(inner)[0]
        self.gate.forward(z[2], y[2])

    def backward_sequence(
        self, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array | None, list[Array]]:
        h = ctx.h
        steps, n, units = ctx.inner.shape
        to_gates, update = self._factors(mask, ctx)
        dz = ctx.buffer("dz", (steps, n, 3 * units))  # of z, r and g, as far as x goes
        # As far as h goes: with reset_after, of z, r and r's factor; else the same, or r h.
        dz_h = ctx.buffer("dz_h", dz.shape) if self.reset_after else dz
        (dh,) = dstates
        direct = ctx.buffer("direct", (n, units))  # h to h', past the gates
        ctx.recurrence.begin_backward(n)
        if not self.reset_after:
            ctx.third.begin_backward(n)
        back = self._back_after if self.reset_after else self._back_before
        first_dy = steps - (0 if dy is None else len(dy))
        for t in range(steps - 1, -1, -1):
            if dy is not None and t >= first_dy:
                dh += dy[t - first_dy]
            np.multiply(dh, update[t], out=direct)
            back(t, to_gates[:, t], dz[t], dz_h[t], dh, direct, ctx)
            dh += direct
        flat, flat_h = dz.reshape(-1, 3 * units), dz_h.reshape(-1, 3 * units)
        if self.reset_after:
            dz[..., : 2 * units] = dz_h[..., : 2 * units]
            ctx.recurrence.assign(h[:-1], flat_h)
        else:
            ctx.recurrence.assign(h[:-1], flat[:, : 2 * units])
            ctx.third.assign(ctx.inner, flat[:, 2 * units :])
        if self.use_bias:
            ones = ctx.ones(len(flat))
            if self.reset_after:
                np.dot(ones, flat, out=self.bias.grad[0])
                np.dot(ones, flat_h, out=self.bias.grad[1])
            else:
                np.dot(ones, flat, out=self.bias.grad)
        return self.backward_project(flat, ctx), [dh]

    def _back_after(
        self,
        t: int,
        to_gates: Array,
        dz: Array,
        dz_h: Array,
        dh: Array,
        direct: Array,
        ctx: Context,
    ) -> None:
        """One step back where r works on h U_3; dh becomes that of the state before."""
        units, y = self.units, ctx.gates[:, t]
        parts = dz_h.reshape(len(dz_h), 3, units).transpose(1, 0, 2)
        dg = dz[:, 2 * units :]
        np.multiply(dh, to_gates[2], out=dg)
        self.gate.back(dg, ctx.z[2, t], y[2], ctx)
        np.multiply(dh, to_gates[0], out=parts[0])
        np.multiply(dg, to_gates[1], out=parts[1])
        self.recurrent_gate.back(parts[:2], ctx.z[:2, t], y[:2], ctx)
        np.multiply(dg, y[1], out=parts[2])
        ctx.recurrence.backward(dz_h, dh)

    def _back_before(
        self,
        t: int,
        to_gates: Array,
        dz: Array,
        dz_h: Array,
        dh: Array,
        direct: Array,
        ctx: Context,
    ) -> None:
        """One step back where r works on h."""
        units, y = self.units, ctx.gates[:, t]
        parts = dz.reshape(len(dz), 3, units).transpose(1, 0, 2)
        np.multiply(dh, to_gates[2], out=parts[2])
        self.gate.back(parts[2], ctx.z[2, t], y[2], ctx)
        np.multiply(dh, to_gates[0], out=parts[0])
        ctx.third.backward(dz[:, 2 * units :], dh)  # dh is that of r h now
        np.multiply(dh, to_gates[1], out=parts[1])
        self.recurrent_gate.back(parts[:2], ctx.z[:2, t], y[:2], ctx)
        dh *= y[1]
        direct += dh
        ctx.recurrence.backward(dz[:, : 2 * units], dh)

    def _factors(self, mask: Mask, ctx: Context) -> tuple[Array, Array]:
        """Return what each step's dh is multiplied by, for all steps at once.

        dh times the first and third of (3, T, N, U) is the gradient of what z and g are made from,
        that of g, or of r h, times the second that of r; dh times (T, N, U) is what the state
        before gets past the gates: all of it where a step is masked.
        """
        gates, z = ctx.gates, ctx.z
        to_gates = ctx.buffer("to_gates", gates.shape)
        to_gates[0] = ctx.change
        to_gates[1] = ctx.inner if self.reset_after else ctx.h[:-1]
        self.recurrent_gate.slopes(to_gates[:2], z[:2], gates[:2], ctx)
        np.subtract(1, gates[0], out=to_gates[2])
        self.gate.slopes(to_gates[2], z[2], gates[2], ctx)
        if mask is None:
            return to_gates, gates[0]
        to_gates[::2] *= mask
        update = ctx.buffer("update", gates[0].shape)
        update.fill(1)
        np.copyto(update, gates[0], where=mask)
        return to_gates, update

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


class GRU(CellLayer):
    """Gated recurrent unit over a sequence: h_t = z_t h_{t-1} + (1 - z_t) g_t.

    z and r are the first two parts of x_t W + h_{t-1} U + b, after a sigmoid. With `reset_after`,
    g = tanh(x W_3 + b_3 + r (h U_3 + b'_3)); else g = tanh(x W_3 + (r h) U_3 + b_3).

    Arguments:
        units: U, the size of the state.
        activation: of g.
        recurrent_activation: of the gates z and r.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: what W,
            U, b and y add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training, the same at all
            steps.
        seed: an int fixes the dropout masks.
        return_sequences, return_state, go_backwards, stateful, unroll: as for RNN.
        reset_after: whether r works on h U_3 or on h; as in cuDNN it does the first.
        use_cudnn: 'auto' or False; there is no cuDNN here.
        implementation: 1 gives each gate dropout masks of its own; so does a `recurrent_dropout`.
        **kwargs: the arguments of every Layer, and `zero_output_for_mask`.

    Shape:
        x (N, T, D), y (N, U) or, with return_sequences, (N, T, U); kernel (D, 3U),
        recurrent_kernel (U, 3U), bias (2, 3U), or (3U,) without `reset_after`. With return_state,
        [y, h], h (N, U).

    Raises:
        ValueError: if `units` is not a positive whole number, the derivative of an activation is
            not known, or use_cudnn is True.

    Example:
        >>> GRU(3)(np.ones((2, 5, 4))).shape
        (2, 3)

    Reference: Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        self.use_cudnn = check_cudnn("GRU", use_cudnn)
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
            seed=seed,
            implementation=kwargs.pop("implementation", 2),
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="gru_cell",
        )
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
