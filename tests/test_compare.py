"""A model beside its twin in Keras: a true twin is one, and a planted bug is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from twins import twins

import scratchnn
from scratchnn import inspection
from scratchnn.inspection import commands, compare_with_keras, keras_twin, programs
from scratchnn.layers import Dense
from scratchnn.losses import MeanSquaredError
from scratchnn.optimizers import SGD, Adam

X = np.random.default_rng(0).normal(size=(12, 4))
Y = np.random.default_rng(1).integers(0, 3, 12)
WEIGHT = np.random.default_rng(2).uniform(0.5, 2, 12)


def compare(build, x=X, y=Y, **options):
    ours, theirs = twins(build)
    return compare_with_keras(ours, theirs, x, y, verbose=0, **options)


def stack(middle, optimizer="adam", loss="sparse_categorical_crossentropy"):
    """Return what builds a model with `middle(k)` in it."""

    def build(k):
        model = k.Sequential(
            [
                k.Input((4,)),
                k.layers.Dense(5, "tanh", name="first"),
                middle(k),
                k.layers.Dense(3, "softmax", name="last"),
            ],
            name="stack",
        )
        model.compile(optimizer(k) if callable(optimizer) else optimizer, loss)
        return model

    return build


def twin_of(cls):
    """Return what makes the layer `middle`: a class here, Keras's Dense there."""

    def middle(k):
        return (k.layers.Dense if k is keras else cls)(5, "tanh", name="middle")

    return middle


# --- true twins


def test_a_true_twin_with_everything_that_is_random_or_remembered():
    def middle(k):
        return k.Sequential(
            [
                k.Input((5,)),
                k.layers.BatchNormalization(name="norm"),
                k.layers.Dropout(0.3, name="drop"),
                k.layers.Dense(
                    4, "relu", name="deep", kernel_regularizer="l2", activity_regularizer="l1"
                ),
            ],
            name="inner",
        )

    def optimizer(k):
        return k.optimizers.Adam(0.01, clipnorm=0.5, use_ema=True)

    report = compare(stack(middle, optimizer), sample_weight=WEIGHT)
    assert report.first_difference is None, str(report)
    assert max(report.largest.values()) < 1e-5
    kinds = {(found.kind, found.name) for found in report.differences if found.step == 3}
    assert {
        ("output", "inner/drop"),
        ("gradient", "inner/deep/kernel"),
        ("gradient", "first"),
        ("gradient", "input"),
        ("state", "inner/norm/moving_mean"),
        ("slot", "inner/deep/bias.momentum"),
        ("slot", "optimizer.iteration"),
        ("weight", "last/bias"),
        ("loss", "loss"),
    } <= kinds


def test_a_true_twin_of_a_graph():
    def build(k):
        a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
        shared = k.layers.Dense(3, "relu", name="shared")
        joined = k.layers.Concatenate(name="join")([k.layers.Dense(1, name="one")(b), b])
        both = k.layers.Add(name="sum")([shared(a), shared(joined)])
        outputs = [
            k.layers.Dense(1, name="price")(both),
            k.layers.Dense(2, "softmax", name="kind")(both),
        ]
        model = k.Model([a, b], outputs, name="two")
        losses = ["mse", "categorical_crossentropy"]
        model.compile(k.optimizers.SGD(0.1, momentum=0.9), losses, loss_weights=[1.0, 0.5])
        return model

    x = [X, X[:, :3]]
    y = [np.ones((12, 1)), np.eye(2)[Y % 2]]
    report = compare(build, x, y)
    assert report.first_difference is None, str(report)
    names = [found.name for found in report.differences if found.kind == "output"]
    assert {"shared[0]", "shared[1]", "sum", "the model: price"} <= set(names)
    for name in ("shared/kernel", "a", "b", "one"):
        assert any((f.kind, f.name) == ("gradient", name) for f in report.differences), name


def test_a_true_twin_with_words_and_time():
    # One word comes up several times: Keras's Adam squares each of its slices alone.
    def build(k):
        model = k.Sequential(
            [
                k.Input((7,), dtype="int32"),
                k.layers.Embedding(9, 6, mask_zero=True, name="words"),
                k.layers.Bidirectional(k.layers.LSTM(5, return_sequences=True), name="both"),
                k.layers.GRU(4, name="gru"),
                k.layers.Dense(1, "sigmoid"),
            ]
        )
        model.compile("adam", "binary_crossentropy")
        return model

    x = np.random.default_rng(0).integers(0, 9, (8, 7))
    report = compare(build, x, np.arange(8)[:, None] % 2)
    assert report.first_difference is None, str(report)
    names = {found.name for found in report.differences}
    assert {"words/embeddings", "both/forward_lstm/lstm_cell/kernel", "gru"} <= names
    assert "words/embeddings.velocity" in names


def test_a_true_twin_with_images():
    def build(k):
        model = k.Sequential(
            [
                k.Input((8, 8, 2)),
                k.layers.Conv2D(4, 3, activation="relu"),
                k.layers.BatchNormalization(),
                k.layers.MaxPooling2D(2),
                k.layers.DepthwiseConv2D(2),
                k.layers.Flatten(),
                k.layers.Dense(3, "softmax"),
            ]
        )
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        return model

    x = np.random.default_rng(0).normal(size=(6, 8, 8, 2))
    report = compare(build, x, Y[:6])
    assert report.first_difference is None, str(report)


def test_a_gradient_that_is_only_rounding_is_no_difference():
    # Of a bias before a batch normalization: 0, but for rounding, which Adam makes large steps of.
    def middle(k):
        inner = [k.Input((5,)), k.layers.Dense(4), k.layers.BatchNormalization()]
        return k.Sequential(inner, name="inner")

    report = compare(stack(middle), steps=5)
    assert report.first_difference is None, str(report)


def test_trained_models_are_compared_from_where_they_are():
    ours, theirs = twins(stack(lambda k: k.layers.Dropout(0.5, name="drop")))
    theirs.fit(X.astype("float32"), Y, epochs=3, verbose=0)
    report = compare_with_keras(ours, theirs, X, Y, verbose=0)
    assert report.first_difference is None, str(report)
    assert next(f for f in report.differences if f.name == "optimizer.iteration").largest == 0


def test_both_models_are_left_as_they_were():
    ours, theirs = twins(stack(lambda k: k.layers.Dropout(0.5, name="drop")))
    theirs.fit(X.astype("float32"), Y, epochs=1, verbose=0)
    ours.fit(X, Y, epochs=1, verbose=0)

    def state():
        arrays = [*ours.get_weights(), *theirs.get_weights()]
        arrays += [ours.get_layer("drop").seed_generator.state.copy()]
        arrays += [theirs.get_layer("drop").seed_generator.state.numpy()]
        arrays += [v.numpy() for m in (ours, theirs) for v in m.optimizer.variables]
        return arrays + [np.random.get_state()[1].copy()]

    before = state()
    compare_with_keras(ours, theirs, X, Y, verbose=0)
    for one, other in zip(state(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not any("call" in vars(layer) for layer in theirs.layers)
    assert not any("forward" in vars(layer) for layer in ours.layers)


# --- planted bugs


class WrongKernelGradient(Dense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        self.kernel.grad *= 1.01
        return dx


class WrongBiasGradient(Dense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        self.bias.grad /= len(dy)
        return dx


class WrongDx(Dense):
    def backward(self, dy, ctx):
        return 0.99 * super().backward(dy, ctx)


class WrongForward(Dense):
    def forward(self, x, ctx):
        y = super().forward(x, ctx)
        y[:, 0] += 0.01
        return y


@pytest.mark.parametrize(
    ("layer", "kind", "name", "hint"),
    [
        (WrongKernelGradient, "gradient", "middle/kernel", "look at backward of 'middle'"),
        (WrongBiasGradient, "gradient", "middle/bias", "look at backward of 'middle'"),
        (WrongDx, "gradient", "first", "what backward of 'middle' returned"),
        (WrongForward, "output", "middle", "look at forward of 'middle'"),
    ],
)
def test_a_bug_in_a_layer_is_named(layer, kind, name, hint):
    report = compare(stack(twin_of(layer)))
    assert report.first_difference == name, str(report)
    assert (report.first.kind, report.first.step) == (kind, 1)
    assert hint in report.first.hint
    if kind == "gradient" and name != "first":
        # Each update is made along Keras's gradients: nothing follows from the bug.
        assert {f.name for f in report.differences if f.too_large} == {name}


def test_the_true_layer_has_no_bug():
    assert compare(stack(twin_of(Dense))).first_difference is None


class ForgetfulAdam(Adam):
    """Without the correction of the averages, which start at 0."""

    def begin_step(self, t):
        super().begin_step(t)
        self._alpha = self.lr


class OtherMomentum(SGD):
    def update(self, w, g, *slots):
        for m in slots:
            m *= 0.99
        super().update(w, g, *slots)


@pytest.mark.parametrize(
    ("ours", "theirs", "step", "kind", "name"),
    [
        (ForgetfulAdam, "Adam", 1, "weight", "first/kernel"),
        (
            lambda: OtherMomentum(0.01, 0.9),
            lambda: keras.optimizers.SGD(0.01, 0.9),
            2,
            "slot",
            "first/kernel.momentum",
        ),
        (
            lambda: SGD(0.02),
            lambda: keras.optimizers.SGD(0.01),
            1,
            "slot",
            "optimizer.learning_rate",
        ),
        (lambda: Adam(beta_1=0.8), "Adam", 1, "slot", "first/kernel.momentum"),
        (lambda: SGD(0.001), "Adam", 1, "slot", "first/kernel.momentum"),
    ],
    ids=["formula", "slot", "rate", "beta", "another"],
)
def test_a_wrong_optimizer_is_named(ours, theirs, step, kind, name):
    def optimizer(k):
        if k is keras:
            return theirs if isinstance(theirs, str) else theirs()
        return ours()

    report = compare(stack(twin_of(Dense), optimizer))
    assert report.first_difference == name, str(report)
    assert (report.first.kind, report.first.step) == (kind, step)


def test_a_wrong_loss_is_named():
    class HalfError(MeanSquaredError):
        def forward(self, y, p, ctx):
            return super().forward(y, p, ctx) / 2

    ours, theirs = twins(stack(twin_of(Dense), loss="mse"))
    ours.compile("adam", HalfError())
    y = np.eye(3)[Y]
    report = compare_with_keras(ours, theirs, X, y, verbose=0)
    assert (report.first.kind, report.first_difference) == ("loss", "loss")


def test_a_state_that_differs_is_named():
    ours, theirs = twins(stack(lambda k: k.layers.BatchNormalization(name="norm")))
    ours.get_layer("norm").momentum = 0.9
    report = compare_with_keras(ours, theirs, X, Y, verbose=0)
    assert (report.first.kind, report.first_difference) == ("state", "norm/moving_mean")


def test_numbers_that_are_not_finite_on_one_side_only_differ():
    class Infinite(Dense):
        def backward(self, dy, ctx):
            dx = super().backward(dy, ctx)
            self.kernel.grad[0, 0] = np.nan
            return dx

    report = compare(stack(twin_of(Infinite)))
    assert report.first_difference == "middle/kernel"
    assert report.first.largest == np.inf


# --- the report


def test_the_table_has_a_row_per_tensor_and_a_column_per_step(capsys):
    ours, theirs = twins(stack(twin_of(WrongKernelGradient)))
    report = compare_with_keras(ours, theirs, X, Y, steps=2)
    printed = capsys.readouterr().out
    assert printed == f"{report}\n"
    head, *rows = printed.splitlines()
    assert head.split() == ["shape", "step", "1", "step", "2"]
    assert "" in rows
    body = rows[: rows.index("")]
    assert len(body) == len(report.differences) / 2
    marked = [row for row in body if "<" in row]
    assert len(marked) == 1
    assert marked[0].split()[:2] == ["gradient", "middle/kernel"]
    assert marked[0].endswith("<== differs first")
    assert "1.0e-02  1.0e-02" in marked[0]
    assert "first to differ is the gradient of 'middle/kernel' in step 1" in rows[-1]


def test_refusals():
    ours, theirs = twins(stack(twin_of(Dense)))
    with pytest.raises(ValueError, match="The Keras model must be compiled"):
        compare_with_keras(ours, keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), X, Y)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        compare_with_keras(ours, theirs, X, Y, steps=0)
    with pytest.raises(ValueError, match="tolerance must be above 0"):
        compare_with_keras(ours, theirs, X, Y, tolerance=float("nan"))
    with pytest.raises(TypeError, match=r"model of Keras .* class scratchnn.*Sequential"):
        compare_with_keras(ours, ours, X, Y)
    with pytest.raises(TypeError, match="compiled model of scratchnn"):
        compare_with_keras(theirs, ours, X, Y)
    _, other = twins(stack(lambda k: k.layers.Dense(7, name="other")))
    with pytest.raises(
        ValueError,
        match=r"(?s)same shapes.*middle/kernel +\(5, 5\) +stack/other/kernel +\(5, 7\)",
    ):
        compare_with_keras(ours, other, X, Y)


def test_without_keras_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r'pip install "keras==3'):
        keras_twin.import_keras()


def test_on_another_backend_the_error_says_what_to_set(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="KERAS_BACKEND=tensorflow"):
        keras_twin.import_keras()


# --- the command line

PROGRAM = """
import numpy as np
import scratchnn

class Mine(scratchnn.layers.Dense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        self.bias.grad *= {factor}
        return dx

def build(keras):
    layer = keras.layers.Dense if keras.__name__ == "keras" else Mine
    stack = [keras.Input((4,)), layer(8, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(stack)
    model.compile("adam", "{loss}")
    return {returned}
"""


def program(tmp_path, factor=1, loss="sparse_categorical_crossentropy", returned="model", more=""):
    path = tmp_path / "my_model.py"
    path.write_text(PROGRAM.format(factor=factor, loss=loss, returned=returned) + more)
    return str(path)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "binary_crossentropy",
        "poisson",
        "mse",
    ],
)
def test_command_with_data_made_up(loss, tmp_path, capsys):
    assert commands.main(["compare", program(tmp_path, loss=loss), "--steps", "1"]) == 0
    assert "is a twin of the Keras model" in capsys.readouterr().out


def test_command_finds_a_bug(tmp_path, capsys):
    given = "model, np.ones((6, 4)), np.zeros(6)"
    assert commands.main(["compare", program(tmp_path, 2, returned=given)]) == 1
    printed = capsys.readouterr().out
    assert "first to differ is the gradient of 'mine/bias'" in printed
    assert "step 3" in printed


def test_command_with_data_beside_build(tmp_path, capsys):
    more = "\ndef data():\n    return np.ones((5, 4)), np.zeros(5), np.ones(5)\n"
    assert commands.main(["compare", program(tmp_path, more=more), "--steps", "1"]) == 0
    assert "(5, 8)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no file"),
        ("def biuld(keras): pass", "must define build(keras)"),
        ("def build(keras): return 3", "must return a model, or (model, x, y)"),
        ("def build(k): return k.Sequential([k.Input((4,)), k.layers.Dense(3)])", "must compile"),
        (
            "def build(k):\n m = k.Sequential([k.layers.Dense(3)])\n m.compile()\n return m",
            "does not know its input",
        ),
        ("def build(keras): return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_command_says_what_is_wrong_with_a_file(text, message, tmp_path, capsys):
    path = tmp_path / "my_model.py"
    if text is not None:
        path.write_text(text)
    assert commands.main(["compare", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_command_as_a_process(tmp_path):
    root = Path(scratchnn.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-m", "scratchnn.inspection", "compare", "--help"],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "def build(keras):" in run.stdout


def test_data_for_whole_numbers_and_several_inputs_and_outputs():
    a, b = scratchnn.Input((2,), dtype="int32"), scratchnn.Input((3,))
    both = scratchnn.layers.Concatenate()([scratchnn.layers.Rescaling(1.0)(a), b])
    model = scratchnn.Model([a, b], [Dense(1)(both), Dense(2)(both)])
    model.compile("sgd", ["mse", None])
    x, y = programs.example_data(model, 4, 0)
    assert [part.dtype.kind for part in x] == ["i", "f"]
    assert [part.shape for part in x] == [(4, 2), (4, 3)]
    assert y[0].shape == (4, 1)
    assert y[1] is None
    inspection.trace(model, x, y)
