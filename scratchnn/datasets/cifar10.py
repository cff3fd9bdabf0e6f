"""CIFAR-10: small colour photographs. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

import os

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import fetch

_DATA = (
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load CIFAR-10, 50,000 photographs of 10 things to train on and 10,000 to test with.

    Each image is 32 by 32 pixels, red, green and blue, from 0 to 255. The labels: 0 airplane,
    1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    The archive (163 MB) is kept in `$KERAS_HOME`/datasets (~/.keras/datasets) as
    cifar-10-batches-py-target_archive, and unpacked next to it at each call.

    Origin: Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8, shapes (50000, 32, 32, 3), (50000, 1),
        (10000, 32, 32, 3) and (10000, 1); images are (3, 32, 32) where
        `config.image_data_format()` is 'channels_first'.

    Raises:
        OSError: if the archive is not on this machine and cannot be downloaded.
        ValueError: if the downloaded archive is not the true one.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train[:3].tolist()  # doctest: +SKIP
        ((50000, 32, 32, 3), [[6], [9], [9]])
    """
    from scratchnn.datasets.cifar import load_batches

    folder = os.path.join(
        fetch("cifar-10-batches-py-target", *_DATA, extract=True), "cifar-10-batches-py"
    )
    x_train, train = load_batches(folder, [f"data_batch_{i}" for i in range(1, 6)], "labels")
    x_test, test = load_batches(folder, ["test_batch"], "labels")
    y_train, y_test = (np.array(labels, np.uint8).reshape(-1, 1) for labels in (train, test))
    return (x_train, y_train), (x_test, y_test)
