"""What the layers that turn categories into numbers share: no gradient, and forms of output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ... import naming
from ...arrays import Array, Shape
from ...context import Context
from ...strings import STRING, are_strings
from ..base import Layer

DROPPED = np.iinfo(np.int64).max
"""An index beyond any depth: nothing stands for it in an encoding."""

_OLDER = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Names of output modes in older programs."""


class Preparation(Layer):
    """The base of layers whose output is made of whole numbers or strings: nothing goes back."""

    casts_integers = False
    takes_strings = True

    wants_strings: bool | None = None
    """Whether inputs must be strings, or must not be; None if they may be either."""

    def casts(self, dtype: np.dtype[Any]) -> bool:
        return False

    def cast(self, x: Array) -> Array:
        x = super().cast(x)
        if x.size:
            self._check_kind(are_strings(x), f"an array of dtype {x.dtype}")
        return x

    def check_dtypes(self, dtypes: Sequence[str]) -> None:
        for dtype in dtypes:
            self._check_kind(dtype == STRING, f"an input of dtype {dtype!r}")

    def _check_kind(self, strings: bool, received: str) -> None:
        if self.wants_strings is not None and strings != self.wants_strings:
            raise ValueError(
                f"The layer {self.name!r} expected {'strings' if self.wants_strings else 'numbers'}"
                f". Received: {'strings' if strings else received}."
            )

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return None


def output_mode(layer: str, value: Any, modes: Sequence[str]) -> str:
    """Return the name of an output mode, one of `modes`.

    Raises:
        ValueError: if it is none of them.
    """
    return str(one_of(layer, "output_mode", _OLDER.get(value, value), modes))


def one_of(layer: str, argument: str, value: Any, names: Sequence[Any]) -> Any:
    """Return `value`, one of these names; raise a ValueError if it is another."""
    if value not in names:
        known = [name for name in names if isinstance(name, str)]
        near = naming.nearest(value, known) if isinstance(value, str) else ""
        raise ValueError(
            f"{layer} expected one of {list(names)} for `{argument}`. "
            f"Received: {argument}={value!r}.{near}"
        )
    return value


def refuse_sparse(layer: str, sparse: Any, ragged: Any = False) -> None:
    """Raise a ValueError where Keras would return a sparse or ragged tensor."""
    for argument, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise ValueError(
                f"{layer} does not support {argument}=True: outputs are dense arrays. Leave it "
                f"out. Received: {argument}={value!r}."
            )


def batches_of(data: Any, steps: int | None, lists_are_batches: bool = False) -> Iterator[Any]:
    """Yield the batches that a layer adapts to: an array, or lists, is one.

    Arguments:
        data: an array, a list, a dataset, or anything that yields batches.
        steps: the number of batches to take; all if None.
        lists_are_batches: whether a list holds batches.

    Raises:
        ValueError: for `steps` beside an array, and for batches that are (x, y).
        TypeError: for what can be none of these.
    """
    one = (list, tuple) if not lists_are_batches else ()
    if isinstance(data, str | bytes) or hasattr(data, "__array__") or isinstance(data, one):
        if steps is not None:
            raise ValueError(f"`steps` is for data that comes in batches. Received: steps={steps}.")
        yield data
        return
    if not isinstance(data, Iterable):
        raise TypeError(
            "adapt() takes an array, a list, a dataset, or anything that yields batches. "
            f"Received: {data!r} of type {type(data).__name__}."
        )
    for batch in islice(data, steps):
        if isinstance(batch, tuple):
            raise ValueError(
                "adapt() takes the inputs alone. Received: batches that are tuples, such as (x, y);"
                " give dataset.map(lambda x, y: x)."
            )
        yield batch


# Encodings ---------------------------------------------------------------------------------------


def encode(indices: Array, mode: str, depth: int, out: Any, weights: Array | None = None) -> Array:
    """Return an encoding of indices: a place for each of the numbers below `depth`.

    Arguments:
        indices: whole numbers of any shape.
        mode: 'one_hot': each index is 1 at its place; 'multi_hot': all of a sample's are;
            'count': how often each comes.
        depth: the size of the new last axis; larger indices are left out.
        out: returns an array to write to, of a shape.
        weights: what each index counts, for 'count'.

    Raises:
        ValueError: for a negative index among those of a sample.
    """
    indices = np.asarray(indices).astype(np.int64, copy=False)
    shape = encoded_shape(indices.shape, mode, depth)
    assert shape is not None
    y: Array = out(shape)
    y.fill(0)
    if mode == "one_hot":
        flat = indices.reshape(-1, 1)
    elif indices.ndim > 2:  # what is a sample lies along axis 1
        flat = np.moveaxis(indices, 1, -1).reshape(-1, indices.shape[1])
        weights = None if weights is None else np.moveaxis(weights, 1, -1).reshape(flat.shape)
    else:
        flat = np.atleast_2d(indices)
        if flat.size and flat.min() < 0:
            raise ValueError(
                f"Indices to encode must not be negative. Received: {flat.min()} among them."
            )
        weights = None if weights is None else weights.reshape(flat.shape)
    rows = np.arange(len(flat))[:, np.newaxis]
    known = (flat >= 0) & (flat < depth)
    places = (rows * depth + flat)[known]
    target = y.reshape(-1)
    if mode == "count":
        each = None if weights is None else weights[known]
        target[...] = np.bincount(places, each, target.size)
    else:
        target[places] = 1
    return y


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Any:
    """Return the shape of the encoding of indices of a shape."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        kept = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)
        return (*kept, depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)
