"""Metrics: values worked out by hand, aggregation over batches, weights, names, and one's own."""

from __future__ import annotations

import numpy as np
import pytest

from scratchnn import Input, Sequential, config, losses, metrics
from scratchnn.arrays import Tensor
from scratchnn.callbacks import LambdaCallback
from scratchnn.layers import Activation, Dense, Rescaling
from scratchnn.metrics import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    Mean,
    MeanMetricWrapper,
    MeanSquaredError,
    Metric,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    Sum,
    TopKCategoricalAccuracy,
)
from scratchnn.models.compiled import crossentropy_kind

# --- Mean and Sum


def test_mean():
    mean = Mean()
    assert float(mean.result()) == 0
    mean.update_state([1, 3, 5, 7])
    assert float(mean.result()) == 4
    mean.update_state(10)
    assert float(mean.result()) == pytest.approx(26 / 5)
    assert [float(v) for v in mean.variables] == [26, 5]
    mean.reset_state()
    assert float(mean.result()) == 0


def test_mean_with_weights():
    mean = Mean()
    mean.update_state([1, 3], sample_weight=[1, 0])
    assert float(mean.result()) == 1
    mean.update_state([5], sample_weight=[3])
    assert float(mean.result()) == 4
    mean.reset_state()
    mean.update_state([1, 3], sample_weight=2)
    assert float(mean.result()) == 2
    mean.reset_state()
    mean.update_state([1, 3], sample_weight=[0, 0])
    assert float(mean.result()) == 0


def test_mean_of_more_than_one_axis():
    mean = Mean()
    mean.update_state([[1, 3], [5, 7]])
    assert [float(v) for v in mean.variables] == [8, 2]  # each sample counts once
    mean.reset_state()
    mean.update_state([[1, 3], [5, 7]], sample_weight=[1, 3])
    assert float(mean.result()) == 5
    mean.reset_state()
    mean.update_state([[1, 3], [5, 7]], sample_weight=[[1, 0], [1, 1]])
    assert float(mean.result()) == pytest.approx((1 + 5 + 7) / 3)


def test_mean_of_truth_values():
    mean = Mean()
    mean.update_state(np.array([True, False, True]))
    assert float(mean.result()) == pytest.approx(2 / 3)
    mean.update_state(np.array([[True, False], [True, True]]))
    assert float(mean.result()) == pytest.approx((2 + 0.5 + 1) / 5)


def test_results_are_tensors_of_float32():
    for metric in (Mean(), Sum(), RootMeanSquaredError()):
        assert isinstance(metric.result(), Tensor)
        assert metric.result().numpy().dtype == np.float32
        assert metric.dtype == "float32"
    with pytest.raises(ValueError, match=r"leave `dtype` out.*float64"):
        Mean(dtype="float64")
    config.set_floatx("float64")
    mean = Mean()
    mean.update_state([1 / 3])
    assert mean.result() == 1 / 3


def test_sum():
    total = Sum()
    total.update_state([1, 3])
    total.update_state([[5], [7]], sample_weight=[2, 0])
    assert float(total.result()) == 14
    total.reset_state()
    assert float(total.result()) == 0


def test_a_call_updates_and_returns():
    mean = Mean()
    assert float(mean([1, 3])) == 2
    assert float(mean([8])) == 4


# --- accuracies


def test_accuracy_is_equality():
    assert float(Accuracy()([[1], [2], [3]], [[1], [2], [0]])) == pytest.approx(2 / 3)
    assert float(Accuracy()([1, 2], [1, 0], sample_weight=[1, 3])) == 0.25


def test_binary_accuracy():
    assert float(BinaryAccuracy()([[1], [1], [0], [0]], [[0.9], [0.5], [0.5], [0.1]])) == 0.75
    assert float(BinaryAccuracy(threshold=0.7)([[1], [0]], [[0.6], [0.65]])) == 0.5
    assert float(BinaryAccuracy()([1, 0], [[0.9], [0.1]])) == 1  # (N,) and (N, 1)
    assert float(BinaryAccuracy()([[1], [0]], [0.9, 0.1])) == 1
    np.testing.assert_array_equal(
        metrics.binary_accuracy([[1, 0], [1, 1]], [[0.9, 0.8], [0.9, 0.9]]), [[1, 0], [1, 1]]
    )
    with pytest.raises(ValueError, match=r"threshold must be in the interval \(0, 1\)"):
        BinaryAccuracy(threshold=1)


def test_categorical_accuracy():
    y, p = np.eye(3)[[0, 1, 2]], [[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]
    assert float(CategoricalAccuracy()(y, p)) == pytest.approx(2 / 3)
    assert float(CategoricalAccuracy()(y, p, sample_weight=[0, 1, 0])) == 0
    np.testing.assert_array_equal(metrics.categorical_accuracy(y, p), [1, 0, 1])


def test_sparse_categorical_accuracy():
    p = [[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]
    for y in ([0, 1, 2], [[0], [1], [2]], [0.0, 1.0, 2.0]):
        assert float(SparseCategoricalAccuracy()(y, p)) == pytest.approx(2 / 3)
        np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(y, p), [1, 0, 1])


def test_of_equal_maxima_the_first_counts():
    assert float(SparseCategoricalAccuracy()([0, 1], [[0.5, 0.5], [0.5, 0.5]])) == 0.5


def test_accuracy_over_time():
    p = [[[0.9, 0.1], [0.1, 0.9]], [[0.9, 0.1], [0.9, 0.1]]]
    assert float(SparseCategoricalAccuracy()([[0, 1], [0, 1]], p)) == 0.75


def test_top_k():
    p = [[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]]
    assert float(SparseTopKCategoricalAccuracy(k=2)([2, 2], p)) == 0.5
    assert float(SparseTopKCategoricalAccuracy(k=3)([2, 2], p)) == 1
    assert float(SparseTopKCategoricalAccuracy()([0, 3], p)) == 1  # 5 of 4
    assert float(TopKCategoricalAccuracy(k=1)(np.eye(4)[[3, 3]], p)) == 0.5
    ties = [[0.5, 0.5, 0.5]]
    assert float(SparseTopKCategoricalAccuracy(k=1)([2], ties)) == 1
    assert float(SparseTopKCategoricalAccuracy(k=1)([7], ties)) == 0
    assert float(SparseTopKCategoricalAccuracy(k=1)([0], [[np.nan, 0, 1]])) == 0
    ids = metrics.sparse_top_k_categorical_accuracy([3], [[1, 3, 2]], k=2, from_sorted_ids=True)
    assert float(ids[0]) == 1


# --- losses as metrics


def test_root_mean_squared_error_is_the_root_of_the_aggregate():
    metric = RootMeanSquaredError()
    metric.update_state([[0.0]], [[3.0]])
    metric.update_state([[0.0], [0.0]], [[0.0], [0.0]])
    assert float(metric.result()) == pytest.approx(3**0.5)


@pytest.mark.parametrize(
    ("metric", "loss"),
    [
        (metrics.MeanSquaredError(), losses.MeanSquaredError()),
        (metrics.MeanAbsoluteError(), losses.MeanAbsoluteError()),
        (metrics.BinaryCrossentropy(), losses.BinaryCrossentropy()),
        (metrics.BinaryCrossentropy(label_smoothing=0.1), losses.BinaryCrossentropy(False, 0.1)),
        (metrics.CategoricalCrossentropy(), losses.CategoricalCrossentropy()),
        (
            metrics.CategoricalCrossentropy(from_logits=True),
            losses.CategoricalCrossentropy(from_logits=True),
        ),
    ],
    ids=lambda value: value.name,
)
def test_a_loss_as_a_metric_is_its_mean(metric, loss):
    rng = np.random.default_rng(0)
    y, p = rng.uniform(0.1, 0.9, (2, 6, 3))
    y /= y.sum(axis=-1, keepdims=True)
    metric.update_state(y[:4], p[:4])
    metric.update_state(y[4:], p[4:])
    assert float(metric.result()) == pytest.approx(float(loss(y, p)), rel=1e-5)
    weight = np.arange(6.0)
    loss.reduction = "mean_with_sample_weight"
    metric.reset_state()
    metric.update_state(y, p, sample_weight=weight)
    assert float(metric.result()) == pytest.approx(float(loss(y, p, weight)), rel=1e-5)


def test_ignored_labels_add_nothing_to_the_sparse_crossentropy_and_still_count():
    p = [[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]]
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    expected = -(np.log(0.8) + np.log(0.4)) / 3  # as in Keras; the loss divides by 2
    assert float(metric([1, -1, 0], p)) == pytest.approx(expected, rel=1e-5)


# --- identifiers


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("mse", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("MeanSquaredError", MeanSquaredError),
        ("binary_accuracy", BinaryAccuracy),
        (BinaryAccuracy, BinaryAccuracy),
        (losses.MeanSquaredError(), metrics.base.LossMetric),
        (losses.mean_squared_error, MeanMetricWrapper),
        (lambda y, p: 0, MeanMetricWrapper),
    ],
    ids=str,
)
def test_get(identifier, cls):
    assert type(metrics.get(identifier)) is cls


def test_get_of_something_else():
    metric = Mean()
    assert metrics.get(metric) is metric
    assert metrics.get(None) is None
    for identifier in ("acuracy", 3):
        with pytest.raises(ValueError, match="Could not interpret metric identifier"):
            metrics.get(identifier)
    with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
        metrics.get("acuracy")


def test_names():
    assert Mean().name == "mean"
    assert MeanMetricWrapper(lambda y, p: 0).name == "lambda"
    assert metrics.get(losses.MeanSquaredError(name="mine")).name == "mine"
    assert repr(Mean()) == "<Mean name=mean>"


# --- in a model: 5 samples in batches of 2, 2 and 1

X = np.arange(5.0)[:, np.newaxis]
TARGETS = np.zeros((5, 1))
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.0, 1.0])


def largest_error(y_true, y_pred):
    return np.max(np.abs(y_true - y_pred), axis=-1)


def model(*layers, loss="mse", **options):
    built = Sequential([Input((1,)), *layers])
    built.compile("sgd", loss, **options)
    return built


def identity_model(**options):
    """Return a model whose output is its input, so that errors are 0, 1, 2, 3, 4."""
    return model(Rescaling(1), **options)


def test_an_uneven_last_batch_counts_by_its_samples():
    logs = identity_model(metrics=["mae", "mse", largest_error]).evaluate(
        X, TARGETS, batch_size=2, verbose=0, return_dict=True
    )
    assert logs == {"loss": 6, "mae": 2, "mse": 6, "largest_error": 2}


def test_only_weighted_metrics_use_the_weights():
    logs = identity_model(metrics=["mae"], weighted_metrics=["mae", "mse"]).evaluate(
        X, TARGETS, sample_weight=WEIGHTS, batch_size=2, verbose=0, return_dict=True
    )
    assert logs["mae"] == 2
    assert logs["weighted_mae"] == 2  # (0 + 4 + 4) / 4
    assert logs["mse"] == 6  # (0 + 8 + 16) / 4
    # The loss divides by the count of each batch: (0 + 0) / 2, (8 + 0) / 2 and 16 / 1.
    assert logs["loss"] == pytest.approx((0 * 2 + 4 * 2 + 16) / 5)


def test_equal_names_are_numbered():
    logs = identity_model(metrics=["mae", "mae", metrics.MeanAbsoluteError("mae")]).evaluate(
        X, TARGETS, verbose=0, return_dict=True
    )
    assert logs == {"loss": 6, "mae": 2, "mae_1": 2, "mae_2": 2}


def test_names_are_kept_as_typed():
    compiled = model(Dense(1), metrics=["MSE", "Accuracy", "mean_squared_error"])
    history = compiled.fit(X, TARGETS, verbose=0).history
    assert list(history) == ["Accuracy", "MSE", "loss", "mean_squared_error"]


@pytest.mark.parametrize(
    ("y_shape", "output_shape", "kind"),
    [
        ((5, 1), (None, 1), "binary"),
        ((5,), (None, 1), "binary"),
        ((5,), (None, 3), "sparse_categorical"),
        ((5, 1), (None, 3), "sparse_categorical"),
        ((5, 3), (None, 3), "categorical"),
        ((5, 7), (None, 7, 3), "sparse_categorical"),
        ((5, 7, 3), (None, 7, 3), "categorical"),
    ],
)
def test_accuracy_is_chosen_by_the_shapes(y_shape, output_shape, kind):
    assert crossentropy_kind(y_shape, output_shape) == kind


def test_accuracy_of_each_kind():
    x = np.array([[0.9], [0.2], [0.6]])
    assert model(Rescaling(1), loss="mse", metrics=["acc"]).evaluate(
        x, [1, 1, 1], verbose=0, return_dict=True
    )["acc"] == pytest.approx(2 / 3)
    logits = Dense(2, kernel_initializer=lambda shape, dtype: np.array([[1, -1]], dtype))
    softmax = [logits, Activation("softmax")]  # says 0 for positive inputs
    for y in ([0, 1, 0], [[0], [1], [0]]):
        compiled = model(*softmax, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        assert compiled.evaluate(x, y, verbose=0)[1] == pytest.approx(2 / 3)
    compiled = model(*softmax, loss="categorical_crossentropy", metrics=["accuracy"])
    assert compiled.evaluate(x, np.eye(2)[[0, 1, 0]], verbose=0)[1] == pytest.approx(2 / 3)


def test_metrics_start_afresh_in_each_epoch():
    compiled = identity_model(metrics=["mae"])
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        history = compiled.fit(X, TARGETS, epochs=3, batch_size=2, verbose=0).history
    assert history["mae"] == [2, 2, 2]


def test_batch_logs_are_means_so_far():
    seen = []
    watch = LambdaCallback(on_test_batch_end=lambda batch, logs: seen.append(logs["mae"]))
    identity_model(metrics=["mae"]).evaluate(X, TARGETS, 2, verbose=0, callbacks=[watch])
    assert seen == [0.5, 1.5, 2]


def test_metrics_see_the_predictions_before_the_update():
    compiled = model(Dense(1, kernel_initializer="zeros"), metrics=["mae"])
    assert compiled.train_on_batch([[1.0]], [[4.0]]) == [16, 4]


def test_the_crossentropy_metric_works_from_the_logits_too():
    name = "sparse_categorical_crossentropy"
    compiled = model(
        Dense(3, "softmax", kernel_initializer=lambda shape, dtype: np.array([[200, 0, -200.0]])),
        loss=name,
        metrics=[name, metrics.SparseCategoricalCrossentropy(name="again")],
    )
    assert compiled.evaluate([[1.0]], [2], verbose=0) == [400, 400, 400]


def test_a_metric_that_cannot_take_the_targets_says_so_before_training():
    compiled = model(Dense(3), loss="sparse_categorical_crossentropy", metrics=["mse"])
    before = compiled.get_weights()
    with pytest.raises(ValueError, match=r"'mean_squared_error' expected .*\(N, 3\)"):
        compiled.fit(X, [0, 1, 2, 0, 1], verbose=0)
    for a, b in zip(compiled.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_lists_of_metrics():
    with pytest.raises(ValueError, match=r"must be a list, tuple or dict, such as \['mae'\]"):
        model(Dense(1), metrics="mae")
    with pytest.raises(ValueError, match=r"Could not interpret metric .*Did you mean 'accuracy'"):
        model(Dense(1), metrics=["acuracy"])
    assert model(Dense(1), metrics=[["mae"], "mse"]).evaluate(X, TARGETS, verbose=0)[1:]
    assert model(Dense(1), metrics={"output": "mae"}).evaluate(X, TARGETS, verbose=0)[1:]


def test_compiling_again_keeps_the_metrics():
    compiled = identity_model(metrics=["mae"])
    compiled.compile("sgd", "mae")
    assert compiled.evaluate(X, TARGETS, verbose=0) == [2, 2]
    compiled.compile("sgd", metrics=["mse"])
    assert compiled.evaluate(X, TARGETS, verbose=0) == [2, 6]


# --- a metric of one's own


class Largest(Metric):
    """The largest prediction."""

    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = 1 if sample_weight is None else np.reshape(sample_weight, (-1, 1))
        self.value = max(self.value, float(np.max(y_pred * weights)))

    def result(self):
        return self.value

    def reset_state(self):
        self.value = float("-inf")


def test_ones_own_metric():
    compiled = identity_model(metrics=[Largest()], weighted_metrics=[Largest("weighted")])
    logs = compiled.evaluate(
        X, TARGETS, 2, sample_weight=[1, 1, 4, 1, 1], verbose=0, return_dict=True
    )
    assert logs == {"loss": pytest.approx(8.4), "largest": 4, "weighted": 8}
    assert compiled.evaluate(X[:2], TARGETS[:2], verbose=0, return_dict=True)["largest"] == 1


def test_ones_own_function_of_several_values_per_sample():
    def errors(y_true, y_pred):
        return np.abs(y_true - y_pred)  # (N, 1)

    compiled = identity_model(metrics=[errors], weighted_metrics=[errors])
    logs = compiled.evaluate(X, TARGETS, 2, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    assert logs["errors"] == 2
    assert logs["weighted_errors"] == 2


def test_an_unfinished_metric_says_what_it_needs():
    for call, what in (
        (lambda m: m.update_state([1], [1]), "update_state"),
        (lambda m: m.result(), "result"),
        (lambda m: m.reset_state(), "reset_state"),
    ):
        with pytest.raises(NotImplementedError, match=f"Metric must define {what}"):
            call(Metric())
