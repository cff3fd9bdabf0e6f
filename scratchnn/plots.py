"""Pictures of a training run: curves, predictions, confusion matrix, and all three in one.

Each function returns a matplotlib `Figure`; nothing is shown, and no global state is touched:
`figure.savefig("curves.png")` writes it, and a notebook shows it when it ends a cell. What Keras
gives goes straight in: the History that `fit` returns, the array that `predict` returns.

Needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import naming
from .arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

__all__ = ["training_curves", "prediction_grid", "confusion_matrix", "classifier_report"]


class _Theme(NamedTuple):
    page: str
    text: str
    muted: str
    line: str
    right: str
    wrong: str
    on_wrong: str
    series: tuple[str, ...]


_THEMES = {
    "light": _Theme(
        page="#ffffff",
        text="#1f2328",
        muted="#59636e",
        line="#d1d9e0",
        right="#e6eef7",
        wrong="#cf222e",
        on_wrong="#ffffff",
        series=("#0969da", "#d4690f", "#1a7f5a", "#8250df", "#8a5a3b", "#bf3989"),
    ),
    "dark": _Theme(
        page="#0d1117",
        text="#e6edf3",
        muted="#9198a1",
        line="#3d444d",
        right="#1c2735",
        wrong="#ff6b62",
        on_wrong="#0d1117",
        series=("#58a6ff", "#f0a04b", "#4ec9a0", "#bc8cff", "#d9a37a", "#f778ba"),
    ),
}
_WIDTH = 9.0  # inches; at the 100 dots per inch set below, the width of a README
_EM = 0.55  # mean width of a character, as a share of the font's size
_CROSS = "\N{BALLOT X}"


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
    runs = _as_runs(history)
    names = _metric_names(runs, metrics)
    columns = 2 if len(names) == 4 else min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    with _style(theme) as colors:
        figure = _new_figure(_WIDTH if columns > 1 else 0.6 * _WIDTH, 3.1 * rows, colors)
        _draw_curves(figure, (rows, columns), runs, names, validation_freq, colors)
    return figure


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
    x = _as_images(x)
    p = _as_probabilities(probabilities, len(x))
    labels = None if y is None else _as_labels(y, "y", len(x), p.shape[1])
    names = _as_names(class_names, p.shape[1])
    if min(rows, columns) < 1:
        raise ValueError(f"rows and columns must be at least 1. Received: {rows=}, {columns=}.")
    shown = np.arange(min(rows * columns, len(x)))
    columns = min(columns, len(shown))
    rows = math.ceil(len(shown) / columns)
    cell = min(_WIDTH / columns, 1.5)
    height = _row_height(cell, x, names)
    with _style(theme) as colors:
        figure = _new_figure(columns * cell, rows * height, colors)
        _draw_predictions(figure, (rows, columns), cell, x, p, labels, names, shown, colors)
    return figure


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
    counts, names = _count(y_true, y_pred, class_names)
    side = min(max(4.0, 0.5 * len(names)), 12.0)
    with _style(theme) as colors:
        figure = _new_figure(side + 0.4, side, colors)
        _draw_confusion(figure.subplots(), 0.72 * side, counts, names, colors)
    return figure


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
    runs = _as_runs(history)
    curves = _metric_names(runs, None)[:2]
    x = _as_images(x)
    p = _as_probabilities(probabilities, len(x))
    labels = _as_labels(y, "y", len(x), p.shape[1])
    counts, names = _count(labels, p, class_names)
    columns = 8
    mistakes = np.flatnonzero(p.argmax(axis=1) != labels)
    surest = np.argsort(-p[mistakes].max(axis=1), kind="stable")[:columns]
    strips = [("First test images", np.arange(min(columns, len(x))))]
    if len(mistakes):
        strips.append(("Mistakes made with the most confidence", mistakes[surest]))
    cell = _WIDTH / columns
    top, strip = 4.5, 0.25 + _row_height(cell, x, names)
    heights = [top] + [strip] * len(strips)
    with _style(theme) as colors:
        figure = _new_figure(_WIDTH, sum(heights), colors)
        parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        left, right = parts[0].subfigures(1, 2, width_ratios=[0.85, 1])
        _draw_curves(left, (len(curves), 1), runs, curves, validation_freq, colors)
        _draw_confusion(right.subplots(), 0.72 * top, counts, names, colors)
        for part, (title, shown) in zip(parts[1:], strips, strict=True):
            part.suptitle(title, fontsize=10, fontweight="bold", x=0.01, ha="left")
            _draw_predictions(part, (1, columns), cell, x, p, labels, names, shown, colors)
    return figure


# What the user gave, in one form ------------------------------------------------------------------


class _Run(NamedTuple):
    epochs: list[int]  # counted from 1
    values: dict[str, Array]


def _as_runs(history: Any) -> dict[str, _Run]:
    """Return {label: run}; the label of a single run is ''."""
    if isinstance(history, Mapping):
        nested = [hasattr(v, "history") or isinstance(v, Mapping) for v in history.values()]
        if nested and all(nested):
            return {str(label): _as_run(run) for label, run in history.items()}
    return {"": _as_run(history)}


def _as_run(history: Any) -> _Run:
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            "Expected history to be what `fit` returned, or a dict of lists such as "
            f"{{'loss': [0.9, 0.5]}}, with at least one epoch. Received: {values!r}."
        )
    arrays = {str(key): np.asarray(series, dtype=float) for key, series in values.items()}
    for key, series in arrays.items():
        if series.ndim == 0:
            raise ValueError(f"Expected history[{key!r}] to be a list. Received: {series}.")
    count = max(len(series) for series in arrays.values())
    epochs = [epoch + 1 for epoch in getattr(history, "epoch", range(count))]
    return _Run(epochs, arrays)


def _metric_names(runs: dict[str, _Run], wanted: Sequence[str] | None) -> list[str]:
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


def _epochs_of(key: str, run: _Run, validation_freq: int | Sequence[int]) -> list[int]:
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


def _as_images(x: Any) -> Array:
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


def _as_probabilities(probabilities: Any, samples: int) -> Array:
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


def _as_labels(y: Any, what: str, samples: int, classes: int | None) -> Array:
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


def _as_names(class_names: Sequence[str] | None, classes: int) -> list[str]:
    names = [str(n) for n in (range(classes) if class_names is None else class_names)]
    if len(names) != classes:
        raise ValueError(
            f"Expected class_names to have {classes} names, one per class. Received: {len(names)}."
        )
    return names


def _count(y_true: Any, y_pred: Any, class_names: Sequence[str] | None) -> tuple[Array, list[str]]:
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
    true = _as_labels(y_true, "y_true", samples, classes)
    predicted = _as_labels(y_pred, "y_pred", samples, classes)
    if classes is None:
        classes = int(max(true.max(), predicted.max(), 1)) + 1
    cells = np.bincount(true * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes), _as_names(class_names, classes)


# Drawing ------------------------------------------------------------------------------------------


@contextmanager
def _style(theme: str) -> Iterator[_Theme]:
    """Yield the theme; what matplotlib makes meanwhile has its colours.

    The user's own matplotlib settings are back afterwards.
    """
    if theme not in _THEMES:
        raise ValueError(f"theme must be one of {tuple(_THEMES)}. Received: {theme!r}.")
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: pip install "scratchnn[plot]"') from error
    colors = _THEMES[theme]
    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",  # comes with matplotlib, and has the cross
        "font.size": 9,
        "text.color": colors.text,
        "axes.facecolor": colors.page,
        "axes.edgecolor": colors.line,
        "axes.labelcolor": colors.text,
        "axes.titlecolor": colors.text,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.grid": False,
        "legend.frameon": False,
        "image.interpolation": "nearest",
    }
    with matplotlib.rc_context(settings):
        yield colors


def _new_figure(width: float, height: float, colors: _Theme) -> Figure:
    """Return an empty Figure that belongs to no window, and that notebooks can show."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=100, facecolor=colors.page, layout="constrained")
    # Notebooks know how to show a figure only once pyplot has told them; this one tells them.
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _draw_curves(
    figure: FigureBase,
    grid: tuple[int, int],
    runs: dict[str, _Run],
    names: Sequence[str],
    validation_freq: int | Sequence[int],
    colors: _Theme,
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
        # Given here, not in `_style`: matplotlib makes more ticks when it draws.
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


def _row_height(cell: float, x: Array, names: Sequence[str]) -> float:
    """Return the inches that a row of images needs, each `cell` wide, with its captions."""
    return (cell - 0.08) * float(x.shape[1] / x.shape[2]) + (0.42 if _is_short(names) else 0.56)


def _is_short(names: Sequence[str]) -> bool:
    """Whether a name and a percentage fit in one line."""
    return max(map(len, names)) <= 4


def _draw_predictions(
    figure: FigureBase,
    grid: tuple[int, int],
    cell: float,
    x: Array,
    p: Array,
    labels: Array | None,
    names: Sequence[str],
    shown: Array,
    colors: _Theme,
) -> None:
    size = 8.0
    room = int(cell * 72 / (_EM * size)) - len("true: ")
    names = [name if len(name) <= room else name[: room - 1] + "…" for name in names]
    form = "{} ({})" if _is_short(names) else "{}\n{}"
    panels = figure.subplots(*grid, squeeze=False).ravel()
    for panel, picture, index in zip(panels, _as_shades(x[shown]), shown, strict=False):
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


def _as_shades(x: Array) -> Array:
    """Return images with values from 0, black, to 1, white."""
    if x.dtype == np.uint8:
        return x / 255
    low, high = min(x.min(), 0), max(x.max(), 1)
    if low == 0 and high == 1:
        return x
    low = x.min()
    return np.asarray((x - low) / (high - low))


def _draw_confusion(
    axes: Axes, side: float, counts: Array, names: Sequence[str], colors: _Theme
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
    size = min(8.5, 0.9 * room / (_EM * digits))
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
