"""Normalizations without TensorFlow: the contract, numbers by hand, moving statistics, errors."""

from __future__ import annotations

import numpy as np
import pytest
from cases_normalization import INFERENCE_CASES
from contract_checks import every_check

from scratchnn import Context, Sequential
from scratchnn.layers import Dense, Flatten, Input
from scratchnn.layers.batch_normalization import BatchNormalization
from scratchnn.layers.group_normalization import GroupNormalization
from scratchnn.layers.normalization import LayerNormalization, RMSNormalization, UnitNormalization
from scratchnn.layers.spectral_normalization import SpectralNormalization

RNG = np.random.default_rng(4)


@every_check(INFERENCE_CASES, inference_only=True)
def test_contract_in_inference(check):
    check()


def numbers(*shape):
    return RNG.normal(size=shape).astype("f") * 2 + 1


# --- what is computed


def test_batch_normalization_by_hand():
    layer = BatchNormalization(momentum=0.9)
    x = np.array([[1, 2], [3, 6], [5, 4]], "f")
    y = layer(x, training=True)
    mean, variance = x.mean(axis=0), x.var(axis=0)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-6)
    np.testing.assert_allclose(layer.moving_mean.value, 0.1 * mean, rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.value, 0.9 + 0.1 * variance, rtol=1e-6)
    layer.gamma.assign([2, 3])
    layer.beta.assign([1, -1])
    inference = (x - 0.1 * mean) / np.sqrt(0.9 + 0.1 * variance + 1e-3) * [2, 3] + [1, -1]
    np.testing.assert_allclose(layer(x), inference, rtol=1e-5)


def test_golden_numbers_of_batch_normalization():
    """From Keras 3.15.1: the variance that moves is the biased one."""
    layer = BatchNormalization()
    layer(np.array([[1, 2], [3, 6], [5, 4]], "f"), training=True)
    np.testing.assert_allclose(layer.moving_mean.value, [0.03, 0.04], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.value, [1.0166667] * 2, rtol=1e-7)


def test_one_sample_becomes_beta():
    layer = BatchNormalization(beta_initializer="ones")
    np.testing.assert_array_equal(layer(np.array([[5.0, -3.0]]), training=True), [[1, 1]])


def test_a_frozen_layer_uses_and_keeps_its_moving_statistics():
    layer = BatchNormalization(moving_mean_initializer="ones")
    layer.ensure_built((None, 3))
    layer.trainable = False
    before = layer.get_weights()
    x = numbers(8, 3)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    ctx = Context(training=True)
    y = layer.forward(x, ctx)
    dx = layer.backward(np.ones_like(y), ctx)
    np.testing.assert_allclose(dx, np.full_like(x, 1 / np.sqrt(1.001)), rtol=1e-6)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_a_mask_hides_does_not_count():
    mask = np.array([[True, True, False], [True, False, False]])
    x = numbers(2, 3, 4)
    other = x.copy()
    other[~mask] = np.nan
    layer, twin = BatchNormalization(), BatchNormalization()
    results = []
    for each, data in ((layer, x), (twin, other)):
        ctx = Context(training=True)
        ctx.in_mask = mask
        each.ensure_built(data.shape)
        results.append(each.forward(data, ctx).copy())
    np.testing.assert_array_equal(results[0][mask], results[1][mask])
    kept = x[mask]
    np.testing.assert_allclose(layer.moving_mean.value, 0.01 * kept.mean(axis=0), rtol=1e-5)
    variance = 0.99 + 0.01 * kept.var(axis=0)
    np.testing.assert_allclose(layer.moving_variance.value, variance, rtol=1e-5)
    np.testing.assert_array_equal(twin.moving_variance.value, layer.moving_variance.value)


def test_masked_gradients():
    """Against differences of the outputs, in float64."""
    mask = np.array([[True, True, False], [True, False, False]])
    layer = BatchNormalization(dtype="float64", gamma_initializer="he_normal")
    x = RNG.normal(size=(2, 3, 4))
    layer.ensure_built(x.shape)
    dy, direction = RNG.normal(size=x.shape), RNG.normal(size=x.shape)

    def forward(x):
        ctx = Context(True, "float64")
        ctx.in_mask = mask
        return layer.forward(x, ctx), ctx

    _, ctx = forward(x)
    dx = layer.backward(dy.copy(), ctx)
    above, below = (forward(x + h * direction)[0] for h in (1e-6, -1e-6))
    numeric = np.vdot(above - below, dy) / 2e-6
    assert numeric == pytest.approx(np.vdot(dx, direction), rel=1e-6)


def test_many_places_lose_few_bits():
    x, dy = numbers(64, 16, 16, 2), numbers(64, 16, 16, 2)
    found = []
    for dtype in ("float32", "float64"):
        layer = BatchNormalization(dtype=dtype)
        layer.ensure_built(x.shape)
        ctx = Context(True, dtype)
        layer.forward(x.astype(dtype), ctx)
        layer.backward(dy.astype(dtype), ctx)
        found.append([layer.beta.grad, layer.moving_mean.value, layer.moving_variance.value])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_layer_normalization_by_hand():
    x = numbers(3, 4, 5)
    for axis, axes in ((-1, (2,)), (1, (1,)), ([1, 2], (1, 2))):
        mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        expected = (x - mean) / np.sqrt(variance + 1e-3)
        np.testing.assert_allclose(LayerNormalization(axis)(x), expected, rtol=1e-4, atol=1e-6)


def test_group_normalization_by_hand():
    x = numbers(3, 4, 6)
    groups = x.reshape(3, 4, 2, 3)
    mean = groups.mean(axis=(1, 3), keepdims=True)
    variance = groups.var(axis=(1, 3), keepdims=True)
    expected = ((groups - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    np.testing.assert_allclose(GroupNormalization(2)(x), expected, rtol=1e-4, atol=1e-6)


def test_one_group_is_layer_normalization_and_as_many_as_channels_instance_normalization():
    x = numbers(3, 4, 6)
    flat = LayerNormalization(axis=[1, 2])(x)
    np.testing.assert_allclose(GroupNormalization(1)(x), flat, rtol=1e-4, atol=1e-6)
    each = LayerNormalization(axis=1)(x)
    np.testing.assert_allclose(GroupNormalization(-1)(x), each, rtol=1e-4, atol=1e-6)


def test_a_layer_without_fixed_places_may_see_more_of_them():
    for layer in (GroupNormalization(2), BatchNormalization(), LayerNormalization()):
        model = Sequential([Input((None, 4)), layer])
        for times in (3, 7):
            assert model.predict(numbers(2, times, 4), verbose=0).shape == (2, times, 4)


def test_rms_and_unit_normalization_by_hand():
    x = numbers(3, 4)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(UnitNormalization()(x), x / length, rtol=1e-6)
    np.testing.assert_allclose(RMSNormalization()(x), 2 * x / length, rtol=1e-5)


def test_a_sample_of_zeros_stays_as_it_is():
    layer, ctx = UnitNormalization(), Context()
    y = layer.forward(np.zeros((1, 3), "f"), ctx)
    np.testing.assert_array_equal(y, [[0, 0, 0]])
    np.testing.assert_allclose(layer.backward(np.ones((1, 3), "f"), ctx), [[1e12] * 3], rtol=1e-6)


def test_spectral_normalization_finds_the_largest_singular_value():
    layer = SpectralNormalization(Dense(4), power_iterations=50)
    layer.ensure_built((None, 6))
    kernel = layer.layer.kernel.value.copy()
    x = numbers(2, 6)
    layer(x)
    np.testing.assert_array_equal(layer.layer.kernel.value, kernel)
    y = layer(x, training=True)
    largest = np.linalg.svd(kernel, compute_uv=False)[0]
    np.testing.assert_allclose(layer.layer.kernel.value, kernel / largest, rtol=1e-4)
    np.testing.assert_allclose(y, x @ kernel / largest, rtol=1e-4, atol=1e-6)


def test_spectral_normalization_trains_its_layer():
    norm = SpectralNormalization(Dense(4, "tanh"))
    model = Sequential([Input((3, 2)), Flatten(), norm, Dense(1)])
    assert [w.name for w in norm.weights] == ["kernel", "vector_u", "bias"]
    assert len(norm.trainable_weights) == 2
    model.compile("sgd", "mse")
    before = norm.get_weights()
    model.train_on_batch(numbers(8, 3, 2), numbers(8, 1))
    for a, b in zip(before, norm.get_weights(), strict=True):
        assert not np.array_equal(a, b)
    zero = SpectralNormalization(Dense(2, kernel_initializer="zeros"))
    np.testing.assert_array_equal(zero(np.ones((1, 2)), training=True), [[0, 0]])


def test_axes_are_settled_by_building():
    layer = LayerNormalization(axis=(2, 1))
    assert layer.get_config()["axis"] == [2, 1]
    layer.ensure_built((None, 3, 4))
    assert layer.get_config()["axis"] == [1, 2]
    assert layer.gamma.shape == layer.beta.shape == (3, 4)
    groups = GroupNormalization(-1)
    groups.ensure_built((None, 6))
    assert groups.get_config()["groups"] == 6


# --- errors


def see(layer, *shape):
    layer.ensure_built(shape)


built = BatchNormalization(name="built")
built.ensure_built((None, 3))
rows = LayerNormalization(name="rows")
rows.ensure_built((None, 3))


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (lambda: BatchNormalization(axis=[1]), TypeError, r"`axis` to be an int. .*\[1\]"),
        (lambda: BatchNormalization(renorm=True), ValueError, "does not support renorm"),
        (lambda: BatchNormalization(renorm_clipping={}), ValueError, "support renorm_clipping"),
        (lambda: BatchNormalization(renorm_momentum=0.9), ValueError, "support renorm_momentum"),
        (lambda: BatchNormalization(synchronized=True), ValueError, "support synchronized"),
        (lambda: BatchNormalization(moment=0.9), ValueError, "Did you mean 'momentum'"),
        (lambda: see(BatchNormalization(axis=2), None, 3), ValueError, r"the axes \[2\]"),
        (lambda: see(BatchNormalization(), None, None), ValueError, "to have fixed sizes"),
        (lambda: see(built, None, 4), ValueError, "'built' expected 3 channels on axis -1"),
        (lambda: GroupNormalization(0), ValueError, r"positive whole number of groups.*groups=0"),
        (lambda: GroupNormalization(2.0), ValueError, "positive whole number of groups"),
        (lambda: see(GroupNormalization(5), None, 4), ValueError, "5 groups to divide .* 4 chan"),
        (lambda: see(GroupNormalization(3), None, 4), ValueError, "3 groups to divide .* 4 chan"),
        (lambda: see(GroupNormalization(1, axis=0), 2, 4), ValueError, "not to be that of the bat"),
        (lambda: LayerNormalization(axis="a"), TypeError, "`axis` to be an int or a list"),
        (lambda: LayerNormalization(rms_scaling=True), ValueError, "does not support rms_scaling"),
        (lambda: see(LayerNormalization(axis=5), None, 3), ValueError, r"the axes \[5\]"),
        (lambda: see(LayerNormalization([1, -1]), None, 3), ValueError, "expected different axes"),
        (lambda: see(rows, None, 4), ValueError, r"'rows' expected the sizes \(3,\)"),
        (lambda: RMSNormalization(axis=1.5), TypeError, "`axis` to be an int or a list"),
        (lambda: see(RMSNormalization(axis=1), None, 3, 4), ValueError, "to be the last axes"),
        (lambda: see(RMSNormalization([-1, 1]), None, 3, 4), ValueError, "to be the last axes"),
        (lambda: UnitNormalization(axis=None), TypeError, "`axis` to be an int or a list"),
        (lambda: see(UnitNormalization(axis=3), None, 3), ValueError, r"the axes \[3\]"),
        (lambda: SpectralNormalization("dense"), ValueError, r"a layer to wrap.*'dense'"),
        (lambda: SpectralNormalization(Dense(2), 0), ValueError, "`power_iterations`"),
        (lambda: see(SpectralNormalization(Flatten()), None, 3), ValueError, "a kernel or embed"),
    ],
)
def test_errors(action, error, text):
    with pytest.raises(error, match=text):
        action()


@pytest.mark.parametrize("training", [False, True])
def test_a_mask_of_another_rank(training):
    ctx = Context(training)
    ctx.in_mask = np.ones((2, 3, 4), bool)
    built_for_sequences = BatchNormalization()
    built_for_sequences.ensure_built((None, 3, 4))
    with pytest.raises(ValueError, match="a mask of one axis less than its input"):
        built_for_sequences.forward(numbers(2, 3, 4), ctx)


def test_a_mask_of_other_sizes():
    with pytest.raises(ValueError, match=r"of shape \(2, 3\). Received: a mask of shape \(2, 2\)"):
        BatchNormalization()(numbers(2, 3, 4), mask=np.ones((2, 2), bool))
