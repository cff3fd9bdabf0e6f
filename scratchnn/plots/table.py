"""The report of a model of a table: curves, a number, a probability, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .curves import as_runs, draw_curves, metric_names
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 10


def table_report(
    history: Any,
    numbers: tuple[Any, Any],
    events: tuple[Any, Any],
    importances: Mapping[str, float],
    metrics: Sequence[str] | None = None,
    names: Sequence[str] = ("number", "event", "importance"),
    log: bool = False,
    theme: str = "light",
) -> Figure:
    """Draw how a model learned, how right its numbers and probabilities are, and why.

    Arguments:
        history: what `fit` returned, or its `.history` dict of lists.
        numbers: (y_true, y_pred), N numbers each.
        events: (happened, p): N times 0 or 1, and the probability of 1, from 0 to 1.
        importances: {input: how much worse the model is without it}.
        metrics: which curves to draw, two of them; the first two unless given.
        names: what the numbers are, what the event is, and what importance is measured in.
        log: whether the numbers are drawn on logarithmic axes.
        theme: 'light' or 'dark'.

    Returns:
        A Figure: the curves; predicted beside true numbers; what happened beside what was said, in
        ten groups of equal size, with the range that chance explains; the importances.

    Raises:
        ValueError: if lengths differ, there is nothing to draw, or probabilities are not in [0, 1].

    Example:
        >>> figure = table_report(
        ...     {"loss": [0.9, 0.5]}, ([1, 2], [1.1, 2.5]), ([0, 1], [0.2, 0.7]), {"age": 0.3}
        ... )
        >>> [axes.get_title("left") for axes in figure.axes[1:3]]
        ['number: half of the errors are below 17.5%', 'event: said and happened']
    """
    runs = as_runs(history)
    curves = metric_names(runs, metrics)[:2]
    true, predicted = _as_pair("numbers", numbers)
    happened, said = _as_pair("events", events)
    if said.min() < 0 or said.max() > 1 or not np.isin(happened, (0, 1)).all():
        raise ValueError(
            "Expected events to be 0 or 1, and probabilities between 0 and 1. Received: "
            f"probabilities from {said.min():.4g} to {said.max():.4g}."
        )
    if not importances:
        raise ValueError("Expected importances to have at least one input. Received: none.")
    if log and min(true.min(), predicted.min()) <= 0:
        raise ValueError("Numbers on logarithmic axes must be positive. Received: others.")
    heights = [2.6, 4.0, 0.75 + 0.26 * len(importances)]
    with style(theme) as colors:
        figure = new_figure(WIDTH, sum(heights), colors)
        parts: Any = figure.subfigures(3, 1, height_ratios=heights)
        draw_curves(parts[0], (1, len(curves)), runs, curves, 1, colors)
        left, right = parts[1].subplots(1, 2)
        _draw_numbers(left, true, predicted, names[0], log, colors)
        _draw_events(right, happened, said, names[1], colors)
        _draw_importances(parts[2].subplots(), importances, names[2], colors)
    return figure


def _as_pair(what: str, pair: Any) -> tuple[Array, Array]:
    """Return two arrays of numbers, (N,) each."""
    arrays = [np.asarray(part, dtype=float).ravel() for part in pair]
    if len(arrays) != 2 or len(arrays[0]) != len(arrays[1]) or not len(arrays[0]):
        raise ValueError(
            f"Expected {what} to be two arrays of one length, what is true and what was "
            f"predicted. Received: lengths {[len(array) for array in arrays]}."
        )
    return arrays[0], arrays[1]


def _draw_numbers(
    axes: Axes, true: Array, predicted: Array, name: str, log: bool, colors: Theme
) -> None:
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    axes.plot([low, high], [low, high], color=colors.muted, lw=1, zorder=3)
    visible = float(np.clip(300 / len(true), 0.08, 0.8))
    axes.scatter(true, predicted, s=9, color=colors.series[0], alpha=visible, linewidths=0)
    if log:
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
    axes.set_aspect("equal")
    error = np.median(np.abs(predicted - true) / np.maximum(np.abs(true), 1e-12))
    axes.set_title(f"{name}: half of the errors are below {error:.1%}")
    axes.set(xlabel="true", ylabel="predicted")
    _tidy(axes, colors)


def _draw_events(axes: Axes, happened: Array, said: Array, name: str, colors: Theme) -> None:
    groups = np.array_split(np.argsort(said, kind="stable"), min(_BINS, len(said)))
    x = np.array([said[group].mean() for group in groups])
    y = np.array([happened[group].mean() for group in groups])
    sizes = np.array([len(group) for group in groups])
    chance = 1.96 * np.sqrt(x * (1 - x) / sizes)  # of the share, if the probability is right
    axes.plot([0, 1], [0, 1], color=colors.muted, lw=1)
    axes.fill_between(x, x - chance, x + chance, color=colors.muted, alpha=0.25, linewidth=0)
    axes.plot(x, y, "o-", color=colors.series[0], lw=1.6, ms=4)
    counts, edges = np.histogram(said, 40, (0, 1))
    axes.bar(edges[:-1], 0.16 * counts / counts.max(), edges[1], align="edge", color=colors.line)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability, as predicted", ylabel="share")
    axes.set_aspect("equal")
    axes.set_title(f"{name}: said and happened")
    _tidy(axes, colors)


def _draw_importances(
    axes: Axes, importances: Mapping[str, float], name: str, colors: Theme
) -> None:
    order = sorted(importances, key=lambda key: importances[key])
    values = [importances[key] for key in order]
    axes.barh(order, values, color=colors.series[0], height=0.62)
    axes.set_title(name)
    _tidy(axes, colors)
    axes.grid(False, axis="y")


def _tidy(axes: Axes, colors: Theme) -> None:
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=colors.muted)
    axes.grid(True, color=colors.line, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
