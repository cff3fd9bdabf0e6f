"""Fashion-MNIST: clothes in MNIST's format. Taken from this machine, or else downloaded once."""

from __future__ import annotations

import os

from scratchnn.arrays import Array
from scratchnn.datasets.idx import parse_idx
from scratchnn.progress import write
from scratchnn.utils.files import cache_folder, download, keras_home

_BASE_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"
_SUBFOLDER = os.path.join("datasets", "fashion-mnist")
# The hashes are of what is inside the gzip files: packed anew, they are as good.
_FILES: dict[str, tuple[tuple[int, ...], str]] = {
    "train-images-idx3-ubyte.gz": (
        (60000, 28, 28),
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    "train-labels-idx1-ubyte.gz": (
        (60000,),
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    "t10k-images-idx3-ubyte.gz": (
        (10000, 28, 28),
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        (10000,),
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load Fashion-MNIST, 60,000 images of clothes to train on and 10,000 to test with.

    Each image is 28 by 28 pixels, from 0 to 255. The labels: 0 T-shirt/top, 1 trouser,
    2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    The four files are looked for in Keras's cache, `$KERAS_HOME`/datasets/fashion-mnist
    (~/.keras/datasets/fashion-mnist), then where Debian's package dataset-fashion-mnist puts
    them, and are otherwise downloaded (31 MB) into the cache. Each is checked by its hash.

    Origin: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", 2017, https://arxiv.org/abs/1708.07747. Copyright Zalando SE,
    MIT licence.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8, shapes (60000, 28, 28), (60000,),
        (10000, 28, 28) and (10000,).

    Raises:
        OSError: if a file is not on this machine and cannot be downloaded.
        ValueError: if a downloaded file is not the true one.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train[:5]  # doctest: +SKIP
        ((60000, 28, 28), array([9, 0, 0, 3, 0], dtype=uint8))
    """
    x_train, y_train, x_test, y_test = (_load(name) for name in _FILES)
    return (x_train, y_train), (x_test, y_test)


def _load(name: str) -> Array:
    cache = cache_folder(_SUBFOLDER)
    # A cache that cannot be written, as on a shared computer, can still be read.
    for folder in dict.fromkeys((os.path.join(keras_home(), _SUBFOLDER), cache, _DEBIAN_FOLDER)):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            try:
                return _read(path)
            except (OSError, ValueError) as error:
                write(f"Not using {path}: {error}\n")
    return _fetch(name, cache)


def _read(path: str, name: str | None = None) -> Array:
    """Return the array in one of the four files, which may have another name for now."""
    import gzip
    import hashlib
    import zlib

    shape, sha256 = _FILES[name or os.path.basename(path)]
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"Expected an intact gzip file. Received: {error}") from error
    array = parse_idx(content, shape)
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise ValueError(f"Expected content with sha256 {sha256}. Received: {received}.")
    return array


def _fetch(name: str, folder: str) -> Array:
    url = _BASE_URL + name
    path = os.path.join(folder, name)
    try:
        download(url, path, check=lambda partial: _read(partial, name))
    except OSError as error:
        raise OSError(
            f"Fashion-MNIST's file {name} is not on this machine, and fetching it failed. {error} "
            f"Without a network: put {', '.join(_FILES)} from {_BASE_URL} into the folder "
            f"{folder}, or, on Debian and Ubuntu, `apt install dataset-fashion-mnist`."
        ) from error
    except ValueError as error:
        raise ValueError(f"{url} is not Fashion-MNIST's file; it was not kept. {error}") from error
    return _read(path)
