"""What StringLookup and IntegerLookup share: tokens to indices, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ... import config as settings
from ...arrays import Array, Shape
from ...context import Context
from .hashing import as_salt, hashed
from .preparation import (
    DROPPED,
    encode,
    encoded_shape,
    one_of,
    output_mode,
    refuse_sparse,
)
from .vocabulary import TokenCounts, Vocabulary
from .vocabulary_layer import Given, VocabularyLayer

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(VocabularyLayer):
    """The base of StringLookup and IntegerLookup, which say what their arguments mean."""

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


def _mode(layer: str, value: Any) -> str:
    return output_mode(layer, value, MODES)
