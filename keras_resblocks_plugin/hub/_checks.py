"""Checks of presets that are pushed or pulled: this package's, and tasks on its backbone."""

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE
from keras_resblocks_plugin.saving._loading import load_model
from keras_resblocks_plugin.saving._preset_files import check_no_other_weights
from keras_resblocks_plugin.saving._preset_folder import PresetFolder


def check_shareable(folder: PresetFolder | str | Path) -> None:
    """Checks everything in a preset's folder, without building or loading anything.

    Raises:
        ValueError: If a file is missing, damaged or foreign, or if a config names a class
            that may not be built.
    """
    PresetFolder.of(folder).check_all()


def check_shareable_adapter(folder: PresetFolder | str | Path) -> None:
    """Checks that a folder has an adapter, that it is finite, and that no other weights are there.

    Raises:
        ValueError: If one of these does not hold.
    """
    preset = PresetFolder.of(folder)
    # Raises where the file is not an adapter.
    _ = preset.adapter
    tensors = preset.header(ADAPTER_FILE).tensors
    _refuse_not_finite(name for name, x in tensors.items() if not np.isfinite(x.read()).all())
    check_no_other_weights(preset.path, {ADAPTER_FILE})


def load_shareable(folder: str | Path) -> keras.Model:
    """Loads a preset as the class that was saved, and checks that its weights are finite.

    Raises:
        ValueError: If the preset is invalid, does not load, or has weights that are not finite.
    """
    return one_save(folder, lambda: load_finite(PresetFolder(folder)))


def load_finite(preset: PresetFolder) -> keras.Model:
    """Loads an open preset as `load_shareable` does."""
    check_shareable(preset)
    model = load_model(preset)
    check_finite(model)
    return model


def check_finite(model: keras.Model) -> None:
    """Checks that no weight is infinite or not a number.

    Raises:
        ValueError: If one is.
    """
    _refuse_not_finite(
        weight.path
        for weight in model.weights
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))).all()
    )


def _refuse_not_finite(paths: Iterable[str]) -> None:
    bad = ", ".join(paths)
    if bad:
        raise ValueError(
            f"The weights must be finite. Not finite: {bad}. "
            "Nothing was sent. Train again, with a smaller learning rate for instance."
        )
