"""Batch normalization whose statistics can be frozen, and group normalization."""

import keras

from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._freezing import Freezable
from keras_resblocks_plugin.layers._operations import batch_norm, group_norm


@keras.saving.register_keras_serializable(PACKAGE)
class FreezableBatchNormalization(Freezable, keras.layers.BatchNormalization):
    """`BatchNormalization` whose statistics can be frozen while its scale and shift learn.

    Calling it with `training=False` would not do: a functional model in training passes its
    own `training=True`.

    Args:
        freeze_statistics: bool. Whether training uses the moving statistics without updating
            them. The attribute may be set at any time before the model is compiled. Defaults
            to `False`.
        **kwargs: Arguments of `keras.layers.BatchNormalization`.

    Input shape:
        The same as `keras.layers.BatchNormalization`.

    Output shape:
        The input's.
    """

    def __init__(self, *, freeze_statistics: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.freeze_statistics = freeze_statistics

    def build(self, input_shape):
        super().build(input_shape)
        self.restore_state()

    def call(self, inputs, training=None, mask=None):
        training = bool(training and self.trainable and not self.freeze_statistics)
        outputs = batch_norm(self, inputs, training, mask)
        if outputs is None:
            outputs = super().call(inputs, training=training, mask=mask)
        return outputs

    def get_config(self):
        return {**super().get_config(), "freeze_statistics": self.freeze_statistics}


@keras.saving.register_keras_serializable(PACKAGE)
class GroupNormalization(keras.layers.GroupNormalization):
    """Keras' `GroupNormalization`, with an error that says which channels do not divide.

    Args:
        groups: int. The number of groups, which must divide the channels. Defaults to `32`.
        **kwargs: Arguments of `keras.layers.GroupNormalization`.

    Input shape:
        The same as `keras.layers.GroupNormalization`.

    Output shape:
        The input's.
    """

    def build(self, input_shape):
        channels = input_shape[self.axis]
        if channels is not None and channels % self.groups:
            raise ValueError(
                f'`normalization="group"` normalizes {self.groups} groups of channels, and needs a '
                "number of channels that they divide. Choose other filters, or set `norm_groups` "
                f"in a subclass of the block. Received: {channels} channels in `{self.path}`"
            )
        super().build(input_shape)

    def call(self, inputs):
        return group_norm(self, inputs)


def freezable_norms(layer: keras.Layer) -> list[FreezableBatchNormalization]:
    """Returns the batch norms in a layer whose statistics can be frozen."""
    return [x for x in flatten_layers(layer) if isinstance(x, FreezableBatchNormalization)]
