"""Look inside: a training step laid open, and checks of gradients."""

from __future__ import annotations

from .gradients import check_gradients
from .numerical import numerical_gradient
from .tracing import Trace, trace

__all__ = ["check_gradients", "numerical_gradient", "Trace", "trace"]
