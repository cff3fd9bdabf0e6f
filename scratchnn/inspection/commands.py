"""What `python -m scratchnn.inspection` does."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .programs import ProgramError, built, example_data, load_file

_COMPARE = """\
Train a model and its twin in Keras side by side, and name the first tensor that differs.

The file defines build(keras), which returns a compiled model. It is called twice: with Keras, and
with scratchnn in its place. A layer of your own has a backward here and none in Keras:

    def build(keras):
        mine = keras.layers.Dense if keras.__name__ == "keras" else MyDense
        model = keras.Sequential([keras.Input((4,)), mine(8), keras.layers.Dense(3)])
        model.compile("adam", "mse")
        return model                  # or: return model, x, y

Without data, some is made up that suits the inputs and the loss. The exit status is 0 for a twin,
1 for a difference, 2 for a file that cannot be used.
"""

_GRADE = """\
Check the layers, losses, metrics, activations and optimizers that a file defines, part by part.

Each class that extends Layer, Loss, Metric or Optimizer, and each function with an attribute
gradient(dy, x, y), is checked: it runs, shapes, dtype, its arguments are left alone, gradients, it
may be used twice, it agrees with its reference, and how its time compares. The reference is the
class of scratchnn with its name, or with its name after "My". A function that is named like an
activation (sigmoid, my_sigmoid) must have a gradient; helpers that begin with an underscore are
left alone. A file may say otherwise:

    class Layer1(keras.layers.Layer):
        reference = keras.layers.Dense(4, activation="relu")
        arguments = {"units": 4}      # to make it with
        example = (3, 5)              # the shape of a batch, or the batch

or for several at once: REFERENCES = {"Layer1": ...}, ARGUMENTS = {...}, EXAMPLES = {...}. The exit
status is 0 if every part is right, 1 if one is wrong, 2 for a file that cannot be used.
"""


_USE = """\
examples:
  python -m scratchnn.inspection compare my_model.py    # with build(keras) in it
  python -m scratchnn.inspection grade solution.py      # layers, losses, ... of your own
  python -m scratchnn.inspection grade --help           # what the file looks like
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m scratchnn.inspection",
        description="Look inside models and layers.",
        epilog=_USE,
        formatter_class=plain,
    )
    commands = parser.add_subparsers(dest="command")
    compare = commands.add_parser(
        "compare", help="compare a model with Keras", description=_COMPARE, formatter_class=plain
    )
    compare.add_argument("file", help="a Python file with build(keras)")
    compare.add_argument("--steps", type=int, default=3, help="training steps (3)")
    compare.add_argument("--tolerance", type=float, default=1e-4, help="relative (1e-4)")
    compare.add_argument("--samples", type=int, default=8, help="of data that is made up (8)")
    compare.add_argument("--seed", type=int, default=0, help="of weights and data (0)")
    grade = commands.add_parser(
        "grade", help="grade parts of one's own", description=_GRADE, formatter_class=plain
    )
    grade.add_argument("file", help="a Python file with layers, losses, ... of one's own")
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return 2
    chosen = _compare if given.command == "compare" else _grade
    return _run(lambda: chosen(given), Path(given.file))


def _run(command: Callable[[], int], file: Path) -> int:
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)  # the file imports what lies beside it, as `python file` would
    try:
        return command()
    except BrokenPipeError:  # `... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SystemExit:  # whoever ends the program early must not be right thereby
        print(f"{file.name} must not end the program: sys.exit() is called.", file=sys.stderr)
    except Exception as error:
        print(_explained(error, folder), file=sys.stderr)
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    return 2


def _explained(error: Exception, folder: str) -> str:
    """Return an error for whoever wrote the file: the lines of the file, and what went wrong."""
    calls = traceback.extract_tb(error.__traceback__)
    theirs = [call for call in calls if Path(call.filename).parent == Path(folder)]
    lines = [f"{Path(c.filename).name}, line {c.lineno}, in {c.name}: {c.line}" for c in theirs]
    if isinstance(error, SyntaxError | ProgramError | ImportError | ValueError) or theirs:
        text = "".join(traceback.format_exception_only(error)).strip()
        return "\n".join([*lines, text.removeprefix(f"{ProgramError.__module__}.")])
    return "".join(traceback.format_exception(error)).rstrip()


def _compare(given: argparse.Namespace) -> int:
    import scratchnn

    from .comparison import compare_with_keras
    from .keras_twin import import_keras

    program = load_file(given.file)
    model, x, y, weight = built(program, scratchnn, given.seed)  # first, for it is quick
    with _silence():
        keras = import_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of arguments that both take
        keras_model = built(program, keras, given.seed)[0]
    if x is None:
        x, y = example_data(model, given.samples, given.seed)
    report = compare_with_keras(
        model, keras_model, x, y, given.steps, weight, tolerance=given.tolerance
    )
    return 0 if report.first is None else 1


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what TensorFlow's C++ says of the machine off the terminal while it is loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        kept = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def _grade(given: argparse.Namespace) -> int:
    from .grading import grade

    scores = grade(given.file)
    print(scores)
    return 0 if scores.passed else 1
