"""Fourier transforms, of whole signals and of their pieces.

A complex array is a pair here, of its real and its imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from .tensors import ArrayLike, Result, op, op_many, to_array

__all__ = [
    "extract_sequences",
    "fft",
    "fft2",
    "ifft2",
    "irfft",
    "istft",
    "rfft",
    "stft",
]

Pair: TypeAlias = tuple[ArrayLike, ArrayLike]


@op_many
def fft(x: Pair) -> Result:
    """The discrete Fourier transform along the last axis: X_k = sum_n x_n exp(-2 pi i k n / N).

    Arguments:
        x: the pair of real and imaginary part, floats (..., N).

    Returns:
        The pair of real and imaginary part (..., N).

    Raises:
        ValueError: for what is no such pair.
    """
    return _pair(np.fft.fft(_complex(x)))


@op_many
def fft2(x: Pair) -> Result:
    """The Fourier transform along the last two axes. See `fft`."""
    return _pair(np.fft.fft2(_complex(x)))


@op_many
def ifft2(x: Pair) -> Result:
    """The inverse of `fft2`."""
    return _pair(np.fft.ifft2(_complex(x)))


@op_many
def rfft(x: ArrayLike, fft_length: int | None = None) -> Result:
    """The first N/2 + 1 numbers of the Fourier transform of real numbers, in float32.

    Arguments:
        x: (..., N).
        fft_length: to how many the last axis is cut, or filled up with zeros.

    Returns:
        The pair of real and imaginary part (..., N // 2 + 1).

    Example:
        >>> rfft([1.0, 2.0, 3.0, 4.0])[0]
        Tensor([10., -2., -2.], dtype=float32)
    """
    return _pair(np.fft.rfft(to_array(x, np.float32), fft_length))


@op
def irfft(x: Pair, fft_length: int | None = None) -> Result:
    """The inverse of `rfft`: real numbers, `fft_length` of them or 2 (N - 1)."""
    return np.fft.irfft(_complex(x), fft_length)


def _complex(x: Any) -> Array:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(
            f"Expected a pair of arrays, the real and the imaginary part. Received: {x!r}."
        )
    real, imaginary = map(to_array, x)
    if real.shape != imaginary.shape or {real.dtype.kind, imaginary.dtype.kind} != {"f"}:
        raise ValueError(
            "The real and the imaginary part must be floats of one shape. Received: "
            f"{real.dtype} of shape {real.shape}, {imaginary.dtype} of shape {imaginary.shape}."
        )
    return np.asarray(real + 1j * imaginary)


def _pair(z: Array) -> tuple[Array, Array]:
    return np.real(z), np.imag(z)


@op
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Result:
    """The sequences of a length that start at every so many-th element of the last axis.

    Arguments:
        x: (..., T).
        sequence_length: how long each is.
        sequence_stride: how far the next one starts from it.

    Returns:
        (..., number of sequences, sequence_length).

    Example:
        >>> extract_sequences([1, 2, 3, 4, 5], 3, 2)
        Tensor([[1, 2, 3],
                [3, 4, 5]], dtype=int32)
    """
    windows = np.lib.stride_tricks.sliding_window_view(to_array(x), sequence_length, axis=-1)
    return windows[..., ::sequence_stride, :].copy()


@op_many
def stft(
    x: ArrayLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | ArrayLike | None = "hann",
    center: bool = True,
) -> Result:
    """The Fourier transforms of the pieces of a signal, each under a window.

    Arguments:
        x: float32 or float64 (..., T).
        sequence_length: the length of a piece, and of the window.
        sequence_stride: how far the next piece starts from it.
        fft_length: the length of the transform; pieces are filled up with zeros to it.
        window: 'hann', 'hamming', a vector, or None for none.
        center: whether piece k has its middle at k times the stride: the signal is mirrored at
            its ends.

    Returns:
        The pair of real and imaginary part (..., number of pieces, fft_length // 2 + 1).

    Raises:
        TypeError: if x does not consist of floats.
        ValueError: for an unknown window, or a transform shorter than the pieces.
    """
    x = to_array(x)
    if x.dtype.kind != "f":
        raise TypeError(f"stft expected float32 or float64. Received: dtype={x.dtype}.")
    weights = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        half = fft_length // 2
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(half, half)], "reflect")
    pieces = extract_sequences(x, len(weights), sequence_stride).numpy()
    return _pair(np.fft.rfft(pieces * weights, fft_length))


@op
def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | ArrayLike | None = "hann",
    center: bool = True,
) -> Result:
    """The signal whose `stft` is x, put together from its pieces.

    Arguments:
        x: the pair of real and imaginary part (..., number of pieces, fft_length // 2 + 1).
        sequence_length, sequence_stride, fft_length, window, center: as for `stft`. Without a
            window the pieces are added as they are.
        length: the length of the signal, if it is known.

    Returns:
        (..., T).
    """
    pieces = np.fft.irfft(_complex(x), fft_length)
    weights = _window(window, sequence_length, fft_length, pieces.dtype)
    if window is not None:
        weights = weights / _overlap(np.square(weights), sequence_stride)
    pieces = pieces[..., : len(weights)] * weights
    count = pieces.shape[-2]
    total = len(weights) + sequence_stride * (count - 1)
    signal = np.zeros((*pieces.shape[:-2], total), pieces.dtype)
    for k in range(count):
        start = k * sequence_stride
        signal[..., start : start + len(weights)] += pieces[..., k, :]
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return signal[..., start:end]


def _window(window: Any, length: int, fft_length: int, dtype: Any) -> Array:
    """Return the weights of the elements of a piece, with zeros around them up to fft_length."""
    if fft_length < length:
        raise ValueError(
            "fft_length must be at least sequence_length. "
            f"Received: fft_length={fft_length}, sequence_length={length}."
        )
    if window is None:
        return np.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"window must be 'hann', 'hamming' or a vector. Received: {window!r}.")
        shapes: dict[str, Callable[[int], Array]] = {"hann": np.hanning, "hamming": np.hamming}
        weights = shapes[window](length + 1)[:-1].astype(dtype)  # periodic
    else:
        weights = to_array(window, dtype)
    if weights.shape != (length,):
        raise ValueError(f"window must have shape {(length,)}. Received: {weights.shape}.")
    before = (fft_length - length) // 2
    return np.pad(weights, (before, fft_length - length - before))


def _overlap(squares: Array, stride: int) -> Array:
    """Return, for each place of a piece, the sum of the squares of all windows that meet there."""
    count = -(-len(squares) // stride)
    padded = np.pad(squares, (0, count * stride - len(squares)))
    return np.tile(padded.reshape(count, stride).sum(axis=0), count)[: len(squares)]
