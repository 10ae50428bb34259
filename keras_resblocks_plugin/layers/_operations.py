"""Operations that each backend computes in its fastest way.

PyTorch's own pad inside, and its batch norm is one kernel; on TensorFlow and JAX compilers do this.
"""

import keras

if keras.backend.backend() == "torch":
    from keras_resblocks_plugin.layers._torch import (
        activate,
        activated_sum,
        average_pixels,
        batch_norm,
        blur,
        convolve,
        group_norm,
        max_pool,
        ordered_kernel,
        standardize,
    )
else:
    from keras_resblocks_plugin.layers._portable import (
        activate,
        activated_sum,
        average_pixels,
        batch_norm,
        blur,
        convolve,
        group_norm,
        max_pool,
        ordered_kernel,
        standardize,
    )

__all__ = [
    "activate",
    "activated_sum",
    "average_pixels",
    "batch_norm",
    "blur",
    "convolve",
    "group_norm",
    "max_pool",
    "ordered_kernel",
    "standardize",
]
