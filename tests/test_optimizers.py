"""Optimizers: the formulas by hand, what all of them share, state, learning rates, one's own."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from cases import example

from scratchnn import Input, Sequential, constraints, optimizers
from scratchnn.layers import Dense
from scratchnn.optimizers import SGD, Adam, Optimizer, RMSprop, schedules
from scratchnn.optimizers import base as optimizers_base
from scratchnn.parameters import Parameter, ParameterStore

Momentum = example(optimizers_base)["Momentum"]

ALL = [
    *optimizers.NAMES.values(),
    lambda **k: SGD(momentum=0.9, **k),
    lambda **k: SGD(momentum=0.9, nesterov=True, **k),
    lambda **k: Adam(amsgrad=True, **k),
    lambda **k: RMSprop(momentum=0.9, centered=True, **k),
]
every_optimizer = pytest.mark.parametrize("make", ALL, ids=lambda m: f"{m().name}-{ALL.index(m)}")


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
    ],
    ids=lambda value: value.name if isinstance(value, Optimizer) else "",
)
def test_formulas(optimizer, expected):
    np.testing.assert_allclose(run(optimizer, W, GRADIENTS), list(expected), rtol=1e-5)


def test_the_first_step_of_adam_is_the_learning_rate():
    moved = W - run(Adam(0.001), W, GRADIENTS[:1])[0]
    np.testing.assert_allclose(moved, 0.001 * np.sign(GRADIENTS[0]), rtol=1e-3)


# --- what all share


@every_optimizer
def test_a_bowl_is_descended(make):
    optimizer = make(learning_rate=0.02)
    store = store_of([3.0, -2.0], [[1.0]])
    for _ in range(400):
        step(optimizer, store, *(2 * p.value for p in store.trainable))
    assert np.abs(store.values).max() < 0.1


@every_optimizer
def test_no_gradient_no_step(make):
    np.testing.assert_array_equal(run(make(), W, np.zeros((3, 3))), [W.astype("f")] * 3)


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
    optimizer, store = make(), store_of(np.ones(100_000))
    step(optimizer, store, np.ones(100_000))
    tracemalloc.start()
    try:
        optimizer.step(store)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000


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
    for make in ALL:
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


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_nothing(clip):
    np.testing.assert_array_equal(moves(SGD(1.0, **{clip: 1.0}), 0 * A)[0], [0, 0])


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


# --- identifiers and arguments


@pytest.mark.parametrize("identifier", ["sgd", "SGD", "Sgd", SGD], ids=str)
def test_get(identifier):
    assert type(optimizers.get(identifier)) is SGD


def test_get_of_something_else():
    optimizer = Adam()
    assert optimizers.get(optimizer) is optimizer
    with pytest.raises(ValueError, match=r"identifier: 'adm'. Did you mean 'adam'"):
        optimizers.get("adm")
    for identifier in (None, 3, Dense):
        with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
            optimizers.get(identifier)


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
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "ema_overwrite_frequency must be"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be at least 2"),
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
