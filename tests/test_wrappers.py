"""The scikit-learn wrappers: scikit-learn's own checks, and what is ours."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from labels import label
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import scratchnn
from scratchnn import Input, Sequential, layers, optimizers, utils, wrappers
from scratchnn.callbacks import LambdaCallback
from scratchnn.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

Build = Callable[..., Sequential]

RNG = np.random.RandomState(3)
X = RNG.normal(size=(60, 4))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0]
QUIET = {"epochs": 5, "verbose": 0}


def dense(
    X: np.ndarray,
    y: np.ndarray,
    loss: str = "mean_squared_error",
    activation: str = "linear",
    units: tuple[int, ...] = (10,),
) -> Sequential:
    """Return a network that fits the data, with the same first weights in each call."""
    utils.set_random_seed(1)
    model = Sequential([Input((X.shape[1],)), *(layers.Dense(n, "relu") for n in units)])
    model.add(layers.Dense(y.shape[1], activation))
    model.compile(optimizers.Adam(0.02), loss)
    return model


SOFTMAX = {"loss": "categorical_crossentropy", "activation": "softmax"}


def classifier(**arguments: Any) -> Any:
    return SKLearnClassifier(dense, **{"model_kwargs": SOFTMAX, "fit_kwargs": QUIET} | arguments)


def regressor(**arguments: Any) -> Any:
    return SKLearnRegressor(dense, **{"fit_kwargs": QUIET} | arguments)


def compiled(outputs: int = 1) -> Sequential:
    return dense(X, np.zeros((1, outputs)))


# --- scikit-learn's checks

# decision_function gives one column per class, as Keras's does, also where there are two classes:
# scikit-learn then wants one column in all.
EXPECTED_FAILURES = {
    "SKLearnClassifier": {
        "check_classifiers_classes": "decision_function has two columns for two classes",
        "check_classifiers_train": "decision_function has two columns for two classes",
    }
}


CHECKS = parametrize_with_checks(
    [
        classifier(model_kwargs={**SOFTMAX, "units": (20, 20, 20)}),
        regressor(fit_kwargs={"verbose": 0}),
        SKLearnTransformer(dense, fit_kwargs={"verbose": 0}),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {}),
)


@pytest.mark.parametrize(*CHECKS.args, ids=lambda value: label(CHECKS.kwargs["ids"](value)))
def test_the_checks_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    try:
        check(estimator)
    except unittest.SkipTest as skipped:
        pytest.skip(str(skipped))


# --- Fit and predict


def test_classifier() -> None:
    seen: dict[str, Any] = {}

    def build(X: np.ndarray, y: np.ndarray, units: int) -> Sequential:
        seen.update(X=X, y=y, units=units)
        return dense(X, y, units=(units,), **SOFTMAX)

    found = SKLearnClassifier(build, model_kwargs={"units": 7}, fit_kwargs=QUIET)
    assert found.fit(X.tolist(), LABELS.tolist()) is found
    assert seen["units"] == 7
    assert seen["X"].shape == (60, 4)
    np.testing.assert_array_equal(seen["y"], np.stack([LABELS == "down", LABELS == "up"], 1))
    assert seen["y"].dtype == np.float64
    assert found.classes_.tolist() == ["down", "up"]
    assert found.n_features_in_ == 4
    assert isinstance(found.history_, scratchnn.callbacks.History)
    assert len(found.history_.history["loss"]) == 5
    outputs = found.decision_function(X)
    np.testing.assert_array_equal(outputs, found.model_.predict(X, verbose=0))
    assert outputs.shape == (60, 2)
    labels = found.predict(X)
    np.testing.assert_array_equal(labels, found.classes_[outputs.argmax(axis=1)])
    assert found.score(X, LABELS) == np.mean(labels == LABELS)
    for missing in ("predict_proba", "partial_fit"):  # which Keras has not, either
        assert not hasattr(found, missing)


@pytest.mark.parametrize(
    "labels", [[3, 5, 9], [True, False], ["b", "a", "ç"], [2.0, -1.0], np.uint8([7, 9])], ids=str
)
def test_classes_of_all_kinds(labels: Any) -> None:
    y = np.resize(np.array(labels), 60)
    found = classifier().fit(X, y)
    np.testing.assert_array_equal(found.classes_, np.unique(y), strict=True)
    assert found.predict(X).dtype == y.dtype
    assert found.decision_function(X[:1]).shape == (1, len(labels))


def test_regressor() -> None:
    found = regressor(fit_kwargs={"epochs": 200, "verbose": 0}).fit(X, NUMBERS)
    predicted = found.predict(X)
    assert (predicted.shape, predicted.dtype) == ((60,), np.float32)
    np.testing.assert_array_equal(predicted, found.model_.predict(X, verbose=0)[:, 0])
    assert 0.9 < found.score(X, NUMBERS) < 1


def test_transformer() -> None:
    found = SKLearnTransformer(dense, fit_kwargs=QUIET)
    outputs = found.fit_transform(X, NUMBERS)
    np.testing.assert_array_equal(outputs, found.model_.predict(X, verbose=0))
    assert outputs.shape == (60, 1)
    np.testing.assert_array_equal(found.predict(X), outputs[:, 0])


def test_arguments_of_fit_come_before_fit_kwargs_and_do_not_stay() -> None:
    arguments = {"epochs": 2, "verbose": 0}
    found = regressor(fit_kwargs=arguments)
    assert found.epoch_ == 0
    assert found.fit(X, NUMBERS, epochs=3).epoch_ == 3
    assert arguments == {"epochs": 2, "verbose": 0}
    assert found.fit(X, NUMBERS).epoch_ == 2
    weight = np.arange(60) % 2
    half = regressor().fit(X[1::2], NUMBERS[1::2], batch_size=30, shuffle=False)
    weighted = regressor().fit(X, NUMBERS, sample_weight=2 * weight, batch_size=60, shuffle=False)
    np.testing.assert_allclose(half.predict(X), weighted.predict(X), rtol=1e-4)


def test_verbose_in_fit_kwargs_holds_for_predict(capsys: pytest.CaptureFixture[str]) -> None:
    regressor().fit(X, NUMBERS).predict(X)
    assert capsys.readouterr().out == ""
    regressor(fit_kwargs=None).fit(X, NUMBERS, verbose=0).predict(X)
    assert "2/2" in capsys.readouterr().out


# --- A Model instead of a function


def test_a_model_is_not_touched_and_each_fit_starts_anew() -> None:
    model = compiled()
    before = model.get_weights()
    found = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, NUMBERS)
    first = found.model_
    for weight, same in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)
    assert first is not model
    assert type(first.optimizer) is type(model.optimizer)
    assert first.optimizer is not model.optimizer
    assert not model.optimizer.built
    assert int(first.optimizer.iterations) == 10
    found.fit(X, NUMBERS)
    assert found.model_ is not first
    assert int(found.model_.optimizer.iterations) == 10


def test_the_model_of_a_clone_is_another_one() -> None:
    model = compiled()
    copy = clone(SKLearnRegressor(model, fit_kwargs=QUIET))
    assert copy.model is not model
    for weight, same in zip(copy.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)
    assert copy.fit(X, NUMBERS).predict(X).shape == (60,)


@pytest.mark.parametrize("given", ["model", "function"])
def test_warm_start_goes_on(given: str) -> None:
    model = compiled() if given == "model" else dense
    found = SKLearnRegressor(model, warm_start=True, fit_kwargs=QUIET | {"shuffle": False})
    found.fit(X, NUMBERS)
    first = found.model_
    assert (first is model) == (given == "model")
    losses = found.history_.history["loss"]
    found.fit(X, NUMBERS)
    assert found.model_ is first
    losses = losses + found.history_.history["loss"]
    once = regressor(fit_kwargs={"epochs": 10, "verbose": 0, "shuffle": False}).fit(X, NUMBERS)
    assert losses == once.history_.history["loss"]


def test_the_folds_of_a_warm_start_do_not_share_a_model() -> None:
    model = compiled()
    before = model.get_weights()
    scores = cross_val_score(SKLearnRegressor(model, warm_start=True, fit_kwargs=QUIET), X, NUMBERS)
    assert len(set(scores)) == 5
    for weight, same in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


# --- In scikit-learn's machinery


def test_clone_keeps_all_arguments() -> None:
    found = classifier(warm_start=True).fit(X, LABELS)
    copy = clone(found)
    assert copy.get_params() == found.get_params()
    assert copy.get_params() == {
        "model": dense,
        "warm_start": True,
        "model_kwargs": SOFTMAX,
        "fit_kwargs": QUIET,
    }
    assert copy.fit_kwargs is not found.fit_kwargs
    assert not hasattr(copy, "model_")
    with pytest.raises(NotFittedError):
        copy.predict(X)


def test_cross_val_score() -> None:
    scores = cross_val_score(classifier(fit_kwargs={"epochs": 60, "verbose": 0}), X, LABELS, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.7


def test_grid_search() -> None:
    grid = {
        "model_kwargs": [SOFTMAX, {**SOFTMAX, "units": ()}],
        "fit_kwargs": [{"epochs": n, "verbose": 0} for n in (1, 30)],
    }
    search = GridSearchCV(classifier(), grid, cv=2).fit(X, LABELS)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_params_["fit_kwargs"]["epochs"] == 30
    assert search.best_estimator_.epoch_ == 30
    assert set(search.predict(X)) == {"up", "down"}


def test_pipeline() -> None:
    pipeline = make_pipeline(StandardScaler(), regressor(fit_kwargs={"epochs": 200, "verbose": 0}))
    assert pipeline.fit(100 * X + 7, NUMBERS).score(100 * X + 7, NUMBERS) > 0.9
    search = GridSearchCV(pipeline, {"sklearnregressor__model_kwargs": [{"units": ()}]}, cv=2)
    search.fit(100 * X, NUMBERS, sklearnregressor__epochs=2)
    assert search.best_estimator_[-1].epoch_ == 2
    assert len(search.best_estimator_[-1].model_.layers) == 1
    features = make_pipeline(SKLearnTransformer(dense, fit_kwargs=QUIET), StandardScaler())
    assert features.fit(X, NUMBERS).transform(X).std() == pytest.approx(1)


def test_a_fitted_estimator_can_be_pickled() -> None:
    found = classifier().fit(X, LABELS)
    copy = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(copy.decision_function(X), found.decision_function(X))
    assert copy.classes_.tolist() == ["down", "up"]
    warm = regressor(warm_start=True).fit(X, NUMBERS)
    other = pickle.loads(pickle.dumps(warm))
    for estimator in (warm, other):  # the optimizer's state is among what is pickled
        estimator.fit(X, NUMBERS, shuffle=False)
    assert warm.history_.history == other.history_.history


@pytest.fixture
def _routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("_routing")
def test_metadata_routing() -> None:
    begun: list[Any] = []
    callbacks = [LambdaCallback(on_train_begin=begun.append)]
    weight = np.arange(60.0)
    found = regressor().set_fit_request(sample_weight=True, callbacks="my_callbacks")
    copy = clone(found)
    for estimator in (found, copy):
        requests = estimator.get_metadata_routing().fit.requests
        assert requests == {"sample_weight": True, "callbacks": "my_callbacks"}
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, copy)
    pipeline.fit(X, NUMBERS, sample_weight=weight, my_callbacks=callbacks)
    assert len(begun) == 1
    scaled = scaler.fit_transform(X)
    for weights, same in ((weight, True), (None, False)):
        alone = regressor().fit(scaled, NUMBERS, sample_weight=weights)
        assert np.array_equal(alone.predict(scaled), pipeline.predict(X)) == same
    copy.set_score_request(sample_weight=False)
    search = GridSearchCV(copy, {"model_kwargs": [{"units": ()}]}, cv=2)
    assert search.fit(X, NUMBERS, sample_weight=weight).best_estimator_.epoch_ == 5


# --- Errors


def test_errors_in_targets() -> None:
    with pytest.raises(ValueError, match=r"binary or multiclass.*Received: continuous ones"):
        classifier().fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"more than one class\. Received: \['up'\] only"):
        classifier().fit(X, ["up"] * 60)
    with pytest.raises(ValueError, match="Unknown label type"):
        regressor().fit(X, np.array([object()] * 60))
    with pytest.raises(ValueError, match="y should be a 1d array"):
        regressor().fit(X, np.zeros((60, 2)))


def test_errors_in_models() -> None:
    def uncompiled(X: np.ndarray, y: np.ndarray) -> Sequential:
        return Sequential([Input((4,)), layers.Dense(1)])

    def without_loss(X: np.ndarray, y: np.ndarray) -> Sequential:
        model = uncompiled(X, y)
        model.compile("sgd")
        return model

    for model in (uncompiled, without_loss):
        with pytest.raises(RuntimeError, match=r"compiled with an optimizer and a loss"):
            SKLearnRegressor(model).fit(X, NUMBERS)
    found = regressor().fit(X, NUMBERS)
    found.model_ = compiled(outputs=3)
    with pytest.raises(ValueError, match=r"outputs of shape \(N, 1\)\. Received: \(60, 3\)"):
        found.predict(X)
    found = classifier().fit(X, LABELS)
    found.model_ = compiled(outputs=3)
    with pytest.raises(ValueError, match=r"shape \(N, 2\), one per class\. Received: \(60, 3\)"):
        found.predict(X)
    found.model_ = compiled(outputs=2)
    found.model_.set_weights([np.full_like(w, np.nan) for w in found.model_.get_weights()])
    with pytest.raises(ValueError, match="training has diverged"):
        found.predict(X)


def test_errors_in_parameters() -> None:
    with pytest.raises(ValueError, match=r"'model__units'\. Set model_kwargs, a dict"):
        regressor().set_params(model__units=3)
    with pytest.raises(ValueError, match=r"'fit_kwargs__epochs'\. Set fit_kwargs, a dict"):
        regressor().set_params(fit_kwargs__epochs=3)
    with pytest.raises(ValueError, match="Invalid parameter 'epochs'"):
        regressor().set_params(epochs=3)
    assert regressor().set_params(warm_start=True).warm_start
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        regressor().set_fit_request(sample_weight=True)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scratchnn.wrappers.estimators")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"SKLearnRegressor expected.*install --upgrade scikit"):
        wrappers.SKLearnRegressor  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'SKLearn'"):
        wrappers.SKLearn  # noqa: B018
    assert dir(wrappers) == wrappers.__all__


def test_scikit_learn_is_imported_on_use() -> None:
    code = (
        "import json, sys\n"
        "import scratchnn.wrappers\n"
        "before = 'sklearn' in sys.modules\n"
        "from scratchnn.wrappers import SKLearnRegressor\n"
        "print(json.dumps([before, 'sklearn' in sys.modules]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(scratchnn.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == [False, True]
