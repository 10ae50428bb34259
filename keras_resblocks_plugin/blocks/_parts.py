"""The layers that residual blocks are built of: one kind of convolution and norm per block."""

import keras

from keras_resblocks_plugin.blocks._attention import create_attention
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._freezing import Freezable
from keras_resblocks_plugin.layers._geometry import channel_axis
from keras_resblocks_plugin.layers._normalization import (
    FreezableBatchNormalization,
    GroupNormalization,
)


class BlockParts(Freezable, keras.layers.Layer):
    """Base of `ResidualBlock`: creates the layers that the block's arguments ask for."""

    conv_class: type[SymmetricConv2D] = SymmetricConv2D
    norm_momentum: float = 0.9
    norm_epsilon: float = 1e-5
    norm_groups: int = 32
    # Whether convolutions that no norm follows have a bias although the block normalizes.
    biased_without_norm: bool = False

    def conv(
        self, filters: int, kernel_size: int, strides: int = 1, *, name: str, groups: int = 1
    ) -> SymmetricConv2D:
        """Creates a convolution, with a bias where the block has no normalization."""
        return self.conv_class(
            filters,
            kernel_size,
            strides,
            groups=groups,
            use_bias=self.normalization is None,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def bare_conv(
        self, filters: int, kernel_size: int, strides: int = 1, *, name: str
    ) -> SymmetricConv2D:
        """Creates a convolution that no norm follows, with a bias if `biased_without_norm`."""
        conv = self.conv(filters, kernel_size, strides, name=name)
        conv.use_bias = conv.use_bias or self.biased_without_norm
        return conv

    def norm(self, *, name: str, enabled: bool = True) -> keras.Layer:
        """Creates a normalization, or the identity where the block has none."""
        if self.normalization is None or not enabled:
            return keras.layers.Identity(dtype=self.dtype_policy, name=name)
        arguments = {
            "axis": channel_axis(self.data_format),
            "epsilon": self.norm_epsilon,
            "dtype": self.dtype_policy,
            "name": name,
        }
        if self.normalization == "group":
            return GroupNormalization(self.norm_groups, **arguments)
        return FreezableBatchNormalization(momentum=self.norm_momentum, **arguments)

    def new_attention(self) -> keras.Layer:
        """Creates the attention, or the identity where the block has none.

        A block keeps it in its attribute `attention`, under whose name its weights are stored.
        """
        return create_attention(
            self.attention_config, self.data_format, dtype=self.dtype_policy, name="attention"
        )

    def new_drop_path(self) -> keras.Layer | None:
        """Creates a dropout of whole samples, or returns `None` where nothing is dropped."""
        if not self.drop_path_rate:
            return None
        return keras.layers.Dropout(
            self.drop_path_rate,
            # One number per sample, for all its pixels and channels.
            noise_shape=(None, 1, 1, 1),
            dtype=self.dtype_policy,
            name="drop_path",
        )

    def build_in_order(self, shape: tuple, *layers: keras.Layer) -> tuple:
        """Builds each layer on the output of the previous one, and returns the last output shape.

        Zeroes the last scale or convolution where `zero_init_residual` asks for it.
        """
        attention = getattr(self, "attention", None)
        if self.zero_init_residual:
            _start_at_zero([layer for layer in layers if layer is not attention])
        for layer in layers:
            layer.build(shape)
            shape = _output_shape(layer, shape)
        return shape


def _output_shape(layer: keras.Layer, shape: tuple) -> tuple:
    try:
        return layer.compute_output_shape(shape)
    except NotImplementedError:
        # Keras does not demand it of layers. A symbolic call gives the shape.
        return layer(keras.KerasTensor(shape, layer.compute_dtype)).shape


def _start_at_zero(layers: list[keras.Layer]) -> None:
    last = [layer for layer in layers if not isinstance(layer, keras.layers.Identity)][-1]
    scales = {
        SymmetricConv2D: "kernel",
        keras.layers.BatchNormalization: "gamma",
        keras.layers.GroupNormalization: "gamma",
    }
    scale = next((name for cls, name in scales.items() if isinstance(last, cls)), None)
    if scale is None:
        raise ValueError(
            "`zero_init_residual=True` needs a residual branch that ends in a layer of "
            "`self.conv()` or `self.norm()`, which can start at zero. "
            f"Received: {last!r} at its end"
        )
    setattr(last, f"{scale}_initializer", keras.initializers.Zeros())
