"""Merging and joining without TensorFlow: the contract for several inputs, values, masks, errors.

The numbers under "values" are Keras's.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from cases_merging import CASES, ELEMENTWISE
from contract_checks import assert_same

from scratchnn import Context
from scratchnn.layers import merging
from scratchnn.layers.joining import Concatenate, Dot, concatenate, dot
from scratchnn.layers.merging import Add, Average, Maximum, Minimum, Multiply, Subtract


def cases(wanted=lambda case: True):
    found = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", found, ids=lambda case: case.name)


every_case = cases()


def run(layer, x, ctx, seed=1):
    """Return copies of the output and of the input gradients of one pass."""
    y = layer.forward(x, ctx)
    kept = y.copy()
    dy = np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype)
    return [kept, *(dx.copy() for dx in layer.backward(dy, ctx))]


# --- the contract


@every_case
def test_gradients(case):
    layer, x = case.layer("float64"), case.inputs(dtype="float64")
    ctx = case.context("float64")
    projection = np.random.default_rng(2).normal(size=layer.forward(x, ctx).shape)
    dxs = [dx.copy() for dx in layer.backward(projection.copy(), ctx)]
    rng = np.random.default_rng(4)
    for array, dx in zip(x, dxs, strict=True):
        assert dx.shape == array.shape
        kept, direction, f = array.copy(), rng.normal(size=array.shape), []
        for step in (1e-6, -1e-6):
            array[...] = kept + step * direction
            f.append(np.vdot(layer.forward(x, case.context("float64")), projection))
        array[...] = kept
        numeric, analytic = (f[0] - f[1]) / 2e-6, np.vdot(dx, direction)
        assert abs(numeric - analytic) < 1e-6 * max(1, np.linalg.norm(dx), abs(numeric))


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes(case, dtype):
    layer, x = case.layer(dtype), case.inputs(dtype=dtype)
    y, *dxs = run(layer, x, case.context(dtype))
    shapes = [(None, *shape[1:]) for shape in case.shapes]
    assert layer.compute_output_shape(shapes) == (None, *y.shape[1:])
    assert layer.compute_output_shape(list(case.shapes)) == y.shape
    assert case.make(dtype=None).compute_output_shape(shapes) == (None, *y.shape[1:])
    assert [dx.shape for dx in dxs] == list(case.shapes)
    assert {array.dtype for array in (y, *dxs)} == {np.dtype(dtype)}
    assert layer.output_dtype([dtype] * len(x)) == dtype


@every_case
def test_inputs_are_left_alone_and_gradients_have_memory_of_their_own(case):
    layer, x = case.layer(), case.inputs()
    before = [array.copy() for array in x]
    for array in x:
        array.flags.writeable = False
    ctx = case.context()
    y = layer.forward(x, ctx)
    dxs = layer.backward(np.ones_like(y), ctx)
    assert_same(x, before)
    for i, dx in enumerate(dxs):
        assert dx.flags.writeable
        for other in (*x, *dxs[:i]):
            assert not np.may_share_memory(dx, other)


@every_case
def test_a_layer_can_be_used_twice(case):
    layer, x1, x2 = case.layer(), case.inputs(seed=1), case.inputs(seed=2)
    first = run(layer, x1, case.context(), seed=5)
    second = run(layer, x2, case.context(), seed=6)
    before = set(vars(layer))
    ctx1, ctx2 = case.context(), case.context()
    y1, y2 = layer.forward(x1, ctx1), layer.forward(x2, ctx2)
    assert_same([y1, y2], [first[0], second[0]])
    for y, ctx, seed, (_, *expected) in ((y2, ctx2, 6, second), (y1, ctx1, 5, first)):
        dy = np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype)
        assert_same(layer.backward(dy, ctx), expected)
    assert set(vars(layer)) == before


@cases(lambda case: not case.masks)
def test_the_same_context_again_and_with_a_short_batch(case):
    layer, x, ctx = case.layer(), case.inputs(), case.context()
    first = run(layer, x, ctx)
    short = [array[:2] for array in x]
    assert_same(run(layer, short, ctx), run(layer, short, case.context()))
    assert_same(run(layer, x, ctx), first)


@cases(lambda case: not case.masks)
def test_a_batch_is_its_samples(case):
    layer, x = case.layer(), case.inputs()
    y, *dxs = run(layer, x, case.context())
    dy = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    for i in range(len(y)):
        ctx = case.context()
        one = [array[i : i + 1] for array in x]
        np.testing.assert_allclose(layer.forward(one, ctx)[0], y[i], rtol=1e-5, atol=1e-6)
        for dx, whole in zip(layer.backward(dy[i : i + 1].copy(), ctx), dxs, strict=True):
            np.testing.assert_allclose(dx[0], whole[i], rtol=1e-5, atol=1e-6)


@every_case
def test_nobody_needs_dx(case):
    layer, ctx = case.layer(), case.context()
    ctx.needs_dx = False
    y = layer.forward(case.inputs(), ctx)
    assert layer.backward(np.ones_like(y), ctx) is None


@every_case
def test_dy_may_have_any_memory_layout(case):
    layer, x = case.layer(), case.inputs()
    ctx, other = case.context(), case.context()
    y = layer.forward(x, ctx)
    layer.forward(x, other)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    spread = np.zeros((*y.shape, 2), y.dtype)[..., 0]
    spread[...] = dy
    assert_same(layer.backward(spread, ctx), layer.backward(dy, other), rtol=1e-5, atol=1e-6)


@cases(lambda case: not case.masks)
def test_an_empty_batch(case):
    layer = case.layer()
    y = layer.forward(case.inputs(0), case.context())
    assert y.shape == (0, *layer.compute_output_shape(list(case.shapes))[1:])


@cases(lambda case: case.recycles)
def test_a_second_step_allocates_nothing_big(case):
    layer, ctx = case.layer(), case.context()
    x = case.inputs(2000)
    dy = np.ones_like(layer.forward(x, ctx))
    layer.backward(dy, ctx)
    pieces = np.setbufsize(16)
    tracemalloc.start()
    try:
        for n in (2000, 1999, 2000):
            layer.forward([array[:n] for array in x], ctx)
            layer.backward(dy[:n], ctx)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(pieces)
    assert peak < min(dy.nbytes, *(array.nbytes for array in x)) / 2


@every_case
def test_configs(case):
    layer = case.layer()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again.build_from_config(layer.get_build_config())
    assert again.built
    assert again.get_build_config() == layer.get_build_config()


# --- values

A = np.array([[[1, 2], [3, 4], [5, 6]]], "f")
B = np.array([[[2, 2], [3, 1], [0, 9]]], "f")
MASK_A, MASK_B = np.array([[1, 0, 0]], bool), np.array([[1, 1, 0]], bool)


@pytest.mark.parametrize(
    ("cls", "masks", "y", "da", "db"),
    [
        (Maximum, None, [2, 2, 3, 4, 5, 9], [0, 2, 3, 4, 5, 0], [1, 0, 0, 0, 0, 6]),
        (Maximum, [1, 1], [2, 2, 3, 1, 5, 6], [0, 2, 0, 0, 5, 6], [1, 0, 3, 4, 0, 0]),
        (Maximum, [1, 0], [2, 2, 3, 1, 0, 9], [0, 2, 0, 0, 0, 0], [1, 0, 3, 4, 5, 6]),
        (Maximum, [0, 1], [2, 2, 3, 4, 5, 6], [0, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0]),
        (Minimum, None, [1, 2, 3, 1, 0, 6], [1, 2, 3, 0, 0, 6], [0, 0, 0, 4, 5, 0]),
        (Minimum, [1, 1], [1, 2, 3, 1, 5, 6], [1, 2, 0, 0, 5, 6], [0, 0, 3, 4, 0, 0]),
        (Minimum, [0, 1], [1, 2, 3, 1, 5, 6], [1, 2, 3, 0, 5, 6], [0, 0, 0, 4, 0, 0]),
        (Multiply, None, [2, 4, 9, 4, 0, 54], [2, 4, 9, 4, 0, 54], [1, 4, 9, 16, 25, 36]),
        (Multiply, [1, 1], [2, 4, 3, 1, 0, 0], [2, 4, 0, 0, 0, 0], [1, 4, 3, 4, 0, 0]),
        (Multiply, [1, 0], [2, 4, 3, 1, 0, 9], [2, 4, 0, 0, 0, 0], [1, 4, 3, 4, 5, 6]),
        (Multiply, [0, 1], [2, 4, 9, 4, 5, 6], [2, 4, 9, 4, 5, 6], [1, 4, 9, 16, 0, 0]),
        (Add, None, [3, 4, 6, 5, 5, 15], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        (
            Average,
            None,
            [1.5, 2, 3, 2.5, 2.5, 7.5],
            [0.5, 1, 1.5, 2, 2.5, 3],
            [0.5, 1, 1.5, 2, 2.5, 3],
        ),
        (Subtract, None, [-1, 0, 0, 3, 5, -3], [1, 2, 3, 4, 5, 6], [-1, -2, -3, -4, -5, -6]),
    ],
)
def test_values_ties_and_masks(cls, masks, y, da, db):
    """For dy = 1, 2, ... 6. `masks` says which of the two inputs has one."""
    layer, ctx = cls(), Context()
    if masks:
        ctx.in_mask = [
            m if wanted else None for m, wanted in zip((MASK_A, MASK_B), masks, strict=True)
        ]
    found = layer.forward([A, B], ctx)
    np.testing.assert_array_equal(found.ravel(), y)
    dxs = layer.backward(np.arange(1, 7, dtype="f").reshape(A.shape), ctx)
    np.testing.assert_array_equal(dxs[0].ravel(), da)
    np.testing.assert_array_equal(dxs[1].ravel(), db)


def test_concatenate():
    y = concatenate([A, B], axis=1)
    np.testing.assert_array_equal(y, np.concatenate([A, B], 1))
    np.testing.assert_array_equal(Concatenate()([A, B])[0, 1], [3, 4, 3, 1])
    ctx = Context()
    layer = Concatenate(0)
    assert layer.forward([A, np.concatenate([B, B])], ctx).shape == (3, 3, 2)
    assert [dx.shape for dx in layer.backward(np.ones((3, 3, 2), "f"), ctx)] == [
        (1, 3, 2),
        (2, 3, 2),
    ]


def test_dot():
    a, b = np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])
    assert dot([a, b], axes=1).tolist() == [[3]]
    layer, ctx = Dot(1, normalize=True, dtype="float64"), Context(dtype="float64")
    np.testing.assert_allclose(layer.forward([a, b], ctx), [[0.6]])
    da, db = layer.backward(np.ones((1, 1)), ctx)
    np.testing.assert_allclose(da, [[0.128, -0.096]])
    np.testing.assert_allclose(db, [[0, 0.8]])


def test_a_vector_of_zeros_has_a_cosine_of_zero_and_a_gradient():
    layer, ctx = Dot(1, normalize=True), Context()
    y = layer.forward([np.zeros((1, 2), "f"), np.array([[3, 4]], "f")], ctx)
    assert y == 0
    da, db = layer.backward(np.ones_like(y), ctx)
    np.testing.assert_allclose(da, [[6e6, 8e6]], rtol=1e-6)  # 1 / epsilon times the other one
    assert not db.any()


@pytest.mark.parametrize("name", [*ELEMENTWISE, "subtract"])
def test_functions(name):
    cls = {**ELEMENTWISE, "subtract": Subtract}[name]
    function = getattr(merging, name)
    np.testing.assert_array_equal(function([A, B], name="mine"), cls()([A, B]))


@pytest.mark.parametrize(
    ("cls", "dtypes", "expected"),
    [
        (Add, ("int32", "int32"), "int32"),
        (Add, ("int32", "float32"), "float32"),
        (Multiply, ("uint8", "int8"), "int16"),
        (Maximum, ("int64", "int32"), "int64"),
        (Average, ("int32", "int32"), "float32"),
        (Concatenate, ("uint8", "float32"), "float32"),
    ],
)
def test_dtypes(cls, dtypes, expected):
    xs = [x.astype(dtype) for x, dtype in zip((A, B), dtypes, strict=True)]
    layer = cls()
    y = layer(xs)
    assert y.dtype == expected == layer.output_dtype(dtypes)
    np.testing.assert_array_equal(y, cls()([A, B]))


def test_integers_have_no_gradient():
    ctx = Context()
    for layer in (Add(), Multiply(), Minimum(), Concatenate()):
        y = layer.forward([A, B.astype(int)], ctx)
        da, db = layer.backward(np.ones(y.shape, "f"), ctx)
        assert da.shape == A.shape
        assert db is None
        y = layer.forward([A.astype(int)] * 2, Context())
        assert layer.backward(np.ones_like(y), ctx) is None
    layer = Average()
    y = layer.forward([A.astype(int)] * 2, ctx)
    assert layer.backward(np.ones_like(y), ctx) == [None, None]


# --- masks of the output


def test_masks():
    for cls in (Add, Average, Subtract, Multiply, Maximum, Minimum):
        layer = cls()
        assert layer.supports_masking
        np.testing.assert_array_equal(layer.compute_mask([A, B], [MASK_A, MASK_B]), [[1, 1, 0]])
        assert layer.compute_mask([A, B], [MASK_A, None]) is None
        assert layer.compute_mask([A, B], None) is None
    assert Dot(1).supports_masking
    assert Dot(1).compute_mask([A, B], [MASK_A, MASK_B]) is None


def test_masks_of_concatenations():
    layer = Concatenate()
    np.testing.assert_array_equal(layer.compute_mask([A, B], [MASK_A, MASK_B]), [[1, 1, 0]])
    np.testing.assert_array_equal(layer.compute_mask([A, B], [MASK_A, None]), [[1, 1, 1]])
    assert layer.compute_mask([A, B], [None, None]) is None
    assert layer.compute_mask([A, B], None) is None
    over_time = Concatenate(axis=1).compute_mask([A, B], [MASK_A, None])
    np.testing.assert_array_equal(over_time, [[1, 0, 0, 1, 1, 1]])


# --- errors


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (Add(), [(4, 3), (4, 2)], r"sizes are equal, or 1.*samples of shapes \(3,\) and \(2,\)"),
        (Add(), [(4, 3), (5, 3)], r"one batch size. Received: shapes \[\(4, 3\), \(5, 3\)\]"),
        (Add(), [], "expected the shapes of a list of inputs. Received: "),
        (Add(), (4, 3), r"expected the shapes of a list of inputs. Received: \(4, 3\)"),
        (Subtract(), [(4, 3)] * 3, "expected exactly 2 inputs. Received: 3"),
        (Dot(1), [(4, 3)], "expected exactly 2 inputs. Received: 1"),
        (Concatenate(), [(4, 3), (4, 2, 3)], "equal shapes except along its axis=-1"),
        (Concatenate(1), [(4, 3, 2), (4, 2, 3)], "equal shapes except along its axis=1"),
        (Concatenate(2), [(4, 3), (4, 3)], "equal shapes except along its axis=2"),
        (Dot(1), [(4, 3), (4, 2)], "one size on their axes=1"),
        (Dot(1), [(4, 3), (5, 3)], "one batch size"),
        (Dot(0), [(4, 3), (4, 3)], "other than the batch axis"),
        (Dot((1, 2)), [(4, 3), (4, 3)], r"with the axes=\(1, 2\)"),
        (Dot(-2), [(4, 3), (4, 3)], "other than the batch axis"),
    ],
)
def test_shapes_that_do_not_fit(layer, shapes, message):
    with pytest.raises(ValueError, match=message):
        layer.ensure_built(shapes)
    assert not layer.built


def test_one_array_is_no_list():
    for layer in (Add(), Concatenate(), Dot(1)):
        with pytest.raises(
            ValueError, match=r"expected a list of inputs, such as .* Received: ndarray"
        ):
            layer(A)


@pytest.mark.parametrize("axes", ["1", 1.5, None])
def test_axes_of_another_type(axes):
    with pytest.raises(TypeError, match="Dot expected `axes` to be a whole number or two of them"):
        Dot(axes)


@pytest.mark.parametrize("axes", [(1,), (1, 2, 3), (1, 2.0), ((1, 2), 1)])
def test_axes_of_another_form(axes):
    with pytest.raises(ValueError, match="Dot expected `axes` to be a whole number or two of them"):
        Dot(axes)


def test_unknown_sizes():
    assert Add().compute_output_shape([(None, None, 3), (None, 5, 1)]) == (None, None, 3)
    assert Add().compute_output_shape([(None, 3), (4, 3)]) == (4, 3)
    assert Add().compute_output_shape([(None, 3), (None, 5, 1)]) == (None, 5, 3)
    assert Concatenate(1).compute_output_shape([(None, None, 3), (None, 5, 3)]) == (None, None, 3)
    assert Concatenate().compute_output_shape([(None, None, 3), (None, 5, 3)]) == (None, None, 6)
    assert Dot((2, 2)).compute_output_shape([(None, 4, 3), (None, None, 3)]) == (None, 4, None)
