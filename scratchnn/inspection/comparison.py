"""A model and its twin in Keras, step by step: where does the first number differ?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..models.model import Model
from .keras_twin import KerasTwin, import_keras
from .recording import require_model, undisturbed
from .report import Report
from .statistics import table
from .twin_run import TwinRun


def compare_with_keras(
    model: Model,
    keras_model: Any,
    x: Any,
    y: Any,
    steps: int = 3,
    sample_weight: Any = None,
    tolerance: float = 1e-4,
    verbose: int = 1,
) -> Report:
    """Train a model and its twin in Keras side by side, and name the first tensor that differs.

    The model starts with the Keras model's weights, optimizer state and random numbers. In each
    step every layer's output, the loss, every gradient, and after the update every weight and
    everything that the optimizer remembers are compared. Each update is made along Keras's
    gradients, and each step begins with Keras's numbers: what is named is where a difference
    arises, not what followed from it. Both models are left as they were.

    A difference is relative to the largest element of its tensor (of its update, for a weight),
    but at least to a hundredth of the largest of all tensors of its kind.

    Arguments:
        model: a compiled model.
        keras_model: a compiled Keras model with the same layers in the same order.
        x, y, sample_weight: a batch, for both.
        steps: how many steps to take on it.
        tolerance: the largest relative difference that is rounding. In float32 one step of a true
            twin shows 1e-7 to 1e-5.
        verbose: 1 prints the table, 0 does not.

    Returns:
        A Report: `report.first_difference` is a name such as 'dense/kernel', or None.

    Raises:
        TypeError: if the first is no model of scratchnn, or the second none of Keras.
        ValueError: if the models do not have weights of the same shapes, or are not compiled.
        ImportError: if Keras is missing, or does not run on TensorFlow.

    Example:
        >>> import keras, scratchnn
        >>> def build(k):
        ...     model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     return model
        >>> x, y = np.ones((4, 2)), np.zeros((4, 1))
        >>> report = compare_with_keras(build(scratchnn), build(keras), x, y, verbose=0)
        >>> report.first_difference is None
        True
    """
    require_model(model)
    if not isinstance(keras_model, import_keras().Model):
        raise TypeError(
            "Expected a model of Keras (`import keras`) as the second. Received: an object of the "
            f"class {type(keras_model).__module__}.{type(keras_model).__qualname__}."
        )
    if not getattr(keras_model, "compiled", False):
        raise ValueError("The Keras model must be compiled as well, with the same arguments.")
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: {steps}.")
    if not tolerance > 0:
        raise ValueError(f"tolerance must be above 0. Received: {tolerance}.")
    with undisturbed(), np.errstate(all="ignore"):
        model = copy.deepcopy(model)
        batch = model._one_batch(x, y, sample_weight, None)
        if not keras_model.built:
            keras_model(x)
        _check_twins(model, keras_model)
        twin = KerasTwin(keras_model)
        try:
            run = TwinRun(model, twin, tolerance)
            for step in range(1, steps + 1):
                run.step(step, batch, x, y, sample_weight)
        finally:
            twin.restore()
    report = Report(model.name, run.differences, tolerance)
    if verbose:
        print(report)
    return report


def _check_twins(model: Model, keras_model: Any) -> None:
    ours = [(w.path, w.shape) for w in model.weights]
    theirs = [(w.path, tuple(w.shape)) for w in keras_model.weights]
    if [shape for _, shape in ours] != [shape for _, shape in theirs]:
        rows = [("scratchnn", "", "Keras", "")]
        for i in range(max(len(ours), len(theirs))):
            left = (ours[i][0], str(ours[i][1])) if i < len(ours) else ("-", "")
            right = (theirs[i][0], str(theirs[i][1])) if i < len(theirs) else ("-", "")
            rows.append((*left, *right))
        raise ValueError(
            "The models must have weights of the same shapes in the same order. They have:\n"
            + "\n".join(table(rows, left=4))
        )
