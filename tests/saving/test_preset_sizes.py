"""Presets that ask for more than their weights hold, and what checking leaves behind."""

import shutil
import time

import keras
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import check_shareable
from tests.helpers import to_numpy
from tests.mutation.worker import anonymous_bytes
from tests.saving.presets import check_preset, edit, tiny_segmenter
from tests.tiny import (
    assert_refused,
    photos,
    predict,
)

HUGE = [
    ("config.json", "config.stackwise_num_filters.1", 2**20, "stack1_block0/conv1/kernel"),
    ("config.json", "config.stackwise_num_blocks.0", 30, "stack0_block29/conv1/kernel"),
    ("config.json", "config.stackwise_num_blocks", [1000] * 2, "stackwise_num_blocks"),
    ("config.json", "config.input_conv_filters.0", 2**20, "stack0_block0/shortcut_conv/kernel"),
    ("config.json", "config.input_conv_kernel_sizes.0", 1023, "stem0_conv/kernel"),
    ("config.json", "config.block_kwargs", {"kernel_size": 1023}, "stack0_block0/conv1/kernel"),
    ("config.json", "config.image_shape.2", 2**16, "stem0_conv/kernel"),
    ("task.json", "config.backbone.config.stackwise_num_filters.1", 2**20, "task.json"),
    ("task.json", "config.class_names", ["x"] * 100_000, "100,000 classes"),
]


@pytest.mark.parametrize(("file", "place", "value", "told"), HUGE)
def test_more_than_the_weights_hold_is_refused_before_it_is_built(folder, file, place, value, told):
    check_preset(folder)
    edit(folder / file, place, value)
    before, start = anonymous_bytes("self"), time.monotonic()
    assert_refused(lambda: check_preset(folder), told, str(folder))
    assert time.monotonic() - start < 5
    assert anonymous_bytes("self") - before < 20e6


def test_lists_of_unequal_length_name_their_file(folder):
    edit(folder / "config.json", "config.stackwise_num_blocks", [1])
    assert_refused(
        lambda: check_preset(folder), "stackwise_num_blocks", f"`{folder / 'config.json'}`"
    )


def test_a_head_for_many_classes(folder):
    edit(folder / "task.json", "config.class_names", None)
    edit(folder / "task.json", "config.num_classes", 10**7)
    assert_refused(lambda: check_preset(folder), "10,000,000 classes", "task.weights.h5")


def test_a_backbone_inside_of_a_kerashub_task(tmp_path):
    segmenter = tiny_segmenter()
    segmenter.save_to_preset(str(tmp_path / "preset"))
    check_shareable(tmp_path / "preset")
    for place, value in (
        ("config.image_encoder.config.stackwise_num_filters.0", 2**20),
        ("config.image_encoder.config.stackwise_num_blocks.0", 10**9),
        ("config.projection_filters", 10**12),
        ("config.projection_filters", 4096),
        ("config.dilation_rates", [1] * 1000),
        ("config.low_level_feature_key", "P7"),
        ("config.extra", 1),
    ):
        folder = shutil.copytree(tmp_path / "preset", tmp_path / f"{place} {str(value)[:9]}")
        edit(folder / "config.json", place, value)
        assert_refused(lambda: check_shareable(folder), str(folder))  # noqa: B023


def test_checking_leaves_no_trace(folder):
    keras.utils.set_random_seed(1)
    expected = keras.random.normal((3,), seed=keras.random.SeedGenerator())
    keras.utils.set_random_seed(1)
    check_preset(folder)
    found = keras.random.normal((3,), seed=keras.random.SeedGenerator())
    assert (to_numpy(found) == to_numpy(expected)).all()
    before = anonymous_bytes("self")
    with keras.StatelessScope():
        pass
    assert anonymous_bytes("self") - before < 1e6
    x = photos()
    classifier = krp.ResBlockImageClassifier.from_preset(folder)
    assert (predict(classifier, x) == predict(classifier, x)).all()
