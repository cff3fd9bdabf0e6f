"""IMDB: film reviews, good or bad. Taken from Keras's cache, or else downloaded once."""

from __future__ import annotations

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets import sequences
from scratchnn.datasets.fetching import STORAGE, fetch

_DATA = (
    f"{STORAGE}imdb.npz",
    "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
)
_WORDS = (f"{STORAGE}imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load 25,000 film reviews to train on and 25,000 to test with, labelled 1 (good) or 0 (bad).

    A review is a list of words; a word is a number, its rank among the most frequent words plus
    `index_from`. 0 is free for padding, as `utils.pad_sequences` does it.

    Origin: Maas, Daly, Pham, Huang, Ng and Potts, "Learning word vectors for sentiment analysis",
    ACL 2011, https://ai.stanford.edu/~amaas/data/sentiment/.

    Arguments:
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).
        num_words: words from this number on become `oov_char`; None means the greatest there is.
        skip_top: words below this number become `oov_char`.
        maxlen: reviews of this length and more are left out; None keeps all.
        seed: of the order of the reviews.
        start_char: what each review starts with; None for nothing.
        oov_char: what stands for words left out; None leaves no trace of them.
        index_from: what is added to the rank of a word.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists (object) and of labels (int64),
        all of shape (25000,) unless `maxlen` is given.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one, or no review is shorter than
            `maxlen`.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train[0][:5], y_train[:5]  # doctest: +SKIP
        ([1, 14, 22, 16, 43], array([1, 0, 0, 1, 0]))
    """
    from scratchnn.datasets.pickles import load_npz

    data = load_npz(fetch(path, *_DATA))
    rng = np.random.RandomState(seed)
    texts, labels = [], []
    for part in ("train", "test"):
        x, y = sequences.shuffled(rng, data[f"x_{part}"], data[f"y_{part}"])
        numbered = sequences.number_words(x, start_char, index_from)
        kept, y = sequences.drop_long(numbered, y, maxlen)
        texts.append(kept)
        labels.append(y)
    limited = sequences.limit_words(texts[0] + texts[1], num_words, skip_top, oov_char)
    count = len(texts[0])
    x_train, x_test = map(sequences.as_objects, (limited[:count], limited[count:]))
    return (x_train, labels[0]), (x_test, labels[1])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Return {word: its rank}, from 1, the most frequent; `load_data` adds `index_from`.

    Arguments:
        path: the name of the file in `$KERAS_HOME`/datasets (~/.keras/datasets).

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one.

    Example:
        >>> words = {rank + 3: word for word, rank in get_word_index().items()}  # doctest: +SKIP
        >>> " ".join(words.get(number, "?") for number in x_train[0][:6])  # doctest: +SKIP
        '? this film was just brilliant'
    """
    return sequences.word_index(path, *_WORDS)
