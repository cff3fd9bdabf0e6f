"""Pipeline: preparing layers, one after another, as one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from ...arrays import Array, Shape
from ...context import Context
from ...saving import deserialize_keras_object, serialize_keras_object
from ..base import Layer


class Pipeline(Layer):
    """Apply layers that prepare data one after another: y = f_k(... f_2(f_1(x))).

    They act as in training unless it is said that this is inference, those that know the
    difference. Called on a dict of 'images', 'labels' and 'segmentation_masks', it hands it on.

    Arguments:
        layers: a list of layers.
        name: the layer's name.

    Shape:
        x as the first layer takes it, y as the last one gives it.

    Raises:
        ValueError: if `layers` is not a list of layers.

    Example:
        >>> from scratchnn.layers import CenterCrop, Rescaling
        >>> Pipeline([CenterCrop(2, 2), Rescaling(1 / 255)])(np.ones((4, 8, 8, 3))).shape
        (4, 2, 2, 3)
    """

    casts_integers = False

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name, autocast=False)  # the layers cast
        if not isinstance(layers, list | tuple) or not all(isinstance(f, Layer) for f in layers):
            raise ValueError(f"Pipeline expected a list of layers. Received: {layers!r}.")
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in their order."""
        return list(self._pipeline_layers)

    def build(self, input_shape: Shape) -> None:
        self._through(input_shape)

    def _through(self, shape: Shape) -> Shape:
        for layer in self._pipeline_layers:
            layer.ensure_built(shape)
            shape = layer.compute_output_shape(shape)
        return shape

    def forward(self, x: Array, ctx: Context) -> Array:
        calls = vars(ctx).get("calls")
        if calls is None:
            mode = ctx.mode is not False
            calls = ctx.calls = [(f, Context(mode, f.dtype)) for f in self._pipeline_layers]
        for layer, inner in calls:
            inner.needs_dx = ctx.needs_dx
            x = layer.forward(layer.cast(x), inner)
        return x

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dx: Array | None = dy
        for layer, inner in reversed(ctx.calls):
            if dx is not None:
                dx = layer.backward(dx, inner)
        return dx if ctx.needs_dx else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs, options = self.taken_apart(args, kwargs)
        if not isinstance(inputs, dict):
            return super().__call__(*args, **kwargs)
        for layer in self._pipeline_layers:
            inputs = layer(inputs, training=options.get("training", True))
        return inputs

    def call_inputs(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        if isinstance(inputs, dict):
            return inputs, {"training": training, "mask": mask}
        return super().call_inputs(inputs, training, mask)

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        return [inputs], {"training": True, "mask": None, **options}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._through(input_shape)

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        for layer in self._pipeline_layers:
            dtypes = [layer.output_dtype(dtypes)]
        return dtypes[0]

    def get_config(self) -> dict[str, Any]:
        return {"layers": serialize_keras_object(self._pipeline_layers), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        layers = [deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
