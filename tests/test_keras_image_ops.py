"""ops.image against keras.ops.image: values and dtypes."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
from twins import close

from scratchnn.ops import image as ours

theirs = keras.ops.image
RNG = np.random.default_rng(0)
X = (RNG.random((3, 9, 12, 3)) * 255).astype("float32")
UNIT = (X / 255).astype("float32")
BYTES = X.astype("uint8")
ROUNDING = 2e-6
TRANSFORMS = np.c_[RNG.normal(size=(3, 6)), RNG.normal(size=(3, 2)) / 20].astype("float32")


def same(name: str, *args: Any, tolerance: float = ROUNDING, **options: Any) -> None:
    expected = np.asarray(getattr(theirs, name)(*args, **options))
    close(getattr(ours, name)(*args, **options), expected, tolerance, f"{name} {options}")


def first(x: Any) -> Any:
    return np.moveaxis(x, -1, -3)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
def test_resize(interpolation):
    for size in ((4, 5), (20, 10)):
        for options in ({}, {"antialias": True}, {"crop_to_aspect_ratio": True}):
            same("resize", X, size, interpolation, **options)
        same("resize", X[0], size, interpolation, pad_to_aspect_ratio=True, fill_value=3.0)
        same("resize", first(X), size, interpolation, data_format="channels_first")
    same("resize", BYTES, (20, 10), "bilinear")
    same("resize", X.astype("float64"), (20, 10), interpolation)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "reflect"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_affine_transform(interpolation, fill_mode):
    options = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": 7.0}
    same("affine_transform", X, TRANSFORMS, **options, tolerance=1e-5)
    same("affine_transform", X[0], TRANSFORMS[0], **options, tolerance=1e-5)
    same("affine_transform", X, TRANSFORMS[:1], **options, tolerance=1e-5)
    same(
        "affine_transform",
        first(X),
        TRANSFORMS,
        **options,
        data_format="channels_first",
        tolerance=1e-5,
    )
    if interpolation == "nearest":
        same("affine_transform", BYTES, TRANSFORMS, **options)


def test_perspective_transform():
    start = np.array([[0, 0], [11, 0], [0, 8], [11, 8]], "f")
    end = np.stack([start + RNG.normal(size=(4, 2)) for _ in range(3)]).astype("f")
    for x, a, b in ((X, np.stack([start] * 3), end), (X[0], start, end[0])):
        for interpolation in ("bilinear", "nearest"):
            same("perspective_transform", x, a, b, interpolation, 3.0, tolerance=2e-5)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates(order, fill_mode):
    places = RNG.uniform(-4, 16, (3, 5, 6)).astype("f")
    if fill_mode == "mirror":  # whose image of the first place beyond the edge is no place, either
        places = RNG.uniform(-0.4, 2, (3, 5, 6)).astype("f")
    x = X[0]
    same("map_coordinates", x, places, order, fill_mode, 9.0, tolerance=1e-5)
    same("map_coordinates", x.astype("int32"), places, order, fill_mode, 9.0)
    same("map_coordinates", X[0, 0, :, 0], places[:1], order, fill_mode, tolerance=1e-5)


PADS = [
    {"top_padding": 1, "bottom_padding": 2, "left_padding": 0, "right_padding": 3},
    {"top_padding": 1, "target_height": 12, "left_padding": 2, "target_width": 15},
    {"bottom_padding": 1, "target_height": 12, "right_padding": 2, "target_width": 15},
]


@pytest.mark.parametrize("options", PADS, ids=str)
def test_pad_and_crop(options):
    for x in (X, X[0], BYTES):
        same("pad_images", x, **options)
        same("pad_images", first(x), **options, data_format="channels_first")
        crop = {name.replace("padding", "cropping"): value for name, value in options.items()}
        crop = {name: 6 if "target" in name else value for name, value in crop.items()}
        same("crop_images", x, **crop)
        same("crop_images", first(x), **crop, data_format="channels_first")


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_extract_patches(padding):
    for options in ({}, {"strides": 1}, {"strides": (2, 3)}):
        for size in (3, (2, 4)):
            same("extract_patches", X, size, padding=padding, **options)
            same("extract_patches", X[0], size, padding=padding, **options)
    same("extract_patches", X, 3, 1, 2, padding)
    same("extract_patches", first(X), (2, 3), padding=padding, data_format="channels_first")
    volumes = RNG.random((2, 4, 5, 6, 2)).astype("f")
    same("extract_patches", volumes, (2, 3, 2), padding=padding)
    same("extract_patches_3d", volumes, 2, padding=padding)


def test_colors():
    for x in (UNIT, UNIT[0], X):
        same("rgb_to_grayscale", x)
        same("rgb_to_hsv", x)
        same("rgb_to_grayscale", first(x), data_format="channels_first")
        same("rgb_to_hsv", first(x), data_format="channels_first")
    same("rgb_to_grayscale", BYTES)
    same("rgb_to_grayscale", X[..., :1])
    for x in (UNIT, UNIT[0]):
        same("hsv_to_rgb", x)
        same("hsv_to_rgb", first(x), data_format="channels_first")


def test_filters():
    for size, sigma in (((3, 3), (1.0, 0.5)), ((5, 5), (0.7, 2.0)), ((3, 5), (0.5, 0.8))):
        same("gaussian_blur", X, size, sigma)
        same("gaussian_blur", X[0], size, sigma)
        same("gaussian_blur", first(X), size, sigma, data_format="channels_first")
    same("sobel_edges", X)
    same("sobel_edges", first(X), data_format="channels_first")


def test_names_and_signatures():
    names = {name for name in dir(theirs) if not name.startswith("_")}
    assert set(ours.__all__) | set(ours.MISSING) == names
    for name in ours.__all__:
        mine, other = (
            [(p.name, p.default) for p in inspect.signature(getattr(k, name)).parameters.values()]
            for k in (ours, theirs)
        )
        assert mine == other, name
