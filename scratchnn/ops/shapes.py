"""The same elements in another arrangement: reshape, transpose, join, split, pad, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .tensors import ArrayLike, Axis, Result, axes, like, op, op_many, strong, to_array

__all__ = [
    "append",
    "array_split",
    "broadcast_to",
    "concatenate",
    "copy",
    "diag",
    "diagflat",
    "diagonal",
    "dsplit",
    "dstack",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "moveaxis",
    "ndim",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "size",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "tril",
    "triu",
    "vsplit",
    "vstack",
]

# --- the shape


@op
def reshape(x: ArrayLike, newshape: int | Sequence[int]) -> Result:
    """The elements in another shape; one of its sizes may be -1, for what is left.

    Example:
        >>> reshape([1, 2, 3, 4, 5, 6], (2, -1))
        Tensor([[1, 2, 3],
                [4, 5, 6]], dtype=int32)
    """
    return np.reshape(to_array(x), newshape)


@op
def ravel(x: ArrayLike) -> Result:
    """The elements as a vector."""
    return np.reshape(to_array(x), -1)


@op
def expand_dims(x: ArrayLike, axis: int | Sequence[int]) -> Result:
    """Return x with one more axis of length 1 at `axis`, or several.

    Example:
        >>> expand_dims([1, 2], 1).shape
        (2, 1)
    """
    return np.expand_dims(to_array(x), axis)


@op
def squeeze(x: ArrayLike, axis: Axis = None) -> Result:
    """Return x without its axes of length 1; without those at `axis`, if given.

    Raises:
        ValueError: if the length of an axis in `axis` is not 1.
    """
    return np.squeeze(to_array(x), axes(axis))


@op
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> Result:
    """Return x with its axes in another order; the reverse if none is given."""
    return np.transpose(to_array(x), axes)


@op
def moveaxis(x: ArrayLike, source: Any, destination: Any) -> Result:
    """Return x with the axes `source` moved to `destination`; the others keep their order."""
    return np.moveaxis(to_array(x), source, destination)


@op
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Result:
    """Return x with two axes exchanged."""
    return np.swapaxes(to_array(x), axis1, axis2)


@op
def broadcast_to(x: ArrayLike, shape: Sequence[int]) -> Result:
    """Return x repeated along axes of length 1, and new ones in front, up to a shape."""
    return np.broadcast_to(to_array(x), tuple(shape)).copy()


@op
def copy(x: ArrayLike) -> Result:
    """The same elements in memory of their own."""
    return to_array(x).copy()


def ndim(x: ArrayLike) -> int:
    """The number of axes, an int."""
    return to_array(x).ndim


@op
def size(x: ArrayLike) -> Result:
    """The number of elements."""
    return np.asarray(to_array(x).size, np.int32)


# --- joining


@op
def concatenate(xs: Sequence[ArrayLike], axis: int = 0) -> Result:
    """The arrays one after another along an axis they have.

    Example:
        >>> concatenate([[1, 2], [3.5]])
        Tensor([1. , 2. , 3.5], dtype=float32)
    """
    return np.concatenate(strong(*xs), axis)


@op
def stack(x: Sequence[ArrayLike], axis: int = 0) -> Result:
    """The arrays, of one shape, one after another along a new axis."""
    return np.stack(strong(*x), axis)


@op
def append(x1: ArrayLike, x2: ArrayLike, axis: int | None = None) -> Result:
    """x1, then x2: along an axis, or both flattened."""
    parts = strong(x1, x2)
    return np.concatenate([p.reshape(-1) for p in parts] if axis is None else parts, axis or 0)


@op
def vstack(xs: Sequence[ArrayLike]) -> Result:
    """The arrays one after another along the first axis; vectors too, as in Keras on TensorFlow."""
    return np.concatenate(strong(*xs), 0)


@op
def hstack(xs: Sequence[ArrayLike]) -> Result:
    """The arrays side by side: along the second axis; vectors along their only one."""
    return np.hstack(strong(*xs))


@op
def dstack(xs: Sequence[ArrayLike]) -> Result:
    """The arrays one behind the other: along the third axis."""
    return np.dstack(strong(*xs))


# --- splitting


@op_many
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> Result:
    """The parts of x along an axis.

    Arguments:
        x: any shape.
        indices_or_sections: how many equal parts, or where each part but the first begins.
        axis: the axis to split.

    Raises:
        ValueError: if the axis cannot be divided into equal parts.

    Example:
        >>> split([1, 2, 3], [1])
        [Tensor([1], dtype=int32), Tensor([2, 3], dtype=int32)]
    """
    return np.split(to_array(x), indices_or_sections, axis)


@op_many
def array_split(x: ArrayLike, indices_or_sections: int, axis: int = 0) -> Result:
    """Return x in so many parts along an axis, the first of them longer by one where needed."""
    return np.array_split(to_array(x), indices_or_sections, axis)


@op_many
def vsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> Result:
    """The parts of x along its first axis. See `split`."""
    return np.split(to_array(x), indices_or_sections, 0)


@op_many
def hsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> Result:
    """The parts of x along its second axis; of a vector, along its only one. See `split`."""
    x = to_array(x)
    return np.split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


@op_many
def dsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> Result:
    """The parts of x along its third axis. See `split`."""
    return np.split(to_array(x), indices_or_sections, 2)


# --- repeating and padding


@op
def repeat(x: ArrayLike, repeats: int | Sequence[int], axis: int | None = None) -> Result:
    """Each element, or each slice along `axis`, so many times.

    Example:
        >>> repeat([1, 2], 2), tile([1, 2], 2)
        (Tensor([1, 1, 2, 2], dtype=int32), Tensor([1, 2, 1, 2], dtype=int32))
    """
    return np.repeat(to_array(x), repeats, axis)


@op
def tile(x: ArrayLike, repeats: int | Sequence[int]) -> Result:
    """The whole of x so many times along each axis."""
    return np.tile(to_array(x), repeats)


@op
def pad(
    x: ArrayLike, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> Result:
    """Return x with more elements around it.

    Arguments:
        x: any shape.
        pad_width: how many before and after each axis: a pair for each, one pair, or a number.
        mode: 'constant'; or 'reflect' and 'symmetric', which mirror x without or with its edge.
        constant_values: what 'constant' adds, 0 if None.

    Raises:
        ValueError: for another mode, or `constant_values` with one.

    Example:
        >>> pad([1, 2, 3], (2, 0), "reflect")
        Tensor([3, 2, 1, 2, 3], dtype=int32)
    """
    mode = mode.lower()
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(
            f"mode must be 'constant', 'reflect' or 'symmetric'. Received: mode={mode!r}."
        )
    if mode != "constant":
        if constant_values is not None:
            raise ValueError(f"constant_values needs mode='constant'. Received: mode={mode!r}.")
        return np.pad(to_array(x), pad_width, mode)  # type: ignore[call-overload]
    x = to_array(x)
    return np.pad(x, pad_width, constant_values=like(constant_values or 0, x))


# --- order


@op
def flip(x: ArrayLike, axis: Axis = None) -> Result:
    """Return x with the order of its elements reversed along an axis, several, or all."""
    return np.flip(to_array(x), axes(axis))


@op
def fliplr(x: ArrayLike) -> Result:
    """Return x reversed along its second axis."""
    return np.fliplr(to_array(x))


@op
def flipud(x: ArrayLike) -> Result:
    """Return x reversed along its first axis."""
    return np.flipud(to_array(x))


@op
def roll(x: ArrayLike, shift: int | Sequence[int], axis: Axis = None) -> Result:
    """Return x moved by `shift` along an axis; what leaves at its end comes in again at its start.

    Example:
        >>> roll([1, 2, 3], 1)
        Tensor([3, 1, 2], dtype=int32)
    """
    return np.roll(to_array(x), shift, axes(axis))


@op
def rot90(array: ArrayLike, k: int = 1, axes: Sequence[int] = (0, 1)) -> Result:
    """Return x turned k times by 90 degrees, from the first of two axes to the second.

    Raises:
        ValueError: for less than two axes, or twice the same.
    """
    return np.rot90(to_array(array), k, tuple(axes))  # type: ignore[arg-type]


# --- diagonals and triangles


@op
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """The diagonal of the matrices in two axes, as the last axis.

    Arguments:
        x: rank 2 or more.
        offset: how far to the right of the main diagonal.
        axis1, axis2: the axes of the rows and of the columns.
    """
    return np.diagonal(to_array(x), offset, axis1, axis2).copy()


@op
def diag(x: ArrayLike, k: int = 0) -> Result:
    """The matrix with the vector x as its diagonal k; of a matrix x, its diagonal k.

    Raises:
        ValueError: for other ranks.

    Example:
        >>> diag([1, 2])
        Tensor([[1, 0],
                [0, 2]], dtype=int32)
    """
    return np.diag(to_array(x), k).copy()


@op
def diagflat(x: ArrayLike, k: int = 0) -> Result:
    """The matrix with the elements of x as its diagonal k."""
    return np.diagflat(to_array(x), k)


@op
def tril(x: ArrayLike, k: int = 0) -> Result:
    """Return x with zeros above the diagonal k of its last two axes."""
    return np.tril(to_array(x), k)


@op
def triu(x: ArrayLike, k: int = 0) -> Result:
    """Return x with zeros below the diagonal k of its last two axes."""
    return np.triu(to_array(x), k)
