"""Tables of numbers, shuffled and split: what the housing datasets have in common."""

from __future__ import annotations

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import fetch
from scratchnn.datasets.sequences import shuffled


def load_table(
    path: str, origin: str, file_hash: str, rows: int | None, test_split: float, seed: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the first `rows` rows of an .npz file with arrays x and y, shuffled and split.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one, or `test_split` is out of range.
    """
    if not 0 <= test_split < 1:
        raise ValueError(
            f"test_split must be from 0 to 1, 1 excluded. Received: test_split={test_split}."
        )
    with np.load(fetch(path, origin, file_hash), allow_pickle=False) as data:
        x, y = data["x"][:rows], data["y"][:rows]
    x, y = shuffled(np.random.RandomState(seed), x, y)
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
