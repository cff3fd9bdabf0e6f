"""Boston housing: prices of 1978. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import STORAGE
from scratchnn.datasets.tables import load_table

_DATA = (
    f"{STORAGE}boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
)


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load the Boston housing data: 13 numbers for each of 506 districts, and the price of homes.

    The price is the median of the district's, in thousands of dollars. One of the 13 numbers, "B",
    is made from the share of Black residents, on the assumption that segregation sets prices: use
    `california_housing` unless that is what you study.

    Origin: Harrison and Rubinfeld, "Hedonic housing prices and the demand for clean air", Journal
    of Environmental Economics and Management 5 (1978); http://lib.stat.cmu.edu/datasets/boston.

    Arguments:
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).
        test_split: the fraction of the rows to test with, from 0 to 1, 1 excluded.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, float64, shapes (404, 13), (404,), (102, 13) and
        (102,) by default.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one, or `test_split` is out of range.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train[:3]  # doctest: +SKIP
        ((404, 13), array([15.2, 42.3, 50. ]))
    """
    return load_table(path, *_DATA, None, test_split, seed)
