"""What every layer can be told of its weights, all of it at once, against Keras.

The table has each layer with weights once. Its initializers, regularizers and constraints are found
in its signature, so that none is left out: each gets one of its own. Compared are configs, initial
weights, to the bit, what is added to the loss, and the weights after three steps of training.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
from layer_twins import TWENTY_STEPS, numbers, same_configs
from twins import both, close_all

import scratchnn

LAYERS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = {
    "Dense": ((3,), {}, (4,)),
    "EinsumDense": (("abc,cd->abd",), {"output_shape": (3, 2), "bias_axes": "d"}, (3, 4)),
    "Embedding": ((5, 4), {}, (3,)),
    "Conv1D": ((3, 2), {}, (5, 2)),
    "Conv2D": ((3, 2), {}, (4, 5, 2)),
    "Conv3D": ((3, 2), {}, (3, 4, 3, 2)),
    "Conv1DTranspose": ((3, 2), {}, (5, 2)),
    "Conv2DTranspose": ((3, 2), {}, (4, 5, 2)),
    "Conv3DTranspose": ((3, 2), {}, (2, 3, 2, 2)),
    "DepthwiseConv1D": ((2,), {}, (5, 2)),
    "DepthwiseConv2D": ((2,), {}, (4, 5, 2)),
    "SeparableConv1D": ((3, 2), {}, (5, 2)),
    "SeparableConv2D": ((3, 2), {}, (4, 5, 2)),
    "SimpleRNN": ((3,), {}, (4, 2)),
    "LSTM": ((3,), {}, (4, 2)),
    "GRU": ((3,), {}, (4, 2)),
    "BatchNormalization": ((), {}, (3, 4)),
    "LayerNormalization": ((), {}, (3, 4)),
    "GroupNormalization": ((2,), {}, (3, 4)),
    "PReLU": ((), {}, (3, 4)),
    "MultiHeadAttention": ((2, 3), {}, (4, 3)),
    "GroupQueryAttention": ((3, 4, 2), {}, (4, 3)),
}

WITHOUT = {
    "SimpleRNN": {"activity_regularizer"},  # Keras forgets it, of which scratchnn warns
    "MultiHeadAttention": {"kernel_initializer", "bias_initializer"},  # one seed, six weights
    "GroupQueryAttention": {"kernel_initializer", "bias_initializer"},
}


def options_of(name: str, k: Any) -> dict[str, Any]:
    """Return an initializer, a regularizer or a constraint for each argument that takes one."""
    arguments = inspect.signature(getattr(scratchnn.layers, name).__init__).parameters
    theirs = inspect.signature(getattr(keras.layers, name).__init__).parameters
    found: dict[str, Any] = {}
    for i, argument in enumerate({**theirs, **arguments}):
        _, _, kind = argument.rpartition("_")
        if argument in WITHOUT.get(name, ()):
            continue
        if kind == "initializer":
            found[argument] = k.initializers.RandomUniform(0.1, 0.9, seed=i)
        elif kind == "regularizer":
            found[argument] = k.regularizers.L1L2(0.001 * (i + 1), 0.002 * (i + 1))
        elif kind == "constraint":
            found[argument] = k.constraints.MinMaxNorm(0.02 * (i + 1), 0.05 * (i + 2))
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_all_that_is_said_of_weights(name: str) -> None:
    args, more, shape = LAYERS[name]
    of_words = name == "Embedding"

    def run(k: Any) -> Any:
        layer = getattr(k.layers, name)(*args, **more, **options_of(name, k))
        x = k.Input(shape, dtype="int32" if of_words else None)
        y = layer(x, x) if "Attention" in name else layer(x)
        model = k.Model(x, k.layers.Dense(1)(k.layers.Flatten()(y)))
        model.compile(k.optimizers.SGD(0.02), "mse", run_eagerly=True)
        data = numbers(6, *shape)
        if of_words:
            data = np.abs(data * 2).astype("int32") % 5
        before = [w.copy() for w in model.get_weights()]
        losses = [model.train_on_batch(data, numbers(6, 1, seed=1)) for _ in range(3)]
        return layer, before, losses, model.get_weights()

    (ours, start, losses, weights), (theirs, their_start, their_losses, their_weights) = both(run)
    assert any(not np.array_equal(a, b) for a, b in zip(start, weights, strict=True))
    same_configs(ours, theirs)
    for found, expected in zip(start, their_start, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(losses, their_losses, rtol=TWENTY_STEPS)
    close_all(weights, their_weights, TWENTY_STEPS, "weights")


def test_no_layer_is_left_out() -> None:
    """Of those that say something of weights, the table has all but the cells, which LSTM has."""
    telling = {
        name
        for name in scratchnn.layers.__all__
        if inspect.isclass(cls := getattr(scratchnn.layers, name))
        and cls.__name__ == name  # no alias
        and any(p.endswith("_initializer") for p in inspect.signature(cls.__init__).parameters)
    }
    cells = {"SimpleRNNCell", "LSTMCell", "GRUCell"}
    assert telling - set(LAYERS) - cells <= set(), telling - set(LAYERS) - cells
