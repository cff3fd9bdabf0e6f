"""The parts of a metric, and of an optimizer."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...arrays import Array
from ...metrics.base import Metric
from ...optimizers.base import Optimizer
from ...parameters import Parameter
from .common import close, constructor_arguments, made_reference, speed, untouched
from .loss_checks import targets_for
from .marks import Checks, MistakeError, described

_RESULT = "update_state takes in a batch; result returns the value over all since the last reset."
_RESET = "reset_state forgets all batches."
_SAME = "The reference computes the same."
_UPDATE = "update(w, g, *slots) moves a stretch of weights in place, along their gradient g."
_ELEMENTS = "Each weight moves by its own gradient and slots, whatever lies beside it."


def check_metric(
    checks: Checks, cls: type[Metric], given: Any, reference: Any, example: Any
) -> None:
    """Check a metric's class; the arguments are those for a loss."""
    if not _compares_targets(reference):
        reference = None
    arguments = constructor_arguments(cls, given, reference)
    y, p = targets_for(example, reference)
    batches = [(y[i : i + size], p[i : i + size]) for i, size in ((0, 3), (3, 2), (5, 1))]
    weights = [np.arange(1, len(part) + 1, dtype=np.float32) for part, _ in batches]

    def value(metric: Any, weighted: bool = False) -> Any:
        for (a, b), weight in zip(batches, weights, strict=True):
            metric.update_state(a, b, sample_weight=weight if weighted else None)
        return metric.result()

    def runs() -> None:
        found = value(cls(**arguments))
        if np.ndim(found) or not np.isfinite(float(found)):
            raise MistakeError("a number", described(found), _RESULT, "Return total / count.")

    def resets() -> None:
        metric, fresh = cls(**arguments), cls(**arguments)
        value(metric)
        metric.reset_state()
        for one in (metric, fresh):  # other batches: a mean of the same ones would be the same
            one.update_state(*batches[0])
        hint = (
            "Keep what you count in self.add_weight(...), and use assign_add. Numbers that are "
            "kept otherwise need a reset_state of your own."
        )
        what = "the value of a new metric after a reset"
        close(metric.result(), fresh.result(), what, _RESET, hint)

    def left_alone() -> None:
        a, b = y.copy(), p.copy()
        cls(**arguments).update_state(a, b)
        untouched([y, p], [a, b], "y_true and y_pred", "A metric writes to none of its arguments.")

    def same() -> None:
        other = made_reference(reference, arguments)
        hint = "Over batches of several sizes a mean is the sum of all over the count of all."
        close(value(cls(**arguments)), value(other), "the reference's value", _SAME, hint)

    def weighted() -> None:
        other = made_reference(reference, arguments)
        hint = "A sample of weight 2 counts twice, in the sum and in the count."
        found = value(cls(**arguments), weighted=True)
        close(found, value(other, weighted=True), "the reference's weighted value", _SAME, hint)

    checks.part("runs", runs, needed=True)
    checks.part("reset", resets)
    checks.part("arguments untouched", left_alone)
    if reference is not None:
        checks.part("same values", same)
        checks.part("sample weights", weighted)


def _arrays_of(optimizer: Any) -> list[str]:
    """Return the names of the arrays that are attributes of a user's optimizer."""
    return [
        name
        for name, value in vars(optimizer).items()
        if isinstance(value, np.ndarray) and not name.startswith("_")
    ]


def _compares_targets(reference: Any) -> bool:
    """Return whether a metric takes targets and predictions; Mean and Sum take values."""
    return reference is None or "y_pred" in inspect.signature(reference.update_state).parameters


def check_optimizer(checks: Checks, cls: type[Optimizer], given: Any, reference: Any) -> None:
    """Check an optimizer's class; the arguments are those for a layer."""
    arguments = constructor_arguments(cls, given, reference)
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]
    gradients = [[rng.normal(size=w.shape).astype(np.float32) for w in starts] for _ in range(6)]

    def trained(optimizer: Any, numbers: tuple[int, ...] = (0, 1)) -> list[Array]:
        weights = [Parameter(starts[i].copy(), name=f"w{i}") for i in numbers]
        for step in gradients:
            optimizer.apply([step[i].copy() for i in numbers], weights)
        return [weight.numpy() for weight in weights]

    def runs() -> None:
        for start, now in zip(starts, trained(cls(**arguments)), strict=True):
            if np.array_equal(start, now):
                hint = "w = w - ... makes a new array: write w -= self.lr * g, or w[...] = ..."
                raise MistakeError("weights that move", "they stay as they are", _UPDATE, hint)
            if not np.isfinite(now).all():
                raise MistakeError("numbers", "NaN or infinity after six steps", _UPDATE)

    def apart() -> None:
        optimizer = cls(**arguments)
        before = set(_arrays_of(optimizer))
        together = trained(optimizer)
        kept = sorted(set(_arrays_of(optimizer)) - before)
        if kept:
            raise MistakeError(
                "what is remembered of the weights in slots",
                f"arrays on the optimizer itself: self.{', self.'.join(kept)}",
                _ELEMENTS,
                'Write slots = ("momentum",) in the class: update(self, w, g, momentum) is then '
                "given an array for it, zeros at first. Change it in place.",
            )
        for i, expected in enumerate(together):
            (alone,) = trained(cls(**arguments), (i,))
            hint = "Keep what you remember in slots = (...), which update is given, not on self."
            close(alone, expected, "the same way with and without other weights", _ELEMENTS, hint)

    def downhill() -> None:
        w = Parameter(starts[0].copy(), name="w")
        optimizer = cls(**arguments)
        for _ in range(20):
            optimizer.apply([w.numpy()], [w])  # of half the sum of squares
        before, after = float((starts[0] ** 2).sum()), float((w.value**2).sum())
        if not after < before:
            raise MistakeError(
                f"a sum of squares below {before:.3g} after 20 steps along its gradient",
                f"{after:.3g}",
                "An optimizer goes downhill.",
                "Is the sign of the step right, w -= ..., and the learning rate small?",
            )

    def same() -> None:
        hint = "Write the reference's formula down, with its slots and the number of the step, t."
        mine, theirs = trained(cls(**arguments)), trained(made_reference(reference, arguments))
        for found, expected, start in zip(mine, theirs, starts, strict=True):
            close(found - start, expected - start, "the reference's way in six steps", _SAME, hint)

    def quick() -> str:
        weights = [Parameter(np.ones(50_000, np.float32), name="w") for _ in range(2)]
        grad = np.full(50_000, 0.01, np.float32)
        mine, other = cls(**arguments), made_reference(reference, arguments)
        return speed(
            lambda: mine.apply([grad.copy()], [weights[0]]),
            lambda: other.apply([grad.copy()], [weights[1]]),
        )

    checks.part("runs", runs, needed=True)
    checks.part("downhill", downhill)
    checks.part("each weight alone", apart)
    if reference is not None:
        checks.part("same steps", same)
        checks.part("speed", quick)
