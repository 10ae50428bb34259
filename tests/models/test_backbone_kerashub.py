"""KerasHub's own tests of a vision backbone, for every block type."""

import pytest
from absl.testing import parameterized
from keras import ops
from keras_hub.src.tests import test_case

from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.helpers import images

# Few shapes: on JAX each is compiled, for each operation and precision.
SMALL = dict(
    stackwise_num_filters=[4],
    stackwise_num_blocks=[2],
    stackwise_num_strides=[2],
    input_conv_filters=[4],
    input_conv_kernel_sizes=[3],
    input_conv_strides=[2],
)


@pytest.mark.usefixtures("one_group")
class ResBlockBackboneTest(test_case.TestCase):
    test_session = None  # A method that the base class has; not a test.

    @parameterized.parameters(*BLOCK_TYPES)
    def test_backbone_basics(self, block_type):
        self.run_vision_backbone_test(
            cls=ResBlockBackbone,
            init_kwargs={**SMALL, "block_type": block_type, "image_shape": (None, None, 3)},
            input_data=ops.convert_to_tensor(images(2, 16, 16, 3)),
            expected_output_shape=(2, 4, 4, 4 * BLOCK_TYPES[block_type].expansion),
            expected_pyramid_output_keys=["P2"],
            expected_pyramid_image_sizes=[(4, 4)],
        )

    @parameterized.parameters(*BLOCK_TYPES)
    def test_saved_model(self, block_type):
        self.run_model_saving_test(
            cls=ResBlockBackbone,
            init_kwargs={**SMALL, "block_type": block_type},
            input_data=ops.convert_to_tensor(images(2, 16, 16, 3)),
        )
