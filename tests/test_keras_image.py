"""Layers of images against tf.keras: the same draws, numbers, gradients, dtypes and configs.

Draws are equal to the bit. Resizing, and what is done pixel by pixel, is within 1e-6 of the largest
element. Where pixels are read depends on sines, and on sums that each library rounds in its own
way: 3e-6 for what is warped, 2e-5 behind a system of equations that is solved in float32.
"""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_twins import same_configs, same_training
from twins import both, close, close_all, quiet, seed_both

import scratchnn
from scratchnn import Context

PIXELS, WARPED, SOLVED = 1e-6, 3e-6, 2e-5
SHAPE, FIRST = (4, 9, 12, 3), (4, 3, 9, 12)
UNIT = {"value_range": (0, 1)}


def images(*shape: int, dtype: str = "float32", top: float = 255.0, seed: int = 0) -> Any:
    return (np.random.default_rng(seed).random(shape) * top).astype(dtype)


def pair(name: str, options: dict[str, Any], seed: int = 3) -> tuple[Any, Any]:
    """Return (ours, theirs), each made from the same seed; the next draws must agree, too."""
    layers, after = [], []
    for k in (scratchnn, keras):
        seed_both(seed)
        layers.append(getattr(k.layers, name)(**options, name="twin"))
        after.append(random.random())
    assert after[0] == after[1], "they drew another number of seeds"
    return layers[0], layers[1]


def dy_for(y: Any) -> Any:
    return np.random.default_rng(1).normal(size=y.shape).astype("float32")


def forth_and_back(layer: Any, x: Any, mode: bool | None) -> tuple[Any, Any]:
    """Return (y, dx) of a scratchnn layer; dx is None where it has no gradient."""
    layer.ensure_built(x.shape)
    ctx = Context(mode, layer.dtype)
    y = layer.forward(layer.cast(x), ctx)
    kept = y.copy()
    if y.dtype.kind != "f":
        return kept, None
    try:
        return kept, layer.backward(dy_for(y), ctx)
    except NotImplementedError:
        return kept, None


def keras_forth_and_back(layer: Any, x: Any, mode: bool | None) -> tuple[Any, Any]:
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = layer(given, **({} if mode is None else {"training": mode}))
    try:
        dx = tape.gradient(y, given, dy_for(y)) if y.dtype.is_floating else None
    except LookupError:  # TensorFlow has none
        return y.numpy(), None
    return y.numpy(), None if dx is None else tf.convert_to_tensor(dx).numpy()


def compare(
    name: str, options: dict[str, Any], x: Any, tolerance: float, gradient: bool = True
) -> None:
    """Check two training steps, one of inference, and a call that says neither."""
    ours, theirs = pair(name, options)
    same_configs(ours, theirs)
    for mode in (True, True, False, None):
        y, dx = forth_and_back(ours, x, mode)
        expected, expected_dx = keras_forth_and_back(theirs, x, mode)
        close(y, expected, tolerance, f"y, training={mode}")
        if gradient and expected_dx is not None and x.dtype.kind == "f":
            close(dx, expected_dx, tolerance, f"dx, training={mode}")
    same_configs(ours, theirs)


# --- sizes


SIZES = [(4, 5), (9, 12), (20, 10), (9, 5), (5, 40)]
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("antialias", [False, True])
def test_resizing(interpolation, antialias):
    for height, width in SIZES:
        options = {"height": height, "width": width, "interpolation": interpolation}
        compare("Resizing", {**options, "antialias": antialias}, images(*SHAPE), PIXELS)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_resizing_options(size):
    base = {"height": size[0], "width": size[1]}
    compare("Resizing", base, images(*SHAPE[1:]), PIXELS)
    compare("Resizing", {**base, "data_format": "channels_first"}, images(*FIRST), PIXELS)
    compare("Resizing", {**base, "crop_to_aspect_ratio": True}, images(*SHAPE), PIXELS)
    padded = {**base, "pad_to_aspect_ratio": True}
    compare("Resizing", padded, images(*SHAPE[1:]), PIXELS)
    compare(
        "Resizing", {**padded, "fill_mode": "constant", "fill_value": 7.0}, images(*SHAPE), PIXELS
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int16"])
def test_resizing_keeps_integers(dtype):
    """Bilinear ones are equal to the last; others are where no half is rounded either way."""
    for height, width in SIZES:
        for interpolation in ("bilinear", "nearest", "bicubic", "lanczos3"):
            options = {"height": height, "width": width, "interpolation": interpolation}
            compare("Resizing", options, images(*SHAPE, dtype=dtype), PIXELS)


@pytest.mark.parametrize("name", ["CenterCrop", "RandomCrop"])
@pytest.mark.parametrize("size", [*SIZES, (3, 12), (1, 1)], ids=str)
def test_crops(name, size):
    options = {"height": size[0], "width": size[1]}
    compare(name, options, images(*SHAPE), PIXELS)
    compare(name, options, images(*SHAPE[1:]), PIXELS)
    compare(name, options, images(*SHAPE, dtype="uint8"), PIXELS)
    compare(name, {**options, "data_format": "channels_first"}, images(*FIRST), PIXELS)


def test_random_crops_with_a_seed():
    compare("RandomCrop", {"height": 4, "width": 5, "seed": 11}, images(*SHAPE), PIXELS)


# --- pixels that move


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flips(mode):
    compare("RandomFlip", {"mode": mode}, images(*SHAPE), 0.0)
    compare("RandomFlip", {"mode": mode, "seed": 1}, images(*SHAPE[1:]), 0.0)
    compare("RandomFlip", {"mode": mode}, images(*SHAPE, dtype="uint8"), 0.0)
    compare("RandomFlip", {"mode": mode, "data_format": "channels_first"}, images(*FIRST), 0.0)


WARPS: list[tuple[str, dict[str, Any]]] = [
    ("RandomRotation", {"factor": 0.3}),
    ("RandomRotation", {"factor": (-1, 0.1)}),
    ("RandomZoom", {"height_factor": 0.3}),
    ("RandomZoom", {"height_factor": 0.3, "width_factor": (-0.5, 0.2)}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": (-0.5, 0.2)}),
    ("RandomShear", {"x_factor": 0.3, "y_factor": (0.2, 0.4)}),
]


@pytest.mark.parametrize(("name", "options"), WARPS, ids=str)
@pytest.mark.parametrize("fill_mode", ["reflect", "constant", "nearest", "wrap"])
def test_warps(name, options, fill_mode):
    options = {**options, "fill_mode": fill_mode, "fill_value": 3.0}
    compare(name, options, images(*SHAPE), WARPED)
    compare(name, {**options, "interpolation": "nearest", "seed": 5}, images(*SHAPE), WARPED)


@pytest.mark.parametrize(("name", "options"), WARPS, ids=str)
def test_warps_of_other_inputs(name, options):
    compare(name, options, images(*SHAPE[1:]), WARPED)
    compare(name, options, images(*SHAPE, dtype="uint8"), WARPED)
    compare(name, options, images(3, 1, 5, 1), WARPED)
    compare(name, {**options, "data_format": "channels_first"}, images(*FIRST), WARPED)


@pytest.mark.parametrize(
    "options", [{}, {"factor": 0.7, "scale": 0.3, "fill_value": 3.0}, {"interpolation": "nearest"}]
)
def test_perspective(options):
    # dx is read through an inverse, whose rounding the steep gradients of noise magnify
    for x in (images(*SHAPE), images(*SHAPE, dtype="uint8")):
        compare("RandomPerspective", options, x, SOLVED, gradient=options.get("scale") == 0.3)


# --- brightness, colours, noise


COLORS: list[tuple[str, dict[str, Any]]] = [
    ("RandomContrast", {"factor": 0.4}),
    ("RandomContrast", {"factor": (0.2, 0.9), **UNIT, "seed": 3}),
    ("RandomBrightness", {"factor": 0.4}),
    ("RandomBrightness", {"factor": (-0.2, 0.9), **UNIT}),
    ("RandomInvert", {"factor": 0.8}),
    ("RandomInvert", UNIT),
    ("Solarization", {"threshold_factor": (0.3, 0.6)}),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.8, **UNIT}),
    ("RandomPosterization", {"factor": 5}),
    ("RandomPosterization", {"factor": (3, 3)}),
    ("RandomPosterization", {"factor": (1, 7), **UNIT}),
    ("RandomHue", {"factor": 0.4}),
    ("RandomHue", {"factor": (0.2, 0.9), **UNIT}),
    ("RandomSaturation", {"factor": 0.4}),
    ("RandomSaturation", {"factor": (0.2, 0.9), **UNIT}),
    ("RandomGrayscale", {"factor": 0.4}),
    ("RandomColorDegeneration", {"factor": 0.4}),
    ("RandomColorDegeneration", {"factor": (0.2, 0.8), **UNIT}),
    ("AutoContrast", {}),
    ("AutoContrast", UNIT),
    ("Equalization", {}),
    ("Equalization", {**UNIT, "bins": 16}),
    ("RandomGaussianBlur", {}),
    ("RandomGaussianBlur", {"factor": 0.7, "kernel_size": 5, "sigma": (0.3, 0.9)}),
    ("RandomGaussianBlur", {"kernel_size": (3, 5)}),
    ("RandomSharpness", {"factor": 0.9}),
    ("RandomSharpness", {"factor": (0.4, 0.9), **UNIT}),
    ("RandomErasing", {}),
    ("RandomErasing", {"factor": 0.8, "scale": (0.3, 0.8), "fill_value": 3}),
    ("RandomErasing", {"fill_value": (1, 2, 3), **UNIT}),
    ("CutMix", {}),
    ("CutMix", {"factor": (0.2, 0.9), "seed": 3}),
    ("MixUp", {}),
    ("MixUp", {"alpha": 1.5, "seed": 2}),
]
NO_GRADIENT_HERE = ("AutoContrast",)  # Keras has one


@pytest.mark.parametrize(("name", "options"), COLORS, ids=str)
def test_colors(name, options):
    top = options.get("value_range", (0, 255))[1]
    gradient = name not in NO_GRADIENT_HERE
    compare(name, options, images(*SHAPE, top=top), PIXELS, gradient)
    compare(name, options, images(*SHAPE[1:], top=top), PIXELS, gradient)
    if not isinstance(options.get("fill_value"), tuple):  # where Keras's three are a row's pixels
        first = {**options, "data_format": "channels_first"}
        compare(name, first, images(*FIRST, top=top), PIXELS, gradient)
    if top == 255 and name not in ("RandomContrast", "RandomSaturation"):  # Keras fails
        compare(name, options, images(*SHAPE, dtype="uint8"), PIXELS)


@pytest.mark.parametrize(
    "options",
    [
        {"brightness_factor": 0.3},
        {"contrast_factor": 0.3, "seed": 4},
        {"saturation_factor": 0.5, "hue_factor": 0.3, **UNIT},
        {
            "brightness_factor": 0.3,
            "contrast_factor": 0.3,
            "saturation_factor": (0.2, 0.6),
            "hue_factor": 0.3,
        },
    ],
    ids=str,
)
def test_color_jitter(options):
    top = options.get("value_range", (0, 255))[1]
    compare("RandomColorJitter", options, images(*SHAPE, top=top), PIXELS)
    compare("RandomColorJitter", options, images(*SHAPE[1:], top=top), PIXELS)


# --- dicts


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomFlip", {}),
        ("RandomRotation", {"factor": 0.2}),
        ("RandomZoom", {"height_factor": 0.2}),
        ("RandomCrop", {"height": 4, "width": 5}),
        ("Resizing", {"height": 4, "width": 5}),
        ("CenterCrop", {"height": 4, "width": 5}),
        ("RandomBrightness", {"factor": 0.2}),
        ("CutMix", {}),
        ("MixUp", {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("training", [True, False])
def test_dicts(name, options, training):
    masks = np.random.default_rng(1).integers(0, 3, SHAPE).astype("float32")
    data = {"images": images(*SHAPE), "labels": np.eye(4, dtype="f")}
    if name != "MixUp" and (training or name != "RandomCrop"):
        data["segmentation_masks"] = masks
    ours, theirs = pair(name, options)
    expected = theirs(dict(data), training=training)
    found = ours(data, training=training)
    assert list(found) == list(expected)
    for key, value in found.items():
        close(value, np.asarray(expected[key]), WARPED, key)


# --- models


def test_augmentation_in_a_model():
    """Fit augments; evaluate and predict do not; a model called without a word does."""
    x, y = images(24, 8, 8, 3), np.random.default_rng(1).integers(0, 3, 24)

    def run(k: Any) -> Any:
        augment = k.Sequential(
            [
                k.layers.RandomFlip("horizontal"),
                k.layers.RandomRotation(0.1),
                k.layers.RandomZoom(0.2),
                k.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
                k.layers.RandomContrast(0.3),
            ]
        )
        inputs = k.Input((8, 8, 3))
        hidden = k.layers.Rescaling(1 / 255)(augment(inputs))
        hidden = k.layers.Dense(6, "relu")(hidden)
        hidden = k.layers.GlobalAveragePooling2D()(hidden)
        model = k.Model(inputs, k.layers.Dense(3, "softmax")(hidden))
        model.compile(
            k.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        history = model.fit(x, y, batch_size=8, epochs=3, validation_data=(x[:8], y[:8]), verbose=0)
        spoken = [np.asarray(augment(x[:4], training=t)) for t in (True, False)]
        silent = np.asarray(augment(x[:4]))
        quiet_model = np.asarray(model(x[:4]))
        return history.history, model.predict(x, verbose=0), spoken, silent, quiet_model

    ours, theirs = both(run)
    for key, values in theirs[0].items():
        np.testing.assert_allclose(ours[0][key], values, rtol=1e-5, err_msg=key)
    for found, expected in zip(ours[1:], theirs[1:], strict=True):
        close_all(found, expected, 1e-5) if isinstance(found, list) else close(
            found, expected, 1e-5
        )


TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("Resizing", {"height": 3, "width": 8, "antialias": True}),
    ("CenterCrop", {"height": 3, "width": 4}),
    ("RandomCrop", {"height": 5, "width": 6}),
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.05}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}),
    ("RandomZoom", {"height_factor": 0.2, "fill_mode": "constant"}),
    ("RandomContrast", {"factor": 0.3, "value_range": (-1, 1)}),
    ("RandomBrightness", {"factor": 0.1, "value_range": (-1, 1)}),
    ("RandomErasing", {"factor": (0.5, 1), "value_range": (-1, 1)}),
    ("MixUp", {"alpha": 2.0}),
]


@pytest.mark.parametrize(("name", "options"), TRAINED, ids=str)
def test_twenty_steps(name, options):
    """Behind a trained layer, so that every gradient goes through it."""
    same_training(lambda k: [getattr(k.layers, name)(**options)], (8, 5, 6, 3), 3e-5)


def test_pipelines():
    x = images(*SHAPE)

    def run(k: Any) -> Any:
        make = [
            lambda: k.layers.RandomFlip(),
            lambda: k.layers.RandomZoom(0.2, seed=3),
            lambda: k.layers.CenterCrop(5, 6),
            lambda: k.layers.Dropout(0.3),
            lambda: k.layers.Rescaling(1 / 255),
        ]
        pipeline = k.layers.Pipeline([f() for f in make], name="pipeline")
        inputs = k.Input(SHAPE[1:])
        outputs = k.layers.Dense(2)(k.layers.Flatten()(pipeline(inputs)))
        model = k.Model(inputs, outputs)
        model.compile(k.optimizers.SGD(0.01), "mse", run_eagerly=True)
        loss = model.fit(x, np.ones((4, 2)), epochs=3, verbose=0).history["loss"]
        called = [np.asarray(pipeline(x, **o)) for o in ({}, {"training": False})]
        whole = k.layers.Pipeline([f() for f in make[:3]])
        data = whole({"images": x, "labels": np.eye(4, dtype="f")})
        called += [np.asarray(data["images"]), np.asarray(data["labels"])]
        return [np.array(loss), *called, model.predict(x, verbose=0)], pipeline

    (ours, layer), (theirs, their_layer) = both(run)
    close_all(ours, theirs, 1e-5)
    same_configs(layer, their_layer)


# --- what Keras refuses, too


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomRotation", {"factor": 1.5}),
        ("RandomRotation", {"factor": (0.1, 0.2, 0.3)}),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "mirror"}),
        ("RandomRotation", {"factor": 0.1, "interpolation": "bicubic"}),
        ("RandomZoom", {"height_factor": -1.0}),
        ("RandomZoom", {"height_factor": 0.1, "width_factor": 1.2}),
        ("RandomTranslation", {"height_factor": 0.1, "width_factor": (-1.2, 0.1)}),
        ("RandomShear", {"x_factor": -0.1}),
        ("RandomContrast", {"factor": 1.1}),
        ("RandomBrightness", {"factor": 0.1, "value_range": 3}),
        ("RandomGrayscale", {"factor": 1.1}),
        ("RandomGaussianBlur", {"kernel_size": 4}),
        ("RandomPerspective", {"scale": 1.1}),
        ("Solarization", {"threshold_factor": -0.1}),
        ("RandomFlip", {"data_format": "channels_middle"}),
    ],
    ids=str,
)
def test_arguments_that_both_refuse(name, options):
    with quiet(), pytest.raises((ValueError, NotImplementedError)):
        getattr(keras.layers, name)(**options)
    with pytest.raises(ValueError, match="Received"):
        getattr(scratchnn.layers, name)(**options)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_smart_resize(data_format):
    for x in (images(*SHAPE), images(*SHAPE[1:]), images(*SHAPE, dtype="uint8")):
        x = np.moveaxis(x, -1, -3) if data_format == "channels_first" else x
        for size in SIZES:
            for interpolation in ("bilinear", "nearest", "bicubic"):
                found, expected = (
                    k.preprocessing.image.smart_resize(x, size, interpolation, data_format)
                    for k in (scratchnn, keras)
                )
                close(found, expected, PIXELS)
