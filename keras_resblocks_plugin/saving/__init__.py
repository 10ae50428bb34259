"""Reading, checking and writing preset folders."""

from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._saving import saving_preset
from keras_resblocks_plugin.saving._source import Source
from keras_resblocks_plugin.saving._training_record import TrainingRecord

__all__ = ["PresetFolder", "Source", "TrainingRecord", "saving_preset"]
