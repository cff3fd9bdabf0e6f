"""What `python -m scratchnn.inspection` does."""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence

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
class of scratchnn with its name, or with its name after "My". A file may say otherwise:

    class Layer1(keras.layers.Layer):
        reference = keras.layers.Dense(4, activation="relu")
        arguments = {"units": 4}      # to make it with
        example = (3, 5)              # the shape of a batch, or the batch

or for several at once: REFERENCES = {"Layer1": ...}, ARGUMENTS = {...}, EXAMPLES = {...}. The exit
status is 0 if every part is right, 1 if one is wrong, 2 for a file that cannot be used.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scratchnn.inspection", description="Look inside models and layers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plain = argparse.RawDescriptionHelpFormatter
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
    chosen = _compare if given.command == "compare" else _grade
    return _run(lambda: chosen(given))


def _run(command: Callable[[], int]) -> int:
    try:
        return command()
    except (ProgramError, ImportError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    return 2


def _compare(given: argparse.Namespace) -> int:
    import scratchnn

    from .comparison import compare_with_keras
    from .keras_twin import import_keras

    program = load_file(given.file)
    keras = import_keras()
    model, x, y, weight = built(program, scratchnn, given.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of arguments that both take
        keras_model = built(program, keras, given.seed)[0]
    if x is None:
        x, y = example_data(model, given.samples, given.seed)
    report = compare_with_keras(
        model, keras_model, x, y, given.steps, weight, tolerance=given.tolerance
    )
    return 0 if report.first is None else 1


def _grade(given: argparse.Namespace) -> int:
    from .grading import grade

    scores = grade(given.file)
    print(scores)
    return 0 if scores.passed else 1
