"""Wrapper, the base of layers around layers, and InputSpec, what a layer says of its inputs."""

from __future__ import annotations

import numpy as np
import pytest

import scratchnn as keras
from scratchnn.inspection import check_gradients
from scratchnn.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    InputSpec,
    Layer,
    SpectralNormalization,
    TimeDistributed,
    Wrapper,
)

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


class Doubled(Wrapper):
    def forward(self, x, ctx):
        return 2 * super().forward(x, ctx)

    def backward(self, dy, ctx):
        return super().backward(2 * dy, ctx)


def test_a_wrapper_does_what_its_layer_does():
    dense = Dense(3, "tanh")
    wrapped = Wrapper(dense)
    np.testing.assert_array_equal(wrapped(X), dense(X))
    assert wrapped.weights == dense.weights
    assert wrapped.compute_output_shape((None, 4)) == (None, 3)
    np.testing.assert_array_equal(Doubled(dense)(X), 2 * dense(X).numpy())
    check_gradients(Doubled(Dense(3, "tanh")), X)


def test_whether_it_is_training_reaches_the_layer():
    assert (Wrapper(Dropout(0.5, seed=1))(X, training=True).numpy() == 0).any()
    norm = BatchNormalization()
    before = (Wrapper(norm)(X), norm.moving_mean.numpy())[1]
    Wrapper(norm)(X, training=True)
    assert (norm.moving_mean.numpy() != before).any()


def test_a_wrapper_in_a_model_and_its_config():
    model = keras.Sequential([keras.Input((4,)), Doubled(Dense(3)), Dense(1)])
    model.compile("sgd", "mse")
    losses = model.fit(X, X[:, :1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    again = Doubled.from_config(model.layers[0].get_config())
    assert isinstance(again.layer, Dense)
    assert again.layer.units == 3


def test_layers_around_layers_are_wrappers():
    assert isinstance(TimeDistributed(Dense(1)), Wrapper)
    assert isinstance(SpectralNormalization(Dense(1)), Wrapper)
    with pytest.raises(ValueError, match=r"Doubled expected a layer to wrap.*Received: 3"):
        Doubled(3)


SPECS = [
    ({"ndim": 2}, (6, 4), None),
    ({"ndim": 3}, (6, 4), "rank 3. Received: shape"),
    ({"min_ndim": 3}, (6, 4), "rank 3 or more"),
    ({"max_ndim": 1}, (6, 4), "rank 1 or less"),
    ({"axes": {-1: 4, 0: None}}, (6, 4), None),
    ({"axes": {-1: 5}}, (6, 4), "size 5 on axis -1"),
    ({"shape": (None, 4)}, (6, 4), None),
    ({"shape": (None, 5)}, (6, 4), r"shape \(None, 5\)"),
    ({"shape": (None, 4, 1), "allow_last_axis_squeeze": True}, (6, 4), None),
    ({"shape": (None, 4), "allow_last_axis_squeeze": True}, (6, 4, 1), None),
    ({"dtype": "float32"}, (6, 4), None),
    ({"dtype": "int32"}, (6, 4), "dtype 'int32'. Received: dtype 'float32'"),
    ({"dtype": "int32", "name": "words"}, (6, 4), "for its input 'words' one of dtype"),
]


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize(("said", "shape", "error"), SPECS, ids=str)
def test_input_specs(said, shape, error, symbolic):
    class Same(Layer):
        input_spec = InputSpec(**said)

        def forward(self, x, ctx):
            return x

    layer = Same()
    x = keras.Input(shape[1:]) if symbolic else np.zeros(shape, "float32")
    if error is None:
        layer(x)
        return
    with pytest.raises(ValueError, match=error):
        layer(x)
    assert not layer.built


def test_specs_of_several_inputs():
    class First(Layer):
        takes_several = True
        input_spec = (InputSpec(ndim=2), InputSpec(ndim=2))

        def forward(self, x, ctx):
            return x[0]

    np.testing.assert_array_equal(First()([X, X]), X)
    with pytest.raises(ValueError, match=r"expected 2 inputs\. Received: 3"):
        First()([X, X, X])


def test_what_a_spec_is_made_of():
    spec = InputSpec(shape=(None, 4), dtype="float32")
    assert repr(spec) == "InputSpec(dtype=float32, shape=(None, 4), ndim=2)"
    assert InputSpec.from_config(spec.get_config()).get_config() == spec.get_config()
    with pytest.raises(TypeError, match="dict of whole numbers"):
        InputSpec(axes=[1, 2])
    with pytest.raises(ValueError, match="axes below 2"):
        InputSpec(ndim=2, axes={2: 3})
    with pytest.raises(ValueError, match="optional=True"):
        InputSpec(optional=True)


def test_a_mask_goes_on_behind_a_layer_on_each_step():
    mask = np.ones((2, 3), bool)
    assert TimeDistributed(keras.layers.Flatten()).compute_mask(None, mask) is mask
    assert Wrapper(keras.layers.Flatten()).compute_mask(None, mask) is None
    assert Wrapper(Dense(2)).compute_mask(None, mask) is mask
