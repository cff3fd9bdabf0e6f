"""StringLookup: strings as the indices that a vocabulary gives them."""

from __future__ import annotations

from typing import Any

from .index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Return the index of each string in a vocabulary; or, inverted, the string of each index.

    The mask's token has index 0; the tokens that are not in the vocabulary have the next ones;
    the vocabulary follows. It is learned by `adapt`, or given.

    Arguments:
        max_tokens: the largest size of the vocabulary, special tokens included.
        num_oov_indices: how many indices tokens that are not in the vocabulary share: with
            several, a hash function says which; with none, such tokens are an error.
        mask_token: the token of index 0, which encodings leave out.
        oov_token: what index 1 and others without a token turn into when inverted.
        vocabulary: a list of tokens, or the path of a file with one a line.
        idf_weights: for 'tf_idf', the weight of each token of the vocabulary.
        invert: whether to turn indices into strings.
        output_mode: 'int' for indices; or V zeros and ones: 'one_hot' for each token, 'multi_hot'
            for a sample's tokens at once; 'count' with how often each comes; 'tf_idf' with that
            times its weight, the log of the inverse of the share of documents that have it.
        pad_to_max_tokens: whether V is max_tokens even if the vocabulary is smaller.
        sparse: not supported.
        encoding: what get_vocabulary decodes the tokens from.
        name: the layer's name.
        salt: changes the hash function: see Hashing.

    Shape:
        x (N, T) strings; y (N, T) int64 for 'int', (N, V) int64 for 'multi_hot' and 'count',
        (N, T, V) for 'one_hot', (N, V) float32 for 'tf_idf'.

    Raises:
        ValueError: for arguments that do not fit one another, and tokens that are not known if
            num_oov_indices is 0.
        RuntimeError: if the layer is used before it has a vocabulary.

    Example:
        >>> layer = StringLookup()
        >>> layer.adapt(["a", "b", "b"])
        >>> layer.get_vocabulary(), layer(["a", "b", "z"]).tolist()
        (['[UNK]', 'b', 'a'], [2, 1, 0])
        >>> StringLookup(vocabulary=layer.get_vocabulary(), invert=True)([2, 1]).tolist()
        [b'a', b'b']

    Reference: for 'tf_idf', Spärck Jones, 1972, A Statistical Interpretation of Term Specificity.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        oov_method = kwargs.pop("oov_method", "floormod")  # in Keras's configs; of no meaning here
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

    def _readable(self, token: Any) -> Any:
        return token.decode(self.encoding)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}
