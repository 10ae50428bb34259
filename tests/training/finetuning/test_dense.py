"""Converters of segmentation and detection."""

import keras
import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.finetuning._dense import load_converter
from tests.tiny import tiny_backbone


def test_a_converted_presets_converter_takes_whole_images_with_boxes(tmp_path):
    size = (8, 8)
    tiny_backbone().save_to_preset(tmp_path)
    krp.ResBlockImageConverter(
        image_size=size, crop_fraction=0.875, crop_order="resize_then_crop"
    ).save_to_preset(tmp_path)
    converter = load_converter(str(tmp_path), size, bounding_box_format="xyxy")
    boxes = np.array([[[0, 0, 6, 12]]], "float32")
    outputs = converter(
        {
            "images": np.zeros((1, 12, 6, 3), "uint8"),
            "bounding_boxes": {"boxes": boxes, "labels": np.zeros((1, 1))},
        }
    )
    boxes = keras.ops.convert_to_numpy(outputs["bounding_boxes"]["boxes"])
    # The box of the whole image is the box of the whole result.
    np.testing.assert_allclose(boxes[0, 0], [0, 0, 8, 8], atol=1e-5)
