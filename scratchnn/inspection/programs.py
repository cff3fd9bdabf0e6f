"""Programs of the user's: their file loaded, their model built, and data made up for it."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array


class ProgramError(Exception):
    """What is wrong with a file that the command line was given."""


def load_file(path: str) -> ModuleType:
    """Run a Python file, and return it as a module.

    Raises:
        ProgramError: if there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else "does not exist"
        raise ProgramError(f"There is no file {path!r}: it {what}. Looked in {Path.cwd()}.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ProgramError(f"{path!r} is not a Python file: its name must end in .py.")
    spec.origin = str(file.resolve())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(program: ModuleType, library: Any, seed: int) -> tuple[Any, ...]:
    """Return (model, x, y, sample_weight) of a program for one of the libraries.

    The program defines `build(keras)`, which returns a compiled model, or a tuple of it, x, y and
    perhaps sample weights. Without data there it may define `data()`, which returns x, y and
    perhaps sample weights. Without either, x and y are None.

    Raises:
        ProgramError: if it does not.
    """
    build = getattr(program, "build", None)
    if not callable(build):
        own = [name for name, value in vars(program).items() if callable(value)]
        near = naming.nearest("build", own).replace("Did you mean", "Is it meant by")
        raise ProgramError(
            f"{program.__name__}.py must define build(keras), which returns a compiled model, or "
            f"(model, x, y). It is called with keras and with scratchnn in its place.{near}"
        )
    library.utils.clear_session()
    library.utils.set_random_seed(seed)
    if not inspect.signature(build).parameters:
        raise ProgramError(
            "build must take one argument, the library to build with: def build(keras): ..."
        )
    made = build(library)
    parts = tuple(made) if isinstance(made, tuple | list) else (made,)
    model = parts[0]
    if not hasattr(model, "train_on_batch") or len(parts) == 2 or len(parts) > 4:
        raise ProgramError(
            "build(keras) must return a model, or (model, x, y), or (model, x, y, sample_weight). "
            f"Received: {tuple(type(part).__name__ for part in parts)}."
        )
    if not getattr(model, "compiled", False):
        raise ProgramError("build(keras) must compile its model: model.compile(optimizer, loss).")
    if len(parts) == 1 and callable(getattr(program, "data", None)):
        parts = (model, *program.data())
        if len(parts) not in (3, 4):
            raise ProgramError("data() must return (x, y) or (x, y, sample_weight).")
    if len(parts) == 1:
        return (model, None, None, None)
    return (*parts, None)[:4]


def example_data(model: Any, samples: int, seed: int) -> tuple[Any, Any]:
    """Make up a batch for a compiled model: normal numbers, or small whole ones; and targets.

    The targets suit the loss: labels, one-hot rows, zeros and ones, or numbers.

    Raises:
        ProgramError: if the shape of the model's input is not known.
    """
    if not model.built:
        raise ProgramError(
            "The model does not know its input. Start it with an Input, or return data: "
            "(model, x, y)."
        )
    rng = np.random.default_rng(seed)
    x = [_numbers(rng, samples, tensor.shape[1:], tensor.dtype) for tensor in model.inputs]
    shapes = [tensor.shape for tensor in model.outputs]
    parts = getattr(model._loss, "parts", None) or [model._loss]
    y = [
        None if part is None else _targets(rng, samples, shape[1:], part)
        for part, shape in zip(parts, shapes, strict=True)
    ]
    return (x if len(x) > 1 else x[0]), (y if len(y) > 1 else y[0])


def _numbers(rng: Any, samples: int, shape: Any, dtype: str) -> Array:
    sizes = (samples, *(3 if size is None else size for size in shape))
    if np.dtype(dtype).kind in "iu":
        return np.asarray(rng.integers(0, 2, sizes), dtype)
    return np.asarray(rng.normal(size=sizes), np.float32)


def _targets(rng: Any, samples: int, shape: Any, loss: Any) -> Array:
    kind = type(loss.loss).__name__
    sizes = (samples, *(3 if size is None else size for size in shape))
    if kind.startswith("Sparse"):
        return np.asarray(rng.integers(0, sizes[-1], sizes[:-1]))
    if kind.startswith("Categorical") or loss.loss is None:
        rows: Array = np.eye(sizes[-1], dtype=np.float32)[rng.integers(0, sizes[-1], sizes[:-1])]
        return rows
    if kind.startswith("Binary") or "Hinge" in kind:
        return np.asarray(rng.integers(0, 2, sizes), np.float32)
    if kind in ("Poisson", "KLDivergence", "MeanSquaredLogarithmicError"):
        return np.asarray(rng.uniform(0.1, 1, sizes), np.float32)
    return np.asarray(rng.normal(size=sizes), np.float32)
