"""The shortcut of a residual block: the identity, a projection, or zero-padded channels."""

from typing import Any

from keras_resblocks_plugin.blocks._parts import BlockParts
from keras_resblocks_plugin.layers._geometry import channel_axis, pad_channels
from keras_resblocks_plugin.layers._operations import average_pixels

SHORTCUTS = ("auto", "projection", "pad", "avg_pool")


class ShortcutBranch(BlockParts):
    """Base of `ResidualBlock`: builds and applies the shortcut that `shortcut_type` names."""

    normalizes_projection: bool = True

    def shortcut(self, x: Any, training: bool | None = None) -> Any:
        """Applies the shortcut: the identity, a projection, or zero-padded channels."""
        if self.projects:
            if self.shortcut_type == "avg_pool" and self.strides > 1:
                x = average_pixels(x, self.strides, self.data_format)
            return self.shortcut_norm(self.shortcut_conv(x), training=training)
        if self.shortcut_type == "pad":
            filters = self.filters * self.expansion
            return pad_channels(x, filters, self.strides, self.data_format)
        return x

    def build_shortcut(self, input_shape: tuple, output_shape: tuple) -> None:
        """Creates and builds the projection, where the shortcut is one."""
        axis = channel_axis(self.data_format)
        matches = self.strides == 1 and input_shape[axis] == output_shape[axis]
        self.projects = self.shortcut_type in ("projection", "avg_pool") or (
            self.shortcut_type == "auto" and not matches
        )
        if self.projects:
            self._build_projection(input_shape, output_shape[axis])
        elif input_shape[axis] > output_shape[axis]:
            raise ValueError(
                '`shortcut="pad"` can only add channels, so the input must have at most '
                f"{output_shape[axis]}, the output's. Received: input_shape={tuple(input_shape)}"
            )

    def _build_projection(self, input_shape: tuple, filters: int) -> None:
        strides = 1 if self.shortcut_type == "avg_pool" else self.strides
        self.shortcut_conv = self.conv(filters, 1, strides, name="shortcut_conv")
        self.shortcut_norm = self.norm(name="shortcut_norm", enabled=self.normalizes_projection)
        for layer in (self.shortcut_conv, self.shortcut_norm):
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
