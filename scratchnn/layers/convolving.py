"""Convolutions of arrays, and their gradients: what the layers and `scratchnn.ops` are made of.

All arrays of samples are channels last, (N, *sizes, C), with their memory in order; results are
written to buffers of the context, where a gradient finds what the forward pass kept.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ..arrays import Array
from ..context import Context
from .folding import fold_product
from .windows import MOST, Windows, by_group, few_channels, pad, parts_of, unfold

PART = 2**18
"""The most numbers of windows, or of y, that a convolution works on at a time: 1 MB of float32.

So much fits into a processor's cache, with what comes of it. Smaller matrices would not make up for
the calls of BLAS, whose threads wait for each other at each.
"""

CACHED = 2**19
"""The most numbers that a depthwise convolution, pass by pass, works on at a time."""

# --- convolution: each filter sees all channels of its group


def convolve(
    x: Array,
    kernel: Array,
    bias: Array | None,
    w: Windows,
    ctx: Context,
    activate: Callable[[Array], None] | None = None,
) -> Array:
    """Return y, (N, *outputs, F): y_pf = b_f + sum_kc x[p s + k d, c] W_kcf.

    Arguments:
        x: (N, *sizes, C).
        kernel: W, (*size, C/G, F); bias: b, (F,), or None.
        w: the windows.
        ctx: keeps the windows that were laid out, if they are not too many.
        activate: is called with each part of y when it is ready, and still in the cache.
    """
    x = ctx.x = pad(x, w, ctx)
    channels, (each, filters) = x.shape[-1], kernel.shape[-2:]
    groups = ctx.groups = channels // each
    weights = _matrices(kernel, groups)
    ctx.has_ones = bias is not None and few_channels(w, channels, groups)
    if ctx.has_ones:
        # The bias is the weight of one more element, a 1, of each window.
        _, size, filters_each = weights.shape
        both = ctx.buffer("weights", (groups, size + 1, filters_each))
        np.copyto(both[:, :size], weights)
        np.copyto(both[:, size], bias.reshape(groups, filters_each))  # type: ignore[union-attr]
        weights = both
    y = ctx.buffer("y", (len(x), *w.outputs, filters))
    numbers = _numbers(w, channels)
    biases = None if bias is None or ctx.has_ones else _row(bias, w.outputs[-1], ctx)
    keeps = len(x) * numbers <= MOST
    ctx.rows = unfold(x, w, groups, ctx.has_ones, ctx) if keeps else None
    ctx.parts = list(parts_of(len(x), max(numbers, prod(y.shape[1:])), PART))
    for part in ctx.parts:
        some = y[part]
        np.matmul(_rows(part, w, ctx), weights, out=by_group(some, groups))
        if biases is not None:
            some += biases
        if activate is not None:
            activate(some)
    return y


def convolve_gradients(
    dy: Array,
    w: Windows,
    d_kernel: Array,
    d_bias: Array | None,
    ctx: Context,
    differentiate: Callable[[Array, slice], None] | None = None,
) -> None:
    """Assign the gradients of the kernel and the bias, given that of the convolution's output.

    Arguments:
        dy: (N, *outputs, F), or what `differentiate` makes it of, a part after the other, in place.
        w: the windows.
        d_kernel, d_bias: the gradients.
        ctx: that of `convolve`.
        differentiate: is called with a part of dy, and which samples they are.
    """
    groups = ctx.groups
    gradient = target = _matrices(d_kernel, groups)
    if ctx.has_ones:
        _, size, each = target.shape
        gradient = ctx.buffer("d_weights", (groups, size + 1, each))
    if not ctx.parts:
        gradient.fill(0)
    for part in ctx.parts:
        if differentiate is not None:
            differentiate(dy[part], part)
        columns = _rows(part, w, ctx).transpose(0, 2, 1)
        _add_product(columns, by_group(dy[part], groups), gradient, part, ctx)
    if ctx.has_ones:
        np.copyto(target, gradient[:, :size])
        np.copyto(d_bias.reshape(groups, each), gradient[:, size])  # type: ignore[union-attr]
    elif d_bias is not None:
        bias_gradient(dy, d_bias, ctx)


def _rows(part: slice, w: Windows, ctx: Context) -> Array:
    """Return the windows of some samples as matrices, (G, M, K)."""
    if ctx.rows is None:
        return unfold(ctx.x[part], w, ctx.groups, ctx.has_ones, ctx)
    places = prod(w.outputs)
    rows: Array = ctx.rows[:, part.start * places : part.stop * places]
    return rows


def convolve_dx(dy: Array, kernel: Array, w: Windows, ctx: Context) -> Array:
    """Return the gradient of the convolution's input."""
    groups, (channels, filters) = ctx.groups, kernel.shape[-2:]
    dx = ctx.buffer("dx", (len(dy), *w.sizes, groups * channels))
    by_tap = kernel.reshape(-1, channels, groups, filters // groups).transpose(2, 0, 3, 1)
    fold_product(dy, by_tap, dx, w, ctx)
    return dx


def bias_gradient(dy: Array, d_bias: Array, ctx: Context) -> None:
    """Assign the gradient of a bias, (F,): the sum of dy, (N, *outputs, F), over all places."""
    rows = dy.reshape(-1, dy.shape[-1])
    np.dot(ctx.ones(len(rows)), rows, out=d_bias)


def _add_product(a: Array, b: Array, total: Array, part: slice, ctx: Context) -> None:
    """Add a @ b to the total, or assign it for the first part of a batch."""
    if part.start == 0:
        np.matmul(a, b, out=total)
    else:
        total += np.matmul(a, b, out=ctx.buffer("product", total.shape))


def _matrices(kernel: Array, groups: int) -> Array:
    """Return a kernel, (*size, C/G, F), as a view (G, K, F/G)."""
    filters = kernel.shape[-1]
    return kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)


def _numbers(w: Windows, channels: int) -> int:
    """Return how many numbers the windows of one sample are laid out in."""
    return 0 if w.is_pointwise else prod(w.outputs) * prod(w.kernel) * channels


# --- transposed convolution: each input is sent to where a convolution would have looked


def convolve_transposed(
    x: Array, kernel: Array, bias: Array | None, w: Windows, ctx: Context
) -> Array:
    """Return y, (N, *w.sizes, F): what the gradient of a convolution of y would be, given x.

    Arguments:
        x: (N, *w.outputs, C).
        kernel: (*size, F, C); bias: (F,), or None.
        w: the windows on the output.
        ctx: its buffers are used.
    """
    filters, channels = kernel.shape[-2:]
    y = ctx.buffer("y", (len(x), *w.sizes, filters))
    by_tap = kernel.reshape(1, -1, filters, channels).transpose(0, 1, 3, 2)
    fold_product(x, by_tap, y, w, ctx)
    if bias is not None:
        y += _row(bias, w.sizes[-1], ctx)
    return y


def transposed_gradients(
    x: Array, dy: Array, kernel: Array, d_kernel: Array, w: Windows, ctx: Context
) -> Array | None:
    """Assign the gradient of the kernel; return that of x if the context needs it."""
    channels = kernel.shape[-1]
    dy = pad(dy, w, ctx)
    gradient = d_kernel.reshape(-1, channels)
    matrix = kernel.reshape(-1, channels)
    dx = ctx.buffer("dx", x.shape) if ctx.needs_dx else None
    parts = list(parts_of(len(x), _numbers(w, dy.shape[-1]), MOST))
    if not parts:
        gradient.fill(0)
    for part in parts:
        rows = unfold(dy[part], w, 1, False, ctx)[0]
        _add_product(rows.T, x[part].reshape(-1, channels), gradient, part, ctx)
        if dx is not None:
            np.matmul(rows, matrix, out=dx[part].reshape(-1, channels))
    return dx


# --- depthwise convolution: each channel has filters of its own


def convolve_depthwise(x: Array, kernel: Array, w: Windows, ctx: Context) -> Array:
    """Return y, (N, *outputs, C D): y_pcm = sum_k x[p s + k d, c] W_kcm, for m of D filters.

    Arguments:
        x: (N, *sizes, C).
        kernel: W, (*size, C, D).
        w: the windows.
        ctx: keeps x, with the zeros around it.
    """
    x = ctx.x = pad(x, w, ctx)
    channels, each = kernel.shape[-2:]
    taps = kernel.reshape(-1, channels, each)
    y = ctx.buffer("y", (len(x), *w.outputs, channels, each))
    for part in _cached_parts(x, w):
        shape = (len(x[part]), *w.outputs, channels)
        total, term = ctx.buffer("total", shape), ctx.buffer("term", shape)
        for d in range(each):
            for i, seen in enumerate(_seen(w)):
                row = _row(taps[i, :, d], w.outputs[-1], ctx)
                np.multiply(x[part][:, *seen], row, out=term if i else total)
                if i:
                    np.add(total, term, out=total)
            np.copyto(y[part][..., d], total)
    return y.reshape(len(x), *w.outputs, channels * each)


def depthwise_gradients(
    dy: Array, kernel: Array, d_kernel: Array, w: Windows, ctx: Context
) -> Array | None:
    """Assign the gradient of the kernel; return that of the input if the context needs it."""
    x = ctx.x
    channels, each = kernel.shape[-2:]
    taps, d_taps = (a.reshape(-1, channels, each) for a in (kernel, d_kernel))
    d_taps.fill(0)
    dy = dy.reshape(len(dy), *w.outputs, channels, each)
    dx = ctx.buffer("d_padded", x.shape) if ctx.needs_dx else None
    if dx is not None:
        dx.fill(0)
    for part in _cached_parts(x, w):
        shape = (len(x[part]), *w.outputs, channels)
        sent, term = ctx.buffer("total", shape), ctx.buffer("term", shape)
        ones = ctx.ones(prod(shape[:-1]))
        for d in range(each):
            np.copyto(sent, dy[part][..., d])
            for i, seen in enumerate(_seen(w)):
                np.multiply(x[part][:, *seen], sent, out=term)
                d_taps[i, :, d] += ones @ term.reshape(-1, channels)
                if dx is not None:
                    np.multiply(sent, _row(taps[i, :, d], w.outputs[-1], ctx), out=term)
                    into = dx[part][:, *seen]
                    np.add(into, term, out=into)
    if dx is None:
        return None
    inside = (slice(start, start + n) for start, n in zip(w.before, w.sizes, strict=True))
    return dx[:, *inside]


def _cached_parts(x: Array, w: Windows) -> list[slice]:
    """Return the samples of x in parts that a processor's cache can hold."""
    return list(parts_of(len(x), 4 * prod(w.padded) * x.shape[-1], CACHED))


def _seen(w: Windows) -> list[tuple[slice, ...]]:
    """Return what each element of a kernel sees of the padded input, over the spatial axes."""
    found = []
    for place in np.ndindex(*w.kernel):
        axes = zip(place, w.dilation, w.strides, w.outputs, strict=True)
        found.append(tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, s, n in axes))
    return found


def _row(weights: Array, width: int, ctx: Context) -> Array:
    """Return one weight per channel, (C,), as often as there are places in a row, (W, C).

    A ufunc takes a row of W C numbers in one go, and C numbers at a time otherwise.
    """
    row = ctx.buffer("row", (width, len(weights)))
    np.copyto(row, weights)
    return row
