"""The gradient as school has it: change one element a little, and see what the result does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array


def numerical_gradient(f: Callable[[Any], Any], x: Any, *, step: float = 1e-6) -> Any:
    """Return the gradient of f at x by central differences: (f(x + h e) - f(x - h e)) / 2h.

    Each element is taken in turn, so f is called twice for each: it is for small arrays, and for
    seeing that a gradient written by hand is right. The computation runs in float64 on a copy.

    Arguments:
        f: a function that takes x and returns one number.
        x: an array of floats; or a list of arrays, where those of integers, such as word numbers,
            stay as they are and have no gradient.
        step: h.

    Returns:
        The gradient, float64, of the shape of x; for a list a list, None for arrays of integers.

    Raises:
        ValueError: if f returns more than one number, x holds integers alone, or step is 0.

    Example:
        >>> numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])).round(6)
        array([ 2., -6.])

    Reference: Press et al., 2007, Numerical Recipes, section 5.7.
    """
    if not step > 0:
        raise ValueError(f"Expected a step above 0. Received: {step}.")
    if isinstance(x, list | tuple):
        arrays = [_copy(part) for part in x]
        moving = [array if array.dtype.kind == "f" else None for array in arrays]
        if all(array is None for array in moving):
            raise ValueError(_no_floats([array.dtype for array in arrays]))
        return [None if a is None else _differences(f, arrays, a, step) for a in moving]
    array = _copy(x)
    if array.dtype.kind != "f":
        raise ValueError(_no_floats(array.dtype))
    return _differences(f, array, array, step)


def _no_floats(dtype: Any) -> str:
    return (
        "numerical_gradient needs an x of floats to take small steps from. "
        f"Received: {dtype}. Write 1.0 instead of 1, or use x.astype(float)."
    )


def _copy(x: Any) -> Array:
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array.copy()


def _differences(f: Callable[[Any], Any], x: Any, array: Array, step: float) -> Array:
    """Return the gradient for `array`, which is x or one of the arrays in it, and changes."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = _number(f(x))
        array[index] = kept - step
        below = _number(f(x))
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def _number(value: Any) -> float:
    if np.size(value) != 1:
        raise ValueError(
            "numerical_gradient needs an f that returns one number, such as a loss. "
            f"Received: an array of shape {np.shape(value)}. A sum makes one number of it."
        )
    return float(np.asarray(value).reshape(()))
