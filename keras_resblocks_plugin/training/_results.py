"""The files that a run leaves beside the weights: figures, curve and card."""

import os
import platform
from pathlib import Path

import keras
import matplotlib

from keras_resblocks_plugin.saving._training_record import TrainingRecord
from keras_resblocks_plugin.training import _runs

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def training_record(
    recipe: dict, data: dict, results: dict[str, float], history: list[dict], seed: int
) -> dict:
    """The part of a `TrainingRecord` that every run has: what it takes to repeat the run."""
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


def hardware() -> str:
    """The processor and its cores, or the accelerator."""
    accelerators = _accelerators()
    if accelerators:
        return f"{len(accelerators)} of {accelerators[0]}"
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        name = next((x.split(": ")[1] for x in lines if x.startswith("model name")), name)
    return f"{os.cpu_count()} cores of {name}"


def plot_curve(
    history: list[dict], file: Path, metric: str = "accuracy", metric_name: str = "top-1 accuracy"
) -> None:
    """A metric over epochs, on augmented training images and on held-out ones."""
    epochs = [figures["epoch"] for figures in history]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(epochs, [f[metric] for f in history], label="training images, augmented")
    if f"val_{metric}" in history[0]:
        axes.plot(epochs, [f[f"val_{metric}"] for f in history], label="held-out images")
    axes.set(xlabel="epoch", ylabel=metric_name, ylim=(0, None), xlim=(1, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=100, metadata={"Software": None})
    plt.close(figure)


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


def read_record(folder: Path) -> dict:
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
    return record.to_json()


def whole_history(record: dict) -> list[dict]:
    """The epochs of the run, after those of the run that its weights come from."""
    return TrainingRecord.from_json(record).whole_history


def _accelerators() -> list[str]:
    if keras.backend.backend() == "torch":
        # Keras has no `distribution` on PyTorch.
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
