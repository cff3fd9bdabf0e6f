"""Optimizers: how the weights follow their gradients. As in `keras.optimizers`."""

from __future__ import annotations

from typing import Any

from .. import naming
from . import schedules
from .adam import Adam
from .base import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

NAMES: dict[str, type[Optimizer]] = {cls.__name__.lower(): cls for cls in (SGD, Adam, RMSprop)}


__all__ = ["Optimizer", "SGD", "Adam", "RMSprop", "schedules", "get"]


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name (upper or lower case), a class or an object stands for.

    Raises:
        ValueError: for a name that is not known.

    Example:
        >>> get("adam").learning_rate.numpy()
        array(0.001, dtype=float32)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        found = NAMES.get(identifier.lower())
        return found() if found else naming.unknown("optimizer", identifier, NAMES)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    return naming.unknown("optimizer", identifier, NAMES)
