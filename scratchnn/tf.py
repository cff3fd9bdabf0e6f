"""What `tf.`-style tutorials need: `import scratchnn.tf as tf` gives tf.keras, tf.nn, tf.random.

Example:
    >>> import scratchnn.tf as tf
    >>> layer = tf.keras.layers.Dense(128, activation=tf.nn.relu)
    >>> tf.random.set_seed(0)
"""

from __future__ import annotations

import scratchnn as keras

from . import __version__, activations
from .random import set_global_seed


class nn:  # noqa: N801
    """The activation functions, as `tf.nn` has them."""

    relu = staticmethod(activations.relu)
    sigmoid = staticmethod(activations.sigmoid)
    softmax = staticmethod(activations.softmax)
    tanh = staticmethod(activations.tanh)


class random:  # noqa: N801
    """`tf.random.set_seed`: the seed of batch orders; the layers' seeds come from Python's."""

    set_seed = staticmethod(set_global_seed)


__all__ = ["__version__", "keras", "nn", "random"]
