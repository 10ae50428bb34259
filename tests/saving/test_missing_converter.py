"""Loading from the preset of a backbone alone, which has no preprocessing."""

import pytest

import keras_resblocks_plugin as krp
from tests.tiny import tiny_backbone


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (krp.ResBlockImageConverter, {}),
        (krp.ResBlockImageClassifierPreprocessor, {}),
        (krp.ResBlockImageClassifier, {"num_classes": 4}),
    ],
)
def test_a_missing_image_converter_is_a_missing_file(cls, arguments, tmp_path):
    tiny_backbone().save_to_preset(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"`image_converter\.json` doesn't exist in preset"):
        cls.from_preset(str(tmp_path), **arguments)
