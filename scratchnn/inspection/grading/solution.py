"""A file of the user's: what it defines, what each is compared with, and the marks of all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from ... import layers, losses, metrics, optimizers
from ...layers.base import Layer
from ...losses.base import Loss
from ...metrics.base import Metric
from ...models.model import Model
from ...optimizers.base import Optimizer
from ..programs import ProgramError, load_file
from ..recording import undisturbed
from .layer_checks import check_layer
from .loss_checks import activation_of, check_activation, check_loss
from .marks import Checks, Mark, MistakeError, Scores
from .training_checks import check_metric, check_optimizer

_KINDS: dict[type, tuple[str, ModuleType, Callable[..., None]]] = {
    Layer: ("layer", layers, check_layer),
    Loss: ("loss", losses, check_loss),
    Metric: ("metric", metrics, check_metric),
    Optimizer: ("optimizer", optimizers, check_optimizer),
}


def grade(path: str) -> Scores:
    """Check the layers, losses, metrics, activations and optimizers that a file defines.

    Each is checked part by part: that it runs, shapes and dtypes, gradients against differences of
    the outputs, that it may be used twice, that it agrees with its reference in this package, and
    how its time compares.

    A class is made with usual arguments (units=4), and its reference is the class of this package
    with its name, with or without a "My" in front. A file that wants it otherwise says so, in the
    class as `reference`, `arguments` and `example`, or for several at once:

        REFERENCES = {"Layer1": keras.layers.Dense(4, activation="relu")}
        ARGUMENTS = {"Layer1": {"units": 4}}
        EXAMPLES = {"Layer1": (3, 5)}  # the shape of a batch, or the batch

    An activation is a function with an attribute `gradient(dy, x, y)`.

    Arguments:
        path: the file, such as 'solution.py'.

    Returns:
        Scores: print it for what is wrong, and a table; `scores.passed`, `scores.score`.

    Raises:
        ProgramError: if there is no such file, or nothing to grade in it.

    Example:
        >>> import pathlib, tempfile
        >>> text = '''
        ... import numpy as np
        ... def tanh(x):
        ...     return np.tanh(x)
        ... tanh.gradient = lambda dy, x, y: dy * (1 - y)
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "solution.py")
        ...     _ = file.write_text(text)
        ...     scores = grade(str(file))
        >>> scores.wrong()
        ['gradient']
    """
    with undisturbed():
        module = load_file(path)
        marks: list[Mark] = []
        with np.errstate(all="ignore"):
            for checks, run in _subjects(module, path):
                try:
                    run(checks)
                except MistakeError as mistake:  # there was no way to make one
                    mark = Mark(checks.subject, checks.kind, "arguments", False, mistake=mistake)
                    checks.marks.append(mark)
                marks += checks.marks
    if not marks:
        raise ProgramError(
            f"{path!r} defines nothing to grade: no class that extends keras.layers.Layer, "
            "keras.losses.Loss, keras.metrics.Metric or keras.optimizers.Optimizer, and no "
            "function with an attribute gradient."
        )
    return Scores(marks)


def _subjects(module: ModuleType, path: str) -> Iterator[tuple[Checks, Callable[[Checks], None]]]:
    """Yield what a file defines, in its order, each with what checks it."""
    file = str(module.__file__)
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        reference = _said(module, name, value, "reference")
        example = _said(module, name, value, "example")
        if inspect.isfunction(value):
            reference = reference or activation_of(name.removeprefix("my_"))
            if hasattr(value, "gradient") or reference is not None:
                yield (
                    Checks(name, "activation", file),
                    lambda checks, f=value, r=reference: check_activation(checks, f, r),  # type: ignore[misc]
                )
            continue
        kind = next((_KINDS[base] for base in _KINDS if _extends(value, base)), None)
        if kind is not None:
            label, library, check = kind
            reference = reference or _namesake(library, name)
            given = [_said(module, name, value, "arguments"), reference]
            given += [] if label == "optimizer" else [example]
            yield (
                Checks(name, label, file),
                lambda checks, c=check, v=value, g=tuple(given): c(checks, v, *g),  # type: ignore[misc]
            )


def _extends(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not issubclass(value, Model)


def _said(module: ModuleType, name: str, value: Any, what: str) -> Any:
    """Return what a file says of a class: in its registry, or in the class itself."""
    registry = getattr(module, f"{what.removesuffix('s').upper()}S", {})
    if name in registry:
        return registry[name]
    return vars(value).get(what)


def _namesake(library: ModuleType, name: str) -> Any:
    for known in (name, name.removeprefix("My"), name.removeprefix("Own")):
        if known in library.__all__ and isinstance(getattr(library, known), type):
            return getattr(library, known)
    return None
