"""Every gradient against differences of outputs, in float64; and the checker against bugs."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Context, Input, Sequential, config, layers, losses, regularizers
from scratchnn.inspection import check_gradients, numerical_gradient
from scratchnn.layers import Activation, Dense, Dropout, Flatten, Identity, Reshape, Softmax
from scratchnn.losses.base import REDUCTIONS
from scratchnn.optimizers import SGD

both_modes = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


@pytest.fixture
def float64():
    config.set_floatx("float64")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- layers


@pytest.mark.parametrize(
    ("case", "training"),
    [
        pytest.param(case, training, id=f"{case.name} {'training' if training else 'inference'}")
        for case in CASES
        for training in (False, True)
        if case.gradient and (case.derivative or not training)
    ],
)
def test_layers(case, training):
    check_gradients(case.make(dtype=None), case.x(dtype="float64"), training=training)


def test_relu_at_its_kink_has_slope_zero():
    for layer in (Activation("relu"), layers.ReLU(), Dense(1, "relu", kernel_initializer="ones")):
        layer.ensure_built((None, 1))
        ctx = Context()
        y = layer.forward(np.zeros((1, 1), np.float32), ctx)
        assert layer.backward(np.ones_like(y), ctx) == 0


# --- losses


LOSSES = {
    name: cls
    for name, cls in vars(losses).items()
    if inspect.isclass(cls) and issubclass(cls, losses.Loss) and name in losses.__all__
}
del LOSSES["Loss"], LOSSES["CTC"]  # neither computes anything
VARIANTS = [(name, {}) for name in LOSSES] + [
    ("BinaryCrossentropy", {"from_logits": True}),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("BinaryCrossentropy", {"axis": 1}),
    ("CategoricalCrossentropy", {"from_logits": True}),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("CategoricalCrossentropy", {"axis": 1}),
    ("CategoricalCrossentropy", {"from_logits": True, "axis": 1}),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 1.5}),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "label_smoothing": 0.2}),
    ("BinaryFocalCrossentropy", {"gamma": 0.0, "axis": 1}),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.5}),
    ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2, "gamma": 0.0}),
    ("CategoricalFocalCrossentropy", {"axis": 1}),
    ("CategoricalFocalCrossentropy", {"axis": 1, "from_logits": True}),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.2}),
    ("Huber", {"delta": 0.3}),
    ("CosineSimilarity", {"axis": 1}),
    ("Dice", {"axis": 1}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9}),
    ("Tversky", {"axis": 1}),
    ("Circle", {"gamma": 2.0, "margin": 0.1}),
    ("Circle", {"gamma": 2.0, "remove_diagonal": False}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0, "from_logits": True}),
]
every_loss = pytest.mark.parametrize(
    ("name", "options"), VARIANTS, ids=lambda value: str(value).replace(" ", "")
)


def targets_and_predictions(name, options, shape):
    """Return targets that suit a loss, and predictions away from its kinks and cuts."""
    rng = np.random.default_rng(len(name))
    p = rng.normal(size=shape) if options.get("from_logits") else rng.uniform(0.05, 0.95, shape)
    if name.startswith(("Sparse", "CategoricalGeneralized")):
        return rng.integers(0, shape[-1], shape[:-1]), p
    if name == "Circle":
        return np.arange(shape[0]) // 2, p
    if name.endswith("Hinge"):
        return rng.choice([0, 1], shape), 5 * p - 2
    y = rng.uniform(0.05, 0.95, shape)
    if name.startswith("Categorical"):
        axis = options.get("axis", -1)
        y /= y.sum(axis=axis, keepdims=True)
    return y, p


def value_and_gradient(loss, y, p, weight):
    """Return the sum of the reduced loss, and its gradient for p."""
    ctx = Context(dtype=p.dtype)
    value = loss.reduce(loss.forward(loss.prepare(y, p.shape), p, ctx), weight, ctx)
    return float(np.sum(value)), loss.reduced_gradient(ctx)


def numeric(f, x, step=1e-6):
    """Return the gradient of f by central differences, element by element, changing x in place."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = f()
        x[index] = kept - step
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_losses(float64, name, options, reduction, weighted):
    loss = LOSSES[name](**options, reduction=reduction)
    y, p = targets_and_predictions(name, options, (4, 3))
    if options.get("axis") == 1:
        y, p = targets_and_predictions(name, options, (4, 3, 2))
    values = loss.forward(loss.prepare(y, p.shape), p, Context(dtype=p.dtype))
    weight = np.random.default_rng(9).uniform(0.5, 2, values.shape) if weighted else None
    _, gradient = value_and_gradient(loss, y, p, weight)
    expected = numeric(lambda: value_and_gradient(loss, y, p, weight)[0], p)
    assert gradient.shape == p.shape
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@every_loss
def test_losses_over_time(float64, name, options):
    if options.get("axis") == 1:
        return
    if name == "Circle":  # compares samples, which have no time
        return
    loss = LOSSES[name](**options)
    y, p = targets_and_predictions(name, options, (2, 3, 4))
    values = loss.forward(loss.prepare(y, p.shape), p, Context(dtype=p.dtype))
    weight = np.random.default_rng(9).uniform(0.5, 2, values.shape)
    _, gradient = value_and_gradient(loss, y, p, weight)
    expected = numeric(lambda: value_and_gradient(loss, y, p, weight)[0], p)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_a_cut_probability_has_no_gradient():
    for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        y = np.array([1]) if name.startswith("Sparse") else np.array([[0.0, 1.0]])
        p = np.array([[1.0, 0.0]], np.float32)
        _, gradient = value_and_gradient(LOSSES[name](), y, p, None)
        np.testing.assert_array_equal(gradient, [[0, 0]])


# --- regularizers


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(0.3),
        regularizers.L2(0.3),
        regularizers.L1L2(0.2, 0.4),
        regularizers.OrthogonalRegularizer(0.5),
        regularizers.OrthogonalRegularizer(0.5, mode="columns"),
    ],
    ids=lambda r: f"{type(r).__name__}-{getattr(r, 'mode', '')}",
)
def test_regularizers(regularizer):
    x = numbers(4, 3)
    gradient = regularizer.gradient(x)
    expected = numeric(lambda: float(regularizer.penalty(x)), x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)
    assert float(regularizer(x)) == float(regularizer.penalty(x))


def test_a_single_row_is_orthogonal_already():
    regularizer = regularizers.OrthogonalRegularizer()
    assert float(regularizer(numbers(1, 3))) == 0
    np.testing.assert_array_equal(regularizer.gradient(numbers(1, 3)), np.zeros((1, 3)))


# --- whole models, with their loss


def assert_model_gradients(model, x, y, loss, weight=None, factor=1.0, **compile_options):
    """Compare the gradients of a training step with differences of the loss that it reports."""
    model.compile(SGD(0.0), loss, **compile_options)
    model.train_on_batch(x, y, sample_weight=weight)
    found = {p.path: p.grad.copy() for p in model.trainable_weights}
    assert found
    for p in model.trainable_weights:
        expected = numeric(lambda: model.test_on_batch(x, y, sample_weight=weight), p.value)
        np.testing.assert_allclose(
            found[p.path], factor * expected, rtol=1e-5, atol=1e-7, err_msg=p.path
        )


X = numbers(5, 4)
LABELS = np.array([0, 2, 1, 2, 0])
ONE_HOT = np.eye(3)[LABELS]
WEIGHT = np.array([1.0, 0.5, 0.0, 2.0, 1.5])


def classifier(*last):
    return Sequential([Input((4,)), Dense(5, "tanh"), *last])


CLASSIFIERS = {
    "dense": lambda: classifier(Dense(3, "softmax")),
    "activation": lambda: classifier(Dense(3), Activation("softmax")),
    "softmax": lambda: classifier(Dense(3), Softmax()),
    "model": lambda: Sequential([Input((4,)), Dense(4), classifier(Dense(3, "softmax"))]),
    "identity": lambda: classifier(Dense(3, "softmax"), Identity(), Activation("linear")),
    "flatten": lambda: classifier(Dense(3, "softmax"), Flatten()),
    "logits": lambda: classifier(Dense(3)),
    "sigmoid": lambda: classifier(Dense(3, "sigmoid")),
}


@pytest.mark.parametrize("ending", CLASSIFIERS)
@pytest.mark.parametrize("kind", ["sparse", "one-hot", "binary"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_classifiers(float64, ending, kind, weight):
    cls = {
        "sparse": losses.SparseCategoricalCrossentropy,
        "one-hot": losses.CategoricalCrossentropy,
        "binary": losses.BinaryCrossentropy,
    }[kind]
    loss = cls(from_logits=ending == "logits")
    y = LABELS if kind == "sparse" else ONE_HOT
    assert_model_gradients(CLASSIFIERS[ending](), X, y, loss, weight)


@pytest.mark.parametrize("ending", ["dense", "activation", "softmax", "model", "identity"])
def test_a_softmax_and_its_crossentropy_work_from_the_logits(ending):
    # Of probabilities that are 0 in float32 the logarithm would be cut, and without a gradient.
    model = {
        "dense": [Dense(3, "softmax", kernel_initializer="identity")],
        "activation": [Dense(3, kernel_initializer="identity"), Activation("softmax")],
        "softmax": [Dense(3, kernel_initializer="identity"), Softmax()],
        "model": [
            Sequential([Input((3,)), Dense(3, "softmax", kernel_initializer="identity")]),
        ],
        "identity": [Dense(3, "softmax", kernel_initializer="identity"), Dropout(0), Identity()],
    }[ending]
    model = Sequential([Input((3,)), *model])
    for loss, y in (("sparse_categorical_crossentropy", [2]), ("categorical_crossentropy", None)):
        y = [[0.0, 0.0, 1.0]] if y is None else y
        model.compile(SGD(0.0), loss)
        assert model.train_on_batch([[200.0, 0.0, -200.0]], y) == 400
        np.testing.assert_array_equal(model.weights[1].grad, [1, 0, -1])


def test_a_sigmoid_and_its_crossentropy_work_from_the_logits():
    model = Sequential([Input((1,)), Dense(1, "sigmoid", kernel_initializer="ones")])
    model.compile(SGD(0.0), "binary_crossentropy")
    assert model.train_on_batch([[200.0]], [[0.0]]) == 200
    np.testing.assert_array_equal(model.weights[1].grad, [1])


def test_a_softmax_behind_a_reshape_is_cut(float64):
    model = Sequential(
        [Input((3,)), Dense(3, "softmax", kernel_initializer="identity"), Reshape((3,))]
    )
    model.compile(SGD(0.0), "sparse_categorical_crossentropy")
    loss = model.train_on_batch([[200.0, 0.0, -200.0]], [2])
    assert loss == pytest.approx(-np.log(1e-7), abs=1e-5)
    np.testing.assert_array_equal(model.weights[1].grad, [0, 0, 0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_reductions(float64, reduction, weight):
    loss = losses.MeanSquaredError(reduction=reduction)
    # Without a reduction Keras shows the mean, and differentiates the sum; so do we.
    factor = len(X) if reduction in ("none", None) else 1
    assert_model_gradients(classifier(Dense(2)), X, numbers(5, 2), loss, weight, factor)


def test_loss_weights(float64):
    assert_model_gradients(classifier(Dense(2)), X, numbers(5, 2), "mse", loss_weights=0.3)


@pytest.mark.parametrize("kernel", [None, "l1", "l2", "l1l2", "orthogonal_regularizer"])
@pytest.mark.parametrize("activity", [None, "l1", "l2"])
def test_regularized_models(float64, kernel, activity):
    def layer(units, function=None):
        return Dense(
            units,
            function,
            kernel_regularizer=kernel,
            bias_regularizer="l2" if kernel else None,
            activity_regularizer=activity,
        )

    model = Sequential([Input((4,)), layer(5, "tanh"), layer(3, "softmax")])
    assert_model_gradients(model, X, LABELS, "sparse_categorical_crossentropy", WEIGHT)
    model = Sequential([Input((4,)), layer(3), Softmax(activity_regularizer=activity)])
    assert_model_gradients(model, X, ONE_HOT, "categorical_crossentropy")
    inner = Sequential([Input((4,)), layer(3, "sigmoid")])
    model = Sequential([Input((4,)), layer(4, "tanh"), inner])
    assert_model_gradients(model, X, ONE_HOT, "binary_crossentropy")


def test_a_regularizer_of_ones_own(float64):
    class Quartic(regularizers.Regularizer):
        def penalty(self, x):
            return (x**4).sum()

        def gradient(self, x):
            return 4 * x**3

    model = Sequential(
        [
            Input((4,)),
            Dense(5, "tanh", kernel_regularizer=Quartic(), activity_regularizer=Quartic()),
            Dense(3, "softmax", activity_regularizer=Quartic()),
        ]
    )
    assert_model_gradients(model, X, LABELS, "sparse_categorical_crossentropy")
    for method in ("penalty", "gradient"):
        with pytest.raises(NotImplementedError, match=f"Regularizer must define {method}"):
            getattr(regularizers.Regularizer(), method)(X)


def test_frozen_layers_pass_the_gradient_on(float64):
    first, frozen = Dense(5, "tanh"), Dense(5, "tanh", trainable=False)
    model = Sequential([Input((4,)), first, frozen, Dense(3, "softmax")])
    assert len(model.trainable_weights) == 4
    assert_model_gradients(model, X, LABELS, "sparse_categorical_crossentropy")


# --- planted bugs


class Broken(Dense):
    """A Dense layer whose backward pass is right, and then spoilt."""

    def __init__(self, bug, name="dense"):
        super().__init__(3, "tanh", name=name)
        self.bug = bug

    def backward(self, dy, ctx):
        self.x, self.y, self.dy = ctx.x, ctx.y, dy.copy()
        self.dx = super().backward(dy, ctx).copy()
        result = self.bug(self)
        return self.dx if result is None else result[0]


def double_the_kernels(layer):
    layer.kernel.grad *= 2


def flip_the_biass(layer):
    layer.bias.grad *= -1


def forget_the_derivative(layer):
    layer.kernel.grad[...] = layer.x.T @ layer.dy


def drop_a_term(layer):
    layer.bias.grad -= layer.dy[0] * (1 - layer.y[0] ** 2)


def sum_along_the_wrong_axis(layer):
    layer.bias.grad[...] = (layer.dy * (1 - layer.y**2)).sum(axis=1)


def transpose(layer):
    layer.kernel.grad[...] = layer.kernel.grad.T.copy()


def use_one_element_of_another(layer):
    layer.kernel.grad[1, 2] = layer.kernel.grad[2, 1]


def halve_dx(layer):
    layer.dx /= 2


def forget_the_nonlinearity_of_dx(layer):
    layer.dx[...] = layer.dy @ layer.kernel.value.T


def forget_dx(layer):
    return (None,)


class Accumulating(Dense):
    def backward(self, dy, ctx):
        self.kernel.grad += ctx.x.T @ dy
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.kernel.value.T


class Forgetful(Dense):
    def backward(self, dy, ctx):
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.kernel.value.T


class NotANumber(Dense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        self.kernel.grad[...] = np.nan  # as 0 / 0 is
        return dx


class Unchained(Dense):
    def backward(self, dy, ctx):
        return super().backward(np.ones_like(dy), ctx)


KERNEL, BIAS, DX = "dense/kernel", "dense/bias", "the input of dense"


@pytest.mark.parametrize(
    ("bug", "name", "ratio"),
    [
        (double_the_kernels, KERNEL, 2),
        (flip_the_biass, BIAS, -1),
        (forget_the_derivative, KERNEL, None),
        (drop_a_term, BIAS, None),
        (sum_along_the_wrong_axis, BIAS, None),
        (transpose, KERNEL, None),
        (use_one_element_of_another, KERNEL, None),
        (halve_dx, DX, 0.5),
        (forget_the_nonlinearity_of_dx, DX, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_checker_finds(bug, name, ratio):
    with pytest.raises(AssertionError) as error:
        check_gradients(Broken(bug), numbers(3, 3))
    text = str(error.value)
    match = re.match(
        r"The gradient of (.+) is wrong, most at index (\(.*?\)): backward says (\S+), "
        r"the outputs say (\S+) \((\d+) of (\d+) elements differ\)\.\n",
        text,
    )
    assert match, text
    assert match[1] == name
    said, right = float(match[3]), float(match[4])
    if ratio is not None:
        assert said == pytest.approx(ratio * right, rel=1e-6)
        assert match[5] == match[6]
    if bug is use_one_element_of_another:
        assert (match[2], match[5], match[6]) == ("(1, 2)", "1", "9")


def test_the_checker_says_what_the_gradient_should_be():
    layer = Broken(double_the_kernels)
    layer.ensure_built((None, 3))
    with pytest.raises(AssertionError) as error:
        check_gradients(layer, numbers(3, 3), seed=4)
    index, said, right = re.search(
        r"index (\(.*?\)): backward says (\S+), the outputs say (\S+) ", str(error.value)
    ).groups()
    # f is the sum of the outputs times the first numbers of that seed.
    x, w = numbers(3, 3), layer.kernel.value.astype(np.float64)
    projection = np.random.default_rng(4).standard_normal((3, 3))
    gradient = x.T @ (projection * (1 - np.tanh(x @ w) ** 2))
    at = tuple(int(i) for i in re.findall(r"\d+", index))
    assert float(right) == pytest.approx(gradient[at], rel=1e-6)
    assert float(said) == pytest.approx(2 * gradient[at], rel=1e-6)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Accumulating, r"says nan.*must assign every element.*`self\.kernel\.grad\[\.\.\.\] ="),
        (Forgetful, r"says nan.*never assigns it.*`self\.kernel\.grad\[\.\.\.\] ="),
        (NotANumber, "says nan.*backward itself comes to NaN"),
        (Unchained, "the same whatever dy is"),
    ],
)
def test_the_checker_says_why_a_gradient_is_not_there(layer, words):
    with pytest.raises(AssertionError, match=rf"(?s)dense/kernel.*{words}"):
        check_gradients(layer(3, name="dense"), numbers(3, 3))


def test_the_checker_finds_a_forgotten_dx():
    with pytest.raises(AssertionError, match=r"dense: backward returned None .* float input"):
        check_gradients(Broken(forget_dx), numbers(3, 3))


def test_the_checker_finds_a_dx_of_another_shape():
    def cut_dx(layer):
        return (layer.dx[:, :2],)

    with pytest.raises(AssertionError, match=r"the input of dense has shape \(3, 2\); .*\(3, 3\)"):
        check_gradients(Broken(cut_dx), numbers(3, 3))


def test_the_checker_finds_a_changed_input():
    class Halving(layers.Layer):
        def forward(self, x, ctx):
            x /= 2
            return x * 1

        def backward(self, dy, ctx):
            return dy / 2

    with pytest.raises(AssertionError, match="halving: forward or backward wrote to its input x"):
        check_gradients(Halving(), numbers(3, 3))


def test_the_checker_names_the_layer_of_a_model():
    good = Sequential([Input((3,)), Dense(4, "tanh"), Dense(3, name="second"), Dense(2)])
    check_gradients(good, numbers(3, 3))
    bad = Sequential([Input((3,)), Dense(3), Broken(flip_the_biass, name="second"), Dense(2)])
    with pytest.raises(AssertionError, match="The gradient of second/bias is wrong"):
        check_gradients(bad, numbers(3, 3))
    nested = Sequential([Input((3,)), Dense(3), bad])
    with pytest.raises(AssertionError, match=r"The gradient of .*second/bias is wrong"):
        check_gradients(nested, numbers(3, 3))


def test_a_wrong_dx_inside_a_model_shows_in_the_weights_before_it():
    bad = Sequential([Input((3,)), Dense(3, name="first"), Broken(halve_dx), Dense(2, name="last")])
    with pytest.raises(AssertionError, match="The gradient of first/kernel is wrong"):
        check_gradients(bad, numbers(3, 3))


def test_the_checker_finds_a_wrong_activation():
    def swish(x):
        return x / (1 + np.exp(-x))

    swish.gradient = lambda dy, x, y: dy / (1 + np.exp(-x))  # without its second term
    with pytest.raises(AssertionError, match="dense/kernel"):
        check_gradients(Dense(3, swish), numbers(3, 3))
    with pytest.raises(AssertionError, match="the input of activation"):
        check_gradients(Activation(swish), numbers(3, 3))


def test_the_checker_leaves_the_layer_as_it_was():
    layer = Dense(3, "tanh")
    check_gradients(layer, numbers(3, 3))
    assert not layer.built
    layer.ensure_built((None, 3))
    weights, arrays = layer.get_weights(), [w.value for w in layer.weights]
    layer.kernel.grad.fill(7)
    check_gradients(layer, numbers(3, 3))
    for weight, array, value in zip(layer.weights, arrays, weights, strict=True):
        assert weight.value is array
        np.testing.assert_array_equal(array, value)
    assert layer.dtype == "float32"
    assert (layer.kernel.grad == 7).all()


def test_a_dropout_keeps_its_mask_while_it_is_checked():
    layer = Dropout(0.5, seed=1)
    state = layer.seed_generator.state.copy()
    check_gradients(layer, numbers(3, 3), training=True)
    np.testing.assert_array_equal(layer.seed_generator.state, state)


# --- random models


def _layer(kind, units, rate, name):
    """Return a layer; not made by Hypothesis's strategies, because it draws a seed."""
    return {
        "dense": lambda: Dense(units, name, use_bias=rate > 0.2),
        "activation": lambda: Activation(name),
        "softmax": lambda: Softmax(),
        "dropout": lambda: Dropout(rate, seed=units),
        "rescaling": lambda: layers.Rescaling(1 + rate, offset=units),
        "flatten": lambda: Flatten(),
        "identity": lambda: Identity(),
    }[kind]()


RECIPES = st.tuples(
    st.sampled_from(
        ["dense", "activation", "softmax", "dropout", "rescaling", "flatten", "identity"]
    ),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3]),
    # those without a kink
    st.sampled_from(["gelu", "linear", "mish", "sigmoid", "silu", "softmax", "softplus", "tanh"]),
)
sizes = st.integers(1, 4)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    recipes=st.lists(RECIPES, min_size=1, max_size=5),
    training=st.booleans(),
    seed=st.integers(0, 99),
)
def test_random_stacks(shape, recipes, training, seed):
    model = Sequential([Input(shape), *(_layer(*recipe) for recipe in recipes)])
    check_gradients(model, numbers(3, *shape, seed=seed), training=training, directions=1)


@settings(max_examples=40, deadline=None)
@given(shape=st.lists(sizes, min_size=2, max_size=4), units=sizes, use_bias=st.booleans())
def test_dense_of_any_shape(shape, units, use_bias):
    layer = Dense(units, use_bias=use_bias)
    x = numbers(*shape)
    y = layer(x)
    assert y.shape == layer.compute_output_shape(tuple(shape)) == (*shape[:-1], units)
    np.testing.assert_allclose(y, x @ layer.kernel.value.astype(float), rtol=1e-5, atol=1e-6)
    check_gradients(layer, x, directions=1)


@settings(max_examples=40, deadline=None)
@given(shape=st.lists(sizes, min_size=1, max_size=5), data=st.data())
def test_reshape_and_flatten_of_any_shape(shape, data):
    x = numbers(*shape).astype(np.float32)
    np.testing.assert_array_equal(Flatten()(x), x.reshape(shape[0], -1))
    order = data.draw(st.permutations(shape[1:]))
    unknown = data.draw(sizes)  # which size is left to be worked out; none, if there are fewer
    layer = Reshape([-1 if i == unknown else size for i, size in enumerate(order)])
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *order)
    np.testing.assert_array_equal(layer(x), x.reshape(shape[0], *order))
    check_gradients(layer, x.astype(float), directions=1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": Dense}, TypeError, "Received: the class Dense"),
        ({"x": np.ones((0, 3))}, ValueError, "at least one sample"),
        ({"directions": 0}, ValueError, "directions of 1 or more"),
        ({"step": 0}, ValueError, "step and tolerance above 0"),
        ({"tolerance": -1}, ValueError, "step and tolerance above 0"),
    ],
)
def test_a_check_that_could_not_fail_is_refused(options, error, message):
    given = {"layer": Dense(2), "x": np.ones((2, 3))} | options
    with pytest.raises(error, match=message):
        check_gradients(given.pop("layer"), given.pop("x"), **given)


def test_a_step_of_nothing_is_refused():
    with pytest.raises(ValueError, match="step above 0"):
        numerical_gradient(np.sum, np.ones(2), step=0)
