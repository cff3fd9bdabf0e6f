"""Pictures of models: which boxes and arrows there are, where they stand, and what they tell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchnn import Input, Model, Sequential, layers
from scratchnn.layers import Dense
from scratchnn.utils import plot_model
from scratchnn.utils.graph_layout import layered


def branching():
    x, z = Input((4,), name="x"), Input((8,), name="z")
    inner = Sequential(
        [Input((4,)), Dense(4, "tanh", name="in1"), Dense(2, name="in2")], name="box"
    )
    shared = Dense(4, "relu", name="shared", trainable=False)
    y = layers.Add(name="add")([shared(shared(x)), x])
    y = layers.Concatenate(name="join")([inner(y), z])
    return Model([x, z], [Dense(3, "softmax", name="a")(y), Dense(1, name="b")(y)])


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def patches(figure, kind):
    return [patch for patch in figure.axes[0].patches if type(patch).__name__ == kind]


def test_boxes_and_arrows():
    figure = plot_model(branching(), to_file=None)
    kinds = ["InputLayer"] * 2 + ["Dense"] * 2 + ["Add", "Sequential", "Concatenate"]
    assert texts(figure) == [*kinds, "Dense", "Dense"]
    assert len(patches(figure, "FancyBboxPatch")) == 9
    assert len(patches(figure, "FancyArrowPatch")) == 9


def test_a_sequential():
    model = Sequential([Input((4,)), Dense(3), layers.Dropout(0.5)])
    assert texts(plot_model(model, to_file=None)) == ["InputLayer", "Dense", "Dropout"]


def test_what_boxes_tell():
    model = branching()
    options = [{}, {"show_shapes": True}, {"show_dtype": True}, {"show_layer_names": True}]
    options += [{"show_layer_activations": True}, {"show_trainable": True}]
    found = [set(texts(plot_model(model, to_file=None, **each))) for each in options]
    bare, *more = found
    told = [each - bare for each in more]
    assert "output: (None, 4)" in told[0]
    assert told[1] == {"dtype: float32"}
    assert {"shared (Dense)", "x (InputLayer)", "box (Sequential)"} <= told[2]
    assert told[3] == {"activation: relu", "activation: softmax", "activation: linear"}
    assert told[4] == {"trained", "not trained"}


def test_models_within_the_model():
    figure = plot_model(branching(), to_file=None, expand_nested=True, show_layer_names=True)
    assert "box (Sequential)" in texts(figure)  # the title of a frame
    assert {"in1 (Dense)", "in2 (Dense)"} <= set(texts(figure))
    assert len(patches(figure, "FancyBboxPatch")) == 11
    assert len(patches(figure, "FancyArrowPatch")) == 10


@pytest.mark.parametrize(
    ("rankdir", "axis", "sign"), [("TB", 1, -1), ("BT", 1, 1)] + [("LR", 0, 1), ("RL", 0, -1)]
)
def test_directions(rankdir, axis, sign):
    figure = plot_model(branching(), to_file=None, rankdir=rankdir)
    at = {text.get_text(): text.get_position()[axis] * sign for text in figure.axes[0].texts}
    assert at["Add"] < at["Sequential"] < at["Concatenate"] < at["Dense"]


def test_nothing_overlaps():
    figure = plot_model(branching(), to_file=None, show_shapes=True, expand_nested=True)
    boxes = [p for p in patches(figure, "FancyBboxPatch") if p.get_facecolor()[3]]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.get_bbox().overlaps(b.get_bbox())
    width, height = figure.get_size_inches()
    for box in boxes:
        assert 0 < box.get_x() < box.get_x() + box.get_width() < width
        assert 0 < box.get_y() < box.get_y() + box.get_height() < height


def test_files(tmp_path):
    for ending, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        path = tmp_path / f"m{ending}"
        plot_model(branching(), path, dpi=50, theme="dark")
        assert path.read_bytes().startswith(start)


def test_long_models_stay_small(tmp_path):
    model = Sequential([Input((2,)), *(Dense(2) for _ in range(150))])
    path = tmp_path / "m.png"
    plot_model(model, path, dpi=600)
    height = int.from_bytes(path.read_bytes()[20:24], "big")
    assert 20_000 < height <= 30_001


def test_what_is_refused():
    model = branching()
    with pytest.raises(ValueError, match=r"rankdir must be 'TB', .* Received: 'UP'"):
        plot_model(model, rankdir="UP")
    for dpi in (0, -1, True, "200"):
        with pytest.raises(ValueError, match="dpi must be a positive number"):
            plot_model(model, dpi=dpi)
    for other in (Sequential([Dense(2)]), Model(name="bare"), Dense(2)):
        with pytest.raises(
            ValueError, match="Only Sequential and functional models that are built"
        ):
            plot_model(other)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []
    size = st.tuples(st.floats(0.2, 3.0), st.floats(0.2, 1.0))
    return draw(st.lists(size, min_size=count, max_size=count)), edges


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_layouts(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    boxes = [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for (x, y), (w, h) in zip(layout.centres, sizes, strict=True)
    ]
    for a, b in itertools.combinations(boxes, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart
    for a, b in edges:
        assert layout.centres[a][1] < layout.centres[b][1]
    bounds = np.array(boxes)
    assert bounds[:, :2].min() >= -1e-9
    assert bounds[:, 2].max() <= layout.size[0] + 1e-9
    assert bounds[:, 3].max() <= layout.size[1] + 1e-9
