"""The progress bar: its lines on a terminal and in a file, and when it draws."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from contextlib import redirect_stdout
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnn import progress
from scratchnn.progress import Progbar, is_live

FULL = "━" * 20


class Clock:
    """A stand-in for the module `time`, which moves only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def set_stdout(patch: pytest.MonkeyPatch, stream: io.StringIO | io.TextIOWrapper | None) -> None:
    # Not sys.stdout itself: pytest puts its own back after the fixtures have run.
    patch.setattr(progress, "sys", SimpleNamespace(stdout=stream))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    set_stdout(monkeypatch, stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    set_stdout(monkeypatch, stream)
    return stream


# In a pipe or a file


def test_a_pipe_gets_one_clean_line_per_epoch(clock: Clock, pipe: io.StringIO) -> None:
    for epoch in range(2):
        bar = Progbar(3, stateless_metrics=[])
        for step in 1, 2, 3:
            clock.now += 0.007
            bar.update(step, [("loss", 45.7047), ("mae", 6.0017)], finalize=False)
        assert pipe.getvalue().count("\n") == epoch
        bar.update(3, [("loss", 45.7047), ("mae", 6.0017)], finalize=True)
    line = f"3/3 {FULL} 0s 7ms/step - loss: 45.7047 - mae: 6.0017\n"
    assert pipe.getvalue() == line * 2


def test_a_pipe_gets_no_line_before_the_end(clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(100)
    for step in range(1, 100):
        clock.now += 1
        bar.update(step, [("loss", 1.0)])
    assert pipe.getvalue() == ""


def test_counts_are_aligned_in_a_pipe_as_on_a_terminal(clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(200)
    clock.now += 2
    bar.update(50, finalize=True)
    assert pipe.getvalue() == f" 50/200 {FULL} 2s 40ms/step\n"


def test_the_stream_is_looked_up_when_drawing(clock: Clock) -> None:
    first, second = io.StringIO(), io.StringIO()
    with redirect_stdout(first):
        bar = Progbar(2)
        bar.update(1)
    with redirect_stdout(second):
        bar.update(2)
    assert first.getvalue() == ""
    assert second.getvalue() == f"2/2 {FULL} 0s 0s/step\n"


# On a terminal


def test_bytes_on_a_terminal(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(3, stateless_metrics=[])
    clock.now += 0.5
    bar.update(1, [("loss", 60.0)], finalize=False)
    first = (
        "\r\x1b[1m1/3\x1b[0m \x1b[32m━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━\x1b[0m "
        "\x1b[1m1s\x1b[0m 500ms/step - loss: 60.0000"
    )
    assert terminal.getvalue() == first
    clock.now += 0.25
    bar.update(3, [("loss", 45.7047), ("mae", 6.0017)], finalize=True)
    visible = len(f"1/3 {FULL} 1s 500ms/step - loss: 60.0000")
    second = (
        "\b" * visible + f"\r\x1b[1m3/3\x1b[0m \x1b[32m{FULL}\x1b[0m\x1b[37m\x1b[0m "
        "\x1b[1m1s\x1b[0m 125ms/step - loss: 45.7047 - mae: 6.0017\n"
    )
    assert terminal.getvalue() == first + second


def test_nothing_done_yet_shows_a_grey_bar(clock: Clock, terminal: Terminal) -> None:
    Progbar(30, width=5).update(0)
    expected = "\r\x1b[1m 0/30\x1b[0m \x1b[37m━━━━━\x1b[0m \x1b[1m0s\x1b[0m 0s/step"
    assert terminal.getvalue() == expected


def test_a_shorter_line_erases_the_longer_one(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(1000, stateless_metrics=[])
    clock.now += 100
    bar.update(1, [("loss", 1e-5)])
    clock.now += 1
    bar.update(999, [("loss", 1.0)])
    first, second = terminal.getvalue().split("\r")[1:]
    assert "\x1b[1m27:45:00\x1b[0m 100s/step - loss: 1.0000e-05" in first
    shorter = len("27:45:00 100s/step - loss: 1.0000e-05") - len("0s 1ms/step - loss: 1.0000")
    assert second.endswith("\x1b[1m0s\x1b[0m 1ms/step - loss: 1.0000" + " " * shorter)


def test_a_terminal_is_redrawn_at_most_every_interval(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(1000, interval=0.25)
    for step in range(1, 33):
        clock.now += 1 / 32
        bar.update(step)
    assert terminal.getvalue().count("\r") == 4


def test_the_call_that_finalizes_always_draws(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(2)
    bar.update(1)
    bar.update(2)
    assert terminal.getvalue().endswith("\n")


def test_a_notebook_is_live_and_a_dumb_terminal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class OutStream(io.StringIO):
        __module__ = "ipykernel.iostream"

    monkeypatch.setenv("TERM", "xterm")
    assert is_live(OutStream())
    assert is_live(Terminal())
    assert not is_live(io.StringIO())
    assert not is_live(None)
    monkeypatch.setenv("TERM", "dumb")
    assert not is_live(Terminal())


# When to call update


def test_next_draw_on_a_terminal(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(10, interval=0.25)
    assert bar.next_draw == -math.inf
    bar.update(1)
    assert bar.next_draw == 100.25
    clock.now = 100.125
    bar.update(2)
    assert bar.next_draw == 100.25
    clock.now = 100.5
    bar.update(3)
    assert bar.next_draw == 100.75


def test_next_draw_in_a_pipe_is_never_after_the_first_step(clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(10)
    assert bar.next_draw == -math.inf
    bar.update(1)
    assert bar.next_draw == math.inf


@pytest.mark.parametrize("verbose", [0, 2])
def test_next_draw_without_a_bar_is_never(verbose: int, terminal: Terminal) -> None:
    assert Progbar(10, verbose=verbose).next_draw == math.inf


@given(ticks=st.lists(st.integers(0, 40), min_size=1, max_size=30), live=st.booleans())
def test_a_loop_that_asks_next_draw_writes_the_same(ticks: list[int], live: bool) -> None:
    def run(asks: bool) -> str:
        clock, stream = Clock(), Terminal() if live else io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(progress, "time", clock)
            set_stdout(patch, stream)
            patch.setenv("TERM", "xterm")
            bar = Progbar(len(ticks), stateless_metrics=[])
            for step, tick in enumerate(ticks, start=1):
                clock.now += tick / 512
                if not asks or clock.now >= bar.next_draw:
                    bar.update(step, [("loss", tick / 7)], finalize=False)
            bar.update(len(ticks), [("loss", 0.5), ("val_loss", 2.0)], finalize=True)
        return stream.getvalue()

    assert run(asks=True) == run(asks=False)


def test_the_first_step_is_left_out_of_the_time_per_step(clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(5)
    clock.now += 8
    bar.update(1)
    clock.now += 1
    bar.update(5)
    assert pipe.getvalue() == f"5/5 {FULL} 9s 250ms/step\n"


# What is written


@pytest.mark.parametrize(
    ("eta", "text"),
    [
        (0.5, "0s"),
        (59.9, "59s"),
        (60.0, "60s"),
        (60.5, "1:00"),
        (125.0, "2:05"),
        (3600.0, "60:00"),
        (3600.5, "1:00:00"),
        (36_000.0 + 61, "10:01:01"),
    ],
)
def test_time_left(eta: float, text: str, clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(2)
    clock.now += eta
    bar.update(1)
    assert f" \x1b[1m{text}\x1b[0m " in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (2.0**-21, "0us"),
        (2.0**-11, "488us"),
        (2.0**-9, "2ms"),
        (0.75, "750ms"),
        (1.0, "1s"),
        (2.75, "3s"),
    ],
)
def test_time_per_step(seconds: float, text: str, clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(1, unit_name="batch")
    clock.now += seconds
    bar.update(1)
    assert pipe.getvalue().endswith(f" {text}/batch\n")


@pytest.mark.parametrize(
    ("value", "in_bar", "in_line"),
    [
        (0.00101, "0.0010", "0.0010"),
        (0.001, "1.0000e-03", "1.0000e-03"),
        (0.0, "0.0000e+00", "0.0000e+00"),
        (-2.5, "-2.5000", "-2.5000e+00"),
        (math.nan, "nan", "nan"),
        (math.inf, "inf", "inf"),
        (3, "3.0000", "3.0000"),
        (np.float32(0.25), "0.2500", "0.2500"),
        (np.array([1.0, 2.0]), "1.5000", "1.5000"),
        ([1, 2], "1.5000", "1.5000"),
    ],
)
def test_values(value: object, in_bar: str, in_line: str, pipe: io.StringIO) -> None:
    Progbar(1).update(1, [("loss", value)])
    Progbar(1, verbose=2).update(1, [("loss", value)])
    first, second = pipe.getvalue().splitlines()
    assert first.endswith(f" - loss: {in_bar}")
    assert second.endswith(f" - loss: {in_line}")


def test_verbose_2_writes_one_line_even_on_a_terminal(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(30, verbose=2, stateless_metrics=[])
    clock.now += 3
    bar.update(10, [("loss", 1.0)])
    assert terminal.getvalue() == ""
    bar.update(30, [("loss", 45.7047), ("mae", 6.0017)])
    assert terminal.getvalue() == "30/30 - 3s - 100ms/step - loss: 45.7047 - mae: 6.0017\n"


def test_verbose_0_writes_nothing(terminal: Terminal) -> None:
    Progbar(1, verbose=0).update(1, [("loss", 1.0)])
    assert terminal.getvalue() == ""


def test_unknown_number_of_steps(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(None)
    clock.now += 2
    bar.update(4, [("loss", 1.0)])
    assert terminal.getvalue() == "\r      4/Unknown \x1b[1m2s\x1b[0m 500ms/step - loss: 1.0000"
    bar.update(4, finalize=True)
    assert terminal.getvalue().endswith("\n")


def test_a_target_that_becomes_known(clock: Clock, pipe: io.StringIO) -> None:
    bar = Progbar(None)
    bar.update(4)
    bar.target = 4
    bar.update(4, finalize=True)
    assert pipe.getvalue() == f"4/4 {FULL} 0s 0s/step\n"


# Averages


def last_values(terminal: Terminal) -> str:
    return terminal.getvalue().rpartition("/step - ")[2]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Progbar(9, interval=0), "loss: 4.0000 - mae: 40.0000"),
        (lambda: Progbar(9, interval=0, stateful_metrics=["mae"]), "loss: 4.0000 - mae: 50.0000"),
        (lambda: Progbar(9, interval=0, stateless_metrics=["mae"]), "loss: 5.0000 - mae: 40.0000"),
        (lambda: Progbar(9, interval=0, stateless_metrics=[]), "loss: 5.0000 - mae: 50.0000"),
    ],
)
def test_values_are_averaged_over_the_steps(
    make: Callable[[], Progbar], expected: str, clock: Clock, terminal: Terminal
) -> None:
    bar = make()
    bar.update(1, [("loss", 1.0), ("mae", 10.0)])
    bar.update(4, [("loss", 5.0), ("mae", 50.0)])
    assert last_values(terminal) == expected


def test_add_counts_on_from_the_last_update(clock: Clock, terminal: Terminal) -> None:
    bar = Progbar(4, interval=0)
    bar.add(1, [("loss", 1.0)])
    bar.add(2, [("loss", 4.0)])
    assert last_values(terminal) == "loss: 3.0000"
    bar.add(1, [("loss", 7.0)])
    assert "4/4" in terminal.getvalue()
    # The call that finalizes shows what it is given: the epoch's own means, in `fit`.
    assert last_values(terminal) == "loss: 7.0000\n"


def test_both_kinds_of_metrics_cannot_be_given() -> None:
    with pytest.raises(ValueError, match=r"not both.* Received: stateful_metrics=\['a'\]"):
        Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


# Streams with shortcomings


def test_an_encoding_without_the_bar_character(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    set_stdout(monkeypatch, io.TextIOWrapper(raw, encoding="ascii"))
    Progbar(1).update(1, [("préc", 1.0)])
    assert raw.getvalue().decode().splitlines() == [
        f"1/1 {'=' * 20} 0s 0s/step - pr?c: 1.0000",
    ]


def test_a_program_without_a_console_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdout(monkeypatch, None)
    bar = Progbar(1)
    bar.update(1)
    assert bar.next_draw == math.inf


def test_errors_of_the_stream_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    set_stdout(monkeypatch, Broken())
    with pytest.raises(BrokenPipeError):
        Progbar(1).update(1)
    closed = io.StringIO()
    closed.close()
    set_stdout(monkeypatch, closed)
    with pytest.raises(ValueError, match="closed file"):
        Progbar(1).update(1)
