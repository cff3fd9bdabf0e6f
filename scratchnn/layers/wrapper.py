"""Wrapper: the base of layers that keep another layer, and do something before or after it."""

from __future__ import annotations

from typing import Any, Self

from ..arrays import Array, Shape
from ..context import Context
from .base import Layer


class Wrapper(Layer):
    """Do what another layer does: y = layer(x). A layer of your own overrides what is different.

    Arguments:
        layer: the layer.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y as those of `layer`.

    Raises:
        ValueError: if `layer` is none.

    Example:
        >>> from scratchnn.layers import Dense
        >>> class Doubled(Wrapper):
        ...     def forward(self, x, ctx):
        ...         return 2 * super().forward(x, ctx)
        ...
        ...     def backward(self, dy, ctx):
        ...         return super().backward(2 * dy, ctx)
        >>> Doubled(Dense(1, kernel_initializer="ones"))([[1.0, 2.0]]).numpy()
        array([[6.]], dtype=float32)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__} expected a layer to wrap, such as Dense(10). "
                f"Received: {layer!r} of type {type(layer).__name__}."
            )
        super().__init__(**kwargs)
        self.layer = layer
        self.casts_integers = layer.casts_integers

    def build(self, input_shape: Shape) -> None:
        self.layer.ensure_built(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        return self.layer.forward(x, self.inner_context(ctx))

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        return self.layer.backward(dy, self.inner_context(ctx))

    def inner_context(self, ctx: Context) -> Context:
        """Return the context of the layer within that of this one."""
        inner: Context | None = vars(ctx).get("inner")
        if inner is None:
            inner = ctx.inner = Context(dtype=self.layer.dtype)
        inner.mode, inner.training = ctx.mode, ctx.training
        inner.needs_dx, inner.in_mask = ctx.needs_dx, ctx.in_mask
        return inner

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return self.layer.compute_mask(x, mask)

    def check_input(self, shape: Shape) -> None:
        self.layer.check_input(shape)

    def forget_build(self) -> None:
        super().forget_build()
        self.layer.forget_build()

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from .configs import deserialize

        return super().from_config({**config, "layer": deserialize(config["layer"])})
