"""A classifier on one page: curves, confusion matrix, predictions and the worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .confusion import draw_confusion
from .curves import as_runs, draw_curves, metric_names
from .given import as_images, as_labels, as_probabilities, count
from .predictions import draw_predictions, row_height
from .style import WIDTH, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def classifier_report(
    history: Any,
    x: Any,
    y: Any,
    probabilities: Any,
    class_names: Sequence[str] | None = None,
    validation_freq: int | Sequence[int] = 1,
    theme: str = "light",
) -> Figure:
    """Draw the curves, the confusion matrix, some predictions and the worst mistakes together.

    Arguments:
        history: what `fit` returned, or its `.history` dict of lists.
        x: test images (N, H, W), (N, H, W, 1) or (N, H, W, 3).
        y: their true classes: labels (N,) or (N, 1), or one-hot (N, C).
        probabilities: what `predict` returned for them: (N, C), or (N, 1) from a sigmoid.
        class_names: C names; the numbers 0 to C - 1 unless given.
        validation_freq: as told to `fit`: the epochs that the validation points belong to.
        theme: 'light' or 'dark'.

    Returns:
        A Figure: the loss and the first metric, the matrix, the first images, and the wrong
        predictions that had the highest probability.

    Raises:
        ValueError: if shapes do not fit each other, or `probabilities` are not in [0, 1].

    Example:
        >>> x, p = np.zeros((2, 8, 8)), [[0.9, 0.1], [0.2, 0.8]]
        >>> figure = classifier_report({"loss": [0.9, 0.5]}, x, y=[0, 0], probabilities=p)
        >>> [part.get_suptitle() for part in figure.subfigs[1:]]
        ['First test images', 'Mistakes made with the most confidence']
    """
    runs = as_runs(history)
    curves = metric_names(runs, None)[:2]
    x = as_images(x)
    p = as_probabilities(probabilities, len(x))
    labels = as_labels(y, "y", len(x), p.shape[1])
    counts, names = count(labels, p, class_names)
    columns = 8
    mistakes = np.flatnonzero(p.argmax(axis=1) != labels)
    surest = np.argsort(-p[mistakes].max(axis=1), kind="stable")[:columns]
    strips = [("First test images", np.arange(min(columns, len(x))))]
    if len(mistakes):
        strips.append(("Mistakes made with the most confidence", mistakes[surest]))
    cell = WIDTH / columns
    top, strip = 4.5, 0.25 + row_height(cell, x, names)
    heights = [top] + [strip] * len(strips)
    with style(theme) as colors:
        figure = new_figure(WIDTH, sum(heights), colors)
        parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        left, right = parts[0].subfigures(1, 2, width_ratios=[0.85, 1])
        draw_curves(left, (len(curves), 1), runs, curves, validation_freq, colors)
        draw_confusion(right.subplots(), 0.72 * top, counts, names, colors)
        for part, (title, shown) in zip(parts[1:], strips, strict=True):
            part.suptitle(title, fontsize=10, fontweight="bold", x=0.01, ha="left")
            draw_predictions(part, (1, columns), cell, x, p, labels, names, shown, colors)
    return figure
