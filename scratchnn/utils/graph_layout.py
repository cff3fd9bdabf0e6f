"""Where the boxes of a graph go: in layers, with few crossings, and its arrows between them.

The usual four steps: a box stands one layer below the lowest of those that lead to it; arrows over
several layers get places in each; the boxes of a layer are ordered by where their neighbours stand;
and each is moved towards them as far as there is room.

Reference: Sugiyama, Tagawa and Toda, 1981, Methods for Visual Understanding of Hierarchical System
Structures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 12


class Layout(NamedTuple):
    """Where everything is; x goes along a layer, y from the first layer to the last."""

    centres: list[tuple[float, float]]
    """Of the boxes."""
    bends: dict[tuple[int, int], list[tuple[float, float]]]
    """The points that an arrow passes between its two boxes."""
    size: tuple[float, float]


def layered(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    gap: tuple[float, float] = (0.3, 0.45),
    groups: Sequence[tuple[int, ...]] | None = None,
) -> Layout:
    """Return the layout of boxes of these sizes, and arrows between them.

    Arguments:
        sizes: width and height of each box.
        edges: pairs of boxes, each from one to a later one.
        gap: the least distance between neighbours, and between layers.
        groups: what each box is in; those in the same stand next to each other.

    Example:
        >>> layout = layered([(1.0, 0.5)] * 3, [(0, 1), (1, 2), (0, 2)])
        >>> [round(y, 2) for x, y in layout.centres], len(layout.bends[0, 2])
        ([0.25, 1.2, 2.15], 1)
    """
    rank = _ranks(len(sizes), edges)
    own = list(groups or [()] * len(sizes))
    widths = [size[0] for size in sizes]
    layer_of = list(rank)
    neighbours: list[tuple[int, int]] = []
    chains: dict[tuple[int, int], list[int]] = {}
    for a, b in dict.fromkeys(edges):
        chain = []
        previous = a
        for level in range(rank[a] + 1, rank[b]):
            chain.append(len(layer_of))
            layer_of.append(level)
            widths.append(0.05)
            own.append(own[a] if own[a] == own[b] else ())
            neighbours.append((previous, chain[-1]))
            previous = chain[-1]
        neighbours.append((previous, b))
        chains[a, b] = chain
    layers = _ordered(layer_of, neighbours, own)
    x = _placed(layers, neighbours, widths, gap[0])
    heights = [max([sizes[i][1] for i in layer if i < len(sizes)], default=0.0) for layer in layers]
    tops = [sum(heights[:i]) + gap[1] * i for i in range(len(layers))]
    y = [tops[layer] + heights[layer] / 2 for layer in layer_of]
    points = list(zip(x, y, strict=True))
    return Layout(
        points[: len(sizes)],
        {edge: [points[i] for i in chain] for edge, chain in chains.items()},
        (
            max(at + width / 2 for at, width in zip(x, widths, strict=True)),
            (tops[-1] + heights[-1]) if layers else 0.0,
        ),
    )


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each box."""
    rank = [0] * count
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        rank[b] = max(rank[b], rank[a] + 1)
    # What has no arrow to it stands right above what it leads to.
    leads = {b for _, b in edges}
    for i in range(count):
        below = [rank[b] for a, b in edges if a == i]
        if i not in leads and below:
            rank[i] = min(below) - 1
    return rank


def _ordered(
    layer_of: list[int], neighbours: list[tuple[int, int]], groups: list[tuple[int, ...]]
) -> list[list[int]]:
    """Return the boxes of each layer in an order with few crossings."""
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for i, number in enumerate(layer_of):
        layers[number].append(i)
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b in neighbours:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    place = {i: float(k) for layer in layers for k, i in enumerate(layer)}
    for sweep in range(_SWEEPS):
        near = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wish = {i: _mean([place[j] for j in near.get(i, ())], place[i]) for i in layer}
            of_group = {
                group: _mean([wish[i] for i in layer if groups[i] == group], 0.0)
                for group in {groups[i] for i in layer}
            }
            layer.sort(key=lambda i: (of_group[groups[i]] if groups[i] else wish[i], wish[i]))
            place.update({i: float(k) for k, i in enumerate(layer)})
    return layers


def _placed(
    layers: list[list[int]], neighbours: list[tuple[int, int]], widths: list[float], gap: float
) -> list[float]:
    """Return where each box is along its layer: near its neighbours, but not too near the next."""
    near: dict[int, list[int]] = {}
    for a, b in neighbours:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    x = [0.0] * len(widths)
    for layer in layers:
        at = -(sum(widths[i] for i in layer) + gap * (len(layer) - 1)) / 2
        for i in layer:
            x[i] = at + widths[i] / 2
            at += widths[i] + gap
    for sweep in range(4 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wish = [_mean([x[j] for j in near.get(i, ())], x[i]) for i in layer]
            for i, at in zip(layer, _apart(wish, [widths[i] for i in layer], gap), strict=True):
                x[i] = at
    left = min((at - width / 2 for at, width in zip(x, widths, strict=True)), default=0.0)
    return [at - left for at in x]


def _apart(wish: list[float], widths: list[float], gap: float) -> list[float]:
    """Return the places nearest to those wished for, in order and with room between them.

    Boxes that would overlap are joined into blocks, which stand at the mean of their wishes.
    """
    offsets = [0.0]
    for left, right in pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + gap)
    blocks: list[tuple[float, int]] = []
    for goal, offset in zip(wish, offsets, strict=True):
        mean, count = goal - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, size = blocks.pop()
            mean = (mean * count + other * size) / (count + size)
            count += size
        blocks.append((mean, count))
    starts = [mean for mean, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
