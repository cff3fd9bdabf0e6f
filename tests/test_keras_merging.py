"""Merging and joining against tf.keras: values, gradients, ties, masks, configs, training.

Values and gradients are within 5e-7 of the largest element; weights and losses within 1e-5 after 20
steps.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import compare, keras_passes, numbers, passes, ties
from twins import close, close_all

from scratchnn import Context
from scratchnn.layers import joining, merging

OURS = {**vars(merging), **vars(joining)}
ELEMENTWISE = ["Add", "Average", "Multiply", "Maximum", "Minimum", "Subtract"]


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Return (ours, theirs)."""
    made = (cls(*args, **options, name="twin") for cls in (OURS[name], getattr(keras.layers, name)))
    return tuple(made)  # type: ignore[return-value]


def several(make: Any, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [make(*shape, seed=i) for i, shape in enumerate(shapes)]


SHAPES = [
    [(4, 3), (4, 3)],
    [(4, 5, 3), (4, 5, 3)],
    [(4, 5, 3), (4, 1, 3)],
    [(4, 5, 3), (4, 3)],
    [(4, 3), (4, 2, 5, 3)],
    [(4, 1, 3), (4, 5, 1)],
    [(4,), (4, 3)],
]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_two(name, shapes):
    compare(*pair(name), several(numbers, *shapes))
    compare(*pair(name), several(ties, *shapes))


@pytest.mark.parametrize("name", ELEMENTWISE[:-1])
@pytest.mark.parametrize(
    "shapes",
    [[(4, 3)], [(4, 3)] * 3, [(4, 3)] * 5, [(4, 1, 3), (4, 5, 3), (4, 3), (4, 5, 1)]],
    ids=str,
)
def test_one_three_and_more(name, shapes):
    compare(*pair(name), several(ties, *shapes))


@pytest.mark.parametrize("name", [*ELEMENTWISE, "Concatenate"])
def test_dtypes(name):
    ours, theirs = pair(name)
    x = several(ties, (4, 3), (4, 3))
    for dtypes in (
        ("int32", "int32"),
        ("int32", "float32"),
        ("float32", "uint8"),
        ("int8", "int32"),
    ):
        xs = [one.astype(dtype) + 2 for one, dtype in zip(x, dtypes, strict=True)]
        xs = [one.astype(dtype) for one, dtype in zip(xs, dtypes, strict=True)]
        y, expected = passes(ours, xs)[0], theirs(xs).numpy()
        np.testing.assert_allclose(y, expected, rtol=1e-6)
        if name != "Average" or "float32" in dtypes:  # of integers alone, theirs is float64
            assert y.dtype == expected.dtype
        assert y.dtype == ours.output_dtype(dtypes)


def test_the_gradient_of_integers_is_none():
    xs = [numbers(4, 3), ties(4, 3).astype("int32")]
    for name in ("Add", "Multiply", "Maximum", "Concatenate"):
        ours, theirs = pair(name)
        (dx, none), (expected, also_none) = passes(ours, xs)[1], keras_passes(theirs, xs)[1]
        assert none is also_none is None
        close(dx, expected, 5e-7)


# --- masks

MASKS = [
    np.array([[1, 1, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], bool),
    np.array([[1, 0, 1, 0, 1], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], bool),
    np.array([[0, 0, 1, 0, 1], [1, 0, 1, 1, 1], [0, 1, 0, 0, 1]], bool),
]
given = pytest.mark.parametrize(
    "given", [(1, 1), (1, 0), (0, 1), (0, 0), (1, 1, 1), (1, 0, 1), (0, 1, 1), (1, 1, 0)], ids=str
)


def masks_of(given):
    return [mask if wanted else None for mask, wanted in zip(MASKS, given, strict=False)]


@pytest.mark.parametrize("name", [*ELEMENTWISE, "Concatenate"])
@pytest.mark.parametrize("make", [numbers, ties], ids=["numbers", "ties"])
@given
def test_masks(name, make, given):
    if name == "Subtract" and len(given) > 2:
        return
    masks, xs = masks_of(given), several(make, *[(3, 5, 2)] * len(given))
    ours, theirs = pair(name)
    compare(ours, theirs, xs, masks)
    expected = theirs.compute_mask(xs, masks)
    found = ours.compute_mask(xs, masks)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == bool


@pytest.mark.parametrize("name", ["Multiply", "Maximum", "Minimum", "Add"])
def test_masks_and_broadcasting(name):
    xs = several(numbers, (3, 5, 2), (3, 2))
    compare(*pair(name), xs, [MASKS[0], None])
    xs = several(numbers, (3, 5, 2), (3, 1, 2))
    compare(*pair(name), xs, [MASKS[0], MASKS[1][:, :1]])


def test_masks_of_a_concatenation_over_time():
    xs = several(numbers, (3, 5, 2), (3, 5, 2))
    for masks in ([MASKS[0], MASKS[1]], [MASKS[0], None], [None, MASKS[1]]):
        ours, theirs = pair("Concatenate", axis=1)
        found, expected = ours.compute_mask(xs, masks), theirs.compute_mask(xs, masks)
        np.testing.assert_array_equal(found, expected)
        assert found.shape == (3, 10)


# --- joining


@pytest.mark.parametrize(
    ("axis", "shapes"),
    [
        (-1, [(4, 3), (4, 2)]),
        (1, [(4, 3), (4, 2), (4, 1)]),
        (1, [(4, 5, 3), (4, 2, 3)]),
        (-2, [(4, 5, 3), (4, 2, 3)]),
        (2, [(4, 5, 3), (4, 5, 1)]),
        (3, [(4, 2, 2, 3), (4, 2, 2, 3)]),
        (0, [(4, 3), (2, 3)]),
        (-1, [(4, 3)]),
    ],
    ids=str,
)
def test_concatenate(axis, shapes):
    compare(*pair("Concatenate", axis=axis), several(numbers, *shapes))


DOTS = [
    (1, [(4, 3), (4, 3)]),
    (-1, [(4, 3), (4, 3)]),
    ((1, 1), [(4, 3), (4, 3)]),
    (1, [(4, 3), (4, 3, 2)]),
    (1, [(4, 3, 2), (4, 3)]),
    ((2, 1), [(4, 3, 2), (4, 2, 5)]),
    ((1, 2), [(4, 3, 2), (4, 5, 3)]),
    ([2, 2], [(4, 3, 2), (4, 5, 2)]),
    (-1, [(4, 3, 2), (4, 5, 2)]),
    (1, [(4, 3, 2), (4, 3, 5)]),
    ((-1, -2), [(4, 3, 2), (4, 2, 5)]),
    ((1, 2), [(4, 3, 2, 5), (4, 2, 3)]),
    ((3, 1), [(4, 3, 2, 5), (4, 5, 3, 2)]),
]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("axes", "shapes"), DOTS, ids=str)
def test_dot(axes, shapes, normalize):
    ours, theirs = pair("Dot", axes, normalize)
    compare(ours, theirs, several(numbers, *shapes))
    assert ours.compute_mask(None, [MASKS[0], None]) is None


def test_dot_of_a_short_vector():
    # Shorter than epsilon, so that it is scaled by 1 / epsilon instead of its length.
    xs = [np.full((1, 3), 1e-9, "float32"), numbers(1, 3)]
    compare(*pair("Dot", 1, True), xs)


def test_dot_of_integers():
    xs = [ties(4, 3, 2).astype("int32"), ties(4, 2, 5).astype("int32")]
    compare_values = pair("Dot", (2, 1))
    np.testing.assert_array_equal(passes(compare_values[0], xs)[0], compare_values[1](xs))


# --- in training


BRANCHES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ELEMENTWISE),
    ("Concatenate", {"axis": 1}),
    ("Dot", {"axes": (1, 1)}),
    ("Dot", {"axes": 1, "normalize": True}),
]


@pytest.mark.parametrize(("name", "options"), BRANCHES, ids=str)
def test_twenty_steps_of_two_branches(name, options):
    """Two kernels, merged: y = merge(x1 w1, x2 w2), a mean square to bring down by w -= 0.1 dw."""
    ours, theirs = pair(name, **options)
    xs = several(numbers, (8, 4), (8, 5))
    kernels = [w * np.float32(0.5) for w in several(numbers, (4, 3), (5, 3))]
    variables = [tf.Variable(w) for w in kernels]
    goal = np.float32(1)
    ctx = Context(training=True)
    shapes: Any = [(8, 3), (8, 3)]
    ours.ensure_built(shapes)
    losses, expected = [], []
    for _ in range(20):
        with tf.GradientTape() as tape:
            y = theirs([tf.matmul(x, w) for x, w in zip(xs, variables, strict=True)])
            loss = tf.reduce_mean((y - goal) ** 2)
        for w, dw in zip(variables, tape.gradient(loss, variables), strict=True):
            w.assign_sub(0.1 * dw)
        expected.append(loss.numpy())
        y = ours.forward([x @ w for x, w in zip(xs, kernels, strict=True)], ctx)
        losses.append(np.mean((y - goal) ** 2))
        dxs = ours.backward(2 * (y - goal) / np.float32(y.size), ctx)
        for x, w, dx in zip(xs, kernels, dxs, strict=True):
            w -= np.float32(0.1) * (x.T @ dx)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    close_all(kernels, [w.numpy() for w in variables], 1e-5)
    assert losses[-1] < 0.95 * losses[0]
