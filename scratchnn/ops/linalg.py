"""Linear algebra on matrices in the last two axes (as `keras.ops.linalg`): NumPy's, in float32.

Errors: ValueError for shapes that do not fit, and its kind `np.linalg.LinAlgError` for matrices
that cannot be inverted or decomposed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..refusals import refuse
from .tensors import ArrayLike, Axis, Result, axes, common_floats, floats, op, op_many

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]

MISSING = {"jvp": "there is no automatic differentiation"}
"""The names of keras.ops.linalg that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)

# --- equations


@op
def inv(x: ArrayLike) -> Result:
    """The inverse: x inv(x) = 1.

    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]])
        Tensor([[0.5 , 0.  ],
                [0.  , 0.25]], dtype=float32)
    """
    return np.linalg.inv(floats(x))


@op
def solve(a: ArrayLike, b: ArrayLike) -> Result:
    """The x with a x = b.

    Arguments:
        a: (..., N, N).
        b: (..., N) or (..., N, M).

    Example:
        >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
        Tensor([0.5 , 0.25], dtype=float32)
    """
    return _solve(*common_floats(a, b))


@op
def solve_triangular(a: ArrayLike, b: ArrayLike, lower: bool = False) -> Result:
    """The x with a x = b, where one triangle of a is 0; what stands there is not looked at.

    Arguments:
        a: (..., N, N).
        b: (..., N) or (..., N, M).
        lower: whether a is the lower triangle, or the upper.
    """
    a, b = common_floats(a, b)
    return _solve(np.tril(a) if lower else np.triu(a), b)


def _solve(a: Array, b: Array) -> Result:
    if b.ndim == a.ndim - 1:
        return np.linalg.solve(a, b[..., np.newaxis])[..., 0]
    return np.linalg.solve(a, b)


@op
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> Result:
    """The shortest x for which |a x - b| is least.

    Arguments:
        a: (N, D).
        b: (N,) or (N, M).
        rcond: singular values below so much of the largest count as 0; None for the precision
            of the dtype times max(N, D).
    """
    a, b = common_floats(a, b)
    return np.linalg.lstsq(a, b, rcond)[0]


@op
def pinv(x: ArrayLike, rcond: float | None = None) -> Result:
    """The pseudoinverse: the shortest y for which |x y - 1| is least.

    Arguments:
        x: (..., N, M).
        rcond: singular values below so much of the largest count as 0; None for ten times the
            precision of the dtype times max(N, M).
    """
    x = floats(x)
    if rcond is None:
        rcond = 10 * max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    return np.linalg.pinv(x, rcond)


# --- numbers


@op
def det(x: ArrayLike) -> Result:
    """The determinant."""
    return np.linalg.det(floats(x))


@op_many
def slogdet(x: ArrayLike) -> Result:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return tuple(np.linalg.slogdet(floats(x)))


@op
def logdet(x: ArrayLike) -> Result:
    """The logarithm of the determinant of a positive definite matrix."""
    return np.log(np.linalg.det(floats(x)))


@op
def matrix_rank(x: ArrayLike, tol: float | None = None) -> Result:
    """How many singular values are above `tol`; None for the precision of the dtype."""
    return np.asarray(np.linalg.matrix_rank(floats(x), tol), np.int32)


@op
def norm(
    x: ArrayLike, ord: int | float | str | None = None, axis: Axis = None, keepdims: bool = False
) -> Result:
    """The norm of vectors or matrices: without `ord` the root of the sum of all |x|^2.

    Arguments:
        x: any shape.
        ord: for vectors a number p, for (sum |x|^p)^(1/p), or inf, -inf, or 0 for how many are
            not 0; for matrices 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'.
        axis: the axis of the vectors, or the two of the matrices; None for all axes.
        keepdims: whether to keep the axes, with length 1.

    Raises:
        ValueError: for another `ord`, or one with more than two axes.

    Example:
        >>> norm([3.0, 4.0]), norm([[3.0, -4.0]], ord=1, axis=1)
        (Tensor(5., dtype=float32), Tensor([7.], dtype=float32))
    """
    order: Any = ord
    return np.linalg.norm(floats(x), order, axes(axis), keepdims)


# --- decompositions


@op
def cholesky(x: ArrayLike, upper: bool = False) -> Result:
    """The lower triangle L with L L^T = x, for positive definite x; or the upper, L^T.

    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
        Tensor([[2., 0.],
                [1., 2.]], dtype=float32)
    """
    lower = np.linalg.cholesky(floats(x))
    return _adjoint(lower) if upper else lower


@op
def cholesky_inverse(x: ArrayLike, upper: bool = False) -> Result:
    """The inverse of a matrix whose `cholesky` is x."""
    x = floats(x)
    inverse = np.linalg.inv(np.triu(x) if upper else np.tril(x))
    return inverse @ _adjoint(inverse) if upper else _adjoint(inverse) @ inverse


def _adjoint(x: Array) -> Array:
    return np.conj(np.swapaxes(x, -1, -2))


@op_many
def qr(x: ArrayLike, mode: str = "reduced") -> Result:
    """The matrices Q, with orthonormal columns, and R, an upper triangle, with Q R = x.

    Arguments:
        x: (..., N, M).
        mode: 'reduced' for Q (..., N, K) with K = min(N, M), 'complete' for (..., N, N).

    Raises:
        ValueError: for another mode.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode must be 'reduced' or 'complete'. Received: {mode!r}.")
    q, r = np.linalg.qr(floats(x), mode)  # type: ignore[call-overload]
    return q, r


@op_many
def svd(x: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Result:
    """The singular values s, and U and V^T with U s V^T = x.

    Arguments:
        x: (..., N, M).
        full_matrices: whether U is (..., N, N) and V^T (..., M, M), or both are cut to
            K = min(N, M) columns and rows.
        compute_uv: whether to return U and V^T.

    Returns:
        (U, s, V^T), or s alone.
    """
    found = np.linalg.svd(floats(x), full_matrices, compute_uv)  # type: ignore[call-overload]
    return tuple(found) if compute_uv else found


@op_many
def eig(x: ArrayLike) -> Result:
    """The eigenvalues and, as columns, the eigenvectors of a square matrix; complex numbers."""
    x = floats(x)
    kind = np.result_type(x.dtype, np.complex64)
    values, vectors = np.linalg.eig(x)
    return values.astype(kind), vectors.astype(kind)


@op_many
def eigh(x: ArrayLike) -> Result:
    """The eigenvalues and, as columns, the eigenvectors of a symmetric matrix."""
    values, vectors = np.linalg.eigh(floats(x))
    return values, vectors


@op_many
def lu_factor(x: ArrayLike) -> Result:
    """The triangles L and U, in one matrix, with L U = P x, and the permutation P.

    Arguments:
        x: a square matrix (N, N).

    Returns:
        The matrix: U on and above the diagonal, below it L, whose diagonal of ones is left out;
        and a vector: row i of x is row P[i] of L U.

    Raises:
        ValueError: for another shape.
    """
    lu = floats(x).copy()
    n = len(lu)
    if lu.shape != (n, n):
        raise ValueError(f"lu_factor expected a square matrix. Received: shape={lu.shape}.")
    rows = np.arange(n)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(lu[k:, k])))
        lu[[k, pivot]], rows[[k, pivot]] = lu[[pivot, k]], rows[[pivot, k]]
        lu[k + 1 :, k] /= lu[k, k]
        lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, np.argsort(rows).astype(np.int32)
