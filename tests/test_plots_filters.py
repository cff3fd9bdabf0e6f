"""The picture of filters and of what they find: what stands in it, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from scratchnn.plots import filter_report, filters

X = np.zeros((2, 8, 8, 1))
P = [[0.9, 0.1], [0.2, 0.8]]


def report(count: int = 10, **options: Any) -> Any:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 1, count))
    found = rng.uniform(size=(1, 6, 6, count))
    return filter_report(kernel, found, X, [1, 1], P, **options)


def panels(figure: Any) -> dict[str, Any]:
    titles = {axes: axes.get_title(loc="left") or axes.get_title() for axes in figure.axes}
    return {title: axes for axes, title in titles.items() if title}


def test_what_stands_in_it() -> None:
    found = panels(report(class_names=["cat", "dog"]))
    assert list(found) == [
        "The first test image: dog",
        "The network: cat, 90.0% sure",
        "1 of 2 right (50.00%)",
        "What the 10 filters look for",
        "What each of them finds",
    ]
    bars = found["The network: cat, 90.0% sure"].patches
    assert [bar.get_height() for bar in bars] == [0.9, 0.1]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == ["#cf222e", "#0969da"]


def test_each_filter_stands_where_what_it_finds_stands() -> None:
    kernel, found = np.zeros((3, 3, 2, 10)), np.zeros((6, 6, 10))
    kernel[..., 9], found[..., 9] = 1, 1
    figure = panels(filter_report(kernel, found, X, [0, 1], P))
    places = []
    for title in ("What the 10 filters look for", "What each of them finds"):
        shown = np.ma.filled(figure[title].images[0].get_array(), np.nan)
        bright = np.argwhere(shown == 1)
        places.append((bright.min(axis=0) / shown.shape, bright.max(axis=0) / shown.shape))
        assert np.isnan(shown).any(axis=0).any()
        assert 0.75 * shown.size / 16 < len(bright) < shown.size / 16
    np.testing.assert_allclose(places[0], places[1], atol=0.02)


def test_mosaic() -> None:
    tiles = np.arange(3.0).reshape(1, 1, 3) * np.ones((2, 2, 1))
    out = filters._mosaic(tiles, 2)
    assert out.shape == (50, 50)
    assert (out[0, 0], out[0, -1], out[-1, 0]) == (0, 1, 2)
    assert np.isnan(out[24:26]).all()
    assert np.isnan(out[26:, 26:]).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 8, 32])
def test_sizes(theme: str, count: int) -> None:
    figure = report(count, theme=theme)
    assert figure.get_figwidth() == 9
    figure.canvas.draw()


def test_nothing_found() -> None:
    filter_report(np.zeros((3, 3, 1, 4)), np.zeros((6, 6, 4)), X, [1, 1], P).canvas.draw()


@pytest.mark.parametrize(
    ("kernel", "found"), [((3, 3, 4), (6, 6, 4)), ((3, 3, 1, 4), (6, 6, 5)), ((3, 3, 1, 4), (6, 4))]
)
def test_shapes_that_do_not_fit(kernel: Any, found: Any) -> None:
    with pytest.raises(ValueError, match=r"Expected a kernel \(KH, KW, C, F\).*Received: shapes"):
        filter_report(np.zeros(kernel), np.zeros(found), X, [1, 1], P)


def test_a_theme_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="theme must be one of"):
        report(theme="sepia")
