"""What a convnet's first layer looks for, what it finds in an image, and all confusions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .confusion import draw_confusion
from .given import as_images, as_labels, as_probabilities, count
from .predictions import as_shades
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

_CELL = 24
"""The pixels of a filter or of what it finds, without the gap of 2 to the next one."""


def filter_report(
    kernel: Any,
    found: Any,
    x: Any,
    y: Any,
    probabilities: Any,
    class_names: Sequence[str] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw an image, the filters of a convolution, what each finds in it, and all confusions.

    Each filter stands at the same place as what it finds. Filters have one scale, in which zero is
    pale; what they find has one scale from nothing to the most that any of them finds.

    Arguments:
        kernel: of the first layer, (KH, KW, C, F); the mean over the channels C is shown.
        found: that layer's output for the first of `x`: (H', W', F) or (1, H', W', F).
        x: test images (N, H, W), (N, H, W, 1) or (N, H, W, 3).
        y: their true classes: labels (N,) or (N, 1), or one-hot (N, C).
        probabilities: what `predict` returned for them: (N, C), or (N, 1) from a sigmoid.
        class_names: C names; the numbers 0 to C - 1 unless given.
        theme: 'light' or 'dark'.

    Raises:
        ValueError: if shapes do not fit each other, or `probabilities` are not in [0, 1].

    Example:
        >>> kernel, found = np.ones((3, 3, 1, 8)), np.ones((6, 6, 8))
        >>> x, p = np.zeros((2, 8, 8)), [[0.9, 0.1], [0.2, 0.8]]
        >>> figure = filter_report(kernel, found, x, y=[0, 0], probabilities=p)
        >>> [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")][-2:]
        ['What the 8 filters look for', 'What each of them finds']
    """
    kernel, found = np.asarray(kernel, float), np.asarray(found, float)
    if found.ndim == 4 and len(found) == 1:
        found = found[0]
    if kernel.ndim != 4 or found.ndim != 3 or kernel.shape[-1] != found.shape[-1]:
        raise ValueError(
            "Expected a kernel (KH, KW, C, F) and what it found in one image, (H', W', F). "
            f"Received: shapes {kernel.shape} and {found.shape}."
        )
    x = as_images(x)
    p = as_probabilities(probabilities, len(x))
    labels = as_labels(y, "y", len(x), p.shape[1])
    counts, names = count(labels, p, class_names)
    filters = kernel.mean(axis=2)
    columns = min(8, kernel.shape[-1])
    rows = math.ceil(kernel.shape[-1] / columns)
    top, bottom = 4.5, 0.5 + 0.5 * WIDTH * rows / columns
    with style(theme) as colors:
        figure = new_figure(WIDTH, top + bottom, colors)
        parts: Any = figure.subfigures(2, 1, height_ratios=[top, bottom])
        above, below = parts
        left, right = above.subfigures(1, 2, width_ratios=[0.85, 1])
        _draw_image(left, x[0], p[0], labels[0], names, colors)
        draw_confusion(right.subplots(), 0.72 * top, counts, names, colors)
        _draw_mosaics(below, filters, found, columns, colors)
    return figure


def _draw_image(
    figure: FigureBase, image: Array, p: Array, label: int, names: Sequence[str], colors: Theme
) -> None:
    """Draw the image above how likely each class is, of at most ten."""
    picture, bars = figure.subplots(2, 1, height_ratios=[2.2, 1])
    picture.imshow(as_shades(image), cmap="gray", vmin=0, vmax=1)
    picture.set_axis_off()
    picture.set_title(f"The first test image: {names[label]}", loc="center")
    shown = np.sort(np.argsort(-p, kind="stable")[:10])
    shades = {int(p.argmax()): colors.wrong} | {label: colors.series[0]}
    bars.bar(range(len(shown)), p[shown], color=[shades.get(c, colors.muted) for c in shown])
    bars.set_xticks(range(len(shown)), [names[c][:8] for c in shown])
    bars.set_yticks([0, 1], ["0%", "100%"])
    bars.set_ylim(0, 1.08)
    bars.set_title(f"The network: {names[int(p.argmax())]}, {p.max():.1%} sure", loc="center")
    bars.tick_params(length=0, labelcolor=colors.muted)
    bars.spines[["top", "right", "left"]].set_visible(False)


def _draw_mosaics(
    figure: FigureBase, filters: Array, found: Array, columns: int, colors: Theme
) -> None:
    from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm

    blue, orange = colors.series[:2]
    both = LinearSegmentedColormap.from_list("weights", [blue, colors.right, orange])
    one = LinearSegmentedColormap.from_list("found", [colors.right, blue, colors.text])
    most = float(np.abs(filters).max()) or 1.0
    looks, finds = figure.subplots(1, 2)
    # Below 1, a power shows what is faint beside what is strong.
    faint = PowerNorm(0.6, 0, float(found.max()) or 1.0)
    for axes, tiles, shades, scale, title in (
        (
            looks,
            filters,
            both,
            Normalize(-most, most),
            f"What the {len(filters.T)} filters look for",
        ),
        (finds, found, one, faint, "What each of them finds"),
    ):
        axes.imshow(_mosaic(tiles, columns), cmap=shades.with_extremes(bad=colors.page), norm=scale)
        axes.set_axis_off()
        axes.set_title(title)
    looks.text(
        0,
        -0.02,
        "orange: bright here; blue: dark here",
        transform=looks.transAxes,
        va="top",
        color=colors.muted,
    )


def _mosaic(tiles: Array, columns: int) -> Array:
    """Return images (H, W, F) side by side in rows, each about `_CELL` pixels wide, gaps NaN."""
    height, width, filters = tiles.shape
    scale = max(1, round(_CELL / max(height, width)))
    height, width = height * scale, width * scale
    rows = math.ceil(filters / columns)
    gap = max(2, round(0.09 * width))
    out = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i in range(filters):
        row, column = divmod(i, columns)
        top, left = row * (height + gap), column * (width + gap)
        tile = np.kron(tiles[:, :, i], np.ones((scale, scale)))
        out[top : top + height, left : left + width] = tile
    return out
