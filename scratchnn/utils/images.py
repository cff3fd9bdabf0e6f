"""Images from files to arrays and back, with Pillow (an extra, imported when it is used)."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from scratchnn import config
from scratchnn.arrays import Array
from scratchnn.images.resizing import crop_box, resize

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GRAY_MODES = ("L", "I;16", "I")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow() -> ModuleType:
    """Return the module PIL.Image.

    Raises:
        ImportError: if Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "Images need Pillow, which is not installed: pip install pillow."
        ) from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Return the image in a file, a Pillow image.

    Arguments:
        path: a path, or a file open for reading.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        target_size: (H, W) to which it is resized; None for its own.
        interpolation: how: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
        keep_aspect_ratio: whether to cut off its edges rather than to distort it.

    Raises:
        ImportError: without Pillow.
        ValueError: for another colour mode or interpolation.

    Example:
        >>> image = load_img("photo.jpg", target_size=(224, 224))  # doctest: +SKIP
    """
    if color_mode not in _MODES:
        raise ValueError(f"color_mode must be one of {tuple(_MODES)}. Received: {color_mode!r}.")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {INTERPOLATIONS}. Received: {interpolation!r}."
        )
    with contextlib.nullcontext(path) if hasattr(path, "read") else open(path, "rb") as file:
        image = pillow().open(io.BytesIO(file.read()))
    mode = _MODES[color_mode]
    if image.mode != mode and not (mode == "L" and image.mode in _GRAY_MODES):
        image = image.convert(mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    box = _middle(image.width, image.height, width, height) if keep_aspect_ratio else None
    return image.resize((width, height), pillow().Resampling[interpolation.upper()], box=box)


def _middle(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int, int, int]:
    """Return the corners of the largest part, in the middle, with the proportions of a size."""
    w = min(width, height * to_width // to_height)
    h = min(height, width * to_height // to_width)
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def smart_resize(
    x: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> Array:
    """Return images of another size, cut to its proportions first rather than distorted.

    Arguments:
        x: (H, W, C) or (N, H, W, C), or with the channels first.
        size: the new (H, W).
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3' or 'lanczos5'.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        The images: float32, or for 'nearest' of the dtype of `x`.

    Raises:
        ValueError: for another rank, size or interpolation.

    Example:
        >>> smart_resize(np.ones((4, 8, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    x = np.asarray(x)
    if x.ndim not in (3, 4) or len(size) != 2:
        raise ValueError(
            "smart_resize expected images of rank 3 or 4, and a size (H, W). "
            f"Received: shape {x.shape}, size={size}."
        )
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np.moveaxis(x, -3, -1) if first else x
    if interpolation != "nearest":
        x = x.astype(np.float32, copy=False)
    height, width = (int(n) for n in size)
    rows, columns = crop_box(x.shape[-3:-1], (height, width))
    y = resize(x[..., rows, columns, :], (height, width), interpolation)
    return np.moveaxis(y, -1, -3) if first else y


def img_to_array(
    img: Any, data_format: str | None = None, dtype: npt.DTypeLike | None = None
) -> Array:
    """Return a Pillow image as an array of its pixels.

    Arguments:
        img: the image, or an array (H, W) or (H, W, C).
        data_format: 'channels_last' or 'channels_first'; None for `config.image_data_format()`.
        dtype: None for `config.floatx()`.

    Returns:
        (H, W, C), or (C, H, W).

    Raises:
        ValueError: for another rank.

    Example:
        >>> img_to_array(np.zeros((4, 5))).shape
        (4, 5, 1)
    """
    data_format = config.standardize_data_format(data_format)
    x = np.asarray(img, config.floatx() if dtype is None else dtype)
    if x.ndim not in (2, 3):
        raise ValueError(f"An image must have shape (H, W) or (H, W, C). Received: {x.shape}.")
    x = x if x.ndim == 3 else x[..., np.newaxis]
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: npt.DTypeLike | None = None
) -> Any:
    """Return an array of pixels as a Pillow image.

    Arguments:
        x: (H, W, C) with 1, 3 or 4 channels, or (C, H, W).
        data_format: 'channels_last' or 'channels_first'; None for `config.image_data_format()`.
        scale: whether to spread the values, so that the smallest is 0 and the largest 255.
        dtype: in which this is computed; None for `config.floatx()`.

    Raises:
        ImportError: without Pillow.
        ValueError: for another shape.

    Example:
        >>> array_to_img(np.zeros((4, 6, 3))).size
        (6, 4)
    """
    data_format = config.standardize_data_format(data_format)
    x = np.asarray(x, config.floatx() if dtype is None else dtype)
    if x.ndim == 3 and data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.ndim != 3 or x.shape[2] not in (1, 3, 4):
        raise ValueError(
            "An image must have shape (H, W, C) with 1, 3 or 4 channels, or the channels first. "
            f"Received: {x.shape} with data_format={data_format!r}."
        )
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    if x.shape[2] > 1:
        return pillow().fromarray(x.astype(np.uint8))
    # Values that do not fit 8 bits make an image of 32.
    return pillow().fromarray(x[..., 0].astype(np.int32 if x.max() > 255 else np.uint8))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array of pixels to an image file.

    Arguments:
        path: a path, or a file open for writing.
        x, data_format, scale: as for `array_to_img`.
        file_format: such as 'png'; None for what the name of the file ends with.
        **kwargs: passed on to Pillow's `Image.save`.

    Raises:
        ImportError: without Pillow.
        ValueError: for an array that is no image.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_img(f"{folder}/black.png", np.zeros((4, 6, 3)))
        ...     os.listdir(folder)
        ['black.png']
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(path)[1][1:]
    if file_format is not None:
        file_format = "jpeg" if file_format.lower() == "jpg" else file_format.lower()
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG has no transparency: the image is saved as RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)
