"""Saving a backbone to a preset, and loading it from one."""

import functools
import math
import warnings

from keras_resblocks_plugin._utils._kerashub import save_backbone_config
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._precision import check_savable
from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin.layers._freezing import frozen_paths
from keras_resblocks_plugin.lora._layers import base_weights
from keras_resblocks_plugin.lora._model import LoRAModel
from keras_resblocks_plugin.models._backbone_state import StatefulBackbone, thawing
from keras_resblocks_plugin.saving import _weights as weights
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE, INDEX_FILE
from keras_resblocks_plugin.saving._preset_folder import (
    check_files,
    check_saved,
    saved_policy_of,
    update_metadata,
)


class PresetBackbone(LoRAModel, StatefulBackbone):
    """A feature-pyramid backbone whose presets are checked, and hold safetensors."""

    _saved_head = None

    @classmethod
    def from_preset(cls, preset: str, load_weights: bool = True, **kwargs) -> "PresetBackbone":
        """Loads a preset by its name, folder or `hf://` handle, once it is checked.

        Where the Hub cannot be asked, a handle is answered from its cache, with a warning.

        Args:
            preset: A name of `krp.list_presets()`, a folder, or `"hf://user/name"`, with
                `@revision` for a branch, a tag or a commit.
            load_weights: bool. If `False`, the weights stay random, and all of them learn.
                Defaults to `True`.
            **kwargs: Arguments of the class that replace the preset's, `image_shape`
                or `dtype` for instance. `frozen=None` or `trainable=True` thaws a preset
                that was saved frozen.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
            HubError: If it cannot be downloaded from the Hub.
        """
        kwargs = thawing(load_weights, kwargs)
        load_folder = functools.partial(super().from_preset, load_weights=load_weights)

        def load(folder: str) -> PresetBackbone:
            dtype = kwargs.get("dtype")
            dtype = saved_policy_of(folder) if dtype is None else dtype
            return load_folder(folder, **{**kwargs, "dtype": dtype})

        return load_checked(preset, cls.presets, load)

    def load_weights(self, filepath: str, **kwargs):
        """Loads weights, strictly and all or nothing where they are a preset's.

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
            if path.name == INDEX_FILE:
                check_files(path.parent)
            weights.load_weights(self, path, head)

        if weights.is_index(path):
            one_save(path.parent, load)
            self._tell_of_frozen_weights()
        else:
            super().load_weights(filepath, **kwargs)

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

    def save_to_preset(self, preset_dir: str, max_shard_size: float | None = None):
        """Saves the backbone to a preset folder, at one instant.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: The folder, on this machine; `~` is the user's home.
            max_shard_size: Unused: the weights are one safetensors file of any size.
        """
        check_savable(self)
        place = local_path("preset_dir", preset_dir)
        with replacing(place) as folder:
            save_backbone_config(self, folder)
            check_saved(folder, place, CONFIG_FILE)
            # KerasHub would count LoRA too, which saving merges into the kernels.
            count = sum(math.prod(weight.shape) for weight in base_weights(self))
            update_metadata(folder, parameter_count=count)
            weights.save_weights(self, folder)
