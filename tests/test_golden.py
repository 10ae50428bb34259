"""Golden files: names and numbers that saved models and other backends rely on.

`golden/weight_paths.json` has the paths and shapes of the weights of a small backbone of
each block type: a format, since presets name weights by them. `golden/outputs.npz` has the
features of the same backbones with weights from numpy. A change that is meant (it
orphans the presets that exist) is written to both files by

    python -m tests.test_golden
"""

import json
import pathlib

import numpy as np
import pytest

from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.helpers import fill, images, to_numpy

WEIGHT_PATHS = pathlib.Path(__file__).parent / "golden" / "weight_paths.json"
OUTPUTS = pathlib.Path(__file__).parent / "golden" / "outputs.npz"


def small_backbone(block_type):
    """A first block with a projection, and a second with the identity, in each stack."""
    return fill(
        ResBlockBackbone(
            block_type,
            stackwise_num_filters=[4, 6],
            stackwise_num_blocks=[2, 2],
            stackwise_num_strides=[1, 2],
            input_conv_filters=[3, 5],
            input_conv_kernel_sizes=[5, 3],
            input_conv_strides=[2, 1],
            input_pooling="max",
            block_kwargs={"shortcut": "avg_pool"} if block_type == "bn" else None,
            data_format="channels_last",
        )
    )


def weight_paths(backbone):
    return {weight.path: str(tuple(weight.shape)) for weight in backbone.weights}


def features(backbone):
    return to_numpy(backbone(images(2, 27, 34, 3)))


@pytest.mark.parametrize("block_type", BLOCK_TYPES)
def test_golden(block_type):
    backbone = small_backbone(block_type)
    # As lists of pairs, since the order counts too.
    golden = json.loads(WEIGHT_PATHS.read_text())[block_type]
    assert list(weight_paths(backbone).items()) == list(golden.items())
    # Sums of up to a hundred float32 products in each of ten layers, in each backend's order;
    # the features are of order 1 to 10.
    expected = np.load(OUTPUTS)[block_type]
    assert expected.std() > 0.1
    np.testing.assert_allclose(features(backbone), expected, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    backbones = {block_type: small_backbone(block_type) for block_type in BLOCK_TYPES}
    paths = {block_type: weight_paths(backbone) for block_type, backbone in backbones.items()}
    WEIGHT_PATHS.write_text(json.dumps(paths, indent=1) + "\n")
    np.savez_compressed(OUTPUTS, **{name: features(model) for name, model in backbones.items()})
