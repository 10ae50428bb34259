"""The template of the bottlenecks whose spatial convolution may be wider and in groups."""

from typing import Any

from keras_resblocks_plugin._utils._config_schema import integer
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.blocks._defaults import changed_arguments
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


class GroupedBottleneck(ResidualBlock):
    """Base of the bottlenecks: the spatial convolution runs on `width` channels in `groups`.

    Args:
        groups: int. The groups of the spatial convolution, ResNeXt's cardinality
            ([Xie et al., 2016](https://arxiv.org/abs/1611.05431)). Defaults to `1`.
        base_width: int. The channels of each group, for 64 filters. With one group, `128` is a
            wide ResNet ([Zagoruyko and Komodakis, 2016](https://arxiv.org/abs/1605.07146)).
            Defaults to `64`, where `width` is `filters * groups`.
        *args, **kwargs: Arguments of `ResidualBlock`.
    """

    expansion = 4

    def __init__(self, *args: Any, groups: int = 1, base_width: int = 64, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.groups = check_positive_int("groups", groups)
        self.base_width = check_positive_int("base_width", base_width)
        if not self.width:
            raise ValueError(
                "`filters * base_width` must be at least 64, so that each group has a channel. "
                f"Received: filters={self.filters}, base_width={base_width}"
            )

    @property
    def width(self) -> int:
        """The channels of the spatial convolution."""
        return self.filters * self.base_width // 64 * self.groups

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the schema of `ResidualBlock`, with the arguments of this class."""
        schema = super().config_schema(config)
        schema["properties"] |= {
            "groups": integer(1, 1 << 20),
            "base_width": integer(1, 1 << 20),
        }
        return schema

    def get_config(self):
        return {**super().get_config(), **changed_arguments(self, groups=1, base_width=64)}
