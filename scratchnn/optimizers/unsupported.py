"""What Keras has and scratchnn has not: each says why when it is made."""

from __future__ import annotations

from typing import Any

from .base import Optimizer


class _Unsupported(Optimizer):
    reason = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError(f"{type(self).__name__} is not supported: {self.reason}")


class LossScaleOptimizer(_Unsupported):
    """Not supported: it is for half precision, and scratchnn computes in float32 or float64."""

    reason = (
        "it is for half precision, and scratchnn computes in float32 or float64. Use its inner "
        "optimizer alone."
    )


class MultiOptimizer(_Unsupported):
    """Not supported: an optimizer updates all weights of a model at once."""

    reason = (
        "an optimizer updates all weights of a model at once, in one vector. In a training loop "
        "of your own, call the apply() of several optimizers, each with its own weights."
    )


class OptimizerMap(_Unsupported):
    """Not supported: it is what a MultiOptimizer is made of."""

    reason = MultiOptimizer.reason
