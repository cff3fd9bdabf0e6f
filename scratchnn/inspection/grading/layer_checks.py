"""The parts of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import naming
from ...arrays import Array
from ...context import Context
from ...layers.base import Layer
from ..gradients import check_gradients
from .common import close, constructor_arguments, made_reference, speed, untouched
from .marks import Checks, MistakeError, described

_RUN = "A layer is build (make the weights), forward (x -> y) and backward (dy -> dx)."
_DTYPE = "The weights and the computation are in the layer's dtype, float32 unless it is told."
_X = "Rule 1: forward never writes to x."
_GRADIENTS = "Rules 3 and 6: backward assigns each weight's grad, and returns dx."
_TWICE = "Rule 4: what backward needs lives in ctx, never on the layer."
_SAME = "The reference computes the same from the same weights."


def check_layer(checks: Checks, cls: type[Layer], given: Any, reference: Any, example: Any) -> None:
    """Check a layer's class.

    Arguments:
        checks: takes the marks.
        cls: the class.
        given: the arguments to make it with; None for what its reference was made with.
        reference: a layer of this package, its class, or None.
        example: inputs, or their shape; None for what suits the reference.
    """
    subject = _Subject(cls, given, reference, example)
    checks.part("runs", subject.runs, needed=True)
    checks.part("output shape", subject.output_shape)
    checks.part("dtype", subject.dtype)
    checks.part("x untouched", subject.x_untouched)
    checks.part("gradients", subject.gradients)
    checks.part("used twice", subject.used_twice)
    if reference is not None:
        checks.part("same output", subject.same_output)
        checks.part("same gradients", subject.same_gradients)
        checks.part("speed", subject.speed)


class _Subject:
    """A layer of the user's, its reference, and inputs for both."""

    def __init__(self, cls: type[Layer], given: Any, reference: Any, example: Any) -> None:
        self.cls = cls
        self.given = given
        self.reference = reference
        self.x = _inputs(example, reference)

    def make(self, **options: Any) -> Layer:
        arguments = constructor_arguments(self.cls, self.given, self.reference)
        with naming.kept():  # my_dense in every message, and not my_dense_7
            layer = self.cls(**arguments, **options)
        if not hasattr(layer, "nodes"):
            raise MistakeError(
                "__init__ to call super().__init__(**kwargs)",
                "it does not",
                _RUN,
                "Begin it with: super().__init__(**kwargs).",
            )
        layer.ensure_built(self.x.shape)
        return layer

    def pair(self) -> tuple[Layer, Layer]:
        """Return the layer and its reference, with the same weights."""
        mine = self.make()
        arguments = constructor_arguments(self.cls, self.given, self.reference)
        other: Layer = made_reference(self.reference, arguments)
        other.ensure_built(self.x.shape)
        shapes = [w.shape for w in mine.weights], [w.shape for w in other.weights]
        if shapes[0] != shapes[1]:
            raise MistakeError(
                f"weights of shapes {shapes[1]}, as {type(other).__name__} has them",
                f"{shapes[0]}",
                _SAME,
                "Make the same weights in build, in the same order (kernel first, then bias).",
            )
        rng = np.random.default_rng(1)
        for weight, theirs in zip(mine.weights, other.weights, strict=True):
            value = rng.uniform(0.1, 1, weight.shape) * rng.choice([-1, 1], weight.shape)
            if not weight.trainable:
                value = np.abs(value)  # such as a variance
            weight.assign(value)
            theirs.assign(value)
        return mine, other

    def runs(self) -> None:
        layer = self.make()
        ctx = Context()
        y = layer.forward(self.x.copy(), ctx)
        if not isinstance(y, np.ndarray):
            raise MistakeError(
                "an array from forward", described(y), _RUN, "Does forward return y?"
            )
        if len(y) != len(self.x) or y.ndim < 1:
            raise MistakeError(
                f"{len(self.x)} samples, as many as in x",
                described(y),
                "Shapes: the first axis is that of the samples, N, in x and in y.",
                "Is a reshape or a sum taking the batch's axis along?",
            )
        layer.backward(np.ones_like(y), ctx)

    def output_shape(self) -> None:
        layer = self.make()
        found = layer.forward(self.x.copy(), Context()).shape
        said = layer.compute_output_shape((None, *self.x.shape[1:]))
        if tuple(said[1:]) != found[1:]:
            raise MistakeError(
                f"compute_output_shape to say {(None, *found[1:])}",
                f"{tuple(said)}",
                "compute_output_shape returns the shape that forward's output will have.",
                "Without a compute_output_shape of your own it is found by running forward.",
            )

    def dtype(self) -> None:
        layer = self.make()
        ctx = Context()
        y = layer.forward(self.x.copy(), ctx)
        arrays = [("y", y), ("dx", layer.backward(np.ones_like(y), ctx))]
        arrays += [(weight.name, weight.value) for weight in layer.weights]
        for name, array in arrays:
            if array is not None and np.asarray(array).dtype != np.float32:
                raise MistakeError(
                    f"{name} in float32",
                    f"{np.asarray(array).dtype}",
                    _DTYPE,
                    "np.zeros, np.ones and np.random make float64: give them dtype=self.dtype.",
                )

    def x_untouched(self) -> None:
        layer, x, ctx = self.make(), self.x.copy(), Context()
        y = layer.forward(x, ctx)
        untouched([self.x], [x], "x after forward", _X)
        layer.backward(np.ones_like(y), ctx)
        untouched([self.x], [x], "x after backward", _X)

    def gradients(self) -> None:
        for training in (False, True):
            try:
                check_gradients(self.make(), self.x, training=training)
            except AssertionError as error:
                text, _, hints = str(error).partition("Hint: ")
                expected, rule = "the derivative of forward", _GRADIENTS
                hint = "Derive it again, and mind sums and signs."
                if "wrote to its input" in text:
                    expected, rule = "x as it was", _X
                    hint = "Use y = x + ... instead of x += ..., and no out=x."
                elif "backward returned None" in text:
                    expected, hint = "dx from backward", "End it with: return dx."
                hint = hints.replace("\nHint: ", " ") or hint
                raise MistakeError(expected, text.strip(), rule, hint) from None

    def used_twice(self) -> None:
        layer = self.make()
        rng = np.random.default_rng(2)
        first, second = self.x, np.roll(self.x, 1, axis=0).copy()
        ctx, other = Context(), Context()
        y = layer.forward(first.copy(), ctx).copy()
        dy = rng.normal(size=y.shape).astype(np.float32)
        alone = _gradients(layer, dy, ctx)
        ctx = Context()
        if not np.array_equal(layer.forward(first.copy(), ctx), y, equal_nan=True):
            raise MistakeError(
                "the same y for the same x, outside training",
                "another y at the second call",
                "At random is drawn in training only (ctx.training), from a SeedGenerator.",
                "Is there an np.random in forward? See Dropout in scratchnn/layers/dropout.py.",
            )
        layer.forward(second.copy(), other)
        mixed = _gradients(layer, dy, ctx)
        for one, two in zip(alone, mixed, strict=True):
            if not np.allclose(one, two, rtol=1e-5, atol=1e-6, equal_nan=True):
                raise MistakeError(
                    "the gradients of a call, whatever other calls came between",
                    "another call of the same layer changes them",
                    _TWICE,
                    "Write ctx.x = x in forward instead of self.x = x, and read ctx.x in backward.",
                )

    def same_output(self) -> None:
        mine, other = self.pair()
        y, expected = mine.forward(self.x.copy(), Context()), other.forward(self.x, Context())
        close(y, expected, "the reference's y", _SAME)

    def same_gradients(self) -> None:
        mine, other = self.pair()
        ctx, theirs = Context(), Context()
        y = mine.forward(self.x.copy(), ctx)
        dy = np.random.default_rng(3).normal(size=y.shape).astype(np.float32)
        other.forward(self.x, theirs)
        dx, expected = mine.backward(dy.copy(), ctx), other.backward(dy.copy(), theirs)
        for weight, twin in zip(mine.trainable_weights, other.trainable_weights, strict=True):
            close(weight.grad, twin.grad, f"the reference's gradient of {weight.name}", _SAME)
        if expected is not None:
            close(dx, expected, "the reference's dx", _SAME)

    def speed(self) -> str:
        mine, other = self.pair()
        x = np.repeat(self.x, 64, axis=0)
        contexts = Context(training=True), Context(training=True)

        def run(layer: Layer, ctx: Context) -> Any:
            return layer.backward(np.ones_like(layer.forward(x, ctx)), ctx)

        return speed(lambda: run(mine, contexts[0]), lambda: run(other, contexts[1]))


def _gradients(layer: Layer, dy: Array, ctx: Context) -> list[Array]:
    """Return dx and the gradients of the weights, from zeros on, for a layer that adds to them."""
    for weight in layer.trainable_weights:
        weight.grad.fill(0)
    dx = np.array(layer.backward(dy.copy(), ctx), dtype=float)
    return [dx, *(weight.grad.copy() for weight in layer.trainable_weights)]


def _inputs(example: Any, reference: Any) -> Array:
    """Return a batch for a layer: what the file says, or what suits the reference."""
    name = "" if reference is None else getattr(reference, "__name__", type(reference).__name__)
    rng = np.random.default_rng(0)
    if isinstance(example, np.ndarray):
        return example.astype(np.float32) if example.dtype.kind == "f" else example
    if example is not None:
        return rng.normal(size=tuple(example)).astype(np.float32)
    if name == "Embedding":
        return rng.integers(0, 7, (4, 3))
    shape = {"1D": (4, 6, 3), "2D": (4, 6, 6, 3), "3D": (2, 4, 4, 4, 3)}.get(name[-2:], (4, 5))
    if name in ("SimpleRNN", "LSTM", "GRU"):
        shape = (4, 3, 5)
    return rng.normal(size=shape).astype(np.float32)
