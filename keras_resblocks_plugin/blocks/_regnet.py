from typing import Any

import keras

from keras_resblocks_plugin._utils._config_schema import integer
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock
from keras_resblocks_plugin.layers._attention import SqueezeExcitation
from keras_resblocks_plugin.layers._geometry import channel_axis


@keras.saving.register_keras_serializable(PACKAGE)
class RegNetResidualBlock(ResidualBlock):
    """RegNet's block: three convolutions of one width, the second in groups.

    The X block of RegNet ([Radosavovic et al., 2020](https://arxiv.org/abs/2003.13678)), and with
    `attention="se"` its Y block. The attention follows the grouped spatial convolution, and
    squeezes to a quarter of the channels of the block's input. See `ResidualBlock` for its other
    arguments, shapes and an example.

    Args:
        group_width: int. The channels of each group of the spatial convolution. It must divide
            `filters`, or be larger: then there is one group. Defaults to `8`.
    """

    default_output_activation = "relu"
    default_normalization = "batch"

    def __init__(self, *args: Any, group_width: int = 8, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.group_width = check_positive_int("group_width", group_width)
        if self.filters % min(self.filters, group_width):
            raise ValueError(
                "`group_width` must divide `filters`, so that all groups have as many channels. "
                f"Received: group_width={group_width}, filters={self.filters}"
            )

    def build_residual(self, input_shape):
        groups = self.filters // min(self.filters, self.group_width)
        self.conv1 = self.conv(self.filters, 1, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(
            self.filters, self.kernel_size, self.strides, groups=groups, name="conv2"
        )
        self.norm2 = self.norm(name="norm2")
        self.attention = self._attention(input_shape[channel_axis(self.data_format)])
        self.conv3 = self.conv(self.filters, 1, name="conv3")
        self.norm3 = self.norm(name="norm3")
        contract, convolve = (self.conv1, self.norm1), (self.conv2, self.norm2, self.attention)
        return self.build_in_order(input_shape, *contract, *convolve, self.conv3, self.norm3)

    def residual(self, x, training=None):
        x = self.activate(self.norm1(self.conv1(x), training=training))
        x = self.attention(self.activate(self.norm2(self.conv2(x), training=training)))
        return self.norm3(self.conv3(x), training=training)

    def _attention(self, input_channels: int) -> keras.Layer:
        if self.attention_config != "se":
            return self.new_attention()
        return SqueezeExcitation(
            # At least one; `round(0.5)` is 0.
            filters=max(1, round(input_channels / 4)),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="attention",
        )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the schema of `ResidualBlock`, with the argument of this class."""
        schema = super().config_schema(config)
        schema["properties"] |= {"group_width": integer(1, 1 << 20)}
        return schema

    def get_config(self):
        return {**super().get_config(), "group_width": self.group_width}
