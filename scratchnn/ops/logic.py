"""Questions about each element: comparisons, tests, and the operations of logic and of bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .tensors import ArrayLike, Result, op, strong, to_array

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "right_shift",
    "signbit",
]

# --- comparisons


@op
def equal(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 = x2.

    Example:
        >>> equal([1, 2, 3], 2)
        Tensor([False,  True, False])
    """
    return np.equal(*strong(x1, x2))


@op
def not_equal(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 and x2 differ."""
    return np.not_equal(*strong(x1, x2))


@op
def less(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 < x2."""
    return np.less(*strong(x1, x2))


@op
def less_equal(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 <= x2."""
    return np.less_equal(*strong(x1, x2))


@op
def greater(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 > x2."""
    return np.greater(*strong(x1, x2))


@op
def greater_equal(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether x1 >= x2."""
    return np.greater_equal(*strong(x1, x2))


@op
def isclose(
    x1: ArrayLike,
    x2: ArrayLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Result:
    """Whether |x1 - x2| <= atol + rtol |x2|; of integers, whether they are equal.

    Arguments:
        x1, x2: shapes that broadcast.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.
    """
    x1, x2 = strong(x1, x2)
    if x1.dtype.kind != "f":
        return np.equal(x1, x2)
    # Not np.isclose, for which inf is close to inf.
    close = np.abs(x1 - x2) <= atol + rtol * np.abs(x2)
    return close | (np.isnan(x1) & np.isnan(x2)) if equal_nan else close


@op
def allclose(
    x1: ArrayLike,
    x2: ArrayLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Result:
    """Whether all elements are equal or close: |x1 - x2| <= atol + rtol |x2|.

    Arguments:
        x1, x2: shapes that broadcast.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    Example:
        >>> bool(allclose([1.0, 2.0], [1.0, 2.00001]))
        True
    """
    x1, x2 = strong(x1, x2)
    if x1.dtype.kind != "f":
        return np.equal(x1, x2).all()
    return np.isclose(x1, x2, rtol, atol, equal_nan).all()


@op
def isin(x1: ArrayLike, x2: ArrayLike, assume_unique: bool = False, invert: bool = False) -> Result:
    """Whether each element of x1 is among those of x2; `invert` asks whether it is not.

    Arguments:
        x1, x2: any shapes.
        assume_unique: whether the elements of each differ, which can be faster.
        invert: whether to return the contrary.

    Example:
        >>> isin([1, 2, 3], [2, 4])
        Tensor([False,  True, False])
    """
    x1, x2 = strong(x1, x2)
    if not x2.size:
        return np.zeros(x1.shape, np.bool_)  # also with `invert`: so it is in Keras
    return np.isin(x1, x2, assume_unique=assume_unique, invert=invert)


# --- tests


@op
def isfinite(x: ArrayLike) -> Result:
    """Whether x is neither infinite nor NaN."""
    return np.isfinite(to_array(x))


@op
def isinf(x: ArrayLike) -> Result:
    """Whether x is inf or -inf."""
    return np.isinf(to_array(x))


@op
def isnan(x: ArrayLike) -> Result:
    """Whether x is NaN."""
    return np.isnan(to_array(x))


@op
def isposinf(x: ArrayLike) -> Result:
    """Whether x is inf."""
    return to_array(x) == np.inf


@op
def isneginf(x: ArrayLike) -> Result:
    """Whether x is -inf."""
    return to_array(x) == -np.inf


@op
def isreal(x: ArrayLike) -> Result:
    """Whether the imaginary part of x is 0."""
    return np.isreal(to_array(x))


@op
def signbit(x: ArrayLike) -> Result:
    """Whether x is negative; -0.0 is.

    Example:
        >>> signbit([-0.0, 0.0, 1.0])
        Tensor([ True, False, False])
    """
    x = to_array(x)
    return np.signbit(x) if x.dtype.kind == "f" else np.less(np.real(x), 0)


# --- logic: what is not 0 is true


@op
def logical_and(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether both are true."""
    return np.logical_and(_truth(x1), _truth(x2))


@op
def logical_or(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether one or both are true."""
    return np.logical_or(_truth(x1), _truth(x2))


@op
def logical_xor(x1: ArrayLike, x2: ArrayLike) -> Result:
    """Whether one is true, and the other is not."""
    return np.logical_xor(_truth(x1), _truth(x2))


@op
def logical_not(x: ArrayLike) -> Result:
    """Whether x is not true."""
    return np.logical_not(_truth(x))


def _truth(x: Any) -> Array:
    return to_array(x, "bool")


# --- bits


@op
def bitwise_and(x: ArrayLike, y: ArrayLike) -> Result:
    """The bits that both integers have.

    Example:
        >>> bitwise_and(6, 3), bitwise_or(6, 3), bitwise_xor(6, 3)
        (Tensor(2, dtype=int32), Tensor(7, dtype=int32), Tensor(5, dtype=int32))
    """
    return np.bitwise_and(*strong(x, y))


@op
def bitwise_or(x: ArrayLike, y: ArrayLike) -> Result:
    """The bits that one of the integers has."""
    return np.bitwise_or(*strong(x, y))


@op
def bitwise_xor(x: ArrayLike, y: ArrayLike) -> Result:
    """The bits that just one of the integers has."""
    return np.bitwise_xor(*strong(x, y))


@op
def bitwise_invert(x: ArrayLike) -> Result:
    """The bits that an integer has not."""
    return np.bitwise_invert(to_array(x))


bitwise_not = bitwise_invert


@op
def bitwise_left_shift(x: ArrayLike, y: ArrayLike) -> Result:
    """The bits of an integer moved y places up: x 2^y."""
    return np.left_shift(*_shift(x, y))


left_shift = bitwise_left_shift


@op
def bitwise_right_shift(x: ArrayLike, y: ArrayLike) -> Result:
    """The bits of an integer moved y places down: floor(x / 2^y)."""
    return np.right_shift(*_shift(x, y))


right_shift = bitwise_right_shift


def _shift(x: Any, y: Any) -> list[Array]:
    x = to_array(x)
    return [x, to_array(y, x.dtype)] if isinstance(y, int) else strong(x, y)
