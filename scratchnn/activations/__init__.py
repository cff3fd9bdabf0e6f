"""Activation functions, and the table of their derivatives. As in `keras.activations`.

A function takes `out=` to write into an array it is given; `out` may be its own input. Arrays of
floats keep their dtype; Python's floats, and integers unless a function says otherwise, are
computed in the default float dtype. The derivative of each function stands below it, and again in
the table `DERIVATIVES`; at a kink it is what TensorFlow's gradient is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..lookup import Lookup
from .gates import gelu, glu, hard_silu, mish, silu, softplus, sparse_plus, squareplus
from .nonlinearity import DERIVATIVES as DERIVATIVES
from .nonlinearity import Nonlinearity as Nonlinearity
from .rectifiers import (
    celu,
    elu,
    hard_shrink,
    leaky_relu,
    relu,
    relu6,
    selu,
    soft_shrink,
    threshold,
)
from .sigmoids import (
    exponential,
    hard_sigmoid,
    hard_tanh,
    linear,
    log_sigmoid,
    sigmoid,
    softsign,
    sparse_sigmoid,
    tanh,
    tanh_shrink,
)
from .softmaxes import log_softmax, softmax, sparsemax
from .softmaxes import softmax_parts as softmax_parts

swish = silu
hard_swish = hard_silu

_lookup = Lookup(
    "activation",
    {f.__name__: f for f in DERIVATIVES} | {"swish": silu, "hard_swish": hard_silu},
)


def get(identifier: Any) -> Any:
    """Return the activation that a name, a config, a function, a layer or None (linear) means.

    Arguments:
        identifier: any of these.

    Raises:
        ValueError: for a name that is not known, with the nearest one that is, and for what cannot
            be called.

    Example:
        >>> get("relu") is relu, get("swish") is silu
        (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return _lookup.find(identifier)
    found = deserialize(identifier) if isinstance(identifier, Mapping) else identifier
    return found if callable(found) else _lookup.get(found)


def serialize(activation: Any) -> Any:
    """Return the name of one of these functions, or the config of a layer or of your own function.

    Arguments:
        activation: the function or layer.

    Raises:
        TypeError: for what has neither a name nor a config: None, a lambda, a `functools.partial`.

    Example:
        >>> serialize(swish)
        'silu'
    """
    config = _lookup.serialize(activation)
    if not isinstance(config, dict):
        raise TypeError(f"Expected an activation function or a layer. Received: {activation!r}.")
    known = config["class_name"] == "function" and config["config"] in _lookup.names
    return config["config"] if known else config


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the function or layer that a config describes.

    Arguments:
        config: what `serialize` returned.
        custom_objects: your own functions and classes by name.

    Raises:
        ValueError: for a name that is not known.

    Example:
        >>> deserialize("relu") is relu
        True
    """
    module = config.get("module") if isinstance(config, Mapping) else None
    if module in ("keras", "keras.layers"):
        from ..saving import deserialize_keras_object

        return deserialize_keras_object(config, custom_objects)
    return _lookup.deserialize(config, custom_objects)


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
