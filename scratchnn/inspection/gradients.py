"""Are the gradients right? Compare them with differences of the outputs, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..layers.base import Layer
from .checker import Checker


def check_gradients(
    layer: Layer,
    x: Any,
    *,
    mask: Any = None,
    options: Mapping[str, Any] | None = None,
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
        x: (N, ...), a batch away from kinks of the layer, such as 0 of a relu; a list of them for
            a layer with several inputs. Integers, such as word numbers, have no gradient.
        mask: the mask of x, (N, T), or a list of masks, where the layer is to have one.
        options: what the call says beside its inputs, such as {"use_causal_mask": True}.
        training: whether to run as in training; dropout then repeats one mask.
        directions: random directions tried for each array.
        step: h.
        tolerance: the largest error allowed, relative to the gradient's scale.
        seed: of the random numbers.

    Raises:
        TypeError: if `layer` is none, but its class for example.
        ValueError: if x is empty, or directions, step or tolerance is not above 0.
        AssertionError: if a gradient is wrong; it names the parameter or the input, shows the
            worst elements beside what they should be, and says what such numbers usually come
            from. If `forward` changes its input, it says that.

    Example:
        >>> from scratchnn.layers import Dense
        >>> check_gradients(Dense(3, activation="tanh"), np.ones((4, 5)))

    Reference: Bengio, 2012, Practical Recommendations for Gradient-Based Training of Deep
    Architectures, section 4.2.
    """
    if not isinstance(layer, Layer):
        received = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
        raise TypeError(f"Expected a layer or a model, such as Dense(3). Received: {received}.")
    if not (directions >= 1 and step > 0 and tolerance > 0):
        raise ValueError(
            "Expected directions of 1 or more, and step and tolerance above 0. "
            f"Received: {directions=}, {step=}, {tolerance=}."
        )
    several = isinstance(x, list | tuple) and (
        layer.takes_several or all(isinstance(part, np.ndarray) for part in x)
    )
    inputs = [np.asarray(part) for part in x] if several else [np.asarray(x)]
    if not all(part.size for part in inputs):
        shapes = [part.shape for part in inputs]
        raise ValueError(f"Expected at least one sample in x. Received: shapes {shapes}.")
    checker = Checker(layer, inputs, several, mask, options, training, seed)
    checker.check(directions, step, tolerance)
