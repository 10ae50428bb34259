"""Random resized crops."""

import dataclasses

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data.augmentation import image_augmentation
from keras_resblocks_plugin.training.data.augmentation._crop import crop_box, random_resized_crop
from tests.training.augmentation.pictures import smooth_picture

CROPPED = Augmentation(flip=False, translation=0.0, crop_probability=1.0)


def test_crops_equal_pillows_antialiased_within_two_levels():
    for size in ((375, 500), (800, 600), (40, 50)):
        picture = smooth_picture(*size)
        for seed in range(4):
            crop = random_resized_crop(picture, np.random.default_rng(seed), CROPPED, (64, 64))
            box = crop_box(*size, (0.08, 1.0), (3 / 4, 4 / 3), np.random.default_rng(seed))
            top, left, rows, columns = box
            whole = Image.fromarray(picture).crop((left, top, left + columns, top + rows))
            expected = np.asarray(whole.resize((64, 64), Image.Resampling.BILINEAR))
            difference = np.abs(np.array(crop, int) - expected)
            assert difference.mean() < 1, difference.mean()


def test_boxes_have_the_asked_areas_and_ratios():
    rng = np.random.default_rng(0)
    for height, width in ((375, 500), (500, 375), (64, 64)):
        boxes = np.array([crop_box(height, width, (0.2, 0.5), (0.5, 2), rng) for _ in range(500)])
        top, left, rows, columns = boxes.T
        assert (top >= 0).all()
        assert (top + rows <= height).all()
        assert (left >= 0).all()
        assert (left + columns <= width).all()
        areas = rows * columns / (height * width)
        assert 0.19 < areas.min() < 0.22
        assert 0.48 < areas.max() < 0.51
        ratios = columns / rows
        assert 0.48 < ratios.min() < 0.55
        assert 1.8 < ratios.max() < 2.1


def test_a_crop_that_cannot_fit_is_centered():
    rng = np.random.default_rng(0)
    assert crop_box(100, 1000, (0.9, 1.0), (3 / 4, 4 / 3), rng) == (0, 433, 100, 133)
    assert crop_box(1000, 100, (0.9, 1.0), (3 / 4, 4 / 3), rng) == (433, 0, 133, 100)


def is_cropped(augmentation, progress):
    picture = smooth_picture(90, 120)
    augment, square = image_augmentation(augmentation, 32), Square(32)(picture)
    images = [augment(picture, np.random.default_rng(seed), progress) for seed in range(300)]
    return np.mean([not np.array_equal(image, square) for image in images])


def test_a_share_of_the_images_is_cropped_until_the_last_part_of_the_run():
    assert is_cropped(CROPPED, 0.0) == is_cropped(CROPPED, 1.0) == 1
    some = dataclasses.replace(CROPPED, crop_probability=0.7, crop_until=0.9)
    assert abs(is_cropped(some, 0.5) - 0.7) < 0.07
    assert is_cropped(some, 0.95) == 0
