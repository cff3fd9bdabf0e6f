"""Hashing and HashedCrossing: categories as the bins that a hash function puts them into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import Array, Shape
from ...context import Context
from ...strings import STRING, are_strings, as_strings
from ..base import Layer
from ..configs import dtype_config
from ..core import positive_int
from . import fingerprints
from .preparation import Preparation, encode, encoded_shape, output_mode, refuse_sparse

_MODES = ("int", "one_hot", "multi_hot", "count")

_CROSSING_KEY = 0xDECAFCAFFE
"""What TensorFlow's fingerprints of several values begin with."""


class Hashing(Preparation):
    """Put each value into one of B bins: y = h(x) mod B, where h is a hash function.

    There is no vocabulary to learn or to store; values that share a bin are one to the model.
    Numbers are hashed as what they are written as, floats without their fraction.

    Arguments:
        num_bins: B, the number of bins.
        mask_value: a value whose bin is 0, and nothing else's.
        salt: a number, or two, that change the hash function: to SipHash, from FarmHash.
        output_mode: 'int' for the bin's number, or as for CategoryEncoding.
        sparse: not supported.
        **kwargs: the arguments of every Layer; `dtype` is 'int64', or 'int32', for 'int'.

    Shape:
        x (N, T), strings or numbers; y (N, T) int64, or a float encoding as CategoryEncoding
        makes it.

    Raises:
        ValueError: for another number of bins, salt, mode or dtype.

    Example:
        >>> Hashing(num_bins=3)(["A", "B", "C", "D", "E"]).numpy()
        array([1, 0, 1, 1, 2])

    Reference: Weinberger and others, 2009, Feature Hashing for Large Scale Multitask Learning.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        dtype = kwargs.pop("dtype", None)
        self.output_mode = _mode(output_mode)
        refuse_sparse("Hashing", sparse)
        super().__init__(**kwargs, dtype=None if self.output_mode == "int" else dtype)
        if self.output_mode == "int":
            self.dtype = _whole_dtype(self, dtype)
        self.num_bins = positive_int(self, "num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = as_salt("Hashing", salt)

    def cast(self, x: Array) -> Array:
        x = super().cast(x)
        if (
            self.mask_value is not None
            and x.size
            and isinstance(self.mask_value, str | bytes) != (are_strings(x))
        ):
            raise ValueError(
                f"The layer {self.name!r} was made for values like mask_value="
                f"{self.mask_value!r}. Received: an array of dtype {x.dtype}."
            )
        return x

    def forward(self, x: Array, ctx: Context) -> Array:
        reserved = self.mask_value is not None and self.num_bins > 1
        bins = hashed(x, self.num_bins - reserved, self.salt)
        if reserved:
            bins += 1
            bins[self._is_mask(x)] = 0
        if self.output_mode == "int":
            y = ctx.buffer("y", x.shape)
            y[...] = bins
            return y
        return encode(bins, self.output_mode, self.num_bins, lambda s: ctx.buffer("y", s))

    def _is_mask(self, x: Array) -> Array:
        value = self.mask_value
        if isinstance(value, str):
            value = value.encode()
        return np.asarray(x == value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape: Shape = encoded_shape(input_shape, self.output_mode, self.num_bins)
        return shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.dtype

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dtype": dtype_config(self.dtype),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": False,
        }


class HashedCrossing(Preparation):
    """Put each combination of several categories into one of B bins: y = h(x1, x2, ...) mod B.

    Arguments:
        num_bins: B, the number of bins.
        output_mode: 'int' for the bin's number, or 'one_hot'.
        sparse: not supported.
        name: the layer's name.
        dtype: of the output: 'int64' for 'int', a float dtype for 'one_hot'.

    Shape:
        x a list of (N,) or (N, 1), strings or whole numbers; y the same, int64, or (N, B).

    Raises:
        ValueError: for fewer than two inputs, or inputs of other shapes or of floats.

    Example:
        >>> HashedCrossing(num_bins=5)((["A", "B"], [101, 102])).numpy()
        array([1, 1])

    Reference: Cheng and others, 2016, Wide & Deep Learning for Recommender Systems.
    """

    takes_several = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        mode = _crossing_mode(output_mode)
        refuse_sparse("HashedCrossing", sparse)
        kwargs.pop("trainable", None)
        super().__init__(name=name, dtype=None if mode == "int" else dtype, **kwargs)
        self.output_mode = mode
        if mode == "int":
            self.dtype = _whole_dtype(self, dtype)
        self.num_bins = positive_int(self, "num_bins", num_bins)

    def check_input(self, shape: Any) -> None:
        several = isinstance(shape, list | tuple) and all(
            isinstance(s, tuple | list) for s in shape
        )
        if not several or len(shape) < 2:
            raise ValueError(
                f"The layer {self.name!r} expected a list of two inputs or more. Received: {shape}."
            )
        first = tuple(shape[0])
        if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
            raise ValueError(
                f"The layer {self.name!r} expected inputs of shape (N,) or (N, 1). "
                f"Received: {list(shape)}."
            )
        if any(tuple(other) != first for other in shape[1:]):
            raise ValueError(
                f"The layer {self.name!r} expected inputs of one shape. Received: {list(shape)}."
            )

    def check_dtypes(self, dtypes: Sequence[str]) -> None:
        for dtype in dtypes:
            if dtype != STRING and np.dtype(dtype).kind not in "iu":
                raise ValueError(
                    f"The layer {self.name!r} expected strings or whole numbers. "
                    f"Received: inputs of dtypes {list(dtypes)}."
                )

    def cast(self, x: Array) -> Array:
        x = super().cast(x)
        self.check_dtypes([STRING if x.dtype.kind == "O" else x.dtype.name])
        return x

    def forward(self, x: Any, ctx: Context) -> Array:
        whole = np.full(x[0].size, _CROSSING_KEY, np.uint64)
        for part in x:
            if part.dtype.kind == "O":
                words = fingerprints.farm_fingerprints(part.ravel().tolist())
            else:
                words = part.ravel().astype(np.int64).view(np.uint64)
            whole = fingerprints.concatenated(whole, words)
        bins = (whole % np.uint64(self.num_bins)).astype(np.int64).reshape(x[0].shape)
        if self.output_mode == "int":
            return bins.astype(self.dtype)
        return encode(bins, self.output_mode, self.num_bins, lambda s: ctx.buffer("y", s))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self.check_input(input_shape)
        shape: Shape = encoded_shape(input_shape[0], self.output_mode, self.num_bins)
        return shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self.dtype,
        }


def hashed(x: Array, bins: int, salt: list[int] | None) -> Array:
    """Return the bin, int64, of each string or number."""
    if x.dtype.kind == "O":
        strings = as_strings(x).ravel().tolist()
    elif x.dtype.kind == "b":
        strings = [b"true" if value else b"false" for value in x.ravel().tolist()]
    else:
        if x.dtype.kind == "f":
            x = x.astype(np.int64)
        strings = [b"%d" % value for value in x.ravel().tolist()]
    if salt is None:
        found = fingerprints.farm_fingerprints(strings)
    else:
        found = fingerprints.sip_hashes(strings, salt)
    return (found % np.uint64(bins)).astype(np.int64).reshape(x.shape)


def as_salt(layer: str, salt: Any) -> list[int] | None:
    """Return a salt as two numbers; None if there is none."""
    if salt is None:
        return None
    if isinstance(salt, int):
        return [salt, salt]
    if isinstance(salt, tuple | list) and len(salt) == 2:
        return list(salt)
    raise ValueError(
        f"{layer} expected a whole number, or two, for `salt`. Received: salt={salt!r}."
    )


def _mode(value: Any) -> str:
    return output_mode("Hashing", value, _MODES)


def _crossing_mode(value: Any) -> str:
    return output_mode("HashedCrossing", value, ("int", "one_hot"))


def _whole_dtype(layer: Layer, dtype: Any) -> str:
    name = "int64" if dtype is None else dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in ("int32", "int64"):
        raise ValueError(
            f"{type(layer).__name__} with output_mode='int' expected the dtype 'int32' or "
            f"'int64'. Received: dtype={dtype!r}."
        )
    return name
