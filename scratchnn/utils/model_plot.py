"""A picture of a model: a box for each call of a layer, an arrow for each array between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..layers.base import Layer
from .graph_layout import Layout, layered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FONT = 9.0
_LINE = 0.185  # inches
_PAD = 0.13
_LARGEST = 30_000  # pixels along a side


class _Box(NamedTuple):
    """A box: its lines, the first of which is its title; and the models that it is in."""

    lines: list[str]
    within: tuple[int, ...]
    is_input: bool


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    theme: str = "light",
) -> Figure:
    """Draw a model as boxes and arrows, write the picture to a file, and return it.

    It needs matplotlib, and no Graphviz. A layer that is called twice has two boxes.

    Arguments:
        model: a Sequential or functional model, built.
        to_file: where to; its ending says in which format, such as .png, .svg or .pdf. None for
            nowhere.
        show_shapes: whether boxes tell the shapes of outputs.
        show_dtype: whether they tell their dtypes.
        show_layer_names: whether they tell the names of layers, and not their classes alone.
        rankdir: 'TB', from top to bottom, 'LR', from left to right, 'BT' or 'RL'.
        expand_nested: whether models within the model are drawn with the layers in them.
        dpi: dots per inch.
        show_layer_activations: whether boxes tell the layers' activations.
        show_trainable: whether they tell which layers are trained.
        theme: 'light' or 'dark'.

    Raises:
        ValueError: for a model that is not built or is no graph, and for arguments out of range.
        ImportError: without matplotlib.

    Example:
        >>> from scratchnn import Input, Sequential
        >>> from scratchnn.layers import Dense
        >>> figure = plot_model(Sequential([Input((4,)), Dense(3)]), to_file=None)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['InputLayer', 'Dense']
    """
    from ..plots.style import style

    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"rankdir must be 'TB', 'LR', 'BT' or 'RL'. Received: {rankdir!r}.")
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or dpi <= 0:
        raise ValueError(f"dpi must be a positive number. Received: {dpi!r}.")
    if not getattr(model, "built", False) or not hasattr(model, "inputs"):
        raise ValueError(
            "Only Sequential and functional models that are built can be drawn: start the model "
            f"with an Input. Received: {model!r}."
        )
    shown = _Shown(
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    boxes, edges, titles = _Drawing(shown, expand_nested).of(model)
    with style(theme) as colors:
        figure = _drawn(boxes, edges, titles, rankdir, colors)
        if to_file is not None:
            longest = max(figure.get_size_inches())
            figure.savefig(os.fspath(to_file), dpi=min(dpi, _LARGEST / longest))
    return figure


# What there is ------------------------------------------------------------------------------------


class _Shown(NamedTuple):
    """What boxes tell."""

    shapes: bool
    dtype: bool
    names: bool
    activations: bool
    trainable: bool

    def lines(self, layer: Layer, shape: Any, dtype: str) -> list[str]:
        """Return the lines of a layer's box."""
        kind = type(layer).__name__
        lines = [f"{layer.name} ({kind})" if self.names else kind]
        activation = getattr(layer, "activation", None)
        if self.activations and activation is not None:
            lines.append(
                f"activation: {getattr(activation, '__name__', type(activation).__name__)}"
            )
        if self.shapes:
            lines.append(f"output: {_text_of(shape)}")
        if self.dtype:
            lines.append(f"dtype: {dtype}")
        if self.trainable and layer.weights:
            lines.append("trained" if layer.trainable_weights else "not trained")
        return lines


def _text_of(shape: Any) -> str:
    shapes = shape if isinstance(shape, list) else [shape]
    return ", ".join(str(tuple(shape)) for shape in shapes)


class _Drawing:
    """The boxes and arrows of a model, collected call by call."""

    def __init__(self, shown: _Shown, expand: bool) -> None:
        self._shown = shown
        self._expand = expand
        self.boxes: list[_Box] = []
        self.edges: list[tuple[int, int]] = []
        self.titles: list[str] = []

    def of(self, model: Any) -> tuple[list[_Box], list[tuple[int, int]], list[str]]:
        """Return the boxes, the arrows, and the titles of the models within the model."""
        inputs = [
            self._box(tensor.layer, tensor.shape, tensor.dtype, ()) for tensor in model.inputs
        ]
        self._model(model, inputs, ())
        return self.boxes, self.edges, self.titles

    def _box(self, layer: Layer, shape: Any, dtype: str, within: tuple[int, ...]) -> int:
        is_input = type(layer).__name__ == "InputLayer"
        self.boxes.append(_Box(self._shown.lines(layer, shape, dtype), within, is_input))
        return len(self.boxes) - 1

    def _model(self, model: Any, inputs: list[int], within: tuple[int, ...]) -> list[int]:
        """Add the calls in a model; return the boxes that its outputs come from."""
        made = {id(tensor): box for tensor, box in zip(model.inputs, inputs, strict=True)}
        for node in _calls(model):
            given = [made[id(tensor)] for tensor in node.inputs]
            layer = node.layer
            if self._expand and hasattr(layer, "inputs") and hasattr(layer, "outputs"):
                self.titles.append(f"{layer.name} ({type(layer).__name__})")
                results = self._model(layer, given, (*within, len(self.titles) - 1))
            else:
                shape = (
                    [t.shape for t in node.outputs]
                    if len(node.outputs) > 1
                    else (node.outputs[0].shape)
                )
                box = self._box(layer, shape, node.outputs[0].dtype, within)
                self.edges += [(source, box) for source in given]
                results = [box] * len(node.outputs)
            made |= {id(tensor): box for tensor, box in zip(node.outputs, results, strict=True)}
        return [made[id(tensor)] for tensor in model.outputs]


def _calls(model: Any) -> list[Any]:
    """Return the calls in a model, in order."""
    if hasattr(model, "calls"):
        return list(model.calls)
    return [tensor.node for tensor in model._chain()[1:]]


# The picture --------------------------------------------------------------------------------------


def _drawn(
    boxes: list[_Box],
    edges: list[tuple[int, int]],
    titles: list[str],
    rankdir: str,
    colors: Any,
) -> Figure:
    from ..plots.style import new_figure

    turned = rankdir in ("LR", "RL")
    sizes = [_size(box.lines) for box in boxes]
    laid = [(h, w) for w, h in sizes] if turned else sizes
    gap = (0.3, 0.4 + 0.25 * bool(titles))
    layout = layered(laid, edges, gap, [box.within for box in boxes])
    margin = 0.2 + 0.25 * bool(titles)
    along, across = layout.size
    width, height = (across, along) if turned else (along, across)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        """Return where a point of the layout is in the picture, whose y goes up."""
        x, y = (point[1], point[0]) if turned else point
        if rankdir == "RL":
            x = width - x
        return x + margin, (y if rankdir == "BT" else height - y) + margin

    figure = new_figure(width + 2 * margin, height + 2 * margin, colors)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width + 2 * margin), ylim=(0, height + 2 * margin))
    axes.set_axis_off()
    centres = [at(centre) for centre in layout.centres]
    _draw_groups(axes, boxes, titles, centres, sizes, colors)
    _draw_arrows(axes, layout, edges, centres, sizes, at, rankdir, colors)
    _draw_boxes(axes, boxes, centres, sizes, colors)
    return figure


def _size(lines: Sequence[str]) -> tuple[float, float]:
    """Return the width and height of a box with these lines, in inches."""
    widest = max(_width(line, bold=not i) for i, line in enumerate(lines))
    return widest + 2 * _PAD, _LINE * len(lines) + 1.3 * _PAD


def _width(text: str, bold: bool) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=_FONT, prop=font).get_extents().width) / 72


def _draw_boxes(
    axes: Any,
    boxes: list[_Box],
    centres: list[tuple[float, float]],
    sizes: list[tuple[float, float]],
    colors: Any,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    for box, (x, y), (w, h) in zip(boxes, centres, sizes, strict=True):
        shape = FancyBboxPatch(
            (x - w / 2, y - h / 2),
            w,
            h,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=colors.page if box.is_input else colors.right,
            edgecolor=colors.series[0],
            linewidth=1.0,
            linestyle="--" if box.is_input else "-",
            zorder=3,
        )
        axes.add_patch(shape)
        top = y + (len(box.lines) - 1) * _LINE / 2
        for i, line in enumerate(box.lines):
            axes.text(
                x,
                top - i * _LINE,
                line,
                ha="center",
                va="center_baseline",
                fontsize=_FONT,
                fontweight="normal" if i else "bold",
                color=colors.muted if i else colors.text,
                zorder=4,
            )


def _draw_groups(
    axes: Any,
    boxes: list[_Box],
    titles: list[str],
    centres: list[tuple[float, float]],
    sizes: list[tuple[float, float]],
    colors: Any,
) -> None:
    """Draw a frame around the boxes of each model within the model."""
    from matplotlib.patches import FancyBboxPatch

    for number, title in enumerate(titles):
        members = [i for i, box in enumerate(boxes) if number in box.within]
        if not members:
            continue
        depth = max(len(boxes[i].within) - boxes[i].within.index(number) for i in members)
        pad = 0.06 + 0.06 * depth
        left = min(centres[i][0] - sizes[i][0] / 2 for i in members) - pad
        right = max(centres[i][0] + sizes[i][0] / 2 for i in members) + pad
        low = min(centres[i][1] - sizes[i][1] / 2 for i in members) - pad
        high = max(centres[i][1] + sizes[i][1] / 2 for i in members) + pad + 0.14
        axes.add_patch(
            FancyBboxPatch(
                (left, low),
                right - left,
                high - low,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor="none",
                edgecolor=colors.muted,
                linewidth=0.8,
                linestyle=":",
                zorder=1,
            )
        )
        axes.text(
            left + 0.06, high - 0.04, title, ha="left", va="top", fontsize=7, color=colors.muted
        )


def _draw_arrows(
    axes: Any,
    layout: Layout,
    edges: list[tuple[int, int]],
    centres: list[tuple[float, float]],
    sizes: list[tuple[float, float]],
    at: Any,
    rankdir: str,
    colors: Any,
) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    forward = {"TB": (0, -1), "BT": (0, 1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
    for a, b in dict.fromkeys(edges):
        start, end = (
            (
                centres[i][0] + sign * forward[0] * sizes[i][0] / 2,
                centres[i][1] + sign * forward[1] * sizes[i][1] / 2,
            )
            for i, sign in ((a, 1), (b, -1))
        )
        points = [start, *(at(bend) for bend in layout.bends[a, b]), end]
        vertices, codes = [points[0]], [Path.MOVETO]
        for p, q in pairwise(points):
            # A curve that leaves and arrives along the direction of the picture.
            reach = 0.5 * abs((q[0] - p[0]) * forward[0] + (q[1] - p[1]) * forward[1])
            near = (p[0] + reach * forward[0], p[1] + reach * forward[1])
            far = (q[0] - reach * forward[0], q[1] - reach * forward[1])
            vertices += [near, far, q]
            codes += [Path.CURVE4] * 3
        arrow = FancyArrowPatch(
            path=Path(vertices, codes),
            arrowstyle="-|>,head_length=4,head_width=2",
            color=colors.muted,
            linewidth=1.0,
            zorder=2,
        )
        axes.add_patch(arrow)
