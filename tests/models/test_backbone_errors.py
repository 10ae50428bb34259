"""Errors for invalid arguments of the backbone."""

import keras
import pytest

from keras_resblocks_plugin.blocks import ResidualBlock
from tests.helpers import images
from tests.models.test_backbone import new


class UnregisteredBlock(ResidualBlock):
    pass


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"block_type": "bm"}, "`block_type` must be one of 'basic', .*Received: block_type='bm'"),
        ({"block_type": 3}, "`block_type` must be one of .*Received: block_type=3"),
        ({"block_type": ResidualBlock}, "`block_type` must be .*Received: block_type=<class"),
        ({"block_type": keras.layers.Dense}, "`block_type` must be .*Received: block_type=<class"),
        ({"block_type": "Dense"}, "`block_type` must be .*Received: block_type='Dense'"),
        (
            {"block_type": UnregisteredBlock},
            "`block_type` UnregisteredBlock must be registered.*Rec",
        ),
        ({"stackwise_num_filters": []}, "`stackwise_num_filters` must be a list of integers.*Rec"),
        ({"stackwise_num_filters": 4}, "`stackwise_num_filters` must be a list of integers.*Rec"),
        ({"stackwise_num_filters": [4, 0]}, "`stackwise_num_filters.* must be a positive int.*Rec"),
        ({"stackwise_num_blocks": [1]}, "`stackwise_num_blocks`.* must have the same length.*Rec"),
        ({"stackwise_num_blocks": "12"}, "`stackwise_num_blocks` must be a list of integers.*Rec"),
        ({"stackwise_num_strides": [1, 3]}, "`stackwise_num_strides` must hold powers of two.*Rec"),
        ({"input_conv_filters": [4, 4]}, "`input_conv_filters`.* must have the same length.*Rec"),
        ({"input_conv_kernel_sizes": [4]}, "`input_conv_kernel_sizes.* positive odd integer.*Rec"),
        ({"input_conv_strides": [2.0]}, "`input_conv_strides.* must be a positive integer.*Rec"),
        ({"input_pooling": "avg"}, "`input_pooling` must be one of None, 'max'.*Received: input_p"),
        ({"drop_path_rate": 1}, r"`drop_path_rate` must be a number in \[0, 1\).*Received: drop_p"),
        (
            {"drop_path_rate": 0.1, "block_kwargs": {"drop_path_rate": 0.1}},
            "`drop_path_rate` must be given to the backbone or in `block_kwargs`.*Received: drop_p",
        ),
        (
            {"block_kwargs": {"strides": 2}},
            "`block_kwargs` must leave .*strides.*Received: block_k",
        ),
        ({"block_kwargs": ["strides"]}, "`block_kwargs` must be a dict.*Received: block_kwargs="),
        ({"block_kwargs": {"unknown": 2}}, "unknown"),
        ({"block_kwargs": {"shortcut": "x"}}, "`shortcut` must be one of .*Received: shortcut='x'"),
        ({"freeze_batch_norm": "no"}, "`freeze_batch_norm` must be one of False, True.*Received"),
        ({"image_shape": (8, 8)}, r"`image_shape` must be \(height, width, channels\).*Received"),
        ({"image_shape": (8, 8, None)}, "`image_shape` must be .*channels known.*Received: image"),
        ({"image_shape": (8, "8", 3)}, "`image_shape` must be .*Received: image_shape="),
        ({"image_shape": 8}, "`image_shape` must be .*Received: image_shape=8"),
        ({"data_format": "HWC"}, "`data_format` must be one of 'channels_last', .*Received"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_bad_arguments(kwargs, match):
    with pytest.raises(ValueError, match=f"(?s){match}"):
        new(**kwargs)


def test_channels_first_needs_an_image_shape_with_channels_first():
    with pytest.raises(ValueError, match=r"`image_shape` must be \(channels, height, width\)"):
        new(data_format="channels_first", image_shape=(None, 8, 3))


def test_images_of_the_wrong_rank():
    message = r"`inputs` must be a batch of images of shape \(None, None, 3\).*\(8, 8, 3\)"
    with pytest.raises(ValueError, match=message):
        new()(images(8, 8, 3))
