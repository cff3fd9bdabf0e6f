"""What layers and losses are made of, as functions (as `keras.ops.nn`).

They stand in files by kind: activation.py, classes.py, normalization.py and images.py.
"""

from __future__ import annotations

from ..refusals import refuse
from . import activation, classes, images, normalization
from .activation import *  # noqa: F403
from .classes import *  # noqa: F403
from .images import *  # noqa: F403
from .normalization import *  # noqa: F403

__all__: list[str] = []
__all__ += activation.__all__
__all__ += classes.__all__
__all__ += images.__all__
__all__ += normalization.__all__

_CONVOLUTION = "scratchnn has no convolutions and no pooling yet"
_CTC = (
    "it sums over all alignments in time, which NumPy can only do in a slow Python loop; use a "
    "loss on each time step, with labels that are aligned already"
)

MISSING = {
    "adaptive_average_pool": _CONVOLUTION,
    "adaptive_max_pool": _CONVOLUTION,
    "average_pool": _CONVOLUTION,
    "conv": _CONVOLUTION,
    "conv_transpose": _CONVOLUTION,
    "depthwise_conv": _CONVOLUTION,
    "max_pool": _CONVOLUTION,
    "separable_conv": _CONVOLUTION,
    "ctc_decode": _CTC,
    "ctc_loss": _CTC,
}
"""The names of keras.ops.nn that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
