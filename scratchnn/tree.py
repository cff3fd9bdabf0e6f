"""Nested structures of lists, tuples and dicts: take them apart, and put them together again.

A leaf is anything else, None included. The entries of a dict come in the order of its keys; an
OrderedDict and a namedtuple keep their own.

Example:
    >>> flatten({"b": [1, (2, 3)], "a": 4})
    [4, 1, 2, 3]
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:  # noqa: N801
    """What a function given to `traverse` returns for None in its place.

    Example:
        >>> traverse(lambda part: MAP_TO_NONE if part == 2 else None, [1, 2])
        [1, None]
    """


def is_nested(structure: Any) -> bool:
    """Return whether `structure` is a list, a tuple or a dict, and no leaf.

    Example:
        >>> is_nested([1]), is_nested(1)
        (True, False)
    """
    return isinstance(structure, (list, tuple, dict, deque))


def _entries(structure: Any) -> list[tuple[Any, Any]]:
    """Return the pairs (key, child) of what is nested."""
    if not isinstance(structure, dict):
        return list(enumerate(structure))
    if isinstance(structure, OrderedDict):
        return list(structure.items())
    return [(key, structure[key]) for key in sorted(structure)]


def _rebuild(structure: Any, children: Iterable[Any]) -> Any:
    """Return a structure of the same kind and keys, with other children."""
    if isinstance(structure, dict):
        keys = [key for key, _ in _entries(structure)]
        found = dict(zip(keys, children, strict=True))
        filled = {key: found[key] for key in structure}
        if isinstance(structure, defaultdict):
            return defaultdict(structure.default_factory, filled)
        return type(structure)(filled)
    if hasattr(structure, "_fields"):  # a namedtuple takes its entries one by one
        return type(structure)(*children)
    return type(structure)(children)


def flatten(structure: Any) -> list[Any]:
    """Return the leaves.

    Arguments:
        structure: nested lists, tuples and dicts.

    Example:
        >>> flatten([1, (2, [3])])
        [1, 2, 3]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the leaves, each with the keys that lead to it.

    Arguments:
        structure: nested lists, tuples and dicts.

    Example:
        >>> flatten_with_path({"a": [5, 6]})
        [(('a', 0), 5), (('a', 1), 6)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in _entries(structure)
        for path, leaf in flatten_with_path(child)
    ]


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """Return a structure like the given one with other leaves.

    Arguments:
        structure: the given one.
        flat_sequence: the leaves, in the order of `flatten`.

    Raises:
        ValueError: if their number differs.

    Example:
        >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
        {'a': 1, 'b': (2, 3)}
    """
    size = len(flatten(structure))
    if len(flat_sequence) != size:
        raise ValueError(f"Expected {size} leaves. Received: {len(flat_sequence)}.")
    leaves = iter(flat_sequence)
    return map_structure(lambda _: next(leaves), structure)


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Return the structure of what `func` returns for each leaf, or for the leaves side by side.

    Arguments:
        func: takes as many arguments as there are structures.
        *structures: at least one, all alike.
        none_is_leaf: whether None is given to `func`; if not, it stays as it is.

    Raises:
        ValueError: if the structures differ, or there is none.

    Example:
        >>> map_structure(lambda x, y: x + y, [1, (2, 3)], [10, (20, 30)])
        [11, (22, 33)]
    """
    if not structures:
        raise ValueError("map_structure expected at least one structure. Received: none.")
    first = structures[0]
    if not any(map(is_nested, structures)):
        return None if first is None and not none_is_leaf else func(*structures)
    _check_alike(structures)
    children = zip(*([child for _, child in _entries(s)] for s in structures), strict=True)
    return _rebuild(first, [map_structure(func, *c, none_is_leaf=none_is_leaf) for c in children])


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Return the structure of what `func` returns for what stands where `shallow_structure` ends.

    Raises:
        ValueError: if a structure is not at least as deep, or there is none.

    Example:
        >>> map_structure_up_to([0, 0], len, [[1, 2], [3]])
        [2, 1]
    """
    if not structures:
        raise ValueError("map_structure_up_to expected at least one structure. Received: none.")
    if not is_nested(shallow_structure):
        return func(*structures)
    _check_alike((shallow_structure, *structures))
    children = [[child for _, child in _entries(s)] for s in (shallow_structure, *structures)]
    mapped = [map_structure_up_to(c[0], func, *c[1:]) for c in zip(*children, strict=True)]
    return _rebuild(shallow_structure, mapped)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Return the structure of what `func` returns for each shape, a list or tuple of sizes.

    Example:
        >>> map_shape_structure(len, {"a": (None, 3), "b": (2,)})
        {'a': 2, 'b': 1}
    """
    if _is_shape(structure) or not is_nested(structure):
        return func(structure)
    children = [child for _, child in _entries(structure)]
    return _rebuild(structure, [map_shape_structure(func, child) for child in children])


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(size is None or isinstance(size, int) for size in x)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Return the structure with each part that `func` has something for replaced by it.

    Arguments:
        func: called with the structure, its parts and its leaves; where it returns None the part
            stays, where it returns `MAP_TO_NONE` there will be None.
        structure: any.
        top_down: whether a part comes before those within it, which stay uncalled where it is
            replaced; or after them.

    Example:
        >>> traverse(lambda x: sum(x) if isinstance(x, tuple) else None, [(1, 2), 3])
        [3, 3]
    """

    def within() -> Any:
        if not is_nested(structure):
            return structure
        parts = [traverse(func, child, top_down) for _, child in _entries(structure)]
        return _rebuild(structure, parts)

    kept = structure if top_down else within()
    found = func(kept)
    if found is None:
        return within() if top_down else kept
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """Return the structure with tuples for lists.

    Example:
        >>> lists_to_tuples([1, [2, {"a": [3]}]])
        (1, (2, {'a': (3,)}))
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Check that two structures differ in their leaves alone.

    Arguments:
        a, b: the structures.
        check_types: of older versions; their kinds are always compared.

    Raises:
        ValueError: if they differ in more.

    Example:
        >>> assert_same_structure([1, (2, 3)], [4, (5, 6)])
    """
    map_structure(lambda *_: None, a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Check that the same keys lead to the leaves of two structures, whatever their kinds.

    Arguments:
        a, b: the two structures.

    Raises:
        ValueError: if a path leads to a leaf in one of them alone.

    Example:
        >>> assert_same_paths([1, (2, 3)], (4, [5, 6]))
    """
    paths, others = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if paths != others:
        raise ValueError(
            f"Expected the same paths in both. Received: {sorted(paths - others, key=repr)} in "
            f"the first alone, {sorted(others - paths, key=repr)} in the second alone."
        )


def _check_alike(structures: Sequence[Any]) -> None:
    """Raise the error for structures whose kinds or keys differ at the top."""
    kinds = {
        (_kind(s), tuple(key for key, _ in _entries(s))) if is_nested(s) else None
        for s in structures
    }
    if len(kinds) > 1:
        raise ValueError(f"Expected structures that are alike. Received: {list(structures)}.")


def _kind(structure: Any) -> type:
    """Return the type that a structure must share with others; all dicts are alike."""
    return dict if isinstance(structure, dict) else type(structure)
