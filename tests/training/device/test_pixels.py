"""The device's changes of single images make the pixels of NumPy's and Pillow's."""

import jax
import numpy as np
import pytest
from PIL import Image

from keras_resblocks_plugin.training.data.augmentation import _color_jitter, _geometry
from keras_resblocks_plugin.training.data.augmentation._operations import ENHANCERS
from keras_resblocks_plugin.training.device import _color, _crop
from keras_resblocks_plugin.training.device._geometry import zoom_by
from tests.training.augmentation.pictures import smooth_picture

PICTURE = smooth_picture(48, 48)
FLOATS = PICTURE.astype("float32")


def assert_close(image, expected, share=0.01):
    """Compares levels: roundings may differ, in a share of the pixels, by one."""
    difference = np.abs(np.asarray(image) - np.asarray(expected, "float32"))
    assert difference.max() <= 1, difference.max()
    assert (difference > 0).mean() < share, (difference > 0).mean()


def test_zoom():
    for factor in (0.7, 0.93, 1.0, 1.21, 1.9):
        assert_close(jax.jit(zoom_by)(FLOATS, factor), _geometry.zoom_by(PICTURE, factor))


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_crops(name):
    resample = Image.Resampling[name.upper()]
    resize = jax.jit(_crop.resized_crop)
    for box in ((0, 0, 48, 48), (5, 9, 30, 20), (40, 0, 8, 48), (1, 46, 3, 2)):
        top, left, rows, columns = box
        crop = Image.fromarray(PICTURE[top : top + rows, left : left + columns])
        expected = np.asarray(crop.resize((48, 48), resample))
        assert_close(resize(FLOATS, *box, name == "bicubic"), expected, share=0.05)


@pytest.mark.parametrize(
    ("name", "enhancer"),
    [("brightness", "Brightness"), ("contrast", "Contrast"), ("saturation", "Color")],
)
def test_color(name, enhancer):
    change = jax.jit(_color.CHANGES[name])
    for factor in (0.0, 0.3, 0.9, 1.0, 1.4, 1.9):
        expected = ENHANCERS[enhancer](Image.fromarray(PICTURE)).enhance(factor)
        assert_close(change(FLOATS, factor), expected)


def test_hue():
    pictures = [PICTURE, np.full_like(PICTURE, 90), np.zeros_like(PICTURE)]
    for picture in pictures:
        for share in (-0.5, -0.21, 0.0, 0.13, 0.4):
            expected = _color_jitter.shift_hue(Image.fromarray(picture), share)
            turned = jax.jit(_color.shift_hue)(picture.astype("float32"), share)
            # A hue on the border of two levels moves all channels a little.
            difference = np.abs(np.asarray(turned) - np.asarray(expected, "float32"))
            assert np.mean(difference > 1) < 0.01
            assert difference.max() < 8
