"""Learning-rate schedules: Keras's numbers, their ends and jumps, configs, errors, one's own."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from scratchnn import Input, Sequential, config, optimizers, saving
from scratchnn.arrays import Tensor
from scratchnn.layers import Dense
from scratchnn.optimizers import SGD, schedules
from scratchnn.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

STEPS = [0, 1, 5, 6, 10, 19, 21, 40]

KERAS = [
    (
        ExponentialDecay(0.1, 10, 0.5),
        [0.1, 0.0933033, 0.07071068, 0.06597539, 0.05, 0.02679434, 0.02332583, 0.00625],
    ),
    (
        ExponentialDecay(0.1, 10, 0.5, staircase=True),
        [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.00625],
    ),
    (
        InverseTimeDecay(0.1, 10, 0.5),
        [0.1, 0.0952381, 0.08, 0.07692308, 0.06666667, 0.05128205, 0.04878049, 0.03333333],
    ),
    (
        InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        [0.1, 0.1, 0.1, 0.1, 0.06666667, 0.06666667, 0.05, 0.03333333],
    ),
    (
        PiecewiseConstantDecay([5, 20], [0.1, 0.05, 0.01]),
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.01, 0.01],
    ),
    (
        PolynomialDecay(0.1, 20),
        [0.1, 0.095005, 0.075025, 0.07003, 0.05005, 0.005095, 0.0001, 0.0001],
    ),
    (
        PolynomialDecay(0.1, 7, 0.01, 0.5, cycle=True),
        [0.1, 0.09332381, 0.05810703, 0.0440168, 0.05810703, 0.0377746, 0.01, 0.02963961],
    ),
    (
        CosineDecay(0.1, 20),
        [0.1, 0.09938442, 0.08535534, 0.07938927, 0.05, 0.00061558, 0.0, 0.0],
    ),
    (
        CosineDecay(0.01, 20, 0.1, warmup_target=0.1, warmup_steps=10),
        [0.01, 0.019, 0.055, 0.064, 0.1, 0.06203955, 0.04796044, 0.01],
    ),
    (
        CosineDecayRestarts(0.1, 5),
        [0.1, 0.09045085, 0.1, 0.09755283, 0.05, 0.09045085, 0.07938927, 0.09619398],
    ),
    (
        CosineDecayRestarts(0.1, 5, t_mul=1.0, m_mul=0.5, alpha=0.1),
        [0.1, 0.09140576, 0.055, 0.05070288, 0.0325, 0.01107428, 0.01508786, 0.01035156],
    ),
]
"""Schedules, and what Keras 3.15 returns for the steps above."""

every_schedule = pytest.mark.parametrize(
    ("schedule", "rates"), KERAS, ids=lambda value: getattr(value, "name", "")
)


@every_schedule
def test_numbers_of_keras(schedule, rates):
    found = np.array([float(schedule(step)) for step in STEPS])
    np.testing.assert_allclose(found, rates, rtol=1e-6, atol=1e-8)


@every_schedule
def test_any_kind_of_step(schedule, rates):
    for step, rate in zip(STEPS, rates, strict=True):
        for kind in (int, float, np.int64, np.float32, np.array):
            found = schedule(kind(step))
            assert isinstance(found, Tensor)
            assert (found.shape, found.dtype) == ((), np.float32)
            assert float(found) == pytest.approx(rate, rel=1e-6, abs=1e-8)
    np.testing.assert_array_equal(schedule(np.array(STEPS)), [schedule(step) for step in STEPS])


@every_schedule
def test_configs(schedule, rates):
    serialized = schedules.serialize(schedule)
    assert json.loads(json.dumps(serialized)) == serialized
    assert serialized == {
        "module": "keras.optimizers.schedules",
        "class_name": type(schedule).__name__,
        "config": schedule.get_config(),
        "registered_name": None,
    }
    for again in (
        schedules.deserialize(serialized),
        saving.deserialize_keras_object(serialized),
        type(schedule).from_config(schedule.get_config()),
        schedules.deserialize(
            {"class_name": type(schedule).__name__, "config": schedule.get_config()}
        ),
    ):
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        assert again(13) == schedule(13)


def test_names():
    made = [
        ExponentialDecay(0.1, 1, 0.1),
        InverseTimeDecay(0.1, 1, 0.1),
        PiecewiseConstantDecay([1], [1.0, 2.0]),
        PolynomialDecay(0.1, 1),
        CosineDecay(0.1, 1),
        CosineDecayRestarts(0.1, 1),
    ]
    names = ["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstant", "PolynomialDecay"]
    assert [schedule.name for schedule in made] == [*names, "CosineDecay", "SGDRDecay"]


@every_schedule
def test_an_optimizer_follows_a_schedule(schedule, rates):
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.compile(SGD(schedule), "mae")
    weights = []
    for _ in range(7):
        model.train_on_batch(np.ones((1, 1)), np.full((1, 1), 9.0))
        weights.append(float(model.get_weights()[0][0, 0]))
    expected = np.cumsum([float(schedule(step)) for step in range(7)])
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    assert float(model.optimizer.learning_rate) == float(schedule(7))


def test_whole_numbers_are_taken_as_rates():
    assert float(ExponentialDecay(1, 10, 0.25)(5)) == 0.5
    assert float(CosineDecay(0, 10, warmup_target=1, warmup_steps=4)(2)) == 0.5
    assert float(PiecewiseConstantDecay([3], [1, 0.5])(4)) == 0.5


def test_schedules_are_float32_whatever_the_weights_are():
    config.set_floatx("float64")
    for schedule, _ in KERAS:
        assert schedule(3).dtype == np.float32


# --- ends and jumps


def test_the_boundary_belongs_to_the_piece_before_it():
    schedule = PiecewiseConstantDecay([2.5, 4], [1.0, 0.5, 0.25])
    assert [float(schedule(step)) for step in (2, 3, 4, 5)] == [1, 0.5, 0.5, 0.25]
    # 2.5 is cut to 2 for a whole step, and is itself for another
    assert [float(schedule(step)) for step in (2.4, 2.5, 2.6)] == [1, 1, 0.5]
    assert float(PiecewiseConstantDecay([], [0.5])(100)) == 0.5


def test_polynomial_decay_ends():
    schedule = PolynomialDecay(1.0, 10, 0.25)
    assert [float(schedule(step)) for step in (10, 11, 10**9)] == [0.25] * 3
    cycling = PolynomialDecay(1.0, 10, 0.0, cycle=True)
    assert [float(cycling(step)) for step in (0, 10, 15, 20)] == [1, 0, 0.25, 0]


def test_cosine_decay_ends():
    schedule = CosineDecay(1.0, 10, alpha=0.25)
    assert [float(schedule(step)) for step in (0, 5, 10, 99)] == [1, 0.625, 0.25, 0.25]
    warming = CosineDecay(0.5, 10, 0.25, warmup_target=1.0, warmup_steps=4)
    assert [float(warming(step)) for step in (0, 2, 4, 9, 14, 99)] == [
        *(0.5, 0.75, 1),
        *(0.625, 0.25, 0.25),
    ]
    at_once = CosineDecay(0.5, 10, warmup_target=1.0)
    assert [float(at_once(step)) for step in (0, 10)] == [1, 0]


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0, 3.0])
def test_restarts_begin_anew(t_mul):
    schedule = CosineDecayRestarts(1.0, 16, t_mul=t_mul, m_mul=0.5)
    start, length = 0.0, 16.0
    for restart in range(4):
        assert float(schedule(start)) == pytest.approx(0.5**restart, rel=1e-5)
        assert float(schedule(start + length / 2)) == pytest.approx(0.5**restart / 2, rel=1e-5)
        start, length = start + length, length * t_mul


# --- errors


@pytest.mark.parametrize("value", [0, -1, math.nan])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("decay_steps", lambda n: ExponentialDecay(0.1, n, 0.5)),
        ("decay_steps", lambda n: InverseTimeDecay(0.1, n, 0.5)),
        ("decay_steps", lambda n: PolynomialDecay(0.1, n)),
        ("decay_steps", lambda n: CosineDecay(0.1, n)),
        ("first_decay_steps", lambda n: CosineDecayRestarts(0.1, n)),
        ("t_mul", lambda n: CosineDecayRestarts(0.1, 5, t_mul=n)),
    ],
)
def test_numbers_that_must_be_positive(name, make, value):
    with pytest.raises(ValueError, match=f"^{name} must be > 0. Received: {name}={value}"):
        make(value)


def test_bad_arguments():
    with pytest.raises(ValueError, match="warmup_steps must be >= 0"):
        CosineDecay(0.1, 10, warmup_target=0.5, warmup_steps=-1)
    with pytest.raises(ValueError, match=r"one boundary less than values.*of length 2.*length 2"):
        PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    for boundaries in ([2, 1], [1, 1]):
        with pytest.raises(ValueError, match="must be larger than the one before"):
            PiecewiseConstantDecay(boundaries, [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"schedule identifier: 'CosineDecai'.*'CosineDecay'"):
        schedules.deserialize({"class_name": "CosineDecai", "config": {}})


# --- one's own


class Inverse(LearningRateSchedule):
    """As in Keras's guide."""

    def __init__(self, initial_learning_rate):
        self.initial_learning_rate = initial_learning_rate

    def __call__(self, step):
        return self.initial_learning_rate / (step + 1)

    def get_config(self):
        return {"initial_learning_rate": self.initial_learning_rate}


def test_a_schedule_of_ones_own():
    optimizer = SGD(Inverse(0.5))
    assert float(optimizer.learning_rate) == 0.5
    optimizer.iterations.assign(3)
    assert float(optimizer.learning_rate) == 0.125
    serialized = optimizers.serialize(optimizer)
    again = optimizers.deserialize(serialized, custom_objects={"Inverse": Inverse})
    assert float(again.learning_rate) == 0.5
    assert optimizers.serialize(again) == serialized
    with pytest.raises(ValueError, match=r"The class 'Inverse'.* is not known"):
        optimizers.deserialize(serialized)


def test_unfinished_schedules():
    with pytest.raises(NotImplementedError, match=r"Schedule must define __call__\(step\)"):
        LearningRateSchedule()(0)
    with pytest.raises(NotImplementedError, match=r"Schedule must define get_config\(\)"):
        LearningRateSchedule().get_config()
