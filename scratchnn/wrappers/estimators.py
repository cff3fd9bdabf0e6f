"""The three wrappers: the same fit, and what each makes of the model's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from ..arrays import Array
from ..models import Model, clone_model


class _Wrapper(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model behind scikit-learn's fit and predict."""

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a model and return the estimator.

        Arguments:
            X: inputs (N, D).
            y: targets (N,).
            **kwargs: arguments of the model's fit, before those in `fit_kwargs`.

        Raises:
            ValueError: if the data is not what scikit-learn takes, or does not fit the model.
            RuntimeError: if the model is not compiled.
        """
        X, y = validate_data(self, X, y)
        targets = self._encode(y)
        model = self._model_to_fit(X, targets)
        if not model.compiled or model.loss is None:
            raise RuntimeError(
                f"{type(self).__name__} expected a model compiled with an optimizer and a loss. "
                "Received: one that is not. Call model.compile(optimizer=..., loss=...) first."
            )
        self.history_ = model.fit(X, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _model_to_fit(self, X: Array, y: Array) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            fitted: Model = self.model_
            return fitted
        if isinstance(self.model, Model):
            return self.model if self.warm_start else clone_model(self.model)
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def predict(self, X: Any) -> Array:
        """Return the predicted targets (N,) of inputs `X` (N, D)."""
        return self._decode(self._output(X))

    def _output(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        verbose = (self.fit_kwargs or {}).get("verbose", "auto")
        return np.asarray(self.model_.predict(X, verbose=verbose))

    def _encode(self, y: Array) -> Array:
        """Return targets (N,) as the model takes them."""
        type_of_target(y, raise_unknown=True)
        return y.reshape(-1, 1)

    def _decode(self, output: Array) -> Array:
        """Return the model's output as targets (N,)."""
        if output.shape[1:] not in ((1,), ()):
            raise ValueError(
                f"{type(self).__name__}.predict expected a model with outputs of shape (N, 1). "
                f"Received: {output.shape}."
            )
        return output.reshape(len(output))

    @property
    def epoch_(self) -> int:
        """How many epochs the last fit took."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_params(self, **params: Any) -> Any:
        """Set arguments of the constructor, by name, and return the estimator.

        Raises:
            ValueError: for any other name; those with two underscores too, for a model or function
                has no parameters of its own.
        """
        for name in params:
            if "__" in name:
                whole = "fit_kwargs" if name.startswith("fit_kwargs") else "model_kwargs"
                raise ValueError(
                    f"{type(self).__name__} has no nested parameters. Received: {name!r}. Set "
                    f"{whole}, a dict, as a whole; a search takes a list of them, such as "
                    f"{{'{whole}': [{{...}}, {{...}}]}}."
                )
        return super().set_params(**params)

    def set_fit_request(self, **kwargs: bool | str | None) -> Any:
        """Say which arguments of `fit` scikit-learn's meta-estimators are to pass on.

        Arguments:
            **kwargs: by the name of the argument, such as `sample_weight`: True or False for
                whether it is passed on, None for an error if it is given, or the name under which
                it is given.

        Raises:
            RuntimeError: unless metadata routing is enabled.
        """
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "set_fit_request needs metadata routing. Enable it with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        request = self._get_metadata_request()
        for name, alias in kwargs.items():
            request.fit.add_request(param=name, alias=alias)
        self._metadata_request = request
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


class SKLearnClassifier(ClassifierMixin, _Wrapper):  # type: ignore[misc]
    """A classifier of scikit-learn with a model inside.

    The model learns one-hot targets, so that it has one output per class and a loss such as
    'categorical_crossentropy'; the class of the greatest output is predicted.

    Arguments:
        model: a compiled Model, of which each fit trains a clone with new weights; or a function
            `model(X, y, **model_kwargs)` that returns a compiled Model, where X (N, D) are the
            inputs and y (N, C) the one-hot targets.
        warm_start: whether each fit goes on from the last one's weights; the first one then trains
            the Model given, itself.
        model_kwargs: arguments for the function.
        fit_kwargs: arguments for the model's fit, such as {'epochs': 10, 'verbose': 0}; their
            'verbose' holds for predictions too.

    Attributes after fit: `model_`, `history_`, the History of the fit, and `classes_`.

    Raises:
        ValueError: in fit, for targets that are not of two classes or more.

    Example:
        >>> from scratchnn import Input, Sequential, layers, utils
        >>> def build(X, y):
        ...     utils.set_random_seed(1)
        ...     size, classes = X.shape[1], y.shape[1]
        ...     model = Sequential([Input((size,)), layers.Dense(classes, activation="softmax")])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.array([[0.0], [1.0], [9.0], [8.0]]), np.array(["no", "no", "yes", "yes"])
        >>> classifier = SKLearnClassifier(build, fit_kwargs={"epochs": 2000, "verbose": 0})
        >>> classifier.fit(X, y).score(X, y)
        1.0
    """

    def decision_function(self, X: Any) -> Array:
        """Return the model's output (N, C): probabilities, or whatever the last layer gives."""
        return self._output(X)

    def _encode(self, y: Array) -> Array:
        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                "SKLearnClassifier expected binary or multiclass targets. "
                f"Received: {kind} ones. Use SKLearnRegressor for numbers."
            )
        classes, index = np.unique(y, return_inverse=True)
        if len(classes) == 1:
            raise ValueError(
                "SKLearnClassifier expected targets of more than one class. "
                f"Received: {classes.tolist()} only."
            )
        self.classes_ = classes
        return np.eye(len(classes))[index]

    def _decode(self, output: Array) -> Array:
        if output.ndim != 2 or output.shape[1] != len(self.classes_):
            raise ValueError(
                f"SKLearnClassifier.predict expected a model with outputs of shape "
                f"(N, {len(self.classes_)}), one per class. Received: {output.shape}."
            )
        if not np.isfinite(output).all():
            raise ValueError(
                "SKLearnClassifier.predict expected finite outputs. Received: NaN or infinity; "
                "training has diverged. Try a lower learning rate, and scaled inputs."
            )
        classes: Array = self.classes_[output.argmax(axis=1)]
        return classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Wrapper):  # type: ignore[misc]
    """A regressor of scikit-learn with a model inside, which has one output.

    Arguments:
        model: a compiled Model, of which each fit trains a clone with new weights; or a function
            `model(X, y, **model_kwargs)` that returns a compiled Model, where X (N, D) are the
            inputs and y (N, 1) the targets.
        warm_start: whether each fit goes on from the last one's weights; the first one then trains
            the Model given, itself.
        model_kwargs: arguments for the function.
        fit_kwargs: arguments for the model's fit, such as {'epochs': 10, 'verbose': 0}; their
            'verbose' holds for predictions too.

    Attributes after fit: `model_` and `history_`, the History of the fit.

    Example:
        >>> from scratchnn import Input, Sequential, layers, optimizers
        >>> def build(X, y, learning_rate):
        ...     model = Sequential([Input((X.shape[1],)), layers.Dense(1)])
        ...     model.compile(optimizers.SGD(learning_rate), "mean_squared_error")
        ...     return model
        >>> X = np.array([[0.0], [1.0], [2.0]])
        >>> quiet = {"epochs": 300, "verbose": 0}
        >>> regressor = SKLearnRegressor(
        ...     build, model_kwargs={"learning_rate": 0.1}, fit_kwargs=quiet
        ... )
        >>> round(regressor.fit(X, [1.0, 3.0, 5.0]).score(X, [1.0, 3.0, 5.0]), 3)
        1.0
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Wrapper):  # type: ignore[misc]
    """A transformer of scikit-learn with a model inside, whose output is the transformed data.

    Arguments:
        model: a compiled Model, of which each fit trains a clone with new weights; or a function
            `model(X, y, **model_kwargs)` that returns a compiled Model, where X (N, D) are the
            inputs and y (N, 1) the targets.
        warm_start: whether each fit goes on from the last one's weights; the first one then trains
            the Model given, itself.
        model_kwargs: arguments for the function.
        fit_kwargs: arguments for the model's fit, such as {'epochs': 10, 'verbose': 0}; their
            'verbose' holds for predictions too.

    Attributes after fit: `model_` and `history_`, the History of the fit.

    Example:
        >>> from scratchnn import Input, Sequential, layers
        >>> def build(X, y):
        ...     model = Sequential([Input((X.shape[1],)), layers.Dense(1)])
        ...     model.compile("sgd", "mean_squared_error")
        ...     return model
        >>> transformer = SKLearnTransformer(build, fit_kwargs={"verbose": 0})
        >>> transformer.fit(np.ones((4, 2)), np.ones(4)).model_.output_shape
        (None, 1)
    """

    def transform(self, X: Any) -> Array:
        """Return the model's output for inputs `X` (N, D)."""
        return self._output(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
