"""How often predictions are above thresholds: the counts behind precision, recall and AUC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import config
from ..arrays import Array
from .base import check_same_shape, squeeze_or_expand

LOWEST = -1e10
"""Below every prediction: the threshold of what `top_k` lets through."""


class Counts(NamedTuple):
    """The sums of weights, for each threshold, and each label if these are told apart."""

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array


class Thresholds:
    """Thresholds, and how many of them a prediction is above.

    For T evenly spaced thresholds 0, 1 / (T - 1), ..., 1 this is ceil(p (T - 1)) with no search,
    rounded as Keras rounds it.

    Arguments:
        values: the thresholds, in any order.
        even: whether they are evenly spaced from 0 to 1.
        widened: whether the first and the last lie a little outside [0, 1], so that every
            prediction is above the first.

    Example:
        >>> Thresholds([0.0, 0.5, 1.0], even=True).below(np.array([0.0, 0.1, 0.5, 0.9]))
        array([0, 1, 1, 2])
        >>> Thresholds([0.7, 0.2]).below(np.array([0.1, 0.2, 0.3, 0.8]))
        array([0, 0, 1, 2])
    """

    def __init__(
        self, values: Sequence[float], even: bool | None = None, widened: bool = False
    ) -> None:
        self.values = np.asarray(values, config.floatx())
        self.even = is_even(values) if even is None else even
        self.widened = widened
        # Searched from above, so that a NaN, which sorts last, is above none.
        self._falling = np.sort(-self.values)
        self._rank = np.argsort(np.argsort(self.values, kind="stable"), kind="stable")

    def __len__(self) -> int:
        return len(self.values)

    def below(self, p: Array) -> Array:
        """Return how many thresholds each prediction is above: 0 for NaN."""
        if len(self) == 1:
            return np.asarray(p > self.values[0], np.intp)
        if not self.even:
            return np.asarray(len(self) - np.searchsorted(self._falling, -p, side="right"))
        inside = np.fmin(np.fmax(p, 0), 1)
        number: Array = np.ceil(inside * p.dtype.type(len(self) - 1)).astype(np.intp)
        if self.widened:
            np.maximum(number, p == p, out=number)
        return number

    def count(self, y: Array, p: Array, weight: Array | None, by_label: bool = False) -> Counts:
        """Return the counts of predictions `p` for truth values `y`.

        Arguments:
            y: truth values; `p`, predictions; `weight`, None or weights: all of one shape.
            by_label: whether to count each column of (N, L) by itself; the counts are then (T, L).
        """
        size, labels = len(self) + 1, p.shape[1] if by_label else 1
        place = self.below(p) + size * y
        if by_label:
            place += np.arange(0, 2 * size * labels, 2 * size)
        weights = None if weight is None else weight.ravel()
        counts = np.bincount(place.ravel(), weights, 2 * size * labels).reshape(labels, 2, size)
        above = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
        total, above = above[..., :1], above[..., 1:][..., self._rank]
        below = total - above
        found = (above[:, 1], above[:, 0], below[:, 0], below[:, 1])
        return Counts(*(counts.T if by_label else counts[0] for counts in found))


def is_even(thresholds: Sequence[float]) -> bool:
    """Return whether the thresholds are three or more, evenly spaced from 0 to 1."""
    count = len(thresholds)
    if count < 3:
        return False
    return np.allclose(
        thresholds, np.arange(count, dtype=np.float32) / (count - 1), atol=config.epsilon()
    )


def parse_thresholds(thresholds: Any, default: float) -> list[float]:
    """Return the thresholds of an argument as a list.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, Sequence | np.ndarray) else [thresholds]
    invalid = [t for t in values if t is None or not 0 <= t <= 1]
    if invalid or not values:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {invalid or thresholds}.")
    return values


def comparable(
    name: str, y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[Array, Array, Array | None]:
    """Return truth values and predictions of one shape, and weights that broadcast to it.

    Raises:
        ValueError: if targets or weights do not fit the predictions.
    """
    y, p = np.atleast_1d(y_true), np.atleast_1d(np.asarray(y_pred, config.floatx()))
    check_same_shape(name, y.shape, p.shape)
    p, y = squeeze_or_expand(p, y)
    if p.shape != y.shape:
        raise ValueError(
            f"The metric {name!r} expected targets of the shape of the predictions, {p.shape}. "
            f"Received: targets of shape {y.shape}."
        )
    weight = None
    if sample_weight is not None:
        weight = np.asarray(sample_weight, p.dtype)[..., np.newaxis]
        _, weight = squeeze_or_expand(y, weight, expand_vectors=False)
    return y.astype(bool), p, weight


def broadcast_weights(weight: Array, shape: tuple[int, ...]) -> Array:
    """Return the weights in the shape of the predictions.

    Raises:
        ValueError: if they do not fit.
    """
    try:
        return np.broadcast_to(weight, shape)
    except ValueError:
        raise ValueError(
            f"sample_weight must fit predictions of shape {shape}: one weight per sample, or an "
            f"array of that shape. Received: weights that broadcast as {weight.shape}."
        ) from None


def only_class(class_id: int, y: Array, p: Array) -> tuple[Array, Array]:
    """Return targets and predictions of one class, the last axis kept.

    Raises:
        ValueError: if there is no such class.
    """
    if p.ndim == 1 or not -p.shape[-1] <= class_id < p.shape[-1]:
        raise ValueError(
            f"class_id={class_id} expected predictions of shape (N, C) with more classes than "
            f"that. Received: y_pred of shape {p.shape}."
        )
    return y[..., class_id, np.newaxis], p[..., class_id, np.newaxis]


def only_top(k: int, p: Array) -> Array:
    """Return the k largest predictions of each row, all others replaced by LOWEST.

    Of equal predictions the first count.

    Raises:
        ValueError: if there are fewer than k.
    """
    if p.shape[-1] < k:
        raise ValueError(
            f"top_k={k} expected at least as many classes. Received: y_pred of shape {p.shape}."
        )
    best = np.argsort(-p, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(p, LOWEST)
    np.put_along_axis(kept, best, np.take_along_axis(p, best, axis=-1), axis=-1)
    return kept
