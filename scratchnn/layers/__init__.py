"""Layers: what models are made of. As in `keras.layers`."""

from __future__ import annotations

from ..refusals import refuse
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from .attention import AdditiveAttention, Attention
from .base import Layer
from .batch_normalization import BatchNormalization
from .configs import deserialize, serialize
from .convolution import Conv1D, Conv2D, Conv3D, Convolution1D, Convolution2D, Convolution3D
from .core import Dense, Flatten, Identity, Input, InputLayer
from .depthwise_convolution import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from .dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .einsum_dense import EinsumDense
from .embedding import Embedding
from .global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from .group_normalization import GroupNormalization
from .group_query_attention import GroupQueryAttention
from .input_spec import InputSpec
from .joining import Concatenate, Dot, concatenate, dot
from .lambda_layer import Lambda
from .masking import Masking
from .merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .multi_head_attention import MultiHeadAttention
from .noise import ActivityRegularization, AlphaDropout, GaussianDropout, GaussianNoise
from .normalization import LayerNormalization, RMSNormalization, UnitNormalization
from .padding import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from .pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from .preprocessing.category_encoding import CategoryEncoding
from .preprocessing.discretization import Discretization
from .preprocessing.hashing import HashedCrossing, Hashing
from .preprocessing.image_brightness import (
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from .preprocessing.image_color import (
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from .preprocessing.image_filters import RandomGaussianBlur, RandomSharpness
from .preprocessing.image_geometry import (
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from .preprocessing.image_histograms import AutoContrast, Equalization
from .preprocessing.image_mixing import CutMix, MixUp, RandomErasing
from .preprocessing.image_perspective import RandomPerspective
from .preprocessing.image_sizes import CenterCrop, RandomCrop, Resizing
from .preprocessing.integer_lookup import IntegerLookup
from .preprocessing.normalization import Normalization
from .preprocessing.pipeline import Pipeline
from .preprocessing.rescaling import Rescaling
from .preprocessing.string_lookup import StringLookup
from .preprocessing.text_vectorization import TextVectorization
from .recurrent.bidirectional import Bidirectional
from .recurrent.gru import GRU, GRUCell
from .recurrent.lstm import LSTM, LSTMCell
from .recurrent.rnn import RNN
from .recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from .recurrent.stacked import StackedRNNCells
from .recurrent.time_distributed import TimeDistributed
from .reshaping import Permute, RepeatVector, Reshape
from .spectral_normalization import SpectralNormalization
from .transposed_convolution import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    Convolution1DTranspose,
    Convolution2DTranspose,
    Convolution3DTranspose,
)
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from .wrapper import Wrapper

__all__ = [
    "Layer",
    "Wrapper",
    "InputSpec",
    "Input",
    "InputLayer",
    "Dense",
    "Flatten",
    "Identity",
    "Activation",
    "ReLU",
    "Softmax",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Lambda",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "Concatenate",
    "Dot",
    "concatenate",
    "dot",
    "Masking",
    "Add",
    "Average",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Rescaling",
    "RandomBrightness",
    "RandomContrast",
    "RandomInvert",
    "RandomPosterization",
    "Solarization",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
    "RandomGaussianBlur",
    "RandomSharpness",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "AutoContrast",
    "Equalization",
    "CutMix",
    "MixUp",
    "RandomErasing",
    "RandomPerspective",
    "CenterCrop",
    "RandomCrop",
    "Resizing",
    "Pipeline",
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "Normalization",
    "StringLookup",
    "TextVectorization",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "LSTM",
    "LSTMCell",
    "GRU",
    "GRUCell",
    "StackedRNNCells",
    "Bidirectional",
    "TimeDistributed",
    "Permute",
    "RepeatVector",
    "Reshape",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ELU",
    "LeakyReLU",
    "PReLU",
    "Attention",
    "AdditiveAttention",
    "MultiHeadAttention",
    "GroupQueryAttention",
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "UnitNormalization",
    "SpectralNormalization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ActivityRegularization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "serialize",
    "deserialize",
]

MISSING = {
    "FlaxLayer": "it runs a program of JAX, and scratchnn needs nothing but NumPy",
    "JaxLayer": "it runs a program of JAX, and scratchnn needs nothing but NumPy",
    "TFSMLayer": "it runs a program of TensorFlow, and scratchnn needs nothing but NumPy",
    "TorchModuleWrapper": "it runs a program of PyTorch, and scratchnn needs nothing but NumPy",
    "MelSpectrogram": "sounds have no layers: compute ops.stft of the data beforehand",
    "STFTSpectrogram": "sounds have no layers: compute ops.stft of the data beforehand",
    "AugMix": "it draws chains of layers: make one of the layers that begin with Random",
    "ContrastLimitedAdaptiveHistogramEqualization": "Equalization is of whole channels only",
    "ConvLSTM1D": "its steps are convolutions: use TimeDistributed(Conv1D) and an LSTM",
    "ConvLSTM2D": "its steps are convolutions: use TimeDistributed(Conv2D) and an LSTM",
    "ConvLSTM3D": "its steps are convolutions: use TimeDistributed(Conv3D) and an LSTM",
    "MaxNumBoundingBoxes": "bounding boxes are not supported",
    "RandAugment": "it draws layers: make a chain of those that begin with Random",
    "RandomElasticTransform": "RandomShear and RandomPerspective are what bends images",
    "ReversibleEmbedding": "a call of it is one of two layers: use an Embedding and a Dense",
}
"""The layers of Keras that are not there, and why."""

__getattr__ = refuse(__name__, MISSING, __all__)
