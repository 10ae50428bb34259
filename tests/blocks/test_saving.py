"""All blocks in one `.keras` file, loaded in a fresh process."""

import keras
import numpy as np

from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.blocks.user_attention import ChannelScale
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import fill, images, to_numpy

LOAD = """
import sys

import keras
import numpy as np

import keras_resblocks_plugin
import tests.blocks.user_attention
import tests.blocks.user_block

path, outputs_path = sys.argv[1:]
saved = np.load(outputs_path)
outputs = keras.models.load_model(path)(saved["images"])
for name, output in outputs.items():
    # The same arithmetic on the same machine.
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(output), saved[name], name)
print(sorted(outputs))
"""


def test_every_block_reloads_in_a_fresh_process(fresh_process, tmp_path):
    block_types = {**BLOCK_TYPES, "gated": GatedResidualBlock}
    created = {name: (block_cls, {}) for name, block_cls in block_types.items()}
    created["se"] = BLOCK_TYPES["bn"], {"attention": "se", "antialias": "average"}
    created["users"] = BLOCK_TYPES["act"], {"attention": ChannelScale(0.25)}
    created["resnext"] = (
        BLOCK_TYPES["bottleneck"],
        {"attention": "eca", "groups": 2, "base_width": 32, "antialias": "blur"},
    )
    # BiT normalizes 32 groups of channels.
    inputs = keras.Input((None, None, 32))
    outputs = {}
    for name, (block_cls, kwargs) in created.items():
        options = {"strides": 2, "shortcut": "avg_pool", "drop_path_rate": 0.2, **kwargs}
        x = block_cls(32, **options, name=f"{name}0")(inputs)
        outputs[name] = block_cls(32, activation="gelu", name=f"{name}1", **kwargs)(x)
    model = fill(keras.Model(inputs, outputs))
    model.save(tmp_path / "blocks.keras")
    x = images(2, 7, 6, 32)
    expected = {name: to_numpy(output) for name, output in model(x).items()}
    np.savez(tmp_path / "outputs.npz", images=x, **expected)

    printed = fresh_process(LOAD, tmp_path / "blocks.keras", tmp_path / "outputs.npz")
    assert printed.strip() == str(sorted(created))
