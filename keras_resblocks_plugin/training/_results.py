"""`training.json`, the curve and the card that a run writes into a preset folder."""

import json
import platform
from pathlib import Path

import keras

from keras_resblocks_plugin._utils._jsonfile import write_json
from keras_resblocks_plugin.training import _runs
from keras_resblocks_plugin.training._curve import plot_curve
from keras_resblocks_plugin.training._hardware import hardware


def training_record(
    recipe: dict, data: dict, results: dict[str, float], history: list[dict], seed: int
) -> dict:
    """All that one needs to know, and to repeat the run: the content of `training.json`."""
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
        record: What `training_record` returned.
        *curve: The metric that the curve shows, and its name, if it is not accuracy.
    """
    from keras_resblocks_plugin.hub._card import model_card

    record["weights"] = _runs.weights_digest(folder)
    write_json(folder / "training.json", record)
    plot_curve(whole_history(record), folder / "curve.png", *curve)
    model_card(folder).save(folder / "README.md")


def read_record(folder: Path) -> dict:
    """The `training.json` of a preset folder, if it is about the weights that lie there.

    Raises:
        ValueError: If the weights were replaced after they had been measured.
    """
    record = json.loads((folder / "training.json").read_text())
    # Records of earlier versions do not say it.
    if record.get("weights") not in (None, _runs.weights_digest(folder)):
        raise ValueError(
            f"The figures in {folder}/training.json are those of other weights than the folder "
            "has. Run the training again, or remove the file."
        )
    return record


def whole_history(record: dict) -> list[dict]:
    """The epochs of the run, behind those of the run that its weights come from."""
    earlier = (record.get("start") or {}).get("history", [])
    later = [{**epoch, "epoch": epoch["epoch"] + len(earlier)} for epoch in record["history"]]
    return [*earlier, *later]


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
