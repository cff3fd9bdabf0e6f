"""The curves of training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import naming
from ..arrays import Array
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase


def training_curves(
    history: Any,
    metrics: Sequence[str] | None = None,
    validation_freq: int | Sequence[int] = 1,
    theme: str = "light",
) -> Figure:
    """Draw the loss and each metric over the epochs, for training and validation.

    Arguments:
        history: what `fit` returned, or its `.history` dict of lists; or several of them, as
            {label: history}, to compare runs.
        metrics: which to draw, in this order; all of them, the loss first, unless given.
        validation_freq: as told to `fit`: the epochs that the validation points belong to.
        theme: 'light' or 'dark'.

    Returns:
        A Figure with one panel per metric. Training is solid, validation dashed.

    Raises:
        ValueError: if nothing was recorded, a metric is unknown, or lengths do not fit.

    Example:
        >>> figure = training_curves({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation']
    """
    runs = as_runs(history)
    names = metric_names(runs, metrics)
    columns = 2 if len(names) == 4 else min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    with style(theme) as colors:
        figure = new_figure(WIDTH if columns > 1 else 0.6 * WIDTH, 3.1 * rows, colors)
        draw_curves(figure, (rows, columns), runs, names, validation_freq, colors)
    return figure


class Run(NamedTuple):
    epochs: list[int]  # counted from 1
    values: dict[str, Array]


def as_runs(history: Any) -> dict[str, Run]:
    """Return {label: run}; the label of a single run is ''."""
    if isinstance(history, Mapping):
        nested = [hasattr(v, "history") or isinstance(v, Mapping) for v in history.values()]
        if nested and all(nested):
            return {str(label): _as_run(run) for label, run in history.items()}
    return {"": _as_run(history)}


def _as_run(history: Any) -> Run:
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            "Expected history to be what `fit` returned, or a dict of lists such as "
            f"{{'loss': [0.9, 0.5]}}, with at least one epoch. Received: {values!r}."
        )
    arrays = {}
    for key, series in values.items():
        try:
            arrays[str(key)] = np.asarray(series, dtype=float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Expected history[{key!r}] to be a list of numbers. Received: {series!r}."
            ) from error
        if arrays[str(key)].ndim != 1:
            raise ValueError(f"Expected history[{key!r}] to be a list. Received: {series}.")
    count = max(len(series) for series in arrays.values())
    if count == 0:
        raise ValueError("Expected history to have at least one epoch. Received: empty lists.")
    epochs = [epoch + 1 for epoch in getattr(history, "epoch", range(count))]
    return Run(epochs, arrays)


def metric_names(runs: dict[str, Run], wanted: Sequence[str] | None) -> list[str]:
    """Return the names to draw, without 'val_'; the loss first."""
    known = dict.fromkeys(key.removeprefix("val_") for run in runs.values() for key in run.values)
    if isinstance(wanted, str) or (wanted is not None and not wanted):
        raise ValueError(f"metrics must be a list of names. Received: {wanted!r}.")
    if wanted is None:
        return sorted(known, key=lambda name: name != "loss")
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"history has no metric {name!r}.{naming.nearest(name, known)} "
                f"Recorded: {', '.join(known)}."
            )
    return list(wanted)


def _epochs_of(key: str, run: Run, validation_freq: int | Sequence[int]) -> list[int]:
    """Return the epochs that the values of `key` belong to."""
    epochs, count = run.epochs, len(run.values[key])
    if key.startswith("val_") and count != len(epochs):
        if isinstance(validation_freq, Sequence):
            epochs = [epoch for epoch in epochs if epoch in validation_freq]
        else:
            epochs = [epoch for epoch in epochs if epoch % validation_freq == 0]
    if count != len(epochs):
        raise ValueError(
            f"Expected history[{key!r}] to have {len(epochs)} values, one per epoch. "
            f"Received: {count}. If `fit` was called with validation_freq, pass the same "
            f"validation_freq here."
        )
    return epochs


def draw_curves(
    figure: FigureBase,
    grid: tuple[int, int],
    runs: dict[str, Run],
    names: Sequence[str],
    validation_freq: int | Sequence[int],
    colors: Theme,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    panels = figure.subplots(*grid, squeeze=False).ravel()
    few = max(len(run.epochs) for run in runs.values()) <= 20
    look: dict[str, Any] = {"lw": 1.6, "marker": "o" if few else "", "ms": 3.5}
    legend = {}
    for panel, name in zip(panels, names, strict=False):
        for number, (label, run) in enumerate(runs.items()):
            color = colors.series[number % len(colors.series)]
            if name in run.values:
                epochs = _epochs_of(name, run, validation_freq)
                text = label or "training"
                panel.plot(epochs, run.values[name], color=color, label=text, **look)
                legend[text] = Line2D([], [], color=color, **look)
            if (key := f"val_{name}") in run.values:
                epochs = _epochs_of(key, run, validation_freq)
                color = color if label else colors.series[1]
                text = f"{label}, validation" if label else "validation"
                panel.plot(epochs, run.values[key], "--", color=color, label=text, **look)
        panel.set(xlabel="epoch", ylabel=name.replace("_", " "))
        panel.set_xlim(left=max(panel.get_xlim()[0], 0.5))  # epochs count from 1: no tick at 0
        panel.xaxis.set_major_locator(
            MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        )
        # Given here, not in `style`: matplotlib makes more ticks when it draws.
        panel.tick_params(length=0, labelsize=9, labelcolor=colors.muted)
        panel.grid(True, color=colors.line, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(names) :]:
        panel.remove()
    if any(line.get_linestyle() == "--" for panel in panels for line in panel.lines):
        # One entry for all: its colour is that of the run.
        color = colors.muted if list(runs) != [""] else colors.series[1]
        legend["validation"] = Line2D([], [], color=color, ls="--", **look)
    figure.align_ylabels()
    figure.legend(list(legend.values()), list(legend), loc="outside upper left", ncols=4)
