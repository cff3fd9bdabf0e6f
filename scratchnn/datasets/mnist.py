"""MNIST: handwritten digits. All of it is in this package, so it loads at once and offline."""

from __future__ import annotations

import os

import numpy as np

from scratchnn.arrays import Array
from scratchnn.utils.files import cache_folder

_PACKAGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mnist.npz")
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load_data(
    path: str | os.PathLike[str] = "mnist.npz",
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load the MNIST digits, 60,000 images to train on and 10,000 to test with.

    Each image is 28 by 28 pixels, from 0 (paper) to 255 (ink); its label is the digit.

    Origin: Yann LeCun, Corinna Cortes and Christopher J. C. Burges, "The MNIST database of
    handwritten digits", made from the NIST special databases 1 and 3; LeCun, Bottou, Bengio and
    Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998).
    Copyright Yann LeCun and Corinna Cortes. Licence: Creative Commons Attribution-Share Alike 3.0,
    https://creativecommons.org/licenses/by-sa/3.0/ (the rest of this package has its own).

    Arguments:
        path: another .npz file with the arrays x_train, y_train, x_test and y_test: a name in
            `$KERAS_HOME`/datasets (~/.keras/datasets), or an absolute path. The default is the
            file in this package.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8, shapes (60000, 28, 28), (60000,),
        (10000, 28, 28) and (10000,).

    Raises:
        FileNotFoundError: if there is no such file; nothing is downloaded.
        ValueError: if the file is not an .npz file with the four arrays.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, x_test.shape, y_train[:5]
        ((60000, 28, 28), (10000, 28, 28), array([5, 0, 4, 1, 9], dtype=uint8))
    """
    import zipfile

    name = os.path.expanduser(path)
    file = _PACKAGED if name == "mnist.npz" else os.path.join(cache_folder(), name)
    if not os.path.isfile(file):
        raise FileNotFoundError(
            f"mnist.load_data expected the file {file!r}, which does not exist. "
            f"Received: path={path!r}. Leave out path to load the data in this package."
        )
    if not zipfile.is_zipfile(file):
        raise ValueError(f"mnist.load_data expected an .npz file. Received: {file!r}.")
    with np.load(file, allow_pickle=False) as data:
        missing = [name for name in _ARRAYS if name not in data.files]
        if missing:
            raise ValueError(
                f"mnist.load_data expected the arrays {', '.join(_ARRAYS)}. "
                f"Received: {file!r} without {', '.join(missing)}."
            )
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
