"""The files beside a trained preset's weights: its record, its curve and its card."""

import platform
from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin.saving._training_record import TrainingRecord
from keras_resblocks_plugin.training import _runs
from keras_resblocks_plugin.training._curve import plot_curve
from keras_resblocks_plugin.training._hardware import hardware


def new_record(
    *,
    license: str,
    start: dict[str, Any] | None,
    recipe: dict[str, Any],
    data: dict[str, Any],
    results: dict[str, float],
    history: list[dict],
    seed: int,
    null: Collection[str] = (),
) -> TrainingRecord:
    """Creates the record of a run on this machine, see `TrainingRecord` for the arguments."""
    return TrainingRecord(
        license=license,
        start=start,
        recipe=recipe,
        data=data,
        results=results,
        seed=seed,
        epochs=len(history),
        seconds=round(sum(epoch["seconds"] for epoch in history)),
        hardware=hardware(),
        software={
            "python": platform.python_version(),
            "keras": keras.version(),
            "backend": f"{keras.backend.backend()} {_backend_version()}",
        },
        history=history,
        null=null,
    )


def save_results(folder: Path, record: TrainingRecord, *curve: str) -> None:
    """Writes `training.json`, the curve and the card into a preset folder.

    Args:
        folder: The preset, whose weights the record is about.
        record: The record. It gets the digest of the weights.
        *curve: The metric that the curve shows, and its name, if it is not accuracy.
    """
    from keras_resblocks_plugin.hub._card import model_card

    record.weights = _runs.weights_digest(folder)
    record.save(folder)
    plot_curve(record.whole_history, folder / "curve.png", *curve)
    model_card(folder).save(folder / "README.md")
    print(f"Saved {folder}: " + ", ".join(f"{k} {v:.4f}" for k, v in record.results.items()))


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
