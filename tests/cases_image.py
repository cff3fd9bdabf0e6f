"""Rows of the conformance table for the layers of images: see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from case import Case

from scratchnn import layers

LAST, FIRST = (3, 5, 6, 3), (3, 3, 5, 6)
LARGER = (3, 9, 11, 3)  # so that an image is larger than the numbers drawn for it
NEAR_ZERO = {"value_range": (-2, 2)}  # where the table's inputs lie, so that some are cut off
CHANNELS_FIRST = {"data_format": "channels_first"}


def of(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda dtype: getattr(layers, name)(*args, **options, dtype=dtype)


def pipeline(dtype: Any) -> Any:
    return layers.Pipeline(
        [
            layers.RandomFlip(seed=3, dtype=dtype),
            layers.Rescaling(0.5, dtype=dtype),
            layers.CenterCrop(3, 4, dtype=dtype),
        ]
    )


WARPS = [
    ("RandomRotation", (0.2,)),
    ("RandomZoom", (0.3, 0.2)),
    ("RandomTranslation", (0.3, 0.2)),
    ("RandomShear", ((0.1, 0.3), (0.0, 0.2))),  # Keras cannot read its own file of one number
]

CASES = [
    # sizes
    *(
        Case(f"resizing to {size} {options}", of("Resizing", *size, **options), LAST)
        for size in ((3, 4), (7, 8), (5, 6), (2, 9))
        for options in ({}, {"antialias": True}, {"interpolation": "bicubic"})
    ),
    *(
        Case(f"resizing {name}", of("Resizing", 3, 8, interpolation=name), LAST)
        for name in ("nearest", "area", "lanczos3", "lanczos5")
    ),
    Case("resizing of bytes", of("Resizing", 3, 8), LAST, "uint8", high=256, recycles=False),
    Case(
        "resizing of a part",
        of("Resizing", 4, 4, crop_to_aspect_ratio=True),
        LAST,
        recycles=False,
    ),
    Case(
        "resizing with a border",
        of("Resizing", 4, 4, pad_to_aspect_ratio=True, fill_value=2.0),
        LAST,
        recycles=False,
    ),
    Case("resizing channels first", of("Resizing", 3, 8, **CHANNELS_FIRST), FIRST, recycles=False),
    Case("center crop", of("CenterCrop", 2, 3), LAST),
    Case("center crop of what is too small", of("CenterCrop", 8, 4), LAST, recycles=False),
    Case("center crop channels first", of("CenterCrop", 2, 3, **CHANNELS_FIRST), FIRST),
    # geometry
    *(
        Case(f"random flip {mode}", of("RandomFlip", mode, seed=3), LAST)
        for mode in ("horizontal", "vertical", "horizontal_and_vertical")
    ),
    Case("random flip channels first", of("RandomFlip", seed=3, **CHANNELS_FIRST), FIRST),
    *(
        Case(f"{name} {options}", of(name, *args, **options, seed=3), LARGER, derivative=False)
        for name, args in WARPS
        for options in ({}, {"fill_mode": "constant"}, {"interpolation": "nearest"})
    ),
    Case(
        "random perspective",
        of("RandomPerspective", scale=0.3),
        LARGER,
        recycles=False,
        derivative=False,
    ),
    Case(
        "random translation by pixels",
        of("RandomTranslation", (1 / 3, 1 / 3), (-2 / 11, -2 / 11), "constant"),
        LARGER,
    ),
    # brightness and colours
    *(
        Case(f"{name} {options}", of(name, *args, **options, seed=3), shape, recycles=recycles)
        for name, args, in_place in (
            ("RandomContrast", (0.8,), True),
            ("RandomBrightness", (0.8,), True),
            ("RandomInvert", (), True),
            ("Solarization", (0.2, 0.8), False),
            ("RandomColorDegeneration", (0.8,), False),
            ("RandomGaussianBlur", (), False),
            ("RandomSharpness", (1.0,), False),
        )
        for options, shape in ((NEAR_ZERO, LAST), ({**NEAR_ZERO, **CHANNELS_FIRST}, FIRST))
        for recycles in [in_place and (name != "RandomContrast" or shape is LAST)]
    ),
    Case("random grayscale", of("RandomGrayscale", seed=3), LAST, recycles=False),
    Case("random grayscale of one channel", of("RandomGrayscale", seed=3), (3, 5, 6, 1)),
    Case(
        "random color jitter",
        of("RandomColorJitter", (-2, 2), brightness_factor=0.2, contrast_factor=0.3, seed=3),
        LAST,
    ),
    Case("equalization", of("Equalization", (-2, 2)), LAST, recycles=False),
    Case("pipeline", pipeline, LAST),
    # mixing
    Case("random erasing", of("RandomErasing", (0.5, 1), (0.3, 0.6), seed=3), LAST, recycles=False),
    Case("cut mix", of("CutMix", seed=3), LAST, recycles=False),
    Case("mix up", of("MixUp", 2.0, seed=3), LAST, recycles=False),
]

FORWARD_CASES = [
    Case("auto contrast", of("AutoContrast", (-2, 2)), LAST),
    Case("random crop", of("RandomCrop", 2, 3, seed=3), LAST),
    Case("random hue", of("RandomHue", 0.8, (-2, 2), seed=3), LAST),
    Case("random saturation", of("RandomSaturation", (0.2, 0.8), seed=3), LAST),
    Case("random posterization", of("RandomPosterization", 4, (-8, 8), seed=3), LAST),
    Case(
        "random color jitter of hues",
        of("RandomColorJitter", (-2, 2), saturation_factor=0.2, hue_factor=0.3, seed=3),
        LAST,
    ),
]
"""Rows of layers without a gradient, or that change the size of images in training alone."""
