"""KerasHub's own tasks on the backbone go to the Hub and come back."""

import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import fill, images, to_numpy
from tests.hub.outcomes import card_of


def tiny_segmenter() -> keras_hub.models.DeepLabV3ImageSegmenter:
    encoder = krp.ResBlockBackbone("bn", [4, 4], [1, 1], [2, 2], [4], [3], [2])
    backbone = keras_hub.models.DeepLabV3Backbone(
        image_encoder=fill(encoder),
        spatial_pyramid_pooling_key="P3",
        low_level_feature_key="P2",
        upsampling_size=2,
        dilation_rates=[1],
        projection_filters=4,
    )
    return keras_hub.models.DeepLabV3ImageSegmenter(backbone=backbone, num_classes=2)


def test_a_task_of_keras_hub_on_the_backbone(hub, preset):
    segmenter = tiny_segmenter()
    pushed = krp.push_to_hub(segmenter, "hf://user/name")
    assert pushed.load_line == 'keras_hub.models.ImageSegmenter.from_preset("hf://user/name")'
    card = card_of(hub)
    assert card.data.pipeline_tag == "image-segmentation"
    assert "| block type | bn |" in card.text
    krp.pull_from_hub("hf://user/name", name="segmenter")
    loaded = keras_hub.models.ImageSegmenter.from_preset("segmenter")
    x = images(1, 16, 16, 3)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(segmenter(x)))
    with pytest.raises(ValueError, match="must describe a `ResBlockBackbone`"):
        krp.ResBlockBackbone.from_preset("segmenter")


def test_a_detector_of_keras_hub_on_the_backbone(hub):
    encoder = fill(krp.ResBlockBackbone("bn", [4] * 3, [1] * 3, [2] * 3, [4], [3], [2]))
    backbone = keras_hub.models.RetinaNetBackbone(encoder, 3, 4, use_p5=False)
    anchors = keras_hub.layers.AnchorGenerator(
        "xyxy", min_level=3, max_level=4, num_scales=1, aspect_ratios=[1.0], anchor_size=2.0
    )
    detector = keras_hub.models.RetinaNetObjectDetector(
        backbone, 2, bounding_box_format="xyxy", anchor_generator=anchors
    )
    pushed = krp.push_to_hub(detector, "hf://user/name")
    assert pushed.load_line == 'keras_hub.models.ObjectDetector.from_preset("hf://user/name")'
    assert card_of(hub).data.pipeline_tag == "object-detection"
    krp.pull_from_hub("hf://user/name", name="detector")
    loaded = keras_hub.models.ObjectDetector.from_preset("detector")
    x = images(1, 32, 32, 3)
    for name, value in detector(x).items():
        np.testing.assert_array_equal(to_numpy(loaded(x)[name]), to_numpy(value))
