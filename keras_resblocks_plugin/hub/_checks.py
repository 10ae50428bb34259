"""Checks of presets that are pushed or pulled: this package's, and tasks on its backbone."""

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._safetensors import read_header
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE, read_adapter_metadata
from keras_resblocks_plugin.saving._buildable import serialized_objects
from keras_resblocks_plugin.saving._hdf5 import check_hdf5
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE, TASK_FILE, TASK_WEIGHTS_FILE
from keras_resblocks_plugin.saving._preset_folder import (
    BACKBONE_NAME,
    check_configs,
    check_head,
    check_preset,
    check_same_save,
    is_code_or_weights,
)
from keras_resblocks_plugin.saving._sizes import check_sizes_within

# What KerasHub's own backbones save; DeepLabV3 and RetinaNet on a `ResBlockBackbone` are some.
KERASHUB_WEIGHTS_FILE = "model.weights.h5"


def check_shareable(folder: Path) -> None:
    """Checks a preset's folder, all of it, without building or loading anything.

    Raises:
        ValueError: If a file is missing, damaged or foreign, or if a config names a class
            that may not be built.
    """
    config = read_json(folder / CONFIG_FILE)
    inner = [c.get("registered_name") for _, c in serialized_objects(config.get("config"))]
    if BACKBONE_NAME not in inner:
        check_preset(folder, of_task=True)
        if (folder / TASK_WEIGHTS_FILE).exists():
            check_head(folder / TASK_WEIGHTS_FILE)
            check_same_save(folder)
        return
    check_configs(folder)
    listed = {KERASHUB_WEIGHTS_FILE}
    if (folder / TASK_FILE).exists():
        listed.add(TASK_WEIGHTS_FILE)
    for name in sorted(listed):
        if not (folder / name).is_file():
            raise ValueError(f"`{folder / name}` is missing. Save or download the preset again.")
    shapes = {name: check_hdf5(folder / name) for name in listed}
    _refuse_unlisted(folder, listed)
    check_sizes_within(folder, shapes[KERASHUB_WEIGHTS_FILE])


def check_shareable_adapter(folder: Path) -> None:
    """Checks the folder of an adapter: that it is one, finite, and no other weights are there.

    Raises:
        ValueError: If it is not so.
    """
    tensors = read_header(folder / ADAPTER_FILE)
    read_adapter_metadata(folder / ADAPTER_FILE)
    _refuse_not_finite(name for name, x in tensors.items() if not np.isfinite(x.read()).all())
    _refuse_unlisted(folder, {ADAPTER_FILE})


def load_shareable(folder: Path) -> keras.Model:
    """Loads a preset as the class that was saved, and checks that its weights are finite.

    Raises:
        ValueError: If the preset is not sound, does not load, or has weights that are not
            finite.
    """

    def load() -> keras.Model:
        check_shareable(folder)
        file = TASK_FILE if (folder / TASK_FILE).exists() else CONFIG_FILE
        cls = keras.saving.get_registered_object(read_json(folder / file)["registered_name"])
        return cls.from_preset(str(folder))

    model = one_save(folder, load)
    check_finite(model)
    return model


def check_finite(model: keras.Model) -> None:
    """Raises a `ValueError` if any weight is infinite or not a number."""
    _refuse_not_finite(
        weight.path
        for weight in model.weights
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))).all()
    )


def _refuse_not_finite(paths: Iterable[str]) -> None:
    bad = ", ".join(paths)
    if bad:
        raise ValueError(
            f"The weights must be finite, or nobody can use them. Not finite: {bad}. "
            "Nothing was sent. Train again, with a smaller learning rate for instance."
        )


def _refuse_unlisted(folder: Path, listed: set[str]) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if is_code_or_weights(name) and name not in listed:
            raise ValueError(
                f"`{path}` is weights or code that is no part of the preset: remove it."
            )
