"""What a check says: a mark for each part, and the table of all of them."""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..statistics import table


class MistakeError(Exception):
    """A part that is wrong: what was expected, what was found, which rule, and a hint.

    Arguments:
        expected, found: two short texts.
        rule: the line of the contract.
        hint: what to try.
    """

    def __init__(self, expected: str, found: str, rule: str, hint: str = "") -> None:
        super().__init__(f"expected {expected}; found {found}")
        self.expected = expected
        self.found = found
        self.rule = rule
        self.hint = hint


@dataclass
class Mark:
    """The result of one part.

    Attributes:
        subject: the class or function that was checked; `kind` is 'layer', 'loss', ...
        part: such as 'gradients'.
        passed: whether it is right.
        note: a short remark, such as how fast it is.
        mistake: what is wrong, if anything.
    """

    subject: str
    kind: str
    part: str
    passed: bool
    note: str = ""
    mistake: MistakeError | None = None

    def __str__(self) -> str:
        if self.mistake is None:
            return f"{self.subject}, {self.part}: {'right' if self.passed else self.note}"
        wrong = self.mistake
        lines = [
            f"{self.subject}, {self.part}:",
            f"    expected: {wrong.expected}",
            f"    found:    {_indented(wrong.found)}",
            f"    rule:     {wrong.rule}",
        ]
        return "\n".join(lines + ([f"    hint:     {wrong.hint}"] if wrong.hint else []))


def _indented(text: str) -> str:
    return text.replace("\n\n", "\n").replace("\n", "\n              ")


@dataclass
class Scores:
    """All marks of a file; `print` shows what is wrong, and a table.

    Attributes:
        marks: list of Mark.

    Example:
        >>> good = Mark("MyDense", "layer", "runs", True)
        >>> bad = Mark("MyDense", "layer", "gradients", False)
        >>> scores = Scores([good, bad])
        >>> scores.passed, scores.score, scores.wrong("MyDense")
        (False, 0.5, ['gradients'])
    """

    marks: list[Mark] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything is right."""
        return all(mark.passed for mark in self.marks)

    @property
    def score(self) -> float:
        """The share of the parts that are right."""
        return sum(mark.passed for mark in self.marks) / max(len(self.marks), 1)

    def wrong(self, subject: str | None = None) -> list[str]:
        """Return the names of the parts that are wrong, of one subject or of all."""
        return [m.part for m in self.marks if not m.passed and subject in (None, m.subject)]

    def __str__(self) -> str:
        wrong = [str(mark) for mark in self.marks if not mark.passed and mark.mistake]
        rows: list[tuple[str, ...]] = [("", "part", "", "")]
        last = ""
        for mark in self.marks:
            name = f"{mark.subject} ({mark.kind})" if mark.subject != last else ""
            last = mark.subject
            word = "right" if mark.passed else "WRONG" if mark.mistake else "-"
            rows.append((name, mark.part, word, mark.note))
        right = sum(mark.passed for mark in self.marks)
        total = f"{right} of {len(self.marks)} parts are right: {self.score:.0%}"
        return "\n\n".join([*wrong, "\n".join(table(rows, left=4)), total])


class Checks:
    """Runs the parts of one subject, one after the other.

    Arguments:
        subject, kind: whose they are.
        file: the file of the user's, whose lines are named in errors.
    """

    def __init__(self, subject: str, kind: str, file: str) -> None:
        self.subject = subject
        self.kind = kind
        self.file = file
        self.marks: list[Mark] = []
        self._blocked = ""

    def part(self, name: str, check: Callable[[], str | None], needed: bool = False) -> None:
        """Run a check, which raises a MistakeError or returns a note.

        Arguments:
            name: of the part.
            check: the check.
            needed: whether the parts after it cannot be checked without it.
        """
        if self._blocked:
            note = f"not reached: {self._blocked} comes first"
            self.marks.append(Mark(self.subject, self.kind, name, False, note))
            return
        try:
            note = check() or ""
            self.marks.append(Mark(self.subject, self.kind, name, True, note))
            return
        except MistakeError as mistake:
            found = mistake
        except Exception as error:
            found = self._error(error, needed)
        self.marks.append(Mark(self.subject, self.kind, name, False, mistake=found))
        if needed:
            self._blocked = name

    def _error(self, error: Exception, needed: bool) -> MistakeError:
        text = f"{type(error).__name__}: {error}"
        line = ""
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self.file:
                line = linecache.getline(self.file, number).strip()
                place = f"\nin line {number} of your file: {line}"
                shapes = _shapes(line, {**frame.f_globals, **frame.f_locals})
        if line:
            text += place + (f"\nwhere {shapes}" if shapes else "")
        rule = "Nothing raises an error."
        if needed:
            rule = "It must run before anything else can be checked."
        return MistakeError("no error", text, rule, _hint(error, self.kind, bool(line)))


_METHODS = {
    "layer": "build(self, input_shape), forward(self, x, ctx) and backward(self, dy, ctx)",
    "loss": "call(self, y_true, y_pred) and gradient(self, y_true, y_pred)",
    "metric": "update_state(self, y_true, y_pred, sample_weight=None) and result(self)",
    "optimizer": "update(self, w, g, *slots)",
    "activation": "f(x) and f.gradient(dy, x, y)",
}


def _hint(error: Exception, kind: str, in_file: bool) -> str:
    """Return what to try against an error."""
    text = str(error)
    if isinstance(error, NotImplementedError):
        return f"What this kind, {kind}, consists of: {_METHODS[kind]}."
    if isinstance(error, TypeError) and "argument" in text and not in_file:
        return f"They are called as {_METHODS[kind]}."
    if isinstance(error, AttributeError) and not in_file:
        return "Begin __init__ with super().__init__(...): it sets what the base class needs."
    if "could not broadcast" in text:
        return "A gradient has the shape of its weight: is a sum over the batch missing?"
    if "matmul" in text or "not aligned" in text:
        return (
            "The inner sizes of a product must be equal: (N, D) @ (D, U). For y = x @ W, the "
            "gradient of W is x.T @ dy, and dx is dy @ W.T."
        )
    return "Run the line alone, and look at its values." if in_file else ""


def _shapes(line: str, names: dict[str, Any]) -> str:
    """Return the shapes of the arrays that a line names: 'dy is (4, 3), self.kernel (5, 4)'."""
    try:
        nodes = list(ast.walk(ast.parse(line)))
    except SyntaxError:  # a part of a longer statement
        return ""
    found: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            first, *attributes = ast.unparse(node).split(".")
            value = names.get(first)
            for attribute in attributes:
                value = getattr(value, attribute, None)
            if isinstance(value, np.ndarray):
                found[ast.unparse(node)] = value.shape
    longest = {k: v for k, v in found.items() if not any(o.startswith(f"{k}.") for o in found)}
    return ", ".join(f"{name} is of shape {shape}" for name, shape in longest.items())


def ratio_note(ratio: float) -> str:
    """Return how long something takes, as a multiple of its reference."""
    return f"{ratio:.1f} times the reference's time"


def described(value: Any) -> str:
    """Return a value for a message: arrays by shape and dtype."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)}, {value.dtype}"
    return "None" if value is None else f"{value!r} of type {type(value).__name__}"
