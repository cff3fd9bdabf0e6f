"""Data to learn on, loaded as in `keras.datasets`: MNIST from this package, others fetched."""

from __future__ import annotations

from scratchnn.datasets import fashion_mnist, mnist

__all__ = ["mnist", "fashion_mnist"]
