"""Which classes a model confuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .given import count
from .style import EM, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix(
    y_true: Any, y_pred: Any, class_names: Sequence[str] | None = None, theme: str = "light"
) -> Figure:
    """Draw how often each class was taken for each other one, and the recall of each class.

    Colour shows the mistakes. The right answers, on the diagonal, stay pale: a thousand of them
    must not hide a dozen mistakes. Above 30 classes or so, the colours speak without numbers.

    Arguments:
        y_true: true classes: labels (N,) or (N, 1), or one-hot (N, C).
        y_pred: predicted classes: labels (N,), or what `predict` returned, (N, C) or (N, 1).
        class_names: C names; the numbers 0 to C - 1 unless given.
        theme: 'light' or 'dark'.

    Returns:
        A Figure; row i, column j counts the samples of class i that were predicted as j.

    Raises:
        ValueError: if the two differ in length, or a label has no class.

    Example:
        >>> figure = confusion_matrix([0, 0, 1], [0, 1, 1], class_names=["cat", "dog"])
        >>> figure.axes[0].get_title(loc="left")
        '2 of 3 right (66.67%)'
    """
    counts, names = count(y_true, y_pred, class_names)
    side = min(max(4.0, 0.5 * len(names)), 12.0)
    with style(theme) as colors:
        figure = new_figure(side + 0.4, side, colors)
        draw_confusion(figure.subplots(), 0.72 * side, counts, names, colors)
    return figure


def draw_confusion(
    axes: Axes, side: float, counts: Array, names: Sequence[str], colors: Theme
) -> None:
    """Draw the matrix; `side` is about how many inches wide it will be."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    C = len(names)
    names = [name if len(name) <= 16 else name[:15] + "…" for name in names]
    right, totals = np.diagonal(counts), counts.sum(axis=1)
    wrong = counts - np.diag(right)
    depth = wrong / max(wrong.max(), 1)
    picture = LinearSegmentedColormap.from_list("mistakes", [colors.page, colors.wrong])(depth)
    picture[np.diag_indices(C)] = to_rgba(colors.right)
    axes.imshow(picture)

    room = side * 72 / C  # points
    digits = max(len(f"{counts.max():,}"), 3)
    size = min(8.5, 0.9 * room / (EM * digits))
    if size >= 4:
        luminance = picture[..., :3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
        like_page = (luminance > 0.19) == (to_rgba(colors.page)[0] > 0.5)
        for i, j in np.argwhere(counts):
            color = colors.text if like_page[i, j] else colors.on_wrong
            axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", size=size, color=color)
    every = math.ceil(6 / room)
    ticks = np.arange(0, C, every)
    labels = names[::every]
    size = min(8.5, 0.9 * room * every)
    tilted = max(map(len, names)) > 3
    turn: dict[str, Any] = (
        {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if tilted else {}
    )
    axes.set_xticks(ticks, labels, size=size, **turn)
    axes.set_yticks(ticks, labels, size=size)
    axes.set_xticks(np.arange(1, C) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, C) - 0.5, minor=True)
    axes.grid(which="minor", color=colors.line, linewidth=min(0.6, room / 30))
    recall = axes.secondary_yaxis("right")
    shares = [f"{r / t:.1%}" if t else "–" for r, t in zip(right, totals, strict=True)]
    recall.set_yticks(ticks, shares[::every], size=size)
    for part in (axes, recall):
        part.tick_params(which="both", length=0, labelcolor=colors.muted)
    recall.spines[:].set_visible(False)
    axes.annotate("recall", (1, 1), (4, 4), "axes fraction", "offset points")
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"{right.sum():,} of {totals.sum():,} right ({right.sum() / totals.sum():.2%})")
