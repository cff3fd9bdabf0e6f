"""Losses: what training makes small. As in `keras.losses`."""

from __future__ import annotations

from typing import Any

from .. import naming
from .base import Loss
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from .regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    mean_absolute_error,
    mean_squared_error,
)

MAE = mae = mean_absolute_error
MSE = mse = mean_squared_error

_FUNCTIONS = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
}
_ALIASES = {
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}
NAMES: dict[str, type[Loss]] = (
    {function.__name__: cls for function, cls in _FUNCTIONS.items()}
    | {cls.__name__: cls for cls in _FUNCTIONS.values()}
    | _ALIASES
)


__all__ = [
    "Loss",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "MSE",
    "mse",
    "MAE",
    "mae",
    "get",
]


def get(identifier: Any) -> Loss | None:
    """Return the loss that a name, a loss function, a class, an object or None stands for.

    Raises:
        ValueError: for a name that is not known, and for a function of your own, whose gradient
            nobody knows.
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        found = NAMES.get(identifier)
        return found() if found else naming.unknown("loss", identifier, NAMES)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier) and identifier in _FUNCTIONS:
        return _FUNCTIONS[identifier]()  # type: ignore[no-any-return]
    if callable(identifier):
        name = getattr(identifier, "__name__", repr(identifier))
        raise ValueError(
            f"The loss function {name!r} has no gradient, and scratchnn does not differentiate "
            "functions. Write it as a class with both:\n\n"
            "    class MyLoss(keras.losses.Loss):\n"
            "        def call(self, y_true, y_pred):\n"
            "            return np.mean((y_pred - y_true) ** 2, axis=-1)\n\n"
            "        def gradient(self, y_true, y_pred):\n"
            "            return 2 * (y_pred - y_true) / y_pred.shape[-1]\n\n"
            "and compile with loss=MyLoss()."
        )
    return naming.unknown("loss", identifier, NAMES)
