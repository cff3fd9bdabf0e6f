"""Context: what one call of a layer keeps for its backward pass, and the buffers it recycles."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .arrays import Array
from .strings import numpy_dtype


class Logits(NamedTuple):
    """What a softmax or sigmoid was computed from; the cross-entropies work from it.

    `z` (..., C) are the logits. A softmax over the last axis adds `top`, their maximum, and
    `total`, the sum of exp(z - top), both (..., 1): log softmax(z) is then z - top - log(total).
    `is_sigmoid` says whether the predictions are sigmoid(z).
    """

    z: Array
    top: Array | None = None
    total: Array | None = None
    is_sigmoid: bool = False


class Context:
    """What one call site of a layer keeps from its forward pass for its backward pass.

    A layer stores what it needs as attributes (`ctx.x = x`) and takes the arrays it writes to
    from `buffer`, so that a training step after the first allocates nothing.

    Arguments:
        training: whether this is a training step; None where nobody said.
        dtype: what the layer computes in, and its buffers are of.

    Attributes:
        training: whether this is a training step.
        mode: the same, or None where nobody said which: a call of a model or a layer alone.
        needs_dx: whether backward must return the gradient of the input.
        logits: set by a softmax or sigmoid, read by the cross-entropies.
        fused: set by the loss when the gradient it sends back is already that of the logits.
        may_broadcast: whether the layer before takes a dx that NumPy broadcast.
        in_mask, out_mask: the mask of the input and of a model's output, (N, T), or None.
        options: what the call said beside its inputs: see Layer.call_inputs.

    Example:
        >>> ctx = Context(training=True)
        >>> first = ctx.buffer("y", (32, 10))
        >>> ctx.buffer("y", (32, 10)) is first
        True
    """

    logits: Logits | None
    fused: bool
    in_mask: Any = None
    out_mask: Any = None
    options: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, training: bool | None = False, dtype: Any = np.float32) -> None:
        self.mode = training
        self.training = bool(training)
        self.dtype = numpy_dtype(dtype)
        self.needs_dx = True
        self.may_broadcast = False
        self.logits = None
        self.fused = False
        self._buffers: dict[str, Array] = {}
        self._memory: dict[str, Array] = {}

    def buffer(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """Return an array to write to: the same memory each time `name` asks for `shape`.

        A smaller shape, such as a short last batch, is a view of the same memory; the memory
        grows only when it has to. Its content is whatever the last use left there.

        Arguments:
            name: which buffer of this context; a name keeps one dtype.
            shape: the shape of the array.
            dtype: its dtype; the context's own unless given.
        """
        array = self._buffers.get(name)
        if array is None or array.shape != shape:
            array = self._buffers[name] = self._reshape(name, shape, dtype or self.dtype)
        return array

    def ones(self, size: int) -> Array:
        """Return a vector of ones: a sum over the batch, ones @ dy, is then BLAS's."""
        ones = self._buffers.get("ones")
        if ones is None or ones.size != size:
            memory = self._memory.get("ones")
            if memory is None or memory.size < size:
                memory = self._memory["ones"] = np.ones(size, self.dtype)
            ones = self._buffers["ones"] = memory[:size]
        return ones

    def _reshape(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        size = prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size:
            memory = self._memory[name] = np.empty(size, dtype)
        return memory[:size].reshape(shape)

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"This context keeps no {name!r}: a layer's forward(x, ctx) must store what its "
            f"backward(dy, ctx) reads, and backward needs a forward before it."
        )
