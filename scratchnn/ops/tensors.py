"""From what a program passes to arrays, and from arrays to Tensors: what every op does.

An op is a function of arrays, decorated with `op`. Its first lines bring the arguments to the
dtypes that Keras computes in; the rest is NumPy:

    @op
    def divide(x1, x2):
        return np.divide(*common_floats(x1, x2))
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeAlias

import numpy as np
import numpy.typing as npt

from .. import config
from ..arrays import Array, Tensor, as_tensor
from ..dtypes import result_type, standardize_dtype
from ..graph import KerasTensor

P = ParamSpec("P")

ArrayLike: TypeAlias = npt.ArrayLike
DType: TypeAlias = npt.DTypeLike | None
Axis: TypeAlias = int | Sequence[int] | None


Result: TypeAlias = Any
"""What a function decorated with `op` returns: an array or a number, which becomes a Tensor."""


def op(function: Callable[P, Result]) -> Callable[P, Tensor]:
    """Make a function of arrays an op: it returns a Tensor, and never warns of inf or NaN."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        if _symbols(args) or _symbols(kwargs.values()):
            return _symbolic(function.__name__, args, kwargs)  # type: ignore[no-any-return]
        with np.errstate(all="ignore"):
            return as_tensor(function(*args, **kwargs))

    return call


def _symbols(arguments: Iterable[Any]) -> bool:
    """Return whether there is a KerasTensor among arguments, or in a list among them."""
    for argument in arguments:
        if isinstance(argument, KerasTensor):
            return True
        if isinstance(argument, list | tuple) and any(isinstance(x, KerasTensor) for x in argument):
            return True
    return False


def _symbolic(function: str, args: Any, kwargs: Any) -> Any:
    from ..layers.operation import symbolic  # layers use activations, which ops have, too

    return symbolic(function, args, kwargs)


def op_many(function: Callable[P, Result]) -> Callable[P, Any]:
    """The same for a function that may return several arrays, in a tuple or a list."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        if _symbols(args) or _symbols(kwargs.values()):
            return _symbolic(function.__name__, args, kwargs)
        with np.errstate(all="ignore"):
            result = function(*args, **kwargs)
        if isinstance(result, (tuple, list)):
            return type(result)(map(as_tensor, result))
        return as_tensor(result)

    return call


def to_array(x: Any, dtype: DType = None) -> Array:
    """Return `x` as an array; Python's numbers become float32 and int32, as in Keras.

    Arguments:
        x: an array or what is as good as one, a number, or nested lists of them.
        dtype: what to cast to; None keeps that of an array.

    Raises:
        TypeError: for what does not consist of numbers, such as a symbol of a model.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            "An op expected an array of numbers, a number, or lists of them. "
            f"Received: {x!r} of type {type(x).__name__}."
        )
    if dtype is not None:
        return array.astype(standardize_dtype(dtype), copy=False)
    if array.dtype == np.float64 and is_python(x):
        return array.astype(np.float32)
    if array.dtype == np.int64 and is_python(x) and fits(array, np.int32):
        return array.astype(np.int32)
    return array


def is_python(x: Any) -> bool:
    """Return whether `x` is a Python number, or a list that starts with one."""
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
    return not hasattr(x, "dtype") and not hasattr(x, "__array__")


def fits(x: Array, dtype: npt.DTypeLike) -> bool:
    """Return whether all integers `x` are in the range of an integer dtype."""
    limits = np.iinfo(dtype)
    return not x.size or bool(limits.min <= x.min() and x.max() <= limits.max)


def floats(x: Any) -> Array:
    """Return `x` as an array of floats; integers and booleans become `config.floatx()`."""
    array = to_array(x)
    return array.astype(config.floatx()) if array.dtype.kind in "biu" else array


def wide_floats(x: Any) -> Array:
    """The same for the few functions that take int64 to float64."""
    array = to_array(x)
    return array.astype(np.float64) if array.dtype == np.int64 else floats(array)


def without_bools(x: Any) -> Array:
    """Return `x` as an array of numbers; booleans become int32."""
    array = to_array(x)
    return array.astype(np.int32) if array.dtype == np.bool_ else array


def common(*xs: Any, kinds: Sequence[Any] = ()) -> list[Array]:
    """Return the arguments as arrays of one dtype; Python numbers take that of the arrays.

    Arguments:
        *xs: arrays, numbers, lists.
        kinds: further dtypes that take part in the promotion.
    """
    ready = [x if type(x) in (int, float, bool) else to_array(x) for x in xs]
    dtype = result_type(*(getattr(x, "dtype", type(x)) for x in ready), *kinds)
    # An integer that is too large for the dtype is an error here; astype would wrap it around.
    return [
        x.astype(dtype, copy=False) if hasattr(x, "dtype") else np.asarray(x, dtype) for x in ready
    ]


def like(value: Any, x: Array) -> Array:
    """Return `value` in the dtype of x.

    Raises:
        TypeError: for fractions, where x consists of integers.
    """
    array = to_array(value)
    if x.dtype.kind in "iu" and array.dtype.kind == "f" and (array % 1).any():
        raise TypeError(f"Expected whole numbers beside dtype {x.dtype}. Received: {value!r}.")
    return array.astype(x.dtype)


def common_floats(*xs: Any) -> list[Array]:
    """Return the arguments as arrays of one float dtype."""
    return common(*xs, kinds=[float])


def strong(*xs: Any) -> list[Array]:
    """Return the arguments as arrays of one dtype; Python numbers count as float32 and int32."""
    return common(*(to_array(x) for x in xs))


def axes(axis: Axis) -> Any:
    """Return an axis, or several, as NumPy wants it."""
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis
