"""Multi-head attention: each head looks at the sequence in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..arrays import Array, Shape
from ..context import Context
from .attention_heads import HeadAttention
from .attention_scores import Arrangement
from .core import positive_int
from .einsum_dense import EinsumDense


class MultiHeadAttention(HeadAttention):
    """Attention of H heads: y = concat_h(softmax(q_h k_h^T / sqrt(K)) v_h) W_o + b_o.

    Each head has projections of its own: q_h = query W_q + b_q, k_h = key W_k + b_k and
    v_h = value W_v + b_v. Called on (query, value), the values are the keys, too.

    Arguments:
        num_heads: H.
        key_dim: K, the features of query and key in each head.
        value_dim: V, those of the value; K if not given.
        dropout: the share of the attention weights to drop in training.
        use_bias: whether the projections add one.
        output_shape: the sizes of the output's last axes; those of the query if not given.
        attention_axes: the axes attended over; all but those of the batch and the features if not
            given. Counted from the end, -1 is that of the heads.
        sliding_window: how far from it, itself included, a query sees keys on both sides.
        flash_attention: None or False; there is none on a CPU.
        kernel_initializer, bias_initializer: what the weights of the projections start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what they and the outputs of
            the projections add to the loss.
        kernel_constraint, bias_constraint: what each of their updates ends with.
        use_gate: whether what the heads found is multiplied by sigmoid(query W_g + b_g).
        seed: an int fixes the masks of the dropout.
        **kwargs: the arguments of every Layer.

    Call arguments:
        query, value, key: the key is the value if not given.
        value_mask, key_mask: (N, S), false for what is not looked at; those of the inputs if not
            given.
        query_mask: not used; as in Keras, the query's own mask is, if it has one.
        attention_mask: (N, T, S), or with an axis for the heads, false for what is not looked at.
        return_attention_scores: whether the output is a list of y and the weights, (N, H, T, S).
        use_causal_mask: whether a query sees no key after it.
        training: whether to drop weights.

    Shape:
        query (N, T, D), value (N, S, E), key (N, S, F); y (N, T, D). There may be more axes than
        one for T and S. Kernels (D, H, K), (F, H, K), (E, H, V) and (H, V, D), and biases.

    Raises:
        ValueError: for sizes that are not positive whole numbers; for `flash_attention`; for keys
            and values, or masks, whose shapes do not fit.

    Example:
        >>> layer = MultiHeadAttention(num_heads=2, key_dim=3)
        >>> layer(np.ones((1, 4, 8)), np.ones((1, 6, 5))).shape
        (1, 4, 8)

    Reference: Vaswani et al., 2017, Attention Is All You Need.
    """

    ends_masks = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        self.num_heads = positive_int(self, "num_heads", num_heads)
        self.key_dim = positive_int(self, "key_dim", key_dim)
        super().__init__(
            self.key_dim,
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
        self.value_dim = (
            self.key_dim if value_dim is None else positive_int(self, "value_dim", value_dim)
        )
        self._output_sizes = _sizes(self, "output_shape", output_shape)
        if isinstance(attention_axes, int):
            attention_axes = (attention_axes,)
        if attention_axes is not None and (
            not isinstance(attention_axes, list | tuple)
            or not all(isinstance(axis, int) for axis in attention_axes)
        ):
            raise ValueError(
                "MultiHeadAttention expected `attention_axes` to be an axis or a list of axes. "
                f"Received: attention_axes={attention_axes!r}."
            )
        self.attention_axes: Any = attention_axes

    def build(self, input_shape: Any) -> None:
        query, value, key = self.checked_shapes(input_shape)
        rank = len(query) + 1  # with the heads
        axes = range(1, rank - 2) if self.attention_axes is None else self.attention_axes
        axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        if not axes or len(set(axes)) < len(axes) or not all(0 <= axis < rank - 1 for axis in axes):
            raise ValueError(
                f"The layer {self.name!r} expected attention_axes that its query has, without the "
                f"features. Received: attention_axes={self.attention_axes}, query of shape {query}."
            )
        heads = [self.num_heads, self.key_dim]
        self.project("query", query, 1, heads)
        self.project("key", key, 1, heads)
        if self.use_gate:
            self.project("gate", query, 1, [self.num_heads, self.value_dim])
        self.project("value", value, 1, [self.num_heads, self.value_dim])
        self.attention_axes = axes
        self.add_dropout()
        found = (*query[:-1], self.num_heads, self.value_dim)
        self.project("output", found, 2, self._output_sizes or query[-1:])  # type: ignore[arg-type]

    def compute_output_shape(
        self, input_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Shape:
        if value_shape is not None:  # Keras's form, each shape an argument
            input_shape = [input_shape, value_shape, *([key_shape] if key_shape else [])]
        query, _, _ = self.checked_shapes(input_shape)
        return (*query[:-1], *(self._output_sizes or query[-1:]))

    def scores_shape(self, query: Shape, value: Shape) -> Shape:
        axes, rank = self.attention_axes, len(query) + 1
        heads = rank - 2
        batch = [i for i in range(rank - 1) if i not in axes]
        sizes = [self.num_heads if i == heads else query[i] for i in (*batch, *axes)]
        return (*sizes, *(self.num_heads if i == heads else value[i] for i in axes))

    def arrangement(self, q: Array, k: Array, short: bool) -> Arrangement:
        rank = q.ndim
        axes = (1,) if short else self.attention_axes
        batch = [i for i in range(rank - 1) if i not in axes]
        order = (*batch, *axes, rank - 1)
        batch_sizes = tuple(q.shape[i] for i in batch)
        queries, keys = (tuple(x.shape[i] for i in axes) for x in (q, k))
        return Arrangement(
            split=q.shape,
            query_order=order,
            key_order=order,
            query_axes=len(axes),
            key_axes=len(axes),
            batch_sizes=batch_sizes,
            queries=prod(queries),
            keys=prod(keys),
            scores_shape=(*batch_sizes, *queries, *keys),
            axes=len(axes),
        )

    def given_mask(self, name: str, named: Any, ctx: Context) -> Any:
        if name != "query_mask":
            return super().given_mask(name, named, ctx)
        return ctx.in_mask[0] if ctx.in_mask else None

    def get_config(self) -> dict[str, Any]:
        return {
            **self.heads_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_sizes,
            "attention_axes": self.attention_axes,
        }

    @property
    def query_dense(self) -> EinsumDense:
        """The projection of the query."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The projection of the key."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The projection of the value."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The projection of what the heads found."""
        return self._output_dense


def _sizes(layer: MultiHeadAttention, argument: str, value: Any) -> tuple[int, ...] | None:
    """Return one size or several as a tuple; None for none."""
    if value is None or value == () or value == []:
        return None
    sizes = value if isinstance(value, list | tuple) else [value]
    return tuple(positive_int(layer, argument, size) for size in sizes)
