"""Optimizers: how the weights follow their gradients. As in `keras.optimizers`."""

from __future__ import annotations

from typing import Any

from .. import naming
from ..lookup import Lookup
from . import schedules
from .adafactor import Adafactor
from .adagrad import Adadelta, Adagrad
from .adam import Adam, Adamax, AdamW, Nadam
from .base import Optimizer
from .ftrl import Ftrl
from .lamb import Lamb
from .lion import Lion
from .muon import Muon
from .rmsprop import RMSprop
from .schedule_free import ScheduleFreeAdamW
from .sgd import SGD
from .unsupported import LossScaleOptimizer, MultiOptimizer, OptimizerMap

_UNSUPPORTED = (LossScaleOptimizer, MultiOptimizer, OptimizerMap)

NAMES: dict[str, type[Optimizer]] = {
    cls.__name__.lower(): cls
    for cls in (
        SGD,
        Adam,
        AdamW,
        RMSprop,
        Adagrad,
        Adadelta,
        Adamax,
        Nadam,
        Lion,
        Ftrl,
        Lamb,
        Adafactor,
        Muon,
        ScheduleFreeAdamW,
    )
}


class _Optimizers(Lookup):
    """The names of the optimizers, in upper or lower case."""

    def find(self, name: str) -> Any:
        plain = name.lower()
        for cls in _UNSUPPORTED:
            full = cls.__name__.lower()
            if plain.replace("_", "") in (full, full.removesuffix("optimizer")):
                return cls
        return super().find(plain if plain in self.names else name)


_lookup = _Optimizers("optimizer", NAMES)
serialize, deserialize = _lookup.serialize, _lookup.deserialize

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, a config, a class or an object stands for.

    Upper and lower case are alike in names.

    Arguments:
        identifier: any of these.

    Raises:
        ValueError: for a name that is not known, and anything else.

    Example:
        >>> get("adamw").weight_decay
        0.004
        >>> get({"class_name": "SGD", "config": {"momentum": 0.9}}).momentum
        0.9
    """
    found = identifier
    if isinstance(identifier, str | dict) or (
        isinstance(identifier, type) and issubclass(identifier, Optimizer)
    ):
        found = _lookup.get(identifier)
    return found if isinstance(found, Optimizer) else naming.unknown("optimizer", found, NAMES)
