"""The parts of a loss, and of an activation function."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import activations
from ...arrays import Array
from ...context import Context
from ...losses.base import Loss
from ..numerical import numerical_gradient
from .common import close, constructor_arguments, made_reference, speed, untouched
from .marks import Checks, MistakeError, described

_VALUES = "call(y_true, y_pred) returns a value for each sample: shape (N,), or (N, T) over time."
_SLOPE = "gradient(y_true, y_pred) is the derivative of each value, in the shape of y_pred."
_ARGUMENTS = "A loss writes to neither of its arguments."
_SAME = "The reference computes the same."
_FUNCTION = "An activation returns an array of the shape and dtype of x."
_DERIVATIVE = "f.gradient(dy, x, y) returns dy times the derivative of f at x, where y = f(x)."


def check_loss(checks: Checks, cls: type[Loss], given: Any, reference: Any, example: Any) -> None:
    """Check a loss's class; `example` is (y_true, y_pred) or None, the rest as for a layer."""
    arguments = constructor_arguments(cls, given, reference)
    y, p = targets_for(example, reference)

    def values(loss: Any, p: Array, weight: Any = None) -> tuple[Array, Any, Context]:
        ctx = Context(dtype=p.dtype)
        found = loss.forward(loss.prepare(y.copy(), p.shape), p.copy(), ctx)
        return found, loss.reduce(found, weight, ctx), ctx

    def runs() -> None:
        found = cls(**arguments).call(y.copy(), p.copy())
        if np.shape(found)[:1] != (len(p),):
            raise MistakeError(
                f"{len(p)} values, one for each sample",
                described(np.asarray(found)),
                _VALUES,
                "Take the mean over the last axis only: np.mean(..., axis=-1).",
            )
        values(cls(**arguments), p)

    def gradient() -> None:
        loss = cls(**arguments)
        wide = p.astype(np.float64)
        _, _, ctx = values(loss, wide)
        found = loss.reduced_gradient(ctx)
        if np.shape(found) != p.shape:
            hint = "No mean is taken of it: the mean in call becomes a division by its count."
            raise MistakeError(f"a gradient of shape {p.shape}", described(found), _SLOPE, hint)
        expected = numerical_gradient(lambda q: values(loss, q)[1], wide)
        divided = np.allclose(found * len(p), expected, rtol=1e-3, atol=1e-9)
        hint = "The mean over the samples is taken by the base: do not divide by N again."
        close(found, expected, "the derivative of the mean", _SLOPE, hint if divided else "")

    def left_alone() -> None:
        a, b = y.copy(), p.copy()
        loss = cls(**arguments)
        loss.call(a, b)
        with contextlib.suppress(NotImplementedError):  # which the next part says
            loss.gradient(a, b)
        untouched([y, p], [a, b], "y_true and y_pred", _ARGUMENTS)

    def same() -> None:
        other = made_reference(reference, arguments)
        hint = "Look at the formula: squares or sizes, the mean over the last axis, logarithms."
        found = values(cls(**arguments), p)[0]
        close(found, values(other, p)[0], "the reference's values", _SAME, hint)

    def edges() -> None:
        certain = np.eye(p.shape[-1], dtype=np.float32)[np.arange(len(p)) % p.shape[-1]]
        loss = cls(**arguments)
        for what, found in (
            ("call", loss.call(y.copy(), certain.copy())),
            ("gradient", loss.gradient(y.copy(), certain.copy())),
        ):
            if not np.isfinite(found).all():
                raise MistakeError(
                    f"numbers from {what}",
                    "NaN or infinity where a probability is 0 or 1",
                    "A probability may come to 0 or 1 in float32.",
                    "Keep it away from them first: p = np.clip(y_pred, 1e-7, 1 - 1e-7).",
                )

    def weighted() -> None:
        weight = np.random.default_rng(5).uniform(0.5, 2, len(p)).astype(np.float32)
        other = made_reference(reference, arguments)
        found = values(cls(**arguments), p, weight)[1]
        close(found, values(other, p, weight)[1], "the reference's weighted loss", _SAME)

    def quick() -> str:
        many, labels = np.repeat(p, 200, axis=0), np.repeat(y, 200, axis=0)
        mine, other = cls(**arguments), made_reference(reference, arguments)

        def run(loss: Any) -> Any:
            ctx = Context(dtype=many.dtype)
            loss.reduce(loss.forward(loss.prepare(labels, many.shape), many, ctx), None, ctx)
            return loss.reduced_gradient(ctx)

        return speed(lambda: run(mine), lambda: run(other))

    checks.part("runs", runs, needed=True)
    checks.part("arguments untouched", left_alone)
    checks.part("gradient", gradient)
    if reference is not None:
        checks.part("same values", same)
        checks.part("sample weights", weighted)
        if probabilities_of(reference):
            checks.part("probabilities 0 and 1", edges)
        checks.part("speed", quick)


def targets_for(example: Any, reference: Any) -> tuple[Array, Array]:
    """Return targets and predictions that suit a loss or a metric."""
    if example is not None:
        y, p = example
        return np.asarray(y), np.asarray(p, np.float32)
    name = "" if reference is None else getattr(reference, "__name__", type(reference).__name__)
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, (6, 3)).astype(np.float32)
    if name.startswith("Sparse"):
        return rng.integers(0, 3, 6), p / p.sum(axis=1, keepdims=True)
    if name.startswith("Categorical"):
        return np.eye(3, dtype=np.float32)[rng.integers(0, 3, 6)], p / p.sum(axis=1, keepdims=True)
    whole = name.startswith(("Binary", "Precision", "Recall", "AUC")) or "Hinge" in name
    y = rng.integers(0, 2, (6, 3)) if whole else rng.uniform(0.05, 0.95, (6, 3))
    return y.astype(np.float32), p


def probabilities_of(reference: Any) -> bool:
    """Return whether a loss takes the logarithms of probabilities."""
    name = reference.__name__ if isinstance(reference, type) else type(reference).__name__
    return name.endswith("Crossentropy") and not getattr(reference, "from_logits", False)


def check_activation(checks: Checks, function: Callable[..., Any], reference: Any) -> None:
    """Check an activation function and its attribute `gradient`."""
    gradient: Any = getattr(function, "gradient", None)
    # Away from 0, where many have a kink, and far out.
    x = np.array([[-3.0, -1.2, -0.4], [0.3, 1.1, 2.5]], np.float32)

    def runs() -> None:
        y = function(x.copy())
        if not isinstance(y, np.ndarray) or y.shape != x.shape or y.dtype != x.dtype:
            hint = "Use NumPy's functions on the whole array, and Python numbers beside it."
            raise MistakeError(
                f"an array of shape {x.shape}, float32", described(y), _FUNCTION, hint
            )
        if gradient is None:
            raise MistakeError(
                f"{function.__name__}.gradient, a function of (dy, x, y)",
                "none",
                _DERIVATIVE,
                f"Write {function.__name__}.gradient = lambda dy, x, y: dy * ...",
            )

    def slope() -> None:
        wide = x.astype(np.float64)
        dy = np.random.default_rng(1).normal(size=x.shape)
        found = gradient(dy.copy(), wide.copy(), function(wide.copy()))
        expected = numerical_gradient(lambda q: (function(q.copy()) * dy).sum(), wide)
        close(found, expected, "dy times the derivative", _DERIVATIVE)

    def left_alone() -> None:
        kept = x.copy()
        function(kept)
        untouched([x], [kept], "x", "An activation never writes to x.")

    def far_out() -> None:
        far = np.array([[-200.0, -90.0, 0.0, 90.0, 200.0]], np.float32)
        with np.errstate(all="ignore"):
            y = function(far.copy())
        if np.isnan(y).any():
            at = float(far[np.isnan(y)][0])
            raise MistakeError(
                "numbers",
                f"NaN at x = {at:g}",
                "An activation is defined for every x.",
                "exp overflows above 88 in float32: write it with exp of negative numbers only.",
            )

    def same() -> None:
        close(function(x.copy()), reference(x), "the reference's values", _SAME)

    def quick() -> str:
        many = np.tile(x, (2000, 10))
        return speed(lambda: function(many.copy()), lambda: np.asarray(reference(many)))

    checks.part("runs", runs, needed=True)
    checks.part("gradient", slope)
    checks.part("x untouched", left_alone)
    checks.part("far out", far_out)
    if reference is not None:
        checks.part("same values", same)
        checks.part("speed", quick)


def activation_of(name: str) -> Any:
    """Return the activation of this package of that name; None if there is none."""
    known = name in activations.__all__ and name not in ("get", "serialize", "deserialize")
    return getattr(activations, name) if known else None
