"""Texts as lists of word numbers: what imdb and reuters have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from scratchnn.arrays import Array
from scratchnn.datasets.fetching import fetch

Texts = Sequence[Sequence[int]]


def number_words(texts: Texts, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Return the texts with `index_from` added to each word, behind a `start_char`."""
    start = [] if start_char is None else [start_char]
    shift = index_from or 0
    return [start + [word + shift for word in text] for text in texts]


def drop_long(
    texts: list[list[int]], labels: Array, maxlen: int | None
) -> tuple[list[list[int]], Array]:
    """Return the texts of less than `maxlen` words, and their labels.

    Raises:
        ValueError: if there is none.
    """
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        shortest = min(map(len, texts))
        raise ValueError(
            f"Expected maxlen to be more than {shortest}, the length of the shortest text: only "
            f"texts shorter than maxlen are kept. Received: maxlen={maxlen}."
        )
    return [texts[i] for i in kept], labels[kept]


def limit_words(
    texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """Return the texts with `oov_char` for each word below `skip_top` or from `num_words` on.

    Arguments:
        texts: lists of words.
        num_words: None or 0 means the greatest word there is, which itself becomes `oov_char`.
        skip_top: the first word to keep.
        oov_char: None leaves such words out.
    """
    end = num_words or max(chain.from_iterable(texts))
    if oov_char is None:
        return [[word for word in text if skip_top <= word < end] for text in texts]
    return [[word if skip_top <= word < end else oov_char for word in text] for text in texts]


def as_objects(texts: list[list[int]]) -> Array:
    """Return an array of lists; of numbers, in two axes, if all lists are of one length."""
    return np.array(texts, dtype=object)


def shuffled(rng: np.random.RandomState, *arrays: Array) -> Iterable[Any]:
    """Yield the arrays in one new order."""
    order = np.arange(len(arrays[0]))
    rng.shuffle(order)
    return (array[order] for array in arrays)


def word_index(path: str, origin: str, file_hash: str) -> dict[str, int]:
    """Return what a .json file of words and their ranks holds.

    Raises:
        OSError: if the file is not on this machine and cannot be downloaded.
        ValueError: if the downloaded file is not the true one.
    """
    import json

    with open(fetch(path, origin, file_hash), encoding="utf-8") as file:
        index: dict[str, int] = json.load(file)
    return index
