"""Ops without TensorFlow: Keras's numbers for each, dtypes, errors, and what Keras gets wrong.

The numbers in data/ops_vectors.json were made by Keras 3.15.1 on TensorFlow 2.21.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import scratchnn
from scratchnn import config, ops
from scratchnn.arrays import Tensor

VECTORS = json.loads((Path(__file__).parent / "data" / "ops_vectors.json").read_text())
CALLED_WITH_FUNCTIONS = {
    *("cond", "switch", "while_loop", "fori_loop", "map", "vectorized_map", "scan"),
    *("associative_scan", "vectorize"),
}
NAN, INF = np.nan, np.inf


def decode(x: Any) -> Any:
    """Return an argument or a result of the vectors."""
    if isinstance(x, list):
        return [decode(item) for item in x]
    if not isinstance(x, dict):
        return x
    if "tuple" in x:
        return tuple(decode(x["tuple"]))
    if "slice" in x:
        return slice(*x["slice"])
    if "real" in x:
        return (np.array(x["real"]) + 1j * np.array(x["imag"])).astype(x["dtype"])
    return np.array(x["values"], x["dtype"])


def same(found: Any, expected: Any, what: str = "") -> None:
    """Check a result, or several of them: type, dtype, shape, and values but for rounding."""
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected), what
        for a, b in zip(found, expected, strict=True):
            same(a, b, what)
        return
    expected = np.asarray(expected)
    assert isinstance(found, Tensor), what
    assert found.dtype == expected.dtype, what
    tolerance = 2e-5 if expected.dtype.kind in "fc" else 0
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance, err_msg=what, strict=True
    )


# --- the numbers of Keras


@pytest.mark.parametrize("name", VECTORS)
def test_the_numbers_of_keras(name):
    for call in VECTORS[name]:
        arguments = decode(call["args"])
        before = json.dumps(call["args"])
        same(getattr(ops, name)(*arguments), decode(call["result"]), f"{name}{arguments}")
        for argument, original in zip(arguments, decode(json.loads(before)), strict=True):
            if isinstance(argument, np.ndarray):
                np.testing.assert_array_equal(argument, original)  # nothing is written to it


def test_each_op_is_tested():
    decompositions = {"svd", "qr", "eig", "eigh"}
    not_tensors = {"dtype", "is_tensor", "convert_to_numpy", "shape", "ndim"}
    parts = {"numpy", "nn", "linalg", "image"}
    tested = set(VECTORS) | CALLED_WITH_FUNCTIONS | decompositions | not_tensors | parts
    assert tested == set(ops.__all__)


def test_results_that_are_no_tensors():
    x = np.ones((2, 3), np.int8)
    assert (ops.ndim(x), ops.shape(x), ops.dtype(x)) == (2, (2, 3), "int8")
    assert ops.shape(3.5) == ()
    assert type(ops.convert_to_numpy(ops.ones(2))) is np.ndarray
    assert not np.shares_memory(ops.convert_to_numpy(x), x)
    assert [ops.is_tensor(a) for a in (ops.ones(2), np.ones(2), [1.0])] == [True, False, False]


def test_decompositions():
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    for full in (False, True):
        u, s, vt = ops.svd(x, full_matrices=full)
        np.testing.assert_allclose(u[..., :3] * s[:, None] @ vt, x, atol=1e-5)
    np.testing.assert_allclose(ops.svd(x, compute_uv=False), s, rtol=1e-5)
    q, r = ops.qr(x, mode="complete")
    assert q.shape == (2, 4, 4)
    np.testing.assert_allclose(q @ r, x, atol=1e-5)
    symmetric = x.swapaxes(1, 2) @ x
    values, vectors = ops.eigh(symmetric)
    np.testing.assert_allclose(
        vectors * values[:, None] @ vectors.swapaxes(1, 2), symmetric, atol=1e-4
    )
    values, vectors = ops.eig(x[0, :3])
    assert values.dtype == vectors.dtype == np.complex64
    np.testing.assert_allclose(x[0, :3] @ vectors, vectors * values, atol=1e-5)
    lu, p = ops.lu_factor(x[0, :3])
    product = (np.tril(lu, -1) + np.eye(3)) @ np.triu(lu)
    np.testing.assert_allclose(product[p], x[0, :3], atol=1e-6)


# --- arguments


def test_python_numbers():
    assert ops.array(1).dtype == np.int32
    assert ops.array(1.5).dtype == np.float32
    assert ops.array([True]).dtype == np.bool_
    assert ops.array([]).dtype == np.float32
    assert ops.array(2**40).dtype == np.int64
    assert ops.array([[1, 2], [3, 4]]).dtype == np.int32
    assert ops.array([np.float64(1), 2.0]).dtype == np.float64
    assert ops.array([np.ones(2), np.ones(2)]).dtype == np.float64
    assert ops.array((ops.ones(2), ops.zeros(2))).shape == (2, 2)


def test_other_arrays():
    parameter = scratchnn.layers.Dense(2)
    parameter.build((None, 3))
    assert ops.sum(parameter.bias).item() == 0
    assert ops.exp(memoryview(np.zeros(2))).tolist() == [1.0, 1.0]
    assert ops.add(np.float16(1), 1).dtype == np.float16


@pytest.mark.parametrize("x", ["text", ["a", "b"], None, object(), {"a": 1}])
def test_what_is_not_made_of_numbers(x):
    with pytest.raises(TypeError, match=r"expected an array of numbers.*Received"):
        ops.exp(x)
    with pytest.raises(TypeError, match="expected an array of numbers"):
        ops.add(x, 1)


def test_symbols_are_refused_where_no_gradient_is_known():
    with pytest.raises(ValueError, match=r"ops\.sort was called on a KerasTensor"):
        ops.sort(scratchnn.Input((3,)))


def test_results_share_no_memory_where_that_would_surprise():
    x = np.zeros((2, 2))
    for y in (ops.copy(x), ops.broadcast_to(x, (2, 2)), ops.diagonal(x), ops.full((2,), x[0])):
        y += 1
        assert not x.any()


SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1e38, -1e38], np.float32)
ONE_ARGUMENT = [
    name
    for name, calls in VECTORS.items()
    if len(calls[0]["args"]) == 1 and getattr(decode(calls[0]["args"][0]), "shape", ()) == (2, 3)
]


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_infinities_bring_no_warning(name):
    """Warnings are errors in these tests."""
    getattr(ops, name)(np.tile(SPECIAL, (2, 2)))


@given(
    hnp.arrays(np.float32, hnp.array_shapes(max_dims=3), elements=st.floats(-100, 100, width=32)),
    st.booleans(),
)
def test_reductions_are_those_of_numpy(x, keepdims):
    for axis in (None, 0, -1):
        for name in ("sum", "mean", "max", "min", "var", "std", "median", "nansum", "nanmax"):
            found = getattr(ops, name)(x, axis, keepdims)
            wide = x.astype("float64")
            expected = getattr(np, name)(wide, axis=axis, keepdims=keepdims)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
            assert found.shape == np.shape(expected)
            assert found.dtype == np.float32


@given(
    hnp.arrays(np.float64, st.integers(1, 12), elements=st.floats(-9, 9)),
    st.floats(0, 1),
    st.sampled_from(["linear", "lower", "higher", "midpoint", "nearest"]),
)
def test_quantiles_are_those_of_numpy(x, q, method):
    q = np.float64(np.float32(q))
    expected = np.quantile(x, q, method=method)
    np.testing.assert_allclose(ops.quantile(x, q, method=method), expected, atol=1e-12)
    with_nan = np.concatenate([x, [NAN]])
    assert np.isnan(ops.quantile(with_nan, q, method=method))
    np.testing.assert_allclose(ops.nanquantile(with_nan, q, method=method), expected, atol=1e-12)


def test_only_nan():
    x = np.array([[NAN, NAN], [1, NAN]])
    for name in ("nanmean", "nanmax", "nanmin", "nanmedian", "nanstd", "nanvar"):
        found = getattr(ops, name)(x, axis=1)
        assert np.isnan(found).tolist() == [True, False], name
    assert ops.nanargmax(x, axis=1).tolist() == [-1, 0]
    assert ops.nansum(x, axis=1).tolist() == [0, 1]


def test_float16_means_do_not_overflow():
    x = np.full(4, 60000, np.float16)
    assert ops.mean(x) == np.float16(60000)
    assert ops.moments(x, 0)[1] == 0


def test_the_default_float_dtype():
    config.set_floatx("float64")
    assert ops.zeros(2).dtype == ops.exp([1, 2]).dtype == ops.divide(1, 2).dtype == np.float64
    assert ops.array(1.5).dtype == np.float32  # as Keras on TensorFlow has it
    assert ops.one_hot([1], 2).dtype == np.float64


# --- functions of functions


def test_loops():
    assert ops.while_loop(lambda i: i < 5, lambda i: i + 2, 0).item() == 6
    assert ops.while_loop(lambda i: True, lambda i: i + 1, 0, maximum_iterations=7).item() == 7
    i, x = ops.while_loop(lambda i, x: i < 3, lambda i, x: [i + 1, x * 2.0], [0, 1])
    same(i, np.int32(3))
    same(x, np.int32(8))
    total = ops.fori_loop(
        1, 4, lambda i, t: {"n": t["n"] + 1, "sum": t["sum"] + i}, {"n": 0, "sum": 0}
    )
    assert (total["n"].item(), total["sum"].item()) == (3, 6)
    assert ops.fori_loop(3, 3, lambda i, t: t + 1, 5.0).item() == 5


def test_choices():
    assert ops.cond(ops.array(0.0) > 0, lambda: "a", lambda: "b") == "b"
    assert [ops.switch(i, [lambda: "a", lambda: "b"]) for i in (-3, 0, 1, 9)] == [
        "a",
        "a",
        "b",
        "b",
    ]


def test_maps_and_scans():
    x = np.arange(6.0).reshape(3, 2)
    found = ops.map(lambda row: {"sum": ops.sum(row), "row": row}, x)
    assert found["sum"].tolist() == [1, 5, 9]
    np.testing.assert_array_equal(found["row"], x)
    assert ops.vectorized_map(lambda pair: ops.sum(pair[0] * pair[1]), (x, x)).tolist() == [
        1,
        13,
        41,
    ]
    carry, ys = ops.scan(lambda c, row: (c + row, c[0]), np.zeros(2), x)
    assert carry.tolist() == [6, 9]
    assert ys.tolist() == [0, 0, 2]
    carry, ys = ops.scan(lambda c, row: (c + row, c[0]), np.zeros(2), x, reverse=True)
    assert ys.tolist() == [6, 4, 0]
    assert ops.scan(lambda c, _: (c + 1, {"c": c}), 0, length=3)[1]["c"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="expected `xs` or `length`"):
        ops.scan(lambda c, _: (c, c), 0)
    with pytest.raises(ValueError, match="at least one slice"):
        ops.map(lambda row: row, np.zeros((0, 2)))
    np.testing.assert_array_equal(
        ops.associative_scan(lambda a, b: a @ b, np.stack([np.eye(2) * 2] * 3))[:, 0, 0], [2, 4, 8]
    )
    for axis in (0, 1):
        for reverse in (False, True):
            found = ops.associative_scan(lambda a, b: a + b, x, reverse=reverse, axis=axis)
            flip = ops.flip if reverse else lambda a, _: a
            np.testing.assert_array_equal(found, flip(np.cumsum(flip(x, axis), axis), axis))


def test_vectorize():
    same(ops.vectorize(lambda x, k: x * k, excluded={1})(np.arange(3), 2), np.array([0, 2, 4]))
    dot = ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")
    assert dot(np.ones((4, 3)), np.arange(3.0)).tolist() == [3, 3, 3, 3]
    with pytest.raises(ValueError, match="expected a function"):
        ops.vectorize(3)


# --- where we are right, and Keras on TensorFlow is not


def test_where_keras_is_wrong():
    # argpartition compares whole parts alone there, and is for vectors only.
    assert ops.argpartition([0.9, 0.5, 0.7], 0)[0] == 1
    assert ops.argpartition([[3, 1, 2], [1, 2, 3]], 0)[:, 0].tolist() == [1, 0]
    # Coordinates of numbers that are in no vector come out mixed up there.
    assert [int(i) for i in ops.unravel_index(5, (2, 3))] == [1, 2]
    # There, two quarter turns of a matrix that is not square shuffle its elements.
    assert ops.rot90([[1, 2, 3]], 2).tolist() == [[3, 2, 1]]
    # There, what is above the range of an integer becomes its smallest number.
    assert ops.saturate_cast([1e20, -1e20], "int32").tolist() == [2147483520, -2147483648]
    assert ops.saturate_cast(np.array([300, -1]), "float32").tolist() == [300, -1]
    # There, the dtype of a product is ignored.
    assert ops.prod([2, 3], dtype="float32").dtype == np.float32
    # There, infinity in float64 has no error function.
    assert ops.erf(np.array([INF, -INF])).tolist() == [1, -1]
    assert ops.searchsorted([1, 3], [[0, 2], [4, 3]]).tolist() == [[0, 1], [2, 1]]
    # In float32 Keras multiplies integers beyond 2**24.
    assert ops.matmul(np.array([[2**24 + 1]]), [[1]]).item() == 2**24 + 1
    assert ops.top_k([1.0, NAN, 2.0], 3)[1].tolist() == [2, 0, 1]


# --- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.mod(7, 0), ZeroDivisionError, "others than 0"),
        (lambda: ops.floor_divide([1, 2], [1, 0]), ZeroDivisionError, "others than 0"),
        (lambda: ops.gcd(1.5, 2), TypeError, "gcd expected integers. Received: dtype=float32"),
        (lambda: ops.ldexp(1.0, 1.5), TypeError, "expected integers as x2"),
        (lambda: ops.add(np.int8([1]), 300), OverflowError, "out of bounds"),
        (lambda: ops.clip([1, 2], 0.5, 3), TypeError, "whole numbers beside dtype int32"),
        (lambda: ops.max([1], initial=2.5), TypeError, "whole numbers"),
        (lambda: ops.pad([1], 1, constant_values=0.5), TypeError, "whole numbers"),
        (lambda: ops.power([2], [-1]), ValueError, "negative integer powers"),
        (lambda: ops.max([]), ValueError, "zero-size"),
        (lambda: ops.quantile([1.0], 0.5, method="cubic"), ValueError, "method must be one of"),
        (lambda: ops.where([True], 1), ValueError, "both x1 and x2"),
        (lambda: ops.select([], []), ValueError, "at least one"),
        (lambda: ops.take([1, 2], [5]), IndexError, "out of bounds"),
        (lambda: ops.searchsorted([[1]], [1]), ValueError, "expected a vector"),
        (lambda: ops.searchsorted([1], [1], side="both"), ValueError, "'left' or 'right'"),
        (lambda: ops.bincount([1], sparse=True), ValueError, "no sparse arrays"),
        (lambda: ops.histogram([[1.0]]), ValueError, "expected a vector"),
        (lambda: ops.histogram([1.0], range=(2, 1)), ValueError, "from low to high"),
        (lambda: ops.reshape([1, 2, 3], (2, -1)), ValueError, "reshape"),
        (lambda: ops.split([1, 2, 3], 2), ValueError, "equal division"),
        (lambda: ops.pad([1], 1, mode="edge"), ValueError, "'reflect' or 'symmetric'"),
        (lambda: ops.pad([1], 1, "reflect", 3), ValueError, "needs mode='constant'"),
        (lambda: ops.correlate([1.0], [1.0], "all"), ValueError, "'valid', 'same' or 'full'"),
        (lambda: ops.rearrange([[1]], "a b -> a"), ValueError, "each axis once"),
        (lambda: ops.rearrange([[1]], "a -> a"), ValueError, "each axis once"),
        (lambda: ops.rearrange([1, 2, 3], "(a b) -> a b", a=2), ValueError, "must have length 3"),
        (lambda: ops.rearrange([1, 2, 3], "(a b) -> a b"), ValueError, "must have length 3"),
        (lambda: ops.cholesky([[-1.0]]), ValueError, "positive definite"),
        (lambda: ops.inv([[0.0]]), ValueError, "Singular"),
        (lambda: ops.qr([[1.0]], mode="full"), ValueError, "'reduced' or 'complete'"),
        (lambda: ops.lu_factor([[1.0, 2.0]]), ValueError, "expected a square matrix"),
        (lambda: ops.segment_sum([1, 2], [0]), ValueError, "for each row"),
        (lambda: ops.segment_sum([1, 2], [0, 5], 3), ValueError, "must be below 3. Received: 5"),
        (lambda: ops.cdist([1.0], [1.0]), ValueError, "rank 2 or more"),
        (lambda: ops.fft([1.0, 2.0, 3.0]), ValueError, "a pair of arrays"),
        (lambda: ops.fft(([1], [2])), ValueError, "floats of one shape"),
        (lambda: ops.view_as_complex([1.0]), ValueError, "length 2"),
        (lambda: ops.stft([1, 2], 2, 1, 2), TypeError, "float32 or float64"),
        (lambda: ops.stft([1.0, 2.0], 2, 1, 1), ValueError, "at least sequence_length"),
        (lambda: ops.stft([1.0, 2.0], 2, 1, 2, "flat"), ValueError, "'hann', 'hamming'"),
        (lambda: ops.stft([1.0, 2.0], 2, 1, 2, [1.0]), ValueError, r"shape \(2,\)"),
        (lambda: ops.one_hot([1], 2, sparse=True), ValueError, "no sparse arrays"),
        (lambda: ops.multi_hot([1]), ValueError, "number of classes"),
        (lambda: ops.multi_hot([1], 2, depth=3), TypeError, "depth"),
        (lambda: ops.binary_crossentropy([1.0], [0.1, 0.2]), ValueError, "same shape"),
        (lambda: ops.categorical_crossentropy([1.0], [[0.1]]), ValueError, "same shape"),
        (lambda: ops.sparse_categorical_crossentropy([3], [[0.5, 0.5]]), ValueError, "from 0 to 1"),
        (lambda: ops.sparse_categorical_crossentropy([1, 1], [[0.5, 0.5]]), ValueError, "without"),
        (lambda: ops.sparse_categorical_crossentropy([1], [[0.5]], axis=0), ValueError, "last one"),
        (lambda: ops.normalize([1.0], order=0.5), ValueError, "at least 1"),
        (lambda: ops.layer_normalization([1.0], rms_scaling=True), TypeError, "rms_normalization"),
        (lambda: ops.glu([1.0, 2.0, 3.0]), ValueError, "even size"),
        (lambda: ops.dot_product_attention([1.0], [1.0], [1.0]), ValueError, "rank 4"),
        (lambda: ops.unfold([1.0], 2), ValueError, r"\(N, C, H, W\)"),
        (lambda: ops.fold([1.0], 2, 2), ValueError, r"\(N, C KH KW, L\)"),
        (lambda: ops.space_to_depth(np.zeros((1, 2, 2, 1)), 1), ValueError, "at least 2"),
        (lambda: ops.depth_to_space(np.zeros((1, 2, 2, 4)), 2, "NHWC"), ValueError, "data_format"),
        (lambda: ops.psnr([1.0], [1.0, 2.0], 1), ValueError, "one shape"),
        (lambda: ops.slice([1, 2, 3], [2], [2]), ValueError, "a part of the array"),
        (lambda: ops.unstack([1, 2], num=3), ValueError, "expected 3 slices. Received: 2"),
        (lambda: ops.scatter([[3]], [1], (2,)), IndexError, "out of bounds"),
        (lambda: ops.scatter_update([1], [[0]], [1], "mean"), ValueError, "None or one of add"),
        (lambda: ops.convert_to_tensor([1], sparse=True), ValueError, "arrays are dense"),
        (lambda: ops.cast([1], "bfloat16"), ValueError, "dtype must be one of"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_attention_refuses_what_is_for_gpus():
    x = np.zeros((1, 2, 1, 3))
    for arguments in ({"flash_attention": True}, {"attn_logits_soft_cap": 5.0}):
        with pytest.raises(ValueError, match=r"not supported, because .* GPUs and TPUs"):
            ops.dot_product_attention(x, x, x, **arguments)


def test_softmax_warns_of_one_class():
    with pytest.warns(UserWarning, match="Did you mean sigmoid"):
        assert ops.softmax([[3.0], [4.0]]).tolist() == [[1], [1]]


# --- names


@pytest.mark.parametrize("name", ops.MISSING)
def test_what_is_not_supported(name):
    with pytest.raises(
        NotImplementedError, match=rf"scratchnn.ops.{name} is not supported, because"
    ):
        getattr(ops, name)
    assert name not in ops.__all__


def test_a_refusal_is_seen_by_an_import():
    with pytest.raises(NotImplementedError, match="all alignments"):
        from scratchnn.ops import ctc_loss  # noqa: F401


def test_a_misspelt_name():
    with pytest.raises(AttributeError, match=r"no attribute 'softmx'. Did you mean 'softmax'"):
        ops.softmx  # noqa: B018


def test_every_op_is_documented():
    for name in ops.__all__:
        doc = getattr(ops, name).__doc__
        assert doc, name
        assert doc.split("\n")[0].endswith("."), name


def test_parts():
    assert ops.numpy.add is ops.add
    assert ops.nn.relu is ops.relu
    assert ops.linalg.inv is ops.inv
    assert math.isclose(ops.numpy.mean([1, 2]).item(), 1.5)
