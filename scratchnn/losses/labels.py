"""Integer labels: what the losses that take them accept."""

from __future__ import annotations

import numpy as np

from ..arrays import Array


def whole_numbers(y: Array, loss: str) -> Array:
    """Return labels as integers.

    Raises:
        ValueError: for labels with a fraction, and NaN.
    """
    if y.dtype.kind == "f":
        fractions = np.flatnonzero(~(np.isfinite(y) & (y == np.floor(y))).ravel())
        if len(fractions):
            raise ValueError(
                f"The loss {loss!r} expected labels that are whole numbers. Received: "
                f"{y.flat[fractions[0]]} at index {fractions[0]}."
            )
    return y.astype(np.intp)


def labels_in_range(y: Array, classes: int | None, loss: str, ignored: int | None = None) -> Array:
    """Return labels as integers in [0, classes); `ignored` may be among them.

    Raises:
        ValueError: for labels that are not.
    """
    labels = whole_numbers(y, loss)
    counted = labels if ignored is None else labels[labels != ignored]
    if classes is not None and counted.size and not 0 <= counted.min() <= counted.max() < classes:
        bad = counted[(counted < 0) | (counted >= classes)]
        where = np.flatnonzero(np.isin(labels.ravel(), bad))
        raise ValueError(
            f"The loss {loss!r} expected labels in [0, {classes}), for the model has "
            f"{classes} outputs. Received: {labels.flat[where[0]]} at index {where[0]}, one "
            f"of {len(bad)} such labels."
        )
    return labels
