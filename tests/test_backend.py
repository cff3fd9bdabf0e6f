"""Dtype names and promotion, unique names, nested structures, and refusals."""

from __future__ import annotations

import itertools
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnn
from scratchnn import backend, config, dtypes, naming, tree
from scratchnn.refusals import refuse

# --- dtypes


@pytest.mark.parametrize(
    ("given_dtype", "name"),
    [
        *((None, "float32"), (float, "float32"), (int, "int64"), (bool, "bool"), ("int", "int64")),
        *((np.float64, "float64"), (np.dtype("uint8"), "uint8"), (complex, "complex128")),
        *(("float16", "float16"), (np.int8, "int8"), (np.dtype(bool), "bool")),
    ],
)
def test_standardize_dtype(given_dtype, name):
    assert backend.standardize_dtype(given_dtype) == name


@pytest.mark.parametrize("dtype", ["bfloat16", "string", "float", "float8_e5m2", list, object])
def test_standardize_dtype_refuses(dtype):
    with pytest.raises(ValueError, match=r"dtype must be one of bool, .*Received"):
        backend.standardize_dtype(dtype)


def test_kinds_of_dtypes():
    assert [d for d in dtypes.DTYPES if backend.is_float_dtype(d)] == [
        *("float16", "float32", "float64")
    ]
    assert [d for d in dtypes.DTYPES if backend.is_int_dtype(d)] == [
        *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
    ]


@pytest.mark.parametrize(
    ("kinds", "result"),
    [
        *(((), "float32"), ((None,), "float32"), ((int,), "int32"), ((float,), "float32")),
        *((("bool", int), "int32"), (("int8", int), "int8"), (("int32", float), "float32")),
        *(
            (("uint8", "int8"), "int16"),
            (("uint32", "int32"), "int64"),
            (("int64", "float16"), "float16"),
        ),
        *((("float64", float), "float64"), (("float32", "float64"), "float64")),
        *(
            (("uint64",), "uint32"),
            (("complex64", "float32"), "complex64"),
            ((bool, "bool"), "bool"),
        ),
        ((np.dtype("float64"), np.dtype("int8")), "float64"),
    ],
)
def test_result_type(kinds, result):
    assert backend.result_type(*kinds) == result


def test_python_numbers_follow_floatx():
    config.set_floatx("float64")
    assert backend.result_type() == backend.result_type("int32", float) == "float64"
    assert backend.result_type(int) == "int64"
    assert backend.result_type("float32", float) == "float32"


KINDS = st.sampled_from([*dtypes.DTYPES, int, float, bool])


@given(st.lists(KINDS, min_size=1, max_size=4))
def test_promotion_does_not_depend_on_the_order(kinds):
    expected = backend.result_type(*kinds)
    assert {backend.result_type(*some) for some in itertools.permutations(kinds)} == {expected}
    assert expected in dtypes.DTYPES


# --- names and symbols


def test_get_uid_counts_with_the_automatic_names():
    naming.reset_names()
    assert naming.auto_name("dense") == "dense"
    assert backend.get_uid("dense") == 2
    assert naming.auto_name("dense") == "dense_2"
    assert backend.get_uid("max_pooling2d_1") == 1
    assert backend.get_uid() == 1
    backend.clear_session()
    assert backend.get_uid("dense") == 1


def test_is_keras_tensor():
    assert backend.is_keras_tensor(scratchnn.Input((2,)))
    for other in (np.ones(2), 1.0, scratchnn.layers.Dense(1)):
        assert not backend.is_keras_tensor(other)


def test_public_names():
    for name in backend.__all__:
        assert getattr(backend, name).__doc__
    assert backend.floatx is config.floatx
    assert scratchnn.utils.clear_session is backend.clear_session


# --- nested structures

Point = namedtuple("Point", "x y")
STRUCTURE = {"b": [1, (2, None)], "a": Point(3, {"z": 4}), "c": []}


def test_flatten_and_pack():
    assert tree.flatten(STRUCTURE) == [3, 4, 1, 2, None]
    packed = tree.pack_sequence_as(STRUCTURE, [10, 20, 30, 40, 50])
    assert packed == {"a": Point(10, {"z": 20}), "b": [30, (40, 50)], "c": []}
    assert isinstance(packed["a"], Point)
    assert tree.flatten(7) == [7]
    assert tree.pack_sequence_as(7, [8]) == 8
    assert tree.flatten(np.arange(3))[0].tolist() == [0, 1, 2]
    assert tree.flatten(OrderedDict(b=1, a=2)) == [1, 2]
    with pytest.raises(ValueError, match=r"Expected 5 leaves. Received: 1"):
        tree.pack_sequence_as(STRUCTURE, [1])


def test_kinds_are_kept():
    doubled = tree.map_structure(lambda x: 2 * x, defaultdict(int, a=1))
    assert isinstance(doubled, defaultdict)
    assert doubled["missing"] == 0
    assert isinstance(tree.map_structure(str, OrderedDict(b=1)), OrderedDict)


def test_map_structure():
    assert tree.map_structure(lambda x, y: x - y, [5, (6,)], [1, (2,)]) == [4, (4,)]
    assert tree.map_structure(lambda x: x, [1, None]) == [1, None]
    assert tree.map_structure(lambda x: x + 1, [1, None], none_is_leaf=False) == [2, None]
    for structures in ([[1], (1,)], [[1], [1, 2]], [{"a": 1}, {"b": 1}], [[1], 1]):
        with pytest.raises(ValueError, match="structures that are alike"):
            tree.map_structure(lambda *_: None, *structures)
    with pytest.raises(ValueError, match="at least one structure"):
        tree.map_structure(lambda: None)


def test_map_structure_up_to():
    assert tree.map_structure_up_to([0, 0], lambda a, b: (a, b), [[1], 2], [3, (4,)]) == [
        ([1], 3),
        (2, (4,)),
    ]
    with pytest.raises(ValueError, match="alike"):
        tree.map_structure_up_to([0, 0], len, [[1]])
    with pytest.raises(ValueError, match="at least one"):
        tree.map_structure_up_to([0], len)


def test_shapes_are_leaves():
    shapes = {"a": (None, 2), "b": [(3,), [4, 5]]}
    assert tree.map_shape_structure(tuple, shapes) == {"a": (None, 2), "b": [(3,), (4, 5)]}


def test_traverse():
    seen = []
    assert tree.traverse(seen.append, [1, (2,)]) == [1, (2,)]
    assert seen == [[1, (2,)], 1, (2,), 2]
    seen.clear()
    tree.traverse(seen.append, [1, (2,)], top_down=False)
    assert seen == [1, 2, (2,), [1, (2,)]]
    drop = lambda x: tree.MAP_TO_NONE if x == 2 else None  # noqa: E731
    assert tree.traverse(drop, [1, 2]) == [1, None]
    assert tree.lists_to_tuples({"a": [1, [2]]}) == {"a": (1, (2,))}


def test_comparisons():
    tree.assert_same_structure([1, {"a": 2}], [3, {"a": 4}])
    tree.assert_same_paths([1, {"a": 2}], (3, {"a": 4}))
    with pytest.raises(ValueError, match="alike"):
        tree.assert_same_structure([1], (1,))
    with pytest.raises(ValueError, match=r"same paths.*\(1,\).* in the first alone"):
        tree.assert_same_paths([1, 2], [1])
    assert [tree.is_nested(x) for x in ((), {}, "ab", None)] == [True, True, False, False]


# --- refusals


def test_refusals():
    lookup = refuse("zoo", {"Unicorn": "there is none"}, ["Horse"])
    with pytest.raises(
        NotImplementedError, match=r"^zoo.Unicorn is not supported, because there is"
    ):
        lookup("Unicorn")
    with pytest.raises(AttributeError, match=r"^module 'zoo' has no attribute 'x'.$"):
        lookup("x")
    with pytest.raises(AttributeError, match="Did you mean 'Horse'"):
        lookup("horse")
    with pytest.raises(AttributeError, match=r"no attribute '__wrapped__'.$"):
        lookup("__wrapped__")
