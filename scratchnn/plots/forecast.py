"""Forecasts of a series on one page: some of them, their errors by steps ahead, and the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .curves import as_runs, draw_curves, metric_names
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def forecast_report(
    history: Any,
    past: Any,
    truth: Any,
    forecasts: Mapping[str, Any],
    what: str = "value",
    theme: str = "light",
) -> Figure:
    """Draw forecasts of a series beside the truth, their errors by steps ahead, and the loss.

    Arguments:
        history: what `fit` returned, or its `.history` dict of lists.
        past: (N, P), what came before each forecast.
        truth: (N, F), what came.
        forecasts: {name: (N, F)}, what was said would come, the most interesting first.
        what: what the series is, for the axes, such as 'temperature'.
        theme: 'light' or 'dark'.

    Returns:
        A Figure: three of the forecasts (all, if there are fewer), the mean absolute errors, and
        the loss.

    Raises:
        ValueError: if the shapes do not fit each other, or there are no forecasts.

    Example:
        >>> truth = np.ones((4, 2))
        >>> figure = forecast_report({"loss": [0.9, 0.5]}, np.ones((4, 3)), truth, {"mine": truth})
        >>> [axes.get_title("left") for axes in figure.axes[3:]]
        ['mean error by steps ahead', 'training']
    """
    past, truth = (np.asarray(part, float) for part in (past, truth))
    said = {name: np.asarray(values, float) for name, values in forecasts.items()}
    shapes = {name: values.shape for name, values in said.items()}
    if not said or truth.ndim != 2 or past.ndim != 2 or set(shapes.values()) != {truth.shape}:
        raise ValueError(
            "forecast_report expected past (N, P), truth (N, F), and forecasts of the shape of the "
            f"truth. Received: past {past.shape}, truth {truth.shape}, forecasts {shapes}."
        )
    if not len(past) == len(truth) > 0:
        raise ValueError(
            "forecast_report expected as many pasts as truths, one at least. "
            f"Received: {len(past)} and {len(truth)}."
        )
    runs = as_runs(history)
    curves = metric_names(runs, None)[:1]
    with style(theme) as colors:
        figure = new_figure(WIDTH, 6.6, colors)
        parts: Any = figure.subfigures(2, 1, height_ratios=[1.05, 1])
        top, bottom = parts
        shown = np.arange(len(truth))
        if len(truth) > 3:
            shown = np.linspace(0, len(truth) - 1, 5).astype(int)[1:4]
        panels = top.subplots(1, len(shown), squeeze=False)[0]
        for panel, number in zip(panels, shown, strict=True):
            _draw_forecast(panel, past[number], truth[number], said, int(number), colors)
        panels[0].set_ylabel(what)
        lines, labels = panels[0].get_legend_handles_labels()
        top.legend(lines, labels, loc="outside upper left", ncols=4)
        left, right = bottom.subfigures(1, 2)
        axes = left.subplots()
        ahead = np.arange(1, truth.shape[1] + 1)
        for color, (name, values) in zip(colors.series, said.items(), strict=False):
            error = np.abs(values - truth).mean(axis=0)
            axes.plot(ahead, error, "o-", color=color, lw=1.6, ms=3.5, label=name)
        axes.set(title="mean error by steps ahead", xlabel="steps ahead", ylabel="error", ylim=0)
        _tidy(axes, colors)
        draw_curves(right, (1, 1), runs, curves, 1, colors)
        right.axes[0].set_title("training")
    return figure


def _draw_forecast(
    axes: Axes,
    past: Array,
    truth: Array,
    forecasts: Mapping[str, Array],
    number: int,
    colors: Theme,
) -> None:
    """Draw what came, on both sides of the present, and what was said would come."""
    before, ahead = np.arange(-len(past), 0) + 1, np.arange(1, len(truth) + 1)
    axes.axvspan(0, len(truth), color=colors.right, lw=0)
    whole = np.concatenate([before, ahead]), np.concatenate([past, truth])
    axes.plot(*whole, color=colors.muted, lw=1.6, label="what came")
    looks = zip(colors.series, forecasts.items(), ["-", *["--"] * len(forecasts)], strict=False)
    for color, (name, values), line in looks:
        axes.plot(ahead, values[number], line, color=color, lw=2, label=name)
    axes.set(title=f"forecast {number + 1:,}", xlabel="step")
    _tidy(axes, colors)


def _tidy(axes: Axes, colors: Theme) -> None:
    axes.tick_params(length=0, labelsize=9, labelcolor=colors.muted)
    axes.grid(True, color=colors.line, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
