"""The optimizer of fine-tuning."""

import keras

from keras_resblocks_plugin.training._optimizer import decay_only_kernels, warmup_and_cosine_decay


def new_optimizer(learning_rate: float, weight_decay: float, steps: int) -> keras.Optimizer:
    """Creates AdamW with a warm-up over a twentieth of the steps and a cosine decay.

    Args:
        learning_rate: The peak learning rate.
        weight_decay: Decoupled weight decay of kernels.
        steps: The number of optimizer steps.
    """
    schedule = warmup_and_cosine_decay(learning_rate, steps, steps // 20)
    return decay_only_kernels(keras.optimizers.AdamW(schedule, weight_decay=weight_decay))
