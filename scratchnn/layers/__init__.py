"""Layers: what models are made of. As in `keras.layers`."""

from __future__ import annotations

from .activation import Activation, ReLU, Softmax
from .base import Layer
from .configs import deserialize, serialize
from .core import Dense, Flatten, Identity, Input, InputLayer
from .dropout import Dropout
from .preprocessing import Rescaling
from .reshaping import Reshape

__all__ = [
    "Layer",
    "Input",
    "InputLayer",
    "Dense",
    "Flatten",
    "Identity",
    "Activation",
    "ReLU",
    "Softmax",
    "Dropout",
    "Reshape",
    "Rescaling",
    "serialize",
    "deserialize",
]
