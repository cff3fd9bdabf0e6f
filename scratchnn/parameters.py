"""Parameters: named arrays with gradients, packed into one flat vector by the ParameterStore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from .arrays import Array

_ALIGNMENT = 64  # bytes: every parameter starts on a cache line


class Parameter:
    """A named array that a layer owns: its value and, if it is trained, its gradient.

    After a model is built, `value` and `grad` are reshaped views into the model's ParameterStore;
    a layer reads and writes them in place and never rebinds them.

    Attributes:
        name: such as 'kernel'.
        path: such as 'sequential/dense/kernel'.
        value: the array.
        grad: the gradient of the loss with respect to it; the same shape.
        trainable: whether the optimizer updates it.
        regularizer, constraint: what the loss adds for it, what each update ends with; or None.

    Example:
        >>> p = Parameter(np.zeros((2, 3), np.float32), name="kernel")
        >>> p.assign(np.ones((2, 3)))
        >>> p.numpy().sum()
        np.float32(6.0)
    """

    def __init__(
        self,
        value: Array,
        *,
        name: str,
        path: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Callable[[Array], Array] | None = None,
    ) -> None:
        self.name = name
        self.path = path or name
        self.value = value
        self.grad = np.zeros_like(value)
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return self.value.dtype

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    def numpy(self) -> Array:
        """Return a copy of the value."""
        return self.value.copy()

    def assign(self, value: Any) -> None:
        """Write `value` into the parameter.

        Raises:
            ValueError: if its shape differs; the parameter is then unchanged.
        """
        array = np.asarray(value)
        if array.shape != self.value.shape:
            raise ValueError(
                f"The shape of the value must be that of the parameter {self.path!r}: "
                f"expected {self.value.shape}. Received: {array.shape}."
            )
        self.value[...] = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Parameter path={self.path}, shape={self.shape}, dtype={self.dtype}>"


def unique(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Return the parameters in order, each once (a shared layer's come up more often)."""
    return list({id(parameter): parameter for parameter in parameters}.values())


class ParameterStore:
    """All weights of a model: trainable values in ONE flat vector, gradients in another.

    The parameters' `value` and `grad` become views into these vectors, one parameter after
    another in the model's order. An optimizer step, a norm or a copy of the whole model is then a
    few operations on one vector. Other weights of the same dtype, such as moving averages, are
    packed into a third vector, `state`.

    Each parameter starts on a cache line; the few elements between them stay zero.

    Arguments:
        trainable: the parameters that form `values`, in order.
        fixed: all others of the model.

    Raises:
        ValueError: if the trainable parameters differ in dtype.
    """

    def __init__(self, trainable: Sequence[Parameter], fixed: Sequence[Parameter] = ()) -> None:
        self.trainable = list(trainable)
        dtypes = {p.dtype for p in self.trainable}
        if len(dtypes) > 1:
            raise ValueError(
                "All trainable weights of a model must have one dtype, for they share one vector. "
                f"Received: {', '.join(f'{p.path} {p.dtype}' for p in self.trainable)}."
            )
        self.dtype = dtypes.pop() if dtypes else np.dtype(np.float32)
        self.fixed = [p for p in fixed if p.dtype == self.dtype]
        self.values, self.slices = _pack(self.trainable, self.dtype)
        self.state, _ = _pack(self.fixed, self.dtype)
        self.grads = np.zeros_like(self.values)
        for parameter, where in zip(self.trainable, self.slices, strict=True):
            parameter.grad = self.grads[where].reshape(parameter.shape)

    def holds_its_parameters(self) -> bool:
        """Return whether the parameters still live here; another model may have packed them."""
        return all(p.value.base is self.values for p in self.trainable)

    def view(self, vector: Array) -> list[Array]:
        """Return a vector laid out like `values` as one reshaped view per parameter."""
        return [
            vector[where].reshape(p.shape)
            for p, where in zip(self.trainable, self.slices, strict=True)
        ]


def _pack(parameters: Sequence[Parameter], dtype: np.dtype[Any]) -> tuple[Array, list[slice]]:
    """Move the parameters' values into one new vector; return it with each one's place."""
    step = _ALIGNMENT // dtype.itemsize
    slices, end = [], 0
    for parameter in parameters:
        start = -(-end // step) * step
        end = start + prod(parameter.shape)
        slices.append(slice(start, end))
    vector = np.zeros(end, dtype)
    for parameter, where in zip(parameters, slices, strict=True):
        vector[where] = parameter.value.ravel()
        parameter.value = vector[where].reshape(parameter.shape)
    return vector, slices
