"""Grouped-query attention: several heads of the query share one of key and value."""

from __future__ import annotations

from typing import Any

from .. import regularizers
from ..arrays import Array, Shape
from .attention_heads import HeadAttention
from .attention_scores import Arrangement
from .core import positive_int


class GroupedQueryAttention(HeadAttention):
    """Attention of H heads that share G keys and values: head h looks at those of h // (H / G).

    With G = H this is multi-head attention, with G = 1 multi-query attention.

    Arguments:
        head_dim: K, the features of each head.
        num_query_heads: H.
        num_key_value_heads: G, of which H is a multiple.
        dropout: the share of the attention weights to drop in training.
        use_bias: whether the projections add one.
        sliding_window: how far from it, itself included, a query sees keys on both sides.
        flash_attention: None or False; there is none on a CPU.
        kernel_initializer, bias_initializer: what the weights of the projections start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what they and the outputs, those
            of the projections and that of the layer, add to the loss.
        kernel_constraint, bias_constraint: what each of their updates ends with.
        use_gate: whether what the heads found is multiplied by sigmoid(query W_g + b_g).
        seed: an int fixes the masks of the dropout.
        **kwargs: the arguments of every Layer.

    Call arguments:
        As for MultiHeadAttention; but a `query_mask` that is given counts, too.

    Shape:
        query (N, T, D), value (N, S, D), key (N, S, F); y (N, T, D). Kernels (D, H, K), (F, G, K),
        (D, G, K) and (H, K, D), and biases.

    Raises:
        ValueError: for sizes that are not positive whole numbers, H no multiple of G; for
            `flash_attention`; for inputs or masks whose shapes do not fit.

    Example:
        >>> layer = GroupedQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
        >>> layer(np.ones((1, 4, 8)), np.ones((1, 6, 8))).shape
        (1, 4, 8)

    Reference: Ainslie et al., 2023, GQA: Training Generalized Multi-Query Transformer Models from
    Multi-Head Checkpoints.
    """

    public_name = "GroupQueryAttention"  # what Keras calls the class in public, and in configs

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.head_dim = positive_int(self, "head_dim", head_dim)
        self.num_query_heads = positive_int(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = positive_int(self, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                "GroupedQueryAttention expected num_query_heads to be a multiple of "
                f"num_key_value_heads. Received: num_query_heads={num_query_heads}, "
                f"num_key_value_heads={num_key_value_heads}."
            )
        super().__init__(
            self.head_dim,
            dropout,
            use_bias,
            use_gate,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            seed,
            **kwargs,
        )
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def build(self, input_shape: Any) -> None:
        query, value, key = self.checked_shapes(input_shape)
        heads = [self.num_query_heads, self.head_dim]
        groups = [self.num_key_value_heads, self.head_dim]
        self.project("query", query, 1, heads)
        self.project("key", key, 1, groups)
        if self.use_gate:
            self.project("gate", query, 1, heads)
        self.project("value", value, 1, groups)
        self.add_dropout()
        self.project("output", (None, None, *heads), 2, query[-1:])  # type: ignore[arg-type]

    def checked_shapes(self, input_shape: Any) -> tuple[Shape, Shape, Shape]:
        query, value, key = super().checked_shapes(input_shape)
        if len(query) != 3 or len(value) != 3 or query[-1] != value[-1]:
            raise ValueError(
                f"The layer {self.name!r} expected a query (N, T, D) and a value (N, S, D). "
                f"Received: query of shape {query}, value of shape {value}."
            )
        return query, value, key

    def compute_output_shape(
        self, input_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Shape:
        if value_shape is not None:  # Keras's form, each shape an argument
            input_shape = [input_shape, value_shape, *([key_shape] if key_shape else [])]
        return self.checked_shapes(input_shape)[0]

    def scores_shape(self, query: Shape, value: Shape) -> Shape:
        return (query[0], self.num_query_heads, query[1], value[1])

    def arrangement(self, q: Array, k: Array, short: bool) -> Arrangement:
        samples, queries, heads, features = q.shape
        keys, groups = k.shape[1:3]
        # The heads that share a key are more queries for it: (N, G, H / G, T, K).
        return Arrangement(
            split=(samples, queries, groups, heads // groups, features),
            query_order=(0, 2, 3, 1, 4),
            key_order=(0, 2, 1, 3),
            query_axes=2,
            key_axes=1,
            batch_sizes=(samples, groups),
            queries=heads // groups * queries,
            keys=keys,
            scores_shape=(samples, heads, queries, keys),
            axes=1,
        )

    def attention_mask(self, mask: Array, as_bool: bool) -> Array:
        # So does Keras, in a softmax with a mask that is not of bools.
        return mask if as_bool or mask.dtype == bool else mask > 0.5

    def get_config(self) -> dict[str, Any]:
        return {
            **self.heads_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }


GroupQueryAttention = GroupedQueryAttention
