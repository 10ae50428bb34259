"""A preset folder, opened once: everything that loading, pushing and pulling need to know of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._precision import loaded_policy
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE, read_adapter_metadata
from keras_resblocks_plugin.saving import _file_checks, _sizes
from keras_resblocks_plugin.saving._buildable import residual_backbones
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    KERASHUB_WEIGHTS_FILE,
    METADATA_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    check_no_other_weights,
)
from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord
from keras_resblocks_plugin.saving._weights import load_weights


class PresetFolder(FolderFiles):
    """A preset of this package, a preset of a KerasHub task on its backbone, or an adapter.

    Each file is parsed when it is first needed, and once: loading, pushing, pulling and the model
    card share what was read. Its checks build and load nothing.

    Args:
        path: The folder.

    Example:

    ```python
    preset = PresetFolder("presets/resblock_bn_small")
    preset.check(of_task=True)
    preset.json("metadata.json")["parameter_count"]
    ```
    """

    @classmethod
    def of(cls, folder: "PresetFolder | str | Path") -> "PresetFolder":
        """Opens a folder, unless it is open already."""
        return folder if isinstance(folder, cls) else cls(folder)

    # === Contents ===
    @property
    def is_adapter(self) -> bool:
        """`True` for the folder of an adapter alone."""
        return (self.path / ADAPTER_FILE).is_file() and not self.has(CONFIG_FILE)

    @property
    def adapter(self) -> dict[str, Any]:
        """The metadata of the adapter."""
        return read_adapter_metadata(self.path / ADAPTER_FILE, self.header(ADAPTER_FILE))

    @property
    def record(self) -> TrainingRecord:
        """The record of the training; empty if the preset has none."""
        content = self.json(RECORD_FILE) if self.has(RECORD_FILE) else {}
        return TrainingRecord.from_json(content)

    @property
    def saved_policy(self) -> dict | None:
        """The dtype policy to load in where none is asked for; `None` is Keras' default."""
        return loaded_policy(self.json(CONFIG_FILE)["config"].get("dtype"))

    @property
    def is_of_kerashub(self) -> bool:
        """`True` where a backbone of KerasHub's is built on a `ResBlockBackbone`."""
        return bool(residual_backbones(self.json(CONFIG_FILE).get("config")))

    # === Loading ===
    def adapted_to(
        self, image_shape: Sequence[int | None] | None, data_format: str | None
    ) -> "PresetFolder":
        """The preset for images with other channels, if its format can be adapted to them."""
        return self

    def load_weights(self, backbone: keras.Model, head: SavedHead | None) -> None:
        """Loads the weights of a backbone; assigns nothing unless everything fits.

        Args:
            backbone: A backbone of the preset's architecture.
            head: The head that was loaded before, if it must have been saved with them.

        Raises:
            ValueError: If the weights do not fit, or the head was saved with others.
        """
        load_weights(backbone, self.weights(), head)

    def load_head(self, task: keras.Model) -> None:
        """Loads the head of a task, if the preset has one.

        Raises:
            ValueError: If it does not fit.
        """
        if hasattr(task, "load_open_head"):
            task.load_open_head(self)
        elif self.has(TASK_WEIGHTS_FILE):
            task.load_task_weights(str(self.path / TASK_WEIGHTS_FILE))

    # === Checks ===
    def check(self, of_task: bool = False) -> None:
        """Checks a preset of this package.

        Args:
            of_task: bool. Whether to check the task as well. After a backbone alone was saved
                over the preset, the task may be that of another backbone. Defaults to `False`.

        Raises:
            ValueError: If a file is missing, is not what its name says, or is one that no
                index lists, if a config names a class that may not be built or holds what the
                class does not take, or if it asks for other weights than the preset has.
        """
        config = self.json(CONFIG_FILE)
        check_is_ours(self.path / CONFIG_FILE, config)
        _file_checks.check_configs(self)
        _file_checks.check_weights_files(self)
        _file_checks.check_listed_head(self)
        lists_head = self.json(METADATA_FILE).get("task_weights") is not None
        _sizes.check_sizes(self, with_task=of_task or lists_head)
        _file_checks.check_converters(self, config["config"])

    def check_all(self) -> None:
        """Checks everything in a preset, also one of a KerasHub task on a `ResBlockBackbone`.

        Raises:
            ValueError: As `check` does. Also if the head belongs to other weights.
        """
        if self.is_of_kerashub:
            self._check_of_kerashub()
            return
        self.check(of_task=True)
        if self.has(TASK_WEIGHTS_FILE):
            _file_checks.check_head(self)
            self.weights().check_head(self.head())

    def _check_of_kerashub(self) -> None:
        _file_checks.check_configs(self)
        listed = {KERASHUB_WEIGHTS_FILE} | ({TASK_WEIGHTS_FILE} if self.has(TASK_FILE) else set())
        for name in sorted(listed):
            if not (self.path / name).is_file():
                raise ValueError(
                    f"`{self.path / name}` is missing. Save or download the preset again."
                )
            self.hdf5_shapes(name)
        check_no_other_weights(self.path, listed)
        _sizes.check_sizes_within(self, self.hdf5_shapes(KERASHUB_WEIGHTS_FILE))


def check_is_ours(file: Path, config: dict[str, Any]) -> None:
    """Checks that a `config.json` describes a backbone of this package.

    Raises:
        ValueError: If it does not.
    """
    if "" not in dict(residual_backbones(config)):
        raise ValueError(
            f"`{file}` must describe a `ResBlockBackbone`. Load others with their own class, and "
            "convert a ResNet of KerasHub with `krp.convert.from_keras_hub()`. "
            f"Received: registered_name={config.get('registered_name')!r}"
        )
