"""The choice of training on images in the accelerator's memory."""

import keras

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training.data._input_mode import gigabytes, total_memory

# The share of the accelerator's memory that images may take before `"auto"` leaves them outside.
_SHARE = 0.5
# The keys of a recipe that have no version for the device, with the values that turn them off.
_UNSUPPORTED = {"rand_augment": 0, "trivial_augment": False, "rotation": 0.0, "max_unreadable": 0}


def check_device_input(recipe: Recipe, distribution: DistributionConfig) -> None:
    """Checks that a run can train on images in the accelerator's memory.

    Raises:
        ValueError: If the backend, the devices or the recipe do not permit it.
    """
    if keras.config.backend() != "jax":
        raise ValueError(
            "`input='device'` needs the JAX backend: set KERAS_BACKEND=jax. "
            f"Received: KERAS_BACKEND={keras.config.backend()}"
        )
    if distribution != DistributionConfig() or keras.distribution.distribution() is not None:
        raise ValueError(
            "`input='device'` trains on one device. Use `input='array'` or `input='stream'` with "
            f"several. Received: {distribution}"
        )
    keys = unsupported_keys(recipe)
    if keys:
        received = ", ".join(f"{key}={value!r}" for key, value in keys.items())
        raise ValueError(
            "`input='device'` has no version of these keys of the recipe: "
            f"{', '.join(f'`{key}`' for key in keys)}. Leave them out, or use `input='array'` or "
            f"`input='stream'`. Received: {received}"
        )


def unsupported_keys(recipe: Recipe) -> dict[str, int | float | bool]:
    """Returns the keys of a recipe that have no version for the device, with their values."""
    values = {**vars(recipe.augmentation), "max_unreadable": recipe.max_unreadable}
    return {key: values[key] for key, off in _UNSUPPORTED.items() if values[key] != off}


def check_device_memory(size: int) -> None:
    """Checks that images fit into the accelerator's memory.

    Args:
        size: The bytes of the training images.

    Raises:
        ValueError: If they do not.
    """
    memory = _device_memory()
    if size > memory:
        raise ValueError(
            f"`input='device'` needs {gigabytes(size)} for the training images, and the device has "
            f"{gigabytes(memory)}. Use `input='array'` or `input='stream'`."
        )


def suits_device(recipe: Recipe, size: int) -> bool:
    """Returns whether `"auto"` puts images into the accelerator's memory.

    It does where JAX trains on one accelerator, the recipe has no key without a version for the
    device, and the images take at most half of the memory.

    Args:
        recipe: The recipe.
        size: The bytes of the training images.
    """
    if keras.config.backend() != "jax" or keras.distribution.distribution() is not None:
        return False
    import jax

    if jax.default_backend() == "cpu" or unsupported_keys(recipe):
        return False
    return size <= _SHARE * _device_memory()


def _device_memory() -> int:
    """Returns the bytes of memory that JAX may use on its first device."""
    import jax

    statistics = jax.local_devices()[0].memory_stats() or {}
    # A CPU's device does not tell.
    return statistics.get("bytes_limit") or total_memory()
