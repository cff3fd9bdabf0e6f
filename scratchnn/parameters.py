"""Parameters: named arrays with gradients, packed into one flat vector by the ParameterStore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from .arrays import Array
from .occurrences import Occurrences

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
        by_rows: whether a layer looks up its rows, and assigns `grad` by `assign_rows`.
        occurrences: what the layer assigned so, for optimizers; None where `grad` is a gradient
            like any other. Who adds to `grad` calls `make_dense`.

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
        self._zero_except: Array | None = None
        self._unwritten: Occurrences | None = None
        self.grad = np.zeros_like(value)
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.by_rows = False
        self.occurrences: Occurrences | None = None

    def __getstate__(self) -> dict[str, Any]:
        # What one backward pass left for the optimizer, and the buffers it is in, stay here.
        self.write_rows()
        return {**vars(self), "occurrences": None, "_zero_except": None}

    @property
    def grad(self) -> Array:
        """The gradient of the loss with respect to the value."""
        self.write_rows()
        self._zero_except = None  # whoever asks for it may write to it
        return self._grad

    @grad.setter
    def grad(self, grad: Array) -> None:
        self._grad = grad
        self._zero_except = self._unwritten = None

    def assign_rows(self, occurrences: Occurrences) -> None:
        """Assign the gradient: sums of slices in some rows, zeros in all others.

        It is written when somebody asks for `grad`, and never if only an optimizer does that works
        from the occurrences.
        """
        _ = occurrences.sums  # now, while the slices are there
        self.occurrences = self._unwritten = occurrences

    def write_rows(self) -> None:
        """Write what `assign_rows` assigned, for who reads the store's vector of gradients.

        A large table is not zeroed each time, but only where the last gradient was not zero.
        """
        found = self._unwritten
        if found is None:
            return
        if self._zero_except is None:
            self._grad.fill(0)
        else:
            self._grad[self._zero_except] = 0
        self._grad[found.rows] = found.sums
        self._zero_except, self._unwritten = found.rows, None

    @property
    def has_only_rows(self) -> bool:
        """Whether the gradient is what `assign_rows` assigned: nobody took it since."""
        return self._unwritten is not None

    def make_dense(self) -> None:
        """Note that something else than the layer wrote to the gradient."""
        self._zero_except = self._unwritten = self.occurrences = None

    def add_gradient(self, grad: Array, occurrences: Occurrences | None) -> None:
        """Add the gradient of another use of the parameter, and join their occurrences."""
        own = self.occurrences
        if own is not None and occurrences is not None:
            self.assign_rows(own.joined(occurrences))
        else:
            self.grad += grad
            self.occurrences = None

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
