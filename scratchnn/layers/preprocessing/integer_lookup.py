"""IntegerLookup: whole numbers, such as the ids of things, as the indices of a vocabulary."""

from __future__ import annotations

from typing import Any

from .index_lookup import IndexLookup
from .preparation import one_of


class IntegerLookup(IndexLookup):
    """Return the index of each whole number in a vocabulary; or, inverted, the number of each.

    Arguments:
        max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, name: as for StringLookup.
        mask_token: the number of index 0, which encodings leave out.
        oov_token: what an index without a number turns into when inverted.
        vocabulary_dtype: 'int64'.
        oov_method: how several indices for unknown numbers are shared: 'floormod' by the number
            modulo their count, 'farmhash' by a hash function.
        salt: changes that function.

    Shape:
        x (N, T) whole numbers; y as for StringLookup.

    Raises:
        ValueError, RuntimeError: as for StringLookup.

    Example:
        >>> layer = IntegerLookup(vocabulary=[12, 36, 1138])
        >>> layer([[12, 1138, 7]]).tolist()
        [[1, 3, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype = one_of(
            "IntegerLookup", "vocabulary_dtype", vocabulary_dtype, ("int64",)
        )
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            oov_method,
            salt,
            name,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("oov_token", "mask_token"):
            config[name] = None if config[name] is None else int(config[name])
        if config["vocabulary"] is not None:
            config["vocabulary"] = [int(token) for token in config["vocabulary"]]
        return {**config, "vocabulary_dtype": self.vocabulary_dtype}
