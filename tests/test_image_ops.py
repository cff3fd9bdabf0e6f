"""ops.image without TensorFlow: what it refuses, and what it leaves alone."""

from __future__ import annotations

import re

import numpy as np
import pytest

from scratchnn.ops import image

X = np.random.default_rng(0).random((2, 5, 6, 3)).astype("float32")

REFUSED = [
    (lambda: image.resize(X, (3,)), "`size` to be (H, W). Received: size=(3,)"),
    (lambda: image.resize(X[0, 0], (3, 3)), "an image, of rank 3"),
    (lambda: image.resize(X, (3, 3), "cubic"), "interpolation"),
    (lambda: image.affine_transform(X, np.ones(6)), "(8,) or (N, 8). Received: shape (6,)"),
    (lambda: image.affine_transform(X, np.ones(8), "cubic"), "interpolation='cubic'"),
    (lambda: image.affine_transform(X, np.ones(8), fill_mode="mirror"), "fill_mode='mirror'"),
    (lambda: image.perspective_transform(X, np.ones((4, 2)), np.ones((3, 2))), "one shape"),
    (lambda: image.map_coordinates(X, np.ones((2, 3)), 1), "`coordinates` of shape (4, ...)"),
    (lambda: image.map_coordinates(X[0, 0, 0], [[3.0]], 0, "mirror"), "no mirror image in Keras"),
    (lambda: image.pad_images(X, 1, 1), "Expected two of the padding before"),
    (lambda: image.pad_images(X, 1, 1, target_height=3, target_width=9), "padding of 0 or more"),
    (lambda: image.crop_images(X, 3, 1, bottom_cropping=3, right_cropping=1), "size of 5"),
    (lambda: image.extract_patches(X, 2, padding="full"), "padding='full'"),
    (lambda: image.extract_patches(X[0, 0], 2), "Expected images of rank 3 or 4"),
    (lambda: image.rgb_to_grayscale(X[..., :2]), "Expected 1 or 3 channels. Received: 2"),
    (lambda: image.rgb_to_hsv(X.astype("uint8")), "a float dtype. Received: 3 channels, uint8"),
    (lambda: image.gaussian_blur(X, (2, 3)), "odd kernel sizes"),
    (lambda: image.sobel_edges(X[0]), "of rank 4. Received: shape (5, 6, 3)"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_other_orders():
    with pytest.raises(NotImplementedError, match=r"order 0 or 1\. Received: order=3"):
        image.map_coordinates([1.0, 2.0], [[0.5]], 3)


def test_nothing_is_written_to():
    x = X.copy()
    x.flags.writeable = False
    for result in (
        image.resize(x, (5, 6)),
        image.affine_transform(x, [1, 0, 0, 0, 1, 0, 0, 0]),
        image.crop_images(x, 0, 0, 0, 0),
        image.rgb_to_grayscale(x[..., :1]),
        image.gaussian_blur(x),
    ):
        assert not np.may_share_memory(result, X)


def test_a_blur_keeps_brightness():
    flat = np.full((1, 9, 9, 1), 3.0, np.float32)
    np.testing.assert_allclose(image.gaussian_blur(flat)[0, 1:-1, 1:-1], 3, rtol=1e-6)
    assert (image.sobel_edges(flat) == 0).all()
