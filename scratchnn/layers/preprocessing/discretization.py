"""Discretization: numbers as the bins that they fall into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ...arrays import Array, Shape
from ...context import Context
from ..configs import plain_dtype
from .preparation import (
    Preparation,
    batches_of,
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)

_MODES = ("int", "one_hot", "multi_hot", "count")


class Discretization(Preparation):
    """Say into which bin each number falls: y is the number of boundaries b with b <= x.

    Arguments:
        bin_boundaries: the boundaries b between bins, rising; there is one bin more than these.
        num_bins: the number of bins, of which `adapt` finds the boundaries: quantiles of the data.
        epsilon: how exact these quantiles are, as a fraction of the data.
        output_mode: 'int' for the bin's number, or as for CategoryEncoding.
        sparse: not supported.
        dtype, name: those of every Layer.

    Shape:
        x (N, T), numbers; y (N, T) int32, or a float encoding as CategoryEncoding makes it.

    Raises:
        ValueError: unless one of `bin_boundaries` and `num_bins` is given, alone; if the
            boundaries do not rise.

    Example:
        >>> Discretization([0.0, 10.0])(np.array([-1.0, 0.0, 3.0, 99.0])).numpy()
        array([0, 1, 1, 2], dtype=int32)
        >>> layer = Discretization(num_bins=4)
        >>> layer.adapt(np.arange(100.0))
        >>> [round(boundary) for boundary in layer.bin_boundaries]
        [24, 49, 74]
    """

    wants_strings = False

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        refuse_sparse("Discretization", sparse)
        self.output_mode = _mode(output_mode)
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"`num_bins` must not be negative. Received: num_bins={num_bins}.")
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Discretization needs either `num_bins` or `bin_boundaries`. "
                f"Received: num_bins={num_bins}, bin_boundaries={bin_boundaries}."
            )
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.bin_boundaries = _checked(bin_boundaries)
        self.summary = np.zeros((2, 0), np.float32)

    def casts(self, dtype: np.dtype[Any]) -> bool:
        return True

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries of `num_bins` bins that hold about as much of the data each.

        Arguments:
            data: an array; or a list, a dataset, or anything else that yields batches.
            steps: the number of batches to take; all if not given.

        Raises:
            ValueError: if the layer was made with boundaries.
        """
        if self.num_bins is None:
            raise ValueError(
                f"The layer {self.name!r} was made with `bin_boundaries`, so there is nothing to "
                "find out. Give it `num_bins` instead."
            )
        self.reset_state()
        for batch in batches_of(data, steps, lists_are_batches=True):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take a batch into the summary of the data."""
        summary = _summary(np.asarray(data), self.epsilon)
        self.summary = _merged(summary, self.summary, self.epsilon)

    def finalize_state(self) -> None:
        """Set the boundaries from the summary."""
        if self.num_bins is not None:
            found = _compressed(self.summary, 1.0 / self.num_bins)
            self.bin_boundaries = found[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forget the data."""
        if self.num_bins is not None:
            self.summary = np.zeros((2, 0), np.float32)

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.bin_boundaries is None:
            raise RuntimeError(
                f"The layer {self.name!r} does not know its bins yet: call its adapt() on data, "
                "or make it with `bin_boundaries`."
            )
        bins = np.searchsorted(np.asarray(self.bin_boundaries, np.float32), x, side="right")
        if self.output_mode == "int":
            y = ctx.buffer("y", x.shape, np.int32)
            y[...] = bins
            return y
        depth = len(self.bin_boundaries) + 1
        return encode(bins, self.output_mode, depth, lambda s: ctx.buffer("y", s))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        shape: Shape = encoded_shape(input_shape, self.output_mode, depth)
        return shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return "int32" if self.output_mode == "int" else self.dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = plain_dtype(config)
        if config.get("num_bins") is None:
            return cls(**config)
        found = config.pop("bin_boundaries", None)  # by adapt
        layer = cls(**config)
        layer.bin_boundaries = _checked(found)
        return layer


def _mode(value: Any) -> str:
    return output_mode("Discretization", value, _MODES)


def _checked(boundaries: Any) -> list[float] | None:
    if boundaries is None:
        return None
    values = np.asarray(boundaries)
    if values.ndim != 1 or values.dtype.kind not in "fiu" or (np.diff(values) < 0).any():
        raise ValueError(
            f"`bin_boundaries` must be numbers that rise. Received: bin_boundaries={boundaries!r}."
        )
    return list(boundaries) if isinstance(boundaries, list | tuple) else values.tolist()


# A summary is (2, B): values, and how much of the data each stands for. Two of them merge into one
# of about 1 / epsilon values, whatever the number of batches was.


def _summary(values: Array, epsilon: float) -> Array:
    values = np.sort(values.astype(np.float32), axis=None)
    step = max(values.size / (1.0 / epsilon), 1)
    chosen = values[int(step - 1) :: int(step)]
    return np.stack([chosen, np.ones_like(chosen) * step])


def _merged(a: Array, b: Array, epsilon: float) -> Array:
    both = np.concatenate((a, b), axis=1)
    return _compressed(both[:, np.argsort(both[0])], epsilon)


def _compressed(summary: Array, epsilon: float) -> Array:
    """Return a summary of 1 / epsilon values: those at equal steps of the weight before them."""
    if summary.shape[1] * epsilon < 1:
        return summary
    wanted = epsilon + np.arange(0.0, 1.0, epsilon)
    before = summary[1].cumsum()
    share = before / before[-1]
    values = np.interp(wanted, share, summary[0])
    weights = np.diff(np.interp(wanted, share, before), prepend=0)
    return np.stack((values, weights)).astype(np.float32)
