"""The scikit-learn wrappers give what Keras's give, for the same seed and data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scratchnn
from scratchnn import wrappers

RNG = np.random.RandomState(3)
X = RNG.normal(size=(50, 4))
LABELS = np.array(["down", "level", "up"])[np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])]
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0]
QUIET = {"epochs": 4, "verbose": 0}
LIBRARIES = [scratchnn, keras]
# Sums in another order: see test_keras_fit for such bounds.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def builder(library: Any) -> Callable[..., Any]:
    """Return the function that makes a model of `library`."""

    def build(X: Any, y: Any, units: int = 6, **compiling: Any) -> Any:
        model = library.Sequential([library.Input((X.shape[1],))])
        model.add(library.layers.Dense(units, activation="relu"))
        model.add(library.layers.Dropout(0.2))
        if compiling["loss"] == "mse":
            model.add(library.layers.Dense(1))
        else:
            model.add(library.layers.Dense(y.shape[1], activation="softmax"))
        model.compile("adam", run_eagerly=True, **compiling)  # Keras would compile for seconds
        return model

    return build


def classifier(library: Any) -> Any:
    arguments = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}
    return library.wrappers.SKLearnClassifier(builder(library), model_kwargs=arguments)


def regressor(library: Any) -> Any:
    return library.wrappers.SKLearnRegressor(builder(library), model_kwargs={"loss": "mse"})


def both(work: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return what `work(library)` gives with either library, from the same seed."""
    found = []
    for library in LIBRARIES:
        library.utils.set_random_seed(11)
        found.append(work(library))
    return found[0], found[1]


def test_classifier() -> None:
    ours, theirs = both(lambda library: classifier(library).fit(X, LABELS, **QUIET))
    np.testing.assert_array_equal(ours.classes_, theirs.classes_, strict=True)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X), strict=True)
    found, expected = ours.decision_function(X), theirs.decision_function(X)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, **CLOSE)
    assert ours.score(X, LABELS) == theirs.score(X, LABELS)
    assert ours.n_features_in_ == theirs.n_features_in_
    assert list(ours.history_.history) == list(theirs.history_.history)
    for name, values in theirs.history_.history.items():
        np.testing.assert_allclose(ours.history_.history[name], values, **CLOSE)


def test_regressor() -> None:
    ours, theirs = both(lambda library: regressor(library).fit(X, NUMBERS, **QUIET))
    found, expected = ours.predict(X), theirs.predict(X)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, **CLOSE)
    assert ours.score(X, NUMBERS) == pytest.approx(theirs.score(X, NUMBERS), rel=1e-4)


def test_transformer() -> None:
    def work(library: Any) -> Any:
        made = library.wrappers.SKLearnTransformer(builder(library), model_kwargs={"loss": "mse"})
        return made.fit_transform(X, NUMBERS, **QUIET)

    found, expected = both(work)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_model_instance() -> None:
    """A clone is trained, whose weights are drawn after those of the model."""

    def work(library: Any) -> Any:
        model = builder(library)(X, NUMBERS, loss="mse")
        made = library.wrappers.SKLearnRegressor(model, fit_kwargs=dict(QUIET))
        return [made.fit(X, NUMBERS).predict(X) for _ in range(2)]

    for found, expected in zip(*both(work), strict=True):
        np.testing.assert_allclose(found, expected, **CLOSE)


# Keras forgets fit_kwargs in a clone, so the arguments go to the fits by `params`.


def test_cross_validation() -> None:
    scores = both(
        lambda library: cross_val_score(regressor(library), X, NUMBERS, params=QUIET, cv=2)
    )
    np.testing.assert_allclose(*scores, **CLOSE)
    labels = both(
        lambda library: cross_val_predict(classifier(library), X, LABELS, params=QUIET, cv=2)
    )
    np.testing.assert_array_equal(*labels, strict=True)


def test_grid_search_in_a_pipeline() -> None:
    def work(library: Any) -> Any:
        pipeline = make_pipeline(StandardScaler(), classifier(library))
        arguments = pipeline.get_params()["sklearnclassifier__model_kwargs"]
        grid = {
            "sklearnclassifier__model_kwargs": [{**arguments, "units": units} for units in (2, 9)]
        }
        search = GridSearchCV(pipeline, grid, cv=2)
        search.fit(X, LABELS, **{f"sklearnclassifier__{name}": v for name, v in QUIET.items()})
        return search

    ours, theirs = both(work)
    assert ours.best_params_ == theirs.best_params_
    for name in ("mean_test_score", "rank_test_score"):
        np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X), strict=True)


NAMES = wrappers.__all__


@pytest.mark.parametrize("name", NAMES)
def test_constructors_parameters_and_tags(name: str) -> None:
    ours, theirs = getattr(wrappers, name), getattr(keras.wrappers, name)

    def arguments(cls: type) -> list[Any]:
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    assert arguments(ours) == arguments(theirs)
    found, expected = ours(builder, fit_kwargs={"a": 1}), theirs(builder, fit_kwargs={"a": 1})
    assert found.get_params() == expected.get_params()
    assert found.__sklearn_tags__() == expected.__sklearn_tags__()
    assert found.epoch_ == expected.epoch_ == 0
    for method in ("fit", "predict", "transform", "decision_function", "predict_proba", "score"):
        assert hasattr(found, method) == hasattr(expected, method), method


@pytest.mark.parametrize(
    ("name", "y"),
    [
        ("SKLearnClassifier", NUMBERS),
        ("SKLearnClassifier", ["up"] * 50),
        ("SKLearnClassifier", np.zeros((50, 2))),
        ("SKLearnRegressor", np.zeros((50, 2))),
        ("SKLearnRegressor", np.array([object()] * 50)),
        ("SKLearnTransformer", [np.nan] * 50),
        ("SKLearnRegressor", NUMBERS[:9]),
    ],
)
def test_errors(name: str, y: Any) -> None:
    for library in LIBRARIES:
        made = getattr(library.wrappers, name)(
            builder(library), model_kwargs={"loss": "mse"}, fit_kwargs=dict(QUIET)
        )
        with pytest.raises(ValueError):  # noqa: PT011 (the texts differ)
            made.fit(X, y)
