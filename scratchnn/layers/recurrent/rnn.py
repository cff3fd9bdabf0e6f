"""RNN: a cell over a sequence."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ... import regularizers, tree
from ...arrays import Array, Shape
from ...context import Context
from ..base import check_mask, has_symbols
from ..configs import plain_dtype
from . import stepping
from .cell import Mask, sizes_of
from .initial_states import CalledWithStates, given_mask
from .stacked import StackedRNNCells, check_cell, initial_state, output_size


class RNN(CalledWithStates):
    """Run a cell over the time steps of a sequence: y_t, h_t = cell(x_t, h_{t-1}).

    Arguments:
        cell: such as LSTMCell(32), or a list of cells, one on top of the other, or one of your own
            (see the head of stepping.py).
        return_sequences: whether y is that of all time steps, or the last alone.
        return_state: whether to return the last states, too: [y, *states].
        go_backwards: whether to begin with the last step; with return_sequences, y is then in
            the order of computation.
        stateful: whether a batch begins with the states that the one before ended with, until
            `reset_state()`. The batch size must be fixed.
        unroll: accepted; there is nothing to unroll, and the numbers are the same.
        zero_output_for_mask: whether y is 0 where a step is masked, instead of that of the step
            before.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T, ...), y (N, U) or, with return_sequences, (N, T, U); mask (N, T). A masked step
        repeats the output before it, 0 at first, and keeps the states.

    Raises:
        ValueError: if `cell` is none.

    Example:
        >>> from scratchnn.layers import SimpleRNNCell
        >>> y, h = RNN(SimpleRNNCell(3), return_sequences=True, return_state=True)(
        ...     np.ones((2, 5, 4))
        ... )
        >>> y.shape, h.shape
        ((2, 5, 3), (2, 3))
    """

    supports_masking = True
    rank: int | None = None  # of the input; None where that is the cell's business

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        check_cell(type(self).__name__, cell)
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        size = cell.state_size
        self.state_size: list[Any] = list(size) if isinstance(size, list | tuple) else [size]
        self.states: list[Array] | None = None

    # Building and states ------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        batch, _, *rest = input_shape
        if self.stateful and batch is None and self.states is None:
            raise ValueError(
                f"The layer {self.name!r} is stateful, so it expected a fixed batch size, as of "
                "Input(batch_shape=(32, 10, 8)) or Input(shape, batch_size=32). "
                f"Received: shape {input_shape}."
            )
        self.cell.ensure_built((batch, *rest))
        if not self.stateful:
            return
        if self.states is None:
            assert batch is not None
            self.states = self.get_initial_state(batch)
        else:
            self.reset_state()

    def forget_build(self) -> None:
        super().forget_build()
        self.cell.forget_build()
        self.states = None

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return the states that a sequence begins with, (N, U) each."""
        return initial_state(self.cell, batch_size)

    def reset_state(self) -> None:
        """Let a stateful layer's next batch begin with states of zeros."""
        for state in self.states or []:
            state.fill(0)

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    # The passes ---------------------------------------------------------------------------------

    def forward(self, x: Any, ctx: Context) -> Any:
        several = isinstance(x, list)
        x, *given = x if several else [x]
        self._check_batch(len(x))
        steps = x.swapaxes(0, 1)
        by_time = ctx.buffer("by_time", steps.shape, x.dtype)
        by_time[...] = steps[::-1] if self.go_backwards else steps
        ctx.samples = len(x)
        mask = ctx.time_mask = self._time_mask(given_mask(ctx), x.shape)
        inner = self._inner(ctx)
        own = None if self.states is None else [state.copy() for state in self.states]
        begin = given or own or self.get_initial_state(len(x))
        outputs, states = stepping.forward(self.cell, by_time, begin, mask, inner)
        for old, state in zip(self.states or (), states, strict=bool(self.states)):
            old[...] = state
        ctx.given, ctx.state_dtypes = bool(given), [state.dtype for state in states]
        ctx.visible = self._visible(mask, bool(given or own))
        y = self._output(outputs, ctx)
        return [y, *states] if self.return_state else y

    def _output(self, outputs: Array, ctx: Context) -> Array:
        """Return all outputs, (N, T, U), or the last, (N, U)."""
        if self.return_sequences:
            outputs = outputs.swapaxes(0, 1)
            y = ctx.buffer("y", outputs.shape)
            y[...] = outputs
        else:
            y = ctx.buffer("y", outputs[-1].shape)
            y[...] = outputs[-1]
        if ctx.visible is not None:
            y *= ctx.visible
        return y

    def backward(self, dy: Any, ctx: Context) -> Any:
        dy, *given = dy if self.return_state else [dy]
        back: Array | None = dy
        if back is not None:
            if ctx.visible is not None:
                back *= ctx.visible
            back = back.swapaxes(0, 1) if self.return_sequences else back[np.newaxis]
        inner = self._inner(ctx)
        dstates = []
        for i, (size, dtype) in enumerate(zip(sizes_of(self.cell), ctx.state_dtypes, strict=True)):
            dstate = inner.buffer(f"dstate {i}", (ctx.samples, size), dtype)
            dstate[...] = 0 if not given or given[i] is None else given[i]
            dstates.append(dstate)
        steps, dstates = stepping.backward(self.cell, back, dstates, ctx.time_mask, inner)
        if not ctx.needs_dx:
            return None
        assert steps is not None
        steps = (steps[::-1] if self.go_backwards else steps).swapaxes(0, 1)
        dx = ctx.buffer("dx", steps.shape)
        dx[...] = steps
        return [dx, *dstates] if ctx.given else dx

    def _inner(self, ctx: Context) -> Context:
        """Return the context of the cell within that of this layer."""
        inner: Context | None = vars(ctx).get("inner")
        if inner is None:
            inner = ctx.inner = Context(dtype=self.cell.dtype)
        inner.training, inner.needs_dx = ctx.training, ctx.needs_dx
        return inner

    def _time_mask(self, mask: Any, shape: Shape) -> Mask:
        """Return a mask (N, T) as (T, N, 1), in the order of computation; None if it hides none."""
        if mask is None:
            return None
        mask = np.asarray(mask, bool)
        if mask.shape == (*shape[:2], 1):
            mask = mask[..., 0]
        check_mask(self, mask.shape, shape[:2])
        if mask.all():
            return None
        mask = mask.T[::-1] if self.go_backwards else mask.T
        return np.ascontiguousarray(mask)[..., np.newaxis]

    def _visible(self, mask: Mask, begins_anywhere: bool) -> Array | None:
        """Return what outputs are multiplied by: 0 where a mask hides them, (N, T, 1) or (N, 1).

        A masked step repeats the output before it, which is the state, but for the first steps:
        before them there was an output of 0, whatever the state was.
        """
        if mask is None or not (self.zero_output_for_mask or begins_anywhere):
            return None
        seen = mask if self.zero_output_for_mask else np.logical_or.accumulate(mask)
        return seen.swapaxes(0, 1) if self.return_sequences else seen[-1]

    def _check_batch(self, size: int) -> None:
        if self.states is not None and len(self.states[0]) != size:
            raise ValueError(
                f"The layer {self.name!r} is stateful, so it expected batches of "
                f"{len(self.states[0])} samples, as it was built for. Received: {size}."
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return y, or [y, *states], for sequences, a batch, as arrays of their own.

        Arguments:
            sequences: (N, T, ...), data or a KerasTensor.
            initial_state: the states to begin with; zeros if not given.
            mask: (N, T).
            training: whether to run as in training.

        The states of cells one on top of the other come in a list for each cell.
        """
        outputs = super().__call__(*args, **kwargs)
        if not (self.return_state and isinstance(self.cell, StackedRNNCells)):
            return outputs
        y, *states = outputs
        if has_symbols(y):
            return [y, *self.packed(states)]
        lists = [sizes_of(cell) for cell in self.cell.cells]
        return [y, *tree.pack_sequence_as(lists, states)]

    def packed(self, states: list[Any]) -> list[Any]:
        packed: list[Any] = tree.pack_sequence_as(self.state_size, states)
        return packed

    # Shapes and masks ---------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, steps, *_ = input_shape[0] if isinstance(input_shape, list) else input_shape
        size = output_size(self.cell)
        y: Shape = (batch, steps, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return y
        return [y, *((batch, state) for state in sizes_of(self.cell))]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if isinstance(mask, list):
            mask = mask[0]
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in sizes_of(self.cell))] if self.return_state else mask

    def check_input(self, shape: Any) -> None:
        x, *states = shape if isinstance(shape, list) else [shape]
        if len(x) != self.rank if self.rank else len(x) < 3:
            expected = "3, (N, T, D)" if self.rank else "3 or more, (N, T, ...)"
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank {expected}. "
                f"Received: shape {x}."
            )
        kernel = getattr(self.cell, "kernel", None) if self.built and self.rank else None
        expected_size = x[-1] if kernel is None else kernel.shape[0]
        if self.rank and (x[-1] is None or x[-1] != expected_size):
            wanted = f" of {expected_size}" if expected_size else ""
            raise ValueError(
                f"The layer {self.name!r} expected the last axis of its input to have a fixed "
                f"size{wanted}. Received: shape {x}."
            )
        if x[1] == 0 or (self.unroll and x[1] is None):
            raise ValueError(
                f"The layer {self.name!r} expected a sequence of at least one time step"
                f"{', and with unroll=True a fixed number of them' if self.unroll else ''}. "
                f"Received: shape {x}."
            )
        wanted_states = [(x[0], size) for size in sizes_of(self.cell)]
        if states and (
            len(states) != len(wanted_states)
            or any(
                len(a) != 2 or a[1] != b[1] or (None not in (a[0], b[0]) and a[0] != b[0])
                for a, b in zip(states, wanted_states, strict=True)
            )
        ):
            raise ValueError(
                f"The layer {self.name!r} expected initial states of the shapes {wanted_states}. "
                f"Received: {states}."
            )

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from ...saving import serialize_keras_object

        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ..configs import deserialize

        return super().from_config({**config, "cell": deserialize(config["cell"])})


def _of_cell(name: str) -> Any:
    """Return a property that is the cell's."""
    return property(lambda layer: getattr(layer.cell, name), doc=f"The cell's `{name}`.")


class CellLayer(RNN):
    """A RNN that makes its cell itself: SimpleRNN, LSTM and GRU."""

    rank = 3
    has_seed_in_config = True

    units = _of_cell("units")
    activation = _of_cell("activation")
    recurrent_activation = _of_cell("recurrent_activation")
    use_bias = _of_cell("use_bias")
    unit_forget_bias = _of_cell("unit_forget_bias")
    reset_after = _of_cell("reset_after")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        of_cell = self.cell.get_config()
        if not self.has_seed_in_config:  # Keras's SimpleRNN forgets it
            del of_cell["seed"]
        activity = regularizers.serialize(self.activity_regularizer)
        return {**of_cell, **config, "activity_regularizer": activity}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**plain_dtype(config))


def check_cudnn(layer: str, use_cudnn: Any) -> Any:
    """Return `use_cudnn`.

    Raises:
        ValueError: unless it is 'auto' or False.
    """
    if use_cudnn is True:
        raise ValueError(
            f"{layer} got use_cudnn=True, but cuDNN needs a GPU: scratchnn computes on the CPU. "
            "Leave it at 'auto'."
        )
    if use_cudnn not in ("auto", False):
        raise ValueError(
            f"{layer} expected use_cudnn to be 'auto' or False. Received: use_cudnn={use_cudnn!r}."
        )
    return use_cudnn
