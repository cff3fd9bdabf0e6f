"""Are the gradients right? Compare them with differences of the outputs, in float64."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..arrays import Array
from ..context import Context
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..parameters import Parameter
from ..random import SeedGenerator


def check_gradients(
    layer: Layer,
    x: Any,
    *,
    training: bool = False,
    directions: int = 3,
    step: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Check `backward` of a layer or model against `forward`, for its input and every weight.

    With f(x) the sum of the outputs times fixed random numbers, the derivative of f along a
    random direction r, by backward's gradient g, is <g, r>; by the outputs it is
    (f(x + h r) - f(x - h r)) / 2h. Where the two differ, every element is taken in turn to name
    the worst. The check runs on a copy in float64; the layer itself is not touched.

    Arguments:
        layer: a layer or a model; it is built for `x` if it is not.
        x: (N, ...), a batch away from kinks of the layer, such as 0 of a relu.
        training: whether to run as in training; dropout then repeats one mask.
        directions: random directions tried for each array.
        step: h.
        tolerance: the largest error allowed, relative to the gradient's scale.
        seed: of the random numbers.

    Raises:
        AssertionError: if a gradient is wrong; it names the parameter or the input, the index, and
            both values. If `forward` changes its input, it says that.

    Example:
        >>> from scratchnn.layers import Dense
        >>> check_gradients(Dense(3, activation="tanh"), np.ones((4, 5)))

    Reference: Bengio, 2012, Practical Recommendations for Gradient-Based Training of Deep
    Architectures, section 4.2.
    """
    checker = _Checker(layer, np.asarray(x), training, seed)
    checker.check(directions, step, tolerance)


class _Checker:
    """A float64 copy of a layer, the function f, and its gradients by backward."""

    def __init__(self, layer: Layer, x: Array, training: bool, seed: int) -> None:
        if not layer.built:
            layer = copy.deepcopy(layer)
            layer.ensure_built(x.shape)
        self.layer = _in_float64(layer)
        self.rng = np.random.default_rng(seed)
        self.training = training
        self.has_dx = x.dtype.kind == "f"
        self.x = x.astype(np.float64) if self.has_dx or layer.casts_integers else x.copy()
        self.parameters = [w for w in self.layer.weights if w.trainable]
        self.prefix = f"{layer.name}/" if hasattr(layer, "layers") else ""
        self.seeds = [(g, g.state.copy()) for g in _seed_generators(self.layer)]
        self.ctx = self._context()
        before = self.x.copy()
        y = self._forward(self.ctx)
        self.projection = self.rng.standard_normal(y.shape)
        for parameter in self.parameters:
            parameter.grad.fill(np.nan)  # what backward does not assign, or adds to, stays NaN
        dx = self.layer.backward(self.projection.copy(), self.ctx)
        if not np.array_equal(before, self.x, equal_nan=True):
            raise AssertionError(f"{layer.name}: forward or backward wrote to its input x.")
        if self.has_dx and dx is None:
            raise AssertionError(
                f"{layer.name}: backward returned None for the gradient of a float input; "
                "return dx unless ctx.needs_dx is false."
            )
        self.gradients: list[tuple[str, Array, Array]] = [
            (self._name(p), p.value, p.grad.copy()) for p in self.parameters
        ]
        if self.has_dx:
            self.gradients.append((f"the input of {layer.name}", self.x, np.array(dx)))

    def _context(self) -> Context:
        ctx = Context(self.training, np.float64)
        ctx.needs_dx = self.has_dx
        return ctx

    def _name(self, parameter: Parameter) -> str:
        return parameter.path.removeprefix(self.prefix)

    def _forward(self, ctx: Context) -> Array:
        for generator, state in self.seeds:
            generator.state[...] = state
        return self.layer.forward(self.x, ctx)

    def f(self) -> float:
        """Return the sum of the outputs times the projection, at the arrays as they are."""
        return float(np.vdot(self._forward(self._context()), self.projection))

    def check(self, directions: int, step: float, tolerance: float) -> None:
        for name, array, gradient in self.gradients:
            if gradient.shape != array.shape:
                raise AssertionError(
                    f"The gradient of {name} has shape {gradient.shape}; expected {array.shape}."
                )
            for _ in range(directions):
                direction = self.rng.standard_normal(array.shape)
                numeric = self._derivative(array, direction, step)
                analytic = float(np.vdot(gradient, direction))
                scale = max(1.0, float(np.linalg.norm(gradient)), abs(numeric))
                if not abs(numeric - analytic) <= tolerance * scale:
                    self._name_the_worst(name, array, gradient, step, tolerance)

    def _derivative(self, array: Array, direction: Array, step: float) -> float:
        kept = array.copy()
        array[...] = kept + step * direction
        above = self.f()
        array[...] = kept - step * direction
        below = self.f()
        array[...] = kept
        return (above - below) / (2 * step)

    def _name_the_worst(
        self, name: str, array: Array, gradient: Array, step: float, tolerance: float
    ) -> None:
        numeric = np.empty_like(gradient)
        for index in np.ndindex(array.shape):
            direction = np.zeros_like(gradient)
            direction[index] = 1
            numeric[index] = self._derivative(array, direction, step)
        errors = np.abs(numeric - gradient)
        errors[np.isnan(errors)] = np.inf
        worst = np.unravel_index(int(errors.argmax()), errors.shape)
        index = tuple(int(i) for i in worst)
        raise AssertionError(
            f"The gradient of {name} is wrong, most at index {index}: backward says "
            f"{gradient[index]:.8g}, the outputs say {numeric[index]:.8g} "
            f"({np.count_nonzero(errors > tolerance * max(1, np.abs(numeric).max()))} of "
            f"{errors.size} elements differ)."
            + (
                " NaN is what stood there before: backward must assign every element, and not "
                "add to it."
                if np.isnan(gradient[index])
                else ""
            )
        )


def _in_float64(layer: Layer) -> Layer:
    """Return a copy of a built layer, in float64 throughout."""
    layer = copy.deepcopy(layer)
    for inner in _walk(layer):
        inner.dtype = "float64"
        if isinstance(vars(inner).get("_input"), InputLayer):
            stated = vars(inner)["_input"]
            stated.dtype = "float64" if np.dtype(stated.dtype).kind == "f" else stated.dtype
    for parameter in layer.weights:
        if parameter.dtype.kind == "f":
            parameter.value = parameter.value.astype(np.float64)
            parameter.grad = np.zeros_like(parameter.value)
    return layer


def _walk(layer: Layer) -> list[Layer]:
    return [layer] + [found for inner in layer.sublayers for found in _walk(inner)]


def _seed_generators(layer: Layer) -> list[SeedGenerator]:
    return [
        value
        for inner in _walk(layer)
        for value in vars(inner).values()
        if isinstance(value, SeedGenerator)
    ]
