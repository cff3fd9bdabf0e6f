"""Helpers around training, named as in `keras.utils`."""

from __future__ import annotations

from scratchnn.progress import Progbar
from scratchnn.random import set_random_seed
from scratchnn.utils.arrays import normalize, to_categorical
from scratchnn.utils.files import get_file
from scratchnn.utils.session import clear_session

__all__ = [
    "set_random_seed",
    "clear_session",
    "Progbar",
    "to_categorical",
    "normalize",
    "get_file",
]
