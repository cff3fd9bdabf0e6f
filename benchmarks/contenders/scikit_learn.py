"""scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, SGD_RATE, Contender, Task


class ScikitLearn(Contender):
    """scikit-learn's multilayer perceptron; an epoch is one `partial_fit`."""

    name = "sklearn"
    title = "scikit-learn"
    modules = ("sklearn",)
    imports = "from sklearn.neural_network import MLPClassifier"
    kinds = (*Contender.kinds, "predict-one")

    def __init__(self, threads: int) -> None:
        import sklearn.neural_network

        self._sklearn = sklearn
        # A fit that runs for the epochs it is told to is warned of as not converged.
        warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)

    def versions(self) -> dict[str, str]:
        return {"scikit-learn": self._sklearn.__version__}

    def build(self, task: Task) -> None:
        networks = self._sklearn.neural_network
        self._task = task
        self._target = task.y[:, 0] if task.regression else task.y
        options = {
            "hidden_layer_sizes": [kernel.shape[1] for kernel in task.kernels[:-1]],
            "batch_size": task.batch,
            "alpha": 0,
            "tol": 0,
            "n_iter_no_change": 10**9,
            "random_state": np.random.RandomState(0),  # an instance: the next epoch goes on in it
        }
        first = slice(0, task.batch)
        if task.regression:
            # Its loss is half the squared error.
            self._model = networks.MLPRegressor(
                solver="sgd",
                learning_rate_init=2 * SGD_RATE,
                momentum=0,
                warm_start=True,
                **options,
            )
            self._model.partial_fit(task.x[first], self._target[first])
        else:
            self._model = networks.MLPClassifier(
                solver="adam", learning_rate_init=ADAM_RATE, epsilon=ADAM_EPSILON, **options
            )
            classes = np.arange(task.kernels[-1].shape[1])
            self._model.partial_fit(task.x[first], self._target[first], classes=classes)
        # That first step has made the weights, which are replaced, and moved Adam, which starts
        # afresh without this.
        del self._model._optimizer

    def set_kernels(self, kernels: list[Array]) -> None:
        self._model.coefs_ = [kernel.copy() for kernel in kernels]
        self._model.intercepts_ = [np.zeros(kernel.shape[1], np.float32) for kernel in kernels]

    def weights(self) -> list[tuple[Array, Array]]:
        return list(zip(self._model.coefs_, self._model.intercepts_, strict=True))

    def fit(self, epochs: int) -> None:
        if self._task.regression:
            self._model.set_params(max_iter=epochs).fit(self._task.x, self._target)
            return
        for _ in range(epochs):
            self._model.partial_fit(self._task.x, self._target)

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        from sklearn.metrics import log_loss

        p = self._model.predict_proba(x)
        return log_loss(y, p, labels=self._model.classes_), float(np.mean(p.argmax(1) == y))

    def predict(self, x: Any) -> Array:
        return self._model.predict_proba(x)
