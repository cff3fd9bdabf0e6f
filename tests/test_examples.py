"""Each example, run as a reader would run it, on less data: what it returns, prints and saves.

The numbers expected of them are those of Keras 3.15 on TensorFlow, running the same files with
`import keras` in the place of `import scratchnn as keras`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import scratchnn as keras

ROOT = Path(__file__).resolve().parent.parent
MAKE_THEIR_DATA = {"tabular_functional"}
"""Examples that may be longer: what they learn from is a part of them."""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def load(name: str) -> ModuleType:
    if str(ROOT / "examples") not in sys.path:  # where Python looks first when it runs a script
        sys.path.append(str(ROOT / "examples"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers(text: str, pattern: str) -> list[float]:
    """The number that each match of `pattern` captures."""
    return [float(found) for found in re.findall(pattern, text)]


def assert_is_a_report(path: Path) -> None:
    """Check that a picture of a README's width, twice as fine, holds more than one colour."""
    image = pytest.importorskip("matplotlib.image").imread(path)
    height, width, _ = image.shape
    assert width == 1800
    assert 1200 < height < 1800
    assert image[..., :3].std() > 0.1


def test_every_example_is_tested() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    assert EXAMPLES
    for example in EXAMPLES:
        assert f'load("{example.stem}")' in tested


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_is_short_and_says_how_to_run_it(example: Path) -> None:
    code = example.read_text(encoding="utf-8")
    most = 90 if example.stem in MAKE_THEIR_DATA else 70
    assert 25 <= sum(map(bool, code.splitlines())) <= most, "lines that are not empty"
    assert f"python examples/{example.name}" in code.split('"""')[1]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_runs_as_a_script(example: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(example), "--help"]
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    docstring = load(example.stem).__doc__
    assert docstring is not None
    assert docstring.splitlines()[0].split()[0] in shown


def test_linear_regression(capsys: pytest.CaptureFixture[str]) -> None:
    prediction = load("linear_regression").main([])
    assert prediction == pytest.approx(18.981693, rel=1e-6)
    printed = capsys.readouterr().out
    assert numbers(printed, r"loss (\S+)") == pytest.approx(
        [14.7220488, 0.4480584, 0.0070554, 0.0000394], rel=1e-3
    )
    assert "y = 1.9973 x -0.9918" in printed
    assert "predict([10.0]) = [[18.981" in printed


@pytest.mark.parametrize("epochs", ["1", "3"])
def test_linear_regression_for_a_few_epochs(
    epochs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load("linear_regression").main(["--epochs", epochs])
    losses = numbers(capsys.readouterr().out, r"loss (\S+)")
    assert losses[0] == pytest.approx(14.7220488, rel=1e-6)
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_mnist_digits(theme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "digits.png"
    few = ["--epochs", "2", "--samples", "600", "--theme", theme, "--output", str(picture)]
    accuracy = load("mnist_digits").main(few)
    assert accuracy == pytest.approx(0.7216667, abs=0.002)
    printed = capsys.readouterr().out
    assert "101,770" in printed, "the summary's number of parameters"
    assert "600 images never seen before: loss 0.94" in printed
    assert "the first is a 7; predicted: 7" in printed
    assert_is_a_report(picture)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_mnist_convnet(theme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "convnet.png"
    few = ["--epochs", "2", "--samples", "600", "--theme", theme, "--output", str(picture)]
    accuracy = load("mnist_convnet").main(few)
    assert accuracy == pytest.approx(0.4683333, abs=0.004)
    printed = capsys.readouterr().out
    assert "34,826" in printed, "the summary's number of parameters"
    assert "600 images never seen before: loss 2.09" in printed
    assert_is_a_report(picture)


def test_fashion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Digits in place of clothes: tests download nothing.
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", keras.datasets.mnist.load_data)
    picture = tmp_path / "clothes.png"
    example = load("fashion")
    accuracy = example.main(["--epochs", "2", "--samples", "600", "--output", str(picture)])
    assert accuracy == pytest.approx(0.7216667, abs=0.002)
    printed = capsys.readouterr().out
    assert "600 images never seen before: loss 0.94" in printed
    assert "sure of at least 90%: 5% of them" in printed
    assert_is_a_report(picture)
    assert len(example.CLASS_NAMES) == 10
    assert example.CLASS_NAMES[9] == "Ankle boot"


def test_tabular_functional(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "cars.png"
    example = load("tabular_functional")
    error = example.main(["--epochs", "2", "--cars", "2000", "--output", str(picture)])
    assert error == pytest.approx(0.3516348, rel=1e-5)
    printed = capsys.readouterr().out
    assert "3,777" in printed, "the summary's number of parameters"
    assert "this model: prices are 35.2% off; log loss of sales 0.638" in printed
    assert "averages: prices are 45.3% off; log loss of sales 0.667" in printed
    assert_is_a_report(picture)
    x, y, known = example.used_cars(4000, np.random.default_rng(0))
    assert y["log_price"] - known["log_price"] == pytest.approx(0, abs=0.5)
    assert y["sold"].mean() == pytest.approx(known["sold"].mean(), abs=0.03)
    assert {len(column) for column in x.values()} == {4000}


def test_backprop_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    difference = load("backprop_by_hand").main(["--steps", "201"])
    assert difference < 1e-6
    first, early, late = numbers(capsys.readouterr().out, r"\d+   (\S+)\n")
    assert first == pytest.approx(2.3, abs=0.3), "the loss of guessing, log 10"
    assert first > 2 * early > 2.5 * late


def test_custom_layer(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = load("custom_layer").main(["--epochs", "3", "--samples", "2000"])
    assert accuracy > 0.8
    printed = capsys.readouterr().out
    assert "The gradients of Swish agree" in printed
    assert numbers(printed, r"beta from \S+ to (\S+)\n")[0] > 1.05, "beta is trained; it was 1"


@pytest.mark.parametrize("shape", ["spirals", "moons", "circles"])
def test_playground(shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image = pytest.importorskip("PIL.Image")
    path = tmp_path / "boundary.gif"
    few = [shape, "--epochs", "4", "--frames", "3", "--samples", "60", "--output", str(path)]
    loss = load("playground").main(few)
    first, last = numbers(capsys.readouterr().out, r"(\d\.\d+)")
    assert last == pytest.approx(loss, abs=1e-4)
    assert last < first
    with Image.open(path) as image:
        assert image.size == (792, 378)
        assert image.n_frames >= 3
        assert image.info["loop"] == 0, "it starts over"


def test_playground_draws_two_classes_of_points() -> None:
    for shape in ("spirals", "moons", "circles"):
        x, y = load("playground").points(shape, 100)
        assert x.shape == (100, 2)
        assert np.bincount(y).tolist() == [50, 50]


def test_same_as_keras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "same.png"
    few = ["--epochs", "2", "--samples", "500", "--theme", "dark", "--output", str(path)]
    assert load("same_as_keras").main(few) < 1e-5
    head, *rows, accuracies, picture = capsys.readouterr().out.splitlines()
    assert picture == f"picture: {path}"
    assert head.split()[:3] == ["epoch", "loss", "in"]
    assert len(rows) == 2
    for row in rows:
        _, ours, theirs, difference, *_ = map(float, row.split())
        assert abs(ours - theirs) == pytest.approx(difference, abs=2e-8)
    assert accuracies == "accuracies: equal in every epoch"
    image = pytest.importorskip("matplotlib.image").imread(path)
    assert image.shape[:2] == (620, 1800)
    assert image[..., :3].std() > 0.05


def test_custom_layers_wrong_gradient_would_be_found() -> None:
    example = load("custom_layer")

    class Wrong(example.Swish):  # type: ignore[misc, name-defined]
        def backward(self, dy, ctx):
            return 1.01 * super().backward(dy, ctx)

    with pytest.raises(AssertionError):
        keras.inspection.check_gradients(Wrong(), np.ones((4, 5)))


def test_film_reviews(capsys: pytest.CaptureFixture[str]) -> None:
    example = load("film_reviews")
    reviews = example.main(["--number", "6"])
    printed = capsys.readouterr().out.splitlines()
    assert [line[2:] for line in printed] == reviews
    assert [line[0] for line in printed] == ["+", "-"] * 3
    reviews, labels = example.write(600)
    assert len(set(reviews)) == 600
    assert sum(labels) == 300
    assert example.write(600, seed=1) != (reviews, labels)


def test_film_reviews_mean_what_their_label_says() -> None:
    """Read by the grammar's rules: a word, turned around by what denies it, in the main clause."""
    example = load("film_reviews")
    for text, label in zip(*example.write(500), strict=True):
        body = re.sub(f"^({'|'.join(filter(None, example.OPENINGS))}) ", "", text)
        body = re.sub("^although .*?, |^granted, .*, yet ", "", body)
        body = re.sub(".*(?<!anything), but ", "", body)
        body = re.sub(", (even if|and it does not matter that) .*", "", body)
        words = [w for w in re.findall("[a-z]+", body) if w in example.PRAISE + example.BLAME]
        clauses = re.split("|".join(words), body)
        for before, word in zip(clauses, words, strict=False):
            denied = any(denial in before for denial in example.DENIALS)
            assert ((word in example.PRAISE) != denied) == label, text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_sentiment(theme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "sentiment.png"
    few = ["--epochs", "6", "--samples", "600", "--theme", theme, "--output", str(picture)]
    accuracy = load("text_sentiment").main(few)
    assert accuracy == pytest.approx(0.6666667, abs=0.01)
    printed = capsys.readouterr().out
    assert "by words: 61.7% of 120 reviews right, loss 0.660" in printed
    assert "by pairs: 66.7% of 120 reviews right, loss 0.608" in printed
    assert "54% in favour: the acting is superb" in printed
    image = pytest.importorskip("matplotlib.image").imread(picture)
    assert image.shape[:2] == (960, 1800)
    assert image[..., :3].std() > 0.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_timeseries_lstm(theme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "forecast.png"
    few = ["--epochs", "2", "--days", "60", "--theme", theme, "--output", str(picture)]
    lstm, yesterday = load("timeseries_lstm").main(few)
    # The windows come in another order than Keras's after the first epoch.
    assert lstm == pytest.approx(4.008, abs=0.05)
    assert yesterday == pytest.approx(2.510, abs=0.001)
    printed = capsys.readouterr().out
    assert "193 forecasts of days never seen before" in printed
    assert f"LSTM {lstm:.3f}, 'as yesterday' 2.510" in printed
    assert_is_a_report(picture)
