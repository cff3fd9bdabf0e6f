"""What a check says: a mark for each part, and the table of all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
            rows.append((name, mark.part, "right" if mark.passed else "WRONG", mark.note))
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
            found = self._error(error)
        self.marks.append(Mark(self.subject, self.kind, name, False, mistake=found))
        if needed:
            self._blocked = name

    def _error(self, error: Exception) -> MistakeError:
        where = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == self.file]
        text = f"{type(error).__name__}: {error}"
        if where:
            text += f"\nin line {where[-1].lineno} of your file: {where[-1].line}"
        hint = "Run the line alone, and look at the shapes of its arrays."
        if "could not broadcast" in str(error):
            hint = "A gradient has the shape of its weight: is a sum over the batch missing?"
        rule = "It must run before anything else can be checked."
        return MistakeError("no error", text, rule, hint)


def ratio_note(ratio: float) -> str:
    """Return how long something takes, as a multiple of its reference."""
    return f"{ratio:.1f} times the reference's time"


def described(value: Any) -> str:
    """Return a value for a message: arrays by shape and dtype."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)}, {value.dtype}"
    return f"{value!r} of type {type(value).__name__}"
