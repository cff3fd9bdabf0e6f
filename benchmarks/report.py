"""The results: medians, ratios, and how they are shown, in a table and in a picture."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Results = Mapping[str, Any]

OURS = "scratchnn"
FLOOR = "floor"
TRAINING = 3.0
"""Other shuffles lead to other losses: one up to so many times the median is no surprise."""

EXACT = 0.01
"""Where all compute the same, losses may differ by this share of the median."""


FLOOR_TITLE = "floor (scratchnn ÷ floor)"


class Cell(NamedTuple):
    """One contender in one workload: seconds or bytes, and how many times ours that is."""

    value: float
    ratio: float | None
    is_bytes: bool


# Numbers ----------------------------------------------------------------------------------------


def cells(results: Results, key: str) -> dict[str, Cell]:
    """Return {contender: Cell} for the workload `key`, in the order of the contenders."""
    found = results["workloads"][key]["contenders"]
    values = {
        name: found[name]["bytes"]
        if "bytes" in found[name]
        else statistics.median(found[name]["seconds"])
        for name in results["contenders"]
        if name in found
    }
    ours = values.get(OURS)
    return {
        name: Cell(value, value / ours if ours else None, "bytes" in found[name])
        for name, value in values.items()
    }


def losses(results: Results, key: str) -> dict[str, float]:
    """Return {contender: the loss it reached}, of those that have one."""
    found = results["workloads"][key]["contenders"]
    return {
        name: found[name]["loss"]
        for name in results["contenders"]
        if found.get(name, {}).get("loss") is not None
    }


def suspicious(found: Mapping[str, float], kind: str) -> set[str]:
    """Return those whose loss says that they did not do the same work as the others."""
    if len(found) < 2:
        return set()
    middle = statistics.median_low(found.values())
    if kind in ("train", "step"):
        return {name for name, loss in found.items() if not loss <= TRAINING * middle}
    return {name for name, loss in found.items() if not abs(loss - middle) <= EXACT * middle}


def verbose_cost(results: Results) -> float | None:
    """Return the share of an epoch that scratchnn's progress bar adds; None if not measured."""
    found = results["workloads"].get("verbose", {}).get("contenders", {}).get(OURS)
    if found is None:
        return None
    return statistics.median(
        loud / quiet - 1 for loud, quiet in zip(found["seconds"], found["quiet"], strict=True)
    )


# Text -------------------------------------------------------------------------------------------


def seconds_text(seconds: float) -> str:
    """Return a time in three digits and a unit that suits it: '1.93 s', '412 ms', '21.4 µs'."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        number = seconds / size
        if number >= 0.9995 or unit == "µs":
            break
    return f"{_digits(number)} {unit}"


def _digits(number: float) -> str:
    places = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:,.{places}f}"


def value_text(cell: Cell) -> str:
    """Return the time or the memory."""
    return f"{cell.value / 1e6:,.0f} MB" if cell.is_bytes else seconds_text(cell.value)


def ratio_text(ratio: float) -> str:
    """Return a ratio in two digits: '4,300×', '12×', '5.6×', '0.83×'."""
    if ratio >= 99.5:
        step = 100 if ratio >= 995 else 10
        return f"{round(ratio / step) * step:,}×"
    places = 0 if ratio >= 9.95 else 1 if ratio >= 0.995 else 2
    return f"{ratio:.{places}f}×"


def one_line(results: Results, key: str) -> str:
    """Return a workload's numbers on one line, for the terminal."""
    titles = results["contenders"]
    if key == "verbose":
        cost = verbose_cost(results)
        return "" if cost is None else f"{cost:+.1%}"
    return ", ".join(
        f"{titles[name]} {value_text(cell)}"
        + (f" ({ratio_text(cell.ratio)})" if cell.ratio is not None and name != OURS else "")
        for name, cell in cells(results, key).items()
    )


def markdown(results: Results) -> str:
    """Return the report: command, machine, table of times and ratios, table of losses, notes."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    machine, versions = results["machine"], results["versions"]
    yield f"`{results['command']}`"
    yield ""
    parts = [
        machine["processor"],
        _count(int(machine["cores"]), "core"),
        _count(results["threads"], "thread"),
        machine["system"],
        f"Python {machine['python']}",
        f"NumPy {machine['numpy']} ({machine['blas']})",
        *(f"{name} {version}" for name, version in versions.items()),
    ]
    yield f"{', '.join(parts)}."
    yield ""
    yield from _time_table(results)
    yield ""
    yield (
        f"Medians of {_count(results['rounds'], 'round')} (fewer for the slowest rows). "
        "**Bold**: how many times scratchnn's time that is; for the floor, how many times the "
        "floor's time scratchnn takes. The floor is a training step's matrix products and Adam's "
        "passes over the weights alone, in NumPy, on arrays made beforehand, and learns nothing. "
        "To evaluate and predict, scratchnn and Keras go in batches of 32, their default, and so "
        "does the floor; PyTorch, JAX and scikit-learn take all images at once. An epoch is timed "
        "without what `fit` does once before it. Memory includes the images."
    )
    cost = verbose_cost(results)
    if cost is not None:
        title = f"{results['workloads']['verbose']['samples']:,} images at batch 32"
        yield f"scratchnn's progress bar (`verbose=1`) adds {cost:+.1%} to an epoch of {title}."
    yield ""
    yield from _loss_table(results)
    for where, error in results["errors"].items():
        yield f"\nFailed: {where}: {error.strip().splitlines()[-1]}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _time_table(results: Results) -> Iterator[str]:
    titles = {**results["contenders"]}
    if OURS in titles and FLOOR in titles:
        titles[FLOOR] = FLOOR_TITLE
    yield f"| | {' | '.join(titles.values())} |"
    yield f"|---|{'---:|' * len(titles)}"
    for key, work in results["workloads"].items():
        if key != "verbose":
            found = cells(results, key)
            row = (_cell_text(name, found.get(name)) for name in titles)
            yield f"| {work['title']} | {' | '.join(row)} |"


def _cell_text(name: str, cell: Cell | None) -> str:
    if cell is None:
        return ""
    if cell.ratio is None or name == OURS:
        return value_text(cell)
    ratio = f"{1 / cell.ratio:.2f}×" if name == FLOOR else ratio_text(cell.ratio)
    return f"{value_text(cell)} **{ratio}**"


def _loss_table(results: Results) -> Iterator[str]:
    rows = {key: losses(results, key) for key in results["workloads"]}
    rows = {key: row for key, row in rows.items() if row}
    if not rows:
        return
    titles = {n: t for n, t in results["contenders"].items() if any(n in r for r in rows.values())}
    yield "The loss that each reached, from the same weights and after as many epochs:"
    yield ""
    yield f"| | {' | '.join(titles.values())} |"
    yield f"|---|{'---:|' * len(titles)}"
    marked = False
    for key, row in rows.items():
        work = results["workloads"][key]
        odd = suspicious(row, work["kind"])
        marked = marked or bool(odd)
        shown = [
            f"{row[name]:.3g}{' ⚠' if name in odd else ''}" if name in row else ""
            for name in titles
        ]
        yield f"| {work['title']} | {' | '.join(shown)} |"
    if marked:
        yield ""
        yield "⚠ too far from the others: this contender did other work, and its time says nothing."


# Picture ----------------------------------------------------------------------------------------


class _Theme(NamedTuple):
    page: str
    text: str
    muted: str
    ours: str
    others: str
    floor: str


_THEMES = {
    "light": _Theme("#ffffff", "#1f2328", "#59636e", "#0969da", "#afb8c1", "#d4690f"),
    "dark": _Theme("#0d1117", "#e6edf3", "#9198a1", "#58a6ff", "#565f6a", "#f0a04b"),
}
_WIDTH = 9.0  # inches, at 100 dots per inch the width of a README
_COLUMNS = 3


def picture(results: Results, theme: str = "light") -> Figure:
    """Draw one panel per workload, with a bar per contender: the shorter, the better.

    Arguments:
        results: what `markdown` takes.
        theme: 'light' or 'dark'.
    """
    import matplotlib
    from matplotlib.figure import Figure

    machine = results["machine"]

    colors = _THEMES[theme]
    keys = [key for key in results["workloads"] if key != "verbose" and cells(results, key)]
    rows = max(1, -(-len(keys) // _COLUMNS))
    most = max((len(cells(results, key)) for key in keys), default=1)
    with matplotlib.rc_context({"font.size": 8, "font.family": "sans-serif"}):
        height = rows * (0.6 + 0.175 * most) + 0.3
        figure = Figure(figsize=(_WIDTH, height), facecolor=colors.page, layout="constrained")
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.06, h_pad=0.06)
        figure.supxlabel(
            "Shorter is better; ×: how many times scratchnn's time or memory that is.  "
            f"{machine['processor']}, {_count(results['threads'], 'thread')}.",
            x=0.01,
            ha="left",
            fontsize=8,
            color=colors.muted,
        )
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, key in zip(grid.flat, keys, strict=False):
            _draw_panel(axes, results, key, most, colors)
    return figure


def _draw_panel(axes: Axes, results: Results, key: str, most: int, colors: _Theme) -> None:
    found = cells(results, key)
    longest = max(cell.value for cell in found.values())
    axes.set_title(
        results["workloads"][key]["title"].replace(", ", "\n", 1),
        loc="left",
        color=colors.text,
        fontsize=8.5,
        fontweight="bold",
    )
    axes.set_xlim(-0.72, 1.75)
    axes.set_ylim(most - 0.4, -0.6)
    for place, (name, cell) in enumerate(found.items()):
        color = {OURS: colors.ours, FLOOR: colors.floor}.get(name, colors.others)
        is_ours = name == OURS
        length = cell.value / longest
        axes.barh(place, length, height=0.72, color=color)
        axes.text(
            -0.03,
            place,
            results["contenders"][name],
            ha="right",
            va="center",
            color=colors.text if is_ours else colors.muted,
            fontweight="bold" if is_ours else "normal",
        )
        text = value_text(cell)
        if cell.ratio is not None and not is_ours:
            text = f"{ratio_text(cell.ratio)}  {text}"
        axes.text(length + 0.03, place, text, va="center", color=colors.text)
