"""The contenders: the same networks, each written as the users of its framework write them.

What all share: the weights they start from, plain float32 arrays as data, Adam(0.001) with
epsilon 1e-7, a fresh shuffle in each epoch, a smaller last batch, and the loss of each epoch read
once. Only what comes with a `fit` that computes the accuracy does so. Frameworks are imported when
a contender is made, so that each process holds one.
"""

from __future__ import annotations

import importlib.util

from .base import ADAM_EPSILON, Contender, Task
from .floor import Floor
from .keras_programs import KerasOnJax, KerasProgram, Scratchnn, TfKeras
from .plain_jax import Jax
from .pytorch import PyTorch
from .scikit_learn import ScikitLearn

__all__ = [
    "ADAM_EPSILON",
    "CONTENDERS",
    "Contender",
    "Floor",
    "Jax",
    "KerasOnJax",
    "KerasProgram",
    "PyTorch",
    "ScikitLearn",
    "Scratchnn",
    "Task",
    "TfKeras",
    "installed",
]

CONTENDERS: dict[str, type[Contender]] = {
    contender.name: contender
    for contender in (Scratchnn, TfKeras, KerasOnJax, PyTorch, ScikitLearn, Jax, Floor)
}


def installed(contender: type[Contender]) -> bool:
    """Return whether all that a contender needs is installed; nothing is imported."""
    return all(importlib.util.find_spec(module) is not None for module in contender.modules)
