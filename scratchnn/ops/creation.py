"""New arrays: constants, ranges, grids and windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import config
from ..dtypes import result_type, standardize_dtype
from .tensors import ArrayLike, DType, Result, common_floats, op, op_many, to_array

__all__ = [
    "arange",
    "array",
    "bartlett",
    "blackman",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "kaiser",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "vander",
    "zeros",
    "zeros_like",
]

# --- constants: without a dtype of config.floatx()


@op
def array(x: ArrayLike, dtype: DType = None) -> Result:
    """Return x as a Tensor; Python's floats become float32, its integers int32.

    Example:
        >>> array([1.5, 2.5]), array([1, 2])
        (Tensor([1.5, 2.5], dtype=float32), Tensor([1, 2], dtype=int32))
    """
    return to_array(x, dtype)


@op
def zeros(shape: int | Sequence[int], dtype: DType = None) -> Result:
    """Zeros."""
    return np.zeros(shape, standardize_dtype(dtype))


@op
def ones(shape: int | Sequence[int], dtype: DType = None) -> Result:
    """Ones.

    Example:
        >>> ones((2, 2))
        Tensor([[1., 1.],
                [1., 1.]], dtype=float32)
    """
    return np.ones(shape, standardize_dtype(dtype))


@op
def empty(shape: int | Sequence[int], dtype: DType = None) -> Result:
    """Zeros, as in Keras on TensorFlow."""
    return np.zeros(shape, standardize_dtype(dtype))


@op
def full(shape: int | Sequence[int], fill_value: ArrayLike, dtype: DType = None) -> Result:
    """`fill_value`, broadcast to a shape."""
    return np.broadcast_to(to_array(fill_value, standardize_dtype(dtype)), shape).copy()


@op
def zeros_like(x: ArrayLike, dtype: DType = None) -> Result:
    """Zeros of the shape and, unless given, the dtype of x."""
    return np.zeros_like(to_array(x, dtype))


@op
def ones_like(x: ArrayLike, dtype: DType = None) -> Result:
    """Ones of the shape and, unless given, the dtype of x."""
    return np.ones_like(to_array(x, dtype))


@op
def empty_like(x: ArrayLike, dtype: DType = None) -> Result:
    """Zeros of the shape and, unless given, the dtype of x."""
    return np.zeros_like(to_array(x, dtype))


@op
def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: DType = None) -> Result:
    """`fill_value`, broadcast to the shape of x and cast to its dtype, unless one is given."""
    x = to_array(x)
    kind = result_type(x.dtype if dtype is None else dtype)
    return np.broadcast_to(to_array(fill_value, kind), x.shape).copy()


# --- ranges


@op
def arange(
    start: float, stop: float | None = None, step: float | None = None, dtype: DType = None
) -> Result:
    """start, start + step, ... below stop; with one argument 0, 1, ... below it.

    Arguments:
        start: the first number; or where to stop, if it is the only argument.
        stop: where to stop; not included.
        step: the distance, 1 if None.
        dtype: None for int32, or what the arguments have in common.

    Example:
        >>> arange(3), arange(0.0, 1.0, 0.5)
        (Tensor([0, 1, 2], dtype=int32), Tensor([0. , 0.5], dtype=float32))
    """
    if dtype is None:
        given = [x for x in (start, stop, step) if x is not None]
        dtype = result_type(*(getattr(x, "dtype", type(x)) for x in given))
    if stop is None:
        start, stop = 0, start
    return np.arange(start, stop, 1 if step is None else step).astype(standardize_dtype(dtype))


@op_many
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType = None,
    axis: int = 0,
) -> Result:
    """`num` numbers at equal distances from start to stop.

    Arguments:
        start: the first number, or an array of them.
        stop: the last.
        num: how many.
        endpoint: whether `stop` is one of them.
        retstep: whether to return the distance too.
        dtype: None for floats; numbers of an integer dtype are rounded down.
        axis: the axis of the result along which they lie.

    Raises:
        ValueError: if `num` is negative.

    Example:
        >>> linspace(0, 1, 5)
        Tensor([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    first, last = common_floats(start, stop)
    if dtype is not None:
        first, last = to_array(start, dtype), to_array(stop, dtype)
    numbers, step = np.linspace(
        first, last, num, endpoint, retstep=True, dtype=first.dtype, axis=axis
    )
    kind = first.dtype if first.dtype.kind == "f" else np.float64
    return (numbers, np.asarray(step, kind)) if retstep else numbers


@op
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DType = None,
    axis: int = 0,
) -> Result:
    """base^x for `num` exponents x at equal distances from start to stop. See `linspace`."""
    exponents = linspace(start, stop, num, endpoint, dtype=dtype, axis=axis)
    return np.power(to_array(base, exponents.dtype), exponents)


@op
def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DType = None,
    axis: int = 0,
) -> Result:
    """`num` numbers from start to stop, each the same multiple of the one before.

    Arguments:
        start: the first number, or an array of them; of the sign of `stop`, and not 0.
        stop: the last.
        num: how many.
        endpoint: whether `stop` is one of them.
        dtype: a float dtype; None for `config.floatx()`.
        axis: the axis of the result along which they lie.
    """
    kind = standardize_dtype(dtype)
    first, last = to_array(start, kind), to_array(stop, kind)
    exponents = np.log10(np.abs(first)), np.log10(np.abs(last))
    return logspace(*exponents, num, endpoint, dtype=dtype, axis=axis) * np.sign(first)


@op_many
def meshgrid(*x: ArrayLike, indexing: str = "xy") -> Result:
    """The coordinates of a grid, one array of its shape for each of the vectors.

    Arguments:
        *x: vectors, the coordinates along each axis.
        indexing: 'xy' puts the first vector along the second axis, 'ij' along the first.

    Example:
        >>> meshgrid([1, 2], [3, 4, 5], indexing="ij")[0]
        Tensor([[1, 1, 1],
                [2, 2, 2]], dtype=int32)
    """
    return list(np.meshgrid(*[to_array(a) for a in x], indexing=indexing))  # type: ignore[call-overload]


# --- matrices


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Result:
    """Ones on the diagonal k of a matrix (N, M), zeros elsewhere.

    Raises:
        TypeError: if N or M is not an integer.
    """
    return np.eye(N, M, k, standardize_dtype(dtype))


@op
def identity(n: int, dtype: DType = None) -> Result:
    """Ones on the diagonal of a matrix (n, n), zeros elsewhere."""
    return np.eye(n, dtype=standardize_dtype(dtype))


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Result:
    """Ones on and below the diagonal k of a matrix (N, M), zeros above.

    Example:
        >>> tri(3, dtype="int32")
        Tensor([[1, 0, 0],
                [1, 1, 0],
                [1, 1, 1]], dtype=int32)
    """
    return np.tri(N, M, k, standardize_dtype(dtype))


@op
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Result:
    """The powers of each element, a row for each: x^(N-1), ..., x, 1.

    Arguments:
        x: a vector.
        N: how many powers; as many as elements if None.
        increasing: whether to start with 1.

    Raises:
        ValueError: if x is no vector, or N negative.
    """
    x = to_array(x)
    return np.vander(x, N, increasing).astype(result_type(x.dtype))


# --- windows, of float32


@op
def bartlett(x: int) -> Result:
    """The Bartlett window of length x: 1 - |2 n / (x - 1) - 1|."""
    return np.bartlett(int(x)).astype(config.floatx())


@op
def hanning(x: int) -> Result:
    """The Hann window of length x: 1/2 - 1/2 cos(2 pi n / (x - 1)).

    Example:
        >>> hanning(3)
        Tensor([0., 1., 0.], dtype=float32)
    """
    return np.hanning(int(x)).astype(np.float32)


@op
def hamming(x: int) -> Result:
    """The Hamming window of length x: 0.54 - 0.46 cos(2 pi n / (x - 1))."""
    return np.hamming(int(x)).astype(np.float32)


@op
def blackman(x: int) -> Result:
    """The Blackman window of length x: 0.42 - 0.5 cos(t) + 0.08 cos(2 t), t = 2 pi n / (x - 1)."""
    return np.blackman(int(x)).astype(config.floatx())


@op
def kaiser(x: int, beta: float) -> Result:
    """The Kaiser window of length x: i0(beta sqrt(1 - (2 n / (x - 1) - 1)^2)) / i0(beta)."""
    return np.kaiser(int(x), beta).astype(np.float32)
