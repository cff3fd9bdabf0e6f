"""Optimizers and schedules take the steps of Keras: weights, state, configs, names.

Both libraries are given the same gradients, made beforehand, so that rounding does not feed on
itself; Keras applies them in a graph, as `fit` does. What is compared, and how closely, each number
relative to the largest of its tensor:

- weights after each of 20 steps or more, and the state after the last: 1e-6, eight times the
  rounding of a float32; Muon's weights 1e-5, for each of its steps is a chain of 15 products of
  matrices;
- the same in float64: 1e-14, Muon's 1e-13; Nadam's 1e-7, for Keras's 0.96 is a float32 even here;
- schedules: 5e-7 of the initial rate;
- names, shapes, dtypes, counts, configs: equal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from twins import both, close, close_all, quiet, seed_both, twins

import scratchnn
from scratchnn.parameters import Parameter

STEPS = 21
ROUNDING = {"float32": 1e-6, "float64": 1e-14}
TOLERANCE = {"float32": {"Muon": 1e-5}, "float64": {"Muon": 1e-13, "Nadam": 1e-7}}
SCHEDULE = 5e-7

SHAPES = {
    "dense/kernel": (5, 4),
    "dense/bias": (4,),
    "conv/kernel": (2, 3, 4),
    "embedding/embeddings": (6, 3),
    "scale": (),
}
FEW = {"dense/kernel": (4, 3), "dense/bias": (3,)}

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "Adam": [{}, {"amsgrad": True, "beta_2": 0.5}, {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.01}],
    "AdamW": [{}, {"weight_decay": 0.5, "amsgrad": True}],
    "RMSprop": [{}, {"momentum": 0.9}, {"centered": True, "rho": 0.7, "epsilon": 0.01}],
    "Adagrad": [{}, {"learning_rate": 0.5, "initial_accumulator_value": 0.01, "epsilon": 0.01}],
    "Adadelta": [{}, {"learning_rate": 1.0, "rho": 0.5, "epsilon": 0.01}],
    "Adamax": [{}, {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.01}],
    "Nadam": [{}, {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.01}],
    "Lion": [{}, {"beta_1": 0.5, "beta_2": 0.7}],
    "Ftrl": [
        {},
        {
            "learning_rate": 0.1,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.5,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.2,
            "beta": 0.3,
        },
        {"learning_rate": 0.1, "learning_rate_power": -0.3},
        {"learning_rate": 0.1, "learning_rate_power": 0.0},
    ],
    "Lamb": [{}, {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.01}],
    "Adafactor": [
        {},
        {"learning_rate": 0.5, "relative_step": False},
        {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 0.1, "clip_threshold": 0.5},
    ],
    "Muon": [
        {},
        {"nesterov": False, "momentum": 0.5, "rms_rate": None, "ns_steps": 3, "muon_a": 3.0},
        {"exclude_layers": ["den.e"], "exclude_embeddings": False, "adam_lr_ratio": 0.5},
        {"weight_decay": None, "adam_weight_decay": 0.1, "adam_beta_1": 0.5, "adam_beta_2": 0.7},
        {"weight_decay": 0.1, "adam_weight_decay": None, "epsilon": 0.01},
    ],
    "ScheduleFreeAdamW": [
        {},
        {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.01, "warmup_steps": 10},
    ],
}


def schedule(k: Any) -> Any:
    return k.optimizers.schedules.PolynomialDecay(0.05, 8, 0.001, power=0.5, cycle=True)


COMMON: dict[str, Callable[[Any], dict[str, Any]]] = {
    "clipnorm, weight_decay, schedule": lambda k: {
        "clipnorm": 0.7,
        "weight_decay": 0.3,
        "learning_rate": schedule(k),
    },
    "clipvalue, EMA, function": lambda k: {
        "clipvalue": 0.5,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 3,
        "learning_rate": lambda: 0.02,
    },
    "global_clipnorm, EMA, accumulation, schedule": lambda k: {
        "global_clipnorm": 0.7,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 3,
        "learning_rate": schedule(k),
    },
}


def arrays(shapes: dict[str, Any], dtype: str, steps: int = STEPS) -> tuple[Any, Any]:
    """Return initial weights, and the gradients of some steps."""
    rng = np.random.default_rng(7)
    weights, *gradients = (
        [rng.normal(size=shape).astype(dtype) for shape in shapes.values()]
        for _ in range(steps + 1)
    )
    return weights, gradients


def parameters(k: Any, shapes: dict[str, Any], weights: Any) -> list[Any]:
    """Return the weights as the library's variables."""
    if k is scratchnn:
        return [
            Parameter(w.copy(), name=path.split("/")[-1], path=path)
            for path, w in zip(shapes, weights, strict=True)
        ]
    found = []
    for path, w in zip(shapes, weights, strict=True):
        scope, _, name = path.rpartition("/")
        with keras.name_scope(scope) if scope else contextlib.nullcontext():
            found.append(keras.Variable(w, name=name, dtype=w.dtype.name))
    return found


def check_steps(
    name: str, make: Callable[[Any], Any], shapes: dict[str, Any], dtype: str = "float32"
) -> None:
    """Compare weights, step by step, and then the state."""
    tolerance = TOLERANCE[dtype].get(name, ROUNDING[dtype])
    weights, gradients = arrays(shapes, dtype)
    seed_both(0)
    (ours, w), (theirs, v) = ((make(k), parameters(k, shapes, weights)) for k in (scratchnn, keras))
    theirs.build(v)
    apply = tf.function(lambda g: theirs.apply(g, v), autograph=False)
    for step, g in enumerate(gradients):
        ours.apply(g, w)
        apply([tf.constant(each) for each in g])
        close_all([p.value for p in w], [p.numpy() for p in v], tolerance, f"weights {step}")
    check_state(ours, theirs, tolerance)
    for optimizer, variables in (ours, w), (theirs, v):
        optimizer.finalize_variable_values(variables)
    close_all([p.value for p in w], [p.numpy() for p in v], tolerance, "after fit")


def check_state(ours: Any, theirs: Any, tolerance: float) -> None:
    found, expected = ours.variables, theirs.variables
    assert [p.name for p in found] == [p.name for p in expected]
    close_all([p.value for p in found], [p.numpy() for p in expected], tolerance, "state")
    close(ours.iterations, np.asarray(theirs.iterations), 0)
    rate = np.asarray(theirs.learning_rate, ours.learning_rate.dtype)
    close(ours.learning_rate, rate, SCHEDULE)


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name in OPTIONS for options in OPTIONS[name]], ids=str
)
def test_steps(name: str, options: dict[str, Any]) -> None:
    one_by_one = not getattr(scratchnn.optimizers, name).elementwise
    shapes = SHAPES if one_by_one or not options else FEW
    check_steps(name, lambda k: getattr(k.optimizers, name)(**options), shapes)


@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize("name", OPTIONS)
def test_common_options(name: str, common: str) -> None:
    def make(k: Any) -> Any:
        optimizer = getattr(k.optimizers, name)(**COMMON[common](k))
        if "weight_decay" in common:
            optimizer.exclude_from_weight_decay(var_names=["bias"])
        return optimizer

    check_steps(name, make, FEW)


BETAS = {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 0.125}

EXACT: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.75, "nesterov": True},
    "RMSprop": {"momentum": 0.75, "centered": True},
    "Adagrad": {"initial_accumulator_value": 0.125},
    "Ftrl": {"initial_accumulator_value": 0.125, "l1_regularization_strength": 0.5, "beta": 0.25},
    "Lion": {"beta_1": 0.75, "beta_2": 0.875},
    "Adafactor": {"beta_2_decay": -0.75, "epsilon_2": 0.125},
    "Muon": {"adam_beta_1": 0.75, "adam_beta_2": 0.875, "adam_weight_decay": 0.25},
} | dict.fromkeys(("Adam", "AdamW", "Adamax", "Nadam", "Lamb", "ScheduleFreeAdamW"), BETAS)


@pytest.mark.parametrize("name", OPTIONS)
def test_steps_in_float64(name: str) -> None:
    """With constants that are float32s, for Keras casts most of them to that on the way."""
    for k in (keras, scratchnn):
        k.config.set_floatx("float64")
    options = EXACT.get(name, {}) | {"learning_rate": 0.125, "weight_decay": 0.25}
    check_steps(name, lambda k: getattr(k.optimizers, name)(**options), FEW, "float64")


# --- Training loops of one's own


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {}),
        ("Adam", {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5}),
        ("Adafactor", {"global_clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True}),
    ],
    ids=str,
)
def test_weights_without_gradients(name: str, options: dict[str, Any]) -> None:
    weights, gradients = arrays(SHAPES, "float32", 6)
    seed_both(0)
    results = []
    for k in (scratchnn, keras):
        optimizer = getattr(k.optimizers, name)(0.1, **options)
        variables = parameters(k, SHAPES, weights)
        optimizer.build(variables)
        for step, g in enumerate(gradients):
            left_out = [step % 5, (step + 1) % 5]
            with quiet():
                optimizer.apply([None if i in left_out else each for i, each in enumerate(g)])
        some = [variables[3], variables[0]]  # others are not even named
        pairs = zip([gradients[0][3], gradients[0][0]], some, strict=True)
        count = optimizer.apply_gradients(pairs)
        assert int(count) == len(gradients) + 1
        results.append([v.numpy() for v in (*variables, *optimizer.variables)])
    close_all(*results, ROUNDING["float32"])


@pytest.mark.parametrize("name", ["Nadam", "Adafactor", "ScheduleFreeAdamW"])
def test_keras_state_is_taken_up(name: str) -> None:
    """Ten steps with Keras, then ten more with each."""
    weights, gradients = arrays(SHAPES, "float32", 20)
    seed_both(0)
    theirs = getattr(keras.optimizers, name)(0.05, use_ema=True)
    v = parameters(keras, SHAPES, weights)
    theirs.build(v)
    apply = tf.function(lambda g: theirs.apply(g, v), autograph=False)
    for g in gradients[:10]:
        apply([tf.constant(each) for each in g])
    w = parameters(scratchnn, SHAPES, [p.numpy() for p in v])
    ours = getattr(scratchnn.optimizers, name).from_config(theirs.get_config())
    ours.build(w)
    saved: dict[str, Any] = {}
    theirs.save_own_variables(saved)
    ours.load_own_variables(saved)
    for g in gradients[10:]:
        apply([tf.constant(each) for each in g])
        ours.apply(g, w)
    tolerance = TOLERANCE["float32"].get(name, ROUNDING["float32"])
    close_all([p.value for p in w], [p.numpy() for p in v], tolerance)
    check_state(ours, theirs, tolerance)


# --- Fits


@pytest.mark.parametrize("name", ["Nadam", "Adafactor"])
def test_fit(name: str) -> None:
    """Names of variables as they are in models, with schedules and constraints."""

    def build(k: Any) -> Any:
        hidden = k.layers.Dense(4, "tanh", kernel_constraint="max_norm")
        model = k.Sequential([k.Input((5,)), hidden, k.layers.Dense(2)])
        rate = k.optimizers.schedules.CosineDecay(0.0, 20, warmup_target=0.05, warmup_steps=4)
        model.compile(getattr(k.optimizers, name)(rate), "mse", run_eagerly=True)
        return model

    ours, theirs = twins(build)
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(40, d)).astype("float32") for d in (5, 2))
    for model in (ours, theirs):
        model.fit(x, y, batch_size=4, verbose=0)
    close_all(ours.get_weights(), theirs.get_weights(), 1e-5)
    found, expected = ours.optimizer.variables, theirs.optimizer.variables
    assert [v.path for v in found] == [v.path for v in expected]
    close_all([v.value for v in found], [v.numpy() for v in expected], 1e-5)


# --- Names and configs


@pytest.mark.parametrize("name", OPTIONS)
def test_configs(name: str) -> None:
    def config(k: Any) -> list[Any]:
        o = k.optimizers
        cls = getattr(o, name)
        known = {"Lamb": cls}  # Keras does not find it by itself
        made = [cls(), *(cls(**options) for options in OPTIONS[name])]
        made += [cls(**make(k)) for label, make in COMMON.items() if "function" not in label]
        # Keras writes into the configs that it reads; hence the copies.
        made.append(cls(0.3, name="mine", clipnorm=1.0))
        found = [o.serialize(optimizer) for optimizer in made]
        again = [o.serialize(o.deserialize(deepcopy(each), known)) for each in found]
        assert again == found
        return found

    ours, theirs = both(config)
    assert ours == theirs
    for mine, other in zip(ours, theirs, strict=True):
        known = {"Lamb": keras.optimizers.Lamb}
        again = keras.optimizers.deserialize(deepcopy(mine), known)
        assert keras.optimizers.serialize(again) == other
        assert scratchnn.optimizers.serialize(scratchnn.optimizers.deserialize(other)) == mine


def a_rate() -> float:
    return 0.25


def test_a_function_in_a_config() -> None:
    ours, theirs = (k.optimizers.serialize(k.optimizers.SGD(a_rate)) for k in (scratchnn, keras))
    assert ours == theirs
    for k in (scratchnn, keras):
        found = k.optimizers.deserialize(theirs, custom_objects={"a_rate": a_rate})
        assert float(found.learning_rate) == 0.25


@pytest.mark.parametrize("name", OPTIONS)
def test_identifiers(name: str) -> None:
    for identifier in (name, name.lower(), name.upper(), {"class_name": name, "config": {}}):
        assert type(scratchnn.optimizers.get(identifier)).__name__ == name
        if name != "Lamb":  # which Keras does not find
            assert type(keras.optimizers.get(identifier)).__name__ == name


def test_public_names() -> None:
    public = {name for name in dir(keras.optimizers) if not name.startswith("_")}
    assert public - set(scratchnn.optimizers.__all__) == {"legacy"}
    schedules = {name for name in dir(keras.optimizers.schedules) if not name.startswith("_")}
    assert schedules == set(scratchnn.optimizers.schedules.__all__)


# --- Schedules

SCHEDULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ExponentialDecay", (0.1, 7, 0.5), {}),
    ("ExponentialDecay", (0.1, 7.5, 0.93), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 7, 0.5), {}),
    ("InverseTimeDecay", (0.1, 7, 3), {"staircase": True, "name": "mine"}),
    ("PiecewiseConstantDecay", ([3, 10, 11], [1.0, 0.5, 0.25, 0.1]), {}),
    ("PiecewiseConstantDecay", ([2.5, 20], [1.0, 0.5, 0.25]), {}),
    ("PolynomialDecay", (0.1, 30), {}),
    ("PolynomialDecay", (0.1, 30, 0.01), {"power": 0.5}),
    ("PolynomialDecay", (0.1, 13, 0.01, 2.0), {"cycle": True}),
    ("CosineDecay", (0.1, 30), {}),
    ("CosineDecay", (0.1, 30, 0.2), {}),
    ("CosineDecay", (0.1, 30), {"alpha": 0.1, "warmup_target": 0.5, "warmup_steps": 7}),
    ("CosineDecay", (0.0, 30), {"warmup_target": 0.5, "warmup_steps": 0}),
    ("CosineDecayRestarts", (0.1, 5), {}),
    ("CosineDecayRestarts", (0.1, 5), {"t_mul": 1.0, "m_mul": 0.9, "alpha": 0.1}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.5, "m_mul": 0.5}),
    ("CosineDecayRestarts", (0.1, 7), {"t_mul": 3.0, "m_mul": 1.1}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), SCHEDULES, ids=str)
def test_schedules(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    ours, theirs = (
        getattr(k.optimizers.schedules, name)(*arguments, **options) for k in (scratchnn, keras)
    )
    steps = np.array([*range(45), 59, 60, 61, 75, 154, 155, 156, 315, 1000, 12345, 1_000_000])
    expected = np.stack([theirs(tf.constant(step)).numpy() for step in steps])
    close(np.stack([ours(int(step)) for step in steps]), expected, SCHEDULE)
    close(ours(steps), expected, SCHEDULE, "all steps at once")


@pytest.mark.parametrize(("name", "arguments", "options"), SCHEDULES, ids=str)
def test_configs_of_schedules(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    def config(k: Any) -> Any:
        schedules = k.optimizers.schedules
        found = schedules.serialize(getattr(schedules, name)(*arguments, **options))
        assert schedules.serialize(schedules.deserialize(found)) == found
        return found

    ours, theirs = both(config)
    assert ours == theirs
