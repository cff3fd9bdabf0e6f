"""What the README shows is what the source says, and its programs run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import scratchnn as keras

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def block(start: str) -> str:
    (found,) = (text for text in BLOCKS if start in text)
    return found


def test_dense_is_shown_as_it_is() -> None:
    methods = (keras.layers.Dense.forward, keras.layers.Dense.backward)
    assert block("def backward(self, dy: Array") == "\n".join(map(inspect.getsource, methods))


def test_the_first_program(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
    few = (x[:6000], y[:6000]), (x_test[:1000], y_test[:1000])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: few)
    names: dict[str, object] = {}
    exec(block("model.compile"), names)
    model = names["model"]
    assert isinstance(model, keras.Sequential)
    assert model.evaluate(*few[1], verbose=0)[1] > 0.9
    assert "Epoch 5/5" in capsys.readouterr().out


def test_the_layer_of_your_own() -> None:
    exec(block("class Scale"), {"keras": keras, "np": np})


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert link.startswith("https://") or (Path(__file__).parent.parent / link).exists()
