"""What a wrong gradient looks like: the report of a failed check, and what usually causes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Array

_ROWS = 5
_CLOSE = 1e-4  # relative: how well one of the patterns below must fit to be named


def report(
    name: str,
    found: Array,
    expected: Array,
    tolerance: float,
    samples: int,
    of_one_sample: Callable[[int], Array] | None = None,
    cause: str = "",
) -> str:
    """Return the text for a gradient that differs from what the outputs say.

    Arguments:
        name: of the parameter or input.
        found, expected: the gradient by backward and by differences; NaN where none was taken.
        tolerance: the largest error that is none, relative to the largest gradient.
        samples: N, the number of samples of the batch.
        of_one_sample: tells the expected gradient if the output of one sample alone counted.
        cause: of the difference, where it is known; else the numbers are looked at.
    """
    taken = ~np.isnan(expected)
    errors = np.where(taken, np.abs(expected - found), 0)
    errors[np.isnan(errors)] = np.inf
    order = np.argsort(-errors, axis=None, kind="stable")
    scale = max(1.0, float(np.abs(expected[taken]).max()))
    wrong = int(np.count_nonzero(errors > tolerance * scale))
    worst = _index(int(order[0]), found)
    lines = [
        f"The gradient of {name} is wrong, most at index {worst}: backward says "
        f"{found[worst]:.8g}, the outputs say {expected[worst]:.8g} "
        f"({wrong} of {np.count_nonzero(taken)} elements differ)."
    ]
    table = [("index", "backward", "outputs", "backward / outputs")]
    for place in order[: min(_ROWS, max(wrong, 1))]:
        index = _index(int(place), found)
        a, b = found[index], expected[index]
        ratio = f"{a / b:.6g}" if b else "-"
        table.append((str(index), f"{a:.8g}", f"{b:.8g}", ratio))
    widths = [max(len(row[i]) for row in table) for i in range(4)]
    lines.append("")
    lines += [
        "  " + "  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in _columns(row, widths)])
        for row in table
    ]
    hints = [cause] if cause else list(_hints(found, expected, taken, samples, of_one_sample))
    return "\n".join([*lines, "", *(f"Hint: {hint}" for hint in hints)]).rstrip()


def _columns(row: tuple[str, ...], widths: list[int]) -> Iterator[tuple[str, int]]:
    return zip(row[1:], widths[1:], strict=True)


def _index(place: int, array: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(place, array.shape))


def _hints(
    found: Array,
    expected: Array,
    taken: Array,
    samples: int,
    of_one_sample: Callable[[int], Array] | None,
) -> Iterator[str]:
    """Yield what the numbers look like, the likeliest first."""
    a, b = found[taken], expected[taken]
    if not a.any():
        yield (
            "Everything is 0. Does backward assign this gradient from dy? And does a mask or a "
            "product with 0 wipe it out?"
        )
        return
    if not b.any():
        yield "The outputs do not depend on it at all: does forward use it?"
        return
    factor = float(a @ b / (b @ b))
    if _same(a, factor * b):
        yield from _factors(factor, samples)
        return
    patterns = list(_patterns(found, expected, taken, samples, of_one_sample))
    if patterns:
        yield from patterns
        return
    agree = np.abs(a - b) <= _CLOSE * max(np.abs(b).max(), 1e-30)
    if 0 < np.count_nonzero(agree) < agree.size:
        yield (
            f"{np.count_nonzero(agree)} of {agree.size} elements are right, so the formula is, "
            "too, for them: look for an index, a branch (x < 0?) or a border treated apart."
        )
    elif np.array_equal(np.sign(a), np.sign(b)):
        yield (
            "All signs are right and the sizes are not: is the derivative of an activation "
            "missing, or a term of a product rule?"
        )


def _patterns(
    found: Array,
    expected: Array,
    taken: Array,
    samples: int,
    of_one_sample: Callable[[int], Array] | None,
) -> Iterator[str]:
    """Yield which well-known wrong gradient it is."""
    a, b = found[taken], expected[taken]
    if found.ndim == 2 and found.shape[0] == found.shape[1] and _same(found.T[taken], b):
        yield (
            "It is the transpose of the right one. For y = x W the gradient of W is x.T @ dy, and "
            "dx is dy @ W.T."
        )
    elif found.ndim >= 1 and _same(np.flip(found)[taken], b):
        yield "It is the right one backwards, along all axes: is a kernel flipped once too often?"
    elif _same(np.sort(a), np.sort(b)):
        yield "All the right numbers are there, in other places: look at reshape and transpose."
    if of_one_sample is not None:
        for sample in {0, samples - 1}:
            if samples > 1 and _same(a, of_one_sample(sample)[taken]):
                yield (
                    f"It is the gradient of sample {sample} alone: sum over the batch, "
                    "`.sum(axis=0)`, because every sample adds to the loss."
                )


def _factors(factor: float, samples: int) -> Iterator[str]:
    known = {
        -1.0: "The sign is wrong everywhere: is there a minus in forward that backward forgot?",
        2.0: "It is twice too large: the 2 of a square counted twice, or a gradient added twice?",
        0.5: "It is half of what it should be: the 2 from the derivative of a square?",
        float(samples): f"It is {samples} times too large, and the batch has {samples} samples: a "
        "sum where forward takes the mean?",
        1 / samples: f"It is {samples} times too small, and the batch has {samples} samples: "
        "`.mean(axis=0)` where `.sum(axis=0)` belongs? The loss's own gradient has its 1/N in it.",
    }
    hits = [text for value, text in known.items() if abs(factor - value) <= _CLOSE * abs(value)]
    yield from hits or [f"It is right but for a factor of {factor:.6g} everywhere."]


def _same(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=_CLOSE * max(float(np.abs(b).max()), 1e-30)))
