"""Losses: values worked out by hand, reductions, weights, shapes, identifiers, and one's own."""

from __future__ import annotations

import inspect
import json
import textwrap
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases import example
from labels import label

import scratchnn as keras
from scratchnn import Context, Input, Sequential, config, losses
from scratchnn.arrays import Tensor
from scratchnn.layers import Activation, Dense
from scratchnn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    as_loss,
)
from scratchnn.losses import base as losses_base
from scratchnn.losses.base import REDUCTIONS
from scratchnn.optimizers import SGD

Quartic = example(losses_base)["Quartic"]
GOLDEN = json.loads((Path(__file__).parent / "data/losses.json").read_text())
CLASSES = {
    name: cls
    for name, cls in vars(losses).items()
    if inspect.isclass(cls) and issubclass(cls, Loss) and name in losses.__all__
}
del CLASSES["Loss"], CLASSES["CTC"]


def log(x):
    return float(np.log(x))


# --- values


def test_mean_squared_error():
    loss = MeanSquaredError()
    assert float(loss([[0.0, 2.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 4.0]])) == 3.5  # (2.5 + 4.5) / 2


def test_mean_absolute_error():
    loss = MeanAbsoluteError()
    assert float(loss([[0.0, 2.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 4.0]])) == 1.5


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.9])
def test_binary_crossentropy(probability):
    loss = BinaryCrossentropy()
    assert float(loss([[1.0]], [[probability]])) == pytest.approx(-log(probability), rel=1e-5)
    assert float(loss([[0.0]], [[probability]])) == pytest.approx(-log(1 - probability), rel=1e-5)
    logit = log(probability / (1 - probability))
    loss = BinaryCrossentropy(from_logits=True)
    assert float(loss([[1.0]], [[logit]])) == pytest.approx(-log(probability), rel=1e-5)


def test_binary_crossentropy_is_the_mean_over_the_last_axis():
    values = BinaryCrossentropy(reduction=None)([[1.0, 0.0]], [[0.5, 0.75]])
    np.testing.assert_allclose(values, [-(log(0.5) + log(0.25)) / 2], rtol=1e-6)


def test_binary_crossentropy_of_certain_mistakes_is_cut_as_in_keras():
    loss = BinaryCrossentropy()
    assert float(loss([[0.0]], [[1.0]])) == pytest.approx(15.942385, abs=1e-5)
    assert float(loss([[1.0]], [[0.0]])) == pytest.approx(16.118095, abs=1e-5)
    assert float(loss([[1.0]], [[1.0]])) == pytest.approx(1.19e-7, rel=0.01)


def test_binary_crossentropy_of_large_logits_is_exact():
    loss = BinaryCrossentropy(from_logits=True)
    assert float(loss([[0.0]], [[200.0]])) == 200
    assert float(loss([[1.0]], [[200.0]])) == 0
    assert float(loss([[1.0]], [[-200.0]])) == 200


def test_categorical_crossentropy():
    loss = CategoricalCrossentropy()
    assert float(loss([[0, 1, 0]], [[0.2, 0.7, 0.1]])) == pytest.approx(-log(0.7), rel=1e-5)
    # Probabilities are divided by their sum first.
    assert float(loss([[0, 1, 0]], [[0.4, 1.4, 0.2]])) == pytest.approx(-log(0.7), rel=1e-5)
    logits = np.log([[0.2, 0.7, 0.1]]) + 3
    loss = CategoricalCrossentropy(from_logits=True)
    assert float(loss([[0, 1, 0]], logits)) == pytest.approx(-log(0.7), rel=1e-5)


def test_categorical_crossentropy_of_soft_targets():
    value = float(CategoricalCrossentropy()([[0.5, 0.5]], [[0.25, 0.75]]))
    assert value == pytest.approx(-(log(0.25) + log(0.75)) / 2, rel=1e-5)


def test_categorical_crossentropy_along_another_axis():
    y = np.eye(3)[[0, 2]].T[np.newaxis]  # (1, 3 classes, 2)
    p = np.array([[0.2, 0.7, 0.1], [0.3, 0.3, 0.4]]).T[np.newaxis]
    values = CategoricalCrossentropy(axis=1, reduction=None)(y, p)
    np.testing.assert_allclose(values, [[-log(0.2), -log(0.4)]], rtol=1e-5)


def test_sparse_categorical_crossentropy():
    loss = SparseCategoricalCrossentropy()
    assert float(loss([1], [[0.2, 0.7, 0.1]])) == pytest.approx(-log(0.7), rel=1e-5)
    # Probabilities are cut first, and divided by their sum then: here 0.2 / (0.4 + 1 + 0.2).
    assert float(loss([2], [[0.4, 1.4, 0.2]])) == pytest.approx(log(8), rel=1e-5)
    loss = SparseCategoricalCrossentropy(from_logits=True)
    assert float(loss([1], np.log([[0.2, 0.7, 0.1]]))) == pytest.approx(-log(0.7), rel=1e-5)
    assert float(loss([2], [[200.0, 0.0, -200.0]])) == 400


def test_sparse_and_categorical_agree():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, (6, 4))
    p /= p.sum(axis=-1, keepdims=True)
    labels = rng.integers(0, 4, 6)
    np.testing.assert_allclose(
        losses.sparse_categorical_crossentropy(labels, p),
        losses.categorical_crossentropy(np.eye(4)[labels], p),
        rtol=1e-5,
    )


def test_label_smoothing():
    smooth = CategoricalCrossentropy(label_smoothing=0.3)([[0.0, 1.0, 0.0]], [[0.2, 0.7, 0.1]])
    plain = CategoricalCrossentropy()([[0.1, 0.8, 0.1]], [[0.2, 0.7, 0.1]])
    assert float(smooth) == pytest.approx(float(plain), rel=1e-5)
    smooth = BinaryCrossentropy(label_smoothing=0.2)([[1.0, 0.0]], [[0.7, 0.4]])
    plain = BinaryCrossentropy()([[0.9, 0.1]], [[0.7, 0.4]])
    assert float(smooth) == pytest.approx(float(plain), rel=1e-5)


def test_ignored_labels_count_nothing():
    p = [[0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8]]
    loss = SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(loss([1, -1, 2], p)) == pytest.approx(-(log(0.7) + log(0.8)) / 2, rel=1e-5)
    assert float(loss([-1, -1, -1], p)) == 0
    values = SparseCategoricalCrossentropy(ignore_class=-1, reduction=None)([1, -1, 2], p)
    assert values[1] == 0


def test_epsilon_is_the_one_that_is_set():
    config.set_epsilon(1e-3)
    assert float(BinaryCrossentropy()([[1.0]], [[0.0]])) == pytest.approx(-log(1e-3), rel=1e-4)


def value_and_gradient(loss, y, p, weight=None):
    """Return the reduced loss of one batch, and its gradient."""
    ctx = Context(dtype=p.dtype)
    with np.errstate(all="ignore"):
        value = loss.reduce(loss.forward(loss.prepare(y, p.shape), p, ctx), weight, ctx)
        return value, loss.reduced_gradient(ctx)


@pytest.mark.parametrize(
    "case", GOLDEN["cases"], ids=lambda c: f"{c['loss']} {c['options']} {c['y']}-{c['p']}"
)
def test_numbers_of_keras(case):
    y, p, weight = (np.array(GOLDEN["inputs"][key]) for key in (case["y"], case["p"], "weights"))
    p = p.astype(np.float32)
    make = partial(CLASSES[case["loss"]], **case["options"])

    def close(found, expected):
        size = np.abs(expected)[np.isfinite(expected)].max(initial=0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * size)

    value, gradient = value_and_gradient(make(), y, p)
    close(value, case["value"])
    close(gradient, case["gradient"])
    close(make()(y, p), case["value"])
    close(make()(y, p, sample_weight=weight), case["weighted"])
    close(make(reduction="none")(y, p), case["values"])


def test_huber_is_a_parabola_and_then_a_line():
    p = np.array([[0.5, -2.0, 1e30]], np.float32)
    value, gradient = value_and_gradient(losses.Huber(2.0), np.zeros((1, 3)), p)
    assert value == pytest.approx((0.125 + 2 + 2e30) / 3)
    np.testing.assert_allclose(gradient, np.array([[0.5, -2, 2]]) / 3, rtol=1e-6)


def test_log_cosh_does_not_overflow():
    p = np.array([[-1e6, 0.0, 1e6]], np.float32)
    value, gradient = value_and_gradient(losses.LogCosh(), np.zeros((1, 3)), p)
    assert value == pytest.approx(2e6 / 3)
    np.testing.assert_allclose(gradient, np.array([[-1, 0, 1]]) / 3, rtol=1e-6)


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge"])
def test_hinges_take_zeros_and_ones_for_signs_if_a_batch_has_no_other_label(name):
    loss, p = CLASSES[name](), np.array([[0.5], [0.5]], np.float32)
    assert float(loss([[0], [1]], p)) == float(loss([[-1], [1]], p))
    # In this batch 0 is a number of its own, of which no prediction is far.
    values = CLASSES[name](reduction=None)([[0], [-1]], p)
    np.testing.assert_allclose(values, [1, 1.5 if name == "Hinge" else 2.25])


def test_a_hinge_has_its_slope_up_to_the_hinge_itself():
    p = np.array([[1.0, 1.5, -1.0]], np.float32)
    _, gradient = value_and_gradient(losses.Hinge(), np.array([[1, 1, -1]]), p)
    np.testing.assert_allclose(gradient, np.array([[-1, 0, 1]]) / 3, rtol=1e-6)


def test_equal_scores_share_the_slope_of_a_categorical_hinge():
    p = np.array([[0.0, 0.5, 0.5]], np.float32)
    value, gradient = value_and_gradient(losses.CategoricalHinge(), np.array([[1, 0, 0]]), p)
    assert value == 1.5
    np.testing.assert_array_equal(gradient, [[-1, 0.5, 0.5]])


def test_cosine_of_a_vector_without_direction_is_zero():
    p = np.array([[0.0, 0.0]], np.float32)
    value, gradient = value_and_gradient(losses.CosineSimilarity(), np.array([[0.6, 0.8]]), p)
    assert value == 0
    np.testing.assert_allclose(gradient, [[-0.6e7, -0.8e7]], rtol=1e-6)


def test_focal_losses_with_gamma_zero_are_crossentropies():
    y, p = np.array([[1.0, 0, 0], [0, 0, 1.0]]), np.array([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]])
    assert float(losses.BinaryFocalCrossentropy(gamma=0)(y, p)) == pytest.approx(
        float(BinaryCrossentropy()(y, p))
    )
    assert float(losses.CategoricalFocalCrossentropy(1, 0)(y, p)) == pytest.approx(
        float(CategoricalCrossentropy()(y, p))
    )


def test_class_balancing():
    loss = losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.9)
    plain = losses.BinaryFocalCrossentropy()
    assert float(loss([[1]], [[0.3]])) == pytest.approx(0.9 * float(plain([[1]], [[0.3]])))
    assert float(loss([[0]], [[0.3]])) == pytest.approx(0.1 * float(plain([[0]], [[0.3]])))


def test_dice_and_tversky():
    y, p = [[1, 1, 0, 0]], [[1, 0, 1, 0]]
    assert float(losses.Dice()(y, p)) == pytest.approx(0.5)
    assert float(losses.Tversky(1, 0)(y, p)) == pytest.approx(0.5)
    assert float(losses.Tversky(3, 0)(y, p)) == pytest.approx(0.75)  # what is missed weighs more
    assert float(losses.Tversky()(np.ones((2, 2)), np.ones((2, 2)))) == pytest.approx(0, abs=1e-6)
    assert float(losses.Dice()([[0.0]], [[0.0]])) == 1
    y, p = np.eye(2)[[[0, 1], [1, 1]]], np.eye(2)[[[0, 1], [0, 0]]]
    np.testing.assert_allclose(losses.dice(y, p, axis=(1, 2)), [0, 1], atol=1e-6)


def test_circle_ignores_samples_without_a_partner():
    p = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6]], np.float32)
    loss = losses.Circle(gamma=1.0)
    values = losses.circle([0, 0, 1], p, gamma=1.0)
    assert values[2] == 0
    assert float(loss([0, 0, 1], p)) == pytest.approx((values[0] + values[1]) / 2)
    value, gradient = value_and_gradient(loss, np.array([0, 1, 2]), p)  # no two of one label
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros((3, 2)))


def test_generalized_crossentropy_of_a_class_that_was_ruled_out():
    loss = losses.CategoricalGeneralizedCrossEntropy(0.5)
    value, gradient = value_and_gradient(loss, np.array([0]), np.array([[0, 1]], np.float32))
    assert value == 2
    np.testing.assert_array_equal(gradient, [[-np.inf, np.nan]])  # as in Keras


def test_ctc_is_refused():
    p = np.zeros((2, 5, 3))
    for use in (losses.CTC, lambda: losses.ctc([[1], [2]], p), lambda: as_loss("ctc")):
        with pytest.raises(NotImplementedError, match="The CTC loss is not supported: it sums"):
            use()


@pytest.mark.parametrize("name", CLASSES)
def test_a_context_is_used_again(name):
    """A smaller batch in between changes nothing."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, (6, 4)).astype(np.float32)
    y = rng.integers(0, 4, 6)
    if issubclass(CLASSES[name], losses_base.SameShapeLoss) and not name.startswith("Sparse"):
        y = np.eye(4, dtype=np.float32)[y]
    loss, ctx = CLASSES[name](), Context()

    def step(rows):
        prepared = loss.prepare(y[rows], (None, 4))
        value = loss.reduce(loss.forward(prepared, p[rows], ctx), None, ctx)
        return float(value), loss.reduced_gradient(ctx).copy()

    with np.errstate(divide="ignore"):
        first, fewer, again = step(slice(6)), step(slice(3)), step(slice(6))
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    expected = value_and_gradient(loss, y[:3], p[:3])
    assert fewer[0] == expected[0]
    np.testing.assert_array_equal(fewer[1], expected[1])


@pytest.mark.parametrize("name", CLASSES)
def test_an_object_and_its_function_agree(name):
    cls = CLASSES[name]
    function = next(f for f, c in losses._CLASSES.items() if c is cls)
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, (6, 4)).astype(np.float32)
    y = rng.integers(0, 4, 6)
    if issubclass(cls, losses_base.SameShapeLoss) and not name.startswith("Sparse"):
        y = np.eye(4)[y]
    options = {"q": 0.5} if "q" in inspect.signature(cls).parameters else {}
    expected = cls(**options, reduction=None)(y, p)
    np.testing.assert_array_equal(function(y, p, **options), expected)
    # And the methods that a subclass extends.
    loss = cls(**options, reduction="sum")
    np.testing.assert_array_equal(loss.call(y, p), expected)
    _, gradient = value_and_gradient(loss, y, p)
    if name != "Circle":  # where the mask takes part
        np.testing.assert_allclose(loss.gradient(y, p), gradient, rtol=1e-6)


# --- reductions and weights

Y = np.zeros((4, 1))
P = np.array([[1.0], [2.0], [3.0], [4.0]])  # squared errors 1, 4, 9, 16
W = np.array([1.0, 0.0, 2.0, 0.5])  # weighted 1, 0, 18, 8


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum_over_batch_size", 30 / 4, 27 / 4),  # the divisor stays the count
        ("mean", 30 / 4, 27 / 4),
        ("mean_with_sample_weight", 30 / 4, 27 / 3.5),  # of the weights as they are given
        ("sum", 30, 27),
        ("none", [1, 4, 9, 16], [1, 0, 18, 8]),
        (None, [1, 4, 9, 16], [1, 0, 18, 8]),
    ],
)
def test_reductions(reduction, plain, weighted):
    loss = MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(Y, P), plain, rtol=1e-6)
    np.testing.assert_allclose(loss(Y, P, sample_weight=W), weighted, rtol=1e-6)
    column = loss(Y, P, sample_weight=W[:, np.newaxis])
    if reduction in ("none", None):
        assert column.shape == (4, 1)
        column = column[:, 0]
    np.testing.assert_allclose(column, weighted, rtol=1e-6)
    twice = 30 if reduction == "mean_with_sample_weight" else 2 * np.array(plain)
    np.testing.assert_allclose(loss(Y, P, sample_weight=2.0), twice, rtol=1e-6)


def test_weights_of_a_loss_that_is_one_value():
    y, p = np.array([[1, 0], [1, 1]]), np.array([[0.5, 0.5], [0.5, 0.5]], np.float32)
    plain, slope = value_and_gradient(losses.Dice(), y, p)
    value, gradient = value_and_gradient(losses.Dice(), y, p, [3.0, 1.0])
    assert value == pytest.approx(2 * plain)
    np.testing.assert_allclose(gradient, 2 * slope, rtol=1e-6)
    for reduction, expected in (("sum", 4), ("mean_with_sample_weight", 1), ("sum", 4)):
        loss = losses.Dice(reduction=reduction)
        assert float(loss(y, p, sample_weight=[3.0, 1.0])) == pytest.approx(expected * plain)
    np.testing.assert_allclose(
        losses.Dice(reduction=None)(y, p, sample_weight=[3.0, 1.0]), [3 * plain, plain]
    )


def test_weights_of_zero_give_zero():
    for reduction in REDUCTIONS:
        value = MeanSquaredError(reduction=reduction)(Y, P, sample_weight=np.zeros(4))
        np.testing.assert_array_equal(value, np.zeros_like(value))


def test_weights_of_time_steps():
    y, p = np.zeros((2, 3, 1)), np.arange(6.0).reshape(2, 3, 1)
    weight = np.array([[1, 0, 0], [0, 0, 2]])
    assert float(MeanSquaredError()(y, p, sample_weight=weight)) == pytest.approx(50 / 6)


def test_weights_that_do_not_fit_are_refused():
    for weight in (np.ones((4, 2)), np.ones(3), np.ones((1, 4))):
        with pytest.raises(ValueError, match=r"sample_weight must have the shape .*\(4,\)"):
            MeanSquaredError()(Y, P, sample_weight=weight)


def test_unknown_reduction():
    with pytest.raises(ValueError, match=r"reduction must be one of .*'men'.*mean"):
        MeanSquaredError(reduction="men")


# --- ranks, dtypes, results


def test_ranks_that_differ_by_one_are_fixed():
    loss = MeanSquaredError()
    expected = float(loss(Y, P))
    assert float(loss(Y[:, 0], P)) == expected
    assert float(loss(Y, P[:, 0])) == expected
    sparse = SparseCategoricalCrossentropy()
    p = [[0.2, 0.8], [0.6, 0.4]]
    assert float(sparse([[1], [0]], p)) == float(sparse([1, 0], p))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected targets .*\(N, 2\).*Received.*\(N, 3\)"):
        MeanSquaredError()(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"\(N, 2\).*Received: targets of shape \(N,\)"):
        MeanSquaredError()(np.zeros(4), np.zeros((4, 2)))


def test_a_loss_returns_a_tensor_of_float32():
    value = MeanSquaredError()([[0, 1]], [[1, 1]])
    assert isinstance(value, Tensor)
    assert value.numpy().dtype == np.float32
    assert value.shape == ()


def test_a_loss_computes_in_float64_if_told_to():
    config.set_floatx("float64")
    third = np.array([[1 / 3]])
    assert float(MeanSquaredError()(third, third + 1e-9)) == pytest.approx(1e-18, rel=1e-3)


def test_labels_may_be_floats_or_integers():
    p = [[0.2, 0.8], [0.6, 0.4]]
    loss = SparseCategoricalCrossentropy()
    expected = float(loss([1, 0], p))
    for kind in ("float32", "float64", "int8", "uint8", "bool"):
        assert float(loss(np.array([1, 0], kind), p)) == expected


def test_predictions_and_targets_are_left_alone():
    rng = np.random.default_rng(0)
    y, p = rng.uniform(0.1, 0.9, (2, 4, 3)).astype(np.float32)
    y /= y.sum(axis=-1, keepdims=True)
    for cls in (MeanSquaredError, MeanAbsoluteError, BinaryCrossentropy, CategoricalCrossentropy):
        y.flags.writeable = p.flags.writeable = False
        loss, ctx = cls(), Context()
        loss.reduce(loss.forward(loss.prepare(y, p.shape), p, ctx), None, ctx)
        loss.reduced_gradient(ctx)


def test_functions_return_one_value_per_sample():
    y, p = [[0.0, 1.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]
    for function in (
        losses.mean_squared_error,
        losses.mse,
        losses.MAE,
        losses.binary_crossentropy,
        losses.categorical_crossentropy,
    ):
        assert function(y, p).shape == (2,)
    assert losses.sparse_categorical_crossentropy([0, 1], p).shape == (2,)


# --- identifiers


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("mse", MeanSquaredError),
        ("MSE", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("MeanSquaredError", MeanSquaredError),
        ("huber", losses.Huber),
        ("KLD", losses.KLDivergence),
        ("msle", losses.MeanSquaredLogarithmicError),
        ({"class_name": "MeanSquaredError", "config": {}}, MeanSquaredError),
        (MeanSquaredError(), MeanSquaredError),
        ("mae", MeanAbsoluteError),
        ("bce", BinaryCrossentropy),
        ("binary_crossentropy", BinaryCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", SparseCategoricalCrossentropy),
        (losses.mean_squared_error, MeanSquaredError),
        (losses.mae, MeanAbsoluteError),
        (MeanSquaredError, MeanSquaredError),
    ],
    ids=label,
)
def test_as_loss(identifier, cls):
    loss = as_loss(identifier)
    assert type(loss) is cls
    assert loss.get_config() == cls(name=loss.name).get_config()


def test_a_loss_made_from_a_function_has_its_name_and_arguments():
    assert as_loss("huber").name == "huber"
    assert as_loss("Huber").name == "huber_loss"
    loss = as_loss(partial(losses.huber, delta=0.5))
    assert (loss.name, loss.delta) == ("huber", 0.5)


def test_get():
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get(losses.huber) is losses.huber
    assert type(losses.get("MeanSquaredError")) is MeanSquaredError
    assert type(losses.get(MeanSquaredError)) is MeanSquaredError
    loss = MeanSquaredError()
    for find in (losses.get, as_loss):
        assert find(loss) is loss
        assert find(None) is None


@pytest.mark.parametrize("identifier", ["huber_los", "MSe", 3, [], object()], ids=label)
def test_get_of_something_else(identifier):
    for find in (losses.get, as_loss):
        with pytest.raises(ValueError, match=r"Could not interpret loss identifier"):
            find(identifier)


def test_names_suggest_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")


def test_serialization():
    description = {
        "module": "keras.losses",
        "class_name": "Tversky",
        "config": {
            "name": "tversky",
            "reduction": "sum",
            "alpha": 0.1,
            "beta": 0.5,
            "axis": None,
        },
        "registered_name": None,
    }
    assert losses.serialize(losses.Tversky(0.1, reduction="sum")) == description
    assert losses.serialize(losses.deserialize(description)) == description
    assert losses.serialize(losses.huber) == {
        "module": "builtins",
        "class_name": "function",
        "config": "huber",
        "registered_name": "function",
    }
    assert losses.deserialize("huber") is losses.huber
    with pytest.raises(ValueError, match="Could not interpret loss identifier: 'Tverski'"):
        losses.deserialize({**description, "class_name": "Tverski"})


@pytest.mark.parametrize("name", CLASSES)
def test_configs(name):
    loss = CLASSES[name](reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is CLASSES[name]
    assert again.get_config() == loss.get_config()
    assert (again.name, again.reduction) == ("mine", "sum")


def test_config():
    loss = BinaryCrossentropy(from_logits=True, label_smoothing=0.1, name="mine", reduction="sum")
    twin = BinaryCrossentropy.from_config(loss.get_config())
    assert twin.get_config() == loss.get_config()
    assert MeanSquaredError.from_config(MeanSquaredError().get_config()).name == (
        "mean_squared_error"
    )


# --- in a model


def fitted(loss, y, output="linear", units=1, **compile_options):
    """Return the loss and the bias's gradient of one step from zero weights."""
    model = Sequential([Input((1,)), Dense(units, output, kernel_initializer="zeros")])
    model.compile(SGD(0.0), loss, **compile_options)
    value = model.train_on_batch(np.ones((len(y), 1)), y)
    return value, model.weights[1].grad


def test_the_loss_of_a_model_is_that_of_its_predictions():
    value, gradient = fitted("mse", [[1.0], [3.0]])
    assert value == 5
    np.testing.assert_allclose(gradient, [-4])  # mean of -2 and -6


def test_loss_weights_scale_loss_and_gradient():
    value, gradient = fitted("mse", [[1.0], [3.0]], loss_weights=0.5)
    assert value == 2.5
    np.testing.assert_allclose(gradient, [-2])
    assert fitted("mse", [[1.0], [3.0]], loss_weights=[0.5])[0] == 2.5


@pytest.mark.parametrize(
    ("y", "units", "output", "kind"),
    [
        ([[1.0], [0.0]], 1, "sigmoid", BinaryCrossentropy),
        ([1, 2], 3, "softmax", SparseCategoricalCrossentropy),
        ([[1], [2]], 3, "softmax", SparseCategoricalCrossentropy),
        ([[0, 1, 0], [1, 0, 0]], 3, "softmax", CategoricalCrossentropy),
    ],
)
def test_crossentropy_chooses_its_kind(y, units, output, kind):
    expected = fitted(kind(), y, output, units)
    for name in ("crossentropy", "ce"):
        found = fitted(name, y, output, units)
        assert found[0] == expected[0] > 0
        np.testing.assert_array_equal(found[1], expected[1])


def test_crossentropy_chooses_anew_after_an_error():
    model = Sequential([Input((1,)), Dense(3, "softmax")])
    model.compile("sgd", "crossentropy")
    with pytest.raises(ValueError, match=r"labels in \[0, 3\)"):
        model.fit([[1.0]], [7], verbose=0)
    model.fit([[1.0]], [[0, 1, 0]], verbose=0)  # one-hot


def test_from_logits_behind_a_softmax_is_warned_of_once():
    model = Sequential([Input((3,)), Activation("softmax")])
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    with pytest.warns(UserWarning, match="from_logits=True, but the model ends in a softmax") as w:
        loss = model.evaluate([[200.0, 0.0, -200.0]] * 4, [2] * 4, batch_size=2, verbose=0)
    assert loss == 400
    assert len(w) == 1


def test_a_loss_that_is_also_a_metric():
    loss = MeanSquaredError()
    value, gradient = fitted(loss, [[1.0], [3.0]], metrics=[loss, losses.mean_absolute_error])
    assert value == [5, 5, 2]
    np.testing.assert_allclose(gradient, [-4])
    assert loss.reduction == "sum_over_batch_size"


# --- a loss of one's own


def test_ones_own_loss_of_labels():
    class Margin(Loss):
        """The true class is to be 1 above the mean of all."""

        def call(self, y_true, y_pred):
            assert y_true.shape == (len(y_pred),)
            assert y_true.dtype == y_pred.dtype == np.float32
            picked = y_pred[np.arange(len(y_pred)), y_true.astype(int)]
            return 1 - picked + y_pred.mean(axis=-1)

        def gradient(self, y_true, y_pred):
            return 1 / y_pred.shape[-1] - np.eye(y_pred.shape[-1])[y_true.astype(int)]

    value, gradient = fitted(Margin(), [1, 2], units=3)
    assert value == 1
    np.testing.assert_allclose(gradient, [1 / 3, -1 / 6, -1 / 6], rtol=1e-6)


def test_ones_own_loss_may_be_one_value_for_all():
    class Largest(Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_pred - y_true).max()

        def gradient(self, y_true, y_pred):
            error = y_pred - y_true
            return np.sign(error) * (np.abs(error) == np.abs(error).max())

    value, gradient = fitted(Largest(), [[1.0], [3.0]])
    assert value == 3
    np.testing.assert_array_equal(gradient, [-1])


def test_a_subclass_changes_what_a_loss_of_the_package_returns():
    class TwiceTheError(MeanSquaredError):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

        def gradient(self, y_true, y_pred):
            return 2 * super().gradient(y_true, y_pred)

    class HalfDoneError(MeanSquaredError):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    class ClippedError(MeanSquaredError):
        def gradient(self, y_true, y_pred):
            return np.clip(super().gradient(y_true, y_pred), -3, 3)

    assert float(TwiceTheError()([[1.0], [3.0]], [[0.0], [0.0]])) == 10
    value, gradient = fitted(TwiceTheError(), [[1.0], [3.0]])
    assert value == 10
    np.testing.assert_array_equal(gradient, [-8])
    assert float(HalfDoneError()([[1.0], [3.0]], [[0.0], [0.0]])) == 10
    with pytest.raises(NotImplementedError, match=r"HalfDoneError must define gradient"):
        fitted(HalfDoneError(), [[1.0], [3.0]])
    value, gradient = fitted(ClippedError(), [[1.0], [3.0]])
    assert value == 5
    np.testing.assert_array_equal(gradient, [-2.5])  # the mean of -2 and -3


def test_a_subclass_of_a_loss_that_compares_samples():
    class Sharper(losses.Circle):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

        def gradient(self, y_true, y_pred):
            return 2 * super().gradient(y_true, y_pred)

    y, p = np.array([0, 0, 1, 1]), np.eye(4, 2, dtype=np.float32)
    found = value_and_gradient(Sharper(2.0), y, p)
    expected = value_and_gradient(losses.Circle(2.0), y, p)
    assert found[0] == pytest.approx(2 * expected[0])
    np.testing.assert_allclose(found[1], 2 * expected[1], rtol=1e-6)


def cubes(y_true, y_pred):
    return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)


cubes.gradient = lambda y, p: 3 * np.abs(p - y) * (p - y) / p.shape[-1]


def test_a_function_with_its_gradient():
    loss = as_loss(cubes)
    assert loss.name == "cubes"
    assert loss.get_config() == {"name": "cubes", "reduction": "sum_over_batch_size", "fn": cubes}
    assert float(loss([[1.0], [3.0]], [[0.0], [0.0]])) == 14
    for y in ([[1.0], [3.0]], [1.0, 3.0]):
        value, gradient = fitted(cubes, y)
        assert value == 14
        np.testing.assert_array_equal(gradient, [-15])  # the mean of -3 and -27


def test_the_example_of_the_contract():
    loss = Quartic()
    assert loss.name == "quartic"
    assert float(loss([[0.0, 0.0]], [[1.0, 2.0]])) == 8.5
    value, gradient = fitted(loss, [[1.0], [2.0]])
    assert value == 8.5
    np.testing.assert_allclose(gradient, [-18])  # mean of -4 and -32


def test_ones_own_loss_with_weights_and_reductions():
    for reduction, expected, slope in (("sum", 33, -68), ("sum_over_batch_size", 16.5, -34)):
        model = Sequential([Input((1,)), Dense(1, kernel_initializer="zeros")])
        model.compile(SGD(0.0), Quartic(reduction=reduction))
        value = model.train_on_batch([[1.0], [1.0]], [[1.0], [2.0]], sample_weight=[1, 2])
        assert value == expected
        np.testing.assert_allclose(model.weights[1].grad, [slope])


def test_a_loss_without_a_gradient_can_evaluate_but_not_train():
    class Half(Loss):
        def call(self, y_true, y_pred):
            return 0.5 * np.mean((y_true - y_pred) ** 2, axis=-1)

    model = Sequential([Input((1,)), Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", Half())
    assert model.evaluate([[1.0]], [[2.0]], verbose=0) == 2
    with pytest.raises(NotImplementedError, match=r"Half must define gradient\(y_true, y_pred\)"):
        model.fit([[1.0]], [[2.0]], verbose=0)
    with pytest.raises(NotImplementedError, match=r"Loss must define call\(y_true, y_pred\)"):
        Loss()([[1.0]], [[2.0]])


@pytest.mark.parametrize("function", [lambda y, p: 0, np.mean], ids=["lambda", "function"])
def test_a_function_of_ones_own_is_told_how_to_become_a_class(function):
    model = Sequential([Input((1,)), Dense(1)])
    with pytest.raises(ValueError, match="has no gradient") as error:
        model.compile("sgd", function)
    assert "lambda y_true, y_pred: ...`" in str(error.value)
    assert not model.compiled
    # The advice works as it stands.
    _, _, advice = str(error.value).partition("\n\n")
    code, _, last = advice.rpartition("\n\n")
    assert last.startswith("and compile with loss=MyLoss(). Or give the function its derivative")
    scope = {"keras": keras, "np": np}
    exec(textwrap.dedent(code), scope)
    assert fitted(scope["MyLoss"](), [[1.0], [3.0]])[0] == fitted("mse", [[1.0], [3.0]])[0]


def test_a_bad_argument():
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]"):
        BinaryCrossentropy(label_smoothing=2)
    with pytest.raises(ValueError, match=r"the classes on the last axis .* axis=1"):
        SparseCategoricalCrossentropy(axis=1)([[0], [1]], np.full((2, 3, 4), 0.25))
    with pytest.raises(ValueError, match=r"q must be between 0 and 1. Received: q=1"):
        losses.CategoricalGeneralizedCrossEntropy(1)
    for dtype in ("float64", "int32", "no dtype", 3):
        with pytest.raises(ValueError, match=r"computes in .*'float32'; leave `dtype` out"):
            MeanSquaredError(dtype=dtype)
    assert MeanSquaredError(dtype="float32").dtype == MeanSquaredError(dtype=np.float32).dtype
    with pytest.raises(ValueError, match="reduction must be one of"):
        MeanSquaredError(reduction=losses.Reduction.AUTO)
    assert float(MeanSquaredError(losses.Reduction.SUM)([[0.0], [0.0]], [[1.0], [1.0]])) == 2
    with pytest.raises(ValueError, match=r"loss_weights.*must be a number"):
        fitted("mse", [[1.0]], loss_weights=["a"])
    with pytest.raises(ValueError, match="`loss` must have one entry"):
        fitted(["mse", "mae"], [[1.0]])


def test_bad_targets():
    p = np.full((2, 3), 1 / 3)
    for labels, match in (
        ([0, 3], r"labels in \[0, 3\).*Received: 3 at index 1"),
        ([0, 0.5], r"whole numbers. Received: 0.5 at index 1"),
        ([[0], [1]], r"integer labels .*Received: labels of shape \(2, 1\). Take the last"),
        ([[0, 1], [1, 0]], r"integer labels .*Received: labels of shape \(2, 2\)"),
        (["a", "b"], r"must be numbers"),
    ):
        with pytest.raises(ValueError, match=match):
            losses.CategoricalGeneralizedCrossEntropy()(labels, p)
    for labels, match in (
        ([[0, 1], [1, 0]], r"labels of shape \(N,\) and embeddings of shape \(N, D\)"),
        ([0, 0.5], r"whole numbers"),
    ):
        with pytest.raises(ValueError, match=match):
            losses.Circle()(labels, p)
    with pytest.raises(ValueError, match=r"embeddings of shape \(2, 3, 4\)"):
        losses.Circle()([0, 1], np.zeros((2, 3, 4)))
    for name in ("Huber", "Hinge", "KLDivergence", "BinaryFocalCrossentropy", "Dice"):
        with pytest.raises(ValueError, match=r"expected targets .*\(N, 3\).*Received.*\(N, 4\)"):
            CLASSES[name]()(np.zeros((2, 4)), p)


def test_one_class_is_warned_of():
    for name in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy"):
        with pytest.warns(SyntaxWarning, match=r"expected an output for each class.*\(2, 1\)"):
            CLASSES[name]()([[1], [1]], [[0.5], [0.5]])


def test_a_focal_loss_behind_a_softmax_of_another_axis_is_refused():
    model = Sequential([Input((2, 3)), keras.layers.Softmax(axis=1)])
    model.compile("sgd", "binary_focal_crossentropy")
    layer = Sequential([Input((2, 3)), Dense(3), keras.layers.Softmax(axis=1)])
    layer.compile("sgd", "binary_focal_crossentropy")
    x, y = np.zeros((2, 2, 3)), np.ones((2, 2, 3))
    assert model.evaluate(x, y, verbose=0) > 0
    with pytest.raises(ValueError, match=r"expected the outputs of a sigmoid, or of a softmax"):
        layer.fit(x, y, verbose=0)
