"""The state that is shared by everything made in one session: names and seeds."""

from __future__ import annotations

from scratchnn.naming import reset_names
from scratchnn.random import reset_global_generator


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names, and the generator of unseeded draws, afresh.

    Arguments:
        free_memory: taken as in Keras; NumPy arrays are freed when their last user is gone.

    Example:
        >>> from scratchnn import layers
        >>> clear_session()
        >>> layers.Dense(1).name
        'dense'
    """
    reset_names()
    reset_global_generator()
