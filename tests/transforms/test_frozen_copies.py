"""Copies of models and blocks keep what is frozen in them."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests import tiny
from tests.helpers import fill, images, to_numpy
from tests.tiny import CLASS_NAMES, tiny_backbone
from tests.transforms.frozen import FAST


def partly_frozen(strategy, frozen_norms) -> krp.ResBlockBackbone:
    backbone = tiny_backbone(image_shape=(8, 8, 3))
    krp.freeze(backbone, strategy, freeze_batch_norm=frozen_norms == "all")
    if frozen_norms == "some":
        backbone.get_layer("stack0_block0").norm1.freeze_statistics = True
    if strategy == "full":
        backbone.get_layer("stack0_block0").norm2.trainable = False
        backbone.get_layer("stack1_block0").conv1.trainable = False
    return backbone


@pytest.mark.parametrize(
    ("strategy", "frozen_norms"), [("full", "some"), ("norm", "all"), ("lora", "some")]
)
def test_clones_of_backbones_and_blocks_compute_and_train_the_same(
    strategy, frozen_norms, tmp_path
):
    backbone = partly_frozen(strategy, frozen_norms)
    clones = [backbone, keras.models.clone_model(backbone)]
    keras.Model(backbone.input, backbone.output).save(tmp_path / "part.keras")
    clones.append(keras.saving.load_model(tmp_path / "part.keras"))
    x, y = images(2, 8, 8, 3), images(*backbone.output_shape[1:])[None].repeat(2, 0)
    for clone in clones:
        clone.set_weights(backbone.get_weights())
    trained = []
    for clone in reversed(clones):
        clone.compile(keras.optimizers.SGD(0.1), "mse", **FAST)
        outputs = to_numpy(clone.predict_on_batch(x))
        clone.train_on_batch(x, y)
        trained.append((outputs, clone.get_weights()))
    start, after = trained[-1]
    for outputs, weights in trained:
        np.testing.assert_array_equal(outputs, start)
        for got, wanted in zip(weights, after, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_block_keeps_its_frozen_norms(tmp_path):
    block = krp.blocks.BatchNormResidualBlock(4, strides=2, name="block")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, block(inputs))
    block.norm2.freeze_statistics = True
    fill(block)
    model.save(tmp_path / "block.keras")
    loaded = keras.saving.load_model(tmp_path / "block.keras").get_layer("block")
    copy = type(block).from_config(block.get_config())
    copy.build((None, 8, 8, 3))
    for other in (loaded, copy):
        assert [other.norm1.freeze_statistics, other.norm2.freeze_statistics] == [False, True]
        assert not other.shortcut_norm.freeze_statistics
    # Early files have one answer for all norms of a block.
    old = type(block).from_config({**block.get_config(), "freeze_batch_norm": []})
    old.build_from_config({"input_shape": (None, 8, 8, 3), "freeze_batch_norm": True})
    assert all(x.freeze_statistics for x in (old.norm1, old.norm2, old.shortcut_norm))


def test_a_copy_of_a_classifier(tmp_path):
    """Copies as the docs do: `clone_model` would leave the preprocessing out."""
    classifier = tiny.tiny_classifier()
    krp.freeze(classifier, "norm")
    copy = type(classifier).from_config(classifier.get_config())
    copy.set_weights(classifier.get_weights())
    raw = tiny.photos()
    np.testing.assert_array_equal(tiny.predict(copy, raw), tiny.predict(classifier, raw))
    assert copy.class_names == CLASS_NAMES
    assert {w.path for w in copy.trainable_weights} == {
        w.path for w in classifier.trainable_weights
    }
