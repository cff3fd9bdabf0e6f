"""Sequences (as `keras.preprocessing.sequence`)."""

from __future__ import annotations

from ..refusals import refuse
from ..utils.sequences import pad_sequences

__all__ = ["pad_sequences"]

MISSING = {
    "TimeseriesGenerator": "Keras 3 has it no longer: use utils.timeseries_dataset_from_array",
}
"""Names of older versions of Keras, and what to use for them."""

__getattr__ = refuse(__name__, MISSING, __all__)
