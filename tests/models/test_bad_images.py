"""Images of the wrong rank or number of channels are refused with a clear error."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp


@pytest.fixture(scope="module")
def classifier():
    backbone = krp.ResBlockBackbone("bn", [4], [1], [2], [4], [3], [2])
    converter = krp.ResBlockImageConverter(
        image_size=(16, 16), scale=[0.01, 0.02, 0.03], offset=[0.0, 0.1, 0.2]
    )
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    return krp.ResBlockImageClassifier(backbone, num_classes=3, preprocessor=preprocessor)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_channels(classifier, channels):
    images = np.zeros((2, 16, 16, channels), "float32")
    converter = classifier.preprocessor.image_converter
    with pytest.raises(ValueError, match=r"`images` must have 3 channels.*Received: shape=\(2, "):
        converter(images)
    with pytest.raises(ValueError, match="`images` must have 3 channels"):
        classifier.predict(images, verbose=0)
    with pytest.raises(ValueError, match=rf"shape.*\(None, None.* 3\).*shape=.*{channels}\)"):
        classifier.backbone(images)


def test_other_channels_in_a_list_of_images(classifier):
    gray = [np.zeros((8, 8, 1), "float32"), np.zeros((9, 9, 1), "float32")]
    for images in (gray, gray[:1] * 2):
        with pytest.raises(ValueError, match=r"`images` must have 3 channels.*shape=\(8, 8, 1\)"):
            classifier.preprocessor.image_converter(images)


def test_channels_in_both_data_formats():
    converter = krp.ResBlockImageConverter(scale=[1.0, 2.0, 3.0], data_format="channels_first")
    converted = keras.ops.convert_to_numpy(converter(np.ones((3, 8, 8), "float32")))
    np.testing.assert_array_equal(converted[:, 0, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="channels_first order"):
        converter(np.ones((8, 8, 3), "float32"))


def test_other_ranks(classifier):
    image = np.zeros((16, 16, 3), "float32")
    with pytest.raises(ValueError, match=r"`inputs` must be a batch.*`image\[None\]`"):
        classifier.backbone(image)
    with pytest.raises(ValueError, match=r"`inputs` must be a batch.*`image\[None\]`"):
        classifier(image)
    with pytest.raises(ValueError, match="`images` must be an image, of rank 3, or a batch"):
        classifier.preprocessor(image[..., 0])
