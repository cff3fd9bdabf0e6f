"""What the checks of all kinds share: comparing, timing, and arguments for constructors."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Array
from .marks import MistakeError, ratio_note

SLOWEST = 25.0
"""How many times the reference's time is still right: NumPy without recycled buffers is."""

_USUAL = {
    "units": 4,
    "filters": 4,
    "kernel_size": 3,
    "pool_size": 2,
    "rate": 0.3,
    "input_dim": 7,
    "output_dim": 4,
    "activation": "relu",
    "target_shape": (-1,),
    "stddev": 0.5,
    "n": 3,
    "dims": (2, 1),
    "num_heads": 2,
    "key_dim": 3,
}


def close(found: Any, expected: Any, what: str, rule: str, hint: str = "") -> None:
    """Raise a MistakeError unless two arrays agree, but for rounding in float32."""
    a, b = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if a.shape != b.shape:
        raise MistakeError(f"{what} of shape {b.shape}", f"shape {a.shape}", rule, hint)
    scale = max(float(np.abs(b[np.isfinite(b)]).max(initial=0)), 1e-6)
    errors = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    errors = np.nan_to_num(errors, nan=np.inf, posinf=np.inf)
    if errors.size and errors.max() > 1e-4 * scale:
        at = tuple(int(i) for i in np.unravel_index(int(errors.argmax()), errors.shape))
        place = f" at index {at}" if at else ""
        count = int((errors > 1e-4 * scale).sum())
        raise MistakeError(
            f"{what}: {b[at]:.6g}{place}",
            f"{a[at]:.6g} ({count} of {a.size} differ)",
            rule,
            hint or factor_hint(a, b),
        )


def factor_hint(a: Array, b: Array) -> str:
    """Return what to think of where one array is a multiple of the other."""
    norm = float(np.vdot(b, b))
    if not norm or not np.isfinite(a).all():
        return ""
    factor = float(np.vdot(a, b)) / norm
    if not np.allclose(a, factor * b, atol=1e-4 * float(np.abs(b).max()), rtol=0):
        return ""
    return f"Everything is {factor:.4g} times what it should be."


def untouched(before: list[Array], after: list[Array], what: str, rule: str) -> None:
    """Raise a MistakeError if an argument was written to."""
    for kept, now in zip(before, after, strict=True):
        if not np.array_equal(kept, now, equal_nan=True):
            raise MistakeError(
                f"{what} as it was",
                "it was changed",
                rule,
                "An operator such as += or out= writes into the array: use y = x + ... instead.",
            )


def speed(mine: Callable[[], Any], reference: Callable[[], Any]) -> str:
    """Return a note of how long one takes as a multiple of the other; an error if too long."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(5):  # in turns, so that a busy moment hits both
        for run, found in zip((mine, reference), times, strict=True):
            start = time.perf_counter()
            run()
            found.append(time.perf_counter() - start)
    ratio = min(times[0]) / max(min(times[1]), 1e-9)
    if ratio > SLOWEST:
        raise MistakeError(
            f"at most {SLOWEST:.0f} times the reference's time",
            ratio_note(ratio),
            "No Python loops over samples: NumPy works on whole batches.",
            "Replace the loop over samples or units by one operation on arrays, such as x @ W.",
        )
    return ratio_note(ratio)


def constructor_arguments(
    cls: type, given: dict[str, Any] | None, reference: Any
) -> dict[str, Any]:
    """Return what to make an object of a class with.

    What the file says; else what its reference was made with; else usual values for what must be
    given.

    Raises:
        MistakeError: if there is none for an argument that must be given.
    """
    if given is not None:
        return dict(given)
    parameters = inspect.signature(cls).parameters
    known: dict[str, Any] = {}
    if reference is not None and not isinstance(reference, type):
        config = reference.get_config()
        known = {k: v for k, v in config.items() if k not in ("name", "dtype", "trainable")}
        arguments = vars(reference).get("_arguments")
        if arguments is not None:
            bound = inspect.signature(type(reference)).bind_partial(*arguments[0], **arguments[1])
            known |= {k: v for k, v in bound.arguments.items() if k in known}
    chosen = {name: known[name] for name in parameters if name in known}
    for name, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        )
        if required and name not in chosen:
            if name not in _USUAL:
                raise MistakeError(
                    f"a value for the argument {name!r} of {cls.__name__}",
                    "none",
                    "An object is made to be checked.",
                    f"Write ARGUMENTS = {{{cls.__name__!r}: {{{name!r}: ...}}}} in your file.",
                )
            chosen[name] = _USUAL[name]
    return chosen


def made_reference(reference: Any, arguments: dict[str, Any]) -> Any:
    """Return a reference as an object of its own: from a class, with the same arguments."""
    if reference is None:
        return None
    if isinstance(reference, type):
        parameters = inspect.signature(reference).parameters
        return reference(**{k: v for k, v in arguments.items() if k in parameters})
    return type(reference).from_config(reference.get_config())
