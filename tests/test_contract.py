"""The layer contract, rule by rule, for every row of the table in cases.py."""

from __future__ import annotations

import copy
import inspect
import tracemalloc

import numpy as np
import pytest
from cases import CASES, SEVERAL

from scratchnn import Context, Sequential, layers
from scratchnn.layers import Input, InputLayer, Layer


def cases(wanted=lambda case: True):
    found = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", found, ids=lambda case: case.name)


def is_a_layer_of_a_stack(case):
    return not isinstance(case.make(dtype=None), InputLayer)


every_case = cases()
both_modes = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


def run(layer, x, ctx, seed=1):
    """Return (y, dx, gradients) of one pass forward and back, as copies."""
    y = layer.forward(layer.cast(x), ctx)
    kept = y.copy()
    dy = np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype)
    dx = layer.backward(dy, ctx)
    return [kept, None if dx is None else dx.copy(), *(p.grad.copy() for p in trained(layer))]


def trained(layer):
    return layer.trainable_weights


def context(layer, training=False):
    return Context(training, layer.dtype)


def assert_same(found, expected, rtol=0.0, atol=0.0):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        if b is None:
            assert a is None
        else:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


# --- the table itself


def test_every_layer_has_a_row():
    classes = {
        value
        for value in vars(layers).values()
        if value not in (Layer, layers.Wrapper)
        and inspect.isclass(value)
        and issubclass(value, Layer)
    }
    rows = [*CASES, *SEVERAL]
    covered = {type(layer) for case in rows for layer in case.make(dtype=None).walk()}
    missing = sorted(cls.__name__ for cls in classes - covered)
    assert not missing, f"add rows to tests/cases.py for {missing}"


def test_names_of_rows_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


# --- shapes and dtypes


@every_case
@both_modes
def test_output_shape_is_what_compute_output_shape_says(case, training):
    layer, x = case.layer(), case.x()
    y = layer.forward(layer.cast(x), context(layer, training))
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *y.shape[1:])
    if is_a_layer_of_a_stack(case):
        assert layer.compute_output_shape(x.shape) == y.shape


@every_case
def test_output_shape_is_known_before_the_layer_is_built(case):
    built, unbuilt = case.layer(), case.make(dtype=None)
    shape = (None, *case.shape[1:])
    assert unbuilt.compute_output_shape(shape) == built.compute_output_shape(shape)


@every_case
@both_modes
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_are_those_of_the_layer(case, training, dtype):
    layer, x = case.layer(dtype), case.x(dtype=dtype)
    y, dx, *grads = run(layer, x, context(layer, training))
    if case.returns is not None:
        assert y.dtype == (dtype if case.returns == "layer" else case.returns)
    elif x.dtype.kind == "f" or layer.casts_integers:
        assert y.dtype == dtype
        assert dx is None or dx.dtype == dtype
    else:
        assert y.dtype == layer.output_dtype([x.dtype.name])
    assert all(w.dtype == dtype for w in layer.weights if w.dtype.kind == "f")
    assert all(grad.dtype == dtype for grad in grads)


@every_case
def test_gradients_have_the_shapes_of_what_they_are_for(case):
    layer, x = case.layer(), case.x()
    _, dx, *grads = run(layer, x, context(layer))
    assert dx is None or dx.shape == x.shape
    assert [grad.shape for grad in grads] == [w.shape for w in trained(layer)]
    if x.dtype.kind == "f" and case.gradient:
        assert dx is not None


# --- rule 1: forward never writes to x


@every_case
@both_modes
def test_forward_and_backward_leave_x_alone(case, training):
    layer, x = case.layer(), case.x()
    x = layer.cast(x)
    x.flags.writeable = False
    before = x.copy()
    run(layer, x, context(layer, training))
    layer(x, training=training)
    np.testing.assert_array_equal(x, before)


# --- rule 2: backward owns dy


@every_case
@both_modes
def test_gradients_do_not_live_in_dy(case, training):
    layer, x = case.layer(), case.x()
    ctx = context(layer, training)
    y = layer.forward(layer.cast(x), ctx)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    layer.backward(dy, ctx)
    before = [p.grad.copy() for p in trained(layer)]
    dy.fill(99)
    assert_same([p.grad for p in trained(layer)], before)


@every_case
@both_modes
def test_dy_may_have_any_memory_layout(case, training):
    layer, x = case.layer(), case.x()
    twin = copy.deepcopy(layer)
    ctx, other = context(layer, training), context(twin, training)
    y = layer.forward(layer.cast(x), ctx)
    twin.forward(twin.cast(x), other)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    spread = np.zeros((*y.shape, 2), y.dtype)[..., 0]
    spread[...] = dy
    dx, expected = layer.backward(spread, ctx), twin.backward(dy, other)
    tight = {"rtol": 1e-5, "atol": 1e-6}
    assert_same([dx], [expected], **tight)
    assert_same([p.grad for p in trained(layer)], [p.grad for p in trained(twin)], **tight)


# --- rule 3: gradients are assigned, not accumulated


@every_case
@both_modes
def test_gradients_are_assigned(case, training):
    layer, x = case.layer(), case.x()
    twin = copy.deepcopy(layer)
    for p in trained(layer):
        p.grad.fill(np.nan)
    assert_same(run(layer, x, context(layer, training)), run(twin, x, context(twin, training)))


@every_case
def test_backward_twice_gives_the_same_gradients(case):
    layer, x = case.layer(), case.x()
    ctx = context(layer)
    first = run(layer, x, ctx)
    assert_same(run(layer, x, ctx), first)


# --- rule 4: what backward needs lives in ctx


@every_case
@both_modes
def test_a_layer_can_be_used_twice(case, training):
    layer = case.layer()
    x1, x2 = case.x(seed=1), case.x(seed=2)
    # Twins draw the same random numbers in the same order, but see one use each go backward.
    only_first, only_second = copy.deepcopy(layer), copy.deepcopy(layer)
    expected_1 = run(only_first, x1, context(layer, training), seed=5)
    only_second.forward(only_second.cast(x1), context(layer, training))
    expected_2 = run(only_second, x2, context(layer, training), seed=6)

    ctx1, ctx2 = context(layer, training), context(layer, training)
    y1 = layer.forward(layer.cast(x1), ctx1)
    y2 = layer.forward(layer.cast(x2), ctx2)
    found = []
    for y, ctx, seed in ((y2, ctx2, 6), (y1, ctx1, 5)):
        kept = y.copy()
        dx = layer.backward(np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype), ctx)
        dx = None if dx is None else dx.copy()
        found.append([kept, dx, *(p.grad.copy() for p in trained(layer))])
    assert_same(found[0], expected_2)
    assert_same(found[1], expected_1)


@every_case
def test_a_layer_keeps_nothing_of_a_pass(case):
    layer, x = case.layer(), case.x()
    before = set(vars(layer))
    run(layer, x, context(layer, training=True))
    assert set(vars(layer)) == before


# --- rule 5: buffers


@every_case
@both_modes
def test_short_last_batch(case, training):
    layer = case.layer()
    samples = case.shape[0]
    twin = copy.deepcopy(layer)
    ctx = context(layer, training)
    for n, seed in ((samples, 1), (samples - 1, 2), (1, 3), (samples, 4)):
        x = case.x(n, seed)
        assert_same(run(layer, x, ctx), run(twin, x, context(twin, training)), 1e-5, 1e-6)


@every_case
def test_longer_batch_after_a_short_one(case):
    layer = case.layer()
    ctx = context(layer)
    run(layer, case.x(1), ctx)
    x = case.x(case.shape[0] + 3)
    assert_same(run(layer, x, ctx), run(layer, x, context(layer)))


@every_case
@both_modes
def test_results_of_a_call_are_arrays_of_their_own(case, training):
    layer, x1, x2 = case.layer(), case.x(seed=1), case.x(seed=2)
    weights = layer.get_weights()
    first = layer(x1, training=training)
    kept = first.copy()
    layer(x2, training=training)
    np.testing.assert_array_equal(first, kept)
    assert not np.may_share_memory(first, x1)
    before = x1.copy()
    first[...] = 0  # writing to it hurts nobody
    np.testing.assert_array_equal(x1, before)
    if not training:
        assert_same(layer.get_weights(), weights)
        np.testing.assert_array_equal(layer(x1, training=False), kept)


def test_results_are_not_the_weights():
    class Rows(Layer):
        """y_n = w_n, whatever x is."""

        def build(self, input_shape):
            self.w = self.add_weight(name="w", shape=(9, 2))

        def forward(self, x, ctx):
            return self.w.value[: len(x)]

    layer, x = Rows(), np.ones((4, 3), np.float32)
    model = Sequential([Input((3,)), layer])
    weights = layer.get_weights()
    for y in (layer(x), model.predict(x, verbose=0)):
        y[...] = 7
        assert_same(layer.get_weights(), weights)


@cases(is_a_layer_of_a_stack)
def test_predictions_are_arrays_of_their_own(case):
    layer = case.layer()
    model = Sequential([Input(case.shape[1:], dtype=case.dtype), layer])
    x1, x2 = case.x(7, seed=1), case.x(7, seed=2)
    first = model.predict(x1, batch_size=3, verbose=0)
    kept = first.copy()
    second = model.predict(x2, batch_size=3, verbose=0)
    np.testing.assert_array_equal(first, kept)
    assert not np.may_share_memory(first, second)
    assert not np.may_share_memory(first, x1)
    before = x1.copy()
    first[...] = 0
    np.testing.assert_array_equal(x1, before)
    np.testing.assert_array_equal(model.predict(x1, batch_size=3, verbose=0), kept)


@cases(lambda case: case.recycles)
@both_modes
def test_a_second_step_allocates_nothing_big(case, training):
    layer = case.layer()
    size = np.dtype(case.dtype).itemsize * np.prod(case.shape[1:], dtype=int)
    x = layer.cast(case.x(samples=2**18 // int(size)))
    ctx = context(layer, training)
    y = layer.forward(x, ctx)
    dy = np.ones_like(y)
    layer.backward(dy, ctx)
    # Let NumPy cast and broadcast in small pieces, so that what is left to see are arrays.
    pieces = np.setbufsize(16)
    tracemalloc.start()
    try:
        layer.forward(x, ctx)
        layer.backward(dy, ctx)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(pieces)
    assert peak < min(x.nbytes, y.nbytes) / 2


@cases(lambda case: case.recycles)
def test_full_and_short_batches_in_turn_allocate_nothing_big(case):
    layer = case.layer()
    size = np.dtype(case.dtype).itemsize * np.prod(case.shape[1:], dtype=int)
    x = layer.cast(case.x(samples=2**18 // int(size)))
    ctx = context(layer, training=True)
    dy = np.ones_like(layer.forward(x, ctx))
    layer.backward(dy, ctx)
    pieces = np.setbufsize(16)
    tracemalloc.start()
    try:
        for n in (len(x), len(x) - 1, len(x)):
            layer.forward(x[:n], ctx)
            layer.backward(dy[:n], ctx)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(pieces)
    assert peak < 0.9 * x.nbytes


def test_a_context_hands_out_the_same_memory():
    ctx = Context(dtype="float64")
    whole = ctx.buffer("y", (6, 4))
    assert whole.dtype == np.float64
    assert ctx.buffer("y", (6, 4)) is whole
    whole[...] = 7
    short = ctx.buffer("y", (5, 4))
    assert np.shares_memory(short, whole)
    assert (short == 7).all()
    assert np.shares_memory(ctx.buffer("y", (2, 3, 4)), whole)
    larger = ctx.buffer("y", (7, 4))
    assert not np.shares_memory(larger, whole)
    assert not np.shares_memory(ctx.buffer("z", (6, 4)), larger)
    assert ctx.buffer("mask", (2,), bool).dtype == bool


def test_a_context_says_what_it_does_not_keep():
    ctx = Context()
    ctx.x = 3
    assert ctx.x == 3
    with pytest.raises(AttributeError, match=r"keeps no 'y': a layer's forward\(x, ctx\) must"):
        ctx.y  # noqa: B018


# --- rule 6: dx


@every_case
@both_modes
def test_dx_is_none_when_nobody_needs_it(case, training):
    layer, x = case.layer(), case.x()
    twin = copy.deepcopy(layer)
    ctx = context(layer, training)
    ctx.needs_dx = False
    _, dx, *grads = run(layer, x, ctx)
    if case.name != "a layer of one's own":  # which may return it nevertheless
        assert dx is None
    assert_same(grads, run(twin, x, context(twin, training))[2:])


# --- batches


@cases(lambda case: case.per_sample)
def test_a_batch_is_its_samples(case):
    layer, x = case.layer(), case.x()
    ctx = context(layer)
    y = layer.forward(layer.cast(x), ctx).copy()
    dy = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    dx = layer.backward(dy.copy(), ctx)
    dx = None if dx is None else dx.copy()
    batch_grads = [p.grad.copy() for p in trained(layer)]
    sums = [np.zeros_like(grad) for grad in batch_grads]
    for i in range(len(x)):
        ctx = context(layer)
        one = layer.forward(layer.cast(x[i : i + 1]), ctx)
        np.testing.assert_allclose(one[0], y[i], rtol=1e-5, atol=1e-6)
        dx_one = layer.backward(dy[i : i + 1].copy(), ctx)
        if dx is not None:
            np.testing.assert_allclose(dx_one[0], dx[i], rtol=1e-5, atol=1e-6)
        for total, p in zip(sums, trained(layer), strict=True):
            total += p.grad
    # A gradient of the batch is the sum of those of its samples.
    assert_same(sums, batch_grads, rtol=1e-4, atol=1e-5)


@every_case
def test_an_empty_batch_gives_an_empty_output(case):
    layer, x = case.layer(), case.x()[:0]
    y = layer.forward(layer.cast(x), context(layer))
    assert y.shape == (0, *layer.compute_output_shape((None, *case.shape[1:]))[1:])


# --- weights


@every_case
def test_weights_are_named_after_their_layer(case):
    layer = case.layer()
    names = tuple(f"{inner.name}/" for inner in layer.walk())
    for weight in layer.weights:
        assert weight.path.startswith(names)
        assert weight.path.endswith(f"/{weight.name}")


@every_case
def test_frozen_weights_are_listed_as_such(case):
    layer = case.layer()
    own = len(layer.trainable_weights)
    layer.trainable = False
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == own


@cases(lambda case: not isinstance(case.make(dtype=None), Sequential | InputLayer))
def test_forget_build_and_build_again(case):
    layer, x = case.layer(), case.x()
    expected = layer(x, training=False)
    layer.forget_build()
    assert not layer.built
    assert layer.weights == []
    np.testing.assert_array_equal(layer(x, training=False), expected)
