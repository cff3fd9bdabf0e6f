"""Helpers around training, named as in `keras.utils`."""

from __future__ import annotations

from scratchnn.naming import clear_session
from scratchnn.progress import Progbar
from scratchnn.random import set_random_seed
from scratchnn.utils.arrays import normalize, to_categorical
from scratchnn.utils.files import get_file

__all__ = [
    "set_random_seed",
    "clear_session",
    "Progbar",
    "to_categorical",
    "normalize",
    "get_file",
]
