"""Normalization: numbers with mean 0 and variance 1."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import numpy as np

from ... import config
from ...arrays import Array, Shape
from ...context import Context
from ...utils.py_dataset import PyDataset
from ..base import Layer


class Normalization(Layer):
    """Shift and scale to mean 0 and variance 1: y = (x - mean) / sqrt(variance).

    Both are learned from data by `adapt`, or given. A standard deviation below 1e-7 counts as 1e-7.

    Arguments:
        axis: the axis, or axes, along which each position has a mean and a variance of its own;
            None for one of each for all of the data.
        mean, variance: given instead of learned: numbers, or arrays over the `axis`.
        invert: whether to undo it instead: y = mean + x sqrt(variance).
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...); x of any number dtype. The mean and the variance have the sizes of `axis`.

    Raises:
        ValueError: if only one of mean and variance is given, or both in shapes that differ.

    Example:
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 20.0]])).numpy()
        array([[-1.,  0.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis: tuple[int, ...] = (
            () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        )
        if (mean is None) != (variance is None):
            raise ValueError(
                "Normalization needs both `mean` and `variance`, or neither. "
                f"Received: mean={mean}, variance={variance}."
            )
        if np.shape(mean) != np.shape(variance) or len(np.shape(mean)) > len(self.axis):
            raise ValueError(
                "`mean` and `variance` must have one shape, of no more axes than `axis` names, "
                f"{len(self.axis)}. Received: shapes {np.shape(mean)} and {np.shape(variance)}."
            )
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert

    def build(self, input_shape: Shape) -> None:
        self._set_axes(input_shape)
        if self.input_mean is None:
            shape = tuple(input_shape[axis] for axis in self._kept)
            options: dict[str, Any] = {"shape": shape, "trainable": False}
            self.adapt_mean = self.add_weight(name="mean", initializer="zeros", **options)
            self.adapt_variance = self.add_weight(name="variance", initializer="ones", **options)
            # Keras's files have it, from a time when it counted.
            self.count = self.add_weight(
                name="count", shape=(), dtype="int64", initializer="zeros", trainable=False
            )

    def _set_axes(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"The layer {self.name!r} expected inputs that have the axes {self.axis}. "
                f"Received: shape {input_shape}."
            )
        self._kept = sorted(axis % rank for axis in self.axis)
        self._reduced = tuple(axis for axis in range(rank) if axis not in self._kept)
        if any(input_shape[axis] is None for axis in self._kept):
            raise ValueError(
                f"The layer {self.name!r} expected a known size of the axes {self.axis} of its "
                f"input. Received: shape {input_shape}."
            )
        self._spread = tuple(
            1 if size is None or axis in self._reduced else size
            for axis, size in enumerate(input_shape)
        )

    def check_input(self, shape: Shape) -> None:
        if not self.built:
            return
        if len(shape) != len(self._spread) or any(
            shape[axis] is not None and shape[axis] != self._spread[axis] for axis in self._kept
        ):
            raise ValueError(
                f"The layer {self.name!r} was built for inputs of shape {self.input_shape}. "
                f"Received: shape {shape}."
            )

    @property
    def mean(self) -> Any:
        """The mean, of a shape that spreads over the input; None before the layer is built."""
        return self._over_input(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variance, the same."""
        return self._over_input(self.input_variance, "adapt_variance")

    def _over_input(self, given: Any, learned: str) -> Any:
        if not self.built:
            return None
        if given is None:
            return getattr(self, learned).value.reshape(self._spread)
        value = np.asarray(given, self.dtype)
        shape = [1] * len(self._spread)
        for axis, size in zip(reversed(self._kept), reversed(value.shape), strict=False):
            shape[axis] = size
        return np.broadcast_to(value.reshape(shape), self._spread)

    def adapt(self, data: Any) -> None:
        """Learn the mean and the variance of data.

        Arguments:
            data: an array; or a list of arrays, a dataset, or anything else that yields batches:
                of (x, y), the x count.

        Raises:
            ValueError: if there is none, or it does not fit what the layer was built for.
            TypeError: if it is neither an array nor batches.
        """
        batches = _batches(data)
        first = next(batches, None)
        if first is None:
            raise ValueError("adapt() received no batch at all. Expected one or more.")
        if self.input_mean is not None:
            raise ValueError(
                f"The layer {self.name!r} was made with `mean` and `variance`, so there is "
                "nothing to learn."
            )
        self.ensure_built(first.shape)
        if _is_array(data):
            mean, variance = np.mean(first, self._reduced), np.var(first, self._reduced)
        else:
            mean, variance = self._of_batches(itertools.chain([first], batches))
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _of_batches(self, batches: Iterable[Array]) -> tuple[Array, Array]:
        """Return the mean and variance of all batches from those of each."""
        mean: Any = np.float64(0)
        variance: Any = np.float64(0)
        total = 0
        for batch in batches:
            self.check_input(batch.shape)
            batch = batch.astype(self.dtype)
            own = np.mean(batch, self._reduced, np.float64)
            spread = np.var(batch, self._reduced, np.float64)
            count = prod(batch.shape[axis] for axis in self._reduced)
            total += count
            share = count / total if total else 0.0
            new = mean * (1 - share) + own * share
            variance = (variance + (mean - new) ** 2) * (1 - share)
            variance = variance + (spread + (own - new) ** 2) * share
            mean = new
        return mean, variance

    def forward(self, x: Array, ctx: Context) -> Array:
        mean, deviation = self.mean, self._deviation()
        y = ctx.buffer("y", x.shape)
        if self.invert:
            np.multiply(x, deviation, out=y)
            y += mean
        else:
            np.subtract(x, mean, out=y)
            y /= deviation
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if self.invert:
            dy *= self._deviation()
        else:
            dy /= self._deviation()
        return dy

    def _deviation(self) -> Array:
        least = np.asarray(config.epsilon(), self.dtype)
        return np.asarray(np.maximum(np.sqrt(self.variance), least))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }


def _is_array(data: Any) -> bool:
    return hasattr(data, "__array__")


def _batches(data: Any) -> Iterator[Array]:
    """Yield the arrays in what `adapt` was given, x alone where there are tuples.

    Lists of numbers are an array; lists of arrays are batches.
    """
    if isinstance(data, PyDataset):
        source = data
        data = (source[i] for i in range(source.num_batches or 0))
    elif isinstance(data, list | tuple) and data and not any(map(_is_batch, data)):
        data = [np.asarray(data)]
    elif _is_array(data):
        data = [data]
    elif isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise TypeError(
            "adapt() takes an array, a dataset, or anything that yields batches. "
            f"Received: {data!r} of type {type(data).__name__}."
        )
    for batch in data:
        array = np.asarray(batch[0] if isinstance(batch, tuple) else batch)
        if array.dtype.kind not in "fiub":
            raise ValueError(f"adapt() takes numbers. Received: an array of dtype {array.dtype}.")
        yield array


def _is_batch(item: Any) -> bool:
    return isinstance(item, tuple) or (_is_array(item) and np.ndim(item) > 0)
