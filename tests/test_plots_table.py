"""The report of a model of a table: what it draws, and what it refuses."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from scratchnn import plots

pytest.importorskip("matplotlib")


def table(**options: Any) -> Any:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    given: dict[str, Any] = {
        "history": {"loss": [2.0, 1.0], "a_loss": [1.0, 0.5], "b_loss": [1.0, 0.5]},
        "numbers": (np.arange(1, 501), np.arange(1, 501)[:, np.newaxis] * 1.1),
        "events": (rng.random(500) < p, p[:, np.newaxis]),
        "importances": {"age": 0.3, "colour": -0.01, "brand": 0.5},
        "names": ["price", "sold", "error"],
    }
    return plots.table_report(**{**given, **options})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_table_report(theme: str) -> None:
    figure = table(theme=theme, metrics=["a_loss", "b_loss"], log=True)
    first, second, numbers, events, importances = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("a loss", "b loss")
    assert numbers.get_title("left") == "price: half of the errors are below 10.0%"
    assert numbers.get_xscale() == numbers.get_yscale() == "log"
    points = numbers.collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 1], 1.1 * points[:, 0])
    said, happened = events.lines[1].get_data()
    assert len(said) == 10
    assert np.abs(said - happened).max() < 0.25
    assert np.all(np.diff(said) > 0)
    labels = [label.get_text() for label in importances.get_yticklabels()]
    assert labels == ["colour", "age", "brand"]
    assert [bar.get_width() for bar in importances.patches] == [-0.01, 0.3, 0.5]
    figure.savefig(io.BytesIO())


def test_table_report_of_little() -> None:
    figure = table(numbers=([1.0], [2.0]), events=([1], [0.5]), importances={"x": 0.0})
    assert figure.axes[2].get_title("left") == "price: half of the errors are below 100.0%"
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"numbers": ([1, 2], [1])}, r"numbers to be two arrays of one length.*lengths \[2, 1\]"),
        ({"numbers": ([], [])}, "numbers to be two arrays"),
        ({"events": ([0, 1], [0.5, 1.5])}, "probabilities between 0 and 1"),
        ({"events": ([0, 2], [0.5, 0.5])}, "events to be 0 or 1"),
        ({"importances": {}}, "at least one input"),
        ({"log": True, "numbers": ([1.0, 2.0], [1.0, -2.0])}, "must be positive"),
        ({"metrics": ["c_loss"]}, "no metric 'c_loss'"),
        ({"theme": "blue"}, "theme must be one of"),
    ],
)
def test_table_report_of_what_does_not_fit(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        table(**options)
