"""Layers that cut holes into images, or mix those of a batch: RandomErasing, CutMix, MixUp."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...random import beta, shuffle
from ..noise import normals_into
from .random_image import RandomImageLayer, checked_factor, checked_range


class BoxLayer(RandomImageLayer):
    """A layer that draws a box in each image."""

    def starts_and_ends(self, n: int, length: int, ratio: Array) -> tuple[Array, Array]:
        """Return where boxes that take up a ratio of a length begin and end, (N,) each."""
        size = ratio * np.float32(length)
        start = self.uniform((n,)) * (np.float32(length) - size)
        return start, start + size


def boxes(shape: tuple[int, int, int, int], x: Any, y: Any) -> Array:
    """Return the pixels between two columns and two rows in each image, (N, H, W, 1)."""
    rows, columns = np.arange(shape[1]), np.arange(shape[2])
    (left, right), (top, bottom) = ([part[:, np.newaxis] for part in pair] for pair in (x, y))
    within_rows = (rows >= top) & (rows < bottom)
    within_columns = (columns >= left) & (columns < right)
    return np.asarray(within_rows[:, :, np.newaxis] & within_columns[:, np.newaxis])[
        ..., np.newaxis
    ]


class RandomErasing(BoxLayer):
    """In training, erase a box from some images: noise, or one colour, is put there.

    Otherwise y = x.

    Arguments:
        factor: the lowest and highest probability of it, in [0, 1]; one number f is for (0, f).
        scale: the lowest and highest share of height and width, squared, that a box takes up.
        fill_value: a number, or three for the channels; None for normal noise times
            value_range[1], cut off at the range.
        value_range: the lowest and highest value of a pixel.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> y = RandomErasing((1, 1), (1, 1), fill_value=7)(np.zeros((1, 1, 2, 1)))
        >>> y.numpy().ravel()
        array([7., 7.], dtype=float32)

    Reference: Zhong et al., 2020, Random Erasing Data Augmentation.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        self.scale = checked_factor(self, "scale", scale, (0, 1))
        three = isinstance(fill_value, tuple | list) and len(fill_value) == 3
        if not three and not isinstance(fill_value, int | float | np.number | None):
            raise ValueError(
                "RandomErasing expected `fill_value` to be a number, three, or None. "
                f"Received: fill_value={fill_value!r}."
            )
        self.fill_value = fill_value
        checked_range(self, value_range)
        self.value_range = value_range

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
        n, height, width, channels = shape
        ratio = np.sqrt(self.uniform((n, 2), *self.scale))
        x = self.starts_and_ends(n, width, ratio[:, 0])
        y = self.starts_and_ends(n, height, ratio[:, 1])
        probability = self.uniform((n,), *self.factor)
        applies = self.uniform((n,)) < probability
        erased = boxes(shape, x, y) & applies[:, np.newaxis, np.newaxis, np.newaxis]
        if self.fill_value is None:
            first = self.data_format == "channels_first"
            layout = (n, channels, height, width) if first else shape
            fill = np.empty(layout, np.float32)
            normals_into(fill, 0.0, 1.0, self.generator.next())
            fill *= np.float32(self.value_range[1])
            fill = np.moveaxis(fill, 1, -1) if first else fill
        else:
            fill = np.asarray(self.fill_value, np.float32)
        return erased, np.clip(fill, *self.value_range)

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        erased, fill = drawn
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        np.copyto(y, fill, where=erased)
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        np.copyto(dy, 0, where=drawn[0])
        return dy

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
        }


class CutMix(BoxLayer):
    """In training, put a box of another image of the batch into each. Otherwise y = x.

    Called on a dict, it mixes the labels in the proportion of the areas:
    (1 - a) label + a other label, where the box takes up a share a of the image.

    Arguments:
        factor: the range of the parameter of a beta distribution of 1 - a, in [0, 1]; one number f
            is for (0, f).
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C), float. One image (H, W, C) stays as it is. Labels (N, K). Masks of one
        channel keep it, where Keras repeats them for each channel of the images.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> batch = {"images": np.ones((4, 8, 8, 3)), "labels": np.eye(4)}
        >>> mixed = CutMix(seed=1)(batch, training=True)
        >>> mixed["labels"].sum(axis=1).numpy()
        array([1., 1., 1., 1.])

    Reference: Yun et al., 2019, CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))

    def forward(self, x: Array, ctx: Context) -> Array:
        if x.ndim == 3:  # there is nothing to mix it with
            ctx.acts = False
            return x
        return super().forward(x, ctx)

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, Array, Array]:
        n, height, width, _ = shape
        alpha = self.uniform((), *self.factor) + np.float32(1e-6)
        kept = beta((n,), alpha, alpha, "float32", self.generator).numpy()
        ratio = np.sqrt(1 - kept)
        x = self.starts_and_ends(n, width, ratio)
        y = self.starts_and_ends(n, height, ratio)
        kept = 1 - (x[1] - x[0]) * (y[1] - y[0]) / np.float32(width * height)
        order = shuffle(np.arange(n), seed=self.generator).numpy()
        return boxes(shape, x, y), kept, order

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        within, _, order = drawn
        y = ctx.buffer("y", x.shape, x.dtype)
        np.copyto(y, x)
        np.copyto(y, x[order], where=within)
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        within, _, order = drawn
        dx = np.where(within, dy.dtype.type(0), dy)
        dx[order] += np.where(within, dy, dy.dtype.type(0))
        return dx

    def transform_labels(self, labels: Array, drawn: Any) -> Array:
        return _mixed(labels, drawn[1], drawn[2])

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        return self.transform(masks.astype(self.dtype), drawn, Context(dtype=self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class MixUp(RandomImageLayer):
    """In training, mix each image with another of the batch: y = w x + (1 - w) x'. Otherwise y = x.

    w is drawn from a beta distribution for each image. Called on a dict, it mixes the labels alike.

    Arguments:
        alpha: both parameters of the beta distribution.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float; integers stay what they are in inference. Labels
        (N, K).

    Raises:
        NotImplementedError: for segmentation masks, which Keras mixes by single pixels.

    Example:
        >>> batch = {"images": np.ones((4, 8, 8, 3)), "labels": np.eye(4)}
        >>> mixed = MixUp(seed=1)(batch, training=True)
        >>> mixed["labels"].sum(axis=1).numpy().round(6)
        array([1., 1., 1., 1.])

    Reference: Zhang, Cisse, Dauphin and Lopez-Paz, 2018, mixup: Beyond Empirical Risk Minimization.
    """

    casts_integers = False
    draws_in_inference = True

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
        order = shuffle(np.arange(shape[0]), seed=self.generator).numpy()
        # One number after another: each takes as many words of the stream as it happens to need.
        weight = beta((shape[0],), self.alpha, self.alpha, "float32", self.generator).numpy()
        return weight, order

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        weight, order = drawn[0][:, np.newaxis, np.newaxis, np.newaxis], drawn[1]
        y = np.multiply(x, weight, out=ctx.buffer("y", x.shape, x.dtype))
        others = x[order]
        others *= 1 - weight
        y += others
        return np.asarray(y)

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        weight, order = drawn[0][:, np.newaxis, np.newaxis, np.newaxis], drawn[1]
        others = dy * (1 - weight.astype(dy.dtype))
        dy *= weight
        dy[order] += others
        return dy

    def transform_labels(self, labels: Array, drawn: Any) -> Array:
        return _mixed(labels, *drawn)

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        raise NotImplementedError(
            "MixUp does not mix segmentation masks: a mean of classes is no class. CutMix does."
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


def _mixed(labels: Array, weight: Array, order: Array) -> Array:
    """Return labels (N, K) mixed with those of other samples, floats."""
    if labels.dtype.kind != "f":
        labels = labels.astype(np.float32)
    weight = weight.reshape(-1, *[1] * (labels.ndim - 1))
    return np.asarray(weight * labels + (1 - weight) * labels[order])
