"""The forward passes of layers, as plainly as NumPy allows: scripts get copies of what they need.

Whatever stands here must need nothing but what stands here, NumPy and `math`: scripts get the
source of these functions, not this module. They are written to be read more than to be fast, but no
loop runs over samples.

Shapes: N batch, T time, D features in, U units, C channels, F filters; places are the axes between
the batch and the channels.
"""

from __future__ import annotations

import math

import numpy as np

# Activations --------------------------------------------------------------------------------------


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.minimum(y, max_value)


def relu6(x):
    return np.clip(x, 0, 6)


def leaky_relu(x, negative_slope=0.2):
    return np.where(x > 0, x, negative_slope * x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x, alpha=1.0):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def selu(x):
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def sigmoid(x):
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, e) / (1 + e)


def hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


def log_sigmoid(x):
    return -softplus(-x)


def tanh(x):
    return np.tanh(x)


def hard_tanh(x):
    return np.clip(x, -1, 1)


def tanh_shrink(x):
    return x - np.tanh(x)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softsign(x):
    return x / (1 + np.abs(x))


def soft_shrink(x, threshold=0.5):
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


def hard_shrink(x, threshold=0.5):
    return np.where(np.abs(x) > threshold, x, 0)


def squareplus(x, b=4):
    return (x + np.sqrt(x * x + b)) / 2


def exponential(x):
    return np.exp(x)


def silu(x):
    return x * sigmoid(x)


def hard_silu(x):
    return x * hard_sigmoid(x)


def mish(x):
    return x * np.tanh(softplus(x))


def gelu(x, approximate=False):
    if approximate:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    erf = np.vectorize(math.erf, otypes=[x.dtype])
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def glu(x, axis=-1):
    half, gate = np.split(x, 2, axis)
    return half * sigmoid(gate)


def threshold(x, threshold, default_value):
    return np.where(x > threshold, x, default_value)


def sparse_plus(x):
    return np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))


def sparse_sigmoid(x):
    return np.clip((x + 1) / 2, 0, 1)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


# Dense, embedding, reshaping ----------------------------------------------------------------------


def dense(x, kernel, bias=0):
    """(..., D) times kernel (D, U), plus bias (U,)."""
    return x @ kernel + bias


def embedding(x, table):
    """Row numbers (...) to rows (..., U) of the table."""
    return table[x.astype(int)]


def upsampling(x, size, interpolation="nearest"):
    """Repeat each place, size[i] times along axis i + 1."""
    for axis, times in enumerate(size, start=1):
        x = np.repeat(x, times, axis=axis)
    return x


# Normalization ------------------------------------------------------------------------------------


def scaled(x, axes, gamma, beta):
    """Return x gamma + beta, which have the sizes of these axes of x."""
    shape = [x.shape[i] if i in axes else 1 for i in range(x.ndim)]
    x = x if gamma is None else x * gamma.reshape(shape)
    return x if beta is None else x + beta.reshape(shape)


def batch_normalization(x, axis, mean, variance, epsilon, gamma=None, beta=None):
    scale = 1 / np.sqrt(variance + epsilon)
    scale = scale if gamma is None else scale * gamma
    return scaled(scaled(x, [axis], None, -mean), [axis], scale, beta)


def layer_normalization(x, axes, epsilon, gamma=None, beta=None):
    mean = x.mean(axis=tuple(axes), keepdims=True)
    variance = x.var(axis=tuple(axes), keepdims=True)
    return scaled((x - mean) / np.sqrt(variance + epsilon), axes, gamma, beta)


def rms_normalization(x, axes, epsilon, gamma):
    mean = np.square(x).mean(axis=tuple(axes), keepdims=True)
    return scaled(x / np.sqrt(mean + epsilon), axes, gamma, None)


def unit_normalization(x, axes):
    return x / np.sqrt(np.maximum(np.square(x).sum(axis=tuple(axes), keepdims=True), 1e-12))


def group_normalization(x, groups, epsilon, gamma=None, beta=None):
    """The last axis's channels in groups, each normalized over its channels and all places."""
    y = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
    y = layer_normalization(y, [1, 3], epsilon).reshape(x.shape)
    return scaled(y, [x.ndim - 1], gamma, beta)


# Convolution and pooling --------------------------------------------------------------------------


def padding_of(places, size, strides, padding, dilation):
    """What 'same' and 'causal' add before and after each axis of places."""
    added = []
    for n, k, s, d in zip(places, size, strides, dilation):
        span = (k - 1) * d + 1
        if padding == "same":
            total = max((-(-n // s) - 1) * s + span - n, 0)
            added.append((total // 2, total - total // 2))
        else:
            added.append((span - 1, 0) if padding == "causal" else (0, 0))
    return [(0, 0), *added, (0, 0)]


def windows(x, size, strides, dilation):
    """(N, *places, C) to (N, *new places, C, *size)."""
    rank = len(size)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(1, rank + 1)))
    steps = [slice(None, None, s) for s in strides]
    inner = [slice(None, None, d) for d in dilation]
    return view[(slice(None), *steps, slice(None), *inner)]


def conv(x, kernel, bias, strides, padding, dilation, groups=1):
    """(N, *places, C) and kernel (*size, C / groups, F) to (N, *new places, F)."""
    rank = kernel.ndim - 2
    x = np.pad(x, padding_of(x.shape[1:-1], kernel.shape, strides, padding, dilation))
    parts = []
    for own, filters in zip(np.split(x, groups, -1), np.split(kernel, groups, -1)):
        w = windows(own, kernel.shape[:rank], strides, dilation)
        places = list(range(rank + 2, 2 * rank + 2))
        parts.append(np.tensordot(w, filters, ([*places, rank + 1], list(range(rank + 1)))))
    return np.concatenate(parts, axis=-1) + bias


def depthwise_conv(x, kernel, bias, strides, padding, dilation):
    """(N, *places, C) and kernel (*size, C, M) to (N, *new places, C M)."""
    rank = kernel.ndim - 2
    x = np.pad(x, padding_of(x.shape[1:-1], kernel.shape, strides, padding, dilation))
    w = windows(x, kernel.shape[:rank], strides, dilation)
    letters = "xyz"[:rank]
    y = np.einsum(f"n...c{letters},{letters}cm->n...cm", w, kernel)
    return y.reshape(*y.shape[:-2], -1) + bias


def conv_transpose(x, kernel, bias, strides, padding, dilation):
    """(N, *places, C) and kernel (*size, F, C) to (N, *places times strides, F)."""
    places = x.shape[1:-1]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation)]
    full = [max((n - 1) * s + span, n * s) for n, s, span in zip(places, strides, spans)]
    y = np.zeros((len(x), *full, kernel.shape[-2]), x.dtype)
    for offset in np.ndindex(*kernel.shape[:-2]):
        starts = [o * d for o, d in zip(offset, dilation)]
        where = [slice(i, i + (n - 1) * s + 1, s) for i, n, s in zip(starts, places, strides)]
        y[(slice(None), *where)] += x @ kernel[offset].T
    if padding == "same":
        cuts = [max(span - s, 0) // 2 for span, s in zip(spans, strides)]
        y = y[(slice(None), *(slice(c, c + n * s) for c, n, s in zip(cuts, places, strides)))]
    return y + bias


def max_pooling(x, size, strides, padding):
    once = [1] * len(size)
    added = padding_of(x.shape[1:-1], size, strides, padding, once)
    w = windows(np.pad(x, added, constant_values=x.min()), size, strides, once)
    return w.max(axis=tuple(range(x.ndim, w.ndim)))


def average_pooling(x, size, strides, padding):
    """The mean of each window, without what was added at the edges."""
    once = [1] * len(size)
    added = padding_of(x.shape[1:-1], size, strides, padding, once)
    axes = tuple(range(x.ndim, x.ndim + len(size)))
    total = windows(np.pad(x, added), size, strides, once).sum(axis=axes)
    return total / windows(np.pad(np.ones_like(x), added), size, strides, once).sum(axis=axes)


# Recurrence ---------------------------------------------------------------------------------------


def recur(x, state, step, mask=None, backwards=False, sequences=False, zero_masked=False):
    """Go through (N, T, D): state <- step(x_t, state), but where the mask (N, T) is false."""
    outputs = []
    times = range(x.shape[1])
    for t in reversed(times) if backwards else times:
        new = step(x[:, t], state)
        if mask is not None:
            new = [np.where(mask[:, t, None], a, b) for a, b in zip(new, state)]
        state = new
        hidden = zero_masked and mask is not None
        outputs.append(np.where(mask[:, t, None], state[0], 0) if hidden else state[0])
    return np.stack(outputs, axis=1) if sequences else state[0]


def simple_rnn(x, kernel, recurrent, bias, activation, **how):
    def step(x, state):
        return [activation(x @ kernel + state[0] @ recurrent + bias)]

    state = [np.zeros((len(x), recurrent.shape[0]), x.dtype)]
    return recur(x, state, step, **how)


def lstm(x, kernel, recurrent, bias, activation, gate, **how):
    """Gates in the order input, forget, candidate, output."""

    def step(x, state):
        h, c = state
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = gate(f) * c + gate(i) * activation(g)
        return [gate(o) * activation(c), c]

    zeros = np.zeros((len(x), recurrent.shape[0]), x.dtype)
    return recur(x, [zeros, zeros], step, **how)


def gru(x, kernel, recurrent, bias, activation, gate, reset_after, **how):
    """Gates in the order update, reset, candidate; bias (2, 3 U) if the reset comes after."""
    units = recurrent.shape[0]
    if reset_after:
        outer, inner = bias if np.ndim(bias) else (0, 0)
    else:
        outer, inner = bias, 0

    def step(x, state):
        (h,) = state
        z, r, g = np.split(x @ kernel + outer, 3, axis=-1)
        if reset_after:
            hz, hr, hg = np.split(h @ recurrent + inner, 3, axis=-1)
            z, r = gate(z + hz), gate(r + hr)
            g = activation(g + r * hg)
        else:
            hz, hr = np.split(h @ recurrent[:, : 2 * units], 2, axis=-1)
            z, r = gate(z + hz), gate(r + hr)
            g = activation(g + (r * h) @ recurrent[:, 2 * units :])
        return [z * h + (1 - z) * g]

    return recur(x, [np.zeros((len(x), units), x.dtype)], step, **how)


# Attention ----------------------------------------------------------------------------------------


def attention(query, key, value, heads, causal=False):
    """Return (N, T, U) of query (N, T, D), and key and value (N, S, D).

    `heads` are pairs of (kernel (D, H, K), bias (H, K)) for query, key and value; and of
    (kernel (H, K, U), bias (U,)) for what comes out.
    """
    q, k, v = (
        np.einsum("ntd,dhk->nhtk", x, kernel) + bias[:, None, :]
        for x, (kernel, bias) in zip((query, key, value), heads[:3])
    )
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    kernel, bias = heads[3]
    return np.einsum("nhtk,hku->ntu", softmax(scores) @ v, kernel) + bias
