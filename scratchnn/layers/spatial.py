"""What layers over signals, images and volumes have in common: their axes."""

from __future__ import annotations

import operator
from typing import Any, ClassVar

import numpy as np

from .. import config
from ..arrays import Array, Shape
from ..context import Context
from .base import Layer

AXES = {1: "T", 2: "H, W", 3: "Z, H, W"}


class Spatial(Layer):
    """A layer whose input has a batch axis, `rank` axes of space or time, and one of channels.

    Inside, arrays are channels last. Channels first is another view of the same memory.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        **kwargs: the arguments of every Layer.
    """

    rank: ClassVar[int]

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def compute_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes of the output's spatial axes, given the input's; None is unknown."""
        raise NotImplementedError(f"{type(self).__name__} must define compute_sizes(sizes).")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.data_format == "channels_first":
            return (*input_shape[:2], *self.compute_sizes(input_shape[2:]))
        return (input_shape[0], *self.compute_sizes(input_shape[1:-1]), input_shape[-1])

    def check_input(self, shape: Shape) -> None:
        if len(shape) != self.rank + 2:
            axes = AXES[self.rank]
            wanted = f"(N, {axes}, C)" if self.data_format == "channels_last" else f"(N, C, {axes})"
            raise ValueError(
                f"The layer {self.name!r} expected an input of rank {self.rank + 2}, {wanted}. "
                f"Received: shape {shape}."
            )
        self.compute_output_shape(shape)

    def channels_last(self, x: Array) -> Array:
        """Return x as (N, *sizes, C)."""
        return x if self.data_format == "channels_last" else np.moveaxis(x, 1, -1)

    def as_given(self, x: Array) -> Array:
        """Return x, (N, *sizes, C), in the layer's own data format."""
        return x if self.data_format == "channels_last" else np.moveaxis(x, -1, 1)

    def in_order(self, name: str, x: Array, ctx: Context) -> Array:
        """Return x as (N, *sizes, C) with its memory in this order, copied if need be."""
        x = self.channels_last(x)
        if x.flags.c_contiguous:
            return x
        copy = ctx.buffer(f"{name} in order", x.shape, x.dtype)
        np.copyto(copy, x)
        return copy

    def per_axis(self, argument: str, value: Any, lowest: int = 1) -> tuple[int, ...]:
        """Return an argument, a whole number for all axes or one for each, as one for each."""
        return whole_numbers(self, argument, value, self.rank, lowest)


def wants_dx(dy: Array, ctx: Context) -> bool:
    """Return whether there is a gradient to send back: integers have none."""
    return ctx.needs_dx and dy.dtype.kind == "f"


def whole_numbers(
    layer: Layer, argument: str, value: Any, length: int, lowest: int = 1
) -> tuple[int, ...]:
    """Return `value`, a whole number or `length` of them, as a tuple; NumPy's counts are taken too.

    Raises:
        ValueError: if it is something else, or less than `lowest`.
    """
    try:
        numbers = (operator.index(value),) * length
    except TypeError:
        try:
            numbers = tuple(operator.index(number) for number in value)
        except TypeError:
            numbers = ()
    if len(numbers) != length or min(numbers) < lowest:
        kind = "positive whole" if lowest == 1 else "whole"
        several = f" or {length} of them" if length > 1 else ""
        raise ValueError(
            f"{type(layer).__name__} expected a {kind} number{several} for `{argument}`"
            f"{'' if lowest == 1 else f', none below {lowest}'}. Received: {argument}={value!r}."
        )
    return numbers


def an_integer(layer: Layer, argument: str, value: Any) -> int:
    """Return `value`, a positive whole number, as an int.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is not positive.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(
            f"{type(layer).__name__} expected a whole number for `{argument}`. "
            f"Received: {argument}={value!r}."
        )
    if number <= 0:
        raise ValueError(
            f"{type(layer).__name__} expected a positive whole number for `{argument}`. "
            f"Received: {argument}={value!r}."
        )
    return number
