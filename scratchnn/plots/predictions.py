"""Images, and what the model takes them for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .given import as_images, as_labels, as_names, as_probabilities
from .style import EM, WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

_CROSS = "\N{BALLOT X}"


def prediction_grid(
    x: Any,
    probabilities: Any,
    y: Any = None,
    class_names: Sequence[str] | None = None,
    rows: int = 4,
    columns: int = 6,
    theme: str = "light",
) -> Figure:
    """Draw the first images with the class predicted for each, and how sure the model was.

    A wrong prediction has a red frame and a cross, and names the true class.

    Arguments:
        x: images (N, H, W), (N, H, W, 1) or (N, H, W, 3).
        probabilities: what `predict` returned: (N, C), or (N, 1) from a sigmoid.
        y: true classes: labels (N,) or (N, 1), or one-hot (N, C). None marks nothing.
        class_names: C names; the numbers 0 to C - 1 unless given.
        rows: the most rows to draw.
        columns: images per row.
        theme: 'light' or 'dark'.

    Returns:
        A Figure with one panel per image; the caption is the panel's x label.

    Raises:
        ValueError: if shapes do not fit each other, or `probabilities` are not in [0, 1].

    Example:
        >>> x, p = np.zeros((2, 8, 8)), [[0.9, 0.1], [0.2, 0.8]]
        >>> figure = prediction_grid(x, p, y=[0, 0], class_names=["cat", "dog"])
        >>> [axes.get_xlabel().splitlines() for axes in figure.axes]
        [['cat (90%)'], ['✗ dog (80%)', 'true: cat']]
    """
    x = as_images(x)
    p = as_probabilities(probabilities, len(x))
    labels = None if y is None else as_labels(y, "y", len(x), p.shape[1])
    names = as_names(class_names, p.shape[1])
    if min(rows, columns) < 1:
        raise ValueError(f"rows and columns must be at least 1. Received: {rows=}, {columns=}.")
    shown = np.arange(min(rows * columns, len(x)))
    columns = min(columns, len(shown))
    rows = math.ceil(len(shown) / columns)
    cell = min(WIDTH / columns, 1.5)
    height = row_height(cell, x, names)
    with style(theme) as colors:
        figure = new_figure(columns * cell, rows * height, colors)
        draw_predictions(figure, (rows, columns), cell, x, p, labels, names, shown, colors)
    return figure


def row_height(cell: float, x: Array, names: Sequence[str]) -> float:
    """Return the inches that a row of images needs, each `cell` wide, with its captions."""
    return (cell - 0.08) * float(x.shape[1] / x.shape[2]) + (0.42 if _is_short(names) else 0.56)


def _is_short(names: Sequence[str]) -> bool:
    """Whether a name and a percentage fit in one line."""
    return max(map(len, names)) <= 4


def draw_predictions(
    figure: FigureBase,
    grid: tuple[int, int],
    cell: float,
    x: Array,
    p: Array,
    labels: Array | None,
    names: Sequence[str],
    shown: Array,
    colors: Theme,
) -> None:
    size = 8.0
    room = int(cell * 72 / (EM * size)) - len("true: ")
    names = [name if len(name) <= room else name[: room - 1] + "…" for name in names]
    form = "{} ({})" if _is_short(names) else "{}\n{}"
    panels = figure.subplots(*grid, squeeze=False).ravel()
    for panel, picture, index in zip(panels, as_shades(x[shown]), shown, strict=False):
        best = p[index].argmax()
        # Nothing is certain, least of all a mistake: 100% is not said.
        sure = ">99%" if p[index, best] >= 0.995 else f"{p[index, best]:.0%}"
        caption = form.format(names[best], sure)
        color = colors.text
        if labels is not None and labels[index] != best:
            caption = f"{_CROSS} {caption}\ntrue: {names[labels[index]]}"
            color = colors.wrong
            panel.spines[:].set(color=color, linewidth=2.5)
        panel.imshow(picture, cmap="gray", vmin=0, vmax=1)
        panel.set(xticks=[], yticks=[], anchor="N")
        panel.set_xlabel(caption, size=size, color=color, linespacing=1.1)
    for panel in panels[len(shown) :]:
        panel.set_visible(False)  # it keeps its place, so the others keep their size


def as_shades(x: Array) -> Array:
    """Return images with values from 0, black, to 1, white."""
    if x.dtype == np.uint8:
        return x / 255
    low, high = min(x.min(), 0), max(x.max(), 1)
    if low == 0 and high == 1:
        return x
    low = x.min()
    return np.asarray((x - low) / ((high - low) or 1))  # images of one shade: black
