"""Rows of the conformance table for the recurrent layers; see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn import layers
from scratchnn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)

SHAPE = (3, 5, 4)


def _of(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: cls(*args, **options, dtype=dtype)


def _around(outer: Any, inner: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes a layer around another, of the same dtype."""

    def make(dtype: Any) -> Any:
        layer = [one(dtype) for one in inner] if isinstance(inner, list) else inner(dtype)
        return outer(layer, *args, **options, dtype=dtype)

    return make


def _random(cls: Any, *args: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes a layer whose bias is not zeros."""
    return _of(cls, *args, bias_initializer="he_normal", **options)


EVERY = {"return_sequences": True, "dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3}

CASES = [
    Case("simple rnn", _of(SimpleRNN, 3), SHAPE, recycles=False),
    Case("simple rnn, all steps", _of(SimpleRNN, 3, return_sequences=True), (3, 50, 4)),
    Case("simple rnn of relu", _of(SimpleRNN, 3, "relu", use_bias=False), SHAPE, recycles=False),
    Case("simple rnn of softmax", _of(SimpleRNN, 3, "softmax", **EVERY), SHAPE, recycles=False),
    Case("simple rnn with dropout", _of(SimpleRNN, 3, **EVERY), SHAPE, recycles=False),
    Case("lstm", _of(LSTM, 3), SHAPE, recycles=False),
    Case("lstm, all steps", _of(LSTM, 3, return_sequences=True), (3, 50, 4)),
    Case("lstm backwards", _of(LSTM, 3, go_backwards=True), SHAPE, recycles=False),
    Case(
        "lstm backwards, all steps",
        _of(LSTM, 3, go_backwards=True, return_sequences=True, unroll=True),
        (3, 50, 4),
    ),
    Case("lstm with dropout", _of(LSTM, 3, **EVERY), SHAPE, recycles=False),
    Case("lstm with dropout of x", _of(LSTM, 3, dropout=0.4, seed=1), SHAPE, recycles=False),
    Case(
        "lstm with masks by gate",
        _of(LSTM, 3, dropout=0.4, seed=1, implementation=1),
        SHAPE,
        recycles=False,
    ),
    Case("lstm without bias", _of(LSTM, 3, use_bias=False), SHAPE, recycles=False),
    Case("lstm of relu", _of(LSTM, 3, "relu", "hard_sigmoid"), SHAPE, recycles=False),
    Case("lstm of softmax", _of(LSTM, 3, "softmax", "log_softmax"), SHAPE, recycles=False),
    Case("lstm of elu", _of(LSTM, 3, "elu", "sigmoid", **EVERY), SHAPE, recycles=False),
    Case("gru", _random(GRU, 3), SHAPE, recycles=False),
    Case("gru, all steps", _random(GRU, 3, return_sequences=True), (3, 50, 4)),
    Case("gru with dropout", _random(GRU, 3, **EVERY), SHAPE, recycles=False),
    Case("gru without bias", _of(GRU, 3, use_bias=False), SHAPE, recycles=False),
    Case("gru of gelu", _random(GRU, 3, "gelu", "hard_sigmoid"), SHAPE, recycles=False),
    Case("gru of softmax", _random(GRU, 3, "tanh", "softmax"), SHAPE, recycles=False),
    Case("gru, reset before", _random(GRU, 3, reset_after=False), SHAPE, recycles=False),
    Case(
        "gru, reset before, all steps",
        _random(GRU, 3, reset_after=False, return_sequences=True),
        (3, 50, 4),
    ),
    Case(
        "gru, reset before, with dropout",
        _random(GRU, 3, "elu", "softmax", reset_after=False, **EVERY),
        SHAPE,
        recycles=False,
    ),
    Case("rnn", _around(RNN, _of(LSTMCell, 3)), SHAPE, recycles=False),
    Case(
        "rnn of several cells",
        _around(RNN, [_of(LSTMCell, 3), _of(GRUCell, 2, dropout=0.4, seed=1)]),
        SHAPE,
        recycles=False,
    ),
    Case(
        "rnn of stacked cells",
        _around(
            RNN,
            _around(StackedRNNCells, [_of(SimpleRNNCell, 3), _of(LSTMCell, 2)]),
            return_sequences=True,
        ),
        SHAPE,
        recycles=False,
    ),
    Case("bidirectional", _around(Bidirectional, _of(LSTM, 3)), SHAPE, recycles=False),
    Case(
        "bidirectional, all steps",
        _around(Bidirectional, _of(GRU, 3, return_sequences=True)),
        (3, 50, 4),
    ),
    *(
        Case(
            f"bidirectional, {mode}",
            _around(Bidirectional, _of(GRU, 3, return_sequences=True), mode),
            (3, 50, 4),
        )
        for mode in ("sum", "ave", "mul")
    ),
    Case("time distributed", _around(TimeDistributed, _of(layers.Dense, 3, "tanh")), (3, 5, 4)),
    Case("time distributed flatten", _around(TimeDistributed, _of(layers.Flatten)), (3, 5, 4, 2)),
    Case(
        "time distributed dropout",
        _around(TimeDistributed, _of(layers.Dropout, 0.4, seed=1)),
        (3, 50, 4),
    ),
    Case(
        "time distributed batch normalization",
        _around(TimeDistributed, _of(layers.BatchNormalization)),
        (6, 5, 4),
        recycles=False,
    ),
    Case(
        "time distributed rnn",
        _around(TimeDistributed, _of(LSTM, 2)),
        (3, 2, 3, 4),
        recycles=False,
    ),
]
