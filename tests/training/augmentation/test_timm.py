"""The published augmentations, compared with timm's and torchvision's own on Pillow images."""

import random

import numpy as np
import pytest
from PIL import Image

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data.augmentation import mixing_plan
from keras_resblocks_plugin.training.data.augmentation._color_jitter import color_jitter, shift_hue
from keras_resblocks_plugin.training.data.augmentation._crop import crop_box
from keras_resblocks_plugin.training.data.augmentation._erasing import erase
from keras_resblocks_plugin.training.data.augmentation._operations import (
    MEAN_COLOR,
    Filling,
    apply,
)
from keras_resblocks_plugin.training.data.augmentation._policies import (
    RAND_AUGMENT,
    TRIVIAL_AUGMENT,
    rand_augment,
    trivial_augment,
)
from tests.convert.timm_import import import_timm
from tests.training.augmentation.distributions import assert_same_distribution
from tests.training.augmentation.pictures import smooth_picture

import_timm()
pytestmark = pytest.mark.slow

import torch  # noqa: E402
from timm.data import auto_augment, mixup  # noqa: E402
from torchvision.transforms import autoaugment, functional, transforms  # noqa: E402

PICTURE = Image.fromarray(smooth_picture(48, 64))
COUNT = 1000


@pytest.fixture(autouse=True)
def seeds():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def test_random_resized_crop():
    rng = np.random.default_rng(1)
    scale, ratio = (0.08, 1.0), (3 / 4, 4 / 3)
    for height, width in ((375, 500), (50, 200)):
        image = torch.zeros(3, height, width)
        get_params = transforms.RandomResizedCrop.get_params
        others = np.array([get_params(image, scale, ratio) for _ in range(COUNT)])
        own = np.array([crop_box(height, width, scale, ratio, rng) for _ in range(COUNT)])
        for column in range(4):
            assert_same_distribution(own[:, column], others[:, column])
        assert_same_distribution(own[:, 2] * own[:, 3], others[:, 2] * others[:, 3])


@pytest.mark.parametrize("name", RAND_AUGMENT)
def test_operations_of_rand_augment(name, monkeypatch):
    key = name if name in auto_augment._RAND_INCREASING_TRANSFORMS else f"{name}Increasing"
    function = auto_augment.NAME_TO_OP[key]
    arguments = auto_augment.LEVEL_TO_ARG[key] or (lambda level, _: ())
    bicubic = Image.Resampling.BICUBIC
    strength, is_signed = RAND_AUGMENT[name]
    for sign in (1, -1):
        monkeypatch.setattr(auto_augment, "_randomly_negate", lambda x, sign=sign: sign * x)
        for level in (0.0, 2.0, 6.5, 9.0):
            level_arguments = arguments(level, {})
            expected = function(PICTURE, *level_arguments, fillcolor=MEAN_COLOR, resample=bicubic)
            value = strength(level / 10) * (sign if is_signed else 1)
            image = apply(PICTURE, name, value, Filling(bicubic, MEAN_COLOR))
            np.testing.assert_array_equal(image, expected)


def test_the_operations_of_rand_augment_are_those_of_the_increasing_variant():
    names = [x.removesuffix("Increasing") for x in auto_augment._RAND_INCREASING_TRANSFORMS]
    assert list(RAND_AUGMENT) == names


@pytest.mark.parametrize("name", TRIVIAL_AUGMENT)
def test_operations_of_trivial_augment(name):
    space = autoaugment.TrivialAugmentWide()._augmentation_space(31)
    assert list(space) == list(TRIVIAL_AUGMENT)
    magnitudes, is_signed = space[name]
    strength, own_is_signed = TRIVIAL_AUGMENT[name]
    assert own_is_signed == is_signed
    bilinear = functional.InterpolationMode.BILINEAR
    for sign in (1, -1) if is_signed else (1,):
        for step in range(31):
            # One float32 of torchvision's is 15.999999, of which it would make 15 pixels.
            magnitude = sign * round(float(magnitudes[step] if magnitudes.ndim else 0), 4)
            expected = autoaugment._apply_op(PICTURE, name, magnitude, bilinear, None)
            # torchvision moves pixels the other way.
            value = sign * strength(step / 30) * (-1 if name.startswith("Translate") else 1)
            image = apply(PICTURE, name, value, Filling(Image.Resampling.BILINEAR, (0, 0, 0)))
            difference = np.abs(np.asarray(image, int) - np.asarray(expected, int))
            # Rounding decides whether a source on the very edge is inside.
            share = (difference > 1).mean()
            assert share <= (0.01 if name == "ShearY" else 0), (step, share)


def summary(images):
    """Numbers that tell apart how images were changed."""
    images = np.stack([np.asarray(image, "float32") for image in images])
    edges = np.abs(np.diff(images, axis=1)).mean((1, 2, 3))
    return [images.mean((1, 2, 3)), images.std((1, 2, 3)), edges, images[:, 0, 0, 0]]


def assert_similar(own, others):
    for values, other in zip(summary(own), summary(others), strict=True):
        assert_same_distribution(values, other)


def test_rand_augment():
    transform = auto_augment.rand_augment_transform(
        "rand-m7-mstd0.5-inc1", {"img_mean": MEAN_COLOR}
    )
    rng = np.random.default_rng(1)
    own = [rand_augment(np.asarray(PICTURE), rng, 2, 7.0, 0.5) for _ in range(COUNT)]
    assert_similar(own, [transform(PICTURE) for _ in range(COUNT)])


def test_trivial_augment():
    transform = autoaugment.TrivialAugmentWide(interpolation=functional.InterpolationMode.BILINEAR)
    rng = np.random.default_rng(1)
    own = [trivial_augment(np.asarray(PICTURE), rng) for _ in range(COUNT)]
    assert_similar(own, [transform(PICTURE) for _ in range(COUNT)])


def test_color_jitter():
    for share in (-0.5, -0.123, 0.0, 0.3, 0.5):
        expected = functional.adjust_hue(PICTURE, share)
        np.testing.assert_array_equal(shift_hue(PICTURE, share), expected)
    keys = {"brightness": 0.4, "contrast": 0.3, "saturation": 1.5, "hue": 0.1}
    transform = transforms.ColorJitter(**keys)
    rng = np.random.default_rng(1)
    augmentation = Augmentation(**keys)
    own = [color_jitter(np.asarray(PICTURE), rng, augmentation) for _ in range(COUNT)]
    assert_similar(own, [transform(PICTURE) for _ in range(COUNT)])


def test_random_erasing():
    transform = transforms.RandomErasing(0.4, value=1)
    rng = np.random.default_rng(1)
    augmentation = Augmentation(erasing_probability=0.4)
    black, zeros = np.zeros((48, 64, 3), "uint8"), torch.zeros(1, 48, 64)
    own = [erase(black, rng, augmentation)[..., 0] > 0 for _ in range(COUNT)]
    others = [transform(zeros)[0].numpy() > 0 for _ in range(COUNT)]
    # The erased area, its height and width, and its place.
    for measure in (
        lambda x: x.sum(),
        lambda x: x.any(1).sum(),
        lambda x: x.any(0).sum(),
        lambda x: x.any(1).argmax(),
        lambda x: x.any(0).argmax(),
    ):
        assert_same_distribution(list(map(measure, own)), list(map(measure, others)))


def test_mixup_and_cutmix_of_a_batch():
    size, batch = 224, 4
    keys = {"mixup_alpha": 0.2, "cutmix_alpha": 1.0}
    mixer = mixup.Mixup(**keys, switch_prob=0.5, label_smoothing=0.0, num_classes=batch)
    augmentation = Augmentation(**keys, cutmix_probability=0.5, mixup_mode="batch")
    rng = np.random.default_rng(1)
    own, others = [], []
    for _ in range(COUNT):
        plan = mixing_plan(batch, augmentation, rng)
        assert len(set(plan.shares)) == 1
        own.append((plan.shares[0], (plan.weights == 1).all() * np.ptp(plan.boxes[0, ::2])))
        lam, cuts = mixer._params_per_batch()
        top = bottom = 0
        if cuts:
            (top, bottom, _, _), lam = mixup.cutmix_bbox_and_lam((batch, size, size), lam)
        others.append((lam, (bottom - top) / size))
    own, others = np.array(own), np.array(others)
    # timm rounds boxes to pixels.
    assert_same_distribution(own[:, 0], others[:, 0])
    assert_same_distribution(np.rint(own[:, 1] * 56), np.rint(others[:, 1] * 56))
