"""Images are resized in NumPy as the converter resizes them on the backend."""

import itertools

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.data._array_resizing import array_resizing
from keras_resblocks_plugin.training.data._resizing import Converted
from tests.helpers import to_numpy

ASPECTS = {
    "cropped": {"crop_fraction": 0.875},
    "padded": {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True},
    "stretched": {"crop_to_aspect_ratio": False},
    "then_cropped": {"crop_fraction": 0.875, "crop_order": "resize_then_crop"},
    "stretched_then_cropped": {"crop_to_aspect_ratio": False, "crop_order": "resize_then_crop"},
}
KERNELS = [("bilinear", False), ("bilinear", True), ("bicubic", True)]
# Larger and smaller than the target, of both orientations, and one that keeps its size.
SIZES = [(61, 47), (30, 83), (9, 13), (24, 32)]
# JAX compiles each, so that each kernel meets each size once.
CASES = list(zip(itertools.product(ASPECTS, KERNELS), itertools.cycle(SIZES), strict=False))


@pytest.mark.parametrize(("method", "size"), CASES)
def test_arrays_are_resized_as_the_converter_resizes(method, size):
    aspect, (interpolation, antialias) = method
    options = {"interpolation": interpolation, "antialias": antialias, **ASPECTS[aspect]}
    converter = krp.ResBlockImageConverter(image_size=(24, 32), **options)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    resized = array_resizing(converter)(image)
    assert (resized.dtype, resized.shape) == ("float32", (24, 32, 3))
    np.testing.assert_allclose(resized, to_numpy(converter(image.astype("float32"))), atol=5e-3)


@pytest.mark.parametrize("interpolation", ["nearest", "bicubic"])
def test_what_depends_on_the_backend_is_left_to_it(interpolation):
    converter = krp.ResBlockImageConverter(
        image_size=(24, 24), interpolation=interpolation, antialias=False
    )
    image = np.random.default_rng(0).integers(0, 256, (31, 40, 3), "uint8")
    assert array_resizing(converter) is None
    expected = to_numpy(converter(image.astype("float32")))
    np.testing.assert_array_equal(Converted(converter)(image), expected)


def test_images_without_a_size_to_resize_to_keep_theirs():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), "uint8")
    resized = Converted(krp.ResBlockImageConverter(scale=2.0))(image)
    assert resized.dtype == "float32"
    np.testing.assert_array_equal(resized, image)
