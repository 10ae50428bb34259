"""Saving a backbone to a preset, and loading it from one."""

import math
import warnings

from keras_resblocks_plugin._utils._kerashub import save_backbone_config
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._precision import check_savable
from keras_resblocks_plugin.layers._freezing import frozen_paths
from keras_resblocks_plugin.lora._layers import base_weights
from keras_resblocks_plugin.lora._model import LoRAModel
from keras_resblocks_plugin.models._backbone_state import StatefulBackbone, thawing
from keras_resblocks_plugin.saving import _weights as weights
from keras_resblocks_plugin.saving._file_checks import check_weights_files
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._loading import load_backbone
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    INDEX_FILE,
    METADATA_FILE,
    WEIGHTS_FILE,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._saving import saving_preset


class PresetBackbone(LoRAModel, StatefulBackbone):
    """A feature-pyramid backbone with checked presets of safetensors files."""

    _saved_head = None

    @classmethod
    def from_preset(cls, preset: str, load_weights: bool = True, **kwargs) -> "PresetBackbone":
        """Loads a preset by its name, folder or `hf://` handle, after checking it.

        If the Hub cannot be reached, the cached copy of a handle is used, with a warning.

        A folder or repository may also be timm's. Its `config.json` is read first, so that a
        network that cannot be built is refused before its weights are downloaded.

        Args:
            preset: string or path. A name of `krp.list_presets()`, a folder, or
                `"hf://user/name"`, with `@revision` for a branch, a tag or a commit.
                `krp.list_presets(published=True)` lists those of timm.
            load_weights: bool. If `False`, the weights stay random, and all of them learn.
                Defaults to `True`.
            **kwargs: Arguments of the class that replace the preset's, `image_shape`
                or `dtype` for instance. `frozen=None` or `trainable=True` unfreezes a preset
                that was saved frozen.

        Returns:
            The backbone, an instance of this class.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
            HubError: If it cannot be downloaded from the Hub.
        """
        return load_checked(
            preset,
            cls.presets,
            lambda opened: cls.from_open_preset(opened, load_weights, **kwargs),
            with_weights=load_weights,
        )

    @classmethod
    def from_open_preset(
        cls, preset: PresetFolder, load_weights: bool = True, **kwargs
    ) -> "PresetBackbone":
        """Loads a preset that is open and checked. `from_preset` calls this."""
        kwargs = thawing(load_weights, kwargs)
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = preset.saved_policy
        return load_backbone(preset, cls, load_weights, **kwargs)

    def load_weights(self, filepath: str, **kwargs):
        """Loads weights. Those of a preset are loaded strictly: all of them, or none.

        Args:
            filepath: A preset's `model.weights.json`, or what `keras.Model` loads.
            **kwargs: For `keras.Model.load_weights`.

        Raises:
            ValueError: If they do not fit, or if the classifier has just loaded the preset's
                head, and that was saved with other weights.
        """
        path = local_path("filepath", filepath).absolute()
        head, self._saved_head = self._saved_head, None

        def load() -> None:
            preset = PresetFolder(path.parent)
            if path.name == INDEX_FILE:
                check_weights_files(preset)
            weights.load_weights(self, preset.weights(path.name), head)

        if weights.is_index(path):
            one_save(path.parent, load)
            self._tell_of_frozen_weights()
        else:
            super().load_weights(filepath, **kwargs)

    def load_open_preset(self, preset: PresetFolder) -> None:
        """Loads the weights of a preset that is open and checked. `from_preset` calls this."""
        head, self._saved_head = self._saved_head, None
        preset.load_weights(self, head)
        self._tell_of_frozen_weights()

    def expect_weights_of(self, head: SavedHead | None) -> None:
        """Makes the next `load_weights` check that the weights are those of a head.

        KerasHub loads a task's head first, and its backbone last.

        Args:
            head: The head that was loaded; `None` if it does not say which weights it is for.
        """
        self._saved_head = head

    def _tell_of_frozen_weights(self) -> None:
        frozen = frozen_paths(self) if self._frozen_by_config else []
        self._frozen_by_config = False
        if frozen:
            warnings.warn(
                f"This preset was saved with {len(frozen)} of its weights frozen: they "
                "do not learn. Thaw them by `backbone.trainable = True`, or load it with "
                "`frozen=None`; then compile.",
                stacklevel=3,
            )

    def save_to_preset(
        self, preset_dir: str, max_shard_size: float | None = None, dtype: str | None = None
    ):
        """Saves the backbone to a preset folder, atomically.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: string or path. The folder, on this machine; `~` is the user's home.
            max_shard_size: float. Unused: the weights are one safetensors file of any size.
                Defaults to `None`.
            dtype: string. `"bfloat16"` or `"float16"` stores kernels in half the size; vectors
                keep their precision. Loading gives the weights the dtype of the model. Defaults
                to `None`, the dtype that the weights have.

        Raises:
            ValueError: If `dtype` is invalid, or the preset could not be loaded again.
                Nothing is saved then.
        """
        check_savable(self)
        with saving_preset(preset_dir, dtype) as save:
            save_backbone_config(self, save.path)
            save.wrote(CONFIG_FILE, METADATA_FILE)
            # KerasHub would count LoRA too, which saving merges into the kernels.
            count = sum(math.prod(weight.shape) for weight in base_weights(self))
            save.update_metadata(parameter_count=count)
            weights.save_weights(self, save.path, save.dtype)
            save.wrote(INDEX_FILE, WEIGHTS_FILE)
