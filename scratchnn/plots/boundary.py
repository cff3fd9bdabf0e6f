"""Which class a model sees where, for inputs of two numbers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .curves import as_runs, draw_curves, metric_names
from .functions import plain
from .given import as_labels, as_names, as_probabilities
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELLS = 160  # across: the grid that the model is asked at


def decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = ("x₁", "x₂"),
    history: Any = None,
    title: str | None = None,
    theme: str = "light",
) -> Figure:
    """Draw which class a model of two numbers predicts where, and the samples on top.

    The stronger the colour, the surer the model; the line is where it changes its mind.

    Arguments:
        model: a model, or a function that returns probabilities: (N, 1) of a sigmoid, or (N, C).
        x: samples (N, 2).
        y: their true classes: labels (N,) or (N, 1), or one-hot (N, C).
        class_names: C names; the numbers 0 to C - 1 unless given.
        feature_names: the names of the two numbers.
        history: what `fit` returned, to draw the loss beside it.
        title: the share of samples that are right, unless given.
        theme: 'light' or 'dark'.

    Returns:
        A Figure.

    Raises:
        ValueError: if x does not have two columns, or the outputs are not probabilities.

    Example:
        >>> def right_of_zero(x):
        ...     return (x[:, :1] > 0).astype(float)
        >>> figure = decision_boundary(right_of_zero, [[-1.0, 0.0], [1.0, 0.0]], [0, 1])
        >>> figure.axes[0].get_title(loc="left")
        '2 of 2 right (100.00%)'
    """
    points = np.asarray(x, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            f"Expected samples x of shape (N, 2), to draw them in the plane. "
            f"Received: x.shape={points.shape}."
        )
    if len(feature_names) != 2:
        raise ValueError(f"Expected two feature_names. Received: {list(feature_names)}.")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.maximum(high - low, 1e-6)
    low, high = low - margin, high + margin
    grid = np.stack(
        np.meshgrid(*(np.linspace(a, b, _CELLS) for a, b in zip(low, high, strict=True))), axis=-1
    )
    asked = np.concatenate([grid.reshape(-1, 2), points]).astype(np.float32)
    p = as_probabilities(_predicted(model, asked), len(asked))
    labels = as_labels(y, "y", len(points), p.shape[1])
    names = as_names(class_names, p.shape[1])
    runs = None if history is None else as_runs(history)
    if title is None:
        right = int((p[grid[..., 0].size :].argmax(axis=1) == labels).sum())
        title = f"{right:,} of {len(points):,} right ({right / len(points):.2%})"
    with style(theme) as colors:
        figure = new_figure(WIDTH if runs else 0.62 * WIDTH, 4.3, colors)
        left: Any = figure
        if runs is not None:
            parts: Any = figure.subfigures(1, 2, width_ratios=[1.15, 1])
            left = parts[0]
        axes = left.subplots()
        if runs is not None:
            draw_curves(parts[1], (1, 1), runs, metric_names(runs, None)[:1], 1, colors)
        shown = p[: grid[..., 0].size].reshape(_CELLS, _CELLS, -1)
        _draw_regions(axes, shown, (low, high), colors)
        for c, name in enumerate(names):
            mine = points[labels == c]
            axes.scatter(
                *mine.T,
                s=22,
                color=colors.series[c % len(colors.series)],
                edgecolor=colors.page,
                linewidth=0.7,
                label=name,
                zorder=3,
            )
        axes.set(xlabel=feature_names[0], ylabel=feature_names[1])
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.set_title(title)
        plain(axes, colors)
        columns = min(len(names), 6)
        left.legend(loc="outside lower left", ncols=columns, handletextpad=0.1, columnspacing=1.2)
    return figure


def _predicted(model: Any, x: Array) -> Any:
    predict = getattr(model, "predict", None)
    if predict is None:
        if not callable(model):
            raise ValueError(
                "Expected a model with predict(x), or a function. "
                f"Received: {model!r} of type {type(model).__name__}."
            )
        return model(x)
    quiet = "verbose" in inspect.signature(predict).parameters
    return predict(x, batch_size=4096, verbose=0) if quiet else predict(x)


def _draw_regions(axes: Axes, p: Array, corners: tuple[Array, Array], colors: Theme) -> None:
    """Colour each place by its likeliest class, and draw the borders."""
    from matplotlib.colors import to_rgb

    (left, bottom), (right, top) = corners
    C = p.shape[-1]
    palette = np.array([to_rgb(colors.series[c % len(colors.series)]) for c in range(C)])
    best = p.argmax(axis=-1)
    sure = np.clip((p.max(axis=-1) - 1 / C) / (1 - 1 / C), 0, 1)
    strength = (0.08 + 0.37 * sure)[..., np.newaxis]
    picture = strength * palette[best] + (1 - strength) * np.array(to_rgb(colors.page))
    extent = (left, right, bottom, top)
    axes.imshow(picture, origin="lower", extent=extent, aspect="auto", interpolation="bilinear")
    across, up = np.linspace(left, right, p.shape[1]), np.linspace(bottom, top, p.shape[0])
    for c in range(1 if C == 2 else C):
        others = np.delete(p, c, axis=-1).max(axis=-1)
        lead = p[..., c] - others
        if lead.min() < 0 < lead.max():
            axes.contour(across, up, lead, levels=[0], colors=[colors.text], linewidths=1.1)
