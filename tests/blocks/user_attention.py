"""A user's own attention, a layer of which each block creates a copy."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tests")
class ChannelScale(keras.layers.Layer):
    """Multiplies each channel by a number. It has no `compute_output_shape()`."""

    def __init__(self, start=0.5, data_format="channels_last", **kwargs):
        super().__init__(**kwargs)
        self.start = start
        self.data_format = data_format

    def build(self, input_shape):
        self.scale = self.add_weight(
            shape=(input_shape[-1 if self.data_format == "channels_last" else 1],),
            initializer=keras.initializers.Constant(self.start),
            name="scale",
        )

    def call(self, inputs):
        axes = (0, 1, 2) if self.data_format == "channels_last" else (0, 2, 3)
        return inputs * ops.expand_dims(self.scale, axes)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "data_format": self.data_format}
