"""What the cross-entropies do with their probabilities and targets first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array, Shape


def clip(p: Array) -> tuple[Array, Array]:
    """Return p cut to [epsilon, 1 - epsilon], and where it was inside."""
    low = p.dtype.type(config.epsilon())
    high = 1 - low
    return np.clip(p, low, high), (p >= low) & (p <= high)


def smooth(y: Array, amount: float, classes: int, dtype: Any) -> Array:
    """Return targets y (1 - a) + a / C: a share `amount` of each target goes to all classes."""
    if not amount:
        return y
    a, real = float(amount), np.dtype(dtype).type
    return y * real(1 - a) + real(a) / real(classes)  # type: ignore[no-any-return]


def warn_of_one_class(loss: str, output_shape: Shape) -> None:
    """Warn of an output of size 1, which a categorical loss finds right whatever it is."""
    if output_shape[-1] == 1:
        warnings.warn(
            f"The loss {loss!r} expected an output for each class. Received: a model's output of "
            f"shape {output_shape}, one class, of which the probability is always 1. For two "
            "classes in one output use 'binary_crossentropy'.",
            SyntaxWarning,
            stacklevel=2,
        )
