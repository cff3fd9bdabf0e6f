"""Functional models train as tf.keras's: weights, losses and logs, whatever the graph."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
from twins import both

import scratchnn

RNG = np.random.default_rng(0)
A = RNG.normal(size=(24, 3)).astype("float32")
B = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")
WIDE = RNG.normal(size=(24, 4)).astype("float32")
LABELS = RNG.integers(0, 4, 24)
WEIGHT = RNG.uniform(size=24).astype("float32")


def shared(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    layer = k.layers.Dense(4, "tanh", name="shared")
    x, y = layer(a), layer(b)
    z = k.layers.Add(name="add")([k.layers.Add(name="first")([x, y]), x])
    return k.Model([a, b], k.layers.Dense(1, name="out")(z))


def residual(k: Any) -> Any:
    a = k.Input((3,), name="a")
    x = k.layers.Dense(4, "relu", name="in")(a)
    y = k.layers.Dense(4, "tanh", name="mid")(x)
    z = k.layers.Concatenate(name="both")([k.layers.Add(name="add")([x, y]), a])
    return k.Model(a, k.layers.Dense(4, "softmax", name="out")(z))


def nested(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    tower = k.Sequential([k.Input((3,)), k.layers.Dense(3, "tanh"), k.layers.Dense(3)], name="t")
    merged = k.layers.Add(name="add")([tower(a), tower(b)])
    return k.Model({"a": a, "b": b}, k.layers.Dense(1, name="out")(merged))


def heads(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    x = k.layers.Concatenate(name="both")([a, b])
    x = k.layers.Dense(5, "tanh", name="body")(x)
    price = k.layers.Dense(1, name="p")(x)
    kind = k.layers.Dense(4, "softmax", name="k")(x)
    return k.Model([a, b], {"price": price, "kind": kind})


def two_losses(k: Any) -> Any:
    a = k.Input((3,), name="a")
    x = k.layers.Dense(4, "softmax", name="soft")(a)
    return k.Model(a, [x, k.layers.Dense(1, name="line")(x)])


def held(k: Any) -> Any:
    """Calls that say whether they are training; `fit` and `predict` know better."""
    a = k.Input((3,), name="a")
    base = k.Sequential(
        [k.Input((3,)), k.layers.Dense(4, "tanh"), k.layers.BatchNormalization()], name="base"
    )
    x = base(a, training=False)
    x = k.layers.Dense(4, "tanh", name="mid")(x)  # else what is added before `norm` has no effect
    x = k.layers.BatchNormalization(name="norm")(x, training=True)
    return k.Model(a, k.layers.Dense(1, name="out")(x))


HEADS = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
CASES = [
    (shared, {"loss": "mse", "metrics": ["mae"]}, [A, B], Y),
    (residual, {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}, A, LABELS),
    (nested, {"loss": "mse"}, {"a": A, "b": B}, Y),
    (
        heads,
        {
            "loss": HEADS,
            "metrics": {"price": ["mae", "mse"], "kind": "accuracy"},
            "loss_weights": {"price": 0.5, "kind": 2.0},
        },
        [A, B],
        {"price": Y, "kind": LABELS},
    ),
    (held, {"loss": "mse"}, A, Y),
    (
        two_losses,
        {
            "loss": ["sparse_categorical_crossentropy", "mae"],
            "metrics": [["accuracy"], ["mse"]],
            "weighted_metrics": [[], ["mae"]],
        },
        A,
        [LABELS, Y],
    ),
]


def run(k: Any, make: Any, arguments: dict[str, Any], x: Any, y: Any, **fit: Any) -> Any:
    k.utils.set_random_seed(7)
    model = make(k)
    model.compile("adam", **arguments)
    history = model.fit(x, y, epochs=4, batch_size=8, verbose=0, **fit).history
    return model, history


def leaves(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [structure[key] for key in sorted(structure)]
    return structure if isinstance(structure, list) else [structure]


@pytest.mark.parametrize(
    ("make", "arguments", "x", "y"), CASES, ids=[case[0].__name__ for case in CASES]
)
@pytest.mark.parametrize("split", [0.0, 0.25])
def test_training(make: Any, arguments: dict[str, Any], x: Any, y: Any, split: float) -> None:
    ours, mine = run(scratchnn, make, arguments, x, y, validation_split=split)
    theirs, other = run(keras, make, arguments, x, y, validation_split=split)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert mine.keys() == other.keys()
    for key in mine:  # four epochs of three steps, in float32
        np.testing.assert_allclose(mine[key], other[key], rtol=2e-6, atol=2e-6, err_msg=key)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(
        ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), rtol=2e-6, atol=2e-6
    )
    for a, b in zip(
        leaves(ours.predict(x, verbose=0)), leaves(theirs.predict(x, verbose=0)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)


def test_dropout_that_goes_on_where_a_model_is_called() -> None:
    found = []
    for k in (scratchnn, keras):
        k.utils.set_random_seed(3)
        x = k.Input((3,))
        model = k.Model(x, k.layers.Dropout(0.5)(x, training=True))
        calls = [model(A), model(A), model(A, training=False)]
        found.append([y.numpy() for y in calls] + [model.predict(A, verbose=0)])
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0][0] != found[0][1]).any()


def test_sample_weights_for_each_output() -> None:
    weights = {"price": WEIGHT, "kind": WEIGHT[::-1].copy()}
    arguments = {"loss": HEADS, "weighted_metrics": {"price": ["mse"], "kind": ["accuracy"]}}
    data = [A, B], {"price": Y, "kind": LABELS}
    _, mine = run(scratchnn, heads, arguments, *data, sample_weight=weights)
    _, other = run(keras, heads, arguments, *data, sample_weight=weights)
    assert mine.keys() == other.keys()
    for key in mine:
        np.testing.assert_allclose(mine[key], other[key], rtol=3e-6, err_msg=key)


def test_summaries(capsys: Any) -> None:
    shown = []
    for k in (scratchnn, keras):
        k.backend.clear_session()
        shared(k).summary()
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")  # Keras
@pytest.mark.parametrize(
    ("make", "arguments", "x", "y"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_files_both_ways(
    make: Any, arguments: dict[str, Any], x: Any, y: Any, tmp_path: Any
) -> None:
    models = {}
    for k in (scratchnn, keras):
        k.backend.clear_session()
        models[k] = run(k, make, arguments, x, y)[0]
    ours, theirs = models[scratchnn], models[keras]
    described = [k.saving.serialize_keras_object(model) for k, model in models.items()]
    for part in ("module", "class_name", "config", "registered_name", "build_config"):
        assert json.loads(json.dumps(described[0][part])) == json.loads(
            json.dumps(described[1][part])
        )
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    for model, other in (
        (ours, keras.models.load_model(tmp_path / "ours.keras")),
        (theirs, scratchnn.models.load_model(tmp_path / "theirs.keras")),
    ):
        for a, b in zip(
            leaves(model.predict(x, verbose=0)), leaves(other.predict(x, verbose=0)), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6)
        for m in (model, other):
            m.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-6, atol=1e-6)


# --- masks, which Keras writes down as operations


def masked_words(k: Any) -> Any:
    a, b = k.Input((None,), dtype="int32", name="a"), k.Input((None,), dtype="int32", name="b")
    embedding = k.layers.Embedding(10, 4, mask_zero=True, name="words")
    x = k.layers.Concatenate(name="both")([embedding(a), embedding(b)])
    x = k.layers.GlobalAveragePooling1D(name="mean")(k.layers.Dense(3, name="mid")(x))
    return k.Model([a, b], k.layers.Dense(1, name="out")(x))


def masked_steps(k: Any) -> Any:
    a = k.Input((5, 2), name="a")
    x = k.layers.Masking(-1.0, name="hide")(a)
    return k.Model(a, k.layers.Dense(1, name="out")(k.layers.GlobalAveragePooling1D(name="m")(x)))


WORDS = RNG.integers(0, 3, (2, 24, 5)).astype("int32")
STEPS = np.where(RNG.uniform(size=(24, 5, 1)) < 0.5, -1, RNG.normal(size=(24, 5, 2))).astype("f")


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")  # Keras
@pytest.mark.parametrize(("make", "x"), [(masked_words, list(WORDS)), (masked_steps, STEPS)])
def test_masks_in_files_both_ways(make: Any, x: Any, tmp_path: Any) -> None:
    for writes, reads in ((keras, scratchnn), (scratchnn, keras)):
        writes.utils.set_random_seed(5)
        model = make(writes)
        model.save(tmp_path / "model.keras")
        again = reads.models.load_model(tmp_path / "model.keras")
        expected = model.predict(x, verbose=0)
        np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=2e-6, atol=1e-7)
        shown = [x[0] * 0 + 1, x[1] * 0 + 1] if isinstance(x, list) else x * 0  # nothing hidden
        assert np.abs(again.predict(shown, verbose=0) - expected).max() > 1e-3


def test_a_mask_of_the_user_s_own_in_a_file() -> None:
    a = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(10, 4)(a)
    y = keras.layers.GlobalAveragePooling1D()(x, mask=keras.ops.not_equal(a, 3))
    with pytest.raises(ValueError, match="gives a mask of its own, 'not_equal"):
        scratchnn.models.model_from_json(keras.Model(a, y).to_json())


def test_names_of_tensors_and_layers() -> None:
    def names(k: Any) -> list[Any]:
        x = k.Input((4,))
        y = k.layers.Dense(3, name="d")(x)
        model = k.Model(x, k.layers.Dense(2)(y * 2.0))
        begun = k.Model(model.get_layer("d").output, model.output)
        lines: list[str] = []
        begun.summary(print_fn=lambda line, **_: lines.append(line))
        parts = [[layer.name for layer in m.layers] for m in (model, begun)]
        return [x.name, y.name, k.Input((2,), name="own").name, parts, lines]

    ours, theirs = both(names)
    assert ours == theirs
