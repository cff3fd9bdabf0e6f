"""Clipping: gradients made shorter before a step, each alone or all together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..parameters import Parameter, ParameterStore
from .settings import Settings


def clip(settings: Settings, store: ParameterStore, tables: Sequence[Parameter]) -> None:
    """Clip the gradients in `store` as an optimizer's settings say.

    Arguments:
        settings: with clipnorm, global_clipnorm or clipvalue.
        store: the parameters.
        tables: those among them whose rows are looked up. It is the slices, one for each lookup,
            that have a norm and are clipped; as in Keras, global_clipnorm leaves only their sums.
    """
    number = store.dtype.type
    if settings.clipnorm is not None and settings.clipnorm > 0:
        limit = number(settings.clipnorm)
        for parameter, where in zip(store.trainable, store.slices, strict=True):
            found, g = parameter.occurrences, store.grads[where]
            norm = np.maximum(np.sqrt(_square(parameter, g)), limit)
            if found is not None:
                parameter.assign_rows(found.replaced(found.slices * limit / norm))
            else:
                g *= limit
                g /= norm
    elif settings.global_clipnorm is not None and settings.global_clipnorm > 0:
        limit = number(settings.global_clipnorm)
        for table in tables:
            table.write_rows()
        norm = np.sqrt(_square_of_all(store, tables))
        with np.errstate(divide="ignore", invalid="ignore"):
            # A norm that is not finite makes every gradient NaN, as in Keras.
            store.grads *= limit * np.minimum(1 / norm, 1 / limit) + (norm - norm)
        for table in tables:
            table.make_dense()
    elif settings.clipvalue is not None and settings.clipvalue > 0:
        limit = number(settings.clipvalue)
        np.clip(store.grads, -limit, limit, out=store.grads)
        for table in tables:
            found = table.occurrences
            if found is not None:
                table.assign_rows(found.replaced(np.clip(found.slices, -limit, limit)))


def _square_of_all(store: ParameterStore, tables: Sequence[Parameter]) -> Any:
    if not tables:
        return np.dot(store.grads, store.grads)
    pairs = zip(store.trainable, store.slices, strict=True)
    return np.sum([_square(p, store.grads[where]) for p, where in pairs])


def _square(parameter: Parameter, g: Array) -> Any:
    """Return the sum of the squares of a gradient's elements."""
    found = parameter.occurrences
    return np.dot(g, g) if found is None else np.sum(found.squares)
