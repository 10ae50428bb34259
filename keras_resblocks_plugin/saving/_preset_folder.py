"""A preset folder, opened once: everything that loading, pushing and pulling need to know of it."""

from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._precision import loaded_policy
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE, read_adapter_metadata
from keras_resblocks_plugin.saving import _file_checks, _sizes
from keras_resblocks_plugin.saving._buildable import residual_backbones
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    KERASHUB_WEIGHTS_FILE,
    METADATA_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    check_no_other_weights,
)
from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord


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
        if "" not in dict(residual_backbones(config)):
            raise ValueError(
                f"`{self.path / CONFIG_FILE}` must describe a `ResBlockBackbone`; load others "
                f"with their own class. Received: registered_name={config.get('registered_name')!r}"
            )
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
