"""The loss contract: `call` gives the values, `gradient` their derivatives, the base reduces both.

A loss of your own:

    class Quartic(Loss):
        def call(self, y_true, y_pred):
            return np.mean((y_pred - y_true) ** 4, axis=-1)

        def gradient(self, y_true, y_pred):
            return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]

`call` returns one value per sample (or per sample and time step), or one value for all; `gradient`
returns, in the shape of `y_pred`, the derivative of each value with respect to its own predictions.
`y_true` and `y_pred` are float arrays, and `y_true` has the shape of the targets: labels stay (N,).

The losses of this package define `forward` and `backward` instead, which recycle their buffers.
`call` and `gradient` are there all the same, for a subclass that changes what they return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .. import config, naming
from ..arrays import Array, Shape, Tensor, as_tensor
from ..context import Context

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
Axis: TypeAlias = int | tuple[int, ...] | list[int] | None

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class Loss:
    """The base of all losses; the contract stands at the head of this file.

    Arguments:
        name: the loss's name; made from the class name if not given.
        reduction: how the values become one number. 'sum_over_batch_size' and 'mean' divide their
            sum by their count, weighted or not; 'mean_with_sample_weight' divides by the sum of
            the weights; 'sum' does not divide; 'none' or None returns the values.
        dtype: None, or the default float dtype, in which a loss computes.

    Raises:
        ValueError: for another reduction or dtype.

    Example:
        >>> class Quartic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return np.mean((y_pred - y_true) ** 4, axis=-1)
        ...     def gradient(self, y_true, y_pred):
        ...         return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]
        >>> float(Quartic()([[0.0], [0.0]], [[1.0], [2.0]]))
        8.5
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction must be one of {REDUCTIONS}. Received: {reduction!r}."
                + naming.nearest(reduction, [r for r in REDUCTIONS if r])
            )
        if dtype is not None and not _is_floatx(dtype):
            raise ValueError(
                f"A loss computes in the default float dtype, {config.floatx()!r}; leave `dtype` "
                f"out, or call config.set_floatx. Received: dtype={dtype!r}."
            )
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.reduction = reduction
        self.dtype = config.floatx()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if {"call", "gradient"} & set(vars(cls)) and "forward" not in vars(cls):
            # Whichever loss it extends, what the class defines itself is what counts.
            cls.forward, cls.backward = Loss.forward, Loss.backward  # type: ignore[method-assign]

    # What a loss of your own defines ------------------------------------------------------------

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the value of each sample."""
        return self._built_in("call(y_true, y_pred)", y_true, y_pred)[0]

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of each sample's value with respect to its predictions."""
        rule, cls = "gradient(y_true, y_pred) to be trained with", type(self)
        if cls.gradient is Loss.gradient and cls.call is not Loss.call:
            raise NotImplementedError(f"{cls.__name__} must define {rule}.")
        return self._built_in(rule, y_true, y_pred)[1]()

    def _built_in(self, rule: str, y_true: Any, y_pred: Any) -> tuple[Array, Callable[[], Array]]:
        """Return the values of the loss of this package that the class extends, and its slope."""
        mro = [c for c in type(self).__mro__ if issubclass(c, Loss) and "forward" in vars(c)]
        cls = next(c for c in mro if c.forward is not Loss.forward or c is Loss)
        if cls is Loss:
            raise NotImplementedError(f"{type(self).__name__} must define {rule}.")
        p = np.asarray(y_pred, config.floatx())
        ctx = Context(dtype=p.dtype)
        y = self.prepare(y_true, p.shape)
        with np.errstate(all="ignore"):
            return cls.forward(self, y, p, ctx), lambda: cls.backward(self, ctx)

    # What the losses of this package define, to recycle their buffers ---------------------------

    def forward(self, y: Array, p: Array, ctx: Context) -> Array:
        """Return the values for targets `y` from `prepare` and predictions `p`.

        `ctx.logits`, unless None, is what `p` was computed from; a loss that works from it sets
        `ctx.fused`, and then `backward` returns the gradient of the logits.
        """
        ctx.y, ctx.p = y, p
        return np.asarray(self.call(y, p), p.dtype)

    def backward(self, ctx: Context) -> Array:
        """Return the derivatives of the values, in an array the caller may write to."""
        return np.array(self.gradient(ctx.y, ctx.p), ctx.p.dtype)

    # What a loss is used by ---------------------------------------------------------------------

    def prepare(self, y_true: Any, output_shape: Shape) -> Array:
        """Check targets against a model's output shape; return them as `forward` takes them.

        This is done once for all the data. Float targets become the default float dtype; a last
        axis of size 1 is added or dropped to fit, as in Keras.

        Raises:
            ValueError: for NaN, or a shape that does not fit the output.
        """
        y = as_numbers(y_true, "targets (y)")
        if y.dtype.kind == "f" and np.isnan(y).any():
            rows = np.flatnonzero(np.isnan(y.reshape(len(y), -1)).any(axis=1)) if y.ndim else [0]
            raise ValueError(
                "The targets (y) must be numbers. Received: NaN in "
                f"{len(rows)} of {len(y) if y.ndim else 1} samples, the first at index {rows[0]}."
            )
        return self.fit_shape(y, output_shape)

    def fit_shape(self, y: Array, output_shape: Shape) -> Array:
        """Return float targets, with a last axis of size 1 if the output has one."""
        y = y.astype(config.floatx(), copy=False)
        rank = len(output_shape)
        if y.ndim == rank - 1 and output_shape[-1] == 1:
            y = y[..., np.newaxis]
        elif y.ndim == rank + 1 and y.shape[-1] == 1:
            y = y[..., 0]
        return y

    def accepts(self, y: Array, output_shape: Shape) -> bool:
        """Return whether `y` has the form that `prepare` returns."""
        return y.dtype.kind == "f"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Return the reduced loss of predictions `y_pred` for targets `y_true`."""
        p = np.asarray(y_pred, config.floatx())
        y = np.asarray(y_true)
        ctx = Context(dtype=p.dtype)
        # Of ranks that differ, vectors get the last axis of size 1, and others lose it.
        if p.ndim == 1 and y.shape[1:] == (1,):
            p = p[:, np.newaxis]
        elif p.ndim - 1 == y.ndim > 1 and p.shape[-1] == 1 and isinstance(self, SameShapeLoss):
            p = p[..., 0]
        y = self.prepare(y, p.shape)
        with np.errstate(all="ignore"):  # what is not finite is for the caller to see
            return as_tensor(self.reduce(self.forward(y, p, ctx), sample_weight, ctx))

    def reduce(self, values: Array, sample_weight: Any, ctx: Context) -> Any:
        """Return the values, weighted, as one number; keep the factor of their gradients.

        With v values, w weights and n their count, 'sum_over_batch_size' is sum(w v) / n: the
        divisor stays the count. If `ctx.mask` marks some values as void, n counts the others.
        Weights repeat a loss that is one value for all.
        """
        weights = match_weights(sample_weight, values) if sample_weight is not None else None
        mask = vars(ctx).get("mask")
        if mask is not None:
            weights = self._mask_weights(weights, mask, values)
        one_for_all = not values.ndim
        if weights is not None:
            values = values * weights
        number = values.dtype.type
        divisor = number(1)
        if self.reduction in _MEANS and values.ndim:
            divisor = number(values.size)
            if self.reduction == "mean_with_sample_weight" and weights is not None:
                divisor = np.add.reduce(weights, axis=None)
        scale = 1 / divisor if divisor else number(0)
        ctx.scale = scale if weights is None else weights * scale
        if one_for_all:
            ctx.scale = np.add.reduce(ctx.scale, axis=None)
        if self.reduction in ("none", None):
            # As in Keras, weights in a column make a column of the values.
            column = sample_weight is not None and values.ndim == 1 < np.ndim(sample_weight)
            return values[:, np.newaxis] if column else values
        total = np.add.reduce(values, axis=None)
        return total / divisor if divisor else total * scale

    def _mask_weights(self, weights: Array | None, mask: Array, values: Array) -> Array:
        valid = mask.astype(values.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):
            count = valid.sum()
            valid *= values.dtype.type(valid.size / count if count else 0)
        return valid if weights is None else weights * valid

    def reduced_gradient(self, ctx: Context) -> Array:
        """Return the gradient of the reduced loss: `backward`, times what `reduce` kept."""
        dy = self.backward(ctx)
        scale = ctx.scale
        if scale.ndim and dy.ndim > scale.ndim:
            scale = scale.reshape(scale.shape + (1,) * (dy.ndim - scale.ndim))
        dy *= scale
        return dy

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Return the loss that `get_config` describes."""
        return cls(**config)


class Reduction:
    """The names of the reductions, as programs for tf.keras write them: `Reduction.SUM`.

    Example:
        >>> Reduction.SUM
        'sum'
    """

    AUTO = "auto"  # an error today
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


class SameShapeLoss(Loss):
    """A loss whose targets have the shape of the predictions; the others take any, or labels."""

    def fit_shape(self, y: Array, output_shape: Shape) -> Array:
        y = super().fit_shape(y, output_shape)
        if y.ndim != len(output_shape) or not _same_sizes(y.shape[1:], output_shape[1:]):
            raise ValueError(
                f"The loss {self.name!r} expected targets of the model's output shape, "
                f"{_batch(output_shape)}. Received: targets of shape {_batch(y.shape)}."
            )
        return y

    def accepts(self, y: Array, output_shape: Shape) -> bool:
        return y.dtype.kind == "f" and y.ndim == len(output_shape)


class AxisLoss(SameShapeLoss):
    """A loss that adds up along `axis`, an attribute: an axis, several, or None for all."""

    axis: Axis

    def reduced_gradient(self, ctx: Context) -> Array:
        if np.ndim(ctx.scale) and self.axis != -1:
            ctx.scale = np.expand_dims(ctx.scale, self.axis)  # type: ignore[arg-type]
        return super().reduced_gradient(ctx)


def function(cls: Callable[..., Loss], y_true: Any, y_pred: Any, **arguments: Any) -> Tensor:
    """Return the values of a loss, not reduced: what Keras's loss functions return."""
    return cls(reduction=None, **arguments)(y_true, y_pred)


def as_numbers(data: Any, what: str) -> Array:
    """Return `data` as an array of numbers, or raise a ValueError that says what it is."""
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"The {what} must be numbers. Received: dtype {array.dtype}, such as "
            f"{array.ravel().tolist()[0] if array.size else data!r}."
        )
    return array


def match_weights(sample_weight: Any, values: Array) -> Array:
    """Return the weights as an array that broadcasts over the values as Keras has it."""
    weights = np.asarray(sample_weight, values.dtype)
    if not values.ndim:
        return weights
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    elif weights.ndim == values.ndim - 1 and values.shape[-1] == 1:
        weights = weights[..., np.newaxis]
    fits = weights.ndim <= values.ndim and all(
        w in (1, v) for w, v in zip(weights.shape, values.shape, strict=False)
    )
    if not fits or weights.ndim not in (0, values.ndim):
        raise ValueError(
            f"sample_weight must have the shape of the loss's values, {values.shape}. "
            f"Received: shape {np.shape(sample_weight)}."
        )
    return weights


def _is_floatx(dtype: Any) -> bool:
    try:
        return bool(np.dtype(getattr(dtype, "name", dtype)).name == config.floatx())
    except TypeError:  # no dtype at all
        return False


def _same_sizes(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(
        m == n or m is None or n is None for m, n in zip(a, b, strict=True)
    )


def _batch(shape: Shape) -> str:
    return f"({', '.join(['N', *map(str, shape[1:])])}{',' if len(shape) == 1 else ''})"
