"""The script as a whole: the model's calls in order, the weights, and the check of itself."""

from __future__ import annotations

import base64
import io
import os
import re
import textwrap
import zlib
from typing import Any

import numpy as np

from ... import tree
from ...arrays import Array
from ...layers.core import InputLayer
from ...models import Model
from ...models.functional import Functional
from ...models.sequential import Sequential
from ..atomic import replacing
from ..exporting import (
    NotExportableError,
    Value,
    check_model,
    is_cast,
    output_dtype,
    output_shape,
    refusal,
    walk,
)
from .code import Code, harmless, sources
from .layers import expression, next_mask

EMBEDDED = 1 << 20
"""Bytes of weights up to which they are written into the script itself."""

_SAMPLES = 3
"""Samples of the check that are made up if none are given."""


def export_script(
    model: Any, filepath: str | os.PathLike[str], x: Any = None, embed: bool | None = None
) -> None:
    """Write a Python script that predicts as the model does, and needs NumPy alone.

    The script has a function `predict(x)`, which takes and returns what `model.predict` does. Run
    by itself, it checks that its outputs are those that the model had when it was written. What
    its layers do is written out plainly, one line for each; dropout and noise do nothing there.

    Arguments:
        model: a Sequential, or a functional model, built.
        filepath: where to; a name ending in .py.
        x: inputs whose outputs are recorded for the check; a few random ones if not given.
        embed: whether the weights are in the script itself, and not in an .npz file beside it; if
            not given, up to a megabyte of them is.

    Raises:
        ValueError: for a model or layer that cannot be exported, which the message names; nothing
            is written then.

    Example:
        >>> import os, runpy, tempfile
        >>> from scratchnn import Input, Sequential
        >>> from scratchnn.layers import Dense
        >>> path = os.path.join(tempfile.mkdtemp(), "predict.py")
        >>> export_script(Sequential([Input((2,)), Dense(1, "relu")]), path)
        >>> runpy.run_path(path)["predict"]([[1.0, 2.0]]).shape
        (1, 1)
    """
    path = os.fsdecode(filepath)
    if not path.endswith(".py"):
        raise ValueError(f"The script's name must end in .py. Received: filepath={path}.")
    check_model(model, "a script")
    computing = [layer for layer in model.walk() if not isinstance(layer, InputLayer | Model)]
    dtypes = sorted({layer.dtype for layer in computing})
    if len(dtypes) > 1:
        raise ValueError(f"The layers of a script have one dtype. Received a model of {dtypes}.")
    code, outputs = _written(model)
    given = _samples(model) if x is None else _as_list(model, x)
    y = tree.flatten(model.predict(given if len(given) > 1 else given[0], verbose=0))
    arrays = {
        **code.weights,
        **{f"check/x{i}": array for i, array in enumerate(given)},
        **{f"check/y{i}": array for i, array in enumerate(y)},
    }
    size = sum(array.nbytes for array in arrays.values())
    inside = size <= EMBEDDED if embed is None else embed
    beside = f"{os.path.basename(path).removesuffix('.py')}.npz"
    text = _text(model, code, outputs, arrays if inside else None, beside, dtypes[0])
    if not inside:
        with replacing(os.path.join(os.path.dirname(path), beside)) as file:
            np.savez(file, **arrays)
    with replacing(path) as file:
        file.write(text.encode())


# The calls ----------------------------------------------------------------------------------------


def _written(model: Any) -> tuple[Code, list[str]]:
    """Return the code of a model's calls, and the names of its outputs."""
    code = Code()
    inputs = [
        Value("x" if len(model.inputs) == 1 else f"x{i}", tensor.shape, tensor.dtype)
        for i, tensor in enumerate(model.inputs)
    ]

    def call(layer: Any, x: Any, name: str, options: Any) -> Value:
        try:
            return _write_call(code, layer, x, name, options)
        except NotExportableError as error:
            raise refusal(layer, "a script", error) from None

    def variable(name: str) -> str:
        return code.variable(f"x_{_identifier(name)}")

    one = "x" if isinstance(model, Sequential) else None
    return code, [value.name for value in walk(model, inputs, call, variable, one)]


def _write_call(code: Code, layer: Any, x: Any, name: str, options: Any) -> Value:
    """Write a layer's call, whose result goes by `name`; return its Value."""
    shape = output_shape(layer, x, options)
    code.line()
    code.line(f"# {harmless(layer.name)}: {type(layer).__name__} -> {_shown(shape)}")
    x = _cast(code, layer, x, name)
    mask = next_mask(layer, x)
    text = expression(code, layer, x, dict(options))
    if mask is not None and mask != getattr(x, "mask", None):
        code.line(f"mask_{name} = {mask}")
        mask = f"mask_{name}"
    if text == getattr(x, "name", None):
        code.line("# It changes nothing outside training.")
        return Value(text, shape, x.dtype, mask)
    code.line(f"{name} = {text}")
    return Value(name, shape, output_dtype(layer, x), mask)


def _cast(code: Code, layer: Any, x: Any, name: str) -> Any:
    """Write that numbers get the layer's dtype, where it takes no others."""
    if isinstance(x, list):
        return [_cast(code, layer, value, name) for value in x]
    if not is_cast(layer, x):
        return x
    floats = name if x.name == name else f"{x.name}_floats"
    code.line(f"{floats} = {x.name}.astype(np.{layer.dtype})")
    return x._replace(name=floats, dtype=layer.dtype)


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _shown(shape: Any) -> str:
    sizes = ["N", *("any" if n is None else str(n) for n in shape[1:])]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


# What it is checked with --------------------------------------------------------------------------


def _samples(model: Any) -> list[Array]:
    """Return a few random inputs; whole numbers that every Embedding has a row for."""
    rng = np.random.default_rng(0)
    rows = [layer.input_dim for layer in model.walk() if type(layer).__name__ == "Embedding"]
    found = []
    for tensor in model.inputs:
        shape = [_SAMPLES, *(4 if n is None else n for n in tensor.shape[1:])]
        if rows or np.dtype(tensor.dtype).kind != "f":
            values: Array = rng.integers(0, min(rows, default=2), shape)
        else:
            values = rng.normal(size=shape)
        found.append(values.astype(tensor.dtype))
    return found


def _as_list(model: Any, x: Any) -> list[Array]:
    arrays = model.as_list(x) if isinstance(model, Functional) else [x]
    dtypes = [tensor.dtype for tensor in model.inputs]
    return [np.asarray(array, dtype) for array, dtype in zip(arrays, dtypes, strict=True)]


# The text -----------------------------------------------------------------------------------------

_PAGE = '''"""{title}

    python {name}    checks that the outputs are those recorded here
    from {module} import predict    predict({inputs}) -> {results}

Written by scratchnn {version}; it needs NumPy alone.
"""

{imports}

import numpy as np

# Weights {line}

{weights}

# Layers {line}


{functions}


# The model {line}


def predict({arguments}):
    """Return the outputs for {shapes}."""
{body}


def check():
    """Compare the outputs with those of the model, when this was written."""
    found = predict({checked})
    found = found if isinstance(found, list) else [found]
    for i, y in enumerate(found):
        expected = W[f"check/y{{i}}"]
        difference = np.abs(y - expected).max()
        allowed = {tolerance} * np.abs(expected).max()
        print(f"output {{i}}: largest difference {{difference:.3g}}, allowed {{allowed:.3g}}")
        if y.shape != expected.shape or not difference <= allowed:
            raise SystemExit("The outputs are not those of the model.")
    print("The outputs are those of the model.")


if __name__ == "__main__":
    check()
'''


def _text(model: Any, code: Code, outputs: list[str], arrays: Any, beside: str, dtype: str) -> str:
    from ... import __version__

    module = harmless(beside.removesuffix(".npz"))
    single = len(model.inputs) == 1
    names = ["x"] if single else [f"x{i}" for i in range(len(model.inputs))]
    taken = [
        f"{name} = np.asarray({name}, np.{tensor.dtype})"
        for name, tensor in zip(names, model.inputs, strict=True)
    ]
    if not single:
        taken.insert(0, f"{', '.join(names)} = x")
    results = ", ".join(outputs)
    returned = f"return {results}" if len(outputs) == 1 else f"return [{results}]"
    body = "\n".join([*taken, *code.lines, "", returned])
    functions = sources(code.functions)
    imports = ["import base64", "import io", "import zlib"] if arrays else ["import os"]
    if "math." in functions:
        imports.append("import math")
    checks = [f'W["check/x{i}"]' for i in range(len(names))]
    return _PAGE.format(
        title=f"Predicts with the model {harmless(model.name)!r}.",
        name=f"{module}.py",
        module=module,
        inputs="x" if single else f"[{', '.join(names)}]",
        results=", ".join(_shown(tensor.shape) for tensor in model.outputs),
        version=__version__,
        imports="\n".join(sorted(imports)),
        weights=_weights_text(arrays, beside),
        functions=functions or "# It has none that need a function.",
        line="-" * 80,
        arguments="x",
        shapes=", ".join(
            f"{n} {_shown(t.shape)}" for n, t in zip(names, model.inputs, strict=True)
        ),
        body=textwrap.indent(body, "    ", lambda line: bool(line.strip())),
        checked=checks[0] if single else f"[{', '.join(checks)}]",
        tolerance="1e-5" if dtype == "float32" else "1e-7",
    )


def _weights_text(arrays: Any, beside: str) -> str:
    if arrays is None:
        return (
            f"_BESIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), {beside!r})\n"
            "W = dict(np.load(_BESIDE, allow_pickle=False))"
        )
    file = io.BytesIO()
    np.savez(file, **arrays)
    text = base64.b64encode(zlib.compress(file.getvalue(), 9)).decode()
    lines = "\n".join(textwrap.wrap(text, 100))
    return (
        f'_ARRAYS = """\n{lines}\n"""\n'
        "W = dict(np.load(io.BytesIO(zlib.decompress(base64.b64decode(_ARRAYS)))))"
    )
