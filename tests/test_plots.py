"""The pictures: what stands in them, what they refuse, and that they leave matplotlib alone."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from scratchnn import plots

CURVES = {
    "accuracy": [0.5, 0.8, 0.9],
    "loss": [0.9, 0.5, 0.3],
    "val_accuracy": [0.6, 0.7, 0.75],
    "val_loss": [0.8, 0.6, 0.55],
}
ANIMALS = ["cat", "dog", "owl"]


def pixels(figure: Figure) -> np.ndarray:
    """The picture as it would be saved."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return imread(file)


def texts(axes: Any) -> dict[tuple[int, int], str]:
    """What is written in each cell (row, column) of a confusion matrix."""
    return {
        (round(t.get_position()[1]), round(t.get_position()[0])): t.get_text()
        for t in axes.texts
        if t.get_text() != "recall"
    }


def captions(figure: Any) -> list[str]:
    return [axes.get_xlabel() for axes in figure.axes if axes.get_visible()]


def some_predictions(n: int = 12, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and probabilities; every third prediction is wrong."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    predicted = np.where(np.arange(n) % 3 == 2, (y + 1) % classes, y)
    p = np.full((n, classes), 0.3 / (classes - 1))
    p[np.arange(n), predicted] = 0.7
    return rng.random((n, 8, 8)), y, p


class TestTrainingCurves:
    def test_each_metric_has_a_panel_the_loss_first(self) -> None:
        figure = plots.training_curves(CURVES)
        assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
        assert [axes.get_xlabel() for axes in figure.axes] == ["epoch", "epoch"]

    def test_lines_are_the_numbers_given_from_epoch_1(self) -> None:
        training, validation = plots.training_curves(CURVES).axes[0].lines
        assert (training.get_label(), training.get_linestyle()) == ("training", "-")
        assert (validation.get_label(), validation.get_linestyle()) == ("validation", "--")
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(training.get_ydata(), CURVES["loss"])
        np.testing.assert_array_equal(validation.get_ydata(), CURVES["val_loss"])

    @pytest.mark.parametrize("epochs", [1, 2, 7, 40, 500])
    def test_ticks_are_whole_epochs_and_there_is_no_epoch_0(self, epochs: int) -> None:
        axes = plots.training_curves({"loss": np.linspace(1, 0, epochs)}).axes[0]
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == int(tick) and tick >= 1 for tick in ticks)

    def test_a_history_object_keeps_its_own_epochs(self) -> None:
        history = SimpleNamespace(history={"loss": [0.3, 0.2]}, epoch=[5, 6])
        (line,) = plots.training_curves(history).axes[0].lines
        np.testing.assert_array_equal(line.get_xdata(), [6, 7])

    @pytest.mark.parametrize("freq", [2, [2, 4], (2, 4)])
    def test_validation_freq_places_the_points(self, freq: Any) -> None:
        values = {"loss": [5, 4, 3, 2, 1], "val_loss": [4.5, 2.5]}
        _, validation = plots.training_curves(values, validation_freq=freq).axes[0].lines
        np.testing.assert_array_equal(validation.get_xdata(), [2, 4])

    def test_several_runs_share_panels_and_one_legend(self) -> None:
        runs = {"SGD": CURVES, "Adam": SimpleNamespace(history=CURVES, epoch=[0, 1, 2])}
        figure = plots.training_curves(runs)
        loss = figure.axes[0]
        labels = [line.get_label() for line in loss.lines]
        assert labels == ["SGD", "SGD, validation", "Adam", "Adam, validation"]
        sgd, sgd_validation, adam, _ = loss.lines
        assert sgd.get_color() == sgd_validation.get_color() != adam.get_color()
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["SGD", "Adam", "validation"]

    def test_without_validation_there_is_no_word_of_it(self) -> None:
        figure = plots.training_curves({"loss": [1.0, 0.5]})
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training"]
        assert len(figure.axes[0].lines) == 1

    def test_metrics_chooses_and_orders(self) -> None:
        figure = plots.training_curves(CURVES, metrics=["accuracy"])
        assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy"]

    @pytest.mark.parametrize("count", range(1, 9))
    def test_there_are_as_many_panels_as_metrics(self, count: int) -> None:
        values = {f"metric_{i}": [1.0, 2.0] for i in range(count)}
        figure = plots.training_curves(values)
        assert [axes.get_ylabel() for axes in figure.axes] == [f"metric {i}" for i in range(count)]

    def test_a_loss_that_is_not_a_number_leaves_a_gap(self) -> None:
        figure = plots.training_curves({"loss": [1.0, float("nan"), 0.5]})
        assert pixels(figure).size

    @pytest.mark.parametrize("empty", [{}, SimpleNamespace(history={}, epoch=[]), [0.5, 0.3], None])
    def test_nothing_recorded_is_an_error(self, empty: Any) -> None:
        with pytest.raises(ValueError, match="Expected history to be what `fit` returned"):
            plots.training_curves(empty)

    def test_a_number_is_no_series(self) -> None:
        with pytest.raises(ValueError, match=r"history\['loss'\] to be a list"):
            plots.training_curves({"loss": 0.5})

    def test_an_unknown_metric_names_its_neighbour(self) -> None:
        with pytest.raises(ValueError, match=r"no metric 'acuracy'. Did you mean 'accuracy'\?"):
            plots.training_curves(CURVES, metrics=["acuracy"])

    @pytest.mark.parametrize("metrics", ["loss", []])
    def test_metrics_must_be_a_list(self, metrics: Any) -> None:
        with pytest.raises(ValueError, match="metrics must be a list of names"):
            plots.training_curves(CURVES, metrics=metrics)

    def test_lengths_that_do_not_fit_are_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"to have 3 values, one per epoch. Received: 2"):
            plots.training_curves({"loss": [3, 2, 1], "val_loss": [3, 2]})


class TestPredictionGrid:
    def test_captions_give_class_and_confidence_and_mark_the_wrong(self) -> None:
        x, y, p = some_predictions(3)
        figure = plots.prediction_grid(x, p, y, ANIMALS)
        assert captions(figure) == ["cat (70%)", "dog (70%)", "✗ cat (70%)\ntrue: owl"]

    def test_only_the_wrong_ones_are_framed_in_red(self) -> None:
        x, y, p = some_predictions(3)
        framed = [axes.spines["top"] for axes in plots.prediction_grid(x, p, y).axes]
        colors = [to_hex(spine.get_edgecolor()) for spine in framed]
        assert colors[0] == colors[1] != colors[2] == "#cf222e"
        assert framed[2].get_linewidth() > framed[0].get_linewidth()

    def test_a_model_is_never_quite_sure(self) -> None:
        p = np.array([[0.9949, 0.0051], [0.9951, 0.0049], [1.0, 0.0]], np.float32)
        figure = plots.prediction_grid(np.zeros((3, 4, 4)), p)
        assert captions(figure) == ["0 (99%)", "0 (>99%)", "0 (>99%)"]

    def test_without_labels_nothing_is_marked(self) -> None:
        x, _, p = some_predictions(3)
        assert captions(plots.prediction_grid(x, p)) == ["0 (70%)", "1 (70%)", "0 (70%)"]

    def test_long_names_go_on_their_own_line_and_are_cut(self) -> None:
        x, y, p = some_predictions(3)
        long = ["ankle boot", "dog", "an uncommonly long name of a class"]
        figure = plots.prediction_grid(x, p, y, long)
        first, _, wrong = captions(figure)
        assert first == "ankle boot\n70%"
        assert wrong.startswith("✗ ankle boot\n70%\ntrue: an uncommonly")
        assert wrong.endswith("…")

    @pytest.mark.parametrize(("rows", "columns", "shown"), [(2, 3, 6), (1, 4, 4), (4, 6, 12)])
    def test_the_grid_holds_no_more_than_there_is(
        self, rows: int, columns: int, shown: int
    ) -> None:
        x, y, p = some_predictions(12)
        figure = plots.prediction_grid(x, p, y, rows=rows, columns=columns)
        assert len(captions(figure)) == shown

    def test_a_half_empty_last_row_is_hidden(self) -> None:
        x, _, p = some_predictions(4)
        figure = plots.prediction_grid(x, p, columns=3)
        assert (len(figure.axes), len(captions(figure))) == (6, 4)

    @pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (3, 8, 6, 3)])
    def test_gray_and_color_images(self, shape: tuple[int, ...]) -> None:
        p = some_predictions(3)[2]
        x = np.random.default_rng(0).random(shape)
        drawn = plots.prediction_grid(x, p).axes[1].images[0].get_array()
        np.testing.assert_array_equal(drawn, x[1].reshape(drawn.shape))

    @pytest.mark.parametrize(
        ("x", "shades"),
        [
            (np.array([0, 51, 255], np.uint8), [0, 0.2, 1]),
            (np.array([0.1, 0.5, 0.9]), [0.1, 0.5, 0.9]),
            (np.array([-1.0, 0.0, 1.0]), [0, 0.5, 1]),
            (np.array([0, 4, 16]), [0, 0.25, 1]),
        ],
    )
    def test_values_are_brought_to_black_and_white(self, x: np.ndarray, shades: list) -> None:
        figure = plots.prediction_grid(x.reshape(1, 1, 3), [[1.0]])
        np.testing.assert_allclose(figure.axes[0].images[0].get_array(), [shades])

    @pytest.mark.parametrize("y", [[0, 1], [[0], [1]], [[1, 0], [0, 1]], [0.0, 1.0]])
    def test_labels_in_a_row_a_column_or_one_hot(self, y: list) -> None:
        figure = plots.prediction_grid(np.zeros((2, 4, 4)), [[0.9, 0.1], [0.9, 0.1]], y)
        assert captions(figure) == ["0 (90%)", "✗ 0 (90%)\ntrue: 1"]

    def test_a_sigmoid_has_two_classes(self) -> None:
        figure = plots.prediction_grid(np.zeros((2, 4, 4)), [[0.9], [0.25]], [1, 1])
        assert captions(figure) == ["1 (90%)", "✗ 0 (75%)\ntrue: 1"]

    @pytest.mark.parametrize("shape", [(3, 64), (8, 8), (3, 8, 8, 2), (0, 8, 8)])
    def test_what_is_no_image_is_an_error(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=r"Expected images x of shape \(N, H, W\)"):
            plots.prediction_grid(np.zeros(shape), np.full((3, 2), 0.5))

    @pytest.mark.parametrize("p", [np.zeros((4, 2)), np.zeros(3), np.zeros((3, 2, 1))])
    def test_probabilities_need_a_row_per_image(self, p: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"Expected probabilities of shape \(3, C\)"):
            plots.prediction_grid(np.zeros((3, 8, 8)), p)

    @pytest.mark.parametrize("value", [3.5, -2.0, float("nan")])
    def test_logits_are_an_error(self, value: float) -> None:
        with pytest.raises(ValueError, match=r"between 0 and 1.*Logits need a softmax"):
            plots.prediction_grid(np.zeros((1, 8, 8)), [[0.5, value]])

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([0, 1], r"y to hold 3 labels"),
            ([0, 1, 3], r"y to be in 0 to 2. Received: labels from 0 to 3"),
            ([0, -1, 1], r"y to be in 0 to 2. Received: labels from -1 to 1"),
            ([0, 0.5, 1], "y to hold class numbers"),
            (["cat", "dog", "owl"], "y to hold class numbers"),
        ],
    )
    def test_labels_that_do_not_fit_are_an_error(self, y: list, message: str) -> None:
        x, _, p = some_predictions(3)
        with pytest.raises(ValueError, match=message):
            plots.prediction_grid(x, p, y)

    def test_names_that_do_not_fit_are_an_error(self) -> None:
        x, y, p = some_predictions(3)
        with pytest.raises(ValueError, match=r"class_names to have 3 names.*Received: 2"):
            plots.prediction_grid(x, p, y, ["cat", "dog"])

    def test_a_grid_has_a_cell(self) -> None:
        x, y, p = some_predictions(3)
        with pytest.raises(ValueError, match="rows and columns must be at least 1"):
            plots.prediction_grid(x, p, y, rows=0)


class TestConfusionMatrix:
    TRUE = (0, 0, 0, 1, 1, 2, 2, 2, 2)
    PREDICTED = (0, 0, 1, 1, 1, 0, 0, 0, 2)

    def test_counts_stand_in_their_cells_and_zeros_are_left_out(self) -> None:
        axes = plots.confusion_matrix(self.TRUE, self.PREDICTED).axes[0]
        expected = {(0, 0): "2", (0, 1): "1", (1, 1): "2", (2, 0): "3", (2, 2): "1"}
        assert texts(axes) == expected

    def test_axes_say_which_is_which(self) -> None:
        axes = plots.confusion_matrix(self.TRUE, self.PREDICTED, ANIMALS).axes[0]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
        assert [label.get_text() for label in axes.get_xticklabels()] == ANIMALS
        assert [label.get_text() for label in axes.get_yticklabels()] == ANIMALS
        assert axes.get_title(loc="left") == "5 of 9 right (55.56%)"

    def test_recall_of_each_class(self) -> None:
        figure = plots.confusion_matrix(self.TRUE, self.PREDICTED, [*ANIMALS, "yak"])
        figure.draw_without_rendering()
        (recall,) = figure.axes[0].child_axes
        shares = [label.get_text() for label in recall.get_yticklabels()]
        assert shares == ["66.7%", "100.0%", "25.0%", "–"]

    def test_only_mistakes_are_coloured_more_for_more(self) -> None:
        y = np.repeat([0, 1, 2], 1000)
        predicted = y.copy()
        predicted[:2] = 1
        predicted[1000:1008] = 2
        picture = plots.confusion_matrix(y, predicted).axes[0].images[0].get_array()
        colors = [[to_hex(cell) for cell in row] for row in np.asarray(picture)]
        assert colors[0][0] == colors[1][1] == colors[2][2] == "#e6eef7"
        assert colors[1][2] == "#cf222e"
        assert colors[1][0] == colors[2][0] == "#ffffff"
        assert colors[1][2] != colors[0][1] != "#ffffff"

    @pytest.mark.parametrize(
        ("y_true", "y_pred"),
        [
            ([[1, 0], [0, 1], [0, 1]], [0, 1, 0]),
            ([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]),
            ([0, 1, 1], [[3.0, -1.0], [0.0, 2.5], [0.2, 0.1]]),
            ([[0], [1], [1]], [[0.1], [0.8], [0.5]]),
            ([0, 1, 1], np.array([0.1, 0.8, 0.2], np.float32)),
            ([0.0, 1.0, 1.0], [False, True, False]),
        ],
    )
    def test_all_that_predict_gives(self, y_true: Any, y_pred: Any) -> None:
        axes = plots.confusion_matrix(y_true, y_pred).axes[0]
        assert texts(axes) == {(0, 0): "1", (1, 0): "1", (1, 1): "1"}

    def test_many_classes_drop_numbers_and_names_not_colours(self) -> None:
        y = np.arange(300)
        axes = plots.confusion_matrix(y, np.roll(y, 1)).axes[0]
        assert texts(axes) == {}
        assert len(axes.get_xticks()) < 150
        picture = np.asarray(axes.images[0].get_array())
        assert to_hex(picture[1, 0]) == "#cf222e"

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_numbers_stand_out_from_their_cells(self, theme: str) -> None:
        y = np.repeat(np.arange(12), 12)
        predicted = np.concatenate([[0] * n + [n] * (12 - n) for n in range(12)])
        axes = plots.confusion_matrix(y, predicted, theme=theme).axes[0]
        picture = np.asarray(axes.images[0].get_array())
        for (row, column), text in zip(texts(axes), axes.texts, strict=False):
            cell, ink = (
                np.array(to_rgb(color)) ** 2.2 @ (0.2126, 0.7152, 0.0722)
                for color in (picture[row, column, :3], text.get_color())
            )
            contrast = (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05)
            assert contrast > 3.5, (row, column)

    def test_large_counts_get_smaller_print(self) -> None:
        few = plots.confusion_matrix(np.arange(10), np.arange(10)).axes[0].texts[0]
        y = np.repeat(np.arange(10), 12_345)
        many = plots.confusion_matrix(y, y).axes[0].texts[0]
        assert many.get_text() == "12,345"
        assert many.get_fontsize() < few.get_fontsize()

    @pytest.mark.parametrize(
        ("y_true", "y_pred", "message"),
        [
            ([0, 1], [0, 1, 1], "y_pred to hold 2 labels"),
            ([0, 1], [[0.5, 0.5]], "y_pred to hold 2 labels"),
            ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "y_true to be in 0 to 1"),
            ([0, -1], [0, 1], "y_true to be in 0 to C - 1. Received: labels from -1"),
            (["a", "b"], [0, 1], "y_true to hold class numbers"),
            ([], [], "at least one label"),
        ],
    )
    def test_what_does_not_fit_is_an_error(self, y_true: list, y_pred: list, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            plots.confusion_matrix(y_true, y_pred)

    def test_a_label_without_a_name_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="y_true to be in 0 to 1"):
            plots.confusion_matrix([0, 2], [0, 1], ["cat", "dog"])

    def test_names_must_match_the_columns(self) -> None:
        with pytest.raises(ValueError, match="class_names to have 3 names"):
            plots.confusion_matrix([0, 1], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], ["cat", "dog"])


class TestClassifierReport:
    def test_holds_curves_matrix_predictions_and_mistakes(self) -> None:
        x, y, p = some_predictions(12)
        p[2] = [0.95, 0.02, 0.03]  # the surest mistake: an owl taken for a cat
        figure = plots.classifier_report(CURVES, x, y, p, ANIMALS)
        top, first, mistakes = figure.subfigs
        curves, matrix = top.subfigs
        assert [axes.get_ylabel() for axes in curves.axes] == ["loss", "accuracy"]
        assert matrix.axes[0].get_title(loc="left") == "8 of 12 right (66.67%)"
        assert first.get_suptitle() == "First test images"
        assert len(captions(first)) == 8
        assert captions(first)[:2] == ["cat (70%)", "dog (70%)"]
        assert mistakes.get_suptitle() == "Mistakes made with the most confidence"
        assert len(captions(mistakes)) == 4
        assert captions(mistakes)[0] == "✗ cat (95%)\ntrue: owl"
        assert all(caption.startswith("✗") for caption in captions(mistakes))

    def test_a_perfect_model_has_no_row_of_mistakes(self) -> None:
        x, y, _ = some_predictions(4)
        figure = plots.classifier_report(CURVES, x, y, np.eye(3)[y])
        assert len(figure.subfigs) == 2

    def test_it_is_as_wide_as_a_readme_and_nothing_is_cut_off(self) -> None:
        x, y, p = some_predictions(12)
        figure = plots.classifier_report(CURVES, x, y, p, ["T-shirt/top", "Ankle boot", "Dress"])
        picture = pixels(figure)
        assert picture.shape[1] == 900
        border = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
        assert all((edge == 1).all() for edge in border), "something touches the edge"

    def test_errors_are_those_of_its_parts(self) -> None:
        x, y, p = some_predictions(12)
        with pytest.raises(ValueError, match="Expected images x"):
            plots.classifier_report(CURVES, x.reshape(12, 64), y, p)
        with pytest.raises(ValueError, match="class_names to have 3 names"):
            plots.classifier_report(CURVES, x, y, p, [*ANIMALS, "yak"])
        with pytest.raises(ValueError, match="Expected history"):
            plots.classifier_report({}, x, y, p)


def every_figure(theme: str) -> list[Figure]:
    x, y, p = some_predictions(12)
    return [
        plots.training_curves(CURVES, theme=theme),
        plots.prediction_grid(x, p, y, theme=theme),
        plots.confusion_matrix(y, p, theme=theme),
        plots.classifier_report(CURVES, x, y, p, theme=theme),
        plots.forecast_report(CURVES, x[:, 0], p, {"a": p + 1, "b": p - 1}, "level", theme),
    ]


@pytest.mark.parametrize(("theme", "page"), [("light", "#ffffff"), ("dark", "#0d1117")])
def test_every_picture_has_the_page_of_its_theme(theme: str, page: str) -> None:
    for figure in every_figure(theme):
        assert to_hex(pixels(figure)[0, 0]) == page


def test_an_unknown_theme_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"theme must be one of \('light', 'dark'\)"):
        plots.training_curves(CURVES, theme="blue")


def test_no_text_lies_over_another() -> None:
    x, y, p = some_predictions(12, classes=10)
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
    names += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    figure = plots.classifier_report(CURVES, x, y, p, names)
    figure.draw_without_rendering()
    seen: list[tuple[str, Any]] = []
    for axes in (axes for axes in figure.axes if axes.get_visible()):
        low, high = sorted(axes.get_ylim())
        places = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
        labels = [label for place, label in places if low <= place <= high]
        labels += [axes.xaxis.label, axes.yaxis.label, axes._left_title, *axes.texts]
        for text in (t for t in labels if t.get_text()):
            box = text.get_window_extent()
            for other, taken in seen:
                assert not box.overlaps(taken), f"{text.get_text()!r} is on {other!r}"
            seen.append((text.get_text(), box))


def test_the_users_settings_neither_matter_nor_change() -> None:
    expected = pixels(plots.training_curves(CURVES))
    with matplotlib.rc_context({"axes.facecolor": "red", "text.color": "red", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        figure = plots.training_curves(CURVES)
        assert dict(matplotlib.rcParams) == before
        np.testing.assert_array_equal(pixels(figure), expected)


def test_a_notebook_can_show_a_figure() -> None:
    png = plots.training_curves(CURVES)._repr_png_()  # type: ignore[attr-defined]
    assert imread(io.BytesIO(png)).shape[:2] == (310, 900)


def test_pyplot_is_never_imported() -> None:
    code = (
        "import sys; from scratchnn import plots; assert 'matplotlib' not in sys.modules; "
        "plots.confusion_matrix([0, 1], [0, 1]).savefig(__import__('io').BytesIO()); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plots.__file__).parents[2])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: Any) -> None:
    real_import = builtins.__import__

    def no_matplotlib(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(ImportError, match=r'pip install "scratchnn\[plot\]"'):
        plots.training_curves(CURVES)


# --- forecasts


def test_forecast_report_draws_what_was_said_beside_what_came():
    rng = np.random.default_rng(0)
    past, truth = rng.normal(size=(9, 4)), rng.normal(size=(9, 3))
    said = {"mine": truth + 1, "naive": truth - [2, 3, 4]}
    figure = plots.forecast_report({"loss": [3, 2, 1]}, past, truth, said, "level")
    forecasts, errors = figure.axes[:3], figure.axes[3]
    assert [axes.get_title("left") for axes in forecasts] == [
        "forecast 3",
        "forecast 5",
        "forecast 7",
    ]
    assert forecasts[0].get_ylabel() == "level"
    for axes, number in zip(forecasts, (2, 4, 6), strict=True):
        came, mine, naive = axes.lines
        np.testing.assert_array_equal(came.get_xdata(), [-3, -2, -1, 0, 1, 2, 3])
        np.testing.assert_array_equal(came.get_ydata(), [*past[number], *truth[number]])
        np.testing.assert_array_equal(mine.get_ydata(), truth[number] + 1)
        np.testing.assert_array_equal(naive.get_xdata(), [1, 2, 3])
    mine, naive = errors.lines
    np.testing.assert_allclose(mine.get_ydata(), [1, 1, 1])
    np.testing.assert_allclose(naive.get_ydata(), [2, 3, 4])
    assert list(figure.axes[4].lines[0].get_ydata()) == [3, 2, 1]
    one = plots.forecast_report({"loss": [1]}, past[:1], truth[:1], {"a": truth[:1]}, theme="dark")
    assert [axes.get_title("left") for axes in one.axes[:2]] == [
        "forecast 1",
        "mean error by steps ahead",
    ]


@pytest.mark.parametrize(
    ("past", "truth", "said", "text"),
    [
        ((4, 2), (4, 3), {}, "forecasts of the shape of the truth"),
        ((4, 2), (4, 3), {"a": (4, 2)}, r"forecasts \{'a': \(4, 2\)\}"),
        ((4,), (4, 3), {"a": (4, 3)}, r"Received: past \(4,\)"),
        ((3, 2), (4, 3), {"a": (4, 3)}, "as many pasts as truths.* Received: 3 and 4"),
    ],
)
def test_forecast_report_wants_shapes_that_fit(past, truth, said, text):
    forecasts = {name: np.zeros(shape) for name, shape in said.items()}
    with pytest.raises(ValueError, match=text):
        plots.forecast_report({"loss": [1]}, np.zeros(past), np.zeros(truth), forecasts)


def texts_of_ticks(figure):
    figure.draw_without_rendering()
    return [
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels()
        if label.get_text() and label.get_visible()
    ]


def contrast(a, b):
    def light(color):
        parts = np.array(to_rgb(color))
        parts = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(parts @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_number_at_an_axis_is_legible(theme):
    truth = np.ones((3, 4))
    drawn = [
        plots.training_curves(CURVES, theme=theme),
        plots.confusion_matrix([0, 1, 2], [0, 1, 1], theme=theme),
        plots.learning_rate(0.1, 10, theme=theme),
        plots.activation_functions(theme=theme),
        plots.embedding_plane(["a", "b"], [[1.0, 2.0], [-1.0, 0.0]], [1, 0], theme=theme),
        plots.forecast_report(CURVES, truth, truth, {"mine": truth}, theme=theme),
        plots.table_report(
            CURVES, ([1, 2, 3], [1, 2, 2]), ([0, 1, 1], [0.1, 0.8, 0.9]), {"a": 1}, theme=theme
        ),
    ]
    for figure in drawn:
        labels = texts_of_ticks(figure)
        assert labels
        for label in labels:
            assert contrast(label.get_color(), figure.get_facecolor()[:3]) > 4.5, label


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_no_forecast_is_drawn_twice(count):
    truth = np.ones((count, 4))
    figure = plots.forecast_report(CURVES, truth, truth, {"mine": truth})
    titles = [axes.get_title("left") for axes in figure.axes]
    forecasts = [title for title in titles if title.startswith("forecast")]
    assert len(set(forecasts)) == len(forecasts) == min(count, 3)


def test_images_of_one_shade():
    figure = plots.prediction_grid(np.full((1, 4, 4), 255.0), np.ones((1, 2)) / 2)
    assert np.isfinite(figure.axes[0].images[0].get_array()).all()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.training_curves({"loss": ["a"]}), r"history\['loss'\] to be a list of num"),
        (lambda: plots.training_curves({"loss": []}), "at least one epoch"),
        (lambda: plots.training_curves({"loss": [[1.0]]}), r"history\['loss'\] to be a list"),
        (lambda: plots.first_layer_weights("model"), "Expected a model or a layer"),
        (lambda: plots.save_animation([], "film.mp4"), "ends in .gif"),
        (lambda: plots.save_animation([], "film.gif", fps=0), "fps above 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
