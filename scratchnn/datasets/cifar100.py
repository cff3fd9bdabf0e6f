"""CIFAR-100: small colour photographs. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

import os

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import fetch

_DATA = (
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
)


def load_data(label_mode: str = "fine") -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load CIFAR-100, 50,000 photographs of 100 things to train on and 10,000 to test with.

    Each image is 32 by 32 pixels, red, green and blue, from 0 to 255. The 100 classes make up
    20 groups of five.

    The archive (161 MB) is kept in `$KERAS_HOME`/datasets (~/.keras/datasets) as
    cifar-100-python-target_archive, and unpacked next to it at each call.

    Origin: Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Arguments:
        label_mode: 'fine' for the class as label, 0 to 99; 'coarse' for the group, 0 to 19.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images, uint8, (50000, 32, 32, 3) and
        (10000, 32, 32, 3), and labels, int64, (50000, 1) and (10000, 1); images are (3, 32, 32)
        where `config.image_data_format()` is 'channels_first'.

    Raises:
        OSError: if the archive is not on this machine and cannot be downloaded.
        ValueError: if the downloaded archive is not the true one, or for another label_mode.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train[:3].tolist()  # doctest: +SKIP
        ((50000, 32, 32, 3), [[19], [29], [0]])
    """
    from scratchnn.datasets.cifar import load_batches

    if label_mode not in ("fine", "coarse"):
        raise ValueError(
            f"label_mode must be 'fine' or 'coarse'. Received: label_mode={label_mode!r}."
        )
    folder = os.path.join(
        fetch("cifar-100-python-target", *_DATA, extract=True), "cifar-100-python"
    )
    (x_train, train), (x_test, test) = (
        load_batches(folder, [part], f"{label_mode}_labels") for part in ("train", "test")
    )
    # Keras documents uint8 and returns int64.
    y_train, y_test = (np.array(labels, np.int64).reshape(-1, 1) for labels in (train, test))
    return (x_train, y_train), (x_test, y_test)
