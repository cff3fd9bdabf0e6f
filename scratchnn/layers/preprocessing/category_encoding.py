"""CategoryEncoding: numbers of categories as vectors of zeros and ones, or of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...arrays import Array, Shape
from ...context import Context
from ..core import positive_int
from .preparation import Preparation, encode, encoded_shape, output_mode, refuse_sparse


class CategoryEncoding(Preparation):
    """Encode numbers of categories: y_c = 1 where x is c, or how often c is among a sample's.

    Arguments:
        num_tokens: C, the number of categories; larger numbers are left out.
        output_mode: 'one_hot' encodes each number; 'multi_hot' a sample's numbers at once, with a
            1 for each that is there; 'count' with how often each is there.
        sparse: not supported.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, T), whole numbers from 0; y (N, C), or (N, T, C) for 'one_hot', in the layer's float
        dtype. A last axis of size 1 becomes that of the encoding.

    Raises:
        ValueError: for another output mode, no number of categories, and negative numbers in x.

    Example:
        >>> CategoryEncoding(3, output_mode="one_hot")(np.array([0, 2])).numpy()
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
        >>> CategoryEncoding(3, output_mode="count")(np.array([[0, 2, 2]])).numpy()
        array([[1., 0., 2.]], dtype=float32)
    """

    wants_strings = False

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_mode = _mode(output_mode)
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding needs `num_tokens`, the number of categories. Where it is not "
                "known, IntegerLookup learns it from data."
            )
        refuse_sparse("CategoryEncoding", sparse)
        self.num_tokens = positive_int(self, "num_tokens", num_tokens)

    def call_inputs(  # type: ignore[override]
        self,
        inputs: Any,
        count_weights: Any = None,
        training: bool | None = None,
        mask: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Take a call apart, which may say what each number counts.

        Arguments:
            inputs: numbers of categories, (N, T).
            count_weights: what each of them counts, of the same shape; for 'count'.
            training, mask: as for every layer.

        Raises:
            ValueError: for weights in another mode.
        """
        found, options = super().call_inputs(inputs, training, mask)
        if count_weights is None:
            return found, options
        if self.output_mode != "count":
            raise ValueError(
                "`count_weights` is for output_mode='count'. "
                f"Received: output_mode={self.output_mode!r}."
            )
        return [found, count_weights], options

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        if not isinstance(inputs, list):
            return [inputs], dict(options)
        return inputs[:1], {"count_weights": inputs[1], **options}

    def get_build_config(self) -> dict[str, Any] | None:
        config = super().get_build_config()
        if config is not None and isinstance(config["input_shape"], list):
            config["input_shape"] = config["input_shape"][0]
        return config

    def check_input(self, shape: Any) -> None:
        if isinstance(shape, list) and tuple(shape[0]) != tuple(shape[1]):
            raise ValueError(
                f"`count_weights` must have the shape of the inputs, {tuple(shape[0])}. "
                f"Received: shape {tuple(shape[1])}."
            )

    def forward(self, x: Any, ctx: Context) -> Array:
        x, weights = x if isinstance(x, list) else (x, None)
        depth = self.num_tokens
        return encode(x, self.output_mode, depth, lambda s: ctx.buffer("y", s), weights)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if isinstance(input_shape, list) and isinstance(input_shape[0], tuple):
            input_shape = input_shape[0]
        shape: Shape = encoded_shape(input_shape, self.output_mode, self.num_tokens)
        return shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.dtype

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }


def _mode(value: Any) -> str:
    return output_mode("CategoryEncoding", value, ("count", "one_hot", "multi_hot"))
