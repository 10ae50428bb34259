"""The position of a run in its endless batches, which is stored with each backup."""

import json
import warnings
from pathlib import Path

import grain

from keras_resblocks_plugin._utils._jsonfile import write_json

_FILE = "position.json"


def store_position(folder: Path, step: int) -> None:
    """Stores the number of finished steps, and the version of grain that ordered the images."""
    write_json(folder / _FILE, {"step": step, "grain": grain.__version__})


def check_position(folder: Path, step: int) -> None:
    """Warns if a run continues with another order of images than it would have had.

    Args:
        folder: The folder of the backup.
        step: The number of finished steps of the backed-up model.
    """
    file = folder / _FILE
    if not step or not file.exists():
        return
    version = json.loads(file.read_text())["grain"]
    if version != grain.__version__:
        warnings.warn(
            f"The run began with grain {version} and continues with {grain.__version__}, which may "
            "order the images otherwise. The result may differ from an uninterrupted run.",
            stacklevel=2,
        )
