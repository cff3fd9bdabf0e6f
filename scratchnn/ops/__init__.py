"""The functions of Keras on arrays, forward only (as `keras.ops`): same names, dtypes, results.

They take arrays, numbers and lists, and return Tensors: arrays with a `numpy()`. tensors.py says
how arguments become arrays, and dtypes.py of which dtype the result is; the functions themselves
are in numpy.py, nn.py, linalg.py, image.py, math.py, signals.py, core.py, functional.py and
einops.py.
Results are those of Keras on TensorFlow to rounding; where that computes something else than it
says, the function says so. Complex numbers keep their precision; Keras rounds some to complex64.

There are no gradients: a layer's backward pass is written out, and uses plain NumPy.

Example:
    >>> from scratchnn import ops
    >>> ops.matmul([[1.0, 2.0], [3.0, 4.0]], ops.ones((2, 1)))
    Tensor([[3.],
            [7.]], dtype=float32)
"""

from __future__ import annotations

from ..refusals import refuse
from . import core, einops, functional, image, linalg, math, nn, numpy, signals
from .core import *  # noqa: F403
from .einops import *  # noqa: F403
from .functional import *  # noqa: F403
from .linalg import *  # noqa: F403
from .linalg import logdet
from .math import *  # noqa: F403
from .nn import *  # noqa: F403
from .numpy import *  # noqa: F403
from .signals import *  # noqa: F403

__all__ = ["image", "linalg", "logdet", "nn", "numpy"]
__all__ += core.__all__
__all__ += einops.__all__
__all__ += functional.__all__
__all__ += linalg.__all__
__all__ += math.__all__
__all__ += nn.__all__
__all__ += numpy.__all__
__all__ += signals.__all__

MISSING = {
    **nn.MISSING,
    "custom_gradient": "there is no automatic differentiation: a layer has `backward`",
    "jvp": linalg.MISSING["jvp"],
}
"""The names of keras.ops that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
