"""What `tf.`-style tutorials need: `import scratchnn.tf as tf` gives tf.keras, tf.nn, tf.random.

Example:
    >>> import scratchnn.tf as tf
    >>> layer = tf.keras.layers.Dense(128, activation=tf.nn.relu)
    >>> tf.random.set_seed(0)
"""

from __future__ import annotations

from typing import Any

import numpy as np

import scratchnn as keras

from . import __version__, activations
from .arrays import Array
from .random import set_global_seed


class nn:  # noqa: N801
    """The activation functions, as `tf.nn` has them."""

    elu = staticmethod(activations.elu)
    gelu = staticmethod(activations.gelu)
    log_softmax = staticmethod(activations.log_softmax)
    relu = staticmethod(activations.relu)
    relu6 = staticmethod(activations.relu6)
    selu = staticmethod(activations.selu)
    sigmoid = staticmethod(activations.sigmoid)
    silu = swish = staticmethod(activations.silu)
    softmax = staticmethod(activations.softmax)
    softplus = staticmethod(activations.softplus)
    softsign = staticmethod(activations.softsign)
    tanh = staticmethod(activations.tanh)

    @staticmethod
    def leaky_relu(features: Any, alpha: float = 0.2) -> Array:
        """Return x if x > 0, else alpha * x; `activations.leaky_relu` calls it negative_slope."""
        return activations.leaky_relu(features, alpha)


nn.leaky_relu.gradient = lambda dy, x, y: np.where(x > 0, dy, 0.2 * dy)  # type: ignore[attr-defined]


class random:  # noqa: N801
    """`tf.random.set_seed`: the seed of batch orders; the layers' seeds come from Python's."""

    set_seed = staticmethod(set_global_seed)


__all__ = ["__version__", "keras", "nn", "random"]
