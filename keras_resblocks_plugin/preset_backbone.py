"""How a backbone is saved to a preset and loaded from one."""

from pathlib import Path

from keras_resblocks_plugin import weights
from keras_resblocks_plugin._kerashub import FeaturePyramidBackbone, save_backbone_config
from keras_resblocks_plugin._locate import locate_checked
from keras_resblocks_plugin._replace import replacing
from keras_resblocks_plugin.preset_folder import check_files


class PresetBackbone(FeaturePyramidBackbone):
    """A feature-pyramid backbone whose presets are checked, and hold safetensors."""

    @classmethod
    def from_preset(cls, preset: str, load_weights: bool = True, **kwargs):
        """Loads a preset by its name, folder or `hf://` handle, once it is checked.

        Args:
            preset: A name of `krp.list_presets()`, a folder, or `"hf://user/name"`, with
                `@revision` for a branch, a tag or a commit.
            load_weights: bool. If `False`, the weights stay random. Defaults to `True`.
            **kwargs: Arguments of the class that replace the preset's, `image_shape`
                or `dtype` for instance.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
            HubError: If it cannot be downloaded from the Hub.
        """
        preset = locate_checked(preset, cls.presets)
        return super().from_preset(preset, load_weights=load_weights, **kwargs)

    def load_weights(self, filepath: str, **kwargs):
        """Loads weights, strictly and all or nothing where they are a preset's.

        Args:
            filepath: A preset's `model.weights.json`, or what `keras.Model` loads.
            **kwargs: For `keras.Model.load_weights`.
        """
        path = Path(filepath)
        if path.name == weights.INDEX_FILE:
            check_files(path.parent)
            weights.load_weights(self, path)
        else:
            super().load_weights(filepath, **kwargs)

    def save_to_preset(self, preset_dir: str, max_shard_size: float | None = None):
        """Saves the backbone to a preset folder, at one instant.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: The folder.
            max_shard_size: Unused: the weights are one safetensors file of any size.
        """
        with replacing(preset_dir) as folder:
            save_backbone_config(self, folder)
            weights.save_weights(self, folder)
