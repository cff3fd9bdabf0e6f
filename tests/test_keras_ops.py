"""Every op of keras.ops is compared with Keras: values, dtypes and shapes; or it is refused.

The tables below hold calls: of one argument, of two, over axes, and all others one by one. Where
Keras raises an error there is nothing to compare, and ours may do better; each op must be
compared at least once all the same. Integers and booleans must be equal. Floats may differ by
rounding: 2e-6 of the largest element in float32, 1e-13 in float64, unless the table says more.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from scratchnn import ops
from scratchnn.ops import tensors

f32 = np.float32
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
FLOATS = ["float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]
NAN, INF = np.nan, np.inf


def numbers(dtype: str, shape: tuple[int, ...] = (3, 4), low: float = -4, high: float = 4) -> Any:
    """Return numbers of a dtype and a shape; zeros and ties among them, unless out of range."""
    rng = np.random.default_rng(7)
    x = np.round(rng.uniform(low, high, shape), 1)
    if dtype.startswith("u"):
        x = np.abs(x)
    return x.astype(dtype)


def tolerance(dtype: str) -> float:
    return {"float16": 2e-3, "float32": 2e-6, "complex64": 2e-6}.get(dtype, 1e-13)


def same(found: Any, expected: Any, what: str, factor: float = 1) -> None:
    """Check a result, or a list or dict of them, to `factor` times the usual tolerance."""
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected), what
        for key, value in expected.items():
            same(found[key], value, what, factor)
        return
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected), what
        for a, b in zip(found, expected, strict=True):
            same(a, b, what, factor)
        return
    if not hasattr(expected, "dtype"):
        assert found == expected, what
        assert type(found) is type(expected), what
        return
    dtype = keras.backend.standardize_dtype(expected.dtype)
    assert found.dtype.name == dtype, f"{what}: {found.dtype}, expected {dtype}"
    if not isinstance(expected, (np.ndarray, np.generic)):
        assert isinstance(found, tensors.Tensor), what
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: {found.shape}, expected {expected.shape}"
    if dtype.startswith(("int", "uint", "bool")):
        if not (found == expected).all():
            np.testing.assert_array_equal(found, expected, err_msg=what)
        return
    sizes = np.abs(expected[np.isfinite(expected)])
    scale = float(sizes.max(initial=0)) or 1.0  # beside an exact 0, rounding is absolute
    atol = tolerance(dtype) * scale * factor
    # NumPy's own assertion takes many times as long.
    if not np.allclose(found, expected, rtol=0, atol=atol, equal_nan=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=what)


def compare(name: str, *args: Any, factor: float = 1, **kwargs: Any) -> bool:
    """Compare one call with Keras; return whether Keras had a result."""
    what = f"{name}(*{args}, **{kwargs})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = functools.reduce(getattr, name.split("."), keras.ops)(*args, **kwargs)
        except Exception:
            return False
        found = functools.reduce(getattr, name.split("."), ops)(*args, **kwargs)
    same(found, expected, what, factor)
    return True


def words(text: str) -> list[str]:
    return text.split()


# --- of one argument

EVERYWHERE = words("""
    abs absolute angle arctan arcsinh argmax argmin argsort array average bitwise_invert
    bitwise_not cbrt ceil conj conjugate copy corrcoef cos cosh count_nonzero cumprod cumsum
    deg2rad diag diagflat diagonal diff empty_like exp exp2 expm1 fabs flip fliplr flipud floor
    i0 imag isfinite isinf isnan isneginf isposinf isreal logical_not max mean median min
    nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod
    nanstd nansum nanvar ndim negative nonzero norm ones_like prod ptp rad2deg ravel real rot90
    round shape sign signbit sin sinc sinh size sort square squeeze std stop_gradient sum tan
    tanh trace transpose trapezoid tril triu trunc unique unstack var view where zeros_like all
    any amax amin convert_to_tensor convert_to_numpy dtype is_tensor dstack stack rfft
    view_as_real relu relu6 leaky_relu elu selu celu sigmoid log_sigmoid hard_sigmoid
    sparse_sigmoid hard_tanh tanh_shrink softsign softplus squareplus sparse_plus silu swish
    hard_silu hard_swish gelu glu softmax log_softmax sparsemax hard_shrink soft_shrink
    logsumexp normalize rms_normalization layer_normalization erf erfc
""")

# Where a function is steep, a rounding of the argument shows in the result.
STEEP = {
    "exp": 4,
    "exp2": 4,
    "expm1": 4,
    "sinh": 4,
    "cosh": 4,
    "tan": 20,
    "sinc": 4,
    "trapezoid": 4,
    "corrcoef": 4,
    "cbrt": 4,
    "i0": 4,
    "nancumprod": 4,
    "cumprod": 4,
    "normalize": 4,
    "layer_normalization": 8,
    "rms_normalization": 8,
    "log_sigmoid": 4,
    "gelu": 4,
    "erfc": 4,
    "sparsemax": 4,
}
# TensorFlow has the constants of these in float32, in float64 too.
ROUNDED_CONSTANTS = {"leaky_relu": 1e6, "gelu": 1e5}
SHAPES = {name: [(3, 4), (2, 4)] for name in ("corrcoef", "fliplr", "flipud")}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_one_argument(name: str) -> None:
    results = [
        compare(
            name,
            numbers(dtype, shape),
            factor=(ROUNDED_CONSTANTS if dtype == "float64" else STEEP).get(name, 4),
        )
        for dtype, shape in [
            *((dtype, (3, 4)) for dtype in DTYPES),
            *(("float32", shape) for shape in SHAPES.get(name, [(5,), (), (2, 3, 4)])),
        ]
    ]
    assert any(results)
    if name not in SHAPES:
        compare(name, 1.5)
        compare(name, [1, 2])
    compare(name, [[0.5, -2.0], [3.0, 0.25]], factor=STEEP.get(name, 1))


SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.5]
FINITE_ONLY = {
    # What Keras makes of infinities and NaN differs from device to device, or is not a number.
    *("angle", "corrcoef", "cosh", "cumprod", "i0", "nancumprod", "nanvar", "nanstd", "normalize"),
    *("rfft", "sinc", "softmax", "log_softmax", "sparsemax", "trapezoid", "unique", "gelu", "silu"),
    *("swish", "hard_silu", "hard_swish", "glu", "sparse_sigmoid", "rms_normalization", "softsign"),
    *("layer_normalization", "squareplus", "celu", "elu", "selu", "sparse_plus", "tanh_shrink"),
    *("diff", "std", "var", "argsort", "sort", "hard_sigmoid", "relu", "relu6", "hard_tanh"),
    *("leaky_relu", "log_sigmoid", "softplus", "trunc", "logsumexp", "cbrt", "erf"),
}


@pytest.mark.parametrize("name", [n for n in EVERYWHERE if n not in FINITE_ONLY])
@pytest.mark.parametrize("dtype", FLOATS)
def test_infinities_and_nan(name: str, dtype: str) -> None:
    compare(name, np.array(SPECIAL, dtype))
    compare(name, np.array([NAN, NAN], dtype))


WITH_DOMAIN = {
    "arccos": (-1, 1),
    "arcsin": (-1, 1),
    "arctanh": (-0.9, 0.9),
    "arccosh": (1, 5),
    "erfinv": (-1, 1),
    "log": (0, 5),
    "log10": (0, 5),
    "log1p": (-0.9, 5),
    "log2": (0, 5),
    "reciprocal": (-4, 4),
    "rsqrt": (0, 5),
    "sqrt": (0, 5),
}


@pytest.mark.parametrize("name", WITH_DOMAIN)
def test_functions_with_a_domain(name: str) -> None:
    low, high = WITH_DOMAIN[name]
    factor = 4 if name in ("erfinv", "arctanh") else 1
    results = [compare(name, numbers(d, low=low, high=high), factor=factor) for d in DTYPES]
    assert any(results)
    for dtype in FLOATS:
        compare(name, np.array([*SPECIAL, 3.0], dtype))


# --- of two arguments

TWO = words("""
    add subtract multiply divide true_divide divide_no_nan floor_divide mod fmod maximum minimum
    fmax fmin arctan2 logaddexp logaddexp2 hypot heaviside nextafter equal not_equal less
    less_equal greater greater_equal isclose allclose logical_and logical_or logical_xor
    bitwise_and bitwise_or bitwise_xor gcd lcm isin append outer kron inner dot
""")

PAIRS = [
    *((dtype, dtype) for dtype in DTYPES),
    *(("bool", "uint8"), ("int8", "bool"), ("uint8", "int8"), ("int16", "uint8")),
    *(("uint32", "int32"), ("int32", "int64"), ("int64", "float32"), ("float32", "int8")),
    *(("uint64", "float32"), ("bool", "float32"), ("float64", "float32"), ("float64", "int32")),
]


@pytest.mark.parametrize("name", TWO)
def test_two_arguments(name: str) -> None:
    factor = 1e7 if name == "logaddexp2" else 4  # Keras has log(2) in float32, in float64 too
    results = []
    for a, b in PAIRS:
        x, y = numbers(a, (4,)), numbers(b, (8,))[4:]
        if name in ("floor_divide", "mod", "fmod"):
            y = np.where(y == 0, 1, y).astype(b)
        if name in ("mod", "fmod", "floor_divide") and "float" in a + b:
            # Near a whole quotient a rounding decides, so only numbers that have no rounding.
            x, y = (np.round(v * 2) / 2 for v in (x.astype("f8"), y.astype("f8")))
            x, y = x.astype(a), np.where(y == 0, 1, y).astype(b)
        f = 1 if (a, b) != ("float64", "float64") or name != "logaddexp2" else factor
        results.append(compare(name, x, y, factor=f if name != "logaddexp2" else factor))
    assert any(results)
    for scalar in (2, 3.5):
        for dtype in ("int8", "int64", "float32", "float64"):
            x = numbers(dtype, (2, 3), 1, 5)
            compare(name, x, scalar, factor=factor)
            compare(name, scalar, x, factor=factor)
    compare(name, numbers("float32", (3, 1)), numbers("int32", (2, 1, 4), 1, 5), factor=factor)
    compare(name, [1, 2], [3.0, 0.5], factor=factor)
    compare(name, 3, 2)


IN_A_RANGE = words("""
    power left_shift right_shift bitwise_left_shift bitwise_right_shift
""")


@pytest.mark.parametrize("name", IN_A_RANGE)
def test_two_arguments_in_a_range(name: str) -> None:
    results = [
        compare(name, numbers(a, (4,), 1, 3), numbers(b, (4,), 1, 3), factor=4) for a, b in PAIRS
    ]
    assert sum(results) >= 10
    for scalar in (2, 0.5):
        compare(name, numbers("int8", (4,), 1, 3), scalar)
        compare(name, numbers("float32", (4,), 1, 3), scalar)
        compare(name, scalar, numbers("int32", (4,), 1, 3))


# --- over axes

OVER_AXES = words("""
    all amax amin any max mean median min nanmax nanmean nanmedian nanmin nanprod nanstd nansum
    nanvar prod ptp std sum var logsumexp
""")


@pytest.mark.parametrize("name", OVER_AXES)
def test_reductions(name: str) -> None:
    x = numbers("float32", (2, 3, 2) if "median" in name else (2, 3, 4))
    with_nan = np.where(x > 2, f32(NAN), x)
    for axis, keepdims in [(None, True), (0, False), (-1, True), ((0, 2), False), ([1], True)]:
        assert compare(name, x, axis, keepdims, factor=4)
        compare(name, with_nan, axis=axis, keepdims=keepdims, factor=4)


@pytest.mark.parametrize(
    "name", ["argmax", "argmin", "nanargmax", "nanargmin", "cumsum", "cumprod", "argsort", "sort"]
)
def test_along_an_axis(name: str) -> None:
    for axis in (None, 0, 1, -1):
        for dtype in DTYPES:
            compare(name, numbers(dtype), axis=axis, factor=4)
        if "arg" in name and name != "argsort":
            compare(name, numbers("float32"), axis, True)
            compare(name, np.array([[NAN, 1], [NAN, NAN]], f32), axis)


QUANTILES = words("""
    quantile nanquantile percentile nanpercentile
""")


@pytest.mark.parametrize("name", QUANTILES)
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(name: str, method: str) -> None:
    share = 100 if "percent" in name else 1
    x = numbers("float32", (3, 5, 2))
    if name.startswith("nan"):  # Keras takes its time for each of the results
        x = np.where(x > 2, f32(NAN), x)[:1]
    for axis, keepdims in [(None, False), (1, True), ((2, 0), False), ((0, 1), True)]:
        for q in (0.5 * share, [0.1 * share, 0.9 * share]):
            assert compare(name, x, q, axis, method, keepdims)
    compare(name, np.array([[1, NAN], [1, 2]], f32), 0.5 * share, axis=1, method=method)
    compare(name, numbers("int32", (6,)), 0.3 * share, method=method)
    compare(name, numbers("float64", (6,)), np.float64(0.3) * share, method=method)


# --- all others, call by call

X = numbers("float32")
V = numbers("float32", (5,))
I32 = np.array([[3, 1, 2], [9, 7, 8]], np.int32)
T3 = numbers("float32", (2, 3, 4))
SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]], f32)
STACK = np.stack([SQUARE, SQUARE * 2 + np.eye(3, dtype=f32)])
IMAGES = numbers("float32", (2, 6, 8, 4))
SIGNAL, KERNEL = numbers("float32", (2, 7, 3)), numbers("float32", (3, 3, 4))
VOLUME = numbers("float32", (2, 4, 5, 3, 2))
P = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]], f32)
LOGITS = np.array([[1.0, -2.0, 0.5], [100.0, 0.0, -100.0]], f32)
WAVE = np.sin(np.arange(20, dtype=f32)) + 1
HALVES = (numbers("float32", (3, 8)), numbers("float32", (2, 3, 8))[0])

CALLS: dict[str, list[tuple[Any, ...]]] = {
    "arange": [(3,), (1, 4), (0, 1, 0.25), (5, 0, -2), (3.0,), (2, 5, 1, "float64"), (f32(1), 3)],
    "argpartition": [(np.array([5, 3, 1, 4, 2]), k) for k in (0, 2, 4)],
    "array_split": [(V, 2), (X, 3, 1), (V, 7)],
    "average": [
        *((X, 0), (X, (0, 1)), (X, None, np.abs(X)), (X, 1, np.abs(X)), (X, 1, [1.0, 2.0, 0.0, 1])),
        *((I32, 0, [1, 3]), (X, 0, [1.0, 2.0, 3.0]), ([1, 2], None, [0, 0])),
    ],
    "bartlett": [(n,) for n in (0, 1, 2, 5)],
    "bincount": [
        *(([1, 2, 2],), ([1, 2, 2], [1.0, 2.0, 3.0]), ([1, 2, 2], [1, 2, 3], 5), ([], None, 2)),
        (np.array([1, 2], np.uint8), np.array([1, 2], np.int8)),
        *((I32,), (I32, X[:2, :3], 12)),
    ],
    "blackman": [(n,) for n in (1, 5, 6)],
    "broadcast_to": [(5, (2, 2)), ([[1], [2]], (2, 3)), (V, (2, 5))],
    "cast": [(X, d) for d in DTYPES if d != "uint8"] + [([-1.7, 1.7], "int32"), (I32, "bool")],
    "clip": [(X, -1, 1), (I32, 2, 8), (X, X - 1, X[0]), (X > 0, 0, 1), (np.array([NAN, 2]), 0, 1)],
    "concatenate": [([X, X],), ([X, I32[:, :1].astype("f8").repeat(4, 1)],), ([I32, I32], 1)],
    "convert_to_tensor": [([1, 2], "float32"), ([1.7], "int32"), (True,), ([],), (1.5, "float64")],
    "correlate": [(V, V[:3], m) for m in ("valid", "same", "full")]
    + [([1, 2, 3], [1, 2], "same"), (np.array([1, 2, 3]), np.array([1, 1]), "full")],
    "count_nonzero": [(X, 0), (X, (0, 1)), (X, -1)],
    "cross": [
        *((T3[:, :, :3], T3[:, :, 1:]), (X[:, :3], [1.0, 2.0, 3.0]), (V[:2], V[1:3])),
        *((X[:, :2], X[:, 1:]), (X, X, 0, 0, 0), (X, X, 1, 1, 1, 0), (V[:3], I32)),
    ],
    "cumsum": [(X, 0, "float64"), (X, None, "int32")],
    "cumprod": [(X, 1, "float64")],
    "diag": [(V, 1), (V[:2], -2), (X, 1), (X, -1)],
    "diagflat": [(X[:2, :2], 1), (V, -1)],
    "diagonal": [(T3, 1, 1, 2), (T3, -1, 0, 2), (X, -1)],
    "diff": [(X, 2), (X, 1, 0), (X > 0,), (I32, 0)],
    "digitize": [(X, [0.0, 1.0, 2.5]), (I32, np.array([2, 5])), (X.astype("f8"), [0.1])],
    "dsplit": [(T3, 2), (T3, [1, 3])],
    "dstack": [([V, V],), ([X, X + 1],), ([T3, T3],), ([1.0, 2.0],)],
    "einsum": [
        *(("ij,jk->ik", X, X.T), ("ij->ji", X), ("ii", SQUARE), ("ij,ij->i", X, X)),
        *(("bij,bjk->bik", T3, T3.transpose(0, 2, 1)), ("...i,i->...", T3, V[:4])),
        *(("i,j->ij", I32[0], I32[1]), ("ij,j->i", X, I32[0, [0, 1, 2, 0]])),
        ("ij,jk->ik", np.ones((2, 2), np.int8), np.ones((2, 2), np.int8)),
    ],
    "empty": [((2, 3),), (4, "int32")],
    "expand_dims": [(X, 1), (X, -1), (X, (0, 3)), (V, [0, 2])],
    "extract_sequences": [(V, 3, 1), (X, 2, 2), (WAVE, 6, 5)],
    "eye": [(3,), (2, 3, 1), (3, 2, -1), (2, None, 0, "int32")],
    "flip": [(X, 1), (X, (0, 1)), (T3, [-1])],
    "full": [((2,), 3), ((2, 2), 3, "int32"), ((2, 3), [1.0, 2.0, 3.0])],
    "full_like": [(X, 2), (I32, 2.7), (X, 3, "int64")],
    "geomspace": [(1, 1000, 4), (-1, -8, 4), (1.0, 16.0, 5, False)],
    "get_item": [(X, 1), (X, (slice(None), 2)), (X, slice(0, 2))],
    "hamming": [(n,) for n in (1, 2, 6)],
    "hanning": [(n,) for n in (1, 2, 6)],
    "histogram": [(V,), (V, 3), (V, 4, (-2, 2)), (np.array([1, 2, 2, 5]), 4), (V, 3, (0.0, 3.0))],
    "hsplit": [(X, 2), (X, [1]), (V, [2, 3])],
    "hstack": [([V, V],), ([X, X],), ([V, I32[0]],)],
    "identity": [(3,), (2, "int32")],
    "isclose": [([1.0, NAN, INF], [1.00001, NAN, INF]), ([NAN], [NAN], 1e-5, 1e-8, True)],
    "allclose": [([1.0, INF], [1.00001, INF]), ([NAN], [NAN], 1e-5, 1e-8, True), ([NAN], [NAN])],
    "isin": [(I32, [1, 9]), (I32, [1, 9], False, True), (I32, np.array([], np.int32), False, True)],
    "kaiser": [(1, 2.0), (6, 5.0)],
    "ldexp": [(X, [1, -2, 3, 0]), (I32, 2), (X.astype("f8"), np.int8(3))],
    "linspace": [
        *((0, 1, 5), (0, 1, 4, False), (0, 1, 4, False, True), (0, 1, 5, True, True), (0, 1, 0)),
        *((V, V + 1, 3), (V, V + 1, 3, True, False, None, -1), (-5, 5, 4, True, False, "int32")),
        *((0, 1, 3, True, False, "float64"), (np.array([0, 1]), 2, 3), (0, 5, 1)),
    ],
    "logspace": [(0, 2, 3), (0, 1, 3, True, 2), (0, 3, 4, True, 10, "int32"), (0.0, 1.0, 4, False)],
    "matmul": [
        *((X, X.T), (X, V[:4]), (V[:3], X), (T3, X.T), (T3, T3.transpose(0, 2, 1)), (I32, I32.T)),
        *((V, V), (X, I32.T[[0, 1, 2, 0]]), (X.astype("f8"), X.T), (X > 0, (X > 0).T)),
        (np.ones((2, 2), np.int8), np.ones((2, 2), np.int8)),
        (np.ones((2, 2), np.int8), np.ones(2, np.int8)),
    ],
    "max": [(X, None, False, 9), (X, 0, True, 0.5), (X > 0, 0, False, False), (I32, 1, False, 8)],
    "min": [(X, None, False, 9), (X, 0, True, 0.5), (X > 0, 0, False, True), (I32, 1, False, 2)],
    "meshgrid": [(V, V[:2]), (V[:2], V[:3], V)],
    "moveaxis": [(T3, 0, -1), (T3, [0, 1], [-1, 0])],
    "nan_to_num": [([NAN, INF, -INF], 1.0, 2.0, 3.0), ([NAN, INF, -INF],)],
    "norm": [
        *((X, o) for o in (None, "fro", "nuc", 1, -1, 2, -2, INF, -INF)),
        *((X, o, 1) for o in (None, 0, 1, 2, 3, 0.5, INF, -INF)),
        *((T3, 2, (1, 2), True), (T3, 1, (0, 2)), (I32, None, 0, True), (V, 3)),
    ],
    "ones": [((2, 3),), (3, "bool"), ((), "int8")],
    "outer": [(X, V)],
    "pad": [(V, 1), (V, (1, 2)), (X, ((1, 0), (0, 2))), (X, ((1, 1), (2, 1)), "reflect")]
    + [(V, ((2, 1),), "symmetric"), (X, ((1, 0), (0, 1)), "constant", 5)],
    "ravel": [(T3,)],
    "repeat": [(X, 2), (X, 2, 1), (X, [1, 0, 2], 0), (np.arange(3, dtype=np.uint16), 2)],
    "reshape": [(X, (4, 3)), (X, -1), (X, (2, -1)), (T3, [6, 4])],
    "roll": [(X, 1), (X, -2, 0), (X, (1, 1), (0, 1))],
    # Keras turns matrices that are not square wrongly where k is 2 or 3.
    "rot90": [(SQUARE, k) for k in (0, 1, 2, 3, -1)] + [(X, 1), (T3, 1, (1, 2)), (T3, 1, (2, 0))],
    "round": [(X * 7.77, d) for d in (0, 1, 2, -1)] + [(np.array([15, 25, 35]), -1), (I32, 1)],
    "searchsorted": [
        *((np.sort(V), V, side) for side in ("left", "right")),
        *((np.sort(V), X[0]), ([1, 2, 3], [2, 9])),
    ],
    "select": [
        ([X > 1, X < -1], [X, -X], 9.0),
        ([X > 1], [X], 2),
        ([I32 > 5, I32 > 2], [I32, I32 * 2]),
    ],
    "slice": [(X, (1, 0), (2, 2)), (X, [0, 1], [3, -1]), (V, [2], [1])],
    "slice_update": [
        (X, (1, 1), np.zeros((2, 2), f32)),
        (V, [4], np.ones(2, f32)),
        (V, [-3], V[:2]),
    ],
    "split": [(X, 2, 1), (X, [1, 2]), (V, [2]), (X, 3)],
    "squeeze": [(X[:, :1],), (X[:1], 0), (T3[:1, :, :1], (0, 2))],
    "stack": [([X, X],), ([X, X], -1), ([1, 2.5],), ([V, V.astype("f8")], 1)],
    "swapaxes": [(T3, 0, 2), (T3, -1, 1)],
    "take": [(X, [0, -1]), (X, [0, -1], 1), (X, 1, 0), (X, [[0, 1], [2, 0]], 0), (V, 3)],
    "take_along_axis": [
        *((X, [[0], [1], [-1]], 1), (X, [[0, 1, 2, 0]], 0), (X, [3, 5])),
        (X, np.argsort(X, axis=1), 1),
    ],
    "tensordot": [
        (T3, T3, 3),
        (X, X, 2),
        (X, X.T, 1),
        (T3, X, [[1], [0]]),
        (T3, X, [[1, 2], [0, 1]]),
    ]
    + [(I32, I32.T, 1), (I32.astype("i1"), I32.T.astype("i1"), 1)],
    "tile": [(X, 2), (V, (2, 1)), (X, (1, 2)), (T3, [2])],
    "trace": [(X, 1), (T3, 0, 1, 2), (T3, -1, 2, 1), (X > 0,)],
    "transpose": [(T3, (2, 0, 1)), (X, [1, 0])],
    "trapezoid": [(X,), (X, None, 0.5), (X, None, 1.0, 0), (V, np.cumsum(np.abs(V))), (I32,)],
    "tri": [(3,), (3, 4, 1), (3, 2, -1), (2, None, 0, "int32"), (3, None, -2)],
    "tril": [(T3, 1), (X, -1)],
    "triu": [(T3, 1), (X, -1)],
    "unique": [
        *((I32,), ([3, 1, 1],), (I32, True, True, True, True), ([3, 1, 2, 1], False, True, True)),
        *((np.array([[3, 1], [3, 1], [0, 5]]), True, True, True, True, 0), (X, True)),
        *(
            ([3, 1, 1], True, True, True, True, None, 4, 9),
            ([3, 1, 2], True, True, True, True, None, 2),
        ),
        (np.array([[3, 3, 0], [1, 1, 5]]), True, False, True, True, 1),
    ],
    "unravel_index": [(np.array([3, 5]), (2, 3)), (np.array([1, 23], np.int32), (2, 3, 4))],
    "unstack": [(X, None, 1), (X, 3), (T3, None, -1)],
    "vander": [(V,), (V, 3), (V, 2, True), (np.array([1, 2, 3]),)],
    "vdot": [(X, X), (V, V), (I32, I32), (X, X.astype("f8"))],
    "view": [
        (V, "int32"),
        (V, "uint8"),
        (np.arange(8, dtype=np.uint8), "float32"),
        (I32, "float32"),
    ],
    "vsplit": [(X, 3), (X, [1])],
    "vstack": [([X, X],), ([V, V],), ([X, X.astype("f8")],)],
    "where": [(X > 0, X, 0), (X > 0, 1, 2), ([True, False], 1, 2.5), (X > 0, I32[0, 0], X), (X,)],
    "zeros": [((2, 3),), (3, "int64")],
    "ones_like": [(X, "int32")],
    "zeros_like": [(X, "int32")],
    "empty_like": [(X, "int32")],
    "nonzero": [(X > 0,), (I32 - 1,)],
    "array": [([1, 2], "float32"), (X, "int32")],
    # linear algebra
    "cholesky": [(SQUARE,), (SQUARE, True), (STACK,)],
    "cholesky_inverse": [(np.tril(SQUARE),), (np.triu(SQUARE), True)],
    "det": [(SQUARE,), (STACK,)],
    "inv": [(SQUARE,), (STACK,)],
    "logdet": [(SQUARE,), (STACK,), (SQUARE.astype("f8"),)],
    "lstsq": [(X.T, V[:4]), (X.T, X.T[:, :2]), (X, V[:3]), (X.T, V[:4], 0.5)],
    "lu_factor": [(SQUARE,), (np.array([[0, 2, 3], [4, 5, 6], [1, 8, 10]], f32),)],
    "matrix_rank": [(X,), (np.ones((2, 3), f32),), (STACK,), (SQUARE, 4.0)],
    "pinv": [(X,), (X.T,), (np.ones((2, 3), f32),), (X, 0.5)],
    "slogdet": [(SQUARE,), (-SQUARE,), (STACK,)],
    "solve": [(SQUARE, V[:3]), (SQUARE, X), (STACK, X[:2, :3]), (STACK, STACK)],
    "solve_triangular": [(SQUARE, V[:3]), (SQUARE, X, True), (STACK, STACK, True)],
    # math
    "cdist": [(X, X + 1), (T3, T3[:, :1]), (X.astype("f8"), X[:1].astype("f8"))],
    "fft": [(HALVES,), ((V.astype("f8"), V.astype("f8")),)],
    "fft2": [(HALVES,)],
    "ifft2": [(HALVES,)],
    "rfft": [(WAVE,), (WAVE, 8), (WAVE, 32), (X,)],
    "irfft": [(HALVES,), (HALVES, 9), (HALVES, 20)],
    "in_top_k": [([1, 0, 3], X, k) for k in (1, 2, 4)]
    + [(np.array([2, 5]), np.array([[1, 1, 1], [NAN, 1, 1]], f32), 1)],
    "top_k": [(X, 2), (I32, 3), (np.array([1.0, INF, 2.0, 2.0], f32), 4), (T3, 1)],
    "logsumexp": [([[-INF, -INF]], 1), ([INF, 1.0],), (X.astype("f8"), (0, 1), True)],
    "segment_sum": [
        (X, [0, 1, 1]),
        (X, [0, 2, 2], 4),
        (V, [0, 1, 2, -1, 1], 3),
        (V, [0, 0, 2, 2, 3], None, True),
    ],
    "segment_prod": [(X, [0, 1, 1]), (X, [0, 2, 2], 4), (V, [0, 0, 2, 2, 3], None, True)],
    "segment_max": [
        (X, [0, 1, 1]),
        (X, [0, 2, 2], 4),
        (I32, [2, 0]),
        (V, [0, 0, 2, 2, 3], None, True),
    ],
    "segment_min": [
        (X, [0, 1, 1]),
        (X, [0, 2, 2], 4),
        (I32, [2, 0]),
        (V, [0, 0, 2, 2, 3], None, True),
    ],
    "stft": [
        *((WAVE, 6, 3, 8), (WAVE, 6, 3, 6, "hamming"), (WAVE.astype("f8"), 5, 2, 8, None)),
        *((np.stack([WAVE, -WAVE]), 4, 2, 4, "hann", False), (WAVE, 4, 2, 6, np.ones(4, f32))),
    ],
    "istft": [
        ((numbers("float32", (2, 6, 5)), numbers("float32", (2, 6, 5))), 6, 3, 8, *rest)
        for rest in [(), (12,), (None, "hamming"), (None, None), (None, "hann", False)]
    ],
    "view_as_complex": [(X[:, :2],), (X[:, :2].astype("f8"),)],
    "view_as_real": [(np.array([1 + 2j, 3]),), (np.array([1 + 2j], np.complex64),)],
    "polar": [(np.abs(V), V)],
    "psnr": [(X, X + 0.1, 4.0), (X, X[::-1], 1)],
    # nn
    "one_hot": [([0, 2, 3, -1], 3), (I32, 4, 0), (I32, 4, 1, "int32"), ([1], 2, -1, "bool")],
    "multi_hot": [
        ([0, 2], 4),
        (I32, 10),
        (I32, 10, -1, "int32"),
        ([1], 2, -1, "bool"),
        (I32, 4, 1),
    ],
    "binary_crossentropy": [(P, P[::-1].copy()), (P, LOGITS, True), (P, np.clip(P, 0.1, 0.9))],
    "categorical_crossentropy": [
        *(
            (P, P),
            (P, P[::-1] * 3),
            (P, LOGITS, True),
            (P, LOGITS, True, 0),
            (P, P + 0.1, False, 0),
        ),
        (P.astype("f8"), LOGITS.astype("f8"), True),
    ],
    "sparse_categorical_crossentropy": [
        *(([0, 2], P), ([[0], [2]], P * 2), ([1, 1], LOGITS, True), ([1, 1], LOGITS, True, 1)),
    ],
    "moments": [
        (X, 0),
        (X, (0, 1), True),
        (T3, [0, 2]),
        (X.astype("f8"), [1]),
        (X.astype("f2"), 0),
    ],
    "batch_normalization": [
        *((X, X.mean(0), X.var(0), -1), (X, X.mean(1), X.var(1), 0, V[:3], V[:3] + 9)),
        (T3, T3.mean((0, 2)), T3.var((0, 2)), 1, V[:3], None, 0.1),
    ],
    "layer_normalization": [
        *((X, V[:4], V[1:5]), (X, None, V[:4]), (X, V[:3], V[:3], 0), (T3, None, None, (1, 2))),
        *((T3, X, X, [1, 2]), (T3, V[:3], None, 1, 0.1)),
    ],
    "rms_normalization": [(X, V[:4]), (X, None, 0), (T3, X, (1, 2)), (X, V[:4], -1, 0.1)],
    "normalize": [(X, 0), (X, -1, 1), (X, 0, 3), (X, None), (X * 1e-9,), (X, -1, 2, 10.0)],
    "softmax": [(X, 0), (X, None), (T3, (0, 2)), (T3, 1)],
    "log_softmax": [(X, 0), (X, None), (T3, (0, 2))],
    "sparsemax": [(X, 0), (T3, 1)],
    "glu": [(X, 1), (IMAGES, 2)],
    "gelu": [(X, True), (X, False)],
    "leaky_relu": [(X, 0.5)],
    "elu": [(X, 0.5)],
    "celu": [(X, 0.5)],
    "squareplus": [(X, 1)],
    "hard_shrink": [(X, 1.0)],
    "soft_shrink": [(X, 1.0)],
    "threshold": [(X, 1.0, -3.0), (X.astype("f8"), 0.0, 2.0)],
    "conv": [
        (SIGNAL, KERNEL),
        (SIGNAL, KERNEL, 2, "same"),
        (IMAGES, numbers("float32", (3, 2, 4, 5)), (1, 2), "SAME"),
        (IMAGES, numbers("float32", (3, 3, 4, 5)), 1, "valid", None, (2, 1)),
        (IMAGES, numbers("float32", (3, 3, 2, 4)), 2),
        (IMAGES, numbers("float32", (3, 3, 6, 7)), 2, "valid", "channels_first"),
        (VOLUME, numbers("float32", (2, 2, 1, 2, 3)), 1, "same"),
        (SIGNAL.astype("f8"), KERNEL.astype("f8")),
    ],
    "conv_transpose": [
        (SIGNAL, KERNEL.swapaxes(1, 2), 2),
        (SIGNAL, KERNEL.swapaxes(1, 2), 3, "same", 1),
        (IMAGES, numbers("float32", (3, 2, 5, 4)), (1, 2), "same"),
        (IMAGES, numbers("float32", (3, 3, 7, 6)), 2, "valid", None, "channels_first"),
        (VOLUME, numbers("float32", (2, 2, 1, 3, 2)), 1, "valid", None, None, 2),
    ],
    "depthwise_conv": [
        (SIGNAL, KERNEL),
        (IMAGES, numbers("float32", (3, 3, 4, 2)), 2, "same"),
        (IMAGES, numbers("float32", (3, 2, 6, 1)), 1, "valid", "channels_first", 2),
    ],
    "separable_conv": [
        (SIGNAL, KERNEL, numbers("float32", (1, 12, 4)), 2),
        (IMAGES, numbers("float32", (3, 3, 4, 2)), numbers("float32", (1, 1, 8, 4)), 1, "same"),
    ],
    "max_pool": [
        (SIGNAL, 2),
        (IMAGES, (2, 3), 1, "same"),
        (IMAGES, 2, None, "valid", "channels_first"),
        (VOLUME, 2),
        (np.arange(12, dtype="i4").reshape(1, 6, 2), 2),
    ],
    "average_pool": [(SIGNAL, 2), (IMAGES, (2, 3), 1, "same"), (VOLUME, 2)],
    "adaptive_max_pool": [  # Keras takes no arrays here
        (keras.ops.array(SIGNAL), 2),
        (keras.ops.array(IMAGES), (3, 2)),
        (keras.ops.array(IMAGES), 3, "channels_first"),
    ],
    "adaptive_average_pool": [  # Keras takes no arrays here
        (keras.ops.array(SIGNAL), 2),
        (keras.ops.array(IMAGES), (3, 2)),
        (keras.ops.array(IMAGES), 3, "channels_first"),
    ],
    "dot_product_attention": [
        *((IMAGES, IMAGES, IMAGES), (IMAGES, IMAGES[:, :3], IMAGES[:, :3])),
        *((IMAGES, IMAGES, IMAGES, numbers("float32", (2, 8, 6, 6))),),
        *((IMAGES, IMAGES, IMAGES, None, np.tri(6, 6, 1, bool)),),
        *((IMAGES, IMAGES, IMAGES, None, np.zeros((6, 6), bool)),),
        *(
            (IMAGES, IMAGES, IMAGES, None, None, 0.3, True),
            (IMAGES, IMAGES[:, :, :2], IMAGES[:, :, :2]),
        ),
    ],
    "unfold": [(IMAGES, 2), (IMAGES, (2, 3), 1, 1, 2), (IMAGES, 2, 2, (1, 0), (1, 2))],
    "fold": [
        (numbers("float32", (2, 4, 12)), (6, 8), 2, 1, 0, 2),
        (numbers("float32", (2, 8, 6)), (3, 4), 2, 2, (1, 0), 1),
    ],
    "space_to_depth": [(IMAGES, 2), (IMAGES, 2, "channels_first")][:1]
    + [(IMAGES.transpose(0, 3, 1, 2).copy(), 2, "channels_first")],
    "depth_to_space": [(IMAGES, 2), (IMAGES.transpose(0, 3, 1, 2).copy(), 2, "channels_first")],
    # core
    "scatter": [
        ([[0], [0]], V[:2], (3,)),
        ([[0], [2]], X[:2], (3, 4)),
        ([[0, 1], [2, 2]], V[:2], (3, 3)),
    ],
    "scatter_update": [
        *((V, [[0], [0]], V[1:3]), (X, [[0, 1]], [9.0]), (X, [[2], [0]], X[:2])),
        *((V, [[0], [0]], V[1:3], r) for r in ("add", "mul", "MAX", "min")),
    ],
    "saturate_cast": [
        (X * 100, "uint8"),
        (X, "int8"),
        (np.array([300, -1]), "int8"),
        (X, "float64"),
    ],
    "rearrange": [
        *((IMAGES, "b h w c -> b c h w"), (IMAGES, "b h w c -> (b h) w c")),
        *((X, "a b -> b a"), (IMAGES, "b h w c -> b (c h w)")),
    ],
}

FACTORS = {
    "geomspace": 4,
    "logspace": 4,
    "cholesky_inverse": 10,
    "correlate": 4,
    "kaiser": 4,
    "trapezoid": 4,
    "vander": 4,
    "inv": 10,
    "lstsq": 40,
    "lu_factor": 10,
    "pinv": 20,
    "solve": 10,
    "norm": 4,
    "istft": 8,
    "normalize": 4,
    "psnr": 8,
    "moments": 4,
    "batch_normalization": 8,
    "layer_normalization": 8,
    "rms_normalization": 8,
    "sparse_categorical_crossentropy": 4,
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    for arguments in CALLS[name]:
        # Keras is stricter than it need be: it does not take lists everywhere.
        strict = [to_tensor(a) for a in arguments]
        done = compare(name, *arguments, factor=FACTORS.get(name, 1))
        assert done or compare(name, *strict, factor=FACTORS.get(name, 1)), (name, arguments)


def to_tensor(a: Any) -> Any:
    """Return lists of numbers as arrays, other arguments as they are."""
    first = a
    while isinstance(first, list) and first:
        first = first[0]
    if not isinstance(a, list) or not isinstance(first, (bool, int, float)):
        return a
    return np.asarray(a, {bool: bool, int: np.int32, float: f32}[type(first)])


def test_axes_of_rearrange() -> None:
    for pattern, lengths in (
        ("b (h1 h) (w1 w) c -> (b h1 w1) h w c", {"h1": 2, "w1": 2}),
        ("b (h h1) (w w1) c -> b h w (c h1 w1)", {"h1": 3, "w1": 2}),
    ):
        full = {**lengths, "h": 6 // lengths["h1"], "w": 4}
        assert compare("rearrange", IMAGES, pattern, **full)
        same(
            ops.rearrange(IMAGES, pattern, **lengths),
            keras.ops.rearrange(IMAGES, pattern, **full),
            pattern,
        )


def test_decompositions() -> None:
    """Signs of vectors are free: the products and the sizes of the elements are compared."""
    for x in (SQUARE, X, X.T, T3, STACK):
        for full in (False, True):
            found = ops.svd(x, full_matrices=full)
            expected = keras.ops.svd(x, full_matrices=full)
            assert [a.shape for a in found] == [tuple(a.shape) for a in expected]
            same(found[1], expected[1], "svd", 10)
            k = found[1].shape[-1]
            product = (found[0][..., :k] * found[1][..., None, :]) @ found[2][..., :k, :]
            np.testing.assert_allclose(product, x, atol=2e-5)
        assert compare("svd", x, compute_uv=False, factor=10)
        for mode in ("reduced", "complete"):
            q, r = ops.qr(x, mode=mode)
            eq, er = keras.ops.qr(x, mode=mode)
            same(np.abs(r).view(tensors.Tensor), keras.ops.abs(er), "qr", 40)
            assert q.shape == eq.shape
            np.testing.assert_allclose(q @ r, x, atol=2e-5)
    values, vectors = ops.eigh(SQUARE)
    expected = keras.ops.eigh(SQUARE)
    same(values, expected[0], "eigh", 10)
    same(np.abs(vectors).view(tensors.Tensor), keras.ops.abs(expected[1]), "eigh", 10)
    values, vectors = ops.eig(SQUARE + np.triu(SQUARE))
    expected = [np.asarray(a) for a in keras.ops.eig(SQUARE + np.triu(SQUARE))]
    assert values.dtype == vectors.dtype == expected[0].dtype == np.complex64
    np.testing.assert_allclose(np.sort(values.real), np.sort(expected[0].real), rtol=1e-5)
    np.testing.assert_allclose((SQUARE + np.triu(SQUARE)) @ vectors, vectors * values, atol=1e-4)


def both(name: str, run: Callable[[Any], Any]) -> None:
    """Compare a program that calls functions."""
    same(run(ops), run(keras.ops), name)


CALLING_FUNCTIONS = words("""
    cond switch while_loop fori_loop map vectorized_map scan associative_scan vectorize
""")


def test_functions_of_functions() -> None:
    both("cond", lambda o: o.cond(True, lambda: o.ones(1), lambda: o.zeros(1)))
    for index in (-1, 0, 1, 5):
        branches = [lambda x: x + 1, lambda x: x * 3]
        both("switch", lambda o, i=index, b=branches: o.switch(i, b, o.ones(2)))
    both("while_loop", lambda o: o.while_loop(lambda i: i < 5, lambda i: i + 2, 0))
    both(
        "while_loop",
        lambda o: o.while_loop(
            lambda i, x: i < 9, lambda i, x: (i + 2, x * 1.5), (0, 1.0), maximum_iterations=3
        ),
    )
    both("fori_loop", lambda o: o.fori_loop(0, 4, lambda i, x: x + i, 0))
    both("fori_loop", lambda o: o.fori_loop(0, 4, lambda i, x: x * 2.0, o.ones(2)))
    both("map", lambda o: o.map(lambda x: x * 2, X))
    both("map", lambda o: o.map(lambda x: {"a": x, "b": o.sum(x)}, X))
    both("map", lambda o: o.map(lambda x: x[0] + x[1], (X, X)))
    both("vectorized_map", lambda o: o.vectorized_map(lambda x: o.sum(x) + 1, X))
    for reverse in (False, True):
        back = {"reverse": reverse}
        both("scan", lambda o, b=back: o.scan(lambda c, x: (c + x, c * x), f32(0), V, **b))
        both("scan", lambda o, b=back: o.associative_scan(lambda x, y: x + y, V, **b))
    both("scan", lambda o: o.scan(lambda c, _: (c + 1, c), f32(0), length=3))

    def sum_and_max(o: Any) -> Any:
        combine = lambda a, b: [a[0] + b[0], o.maximum(a[1], b[1])]  # noqa: E731
        return o.associative_scan(combine, [X, X], axis=1)

    both("associative_scan", sum_and_max)

    def vectorized(o: Any) -> Any:
        # On TensorFlow, Keras has little more to offer than this.
        return o.vectorize(lambda x, y: o.sum(x) * y, signature="(n),()->()")(X[:1], V[:1])

    both("vectorize", vectorized)


@pytest.mark.parametrize("floatx", FLOATS)
def test_the_default_float_dtype(floatx: str) -> None:
    from scratchnn import config

    config.set_floatx(floatx)
    keras.config.set_floatx(floatx)
    for name, arguments in (
        *(("zeros", ((2,),)), ("ones", (2,)), ("full", ((2,), 3)), ("eye", (2,)), ("tri", (2,))),
        *(("exp", (I32,)), ("sin", (I32,)), ("mean", (I32,)), ("std", (I32,)), ("var", (I32,))),
        *(("divide", (I32, 2)), ("add", (I32, 0.5)), ("add", (1, 0.5)), ("add", (1, 2))),
        *(("convert_to_tensor", (1.5,)), ("arange", (3,)), ("arange", (3.0,)), ("floor", (I32,))),
        *(("linspace", (0, 1, 3)), ("one_hot", (I32, 3)), ("sqrt", ([4, 9],)), ("sum", (I32,))),
        *(("where", ([True], 1, 2.5)), ("quantile", (X, 0.3)), ("maximum", (1, 0.5))),
    ):
        assert compare(name, *arguments), name


def signature(function: Any) -> list[tuple[str, Any]]:
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]


PUBLIC = [name for name in dir(keras.ops) if not name.startswith("_")]


def test_signatures() -> None:
    for name in set(PUBLIC) - set(ops.MISSING):
        theirs = getattr(keras.ops, name)
        if callable(theirs):
            assert signature(getattr(ops, name)) == signature(theirs), name


@pytest.mark.parametrize("part", ["numpy", "nn", "linalg"])
def test_the_parts_have_the_same_names(part: str) -> None:
    ours, theirs = getattr(ops, part), getattr(keras.ops, part)
    names = {name for name in dir(theirs) if not name.startswith("_")}
    assert set(ours.__all__) | set(getattr(ours, "MISSING", ())) == names
    for name in set(ours.__all__):
        assert getattr(ops, name) is getattr(ours, name)


def test_no_op_is_missing() -> None:
    """Every name of keras.ops is compared by a test above, or is refused with a reason."""
    assert set(ops.__all__) | set(ops.MISSING) == set(PUBLIC)
    assert not set(ops.__all__) & set(ops.MISSING)
    for name, reason in ops.MISSING.items():
        with pytest.raises(NotImplementedError, match=f"ops.{name} is not supported, because"):
            getattr(ops, name)
        assert len(reason) > 20
    parts = {"numpy", "nn", "linalg", "image"}
    tables = (EVERYWHERE, WITH_DOMAIN, TWO, IN_A_RANGE, QUANTILES, CALLS, CALLING_FUNCTIONS)
    compared = {"svd", "qr", "eig", "eigh"}.union(*tables)
    assert set(ops.__all__) - parts == compared
