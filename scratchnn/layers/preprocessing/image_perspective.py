"""RandomPerspective: images as seen from the side."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Array
from ...context import Context
from ...images import warping
from .image_geometry import RandomWarp
from .random_image import checked_factor


class RandomPerspective(RandomWarp):
    """In training, show some images from another point of view. Otherwise y = x.

    Each coordinate of the corners, counted from the top left, grows by a random share of itself.

    The gradient of the input is TensorFlow's: see RandomWarp in image_geometry.py.

    Arguments:
        factor: the lowest and highest probability of it, in [0, 1]; one number f is for (0, f).
        scale: twice the largest share, in [0, 1].
        interpolation: 'bilinear' or 'nearest'.
        fill_value: of the pixels that lie beyond the edges.
        seed: an int fixes the draws; they follow `utils.set_random_seed` if it is not given.
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format()` for None.
        **kwargs: the arguments of every Layer.

    Shape:
        x and y (N, H, W, C) or (H, W, C), float.

    Raises:
        ValueError: for numbers out of range, or another interpolation.

    Example:
        >>> RandomPerspective(scale=0.0)(np.ones((1, 2, 2, 1))).numpy().ravel()
        array([1., 1., 1., 1.], dtype=float32)

    Reference: Hartley and Zisserman, Multiple View Geometry in Computer Vision, section 4.1.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, "constant", fill_value, seed, data_format, **kwargs)
        self.factor = checked_factor(self, "factor", factor, (0, 1))
        if not isinstance(scale, int | float | np.number) or not 0 <= scale <= 1:
            raise ValueError(
                f"RandomPerspective expected a scale in [0, 1]. Received: scale={scale!r}."
            )
        self.scale = scale

    def draw(self, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
        n, height, width, _ = shape
        probability = self.uniform((n,), *self.factor)
        applies = self.uniform((n,)) < probability
        shares = self.uniform((n, 4, 2), -0.5 * self.scale, 0.5 * self.scale)
        right, bottom = float(width - 1), float(height - 1)
        corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float32)
        start = np.broadcast_to(corners, (n, 4, 2))
        transforms = warping.homographies(start, start + start * shares)
        return transforms, applies[:, np.newaxis, np.newaxis, np.newaxis]

    def transform(self, x: Array, drawn: Any, ctx: Context) -> Array:
        y = super().transform(x, drawn[0], ctx)
        np.copyto(y, x, where=~drawn[1])
        return y

    def transform_backward(self, dy: Array, drawn: Any, ctx: Context) -> Array:
        dx = super().transform_backward(dy, drawn[0], ctx)
        np.copyto(dx, dy, where=~drawn[1])
        return dx

    def transform_masks(self, masks: Array, drawn: Any) -> Array:
        return np.where(drawn[1], super().transform_masks(masks, drawn[0]), masks)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "factor": self.factor, "scale": self.scale}
        del config["fill_mode"]
        return config
