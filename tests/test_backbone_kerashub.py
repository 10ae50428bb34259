"""KerasHub's own tests of a vision backbone, for every block type."""

from absl.testing import parameterized
from keras import ops
from keras_hub.src.tests import test_case

from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import images
from tests.test_backbone import SMALL


class ResBlockBackboneTest(test_case.TestCase):
    test_session = None  # A method that the base class has; not a test.

    @parameterized.parameters(*BLOCK_TYPES, GatedResidualBlock)
    def test_backbone_basics(self, block_type):
        expansion = BLOCK_TYPES.get(block_type, GatedResidualBlock).expansion
        self.run_vision_backbone_test(
            cls=ResBlockBackbone,
            init_kwargs={**SMALL, "block_type": block_type, "image_shape": (None, None, 3)},
            input_data=ops.convert_to_tensor(images(2, 16, 16, 3)),
            expected_output_shape=(2, 4, 4, 6 * expansion),
            expected_pyramid_output_keys=["P1", "P2"],
            expected_pyramid_image_sizes=[(8, 8), (4, 4)],
        )

    @parameterized.parameters(*BLOCK_TYPES, GatedResidualBlock)
    def test_saved_model(self, block_type):
        self.run_model_saving_test(
            cls=ResBlockBackbone,
            init_kwargs={**SMALL, "block_type": block_type},
            input_data=ops.convert_to_tensor(images(2, 16, 16, 3)),
        )
