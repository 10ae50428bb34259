"""Presets of the layers that preprocess images."""

from collections.abc import Callable
from typing import ClassVar

from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._saving import saving_preset


class PreprocessingPresets:
    """Mixin for a preprocessing layer of KerasHub's: its presets are checked."""

    # Loads the layer from an open preset folder.
    load_from_preset: ClassVar[Callable]
    # The file of the layer in a preset.
    preset_file: ClassVar[str]

    @classmethod
    def from_preset(cls, preset: str, **kwargs) -> "PreprocessingPresets":
        """Loads the layer from a preset, after checking it.

        Args:
            preset: string or path. A name, folder or handle, as for
                `krp.ResBlockBackbone.from_preset`.
            **kwargs: Arguments of the class, or of a preprocessor's converter, that replace the
                preset's.

        Returns:
            The layer, an instance of this class.

        Raises:
            FileNotFoundError: If the preset has no image converter.
            ValueError: If the name is unknown, or the preset is invalid.
            HubError: If it cannot be downloaded from the Hub.
        """
        return load_checked(
            preset,
            ResBlockBackbone.presets,
            lambda opened: cls.load_from_preset(opened, cls, **kwargs),
            with_weights=False,
        )

    def save_to_preset(self, preset_dir: str):
        """Saves the layer to a preset folder, atomically. The folder's other files stay.

        Args:
            preset_dir: string or path. The folder, on this machine; `~` is the user's home.

        Raises:
            ValueError: If the preset could not be loaded again. Nothing is saved then.
        """
        with saving_preset(preset_dir) as save:
            super().save_to_preset(str(save.path))
            save.wrote(self.preset_file)
