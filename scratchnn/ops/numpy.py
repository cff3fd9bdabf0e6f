"""The functions of NumPy, with Keras's names, arguments and dtypes (as `keras.ops.numpy`).

They stand in files by kind: creation.py, shapes.py, arithmetic.py, elementwise.py, logic.py,
reductions.py, selection.py and products.py. Each is NumPy's own function after two steps that
tensors.py has for all of them: arguments become arrays, and arrays take the dtype that Keras
computes in.
"""

from __future__ import annotations

from . import arithmetic, creation, elementwise, logic, products, reductions, selection, shapes
from .arithmetic import *  # noqa: F403
from .creation import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .functional import vectorize
from .linalg import slogdet
from .logic import *  # noqa: F403
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403
from .selection import *  # noqa: F403
from .shapes import *  # noqa: F403

__all__ = ["slogdet", "vectorize"]
__all__ += arithmetic.__all__
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += logic.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += selection.__all__
__all__ += shapes.__all__
