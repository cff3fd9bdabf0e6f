"""Windows on an image: what a convolution's kernel sees at each of its places, as matrices.

`unfold` lays the windows of x out as the rows of a matrix, so that a convolution is one matrix
product (Chellapilla et al., 2006, High Performance Convolutional Neural Networks for Document
Processing); `fold_product`, in folding.py, goes the other way, and adds up what each place of a
kernel sends to where it looked. The gradients are made of the same two:

    convolution             y = unfold(x) W            dW = unfold(x)^T dy    dx = fold(dy W^T)
    transposed convolution  y = fold(x W^T)            dW = unfold(dy)^T x    dx = unfold(dy) W

Shape letters: N batch, M = N H' W' places of the kernel, K = KH KW C/G what it sees there, C
channels, F filters, G groups. With groups, each has a matrix of its own: (G, M, K). Arrays of
samples are channels last, (N, *sizes, C).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Shape
from ..context import Context
from .sliding import count

MOST = 2**20
"""The most numbers that windows are laid out in for a whole batch: 4 MB of float32.

A batch that needs more is worked through in parts, and its windows are laid out again for the
backward pass; those of a smaller one are kept.
"""

FEW = 16
"""Runs of fewer numbers than this are not worth a copy each: then the places come last."""


class _Geometry(NamedTuple):
    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    outputs: tuple[int, ...]


class Windows(_Geometry):
    """Where a kernel looks, for each spatial axis.

    Attributes:
        sizes: of the input.
        kernel, strides, dilation: of the kernel: its size, its step, the distance of its elements.
        before, after: how many zeros there are in front of the input and behind it.
        outputs: how many places there are.
    """

    @cached_property
    def padded(self) -> tuple[int, ...]:
        """The sizes with the zeros."""
        ends = zip(self.sizes, self.before, self.after, strict=True)
        return tuple(n + start + end for n, start, end in ends)

    @cached_property
    def is_pointwise(self) -> bool:
        """Whether the windows are the elements of the input themselves."""
        return set(self.kernel + self.strides) == {1}

    @cached_property
    def taps(self) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
        """For each element of the kernel, in order: the places where it sees some of the input,
        and what it sees there; two tuples of slices over the spatial axes.
        """
        given = (self.sizes, self.strides, self.dilation, self.before, self.outputs)
        axes = [
            [_tap(place, *axis) for place in range(size)]
            for size, *axis in zip(self.kernel, *given, strict=True)
        ]
        return [
            (tuple(places for places, _ in parts), tuple(seen for _, seen in parts))
            for parts in product(*axes)
        ]

    @cached_property
    def leading(self) -> Windows:
        """The windows along all axes but the last."""
        return Windows(*(numbers[:-1] for numbers in self))


def _tap(
    place: int, length: int, stride: int, dilation: int, before: int, outputs: int
) -> tuple[slice, slice]:
    offset = place * dilation - before
    first = min(max(0, -(offset // stride)), outputs)
    last = max(first, min(outputs, (length - 1 - offset) // stride + 1))
    start = first * stride + offset
    return slice(first, last), slice(start, start + (last - first) * stride, stride)


@lru_cache(maxsize=256)
def windows(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
) -> Windows:
    """Return the windows of an input; with 'same', an odd number of zeros has one more behind.

    Example:
        >>> w = windows((5, 6), (3, 2), (1, 2), (1, 1), "same")
        >>> w.outputs, w.before, w.after
        ((5, 3), (1, 0), (1, 0))
    """
    before, after, outputs = [], [], []
    for n, k, s, d in zip(sizes, kernel, strides, dilation, strict=True):
        span = (k - 1) * d + 1
        places = outputs_along(n, k, s, d, padding)
        zeros = max((places - 1) * s + span - n, 0) if padding == "same" else 0
        start = span - 1 if padding == "causal" else zeros // 2
        before.append(start)
        after.append(zeros - start if padding == "same" else 0)
        outputs.append(places)
    return Windows(sizes, kernel, strides, dilation, tuple(before), tuple(after), tuple(outputs))


def outputs_along(length: int, size: int, stride: int, dilation: int, padding: str) -> int:
    """Return how many places a kernel has along one axis; none or less if it does not fit.

    Example:
        >>> [outputs_along(7, 3, 2, 1, padding) for padding in ("valid", "same", "causal")]
        [3, 4, 4]
    """
    return count(length, (size - 1) * dilation + 1, stride, same=padding != "valid")


def output_sizes(
    sizes: Shape,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
) -> Shape:
    """Return the sizes of the output, None where the input's is not known.

    Raises:
        ValueError: if there is no place for the kernel.
    """
    axes = list(zip(sizes, kernel, strides, dilation, strict=True))
    found = tuple(None if n is None else outputs_along(n, k, s, d, padding) for n, k, s, d in axes)
    if padding == "valid" and any(n is not None and n <= 0 for n in found):
        spans = tuple((k - 1) * d + 1 for _, k, _, d in axes)
        raise ValueError(
            f"A convolution expected its input to be as large as its kernel, {spans} with its "
            f"dilation. Received: an input of {tuple(sizes)}, without channels. "
            "With padding='same' it may be smaller."
        )
    return found


def parts_of(samples: int, numbers: int, most: int) -> Iterator[slice]:
    """Yield the samples of a batch in parts of at most so many numbers, one sample at least.

    Arguments:
        samples: N.
        numbers: that one sample needs.
        most: at a time.

    Example:
        >>> list(parts_of(5, 100, 250))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, most // max(1, numbers))
    for start in range(0, samples, step):
        yield slice(start, min(start + step, samples))


def pad(x: Array, w: Windows, ctx: Context) -> Array:
    """Return x with zeros around it: x itself if there are none."""
    if w.padded == w.sizes:
        return x
    out = ctx.buffer("padded", (len(x), *w.padded, x.shape[-1]))
    for axis, (start, length) in enumerate(zip(w.before, w.sizes, strict=True), 1):
        planes = np.moveaxis(out, axis, 0)
        planes[:start] = 0
        planes[start + length :] = 0
    inside = (slice(start, start + n) for start, n in zip(w.before, w.sizes, strict=True))
    np.copyto(out[:, *inside], x)
    return out


def unfold(x: Array, w: Windows, groups: int, ones: bool, ctx: Context) -> Array:
    """Return the windows of a part of a batch as matrices, (G, M, K).

    Arguments:
        x: (n, *padded sizes, C).
        w: the windows.
        groups: G.
        ones: whether a row has a 1 at its end, which a bias is the weight of; then it is
            K + 1 long. Only where `has_ones` says so.
        ctx: whose buffer holds the matrices; it is the same for every part.
    """
    n, channels = len(x), x.shape[-1] // groups
    if w.is_pointwise:
        return by_group(x, groups)
    places, size = n * prod(w.outputs), prod(w.kernel) * channels
    seen = _view(x, w, groups)  # (G, n, *outputs, *kernel, C/G)
    if not few_channels(w, x.shape[-1], groups):
        rows = ctx.buffer("windows", (groups, places, size))
        np.copyto(rows.reshape(seen.shape), seen)
        return rows
    # A matrix laid out column by column: each element of the kernel sees one long run after the
    # other. BLAS takes either.
    rank = len(w.kernel)
    columns = ctx.buffer("windows", (groups, size + ones, places))
    if ones:
        columns[:, size] = 1
    order = (0, *range(rank + 2, 2 * rank + 3), *range(1, rank + 2))
    by_column = seen.transpose(order)
    np.copyto(columns[:, :size].reshape(by_column.shape), by_column)
    return columns.transpose(0, 2, 1)


def by_group(x: Array, groups: int) -> Array:
    """Return x, (N, *sizes, C), whose memory is in order, as matrices (G, N H W, C/G)."""
    return x.reshape(-1, groups, x.shape[-1] // groups).transpose(1, 0, 2)


def few_channels(w: Windows, channels: int, groups: int) -> bool:
    """Return whether `unfold` lays its matrices out column by column."""
    return not w.is_pointwise and channels // groups * w.kernel[-1] < FEW


def _view(x: Array, w: Windows, groups: int) -> Array:
    """Return all windows as a view, (G, n, *outputs, *kernel, C/G)."""
    channels = x.shape[-1] // groups
    batch, *along, step = x.strides
    places = (s * stride for s, stride in zip(along, w.strides, strict=True))
    elements = (s * distance for s, distance in zip(along, w.dilation, strict=True))
    return np.lib.stride_tricks.as_strided(
        x,
        (groups, len(x), *w.outputs, *w.kernel, channels),
        (channels * step, batch, *places, *elements, step),
        writeable=False,
    )


# --- of a transposed convolution, whose output they look at


def transposed_sizes(
    sizes: Shape,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
    output_padding: tuple[int, ...] | None,
) -> Shape:
    """Return the sizes of a transposed convolution's output, None where the input's is not known.

    Raises:
        ValueError: if a convolution of such an output would not lead back to the input's sizes.
    """
    found: list[int | None] = []
    extras = output_padding or (None,) * len(kernel)
    for n, k, s, d, extra in zip(sizes, kernel, strides, dilation, extras, strict=True):
        span = (k - 1) * d + 1
        if n is None:
            found.append(None)
            continue
        if padding == "same":
            size = n * s if extra is None else (n - 1) * s + span % 2 + extra
        else:
            size = (n - 1) * s + (max(span, s) if extra is None else span + extra)
        if n and outputs_along(size, k, s, d, padding) != n:
            raise ValueError(
                "A transposed convolution expected an output from which a convolution leads back "
                f"to its input. Received: an input of {n}, kernel_size={k}, strides={s}, "
                f"output_padding={extra}, which give an output of {size}."
            )
        found.append(size)
    return tuple(found)


@lru_cache(maxsize=256)
def transposed_windows(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
    output_padding: tuple[int, ...] | None,
) -> Windows:
    """Return the windows on the output of a transposed convolution, one for each input.

    Example:
        >>> transposed_windows((2, 3), (3, 3), (2, 2), (1, 1), "same", None).sizes
        (4, 6)
    """
    out = transposed_sizes(sizes, kernel, strides, dilation, padding, output_padding)
    return windows(out, kernel, strides, dilation, padding)
