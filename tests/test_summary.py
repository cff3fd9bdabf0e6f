"""The table of `model.summary()`, on stand-ins with what it asks of models and layers."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnn import progress, summary
from scratchnn.summary import model_summary


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def variable(*shape: int, dtype: str = "float32") -> SimpleNamespace:
    return SimpleNamespace(shape=shape, dtype=np.dtype(dtype))


class Layer:
    trainable = True
    built = True
    output_shape: Any = None

    def __init__(self, name: str, *weights: SimpleNamespace, **attributes: Any) -> None:
        self.name = name
        self.weights = self.trainable_weights = list(weights)
        self.non_trainable_weights: list[SimpleNamespace] = []
        self.__dict__.update(attributes)

    def count_params(self) -> int:
        return sum(int(np.prod(weight.shape)) for weight in self.weights)


class Flatten(Layer):
    pass


class Dense(Layer):
    pass


class BatchNormalization(Layer):
    pass


class Model(Layer):
    optimizer: Any = None

    def __init__(self, name: str, layers: list[Layer], **attributes: Any) -> None:
        super().__init__(name)
        self.layers = layers
        self.weights = [weight for layer in layers for weight in layer.weights]
        self.trainable_weights = [w for layer in layers for w in layer.trainable_weights]
        self.non_trainable_weights = [w for layer in layers for w in layer.non_trainable_weights]
        self.__dict__.update(attributes)


class Graph(Model):
    inbound: dict[str, list[str]]

    def connections(self, layer: Layer) -> list[str]:
        return self.inbound[layer.name]


def dense(name: str, inputs: int, units: int, **attributes: Any) -> Dense:
    weights = variable(inputs, units), variable(units)
    return Dense(name, *weights, output_shape=(None, units), **attributes)


def digits() -> Model:
    norm = BatchNormalization("batch_normalization", output_shape=(None, 128))
    norm.trainable_weights = [variable(128), variable(128)]
    norm.non_trainable_weights = [variable(128), variable(128)]
    norm.weights = norm.trainable_weights + norm.non_trainable_weights
    flat = Flatten("flatten", output_shape=(None, 784))
    return Model("sequential", [flat, dense("dense", 784, 128), norm, dense("dense_1", 128, 10)])


def text(model: Any, **options: Any) -> str:
    calls: list[str] = []
    model_summary(model, print_fn=calls.append, **options)
    assert len(calls) == 1
    return calls[0]


def table(model: Any, **options: Any) -> list[str]:
    return [line for line in text(model, **options).splitlines() if line[0] in "┃│"]


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def stdout(patch: pytest.MonkeyPatch, stream: Any) -> None:
    # Not sys.stdout itself: pytest puts its own back after the fixtures have run.
    for module in progress, summary:
        patch.setattr(module, "sys", SimpleNamespace(stdout=stream))


DIGITS = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │       100,480 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 128)            │           512 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 102,282 (399.54 KB)
 Trainable params: 102,026 (398.54 KB)
 Non-trainable params: 256 (1.00 KB)
"""


def test_the_whole_text() -> None:
    assert text(digits()) == DIGITS


def test_it_is_printed_when_no_function_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stdout(monkeypatch, stream)
    model_summary(digits())
    assert stream.getvalue() == DIGITS


# Columns


def test_unbuilt_layers() -> None:
    model = Model("m", [Dense("dense", built=False), Flatten("flatten")])
    assert table(model, line_length=50)[1:] == [
        "│ dense (Dense)       │ ?              │       0 │",
        "│                     │                │ (unbui… │",
        "│ flatten (Flatten)   │ ?              │       0 │",
    ]


def test_a_layer_without_output_shape() -> None:
    class NoShape(Layer):
        @property
        def output_shape(self) -> None:
            raise AttributeError("never called")

        @output_shape.setter
        def output_shape(self, shape: None) -> None: ...

    assert "│ ? " in table(Model("m", [NoShape("layer")]))[1]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((None, 28, 28, 1), "(None, 28, 28, 1)"),
        ((None,), "(None)"),
        ((), "()"),
        ([(None, 3), (None, 4)], "[(None, 3), (None, 4)]"),
        (((None, 3), (None, 4)), "((None, 3), (None, 4))"),
        ([(None, 3)], "(None, 3)"),
        ((np.int64(2), 3), "(2, 3)"),
    ],
)
def test_output_shapes(shape: Any, shown: str) -> None:
    row = table(Model("m", [Layer("layer", output_shape=shape)]))[1]
    assert row.split("│")[2].strip() == shown


def test_show_trainable() -> None:
    model = Model("m", [Flatten("flatten"), dense("a", 1, 1), dense("b", 1, 1, trainable=False)])
    header, *rows = table(model, show_trainable=True)
    assert header.split("┃")[-2] == " Trai… "
    assert [row.split("│")[-2] for row in rows] == ["   -   ", "   Y   ", "   N   "]


def test_nested_models_are_listed_when_asked() -> None:
    inner = Model("inner", [Model("core", [dense("d", 2, 3)]), dense("e", 3, 4)])
    model = Model("m", [inner, dense("f", 4, 1)])
    names = [row.split("│")[1].rstrip() for row in table(model)[1:]]
    assert names == [" inner (Model)", " f (Dense)"]
    names = [row.split("│")[1].rstrip() for row in table(model, expand_nested=True)[1:]]
    assert names == [
        " inner (Model)",
        "    └ core (Model)",
        "       └ d (Dense)",
        "    └ e (Dense)",
        " f (Dense)",
    ]


def test_a_graph_shows_its_connections() -> None:
    layers = [Layer("x", output_shape=(None, 4)), dense("a", 4, 4), dense("b", 4, 4), Layer("add")]
    inbound = {"x": [], "a": ["x[0][0]"], "b": ["x[0][0]"], "add": ["a[0][0]", "b[0][0]"]}
    model = Graph("graph", layers, inbound=inbound)
    header, *rows = table(model)
    assert [cell.strip() for cell in header.split("┃")[1:-1]] == [
        "Layer (type)",
        "Output Shape",
        "Param #",
        "Connected to",
    ]
    cells = [row.split("│")[-2] for row in rows]
    assert cells == [f" {cell:<17} " for cell in ["-", "x[0][0]", "x[0][0]", "a[0][0], b[0][0]"]]


def test_a_chain_shows_no_connections() -> None:
    layers = [Layer("x", output_shape=(None, 4)), dense("a", 4, 4), dense("b", 4, 4)]
    inbound = {"x": [], "a": ["x[0][0]"], "b": ["a[0][0]"]}
    assert text(Graph("m", layers, inbound=inbound)) == text(Model("m", layers))


@pytest.mark.parametrize(
    "inbound",
    [
        {"x": [], "a": ["x[0][0]"], "b": ["x[0][0]"]},
        {"x": [], "a": ["x[0][0]", "x[0][0]"], "b": ["a[0][0]"]},
        {"x": [], "a": [], "b": ["a[0][0]"]},
    ],
)
def test_what_is_not_a_chain(inbound: dict[str, list[str]]) -> None:
    model = Graph("m", [Layer("x"), Layer("a"), Layer("b")], inbound=inbound)
    assert "Connected to" in text(model)


def test_layers_of_nested_models_are_not_connected_in_the_outer_one() -> None:
    nested = Model("nested", [dense("a", 4, 4)])
    inbound = {"x": [], "y": [], "nested": ["x[0][0]", "y[1][2]"]}
    model = Graph("m", [Layer("x"), Layer("y"), nested], inbound=inbound)
    cells = [row.split("│")[-2].strip() for row in table(model, expand_nested=True)[1:]]
    assert cells == ["-", "-", "x[0][0], y[1][2]", "-"]


# Layer range


@pytest.mark.parametrize(
    ("layer_range", "names"),
    [
        # A pattern has to match the start of a name, not all of it.
        (("dense", "dense_"), ["dense", "dense_1", "dense_2"]),
        (["dense_1", "dense_1"], ["dense_1"]),
        (("dense_2", "flatten"), ["flatten", "dense", "dense_1", "dense_2"]),
        ((".*_1", ".*_2"), ["dense_1", "dense_2"]),
    ],
)
def test_layer_range(layer_range: Any, names: list[str]) -> None:
    layers: list[Layer] = [Flatten("flatten")]
    layers += [dense(name, 2, 2) for name in ("dense", "dense_1", "dense_2")]
    rows = table(Model("m", layers), layer_range=layer_range)[1:]
    assert [row.split()[1] for row in rows] == names


def test_the_totals_are_the_model_s_whatever_the_range() -> None:
    shown = text(digits(), layer_range=("flatten", "flatten")).splitlines()
    assert shown[-3:] == DIGITS.splitlines()[-3:]


@pytest.mark.parametrize(
    ("layer_range", "message"),
    [
        (["a"], r"two strings.* Received: layer_range=\['a'\]"),
        (["a", "b", "c"], "two strings"),
        ([0, 1], r"two strings.* Received: layer_range=\[0, 1\]"),
        (["dense", "conv"], r"match the name.* Received: .*'conv'\], with layers \['flatten'"),
    ],
)
def test_layer_range_errors(layer_range: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        text(digits(), layer_range=layer_range)


# Totals


def totals(model: Any) -> list[str]:
    return text(model).splitlines()[-4:]


def test_a_built_optimizer_counts() -> None:
    n = 102_026
    slots = [variable(n), variable(n)]
    variables = [variable(dtype="int64"), variable(), *slots]
    model = digits()
    model.optimizer = SimpleNamespace(built=True, variables=variables)
    assert totals(model) == [
        " Total params: 306,336 (1.17 MB)",
        " Trainable params: 102,026 (398.54 KB)",
        " Non-trainable params: 256 (1.00 KB)",
        " Optimizer params: 204,054 (797.09 KB)",
    ]
    model.optimizer.built = False
    assert text(model) == DIGITS


def test_shared_weights_count_once() -> None:
    layer = dense("dense", 2, 3)
    assert totals(Model("m", [layer, layer]))[1:] == [
        " Total params: 9 (36.00 B)",
        " Trainable params: 9 (36.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


@pytest.mark.parametrize(
    ("count", "dtype", "shown"),
    [
        (0, "float32", "0 (0.00 B)"),
        (255, "float32", "255 (1020.00 B)"),
        (256, "float32", "256 (1.00 KB)"),
        (1, "int64", "1 (8.00 B)"),
        (3, "bool", "3 (3.00 B)"),
        (2**18, "float64", "262,144 (2.00 MB)"),
        (2**30, "float32", "1,073,741,824 (4.00 GB)"),
        (2**51, "int8", "2,251,799,813,685,248 (2.00 PB)"),
        (2**61, "int8", "2,305,843,009,213,693,952 (2048.00 PB)"),
    ],
)
def test_memory(count: int, dtype: str, shown: str) -> None:
    weights = [variable(count, dtype=dtype)]
    assert (
        totals(Model("m", [Layer("a")], trainable_weights=weights))[1] == f" Total params: {shown}"
    )


# Widths


@pytest.mark.parametrize(
    ("console", "options", "width"),
    [
        ("80", {}, 76),
        ("60", {}, 56),
        ("200", {}, 88),
        ("200", {"show_trainable": True}, 100),
        ("100", {"line_length": 95}, 95),
        ("70", {"line_length": 95}, 70),
        ("", {}, 76),
    ],
)
def test_width_of_the_table(
    console: str, options: dict[str, Any], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if console:
        monkeypatch.setenv("COLUMNS", console)
    else:
        monkeypatch.delenv("COLUMNS")
        size = SimpleNamespace(columns=80)
        monkeypatch.setattr(summary, "shutil", SimpleNamespace(get_terminal_size=lambda: size))
    assert {len(row) for row in table(digits(), **options)} == {width}


def test_width_of_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    layers = [Layer("x"), Layer("y")]
    model = Graph("m", layers, inbound={"x": [], "y": ["x[0][0]", "x[0][0]"]})
    assert {len(row) for row in table(model)} == {108}
    assert {len(row) for row in table(model, show_trainable=True)} == {120}


def test_positions_say_where_columns_end() -> None:
    header = table(digits(), line_length=60, positions=[0.25, 0.5, 1.0])[0]
    assert [len(cell) for cell in header.split("┃")[1:-1]] == [14, 13, 29]
    header = table(digits(), line_length=60, positions=[0.25, 0.5, 0.75])[0]
    assert [len(cell) for cell in header.split("┃")[1:-1]] == [19, 19, 18]


def test_long_names_are_cut_at_the_column() -> None:
    model = Model("m", [dense("a_name_that_is_much_longer_than_its_column", 2, 2)])
    assert table(model, line_length=50)[1:] == [
        "│ a_name_that_is_muc… │ (None, 2)      │       6 │",
        "│ (Dense)             │                │         │",
    ]


def test_a_long_model_name_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = text(Model("n" * 100, [])).splitlines()
    assert lines[:3] == ["Model: ", '"' + "n" * 59, "n" * 41 + '"']


@pytest.mark.parametrize("model", [Model("m", []), Graph("m", [], inbound={})])
def test_a_model_without_layers(model: Model) -> None:
    assert text(model, line_length=50).splitlines()[1:5] == [
        "┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓",
        "┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃",
        "┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩",
        "└─────────────────────┴────────────────┴─────────┘",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_length": 12}, "Insufficient console width.* Received: line_length=12"),
        ({"positions": [0.5, 0.4, 1.0]}, r"Insufficient.* positions=\[0.5, 0.4, 1.0\]"),
        ({"positions": [0.2, 0.1, 0.05]}, "Insufficient console width"),
        ({"positions": [0.3, 30.0, 60.0]}, "Insufficient console width"),
        ({"positions": [0.5, 1.0]}, r"3 entries.* Received: positions=\[0.5, 1.0\]"),
        ({"positions": [0.3, 0.6, 1.0], "graph": True}, "4 entries"),
    ],
)
def test_width_errors(options: dict[str, Any], message: str) -> None:
    model: Model = digits()
    if options.pop("graph", False):
        model = Graph("m", [Layer("x"), Layer("y")], inbound={"x": [], "y": []})
    with pytest.raises(ValueError, match=message):
        text(model, **options)


names = st.text("abc_ ", min_size=1, max_size=50).map(str.strip).filter(bool)
shapes = st.lists(st.sampled_from([None, 1, 28, 12345]), max_size=6).map(tuple)


@given(
    layers=st.lists(st.builds(Layer, names, output_shape=shapes), max_size=4),
    name=names,
    line_length=st.integers(17, 150),
)
def test_every_line_of_the_table_has_the_width_asked_for(
    layers: list[Layer], name: str, line_length: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        lines = text(Model(name, layers), line_length=line_length).splitlines()
    assert {len(line) for line in lines[1:-3]} == {line_length}


# Colours and encodings


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    stdout(monkeypatch, stream)
    model_summary(digits(), show_trainable=True)
    lines = stream.getvalue().splitlines()
    bold_space = "\x1b[1m \x1b[0m"
    assert lines[0] == '\x1b[1mModel: "sequential"\x1b[0m'
    assert lines[2].startswith(
        f"┃{bold_space}\x1b[1mLayer (type)               \x1b[0m{bold_space}┃"
    )
    assert lines[4] == (
        "│ flatten (\x1b[38;5;33mFlatten\x1b[0m)           "
        "│ (\x1b[38;5;45mNone\x1b[0m, \x1b[38;5;34m784\x1b[0m)           "
        "│          \x1b[38;5;34m0\x1b[0m │   \x1b[1m-\x1b[0m   │"
    )
    assert lines[-3] == "\x1b[1m Total params: \x1b[0m\x1b[38;5;34m102,282\x1b[0m (399.54 KB)"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert plain == text(digits(), show_trainable=True)


def test_no_color_keeps_bold_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    stdout(monkeypatch, stream)
    model_summary(digits(), show_trainable=True)
    assert set(re.findall(r"\x1b\[([0-9;]*)m", stream.getvalue())) == {"0", "1"}
    assert "\x1b[1mY\x1b[0m" in stream.getvalue()


def test_a_print_function_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stdout(monkeypatch, Terminal())
    assert text(digits()) == DIGITS


def test_an_encoding_without_box_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stdout(monkeypatch, io.TextIOWrapper(raw, encoding="ascii"))
    name = "a_name_that_is_longer_than_its_column"
    model_summary(Model("m", [Flatten("flatten"), Dense(name)]), line_length=50)
    assert raw.getvalue().decode().splitlines()[1:8] == [
        "+------------------------------------------------+",
        "| Layer (type)        | Output Shape   | Param # |",
        "|---------------------+----------------+---------|",
        "| flatten (Flatten)   | ?              |       0 |",
        "|---------------------+----------------+---------|",
        "| a_name_that_is_lon? | ?              |       0 |",
        "| (Dense)             |                |         |",
    ]
