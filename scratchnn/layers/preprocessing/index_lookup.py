"""What StringLookup and IntegerLookup share: tokens to indices, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ... import config as settings
from ...arrays import Array, Shape
from ...context import Context
from ...saving import limits
from ...strings import STRING, as_strings
from .hashing import as_salt, hashed
from .preparation import (
    DROPPED,
    Preparation,
    batches_of,
    encode,
    encoded_shape,
    one_of,
    output_mode,
    refuse_sparse,
)
from .vocabulary import TokenCounts, Vocabulary, repeated

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")

ASSET = "vocabulary.txt"
"""The file in which a model's file keeps a vocabulary, a token a line."""


class Given:
    """What a layer was made with, out of sight of those who look for layers in lists."""

    def __init__(self, value: Any) -> None:
        self.value = value


class IndexLookup(Preparation):
    """The base of StringLookup and IntegerLookup, which say what their arguments mean."""

    vocabulary_dtype = STRING

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        oov_method: str,
        salt: Any,
        name: str | None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        self._known_size = _size(kwargs.pop("vocabulary_size", None))
        self._is_fixed: bool = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        for ignored in ("trainable", "dtype"):  # as in Keras: there is nothing to train or round
            kwargs.pop(ignored, None)
        super().__init__(name=name, **kwargs)
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(
                f"{kind} expected `max_tokens` greater than 1. Received: max_tokens={max_tokens}."
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{kind} needs `max_tokens` for pad_to_max_tokens=True.")
        if num_oov_indices < 0:
            raise ValueError(
                f"{kind} expected `num_oov_indices` of at least 0. "
                f"Received: num_oov_indices={num_oov_indices}."
            )
        refuse_sparse(kind, sparse)
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = invert
        self.output_mode = _mode(kind, output_mode)
        self.pad_to_max_tokens = pad_to_max_tokens
        self.oov_method = one_of(kind, "oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = as_salt(kind, salt)
        if self.salt and not self._is_of_strings and oov_method != "farmhash":
            raise ValueError(
                f"`salt` is for oov_method='farmhash'. Received: oov_method={oov_method!r}."
            )
        if invert and self.output_mode != "int":
            raise ValueError(
                "invert=True returns tokens, so `output_mode` must be 'int'. "
                f"Received: output_mode={output_mode!r}."
            )
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                "`idf_weights` are for output_mode='tf_idf'. "
                f"Received: output_mode={output_mode!r}."
            )
        is_path = isinstance(vocabulary, str | os.PathLike)
        self._given = Given(None if is_path else vocabulary)
        self._given_idf = Given(idf_weights)
        self._idf: Array | None = None
        self._vocabulary = Vocabulary([], self._token_start, self._is_of_strings)
        self._counts = TokenCounts()
        if vocabulary is not None:
            if self.output_mode == "tf_idf" and idf_weights is None:
                raise ValueError(
                    "A `vocabulary` for output_mode='tf_idf' needs `idf_weights` beside it."
                )
            self.set_vocabulary(vocabulary, idf_weights)

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

    # The pass -------------------------------------------------------------------------------------

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.invert:
            return self._tokens_of(x.astype(np.int64))
        return self.encoded(self.indices_of(x), ctx)

    def _tokens_of(self, x: Array) -> Array:
        self._require_vocabulary()
        tokens = self._vocabulary.at(x, self._key(self.oov_token))
        if self.mask_token is not None:
            tokens[x == 0] = self._key(self.mask_token)
        return tokens

    def indices_of(self, x: Array) -> Array:
        """Return the index of each token: int64, DROPPED for masked ones in an encoding."""
        self._require_vocabulary()
        if not self._is_of_strings:
            x = x.astype(np.int64, copy=False)
        one = self._oov_start if self.num_oov_indices == 1 else -1
        indices = self._vocabulary.indices(x, one)
        masked = None
        if self.mask_token is not None:
            masked = np.asarray(x == self._key(self.mask_token))
            indices[masked] = 0 if self.output_mode == "int" else DROPPED
        if self.num_oov_indices != 1:
            unknown = indices == -1
            if unknown.any():
                indices[unknown] = self._oov_indices(x[unknown])
        return indices

    def _oov_indices(self, x: Array) -> Array:
        if self.num_oov_indices == 0:
            raise ValueError(
                f"The layer {self.name!r} has no index for tokens that are not in its vocabulary "
                f"(num_oov_indices=0). Received: {[self._readable(t) for t in x[:10].tolist()]}."
            )
        if self._is_of_strings or self.oov_method == "farmhash":
            return hashed(x, self.num_oov_indices, self.salt) + self._oov_start
        return np.asarray(x % self.num_oov_indices + self._oov_start)

    def encoded(self, indices: Array, ctx: Context) -> Array:
        """Return indices in the form of the output mode."""
        if self.output_mode == "int":
            return indices
        depth = self._depth()
        assert depth is not None
        if self.output_mode != "tf_idf":
            return encode(indices, self.output_mode, depth, lambda s: ctx.buffer("y", s, np.int64))
        assert self._idf is not None
        dtype = self._idf.dtype
        y = encode(indices, "count", depth, lambda s: ctx.buffer("y", s, dtype))
        y *= self._idf
        return y

    def _require_vocabulary(self) -> None:
        if not len(self._vocabulary):
            raise RuntimeError(
                f"The layer {self.name!r} has no vocabulary yet: call its adapt() on data, or "
                "give it a `vocabulary`."
            )

    def _depth(self) -> int | None:
        return self.max_tokens if self.pad_to_max_tokens else self._known_size

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        shape: Shape = encoded_shape(input_shape, mode, self._depth())
        return shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        if self.invert:
            return self.vocabulary_dtype
        return "int64" if self.output_mode == "int" else settings.floatx()

    # Files ----------------------------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any]:
        return {}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": False,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": listed(self._given_idf.value),
            "vocabulary": listed(self._given.value),
            "vocabulary_size": self._known_size,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        refuse_path(config)
        return super().from_config(config)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        if self._idf is not None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store: dict[str, Any]) -> None:
        if self.output_mode == "tf_idf":
            self._idf = np.asarray(store["idf_weights"], settings.floatx())

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


def refuse_path(config: dict[str, Any]) -> None:
    """Raise a ValueError for a config that would have a file read: it may be anybody's."""
    if isinstance(config.get("vocabulary"), str):
        raise ValueError(
            "A config must hold its vocabulary, or leave it to the model's file: the files of "
            f"others are not read. Received: vocabulary={config['vocabulary']!r}."
        )


def _size(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"`vocabulary_size` must be a whole number. Received: {value!r}.")
    return value


def listed(values: Any) -> Any:
    """Return a list of an array, for JSON; other values as they are."""
    return np.asarray(values).tolist() if hasattr(values, "__array__") else values


def _lines_of(path: Any) -> list[str]:
    """Return the lines of a file, as any system writes them."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    if len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1]):
        lines = [line.removesuffix("\r") for line in lines]
    return lines


def _mode(layer: str, value: Any) -> str:
    return output_mode(layer, value, MODES)
