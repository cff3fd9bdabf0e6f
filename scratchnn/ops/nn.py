"""What layers and losses are made of, as functions (as `keras.ops.nn`).

They stand in files by kind: activation.py, classes.py, convolutions.py, pooling.py,
normalization.py and images.py.
"""

from __future__ import annotations

from ..refusals import refuse
from . import activation, classes, convolutions, images, normalization, pooling
from .activation import *  # noqa: F403
from .classes import *  # noqa: F403
from .convolutions import *  # noqa: F403
from .images import *  # noqa: F403
from .normalization import *  # noqa: F403
from .pooling import *  # noqa: F403

__all__: list[str] = []
__all__ += activation.__all__
__all__ += classes.__all__
__all__ += convolutions.__all__
__all__ += images.__all__
__all__ += normalization.__all__
__all__ += pooling.__all__

_CTC = (
    "it sums over all alignments in time, which NumPy can only do in a slow Python loop; use a "
    "loss on each time step, with labels that are aligned already"
)

MISSING = {
    "ctc_decode": _CTC,
    "ctc_loss": _CTC,
}
"""The names of keras.ops.nn that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
