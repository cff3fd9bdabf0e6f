"""Models and weights to files and back.

What a file is, its name says: `.keras` and `.weights.h5` are Keras's own formats, which h5py is
needed to write, and `.h5` and `.hdf5` its older ones; `.npz` and `.weights.npz` hold the same as
the first in NumPy's. A file is data: loading one makes only the classes of this package and those
that you name, and runs no code that the file brings.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from . import assets, limits
from .atomic import replacing
from .errors import ModelFileError, reading
from .hdf5 import H5Weights, import_h5py, write_h5
from .hdf5_reader import Hdf5
from .npz import NpzWeights, ZipReader, write_zip
from .registration import custom_object_scope
from .serialization import check_is_model, deserialize_keras_object, serialize_keras_object
from .state import Reader, load_layers, model_state, plan_layers, plan_optimizer

Path = str | os.PathLike[str]

KERAS_VERSION = "3.15.1"
"""The version of Keras whose format is written."""

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

_LEGACY = (".h5", ".hdf5")
"""The endings of Keras's older files."""

_OF_WEIGHTS = (".weights.h5", ".weights.npz")
"""The endings of files of weights alone."""

_IS_LEGACY = (
    "The file is written as HDF5, which Keras considers a legacy format. `.keras`, and "
    "`.weights.h5` for weights alone, hold more and are preferred. Received: filepath={}."
)


def save_model(
    model: Any,
    filepath: Path,
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Save a whole model: its config, its weights, how it was compiled, its optimizer's state.

    Arguments:
        model: the model; Keras warns of one that is not built, and so does this.
        filepath: where to; `.keras` is Keras's format, `.npz` the same with NumPy alone; `.h5` and
            `.hdf5` are Keras's older format, with a warning that says so, as in Keras.
        overwrite: whether to replace a file that is there; if not, you are asked at a terminal,
            and elsewhere it is an error.
        zipped: True or None; a model is one file here.
        **kwargs: `include_optimizer`, for `.h5`: whether to save how it was compiled, too.

    Raises:
        ValueError: for another ending, or options that are not supported.
        TypeError: if a part of the model has no config.
        FileExistsError: if the file is there, may not be overwritten, and nobody can be asked.
        ImportError: for .keras and .h5 without h5py.

    Example:
        >>> import os, tempfile
        >>> from scratchnn.layers import Dense, Input
        >>> from scratchnn.models import Sequential
        >>> path = os.path.join(tempfile.mkdtemp(), "line.npz")
        >>> model = Sequential([Input((1,)), Dense(1)])
        >>> save_model(model, path)
        >>> load_model(path).get_config() == model.get_config()
        True
    """
    path = os.fsdecode(filepath)
    legacy = path.endswith(_LEGACY)
    include_optimizer = _include_optimizer(path, zipped, kwargs)
    if not path.endswith((".keras", ".npz", *_LEGACY)) or path.endswith(_OF_WEIGHTS):
        raise ValueError(
            "The name of a model's file must end in `.keras` or, for a file that needs nothing "
            f"but NumPy, in `.npz`. Received: filepath={path}."
        )
    if not path.endswith(".npz"):
        import_h5py()
    if not model.built:
        warnings.warn(
            f"The model {model.name!r} is saved before it is built: the file has no weights.",
            stacklevel=2,
        )
    if legacy:
        warnings.warn(_IS_LEGACY.format(path), stacklevel=2)
        _save_legacy(model, path, overwrite, include_optimizer)
        return
    config = serialize_keras_object(model)
    limits.check_extent(config)  # what would not be loaded again
    members: dict[str, str | bytes | memoryview] = {
        _METADATA: _metadata(),
        _CONFIG: json.dumps(config),
        **assets.collected(model),
    }
    if not _may_write(path, overwrite):
        return
    with replacing(path) as file:
        if path.endswith(".npz"):
            write_zip(file, members, model_state(model))
        else:
            weights = io.BytesIO()
            write_h5(weights, model_state(model))
            write_zip(file, {**members, _WEIGHTS: weights.getbuffer()})


def _save_legacy(model: Any, path: str, overwrite: bool, include_optimizer: bool) -> None:
    from .legacy_writer import legacy_attributes, write_legacy

    attributes = legacy_attributes(model, KERAS_VERSION, include_optimizer)
    if _may_write(path, overwrite):
        with replacing(path) as file:
            write_legacy(file, model, attributes)


def save_weights(
    model: Any, filepath: Path, overwrite: bool = True, max_shard_size: float | None = None
) -> None:
    """Save a model's weights and, if it is compiled, its optimizer's state.

    Arguments:
        model: the model, built.
        filepath: where to: `.weights.h5`, as in Keras, or `.weights.npz`, with NumPy alone. Other
            names ending in `.h5` or `.hdf5` get Keras's older format, with a warning, and without
            the optimizer's state; Keras 3 no longer writes it, and reads it.
        overwrite: as for `save_model`.
        max_shard_size: not supported: the weights are in one file.

    Raises:
        ValueError: for another ending, or a model that is not built.
        FileExistsError, ImportError: as for `save_model`.

    Example:
        >>> import tempfile
        >>> import scratchnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(model, f"{folder}/m.weights.npz")
        ...     load_weights(model, f"{folder}/m.weights.npz")
    """
    path = os.fsdecode(filepath)
    if max_shard_size is not None:
        raise ValueError(
            "max_shard_size is not supported: weights are saved in one file. "
            f"Received: {max_shard_size}."
        )
    legacy = path.endswith(_LEGACY) and not path.endswith(_OF_WEIGHTS)
    if not legacy and not path.endswith(_OF_WEIGHTS):
        raise ValueError(
            "The name of a file of weights must end in `.weights.h5` or, for a file that needs "
            f"nothing but NumPy, in `.weights.npz`. Received: filepath={path}."
        )
    _require_built(model, "save")
    if not path.endswith(".npz"):
        import_h5py()
    if legacy:
        warnings.warn(_IS_LEGACY.format(path), stacklevel=2)
    if not _may_write(path, overwrite):
        return
    with replacing(path) as file:
        if legacy:
            from .legacy_writer import write_legacy_weights

            write_legacy_weights(file, model, KERAS_VERSION)
        elif path.endswith(".h5"):
            write_h5(file, model_state(model))
        else:
            write_zip(file, {}, model_state(model))


def load_weights(model: Any, filepath: Path, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Give a model the weights in a file: of `save_weights`, or of a whole model.

    The optimizer's state is loaded, too, if the optimizer is built, as in Keras: by training, or
    by `load_model`.

    Arguments:
        model: the model, built, of the same layers in the same order; names do not matter.
        filepath: a file named .weights.h5, .weights.npz, .keras or .npz; or one of Keras's older
            files, named .h5 or .hdf5.
        skip_mismatch: whether to leave out, with a warning, layers whose weights do not fit.
        **kwargs: `objects_to_skip`, a list of layers to leave out, not for older files; `by_name`,
            for older files alone: whether layers take the weights of the layers of their names.

    Raises:
        ValueError: for another ending, or a model that is not built.
        FileNotFoundError: if there is no such file.
        ModelFileError: if the file is broken or does not fit; the model is then unchanged.

    Example:
        >>> import tempfile
        >>> import scratchnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(model, f"{folder}/m.weights.npz")
        ...     load_weights(model, f"{folder}/m.weights.npz")
    """
    path = os.fsdecode(filepath)
    skipped = kwargs.pop("objects_to_skip", None) or ()
    by_name = bool(kwargs.pop("by_name", None))
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments passed to load_weights: {kwargs}.")
    _require_built(model, "load")
    if path.endswith(_LEGACY) and _is_legacy(path):
        if skipped:
            raise ValueError(
                "`objects_to_skip` is not for Keras's older files, .h5 and .hdf5. Received: "
                f"{path}."
            )
        _load_legacy_weights(model, path, skip_mismatch, by_name)
        return
    if by_name:
        raise ValueError(
            f"`by_name` only supports Keras's older files, .h5 and .hdf5. Received: {path}."
        )
    with _open(path, (".weights.h5", ".weights.npz", ".keras", ".npz")) as (_, weights):
        layers = plan_layers(model, weights, skip_mismatch, skipped)
        optimizer = _plan_optimizer(model, weights, skipped)
        load_layers(model, layers, weights)
        for variable, value in optimizer:
            variable.assign(value)


def _is_legacy(path: str) -> bool:
    """Whether an HDF5 file is an older one of Keras; once, those of weights had any name."""
    from .legacy_h5 import is_legacy

    if not path.endswith(".weights.h5"):
        return True
    with open(path, "rb") as file, reading(path):
        return is_legacy(Hdf5(file).root)


def _load_legacy_weights(model: Any, path: str, skip_mismatch: bool, by_name: bool) -> None:
    from .legacy_h5 import LegacyFile, assign

    with open(path, "rb") as file:
        assign(LegacyFile(path, file).plan(model, skip_mismatch, by_name), model)


def load_model(
    filepath: Path,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Return the model in a file that `save_model` or Keras wrote.

    Arguments:
        filepath: a file named .keras or .npz; or one of Keras's older files, named .h5 or .hdf5.
        custom_objects: {name: class or function}: your own, which the model is made of.
        compile: whether to compile it as it was and to restore its optimizer's state.
        safe_mode: True; there is no other mode here.

    Raises:
        ValueError: for another ending, and for safe_mode=False.
        ModelFileError: if the file is not there, broken, or names what is not known.

    Example:
        >>> import tempfile
        >>> import scratchnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.npz")
        ...     again = load_model(f"{folder}/model.npz")
        >>> bool((again.get_weights()[0] == model.get_weights()[0]).all())
        True
    """
    path = os.fsdecode(filepath)
    if not safe_mode:
        raise ValueError(
            "safe_mode=False is not supported: a file never runs code here. Name your own classes "
            "and functions in custom_objects instead."
        )
    if not os.path.exists(path):
        raise ModelFileError(path, "", "there is no such file")
    if path.endswith(_LEGACY):
        from .legacy_h5 import load_legacy_model

        return load_legacy_model(path, custom_objects, compile)
    with _open(path, (".keras", ".npz")) as (archive, weights):
        assert archive is not None
        config = _read_config(archive)
        compiling = config.pop("compile_config", None)
        with reading(path, _CONFIG), limits.weights_from_file(weights.size):
            limits.check_sizes(config)
            model = deserialize_keras_object(config, custom_objects)
            check_is_model(model)
        load_layers(model, plan_layers(model, weights), weights, fresh=True)
        assets.load(model, archive)
        if compile and compiling:
            part = f"{_CONFIG}: compile_config (compile=False leaves it out)"
            with reading(path, part), custom_object_scope(custom_objects):
                limits.check_sizes(compiling)
                model.compile_from_config(compiling)
        for variable, value in _plan_optimizer(model, weights):
            variable.assign(value)
    return model


def _plan_optimizer(model: Any, weights: Reader, skipped: Sequence[Any] = ()) -> list[Any]:
    known = model.optimizer is not None and not any(o is model.optimizer for o in skipped)
    return plan_optimizer(model.optimizer, weights) if known else []


# Files ------------------------------------------------------------------------------------------


@contextmanager
def _open(
    path: str, endings: tuple[str, ...]
) -> Iterator[tuple[ZipReader | None, H5Weights | NpzWeights]]:
    """Open a file for reading: the zip that it is, unless it is HDF5, and the weights in it."""
    if not path.endswith(endings):
        raise ValueError(
            f"The file's name must end in {', '.join(endings)}. Received: filepath={path}."
        )
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        if path.endswith(".h5"):
            yield None, H5Weights(path, file)
            return
        archive = stack.enter_context(ZipReader(path, file))
        if path.endswith(".npz"):
            yield archive, NpzWeights(archive)
            return
        content = io.BytesIO(archive.read(_WEIGHTS))
        yield archive, H5Weights(path, content)


def _read_config(archive: ZipReader) -> dict[str, Any]:
    if _CONFIG not in archive:
        raise ModelFileError(
            archive.path,
            _CONFIG,
            "the file has no config, so it is no whole model. If it holds weights, make the model "
            "and call its load_weights()",
        )
    text = archive.read(_CONFIG, limits.MAX_CONFIG)
    with reading(archive.path, _CONFIG):
        config = json.loads(text)
        limits.check_extent(config)
        if not isinstance(config, dict):
            raise TypeError(f"expected the config of a model. Received: {config!r}")
        return config


def _require_built(model: Any, verb: str) -> None:
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has no weights to {verb}, for it is not built: give it an "
            "Input, or call it on some data first."
        )


def _include_optimizer(path: str, zipped: bool | None, options: dict[str, Any]) -> bool:
    """Return the option of that name; refuse what is not supported."""
    if zipped is not None and not zipped:
        raise ValueError(
            "zipped=False is not supported: a model is saved as one file, which can be replaced "
            "as a whole; a folder cannot."
        )
    save_format = options.pop("save_format", None)  # what older programs said beside the name
    if save_format and not path.endswith(f".{save_format}"):
        raise ValueError(
            f"save_format is not supported: the file's name says it. Received: {save_format!r} "
            f"for filepath={path}."
        )
    include_optimizer = bool(options.pop("include_optimizer", True))
    if not include_optimizer and not path.endswith(_LEGACY):
        raise ValueError(
            "include_optimizer=False is not supported: a compiled model is saved with its "
            "optimizer. To leave it out, load the model with compile=False."
        )
    if options:
        raise ValueError(f"Unrecognized keyword arguments passed to save: {options}.")
    return include_optimizer


def _may_write(path: str, overwrite: bool) -> bool:
    """Return whether to write the file, which may be there already."""
    if overwrite or not os.path.exists(path):
        return True
    if not (sys.stdin and sys.stdin.isatty()):
        raise FileExistsError(
            f"{path!r} exists, overwrite=False, and there is no terminal to ask at."
        )
    answer = ""
    while answer not in ("y", "n"):
        answer = input(f"[WARNING] {path} already exists - overwrite? [y/n] ").strip().lower()
    return answer == "y"


def _metadata() -> str:
    from .. import __version__

    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return json.dumps(
        {"keras_version": KERAS_VERSION, "date_saved": now, "scratchnn_version": __version__}
    )
