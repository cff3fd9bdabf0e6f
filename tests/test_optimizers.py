"""Optimizers: the formulas by hand, what all of them share, state, learning rates, one's own."""

from __future__ import annotations

import inspect
import json
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from cases import example

from scratchnn import Input, Sequential, constraints, optimizers, saving
from scratchnn.layers import Dense
from scratchnn.optimizers import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    Optimizer,
    RMSprop,
    ScheduleFreeAdamW,
    schedules,
)
from scratchnn.optimizers import base as optimizers_base
from scratchnn.parameters import Parameter, ParameterStore

Momentum = example(optimizers_base)["Momentum"]

CLASSES = list(optimizers.NAMES.values())

ALL = {cls.__name__: cls for cls in CLASSES} | {
    "SGD momentum": lambda **k: SGD(momentum=0.9, **k),
    "SGD nesterov": lambda **k: SGD(momentum=0.9, nesterov=True, **k),
    "Adam amsgrad": lambda **k: Adam(amsgrad=True, **k),
    "RMSprop all": lambda **k: RMSprop(momentum=0.9, centered=True, **k),
    "Ftrl all": lambda **k: Ftrl(
        learning_rate_power=-0.3,
        l1_regularization_strength=0.01,
        l2_shrinkage_regularization_strength=0.01,
        **k,
    ),
    "Muon without Nesterov": lambda **k: Muon(nesterov=False, **k),
    "all options": lambda **k: Adam(
        weight_decay=0.01, clipnorm=1.0, use_ema=True, ema_momentum=0.5, **k
    ),
    "accumulation": lambda **k: Adam(clipvalue=0.5, gradient_accumulation_steps=2, **k),
}
every_optimizer = pytest.mark.parametrize("make", ALL.values(), ids=ALL)


def store_of(*values, **options):
    """Return a store of parameters w0, w1, ... with these values."""
    return ParameterStore(
        [
            Parameter(np.array(value, np.float32), name=f"w{i}", **options)
            for i, value in enumerate(values)
        ]
    )


def step(optimizer, store, *gradients):
    for parameter, gradient in zip(store.trainable, gradients, strict=True):
        parameter.grad[...] = gradient
    optimizer.step(store)


def run(optimizer, w, gradients):
    """Return the weight after each step."""
    store, found = store_of(w), []
    for g in gradients:
        step(optimizer, store, g)
        found.append(store.trainable[0].numpy())
    return np.array(found)


# --- the formulas

W = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.1, -0.2, 3.0], [0.3, 0.0, -1.0], [-0.2, 0.5, 0.01], [1.0, 0.4, -0.3]])


def sgd(w, momentum=0.0, nesterov=False, lr=0.1):
    m = 0
    for g in GRADIENTS:
        m = momentum * m - lr * g
        w = w + (momentum * m - lr * g if nesterov else m)
        yield w


def adam(w, amsgrad=False, lr=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3):
    m = v = top = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        top = np.maximum(top, v) if amsgrad else v
        w = w - lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(top) + epsilon)
        yield w


def rmsprop(w, momentum=0.0, centered=False, lr=0.1, rho=0.8, epsilon=1e-3):
    v = a = b = 0
    for g in GRADIENTS:
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g if centered else 0
        b = momentum * b + lr * g / np.sqrt(v - a**2 + epsilon)
        w = w - b
        yield w


def adagrad(w, lr=0.1, start=0.2, epsilon=1e-3):
    a = start
    for g in GRADIENTS:
        a = a + g**2
        w = w - lr * g / np.sqrt(a + epsilon)
        yield w


def adadelta(w, lr=0.1, rho=0.8, epsilon=1e-3):
    a = d = 0
    for g in GRADIENTS:
        a = rho * a + (1 - rho) * g**2
        step = g * np.sqrt(d + epsilon) / np.sqrt(a + epsilon)
        d = rho * d + (1 - rho) * step**2
        w = w - lr * step
        yield w


def adamax(w, lr=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3):
    m = u = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, abs(g))
        w = w - lr / (1 - beta_1**t) * m / (u + epsilon)
        yield w


def nadam(w, lr=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3):
    m = v = 0
    product = 1
    for t, g in enumerate(GRADIENTS, start=1):
        now, later = (beta_1 * (1 - 0.96**i / 2) for i in (t, t + 1))
        product *= now
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        ahead = later * m / (1 - product * later) + (1 - now) * g / (1 - product)
        w = w - lr * ahead / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        yield w


def lion(w, lr=0.1, beta_1=0.8, beta_2=0.9):
    m = 0
    for g in GRADIENTS:
        w = w - lr * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
        yield w


def ftrl(w, power=-0.5, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0, lr=0.1, start=0.2):
    n, z = start, 0
    for g in GRADIENTS:
        sigma = ((n + g**2) ** -power - n**-power) / lr
        z = z + g + 2 * shrinkage * w - sigma * w
        n = n + g**2
        w = (np.clip(z, -l1, l1) - z) / ((n**-power + beta) / lr + 2 * l2)
        yield w


def lamb(w, lr=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3):
    m = v = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        step = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        w = w - lr * step * np.linalg.norm(w) / np.linalg.norm(step)
        yield w


def adafactor(w, lr=0.1, decay=-0.5, epsilon_1=1e-3, epsilon_2=0.1, threshold=0.5):
    r = c = 0
    for t, g in enumerate(GRADIENTS, start=1):
        b = 1 - t**decay
        square = np.atleast_2d(g**2 + epsilon_1)
        r = b * r + (1 - b) * square.mean(1)
        c = b * c + (1 - b) * square.mean(0)
        step = g / np.sqrt(np.outer(r / r.mean(), c)[0])
        step = step / max(1, np.sqrt(np.mean(step**2)) / threshold)
        w = w - min(lr, t**-0.5) * max(epsilon_2, np.sqrt(np.mean(w**2))) * step
        yield w


def schedule_free(w, lr=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3, warmup=2):
    z, v = w, 0
    for t, g in enumerate(GRADIENTS, start=1):
        v = beta_2 * v + (1 - beta_2) * g**2
        z = z - lr * min(t / warmup, 1) * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        x = (w - (1 - beta_1) * z) / beta_1
        w = (1 - beta_1) * z + beta_1 * ((1 - 1 / t) * x + z / t)
        yield w


ALL_OF_FTRL = {"l1": 0.3, "l2": 0.1, "shrinkage": 0.2, "beta": 0.4}


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(0.1), sgd(W)),
        (SGD(0.1, momentum=0.9), sgd(W, 0.9)),
        (SGD(0.1, momentum=0.9, nesterov=True), sgd(W, 0.9, True)),
        (Adam(0.1, 0.8, 0.9, 1e-3), adam(W)),
        (Adam(0.1, 0.8, 0.9, 1e-3, amsgrad=True), adam(W, True)),
        (RMSprop(0.1, 0.8, epsilon=1e-3), rmsprop(W)),
        (RMSprop(0.1, 0.8, 0.7, 1e-3), rmsprop(W, 0.7)),
        (RMSprop(0.1, 0.8, 0.7, 1e-3, centered=True), rmsprop(W, 0.7, True)),
        (Adagrad(0.1, 0.2, 1e-3), adagrad(W)),
        (Adadelta(0.1, 0.8, 1e-3), adadelta(W)),
        (Adamax(0.1, 0.8, 0.9, 1e-3), adamax(W)),
        (Nadam(0.1, 0.8, 0.9, 1e-3), nadam(W)),
        (Lion(0.1, 0.8, 0.9), lion(W)),
        (Ftrl(0.1, -0.5, 0.2), ftrl(W)),
        (Ftrl(0.1, -0.5, 0.2, 0.3, 0.1, 0.2, 0.4), ftrl(W, **ALL_OF_FTRL)),
        (Ftrl(0.1, -0.3, 0.2), ftrl(W, -0.3)),
        (Ftrl(0.1, 0.0, 0.2), ftrl(W, 0.0)),
        (Lamb(0.1, 0.8, 0.9, 1e-3), lamb(W)),
        (ScheduleFreeAdamW(0.1, 0.8, 0.9, 1e-3, 2), schedule_free(W)),
    ],
    ids=lambda value: value.name if isinstance(value, Optimizer) else "",
)
def test_formulas(optimizer, expected):
    np.testing.assert_allclose(run(optimizer, W, GRADIENTS), list(expected), rtol=1e-5, atol=1e-7)


def test_the_first_step_of_adam_is_the_learning_rate():
    moved = W - run(Adam(0.001), W, GRADIENTS[:1])[0]
    np.testing.assert_allclose(moved, 0.001 * np.sign(GRADIENTS[0]), rtol=1e-3)


def test_adam_w_is_adam_with_weight_decay():
    found = run(AdamW(0.1, 0.5, 0.8, 0.9, 1e-3, True), W, GRADIENTS)
    expected = run(Adam(0.1, 0.8, 0.9, 1e-3, True, weight_decay=0.5), W, GRADIENTS)
    np.testing.assert_array_equal(found, expected)
    assert AdamW().weight_decay == 0.004
    with pytest.raises(ValueError, match="weight_decay must be a number"):
        AdamW(weight_decay=None)


def test_adafactor_factors_matrices_alone():
    options = (0.1, -0.5, 1e-3, 0.1, 0.5)
    row = run(Adafactor(*options), W[None], GRADIENTS[:, None])
    np.testing.assert_allclose(row[:, 0], list(adafactor(W)), rtol=1e-5)
    column = run(Adafactor(*options), W[:, None], GRADIENTS[..., None])
    np.testing.assert_allclose(column, row.transpose(0, 2, 1), rtol=1e-6)
    vector = run(Adafactor(*options), W, GRADIENTS)
    np.testing.assert_allclose(vector, row[:, 0], rtol=1e-6)  # one row: nothing is lost
    stack = np.stack([W[None], 2 * W[None]])
    r, c, v = store_slots(Adafactor(*options), stack)
    assert (r.shape, c.shape, v.shape) == ((2, 1), (2, 3), (2, 1, 3))


def store_slots(optimizer, w):
    """Return the slots of an optimizer after one step."""
    step(optimizer, store_of(w), np.ones_like(w))
    return optimizer.variables[2:]


def test_adafactor_bounds_steps_by_the_root_of_time():
    def steps(optimizer):
        return np.diff(run(optimizer, [1.0], np.ones((5, 1))), axis=0).ravel()

    bound = steps(Adafactor(10.0, relative_step=False))
    assert np.all(bound < 0)
    np.testing.assert_array_equal(bound, steps(Adafactor(10.0)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_muon_moves_matrices_by_orthogonal_steps(shape):
    w = np.random.default_rng(1).normal(size=shape).astype("f")
    g = np.random.default_rng(0).normal(size=shape)
    options = {"weight_decay": None, "rms_rate": None}
    step = w - run(Muon(1.0, **options), w, [g])[0]
    values = np.linalg.svd(step, compute_uv=False)
    assert np.all((values > 0.6) & (values < 1.3))
    u, _, v = np.linalg.svd(g, full_matrices=False)
    assert np.sum(step * (u @ v)) / 3 == pytest.approx(np.mean(values), rel=1e-4)
    longer = w - run(Muon(1.0, weight_decay=None, rms_rate=0.5), w, [g])[0]
    np.testing.assert_allclose(longer, step * 0.5 * np.sqrt(max(shape)), rtol=1e-5)


def test_muon_leaves_the_rest_to_adam():
    shapes = {
        "a/kernel": (2, 2),
        "a/bias": (2,),
        "an_Embedding/table": (2, 2),
        "head/kernel": (2, 2),
    }
    rng = np.random.default_rng(0)
    values, gradients = (
        {path: rng.normal(size=shape).astype("f") for path, shape in shapes.items()}
        for _ in range(2)
    )

    def after(optimizer):
        store = ParameterStore([Parameter(v.copy(), name=n, path=n) for n, v in values.items()])
        step(optimizer, store, *gradients.values())
        return {p.path: p.numpy() for p in store.trainable}

    by_muon = after(Muon(0.1, exclude_layers=["he.d"], adam_weight_decay=0.25))
    by_adam = after(AdamW(0.1, 0.25))
    same = [path for path in shapes if np.array_equal(by_muon[path], by_adam[path])]
    assert same == ["a/bias", "an_Embedding/table", "head/kernel"]
    by_muon = after(Muon(0.1, exclude_embeddings=False, adam_weight_decay=None, adam_lr_ratio=0.5))
    by_adam = after(Adam(0.05))
    same = [path for path in shapes if np.array_equal(by_muon[path], by_adam[path])]
    assert same == ["a/bias"]


def test_the_signs_of_lion_are_those_of_all_numbers():
    gradients = np.array([0.0, -0.0, 1e-36, -1e-36, 1e30, -1e30, np.inf, np.nan], "f")
    found = run(Lion(1.0), np.zeros(8), [gradients])[0]
    np.testing.assert_array_equal(found, [0, 0, -1, 1, -1, 1, -1, np.nan])


def test_ftrl_makes_weights_zero():
    w = run(Ftrl(0.5, l1_regularization_strength=1.0), W, GRADIENTS)
    assert (w[-1] == 0).tolist() == [False, True, True]


GOLDEN = {
    "SGD": (
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        [
            0.5721129,
            0.3554999,
            -0.4877174,
            -0.9514483,
            -0.4274442,
            1.3257191,
            -0.0331170,
            0.4286491,
        ],
    ),
    "Adam": (
        {"learning_rate": 0.1, "amsgrad": True},
        [0.6967438, 0.4135509, -0.5128317, -0.8889338, -0.4477217, 0.7736041, 0.5126449, 0.5872287],
    ),
    "AdamW": (
        {"learning_rate": 0.1, "weight_decay": 0.1},
        [0.6566096, 0.3911839, -0.4891222, -0.8442695, -0.4229284, 0.7499813, 0.4753536, 0.5552648],
    ),
    "RMSprop": (
        {"learning_rate": 0.1, "momentum": 0.5, "centered": True},
        [
            0.2484036,
            0.2119853,
            -0.8415817,
            -0.6762954,
            -0.2449649,
            2.6774383,
            -0.6336083,
            0.3162502,
        ],
    ),
    "Adagrad": (
        {"learning_rate": 0.1},
        [0.9290679, 0.5002319, -0.4584071, -0.9699573, -0.6092663, 0.6278285, 0.7426164, 0.6690102],
    ),
    "Adadelta": (
        {"learning_rate": 1.0, "epsilon": 0.001},
        [0.9725401, 0.5262334, -0.5727242, -1.0041802, -0.6515375, 1.2163469, 0.5378646, 0.5908818],
    ),
    "Adamax": (
        {"learning_rate": 0.1},
        [0.7217075, 0.4186156, -0.5110379, -0.8923562, -0.4683535, 0.6777830, 0.5833265, 0.6053082],
    ),
    "Nadam": (
        {"learning_rate": 0.1},
        [0.8994351, 0.4818885, -0.5147856, -0.9573398, -0.5900351, 0.7497425, 0.6745992, 0.6405172],
    ),
    "Lion": (
        {"learning_rate": 0.1},
        [0.9000000, 0.6403023, -0.5161468, -0.8899925, -0.5536436, 0.7836623, 0.6601702, 0.6539022],
    ),
    "Ftrl": (
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.1,
        },
        [0.4612627, 0.2554196, -0.0336934, -0.4625241, -0.3281006, 0.3168555, 0.2246323, 0.3505128],
    ),
    "Lamb": (
        {"learning_rate": 0.1},
        [0.7150743, 0.4311152, -0.4921005, -0.9147130, -0.4879612, 0.8388762, 0.5069332, 0.5904922],
    ),
    "Adafactor": (
        {"learning_rate": 0.1},
        [0.9962791, 0.5104375, -0.4595554, -0.9809480, -0.6363662, 0.5835216, 0.7349385, 0.6501119],
    ),
    "Muon": (
        {"learning_rate": 0.1},
        [0.9517904, 0.5249787, -0.4350494, -0.9592535, -0.6360164, 0.3716801, 0.5111205, 0.5859243],
    ),
    "ScheduleFreeAdamW": (
        {"learning_rate": 0.1, "warmup_steps": 3},
        [0.9656261, 0.5432819, -0.4367236, -0.9834243, -0.6785953, 0.5462863, 0.8019575, 0.7602840],
    ),
}
"""The weights, kernel and bias, after five steps of Keras 3.15 along the gradients below."""


@pytest.mark.parametrize("cls", CLASSES)
def test_numbers_of_keras(cls):
    options, expected = GOLDEN[cls.__name__]
    w = np.cos(np.arange(8.0))
    store = store_of(w[:6].reshape(3, 2), w[6:])
    optimizer = cls(**options)
    for t in range(1, 6):
        g = np.sin(np.arange(8.0) * t + t)
        step(optimizer, store, g[:6].reshape(3, 2), g[6:])
    found = np.concatenate([p.value.ravel() for p in store.trainable])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


# --- what all share


RATES = {"Adagrad": 1.0, "Adadelta": 30.0, "Adafactor": 0.1, "Ftrl": 1.0, "Ftrl all": 1.0}
RATES |= {"ScheduleFreeAdamW": 1.0, "all options": 0.1, "accumulation": 0.1}


@pytest.mark.parametrize("name", ALL)
def test_a_bowl_is_descended(name):
    optimizer = ALL[name](learning_rate=RATES.get(name, 0.02))
    store = store_of([3.0, -2.0], [[1.0]])
    for _ in range(400):
        step(optimizer, store, *(2 * p.value for p in store.trainable))
    assert np.abs(store.values).max() < 0.1


@pytest.mark.parametrize("name", [name for name in ALL if "Ftrl" not in name])
def test_no_gradient_no_step(name):
    optimizer = ALL[name]()
    optimizer.weight_decay = optimizer.adam_weight_decay = None
    np.testing.assert_array_equal(run(optimizer, W, np.zeros((3, 3))), [W.astype("f")] * 3)


@every_optimizer
def test_many_weights_are_updated_as_few_are(make):
    # More weights than fit a block, in parameters whose ends do not fall on one.
    rng = np.random.default_rng(0)
    shapes = [(300, 200), (7,), (50, 3), (33000,)]
    values = [rng.normal(size=s).astype("f") for s in shapes]
    together, apart = store_of(*values), [store_of(v) for v in values]
    optimizer, others = make(learning_rate=0.1), [make(learning_rate=0.1) for _ in shapes]
    for _ in range(3):
        gradients = [rng.normal(size=s).astype("f") for s in shapes]
        step(optimizer, together, *gradients)
        for other, store, g in zip(others, apart, gradients, strict=True):
            step(other, store, g)
    for p, store in zip(together.trainable, apart, strict=True):
        np.testing.assert_array_equal(p.value, store.trainable[0].value)


@every_optimizer
def test_the_gaps_between_parameters_stay_zero(make):
    store = store_of([1.0, 2.0], [[3.0]], [4.0] * 17)
    optimizer = make()
    for _ in range(3):
        step(optimizer, store, *(np.ones(p.shape) for p in store.trainable))
    inside = np.zeros(len(store.values), bool)
    for where in store.slices:
        inside[where] = True
    assert not store.values[~inside].any()


@every_optimizer
def test_a_step_allocates_nothing_big(make):
    shapes = [(100_000,), (300, 200), (200, 300)]
    optimizer, store = make(), store_of(*(np.ones(shape) for shape in shapes))
    for _ in range(2):
        step(optimizer, store, *(np.ones(shape) for shape in shapes))
    tracemalloc.start()
    try:
        optimizer.step(store)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # NumPy multiplies matrices by columns, as Adafactor must, through a buffer of a fixed size.
    assert peak < (40_000 if isinstance(optimizer, Adafactor) else 10_000)


@every_optimizer
def test_an_optimizer_takes_up_a_store_that_was_repacked(make):
    twice, once = store_of(W), store_of(W)
    optimizer, other = make(learning_rate=0.1), make(learning_rate=0.1)
    for g in GRADIENTS:
        step(other, once, g)
        step(optimizer, twice, g)
        twice = ParameterStore(twice.trainable)
    np.testing.assert_array_equal(twice.values, once.values)


def test_an_optimizer_belongs_to_its_weights():
    optimizer = Adam()
    step(optimizer, store_of([1.0, 2.0]), [1, 1])
    with pytest.raises(ValueError, match=r"built for other weights: \['w0'\].*Compile .* new one"):
        optimizer.build(store_of([1.0, 2.0, 3.0]))


def test_optimizers_work_in_float64():
    p = Parameter(np.array([1 / 3]), name="w")
    store = ParameterStore([p])
    for make in ALL.values():
        optimizer = make()
        p.grad[...] = 1 / 7
        optimizer.step(store)
        assert p.value.dtype == optimizer.lr.dtype == np.float64


# --- clipping, decay, averaging, accumulation, constraints


def moves(optimizer, *gradients):
    """Return minus what one step of SGD with rate 1 adds: the gradients as they were applied."""
    store = store_of(*(np.zeros_like(g) for g in gradients))
    step(optimizer, store, *gradients)
    return [-p.value for p in store.trainable]


A, B = np.array([3.0, 4.0]), np.array([0.6, -0.8])  # of norms 5 and 1; together sqrt(26)


def test_clipvalue():
    a, b = moves(SGD(1.0, clipvalue=0.7), A, B)
    np.testing.assert_allclose(a, [0.7, 0.7])
    np.testing.assert_allclose(b, [0.6, -0.7])


def test_clipnorm_is_taken_of_each_weight():
    a, b = moves(SGD(1.0, clipnorm=2.0), A, B)
    np.testing.assert_allclose(a, A * 2 / 5, rtol=1e-6)
    np.testing.assert_allclose(b, B, rtol=1e-6)


def test_global_clipnorm_is_taken_of_all_weights():
    a, b = moves(SGD(1.0, global_clipnorm=2.0), A, B)
    np.testing.assert_allclose(a, A * 2 / np.sqrt(26), rtol=1e-6)
    np.testing.assert_allclose(b, B * 2 / np.sqrt(26), rtol=1e-6)
    a, b = moves(SGD(1.0, global_clipnorm=20.0), A, B)
    np.testing.assert_allclose(a, A, rtol=1e-6)


CLIPS = ["clipnorm", "global_clipnorm", "clipvalue"]


@pytest.mark.parametrize("clip", CLIPS)
def test_clipping_nothing(clip):
    np.testing.assert_array_equal(moves(SGD(1.0, **{clip: 1.0}), 0 * A)[0], [0, 0])


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_no_limit_no_clipping(clip, limit):
    np.testing.assert_array_equal(moves(SGD(1.0, **{clip: limit}), A)[0], A)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_global_norm_that_is_not_finite_spoils_all_as_in_keras():
    a, b = moves(SGD(1.0, global_clipnorm=1.0), np.array([np.inf, 1]), B)
    assert np.isnan([a, b]).all()


def test_weight_decay_comes_before_the_update():
    store = store_of([2.0], [[4.0]])
    step(SGD(0.1, weight_decay=0.5), store, [1.0], [[0.0]])
    assert store.trainable[0].value == pytest.approx(2 - 2 * 0.5 * 0.1 - 0.1)
    assert store.trainable[1].value == pytest.approx(4 - 4 * 0.5 * 0.1)  # with no gradient, too


@pytest.mark.parametrize("how", ["var_names", "var_list"])
def test_weights_left_out_of_weight_decay(how):
    store, optimizer = store_of([2.0], [4.0]), SGD(0.1, weight_decay=0.5)
    left_out = ["w1"] if how == "var_names" else [store.trainable[1]]
    optimizer.exclude_from_weight_decay(**{how: left_out})
    step(optimizer, store, [0.0], [0.0])
    np.testing.assert_allclose([p.value[0] for p in store.trainable], [1.9, 4])
    with pytest.raises(ValueError, match="must be called before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["w0"])


@every_optimizer
def test_decay_leaves_out_what_is_excluded(make):
    """Some of many weights, among them neighbours, in stretches longer than a block."""
    rng = np.random.default_rng(0)
    shapes = [(300, 250), (7,), (50,), (9,), (40, 3)]
    values = [rng.normal(size=shape).astype("f") for shape in shapes]
    found = []
    for decay in (None, 0.5):
        store, optimizer = store_of(*values), make(learning_rate=0.1)
        optimizer.weight_decay = optimizer.adam_weight_decay = decay
        optimizer.exclude_from_weight_decay([store.trainable[1]], ["w3"])
        if decay is None:  # decayed by hand: the update sees the same weights
            for i in (0, 2, 4):
                store.trainable[i].value -= store.trainable[i].value * np.float32(0.5 * 0.1)
        if isinstance(optimizer, ScheduleFreeAdamW):
            optimizer.build(store_of(*values))  # what it starts from is not decayed
        if optimizer.gradient_accumulation_steps:
            step(optimizer, store, *(np.ones(shape) for shape in shapes))
        step(optimizer, store, *(np.ones(shape) for shape in shapes))
        found.append(store.values)
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


def test_accumulation_applies_the_mean_of_the_gradients():
    optimizer, store = SGD(1.0, gradient_accumulation_steps=3), store_of([0.0])
    seen = []
    for g in (1.0, 2.0, 6.0, 10.0, 20.0, 30.0):
        step(optimizer, store, [g])
        seen.append((float(store.trainable[0].value[0]), int(optimizer.iterations)))
    assert seen == [(0, 0), (0, 0), (-3, 1), (-3, 1), (-3, 1), (-23, 2)]


def test_accumulation_clips_the_mean():
    optimizer, store = SGD(1.0, gradient_accumulation_steps=2, clipvalue=1.0), store_of([0.0])
    step(optimizer, store, [10.0])
    step(optimizer, store, [-9.0])
    assert store.trainable[0].value == -0.5


def test_accumulated_adam_is_adam_on_the_means():
    gradients = np.repeat(GRADIENTS, 2, axis=0)
    gradients[::2] += 0.25
    gradients[1::2] -= 0.25
    accumulated = run(Adam(0.1, gradient_accumulation_steps=2), W, gradients)[1::2]
    np.testing.assert_allclose(accumulated, run(Adam(0.1), W, GRADIENTS), rtol=1e-5)


def test_the_moving_average_of_the_weights():
    optimizer, store = SGD(1.0, use_ema=True, ema_momentum=0.5), store_of([0.0])
    (w,) = store.trainable
    averages = []
    for _ in range(3):
        step(optimizer, store, [-2.0])  # w is 2, 4, 6
        averages.append(float(optimizer.variables[2].value[0]))
    assert averages == [2, 3, 4.5]
    assert w.value == 6
    optimizer.finalize_variable_values()
    assert w.value == 4.5


def test_the_average_overwrites_the_weights_now_and_then():
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    np.testing.assert_allclose(run(optimizer, [0.0], [[-2.0]] * 4).ravel(), [2, 3, 5, 5.5])


def test_fit_ends_with_the_average():
    model = Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    model.fit([[1.0]], [[1.0]], epochs=2, verbose=0)
    # From 0 to 0.2 and 0.36; the average goes from 0.2 to 0.28.
    assert model.get_weights()[0][0, 0] == pytest.approx(0.28)


def test_constraints_end_each_step():
    store = store_of([[3.0, 0.0], [4.0, 0.1]], constraint=constraints.MaxNorm(1.0))
    step(SGD(0.0), store, np.zeros((2, 2)))
    np.testing.assert_allclose(store.trainable[0].value, [[0.6, 0], [0.8, 0.1]], rtol=1e-5)
    store = store_of([1.0, -1.0], constraint=constraints.get("non_neg"))
    step(SGD(1.0), store, [2.0, -2.0])
    np.testing.assert_array_equal(store.trainable[0].value, [0, 1])


KERNEL = np.array([[3.0, 0.3], [4.0, -0.4]])  # columns of norms 5 and 0.5


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (constraints.MaxNorm(2.0), KERNEL * [0.4, 1]),
        (constraints.MaxNorm(), KERNEL * [0.4, 1]),
        (constraints.MaxNorm(2.0, axis=1), KERNEL * 2 / np.maximum(2, [[3.01496269], [4.01995]])),
        (constraints.MaxNorm(1.0, axis=[0, 1]), KERNEL / np.sqrt(25.25)),
        (constraints.NonNeg(), np.maximum(KERNEL, 0)),
        (constraints.UnitNorm(), KERNEL * [0.2, 2]),
        (constraints.MinMaxNorm(1.0, 2.0), KERNEL * [0.4, 2]),
        (constraints.MinMaxNorm(1.0, 2.0, rate=0.5), KERNEL * [0.7, 1.5]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_constraints(constraint, expected):
    w = KERNEL.astype(np.float32)
    w.flags.writeable = False
    np.testing.assert_allclose(constraint(w), expected, rtol=1e-5)
    config = {"class_name": type(constraint).__name__, "config": constraint.get_config()}
    twin = constraints.get(config)
    np.testing.assert_array_equal(twin(w), constraint(w))


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm", "UnitNorm"])
def test_names_of_constraints(name):
    assert isinstance(constraints.get(name), constraints.Constraint)


def test_a_constraint_of_ones_own():
    class Halved(constraints.Constraint):
        def call(self, w):
            return w / 2

    for constraint in (Halved(), lambda w: w / 2):
        model = Sequential(
            [Input((1,)), Dense(1, kernel_initializer="ones", kernel_constraint=constraint)]
        )
        model.compile(SGD(0.0), "mse")
        model.fit([[1.0]] * 3, [[1.0]] * 3, batch_size=1, verbose=0)
        assert model.get_weights()[0] == 1 / 8


# --- learning rates


@pytest.mark.parametrize("rate", [1, 1.0, np.float32(1), np.float64(1), np.int64(1), np.array(1.0)])
def test_any_number_is_a_learning_rate(rate):
    optimizer = SGD(rate)
    assert optimizer.learning_rate.numpy() == np.float32(1)
    assert optimizer.learning_rate.dtype == np.float32


@pytest.mark.parametrize("rate", ["0.1", None, True, [0.1], 1j], ids=str)
def test_anything_else_is_not(rate):
    for make in (SGD, Adam, RMSprop):
        with pytest.raises(ValueError, match=r"learning_rate must be a number.*Received"):
            make(learning_rate=rate)
        optimizer = make()
        with pytest.raises(ValueError, match="learning_rate must be a number"):
            optimizer.learning_rate = rate


def test_the_learning_rate_can_be_set():
    optimizer, store = SGD(1.0), store_of([0.0])
    step(optimizer, store, [1.0])
    optimizer.learning_rate = 0.25
    step(optimizer, store, [1.0])
    assert store.trainable[0].value == -1.25
    assert float(optimizer.learning_rate) == 0.25


class Halving(schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.5 ** int(step)


def test_a_schedule_is_asked_with_the_number_of_the_step():
    np.testing.assert_array_equal(
        run(SGD(Halving()), [0.0], [[1.0]] * 3).ravel(), [-1, -1.5, -1.75]
    )
    optimizer = SGD(Halving())
    assert float(optimizer.learning_rate) == 1
    run(optimizer, [0.0], [[1.0]] * 3)
    assert float(optimizer.learning_rate) == 0.125
    with pytest.raises(TypeError, match="follows a schedule"):
        optimizer.learning_rate = 0.1


def test_a_schedule_counts_all_steps_when_gradients_are_accumulated():
    optimizer = SGD(Halving(), gradient_accumulation_steps=2)
    np.testing.assert_array_equal(
        run(optimizer, [0.0], [[1.0]] * 4).ravel(), [0, -0.5, -0.5, -0.625]
    )


def test_an_unfinished_schedule():
    with pytest.raises(NotImplementedError, match=r"must define __call__\(step\)"):
        run(SGD(schedules.LearningRateSchedule()), [0.0], [[1.0]])


def test_a_function_is_asked_at_each_step():
    rates = iter([1.0, 10.0, 100.0])
    found = run(SGD(lambda: next(rates)), [0.0], [[1.0]] * 3).ravel()
    np.testing.assert_array_equal(found, [-1, -11, -111])


# --- state


def test_iterations_count_updates():
    optimizer = Adam()
    assert int(optimizer.iterations) == 0
    run(optimizer, W, GRADIENTS)
    assert int(optimizer.iterations) == 4
    assert optimizer.iterations.dtype == np.int64


def test_variables_are_listed_as_in_keras():
    def names(optimizer):
        step(optimizer, store_of([1.0], [[2.0]]), [1], [[1]])
        return [v.path.removeprefix(f"{optimizer.name}/") for v in optimizer.variables]

    head = ["iteration", "learning_rate"]
    assert names(SGD()) == head
    assert names(SGD(momentum=0.5)) == [*head, "w0_momentum", "w1_momentum"]
    assert names(Adam()) == [
        *head,
        *("w0_momentum", "w0_velocity"),
        *("w1_momentum", "w1_velocity"),
    ]
    assert names(RMSprop(momentum=0.5)) == [
        *head,
        *("w0_velocity", "w1_velocity"),
        *("w0_momentum", "w1_momentum"),
    ]
    assert names(SGD(Halving())) == ["iteration"]
    assert names(SGD(use_ema=True)) == [*head, "w0_average", "w1_average"]
    assert [v.shape for v in Adam().variables] == [(), ()]


def trained(make, steps=3):
    """Return an optimizer and the store that it has trained for some steps."""
    optimizer, store = make(), store_of([[1.0, 2.0], [3.0, -1.0]], [0.5, 0.25])
    more(optimizer, store, steps)
    return optimizer, store


def more(optimizer, store, steps):
    for _ in range(steps):
        t = int(optimizer.variables[0].value)
        step(optimizer, store, *(np.sin(p.value + t) for p in store.trainable))


@every_optimizer
def test_variables_are_the_state(make):
    """An optimizer that takes over all variables of another continues as that would."""
    first, store = trained(make)
    other, twin = trained(make, 1)
    twin.values[...] = store.values
    for mine, theirs in zip(other.variables, first.variables, strict=True):
        assert mine.shape == theirs.shape
        mine.assign(theirs.numpy())
    assert int(other.iterations) == int(first.iterations)
    for optimizer, weights in (first, store), (other, twin):
        more(optimizer, weights, 3)
    np.testing.assert_array_equal(twin.values, store.values)


@every_optimizer
def test_weights_are_set_and_saved(make):
    first, store = trained(make)
    saved = {}
    first.save_own_variables(saved)
    assert list(saved) == [str(i) for i in range(len(first.variables))]
    for load in (
        lambda o: o.load_own_variables(saved),
        lambda o: o.set_weights([v.numpy() for v in first.variables]),
    ):
        other = make()
        other.build(store_of(*(p.value for p in store.trainable)))
        load(other)
        for mine, theirs in zip(other.variables, first.variables, strict=True):
            np.testing.assert_array_equal(mine.value, theirs.value, strict=True)


def test_weights_that_do_not_fit_change_nothing():
    optimizer, _ = trained(Adam)
    before = [v.numpy() for v in optimizer.variables]
    wrong = [np.zeros(v.shape) for v in optimizer.variables]
    wrong[-1] = np.zeros(3)
    for weights in (wrong, wrong[:-1]):
        with pytest.raises(ValueError, match=r"must fit the variables .*w0_momentum \(2, 2\)"):
            optimizer.set_weights(weights)
    with pytest.warns(UserWarning, match="it has 6 variables, and 2 were saved"):
        optimizer.load_own_variables({"0": 1, "1": 0.5})
    for variable, value in zip(optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(variable.value, value)
    with pytest.raises(ValueError, match="has no state to set before it is built"):
        Adam().set_weights([1, 0.5])
    with pytest.warns(UserWarning, match="The optimizer is not built yet"):
        Adam().load_own_variables({str(i): v for i, v in enumerate(before)})


def test_the_learning_rate_and_the_count_can_be_assigned():
    optimizer = Adam(0.5)
    held = optimizer.learning_rate
    kept = held.numpy()
    optimizer.learning_rate.assign(0.25)
    assert float(held) == float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = 0.125
    assert (float(held), float(kept)) == (0.125, 0.5)
    optimizer.iterations.assign(7)
    assert int(optimizer.iterations) == int(optimizer.variables[0].value) == 7
    step(optimizer, store_of([0.0]), [1.0])
    assert int(optimizer.iterations) == 8


def test_a_schedule_takes_the_place_of_a_number():
    optimizer = SGD(0.5)
    optimizer.learning_rate = Halving()
    assert float(optimizer.learning_rate) == 1
    assert [v.name for v in optimizer.variables] == ["iteration"]
    optimizer = SGD(lambda: 0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


def test_variables_of_other_shapes():
    def listed(optimizer):
        store = store_of(np.ones((2, 3, 4)), [1.0, 2.0], 3.0)
        step(optimizer, store, *store.view(store.values))
        return [(v.name, v.shape, v.dtype.name) for v in optimizer.variables[2:]]

    f = "float32"
    assert listed(Adafactor()) == [
        *(("w0", (2, 3), f), ("w0", (2, 4), f), ("w0_velocity", (2, 3, 4), f)),
        *(("w1", (), "int32"), ("w1", (), "int32"), ("w1_velocity", (2,), f)),
        *(("w2", (), "int32"), ("w2", (), "int32"), ("w2_velocity", (), f)),
    ]
    assert [name for name, *_ in listed(Nadam())][-2:] == ["w2_velocity", "variable"]
    assert [name for name, *_ in listed(Adam(amsgrad=True))][-4:] == [
        "w2_velocity",
        *("w0_velocity_hat", "w1_velocity_hat", "w2_velocity_hat"),
    ]


def test_what_slots_start_as():
    def first(optimizer):
        optimizer.build([Parameter(np.array([3.0, 4.0], "f"), name="w")])
        return [v.numpy().tolist() for v in optimizer.variables[2:]]

    assert first(Adagrad(initial_accumulator_value=0.5)) == [[0.5, 0.5]]
    assert first(Ftrl(initial_accumulator_value=0.5)) == [[0.5, 0.5], [0, 0]]
    assert first(Nadam()) == [[0, 0], [0, 0], 1]
    assert first(ScheduleFreeAdamW()) == [[3, 4], [0, 0]]


# --- training loops of one's own


def some(*values):
    return store_of(*values).trainable


@every_optimizer
def test_apply_is_a_step(make):
    optimizer, other = make(), make()
    store, weights = (store_of(W, [[1.0, 2.0]]) for _ in range(2))
    for g in GRADIENTS:
        gradients = [g, g[None, :2]]
        step(optimizer, store, *gradients)
        other.apply_gradients(zip(gradients, weights.trainable, strict=True))
    for mine, theirs in zip(weights.trainable, store.trainable, strict=True):
        np.testing.assert_array_equal(mine.value, theirs.value)


def test_apply_to_some_of_the_weights():
    optimizer, (a, b, c) = SGD(1.0, weight_decay=0.5, global_clipnorm=5.0), some([2.0], [4.0], [6])
    optimizer.build([a, b, c])
    with pytest.warns(UserWarning, match=r"Weights without a gradient stay .*\['w1'\]"):
        optimizer.apply([np.array([3.0]), None], [a, b])
    assert [float(p.value[0]) for p in (a, b, c)] == [-2, 4, 6]
    optimizer.apply([[4.0], [3.0]], [c, a])
    assert [float(p.value[0]) for p in (a, b, c)] == [-4, 4, -1]
    assert optimizer.apply_gradients([([0.0], b)]) == 3
    assert [float(p.value[0]) for p in (a, b, c)] == [-4, 2, -1]
    optimizer.apply([])
    assert int(optimizer.iterations) == 3


def test_accumulated_gradients_of_weights_left_out_are_dropped():
    optimizer, (a, b) = SGD(1.0, gradient_accumulation_steps=2), some([0.0], [0.0])
    optimizer.apply([[2.0], [2.0]], [a, b])
    optimizer.apply([[4.0]], [a])
    assert [float(p.value[0]) for p in (a, b)] == [-3, 0]
    for _ in range(2):
        optimizer.apply([[1.0], [1.0]])
    assert [float(p.value[0]) for p in (a, b)] == [-4, -1]


def test_a_model_and_a_loop_share_an_optimizer():
    def model():
        made = Sequential([Input((2,)), Dense(1, kernel_initializer="ones")])
        made.compile(Adam(0.1), "mse")
        return made

    looped, fitted = model(), model()
    x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.0], [1.0]])
    for _ in range(2):
        for m in (looped, fitted):
            m.fit(x, y, verbose=0)
        gradients = [w.grad.copy() for w in fitted.trainable_weights]
        looped.optimizer.apply_gradients(zip(gradients, looped.trainable_weights, strict=True))
        fitted.optimizer.apply(gradients, fitted.trainable_weights)
        other = ParameterStore(fitted.trainable_weights)  # packed anew behind its back
        assert other.holds_its_parameters()
    for mine, theirs in zip(looped.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert int(looped.optimizer.iterations) == 4


@pytest.mark.parametrize(
    ("grads", "variables", "text"),
    [
        ([[1.0]], None, "does not know which weights"),
        ([[1.0]], some([1.0], [2.0]), "1 gradients and 2 weights"),
        ([[1.0, 2.0]], some([1.0]), r"gradient of 'w0' must have its shape: expected \(1,\)"),
        ([None, None], some([1.0], [2.0]), r"No gradients provided .*\['w0', 'w1'\] are None"),
        ([[1.0], [2.0]], some([1.0]) * 2, "Received several of 'w0'"),
    ],
)
def test_gradients_that_do_not_fit(grads, variables, text):
    optimizer = SGD()
    with pytest.raises(ValueError, match=text):
        optimizer.apply(grads, variables)
    assert not optimizer.built
    (known,) = some([1.0])
    optimizer.build([known])
    with pytest.raises(ValueError, match=r"built for other weights: \['w0'\]. Received: 'w0'"):
        optimizer.apply([[1.0]], some([1.0]))
    assert known.value == 1


# --- identifiers and arguments


@pytest.mark.parametrize("identifier", ["sgd", "SGD", "Sgd", SGD, {"class_name": "sgd"}], ids=str)
def test_get(identifier):
    assert type(optimizers.get(identifier)) is SGD


@pytest.mark.parametrize("cls", CLASSES)
def test_names(cls):
    for name in (cls.__name__, cls.__name__.lower(), cls.__name__.upper()):
        assert type(optimizers.get(name)) is cls


def test_get_of_something_else():
    optimizer = Adam()
    assert optimizers.get(optimizer) is optimizer
    with pytest.raises(ValueError, match=r"identifier: 'adm'. Did you mean 'adam'"):
        optimizers.get("adm")
    for identifier in (None, 3, Dense, print, "optimizer", {}, {"config": {}}):
        with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
            optimizers.get(identifier)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("LossScaleOptimizer", "it is for half precision"),
        ("MultiOptimizer", "an optimizer updates all weights"),
        ("OptimizerMap", "an optimizer updates all weights"),
    ],
)
def test_what_is_not_supported_says_why(name, reason):
    """However it is named."""
    for make in (
        lambda: getattr(optimizers, name)(Adam()),
        lambda: optimizers.get(name),
        lambda: optimizers.get(name.lower()),
        lambda: optimizers.deserialize({"class_name": name, "config": {"inner_optimizer": 1}}),
    ):
        with pytest.raises(ValueError, match=f"{name} is not supported: {reason}"):
            make()
    with pytest.raises(ValueError, match="LossScaleOptimizer is not supported"):
        optimizers.get("loss_scale")


CONFIG = {
    "name": "mine",
    "learning_rate": 0.5,
    "weight_decay": 0.25,
    "clipnorm": None,
    "global_clipnorm": 2.0,
    "clipvalue": None,
    "use_ema": True,
    "ema_momentum": 0.5,
    "ema_overwrite_frequency": 3,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": 2,
}


@pytest.mark.parametrize("cls", CLASSES)
def test_configs(cls):
    optimizer = cls.from_config(CONFIG)
    config = optimizer.get_config()
    assert {key: config[key] for key in CONFIG} == CONFIG
    assert json.loads(json.dumps(config)) == config
    assert cls.from_config(config).get_config() == config
    serialized = optimizers.serialize(optimizer)
    assert serialized == {
        "module": "keras.optimizers",
        "class_name": cls.__name__,
        "config": config,
        "registered_name": None,
    }
    assert optimizers.serialize(optimizers.deserialize(serialized)) == serialized
    assert optimizers.serialize(saving.deserialize_keras_object(serialized)) == serialized
    assert type(optimizers.get(serialized)) is cls


@pytest.mark.parametrize("cls", CLASSES)
def test_configs_hold_the_arguments(cls):
    """Each argument is an attribute, and comes back as it was given."""
    options = dict(GOLDEN[cls.__name__][0]) | {"learning_rate": 0.5}
    config = cls(**options).get_config()
    assert {key: config[key] for key in options} == options
    own = set(inspect.signature(cls).parameters) - {"args", "kwargs"}
    assert own <= set(config)


def test_the_rate_of_a_config_is_a_float32():
    assert Adam().get_config()["learning_rate"] == 0.0010000000474974513


def a_rate():
    return 0.25


def test_configs_of_rates_that_change():
    config = SGD(schedules.ExponentialDecay(0.5, 10, 0.9)).get_config()
    assert config["learning_rate"]["class_name"] == "ExponentialDecay"
    assert config["learning_rate"]["module"] == "keras.optimizers.schedules"
    assert SGD.from_config(config).get_config() == config
    config = optimizers.serialize(SGD(a_rate))
    found = optimizers.deserialize(config, custom_objects={"a_rate": a_rate})
    assert float(found.learning_rate) == 0.25
    with pytest.raises(NotImplementedError, match=r"Halving must define get_config\(\)"):
        SGD(Halving()).get_config()


def test_configs_of_ones_own():
    class Scaled(SGD):
        def __init__(self, scale, **options):
            super().__init__(**options)
            self.scale = scale

        def get_config(self):
            return super().get_config() | {"scale": self.scale}

    config = optimizers.serialize(Scaled(3.0))
    assert (config["class_name"], config["config"]["scale"]) == ("Scaled", 3.0)
    found = optimizers.deserialize(config, custom_objects={"Scaled": Scaled})
    assert type(found) is Scaled
    assert found.scale == 3.0
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier: 'Scaled'"):
        optimizers.deserialize(config)


def test_decay_is_ignored_with_a_warning_as_in_keras():
    with pytest.warns(UserWarning, match="decay is ignored.*Give a schedule"):
        SGD(decay=0.1)
    assert SGD(decay=None, name="a").get_config() == SGD(name="a").get_config()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Lion(beta_1=0.0), r"beta_1 must be in \(0, 1\].*Received: 0.0"),
        (lambda: Lion(beta_1=1.5), r"beta_1 must be in \(0, 1\]"),
        (lambda: ScheduleFreeAdamW(beta_1=0.0), "beta_1 must not be 0"),
        (lambda: Ftrl(learning_rate_power=0.5), "learning_rate_power must be negative or 0"),
        (
            lambda: Ftrl(initial_accumulator_value=-1.0),
            "initial_accumulator_value must be positive",
        ),
        (lambda: Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength must be"),
        (lambda: Ftrl(l2_regularization_strength=-1.0), "l2_regularization_strength must be"),
        (lambda: Ftrl(l2_shrinkage_regularization_strength=-1.0), "l2_shrinkage_regularization"),
        (lambda: Muon(clipnorm=1.0, clipvalue=1.0), "Only one of clipnorm"),
        (lambda: Nadam(beta_3=1.0), r"not recognized by Nadam: .*Did you mean 'beta_[12]'"),
    ],
)
def test_bad_arguments_of_some(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize("cls", CLASSES)
def test_arguments_by_position(cls):
    """In Keras's order: those of the class, then those that all share."""
    own = [name for name in inspect.signature(cls).parameters if name not in ("args", "kwargs")]
    shared = ["weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum"]
    order = own + [name for name in shared if name not in own]
    config = cls().get_config()
    values = [config[name] for name in order]
    values[order.index("clipvalue")] = 0.75
    assert cls(*values).get_config() == config | {"clipvalue": 0.75, "name": mock.ANY}


def test_automatic_names():
    assert [SGD().name, SGD().name, RMSprop().name, Adam(name="a").name] == [
        "sgd",
        "sgd_1",
        "rm_sprop",
        "a",
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": 0.1}, r"not recognized by SGD: \{'lr': 0.1\}.*learning_rate"),
        ({"learningrate": 0.1}, "Did you mean 'learning_rate'"),
        ({"clipnorm": 1, "clipvalue": 1}, "Only one of clipnorm, clipvalue and global_clipnorm"),
        ({"use_ema": True, "ema_momentum": 2}, r"ema_momentum must be in \[0, 1\]"),
        ({"use_ema": True, "ema_overwrite_frequency": -1}, "ema_overwrite_frequency must be"),
        ({"use_ema": True, "ema_overwrite_frequency": 1.5}, "a whole number of steps, at least 1"),
        ({"gradient_accumulation_steps": 1}, "a whole number of steps, at least 2, or None"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps must be a whole"),
        ({"loss_scale_factor": 2.0}, "loss_scale_factor is not supported"),
        ({"momentum": 2}, r"momentum must be a number in \[0, 1\]"),
        ({"momentum": "0.9"}, r"momentum must be a number in \[0, 1\]"),
    ],
)
def test_bad_arguments(options, text):
    with pytest.raises(ValueError, match=text):
        SGD(**options)


# --- an optimizer of one's own


def test_the_example_of_the_contract():
    found = run(Momentum(0.1), W, GRADIENTS)
    np.testing.assert_allclose(found, list(sgd(W, 0.9)), rtol=1e-5)


def test_ones_own_optimizer_trains_a_model_and_has_all_options():
    class Signs(Optimizer):
        elementwise = False

        def begin_step(self, t):
            self.t = t

        def update(self, w, g):
            sizes.append((self.t, w.size))
            w -= self.lr * np.sign(g)

    sizes = []
    model = Sequential([Input((2,)), Dense(3, kernel_initializer="zeros")])
    model.compile(Signs(0.25, clipnorm=1.0, weight_decay=0.0, use_ema=True), "mae")
    model.fit(np.ones((4, 2)), np.ones((4, 3)), batch_size=2, verbose=0)
    assert sizes == [(1, 6), (1, 3), (2, 6), (2, 3)]  # once for each weight, in each step
    assert model.optimizer.name == "signs"


def test_an_unfinished_optimizer():
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update\(w, g, ...\)"):
        run(Optimizer(), W, GRADIENTS)


# --- Moments that fade


@pytest.mark.parametrize("make", [Adam, AdamW, Adamax, Nadam, lambda: SGD(0.01, 0.9)])
def test_moments_without_gradients_never_become_denormal(make):
    rng = np.random.default_rng(0)
    start = rng.normal(size=1000).astype("float32")
    first = rng.normal(size=1000).astype("float32")
    weights = []
    for clears in (True, False):
        optimizer = make()
        if not clears:
            optimizer.fading = ()
        w = Parameter(start.copy(), name="w")
        tiny, denormal = np.finfo("float32").tiny, 0
        for step in range(1200):
            optimizer.apply([first if step == 0 else np.zeros_like(first)], [w])
            m = np.abs(optimizer._vectors[optimizer.slots.index("momentum")])
            denormal += np.count_nonzero((m > 0) & (m < tiny))
        assert (denormal == 0) == clears
        weights.append(w.numpy())
    np.testing.assert_array_equal(*weights)  # and no weight is moved otherwise
