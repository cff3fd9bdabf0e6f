"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from .. import tree
from ..arrays import Array
from ..context import Context
from ..saving import limits
from .base import Layer


class Lambda(Layer):
    """Return a function of the input: y = f(x).

    Nothing finds the gradient of a function: to train what comes before the layer, give it, as
    `gradient` or as an attribute `gradient` of the function. Behind an input, or in a model that is
    not trained, there is no need for one.

    Arguments:
        function: f, of an array, or of a list of arrays, and returning one; of `mask` and
            `training` as well, if it has such parameters.
        output_shape: the shape of y without the batch, or a function from x's shape to y's; found
            by trying f out if not given.
        mask: the mask of y, or a function (x, mask) -> mask of y; None if there is none.
        arguments: more arguments for f, by their names.
        gradient: a function (dy, x, y) -> dx, which returns a list if x is one.
        **kwargs: the arguments of every Layer.

    Raises:
        TypeError: if `function` or `gradient` cannot be called.
        ValueError: in training, if a gradient is needed and not given.

    Example:
        >>> square = Lambda(lambda x: x**2, gradient=lambda dy, x, y: 2 * x * dy)
        >>> square(np.array([[3.0]])).numpy()
        array([[9.]], dtype=float32)
    """

    casts_integers = False
    takes_mask = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        gradient: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("function", function), ("gradient", gradient)):
            if not callable(value) and (name == "function" or value is not None):
                raise TypeError(f"Lambda expected {name} to be callable. Received: {value!r}.")
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.gradient = gradient
        self.supports_masking = self.makes_mask = mask is not None
        self._output_shape = output_shape
        names = inspect.signature(function).parameters
        self._takes = [name for name in ("mask", "training") if name in names]

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, list | tuple) and any(hasattr(part, "shape") for part in x):
            self.takes_several = True
        return super().__call__(x, *args, **kwargs)

    def forward(self, x: Any, ctx: Context) -> Any:
        ctx.x = x
        more = {"mask": ctx.in_mask, "training": ctx.training}
        given = tree.map_structure(_read_only, x)
        y = self.function(given, **self.arguments, **{name: more[name] for name in self._takes})
        ctx.y = tree.map_structure(self._as_array, y)
        return ctx.y

    def _as_array(self, y: Any) -> Array:
        array = np.asarray(y)
        return array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array

    def backward(self, dy: Array, ctx: Context) -> Any:
        if not ctx.needs_dx:
            return None
        gradient = self.gradient or getattr(self.function, "gradient", None)
        if gradient is None:
            raise ValueError(
                f"The Lambda {self.name!r} has no gradient, and the layers before it need one to "
                "be trained. Give it as Lambda(f, gradient=g), with g(dy, x, y) the gradient of x "
                "for dy, that of y; or write a Layer with forward and backward."
            )
        return tree.map_structure(self._as_array, gradient(dy, ctx.x, ctx.y))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return self.mask(x, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        if self._output_shape is not None:
            return (first[0], *self._output_shape)
        try:
            small, large = (self._tried(input_shape, size) for size in (2, 3))
        except Exception as error:
            raise NotImplementedError(
                f"The shape of the output of the Lambda {self.name!r} is not found by trying its "
                f"function on an input of shape {input_shape}: {error} Give it as output_shape."
            ) from error
        if isinstance(small, list):
            return [_common(a, b) for a, b in zip(small, large, strict=True)]
        return _common(small, large)

    def _tried(self, shape: Any, size: int) -> Any:
        """Return the shape, or shapes, of f's output where what is unknown is `size`."""

        def zeros(one: Any) -> Array:
            sizes = [size if d is None else d for d in one]
            limits.check_trial(sizes)
            return np.zeros(sizes, self.dtype)

        several = isinstance(shape, list)
        x: Any = [zeros(one) for one in shape] if several else zeros(shape)
        with np.errstate(all="ignore"):
            y = self.forward(x, Context(dtype=self.dtype))
        return [part.shape for part in y] if isinstance(y, list) else y.shape

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        config = {**super().get_config(), "function": serialize_keras_object(self.function)}
        if self._output_shape is not None:
            shape = self._output_shape
            config["output_shape"] = serialize_keras_object(shape) if callable(shape) else shape
        if self.mask is not None:
            config["mask"] = serialize_keras_object(self.mask)
        if self.gradient is not None:
            config["gradient"] = serialize_keras_object(self.gradient)
        return config | {"arguments": serialize_keras_object(self.arguments)}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the layer that a config describes.

        Arguments:
            config: what `get_config` returned.
            custom_objects: {name: function}, your own in it.

        Raises:
            ValueError: for a function that is not known, and byte code, which is never run.
        """
        from ..saving import deserialize_keras_object

        found = dict(config)
        for name in ("function", "output_shape", "mask", "gradient", "arguments"):
            if isinstance(found.get(name), Mapping):
                found[name] = deserialize_keras_object(found[name], custom_objects)
        if isinstance(found.get("output_shape"), list):
            found["output_shape"] = tuple(found["output_shape"])
        return super().from_config(found)


def _read_only(x: Array) -> Array:
    view = x.view()
    view.flags.writeable = False
    return view


def _common(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int | None, ...]:
    return tuple(i if i == j else None for i, j in zip(a, b, strict=True))
