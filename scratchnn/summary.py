"""`model.summary()`: the table of a model's layers, their shapes and their parameters."""

from __future__ import annotations

import itertools
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .progress import is_live, write

Run: TypeAlias = tuple[str, str]
"""A piece of text and its style, a key of `_CODES` or ''."""
Line: TypeAlias = list[Run]

_CODES = {
    "bold": "1",
    "class": "38;5;33",
    "number": "38;5;34",
    "none": "38;5;45",
    "yes": "1;38;5;34",
    "no": "1;91",
}


class _Box(NamedTuple):
    """What a table is drawn with; a rule is its left end, filling, crossing and right end."""

    top: str = "┏━┳┓"
    head: str = "┃"
    head_rule: str = "┡━╇┩"
    body: str = "│"
    rule: str = "├─┼┤"
    bottom: str = "└─┴┘"


_ASCII_BOX = _Box("+--+", "|", "|-+|", "|", "|-+|", "+--+")


def model_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print a table of the model's layers, and what its parameters take in memory.

    Total params counts the optimizer's variables too once it is built. Weights used in several
    places count once.

    Arguments:
        model: the model. One that says by `connections(layer)`, a list such as
            ['dense[0][0]'], that it is not a plain chain of layers gets a `Connected to` column.
        line_length: width of the table. None: the console's width less 4, but at most 88
            (108 with connections, and 12 more with `show_trainable`).
        positions: where each column ends, as fractions of `line_length`.
        print_fn: called once with the whole text, without colours. None: standard output.
        expand_nested: also list the layers of the models inside this one.
        show_trainable: add a column that says whether a layer is trainable.
        layer_range: the first and the last layer to list, as names or regular expressions.

    Raises:
        ValueError: if the width leaves a column less than 4 characters, `positions` has too few
            entries, or `layer_range` is not two strings that match names of layers.

    Example:
        >>> class Layer:
        ...     name, built, output_shape, trainable = "flatten", True, (None, 784), True
        ...     count_params = staticmethod(lambda: 0)
        >>> class Model:
        ...     name, optimizer, layers = "tiny", None, [Layer()]
        ...     trainable_weights = non_trainable_weights = []
        >>> model_summary(Model(), line_length=50)
        Model: "tiny"
        ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
        ┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
        │ flatten (Layer)     │ (None, 784)    │       0 │
        └─────────────────────┴────────────────┴─────────┘
         Total params: 0 (0.00 B)
         Trainable params: 0 (0.00 B)
         Non-trainable params: 0 (0.00 B)
    """
    inbound = _inbound_of_graph(model)
    columns = [("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")]
    if inbound is None:
        positions, full_length = positions or (0.45, 0.80, 1.0), 88
    else:
        positions, full_length = positions or (0.30, 0.56, 0.74, 1.0), 108
        columns.append(("Connected to", "left"))
    if show_trainable:
        positions, full_length = [p * 0.9 for p in positions] + [1.0], full_length + 12
        columns.append(("Trainable", "center"))
    console = shutil.get_terminal_size().columns
    widths = _column_widths(positions, len(columns), line_length or min(full_length, console - 4))

    rows: list[list[Line]] = []
    for layer in _select(_steps(model), layer_range):
        rows += _rows(layer, 0, inbound, expand_nested, show_trainable)
    # Where the console cannot show the box characters, Keras falls back to ASCII as well.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    box = _Box() if encoding.lower().startswith("utf") else _ASCII_BOX

    lines = _fold([(f'Model: "{model.name}"', "bold")], console)
    lines += [_cropped(line, console) for line in _table(columns, rows, widths, box)]
    for total in _totals(model):
        lines += _fold(total, console)
    styled = print_fn is None and is_live(sys.stdout)
    (print_fn or write)("".join(_rendered(line, styled) + "\n" for line in lines))


# What the table says


def _steps(model: Any) -> Sequence[Any]:
    """Return the layers of a model; of one that branches, the operations as well."""
    steps: Sequence[Any] = getattr(model, "operations", model.layers)
    return steps


def _inbound_of_graph(model: Any) -> dict[int, list[str]] | None:
    """Return each layer's connections by its id, or None if the layers form a plain chain."""
    connections = getattr(model, "connections", None)
    if connections is None:
        return None
    inbound = {id(layer): list(connections(layer)) for layer in _steps(model)}
    sources = [[name.rsplit("[", 2)[0] for name in names] for names in inbound.values()]
    names = [layer.name for layer in _steps(model)]
    chain = [[], *([name] for name in names)][: len(names)]
    return None if sources == chain else inbound


def _select(layers: Sequence[Any], layer_range: Sequence[str] | None) -> Sequence[Any]:
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(
            "`layer_range` should be two strings, the first and the last layer to list. "
            f"Received: layer_range={layer_range}."
        )
    first, last = (
        [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        raise ValueError(
            "Both strings of `layer_range` should match the name of a layer. "
            f"Received: layer_range={layer_range}, with layers "
            f"{[layer.name for layer in layers]}."
        )
    if first[0] > last[-1]:
        first, last = last, first
    return layers[first[0] : last[-1] + 1]


def _rows(
    layer: Any,
    level: int,
    inbound: dict[int, list[str]] | None,
    expand_nested: bool,
    show_trainable: bool,
) -> list[list[Line]]:
    indent = "   " * level + "└ " if level else ""
    name = [
        (f"{indent}{layer.name} (", ""),
        (getattr(layer, "class_name", type(layer).__name__), "class"),
        (")", ""),
    ]
    if not getattr(layer, "built", True):
        count = [("0", "number"), (" (unbuilt)", "")]
    else:
        count = [(f"{layer.count_params():,}", "number")]
    row = [name, _shape(getattr(layer, "output_shape", None)), count]
    if inbound is not None:
        # The layers of a nested model are connected there, not in this one.
        row.append(_connected_to([] if level else inbound[id(layer)]))
    if show_trainable:
        if not getattr(layer, "weights", None):
            row.append([("-", "bold")])
        else:
            row.append([("Y", "yes") if layer.trainable else ("N", "no")])
    rows = [row]
    if expand_nested:
        for inner in getattr(layer, "layers", ()):
            rows += _rows(inner, level + 1, inbound, expand_nested, show_trainable)
    return rows


def _shape(shape: Any) -> Line:
    if shape is None:
        return [("?", "")]
    if isinstance(shape, tuple) and all(size is None or np.ndim(size) == 0 for size in shape):
        sizes = [[(str(size), "none" if size is None else "number")] for size in shape]
        return [("(", ""), *_joined(sizes), (")", "")]
    if len(shape) == 1:
        return _shape(shape[0])
    left, right = ("(", ")") if isinstance(shape, tuple) else ("[", "]")
    return [(left, ""), *_joined([_shape(inner) for inner in shape]), (right, "")]


def _connected_to(names: Iterable[str]) -> Line:
    parts: list[Line] = []
    for name in names:
        source, node, tensor = name.rsplit("[", 2)
        numbers = [(node.rstrip("]"), "number"), ("][", ""), (tensor.rstrip("]"), "number")]
        parts.append([(f"{source}[", ""), *numbers, ("]", "")])
    return _joined(parts) or [("-", "")]


def _joined(parts: Iterable[Line]) -> Line:
    joined: Line = []
    for part in parts:
        joined += [(", ", ""), *part] if joined else part
    return joined


def _totals(model: Any) -> list[Line]:
    groups = [
        ("Trainable", model.trainable_weights),
        ("Non-trainable", model.non_trainable_weights),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        groups.append(("Optimizer", optimizer.variables))
    everything = [variable for _, variables in groups for variable in variables]
    lines = []
    for title, variables in [("Total", everything), *groups]:
        unique = {id(variable): variable for variable in variables}.values()
        sizes = [(math.prod(v.shape), np.dtype(v.dtype).itemsize) for v in unique]
        count, memory = sum(n for n, _ in sizes), sum(n * itemsize for n, itemsize in sizes)
        text = [(f" {title} params: ", "bold"), (f"{count:,}", "number")]
        lines.append([*text, (f" ({_readable(memory)})", "")])
    return lines


def _readable(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


# How it is laid out


def _column_widths(positions: Sequence[float], columns: int, line_length: int) -> list[int]:
    """Return the widths between the rules, a space on either side included."""
    if len(positions) < columns:
        raise ValueError(
            f"`positions` should have {columns} entries, one for each column. "
            f"Received: positions={positions}."
        )
    ends = [int(position * line_length) for position in positions]
    given = [end - start for start, end in itertools.pairwise([0, *ends])]
    room = line_length - columns - 1
    if min(given) >= 4:
        widths = _fitted([min(width + 2, room) for width in given[:columns]], room)
        if min(widths) >= 3:
            return widths
    raise ValueError(
        "Insufficient console width to print summary: each column should have at least 4 "
        f"characters. Received: line_length={line_length}, positions={positions}, which "
        f"give columns of {given[:columns]} characters."
    )


def _fitted(widths: list[int], room: int) -> list[int]:
    """Shrink columns evenly, or grow them in proportion, until they fill `room`.

    Rules and spaces come on top of the positions, so columns nearly always have to shrink.
    """
    fitted: list[int] = []
    for i, width in enumerate(widths):
        excess = sum(fitted) + sum(widths[i:]) - room
        if excess > 0:
            fitted.append(width - min(width, round(excess / (len(widths) - i))))
        else:
            fitted.append(width + math.ceil(width * -excess / sum(widths[i:])))
    return fitted


def _table(
    columns: Sequence[tuple[str, str]],
    rows: Iterable[list[Line]],
    widths: Sequence[int],
    box: _Box,
) -> list[Line]:
    alignments = [alignment for _, alignment in columns]
    header: list[Line] = [[(title, "")] for title, _ in columns]
    lines = [_rule(box.top, widths), *_row(header, alignments, widths, box.head, "bold")]
    lines.append(_rule(box.head_rule, widths))
    for i, row in enumerate(rows):
        if i:
            lines.append(_rule(box.rule, widths))
        lines += _row(row, alignments, widths, box.body)
    return [*lines, _rule(box.bottom, widths)]


def _rule(characters: str, widths: Iterable[int]) -> Line:
    left, filling, crossing, right = tuple(characters)
    return [(left + crossing.join(filling * width for width in widths) + right, "")]


def _row(
    cells: Iterable[Line],
    alignments: Iterable[str],
    widths: Sequence[int],
    bar: str,
    style: str = "",
) -> list[Line]:
    texts = [_cell(*cell, style) for cell in zip(cells, alignments, widths, strict=True)]
    height = max(map(len, texts))
    lines: list[Line] = []
    for i in range(height):
        line = [(bar, "")]
        for text, width in zip(texts, widths, strict=True):
            # A header is aligned to the bottom of its row, anything else to the top.
            j = i - (height - len(text)) if style else i
            line += text[j] if 0 <= j < len(text) else [(" " * width, style)]
            line.append((bar, ""))
        lines.append(line)
    return lines


def _cell(runs: Line, alignment: str, width: int, style: str) -> list[Line]:
    """Return the lines of a cell of `width` characters, a space on either side included."""
    room = width - 2
    lines = []
    for line in _wrapped(runs, room, fold=False):
        if alignment != "left":
            while line and line[-1][0] == " ":
                del line[-1]
        if len(line) > room:
            line[room - 1 :] = [("…", line[room - 1][1])]
        spare = room - len(line)
        before = {"left": 0, "center": spare // 2, "right": spare}[alignment]
        blank = (" ", "")
        line = [blank] * before + line + [blank] * (spare - before)
        runs = _grouped([(character, one or style) for character, one in line])
        lines.append([(" ", style), *runs, (" ", style)])
    return lines


def _fold(runs: Line, width: int) -> list[Line]:
    return [_grouped(line) for line in _wrapped(runs, width, fold=True)]


def _wrapped(runs: Line, width: int, fold: bool) -> list[Line]:
    """Break text between words; a word longer than `width` is cut to pieces only if `fold`.

    Lines come as one run per character, and keep their last spaces as far as these fit.
    """
    characters = [(character, style) for text, style in runs for character in text]
    breaks, used = [0], 0
    for word in re.finditer(r"\s*\S+\s*", "".join(text for text, _ in runs)):
        (start, end), length = word.span(), len(word[0].rstrip())
        if length <= width - used:
            used += end - start
        elif fold and length > width:
            breaks += range(start, end, width)
            used = end - breaks[-1]
        else:
            breaks.append(start)
            used = end - start
    lines = []
    for start, end in itertools.pairwise([*dict.fromkeys(breaks), len(characters)]):
        line = characters[start:end]
        while len(line) > width and line[-1][0] == " ":
            del line[-1]
        lines.append(line)
    return lines


def _cropped(line: Line, width: int) -> Line:
    cropped: Line = []
    for text, style in line:
        cropped.append((text[: max(width, 0)], style))
        width -= len(text)
    return cropped


def _grouped(characters: Line) -> Line:
    groups = itertools.groupby(characters, key=lambda run: run[1])
    return [("".join(text for text, _ in run), style) for style, run in groups]


def _rendered(line: Line, styled: bool) -> str:
    if not styled:
        return "".join(text for text, _ in line)
    codes = _CODES
    if os.environ.get("NO_COLOR"):
        codes = {style: "1" if code.startswith("1") else "" for style, code in _CODES.items()}
    return "".join(
        f"\x1b[{codes[style]}m{text}\x1b[0m" if text and style and codes[style] else text
        for text, style in line
    )
