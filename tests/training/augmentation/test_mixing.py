"""MixUp and CutMix of a batch that several processes share."""

import dataclasses

import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data.augmentation import apply_mix, mix, mixing_plan

MIXUP = Augmentation(mixup_alpha=0.4)
CUTMIX = Augmentation(cutmix_probability=1.0)
TIMMS = Augmentation(mixup_alpha=0.2, cutmix_probability=0.5, cutmix_alpha=1.0, mixup_mode="batch")
BATCH = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH, 16, 20, 3), "uint8")
LABELS = np.eye(BATCH, dtype="float32")


@pytest.mark.parametrize("augmentation", [MIXUP, CUTMIX, TIMMS], ids=["mixup", "cutmix", "timm"])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_that_hold_a_share_make_the_batch_of_one(augmentation, processes):
    for seed in range(5):
        whole = mix(IMAGES, LABELS, augmentation, np.random.default_rng(seed))
        parts = []
        for process in range(processes):
            plan = mixing_plan(BATCH, augmentation, np.random.default_rng(seed))
            rows = np.arange(process, BATCH, processes)
            partners = plan.partners[rows]
            part = IMAGES[rows], LABELS[rows], IMAGES[partners], LABELS[partners]
            parts.append((rows, apply_mix(*part, plan, rows)))
        for rows, mixed in parts:
            for values, expected in zip(mixed, whole, strict=True):
                assert values.dtype == np.float32
                np.testing.assert_array_equal(values, expected[rows])


@pytest.mark.parametrize("augmentation", [MIXUP, CUTMIX, TIMMS], ids=["mixup", "cutmix", "timm"])
def test_labels_are_shared_like_pixels(augmentation):
    # Each image has one color of its own, so its pixels tell the shares.
    images = np.broadcast_to(255 * np.eye(BATCH)[:, None, None], (BATCH, 200, 200, BATCH))
    images = images.astype("uint8")
    mixes = 0
    for seed in range(10):
        mixed, labels = mix(images, LABELS, augmentation, np.random.default_rng(seed))
        np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
        np.testing.assert_allclose(mixed.mean((1, 2)) / 255, labels, atol=0.01)
        mixes += (labels.max(1) < 0.99).any()
    # A weight of MixUp is often close to 1.
    assert mixes > 4
    assert images.max() == 255
    assert (images.sum(-1) == 255).all()


def test_a_batch_that_is_not_mixed_needs_no_partners():
    rng = np.random.default_rng(0)
    plans = [mixing_plan(4, Augmentation(cutmix_probability=0.5), rng) for _ in range(200)]
    assert 70 < sum(plan.mixes for plan in plans) < 130
    plan = mixing_plan(BATCH, Augmentation(), rng)
    assert not plan.mixes
    images, labels = apply_mix(IMAGES, LABELS, IMAGES, LABELS, plan, slice(None))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


def test_a_batch_has_one_weight_or_box_in_timms_mode():
    rng = np.random.default_rng(0)
    for _ in range(20):
        plan = mixing_plan(BATCH, TIMMS, rng)
        assert len(np.unique(plan.weights)) == len(np.unique(plan.boxes, axis=0)) == 1
        assert sorted(plan.partners) == list(range(BATCH))
        each = mixing_plan(BATCH, dataclasses.replace(TIMMS, mixup_mode="elem"), rng)
        assert len(np.unique(each.weights)) > 6 or len(np.unique(each.boxes, axis=0)) > 6
