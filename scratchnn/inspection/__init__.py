"""Look inside: check gradients of layers and models."""

from __future__ import annotations

from .gradients import check_gradients
from .numerical import numerical_gradient

__all__ = ["check_gradients", "numerical_gradient"]
