"""Sequential: layers in a row, and the two loops over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from .. import naming
from ..arrays import Array, Shape
from ..context import Context
from ..graph import KerasTensor
from ..layers.activity import penalized
from ..layers.base import Layer
from ..layers.configs import dtype_config
from ..layers.core import InputLayer
from ..saving import deserialize_keras_object, serialize_keras_object
from ..strings import numpy_dtype
from .calls import cast, makes_masks, next_mask
from .model import Model, find_layer


class Sequential(Model):
    """A model whose layers follow one another.

    It is built, that is, its weights are made, as soon as the shape of its input is known: from an
    `Input` in front, from the first layer's `input_shape`, or from the first data it sees.

    Arguments:
        layers: a list of layers, or nothing.
        trainable: whether the weights are trained.
        name: the model's name.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(1)])
        >>> model.output_shape, model.count_params()
        ((None, 1), 19)
    """

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        self._input: InputLayer | None = None
        self._input_is_inferred = False
        names: set[str] = set()
        for layer in layers or ():
            self._append(layer, names)
        self._rebuild()

    # The stack ----------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return list(self._layers)

    @property
    def sublayers(self) -> list[Layer]:
        return self._layers

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Add a layer at the end.

        Raises:
            TypeError: if it is not a layer.
            ValueError: if a layer of that name is there already, or an Input comes late.
        """
        before = self._layers.copy(), self._input
        self._append(layer, {other.name for other in self._layers})
        try:
            self._rebuild(rebuild)
        except Exception:
            self._layers, self._input = before
            self._rebuild()
            raise

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Take the last layer off and return it; None if there is none."""
        if not self._layers:
            return None
        layer = self._layers.pop()
        self._rebuild(rebuild)
        return layer

    def _append(self, layer: Any, names: set[str]) -> None:
        """Put a layer at the end, if its name is not among those, and add its name to them."""
        if isinstance(layer, KerasTensor):
            layer = layer.layer
        if not isinstance(layer, Layer):
            raise TypeError(
                "A Sequential is made of layers, such as Dense(10). "
                f"Received: {layer!r} of type {type(layer).__name__}."
            )
        if isinstance(layer, InputLayer):
            if self._input is not None or self._layers:
                raise ValueError(
                    f"An Input must stand first in a Sequential, and alone. Received: "
                    f"{layer.name!r} after {[other.name for other in self._layers]}."
                )
            self._input = layer
            return
        if layer is self or layer.name in names:
            raise ValueError(
                "All layers of a Sequential must have unique names. Received a second layer "
                f"named {layer.name!r}."
            )
        if not self._layers and isinstance(layer, Model) and layer.takes_several:
            raise ValueError(
                f"A Sequential has one input. Received as its first layer {layer.name!r}, a model "
                f"with {len(layer.input_names)}. Call layers on its outputs instead, and make a "
                "keras.Model(inputs, outputs)."
            )
        if self._input is None and not self._layers and layer.batch_input_shape is not None:
            self._input = InputLayer(batch_shape=layer.batch_input_shape)
        names.add(layer.name)
        self._layers.append(layer)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place.

        Raises:
            ValueError: if there is no such layer.
        """
        return find_layer(self._layers, name, index)

    # Building -----------------------------------------------------------------------------------

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the weights of all layers for inputs of `input_shape`, batch axis included."""
        if input_shape is None:
            if self._input is None:
                raise ValueError(
                    f"The model {self.name!r} needs to know its input: start with an Input, or "
                    "call build(input_shape) with the shape of a batch, such as (None, 784)."
                )
            input_shape = self._input.batch_shape
        if not self._layers:
            raise ValueError(f"The model {self.name!r} has no layers, so it cannot be built.")
        shape = tuple(input_shape)
        if self._input is None:
            self._input = InputLayer(batch_shape=shape, dtype=self.input_dtype)
            self._input_is_inferred = True
        naming.auto_name("functional")  # Keras spends one of these names on each build
        dtype = self.input_dtype
        for layer in self._layers:
            layer.check_dtypes([dtype])
            dtype = layer.output_dtype([dtype])
            layer.ensure_built(shape)
            shape = layer.compute_output_shape(shape)
            layer.output_shape = shape
        self.input_shape, self.output_shape = tuple(input_shape), shape
        self._packed = False
        self._makes_masks = makes_masks(self._layers)
        self._tensors: list[KerasTensor] | None = None

    @property
    def inputs(self) -> list[KerasTensor]:
        """The KerasTensor that the model begins with, in a list."""
        return self._chain()[:1]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The KerasTensor that it ends with, in a list."""
        return self._chain()[-1:]

    def _chain(self) -> list[KerasTensor]:
        """Return the KerasTensors between the layers, which are called on them the first time."""
        if not self.built or self._input is None:
            raise AttributeError(
                f"The model {self.name!r} has no inputs and outputs before it is built: start it "
                "with an Input."
            )
        if self._tensors is None:
            self._tensors = [self._input.output]
            for layer in self._layers:
                self._tensors.append(layer.connect(self._tensors[-1]))
        return self._tensors

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_tensors": None}

    def _rebuild(self, rebuild: bool = True) -> None:
        """After a change of the layers: build the new ones, if the input is known."""
        known, inferred = self._input, self._input_is_inferred
        self.forget_build()
        self._input, self._input_is_inferred = known, inferred
        shape = None if known is None else known.batch_shape
        if shape is None and len(self._layers) > 1 and isinstance(self._layers[0], Model):
            shape = self._layers[0].input_shape
        if rebuild and shape is not None and self._layers:
            self.build(shape)

    def forget_build(self) -> None:
        super().forget_build()
        self._packed = False
        if self._input_is_inferred:
            self._input = None
            self._input_is_inferred = False

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for layer in self._layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def check_input(self, shape: Shape) -> None:
        if not self._layers:
            raise ValueError(f"The model {self.name!r} has no layers.")
        expected = self.input_shape
        if expected is None:
            self._layers[0].check_input(shape)
        elif len(shape) != len(expected) or any(
            size != wanted
            for size, wanted in zip(shape[1:], expected[1:], strict=True)
            if size is not None and wanted is not None
        ):
            raise ValueError(
                f"The model {self.name!r} expected inputs of shape "
                f"({', '.join(['N', *map(str, expected[1:])])}). Received: {shape}."
            )

    def fit_input(self, x: Array) -> Array:
        expected = self.input_shape
        assert expected is not None
        if x.ndim == len(expected) - 1 and expected[-1] == 1:
            x = x[..., np.newaxis]
        elif x.ndim == len(expected) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        self.check_input(x.shape)
        return x

    @property
    def input_dtype(self) -> str:
        if self._input is not None:
            return self._input.dtype
        return self._layers[0].compute_dtype if self._layers else self.dtype

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        dtype = self.input_dtype
        for layer in self._layers:
            dtype = layer.output_dtype([dtype])
        return dtype

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        layers = [self._input, *self._layers] if self._input is not None else self._layers
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_config(self.dtype),
            "layers": [serialize_keras_object(layer) for layer in layers],
        }
        if self.built and self._input is not None:
            config["build_input_shape"] = self._input.batch_shape
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the model that a config describes, with new weights.

        Arguments:
            config: what `get_config` returned.
            custom_objects: {name: class or function}, your own in it.

        Raises:
            ValueError: if it has no name or no layers.
        """
        if not isinstance(config.get("name"), str) or not isinstance(config.get("layers"), list):
            raise ValueError(
                "The config of a Sequential must be a dict with a 'name' and a list of 'layers'. "
                f"Received: {config!r}."
            )
        model = cls(name=config["name"])
        names: set[str] = set()
        for layer in deserialize_keras_object(config["layers"], custom_objects):
            model._append(layer, names)
        model._rebuild()
        for _ in model._layers[1:] if model.built else ():
            naming.auto_name("functional")  # Keras adds the layers one by one, building anew
        if not model.built and model._layers and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        model._trainable = bool(config.get("trainable", True))
        return model

    # The two loops ------------------------------------------------------------------------------

    def forward(self, x: Array, ctx: Context) -> Array:
        """Run the layers, first to last."""
        x = cast(x, numpy_dtype(self.input_dtype), ctx)
        source = None
        calls = self._calls(ctx)
        mask = ctx.in_mask
        for layer, inner in calls:
            if x.dtype != inner.dtype and layer.casts(x.dtype):
                x = cast(x, inner.dtype, inner)
            if ctx.masked:
                inner.in_mask = mask
            y = layer.forward(x, inner)
            if ctx.masked:
                mask = next_mask(layer, x, mask, inner)
            if y is not x:  # the logits behind y are those of the last layer that did something
                source = inner
            x = y
        ctx.source, ctx.out_mask = source, mask
        ctx.logits = source.logits if source is not None else None
        return x

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        """Run the layers' backward passes, last to first."""
        if ctx.source is not None:
            ctx.source.fused = ctx.fused
        dx: Array | None = dy
        for layer, inner in reversed(self._calls(ctx)):
            if dx is None or inner.idle:
                return None
            if dx.dtype != inner.dtype:  # a layer of the user's own computed in another
                dx = dx.astype(inner.dtype)
            dx = layer.backward(dx, inner)
        return dx

    def _calls(self, ctx: Context) -> list[tuple[Any, Context]]:
        """Return each layer with its own context, made at the first use of `ctx`."""
        calls = vars(ctx).get("calls")
        if calls is None:
            calls = ctx.calls = []
            ctx.masked = self._makes_masks or ctx.in_mask is not None
            needs_dx = ctx.needs_dx
            training = ctx.training  # else nobody asks which layers are trained: it takes a while
            before: Layer = self
            for layer in self._layers:
                inner = Context(ctx.mode, layer.dtype)
                inner.needs_dx = needs_dx
                inner.may_broadcast = before.takes_broadcast
                before = layer
                needs_dx = needs_dx or not training or bool(layer.trainable_weights)
                inner.idle = not needs_dx  # nothing here or before it is trained
                calls.append((penalized(layer), inner))
        return calls

    def activity_penalty(self, ctx: Context) -> Any:
        return sum(layer.activity_penalty(inner) for layer, inner in self._calls(ctx))
