"""The converter's `crop_order`: every kind of input, saving and errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_resblocks_plugin as krp
from tests.helpers import needs_channels_first, to_channels_first, to_numpy
from tests.tiny import assert_refused, photos, predict, tiny_classifier

WHOLE = {"crop_order": "resize_then_crop", "crop_fraction": 0.9, "antialias": True}
SIZES = [(70, 45), (33, 90), (52, 52), (20, 17)]


def pictures():
    """Raw images of several sizes, as uint8."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3)).astype("uint8") for size in SIZES]


def new_converter(image_size=(28, 28), **kwargs):
    return krp.ResBlockImageConverter(image_size=image_size, **{**WHOLE, **kwargs})


def expected(image, side=28, covered=31):
    """Pillow's pixels, in the order of torchvision."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    size = covered * width // shorter, covered * height // shorter
    resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    top, left = (round((s - side) / 2) for s in resized.shape[:2])
    return resized[top : top + side, left : left + side]


def test_one_image_and_a_batch():
    converter = new_converter()
    for image in pictures():
        seen = to_numpy(converter(image))
        np.testing.assert_allclose(seen, expected(image), atol=1)
        assert np.abs(seen - expected(image)).mean() < 0.35
        # As numbers of another type, in a batch, and as an integer batch.
        np.testing.assert_allclose(to_numpy(converter(image.astype("float32"))), seen)
        batch = np.stack([image, image[::-1]])
        mirrored = to_numpy(converter(image[::-1].copy()))
        for kind in ("float32", "uint8", "int32"):
            given = to_numpy(converter(batch.astype(kind)))
            np.testing.assert_allclose(given, [seen, mirrored], atol=1e-3)


def test_images_of_several_sizes():
    converter = new_converter()
    for images in (pictures(), tuple(pictures())):
        seen = converter(images)
        for image, given in zip(images, seen, strict=True):
            np.testing.assert_allclose(to_numpy(given), to_numpy(converter(image)))


@pytest.mark.parametrize("size", [(28, 28), (20, 33), (37, 16)], ids=str)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_stream_of_unknown_sizes(size, interpolation):
    converter = new_converter(size, interpolation=interpolation)
    images = pictures()
    signature = tf.TensorSpec((None, None, 3), "uint8")
    dataset = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=signature)
    dataset = dataset.map(converter).batch(4)
    assert dataset.element_spec.shape == (None, *size, 3)
    seen = next(iter(dataset)).numpy()
    for image, given in zip(images, seen, strict=True):
        # TensorFlow resizes in a pipeline, whatever the backend.
        np.testing.assert_allclose(given, to_numpy(converter(image)), atol=0.01)


def test_known_sizes_in_a_pipeline():
    dataset = tf.data.Dataset.from_tensor_slices(photos(side=40)).batch(2).map(new_converter())
    assert dataset.element_spec.shape == (None, 28, 28, 3)
    seen = next(iter(dataset)).numpy()
    np.testing.assert_allclose(seen, to_numpy(new_converter()(photos(side=40))), atol=0.01)


def test_channels_first():
    images = photos(2, 40)[:, 3:]
    seen = new_converter(data_format="channels_first", scale=[0.5, 0.25, 0.125])(
        to_channels_first(images)
    )
    same = new_converter(data_format="channels_last", scale=[0.5, 0.25, 0.125])(images)
    np.testing.assert_allclose(to_numpy(seen), to_channels_first(to_numpy(same)), rtol=1e-4)


@needs_channels_first
def test_a_classifier_of_channels_first_images():
    preprocessor = krp.ResBlockImageClassifierPreprocessor(
        new_converter(data_format="channels_first")
    )
    backbone = krp.ResBlockBackbone(
        "bn", [4], [1], [1], [4], [3], [2], data_format="channels_first", image_shape=(3, 28, 28)
    )
    classifier = krp.ResBlockImageClassifier(backbone, num_classes=2, preprocessor=preprocessor)
    assert predict(classifier, to_channels_first(photos(side=40))).shape == (2, 2)


def test_inside_a_functional_model():
    inputs = keras.Input((40, 60, 3))
    model = keras.Model(inputs, new_converter()(inputs))
    images = photos(2, 60)[:, :40]
    assert model.output_shape == (None, 28, 28, 3)
    np.testing.assert_allclose(predict(model, images), to_numpy(new_converter()(images)), atol=1e-3)


def test_the_image_size_can_be_set():
    converter = new_converter()
    converter.image_size = (12, 20)
    assert to_numpy(converter(pictures()[0])).shape == (12, 20, 3)
    converter.image_size = None
    np.testing.assert_array_equal(to_numpy(converter(pictures()[0])), pictures()[0])


def test_it_is_saved(tmp_path):
    preprocessor = krp.ResBlockImageClassifierPreprocessor(new_converter((16, 16), scale=1 / 255))
    classifier = tiny_classifier(preprocessor=preprocessor)
    images = photos(2, 60)[:, :30]
    classifier.save_to_preset(tmp_path / "preset")
    loaded = krp.ResBlockImageClassifier.from_preset(tmp_path / "preset")
    assert loaded.preprocessor.image_converter.crop_order == "resize_then_crop"
    np.testing.assert_array_equal(predict(loaded, images), predict(classifier, images))
    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predict(loaded, images), predict(classifier, images))
    changed = krp.ResBlockImageConverter.from_preset(
        tmp_path / "preset", crop_order="crop_then_resize"
    )
    assert changed.crop_order == "crop_then_resize"


def test_the_default_leaves_configs_as_they_were():
    default = krp.ResBlockImageConverter(image_size=(16, 16))
    assert default.crop_order == "crop_then_resize"
    assert "crop_order" not in default.get_config()
    assert new_converter().get_config()["crop_order"] == "resize_then_crop"


@pytest.mark.parametrize("value", ["resize_first", None, True])
def test_other_orders_are_refused(value):
    assert_refused(
        lambda: new_converter(crop_order=value),
        "`crop_order` must be one of 'crop_then_resize', 'resize_then_crop'",
        f"Received: crop_order={value!r}",
    )


def test_boxes_are_not_cropped():
    whole = new_converter(crop_fraction=1.0)
    assert_refused(lambda: whole({"images": photos()}), "`inputs` must be images alone")
    # Without the aspect ratio, nothing is cropped.
    stretched = new_converter(crop_fraction=1.0, crop_to_aspect_ratio=False)
    assert to_numpy(stretched({"images": photos()})["images"]).shape == (2, 28, 28, 3)
