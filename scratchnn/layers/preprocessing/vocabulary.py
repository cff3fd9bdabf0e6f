"""Vocabularies: which token has which index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from ...arrays import Array


class Vocabulary:
    """Distinct tokens, bytes objects or whole numbers, in an order: each has an index.

    Arguments:
        tokens: the tokens.
        start: the index of the first.
        strings: whether they are strings.

    Example:
        >>> words = Vocabulary([b"the", b"cat"], start=2, strings=True)
        >>> words.indices(np.array([b"cat", b"dog"], object), missing=1)
        array([3, 1])
    """

    def __init__(self, tokens: Iterable[Any], start: int, strings: bool) -> None:
        self.start = start
        if strings:
            tokens = list(tokens)
            self.tokens: Array = np.empty(len(tokens), object)
            self.tokens[:] = tokens
            self._index = dict(zip(tokens, range(start, start + len(tokens)), strict=True))
        else:
            self.tokens = np.array(list(tokens), np.int64)
            self._order = np.argsort(self.tokens, kind="stable")
            self._sorted = self.tokens[self._order]
        self._strings = strings

    def __len__(self) -> int:
        return len(self.tokens)

    def indices(self, tokens: Array, missing: int) -> Array:
        """Return the index, int64, of each token; `missing` for those that are not there."""
        if self._strings:
            found = map(self._index.get, tokens.ravel().tolist(), repeat(missing))
            return np.fromiter(found, np.int64, tokens.size).reshape(tokens.shape)
        if not len(self):
            return np.full(tokens.shape, missing, np.int64)
        places = np.searchsorted(self._sorted, tokens).clip(max=len(self) - 1)
        known = self._sorted[places] == tokens
        return np.where(known, self._order[places] + self.start, missing)

    def at(self, indices: Array, missing: Any) -> Array:
        """Return the token of each index; `missing` for indices that have none."""
        last = np.empty(1, self.tokens.dtype)
        last[0] = missing
        places = indices - self.start
        places = np.where((places >= 0) & (places < len(self)), places, len(self))
        return np.asarray(np.concatenate((self.tokens, last))[places])


def repeated(tokens: Sequence[Any]) -> list[Any]:
    """Return the tokens that come more than once."""
    if len(set(tokens)) == len(tokens):
        return []
    return [token for token, count in Counter(tokens).items() if count > 1]


class TokenCounts:
    """How often each token comes, and in how many documents."""

    def __init__(self) -> None:
        self.tokens: Counter[Any] = Counter()
        self.documents: Counter[Any] = Counter()
        self.number = 0  # of documents

    def update(self, documents: Sequence[Sequence[Any]], count_documents: bool) -> None:
        """Count the tokens of documents; the documents of each token, too, if asked for."""
        for document in documents:
            self.tokens.update(document)
        if count_documents:
            self.number += len(documents)
            for document in documents:
                self.documents.update(set(document))

    def most_frequent(self, left_out: Iterable[Any], limit: int | None) -> list[Any]:
        """Return the tokens, the most frequent first, and the largest first among equals."""
        left_out = set(left_out)
        found = [(count, token) for token, count in self.tokens.items() if token not in left_out]
        found.sort(reverse=True)
        return [token for _, token in found[:limit]]

    def inverse_document_frequencies(self, tokens: Sequence[Any]) -> Array:
        """Return log(1 + D / (1 + d)) of each token, where d of the D documents have it."""
        having = np.array([self.documents[token] for token in tokens], np.int64)
        return np.log(1 + self.number / (1 + having))
