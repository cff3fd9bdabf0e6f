"""What the user gave, in one form: images, probabilities, labels, names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array


def as_images(x: Any) -> Array:
    """Return images as (N, H, W) or (N, H, W, 3)."""
    images: Array = np.asarray(x)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.size == 0 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise ValueError(
            "Expected images x of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3). "
            f"Received: x.shape={np.shape(x)}. Flat images need a reshape: x.reshape(-1, 28, 28)."
        )
    return images


def as_probabilities(probabilities: Any, samples: int) -> Array:
    """Return probabilities as (N, C), two columns for a sigmoid."""
    p = np.asarray(probabilities)
    if p.ndim != 2 or len(p) != samples:
        raise ValueError(
            f"Expected probabilities of shape ({samples}, C), a row for each of the {samples} "
            f"images, as `predict` returns them. Received: probabilities.shape={p.shape}."
        )
    if not (p.min() >= -1e-3 and p.max() <= 1.001):
        raise ValueError(
            f"Expected probabilities between 0 and 1. Received: values from {p.min():.4g} to "
            f"{p.max():.4g}. Logits need a softmax (or a sigmoid) first."
        )
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def as_labels(y: Any, what: str, samples: int, classes: int | None) -> Array:
    """Return labels (N,) or (N, 1), or one-hot rows (N, C), as integers (N,)."""
    y = labels = np.asarray(y)
    if y.shape not in ((samples,), (samples, 1)) and (y.ndim != 2 or len(y) != samples):
        raise ValueError(
            f"Expected {what} to hold {samples} labels, of shape ({samples},) or ({samples}, 1), "
            f"or one-hot rows ({samples}, C). Received: {what}.shape={y.shape}."
        )
    if y.ndim == 2:
        labels = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    if labels.dtype.kind not in "biuf" or (labels % 1 != 0).any():
        raise ValueError(
            f"Expected {what} to hold class numbers 0, 1, 2, ... "
            f"Received: values such as {y.flat[0]!r}, of dtype {y.dtype}."
        )
    labels = labels.astype(np.int64)
    if labels.min() < 0 or (classes is not None and labels.max() >= classes):
        raise ValueError(
            f"Expected {what} to be in 0 to {classes - 1 if classes else 'C - 1'}. "
            f"Received: labels from {labels.min()} to {labels.max()}."
        )
    return labels


def as_names(class_names: Sequence[str] | None, classes: int) -> list[str]:
    names = [str(n) for n in (range(classes) if class_names is None else class_names)]
    if len(names) != classes:
        raise ValueError(
            f"Expected class_names to have {classes} names, one per class. Received: {len(names)}."
        )
    return names


def count(y_true: Any, y_pred: Any, class_names: Sequence[str] | None) -> tuple[Array, list[str]]:
    """Return counts (C, C), row true and column predicted, and the names of the classes."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim == 0 or len(y_true) == 0:
        raise ValueError(f"Expected at least one label. Received: y_true.shape={y_true.shape}.")
    samples = len(y_true)
    if y_pred.dtype.kind == "f" and (y_pred.ndim == 1 or y_pred.shape[1:] == (1,)):
        y_pred = y_pred > 0.5  # of a sigmoid
    classes = None if class_names is None else len(class_names)
    for y in (y_true, y_pred):
        if y.ndim == 2 and y.shape[1] > 1:
            classes = y.shape[1]
    true = as_labels(y_true, "y_true", samples, classes)
    predicted = as_labels(y_pred, "y_pred", samples, classes)
    if classes is None:
        classes = int(max(true.max(), predicted.max(), 1)) + 1
    cells = np.bincount(true * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes), as_names(class_names, classes)
