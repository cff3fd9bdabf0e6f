"""Embedding: a table of vectors, one for each word, looked up by number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from ..occurrences import Occurrences
from .base import Layer
from .core import positive_int, refuse


class Embedding(Layer):
    """Look up a vector for each whole number: y = E[x].

    Arguments:
        input_dim: V, the number of rows in the table: the largest index that comes up, plus 1.
        output_dim: D, the length of the vectors.
        embeddings_initializer: what E starts as.
        embeddings_regularizer: what E adds to the loss.
        embeddings_constraint: what each update of E ends with.
        mask_zero: whether 0 stands for padding, which later layers are told to skip.
        weights: what E starts as instead: an array (V, D), alone or in a list.
        input_length: taken for the sake of older programs; not needed.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, ...) or (N, T), integers from 0 to V - 1, y (N, ..., D); E (V, D). Other numbers
        than integers are cut off at the point; negative ones count from the end.

    Raises:
        ValueError: if a size is not a positive whole number; for an index that is not in the
            table.

    Example:
        >>> words = Embedding(3, 2, weights=np.array([[0, 1], [2, 3], [4, 5]]))
        >>> words(np.array([[2, 0]])).numpy()
        array([[[4., 5.],
                [0., 1.]]], dtype=float32)

    Reference: Bengio et al., 2003, A Neural Probabilistic Language Model.
    """

    casts_integers = False
    takes_broadcast = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "The argument input_length of Embedding is not needed: leave it out.", stacklevel=2
            )
        super().__init__(**kwargs)
        refuse(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization=quantization_config)
        self.input_dim = positive_int(self, "input_dim", input_dim)
        self.output_dim = positive_int(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = self.makes_mask = bool(mask_zero)
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if _is_list_of_one(weights) else [weights])

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.embeddings.by_rows = True

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.taken = self._rows(x, ctx)
        y = ctx.buffer("y", (*x.shape, self.output_dim))
        # All indices are checked already: 'clip' keeps NumPy from checking into a copy of y.
        return np.take(self.embeddings.value, ctx.taken, axis=0, out=y, mode="clip")

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if dy.ndim == 3 and dy.shape[1] > 1 and dy.strides[1] == 0:  # one gradient for all steps
            taken, slices = ctx.taken, dy[:, 0]
        else:
            taken, slices = ctx.taken.reshape(-1, 1), dy.reshape(-1, self.output_dim)
        self.embeddings.assign_rows(Occurrences(taken, slices, self.input_dim, ctx))
        return None  # an index has no gradient

    def _rows(self, x: Array, ctx: Context) -> Array:
        """Return the indices as row numbers from 0 to V - 1.

        Raises:
            ValueError: if one is not in the table.
        """
        rows = ctx.buffer("rows", x.shape, np.intp)
        with np.errstate(invalid="ignore"):  # NaN becomes a number far outside of the table
            np.copyto(rows, x, casting="unsafe")
        if rows.size:
            least, most = int(rows.min()), int(rows.max())
            if least < -self.input_dim or most >= self.input_dim:
                self._raise_outside(x, rows)
            if least < 0:
                np.add(rows, self.input_dim, out=rows, where=rows < 0)
        return rows

    def _raise_outside(self, x: Array, rows: Array) -> None:
        outside = (rows < -self.input_dim) | (rows >= self.input_dim)
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"The layer {self.name!r} has {self.input_dim} rows: it expected indices in "
            f"[0, {self.input_dim}), or from {-self.input_dim} to -1, which count from the end. "
            f"Received: {x[where]} at {where}. Make input_dim the largest index plus 1."
        )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return np.not_equal(x, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def output_dtype(self, dtypes: Any) -> str:
        return self.dtype

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build()  # the table has the same shape for all inputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }


def _is_list_of_one(weights: Any) -> bool:
    return isinstance(weights, list) and len(weights) == 1
