"""The activation functions of `scratchnn.activations`, as ops: their equations stand there.

They take what ops take; Python's numbers become float32, and so do integers, but for the
rectifiers, which leave them integers.
"""

from __future__ import annotations

import warnings

from .. import activations
from .tensors import ArrayLike, Axis, Result, axes, floats, op, to_array

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

# --- rectifiers


@op
def relu(x: ArrayLike) -> Result:
    """max(x, 0).

    Example:
        >>> relu([-1.0, 0.0, 2.0])
        Tensor([0., 0., 2.], dtype=float32)
    """
    return activations.relu(to_array(x))


@op
def relu6(x: ArrayLike) -> Result:
    """min(max(x, 0), 6)."""
    return activations.relu6(to_array(x))


@op
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Result:
    """X above 0, negative_slope x below."""
    return activations.leaky_relu(floats(x), negative_slope)


@op
def elu(x: ArrayLike, alpha: float = 1.0) -> Result:
    """X above 0, alpha (e^x - 1) below."""
    return activations.elu(floats(x), alpha)


@op
def selu(x: ArrayLike) -> Result:
    """1.0507 elu(x, 1.6733)."""
    return activations.selu(floats(x))


@op
def celu(x: ArrayLike, alpha: float = 1.0) -> Result:
    """X above 0, alpha (e^(x / alpha) - 1) below."""
    return activations.celu(floats(x), alpha)


@op
def threshold(x: ArrayLike, threshold: float, default_value: float) -> Result:
    """X above a threshold, another value elsewhere."""
    return activations.threshold(floats(x), threshold, default_value)


@op
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Result:
    """X where |x| is above a threshold, 0 elsewhere."""
    return activations.hard_shrink(floats(x), threshold)


@op
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Result:
    """X brought nearer to 0 by a threshold, or to it."""
    return activations.soft_shrink(to_array(x), threshold)


# --- sigmoids


@op
def sigmoid(x: ArrayLike) -> Result:
    """1 / (1 + e^-x).

    Example:
        >>> sigmoid([0.0, 100.0])
        Tensor([0.5, 1. ], dtype=float32)
    """
    return activations.sigmoid(floats(x))


@op
def log_sigmoid(x: ArrayLike) -> Result:
    """-log(1 + e^-x)."""
    return activations.log_sigmoid(floats(x))


@op
def hard_sigmoid(x: ArrayLike) -> Result:
    """min(max(x + 3, 0), 6) / 6."""
    return activations.hard_sigmoid(floats(x))


@op
def sparse_sigmoid(x: ArrayLike) -> Result:
    """min(max(x + 1, 0), 2) / 2."""
    return activations.sparse_sigmoid(floats(x))


@op
def hard_tanh(x: ArrayLike) -> Result:
    """min(max(x, -1), 1)."""
    return activations.hard_tanh(floats(x))


@op
def tanh_shrink(x: ArrayLike) -> Result:
    """X - tanh(x)."""
    return activations.tanh_shrink(floats(x))


@op
def softsign(x: ArrayLike) -> Result:
    """Return the softsign: x / (1 + |x|)."""
    return activations.softsign(floats(x))


# --- gates


@op
def softplus(x: ArrayLike) -> Result:
    """log(1 + e^x)."""
    return activations.softplus(floats(x))


@op
def squareplus(x: ArrayLike, b: float = 4) -> Result:
    """(x + sqrt(x^2 + b)) / 2."""
    return activations.squareplus(floats(x), b)


@op
def sparse_plus(x: ArrayLike) -> Result:
    """0 up to -1, (x + 1)^2 / 4 up to 1, x above."""
    return activations.sparse_plus(floats(x))


@op
def silu(x: ArrayLike) -> Result:
    """X sigmoid(x)."""
    return activations.silu(floats(x))


swish = silu


@op
def hard_silu(x: ArrayLike) -> Result:
    """X hard_sigmoid(x)."""
    return activations.hard_silu(floats(x))


hard_swish = hard_silu


@op
def gelu(x: ArrayLike, approximate: bool = True) -> Result:
    """X P(X <= x) for a standard normal X; as an op by default through tanh.

    Arguments:
        x: any shape.
        approximate: whether to use tanh for the error function.
    """
    return activations.gelu(floats(x), approximate)


@op
def glu(x: ArrayLike, axis: int = -1) -> Result:
    """A sigmoid(b), where a and b are the halves of x along an axis."""
    return activations.glu(floats(x), axis)


# --- functions of a whole axis


@op
def softmax(x: ArrayLike, axis: Axis = -1) -> Result:
    """e^x / sum e^x along an axis, several, or all (None). Warns of an axis of length 1.

    Example:
        >>> softmax([0.0, 0.0])
        Tensor([0.5, 0.5], dtype=float32)
    """
    x = floats(x)
    if isinstance(axis, int) and x.shape[axis] == 1:
        warnings.warn(
            f"softmax over axis {axis} of shape {x.shape}, which has length 1, is always 1. "
            "Did you mean sigmoid?",
            stacklevel=3,
        )
    return activations.softmax(x, axes(axis))


@op
def log_softmax(x: ArrayLike, axis: Axis = -1) -> Result:
    """X - log(sum e^x) along an axis, several, or all (None)."""
    return activations.log_softmax(floats(x), axes(axis))


@op
def sparsemax(x: ArrayLike, axis: int = -1) -> Result:
    """max(x - tau, 0), with the tau of `activations.sparsemax`."""
    return activations.sparsemax(floats(x), axis)
