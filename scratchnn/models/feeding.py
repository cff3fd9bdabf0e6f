"""From what the user gives to the batches a model takes: every check, before anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..data import ArrayBatches, as_array, check_lengths, class_weights
from ..layers.base import undone_on_error

if TYPE_CHECKING:
    from .compiled import CompiledLoss, CompiledMetrics
    from .model import Model


def as_input(model: Model, x: Any) -> Array:
    """Return inputs as an array of numbers whose shape fits the model, built or not."""
    if isinstance(x, list | tuple) and len(x) == 1 and hasattr(x[0], "__array__"):
        # Keras also takes the inputs as a list of one array for each: [x].
        rank = 2 if model.input_shape is None else len(model.input_shape)
        if np.ndim(x[0]) >= rank:
            x = x[0]
    array = as_array(x, "x")
    if model.built:
        return model.fit_input(array)
    model.check_input((None, *array.shape[1:]))
    return array


def as_arrays(model: Model, x: Any, y: Any, weight: Any) -> tuple[Array, Array, Array | None]:
    """Return inputs, targets and weights as arrays with the same number of samples."""
    x = as_input(model, x)
    if y is None:
        raise ValueError(
            "The targets `y` are missing: a model with a loss is trained and evaluated on inputs x "
            "and targets y."
        )
    y = as_array(_single_array(y, len(x)), "y")
    if weight is not None:
        weight = as_array(_single_array(weight, len(x)), "sample_weight")
    check_lengths(x=x, y=y, sample_weight=weight)
    return x, y, weight


def as_batches(
    model: Model,
    loss: CompiledLoss,
    metrics: CompiledMetrics,
    x: Any,
    y: Any,
    weight: Any,
    batch_size: int,
    shuffle: bool | str = False,
    class_weight: Mapping[int, float] | None = None,
) -> ArrayBatches:
    """Return batches to train or evaluate on; the model is built, and metrics resolved, for them.

    Raises:
        ValueError: if anything does not fit; a model that was not built then still is not.
    """
    x, y, weight = as_arrays(model, x, y, weight)
    if class_weight is not None:
        if weight is not None:
            raise ValueError("Give either class_weight or sample_weight, not both.")
        weight = class_weights(y, class_weight)
    with undone_on_error(model):
        if not model.built:
            model.build((None, *x.shape[1:]))
        assert model.output_shape is not None
        y_shape = y.shape
        y = loss.prepare(y, model.output_shape)
        if weight is not None:
            loss.check_weight(weight, y, model.output_shape)
        batches = ArrayBatches(x, y, weight, batch_size, shuffle)
        metrics.build(y_shape, model.output_shape)
        metrics.check(y, model.output_shape)
    return batches


def as_validation_data(data: Any) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight or None) of what `fit` was given as validation_data."""
    if not isinstance(data, list | tuple) or len(data) not in (2, 3):
        raise ValueError(
            "validation_data must be (x, y) or (x, y, sample_weight). Received: "
            f"{type(data).__name__}"
            + (f" of length {len(data)}." if hasattr(data, "__len__") else ".")
        )
    x, y, weight = (*data, None)[:3]
    return x, y, weight


def whole(name: str, value: Any) -> int:
    """Return the argument `value` as an int, or raise a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be a whole number. Received: {name}={value!r}.")
    return int(value)


def count(name: str, value: Any) -> int | None:
    """Return the argument `value` as an int of at least 1, or None."""
    if value is None:
        return None
    number = whole(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1. Received: {name}={value!r}.")
    return number


def frequency(value: Any) -> int | list[int]:
    """Return validation_freq: every so many epochs, or the epochs themselves."""
    if isinstance(value, list | tuple | set | range):
        return [whole("validation_freq", epoch) for epoch in value]
    return count("validation_freq", value) or 1


def is_due(epoch: int, often: int | list[int]) -> bool:
    """Return whether validation is due after this epoch, counted from 0."""
    if isinstance(often, int):
        return (epoch + 1) % often == 0
    return epoch + 1 in often


def _single_array(data: Any, samples: int) -> Any:
    """Return the array in a list of one, as Keras takes it for a model with one output."""
    alone = isinstance(data, list | tuple) and len(data) == 1 and hasattr(data[0], "__array__")
    if alone and np.ndim(data[0]) and len(data[0]) == samples != 1:
        return data[0]
    return data
