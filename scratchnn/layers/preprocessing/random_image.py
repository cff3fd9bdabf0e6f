"""What image layers have in common: batches and single images, layouts, when they act, draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import config
from ...arrays import Array, Shape, as_tensor
from ...context import Context
from ...random import SeedGenerator, uniform
from ..base import Layer, own


class ImageLayer(Layer):
    """A layer of images: (N, H, W, C), or one image (H, W, C), or either with the channels first.

    A subclass defines `transform` on a batch with the channels last, and `transform_backward`. One
    that is random defines `draw`, too, and acts unless it is told that this is inference: in `fit`,
    and called alone, `layer(images)`, but not in `evaluate` and `predict`.

    The layer may also be called on a dict of 'images', 'labels' and 'segmentation_masks', of which
    it returns another, with all that belongs together transformed alike.
    """

    always_acts = False
    """Whether inference is no different from training."""

    draws_in_inference = False
    """Whether Keras draws a transformation even where it does nothing with it."""

    notes_casts = False
    """Whether Keras notes training=True even of a call whose input it casts."""

    keeps_integers = False
    """Whether the layer computes with integers; else it casts those that were not cast before."""

    def __init__(
        self, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.bounding_box_format = bounding_box_format

    # What a subclass defines --------------------------------------------------------------------

    def draw(self, shape: tuple[int, int, int, int]) -> Any:
        """Return a random transformation of images of this shape, (N, H, W, C)."""

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        """Return the images transformed: (N, H, W, C)."""
        raise NotImplementedError

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        """Return the gradient of the images, given that of the transformed ones."""
        raise NotImplementedError(
            f"{type(self).__name__} has no gradient for its input. Put it before every layer "
            "that is trained."
        )

    def transform_labels(self, labels: Array, drawn: Any) -> Array:
        """Return the labels (N, ...) that the transformed images have."""
        return labels

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        """Return the classes of the transformed images' pixels: (N, H, W, C)."""
        return masks

    # The layer ----------------------------------------------------------------------------------

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.acts = self.always_acts or ctx.mode is not False
        ctx.drawn = None
        if not (ctx.acts or self.draws_in_inference):
            return x
        images = self._batch(x)
        ctx.drawn = self.draw(images.shape)
        if not ctx.acts:
            return x
        if images.dtype.kind != "f" and not self.keeps_integers:
            images = images.astype(self.dtype)
        ctx.x_shape = images.shape
        return self._as_given(self.transform(images, ctx.drawn, ctx), x.ndim)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        if not ctx.needs_dx:
            return None
        if not ctx.acts:
            return dy
        dx = self.transform_backward(self._batch(dy), ctx.drawn, ctx)
        return self._as_given(dx, dy.ndim)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs, options = self.taken_apart(args, kwargs)
        if not isinstance(inputs, dict):
            return super().__call__(*args, **kwargs)
        return self._call_on_dict(inputs, Context(options.get("training"), self.dtype))

    def call_inputs(
        self, data: Any, training: bool | None = None, mask: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        if isinstance(data, dict):
            return data, {"training": training, "mask": mask}
        return super().call_inputs(data, training, mask)

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        notes = self.notes_casts or inputs["config"]["dtype"] == self.dtype
        return [inputs], dict(options) or ({"training": True} if notes else {})

    def _call_on_dict(self, x: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Return the images, and all that belongs to them, transformed alike."""
        if "images" not in x or "bounding_boxes" in x:
            raise NotImplementedError(
                f"The layer {self.name!r} expected a dict of 'images', 'labels' and "
                f"'segmentation_masks'; boxes are not supported. Received: keys {list(x)}."
            )
        images = self.cast(np.asarray(x["images"]))
        self.ensure_built(images.shape)
        found = {**x, "images": as_tensor(own(self.forward(images, ctx), [images]))}
        single = images.ndim == 3
        if ctx.acts and "labels" in x:
            labels = np.asarray(x["labels"])
            labels = self.transform_labels(labels[np.newaxis] if single else labels, ctx.drawn)
            found["labels"] = as_tensor(labels[0] if single else labels)
        if ctx.acts and "segmentation_masks" in x:
            masks = np.asarray(x["segmentation_masks"])
            transformed = self.transform_masks(self._batch(masks), ctx.drawn)
            found["segmentation_masks"] = as_tensor(self._as_given(transformed, masks.ndim))
        return found

    def _batch(self, x: Array) -> Array:
        """Return images as a batch, with the channels last: a view."""
        if x.ndim == 3:
            x = x[np.newaxis]
        return np.moveaxis(x, 1, -1) if self.data_format == "channels_first" else x

    def _as_given(self, y: Array, ndim: int) -> Array:
        """Return a batch in the layout that the input had."""
        if self.data_format == "channels_first":
            y = np.moveaxis(y, -1, 1)
        return y[0] if ndim == 3 else y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return dtypes[0] if self.keeps_integers else self.dtype

    def check_input(self, shape: Shape) -> None:
        if len(shape) not in (3, 4):
            raise ValueError(
                f"The layer {self.name!r} expected an image, of rank 3, or a batch of images, of "
                f"rank 4. Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


class RandomImageLayer(ImageLayer):
    """An image layer that draws numbers, from a generator of its own."""

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def uniform(self, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Array:
        """Return the next uniform numbers in [low, high), float32 as Keras draws them."""
        return uniform(shape, low, high, "float32", self.generator).numpy()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def checked_size(layer: Layer, **sizes: Any) -> tuple[int, ...]:
    """Return sizes of images, whole numbers of 1 or more."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"{type(layer).__name__} expected a positive whole number for `{name}`. "
                f"Received: {name}={size!r}."
            )
    return tuple(int(size) for size in sizes.values())


def checked_factor(
    layer: Layer,
    name: str,
    factor: Any,
    bounds: tuple[float, float] = (-1, 1),
    *,
    overlaps: bool = True,
    from_zero: bool = False,
    open_below: bool = False,
) -> tuple[float, float]:
    """Return the range of a factor: that given, or for a number f the range from -f to f.

    Arguments:
        layer, name, factor: whose, which and what.
        bounds: of what may be given; the range of a number ends there, too.
        overlaps: whether two numbers need only overlap the bounds, as they need in most layers.
        from_zero: whether the range of a number begins at 0.
        open_below: whether the lower bound itself is left out.

    Raises:
        ValueError: for anything else, or numbers out of bounds.
    """
    pair = list(factor) if isinstance(factor, tuple | list) else [factor]
    right = len(pair) == (2 if isinstance(factor, tuple | list) else 1) and all(
        isinstance(f, int | float | np.number) for f in pair
    )
    low, high = bounds
    if right and len(pair) == 2 and overlaps:
        right = pair[0] <= high and pair[1] >= low
    elif right:
        right = all(low <= f <= high and not (open_below and f == low) for f in pair)
    if not right:
        raise ValueError(
            f"{type(layer).__name__} expected `{name}` to be a number, or two, in "
            f"{'(' if open_below else '['}{low}, {high}]. Received: {name}={factor!r}."
        )
    if len(pair) == 2:
        return min(pair), max(pair)
    return (0 if from_zero else max(-abs(factor), low)), abs(factor)


def checked_range(layer: Layer, value_range: Any) -> list[float]:
    """Return the lowest and the highest value of a pixel.

    Raises:
        ValueError: if they are not two numbers.
    """
    if (
        not isinstance(value_range, tuple | list)
        or len(value_range) != 2
        or not all(isinstance(value, int | float | np.number) for value in value_range)
    ):
        raise ValueError(
            f"{type(layer).__name__} expected value_range to be a list of two numbers. "
            f"Received: value_range={value_range!r}."
        )
    return sorted(value_range)


def one_of(layer: Layer, name: str, value: Any, choices: Sequence[str]) -> str:
    """Return the value of an argument that is one of some names.

    Raises:
        ValueError: if it is not.
    """
    if value not in choices:
        raise ValueError(
            f"{type(layer).__name__} expected `{name}` to be one of {tuple(choices)}. "
            f"Received: {name}={value!r}."
        )
    return str(value)
