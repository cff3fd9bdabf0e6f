"""Images (as `keras.preprocessing.image`)."""

from __future__ import annotations

from ..refusals import refuse
from ..utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

MISSING = {
    "ImageDataGenerator": (
        "Keras 3 has it no longer: use utils.image_dataset_from_directory, and layers such as "
        "RandomFlip and RandomRotation in front of the model"
    ),
}
"""The names of keras.preprocessing.image that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
