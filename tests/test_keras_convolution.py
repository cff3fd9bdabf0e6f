"""Convolutions against tf.keras: values, gradients, configs, weights, 20 steps of training.

Initial weights are equal to the bit. Outputs and gradients, which are sums of up to a few hundred
products, are within 2e-6 of the largest element; weights and losses within 1e-5 after 20 steps.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import numbers, same_configs, same_training
from twins import both, close, close_all, equal_weights, quiet, twins

import scratchnn
from scratchnn import Context

SUMS = 2e-6
"""Relative to the largest element: the rounding of a sum of a few hundred products."""


def shape(rank: int, options: dict[str, Any], channels: int = 4, sizes=(8, 7, 6)):
    """Return that of a batch of two."""
    sizes = sizes[:rank]
    if options.get("data_format") == "channels_first":
        return (2, channels, *sizes)
    return (2, *sizes, channels)


def same(name: str, x: np.ndarray, *args: Any, **options: Any) -> Any:
    """Compare a layer with its twin: initial weights, y, dx, each gradient, shapes and configs."""

    def make(k: Any) -> Any:
        layer = getattr(k.layers, name)(*args, **options)
        layer.build(x.shape)
        return layer

    ours, theirs = twins(make)
    equal_weights(ours, theirs)
    same_configs(ours, theirs)
    ctx = Context(True, ours.dtype)
    y = ours.forward(ours.cast(x), ctx)
    dy = numbers(*y.shape, seed=1)
    with tf.GradientTape() as tape, quiet():
        tensor = tf.constant(x)
        tape.watch(tensor)
        expected = theirs(tensor)
        target = tf.reduce_sum(expected * dy)
    weights = [w.value for w in theirs.trainable_weights]
    d_x, *d_weights = tape.gradient(target, [tensor, *weights])
    close(y, expected.numpy(), SUMS, "y")
    close(ours.backward(dy, ctx), d_x.numpy(), SUMS, "dx")
    for weight, gradient in zip(ours.trainable_weights, d_weights, strict=True):
        close(weight.grad, gradient.numpy(), SUMS, weight.path)
    assert ours.compute_output_shape(x.shape) == tuple(theirs.compute_output_shape(x.shape))
    channels = 1 if options.get("data_format") == "channels_first" else x.ndim - 1
    unknown = tuple(n if axis == channels else None for axis, n in enumerate(x.shape))
    assert ours.compute_output_shape(unknown) == tuple(theirs.compute_output_shape(unknown))
    same_configs(ours, theirs)
    return ours


# With channels first, a bias and an output whose last axis is as long, Keras adds the bias along
# that axis; so no output here is F wide.

PLACES: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"strides": 2},
    {"strides": 2, "padding": "SAME"},
    {"strides": 3},
    {"dilation_rate": 2},
    {"dilation_rate": 2, "padding": "same"},
    {"kernel_size": 1},
    {"kernel_size": 1, "strides": 2},
    {"kernel_size": 2, "padding": "same"},
    {"kernel_size": 4, "strides": 3, "padding": "same"},
    {"data_format": "channels_first"},
    {"data_format": "channels_first", "padding": "same", "strides": 2},
    {"activation": "relu", "use_bias": False},
    {"activation": "softmax", "data_format": "channels_first", "use_bias": False},
]


@pytest.mark.parametrize("options", PLACES, ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution(rank, options):
    options = {"kernel_size": 3, **options}
    same(f"Conv{rank}D", numbers(*shape(rank, options)), 7, **options)


@pytest.mark.parametrize("channels", [1, 3, 16, 40])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_few_and_many_channels(channels, padding):
    same("Conv2D", numbers(4, 9, 8, channels), 8, 3, padding=padding, activation="tanh")


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": (3, 2), "strides": (1, 2)},
        {"kernel_size": [2, 5], "padding": "same"},
        {"kernel_size": (2, 3), "dilation_rate": (1, 2), "padding": "same"},
        {"kernel_size": (1, 3), "strides": (3, 1), "padding": "same"},
        {"kernel_size": (8, 7)},
        {"kernel_size": (11, 11), "padding": "same"},
    ],
    ids=str,
)
def test_uneven_kernels(options):
    same("Conv2D", numbers(2, 8, 7, 3), 4, **options)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [2, 4])
def test_groups(rank, groups):
    x = numbers(*shape(rank, {}))
    same(f"Conv{rank}D", x, 8, 3, groups=groups, padding="same")
    same(f"Conv{rank}D", x, 4, 2, groups=groups, strides=2, activation="relu")
    same(f"Conv{rank}D", x, 4, 1, groups=groups)


@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"dilation_rate": 3}, {"groups": 2}])
def test_causal(options):
    same("Conv1D", numbers(2, 9, 4), 6, 3, padding="causal", **options)
    first = {"data_format": "channels_first", **options}
    same("Conv1D", numbers(2, 4, 9), 6, 2, padding="Causal", **first)


TRANSPOSED: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"strides": 2},
    {"strides": 2, "padding": "same"},
    {"strides": 3, "kernel_size": 2},
    {"strides": 3, "kernel_size": 2, "padding": "same"},
    {"kernel_size": 1},
    {"kernel_size": 4, "strides": 2, "padding": "same"},
    {"strides": 2, "output_padding": 1},
    {"strides": 3, "output_padding": 2, "padding": "same"},
    {"strides": 2, "output_padding": 0, "padding": "same"},
    {"dilation_rate": 2},
    {"dilation_rate": 2, "padding": "same"},
    {"data_format": "channels_first", "padding": "same", "strides": 2},
    {"activation": "relu", "use_bias": False},
]


@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed(rank, options):
    options = {"kernel_size": 3, **options}
    x = numbers(*shape(rank, options, sizes=(4, 3, 2)))
    same(f"Conv{rank}DTranspose", x, 3, **options)


DEPTHWISE: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"strides": 2},
    {"strides": 2, "padding": "same"},
    {"dilation_rate": 2},
    {"dilation_rate": 2, "padding": "same"},
    {"depth_multiplier": 3, "activation": "relu"},
    {"depth_multiplier": 2, "strides": 2, "use_bias": False},
    {"strides": 2, "dilation_rate": 2},
    {"strides": 3, "dilation_rate": 2, "padding": "same"},
    {"data_format": "channels_first", "padding": "same"},
    {"data_format": "channels_first", "depth_multiplier": 2, "strides": 2, "activation": "tanh"},
]


@pytest.mark.parametrize("options", DEPTHWISE, ids=str)
@pytest.mark.parametrize("rank", [1, 2])
def test_depthwise_and_separable(rank, options):
    x = numbers(*shape(rank, options))
    same(f"DepthwiseConv{rank}D", x, 3, **options)
    same(f"SeparableConv{rank}D", x, 5, 3, **options)


def test_uneven_steps_of_depthwise_kernels():
    x = numbers(2, 8, 7, 3)
    same("DepthwiseConv2D", x, (2, 3), strides=(1, 2), padding="same")
    same("DepthwiseConv2D", x, (3, 2), strides=(2, 1), dilation_rate=(1, 2))


WEIGHTS = {
    "regularizer": ("l2", lambda k: k.regularizers.L1(0.02)),
    "constraint": ("max_norm", lambda k: k.constraints.MinMaxNorm(0.1, 0.5)),
    "initializer": ("he_normal", lambda k: k.initializers.RandomNormal(0.1)),
}


@pytest.mark.parametrize(
    ("name", "args", "roles"),
    [
        ("Conv2D", (5, 3), ("kernel", "bias")),
        ("Conv1DTranspose", (5, 3), ("kernel", "bias")),
        ("DepthwiseConv2D", (3,), ("depthwise", "bias")),
        ("SeparableConv2D", (5, 3), ("depthwise", "pointwise", "bias")),
    ],
)
def test_what_is_said_of_the_weights(name, args, roles):
    """Initializers draw their seeds in Keras's order; the others are in the config."""

    def make(k: Any) -> Any:
        options = {
            f"{role}_{kind}": (values[0] if i % 2 else values[1](k))
            for kind, values in WEIGHTS.items()
            for i, role in enumerate(roles)
        }
        layer = getattr(k.layers, name)(*args, activity_regularizer="l2", **options)
        layer.build((2, 7, 6, 4)[: 4 if "2D" in name else 3])
        return layer

    ours, theirs = twins(make)
    same_configs(ours, theirs)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    close_all(ours.get_weights(), theirs.get_weights(), 1e-6)


def test_seeds_around_convolutions():
    """Each layer takes one seed when it is made, a separable convolution two."""

    def run(k: Any) -> Any:
        layers = k.layers
        for layer in (
            layers.Conv1D(2, 2),
            layers.Conv3DTranspose(2, 2),
            layers.DepthwiseConv1D(2),
            layers.SeparableConv2D(2, 2),
            layers.SeparableConv1D(2, 2),
        ):
            assert layer.name
        dense = layers.Dense(3)
        dense.build((None, 4))
        return np.array(dense.kernel)

    ours, theirs = both(run)
    np.testing.assert_array_equal(ours, theirs)


ALIASES = {
    **{f"Convolution{r}D{t}": f"Conv{r}D{t}" for r in (1, 2, 3) for t in ("", "Transpose")},
    **{f"SeparableConvolution{r}D": f"SeparableConv{r}D" for r in (1, 2)},
}


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases(alias):
    assert getattr(keras.layers, alias) is getattr(keras.layers, ALIASES[alias])
    assert getattr(scratchnn.layers, alias) is getattr(scratchnn.layers, ALIASES[alias])


REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Conv2D", (4, 3), {"strides": 2, "dilation_rate": 2}),
    ("Conv2DTranspose", (4, 3), {"strides": (1, 2), "dilation_rate": (2, 1)}),
    ("Conv2D", (4, 3), {"padding": "causal"}),
    ("Conv1DTranspose", (4, 3), {"padding": "causal"}),
    ("Conv2D", (0, 3), {}),
    ("Conv2D", (4, 0), {}),
    ("Conv2D", (4, (3, 3, 3)), {}),
    ("Conv2D", (4, 3), {"strides": 0}),
    ("Conv2D", (4, 3), {"groups": 3}),
    ("Conv2D", (4, 3), {"groups": 0}),
    ("DepthwiseConv2D", (3,), {"depth_multiplier": 0}),
    ("SeparableConv2D", (4, 3), {"depth_multiplier": -1}),
    ("Conv2DTranspose", (4, 3), {"strides": 2, "output_padding": 2}),
    ("Conv2D", (4, 3), {"data_format": "channels_middle"}),
]


@pytest.mark.parametrize(("name", "args", "options"), REFUSED, ids=str)
def test_both_refuse(name, args, options):
    for k in (scratchnn, keras):
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(k.layers, name)(*args, **options)


@pytest.mark.parametrize(
    ("name", "args", "x_shape"),
    [
        ("Conv2D", (4, 5), (2, 4, 9, 3)),
        ("SeparableConv1D", (4, 5), (2, 4, 3)),
        ("DepthwiseConv2D", (5,), (2, 9, 4, 3)),
        ("Conv2D", (4, 3), (2, 9, 3)),
    ],
)
def test_both_refuse_inputs_that_do_not_fit(name, args, x_shape):
    for k in (scratchnn, keras):
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(k.layers, name)(*args)(numbers(*x_shape))


TRAINED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Conv1D", (4, 3), {"padding": "causal", "dilation_rate": 2, "activation": "relu"}),
    ("Conv2D", (4, 3), {"activation": "relu"}),
    ("Conv2D", (4, 3), {"padding": "same", "strides": 2, "data_format": "channels_first"}),
    ("Conv2D", (4, 2), {"kernel_regularizer": "l2", "kernel_constraint": "max_norm"}),
    ("Conv3D", (1, 2), {"strides": 2}),
    ("Conv2DTranspose", (3, 3), {"strides": 2, "activation": "tanh"}),
    ("DepthwiseConv2D", (3,), {"depth_multiplier": 2}),
    ("SeparableConv2D", (4, 3), {"padding": "same", "activation": "relu"}),
]


@pytest.mark.parametrize(("name", "args", "options"), TRAINED, ids=str)
def test_training(name, args, options):
    rank = int(name[name.index("D") - 1]) if name[0] != "D" else 2
    same_training(lambda k: [getattr(k.layers, name)(*args, **options)], (8, *(5,) * rank, 3))


def test_the_tutorials_convnet():
    """The simple convnet of Keras's tutorial, in small: losses of every step, and the weights."""

    def run(k: Any) -> Any:
        model = k.Sequential(
            [
                k.Input((12, 12, 1)),
                k.layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
                k.layers.MaxPooling2D(pool_size=(2, 2)),
                k.layers.Conv2D(12, kernel_size=(3, 3), activation="relu"),
                k.layers.MaxPooling2D(pool_size=(2, 2)),
                k.layers.Flatten(),
                k.layers.Dropout(0.5),
                k.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        y = k.utils.to_categorical(np.arange(64) % 10, 10)
        x = numbers(64, 12, 12, 1)
        history = model.fit(x, y, batch_size=24, epochs=7, verbose=0)
        return history.history, model.get_weights(), model.predict(x[:1], verbose=0)

    (history, weights, p), (keras_history, keras_weights, keras_p) = both(run)
    assert history["accuracy"] == keras_history["accuracy"]
    np.testing.assert_allclose(history["loss"], keras_history["loss"], rtol=1e-5)
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    # Adam divides by the root of what can be small: 21 steps of 0.001, each rounded.
    close_all(weights, keras_weights, 1e-4)
    close(p, keras_p, 1e-4)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_positional_arguments(rank):
    """Keras's order of `output_padding` and `data_format` is another one in 3-D."""
    args = {3: ("channels_last", 1)}.get(rank, (1, "channels_last"))
    same(f"Conv{rank}DTranspose", numbers(*shape(rank, {}, 2)), 3, 2, 2, "valid", *args)
