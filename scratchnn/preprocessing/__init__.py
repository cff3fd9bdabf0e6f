"""Helpers for images and sequences, under their older names (as `keras.preprocessing`)."""

from __future__ import annotations

from typing import Any

from .. import utils
from ..refusals import refuse
from . import image, sequence

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

MISSING = {
    "text": "Keras 3 has it no longer; utils.text_dataset_from_directory reads texts",
}
"""The names of keras.preprocessing that are not supported, and why."""

_refuse = refuse(__name__, MISSING, __all__)


def __getattr__(name: str) -> Any:
    """Return the datasets that are in `utils`."""
    return getattr(utils, name) if name in __all__ else _refuse(name)
