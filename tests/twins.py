"""One program, two libraries: models built by the same function from the same seed, compared.

Every builder takes the module to build with, `keras` or `scratchnn`, as its argument `k`.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import scratchnn

Builder = Callable[[Any], Any]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let Keras warn, as it does of `input_shape` and others, without failing the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def seed_both(seed: int) -> None:
    """Seed both libraries, and start the automatic names of both afresh."""
    for k in (keras, scratchnn):
        k.utils.clear_session(free_memory=False)
        k.utils.set_random_seed(seed)


def twins(build: Builder, seed: int = 7) -> tuple[Any, Any]:
    """Return (scratchnn's, Keras's) of what `build` returns, each from the seed alone."""
    seed_both(seed)
    with quiet():
        theirs = build(keras)
    scratchnn.utils.set_random_seed(seed)
    with quiet():
        ours = build(scratchnn)
    return ours, theirs


def both(run: Callable[[Any], Any], seed: int = 7) -> tuple[Any, Any]:
    """Return what a whole program returns, run with scratchnn and with Keras."""
    results = []
    for k in (scratchnn, keras):
        seed_both(seed)
        with quiet():
            results.append(run(k))
    return results[0], results[1]


def watch_gradients(model: Any) -> Callable[[], dict[str, np.ndarray]]:
    """Return what tells the gradients, by weight, that a Keras model's last step computed.

    They are taken where train_step hands them to the optimizer, within the graph it runs in: what
    the step really used, before clipping and averaging.
    """
    variables = list(model.trainable_variables)
    keepers = [tf.Variable(tf.zeros_like(v.value)) for v in variables]
    apply = model.optimizer.apply_gradients

    def keep(pairs: Any) -> Any:
        pairs = list(pairs)
        for (gradient, _), keeper in zip(pairs, keepers, strict=True):
            # None, of a weight that the loss does not depend on, leaves it as a zero does.
            keeper.assign(tf.zeros_like(keeper) if gradient is None else gradient)
        return apply(pairs)

    model.optimizer.apply_gradients = keep
    return lambda: {v.path: k.numpy() for v, k in zip(variables, keepers, strict=True)}


def gradients(model: Any) -> dict[str, np.ndarray]:
    """Return the gradients of a scratchnn model's last step, by weight."""
    return {p.path: p.grad.copy() for p in model.trainable_weights}


def close(found: Any, expected: Any, tolerance: float, what: str = "") -> None:
    """Check shape and dtype, and each element to `tolerance` of the largest one's size."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype, f"{what}: {found.dtype}, expected {expected.dtype}"
    assert found.shape == expected.shape, f"{what}: {found.shape}, expected {expected.shape}"
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(finite.max()) if finite.size else 0.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=what)


def close_all(found: Any, expected: Any, tolerance: float, what: str = "") -> None:
    """The same for lists and dicts of arrays or numbers."""
    if isinstance(expected, dict):
        assert list(found) == list(expected), what
        found, expected = list(found.values()), list(expected.values())
    assert len(found) == len(expected), what
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        if isinstance(b, list | tuple | dict):
            close_all(a, b, tolerance, f"{what} {i}")
        else:
            close(a, b, tolerance, f"{what} {i}")


def equal_weights(ours: Any, theirs: Any) -> None:
    """Check that both models have the same weights: names, order and every bit."""
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)
