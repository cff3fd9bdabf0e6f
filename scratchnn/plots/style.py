"""How the pictures look: colours for light and dark pages, and figures without a window."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Theme(NamedTuple):
    page: str
    text: str
    muted: str
    line: str
    right: str
    wrong: str
    on_wrong: str
    series: tuple[str, ...]


THEMES = {
    "light": Theme(
        page="#ffffff",
        text="#1f2328",
        muted="#59636e",
        line="#d1d9e0",
        right="#e6eef7",
        wrong="#cf222e",
        on_wrong="#ffffff",
        series=("#0969da", "#d4690f", "#1a7f5a", "#8250df", "#8a5a3b", "#bf3989"),
    ),
    "dark": Theme(
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
WIDTH = 9.0  # inches; at the 100 dots per inch set below, the width of a README
EM = 0.55  # mean width of a character, as a share of the font's size


@contextmanager
def style(theme: str) -> Iterator[Theme]:
    """Yield the theme; what matplotlib makes meanwhile has its colours.

    The user's own matplotlib settings are back afterwards.
    """
    if theme not in THEMES:
        raise ValueError(f"theme must be one of {tuple(THEMES)}. Received: {theme!r}.")
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: pip install "scratchnn[plot]"') from error
    colors = THEMES[theme]
    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",  # comes with matplotlib, and has the cross
        "font.size": 9,
        "text.color": colors.text,
        "axes.facecolor": colors.page,
        "axes.edgecolor": colors.line,
        "axes.labelcolor": colors.text,
        "axes.titlecolor": colors.text,
        "xtick.color": colors.line,
        "ytick.color": colors.line,
        "xtick.labelcolor": colors.muted,
        "ytick.labelcolor": colors.muted,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.grid": False,
        "legend.frameon": False,
        "image.interpolation": "nearest",
    }
    with matplotlib.rc_context(settings):
        yield colors


def new_figure(width: float, height: float, colors: Theme) -> Figure:
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
