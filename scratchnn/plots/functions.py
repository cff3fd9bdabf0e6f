"""Functions of one number: activations with their gradients, and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import activations, naming
from ..arrays import Array
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_USUAL = ("relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh", "softplus", "silu")
_POINTS = 801


def activation_functions(
    functions: Any = _USUAL, x_range: tuple[float, float] = (-4.0, 4.0), theme: str = "light"
) -> Figure:
    """Draw activation functions, each with its gradient.

    Arguments:
        functions: names and functions, of this package, of Keras or of your own; or
            {label: function}; or one of these. The gradient is the written one; that of a function
            of your own without a `gradient` is worked out from differences.
        x_range: from where to where.
        theme: 'light' or 'dark'.

    Returns:
        A Figure with a panel for each function.

    Raises:
        ValueError: for an unknown name, and functions that are not of one number, such as softmax.

    Example:
        >>> figure = activation_functions(["relu", "tanh"])
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['relu', 'tanh']
    """
    named = _named(functions)
    low, high = map(float, x_range)
    if not low < high:
        raise ValueError(f"x_range must be (low, high) with low < high. Received: {x_range}.")
    x = np.linspace(low, high, _POINTS)
    curves = {label: _curve(label, function, x) for label, function in named.items()}
    columns = min(4, len(curves)) if len(curves) != 6 else 3
    rows = math.ceil(len(curves) / columns)
    with style(theme) as colors:
        width = WIDTH * max(0.45, min(1.0, columns / 4 + 0.1))
        figure = new_figure(width, 2.1 * rows + 0.35, colors)
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for panel, (label, (y, dy)) in zip(panels, curves.items(), strict=False):
            axis_lines(panel, colors)
            panel.plot(x, y, color=colors.series[0], lw=2, label="f(x)")
            for i, part in enumerate(_without_jumps(x, dy)):
                name = "gradient f'(x)" if i == 0 else "_"
                panel.plot(*part, color=colors.series[1], lw=1.6, ls=(0, (4, 1.5)), label=name)
            panel.set_title(label, size=10)
            panel.set_xlim(low, high)
            plain(panel, colors)
        for panel in panels[len(curves) :]:
            panel.remove()
        for panel in panels[max(0, len(curves) - columns) : len(curves)]:
            panel.set_xlabel("x")
            panel.tick_params(labelbottom=True)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def learning_rate(schedules: Any, steps: int | None = None, theme: str = "light") -> Figure:
    """Draw the learning rate over the steps of training.

    Arguments:
        schedules: a schedule of this package or of Keras, a function of the step, an optimizer, or
            a number; or {label: schedule} to compare several.
        steps: how many steps to draw; unless given, as many as the schedules decay over.
        theme: 'light' or 'dark'.

    Returns:
        A Figure.

    Raises:
        ValueError: for anything else, and steps below 1.

    Example:
        >>> from scratchnn.optimizers.schedules import CosineDecay
        >>> figure = learning_rate(CosineDecay(0.1, decay_steps=500))
        >>> figure.axes[0].lines[0].get_ydata()[0].round(3)
        np.float64(0.1)
    """
    given = schedules if isinstance(schedules, Mapping) else {"": schedules}
    if not given:
        raise ValueError("There is no schedule to draw. Received: an empty dict.")
    rates = {str(label): _as_rate(schedule) for label, schedule in given.items()}
    if steps is None:
        steps = max(_length(schedule) for schedule in given.values())
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: {steps}.")
    at = np.unique(np.linspace(0, steps, min(steps + 1, _POINTS)).astype(int))
    with style(theme) as colors:
        figure = new_figure(0.65 * WIDTH, 3.0, colors)
        axes = figure.subplots()
        for i, (label, rate) in enumerate(rates.items()):
            y = [float(rate(int(step))) for step in at]
            axes.plot(at, y, color=colors.series[i % len(colors.series)], lw=1.8, label=label)
        axes.set(xlabel="step", ylabel="learning rate", xlim=(0, steps))
        axes.set_ylim(bottom=0 if axes.get_ylim()[0] > -1e-12 else None)
        axes.grid(True, color=colors.line, linewidth=0.6)
        plain(axes, colors)
        if len(rates) > 1 or "" not in rates:
            figure.legend(loc="outside upper left", ncols=3)
    return figure


def plain(axes: Axes, colors: Theme) -> None:
    """Leave a panel its left and lower edge, and quiet ticks."""
    axes.tick_params(length=0, labelsize=9, labelcolor=colors.muted)
    axes.spines[["top", "right"]].set_visible(False)


def axis_lines(axes: Axes, colors: Theme) -> None:
    """Draw the lines x = 0 and y = 0."""
    axes.axhline(0, color=colors.line, lw=0.8)
    axes.axvline(0, color=colors.line, lw=0.8)


def _named(functions: Any) -> dict[str, Any]:
    if isinstance(functions, Mapping):
        named = {str(label): function for label, function in functions.items()}
    else:
        several = isinstance(functions, Sequence) and not isinstance(functions, str)
        listed = list(functions) if several else [functions]
        named = {}
        for function in listed:
            name = function if isinstance(function, str) else _name(function)
            named[name] = function
    if not named:
        raise ValueError("There is no function to draw. Received: none.")
    return named


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None) or getattr(function, "name", None)
    return str(name or type(function).__name__)


def _curve(label: str, function: Any, x: Array) -> tuple[Array, Array]:
    """Return f(x) and its gradient."""
    f, gradient = _resolved(function)
    with np.errstate(all="ignore"):
        y = np.asarray(f(x.copy()), dtype=float)
        if y.shape != x.shape or not np.allclose(y[:3], np.asarray(f(x[:3].copy())), atol=1e-5):
            raise ValueError(
                f"{label!r} is not a function of one number: its values depend on one another, as "
                "those of softmax do."
            )
        if gradient is not None:
            return y, np.asarray(gradient(x, y), dtype=float)
        h = 1e-6 * max(1.0, float(np.abs(x).max()))
        return y, (np.asarray(f(x + h), float) - np.asarray(f(x - h), float)) / (2 * h)


def _resolved(function: Any) -> tuple[Callable[[Array], Any], Callable[[Array, Array], Any] | None]:
    """Return a function of arrays, and one for its gradient; None where nobody wrote it."""
    if not isinstance(function, str) and not callable(function):
        raise ValueError(f"Expected names or functions. Received: {function!r}.")
    theirs = str(getattr(function, "__module__", "")).startswith("keras.")
    if theirs and hasattr(activations, _name(function)):
        function = _name(function)  # ours is the same, and has its gradient written out
    try:
        resolved: Any = activations.get(function)
        nonlinearity = activations.Nonlinearity(resolved)
    except ValueError:
        if isinstance(function, str):
            naming.unknown("activation", function, activations.__all__)
        return function, None

    def call(x: Array) -> Array:
        return np.asarray(resolved(x[np.newaxis])).reshape(-1)

    def gradient(x: Array, y: Array) -> Array:
        from ..context import Context

        ctx = Context(dtype=x.dtype)
        nonlinearity.build((1, len(x)))
        nonlinearity.forward(x[np.newaxis].copy(), ctx)
        return np.asarray(nonlinearity.backward(np.ones((1, len(x))), ctx)).reshape(-1)

    return call, gradient


def _without_jumps(x: Array, y: Array) -> list[tuple[Array, Array]]:
    """Return the pieces of a curve between its jumps: a line across would not be true."""
    steps = np.abs(np.diff(y))
    usual = 20 * np.median(steps) + 0.02 * (np.ptp(y) or 1)
    cuts = np.flatnonzero(steps > usual) + 1
    return list(zip(np.split(x, cuts), np.split(y, cuts), strict=True))


def _as_rate(schedule: Any) -> Callable[[int], Any]:
    inner = getattr(schedule, "_learning_rate", None)
    if inner is not None and hasattr(schedule, "apply_gradients"):
        return _as_rate(inner)
    if callable(schedule):
        return lambda step: _number(schedule(step))
    if isinstance(schedule, bool) or np.ndim(schedule) or not _is_number(schedule):
        raise ValueError(
            "Expected a schedule, a function of the step, an optimizer or a number. "
            f"Received: {schedule!r}."
        )
    return lambda step: _number(schedule)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _number(value: Any) -> float:
    return float(np.asarray(value))


def _length(schedule: Any) -> int:
    """Return how many steps show what a schedule does."""
    inner = getattr(schedule, "_learning_rate", schedule)
    config = inner.get_config() if hasattr(inner, "get_config") else {}
    boundaries = config.get("boundaries")
    if boundaries:
        return int(1.25 * max(boundaries))
    decay = config.get("decay_steps") or 4 * config.get("first_decay_steps", 0)
    if config.get("decay_rate") is not None:
        decay *= 5  # it goes on for ever
    return int(1.1 * (decay + (config.get("warmup_steps") or 0))) or 1000
