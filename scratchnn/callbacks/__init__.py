"""Callbacks: your own code at the turns of training. As in `keras.callbacks`."""

from __future__ import annotations

from ..refusals import refuse
from .averaging import SwapEMAWeights
from .backup import BackupAndRestore
from .base import Callback, LambdaCallback
from .base import Logs as Logs
from .base import standardize_callbacks as standardize_callbacks
from .base import standardize_verbose as standardize_verbose
from .callback_list import CallbackList
from .callback_list import as_callbacks as as_callbacks
from .checkpoint import ModelCheckpoint
from .progbar import ProgbarLogger
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .records import CSVLogger, History, RemoteMonitor
from .stopping import EarlyStopping, TerminateOnNaN
from .tensorboard import TensorBoard

__all__ = [
    "Callback",
    "CallbackList",
    "LambdaCallback",
    "History",
    "ProgbarLogger",
    "EarlyStopping",
    "TerminateOnNaN",
    "LearningRateScheduler",
    "ReduceLROnPlateau",
    "ModelCheckpoint",
    "BackupAndRestore",
    "SwapEMAWeights",
    "CSVLogger",
    "RemoteMonitor",
    "TensorBoard",
]

__getattr__ = refuse(
    __name__,
    {
        "OrbaxCheckpoint": "it writes JAX's checkpoints, through the package orbax; use "
        "ModelCheckpoint, or BackupAndRestore"
    },
    __all__,
)
