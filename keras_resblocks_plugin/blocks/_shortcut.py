"""The shortcut of a residual block: the identity, a projection, or zero-padded channels."""

from typing import Any

from keras_resblocks_plugin.blocks._parts import BlockParts
from keras_resblocks_plugin.layers._geometry import channel_axis, pad_channels
from keras_resblocks_plugin.layers._operations import average_pixels

SHORTCUTS = ("auto", "projection", "pad", "avg_pool", "auto_avg_pool")


class ShortcutBranch(BlockParts):
    """Base of `ResidualBlock`: builds and applies the shortcut that `shortcut_type` names."""

    normalizes_projection: bool = True
    # Whether `"auto"` is the identity of every `strides`-th pixel where only the size changes.
    subsamples_identity: bool = False

    def shortcut(self, x: Any, training: bool | None = None) -> Any:
        """Applies the shortcut: the identity, a projection, or zero-padded channels."""
        if self.projects:
            if self._averages and self.strides > 1:
                x = average_pixels(x, self.strides, self.data_format)
            return self.shortcut_norm(self.shortcut_conv(x), training=training)
        if self.shortcut_type == "pad" or self.strides > 1:
            filters = self.filters * self.expansion
            return pad_channels(x, filters, self.strides, self.data_format)
        return x

    @property
    def _averages(self) -> bool:
        return self.shortcut_type in ("avg_pool", "auto_avg_pool")

    def build_shortcut(self, input_shape: tuple, output_shape: tuple) -> None:
        """Creates and builds the projection, where the shortcut is one."""
        axis = channel_axis(self.data_format)
        subsamples = self.subsamples_identity and self.shortcut_type == "auto"
        keeps_size = self.strides == 1 or subsamples
        matches = keeps_size and input_shape[axis] == output_shape[axis]
        self.projects = self.shortcut_type in ("projection", "avg_pool") or (
            self.shortcut_type in ("auto", "auto_avg_pool") and not matches
        )
        if self.projects:
            self._build_projection(input_shape, output_shape[axis])
        elif input_shape[axis] > output_shape[axis]:
            raise ValueError(
                '`shortcut="pad"` can only add channels, so the input must have at most '
                f"{output_shape[axis]}, the output's. Received: input_shape={tuple(input_shape)}"
            )

    def _build_projection(self, input_shape: tuple, filters: int) -> None:
        strides = 1 if self._averages else self.strides
        new_conv = self.conv if self.normalizes_projection else self.bare_conv
        self.shortcut_conv = new_conv(filters, 1, strides, name="shortcut_conv")
        self.shortcut_norm = self.norm(name="shortcut_norm", enabled=self.normalizes_projection)
        for layer in (self.shortcut_conv, self.shortcut_norm):
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
