"""Datasets of the files in a folder: images, or texts, with their subfolders as classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import config
from ..arrays import Array
from ..images.resizing import INTERPOLATIONS, crop_box, resize, resize_with_pad
from ..progress import write
from .datasets import Dataset
from .images import load_img

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return the images in a folder as a Dataset; they are read when they are needed.

    Arguments:
        directory: the folder; with labels='inferred' each of its folders is a class.
        labels: 'inferred'; a list of a label for each file, in the order of their names; or None.
        label_mode: 'int'; 'binary' for 0.0 and 1.0; 'categorical' for one-hot; None for none.
        class_names: the folders to use, in the order of their labels.
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        batch_size: images in a batch; None for single images.
        image_size: (H, W).
        shuffle: whether in a new random order each time; else in that of the names.
        seed: which files belong to which subset, and the order.
        validation_split: the fraction of the files to put aside.
        subset: 'training', 'validation', or 'both' for a list of both.
        interpolation: how images are resized; 'bilinear', 'nearest', 'bicubic', 'area', ...
        follow_links: whether to go into folders that are links.
        crop_to_aspect_ratio, pad_to_aspect_ratio: keep the images' proportions, by cutting off
            what is too much or by adding black.
        data_format: 'channels_last' or 'channels_first'.
        format: 'tf'; both of Keras's formats mean the same here.
        verbose: whether to print how many files there are.

    Returns:
        A Dataset of (images (N, H, W, C), labels), or of images; float32, or for 'nearest' uint8.
        It has `class_names` and `file_paths`. Two of them for subset='both'.

    Raises:
        ImportError: without Pillow.
        ValueError: for arguments that do not fit, and if no images are found.

    Example:
        >>> import pathlib, tempfile
        >>> from scratchnn.utils import save_img
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cats", "dogs"):
        ...         pathlib.Path(folder, name).mkdir()
        ...         save_img(f"{folder}/{name}/1.png", np.zeros((4, 6, 3)))
        ...     data = image_dataset_from_directory(folder, image_size=(8, 8), verbose=False)
        ...     ((images, labels),) = data
        >>> data.class_names, images.shape, sorted(labels.tolist())
        (['cats', 'dogs'], (2, 8, 8, 3), [0, 1])
    """
    if color_mode not in _CHANNELS:
        raise ValueError(f"color_mode must be one of {[*_CHANNELS]}. Received: {color_mode!r}.")
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(f"image_size must be (H, W). Received: {image_size!r}.")
    if interpolation.lower() not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {INTERPOLATIONS}. Received: {interpolation!r}."
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
    _check_format(format)
    first = config.standardize_data_format(data_format) == "channels_first"

    def load(path: str) -> Array:
        image = np.asarray(load_img(path, color_mode=color_mode))
        image = image.reshape(*image.shape[:2], _CHANNELS[color_mode])
        if pad_to_aspect_ratio:
            image = resize_with_pad(image, size, interpolation.lower())
        else:
            if crop_to_aspect_ratio:
                image = image[crop_box(image.shape[:2], size)]
            image = resize(image, size, interpolation.lower())
        return np.moveaxis(image, -1, 0) if first else image

    return _dataset_of_files(
        load,
        _IMAGES,
        directory,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return the .txt files in a folder as a Dataset of strings; they are read when needed.

    Arguments:
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
            subset, follow_links, format, verbose: as for `image_dataset_from_directory`.
        max_length: the most bytes of a text; the rest is cut off.

    Returns:
        A Dataset of (texts, labels), the texts an array of Python strings (N,).

    Raises:
        ValueError: for arguments that do not fit, and if no texts are found.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("bad", "good"):
        ...         pathlib.Path(folder, name).mkdir()
        ...         _ = pathlib.Path(folder, name, "1.txt").write_text(f"a {name} film")
        ...     data = text_dataset_from_directory(folder, shuffle=False, verbose=False)
        ...     ((texts, labels),) = data
        >>> data.class_names, texts.tolist(), labels.tolist()
        (['bad', 'good'], ['a bad film', 'a good film'], [0, 1])
    """
    _check_format(format)

    def load(path: str) -> Array:
        with open(path, "rb") as file:
            text = file.read() if max_length is None else file.read(max_length)
        return np.array(text.decode("utf-8", errors="replace"), dtype=object)

    return _dataset_of_files(
        load,
        (".txt",),
        directory,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )


def _check_format(format: str) -> None:
    if format not in ("tf", "grain"):
        raise ValueError(f"format must be 'tf' or 'grain'. Received: {format!r}.")


def _dataset_of_files(
    load: Callable[[str], Array],
    endings: tuple[str, ...],
    directory: Any,
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> Any:
    """Index a folder, split what is in it, and return one dataset or two."""
    if labels not in ("inferred", None) and not isinstance(labels, list | tuple):
        raise ValueError(
            "labels must be 'inferred', a list of a label for each file, or None. "
            f"Received: labels={labels!r}."
        )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            "label_mode must be 'int', 'categorical', 'binary' or None. "
            f"Received: label_mode={label_mode!r}."
        )
    _check_split(validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    seed = int(np.random.randint(10**6)) if seed is None else seed
    paths, numbers, names = _index(
        os.fspath(directory), labels, class_names, endings, follow_links, verbose
    )
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(f"label_mode='binary' needs exactly 2 classes. Received: {names}.")
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if numbers is not None:
            np.random.RandomState(seed).shuffle(numbers)
    targets = None if numbers is None else _targets(np.array(numbers), label_mode, len(names or ()))

    def dataset(part: slice, kind: str, shuffled: bool) -> Dataset:
        chosen = paths[part]
        if not chosen:
            raise ValueError(
                f"No {kind}files ending in {', '.join(endings)} were found in {directory!s}."
            )
        made = _files(load, chosen, None if targets is None else targets[part])
        if shuffled:
            made = made.shuffle(8 * batch_size if batch_size else 1024, seed)
        made = made if batch_size is None else made.batch(batch_size)
        made.class_names, made.file_paths = names, chosen
        return made

    held_out = int((validation_split or 0) * len(paths))
    parts = {
        "training": slice(len(paths) - held_out),
        "validation": slice(len(paths) - held_out, None),
    }
    wanted = [*parts] if subset == "both" else [subset] if subset else []
    for name in wanted:
        if verbose:
            count = held_out if name == "validation" else len(paths) - held_out
            write(f"Using {count} files for {name}.\n")
    made = [
        dataset(parts[name], f"{name} ", shuffle and not (subset == "both" and name != "training"))
        for name in wanted
    ]
    if subset == "both":
        return made
    return made[0] if made else dataset(slice(None), "", shuffle)


def _check_split(fraction: float | None, subset: str | None, shuffle: bool, seed: Any) -> None:
    if fraction and not 0 < fraction < 1:
        raise ValueError(f"validation_split must be between 0 and 1. Received: {fraction}.")
    if bool(fraction) != (subset is not None):
        raise ValueError(
            "validation_split and subset must be given together, or neither. Received: "
            f"validation_split={fraction}, subset={subset!r}."
        )
    if subset not in ("training", "validation", "both", None):
        raise ValueError(
            f"subset must be 'training', 'validation' or 'both'. Received: subset={subset!r}."
        )
    if fraction and shuffle and seed is None:
        raise ValueError(
            "With validation_split and shuffle=True a seed is needed, so that the two subsets do "
            "not overlap. Give seed=..., the same for both."
        )


def _index(
    directory: str,
    labels: Any,
    class_names: Sequence[str] | None,
    endings: tuple[str, ...],
    follow_links: bool,
    verbose: bool,
) -> tuple[list[str], list[int] | None, list[str] | None]:
    """Return the paths of the files, their labels, and the names of the classes."""
    if labels != "inferred":
        if class_names is not None:
            raise ValueError("class_names can only be given with labels='inferred'.")
        paths = list(_walk(directory, endings, follow_links))
        if labels is None:
            _say(verbose, f"Found {len(paths)} files.\n")
            return paths, None, None
        if len(labels) != len(paths):
            raise ValueError(
                f"There must be a label for each of the {len(paths)} files in {directory}. "
                f"Received: {len(labels)} labels."
            )
        names = [str(label) for label in sorted(set(labels))]
        _say(verbose, f"Found {len(paths)} files belonging to {len(names)} classes.\n")
        return paths, list(labels), names
    folders = sorted(
        name
        for name in os.listdir(directory)
        if os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
    )
    if class_names is not None and not set(class_names) <= set(folders):
        raise ValueError(
            f"class_names must be folders in {directory}: {folders}. Received: {[*class_names]}."
        )
    names = list(class_names or folders)
    paths, numbers = [], []
    for number, name in enumerate(names):
        found = list(_walk(os.path.join(directory, name), endings, follow_links))
        paths += found
        numbers += [number] * len(found)
    _say(verbose, f"Found {len(paths)} files belonging to {len(names)} classes.\n")
    return paths, numbers, names


def _walk(directory: str, endings: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    for root, _, files in sorted(os.walk(directory, followlinks=follow_links)):
        for name in sorted(files):
            if name.lower().endswith(endings):
                yield os.path.join(root, name)


def _say(verbose: bool, text: str) -> None:
    if verbose:
        write(text)


def _targets(numbers: Array, label_mode: str | None, classes: int) -> Array:
    if label_mode == "binary":
        return numbers.astype(config.floatx())[:, np.newaxis]
    if label_mode == "categorical":
        return np.eye(classes, dtype=config.floatx())[numbers]
    return numbers.astype(np.int32)


def _files(load: Callable[[str], Array], paths: list[str], targets: Array | None) -> Dataset:
    """Return a dataset of files: shuffling moves their numbers, and reading comes last."""

    def read(i: int) -> Any:
        return load(paths[i]) if targets is None else (load(paths[i]), targets[i])

    return _Read(read, len(paths))


class _Read(Dataset):
    """Files by their numbers, which are shuffled instead of what was read."""

    def __init__(self, read: Callable[[int], Any], count: int) -> None:
        self._read = read
        super().__init__(lambda: map(read, range(count)), count)

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        numbers = Dataset(lambda: range(len(self)), len(self))
        return numbers.shuffle(buffer_size, seed, reshuffle_each_iteration).map(self._read)
