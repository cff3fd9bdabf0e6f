"""Batch normalization: each channel is normalized over all samples and places of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import initializers
from ..arrays import Array, Shape
from ..context import Context
from .core import refuse
from .normalization import ChannelNormalization


class BatchNormalization(ChannelNormalization):
    """Normalize each channel: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    In training, mean and variance (of n, not n - 1) are those of the batch, and the moving
    statistics follow them: moving = momentum * moving + (1 - momentum) * batch. Otherwise they are
    the moving statistics; also in training if the layer is frozen, with `trainable` false.

    Arguments:
        axis: the axis of the channels.
        momentum: what the moving statistics keep at each step.
        epsilon: keeps the division finite.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: what they start as.
        moving_mean_initializer, moving_variance_initializer: what the statistics start as.
        beta_regularizer, gamma_regularizer: what they add to the loss.
        beta_constraint, gamma_constraint: what each of their updates ends with.
        renorm, renorm_clipping, renorm_momentum: not supported.
        synchronized: not supported; there is one device.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, ..., C), float; gamma, beta, moving_mean and moving_variance (C,). A mask, of
        x's shape without its last axis, leaves places out of the statistics.

    Raises:
        ValueError: for the arguments that are not supported, and inputs whose axis `axis` is
            missing or has another size than the layer was built for.

    Example:
        >>> y = BatchNormalization(epsilon=0)(np.array([[1.0], [3.0]]), training=True)
        >>> y.numpy()
        array([[-1.],
               [ 1.]], dtype=float32)

    Reference: Ioffe and Szegedy, 2015, Batch Normalization: Accelerating Deep Network Training by
    Reducing Internal Covariate Shift.
    """

    takes_mask = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            axis,
            float(epsilon),
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        refuse(
            self,
            renorm=renorm or None,
            renorm_clipping=renorm_clipping,
            renorm_momentum=None if renorm_momentum == 0.99 else renorm_momentum,
            synchronized=synchronized or None,
        )
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        channels = self.channels(input_shape)
        self.add_affine((channels,))
        self.moving_mean = self.add_weight(
            name="moving_mean",
            shape=(channels,),
            initializer=self.moving_mean_initializer,
            trainable=False,
        )
        self.moving_variance = self.add_weight(
            name="moving_variance",
            shape=(channels,),
            initializer=self.moving_variance_initializer,
            trainable=False,
        )

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = x.shape
        if ctx.in_mask is not None:
            self._check_mask(np.shape(ctx.in_mask), x.shape[:-1])
        x = ctx.x = self.channels_last(x, ctx, "x")
        ctx.from_batch = ctx.training and self.trainable
        if not ctx.from_batch:
            return self._forward_moving(x, ctx)
        centered, y = ctx.buffer("centered", x.shape), ctx.buffer("y", x.shape)
        ctx.keep, ctx.count = self._keep(ctx), x.dtype.type(len(x))
        if ctx.keep is not None:
            # Keras's small number keeps apart from 0 the count of a channel left out everywhere.
            ctx.count = np.add.reduce(ctx.keep, axis=0, dtype=x.dtype) + x.dtype.type(1e-7)
        mean = _sum(_kept(x, ctx.keep, y), ctx) / ctx.count
        _fold(np.subtract, x, mean, centered)
        deviation = _kept(centered, ctx.keep, y)
        variance = _sum(np.multiply(deviation, deviation, out=y), ctx) / ctx.count
        self._move(mean, variance)
        ctx.inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        _fold(np.multiply, centered, self.scaled(ctx.inverse), y)
        if self.center:
            _fold(np.add, y, self.beta.value, y)
        return self.channels_back(y, ctx.shape)

    def _forward_moving(self, x: Array, ctx: Context) -> Array:
        y = ctx.buffer("y", x.shape)
        ctx.inverse = 1 / np.sqrt(self.moving_variance.value + x.dtype.type(self.epsilon))
        slope = self.scaled(ctx.inverse)
        shift = -self.moving_mean.value * slope
        if self.center:
            shift += self.beta.value
        _fold(np.multiply, x, slope, y)
        _fold(np.add, y, shift, y)
        return self.channels_back(y, ctx.shape)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.channels_last(dy, ctx, "dy")
        slope = self.scaled(ctx.inverse)
        if ctx.from_batch or self.trainable:
            centered, product = self._centered(ctx), ctx.buffer("product", dy.shape)
            dbeta = _sum(dy, ctx)
            dgamma = _sum(np.multiply(dy, centered, out=product), ctx)
            dgamma *= ctx.inverse
            self.assign_affine(dgamma, dbeta)
        if not ctx.needs_dx:
            return None
        _fold(np.multiply, dy, slope, dy)
        if ctx.from_batch:
            # Each x moves the mean and the variance, and through them all outputs.
            _fold(np.multiply, centered, slope * ctx.inverse * dgamma / ctx.count, product)
            _fold(np.add, product, slope * dbeta / ctx.count, product)
            if ctx.keep is not None:
                product *= ctx.keep
            dy -= product
        return self.channels_back(dy, ctx.shape)

    def _centered(self, ctx: Context) -> Array:
        centered = ctx.buffer("centered", ctx.x.shape)
        if not ctx.from_batch:
            _fold(np.subtract, ctx.x, self.moving_mean.value, centered)
        return centered

    def _move(self, mean: Array, variance: Array) -> None:
        pairs = ((self.moving_mean, mean), (self.moving_variance, variance))
        for moving, batch in pairs:
            moving.value *= self.momentum
            moving.value += batch * batch.dtype.type(1 - self.momentum)

    def _check_mask(self, found: Shape, wanted: Shape) -> None:
        pairs = zip(found, wanted, strict=False)
        if len(found) != len(wanted) or any(m not in (1, n) for m, n in pairs):
            raise ValueError(
                f"The layer {self.name!r} expected a mask of one axis less than its input: of "
                f"shape {wanted}. Received: a mask of shape {found}."
            )

    def _keep(self, ctx: Context) -> Array | None:
        """Return where x counts by the mask, (M, C) as x itself; None if everywhere."""
        if ctx.in_mask is None:
            return None
        keep = np.broadcast_to(np.asarray(ctx.in_mask, bool)[..., np.newaxis], ctx.shape)
        return np.moveaxis(keep, self.axis, -1).reshape(ctx.x.shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": 0.99,
        }


def _kept(x: Array, keep: Array | None, out: Array) -> Array:
    """Return x with 0 for what does not count, written to `out`; x itself if all counts."""
    if keep is None:
        return x
    out.fill(0)
    np.copyto(out, x, where=keep)
    return out


def _folds(x: Array) -> int:
    """Return how many rows of x (M, C) to take as one: NumPy is slow at many short rows."""
    rows, channels = x.shape
    folds = 1
    while rows % (2 * folds) == 0 and rows >= 512 * folds and folds * channels <= 128:
        folds *= 2
    return folds


def _fold(operation: np.ufunc, x: Array, vector: Array, out: Array) -> None:
    """Compute operation(x, vector), x (M, C) and vector (C,), on rows taken together."""
    folds = _folds(x)
    if folds > 1:
        wide = (len(x) // folds, folds * x.shape[1])
        x, vector, out = x.reshape(wide), np.concatenate([vector] * folds), out.reshape(wide)
    operation(x, vector, out=out)


def _sum(x: Array, ctx: Context) -> Array:
    """Return the sum of the rows of x (M, C): first of every folds-th row, then of these.

    Adding up fewer numbers one after another, it loses fewer bits, too.
    """
    folds = _folds(x)
    wide = x.reshape(len(x) // folds, folds * x.shape[1])
    sums: Array = np.dot(ctx.ones(len(wide)), wide).reshape(folds, -1).sum(axis=0)
    return sums
