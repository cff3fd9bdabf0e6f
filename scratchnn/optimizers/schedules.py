"""Learning rates that change with the step."""

from __future__ import annotations

from typing import Any


class LearningRateSchedule:
    """A learning rate that is a function of the step. Your own defines `__call__(step)`.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** int(step)
        >>> Halving()(2)
        0.025
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of step `step`, which counts from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")
