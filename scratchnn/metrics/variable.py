"""Variable: a named array that a metric keeps from batch to batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..arrays import Array, Tensor, as_tensor


class Variable(NDArrayOperatorsMixin):
    """A named array of fixed shape and dtype, which NumPy's functions and operators take.

    Arguments:
        value: what it holds at first; the shape and dtype stay these.
        name: such as 'total'.
        path: such as 'mean/total'; the name alone if not given.

    Attributes:
        value: the array; a NumPy scalar where the shape is (). Every `assign` makes a new one.

    Example:
        >>> total = Variable(np.zeros((), np.float32), name="total")
        >>> total.assign_add(3)
        np.float32(3.0)
        >>> total.shape, total.dtype, (total / 2).numpy()
        ((), dtype('float32'), array(1.5, dtype=float32))
    """

    def __init__(self, value: Any, *, name: str, path: str | None = None) -> None:
        self.name = name
        self.path = path or name
        self.value: Any = np.array(value)[()]
        self.shape: tuple[int, ...] = self.value.shape
        self.dtype: np.dtype[Any] = self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.value.size)

    def numpy(self) -> Any:
        """Return a copy of the value."""
        return np.array(self.value)[()]

    def assign(self, value: Any) -> Any:
        """Hold `value` from now on, in the dtype of the variable; return it.

        Raises:
            ValueError: if its shape differs; the variable is then unchanged.
        """
        if type(value) is self.dtype.type and not self.shape:
            self.value = value
            return value
        array = np.array(value, self.dtype)
        if array.shape != self.shape:
            raise ValueError(
                f"The shape of the value must be that of the variable {self.path!r}: "
                f"expected {self.shape}. Received: {array.shape}."
            )
        self.value = array[()]
        return self.value

    def assign_add(self, value: Any) -> Any:
        """Add `value`; return the sum."""
        return self.assign(self.value + value)

    def assign_sub(self, value: Any) -> Any:
        """Subtract `value`; return the difference."""
        return self.assign(self.value - value)

    def reset(self) -> None:
        """Hold zeros."""
        self.value = np.zeros(self.shape, self.dtype) if self.shape else self.dtype.type()

    def __iadd__(self, value: Any) -> Variable:
        self.assign_add(value)
        return self

    def __isub__(self, value: Any) -> Variable:
        self.assign_sub(value)
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Variable) for x in kwargs.get("out", ())):
            return NotImplemented  # what a variable holds is its own affair: assign it
        values = [x.value if isinstance(x, Variable) else x for x in inputs]
        found = getattr(ufunc, method)(*values, **kwargs)
        return found if isinstance(found, tuple) else as_tensor(found)

    def __getitem__(self, index: Any) -> Tensor:
        return as_tensor(self.value[index])

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={self.value}>"
        )
