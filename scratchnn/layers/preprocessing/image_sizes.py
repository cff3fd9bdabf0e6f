"""Layers that give images another size: Resizing, CenterCrop, RandomCrop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array, Shape
from ...context import Context
from ...images import resizing
from ...random.seeds import make_seed
from .random_image import ImageLayer, RandomImageLayer, checked_size, one_of

RESIZE_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic", "area")


class Sized(ImageLayer):
    """An image layer whose outputs all have the size (height, width)."""

    height: int
    width: int

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        first = -2 if self.data_format == "channels_first" else -3
        shape[first], shape[first + 1] = self.height, self.width
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class Resizing(Sized):
    """Resize images: y = R x C', weighted means of pixels along the rows and columns.

    Arguments:
        height, width: of the output.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3' or 'lanczos5'.
        crop_to_aspect_ratio: whether to cut off what does not fit rather than to distort.
        pad_to_aspect_ratio: whether to fill up what is missing, with `fill_value`, instead.
        fill_mode: 'constant'.
        fill_value: of the pixels that are filled in.
        antialias: whether each pixel of a smaller image takes in all the pixels that it covers.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), of the dtype of
        x: integers are rounded.

    Raises:
        ValueError: for sizes that are not positive, names that are none of these, or both
            crop_to_aspect_ratio and pad_to_aspect_ratio.

    Example:
        >>> Resizing(1, 4)(np.array([[[[0.0], [4.0]]]])).numpy().ravel()
        array([0., 1., 3., 4.], dtype=float32)

    Reference: Keys, 1981, Cubic Convolution Interpolation for Digital Image Processing.
    """

    always_acts = True
    casts_integers = False
    keeps_integers = True

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = checked_size(self, height=height, width=width)
        self.interpolation = one_of(self, "interpolation", interpolation, RESIZE_INTERPOLATIONS)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                "Resizing takes crop_to_aspect_ratio or pad_to_aspect_ratio. Received: both."
            )
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = one_of(self, "fill_mode", fill_mode, ("constant",))
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        return self._resize(x, self.interpolation, ctx)

    def _resize(self, x: Array, interpolation: str, ctx: Context) -> Array:
        size = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            x = x[:, *resizing.crop_box(x.shape[1:3], size)]
        elif self.pad_to_aspect_ratio:
            above, left = resizing.borders(x.shape[1:3], size)
            pads = ((0, 0), (above, above), (left, left), (0, 0))
            x = np.pad(x, pads, constant_values=self.fill_value)
        ctx.size = x.shape[1:3]
        inner = vars(ctx).get("resizing") or Context(dtype=self.dtype)
        ctx.resizing = inner
        y = resizing.resize(x, size, interpolation, self.antialias, inner)
        return y if y.dtype == x.dtype else saturated(y, x.dtype)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        n, height, width, channels = ctx.x_shape
        inner = resizing.resize_backward(
            dy, ctx.size, self.interpolation, self.antialias, ctx.resizing
        )
        if ctx.size == (height, width):
            return inner
        if self.pad_to_aspect_ratio:
            above, left = (ctx.size[0] - height) // 2, (ctx.size[1] - width) // 2
            return inner[:, above : above + height, left : left + width]
        dx = ctx.buffer("dx", (n, height, width, channels))
        dx.fill(0)
        dx[:, *resizing.crop_box((height, width), (self.height, self.width))] = inner
        return dx

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        return self._resize(masks, "nearest", Context(dtype=self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


def saturated(x: Array, dtype: np.dtype[Any]) -> Array:
    """Return floats as integers of a dtype: rounded, and cut off where it ends."""
    limits = np.iinfo(dtype)
    return np.clip(np.rint(x), limits.min, limits.max).astype(dtype)


class CenterCrop(Sized):
    """Cut out the middle of images; what is smaller is cut to the proportions and resized.

    Arguments:
        height, width: of the output.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), float.

    Raises:
        ValueError: for sizes that are not positive.

    Example:
        >>> CenterCrop(1, 2)(np.arange(4).reshape(1, 1, 4, 1)).numpy().ravel()
        array([1., 2.], dtype=float32)
    """

    always_acts = True

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = checked_size(self, height=height, width=width)

    def _box(self, height: int, width: int) -> tuple[slice, slice]:
        if height < self.height or width < self.width:
            return resizing.crop_box((height, width), (self.height, self.width))
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return slice(top, top + self.height), slice(left, left + self.width)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        return cut(x, self._box(*x.shape[1:3]), (self.height, self.width), ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        return cut_backward(dy, self._box(*ctx.x_shape[1:3]), ctx)

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        floats = masks.astype(self.dtype)
        return self.transform(floats, drawn, Context(dtype=self.dtype))


def cut(x: Array, box: tuple[slice, slice], size: tuple[int, int], ctx: Context) -> Array:
    """Return a part of images, resized if it has not the size: (N, H, W, C) -> (N, *size, C)."""
    part = x[:, *box]
    ctx.resizing = None
    if part.shape[1:3] == size:
        return part
    ctx.resizing = Context(dtype=x.dtype)
    return resizing.resize(part, size, ctx=ctx.resizing)


def cut_backward(dy: Array, box: tuple[slice, slice], ctx: Context) -> Array:
    """Return the gradient of the images that `cut` took a part of."""
    dx = ctx.buffer("dx", ctx.x_shape)
    dx.fill(0)
    part = dx[:, *box]
    part[...] = (
        dy
        if ctx.resizing is None
        else resizing.resize_backward(dy, part.shape[1:3], ctx=ctx.resizing)
    )
    return dx


class RandomCrop(Sized, RandomImageLayer):
    """Cut out the same random part of all images of a batch; in inference, leave them whole.

    Images that are not larger than (height, width) in both directions are cut to its proportions
    and resized instead. Inference is what Keras 3.15 does, too (but for segmentation masks, which
    it cuts): put a Resizing or a CenterCrop in its place where the layers behind need one size.

    Arguments:
        height, width: of the output.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        name: the layer's name.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), float.

    Raises:
        ValueError: for sizes that are not positive.

    Example:
        >>> RandomCrop(2, 2)(np.zeros((1, 5, 5, 3)), training=True).shape
        (1, 2, 2, 3)

    Reference: Krizhevsky, Sutskever and Hinton, 2012, ImageNet Classification with Deep
    Convolutional Neural Networks.
    """

    casts_integers = False
    notes_casts = True

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Keras draws a seed for its config, and another one for the generator.
        shown = make_seed() if seed is None else seed
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.seed = shown
        self.height, self.width = checked_size(self, height=height, width=width)

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[slice, slice]:
        _, height, width, _ = shape
        if height > self.height and width > self.width:
            top = int(self.uniform((), 0, float(height - self.height + 1)))
            left = int(self.uniform((), 0, float(width - self.width + 1)))
        else:
            box = resizing.crop_box((height, width), (self.height, self.width))
            top, left = box[0].start, box[1].start
        return slice(top, top + self.height), slice(left, left + self.width)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        return cut(x, drawn, (self.height, self.width), ctx)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        return cut_backward(dy, drawn, ctx)

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        return self.transform(masks.astype(self.dtype), drawn, Context(dtype=self.dtype))
