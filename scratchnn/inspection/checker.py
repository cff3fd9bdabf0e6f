"""A layer in float64, its gradients by backward, and those that its outputs say."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..random import SeedGenerator
from .diagnosis import report

_MOST = 2000
"""Elements that are taken one by one to name the worst; of larger arrays a random choice."""


class Checker:
    """A float64 copy of a layer, the function f, and its gradients by backward."""

    def __init__(
        self,
        layer: Layer,
        inputs: list[Array],
        several: bool,
        mask: Any,
        options: Mapping[str, Any] | None,
        training: bool,
        seed: int,
    ) -> None:
        if not layer.built:
            layer = copy.deepcopy(layer)
            shapes: Any = [x.shape for x in inputs]
            layer.ensure_built(shapes if several else shapes[0])
        self.layer = in_float64(layer)
        self.rng = np.random.default_rng(seed)
        self.training = training
        self.mask = mask
        self.options = dict(options or {})
        self.several = several
        floats = [x.dtype.kind == "f" for x in inputs]
        self.inputs = [
            x.astype(np.float64) if is_float or layer.casts_integers else x.copy()
            for x, is_float in zip(inputs, floats, strict=True)
        ]
        self.floats = floats
        self.needs_dx = any(floats)
        self.parameters = [w for w in self.layer.weights if w.trainable]
        self.prefix = f"{layer.name}/" if hasattr(layer, "layers") else ""
        self.kept = [(w, w.value.copy()) for w in self.layer.weights if not w.trainable]
        self.seeds = [(g, g.state.copy()) for g in seed_generators(self.layer)]
        ctx = self._context()
        before = [x.copy() for x in self.inputs]
        y = self._forward(ctx)
        self.projections = [self.rng.standard_normal(part.shape) for part in y]
        for parameter in self.parameters:
            parameter.grad.fill(np.nan)  # what backward does not assign, or adds to, stays NaN
        dx = self._backward(ctx)
        for x, kept in zip(self.inputs, before, strict=True):
            if not np.array_equal(x, kept, equal_nan=True):
                raise AssertionError(f"{layer.name}: forward or backward wrote to its input x.")
        self.gradients: list[tuple[str, Array, Array]] = [
            (p.path.removeprefix(self.prefix), p.value, p.grad.copy()) for p in self.parameters
        ]
        for i, (x, is_float, part) in enumerate(zip(self.inputs, floats, dx, strict=True)):
            what = f"input {i} of {layer.name}" if several else f"the input of {layer.name}"
            if is_float and part is None:
                raise AssertionError(
                    f"{layer.name}: backward returned None for the gradient of a float input; "
                    f"return dx unless ctx.needs_dx is false. (It is {what}.)"
                )
            if is_float:
                self.gradients.append((what, x, np.array(part)))

    def _context(self) -> Context:
        ctx = Context(self.training, np.float64)
        ctx.needs_dx = self.needs_dx
        ctx.in_mask = self.mask
        ctx.options = self.options
        return ctx

    def _forward(self, ctx: Context) -> list[Array]:
        for generator, state in self.seeds:
            generator.state[...] = state
        for weight, value in self.kept:
            weight.value[...] = value
        y: Any = self.layer.forward(self.inputs if self.several else self.inputs[0], ctx)  # type: ignore[arg-type]
        self.gives_list = isinstance(y, list | tuple)
        return list(y) if self.gives_list else [y]

    def _backward(self, ctx: Context) -> Sequence[Array | None]:
        dy: Any = [projection.copy() for projection in self.projections]
        try:
            dx: Any = self.layer.backward(dy if self.gives_list else dy[0], ctx)
        except ValueError as error:
            if "broadcast" in str(error):
                error.add_note(
                    "In backward: an array does not fit. A gradient has the shape of its weight, "
                    "so is a sum over the batch missing, such as dy.sum(axis=0) for a bias?"
                )
            raise
        if not self.several:
            return [dx]
        if dx is None:
            return [None] * len(self.inputs)
        if not isinstance(dx, list | tuple) or len(dx) != len(self.inputs):
            raise AssertionError(
                f"{self.layer.name}: backward must return a list of {len(self.inputs)} gradients, "
                f"one for each input. Received: {type(dx).__name__}"
                + (f" of length {len(dx)}." if isinstance(dx, list | tuple) else ".")
            )
        return list(dx)

    def f(self) -> float:
        """Return the sum of the outputs times the projections, at the arrays as they are."""
        outputs = self._forward(self._context())
        return float(sum(np.vdot(y, r) for y, r in zip(outputs, self.projections, strict=True)))

    def check(self, directions: int, step: float, tolerance: float) -> None:
        """Raise an AssertionError for the first gradient that is wrong."""
        for name, array, gradient in self.gradients:
            if gradient.shape != array.shape:
                raise AssertionError(
                    f"The gradient of {name} has shape {gradient.shape}; expected {array.shape}.\n"
                    "Hint: A gradient has the shape of what it belongs to. What forward repeats is "
                    "summed by backward, and what forward sums is repeated."
                )
            for _ in range(directions):
                if not self._agrees(array, gradient, step, tolerance):
                    self._explain(name, array, gradient, step, tolerance)

    def verdicts(self, step: float = 1e-6, tolerance: float = 1e-5) -> list[bool | None]:
        """Return whether each of `gradients` is right; None where the outputs have a kink."""
        found: list[bool | None] = []
        for _, array, gradient in self.gradients:
            right: bool | None = gradient.shape == array.shape
            if right and not self._agrees(array, gradient, step, tolerance):
                right = None if self._has_kink(array, step) else False
            found.append(right)
        return found

    def _agrees(self, array: Array, gradient: Array, step: float, tolerance: float) -> bool:
        """Compare the two derivatives along a random direction."""
        direction = self.rng.standard_normal(array.shape)
        numeric = self._derivative(array, direction, step)
        analytic = float(np.vdot(gradient, direction))
        scale = max(1.0, float(np.linalg.norm(gradient)), abs(numeric))
        return abs(numeric - analytic) <= tolerance * scale

    def _has_kink(self, array: Array, step: float) -> bool:
        """Return whether the slopes on both sides, along a random direction, are not one."""
        direction = self.rng.standard_normal(array.shape)
        kept, here = array.copy(), self.f()
        array[...] = kept + step * direction
        above = self.f()
        array[...] = kept - step * direction
        below = self.f()
        array[...] = kept
        slopes = (above - here) / step, (here - below) / step
        return abs(slopes[0] - slopes[1]) > 1e-3 * max(1.0, abs(slopes[0]))

    def _derivative(self, array: Array, direction: Array, step: float) -> float:
        kept = array.copy()
        array[...] = kept + step * direction
        above = self.f()
        array[...] = kept - step * direction
        below = self.f()
        array[...] = kept
        return (above - below) / (2 * step)

    def _explain(
        self, name: str, array: Array, gradient: Array, step: float, tolerance: float
    ) -> None:
        numeric = self._numeric(array, step)
        text = report(
            name,
            gradient,
            numeric,
            tolerance,
            len(self.inputs[0]),
            lambda sample: self._of_one_sample(sample, array, step),
            self._cause(name, gradient),
        )
        errors = np.nan_to_num(np.abs(numeric - gradient), nan=-1)
        worst = np.unravel_index(int(errors.argmax()), array.shape)
        if self._bends(array, worst, step) > 1e-3 * max(1.0, abs(float(numeric[worst]))):
            text += (
                "\nHint: The outputs are not smooth here: the slope to the left is not the one to "
                "the right. Is x at a kink, such as 0 of a relu or two equal numbers of a "
                "maximum? Or does forward draw random numbers without a SeedGenerator?"
            )
        if any(y.dtype != np.float64 for y in self._forward(self._context())):
            text += (
                "\nHint: forward returned another dtype than its x has, float64, and differences "
                "need it exact: make arrays with dtype=x.dtype or self.dtype."
            )
        raise AssertionError(text)

    def _cause(self, name: str, gradient: Array) -> str:
        """Return why a gradient is wrong where a second backward pass shows it, or ''."""
        if np.isnan(gradient).any():
            again = self._again(name, dy_factor=1.0, start=0.0)
            if np.isnan(again).any():
                return (
                    "backward itself comes to NaN: does it divide by 0, or take the root or the "
                    "logarithm of a negative number?"
                )
            if not again.any():
                return (
                    "backward never assigns it: NaN is what stood there before. Write "
                    f"`self.{name.split('/')[-1]}.grad[...] = ...`."
                )
            return (
                "NaN is what stood there before: backward must assign every element, and not add "
                f"to it: `self.{name.split('/')[-1]}.grad[...] = ...`."
            )
        if gradient.any() and np.array_equal(self._again(name, dy_factor=2.0), gradient):
            return (
                "backward returns the same whatever dy is. By the chain rule a gradient is dy "
                "times the derivative of forward."
            )
        return ""

    def _again(self, name: str, dy_factor: float, start: float = np.nan) -> Array:
        """Return a gradient once more, with dy times a factor, and `start` in it before."""
        ctx = self._context()
        self._forward(ctx)
        for parameter in self.parameters:
            parameter.grad.fill(start)
        kept = self.projections
        self.projections = [dy_factor * r for r in kept]
        try:
            dx = self._backward(ctx)
        finally:
            self.projections = kept
        found = [parameter.grad.copy() for parameter in self.parameters]
        found += [np.array(d) for d, is_float in zip(dx, self.floats, strict=True) if is_float]
        return found[[known for known, _, _ in self.gradients].index(name)]

    def _numeric(self, array: Array, step: float) -> Array:
        """Return the derivatives for single elements; NaN for those beyond a number of them."""
        numeric = np.full(array.shape, np.nan)
        places = np.arange(array.size)
        if array.size > _MOST:
            places = np.sort(np.random.default_rng(0).choice(places, _MOST, replace=False))
        for place in places:
            index = np.unravel_index(place, array.shape)
            direction = np.zeros(array.shape)
            direction[index] = 1
            numeric[index] = self._derivative(array, direction, step)
        return numeric

    def _bends(self, array: Array, index: Any, step: float) -> float:
        """Return how much the slopes on both sides of an element differ."""
        kept, here = array[index], self.f()
        array[index] = kept + step
        above = self.f()
        array[index] = kept - step
        below = self.f()
        array[index] = kept
        return abs(above - 2 * here + below) / step

    def _of_one_sample(self, sample: int, array: Array, step: float) -> Array:
        """Return the derivatives if the outputs of the other samples did not count."""
        kept = self.projections
        self.projections = [np.zeros_like(r) for r in kept]
        for r, whole in zip(self.projections, kept, strict=True):
            r[sample] = whole[sample]
        try:
            return self._numeric(array, step)
        finally:
            self.projections = kept


def in_float64(layer: Layer) -> Layer:
    """Return a copy of a built layer, in float64 throughout."""
    layer = copy.deepcopy(layer)
    for inner in layer.walk():
        inner.dtype = _widened(inner.dtype)
        stated = vars(inner).get("_input")
        if isinstance(stated, InputLayer):  # of a Sequential, where it is no layer among others
            stated.dtype = _widened(stated.dtype)
        for tensor in vars(inner).get("inputs", ()):
            tensor.dtype = _widened(tensor.dtype)
    for parameter in layer.weights:
        if parameter.dtype.kind == "f":
            parameter.value = parameter.value.astype(np.float64)
            parameter.grad = np.zeros_like(parameter.value)
    return layer


def _widened(dtype: str) -> str:
    return "float64" if np.dtype(dtype).kind == "f" else dtype


def seed_generators(layer: Layer) -> list[SeedGenerator]:
    """Return what a layer, and the layers in it, draw random numbers from."""
    return [
        value
        for inner in layer.walk()
        for value in vars(inner).values()
        if isinstance(value, SeedGenerator)
    ]
