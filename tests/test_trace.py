"""A training step laid open: what it shows is what happened, and nothing is changed by looking."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from scratchnn import (
    Input,
    Model,
    Sequential,
    config,
    layers,
    naming,
)
from scratchnn import (
    random as ours,
)
from scratchnn.inspection import numerical_gradient, trace
from scratchnn.layers import (
    Activation,
    Add,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    TextVectorization,
)
from scratchnn.optimizers import SGD
from scratchnn.random import seeds

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.array([0, 2, 1, 2, 0, 1])
WEIGHT = np.array([1.0, 0.5, 0.0, 2.0, 1.5, 1.0], np.float32)


@pytest.fixture
def float64():
    config.set_floatx("float64")


def classifier(optimizer="adam", **options):
    model = Sequential(
        [
            Input((4,)),
            Dense(5, "relu", name="hidden", **options),
            BatchNormalization(name="norm"),
            Dropout(0.3, seed=1, name="drop"),
            Dense(3, "softmax", name="out"),
        ],
        name="small",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def snapshot(model):
    """Everything of a model and the world around it that a step changes."""
    return [
        *model.get_weights(),
        *(p.grad.copy() for p in model.weights),
        *(v.numpy() for v in model.optimizer.variables),
        *(
            layer.seed_generator.state.copy()
            for layer in model.layers
            if isinstance(layer, Dropout)
        ),
        *(v.numpy() for metric in model.metrics for v in metric.variables),
        np.random.get_state()[1].copy(),
        np.array(random.getstate()[1]),
        np.array(sorted(naming._used.items()), dtype=object),
    ]


def equal(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


# --- the step is the one that would be taken


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_it_is_the_step_that_train_on_batch_takes(weight):
    model = classifier()
    model.train_on_batch(X, Y, weight)
    before = model.get_weights()
    t = trace(model, X, Y, weight)
    loss = model.train_on_batch(X, Y, weight)[0]
    assert t.loss == pytest.approx(loss, rel=1e-6)
    assert (t.step, t.samples, t.optimizer) == (2, 6, "Adam")
    assert t.learning_rate == pytest.approx(0.001)
    for w, value in zip(model.weights, before, strict=True):
        found = t[w.path]
        np.testing.assert_array_equal(found.value, value)
        np.testing.assert_array_equal(found.new_value, w.value)
        np.testing.assert_array_equal(found.update, w.value - value)
        assert found.trainable == w.trainable
        if w.trainable:
            np.testing.assert_array_equal(found.grad, w.grad)
    assert t["hidden/kernel"].update.any()
    assert t["norm/moving_mean"].update.any()
    assert t["norm/moving_mean"].grad is None


def test_looking_changes_nothing():
    model = classifier()
    model.train_on_batch(X, Y)
    before = snapshot(model)
    trace(model, X, Y, check=True)
    equal(snapshot(model), before)
    assert "forward" not in vars(model.layers[0])


def test_a_model_that_is_not_built_stays_so():
    model = Sequential([Dense(3), Dense(1)])
    model.compile("sgd", "mse")
    seeds.draw_seed(None)  # the global generator exists
    state = seeds._global_generator.state.copy()
    t = trace(model, X, X[:, :1])
    assert t["dense/kernel"].value.shape == (4, 3)
    assert not model.built
    np.testing.assert_array_equal(seeds._global_generator.state, state)
    ours.reset_global_generator()
    trace(model, X, X[:, :1])
    assert seeds._global_generator is None


def test_gradients_are_those_before_clipping_and_the_update_is_what_was_done():
    model = classifier(SGD(1.0, clipvalue=0.001))
    t = trace(model, X, Y)
    kernel = t["out/kernel"]
    assert np.abs(kernel.grad).max() > 0.01
    np.testing.assert_allclose(kernel.update, -np.clip(kernel.grad, -0.001, 0.001), atol=1e-7)


def test_a_train_step_of_ones_own():
    class Twice(Sequential):
        def train_step(self, batch):
            super().train_step(batch)
            return super().train_step(batch)

    model = Twice([Input((4,)), Dense(1, name="d")])
    model.compile(SGD(0.1), "mse")
    t = trace(model, X, X[:, :1])
    assert t.step == 2
    assert len(t["d"].calls) == 2
    model.train_on_batch(X, X[:, :1])
    np.testing.assert_array_equal(t["d/kernel"].new_value, model.weights[0].value)


# --- gradients of the outputs are the derivatives of the loss


class Nudge(Layer):
    """y = x + delta, where a test sets delta."""

    delta = 0.0
    supports_masking = True

    def forward(self, x, ctx):
        return x + self.delta

    def backward(self, dy, ctx):
        return dy


def assert_output_gradient(model, name, x, y, weight=None):
    """Compare t[name].grad with differences of the loss, with a Nudge of that name in it."""
    grad = trace(model, x, y, weight)[name].grad
    nudge = next(layer for layer in model.walk() if isinstance(layer, Nudge))

    def loss(delta):
        nudge.delta = delta
        return trace(model, x, y, weight).loss

    expected = numerical_gradient(loss, np.zeros_like(grad), step=1e-5)
    nudge.delta = 0.0
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(grad, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("after", ["dense", "softmax", "both", "nothing"])
def test_output_gradients_of_a_sequential(float64, after, weight):
    last = {
        "dense": [Nudge(name="nudge"), Dense(3, "softmax")],
        "softmax": [Dense(3), Nudge(name="nudge"), Activation("softmax")],
        "both": [Dense(3, activity_regularizer="l2"), Nudge(name="nudge"), layers.Softmax()],
        "nothing": [Dense(3), layers.Softmax(), Nudge(name="nudge")],
    }[after]
    model = Sequential([Input((4,)), Dense(3, "tanh", activity_regularizer="l2"), *last])
    model.compile(SGD(0.1), "sparse_categorical_crossentropy")
    assert_output_gradient(
        model, "nudge", X[:3].astype(float), Y[:3], None if weight is None else weight[:3]
    )


def test_an_activity_regularizer_is_in_the_gradient_of_its_output(float64):
    model = Sequential([Input((4,)), Dense(3, name="d", activity_regularizer="l2")])
    model.compile(SGD(0.1), "mse")
    t = trace(model, X, np.zeros((6, 3)))
    y = t["d"].output
    np.testing.assert_allclose(t["d"].grad, 2 * y / y.size + 2 * 0.01 * y / 6)


def test_softmax_has_the_gradients_of_probabilities_and_of_logits(float64):
    model = Sequential([Input((4,)), Dense(3, "softmax", name="out")])
    model.compile(SGD(0.1), "sparse_categorical_crossentropy")
    t = trace(model, X, Y)
    p, one_hot = t["out"].output, np.eye(3)[Y]
    np.testing.assert_allclose(t["out"].logits_grad, (p - one_hot) / 6, atol=1e-12)
    # This loss of probabilities, TensorFlow's, takes a softmax of their logarithms.
    np.testing.assert_allclose(t["out"].grad, (p - one_hot) / p / 6, rtol=1e-6)


def test_gradients_of_the_input_and_below_frozen_layers(float64):
    model = Sequential([Input((4,)), Dense(3, "tanh", name="frozen"), Dense(2, name="d")])
    model.layers[0].trainable = False
    model.compile(SGD(0.1), "mse")
    x, y = X.astype(float), np.ones((6, 2))
    t = trace(model, x, y)
    expected = numerical_gradient(lambda x: trace(model, x, y).loss, x)
    np.testing.assert_allclose(t["input"].grad, expected, atol=1e-8)
    assert t["frozen"].grad is not None
    assert t["frozen/kernel"].grad is None
    assert not t["frozen/kernel"].update.any()


def graph():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    shared = Dense(3, "tanh", name="shared")
    left, right = (
        shared(a),
        shared(
            layers.Concatenate(name="join")(
                [b, b[:, :1]] if False else [Dense(1, name="one")(b), b]
            )
        ),
    )
    inner_in = Input((3,))
    inner = Model(inner_in, Dense(2, name="deep")(Nudge(name="nudge")(inner_in)), name="inner")
    both = Add(name="sum")([left, right])
    return Model([a, b], [Dense(1, name="price")(both), inner(both)], name="two")


def test_a_graph_with_shared_layers_models_within_and_several_inputs_and_outputs(float64):
    model = graph()
    model.compile(SGD(0.1), ["mse", "mae"], loss_weights=[1.0, 0.5])
    x = [X.astype(float), np.random.default_rng(1).normal(size=(6, 3))]
    y = [np.ones((6, 1)), np.zeros((6, 2))]
    t = trace(model, x, y)
    names = [layer.name for layer in t.layers]
    assert names[:2] == ["a", "b"]
    assert sorted(names[2:]) == [
        "inner/deep",
        "inner/nudge",
        "join",
        "one",
        "price",
        "shared",
        "sum",
    ]
    with pytest.raises(ValueError, match=r"called 2 times.*'shared\[0\]', 'shared\[1\]'"):
        t["shared"].output  # noqa: B018
    assert {t["shared[0]"].output.shape, t["shared[1]"].output.shape} == {(6, 3)}
    total = t["shared[0]"].output + t["shared[1]"].output
    np.testing.assert_allclose(t["sum"].output, total)
    np.testing.assert_array_equal(t["shared[0]"].grad, t["sum"].grad)
    np.testing.assert_array_equal(t["a"].output, x[0])
    model.train_on_batch(x, y)
    for weight in model.trainable_weights:
        np.testing.assert_array_equal(t[weight.path].grad, weight.grad)
    np.testing.assert_array_equal(
        t["inner/deep/kernel"].new_value, model.get_layer("inner").layers[-1].kernel.value
    )
    expected = numerical_gradient(lambda b: trace(model, [x[0], b], y).loss, x[1])
    np.testing.assert_allclose(trace(model, x, y)["b"].grad, expected, atol=1e-7)
    assert_output_gradient(model, "inner/nudge", x, y)


def test_a_list_of_outputs_and_an_output_without_a_loss():
    class Split(Layer):
        def compute_output_shape(self, input_shape):
            return [(input_shape[0], 2), (input_shape[0], 2)]

        def forward(self, x, ctx):
            return [x[:, :2], x[:, 2:]]

        def backward(self, dy, ctx):
            return np.concatenate([np.zeros((6, 2)) if d is None else d for d in dy], axis=1)

    x = Input((4,))
    left, _ = Split(name="split")(Dense(4, name="d")(x))
    model = Model(x, [Dense(1, name="one")(left), Dense(1, name="two")(left)])
    model.compile("sgd", {"one": "mse"})
    t = trace(model, X, {"one": np.ones((6, 1))})
    assert [y.shape for y in t["split"].output] == [(6, 2), (6, 2)]
    assert t["split"].grad[0].shape == (6, 2)
    assert t["split"].grad[1] is None
    assert t["two"].grad is None
    assert not t["two/kernel"].grad.any()
    text = str(t)
    assert "  d output 1: none" in text
    assert "Note: two/kernel: its gradient is 0 everywhere." in text


class TakesTime(Layer):
    """Masks the steps that are all zero."""

    makes_mask = True

    def compute_mask(self, x, mask=None):
        return (x != 0).any(axis=-1)

    def forward(self, x, ctx):
        return x * 1

    def backward(self, dy, ctx):
        return dy


def test_masks():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    x[0, 2] = 0
    model = Sequential([Input((3, 4)), TakesTime(name="m"), Scale(name="d"), Nudge(name="last")])
    model.compile("sgd", "mse")
    y = np.ones((2, 3, 4))
    t = trace(model, x, y, check=True)
    np.testing.assert_array_equal(t["m"].mask, [[True, True, False], [True, True, True]])
    assert not t["d"].grad[0, 2].any()
    assert t["d"].grad[0, 1].any()
    assert t.loss == pytest.approx(model.train_on_batch(x, y), rel=1e-6)
    assert t.wrong == []
    assert re.search(r"mask +\(2, 3\) +bool", str(t))


def test_integers_have_no_gradient():
    class Lookup(Layer):
        casts_integers = False

        def build(self, input_shape):
            self.table = self.add_weight(name="table", shape=(5, 3))

        def compute_output_shape(self, input_shape):
            return (*input_shape, 3)

        def forward(self, x, ctx):
            ctx.x = x
            return self.table.value[x]

        def backward(self, dy, ctx):
            self.table.grad[...] = 0
            np.add.at(self.table.grad, ctx.x, dy)

    model = Sequential(
        [Input((2,), dtype="int32"), Lookup(name="words"), layers.Flatten(), Dense(1)]
    )
    model.compile("sgd", "mse")
    t = trace(model, np.array([[0, 1], [1, 4]]), [[1.0], [0.0]], check=True)
    assert t["input"].output.dtype.kind == "i"
    assert t["input"].grad is None
    assert t["words/table"].grad[1].any()
    assert not t["words/table"].grad[2:4].any()
    assert t.wrong == []


@pytest.mark.filterwarnings("ignore:The layer .reshape:UserWarning")
def test_layers_of_words_time_and_images():
    words = np.random.default_rng(0).integers(0, 9, (4, 5))
    model = Sequential(
        [
            Input((5,), dtype="int32"),
            layers.Embedding(9, 6, mask_zero=True, name="words"),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both"),
            layers.Reshape((5, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", name="conv"),
            layers.Flatten(),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    t = trace(model, words, np.ones((4, 1)), check=True)
    assert t.wrong == []
    np.testing.assert_array_equal(t["words"].mask, words != 0)
    assert t["both/backward_lstm/lstm_cell/kernel"].grad.any()
    assert t["conv"].output.shape == (4, 3, 4, 2)
    for _ in range(2):
        t = trace(model, words, np.ones((4, 1)))
        model.train_on_batch(words, np.ones((4, 1)))
        for weight in model.weights:
            np.testing.assert_array_equal(t[weight.path].new_value, weight.value)


# --- names, the table, the notes


def test_names():
    t = trace(classifier(), X, Y)
    assert t.names[:4] == ["input", "hidden", "hidden/kernel", "hidden/bias"]
    assert t["small/hidden/kernel"] is t["hidden/kernel"]
    assert t["hidden/kernel"].path == "small/hidden/kernel"
    assert len(t.parameters) == 8
    with pytest.raises(KeyError, match=r"no 'hiden/kernel'. Did you mean 'hidden/kernel'\?"):
        t["hiden/kernel"]


def test_the_table_is_aligned_and_its_numbers_are_those_of_the_arrays():
    t = trace(classifier(), X, Y)
    title, blank, head, *lines = str(t).splitlines()
    assert (
        title == f"Step 1 of 'small': 6 samples, loss {t.loss:.6g}, Adam with learning rate 0.001"
    )
    assert not blank
    assert head.split() == ["shape", "dtype", "min", "mean", "max", "std", "zeros", "norm", "dead"]
    assert len(head) <= 104
    ends = [match.end() for match in re.finditer(r"\S+", head)]
    rows = [line for line in lines if "float32" in line]
    assert len(rows) == 2 + 4 * 2 + 1 + 3 * 6 + 2 * 2
    for row in rows:
        for end in ends[:-1]:
            assert row[end - 1] != " ", row
            assert row[end : end + 1] in (" ", ""), row
    kernel = next(row for row in rows if row.startswith("  kernel"))
    assert kernel.split()[:4] == ["kernel", "(4,", "5)", "float32"]
    low, mean, high, std, zeros, norm = kernel.split()[4:]
    value = t["hidden/kernel"].value
    assert (float(low), float(high)) == pytest.approx((value.min(), value.max()), rel=0.01)
    assert float(mean) == pytest.approx(value.mean(), rel=0.05)
    assert float(std) == pytest.approx(value.std(), rel=0.01)
    assert float(norm) == pytest.approx(np.linalg.norm(value), rel=0.01)
    assert zeros == "0%"


def test_zeros_and_dead_units_are_counted():
    model = Sequential([Input((4,)), Dense(5, "relu", name="d"), Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].bias.assign([-100, -100, 0, 100, 100])
    t = trace(model, X, X[:, :1])
    assert t["d"].dead == (2, 5)
    y = t["d"].output
    text = str(t)
    assert re.search(rf"  output +\(6, 5\).* {(y == 0).mean():.1%} .* 2/5\n", text)
    assert "Note: d: 2 of 5 units are 0 for the whole batch." in text


def test_what_is_not_finite_is_noted():
    model = Sequential([Input((4,)), Dense(2, name="d")])
    model.compile(SGD(1e30), "mse")
    x = X.copy()
    x[0, 0] = np.inf
    t = trace(model, x, np.ones((6, 2)))
    assert "input: its output has numbers that are not finite." in t.notes
    assert "d: its output has numbers that are not finite." in t.notes
    assert "(2 not finite)" in str(t)
    t.to_html()


def test_large_updates_are_noted():
    model = Sequential([Input((4,)), Dense(2, name="d")])
    model.compile(SGD(10.0), "mse")
    (note,) = trace(model, X, np.ones((6, 2))).notes
    assert re.fullmatch(r"d/kernel: the update is \d+% of the weight's size\.", note)


def test_it_must_be_compiled():
    with pytest.raises(ValueError, match="must be compiled"):
        trace(Sequential([Input((4,)), Dense(1)]), X, Y)
    with pytest.raises(ValueError, match=r"expected inputs of shape \(N, 4\)"):
        trace(classifier(), X[:, :3], Y)


# --- a planted bug is named


class Scale(Layer):
    """y = gain x + bias, with a mistake in one of its gradients."""

    supports_masking = True

    def __init__(self, mistake=None, **kwargs):
        super().__init__(**kwargs)
        self.mistake = mistake

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=input_shape[-1:], initializer="ones")
        self.shift = self.add_weight(name="shift", shape=input_shape[-1:], initializer="zeros")

    def forward(self, x, ctx):
        ctx.x = x
        return x * self.gain.value + self.shift.value

    def backward(self, dy, ctx):
        factors = {self.mistake: 1.01}
        axes = tuple(range(dy.ndim - 1))
        self.gain.grad[...] = factors.get("gain", 1) * (dy * ctx.x).sum(axis=axes)
        self.shift.grad[...] = factors.get("shift", 1) * dy.sum(axis=axes)
        return factors.get("dx", 1) * dy * self.gain.value


@pytest.mark.parametrize("mistake", [None, "gain", "shift", "dx"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_wrong_gradient_is_named(mistake, nested):
    stack = [Dense(5, "relu"), Scale(mistake, name="scale"), Dense(3, "softmax")]
    if nested:
        stack[1] = Sequential([Input((5,)), stack[1]], name="inner")
    model = Sequential([Input((4,)), *stack])
    model.compile("adam", "sparse_categorical_crossentropy")
    t = trace(model, X, Y, check=True)
    name = "inner/scale" if nested else "scale"
    wrong = {None: [], "dx": [f"input of {name}"]}.get(mistake, [f"{name}/{mistake}"])
    assert t.wrong == wrong
    assert ("its gradient is wrong" in str(t)) == bool(wrong)
    assert trace(model, X, Y).wrong == []


def test_a_kink_is_no_mistake():
    model = Sequential([Input((4, 1)), layers.MaxPooling1D(2), layers.Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((2, 4, 1), np.float32)  # all equal: the maximum has a kink
    assert trace(model, x, [[0.0], [1.0]], check=True).wrong == []


def test_strings_are_in_the_trace():
    text = TextVectorization(output_sequence_length=3, vocabulary=["cat", "dog"])
    model = Sequential([Input((1,), dtype="string"), text, Embedding(5, 2), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    t = trace(model, np.array([["a cat"], ["dog"]]), np.ones((2, 1)))
    assert t["input"].output.ravel().tolist() == [b"a cat", b"dog"]
    assert t["text_vectorization"].output.tolist() == [[1, 2, 0], [3, 0, 0]]
    assert re.search(r"^  output +\(2, 1\) +string( +-){6}$", str(t), re.M)
    assert t["text_vectorization"].dead == (0, 0), "a word number is no unit"
    assert "string" in t.to_html()


def test_what_is_not_trained_is_said():
    model = Sequential([Input((3,)), Dense(2, name="frozen"), Dense(1, name="head")])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    lines = str(trace(model, np.ones((2, 3)), np.zeros((2, 1)))).splitlines()
    assert [line.strip() for line in lines].count("not trained") == 2
    assert sum(line.startswith("    update") for line in lines) == 2


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"class 'Dense'\. Put a layer into a Sequential"):
        trace(Dense(2), np.ones((2, 3)), np.ones((2, 2)))


def test_weights_of_classes_count_as_in_training():
    weights = {0: 0.5, 1: 2.0, 2: 3.0}
    model = classifier()
    t = trace(model, X, Y, class_weight=weights)
    assert t.loss != pytest.approx(trace(model, X, Y).loss, rel=1e-3)
    loss = model.train_on_batch(X, Y, class_weight=weights)
    assert t.loss == pytest.approx(loss[0] if isinstance(loss, list) else loss, rel=1e-6)
    for parameter, weight in zip(t.parameters, model.weights, strict=True):
        np.testing.assert_array_equal(parameter.new_value, weight.numpy(), parameter.name)
