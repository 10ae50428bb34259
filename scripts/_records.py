"""The records of presets, checked against their weights."""

from pathlib import Path

from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord
from keras_resblocks_plugin.training._runs import weights_digest


def read_record(folder: Path) -> TrainingRecord:
    """Reads the `training.json` of a preset folder, if it is about the weights in the folder.

    Raises:
        ValueError: If there is no record, or the weights were replaced after they were measured.
    """
    record = TrainingRecord.read(folder)
    # Records of earlier versions have no digest.
    if record.weights not in (None, weights_digest(folder)):
        raise ValueError(
            f"The figures in {folder}/{RECORD_FILE} are those of other weights than the folder "
            "has. Run the training again, or remove the file."
        )
    return record
