"""The format of CIFAR-10 and CIFAR-100: files of pickled pixels and labels."""

from __future__ import annotations

import os

import numpy as np

from scratchnn import config
from scratchnn.arrays import Array
from scratchnn.datasets.pickles import load_pickle


def load_batches(folder: str, names: list[str], labels: str) -> tuple[Array, list[int]]:
    """Return the images of some files, in the layout of `config.image_data_format()`, and labels.

    Arguments:
        folder: where the files are.
        names: the files' names.
        labels: the name of the labels in them.

    Returns:
        Images (N, 32, 32, 3), or (N, 3, 32, 32) if channels come first, uint8; N labels.
    """
    pixels: list[Array] = []
    found: list[int] = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            batch = load_pickle(file, encoding="bytes")
        pixels.append(batch[b"data"].reshape(-1, 3, 32, 32))
        found += batch[labels.encode()]
    axes = (0, 1, 2, 3) if config.image_data_format() == "channels_first" else (0, 2, 3, 1)
    # Written in its layout once, each batch of a fit is a copy of whole images.
    return np.ascontiguousarray(np.concatenate(pixels).transpose(axes)), found
