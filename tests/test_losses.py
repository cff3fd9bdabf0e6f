"""Losses: values worked out by hand, reductions, weights, shapes, identifiers, and one's own."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from cases import example

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
)
from scratchnn.losses import base as losses_base
from scratchnn.losses.base import REDUCTIONS
from scratchnn.optimizers import SGD

Quartic = example(losses_base)["Quartic"]


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


# --- reductions and weights

Y = np.zeros((4, 1))
P = np.array([[1.0], [2.0], [3.0], [4.0]])  # squared errors 1, 4, 9, 16
W = np.array([1.0, 0.0, 2.0, 0.5])  # weighted 1, 0, 18, 8


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum_over_batch_size", 30 / 4, 27 / 4),  # the divisor stays the count
        ("mean", 30 / 4, 27 / 4),
        ("mean_with_sample_weight", 30 / 4, 27 / 3.5),
        ("sum", 30, 27),
        ("none", [1, 4, 9, 16], [1, 0, 18, 8]),
        (None, [1, 4, 9, 16], [1, 0, 18, 8]),
    ],
)
def test_reductions(reduction, plain, weighted):
    loss = MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(Y, P), plain, rtol=1e-6)
    np.testing.assert_allclose(loss(Y, P, sample_weight=W), weighted, rtol=1e-6)
    np.testing.assert_allclose(loss(Y, P, sample_weight=W[:, np.newaxis]), weighted, rtol=1e-6)
    np.testing.assert_allclose(
        loss(Y, P, sample_weight=2.0),
        2 * np.array(plain) * (0.5 if reduction == "mean_with_sample_weight" else 1),
        rtol=1e-6,
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
        ("mae", MeanAbsoluteError),
        ("bce", BinaryCrossentropy),
        ("binary_crossentropy", BinaryCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", SparseCategoricalCrossentropy),
        (losses.mean_squared_error, MeanSquaredError),
        (losses.mae, MeanAbsoluteError),
        (MeanSquaredError, MeanSquaredError),
    ],
    ids=str,
)
def test_get(identifier, cls):
    assert type(losses.get(identifier)) is cls


def test_get_returns_objects_and_none_as_they_are():
    loss = MeanSquaredError()
    assert losses.get(loss) is loss
    assert losses.get(None) is None


@pytest.mark.parametrize("identifier", ["huber_los", "MSe", 3, [], object()], ids=str)
def test_get_of_something_else(identifier):
    with pytest.raises(ValueError, match=r"Could not interpret loss identifier"):
        losses.get(identifier)


def test_names_suggest_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")


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
    assert not model.compiled
    # The advice works as it stands.
    _, _, advice = str(error.value).partition("\n\n")
    code, _, last = advice.rpartition("\n\n")
    assert last == "and compile with loss=MyLoss()."
    scope = {"keras": keras, "np": np}
    exec(textwrap.dedent(code), scope)
    assert fitted(scope["MyLoss"](), [[1.0], [3.0]])[0] == fitted("mse", [[1.0], [3.0]])[0]


def test_a_bad_argument():
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]"):
        BinaryCrossentropy(label_smoothing=2)
    with pytest.raises(ValueError, match="last axis"):
        SparseCategoricalCrossentropy(axis=1)
    with pytest.raises(ValueError, match="leave `dtype` out"):
        MeanSquaredError(dtype="float64")
    with pytest.raises(ValueError, match=r"loss_weights.*must be a number"):
        fitted("mse", [[1.0]], loss_weights=["a"])
    with pytest.raises(ValueError, match="`loss` must have one entry"):
        fitted(["mse", "mae"], [[1.0]])
