"""The vectors of an Embedding in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .curves import as_runs, draw_curves, metric_names
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTER = 0.015
"""The width of a letter in a label, as a share of the panel's; a line is three times as high."""


def embedding_plane(
    words: Sequence[str],
    vectors: Any,
    direction: Any,
    history: Any = None,
    metric: str | None = None,
    named: Sequence[str] | None = None,
    title: str = "what the words say",
    theme: str = "light",
) -> Figure:
    """Draw each word at what its vector says along a direction, and across it.

    The horizontal axis is the part of a vector along the direction, such as the kernel of a
    classifier behind the Embedding: the farther to the right, the more the word speaks for the
    class. The vertical one is the direction in which the vectors differ most beside that.

    Arguments:
        words: V names.
        vectors: (V, D), what the Embedding learned.
        direction: (D,) or (D, 1).
        history: what `fit` returned, or several of them as {label: history}, to draw beside it.
        metric: which of the recorded ones to draw; the first unless given.
        named: the words that are named, the first first; all of them, the outermost first, unless
            given. Others stay points, as do those whose name would cover another's.
        title: of the panel.
        theme: 'light' or 'dark'.

    Returns:
        A Figure.

    Raises:
        ValueError: if words, vectors and direction do not fit each other, and for a name that is
            not among the words.

    Example:
        >>> vectors = np.array([[1.0, 0.0], [-1.0, 0.5]])
        >>> figure = embedding_plane(["good", "bad"], vectors, [1.0, 0.0])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['good', 'bad']
    """
    vectors = np.asarray(vectors, dtype=float)
    along = np.asarray(direction, dtype=float).reshape(-1)
    if vectors.ndim != 2 or vectors.shape != (len(words), along.size):
        raise ValueError(
            f"Expected vectors (V, D) of V words and a direction of D numbers. Received: "
            f"{len(words)} words, vectors of shape {vectors.shape}, a direction of {along.size}."
        )
    x, y = _in_the_plane(vectors, along)
    order = [int(i) for i in np.argsort(-np.abs(x), kind="stable")]
    if named is not None:
        places = {word: i for i, word in enumerate(words)}
        unknown = [name for name in named if name not in places]
        if unknown:
            raise ValueError(f"Expected named to be among the words. Received: {unknown}.")
        order = [places[name] for name in named]
    runs = None if history is None else as_runs(history)
    shown = None if metric is None else [metric]
    with style(theme) as colors:
        figure = new_figure(WIDTH if runs else 0.66 * WIDTH, 4.8, colors)
        left: Any = figure
        if runs is not None:
            parts: Any = figure.subfigures(1, 2, width_ratios=[1.6, 1])
            left = parts[0]
        axes = left.subplots()
        _draw_words(axes, words, x, y, order, colors)
        axes.set_title(title, loc="left", fontweight="bold")
        if runs is not None:
            draw_curves(parts[1], (1, 1), runs, metric_names(runs, shown)[:1], 1, colors)
    return figure


def _in_the_plane(vectors: Array, along: Array) -> tuple[Array, Array]:
    """Return the parts of vectors along a direction, and along that in which the rest differs most.

    The rest is what the first does not tell: no multiple of it fits it any better.
    """
    unit = along / max(float(np.linalg.norm(along)), 1e-12)
    x = vectors @ unit
    rest = vectors - np.outer(x, unit)
    rest = rest - rest.mean(axis=0)
    aside = x - x.mean()
    rest = rest - np.outer(aside, aside @ rest) / max(float(aside @ aside), 1e-12)
    _, axes = np.linalg.eigh(rest.T @ rest)
    return x, rest @ axes[:, -1]


def _draw_words(
    axes: Axes, words: Sequence[str], x: Array, y: Array, order: Sequence[int], colors: Theme
) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patheffects import withStroke

    map_ = LinearSegmentedColormap.from_list(
        "sides", [colors.series[1], colors.line, colors.series[0]]
    )
    reach = max(float(np.abs(x).max(initial=0.0)), 1e-12)
    axes.scatter(x, y, s=9, c=x, cmap=map_, vmin=-reach, vmax=reach, linewidths=0)
    axes.axvline(0, color=colors.line, linewidth=1, zorder=0)
    axes.set_xlim(-1.25 * reach, 1.25 * reach)
    axes.set_xlabel("against  ←   along the classifier's direction   →  for")
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.set_ylabel("where they differ most besides")
    low, high = axes.get_ylim()
    taken: list[tuple[float, float, float, float]] = []
    for i in order:
        side = 1 if x[i] > 0 else -1
        start = (x[i] / (1.25 * reach) + 1) / 2 + 0.008 * side
        width, height = _LETTER * len(words[i]), 3 * _LETTER
        left, right = sorted((start, start + side * width))
        middle = (y[i] - low) / max(high - low, 1e-12)
        box = (left, right, middle - height / 2, middle + height / 2)
        if left < 0 or right > 1 or any(_overlap(box, other) for other in taken):
            continue
        taken.append(box)
        axes.annotate(
            words[i],
            (x[i], y[i]),
            (3 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=8,
            color=colors.text,
            path_effects=[withStroke(linewidth=2.5, foreground=colors.page)],
        )


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
