"""VocabularyLayer: a layer's vocabulary, given or learned from data, and in files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import config as settings
from ...arrays import Array
from ...saving import limits
from ...strings import STRING, as_strings
from .preparation import Preparation, batches_of
from .vocabulary import TokenCounts, Vocabulary, repeated

ASSET = "vocabulary.txt"
"""The file in which a model's file keeps a vocabulary, a token a line."""


class Given:
    """What a layer was made with, out of sight of those who look for layers in lists."""

    def __init__(self, value: Any) -> None:
        self.value = value


class VocabularyLayer(Preparation):
    """The base of layers with a vocabulary: special tokens first, then those given or learned."""

    vocabulary_dtype = STRING

    # What the layer's constructor sets.
    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    _vocabulary: Vocabulary
    _counts: TokenCounts
    _given: Given
    _given_idf: Given
    _idf: Array | None
    _is_fixed: bool
    _known_size: int | None

    # Indices --------------------------------------------------------------------------------------

    @property
    def _is_of_strings(self) -> bool:
        return self.vocabulary_dtype == STRING

    @property
    def wants_strings(self) -> bool:  # type: ignore[override]
        return self._is_of_strings and not self.invert

    @property
    def compute_dtype(self) -> str:
        return STRING if self.wants_strings else "int64"

    @property
    def _oov_start(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def _key(self, token: Any) -> Any:
        """Return a token as the vocabulary has it."""
        return token.encode() if isinstance(token, str) else token

    def _special_tokens(self) -> list[Any]:
        return [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices

    def _depth(self) -> int | None:
        """Return the size of an encoding; None if it is not known yet."""
        return self.max_tokens if self.pad_to_max_tokens else self._known_size

    # The vocabulary -------------------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens, in the order of their indices.

        Arguments:
            include_special_tokens: whether the mask's and the unknown one are among them.
        """
        special = self._special_tokens()
        tokens = [self._readable(token) for token in self._vocabulary.tokens.tolist()]
        return [*special, *tokens] if include_special_tokens else tokens

    def _readable(self, token: Any) -> Any:
        return token

    def vocabulary_size(self) -> int:
        """Return the number of tokens, the mask's and the unknown ones included."""
        return len(self._vocabulary) + self._token_start

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the tokens, in the order of their indices.

        Arguments:
            vocabulary: a list or an array of tokens, with or without the special ones in front;
                or the path of a file with a token a line, without these.
            idf_weights: the weight of each token, for 'tf_idf'.

        Raises:
            ValueError: for a vocabulary that is empty, too large or has a token twice, and if
                weights are missing, or are there and not needed.
        """
        if self.output_mode == "tf_idf" and idf_weights is None:
            raise ValueError("output_mode='tf_idf' needs `idf_weights` beside the vocabulary.")
        if self.output_mode != "tf_idf" and idf_weights is not None:
            raise ValueError(
                "`idf_weights` are for output_mode='tf_idf'. "
                f"Received: output_mode={self.output_mode!r}."
            )
        from_file = isinstance(vocabulary, str | os.PathLike)
        if from_file:
            if self.output_mode == "tf_idf":
                raise ValueError("output_mode='tf_idf' takes no vocabulary from a file.")
            if not os.path.exists(vocabulary):
                raise ValueError(f"There is no vocabulary file {os.fspath(vocabulary)!r}.")
            path, vocabulary = vocabulary, _lines_of(vocabulary)
            if not vocabulary[-1]:
                vocabulary.pop()
            if "" in vocabulary:
                raise ValueError(
                    f"The vocabulary file {os.fspath(path)!r} must have a token in each line. "
                    f"Received: an empty one, line {vocabulary.index('') + 1}."
                )
            vocabulary = self._parsed(vocabulary)
        tokens = self._as_tokens(vocabulary)
        if not tokens:
            raise ValueError("A vocabulary must not be empty.")
        special = self._special_tokens()
        found = not from_file and tokens[: len(special)] == [self._key(t) for t in special]
        self._check_tokens(tokens[len(special) :] if found else tokens)
        weights = None
        if idf_weights is not None:
            weights = self._padded(np.asarray(idf_weights), len(tokens), found)
        self._use(tokens[len(special) :] if found else tokens, weights)
        if self._given.value is not None:  # the config describes the vocabulary that is in use
            self._given, self._given_idf = Given(vocabulary), Given(idf_weights)

    def _parsed(self, lines: list[str]) -> list[Any]:
        return lines if self._is_of_strings else [int(line) for line in lines]

    def _as_tokens(self, vocabulary: Any) -> list[Any]:
        if self._is_of_strings:
            return as_strings(vocabulary, "A vocabulary").ravel().tolist()
        array = np.asarray(vocabulary)
        if array.dtype.kind not in "iu" and array.size:
            raise ValueError(
                f"{type(self).__name__} expected whole numbers as its vocabulary. "
                f"Received: dtype {array.dtype}."
            )
        return array.ravel().tolist()

    def _check_tokens(self, tokens: list[Any]) -> None:
        twice = repeated(tokens)
        if twice:
            raise ValueError(
                "A vocabulary must have each token once. "
                f"Received: {[self._readable(token) for token in twice]} more than once."
            )
        reserved = [("mask", self.mask_token)] + [("OOV", self.oov_token)] * self.invert
        for what, token in reserved:
            if token is not None and self._key(token) in tokens:
                raise ValueError(
                    f"A vocabulary has the {what} token, {token!r}, only at its start, where all "
                    f"special tokens are, {self._special_tokens()}, or none. Received: it at index "
                    f"{tokens.index(self._key(token))}."
                )
        size = self._token_start + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"A vocabulary must not be larger than max_tokens={self.max_tokens}. "
                f"Received: {size} tokens, the special ones included."
            )

    def _padded(self, weights: Array, tokens: int, with_special: bool) -> Array:
        """Return a weight for each index, of those for the tokens of a vocabulary."""
        if weights.shape != (tokens,):
            raise ValueError(
                "`idf_weights` must be one number for each token of the vocabulary, "
                f"{tokens}. Received: shape {weights.shape}."
            )
        front = 0 if with_special else self._token_start
        return self._filled(weights, front, float(np.mean(weights)))

    def _filled(self, weights: Array, front: int, value: Any) -> Array:
        back = 0
        if self.pad_to_max_tokens and self.max_tokens is not None:
            back = self.max_tokens - front - len(weights)
            limits.placeholder((self.max_tokens,), np.float32)
        parts = (np.full(front, value), weights, np.zeros(back))
        return np.concatenate(parts).astype(settings.floatx())

    def _use(self, tokens: list[Any], idf: Array | None) -> None:
        """Take tokens, checked, as the vocabulary."""
        vocabulary = Vocabulary(tokens, self._token_start, self._is_of_strings)
        size = len(vocabulary) + self._token_start
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self._known_size not in (None, size):
            raise RuntimeError(
                f"The layer {self.name!r} encodes {self._known_size} tokens, and this number "
                f"cannot change: other layers rely on it. Received: {size} tokens. Make a new "
                "layer, or set max_tokens and pad_to_max_tokens=True."
            )
        self._vocabulary, self._known_size = vocabulary, size
        if self.output_mode == "tf_idf":
            self._idf = idf

    # Learning it ----------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the tokens in the data, the most frequent first.

        Of tokens that are equally frequent the larger ones come first. With max_tokens the rarest
        are left out.

        Arguments:
            data: an array or a list of tokens; or a dataset, or anything that yields batches.
            steps: the number of batches to take; all if not given.

        Raises:
            ValueError: if the layer was made with a vocabulary.
        """
        self._refuse_if_fixed()
        self.reset_state()
        whole = isinstance(data, str | bytes | list | tuple) or hasattr(data, "__array__")
        for batch in batches_of(data, steps):
            tokens = self._as_data(batch)
            self._count(tokens[:, np.newaxis] if whole and tokens.ndim == 1 else tokens)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch; a list of tokens is one document."""
        self._refuse_if_fixed()
        self._count(self._as_data(data))

    def _refuse_if_fixed(self) -> None:
        if self._is_fixed:
            raise ValueError(
                f"The layer {self.name!r} was made with a vocabulary, so it cannot adapt to data."
            )

    def _as_data(self, data: Any) -> Array:
        if self._is_of_strings:
            return as_strings(data)
        array = np.asarray(data)
        if array.dtype.kind not in "fiub":
            raise ValueError(
                f"The layer {self.name!r} expected numbers. Received: dtype {array.dtype}."
            )
        return array.astype(np.int64)

    def _count(self, tokens: Array) -> None:
        documents = (
            tokens.reshape(-1, tokens.shape[-1]) if tokens.ndim > 1 else tokens.reshape(1, -1)
        )
        self.count_documents(documents.tolist())

    def count_documents(self, documents: Sequence[Sequence[Any]]) -> None:
        """Count the tokens of documents, lists of tokens."""
        self._counts.update(documents, self.output_mode == "tf_idf")

    def finalize_state(self) -> None:
        """Make the vocabulary of the tokens that were counted, if there are any."""
        if self._is_fixed or not self._counts.tokens:
            self._known_size = self.vocabulary_size()
            return
        special = [self._key(t) for t in (self.mask_token, self.oov_token) if t is not None]
        limit = self.max_tokens - self._token_start if self.max_tokens else None
        tokens = self._counts.most_frequent(special, limit)
        idf = None
        if self.output_mode == "tf_idf":
            learned = self._counts.inverse_document_frequencies(tokens).astype(settings.floatx())
            idf = self._filled(learned, self._token_start, learned.mean())
        self._use(tokens, idf)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the counts, not the vocabulary."""
        self._counts = TokenCounts()

    # Files ----------------------------------------------------------------------------------------

    def save_own_variables(self, store: dict[str, Any]) -> None:
        if self._idf is not None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store: dict[str, Any]) -> None:
        if self.output_mode == "tf_idf":
            weights = store.get("idf_weights")
            size = self._depth()
            if weights is None or weights.ndim != 1 or size not in (None, len(weights)):
                received = "none" if weights is None else f"shape {weights.shape}"
                raise ValueError(
                    f"The layer {self.name!r} expected idf_weights of shape ({size},). "
                    f"Received: {received}."
                )
            self._idf = np.asarray(weights, settings.floatx())

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a file in a folder, unless the config has it."""
        if self._given.value is None and len(self._vocabulary):
            lines = [str(token) for token in self.get_vocabulary()]
            broken = next((line for line in lines if "\n" in line), None)
            if broken is not None:
                raise ValueError(
                    f"The vocabulary of {self.name!r} cannot be saved with a token a line, for a "
                    f"token has a line break in it: {broken!r}. Give it to the layer as its "
                    "argument `vocabulary`, so that the config holds it."
                )
            with open(os.path.join(dir_path, ASSET), "wb") as file:
                file.write("\n".join(lines).encode())

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary from it again."""
        path = os.path.join(dir_path, ASSET)
        if self._given.value is not None or not os.path.exists(path):
            return
        lines = _lines_of(path)
        special = self._special_tokens()
        if lines[: len(special)] == [str(token) for token in special]:
            lines = lines[len(special) :]
        expected = (self._known_size or 0) - self._token_start
        while lines and not lines[-1] and len(lines) > expected:
            lines.pop()
        tokens = self._as_tokens(self._parsed(lines))
        self._check_tokens(tokens)
        self._use(tokens, self._idf)


def _lines_of(path: Any) -> list[str]:
    """Return the lines of a file, as any system writes them."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    if len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1]):
        lines = [line.removesuffix("\r") for line in lines]
    return lines
