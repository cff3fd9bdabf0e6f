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
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        dtype_policies,
        initializers,
        inspection,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        plots,
        preprocessing,
        random,
        regularizers,
        saving,
        tree,
        utils,
        wrappers,
    )
    from .context import Context
    from .dtype_policies import DTypePolicy
    from .graph import KerasTensor
    from .initializers import Initializer
    from .layers import Input, Layer
    from .losses import Loss
    from .metrics import Metric
    from .models import Model, Sequential
    from .optimizers import Optimizer
    from .regularizers import Regularizer

__version__ = "0.1.0"

_CLASSES = {
    "Context": "context",
    "DTypePolicy": "dtype_policies",
    "Initializer": "initializers",
    "Input": "layers",
    "KerasTensor": "graph",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
}

__all__ = [
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "inspection",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "plots",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "wrappers",
    "Context",
    "DTypePolicy",
    "Initializer",
    "Input",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "version",
]

_TRACING = "layers here are not traced: each has its backward pass written out"
_MISSING = {
    "Function": _TRACING,
    "Operation": _TRACING,
    "StatelessScope": _TRACING,
    "SymbolicScope": _TRACING,
    "RematScope": _TRACING,
    "remat": _TRACING,
    "Variable": "a layer's weights come from its add_weight, a metric's from its own",
    "FloatDTypePolicy": "there is one kind of policy, keras.DTypePolicy",
    "InputSpec": "a layer checks its inputs in check_input(shape)",
    "Quantizer": "layers compute in float32 or float64",
    "quantizers": "layers compute in float32 or float64",
    "mixed_precision": "layers compute in float32 or float64",
    "applications": "their weights are files that only Keras's own server has",
    "device": "everything runs on the CPU",
    "distribution": "everything runs on one machine's CPU",
    "distillation": "it is not written yet",
    "export": "there is no graph of another framework to export",
    "legacy": "it holds what older versions of Keras had",
    "name_scope": "weights are named after their layers",
    "visualization": "pictures are in keras.plots",
}


def version() -> str:
    """Return the version of this package.

    Example:
        >>> version() == __version__
        True
    """
    return __version__


def __getattr__(name: str) -> Any:
    """Load a public module or class when it is first named, so that the import costs nothing."""
    if name in _MISSING:
        raise NotImplementedError(f"keras.{name} is not supported, because {_MISSING[name]}.")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_CLASSES.get(name, name)}", __name__)
    value = getattr(module, name) if name in _CLASSES else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
