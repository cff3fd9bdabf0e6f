"""The progress bar and the summary, byte for byte against Keras's own."""

from __future__ import annotations

import functools
import io
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.utils import progbar as keras_progbar
from keras.src.utils.summary_utils import print_summary

from scratchnn import progress
from scratchnn.progress import Progbar
from scratchnn.summary import model_summary


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


# The progress bar


class Clock:
    """The module `time` of both programs, which moves only when told."""

    def __init__(self) -> None:
        self.now = 1024.0

    def time(self) -> float:
        return self.now

    perf_counter = time


def drawn(make: Callable[..., Any], drive: Callable[[Any, Clock], None], **options: Any) -> str:
    clock, stream = Clock(), Terminal()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stream):
        patch.setattr(progress, "time", clock)
        patch.setattr(keras_progbar, "time", clock)
        patch.setenv("TERM", "xterm-256color")
        drive(make(**options), clock)
    return stream.getvalue()


def same_bytes(drive: Callable[[Any, Clock], None], **options: Any) -> str:
    ours = drawn(Progbar, drive, **options)
    assert ours == drawn(keras.utils.Progbar, drive, **options)
    return ours


VALUES = [1e-5, -1e-5, 0.001, 0.0011, 0.0, -2.0, 0.25, 45.7047, 1e9, float("nan"), float("inf")]
KINDS: list[Callable[[float], Any]] = [float, np.float32, np.float64, lambda v: np.array([v, v])]


def random_use(seed: int) -> Callable[[Any, Clock], None]:
    def drive(bar: Any, clock: Clock) -> None:
        rng = random.Random(seed)
        tick = rng.choice([2.0**-20, 2.0**-12, 2.0**-6, 1.0, 512.0])
        current = 0
        for _ in range(rng.randint(1, 10)):
            clock.now += rng.randint(0, 8) * tick
            names = ["loss", "mae", "accuracy"][: rng.randint(0, 3)]
            values = [(name, rng.choice(KINDS)(rng.choice(VALUES))) for name in names] or None
            if rng.random() < 0.3:
                current += 1
                bar.add(1, values)
            else:
                current += rng.choice([0, 1, 1, 1, 7])
                bar.update(current, values, finalize=rng.choice([None, None, False, True]))

    return drive


@settings(max_examples=300)
@given(
    seed=st.integers(0, 2**32),
    target=st.sampled_from([None, 0, 1, 3, 10, 999, 1000, 12345]),
    verbose=st.sampled_from([0, 1, 1, 1, 2]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "width": st.sampled_from([0, 5, 30]),
            "interval": st.sampled_from([0, 0.5]),
            "unit_name": st.just("sample"),
        },
    ),
    kinds=st.sampled_from(
        [
            {},
            {"stateful_metrics": ["loss"]},
            {"stateless_metrics": ["loss"]},
            {"stateless_metrics": []},
        ]
    ),
)
def test_any_use_writes_the_same_bytes(
    seed: int, target: int | None, verbose: int, options: dict[str, Any], kinds: dict[str, Any]
) -> None:
    same_bytes(random_use(seed), target=target, verbose=verbose, **options, **kinds)


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("step_time", [2.0**-15, 2.0**-8, 0.75, 2.0, 128.0])
def test_an_epoch_of_fit(verbose: int, step_time: float) -> None:
    steps = 50

    def drive(bar: Any, clock: Clock) -> None:
        for step in range(1, steps + 1):
            clock.now += step_time * (10 if step == 1 else 1)
            due = clock.now >= bar.next_draw if isinstance(bar, Progbar) else verbose == 1
            if due:
                logs = [("loss", 10.0 / step), ("mae", -0.5 / step**2)]
                bar.update(step, logs, finalize=False)
        logs = [("loss", 0.2), ("mae", -1e-4), ("val_loss", 0.3), ("val_mae", 1e-4)]
        bar.update(steps, logs, finalize=True)

    written = same_bytes(drive, target=steps, verbose=verbose, stateless_metrics=[])
    assert written.endswith("\n")
    assert written.count("\n") == 1


def test_a_first_epoch_of_unknown_length() -> None:
    def drive(bar: Any, clock: Clock) -> None:
        for step in range(1, 6):
            clock.now += 0.5
            bar.update(step, [("loss", 1.0 / step)], finalize=False)
        bar.target = 5
        bar.update(5, [("loss", 0.125)], finalize=True)

    assert "      1/Unknown" in same_bytes(drive, target=None, stateless_metrics=[])


def test_an_encoding_without_the_bar_character() -> None:
    def written(make: Callable[..., Any]) -> bytes:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        stream.isatty = lambda: True  # type: ignore[method-assign]
        with redirect_stdout(stream):
            make(10).update(0, finalize=False)
            return raw.getvalue()

    assert b"==" in written(Progbar)
    assert written(Progbar) == written(keras.utils.Progbar)


# The summary


class Twin:
    """What a summary asks of one of our layers or models, answered by a Keras one."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.name, self.trainable = original.name, original.trainable
        self.built = original.built
        self.weights = original.weights
        self.trainable_weights = original.trainable_weights
        self.non_trainable_weights = original.non_trainable_weights
        optimizer = getattr(original, "optimizer", None)
        self.optimizer = optimizer and Twin.Optimizer(optimizer)
        if hasattr(original, "layers"):
            self.layers = [twin(layer) for layer in original.layers]

    def count_params(self) -> int:
        return int(self.original.count_params())

    @property
    def output_shape(self) -> Any:
        output = self.original.output
        if isinstance(output, (list, tuple)):
            return type(output)(tensor.shape for tensor in output)
        return output.shape

    class Optimizer:
        def __init__(self, original: Any) -> None:
            self.built, self.variables = original.built, original.variables


class GraphTwin(Twin):
    def connections(self, layer: Twin) -> list[str]:
        nodes = [node for nodes in self.original._nodes_by_depth.values() for node in nodes]
        return [
            f"{tensor._keras_history.operation.name}[{tensor._keras_history.node_index}]"
            f"[{tensor._keras_history.tensor_index}]"
            for node in layer.original._inbound_nodes
            if node in nodes
            for tensor in node.input_tensors
        ]


def twin(original: Any) -> Twin:
    functional = type(original).__name__ == "Functional"
    kind: type[Twin] = type(type(original).__name__, (GraphTwin if functional else Twin,), {})
    return kind(original)


def same_summary(model: Any, **options: Any) -> str:
    """Return the plain text of the summary, after comparing it, plain and coloured."""
    ours: list[str] = []
    keras_s: list[str] = []
    model.summary(print_fn=keras_s.append, **options)
    model_summary(twin(model), print_fn=ours.append, **options)
    assert ours == keras_s

    coloured = []
    for show in model.summary, lambda **options: model_summary(twin(model), **options):
        with redirect_stdout(Terminal()) as stream:
            show(**options)
        coloured.append(stream.getvalue())
    assert coloured[0] == coloured[1]
    assert "\x1b[38;5;34m" in coloured[0]
    return ours[0]


def unbuilt() -> Any:
    return keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.5)], name="unbuilt")


def built() -> Any:
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(128, name="hidden"),
            keras.layers.BatchNormalization(name="a_normalization_with_quite_a_long_name"),
            keras.layers.Dense(10, name="two words", trainable=False),
        ],
        name="digits",
    )


def nested() -> Any:
    core = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="d")], name="core")
    inner = keras.Sequential([core, keras.layers.Dense(4, name="e")], name="inner")
    return keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(1, name="f")], name="m")


@functools.cache
def trained() -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")], name="trained")
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return model


def chain() -> Any:
    x = inputs = keras.Input((8,), name="x")
    x = keras.layers.Dense(4, name="a")(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="b")(x), name="chain")


def graph() -> Any:
    inputs = keras.Input((8,), name="x")
    shared = keras.layers.Dense(8, name="shared")
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, name="in")], name="inner")
    merged = keras.layers.Add(name="add")([shared(inputs), shared(shared(inputs)), inner(inputs)])
    return keras.Model(inputs, keras.layers.Dense(1, name="out")(merged), name="graph")


def two_outputs() -> Any:
    inputs = keras.Input((5, 3), name="x")
    recurrent = keras.layers.LSTM(4, return_state=True, name="lstm")(inputs)
    return keras.Model(inputs, recurrent[0], name="states")


MODELS = [unbuilt, built, nested, trained, chain, graph, two_outputs]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"line_length": 47},
        {"line_length": 78, "show_trainable": True},
        {"line_length": 130},
        {"expand_nested": True},
        {"expand_nested": True, "show_trainable": True},
        {"positions": [0.3, 0.55, 0.7, 1.0]},
        {"positions": [0.2, 0.4, 0.6, 0.8], "line_length": 60},
    ],
)
def test_same_summary(make: Callable[[], Any], options: dict[str, Any]) -> None:
    same_summary(make(), **options)


@pytest.mark.parametrize("columns", ["50", "120", "200"])
@pytest.mark.parametrize("make", [built, graph])
def test_same_summary_at_any_width(
    make: Callable[[], Any], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    same_summary(make())
    same_summary(make(), show_trainable=True)


def test_the_optimizer_is_counted_after_fit() -> None:
    assert " Optimizer params: 18 (76.00 B)" in same_summary(trained())


def test_a_chain_of_the_functional_api_shows_no_connections() -> None:
    assert "Connected to" not in same_summary(chain())
    assert "Connected to" in same_summary(graph())


@pytest.mark.parametrize(
    "layer_range",
    [
        ("flat", "hidden"),
        ("hidden", "hidden"),
        ("two words", "hidden"),
        ("hid", ".*long"),
        (".*", ".*"),
    ],
)
def test_same_layer_range(layer_range: tuple[str, str]) -> None:
    same_summary(built(), layer_range=layer_range)


@pytest.mark.parametrize(
    "options",
    [
        {"line_length": 12},
        {"positions": [0.5, 0.4, 1.0]},
        {"layer_range": ["flat"]},
        {"layer_range": [0, 1]},
        {"layer_range": ["flat", "conv"]},
    ],
)
def test_what_keras_rejects_is_rejected(options: dict[str, Any]) -> None:
    model = built()
    for show in model.summary, lambda **options: model_summary(twin(model), **options):
        with redirect_stdout(io.StringIO()), pytest.raises(ValueError):  # noqa: PT011
            show(**options)


class StandIn:
    """A layer or model that answers both programs."""

    built = compiled = trainable = True
    optimizer = None
    weights = trainable_weights = non_trainable_weights = ()
    _inbound_nodes = ()
    _build_shapes_dict = ("built",)

    def __init__(self, name: str, output_shape: Any, params: int, **attributes: Any) -> None:
        self.name, self.output_shape, self.params = name, output_shape, params
        self.__dict__.update(attributes)

    def count_params(self) -> int:
        return self.params


words = st.text("abc_[ ", min_size=1, max_size=60).map(str.strip).filter(bool)
stand_ins = st.recursive(
    st.lists(
        st.builds(
            lambda kind, *args, **options: type(kind, (StandIn,), {})(*args, **options),
            st.text("ABab", min_size=1, max_size=30),
            words,
            st.lists(st.sampled_from([None, 3, 12345]), max_size=5).map(tuple),
            st.sampled_from([0, 5, 1234, 10**9]),
            built=st.booleans(),
            trainable=st.booleans(),
            weights=st.sampled_from([(), ("kernel",)]),
        ),
        max_size=3,
    ),
    lambda inner: st.lists(
        st.builds(StandIn, words, st.just((None, 3)), st.just(7), layers=inner), max_size=3
    ),
    max_leaves=3,
)


@settings(max_examples=150)
@given(
    layers=stand_ins,
    name=words,
    columns=st.sampled_from(["52", "60", "80", "200"]),
    options=st.fixed_dictionaries(
        {"expand_nested": st.booleans(), "show_trainable": st.booleans()},
        optional={
            "line_length": st.integers(48, 140),
            "positions": st.sampled_from([[0.25, 0.5, 0.75], [0.3, 0.4, 0.6], [0.2, 0.5, 0.8, 1]]),
        },
    ),
    coloured=st.booleans(),
)
def test_any_layout_is_the_same(
    layers: list[Any], name: str, columns: str, options: dict[str, Any], coloured: bool
) -> None:
    model = StandIn(name, None, 0, layers=layers)
    written = []
    for show in print_summary, model_summary:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(Terminal()) as stream:
            patch.setenv("COLUMNS", columns)
            show(model, print_fn=None if coloured else stream.write, **options)
        written.append(stream.getvalue())
    assert written[0] == written[1]
