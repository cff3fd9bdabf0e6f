"""Functions of each element: powers, logarithms, angles, complex numbers.

Where the arguments are `x1` and `x2`, their shapes are broadcast.
"""

from __future__ import annotations

import numpy as np

from .tensors import (
    ArrayLike,
    DType,
    Result,
    common,
    common_floats,
    floats,
    op,
    strong,
    to_array,
    wide_floats,
    without_bools,
)

__all__ = [
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "hypot",
    "i0",
    "imag",
    "ldexp",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logaddexp2",
    "power",
    "rad2deg",
    "real",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "view",
]

# --- powers and logarithms


@op
def square(x: ArrayLike) -> Result:
    """x^2."""
    return np.square(without_bools(x))


@op
def power(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1^x2; integers stay integers.

    Raises:
        ValueError: for integers to a negative power.

    Example:
        >>> power(2, 10), power(2, 0.5)
        (Tensor(1024, dtype=int32), Tensor(1.4142135, dtype=float32))
    """
    return np.power(*common(x1, x2))


@op
def sqrt(x: ArrayLike) -> Result:
    """The square root of x."""
    return np.sqrt(floats(x))


@op
def cbrt(x: ArrayLike) -> Result:
    """The cube root of x."""
    return np.cbrt(wide_floats(x))


@op
def hypot(x1: ArrayLike, x2: ArrayLike) -> Result:
    """sqrt(x1^2 + x2^2)."""
    return np.hypot(*map(wide_floats, strong(x1, x2)))


@op
def exp(x: ArrayLike) -> Result:
    """e^x.

    Example:
        >>> exp([0, -np.inf])
        Tensor([1., 0.], dtype=float32)
    """
    return np.exp(floats(x))


@op
def exp2(x: ArrayLike) -> Result:
    """2^x."""
    return np.exp2(floats(x))


@op
def expm1(x: ArrayLike) -> Result:
    """e^x - 1, exact for small x too."""
    return np.expm1(floats(x))


@op
def log(x: ArrayLike) -> Result:
    """The natural logarithm of x; -inf for 0, NaN below."""
    return np.log(floats(x))


@op
def log1p(x: ArrayLike) -> Result:
    """log(1 + x), exact for small x too."""
    return np.log1p(floats(x))


@op
def log2(x: ArrayLike) -> Result:
    """The logarithm of x to base 2."""
    return np.log2(floats(x))


@op
def log10(x: ArrayLike) -> Result:
    """The logarithm of x to base 10."""
    return np.log10(floats(x))


@op
def logaddexp(x1: ArrayLike, x2: ArrayLike) -> Result:
    """log(e^x1 + e^x2), without overflow.

    Example:
        >>> logaddexp(1000.0, 1000.0)
        Tensor(1000.6932, dtype=float32)
    """
    return np.logaddexp(*common_floats(*strong(x1, x2)))


@op
def logaddexp2(x1: ArrayLike, x2: ArrayLike) -> Result:
    """log2(2^x1 + 2^x2), without overflow."""
    return np.logaddexp2(*common_floats(*strong(x1, x2)))


@op
def ldexp(x1: ArrayLike, x2: ArrayLike) -> Result:
    """x1 2^x2, with integers x2.

    Raises:
        TypeError: if x2 does not consist of integers.
    """
    exponent = to_array(x2)
    if exponent.dtype.kind not in "iu":
        raise TypeError(f"ldexp expected integers as x2. Received: dtype={exponent.dtype}.")
    x1, x2 = common_floats(*strong(x1, exponent))
    return x1 * np.exp2(x2)


@op
def i0(x: ArrayLike) -> Result:
    """The modified Bessel function of the first kind, order 0."""
    x = wide_floats(x)
    return np.i0(x).reshape(x.shape).astype(x.dtype)


# --- angles


@op
def sin(x: ArrayLike) -> Result:
    """The sine of x."""
    return np.sin(floats(x))


@op
def cos(x: ArrayLike) -> Result:
    """The cosine of x."""
    return np.cos(floats(x))


@op
def tan(x: ArrayLike) -> Result:
    """The tangent of x."""
    return np.tan(floats(x))


@op
def arcsin(x: ArrayLike) -> Result:
    """The angle in [-pi/2, pi/2] whose sine is x."""
    return np.arcsin(floats(x))


@op
def arccos(x: ArrayLike) -> Result:
    """The angle in [0, pi] whose cosine is x."""
    return np.arccos(floats(x))


@op
def arctan(x: ArrayLike) -> Result:
    """The angle in [-pi/2, pi/2] whose tangent is x."""
    return np.arctan(floats(x))


@op
def arctan2(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The angle in [-pi, pi] of the point with abscissa x2 and ordinate x1."""
    return np.arctan2(*common_floats(*strong(x1, x2)))


@op
def sinh(x: ArrayLike) -> Result:
    """(e^x - e^-x) / 2."""
    return np.sinh(floats(x))


@op
def cosh(x: ArrayLike) -> Result:
    """(e^x + e^-x) / 2."""
    return np.cosh(floats(x))


@op
def tanh(x: ArrayLike) -> Result:
    """sinh(x) / cosh(x)."""
    return np.tanh(floats(x))


@op
def arcsinh(x: ArrayLike) -> Result:
    """The number whose sinh is x."""
    return np.arcsinh(floats(x))


@op
def arccosh(x: ArrayLike) -> Result:
    """The number of at least 0 whose cosh is x."""
    return np.arccosh(floats(x))


@op
def arctanh(x: ArrayLike) -> Result:
    """The number whose tanh is x."""
    return np.arctanh(floats(x))


@op
def sinc(x: ArrayLike) -> Result:
    """sin(pi x) / (pi x), and 1 at 0."""
    return np.sinc(floats(x))


@op
def deg2rad(x: ArrayLike) -> Result:
    """Return degrees as radians: x pi / 180."""
    x = wide_floats(x)
    return x * x.dtype.type(np.pi / 180)


@op
def rad2deg(x: ArrayLike) -> Result:
    """180 x / pi."""
    x = wide_floats(x)
    return x * x.dtype.type(180 / np.pi)


# --- complex numbers, and the bits of any number


@op
def real(x: ArrayLike) -> Result:
    """The real part of x."""
    return np.real(to_array(x))


@op
def imag(x: ArrayLike) -> Result:
    """The imaginary part of x."""
    return np.imag(to_array(x))


@op
def conjugate(x: ArrayLike) -> Result:
    """Return x with the sign of its imaginary part changed."""
    return np.conjugate(to_array(x))


conj = conjugate


@op
def angle(x: ArrayLike) -> Result:
    """The angle in [-pi, pi] of a complex number; 0 or pi for a real one."""
    return np.angle(floats(x))


@op
def view(x: ArrayLike, dtype: DType = None) -> Result:
    """The bits of x read as another dtype.

    Arguments:
        x: any shape.
        dtype: where its size differs from that of x's, the last axis is longer or shorter.

    Raises:
        ValueError: if the last axis cannot be divided so.

    Example:
        >>> view([1.0], "int32")
        Tensor([1065353216], dtype=int32)
    """
    x = np.asarray(to_array(x), order="C")
    return x.view(x.dtype if dtype is None else to_array(0, dtype).dtype)
