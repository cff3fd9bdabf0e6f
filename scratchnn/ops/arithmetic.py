"""Arithmetic on each element: sums, products, remainders, extremes, signs, rounding.

Where the arguments are `x1` and `x2`, their shapes are broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..dtypes import result_type
from .tensors import (
    ArrayLike,
    Result,
    common,
    common_floats,
    floats,
    like,
    op,
    strong,
    to_array,
    wide_floats,
    without_bools,
)

__all__ = [
    "abs",
    "absolute",
    "add",
    "ceil",
    "clip",
    "divide",
    "divide_no_nan",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "lcm",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "reciprocal",
    "round",
    "sign",
    "subtract",
    "true_divide",
    "trunc",
]

# --- arithmetic


@op
def add(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 + x2.

    Example:
        >>> add(np.array([1, 2], np.int32), 0.5)
        Tensor([1.5, 2.5], dtype=float32)
    """
    return np.add(*common(x1, x2))


@op
def subtract(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 - x2."""
    return np.subtract(*common(x1, x2))


@op
def multiply(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 x2."""
    return np.multiply(*common(x1, x2))


@op
def divide(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 / x2, as floats; x / 0 is inf or NaN."""
    return np.divide(*common_floats(x1, x2))


true_divide = divide


@op
def divide_no_nan(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 / x2, as floats; x / 0 is 0.

    Example:
        >>> divide_no_nan([1.0, 1.0], [2.0, 0.0])
        Tensor([0.5, 0. ], dtype=float32)
    """
    x1, x2 = common_floats(x1, x2)
    return np.where(x2 == 0, x1.dtype.type(0), x1 / x2)


@op
def floor_divide(x1: ArrayLike, x2: ArrayLike) -> Result:
    """floor(x1 / x2); integers stay integers.

    Raises:
        ZeroDivisionError: for integers that are divided by 0.
    """
    x1, x2 = common(x1, x2)
    _check_divisor(x2)
    # NumPy's floor_divide gives NaN for a float divided by 0.
    return np.floor(x1 / x2) if x1.dtype.kind == "f" else np.floor_divide(x1, x2)


@op
def mod(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 - x2 floor(x1 / x2): the remainder with the sign of x2, as Python's %.

    Raises:
        ZeroDivisionError: for integers that are divided by 0.

    Example:
        >>> mod([7, -7], 3), fmod([7, -7], 3)
        (Tensor([1, 2], dtype=int32), Tensor([ 1, -1], dtype=int32))
    """
    x1, x2 = map(without_bools, strong(x1, x2))
    _check_divisor(x2)
    return np.mod(x1, x2)


@op
def fmod(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 - x2 trunc(x1 / x2): the remainder with the sign of x1, as in C.

    Raises:
        ZeroDivisionError: for integers that are divided by 0.
    """
    x1, x2 = map(without_bools, strong(x1, x2))
    _check_divisor(x2)
    return np.fmod(x1, x2)


def _check_divisor(x: Array) -> None:
    if x.dtype.kind in "iu" and not x.all():
        raise ZeroDivisionError("Expected integers to be divided by others than 0. Received: 0.")


@op
def negative(x: ArrayLike) -> Result:
    """-x."""
    return np.negative(to_array(x))


@op
def reciprocal(x: ArrayLike) -> Result:
    """1 / x, as floats."""
    return np.reciprocal(floats(x))


@op
def absolute(x: ArrayLike) -> Result:
    """|x|; of a complex number, its length."""
    return np.absolute(to_array(x))


abs = absolute


@op
def fabs(x: ArrayLike) -> Result:
    """|x|, as floats.

    Raises:
        TypeError: for complex numbers.
    """
    return np.fabs(floats(x))


@op
def sign(x: ArrayLike) -> Result:
    """-1, 0 or 1, as x is below, at or above 0; of a complex number, x / |x|."""
    return np.sign(to_array(x))


@op
def maximum(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The larger of x1 and x2; NaN if one of them is."""
    return np.maximum(*common(x1, x2))


@op
def minimum(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The smaller of x1 and x2; NaN if one of them is."""
    return np.minimum(*common(x1, x2))


@op
def fmax(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The larger of x1 and x2; the number, where one of them is NaN."""
    return np.fmax(*common(x1, x2))


@op
def fmin(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The smaller of x1 and x2; the number, where one of them is NaN."""
    return np.fmin(*common(x1, x2))


@op
def clip(x: ArrayLike, x_min: ArrayLike, x_max: ArrayLike) -> Result:
    """max(min(x, x_max), x_min), in the dtype of x.

    Example:
        >>> clip([0.2, 1.7, -3.0], 0, 1)
        Tensor([0.2, 1. , 0. ], dtype=float32)
    """
    x = without_bools(x)
    return np.maximum(np.minimum(x, like(x_max, x)), like(x_min, x))


@op
def gcd(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The greatest common divisor of integers.

    Raises:
        TypeError: for other numbers.
    """
    return np.gcd(*_integers("gcd", x1, x2))


@op
def lcm(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The least common multiple of integers.

    Raises:
        TypeError: for other numbers.
    """
    return np.lcm(*_integers("lcm", x1, x2))


def _integers(name: str, *xs: Any) -> list[Array]:
    arrays = strong(*xs)
    if arrays[0].dtype.kind not in "iu":
        raise TypeError(f"{name} expected integers. Received: dtype={arrays[0].dtype}.")
    return arrays


# --- rounding


@op
def floor(x: ArrayLike) -> Result:
    """The largest whole number that is not above x, as floats."""
    return np.floor(floats(x))


@op
def ceil(x: ArrayLike) -> Result:
    """The smallest whole number that is not below x, as floats."""
    return np.ceil(floats(x))


@op
def trunc(x: ArrayLike) -> Result:
    """The whole part of x."""
    x = to_array(x)
    return np.trunc(x) if x.dtype.kind == "f" else x


@op
def round(x: ArrayLike, decimals: int = 0) -> Result:
    """Return x with so many decimals; halves go to the even neighbour.

    Arguments:
        x: any shape.
        decimals: how many digits stay behind the point; below 0, that many before it become 0.

    Example:
        >>> round([0.5, 1.5, 2.5])
        Tensor([0., 2., 2.], dtype=float32)
    """
    x = to_array(x)
    if decimals == 0 or (decimals > 0 and x.dtype.kind in "iu"):
        return np.round(x)
    # As Keras does, and not as np.round: through a product with a float32, even for integers.
    y = floats(x)
    factor = np.float32(10.0**decimals)
    return (np.rint(y * factor) / factor).astype(x.dtype)


@op
def nan_to_num(
    x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Result:
    """Return x with other numbers for NaN and infinities.

    Arguments:
        x: any shape.
        nan: what stands for NaN.
        posinf: what stands for inf; None for the largest number of the dtype.
        neginf: what stands for -inf; None for the smallest.

    Example:
        >>> nan_to_num([1.0, np.nan, np.inf], posinf=9.0)
        Tensor([1., 0., 9.], dtype=float32)
    """
    return np.nan_to_num(to_array(x), nan=nan, posinf=posinf, neginf=neginf)


@op
def nextafter(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The next float64 after x1 on the way to x2, rounded to the dtype of the arguments.

    Below float64 that is x1 itself: so it is in Keras on TensorFlow.
    """
    x1, x2 = strong(x1, x2)
    dtype = result_type(x1.dtype, float)
    return np.nextafter(x1.astype(np.float64), x2.astype(np.float64)).astype(dtype)


@op
def heaviside(x1: ArrayLike, x2: ArrayLike) -> Result:
    """0 where x1 < 0, 1 where x1 > 0, x2 elsewhere."""
    x1, x2 = map(wide_floats, strong(x1, x2))
    return np.where(x1 < 0, x1.dtype.type(0), np.where(x1 > 0, x1.dtype.type(1), x2))
