"""Functional models: graphs of calls, shared layers, several inputs and outputs."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import scratchnn as keras
from scratchnn import Context, Input, Model, Sequential
from scratchnn.graph import KerasTensor
from scratchnn.inspection import check_gradients
from scratchnn.layers import Add, Concatenate, Dense, Dropout, Identity, Softmax
from scratchnn.models.functional import Functional
from scratchnn.optimizers import SGD

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Z = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 1)).astype("float32")
WIDE = RNG.normal(size=(12, 4)).astype("float32")
LABELS = RNG.integers(0, 4, 12)


def two_inputs(shared="d"):
    a, b = Input((3,), name="a"), Input((3,), name="b")
    layer = Dense(4, "tanh", name=shared)
    x, y = layer(a), layer(b)
    return Model([a, b], Dense(1, name="o")(Add()([Add()([x, y]), x])))


def two_outputs():
    a = Input((3,), name="a")
    x = Dense(4, "tanh", name="d")(a)
    return Model(a, {"price": Dense(1, name="p")(x), "kind": Dense(4, "softmax", name="k")(x)})


def numeric_gradients(model, *data, step=1e-6):
    """Return the differences of the loss along each element of each weight."""
    found = {}
    for p in model.trainable_weights:
        gradient = np.zeros_like(p.value)
        for place in np.ndindex(p.shape):
            kept = p.value[place]
            losses = []
            for sign in (1, -1):
                p.value[place] = kept + sign * step
                losses.append(np.ravel(model.test_on_batch(*data))[0])
            p.value[place] = kept
            gradient[place] = (losses[0] - losses[1]) / (2 * step)
        found[p.path] = gradient
    return found


@pytest.fixture
def float64():
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def assert_gradients(model, *data):
    model.train_on_batch(*data)
    found = {p.path: p.grad.copy() for p in model.trainable_weights}
    assert found
    for path, expected in numeric_gradients(model, *data).items():
        np.testing.assert_allclose(found[path], expected, rtol=1e-5, atol=1e-8, err_msg=path)


# --- gradients


def test_gradients_of_shared_layers_add_up(float64):
    model = two_inputs()
    model.compile(SGD(0.0), "mse")
    assert_gradients(model, [X, Z], Y)


def test_gradients_of_several_losses_add_up(float64):
    model = two_outputs()
    losses = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile(SGD(0.0), losses, loss_weights={"price": 0.5, "kind": 2})
    assert_gradients(model, X, {"price": Y, "kind": LABELS})


def test_probabilities_with_a_loss_and_another_use(float64):
    a = Input((3,))
    p = Dense(4, "softmax")(a)
    model = Model(a, [p, Dense(1)(p)])
    model.compile(SGD(0.0), ["sparse_categorical_crossentropy", "mse"])
    assert_gradients(model, X, [LABELS, Y])


def test_logits_are_found_behind_layers_that_change_nothing(float64):
    a = Input((3,))
    model = Model(a, Identity()(Softmax()(Dense(4)(a))))
    model.compile(SGD(0.0), "sparse_categorical_crossentropy")
    assert_gradients(model, X, LABELS)
    # A probability that is 0 in float32 has no logarithm: the loss must come from the logits.
    model.layers[1].set_weights([np.eye(3, 4) * 1000, np.zeros(4)])
    assert model.evaluate([[1.0, 0, 0]], [1], verbose=0) == pytest.approx(1000)


def test_models_in_models(float64):
    inner = two_inputs("inner")
    a, b = Input((3,)), Input((3,))
    tower = Sequential([Input((3,)), Dense(3, "tanh"), Dense(3)])
    model = Model([a, b], Dense(1)(Concatenate()([inner([tower(a), b]), tower(b)])))
    model.compile(SGD(0.0), "mse")
    assert_gradients(model, [X, Z], Y)
    assert [layer.name for layer in model.layers].count(tower.name) == 1


def test_a_functional_model_as_a_layer(float64):
    a = Input((3,))
    x = Dense(4, "tanh")(a)
    check_gradients(Model(a, Add()([Dense(4)(x), x])), X.astype("float64")[:3])


def test_an_output_without_a_loss_trains_nothing():
    a = Input((3,))
    head = Dense(2, name="unused")
    model = Model(a, [Dense(1)(a), head(a)])
    model.compile("adam", ["mse", None])
    before = head.get_weights()
    history = model.fit(X, [Y, None], verbose=0).history
    assert list(history) == ["loss"]
    for w, kept in zip(head.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, kept)


# --- forms of data


def test_inputs_by_place_and_by_name():
    model = two_inputs()
    expected = model.predict([X, Z], verbose=0)
    np.testing.assert_array_equal(model.predict({"b": Z, "a": X}, verbose=0), expected)
    np.testing.assert_array_equal(model.predict((X, Z), batch_size=5, verbose=0), expected)
    np.testing.assert_array_equal(model([X, Z]), expected)
    np.testing.assert_array_equal(model.predict_on_batch([X, Z]), expected)


def test_outputs_come_as_they_were_given():
    a = Input((3,))
    x, y = Dense(2)(a), Dense(5)(a)
    assert [p.shape for p in Model(a, [x, y]).predict(X, batch_size=5, verbose=0)] == [
        (12, 2),
        (12, 5),
    ]
    found = Model(a, {"u": y, "t": x})(X)
    assert {key: value.shape for key, value in found.items()} == {"t": (12, 2), "u": (12, 5)}
    assert isinstance(Model(a, {"t": x}).predict(X, verbose=0), dict)
    assert Model([a], [x]).predict(X, verbose=0).shape == (12, 2)


def test_fit_takes_every_form():
    def trained(*data, **arguments):
        keras.utils.set_random_seed(1)
        model = two_outputs()
        model.compile("adam", {"price": "mse", "kind": "sparse_categorical_crossentropy"})
        model.fit(*data, epochs=2, batch_size=4, shuffle=False, verbose=0, **arguments)
        return model.get_weights()

    targets = {"price": Y, "kind": LABELS}
    expected = trained(X, targets)
    batches = [(X[i : i + 4], {key: y[i : i + 4] for key, y in targets.items()}) for i in (0, 4, 8)]
    for data in (
        ({"a": X}, targets),
        ([X], [LABELS, Y]),  # outputs of a dict come in the order of its keys
        (batches,),
    ):
        for a, b in zip(trained(*data), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    weight = np.ones(12)
    for weights in (weight, {"price": weight}, [weight, None]):
        for a, b in zip(trained(X, targets, sample_weight=weights), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_names_in_the_logs():
    model = two_outputs()
    model.compile(
        "sgd",
        {"price": "mse", "kind": "sparse_categorical_crossentropy"},
        metrics={"kind": ["accuracy"], "price": "mae"},
    )
    history = model.fit(X, {"price": Y, "kind": LABELS}, validation_split=0.5, verbose=0).history
    names = ["kind_accuracy", "kind_loss", "loss", "price_loss", "price_mae"]
    assert list(history) == sorted([*names, *(f"val_{name}" for name in names)])


# --- graphs


def test_layers_in_keras_s_order():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    late = Dense(2, name="late")(b)
    x = Dense(2, name="second")(Dense(2, name="first")(a))
    model = Model([a, b], Add(name="add")([x, late]))
    assert [layer.name for layer in model.layers] == ["a", "first", "b", "second", "late", "add"]
    assert model.get_layer("late") is model.get_layer(index=4)


def test_a_model_may_begin_and_end_within_another():
    a = Input((3,))
    x = Dense(4, name="first")(a)
    y = Dense(5, name="second")(x)
    whole = Model(a, Dense(1)(y))
    front, back = Model(whole.input, whole.get_layer("first").output), Model(x, y)
    np.testing.assert_allclose(back.predict(front.predict(X, verbose=0), verbose=0), Model(a, y)(X))
    assert back.get_layer("second") is whole.get_layer("second")
    assert [layer.name for layer in back.layers] == [f"{x.name}CLONE", "second"]


def test_the_layers_of_a_sequential_have_inputs_and_outputs():
    base = Sequential([Input((3,)), Dense(4), Dropout(0.5), Dense(2)])
    cut = Model(base.inputs, base.layers[0].output)
    np.testing.assert_allclose(cut(X), base.layers[0](X), rtol=1e-6)
    assert base.layers[-1].output.shape == (None, 2)
    assert base.outputs[0] is base.layers[-1].output


def test_summary_shows_where_inputs_come_from(capsys):
    two_inputs().summary()
    shown = capsys.readouterr().out
    assert "Connected to" in shown
    assert "d[0][0], d[1][0]" in " ".join(shown.split())


def test_an_input_that_nothing_needs():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    model = Model([a, b], Dense(1)(a))
    assert model.predict([X, X[:, :2]], verbose=0).shape == (12, 1)


def test_long_chains_do_not_exhaust_the_stack():
    x = a = Input((2,))
    for _ in range(1500):
        x = Identity()(x)
    model = Model(a, x)
    np.testing.assert_array_equal(model([[1.0, 2.0]]), [[1, 2]])


def test_frozen_layers_stay():
    a = Input((3,))
    frozen = Dense(4, name="frozen")
    model = Model(a, Dense(1)(frozen(a)))
    frozen.trainable = False
    model.compile("sgd", "mse")
    before = frozen.get_weights()
    model.fit(X, Y, verbose=0)
    assert len(model.trainable_weights) == 2
    np.testing.assert_array_equal(frozen.get_weights()[0], before[0])


# --- masks


class Drop(keras.layers.Layer):
    """Masks time steps that are all zeros."""

    makes_mask = True

    def forward(self, x, ctx):
        return x

    def backward(self, dy, ctx):
        return dy

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_mask(self, x, mask=None):
        return (x != 0).any(axis=-1)


@pytest.mark.parametrize("functional", [True, False])
def test_masked_time_steps_count_nothing(functional):
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    x[0, 2:], x[1, 3] = 0, 0
    y = RNG.normal(size=(2, 4, 1)).astype("float32")
    if functional:
        a = Input((4, 3))
        dense = Dense(1)
        dense.supports_masking = True
        model = Model(a, dense(Drop()(a)))
    else:
        dense = Dense(1)
        dense.supports_masking = True
        model = Sequential([Input((4, 3)), Drop(), dense])
    model.compile("sgd", "mse")
    valid = (x != 0).any(axis=-1)
    errors = ((model.predict(x, verbose=0) - y) ** 2)[..., 0]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(errors[valid].mean(), rel=1e-5)


# --- errors


def test_errors():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    with pytest.raises(ValueError, match=r"depend on the input 'b', which is not among"):
        Model(a, Add()([a, b]))
    with pytest.raises(ValueError, match=r"inputs of a model must be KerasTensors.*a ndarray"):
        Model(X, a)
    with pytest.raises(ValueError, match="called on KerasTensors and data at once"):
        Add()([a, X])
    with pytest.raises(ValueError, match=r"unique names\. Received: 2 layers named 'same'"):
        Model(a, Dense(1, name="same")(Dense(1, name="same")(a)))
    model = two_inputs()
    with pytest.raises(ValueError, match=r"expected data for 2 inputs, \['a', 'b'\]. Received: 1"):
        model.predict(X, verbose=0)
    with pytest.raises(
        ValueError, match=r"inputs \['a', 'b'\]. Received: \['a'\], without \['b'\]"
    ):
        model.predict({"a": X}, verbose=0)
    with pytest.raises(ValueError, match=r"same number of samples. Received: a with 12, b with 5"):
        model.predict([X, Z[:5]], verbose=0)
    with pytest.raises(
        ValueError, match=r"for its input 'b' the shape \(N, 3\). Received: \(12, 4"
    ):
        model.predict([X, WIDE], verbose=0)
    several = two_outputs()
    with pytest.raises(
        ValueError, match=r"names 'prize', which is no output.*Did you mean 'price'"
    ):
        several.compile("sgd", {"prize": "mse"})
    with pytest.raises(ValueError, match=r"`loss` must have one entry for each output"):
        several.compile("sgd", ["mse"])
    with pytest.raises(ValueError, match="No output has a loss"):
        several.compile("sgd", [None, None])
    several.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    with pytest.raises(ValueError, match=r"x with 12, y of 'kind' with 3"):
        several.fit(X, {"price": Y, "kind": LABELS[:3]}, verbose=0)
    with pytest.raises(ValueError, match="class_weight is for models with one output"):
        several.fit(X, [LABELS, Y], class_weight={0: 1.0}, verbose=0)

    class Own(Model):
        pass

    with pytest.raises(ValueError, match="Own cannot be made of inputs and outputs"):
        Own(a, a)


def test_copies():
    model = two_inputs()
    model.compile("adam", "mse")
    model.fit([X, Z], Y, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other([X, Z]), model([X, Z]))
        other.fit([X, Z], Y, verbose=0)


def test_tensors():
    a = Input((3, 2), name="a")
    assert isinstance(a, KerasTensor)
    assert a.ndim == 3
    assert repr(a) == "<KerasTensor shape=(None, 3, 2), dtype=float32, name=a>"
    assert repr(a.node) == "<Node 0 of a>"
    assert Dense(1)(a).shape == (None, 3, 1)
    assert Input((2,), dtype="int32").dtype == "int32"
    with pytest.raises(AttributeError, match="has no output, for it was never called"):
        Dense(1).output  # noqa: B018
    assert Dense(2).forward is not None
    assert Context().in_mask is None


# --- what a call says beside its inputs


def test_a_call_may_say_whether_it_is_training():
    x = Input((3,))
    always, never = Dropout(0.5)(x, training=True), Dropout(0.5)(x, training=False)
    assert always.node.options == {"training": True}
    assert Dropout(0.5)(x).node.options == {}
    model = Model(x, [always, never])
    for other in (model, pickle.loads(pickle.dumps(model)), keras.models.clone_model(model)):
        dropped, kept = other(X)
        assert (dropped == 0).any()
        np.testing.assert_array_equal(kept, X)
    # Who calls the model has the last word.
    for y in model.predict(X, verbose=0):
        np.testing.assert_array_equal(y, X)
    assert (model(X, training=True)[1] == 0).any()
    cut = Model(always, Dense(1)(always))  # begins in the middle: what was said is said no more
    assert cut.inputs[0].node.options == {}


def test_a_model_begun_anew_says_in_its_calls_what_was_said():
    x = Input((3,))
    middle = Dense(3)(x)
    end = Dropout(0.5)(middle, training=True)
    assert Model(middle, end).outputs[0].node.options == {"training": True}


def test_arguments_that_a_call_does_not_take():
    layer = Dense(2, name="d")
    with pytest.raises(
        TypeError,
        match=r"'d' \(of type Dense\) is called with \(inputs, training, mask\). "
        r"Received: 1 positional arguments and \['axis'\]",
    ):
        layer(X, axis=1)
    with pytest.raises(ValueError, match="given a mask in a call on KerasTensors"):
        layer(Input((3,)), mask=np.ones((2, 3), bool))
    with pytest.raises(ValueError, match="KerasTensors and data at once"):
        Add()([Input((3,)), X])


# --- configs and files


@pytest.mark.parametrize("make", [two_inputs, two_outputs])
def test_models_from_configs_and_files(make, tmp_path):
    model = make()
    losses = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("adam", losses if make is two_outputs else "mse")
    data = (X, {"price": Y, "kind": LABELS}) if make is two_outputs else ([X, Z], Y)
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.npz")
    again = keras.models.load_model(tmp_path / "model.npz")
    expected = model.evaluate(*data, verbose=0)
    assert again.evaluate(*data, verbose=0) == expected
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    fresh.compile("adam", losses if make is two_outputs else "mse")
    assert fresh.evaluate(*data, verbose=0) == expected
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    text = keras.models.model_from_json(model.to_json())
    assert text.get_config() == model.get_config()
    for a in (model, again):  # and training goes on alike
        a.fit(*data, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_configs():
    config = two_inputs().get_config()
    with pytest.raises(ValueError, match="has a list of layers"):
        Functional.from_config({"name": "m"})
    lost = copy.deepcopy(config)
    lost["layers"] = [layer for layer in lost["layers"] if layer["name"] != "b"]
    with pytest.raises(ValueError, match=r"leaves the layers \[.*'d'.*\] without inputs"):
        Functional.from_config(lost)
    nowhere = {**config, "output_layers": ["o", 3, 0]}
    with pytest.raises(ValueError, match=r"an output that no layer has: \['o', 3, 0\]"):
        Functional.from_config(nowhere)
    with pytest.raises(ValueError, match=r"expected a place. Received: None"):
        Functional.from_config({**config, "input_layers": None})


def test_inputs_that_lie_deep_in_a_structure():
    a, b, c = Input((3,), name="a"), Input((3,), name="b"), Input((3,), name="c")
    out = Concatenate()([Add()([a, b]), c])
    model = Model({"pair": [a, b], "one": c}, out)
    expected = np.concatenate([X + Z, X], axis=1)
    np.testing.assert_array_equal(model.predict({"pair": [X, Z], "one": X}, verbose=0), expected)
    listed = Model([[a, b], c], out)
    np.testing.assert_array_equal(listed.predict([[X, Z], X], verbose=0), expected)
    np.testing.assert_array_equal(listed.predict([X, Z, X], verbose=0), expected)
    with pytest.raises(ValueError, match=r"data for 2 inputs in a list\. Received: a list of 1"):
        model.predict({"pair": [X], "one": X}, verbose=0)
    with pytest.raises(ValueError, match=r"its inputs \['one', 'pair'\].* without \['pair'\]"):
        model.predict({"one": X}, verbose=0)


def test_layers_are_without_operations_as_in_keras():
    a = Input((3,), name="a")
    model = Model(a, Dense(2, name="d")(a) + 1.0)
    assert [layer.name for layer in model.layers] == ["a", "d"]
    assert [layer.name for layer in model.operations] == ["a", "d", "add"]
    with pytest.raises(ValueError, match="No layer is named 'add'"):
        model.get_layer("add")


def test_a_model_with_a_call_of_its_own():
    with pytest.raises(TypeError, match=r"'Mine' defines call\(\).*Sequential.*functional API"):

        class Mine(Model):
            def call(self, x):
                return x

    with pytest.raises(TypeError, match=r"'MyLayer' defines call\(\).*forward\(x, ctx\)"):

        class MyLayer(keras.layers.Layer):
            def call(self, x):
                return x


def test_a_model_with_two_inputs_is_not_part_of_a_sequential():
    with pytest.raises(ValueError, match="A Sequential has one input"):
        Sequential([two_inputs(), Dense(1)])
