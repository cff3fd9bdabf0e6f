"""Layers of images without TensorFlow: by hand, errors, when they act, how they are called."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from cases_image import FORWARD_CASES

from scratchnn import Context, Input, Model, Sequential, config, layers
from scratchnn.images import colors, filters, resizing, warping

RNG = np.random.default_rng(0)
X = RNG.random((4, 6, 8, 3)).astype("float32") * 255

RANDOM: list[tuple[str, dict[str, Any]]] = [
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.2}),
    ("RandomZoom", {"height_factor": 0.2}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}),
    ("RandomShear", {"x_factor": 0.2}),
    ("RandomPerspective", {}),
    ("RandomCrop", {"height": 3, "width": 4}),
    ("RandomContrast", {"factor": 0.5}),
    ("RandomBrightness", {"factor": 0.5}),
    ("RandomInvert", {}),
    ("Solarization", {"threshold_factor": 0.5}),
    ("RandomPosterization", {"factor": (2, 5)}),
    ("RandomHue", {"factor": 0.5}),
    ("RandomSaturation", {"factor": (0.1, 0.9)}),
    ("RandomGrayscale", {}),
    ("RandomColorDegeneration", {"factor": 0.5}),
    ("RandomColorJitter", {"brightness_factor": 0.2, "hue_factor": 0.2}),
    ("RandomGaussianBlur", {}),
    ("RandomSharpness", {"factor": 1.0}),
    ("RandomErasing", {}),
    ("CutMix", {}),
    ("MixUp", {"alpha": 1.0}),
]
every_random_layer = pytest.mark.parametrize(("name", "options"), RANDOM, ids=lambda v: str(v))


def make(name: str, options: dict[str, Any], **more: Any) -> Any:
    return getattr(layers, name)(**{**options, **more})


# --- when they act, and what they draw


@every_random_layer
def test_they_act_unless_told_not_to(name, options):
    layer = make(name, options, seed=3)
    for training in (None, True):
        assert not np.array_equal(layer(X, training=training), X)
    np.testing.assert_array_equal(layer(X, training=False), X)


@every_random_layer
def test_draws_follow_the_seed_and_the_calls(name, options):
    layer, twin, other = (make(name, options, seed=seed) for seed in (3, 3, 5))
    first, second = layer(X), layer(X)
    np.testing.assert_array_equal(first, twin(X))
    np.testing.assert_array_equal(second, twin(X))
    # Crops have few places to choose from: ask for several.
    assert any(not np.array_equal(layer(X), other(X)) for _ in range(4))


@every_random_layer
def test_a_batch_of_one_is_an_image(name, options):
    batch, single = (make(name, options, seed=3) for _ in range(2))
    np.testing.assert_array_equal(batch(X[:1], training=False)[0], single(X[0], training=False))
    if name != "CutMix":  # one image alone has no partner, a batch of one itself
        np.testing.assert_array_equal(batch(X[:1])[0], single(X[0]))


@every_random_layer
def test_channels_first_is_the_same_turned(name, options):
    if name == "RandomColorJitter":
        with pytest.raises(ValueError, match="channels last, as its parts do in Keras"):
            make(name, options, data_format="channels_first")
        return
    if name == "RandomErasing":  # its noise is drawn in the layout of the images
        options = {"fill_value": 3.0}
    last = make(name, options, seed=3)
    first = make(name, options, seed=3, data_format="channels_first")
    found = first(X.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, last(X), rtol=0, atol=1e-4)  # pixels up to 255: rounding


def test_the_layout_is_the_configured_one():
    config.set_image_data_format("channels_first")
    assert layers.RandomFlip().data_format == "channels_first"
    assert layers.Resizing(2, 3).compute_output_shape((None, 3, 8, 8)) == (None, 3, 2, 3)


def test_in_models():
    stack = Sequential([Input((6, 8, 3)), layers.RandomBrightness(0.5, seed=3)])
    inputs = Input((6, 8, 3))
    for model in (stack, Model(inputs, stack(inputs))):
        np.testing.assert_array_equal(model.predict(X, verbose=0), X)
        np.testing.assert_array_equal(model(X, training=False), X)
        assert not np.array_equal(model(X), X)
        assert not np.array_equal(model(X, training=True), X)


def test_gradients_stop_where_nothing_is_trained():
    """Layers without a gradient are no hindrance in front of all that is trained."""
    model = Sequential(
        [
            Input((6, 8, 3)),
            layers.RandomHue(0.2),
            layers.RandomPosterization(4),
            layers.AutoContrast(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    model.fit(X / 255, np.zeros(4), verbose=0)
    late = Sequential([Input((6, 8, 3)), layers.Dense(3), layers.RandomHue(0.2), layers.Flatten()])
    late.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=r"RandomHue has no gradient .* Put it"):
        late.fit(X / 255, np.zeros((4, 144)), verbose=0)


# --- rows without a gradient


@pytest.mark.parametrize("case", FORWARD_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("training", [False, True])
def test_forward_contract(case, training):
    layer, x = case.layer(), case.x()
    twin = copy.deepcopy(layer)
    x.flags.writeable = False
    before, keys = x.copy(), set(vars(layer))
    ctx = Context(training)
    y = layer.forward(x, ctx).copy()
    np.testing.assert_array_equal(x, before)
    assert set(vars(layer)) == keys
    assert y.dtype == np.float32
    if training:
        assert layer.compute_output_shape(x.shape) == y.shape
    np.testing.assert_array_equal(twin(x, training=training), y)
    for n in (2, 3):
        expected = twin(x[:n], training=training)
        np.testing.assert_array_equal(layer.forward(x[:n], ctx), expected)
    assert layer.forward(x[:0], ctx).shape[0] == 0
    wide = case.layer("float64")
    assert wide.forward(x.astype("float64"), Context(training, "float64")).dtype == np.float64
    first = layer(x, training=training)
    assert not np.may_share_memory(first, x)


# --- by hand


def ramp(n: int) -> Any:
    return np.arange(float(n), dtype="f").reshape(1, 1, n, 1)


@pytest.mark.parametrize(
    ("fill_mode", "expected"),
    [
        ("constant", [9, 9, 0, 1]),
        ("nearest", [0, 0, 0, 1]),
        ("reflect", [1, 0, 0, 1]),
        ("wrap", [2, 3, 0, 1]),
    ],
)
def test_fill_modes(fill_mode, expected):
    layer = layers.RandomTranslation(0.0, (0.5, 0.5), fill_mode, fill_value=9.0)
    assert layer(ramp(4)).ravel().tolist() == expected


def test_half_pixels():
    shift = np.array([[1, 0, 0.5, 0, 1, 0, 0, 0]])
    assert warping.warp(ramp(4), shift)[0, 0, :, 0].tolist() == [0.5, 1.5, 2.5, 1.5]
    nearest = warping.warp(ramp(4), shift, "nearest")
    assert nearest[0, 0, :, 0].tolist() == [1, 2, 3, 0]  # halves are rounded away from 0
    back = warping.warp(ramp(4), -shift + [[2, 0, 0, 0, 2, 0, 0, 0]], "nearest")
    assert back[0, 0, :, 0].tolist() == [0, 1, 2, 3]


def test_transforms_can_be_undone():
    transforms = np.array([[0.9, 0.2, 1, -0.1, 1.1, -2, 0.01, 0.02]], np.float32)
    again = warping.invert(warping.invert(transforms))
    np.testing.assert_allclose(again, transforms, rtol=1e-4, atol=1e-5)
    horizon = np.array([[1, 0, 0, 0, 1, 0, -0.5, 0]], np.float32)  # x = 2 is infinitely far away
    assert warping.warp(ramp(4), horizon, fill_mode="nearest", fill_value=7.0)[0, 0, 2, 0] == 7


def test_homographies_move_corners():
    start = np.array([[[0, 0], [7, 0], [0, 5], [7, 5]]], np.float32)
    end = start + np.array([[[1, 2], [-1, 0], [0, 1], [2, 1]]], np.float32)
    a0, a1, a2, b0, b1, b2, c0, c1 = warping.homographies(start, end)[0]
    for (x, y), (u, v) in zip(end[0], start[0], strict=True):
        k = c0 * x + c1 * y + 1
        found = ((a0 * x + a1 * y + a2) / k, (b0 * x + b1 * y + b2) / k)
        np.testing.assert_allclose(found, (u, v), atol=1e-4)


def test_resizing_there_and_back():
    """<resize(x), dy> = <x, resize_backward(dy)>, for all ways to resize."""
    x = RNG.normal(size=(2, 5, 7, 3))
    for interpolation in resizing.INTERPOLATIONS:
        for size in ((3, 4), (9, 8), (5, 7)):
            dy = RNG.normal(size=(2, *size, 3))
            for antialias in (False, True):
                y = resizing.resize(x, size, interpolation, antialias)
                dx = resizing.resize_backward(dy, (5, 7), interpolation, antialias)
                assert np.vdot(y, dy) == pytest.approx(np.vdot(x, dx), rel=1e-9)


def test_resizing_large_images_in_parts():
    x = RNG.random((3, 300, 200, 3)).astype("f")
    assert x[0].size > resizing.CACHED
    whole = resizing.resize(x, (100, 150))
    for i in range(3):
        np.testing.assert_array_equal(resizing.resize(x[i], (100, 150)), whole[i])


def test_resizing_bytes():
    layer = layers.Resizing(1, 3, "bicubic")
    y = layer(np.array([0, 255, 255, 0, 0, 255], np.uint8).reshape(1, 1, 6, 1))
    assert y.dtype == np.uint8
    sharp = layers.Resizing(1, 12, "lanczos3")(np.uint8([[[[0]], [[255]]]]).reshape(1, 1, 2, 1))
    assert sharp.min() == 0  # not -10, which would be 246
    assert sharp.max() == 255


def test_aspect_ratios():
    x = np.ones((1, 4, 8, 1), "f")
    padded = layers.Resizing(8, 8, pad_to_aspect_ratio=True, fill_value=5.0)(x)
    assert padded[0, :, 0, 0].tolist() == [5, 5, 1, 1, 1, 1, 5, 5]
    x[:, :, :2] = x[:, :, 6:] = 9
    cropped = layers.Resizing(2, 2, crop_to_aspect_ratio=True)(x)
    np.testing.assert_array_equal(cropped, np.ones((1, 2, 2, 1)))
    with pytest.raises(ValueError, match=r"or pad_to_aspect_ratio\. Received"):
        layers.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)


def test_colors_there_and_back():
    x = RNG.random((2, 5, 7, 3))
    x[0, 0, 0] = 0.5  # gray
    x[0, 0, 1] = 0  # black
    hue, saturation, value = colors.rgb_to_hsv(x)
    assert ((hue >= 0) & (hue <= 1) & (saturation >= 0) & (saturation <= 1)).all()
    np.testing.assert_allclose(colors.hsv_to_rgb(hue, saturation, value), x, atol=1e-12)
    same = colors.rescaled(x, (0, 1), (0, 1))
    assert same is x
    np.testing.assert_allclose(colors.rescaled(x, (0, 1), (-1, 1)), 2 * x - 1)


def test_correlations():
    x = RNG.normal(size=(2, 4, 5, 3))
    kernel = RNG.normal(size=(3, 5))
    padded = np.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0)))
    expected = sum(
        kernel[i, j] * padded[:, i : i + 4, j : j + 5] for i in range(3) for j in range(5)
    )
    np.testing.assert_allclose(filters.correlate(x, kernel), expected)
    dtype = np.dtype("float64")
    column, row = filters.gaussian_kernels((3, 3), (0.5, 0.8), dtype)
    (other,) = filters.gaussian_kernels((3, 5), (0.5, 0.8), dtype)
    assert (column.shape, row.shape, other.shape) == ((3, 1), (1, 3), (3, 5))
    for part in (column, row, other):
        assert part.sum() == pytest.approx(1)


def test_bytes_begin_again_after_255():
    """As in Keras: documented, and a reason to scale first."""
    layer = layers.RandomBrightness((0.5, 0.5))
    found = layer(np.full((1, 1, 1, 1), 200, np.uint8))
    assert (found.dtype, found.item()) == (np.uint8, (200 + 127) % 256)


# --- dicts


def test_what_belongs_together_moves_together():
    masks = np.arange(48).reshape(1, 6, 8, 1).repeat(4, axis=0)
    data = {"images": masks.repeat(3, axis=-1), "segmentation_masks": masks, "labels": np.eye(4)}
    found = layers.RandomFlip(seed=3)(data)
    np.testing.assert_array_equal(found["images"][..., :1], found["segmentation_masks"])
    np.testing.assert_array_equal(found["labels"], np.eye(4))
    np.testing.assert_array_equal(data["segmentation_masks"], masks)  # the caller's are untouched
    turned = layers.RandomRotation(0.5, interpolation="nearest", seed=3)(data)
    np.testing.assert_array_equal(turned["images"][..., :1], turned["segmentation_masks"])
    assert turned["segmentation_masks"].dtype == masks.dtype
    idle = layers.RandomFlip(seed=3)(data, training=False)
    np.testing.assert_array_equal(idle["images"], data["images"])
    single = layers.RandomFlip("horizontal", seed=2)({"images": X[0], "labels": np.array(3)})
    assert single["images"].shape == X[0].shape
    assert single["labels"] == 3


def test_mixed_labels():
    data = {"images": X, "labels": np.eye(4, dtype=int)}
    for layer in (layers.MixUp(1.0, seed=3), layers.CutMix(seed=3)):
        labels = layer(data, training=True)["labels"]
        assert labels.dtype == np.float32
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(layer(data, training=False)["labels"], np.eye(4))


def test_what_dicts_may_not_hold():
    layer = layers.RandomFlip()
    for data in ({"image": X}, {"images": X, "bounding_boxes": {"boxes": [], "labels": []}}):
        with pytest.raises(NotImplementedError, match=r"boxes are not supported\. Received"):
            layer(data)
    with pytest.raises(NotImplementedError, match="a mean of classes is no class"):
        layers.MixUp()({"images": X, "segmentation_masks": X})


# --- pipelines


def test_a_pipeline_is_its_layers():
    def made() -> list[Any]:
        return [layers.RandomFlip(seed=3), layers.RandomContrast(0.5, seed=4)]

    pipeline, (flip, contrast) = layers.Pipeline(made()), made()
    assert [type(layer).__name__ for layer in pipeline.layers] == ["RandomFlip", "RandomContrast"]
    np.testing.assert_array_equal(pipeline(X), contrast(flip(X)))
    np.testing.assert_array_equal(pipeline(X, training=False), X)
    found = pipeline({"images": X, "labels": np.eye(4)})
    np.testing.assert_array_equal(found["images"], contrast(flip(X)))
    again = layers.Pipeline.from_config(pipeline.get_config())
    assert again.get_config() == pipeline.get_config()
    with pytest.raises(ValueError, match=r"a list of layers\. Received: 'RandomFlip'"):
        layers.Pipeline("RandomFlip")


# --- errors


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Resizing", {"height": 0, "width": 3}, r"positive whole number for `height`.*height=0"),
        ("Resizing", {"height": 3, "width": 2.5}, r"for `width`.*width=2.5"),
        ("Resizing", {"height": 1, "width": 1, "interpolation": "cubic"}, r"one of .*'cubic'"),
        ("Resizing", {"height": 1, "width": 1, "fill_mode": "wrap"}, r"fill_mode.*'wrap'"),
        ("CenterCrop", {"height": True, "width": 3}, r"height=True"),
        ("RandomFlip", {"mode": "sideways"}, r"`mode` to be one of .*'sideways'"),
        ("RandomRotation", {"factor": 1.5}, r"`factor` to be a number, or two, in \[-1, 1\].*1.5"),
        ("RandomRotation", {"factor": "much"}, r"Received: factor='much'"),
        ("RandomZoom", {"height_factor": -1}, r"in \(-1, 1\]. Received: height_factor=-1"),
        ("RandomHue", {"factor": 0.1, "value_range": (1,)}, r"two numbers.*\(1,\)"),
        ("RandomErasing", {"fill_value": "red"}, r"a number, three, or None.*'red'"),
        ("RandomGaussianBlur", {"kernel_size": (3, 2)}, r"odd number, or two.*\(3, 2\)"),
        ("RandomGrayscale", {"factor": -0.1}, r"probability of grey.*-0.1"),
        ("Equalization", {"bins": 0}, r"`bins`. Received: bins=0"),
        ("RandomPerspective", {"scale": 2}, r"scale in \[0, 1\]. Received: scale=2"),
        ("MixUp", {"beta": 2}, r"Unrecognized keyword arguments"),
    ],
    ids=str,
)
def test_arguments(name, options, message):
    with pytest.raises(ValueError, match=message):
        make(name, options)


def test_shapes():
    with pytest.raises(ValueError, match=r"an image, of rank 3, or a batch.*\(4, 6\)"):
        layers.RandomFlip()(np.zeros((4, 6)))
    for name, options in (("RandomHue", {"factor": 0.1}), ("RandomGrayscale", {})):
        with pytest.raises(
            ValueError, match=r"channels, channels_last. Received: shape \(1, 5, 5, 2"
        ):
            make(name, options)(np.zeros((1, 5, 5, 2)))
    assert layers.CenterCrop(2, 3).compute_output_shape((None, None, 8, 3)) == (None, 2, 3, 3)
    assert layers.Resizing(2, 3).compute_output_shape((6, 8, 3)) == (2, 3, 3)
