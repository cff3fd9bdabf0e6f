"""scratchnn: Keras you can read. The Keras API from scratch, on NumPy alone.

Example:
    >>> import scratchnn as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mean_squared_error")
    >>> history = model.fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], epochs=200, verbose=0)
    >>> model.predict([10.0], verbose=0).round().item()
    21.0
"""

from __future__ import annotations

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
