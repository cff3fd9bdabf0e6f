"""From what the user gives to the batches a model takes: every check, before anything changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import ArrayBatches, Batch, as_array, check_lengths, class_weights, on_disk
from ..layers.base import undone_on_error
from ..streams import Parts, Stream, is_stream
from ..strings import STRING
from .outputs import by_output

if TYPE_CHECKING:
    from .compiled import CompiledLoss, CompiledMetrics
    from .model import Model


def as_input(model: Model, x: Any) -> Any:
    """Return inputs as an array of numbers whose shape fits the model, built or not.

    For a model with several inputs it is a list of arrays, whatever was given.
    """
    if model.takes_several:
        arrays = [
            as_array(part, "x", dtype == STRING)
            for part, dtype in zip(model.as_list(x), model.input_dtypes, strict=True)
        ]
        check_lengths(**dict(zip(model.input_names, arrays, strict=True)))
        return model.fit_input(arrays)
    if isinstance(x, Mapping):
        x = model.as_list(x)[0]
    if isinstance(x, list | tuple) and len(x) == 1 and hasattr(x[0], "__array__"):
        # Keras also takes the inputs as a list of one array for each: [x].
        rank = 2 if model.input_shape is None else len(model.input_shape)
        if np.ndim(x[0]) >= rank:
            x = x[0]
    array = as_array(x, "x", model.input_dtypes[0] == STRING)
    if model.built:
        return model.fit_input(array)
    model.check_input((None, *array.shape[1:]))
    return array


def as_arrays(model: Model, x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights as arrays with the same number of samples.

    Those of a model with several inputs or outputs are lists.
    """
    x = as_input(model, x)
    samples = len(x[0] if isinstance(x, list) else x)
    if y is None:
        raise ValueError(
            "The targets `y` are missing: a model with a loss is trained and evaluated on inputs x "
            "and targets y."
        )
    if model.output_keys:
        y = _of_outputs("y", y, model.output_keys, samples)
        if weight is not None:
            weight = _of_outputs("sample_weight", weight, model.output_keys, samples)
        return x, y, weight
    if isinstance(y, Mapping) and len(y) == 1:
        (y,) = y.values()
    y = as_array(_single_array(y, samples), "y")
    if weight is not None:
        weight = as_array(_single_array(weight, samples), "sample_weight")
    check_lengths(x=x[0] if isinstance(x, list) else x, y=y, sample_weight=weight)
    return x, y, weight


def _of_outputs(what: str, data: Any, keys: list[str], samples: int) -> list[Any]:
    """Return an array, or None, for each output of a model."""
    alike = what == "sample_weight" and hasattr(data, "__array__")
    arrays = [
        None if part is None else as_array(part, f"{what} of {key!r}")
        for key, part in zip(keys, by_output(what, data, keys, all_alike=alike), strict=True)
    ]
    for key, array in zip(keys, arrays, strict=True):
        if array is not None and len(array) != samples:
            raise ValueError(
                f"All data must have the same number of samples. Received: x with {samples}, "
                f"{what} of {key!r} with {len(array)}."
            )
    return arrays


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
) -> ArrayBatches | Stream:
    """Return batches to train or evaluate on; the model is built, and metrics resolved, for them.

    Arrays in memory are checked and prepared once, all of them; what comes batch by batch, or lies
    on disk, batch by batch.

    Raises:
        ValueError: if anything does not fit; a model that was not built then still is not.
    """

    def prepare(parts: Parts) -> Batch:
        x, y, weight = as_arrays(model, *parts)
        if class_weight is not None:
            if weight is not None:
                raise ValueError("Give either class_weight or sample_weight, not both.")
            if model.output_keys:
                raise ValueError(
                    "class_weight is for models with one output. Give sample_weight, an array for "
                    "each output."
                )
            weight = class_weights(y, class_weight)
        if not model.built:
            model.build((None, *x.shape[1:]))
        assert model.output_shape is not None
        raw, y = y, loss.prepare(y, model.output_shape)
        if weight is not None:
            loss.check_weight(weight, y, model.output_shape)
        metrics.build(_shapes(raw), model.output_shape)
        metrics.check(y, model.output_shape)
        wanted = metrics.want_raw_targets and raw is not y
        return Batch(x, y, weight, raw if wanted else None)

    with undone_on_error(model):
        if is_stream(x, y):
            stream = as_stream(x, shuffle, y=y, sample_weight=weight)
        elif on_disk(y):
            check_lengths(x=x, y=y, sample_weight=weight)
            stream = Stream(ArrayBatches(np.asarray(x), y, weight, batch_size, shuffle))
        else:
            x, y, weight, raw = prepare((x, y, weight))
            return ArrayBatches(x, y, weight, batch_size, shuffle, raw)
        prepare(stream.first())  # what does not fit is an error now, not in the first epoch
    stream.prepare_with(prepare)
    return stream


def _shapes(arrays: Any) -> Any:
    if isinstance(arrays, list):
        return [None if array is None else array.shape for array in arrays]
    return arrays.shape


def as_inputs(model: Model, x: Any, batch_size: int) -> ArrayBatches | Stream:
    """Return batches of inputs alone, to predict from; the model is built for them."""

    def prepare(parts: Parts) -> Batch:
        x = as_input(model, parts[0])
        if not model.built:
            model.build((None, *x.shape[1:]))
        return Batch(x)

    if not is_stream(x):
        return ArrayBatches(prepare((x, None, None)).x, batch_size=batch_size)
    stream = as_stream(x)
    prepare(stream.first())
    stream.prepare_with(prepare)
    return stream


def as_stream(x: Any, shuffle: bool | str = False, **others: Any) -> Stream:
    """Return `x`, which yields batches, as a Stream; nothing may be given beside it."""
    for name, value in others.items():
        if value is not None:
            raise ValueError(
                f"`{name}` cannot be given beside a {type(x).__name__}: let that yield (x, y) or "
                f"(x, y, sample_weight). Received: {name} of type {type(value).__name__}."
            )
    return Stream(x, shuffle)


def refuse_to_split(x: Any, y: Any) -> None:
    """Raise a ValueError if `x` is no array that a part could be split off for validation."""
    if is_stream(x, y):
        raise ValueError(
            "validation_split takes the last samples of arrays, and cannot be used with data that "
            f"comes batch by batch. Give validation_data. Received: x of type {type(x).__name__}."
        )


def as_validation_data(data: Any) -> tuple[Any, Any, Any]:
    """Return (x, y or None, sample_weight or None) of what `fit` got as validation_data."""
    if is_stream(data):
        return data, None, None
    if not isinstance(data, list | tuple) or len(data) not in (2, 3):
        raise ValueError(
            "validation_data must be (x, y), (x, y, sample_weight) or batches of these. "
            "Received: "
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


def limited(name: str, value: int | None, limit: int | None) -> int | None:
    """Return a number of epochs or steps, at most that which `config` allows, with a warning."""
    if limit is None or (value is not None and value <= limit):
        return value
    warnings.warn(f"Limiting {name} to {limit}, as config has it.", stacklevel=4)
    return limit


def fewest(a: int | None, b: int | None) -> int | None:
    """Return the smaller of two numbers of steps, where None is no limit."""
    return min((n for n in (a, b) if n is not None), default=None)


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
