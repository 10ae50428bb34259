"""Presets of a classifier: a backbone, its head and its preprocessing."""

from pathlib import Path

import keras

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import check_saves_inside
from keras_resblocks_plugin.saving._file_checks import check_head
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._loading import load_task
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._preset_files import (
    PREPROCESSOR_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._saving import saving_preset


class PresetClassifier:
    """Mixin for a KerasHub classifier on a `ResBlockBackbone`: its presets are checked."""

    @classmethod
    def from_preset(cls, preset: str, load_weights: bool = True, **kwargs) -> "PresetClassifier":
        """Loads a preset by its name, folder or `hf://` handle, after checking it.

        If the Hub cannot be reached, the cached copy of a handle is used, with a warning.

        A folder or repository may also be timm's. Its `config.json` is read first, so that a
        network that cannot be built is refused before its weights are downloaded. The first
        kernel is adapted to an `image_shape` of other than three channels as timm adapts it.

        Args:
            preset: string or path. A name of `krp.list_presets()`, a folder, or
                `"hf://user/name"`, with `@revision` for a branch, a tag or a commit.
                `krp.list_presets(published=True)` lists those of timm.
            load_weights: bool. If `False`, the weights stay random, and all of them learn.
                Defaults to `True`.
            **kwargs: `num_classes` puts a new, untrained head on the trained backbone, with
                `class_names` if they are given; `class_names` alone name the trained
                head's classes. Other arguments of the class and of its backbone replace
                the preset's, `freeze_batch_norm` or `image_shape` for instance.

        Returns:
            The classifier, an instance of this class.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
            HubError: If it cannot be downloaded from the Hub.
        """
        return load_checked(
            preset,
            cls.presets,
            lambda opened: cls.from_open_preset(opened, load_weights, **kwargs),
            of_task=True,
            with_weights=load_weights,
        )

    @classmethod
    def from_open_preset(
        cls, preset: PresetFolder, load_weights: bool = True, **kwargs
    ) -> "PresetClassifier":
        """Loads a preset that is open and checked. `from_preset` calls this."""
        preset = preset.adapted_to(kwargs.get("image_shape"), kwargs.get("data_format"))
        if kwargs.get("num_classes") is not None:
            kwargs.setdefault("class_names", None)
        if kwargs.get("class_names") is not None:
            kwargs["class_names"] = tuple(kwargs["class_names"])
        if not load_weights:
            # Frozen random weights would be useless.
            kwargs.setdefault("frozen", None)
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = preset.saved_policy
        if not preset.has(TASK_FILE) and "backbone" not in kwargs:
            # KerasHub would pass on `dtype` and `image_shape` alone.
            kwargs, of_backbone = cls.split_arguments(kwargs)
            kwargs["backbone"] = cls.backbone_cls.from_open_preset(
                preset, load_weights, **of_backbone
            )
        return load_task(preset, cls, load_weights, **kwargs)

    def save_to_preset(
        self, preset_dir: str, max_shard_size: float | None = None, dtype: str | None = None
    ):
        """Saves backbone, head, preprocessing and class names to a folder, atomically.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: string or path. The folder, on this machine; `~` is the user's home.
            max_shard_size: float. Unused: the weights are one safetensors file of any size.
                Defaults to `None`.
            dtype: string. `"bfloat16"` or `"float16"` stores the backbone's kernels in half the
                size; vectors and the head keep their precision. Defaults to `None`, the dtype
                that the weights have.

        Raises:
            ValueError: If `dtype` is invalid, or the preset could not be loaded again.
                Nothing is saved then.
        """
        check_saves_inside(self.preprocessor)
        with saving_preset(preset_dir, dtype) as save:
            super().save_to_preset(str(save.path))
            save.wrote(TASK_FILE, PREPROCESSOR_FILE, TASK_WEIGHTS_FILE)
            save.list_head()

    def load_task_weights(self, filepath: str):
        """Loads the head of a preset.

        Args:
            filepath: The path of `task.weights.h5`.

        Raises:
            ValueError: If the file is damaged, or is the head of another backbone or of
                other classes.
        """
        file = Path(filepath)
        head = one_save(file, lambda: self._load_head(PresetFolder(file.parent), file.name))
        self.backbone.expect_weights_of(head)

    def load_open_head(self, preset: PresetFolder) -> None:
        """Loads the head of a preset that is open and checked, if it has one."""
        if preset.has(TASK_WEIGHTS_FILE):
            self.backbone.expect_weights_of(self._load_head(preset, TASK_WEIGHTS_FILE))

    def _load_head(self, preset: PresetFolder, name: str) -> SavedHead | None:
        check_head(preset, name)
        head, file = preset.head(name), preset.path / name
        try:
            keras.saving.load_weights(self, str(file), objects_to_skip=self._outside_of_head())
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(
                f"`{file}` is not a head for {self.num_classes} classes on this backbone. "
                "Download or save the preset again, or give `num_classes` for a new head. "
                f"Received: {error}"
            ) from error
        return head
