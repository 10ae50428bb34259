"""Windows with masks and boxes are those that version 0.1 drew with TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_resblocks_plugin.training.data.augmentation._window import sample_window
from keras_resblocks_plugin.training.detection._augmentation import random_windows
from keras_resblocks_plugin.training.segmentation._augmentation import random_crops
from keras_resblocks_plugin.training.segmentation._classes import Classes
from tests.training.augmentation.distributions import assert_same_distribution

# TensorFlow draws, on every backend.
pytestmark = pytest.mark.slow

HEIGHT, WIDTH, SIDE, COUNT = 20, 28, 24, 300
CLASSES = Classes(["a", "b", "c"], 3)
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(1, 256, (HEIGHT, WIDTH, 3), "uint8")
MASK = RNG.integers(0, 4, (HEIGHT, WIDTH), "uint8")


@pytest.mark.parametrize("scaled", [(20, 28), (16, 24), (12, 40), (32, 44)])
def test_windows_of_a_whole_image_are_resized_images(scaled):
    step = np.divide((HEIGHT, WIDTH), scaled)
    image = tf.image.resize(IMAGE, scaled).numpy()
    mask = tf.image.resize(MASK[..., None], scaled, "nearest").numpy()[..., 0]
    for mirrored, side in ((False, 1), (True, -1)):
        window = (0, 0), step, scaled, mirrored
        # Pillow rounds down.
        own = sample_window(IMAGE, *window)
        np.testing.assert_allclose(own, image[:, ::side] - 0.5, atol=0.51)
        own = sample_window(MASK, *window, resampling=Image.Resampling.NEAREST)
        np.testing.assert_array_equal(own, mask[:, ::side])


def former_crop(size, scales):
    scale = tf.random.uniform([], *scales)
    scaled = tf.cast(tf.round(scale * tf.constant((HEIGHT, WIDTH), "float32")), "int32")
    image = tf.image.resize(IMAGE, scaled)
    mask = tf.gather(tf.constant(CLASSES.lookup), tf.cast(MASK, "int32"))[..., None]
    mask = tf.image.resize(mask, scaled, "nearest")
    height, width = tf.unstack(tf.maximum(scaled, size) - scaled)
    edges = [[0, height], [0, width], [0, 0]]
    mask = tf.pad(mask, edges, constant_values=CLASSES.ignored)
    both = tf.concat([tf.pad(image, edges), tf.cast(mask, "float32")], axis=-1)
    both = tf.image.random_crop(tf.image.random_flip_left_right(both), (*size, 4))
    return both[..., :3].numpy(), both[..., 3].numpy()


def test_random_crops_have_their_former_distribution():
    size, scales = (20, 24), (0.6, 1.4)
    augment = random_crops(CLASSES, (HEIGHT, WIDTH), size, scales)
    tf.random.set_seed(0)
    own, others = (
        [np.stack(part) for part in zip(*crops, strict=True)]
        for crops in (
            [augment(IMAGE, MASK, np.random.default_rng(seed)) for seed in range(COUNT)],
            [former_crop(size, scales) for _ in range(COUNT)],
        )
    )
    black = [images.max(axis=-1) == 0 for images, _ in (own, others)]
    for images, masks in ((own[0], own[1]), (others[0], others[1])):
        assert (masks[images.max(axis=-1) == 0] == CLASSES.ignored).all()
    for share in (np.mean, lambda x, axis: x[:, :, 0].mean(1), lambda x, axis: x[:, -1].mean(1)):
        assert_same_distribution(*(share(x, axis=(1, 2)) for x in black))
    for place in ((0, 0), (3, 7), (12, 12)):
        assert_same_distribution(own[0][:, *place, 0], others[0][:, *place, 0])
        assert_same_distribution(own[1][:, *place], others[1][:, *place])


def former_window(image, boxes, side, scales):
    scale = tf.random.uniform([], *scales)
    room = (1 - scale) * side
    corner = tf.random.uniform([2], tf.minimum(room, 0), tf.maximum(room, 0))
    first = (corner[::-1] + 0.5 * scale - 0.5) / (side - 1)
    window = tf.concat([first, first + scale], axis=0)
    image = tf.image.crop_and_resize(image[None], window[None], [0], [side, side])[0]
    boxes = tf.clip_by_value((boxes - tf.tile(corner, [2])) / scale, 0.0, float(side))
    if tf.random.uniform([]) < 0.5:
        image = image[:, ::-1]
        flipped = side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]
        boxes = tf.stack(flipped, axis=-1)
    return image.numpy(), boxes.numpy()


def test_random_windows_have_their_former_distribution():
    scales = (0.7, 1.3)
    image = RNG.integers(1, 256, (SIDE, SIDE, 3), "uint8")
    # Large and in the middle, so that each counts in every window.
    boxes = np.array([[6, 9, 19, 15], [7, 4, 14, 18]], "float32")
    augment = random_windows(SIDE, scales)
    tf.random.set_seed(0)
    own, others = [], [former_window(image, boxes, SIDE, scales) for _ in range(COUNT)]
    for seed in range(COUNT):
        x, y = augment(image, boxes, np.zeros(2, "float32"), np.random.default_rng(seed))
        assert (y["labels"] == 0).all()
        own.append((x, y["boxes"]))
    own, others = ([np.stack(x) for x in zip(*windows, strict=True)] for windows in (own, others))
    for index in range(8):
        assert_same_distribution(*(x[1].reshape(COUNT, 8)[:, index] for x in (own, others)))
    for place in ((1, 1), (3, 20), (12, 12)):
        assert_same_distribution(own[0][:, *place, 0], others[0][:, *place, 0])
    # The draws of an image do not depend on each other: the size says nothing about the place.
    left, width = own[1][:, 0, 0], own[1][:, 0, 2] - own[1][:, 0, 0]
    centers = left + width / 2 - SIDE / 2
    assert abs(np.corrcoef(centers, width)[0, 1]) < 0.2
