"""Operations that each backend computes in its fastest way.

PyTorch's own pad inside, and its batch norm is one kernel; on TensorFlow and JAX compilers do this.
"""

import keras

if keras.backend.backend() == "torch":
    from keras_resblocks_plugin.layers._torch import (
        activated_sum,
        average_pixels,
        batch_norm,
        convolve,
        max_pool,
        ordered_kernel,
    )
else:
    from keras_resblocks_plugin.layers._portable import (
        activated_sum,
        average_pixels,
        batch_norm,
        convolve,
        max_pool,
        ordered_kernel,
    )

__all__ = [
    "activated_sum",
    "average_pixels",
    "batch_norm",
    "convolve",
    "max_pool",
    "ordered_kernel",
]
