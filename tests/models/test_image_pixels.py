"""Boxes and masks in pixels of the original images, for every way to resize."""

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import to_numpy
from tests.tiny import assert_refused

SIZES = [(60, 100), (100, 60), (48, 48), (37, 91)]
WAYS = {
    "stretched": {"crop_to_aspect_ratio": False},
    "cropped": {"crop_to_aspect_ratio": True},
    "padded": {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True},
    "middle": {"crop_to_aspect_ratio": False, "crop_fraction": 0.75},
    "cropped middle": {"crop_to_aspect_ratio": True, "crop_fraction": 0.8},
    "whole": {"crop_order": "resize_then_crop"},
    "middle of the whole": {"crop_order": "resize_then_crop", "crop_fraction": 0.8},
    "stretched whole": {"crop_order": "resize_then_crop", "crop_to_aspect_ratio": False},
    "as it is": {"image_size": None},
}
NETWORK = (96, 128)
of_boxes = keras_hub.models.RetinaNetObjectDetectorPreprocessor
of_masks = keras_hub.models.DeepLabV3ImageSegmenterPreprocessor


def encoder():
    return krp.ResBlockBackbone(
        "basic", [4] * 4, [1] * 4, [1, 2, 2, 2], [4], [3], [2], image_shape=(None, None, 3)
    )


def converter(**kwargs):
    return krp.ResBlockImageConverter(**{"image_size": NETWORK, "scale": 1 / 255, **kwargs})


@pytest.fixture(scope="module")
def detector():
    backbone = keras_hub.models.RetinaNetBackbone(encoder(), 3, 4, use_p5=False)
    return keras_hub.models.RetinaNetObjectDetector(
        backbone,
        2,
        bounding_box_format="xyxy",
        preprocessor=of_boxes(converter()),
    )


@pytest.fixture(scope="module")
def segmenter():
    backbone = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder(),
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P4",
        upsampling_size=4,
        dilation_rates=[1],
        projection_filters=4,
    )
    return keras_hub.models.DeepLabV3ImageSegmenter(
        backbone,
        2,
        preprocessor=of_masks(converter()),
    )


def rectangle(size):
    """A black image with a white rectangle, and the rectangle's left, top, right and bottom."""
    height, width = size
    box = (round(width * 0.4), round(height * 0.4), round(width * 0.6), round(height * 0.6))
    image = np.zeros((height, width, 3), "float32")
    image[box[1] : box[3], box[0] : box[2]] = 255
    return image, box


def seen_by_the_network(task, image):
    """The brightness of each pixel of the network's input, from 0 to 1."""
    return to_numpy(task.preprocessor(image[None]))[0, ..., 0]


def white_box(seen):
    rows, columns = np.nonzero(seen.max(1) > 0.5)[0], np.nonzero(seen.max(0) > 0.5)[0]
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize("form", ["xyxy", "yxyx", "xywh", "rel_yxyx"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_boxes(detector, way, form, monkeypatch):
    monkeypatch.setattr(detector, "bounding_box_format", form)
    monkeypatch.setattr(detector, "preprocessor", of_boxes(converter(**way)))
    for size in SIZES:
        image, box = rectangle(size)
        seen = seen_by_the_network(detector, image)
        # The prediction of a perfect detector: the box in the network's input.
        options = dict(height=seen.shape[0], width=seen.shape[1], dtype="float32")
        boxes = keras.utils.bounding_boxes.convert_format(
            np.array([[white_box(seen), [-1] * 4]], "float32"), "xyxy", form, **options
        )
        predictions = {"boxes": boxes, "labels": np.array([[1, -1]]), "num_detections": [1]}
        found = krp.boxes_to_image_pixels(detector, predictions, image[None])
        assert found["labels"].tolist() == [[1, -1]]
        np.testing.assert_array_equal(found["boxes"][0, 1], to_numpy(boxes)[0, 1])
        back = keras.utils.bounding_boxes.convert_format(
            found["boxes"][:, :1], form, "xyxy", height=size[0], width=size[1], dtype="float32"
        )
        # Edges are exact to half a pixel of the network's input, about one of the image.
        np.testing.assert_allclose(to_numpy(back)[0, 0], box, atol=1.1)
        # Sizes are accepted in place of images.
        again = krp.boxes_to_image_pixels(detector, predictions, [size])
        np.testing.assert_array_equal(again["boxes"], found["boxes"])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_masks(segmenter, way, monkeypatch):
    monkeypatch.setattr(segmenter, "preprocessor", of_masks(converter(**way)))
    images = [rectangle(size)[0] for size in SIZES]
    seen = [seen_by_the_network(segmenter, image) for image in images]
    if way.get("image_size", 0) is None:
        images, seen = images[:1], seen[:1]
    # The scores of a perfect segmenter.
    scores = np.stack([np.stack([1 - white, white], -1) for white in seen])
    masks = krp.masks_to_image_size(segmenter, scores, images)
    for image, mask in zip(images, masks, strict=True):
        truth = (image[..., 0] > 0).astype("int32")
        assert mask.shape == truth.shape
        known = mask >= 0
        # Everything except the outline of the rectangle, which is exact to a pixel.
        assert (mask == truth)[known].mean() > 0.97
        union = ((mask == 1) | (truth == 1))[known].sum()
        assert ((mask == 1) & (truth == 1)).sum() / union > 0.85
        middle = "crop_fraction" in way or way.get("crop_to_aspect_ratio", "crop_order" in way)
        assert known.all() != bool(middle and image.shape[:2] != NETWORK) or middle is None


def test_cropped_pixels_have_no_class(segmenter, monkeypatch):
    monkeypatch.setattr(segmenter, "preprocessor", of_masks(converter(image_size=(32, 32))))
    masks = krp.masks_to_image_size(segmenter, np.ones((2, 32, 32, 2)), [(32, 96), (64, 32)])
    # The middle of the width, and of the height.
    assert [np.unique(mask).tolist() for mask in masks] == [[-1, 0], [-1, 0]]
    assert (masks[0] == 0).all(0).nonzero()[0].tolist() == list(range(32, 64))
    assert (masks[1] == 0).all(1).nonzero()[0].tolist() == list(range(16, 48))


def test_predictions_of_stock_tasks(detector, segmenter):
    images = np.random.default_rng(0).integers(0, 256, (2, 60, 100, 3)).astype("float32")
    seen = segmenter.predict(images, verbose=0)
    masks = krp.masks_to_image_size(segmenter, seen, images)
    assert [mask.shape for mask in masks] == [(60, 100)] * 2
    # A pixel of the network's input covers less than one of the image: the nearest one decides.
    nearest = to_numpy(seen).argmax(-1)[:, ::-1][:, ::-1]
    rows = ((np.arange(60) + 0.5) * 96 / 60).astype(int)
    columns = ((np.arange(100) + 0.5) * 128 / 100).astype(int)
    cropped = segmenter.preprocessor.image_converter.crop_to_aspect_ratio
    assert cropped or (masks[0] == nearest[0][rows][:, columns]).mean() > 0.9
    found = krp.boxes_to_image_pixels(detector, detector.predict(images, verbose=0), images)
    for boxes, count in zip(found["boxes"], found["num_detections"], strict=True):
        assert (boxes[:count] >= 0).all()
        assert (boxes[:count] <= [100, 60, 100, 60]).all()


def test_predictions_and_images_that_do_not_match(detector, segmenter):
    scores = np.zeros((2, 96, 128, 3))
    assert_refused(
        lambda: krp.masks_to_image_size(segmenter, scores, [(3, 4)]), "`images`", "2 predictions"
    )
    assert_refused(
        lambda: krp.masks_to_image_size(segmenter, scores[..., 0], [(3, 4)] * 2),
        "`predictions`",
        "(2, 96, 128)",
    )
    bare = keras_hub.models.RetinaNetObjectDetector(detector.backbone, 2)
    assert_refused(lambda: krp.boxes_to_image_pixels(bare, {}, []), "`task`", "preprocessor=None")
