"""Sums of products: dot, matmul, einsum, cross, kron, correlate."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tensors import ArrayLike, Result, floats, op, strong, to_array

__all__ = [
    "corrcoef",
    "correlate",
    "cross",
    "diff",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]


@op
def matmul(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The product of the matrices in the last two axes.

    A vector is a row on the left, a column on the right. The product of int8 matrices is int32.

    Arguments:
        x1: (..., N, D) or (D,).
        x2: (..., D, M) or (D,); the other axes broadcast.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> matmul([[1, 2], [3, 4]], [1, 1])
        Tensor([3, 7], dtype=int32)
    """
    x1, x2 = strong(x1, x2)
    if x1.dtype == np.int8 and x1.ndim > 1 and x2.ndim > 1:
        return np.matmul(x1, x2, dtype=np.int32)
    return np.matmul(x1, x2)


@op
def dot(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The sum of products over the last axis of x1 and the last but one of x2.

    Arguments:
        x1: (..., D), or a number.
        x2: (..., D, M) or (D,), or a number.
    """
    return np.dot(*strong(x1, x2))


@op
def vdot(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The sum of the products of all elements, in their order."""
    x1, x2 = strong(x1, x2)
    return np.dot(x1.reshape(-1), x2.reshape(-1))


@op
def inner(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The sum of products over the last axis of both: (..., D) and (..., D), or numbers."""
    return np.inner(*strong(x1, x2))


@op
def outer(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The products of each element of x1 with each of x2, a matrix."""
    return np.outer(*strong(x1, x2))


@op
def kron(x1: ArrayLike, x2: ArrayLike) -> Result:
    """The Kronecker product: x2 once for each element of x1, and times it."""
    return np.kron(*strong(x1, x2))


@op
def tensordot(x1: ArrayLike, x2: ArrayLike, axes: Any = 2) -> Result:
    """The sum of products over some axes.

    Arguments:
        x1, x2: any shapes.
        axes: how many, the last of x1 with the first of x2; or a pair of lists of axes.

    Example:
        >>> tensordot([[1, 2], [3, 4]], [[1, 0], [0, 1]], axes=2)
        Tensor(5, dtype=int32)
    """
    x1, x2 = strong(x1, x2)
    return np.tensordot(x1, x2, axes)


@op
def einsum(subscripts: str, *operands: ArrayLike, **kwargs: Any) -> Result:
    """The sum of products that a formula of indices describes. Of int8 alone, it is int32.

    Arguments:
        subscripts: such as 'ij,jk->ik' for a product of matrices.
        *operands: the arrays.
        **kwargs: `optimize`, as for `np.einsum`.

    Raises:
        ValueError: for a formula that does not fit the shapes.

    Example:
        >>> einsum("ij->ji", [[1, 2], [3, 4]])
        Tensor([[1, 3],
                [2, 4]], dtype=int32)
    """
    arrays = strong(*operands)
    if arrays[0].dtype == np.int8:
        arrays = [a.astype(np.int32) for a in arrays]
    return np.asarray(np.einsum(subscripts, *arrays, **kwargs))


@op
def cross(
    x1: ArrayLike,
    x2: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Result:
    """The vector product of the vectors of length 2 or 3 in an axis of x1 and x2.

    Arguments:
        x1, x2: shapes that broadcast, but for the axes of the vectors. Two vectors of length 2
            have a number as their product.
        axisa, axisb, axisc: the axes of the vectors in x1, x2 and the result.
        axis: all three of them, if given.

    Example:
        >>> cross([1, 0, 0], [0, 1, 0])
        Tensor([0, 0, 1], dtype=int32)
    """
    x1, x2 = strong(x1, x2)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(x1, axisa, 0), np.moveaxis(x2, axisb, 0)
    flat = len(a) == len(b) == 2
    a0, a1, a2 = a if len(a) == 3 else (*a, np.zeros_like(a[0]))
    b0, b1, b2 = b if len(b) == 3 else (*b, np.zeros_like(b[0]))
    last = a0 * b1 - a1 * b0
    if flat:
        return np.asarray(last)
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, last], axisc)


@op
def trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """The sum of a diagonal of the matrices in two axes; of small integers in 32 bits."""
    from .reductions import sum

    return sum(np.diagonal(to_array(x), offset, axis1, axis2), axis=-1)


@op
def diff(a: ArrayLike, n: int = 1, axis: int = -1) -> Result:
    """Each element minus the one before it along an axis, n times over."""
    return np.diff(to_array(a), n, axis)


@op
def correlate(x1: ArrayLike, x2: ArrayLike, mode: str = "valid") -> Result:
    """The sums of products of x1 with x2 moved along it, as floats: c_k = sum_n x1_(n+k) x2_n.

    Arguments:
        x1, x2: vectors.
        mode: 'valid' for the places where the shorter lies within the longer, 'full' for all
            where they meet, 'same' for as many as x1 is long.

    Raises:
        ValueError: for another mode.

    Example:
        >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0])
        Tensor([2., 3.], dtype=float32)
    """
    x1, x2 = strong(x1, x2)
    dtype = {"int64": "float64", "float16": "float16", "float64": "float64"}
    kind = dtype.get(x1.dtype.name, "float32")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be 'valid', 'same' or 'full'. Received: {mode!r}.")
    return np.correlate(x1.astype(kind), x2.astype(kind), mode)  # type: ignore[call-overload]


@op
def corrcoef(x: ArrayLike) -> Result:
    """The correlation of each row of a matrix with each, as floats in [-1, 1].

    Arguments:
        x: (N, D), a variable in each row.

    Example:
        >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
        Tensor([[ 1., -1.],
                [-1.,  1.]], dtype=float32)
    """
    x = to_array(x)
    x = x.astype(np.float64) if x.dtype == np.int64 else floats(x)
    return np.corrcoef(x, dtype=x.dtype)
