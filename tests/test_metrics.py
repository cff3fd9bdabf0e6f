"""Metrics: values worked out by hand, aggregation over batches, weights, names, and one's own."""

from __future__ import annotations

import itertools
import json
import warnings

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
    assert [v.path for v in mean.variables] == ["mean/total", "mean/count"]
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
    assert Mean(dtype="float64").total.dtype == np.float64
    for dtype in ("bfloat16", "string", "float8"):
        with pytest.raises(
            ValueError, match=f"one that NumPy computes in.*Received: dtype='{dtype}'"
        ):
            Mean(dtype=dtype)
    config.set_floatx("float64")
    mean = Mean()
    mean.update_state([1 / 3])
    assert mean.result() == 1 / 3


@pytest.mark.parametrize("metric", [Mean(), Sum()], ids=repr)
def test_weights_that_do_not_fit(metric):
    with pytest.raises(ValueError, match=r"shape of the values, \(4, 3\).*Received: shape \(3,\)"):
        metric.update_state(np.ones((4, 3)), np.ones(3))


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
    # A threshold is a float32, as the predictions in a list are.
    assert float(BinaryAccuracy(threshold=0.7)([[0.0]], [[0.7]])) == 1
    assert float(BinaryAccuracy(threshold=0.7)([[0.0]], np.array([[0.7]]))) == 0


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


def test_accuracies_of_the_wrong_kind_of_targets():
    p = np.full((2, 3), 1 / 3)
    for y in ([0, 1], [[0], [1]]):
        for name in ("categorical_accuracy", "top_k_categorical_accuracy"):
            with pytest.raises(ValueError, match=f"one-hot targets.*use 'sparse_{name}'"):
                metrics.get(name).update_state(y, p)
    for name in ("sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"):
        text = f"expected integer labels of shape .*one-hot targets use '{name[7:]}'"
        with pytest.raises(ValueError, match=text):
            metrics.get(name).update_state(np.eye(3)[:2], p)


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


# --- all metrics, in three uneven batches, without and with weights; the numbers are Keras's

YES = np.array([[0], [0], [1], [1], [1], [0], [1], [0]], "float32")
YES_P = np.array([[0.1], [0.6], [0.5], [0.8], [0.3], [0.2], [0.9], [0.55]], "float32")
YES_W = np.array([1, 2, 1, 0.5, 1, 1, 2, 0], "float32")
OF_YES_AND_NO = {
    "AUC()": (0.75, 0.7777778),
    "AUC(curve='PR')": (0.7972674, 0.8365668),
    "AUC(curve='PRGAIN')": (0.25, 0.3699999),
    "AUC(20, summation_method='majoring')": (0.75, 0.7777778),
    "AUC(20, summation_method='minoring')": (0.75, 0.7777778),
    "AUC(thresholds=[0.3, 0.7])": (0.75, 0.7777778),
    "Precision()": (0.5, 0.5555556),
    "Recall()": (0.5, 0.5555556),
    "Precision([0.25, 0.5, 0.85])": ([0.6666667, 0.5, 1.0], [0.6923077, 0.5555556, 1.0]),
    "Recall([0.0, 0.5, 1.0])": ([1.0, 0.5, 0.0], [1.0, 0.5555556, 0.0]),
    "TruePositives()": (2.0, 2.5),
    "FalsePositives()": (2.0, 2.0),
    "TrueNegatives()": (2.0, 2.0),
    "FalseNegatives()": (2.0, 2.0),
    "SensitivityAtSpecificity(0.6)": (0.5, 0.5555556),
    "SpecificityAtSensitivity(0.6)": (0.5, 0.5),
    "PrecisionAtRecall(0.6)": (0.6666667, 0.6923077),
    "RecallAtPrecision(0.6)": (1.0, 1.0),
    "BinaryAccuracy()": (0.5, 0.5294118),
    "MeanSquaredError()": (0.1878125, 0.1823529),
    "RootMeanSquaredError()": (0.4333734, 0.427028),
    "MeanAbsoluteError()": (0.36875, 0.3529412),
    "MeanAbsolutePercentageError()": (181250000.0, 176470600.0),
    "MeanSquaredLogarithmicError()": (0.09217031, 0.08979754),
    "LogCoshError()": (0.08892846, 0.08616851),
    "BinaryCrossentropy()": (0.5336158, 0.5153527),
    "Hinge()": (0.86875, 0.8235294),
    "SquaredHinge()": (1.050313, 1.005882),
    "Poisson()": (0.7719529, 0.7905191),
    "R2Score()": (0.24875, 0.2680556),
    "F1Score(threshold=0.5)": ([0.4999999], [0.5555555]),
    "BinaryIoU()": (0.45, None),
}
LABELS = np.array([1, 1, 0, 2])
CLASSES_P = np.array(
    [[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]], "float32"
)
CLASSES_W = np.array([1, 2, 0.5, 1], "float32")
OF_CLASSES = {
    "F1Score()": ([0.0, 0.8, 0.0], [0.0, 0.8571428, 0.0]),
    "F1Score('macro')": (0.2666667, 0.2857143),
    "F1Score('micro')": (0.4444444, 0.5454545),
    "FBetaScore('weighted', 2.0)": (0.4545455, 0.625),
    "CategoricalAccuracy()": (0.25, 0.2222222),
    "TopKCategoricalAccuracy(2)": (1.0, 1.0),
    "CosineSimilarity()": (0.6551015, 0.6732944),
    "CategoricalCrossentropy()": (0.9202278, 0.8878257),
    "CategoricalHinge()": (0.95, 0.9444444),
    "KLDivergence()": (0.9202249, 0.8878228),
    "PearsonCorrelation()": (0.1997117, 0.3441882),
    "ConcordanceCorrelation()": (0.2098836, 0.2402993),
    "R2Score(None)": ([0.06666666, 0.2099999, 0.02666664], [-0.38375, -0.1050001, 0.1128572]),
    "AUC(multi_label=True)": (0.6944444, 0.6375661),
    "Precision(top_k=2)": (0.5, 0.5),
    "Recall(class_id=1)": (0.5, 0.3333333),
    "OneHotIoU(3, [1])": (0.3333333, None),
    "OneHotMeanIoU(3)": (0.1111111, None),
}
OF_LABELS = {
    "SparseCategoricalAccuracy()": (0.25, 0.2222222),
    "SparseTopKCategoricalAccuracy(2)": (1.0, 1.0),
    "SparseCategoricalCrossentropy()": (0.9202278, 0.8878257),
    "SparseCategoricalCrossentropy(ignore_class=2)": (0.6192346, 0.7974979),
    "MeanIoU(3, sparse_y_pred=False)": (0.1111111, None),
}
TABLES = [
    (OF_YES_AND_NO, YES, YES_P, YES_W, (0, 3, 7, 8)),
    (OF_CLASSES, np.eye(3, dtype="float32")[LABELS], CLASSES_P, CLASSES_W, (0, 3, 4)),
    (OF_LABELS, LABELS, CLASSES_P, CLASSES_W, (0, 3, 4)),
]
GOLDEN = [
    pytest.param(text, expected, *data, id=text)
    for table, *data in TABLES
    for text, expected in table.items()
]


def make(text):
    """Return the metric that a text such as "AUC(curve='PR')" makes."""
    return eval(f"metrics.{text}", {"metrics": metrics})


@pytest.mark.parametrize(("text", "expected", "y", "p", "weight", "cuts"), GOLDEN)
def test_golden_values(text, expected, y, p, weight, cuts):
    metric = make(text)
    for value, weights in zip(expected, (None, weight), strict=True):
        for start, stop in itertools.pairwise(cuts) if value is not None else ():
            given = None if weights is None else weights[start:stop]
            metric.update_state(y[start:stop], p[start:stop], given)
        if value is not None:
            result = metric.result()
            assert isinstance(result, Tensor)
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, value, rtol=3e-6, atol=1e-6)
        metric.reset_state()
        assert not any(np.any(v.numpy()) for v in metric.variables)


@pytest.mark.parametrize(("text", "expected", "y", "p", "weight", "cuts"), GOLDEN)
def test_neither_targets_nor_predictions_are_written_to(text, expected, y, p, weight, cuts):
    kept = [a.copy() for a in (y, p, weight)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights of an IoU lose their fractions
        make(text).update_state(y, p, weight)
    for a, b in zip((y, p, weight), kept, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("text", "expected", "y", "p", "weight", "cuts"), GOLDEN)
def test_configs_round_trip(text, expected, y, p, weight, cuts):
    metric = make(text)
    written = json.loads(json.dumps(metrics.serialize(metric)))
    assert (written["module"], written["registered_name"]) == ("keras.metrics", None)
    again = metrics.deserialize(written)
    assert type(again) is type(metric)
    assert json.loads(json.dumps(metrics.serialize(again))) == written
    assert type(metric).from_config(written["config"]).get_config() == metric.get_config()
    assert np.array_equal(again(y, p), metric(y, p))


# --- at thresholds


def test_thresholds_in_any_order_and_form():
    y, p = [1, 0, 1, 0, 1], [0.1, 0.4, 0.5, 0.6, 0.9]
    np.testing.assert_array_equal(metrics.TruePositives([0.9, 0.0, 0.5])(y, p), [0, 3, 1])
    np.testing.assert_array_equal(metrics.TruePositives(np.array([0.5]))(y, p), 1)
    np.testing.assert_array_equal(metrics.TruePositives((0.5, 0.0))(y, p), [1, 3])
    np.testing.assert_array_equal(metrics.FalseNegatives(0)(y, p), 0)
    assert metrics.Precision(thresholds=0.3).get_config()["thresholds"] == 0.3


def test_a_prediction_on_the_threshold_is_negative():
    assert float(metrics.TruePositives(0.3)([1, 1], np.array([0.3, 0.30001], "float32"))) == 1
    evenly = metrics.TruePositives([0.0, 0.5, 1.0])
    np.testing.assert_array_equal(evenly([1, 1, 1], [0.0, 0.5, 1.0]), [2, 1, 0])


def test_targets_that_are_not_0_are_positive():
    assert float(metrics.TruePositives()([2, -1, 0.5, 0], [0.9, 0.9, 0.9, 0.9])) == 3


def test_nan_is_above_no_threshold():
    for thresholds in (0.5, [0.1, 0.2], [0.0, 0.5, 1.0]):
        found = metrics.TruePositives(thresholds)([1, 1], [np.nan, 0.7])
        assert np.max(found) == 1
    assert float(metrics.AUC().true_positives.numpy().sum()) == 0


def test_top_k_takes_the_first_of_equal_predictions():
    assert float(metrics.Precision(top_k=1)([[0, 1]], [[0.5, 0.5]])) == 0
    assert float(metrics.Recall(top_k=1)([[1, 0]], [[0.5, 0.5]])) == 1


def test_auc_of_curves_known_by_hand():
    y, p = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    assert float(metrics.AUC()(y, p)) == 0.75
    assert float(metrics.AUC()([0, 1], [0.2, 0.7])) == 1
    assert float(metrics.AUC()([1, 0], [0.2, 0.7])) == 0
    assert float(metrics.AUC()([1, 1], [0.2, 0.7])) == 0  # no negatives, no curve
    assert float(metrics.AUC()([0, 1], [0.5, 0.5])) == 0.5


def test_auc_from_logits_is_that_of_the_sigmoid():
    y, z = [0, 1, 1, 0], np.array([-3, -1, 2, 0.5], "float32")
    expected = metrics.AUC()(y, 1 / (1 + np.exp(-z)))
    assert float(metrics.AUC(from_logits=True)(y, z)) == pytest.approx(float(expected))


def test_auc_averages_labels_by_their_weights():
    y, p = np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.3], [0.7, 0.9]])  # 1 and 0
    assert float(metrics.AUC(multi_label=True)(y, p)) == 0.5
    assert float(metrics.AUC(multi_label=True, label_weights=[3, 1])(y, p)) == 0.75
    config = metrics.AUC(multi_label=True, label_weights=[3, 1]).get_config()
    np.testing.assert_array_equal(config["label_weights"], [3, 1])
    assert config["label_weights"].dtype == np.float32


def test_the_thresholds_of_auc():
    metric = metrics.AUC(num_thresholds=3)
    assert metric.thresholds == [-1e-7, 0.5, 1 + 1e-7]
    own = metrics.AUC(thresholds=(0.5, 0.1))
    assert own.thresholds == [-1e-7, 0.1, 0.5, 1 + 1e-7]
    assert own.get_config()["thresholds"] == [0.1, 0.5]
    assert own.num_thresholds == 4


def test_scores_of_a_class_that_never_appears():
    y, p = [[1, 0]], [[0.9, 0.1]]
    np.testing.assert_allclose(metrics.F1Score()(y, p), [1, 0], atol=1e-6)
    assert float(metrics.F1Score("macro")([[0, 0]], [[0.0, 0.0]])) == 0  # all zeros: none positive


def test_labels_outside_the_classes_are_left_out_of_an_iou():
    metric = metrics.MeanIoU(2)
    assert float(metric([0, 1, 5, -1, 0], [0, 1, 0, 1, 7])) == pytest.approx(1)
    assert metric.total_cm.numpy().tolist() == [[1, 0], [0, 1]]
    assert metric.total_cm.dtype == np.int64
    ignoring = metrics.MeanIoU(2, ignore_class=0)
    ignoring.update_state([0, 1], [1, 1])
    assert ignoring.total_cm.numpy().tolist() == [[0, 0], [0, 1]]


def test_weights_of_an_iou():
    with pytest.warns(UserWarning, match="counts in int64, so weights lose their fractions"):
        metrics.MeanIoU(2).update_state([0, 1], [0, 1], np.array([0.5, 1.5]))
    metric = metrics.MeanIoU(2, dtype="float32")
    metric.update_state([[0, 1]], [[0, 1]], np.array([[0.5, 1.5]]))
    assert metric.total_cm.numpy().tolist() == [[0.5, 0], [0, 1.5]]
    with pytest.raises(ValueError, match=r"one weight per label, 2\. Received: 3"):
        metric.update_state([0, 1], [0, 1], [1, 2, 3])


def test_r2_of_targets_that_do_not_vary():
    assert float(metrics.R2Score()([[1.0], [1.0]], [[1.0], [2.0]])) == 0
    assert np.isnan(metrics.R2Score()([[1.0], [1.0]], [[1.0], [1.0]]))


def test_the_adjusted_r2_needs_more_numbers_than_regressors():
    y, p = [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]
    plain = metrics.R2Score()(y, p)
    assert float(metrics.R2Score(num_regressors=1)(y, p)) == pytest.approx(1 - (1 - plain) * 2)
    for regressors in (2, 3):
        metric = metrics.R2Score(num_regressors=regressors)
        with pytest.warns(UserWarning, match="expected more than num_regressors"):
            assert metric(y, p) == plain


def test_correlations_that_do_not_exist_are_nan():
    assert np.isnan(metrics.pearson_correlation([[1.0, 1.0]], [[0.0, 1.0]])[0])


def test_cosine_similarity_of_a_zero_vector_is_0():
    assert float(metrics.CosineSimilarity()([[0.0, 0.0]], [[1.0, 2.0]])) == 0


BAD_ARGUMENTS = {
    "Precision(1.5)": r"Threshold values must be in \[0, 1\]. Received: \[1.5\]",
    "Recall([0.5, None])": r"Received: \[None\]",
    "TruePositives([])": r"Received: \[\]",
    "AUC(1)": "`num_thresholds` must be an integer > 1",
    "AUC(curve='RC')": r"`curve` must be one of \['ROC', 'PR', 'PRGAIN'\]. Received: 'RC'",
    "AUC(summation_method='mid')": "`summation_method` must be one of .*'mid'",
    "AUC(num_labels=2)": "`num_labels` is needed only when `multi_label` is True",
    "SensitivityAtSpecificity(2)": r"`specificity` must be in the range \[0, 1\]. Received: .*=2",
    "SpecificityAtSensitivity(-1)": "`sensitivity` must be in",
    "PrecisionAtRecall(2)": "`recall` must be in",
    "RecallAtPrecision(2)": "`precision` must be in",
    "RecallAtPrecision(0.5, num_thresholds=0)": "`num_thresholds` must be an integer > 0",
    "FBetaScore(beta=0)": "`beta` must be a float > 0. Received: beta=0",
    "FBetaScore(beta='1')": "`beta` must be a float > 0",
    "F1Score(average='mean')": "`average` must be one of .*Received: average=mean",
    "F1Score(threshold=0)": "`threshold` must be a float with 0 < threshold <= 1",
    "IoU(2, [2])": r"class id 2 is out of range, which is \[0, 2\)",
    "R2Score('sum')": "`class_aggregation` must be one of .*'sum'",
    "R2Score(num_regressors=-1)": "`num_regressors` must be >= 0",
    "BinaryAccuracy(threshold=0)": r"threshold must be in the interval \(0, 1\)",
    "BinaryCrossentropy(label_smoothing=2)": r"label_smoothing must be in \[0, 1\]",
}


@pytest.mark.parametrize("text", BAD_ARGUMENTS)
def test_arguments_that_make_no_sense(text):
    with pytest.raises(ValueError, match=BAD_ARGUMENTS[text]):
        make(text)


ONES = np.ones((2, 3))
BAD_DATA = {
    "Precision()": (([0, 1], ONES), r"'precision' expected targets .*\(N, 3\).*to_categorical"),
    "AUC()": ((ONES, ONES[:, :2]), r"\(N, 2\). Received: targets of shape \(N, 3\)"),
    "Recall()": ((ONES, np.ones((4, 3))), r"\(4, 3\). Received: targets of shape \(2, 3\)"),
    "TruePositives()": (([0, 1], [0, 1], [1, 2, 3]), "sample_weight must fit .*one weight per sam"),
    "Precision(class_id=3)": ((ONES, ONES), "class_id=3 expected predictions"),
    "Recall(class_id=0)": (([0, 1], [0, 1]), r"class_id=0 .*y_pred of shape \(2,\)"),
    "Precision(top_k=4)": ((ONES, ONES), "top_k=4 expected at least as many classes"),
    "AUC(multi_label=True)": (([0, 1], [0, 1]), "`y_pred` must have rank 2"),
    "AUC(multi_label=True, num_labels=2)": ((ONES, ONES), "expected predictions for 2 labels"),
    "F1Score()": (([0, 1], ONES), r"of shape \(N, C\). Received: y_true.shape=\(2,\)"),
    "FBetaScore()": (([[0], [1]], ONES), "expected targets of the shape of the predictions"),
    "R2Score()": (([0, 1], [0, 1]), r"of shape \(N, U\)"),
    "MeanIoU(3)": (([0, 1], ONES), "as many labels .*2 and 6.*sparse_y_pred=False"),
    "BinaryIoU()": (([0, 1], ONES), "as many labels .*2 and 6.$"),
}


@pytest.mark.parametrize("text", BAD_DATA)
def test_data_that_does_not_fit(text):
    data, error = BAD_DATA[text]
    with pytest.raises(ValueError, match=error):
        make(text).update_state(*data)


@pytest.mark.parametrize("text", ["AUC(multi_label=True)", "F1Score()", "R2Score()"])
def test_no_result_before_the_first_batch(text):
    metric = make(text)
    metric.reset_state()
    with pytest.raises(ValueError, match="no result before its first batch"):
        metric.result()


# --- identifiers


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("mse", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("MeanSquaredError", MeanSquaredError),
        ("binary_accuracy", BinaryAccuracy),
        ("f_beta_score", metrics.FBetaScore),
        ("AUC", metrics.AUC),
        (BinaryAccuracy, BinaryAccuracy),
        ({"class_name": "Mean", "config": {"name": "mine"}}, Mean),
    ],
    ids=str,
)
def test_get(identifier, cls):
    assert type(metrics.get(identifier)) is cls
    assert type(metrics.as_metric(identifier)) is cls


def test_get_returns_objects_and_functions_as_they_are():
    metric, loss = Mean(), losses.MeanSquaredError()
    for thing in (metric, loss, losses.huber, len, None):
        assert metrics.get(thing) is thing


def test_get_of_something_else():
    for get in (metrics.get, metrics.as_metric, metrics.check_identifier):
        for identifier in ("acuracy", 3):
            with pytest.raises(ValueError, match="Could not interpret metric identifier"):
                get(identifier)
        with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
            get("acuracy")
    for get in (metrics.as_metric, metrics.check_identifier):
        with pytest.raises(ValueError, match=r"Expected a metric.*Received: None"):
            get(None)


def test_names():
    assert Mean().name == "mean"
    assert MeanMetricWrapper(abs).name == "mean_metric_wrapper"
    assert MeanMetricWrapper(abs).name == "mean_metric_wrapper_1"
    assert [metrics.AUC().name, metrics.AUC().name] == ["auc", "auc_1"]
    assert repr(Mean()) == "<Mean name=mean>"
    named = {
        "MSE": "MSE",
        losses.MeanSquaredError(name="mine"): "mine",
        losses.huber: "huber",
        Mean("total"): "total",
        metrics.LogCoshError: "logcosh",
    }
    assert [metrics.as_metric(k).name for k in named] == list(named.values())
    assert metrics.as_metric(lambda y, p: 0).name == "lambda"


def test_checking_an_identifier_makes_no_metric():
    for identifier in ("AUC", metrics.AUC):
        metrics.check_identifier(identifier)
    assert metrics.AUC().name == "auc"


def test_directions():
    up = ("AUC()", "Precision()", "IoU(2, [0])", "F1Score()", "R2Score()", "CosineSimilarity()")
    down = ("MeanSquaredError()", "Hinge()", "KLDivergence()", "RootMeanSquaredError()")
    assert {make(text)._direction for text in up} == {"up"}
    assert {make(text)._direction for text in down} == {"down"}
    assert MeanMetricWrapper(losses.mse)._direction == "down"
    for metric in (MeanMetricWrapper(abs), metrics.FalsePositives(), Mean()):
        assert not hasattr(metric, "_direction")


# --- losses as metrics


def test_a_loss_object_gives_one_value_per_batch_and_a_function_one_per_sample():
    y = np.zeros((3, 1))
    p = np.array([[1.0], [2.0], [4.0]])
    by_batch = metrics.as_metric(losses.MeanSquaredError())
    by_sample = metrics.as_metric(losses.mean_squared_error)
    for metric in (by_batch, by_sample):
        metric.update_state(y[:2], p[:2])
        metric.update_state(y[2:], p[2:])
    assert float(by_batch.result()) == (2.5 + 16) / 2
    assert float(by_sample.result()) == 21 / 3
    summed = metrics.as_metric(losses.MeanSquaredError(reduction=None))
    assert float(summed(y, p)) == 7
    with pytest.raises(ValueError, match="sample_weight must have the shape of the values"):
        by_batch.update_state(y, p, [1, 2, 3])


def test_arguments_of_a_wrapped_loss_function():
    metric = MeanMetricWrapper(losses.huber, "mine", delta=0.5)
    assert float(metric([[0.0]], [[2.0]])) == 0.875
    assert metric.get_config()["delta"] == 0.5
    again = MeanMetricWrapper.from_config(metric.get_config())
    assert (again.fn, again.kwargs) == (losses.huber, {"delta": 0.5})


def test_a_wrapped_function_of_ones_own_in_a_config():
    metric = MeanMetricWrapper(largest_error, dtype="float64")
    written = metrics.serialize(metric)
    again = metrics.deserialize(written, {"largest_error": largest_error})
    assert (again.fn, again.dtype) == (largest_error, "float64")
    with pytest.raises(ValueError, match="'largest_error' is not known"):
        metrics.deserialize(written)


def test_ignored_labels_with_weights_do_not_count():
    p = np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    expected = -(np.log(0.8) + 2 * np.log(0.4)) / 3
    for weight in ([1, 5, 2], [[1], [5], [2]]):
        metric.reset_state()
        metric.update_state([1, -1, 0], p, weight)
        assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    steps = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    steps.update_state([[1, -1, 0]], p[np.newaxis], [3])
    assert float(steps.result()) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2, rel=1e-5)


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


class Errors(Metric):
    """The sum of all errors, and their number, as Keras's guides write a metric."""

    def __init__(self, name="errors", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", shape=(), initializer="zeros")
        self.number = self.add_weight(name="number", dtype="int32", initializer="zeros")
        self.parts = [Mean(), {"a": Sum()}]

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(np.sum(np.abs(y_true - y_pred)))
        self.number.assign(self.number + len(y_true))
        self.parts[0].update_state(np.abs(y_true - y_pred))

    def result(self):
        return self.total


def test_a_metric_with_variables():
    compiled = identity_model(metrics=[Errors()])
    for _ in range(2):
        logs = compiled.evaluate(X, TARGETS, 2, verbose=0, return_dict=True)
        assert logs == {"loss": 6, "errors": 10}
    metric = compiled.metrics[1]
    names = ["total", "number", "total", "count", "total"]
    assert [v.name for v in metric.variables] == names
    assert [float(v) for v in metric.variables] == [10, 5, 10, 5, 0]
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0] * 5


@pytest.mark.parametrize("base", [metrics.MeanAbsoluteError, Accuracy, CategoricalAccuracy])
def test_a_metric_that_extends_one_of_these(base):
    class Halved(base):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append(sample_weight is not None)
            super().update_state(y_true / 2, y_pred / 2, sample_weight)

    seen = []
    plain, halved = base("plain"), Halved("halved")
    compiled = identity_model(metrics=[plain, halved], weighted_metrics=[Halved("weighted")])
    logs = compiled.evaluate(X, TARGETS, 2, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    assert logs["halved"] == logs["plain"] / (2 if base is metrics.MeanAbsoluteError else 1)
    assert seen == [False, True] * 3


def test_variables():
    metric = Metric(name="mine/own")
    v = metric.add_variable((2, 3), "ones", name="v")
    assert (v.path, v.shape, v.ndim, v.size, len(v)) == ("mine>own/v", (2, 3), 2, 6, 2)
    assert v.dtype == np.float32
    assert metric.add_weight((2,)).numpy().tolist() == [0, 0]
    assert metric.add_variable(2, np.array([1.0, 2.0])).numpy().tolist() == [1, 2]
    np.testing.assert_array_equal(v.assign_sub(np.full((2, 3), 3)), -2 * np.ones((2, 3)))
    before = v.numpy()
    v.assign_add(np.eye(2, 3))
    np.testing.assert_array_equal(before, -2 * np.ones((2, 3)))  # a copy
    assert isinstance(v[0], Tensor)
    assert v[0, 0] == -1
    assert repr(metric.add_weight(name="w")) == (
        "<Variable path=mine>own/w, shape=(), dtype=float32, value=0.0>"
    )
    with pytest.raises(ValueError, match=r"variable 'mine>own/v': expected \(2, 3\). .*\(3,\)"):
        v.assign([1, 2, 3])
    with pytest.raises(ValueError, match="aggregation must be one of"):
        metric.add_variable((), aggregation="max")


def test_variables_in_arithmetic():
    metric = Metric()
    a, b = (metric.add_variable((2,), np.array(v, "float32")) for v in ([1.0, 2.0], [4.0, 8.0]))
    for found, expected in (
        (a + b, [5, 10]),
        (2 * a - 1, [1, 3]),
        (b / a, [4, 4]),
        (-a, [-1, -2]),
        (a**2, [1, 4]),
        (np.sqrt(b), [2, 8**0.5]),
        (np.where(a > 1, a, 0), [0, 2]),
        (np.array([1.0, 1.0]) * b, [4, 8]),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert isinstance(a + b, Tensor)
    assert np.sum(a) == 3
    number = metric.add_weight()
    number += 2  # as assign_add
    number -= 0.5
    assert (float(number), int(number), bool(number)) == (1.5, 1, True)
    assert number is metric.variables[-1]
    with pytest.raises(TypeError):
        np.add(a, b, out=a)


def test_stateless_methods_keep_nothing():
    metric = Mean()
    metric.update_state([1, 3])
    later = metric.stateless_update_state([4.0, 1.0], [2, 6])
    assert [float(v) for v in later] == [12, 3]
    assert float(metric.stateless_result(later)) == 4
    assert [float(v) for v in metric.stateless_reset_state()] == [0, 0]
    assert float(metric.result()) == 2
    with pytest.raises(ValueError, match=r"one array for each of the 2 variables of Mean.*1"):
        metric.stateless_result([1.0])


def test_a_constructor_that_forgets_the_base_class():
    class Forgetful(Metric):
        def __init__(self):
            self.total = self.add_weight(name="total")

    class Silent(Metric):
        def __init__(self):
            pass

    for call in (Forgetful, lambda: Silent()([1], [1])):
        with pytest.raises(RuntimeError, match=r"must call super\(\).__init__\(\)"):
            call()


def test_an_unfinished_metric_says_what_it_needs():
    for call, what in (
        (lambda m: m.update_state([1], [1]), "update_state"),
        (lambda m: m.result(), "result"),
    ):
        with pytest.raises(NotImplementedError, match=f"Metric must define {what}"):
            call(Metric())
    Metric().reset_state()  # nothing to forget


# --- targets that a metric cannot be computed from


@pytest.mark.parametrize(
    ("metric", "error"),
    [
        ("categorical_accuracy", "one-hot targets.*use 'sparse_categorical_accuracy'"),
        ("top_k_categorical_accuracy", "one-hot targets"),
        ("binary_accuracy", "expected targets of the shape of the predictions"),
        ("precision", "expected targets of the shape of the predictions"),
        ("AUC", "expected targets of the shape of the predictions"),
        ("f1_score", r"shape \(N, C\)"),
        ("r2_score", r"shape \(N, U\)"),
        ("cosine_similarity", "expected targets of the shape of the predictions"),
        ("pearson_correlation", "expected targets of the shape of the predictions"),
        ("root_mean_squared_error", "expected targets of the shape of the predictions"),
        ("accuracy_object", "expected targets of the shape of the predictions"),
        ("hinge", "expected targets of the model's output shape"),
        ("mean_io_u", "as many labels in targets and predictions.*sparse_y_pred=False"),
    ],
)
def test_labels_for_a_metric_of_other_targets(metric, error):
    objects = {"accuracy_object": Accuracy(), "mean_io_u": metrics.MeanIoU(3)}
    compiled = model(
        Dense(3, "softmax"),
        loss="sparse_categorical_crossentropy",
        metrics=[objects.get(metric, metric)],
    )
    for y in ([0, 1, 2, 0, 1], [[0], [1], [2], [0], [1]]):
        with pytest.raises(ValueError, match=error):
            compiled.fit(X, y, verbose=0)


@pytest.mark.parametrize("name", ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"])
def test_one_hot_targets_for_a_metric_of_labels(name):
    compiled = model(Dense(3, "softmax"), loss="categorical_crossentropy", metrics=[name])
    with pytest.raises(ValueError, match="expected integer labels"):
        compiled.fit(X, np.eye(3)[[0, 1, 2, 0, 1]], verbose=0)


def test_auc_of_labels_over_time():
    compiled = model(Dense(3), metrics=[metrics.AUC(multi_label=True)])
    compiled.evaluate(X, np.zeros((5, 3)), verbose=0)
    check = metrics.AUC(multi_label=True).check
    with pytest.raises(ValueError, match=r"\(N, L\), for multi_label=True.*\(N, 4, 3\)"):
        check(np.zeros((5, 4, 3)), (None, 4, 3))


def test_a_metric_of_ones_own_gets_the_targets_as_they_were_given():
    seen = {}

    def first_column(y_true, y_pred):
        seen["function"] = y_true
        return np.abs(y_true[:, 0] - y_pred.argmax(axis=-1))

    class Own(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen["class"] = y_true

        def result(self):
            return {"own_a": 1.0, "own_b": 2.0}

    labels = np.array([[0], [1], [2], [0], [1]])
    compiled = model(
        Dense(3, "softmax"),
        loss="sparse_categorical_crossentropy",
        metrics=[first_column, Own(), "accuracy"],
    )
    history = compiled.fit(X, labels, batch_size=5, shuffle=False, verbose=0).history
    assert list(history) == ["accuracy", "first_column", "loss", "own_a", "own_b"]
    assert history["own_b"] == [2.0]
    for targets in seen.values():
        assert targets.dtype == labels.dtype
        np.testing.assert_array_equal(targets, labels)
