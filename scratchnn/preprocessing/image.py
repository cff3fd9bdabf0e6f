"""Images (as `keras.preprocessing.image`)."""

from __future__ import annotations

from ..refusals import refuse
from ..utils.images import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]

MISSING = {
    "smart_resize": (
        "scratchnn has no operations on images yet; load_img(path, target_size=(H, W), "
        "keep_aspect_ratio=True) cuts and resizes an image as it is loaded"
    ),
    "ImageDataGenerator": "Keras 3 has it no longer: use utils.image_dataset_from_directory",
}
"""The names of keras.preprocessing.image that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
