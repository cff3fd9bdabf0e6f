"""Connectionist temporal classification, which scratchnn does not compute: the name, and why."""

from __future__ import annotations

from typing import Any, NoReturn

from .base import Loss

_REFUSAL = (
    "The CTC loss is not supported: it sums over all alignments of labels and time steps, a "
    "recurrence over time that NumPy can only run as a slow Python loop. Use a loss on each time "
    "step, such as SparseCategoricalCrossentropy, with labels that are aligned already."
)


class CTC(Loss):
    """Not supported: making one is an error.

    Arguments:
        reduction, name, dtype: not looked at.

    Raises:
        NotImplementedError: always.

    Example:
        >>> CTC()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        NotImplementedError: ...

    Reference: Graves et al., 2006, Connectionist Temporal Classification: Labelling Unsegmented
    Sequence Data with Recurrent Neural Networks.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:
        raise NotImplementedError(_REFUSAL)


def ctc(y_true: Any, y_pred: Any) -> NoReturn:
    """Not supported.

    Arguments:
        y_true, y_pred: not looked at.

    Raises:
        NotImplementedError: always.

    Example:
        >>> ctc([1], [1])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        NotImplementedError: ...
    """
    raise NotImplementedError(_REFUSAL)
