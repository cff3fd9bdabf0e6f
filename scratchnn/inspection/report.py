"""What a comparison of two models found, as data and as a table."""

from __future__ import annotations

from typing import NamedTuple

from .statistics import shape_text, table


class Difference(NamedTuple):
    """How a tensor differs between two twins in one step.

    Attributes:
        step: counted from 1.
        kind: 'output', 'loss', 'gradient', 'slot', 'weight' or 'state'.
        name: such as 'dense' for its output, 'dense/kernel' for a weight, and
            'dense/kernel.momentum' for what the optimizer remembers of it.
        shape: of the tensor.
        largest: the largest difference of two elements.
        relative: the same, relative to the size that it is judged by.
        too_large: whether that is beyond the tolerance.
        hint: where to look, if it is.

    Example:
        >>> Difference(1, "loss", "loss", (), 1e-8, 1e-8, False).too_large
        False
    """

    step: int
    kind: str
    name: str
    shape: tuple[int, ...]
    largest: float
    relative: float
    too_large: bool
    hint: str = ""


class Report:
    """What `compare_with_keras` found; `print` shows it as a table.

    Attributes:
        model: the model's name.
        differences: a Difference for each tensor and step, in the order in which a step makes them.
        tolerance: the largest relative difference that is taken for rounding.

    Example:
        >>> found = Difference(1, "gradient", "dense/bias", (3,), 0.5, 1.0, True, "Look there.")
        >>> report = Report("model", [found], 1e-4)
        >>> report.first_difference, report.largest
        ('dense/bias', {'gradient': 1.0})
    """

    def __init__(self, model: str, differences: list[Difference], tolerance: float) -> None:
        self.model = model
        self.differences = differences
        self.tolerance = tolerance

    @property
    def first(self) -> Difference | None:
        """The first Difference beyond the tolerance; None for a true twin."""
        return next((found for found in self.differences if found.too_large), None)

    @property
    def first_difference(self) -> str | None:
        """Its name, such as 'dense/kernel'; None for a true twin."""
        return None if self.first is None else self.first.name

    @property
    def largest(self) -> dict[str, float]:
        """{kind: the largest relative difference of that kind}."""
        found: dict[str, float] = {}
        for one in self.differences:
            found[one.kind] = max(found.get(one.kind, 0.0), one.relative)
        return found

    def __str__(self) -> str:
        steps = max(found.step for found in self.differences)
        rows: dict[tuple[str, str], list[Difference]] = {}
        for found in self.differences:
            rows.setdefault((found.kind, found.name), []).append(found)
        head = ("", "", "shape", *(f"step {i + 1}" for i in range(steps)), "")
        cells: list[tuple[str, ...]] = [head]
        for (kind, name), parts in rows.items():
            by_step = {part.step: f"{part.relative:.1e}" for part in parts}
            mark = "<-- differs" if any(part.too_large for part in parts) else ""
            if self.first is not None and (kind, name) == (self.first.kind, self.first.name):
                mark = "<== differs first"
            numbers = [by_step.get(i + 1, "") for i in range(steps)]
            cells.append((kind, name, shape_text(parts[0].shape), *numbers, mark))
        lines = table(cells, left=2)
        return "\n".join([*lines, "", self.verdict])

    @property
    def verdict(self) -> str:
        """The result in a sentence or two."""
        about = f"relative differences, tolerance {self.tolerance:.0e}"
        if self.first is None:
            return f"{self.model!r} is a twin of the Keras model ({about})."
        first = self.first
        return (
            f"The first to differ is the {first.kind} of {first.name!r} in step {first.step}, by "
            f"{first.largest:.3g} ({about}). {first.hint}"
        ).rstrip()

    def __repr__(self) -> str:
        return f"<Report on {self.model!r}: first_difference={self.first_difference!r}>"
