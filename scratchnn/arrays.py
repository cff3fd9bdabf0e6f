"""What flows through a network: NumPy arrays, their shapes, and the tensor a call returns.

Shape letters, used in every docstring of the package: N batch, D features in, U units,
C channels or classes, H height, W width, T time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int | None, ...]
"""The shape of a batch; None is the batch size, or any size not known before the data is seen."""


class Tensor(np.ndarray[Any, np.dtype[Any]]):
    """The array that `layer(x)`, `model(x)` and `loss(y, p)` return: an ndarray with `numpy()`.

    Keras programs end such calls with `.numpy()`; here the data is a NumPy array already.

    Example:
        >>> as_tensor(np.ones(2)).numpy()
        array([1., 1.])
    """

    def numpy(self) -> Array:
        """Return the same data as a plain ndarray."""
        return self.view(np.ndarray)


def as_tensor(x: Any) -> Tensor:
    """Return `x`, an array or a number, as a Tensor that shares its data."""
    return np.asarray(x).view(Tensor)
