"""TextVectorization: texts as sequences of indices of their words, or as bags of words."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from ... import config as settings
from ...arrays import Array, Shape
from ...context import Context
from ...strings import STRING, as_strings, as_texts
from .index_lookup import MODES, listed, refuse_path
from .preparation import (
    DROPPED,
    Preparation,
    batches_of,
    encoded_shape,
    one_of,
    output_mode,
    refuse_sparse,
)
from .string_lookup import StringLookup

_LOWER = "lower"
_STRIP = "strip_punctuation"
_BOTH = "lower_and_strip_punctuation"

_PUNCTUATION = string.punctuation.encode()
_LOWERED = bytes(range(256)).lower()
"""ASCII letters in lower case, and all other bytes as they are: as TensorFlow has it."""

Rows = list[list[bytes]]
"""The tokens of each text."""


class TextVectorization(Preparation):
    """Standardize texts, split them into tokens, and return the index of each in a vocabulary.

    The vocabulary is learned by `adapt`, or given. Index 0 is padding, 1 any unknown token.

    Arguments:
        max_tokens: the largest size of the vocabulary, special tokens included.
        standardize: 'lower_and_strip_punctuation', 'lower', 'strip_punctuation', None for
            neither, or a function of an array of strings that returns one. Only ASCII letters
            change, as in TensorFlow.
        split: 'whitespace', 'character', None for texts that are tokens, or a function of an
            array of strings (N,) that returns each one's tokens.
        ngrams: n, for all sequences of one to n tokens to be tokens, too; or a tuple of lengths.
        output_mode: 'int', 'multi_hot', 'count' or 'tf_idf': see StringLookup.
        output_sequence_length: T, to which the indices are cut or padded; for 'int'.
        pad_to_max_tokens, vocabulary, idf_weights, encoding: as for StringLookup.
        sparse, ragged: not supported.
        name: the layer's name.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N,) or (N, 1), strings; y (N, T) int64, where T is the length of the longest text if
        none is given; or (N, V), int64, for 'tf_idf' float32. Without splitting, x may be (N, T).

    Raises:
        ValueError: for arguments that do not fit one another; for x of another shape.
        RuntimeError: if the layer is used before it has a vocabulary.

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["The cat sat.", "The dog sat."])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'sat', 'dog', 'cat']
        >>> layer(["The cat ran!"]).numpy()
        array([[2, 5, 1, 0]])
    """

    wants_strings = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = _BOTH,
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        inner = {
            key: kwargs.pop(key)
            for key in ("vocabulary_size", "has_input_vocabulary")
            if key in kwargs
        }
        super().__init__(name=name, **kwargs)
        refuse_sparse("TextVectorization", sparse, ragged)
        if not callable(standardize):
            one_of("TextVectorization", "standardize", standardize, (_LOWER, _STRIP, _BOTH, None))
        if not callable(split):
            one_of("TextVectorization", "split", split, ("whitespace", "character", None))
        self.standardize = standardize
        self.split = split
        self.ngrams = ngrams
        self._widths = _widths(ngrams)
        self.output_mode = _mode(output_mode)
        if self.output_mode == "one_hot" and split is not None:
            raise ValueError(
                "output_mode='one_hot' needs split=None: texts have different numbers of tokens. "
                "'multi_hot' and 'count' encode a text as one row."
            )
        self.output_sequence_length = _length(output_sequence_length, self.output_mode)
        self.encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=self.output_mode,
            encoding=encoding,
            **inner,
        )

    @property
    def compute_dtype(self) -> str:
        return STRING

    # The vocabulary -------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: the tokens of the texts, the most frequent first.

        Of tokens that are equally frequent the larger ones come first. With max_tokens the rarest
        are left out.

        Arguments:
            data: an array or a list of texts; or a dataset, or anything that yields batches.
            batch_size: taken for Keras's sake, which does not use it.
            steps: the number of batches to take; all if not given.

        Raises:
            ValueError: if the layer was made with a vocabulary.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of texts."""
        self._lookup_layer._refuse_if_fixed()
        texts = as_strings(data)
        if self.split is None and texts.ndim == 1:
            texts = texts[:, np.newaxis]
        found = self._tokens_of(texts)
        if isinstance(found, np.ndarray):
            found = found.reshape(-1, found.shape[-1]).tolist()
        self._lookup_layer.count_documents(found)

    def finalize_state(self) -> None:
        """Make the vocabulary of the tokens that were counted, if there are any."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the counts, not the vocabulary."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the tokens, in the order of their indices.

        Arguments:
            include_special_tokens: whether padding and the unknown token are among them.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return the number of tokens, the special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the tokens: see StringLookup."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # From texts to tokens -------------------------------------------------------------------------

    def _tokens_of(self, texts: Array) -> Array | Rows:
        """Return the tokens of texts: an array where they are not split, else one list a text."""
        if callable(self.standardize):
            texts = as_strings(self.standardize(as_texts(texts)), "What `standardize` returns")
        elif self.standardize is not None:
            flat = [_standardized(text, self.standardize) for text in texts.ravel().tolist()]
            texts = _reshaped(flat, texts.shape)
        if self.split is None:
            return self._array_of_ngrams(texts)
        rows = self._split(texts.ravel())
        if self._widths is not None:
            rows = [ngrams(row, self._widths) for row in rows]
        return rows

    def _split(self, texts: Array) -> Rows:
        if self.split == "whitespace":
            return [text.split() for text in texts.tolist()]
        if self.split == "character":
            return [_characters(text) for text in texts.tolist()]
        found = self.split(as_texts(texts))
        if len(found) != len(texts):
            raise ValueError(
                f"`split` must return the tokens of each of the {len(texts)} texts it is given. "
                f"Received: {len(found)}."
            )
        return [as_strings(row, "What `split` returns").ravel().tolist() for row in found]

    def _array_of_ngrams(self, tokens: Array) -> Array:
        if self._widths is None:
            return tokens
        if not tokens.ndim:
            raise ValueError("ngrams of tokens need an axis of tokens. Received: a single one.")
        rows = [ngrams(row, self._widths) for row in tokens.reshape(-1, tokens.shape[-1]).tolist()]
        width = len(rows[0]) if rows else 0
        flat = [token for row in rows for token in row]
        return _reshaped(flat, (*tokens.shape[:-1], width))

    # The pass -------------------------------------------------------------------------------------

    def check_input(self, shape: Shape) -> None:
        if self.split is not None and len(shape) > 1 and shape[-1] != 1:
            raise ValueError(
                f"The layer {self.name!r} expected texts of shape (N,) or (N, 1), which it splits "
                f"into tokens. Received: shape {shape}. For texts that are tokens already, say "
                "split=None."
            )
        if self.output_mode != "int" and len(shape) > 2:
            raise ValueError(
                f"The layer {self.name!r} encodes texts of shape (N,) or (N, 1). "
                f"Received: shape {shape}."
            )

    def forward(self, x: Array, ctx: Context) -> Array:
        tokens = self._tokens_of(x)
        if isinstance(tokens, np.ndarray):
            indices = self._lookup_layer.indices_of(tokens)
            length = self.output_sequence_length
            if length is not None:
                indices = _fitted(indices, length)
        else:
            texts = x.shape[:-1] if x.ndim > 1 else x.shape
            indices = self._padded(tokens)
            indices = indices.reshape(*texts, indices.shape[-1])
        return self._lookup_layer.encoded(indices, ctx)

    def _padded(self, rows: Rows) -> Array:
        """Return the indices of each row's tokens, padded to the longest row or as asked for."""
        length = self.output_sequence_length
        if length is not None:
            rows = [row[:length] for row in rows]
        sizes = np.fromiter(map(len, rows), np.int64, len(rows))
        if length is None:
            length = int(sizes.max(initial=0))
        flat = [token for row in rows for token in row]
        padding = 0 if self.output_mode == "int" else DROPPED
        indices = np.full((len(rows), length), padding, np.int64)
        there = np.arange(length) < sizes[:, np.newaxis]
        indices[there] = self._lookup_layer.indices_of(_reshaped(flat, (len(flat),)))
        return indices

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = tuple(input_shape)
        if self.split is not None:
            shape = (*(shape[:-1] if len(shape) > 1 else shape), self.output_sequence_length)
        elif self.output_sequence_length is not None:
            shape = (*shape[:-1], self.output_sequence_length)
        elif self._widths is not None:
            shape = (*shape[:-1], _count(shape[-1], self._widths))
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        found: Shape = encoded_shape(shape, mode, self._lookup_layer._depth())
        return found

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return "int64" if self.output_mode == "int" else settings.floatx()

    # Files ----------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": self.standardize,
            "split": self.split,
            "ngrams": self.ngrams,
            "output_mode": self.output_mode,
            "output_sequence_length": self.output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": False,
            "ragged": False,
            "vocabulary": listed(lookup._given.value),
            "idf_weights": listed(lookup._given_idf.value),
            "encoding": self.encoding,
            "vocabulary_size": lookup._known_size or self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from ...saving import deserialize_keras_object

        refuse_path(config)
        config = dict(config)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a file in a folder, unless the config has it."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary from it again."""
        self._lookup_layer.load_assets(dir_path)


def ngrams(tokens: list[bytes], widths: Iterable[int]) -> list[bytes]:
    """Return all sequences of some lengths, each joined by spaces: the shorter ones first.

    Example:
        >>> ngrams([b"a", b"b", b"c"], (1, 2))
        [b'a', b'b', b'c', b'a b', b'b c']
    """
    return [
        b" ".join(tokens[start : start + width])
        for width in widths
        for start in range(len(tokens) - width + 1)
    ]


def _count(tokens: int | None, widths: Iterable[int]) -> int | None:
    """Return how many n-grams so many tokens have."""
    if tokens is None:
        return None
    return sum(max(tokens - width + 1, 0) for width in widths)


def _standardized(text: bytes, how: str) -> bytes:
    table = None if how == _STRIP else _LOWERED
    return text.translate(table, b"" if how == _LOWER else _PUNCTUATION)


def _characters(text: bytes) -> list[bytes]:
    return [character.encode() for character in text.decode("utf-8", "replace")]


def _reshaped(items: list[bytes], shape: Any) -> Array:
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(shape)


def _fitted(indices: Array, length: int) -> Array:
    """Return indices cut or padded to a length of the last axis."""
    if not indices.ndim:
        raise ValueError("output_sequence_length needs an axis of tokens. Received: a single one.")
    indices = indices[..., :length]
    missing = length - indices.shape[-1]
    return np.pad(indices, [(0, 0)] * (indices.ndim - 1) + [(0, missing)])


def _widths(value: Any) -> tuple[int, ...] | None:
    """Return the lengths that `ngrams` asks for."""
    if isinstance(value, bool) or not isinstance(value, int | tuple | None):
        known = False
    else:
        known = not isinstance(value, tuple) or all(isinstance(item, int) for item in value)
    if not known:
        raise ValueError(
            "`ngrams` must be None, a whole number, or a tuple of these. "
            f"Received: ngrams={value!r}."
        )
    return tuple(range(1, value + 1)) if isinstance(value, int) else value


def _length(value: Any, mode: str) -> int | None:
    if mode != "int" and value is not None:
        raise ValueError(
            "`output_sequence_length` is for output_mode='int'. "
            f"Received: output_sequence_length={value} for output_mode={mode!r}."
        )
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(
            "`output_sequence_length` must be a whole number or None. "
            f"Received: output_sequence_length={value!r}."
        )
    return value


def _mode(value: Any) -> str:
    return output_mode("TextVectorization", value, MODES)
