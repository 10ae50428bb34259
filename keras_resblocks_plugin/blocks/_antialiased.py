"""The template of the blocks that may pool behind their spatial convolution, and not stride it."""

from typing import Any

import keras

from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.blocks._defaults import changed_arguments
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock
from keras_resblocks_plugin.layers._blur import BlurPooling2D
from keras_resblocks_plugin.layers._pooling import TileAveragePooling2D

_POOLINGS = {"average": TileAveragePooling2D, "blur": BlurPooling2D}
ANTIALIASINGS = (None, *_POOLINGS)


class AntialiasedBlock(ResidualBlock):
    """Base of the blocks that may be anti-aliased.

    A subclass gives `conv_strides` to its spatial convolution, and applies `new_pooling()`
    behind the norm and the activation that follow it.

    Args:
        antialias: `"average"`, `"blur"` or `None`. Where the block has strides, the spatial
            convolution keeps every pixel, and the mean of `strides`×`strides` pixels or a
            3×3 binomial blur reduces its activations
            ([Zhang, 2019](https://arxiv.org/abs/1904.11486)). Defaults to `None`.
        *args, **kwargs: Arguments of `ResidualBlock`.
    """

    def __init__(self, *args: Any, antialias: str | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.antialias = check_choice("antialias", antialias, ANTIALIASINGS)

    @property
    def conv_strides(self) -> int:
        """The strides of the spatial convolution, `1` where a pooling follows it."""
        return 1 if self.antialias else self.strides

    def new_pooling(self) -> keras.Layer:
        """Creates the pooling, or the identity where nothing is pooled."""
        if self.antialias is None or self.strides == 1:
            return keras.layers.Identity(dtype=self.dtype_policy, name="pool")
        return _POOLINGS[self.antialias](
            self.strides, data_format=self.data_format, dtype=self.dtype_policy, name="pool"
        )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the schema of `ResidualBlock`, with the argument of this class."""
        schema = super().config_schema(config)
        schema["properties"] |= {"antialias": {"enum": [*ANTIALIASINGS]}}
        return schema

    def get_config(self):
        return {**super().get_config(), **changed_arguments(self, antialias=None)}
