"""`training.json`, the curve and the card that a run writes into a preset folder."""

import platform
from pathlib import Path

import keras

from keras_resblocks_plugin.saving._training_record import TrainingRecord
from keras_resblocks_plugin.training import _runs
from keras_resblocks_plugin.training._curve import plot_curve
from keras_resblocks_plugin.training._hardware import hardware


def shared_entries(
    recipe: dict, data: dict, results: dict[str, float], history: list[dict], seed: int
) -> dict:
    """Returns the entries of a `TrainingRecord` by which any run can be repeated."""
    return {
        "recipe": recipe,
        "data": data,
        "results": results,
        "seed": seed,
        "epochs": len(history),
        "seconds": round(sum(epoch["seconds"] for epoch in history)),
        "hardware": hardware(),
        "software": {
            "python": platform.python_version(),
            "keras": keras.version(),
            "backend": f"{keras.backend.backend()} {_backend_version()}",
        },
        "history": history,
    }


def save_record(folder: Path, record: dict, *curve: str) -> None:
    """Writes `training.json`, the curve and the card into a preset folder.

    Args:
        folder: The preset.
        record: The content of `training.json`, see `TrainingRecord`.
        *curve: The metric that the curve shows, and its name, if it is not accuracy.
    """
    from keras_resblocks_plugin.hub._card import model_card

    saved = TrainingRecord.from_json(record)
    saved.weights = _runs.weights_digest(folder)
    saved.save(folder)
    plot_curve(saved.whole_history, folder / "curve.png", *curve)
    model_card(folder).save(folder / "README.md")


def read_record(folder: Path) -> TrainingRecord:
    """Reads the `training.json` of a preset folder, if it is about the weights in the folder.

    Raises:
        ValueError: If there is no record, or the weights were replaced after they were measured.
    """
    record = TrainingRecord.read(folder)
    # Records of earlier versions have no digest.
    if record.weights not in (None, _runs.weights_digest(folder)):
        raise ValueError(
            f"The figures in {folder}/training.json are those of other weights than the folder "
            "has. Run the training again, or remove the file."
        )
    return record


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
