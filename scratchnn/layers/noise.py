"""Noise, dropout that keeps the statistics, and a penalty: layers that act in training alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import regularizers
from ..activations.rectifiers import SELU_ALPHA, SELU_SCALE
from ..arrays import Array, Shape
from ..context import Context
from ..philox import SeedPair, Stream, box_muller
from ..random import SeedGenerator, dropout_mask_into
from .base import Layer
from .dropout import Dropout, checked_rate

PIECE = 4096  # normal numbers made at once, so that what they are made of stays in the cache


class GaussianNoise(Layer):
    """In training, add normal noise: y = x + stddev * z, z normal. Otherwise y = x.

    Arguments:
        stddev: the standard deviation of the noise, in [0, 1].
        seed: an int fixes the noise; it follows `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if `stddev` is not in [0, 1].

    Example:
        >>> GaussianNoise(0.1)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)

    Reference: Bishop, 1995, Training with Noise is Equivalent to Tikhonov Regularization.
    """

    notes_training = True
    has_build_config = False
    supports_masking = True

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(stddev, int | float | np.number) or not 0 <= stddev <= 1:
            raise ValueError(
                "GaussianNoise expected a stddev in [0, 1], the standard deviation of the noise. "
                f"Received: {stddev}."
            )
        self.stddev = float(stddev)
        self.seed = seed
        if self.stddev > 0:
            self.seed_generator = SeedGenerator(seed)

    def forward(self, x: Array, ctx: Context) -> Array:
        if not ctx.training or self.stddev == 0:
            return x
        y = ctx.buffer("y", x.shape)
        normals_into(y, 0.0, self.stddev, self.seed_generator.next())
        y += x
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return dy if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(Layer):
    """In training, multiply with normal noise of mean 1: y = x * (1 + s z). Otherwise y = x.

    z is normal, and s = sqrt(rate / (1 - rate)), the standard deviation of Dropout's factors.

    Arguments:
        rate: as that of Dropout, in [0, 1).
        seed: an int fixes the noise; it follows `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if `rate` is not in [0, 1).

    Example:
        >>> GaussianDropout(0.5)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)

    Reference: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting, section 10.
    """

    notes_training = True
    has_build_config = False
    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = checked_rate(self, rate, below_one=True)
        self.seed = seed
        if self.rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.noise = None
        if not ctx.training or self.rate == 0:
            return x
        ctx.noise = ctx.buffer("noise", x.shape)
        stddev = math.sqrt(self.rate / (1 - self.rate))
        normals_into(ctx.noise, 1.0, stddev, self.seed_generator.next())
        return np.multiply(x, ctx.noise, out=ctx.buffer("y", x.shape))  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if ctx.noise is not None:
            dy *= ctx.noise
        return dy

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class AlphaDropout(Dropout):
    """Dropout for selu: in training, y = a * (x m + c (1 - m)) + b. Otherwise y = x.

    m is 0 with probability `rate` and else 1; c = -1.7581 is what selu tends to for very negative
    inputs; a = ((1 - rate) (1 + rate c**2))**-1/2 and b = -a c rate keep a mean of 0 and a
    variance of 1 as they are.

    Arguments:
        rate: the share to drop, in [0, 1).
        noise_shape: the shape of m, which broadcasts over x; None for an axis takes x's size.
        seed: an int fixes the masks; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Raises:
        ValueError: if `rate` is not in [0, 1).

    Example:
        >>> AlphaDropout(0.5)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)

    Reference: Klambauer, Unterthiner, Mayr and Hochreiter, 2017, Self-Normalizing Neural Networks.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        checked_rate(self, rate, below_one=True)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.mask = None
        if not ctx.training or self.rate == 0:
            return x
        shape = self._mask_shape(x.shape)
        mask = ctx.mask = ctx.buffer("mask", shape)
        dropout_mask_into(mask, self.rate, self.seed_generator.next())
        np.sign(mask, out=mask)
        saturated = -SELU_ALPHA * SELU_SCALE
        a, b = self._affine(saturated)
        filler = np.subtract(1, mask, out=ctx.buffer("filler", shape))
        filler *= saturated
        y = np.multiply(x, mask, out=ctx.buffer("y", x.shape))
        y += filler
        y *= a
        y += b
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if ctx.mask is not None:
            dy *= ctx.mask
            dy *= self._affine(-SELU_ALPHA * SELU_SCALE)[0]
        return dy

    def _affine(self, saturated: float) -> tuple[float, float]:
        a = ((1 - self.rate) * (1 + self.rate * saturated**2)) ** -0.5
        return a, -a * saturated * self.rate


class ActivityRegularization(Layer):
    """Add a penalty of the input to the loss, l1 * sum |x| + l2 * sum x**2 per sample; y = x.

    Arguments:
        l1, l2: the factors.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ...), float.

    Example:
        >>> ActivityRegularization(l2=0.01)(np.ones((1, 3))).numpy()
        array([[1., 1., 1.]], dtype=float32)
    """

    has_build_config = False
    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def forward(self, x: Array, ctx: Context) -> Array:
        return x

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return dy if ctx.needs_dx else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}


def normals_into(out: Array, mean: float, stddev: float, seed: SeedPair) -> None:
    """Write normal numbers over `out`: those of `random.normal`, a piece at a time.

    Arguments:
        out: contiguous float array.
        mean, stddev: of the distribution.
        seed: the seed pair of this call, from `SeedGenerator.next()`.

    Example:
        >>> out = np.empty(3, np.float32)
        >>> normals_into(out, 1.0, 0.5, (1, 0))
        >>> out.shape
        (3,)
    """
    flat = out.reshape(-1)
    for start, words in Stream.from_seed(seed).chunks(flat.size + flat.size % 2):
        for first in range(0, len(words), PIECE):
            z = box_muller(words[first : first + PIECE])
            z *= np.float32(stddev)
            z += np.float32(mean)
            piece = flat[start + first : start + first + len(z)]
            piece[...] = z[: len(piece)]
