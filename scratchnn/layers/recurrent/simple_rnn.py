"""SimpleRNN: a layer whose output is part of its next input."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from .cell import Mask, RecurrentCell, keep
from .recurrence import Recurrence
from .rnn import CellLayer


class SimpleRNNCell(RecurrentCell):
    """One time step of a simple recurrent layer: y = h' = tanh(x W + h U + b).

    Arguments:
        units: U, the size of the state.
        activation: instead of tanh.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what they add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training.
        seed: an int fixes the dropout masks.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, D), state h and y (N, U); kernel (D, U), recurrent_kernel (U, U), bias (U,).

    Raises:
        ValueError: if `units` is not a positive whole number, or the derivative of the activation
            is not known.

    Example:
        >>> y, h = SimpleRNNCell(3)(np.ones((2, 4)), np.zeros((2, 3)))
        >>> y.shape, h.shape
        ((2, 3), (2, 3))

    Reference: Elman, 1990, Finding Structure in Time.
    """

    gates = 1
    draws_always = True
    drops_all = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        seed: int | None = None,
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

    def forward_sequence(
        self, x: Array, states: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array, list[Array]]:
        steps, n, _ = x.shape
        z = ctx.z = self.project(x, self.bias.value if self.use_bias else None, None, ctx)[0]
        h = ctx.h = ctx.buffer("h", (steps + 1, n, self.units))
        h[0] = states[0]
        recurrence = ctx.recurrence = Recurrence(self, ctx)
        recurrence.begin_forward(n)
        for t, (zt, h0, h1) in enumerate(zip(z, h, h[1:], strict=False)):
            zt += recurrence.forward(h0)[0]
            self.gate.forward(zt, h1)
            if mask is not None:
                keep(h1, h0, mask[t])
        return h[1:], [h[-1]]

    def backward_sequence(
        self, dy: Array | None, dstates: Sequence[Array], mask: Mask, ctx: Context
    ) -> tuple[Array | None, list[Array]]:
        h, z = ctx.h, ctx.z
        steps, n, units = z.shape
        slope = ctx.buffer("slopes", z.shape)
        slope.fill(1)
        self.gate.slopes(slope, z, h[1:], ctx)
        if mask is not None:
            slope *= mask
        dz = ctx.buffer("dz", z.shape)
        (dh,) = dstates
        held = None if mask is None else ctx.buffer("held", (n, units))
        recurrence: Recurrence = ctx.recurrence
        recurrence.begin_backward(n)
        first_dy = steps - (0 if dy is None else len(dy))
        for t in range(steps - 1, -1, -1):
            if dy is not None and t >= first_dy:
                dh += dy[t - first_dy]
            np.multiply(dh, slope[t], out=dz[t])
            self.gate.back(dz[t], z[t], h[t + 1], ctx)
            if held is not None:
                np.multiply(dh, ~mask[t], out=held)  # type: ignore[index]
            recurrence.backward(dz[t], dh)
            if held is not None:
                dh += held
        flat = dz.reshape(-1, units)
        recurrence.assign(h[:-1], flat)
        if self.use_bias:
            np.dot(ctx.ones(len(flat)), flat, out=self.bias.grad)
        return self.backward_project(flat, ctx), [dh]


class SimpleRNN(CellLayer):
    """A recurrent layer, whose output is part of its next input: h_t = tanh(x_t W + h_{t-1} U + b).

    Arguments:
        units: U, the size of the state.
        activation: instead of tanh.
        use_bias: whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: what W, U and b start as.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what they add to the loss.
        activity_regularizer: ignored, with a warning, as Keras 3.15 ignores it.
        kernel_constraint, recurrent_constraint, bias_constraint: what each update ends with.
        dropout, recurrent_dropout: the shares of x and h to drop in training, the same at all
            steps.
        return_sequences, return_state, go_backwards, stateful, unroll: as for RNN.
        seed: an int fixes the dropout masks.
        **kwargs: the arguments of every Layer, and `zero_output_for_mask`.

    Shape:
        x (N, T, D), y (N, U) or, with return_sequences, (N, T, U); kernel (D, U),
        recurrent_kernel (U, U), bias (U,). With return_state, [y, h], h (N, U).

    Raises:
        ValueError: if `units` is not a positive whole number, or the derivative of the activation
            is not known.

    Example:
        >>> SimpleRNN(3, return_sequences=True)(np.ones((2, 5, 4))).shape
        (2, 5, 3)

    Reference: Elman, 1990, Finding Structure in Time.
    """

    has_seed_in_config = False

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units,
            activation=activation,
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
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="simple_rnn_cell",
        )
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs
        )
        if activity_regularizer is not None:
            warnings.warn(
                "Keras's SimpleRNN ignores its activity_regularizer, and so does this one, to give "
                f"the same numbers. Put an ActivityRegularization behind {self.name!r} instead.",
                stacklevel=2,
            )
