"""Reuters: newswires by topic. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets import sequences
from scratchnn.datasets.fetching import STORAGE, fetch

_DATA = (
    f"{STORAGE}reuters.npz",
    "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
)
_WORDS = (f"{STORAGE}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
_TOPICS = (
    *("cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply"),
    *("coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas"),
    *("cpi", "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin"),
    *("strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs"),
    *("lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead"),
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load 11,228 newswires labelled with one of 46 topics, whose names are `get_label_names()`.

    A newswire is a list of words; a word is a number, its rank among the most frequent words plus
    `index_from`. 0 is free for padding, as `utils.pad_sequences` does it.

    Origin: Lewis, "Reuters-21578 text categorization test collection", 1997,
    https://archive.ics.uci.edu/dataset/137.

    Arguments:
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).
        num_words: words from this number on become `oov_char`; None means the greatest there is.
        skip_top: words below this number become `oov_char`.
        maxlen: newswires of this length and more are left out; None keeps all.
        test_split: the fraction of the newswires to test with, from 0 to 1.
        seed: of the order of the newswires.
        start_char: what each newswire starts with; None for nothing.
        oov_char: what stands for words left out; None leaves no trace of them.
        index_from: what is added to the rank of a word.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists (object) and of labels (int64), of
        shapes (8982,), (8982,), (2246,) and (2246,) by default.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one, no newswire is shorter than
            `maxlen`, or `test_split` is not from 0 to 1.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train.shape, get_label_names()[y_train[0]]  # doctest: +SKIP
        ((8982,), 'earn')
    """
    from scratchnn.datasets.pickles import load_npz

    if not 0 <= test_split <= 1:
        raise ValueError(f"test_split must be from 0 to 1. Received: test_split={test_split}.")
    data = load_npz(fetch(path, *_DATA))
    x, labels = sequences.shuffled(np.random.RandomState(seed), data["x"], data["y"])
    texts = sequences.number_words(x, start_char, index_from)
    texts, labels = sequences.drop_long(texts, labels, maxlen)
    texts = sequences.limit_words(texts, num_words, skip_top, oov_char)
    count = int(len(texts) * (1 - test_split))
    x_train, x_test = map(sequences.as_objects, (texts[:count], texts[count:]))
    return (x_train, labels[:count]), (x_test, labels[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Return {word: its rank}, from 1, the most frequent; `load_data` adds `index_from`.

    Arguments:
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return sequences.word_index(path, *_WORDS)


def get_label_names() -> tuple[str, ...]:
    """Return the names of the 46 topics, in the order of the labels.

    Example:
        >>> names = get_label_names()
        >>> len(names), names[3], names[4]
        (46, 'earn', 'acq')
    """
    return _TOPICS
