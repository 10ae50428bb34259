"""The converter's `crop_fraction`, timm's `crop_pct`."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

import keras_resblocks_plugin as krp
from tests.helpers import needs_channels_first, to_channels_first
from tests.tiny import assert_refused, photos

# The whole image is resized to 31×53: an even and an odd margin.
SIZES = {"image_size": (25, 42), "crop_fraction": 0.79}


def convert(converter, images):
    return keras.ops.convert_to_numpy(converter(images))


def cropped(images):
    """The expected result: resizing and cropping in two steps."""
    whole = krp.ResBlockImageConverter(image_size=(31, 53), antialias=True)
    return convert(whole, images)[:, 3:28, 6:48]


def test_the_middle_of_a_larger_image():
    converter = krp.ResBlockImageConverter(**SIZES, antialias=True)
    assert converter.image_size == (25, 42)
    np.testing.assert_array_equal(convert(converter, photos(side=70)), cropped(photos(side=70)))
    np.testing.assert_array_equal(
        convert(converter, photos(side=70)[0]), cropped(photos(side=70))[0]
    )


def test_in_an_input_pipeline():
    converter = krp.ResBlockImageConverter(**SIZES, antialias=True)
    dataset = tf.data.Dataset.from_tensor_slices(photos(side=70)).batch(2).map(converter)
    assert dataset.element_spec.shape == (None, 25, 42, 3)
    batch = next(iter(dataset)).numpy()
    # In a pipeline TensorFlow resizes on every backend, and rounds differently.
    np.testing.assert_allclose(batch, cropped(photos(side=70)), rtol=2e-5)


def test_images_of_several_sizes():
    converter = krp.ResBlockImageConverter(**SIZES, antialias=True)
    images = [photos(1, side)[0] for side in (70, 80)]
    for image, result in zip(images, converter(images), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(result), cropped(image[None])[0])


@needs_channels_first
def test_channels_first():
    options = {**SIZES, "antialias": True, "data_format": "channels_first"}
    result = convert(krp.ResBlockImageConverter(**options), to_channels_first(photos(side=70)))
    np.testing.assert_allclose(result, to_channels_first(cropped(photos(side=70))), rtol=1e-6)


def test_it_is_saved(tmp_path):
    converter = krp.ResBlockImageConverter(**SIZES)
    copy = krp.ResBlockImageConverter.from_config(converter.get_config())
    assert (copy.image_size, copy.crop_fraction) == ((25, 42), 0.79)
    np.testing.assert_array_equal(convert(copy, photos()), convert(converter, photos()))
    # Without a fraction, as in old presets, the whole image is kept.
    config = converter.get_config()
    del config["crop_fraction"]
    assert krp.ResBlockImageConverter.from_config(config).crop_fraction == 1.0
    assert isinstance(converter, keras_hub.layers.ImageConverter)


def test_the_image_size_can_be_set():
    converter = krp.ResBlockImageConverter(**SIZES)
    converter.image_size = (12, 12)
    assert convert(converter, photos()).shape == (2, 12, 12, 3)
    converter.image_size = None
    np.testing.assert_array_equal(convert(converter, photos()), photos())


@pytest.mark.parametrize("value", [0, 1.01, -0.5, True, "0.875"])
def test_bad_fractions(value):
    assert_refused(
        lambda: krp.ResBlockImageConverter(image_size=(8, 8), crop_fraction=value),
        "`crop_fraction` must be a number in (0, 1]",
        f"Received: crop_fraction={value!r}",
    )


def test_boxes_are_not_cut():
    converter = krp.ResBlockImageConverter(**SIZES)
    assert_refused(
        lambda: converter({"images": photos()}),
        "images alone where `crop_fraction` or `crop_order` crops",
    )
