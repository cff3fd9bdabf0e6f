"""Spectral normalization: a layer whose kernel keeps the largest singular value 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import initializers
from ..arrays import Array, Shape
from ..context import Context
from .base import Layer
from .core import positive_int
from .wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divide another layer's kernel by its largest singular value before each training step.

    The value is approached by power iteration: v = u W' / |u W'| and u = v W / |v W|, W the kernel
    as a matrix (D, U); it is then v W u'. The kernel itself is changed, and u kept for the next
    step. A kernel of zeros stays as it is.

    Arguments:
        layer: a layer with a `kernel`, such as Dense, or with `embeddings`.
        power_iterations: how many times u and v are improved at each step.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y as those of `layer`; vector_u (1, U).

    Raises:
        ValueError: if `layer` is none, or has neither a kernel nor embeddings; if
            `power_iterations` is not a positive whole number.

    Example:
        >>> from scratchnn.layers import Dense
        >>> layer = SpectralNormalization(Dense(1, kernel_initializer="ones"))
        >>> layer(np.array([[3.0]]), training=True).numpy().round(3)
        array([[3.]], dtype=float32)

    Reference: Miyato, Kataoka, Koyama and Yoshida, 2018, Spectral Normalization for Generative
    Adversarial Networks.
    """

    notes_training = True

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self, "power_iterations", power_iterations)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ValueError(
                "SpectralNormalization expected a layer with a kernel or embeddings. "
                f"Received: {self.layer!r}."
            )
        self.kernel = kernel
        self._weights.append(kernel)  # among its own weights, too, as in Keras's files
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
        )

    def forward(self, x: Array, ctx: Context) -> Array:
        if ctx.training and np.any(self.kernel.value):
            self._normalize()
        return super().forward(x, ctx)

    def _normalize(self) -> None:
        kernel = self.kernel.value.reshape(-1, self.kernel.shape[-1])
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = _unit(np.dot(u, kernel.T))
            u = _unit(np.dot(v, kernel))
        kernel /= np.dot(np.dot(v, kernel), u.T)
        self.vector_u.value[...] = u

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(vector: Array) -> Array:
    """Return a vector of length 1; one of zeros as it is."""
    norm = np.sqrt(np.sum(vector * vector))
    return vector * min(1 / norm, vector.dtype.type(1e7)) if norm else vector
