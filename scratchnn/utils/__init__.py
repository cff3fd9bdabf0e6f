"""Helpers around training, data and files, named as in `keras.utils`."""

from __future__ import annotations

from scratchnn.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from scratchnn.dtypes import standardize_dtype
from scratchnn.progress import Progbar
from scratchnn.random import set_random_seed
from scratchnn.refusals import refuse
from scratchnn.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from scratchnn.utils.arrays import normalize, to_categorical
from scratchnn.utils.containers import Config
from scratchnn.utils.datasets import Dataset, split_dataset, timeseries_dataset_from_array
from scratchnn.utils.files import get_file
from scratchnn.utils.folders import image_dataset_from_directory, text_dataset_from_directory
from scratchnn.utils.images import array_to_img, img_to_array, load_img, save_img
from scratchnn.utils.model_plot import plot_model
from scratchnn.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from scratchnn.utils.py_dataset import PyDataset
from scratchnn.utils.sequences import pad_sequences
from scratchnn.utils.session import clear_session
from scratchnn.utils.symbols import is_keras_tensor

Sequence = PyDataset

__all__ = [
    # Seeds, names, output.
    "set_random_seed",
    "clear_session",
    "Progbar",
    "enable_interactive_logging",
    "disable_interactive_logging",
    "is_interactive_logging_enabled",
    # Data.
    "PyDataset",
    "Sequence",
    "Dataset",
    "split_dataset",
    "timeseries_dataset_from_array",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "to_categorical",
    "normalize",
    "pad_sequences",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
    "is_keras_tensor",
    "standardize_dtype",
    # Files and images.
    "get_file",
    "load_img",
    "save_img",
    "img_to_array",
    "array_to_img",
    "plot_model",
    # Configs.
    "Config",
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]


MISSING = {
    "FeatureSpace": "a functional model of StringLookup, Normalization and others says the same",
    "audio_dataset_from_directory": "it decodes sound with TensorFlow",
    "bounding_boxes": "scratchnn has no layers for detecting objects",
    "get_source_inputs": "a model knows its inputs: they are model.inputs",
    "legacy": "older configs have no functions of their own; load_model reads Keras 1 and 2's .h5",
    "model_to_dot": "it makes a graph for Graphviz; plot_model draws the model without it",
}
"""The names of keras.utils that are not supported, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
