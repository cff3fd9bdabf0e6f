"""scratchnn: Keras you can read. The Keras API from scratch, on NumPy alone.

Example:
    >>> import scratchnn as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mean_squared_error")
    >>> history = model.fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], epochs=300, verbose=0)
    >>> model.predict([10.0], verbose=0).round().item()
    21.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import (
        activations,
        callbacks,
        config,
        constraints,
        datasets,
        initializers,
        inspection,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plots,
        random,
        regularizers,
        utils,
    )
    from .context import Context
    from .layers import Input, Layer
    from .losses import Loss
    from .metrics import Metric
    from .models import Model, Sequential
    from .optimizers import Optimizer

__version__ = "0.1.0"

__all__ = [
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "inspection",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "random",
    "regularizers",
    "utils",
    "Context",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Sequential",
]

_HOMES = {
    "Context": "context",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Sequential": "models",
}


def __getattr__(name: str) -> Any:
    """Load a public module or class when it is first named, so that the import costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOMES.get(name, name)}", __name__)
    value = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
