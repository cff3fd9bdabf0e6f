"""LSTM: a state behind gates, which lets gradients pass many time steps."""

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


class LSTMCell(RecurrentCell):
    """One time step of an LSTM: h' = o tanh(c'), c' = f c + i g.

    i, f, g, o are the four parts of x W + h U + b, after sigmoid, sigmoid, tanh and sigmoid.

    Arguments:
        units: U, the size of the states.
        activation: of g and c'.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        unit_forget_bias: whether f's part of b starts as ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what they add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training.
        seed: an int fixes the dropout masks.
        implementation: 1 gives each gate dropout masks of its own; so does a `recurrent_dropout`.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D), states [h, c] and y = h' (N, U); kernel (D, 4U), recurrent_kernel (U, 4U),
        bias (4U,).

    Raises:
        ValueError: if `units` is not a positive whole number, or the derivative of an activation
            is not known.

    Example:
        >>> y, (h, c) = LSTMCell(3)(np.ones((2, 4)), [np.zeros((2, 3)), np.zeros((2, 3))])
        >>> y.shape, c.shape
        ((2, 3), (2, 3))

    Reference: Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers, Schmidhuber and
    Cummins, 2000, Learning to Forget.
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
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
        self.unit_forget_bias = unit_forget_bias
        self.masks_per_gate = checked_implementation(self, implementation)
        self.state_size = [self.units, self.units]
        # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, so that one tanh makes all gates at once.
        self._as_tanh = self.gate.is_tanh and self.recurrent_gate.is_sigmoid
        self._in_place = self.gate.in_place and self.recurrent_gate.in_place
        self._scale = np.array([0.5, 0.5, 1, 0.5], self.dtype).reshape(4, 1, 1)
        self._shift = np.array([0.5, 0.5, 0, 0.5], self.dtype).reshape(4, 1, 1)

    def make_bias(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if not self.unit_forget_bias:
            return super().make_bias(shape, dtype)
        units = self.units
        forget = np.ones(units, dtype)
        first, rest = (super(LSTMCell, self).make_bias((n,), dtype) for n in (units, 2 * units))
        return np.concatenate([first, forget, rest])

    def forward_sequence(
        self, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array, list[Array]]:
        steps, n, _ = x.shape
        scale = self._scale if self._as_tanh else None
        z = ctx.z = self.project(x, self.bias.value if self.use_bias else None, scale, ctx)
        gates = ctx.gates = z if self._in_place else ctx.buffer("gates", z.shape)
        h = ctx.h = ctx.buffer("h", (steps + 1, n, self.units))
        c = ctx.c = ctx.buffer("c", h.shape)
        tanh_c = ctx.tanh_c = ctx.buffer("tanh_c", (steps, n, self.units))
        h[0], c[0] = states
        entering = ctx.buffer("entering", (n, self.units))
        recurrence = ctx.recurrence = Recurrence(self, ctx)
        recurrence.begin_forward(n, scale)
        by_step = zip(
            z.swapaxes(0, 1), gates.swapaxes(0, 1), *gates, h, h[1:], c, c[1:], tanh_c, strict=False
        )
        for t, (zt, yt, i, f, g, o, h0, h1, c0, c1, tanh) in enumerate(by_step):
            zt += recurrence.forward(h0)
            self._open_gates(zt, yt)
            np.multiply(f, c0, out=c1)
            c1 += np.multiply(i, g, out=entering)
            self.gate.forward(c1, tanh)
            np.multiply(o, tanh, out=h1)
            if mask is not None:
                keep(h1, h0, mask[t])
                keep(c1, c0, mask[t])
        return h[1:], [h[-1], c[-1]]

    def _open_gates(self, z: Array, y: Array) -> None:
        """Write i, f, g and o to y, (4, N, U)."""
        if self._as_tanh:
            np.tanh(z, out=y)
            y *= self._scale
            y += self._shift
        else:
            self.recurrent_gate.forward(z[:2], y[:2])
            self.gate.forward(z[2], y[2])
            self.recurrent_gate.forward(z[3], y[3])

    def backward_sequence(
        self, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array | None, list[Array]]:
        h, c, tanh_c = ctx.h, ctx.c, ctx.tanh_c
        steps, n, units = tanh_c.shape
        to_gates, to_c, forget = self._factors(mask, ctx)
        dz = ctx.buffer("dz", (steps, n, 4 * units))
        dz_by_gate = dz.reshape(steps, n, 4, units).transpose(0, 2, 1, 3)  # (T, 4, N, U)
        dh, dc = dstates
        through_c = ctx.buffer("entering", (n, units))
        held = None if mask is None else ctx.buffer("held", (n, units))
        recurrence: Recurrence = ctx.recurrence
        recurrence.begin_backward(n)
        first_dy = steps - (0 if dy is None else len(dy))
        for t in range(steps - 1, -1, -1):
            if dy is not None and t >= first_dy:
                dh += dy[t - first_dy]
            np.multiply(dh, to_c[t], out=through_c)
            self.gate.back(through_c, c[t + 1], tanh_c[t], ctx)
            dc += through_c
            d = dz_by_gate[t]
            np.multiply(dc, to_gates[:3, t], out=d[:3])
            np.multiply(dh, to_gates[3, t], out=d[3])
            self._back_through_gates(d, t, ctx)
            dc *= forget[t]
            if held is not None:
                np.multiply(dh, ~mask[t], out=held)  # type: ignore[index]
            recurrence.backward(dz[t], dh)
            if held is not None:
                dh += held
        flat = dz.reshape(-1, 4 * units)
        recurrence.assign(h[:-1], flat)
        if self.use_bias:
            np.dot(ctx.ones(len(flat)), flat, out=self.bias.grad)
        return self.backward_project(flat, ctx), [dh, dc]

    def _factors(self, mask: Mask, ctx: Context) -> tuple[Array, Array, Array]:
        """Return what each step's dc and dh are multiplied by, for all steps at once.

        dc times the first three of (4, T, N, U), and dh times the fourth, are the gradients of
        what i, f, g and o are made from; dh times (T, N, U) is that of c; dc times the last,
        (T, N, U), that of c one step before. Where a step is masked, nothing reaches the gates,
        and dc stays.
        """
        i, f, g, o = gates = ctx.gates
        z, c, tanh_c = ctx.z, ctx.c, ctx.tanh_c
        to_gates = ctx.buffer("to_gates", gates.shape)
        for out, factor in zip(to_gates, (g, c[:-1], i, tanh_c), strict=True):
            out[...] = factor
        self.recurrent_gate.slopes(to_gates[:2], z[:2], gates[:2], ctx)
        self.gate.slopes(to_gates[2], z[2], g, ctx)
        self.recurrent_gate.slopes(to_gates[3], z[3], o, ctx)
        to_c = ctx.buffer("to_c", o.shape)
        to_c[...] = o
        self.gate.slopes(to_c, c[1:], tanh_c, ctx)
        if mask is None:
            return to_gates, to_c, f
        to_gates *= mask
        to_c *= mask
        forget = ctx.buffer("forget", f.shape)
        forget.fill(1)
        np.copyto(forget, f, where=mask)
        return to_gates, to_c, forget

    def _back_through_gates(self, d: Array, t: int, ctx: Context) -> None:
        """Write over d, (4, N, U), the gradients of z where an activation is not elementwise."""
        z, y = ctx.z, ctx.gates
        self.recurrent_gate.back(d[:2], z[:2, t], y[:2, t], ctx)
        self.gate.back(d[2], z[2, t], y[2, t], ctx)
        self.recurrent_gate.back(d[3], z[3, t], y[3, t], ctx)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


class LSTM(CellLayer):
    """Long short-term memory over a sequence: h_t = o_t tanh(c_t), c_t = f_t c_{t-1} + i_t g_t.

    i, f, g, o are the four parts of x_t W + h_{t-1} U + b, after sigmoid, sigmoid, tanh and
    sigmoid. With the default activations one tanh makes all of them.

    Arguments:
        units: U, the size of the states.
        activation: of g and c.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        unit_forget_bias: whether f's part of b starts as ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: what W,
            U, b and y add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training, the same at all
            steps.
        seed: an int fixes the dropout masks.
        return_sequences, return_state, go_backwards, stateful, unroll: as for RNN.
        use_cudnn: 'auto' or False; there is no cuDNN here.
        implementation: 1 gives each gate dropout masks of its own; so does a `recurrent_dropout`.
        **kwargs: the arguments of every Layer, and `zero_output_for_mask`.

    Shape:
        x (N, T, D), y (N, U) or, with return_sequences, (N, T, U); kernel (D, 4U),
        recurrent_kernel (U, 4U), bias (4U,). With return_state, [y, h, c], h and c (N, U).

    Raises:
        ValueError: if `units` is not a positive whole number, the derivative of an activation is
            not known, or use_cudnn is True.

    Example:
        >>> LSTM(3)(np.ones((2, 5, 4))).shape
        (2, 3)

    Reference: Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers, Schmidhuber and
    Cummins, 2000, Learning to Forget; Gal and Ghahramani, 2016, for the dropout.
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
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        self.use_cudnn = check_cudnn("LSTM", use_cudnn)
        cell = LSTMCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            implementation=kwargs.pop("implementation", 2),
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="lstm_cell",
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
