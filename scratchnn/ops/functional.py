"""Ops that call functions: conditions, loops, maps and scans. They are Python's own, spelled out.

Where a function takes or returns several arrays, they may be in lists, tuples or dicts.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from .core import convert_to_tensor
from .tensors import op_many, to_array

__all__ = [
    "associative_scan",
    "cond",
    "fori_loop",
    "map",
    "scan",
    "switch",
    "vectorize",
    "vectorized_map",
    "while_loop",
]


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return what one function returns if `pred` is true, and what the other returns if not.

    Example:
        >>> cond(np.bool_(True), lambda: 1, lambda: 2)
        1
    """
    return true_fn() if pred else false_fn()


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return what the function number `index` returns for the operands.

    A number before the first or beyond the last stands for that one.

    Example:
        >>> switch(1, [lambda x: x + 1, lambda x: x * 10], 5)
        50
    """
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Call `body` with its own results, as long as `cond` of them is true.

    Arguments:
        cond: takes the variables.
        body: takes the variables and returns the next ones.
        loop_vars: the first ones: one, or a list or tuple.
        maximum_iterations: how many calls at most.

    Returns:
        The last variables, Tensors: one, or a tuple.

    Example:
        >>> while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, 1.0))
        (Tensor(3, dtype=int32), Tensor(8., dtype=float32))
    """
    several = isinstance(loop_vars, (tuple, list))
    state = [convert_to_tensor(x) for x in (loop_vars if several else [loop_vars])]
    calls = 0
    while (maximum_iterations is None or calls < maximum_iterations) and cond(*state):
        found = body(*state)
        # As for a loop of a graph, the dtypes stay.
        state = [
            convert_to_tensor(new, old.dtype)
            for new, old in zip(found if several else [found], state, strict=True)
        ]
        calls += 1
    return tuple(state) if several else state[0]


def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """Call `body_fun(i, value)` with its own results for i from `lower` up to `upper` - 1.

    Example:
        >>> fori_loop(0, 4, lambda i, total: total + i, 0)
        Tensor(6, dtype=int32)
    """
    value = tree.map_structure(convert_to_tensor, init_val)
    for i in range(int(lower), int(upper)):
        value = tree.map_structure(convert_to_tensor, body_fun(i, value))
    return value


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Return f(x) for each slice x of the arrays along their first axis, stacked.

    Arguments:
        f: takes one slice, or the structure of them, and returns arrays.
        xs: an array, or a structure of arrays of one length.

    Raises:
        ValueError: for arrays of length 0, or of different lengths.

    Example:
        >>> map(lambda x: x * x, np.array([1.0, 2.0, 3.0]))
        Tensor([1., 4., 9.])
    """
    return _stack([f(x) for x in _slices(xs)])


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """The same as `map`."""
    return map(function, elements)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple[Any, Any]:
    """Carry a value along an array: carry, y = f(carry, x) for each slice x.

    Arguments:
        f: takes the carry and a slice, and returns the next carry and a result.
        init: the first carry.
        xs: an array, or a structure of them; None for `length` calls with None.
        length: how many calls, where `xs` does not say it.
        reverse: whether to start with the last slice.
        unroll: taken as in Keras; a Python loop is never unrolled.

    Returns:
        The last carry, and the results stacked in the order of the slices.

    Raises:
        ValueError: without `xs` and `length`.

    Example:
        >>> scan(lambda total, x: (total + x, total * x), np.float64(0), np.array([1.0, 2.0, 3.0]))
        (Tensor(6.), Tensor([0., 2., 9.]))
    """
    if xs is None and length is None:
        raise ValueError("scan expected `xs` or `length`. Received: neither.")
    slices = [None] * int(length or 0) if xs is None else _slices(xs)[:length]
    carry, results = tree.map_structure(convert_to_tensor, init), []
    for x in reversed(slices) if reverse else slices:
        carry, y = f(carry, x)
        results.append(y)
    return carry, _stack(results[::-1] if reverse else results)


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Return the results of all slices up to each: y_i = f(y_(i-1), x_i), y_0 = x_0.

    Arguments:
        f: associative; takes two structures of slices, in which the axis has length 1.
        elems: an array, or a structure of them.
        reverse: whether to start with the last slice.
        axis: the axis to slice.

    Example:
        >>> associative_scan(lambda a, b: a + b, np.array([1.0, 2.0, 3.0]))
        Tensor([1., 3., 6.])
    """
    arrays = [to_array(x) for x in tree.flatten(elems)]
    n = arrays[0].shape[axis]
    results: list[Any] = []
    for i in range(n - 1, -1, -1) if reverse else range(n):
        x = tree.pack_sequence_as(elems, [convert_to_tensor(np.take(a, [i], axis)) for a in arrays])
        results.append(f(results[-1], x) if results else x)
    return _join(results[::-1] if reverse else results, lambda *ys: np.concatenate(ys, axis))


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """Return a function of arrays that calls `pyfunc` for each element, or each part of them.

    Arguments:
        pyfunc: takes numbers, or arrays where the signature says so.
        excluded: the numbers and names of arguments that are passed on as they are.
        signature: the axes that `pyfunc` itself takes care of, such as '(n),(n)->()'.

    Raises:
        ValueError: if `pyfunc` is no function.

    Example:
        >>> vectorize(lambda x, y: x + y)([1, 2], 10)
        Tensor([11, 12], dtype=int32)
    """
    if not callable(pyfunc):
        raise ValueError(f"vectorize expected a function. Received: {pyfunc!r}.")
    left_out = set(excluded or ())
    over_elements = np.vectorize(pyfunc, excluded=left_out, signature=signature)

    @op_many
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        arrays = [x if i in left_out else to_array(x) for i, x in enumerate(args)]
        return over_elements(*arrays, **kwargs)

    return vectorized


def _slices(xs: Any) -> list[Any]:
    """Return the structures of the slices along the first axis."""
    arrays = [to_array(x) for x in tree.flatten(xs)]
    rows = zip(*(list(a) for a in arrays), strict=True)
    return [tree.pack_sequence_as(xs, [convert_to_tensor(x) for x in row]) for row in rows]


def _stack(results: list[Any]) -> Any:
    return _join(results, lambda *ys: np.stack([to_array(y) for y in ys]))


def _join(results: list[Any], join: Callable[..., Any]) -> Any:
    """Return one structure of Tensors from many: of each leaf, what `join` makes of them."""
    if not results:
        raise ValueError("Expected arrays of at least one slice. Received: none.")
    leaves = zip(*builtins.map(tree.flatten, results), strict=True)
    return tree.pack_sequence_as(results[0], [convert_to_tensor(join(*ys)) for ys in leaves])
