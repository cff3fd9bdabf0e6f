"""Pictures of models, schedules and functions: what they show, of both libraries' objects."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread

import scratchnn
from scratchnn import activations, naming, plots
from scratchnn.layers import Conv2D, Dense, Flatten, MaxPooling2D
from scratchnn.optimizers import Adam, schedules

libraries = pytest.mark.parametrize("k", [scratchnn, keras], ids=["ours", "keras"])


def pixels(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return imread(file)


def convnet(k):
    return k.Sequential(
        [
            k.Input((10, 10, 1)),
            k.layers.Conv2D(4, 3, name="conv"),
            k.layers.MaxPooling2D(2, name="pool"),
            k.layers.Flatten(name="flat"),
            k.layers.Dense(2, "softmax", name="last"),
        ]
    )


def titles(figure):
    found = [axes.get_title(loc="left") for axes in figure.axes]
    return [title for title in found if title]


class TestFirstLayerWeights:
    @libraries
    def test_a_dense_kernel_is_an_image_per_unit(self, k):
        model = k.Sequential([k.Input((4, 4)), k.layers.Flatten(), k.layers.Dense(3, name="d")])
        kernel = np.asarray(model.get_weights()[0])
        figure = plots.first_layer_weights(model)
        images = [axes.images[0] for axes in figure.axes[:3]]
        for unit, image in enumerate(images):
            np.testing.assert_array_equal(image.get_array(), kernel[:, unit].reshape(4, 4))
            assert image.get_clim() == pytest.approx((-np.abs(kernel).max(), np.abs(kernel).max()))
        assert figure.get_suptitle() == "d: the weights of 3 units"

    @libraries
    def test_a_convolutions_kernel(self, k):
        model = convnet(k)
        kernel = np.asarray(model.get_weights()[0])
        figure = plots.first_layer_weights(model)
        for unit in range(4):
            drawn = figure.axes[unit].images[0].get_array()
            np.testing.assert_array_equal(drawn, kernel[:, :, 0, unit])

    def test_three_channels_are_drawn_in_colour_grey_at_zero(self):
        layer = Conv2D(2, 2)
        layer.build((None, 5, 5, 3))
        kernel = np.zeros((2, 2, 3, 2))
        kernel[0, 0, 0, 0], kernel[1, 1, 2, 1] = 2.0, -2.0
        layer.kernel.assign(kernel)
        first, second = (
            np.asarray(a.images[0].get_array()) for a in plots.first_layer_weights(layer).axes
        )
        np.testing.assert_array_equal(first[0, 0], [1, 0.5, 0.5])
        np.testing.assert_array_equal(second[1, 1], [0.5, 0.5, 0])
        np.testing.assert_array_equal(first[1, 1], [0.5, 0.5, 0.5])

    def test_of_many_channels_the_means_are_drawn_and_it_says_so(self):
        layer = Conv2D(2, 2, name="deep")
        layer.build((None, 5, 5, 6))
        figure = plots.first_layer_weights(layer)
        expected = layer.kernel.value.mean(axis=2)[..., 1]
        np.testing.assert_allclose(figure.axes[1].images[0].get_array(), expected, rtol=1e-6)
        assert figure.get_suptitle() == "deep: the weights of 2 units, means over 6 channels"

    def test_the_most_units(self):
        layer = Dense(40, name="d")
        layer.build((None, 9))
        figure = plots.first_layer_weights(layer, most=10, columns=4)
        assert sum(bool(axes.images) and axes.get_visible() for axes in figure.axes[:12]) == 10
        assert figure.get_suptitle() == "d: the weights of the first 10 of 40 units"

    def test_shape(self):
        layer = Dense(1)
        layer.build((None, 12))
        drawn = plots.first_layer_weights(layer, shape=(3, 4)).axes[0].images[0].get_array()
        assert drawn.shape == (3, 4)
        assert plots.first_layer_weights(layer).axes[0].images[0].get_array().shape == (2, 2, 3)
        with pytest.raises(ValueError, match=r"of 12 numbers. Received: shape=\(5, 2\)"):
            plots.first_layer_weights(layer, shape=(5, 2))
        other = Dense(1)
        other.build((None, 11))
        with pytest.raises(ValueError, match="11 numbers, which are no square image"):
            plots.first_layer_weights(other)

    def test_a_model_within_a_model(self):
        inner = scratchnn.Sequential([scratchnn.Input((4,)), Dense(2, name="deep")])
        figure = plots.first_layer_weights(scratchnn.Sequential([scratchnn.Input((4,)), inner]))
        assert figure.get_suptitle().startswith("deep:")

    def test_refusals(self):
        with pytest.raises(ValueError, match="Expected a model with a layer that has a kernel"):
            plots.first_layer_weights(scratchnn.Sequential([scratchnn.Input((4,)), Flatten()]))
        layer = Dense(1)
        layer.build((None, 4))
        with pytest.raises(ValueError, match="must be at least 1"):
            plots.first_layer_weights(layer, most=0)


class TestFeatureMaps:
    @libraries
    def test_a_row_for_each_layer_that_returns_images(self, k):
        model = convnet(k)
        image = np.random.default_rng(0).normal(size=(10, 10)).astype("float32")
        figure = plots.feature_maps(model, image, maps=3)
        assert titles(figure) == ["image, 10 × 10", "conv, 8 × 8 × 4", "pool, 4 × 4 × 4"]
        y = np.asarray(model.layers[0](image[None, ..., None]))[0]
        channel = int(figure.axes[1].get_xlabel().removeprefix("channel "))
        spread = y.reshape(-1, 4).std(axis=0)
        assert channel == spread.argmax()
        np.testing.assert_allclose(figure.axes[1].images[0].get_array(), y[..., channel], atol=1e-5)

    def test_both_libraries_draw_the_same(self):
        ours, theirs = convnet(scratchnn), convnet(keras)
        ours.set_weights(theirs.get_weights())
        image = np.random.default_rng(0).normal(size=(10, 10)).astype("float32")
        figures = [plots.feature_maps(model, image) for model in (ours, theirs)]
        assert np.abs(pixels(figures[0]) - pixels(figures[1])).max() < 0.02

    def test_layers_are_chosen_by_name(self):
        model = convnet(scratchnn)
        figure = plots.feature_maps(model, np.ones((10, 10, 1)), layers=["pool"])
        assert titles(figure)[1:] == ["pool, 4 × 4 × 4"]
        with pytest.raises(ValueError, match=r"no layer 'pol'. Did you mean 'pool'\?"):
            plots.feature_maps(model, np.ones((10, 10)), layers=["pol"])
        with pytest.raises(
            ValueError, match=r"no layer whose output is an image.*'last': \(1, 2\)"
        ):
            plots.feature_maps(model, np.ones((10, 10)), layers=["last"])

    def test_the_model_is_left_as_it_was(self):
        model = scratchnn.Sequential([Conv2D(2, 3), MaxPooling2D(2)])
        names = naming._used.copy()
        plots.feature_maps(model, np.ones((8, 8)))
        assert not model.built
        assert naming._used == names

    def test_refusals(self):
        with pytest.raises(ValueError, match="one image of shape"):
            plots.feature_maps(convnet(scratchnn), np.ones((2, 10, 10, 1)))
        with pytest.raises(ValueError, match="maps must be at least 1"):
            plots.feature_maps(convnet(scratchnn), np.ones((10, 10)), maps=0)
        with pytest.raises(ValueError, match="Expected a model"):
            plots.feature_maps("model", np.ones((10, 10)))


POINTS = np.array([[-1.0, -1.0], [-0.5, 0.5], [0.5, -0.5], [1.0, 1.0]])


def right_half(x):
    return 1 / (1 + np.exp(-8 * x[:, :1]))


class TestDecisionBoundary:
    def test_colours_follow_the_likeliest_class_and_how_sure_it_is(self):
        figure = plots.decision_boundary(right_half, POINTS, [0, 0, 1, 1], class_names=["L", "R"])
        (axes,) = figure.axes
        picture = np.asarray(axes.images[0].get_array())
        blue, orange = (np.array(to_rgb(color)) for color in ("#0969da", "#d4690f"))
        for column, color in ((0, blue), (-1, orange)):
            np.testing.assert_allclose(picture[5, column], 0.45 * color + 0.55, atol=0.01)
        middle = picture[5, picture.shape[1] // 2]
        assert (middle > 0.85).all(), "where it is not sure it is nearly the page"
        assert axes.get_title(loc="left") == "4 of 4 right (100.00%)"
        assert [t.get_text() for t in figure.legends[0].get_texts()] == ["L", "R"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("x₁", "x₂")

    def test_the_line_is_where_the_classes_are_equal(self):
        (axes,) = plots.decision_boundary(right_half, POINTS, [0, 0, 1, 1]).axes
        line = axes.collections[0].get_paths()[0].vertices
        np.testing.assert_allclose(line[:, 0], 0, atol=0.01)

    def test_every_sample_is_drawn_in_the_colour_of_its_class(self):
        (axes,) = plots.decision_boundary(right_half, POINTS, [0, 1, 1, 1]).axes
        dots = [c for c in axes.collections if len(c.get_offsets()) and c.get_zorder() == 3]
        assert [len(c.get_offsets()) for c in dots] == [1, 3]
        assert [to_hex(c.get_facecolor()[0]) for c in dots] == ["#0969da", "#d4690f"]
        assert axes.get_title(loc="left") == "3 of 4 right (75.00%)"

    @libraries
    def test_models_of_both_libraries(self, k):
        model = k.Sequential([k.Input((2,)), k.layers.Dense(3, "softmax")])
        model.set_weights([np.array([[4.0, 0, -4], [0, 4, -4]]), np.zeros(3)])
        labels = np.asarray(model(POINTS.astype("float32"))).argmax(axis=1)
        figure = plots.decision_boundary(model, POINTS, np.eye(3)[labels])
        assert figure.axes[0].get_title(loc="left") == "4 of 4 right (100.00%)"

    def test_the_loss_beside_it(self):
        history = {"accuracy": [0.5, 0.9], "loss": [1.0, 0.5]}
        figure = plots.decision_boundary(
            right_half, POINTS, [0, 0, 1, 1], history=history, title="t"
        )
        boundary, loss = figure.axes
        assert boundary.get_title(loc="left") == "t"
        assert loss.get_ylabel() == "loss"
        np.testing.assert_array_equal(loss.lines[0].get_ydata(), [1.0, 0.5])
        assert pixels(figure).shape[1] == 900

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"of shape \(N, 2\).*\(4, 3\)"):
            plots.decision_boundary(right_half, np.ones((4, 3)), [0, 0, 1, 1])
        with pytest.raises(ValueError, match="Logits need a softmax"):
            plots.decision_boundary(lambda x: 5 * x, POINTS, [0, 0, 1, 1])
        with pytest.raises(ValueError, match=r"model with predict\(x\), or a function"):
            plots.decision_boundary("model", POINTS, [0, 0, 1, 1])
        with pytest.raises(ValueError, match="two feature_names"):
            plots.decision_boundary(right_half, POINTS, [0, 0, 1, 1], feature_names=["a"])


class TestLearningRate:
    @pytest.mark.parametrize(
        "library", [schedules, keras.optimizers.schedules], ids=["ours", "keras"]
    )
    def test_a_schedule_is_drawn_over_the_steps_it_decays(self, library):
        schedule = library.CosineDecay(0.0, 80, warmup_target=0.5, warmup_steps=20)
        (axes,) = plots.learning_rate(schedule).axes
        x, y = axes.lines[0].get_data()
        assert x[-1] == 110
        np.testing.assert_allclose(y[[0, 20, 100]], [0, 0.5, 0], atol=1e-7)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "learning rate")
        assert not axes.figure.legends

    @pytest.mark.parametrize(
        ("schedule", "last"),
        [
            (schedules.PiecewiseConstantDecay([40, 100], [1.0, 0.5, 0.1]), 125),
            (schedules.ExponentialDecay(0.1, 100, 0.5), 550),
            (schedules.CosineDecayRestarts(0.1, 50), 220),
            (schedules.PolynomialDecay(0.1, 100), 110),
            (Adam(schedules.PolynomialDecay(0.1, 100)), 110),
            (keras.optimizers.Adam(keras.optimizers.schedules.PolynomialDecay(0.1, 100)), 110),
            (lambda step: 0.1 / (step + 1), 1000),
            (0.01, 1000),
            (Adam(0.01), 1000),
            (keras.optimizers.Adam(0.01), 1000),
        ],
    )
    def test_how_many_steps(self, schedule, last):
        x, y = plots.learning_rate(schedule).axes[0].lines[0].get_data()
        assert x[-1] == last
        assert np.isfinite(y).all()

    def test_several_have_a_legend_and_the_longest_counts(self):
        figure = plots.learning_rate({"a": 0.1, "b": schedules.PolynomialDecay(0.1, 2000)})
        assert [t.get_text() for t in figure.legends[0].get_texts()] == ["a", "b"]
        assert figure.axes[0].lines[0].get_xdata()[-1] == 2200
        assert plots.learning_rate(0.1, steps=7).axes[0].lines[0].get_xdata()[-1] == 7

    def test_refusals(self):
        with pytest.raises(ValueError, match="an empty dict"):
            plots.learning_rate({})
        with pytest.raises(ValueError, match="Expected a schedule"):
            plots.learning_rate("fast")
        with pytest.raises(ValueError, match="steps must be at least 1"):
            plots.learning_rate(0.1, steps=0)


class TestActivationFunctions:
    def test_each_has_a_panel_with_its_values_and_its_gradient(self):
        figure = plots.activation_functions(["tanh", "sigmoid"], x_range=(-2, 2))
        assert titles(figure) == ["tanh", "sigmoid"]
        for axes, f in zip(figure.axes, (np.tanh, lambda x: 1 / (1 + np.exp(-x))), strict=True):
            x, y = axes.lines[2].get_data()
            np.testing.assert_allclose(y, f(x), atol=1e-6)
            slopes = np.gradient(f(x), x)
            np.testing.assert_allclose(axes.lines[3].get_ydata()[1:-1], slopes[1:-1], atol=1e-4)
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["f(x)", "gradient f'(x)"]

    def test_a_gradient_that_jumps_is_drawn_in_pieces(self):
        (axes,) = plots.activation_functions("relu").axes
        pieces = [line.get_data() for line in axes.lines[3:]]
        assert [set(y) for _, y in pieces] == [{0.0}, {1.0}]

    def test_every_function_of_one_number(self):
        no_plane = {"softmax", "log_softmax", "sparsemax", "glu", "threshold"}
        names = [
            n for n in sorted(f.__name__ for f in activations.DERIVATIVES) if n not in no_plane
        ]
        figure = plots.activation_functions(names)
        assert titles(figure) == names
        assert pixels(figure).size

    def test_functions_of_keras_and_of_ones_own(self):
        def squared(x):
            return x**2

        def written(x):
            return x**3

        written.gradient = lambda dy, x, y: dy * 3 * x**2
        given = {"theirs": keras.activations.tanh, "mine": squared, "written": written}
        figure = plots.activation_functions({**given, "ours": activations.relu})
        x, slopes = figure.axes[1].lines[3].get_data()
        np.testing.assert_allclose(slopes, 2 * x, atol=1e-5)
        np.testing.assert_allclose(figure.axes[2].lines[3].get_ydata(), 3 * x**2, rtol=1e-6)
        x, y = figure.axes[0].lines[2].get_data()
        np.testing.assert_allclose(y, np.tanh(x), atol=1e-6)

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"identifier: 'rellu'. Did you mean 'relu'\?"):
            plots.activation_functions(["rellu"])
        with pytest.raises(ValueError, match="'softmax' is not a function of one number"):
            plots.activation_functions(["softmax"])
        with pytest.raises(ValueError, match=r"Expected names or functions\. Received: 3"):
            plots.activation_functions([3])
        with pytest.raises(ValueError, match="no function to draw"):
            plots.activation_functions([])
        with pytest.raises(ValueError, match="low < high"):
            plots.activation_functions(x_range=(1, 1))


class TestTrainingCurves:
    @libraries
    def test_what_fit_returns(self, k):
        model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
        model.compile("sgd", "mse")
        history = model.fit(POINTS, POINTS[:, :1], epochs=2, verbose=0, validation_split=0.5)
        lines = plots.training_curves({k.__name__: history}).axes[0].lines
        np.testing.assert_array_equal(lines[0].get_ydata(), history.history["loss"])
        np.testing.assert_array_equal(lines[1].get_ydata(), history.history["val_loss"])


def test_an_animation_has_a_frame_per_figure_and_holds_the_last(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    frames = (plots.training_curves({"loss": [3.0, 2.0, 1.0][:n]}) for n in (1, 2, 3))
    path = tmp_path / "loss.gif"
    assert plots.save_animation(frames, path, fps=5, hold=1, dpi=40) == 3
    with Image.open(path) as image:
        # Equal frames at the end are one that stays longer.
        durations = []
        for i in range(image.n_frames):
            image.seek(i)
            durations.append(image.info["duration"])
    assert sum(durations) == 8 * 200
    assert image.n_frames >= 3
    with pytest.raises(ValueError, match="no figure to write"):
        plots.save_animation([], path)


def every_figure(theme):
    model = convnet(scratchnn)
    return [
        plots.first_layer_weights(model, theme=theme),
        plots.feature_maps(model, np.eye(10), theme=theme),
        plots.decision_boundary(right_half, POINTS, [0, 0, 1, 1], theme=theme),
        plots.learning_rate(0.1, theme=theme),
        plots.activation_functions(theme=theme),
    ]


@pytest.mark.parametrize(("theme", "page"), [("light", "#ffffff"), ("dark", "#0d1117")])
def test_every_picture_has_the_page_of_its_theme_and_fits_a_readme(theme, page):
    for figure in every_figure(theme):
        picture = pixels(figure)
        assert to_hex(picture[0, -1]) == page
        assert picture.shape[1] <= 900


def test_pyplot_and_keras_are_not_imported():
    code = (
        "import sys; import numpy as np; from scratchnn import plots, layers; "
        "assert 'matplotlib' not in sys.modules; "
        "layer = layers.Dense(2); layer.build((None, 4)); plots.first_layer_weights(layer); "
        "plots.activation_functions(); plots.learning_rate(0.1); "
        "plots.decision_boundary(lambda x: np.ones((len(x), 1)) / 2, np.eye(2), [0, 1]); "
        "assert not {'matplotlib.pyplot', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(scratchnn.__file__).parents[1]
    )
