"""Metrics give Keras's values over uneven batches, from the same configs.

Values are compared to 2e-6 of the largest, sixteen times the rounding of a float32: sums are taken
in another order, no more. Counts, configs and names are equal.
"""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

import keras
import numpy as np
import pytest
from twins import both, close, close_all, quiet, seed_both

import scratchnn
from scratchnn import metrics as ours

TOLERANCE = 2e-6
SIZES = (5, 4, 7)


def batches(kind: str) -> list[tuple[Any, Any]]:
    """Return three uneven batches of targets and predictions."""
    rng = np.random.default_rng(len(kind))
    found = []
    for n in SIZES:
        shape = {
            "binary": (n,),
            "column": (n, 1),
            "many": (n, 3),
            "classes": (n, 4),
            "labels": (n, 4),
            "column labels": (n, 4),
            "steps": (n, 3, 4),
            "step labels": (n, 3, 4),
            "ids": (n,),
            "images": (n, 2, 3),
            "numbers": (n, 3),
            "vector": (n,),
            "signs": (n, 3),
            "mixed": (n, 1),
        }[kind]
        p = rng.uniform(size=shape).astype("float32")
        if kind in ("binary", "column", "many"):
            # Some lie on a threshold: on 0, 0.5 and 1, and on multiples of 1 / 199 and of 0.1.
            p.ravel()[::3] = (np.round(p * 199) / np.float32(199)).ravel()[::3]
            p.ravel()[1::4] = np.round(p * 10).ravel()[1::4] / np.float32(10)
            p.ravel()[:3] = [0, 0.5, 1]
            y = rng.integers(0, 2, shape)
        elif kind in ("classes", "steps"):
            p /= p.sum(axis=-1, keepdims=True)
            y = np.eye(4, dtype="float32")[rng.integers(0, 4, shape[:-1])]
        elif kind in ("labels", "step labels", "column labels"):
            p /= p.sum(axis=-1, keepdims=True)
            y = rng.integers(0, 4, shape[:-1] + ((1,) if kind == "column labels" else ()))
        elif kind in ("ids", "images"):
            y, p = rng.integers(0, 4, shape), rng.integers(0, 4, shape)
        elif kind == "signs":
            y, p = rng.choice([-1.0, 1.0], shape).astype("float32"), 2 * p - 1
        elif kind == "mixed":
            y = rng.integers(0, 2, n).astype(bool)  # (N,) for (N, 1)
        else:
            y, p = rng.normal(size=shape), rng.normal(size=shape)
        found.append((y, p))
    return found


def weights(kind: str, y: Any, p: Any) -> Any:
    rng = np.random.default_rng(len(y))
    shape = {"none": None, "samples": (len(y),), "column": (len(y), 1), "steps": y.shape[:2]}
    shape |= {"all": p.shape, "number": ()}
    if shape[kind] is None:
        return None
    # Sums of these are exact, so that comparing ratios with a number is the same in any order.
    found = rng.integers(0, 9, shape[kind]) / np.float32(4)
    return float(found) if kind == "number" else found


PLAIN = ("none", "samples")
CASES: dict[str, tuple[Any, list[str], tuple[str, ...]]] = {
    "TruePositives": (lambda m: m.TruePositives(), ["binary", "column", "many"], PLAIN),
    "FalsePositives": (
        lambda m: m.FalsePositives([0.7, 0.2, 0.5], name="fp"),
        ["binary", "many"],
        (*PLAIN, "all"),
    ),
    "TrueNegatives": (
        lambda m: m.TrueNegatives([0.0, 0.25, 0.5, 0.75, 1.0]),
        ["binary", "many"],
        (*PLAIN, "number"),
    ),
    "FalseNegatives": (lambda m: m.FalseNegatives(0.3), ["many", "mixed"], (*PLAIN, "column")),
    "Precision": (lambda m: m.Precision(), ["binary", "mixed", "classes", "steps"], ("none",)),
    "Precision of samples": (lambda m: m.Precision(), ["column", "many"], (*PLAIN, "column")),
    "Precision thresholds": (lambda m: m.Precision([0.2, 0.8]), ["binary", "many"], PLAIN),
    "Precision even": (lambda m: m.Precision([0.0, 0.5, 1.0]), ["binary", "many"], PLAIN),
    "Precision top": (lambda m: m.Precision(top_k=2), ["classes", "many"], (*PLAIN, "column")),
    "Precision top of class": (
        lambda m: m.Precision(0.25, top_k=2, class_id=1),
        ["classes", "steps"],
        ("none",),
    ),
    "Recall": (lambda m: m.Recall(), ["binary", "column", "many"], PLAIN),
    "Recall of class": (lambda m: m.Recall(0.3, class_id=2), ["classes", "many"], PLAIN),
    "Recall of steps": (lambda m: m.Recall(top_k=1), ["steps"], ("none", "steps")),
    "SensitivityAtSpecificity": (
        lambda m: m.SensitivityAtSpecificity(0.6, num_thresholds=7),
        ["binary", "column"],
        PLAIN,
    ),
    "SpecificityAtSensitivity": (
        lambda m: m.SpecificityAtSensitivity(0.4, class_id=1),
        ["many"],
        PLAIN,
    ),
    "PrecisionAtRecall": (lambda m: m.PrecisionAtRecall(0.7), ["binary", "mixed"], PLAIN),
    "RecallAtPrecision": (
        lambda m: m.RecallAtPrecision(0.6, num_thresholds=1),
        ["binary", "many"],
        PLAIN,
    ),
    "RecallAtPrecision of two": (lambda m: m.RecallAtPrecision(0.5, 2), ["column"], PLAIN),
    "AUC": (
        lambda m: m.AUC(),
        ["binary", "column", "many", "mixed", "classes"],
        (*PLAIN, "number"),
    ),
    "AUC of many": (lambda m: m.AUC(label_weights=[0.5, 1, 2]), ["many"], (*PLAIN, "all")),
    "AUC PR": (lambda m: m.AUC(curve="PR"), ["binary", "many"], PLAIN),
    "AUC gain": (lambda m: m.AUC(20, "prgain", name="gain"), ["binary", "many"], PLAIN),
    "AUC above": (lambda m: m.AUC(5, "pr", "majoring"), ["binary", "column"], PLAIN),
    "AUC below": (lambda m: m.AUC(2, "roc", "Minoring"), ["binary", "column"], PLAIN),
    "AUC thresholds": (lambda m: m.AUC(thresholds=[0.7, 0.1, 0.4]), ["binary", "many"], PLAIN),
    "AUC even": (lambda m: m.AUC(thresholds=[0.25, 0.5, 0.75]), ["binary", "many"], PLAIN),
    "AUC labels": (lambda m: m.AUC(multi_label=True), ["many"], PLAIN),
    "AUC PR labels": (
        lambda m: m.AUC(50, "PR", multi_label=True, num_labels=3, label_weights=[1, 2, 0.5]),
        ["many"],
        ("column",),
    ),
    "AUC uneven labels": (
        lambda m: m.AUC(thresholds=[0.2, 0.9], multi_label=True, label_weights=[1, 2, 0.5]),
        ["many"],
        PLAIN,
    ),
    "AUC logits": (lambda m: m.AUC(from_logits=True), ["signs"], PLAIN),
    "F1Score": (lambda m: m.F1Score(), ["classes", "many"], PLAIN),
    "F1Score micro": (lambda m: m.F1Score("micro", 0.4), ["classes", "many"], PLAIN),
    "FBetaScore macro": (lambda m: m.FBetaScore("macro", 2.0), ["classes"], PLAIN),
    "FBetaScore": (lambda m: m.FBetaScore("weighted", 0.5, 0.3), ["many"], PLAIN),
    "IoU": (lambda m: m.IoU(4, [0, 2]), ["ids", "images"], ("none", "number")),
    "IoU ignoring": (lambda m: m.IoU(3, (1, 2), ignore_class=0), ["ids", "images"], ("none",)),
    "IoU of floats": (lambda m: m.IoU(4, [1], dtype="float32"), ["images"], ("none", "all")),
    "BinaryIoU": (lambda m: m.BinaryIoU(), ["binary", "many"], ("none",)),
    "BinaryIoU of one": (
        lambda m: m.BinaryIoU([1], 0.3, dtype="float32"),
        ["binary", "many"],
        ("none", "all"),
    ),
    "MeanIoU": (lambda m: m.MeanIoU(5), ["ids", "images"], ("none",)),
    "MeanIoU of scores": (lambda m: m.MeanIoU(4, sparse_y_pred=False), ["step labels"], ("none",)),
    "OneHotIoU": (lambda m: m.OneHotIoU(4, [0, 3]), ["classes", "steps"], ("none",)),
    "OneHotMeanIoU": (lambda m: m.OneHotMeanIoU(4, axis=-1), ["classes", "steps"], ("none",)),
    "MeanSquaredError": (
        lambda m: m.MeanSquaredError(),
        ["numbers", "mixed", "steps"],
        (*PLAIN, "column", "number"),
    ),
    "MeanSquaredError of a vector": (lambda m: m.MeanSquaredError(), ["vector"], ("none",)),
    "RootMeanSquaredError": (
        lambda m: m.RootMeanSquaredError(),
        ["numbers", "vector", "steps"],
        (*PLAIN, "number"),
    ),
    "RootMeanSquaredError of all": (
        lambda m: m.RootMeanSquaredError(),
        ["numbers"],
        ("all", "column"),
    ),
    "MeanAbsoluteError": (lambda m: m.MeanAbsoluteError("mae"), ["numbers", "steps"], PLAIN),
    "MeanAbsolutePercentageError": (
        lambda m: m.MeanAbsolutePercentageError(),
        ["numbers", "many"],
        PLAIN,
    ),
    "MeanSquaredLogarithmicError": (
        lambda m: m.MeanSquaredLogarithmicError(),
        ["numbers", "many"],
        PLAIN,
    ),
    "LogCoshError": (lambda m: m.LogCoshError(), ["numbers"], PLAIN),
    "CosineSimilarity": (
        lambda m: m.CosineSimilarity(),
        ["numbers", "many", "steps", "mixed"],
        PLAIN,
    ),
    "CosineSimilarity of steps": (lambda m: m.CosineSimilarity(axis=1), ["steps"], ("none",)),
    "PearsonCorrelation": (lambda m: m.PearsonCorrelation(), ["numbers"], PLAIN),
    "PearsonCorrelation of samples": (lambda m: m.PearsonCorrelation(axis=0), ["many"], ("none",)),
    "ConcordanceCorrelation": (lambda m: m.ConcordanceCorrelation(), ["numbers", "many"], PLAIN),
    "R2Score": (lambda m: m.R2Score(), ["numbers", "column", "mixed"], (*PLAIN, "all", "column")),
    "R2Score weighted": (
        lambda m: m.R2Score("variance_weighted_average", num_regressors=3),
        ["numbers"],
        PLAIN,
    ),
    "R2Score of each": (lambda m: m.R2Score(None, 20), ["numbers"], PLAIN),
    "Hinge": (lambda m: m.Hinge(), ["signs", "many"], PLAIN),
    "SquaredHinge": (lambda m: m.SquaredHinge(), ["signs", "many"], PLAIN),
    "CategoricalHinge": (lambda m: m.CategoricalHinge(), ["classes", "steps"], ("none",)),
    "KLDivergence": (lambda m: m.KLDivergence(), ["classes"], PLAIN),
    "Poisson": (lambda m: m.Poisson(), ["many"], PLAIN),
    "BinaryCrossentropy": (
        lambda m: m.BinaryCrossentropy(label_smoothing=0.1),
        ["column", "many"],
        PLAIN,
    ),
    "BinaryCrossentropy of logits": (
        lambda m: m.BinaryCrossentropy("bce", from_logits=True),
        ["many"],
        PLAIN,
    ),
    "CategoricalCrossentropy": (
        lambda m: m.CategoricalCrossentropy(label_smoothing=0.2),
        ["classes", "steps"],
        ("none",),
    ),
    "CategoricalCrossentropy of logits": (
        lambda m: m.CategoricalCrossentropy(from_logits=True),
        ["classes"],
        PLAIN,
    ),
    "SparseCategoricalCrossentropy": (
        lambda m: m.SparseCategoricalCrossentropy(),
        ["labels", "column labels", "step labels"],
        ("none",),
    ),
    "SparseCategoricalCrossentropy ignoring": (
        lambda m: m.SparseCategoricalCrossentropy(ignore_class=2),
        ["labels", "step labels"],
        ("none",),
    ),
    "SparseCategoricalCrossentropy ignoring, weighted": (
        lambda m: m.SparseCategoricalCrossentropy(ignore_class=2, from_logits=True),
        ["labels"],
        ("samples", "column"),
    ),
    "Accuracy": (lambda m: m.Accuracy(), ["ids", "images"], PLAIN),
    "BinaryAccuracy": (
        lambda m: m.BinaryAccuracy(threshold=0.3),
        ["column", "many", "mixed"],
        PLAIN,
    ),
    "CategoricalAccuracy": (lambda m: m.CategoricalAccuracy(), ["classes", "steps"], ("none",)),
    "CategoricalAccuracy of samples": (
        lambda m: m.CategoricalAccuracy(),
        ["classes"],
        ("samples", "column"),
    ),
    "SparseCategoricalAccuracy": (
        lambda m: m.SparseCategoricalAccuracy(),
        ["labels", "column labels"],
        (*PLAIN, "column"),
    ),
    "SparseCategoricalAccuracy of steps": (
        lambda m: m.SparseCategoricalAccuracy(),
        ["step labels"],
        (*PLAIN, "steps"),
    ),
    "TopKCategoricalAccuracy": (
        lambda m: m.TopKCategoricalAccuracy(2),
        ["classes", "steps"],
        ("none",),
    ),
    "SparseTopKCategoricalAccuracy": (
        lambda m: m.SparseTopKCategoricalAccuracy(2),
        ["labels", "column labels", "step labels"],
        PLAIN,
    ),
    "MeanMetricWrapper": (
        lambda m: m.MeanMetricWrapper(m.binary_accuracy, threshold=0.6),
        ["many"],
        PLAIN,
    ),
    "MeanMetricWrapper of a loss function": (
        lambda m: m.MeanMetricWrapper(m.mean_squared_error, "mine"),
        ["numbers"],
        PLAIN,
    ),
}
RUNS = [
    pytest.param(case, kind, weight, id=f"{case}, {kind}, weights {weight}")
    for case, (_, kinds, ws) in CASES.items()
    for i, kind in enumerate(kinds)
    for weight in (ws if i == 0 else ws[-1:])
]


def run(module: Any, case: str, kind: str, weight: str) -> list[Any]:
    """Return the result after three batches and, without weights, after a reset and one more."""
    metric = CASES[case][0](module)
    with quiet():
        for y, p in batches(kind):
            metric.update_state(y, p, weights(weight, y, p))
        results = [np.asarray(metric.result())]
        if weight == "none":
            metric.reset_state()
            results.append(np.asarray(metric(*batches(kind)[1])))
    return results


@pytest.mark.parametrize(("case", "kind", "weight"), RUNS)
def test_the_values_are_those_of_keras(case: str, kind: str, weight: str) -> None:
    close_all(run(ours, case, kind, weight), run(keras.metrics, case, kind, weight), TOLERANCE)


@pytest.mark.parametrize("case", CASES)
def test_the_configs_and_variables_are_those_of_keras(case: str) -> None:
    seed_both(0)
    mine, theirs = (CASES[case][0](module) for module in (ours, keras.metrics))
    if case.startswith("RootMeanSquaredError"):
        assert not isinstance(mine, ours.MeanMetricWrapper)
    expected = json.loads(json.dumps(keras.metrics.serialize(theirs)))
    assert json.loads(json.dumps(ours.serialize(mine))) == expected
    for module, original in ((keras.metrics, theirs), (ours, mine)):
        if module is keras.metrics and expected["config"].get("label_weights"):
            continue  # Keras does not read what it wrote
        again = module.deserialize(expected)
        assert type(again) is type(original)
        assert json.loads(json.dumps(module.serialize(again))) == expected
    y, p = batches(CASES[case][1][0])[0]
    with quiet():
        mine.update_state(y, p)
        theirs.update_state(y, p)
    assert [v.name for v in mine.variables] == [v.name for v in theirs.variables]
    # Sums and counts add up to the same result in another order, and in Keras's terms.
    for a, b in zip(mine.variables, theirs.variables, strict=True):
        assert (a.path, a.shape, a.dtype.name) == (b.path, b.shape, b.dtype)
        close(a.numpy(), b.numpy(), TOLERANCE, a.path)
    assert getattr(mine, "_direction", None) == getattr(theirs, "_direction", None)


def test_everything_in_keras_metrics_is_here() -> None:
    public = {name for name in dir(keras.metrics) if not name.startswith("_")}
    assert public <= set(ours.__all__)
    # Beside it are the names that tf.keras has for the loss functions.
    short = {"kld", "kullback_leibler_divergence", "logcosh", "mae", "mape", "mse", "msle"}
    assert set(ours.__all__) - public == short | {name.upper() for name in short if len(name) < 5}
    for name in sorted(public - {"get", "serialize", "deserialize"}):
        found, expected = (
            [(a.name, a.default) for a in inspect.signature(getattr(m, name)).parameters.values()]
            for m in (ours, keras.metrics)
        )
        assert found == expected, name


def test_get_knows_the_names_that_keras_knows() -> None:
    from keras.src.metrics import ALL_OBJECTS_DICT

    known = dict(ALL_OBJECTS_DICT)
    assert {name: cls.__name__ for name, cls in known.items()} == {
        name: cls.__name__ for name, cls in ours._lookup.names.items()
    }
    for name in ("acc", "huber", "kld", "rmse", "log_cosh"):
        for module in (ours, keras.metrics):
            with pytest.raises(ValueError, match="Could not interpret metric identifier"):
                module.get(name)


# --- Mean and Sum: each shape of values and weights


SHAPES = [
    ((), None),
    ((), ()),
    ((4,), None),
    ((4,), ()),
    ((4,), (4,)),
    ((4,), (4, 1)),
    ((4, 1), (4,)),
    ((4, 3), None),
    ((4, 3), ()),
    ((4, 3), (4,)),
    ((4, 3), (4, 1)),
    ((4, 3), (1, 3)),
    ((4, 3), (4, 3)),
    ((4, 3, 2), (4,)),
    ((4, 3, 2), (4, 3)),
    ((4, 3, 1), (4, 3)),
    ((4, 3), (4, 3, 1)),
    ((4, 3, 2), (4, 3, 1)),
    ((4, 3, 2), (4, 3, 2)),
]


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(("shape", "weight"), SHAPES, ids=str)
def test_values_and_weights_of_each_shape(name: str, shape: Any, weight: Any) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(2, 1, (2, *shape)).astype("float32")
    given = None if weight is None else rng.uniform(0, 2, (2, *weight)).astype("float32")

    def compute(module: Any) -> list[Any]:
        metric = getattr(module, name)()
        for i in range(2):
            metric.update_state(values[i], None if given is None else given[i])
        return [np.asarray(v) for v in (metric.result(), *metric.variables)]

    close_all(compute(ours), compute(keras.metrics), TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_a_mean_in_another_dtype(dtype: str) -> None:
    def compute(module: Any) -> list[Any]:
        metric = module.Mean(dtype=dtype)
        metric.update_state(np.array([1, 2, 4], "float64") / 3)
        metric.update_state(np.array([0.1, 0.7]), np.array([1, 3]))
        return [np.asarray(metric.result()), *(np.asarray(v) for v in metric.variables)]

    close_all(compute(ours), compute(keras.metrics), float(2 * np.finfo(dtype).eps))
    assert ours.Mean(dtype=dtype).get_config() == keras.metrics.Mean(dtype=dtype).get_config()


@pytest.mark.parametrize("name", ["MeanSquaredError", "RootMeanSquaredError"])
def test_small_errors_of_large_numbers_in_double_precision(name: str) -> None:
    y = np.array([[10000.01], [20000.03]])
    found, expected = (
        float(getattr(m, name)(dtype="float64")(y, y + 0.001)) for m in (ours, keras.metrics)
    )
    assert found == pytest.approx(expected, rel=1e-6)


def test_targets_of_any_type() -> None:
    y, p = np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.6])
    for name in ("AUC", "Precision", "BinaryAccuracy", "MeanSquaredError", "RootMeanSquaredError"):
        for dtype in (bool, "int8", "int64", "float32", "float64"):
            data = [(a.astype(dtype)[:, np.newaxis], p[:, np.newaxis]) for a in (y, 1 - y)]

            def compute(module: Any, name: str = name, data: Any = data) -> float:
                metric = getattr(module, name)()
                for batch in data:
                    metric.update_state(*batch)
                return float(metric.result())

            assert compute(ours) == pytest.approx(compute(keras.metrics), rel=1e-6), (name, dtype)


def test_predictions_outside_0_and_1_and_nan() -> None:
    y, p = np.array([0, 1, 1, 0, 1, 0]), np.array([-0.5, 1.5, np.nan, 0.2, 0.6, 2], "float32")
    for make in (
        lambda m: m.AUC(),
        lambda m: m.AUC(thresholds=[0.3, 0.6, 0.9]),
        lambda m: m.Precision(),
        lambda m: m.Recall([0.0, 0.5, 1.0]),
        lambda m: m.TrueNegatives([0.1, 0.6]),
    ):
        found, expected = ([np.asarray(make(m)(y, p))] for m in (ours, keras.metrics))
        close_all(found, expected, TOLERANCE)


def test_auc_of_many_samples_on_and_between_the_thresholds() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=20000).astype("float32")
    p[::2] = (np.round(p[::2] * 199) / 199).astype("float32")
    y = rng.uniform(size=p.size) < p
    for curve in ("ROC", "PR"):
        mine, theirs = (m.AUC(curve=curve) for m in (ours, keras.metrics))
        mine.update_state(y, p)
        theirs.update_state(y, p)
        for a, b in zip(mine.variables, theirs.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        close(mine.result(), np.asarray(theirs.result()), 5e-6)


@pytest.mark.parametrize("name", ["pearson_correlation", "concordance_correlation"])
def test_correlations_as_functions(name: str) -> None:
    y, p = batches("numbers")[0]
    y, p = y.astype("float32"), p.astype("float32")
    for axis in (-1, 0):
        found, expected = (getattr(m, name)(y, p, axis=axis) for m in (ours, keras.metrics))
        close(found, np.asarray(expected), TOLERANCE)
    constant = [getattr(m, name)(y * 0, p) for m in (ours, keras.metrics)]
    np.testing.assert_allclose(constant[0], np.asarray(constant[1]), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("binary_accuracy", ["column", "many", "mixed"]),
        ("categorical_accuracy", ["classes", "steps"]),
        ("sparse_categorical_accuracy", ["labels", "column labels", "step labels"]),
        ("top_k_categorical_accuracy", ["classes", "steps"]),
        ("sparse_top_k_categorical_accuracy", ["labels", "column labels", "step labels"]),
    ],
)
def test_accuracies_as_functions(name: str, kinds: list[str]) -> None:
    for kind in kinds:
        y, p = batches(kind)[0]
        found, expected = (np.asarray(getattr(m, name)(y, p)) for m in (ours, keras.metrics))
        np.testing.assert_array_equal(found, expected, strict=True)


# --- a metric of one's own, and the state


def own_metric(k: Any) -> Any:
    """Return a metric as Keras's guides write them, over `k`."""

    class SpecialMean(k.metrics.Metric):
        def __init__(self, name: str = "special", **kwargs: Any) -> None:
            super().__init__(name=name, **kwargs)
            self.total = self.add_weight(shape=(), initializer="zeros", name="total")
            self.counts = self.add_variable(shape=(2,), initializer="ones", name="counts")
            self.inner = k.metrics.Mean(name="inner")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            errors = np.abs(np.asarray(y_true) - np.asarray(y_pred))
            self.total.assign_add(np.sum(errors).astype("float32"))
            self.counts.assign(self.counts + np.array([1, len(errors)], "float32"))
            self.counts.assign_sub([0.5, 0.0])
            self.inner.update_state(errors)

        def result(self) -> Any:
            return self.total / self.counts[1] + 2.0 * self.inner.result()

    return SpecialMean()


def test_a_metric_of_ones_own() -> None:
    y, p = np.zeros(3, "float32"), np.array([1, 2, 4], "float32")
    found = []
    for k in (scratchnn, keras):
        metric = own_metric(k)
        results = [float(metric(y, p)), float(metric(y[:2], p[:2]))]
        state = [(v.name, v.path, tuple(v.shape), v.numpy().tolist()) for v in metric.variables]
        later = metric.stateless_update_state([np.float32(1), np.ones(2), 0.0, 0.0], y, p)
        values = [np.asarray(v).tolist() for v in later]
        result = float(metric.stateless_result(later))
        zeros = [np.asarray(v).tolist() for v in metric.stateless_reset_state()]
        kept = [v.numpy().tolist() for v in metric.variables]
        metric.reset_state()
        after = [v.numpy().tolist() for v in metric.variables]
        found.append((results, state, values, result, zeros, kept, after, metric.get_config()))
    assert found[0] == found[1]


# --- in a model


def values_of(logs: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value, "float32") for name, value in sorted(logs.items())}


def largest_error(y_true: Any, y_pred: Any) -> Any:
    if isinstance(y_pred, np.ndarray):
        return np.max(np.abs(y_true - y_pred), axis=-1)
    return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=-1)


def fit(
    k: Any, units: int, activation: str, loss: str, y: Any, metrics: Any, weighted: Any = None
) -> Any:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(len(y), 4)).astype("float32")
    weight = (1 + np.arange(len(y)) % 3).astype("float32")
    model = k.Sequential([k.Input((4,)), k.layers.Dense(units, activation)])
    weighted = weighted and weighted(k)
    model.compile("sgd", loss, metrics=metrics(k), weighted_metrics=weighted, run_eagerly=True)
    history = model.fit(
        x,
        y,
        batch_size=8,
        epochs=2,
        shuffle=False,
        sample_weight=weight,
        validation_data=(x[:5], y[:5]),
        verbose=0,
    ).history
    logs = model.evaluate(x, y, 6, verbose=0, return_dict=True)
    return history, values_of(logs)


RNG = np.random.default_rng(0)
MODELS = {
    "binary": functools.partial(
        fit,
        units=1,
        activation="sigmoid",
        loss="binary_crossentropy",
        y=RNG.integers(0, 2, (21, 1)).astype("float32"),
        metrics=lambda k: [
            k.metrics.AUC(),
            k.metrics.Precision(),
            "mse",
            largest_error,
            "AUC",
            "accuracy",
            k.metrics.Recall([0.3, 0.6]),
            k.metrics.BinaryCrossentropy(),
            k.losses.BinaryCrossentropy(),
            k.losses.binary_crossentropy,
            k.metrics.F1Score(threshold=0.5),
        ],
        weighted=lambda k: [
            k.metrics.AUC(curve="PR", name="pr"),
            "precision",
            "mae",
            k.metrics.SensitivityAtSpecificity(0.5),
            k.metrics.RootMeanSquaredError(),
            "bce",
        ],
    ),
    "labels": functools.partial(
        fit,
        units=3,
        activation="softmax",
        loss="sparse_categorical_crossentropy",
        y=RNG.integers(0, 3, 21),
        metrics=lambda k: [
            "accuracy",
            "sparse_top_k_categorical_accuracy",
            k.metrics.SparseTopKCategoricalAccuracy(2, "top"),
            k.metrics.MeanIoU(3, sparse_y_pred=False),
            "sparse_categorical_crossentropy",
        ],
        weighted=lambda k: ["acc", k.metrics.SparseCategoricalCrossentropy(ignore_class=1)],
    ),
    "classes": functools.partial(
        fit,
        units=3,
        activation="softmax",
        loss="categorical_crossentropy",
        y=np.eye(3, dtype="float32")[RNG.integers(0, 3, 21)],
        metrics=lambda k: [
            "acc",
            k.metrics.F1Score("macro"),
            k.metrics.OneHotMeanIoU(3),
            k.metrics.AUC(multi_label=True),
            k.metrics.Precision(top_k=2, class_id=1),
            "categorical_hinge",
            "kl_divergence",
            "cosine_similarity",
        ],
        weighted=lambda k: ["CategoricalAccuracy", k.metrics.Recall(top_k=1)],
    ),
    "numbers": functools.partial(
        fit,
        units=2,
        activation="linear",
        loss="mse",
        y=RNG.normal(size=(21, 2)).astype("float32"),
        metrics=lambda k: ["mape", "msle", "r2_score", "log_cosh_error", k.losses.Huber(), "hinge"],
        weighted=lambda k: [
            "root_mean_squared_error",
            k.metrics.R2Score(None),
            "pearson_correlation",
            k.metrics.ConcordanceCorrelation(name="lin"),
        ],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_history_and_evaluate(name: str) -> None:
    mine, theirs = both(MODELS[name])
    for found, expected in zip(mine, theirs, strict=True):
        assert list(found) == list(expected)
        for key in expected:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-5, atol=2e-6, err_msg=key)


def test_numbered_names_count_as_in_keras() -> None:
    def names(k: Any) -> list[str]:
        found = []
        for _ in range(2):
            model = k.Sequential([k.Input((2,)), k.layers.Dense(1, "sigmoid")])
            metrics = ["AUC", k.metrics.AUC(), "precision"]
            model.compile("sgd", "bce", metrics=metrics, run_eagerly=True)
            found += list(model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0).history)
        return [*found, k.metrics.AUC().name, k.metrics.Precision().name]

    mine, theirs = both(names)
    assert mine == theirs
