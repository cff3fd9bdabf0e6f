"""California housing: prices of 1990. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import STORAGE
from scratchnn.datasets.tables import load_table

_DATA = (
    f"{STORAGE}california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
)
_ROWS = {"large": None, "small": 600}


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load the California housing data: 8 numbers for each of 20,640 districts, and the price.

    The price is the median of the district's, in dollars. The 8 columns: median income, age of the
    houses, rooms and bedrooms per household, population, people per household, latitude and
    longitude.

    Origin: Pace and Barry, "Sparse spatial autoregressions", Statistics & Probability Letters 33
    (1997), from the census of 1990.

    Arguments:
        version: 'large' for all rows, 'small' for the first 600.
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).
        test_split: the fraction of the rows to test with, from 0 to 1, 1 excluded.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, shapes (16512, 8), (16512,), (4128, 8) and (4128,)
        by default.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one, `version` is not known, or
            `test_split` is out of range.

    Example:
        >>> (x_train, y_train), _ = load_data(version="small")  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((480, 8), (480,))
    """
    if version not in _ROWS:
        raise ValueError(f"version must be 'small' or 'large'. Received: version={version!r}.")
    return load_table(path, *_DATA, _ROWS[version], test_split, seed)
